"""The module ``network`` of chapters 1 and 2: stochastic gradient descent with the quadratic cost.

The names, their arguments, the shapes and the printed lines are the book's. Examples are columns (n, 1), biases are (n, 1), all is
float64, and the global generators of ``random`` and ``numpy.random`` draw. ``SGD`` trains by an engine as long as the reader has
replaced none of the parts that it calls, and else by the loop over ``update_mini_batch``.

>>> from chainrule.book import network
>>> network.Network([784, 30, 10]).biases[1].shape
(10, 1)

References
----------
M. Nielsen (2015), *Neural Networks and Deep Learning*, Determination Press.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from .._checks import check_int
from .._types import Array
from ..calculus import activations
from ..network import checked_sizes
from .column_backprop import (
    backprop_columns,
    descended,
    feedforward_columns,
    random_biases,
    random_weights,
    summed_gradients,
)
from .column_pairs import PairList, as_list, as_pair_list, difference, label_array
from .engine_epochs import EngineEpochs, outputs_of
from .originals import Originals


class Network:
    """A network of sigmoid layers with the quadratic cost; chapters 1 and 2.

    Parameters
    ----------
    sizes : sequence of int
        The number of inputs, then of each layer's units.

    Attributes
    ----------
    num_layers : int
        ``len(sizes)``.
    sizes : sequence of int
    biases : list of float64 array
        Each (n, 1), first all drawn from N(0, 1) by ``np.random``.
    weights : list of float64 array
        Each (n_out, n_in), drawn after the biases. Both lists, and their arrays, may be read and assigned at any time.

    Raises
    ------
    SettingError
        When sizes are not at least two whole numbers of at least 1.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        checked_sizes(sizes)
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.biases = random_biases(sizes)
        self.weights = random_weights(sizes)

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
        test_data: Iterable[Any] | None = None,
    ) -> None:
        """Train by stochastic gradient descent, and print a line for each epoch.

        Parameters
        ----------
        training_data : list of (x, y)
            Columns (n_in, 1) and (n_out, 1). A list is shuffled in place before each epoch, by ``random.shuffle``. An engine
            reads the numbers once, before its first epoch; the loop reads them at each step.
        epochs, mini_batch_size : int
            Mini-batches are cut from the list's start; the last may be shorter.
        eta : float
            The learning rate.
        test_data : list of (x, label), optional
            Evaluated after each epoch. The pairs of a list are read once, unless ``evaluate`` is replaced.

        Raises
        ------
        SettingError
            When epochs is below 0, or mini_batch_size below 1.
        DataError
            When the data does not have this form.
        """
        pairs = as_list("training_data", training_data)
        tested = [] if test_data is None else as_list("test_data", test_data)
        shown = PairList(tested) if type(tested) is list and ORIGINALS.kept(self, "evaluate") else tested
        size = check_int("mini_batch_size", mini_batch_size, least=1)
        engine_epochs, n = EngineEpochs(pairs, size), len(pairs)
        for j in range(check_int("epochs", epochs, least=0)):
            random.shuffle(pairs)
            by_engine = ORIGINALS.kept(self, "update_mini_batch", "backprop", "cost_derivative")
            if not (by_engine and engine_epochs.train(self, "quadratic", eta, 0.0)):
                for mini_batch in [pairs[k : k + size] for k in range(0, n, size)]:
                    self.update_mini_batch(mini_batch, eta)
            print(f"Epoch {j}: {self.evaluate(shown)} / {len(tested)}" if tested else f"Epoch {j} complete")

    def update_mini_batch(self, mini_batch: Sequence[Any], eta: float) -> None:
        """Take one step: subtract the gradients of a mini-batch's pairs, times ``eta / len(mini_batch)`` (N12)."""
        nabla_b, nabla_w = summed_gradients(self.backprop, mini_batch, [*self.biases, *self.weights])
        rate = eta / len(mini_batch)
        self.weights = descended(self.weights, nabla_w, rate)
        self.biases = descended(self.biases, nabla_b, rate)

    def backprop(self, x: Any, y: Any) -> tuple[list[Array], list[Array]]:
        """Give ``(nabla_b, nabla_w)``, the gradient of one example's cost, layer by layer, shaped like biases and weights.

        Raises
        ------
        DataError
            When x is not a column of the network's inputs, or y not one of its outputs.
        """
        return backprop_columns(
            self.weights,
            self.biases,
            x,
            sigmoid,
            sigmoid_prime,
            lambda z, a: self.cost_derivative(a, y) * sigmoid_prime(z),
        )

    def evaluate(self, test_data: Iterable[Any]) -> int:
        """Count the pairs (x, label) whose largest output is at the label.

        Raises
        ------
        DataError
            When the data does not have this form.
        """
        pairs = as_pair_list(as_list("test_data", test_data))
        xs, labels = pairs.columns
        if not pairs:
            return 0
        outputs = outputs_of(self, pairs.rows) if ORIGINALS.kept(self, "feedforward") else None
        predictions = [self.feedforward(x).argmax() for x in xs] if outputs is None else outputs.argmax(axis=1)
        return int((label_array(predictions) == label_array(labels)).sum())

    def cost_derivative(self, output_activations: Any, y: Any) -> Any:
        """Give the cost's derivative at the outputs, ``a - y`` of the quadratic cost, which BP1 multiplies by sigma'.

        Raises
        ------
        DataError
            When y does not have the outputs' shape.
        """
        return difference(output_activations, y)


def sigmoid(z: Any) -> Any:
    """``1 / (1 + exp(-z))`` (N10); 0 without a warning where ``exp(-z)`` overflows."""
    return activations.sigmoid(z)


def sigmoid_prime(z: Any) -> Any:
    """``sigma(z) (1 - sigma(z))``."""
    return sigmoid(z) * (1 - sigmoid(z))


ORIGINALS = Originals(Network, globals(), "sigmoid", "sigmoid_prime")
"""The parts that ``SGD`` and ``evaluate`` call, as this module defines them."""
