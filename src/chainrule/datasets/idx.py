"""IDX files, the format of MNIST and similar data sets: a header of big-endian numbers, then the elements in C order.

The header is two zero bytes, one byte for the element type, one for the number of dimensions, and four bytes for each dimension.
It is checked against the limits and the file's own length before memory is allocated.
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

from .._reading import LIMIT_BYTES, translate_read_errors, unpacked_limit
from .._types import AnyArray
from ..errors import DataError
from ..examples import Examples, Layout
from .dataset import Dataset
from .untrusted_files import DEFLATE_RATIO, checked_examples, remaining_bytes

CHUNK = 1 << 20  # bytes unpacked at a time
MOST_DIMENSIONS = 8
GZIP_MAGIC = b"\x1f\x8b"
ELEMENT_TYPES = {
    0x08: "u1",
    0x09: "i1",
    0x0B: ">i2",
    0x0C: ">i4",
    0x0D: ">f4",
    0x0E: ">f8",
}  # by the header's third byte
FLOATS = {"i1": "f4", "i2": "f4", "i4": "f8"}  # the smallest float type that represents every value of an integer type

ROLES = ("train-images", "train-labels", "test-images", "test-labels")
NAME = re.compile(r"(.*?)(train|test|t10k)[-_](images|labels)[-._]idx\d-[a-z]+(\.gz)?", re.IGNORECASE)


def idx(folder: str | os.PathLike[str], *, transposed: bool | None = None) -> Dataset:
    """Read a folder of four IDX files, gzipped or not, such as MNIST, Fashion-MNIST, KMNIST or EMNIST.

    The files are recognized by their names, such as ``train-images-idx3-ubyte.gz``, ``t10k-labels.idx1-ubyte`` or
    ``emnist-letters-test-images-idx3-ubyte.gz``; an unpacked file is preferred to the ``.gz`` of the same name. The last sixth of
    the training set becomes the validation set, as the book does with MNIST. Images and labels are read as stored: EMNIST's images
    are transposed, which ``layout.transposed`` records, and the labels of its letters count from 1. Black-and-white images, whose
    bytes are all 0 or 1, become the numbers 0 and 1, not the two darkest of 256 grey levels.

    Parameters
    ----------
    folder : path
        The folder that holds one data set's files.
    transposed : bool, optional
        Whether the images are stored column by column. By default True where the name of the training images' file begins with
        ``emnist``, else unknown.

    Returns
    -------
    Dataset
        Each ``x`` (n, rows * columns) is uint8 where the files hold unsigned bytes with a value above 1, else float32 or float64;
        each ``layout`` holds the rows and columns; each ``y`` (n,) is int.

    Raises
    ------
    FileError
        When the folder does not exist, or it or a file in it cannot be read.
    DataError
        When the folder lacks one of the files or holds several data sets; when a file is cut short, damaged, too large or not an
        IDX file.
    """
    folder = Path(folder)
    files = _find_files(folder)
    arrays = _floats_if_0_or_1({role: _read_path(path) for role, path in files.items()})
    if transposed is None and files["train-images"].name.lower().startswith("emnist"):
        transposed = True
    train, test = (
        examples_from_images(arrays[images], arrays[labels], files[images], files[labels], transposed=transposed)
        for images, labels in (("train-images", "train-labels"), ("test-images", "test-labels"))
    )
    return split_validation(folder.resolve().name or str(folder), train, test)


def read_stream(file: IO[bytes], name: object) -> AnyArray:
    """Read an IDX file, gzipped or not, from an open and seekable file.

    Parameters
    ----------
    file : binary file
    name : object
        The file's name in error messages.

    Returns
    -------
    array
        With the shape and element type of the header, in the byte order of the file.

    Raises
    ------
    DataError
        When the file is not an IDX file, or is damaged.
    """
    size = remaining_bytes(file)
    packed = file.read(2) == GZIP_MAGIC
    file.seek(0)
    source = cast("IO[bytes]", gzip.GzipFile(fileobj=file)) if packed else file
    try:
        shape, dtype = _read_header(source, name)
        claimed = math.prod(shape) * dtype.itemsize
        claim = f"its header claims {' x '.join(f'{n:,}' for n in shape)} elements ({claimed:,} bytes)"
        if not claimed:
            raise DataError(f"{name} is empty: {claim}")
        limit = unpacked_limit(size) if packed else LIMIT_BYTES
        if claimed > limit:
            remedy = " for its size; unpack it first" * packed
            raise DataError(f"{name} cannot be read: {claim}; the limit is {limit:,} bytes{remedy}")
        if claimed > (size * DEFLATE_RATIO if packed else size):
            raise _cut_short(name, claim)
        array = np.empty(shape, dtype)
        if _read_into(array, source) < claimed:
            raise _cut_short(name, claim)
        if source.read(1):
            raise DataError(f"{name} is too long: {claim}, and more bytes follow; download it again")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{name} is a damaged gzip file ({error}); download it again") from None
    return array


def header(array: AnyArray) -> bytes:
    """Encode the header of an IDX file that holds this array.

    Examples
    --------
    >>> header(np.zeros((2, 28, 28), np.uint8)).hex(" ", 4)
    '00000803 00000002 0000001c 0000001c'
    """
    code = next(code for code, stored in ELEMENT_TYPES.items() if np.dtype(stored) == array.dtype)
    return bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()


def examples_from_images(
    images: AnyArray, labels: AnyArray, images_name: object, labels_name: object, *, transposed: bool | None = None
) -> Examples:
    """Combine images (n, ...), flattened, with their labels (n,)."""
    if images.ndim < 2:
        raise DataError(f"{images_name} must hold images, (n, rows, columns); its shape is {images.shape}")
    if labels.ndim != 1:
        raise DataError(f"{labels_name} must hold one label for each image; its shape is {labels.shape}")
    if len(images) != len(labels):
        counts = f"{images_name} holds {len(images):,} images, but {labels_name} {len(labels):,} labels"
        raise DataError(f"{counts}; take both from one data set")
    native = images.dtype.newbyteorder("=")
    pixels = images.reshape(len(images), -1).astype(FLOATS.get(native.str[1:], native), copy=False)
    layout = Layout(images.shape[1], images.shape[2], transposed) if images.ndim == 3 else None
    return checked_examples(images_name, pixels, labels, layout=layout)


def split_validation(name: str, train: Examples, test: Examples) -> Dataset:
    """Split the last sixth of the training set off for validation, at least one example."""
    if train.n_in != test.n_in:
        raise DataError(
            f"the training images of {name} have {train.n_in} pixels, its test images {test.n_in}; they must have the same size"
        )
    n_train = len(train) - max(1, len(train) // 6)
    if not n_train:
        raise DataError(f"{name} has one training image; at least 2 are needed, since the last sixth is kept for validation")
    return Dataset(name, train[:n_train], train[n_train:], test)


def _floats_if_0_or_1(arrays: dict[str, AnyArray]) -> dict[str, AnyArray]:
    """Convert images to float32 where all bytes of the training and test set are 0 or 1: as a pixel, 1 would mean 1/255."""
    images = [role for role in arrays if role.endswith("images")]
    if any(arrays[role].dtype != np.uint8 or arrays[role].max() > 1 for role in images):
        return arrays
    return {role: array.astype(np.float32) if role in images else array for role, array in arrays.items()}


def _read_path(path: Path) -> AnyArray:
    with translate_read_errors(path), path.open("rb") as file:
        return read_stream(file, path)


def _read_header(source: IO[bytes], name: object) -> tuple[tuple[int, ...], np.dtype[Any]]:
    start = source.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in ELEMENT_TYPES or not 1 <= start[3] <= MOST_DIMENSIONS:
        raise DataError(f"{name} is not an IDX file: it begins with the bytes '{start.hex(' ')}', but MNIST's begin with 00 00 08")
    dimensions = source.read(4 * start[3])
    if len(dimensions) < 4 * start[3]:
        raise _cut_short(name, "its header is incomplete")
    return tuple(np.frombuffer(dimensions, ">u4").tolist()), np.dtype(ELEMENT_TYPES[start[2]])


def _read_into(array: AnyArray, source: IO[bytes]) -> int:
    """Read into an array, chunk by chunk, up to its end or the file's; return the number of bytes read."""
    buffer = array.reshape(-1).view(np.uint8).data
    filled = 0
    while filled < len(buffer):
        read: int = source.readinto(buffer[filled : filled + CHUNK])  # type: ignore[attr-defined]
        if not read:
            break
        filled += read
    return filled


