"""The sets of points in the plane: their formulas, their split, their noise and their limits."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.datasets.plane_sets import PLANE_SETS
from chainrule.errors import SettingError


def joined(dataset):
    """Give the points and classes of all three parts."""
    parts = (dataset.train, dataset.validation, dataset.test)
    return np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])


@pytest.mark.parametrize("name", PLANE_SETS)
def test_a_set_is_split_and_balanced(name):
    """70 % of the points are for training, 15 % for validation and for the test each; half of all points are of either class."""
    dataset = getattr(cr.datasets, name)(n=2000)
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [1400, 300, 300]
    x, y = joined(dataset)
    assert x.dtype == np.float64
    assert np.bincount(y).tolist() == [1000, 1000]
    assert np.abs(x).max() < 1.3
    assert len(np.unique(x, axis=0)) == 2000


@pytest.mark.parametrize("name", PLANE_SETS)
def test_a_set_depends_on_its_seed_alone(name):
    """The same seed draws the same points in the same order; another seed draws others."""
    first, second, other = PLANE_SETS[name](n=40), PLANE_SETS[name](n=40), PLANE_SETS[name](n=40, seed=1)
    assert np.array_equal(first.train.x, second.train.x)
    assert not np.array_equal(first.train.x, other.train.x)


@pytest.mark.parametrize("name", PLANE_SETS)
def test_the_noise_has_its_standard_deviation(name):
    """The points with noise differ from those without by normal numbers of the standard deviation that was asked for."""
    x, _ = joined(PLANE_SETS[name](n=20_000, noise=0.1))
    clean, _ = joined(PLANE_SETS[name](n=20_000, noise=0))
    difference = x - clean
    assert difference.std(axis=0) == pytest.approx([0.1, 0.1], rel=0.03)
    assert difference.mean(axis=0) == pytest.approx([0, 0], abs=0.004)


def test_circles_have_their_radii():
    """Without noise class 0 lies at the radius 0.8, class 1 at 0.4, all around the origin."""
    x, y = joined(cr.datasets.circles(noise=0))
    assert np.hypot(*x.T) == pytest.approx(np.where(y == 1, 0.4, 0.8))
    assert np.histogram(np.arctan2(x[:, 1], x[:, 0]), bins=8, range=(-np.pi, np.pi))[0].min() > 80


def test_a_spirals_arms_turn_with_the_radius():
    """Without noise the angle of a point is 3 pi times its place along the arm, and half a turn more for class 1."""
    x, y = joined(cr.datasets.spiral(noise=0))
    radius = np.hypot(*x.T)
    assert radius.min() > 0.1
    assert radius.max() < 0.9
    angle = 3 * np.pi * (radius - 0.1) / 0.8 + np.pi * y
    assert np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) == pytest.approx(x)


def test_xor_is_the_exclusive_or_of_the_signs():
    """Without noise exactly the points of class 1 have coordinates of unlike signs; every quadrant has a quarter of all."""
    x, y = joined(cr.datasets.xor(n=4000, noise=0))
    assert np.array_equal(y == 1, (x[:, 0] < 0) != (x[:, 1] < 0))
    assert np.bincount(2 * (x[:, 0] < 0) + (x[:, 1] < 0)).min() > 900


def test_moons_are_half_circles():
    """Without noise, moved back and enlarged, each class is a half circle of radius 1: one upper, one lower."""
    x, y = joined(cr.datasets.moons(noise=0))
    u, v = (1.5 * x + [0.5, 0.25]).T
    assert np.hypot(u, v)[y == 0] == pytest.approx(1)
    assert v[y == 0].min() >= 0
    assert np.hypot(u - 1, v - 0.5)[y == 1] == pytest.approx(1)
    assert v[y == 1].max() <= 0.5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n": 19}, "n must be a whole number of at least 20"),
        ({"n": 1_000_001}, "n must be at most 1,000,000"),
        ({"noise": -0.1}, "noise must be a number, at least 0"),
        ({"noise": float("nan")}, "noise must be a number"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    """A wrong setting is refused by its name and its limits."""
    with pytest.raises(SettingError, match=message):
        cr.datasets.spiral(**settings)
