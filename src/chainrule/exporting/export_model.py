"""``export``: chooses the target by the file's ending, and writes the file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._atomic_write import write_atomically
from ..errors import SettingError
from . import javascript


@dataclass(frozen=True)
class Target:
    """A language that networks are written in.

    Attributes
    ----------
    name : str
    endings : tuple of str
        Of its files.
    contents : callable
        ``contents(model) -> bytes``: the file; it raises what ``read_model`` raises.
    first_bytes : bytes
        The beginning of every file that ``contents`` has written.
    usage : callable
        ``usage(path) -> str``: a line that uses the file.
    """

    name: str
    endings: tuple[str, ...]
    contents: Callable[[Any], bytes]
    first_bytes: bytes
    usage: Callable[[Path], str]


TARGETS = (
    Target(
        "JavaScript",
        (".js", ".mjs"),
        lambda model: javascript.module_text(model).encode(),
        javascript.FIRST_WORDS.encode(),
        javascript.import_line,
    ),
)
"""Every target."""


def export(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a network as code that runs without chainrule; the file's ending chooses the language.

    Parameters
    ----------
    model : Network, or a fitted MLPClassifier or MLPRegressor
        With an estimator the file also holds the labels, and takes raw rows where the estimator standardizes them.
    path : str or path-like
        ``.js`` or ``.mjs``: one ES module without dependencies, for browsers and Node. It exports ``predict(x)``, ``outputs(x)``
        and ``activations(x)`` for one row x, and ``sizes``, ``layers``, ``inputs`` and ``labels``. A network of pixels takes them
        from 0 to 255. A failure leaves no partial file.

    Raises
    ------
    SettingError
        When the ending is none of these; when an activation is a function of your own, a weight is NaN or infinite, or the network
        is too large.
    ArgumentTypeError
        When the model is that of a table, or no network.
    FileError
        When the file cannot be written; an existing file stays as it was.
    """
    write_atomically(Path(path), find_target(path).contents(model))


def find_target(path: str | os.PathLike[str]) -> Target:
    """Find the target of a file by its ending.

    Raises
    ------
    SettingError
        When no target has it.
    """
    ending = Path(path).suffix.lower()
    for target in TARGETS:
        if ending in target.endings:
            return target
    known = ", ".join(f"{target.name} ({' or '.join(target.endings)})" for target in TARGETS)
    raise SettingError(f"the ending of an exported file chooses its language: {known}; the file is {str(path)!r}")
