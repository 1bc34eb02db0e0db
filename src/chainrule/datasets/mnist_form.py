"""MNIST's form: what its makers did to their scans, done to a grey picture of one digit.

Light ink on a background of 0, in a box of 20 x 20 with its proportions kept, placed so that its centre of mass is at (14, 14) of
28 x 28 pixels. ``to_mnist`` goes there in the order of this file: the digit is found on its paper (``ink``), its tones are told
from the paper's, thin strokes are widened, and the digit is fitted into the box.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .._types import AnyArray, Array
from ..errors import DataError, DataTypeError
from ..input_spec import BOX, CENTRE, SIDE, in_form
from .ink import EIGHT, WORKING_SIDE, Blob, Mask, box_of, find, size_of_box, width_of

THINNEST = 1.8  # pixels in the box: nine in ten of MNIST's digits have wider strokes

Pixels = npt.NDArray[np.uint8]


def to_mnist(gray: npt.ArrayLike) -> Pixels:
    """Bring a grey picture of one digit to MNIST's form; one that is in it already stays as it is.

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
        When it holds no real numbers.

    Examples
    --------
    >>> page = np.full((100, 200), 230.0)
    >>> page[30:70, 150:155] = 40  # a dark stroke: a 1
    >>> one = to_mnist(page)
    >>> one.shape, int(one.max()), int((one.max(axis=1) > 0).sum())
    ((28, 28), 255, 20)
    """
    try:
        levels = np.asarray(gray)
    except ValueError:
        raise DataError("a picture must have rows of equal length; these are ragged") from None
    if levels.dtype.kind not in "fiub":
        raise DataTypeError(f"a picture must hold grey levels, numbers from 0 to 255; it holds {levels.dtype}")
    if levels.ndim != 2 or not levels.size:
        raise DataError(f"a picture must have shape (rows, columns), of one grey level each; it has shape {levels.shape}")
    if in_mnist_form(levels):
        return levels.astype(np.uint8)
    if levels.dtype.kind == "b":
        levels = levels * np.uint8(255)
    if not (levels.min() >= 0 and levels.max() <= 255):  # NaN fails, too
        raise DataError(f"a picture must hold grey levels from 0 to 255; it holds {levels.min():g} to {levels.max():g}")
    blob = find(reduced(levels))
    return _placed(_fitted(_thickened(_toned(blob), blob.strokes)))


def in_mnist_form(gray: AnyArray) -> bool:
    """Tell whether a picture is as MNIST's are: 28 x 28, its ink in a box of 20 whose centre of mass is at (14, 14)."""
    return gray.shape == (SIDE, SIDE) and gray.dtype == np.uint8 and bool(in_form(gray[None])[0])


def reduction(*sides: int) -> int:
    """Give the factor by which sides are reduced, so that none is longer than the working side."""
    return -(-max(sides) // WORKING_SIDE)


def reduced(levels: AnyArray) -> Array:
    """Average blocks of pixels, so that no side is longer than the working side."""
    from PIL import Image

    factor = reduction(*levels.shape)
    if factor == 1:
        return levels.astype(np.float64)
    return np.asarray(Image.fromarray(levels.astype(np.float32, copy=False)).reduce(factor), np.float64)


def _toned(blob: Blob) -> Array:
    """Tell how much ink each pixel holds, 0 to 1: the strokes, their soft edges, and nothing else."""
    from scipy import ndimage

    full = float(np.percentile(blob.contrast[blob.strokes], 75))
    floor = max(blob.floor, 0.05 * full)
    near = ndimage.distance_transform_edt(~blob.strokes) <= max(2.0, 1.5 * max(blob.strokes.shape) / BOX)
    tone = np.where(near, np.clip((blob.contrast - floor) / (full - floor), 0, 1), 0)
    pieces, _ = ndimage.label(tone > 0, EIGHT)
    return np.where(np.isin(pieces, pieces[blob.strokes]), tone, 0)


def _fitted(tone: Array) -> Array:
    """Scale a digit, its proportions kept, so that it just fits the box."""
    from PIL import Image

    tone = tone[box_of(tone > 0)]
    largest = max(tone.shape)
    height, width = (max(1, round(n * BOX / largest)) for n in tone.shape)
    resized = Image.fromarray(tone.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    tone = np.clip(np.asarray(resized, np.float64), 0, 1)
    return tone / tone.max()


def _thickened(tone: Array, strokes: Mask) -> Array:
    """Widen the strokes of a thin pen: such lines would all but vanish in the box."""
    from scipy import ndimage

    scale = BOX / size_of_box(box_of(strokes))
    grow = (THINNEST / scale - width_of(strokes)) / 2
    if grow <= 0:
        return tone
    margin = int(np.ceil(grow)) + 1
    away: Array = ndimage.distance_transform_edt(~np.pad(strokes, margin))
    widened: Array = np.clip(1 + grow - away, 0, 1)
    return np.maximum(np.pad(tone, margin), widened)


def _placed(tone: Array) -> Pixels:
    """Put a digit into the field so that its centre of mass is at the centre, or as near as it fits."""
    field = np.zeros((SIDE, SIDE), np.uint8)
    corner = [int(np.clip(round(CENTRE - at), 0, SIDE - n)) for at, n in zip(_centre_of_mass(tone), tone.shape, strict=True)]
    field[corner[0] : corner[0] + tone.shape[0], corner[1] : corner[1] + tone.shape[1]] = np.rint(255 * tone)
    return field


def _centre_of_mass(gray: AnyArray) -> tuple[float, float]:
    total = gray.sum(dtype=np.float64)
    rows, columns = (np.arange(n) @ gray.sum(axis=1 - k, dtype=np.float64) / total for k, n in enumerate(gray.shape))
    return float(rows), float(columns)
