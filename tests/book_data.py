"""What the tests of ``chainrule.book`` share: MNIST in the book's lists, a small data set of columns, and both seeds."""

import random

import numpy as np


def seed(number):
    """Seed both global generators, as a reader of the book does."""
    np.random.seed(number)  # noqa: NPY002
    random.seed(number)


def small_pairs(count=25, n_in=4, n_out=3):
    """Random columns with one-hot targets; they do not touch the global generators."""
    rng = np.random.default_rng(5)
    classes = rng.integers(n_out, size=count)
    return [(rng.standard_normal((n_in, 1)), np.eye(n_out)[[k]].T) for k in classes]


def small_labelled(count=40, n_in=4, n_out=3):
    """Random columns with labels."""
    return [(x, int(y.argmax())) for x, y in small_pairs(count, n_in, n_out)]


def largest_difference(arrays, others):
    """The largest difference between two lists of arrays, which must have the same shapes."""
    assert [a.shape for a in arrays] == [b.shape for b in others]
    return max(float(np.abs(a - b).max()) for a, b in zip(arrays, others, strict=True))
