"""One thread at a time trains a network: a second thread is refused, since both would write to the same parameters."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .errors import EngineError

if TYPE_CHECKING:
    from .network import Network

_TRAINING_THREADS: dict[int, int] = {}  # id(network) -> the thread that trains it
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_TRAINING_THREADS.clear)  # a forked process has the forking thread alone


@contextmanager
def training_lock(network: Network) -> Iterator[None]:
    """Reserve a network for this thread, which may reserve it again inside: a callback may train its own network.

    Raises
    ------
    EngineError
        When another thread trains the network.
    """
    thread = threading.get_ident()
    nested = _TRAINING_THREADS.get(id(network)) == thread
    try:
        if _TRAINING_THREADS.setdefault(id(network), thread) != thread:
            raise EngineError("another thread is training this network; train a copy of it, or one after the other")
        yield
    finally:
        if not nested and _TRAINING_THREADS.get(id(network)) == thread:
            del _TRAINING_THREADS[id(network)]
