"""The prompt of ``python -m chainrule.book``: Python's own, for sessions that are pasted from the book."""

from __future__ import annotations

import re
import sys
from code import InteractiveConsole
from contextlib import suppress
from typing import Any

from .book_names import install

BANNER = (
    "chainrule: the sessions of Neural Networks and Deep Learning, chapters 1 to 3.\n"
    "Paste them with or without their >>>, or type: import mnist_loader, network, network2. Ctrl-D ends."
)

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

    def showsyntaxerror(self, filename: str | None = None, **details: Any) -> None:
        """Show the error; of Python 2's print statement also what to write instead."""
        super().showsyntaxerror(filename, **details)
        statement = PRINT_STATEMENT.fullmatch("\n".join(self.buffer))
        if statement is not None:
            self.write(f"This is Python 2's print; in Python 3 write: print({statement['values']})\n")


def main() -> None:
    """Open the prompt."""
    install()
    if sys.stdin.isatty():
        with suppress(ImportError):  # Windows has none
            import readline  # noqa: F401  # it gives input() a history and the arrow keys
    BookConsole({"__name__": "__console__", "__doc__": None}).interact(BANNER, exitmsg="")
