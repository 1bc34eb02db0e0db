"""The program ``chainrule``, also as ``python -m chainrule``."""

from __future__ import annotations

import _thread
import signal
import sys
import time
from typing import TYPE_CHECKING

from ._stdout import end_at_once

if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from types import FrameType

SECONDS_TO_LEAVE_A_CALLBACK = 0.01


def main() -> None:
    """Run the command line; Ctrl-C ends it with status 130 wherever it falls, within an import too.

    Once a command has ended Ctrl-C is ignored: all is written, and within Python's own end it would print a traceback.
    """
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.default_int_handler(number, frame)

    sys.unraisablehook = _interrupt_again
    if (
        signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):  # else the shell, or the caller, has Ctrl-C ignored or handled
        signal.signal(signal.SIGINT, interrupt)
    try:
        from .cli import main as run

        run()
    except SystemExit as end:
        if isinstance(end.__cause__, (MemoryError, ImportError)):
            # a library that was loaded in part can crash in its destructor, as Arrow's allocator does
            end_at_once(end.code)
        raise
    except (KeyboardInterrupt, Exception) as error:
        if not _is_interrupt(error):
            if not received:
                raise
            # An extension module may turn Ctrl-C into an error without a cause; another error after a Ctrl-C is told as well.
            print(
                f"chainrule: interrupted, and then {type(error).__name__}: {str(error)[:200]}".replace("\n", " "), file=sys.stderr
            )
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _interrupt_again(unraisable: UnraisableHookArgs) -> None:
    """Repeat a Ctrl-C that fell into a callback of an import or of the garbage collector, where Python prints and forgets it.

    Another thread repeats it, after this hook and the callback have been left: within them it would be forgotten once more.
    """
    if unraisable.exc_type is KeyboardInterrupt:
        _thread.start_new_thread(_interrupt_later, ())
    else:
        sys.__unraisablehook__(unraisable)


def _interrupt_later() -> None:
    time.sleep(SECONDS_TO_LEAVE_A_CALLBACK)
    _thread.interrupt_main()


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether an error is Ctrl-C, or one that Ctrl-C caused: extension modules turn it into an ImportError while they load."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


if __name__ == "__main__":
    main()
