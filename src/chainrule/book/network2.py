"""The module ``network2`` of chapter 3: costs to choose from, smaller first weights, L2 regularization, monitors, files.

As in ``network``, names, arguments, shapes and printed lines are the book's; ``early_stopping_n`` is that of its later ports.

References
----------
M. Nielsen (2015), *Neural Networks and Deep Learning*, chapter 3, Determination Press.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any, Protocol, TypeAlias

import numpy as np

from .._checks import check_int
from .._types import AnyArray, Array
from ..calculus import activations
from ..errors import DataError
from ..network import checked_sizes
from .column_backprop import (
    backprop_columns,
    descended,
    feedforward_columns,
    overflow_ignored,
    random_biases,
    random_weights,
    summed_gradients,
)
from .column_pairs import PairList, as_list, as_pair_list, difference, label_array, stack_columns, vectorized_result
from .engine_epochs import EngineEpochs, outputs_of
from .monitors import Monitors, Patience
from .network_json import NetworkParts, read_network_json, write_network_json
from .originals import Originals

Curves: TypeAlias = tuple[list[float], list[int], list[float], list[int]]


class Cost(Protocol):
    """A cost, the book's or a reader's own: a class with two static methods, which take columns."""

    @staticmethod
    def fn(a: Any, y: Any) -> Any:
        """Give the cost of one example with the outputs ``a`` and the targets ``y``."""
        ...

    @staticmethod
    def delta(z: Any, a: Any, y: Any) -> Any:
        """Give the delta of the last layer, whose weighted inputs are ``z`` (BP1)."""
        ...


class QuadraticCost:
    """``1/2 ||a - y||^2``."""

    @staticmethod
    def fn(a: Any, y: Any) -> Any:
        """Give the cost of one example."""
        with overflow_ignored():
            return 0.5 * np.linalg.norm(difference(a, y)) ** 2

    @staticmethod
    def delta(z: Any, a: Any, y: Any) -> Any:
        """``(a - y) sigma'(z)`` (BP1)."""
        return difference(a, y) * sigmoid_prime(z)


class CrossEntropyCost:
    """``-sum [y ln a + (1 - y) ln(1 - a)]``."""

    @staticmethod
    def fn(a: Any, y: Any) -> Any:
        """Give the cost of one example; an output of exactly 0 or 1 that is right adds 0."""
        difference(a, y)
        with overflow_ignored():
            return np.sum(_cross_entropies(a, y))

    @staticmethod
    def delta(z: Any, a: Any, y: Any) -> Any:
        """``a - y``: sigma' cancels (BP1)."""
        return difference(a, y)


@np.errstate(divide="ignore", invalid="ignore")
def _cross_entropies(a: Any, y: Any) -> Any:
    """Give the cross-entropy of each output; 0 ln 0 counts as 0, and infinity as the largest number."""
    return np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a))


COSTS: dict[str, Any] = {"QuadraticCost": QuadraticCost, "CrossEntropyCost": CrossEntropyCost}
"""The costs that ``load`` knows by name; a reader may add their own."""

_NAMES: dict[Any, str] = {QuadraticCost: "quadratic", CrossEntropyCost: "cross_entropy"}
"""The core's names of the two costs."""

_COST_METHODS: dict[Any, dict[str, Any]] = {cost: dict(vars(cost)) for cost in _NAMES}


