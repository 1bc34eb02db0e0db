"""The module ``mnist_loader``: MNIST, which is part of this package, in the two forms of the book.

The pixels are x/256 in float32, as in the book's ``mnist.pkl.gz``, whose largest is 0.99609375: so a run from the same seeds is the
book's run. The rest of chainrule reads pixels as x/255.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from .._types import AnyArray, Array
from ..datasets import mnist
from ..examples import Examples
from .column_pairs import vectorized_result

__all__ = ["load_data", "load_data_wrapper", "vectorized_result"]

Arrays: TypeAlias = tuple[Array, AnyArray]


def load_data() -> tuple[Arrays, Arrays, Arrays]:
    """Give training, validation and test data as two arrays each.

    Returns
    -------
    training_data, validation_data, test_data : (x, y)
        The images, float32 (n, 784), at least 0 and below 1; and the digits, int64 (n,); n is 50,000, 10,000 and 10,000.

    Raises
    ------
    FileError, DataError
        When the package's own files are missing or damaged.
    """
    parts = mnist()
    return _arrays(parts.train), _arrays(parts.validation), _arrays(parts.test)


def _arrays(examples: Examples) -> Arrays:
    """Give pixels and labels as the book's file holds them."""
    return np.asarray(examples.x, np.float32) / np.float32(256), np.array(examples.y, np.int64)


def load_data_wrapper() -> tuple[list[tuple[Array, Array]], list[tuple[Array, int]], list[tuple[Array, int]]]:
    """Give training, validation and test data as lists of pairs, which may be sliced.

    Returns
    -------
    training_data : list of (x, y)
        50,000 columns, (784, 1) and (10, 1).
    validation_data, test_data : list of (x, label)
        10,000 columns (784, 1) each, and the digits as int.

    Raises
    ------
    FileError, DataError
        When the package's own files are missing or damaged.
    """
    (x, digits), *others = load_data()
    targets = np.eye(10)[digits]
    training = list(zip(x[:, :, None], targets[:, :, None], strict=True))
    validation, test = (list(zip(x[:, :, None], y.tolist(), strict=True)) for x, y in others)
    return training, validation, test
