"""Colours of a picture's numbers, for every renderer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .blocks import Picture

Colors: TypeAlias = npt.NDArray[np.uint8]

BLUE, ORANGE = (37, 99, 235), (234, 108, 20)


def to_rgba(picture: Picture, full_scale: float) -> Colors:
    """Map each number to red, green, blue and opacity, (height, width, 4).

    Signed numbers are blue above 0 and orange below, and the more transparent the nearer they are to 0, so that they are visible
    on light and on dark backgrounds.

    Parameters
    ----------
    picture : Picture
    full_scale : float
        The absolute value drawn in the strongest colour.
    """
    values = picture.pixels / full_scale if full_scale > 0 else np.zeros_like(picture.pixels)
    rgba = np.zeros((*values.shape, 4), np.uint8)
    if picture.signed:
        rgba[..., :3] = np.where((values > 0)[..., None], BLUE, ORANGE)
        rgba[..., 3] = np.round(255 * np.clip(np.abs(values), 0, 1) ** 0.7)
    else:
        rgba[..., :3] = np.round(255 * np.clip(values, 0, 1))[..., None]
        rgba[..., 3] = 255
    return rgba


def full_scale_of(pictures: Sequence[Picture]) -> float:
    """Return the absolute value to draw in the strongest colour: the largest; of grey pictures at least 1."""
    largest = max((float(np.abs(p.pixels).max()) for p in pictures if p.pixels.size), default=0.0)
    return largest if pictures and pictures[0].signed else max(largest, 1.0)
