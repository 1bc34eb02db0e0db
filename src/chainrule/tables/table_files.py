"""Many files as one table of rows in batches: Parquet files by their types, or delimited texts; a few MB are in memory at a time.

A batch holds what a file tells of each column, before its kind is decided: numbers, dates, or texts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from .._reading import translate_read_errors
from .._types import AnyArray
from ..errors import DataError, DataTypeError, SettingError
from ..row_files.row_file import import_arrow, shown, translate_arrow_errors
from .arrow_stream import Texts
from .column import Kind
from .column_choice import check_names, checked_kinds
from .column_kinds import BOOLEANS, row_name
from .column_stream import NumberQuery, TokenizerError, batches_of
from .csv_layout import find_layout
from .csv_source import as_it_is, is_strict, rewritten
from .number_columns import LARGEST_EXACT
from .number_texts import Decimal, decimals_of, plain_decimal
from .plain_text import open_plain_text
from .table import normalized
from .text_rules import TextRules
from .typed_columns import FIRST_YEAR, LAST_YEAR, convert_remedy

BATCH_ROWS = 1 << 16
"""The most rows of a batch."""

BATCH_VALUES = 1 << 21
"""The most values of a batch of many columns."""

LEAST_BATCH = 1 << 10

Base = Literal["number", "date", "boolean", "text", "long", "nothing"]
"""What the values of a column are in the files: numbers, datetime64[us], or ``CodedTexts``: of booleans, texts, or whole numbers
that are too long for float64; nothing where all are gaps."""


def rows_of_batch(n_columns: int) -> int:
    """Give the most rows of a batch: fewer of many columns."""
    return min(BATCH_ROWS, max(BATCH_VALUES // max(n_columns, 1), LEAST_BATCH))


class CodedTexts(NamedTuple):
    """The texts of a batch: each row's position in ``texts``, int32 (n,), -1 for none; and the distinct ones."""

    codes: AnyArray
    texts: Sequence[str]


RawColumn = AnyArray | CodedTexts


class TableFile(Protocol):
    """A file of a table."""

    path: Path
    bases: dict[str, Base]

    def batches(self) -> Iterator[tuple[int, dict[str, RawColumn]]]:
        """Read all rows: the number of each batch's, and its columns."""
        ...


class PlanChanged(Exception):
    """A column must be read in another way than it has been so far: all files are read again."""


@dataclass
class NumberPlan:
    """How columns are read, which values may change.

    Attributes
    ----------
    rules : TextRules
    numbers : set of str
        The columns that are required to hold numbers.
    decimals : dict
        Of delimited texts: the decimal mark of the columns that are read as numbers, None for those that are read as texts.
    long : set of str
        Columns of whole numbers that are texts, because float64 does not hold them.
    dates, texts : set of str
        Columns of many texts: those of ISO dates, which are read as such, and those that have turned out to hold something else.
    """

    rules: TextRules
    numbers: set[str] = field(default_factory=set)
    decimals: dict[str, Decimal | Literal[""] | None] = field(default_factory=dict)
    long: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)

    def try_dates(self, name: str, texts: Iterable[str]) -> None:
        """Have a column of too many texts read as ISO dates, if these are such.

        Raises
        ------
        PlanChanged
            When they are.
        """
        if name not in self.texts and iso_dates(list(texts), self.rules) is not None:
            self.dates.add(name)
            raise PlanChanged

    def read_dates(self, name: str, raw: CodedTexts) -> AnyArray:
        """Read the texts of a column as ISO dates.

        Raises
        ------
        PlanChanged
            When one is not.
        """
        dates = iso_dates(raw.texts, self.rules)
        if dates is None:
            self.dates.remove(name)
            self.texts.add(name)
            raise PlanChanged
        return np.append(dates, np.datetime64("NaT"))[raw.codes]

    def check(self, name: str, values: AnyArray, odd: Texts) -> None:
        """Change the way to read a column that holds texts beside numbers that are no gaps, or whole numbers that are too long.

        Raises
        ------
        PlanChanged
        """
        others = {text.decode().strip() for text in odd.values}
        others = {text for text in others if not self.rules.is_any_mark(text)}
        if others:
            self.decimals[name] = self._decimal_with(name, sorted(others))
        elif np.any(np.abs(values) >= LARGEST_EXACT):
            self.decimals[name] = None
        else:
            return
        raise PlanChanged

    def _decimal_with(self, name: str, others: list[str]) -> Decimal | Literal[""] | None:
        """Give the decimal mark with which these texts are numbers too, where the column has had whole numbers alone."""
        decimal = plain_decimal(others)
        if self.decimals[name] == "" and decimal and any(decimals_of(text) == {decimal} for text in others):
            return decimal
        return None


