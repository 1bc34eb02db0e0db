"""The known mistakes in a backprop, each as the ``BackpropSteps`` that make it; those at the output are in ``output_mistakes``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from ..._types import Array
from ...calculus.activations import ACTIVATIONS, Activation
from .backprop_steps import (
    CORRECT,
    EVERYWHERE,
    HIDDEN,
    OUTPUT,
    ArrayStep,
    Mistake,
    NablaBStep,
    NablaWStep,
    PullbackStep,
    in_layers,
)
from .output_mistakes import output_mistakes
from .random_problem import RandomProblem

RELU, LEAKY_RELU = ACTIVATIONS["relu"], ACTIVATIONS["leaky_relu"]

_SIGMA_PRIME_EQUATIONS = {OUTPUT: ("BP1",), HIDDEN: ("BP2",), EVERYWHERE: ("BP1", "BP2")}


def known_mistakes(problem: RandomProblem) -> Iterator[Mistake]:
    """Yield every mistake that is possible with this problem; of those with equal gradients, the plainest first."""
    families = (
        _sigma_prime_mistakes,
        output_mistakes,
        _relu_mistakes,
        _weight_mistakes,
        _layer_input_mistakes,
        _batch_mistakes,
        _bias_mistakes,
        _factor_mistakes,
        _omissions,
    )
    for family in families:
        yield from family(problem)


def _places(problem: RandomProblem) -> Iterator[tuple[str, range]]:
    """Yield the groups of layers that a mistake can be in."""
    yield OUTPUT, range(problem.last, problem.last + 1)
    if problem.last:
        yield HIDDEN, range(problem.last)
        yield EVERYWHERE, range(problem.last + 1)


# sigma'


def _sigma_prime_mistakes(problem: RandomProblem) -> Iterator[Mistake]:
    for where, layers in _places(problem):
        for name, description, wrong in _SIGMA_PRIME:
            steps = replace(CORRECT, pullback=in_layers(layers, wrong, CORRECT.pullback))
            yield Mistake(
                name,
                where,
                _SIGMA_PRIME_EQUATIONS[where],
                description,
                steps,
                rare=wrong in _RARE,
                sigma_prime_of_a=wrong is _of_z_for_a,
            )


def _forgotten(problem: RandomProblem, layer: int, g: Array) -> Array:
    return g


def _of_a_for_z(problem: RandomProblem, layer: int, g: Array) -> Array:
    sigma, a = problem.sigmas[layer], problem.forward.activations[layer + 1]
    return sigma.pullback(a, sigma.value(a), g)


def _of_z_for_a(problem: RandomProblem, layer: int, g: Array) -> Array:
    z = problem.forward.zs[layer]
    return problem.sigmas[layer].pullback(z, z, g)


def _twice(problem: RandomProblem, layer: int, g: Array) -> Array:
    sigma, z, a = problem.sigmas[layer], problem.forward.zs[layer], problem.forward.activations[layer + 1]
    return sigma.pullback(z, a, g) * sigma.derivative(z, a)


def _sigma_itself(problem: RandomProblem, layer: int, g: Array) -> Array:
    return g * problem.forward.activations[layer + 1]


def _of_other_z(offset: int) -> PullbackStep:
    def pullback(problem: RandomProblem, layer: int, g: Array) -> Array:
        zs, sigma = problem.forward.zs, problem.sigmas[layer]
        z = zs[(layer + offset) % len(zs)]  # index -1 is the last, as in Python
        return sigma.pullback(z, sigma.value(z), g)

    return pullback


def _of_other_a(offset: int) -> PullbackStep:
    def pullback(problem: RandomProblem, layer: int, g: Array) -> Array:
        activations = problem.forward.activations
        a = activations[(layer + 1 + offset) % len(activations)]
        return problem.sigmas[layer].pullback(a, a, g)

    return pullback


_RARE: list[PullbackStep] = [_of_z_for_a, _of_other_a(-1), _of_other_a(1)]
_OTHER_LAYER = "sigma' is taken of another layer's z than delta belongs to; for layer l it is zs[l]"
_SIGMA_PRIME: list[tuple[str, str, PullbackStep]] = [
    ("sigma' forgotten", "delta is not multiplied by sigma'(z)", _forgotten),
    (
        "sigma' of a instead of z",
        "sigma' is evaluated at the activation a instead of z, so that sigma is applied once too often",
        _of_a_for_z,
    ),
    (
        "sigma' of z instead of a",
        "this sigma' is a function of the activation a, such as a (1 - a), but is evaluated at z",
        _of_z_for_a,
    ),
    ("sigma' applied twice", "delta is multiplied by sigma'(z) twice", _twice),
    ("sigma instead of sigma'", "delta is multiplied by sigma(z), which is a, instead of sigma'(z)", _sigma_itself),
    *[("sigma' one layer off", _OTHER_LAYER, wrong) for wrong in (_of_other_z(-1), _of_other_z(1), *_RARE[1:])],
]


# ReLU


class _ReluMistake(NamedTuple):
    name: str
    description: str
    activations: tuple[Activation, ...]
    pullback: PullbackStep


def _relu_mistakes(problem: RandomProblem) -> Iterator[Mistake]:
    for where, layers in _places(problem):
        for mistake in _RELU_MISTAKES:
            affected = [layer for layer in layers if problem.sigmas[layer] in mistake.activations]
            if affected:
                steps = replace(CORRECT, pullback=in_layers(affected, mistake.pullback, CORRECT.pullback))
                yield Mistake(mistake.name, where, _SIGMA_PRIME_EQUATIONS[where], mistake.description, steps)
    affected = [layer + 1 for layer in range(problem.last) if problem.sigmas[layer] in (RELU, LEAKY_RELU)]
    if affected:
        description = (
            "nabla_w is computed with sigma' of ReLU instead of the activation, because a derivative that writes into its argument "
            "has overwritten it; let it return a new array"
        )
        steps = replace(CORRECT, layer_input=in_layers(affected, _overwritten_input, CORRECT.layer_input))
        yield Mistake("activation overwritten by sigma'", "in nabla_w alone", ("BP4",), description, steps)


def _g_masked_by_g(problem: RandomProblem, layer: int, g: Array) -> Array:
    return problem.sigmas[layer].pullback(g, g, g)


def _z_masked_by_g(problem: RandomProblem, layer: int, g: Array) -> Array:
    z = problem.forward.zs[layer]
    return problem.sigmas[layer].pullback(g, g, z)


def _without_leak(problem: RandomProblem, layer: int, g: Array) -> Array:
    return RELU.pullback(problem.forward.zs[layer], problem.forward.activations[layer + 1], g)


def _overwritten_input(problem: RandomProblem, layer: int) -> Array:
    return problem.sigmas[layer - 1].derivative(problem.forward.zs[layer - 1], problem.forward.activations[layer])


_RELU_MISTAKES = [
    _ReluMistake(
        "ReLU's mask of dC/da instead of z",
        "dC/da passes where dC/da > 0; it must pass where z > 0",
        (RELU, LEAKY_RELU),
        _g_masked_by_g,
    ),
    _ReluMistake(
        "ReLU's mask of dC/da instead of z",
        "z passes where dC/da > 0; instead dC/da must pass where z > 0",
        (RELU, LEAKY_RELU),
        _z_masked_by_g,
    ),
    _ReluMistake(
        "leak forgotten",
        "sigma' is 0 where z < 0, as for ReLU; for leaky ReLU it is 0.01",
        (LEAKY_RELU,),
        _without_leak,
    ),
]


# Weights and layer inputs


def _weight_mistakes(problem: RandomProblem) -> Iterator[Mistake]:
    if not problem.last:
        return
    description = "delta is propagated back with {wrong_backward_weights} instead of {backward_weights}"
    steps = replace(CORRECT, backward_weights=lambda problem, layer: problem.weights[layer + 1].T)
    yield Mistake("transpose of the weights", HIDDEN, ("BP2",), description, steps)
    description = (
        "delta is propagated back with another layer's weights; from layer l + 1 to layer l they are weights[l + 1], from 0"
    )
    for offset in (0, 2):
        steps = replace(CORRECT, backward_weights=_weights_off_by(offset))
        yield Mistake("weights one layer off", HIDDEN, ("BP2",), description, steps)
    description = "dC/da is propagated back with {backward_weights} before it is multiplied by sigma'(z); propagate delta instead"
    from_hidden = in_layers(range(problem.last), _propagated_g, CORRECT.propagated)
    for propagated in (_propagated_g, from_hidden):  # the second propagates a - y, which is delta, from the output
        steps = replace(CORRECT, propagated=propagated)
        yield Mistake("dC/da sent back instead of delta", HIDDEN, ("BP2",), description, steps)


def _propagated_g(problem: RandomProblem, layer: int, g: Array, delta: Array) -> Array:
    return g


def _weights_off_by(offset: int) -> ArrayStep:
    return lambda problem, layer: problem.weights[(layer + offset) % len(problem.weights)]


def _layer_input_mistakes(problem: RandomProblem) -> Iterator[Mistake]:
    other_layer = (
        "nabla_w is computed with another layer's activations; layer l has the input activations[l], and activations[0] is x"
    )
    transposed = "nabla_w has shape (n_in, n_out), with rows and columns exchanged"
    for where, layers in _places(problem):
        for offset in (1, -1):
            steps = replace(CORRECT, layer_input=in_layers(layers, _input_off_by(offset), CORRECT.layer_input))
            yield Mistake("activation one layer off", where, ("BP4",), other_layer, steps)
        steps = replace(CORRECT, nabla_w=in_layers(layers, _transposed_nabla_w, CORRECT.nabla_w))
        yield Mistake("nabla_w transposed", where, ("BP4",), transposed, steps)


def _input_off_by(offset: int) -> ArrayStep:
    return lambda problem, layer: problem.forward.activations[(layer + offset) % len(problem.forward.activations)]


def _transposed_nabla_w(problem: RandomProblem, layer: int, delta: Array, a_prev: Array) -> Array:
    return a_prev.T @ delta


# Sums over the batch


def _batch_mistakes(problem: RandomProblem) -> Iterator[Mistake]:
    m = problem.m
    for which, rows in (("first", slice(0, 1)), ("last", slice(-1, None))):
        description = f"only the {which} example of the batch is used; the gradient is the sum over all"
        wrong = _nabla_b_of_rows(rows), _nabla_w_of_rows(rows)
        yield from _in_each_list("batch not summed", description, *wrong, ("BP3", "BP4"), needs_batch=True)
    for mean, other, factors in (("nabla_b", "nabla_w", (1 / m, 1)), ("nabla_w", "nabla_b", (1, 1 / m))):
        steps = replace(CORRECT, nabla_b=_scaled_nabla_b(factors[0]), nabla_w=_scaled_nabla_w(factors[1]))
        description = f"{mean} is a mean over the batch, but {other} is a sum"
        where, equations = f"in {mean}", ("BP3", "BP4")
        yield Mistake("a mean beside a sum", where, equations, description, steps, needs_batch=True, fixes_reduction=True)
    steps = replace(CORRECT, nabla_b=_scaled_nabla_b(1 / m**2), nabla_w=_scaled_nabla_w(1 / m**2))
    name, description = "divided by m twice", "the sums are divided by m twice"
    yield Mistake(name, EVERYWHERE, ("BP3", "BP4"), description, steps, needs_batch=True, fixes_reduction=True)


def _bias_mistakes(problem: RandomProblem) -> Iterator[Mistake]:
    description = "nabla_b is a single number, summed over the units as well, but each unit has a bias of its own"
    for where, layers in _places(problem):
        steps = replace(CORRECT, nabla_b=in_layers(layers, _single_number, CORRECT.nabla_b))
        yield Mistake("nabla_b is one number", where, ("BP3",), description, steps)
    description = "nabla_b is summed from nabla_w, which contains the layer's input as a factor; it is the sum of delta alone"
    yield Mistake("nabla_b summed from nabla_w", EVERYWHERE, ("BP3",), description, replace(CORRECT, nabla_b=_sum_of_nabla_w))


def _single_number(problem: RandomProblem, layer: int, delta: Array) -> Array:
    return np.full(delta.shape[1], delta.sum())


def _sum_of_nabla_w(problem: RandomProblem, layer: int, delta: Array) -> Array:
    return (delta.T @ problem.forward.activations[layer]).sum(axis=1)


# Factors


def _factor_mistakes(problem: RandomProblem) -> Iterator[Mistake]:
    n_out = problem.biases[-1].size
    for name, description, factor in (
        ("sign", "the sign is wrong: y - a instead of a - y, or one minus too many", -1.0),
        ("factor 2", "everything is 2 times too large: the 2 of the square's derivative is not cancelled by the cost's 1/2", 2.0),
        ("factor 2", "everything is half as large as it should be", 0.5),
        (
            "1/n_out",
            "the cost is a mean over the outputs, but like's is a sum over them (or m is x.size or y.size)",
            1 / n_out,
        ),
        ("2/n_out", "the cost is the mean square over the outputs, but like's is a sum over them with its own factor", 2 / n_out),
    ):
        if factor != 1:
            in_one_list = description.replace("everything is", "it is")
            wrong = _scaled_nabla_b(factor), _scaled_nabla_w(factor)
            yield from _in_each_list(name, in_one_list, *wrong, ("BP1",), in_both=description)


# Omissions


def _omissions(problem: RandomProblem) -> Iterator[Mistake]:
    for where, layers in _places(problem):
        without_biases = partial(RandomProblem.without_biases, layers=layers)
        description = "feedforward does not add the biases"
        yield Mistake("bias forgotten", where, ("N10",), description, change_problem=without_biases)
    for name, description, equation, steps in (
        ("nabla_b is zero", "nabla_b was never computed", "BP3", replace(CORRECT, nabla_b=_scaled_nabla_b(0.0))),
        ("nabla_w is zero", "nabla_w was never computed", "BP4", replace(CORRECT, nabla_w=_scaled_nabla_w(0.0))),
    ):
        yield Mistake(name, EVERYWHERE, (equation,), description, steps)
    if problem.last:
        steps = replace(
            CORRECT,
            nabla_b=in_layers(range(1), _scaled_nabla_b(0.0), CORRECT.nabla_b),
            nabla_w=in_layers(range(1), _scaled_nabla_w(0.0), CORRECT.nabla_w),
        )
        loop = "for l in reversed(range(len(weights) - 1)):"
        description = "the loop over the layers ends before the first layer, whose gradient stays 0"
        yield Mistake("first layer left out", "in the first layer", ("BP2",), description, steps, preceding_lines=(loop,))


def _in_each_list(
    name: str,
    description: str,
    nabla_b: NablaBStep,
    nabla_w: NablaWStep,
    equations: tuple[str, ...],
    *,
    needs_batch: bool = False,
    in_both: str = "",
) -> Iterator[Mistake]:
    """Yield a mistake in both lists, in nabla_b alone, and in nabla_w alone; ``in_both`` describes the first differently."""
    both = replace(CORRECT, nabla_b=nabla_b, nabla_w=nabla_w)
    yield Mistake(name, EVERYWHERE, equations, in_both or description, both, needs_batch)
    yield Mistake(name, "in nabla_b alone", ("BP3",), description, replace(CORRECT, nabla_b=nabla_b), needs_batch)
    yield Mistake(name, "in nabla_w alone", ("BP4",), description, replace(CORRECT, nabla_w=nabla_w), needs_batch)


def _scaled_nabla_b(factor: float) -> NablaBStep:
    return lambda problem, layer, delta: factor * delta.sum(axis=0)


def _scaled_nabla_w(factor: float) -> NablaWStep:
    return lambda problem, layer, delta, a_prev: factor * (delta.T @ a_prev)


def _nabla_b_of_rows(rows: slice) -> NablaBStep:
    return lambda problem, layer, delta: delta[rows].sum(axis=0)


def _nabla_w_of_rows(rows: slice) -> NablaWStep:
    return lambda problem, layer, delta, a_prev: delta[rows].T @ a_prev[rows]
