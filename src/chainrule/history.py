"""The results of a training: the ``EpochProgress`` of the current epoch, an ``EpochRecord`` of each before, the ``History``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from ._format import percent, pluralize
from .errors import MissingExtra, UnknownName
from .plan import BlockResult, Evaluation, Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


class EpochRecord(NamedTuple):
    """The costs, accuracies and times of one epoch.

    Attributes
    ----------
    epoch : int
        From 1.
    cost : float
        The mean cost over the examples, each mini-batch's before its update; without penalties. With label smoothing it is the cost
        of the smoothed targets; with ``distort`` cost and accuracy are those on the epoch's distorted images.
    accuracy : float or None
        The fraction of the examples classified correctly, each mini-batch before its update, in [0, 1]; None where y holds values.
    validation_cost, validation_accuracy : float or None
        On the validation examples, after the epoch; None without them. Never with smoothed targets.
    learning_rate : float
        That of the epoch's last step.
    seconds : float
        The time spent on training, without the validation.
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

    @property
    def is_validated(self) -> bool:
        """Whether it has a validation cost or accuracy; an estimator's with early stopping has the accuracy alone."""
        return self.validation_cost is not None or self.validation_accuracy is not None


COLUMNS = EpochRecord._fields


def column_of(records: Iterable[EpochRecord], column: str) -> npt.NDArray[np.float64]:
    """Give a column of the records, one number an epoch, with NaN in place of None."""
    if column not in COLUMNS:
        raise UnknownName("column", column, COLUMNS)
    values = [getattr(record, column) for record in records]
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def draw_column(ax: Axes, records: Iterable[EpochRecord], column: str, label: str, **style: Any) -> list[Line2D]:
    """Draw a column over the epochs: a dashed line where it is of the validation; a point where there is one epoch."""
    epochs, values = column_of(records, "epoch"), column_of(records, column)
    dashes = "--" if column.startswith("validation") else "-"
    return ax.plot(epochs, values, label=label, linestyle=dashes, marker="o" if len(epochs) == 1 else None, **style)


def mark_epoch(ax: Axes, records: Iterable[EpochRecord], column: str, epoch: int | None, **style: Any) -> list[Line2D]:
    """Draw a point on a column's line at the best epoch, where there is one."""
    marked = [record for record in records if record.epoch == epoch]
    if not marked:
        return []
    return ax.plot(column_of(marked, "epoch"), column_of(marked, column), "o", color="black", label="best epoch", zorder=3, **style)


def _no_numbers() -> Floats:
    return np.empty(0)


@dataclass
class EpochProgress:
    """How far an epoch has been trained.

    Attributes
    ----------
    epoch : int
        Its number, from 1.
    rows : int
        The examples that have been trained on, from the start of the epoch's order.
    costs : float64 array
        The summed cost of each mini-batch so far.
    right : float64 array or None
        The number (summed weight) of correctly classified examples of each mini-batch so far; None without classes.
    learning_rate : float
        That of the last step; 0 before the first.
    seconds : float
        The time spent on training.
    """

    epoch: int
    rows: int = 0
    costs: Floats = field(default_factory=_no_numbers)
    right: Floats | None = None
    learning_rate: float = 0.0
    seconds: float = 0.0
    _blocks: list[BlockResult] = field(default_factory=list)

    def add(self, rows: int, result: BlockResult, learning_rate: float, seconds: float) -> None:
        """Add the results of a block of so many examples."""
        self._blocks.append(result)
        self.rows += rows
        self.learning_rate = learning_rate
        self.seconds += seconds

    def joined(self) -> EpochProgress:
        """Give a copy whose ``costs`` and ``right`` hold the results of all blocks."""
        costs = np.concatenate([self.costs, *(block.costs for block in self._blocks)])
        counts = [] if self.right is None else [self.right]
        counts += [block.right for block in self._blocks if block.right is not None]
        return replace(self, costs=costs, right=np.concatenate(counts) if counts else None, _blocks=[])

    def record(self, total_weight: float, evaluation: Evaluation | None) -> EpochRecord:
        """Sum up the epoch; an example counts as its weight."""
        whole = self.joined()
        return EpochRecord(
            epoch=self.epoch,
            cost=float(whole.costs.sum()) / total_weight,
            accuracy=None if whole.right is None else float(whole.right.sum()) / total_weight,
            validation_cost=None if evaluation is None else evaluation.cost,
            validation_accuracy=None if evaluation is None else evaluation.accuracy,
            learning_rate=self.learning_rate,
            seconds=self.seconds,
            examples_per_second=self.rows / self.seconds,
        )


