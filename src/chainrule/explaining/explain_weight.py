"""The sections about a single weight: its gradient computed by hand, compared with a central difference, and its step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .._types import Array
from ..calculus.activations import ACTIVATIONS
from .batch_pass import BatchPass, ParameterIndex
from .blocks import Block, Formulas, Prose, Section, Table
from .central_difference import MAX_DIGITS, CentralDifference
from .notation import format_factor, format_number, inline_number

TERMS_SHOWN = 6  # of a sum


def gradient_by_hand(batch: BatchPass, index: ParameterIndex) -> Section:
    """Work out BP4 for one weight, and compare it with a central difference."""
    gradient = batch.gradient_at(index)
    blocks = list(_one_example(batch, index, gradient) if batch.m == 1 else _sum_over_examples(batch, index, gradient))
    if batch.dz_dparameter(index).any():
        difference = batch.central_difference(index.layer, batch.z_direction(index))
        blocks += _comparison(difference, gradient / batch.m, batch.m)
    else:
        blocks.append(Prose("This weight multiplies an input of 0: its gradient is 0, and the cost does not depend on it."))
    return Section(("BP4",), f"One entry by hand: {index.name}", tuple(blocks))


def _one_example(batch: BatchPass, index: ParameterIndex, gradient: float) -> Iterator[Block]:
    """The chain of partial derivatives, multiplied out."""
    yield from _hidden_delta(batch, index) if index.layer < batch.last else _output_delta(batch, index)
    delta, a = float(batch.deltas[index.layer][0, index.unit]), float(batch.dz_dparameter(index)[0])
    product = f"{_delta_symbol(index)} · {_input_symbol(index)} = {format_factor(delta, 6)} · {format_factor(a, 6)}"
    yield Formulas((rf"\frac{{∂C}}{{∂{_weight_symbol(index)}}} = {product} = {format_number(gradient, 8)}",))


def _sum_over_examples(batch: BatchPass, index: ParameterIndex, gradient: float) -> Iterator[Block]:
    """The sum over the examples of ``delta`` times ``a``."""
    derivative, delta_symbol, input_symbol = rf"\frac{{∂C}}{{∂{_weight_symbol(index)}}}", _delta_symbol(index), _input_symbol(index)
    total = format_number(gradient, 8)
    yield Formulas((f"{derivative} = Σ {delta_symbol} · {input_symbol} = {total}   over the {batch.m} examples",))
    delta, a = batch.deltas[index.layer][:, index.unit], batch.dz_dparameter(index)
    yield _sum_of_products(("example", f"${delta_symbol}$", f"${input_symbol}$"), (delta, a))


def _output_delta(batch: BatchPass, index: ParameterIndex) -> Iterator[Block]:
    """BP1 for one output unit."""
    j, sigma = index.unit, batch.sigmas[-1]
    z, a, y, delta = batch.trace.zs[-1][0], batch.a[0], batch.y[0], float(batch.deltas[-1][0, j])
    symbol, slope = _delta_symbol(index), batch.cost.gradient(batch.a[:1], batch.y[:1])[0]
    if batch.cost.cancels(sigma):
        line = f"{symbol} = a_{{{j}}} − y_{{{j}}} = {format_number(a[j], 6)} − {format_factor(y[j], 6)} = {format_number(delta, 6)}"
    elif sigma is ACTIVATIONS["softmax"]:
        mean_slope = format_factor(float(slope @ a), 6)
        line = (
            rf"{symbol} = a_{{{j}}} (\frac{{∂C}}{{∂a_{{{j}}}}} − Σ_i \frac{{∂C}}{{∂a_i}} a_i) = "
            f"{format_factor(a[j], 6)} · ({format_number(slope[j], 6)} − {mean_slope}) = {format_number(delta, 6)}"
        )
    else:
        sigma_prime = float(sigma.derivative(z, a)[j])
        product = f"{format_factor(slope[j], 6)} · {format_factor(sigma_prime, 6)}"
        line = rf"{symbol} = \frac{{∂C}}{{∂a_{{{j}}}}} · σ′(z_{{{j}}}) = {product} = {format_number(delta, 6)}"
    yield Formulas((line,))


def _hidden_delta(batch: BatchPass, index: ParameterIndex) -> Iterator[Block]:
    """BP2 for one hidden unit: the sum over the units of the next layer, and the derivative of the activation."""
    layer, j, next_name = index.layer, index.unit, index.layer + 2
    w, next_delta = batch.weights[layer + 1][:, j].astype(np.float64), batch.deltas[layer + 1][0]
    z, a = batch.trace.zs[layer][0], batch.trace.activations[layer][0]
    total, sigma_prime = float(w @ next_delta), float(batch.sigmas[layer].derivative(z, a)[j])
    w_symbol, next_delta_symbol = f"w^{next_name}_{{i,{j}}}", f"δ^{next_name}_i"
    yield Formulas((f"Σ_i {w_symbol} {next_delta_symbol} = {format_number(total, 6)}",))
    yield _sum_of_products(("$i$", f"${w_symbol}$", f"${next_delta_symbol}$"), (w, next_delta))
    symbols = f"{format_factor(total, 6)} · σ′(z^{layer + 1}_{{{j}}})"
    numbers = f"{format_factor(total, 6)} · {format_factor(sigma_prime, 6)}"
    delta = format_number(float(batch.deltas[layer][0, j]), 6)
    yield Formulas((f"{_delta_symbol(index)} = {symbols} = {numbers} = {delta}",))


def _sum_of_products(header: tuple[str, ...], factors: tuple[Array, ...]) -> Table:
    """The largest terms of a sum of products, one in each row, the sum of the others, and the total."""
    terms = np.prod(factors, axis=0)
    largest = np.argsort(-np.abs(terms), kind="stable")[:TERMS_SHOWN]
    rows = [(str(i), *(inline_number(f[i], 5) for f in factors), inline_number(terms[i], 5)) for i in sorted(largest)]
    blank = ("",) * len(factors)
    if len(largest) < len(terms):
        others = float(np.delete(terms, largest).sum())
        rows.append((f"the other {len(terms) - len(largest)}", *blank, inline_number(others, 5)))
    rows.append(("sum", *blank, inline_number(float(terms.sum()), 6)))
    return Table((*header, "product"), tuple(rows), highlighted=len(rows) - 1)


def _comparison(difference: CentralDifference, gradient: float, m: int) -> Iterator[Block]:
    """Compare the mean cost's gradient with its central difference."""
    cost, divided = ("cost", "") if m == 1 else ("mean cost", f", divided by m = {m}")
    step = f"Check: change the weight by $±h$, with $h = {format_number(difference.h, 3)}$"
    if gradient == difference.slope == 0:
        yield Prose(f"{step}: the {cost} does not change. Both are 0.")
        return
    shared = difference.shared_digits(gradient)
    digits = min(shared + 2, MAX_DIGITS)
    yield Prose(f"{step}, and take the central difference of the {cost}:")
    yield Table(
        ("", "$∂C/∂w$"),
        (
            (f"backpropagation{divided}", inline_number(gradient, digits)),
            ("$(C(w + h) − C(w − h)) / 2h$", inline_number(difference.slope, digits)),
        ),
        f"They share {shared} digit{'s' * (shared != 1)}.",
    )
    yield Prose(difference.explain_digits(gradient))


