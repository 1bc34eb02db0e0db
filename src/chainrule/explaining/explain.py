"""``explain``: what is told, of which rows, and what cannot be."""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np

from .._checks import check_float, check_int
from ..calculus.neuron import Neuron
from ..errors import ArgumentTypeError, DataError, SettingError
from ..examples import Examples, Layout, as_pair
from ..network import Network
from .model import Explanation
from .network import Choice, explain_network
from .neuron import explain_neuron
from .passage import Passage, behind, passage_of

MOST_EXAMPLES = 1000
SMALLEST_RATE = 1e-12
RATE = 0.1  # where nobody said one
NO_TARGET = "explain needs y, the labels or targets of x: without them there is no error to send back"


def explain(
    network: Network | Neuron,
    x: Any,
    y: Any = None,
    *,
    layer: int | None = None,
    unit: int | None = None,
    input: int | None = None,  # noqa: A002  # the notes' word
    learning_rate: float | None = None,
) -> Explanation:
    """Tell the derivation with this network's own numbers: forward, the cost, and back to every weight (N1-N12, BP1-BP4).

    Parameters
    ----------
    network : Network, Neuron, or a fitted MLPClassifier or MLPRegressor
    x : array_like, shape (m, n_in) or (n_in,), or Examples
        A batch of at most 1,000 examples, or one example. Of several the first is shown, and gradients are sums.
    y : array_like
        Their labels or targets; for one example, one.
    layer, unit, input : int, optional
        The weight that is worked out by hand: its layer from 1, its unit and input from 0, as in
        ``net.weights[layer - 1][unit, input]``. By default the weight of largest ``|dC/dw|``, in each layer of a shallow network.
    learning_rate : float, optional
        Of the step that is shown; by default that of the network's last training by plain gradient descent, or 0.1, and of these
        a tenth, a hundredth ... where the cost of the batch would not fall.

    Returns
    -------
    Explanation
        ``print`` it, ``save`` it as a page, or let a notebook show it.

    Raises
    ------
    DataError
        When x or y do not suit the network, y is missing, or a parameter is not finite.
    SettingError
        When there is no such layer, unit or input.

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
            raise DataError("explain needs y, a target for each row of x: without it there is no error to send back")
        return explain_neuron(
            network, x, y, check_float("learning_rate", RATE if learning_rate is None else learning_rate, above=0)
        )
    network, x, y = behind(network, x, y)
    if not isinstance(network, Network):
        raise ArgumentTypeError(f"explain takes a Network, a Neuron or a fitted estimator; this is {type(network).__name__}")
    examples = _batch(network, x, y)
    choice = _choice(network, layer, unit, input)
    passage = passage_of(network, examples)
    rate = _falling(passage, _learnt(network)) if learning_rate is None else check_float("learning_rate", learning_rate, above=0)
    return explain_network(network, passage, choice, rate, _layout_of(examples))


def _batch(network: Network, x: Any, y: Any) -> Examples:
    """Read a batch, or one example without its batch."""
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
        raise DataError("explain takes examples that all count alike; leave the weights out")
    if len(examples) > MOST_EXAMPLES:
        raise DataError(f"explain takes a batch of at most {MOST_EXAMPLES:,} examples; choose some, such as examples[:10]")
    return examples


def _choice(network: Network, layer: int | None, unit: int | None, input_: int | None) -> Choice:
    """Check the chosen weight's layer, unit and input."""
    layers = len(network.weights)
    if layer is None:
        if (unit is not None or input_ is not None) and layers > 1:
            raise SettingError(
                "say the layer as well, so that the unit and the input are those of one weight matrix: layer=1 is the first"
            )
        at = 0 if layers == 1 else None
    else:
        at = check_int("layer", layer, least=1) - 1
        if at >= layers:
            raise SettingError(f"layer must be at most {layers}, the number of layers; it is {layer}")
    if at is not None:
        for name, chosen, count in zip(("unit", "input"), (unit, input_), network.weights[at].shape, strict=True):
            if chosen is not None and check_int(name, chosen, least=0) >= count:
                raise SettingError(f"{name} must be below {count}, the number of {name}s of layer {at + 1}; it is {chosen}")
    return Choice(at, unit, input_)


def _learnt(network: Network) -> float:
    """The rate that a network was trained with, where it means the same here: a plain step, on numbers as they are."""
    trained = network.provenance
    if trained is None or trained.columns or trained.plan.get("optimizer") != {"name": "sgd", "momentum": 0.0, "nesterov": False}:
        return RATE
    return trained.learning_rate or RATE


def _falling(passage: Passage, rate: float) -> float:
    """Take the rate, or a tenth of it, or of that ..., until the cost of the batch falls."""
    before, first = passage.cost_of(passage.a), rate
    with np.errstate(all="ignore"):
        while rate > SMALLEST_RATE and not passage.cost_after_step(rate) < before:
            rate /= 10
    return rate if rate > SMALLEST_RATE else first


def _layout_of(examples: Examples) -> Layout | None:
    """Tell how rows are pictures, where they are: as they say it, else pixels and what looks like digits as squares."""
    if examples.layout is not None:
        return examples.layout
    side = isqrt(examples.n_in)
    return Layout(side, side) if side * side == examples.n_in and _look_like_images(examples) else None


def _look_like_images(examples: Examples) -> bool:
    """Say whether rows are pixels, or have MNIST's size or the look of scikit-learn's digits."""
    if examples.kind != "dense":
        return examples.kind == "pixels"
    x = np.asarray(examples.x)
    if x.min() < 0 or examples.n_in not in (64, 784):
        return False
    return examples.n_in == 784 or bool(np.array_equal(16 * x, np.rint(16 * x)) and x.max() <= 16)
