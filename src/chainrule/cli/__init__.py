"""The command line: ``chainrule train``, ``evaluate``, ``predict`` and the others, a file each.

A command's file declares its options and contains its help text; larger commands do their work in separate files, such as
``training_job``. At module level, command files import neither NumPy nor the library's packages, so that ``chainrule --help`` is
quick: the functions import them.

To add a command: write a file that declares it, and add it to ``COMMANDS``.

This file defines the program and ``main``, which prints every error as one line on standard error, and ends with status 130 on
Ctrl-C.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import rich_click as click

from .._stdout import OutputWarning, discard_stdout, unwritable_message
from ..errors import ChainruleError, UnknownName
from .check import check
from .columns import columns
from .completion import install_completion, show_completion
from .diagnose import diagnose
from .draw import draw
from .equations import equations
from .evaluate import evaluate
from .exit_codes import FAILURE, INTERRUPTED, USAGE_ERROR
from .explain import explain
from .export import export
from .info import info
from .options import action_option
from .output import print_line, print_message
from .predict import predict
from .replay import replay
from .runs import runs
from .sweep import sweep
from .train import train

COMMANDS = (train, evaluate, predict, columns, info, runs, draw, explain, diagnose, export, sweep, replay, check, equations)
"""Every command, in the order of the help."""

HELP_STYLE = {"text_paragraph_linebreaks": "\n\n", "padding_helptext_first_line": (0, 0, 1, 0)}
"""Blank lines between the paragraphs of a help page."""


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        print_line(version_line())
        context.exit()


@click.command_panel("Commands", commands=[str(command.name) for command in COMMANDS])
@click.group(
    name="chainrule",
    epilog="Begin with: chainrule train",
    context_settings={"help_option_names": ["-h", "--help"], "rich_help_config": HELP_STYLE},
)
@action_option("--version", _print_version, "Print the version, the engines, and the instruction set of the kernels.")
@action_option("--install-completion", install_completion, "Install completion for the current shell.")
@action_option("--show-completion", show_completion, "Print the completion script of the current shell.")
def app() -> None:
    """Train feedforward neural networks by mini-batch gradient descent and backpropagation, evaluate and explain them."""


for command in COMMANDS:
    app.add_command(command)


def version_line() -> str:
    """Give the versions that a report of an error needs, and the engines with the instruction set of the kernels."""
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
        By default those of the command line.

    Raises
    ------
    SystemExit
        With status 0; 1 when a training diverged, a diagnosis names a finding, memory ran out, or standard output cannot be
        written; 2 for a user's error; 130 for Ctrl-C.
    """
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors="backslashreplace")  # a file's name may hold letters that the terminal's encoding lacks
    with _one_line_warnings() as output_errors:
        status = _run_and_flush(list(sys.argv[1:] if arguments is None else arguments))
    sys.exit(status or FAILURE * bool(output_errors))


def _run_and_flush(arguments: list[str]) -> int:
    """Run the program, flush standard output, and return the exit status."""
    try:
        status = _run(arguments)
        if sys.stdout is not None:  # it is None after >&-
            sys.stdout.flush()
        return status
    except BrokenPipeError:  # as with | head: not an error
        discard_stdout()
    except OSError as error:
        if error.filename is not None:  # an error of another file
            raise
        discard_stdout()
        print_message(f"error: {unwritable_message(error)}")
    return FAILURE


@contextmanager
def _one_line_warnings() -> Iterator[list[str]]:
    """Print the library's warnings in one line each; yield a list of those about output that could not be written."""
    output_errors: list[str] = []
    with warnings.catch_warnings():
        show_otherwise = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *location: Any, **rest: Any) -> None:
            if issubclass(category, OutputWarning):
                output_errors.append(str(message))
                print_message(f"error: {message}")
            elif issubclass(category, UserWarning):
                print_message(f"warning: {message}")
            else:
                show_otherwise(message, category, *location, **rest)

        warnings.simplefilter("always", OutputWarning)
        warnings.showwarning = show
        yield output_errors


def _run(arguments: list[str]) -> int:
    """Run the program, print an error in one line, and return the exit status."""
    try:
        _check_command(arguments)
        _check_repetition(arguments)
        status = app.main(args=arguments or ["--help"], prog_name="chainrule", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        return _report_usage_error(_describe_usage_error(error, arguments))
    except ChainruleError as error:
        return _report_usage_error(str(error))
    except (MemoryError, ImportError) as error:
        if not _is_out_of_memory(error):
            raise
        reason = str(error) or "none left"
        print_message(f"error: not enough memory ({reason}); {_remedy_for_memory()}")
        raise SystemExit(FAILURE) from error  # the cause tells ``__main__`` that a library may have been loaded in part
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error is a lack of memory, or one that it caused: a library that cannot be mapped is an ImportError."""
    signs = ("failed to map segment", "cannot allocate memory")
    while error is not None and not isinstance(error, MemoryError) and not any(sign in str(error).lower() for sign in signs):
        error = error.__cause__ or error.__context__
    return error is not None


def _remedy_for_memory() -> str:
    """Say what helps where memory ran out; a limit of the address space is named."""
    less = "take less data, a smaller network or smaller batches"
    try:
        import resource
    except ImportError:  # Windows has none, and where no memory is left it cannot be mapped either
        return less
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return less
    return f"raise the limit of {limit >> 20} MB for the address space (ulimit -v), or {less}"


def _check_command(arguments: list[str]) -> None:
    """Refuse an unknown command; the error names the one that is spelt most alike."""
    if arguments and not arguments[0].startswith("-") and arguments[0] not in app.commands:
        raise UnknownName("command", arguments[0], app.commands)


def _check_repetition(arguments: list[str]) -> None:
    """Refuse an option that is given twice, of which the parser would take the last; the same switch twice says one thing."""
    command = app.commands.get(arguments[0]) if arguments else None
    if command is None:
        return
    parent = app.context_class(app, info_name="chainrule", **app.context_settings)
    context = command.context_class(command, info_name=command.name, parent=parent)
    try:
        _, _, order = command.make_parser(context).parse_args(arguments[1:])
    except click.UsageError:  # the command's own parser reports it
        return
    for parameter in dict.fromkeys(order):
        switch = getattr(parameter, "is_flag", False) and not parameter.secondary_opts
        if isinstance(parameter, click.Option) and not (parameter.multiple or switch) and order.count(parameter) > 1:
            name = "/".join([max(parameter.opts, key=len), *parameter.secondary_opts])
            raise click.UsageError(f"{name} is given {order.count(parameter)} times; give it once", context)


def _report_usage_error(message: str) -> int:
    print_message(f"error: {message}")
    return USAGE_ERROR


def _describe_usage_error(error: click.ClickException, arguments: list[str]) -> str:
    """Give the error's message, and the command whose help says more."""
    context = getattr(error, "ctx", None)
    if context is not None:
        command = context.command_path
    elif arguments and arguments[0] in app.commands:
        command = f"chainrule {arguments[0]}"
    else:
        command = "chainrule"
    message = error.format_message()
    if "unexpected extra argument" in message and command == "chainrule train":
        message = f"{message.rstrip('.')}; quote a pattern, as in 'rows/*.parquet'"
    return f"{message} See {command} --help" if message.endswith("?") else f"{message.rstrip('.')}; see {command} --help"
