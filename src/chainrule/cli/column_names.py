"""Columns by name: a network keeps the names of the columns that it was trained on, and finds them in a table in any order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..datasets.table import is_table
from ..datasets.untrusted_files import checked_examples
from ..errors import DataError
from ..tables.column_choice import are_positions, target_column
from ..tables.number_table import matrix, read_numbers
from ..tables.read import read_names
from ..tables.table import normalized
from .data_source import Source
from .output import print_message

if TYPE_CHECKING:
    from .._types import Array
    from ..examples import Examples
    from ..network import Network

MAX_NAMES_IN_MESSAGE = 5
UNNAMED_MODEL = "the model has no column names; the columns were taken in their order"


def read_examples_for(network: Network, source: Source) -> Examples:
    """Read a table's columns as the network takes them, and its target; other columns may hold anything.

    Parameters
    ----------
    network : Network
    source : Source
        The table; without a target, that of the network's training, by its name, else the last column.

    Raises
    ------
    FileError, DataError, DataTypeError
        When the file cannot be read, lacks a column of the network or the target, or does not hold numbers in them.
    """
    path = Path(source.name)
    names = read_names(path)
    remembered = network.provenance.target if network.provenance and not are_positions(names) else ""
    target = target_column(path, names, source.target or remembered or -1)
    others = [name for name in names if name != target]
    required = _columns_of(network)
    inputs = others
    if required and not are_positions(names):
        inputs = check_columns(required, others, f"{path}, without its target,")
    table = read_numbers(path, columns=[*inputs, target])
    if not required and not are_positions(names) and len(inputs) == network.sizes[0]:
        print_message(f"{path}: {UNNAMED_MODEL}")
    return checked_examples(path, matrix(table, inputs), table[target].data)


def read_rows_for(network: Network, path: Path) -> Array:
    """Read a table's columns as the network takes them, (n, n_in): by name where both have names, else all but the target's.

    Raises
    ------
    FileError, DataError, DataTypeError
        When the file cannot be read, lacks a column of the network, or does not hold numbers in one.
    """
    names = read_names(path)
    target = target_of_training(network, names)
    required = _columns_of(network)
    if required and not are_positions(names):
        inputs = check_columns(required, names, str(path))
    else:
        inputs = [name for name in names if name != target]
    rows = matrix(read_numbers(path, columns=inputs), inputs)  # before the notes, because an error is one line
    if not required and not are_positions(names):
        print_message(f"{path}: {UNNAMED_MODEL}")
    if target is not None:
        name = f"{target} (from 0)" if are_positions(names) else repr(target)
        print_message(f"{path}: column {name} was ignored; it is the target of the model's training")
    return rows


def target_of_training(network: Network, names: Sequence[str]) -> str | None:
    """Find the target's column by the name or the position that it had in training; None where a table has no such column."""
    source = Source.of(network.provenance)
    if network.provenance is None or source is None or not is_table(Path(source.name)):
        return None
    if network.provenance.columns and not are_positions(names):
        target = normalized(network.provenance.target)
        return target if target in names else None
    if len(names) != network.sizes[0] + 1:
        return None
    try:
        return target_column(source.name, list(names), -1 if source.target is None else source.target)
    except DataError:
        return None


def check_columns(required: Sequence[str], names: Sequence[str], table: str) -> list[str]:
    """Check that a table has the columns that a network requires, and return their names.

    Parameters
    ----------
    required : sequence of str
        The names to find.
    names : sequence of str
        The names of the table's columns.
    table : str
        The table's name, for messages.

    Raises
    ------
    DataError
        When a name is missing.
    """
    missing = [name for name in required if name not in names]
    if missing:
        listed = ", ".join(map(repr, missing[:MAX_NAMES_IN_MESSAGE])) + ", ..." * (len(missing) > MAX_NAMES_IN_MESSAGE)
        raise DataError(f"{table} has no column {listed}, which the model was trained on")
    return list(required)


def _columns_of(network: Network) -> list[str]:
    """Give the names of the columns of the network's training; empty where they had none."""
    return [normalized(name) for name in network.provenance.columns] if network.provenance else []
