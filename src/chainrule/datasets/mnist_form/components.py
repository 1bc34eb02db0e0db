"""Connected components of ink, their boxes and stroke widths, and the choice of the component that is the digit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._types import Array
from .contrast import Mask

EIGHT_NEIGHBOURS = np.ones((3, 3))  # connects pixels along the diagonals too

Box = tuple[slice, slice]


class Components(NamedTuple):
    """The connected components of ink, numbered from 1 in ``labels``.

    ``mass`` is each component's summed contrast, ``boxes`` its rows and columns, ``inner`` whether it stays clear of the rim.
    """

    labels: npt.NDArray[np.int32]
    mass: Array
    boxes: list[tuple[slice, slice]]
    inner: Mask

    def mask(self, number: int) -> Mask:
        """Select the pixels of a component, within its box."""
        return self.labels[self.boxes[number - 1]] == number


def connected_components(contrast: Array, inked: Mask) -> Components:
    """Find the connected components of the inked pixels."""
    from scipy import ndimage

    labels, count = ndimage.label(inked, EIGHT_NEIGHBOURS)
    boxes = ndimage.find_objects(labels)
    inner = [all(extent.start > 0 and extent.stop < n for extent, n in zip(box, inked.shape, strict=True)) for box in boxes]
    mass = ndimage.sum_labels(contrast, labels, np.arange(1, count + 1))
    return Components(labels, mass, boxes, np.array(inner, bool))


def find_main_component(components: Components) -> int:
    """Choose the component that is the digit, or most of it: the largest one, or the one that the largest surrounds."""
    mass, inner = components.mass, components.inner
    # A component that touches the rim is probably a table's edge or a shadow. It is chosen only where no inner component has a
    # tenth of the largest mass.

    number = 1 + int(np.argmax(mass * inner if (mass * inner).max() > 0.1 * mass.max() else mass))
    while inside := _find_surrounded(components, number):
        number = inside
    return number


def _find_surrounded(components: Components, ring: int) -> int:
    """Find the largest component inside a ring; 0 where there is none, or where it is small beside the ring's stroke width."""
    from scipy import ndimage

    ring_mask = components.mask(ring)
    inside = components.labels[components.boxes[ring - 1]][ndimage.binary_fill_holes(ring_mask) & ~ring_mask]
    numbers = np.flatnonzero(np.bincount(inside)[1:]) + 1
    if not numbers.size:
        return 0
    largest = int(numbers[np.argmax(components.mass[numbers - 1])])
    # A dot in a 0 is about as wide as the pen's stroke, so a digit must be several times wider.
    return largest if longer_side(components.boxes[largest - 1]) >= 4 * stroke_width(ring_mask) else 0


def longer_side(box: tuple[slice, ...]) -> int:
    """Return the length of a box's longer side."""
    return max(int(extent.stop - extent.start) for extent in box)


def bounding_box(inked: Mask) -> Box:
    """Return the rows and columns that contain ink."""
    rows, columns = (np.flatnonzero(inked.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def extends_beyond(component: Box, digit: Box) -> bool:
    """Test whether a component is longer than a digit and extends beyond it at both ends, in either direction."""
    size = longer_side(digit)
    margin = 0.1 * size
    return any(
        extent.stop - extent.start > size and extent.start < inner.start - margin and extent.stop > inner.stop + margin
        for extent, inner in zip(component, digit, strict=True)
    )


def stroke_width(strokes: Mask) -> float:
    """Estimate the width w of strokes from the mean distance to their edge, which is w/4 + 1/2 across a stroke."""
    from scipy import ndimage

    depth: Array = ndimage.distance_transform_edt(np.pad(strokes, 1))[1:-1, 1:-1]
    return float(4 * (depth[strokes].mean() - 0.5))
