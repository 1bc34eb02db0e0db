"""Rows of a CSV file: a header, then numbers; a row group is some megabytes of whole lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

from .._reading import translate_read_errors
from .._types import AnyArray
from ..errors import DataError
from .remote_path import AnyPath
from .row_file import GROUP_BYTES, RowFile, import_arrow, translate_arrow_errors

_WRONG_COLUMN = re.compile(r"In CSV column #(\d+): .*invalid value '(.*)'")


class CsvRowFile(RowFile):
    """A CSV file with a header, of numbers divided by commas; see ``RowFile``."""

    path: AnyPath

    def __init__(self, path: AnyPath, target: str, weights: str | None = None) -> None:
        super().__init__(path, target, weights)
        import_arrow("pyarrow.csv")
        with translate_read_errors(path), path.open("rb") as file:
            header = file.readline(GROUP_BYTES)
            self._begins = [file.tell()]
            self.group_rows = []
            while block := file.read(GROUP_BYTES):
                self._add_group(block, whole=len(block) < GROUP_BYTES)
                file.seek(self._begins[-1])
        try:
            self._header = next(csv.reader([header.decode("utf-8-sig")]), [])
        except UnicodeDecodeError:
            raise DataError(f"{path}: its first line is not UTF-8; save the file as UTF-8") from None
        except csv.Error:
            raise DataError(f"{path}: its first line cannot be read; end lines by a line feed, with or without a return") from None
        if not any(name.strip() for name in self._header):
            raise DataError(f"{path}: its first line is blank; begin the file with the names of the columns")
        self.names = self._input_names(self._header)
        self.n_in = len(self.names)
        self.types = dict.fromkeys((*self.names, *self.others), "numbers in a CSV file")

    def _add_group(self, block: bytes, *, whole: bool) -> None:
        """Add a row group: the whole lines of a block, or all of the file's last one."""
        length = len(block) if whole else block.rfind(b"\n") + 1
        if not length:
            raise DataError(f"{self.path}: a line is longer than {GROUP_BYTES:,} bytes; this is not a table of numbers")
        rows = block.count(b"\n", 0, length)
        self.group_rows.append(rows + (not block[:length].endswith(b"\n")))
        self._begins.append(self._begins[-1] + length)

    def _columns(self, group: int) -> Iterator[AnyArray]:
        arrow, arrow_csv = import_arrow("pyarrow"), import_arrow("pyarrow.csv")
        names = [*self.names, *self.others]
        with translate_read_errors(self.path), self.path.open("rb") as file:
            file.seek(self._begins[group])
            lines = file.read(self._begins[group + 1] - self._begins[group])
        with translate_arrow_errors(self.path, group):
            try:
                table = arrow_csv.read_csv(
                    arrow.BufferReader(lines),
                    read_options=arrow_csv.ReadOptions(column_names=self._header, use_threads=False, block_size=GROUP_BYTES + 1),
                    parse_options=arrow_csv.ParseOptions(ignore_empty_lines=False),
                    convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, arrow.float64())),
                )
            except arrow.ArrowInvalid as error:
                self._refuse_blank_line(group, lines)
                self._refuse_text(group, str(error))
                raise
        for k, name in enumerate(names):
            column = table.column(name)
            if column.null_count:
                self._refuse_blank_line(group, lines)
            self.check_complete(group, k, column.null_count)
            yield column.to_numpy()

    def _refuse_blank_line(self, group: int, lines: bytes) -> None:
        """Name the first line of a row group that holds nothing but spaces."""
        blank = next((k for k, line in enumerate(lines.splitlines()) if not line.strip()), None)
        if blank is not None:
            number = sum(self.group_rows[:group]) + blank + 2  # from 1, after the header
            raise self.fault(group, f"line {number:,} of the file is blank; leave blank lines out") from None

    def _refuse_text(self, group: int, message: str) -> None:
        """Name the column of a text that is not a number."""
        found = _WRONG_COLUMN.search(message)
        if found:
            name = self._header[int(found[1])]
            raise self.fault(
                group,
                f"column {name!r} holds {found[2][:50]!r}, not a number; {self.remedy_for_texts(name)}",
            ) from None
