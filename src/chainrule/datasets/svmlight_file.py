"""Tables in svmlight files: sparse rows, each of which begins with its target."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from .._reading import check_size, translate_read_errors
from .._types import AnyArray
from .._warnings import user_stacklevel
from ..errors import DataError
from ..examples import Examples
from .untrusted_files import checked_examples, first_line, remaining_bytes

LIMIT_COLUMNS = 10_000_000  # a single number in the file can claim any width


def read_svmlight(path: Path, n_features: int | None = None, first_column: int | None = None) -> tuple[Examples, int]:
    """Read an svmlight file; return the examples and the number of the first column, 0 or 1.

    Raises
    ------
    DataError
        When it is not an svmlight file, names a column beyond ``n_features``, or names column 0 although ``first_column`` is 1.
    """
    x, y = _svmlight_entries(path)
    columns = x.indices
    least, most = (int(columns.min()), int(columns.max())) if len(columns) else (1, 0)
    base = first_column if first_column is not None else int(least > 0)
    if least < base:
        raise DataError(f"{path} counts its columns from 0, but they must be counted from 1, as in the training of the model")
    if n_features is None:
        n_features = most + 1 - base
    elif first_column is None and 0 < least <= most < n_features:
        warnings.warn(
            f"{path} names columns {least} to {most} of {n_features}; they are assumed to count from 1. If they count from 0, "
            "pass first_column=0",
            UserWarning,
            stacklevel=user_stacklevel(),
        )
    if most - base >= n_features:
        counts = f"{path} names column {most}, counted from {base}"
        raise DataError(f"{counts}, but there are {n_features:,} columns; leave out the columns beyond them")
    return checked_examples(path, type(x)((x.data, columns - base, x.indptr), shape=(len(y), n_features)), y), base


def _svmlight_entries(path: Path) -> tuple[Any, AnyArray]:
    """Read an svmlight file's entries as CSR (n, columns), with the file's own column numbers, and its targets (n,)."""
    from sklearn.datasets import load_svmlight_file

    with translate_read_errors(path), path.open("rb") as file:
        check_size(path, remaining_bytes(file))
        _check_underscores(path, file)
        try:
            x, y = load_svmlight_file(file, zero_based=True)
        except (ValueError, OverflowError, IndexError) as error:
            raise DataError(
                f"{path} is not an svmlight file, whose lines read 'target column:value ...' ({first_line(error)})"
            ) from None
    if not len(y):
        raise DataError(f"{path} holds no rows")
    if x.shape[1] > LIMIT_COLUMNS:
        raise DataError(f"{path} names column {x.shape[1] - 1:,}; the limit is {LIMIT_COLUMNS:,}. Number the columns without gaps")
    return x, y


def _check_underscores(path: Path, file: Any) -> None:
    """Refuse numbers such as 1_0, which only Python reads as 10."""
    for k, line in enumerate(file, start=1):
        if b"_" in line and b"_" in line.partition(b"#")[0]:
            raise DataError(f"{path} is not an svmlight file: line {k} holds '_', which numbers must not; correct that line")
    file.seek(0)
