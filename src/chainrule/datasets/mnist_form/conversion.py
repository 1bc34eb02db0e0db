"""The conversion of a grey picture of one digit to MNIST's form.

MNIST's form is light ink on a background of 0, scaled to fit a box of 20 x 20 with its proportions kept, and placed so that its
centre of mass is at (14, 14) of 28 x 28 pixels. ``to_mnist`` takes these steps: the digit is found on its paper, grey levels become
shares of ink, the strokes of a thin pen are widened, and the digit is scaled and placed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..._types import AnyArray, Array
from ...errors import DataError, DataTypeError
from ...input_spec import BOX, CENTRE, SIDE, in_form
from .components import EIGHT_NEIGHBOURS, bounding_box, longer_side, stroke_width
from .contrast import Mask
from .digit_finder import FoundDigit, find_digit

WORKING_SIDE = 600  # pixels: a larger picture is first reduced to this
THINNEST_STROKE = 1.8  # pixels in the box: nine in ten of MNIST's digits have wider strokes

Pixels = npt.NDArray[np.uint8]


def to_mnist(gray: npt.ArrayLike) -> Pixels:
    """Convert a grey picture of one digit to MNIST's form; a picture already in that form stays as it is.

    Parameters
    ----------
    gray : array_like, shape (h, w)
        Grey levels from 0 to 255, dark on light or light on dark, evenly lit or not.

    Returns
    -------
    uint8 array, shape (28, 28)
        0 the background, 255 the ink.

    Raises
    ------
    DataError
        When the picture is blank or has another shape.
    DataTypeError
        When it does not hold real numbers.

    Examples
    --------
    >>> page = np.full((100, 200), 230.0)
    >>> page[30:70, 150:155] = 40  # a dark stroke: a 1
    >>> one = to_mnist(page)
    >>> one.shape, int(one.max()), int((one.max(axis=1) > 0).sum())
    ((28, 28), 255, 20)
    """
    levels = _checked_levels(gray)
    if is_in_mnist_form(levels):
        return levels.astype(np.uint8)
    if levels.dtype.kind == "b":
        levels = levels * np.uint8(255)
    if not (levels.min() >= 0 and levels.max() <= 255):  # NaN fails this test too
        raise DataError(f"a picture must hold grey levels from 0 to 255; it holds {levels.min():g} to {levels.max():g}")
    digit = find_digit(reduce_size(levels))
    return _place_at_center(_scale_to_box(_thicken(_compute_ink_share(digit), digit.strokes)))


def _checked_levels(gray: npt.ArrayLike) -> AnyArray:
    """Check that a picture is a matrix of real numbers."""
    try:
        levels = np.asarray(gray)
    except ValueError:
        raise DataError("a picture must have rows of equal length; these are ragged") from None
    if levels.dtype.kind not in "fiub":
        raise DataTypeError(f"a picture must hold grey levels, numbers from 0 to 255; it holds {levels.dtype}")
    if levels.ndim != 2 or not levels.size:
        raise DataError(f"a picture must have shape (rows, columns), of one grey level each; it has shape {levels.shape}")
    return levels


def is_in_mnist_form(gray: AnyArray) -> bool:
    """Test whether a picture has MNIST's form: 28 x 28, its ink in a box of 20 whose centre of mass is at (14, 14)."""
    return gray.shape == (SIDE, SIDE) and gray.dtype == np.uint8 and bool(in_form(gray[None])[0])


def reduction_factor(*sides: int) -> int:
    """Compute the smallest factor that makes every side no longer than the working side."""
    return -(-max(sides) // WORKING_SIDE)


def reduce_size(levels: AnyArray) -> Array:
    """Average blocks of pixels, so that no side is longer than the working side."""
    from PIL import Image

    factor = reduction_factor(*levels.shape)
    if factor == 1:
        return levels.astype(np.float64)
    return np.asarray(Image.fromarray(levels.astype(np.float32, copy=False)).reduce(factor), np.float64)


def _compute_ink_share(digit: FoundDigit) -> Array:
    """Compute each pixel's share of ink, 0 to 1: that of the strokes and their soft edges, and 0 elsewhere."""
    from scipy import ndimage

    full = float(np.percentile(digit.contrast[digit.strokes], 75))
    floor = max(digit.floor, 0.05 * full)
    near = ndimage.distance_transform_edt(~digit.strokes) <= max(2.0, 1.5 * max(digit.strokes.shape) / BOX)
    shares = np.where(near, np.clip((digit.contrast - floor) / (full - floor), 0, 1), 0)
    labels, _ = ndimage.label(shares > 0, EIGHT_NEIGHBOURS)
    return np.where(np.isin(labels, labels[digit.strokes]), shares, 0)


def _thicken(shares: Array, strokes: Mask) -> Array:
    """Widen the strokes of a thin pen, which would almost vanish at the box's size."""
    from scipy import ndimage

    scale = BOX / longer_side(bounding_box(strokes))
    growth = (THINNEST_STROKE / scale - stroke_width(strokes)) / 2
    if growth <= 0:
        return shares
    margin = int(np.ceil(growth)) + 1
    distance: Array = ndimage.distance_transform_edt(~np.pad(strokes, margin))
    widened: Array = np.clip(1 + growth - distance, 0, 1)
    return np.maximum(np.pad(shares, margin), widened)


def _scale_to_box(shares: Array) -> Array:
    """Scale a digit, its proportions kept, to fill the box in one direction."""
    from PIL import Image

    shares = shares[bounding_box(shares > 0)]
    largest = max(shares.shape)
    height, width = (max(1, round(n * BOX / largest)) for n in shares.shape)
    resized = Image.fromarray(shares.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    shares = np.clip(np.asarray(resized, np.float64), 0, 1)
    return shares / shares.max()


def _place_at_center(shares: Array) -> Pixels:
    """Place a digit in the 28 x 28 field with its centre of mass at the centre, or as near to it as the digit fits."""
    field = np.zeros((SIDE, SIDE), np.uint8)
    centre = _centre_of_mass(shares)
    top, left = (int(np.clip(round(CENTRE - at), 0, SIDE - n)) for at, n in zip(centre, shares.shape, strict=True))
    field[top : top + shares.shape[0], left : left + shares.shape[1]] = np.rint(255 * shares)
    return field


def _centre_of_mass(gray: AnyArray) -> tuple[float, float]:
    total = gray.sum(dtype=np.float64)
    rows, columns = (np.arange(n) @ gray.sum(axis=1 - k, dtype=np.float64) / total for k, n in enumerate(gray.shape))
    return float(rows), float(columns)
