"""The rows of a parquet file with further columns, written as parquet or as CSV; DuckDB copies them, whatever their types."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .._atomic_write import write_error
from .._types import AnyArray
from ..errors import DataError
from .locked_duckdb import literal
from .parquet_table import open_parquet, quoted

FORMATS = {
    ".parquet": "format parquet",
    ".csv": "format csv, header true",
    ".txt": "format csv, header true",
    ".tsv": "format csv, header true, delimiter '\t'",
}
"""How DuckDB writes a file, by its ending."""


def copy_with_columns(source: Path, out: Path, ending: str, added: Mapping[str, AnyArray]) -> list[str]:
    """Write the rows of a parquet file in their order, with columns added after their own.

    Values keep their types in parquet, except durations, which DuckDB writes as integers of their unit.

    Parameters
    ----------
    source, out : Path
    ending : str
        One of ``FORMATS``.
    added : mapping of str to array, shape (n,)
        Numbers, booleans, or texts as objects; with names that the file does not have.

    Returns
    -------
    durations : list of str
        The columns of durations.

    Raises
    ------
    FileError
        When the file cannot be read, or the new one not be written.
    DataError
        When it is damaged, has another number of rows, or names that differ in the case of letters only.
    """
    with open_parquet(source, out) as file:
        own = file.columns(index=True)
        names = [name for name, _, _ in own]
        _refuse_equal_names([*names, *added])
        n_rows = len(next(iter(added.values())))
        if file.n_rows != n_rows:
            raise DataError(f"{source} has {file.n_rows:,} rows, and had {n_rows:,} when its answers were computed")
        file.connection.register("added", dict(added))
        target = literal(str(out.absolute()))
        columns = ", ".join(f"rows.{quoted(own_name)} as {quoted(name)}" for name, own_name, _ in own)
        rows = "read_parquet(?, hive_partitioning=false) rows positional join added"
        query = f"copy (select {columns}, added.* from {rows}) to {target} ({FORMATS[ending]}, use_tmp_file false)"  # noqa: S608  # names are quoted
        with _write_errors(out):
            file.connection.execute(query, [file.located])
        return [name for name, _, type_ in own if type_.startswith("duration")]


@contextmanager
def _write_errors(out: Path) -> Iterator[None]:
    """Tell DuckDB's errors of the file that it writes from those of the one that it reads."""
    import duckdb

    try:
        yield
    except duckdb.IOException as error:
        if out.name not in str(error):
            raise
        codes = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
        reasons = [os.strerror(code) for code in codes if os.strerror(code) in str(error)]
        raise write_error(out, (reasons or ["DuckDB could not write it"])[0]) from None


def _refuse_equal_names(names: list[str]) -> None:
    """Refuse names that are equal in lower case, since DuckDB would rename one of them."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(name.lower(), name)
        if other != name:
            raise DataError(f"the columns {other!r} and {name!r} differ in the case of letters only; rename one")
