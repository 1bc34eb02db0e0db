"""Numbers as features: the scale, the clip and the bins follow their equations, for every finite column."""

import math
from fractions import Fraction

import numpy as np
import pytest
from drawn import repeatable
from hypothesis import given
from hypothesis import strategies as st

from chainrule.calculus.input_features import Bins, piecewise_linear, smooth_clip
from chainrule.errors import DataError
from chainrule.tables import number_features
from chainrule.tables.column import Column
from chainrule.tables.number_features import (
    CLIP,
    FARTHEST,
    SMALLEST_HALF_WIDTH,
    STEEPEST,
    choose_edges,
    clip_smoothly,
    robust_scale,
    sample_for_edges,
    scale_halves,
    scaled_bins,
    write_bins,
)
from chainrule.tables.preprocessing import Preprocessing
from chainrule.tables.table import Table

RNG = np.random.default_rng(0)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SIZES = [1e-280, 1e-30, 1.0, 1e30, 1e300]


def naive_quantile(values, share):
    """The quantile with linear interpolation between the ordered values, in exact fractions."""
    ordered = sorted(map(Fraction, values))
    place = Fraction(share) * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def naive_scale(values):
    """The median and s = 1 / (q75 - q25), or 2 / (max - min), or 0, in exact fractions."""
    lower, middle, upper = (naive_quantile(values, share) for share in (0.25, 0.5, 0.75))
    least = 2 * Fraction(SMALLEST_HALF_WIDTH)
    if upper - lower >= least:
        return middle, 1 / (upper - lower)
    span = Fraction(max(values)) - Fraction(min(values))
    return middle, 2 / span if span >= least else Fraction(0)


def naive_scaled(x, median, scale):
    """Z = s (x - median), then z / sqrt(1 + (z/3)^2)."""
    z = Fraction(scale) * (Fraction(x) - Fraction(median))
    if abs(z) > 10**12:
        return 3.0 if z > 0 else -3.0
    return float(z) / math.sqrt(1 + float(z / 3) ** 2)


def naive_bins(x, rule, rounding):
    """e_t = clip((x - b_(t-1)) / (b_t - b_(t-1)), 0, 1) in exact fractions; numbers within 1e37, moved by float32's rounding."""
    scaled = (Fraction(rule.scale) * (Fraction(number) - Fraction(rule.median)) for number in (x, *rule.edges))
    z, *edges = (min(max(number, -Fraction(FARTHEST)), Fraction(FARTHEST)) for number in scaled)
    features = []
    for low, high in zip(edges, edges[1:], strict=False):
        moved = rounding * (abs(z) + abs(low)) * Fraction(2**-23) + rounding / Fraction(STEEPEST)
        features.append(float(min(max((z + moved - low) / max(high - low, 1 / Fraction(STEEPEST)), 0), 1)))
    return features


def prepared(values, y=None, *, new=None):
    """The one rule for a column, and its features by kind of feature: scaled, missing, bins."""
    preprocessing = Preprocessing.fit(Table([Column("x", "number", np.array(values, float))]), y)
    features = preprocessing.apply(Table([Column("x", "number", np.array(values if new is None else new, float))]))
    rule = preprocessing.columns[0].rules[0][1]
    scaled = features[:, : rule.scale > 0]
    return rule, scaled, features[:, scaled.shape[1] :][:, : rule.missing], features[:, features.shape[1] - rule.bins :]


@repeatable(200)
@given(st.lists(FINITE, min_size=2, max_size=30))
def test_the_scale_is_that_of_exact_fractions(values):
    """The median and the scale are those that exact fractions give, for any finite values."""
    median, scale = robust_scale(np.array(values))
    expected_median, expected_scale = naive_scale(values)
    span = max(values) / 2 - min(values) / 2
    assert abs(median / 2 - float(expected_median / 2)) <= 1e-14 * max(span, abs(median))
    # the difference of the quartiles is rounded in units of the largest value
    if expected_scale and float(1 / expected_scale / 2) > 1e-12 * max(map(abs, values)):
        assert math.isclose(scale, float(expected_scale), rel_tol=1e-2)


