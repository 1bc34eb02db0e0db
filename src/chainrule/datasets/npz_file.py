"""Tables in NumPy's ``.npz`` files: each array's claimed shape is checked before memory is allocated."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from .._reading import LIMIT_BYTES, check_size, translate_read_errors, unpacked_limit
from .._types import AnyArray
from ..errors import MOST_NAMES, DataError, DataTypeError
from .untrusted_files import DEFLATE_RATIO, first_line, remaining_bytes


def read_npz(path: Path, *names: str) -> list[AnyArray]:
    """Read some arrays of an npz file by name.

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    DataError
        When it is not a valid npz file, lacks an array, or claims a wrong or too large size.
    DataTypeError
        When an array holds Python objects.
    """
    with translate_read_errors(path), path.open("rb") as file:
        size = remaining_bytes(file)
        try:
            with zipfile.ZipFile(file) as archive:
                return [_read_member(path, archive, name, size) for name in names]
        except _DAMAGE as error:
            raise DataError(f"{path} is not a valid .npz file ({error}); save it again with numpy.savez(path, x=x, y=y)") from None


_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, UnicodeDecodeError)
"""What Python raises for a damaged archive: an OSError for an offset out of range, a UnicodeDecodeError for a name."""


def _read_member(path: Path, archive: zipfile.ZipFile, name: str, size: int) -> AnyArray:
    """Read one array of an npz file of ``size`` bytes, after checking that its shape agrees with its size in the archive."""
    if f"{name}.npy" not in archive.namelist():
        names = sorted(member.removesuffix(".npy") for member in archive.namelist())
        shown = [member if member.isprintable() else repr(member) for member in names[:MOST_NAMES]]
        members = ", ".join(shown) + ", ..." * (len(names) > MOST_NAMES) or "nothing"
        raise DataError(f"{path} has no array {name!r}; it holds {members}. Save it with numpy.savez(path, x=x, y=y)")
    info = archive.getinfo(f"{name}.npy")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{path}: array {name!r} has a compression that NumPy does not write; save it again with numpy.savez")
    packed = min(info.compress_size, size)  # an archive can claim any size for a member
    limit = LIMIT_BYTES if info.compress_type == zipfile.ZIP_STORED else unpacked_limit(packed)
    check_size(f"{path}: array {name!r}", info.file_size, limit)
    if info.file_size > max(packed, 1) * (1 if info.compress_type == zipfile.ZIP_STORED else DEFLATE_RATIO):
        raise DataError(f"{path}: array {name!r} claims {info.file_size:,} bytes, more than its file can hold")
    try:
        with archive.open(info) as file:
            _check_claim(path, name, file, info.file_size)
        with archive.open(info) as file:
            array: AnyArray = np.lib.format.read_array(file, allow_pickle=False)
    except DataError:
        raise
    except (ValueError, TokenError) as error:  # NumPy's tokenizer fails on a header that is not a Python literal
        raise DataError(f"{path}: array {name!r} cannot be read ({first_line(error)}); save it again with numpy.savez") from None
    return array


def _check_claim(path: Path, name: str, file: Any, size: int) -> None:
    """Check the shape that an array's header claims against the number of bytes that follow the header."""
    # Versions above 1.0 serve structures with many fields, and allow headers of gigabytes.
    if np.lib.format.read_magic(file) != (1, 0):
        raise DataError(
            f"{path}: array {name!r} has a format version that NumPy does not write for numbers; save it again with numpy.savez"
        )
    try:
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    except Exception as error:  # NumPy and Python's parser fail on a hostile header with many kinds of errors
        raise ValueError(first_line(error)) from None
    if any(type(n) is not int or n < 1 for n in shape):
        raise ValueError(f"it claims the shape {shape}, where each number must be 1 or more")
    if dtype.hasobject:
        raise DataTypeError(f"{path}: array {name!r} holds Python objects; it must hold numbers")
    claimed = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if claimed != size - file.tell():
        raise DataError(
            f"{path}: array {name!r} claims the shape {shape} ({claimed:,} bytes), but holds {size - file.tell():,} bytes"
        )
