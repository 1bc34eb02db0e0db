"""Pages 3-4: cut into mini-batches, count the steps (N11), take one (N12)."""

import naive
import numpy as np
import pytest
from drawn import central_difference, largest_error, read_only, repeatable
from hypothesis import given
from hypothesis import strategies as st

from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.backprop import Gradient, backprop
from chainrule.calculus.costs import COSTS
from chainrule.calculus.descent import (
    Parameters,
    clip_by_norm,
    mini_batches,
    number_of_steps,
    penalized,
    steps_per_epoch,
    update_mini_batch,
)
from chainrule.calculus.feedforward import feedforward
from chainrule.calculus.optimizers import OPTIMIZERS, SGD, Adam, AdamW

SHAPES = [(3, 4), (2, 3)]


def test_steps_of_the_notes():
    """500 batches and 10 epochs are 5,000 steps (N11); 50,000 images in tens are 5,000 an epoch."""
    assert steps_per_epoch(50_000, 100) == 500
    assert number_of_steps(50_000, 100, 10) == 5_000
    assert number_of_steps(50_000, 10, 30) == 150_000
    assert number_of_steps(50_000, 10, 0) == number_of_steps(0, 10, 5) == 0


@repeatable(max_examples=100)
@given(n=st.integers(0, 200), size=st.integers(1, 250), epochs=st.integers(0, 4))
def test_mini_batches_cut_an_order(n, size, epochs):
    """Mini-batches are the order, cut from its start; all are full but the last, and their number is that of N11."""
    order = np.random.default_rng(n).permutation(n)
    read_only(order)
    batches = list(mini_batches(order, size))
    assert [*np.concatenate([[], *batches])] == [*order]
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(1 <= len(batch) <= size for batch in batches[-1:])
    assert len(batches) == steps_per_epoch(n, size)
    assert number_of_steps(n, size, epochs) == len(batches) * epochs


def drawn(optimizer=None, seed=0, dtype="float64"):
    """Draw parameters with slots in use, and a gradient for them; all read-only."""
    optimizer, rng = optimizer or SGD(), np.random.default_rng(seed)

    def some(shapes, draw=rng.standard_normal):
        arrays = [draw(shape).astype(dtype) for shape in shapes]
        read_only(*arrays)
        return arrays

    columns = [(n_out,) for n_out, _ in SHAPES]
    slots = [tuple(some([shape] * len(optimizer.slots), rng.random)) for shape in (*SHAPES, *columns)]
    return Parameters(some(SHAPES), some(columns), slots), Gradient(some(columns), some(SHAPES))


def everything(parameters):
    """All arrays of some parameters, in one list."""
    return [*parameters.weights, *parameters.biases, *(slot for kept in parameters.slots for slot in kept)]


@pytest.mark.parametrize("settings", [{}, {"clip": 1e9}, {"l2": 1e-30}], ids=repr)
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov"])
def test_short_batches_share_one_velocity(optimizer, settings):
    """Over batches of different sizes momentum is that of the mean gradients, whether the rate is divided or the gradient."""
    rule = OPTIMIZERS[optimizer]
    parameters, _ = drawn(rule)
    w, slots = parameters.weights[0], parameters.slots[0]
    for t, m in enumerate((10, 10, 3), start=1):
        _, gradient = drawn(seed=t)
        parameters = update_mini_batch(parameters, gradient, rule, 0.5, m, t=t, **settings)
        w, slots = rule.step(w, gradient.nabla_w[0] / m, slots, 0.5, t)
        np.testing.assert_allclose([parameters.weights[0], *parameters.slots[0]], [w, *slots], rtol=1e-12)


@pytest.mark.parametrize("m", [1, 10, 2.5])
def test_plain_step_is_the_notes(m):
    """A plain step subtracts the gradient's sums, multiplied by ``eta / m`` (N12), from weights and biases alike."""
    parameters, gradient = drawn()
    stepped = update_mini_batch(parameters, gradient, SGD(), 3.0, m)
    for new, w, g in zip(stepped.weights, parameters.weights, gradient.nabla_w, strict=True):
        np.testing.assert_allclose(new, w - 3.0 / m * g, rtol=1e-13)
    for new, b, g in zip(stepped.biases, parameters.biases, gradient.nabla_b, strict=True):
        np.testing.assert_allclose(new, b - 3.0 / m * g, rtol=1e-13)


def naive_update(w, g, slots, eta, t, shrink):
    """One scalar's AdamW (shrunk) or Adam step with the usual settings."""
    if shrink:
        return naive.adamw(w, g, *slots, eta, t, 0.9, 0.999, 1e-8, shrink)
    return naive.adam(w, g, *slots, eta, t, 0.9, 0.999, 1e-8, "corrected")


