"""The inputs that a network was trained on. A model keeps them, so that later inputs are read in the same way, or refused."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath
from typing import Any, Literal, get_args

import numpy as np

from ._types import AnyArray, is_sparse
from .errors import DataError
from .examples import Examples, Layout

Kind = Literal["numbers", "pixels", "csr"]

ROUNDING = 1e-3
"""The tolerance beyond 0 and 1 of a pixel, for resizing and rounding errors."""

FARTHEST_PIXEL = 1e6
"""The largest magnitude of a limit of pixels in a model file: pixels lie near 0 to 1, and 255 times a limit must be finite."""

SIDE, BOX, CENTRE = 28, 20, 14
"""MNIST's form, in pixels: the image's side, the side of the box around the ink, the coordinates of the centre of mass."""

SAMPLED = 200  # images are enough to measure the form and the background
MOSTLY = 0.9  # the share of them that must agree
DARK = 0.25  # a rim is dark below this grey
FAR = 0.15  # a mean must be nearer by this much to decide


@dataclass(frozen=True)
class InputSpec:
    """The inputs that a network was trained on.

    Attributes
    ----------
    kind : {"numbers", "pixels", "csr"}
        Unscaled numbers; pixels, read from uint8 as x/255; or rows of a CSR matrix of unscaled numbers.
    shape : tuple of int
        Of one example: (rows, columns) of an image, else (n_in,).
    low, high : float or None
        The smallest and the largest value in training, of pixels after the division by 255; None if unknown.
    mnist_form : bool
        Whether the images have MNIST's form: ink in a box of 20 x 20 whose centre of mass is at (14, 14) of 28 x 28 pixels.
    transposed : bool
        Whether the images are stored column by column, as EMNIST's are.
    background : {"dark", "light"} or None
        The background that most images have at their rim; None if they differ, or examples are not images.
    mean : float or None
        The mean of the images, 0 to 1; None where examples are not images.
    first_column : {0, 1} or None
        The number of the first column in the svmlight file of the training data; None for other data.
    """

    kind: Kind
    shape: tuple[int, ...]
    low: float | None = None
    high: float | None = None
    mnist_form: bool = False
    transposed: bool = False
    background: Literal["dark", "light"] | None = None
    mean: float | None = None
    first_column: int | None = None

    @classmethod
    def of(cls, examples: Examples) -> InputSpec:
        """Measure the inputs of a training."""
        kinds: dict[str, Kind] = {"dense": "numbers", "pixels": "pixels", "csr": "csr", "piecewise": "numbers"}
        low, high = examples.bounds
        layout = examples.layout
        in_form = low >= 0 and high <= 1 and (layout is None or not layout.transposed) and has_mnist_form(examples)
        if in_form and layout is None:
            layout = Layout(SIDE, SIDE)
        if layout is None:
            return cls(kinds[examples.kind], (examples.n_in,), low, high)
        spec = cls(kinds[examples.kind], (layout.rows, layout.columns), low, high, in_form, bool(layout.transposed))
        if low < 0 or high > 1:
            return spec
        images = sampled(examples, layout.rows, layout.columns) / (255 if examples.kind == "pixels" else 1)
        return replace(spec, background=background_of(images), mean=round(float(images.mean()), 4))

    @classmethod
    def parse(cls, described: Any, n_in: int) -> InputSpec:
        """Read a model file's entries strictly; any mistake raises ValueError, TypeError or KeyError."""
        spec = cls(**{**described, "shape": tuple(described["shape"])})
        if spec.kind not in get_args(Kind) or (spec.first_column is not None and type(spec.first_column) is not int):
            raise ValueError("its inputs are of an unknown kind")
        if spec.first_column not in (None, 0, 1):
            raise ValueError("its first column is neither 0 nor 1")
        if not 1 <= len(spec.shape) <= 2 or any(type(n) is not int or n < 1 for n in spec.shape) or math.prod(spec.shape) != n_in:
            raise ValueError("the shape of its inputs is not that of its first layer")
        if spec.background not in ("dark", "light", None):
            raise ValueError("the background of its images is unknown")
        if spec.mean is not None and not (type(spec.mean) is float and 0 <= spec.mean <= 1):
            raise ValueError("the mean of its images is not a number from 0 to 1")
        if any(type(flag) is not bool for flag in (spec.mnist_form, spec.transposed)):
            raise ValueError("the form of its images is unknown")
        if spec.mnist_form and (spec.shape != (SIDE, SIDE) or spec.transposed):
            raise ValueError("its images do not have MNIST's form")
        limits = (spec.low, spec.high)
        if any(type(limit) is not float or not math.isfinite(limit) for limit in limits) and limits != (None, None):
            raise ValueError("the limits of its inputs are not finite numbers")
        if spec.low is not None and spec.high is not None and spec.low > spec.high:
            raise ValueError("the limits of its inputs are the wrong way round")
        if spec.kind == "pixels" and spec.low is None:
            raise ValueError("its pixels have no limits")
        if spec.kind == "pixels" and max(abs(spec.low or 0), abs(spec.high or 0)) > FARTHEST_PIXEL:
            raise ValueError(f"the limits of its pixels are beyond {FARTHEST_PIXEL:,.0f}; pixels lie near 0 to 1")
        return spec

    @property
    def is_image(self) -> bool:
        """Whether an example is an image whose rows and columns are known."""
        return len(self.shape) == 2

    @property
    def unit(self) -> bool:
        """Whether every value in training lay between 0 and 1."""
        return self.low is not None and self.high is not None and self.low >= 0 and self.high <= 1

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The limits of valid values: for pixels 0 and 1, or farther if training values were; infinite for all others."""
        if self.low is None or self.high is None or not (self.kind == "pixels" or (self.unit and self.is_image)):
            return -math.inf, math.inf
        return min(self.low, 0) - ROUNDING, max(self.high, 1) + ROUNDING

    def joined(self, other: InputSpec) -> InputSpec:
        """Give the inputs of a network that is trained on these, and then on the other ones."""
        has_limits = None not in (self.low, self.high, other.low, other.high)
        low = min(self.low, other.low) if has_limits else None  # type: ignore[type-var]
        high = max(self.high, other.high) if has_limits else None  # type: ignore[type-var]
        kind: Kind = "pixels" if "pixels" in (self.kind, other.kind) else other.kind
        newer = other if other.is_image or not self.is_image else self
        return replace(newer, kind=kind, low=low, high=high)

    def takes_uint8_as_pixels(self, largest: int) -> bool:
        """Whether uint8 inputs up to ``largest`` are pixels for this network.

        Raises
        ------
        DataError
            When it was trained on numbers between 0 and 1, so that uint8 is ambiguous.
        """
        if self.kind == "pixels" and largest == 1:
            raise DataError(
                "x is uint8 of 0 and 1 alone, but the network learnt pixels from 0 to 255; pass 255 * x, or x.astype('float32')"
            )
        if self.kind == "pixels":
            return True
        if self.unit and largest > 1:
            raise DataError(
                f"x is uint8 up to {largest}, but the network learnt numbers from {self.low:g} to {self.high:g}; "
                "pass x / 255 if these are pixels, x.astype('float32') if they are numbers"
            )
        return False

    def check_limits(self, low: float, high: float, *, training: bool = False) -> None:
        """Refuse inputs from ``low`` to ``high`` where the network was trained on pixels, and they cannot be pixels.

        Training values may lie somewhat beyond 0 and 1, as pixels with noise do, but not on another scale.

        Raises
        ------
        DataError
            With the remedy.
        """
        minimum, maximum = self.limits
        if training:
            minimum, maximum = minimum - 1, maximum + 1
        if low < minimum or high > maximum:
            remedy = "divide by 255, or pass uint8" if low >= 0 and high <= 255 and high > 2 else "bring them to 0..1"
            actual = f"x holds values from {low:g} to {high:g}"
            raise DataError(f"{actual}, but the network learnt images of values from {self.low:g} to {self.high:g}; {remedy}")

    def is_inverted(self, image: AnyArray) -> bool:
        """Whether an image of values from 0 to 1 is dark where the training images are light; False if that is not known.

        The backgrounds decide where both have one; else the means, if the inverted image's is nearer by ``FAR``.
        """
        found = background_of(image[None])
        if self.background is not None and found is not None:
            return found != self.background
        mean = float(image.mean())
        return self.mean is not None and abs(mean - self.mean) > abs(1 - mean - self.mean) + FAR

    def check_layout(self, layout: Layout | None) -> None:
        """Refuse images of another size, or stored in another order, than the training images.

        Raises
        ------
        DataError
            With the remedy.
        """
        if layout is None or not self.is_image:
            return
        if (layout.rows, layout.columns) != self.shape:
            actual, learnt = f"{layout.rows} x {layout.columns}", f"{self.shape[0]} x {self.shape[1]}"
            raise DataError(f"x holds images of {actual} pixels, but the network learnt images of {learnt}")
        if layout.transposed is not None and layout.transposed != self.transposed:
            raise DataError(
                f"x holds images stored {'column by column' if layout.transposed else 'row by row'}, but the network learnt images "
                f"stored {'column by column' if self.transposed else 'row by row'}; transpose them"
            )


def has_mnist_form(examples: Examples) -> bool:
    """Whether most images have MNIST's form: 28 x 28, ink in a box of 20 x 20 whose centre of mass is at (14, 14)."""
    if examples.n_in != SIDE * SIDE or examples.kind in ("csr", "piecewise"):
        return False
    return bool(np.mean(in_form(sampled(examples, SIDE, SIDE))) >= MOSTLY)


