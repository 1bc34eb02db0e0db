"""IDX files, in which MNIST and its kin are stored: a header of big-endian numbers, then the elements in C order.

The header is two zero bytes, one that names the element type, one that counts the dimensions, and four bytes for each dimension.
It is held against the limits and the file's own length before anything is allocated.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import zlib
from collections import defaultdict
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from .._types import AnyArray
from ..errors import DataError
from ..examples import Examples, Layout
from .dataset import Dataset
from .files import DEFLATE_RATIO, LIMIT_BYTES, LIMIT_UNPACKED, examples_of, reading, size_of

STEP = 1 << 20  # bytes unpacked at a time
DIMENSIONS = 8
GZIP = b"\x1f\x8b"
STORED = {
    0x08: "u1",
    0x09: "i1",
    0x0B: ">i2",
    0x0C: ">i4",
    0x0D: ">f4",
    0x0E: ">f8",
}  # the element types, by the header's third byte
FLOATS = {"i1": "f4", "i2": "f4", "i4": "f8"}  # the smallest float that holds every number of a type

ROLES = ("train-images", "train-labels", "test-images", "test-labels")
NAME = re.compile(r"(.*?)(train|test|t10k)[-_](images|labels)[-._]idx\d-[a-z]+(\.gz)?", re.IGNORECASE)


def idx(folder: str | os.PathLike[str], *, transposed: bool | None = None) -> Dataset:
    """Read a folder of four IDX files, gzipped or not: MNIST, Fashion-MNIST, KMNIST and EMNIST come so.

    The files are told by their names, such as ``train-images-idx3-ubyte.gz``, ``t10k-labels.idx1-ubyte`` or
    ``emnist-letters-test-images-idx3-ubyte.gz``; an unpacked file is taken before the ``.gz`` of the same name. The last sixth of
    the training set becomes the validation set, as the book does with MNIST. All is taken as it is stored: EMNIST's images lie on
    their side, which ``layout.transposed`` says, and the labels of its letters count from 1. Images of 0 and 1 alone, black and
    white, are those numbers and not the darkest two of 256 greys.

    Parameters
    ----------
    folder : path
        Where one data set's files lie.
    transposed : bool, optional
        Whether the images are stored column by column; by default EMNIST's are, whose files' names begin with ``emnist``, and of
        others it is not known.

    Returns
    -------
    Dataset
        Each ``x`` (n, rows * columns), uint8 where the files hold unsigned bytes, else float32 or float64, and float32
        where no byte is above 1; each ``layout`` says the rows and columns; each ``y`` (n,), int.

    Raises
    ------
    FileError
        When there is no such folder, or it or a file in it cannot be read.
    DataError
        When the folder lacks such a file, or holds several data sets; when a file is cut short, damaged, too large or no IDX file.
    """
    folder = Path(folder)
    files = _find(folder)
    arrays = _numbers_if_0_or_1({role: _read_path(path) for role, path in files.items()})
    if transposed is None and files["train-images"].name.lower().startswith("emnist"):
        transposed = True
    train, test = (
        paired(arrays[images], arrays[labels], files[images], files[labels], transposed=transposed)
        for images, labels in (("train-images", "train-labels"), ("test-images", "test-labels"))
    )
    return split(folder.resolve().name or str(folder), train, test)


def read_stream(file: IO[bytes], name: object) -> AnyArray:
    """Read an IDX file, gzipped or not, from an open and seekable file.

    Parameters
    ----------
    file : binary file
    name : object
        What to call it in a message.

    Returns
    -------
    array
        Of the shape and element type that the header tells, in the byte order of the file.

    Raises
    ------
    DataError
        When it is no intact IDX file.
    """
    size = size_of(file)
    packed = file.read(2) == GZIP
    file.seek(0)
    source = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file
    try:
        shape, dtype = _read_header(source, name)
        claimed = math.prod(shape) * dtype.itemsize
        told = f"its header claims {' x '.join(f'{n:,}' for n in shape)} elements ({claimed:,} bytes)"
        if not claimed:
            raise DataError(f"{name} is empty: {told}")
        limit = LIMIT_UNPACKED if packed else LIMIT_BYTES
        if claimed > limit:
            raise DataError(f"{name} cannot be read: {told}; the limit is {limit:,} bytes")
        if claimed > (size * DEFLATE_RATIO if packed else size):
            raise _short(name, told)
        array = np.empty(shape, dtype)
        if _fill(source, array) < claimed:
            raise _short(name, told)
        if source.read(1):
            raise DataError(f"{name} goes on after its end: {told}, and more follows; download it again")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{name} is no intact gzip file ({error}); download it again") from None
    return array


def header(array: AnyArray) -> bytes:
    """Write the header of an IDX file that holds this array.

    Examples
    --------
    >>> header(np.zeros((2, 28, 28), np.uint8)).hex(" ", 4)
    '00000803 00000002 0000001c 0000001c'
    """
    code = next(code for code, stored in STORED.items() if np.dtype(stored) == array.dtype)
    return bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()


def paired(
    images: AnyArray, labels: AnyArray, images_name: object, labels_name: object, *, transposed: bool | None = None
) -> Examples:
    """Put images (n, ...), flattened, beside their labels (n,)."""
    if images.ndim < 2:
        raise DataError(f"{images_name} must hold images, (n, rows, columns); its shape is {images.shape}")
    if labels.ndim != 1:
        raise DataError(f"{labels_name} must hold one label for each image; its shape is {labels.shape}")
    if len(images) != len(labels):
        counts = f"{images_name} holds {len(images):,} images, but {labels_name} {len(labels):,} labels"
        raise DataError(f"{counts}; take both from one data set")
    kept = images.dtype.newbyteorder("=")
    pixels = images.reshape(len(images), -1).astype(FLOATS.get(kept.str[1:], kept), copy=False)
    layout = Layout(images.shape[1], images.shape[2], transposed) if images.ndim == 3 else None
    return examples_of(images_name, pixels, labels, layout=layout)


def split(name: str, train: Examples, test: Examples) -> Dataset:
    """Set the last sixth of the training set apart for validation, at least one example."""
    if train.n_in != test.n_in:
        raise DataError(
            f"the training images of {name} have {train.n_in} pixels, its test images {test.n_in}; they must be of one size"
        )
    kept = len(train) - max(1, len(train) // 6)
    if not kept:
        raise DataError(f"{name} has one training image; at least 2 are needed, for the last sixth is kept for validation")
    return Dataset(name, train[:kept], train[kept:], test)


def _numbers_if_0_or_1(arrays: dict[str, AnyArray]) -> dict[str, AnyArray]:
    """Make floats of images whose bytes, in training and test set alike, are 0 and 1 alone: as pixels, 1 would mean 1/255."""
    images = [role for role in arrays if role.endswith("images")]
    if any(arrays[role].dtype != np.uint8 or arrays[role].max() > 1 for role in images):
        return arrays
    return {role: array.astype(np.float32) if role in images else array for role, array in arrays.items()}


def _read_path(path: Path) -> AnyArray:
    with reading(path), path.open("rb") as file:
        return read_stream(file, path)


def _read_header(source: IO[bytes], name: object) -> tuple[tuple[int, ...], np.dtype[Any]]:
    start = source.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in STORED or not 1 <= start[3] <= DIMENSIONS:
        raise DataError(f"{name} is no IDX file: it begins with the bytes '{start.hex(' ')}', where MNIST's begin with 00 00 08")
    dimensions = source.read(4 * start[3])
    if len(dimensions) < 4 * start[3]:
        raise _short(name, "it ends within its header")
    return tuple(np.frombuffer(dimensions, ">u4").tolist()), np.dtype(STORED[start[2]])


def _fill(source: IO[bytes], array: AnyArray) -> int:
    """Read into an array, in steps, up to its end or the file's; return the number of bytes read."""
    room = array.reshape(-1).view(np.uint8).data
    filled = 0
    while filled < len(room):
        read: int = source.readinto(room[filled : filled + STEP])  # type: ignore[attr-defined]
        if not read:
            break
        filled += read
    return filled


