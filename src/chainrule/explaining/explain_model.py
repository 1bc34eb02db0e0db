"""``explain``: checks the arguments, and chooses the explanation of a network, a neuron or an estimator."""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np

from .._checks import check_float, check_int
from ..calculus.neuron import Neuron
from ..errors import ArgumentTypeError, DataError, SettingError
from ..examples import Examples, Layout, as_pair
from ..network import Network
from .batch_pass import BatchPass, run_batch, unwrap_estimator
from .explain_network import WeightSelection, explain_network
from .explain_neuron import explain_neuron
from .explanation import Explanation

MAX_EXAMPLES = 1000
SMALLEST_RATE = 1e-12
DEFAULT_RATE = 0.1
NO_TARGET = "explain needs y, the labels or targets of x; without them there is no cost"


def explain(
    network: Network | Neuron,
    x: Any,
    y: Any = None,
    *,
    layer: int | None = None,
    unit: int | None = None,
    input: int | None = None,  # noqa: A002
    learning_rate: float | None = None,
) -> Explanation:
    """Explain the derivation with a network's own numbers: forward pass, cost, and backpropagation (N1-N12, BP1-BP4).

    Parameters
    ----------
    network : Network, Neuron, or a fitted MLPClassifier or MLPRegressor
    x : array_like, shape (m, n_in) or (n_in,), or Examples
        A batch of at most 1,000 examples, or one example. Of a batch the first example is shown, and gradients are sums.
    y : array_like
        The labels or targets of x; for one example a single one.
    layer, unit, input : int, optional
        The weight whose gradient is computed by hand: its layer from 1, its unit and input from 0, as in
        ``net.weights[layer - 1][unit, input]``. By default the weight of largest ``|dC/dw|``, in each layer of a shallow network.
    learning_rate : float, optional
        The learning rate of the step that is shown. By default that of the network's last training by plain gradient descent, else
        0.1; divided by 10 until the cost of the batch decreases.

    Returns
    -------
    Explanation
        ``print`` it, ``save`` it as an HTML page, or let a notebook display it.

    Raises
    ------
    DataError
        If x or y do not suit the network, y is missing, or a parameter is not finite.
    SettingError
        If the network has no such layer, unit or input.

    Examples
    --------
    >>> net = Network([2, 3, 1], seed=0)
    >>> explanation = explain(net, [0.5, 1.0], [1.0])
    >>> explanation
    Explanation('2 × 3 × 1: one example, forward and back': 11 sections; print it, or save it as a page)
    """
    if isinstance(network, Neuron):
        if (layer, unit, input) != (None, None, None):
            raise SettingError("a neuron has no layers to choose from; leave layer, unit and input out")
        if y is None:
            raise DataError("explain needs y, a target for each row of x; without it there is no cost")
        rate = DEFAULT_RATE if learning_rate is None else check_float("learning_rate", learning_rate, above=0)
        return explain_neuron(network, x, y, rate)
    network, x, y = unwrap_estimator(network, x, y)
    if not isinstance(network, Network):
        raise ArgumentTypeError(f"explain takes a Network, a Neuron or a fitted estimator; this is {type(network).__name__}")
    examples = _read_examples(network, x, y)
    selection = _select_weight(network, layer, unit, input)
    batch = run_batch(network, examples)
    if learning_rate is None:
        rate = _decreasing_rate(batch, _trained_rate(network))
    else:
        rate = check_float("learning_rate", learning_rate, above=0)
    return explain_network(network, batch, selection, rate, _image_layout(examples))


def _read_examples(network: Network, x: Any, y: Any) -> Examples:
    """Read a batch, or a single example as a batch of one."""
    if not isinstance(x, (Examples, tuple)):
        if y is None:
            raise DataError(NO_TARGET)
        rows = np.asarray(x) if isinstance(x, list) and x and np.ndim(x[0]) == 0 else x
        if getattr(rows, "ndim", None) == 1:
            target = np.asarray(y)
            x, y = rows[None], target.reshape(1, -1) if target.size == network.sizes[-1] != 1 else target.reshape(-1)
    examples = network.read(*as_pair(x, y))
    if examples.y is None:
        raise DataError(NO_TARGET)
    if examples.weights is not None:
        raise DataError("explain takes examples of equal weight, but these have weights; leave the weights out")
    if len(examples) > MAX_EXAMPLES:
        raise DataError(
            f"explain takes at most {MAX_EXAMPLES:,} examples; these are {len(examples):,}; choose some, such as examples[:10]"
        )
    return examples


def _select_weight(network: Network, layer: int | None, unit: int | None, input_: int | None) -> WeightSelection:
    """Check layer (from 1), unit and input of the weight to compute by hand."""
    layers = len(network.weights)
    if layer is None:
        if (unit is not None or input_ is not None) and layers > 1:
            raise SettingError("unit and input need a layer, since each layer has a weight matrix of its own; layer=1 is the first")
        index = 0 if layers == 1 else None
    else:
        index = check_int("layer", layer, least=1) - 1
        if index >= layers:
            raise SettingError(f"layer must be at most {layers}, the number of layers; it is {layer}")
    if index is not None:
        for name, value, count in zip(("unit", "input"), (unit, input_), network.weights[index].shape, strict=True):
            if value is not None and check_int(name, value, least=0) >= count:
                raise SettingError(f"{name} must be below {count}, the number of {name}s of layer {index + 1}; it is {value}")
    return WeightSelection(index, unit, input_)


def _trained_rate(network: Network) -> float:
    """The learning rate of the network's last training, if that was plain gradient descent on unscaled inputs."""
    trained = network.provenance
    if trained is None or trained.columns or trained.plan.get("optimizer") != {"name": "sgd", "momentum": 0.0, "nesterov": False}:
        return DEFAULT_RATE
    return trained.learning_rate or DEFAULT_RATE


def _decreasing_rate(batch: BatchPass, rate: float) -> float:
    """Divide the rate by 10 until a step decreases the cost of the batch; if none does, return it unchanged."""
    before, first = batch.mean_cost(batch.a), rate
    with np.errstate(all="ignore"):
        while rate > SMALLEST_RATE and not batch.cost_after_step(rate) < before:
            rate /= 10
    return rate if rate > SMALLEST_RATE else first


def _image_layout(examples: Examples) -> Layout | None:
    """Return the layout of rows that are images: the examples' own, else a square if they are pixels or look like digits."""
    if examples.layout is not None:
        return examples.layout
    side = isqrt(examples.n_in)
    return Layout(side, side) if side * side == examples.n_in and _look_like_images(examples) else None


def _look_like_images(examples: Examples) -> bool:
    """Check for pixels, for rows of MNIST's size, and for the size and values of scikit-learn's digits."""
    if examples.kind != "dense":
        return examples.kind == "pixels"
    x = np.asarray(examples.x)
    if x.min() < 0 or examples.n_in not in (64, 784):
        return False
    return examples.n_in == 784 or bool(np.array_equal(16 * x, np.rint(16 * x)) and x.max() <= 16)
