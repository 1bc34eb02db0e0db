"""The monitors of ``network2.Network.SGD``: costs and accuracies after each epoch, printed in the book's lines, and kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import SettingError


class Measurable(Protocol):
    """A network with the two methods of ``network2`` that measure it, which a reader may have replaced."""

    def accuracy(self, data: Any, convert: bool = False) -> Any:
        """Count the right answers."""
        ...

    def total_cost(self, data: Any, lmbda: float, convert: bool = False) -> Any:
        """Give the regularized cost."""
        ...


@dataclass
class Monitor:
    """One quantity: the line that shows it, the function that measures it, and its values so far; ``on`` where it is asked for."""

    on: bool
    line: str
    measure: Callable[[], Any]
    values: list[Any] = field(default_factory=list)

    def record(self) -> None:
        """Measure, and print the line."""
        self.values.append(self.measure())
        print(self.line.format(self.values[-1]))


class Monitors:
    """The four monitors of one call of ``SGD``.

    Parameters
    ----------
    network : Measurable
    training, evaluation : list of pairs
        ``evaluation`` may be None.
    lmbda : float
    evaluation_cost, evaluation_accuracy, training_cost, training_accuracy : bool
        Which quantities are measured.

    Raises
    ------
    SettingError
        When a quantity of the evaluation data is asked for, and there is none.
    """

    def __init__(
        self,
        network: Measurable,
        training: list[Any],
        evaluation: list[Any] | None,
        lmbda: float,
        *,
        evaluation_cost: bool,
        evaluation_accuracy: bool,
        training_cost: bool,
        training_accuracy: bool,
    ) -> None:
        self.has_evaluation_data = evaluation is not None
        evaluated = evaluation or []
        if evaluation_cost or evaluation_accuracy:
            self.check_evaluation_data("monitor_evaluation_cost and monitor_evaluation_accuracy")
        accuracy_line = "Accuracy on {} data: {{}} / {}"
        self.evaluation_cost = Monitor(
            evaluation_cost, "Cost on evaluation data: {}", lambda: network.total_cost(evaluated, lmbda, convert=True)
        )
        self.evaluation_accuracy = Monitor(
            evaluation_accuracy, accuracy_line.format("evaluation", len(evaluated)), lambda: network.accuracy(evaluated)
        )
        self.training_cost = Monitor(training_cost, "Cost on training data: {}", lambda: network.total_cost(training, lmbda))
        self.training_accuracy = Monitor(
            training_accuracy, accuracy_line.format("training", len(training)), lambda: network.accuracy(training, convert=True)
        )

    def check_evaluation_data(self, setting: str) -> None:
        """Refuse a setting that needs the evaluation data, where there is none."""
        if not self.has_evaluation_data:
            raise SettingError(f"{setting} need evaluation_data, which is not given: pass evaluation_data=validation_data")

    def record(self) -> None:
        """Measure and print what is asked for, in the book's order."""
        for monitor in (self.training_cost, self.training_accuracy, self.evaluation_cost, self.evaluation_accuracy):
            if monitor.on:
                monitor.record()

    @property
    def curves(self) -> tuple[list[float], list[int], list[float], list[int]]:
        """The values of evaluation cost, evaluation accuracy, training cost and training accuracy."""
        return (
            self.evaluation_cost.values,
            self.evaluation_accuracy.values,
            self.training_cost.values,
            self.training_accuracy.values,
        )


class Patience:
    """The rule of ``early_stopping_n``: stop after n epochs in which the evaluation accuracy did not exceed its best.

    Raises
    ------
    SettingError
        When n is above 0, and there is no evaluation data.
    """

    def __init__(self, n: int, monitors: Monitors) -> None:
        self.n = n
        self.accuracy = monitors.evaluation_accuracy
        self.best = 0
        self.epochs_since = 0
        if n:
            monitors.check_evaluation_data("the epochs of early_stopping_n")

    def is_exhausted(self) -> bool:
        """Compare the epoch that has ended with the best; measure it where it is not monitored."""
        if not self.n:
            return False
        accuracy = self.accuracy.values[-1] if self.accuracy.on else self.accuracy.measure()
        if accuracy > self.best:
            self.best, self.epochs_since = accuracy, 0
        else:
            self.epochs_since += 1
        return self.epochs_since >= self.n