class Network:
    """A network of sigmoid layers; chapter 3.

    Parameters
    ----------
    sizes : sequence of int
        The number of inputs, then of each layer's units.
    cost : class
        ``QuadraticCost``, ``CrossEntropyCost``, or a class of the reader's own with the static methods ``fn`` and ``delta``.

    Attributes
    ----------
    num_layers, sizes, biases, weights
        As in ``network``; ``default_weight_initializer`` draws the first parameters.
    cost : class

    Raises
    ------
    SettingError
        When sizes are not at least two whole numbers of at least 1.
    """

    biases: list[Array]
    weights: list[Array]

    def __init__(self, sizes: Sequence[int], cost: Any = CrossEntropyCost) -> None:
        checked_sizes(sizes)
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.default_weight_initializer()
        self.cost = cost

    def default_weight_initializer(self) -> None:
        """Draw biases from N(0, 1), then weights from N(0, 1) divided by the root of the number of a unit's inputs."""
        self.biases = random_biases(self.sizes)
        self.weights = [w / np.sqrt(w.shape[1]) for w in random_weights(self.sizes)]

    def large_weight_initializer(self) -> None:
        """Draw biases, then weights, from N(0, 1), as chapter 1 does."""
        self.biases = random_biases(self.sizes)
        self.weights = random_weights(self.sizes)

    def feedforward(self, a: Any) -> Any:
        """Give the outputs (n_out, 1) for an input (n_in, 1); several columns side by side give as many outputs.

        Raises
        ------
        DataError
            When ``a`` is not a column of the network's inputs.
        """
        return feedforward_columns(self.weights, self.biases, a, sigmoid)

    def SGD(
        self,
        training_data: Iterable[Any],
        epochs: int,
        mini_batch_size: int,
        eta: float,
        lmbda: float = 0.0,
        evaluation_data: Iterable[Any] | None = None,
        monitor_evaluation_cost: bool = False,
        monitor_evaluation_accuracy: bool = False,
        monitor_training_cost: bool = False,
        monitor_training_accuracy: bool = False,
        early_stopping_n: int = 0,
    ) -> Curves:
        """Train by stochastic gradient descent with L2 regularization; print and return what is monitored.

        Parameters
        ----------
        training_data : list of (x, y)
            Columns (n_in, 1) and (n_out, 1). A list is shuffled in place before each epoch, by ``random.shuffle``. An engine
            reads the numbers once, before its first epoch; the loop reads them at each step.
        epochs, mini_batch_size : int
            Mini-batches are cut from the list's start; the last may be shorter.
        eta : float
            The learning rate.
        lmbda : float
            The regularization: each step shrinks the weights by ``1 - eta lmbda / n``, with n training pairs.
        evaluation_data : list of (x, label), optional
            The pairs of a list are read once, unless ``accuracy`` or ``total_cost`` is replaced.
        monitor_evaluation_cost, monitor_evaluation_accuracy, monitor_training_cost, monitor_training_accuracy : bool
        early_stopping_n : int
            If above 0, stop after so many epochs in which the accuracy on ``evaluation_data`` did not exceed its best.

        Returns
        -------
        evaluation_cost, evaluation_accuracy, training_cost, training_accuracy : list
            An entry an epoch of what is monitored, else empty. Accuracies are numbers of pairs.

        Raises
        ------
        SettingError
            When a number is out of its range, or the evaluation data is needed and not given.
        DataError
            When the data does not have this form.
        """
        pairs = as_list("training_data", training_data)
        size = check_int("mini_batch_size", mini_batch_size, least=1)
        monitors = Monitors(
            self,
            self._shown(pairs),
            None if evaluation_data is None else self._shown(as_list("evaluation_data", evaluation_data)),
            lmbda,
            evaluation_cost=monitor_evaluation_cost,
            evaluation_accuracy=monitor_evaluation_accuracy,
            training_cost=monitor_training_cost,
            training_accuracy=monitor_training_accuracy,
        )
        patience = Patience(check_int("early_stopping_n", early_stopping_n, least=0), monitors)
        engine_epochs, n = EngineEpochs(pairs, size), len(pairs)
        for j in range(check_int("epochs", epochs, least=0)):
            random.shuffle(pairs)
            if not (self._trains_by_engine() and engine_epochs.train(self, _NAMES[self.cost], eta, lmbda / n if n else 0.0)):
                for mini_batch in [pairs[k : k + size] for k in range(0, n, size)]:
                    self.update_mini_batch(mini_batch, eta, lmbda, n)
            print(f"Epoch {j} training complete")
            monitors.record()
            print()
            if patience.is_exhausted():
                break
        return monitors.curves

    def _shown(self, pairs: list[Any]) -> list[Any]:
        """Give the list that the monitors see: the reader's own, where a method of theirs or the list's class is the reader's."""
        return PairList(pairs) if type(pairs) is list and ORIGINALS.kept(self, "accuracy", "total_cost") else pairs

    def _trains_by_engine(self) -> bool:
        """Whether all that a step calls is as this module defines it."""
        return _is_original_cost(self.cost) and ORIGINALS.kept(self, "update_mini_batch", "backprop")

    def update_mini_batch(self, mini_batch: Sequence[Any], eta: float, lmbda: float, n: int) -> None:
        """Take one step: shrink the weights by ``1 - eta lmbda / n``, and subtract the mean gradient times eta (N12)."""
        nabla_b, nabla_w = summed_gradients(self.backprop, mini_batch, [*self.biases, *self.weights])
        rate = eta / len(mini_batch)
        self.weights = descended(self.weights, nabla_w, rate, shrink=1 - eta * (lmbda / n))
        self.biases = descended(self.biases, nabla_b, rate)

    def backprop(self, x: Any, y: Any) -> tuple[list[Array], list[Array]]:
        """Give ``(nabla_b, nabla_w)``, the gradient of one example's cost, layer by layer, shaped like biases and weights.

        Raises
        ------
        DataError
            When x is not a column of the network's inputs, or y not one of its outputs.
        """
        return backprop_columns(self.weights, self.biases, x, sigmoid, sigmoid_prime, lambda z, a: self.cost.delta(z, a, y))

    def accuracy(self, data: Iterable[Any], convert: bool = False) -> int:
        """Count the pairs whose largest output is at the label, or with ``convert`` at the largest entry of the column y.

        Raises
        ------
        DataError
            When the data does not have this form.
        """
        pairs = as_pair_list(as_list("data", data))
        xs, ys = pairs.columns
        if not pairs:
            return 0
        labels = [_row_of_largest(y) for y in ys] if convert else ys
        outputs = outputs_of(self, pairs.rows) if ORIGINALS.kept(self, "feedforward") else None
        predictions = [self.feedforward(x).argmax() for x in xs] if outputs is None else outputs.argmax(axis=1)
        return int((label_array(predictions) == label_array(labels)).sum())

    def total_cost(self, data: Iterable[Any], lmbda: float, convert: bool = False) -> float:
        """Give the mean cost of some pairs plus ``0.5 (lmbda / len(data)) sum ||w||^2``; ``convert`` makes columns of labels.

        Raises
        ------
        DataError
            When the data does not have this form, or is empty.
        """
        pairs = as_pair_list(as_list("data", data))
        if not pairs:
            raise DataError("total_cost is a mean over pairs (x, y), and this data has none")
        xs, ys = pairs.columns
        targets = _columns_of(ys) if convert else ys
        costs: Any = self._costs_at_once(pairs, targets)
        if costs is None:
            costs = [self.cost.fn(self.feedforward(x), y) for x, y in zip(xs, targets, strict=True)]
        with overflow_ignored():
            mean = sum(cost / len(pairs) for cost in costs)
            return float(mean + 0.5 * (lmbda / len(pairs)) * sum(np.linalg.norm(w) ** 2 for w in self.weights))

    def _costs_at_once(self, pairs: PairList, targets: Sequence[Any]) -> AnyArray | None:
        """Give the cost of each pair from the outputs of all; None where a part is replaced, or the data is of another form."""
        y = stack_columns(targets)
        if y is None or not _is_original_cost(self.cost) or not ORIGINALS.kept(self, "feedforward"):
            return None
        a = outputs_of(self, pairs.rows)
        if a is None or a.shape != y.shape:
            return None
        with overflow_ignored():
            parts = 0.5 * (a - y) ** 2 if self.cost is QuadraticCost else _cross_entropies(a, y)
            return parts.sum(axis=1)

    def save(self, filename: str | PathLike[str]) -> None:
        """Write sizes, weights, biases and the cost's name to a JSON file, in the book's form; also numbers that are not finite.

        Raises
        ------
        SettingError, DataError
            When sizes, weights and biases that were assigned do not fit each other, or are not numbers that float64 holds.
        FileError
            When the file cannot be written; an older file of that name stays as it was.
        """
        name = getattr(self.cost, "__name__", type(self.cost).__name__)
        write_network_json(filename, NetworkParts(list(self.sizes), self.weights, self.biases, name))


