"""Rows of a Parquet file, by its own row groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .._types import AnyArray
from ..errors import DataError
from .row_file import RowFile, import_arrow, translate_arrow_errors


class ParquetRowFile(RowFile):
    """A Parquet file of numeric columns; see ``RowFile``."""

    def __init__(self, path: Path, target: str, weights: str | None = None) -> None:
        super().__init__(path, target, weights)
        with translate_arrow_errors(path), import_arrow("pyarrow.parquet").ParquetFile(path) as file:
            self._metadata, schema = file.metadata, file.schema_arrow
        self.names = self._input_names(schema.names)
        self.n_in = len(self.names)
        self.types = {name: str(schema.field(name).type) for name in (*self.names, *self.others)}
        for name in (*self.names, *self.others):
            self._check_numeric(name, schema.field(name).type)
        self.group_rows = [self._metadata.row_group(k).num_rows for k in range(self._metadata.num_row_groups)]

    def _columns(self, group: int) -> Iterator[AnyArray]:
        names = [*self.names, *self.others]
        options = {"metadata": self._metadata, "page_checksum_verification": True}  # a file may have checksums of its pages
        with translate_arrow_errors(self.path, group), import_arrow("pyarrow.parquet").ParquetFile(self.path, **options) as file:
            table = file.read_row_group(group, columns=names, use_threads=False)
        for k, name in enumerate(names):
            column = table.column(name)
            self.check_complete(group, k, column.null_count)
            yield self._numbers(column, group)

    def _numbers(self, column: Any, group: int) -> AnyArray:
        """Give a column's numbers; whole numbers that float64 does not hold are refused."""
        values: AnyArray = column.to_numpy()
        if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
            with translate_arrow_errors(self.path, group):
                values = column.cast("float64").to_numpy()
        return values.astype(np.float32) if values.dtype == np.float16 else values

    def _check_numeric(self, name: str, type_: Any) -> None:
        """Refuse a column that does not hold plain numbers."""
        types = import_arrow("pyarrow").types
        if not (types.is_integer(type_) or types.is_floating(type_) or types.is_boolean(type_)):
            kind = "texts" if types.is_dictionary(type_) else type_
            raise DataError(f"{self.path}: column {name!r} holds {kind}, not numbers; {self.remedy_for_texts(name)}")