@dataclass
class History:
    """The records of a training, in order, and why it ended.

    Attributes
    ----------
    records : list of EpochRecord
    stopped : str or None
        finished, early, interrupted or diverged; None while the training goes on.
    message : str
        The reason in a sentence.
    best_epoch : int or None
        The epoch whose parameters the network has, where early stopping was set.
    seed : int
        That of the examples' order and of dropout.
    engine : str
        The name of the engine that trained.

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
        """Give a column as a float64 array, with NaN in place of None; or, for an int, that record (from 0)."""
        if isinstance(column, int):
            return self.records[column]
        return column_of(self.records, column)

    def to_dict(self) -> dict[str, Any]:
        """Give the history in JSON's types: each column as a list, then the reason it ended, the seed and the engine."""
        columns: dict[str, Any] = {name: [getattr(record, name) for record in self.records] for name in COLUMNS}
        columns["epochs"] = columns.pop("epoch")
        other_fields = {key: value for key, value in asdict(self).items() if key != "records"}
        return {**columns, **other_fields}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Plot cost and accuracy against the epochs, with matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            The axes to draw on; those of a new figure if not given.

        Returns
        -------
        matplotlib Axes
            The axes of the cost; the accuracy has an axis of its own at the right.

        Raises
        ------
        MissingExtra
            When matplotlib is not installed.
        """
        try:
            import matplotlib.pyplot as plt
            from matplotlib.ticker import MaxNLocator, PercentFormatter
        except ModuleNotFoundError:
            raise MissingExtra("History.plot needs matplotlib; install it with: pip install 'chainrule[plot]'") from None
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        lines = self._plot_column(ax, "cost", "C0")
        ax.set(xlabel="epoch", ylabel="cost")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if not np.isnan(self["accuracy"]).all():
            right = ax.twinx()
            lines += self._plot_column(right, "accuracy", "C1")
            right.set_ylabel("accuracy")
            right.yaxis.set_major_formatter(PercentFormatter(1.0))
        ax.legend(handles=list({line.get_label(): line for line in lines}.values()), loc="center right")
        return ax

    def _plot_column(self, ax: Axes, column: str, color: str) -> list[Line2D]:
        """Draw a column of the training, and dashed that of the validation, where there is one; mark the best epoch."""
        lines, watched = draw_column(ax, self, column, f"{column}, training", color=color), column
        if not np.isnan(self[f"validation_{column}"]).all():
            watched = f"validation_{column}"
            lines += draw_column(ax, self, watched, f"{column}, validation", color=color)
        return lines + mark_epoch(ax, self, watched, self.best_epoch)

    def __repr__(self) -> str:
        parts = [pluralize(len(self), "epoch"), self.stopped or "running"]
        if self.records:
            last = self.records[-1]
            parts.append(f"cost {last.cost:.4g}")
            parts += [] if last.accuracy is None else [f"accuracy {percent(last.accuracy)}"]
            if last.validation_accuracy is not None:
                parts.append(f"validation accuracy {percent(last.validation_accuracy)}")
            elif last.validation_cost is not None:
                parts.append(f"validation cost {last.validation_cost:.4g}")
        return f"History({', '.join(parts)})"
