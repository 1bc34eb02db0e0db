"""``check_gradient``: compares backpropagation with central differences of the cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from .._checks import check_seed
from .._types import Array
from ..calculus.activations import ACTIVATIONS
from ..calculus.costs import COSTS
from ..errors import ArgumentTypeError, DataError, SettingError
from ..examples import Examples, as_pair
from ..network import Network
from .batch_pass import BatchPass, ParameterIndex, run_batch, unwrap_estimator
from .central_difference import EPSILON, CentralDifference
from .formula_markup import to_text
from .homework.homework_check import check_homework
from .notation import format_number

MAX_PARAMETERS_IN_FULL = 2000  # a network with more parameters is sampled
DIRECTIONS = 4  # random directions sampled for each array
ENTRIES = 6  # entries sampled for each array, half of them those of largest gradient
MAX_EXAMPLES = 200
TOLERANCE = {"float32": 2e-5, "float64": 1e-7}  # relative to an array's largest entry
SLOPE_TOLERANCE = 1e-5
SLOPE_STEP = 1e-5


@dataclass(frozen=True)
class Finding:
    """A disagreement: in an array of the gradient, or in a function of the user's own.

    Attributes
    ----------
    equation : str
        Such as ``"BP2"``.
    where : str
        The layer and the entry, or the function.
    gives, should : float
        The value that backpropagation gives, and the value it should have by the central difference.
    words : str
        The disagreement as a sentence.
    """

    equation: str
    where: str
    gives: float
    should: float
    words: str


@dataclass(frozen=True)
class GradientCheck:
    """The result of comparing backpropagation with central differences.

    Attributes
    ----------
    ok : bool
        Whether everything that could be compared agrees.
    compared, skipped, faint : int
        The number of central differences that were compared, that crossed a kink, and whose own error was too large to compare.
    worst : float
        The largest difference, relative to the largest entry of its array.
    tolerance : float
        The largest difference that is allowed.
    findings : tuple of Finding
        The disagreements, the likeliest cause first.
    how : str
        A sentence on the comparison.
    """

    ok: bool
    compared: int
    skipped: int
    faint: int
    worst: float
    tolerance: float
    findings: tuple[Finding, ...]
    how: str

    def __str__(self) -> str:
        lines = [self.how]
        if self.skipped:
            lines.append(f"{self.skipped} more crossed a kink, where there is no derivative, and were skipped.")
        if self.faint:
            lines.append(f"{self.faint} more change the cost by less than its rounding error resolves, and were skipped.")
        difference, tolerance = to_text(format_number(self.worst, 2)), to_text(format_number(self.tolerance, 2))
        relative = f"{difference} of an array's largest entry; {tolerance} is allowed"
        if self.ok:
            lines.append(f"Backpropagation agrees with them: the largest difference is {relative}.")
        elif not self.findings:
            lines.append("Nothing could be compared: take other examples, or a network that is less saturated.")
        elif self.worst > self.tolerance:
            lines.append(f"Backpropagation does NOT agree with them: the largest difference is {relative}.")
        return "\n".join([*lines, *(f"{finding.equation}: {finding.words}" for finding in self.findings)])


def check_gradient(subject: Any, x: Any, y: Any = None, *, like: Network | None = None, seed: int = 0) -> Any:
    """Compare backpropagation with central differences: that of a network, or a backprop function of one's own.

    Parameters
    ----------
    subject : Network, estimator or callable
        A network, also with an activation or a cost of your own, or a fitted estimator; or homework, a function
        ``f(weights, biases, x, y)`` that returns ``(nabla_b, nabla_w)`` or ``(cost, gradient)``.
    x, y : array_like, or an Examples for x
        Some examples; for a network at most 200.
    like : Network, optional
        For homework: the network whose gradient the function computes. Its layers, activations and cost are used.
    seed : int
        Of the random directions, and of the random network on which homework is tested.

    Returns
    -------
    GradientCheck or Homework
        ``.ok`` says whether everything agrees; ``print`` shows the details.

    Raises
    ------
    DataError
        If x or y do not suit the network, or a parameter is not finite.
    ArgumentTypeError
        If the first argument is neither a network nor a function, or homework comes without ``like``.

    Examples
    --------
    >>> net = Network([2, 3, 1], seed=0, dtype="float64")
    >>> check_gradient(net, [[0.5, 1.0], [1.0, -1.0]], [1.0, 0.0]).ok
    True
    """
    subject, x, y = unwrap_estimator(subject, x, y)
    if isinstance(subject, Network):
        if like is not None:
            raise SettingError("like is for a function of your own, but the first argument is a network; leave like out")
        return check_network(subject, x, y, check_seed("seed", seed))
    if not callable(subject):
        raise ArgumentTypeError(f"check_gradient takes a Network, an estimator or a function; this is {type(subject).__name__}")
    if not isinstance(like, Network):
        raise ArgumentTypeError("check_gradient of a function needs like=, the network whose gradient the function computes")
    return check_homework(subject, x, y, like, seed=seed)


def check_network(network: Network, x: Any, y: Any, seed: int) -> GradientCheck:
    """Compare a network's backpropagation, on the engine that trains it, with central differences in float64."""
    examples = network.read(*as_pair(x, y))
    _check_examples(examples)
    batch = run_batch(network, examples)
    wrong_functions = tuple(_wrong_functions(batch))
    nabla_b, nabla_w = network.backprop(examples)
    in_full = network.parameters <= MAX_PARAMETERS_IN_FULL
    rng, tolerance = np.random.default_rng(seed), _tolerance(network)
    comparisons = [
        _compare(batch, array, perturbation, tolerance)
        for array in _mean_gradients(nabla_b, nabla_w, batch.m)
        for perturbation in (array.entries() if in_full else array.sample(rng))
    ]
    wrong_arrays = [comparison for comparison in comparisons if comparison.outcome is Outcome.DIFFERS]
    findings = (*wrong_functions, *(_findings(batch, wrong_arrays) if wrong_arrays else ()))
    counts = Counter(comparison.outcome for comparison in comparisons)
    compared = counts[Outcome.AGREES] + counts[Outcome.DIFFERS]
    differences = [c.relative_difference for c in comparisons if c.outcome in (Outcome.AGREES, Outcome.DIFFERS)]
    which = "every weight and bias" if in_full else f"{len(comparisons)} weights, biases and random directions"
    how = (
        f"{' x '.join(map(str, network.sizes))}, {network.plan.dtype}, {batch.m} example{'s' * (batch.m > 1)}: "
        f"central differences of {which}, {compared:,} compared."
    )
    return GradientCheck(
        ok=not findings and compared > 0,
        compared=compared,
        skipped=counts[Outcome.CROSSES_KINK],
        faint=counts[Outcome.UNRESOLVED],
        worst=max((d if np.isfinite(d) else np.inf for d in differences), default=0.0),
        tolerance=tolerance,
        findings=findings,
        how=how,
    )


