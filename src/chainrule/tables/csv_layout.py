"""The layout of a delimited text: its delimiter, the lines above its records, its header and its names.

1. Excel's first line ``sep=;`` tells the delimiter; lines that begin with # above the first record are comments, except one that
   holds the names (``# x,y``).
2. The delimiter is the one of , ; tab | with which all records have the same number of fields, more than one; else spaces. In a
   file named .tsv or .tab it is the tab. Where two of them divide all records evenly, it is the one with which all fields are
   numbers; else the file is refused. Where a field holds several numbers (``18.0   8   307.0``) it is the space.
3. A delimiter at the end of each line adds no column. Where each record has one field more than the header, the first holds row
   names, if it counts the rows or has no two equal texts, as R writes them; else the file is refused.
4. The first record is the header where one of its fields is a text above numbers or dates, and is refused where a number that is
   not whole stands beside it; it is not the header where it holds a number above numbers, where each of its texts recurs in its own
   column, or where it is the only record and holds numbers alone. Where the table is read for a model, the names of the model's
   columns decide; for one that learnt without a header the first record is a row, unless an option says otherwise. Years and
   counters above numbers (country,2019,2020) are a header where a text or an empty name stands beside them, and are refused where
   none does.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import DataError, SettingError
from .column import first_repeated
from .column_choice import LIMIT_COLUMNS
from .csv_records import Dialect, QuoteError, Record, is_blank, ragged, records
from .date_texts import parse_date
from .number_texts import is_code, parse_number
from .plain_text import PlainText
from .text_rules import TextRules

CANDIDATES = (",", ";", "\t", "|")
SPELLED = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}
N_SAMPLE = 1000  # records that eliminate delimiters and choose the way to read a column; all records are checked afterwards
MOST_BLANK_LINES = 10_000  # among these records: each delimiter that is tried reads the lines anew
YEARS = range(1800, 2201)
UNNAMED = "Unnamed: "
_CLOSING = {"\u201c": "\u201d", "\u201e": "\u201c", "\u2018": "\u2019", "'": "'"}
_INVISIBLE = "\ufeff\u200b"  # a byte-order mark that stands twice, and a space without width


@dataclass(frozen=True)
class Layout:
    """How a text is divided into columns.

    Attributes
    ----------
    dialect : Dialect
    names : list of str
        One a column; of a file without a header "0", "1", ...
    skip : int
        The number of records above the first row: 1 where there is a header.
    sample : list of Record
        The first rows.
    n_fields : int
        The number of fields of a record; more than the names where each line ends with delimiters.
    row_names : bool
        Whether the first column is that of R's row names, which the header does not name.
    """

    dialect: Dialect
    names: list[str]
    skip: int
    sample: list[Record]
    n_fields: int
    row_names: bool = False


def find_layout(text: PlainText, *, delimiter: str | None, header: bool | None, rules: TextRules) -> Layout:
    """Find delimiter, header and names of a text.

    Raises
    ------
    DataError
        When there is no row, records have different numbers of fields, two columns have one name, there are too many columns, or
        delimiter or header cannot be decided.
    """
    told, comments, preamble = _preamble(text)
    dialect, sample = _divide(text, delimiter or told, preamble)
    names_above = _names_in_comment(comments, dialect, sample)
    if names_above:
        sample = [Record(preamble, names_above), *sample]
    n_fields = len(sample[-1].fields) if len(sample) > 1 else len(sample[0].fields)
    if max(n_fields, len(sample[0].fields)) > LIMIT_COLUMNS:
        raise DataError(f"{text.path} has more than {LIMIT_COLUMNS:,} columns, which is the limit; write sparse rows as .svmlight")
    has_header = header if header is not None else bool(names_above) or _has_header(text, sample, rules)
    if not has_header and len(sample[0].fields) != n_fields:
        raise ragged(text, dialect, sample[1], len(sample[0].fields))
    if not has_header:
        return Layout(dialect, [str(k) for k in range(n_fields)], 0, sample, n_fields)
    if len(sample) == 1:
        raise DataError(f"{text.path} holds no rows, only a header (line {sample[0].line})")
    first, rest = sample[0], sample[1:]
    row_names = len(first.fields) == n_fields - 1 and _is_row_names(rest)
    if row_names:
        _refuse_other_quotes(text, rest)
    too_few = not row_names and len(first.fields) < n_fields and any(record.fields[-1].strip() for record in rest)
    if too_few or len(first.fields) > n_fields:
        raise ragged(text, dialect, rest[0], len(first.fields))
    names = _names(text, ["", *first.fields] if row_names else first.fields, first.line)
    if rules.by_position:
        names = [str(k) for k in range(len(names))]
    return Layout(dialect, names, 0 if names_above else 1, rest, n_fields, row_names)


def _preamble(text: PlainText) -> tuple[str | None, list[str], int]:
    """The delimiter that Excel's first line tells, the comments, and the number of lines of both."""
    told, comments, count = None, list[str](), 0
    with text.file.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            bare = line.strip().strip('"')
            if count == 0 and bare.lower().startswith("sep=") and len(bare) <= 5:
                told = line.strip("\n\r").strip('"')[4:5] or "\t"
            elif line.startswith("#") and line.strip():
                comments.append(line.strip())
            else:
                break
            count += 1
    return told, comments, count


