"""Columns of an Arrow table as NumPy's numbers: what Parquet files and the blocks of a Ray Dataset have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._types import AnyArray
from ..errors import DataError
from .row_file import RowFile, import_arrow, translate_arrow_errors


def check_numeric(file: RowFile, name: str, type_: Any) -> None:
    """Refuse a column that does not hold plain numbers."""
    types = import_arrow("pyarrow").types
    if not (types.is_integer(type_) or types.is_floating(type_) or types.is_boolean(type_)):
        kind = "texts" if types.is_dictionary(type_) else type_
        raise DataError(f"{file.path}: column {name!r} holds {kind}, not numbers; {file.remedy_for_texts(name)}")


def read_columns(file: RowFile, group: int, table: Any) -> Iterator[AnyArray]:
    """Give the columns of a row group: each input column, then the others; whole numbers that float64 does not hold are refused."""
    for k, name in enumerate((*file.names, *file.others)):
        column = table.column(name)
        file.check_complete(group, k, column.null_count)
        values: AnyArray = column.to_numpy()
        if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
            with translate_arrow_errors(file.path, group):
                values = column.cast("float64").to_numpy()
        yield values.astype(np.float32) if values.dtype == np.float16 else values
