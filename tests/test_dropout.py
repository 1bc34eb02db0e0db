"""Dropout's masks: a pure function of seed, step, layer, row and unit."""

import naive
import numpy as np
import pytest
from drawn import repeatable
from hypothesis import example, given
from hypothesis import strategies as st

from chainrule.calculus.dropout import STREAM, dropout_mask

WHERE = {"seed": 11, "step": 22, "layer": 1}


def test_philox_is_the_published_cipher():
    """naive.py's Philox gives the known answers published with the paper's own code."""
    ones = 2**64 - 1
    assert naive.philox((0, 0, 0, 0), (0, 0)) == (
        0x16554D9ECA36314C,
        0xDB20FE9D672D0FDC,
        0xD7E772CEE186176B,
        0x7E68B68AEC7BA23B,
    )
    assert naive.philox((ones, ones, ones, ones), (ones, ones)) == (
        0x87B092C3013FE90B,
        0x438C3C67BE8D0224,
        0x9CC7D7C69CD777B6,
        0xA09CAEBF594F0BA0,
    )


@repeatable(max_examples=60)
@given(
    rows=st.integers(0, 4),
    units=st.integers(1, 19),
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


def test_stream_is_the_word_dropout():
    """The key's second word spells its use."""
    assert STREAM == naive.DROPOUT_STREAM


def test_dropped_below_p_alone():
    """A unit is dropped when its draw, as a fraction of 2**32, lies below ``p``, and kept when it is ``p`` itself."""
    draw = naive.dropout_draw(11, 22, 1, 0, 4, 6)
    at, above = (dropout_mask((1, 6), number / 2**32, **WHERE) for number in (draw, draw + 1))
    assert at[0, 4] > 0
    assert above[0, 4] == 0


@pytest.mark.parametrize("units", [1, 8, 9, 30])
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
    """Of many units ``1 - p`` are kept, in every column and row alike, and the mean of the mask is 1."""
    mask = dropout_mask((500, 400), p, **WHERE)
    kept = mask > 0
    spread = np.sqrt(p * (1 - p))
    assert abs(kept.mean() - (1 - p)) < 5 * spread / np.sqrt(mask.size)
    assert np.abs(kept.mean(axis=0) - (1 - p)).max() < 5 * spread / np.sqrt(500)
    assert np.abs(kept.mean(axis=1) - (1 - p)).max() < 5 * spread / np.sqrt(400)
    assert set(np.unique(mask)) == {0, 1 / (1 - p)}
    assert mask.mean() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("p", [0.0, 2**-34, 0.5, 1 - 2**-32, np.nextafter(1, 0)])
def test_extreme_probabilities(p, dtype):
    """With ``p`` at 0 or too small for 32 bits all is kept; near 1 it drops all but a few in 2**32; always finite, in its dtype."""
    mask = dropout_mask((40, 50), p, **WHERE, dtype=dtype)
    assert mask.dtype == dtype
    assert np.isfinite(mask).all()
    if p < 0.1:
        np.testing.assert_allclose(mask, 1, rtol=1e-6)
    if p > 0.9:
        assert (mask == 0).all()