_ISO_DATE = re.compile(r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)?")


def iso_dates(texts: Sequence[str], rules: TextRules) -> AnyArray | None:
    """Read texts as dates in ISO's form without a time zone: datetime64[us] (n,), NaT for marks of gaps; None where one is no date.

    Examples
    --------
    >>> iso_dates(["2021-03-31 07:30", "?"], TextRules())
    array(['2021-03-31T07:30:00.000000',                        'NaT'],
          dtype='datetime64[us]')
    """
    trimmed = [text.strip() for text in texts]
    written = ["NaT" if rules.is_any_mark(text) else text for text in trimmed]
    if not all(text == "NaT" or _ISO_DATE.fullmatch(text) for text in written):
        return None
    try:
        return np.array(written, "datetime64[us]")
    except ValueError:
        return None  # such as the 30th of February


class ParquetTableFile:
    """A Parquet file, whose types decide.

    Raises
    ------
    DataTypeError
        When a column holds something that a table cannot hold.
    """

    def __init__(self, path: Path, plan: NumberPlan) -> None:
        self.path, self._plan = path, plan
        with translate_read_errors(path):
            path.open("rb").close()
        with self._open() as file:
            schema = file.schema_arrow
            self._names = _without_index(schema)
            types = {name: schema.field(name).type for name in self._names}
        check_names([normalized(name) for name in self._names])
        self.bases = {normalized(name): self._base(name, type_) for name, type_ in types.items()}

    def _open(self) -> Any:
        with translate_arrow_errors(self.path):
            return import_arrow("pyarrow.parquet").ParquetFile(self.path, page_checksum_verification=True)

    def _base(self, name: str, type_: Any) -> Base:
        types = import_arrow("pyarrow").types
        value = type_.value_type if types.is_dictionary(type_) else type_
        if types.is_integer(value) or types.is_floating(value) or types.is_decimal(value) or types.is_duration(value):
            return "number"
        if types.is_boolean(value):
            return "boolean"
        if types.is_string(value) or types.is_large_string(value):
            return "text"
        if types.is_date(value) or types.is_timestamp(value):
            return "date"
        if types.is_null(value):
            return "nothing"
        raise DataTypeError(
            f"{self.path}, column {name!r}: values of type {type_} cannot be used; {convert_remedy(self._plan.rules)}"
        )

    def batches(self) -> Iterator[tuple[int, dict[str, RawColumn]]]:
        """Read all rows; the errors name the file."""
        with self._open() as file:
            row = 0
            batches = file.iter_batches(batch_size=rows_of_batch(len(self._names)), columns=self._names, use_threads=False)
            while True:
                with translate_arrow_errors(self.path):
                    batch = next(batches, None)
                if batch is None:
                    return
                read = {normalized(name): self._column(name, batch.column(k), row) for k, name in enumerate(self._names)}
                yield batch.num_rows, read
                row += batch.num_rows

    def _column(self, name: str, values: Any, row: int) -> RawColumn:
        arrow = import_arrow("pyarrow")
        types, base = arrow.types, self.bases[normalized(name)]
        if base == "nothing":
            return CodedTexts(np.full(len(values), -1, np.int32), [])
        if types.is_dictionary(values.type) and base != "text":
            values = values.dictionary_decode()
        if base == "text":
            return self._texts(values)
        if base == "boolean":
            return CodedTexts(values.cast(arrow.int8()).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32), BOOLEANS)
        if base == "date":
            return self._dates(name, values, row)
        if types.is_decimal(values.type):  # of a text, so that it is rounded once
            return np.array([np.nan if text is None else float(text) for text in values.cast(arrow.string()).to_pylist()])
        if types.is_duration(values.type):
            return values.to_numpy(zero_copy_only=False) / np.timedelta64(1, "s")
        key = normalized(name)
        if key in self._plan.long:
            return self._texts(values.cast(arrow.string()))
        numbers = values.to_numpy(zero_copy_only=False).astype(np.float64)
        if types.is_integer(values.type) and key not in self._plan.numbers and np.any(np.abs(numbers) > LARGEST_EXACT):
            self._plan.long.add(key)
            raise PlanChanged
        return numbers

    @staticmethod
    def _texts(values: Any) -> CodedTexts:
        coded = values if import_arrow("pyarrow").types.is_dictionary(values.type) else values.dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
        return CodedTexts(codes, coded.dictionary.to_pylist())

    def _dates(self, name: str, values: Any, row: int) -> AnyArray:
        """Give dates in UTC, as datetime64[us]; parts of a microsecond are cut off."""
        arrow = import_arrow("pyarrow")
        if arrow.types.is_timestamp(values.type) and values.type.tz:
            values = values.cast(arrow.timestamp(values.type.unit))
        dates = values.to_numpy(zero_copy_only=False)
        years = dates.astype("datetime64[Y]").astype(np.int64) + 1970
        outside = ~np.isnat(dates) & ((years < FIRST_YEAR) | (years > LAST_YEAR))
        if outside.any():
            at = int(outside.argmax())
            raise DataError(
                f"{self.path}, {row_name(row + at)}, column {name!r}: the date is of the year {years[at]}, and must be of the "
                f"years {FIRST_YEAR} to {LAST_YEAR}; correct it, or make it a gap"
            )
        return dates.astype("datetime64[us]")