def test_adamw_decays_weights_apart_from_the_gradient():
    """AdamW shrinks a weight by ``1 - eta weight_decay`` before Adam's step; a bias takes Adam's step alone."""
    optimizer = AdamW(weight_decay=0.3)
    parameters, gradient = drawn(optimizer)
    stepped = update_mini_batch(parameters, gradient, optimizer, 0.1, 4, t=3)
    values, news = parameters.weights + parameters.biases, stepped.weights + stepped.biases
    nablas, shrinks = gradient.nabla_w + gradient.nabla_b, [0.3, 0.3, 0.0, 0.0]
    for value, new, nabla, kept, new_kept, shrink in zip(
        values, news, nablas, parameters.slots, stepped.slots, shrinks, strict=True
    ):
        for index in np.ndindex(value.shape):
            expected = naive_update(value[index], nabla[index] / 4, [slot[index] for slot in kept], 0.1, 3, shrink)
            np.testing.assert_allclose([new[index], *(slot[index] for slot in new_kept)], expected, rtol=1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_nothing_passed_in_is_written_to(optimizer):
    """A step with everything on leaves its (read-only) arguments as they were and gives arrays of its own."""
    parameters, gradient = drawn(optimizer)
    before = [array.copy() for array in (*everything(parameters), *gradient.nabla_b, *gradient.nabla_w)]
    stepped = update_mini_batch(parameters, gradient, optimizer, 0.1, 4, t=2, l1=0.1, l2=0.2, clip=0.5)
    for array, copy in zip((*everything(parameters), *gradient.nabla_b, *gradient.nabla_w), before, strict=True):
        np.testing.assert_array_equal(array, copy)
    for new, old in zip(everything(stepped), everything(parameters), strict=True):
        assert new.shape == old.shape
        assert not np.shares_memory(new, old)
        assert not np.array_equal(new, old)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_float32_stays_float32(optimizer):
    """In float32 a step with everything on gives float32."""
    parameters, gradient = drawn(optimizer, dtype="float32")
    stepped = update_mini_batch(parameters, gradient, optimizer, 0.1, 2.5, t=2, l1=0.1, l2=0.2, clip=0.5)
    assert {array.dtype for array in everything(stepped)} == {np.dtype("float32")}


@pytest.mark.parametrize("settings", [{}, {"l1": 0.1, "l2": 0.1, "clip": 0.5}], ids=["plain", "penalized"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_batch_of_weight_0_changes_no_parameter(optimizer, settings):
    """A batch whose examples all weigh 0 leaves parameters and slots as they are, for every optimizer's state."""
    parameters, _ = drawn(optimizer)
    nothing = Gradient([np.zeros_like(b) for b in parameters.biases], [np.zeros_like(w) for w in parameters.weights])
    stepped = update_mini_batch(parameters, nothing, optimizer, 0.1, 0.0, t=5, **settings)
    for new, old in zip(everything(stepped), everything(parameters), strict=True):
        np.testing.assert_array_equal(new, old)


@repeatable(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.05, 3))
def test_clipping_shortens_all_together(seed, share):
    """A gradient longer than the bound is shortened to it, all entries by one factor; a shorter one is left alone."""
    _, gradient = drawn(seed=seed)
    length = naive.norm(*gradient)
    shortened = clip_by_norm(gradient, share * length)
    expected = naive.clipped(*gradient, share * length)
    for found, slow in zip([*shortened.nabla_b, *shortened.nabla_w], [*expected[0], *expected[1]], strict=True):
        np.testing.assert_allclose(found, slow, rtol=1e-13)
    assert naive.norm(*shortened) == pytest.approx(min(share, 1) * length, rel=1e-12)
    if share > 1:
        assert shortened is gradient


def test_clipping_computes_norms_whose_squares_overflow_float32():
    """A float32 gradient whose squares are beyond float32 is shortened to the bound, not to 0."""
    gradient = Gradient([np.full(2, 1e20, np.float32)], [np.full((2, 3), -1e20, np.float32)])
    shortened = clip_by_norm(gradient, 0.5)
    assert naive.norm(*shortened) == pytest.approx(0.5, rel=1e-6)
    assert shortened.nabla_w[0].dtype == np.float32


def test_clipping_stands_before_the_penalties():
    """The mean gradient is clipped, and the penalties are added to the result, for weights alone."""
    parameters, gradient = drawn()
    mean_b, mean_w = ([part / 4 for part in parts] for parts in gradient)
    short_b, short_w = naive.clipped(mean_b, mean_w, 0.1)
    stepped = update_mini_batch(parameters, gradient, SGD(), 0.5, 4, l1=0.3, l2=0.2, clip=0.1)
    for layer, (w, b) in enumerate(zip(parameters.weights, parameters.biases, strict=True)):
        for j in range(len(b)):
            assert stepped.biases[layer][j] == pytest.approx(naive.sgd(b[j], short_b[layer][j], 0.5), rel=1e-12)
            for k in range(w.shape[1]):
                g = short_w[layer][j][k] + naive.l1_gradient(w[j, k], 0.3) + naive.l2_gradient(w[j, k], 0.2)
                assert stepped.weights[layer][j, k] == pytest.approx(naive.sgd(w[j, k], g, 0.5), rel=1e-12)


def test_l1_at_0():
    """At a weight of exactly 0 the L1 penalty pulls nowhere."""
    w = np.array([[0.0, -2.0, 3.0]])
    assert penalized(np.zeros((1, 3)), w, 0.5, 0.0).tolist() == [[0.0, -0.5, 0.5]]
    g = np.ones((1, 3))
    assert penalized(g, w, 0.0, 0.0) is g


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.3), (0.2, 0.0), (0.2, 0.3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_penalties_are_the_slope_of_the_penalized_mean_cost(l1, l2, weighted):
    """A plain step goes down the slope of mean cost + ``l1 sum |w|`` + ``(l2/2) sum w^2``, biases free of the penalty."""
    parameters, _ = drawn(seed=5)
    rng = np.random.default_rng(6)
    x, y, sigmas, cost = (
        rng.standard_normal((5, 4)),
        rng.random((5, 2)),
        [ACTIVATIONS["tanh"], ACTIVATIONS["sigmoid"]],
        COSTS["quadratic"],
    )
    times = rng.random(5) if weighted else np.ones(5)

    def penalized_cost(at):
        mean = times @ cost.value(feedforward(at[:2], at[2:], sigmas, x), y) / times.sum()
        return mean + naive.penalty(at[:2], l1, l2)

    slopes = central_difference(penalized_cost, [*parameters.weights, *parameters.biases])
    _, gradient = backprop(parameters.weights, parameters.biases, sigmas, cost, x, y, times if weighted else None)
    stepped = update_mini_batch(parameters, gradient, SGD(), 1.0, float(times.sum()), l1=l1, l2=l2)
    for new, old, slope in zip(everything(stepped), everything(parameters), slopes, strict=True):
        assert largest_error(old - new, slope) < 1e-7


def test_lmbda_of_the_book():
    """With ``l2 = lmbda / n`` a plain step is the book's: ``(1 - eta lmbda / n) w - (eta / m) nabla_w``."""
    parameters, gradient = drawn()
    eta, lmbda, n, m = 0.5, 5.0, 50_000, 10
    stepped = update_mini_batch(parameters, gradient, SGD(), eta, m, l2=lmbda / n)
    for new, w, g in zip(stepped.weights, parameters.weights, gradient.nabla_w, strict=True):
        np.testing.assert_allclose(new, (1 - eta * lmbda / n) * w - eta / m * g, rtol=1e-13)


def test_t_counts_the_updates():
    """``t`` reaches the rule: Adam's first steps are corrected, its later ones hardly."""
    parameters, gradient = drawn(Adam())
    for t in (1, 1000):
        stepped = update_mini_batch(parameters, gradient, Adam(), 0.1, 2, t=t)
        expected, _ = Adam().step(parameters.weights[0], gradient.nabla_w[0] / 2, parameters.slots[0], 0.1, t)
        np.testing.assert_allclose(stepped.weights[0], expected, rtol=1e-14)


def test_steps_lower_the_cost():
    """Some hundred steps of the notes' own rule bring a small network's cost down to nearly nothing."""
    x, y = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
    rng = np.random.default_rng(0)
    weights, biases = [rng.standard_normal((8, 2)), rng.standard_normal((1, 8))], [rng.standard_normal(8), np.zeros(1)]
    parameters = Parameters(weights, biases, [()] * 4)
    sigmas, cost = [ACTIVATIONS["tanh"], ACTIVATIONS["sigmoid"]], COSTS["cross_entropy"]
    for _ in range(300):
        a, gradient = backprop(parameters.weights, parameters.biases, sigmas, cost, x, y)
        parameters = update_mini_batch(parameters, gradient, SGD(), 1.0, 4)
    assert cost.value(a, y).mean() < 0.02
