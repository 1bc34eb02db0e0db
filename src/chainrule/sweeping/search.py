"""Which runs a sweep has: a grid, a random sample, or successive halving. All of it is decided by the arguments and the results.

A *point* is one value for each setting that varies. A *run* is a point with a seed, trained for a number of epochs.

Successive halving (ASHA: Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning") trains every point for a few
epochs, and the best of them for three times as many, up to all epochs. Here the points are judged in their order, each against
those before it, whenever its result arrives: so the runs are the same whatever the number of workers, and no worker waits for all
others. The rule for a point is that of Optuna's ``SuccessiveHalvingPruner``. A run is trained from its start, so that each result
is that of ``cr.train`` with the same arguments.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ..errors import SettingError
from .space import Choices, Parameter, Range, Space, Value

Point: TypeAlias = tuple[tuple[str, Value], ...]

FACTOR = 3
"""One of so many points goes on to so many times the epochs."""

MOST_RUNS = 1_000_000

TRIES_A_POINT = 100
"""How often a point is drawn at most, on average, to find one that is not there yet."""


@dataclass(frozen=True)
class SweepRun:
    """One training of a sweep.

    Attributes
    ----------
    point : int
        The number of its point, from 0.
    seed : int
    epochs : int
    settings : tuple of (name, value)
        Those that vary.
    """

    point: int
    seed: int
    epochs: int
    settings: Point

    @property
    def key(self) -> tuple[int, int, int]:
        """What tells it from the other runs of its sweep."""
        return self.point, self.seed, self.epochs


def grid_points(space: Space) -> list[Point]:
    """Give every combination of the values; the last setting changes first.

    Raises
    ------
    SettingError
        When they are too many.
    """
    values = [_grid(name, parameter) for name, parameter in space.items()]
    if math.prod(map(len, values)) > MOST_RUNS:
        raise SettingError(
            f"the grid has {math.prod(map(len, values)):,} points, and at most {MOST_RUNS:,} are trained; sample some"
        )
    return [tuple(zip(space, combination, strict=True)) for combination in itertools.product(*values)]


def random_points(space: Space, count: int, seed: int) -> list[Point]:
    """Draw points, each setting on its own, and none twice; more points begin with the same ones.

    Raises
    ------
    SettingError
        When a range has a number of points, which is for a grid, or the space has fewer points than are asked for.
    """
    for name, parameter in space.items():
        if isinstance(parameter, Range) and parameter.points is not None:
            raise SettingError(f"{name}: a number of points is for a grid, and these are sampled; leave :{parameter.points} out")
    rng, points = np.random.default_rng(seed), dict[Point, None]()
    for _ in range(count * TRIES_A_POINT):
        row = rng.random(len(space))
        point = tuple((name, _at(name, parameter, float(u))) for (name, parameter), u in zip(space.items(), row, strict=True))
        points[point] = None
        if len(points) == count:
            return list(points)
    raise SettingError(f"the space has fewer than {count:,} points; sample fewer, or train all of them as a grid")


def _grid(name: str, parameter: Parameter) -> tuple[Value, ...]:
    if isinstance(parameter, Choices):
        return parameter.values
    return tuple(_value(name, number) for number in parameter.spread())


def _at(name: str, parameter: Parameter, fraction: float) -> Value:
    if isinstance(parameter, Choices):
        return parameter.values[int(fraction * len(parameter.values))]
    return _value(name, parameter.at(fraction))


def _value(name: str, number: float) -> Value:
    """Give a number of a range as the setting's value: units as one hidden layer."""
    return (number,) if name == "hidden" else number


