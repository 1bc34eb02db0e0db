"""Removal of the straight lines that do not belong to the digit, and of a box that touches it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..._types import Array
from .components import Box, bounding_box, connected_components, extends_beyond, find_main_component, longer_side, stroke_width
from .contrast import Mask
from .straight_lines import STRIPS, Line, find_lines, unite_pixels

THIN = 0.6  # of the digit's stroke width: a thinner line is not a stroke


class DigitBody(NamedTuple):
    """The bounding box and the stroke width of a digit's main component."""

    box: Box
    stroke_width: float


def remove_lines(contrast: Array, threshold: float, softness: int) -> tuple[Array, list[Line]]:
    """Remove the straight lines across the picture that do not belong to the digit.

    ``softness`` is the width of the ink's soft edge in pixels. The result is the contrast without them, and the lines removed.
    """
    inked = contrast > threshold
    lines = find_lines(inked)
    body = _digit_body(lines, inked)
    removed = _select_lines_beside(body, lines) if body else _select_lines_without_digit(lines)
    return _erase_lines(removed, contrast, inked, softness), removed


def remove_box(contrast: Array, threshold: float, softness: int) -> Array:
    """Remove a box that the digit touches: at least three lines, in both directions, across the component that contains both."""
    components = connected_components(contrast, contrast > threshold)
    if not components.boxes:
        return contrast
    largest = 1 + int(np.argmax(components.mass))
    box, mask = components.boxes[largest - 1], components.mask(largest)
    if min(mask.shape) < STRIPS:  # too few pixels to distinguish a line from a stroke
        return contrast
    lines = find_lines(mask)
    body = _digit_body(lines, mask)
    sides = _select_lines_beside(body, lines) if body else []
    if len(sides) < 3 or len({side.horizontal for side in sides}) < 2:
        return contrast
    boxless = contrast.copy()
    boxless[box] = _erase_lines(sides, contrast[box], mask, softness)
    return boxless


def erase(contrast: Array, removed: Mask, kept: Mask, softness: int) -> Array:
    """Set removed ink to paper, with its soft edges, except where they are also the edges of the ink that is kept."""
    from scipy import ndimage

    edges, spared = (ndimage.maximum_filter(mask, 2 * softness + 1) for mask in (removed, kept))
    return np.where(removed | edges & ~spared, np.minimum(contrast, 0), contrast)


def is_remnant(strokes: Mask, inside: bool, lines: list[Line]) -> bool:
    """Test whether ink is only left over from removed lines, at their crossings or where they cut a corner of the picture.

    ``inside`` says that the ink does not touch the picture's rim.
    """
    width = max((line.width for line in lines), default=0.0)
    return _is_too_small(bounding_box(strokes), lines) or (not inside and stroke_width(strokes) < 1.5 * width)


def _erase_lines(lines: list[Line], contrast: Array, inked: Mask, softness: int) -> Array:
    """Erase lines from the ink."""
    removed = unite_pixels(lines, inked)
    return erase(contrast, removed, inked & ~removed, softness) if lines else contrast


def _digit_body(lines: list[Line], inked: Mask) -> DigitBody | None:
    """Measure the main component of the ink without the lines; None where it is too small for a digit."""
    components = connected_components(inked.astype(np.float64), inked & ~unite_pixels(lines, inked))
    if not components.boxes:
        return None
    main = find_main_component(components)
    box = components.boxes[main - 1]
    return None if _is_too_small(box, lines) else DigitBody(box, stroke_width(components.mask(main)))


def _is_too_small(box: Box, lines: list[Line]) -> bool:
    """Test whether a component is too small for a digit, so that it is probably left over from a crossing of lines."""
    return any(longer_side(box) < max(2 * line.width + 2, 0.06 * max(line.pixels.shape)) for line in lines)


def _select_lines_beside(body: DigitBody, lines: list[Line]) -> list[Line]:
    """Select the lines that are not strokes of the digit.

    Such a line is thinner than the digit's strokes, or extends beyond the digit at both ends, or is one of at least three in its
    direction.
    """
    in_its_direction = [sum(other.horizontal == line.horizontal for other in lines) for line in lines]
    return [
        line
        for line, count in zip(lines, in_its_direction, strict=True)
        if line.width < THIN * body.stroke_width or extends_beyond(line.box, body.box) or count > 2
    ]


def _select_lines_without_digit(lines: list[Line]) -> list[Line]:
    """Select the lines of a page on which no other ink is a digit.

    A single vertical line may itself be the digit 1: it is kept where it is the only line, or where it ends short of the rim.
    """
    vertical = [line for line in lines if not line.horizontal]
    if len(vertical) != 1:
        return lines
    rows, height = vertical[0].box[0], len(vertical[0].pixels)
    short = min(rows.start, height - rows.stop) > 0.02 * height
    return [line for line in lines if line.horizontal] if short or len(lines) == 1 else lines
