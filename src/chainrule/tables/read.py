"""Tables from files: parquet and lines of JSON by their endings, and any other as a delimited text, packed with gzip or not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, SettingError
from .arrow_stream import Texts
from .column import Column, Kind, RawTexts
from .column_choice import check_known, check_no_gaps, checked_kinds, wanted_columns
from .column_kinds import row_name
from .column_stream import Columns, NumberColumn, NumberQuery, Plan, TextColumn, TokenizerError, read_columns
from .csv_layout import Layout, find_layout, is_unnamed
from .csv_records import rows
from .csv_source import as_it_is, is_strict, rewritten
from .json_lines import read_json_lines, read_json_names
from .number_columns import LARGEST_EXACT, number_column
from .number_texts import Decimal, NumberTexts, decimals_of, plain_decimal
from .parquet_table import read_parquet_names, read_parquet_table
from .plain_text import PlainText, open_plain_text
from .table import Table, normalized
from .text_columns import column_from_texts
from .text_rules import USUAL_RULES, TextRules, no_decimal
from .writing import Writing

TABLE_ENDINGS = (".csv", ".tsv", ".txt", ".data", ".parquet", ".jsonl", ".ndjson")
"""The endings of files that are read as tables of named columns, also with .gz after them."""

VALUE_OPTIONS = ("decimal", "missing", "day_first", "units", "allow_infinite", "kinds")
"""The options that say how values are read: a model keeps them, for every later file."""

SMALL_CELLS = 50_000
DECIMAL_COMMA_DELIMITERS = ";\t"  # in files divided so, 1.234 may well be a thousand and more


def is_table_of_columns(path: Path) -> bool:
    """Test whether a path is read as a table of named columns; .npz and .svmlight hold arrays instead.

    Examples
    --------
    >>> is_table_of_columns(Path("a.csv")), is_table_of_columns(Path("a.CSV.gz")), is_table_of_columns(Path("a.npz"))
    (True, True, False)
    """
    return path.name.lower().removesuffix(".gz").endswith(TABLE_ENDINGS)


def read_table(
    path: str | Path,
    *,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    missing: str | Iterable[str] | None = None,
    header: bool | None = None,
    day_first: bool | None = None,
    units: Mapping[str, str] | None = None,
    allow_infinite: bool = False,
    kinds: Mapping[str, Kind] | None = None,
    columns: Collection[str] | None = None,
    drop: Collection[str] = (),
    progress: Callable[[float], None] | None = None,
) -> Table:
    """Read a table from a file: parquet (.parquet), lines of JSON (.jsonl, .ndjson), or a delimited text of any other ending.

    Texts and lines of JSON may be packed with gzip. Of a delimited text each decision (delimiter, header, decimal mark, order of
    dates, kind of a column) is made from all rows; where they do not decide, the file is refused, and the message names the line,
    the column and the option that decides.

    Parameters
    ----------
    path : str or Path
    delimiter : str, optional
        One character, or "tab" or "space" (any run of blanks). By default the one that divides all lines evenly.
    decimal : {".", ","}, optional
        By default each column's own numbers decide it, then those of other columns.
    encoding : str, optional
        By default UTF-8, or what a byte-order mark tells.
    missing : str or iterable of str, optional
        The marks that denote a gap, in place of the usual ones; a str holds them divided by commas. An empty field is a gap always.
    header : bool, optional
        Whether the first line holds the names. By default its texts above numbers tell. Columns without names are "0", "1", ...
    day_first : bool, optional
        Whether 3/4/2021 is the third of April. By default the column's other dates tell.
    units : mapping of str to str, optional
        The unit, such as % or €, of columns whose numbers are written without it; a model refuses numbers of another unit than in
        its training.
    allow_infinite : bool
        Whether infinity is a gap; otherwise it is refused.
    kinds : mapping of str to {"number", "category", "boolean", "date", "identifier", "text", "constant"}, optional
        The kinds that columns are required to have; a category keeps its texts as written, such as 007.
    columns : collection of str, optional
        The columns to read, in the file's order; the others may hold anything. By default all.
    drop : collection of str
        Columns to leave out; they may hold anything.
    progress : callable, optional
        Called with the fraction that is read.

    Returns
    -------
    Table

    Raises
    ------
    FileError
        When the file cannot be read.
    DataError
        When the file has no rows, is not a text file, is too large or not text in the encoding; when lines have different numbers
        of fields, or two columns one name; when a column's values do not fit together or do not decide; see the rules in
        ``plain_text``, ``csv_layout`` and ``text_columns``.
    SettingError
        When an option has an invalid value, or names a column that the file does not have.
    """
    rules = rules_of_file(missing=missing, decimal=decimal, day_first=day_first, units=units, allow_infinite=allow_infinite)
    division: dict[str, Any] = {"delimiter": delimiter, "encoding": encoding, "header": header}
    if columns is not None:
        columns = [columns] if isinstance(columns, str) else list(columns)
        check_known(columns, read_names(Path(path), rules=rules, **division))
    return read_by_rules(Path(path), rules, **division, kinds=kinds, columns=columns, drop=drop, progress=progress)


def rules_of_file(
    *,
    missing: str | Iterable[str] | None = None,
    decimal: str | None = None,
    day_first: bool | None = None,
    units: Mapping[str, str] | None = None,
    allow_infinite: bool = False,
) -> TextRules:
    """Make the rules of reading a file of the options of ``read_table``.

    Raises
    ------
    SettingError
        When an option has an invalid value.
    """
    return TextRules(
        missing=_marks(missing),
        decimal=decimal_mark(decimal),
        day_first=day_first,
        units=_units(units),
        allow_infinite=bool(allow_infinite),
        from_file=True,
    )


def read_by_rules(
    path: Path,
    rules: TextRules,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    kinds: Mapping[str, Kind] | None = None,
    columns: Collection[str] | None = None,
    drop: Collection[str] = (),
    progress: Callable[[float], None] | None = None,
) -> Table:
    """Read a table by the rules given; the parameters and errors are those of ``read_table``."""
    read_typed = next((read for endings, read, _ in _TYPED if path.name.lower().endswith(endings)), None)
    if read_typed:
        refuse_text_options(path, delimiter=delimiter, encoding=encoding, header=header)
        return read_typed(path, kinds=kinds, columns=columns, drop=drop, rules=rules, progress=progress)
    with open_plain_text(path, encoding) as text:
        layout = find_layout(text, delimiter=delimiter, header=header, rules=rules)
        wanted = wanted_columns(layout.names, columns, drop)
        if columns is None:
            check_known(rules.units, layout.names)
        kinds = dict.fromkeys(layout.names, "number") if rules.numbers_only else checked_kinds(kinds, layout.names, columns)
        rules = replace(rules, place_of=_place_of(text, layout), by_position=rules.by_position and not layout.skip)
        table = Table(_Reader(text, layout, rules, kinds, header, progress).read(wanted), str(path))
        if rules.numbers_only:
            check_no_gaps(table.columns, rules)
        return table


def read_names(
    path: Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    rules: TextRules = USUAL_RULES,
) -> list[str]:
    """Read the names of a table's columns; "0", "1" ... where it has none. Parameters and errors: ``read_table``."""
    read_typed_names = next((read for endings, _, read in _TYPED if path.name.lower().endswith(endings)), None)
    if read_typed_names:
        refuse_text_options(path, delimiter=delimiter, encoding=encoding, header=header)
        return read_typed_names(path)
    with open_plain_text(path, encoding) as text:
        return find_layout(text, delimiter=delimiter, header=header, rules=rules).names