def rungs_of(epochs: int) -> list[int]:
    """Give the epochs of the rungs of successive halving: the last has all epochs, the one before a third of them.

    Examples
    --------
    >>> rungs_of(27), rungs_of(30), rungs_of(1)
    ([1, 3, 9, 27], [1, 3, 10, 30], [1])
    """
    rungs = [epochs]
    while rungs[0] >= FACTOR:
        rungs.insert(0, rungs[0] // FACTOR)
    return rungs


def goes_on(score: float, earlier: Sequence[float]) -> bool:
    """Whether a score is among the best third of those before it and itself; of less than three it must be the best.

    Examples
    --------
    >>> goes_on(0.5, []), goes_on(0.4, [0.5]), goes_on(0.6, [0.5, 0.7, 0.1, 0.2, 0.3])
    (True, False, True)
    """
    best = max(1, (len(earlier) + 1) // FACTOR)
    return math.isfinite(score) and score >= sorted([*earlier, score], reverse=True)[best - 1]


@dataclass
class _Rung:
    """The points that have come to a number of epochs, in order, and their scores by seed."""

    entrants: list[int] = field(default_factory=list)
    judged: list[float] = field(default_factory=list)
    scores: dict[int, dict[int, float]] = field(default_factory=dict)


class Search:
    """The runs of a sweep: those to begin with, and after each result those that follow from it.

    Parameters
    ----------
    points : sequence of Point
    seeds : sequence of int
    rungs : sequence of int
        The epochs of each rung, growing; a grid and a random sample have one.
    """

    def __init__(self, points: Sequence[Point], seeds: Sequence[int], rungs: Sequence[int]) -> None:
        self.points, self.seeds, self.rungs = points, seeds, rungs
        self._rungs = [_Rung() for _ in rungs]

    def begin(self) -> list[SweepRun]:
        """Give the runs that need no result."""
        return self._enter(0, range(len(self.points)))

    def tell(self, run: SweepRun, score: float) -> list[SweepRun]:
        """Take a run's score, the higher the better, and give the runs that follow."""
        rung = self.rungs.index(run.epochs)
        self._rungs[rung].scores.setdefault(run.point, {})[run.seed] = score
        return self._judge(rung)

    def _enter(self, rung: int, points: Iterable[int]) -> list[SweepRun]:
        points = list(points)
        self._rungs[rung].entrants += points
        epochs = self.rungs[rung]
        return [SweepRun(point, seed, epochs, self.points[point]) for point in points for seed in self.seeds]

    def _judge(self, number: int) -> list[SweepRun]:
        """Judge the points of a rung whose turn it is: the next ones in order that have a score of every seed."""
        if number + 1 == len(self.rungs):
            return []
        rung, kept = self._rungs[number], []
        while len(rung.judged) < len(rung.entrants):
            point = rung.entrants[len(rung.judged)]
            scores = rung.scores.get(point, {})
            if len(scores) < len(self.seeds):
                break
            score = (
                math.fsum(scores[seed] for seed in self.seeds) / len(self.seeds)
                if all(map(math.isfinite, scores.values()))
                else -math.inf
            )
            if goes_on(score, rung.judged):
                kept.append(point)
            rung.judged.append(score)
        return self._enter(number + 1, kept)


def make_points(space: Space, search: str, trials: int | None, search_seed: int) -> list[Point]:
    """Give the points of a search: ``"grid"``, ``"random"`` or ``"asha"``.

    Raises
    ------
    SettingError
        When the number of trials is missing, or given for a grid.
    """
    if search not in ("grid", "random", "asha"):
        raise SettingError(f"search must be 'grid', 'random' or 'asha'; it is {search!r}")
    if search == "grid":
        if trials is not None:
            raise SettingError("trials is the number of points that are sampled; a grid has all: leave it out, or search='random'")
        return grid_points(space)
    if trials is None:
        raise SettingError(f"search={search!r} samples points; give their number as trials=")
    return random_points(space, trials, search_seed)


def as_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give settings in JSON's types, tuples as lists, and a setting with fields of its own, such as an optimizer, as its text.

    Raises
    ------
    SettingError
        When a setting is a function or an object without a lasting text.
    """
    return {name: _as_json(name, value) for name, value in settings.items()}


def _as_json(name: str, value: Any) -> Any:
    from dataclasses import is_dataclass

    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        return [_as_json(name, entry) for entry in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if is_dataclass(value) and not any(callable(entry) for entry in vars(value).values()):
        return repr(value)
    raise SettingError(f"{name} must be a value that can be written down, so that a sweep can be resumed; it is {value!r}")
