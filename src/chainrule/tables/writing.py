"""How the texts of a column are written, where a few later rows alone would not tell it: decimal mark, unit, order of dates.

A training's file tells that 1.234 is a thousand and more, because another of its rows holds 1.234,5. A later file may hold 1.234
alone. So a model keeps the writing of each column, and later files are read with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from ..errors import DataError
from .number_texts import Decimal

if TYPE_CHECKING:
    from .column import Column

ToldBy = Literal["values", "option", "others"]


@dataclass(frozen=True)
class Writing:
    """How the texts of a column of numbers or dates are written; None where they do not tell.

    Attributes
    ----------
    decimal : {".", ","} or None
        The decimal mark; None of integers without separated thousands.
    unit : str or None
        Such as % or €; empty of numbers without one.
    parentheses : bool
        Whether (5.00) is -5.
    day_first : bool or None
        Whether the day stands before the month, where dates of both orders exist, such as 3/4/2021.
    zoned : bool or None
        Whether dates have a time zone.
    told_by : {"values", "option", "others"}
        How the decimal mark, or the order of dates, was decided: by the column's own values, by an option, or by other columns or a
        default. It is not kept in a model.
    """

    decimal: Decimal | None = None
    unit: str | None = None
    parentheses: bool = False
    day_first: bool | None = None
    zoned: bool | None = None
    told_by: ToldBy = field(default="values", compare=False)

    def to_json(self) -> dict[str, Any]:
        """Give the entries that tell something as JSON's types."""
        return {name: value for name, value in asdict(self).items() if name != "told_by" and value is not None}

    @classmethod
    def parse(cls, described: Any) -> Writing:
        """Read what ``to_json`` gave, of a model's file, which may hold anything; any mistake raises ValueError or TypeError."""
        if type(described) is not dict or not set(described) <= {entry.name for entry in fields(cls)} - {"told_by"}:
            raise ValueError("the writing of a column has unknown entries")
        if described.get("decimal") not in (None, ".", ","):
            raise ValueError("the decimal mark of a column is neither a point nor a comma")
        if type(described.get("unit", "")) is not str:
            raise TypeError("the unit of a column is not a text")
        if any(type(described.get(name, False)) is not bool for name in ("parentheses", "day_first", "zoned")):
            raise TypeError("the writing of a column is not true or false")
        return cls(**described)


@dataclass(frozen=True)
class Learnt:
    """What a model's training tells of a later file.

    Attributes
    ----------
    names : tuple of str
        The names of the columns that the model needs; of a training without a header "0", "1", ... of all columns.
    written : mapping of str to Writing
        How the values of each column were written.
    by_position : bool
        Whether the model knows its columns by their position, because the training's file has no header.
    """

    names: tuple[str, ...]
    written: Mapping[str, Writing]
    by_position: bool = False


def written_of(columns: Iterable[Column]) -> dict[str, Writing]:
    """Give the writing of each column that has one; integers have the decimal mark of the other columns, where these have one."""
    written = {column.name: column.writing for column in columns if column.writing and column.kind in ("number", "date")}
    usual = common_decimal(written.values())
    return {
        name: replace(writing, decimal=usual) if writing.unit is not None and not writing.decimal else writing
        for name, writing in written.items()
    }


def common_decimal(writings: Iterable[Writing]) -> Decimal | None:
    """Give the decimal mark of all writings that have one; None where none has one, or they differ."""
    marks = {writing.decimal for writing in writings if writing.decimal}
    return marks.pop() if len(marks) == 1 else None


def compare_writings(learnt: Mapping[str, Writing], columns: Iterable[Column]) -> Iterator[str]:
    """Compare how columns are written with how they were written in training; yield a sentence for each that an option decided.

    Raises
    ------
    DataError
        When numbers have another unit than in training, or were read with another decimal mark, which they do not tell themselves.
    """
    for column in columns:
        before, now = learnt.get(column.name), column.writing
        if now and now.unit and not before:
            before = Writing(unit="")  # numbers of a frame, of parquet or of lines of JSON
        if before and now and before != now:
            yield from (f"column {column.name!r}: {difference}" for difference in _differences(column.name, before, now))
        elif before and before.unit and not now and not column.missing.all():
            yield f"column {column.name!r}: its numbers are taken as of the unit {before.unit}, which they had in training"


def _differences(name: str, before: Writing, now: Writing) -> Iterator[str]:
    if None not in (before.unit, now.unit) and before.unit != now.unit:
        remedy = "" if now.unit else f", or say that this is their unit too (--units {name!r}={before.unit}, units=)"
        raise DataError(
            f"column {name!r}: its numbers have {_shown_unit(now.unit)}, but in training they had {_shown_unit(before.unit)}; "
            f"convert them, and write them as in training{remedy}"
        )
    if None not in (before.decimal, now.decimal) and before.decimal != now.decimal and now.told_by != "values":
        if now.told_by == "others":
            raise DataError(
                f"column {name!r}: its numbers, such as 1{now.decimal}234, do not tell their decimal mark, and were read with "
                f"{now.decimal!r}; in training it was {before.decimal!r}: say which it is (--decimal, decimal=)"
            )
        yield f"the decimal mark is {now.decimal!r}, and in training it was {before.decimal!r}"
    if None not in (before.day_first, now.day_first) and before.day_first != now.day_first and now.told_by == "option":
        yield f"in dates the {_first(now)} stands first, and in training the {_first(before)} did"
    if None not in (before.zoned, now.zoned) and before.zoned != now.zoned:
        yield f"dates have {'a' if now.zoned else 'no'} time zone, and in training they had {'none' if now.zoned else 'one'}"


def _shown_unit(unit: str | None) -> str:
    return f"the unit {unit}" if unit else "no unit"


def _first(writing: Writing) -> str:
    return "day" if writing.day_first else "month"
