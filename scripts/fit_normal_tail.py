"""Fit the coefficients of ``calculus/normal_distribution.py``, and print them: ``python scripts/fit_normal_tail.py``.

``P(t) = R(x) (1 + x)`` is interpolated at Chebyshev's nodes in 50 digits, cut off, and written as a polynomial in t. The kernels
use the same coefficients. It needs mpmath.
"""

from __future__ import annotations

from mpmath import cos, erfc, exp, mp, mpf, nstr, pi, polyval, sqrt

CENTRE, FARTHEST = mpf(5), mpf(40)
NODES = 60
TERMS = {"float32": 12, "float64": 23}


def scaled_tail(x: mpf) -> mpf:
    """``R(x) = Phi(-x) exp(x^2/2)``."""
    return erfc(x / sqrt(2)) * exp(x * x / 2) / 2


def chebyshev_series(lowest: mpf, highest: mpf) -> list[mpf]:
    """Give the Chebyshev coefficients of P on ``lowest <= t <= highest``."""
    angles = [pi * (2 * j + 1) / (2 * NODES) for j in range(NODES)]
    values = []
    for angle in angles:
        t = (lowest + highest) / 2 + (highest - lowest) / 2 * cos(angle)
        x = CENTRE * (1 + t) / (1 - t)
        values.append(scaled_tail(x) * (1 + x))
    series = [
        2 / mpf(NODES) * sum(value * cos(k * angle) for value, angle in zip(values, angles, strict=True)) for k in range(NODES)
    ]
    return [series[0] / 2, *series[1:]]


def as_polynomial(series: list[mpf], lowest: mpf, highest: mpf) -> list[mpf]:
    """Write a Chebyshev series as a polynomial in t; the constant term first."""
    offset, slope = -(lowest + highest) / (highest - lowest), 2 / (highest - lowest)
    before, now = [mpf(1)], [offset, slope]
    total = [mpf(0)] * len(series)
    for weight in series:
        for power, coefficient in enumerate(before):
            total[power] += weight * coefficient
        after = [2 * (offset * c) for c in [*now, mpf(0)]]
        for power, coefficient in enumerate(now):
            after[power + 1] += 2 * slope * coefficient
        for power, coefficient in enumerate(before):
            after[power] -= coefficient
        before, now = now, after
    return total


def largest_error(polynomial: list[mpf]) -> mpf:
    """Give the largest relative error of R over a grid."""
    errors = []
    for k in range(4001):
        x = FARTHEST * k / 4000
        t = (x - CENTRE) / (x + CENTRE)
        errors.append(abs(polyval(polynomial[::-1], t) / (1 + x) / scaled_tail(x) - 1))
    return max(errors)


def main() -> None:
    """Print the coefficients for each dtype, and the error of the polynomial that they make."""
    mp.dps = 50
    lowest, highest = mpf(-1), (FARTHEST - CENTRE) / (FARTHEST + CENTRE)
    series = chebyshev_series(lowest, highest)
    for dtype, terms in TERMS.items():
        polynomial = as_polynomial(series[:terms], lowest, highest)
        print(f'    "{dtype}": (  # relative error {nstr(largest_error(polynomial), 2)}')
        for coefficient in polynomial:
            print(f"        {nstr(coefficient, 20)},")
        print("    ),")


if __name__ == "__main__":
    main()
