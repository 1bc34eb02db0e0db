"""A figure of the book compared with our seeds, like with like: the best of three runs with the bests of three of our seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import DataError
from ..plan import Floats
from .best_of import best_of_weights, range_of, share_up_to, weighted_median
from .experiments import Baseline, BookFigure, Experiment, Measure
from .result_file import SeedResult


def measured(result: SeedResult, measure: Measure) -> float:
    """Take a measure of one training.

    Raises
    ------
    DataError
        When the result lacks it.
    """
    if measure is Measure.TRAINING:
        if result.training_accuracy is None:  # of a file that was edited, or of an experiment that got this figure later
            raise DataError(f"the result of {result.experiment} with seed {result.seed} lacks training_accuracy; remove its line")
        return result.training_accuracy
    return {
        Measure.FIRST_EPOCH: result.accuracies[0],
        Measure.BEST_EPOCH: max(result.accuracies),
        Measure.LAST_EPOCH: result.accuracies[-1],
        Measure.ONCE: result.accuracies[-1],
    }[measure]


FEWEST_SEEDS = 5
"""The range of fewer seeds says little: one more run of the same kind lies outside that of n runs with probability 2 / (n + 1)."""


@dataclass(frozen=True)
class Comparison:
    """A figure of the book, and the same measure of each of our seeds.

    Attributes
    ----------
    experiment : Experiment or Baseline
    figure : BookFigure
    values : float64 array, shape (seeds,)
        The measure of each seed.
    best_epochs : float64 array, shape (seeds,)
        The accuracy of each seed's best epoch, by which the best of several runs is chosen.
    """

    experiment: Experiment | Baseline
    figure: BookFigure
    values: Floats
    best_epochs: Floats

    @cached_property
    def weights(self) -> Floats:
        """The probability of each seed's value as the book took its own: uniform for one run, and where there are too few seeds."""
        return best_of_weights(self.best_epochs, self.figure.best_of if self.is_possible else 1)

    @property
    def seeds_needed(self) -> int:
        """The fewest seeds that the book's figure is compared with."""
        return 1 if self.figure.measure is Measure.ONCE else max(FEWEST_SEEDS, self.figure.best_of)

    @property
    def is_possible(self) -> bool:
        """Whether there are enough seeds, and the settings are the book's."""
        return len(self.values) >= self.seeds_needed and self.figure.is_comparable

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest value that the book's way of taking one gives with our seeds."""
        return range_of(self.values, self.weights)

    @property
    def median(self) -> float:
        """The median of all seeds."""
        return float(np.median(self.values))

    @property
    def median_as_taken(self) -> float:
        """The median of the values as the book took them."""
        return weighted_median(self.values, self.weights)

    @property
    def verdict(self) -> str:
        """Say where the book's figure lies in the range; both are compared at the place that the book rounds to."""
        if not self.figure.is_comparable:
            return "other data"
        if not self.is_possible:
            return f"needs {self.seeds_needed} seeds"
        low, high = self.range
        half = self.figure.rounding / 2 + 1e-12
        if self.figure.accuracy > high + half:
            return "above all"
        return "below all" if self.figure.accuracy < low - half else "inside"

    @property
    def share_below(self) -> float:
        """The probability that the book's way of taking one gives at most the book's figure with our seeds."""
        return share_up_to(self.values, self.weights, self.figure.accuracy + self.figure.rounding / 2)


def compare(experiment: Experiment | Baseline, results: Sequence[SeedResult]) -> list[Comparison]:
    """Compare each figure of an experiment with the results of its seeds."""
    best = np.array([max(result.accuracies) for result in results])
    return [
        Comparison(experiment, figure, np.array([measured(result, figure.measure) for result in results]), best)
        for figure in experiment.figures
    ]