def _check_examples(examples: Examples) -> None:
    if examples.y is None:
        raise DataError("check_gradient needs y, the labels or targets of x; without them there is no cost")
    if examples.weights is not None:
        raise DataError("check_gradient takes examples of equal weight, but these have weights; leave the weights out")
    if len(examples) > MAX_EXAMPLES:
        raise DataError(
            f"check_gradient takes at most {MAX_EXAMPLES} examples; these are {len(examples):,}; choose some, such as examples[:10]"
        )


def _tolerance(network: Network) -> float:
    """The allowed relative difference; in float32 it grows with the number of products in a weighted input."""
    tolerance = TOLERANCE[network.plan.dtype]
    if network.plan.dtype == "float64":
        return tolerance
    return max(tolerance, 20 * float(np.finfo(np.float32).eps) * max(network.sizes[:-1]) ** 0.5)


# Comparing arrays of the gradient


@dataclass(frozen=True)
class Perturbation:
    """A direction among the parameters of one array: the cost's slope along it by the gradient, and its length."""

    name: str
    slope: float
    length: float
    z_direction: Callable[[BatchPass], Array]


@dataclass(frozen=True)
class ArrayGradient:
    """The mean gradient of a layer's weights or biases."""

    layer: int
    is_weights: bool
    gradient: Array

    def entries(self) -> Iterator[Perturbation]:
        """Perturb each entry by itself."""
        return (self._entry(*map(int, position)) for position in np.ndindex(self.gradient.shape))

    def sample(self, rng: np.random.Generator) -> Iterator[Perturbation]:
        """Perturb along random directions, then some entries: those of largest gradient, and random ones."""
        for _ in range(DIRECTIONS):
            yield self._random_direction(rng)
        size = np.abs(self.gradient).ravel()
        count = min(ENTRIES // 2, size.size)
        chosen = {*np.argpartition(-size, count - 1)[:count].tolist(), *rng.integers(size.size, size=ENTRIES // 2).tolist()}
        for k in sorted(chosen):
            yield self._entry(*map(int, np.unravel_index(k, self.gradient.shape)))

    def _entry(self, *position: int) -> Perturbation:
        index = ParameterIndex(self.layer, position[0], position[1] if self.is_weights else None)
        return Perturbation(index.name, float(self.gradient[position]), 1.0, lambda batch: batch.z_direction(index))

    def _random_direction(self, rng: np.random.Generator) -> Perturbation:
        """All entries at once, by ``u v^T`` of random signs; the slope along it is ``u^T G v``."""
        u = rng.choice([-1.0, 1.0], self.gradient.shape[0])
        v = rng.choice([-1.0, 1.0], self.gradient.shape[1]) if self.is_weights else None
        slope = float(u @ self.gradient if v is None else u @ (self.gradient @ v))
        letter = "w" if self.is_weights else "b"

        def z_direction(batch: BatchPass) -> Array:
            return np.outer(np.ones(batch.m) if v is None else batch.inputs[self.layer] @ v, u)

        length = float(np.sqrt(self.gradient.size))
        return Perturbation(f"a random direction of {letter}[{self.layer + 1}]", slope, length, z_direction)


def _mean_gradients(nabla_b: Sequence[Array], nabla_w: Sequence[Array], m: int) -> Iterator[ArrayGradient]:
    for layer, (b, w) in enumerate(zip(nabla_b, nabla_w, strict=True)):
        yield ArrayGradient(layer, True, w / m)
        yield ArrayGradient(layer, False, b / m)


class Outcome(Enum):
    """The outcome of comparing a gradient with a central difference."""

    AGREES = "agrees"
    DIFFERS = "differs"
    CROSSES_KINK = "crosses a kink"
    UNRESOLVED = "the central difference is not accurate enough"


@dataclass(frozen=True)
class Comparison:
    """A perturbation's slope by the gradient beside its central difference."""

    array: ArrayGradient
    perturbation: Perturbation
    difference: CentralDifference
    relative_difference: float
    outcome: Outcome


def _compare(batch: BatchPass, array: ArrayGradient, perturbation: Perturbation, tolerance: float) -> Comparison:
    difference = batch.central_difference(array.layer, perturbation.z_direction(batch))
    size = max(float(np.abs(array.gradient).max()) * perturbation.length, abs(difference.slope))
    relative = 0.0 if difference.slope == perturbation.slope else abs(difference.slope - perturbation.slope) / size
    if difference.crosses_kink:
        outcome = Outcome.CROSSES_KINK
    elif relative and difference.error > tolerance * size:
        outcome = Outcome.UNRESOLVED
    else:
        outcome = Outcome.AGREES if relative <= tolerance else Outcome.DIFFERS
    return Comparison(array, perturbation, difference, relative, outcome)


def _findings(batch: BatchPass, wrong: list[Comparison]) -> Iterator[Finding]:
    """Describe the wrong layer nearest to the output, with the equation that explains its wrong arrays."""
    layer = max(comparison.array.layer for comparison in wrong)
    of_layer = [comparison for comparison in wrong if comparison.array.layer == layer]
    both = len({comparison.array.is_weights for comparison in of_layer}) == 2
    for is_weights in (False, True):
        of_array = [comparison for comparison in of_layer if comparison.array.is_weights == is_weights]
        if not of_array:
            continue
        delta_equation, array_equation = "BP1" if layer == batch.last else "BP2", "BP4" if is_weights else "BP3"
        worst = max(of_array, key=lambda c: abs(c.perturbation.slope - c.difference.slope) / c.perturbation.length)
        gives, should = worst.perturbation.slope, worst.difference.slope
        where = f"layer {layer + 1}, {worst.perturbation.name}"
        words = (
            f"{where}: backpropagation gives {to_text(format_number(gives, 6))}, the central difference is "
            f"{to_text(format_number(should, 6))}{_ratio(gives, should)}"
        )
        yield Finding(delta_equation if both else array_equation, where, gives, should, words)


def _ratio(gives: float, should: float) -> str:
    ratio = format_number(gives / should, 4) if should else "1"
    return "" if ratio == "1" else f"; the first is {to_text(ratio)} times as much"


# Checking functions of the user's own


def _wrong_functions(batch: BatchPass) -> Iterator[Finding]:
    """Compare the derivative of each function of the user's own with its slope, at the numbers of this batch."""
    for layer, sigma in enumerate(batch.sigmas):
        if sigma is not ACTIVATIONS.get(sigma.name):
            yield from _wrong_activation(batch, layer)
    if batch.cost is not COSTS.get(batch.cost.name):
        yield from _wrong_cost(batch)


def _wrong_activation(batch: BatchPass, layer: int) -> Iterator[Finding]:
    sigma, z, a = batch.sigmas[layer], batch.trace.zs[layer], batch.trace.activations[layer]
    error = _largest_error(sigma.derivative(z, a), sigma.value, z)
    if error is not None:
        at, gives, should = error
        where = f"{sigma.name}, layer {layer + 1}"
        words = f"the derivative of {where}: at z = {at:.6g} it is {gives:.6g}, but the function's slope there is {should:.6g}"
        yield Finding("BP1" if layer == batch.last else "BP2", where, gives, should, words)


def _wrong_cost(batch: BatchPass) -> Iterator[Finding]:
    """Check the cost's gradient one output at a time, and describe the first that is wrong."""
    cost, a, y = batch.cost, batch.a, batch.y
    gradient = cost.gradient(a, y)
    for j in range(a.shape[1]):

        def cost_of_output(column: Array, j: int = j) -> Array:
            changed = a.copy()
            changed[:, j] = column
            return cost.value(changed, y)

        error = _largest_error(gradient[:, j], cost_of_output, a[:, j])
        if error is not None:
            at, gives, should = error
            words = f"the gradient of {cost.name}: at a = {at:.6g} it is {gives:.6g}, but the cost's slope there is {should:.6g}"
            yield Finding("BP1", cost.name, gives, should, words)
            return


def _largest_error(derivative: Array, value: Callable[[Array], Array], at: Array) -> tuple[float, float, float] | None:
    """Find the point where a derivative differs most from its function's slope, kinks left out.

    Returns
    -------
    tuple or None
        The point, the derivative and the slope; None if they agree everywhere.
    """
    h = SLOPE_STEP * np.maximum(np.abs(at), 1e-3)
    with np.errstate(all="ignore"):
        center, up, down = value(at), value(at + h), value(at - h)
        forward, backward, slope = (up - center) / h, (center - down) / h, (up - down) / (2 * h)
    rounding = 8 * EPSILON * np.abs(center) / h
    one_sided_difference, size = np.abs(forward - backward), np.abs(forward) + np.abs(backward)
    smooth = np.isfinite(slope) & (one_sided_difference <= 1e-2 * size + 1e-6 + 2 * rounding)
    error = np.where(smooth, np.abs(derivative - slope), 0.0)
    error = np.where(np.isfinite(derivative), error, np.where(np.isfinite(slope), np.inf, 0.0))
    worst = np.unravel_index(int(np.argmax(error - rounding)), error.shape)
    if not error[worst] > SLOPE_TOLERANCE * max(1.0, float(np.abs(slope[smooth]).max(initial=0))) + rounding[worst]:
        return None
    return float(at[worst]), float(derivative[worst]), float(slope[worst])
