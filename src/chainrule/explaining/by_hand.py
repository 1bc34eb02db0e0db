"""One weight worked out by hand: the chain of partial derivatives with its numbers, what a nudge does, and the step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..calculus.activations import ACTIVATIONS
from .differences import MOST_DIGITS, Nudge
from .model import Block, Formulas, Prose, Section, Table
from .notation import cell, factor, tell
from .passage import Passage, Place

TERMS_SHOWN = 6  # of a sum


def by_hand(p: Passage, place: Place) -> Section:
    """BP4 at one place, from the cost to the weight, and the nudge beside it."""
    gradient = p.entry(place)
    told = _of_one_example(p, place, gradient) if p.m == 1 else _of_a_batch(p, place, gradient)
    if not p.along(place).any():
        dead: Block = Prose("This weight meets an input of 0: its gradient is 0, and no nudge of it changes the cost.")
        return Section(("BP4",), f"One entry by hand: {place.name}", (*told, dead))
    nudge = p.nudge(place.layer, p.shift(place))
    return Section(("BP4",), f"One entry by hand: {place.name}", (*told, *_beside(nudge, gradient / p.m, p.m)))


def _of_one_example(p: Passage, place: Place, gradient: float) -> Iterator[Block]:
    """The chain of partial derivatives, multiplied out."""
    yield from _delta(p, place) if place.layer < len(p.weights) - 1 else _output_delta(p, place)
    delta, a = float(p.deltas[place.layer][0, place.unit]), float(p.along(place)[0])
    product = f"{_delta_symbol(place)} · {_input_symbol(place)} = {factor(delta, 6)} · {factor(a, 6)}"
    yield Formulas((rf"\frac{{∂C}}{{∂{_weight_symbol(place)}}} = {product} = {tell(gradient, 8)}",))


def _of_a_batch(p: Passage, place: Place, gradient: float) -> Iterator[Block]:
    """The sum over the examples of ``delta`` times ``a``."""
    product = f"{_delta_symbol(place)} · {_input_symbol(place)}"
    yield Formulas((rf"\frac{{∂C}}{{∂{_weight_symbol(place)}}} = Σ {product} = {tell(gradient, 8)}   over the {p.m} examples",))
    delta, a = p.deltas[place.layer][:, place.unit], p.along(place)
    yield _sum_of(("example", f"${_delta_symbol(place)}$", f"${_input_symbol(place)}$"), (delta, a))


def _output_delta(p: Passage, place: Place) -> Iterator[Block]:
    """BP1 for one output unit."""
    j, sigma = place.unit, p.sigmas[-1]
    z, a, y, delta = p.trace.zs[-1][0], p.a[0], p.y[0], float(p.deltas[-1][0, j])
    symbol, slope = _delta_symbol(place), p.cost.gradient(p.a[:1], p.y[:1])[0]
    if p.cost.cancels(sigma):
        line = f"{symbol} = a_{{{j}}} − y_{{{j}}} = {tell(a[j], 6)} − {factor(y[j], 6)} = {tell(delta, 6)}"
    elif sigma is ACTIVATIONS["softmax"]:
        along = float(slope @ a)
        line = (
            rf"{symbol} = a_{{{j}}} (\frac{{∂C}}{{∂a_{{{j}}}}} − Σ_i \frac{{∂C}}{{∂a_i}} a_i) = "
            f"{factor(a[j], 6)} · ({tell(slope[j], 6)} − {factor(along, 6)}) = {tell(delta, 6)}"
        )
    else:
        prime = float(sigma.derivative(z, a)[j])
        product = f"{factor(slope[j], 6)} · {factor(prime, 6)}"
        line = rf"{symbol} = \frac{{∂C}}{{∂a_{{{j}}}}} · σ′(z_{{{j}}}) = {product} = {tell(delta, 6)}"
    yield Formulas((line,))


def _delta(p: Passage, place: Place) -> Iterator[Block]:
    """BP2 for one hidden unit: the sum over the units of the next layer, and the activation's slope."""
    layer, j, after = place.layer, place.unit, place.layer + 2
    w, above = p.weights[layer + 1][:, j].astype(np.float64), p.deltas[layer + 1][0]
    total, z, a = float(w @ above), p.trace.zs[layer][0], p.trace.activations[layer][0]
    prime = float(p.sigmas[layer].derivative(z, a)[j])
    sent = f"w^{after}_{{i,{j}}}", f"δ^{after}_i"
    yield Formulas((f"Σ_i {sent[0]} {sent[1]} = {tell(total, 6)}",))
    yield _sum_of(("$i$", f"${sent[0]}$", f"${sent[1]}$"), (w, above))
    slope = f"{factor(total, 6)} · σ′(z^{layer + 1}_{{{j}}}) = {factor(total, 6)} · {factor(prime, 6)}"
    yield Formulas((f"{_delta_symbol(place)} = {slope} = {tell(float(p.deltas[layer][0, j]), 6)}",))


