"""Pictures: a digit is read from a photo or drawing as accurately as from MNIST itself; a picture without a digit is refused."""

import struct
import zlib

import numpy as np
import pytest
from drawn_pages import CLEAR, TOUCHING, lines_alone, page, penned
from PIL import Image, ImageDraw, ImageFilter

from chainrule.datasets import mnist
from chainrule.datasets.mnist_form import is_in_mnist_form, to_mnist
from chainrule.datasets.pictures import LIMIT_PIXELS, read_picture
from chainrule.errors import DataError, DataTypeError, FileError

DIGITS = 64


@pytest.fixture(scope="module")
def digits():
    """Load MNIST's first test digits, (n, 28, 28)."""
    return mnist().test.x[:DIGITS].reshape(-1, 28, 28)


@pytest.fixture(scope="module")
def read():
    """Train a classifier of digits in MNIST's form: 3 nearest neighbours among 10,000 training images."""
    from sklearn.neighbors import KNeighborsClassifier

    train = mnist().train[:10_000]
    nearest = KNeighborsClassifier(3).fit(train.x / np.float32(255), train.y)
    return lambda images: nearest.predict(images.reshape(-1, 784) / np.float32(255))


# Pictures made from a digit; ``rng`` chooses its place


def enlarged(digit, side):
    """Enlarge a digit of 28 x 28 pixels to ``side`` x ``side``."""
    return np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))


