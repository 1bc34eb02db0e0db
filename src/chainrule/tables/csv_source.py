"""A delimited text as DuckDB takes it: as it is, or rewritten where DuckDB would divide it otherwise than ``csv_records`` does."""

from __future__ import annotations

from .column_stream import DelimitedFile
from .csv_layout import Layout
from .csv_records import rewrite, rows
from .plain_text import DELIMITERS, PlainText, count_marks


def as_it_is(text: PlainText, layout: Layout) -> DelimitedFile | None:
    """Give the file as it is; None where DuckDB would divide it otherwise."""
    if layout.dialect.delimiter == " " or layout.n_fields == 1 or layout.dialect.backslash or text.spaced_quotes:
        return None
    skip = layout.sample[0].line - 1
    most_rows = text.file.stat().st_size // layout.n_fields + 1  # a row has a byte for each field's end; blank lines are none
    capacity = min(text.n_lines, most_rows)
    return DelimitedFile(text.file, layout.dialect.delimiter, layout.n_fields, skip, capacity, text.longest_line)


def rewritten(text: PlainText, layout: Layout) -> DelimitedFile:
    """Give the rows in the plainest form, each checked to have the same number of fields."""
    file, n_rows, longest = rewrite(text, layout.dialect, layout.n_fields, skip=layout.skip)
    return DelimitedFile(file, ",", layout.n_fields, 0, n_rows, longest)


def is_strict(text: PlainText, layout: Layout, n_rows: int) -> bool:
    """Whether no row has more fields than the others: DuckDB drops empty ones at a line's end."""
    mark = layout.dialect.delimiter.encode()
    if mark in DELIMITERS and mark not in text.ends:
        return True
    if text.quotes:
        for _ in rows(text, layout.dialect, layout.n_fields, skip=layout.skip):
            pass  # raises where a row has another number of fields
        return True
    return count_marks(text.file, mark, skip=layout.sample[0].line - 1) == n_rows * (layout.n_fields - 1)
