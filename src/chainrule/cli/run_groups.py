"""The rows of a table of runs: a run alone, or the networks of a table or a population whose seeds alone differ."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..checkpoints.run_status import RunStatus
    from ..history import EpochRecord

SETTINGS = ("sizes", "optimizer", "learning_rate", "batch_size", "l2", "alpha", "dropout", "seed")
"""The settings of a table of runs, in this order; one that is the same in all runs is left out."""

_NETWORK = re.compile(r"\d{3,4}", re.ASCII)
"""The name of the folder of a population's network."""


@dataclass(frozen=True)
class RunGroup:
    """One run, or several that are one row of a table.

    Attributes
    ----------
    path : Path
        The run's folder, or the one with the folders of the runs.
    runs : sequence of RunStatus
        At least one.
    """

    path: Path
    runs: Sequence[RunStatus]

    @property
    def state(self) -> str:
        """The state of all runs, or how many are in each state."""
        counts = Counter(run.state for run in self.runs)
        return next(iter(counts)) if len(counts) == 1 else ", ".join(f"{count} {state}" for state, count in counts.items())

    @property
    def epochs(self) -> list[int]:
        """The epochs that each run has been trained for."""
        return [run.epoch for run in self.runs]

    @property
    def all_epochs(self) -> int:
        """The epochs after which a run ends."""
        return max(run.header.settings["epochs"] for run in self.runs)

    @property
    def best_epochs(self) -> list[int]:
        """The best epoch of each run that has one."""
        return [best.epoch for run in self.runs if (best := run.best) is not None]

    @property
    def last(self) -> EpochRecord | None:
        """The last epoch, or of several runs the mean of their last epochs."""
        return mean_record([run.records[-1] for run in self.runs if run.records])

    @property
    def best(self) -> EpochRecord | None:
        """The best epoch, or of several runs the mean of their best epochs."""
        return mean_record([best for run in self.runs if (best := run.best) is not None])

    @property
    def settings(self) -> dict[str, Any]:
        """The settings; one that differs between the runs is None."""
        first, *others = map(settings_of, self.runs)
        return {name: value if all(each[name] == value for each in others) else None for name, value in first.items()}


def group_runs(runs: Iterable[RunStatus], folder: Path) -> list[RunGroup]:
    """Make a row of the networks 000, 001, ... below one folder whose seeds alone differ, and of every other run.

    The networks that lie in ``folder`` itself have a row each: naming their folder asks for them.
    """
    groups: dict[Any, list[RunStatus]] = {}
    for run in runs:
        groups.setdefault(_group_of(run, folder), []).append(run)
    return [RunGroup(members[0].path.parent if len(members) > 1 else members[0].path, members) for members in groups.values()]


def _group_of(run: RunStatus, folder: Path) -> Any:
    """Give the folder and the settings that the runs of a row share."""
    if run.path.parent == folder or run.path == folder or not _NETWORK.fullmatch(run.path.name):
        return run.path
    return run.path.parent, repr({**settings_of(run), "seed": None, "epochs": run.header.settings["epochs"]})


def mean_record(records: Sequence[EpochRecord]) -> EpochRecord | None:
    """Give the mean of the columns of some records, with their largest epoch; None without records."""
    from ..history import COLUMNS, EpochRecord, column_of

    if len(records) < 2:
        return records[0] if records else None
    means = {name: float(column_of(records, name).mean()) for name in COLUMNS}
    absent = {name: None for name in ("accuracy", "validation_cost", "validation_accuracy") if math.isnan(means[name])}
    columns: dict[str, Any] = {**means, **absent, "epoch": max(record.epoch for record in records)}
    return EpochRecord(**columns)


def settings_of(run: RunStatus) -> dict[str, Any]:
    """Give the settings of a run that a table shows; one that its checkpoint does not hold as expected is None.

    An estimator's checkpoint has its hyperparameters: the rate is ``learning_rate_init``, the seed ``random_state``.
    """
    settings = run.header.settings
    plan = settings.get("plan")
    plan = plan if isinstance(plan, dict) else {}
    layers = plan.get("layers")
    layers = [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    optimizer = plan.get("optimizer")
    sizes = [layer.get("n_in") for layer in layers[:1]] + [layer.get("n_out") for layer in layers]
    name = optimizer.get("name") if isinstance(optimizer, dict) else None
    return {
        "sizes": sizes if all(_number(size) is not None for size in sizes) else None,
        "optimizer": name if isinstance(name, str) else None,
        "learning_rate": _number(settings.get("learning_rate_init", settings.get("learning_rate"))),
        "batch_size": _number(plan.get("batch_size")),
        "l2": _number(plan.get("l2")),
        "alpha": _number(settings.get("alpha")),
        "dropout": _number(layers[0].get("dropout")) if layers else None,
        "seed": _number(settings.get("random_state", plan.get("seed"))),
    }


def _number(value: Any) -> int | float | None:
    """Give an entry of a file that is a number of 64 bits, and None for any other."""
    return value if type(value) is float or (type(value) is int and abs(value) < 1 << 64) else None