def somewhere(page, ink, rng):
    """Place ink somewhere on a page of zeros."""
    top, left = (int(rng.integers(0, n - m + 1)) for n, m in zip(page, ink.shape, strict=True))
    placed = np.zeros(page, np.uint8)
    placed[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return placed


def cropped(digit):
    """Crop a digit's image to its ink."""
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    return digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def photo(digit, rng, *, least=300, most=700, ink=0.6, noise=10):
    """Make a 1000 x 800 photo: dark ink on grey paper, with noise, in light that decreases to one side and to the corners."""
    placed = somewhere((800, 1000), enlarged(digit, int(rng.integers(least, most))), rng) / 255
    y, x = np.mgrid[-1:1:800j, -1:1:1000j]
    angle = rng.uniform(0, 2 * np.pi)
    light = 150 + 50 * (np.cos(angle) * y + np.sin(angle) * x) - 25 * (x**2 + y**2)
    return np.clip(light * (1 - ink * placed) + rng.normal(0, noise, placed.shape), 0, 255).astype(np.uint8)


def with_shadow(digit, rng):
    """Make a photo with the shadow of a hand across it."""
    y, x = np.mgrid[0:800, 0:1000]
    shadow = Image.fromarray(np.where(x + 0.3 * y < 500, 165, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(30))
    return (photo(digit, rng, least=300, most=500) * (np.asarray(shadow) / 255)).astype(np.uint8)


def with_table(digit, rng):
    """Make a photo with the dark table visible in a corner."""
    y, x = np.mgrid[0:800, 0:1000]
    ink = np.pad(enlarged(digit, 300), ((400, 0), (400, 0)))
    return np.where(
        0.9 * x + y < 330, 60, photo(np.zeros_like(digit), rng) * (1 - 0.6 * np.pad(ink, ((0, 100), (0, 300))) / 255)
    ).astype(np.uint8)


PICTURES = {
    "native": lambda digit, rng: digit,
    "native, dark on light": lambda digit, rng: 255 - digit,
    "off-centre": lambda digit, rng: somewhere((28, 28), cropped(digit), rng),
    "off-centre, dark on light": lambda digit, rng: 255 - somewhere((28, 28), cropped(digit), rng),
    "small": lambda digit, rng: somewhere((300, 300), enlarged(digit, 56), rng),
    "small, dark on light": lambda digit, rng: 255 - somewhere((300, 300), enlarged(digit, 56), rng),
    "tiny": lambda digit, rng: 255 - somewhere((32, 32), enlarged(digit, 16), rng),
    "large": lambda digit, rng: 255 - enlarged(digit, 300),
}
PHOTOS = {
    "photo": photo,
    "photo of a small digit": lambda digit, rng: photo(digit, rng, least=100, most=200),
    "photo of faint ink": lambda digit, rng: photo(digit, rng, ink=0.3, noise=15),
    "photo of a blackboard": lambda digit, rng: 255 - photo(digit, rng),
    "photo with a shadow": with_shadow,
    "photo with a table": with_table,
}


@pytest.mark.parametrize(
    ("draw", "ending", "number"),
    [
        *((draw, "png", DIGITS) for draw in PICTURES.values()),
        (PICTURES["small, dark on light"], "jpg", DIGITS),
        (PICTURES["large"], "jpg", DIGITS),
        (PHOTOS["photo"], "png", 10),
        (PHOTOS["photo"], "jpg", DIGITS),
        *((draw, "jpg", 40) for draw in list(PHOTOS.values())[1:]),
    ],
    ids=[*PICTURES, "small, as JPEG", "large, as JPEG", "photo, as PNG", *PHOTOS],
)
def test_a_picture_is_read_as_its_digit(digits, read, tmp_path, draw, ending, number):
    """At least 9 in 10 pictures made from test digits are read like the digits themselves."""
    rng = np.random.default_rng(0)
    path = tmp_path / f"digit.{ending}"
    images = []
    for digit in digits[:number]:
        Image.fromarray(draw(digit, rng)).save(path)
        images.append(read_picture(path))
    assert np.mean(read(np.array(images)) == read(digits[:number])) >= 0.9


@pytest.mark.parametrize("kind", ["off-centre", "small", "large", "photo", "photo of a small digit", "photo with a shadow"])
def test_the_result_has_mnists_form(digits, kind):
    """The ink spans 20 pixels in one direction, its centre of mass is within half a pixel of (14, 14), and its maximum is 255."""
    rng = np.random.default_rng(1)
    for digit in digits[:20]:
        image = to_mnist({**PICTURES, **PHOTOS}[kind](digit, rng))
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        assert image.shape == (28, 28)
        assert image.dtype == np.uint8
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)  # a soft edge may round to 0
        centre = np.array([np.arange(28) @ image.sum(axis=1), np.arange(28) @ image.sum(axis=0)]) / image.sum()
        assert np.abs(centre - 14).max() <= 0.51
        assert image.max() == 255
        assert np.mean(image == 0) > 0.5


def test_proportions_are_kept():
    """A stroke five times as high as wide keeps these proportions in the box: 20 x 4."""
    page = np.full((300, 300), 220, np.uint8)
    page[50:250, 100:140] = 30
    image = to_mnist(page)
    assert (image > 127).any(axis=1).sum() == 20
    assert (image > 127).any(axis=0).sum() == 4


def test_mnist_itself_is_unchanged(digits):
    """An MNIST image is recognized as having MNIST's form and returned bit for bit; a shifted or inverted one is not recognized."""
    for digit in digits:
        assert is_in_mnist_form(digit)
        assert np.array_equal(to_mnist(digit), digit)
        assert not is_in_mnist_form(np.roll(digit, 2, axis=0))
        assert not is_in_mnist_form(255 - digit)
    assert not is_in_mnist_form(digits[0].astype(float))
    assert not is_in_mnist_form(np.zeros((28, 28), np.uint8))


def test_a_shifted_digit_is_moved_back(digits):
    """A digit of MNIST's size in another place is converted to nearly the original image."""
    rng = np.random.default_rng(2)
    differences = [np.abs(to_mnist(somewhere((60, 60), cropped(digit), rng)).astype(int) - digit).mean() for digit in digits]
    assert np.median(differences) < 1
    assert max(differences) < 25  # one digit is a 5 with a detached bar


def test_the_input_is_not_changed(digits):
    """The conversion does not write to the picture that is passed in."""
    page = 255 - digits[0]
    page.flags.writeable = False
    before = page.copy()
    to_mnist(page)
    assert np.array_equal(page, before)


def drawing(mode="L", ground=255, ink=0, width=14, side=200):
    """Draw a 7."""
    page = Image.new(mode, (side, side), ground)
    corners = [(0.3 * side, 0.15 * side), (0.7 * side, 0.15 * side), (0.45 * side, 0.85 * side)]
    ImageDraw.Draw(page).line(corners, fill=ink, width=width)
    return page


SEVEN = to_mnist(np.asarray(drawing()))


@pytest.mark.parametrize(
    ("page", "ending"),
    [
        (drawing("L", 0, 255), "png"),
        (drawing("1", 1, 0), "png"),
        (drawing("RGB", "white", "navy"), "webp"),
        (drawing("RGB", "white", "yellow"), "png"),
        (drawing("RGB", "black", "red"), "bmp"),
        (drawing("L").convert("P"), "gif"),
        (drawing("CMYK", (0, 0, 0, 0), (0, 0, 0, 255)), "tiff"),
        (drawing("LA", (0, 0), (0, 255)), "png"),
        (drawing("RGBA", (0, 0, 0, 0), (0, 0, 0, 255)), "png"),
        (drawing("RGBA", (0, 0, 0, 0), (255, 255, 255, 255)), "png"),
        (drawing("RGBA", (255, 255, 255, 0), (255, 255, 255, 255)), "png"),
        (drawing("RGBA", (0, 0, 0, 0), (255, 0, 0, 255)), "png"),
        (Image.fromarray(np.asarray(drawing()).astype(np.uint16) * 200), "png"),
        (Image.fromarray(np.asarray(drawing()).astype(np.float32) / 255), "tiff"),
    ],
    ids=lambda value: getattr(value, "mode", value),
)
def test_every_kind_of_pixel_is_read(tmp_path, page, ending):
    """The same drawing gives the same image in every mode, and on a transparent background of any colour."""
    path = tmp_path / f"seven.{ending}"
    page.save(path)
    assert np.abs(read_picture(path).reshape(28, 28).astype(int) - SEVEN).max() <= 3


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16", "F"])
def test_a_large_picture_reads_as_a_small_one(tmp_path, mode):
    """A large picture, which is reduced first, gives nearly the same image as a small one, in every mode."""
    large = drawing("RGBA", (0, 90, 200, 0), (0, 0, 0, 255), width=210, side=3000)
    gray = np.asarray(drawing(width=210, side=3000))
    page = {
        "L": Image.fromarray(gray),
        "RGBA": large,
        "I;16": Image.fromarray(gray.astype(np.uint16) * 200),
        "F": Image.fromarray(gray.astype(np.float32) * 9),
    }[mode]
    path = tmp_path / "large.tiff"
    page.save(path)
    assert np.abs(read_picture(path).reshape(28, 28).astype(int) - SEVEN).mean() < 3


def test_a_large_transparent_picture_is_reduced_by_pillow(tmp_path):
    """A transparent picture of 9 million pixels is reduced before it becomes a NumPy array: memory stays below 5 bytes a pixel."""
    import tracemalloc

    drawing("RGBA", (0, 0, 0, 0), (0, 0, 0, 255), width=210, side=3000).save(tmp_path / "large.png")
    read_picture(tmp_path / "large.png")
    tracemalloc.start()
    try:
        read_picture(tmp_path / "large.png")
        assert tracemalloc.get_traced_memory()[1] < 45_000_000
    finally:
        tracemalloc.stop()


def test_exif_orientation_is_applied(tmp_path):
    """A picture whose EXIF data say that it is rotated is read upright."""
    exif = Image.Exif()
    exif[0x112] = 6
    drawing().rotate(90).save(tmp_path / "seven.jpg", exif=exif, quality=95)
    assert np.abs(read_picture(tmp_path / "seven.jpg").reshape(28, 28).astype(int) - SEVEN).mean() < 3


def test_a_thin_pen_is_read():
    """Strokes of 2 pixels on a page of 800 are widened to those of MNIST's thinnest digits."""
    image = to_mnist(np.asarray(drawing(width=2, side=800)))
    inked = (image > 127).sum(axis=1)
    assert image.max() == 255
    assert (inked > 0).sum() >= 19
    assert np.median(inked[inked > 0]) >= 2


def test_close_detached_strokes_belong_to_the_digit():
    """A detached bar close to the digit, as a 5 often has, is kept; a mark far away or at the rim is not."""
    page = np.asarray(drawing()).copy()
    alone = to_mnist(page)
    page[180:190, 10:20] = 0
    page[:, :3] = 0
    assert np.array_equal(to_mnist(page), alone)
    page = np.full((200, 200), 255, np.uint8)
    page[60:160, 60:72] = page[44:52, 80:140] = 0
    rows, columns = np.nonzero(to_mnist(page) > 127)
    assert np.ptp(columns) >= 10
    assert np.ptp(rows) == 19


def refuse(path, message):
    """Assert that reading a file fails with one line that names it."""
    with pytest.raises(DataError, match=message) as error:
        read_picture(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


BLANK = {
    "white": np.full((200, 300), 255, np.uint8),
    "black": np.zeros((28, 28), np.uint8),
    "one pixel": np.zeros((1, 1), np.uint8),
    "one row": np.full((1, 500), 9, np.uint8),
    "noise": np.random.default_rng(0).normal(128, 20, (800, 1000)).clip(0, 255).astype(np.uint8),
    "more noise": np.random.default_rng(0).normal(128, 60, (800, 1000)).clip(0, 255).astype(np.uint8),
    "uneven light": (200 - 80 * (np.mgrid[-1:1:300j, -1:1:400j] ** 2).sum(axis=0)).astype(np.uint8),
    "fading light": np.tile(np.linspace(0, 255, 300), (200, 1)).astype(np.uint8),
}


@pytest.mark.parametrize("page", BLANK.values(), ids=BLANK)
def test_a_blank_picture_is_refused(tmp_path, page):
    """A blank picture is refused in any light."""
    path = tmp_path / "blank.png"
    Image.fromarray(page).save(path)
    refuse(path, "the picture is blank, or too faint")


def test_a_transparent_picture_is_blank(tmp_path):
    """A picture whose pixels are all transparent is refused as blank, whatever their colours."""
    page = drawing("RGBA")
    page.putalpha(0)
    page.save(tmp_path / "clear.png")
    refuse(tmp_path / "clear.png", "blank")


def png(width, height):
    """Encode a PNG file that claims a size but holds almost no data."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(1000))),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


@pytest.mark.parametrize("side", [LIMIT_PIXELS // 1000 + 1, 100_000, 200_000])
def test_a_picture_that_claims_too_much_is_refused(tmp_path, side):
    """A file that claims more pixels than the limit is refused before it is decoded, without a warning."""
    (tmp_path / "large.png").write_bytes(png(side, 1000))
    refuse(tmp_path / "large.png", "is too large: at most 50 million pixels")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a picture in a supported format; save it as PNG or JPEG"),
        (b"hello, world", "is not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "is not a picture"),
        (png(100, 100), "is a damaged picture"),
        (png(100, 100)[:40], "is not a picture"),
        (png(0, 100), "is not a picture"),
    ],
)
def test_a_file_without_a_picture_is_refused(tmp_path, content, message):
    """A file that is not a picture, or is a damaged one, is refused with one line."""
    (tmp_path / "file.png").write_bytes(content)
    refuse(tmp_path / "file.png", message)


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp", "tiff", "webp"])
def test_a_damaged_picture_raises_no_other_error(tmp_path, ending):
    """Cut at any place, or with any byte damaged, a picture's file is read or refused, and never raises Pillow's error."""
    drawing(side=64, width=5).save(tmp_path / f"intact.{ending}")
    intact = (tmp_path / f"intact.{ending}").read_bytes()
    path = tmp_path / f"damaged.{ending}"
    for k in range(0, len(intact), 1 + len(intact) // 60):
        for damaged in (intact[:k], intact[:k] + bytes([intact[k] ^ 0x5A]) + intact[k + 1 :]):
            path.write_bytes(damaged)
            try:
                assert read_picture(path).shape == (784,)
            except DataError as error:
                assert str(error).startswith(str(path))  # noqa: PT017
                assert "\n" not in str(error)  # noqa: PT017


def test_a_file_that_cannot_be_opened_is_refused(tmp_path):
    """A picture that does not exist, or a folder in its place, is refused with one line."""
    with pytest.raises(FileError, match=r"^no such file: .*none\.png$"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(FileError, match=r"^cannot read .*: it is a folder"):
        read_picture(tmp_path)


@pytest.mark.parametrize(
    ("gray", "kind", "message"),
    [
        (np.zeros((3, 4, 3)), DataError, "must have shape"),
        (np.zeros((0, 5)), DataError, "must have shape"),
        (np.full((5, 5), np.nan), DataError, "from 0 to 255; it holds nan"),
        (np.full((5, 5), 256), DataError, "from 0 to 255; it holds 256"),
        (np.full((5, 5), -1), DataError, "from 0 to 255; it holds -1"),
        (np.full((5, 5), "a"), DataTypeError, "grey levels, numbers from 0 to 255; it holds <U1"),
        (np.full((5, 5), None), DataTypeError, "it holds object"),
        ([[1, 2], [3]], DataError, "rows of equal length"),
    ],
)
def test_an_invalid_array_is_refused(gray, kind, message):
    """An array of another shape, or with other values than numbers from 0 to 255, is refused."""
    with pytest.raises(kind, match=message):
        to_mnist(gray)


# Lines beside a digit


@pytest.mark.parametrize(
    ("kind", "style", "least"),
    [
        *((kind, "120", 0.9) for kind in [*CLEAR, *TOUCHING] if kind != "a box that it touches"),
        ("a box that it touches", "120", 0.7),
        *((kind, "28", 0.9) for kind in ("frame", "frame, at the rim", "rule below", "rule beside", "two sides of a frame")),
        *((kind, "board", 0.9) for kind in ("frame, thick", "squared, fine", "ruled, turned")),
        *((kind, "photo", 0.9) for kind in ("frame, turned", "squared, coarse, grey", "ruled, narrow")),
    ],
)
def test_a_digit_is_read_beside_lines(digits, read, kind, style, least):
    """At least 9 in 10 digits on a page with lines are read like the digits alone; 7 in 10 where a box touches the digit."""
    rng = np.random.default_rng(0)
    images = np.array([to_mnist(page(digit, kind, style, rng)) for digit in digits[:10]])
    assert np.mean(read(images) == read(digits[:10])) >= least


def test_a_thin_line_below_a_digit_is_ignored():
    """A grey line of one pixel from rim to rim does not change the image of a 7 drawn above it."""
    paper = Image.new("L", (120, 120), 255)
    ImageDraw.Draw(paper).line([(35, 30), (85, 30), (55, 95)], fill=0, width=8)
    page = np.asarray(paper).copy()
    bare = to_mnist(page)
    page[105] = 100
    assert np.array_equal(to_mnist(page), bare)


@pytest.mark.parametrize("kind", ["frame", "three sides of a frame", "rule below", "ruled, with a margin", "squared, coarse"])
@pytest.mark.parametrize("style", ["120", "photo"])
def test_lines_without_a_digit_are_blank(kind, style):
    """A page with lines only is refused as blank."""
    with pytest.raises(DataError, match="the picture is blank"):
        to_mnist(lines_alone(kind, style, np.random.default_rng(0)))


@pytest.mark.parametrize("width", [0.03, 0.06, 0.1])
@pytest.mark.parametrize("number", range(10))
def test_a_stroke_across_the_page_is_kept(number, width):
    """On a narrow page, where a digit's strokes reach from side to side, its image is nearly the same as on a wide page."""
    drawn = penned(number, width)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    narrow = np.pad(drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 12)
    difference = np.abs(to_mnist(255 - narrow).astype(int) - to_mnist(255 - np.pad(narrow, 100)))
    assert difference.mean() < 3


@pytest.mark.parametrize("ends", [(0, 200), (10, 190), (30, 170)], ids=["rim to rim", "nearly", "most of the page"])
def test_a_single_vertical_stroke_is_a_1(ends):
    """A single vertical stroke of any length is read as a 1; on ruled paper too, if it ends short of the rim."""
    page = np.full((200, 200), 255, np.uint8)
    page[ends[0] : ends[1], 96:104] = 0
    one = to_mnist(page)
    assert (one > 127).any(axis=1).sum() == 20
    assert (one > 127).any(axis=0).sum() <= 4
    page[15::40] = np.minimum(page[15::40], 120)
    if ends[0]:
        assert np.abs(to_mnist(page).astype(int) - one).mean() < 1


def test_an_empty_box_is_a_0():
    """A rectangle that is empty, or contains a dot, is converted as a 0; with a digit in it, as that digit."""
    page = np.full((200, 200), 255, np.uint8)
    page[40:160, 60:140] = 0
    page[52:148, 72:128] = 255
    alone = to_mnist(page)
    assert alone[14, 14] == 0
    assert (alone > 127).any(axis=1).sum() == 20
    page[94:106, 94:106] = 0
    dotted = to_mnist(page)
    assert (dotted > 127).any(axis=1).sum() == 20
    assert np.abs(dotted.astype(int) - alone).mean() < 12
    page[65:135, 94:106] = 0
    assert (to_mnist(page) > 127).any(axis=0).sum() <= 5


@pytest.mark.parametrize("offset", [0.0, 0.25, 0.5, 0.75])
@pytest.mark.parametrize("lines", [6, 8, 10, 14])
def test_a_thick_bar_along_a_line_is_kept(lines, offset):
    """The bar of a 7 along a ruled line, or on it, is many times thicker than the line, and is kept when the line is removed."""
    page = Image.new("L", (640, 480), 250)
    draw = ImageDraw.Draw(page)
    for k in range(lines):
        draw.line([(0, int((k + offset) * 480 / lines)), (640, int((k + offset) * 480 / lines))], fill=178, width=2)
    draw.line([(250, 96), (460, 96), (300, 400)], fill=25, width=34, joint="curve")
    image = to_mnist(np.asarray(page))
    top, bottom = (image > 127)[4:9].any(axis=0).sum(), (image > 127)[20:24].any(axis=0).sum()
    assert top >= 10 > bottom
