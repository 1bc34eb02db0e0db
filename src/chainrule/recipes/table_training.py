"""The training of a table's model: preprocessing, folds, one network a fold, the best epoch of each.

::

    fit_table_model(table, target column, recipe)
      fit_and_prepare(table, y)                      the rules of the columns, and the prepared ones: a float32 for a number and
                                                     its bins, CSR, or dense
      column_weights(some rows, y)                   multiply the prepared columns for the training
      folds(y)                                       a partition of the rows
      train_population(networks, rows=, ...)         network k on all rows outside of fold k, validated on fold k
      TableModel                                     their outputs are averaged
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .._checks import check_int
from .._types import AnyArray, Array, Indices
from ..early_stopping import EarlyStopping
from ..engines import Threads
from ..errors import DivergenceError
from ..examples import Examples
from ..history import EpochRecord, History
from ..network import Network
from ..population import train_population
from ..table_model import MAXIMUM_NETWORKS, TableModel, TableTraining
from ..tables.preprocessing import Preprocessing
from ..tables.released_table import fit_and_prepare
from ..tables.table import Table
from ..tables.target import ClassTarget, Target
from ..tables.writing import written_of
from ..training import DivergenceWarning, Run, train
from .column_weights import column_weights, fold_into_inputs, forest_rows
from .prepared_rows import weighted_inputs
from .table_names import with_names
from .table_recipe import FEW_ROWS, TableRecipe

Progress = Callable[[EpochRecord], Any]
"""Called after each epoch of each network, from the network's thread, for one epoch at a time."""


