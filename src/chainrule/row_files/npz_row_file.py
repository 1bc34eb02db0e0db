"""Rows of a ``.npz`` file that NumPy wrote without compression: an array ``x``, one of the target, and one of weights."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple

import numpy as np

from .._reading import translate_read_errors
from .._types import AnyArray
from ..errors import DataError
from .remote_path import AnyPath
from .row_file import GROUP_BYTES, DamageError, RowFile

CHECKED_BYTES = 1 << 20
"""The bytes that are read at a time to compare an array's checksum."""


class StoredArray(NamedTuple):
    """Where an array's numbers lie in the file."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    begin: int


class NpzRowFile(RowFile):
    """A file of ``numpy.savez(path, x=x, y=y)``, x (n, n_in), y and weights (n,); see ``RowFile``."""

    names = ()

    path: AnyPath

    def __init__(self, path: AnyPath, target: str, weights: str | None = None) -> None:
        super().__init__(path, target, weights)
        with translate_read_errors(path), path.open("rb") as file:
            try:
                with zipfile.ZipFile(file) as archive:
                    self._x, *self._others = (self._find(archive, name) for name in ("x", *self.others))
            except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, UnicodeDecodeError) as error:
                raise DamageError(
                    f"{path} is not a valid .npz file ({error}); save it again with numpy.savez(path, x=x, y=y)"
                ) from None
        for name, array in zip(self.others, self._others, strict=True):
            if len(self._x.shape) != 2 or array.shape != self._x.shape[:1]:
                raise DataError(
                    f"{path}: x must have shape (n, n_in) and {name!r} (n,); they have {self._x.shape} and {array.shape}"
                )
        n, self.n_in = self._x.shape
        self.types = {name: str(array.dtype) for name, array in zip(("x", *self.others), (self._x, *self._others), strict=True)}
        at_once = max(1, GROUP_BYTES // (self.n_in * self._x.dtype.itemsize))
        self._firsts = range(0, n, at_once)
        self.group_rows = [min(at_once, n - first) for first in self._firsts]

    def _columns(self, group: int) -> Iterator[AnyArray]:
        first, rows = self._firsts[group], self.group_rows[group]
        with translate_read_errors(self.path), self.path.open("rb") as file:
            x = _read_numbers(file, self._x, first * self.n_in, rows * self.n_in)
            others = [_read_numbers(file, array, first, rows) for array in self._others]
        if len(x) != rows * self.n_in or any(len(numbers) != rows for numbers in others):
            raise self.fault(group, "the file is cut short; write it again, or leave it out")
        table = x.reshape(rows, self.n_in)
        yield from (np.ascontiguousarray(table[:, k]) for k in range(self.n_in))
        yield from others

    def _find(self, archive: zipfile.ZipFile, name: str) -> StoredArray:
        """Find an array whose numbers lie in the file as they are in memory."""
        if f"{name}.npy" not in archive.namelist():
            names = ", ".join(repr(member.removesuffix(".npy")) for member in archive.namelist()[:8])
            raise DataError(f"{self.path} has no array {name!r}; it has {names}. Save it with numpy.savez(path, x=x, y=y)")
        info = archive.getinfo(f"{name}.npy")
        if info.compress_type != zipfile.ZIP_STORED:
            raise DataError(
                f"{self.path}: array {name!r} is compressed, so that its rows cannot be read in another order; save it with "
                "numpy.savez, without compression, or as Parquet"
            )
        with archive.open(info) as member:
            shape, fortran, dtype = self._header(member, name)
            header = member.tell()
            while member.read(CHECKED_BYTES):  # raises BadZipFile where the checksum is another one
                pass
        if dtype.kind not in "iufb" or fortran:
            if dtype.kind in "US":
                raise DataError(f"{self.path}: array {name!r} holds texts, not numbers; {self.remedy_for_texts(name)}")
            wrong = "is stored by columns" if fortran else f"holds {dtype}, not numbers"
            raise DataError(f"{self.path}: array {name!r} {wrong}; save np.ascontiguousarray({name}) of plain numbers")
        claimed = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if claimed != info.file_size - header or claimed > self._status[0]:
            raise DamageError(f"{self.path}: array {name!r} claims the shape {shape} ({claimed:,} bytes), which it does not hold")
        assert archive.fp is not None  # noqa: S101  # the archive is open
        archive.fp.seek(info.header_offset)
        local = archive.fp.read(30)  # the lengths of the name and the extra field of the local header are its last four bytes
        begin = info.header_offset + 30 + int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little") + header
        return StoredArray(shape, dtype, begin)

    def _header(self, member: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
        """Read the header of an array."""
        try:
            version = np.lib.format.read_magic(member)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(member)
        except Exception as error:  # NumPy and Python's parser fail on a hostile header with many kinds of errors
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise DamageError(f"{self.path}: array {name!r} cannot be read ({reason}); save it again with numpy.savez") from None
        if version != (1, 0):
            raise DataError(f"{self.path}: array {name!r} has a version that NumPy does not write for numbers; save it again")
        if any(type(n) is not int or n < 1 for n in shape):
            raise DataError(f"{self.path}: array {name!r} has the shape {shape}; each number must be 1 or more")
        return shape, fortran, dtype


def _read_numbers(file: IO[bytes], array: StoredArray, first: int, count: int) -> AnyArray:
    """Read some numbers of an array; fewer where the file ends."""
    file.seek(array.begin + first * array.dtype.itemsize)
    data = file.read(count * array.dtype.itemsize)
    return np.frombuffer(data[: len(data) // array.dtype.itemsize * array.dtype.itemsize], array.dtype)
