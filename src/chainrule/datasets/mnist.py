"""MNIST, which is part of the package: 70,000 handwritten digits of 28 x 28 pixels each.

Source: Y. LeCun, C. Cortes and C. Burges; CC BY-SA 3.0, as ``mnist_files/LICENSE.md`` says.
"""

from __future__ import annotations

import hashlib
from importlib import resources

from .._reading import translate_read_errors
from .._types import AnyArray
from ..errors import DataError
from .dataset import Dataset
from .idx import examples_from_images, header, read_stream, split_validation

SHA256 = {  # of the uncompressed files, as published
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def mnist() -> Dataset:
    """MNIST in the book's split: 50,000 images for training, 10,000 for validation, 10,000 for the test.

    Every call unpacks the four files and checks them against their published SHA-256.

    Returns
    -------
    Dataset
        Each ``x`` (n, 784) is uint8 pixels, 0 the background and 255 the ink; each ``y`` (n,) is int, the digit.

    Raises
    ------
    FileError, DataError
        When the package's own files are missing or damaged.

    Examples
    --------
    >>> mnist()
    Dataset(mnist: 50,000 train, 10,000 validation, 10,000 test; 784 pixels, labels 0..9)
    """
    arrays = {name: read_checked(name, digest) for name, digest in SHA256.items()}
    train, test = (
        examples_from_images(
            arrays[f"{part}-images-idx3-ubyte"],
            arrays[f"{part}-labels-idx1-ubyte"],
            f"MNIST's {part} images",
            f"MNIST's {part} labels",
            transposed=False,
        )
        for part in ("train", "t10k")
    )
    return split_validation("mnist", train, test)


def read_checked(name: str, digest: str) -> AnyArray:
    """Read one of the package's MNIST files, whose uncompressed contents must have this SHA-256."""
    file = resources.files(__package__) / "mnist_files" / f"{name}.gz"
    with translate_read_errors(file), file.open("rb") as stream:
        array = read_stream(stream, file)
    contents = hashlib.sha256(header(array))
    contents.update(array.data)
    if contents.hexdigest() != digest:
        raise DataError(f"{file} is not MNIST as published (its SHA-256 differs); install chainrule again")
    return array