def sampled(examples: Examples, rows: int, columns: int) -> AnyArray:
    """Give some of the images, (n, rows, columns), evenly spread."""
    every = max(1, len(examples) // SAMPLED)
    some = examples.x[::every]
    return np.asarray(some.toarray() if is_sparse(some) else some).reshape(-1, rows, columns)  # type: ignore[attr-defined]


def background_of(images: AnyArray) -> Literal["dark", "light"] | None:
    """Give whether most of the rim of images of 0 to 1, (n, rows, columns), is dark or light; None where it is neither.

    Examples
    --------
    >>> background_of(np.pad(np.ones((1, 3, 3)), ((0, 0), (1, 1), (1, 1))))
    'dark'
    """
    rim = np.ones(images.shape[1:], bool)
    rim[1:-1, 1:-1] = False
    values = images[:, rim]
    return "dark" if np.mean(values < DARK) >= MOSTLY else "light" if np.mean(values > 1 - DARK) >= MOSTLY else None


def in_form(images: Any) -> Any:
    """Whether each image, (n, 28, 28) of 0 or more, has MNIST's form; (n,) of bool."""
    mass = images.sum(axis=(1, 2), dtype=np.float64)
    inked = mass > 0
    mass = np.where(inked, mass, 1)
    good = inked
    extents = []
    for axis in (2, 1):  # rows, then columns
        lines = images.sum(axis=axis, dtype=np.float64)
        good = good & (np.abs(lines @ np.arange(SIDE) / mass - CENTRE) <= 0.5)
        present = lines > 0
        extents.append(SIDE - present[:, ::-1].argmax(axis=1) - present.argmax(axis=1))
    return good & (np.maximum(*extents) == BOX)


def infer_input_spec(data: str, n_in: int, kind: str = "") -> InputSpec | None:
    """Infer the inputs that a network takes from the name and the kind of its training data; None where they do not say.

    The first model files hold no ``InputSpec``.

    Examples
    --------
    >>> infer_input_spec("mnist", 784).kind, infer_input_spec("wine.csv#kind", 13).kind, infer_input_spec("", 9, "csr").kind
    ('pixels', 'numbers', 'csr')
    >>> infer_input_spec("fashion/", 784) is None
    True
    """
    if data == "mnist" and n_in == SIDE * SIDE:
        return InputSpec("pixels", (SIDE, SIDE), 0.0, 1.0, mnist_form=True, background="dark", mean=0.1307)
    if kind == "pixels":
        return InputSpec("pixels", (n_in,), 0.0, 1.0)
    ending = PurePath(data.partition("#")[0]).suffix.lower()
    if kind == "csr" or ending in (".svmlight", ".libsvm"):
        return InputSpec("csr", (n_in,))
    return InputSpec("numbers", (n_in,)) if kind == "dense" or ending in (".csv", ".tsv", ".parquet") else None
