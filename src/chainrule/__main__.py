"""The program ``chainrule``, also as ``python -m chainrule``."""

import signal
import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it with status 130 wherever it falls, within an import too.

    Once a command has ended Ctrl-C is ignored: all is written, and within Python's own end it would print a traceback.
    """
    try:
        from .cli import main as run

        run()
    except (KeyboardInterrupt, Exception) as error:
        if not _is_interrupt(error):
            raise
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether an error is Ctrl-C, or one that Ctrl-C caused: extension modules turn it into an ImportError while they load."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


if __name__ == "__main__":
    main()
