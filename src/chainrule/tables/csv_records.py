"""The records of a delimited text, one by one, with the lines where they begin: exact, and slower than DuckDB."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ..errors import DataError
from .plain_text import PlainText


@dataclass(frozen=True)
class Dialect:
    r"""How a text is divided into fields.

    Attributes
    ----------
    delimiter : str
        One character; a space stands for any run of spaces and tabs.
    preamble : int
        The number of lines before the first record: comments, and Excel's ``sep=;``.
    backslash : bool
        Whether a quote inside a quoted field is written ``\"`` and not ``""``.
    keep_blanks : bool
        Whether blanks before a field belong to it; then a quote after a blank opens no quoted field.
    """

    delimiter: str
    preamble: int = 0
    backslash: bool = False
    keep_blanks: bool = False


class Record(NamedTuple):
    """The fields of one record, and the line where it begins; the first line of a file is 1."""

    line: int
    fields: list[str]


class QuoteError(DataError):
    """A quoted field is not closed, or text follows its closing quote."""


def records(text: PlainText, dialect: Dialect) -> Iterator[Record]:
    """Read the records after the preamble; blank lines are left out where a record has more than one field.

    Raises
    ------
    QuoteError
        When a quoted field is not closed, or text follows its closing quote.
    """
    with text.file.open(encoding="utf-8", newline="\n") as file:
        lines: Iterator[str] = islice(file, dialect.preamble, None)
        if dialect.delimiter == " ":
            lines = (line.replace("\t", " ").strip(" \n") + "\n" for line in lines)
        escape = {"doublequote": False, "escapechar": "\\"} if dialect.backslash else {}
        trims = not dialect.keep_blanks
        reader = csv.reader(lines, delimiter=dialect.delimiter, skipinitialspace=trims, strict=True, **escape)  # type: ignore[arg-type]
        begin = dialect.preamble + 1
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise QuoteError(f"{text.path}, line {begin}: {_told(error)}") from None
            yield Record(begin, fields)
            begin = dialect.preamble + reader.line_num + 1


def _told(error: csv.Error) -> str:
    """Say what is wrong with the quotes of a record."""
    if "expected after" in str(error):
        return "text, or a blank, follows a closing quote; write a quote inside a quoted field twice"
    if "field larger" in str(error):
        limit = f"{csv.field_size_limit():,} characters"
        return f"a field is longer than {limit}; close its quote, or give so long a text in a file of parquet or lines of JSON"
    return "a quoted field is not closed"


def rows(text: PlainText, dialect: Dialect, n_fields: int, *, skip: int) -> Iterator[Record]:
    """Read the records below the header, each checked to have this number of fields; blank lines are left out.

    In a table of one column a blank line is a gap, except at the end of the file.

    Raises
    ------
    DataError
        When a record has another number of fields (``QuoteError`` as ``records`` raises it).
    """
    blank: list[Record] = []
    for record in islice((record for record in records(text, dialect) if n_fields == 1 or not is_blank(record)), skip, None):
        if n_fields == 1 and is_blank(record):
            blank.append(Record(record.line, [""]))
            continue
        yield from blank
        blank.clear()
        if len(record.fields) != n_fields:
            raise ragged(text, dialect, record, n_fields)
        yield record


def is_blank(record: Record) -> bool:
    """Whether a record is a line without a character, blanks apart."""
    return len(record.fields) <= 1 and not "".join(record.fields).strip()


def ragged(text: PlainText, dialect: Dialect, record: Record, n_fields: int) -> DataError:
    """The error that a record has another number of fields than those before it."""
    found = f"{len(record.fields)} field{'s' * (len(record.fields) != 1)}"
    divider = {"\t": "tabs", " ": "spaces"}.get(dialect.delimiter, repr(dialect.delimiter))
    return DataError(
        f"{text.path}, line {record.line}: {found}, divided by {divider}, where the lines before have {n_fields}; correct it, "
        "quote a field that holds the delimiter, or name another delimiter (--delimiter, delimiter=)"
    )


def rewrite(text: PlainText, dialect: Dialect, n_fields: int, *, skip: int) -> tuple[Path, int, int]:
    """Write the rows to a temporary file in the plainest form: commas, every field quoted.

    Returns
    -------
    file : Path
    n_rows : int
    longest : int
        An upper bound of the longest row, in bytes.

    Raises
    ------
    DataError
        As ``rows`` does.
    """
    file = text.folder / "rewritten.csv"
    count = longest = 0
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for record in rows(text, dialect, n_fields, skip=skip):
            longest = max(longest, writer.writerow([field.strip() for field in record.fields]))
            count += 1
    return file, count, 4 * longest
