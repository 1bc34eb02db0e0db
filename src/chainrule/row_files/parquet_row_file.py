"""Rows of a Parquet file, by its own row groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._types import AnyArray
from .arrow_columns import check_numeric, read_columns
from .remote_path import AnyPath, open_for_arrow
from .row_file import RowFile, import_arrow, translate_arrow_errors


class ParquetRowFile(RowFile):
    """A Parquet file of numeric columns; see ``RowFile``."""

    path: AnyPath

    def __init__(self, path: AnyPath, target: str, weights: str | None = None) -> None:
        super().__init__(path, target, weights)
        with translate_arrow_errors(path), self._open() as file:
            self._metadata, schema = file.metadata, file.schema_arrow
        self.names = self._input_names(schema.names)
        self.n_in = len(self.names)
        self.types = {name: str(schema.field(name).type) for name in (*self.names, *self.others)}
        for name in (*self.names, *self.others):
            check_numeric(self, name, schema.field(name).type)
        self.group_rows = [self._metadata.row_group(k).num_rows for k in range(self._metadata.num_row_groups)]

    def _columns(self, group: int) -> Iterator[AnyArray]:
        options = {"metadata": self._metadata, "page_checksum_verification": True}  # a file may have checksums of its pages
        with translate_arrow_errors(self.path, group), self._open(**options) as file:
            table = file.read_row_group(group, columns=[*self.names, *self.others], use_threads=False)
        yield from read_columns(self, group, table)

    @contextmanager
    def _open(self, **options: Any) -> Iterator[Any]:
        parquet = import_arrow("pyarrow.parquet")
        with open_for_arrow(self.path) as source, parquet.ParquetFile(source, **options) as file:
            yield file
