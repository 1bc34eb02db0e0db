"""scikit-learn's learning rates: constant, invscaling and adaptive. They change between epochs, never within one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..plan import Floats

SMALLEST_RATE = 1e-6  # "adaptive" stops once the rate is not above it
ADAPTIVE_DIVISOR = 5.0


@dataclass
class LearningRate:
    """A learning rate that is updated after each epoch.

    Attributes
    ----------
    schedule : {"constant", "invscaling", "adaptive"}
    initial : float
    power_t : float
        Of invscaling: the rate is ``initial / (t + 1)^power_t`` after t samples.
    current : float
        The rate of the next epoch.
    """

    schedule: str
    initial: float
    power_t: float
    current: float

    def upcoming(self, samples_seen: int, n: int, epochs: int) -> Floats:
        """Return the rates of the next epochs of n samples each, (epochs,), if none of them ends on a plateau."""
        if self.schedule != "invscaling":
            return np.full(epochs, self.current)
        copy, rates = replace(self), []
        for epoch in range(1, epochs + 1):
            rates.append(copy.current)
            copy.update(samples_seen + epoch * n)
        return np.array(rates)

    def update(self, samples_seen: int) -> None:
        """Set the rate of the next epoch after an epoch has ended."""
        if self.schedule == "invscaling":
            self.current = self.initial / (samples_seen + 1) ** self.power_t

    def handle_plateau(self) -> str | None:
        """Return scikit-learn's words for the end of the training, or None where it continues at a smaller rate."""
        if self.schedule != "adaptive":
            return "Stopping."
        if self.current <= SMALLEST_RATE:
            return "Learning rate too small. Stopping."
        self.current /= ADAPTIVE_DIVISOR
        return None
