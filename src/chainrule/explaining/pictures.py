"""Arrays as pictures: PNGs for a page, half blocks for a terminal, and bars."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .._types import Array
from .model import Picture

Colours: TypeAlias = npt.NDArray[np.uint8]

BLUE, ORANGE = (37, 99, 235), (234, 108, 20)
BARS = " ▁▂▃▄▅▆▇█"


def colours(picture: Picture, most: float) -> Colours:
    """Give each number a colour, (height, width, 4) of red, green, blue and opacity; ``most`` is full strength.

    Signed numbers are blue above 0 and orange below, the fainter the nearer they are to 0, so that they stand on light and on dark.
    """
    pixels = picture.pixels / most if most > 0 else np.zeros_like(picture.pixels)
    seen = np.zeros((*pixels.shape, 4), np.uint8)
    if picture.signed:
        seen[..., :3] = np.where((pixels > 0)[..., None], BLUE, ORANGE)
        seen[..., 3] = np.round(255 * np.clip(np.abs(pixels), 0, 1) ** 0.7)
    else:
        seen[..., :3] = np.round(255 * np.clip(pixels, 0, 1))[..., None]
        seen[..., 3] = 255
    return seen


def strongest(pictures: Sequence[Picture]) -> float:
    """The number of full strength: of signed pictures the largest, of grey ones 1 or the largest above it."""
    largest = max((float(np.abs(p.pixels).max()) for p in pictures if p.pixels.size), default=0.0)
    return largest if pictures and pictures[0].signed else max(largest, 1.0)


def png(picture: Picture, most: float) -> str:
    """Give a picture as a ``data:`` address of a PNG, a pixel a number."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(colours(picture, most)).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def on(background: int, seen: Colours) -> Colours:
    """Lay colours over a grey background; (height, width, 3)."""
    opacity = seen[..., 3:] / 255
    flat: Colours = np.round(opacity * seen[..., :3] + (1 - opacity) * background).astype(np.uint8)
    return flat


def halved(pixels: Array) -> Array:
    """Average blocks of 2 x 2, for a smaller picture; an odd last row or column is averaged with itself."""
    height, width = (side + side % 2 for side in pixels.shape)
    even = np.pad(pixels, ((0, height - pixels.shape[0]), (0, width - pixels.shape[1])), mode="edge")
    small: Array = even.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return small


def bars(counts: Sequence[int]) -> str:
    """Tell a histogram in a line of blocks; what is not 0 is seen."""
    most = max(counts, default=0)
    return "".join(BARS[0 if not c else max(1, round(c / most * (len(BARS) - 1)))] for c in counts)
