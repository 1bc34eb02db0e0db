"""The digit in a picture, separated from the paper and from lines beside it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..._types import Array
from ...errors import DataError
from .components import connected_components, extends_beyond, find_main_component, longer_side
from .contrast import Contrast, Mask, compute_contrast, compute_threshold, estimate_patchy_paper, estimate_smooth_paper
from .line_removal import erase, is_remnant, remove_box, remove_lines

LEAST_CONTRAST = 10.0  # grey levels of 255: ink must stand out from the paper by as many
LEAST_CERTAINTY = 4.0  # standard deviations of the paper's noise: ink must also stand out by as many
BLURS = (1 / 700, 1 / 350, 1 / 175)  # of the longer side, tried in turn until the ink stands out from the noise
DETACHED_GAP = 0.1  # of the digit's size: half the gap across which a detached component still belongs to it


class FoundDigit(NamedTuple):
    """A digit found in a picture.

    ``contrast`` covers the digit's surroundings and ``strokes`` selects its ink in them. Contrast up to ``floor`` is paper.
    ``inside`` says that the digit does not touch the picture's rim. ``certainty`` is the ratio of the ink's contrast to the noise.
    """

    contrast: Array
    strokes: Mask
    floor: float
    inside: bool
    certainty: float


def find_digit(levels: Array) -> FoundDigit:
    """Find the digit; of two estimates of the paper, smooth and patchy, the one from which it stands out better is used.

    Raises
    ------
    DataError
        When the picture shows no digit.
    """
    smooth = estimate_smooth_paper(levels)
    candidates = [_find_on_paper(smooth, levels), _find_on_paper(estimate_patchy_paper(levels, smooth), levels)]
    # On patchy paper, ink at the rim is more likely a shadow's edge than a digit that is cut off.
    found = [digit for k, digit in enumerate(candidates) if digit and (digit.inside or k == 0)]
    if not found:  # lines may fill the outermost pixels
        digit = _find_on_paper(estimate_smooth_paper(levels, wide_rim=True), levels)
        found = [digit] if digit else []
    if not found:
        blank = "the picture is blank, or too faint to tell ink from paper"
        raise DataError(f"{blank}; it must show one digit, in grey levels from 0 to 255")
    return max(found, key=lambda digit: (digit.inside, digit.certainty))


def _find_on_paper(paper: Array, levels: Array) -> FoundDigit | None:
    """Find the digit on this paper, with the least blur at which the ink stands out from the noise."""
    softness = 1 + round(2 * BLURS[0] * max(levels.shape))
    for blur in BLURS:
        contrast, noise = compute_contrast(paper, levels, blur * max(levels.shape))
        threshold = compute_threshold(contrast)
        least = max(LEAST_CONTRAST / 2, LEAST_CERTAINTY * noise)
        if threshold < least:
            continue
        least = max(least, threshold / 4)  # fainter ink beside lines may be their soft edges
        contrast, lines = remove_lines(contrast, max(threshold, least) / 2, softness)
        contrast = remove_box(contrast, max(threshold, least) / 2, softness)
        threshold = compute_threshold(contrast)
        if threshold >= least:
            digit = _select_digit(Contrast(contrast, noise), threshold, softness)
            return None if is_remnant(digit.strokes, digit.inside, lines) else digit
    return None


def _select_digit(contrast: Contrast, threshold: float, softness: int) -> FoundDigit:
    """Select the digit's strokes, which are the main component and the components close to it, with their surroundings."""
    from scipy import ndimage

    levels, noise = contrast
    components = connected_components(levels, levels > threshold)
    main = find_main_component(components)
    box, mass = components.boxes[main - 1], components.mass[main - 1]
    size = longer_side(box)
    window = _widen(box, size // 2 + 2, levels.shape)
    fitting = (components.mass >= 0.02 * mass) & (components.mass <= mass)
    fitting &= [not extends_beyond(other, box) for other in components.boxes]
    labels = components.labels[window]
    candidates = np.isin(labels, 1 + np.flatnonzero(fitting))
    joined, _ = ndimage.label(ndimage.distance_transform_edt(~candidates) <= DETACHED_GAP * size + 0.5)
    strokes = candidates & (joined == joined[labels == main][0])
    surroundings = erase(levels[window], (labels > 0) & ~strokes, strokes, softness)
    inside = bool(components.inner[main - 1])
    return FoundDigit(surroundings, strokes, LEAST_CERTAINTY * noise, inside, threshold / (1 + noise))


def _widen(box: tuple[slice, ...], margin: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Widen a box by a margin on each side, within the picture."""
    rows, columns = (
        slice(max(0, extent.start - margin), min(n, extent.stop + margin)) for extent, n in zip(box, shape, strict=True)
    )
    return rows, columns
