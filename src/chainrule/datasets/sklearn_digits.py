"""A small data set for first experiments and quick tests."""

from __future__ import annotations

import numpy as np

from ..examples import Examples, Layout
from .dataset import Dataset

SEED = 0  # fixed, so that the split is the same everywhere


def digits() -> Dataset:
    """scikit-learn's handwritten digits: 8 x 8 images, 1,197 for training, 300 for validation, 300 for the test.

    Returns
    -------
    Dataset
        Each ``x`` (n, 64) is float32 in [0, 1], the stored grey 0..16 divided by 16; each ``y`` (n,) is int, the digit.

    References
    ----------
    E. Alpaydin, C. Kaynak (1998), *Optical Recognition of Handwritten Digits*, UCI Machine Learning Repository.

    Examples
    --------
    >>> digits()
    Dataset(digits: 1,197 train, 300 validation, 300 test; 64 columns of float32, labels 0..9)
    """
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(SEED).permutation(len(y))
    examples = Examples((x[order] / 16).astype(np.float32), y[order].astype(np.intp), layout=Layout(8, 8, transposed=False))
    return Dataset("digits", examples[:1197], examples[1197:1497], examples[1497:])