_TYPED: tuple[tuple[tuple[str, ...], Callable[..., Table], Callable[[Path], list[str]]], ...] = (
    ((".parquet",), read_parquet_table, read_parquet_names),
    ((".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"), read_json_lines, read_json_names),
)
"""The formats whose values have types: the endings, the reader of a table and that of the names."""


def refuse_text_options(path: Path, **options: object) -> None:
    """Refuse the options of delimited texts for a file of another format."""
    given = next((name for name, value in options.items() if value is not None), None)
    if given:
        raise SettingError(f"{given} (--{given}) is for delimited text files, such as .csv; {path} is not one")


def _marks(missing: str | Iterable[str] | None) -> frozenset[str] | None:
    if missing is None:
        return None
    marks = missing.split(",") if isinstance(missing, str) else list(missing) if isinstance(missing, Iterable) else [missing]
    if not all(isinstance(mark, str) for mark in marks):
        raise SettingError(f"missing must be marks such as '?,NA', or a list of them; it is {missing!r}")
    return frozenset(normalized(mark.strip()) for mark in marks) - {""}


def _units(units: Mapping[str, str] | None) -> dict[str, str]:
    if units is not None and not (isinstance(units, Mapping) and all(isinstance(unit, str) for unit in units.values())):
        raise SettingError(f"units must be a unit for each name, such as {{'rate': '%'}}; it is {units!r}")
    return {normalized(name): unit for name, unit in (units or {}).items()}


def decimal_mark(decimal: str | None) -> Decimal | None:
    """Check a decimal mark.

    Raises
    ------
    SettingError
        When it is neither a point nor a comma.
    """
    if decimal is None or decimal in (".", ","):
        return decimal  # type: ignore[return-value]
    raise SettingError(f"decimal must be '.' or ','; it is {decimal!r}")


def _is_filling(column: Column) -> bool:
    """Whether a column is one of a spreadsheet's empty ones: without a name and without a value."""
    return is_unnamed(column.name) and bool(column.missing.all())


