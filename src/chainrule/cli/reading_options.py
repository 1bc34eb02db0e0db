"""The options that say how a table is read, which several commands share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from ..errors import ModelFileError, SettingError
from .options import Function, flag, option

if TYPE_CHECKING:
    from ..table_model import TableModel
    from ..tables.column import Kind
    from ..tables.table import Table
    from ..tables.text_rules import TextRules
    from ..tables.writing import Learnt

TABLE_PANEL = "The table"
KIND_OPTIONS: tuple[Kind, ...] = ("number", "category", "date", "text")


@dataclass(frozen=True)
class ReadingOptions:
    """How a file is read as a table; an option that was not given is None, and is decided from the file.

    Attributes
    ----------
    delimiter, decimal, encoding : str or None
    missing : tuple of str or None
        The marks of a missing value, in place of the usual ones; an empty field is one always.
    header : bool or None
    day_first : bool or None
    units : dict
        The unit of a column's numbers that are written without it, by its name.
    allow_infinite : bool
        Whether an infinite number is a gap instead of an error.
    kinds : dict
        The kind of a column, by its name.
    drop : tuple of str
        The columns that are left out.
    """

    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    missing: tuple[str, ...] | None = None
    header: bool | None = None
    day_first: bool | None = None
    units: Mapping[str, str] | None = None
    allow_infinite: bool = False
    kinds: Mapping[str, Kind] | None = None
    drop: tuple[str, ...] = ()

    def read(
        self,
        path: Path,
        *,
        columns: Collection[str] | None = None,
        learnt: Learnt | None = None,
        progress: Callable[[float], Any] | None = None,
    ) -> Table:
        """Read a file: all its columns, or those named, where it has them; for a model as its training tells."""
        from ..tables.read import read_by_rules

        choice: dict[str, Any] = {"kinds": self.kinds, "drop": self.drop, "columns": columns}
        return read_by_rules(path, self.rules(learnt), **self.division(), **choice, progress=progress)

    def read_names(self, path: Path, learnt: Learnt | None = None) -> list[str]:
        """Read the names of a file's columns."""
        from ..tables.read import read_names

        return read_names(path, rules=self.rules(learnt), **self.division())

    def division(self) -> dict[str, Any]:
        """Give the options that say how a text is divided into fields."""
        return {"delimiter": self.delimiter, "encoding": self.encoding, "header": self.header}

    def rules(self, learnt: Learnt | None = None) -> TextRules:
        """Give the rules by which texts are read as values, with what a model's training tells."""
        from ..tables.read import rules_of_file

        rules = rules_of_file(
            missing=self.missing,
            decimal=self.decimal,
            day_first=self.day_first,
            units=self.units,
            allow_infinite=self.allow_infinite,
        )
        return rules if learnt is None else rules.for_model(learnt)

    def _given(self) -> dict[str, Any]:
        """Give the options that differ from their defaults."""
        return {entry.name: value for entry in fields(self) if (value := getattr(self, entry.name)) != entry.default}

    def to_json(self) -> dict[str, Any]:
        """Give the options that were given as JSON's types."""
        given = self._given()
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}

    @classmethod
    def parse(cls, described: Mapping[str, Any]) -> ReadingOptions:
        """Invert ``to_json``, of a model's file, which may hold anything.

        Raises
        ------
        ModelFileError
            When it is not what ``to_json`` gives.
        """
        if not isinstance(described, Mapping) or not all(_is_valid(name, value) for name, value in described.items()):
            raise ModelFileError("the model's file is damaged: its options of reading are not valid; train the model anew")
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in described.items()}
        return cls(**values)

    def for_model(self, model: TableModel, *, same_file: bool) -> ReadingOptions:
        """Add the options of a model's training to those that were given now, which take precedence.

        The meaning of values (marks of a gap, decimals, the order of dates) holds for every file; the division into fields only for
        the file of the training.
        """
        from ..tables.read import VALUE_OPTIONS

        learnt = ReadingOptions.parse(model.training.reading)
        names = [entry.name for entry in fields(self) if same_file or entry.name in VALUE_OPTIONS]
        given = self._given()
        return replace(self, **{name: getattr(learnt, name) for name in names if name not in given})


def _is_valid(name: str, value: Any) -> bool:
    """Test whether a file's entry is an option with a value of its type."""
    if name in ("missing", "drop"):
        return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    if name == "kinds":
        return isinstance(value, dict) and all(kind in KIND_OPTIONS for kind in value.values())
    if name == "units":
        return isinstance(value, dict) and all(isinstance(unit, str) for unit in value.values())
    return (
        isinstance(value, str if name in ("delimiter", "decimal", "encoding") else bool) and name in ReadingOptions.__match_args__
    )


