"""IDX folders: intact files are read exactly; a damaged one is refused with one line that names it."""

import gzip
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from data_files import idx_bytes, one_line_message

from chainrule import datasets
from chainrule.datasets import idx, mnist
from chainrule.errors import DataError, FileError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (24, 4, 3), dtype=np.uint8)
LABELS = (np.arange(24) % 5).astype(np.uint8)
NAMES = {
    "raw": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
    "dotted": ("train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
    "emnist": (
        "emnist-balanced-train-images-idx3-ubyte", "emnist-balanced-train-labels-idx1-ubyte",
        "emnist-balanced-test-images-idx3-ubyte", "emnist-balanced-test-labels-idx1-ubyte",
    ),
}  # fmt: skip


def fill(folder, *, names="raw", ending="", images=IMAGES, labels=LABELS):
    """Write a data set's four IDX files: 24 training examples, of which the last 6 are also the test set."""
    contents = [idx_bytes(images), idx_bytes(labels), idx_bytes(images[-6:]), idx_bytes(labels[-6:])]
    for name, content in zip(NAMES[names], contents, strict=True):
        (folder / (name + ending)).write_bytes(gzip.compress(content) if ending else content)
    return folder


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("names", NAMES)
def test_idx_recognizes_the_usual_names(tmp_path, names, ending):
    """The four files are found under each usual set of names, gzipped or not, and read exactly."""
    data = idx(fill(tmp_path, names=names, ending=ending))
    assert data.name == tmp_path.name
    assert np.array_equal(data.train.x, IMAGES[:20].reshape(20, 12))
    assert np.array_equal(data.validation.x, IMAGES[20:].reshape(4, 12))
    assert np.array_equal(data.test.x, IMAGES[-6:].reshape(6, 12))
    assert np.array_equal(data.train.y, LABELS[:20])
    assert (data.train.x.dtype, data.train.y.dtype) == (np.uint8, np.intp)


@pytest.mark.parametrize(("stored", "expected"), [("i1", "f4"), (">i2", "f4"), (">i4", "f8"), (">f4", "f4"), (">f8", "f8")])
def test_idx_reads_every_element_type(tmp_path, stored, expected):
    """Images of every element type except unsigned bytes become floats with the same values."""
    values = RNG.integers(-100, 100, IMAGES.shape).astype(stored)
    data = idx(fill(tmp_path, images=values))
    assert data.train.x.dtype == np.dtype(expected)
    assert np.array_equal(data.train.x, values[:20].reshape(20, 12))


def test_idx_reads_black_and_white_as_0_and_1(tmp_path):
    """Images whose bytes are all 0 or 1 become the floats 0 and 1; if the training set has other bytes, all bytes are pixels."""
    data = idx(fill(tmp_path, images=IMAGES // 128))
    assert data.train.x.dtype == data.test.x.dtype == np.float32
    assert np.array_equal(data.train.x, IMAGES[:20].reshape(20, 12) // 128)
    (tmp_path / NAMES["raw"][0]).write_bytes(idx_bytes(IMAGES))
    with pytest.raises(DataError, match="t10k-images"):
        idx(tmp_path)


def test_idx_prefers_an_unpacked_file_to_its_gz(tmp_path):
    """A folder that holds each file both packed and unpacked is read as one data set, not refused as several."""
    fill(tmp_path)
    fill(tmp_path, ending=".gz")
    assert len(idx(tmp_path).train) == 20


def test_idx_reads_an_unpacked_file_named_gz(tmp_path):
    """A file that is not packed although its name ends in .gz is read."""
    fill(tmp_path)
    (tmp_path / NAMES["raw"][0]).rename(tmp_path / (NAMES["raw"][0] + ".gz"))
    assert len(idx(tmp_path).train) == 20


def test_idx_reads_the_packages_own_files(tmp_path):
    """The package's MNIST test files, read as a folder, give the same images as ``mnist()``."""
    for path in (Path(datasets.__file__).parent / "mnist_files").glob("t10k*"):
        shutil.copy(path, tmp_path)
        shutil.copy(path, tmp_path / path.name.replace("t10k", "train"))
    data = idx(tmp_path)
    assert np.array_equal(data.test.x, mnist().test.x)
    assert (len(data.train), len(data.validation)) == (8334, 1666)


def header_of(*shape, kind=0x08):
    """Encode an IDX header that claims a shape."""
    return bytes([0, 0, kind, len(shape)]) + np.array(shape, ">u4").tobytes()


GOOD = idx_bytes(IMAGES)
ROW = 28 * 28
BAD_IDX = {
    "empty": (b"", "is not an IDX file"),
    "text": (b"hello, world", "is not an IDX file: it begins with the bytes '68 65 6c 6c'"),
    "unknown element type": (b"\0\0\x0a\x03" + GOOD[4:], "is not an IDX file"),
    "no dimensions": (b"\0\0\x08\x00" + GOOD[4:], "is not an IDX file"),
    "cut within its header": (GOOD[:10], "is cut short: its header is incomplete"),
    "cut after its header": (GOOD[:16], "is cut short"),
    "cut by one byte": (GOOD[:-1], "is cut short: its header claims 24 x 4 x 3 elements"),
    "too long by one byte": (GOOD + b"\0", "is too long"),
    "no rows": (header_of(0, 28, 28), "is empty"),
    "no columns": (header_of(5, 28, 0), "is empty"),
    "claims 10^12 rows": (header_of(10**6, 10**6, 28, 28) + bytes(99), "cannot be read: its header claims 1,000,000 x 1,000,000"),
    "claims more than any memory": (header_of(*[2**32 - 1] * 8) + bytes(99), "the limit is"),
    "claims more than it holds": (header_of(10**6, 28, 28) + bytes(99), "is cut short: its header claims 1,000,000 x 28 x 28"),
    "labels where images should be": (idx_bytes(LABELS), "must hold images"),
    "gzip, cut": (gzip.compress(GOOD)[:-9], "is a damaged gzip file"),
    "gzip, cut after its magic": (b"\x1f\x8b", "is a damaged gzip file"),
    "gzip, a wrong checksum": (gzip.compress(GOOD)[:-8] + b"\1\2\3\4" + gzip.compress(GOOD)[-4:], "is a damaged gzip file"),
    "gzip, damaged": (gzip.compress(GOOD)[:30] + b"\xff" * 20 + gzip.compress(GOOD)[50:], "is a damaged gzip file"),
    "gzip, an invalid code": (gzip.compress(bytes(5000))[:10] + b"\xff" * 20, "is a damaged gzip file"),
    "gzip, with more bytes after it": (gzip.compress(GOOD) + b"more", "is a damaged gzip file"),
    "gzip, claims more than it can hold": (gzip.compress(header_of(10**4, 28, 28)), "is cut short"),
    "gzip, claims more than a small file may": (
        gzip.compress(header_of(10**6, 28, 28)),
        "the limit is 33,554,432 bytes for its size",
    ),
    "gzip, short": (gzip.compress(GOOD[:-5]), "is cut short"),
    "gzip, long": (gzip.compress(GOOD + b"\0" * 50), "is too long"),
    "gzip of text": (gzip.compress(b"hello"), "is not an IDX file"),
}


@pytest.mark.parametrize(("content", "message"), BAD_IDX.values(), ids=BAD_IDX)
def test_idx_refuses_a_damaged_file(tmp_path, content, message):
    """An IDX file that is damaged, or whose header claims a wrong size, is refused with one line that names it."""
    fill(tmp_path)
    bad = tmp_path / "train-images-idx3-ubyte"
    bad.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        idx(tmp_path)
    assert one_line_message(error).startswith(str(bad))


def test_a_gzip_bomb_is_unpacked_to_the_claimed_size_only(tmp_path):
    """A file that would unpack to a quarter of a gigabyte is unpacked no further than its header claims."""
    import tracemalloc

    fill(tmp_path)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        file.write(GOOD)
        for _ in range(256):
            file.write(bytes(1 << 20))
    (tmp_path / "train-images-idx3-ubyte").write_bytes(packed.getvalue())
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="is too long"):
            idx(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_claim_allocates_nothing(tmp_path):
    """A header that claims gigabytes is refused in a short file before memory is allocated for it."""
    import tracemalloc

    fill(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(header_of(10**6, 28, 28) + bytes(99))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="is cut short"):
            idx(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_idx_refuses_different_numbers_of_images_and_labels(tmp_path):
    """Different numbers of images and labels are refused with a message that names both files and numbers."""
    fill(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS[:-1]))
    with pytest.raises(DataError, match=r"24 images, but .*train-labels-idx1-ubyte 23 labels") as error:
        idx(tmp_path)
    one_line_message(error)


def test_idx_refuses_labels_of_several_columns_and_images_of_two_sizes(tmp_path):
    """Labels must be one number per image, and test images must have the size of the training images."""
    fill(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES[-6:, :, :2].copy()))
    with pytest.raises(DataError, match="have 12 pixels, its test images 8"):
        idx(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros((24, 8), np.uint8)))
    with pytest.raises(DataError, match="one label for each image"):
        idx(tmp_path)


def test_idx_refuses_one_training_image(tmp_path):
    """A training set of one image is refused, since none would be left for validation."""
    fill(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES[:1]))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS[:1]))
    with pytest.raises(DataError, match="one training image; at least 2"):
        idx(tmp_path)