def _place_of(text: PlainText, layout: Layout) -> Callable[[int], str]:
    """Name the line where a row begins, found by reading the file anew."""

    def place(row: int) -> str:
        records = rows(text, layout.dialect, layout.n_fields, skip=layout.skip)
        return next((f"{text.path}, line {record.line}" for k, record in enumerate(records) if k == row), f"{text.path}, row {row}")

    return place


@dataclass(frozen=True, eq=False)
class _UsualDecimal:
    """Finds, when it is first asked, the one decimal mark of all columns of numbers that can be read with one mark only.

    It is pickled as the mark alone, because the texts of all columns are larger than the rows of a table that keeps it.

    Attributes
    ----------
    rules : TextRules
    proven : frozenset of str
        The marks of the columns that were read as numbers.
    texts : list of (TextColumn, str or None)
        The other columns, and the mark that each is known to have.
    """

    rules: TextRules
    proven: frozenset[Decimal]
    texts: list[tuple[TextColumn, Decimal | None]]

    def __call__(self) -> Decimal | None:
        return self.mark

    @cached_property
    def mark(self) -> Decimal | None:
        """The mark; None where the columns have none or two."""
        found = ((_only_decimal(self.rules, part), known) for part, known in self.texts)
        marks = self.proven | {mark for mark, known in found if mark and mark != known}
        return min(marks) if len(marks) == 1 else None

    def __reduce__(self) -> tuple[Any, ...]:
        return partial, (_same, self.mark)


def usual_decimal_of(rules: TextRules, proven: Iterable[Decimal], texts: Iterable[TextColumn]) -> Callable[[], Decimal | None]:
    """Give a function that finds the decimal mark of most columns, of those read as numbers and of the texts of the others."""
    return _UsualDecimal(TextRules(missing=rules.missing), frozenset(proven), [(part, None) for part in texts])


def _same(mark: Decimal | None) -> Decimal | None:
    return mark


def _only_decimal(rules: TextRules, part: TextColumn) -> Decimal | None:
    """The decimal mark of a column of numbers that can be read with one mark only."""
    texts = [text for text in map(str.strip, part.texts) if not rules.is_any_mark(text)]
    numbers = NumberTexts(texts)
    return min(numbers.decimals) if texts and numbers.is_number.all() and len(numbers.decimals) == 1 else None


def _row_of(path: Path, row: int) -> str:
    """Name a row of a file that is closed."""
    return f"{path}, {row_name(row)}"


