"""Images under affine maps: shifted, scaled, slanted and rotated about their centre.

A network that saw every digit in one form alone does not know that a slanted one is the same digit. It learns this from copies of
its training images under small random maps (LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning applied to document
recognition"; Simard, Steinkraus and Platt 2003, "Best practices for convolutional neural networks applied to visual document
analysis").

A new image is filled pixel by pixel: the inverse of the map gives the place in the old image from which a pixel comes, and the
value there is interpolated between the four pixels around it (bilinear interpolation). Outside the old image all is background.

Places are whole numbers of 2**-16 pixels, so that sums of them are exact. The kernel, ``kernels/calculus/distortion.hpp``,
therefore reads the same pixels with the same weights, and gives the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import AnyArray, Array, Indices
from .dropout import LOW_HALF, philox

FRACTION_BITS = 16
ONE_PIXEL = 2**FRACTION_BITS
STREAM = 0x44495354
"""The last word of a counter, which no dropout mask before step 2**62 has, so that no two draws share a counter."""


def distortion_draws(rows: Indices, count: int, *, seed: int, epoch: int) -> Array:
    """Draw numbers for some rows, uniform between -1 and 1: a function of (seed, epoch, row) alone.

    Parameters
    ----------
    rows : int array, shape (n,)
        The rows' numbers, from 0.
    count : int
        How many numbers a row needs.
    seed, epoch : int
        The training's seed, below 2**64, and the number of the epoch, below 2**32.

    Returns
    -------
    float64 array, shape (n, count)
        Odd multiples of 2**-32, from Philox of the counters ``(row mod 2**32, row // 2**32, epoch, STREAM + block)`` under the key
        ``(seed mod 2**32, seed // 2**32)``; a block is four numbers.

    Examples
    --------
    >>> both = distortion_draws(np.array([7, 8]), 6, seed=0, epoch=1)
    >>> bool((both[1] == distortion_draws(np.array([8]), 6, seed=0, epoch=1)).all())
    True
    """
    blocks = -(-count // 4)
    counter = np.empty((len(rows), blocks, 4), np.uint64)
    counter[..., 0] = (rows & LOW_HALF)[:, None]
    counter[..., 1] = (rows >> 32)[:, None]
    counter[..., 2] = epoch
    counter[..., 3] = STREAM + np.arange(blocks)
    words = philox(counter.reshape(-1, 4), (seed & LOW_HALF, seed >> 32)).reshape(len(rows), 4 * blocks)
    return (words[:, :count] + 0.5) / 2**31 - 1


def inverse_matrices(height: Array, width: Array, slant: Array, rotation: Array) -> Array:
    """Give the inverse of ``A = R S D`` for each image, a matrix over (row, column).

    ``D = [[height, 0], [0, width]]`` scales, ``S = [[1, 0], [-slant, 1]]`` moves what lies above the centre to the right, and
    ``R = [[cos, -sin], [sin, cos]]`` rotates counterclockwise. So ``A^-1 = D^-1 S^-1 R^T``, which is written out below.

    Parameters
    ----------
    height, width : arrays, shape (n,)
        Factors above 0.
    slant, rotation : arrays, shape (n,)
        The slant in columns a row, the rotation in radians.

    Returns
    -------
    float64 array, shape (n, 2, 2)

    Examples
    --------
    >>> one = np.ones(1)
    >>> inverse_matrices(2 * one, 4 * one, 3 * one, 0 * one).tolist()
    [[[0.5, 0.0], [0.75, 0.25]]]
    """
    cos, sin = np.cos(rotation), np.sin(rotation)
    rows = np.stack([cos, sin], axis=-1) / height[:, None]
    columns = np.stack([slant * cos - sin, slant * sin + cos], axis=-1) / width[:, None]
    return np.stack([rows, columns], axis=1)


def inverse_maps(inverse: Array, shift: Array, shape: tuple[int, int]) -> Indices:
    """Give the maps from the pixels of the new images to places in the old ones, in units of 2**-16 pixels.

    Pixel p of the new image comes from ``A^-1 (p - centre - shift) + centre``. Coordinate i of that place is
    ``maps[:, i, 0] row + maps[:, i, 1] column + maps[:, i, 2]``.

    Parameters
    ----------
    inverse : float64 array, shape (n, 2, 2)
        As ``inverse_matrices`` gives them.
    shift : float64 array, shape (n, 2)
        How far each image moves down and to the right, in pixels.
    shape : (int, int)
        The rows and columns of an image.

    Returns
    -------
    int64 array, shape (n, 2, 3)

    Examples
    --------
    >>> inverse_maps(np.eye(2)[None], np.array([[1.0, 0.0]]), (28, 28)).tolist()
    [[[65536, 0, -65536], [0, 65536, 0]]]
    """
    centre = (np.array(shape) - 1) / 2
    moved = centre + shift
    offset = centre - (inverse[:, :, 0] * moved[:, :1] + inverse[:, :, 1] * moved[:, 1:])
    return np.rint(np.concatenate([inverse, offset[:, :, None]], axis=2) * ONE_PIXEL).astype(np.int64)


def distort_images(images: AnyArray, maps: Indices, *, light: bool = False) -> AnyArray:
    """Give the images under the inverses of ``maps``, interpolated bilinearly.

    Parameters
    ----------
    images : array, shape (n, rows, columns)
        uint8, float32 or float64.
    maps : int64 array, shape (n, 2, 3)
        As ``inverse_maps`` gives them.
    light : bool
        The background: 255 of uint8 and 1 of floats where it is light, else 0.

    Returns
    -------
    array, shape (n, rows, columns)
        Of the images' dtype. uint8 is computed in whole numbers, with fractions of a pixel cut to 2**-8, and rounded to nearest.

    Examples
    --------
    >>> half_a_pixel_to_the_right = np.array([[[65536, 0, 0], [0, 65536, -32768]]])
    >>> distort_images(np.array([[[0, 200, 100, 0]]], np.uint8), half_a_pixel_to_the_right)
    array([[[  0, 100, 150,  50]]], dtype=uint8)
    """
    n, rows, columns = images.shape
    whole_numbers = images.dtype == np.uint8
    one, largest = (256, 255) if whole_numbers else (1, 1)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)), constant_values=light * largest)
    place = _places(maps, rows, columns)
    row, column = np.moveaxis(place >> FRACTION_BITS, 1, 0)
    above, below = (np.clip(row + side, -1, rows) + 1 for side in (0, 1))
    left, right = (np.clip(column + side, -1, columns) + 1 for side in (0, 1))
    down, across = np.moveaxis(_weights(place & (ONE_PIXEL - 1), images.dtype), 1, 0)
    k = np.arange(n)[:, None, None]
    upper = (one - across) * padded[k, above, left] + across * padded[k, above, right]
    lower = (one - across) * padded[k, below, left] + across * padded[k, below, right]
    mixed = (one - down) * upper + down * lower
    return ((mixed + 2**15) >> 16).astype(np.uint8) if whole_numbers else mixed


def _places(maps: Indices, rows: int, columns: int) -> Indices:
    """Give the place that each pixel of the new images comes from: (n, 2, rows, columns), in units of 2**-16 pixels."""
    per_row, per_column, offset = np.moveaxis(maps, 2, 0)[..., None, None]
    return per_row * np.arange(rows)[:, None] + per_column * np.arange(columns) + offset


def _weights(fraction: Indices, dtype: np.dtype[Any]) -> AnyArray:
    """Give fractions of a pixel, in units of 2**-16, as weights: for uint8 of 0 to 255, else floats below 1."""
    return fraction >> 8 if dtype == np.uint8 else fraction.astype(dtype) * dtype.type(1 / ONE_PIXEL)
