"""The standard normal distribution's lower tail, which ``gelu`` needs and NumPy lacks.

The tail is split into two factors, ``Phi(-x) = exp(-x^2/2) R(x)`` for ``x >= 0``, so that neither loses digits far out:

- ``R(x) = P(t) / (1 + x)`` with ``t = (x - 5) / (x + 5)``, which maps all ``x >= 0`` onto ``-1 <= t < 1``; ``P`` is one polynomial
  for all x (the form of Shepherd and Laframboise 1981);
- ``exp(-x^2/2) = exp(-h^2/2) exp(-(x - h) (x + h) / 2)``, where h is x rounded to sixteenths. The square of h is exact; the
  rounding error of ``x^2`` itself would be multiplied by ``x^2/2``, which is 700 where float64 ends.

``scripts/fit_normal_tail.py`` computes the coefficients. With 23 of them the error is below 2e-17 of R, with 12 below 4e-9.
"""

from __future__ import annotations

import numpy as np

from .._types import Array

FARTHEST = 40.0
"""``Phi(-x)`` is 0 in float64 from this x on; for every larger x the factors are computed at it."""

CENTRE = 5.0
"""The x that is mapped to ``t = 0``."""

SIXTEENTHS = 16.0

COEFFICIENTS: dict[str, tuple[float, ...]] = {
    "float32": (
        0.46151582972582809948,
        -0.091552310149702530622,
        0.031030382519504833032,
        0.010003226591956261635,
        -0.026401185067250822643,
        0.024529282457769754171,
        -0.01517064333392877949,
        0.0065503979962834686265,
        -0.0016712452422372127536,
        -0.000041049656555412349532,
        0.00016952886433966499595,
        -0.000016882042753138238152,
    ),
    "float64": (
        0.46151582985003777354,
        -0.091552281834008816523,
        0.031030368425963684284,
        0.010002352385205580347,
        -0.02640104296631887573,
        0.024536963244438640841,
        -0.015170415401999345233,
        0.0065220006566736044802,
        -0.0016760723538660875873,
        7.7916864336846611201e-6,
        0.00018233423201798504322,
        -0.000053608006942403032484,
        -9.8965730261825612692e-6,
        9.0610807192705931687e-6,
        -6.8736842908734596648e-8,
        -1.3096990549360203778e-6,
        1.2445692036248242551e-7,
        1.9849995611216478654e-7,
        -2.1841073552141384605e-8,
        -3.1705416731467835463e-8,
        3.9955406010925205467e-10,
        3.9052042921298033582e-9,
        7.2184138137944871314e-10,
    ),
}
"""Of ``P``, by dtype: the constant term first."""

PER_ROOT_2_PI = 0.3989422804014326779
"""``1 / sqrt(2 pi)``: the density is ``exp(-x^2/2)`` times this."""


def gaussian(x: Array) -> Array:
    """``exp(-x^2/2)`` for ``0 <= x <= FARTHEST``, to a few ulps."""
    h = np.rint(x * SIXTEENTHS) / SIXTEENTHS
    return np.exp(-h * h / 2) * np.exp(-(x - h) * (x + h) / 2)


def scaled_tail(x: Array) -> Array:
    """``R(x) = Phi(-x) exp(x^2/2)`` for ``0 <= x <= FARTHEST``, to a few ulps; it is ``erfcx(x / sqrt(2)) / 2``."""
    t = (x - CENTRE) / (x + CENTRE)
    p = np.zeros_like(x)
    for coefficient in reversed(COEFFICIENTS[x.dtype.name]):
        p = p * t + coefficient
    return p / (1 + x)
