"""A photo or drawing of a digit, brought to MNIST's form, so that a network trained on MNIST can read it.

MNIST's form is what its makers did to their scans: light ink on a background of 0, in a box of 20 x 20 with its proportions kept,
placed so that its centre of mass is at (14, 14) of 28 x 28 pixels. ``to_mnist`` goes there in the order of this file: the paper is
told from the ink, the ink's largest blob is kept, and the blob is fitted into the box.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .._types import AnyArray, Array
from ..errors import DataError, DataTypeError
from .files import reading

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE, BOX, CENTRE = 28, 20, 14  # pixels: the field, the box that the ink fits, the centre of mass
LIMIT_PIXELS = 50_000_000
WORKING_SIDE = 600  # pixels: a larger picture is reduced to this first
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # those that Pillow reads by itself, without another program
LEAST_CONTRAST = 10.0  # grey levels of 255 that ink must stand out by
LEAST_CERTAINTY = 4.0  # and standard deviations of the paper's noise
THINNEST = 1.8  # pixels in the box: nine in ten of MNIST's digits have wider strokes
BLURS = (1 / 700, 1 / 350, 1 / 175)  # of the longer side, tried in turn until the ink stands out from the noise
PIECE = 0.1  # of the digit's size: half the gap across which a detached piece still belongs to it
SAMPLES = 100  # rows and columns that smooth paper is estimated from
PATCHES = 60  # and patchy paper

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
EIGHT = np.ones((3, 3))  # a pixel's neighbours, the diagonal ones too


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


def to_mnist(gray: npt.ArrayLike) -> Pixels:
    """Bring a grey picture of one digit to MNIST's form; one that is in it already stays as it is.

    Parameters
    ----------
    gray : array_like, shape (h, w)
        Grey levels from 0 to 255, dark on light or light on dark, evenly lit or not.

    Returns
    -------
    uint8 array, shape (28, 28)
        0 the background, 255 the ink.

    Raises
    ------
    DataError
        When the picture is blank or has another shape.
    DataTypeError
        When it holds no real numbers.

    Examples
    --------
    >>> page = np.full((100, 200), 230.0)
    >>> page[30:70, 150:155] = 40  # a dark stroke: a 1
    >>> one = to_mnist(page)
    >>> one.shape, int(one.max()), int((one.max(axis=1) > 0).sum())
    ((28, 28), 255, 20)
    """
    try:
        levels = np.asarray(gray)
    except ValueError:
        raise DataError("a picture must have rows of equal length; these are ragged") from None
    if levels.dtype.kind not in "fiub":
        raise DataTypeError(f"a picture must hold grey levels, numbers from 0 to 255; it holds {levels.dtype}")
    if levels.ndim != 2 or not levels.size:
        raise DataError(f"a picture must have shape (rows, columns), of one grey level each; it has shape {levels.shape}")
    if in_mnist_form(levels):
        return levels.astype(np.uint8)
    if levels.dtype.kind == "b":
        levels = levels * np.uint8(255)
    if not (levels.min() >= 0 and levels.max() <= 255):  # NaN fails, too
        raise DataError(f"a picture must hold grey levels from 0 to 255; it holds {levels.min():g} to {levels.max():g}")
    blob = _find(_reduced(levels))
    return _placed(_fitted(_thickened(_toned(blob), blob.strokes)))


def in_mnist_form(gray: AnyArray) -> bool:
    """Tell whether a picture is as MNIST's are: 28 x 28, its ink in a box of 20 whose centre of mass is at (14, 14)."""
    if gray.shape != (SIDE, SIDE) or gray.dtype != np.uint8 or not gray.any():
        return False
    centred = max(abs(at - CENTRE) for at in _centre_of_mass(gray)) <= 0.5
    return bool(centred and _size(_box(gray > 0)) == BOX)


# The picture, read


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
        levels = _reduced(np.asarray(image))
        return (levels - levels.min()) * (255 / max(float(np.ptp(levels)), 1e-9))
    if not image.has_transparency_data:
        return np.asarray(image.convert("L"))
    clear = image if image.mode == "RGBA" else image.convert("RGBA")
    factor = _factor(clear.height, clear.width)
    # Pillow weighs each pixel by its opacity, as it must: the colour under what is see-through means nothing.
    layers = np.asarray((clear if factor == 1 else clear.reduce(factor)).convert("LA"), np.float64)
    gray, opacity = layers[..., 0], layers[..., 1] / 255
    ground = 0 if np.sum(gray * opacity) > 127.5 * np.sum(opacity) else 255
    return gray * opacity + ground * (1 - opacity)


