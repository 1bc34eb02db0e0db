"""Picture files, decoded to grey levels and converted to the form of a network's training images."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._reading import translate_read_errors
from .._types import AnyArray
from ..errors import DataError
from ..input_spec import InputSpec
from .mnist_form import WORKING_SIDE, Pixels, reduce_size, reduction_factor, to_mnist

if TYPE_CHECKING:
    from PIL.Image import Image

LIMIT_PIXELS = 50_000_000
MOST_STRETCH = 0.03  # the largest relative difference between the proportions of a picture and of the training images
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # Pillow decodes these itself, without another program


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
        When the file does not exist or cannot be read.
    DataError
        When the file is not a picture, is damaged or too large, or shows no digit.
    """
    path = Path(path)
    try:
        return to_mnist(_read_gray(path)).reshape(-1)
    except DataError as error:
        raise _with_path(path, error) from None


def read_image(path: str | os.PathLike[str], spec: InputSpec) -> tuple[AnyArray, str]:
    """Read a picture in the form of a network's training images: unchanged where it has their size, else scaled down to it.

    Where the training images have MNIST's form, the picture's digit is converted to it. Where they are stored column by column, the
    upright picture is transposed. A larger picture is inverted where its background is light and that of the training images dark,
    or the reverse.

    Parameters
    ----------
    path : path
    spec : InputSpec
        The network's input: images of pixels, or of numbers from 0 to 1.

    Returns
    -------
    row : array, shape (1, rows * columns)
        uint8 for a network trained on pixels, else float32 from 0 to 1.
    note : str
        A change to the picture, or a doubt about it, that the user may not expect; empty where there is none.

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    DataError
        When the file is not a picture or is damaged; when the picture is smaller than the training images or has other proportions.
    """
    path = Path(path)
    gray = _read_gray(path, spec)
    try:
        levels, note = (to_mnist(gray), "") if spec.mnist_form else _resized(gray, spec)
    except DataError as error:
        raise _with_path(path, error) from None
    row = (levels.T if spec.transposed else levels).reshape(1, -1)
    if spec.kind == "pixels":
        return np.rint(row).astype(np.uint8), note
    return row.astype(np.float32) / (1 if row.max() <= 1 else 255), note


def _resized(gray: AnyArray, spec: InputSpec) -> tuple[AnyArray, str]:
    """Scale an upright picture down to the size of the training images, and invert it where its tones are the reverse of theirs."""
    rows, columns = spec.shape[::-1] if spec.transposed else spec.shape
    if gray.shape == (rows, columns):
        inverted = bool(gray.max() > 1) and spec.is_inverted(gray / 255)
        note = "not changed, since it has the training images' size; but its tones are inverted relative to theirs"
        return gray, note * inverted
    height, width = gray.shape
    size = f"the picture is {width} x {height} pixels, the network's training images are {columns} x {rows}"
    if height < rows or width < columns:
        raise DataError(f"{size}; give a picture of that size or larger")
    if abs(height * columns - width * rows) > MOST_STRETCH * height * columns:
        raise DataError(f"{size}; crop it to the same proportions")
    from PIL import Image

    scaled = np.asarray(Image.fromarray(gray.astype(np.float32)).resize((columns, rows), Image.Resampling.BOX))
    if not spec.is_inverted(scaled / 255):
        return scaled, ""
    return 255 - scaled, "inverted, since its tones were inverted relative to the network's training images"


def _read_gray(path: Path, spec: InputSpec | None = None) -> AnyArray:
    """Read a picture file's grey levels; ``spec`` is heeded only where the training images do not have MNIST's form."""
    with translate_read_errors(path), path.open("rb") as file:
        return _decode(path, file, None if spec is None or spec.mnist_form else spec)


def _with_path(path: Path, error: DataError) -> DataError:
    """Put the file's path before the message, unless it is there already."""
    return error if str(error).startswith(str(path)) else DataError(f"{path}: {error}")


def _decode(path: Path, file: Any, spec: InputSpec | None) -> AnyArray:
    """Decode a picture file to upright grey levels.

    Transparent parts get the background of ``spec``, or without one a background against which the ink stands out.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's warnings about odd files; such a file is read, or refused with an error
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > LIMIT_PIXELS:
                    raise _too_large(path, f"{image.width} x {image.height}")  # noqa: TRY301
                return _gray(image, spec)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_large(path, "more") from None
    except UnidentifiedImageError:
        raise DataError(f"{path} is not a picture in a supported format; save it as PNG or JPEG") from None
    except DataError:
        raise
    except Exception as error:  # damaged bytes can make a decoder raise any exception
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{path} is a damaged picture ({why}); save or copy it again") from None


def _too_large(path: Path, size: str) -> DataError:
    return DataError(
        f"{path} is too large: at most {LIMIT_PIXELS // 10**6} million pixels can be read, and it has {size}; make it smaller"
    )


def _gray(image: Image, spec: InputSpec | None) -> AnyArray:
    """Convert an opened picture to upright grey levels, reduced in size where that saves memory."""
    from PIL import ImageOps

    image.draft("L", (WORKING_SIDE, WORKING_SIDE))  # decodes a large JPEG at a fraction of its size
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode[0] in "IF" and spec is not None:
        return _scaled_by_white(image)
    if image.mode[0] in "IF":  # 16 or 32 bits per pixel, with grey levels of any range
        levels = reduce_size(np.asarray(image))
        return (levels - levels.min()) * (255 / max(float(np.ptp(levels)), 1e-9))
    if not image.has_transparency_data:
        return np.asarray(image.convert("L"))
    return _on_background(image if image.mode == "RGBA" else image.convert("RGBA"), spec)


def _on_background(image: Image, spec: InputSpec | None) -> AnyArray:
    """Blend an RGBA picture with a background: that of ``spec``, or else black under light ink and white under dark ink."""
    factor = reduction_factor(image.height, image.width)
    # Pillow's reduce weights each pixel by its opacity: the colour of a transparent pixel has no meaning.
    layers = np.asarray((image if factor == 1 else image.reduce(factor)).convert("LA"), np.float64)
    gray, opacity = layers[..., 0], layers[..., 1] / 255
    if spec is not None and spec.background is not None:
        background = 0 if spec.background == "dark" else 255
    else:
        background = 0 if np.sum(gray * opacity) > 127.5 * np.sum(opacity) else 255
    return gray * opacity + background * (1 - opacity)


def _scaled_by_white(image: Image) -> AnyArray:
    """Scale grey levels of more than 8 bits to 0..255, where the format defines the level of white.

    Raises
    ------
    DataError
        When the level of white is not defined.
    """
    levels = np.asarray(image, np.float64)
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        return levels / 257  # 65535 is white
    if image.mode == "F" and levels.min() >= 0 and levels.max() <= 1:
        return levels * 255
    raise DataError("its grey levels have more than 8 bits, and the level of white is unknown; save it with 8 bits per pixel")
