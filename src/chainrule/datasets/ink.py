"""A digit's ink, told from the paper that it is written on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .._types import Array
from ..errors import DataError

WORKING_SIDE = 600  # pixels: a larger picture is reduced to this first
LEAST_CONTRAST = 10.0  # grey levels of 255 that ink must stand out by
LEAST_CERTAINTY = 4.0  # and standard deviations of the paper's noise
BLURS = (1 / 700, 1 / 350, 1 / 175)  # of the longer side, tried in turn until the ink stands out from the noise
PIECE = 0.1  # of the digit's size: half the gap across which a detached piece still belongs to it
SAMPLES = 100  # rows and columns that smooth paper is estimated from
PATCHES = 60  # and patchy paper

Mask = npt.NDArray[np.bool_]
EIGHT = np.ones((3, 3))  # a pixel's neighbours, the diagonal ones too


class Blob(NamedTuple):
    """A digit found in a picture: the contrast of its surroundings, and where in them its strokes are.

    ``floor`` is the contrast that is still paper; ``whole`` tells that the picture's rim does not cut the digit off; ``certainty``
    is how far its ink stands out from the paper's noise.
    """

    contrast: Array
    strokes: Mask
    floor: float
    whole: bool
    certainty: float


def find(levels: Array) -> Blob:
    """Find the digit, on paper that is lit smoothly or on paper with shadows and edges, whichever it stands out from better."""
    smooth = _smooth_paper(levels)
    blobs = [_blob(levels, smooth), _blob(levels, _patchy_paper(levels, smooth))]
    # On patchy paper, what reaches the rim is more likely a shadow's edge than a digit that was cut off.
    found = [blob for k, blob in enumerate(blobs) if blob and (blob.whole or k == 0)]
    if not found:
        blank = "the picture is blank, or too faint to tell ink from paper"
        raise DataError(f"{blank}; it must show one digit, in grey levels from 0 to 255")
    return max(found, key=lambda blob: (blob.whole, blob.certainty))


def _blob(levels: Array, paper: Array) -> Blob | None:
    """Find the digit on this paper, with as much blur as it takes for the ink to stand out from the noise."""
    for blur in BLURS:
        contrast, noise = _contrast(levels, paper, blur * max(levels.shape))
        threshold = _threshold(contrast)
        if threshold >= max(LEAST_CONTRAST / 2, LEAST_CERTAINTY * noise):
            return _digit(contrast, threshold, noise)
    return None


def _contrast(levels: Array, paper: Array, blur: float) -> tuple[Array, float]:
    """Tell how far each pixel, blurred, stands out from the paper to the side of the ink; and the paper's standard deviation."""
    from scipy import ndimage

    off = np.abs(levels - paper)
    bare = off <= max(2.5 * _deviation(off), 2.0)
    residual = ndimage.gaussian_filter(levels - paper, blur)
    noise = _deviation(np.abs(residual[bare]))
    if np.vdot(residual, residual * residual) > 0:  # cubed, the few pixels that stand out outweigh the many that do not
        return residual, noise
    # Ink takes away a share of the light that falls on the paper: less, in grey levels, where it is dim.
    return -residual * (paper.mean() / np.maximum(paper, paper.mean() / 4 + 1)), noise


def _smooth_paper(levels: Array) -> Array:
    """Estimate the paper's grey under uneven light: a quadratic surface through the pixels that lie near it, begun from the rim."""
    rows, columns = (np.unique(np.linspace(0, n - 1, min(n, SAMPLES)).astype(int)) for n in levels.shape)
    sample, basis = levels[np.ix_(rows, columns)].ravel(), _quadratics(levels.shape)[:, rows][:, :, columns].reshape(6, -1).T
    rim = np.ones((len(rows), len(columns)), bool)
    rim[1:-1, 1:-1] = False
    trusted = rim.ravel()
    surface = np.full(sample.shape, np.median(sample[trusted]))
    for turn in range(10):
        off = np.abs(sample - surface)
        near = off <= max(2.5 * _deviation(off[trusted]), 2.0)
        trusted = near & rim.ravel() if turn < 3 else near
        seen = basis[trusted]
        weights = np.linalg.lstsq(seen.T @ seen, seen.T @ sample[trusted], rcond=1e-9)[0]
        surface = basis @ weights
    return np.tensordot(weights, _quadratics(levels.shape), 1)


def _patchy_paper(levels: Array, smooth: Array) -> Array:
    """Estimate the grey of paper with shadows on it, or a table around it: the median of each pixel's wide surroundings."""
    from PIL import Image
    from scipy import ndimage

    height, width = levels.shape
    off = Image.fromarray((levels - smooth).astype(np.float32))
    few = np.asarray(off.resize((min(width, PATCHES), min(height, PATCHES)), Image.Resampling.BOX))
    middle = Image.fromarray(ndimage.median_filter(few, [min(n, PATCHES // 3) for n in few.shape]))
    return smooth + np.asarray(middle.resize((width, height), Image.Resampling.BILINEAR), np.float64)


def _quadratics(shape: tuple[int, ...]) -> Array:
    """Give 1, y, x, xy, y^2 and x^2 over a picture, its sides from -1 to 1."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return np.stack([np.ones(shape), y, x, x * y, y * y, x * x])


def _deviation(off: Array) -> float:
    """Estimate the standard deviation of noise from its absolute values, whatever a few outliers hold."""
    return 1.4826 * float(np.median(off))


def _threshold(contrast: Array) -> float:
    """Find the contrast half way between the paper, at 0, and the mean of the ink, above half the most at first."""
    threshold = contrast.max() / 2
    for _ in range(2):  # on to where it rests (Ridler and Calvard, 1978), it would sink into shadows, which are larger than the ink
        inked = contrast[contrast > threshold]
        threshold = inked.mean() / 2 if inked.size else 0.0
    return float(threshold)


def _digit(contrast: Array, threshold: float, noise: float) -> Blob:
    """Find the strokes of the digit, its largest blob and the pieces close to it, with their surroundings."""
    from scipy import ndimage

    blobs, count = ndimage.label(contrast > threshold, EIGHT)
    numbers = np.arange(1, count + 1)
    mass = ndimage.sum_labels(contrast, blobs, numbers)
    boxes = ndimage.find_objects(blobs)
    inner = np.array([all(at.start > 0 and at.stop < n for at, n in zip(box, blobs.shape, strict=True)) for box in boxes])
    # The table's edge or a shadow in a corner reaches the rim; a digit does only where nothing else is there.
    main = int(np.argmax(mass * inner if (mass * inner).max() > 0.1 * mass.max() else mass))
    size = size_of_box(boxes[main])
    window = _widened(boxes[main], size // 2 + 2, blobs.shape)
    sizeable = np.isin(blobs[window], numbers[(mass >= 0.02 * mass[main]) & (mass <= mass[main])])
    joined, _ = ndimage.label(ndimage.distance_transform_edt(~sizeable) <= PIECE * size + 0.5)
    strokes = sizeable & (joined == joined[blobs[window] == main + 1][0])
    return Blob(contrast[window], strokes, LEAST_CERTAINTY * noise, bool(inner[main]), threshold / (1 + noise))


def _widened(box: tuple[slice, ...], by: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    rows, columns = (slice(max(0, at.start - by), min(n, at.stop + by)) for at, n in zip(box, shape, strict=True))
    return rows, columns


def size_of_box(box: tuple[slice, ...]) -> int:
    """Give a box's longer side."""
    return max(int(at.stop - at.start) for at in box)
