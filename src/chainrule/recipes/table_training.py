"""The training of a table's model: preprocessing, folds, one network a fold, the best epoch of each.

::

    fit_table_model(table, target column, recipe)
      Preprocessing.fit(table, y).apply(table)       the prepared columns, float32 or CSR
      folds(y)                                       a partition of the rows
      for each network k:                            on all rows outside of fold k
        train(network, ..., validation=fold k)       the last of its best epochs is kept
      TableModel                                     their outputs are averaged
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import AnyArray, Array, Indices
from ..early_stopping import EarlyStopping
from ..examples import Examples
from ..history import EpochRecord, History
from ..network import Network
from ..table_model import TableModel, TableTraining
from ..tables.preprocessing import Preprocessing
from ..tables.table import Table
from ..tables.target import ClassTarget, ValueTarget
from ..training import DivergenceWarning, Run
from .table_recipe import FEW_ROWS, FOLDS, TableRecipe

Progress = Callable[[int, EpochRecord], Any]
"""Called after each epoch with the network's number, from 0, and the record."""


@dataclass(frozen=True)
class TrainingData:
    """A table's rows, prepared for the networks.

    Attributes
    ----------
    x : float32 array or CSR matrix, shape (n, features)
    y : int array of class positions, or float array of standardized values, shape (n,)
    weights : array, shape (n,), or None
    """

    x: Any
    y: AnyArray
    weights: Array | None = None

    def examples(self, rows: Indices | None = None) -> Examples:
        """Select rows as examples; all of them where ``rows`` is None."""
        if rows is None:
            return Examples(self.x, self.y, weights=self.weights)
        return Examples(self.x[rows], self.y[rows], weights=None if self.weights is None else self.weights[rows])


def fit_table_model(
    table: Table,
    target: ClassTarget | ValueTarget,
    y: AnyArray,
    recipe: TableRecipe,
    *,
    seed: int,
    weights: Array | None = None,
    validation: tuple[Table, AnyArray] | None = None,
    threads: Any = "auto",
    engine: str = "auto",
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> TableModel:
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
    weights : array, shape (n,), optional
    validation : (Table, array), optional
        Rows that choose the best epoch instead of folds, and their encoded target; every network trains on all rows of ``table``.
    threads, engine
        As ``train`` takes them.
    time_limit : float, optional
        In seconds: afterwards no further epoch begins.
    progress : callable, optional

    Returns
    -------
    TableModel
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    preprocessing = Preprocessing.fit(table, y, task=target.task, bins=recipe.bins)
    data = TrainingData(preprocessing.apply(table), y, weights)
    held_out = None if validation is None else TrainingData(preprocessing.apply(validation[0]), validation[1])
    trainer = _Trainer(data, held_out, target, recipe, seed, threads, engine, deadline, progress)
    networks, histories = trainer.train_all()
    training = TableTraining(
        rows=len(table),
        seed=seed,
        settings=recipe.to_json(),
        epochs=[history.best_epoch or len(history) for history in histories],
        validation_costs=[_best_cost(history) for history in histories],
        stopped=trainer.stopped,
    )
    return TableModel(preprocessing, target, tuple(networks), training)


@dataclass
class _Trainer:
    """Trains the networks of a model one after the other."""

    data: TrainingData
    held_out: TrainingData | None
    target: ClassTarget | ValueTarget
    recipe: TableRecipe
    seed: int
    threads: Any
    engine: str
    deadline: float | None
    progress: Progress | None
    stopped: str = "finished"

    def train_all(self) -> tuple[list[Network], list[History]]:
        """Train the networks, until the time limit or Ctrl-C ends the training."""
        parts = self._split()
        networks: list[Network] = []
        histories: list[History] = []
        for k, (train_rows, validation_rows) in enumerate(parts):
            network, history = self._train_one(k, train_rows, validation_rows)
            if len(history):  # at least one epoch
                networks.append(network)
                histories.append(history)
            if self.stopped != "finished":
                break
        if not networks:
            raise KeyboardInterrupt  # nothing was learnt, so there is no model
        return networks, histories

    def _split(self) -> list[tuple[Indices | None, Indices | None]]:
        """Give the rows that each network trains on and is validated on; None for all, and for none."""
        n, networks = len(self.data.y), self.recipe.networks
        if self.held_out is not None or n < FEW_ROWS:
            return [(None, None)] * networks
        fold = folds(self.data.y, max(FOLDS, networks), self.seed, stratify=isinstance(self.target, ClassTarget))
        return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(networks)]

    def _train_one(self, k: int, train_rows: Indices | None, validation_rows: Indices | None) -> tuple[Network, History]:
        recipe = self.recipe
        n_out = len(self.target.classes) if isinstance(self.target, ClassTarget) else 1
        train = self.data.examples(train_rows)
        validation = None if validation_rows is None else self.data.examples(validation_rows)
        if self.held_out is not None:
            validation = self.held_out.examples()
        network = Network(
            [train.n_in, *recipe.hidden, n_out],
            activation=recipe.activation,
            output=recipe.output,
            cost=recipe.cost,
            init=recipe.init,
            seed=self.seed + k,
        )
        patience = recipe.early_stopping or recipe.epochs
        run = Run(
            network,
            train,
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            optimizer=recipe.make_optimizer(),
            schedule=recipe.schedule,
            l2=recipe.l2,
            dropout=recipe.dropout,
            label_smoothing=recipe.label_smoothing,
            validation=validation,
            early_stopping=None if validation is None else EarlyStopping(patience, monitor="validation_cost"),
            threads=self.threads,
            engine=self.engine,
            callbacks=[lambda record: self._after_epoch(k, record)],
        )
        self._run(run)
        return network, run.history

    def _after_epoch(self, k: int, record: EpochRecord) -> bool:
        """Report an epoch; return whether the time is over."""
        if self.progress is not None:
            self.progress(k, record)
        if self.deadline is None or time.monotonic() <= self.deadline:
            return False
        self.stopped = "time limit"
        return True

    def _run(self, run: Run) -> None:
        """Train one network to the end, until the time limit, or until Ctrl-C."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DivergenceWarning)  # the parameters of the best epoch before are kept
            try:
                for _ in run:
                    pass
            except KeyboardInterrupt:  # between two epochs, or in the callback
                run.interrupt()
        if run.history.stopped == "interrupted":
            self.stopped = "interrupted"


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
