"""Signals in a training with checkpoints: held back within a block, so that the last checkpoint is that of a whole step.

Signals reach the main thread alone; in other threads both context managers do nothing.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

HELD = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def hold_signals() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back within the block, and deliver them after it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[tuple[int, Any]] = []
    handlers = {number: signal.getsignal(number) for number in HELD}
    held = [number for number, handler in handlers.items() if callable(handler)]
    for number in held:
        signal.signal(number, lambda *signal_and_frame: received.append(signal_and_frame))
    try:
        yield
    finally:
        for number in reversed(held):  # Ctrl-C last: once it can raise, no handler is left in place
            signal.signal(number, handlers[number])
    for last, frame in received[-1:]:
        handlers[signal.Signals(last)](last, frame)  # type: ignore[operator,misc]  # it is callable


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Let SIGTERM raise ``SystemExit`` within the block, unless the program has a handler of its own."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exit(number: int, frame: object) -> None:
    raise SystemExit(128 + number)
