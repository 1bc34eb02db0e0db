"""Central differences: what a nudge of one number does to the cost, with a step chosen for it.

``(C(w + h) - C(w - h)) / 2h`` is off by ``|C'''| h^2 / 6``, the curve that it cuts short, and by about ``eps |C| / h``, since a
cost is known to a rounding only. The two are least together where ``h^3 = 3 eps |C| / |C'''|``; two long nudges measure the third
derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from .notation import tell

EPSILON = 2.0**-52
LONG = 1e-2  # the longest nudge, in units of the scale
SHORT = 1e-7
MOST_DIGITS = 15


@dataclass(frozen=True)
class Nudge:
    """A central difference and what is known of its error.

    Attributes
    ----------
    slope : float
        The difference.
    h : float
        The step.
    curve, rounding : float
        What the curve and the rounding of the costs may make it wrong by.
    crosses : bool
        Whether a unit of ReLU's kind goes through its kink on the way, at any step: then it tells nothing.
    """

    slope: float
    h: float
    curve: float
    rounding: float
    crosses: bool = False

    @property
    def uncertainty(self) -> float:
        """By how much it may be wrong."""
        return self.curve + self.rounding

    def agrees(self, gradient: float, slack: float = 100.0) -> bool:
        """Say whether a gradient is as near as can be told."""
        return abs(self.slope - gradient) <= slack * self.uncertainty

    def shared_digits(self, gradient: float) -> int:
        """Count the significant digits that a gradient shares with it."""
        apart, size = abs(self.slope - gradient), max(abs(self.slope), abs(gradient))
        if not math.isfinite(apart) or size == 0:
            return 0
        return MOST_DIGITS if apart == 0 else max(0, min(MOST_DIGITS, math.floor(-math.log10(apart / size))))

    def why(self, gradient: float) -> str:
        """Say why the two share no more digits than they do."""
        if self.crosses:
            return (
                "The nudge sends a unit through the kink at $z = 0$, however short it is: a difference taken across a kink is no "
                "derivative, and the two need not agree."
            )
        if not self.agrees(gradient):
            return (
                f"They are ${tell(abs(self.slope - gradient), 2)}$ apart, and the nudge itself is uncertain by "
                f"${tell(self.uncertainty, 2)}$ only: one of them is wrong. `check_gradient` says where."
            )
        if self.slope == gradient:
            return "They are the same to the last digit."
        lost = (
            "Why not more? A cost is known to 16 digits, and what is left of them in a difference is divided by $2h$: "
            f"that leaves an error of about ${tell(self.rounding, 2)}$."
        )
        if self.curve < self.rounding / 100:
            return f"{lost} The cost hardly curves here; a longer nudge was not tried."
        return (
            f"{lost} A longer nudge would lose less to that, and more to the curve of the cost between its ends, now about "
            f"${tell(self.curve, 2)}$: this $h$ is where the two together are about least."
        )


def nudged(cost: Callable[[float], float], scale: float, noise: float, crosses: Callable[[float], bool] = lambda h: False) -> Nudge:
    """Take the central difference of a cost at 0, its step chosen.

    Parameters
    ----------
    cost : callable
        ``cost(change)``, of float64.
    scale : float
        A change that would be large: the longest nudge is a hundredth of it.
    noise : float
        What rounding may change a cost by.
    crosses : callable
        ``crosses(h)`` says whether there is a kink between ``-h`` and ``h``.
    """
    long = LONG * scale
    while crosses(long) and long > SHORT * scale:
        long /= 10
    if crosses(long):
        return Nudge(_difference(cost, long), long, math.inf, math.inf, crosses=True)
    third = abs(_difference(cost, long) - _difference(cost, long / 2)) / 0.75 / long / long  # |C'''| / 6
    best = (noise / (2 * third)) ** (1 / 3) if third > 0 else long
    h = 2.0 ** math.floor(math.log2(min(max(best, SHORT * scale), long)))  # a power of 2, within what was looked at
    return Nudge(_difference(cost, h), h, third * h * h, noise / h)


def _difference(cost: Callable[[float], float], h: float) -> float:
    return (cost(h) - cost(-h)) / (2 * h)
