"""A table's columns by name: a model remembers those that it was trained on, and finds them again in whatever order they come."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from .telling import warn

if TYPE_CHECKING:
    from ..examples import Examples
    from ..network import Network

MOST_NAMED = 5  # in a message


def feature_names(name: str, target: str | None) -> tuple[tuple[str, ...], str]:
    """Read the names of a table's columns without the target's, and the target's; none where it has no names.

    Parameters
    ----------
    name : str
        The path of a table that has been read whole before, and so is sound.
    target : str or None
        Its target's name or number; the last column if None.
    """
    names = names_in_file(Path(name))
    if not names:
        return (), ""
    k = -1 if target is None else names.index(target) if target in names else int(target)
    name_of_target = names.pop(k)
    return tuple(names), "" if name_of_target in names else name_of_target


def places_of(wanted: Sequence[str], names: Sequence[str], where: str) -> list[int]:
    """Find columns by name.

    Examples
    --------
    >>> places_of(["p", "q"], ["q", "y", "p"], "a.csv")
    [2, 0]

    Raises
    ------
    DataError
        When one is missing, or there twice.
    """
    place = {name: k for k, name in enumerate(names)}
    missing = [name for name in wanted if name not in place]
    if missing:
        more = ", ..." * (len(missing) > MOST_NAMED)
        raise DataError(f"{where} has no column {', '.join(map(repr, missing[:MOST_NAMED]))}{more}, which the model was trained on")
    if len(place) < len(names):
        twice = next((name for name in wanted if names.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"{where} has {names.count(twice)} columns named {twice!r}, which the model takes once; rename them")
    return [place[name] for name in wanted]


def in_the_models_order(network: Network, table: Examples, name: str, target: str | None) -> Examples:
    """Choose a table's columns as the network takes them, by name where both have names, else as they stand."""
    from ..examples import Examples

    wanted = network.provenance.columns if network.provenance else []
    names = feature_names(name, target)[0]
    if names and not wanted:
        warn(f"the model knows no names of columns; those of {name} were taken in their order")
        return table
    if not names or list(names) == wanted:
        return table
    places = places_of(wanted, names, f"{name}, its target apart,")
    return Examples(np.asarray(table.x)[:, places], table.y, weights=table.weights, pixels=True)


def names_in_file(path: Path) -> list[str]:
    """Read the names of all columns of a csv or parquet file; other tables have none."""
    kind = path.suffix.lower()
    if kind == ".parquet":
        from pyarrow import parquet

        return list(parquet.read_schema(path).names)
    if kind not in (".csv", ".tsv"):
        return []
    from ..datasets.csv_file import ENCODING, names_in, separator_of

    with path.open(encoding=ENCODING, newline="") as file:
        separator = separator_of(file)
        file.seek(0)
        first = next(filter(None, csv.reader(file, delimiter=separator)), [])
    return names_in(path, first)
