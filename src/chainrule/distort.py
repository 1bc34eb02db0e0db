"""Distortions of images: ``train(..., distort=cr.distort.Affine(shift=2))`` distorts the images anew in each epoch.

A distortion is a frozen dataclass of settings in JSON's types. Its result is a function of (seed, epoch, row), so that a training
has the same bits however it is divided, and goes on in the middle of an epoch.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from ._checks import check_float
from ._types import AnyArray, Indices
from .calculus.distortion import distortion_draws, inverse_maps, inverse_matrices
from .engines.image_distortion import distort_images
from .errors import SettingError

__all__ = ["Affine", "Background", "Distortion"]

Background = Literal["dark", "light"]

_LIMITS = {"shift": 1e6, "scale": 0.9, "slant": 10.0, "rotation": 360.0}


@runtime_checkable
class Distortion(Protocol):
    """The interface of a distortion, as ``train`` uses it."""

    @property
    def background(self) -> Background | None:
        """The background of the images; None takes the one that is measured in the training images."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Give the name and the settings in JSON's types."""
        ...

    def apply(self, images: AnyArray, rows: Indices, *, seed: int, epoch: int, light: bool, threads: int) -> AnyArray:
        """Give the images (n, rows, columns) of some examples as they are in an epoch; ``images`` are not changed.

        ``rows`` are the examples' numbers, on which an image's distortion depends beside ``seed`` and ``epoch``; ``light`` is
        whether the background is light.
        """
        ...


@dataclass(frozen=True)
class Affine:
    """Shift, scale, slant and rotate each image about its centre, by amounts that are drawn uniformly for each row in each epoch.

    The image is scaled first, then slanted, rotated and shifted. Pixels are interpolated bilinearly; what comes in from outside is
    background.

    Parameters
    ----------
    shift : float
        The largest shift, up or down and to the left or right, in pixels.
    scale : float
        Height and width are each multiplied by a factor between ``1 - scale`` and ``1 + scale``; below 0.9.
    slant : float
        The largest slant to either side: how many columns the upper end of a line moves for each row of its height; below 10.
    rotation : float
        The largest rotation to either side, in degrees.
    background : {"dark", "light"}, optional
        Dark is 0; light is 255 of uint8, and 1 of floats. Measured in the training images if not given.

    Raises
    ------
    SettingError
        When a setting is out of its range.

    Notes
    -----
    Simard, Steinkraus and Platt (2003) and LeCun et al. (1998) train on digits that are distorted so.

    Examples
    --------
    >>> Affine(shift=2, rotation=15)
    Affine(shift=2.0, scale=0.0, slant=0.0, rotation=15.0, background=None)
    """

    shift: float = 0.0
    scale: float = 0.0
    slant: float = 0.0
    rotation: float = 0.0
    background: Background | None = None

    def __post_init__(self) -> None:
        for name, limit in _LIMITS.items():
            object.__setattr__(self, name, check_float(name, getattr(self, name), least=0, below=limit))
        if self.background not in ("dark", "light", None):
            raise SettingError(f"background must be 'dark', 'light' or None; it is {self.background!r}")

    def to_dict(self) -> dict[str, Any]:
        """Give the name and the settings in JSON's types."""
        return {"name": "affine", **asdict(self)}

    def maps(self, shape: tuple[int, int], rows: Indices, *, seed: int, epoch: int) -> Indices:
        """Draw the maps of some rows in an epoch, (n, 2, 3), as ``calculus.distortion.inverse_maps`` gives them.

        Parameters
        ----------
        shape : (int, int)
            The rows and columns of an image.
        rows : int array, shape (n,)
            The numbers of the examples.
        seed, epoch : int
            The training's seed, and the number of the epoch.
        """
        down, right, height, width, slant, rotation = distortion_draws(rows, 6, seed=seed, epoch=epoch).T.copy()
        inverse = inverse_matrices(
            1 + self.scale * height, 1 + self.scale * width, self.slant * slant, math.radians(self.rotation) * rotation
        )
        return inverse_maps(inverse, self.shift * np.column_stack([down, right]), shape)

    def apply(self, images: AnyArray, rows: Indices, *, seed: int, epoch: int, light: bool, threads: int) -> AnyArray:
        """Give the images (n, rows, columns) of some examples as they are in an epoch.

        Parameters
        ----------
        images : array, shape (n, rows, columns)
            uint8, float32 or float64; not changed.
        rows, seed, epoch
            As ``maps`` takes them.
        light : bool
            Whether the background is light.
        threads : int
            The number of threads; it changes no bit.
        """
        maps = self.maps(images.shape[1:], rows, seed=seed, epoch=epoch)
        return distort_images(images, maps, light=light, threads=threads)
