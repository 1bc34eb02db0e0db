"""Standard output that closes or cannot be written: a command or a training goes on without it; and a process's end at once."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from rich.console import Console


class OutputWarning(UserWarning):
    """Standard output cannot be written; later output is discarded."""


@contextmanager
def tolerate_closed_stdout() -> Iterator[None]:
    """Write to standard output inside; later output is discarded once the write fails.

    A closed pipe, as after ``| head``, is ignored. Any other failure, such as a full disk, gives an ``OutputWarning``.
    """
    try:
        yield
    except BrokenPipeError:
        discard_stdout()
    except OSError as error:
        discard_stdout()
        warnings.warn(unwritable_message(error), OutputWarning, stacklevel=2)
    except SystemExit as error:  # rich raises SystemExit(1) in place of BrokenPipeError; a signal's handler gives another status
        if error.code != 1 or not isinstance(error.__context__, BrokenPipeError):
            raise
        discard_stdout()


def unwritable_message(error: OSError) -> str:
    """Give the message for a standard output that cannot be written."""
    return f"cannot write standard output ({error.strerror or error}); later output is discarded"


def discard_stdout() -> None:
    """Discard standard output from now on."""
    _discard(1)


def discard_stderr() -> None:
    """Discard standard error from now on."""
    _discard(2)


def _discard(descriptor: int) -> None:
    """Redirect a file descriptor to the null device, so that flushing buffered output does not fail either."""
    null_device = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null_device, descriptor)
    os.close(null_device)


def can_redraw(console: Console) -> bool:
    """Whether a console can redraw a line: a terminal with cursor control, or a notebook with ipywidgets."""
    from importlib.util import find_spec

    return find_spec("ipywidgets") is not None if console.is_jupyter else console.is_interactive


def end_at_once(status: object) -> NoReturn:
    """Write what is buffered and end the process, without waiting for threads and without the destructors of native libraries."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # it cannot be written, or is closed
            if stream is not None:
                stream.flush()
    os._exit(status if isinstance(status, int) else 1)
