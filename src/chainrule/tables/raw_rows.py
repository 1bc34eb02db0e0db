"""The rows of a delimited text file as they are written, with the same layout as ``read_table`` finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from .csv_layout import Layout, find_layout
from .csv_records import Dialect, is_blank, records, rows
from .plain_text import DELIMITERS, PlainText, open_plain_text
from .text_rules import TextRules


@dataclass(frozen=True)
class RawRows:
    """The fields of a file, row by row.

    Attributes
    ----------
    names : list of str or None
        The fields of the header; None of a file without one.
    delimiter, encoding : str
    rows : iterator of lists of str
        The fields of each row, without their quotes. Blanks around a field are kept, but those before a field are left out where
        blanks divide the fields, or where the file has a blank before a quote, which is read as in ``", "``.
    """

    names: list[str] | None
    delimiter: str
    encoding: str
    rows: Iterator[list[str]]


@contextmanager
def open_raw_rows(
    path: Path, rules: TextRules, *, delimiter: str | None = None, encoding: str | None = None, header: bool | None = None
) -> Iterator[RawRows]:
    """Open a delimited text file, packed with gzip or not, to read its rows in their order.

    The same arguments as those of ``read_by_rules`` give the same rows.

    Raises
    ------
    FileError, DataError, SettingError
        As ``read_table`` raises them.
    """
    with open_plain_text(path, encoding) as text:
        layout = find_layout(text, delimiter=delimiter, header=header, rules=rules)
        dialect = replace(layout.dialect, keep_blanks=_belong_to_fields(text, layout.dialect))
        width = len(layout.names)
        fields = (record.fields[:width] for record in rows(text, dialect, layout.n_fields, skip=layout.skip))
        yield RawRows(_header(text, dialect, layout), dialect.delimiter, text.encoding, fields)


def _belong_to_fields(text: PlainText, dialect: Dialect) -> bool:
    """Whether blanks before a field can be kept: no quoted field begins with them, as far as the facts of the text tell."""
    if dialect.delimiter == " ":
        return False
    if not text.quotes:
        return True
    with text.file.open(encoding="utf-8") as file:
        begin = file.readline().split('"')[0]  # text.spaced_quotes tells of all lines but the first
    spaced = text.spaced_quotes or (begin.startswith(" ") and not begin.strip())
    return dialect.delimiter.encode() in DELIMITERS and not spaced


def _header(text: PlainText, dialect: Dialect, layout: Layout) -> list[str] | None:
    """Give the names as they are written; None of a file without them."""
    if not layout.skip:
        in_comment = layout.names != [str(k) for k in range(len(layout.names))]
        return layout.names if in_comment else None
    fields = next(record.fields for record in records(text, dialect) if not is_blank(record))
    return [""] * layout.row_names + fields[: len(layout.names) - layout.row_names]
