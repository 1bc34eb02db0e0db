"""Signals in a training with checkpoints: held back within a block, so that the last checkpoint is that of a whole step.

Signals reach the main thread alone; in other threads all this does nothing.

A training that was begun in the main thread may end in another one, where its generator is collected: no handler can be set there,
so the one of ``exit_on_signals`` counts the blocks that are open, and without any leaves the signal its default effect.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

EXITING = (signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))
"""The signals that end a process: a scheduler's, and that of a terminal which is closed (Windows has none)."""

HELD = (signal.SIGINT, *EXITING)

_open_blocks: set[object] = set()
"""The blocks of ``exit_on_signals`` that have not ended."""

_raised: list[int] = []
"""The signals for which ``SystemExit`` was raised within these blocks."""


class SignalHolder:
    """Holds Ctrl-C, SIGTERM and SIGHUP back within ``with holder:``, and delivers them after it.

    The handlers are put in place once, by ``installed``, for a whole training: putting them in place for every block would cost
    several % of epochs of a few milliseconds.

    Python forgets an exception that a signal raises within a callback of the garbage collector or of an import. With
    ``repeats``, the ``SystemExit`` of ``exit_on_signals`` is therefore raised once more at the end of a block that is entered
    after it.
    """

    def __init__(self, *, repeats: bool = True) -> None:
        self._repeats = repeats
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
        elif _raised and self._repeats and threading.current_thread() is threading.main_thread():
            raise SystemExit(128 + _raised[0])


@contextmanager
def hold_signals() -> Iterator[None]:
    """Hold Ctrl-C, SIGTERM and SIGHUP back within the block, and deliver the last one after it."""
    with SignalHolder(repeats=False).installed() as holder, holder:
        yield


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
        if not _open_blocks:
            _raised.clear()
            if threading.current_thread() is threading.main_thread():
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
    _raised.append(number)
    raise SystemExit(128 + number)
