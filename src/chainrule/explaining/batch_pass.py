"""The forward and backward pass of one batch in float64: the numbers that are explained and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array, is_sparse
from ..calculus.activations import Activation
from ..calculus.backprop import hidden_delta, nabla_b, nabla_w, output_delta
from ..calculus.costs import Cost
from ..calculus.feedforward import Trace, trace, weighted_input
from ..errors import DataError
from ..plan import targets_for
from .central_difference import EPSILON, CentralDifference, central_difference

if TYPE_CHECKING:
    from ..examples import Examples
    from ..network import Network

LARGEST_NUMBER = 1e100  # of all intermediate results, so that their squares are finite
MAX_INPUT_NUMBERS = 10**7  # x is converted to float64
GRADIENT_CHUNK = 2**20  # entries of a weight gradient that are held at a time
KINKED = ("relu", "leaky_relu", "selu")


@dataclass(frozen=True)
class ParameterIndex:
    """The position of a weight, or, with ``input=None``, of a bias. All indices count from 0."""

    layer: int
    unit: int
    input: int | None

    @property
    def name(self) -> str:
        """The name in printed text, whose layers count from 1: ``w[1][3, 412]`` or ``b[1][3]``."""
        return f"b[{self.layer + 1}][{self.unit}]" if self.input is None else f"w[{self.layer + 1}][{self.unit}, {self.input}]"


@dataclass(frozen=True)
class BatchPass:
    """One batch through a network with fixed parameters; x is (m, n_in), y (m, n_out).

    The weights keep their dtype, float32 or float64, so that a large network is not copied; products are computed in float64.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    sigmas: tuple[Activation, ...]
    cost: Cost
    x: Array
    y: Array

    @property
    def m(self) -> int:
        """The number of examples."""
        return len(self.x)

    @property
    def last(self) -> int:
        """The index of the output layer."""
        return len(self.weights) - 1

    @cached_property
    def trace(self) -> Trace:
        """The forward pass: the weighted inputs and activations of every layer (N10)."""
        return trace(self.weights, self.biases, self.sigmas, self.x)

    @property
    def inputs(self) -> list[Array]:
        """The input of each layer, (m, n_in)."""
        return self.trace.inputs  # type: ignore[return-value]  # x is dense here

    @property
    def a(self) -> Array:
        """The network's outputs, (m, n_out)."""
        return self.trace.activations[-1]

    @cached_property
    def deltas(self) -> list[Array]:
        """``dC/dz`` of each layer, one row for each example (BP1, BP2)."""
        _, zs, activations = self.trace
        deltas = [output_delta(self.cost, self.sigmas[-1], zs[-1], activations[-1], self.y)]
        for k in reversed(range(self.last)):
            deltas.append(hidden_delta(deltas[-1], self.weights[k + 1], self.sigmas[k], zs[k], activations[k]))
        return deltas[::-1]

    def mean_cost(self, a: Array) -> float:
        """The mean cost of outputs (m, n_out)."""
        return float(self.cost.value(a, self.y).mean())

    # Gradients

    def nabla_w_chunks(self, layer: int) -> Iterator[tuple[slice, Array]]:
        """Yield ``nabla_w`` of a layer some rows at a time, so that it is never held as a whole (BP4)."""
        n_out, n_in = self.weights[layer].shape
        step = max(1, GRADIENT_CHUNK // n_in)
        for first in range(0, n_out, step):
            rows = slice(first, min(first + step, n_out))
            yield rows, nabla_w(self.deltas[layer][:, rows], self.inputs[layer])

    def largest_gradient(self, layer: int, unit: int | None = None, input_: int | None = None) -> ParameterIndex:
        """Find the weight of largest ``|dC/dw|`` in a layer, among those of one unit or one input if these are given."""
        if unit is not None and input_ is not None:
            return ParameterIndex(layer, unit, input_)
        if unit is not None:
            g = nabla_w(self.deltas[layer][:, [unit]], self.inputs[layer])[0]
            return ParameterIndex(layer, unit, int(np.abs(g).argmax()))
        if input_ is not None:
            g = nabla_w(self.deltas[layer], self.inputs[layer][:, [input_]])[:, 0]
            return ParameterIndex(layer, int(np.abs(g).argmax()), input_)
        largest, position = -1.0, (0, 0)
        for rows, g in self.nabla_w_chunks(layer):
            j, k = np.unravel_index(int(np.abs(g).argmax()), g.shape)
            if abs(g[j, k]) > largest:
                largest, position = abs(float(g[j, k])), (rows.start + int(j), int(k))
        return ParameterIndex(layer, *position)

    def gradient_at(self, index: ParameterIndex) -> float:
        """One entry of ``nabla_w`` or ``nabla_b``, summed over the examples (BP3, BP4)."""
        return float(self.deltas[index.layer][:, index.unit] @ self.dz_dparameter(index))

    def dz_dparameter(self, index: ParameterIndex) -> Array:
        """The derivative of the unit's ``z`` with respect to the parameter, (m,): a weight's input, or 1 for a bias."""
        return np.ones(self.m) if index.input is None else self.inputs[index.layer][:, index.input]

    def z_direction(self, index: ParameterIndex) -> Array:
        """The change of the layer's ``z`` when the parameter changes by 1, (m, n_out)."""
        direction = np.zeros_like(self.trace.zs[index.layer])
        direction[:, index.unit] = self.dz_dparameter(index)
        return direction

    # Central differences

    def central_difference(self, layer: int, z_direction: Array) -> CentralDifference:
        """Take the central difference of the mean cost along a direction of a layer's ``z``."""
        largest = float(np.abs(z_direction).max())
        if largest == 0:
            return CentralDifference(0.0, 0.0, 0.0, 0.0)  # the cost does not depend on this parameter
        scale = 1 / largest  # changes a weighted input by 1
        has_kink = any(sigma.name in KINKED for sigma in self.sigmas[layer:])
        crosses = (lambda h: self._crosses_kink(layer, h * z_direction)) if has_kink else (lambda h: False)
        return central_difference(lambda h: self._cost_with_shifted_z(layer, h * z_direction), scale, self._cost_rounding, crosses)

    def _cost_with_shifted_z(self, layer: int, shift: Array) -> float:
        """The mean cost if ``shift`` is added to a layer's ``z``."""
        z: Array = self.trace.zs[layer] + shift
        for k in range(layer, self.last):
            z = weighted_input(self.weights[k + 1], self.biases[k + 1], self.sigmas[k].value(z))
        return self._cost_from_z(z)

    def _cost_from_z(self, z: Array) -> float:
        """The mean cost from the output layer's ``z``, without terms that are constant in ``z``.

        Where the derivative collapses to ``a - y``, the cost is written in ``z`` itself, since ``a`` is rounded near 1.
        """
        sigma, y = self.sigmas[-1], self.y
        if not self.cost.cancels(sigma):
            return self.mean_cost(sigma.value(z))
        if sigma.name == "sigmoid":
            return float((np.logaddexp(0, z) - y * z).sum(axis=1).mean())
        if sigma.name == "softmax":
            largest = z.max(axis=1)
            return float((largest + np.log(np.exp(z - largest[:, None]).sum(axis=1)) - (y * z).sum(axis=1)).mean())
        if sigma.name == "exp":
            return float((np.exp(z) - y * z).sum(axis=1).mean())
        return self.mean_cost(z)

    @cached_property
    def _cost_rounding(self) -> float:
        """The rounding error of a mean cost: that of its terms, and of the weighted inputs that they depend on."""
        z, delta = self.trace.zs[-1], self.deltas[-1]
        terms = np.abs(self.y * z) + np.abs(delta * z)
        if not self.cost.cancels(self.sigmas[-1]):
            terms = terms + np.abs(self.cost.gradient(self.a, self.y) * self.a)
        return 4 * EPSILON * (abs(self._cost_from_z(z)) + float(terms.sum(axis=1).mean()))

    def _crosses_kink(self, layer: int, shift: Array) -> bool:
        """Whether adding and subtracting ``shift`` in a layer's ``z`` puts a unit of ReLU's kind on both sides of ``z = 0``."""
        z_up: Array = self.trace.zs[layer] + shift
        z_down: Array = self.trace.zs[layer] - shift
        for k in range(layer, self.last + 1):
            if self.sigmas[k].name in KINKED and ((z_up > 0) != (z_down > 0)).any():
                return True
            if k < self.last:
                w, b = self.weights[k + 1], self.biases[k + 1]
                z_up, z_down = (weighted_input(w, b, self.sigmas[k].value(z)) for z in (z_up, z_down))
        return False

    # The step

    def cost_after_step(self, rate: float) -> float:
        """The mean cost of this batch after one step of gradient descent on it (N12)."""
        a: Array = self.x
        for k, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            z: Array = weighted_input(w, b - rate / self.m * nabla_b(self.deltas[k]), a)
            for rows, g in self.nabla_w_chunks(k):
                z[:, rows] -= rate / self.m * (a @ g.T)
            a = self.sigmas[k].value(z)
        return self.mean_cost(a)


def unwrap_estimator(model: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """Return a fitted estimator's network with x and y converted for it; any other model, x and y unchanged."""
    if not hasattr(model, "for_network"):
        return model, x, y
    if y is None:
        raise DataError("an estimator needs x and y as its fit takes them; y is missing, and without it there is no cost")
    return model.network_, *model.for_network(x, y)


def run_batch(network: Network, examples: Examples) -> BatchPass:
    """Run checked examples forward and backward through a network.

    Raises
    ------
    DataError
        If a parameter is NaN or infinite, or the examples do not suit the network.
    """
    examples = network.check_examples(examples)
    state = network.state()
    if not state.is_finite:
        raise DataError("the network's weights and biases must be finite, but one is NaN or infinite; train it again")
    values, labels = targets_for(examples, network.plan)
    y = np.eye(network.sizes[-1])[labels] if values is None else values.astype(np.float64)
    if len(examples) * examples.n_in > MAX_INPUT_NUMBERS:
        raise DataError(
            f"x must hold at most {MAX_INPUT_NUMBERS:,} numbers; it has {len(examples):,} rows of {examples.n_in:,}: take fewer"
        )
    x = examples.x.toarray() if is_sparse(examples.x) else np.asarray(examples.x)  # type: ignore[attr-defined]
    x = x / 255 if examples.kind == "pixels" else x.astype(np.float64)
    biases = tuple(b.astype(np.float64) for b in state.biases)
    batch = BatchPass(state.weights, biases, network.plan.sigmas, network.plan.cost_function, x, y)
    _check_range(batch)
    return batch


def _check_range(batch: BatchPass) -> None:
    """Refuse intermediate results that overflow, and a user's activation or cost that raises."""
    try:
        with np.errstate(all="ignore"):
            arrays = (*batch.inputs, *batch.trace.zs, batch.a, batch.deltas[-1])
            sizes = [float(np.abs(array).max()) for array in arrays]
    except (ArithmeticError, ValueError, TypeError, IndexError) as error:
        raise DataError(f"an activation or the cost fails on these examples: {type(error).__name__}: {error}") from error
    if not max(sizes[:-1]) < LARGEST_NUMBER:
        raise DataError("the network's numbers overflow or are NaN with these examples; scale the inputs to about 1")
