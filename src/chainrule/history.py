"""What a training tells: a record each epoch, and the history of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from ._format import counted, percent
from .errors import MissingExtra, UnknownName

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch gave.

    Attributes
    ----------
    epoch : int
        From 1.
    cost : float
        The mean of the mini-batches' costs, each before its update, without penalty.
    accuracy : float or None
        The fraction that the mini-batches had right, each before its update, in [0, 1]; None where y holds values.
    validation_cost, validation_accuracy : float or None
        On the validation examples after the epoch; None without them.
    learning_rate : float
        Of the epoch's last step.
    seconds : float
        Spent on training, without the validation.
    examples_per_second : float
    """

    epoch: int
    cost: float
    accuracy: float | None
    validation_cost: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float
    examples_per_second: float


COLUMNS = tuple(column.name for column in fields(EpochRecord))


@dataclass
class History:
    """The records of a training, in order, and why it ended.

    Attributes
    ----------
    records : list of EpochRecord
    stopped : str or None
        finished, early, interrupted or diverged; None while it goes on.
    message : str
        The same in a sentence.
    best_epoch : int or None
        With early stopping, the epoch whose parameters the network ended with.
    seed : int
        Of the order of the examples and of dropout.
    engine : str
        Which one trained.

    Examples
    --------
    >>> history = History(seed=0, engine="reference")
    >>> history.records.append(EpochRecord(1, 0.5, 0.9, None, None, 3.0, 0.25, 200_000.0))
    >>> history["cost"]
    array([0.5])
    >>> history
    History(1 epoch, running, cost 0.5, accuracy 90.00 %)
    """

    seed: int
    engine: str
    records: list[EpochRecord] = field(default_factory=list)
    stopped: str | None = None
    message: str = ""
    best_epoch: int | None = None

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[EpochRecord]:
        return iter(self.records)

    @overload
    def __getitem__(self, column: str) -> npt.NDArray[np.float64]: ...
    @overload
    def __getitem__(self, column: int) -> EpochRecord: ...
    def __getitem__(self, column: str | int) -> npt.NDArray[np.float64] | EpochRecord:
        """Give a column, a float64 entry an epoch and NaN where there is no value; or, for a number, that record (from 0)."""
        if isinstance(column, int):
            return self.records[column]
        if column not in COLUMNS:
            raise UnknownName("column", column, COLUMNS)
        values = [getattr(record, column) for record in self.records]
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Give the history as JSON's types: each column a list, then why it ended, the seed and the engine."""
        columns: dict[str, Any] = {name: [getattr(record, name) for record in self.records] for name in COLUMNS}
        columns["epochs"] = columns.pop("epoch")
        rest = {key: value for key, value in asdict(self).items() if key != "records"}
        return {**columns, **rest}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw cost and accuracy against the epochs, with matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if not given.

        Returns
        -------
        matplotlib Axes
            The cost's; the accuracy has a scale of its own at the right.

        Raises
        ------
        MissingExtra
            When matplotlib is not installed.
        """
        try:
            import matplotlib.pyplot as plt
            from matplotlib.ticker import MaxNLocator, PercentFormatter
        except ImportError:
            raise MissingExtra("History.plot needs matplotlib; install it with: pip install 'chainrule[plot]'") from None
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        epochs = self["epoch"]
        lines = ax.plot(epochs, self["cost"], color="C0", label="cost, training")
        if not np.isnan(self["validation_cost"]).all():
            lines += ax.plot(epochs, self["validation_cost"], color="C0", linestyle="--", label="cost, validation")
        ax.set(xlabel="epoch", ylabel="cost")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if not np.isnan(self["accuracy"]).all():
            right = ax.twinx()
            lines += right.plot(epochs, self["accuracy"], color="C1", label="accuracy, training")
            if not np.isnan(self["validation_accuracy"]).all():
                lines += right.plot(epochs, self["validation_accuracy"], color="C1", linestyle="--", label="accuracy, validation")
            right.set_ylabel("accuracy")
            right.yaxis.set_major_formatter(PercentFormatter(1.0))
        ax.legend(handles=lines, loc="center right")
        return ax

    def __repr__(self) -> str:
        parts = [counted(len(self), "epoch"), self.stopped or "running"]
        if self.records:
            last = self.records[-1]
            parts.append(f"cost {last.cost:.4g}")
            parts += [] if last.accuracy is None else [f"accuracy {percent(last.accuracy)}"]
            if last.validation_accuracy is not None:
                parts.append(f"validation accuracy {percent(last.validation_accuracy)}")
            elif last.validation_cost is not None:
                parts.append(f"validation cost {last.validation_cost:.4g}")
        return f"History({', '.join(parts)})"