def _divide(text: PlainText, delimiter: str | None, preamble: int) -> tuple[Dialect, list[Record]]:
    """Choose the delimiter, and read the first records with it."""
    if delimiter is not None:
        return _as_told(text, _with_escape(text, Dialect(_one_character(delimiter), preamble)))
    even, uneven = list[tuple[Dialect, list[Record]]](), list[tuple[Dialect, list[Record]]]()
    for mark in (*_candidates(text.path), " "):
        if mark == " " and even:
            break
        dialect = _with_escape(text, Dialect(mark, preamble))
        if sample := _sample(text, dialect):
            fits = _is_even(sample) and not (mark == " " and uneven and _holds_marks(sample))
            (even if fits else uneven).append((dialect, sample))
    if not even:
        return _single_column(text, preamble, uneven)
    dialect, sample = even[0] if len(even) == 1 else _choose(text, even)
    return _by_blanks(text, dialect, sample) or (dialect, sample)


def _as_told(text: PlainText, dialect: Dialect) -> tuple[Dialect, list[Record]]:
    sample = _checked_sample(text, dialect)
    if all(len(record.fields) == 1 for record in sample) and any(mark in sample[0].fields[0] for mark in CANDIDATES):
        raise DataError(
            f"{text.path} is not divided by {dialect.delimiter!r}; name another delimiter (--delimiter, delimiter=), or none"
        )
    return dialect, sample


def _by_blanks(text: PlainText, dialect: Dialect, sample: list[Record]) -> tuple[Dialect, list[Record]] | None:
    """Divide by spaces where another delimiter leaves several numbers in a field; None where that does not divide evenly."""
    if dialect.delimiter == " " or not any(map(_holds_numbers, sample[-1].fields)):
        return None
    blanks = replace(dialect, delimiter=" ")
    divided = _sample(text, blanks)
    return (blanks, divided) if divided and _is_even(divided) else None


def _holds_numbers(field: str) -> bool:
    """Whether a field holds several numbers, divided by blanks, which is a sign of another delimiter."""
    parts = field.split()
    return len(parts) > 1 and not parse_number(field.strip()) and all(map(parse_number, parts))


def _with_escape(text: PlainText, dialect: Dialect) -> Dialect:
    r"""The dialect whose quotes are written \" inside quoted fields, where only that reads the whole text."""
    if not text.escaped_quotes:
        return dialect
    escaped = replace(dialect, backslash=True)
    return escaped if not _is_readable(text, dialect) and _is_readable(text, escaped) else dialect


def _is_readable(text: PlainText, dialect: Dialect) -> bool:
    try:
        for _ in records(text, dialect):
            pass
    except QuoteError:
        return False
    return True


def _candidates(path: Path) -> tuple[str, ...]:
    ends = [suffix.lower() for suffix in path.suffixes[-2:] if suffix.lower() != ".gz"]
    return ("\t",) if ends and ends[-1] in (".tsv", ".tab") else CANDIDATES


def _one_character(delimiter: str) -> str:
    mark = SPELLED.get(str(delimiter).lower(), delimiter)
    if not isinstance(mark, str) or len(mark) != 1 or mark in '"\n\r':
        raise SettingError(f"delimiter must be one character, such as ',', or tab, or space; it is {delimiter!r}")
    return mark


def _sample(text: PlainText, dialect: Dialect) -> list[Record] | None:
    """Read the first records; None where this delimiter does not fit the quotes."""
    try:
        return _first_records(text, dialect)
    except QuoteError:
        return None


def _first_records(text: PlainText, dialect: Dialect) -> list[Record]:
    """Read the first records that are not blank: a header and ``N_SAMPLE`` more, or fewer where many blank lines stand among them.

    Raises
    ------
    DataError
        When there is none (``QuoteError`` as ``records`` raises it).
    """
    found, n_blank = list[Record](), 0
    for record in records(text, dialect):
        if is_blank(record):
            n_blank += 1
        else:
            found.append(record)
        if len(found) > N_SAMPLE or n_blank > MOST_BLANK_LINES:
            break
    if found:
        return found
    if n_blank > MOST_BLANK_LINES:
        raise DataError(f"{text.path} begins with more than {MOST_BLANK_LINES:,} blank lines; remove them")
    raise DataError(f"{text.path} is empty, blank lines and comments apart; a table needs a line of names and rows")


