"""The check that saving a model destroys no file that is not a model."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import FileError
from ..tensor_file import HEADER_BYTES


def check_replaceable(path: Path) -> None:
    """Refuse to replace a file that is neither a model nor empty.

    Raises
    ------
    FileError
        Then, or when no file can have this name.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from None
    if not path.is_file() or (size and not _is_model(path)):
        raise FileError(f"{path} exists and is not a chainrule model; remove it, or choose another name with --out")


def _is_model(path: Path) -> bool:
    """Whether a file's header is that of a chainrule model; the rest is not read."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= HEADER_BYTES else {}
        return bool(header["__metadata__"]["format"] == "chainrule")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
