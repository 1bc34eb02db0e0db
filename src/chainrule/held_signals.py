"""Signals in a training with checkpoints: held back within a block, so that the last checkpoint is that of a whole step.

Signals reach the main thread alone; in other threads both context managers do nothing.

A training that was begun in the main thread may end in another one, where its generator is collected: no handler can be set there,
so the one of ``exit_on_signals`` counts the blocks that are open, and without any leaves the signal its default effect.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

EXITING = (signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))
"""The signals that end a process: a scheduler's, and that of a terminal which is closed (Windows has none)."""

HELD = (signal.SIGINT, *EXITING)

_open_blocks: set[object] = set()
"""The blocks of ``exit_on_signals`` that have not ended."""


@contextmanager
def hold_signals() -> Iterator[None]:
    """Hold Ctrl-C, SIGTERM and SIGHUP back within the block, and deliver the last one after it."""
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
def exit_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise ``SystemExit`` within the block, unless the program ignores or handles them itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    block = object()
    try:
        _open_blocks.add(block)
        for number in EXITING:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _exit)
        yield
    finally:
        _open_blocks.discard(block)
        if not _open_blocks and threading.current_thread() is threading.main_thread():
            _restore_defaults()


def _restore_defaults() -> None:
    """Take away the handlers that ``exit_on_signals`` has set."""
    for number in EXITING:
        if signal.getsignal(number) is _exit:
            signal.signal(number, signal.SIG_DFL)


def _exit(number: int, frame: object) -> None:
    if not _open_blocks:  # the last one ended in another thread
        _restore_defaults()
        signal.raise_signal(number)
    raise SystemExit(128 + number)