def reading_options(function: Function) -> Function:
    """Declare the options; ``collect_reading_options`` makes a ``ReadingOptions`` of the command's arguments."""
    panel: dict[str, Any] = {"panel": TABLE_PANEL}
    columns: dict[str, Any] = {"metavar": "COLUMN,...", "multiple": True, **panel}
    declarations = [
        option("--delimiter", metavar="CHAR", text="The character between fields, or tab.", default="found in the file", **panel),
        option(
            "--decimal",
            metavar="CHAR",
            type=click.Choice([".", ","]),
            text="The decimal mark.",
            default="found in each column",
            **panel,
        ),
        option("--encoding", metavar="NAME", text="The encoding, such as latin-1.", default="UTF-8, or by its mark", **panel),
        option(
            "--missing",
            metavar="MARK,...",
            text="The marks of a missing value; an empty field is one always.",
            default="NA, ? and others",
            **panel,
        ),
        click.option(
            "--header/--no-header",
            default=None,
            help="Whether the first line holds the names (default: found in the file).",
            **panel,
        ),
        click.option(
            "--day-first/--month-first",
            default=None,
            help="Whether 3/4/2021 is in April (default: found in each column).",
            **panel,
        ),
        option(
            "--units",
            metavar="COLUMN=UNIT",
            multiple=True,
            text="The unit, such as %, of a column's numbers that are written without it.",
            default="none",
            **panel,
        ),
        flag("--allow-infinite", text="Take infinite numbers as missing values.", **panel),
        option("--drop", text="Columns to leave out.", **columns),
        *(option(f"--{kind}", f"{kind}_columns", text=f"Columns to read as {kind}.", **columns) for kind in KIND_OPTIONS),
    ]
    for declare in reversed(declarations):
        function = declare(function)
    return function


def collect_reading_options(arguments: dict[str, Any]) -> ReadingOptions:
    r"""Take the options of ``reading_options`` out of a command's arguments.

    Examples
    --------
    >>> arguments = {"delimiter": "tab", "category_columns": ("zip,town",), "missing": "?,NA", "epochs": 3}
    >>> collect_reading_options(arguments)._given(), arguments
    ({'delimiter': '\t', 'missing': ('?', 'NA'), 'kinds': {'zip': 'category', 'town': 'category'}}, {'epochs': 3})
    """
    delimiter = arguments.pop("delimiter", None)
    missing = arguments.pop("missing", None)
    kinds = {name: kind for kind in KIND_OPTIONS for name in _split(arguments.pop(f"{kind}_columns", ()))}
    return ReadingOptions(
        delimiter={"tab": "\t", "\\t": "\t", "space": " "}.get(delimiter, delimiter),
        decimal=arguments.pop("decimal", None),
        encoding=arguments.pop("encoding", None),
        missing=None if missing is None else tuple(missing.split(",")),
        header=arguments.pop("header", None),
        day_first=arguments.pop("day_first", None),
        units=dict(map(_column_and_unit, arguments.pop("units", ()))) or None,
        allow_infinite=arguments.pop("allow_infinite", False),
        kinds=kinds or None,
        drop=tuple(_split(arguments.pop("drop", ()))),
    )


def _split(values: tuple[str, ...]) -> list[str]:
    """Split lists of column names at commas."""
    return [name for value in values for name in value.split(",") if name]


def _column_and_unit(text: str) -> tuple[str, str]:
    """Divide COLUMN=UNIT at its last equals sign."""
    name, _, unit = text.rpartition("=")
    if not (name and unit.strip()):
        raise SettingError(f"--units takes a column and its unit, such as rate=%; it is {text!r}")
    return name, unit.strip()


def refuse_reading_options(reading: ReadingOptions, model: Path) -> None:
    """Refuse options for tables where the model is one network, which takes rows of numbers.

    Raises
    ------
    SettingError
        When an option was given.
    """
    given = list(reading.to_json())
    if given:
        raise SettingError(f"{option_of(given[0])} is for a model of a table, and {model} holds one network")


def option_of(name: str) -> str:
    """Give the option of a setting's name.

    Examples
    --------
    >>> option_of("allow_infinite"), option_of("kinds")
    ('--allow-infinite', '--category, --number, --date or --text')
    """
    return "--category, --number, --date or --text" if name == "kinds" else f"--{name.replace('_', '-')}"