def _cut_short(name: object, claim: str) -> DataError:
    return DataError(f"{name} is cut short: {claim}, but the file ends earlier; download it again")


def _find_files(folder: Path) -> dict[str, Path]:
    """Find the four files of the only data set in a folder, by role."""
    found = _candidates(folder)
    complete = [files for files in found.values() if all(files[role] for role in ROLES)]
    if not complete:
        nearest = max(found.values(), key=len, default={})
        missing = ", ".join(role for role in ROLES if not nearest.get(role))
        raise DataError(f"{folder} must hold four IDX files with names like train-images-idx3-ubyte.gz; it has none for {missing}")
    if len(complete) > 1 or any(len(paths) > 1 for paths in complete[0].values()):
        names = sorted(path.name for files in complete for path in files["train-images"])
        several = f"{folder} holds the files of several data sets"
        raise DataError(
            f"{several} ({', '.join(names[:4])}{', ...' * (len(names) > 4)}); keep the four files of each in a folder of its own"
        )
    return {role: paths[0] for role, paths in complete[0].items()}


def _candidates(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """Group a folder's IDX files by their names' prefix before ``train`` or ``test``, and by role."""
    found: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    with translate_read_errors(folder, "folder"):
        names = sorted(path.name for path in folder.iterdir())
    for name in names:
        match = NAME.fullmatch(name)
        if match and not (match[4] and name.removesuffix(match[4]) in names):
            part = "train" if match[2].lower() == "train" else "test"
            found[match[1].lower()][f"{part}-{match[3].lower()}"].append(folder / name)
    return found
