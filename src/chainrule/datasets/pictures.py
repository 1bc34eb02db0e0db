"""Picture files: decoded to grey levels, and a photo or drawing of a digit brought to MNIST's form."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import AnyArray
from ..errors import DataError
from ..input_spec import InputSpec
from .files import reading
from .ink import WORKING_SIDE
from .mnist_form import Pixels, reduced, reduction, to_mnist

if TYPE_CHECKING:
    from PIL.Image import Image

LIMIT_PIXELS = 50_000_000
MOST_STRETCH = 0.03  # by which the proportions of a picture may differ from those of the training images
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
    try:
        return to_mnist(_read(path)).reshape(-1)
    except DataError as error:
        raise _named(path, error) from None


def read_image(path: str | os.PathLike[str], spec: InputSpec) -> tuple[AnyArray, str]:
    """Read a picture as a network's training images were: one of their size as it is, a larger one scaled down.

    Where the training images have MNIST's form, the picture's digit is brought to it. Where they are stored column by column, the
    upright picture is turned likewise. Where a larger picture's background is light and theirs dark, or the other way round, it is
    inverted.

    Parameters
    ----------
    path : path
    spec : InputSpec
        What the network learnt to read; images of pixels, or of numbers from 0 to 1.

    Returns
    -------
    row : array, shape (1, rows * columns)
        uint8 for a network that learnt pixels, else float32 from 0 to 1.
    note : str
        What was done to it that the user may not expect; empty where nothing was.

    Raises
    ------
    FileError
        When the file is not there or cannot be read.
    DataError
        When it is no picture, is damaged, or is smaller than the training images or of other proportions.
    """
    path = Path(path)
    gray = _read(path, spec)
    try:
        levels, note = (to_mnist(gray), "") if spec.mnist_form else _as_trained(gray, spec)
    except DataError as error:
        raise _named(path, error) from None
    row = (levels.T if spec.transposed else levels).reshape(1, -1)
    if spec.kind == "pixels":
        return np.rint(row).astype(np.uint8), note
    return row.astype(np.float32) / (1 if row.max() <= 1 else 255), note


def _as_trained(gray: AnyArray, spec: InputSpec) -> tuple[AnyArray, str]:
    """Bring an upright picture to the size of the training images."""
    rows, columns = spec.shape[::-1] if spec.transposed else spec.shape
    if gray.shape == (rows, columns):
        inverted = bool(gray.max() > 1) and spec.is_inverted(gray / 255)
        return gray, "taken as it is, for it has their size; but its tones are those of the images learnt inverted" * inverted
    height, width = gray.shape
    size = f"the picture is {width} x {height} pixels, the images that the network learnt {columns} x {rows}"
    if height < rows or width < columns:
        raise DataError(f"{size}; give one of that size or larger")
    if abs(height * columns - width * rows) > MOST_STRETCH * height * columns:
        raise DataError(f"{size}; crop it to the same proportions")
    from PIL import Image

    scaled = np.asarray(Image.fromarray(gray.astype(np.float32)).resize((columns, rows), Image.Resampling.BOX))
    if not spec.is_inverted(scaled / 255):
        return scaled, ""
    return 255 - scaled, "inverted, since its tones are those of the images that the network learnt inverted"


def _read(path: Path, spec: InputSpec | None = None) -> AnyArray:
    """Read a picture file's grey levels; as images that a network learnt, where its ``spec`` is given and they have no form."""
    with reading(path), path.open("rb") as file:
        return _decode(path, file, None if spec is None or spec.mnist_form else spec)


def _named(path: Path, error: DataError) -> DataError:
    return error if str(error).startswith(str(path)) else DataError(f"{path}: {error}")


def _decode(path: Path, file: Any, spec: InputSpec | None) -> AnyArray:
    """Give a picture file's grey levels, upright; see-through parts lie on what its ink stands out against, or on the background
    that ``spec`` says.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of oddities in a file that we read or refuse anyway
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > LIMIT_PIXELS:
                    raise _too_large(path, f"{image.width} x {image.height}")  # noqa: TRY301
                return _gray(image, spec)
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


def _gray(image: Image, spec: InputSpec | None) -> AnyArray:
    from PIL import ImageOps

    image.draft("L", (WORKING_SIDE, WORKING_SIDE))  # a large JPEG is decoded at a fraction of its size
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode[0] in "IF" and spec is not None:
        return _absolute(image)
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
    if spec is not None and spec.background is not None:
        ground = 0 if spec.background == "dark" else 255
    else:
        ground = 0 if np.sum(gray * opacity) > 127.5 * np.sum(opacity) else 255
    return gray * opacity + ground * (1 - opacity)


def _absolute(image: Image) -> AnyArray:
    """Give grey levels of more than 8 bits as levels from 0 to 255.

    Raises
    ------
    DataError
        When it is not known which level is white.
    """
    levels = np.asarray(image, np.float64)
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        return levels / 257  # 65535 is white
    if image.mode == "F" and levels.min() >= 0 and levels.max() <= 1:
        return levels * 255
    raise DataError("its grey levels have more than 8 bits, and it does not say which is white; save it with 8 bits a pixel")
