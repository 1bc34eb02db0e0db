"""Safetensors files with a JSON description, a format version and a checksum: the container of every model file.

Nothing in a file is executed, and every size is checked before memory is allocated.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ._atomic_write import temporary_beside, write_atomically
from ._types import AnyArray
from .errors import FileError, ModelFileError, SettingError

VERSION = 3
"""The newest version of the format: 1 holds one network, 2 a model of a table, 3 a checkpoint."""

DESCRIPTION_BYTES = {1: 1 << 20, 2: 16 << 20, 3: 16 << 20}
"""The longest description of each version."""

HEADER_BYTES = 34 << 20  # a description, which JSON may escape to twice its length, and the tensors' names
FILE_BYTES = 16 << 30
TENSOR_TYPES = {"F32": "float32", "F64": "float64", "I32": "int32", "I64": "int64", "U8": "uint8"}


def write_tensors(
    path: str | os.PathLike[str], version: int, description: Mapping[str, Any], tensors: Mapping[str, AnyArray]
) -> None:
    """Write a file; a failure leaves no partial file.

    Raises
    ------
    SettingError
        When the description is too long.
    FileError
        When the file cannot be written; an existing file stays as it was.
    """
    from safetensors.numpy import save

    text = json.dumps(description, allow_nan=False)
    if len(text) > DESCRIPTION_BYTES[version]:
        raise SettingError(
            f"the description in {path} would take {len(text):,} bytes, and a file may hold {DESCRIPTION_BYTES[version]:,}: "
            "its names and texts must be shorter, or fewer"
        )
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}  # ascontiguousarray makes a number a vector
    metadata = {"format": "chainrule", "version": str(version), "model": text, "sha256": _digest(text, list(arrays.values()))}
    write_atomically(Path(path), save(arrays, metadata=metadata))


class TensorFile:
    """A file that is open for reading.

    Attributes
    ----------
    path : Path
    version : int
    description : object
        Of JSON's types; not validated further.
    """

    def __init__(self, path: Path, file: Any) -> None:
        self.path = path
        self._file = file
        metadata = file.metadata() or {}
        if metadata.get("format") != "chainrule":
            raise ModelFileError(f"{path} is a safetensors file, but not a chainrule model")
        self.version = _read_version(path, metadata)
        self._text = metadata.get("model", "")
        self._checksum = metadata.get("sha256")
        with self.refuse_damage():
            text = self._text if len(self._text) <= DESCRIPTION_BYTES[self.version] else ""
            self.description = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite_float)

    @contextmanager
    def refuse_damage(self) -> Iterator[None]:
        """Report a mistake in the description, which a parser raises within the block, as a damaged file."""
        try:
            yield
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self.damaged(f"its description cannot be read ({type(error).__name__}: {error})") from None

    def damaged(self, why: str) -> ModelFileError:
        """Make the error for a file that is not as it was written."""
        return _damaged(self.path, why)

    def read(self, shapes: Mapping[str, tuple[tuple[int, ...], str]]) -> dict[str, AnyArray]:
        """Read all tensors, in the order in which they were written, and compare the checksum.

        Parameters
        ----------
        shapes : mapping of str to (tuple of int, str)
            The shape and the dtype of each tensor that the description requires, in the order of ``write_tensors``.

        Raises
        ------
        ModelFileError
            When a tensor is missing, unexpected, of another shape or dtype, or the checksum differs.
        """
        if set(self._file.keys()) != set(shapes):
            raise self.damaged("its tensors are not those that its description needs")
        for name, (shape, dtype) in shapes.items():
            tensor = self._file.get_slice(name)  # its shape and dtype, without its data
            actual = TENSOR_TYPES.get(tensor.get_dtype(), tensor.get_dtype())
            if tuple(tensor.get_shape()) != shape or actual != dtype:
                raise self.damaged(f"{name} is {actual} {tensor.get_shape()}, but should be {dtype} {shape}")
        arrays = {name: np.array(self._file.get_tensor(name)) for name in shapes}
        if _digest(self._text, list(arrays.values())) != self._checksum:
            raise self.damaged("its checksum does not match its contents")
        return arrays


@contextmanager
def open_tensors(path: str | os.PathLike[str]) -> Iterator[TensorFile]:
    """Open a model file; errors of the file system and of safetensors become errors of this package.

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    ModelFileError
        When it is truncated, damaged, of another kind, or of a later version.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    try:
        _check_regular(path)
        with safe_open(path, framework="numpy") as file:
            yield TensorFile(path, file)
    except SafetensorError:
        raise _damaged(path, "it is not a safetensors file, or it is truncated") from None
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None


def check_writable(path: str | os.PathLike[str]) -> None:
    """Check now that ``write_tensors`` will be able to create a file here later.

    Raises
    ------
    FileError
        When it will not be.
    """
    with temporary_beside(Path(path)):
        pass


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is beyond float64")
    return number


def _read_version(path: Path, metadata: dict[str, str]) -> int:
    version = metadata.get("version", "")
    if not version.isascii() or not version.isdigit() or len(version) > 9:
        raise _damaged(path, "it has no format version")
    if int(version) < 1:
        raise _damaged(path, "its format version is 0")
    if int(version) > VERSION:
        raise ModelFileError(f"{path} has format version {version}, and this chainrule reads up to {VERSION}; upgrade chainrule")
    return int(version)


def _digest(description: str, arrays: Sequence[AnyArray]) -> str:
    import hashlib  # imported late: it loads OpenSSL

    digest = hashlib.sha256(description.encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()


def _damaged(path: Path, why: str) -> ModelFileError:
    return ModelFileError(f"{path} is not an intact model file: {why}; save or copy it again")


def _check_regular(path: Path) -> None:
    """Refuse directories, devices, and files that are larger than a model can be, before they are opened."""
    if not path.exists():
        raise FileError(f"no such file: {path}")
    if not path.is_file():
        raise FileError(f"cannot read {path}: it is a {'directory' if path.is_dir() else 'device or pipe'}, not a model file")
    if path.stat().st_size > FILE_BYTES:
        raise ModelFileError(f"{path} is larger than {FILE_BYTES >> 30} GiB, the most that a model file may hold")
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    if header > HEADER_BYTES:
        raise _damaged(path, f"it claims a header of {header:,} bytes")
