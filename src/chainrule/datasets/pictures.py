"""Picture files: decoded to grey levels, and a photo or drawing of a digit brought to MNIST's form."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import AnyArray
from ..errors import DataError
from .files import reading
from .ink import WORKING_SIDE
from .mnist_form import Pixels, reduced, reduction, to_mnist

if TYPE_CHECKING:
    from PIL.Image import Image

LIMIT_PIXELS = 50_000_000
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # those that Pillow reads by itself, without another program


def read_picture(path: str | os.PathLike[str]) -> Pixels:
    """Read a picture of one digit (PNG, JPEG, BMP, GIF, TIFF, WebP, PPM) in MNIST's form.

    Parameters
    ----------
    path : path
        A photo or drawing, dark on light or light on dark, anywhere in the picture.

    Returns
    -------
    uint8 array, shape (784,)
        0 the background, 255 the ink.

    Raises
    ------
    FileError
        When the file is not there or cannot be read.
    DataError
        When it is no picture, is damaged or too large, or shows nothing.
    """
    path = Path(path)
    with reading(path), path.open("rb") as file:
        gray = _decode(path, file)
    try:
        return to_mnist(gray).reshape(-1)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _decode(path: Path, file: Any) -> AnyArray:
    """Give a picture file's grey levels, upright; see-through parts lie on what its ink stands out against."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of oddities in a file that we read or refuse anyway
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > LIMIT_PIXELS:
                    raise _too_large(path, f"{image.width} x {image.height}")  # noqa: TRY301
                return _gray(image)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_large(path, "more") from None
    except UnidentifiedImageError:
        raise DataError(f"{path} is no picture in a format that can be read; save it as PNG or JPEG") from None
    except DataError:
        raise
    except Exception as error:  # a decoder raises whatever damaged bytes lead it to
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{path} is a damaged picture ({why}); save or copy it again") from None


def _too_large(path: Path, came: str) -> DataError:
    return DataError(
        f"{path} is too large: at most {LIMIT_PIXELS // 10**6} million pixels can be read, and it has {came}; make it smaller"
    )


def _gray(image: Image) -> AnyArray:
    from PIL import ImageOps

    image.draft("L", (WORKING_SIDE, WORKING_SIDE))  # a large JPEG is decoded at a fraction of its size
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode[0] in "IF":  # 16 and 32 bits a pixel: grey levels of any range
        levels = reduced(np.asarray(image))
        return (levels - levels.min()) * (255 / max(float(np.ptp(levels)), 1e-9))
    if not image.has_transparency_data:
        return np.asarray(image.convert("L"))
    clear = image if image.mode == "RGBA" else image.convert("RGBA")
    factor = reduction(clear.height, clear.width)
    # Pillow weighs each pixel by its opacity, as it must: the colour under what is see-through means nothing.
    layers = np.asarray((clear if factor == 1 else clear.reduce(factor)).convert("LA"), np.float64)
    gray, opacity = layers[..., 0], layers[..., 1] / 255
    ground = 0 if np.sum(gray * opacity) > 127.5 * np.sum(opacity) else 255
    return gray * opacity + ground * (1 - opacity)
