"""The results of a sweep as a table: a row for each run, and the groups of runs that differ in their seed alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._atomic_write import replace_atomically, translate_write_errors
from ..tables.locked_duckdb import connect_locked, literal
from .search import SweepRun
from .space import Value, show
from .sweep_run import RunResult

ROWS_AT_ONCE = 200

SCORES: dict[str, str] = {
    "planned_epochs": "BIGINT",
    "epochs": "BIGINT",
    "best_epoch": "BIGINT",
    "cost": "DOUBLE",
    "validation_accuracy": "DOUBLE",
    "validation_cost": "DOUBLE",
    "test_accuracy": "DOUBLE",
    "test_cost": "DOUBLE",
    "stopped": "VARCHAR",
    "seconds": "DOUBLE",
    "engine": "VARCHAR",
}
"""The columns after those of the settings and the seed, and their types in Parquet."""


def rows_of(results: Iterable[RunResult]) -> list[dict[str, Any]]:
    """Give a row for each run: the number of its point, its settings, its seed and its results; in the order of the runs.

    ``hidden`` is a list of whole numbers, the units of each hidden layer; it is empty without one.
    """
    ordered = sorted(results, key=lambda result: result.run.key)
    return [
        {
            "point": result.point,
            **{name: cell(name, value) for name, value in result.settings},
            "seed": result.seed,
            "planned_epochs": result.epochs,
            "epochs": result.trained_epochs,
            **{name: getattr(result, name) for name in list(SCORES)[2:]},
        }
        for result in ordered
    ]


def cell(name: str, value: Value) -> Any:
    """Give the value of a setting as the table and JSON hold it.

    Examples
    --------
    >>> cell("hidden", (128, 64)), cell("hidden", ()), cell("l2", 0.5)
    ([128, 64], [], 0.5)
    """
    if name == "hidden":
        return list(value)
    return show(value) if isinstance(value, tuple) else value


def write_parquet(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows to a Parquet file; it is written completely or not at all.

    Raises
    ------
    FileError
        When it cannot be written.
    """
    types = {name: SCORES.get(name) or _type_of([row[name] for row in rows]) for name in rows[0]}
    with replace_atomically(path) as temporary, translate_write_errors(path), connect_locked([str(temporary)]) as connection:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        connection.execute(f"CREATE TABLE runs ({columns})")
        for first in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[first : first + ROWS_AT_ONCE]
            places = ", ".join(["(" + ", ".join("?" * len(types)) + ")"] * len(some))
            values = [_stored(row[name], types[name]) for row in some for name in types]
            connection.execute(f"INSERT INTO runs VALUES {places}", values)  # noqa: S608  # question marks alone
        connection.execute(f"COPY runs TO {literal(str(temporary))} (FORMAT parquet, USE_TMP_FILE false)")


def _type_of(values: Sequence[Any]) -> str:
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, list) for value in present):
        return "UBIGINT[]"
    if all(type(value) is bool for value in present):
        return "BOOLEAN" if present else "VARCHAR"
    if all(type(value) is int for value in present):
        return "UBIGINT" if min(present) >= 0 else "BIGINT"
    return "DOUBLE" if all(type(value) in (int, float) for value in present) else "VARCHAR"


def _stored(value: Any, kind: str) -> Any:
    return str(value) if kind == "VARCHAR" and value is not None else value


@dataclass(frozen=True)
class Group:
    """The runs of one point with all seeds, of the most epochs that it was trained for.

    Attributes
    ----------
    results : tuple of RunResult
    """

    results: tuple[RunResult, ...]

    @property
    def first(self) -> RunResult:
        """The run of the first seed."""
        return self.results[0]

    @property
    def diverged(self) -> int:
        """How many seeds diverged."""
        return sum(result.stopped == "diverged" for result in self.results)

    @property
    def mean_score(self) -> float:
        """The mean score; -inf where a seed diverged."""
        return statistics.fmean(result.score for result in self.results)

    def values(self, column: str) -> list[float]:
        """Give a column of the runs that have a value."""
        return [value for result in self.results if (value := getattr(result, column)) is not None]


def groups_of(results: Iterable[RunResult]) -> list[Group]:
    """Group the runs by their point, the best mean first."""
    by_point: dict[int, dict[SweepRun, RunResult]] = {}
    for result in sorted(results, key=lambda result: result.run.key):
        by_point.setdefault(result.point, {})[result.run] = result
    groups = []
    for runs in by_point.values():
        epochs = max(run.epochs for run in runs)
        groups.append(Group(tuple(result for run, result in runs.items() if run.epochs == epochs)))
    return sorted(groups, key=lambda group: -group.mean_score)


def best_of(results: Iterable[RunResult]) -> RunResult | None:
    """Give the run with the best score, the first of equal ones; None where all diverged."""
    finite = [result for result in results if result.score > float("-inf")]
    return min(finite, key=lambda result: (-result.score, result.run.key), default=None)
