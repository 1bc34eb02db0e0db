"""The rows of a delimited text file as they are written, with the same layout as ``read_table`` finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .csv_layout import find_layout
from .csv_records import rows
from .plain_text import open_plain_text
from .text_rules import TextRules


@dataclass(frozen=True)
class RawRows:
    """The fields of a file, row by row.

    Attributes
    ----------
    names : list of str or None
        The names in the header; None of a file without one.
    delimiter : str
    rows : iterator of lists of str
        The fields of each row; blanks around them and quotes are left out.
    """

    names: list[str] | None
    delimiter: str
    rows: Iterator[list[str]]


@contextmanager
def open_raw_rows(
    path: Path, *, delimiter: str | None = None, encoding: str | None = None, header: bool | None = None
) -> Iterator[RawRows]:
    """Open a delimited text file, packed with gzip or not, to read its rows in their order.

    Raises
    ------
    FileError, DataError, SettingError
        As ``read_table`` raises them.
    """
    with open_plain_text(path, encoding) as text:
        layout = find_layout(text, delimiter=delimiter, header=header, rules=TextRules(from_file=True))
        records = rows(text, layout.dialect, layout.n_fields, skip=layout.skip)
        width = len(layout.names)
        names = layout.names if layout.skip or layout.names != [str(k) for k in range(width)] else None
        yield RawRows(names, layout.dialect.delimiter, (record.fields[:width] for record in records))