def load(filename: str | PathLike[str]) -> Network:
    """Read a network that ``Network.save`` has written, here or in the book's own code.

    ``NaN`` and ``Infinity`` are read, though JSON's standard lacks them: a training that ran away can be saved and looked at.

    Raises
    ------
    FileError
        When the file cannot be read.
    ModelFileError
        When it does not hold a network, or ``COSTS`` does not have its cost.
    """
    parts = read_network_json(filename, COSTS)
    network = Network(parts.sizes, cost=COSTS[parts.cost])
    network.weights, network.biases = parts.weights, parts.biases
    return network


def _is_original_cost(cost: Any) -> bool:
    """Whether a cost is one of this module's two classes, with its methods as they are defined."""
    methods = _COST_METHODS.get(cost) if isinstance(cost, type) else None
    return methods is not None and all(vars(cost).get(name) is methods[name] for name in ("fn", "delta"))


def _row_of_largest(y: Any) -> int:
    """Give the class of a target column.

    Raises
    ------
    DataError
        When y is a label: then convert must be False.
    """
    if np.ndim(y) == 0:
        raise DataError(f"with convert=True the y of each pair must be a column, such as (10, 1); one is the label {y!r}")
    return int(np.argmax(y))


def _columns_of(labels: Sequence[Any]) -> list[Any]:
    """Make a column of each label by ``vectorized_result``, which a reader may have replaced: once for each class."""
    distinct = set(label_array(labels).tolist())
    columns = {label: vectorized_result(label) for label in distinct}
    return [columns[label] for label in labels]


def sigmoid(z: Any) -> Any:
    """``1 / (1 + exp(-z))`` (N10); 0 without a warning where ``exp(-z)`` overflows."""
    return activations.sigmoid(z)


def sigmoid_prime(z: Any) -> Any:
    """``sigma(z) (1 - sigma(z))``."""
    return sigmoid(z) * (1 - sigmoid(z))


ORIGINALS = Originals(Network, globals(), "sigmoid", "sigmoid_prime")
"""The parts that ``SGD`` and the monitors call, as this module defines them."""
