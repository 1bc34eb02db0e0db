"""``check_gradient``: backpropagation beside what nudges of the parameters do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import check_seed
from .._types import Array
from ..calculus.activations import ACTIVATIONS
from ..calculus.costs import COSTS
from ..errors import ArgumentTypeError, DataError, SettingError
from ..examples import Examples, as_pair
from ..network import Network
from .differences import EPSILON, Nudge
from .mathematics import to_text
from .notation import tell
from .passage import Passage, Place, behind, passage_of

ALL_BELOW = 2000  # parameters: of smaller networks every one is nudged
DIRECTIONS = 4  # random ones, of each of a larger network's arrays
ENTRIES = 6  # of each array too: the half of them those of largest gradient
MOST_EXAMPLES = 200
TOLERANCE = {"float32": 2e-5, "float64": 1e-7}  # of an array's largest entry
SLOPE_TOLERANCE = 1e-5
SLOPE_STEP = 1e-5


@dataclass(frozen=True)
class Finding:
    """What is off: at a place, or in a function itself.

    Attributes
    ----------
    equation : str
        Such as ``"BP2"``.
    where : str
        The layer and the entry, or the function.
    gives, should : float
        What backpropagation says, and what a nudge does.
    words : str
        All of it in a sentence.
    """

    equation: str
    where: str
    gives: float
    should: float
    words: str


@dataclass(frozen=True)
class GradientCheck:
    """How backpropagation compares with central differences.

    Attributes
    ----------
    ok : bool
        Whether all that could be compared agrees.
    compared, skipped, faint : int
        How many nudges were compared; how many crossed a kink and tell nothing; how many changed the cost too little to tell.
    worst : float
        The largest difference, in parts of the largest entry of its array.
    tolerance : float
        What is allowed.
    findings : tuple of Finding
        What is off, the likeliest cause first.
    how : str
        What was compared, in a sentence.
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
            lines.append(f"{self.faint} more change the cost too little to be told from its rounding, and were skipped.")
        apart = f"{to_text(tell(self.worst, 2))} of an array's largest entry apart, {to_text(tell(self.tolerance, 2))} is allowed"
        if self.ok:
            lines.append(f"Backpropagation agrees with them: at worst {apart}.")
        elif not self.findings:
            lines.append("Nothing could be compared: take other examples, or a network that is less saturated.")
        elif self.worst > self.tolerance:
            lines.append(f"Backpropagation does NOT agree with them: {apart}.")
        return "\n".join([*lines, *(f"{finding.equation}: {finding.words}" for finding in self.findings)])


def check_gradient(subject: Any, x: Any, y: Any = None, *, like: Network | None = None, seed: int = 0) -> Any:
    """Compare backpropagation with what nudges of the parameters do; of a network, or of a learner's own function.

    Parameters
    ----------
    subject : Network, estimator or callable
        A network, with activations and a cost of your own if you like, or a fitted estimator's; or homework:
        ``f(weights, biases, x, y)`` that returns ``(nabla_b, nabla_w)`` or ``(cost, gradient)``.
    x, y : array_like, or an Examples for x
        Some examples; of a network at most 200.
    like : Network, optional
        For homework: the network whose gradient it should give; its layers, activations and cost are taken over.
    seed : int
        Of the random directions, and of the network that homework is tried on.

    Returns
    -------
    GradientCheck or Homework
        ``.ok`` says whether all agrees; ``print`` tells the rest.

    Raises
    ------
    DataError
        When x or y do not suit, or a parameter is not finite.
    ArgumentTypeError
        When the first argument is neither, or homework comes without ``like``.

    Examples
    --------
    >>> net = Network([2, 3, 1], seed=0, dtype="float64")
    >>> check_gradient(net, [[0.5, 1.0], [1.0, -1.0]], [1.0, 0.0]).ok
    True
    """
    subject, x, y = behind(subject, x, y)
    if isinstance(subject, Network):
        if like is not None:
            raise SettingError("like is for a function of your own; a network is its own likeness")
        return check_network(subject, x, y, check_seed("seed", seed))
    if not callable(subject):
        raise ArgumentTypeError(f"check_gradient takes a Network, an estimator or a function; this is {type(subject).__name__}")
    if not isinstance(like, Network):
        raise ArgumentTypeError("check_gradient of a function needs like=, the network whose gradient it should give")
    from .homework.check import check_homework

    return check_homework(subject, x, y, like, seed=seed)


