"""The two methods of chapter 1 without a network: the mean darkness of a digit, and a support vector machine."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import numpy as np

from .._types import AnyArray, Indices
from ..checkpoints.fingerprint import digest_of, fingerprint
from ..errors import SettingError
from ..examples import Examples
from ..plan import Floats
from .experiments import BOOK_DIVISOR, svm_baseline
from .result_file import SeedResult

if TYPE_CHECKING:
    from ..datasets import Dataset


def pixel_sums(images: Examples) -> AnyArray:
    """Give the sum of each image's pixels; int64, (n,)."""
    return np.asarray(images.x).sum(axis=1, dtype=np.int64)


def mean_darkness(images: Examples) -> Floats:
    """Give for each digit the mean of its images' sums of pixels; (10,)."""
    digits = labels_of(images)
    return np.bincount(digits, weights=pixel_sums(images)) / np.bincount(digits)


def guess_by_darkness(images: Examples, darkness: Floats) -> Indices:
    """Guess for each image the digit whose mean darkness is nearest to the image's own; of two as near the smaller one."""
    return np.abs(pixel_sums(images)[:, None] - darkness).argmin(axis=1)


def accuracy_by_darkness(data: Dataset) -> float:
    """Give the accuracy on the test images of guesses by the darkness of the training images."""
    return float(np.mean(guess_by_darkness(data.test, mean_darkness(data.train)) == labels_of(data.test)))


def labels_of(images: Examples) -> Indices:
    """Give the digits; MNIST always has them."""
    return np.asarray(images.y)


def svm_digest(data: Dataset, rows: int) -> str:
    """Give a digest of everything that the SVM's result depends on."""
    import sklearn

    parts = {"train": fingerprint(data.train), "test": fingerprint(data.test)}
    facts = {"rows": rows, "divisor": BOOK_DIVISOR, **parts, "scikit-learn": sklearn.__version__}
    return digest_of(text=json.dumps(facts, sort_keys=True))


def check_svm_rows(rows: int, data: Dataset) -> None:
    """Refuse more rows than there are, and fewer than 100, which may lack a digit."""
    if not 100 <= rows <= len(data.train):
        raise SettingError(f"the SVM is fitted to 100 to {len(data.train):,} images; the number given is {rows:,}")


def fit_svm(data: Dataset, rows: int) -> SeedResult:
    """Fit scikit-learn's SVC with the book's settings to the first rows, and evaluate it on the test images: minutes for 50,000.

    ``gamma="auto"`` is 1/784, the default of the scikit-learn of the book's time. With the pixels of the book's file 9,435 of the
    test images are right, as in the book; divided by 255 it is 9,434.
    """
    from sklearn.svm import SVC

    started = time.thread_time()
    x, test_x = (np.asarray(part.x) / np.float32(BOOK_DIVISOR) for part in (data.train[:rows], data.test))
    machine = SVC(gamma="auto").fit(x, labels_of(data.train)[:rows])
    accuracy = float(np.mean(machine.predict(test_x) == labels_of(data.test)))
    return SeedResult(svm_baseline(rows).name, 0, svm_digest(data, rows), (accuracy,), None, round(time.thread_time() - started, 3))