@dataclass
class _Reader:
    """Reads the columns of one file; those that are plain numbers in one pass, and only the others as texts."""

    text: PlainText
    layout: Layout
    rules: TextRules
    kinds: Mapping[str, Kind]
    header: bool | None
    progress: Callable[[float], None] | None

    def read(self, wanted: list[int]) -> list[Column]:
        """Read the columns at these positions."""
        layout, n_named = self.layout, len(self.layout.names)
        plan = {k: self._query(k) for k in wanted} | dict.fromkeys(range(n_named, layout.n_fields))
        parts = self._read_small(plan) if self._is_small() else self._read(plan)
        self._refuse_fields({k: parts.pop(k) for k in range(n_named, layout.n_fields)})
        self.rules = replace(
            self.rules,
            usual_decimal=self._usual_decimal(parts),
            point_is_decimal=layout.dialect.delimiter not in DECIMAL_COMMA_DELIMITERS,
        )
        columns = [self._column(k, part) for k, part in parts.items()]
        self._check_header(columns)
        return [column for column in columns if not _is_filling(column)]

    def _is_small(self) -> bool:
        """Whether the file is read as fast without DuckDB."""
        return self.text.n_lines * self.layout.n_fields <= SMALL_CELLS

    def _read_small(self, plan: Plan) -> Columns:
        """Read all columns as texts, one record after the other."""
        records = [record.fields for record in rows(self.text, self.layout.dialect, self.layout.n_fields, skip=self.layout.skip)]
        every, parts = np.arange(len(records)), Columns()
        for k in plan:
            parts[k] = part = TextColumn(np.empty(len(records), np.int32))
            part.add(0, len(records), Texts(every, [fields[k].encode() for fields in records]))
        return parts

    def _read(self, plan: Plan) -> Columns:
        """Read columns of numbers in one pass, and those that turn out to hold other texts in a second one."""
        source = as_it_is(self.text, self.layout)
        if source:
            try:
                parts, n_rows = read_columns(source, plan, self._tell)
            except TokenizerError:
                source = None  # to rewrite it raises the error again, naming the line, or reads a file that DuckDB cannot
            else:
                source = source if is_strict(self.text, self.layout, n_rows) else None
        if not source:
            source = rewritten(self.text, self.layout)
            parts, n_rows = read_columns(source, plan, self._tell)
        odd: Plan = {k: None for k, part in parts.items() if isinstance(part, NumberColumn) and not self._is_plain(part)}
        return parts | read_columns(source, odd)[0] if odd else parts

    def _is_plain(self, part: NumberColumn) -> bool:
        """Whether there are numbers, all odd texts beside them are gaps, and no integer is too long for float64."""
        if part.odd and np.isnan(part.values).all():
            return False
        are_gaps = all(self.rules.is_any_mark(text.decode().strip()) for text in part.odd)
        return are_gaps and not np.any(np.abs(part.values) >= LARGEST_EXACT)  # 2**53 + 1 is read as 2**53

    def _tell(self, n_rows: int) -> None:
        if self.progress:
            self.progress(min(n_rows / max(self.text.n_lines, 1), 1.0))

    def _query(self, k: int) -> NumberQuery | None:
        """How to read a column as numbers, where its first rows are plain numbers; None to read it as texts."""
        kind = self.kinds.get(self.layout.names[k])
        fields = [field for field in self._sample(k) if not self.rules.is_any_mark(field)]
        decimal = plain_decimal(fields)
        if kind not in (None, "number") or decimal is None or (self.layout.row_names and k == 0):
            return None
        if decimal and self._proven_decimal(k) != decimal:
            return None
        trimmed = any(record.fields[k].startswith(" ") for record in self.layout.sample)
        return NumberQuery(trimmed, decimal, self.text.digit_underscores)

    def _sample(self, k: int) -> list[str]:
        return [record.fields[k].strip() for record in self.layout.sample]

    def _proven_decimal(self, k: int) -> Decimal | None:
        """The decimal mark that is required, or else with which alone one of the column's first numbers can be read."""
        proofs = (decimals_of(field) for field in self._sample(k))
        return self.rules.decimal or next((marks.pop() for marks in proofs if len(marks) == 1), None)

    def _usual_decimal(self, parts: Columns) -> _UsualDecimal:
        """Give a function that finds the decimal mark of most columns.

        Columns that are known to have this mark tell nothing of the others.
        """
        known = {k: self.rules.known[name].decimal for k, name in enumerate(self.layout.names) if name in self.rules.known}
        marks = {k: self._proven_decimal(k) for k, part in parts.items() if isinstance(part, NumberColumn)}
        proven = frozenset(mark for k, mark in marks.items() if mark and mark != known.get(k))
        texts = [(part, known.get(k)) for k, part in parts.items() if isinstance(part, TextColumn)]
        return _UsualDecimal(TextRules(missing=self.rules.missing), proven, texts)

    def _column(self, k: int, part: NumberColumn | TextColumn) -> Column:
        name = self.layout.names[k]
        kind = self.kinds.get(name)
        if isinstance(part, TextColumn):
            is_row_name = self.layout.row_names and k == 0 and kind is None
            column = column_from_texts(name, part.codes, part.texts, kind="identifier" if is_row_name else kind, rules=self.rules)
            return replace(column, raw=column.raw and replace(column.raw, rules=self._later_rules))
        part.values[np.isin(part.values, self.rules.numeric_marks)] = np.nan
        writing = Writing(decimal=part.decimal or None, unit=self.rules.units.get(name, ""))
        if kind:
            column = Column(name, "number", part.values, writing=writing)
        else:
            column = number_column(name, part.values, self._sample(k)[0], writing)
        return replace(column, raw=RawTexts(self._later_rules, numbers=None if column.kind == "number" else part.values))

    @cached_property
    def _later_rules(self) -> TextRules:
        """The rules by which a column is read again after the file is closed.

        The other columns' decimal mark is known while the raw texts of all are kept, which is so for a small file alone; without it
        1.234 is refused.
        """
        rules = replace(self.rules, place_of=partial(_row_of, self.text.path))
        return rules if self._is_small() else replace(rules, usual_decimal=no_decimal, point_is_decimal=False)

    def _check_header(self, columns: list[Column]) -> None:
        """Refuse a header that the first rows told, where below it each of its names is a value of its own column."""
        if columns and self.header is None and self.layout.skip and all(column.name in column.categories for column in columns):
            raise DataError(
                f"{self.text.path}: the first record may be a header or a row; say which (--header, --no-header, header=)"
            )

    def _refuse_fields(self, parts: Columns) -> None:
        """Refuse values in fields behind the last name."""
        for part in parts.values():
            if isinstance(part, TextColumn) and any(text.strip() for text in part.positions):
                filled = np.array([bool(text.strip()) for text in [*part.positions, b""]])[part.codes]
                place = self.rules.place_of(int(np.argmax(filled)))
                raise DataError(
                    f"{place}: there are {self.layout.n_fields} fields, but the header has {len(self.layout.names)} names"
                )