def _factor(*sides: int) -> int:
    return -(-max(sides) // WORKING_SIDE)


def _reduced(levels: AnyArray) -> Array:
    """Average blocks of pixels, so that no side is longer than the working side."""
    from PIL import Image

    factor = _factor(*levels.shape)
    if factor == 1:
        return levels.astype(np.float64)
    return np.asarray(Image.fromarray(levels.astype(np.float32, copy=False)).reduce(factor), np.float64)


# The ink, told from the paper


class Blob(NamedTuple):
    """A digit found in a picture: the contrast of its surroundings, and where in them its strokes are.

    ``floor`` is the contrast that is still paper; ``whole`` tells that the picture's rim does not cut the digit off; ``certainty``
    is how far its ink stands out from the paper's noise.
    """

    contrast: Array
    strokes: Mask
    floor: float
    whole: bool
    certainty: float


def _find(levels: Array) -> Blob:
    """Find the digit, on paper that is lit smoothly or on paper with shadows and edges, whichever it stands out from better."""
    smooth = _smooth_paper(levels)
    blobs = [_blob(levels, smooth), _blob(levels, _patchy_paper(levels, smooth))]
    # On patchy paper, what reaches the rim is more likely a shadow's edge than a digit that was cut off.
    found = [blob for k, blob in enumerate(blobs) if blob and (blob.whole or k == 0)]
    if not found:
        blank = "the picture is blank, or too faint to tell ink from paper"
        raise DataError(f"{blank}; it must show one digit, in grey levels from 0 to 255")
    return max(found, key=lambda blob: (blob.whole, blob.certainty))


def _blob(levels: Array, paper: Array) -> Blob | None:
    """Find the digit on this paper, with as much blur as it takes for the ink to stand out from the noise."""
    for blur in BLURS:
        contrast, noise = _contrast(levels, paper, blur * max(levels.shape))
        threshold = _threshold(contrast)
        if threshold >= max(LEAST_CONTRAST / 2, LEAST_CERTAINTY * noise):
            return _digit(contrast, threshold, noise)
    return None


def _contrast(levels: Array, paper: Array, blur: float) -> tuple[Array, float]:
    """Tell how far each pixel, blurred, stands out from the paper to the side of the ink; and the paper's standard deviation."""
    from scipy import ndimage

    off = np.abs(levels - paper)
    bare = off <= max(2.5 * _deviation(off), 2.0)
    residual = ndimage.gaussian_filter(levels - paper, blur)
    noise = _deviation(np.abs(residual[bare]))
    if np.vdot(residual, residual * residual) > 0:  # cubed, the few pixels that stand out outweigh the many that do not
        return residual, noise
    # Ink takes away a share of the light that falls on the paper: less, in grey levels, where it is dim.
    return -residual * (paper.mean() / np.maximum(paper, paper.mean() / 4 + 1)), noise


def _smooth_paper(levels: Array) -> Array:
    """Estimate the paper's grey under uneven light: a quadratic surface through the pixels that lie near it, begun from the rim."""
    rows, columns = (np.unique(np.linspace(0, n - 1, min(n, SAMPLES)).astype(int)) for n in levels.shape)
    sample, basis = levels[np.ix_(rows, columns)].ravel(), _quadratics(levels.shape)[:, rows][:, :, columns].reshape(6, -1).T
    rim = np.ones((len(rows), len(columns)), bool)
    rim[1:-1, 1:-1] = False
    trusted = rim.ravel()
    surface = np.full(sample.shape, np.median(sample[trusted]))
    for turn in range(10):
        off = np.abs(sample - surface)
        near = off <= max(2.5 * _deviation(off[trusted]), 2.0)
        trusted = near & rim.ravel() if turn < 3 else near
        seen = basis[trusted]
        weights = np.linalg.lstsq(seen.T @ seen, seen.T @ sample[trusted], rcond=1e-9)[0]
        surface = basis @ weights
    return np.tensordot(weights, _quadratics(levels.shape), 1)


def _patchy_paper(levels: Array, smooth: Array) -> Array:
    """Estimate the grey of paper with shadows on it, or a table around it: the median of each pixel's wide surroundings."""
    from PIL import Image
    from scipy import ndimage

    height, width = levels.shape
    off = Image.fromarray((levels - smooth).astype(np.float32))
    few = np.asarray(off.resize((min(width, PATCHES), min(height, PATCHES)), Image.Resampling.BOX))
    middle = Image.fromarray(ndimage.median_filter(few, [min(n, PATCHES // 3) for n in few.shape]))
    return smooth + np.asarray(middle.resize((width, height), Image.Resampling.BILINEAR), np.float64)


def _quadratics(shape: tuple[int, ...]) -> Array:
    """Give 1, y, x, xy, y^2 and x^2 over a picture, its sides from -1 to 1."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return np.stack([np.ones(shape), y, x, x * y, y * y, x * x])


def _deviation(off: Array) -> float:
    """Estimate the standard deviation of noise from its absolute values, whatever a few outliers hold."""
    return 1.4826 * float(np.median(off))


def _threshold(contrast: Array) -> float:
    """Find the contrast half way between the paper, at 0, and the mean of the ink, above half the most at first."""
    threshold = contrast.max() / 2
    for _ in range(2):  # on to where it rests (Ridler and Calvard, 1978), it would sink into shadows, which are larger than the ink
        inked = contrast[contrast > threshold]
        threshold = inked.mean() / 2 if inked.size else 0.0
    return float(threshold)


def _digit(contrast: Array, threshold: float, noise: float) -> Blob:
    """Find the strokes of the digit, its largest blob and the pieces close to it, with their surroundings."""
    from scipy import ndimage

    blobs, count = ndimage.label(contrast > threshold, EIGHT)
    numbers = np.arange(1, count + 1)
    mass = ndimage.sum_labels(contrast, blobs, numbers)
    boxes = ndimage.find_objects(blobs)
    inner = np.array([all(at.start > 0 and at.stop < n for at, n in zip(box, blobs.shape, strict=True)) for box in boxes])
    # The table's edge or a shadow in a corner reaches the rim; a digit does only where nothing else is there.
    main = int(np.argmax(mass * inner if (mass * inner).max() > 0.1 * mass.max() else mass))
    size = _size(boxes[main])
    window = _widened(boxes[main], size // 2 + 2, blobs.shape)
    sizeable = np.isin(blobs[window], numbers[(mass >= 0.02 * mass[main]) & (mass <= mass[main])])
    joined, _ = ndimage.label(ndimage.distance_transform_edt(~sizeable) <= PIECE * size + 0.5)
    strokes = sizeable & (joined == joined[blobs[window] == main + 1][0])
    return Blob(contrast[window], strokes, LEAST_CERTAINTY * noise, bool(inner[main]), threshold / (1 + noise))


def _widened(box: tuple[slice, ...], by: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    rows, columns = (slice(max(0, at.start - by), min(n, at.stop + by)) for at, n in zip(box, shape, strict=True))
    return rows, columns


# The digit, in its box


def _toned(blob: Blob) -> Array:
    """Tell how much ink each pixel holds, 0 to 1: the strokes, their soft edges, and nothing else."""
    from scipy import ndimage

    full = float(np.percentile(blob.contrast[blob.strokes], 75))
    floor = max(blob.floor, 0.05 * full)
    near = ndimage.distance_transform_edt(~blob.strokes) <= max(2.0, 1.5 * max(blob.strokes.shape) / BOX)
    tone = np.where(near, np.clip((blob.contrast - floor) / (full - floor), 0, 1), 0)
    pieces, _ = ndimage.label(tone > 0, EIGHT)
    return np.where(np.isin(pieces, pieces[blob.strokes]), tone, 0)


def _fitted(tone: Array) -> Array:
    """Scale a digit, its proportions kept, so that it just fits the box."""
    from PIL import Image

    tone = tone[_box(tone > 0)]
    largest = max(tone.shape)
    height, width = (max(1, round(n * BOX / largest)) for n in tone.shape)
    resized = Image.fromarray(tone.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    tone = np.clip(np.asarray(resized, np.float64), 0, 1)
    return tone / tone.max()


def _thickened(tone: Array, strokes: Mask) -> Array:
    """Widen the strokes of a thin pen: such lines would all but vanish in the box."""
    from scipy import ndimage

    scale = BOX / _size(_box(strokes))
    depth: Array = ndimage.distance_transform_edt(np.pad(strokes, 1))[1:-1, 1:-1]
    width = 4 * (depth[strokes].mean() - 0.5)  # across a stroke of width w, the mean depth is w/4 + 1/2
    grow = (THINNEST / scale - width) / 2
    if grow <= 0:
        return tone
    margin = int(np.ceil(grow)) + 1
    away: Array = ndimage.distance_transform_edt(~np.pad(strokes, margin))
    widened: Array = np.clip(1 + grow - away, 0, 1)
    return np.maximum(np.pad(tone, margin), widened)


def _placed(tone: Array) -> Pixels:
    """Put a digit into the field so that its centre of mass is at the centre, or as near as it fits."""
    field = np.zeros((SIDE, SIDE), np.uint8)
    corner = [int(np.clip(round(CENTRE - at), 0, SIDE - n)) for at, n in zip(_centre_of_mass(tone), tone.shape, strict=True)]
    field[corner[0] : corner[0] + tone.shape[0], corner[1] : corner[1] + tone.shape[1]] = np.rint(255 * tone)
    return field


def _box(inked: Mask) -> tuple[slice, slice]:
    rows, columns = (np.flatnonzero(inked.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _size(box: tuple[slice, ...]) -> int:
    return max(int(at.stop - at.start) for at in box)


def _centre_of_mass(gray: AnyArray) -> tuple[float, float]:
    total = gray.sum(dtype=np.float64)
    rows, columns = (np.arange(n) @ gray.sum(axis=1 - k, dtype=np.float64) / total for k, n in enumerate(gray.shape))
    return float(rows), float(columns)
