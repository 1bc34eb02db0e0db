"""The module ``mnist_average_darkness``: chapter 1's baseline, which guesses a digit by how dark its image is.

>>> from chainrule.book import mnist_average_darkness
>>> mnist_average_darkness.main()
Baseline classifier using average darkness of image.
2225 of 10000 values correct.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._types import AnyArray
from . import mnist_loader


def main() -> None:
    """Learn the digits' darkness from the training images, and print how many of the test images it guesses."""
    training_data, _, test_data = mnist_loader.load_data()
    averages = avg_darknesses(training_data)
    images, digits = test_data
    correct = sum(guess_digit(image, averages) == digit for image, digit in zip(images, digits, strict=True))
    print("Baseline classifier using average darkness of image.")
    print(f"{correct} of {len(digits)} values correct.")


def avg_darknesses(training_data: tuple[AnyArray, AnyArray]) -> dict[int, float]:
    """Give each digit's average darkness: the mean over its images of the sum of the pixels."""
    images, digits = training_data
    darkness = images.sum(axis=1, dtype=np.float64)
    return {int(digit): float(darkness[digits == digit].mean()) for digit in np.unique(digits)}


def guess_digit(image: Any, avgs: Mapping[int, float]) -> int:
    """Give the digit whose average darkness is nearest to that of an image."""
    darkness = np.sum(image, dtype=np.float64)
    return min(avgs, key=lambda digit: abs(avgs[digit] - darkness))


if __name__ == "__main__":
    main()
