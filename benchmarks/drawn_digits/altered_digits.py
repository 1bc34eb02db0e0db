"""Digits of MNIST's test set, enlarged to the page's paper, then shifted, scaled, thickened or slanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from benchmarks.drawn_digits.strokes import PAPER


@dataclass(frozen=True)
class Alteration:
    """A change to a digit on the paper: a shift in units of the paper, a scale, a slant, and ink added to the pen's width."""

    name: str
    shift: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    slant: float = 0.0
    ink: int = 0


ALTERATIONS = (
    Alteration("as they are"),
    Alteration("shifted", shift=(30.0, -30.0)),
    Alteration("scaled to 60 %", scale=0.6),
    Alteration("thickened", ink=15),
    Alteration("slanted to the right", slant=0.35),
    Alteration("slanted to the left", slant=-0.35),
)


def altered(images: np.ndarray, alteration: Alteration) -> Iterator[np.ndarray]:
    """Give each digit, (n, 784) uint8, as an altered drawing of 280 x 280 levels, uint8."""
    for image in images.reshape(-1, 28, 28):
        yield _altered(image, alteration)


def _altered(image: np.ndarray, alteration: Alteration) -> np.ndarray:
    """Alter one digit, by the inverse map: from a pixel of the paper to a place in the image."""
    enlargement = PAPER / 28
    # (row, column) of the paper = centre + shift + scale * enlargement * slanted((row, column) of the image - centre)
    slanted = np.array([[1.0, 0.0], [-alteration.slant, 1.0]])
    inverse = np.linalg.inv(slanted) / (alteration.scale * enlargement)
    centre = np.array([PAPER / 2 + alteration.shift[1], PAPER / 2 + alteration.shift[0]])
    offset = np.array([13.5, 13.5]) - inverse @ centre
    drawn = ndimage.affine_transform(image.astype(np.float64), inverse, offset, (PAPER, PAPER), order=1)
    if alteration.ink:
        drawn = ndimage.grey_dilation(drawn, footprint=_disc(alteration.ink))
    return np.clip(drawn, 0, 255).astype(np.uint8)


def _disc(diameter: int) -> np.ndarray:
    radius = np.arange(diameter) - (diameter - 1) / 2
    return np.hypot(*np.meshgrid(radius, radius)) <= diameter / 2