def _checked_sample(text: PlainText, dialect: Dialect) -> list[Record]:
    sample = _first_records(text, dialect)
    width = len(sample[1].fields) if len(sample) > 1 else 0
    for record in sample[2:]:
        if len(record.fields) != width:
            raise ragged(text, dialect, record, width)
    return sample


def _is_even(sample: list[Record]) -> bool:
    """Whether all records have the same number of fields, more than one, where the first, a header, may have fewer."""
    widths = {len(record.fields) for record in sample[1:]} or {len(sample[0].fields)}
    first = len(sample[0].fields)
    return len(widths) == 1 and (first == min(widths) > 1 or (1 < first < min(widths)) or (first == 1 and _is_named_above(sample)))


def _is_named_above(sample: list[Record]) -> bool:
    """Whether a header of one field stands above two: row names, or a delimiter at each line's end."""
    return (
        len(sample) > 1
        and all(len(record.fields) == 2 for record in sample[1:])
        and (all(not record.fields[-1].strip() for record in sample[1:]) or _is_row_names(sample[1:]))
    )


def _holds_marks(sample: list[Record]) -> bool:
    """Whether a field holds a delimiter, so that the spaces beside it divide nothing."""
    return any(mark in field for record in sample for field in record.fields for mark in CANDIDATES)


def _choose(text: PlainText, even: list[tuple[Dialect, list[Record]]]) -> tuple[Dialect, list[Record]]:
    """Choose among delimiters that all divide the records evenly: the header too, or so that all fields are numbers."""
    even = [pair for pair in even if len(pair[1][0].fields) == len(pair[1][-1].fields)] or even
    if len(even) == 1:
        return even[0]
    numeric = [pair for pair in even if all(parse_number(field.strip()) for record in pair[1][1:] for field in record.fields)]
    if len(numeric) == 1 and not _is_name_with_mark(numeric[0][1][0]):
        return numeric[0]
    marks = " and ".join(repr(dialect.delimiter) for dialect, _ in even)
    raise DataError(f"{text.path}: {marks} divide all lines evenly; say which is the delimiter (--delimiter, delimiter=)")


def _is_name_with_mark(first: Record) -> bool:
    """Whether a first record that is not of numbers holds another delimiter, as in the name ``b,c``, which may be two names."""
    return _holds_marks([first]) and not all(parse_number(field.strip()) for field in first.fields)


def _single_column(text: PlainText, preamble: int, uneven: list[tuple[Dialect, list[Record]]]) -> tuple[Dialect, list[Record]]:
    """The dialect of a text of one column; refuses one that a delimiter divides unevenly, and names the line."""
    for dialect, sample in sorted(uneven, key=lambda pair: -sum(len(record.fields) > 1 for record in pair[1])):
        width = len(sample[0].fields)
        odd = next((record for record in sample if len(record.fields) != width), None)
        if odd and dialect.delimiter != " ":
            raise ragged(text, dialect, odd, width)
    dialect = Dialect(",", preamble)
    return dialect, _checked_sample(text, dialect)


def _names_in_comment(comments: list[str], dialect: Dialect, sample: list[Record]) -> list[str] | None:
    """The names that the last comment above the rows holds, as ``# x,y`` above numbers; None where it is a comment."""
    if not comments:
        return None
    mark = None if dialect.delimiter == " " else dialect.delimiter
    names = [name.strip().strip('"') for name in comments[-1].lstrip("#").strip().split(mark)]
    numbers = any(parse_number(field.strip()) for field in sample[0].fields)
    return [names[0] or "#", *names[1:]] if len(names) == len(sample[0].fields) > 1 and numbers else None


def _is_row_names(rest: list[Record]) -> bool:
    """Whether the first field of each record is its name: a text, no two of them equal, or the count of the rows from 1."""
    first = [record.fields[0].strip() for record in rest]
    if first == [str(k) for k in range(1, len(first) + 1)]:
        return True
    return len(set(first)) == len(first) and not any(parse_number(text) or not text for text in first)


def _refuse_other_quotes(text: PlainText, rest: list[Record]) -> None:
    """Refuse fields that other quotes than the usual ones enclose, such as “a,b” and 'a,b', which the delimiter divides."""
    for record in rest:
        for field in map(str.strip, record.fields):
            closing = _CLOSING.get(field[:1])
            if closing and closing not in field[1:] and any(other.strip().endswith(closing) for other in record.fields):
                quotes = f"the quotes {field[0]} and {closing}, which do not enclose a field"
                raise DataError(f'{text.path}, line {record.line}: the delimiter stands between {quotes}; write " instead')


