"""Two classes of points in the plane, for networks whose decision boundary one can see.

Each set is drawn with ``numpy.random.default_rng(seed)``. Half of the points are of either class, their coordinates lie within
about [-1, 1], and each coordinate has normal noise of the standard deviation ``noise`` added. 70 % of the points are for training,
15 % for validation, the rest for the test.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._checks import check_float, check_int, check_seed
from .._types import Array, Indices
from ..examples import Examples
from .dataset import Dataset

LEAST_POINTS, MOST_POINTS = 20, 1_000_000
SPLIT_FRACTIONS = (0.7, 0.15)
"""Of the points: for training, and for validation."""

INNER_RADIUS, OUTER_RADIUS = 0.4, 0.8

Shape = Callable[[Indices, np.random.Generator], Array]
"""Draws a point (n, 2) for each class (n,), without noise."""


def circles(n: int = 1000, noise: float = 0.05, seed: int = 0) -> Dataset:
    """Two circles around the origin: class 0 at the radius 0.8, class 1 at the radius 0.4.

    ``(x1, x2) = r (cos t, sin t)`` with t uniform in [0, 2 pi).

    Parameters
    ----------
    n : int
        The points of all three parts together, from 20 to 1,000,000.
    noise : float
        The standard deviation of the noise, at least 0.
    seed : int

    Returns
    -------
    Dataset
        Each ``x`` (n, 2) is float64, each ``y`` (n,) is int, 0 or 1.

    Raises
    ------
    SettingError
        When n, noise or seed is out of its range.

    Examples
    --------
    >>> circles()
    Dataset(circles: 700 train, 150 validation, 150 test; 2 columns of float64, labels 0..1)
    """
    return _draw("circles", _circles, n, noise, seed)


def spiral(n: int = 1000, noise: float = 0.02, seed: int = 0) -> Dataset:
    """Two arms of a spiral, each of one and a half turns; that of class 1 is turned by pi.

    ``(x1, x2) = r (cos t, sin t)`` with r uniform in [0.1, 0.9] and ``t = 3 pi (r - 0.1) / 0.8 + pi class``.

    Parameters
    ----------
    n : int
        The points of all three parts together, from 20 to 1,000,000.
    noise : float
        The standard deviation of the noise, at least 0.
    seed : int

    Returns
    -------
    Dataset
        Each ``x`` (n, 2) is float64, each ``y`` (n,) is int, 0 or 1.

    Raises
    ------
    SettingError
        When n, noise or seed is out of its range.

    Examples
    --------
    >>> spiral(n=200)
    Dataset(spiral: 140 train, 30 validation, 30 test; 2 columns of float64, labels 0..1)
    """
    return _draw("spiral", _spiral, n, noise, seed)


def xor(n: int = 1000, noise: float = 0.02, seed: int = 0) -> Dataset:
    """The exclusive or of two signs: class 1 where one of the coordinates is negative, class 0 where both are or none is.

    x1 is uniform in [-1, 1], and x2 too, with the sign that the class asks for.

    Parameters
    ----------
    n : int
        The points of all three parts together, from 20 to 1,000,000.
    noise : float
        The standard deviation of the noise, at least 0; it moves some points over an axis.
    seed : int

    Returns
    -------
    Dataset
        Each ``x`` (n, 2) is float64, each ``y`` (n,) is int, 0 or 1.

    Raises
    ------
    SettingError
        When n, noise or seed is out of its range.

    Examples
    --------
    >>> part = xor(noise=0).train
    >>> bool(np.array_equal(part.y == 1, part.x.prod(axis=1) < 0))
    True
    """
    return _draw("xor", _xor, n, noise, seed)


def moons(n: int = 1000, noise: float = 0.05, seed: int = 0) -> Dataset:
    """Two half circles that reach into each other: class 0 is open at the bottom, class 1 at the top.

    With t uniform in [0, pi], class 0 is ``(cos t, sin t)`` and class 1 ``(1 - cos t, 1/2 - sin t)``; both are moved by
    (-1/2, -1/4) and divided by 3/2.

    Parameters
    ----------
    n : int
        The points of all three parts together, from 20 to 1,000,000.
    noise : float
        The standard deviation of the noise, at least 0.
    seed : int

    Returns
    -------
    Dataset
        Each ``x`` (n, 2) is float64, each ``y`` (n,) is int, 0 or 1.

    Raises
    ------
    SettingError
        When n, noise or seed is out of its range.

    Examples
    --------
    >>> moons(seed=1)
    Dataset(moons: 700 train, 150 validation, 150 test; 2 columns of float64, labels 0..1)
    """
    return _draw("moons", _moons, n, noise, seed)


def _draw(name: str, shape: Shape, n: int, noise: float, seed: int) -> Dataset:
    """Draw the points of a shape, add the noise, and split them."""
    n = check_int("n", n, least=LEAST_POINTS, most=MOST_POINTS)
    noise, seed = check_float("noise", noise, least=0), check_seed("seed", seed)
    rng = np.random.default_rng(seed)
    classes = np.arange(n) % 2
    x = shape(classes, rng)
    x += noise * rng.standard_normal((n, 2))
    return Dataset(name, *Examples(x, classes).split(*SPLIT_FRACTIONS, seed=seed))


def _circles(classes: Indices, rng: np.random.Generator) -> Array:
    radii = np.where(classes == 1, INNER_RADIUS, OUTER_RADIUS)
    return _from_polar(radii, 2 * np.pi * rng.random(len(classes)))


def _spiral(classes: Indices, rng: np.random.Generator) -> Array:
    along = rng.random(len(classes))
    return _from_polar(0.1 + 0.8 * along, np.pi * (3 * along + classes))


def _xor(classes: Indices, rng: np.random.Generator) -> Array:
    x1, x2 = rng.uniform(-1, 1, len(classes)), rng.random(len(classes))
    return np.column_stack([x1, np.where(classes == 1, -1, 1) * np.sign(x1) * x2])


def _moons(classes: Indices, rng: np.random.Generator) -> Array:
    t = np.pi * rng.random(len(classes))
    upper = np.column_stack([np.cos(t), np.sin(t)])
    lower = np.column_stack([1 - np.cos(t), 0.5 - np.sin(t)])
    return (np.where(classes[:, None] == 1, lower, upper) - [0.5, 0.25]) / 1.5


def _from_polar(radii: Array, angles: Array) -> Array:
    """Give the points (n, 2) at these radii and angles."""
    return np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])


PLANE_SETS: dict[str, Callable[..., Dataset]] = {"circles": circles, "spiral": spiral, "xor": xor, "moons": moons}
"""Each set of points in the plane by its name."""