def check_network(network: Network, x: Any, y: Any, seed: int) -> GradientCheck:
    """Compare a network's backpropagation, on the engine that trains it, with central differences in float64."""
    examples = network.read(*as_pair(x, y))
    _suits(examples)
    passage = passage_of(network, examples)
    wrong_functions = tuple(_wrong_functions(passage))
    nabla_b, nabla_w = network.backprop(examples)
    arrays = [
        Compared(k, weights, g / passage.m) for k in range(len(nabla_w)) for weights, g in ((True, nabla_w[k]), (False, nabla_b[k]))
    ]
    every = network.parameters <= ALL_BELOW
    rng, tolerance = np.random.default_rng(seed), _tolerance(network)
    counts, worst, off = Counter(compared=0, kinks=0, faint=0), 0.0, []
    for array in arrays:
        largest = float(np.abs(array.gradient).max())
        for try_ in array.every_entry() if every else array.some(rng):
            nudge = passage.nudge(array.layer, try_.shift(passage))
            size = max(largest * try_.size, abs(nudge.slope))
            apart = 0.0 if nudge.slope == try_.gives else abs(nudge.slope - try_.gives) / size
            if nudge.crosses:
                counts["kinks"] += 1
            elif apart and nudge.uncertainty > tolerance * size:
                counts["faint"] += 1
            else:
                counts["compared"] += 1
                worst = max(worst, apart) if np.isfinite(apart) else np.inf
                if not apart <= tolerance:
                    off.append((array, try_, nudge))
    findings = (*wrong_functions, *(_findings(passage, off) if off else ()))
    what = "every weight and bias" if every else f"{sum(counts.values())} weights, biases and random directions"
    how = (
        f"{' x '.join(map(str, network.sizes))}, {network.plan.dtype}, {passage.m} example{'s' * (passage.m > 1)}: {what} "
        f"nudged up and down, {counts['compared']:,} compared."
    )
    ok = not findings and counts["compared"] > 0
    return GradientCheck(ok, counts["compared"], counts["kinks"], counts["faint"], worst, tolerance, findings, how)


def _tolerance(network: Network) -> float:
    """What is allowed, in parts of an array's largest entry: in float32 more where a weighted input sums more products."""
    allowed = TOLERANCE[network.plan.dtype]
    if network.plan.dtype == "float64":
        return allowed
    return max(allowed, 20 * float(np.finfo(np.float32).eps) * max(network.sizes[:-1]) ** 0.5)


def _suits(examples: Examples) -> None:
    if examples.y is None:
        raise DataError("check_gradient needs y: without labels or targets there is no cost")
    if examples.weights is not None:
        raise DataError("check_gradient takes examples that all count alike; leave the weights out")
    if len(examples) > MOST_EXAMPLES:
        raise DataError(f"check_gradient takes at most {MOST_EXAMPLES} examples; choose some, such as examples[:10]")


@dataclass(frozen=True)
class Try:
    """A way to move the parameters of an array: what the gradient says the cost does, and how long the way is."""

    name: str
    gives: float
    size: float
    shift: Callable[[Passage], Array]


