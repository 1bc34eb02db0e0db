"""The learning rates of scikit-learn's SGD: constant, invscaling, adaptive. They change between epochs, never within one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..plan import Floats

SMALLEST = 1e-6  # adaptive ends below it
DIVISOR = 5.0


@dataclass
class Rate:
    """A learning rate that goes on from epoch to epoch.

    Attributes
    ----------
    schedule : {"constant", "invscaling", "adaptive"}
    first : float
    power_t : float
        Of invscaling: ``first / (t + 1)^power_t`` after t samples.
    now : float
    """

    schedule: str
    first: float
    power_t: float
    now: float

    def coming(self, samples_seen: int, n: int, epochs: int) -> Floats:
        """Give the rates of the coming epochs of n samples each, as long as none of them is a stall."""
        if self.schedule != "invscaling":
            return np.full(epochs, self.now)
        ahead, rates = replace(self), []
        for epoch in range(1, epochs + 1):
            rates.append(ahead.now)
            ahead.epoch_ended(samples_seen + epoch * n)
        return np.array(rates)

    def epoch_ended(self, samples_seen: int) -> None:
        """Take note of an epoch's end."""
        if self.schedule == "invscaling":
            self.now = self.first / (samples_seen + 1) ** self.power_t

    def stalled(self) -> str | None:
        """Say why a stall ends the training; None where it goes on, with a smaller rate."""
        if self.schedule != "adaptive":
            return "Stopping."
        if self.now <= SMALLEST:
            return "Learning rate too small. Stopping."
        self.now /= DIVISOR
        return None
