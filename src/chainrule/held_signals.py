"""Signals in a training with checkpoints: held back within a block, so that the last checkpoint is that of a whole step.

Signals reach the main thread alone; in other threads all this does nothing.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

HELD = (signal.SIGINT, signal.SIGTERM)


class SignalHolder:
    """Holds Ctrl-C and SIGTERM back within ``with holder:``, and delivers them after it.

    The handlers are put in place once, by ``installed``, for a whole training: putting them in place for every block would cost
    several % of epochs of a few milliseconds.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Any] = {}
        self._depth = 0
        self._received: tuple[int, Any] | None = None

    @contextmanager
    def installed(self) -> Iterator[Self]:
        """Put the handlers in place within the block; signals that the program ignores, or leaves to the system, stay so."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        handlers = {number: signal.getsignal(number) for number in HELD}
        self._handlers = {number: handler for number, handler in handlers.items() if callable(handler)}
        for number in self._handlers:
            signal.signal(number, self._handle)
        try:
            yield self
        finally:
            self._restore()

    def _restore(self) -> None:
        """Put the program's handlers back; where another thread collects the training, this holder stays, and passes signals on."""
        if threading.current_thread() is threading.main_thread():
            for number, handler in reversed(self._handlers.items()):  # Ctrl-C last: once it can raise, none of these is left
                if signal.getsignal(number) == self._handle:
                    signal.signal(number, handler)

    def _handle(self, number: int, frame: Any) -> None:
        if self._depth:
            self._received = number, frame
        else:
            self._handlers[number](number, frame)

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *error: object) -> None:
        self._depth -= 1
        if self._received is not None and not self._depth:
            (number, frame), self._received = self._received, None
            self._handlers[number](number, frame)


@contextmanager
def hold_signals() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back within the block, and deliver them after it."""
    with SignalHolder().installed() as holder, holder:
        yield


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