def fit_table_model(
    table: Table,
    target: Target,
    y: AnyArray,
    recipe: TableRecipe,
    *,
    seed: int,
    weights: Array | None = None,
    validation: tuple[Table, AnyArray] | None = None,
    named: bool = True,
    threads: Threads = "auto",
    engine: str = "auto",
    time_limit: float | None = None,
    progress: Progress | None = None,
    release: bool = False,
    checkpoints: Mapping[str, Any] | None = None,
) -> tuple[TableModel, list[History]]:
    """Fit the preprocessing and the networks.

    Parameters
    ----------
    table : Table
        The columns without the target.
    target : ClassTarget or ValueTarget
    y : array, shape (n,)
        The encoded target: positions of classes, or standardized values.
    recipe : TableRecipe
    seed : int
        Of the folds, and with each network's number of its initial parameters and its order.
    weights : array, shape (n,), optional
    validation : (Table, array), optional
        Rows that choose the best epoch instead of folds, and their encoded target; every network trains on all rows of ``table``.
    named : bool
        Whether the table's columns have names, and not their positions.
    threads, engine
        As ``train`` takes them.
    time_limit : float, optional
        In seconds, from the call: afterwards no further epoch begins.
    progress : callable, optional
    release : bool
        Whether columns are taken out of ``table`` when they are prepared, to save memory.
    checkpoints : mapping, optional
        Settings of ``Run`` that begin with ``checkpoint``, and ``resume``: each network has a folder of its own in that folder.

    Returns
    -------
    model : TableModel
    histories : list of History
        Of each network of the model.

    Raises
    ------
    KeyboardInterrupt
        When Ctrl-C comes before the first epoch of a network has ended; later, the model has the networks trained so far.
    DivergenceError
        When every network's training diverges in its first epoch; later, the model has the best epoch of each.
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    names = table.names
    written = {name: writing.to_json() for name, writing in written_of(table).items()}
    drawn = forest_rows(len(table), seed)
    some_rows = table.take(drawn)
    columns = table if release else Table(table.columns, table.name)
    preprocessing, prepared = fit_and_prepare(columns, y, task=target.task, bins=recipe.bins)
    feature_weights = weigh_features(preprocessing, some_rows, target, y[drawn], recipe, seed, threads)
    examples = Examples(weighted_inputs(preprocessing, prepared, feature_weights), y, weights=weights)
    settings = _validation_settings(preprocessing, feature_weights, target, y, recipe, seed, validation)
    networks = make_networks(examples.n_in, target, recipe, seed)
    settings |= training_settings(recipe, validated=bool(settings))
    settings |= {"callbacks": [after_epoch(deadline, progress)], **with_names(checkpoints or {}, preprocessing, target)}
    histories = _train(networks, examples, threads=threads, engine=engine, **settings)
    return make_model(
        preprocessing,
        target,
        networks,
        histories,
        recipe,
        feature_weights=feature_weights,
        columns=names,
        written=written,
        named=named,
        rows=len(y),
        seed=seed,
        deadline=deadline,
    )


def make_model(
    preprocessing: Preprocessing,
    target: Target,
    networks: list[Network],
    histories: list[History],
    recipe: TableRecipe,
    *,
    feature_weights: Array,
    deadline: float | None,
    **training: Any,
) -> tuple[TableModel, list[History]]:
    """Make the model of trained networks, and give their histories; further parameters are entries of ``TableTraining``.

    Raises
    ------
    KeyboardInterrupt, DivergenceError
        When no network has learnt anything.
    """
    for network in networks:
        fold_into_inputs(network, feature_weights)
    kept = trained(histories)
    if not kept:
        raise nothing_learnt(histories, recipe)
    described = TableTraining(
        **training,
        settings=recipe.to_json(),
        epochs=[histories[k].best_epoch or len(histories[k]) for k in kept],
        validation_costs=[_best_cost(histories[k]) for k in kept],
        stopped=_reason(histories, deadline),
    )
    model = TableModel(preprocessing, target, tuple(networks[k] for k in kept), described)
    return model, [histories[k] for k in kept]


def check_recipe(recipe: TableRecipe, target: Target, *, threads: Threads, engine: str) -> None:
    """Refuse a wrong setting before the columns are prepared: make a network of one column, and its training on two rows.

    Raises
    ------
    SettingError
        With the setting.
    """
    check_int("networks", recipe.networks, least=1, most=MAXIMUM_NETWORKS)
    y = np.arange(2) if isinstance(target, ClassTarget) else np.arange(2.0)
    settings = training_settings(recipe, validated=True)
    (network,) = make_networks(1, target, replace(recipe, networks=1), seed=0)
    rows = Examples(np.zeros((2, 1), np.float32), y)
    Run(network, rows, validation=rows, threads=threads, engine=engine, **settings)


def make_networks(n_in: int, target: Target, recipe: TableRecipe, seed: int) -> list[Network]:
    """Make the networks of a recipe, each with its own initial parameters."""
    n_out = len(target.classes) if isinstance(target, ClassTarget) else 1
    return [
        Network(
            [n_in, *recipe.hidden, n_out],
            activation=recipe.activation,
            output=recipe.output,
            cost=recipe.cost,
            init=recipe.init,
            seed=seed + k,
        )
        for k in range(recipe.networks)
    ]


def weigh_features(
    preprocessing: Preprocessing, table: Table, target: Target, y: AnyArray, recipe: TableRecipe, seed: int, threads: Threads
) -> Array:
    """Weigh the features by their columns' importance, and piecewise-linear ones by the recipe's factor."""
    weights: Array = np.ones(preprocessing.n_features, np.float32)
    if recipe.column_weights:
        classes = isinstance(target, ClassTarget)
        weights = column_weights(table, preprocessing.groups, y, preprocessing.n_features, seed, classes=classes, threads=threads)
    weights[preprocessing.bin_features] *= recipe.bin_weight
    return weights


def training_settings(recipe: TableRecipe, *, validated: bool) -> dict[str, Any]:
    """Give the recipe's settings as ``train`` takes them."""
    return {
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "learning_rate": recipe.learning_rate,
        "optimizer": recipe.make_optimizer(),
        "schedule": recipe.schedule,
        "l2": recipe.l2,
        "dropout": recipe.dropout,
        "label_smoothing": recipe.label_smoothing,
        "early_stopping": EarlyStopping(recipe.early_stopping or None, last=True, monitor="validation_cost") if validated else None,
    }