def _refuse_repeated_header(text: PlainText, sample: list[Record], rules: TextRules) -> None:
    """Refuse a first record that recurs where all others hold numbers or dates under one of its texts: files joined together."""
    again = next((record for record in sample[1:] if record.fields == sample[0].fields), None)
    if again is None:
        return
    others = [record for record in sample[1:] if record.fields != sample[0].fields]
    names = [field.strip() for field in sample[0].fields]
    if any(
        not _is_value(name) and not rules.is_any_mark(name) and _is_typed({row.fields[k].strip() for row in others}, rules)
        for k, name in enumerate(names)
    ):
        raise DataError(
            f"{text.path}, line {again.line}: the names of line {sample[0].line} stand here again, as where files were joined; "
            "delete the line"
        )


def _has_header(text: PlainText, sample: list[Record], rules: TextRules) -> bool:
    """Decide whether the first record is the header."""
    first = [unicodedata.normalize("NFC", field.strip().strip(_INVISIBLE)) for field in sample[0].fields]
    told = _told_by_names(first, rules.known_names)
    if told is not None:
        return told
    if len(sample) == 1:
        return not all(_is_value(field) or rules.is_mark(field) for field in first)
    if len(first) != len(sample[1].fields):
        return True
    _refuse_repeated_header(text, sample, rules)
    columns = [{row.fields[k].strip() for row in sample[1:]} for k in range(len(first))]
    typed = [_is_typed(column, rules) for column in columns]
    numeric = [k for k, field in enumerate(first) if _is_value(field)]
    if any(typed[k] and field and k not in numeric and not rules.is_mark(field) for k, field in enumerate(first)):
        if any(typed[k] and parse_number(first[k]) and not first[k].isdecimal() for k in numeric):
            raise DataError(
                f"{text.path}, line {sample[0].line}, may be a header, or a row; say which (--header, --no-header, header=)"
            )
        return True
    others = [k for k, field in enumerate(first) if not (k in numeric and typed[k]) and field not in columns[k]]
    if not numeric:
        return bool(others)
    if not _is_run([first[k] for k in numeric]):
        return bool(others) and not any(typed[k] for k in numeric)
    if (not others and len(numeric) == len(first)) or (others and first[numeric[0]] == "1"):
        line = f"{text.path}, line {sample[0].line}"
        raise DataError(f"{line}, may be a header of years or a counter, or a row; say which (--header, --no-header, header=)")
    return bool(others)


def _told_by_names(first: list[str], known: tuple[str, ...]) -> bool | None:
    """Decide whether the first record is the header by the names that a model knows; None where they do not tell."""
    if known == tuple(map(str, range(len(known)))):
        return False if known and not _is_run(first) else None
    return True if set(known) <= set(first) else None


def _is_value(text: str) -> bool:
    """Whether a text is a number, in the digits of any script, or a date."""
    return parse_number(text) is not None or text.isdecimal() or parse_date(text) is not None


def _is_typed(column: set[str], rules: TextRules) -> bool:
    """Whether all texts, gaps apart, are numbers or dates."""
    texts = [text for text in column if not rules.is_any_mark(text)]
    return bool(texts) and (all(map(parse_number, texts)) or all(map(parse_date, texts)))


def _is_run(texts: list[str]) -> bool:
    """Whether two or more texts are consecutive years, or three or more count from 0 or 1."""
    if len(texts) < 2 or not all(text.isascii() and text.isdigit() and not is_code(text) for text in texts):
        return False
    numbers = [int(text[:10]) for text in texts]
    consecutive = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return consecutive and (numbers[0] in YEARS or (numbers[0] in (0, 1) and len(numbers) > 2))


def is_unnamed(name: str) -> bool:
    """Whether a column's name stands for an empty one in the header."""
    return name.startswith(UNNAMED)


def _names(text: PlainText, fields: list[str], line: int) -> list[str]:
    """The columns' names, composed (NFC) and trimmed; an empty name becomes "Unnamed: 0" in the first column, as pandas names it.

    Raises
    ------
    DataError
        When two columns have one name.
    """
    names = [unicodedata.normalize("NFC", field.strip().strip(_INVISIBLE).strip()) for field in fields]
    names = [name or f"{UNNAMED}{k}" for k, name in enumerate(names)]
    if len(set(names)) < len(names):
        twice = first_repeated(names)
        places = [k + 1 for k, name in enumerate(names) if name == twice]
        raise DataError(f"{text.path}, line {line}: two columns, {places[0]} and {places[1]}, are named {twice!r}; rename one")
    return names
