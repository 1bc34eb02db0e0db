"""``diagnose``: checks the arguments, measures, and applies the rules."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checkpoints.run_folder import first_run
from ..checkpoints.run_status import read_history, read_status
from ..errors import ArgumentTypeError, DataError, FileError
from ..examples import Examples, as_pair
from ..explaining.batch_pass import unwrap_estimator
from ..history import EpochRecord, History
from ..network import Network
from .diagnosis import Diagnosis, diagnosis_of
from .measuring import measure

if TYPE_CHECKING:
    from ..table_model import TableModel


def diagnose(network: Any, examples: Any, history: Any = None) -> Diagnosis:
    """Say what went wrong in a training, which equation explains it, and what to try.

    Some hundred rows are drawn by a fixed rule, and passed forward and back with the present weights, and with the initial ones
    where the seed draws them again. A rule that could not be examined is listed with the reason.

    Parameters
    ----------
    network : Network, or a fitted MLPClassifier, MLPRegressor, TableClassifier or TableRegressor
        Of a table's estimator the first network is examined.
    examples : Examples or (x, y)
        Those of the training, or others of the same kind; an estimator's as its ``fit`` takes them.
    history : History, sequence of EpochRecord, or path, optional
        Of the training: what ``cr.train`` returned, or the folder of a training with checkpoints, or its ``history.jsonl``. By
        default an estimator's ``loss_curve_``; without it, rules that need the curves are not examined.

    Returns
    -------
    Diagnosis
        ``print`` it, ``save`` it as an HTML page, or let a notebook display it; ``findings`` are its parts.

    Raises
    ------
    DataError
        If the examples do not suit the network, have no y, or a parameter is not finite.
    ArgumentTypeError
        If the network or the history is of another type.
    FileError
        If the history's path does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> net = Network([1, 1], seed=0)
    >>> net.weights[0][:] = net.biases[0][:] = 2.0
    >>> diagnosis = diagnose(net, (np.ones((1, 1)), np.zeros((1, 1))))
    >>> diagnosis.findings[0].name, diagnosis.findings[0].equations
    ('outputs saturated and wrong', ('BP1',))
    """
    x, y = as_pair(examples)
    if history is None:
        history = records_of_estimator(network)
    if hasattr(network, "model_"):
        network, x, y = _first_of_table(network, x, y)
    estimator = type(network).__name__ if hasattr(network, "for_network") else ""
    network, x, y = unwrap_estimator(network, x, y)
    if not isinstance(network, Network):
        raise ArgumentTypeError(f"diagnose takes a Network or a fitted estimator; this is {type(network).__name__}")
    checked = checked_examples(network, x, y)
    records, diverged = read_records(history)
    return diagnosis_of(measure(network, checked, records, diverged=diverged), estimator)


def checked_examples(network: Network, x: Any, y: Any) -> Examples:
    """Check the examples of a diagnosis against the network; rows without weight, which no training uses, are left out.

    Raises
    ------
    DataError
        If they do not suit it, have no y, or are piecewise.
    """
    read = network.read(*as_pair(x, y), training=True)
    if read.y is None:
        raise DataError("diagnose needs y, the labels or targets of x; without them there is no cost")
    if read.kind == "piecewise":
        raise DataError("diagnose takes arrays and CSR matrices; pass x.expanded('float64') in place of PiecewiseInputs")
    checked = network.check_examples(read, training=True)
    return checked if checked.weights is None or checked.weights.all() else checked[np.flatnonzero(checked.weights)]


def _first_of_table(estimator: Any, x: Any, y: Any) -> tuple[Network, Any, Any]:
    """Give the first network of a table's estimator, and the rows as it takes them."""
    if y is None:
        raise DataError("an estimator needs x and y as its fit takes them; y is missing, and without it there is no cost")
    return first_network(estimator.model_), *estimator.for_networks(x, y)


def first_network(model: TableModel) -> Network:
    """Give the first network of a table's model, without a start: column weights were folded into it after the training."""
    network = copy(model.networks[0])
    network.init = None
    return network


def records_of_estimator(estimator: Any) -> list[EpochRecord] | None:
    """Make records of an estimator's ``loss_curve_`` and ``validation_loss_curve_``; None where it has none."""
    losses: Sequence[float] = getattr(estimator, "loss_curve_", None) or []
    validation: Sequence[float | None] = getattr(estimator, "validation_loss_curve_", None) or [None] * len(losses)
    if not losses or len(validation) != len(losses):
        return None
    rate = float(getattr(estimator, "learning_rate_init", 0))
    pairs = enumerate(zip(losses, validation, strict=True), start=1)
    return [EpochRecord(k, loss, None, later, None, rate, 0.0, 0.0) for k, (loss, later) in pairs]


def read_records(history: Any) -> tuple[list[EpochRecord], bool]:
    """Give the records of a history, up to the epoch whose parameters the network has, and whether the training diverged.

    Raises
    ------
    ArgumentTypeError
        If it is neither a History nor a sequence of records nor a path.
    FileError
        If the path does not exist, or holds no history.
    """
    if history is None:
        return [], False
    if isinstance(history, History):
        return history.records[: history.best_epoch or None], history.stopped == "diverged"
    if isinstance(history, (str, os.PathLike)):
        return _read_path(Path(history))
    records: list[EpochRecord] = list(history) if isinstance(history, Iterable) else []
    if not records or not all(isinstance(record, EpochRecord) for record in records):
        raise ArgumentTypeError(
            f"history must be a History, a list of EpochRecord, or the path of a training's folder; it is {type(history).__name__}"
        )
    return records, False


def _read_path(path: Path) -> tuple[list[EpochRecord], bool]:
    if path.is_dir():
        status = read_status(first_run(path).path)
        return status.records, status.state == "diverged"
    if not path.is_file():
        raise FileError(f"no such file or folder: {path}; history is the folder of a training with checkpoints")
    records = read_history(path)
    if not records:
        raise FileError(f"{path} holds no records of epochs; give the history.jsonl of a training's folder")
    return records, False
