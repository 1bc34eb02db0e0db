"""The prompt of ``python -m chainrule.book``: Python's own, for sessions that are pasted from the book."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from code import InteractiveConsole
from contextlib import suppress
from pathlib import Path
from traceback import TracebackException
from types import TracebackType
from typing import Any

from .book_names import install

BANNER = (
    "chainrule: the sessions of Neural Networks and Deep Learning, chapters 1 to 3.\n"
    "Paste them with or without their >>>, or type: import mnist_loader, network, network2. Ctrl-D ends."
)

USAGE = "usage: python -m chainrule.book [--help]; opens a prompt for the book's sessions, or reads one from standard input"

LIBRARY_FOLDERS = {
    str(Path(__file__).parents[1]),
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
}
NOT_THE_READERS = ("<frozen ", *(f"{folder}{os.sep}" for folder in LIBRARY_FOLDERS))
"""How the names of chainrule's files, of Python's and of installed packages begin."""

PROMPT = re.compile(r" *(?:>>> ?|\.\.\.(?: |$))")
"""Python's own prompt at the start of a pasted line."""

PRINTED = re.compile(r"Epoch \d+: \d+ / \d+|Epoch \d+ (?:training )?complete|(?:Cost|Accuracy) on (?:training|evaluation) data: .*")
"""The lines that ``SGD`` prints: pasted with a session they are no commands."""

PRINT_STATEMENT = re.compile(r"\s*print\s+(?![(=])(?P<values>.*?),?\s*")
"""Python 2's print."""


def without_prompt(line: str) -> str:
    """Take Python's prompt off the start of a line.

    Examples
    --------
    >>> without_prompt(">>> net = network.Network([784, 30, 10])"), without_prompt("... lmbda = 5.0)"), without_prompt("...")
    ('net = network.Network([784, 30, 10])', 'lmbda = 5.0)', '')
    """
    return PROMPT.sub("", line, count=1) if PROMPT.match(line) else line


class BookConsole(InteractiveConsole):
    """A prompt that reads pasted sessions."""

    def raw_input(self, prompt: str = "") -> str:
        """Read a line, without a pasted prompt; skip lines that ``SGD`` printed in the session.

        Raises
        ------
        EOFError
            At the end of the input.
        """
        while True:
            line = without_prompt(self._read(prompt))
            if PRINTED.fullmatch(line) is None:
                return line

    def _read(self, prompt: str) -> str:
        """Read a line from the terminal, or without a prompt from a pipe."""
        if sys.stdin.isatty():
            return super().raw_input(prompt)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")

    def showtraceback(self) -> None:
        """Show an error with the frames of the reader's code only, and Ctrl-C in one line."""
        _, error, trace = sys.exc_info()
        if error is None or trace is None:
            return
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace  # for pdb.pm()
        self.write("KeyboardInterrupt\n" if isinstance(error, KeyboardInterrupt) else readers_report(error, trace.tb_next))

    def showsyntaxerror(self, filename: str | None = None, **details: Any) -> None:
        """Show the error; of Python 2's print statement also what to write instead."""
        super().showsyntaxerror(filename, **details)
        statement = PRINT_STATEMENT.fullmatch("\n".join(self.buffer))
        if statement is not None:
            self.write(f"This is Python 2's print; in Python 3 write: print({statement['values']})\n")


def readers_report(error: BaseException, trace: TracebackType | None) -> str:
    """Format an error, and those that led to it, with the frames of the reader's code only."""
    report = TracebackException(type(error), error, trace)
    links: list[TracebackException | None] = [report]
    while links:
        link = links.pop()
        if link is not None:
            link.stack[:] = [frame for frame in link.stack if not frame.filename.startswith(NOT_THE_READERS)]
            links += [link.__cause__, link.__context__]
    return "".join(report.format())


def main() -> None:
    """Open the prompt, or print the usage.

    Raises
    ------
    SystemExit
        With status 2, when there are arguments.
    """
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"]):
        print(USAGE)
        return
    if arguments:
        print(f"python -m chainrule.book takes no arguments but --help; it was given {' '.join(arguments)}", file=sys.stderr)
        raise SystemExit(2)
    install()
    if sys.stdin.isatty():
        with suppress(ImportError):  # Windows has none
            import readline  # noqa: F401  # it gives input() a history and the arrow keys
    BookConsole({"__name__": "__console__", "__doc__": None}).interact(BANNER, exitmsg="")