@dataclass(frozen=True)
class Compared:
    """The weights or the biases of a layer, and their mean gradient."""

    layer: int
    weights: bool
    gradient: Array

    def entry(self, *at: int) -> Try:
        """Move one entry."""
        place = Place(self.layer, at[0], at[1] if self.weights else None)
        return Try(place.name, float(self.gradient[at]), 1.0, lambda passage: passage.shift(place))

    def every_entry(self) -> Iterator[Try]:
        """Move each entry."""
        return (self.entry(*map(int, at)) for at in np.ndindex(self.gradient.shape))

    def direction(self, rng: np.random.Generator) -> Try:
        """Move all entries at once, by ``u v^T`` of random signs: what the gradient says is ``u^T G v``."""
        u = rng.choice([-1.0, 1.0], self.gradient.shape[0])
        v = rng.choice([-1.0, 1.0], self.gradient.shape[1]) if self.weights else None
        gives = float(u @ self.gradient if v is None else u @ (self.gradient @ v))
        letter = "w" if self.weights else "b"

        def shift(passage: Passage) -> Array:
            along = np.ones(passage.m) if v is None else passage.inputs[self.layer] @ v
            return np.outer(along, u)

        return Try(f"a random direction of {letter}[{self.layer + 1}]", gives, float(np.sqrt(self.gradient.size)), shift)

    def some(self, rng: np.random.Generator) -> Iterator[Try]:
        """Move along random directions, then entries: those of largest gradient, and some at random."""
        for _ in range(DIRECTIONS):
            yield self.direction(rng)
        flat = np.abs(self.gradient).ravel()
        count = min(ENTRIES // 2, flat.size)
        chosen = {*np.argpartition(-flat, count - 1)[:count].tolist(), *rng.integers(flat.size, size=ENTRIES // 2).tolist()}
        for k in sorted(chosen):
            yield self.entry(*map(int, np.unravel_index(k, self.gradient.shape)))


def _findings(passage: Passage, off: list[tuple[Compared, Try, Nudge]]) -> Iterator[Finding]:
    """Name the first wrong layer from the output, and what its arrays share."""
    wrong = {(array.layer, array.weights) for array, _, _ in off}
    layer = max(layer for layer, _ in wrong)
    for weights in (False, True):
        of_it = [(try_, nudge) for array, try_, nudge in off if (array.layer, array.weights) == (layer, weights)]
        if not of_it:
            continue
        try_, nudge = max(of_it, key=lambda pair: abs(pair[0].gives - pair[1].slope) / pair[0].size)
        both = {(layer, True), (layer, False)} <= wrong
        equation = ("BP1" if layer == passage.last else "BP2") if both else "BP4" if weights else "BP3"
        words = (
            f"layer {layer + 1}, {try_.name}: backpropagation says {to_text(tell(try_.gives, 6))}, a nudge "
            f"{to_text(tell(nudge.slope, 6))}{_ratio(try_.gives, nudge.slope)}"
        )
        yield Finding(equation, f"layer {layer + 1}, {try_.name}", try_.gives, nudge.slope, words)


def _ratio(gives: float, should: float) -> str:
    ratio = tell(gives / should, 4) if should else "1"
    return "" if ratio == "1" else f", {to_text(ratio)} times as much"


def _wrong_functions(passage: Passage) -> Iterator[Finding]:
    """Hold the derivative of each function of the user's own to its slope, at the numbers of this batch."""
    for k, sigma in enumerate(passage.sigmas):
        if sigma is ACTIVATIONS.get(sigma.name):
            continue
        z, a = passage.trace.zs[k], passage.trace.activations[k]
        apart = _apart(sigma.derivative(z, a), sigma.value, z)
        if apart is None:
            continue
        at, gives, should = apart
        equation = "BP1" if k == passage.last else "BP2"
        where = f"{sigma.name}, layer {k + 1}"
        words = f"the derivative of {where}: at z = {at:.6g} it is {gives:.6g}, but the function's slope there is {should:.6g}"
        yield Finding(equation, where, gives, should, words)
    cost = passage.cost
    if cost is COSTS.get(cost.name):
        return
    a, y = passage.a, passage.y
    slope = cost.gradient(a, y)
    for j in range(a.shape[1]):

        def value(column: Array, j: int = j) -> Array:
            moved = a.copy()
            moved[:, j] = column
            return cost.value(moved, y)

        apart = _apart(slope[:, j], value, a[:, j])
        if apart is not None:
            at, gives, should = apart
            words = f"the gradient of {cost.name}: at a = {at:.6g} it is {gives:.6g}, but the cost's slope there is {should:.6g}"
            yield Finding("BP1", cost.name, gives, should, words)
            return


def _apart(derivative: Array, value: Callable[[Array], Array], at: Array) -> tuple[float, float, float] | None:
    """Find where a derivative is furthest from its function's slope; None where they agree, kinks left out."""
    h = SLOPE_STEP * np.maximum(np.abs(at), 1e-3)
    with np.errstate(all="ignore"):
        here, up, down = value(at), value(at + h), value(at - h)
        forward, backward, slope = (up - here) / h, (here - down) / h, (up - down) / (2 * h)
    rounding = 8 * EPSILON * np.abs(here) / h
    told = np.isfinite(slope) & (np.abs(forward - backward) <= 1e-2 * (np.abs(forward) + np.abs(backward)) + 1e-6 + 2 * rounding)
    error = np.where(told, np.abs(derivative - slope), 0.0)
    error = np.where(np.isfinite(derivative), error, np.where(np.isfinite(slope), np.inf, 0.0))
    worst = np.unravel_index(int(np.argmax(error - rounding)), error.shape)
    if not error[worst] > SLOPE_TOLERANCE * max(1.0, float(np.abs(slope[told]).max(initial=0))) + rounding[worst]:
        return None
    return float(at[worst]), float(derivative[worst]), float(slope[worst])