def gradient_step(batch: BatchPass, index: ParameterIndex, rate: float) -> Section:
    """N12: one weight before and after the step, and the cost of this batch before and after all parameters have moved."""
    w, g = float(batch.weights[index.layer][index.unit, index.input]), batch.gradient_at(index)
    w_after, symbol = w - rate / batch.m * g, _weight_symbol(index)
    costs = batch.mean_cost(batch.a), batch.cost_after_step(rate)
    words = (
        f"Every weight and bias moves against its gradient, scaled by $η / m$; here $η = {format_number(rate)}$ and "
        f"$m = {batch.m}$. This is plain gradient descent; other optimizers compute the step differently."
    )
    numbers = rf"{format_number(w, 6)} − \frac{{{format_number(rate)}}}{{{batch.m}}} · {format_factor(g, 6)}"
    formulas = (r"w ← w − \frac{η}{m} \frac{∂C}{∂w}", f"{symbol} ← {numbers} = {format_number(w_after, 6)}")
    rows = (
        (index.name, inline_number(w, 6), inline_number(w_after, 6)),
        ("cost of this batch", *(inline_number(cost, 6) for cost in costs)),
    )
    table = Table(("", "before", "after"), rows, _effect_of_step(batch, *costs))
    return Section(("N12",), "The step", (Prose(words), Formulas(formulas), table))


def _effect_of_step(batch: BatchPass, before: float, after: float) -> str:
    """State the effect of the step on the cost of the batch."""
    if not any(delta.any() for delta in batch.deltas):
        return "Every gradient is 0: no parameter changes."
    if abs(after - before) <= 1e-12 * abs(before):
        return "The cost of this batch hardly changes: the gradients are nearly 0."
    if after < before:
        return "The cost of this batch decreases."
    return "The cost of this batch increases: the learning rate is too large for it."


def _weight_symbol(index: ParameterIndex) -> str:
    return f"w^{index.layer + 1}_{{{index.unit},{index.input}}}"


def _delta_symbol(index: ParameterIndex) -> str:
    return f"δ^{index.layer + 1}_{{{index.unit}}}"


def _input_symbol(index: ParameterIndex) -> str:
    return f"a^{index.layer}_{{{index.input}}}"