def _validation_settings(
    preprocessing: Preprocessing,
    feature_weights: Array,
    target: Target,
    y: AnyArray,
    recipe: TableRecipe,
    seed: int,
    validation: tuple[Table, AnyArray] | None,
) -> dict[str, Any]:
    """Choose the rows that each network trains on and is validated on; all are trained on where they are too few for folds."""
    if validation is not None:
        rows, values = validation
        return {
            "validation": Examples(
                weighted_inputs(preprocessing, preprocessing.prepare([rows], len(rows)), feature_weights), values
            )
        }
    if len(y) < FEW_ROWS:
        return {}
    fold = folds(y, max(recipe.folds, recipe.networks), seed, stratify=isinstance(target, ClassTarget))
    networks = range(recipe.networks)
    return {
        "rows": [np.flatnonzero(fold != k) for k in networks],
        "validation_rows": [np.flatnonzero(fold == k) for k in networks],
    }


def after_epoch(deadline: float | None, progress: Progress | None) -> Callable[[EpochRecord], bool]:
    """Make the callback that reports an epoch, and stops a training after the deadline."""
    one_at_a_time = threading.Lock()

    def report(record: EpochRecord) -> bool:
        if progress is not None:
            with one_at_a_time:
                progress(record)
        return deadline is not None and time.monotonic() > deadline

    return report


def _train(networks: list[Network], examples: Examples, *, threads: Threads, engine: str, **settings: Any) -> list[History]:
    """Train several networks side by side, a thread for each; one network with all threads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)  # the parameters of the best epoch are kept
        if len(networks) > 1:
            return train_population(networks, examples, threads=threads, engine=engine, **settings)
        own = {name: value[0] if isinstance(value, list) and name != "callbacks" else value for name, value in settings.items()}
        return [train(networks[0], examples, threads=threads, engine=engine, **own)]


def trained(histories: list[History]) -> list[int]:
    """Give the numbers of the networks to keep: of those that ended early all with two epochs or more, or else the longest."""
    kept = [k for k, history in enumerate(histories) if history.stopped == "finished" or len(history) > 1]
    longest = max(range(len(histories)), key=lambda k: len(histories[k]))
    return kept or ([longest] if len(histories[longest]) else [])


def nothing_learnt(histories: list[History], recipe: TableRecipe) -> BaseException:
    """Make the exception for a training in which no network has finished an epoch."""
    if any(history.stopped == "interrupted" for history in histories):
        return KeyboardInterrupt()
    return DivergenceError(
        "the training diverged in the first epoch: the cost or a parameter is no longer finite. The likely cause is a learning "
        f"rate that is too high ({recipe.learning_rate:g}); lower it"
    )


def _reason(histories: list[History], deadline: float | None) -> str:
    """Say why the training ended: interrupted, diverged (one of the networks), time limit or finished."""
    reasons = {history.stopped for history in histories}
    for cut_short in ("interrupted", "diverged"):
        if cut_short in reasons:
            return cut_short
    return "time limit" if deadline is not None and time.monotonic() > deadline and "early" in reasons else "finished"


def folds(y: AnyArray, count: int, seed: int, *, stratify: bool) -> Indices:
    """Assign each row to a fold at random, (n,) of int in [0, count): folds of equal size, with ``stratify`` in each class.

    Examples
    --------
    >>> np.bincount(folds(np.array([0, 0, 0, 1, 1, 1]), 3, seed=0, stratify=True))
    array([2, 2, 2])
    """
    order = np.random.default_rng(seed).permutation(len(y))
    if stratify:
        order = order[np.argsort(y[order], kind="stable")]
    fold = np.empty(len(y), np.intp)
    fold[order] = np.arange(len(y)) % count
    return fold


def _best_cost(history: History) -> float:
    """Give the validation cost of the best epoch; the training's cost where there was no validation."""
    if not len(history):
        return float("nan")
    record = history[(history.best_epoch or len(history)) - 1]
    return float(record.cost if record.validation_cost is None else record.validation_cost)