def _short(name: object, told: str) -> DataError:
    return DataError(f"{name} is cut short: {told}, but the file ends before; download it again")


def _find(folder: Path) -> dict[str, Path]:
    """Find the four files of the one data set in a folder, by role."""
    found = _candidates(folder)
    whole = [files for files in found.values() if all(files[role] for role in ROLES)]
    if not whole:
        nearest = max(found.values(), key=len, default={})
        missing = ", ".join(role for role in ROLES if not nearest.get(role))
        raise DataError(f"{folder} must hold four IDX files with names like train-images-idx3-ubyte.gz; it has none for {missing}")
    if len(whole) > 1 or any(len(paths) > 1 for paths in whole[0].values()):
        names = sorted(path.name for files in whole for path in files["train-images"])
        several = f"{folder} holds the files of several data sets"
        raise DataError(
            f"{several} ({', '.join(names[:4])}{', ...' * (len(names) > 4)}); keep the four files of one in a folder of its own"
        )
    return {role: paths[0] for role, paths in whole[0].items()}


def _candidates(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """Sort a folder's IDX files by what stands before ``train`` or ``test`` in their names, and by role."""
    found: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    with reading(folder, "folder"):
        names = sorted(path.name for path in folder.iterdir())
    for name in names:
        match = NAME.fullmatch(name)
        if match and not (match[4] and name.removesuffix(match[4]) in names):
            part = "train" if match[2].lower() == "train" else "test"
            found[match[1].lower()][f"{part}-{match[3].lower()}"].append(folder / name)
    return found
