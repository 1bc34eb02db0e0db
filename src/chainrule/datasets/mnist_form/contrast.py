"""The contrast between ink and paper: an estimate of the paper's grey, and the threshold that separates the two."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._types import Array

SAMPLES = 100  # rows and columns sampled to estimate smoothly lit paper
PATCHES = 60  # rows and columns of the reduced picture from which patchy paper is estimated
RIM_PARTS = 6  # the wide rim is one of this many parts of each side

Mask = npt.NDArray[np.bool_]


class Contrast(NamedTuple):
    """How far each pixel stands out from the paper, positive for ink; ``noise`` is the paper's standard deviation."""

    levels: Array
    noise: float


def compute_contrast(paper: Array, levels: Array, blur: float) -> Contrast:
    """Compute the blurred contrast of grey levels against the paper.

    The sign is chosen so that ink is positive, whether it is darker or lighter than the paper.
    """
    from scipy import ndimage

    distance = np.abs(levels - paper)
    bare = distance <= max(2.5 * _standard_deviation(distance), 2.0)
    residual = ndimage.gaussian_filter(levels - paper, blur)
    noise = _standard_deviation(np.abs(residual[bare]))
    # The sum of cubes has the sign of the ink: the few pixels that stand out outweigh the many that do not.
    if np.vdot(residual, residual * residual) > 0:
        return Contrast(residual, noise)
    # Dark ink absorbs a share of the light, which is fewer grey levels where the light is dim.
    return Contrast(-residual * (paper.mean() / np.maximum(paper, paper.mean() / 4 + 1)), noise)


def compute_threshold(contrast: Array) -> float:
    """Compute the threshold between paper and ink: half the mean contrast of the ink.

    The ink is first taken to be all above half the largest contrast. Two iterations are enough. The method of Ridler and Calvard
    (1978) would iterate to a fixed point, but then the threshold would sink into shadows, which are larger than the ink.
    """
    threshold = contrast.max() / 2
    for _ in range(2):
        inked = contrast[contrast > threshold]
        threshold = inked.mean() / 2 if inked.size else 0.0
    return float(threshold)


def estimate_smooth_paper(levels: Array, wide_rim: bool = False) -> Array:
    """Estimate the paper's grey under smoothly varying light.

    A quadratic surface is fitted by least squares, repeatedly, to the pixels close to it. The first three iterations use only
    pixels of the rim, where there is probably no ink.

    """
    rows, columns = (np.unique(np.linspace(0, n - 1, min(n, SAMPLES)).astype(int)) for n in levels.shape)
    sample = levels[np.ix_(rows, columns)]
    rim = _select_border(sample.shape, RIM_PARTS) if wide_rim else _select_rim(sample)
    sample, rim = sample.ravel(), rim.ravel()
    basis = _quadratic_basis(levels.shape)[:, rows][:, :, columns].reshape(6, -1).T
    trusted = rim
    surface = np.full(sample.shape, np.median(sample[trusted]))
    for iteration in range(10):
        distance = np.abs(sample - surface)
        near = distance <= max(2.5 * _standard_deviation(distance[trusted]), 2.0)
        trusted = near & rim if iteration < 3 else near
        design = basis[trusted]
        weights = np.linalg.lstsq(design.T @ design, design.T @ sample[trusted], rcond=1e-9)[0]
        surface = basis @ weights
    return np.tensordot(weights, _quadratic_basis(levels.shape), 1)


def estimate_patchy_paper(levels: Array, smooth: Array) -> Array:
    """Estimate the grey of paper with shadows on it, or with a table around it: the median over a wide neighbourhood.

    ``smooth`` is the result of ``estimate_smooth_paper``. The median is taken of the difference from it, at reduced size.
    """
    from PIL import Image
    from scipy import ndimage

    height, width = levels.shape
    difference = Image.fromarray((levels - smooth).astype(np.float32))
    reduced = np.asarray(difference.resize((min(width, PATCHES), min(height, PATCHES)), Image.Resampling.BOX))
    medians = Image.fromarray(ndimage.median_filter(reduced, [min(n, PATCHES // 3) for n in reduced.shape]))
    return smooth + np.asarray(medians.resize((width, height), Image.Resampling.BILINEAR), np.float64)


def _select_rim(sample: Array) -> Mask:
    """Select the outermost pixels of a picture, or a wide rim where the outermost ones are a frame around the paper."""
    outer, wide = (_select_border(sample.shape, parts) for parts in (max(sample.shape), RIM_PARTS))
    frame, paper = np.median(sample[outer]), np.median(sample[wide])
    near = abs(frame - paper) / 2
    framed = np.mean(np.abs(sample[outer] - frame) < near) > 0.8 and np.mean(np.abs(sample[wide] - paper) < near) > 0.65
    return wide if framed else outer


def _select_border(shape: tuple[int, ...], parts: int) -> Mask:
    """Select a border whose width is each side's length divided by ``parts``, at least one pixel."""
    border = np.ones(shape, bool)
    widths = [max(1, n // parts) for n in shape]
    border[tuple(slice(width, n - width) for n, width in zip(shape, widths, strict=True))] = False
    return border


def _quadratic_basis(shape: tuple[int, ...]) -> Array:
    """Evaluate 1, y, x, xy, y^2 and x^2 at each pixel, with coordinates from -1 to 1."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return np.stack([np.ones(shape), y, x, x * y, y * y, x * x])


def _standard_deviation(absolute: Array) -> float:
    """Estimate the standard deviation of normal noise from its absolute values; the median makes it robust to outliers."""
    return 1.4826 * float(np.median(absolute))
