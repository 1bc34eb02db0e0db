"""The command line: ``chainrule train``, ``evaluate``, ``predict`` and the others, a file each.

A command reads what the user wants, calls the library, and says what came of it. What is decided or reckoned on the way stands in
plain functions: ``settings`` (defaults that suit the data), ``data`` (what a name means) and ``scores``.
Here is what all share: the program, and how a mistake is told: one line on standard error, exit status 2.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

from typer import Abort, BadParameter, Option, Typer

from .._stdout import OutputWarning, discard_stdout, unwritable_message
from ..errors import ChainruleError, UnknownName
from .check import check
from .equations import equations
from .evaluate import evaluate
from .explain import explain
from .info import info
from .options import Command
from .predict import predict
from .telling import say, warn
from .train import train

COMMANDS: dict[str, Callable[..., None]] = {
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
    "info": info,
    "explain": explain,
    "check": check,
    "equations": equations,
}
MISTAKE = 2
FAILED = 1
INTERRUPTED = 130

NUMBERS = {"valid integer": "a whole number", "valid number": "a number", "valid float": "a number"}
"""What the versions of Typer say of a value that is none, and what was wanted."""

# Click's ClickException, which BadParameter and every other usage error is, wherever this version of Typer keeps it.
UsageProblem: type[Exception] = BadParameter.__mro__[2]

app = Typer(
    name="chainrule",
    help="Train feedforward neural networks by mini-batch gradient descent and backpropagation, and ask them.",
    epilog="Begin with: chainrule train",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _flowing(docstring: str) -> str:
    r"""Leave the line breaks of a text to the width of the terminal; paragraphs stay.

    Examples
    --------
    >>> _flowing("A line,\n    and its rest.\n\n    More.")
    'A line, and its rest.\n\nMore.'
    """
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in docstring.split("\n\n"))


for name, command in COMMANDS.items():
    app.command(name, cls=Command, help=_flowing(command.__doc__ or ""))(command)


@app.callback(invoke_without_command=True)
def _program(
    version: Annotated[bool, Option("--version", metavar="", help="Print the version, the engines, and what they run on.")] = False,
) -> None:
    if version:
        say(version_line())


def version_line() -> str:
    """Tell the versions that matter when something is reported, and what the kernels run on."""
    import platform

    import numpy as np

    from .. import __version__
    from ..engines import ENGINES

    engines = ", ".join(engine.describe() for engine in ENGINES.values())
    return f"chainrule {__version__}, engines: {engines}; Python {platform.python_version()}, NumPy {np.__version__}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the command line if not given.

    Raises
    ------
    SystemExit
        With status 0; 1 when a training diverged, the machine has not enough memory, or standard output cannot be written; 2 for
        a user's mistake; 130 for Ctrl-C.
    """
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors="backslashreplace")  # a file's name may hold letters that the terminal has not
    with _warnings_in_a_line() as lost:
        status = _written(list(sys.argv[1:] if arguments is None else arguments))
    sys.exit(status or FAILED * bool(lost))


def _written(arguments: list[str]) -> int:
    """Run the program and write all that it said; give the exit status."""
    try:
        status = _run(arguments)
        if sys.stdout is not None:  # as after >&-
            sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read our output has read enough
        discard_stdout()
    except OSError as error:
        if error.filename is not None:  # so it was another file
            raise
        discard_stdout()
        warn(f"error: {unwritable_message(error)}")
    return FAILED


@contextmanager
def _warnings_in_a_line() -> Iterator[list[str]]:
    """Tell the library's warnings as all else is told; yield a list, which gains a word when output could not be written."""
    lost: list[str] = []
    with warnings.catch_warnings():
        others = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **rest: Any) -> None:
            if issubclass(category, OutputWarning):
                lost.append(str(message))
                warn(f"error: {message}")
            elif issubclass(category, UserWarning):
                warn(f"warning: {message}")
            else:
                others(message, category, *where, **rest)

        warnings.simplefilter("always", OutputWarning)
        warnings.showwarning = show
        yield lost


def _run(arguments: list[str]) -> int:
    """Run the program; tell what is wrong in one line, and give the exit status."""
    try:
        if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
            raise UnknownName("command", arguments[0], COMMANDS)
        status = app(args=arguments or ["--help"], prog_name="chainrule", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except UsageProblem as error:
        return _mistake(_usage(error, arguments))
    except ChainruleError as error:
        return _mistake(str(error))
    except MemoryError as error:
        warn(f"error: not enough memory ({error or 'none left'}); take less data, a smaller network or smaller batches")
        return FAILED
    except (Abort, KeyboardInterrupt):
        return INTERRUPTED


def _mistake(message: str) -> int:
    warn(f"error: {message}")
    return MISTAKE


def _usage(error: BaseException, arguments: Sequence[str]) -> str:
    """Say what is wrong with the command line, and where to read on."""
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "chainrule"
    message = _number_wanted(error, arguments) or getattr(error, "format_message", error.__str__)()
    return f"{message.rstrip('.')}; see {where} --help"


def _number_wanted(error: BaseException, arguments: Sequence[str]) -> str | None:
    """Say which option takes a number and was given something else, where that is what is wrong."""
    said = str(getattr(error, "message", ""))
    takes = next((number for words, number in NUMBERS.items() if words in said), None)
    names = getattr(getattr(error, "param", None), "opts", [])
    if takes is None or not names:
        return None
    given = [value for word, value in zip(arguments, arguments[1:], strict=False) if word in names]
    given += [word.partition("=")[2] for word in arguments if word.partition("=")[0] in names and "=" in word]
    it_is = f"; it is {given[-1]!r}" if given else ""
    return f"{max(names, key=len)} takes {takes}{it_is}"
