"""Columns by name: a model keeps the names of the columns that it was trained on, and finds them in a table in any order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from .output import print_message

if TYPE_CHECKING:
    from ..examples import Examples
    from ..network import Network

MAX_NAMES_IN_MESSAGE = 5


def feature_and_target_names(name: str, target: str | None) -> tuple[tuple[str, ...], str]:
    """Read the names of a table's columns without the target's, and the target's; empty where the table has no names.

    Parameters
    ----------
    name : str
        The path of a table that has been read before, and so is valid.
    target : str or None
        The target's name or number; the last column if None.
    """
    names = read_column_names(Path(name))
    if not names:
        return (), ""
    k = -1 if target is None else names.index(target) if target in names else int(target)
    target_name = names.pop(k)
    return tuple(names), "" if target_name in names else target_name


def column_positions(required: Sequence[str], names: Sequence[str], table: str) -> list[int]:
    """Find columns by name.

    Parameters
    ----------
    required : sequence of str
        The names to find.
    names : sequence of str
        The names of the table's columns.
    table : str
        The table's name, for messages.

    Examples
    --------
    >>> column_positions(["p", "q"], ["q", "y", "p"], "a.csv")
    [2, 0]

    Raises
    ------
    DataError
        When a name is missing, or names two columns.
    """
    positions = {name: k for k, name in enumerate(names)}
    missing = [name for name in required if name not in positions]
    if missing:
        listed = ", ".join(map(repr, missing[:MAX_NAMES_IN_MESSAGE])) + ", ..." * (len(missing) > MAX_NAMES_IN_MESSAGE)
        raise DataError(f"{table} has no column {listed}, which the model was trained on")
    repeated = next((name for name in required if names.count(name) > 1), None)
    if repeated is not None:
        raise DataError(f"{table} has {names.count(repeated)} columns named {repeated!r}, which the model takes once; rename them")
    return [positions[name] for name in required]


def reorder_columns(network: Network, table: Examples, name: str, target: str | None) -> Examples:
    """Select a table's columns in the network's order, by name where both have names, else unchanged."""
    from ..examples import Examples

    required = network.provenance.columns if network.provenance else []
    names = feature_and_target_names(name, target)[0]
    if names and not required:
        print_message(f"the model has no column names; the columns of {name} were taken in their order")
        return table
    if not names or list(names) == required:
        return table
    positions = column_positions(required, names, f"{name}, without its target,")
    return Examples(np.asarray(table.x)[:, positions], table.y, weights=table.weights, pixels=True)


def read_column_names(path: Path) -> list[str]:
    """Read the names of all columns of a csv or parquet file; other tables have none."""
    kind = path.suffix.lower()
    if kind == ".parquet":
        from ..datasets.parquet_file import read_parquet_names

        return read_parquet_names(path)
    if kind not in (".csv", ".tsv"):
        return []
    from ..datasets.csv_file import read_csv_names

    return read_csv_names(path)
