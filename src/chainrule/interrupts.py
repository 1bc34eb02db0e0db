"""Ctrl-C in a training: it ends the training, and the network keeps the parameters of the last whole step.

The kernels hold no signal code: Python raises ``KeyboardInterrupt`` between two calls of ``Session.advance`` (``epoch_blocks``).

- Within an epoch ``Run`` catches it and writes the session's state into the network.
- Between two epochs ``drain`` catches it; a caller's own loop over a ``Run`` gets it raised.
- While the network is written to, ``complete_despite_interrupt`` finishes that first.
- ``train_population`` catches it for its threads, and an estimator's ``fit`` as scikit-learn's does; but where a search or a
  pipeline of scikit-learn called ``fit``, it is raised there again (``estimators/calling_code.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from .history import EpochRecord, History


class Interruptible(Protocol):
    """A training that can be ended between two epochs: a ``Run``."""

    history: History

    def __iter__(self) -> Iterator[EpochRecord]: ...

    def interrupt(self) -> None:
        """End the training, and leave the network with the parameters of the last epoch."""
        ...


def drain(run: Interruptible) -> History:
    """Iterate over a run to its end, or to Ctrl-C between two epochs or in a callback; give its history."""
    try:
        for _ in run:
            pass
    except KeyboardInterrupt:
        run.interrupt()
    return run.history


def complete_despite_interrupt(update: Callable[[], None]) -> None:
    """Call an update that may be repeated; Ctrl-C within it repeats it from the start, and is raised after that."""
    try:
        update()
    except KeyboardInterrupt:
        update()
        raise
