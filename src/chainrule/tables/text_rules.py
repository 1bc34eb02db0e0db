"""How the texts of a table are read: marks of gaps, decimal mark, order of dates, infinity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from unicodedata import normalize

from ..errors import DataError, DataTypeError
from .number_texts import Decimal, is_plain_number
from .writing import Learnt, Writing

USUAL_MARKS = frozenset(
    (
        "?",
        "na",
        "n/a",
        "#n/a",
        "#na",
        "<na>",
        "nan",
        "-nan",
        "null",
        "nil",
        "<null>",
        "n.a.",
        "1.#qnan",
        "-1.#ind",
        "\\n",
        "#value!",
        "#div/0!",
        "#ref!",
        "#num!",
        "#name?",
        "#null!",
    )
)
"""The texts that denote a gap in every column, in upper or lower case, as an empty text does."""
MARKS_AMONG_NUMBERS = frozenset((".", "..", "-", "--", "*", "none", "nat", "missing", "\u2013", "\u2014"))
"""The texts that denote a gap where all others are numbers or dates; in a category such as none, mild, severe they are values."""

TABLE_REMEDY = "use chainrule train, chainrule.TableClassifier or chainrule.TableRegressor, which take texts, categories and gaps"
"""The way out where a table of numbers alone has a value that is not one."""


def no_decimal() -> Decimal | None:
    """Give no decimal mark: other columns do not tell one."""
    return None


@dataclass(frozen=True)
class TextRules:
    """How the texts of a table are read.

    Attributes
    ----------
    missing : frozenset of str, optional
        The marks that denote a gap, in Unicode's composed form (NFC) and else exactly as written; the empty text always does. By
        default the usual ones.
    decimal : {".", ","}, optional
        The decimal mark. By default each column's own numbers decide it.
    usual_decimal : callable
        Gives the decimal mark of the other columns, which decides where all numbers of a column are written as 1,234 is, or all as
        1.234 is; None where they do not tell.
    point_is_decimal : bool
        Whether 1.234 is a decimal number where nothing decides; otherwise it is refused, as 1,234 is.
    day_first : bool, optional
        Whether 3/4/2021 is the third of April. By default each column's own dates decide it.
    units : mapping of str to str
        The unit of the numbers of columns, by name, that are written without one.
    allow_infinite : bool
        Whether infinity, and a number beyond the range of float64, are gaps; otherwise they are refused.
    place_of : callable
        Names the place of a row, counted from 0, for messages: "row 7", "houses.csv, line 9".
    from_file : bool
        Whether messages may name the options of ``read_table`` as a remedy.
    numbers_only : bool
        Whether the table is one of numbers alone: each column is required to hold numbers, and a gap is refused.
    known_names : tuple of str
        The names of the columns that a model needs, where the table is read for it: a first line that holds them all is the header.
        Where they are "0", "1", ..., of a training without a header, the first line is a row.
    by_position : bool
        Whether the table is read for a model that knows its columns by their position: those of a file with a header are numbered.
        It is False where the values of such a file are read, because no row of it may be the header.
    known : mapping of str to Writing
        How columns were written in the file of a model's training, which decides what their values leave open.
    """

    missing: frozenset[str] | None = None
    decimal: Decimal | None = None
    usual_decimal: Callable[[], Decimal | None] = no_decimal
    point_is_decimal: bool = True
    day_first: bool | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    allow_infinite: bool = False
    place_of: Callable[[int], str] = "row {}".format
    from_file: bool = False
    numbers_only: bool = False
    known_names: tuple[str, ...] = ()
    by_position: bool = False
    known: Mapping[str, Writing] = field(default_factory=dict)

    def for_model(self, learnt: Learnt) -> TextRules:
        """Add what a model's training tells of a later file."""
        return replace(self, known_names=learnt.names, by_position=learnt.by_position, known=learnt.written)

    @cached_property
    def numeric_marks(self) -> list[float]:
        """The given marks that are numbers, such as -999, which denote a gap also where they are written as -999.0."""
        return [float(mark) for mark in self.missing or () if is_plain_number(mark)]

    @property
    def kind_error(self) -> type[DataError | DataTypeError]:
        """The error that a value is not of the kind that its column must have."""
        return DataTypeError if self.numbers_only else DataError

    def is_mark(self, text: str) -> bool:
        """Whether a trimmed text is a gap in every column."""
        return not text or (text.lower() in USUAL_MARKS if self.missing is None else normalize("NFC", text) in self.missing)

    def is_mark_among_numbers(self, text: str) -> bool:
        """Whether a trimmed text is a gap in a column of numbers or dates."""
        return self.missing is None and text.lower() in MARKS_AMONG_NUMBERS

    def is_any_mark(self, text: str) -> bool:
        """Whether a trimmed text may be a gap."""
        return self.is_mark(text) or self.is_mark_among_numbers(text)


USUAL_RULES = TextRules()
