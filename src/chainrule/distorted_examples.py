"""The examples of a training whose images are distorted anew in each epoch.

All images of an epoch are distorted and prepared at its start, not block by block: an engine decides by all rows how it holds the
data (whether as CSR, the scale of the weights, whether targets are classes), and so the division into blocks changes no bit.
"""

from __future__ import annotations

import numpy as np

from ._types import AnyArray, Indices
from .distort import Distortion
from .engines import Threads, thread_count
from .errors import ArgumentTypeError, DataError
from .examples import Examples
from .input_spec import InputSpec

PIXELS_AT_ONCE = 2**20
"""The pixels of one call, a few milliseconds of work: signals are handled between two calls."""


class DistortedExamples:
    """Some rows of examples, whose images a distortion changes.

    Parameters
    ----------
    examples : Examples
    rows : int array or None
        The rows of the training; None for all.
    distortion : Distortion
    inputs : InputSpec
        The form of the images.

    Attributes
    ----------
    distortion : Distortion

    Raises
    ------
    ArgumentTypeError
        When it is not a distortion.
    DataError
        When the examples are not images whose rows, columns and background are known.
    """

    def __init__(self, examples: Examples, rows: Indices | None, distortion: Distortion, inputs: InputSpec) -> None:
        if isinstance(distortion, type) or not isinstance(distortion, Distortion):
            raise ArgumentTypeError(f"distort must be a distortion, such as cr.distort.Affine(shift=2); it is {distortion!r}")
        _check_images(examples, inputs)
        self.distortion = distortion
        self.light = _has_light_background(distortion, inputs)
        self._transposed = inputs.transposed
        self._shape = inputs.shape
        self._numbers = np.arange(len(examples)) if rows is None else rows
        self._originals = examples if rows is None else examples[rows]

    def in_epoch(self, epoch: int, *, seed: int, threads: Threads) -> Examples:
        """Give the examples, in the order of the training's rows, with their images as they are in an epoch."""
        n, n_in = len(self._originals), self._originals.n_in
        originals = np.asarray(self._originals.x).reshape(n, *self._shape)
        images = np.empty(originals.shape, originals.dtype)
        at_once = max(1, PIXELS_AT_ONCE // n_in)
        for first in range(0, n, at_once):
            part = slice(first, first + at_once)
            rows, workers = self._numbers[part], thread_count(threads)
            upright = self._upright(originals[part])
            distorted = self.distortion.apply(upright, rows, seed=seed, epoch=epoch, light=self.light, threads=workers)
            images[part] = self._upright(distorted)
        return self._originals.with_inputs(images.reshape(n, n_in))

    def _upright(self, images: AnyArray) -> AnyArray:
        """Transpose images that are stored column by column, or back again."""
        return images.swapaxes(1, 2) if self._transposed else images


def _check_images(examples: Examples, inputs: InputSpec) -> None:
    """Refuse examples that are not images of known rows and columns."""
    if examples.kind not in ("pixels", "dense"):
        found = "a CSR matrix" if examples.kind == "csr" else "PiecewiseInputs"
        raise DataError(
            f"distort needs images, as an array of uint8 or of floats; x is {found}. Pass the images as such an array, with "
            "layout=(rows, columns), or leave distort out"
        )
    if not inputs.is_image:
        raise DataError(
            f"distort needs images whose rows and columns are known; x has {examples.n_in} columns, and nothing says that these "
            "are images. Pass cr.Examples(x, y, layout=(rows, columns)), or leave distort out"
        )


def _has_light_background(distortion: Distortion, inputs: InputSpec) -> bool:
    """Whether the background is light: as the distortion says, else as it was measured."""
    background = distortion.background or inputs.background
    if background is None:
        found = "hold numbers outside 0 to 1" if not inputs.unit else "have rims that are neither mostly dark nor mostly light"
        raise DataError(
            "distort fills with background what comes in from outside an image, and the background of these is not known: they "
            f"{found}. Say it: background='dark' for 0, or 'light' for 255 of uint8 and 1 of floats; on the command line "
            "--distort shift=1,background=dark"
        )
    return background == "light"
