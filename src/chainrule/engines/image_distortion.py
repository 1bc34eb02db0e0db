"""Images under affine maps: by the kernel where it was built, else by ``calculus``; both give the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._types import AnyArray, Indices
from ..calculus import distortion

native: Any
try:
    import chainrule.engines._fused as native
except ModuleNotFoundError:
    native = None


def distort_images(images: AnyArray, maps: Indices, *, light: bool, threads: int) -> AnyArray:
    """Give the images under the inverses of ``maps``: see ``calculus.distortion.distort_images``."""
    if native is None:
        return distortion.distort_images(images, maps, light=light)
    images, maps = (np.require(array, requirements=["C", "A"]) for array in (images, maps))
    out = np.empty(images.shape, images.dtype)
    native.distort_images(images, maps, light, out, threads)
    return out
