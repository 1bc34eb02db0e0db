"""The checks that a command replaces only files that chainrule has written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from ..errors import FileError
from ..tensor_file import HEADER_BYTES

PAGE_BEGIN = b"<!DOCTYPE HTML>"


def check_replaceable(path: Path) -> None:
    """Refuse to replace a file that is neither a model nor empty.

    Raises
    ------
    FileError
        Then, or when no file can have this name.
    """
    _refuse_other_files(path, _is_model, "is not a chainrule model; remove it, or choose another name with --out")


def check_export_replaceable(path: Path, first_bytes: bytes) -> None:
    """Refuse to replace a file that is neither empty nor an exported one, which begins with ``first_bytes``.

    Raises
    ------
    FileError
        Then, or when no file can have this name.
    """
    fault = "was not written by chainrule export; remove it, or choose another name"
    _refuse_other_files(path, lambda path: _read_first(path, len(first_bytes)) == first_bytes, fault)


def check_page_replaceable(path: Path) -> None:
    """Refuse to replace a file that is neither empty nor an HTML page, such as the model that a page describes.

    Raises
    ------
    FileError
        Then, or when no file can have this name.
    """
    fault = "is not an HTML page; remove it, or choose another name with --html"
    _refuse_other_files(path, lambda path: _read_first(path, len(PAGE_BEGIN)).upper() == PAGE_BEGIN, fault)


def _read_first(path: Path, count: int) -> bytes:
    """Read the first bytes of a file."""
    with path.open("rb") as file:
        return file.read(count)


def _refuse_other_files(path: Path, is_own: Callable[[Path], bool], fault: str) -> None:
    """Refuse a file that exists, is not empty, and is not one of our own."""
    try:
        size = path.stat().st_size
        if path.is_file() and (not size or is_own(path)):
            return
    except FileNotFoundError:
        return
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from None
    raise FileError(f"{path} exists and {fault}")


def _is_model(path: Path) -> bool:
    """Whether a file's header is that of a chainrule model; the rest is not read."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length <= HEADER_BYTES else {}
        return bool(header["__metadata__"]["format"] == "chainrule")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