@repeatable(200)
@given(
    st.lists(FINITE, min_size=3, max_size=30), st.lists(FINITE | st.just(math.nan), min_size=1, max_size=5), st.integers(0, 2**32)
)
def test_features_follow_their_equations(values, new, seed):
    """The scaled value is that of its equation, the bins are of a scaled value rounded to float32, for any finite values."""
    if len(set(values)) < 2 or max(values) / 2 - min(values) / 2 < SMALLEST_HALF_WIDTH:
        return
    y = np.random.default_rng(seed).integers(0, 2, len(values))
    rule, scaled, _, bins = prepared(values, y, new=new)
    for row, x in enumerate(new):
        value = rule.median if math.isnan(x) else x
        assert math.isclose(scaled[row, 0], naive_scaled(value, rule.median, rule.scale), rel_tol=1e-6, abs_tol=1e-6)
        below, above = (naive_bins(value, rule, rounding) for rounding in (-1, 1))
        assert (bins[row] >= np.array(below) - 1e-6).all()
        assert (bins[row] <= np.array(above) + 1e-6).all()


@pytest.mark.parametrize("size", SIZES)
def test_columns_of_any_size_have_the_same_features(size):
    """A column times a factor has the features that it has without it."""
    values, y = RNG.normal(size=300), RNG.integers(0, 2, 300)
    for one, other in zip(prepared(values * size, y)[1:], prepared(values, y)[1:], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_integers_beyond_float32_stay_apart():
    """Integers that float32 would round to one value have different features."""
    values = 2.0**40 + np.arange(50)
    _, scaled, _, bins = prepared(values, np.arange(50) % 2)
    assert (np.diff(scaled[:, 0]) > 0).all()
    assert (np.diff(bins.sum(axis=1)) > 0).all()


def test_an_outlier_is_clipped_smoothly():
    """A value of 1e300 among small ones is 3, as far as the clip goes, and the small ones keep their scale."""
    rule, scaled, _, _ = prepared([*RNG.normal(size=99), 1e300])
    assert scaled[-1, 0] == 3
    assert rule.scale == pytest.approx(0.75, rel=0.3)


@pytest.mark.parametrize("seed", range(3))
def test_edges_are_where_the_target_changes(seed):
    """The tree puts edges where the classes change, also in a column of mostly zeros, where quantiles would be equal."""
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(2000) < 0.8, 0.0, rng.uniform(1, 10, 2000))
    y = (values > 3).astype(int) + 2 * (values > 7)
    edges = choose_edges(sample_for_edges(values), y, classes=True)
    assert edges[0] == 0
    assert edges[-1] == values.max()
    for change in (3, 7):
        below, above = values[values <= change].max(), values[values > change].min()
        assert ((edges >= below) & (edges <= above)).any()


def test_edges_follow_values_to_predict():
    """Edges are chosen for values as for classes: where a step function of the column steps."""
    values = RNG.uniform(0, 1, 3000)
    edges = choose_edges(sample_for_edges(values), np.where(values > 0.4, 5.0, 1.0), classes=False)
    assert np.abs(edges - 0.4).min() < 0.01


def test_edges_without_targets_are_quantiles():
    """Without targets each bin holds about as many rows."""
    values = RNG.exponential(size=1600)
    edges = choose_edges(sample_for_edges(values), None, classes=False)
    assert len(edges) == 17
    counts, _ = np.histogram(values, edges)
    assert counts.min() >= 98
    assert counts.max() <= 102


def test_a_sample_has_rows_with_values_and_the_extremes_of_all(monkeypatch):
    """The values for the edges are some of those that are no gaps, at their rows; the first and last edge are the column's."""
    monkeypatch.setattr(number_features, "ROWS_FOR_EDGES", 100)
    data = np.random.default_rng(0).permutation(np.arange(1000.0))
    data[data % 3 == 1] = np.nan
    sample = sample_for_edges(data)
    assert len(sample.rows) == len(set(sample.rows.tolist())) == 100
    assert np.array_equal(data[sample.rows], sample.values)
    assert (sample.values.min(), sample.values.max()) != (0, 999)
    edges = choose_edges(sample, None, classes=False)
    assert (edges[0], edges[-1]) == (0, 999)


