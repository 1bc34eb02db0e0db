"""Which columns of a source become a table: the names, the columns to read, and the kinds that they must have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import DataError, UnknownName
from .column import Column, Kind, first_repeated
from .column_kinds import KINDS
from .table import Table, name_hint, normalized
from .text_rules import TABLE_REMEDY, TextRules

LIMIT_COLUMNS = 100_000
"""The most columns of a table that is read from a file: each takes some kilobytes, however short its name."""

MakeColumn = Callable[[str, Kind | None, TextRules], Column]
"""Makes a column from its name, the kind that it must have (None: its values decide), and the rules of reading."""

Makers = Sequence[tuple[str, MakeColumn]]
"""The names of a source's columns, and the functions that make them; a column that is left out is never made."""


def make_table(
    makers: Makers,
    *,
    kinds: Mapping[str, Kind] | None,
    columns: Collection[str] | None,
    drop: Collection[str],
    rules: TextRules,
    name: str = "",
    progress: Callable[[float], None] | None = None,
) -> Table:
    """Make the columns that are wanted.

    Parameters
    ----------
    makers : sequence of (str, callable)
    kinds : mapping of str to str, optional
        The kinds that columns must have.
    columns : collection of str, optional
        The columns to read, where the source has them; the others may hold anything. By default all.
    drop : collection of str
        Columns to leave out; they may hold anything.
    rules : TextRules
    name : str
        Where the table comes from, for messages.
    progress : callable, optional
        Called after each column with the fraction of them that is made.

    Raises
    ------
    DataError
        When two columns have the same name or different lengths, or as the makers do.
    UnknownName
        When ``drop`` names a column that the source does not have; so too ``kinds`` and the rules' ``units``, unless ``columns``
        chooses among them.
    """
    names = [name for name, _ in makers]
    check_names(names)
    kinds = checked_kinds(kinds, names, columns)
    if columns is None:
        check_known(rules.units, names)
    wanted = [makers[k] for k in wanted_columns(names, columns, drop)]
    made = list[Column]()
    for column_name, make in wanted:
        made.append(make(column_name, "number" if rules.numbers_only else kinds.get(column_name), rules))
        if progress:
            progress(len(made) / len(wanted))
    _check_lengths(made)
    if rules.numbers_only:
        check_no_gaps(made, rules)
    return Table(made, name)


def checked_kinds(kinds: Mapping[str, Kind] | None, names: Sequence[str], columns: Collection[str] | None) -> dict[str, Kind]:
    """Give the required kinds by the composed names of the columns.

    Raises
    ------
    UnknownName
        When there is no such kind, or no such column; among the ``columns`` chosen there may be some that a source lacks.
    """
    composed = {normalized(name): kind for name, kind in (kinds or {}).items()}
    if columns is None:
        check_known(composed, names)
    for unknown in (kind for kind in composed.values() if kind not in KINDS):
        raise UnknownName("kind of column", unknown, KINDS)
    return composed


@dataclass(frozen=True)
class Choice:
    """The names of the columns that are read: those chosen, or all where none are, without those dropped."""

    chosen: frozenset[str] | None
    dropped: frozenset[str]

    @classmethod
    def of(cls, columns: Collection[str] | None, drop: Collection[str]) -> Choice:
        """Compose the names."""
        chosen = None if columns is None else frozenset(map(normalized, [columns] if isinstance(columns, str) else columns))
        return cls(chosen, frozenset(map(normalized, [drop] if isinstance(drop, str) else drop)))

    def __contains__(self, name: object) -> bool:
        return name not in self.dropped and (self.chosen is None or name in self.chosen)


def wanted_columns(names: Sequence[str], columns: Collection[str] | None, drop: Collection[str]) -> list[int]:
    """Give the positions of the columns to read.

    Raises
    ------
    UnknownName
        When ``drop`` names a column that does not exist.
    """
    wanted = Choice.of(columns, drop)
    check_known(wanted.dropped, names)
    return [k for k, name in enumerate(names) if name in wanted]


def check_known(wanted: Iterable[str], names: Sequence[str]) -> None:
    """Refuse the first name, in any form of Unicode, that no column has; the message tells the most similar one."""
    known = set(names)
    for name in map(normalized, wanted):
        if name not in known:
            raise UnknownName("column", name, names)


def check_names(names: Sequence[str]) -> None:
    """Refuse two columns of one name, and a name that UTF-8 cannot write."""
    try:
        "".join(names).encode()
    except UnicodeEncodeError as error:
        raise DataError(f"the name of a column is not valid Unicode ({error.reason}); rename it") from None
    if len(set(names)) < len(names):
        raise DataError(f"the table has two columns named {first_repeated(names)!r}; rename one")


def check_no_gaps(columns: Sequence[Column], rules: TextRules) -> None:
    """Refuse the first column with a gap."""
    for column in columns:
        if column.missing.any():
            row = int(column.missing.argmax())
            raise DataError(f"{rules.place_of(row)}, column {column.name!r}: the value is missing; fill it in, or {TABLE_REMEDY}")


def _check_lengths(columns: Sequence[Column]) -> None:
    """Refuse columns of different lengths."""
    for column in columns:
        if len(column) != len(columns[0]):
            raise DataError(
                f"column {column.name!r} has {len(column):,} rows, but column {columns[0].name!r} has {len(columns[0]):,}; "
                "all columns of a table must have the same number"
            )


def are_positions(names: Sequence[str]) -> bool:
    """Whether the names are the positions of the columns, as those of a table without names are.

    Examples
    --------
    >>> are_positions(["0", "1"]), are_positions(["0", "rooms"])
    (True, False)
    """
    return list(names) == [str(k) for k in range(len(names))]


def target_column(path: object, names: list[str], target: str | int) -> str:
    """Find the name of the target's column; where the target is both a name and a number, the name is used.

    Raises
    ------
    DataError
        When there is no such column, or no other one; the message names the most similar name.
    """
    width = len(names)
    if width < 2:
        raise DataError(f"{path} has one column; a table needs the target's and at least one other")
    if isinstance(target, str) and normalized(target) in names:
        return normalized(target)
    try:
        k = int(target)
    except ValueError:
        if are_positions(names):
            raise DataError(
                f"{path} has no line of names; give the target by its number, 0 to {width - 1}, not as {target!r}"
            ) from None
        raise DataError(f"{path} has no column {target!r}; {name_hint(str(target), names)}") from None
    if not -width <= k < width:
        raise DataError(
            f"{path} has {width} columns, so the target's number must be in 0..{width - 1}, or -1 for the last; it is {k}"
        )
    return names[k]