def _without_index(schema: Any) -> list[str]:
    """Give the names of the columns but those of pandas' index."""
    try:
        index = {
            name for name in json.loads((schema.metadata or {}).get(b"pandas", b"{}"))["index_columns"] if isinstance(name, str)
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        index = set()  # it is a comment of the writer's, and not needed to read the file
    return [name for name in schema.names if name not in index]


class DelimitedTableFile:
    """A delimited text, such as CSV, packed with gzip or not."""

    def __init__(self, path: Path, plan: NumberPlan) -> None:
        self.path, self._plan = path, plan
        self._must_rewrite = False
        with open_plain_text(path, None) as text:
            self.layout = find_layout(text, delimiter=None, header=None, rules=plan.rules)
        names = self.layout.names
        if self.layout.n_fields != len(names):
            raise DataError(
                f"{path} has {self.layout.n_fields} fields a line, but {len(names)} names of columns; write the file without the "
                "delimiters at each line's end"
            )
        self.bases: dict[str, Base] = dict.fromkeys(names, "text")

    def sample(self, name: str) -> list[str]:
        """Give the first values of a column."""
        k = self.layout.names.index(name)
        return [record.fields[k].strip() for record in self.layout.sample]

    def batches(self) -> Iterator[tuple[int, dict[str, RawColumn]]]:
        """Read all rows.

        Raises
        ------
        PlanChanged
            When a column, or the file, must be read in another way.
        """
        with open_plain_text(self.path, None) as text:
            layout = replace(self.layout, sample=self.layout.sample)
            source = None if self._must_rewrite else as_it_is(text, layout)
            plain = source is not None
            source = source or rewritten(text, layout)
            queries = {k: self._query(k, name, text.digit_underscores) for k, name in enumerate(layout.names)}
            n_rows = 0
            try:
                for size, batch in batches_of(source, queries):
                    read: dict[str, RawColumn] = {}
                    for k, name in enumerate(layout.names):
                        if queries[k]:
                            values, odd = next(batch), next(batch)
                            self._plan.check(name, values, odd)
                            values[odd.rows] = np.nan
                            values[np.isin(values, self._plan.rules.numeric_marks)] = np.nan
                            read[name] = values
                        else:
                            read[name] = _coded(next(batch), size)
                    n_rows += size
                    step = rows_of_batch(len(layout.names))
                    for first in range(0, size, step):
                        rows = slice(first, min(first + step, size))
                        yield rows.stop - first, {name: _part(column, rows) for name, column in read.items()}
            except TokenizerError:
                self._rewrite_next(plain)
            if plain and not is_strict(text, layout, n_rows):
                self._rewrite_next(plain)

    def _rewrite_next(self, plain: bool) -> None:
        """Have the file rewritten when it is read again, which names the line that is wrong or reads what DuckDB cannot."""
        if not plain:
            raise DataError(f"{self.path} cannot be divided into columns; write the file again")
        self._must_rewrite = True
        raise PlanChanged

    def _query(self, k: int, name: str, underscores: bool) -> NumberQuery | None:
        decimal = self._plan.decimals[name]
        return None if decimal is None else NumberQuery(True, decimal, underscores)


def _coded(texts: Texts, size: int) -> CodedTexts:
    codes = np.full(size, -1, np.int32)
    positions: dict[bytes, int] = {}
    codes[texts.rows] = [positions.setdefault(text, len(positions)) for text in texts.values]
    return CodedTexts(codes, [text.decode() for text in positions])


def _part(column: RawColumn, rows: slice) -> RawColumn:
    return CodedTexts(column.codes[rows], column.texts) if isinstance(column, CodedTexts) else column[rows]


@dataclass(frozen=True, eq=False)
class TableFiles:
    """Files whose rows are one table.

    Attributes
    ----------
    files : list of TableFile
    names : list of str
        The columns, in the order of the first file.
    bases : dict of str to Base
    kinds : dict of str to Kind
        Those required.
    rules : TextRules
    """

    files: Sequence[ParquetTableFile] | Sequence[DelimitedTableFile]
    names: list[str]
    bases: dict[str, Base]
    kinds: dict[str, Kind]
    rules: TextRules
    plan: NumberPlan

    @property
    def delimited(self) -> Sequence[DelimitedTableFile]:
        """The files, where they are delimited texts; else none."""
        return [file for file in self.files if isinstance(file, DelimitedTableFile)]

    def batches(self) -> Iterator[tuple[int, dict[str, RawColumn], tuple[Path, int]]]:
        """Read all rows: the number of each batch's, its columns, and where its first row stands."""
        for file in self.files:
            row = 0
            gaps = {name: self.bases[name] for name, base in file.bases.items() if base == "nothing"}
            for size, columns in file.batches():
                for name, base in gaps.items():
                    if base in ("number", "date") and name not in self.plan.long:
                        columns[name] = np.full(size, "NaT", "datetime64[us]") if base == "date" else np.full(size, np.nan)
                for name in self.plan.dates:
                    columns[name] = self.plan.read_dates(name, columns[name])  # type: ignore[arg-type]  # it holds texts
                yield size, columns, (file.path, row)
                row += size


PARQUET_ENDINGS = (".parquet", ".pq")
DELIMITED_ENDINGS = (".csv", ".tsv", ".txt", ".data")


def open_table_files(paths: Iterable[Path], rules: TextRules, kinds: Mapping[str, Kind] | None = None) -> TableFiles:
    """Open the files of a table.

    Raises
    ------
    FileError, DataError, DataTypeError
        When a file cannot be read, or has other columns or types than the first.
    SettingError
        When the files have several formats, or one that is not read in batches.
    UnknownName
        When ``kinds`` names a column that the files do not have.
    """
    paths = list(paths)
    formats = {_format_of(path): path for path in paths}
    if len(formats) > 1:
        raise SettingError(f"files of one table must be of one format; {' and '.join(map(str, formats.values()))} are not")
    plan = NumberPlan(rules)
    files: Any = [ParquetTableFile(path, plan) if "parquet" in formats else DelimitedTableFile(path, plan) for path in paths]
    names, bases = list(files[0].bases), dict(files[0].bases)
    for file in files[1:]:
        _check_same(files[0], file, bases)
    required = checked_kinds(kinds, names, None)
    plan.numbers = {name for name, kind in required.items() if kind == "number"}
    opened = TableFiles(files, names, bases, required, rules, plan)
    for name in names if opened.delimited else ():
        plan.decimals[name] = _first_plan(opened, name)
    return opened


def _format_of(path: Path) -> str:
    ending = path.name.lower().removesuffix(".gz")
    if path.name.lower().endswith(PARQUET_ENDINGS):
        return "parquet"
    if ending.endswith(DELIMITED_ENDINGS):
        return "delimited"
    raise SettingError(
        f"{path}: tables that are read in batches are Parquet (.parquet) or delimited texts (.csv, .tsv, .txt, .data, also with "
        ".gz); convert it, or read it into memory with read_table"
    )


def _check_same(first: TableFile, file: TableFile, bases: dict[str, Base]) -> None:
    """Refuse a file with other columns than the first, or of other types; a column of gaps alone has any type."""
    missing, added = ([name for name in a if name not in b] for a, b in ((bases, file.bases), (file.bases, bases)))
    if missing or added:
        how = f"it lacks {shown(missing)}" if missing else f"it has {shown(added)} more"
        raise DataError(f"{file.path} has other columns than {first.path}: {how}; write all files with the same columns")
    for name, base in file.bases.items():
        if bases[name] == "nothing":
            bases[name] = base
        elif base not in (bases[name], "nothing"):
            raise DataError(
                f"{file.path}: column {name!r} holds values of the type {base}, and in other files {bases[name]}; write all files "
                "with the same types"
            )


def _first_plan(files: TableFiles, name: str) -> Decimal | Literal[""] | None:
    """Read a column as numbers where the first rows of all files are plain ones, whose decimal mark is proven."""
    samples = [text for file in files.delimited for text in file.sample(name) if not files.rules.is_any_mark(text)]
    decimal = plain_decimal(samples)
    row_names = any(file.layout.row_names and file.layout.names[0] == name for file in files.delimited)
    if files.kinds.get(name) not in (None, "number") or decimal is None or row_names or not samples:
        return None
    proven = files.rules.decimal or next((marks.pop() for marks in map(decimals_of, samples) if len(marks) == 1), None)
    return None if decimal and proven != decimal else decimal