@repeatable(100)
@given(st.lists(st.integers(-3, 3) | FINITE, min_size=1, max_size=60), st.booleans(), st.integers(0, 20))
def test_edges_ascend_within_the_column(values, with_targets, bins):
    """Edges ascend from the least to the greatest value, make at most ``bins`` bins, and are none or at least 3."""
    values = np.array(values, float)
    y = np.arange(len(values)) % 3 if with_targets else None
    edges = choose_edges(sample_for_edges(values), y, classes=True, bins=bins)
    assert len(edges) == 0 or 3 <= len(edges) <= bins + 1
    if len(edges):
        assert edges[0] == values.min()
        assert 0 <= values.max() / 2 - edges[-1] / 2 < SMALLEST_HALF_WIDTH
        assert (np.diff(edges / 2) >= SMALLEST_HALF_WIDTH).all()
        lower, slope = scaled_bins(edges, *robust_scale(values))
        assert (np.diff(lower) >= 0).all()
        assert (slope > 0).all()
        assert (slope <= STEEPEST).all()


def test_two_values_need_no_bins():
    """A number of two values has no bins: one bin would repeat the scaled value."""
    assert prepared([0, 1] * 50, np.arange(100) % 2)[0].bins == 0


def test_gaps_become_the_median_with_a_feature_of_their_own():
    """A gap has the features of the median, and the feature that tells gaps; where training had none it has no such feature."""
    rule, scaled, missing, bins = prepared([1, 2, math.nan, 4, 8], new=[math.nan, 3])
    assert rule.median == 3
    assert missing[:, 0].tolist() == [1, 0]
    assert scaled[0] == scaled[1] == 0
    assert np.array_equal(bins[0], bins[1])
    assert prepared([1, 2, 4, 8], new=[math.nan])[2].shape == (1, 0)


def test_infinity_is_refused():
    """An infinite number is refused with its column and row, in training and later."""
    table = Table([Column("x", "number", np.array([1.0, 2.0, -np.inf]))])
    for act in (Preprocessing.fit, Preprocessing.fit(Table([Column("x", "number", np.arange(3.0))])).apply):
        with pytest.raises(DataError, match="column 'x' holds -inf in row 3"):
            act(table)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_writers_features_are_those_of_the_calculus_to_the_bit(dtype):
    """The clip and the bins that are written in place have the bits of the calculus, also far beyond the limit and the edges."""
    z = np.concatenate([RNG.normal(size=1000) * 10.0 ** RNG.integers(-6, 7, 1000), [0, FARTHEST, -FARTHEST]]).astype(dtype)[:, None]
    lower, slope = scaled_bins(np.array([-1e300, -2.0, 0.3, 0.31, 5.0, 1e300]), 0.3, 0.8)
    bins, found = Bins(np.array([0, 5]), lower.astype(dtype), slope.astype(dtype)), np.empty((len(z), 5), dtype)
    write_bins(np.repeat(z, 5, axis=1), bins.lower, bins.scale, found)
    with np.errstate(over="ignore"):
        assert np.array_equal(found, piecewise_linear(z, bins))
    clipped = z.copy()
    clip_smoothly(clipped)
    assert np.array_equal(clipped, smooth_clip(z, np.array([CLIP], dtype)))


def test_numbers_are_scaled_in_float64_and_stay_finite():
    """The scaled number s (x - median) is rounded once, to float32, and beyond 1e37 it is 1e37."""
    x = np.array([[2.0**40 + 1, -1e300], [1e308, 1e300]])
    out = np.empty((2, 2), np.float32)
    scale_halves(x / 2, np.array([2.0**39, 0]), np.array([2.0, 1e-270]), out)
    assert out.tolist() == [[1, np.float32(-5e29)], [np.float32(FARTHEST), np.float32(5e29)]]


def test_bins_that_float32_does_not_tell_apart_are_steps():
    """A bin whose scaled edges are nearly equal has the steepest finite slope: its feature is 0 up to the edge, and then 1."""
    lower, slope = scaled_bins(np.array([0.0, 1e-60, 1.0]), 0.0, 1.0)
    assert slope.tolist() == [STEEPEST, 1]
    found = np.empty((3, 2), np.float32)
    z = np.repeat(np.array([[-1e-30], [0.0], [1e-30]], np.float32), 2, axis=1)
    write_bins(z, lower.astype(np.float32), slope.astype(np.float32), found)
    assert found[:, 0].tolist() == [0, 0, 1]