def test_idx_refuses_an_incomplete_folder(tmp_path):
    """A folder without the four files is refused with a message that names the missing ones."""
    with pytest.raises(DataError, match="none for train-images, train-labels, test-images, test-labels"):
        idx(tmp_path)
    fill(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"it has none for test-labels$") as error:
        idx(tmp_path)
    one_line_message(error)


def test_idx_refuses_several_data_sets(tmp_path):
    """A folder with the files of several data sets, or two files for one role, is refused with a message that names them."""
    fill(tmp_path)
    fill(tmp_path, names="emnist")
    with pytest.raises(DataError, match=r"several data sets .*emnist-balanced.*folder of its own"):
        idx(tmp_path)
    for name in NAMES["emnist"]:
        (tmp_path / name).unlink()
    fill(tmp_path, names="dotted")
    with pytest.raises(DataError, match="several data sets"):
        idx(tmp_path)


def test_idx_needs_a_folder(tmp_path):
    """A folder that does not exist, or a file in its place, is refused with one line."""
    with pytest.raises(FileError, match=r"^no such folder: .*none$"):
        idx(tmp_path / "none")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match=r"cannot read .*file: it is not a folder"):
        idx(tmp_path / "file")


def test_idx_reports_a_file_that_cannot_be_read(tmp_path):
    """An entry of the folder that cannot be opened as a file is refused with one line."""
    fill(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").unlink()
    (tmp_path / "train-images-idx3-ubyte").mkdir()
    with pytest.raises(FileError, match=r"cannot read .*train-images-idx3-ubyte: it is a folder"):
        idx(tmp_path)