def _sum_of(head: tuple[str, ...], factors: tuple[np.typing.NDArray[np.floating], ...]) -> Table:
    """The largest terms of a sum of products, one a row, and what the others come to."""
    terms = np.prod(factors, axis=0)
    shown = np.argsort(-np.abs(terms), kind="stable")[:TERMS_SHOWN]
    rows = [(str(i), *(cell(f[i], 5) for f in factors), cell(terms[i], 5)) for i in sorted(shown)]
    blank = ("",) * len(factors)
    if len(shown) < len(terms):
        rows.append((f"the other {len(terms) - len(shown)}", *blank, cell(float(np.delete(terms, shown).sum()), 5)))
    rows.append(("sum", *blank, cell(float(terms.sum()), 6)))
    return Table((*head, "product"), tuple(rows), strong=len(rows) - 1)


def _beside(nudge: Nudge, gradient: float, m: int) -> Iterator[Block]:
    """Tell what nudging a weight does to the mean cost, beside its gradient divided by m."""
    cost, divided = ("cost", "") if m == 1 else ("mean cost", f", divided by m = {m}")
    if gradient == nudge.slope == 0:
        yield Prose(f"Is that so? Nudge the weight up and down by $h = {tell(nudge.h, 3)}$: the {cost} stays. Both are 0.")
        return
    shared = nudge.shared_digits(gradient)
    digits = min(shared + 2, MOST_DIGITS)
    yield Prose(f"Is that so? Nudge the weight up and down by $h = {tell(nudge.h, 3)}$, and see what the {cost} does:")
    yield Table(
        ("", "$∂C/∂w$"),
        (
            (f"backpropagation{divided}", cell(gradient, digits)),
            ("$(C(w + h) − C(w − h)) / 2h$", cell(nudge.slope, digits)),
        ),
        f"They share {shared} digit{'s' * (shared != 1)}.",
    )
    yield Prose(nudge.why(gradient))


def step(p: Passage, place: Place, rate: float) -> Section:
    """N12: one weight before and after, and what the whole step does to the cost of this batch."""
    w, g = float(p.weights[place.layer][place.unit, place.input]), p.entry(place)
    after, symbol = w - rate / p.m * g, _weight_symbol(place)
    costs = p.cost_of(p.a), p.cost_after_step(rate)
    falls = _verdict(p, *costs)
    words = (
        f"Every weight and bias moves against its gradient, by $η / m$ of it; here $η = {tell(rate)}$ and $m = {p.m}$. (This is "
        f"plain gradient "
        "descent; other optimizers make more of a gradient.)"
    )
    formulas = (
        r"w ← w − \frac{η}{m} \frac{∂C}{∂w}",
        rf"{symbol} ← {tell(w, 6)} − \frac{{{tell(rate)}}}{{{p.m}}} · {factor(g, 6)} = {tell(after, 6)}",
    )
    rows = ((place.name, cell(w, 6), cell(after, 6)), ("cost of this batch", *(cell(cost, 6) for cost in costs)))
    return Section(("N12",), "The step", (Prose(words), Formulas(formulas), Table(("", "before", "after"), rows, falls)))


def _verdict(p: Passage, before: float, after: float) -> str:
    """Say what the step did to the cost of the batch."""
    if not any(delta.any() for delta in p.deltas):
        return "Every gradient is 0: nothing moves."
    if abs(after - before) <= 1e-12 * abs(before):
        return "The cost of this batch hardly changes: the gradients are all but 0."
    return "The cost of this batch falls." if after < before else "The cost of this batch rises: for it the step is too long."


def _weight_symbol(place: Place) -> str:
    return f"w^{place.layer + 1}_{{{place.unit},{place.input}}}"


def _delta_symbol(place: Place) -> str:
    return f"δ^{place.layer + 1}_{{{place.unit}}}"


def _input_symbol(place: Place) -> str:
    return f"a^{place.layer}_{{{place.input}}}"
