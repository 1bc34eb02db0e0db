"""Central differences of a cost, with an automatically chosen step and an estimate of their error.

``(C(w + h) - C(w - h)) / 2h`` has a truncation error of ``|C'''| h^2 / 6`` and a rounding error of about ``eps |C| / h``. Their sum
is smallest where ``h^3 = 3 eps |C| / |C'''|``. Two differences with long steps estimate the third derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from .notation import format_number

EPSILON = 2.0**-52
LONGEST_STEP = 1e-2  # relative to the scale
SHORTEST_STEP = 1e-7
MAX_DIGITS = 15


@dataclass(frozen=True)
class CentralDifference:
    """A central difference and an estimate of its error.

    Attributes
    ----------
    slope : float
        The difference quotient.
    h : float
        The step.
    truncation_error, rounding_error : float
        Estimates of how far ``slope`` may be off because of the cost's third derivative, and because costs are rounded.
    crosses_kink : bool
        Whether a unit of ReLU's kind passes its kink within every step that was tried; then ``slope`` is not a derivative.
    """

    slope: float
    h: float
    truncation_error: float
    rounding_error: float
    crosses_kink: bool = False

    @property
    def error(self) -> float:
        """The estimated error of ``slope``."""
        return self.truncation_error + self.rounding_error

    def agrees(self, gradient: float, tolerance: float = 100.0) -> bool:
        """Check whether a gradient is within ``tolerance`` times the estimated error."""
        return abs(self.slope - gradient) <= tolerance * self.error

    def shared_digits(self, gradient: float) -> int:
        """Count the significant digits that a gradient shares with ``slope``."""
        apart, size = abs(self.slope - gradient), max(abs(self.slope), abs(gradient))
        if not math.isfinite(apart) or size == 0:
            return 0
        return MAX_DIGITS if apart == 0 else max(0, min(MAX_DIGITS, math.floor(-math.log10(apart / size))))

    def explain_digits(self, gradient: float) -> str:
        """Explain why the two share no more digits than they do, as an explanation's prose."""
        if self.crosses_kink:
            return (
                "A unit passes its kink at $z = 0$ between $w − h$ and $w + h$, however small $h$ is. A difference across a kink "
                "is not a derivative, so the two need not agree."
            )
        if not self.agrees(gradient):
            return (
                f"They differ by ${format_number(abs(self.slope - gradient), 2)}$, but the central difference is uncertain by only "
                f"${format_number(self.error, 2)}$: one of them is wrong. `check_gradient` finds the layer."
            )
        if self.slope == gradient:
            return "They are equal to the last digit."
        rounding = (
            "Why not more? A cost is known to 16 digits. Its rounding error, divided by $2h$, leaves an error of about "
            f"${format_number(self.rounding_error, 2)}$ in the difference."
        )
        if self.truncation_error < self.rounding_error / 100:
            return f"{rounding} The truncation error is negligible here, because the cost is almost linear."
        return (
            f"{rounding} A larger $h$ would reduce this error and increase the truncation error, now about "
            f"${format_number(self.truncation_error, 2)}$. This $h$ makes their sum nearly as small as possible."
        )


def central_difference(
    cost: Callable[[float], float],
    scale: float,
    cost_rounding: float,
    crosses_kink: Callable[[float], bool] = lambda h: False,
) -> CentralDifference:
    """Take the central difference of a cost at 0 with an automatically chosen step.

    Parameters
    ----------
    cost : callable
        ``cost(change)``, computed in float64.
    scale : float
        A large change; the longest step is a hundredth of it.
    cost_rounding : float
        The rounding error of a cost.
    crosses_kink : callable
        ``crosses_kink(h)`` is true if there is a kink between ``-h`` and ``h``.
    """
    longest = LONGEST_STEP * scale
    while crosses_kink(longest) and longest > SHORTEST_STEP * scale:
        longest /= 10
    if crosses_kink(longest):
        return CentralDifference(_quotient(cost, longest), longest, math.inf, math.inf, crosses_kink=True)
    third = abs(_quotient(cost, longest) - _quotient(cost, longest / 2)) / 0.75 / longest / longest  # |C'''| / 6
    best = (cost_rounding / (2 * third)) ** (1 / 3) if third > 0 else longest
    h = 2.0 ** math.floor(math.log2(min(max(best, SHORTEST_STEP * scale), longest)))  # a power of 2, at most `longest`
    return CentralDifference(_quotient(cost, h), h, third * h * h, cost_rounding / h)


def _quotient(cost: Callable[[float], float], h: float) -> float:
    return (cost(h) - cost(-h)) / (2 * h)
