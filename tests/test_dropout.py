"""Dropout's masks: a pure function of seed, step, layer, row and unit."""

import naive
import numpy as np
import pytest
from drawn import repeatable
from hypothesis import example, given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.calculus.dropout import dropout_draws, dropout_mask, philox
from chainrule.plan import Layer, Plan, State, Steps

WHERE = {"seed": 11, "step": 22, "layer": 1}


def test_philox_is_the_published_cipher():
    """Both forms of Philox4x32-7, vectorized and plain, give the known answers published with the paper's own code."""
    ones = 2**32 - 1
    answers = {
        (0, 0, 0, 0, 0, 0): (0x5F6FB709, 0x0D893F64, 0x4F121F81, 0x4F730A48),
        (ones, ones, ones, ones, ones, ones): (0x5207DDC2, 0x45165E59, 0x4D8EE751, 0x8C52F662),
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0): (0x4DFCCABA, 0x190A87F0, 0xC47362BA, 0xB6B5242A),
    }
    for (*counter, k0, k1), words in answers.items():
        assert naive.philox(counter, (k0, k1)) == words
        assert philox(np.array([counter] * 2, np.uint64), (k0, k1)).tolist() == [list(words)] * 2


@repeatable(max_examples=60)
@given(
    rows=st.integers(0, 4),
    units=st.integers(1, 35),
    p=st.floats(0, 0.99),
    seed=st.integers(0, 2**64 - 1),
    step=st.integers(0, 2**40),
    layer=st.integers(0, 9),
)
@example(rows=3, units=16, p=0.5, seed=1, step=2, layer=0)
@example(rows=2, units=9, p=0.5, seed=2**64 - 1, step=0, layer=0)
@example(rows=2, units=9, p=0.5, seed=2**63 + 1, step=2**32 + 1, layer=3)
def test_mask_is_philox_in_plain_python(rows, units, p, seed, step, layer):
    """Every entry agrees with Philox, written out in whole numbers, at its index; for all seeds below 2**64."""
    mask = dropout_mask((rows, units), p, seed=seed, step=step, layer=layer)
    assert mask.tolist() == naive.dropout_mask((rows, units), p, seed, step, layer)
    assert mask.shape == (rows, units)


def test_dropped_below_p_alone():
    """A unit is dropped when its draw, as a fraction of 2**16, lies below ``p``, and kept when it is ``p`` itself."""
    draw = naive.dropout_draw(11, 22, 1, 0, 4, 6)
    at, above = (dropout_mask((1, 6), number / 2**16, **WHERE) for number in (draw, draw + 1))
    assert at[0, 4] > 0
    assert above[0, 4] == 0


@pytest.mark.parametrize("units", [1, 8, 9, 16, 17, 30])
def test_rows_of_a_taller_mask(units):
    """A row is the same however many rows come after it, so that a short batch draws what a full one would have."""
    tall = dropout_mask((10, units), 0.5, **WHERE)
    for rows in (0, 1, 3):
        np.testing.assert_array_equal(dropout_mask((rows, units), 0.5, **WHERE), tall[:rows])


def test_a_function_of_its_place_alone():
    """Equal seed, step and layer give the same mask, others give another; global random state is not used."""
    np.random.seed(0)  # noqa: NPY002
    here = dropout_mask((20, 20), 0.5, **WHERE)
    np.random.seed(1)  # noqa: NPY002
    np.testing.assert_array_equal(dropout_mask((20, 20), 0.5, **WHERE), here)
    for name in WHERE:
        elsewhere = dropout_mask((20, 20), 0.5, **{**WHERE, name: WHERE[name] + 1})
        assert 100 < (elsewhere != here).sum() < 300
    assert 100 < (here[:10] != here[10:]).sum() * 2 < 300  # rows differ too


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_fraction_kept(p):
    """Of many units ``1 - p`` are kept, in every column and row alike; the factor of the kept ones makes the mean 1 exactly."""
    mask = dropout_mask((500, 400), p, **WHERE)
    kept = mask > 0
    spread = np.sqrt(p * (1 - p))
    assert abs(kept.mean() - (1 - p)) < 5 * spread / np.sqrt(mask.size)
    assert np.abs(kept.mean(axis=0) - (1 - p)).max() < 5 * spread / np.sqrt(500)
    assert np.abs(kept.mean(axis=1) - (1 - p)).max() < 5 * spread / np.sqrt(400)
    rounded = round(p * 2**16) / 2**16
    assert set(np.unique(mask)) == {0, 1 / (1 - rounded)}


def test_draws_are_uniform():
    """The high and the low bytes of many draws fall on each value equally often, within five deviations of chi-squared."""
    draws = dropout_draws((1000, 1000), **WHERE)
    for byte in (draws >> 8, draws & 255):
        counts = np.bincount(byte.ravel(), minlength=256)
        expected = draws.size / 256
        chi_squared = ((counts - expected) ** 2 / expected).sum()
        assert abs(chi_squared - 255) < 5 * np.sqrt(2 * 255)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_masks_of_other_places_are_independent(p):
    """A mask does not correlate with its own shifts by units or rows, nor with those of other steps, layers and seeds."""
    shape = 400, 512

    def standardized(**where):
        mask = dropout_mask(shape, p, **{**WHERE, **where})
        return (mask - 1) / np.sqrt(p / (1 - p))

    here = standardized()
    shifted = [np.roll(here, units, axis=1) for units in (1, 2, 3, 4, 8, 16, 32, 64)]
    shifted += [np.roll(here, rows, axis=0) for rows in (1, 2, 8, 64)]
    others = [
        {"step": 23},
        {"step": 22 + 2**32},
        {"layer": 0},
        {"layer": 2},
        {"seed": 10},
        {"seed": 11 + 2**32},
        {"seed": 22, "step": 11},
    ]
    for other in shifted + [standardized(**where) for where in others]:
        assert abs((here * other).mean()) < 5 / np.sqrt(here.size)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("p", [0.0, 2**-18, 0.5, 1 - 2**-18, np.nextafter(1, 0)])
def test_extreme_probabilities(p, dtype):
    """With ``p`` at 0 or too small for 16 bits all is kept; near 1 it drops all but a few in 2**16; always finite, in its dtype."""
    mask = dropout_mask((1000, 1000), p, **WHERE, dtype=dtype)
    assert mask.dtype == dtype
    assert np.isfinite(mask).all()
    if p < 0.1:
        assert (mask == 1).all()
    if p > 0.9:
        assert set(np.unique(mask)) == {0, 2**16}
        assert (mask > 0).sum() < 40


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("units", [1, 7, 8, 9, 16, 30, 130, 520])
@pytest.mark.parametrize("rows", [1, 4, 256])  # powers of 2: the step divides by their number
def test_engines_draw_the_same_mask(engine, rows, units, dtype, threads):
    """A step shows an engine's mask of the first and the second hidden layer, and each bit of it is ``dropout_mask``'s.

    Example i is the i-th unit vector, all parameters are 0 but the weights of the last layer, which are 1, and so is every delta at
    the output: the first step leaves ``-mask.T`` in the weights of the layer whose mask is drawn.
    """
    p, seed, step = 0.3, 2**63 + 5, 2**32 + 1
    for layers in (
        [Layer(rows, units, "identity", p), Layer(units, 1, "identity")],
        [Layer(rows, rows, "identity"), Layer(rows, units, "identity", p), Layer(units, 1, "identity")],
    ):
        plan = Plan(tuple(layers), cost="quadratic", batch_size=rows, dtype=dtype, seed=seed)
        weights = [np.zeros((layer.n_out, layer.n_in), dtype) for layer in layers]
        weights[-1][...] = 1
        if len(layers) == 3:
            weights[0] = np.eye(rows, dtype=dtype)
        state = State(tuple(weights), tuple(np.zeros(layer.n_out, dtype) for layer in layers), step=step)
        session = engine.open(plan, state, threads=threads)
        data = engine.prepare(cr.Examples(np.eye(rows, dtype=dtype), np.full((rows, 1), -1.0)))
        session.advance(data, np.arange(rows), Steps(np.array([float(rows)]), np.zeros(1)))
        mask = dropout_mask((rows, units), p, seed=seed, step=step, layer=len(layers) - 2, dtype=dtype)
        np.testing.assert_array_equal(session.state().weights[-2], -mask.T)
