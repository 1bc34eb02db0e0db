"""Data sets: what is intact comes back exactly, and what is not is refused in one sentence that names the file."""

import gzip
import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.datasets import Dataset, digits, files, idx, mnist, table
from chainrule.datasets.idx import header
from chainrule.datasets.mnist import SHA256, read_checked
from chainrule.errors import DataError, DataTypeError, FileError, MissingExtra, SettingError

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


def idx_bytes(array):
    """An array as an IDX file."""
    return header(array) + array.tobytes()


def fill(folder, *, names="raw", ending="", images=IMAGES, labels=LABELS):
    """Write a data set's four IDX files: 24 examples to train on, and the last 6 of them again as the test set."""
    contents = [idx_bytes(images), idx_bytes(labels), idx_bytes(images[-6:]), idx_bytes(labels[-6:])]
    for name, content in zip(NAMES[names], contents, strict=True):
        (folder / (name + ending)).write_bytes(gzip.compress(content) if ending else content)
    return folder


def told(error):
    """What an error says, which must be one line."""
    message = str(error.value)
    assert "\n" not in message
    return message


# MNIST and digits


@pytest.fixture(scope="module")
def book():
    """MNIST, read once."""
    return mnist()


def test_mnist_has_the_books_split(book):
    """MNIST comes as 50,000, 10,000 and 10,000 images of 784 uint8 pixels, in the published order, with int labels."""
    parts = (book.train, book.validation, book.test)
    assert [len(part) for part in parts] == [50_000, 10_000, 10_000]
    assert {(part.x.dtype, part.n_in, part.y.dtype) for part in parts} == {(np.dtype(np.uint8), 784, np.dtype(np.intp))}
    assert book.train.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert book.validation.y[:5].tolist() == [3, 8, 6, 9, 6]
    assert book.test.y[:5].tolist() == [7, 2, 1, 0, 4]


def test_mnist_has_the_published_bytes(book):
    """The images and labels, put together again, have the published SHA-256."""
    x, y = np.concatenate([book.train.x, book.validation.x]), np.concatenate([book.train.y, book.validation.y])
    pairs = {"train": (x, y), "t10k": (book.test.x, book.test.y)}
    for part, (images, labels) in pairs.items():
        whole = idx_bytes(images.reshape(-1, 28, 28))
        assert hashlib.sha256(whole).hexdigest() == SHA256[f"{part}-images-idx3-ubyte"]
        assert hashlib.sha256(idx_bytes(labels.astype(np.uint8))).hexdigest() == SHA256[f"{part}-labels-idx1-ubyte"]


def test_a_file_that_is_not_mnist_is_refused():
    """A file of the package whose contents have another SHA-256 is refused, and the remedy named."""
    with pytest.raises(DataError, match=r"not MNIST as it was published.*install chainrule again") as error:
        read_checked("t10k-labels-idx1-ubyte", SHA256["train-labels-idx1-ubyte"])
    assert "t10k-labels-idx1-ubyte.gz" in told(error)


def test_mnists_licence_lies_beside_it():
    """The licence of the four files is named, linked to, and lies in their folder, with what was changed."""
    text = (Path(files.__file__).parent / "mnist_files" / "LICENSE.md").read_text(encoding="utf-8")
    for needed in ("CC-BY-SA-3.0", "https://creativecommons.org/licenses/by-sa/3.0/", "LeCun", "Cortes", "Burges", "gzip wrapping"):
        assert needed in text
    assert all(digest in text for digest in SHA256.values())


def test_digits_are_scikit_learns():
    """The three parts of digits() hold each of scikit-learn's images once, as greys from 0 to 1, the same on every call."""
    from sklearn.datasets import load_digits

    here, again = digits(), digits()
    parts = (here.train, here.validation, here.test)
    assert [len(part) for part in parts] == [1197, 300, 300]
    x, y = np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])
    assert x.dtype == np.float32
    assert (x.min(), x.max()) == (0, 1)
    theirs = load_digits()
    assert sorted(map(tuple, np.column_stack([x * 16, y]))) == sorted(map(tuple, np.column_stack([theirs.data, theirs.target])))
    assert np.array_equal(here.test.x, again.test.x)
    assert all(np.bincount(part.y, minlength=10).min() >= 20 for part in parts)


def test_a_dataset_tells_what_it_holds(book):
    """The repr of a data set tells its name, its sizes, its columns and its labels."""
    assert repr(book) == "Dataset(mnist: 50,000 train, 10,000 validation, 10,000 test; 784 pixels, labels 0..9)"
    part = cr.Examples(np.eye(2), [0.5, 1.5])
    assert (
        repr(Dataset("two", part, part[:1], part)) == "Dataset(two: 2 train, 1 validation, 2 test; 2 columns of float64, targets)"
    )
    with pytest.raises(AttributeError):
        book.train = part


def test_importing_datasets_loads_nothing_heavy():
    """Importing chainrule.datasets loads no SciPy, scikit-learn, Pillow or pyarrow."""
    code = "import sys, chainrule.datasets; print(*{'scipy', 'sklearn', 'PIL', 'pyarrow'}.intersection(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


# IDX folders


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("names", NAMES)
def test_idx_reads_every_way_of_naming(tmp_path, names, ending):
    """The four files are found under each of the usual names, gzipped or not, and read exactly."""
    data = idx(fill(tmp_path, names=names, ending=ending))
    assert data.name == tmp_path.name
    assert np.array_equal(data.train.x, IMAGES[:20].reshape(20, 12))
    assert np.array_equal(data.validation.x, IMAGES[20:].reshape(4, 12))
    assert np.array_equal(data.test.x, IMAGES[-6:].reshape(6, 12))
    assert np.array_equal(data.train.y, LABELS[:20])
    assert (data.train.x.dtype, data.train.y.dtype) == (np.uint8, np.intp)


@pytest.mark.parametrize(("stored", "kept"), [("i1", "f4"), (">i2", "f4"), (">i4", "f8"), (">f4", "f4"), (">f8", "f8")])
def test_idx_reads_every_element_type(tmp_path, stored, kept):
    """Images of every other element type become floats that hold the same numbers."""
    values = RNG.integers(-100, 100, IMAGES.shape).astype(stored)
    data = idx(fill(tmp_path, images=values))
    assert data.train.x.dtype == np.dtype(kept)
    assert np.array_equal(data.train.x, values[:20].reshape(20, 12))


def test_idx_reads_black_and_white_as_0_and_1(tmp_path):
    """Images whose bytes are all 0 or 1 become the floats 0 and 1; where the training set has greys, the bytes are pixels."""
    data = idx(fill(tmp_path, images=IMAGES // 128))
    assert data.train.x.dtype == data.test.x.dtype == np.float32
    assert np.array_equal(data.train.x, IMAGES[:20].reshape(20, 12) // 128)
    (tmp_path / NAMES["raw"][0]).write_bytes(idx_bytes(IMAGES))
    with pytest.raises(DataError, match="t10k-images"):
        idx(tmp_path)


def test_idx_takes_an_unpacked_file_before_its_gz(tmp_path):
    """A folder that holds each file both packed and unpacked is no folder with several data sets."""
    fill(tmp_path)
    fill(tmp_path, ending=".gz")
    assert len(idx(tmp_path).train) == 20


def test_idx_reads_a_gz_that_is_not_packed(tmp_path):
    """A file that was unpacked on its way but kept its .gz is read by its contents."""
    fill(tmp_path)
    (tmp_path / NAMES["raw"][0]).rename(tmp_path / (NAMES["raw"][0] + ".gz"))
    assert len(idx(tmp_path).train) == 20


def test_idx_reads_the_packages_own_files(book, tmp_path):
    """The four MNIST files, read as a folder, give what mnist() gives."""
    for path in (Path(files.__file__).parent / "mnist_files").glob("t10k*"):
        shutil.copy(path, tmp_path)
        shutil.copy(path, tmp_path / path.name.replace("t10k", "train"))
    data = idx(tmp_path)
    assert np.array_equal(data.test.x, book.test.x)
    assert (len(data.train), len(data.validation)) == (8334, 1666)


def header_of(*shape, kind=0x08):
    """An IDX header that claims a shape."""
    return bytes([0, 0, kind, len(shape)]) + np.array(shape, ">u4").tobytes()


GOOD = idx_bytes(IMAGES)
ROW = 28 * 28
BAD_IDX = {
    "empty": (b"", "is no IDX file"),
    "text": (b"hello, world", "is no IDX file: it begins with the bytes '68 65 6c 6c'"),
    "unknown element type": (b"\0\0\x0a\x03" + GOOD[4:], "is no IDX file"),
    "no dimensions": (b"\0\0\x08\x00" + GOOD[4:], "is no IDX file"),
    "cut within its header": (GOOD[:10], "is cut short: it ends within its header"),
    "cut after its header": (GOOD[:16], "is cut short"),
    "cut by one byte": (GOOD[:-1], "is cut short: its header claims 24 x 4 x 3 elements"),
    "too long by one byte": (GOOD + b"\0", "goes on after its end"),
    "no rows": (header_of(0, 28, 28), "is empty"),
    "no columns": (header_of(5, 28, 0), "is empty"),
    "claims 10^12 rows": (header_of(10**6, 10**6, 28, 28) + bytes(99), "cannot be read: its header claims 1,000,000 x 1,000,000"),
    "claims more than any memory": (header_of(*[2**32 - 1] * 8) + bytes(99), "the limit is"),
    "claims more than it holds": (header_of(10**6, 28, 28) + bytes(99), "is cut short: its header claims 1,000,000 x 28 x 28"),
    "labels where images should be": (idx_bytes(LABELS), "must hold images"),
    "gzip, cut": (gzip.compress(GOOD)[:-9], "is no intact gzip file"),
    "gzip, cut after its magic": (b"\x1f\x8b", "is no intact gzip file"),
    "gzip, a wrong checksum": (gzip.compress(GOOD)[:-8] + b"\1\2\3\4" + gzip.compress(GOOD)[-4:], "is no intact gzip file"),
    "gzip, damaged": (gzip.compress(GOOD)[:30] + b"\xff" * 20 + gzip.compress(GOOD)[50:], "is no intact gzip file"),
    "gzip, no such code": (gzip.compress(bytes(5000))[:10] + b"\xff" * 20, "is no intact gzip file"),
    "gzip, with more behind it": (gzip.compress(GOOD) + b"more", "is no intact gzip file"),
    "gzip, claims more than it can hold": (gzip.compress(header_of(10**6, 28, 28)), "is cut short"),
    "gzip, short": (gzip.compress(GOOD[:-5]), "is cut short"),
    "gzip, long": (gzip.compress(GOOD + b"\0" * 50), "goes on after its end"),
    "gzip of text": (gzip.compress(b"hello"), "is no IDX file"),
}


@pytest.mark.parametrize(("content", "message"), BAD_IDX.values(), ids=BAD_IDX)
def test_idx_refuses_what_is_not_intact(tmp_path, content, message):
    """A damaged or lying IDX file is refused in one line that names it."""
    fill(tmp_path)
    bad = tmp_path / "train-images-idx3-ubyte"
    bad.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        idx(tmp_path)
    assert told(error).startswith(str(bad))


def test_a_gzip_bomb_is_left_at_the_claimed_size(tmp_path):
    """Of a file that would unpack to a gigabyte, no more is unpacked than its header claims."""
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
        with pytest.raises(DataError, match="goes on after its end"):
            idx(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_claim_allocates_nothing(tmp_path):
    """A header that claims gigabytes of a short file is refused before memory is taken for it."""
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


def test_idx_refuses_images_and_labels_that_do_not_belong_together(tmp_path):
    """Images and labels of different counts are refused, and both files and counts named."""
    fill(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS[:-1]))
    with pytest.raises(DataError, match=r"24 images, but .*train-labels-idx1-ubyte 23 labels") as error:
        idx(tmp_path)
    told(error)


def test_idx_refuses_labels_of_several_columns_and_images_of_two_sizes(tmp_path):
    """Labels must be one number an image, and test images as large as the training images."""
    fill(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES[-6:, :, :2].copy()))
    with pytest.raises(DataError, match="have 12 pixels, its test images 8"):
        idx(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.zeros((24, 8), np.uint8)))
    with pytest.raises(DataError, match="one label for each image"):
        idx(tmp_path)


def test_idx_refuses_one_training_image(tmp_path):
    """A training set of one image leaves nothing to validate by, and is refused."""
    fill(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(IMAGES[:1]))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS[:1]))
    with pytest.raises(DataError, match="one training image; at least 2"):
        idx(tmp_path)


def test_idx_refuses_a_folder_with_none(tmp_path):
    """A folder without the four files is refused, and what is missing named."""
    with pytest.raises(DataError, match="none for train-images, train-labels, test-images, test-labels"):
        idx(tmp_path)
    fill(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"it has none for test-labels$") as error:
        idx(tmp_path)
    told(error)


def test_idx_refuses_a_folder_with_several(tmp_path):
    """A folder with the files of several data sets, or two for one part, is refused, and they are named."""
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
    """A folder that is not there, or is a file, is told in one line."""
    with pytest.raises(FileError, match=r"^no such folder: .*none$"):
        idx(tmp_path / "none")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match=r"cannot read .*file: it is no folder"):
        idx(tmp_path / "file")


def test_idx_reports_a_file_that_cannot_be_read(tmp_path):
    """An entry of the folder that cannot be opened as a file is told in one line."""
    fill(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").unlink()
    (tmp_path / "train-images-idx3-ubyte").mkdir()
    with pytest.raises(FileError, match=r"cannot read .*train-images-idx3-ubyte: it is a folder"):
        idx(tmp_path)


# Tables


def written(tmp_path, content, name="table.csv"):
    """A file with this content."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


GOOD_CSV = {
    "with names": "a,b,y\n1,2,0\n3,4,1\n",
    "without names": "1,2,0\n3,4,1\n",
    "no newline at the end": "a,b,y\n1,2,0\n3,4,1",
    "blank lines at the end": "a,b,y\n1,2,0\n3,4,1\n\n\n",
    "blank lines before and between": "\n\na,b,y\n\n1,2,0\n\n3,4,1\n",
    "windows line ends": "a,b,y\r\n1,2,0\r\n3,4,1\r\n",
    "old mac line ends": "a,b,y\r1,2,0\r3,4,1\r",
    "byte-order mark": "\ufeffa,b,y\n1,2,0\n3,4,1\n",
    "byte-order mark without names": "\ufeff1,2,0\n3,4,1\n",
    "semicolons": "a;b;y\n1;2;0\n3;4;1\n",
    "tabs": "a\tb\ty\n1\t2\t0\n3\t4\t1\n",
    "quoted names": '"a","b, or ""c""","y"\n1,2,0\n3,4,1\n',
    "a name over two lines": '"a\nb",b,y\n1,2,0\n3,4,1\n',
    "quoted numbers": '"a","b","y"\n"1","2","0"\n"3","4","1"\n',
    "spaces": "a, b, y\n1, 2, 0\n 3,4 ,1\n",
    "numbers as names": "0,1,y\n1,2,0\n3,4,1\n",
    "exponents": "a,b,y\n1e0,2.0,0\n3E+0,.4e1,1\n",
}


@pytest.mark.parametrize("content", GOOD_CSV.values(), ids=GOOD_CSV)
def test_table_reads_every_usual_csv(tmp_path, content):
    """A csv is read the same whatever its separator, line ends, quotes, byte-order mark and blank lines."""
    examples = table(written(tmp_path, content))
    assert examples.x.tolist() == [[1, 2], [3, 4]]
    assert examples.y.tolist() == [0, 1]
    assert (examples.x.dtype, examples.y.dtype) == (np.float64, np.intp)


@pytest.mark.parametrize(
    ("target", "y"), [("y", [0, 1]), ("a", [1, 3]), ("-1", [0, 1]), ("1", [2, 4]), (0, [1, 3]), (-2, [2, 4]), (np.int64(2), [0, 1])]
)
def test_the_target_is_a_name_or_a_number(tmp_path, target, y):
    """The target's column is named or counted from 0, from the end if negative; the others keep their order."""
    examples = table(written(tmp_path, GOOD_CSV["with names"]), target=target)
    assert examples.y.tolist() == y
    assert examples.x.tolist() == [[v for v in row if v != t] for row, t in zip([[1, 2, 0], [3, 4, 1]], y, strict=True)]


def test_a_name_goes_before_the_number_it_may_be(tmp_path):
    """Where a column is named 0, target="0" means that column, and target=0 the first."""
    path = written(tmp_path, "y,1,0\n5,6,7\n8,9,9\n")
    assert table(path, target="0").y.tolist() == [7, 9]
    assert table(path, target=0).y.tolist() == [5, 8]


def test_targets_that_are_not_whole_stay_floats(tmp_path):
    """A target column comes as int only where every value is a whole number."""
    examples = table(written(tmp_path, "1,2\n3,4.5\n"))
    assert examples.y.dtype == np.float64
    assert examples.y.tolist() == [2, 4.5]
    assert table(written(tmp_path, "1,2\n3,1e300\n")).y.dtype == np.float64


BAD_CSV = {
    "a row too short": ("a,b\n1,2\n3\n5,6\n", DataError, "line 3 has 1 field, but the first line has 2"),
    "a row too long": ("1,2\n3,4\n5,6,7\n", DataError, "line 3 has 3 fields, but the first line has 2"),
    "every row longer than the names": ("a,b\n1,2,3\n4,5,6\n", DataError, "line 2 has 3 fields"),
    "a line number after blank lines": ("\n\na,b\n\n1,2\n\n3\n", DataError, "line 7 has 1 field"),
    "a line number after a quoted newline": ('"a\nb",c\n1,2\n3\n', DataError, "line 4 has 1 field"),
    "a line number with windows line ends": ("a,b\r\n1,2\r\n3\r\n", DataError, "line 3 has 1 field"),
    "a value missing": ("a,b\n1,2\n3,\n", DataError, "line 3, column 'b': a value is missing; fill it in"),
    "a value missing in the first line": ("1,,3\n4,5,6\n", DataError, "line 1, column 1 \\(from 0\\): a value is missing"),
    "NA": ("a,b\n1,2\nNA,3\n", DataError, "line 3, column 'a': a value is missing"),
    "nan": ("a,b\n1,2\n3,nan\n", DataError, "line 3, column 'b': a value is missing"),
    "inf": ("a,b\n1,-inf\n3,4\n", DataError, "line 2, column 'b' holds -inf"),
    "text": ("a,b\n1,2\nred,3\n", DataTypeError, "line 3, column 'a' holds 'red', which is no number; encode text and categories"),
    "text without names": ("1,2\n3,x\n", DataTypeError, "line 2, column 1 \\(from 0\\) holds 'x'"),
    "a slip in the first line": ("5.1,O.2,3\n1,2,3\n", DataTypeError, "line 1, column 1 \\(from 0\\) holds 'O.2'"),
    "a decimal comma": ("a;b\n1,5;2\n", DataTypeError, "line 2, column 'a' holds '1,5'.*write decimals with a point"),
    "a decimal comma without names": ("1,5;2\n3;4\n", DataTypeError, "line 1.*write decimals with a point"),
    "thousands with an underscore": ("a,b\n1_000,2\n", DataTypeError, "line 2, column 'a' holds '1_000'"),
    "an open quote": ('a,b\n1,"2\n3,4\n5,6\n', DataTypeError, "line 2, column 'b'"),
    "digits of another script": ("a,b\n1,2\n٣,4\n", DataTypeError, "line 3, column 'a' holds '٣'.*the digits 0 to 9"),
    "such digits in the first line": ("١,٢\n3,4\n", DataTypeError, "line 1, column 0 .*the digits 0 to 9"),
    "a line of spaces": ("1,2\n   \n3,4\n", DataError, "line 2 is blank but for spaces; leave it out"),
    "nothing": ("", DataError, "holds no rows$"),
    "blank lines": ("\n\n \n", DataError, "holds no rows$"),
    "names alone": ("a,b\n", DataError, "holds no rows below its line of names"),
    "one column": ("1\n2\n", DataError, "has one column"),
    "a column without a name": (",a,b\n0,1,2\n", DataError, "column 0 \\(from 0\\) has no name.*index=False"),
    "bytes": (b"\x00\x01\xff\xfe", DataError, "is no UTF-8 text"),
    "latin-1": ("caf\xe9,b\n1,2\n".encode("latin-1"), DataError, "no UTF-8 text .*0xe9"),
    "latin-1 far below": (b"a,b\n" + b"1,2\n" * 40_000 + b"\xe9,2\n", DataError, "no UTF-8 text .*0xe9"),
}


@pytest.mark.parametrize(("content", "kind", "message"), BAD_CSV.values(), ids=BAD_CSV)
def test_table_refuses_a_bad_csv(tmp_path, content, kind, message):
    """A broken row, a missing value or text is refused in one line that names the file, the line and the column."""
    path = written(tmp_path, content)
    with pytest.raises(kind, match=message) as error:
        table(path)
    assert told(error).startswith(str(path))


def test_a_csv_of_20000_columns_is_read(tmp_path):
    """A first line longer than a field may be is read, for its fields are short."""
    examples = table(written(tmp_path, ",".join(["0.12345"] * 20_000) + "\n" + ",".join(["1.23456"] * 20_000)))
    assert examples.x.shape == (2, 19_999)


def test_a_broken_row_is_found_in_a_long_file(tmp_path):
    """The line named is the one an editor shows, wherever it is."""
    lines = ["a,b"] + ["1,2"] * 70_000
    lines[65_432] = "1;2"
    with pytest.raises(DataError, match="line 65433 has 1 field"):
        table(written(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize(
    ("target", "kind", "message"),
    [
        ("c", DataError, "has no column 'c'; it has a, b, y"),
        (3, DataError, "3 columns, so the target's number lies in 0..2.*it is 3"),
        ("-4", DataError, "it is -4"),
        (1.0, SettingError, "a column's name or its number; it is 1.0"),
        (None, SettingError, "it is None"),
        (True, SettingError, "it is True"),
    ],
)
def test_a_target_that_is_no_column_is_refused(tmp_path, target, kind, message):
    """A target that names no column is refused, and the columns are named."""
    with pytest.raises(kind, match=message) as error:
        table(written(tmp_path, GOOD_CSV["with names"]), target=target)
    told(error)


def test_an_unclear_target_is_refused(tmp_path):
    """A name that two columns have, or a name where there are none, is refused."""
    with pytest.raises(DataError, match="2 columns named 'a'"):
        table(written(tmp_path, "a,a,b\n1,2,3\n"), target="a")
    with pytest.raises(DataError, match="no line of names; give the target by its number, 0 to 2"):
        table(written(tmp_path, "1,2,3\n"), target="a")


# npz


def npz(**arrays):
    """Arrays as the bytes of an .npz file."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def forged(shape, *, descr="'<f8'", version=b"\x01\x00", body=bytes(96)):
    """An .npz whose x claims a shape and holds other bytes."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(11 + len(text)) % 64) + b"\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + body)
        archive.writestr("y.npy", b"")
    return packed.getvalue()


X, Y = RNG.normal(size=(6, 3)), np.array([0, 1, 2, 0, 1, 2.0])


def test_table_reads_an_npz(tmp_path):
    """Arrays x and y of an .npz come back bit for bit in x's dtype; target names another array than y."""
    path = written(tmp_path, npz(x=X.astype(np.float32), y=Y, z=Y / 2), "table.npz")
    examples = table(path)
    assert examples.x.dtype == np.float32
    assert np.array_equal(examples.x, X.astype(np.float32))
    assert examples.y.dtype == np.intp
    assert np.array_equal(table(path, target="z").y, Y / 2)
    pixels = table(written(tmp_path, npz(x=IMAGES.reshape(24, 12), y=np.eye(24)), "table.npz"))
    assert (pixels.kind, pixels.y.shape) == ("pixels", (24, 24))


def test_whole_numbers_beyond_int_become_no_negative_labels(tmp_path):
    """Unsigned numbers that int cannot hold come as floats, the others as labels."""
    large = np.array([2**63, 1, 2, 3, 4, 5], np.uint64)
    y = table(written(tmp_path, npz(x=X, y=large), "table.npz")).y
    assert (y.dtype, y.tolist()) == (np.float64, [2.0**63, 1, 2, 3, 4, 5])
    assert table(written(tmp_path, npz(x=X, y=large // 2**10), "table.npz")).y.dtype == np.intp


BAD_NPZ = {
    "empty": (b"", DataError, "no intact .npz"),
    "text": (b"hello", DataError, "no intact .npz"),
    "cut": (npz(x=X, y=Y)[:-30], DataError, "no intact .npz"),
    "no x": (npz(a=X, y=Y), DataError, "no array 'x'; it holds a, y"),
    "no y": (npz(x=X), DataError, "no array 'y'"),
    "objects": (npz(x=np.array([[1, "a"]], object), y=Y[:1]), DataTypeError, "array 'x' holds Python objects"),
    "text in x": (npz(x=np.array([["a"]]), y=Y[:1]), DataTypeError, "x holds text"),
    "nan": (npz(x=X * np.nan, y=Y), DataError, "x holds NaN or inf"),
    "counts": (npz(x=X, y=Y[1:]), DataError, "y must have a row for each of the 6 rows"),
    "images not flattened": (npz(x=IMAGES, y=LABELS), DataError, "x must have shape"),
    "claims 10^12 rows": (forged("(1000000000000, 3)"), DataError, "claims the shape .*24,000,000,000,000 bytes.*holds 96"),
    "claims too little": (forged("(2, 3)"), DataError, "48 bytes"),
    "a shape beyond any number": (forged("(0, 10**21)".replace("10**21", "1" + "0" * 21)), DataError, "cannot be read .*shape"),
    "a shape of truth": (forged("(True, 2)", body=bytes(16)), DataError, "cannot be read .*shape"),
    "a shape with 9,000 signs": (forged("(" + "-" * 9000 + "1,)"), DataError, "array 'x' cannot be read"),
    "negative shape": (forged("(-4, -3)"), DataError, "cannot be read"),
    "code in its header": (forged("__import__('os')"), DataError, "cannot be read"),
    "a later version": (forged("(4, 3)", version=b"\x03\x00"), DataError, "array 'x' is in a form"),
    "no npy within": (forged("(4, 3)", version=b"\x09\x09"), DataError, "array 'x'"),
}


@pytest.mark.parametrize(("content", "kind", "message"), BAD_NPZ.values(), ids=BAD_NPZ)
def test_table_refuses_a_bad_npz(tmp_path, content, kind, message):
    """An .npz that is damaged, lies about its size, or holds anything but numbers is refused in one line that names it."""
    path = written(tmp_path, content, "table.npz")
    with pytest.raises(kind, match=message) as error:
        table(path)
    assert told(error).startswith(str(path))


def test_an_npz_bomb_is_refused(tmp_path, monkeypatch):
    """An array that claims more than the limit is refused before it is unpacked."""
    monkeypatch.setattr(sys.modules["chainrule.datasets.table"], "LIMIT_UNPACKED", 1000)
    with pytest.raises(DataError, match="array 'x' holds 8,000,128 bytes, uncompressed; the limit is 1,000"):
        table(written(tmp_path, npz(x=np.zeros((1000, 1000)), y=np.zeros(1000)), "table.npz"))


def test_another_packing_is_refused(tmp_path):
    """A member packed with lzma, which can shrink without bounds, is refused."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", bytes(1000))
    with pytest.raises(DataError, match="a way that NumPy does not write"):
        table(written(tmp_path, packed.getvalue(), "table.npz"))


# svmlight


@pytest.mark.parametrize("name", ["rows.svmlight", "rows.libsvm"])
def test_table_reads_svmlight(tmp_path, name):
    """A sparse file comes back as CSR, with its own target."""
    from sklearn.datasets import dump_svmlight_file

    x = sparse.csr_matrix(np.eye(20, 7) + np.eye(20, 7, k=3) / 3)
    dump_svmlight_file(x, np.arange(20) % 3, str(tmp_path / name), zero_based=False)
    examples = table(tmp_path / name)
    assert examples.kind == "csr"
    assert np.allclose(examples.x.toarray(), x.toarray(), rtol=1e-15)
    assert examples.y.tolist() == (np.arange(20) % 3).tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x 1:2\n", "is no svmlight file"),
        ("1 a:2\n", "is no svmlight file"),
        ("1 1:2 1:x\n", "is no svmlight file"),
        ("1 3:1 2:1\n", "is no svmlight file"),
        ("1 -5:3\n", "is no svmlight file"),
        ("1 99999999999999999999:2\n", "is no svmlight file"),
        (b"\x00\xff\x01", "is no svmlight file"),
        ("1 1:2\n0 1_0:2\n", "line 2 holds '_'"),
        ("1 1:2\n0 99999999:2\n", "names column 99,999,999"),
        ("1 1:nan\n", "x holds NaN or inf"),
        ("", "holds no rows"),
    ],
)
def test_table_refuses_bad_svmlight(tmp_path, content, message):
    """A sparse file that cannot be read, or claims a width beyond the limit, is refused in one line that names it."""
    path = written(tmp_path, content, "rows.svmlight")
    with pytest.raises(DataError, match=message) as error:
        table(path)
    assert told(error).startswith(str(path))


# parquet


def parquet(**columns):
    """Columns as the bytes of a .parquet file."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    packed = io.BytesIO()
    write_table(pa.table(columns), packed)
    return packed.getvalue()


def test_table_reads_parquet(tmp_path):
    """The columns of a .parquet file come back in order, as float64, or float32 where all are."""
    path = written(tmp_path, parquet(a=[1, 2], b=[0.5, 1.5], flag=[True, False], y=[0, 1]), "table.parquet")
    examples = table(path)
    assert examples.x.tolist() == [[1, 0.5, 1], [2, 1.5, 0]]
    assert (examples.x.dtype, examples.y.tolist()) == (np.float64, [0, 1])
    assert table(path, target="b").y.tolist() == [0.5, 1.5]
    single = parquet(a=np.array([1, 2], np.float32), y=np.array([1, 2], np.float32))
    assert table(written(tmp_path, single, "table.parquet")).x.dtype == np.float32
    small = parquet(a=np.array([1, 2], np.uint8), y=np.array([1, 2], np.uint8))
    assert table(written(tmp_path, small, "table.parquet")).kind == "dense"


def test_table_refuses_bad_parquet(tmp_path):
    """Text, categories, missing values and damage are refused in one line that names the file and the column."""
    pa = pytest.importorskip("pyarrow")
    good = parquet(a=[1, 2], y=[0, 1])
    bad = [
        (parquet(a=["u", "v"], y=[0, 1]), DataTypeError, "column 'a' holds string; encode text and categories"),
        (parquet(a=pa.array(["u", "v"]).dictionary_encode(), y=[0, 1]), DataTypeError, "column 'a' holds dictionary"),
        (parquet(a=[1, None], y=[0, 1]), DataError, "column 'a' has no value in row 2; fill it in"),
        (parquet(a=[1.0, float("nan")], y=[0, 1]), DataError, "x holds NaN or inf"),
        (parquet(a=pa.array([], pa.int64()), y=pa.array([], pa.int64())), DataError, "holds no rows"),
        (parquet(y=[0, 1]), DataError, "has one column"),
        (parquet(a=[1, 2], y=[0, 1], __index_level_0__=[0, 1]), DataError, "pandas' row index"),
        (good[:-9], DataError, "no intact parquet"),
        (good[:40] + bytes(40) + good[80:], DataError, "no intact parquet"),
        (b"hello", DataError, "no intact parquet"),
    ]
    for content, kind, message in bad:
        path = written(tmp_path, content, "table.parquet")
        with pytest.raises(kind, match=message) as error:
            table(path)
        assert told(error).startswith(str(path))


def test_a_damaged_name_in_parquet_is_refused(tmp_path):
    """A column's name that is no UTF-8 is refused in one line."""
    whole = parquet(feature=[1, 2], y=[0, 1])
    path = written(tmp_path, whole.replace(b"feature", b"f\xffature"), "table.parquet")
    with pytest.raises(DataError, match="is no intact parquet file") as error:
        table(path)
    assert told(error).startswith(str(path))


def test_parquet_is_read_some_rows_at_a_time(tmp_path):
    """Rows beyond the first batch lie where they belong, on either side of the target, and a value missing there is counted."""
    count = np.arange(150_000)
    columns = {"a": count + 0.5, "y": count % 3, "b": -count}
    examples = table(written(tmp_path, parquet(**columns), "table.parquet"), target="y")
    assert np.array_equal(examples.x, np.column_stack([columns["a"], columns["b"]]))
    assert np.array_equal(examples.y, columns["y"])
    columns["b"] = [None if k == 140_000 else 1 for k in count]
    with pytest.raises(DataError, match="column 'b' has no value in row 140001"):
        table(written(tmp_path, parquet(**columns), "table.parquet"))


def test_a_parquet_bomb_is_refused(tmp_path, monkeypatch):
    """A table that would unpack to more than the limit is refused, and the limit told."""
    monkeypatch.setattr(sys.modules["chainrule.datasets.table"], "LIMIT_UNPACKED", 1000)
    with pytest.raises(DataError, match="holds 1,600 bytes, uncompressed; the limit is 1,000"):
        table(written(tmp_path, parquet(a=[0] * 100, y=[0] * 100), "table.parquet"))


def test_parquet_without_pyarrow_names_the_remedy(tmp_path, monkeypatch):
    """Where pyarrow is not installed, a .parquet file is refused and the remedy named."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match="takes pyarrow; pip install pyarrow"):
        table(written(tmp_path, b"", "table.parquet"))


# Any file


@pytest.mark.parametrize("ending", [".csv", ".npz", ".svmlight", ".parquet"])
def test_a_file_that_cannot_be_opened_is_told_in_one_line(tmp_path, ending):
    """A file that is not there, or a folder in its place, is told in one line."""
    path = tmp_path / f"table{ending}"
    with pytest.raises(FileError, match=f"^no such file: {path}$"):
        table(path)
    path.mkdir()
    with pytest.raises(FileError, match=f"^cannot read {path}: it is a folder"):
        table(path)


@pytest.mark.parametrize("read", [idx, lambda name: table(f"{name}.csv"), lambda name: table(f"{name}.npz")])
def test_a_name_that_cannot_be_one_is_told_in_one_line(tmp_path, read):
    """A name with a null character, one of 300 letters, and a link to itself are told in one line."""
    for ending in ("", ".csv", ".npz"):
        (tmp_path / f"ring{ending}").symlink_to(tmp_path / f"ring{ending}")
    for name in ("a\0b", "a" * 300, "ring"):
        with pytest.raises(FileError, match=r"^cannot read ") as error:
            read(tmp_path / name)
        assert "\0" not in told(error)


@pytest.mark.parametrize("ending", [".csv", ".npz", ".svmlight", ".parquet"])
def test_no_damage_raises_anything_else(tmp_path, ending):
    """Whatever byte of a table's file is flipped, it is read or refused, and never ends in another library's error."""
    whole = {
        ".csv": b'"a","b"\n1,2\n3,4.5\n',
        ".npz": npz(x=X, y=Y),
        ".svmlight": b"1 1:2 3:0.5\n0 2:1\n",
        ".parquet": parquet(a=[1, 2], y=[0, 1]),
    }[ending]
    for k in range(0, len(whole), 1 + len(whole) // 400):
        damaged = bytearray(whole)
        damaged[k] ^= 0x55
        path = written(tmp_path, bytes(damaged), f"table{ending}")
        try:
            table(path)
        except (DataError, DataTypeError) as error:
            assert str(error).startswith(str(path))  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("name", "message"), [("table.xlsx", "ends in '.xlsx', but a table is read from .csv"), ("table", "has no ending")]
)
def test_an_unknown_ending_is_refused(tmp_path, name, message):
    """A format that is not read is refused, and those that are named."""
    with pytest.raises(DataError, match=message):
        table(written(tmp_path, "1,2\n", name))


@pytest.mark.parametrize("ending", [".csv", ".svmlight"])
def test_a_file_beyond_the_limit_is_refused(tmp_path, monkeypatch, ending):
    """A file larger than the limit is refused before it is read."""
    monkeypatch.setattr(files, "LIMIT_BYTES", 10)
    with pytest.raises(DataError, match="holds 11 bytes, uncompressed; the limit is 10"):
        table(written(tmp_path, "1 1:1\n1 1:1", f"table{ending}"))


@pytest.mark.parametrize("text", ["[" * 118, "{'a':" * 20, "{'descr': '<f8', 'shape': ("])
def test_an_npz_header_that_is_no_header_is_refused(tmp_path, text):
    """An array whose header is no Python literal is refused in one line, naming the file and the array."""
    path = tmp_path / "rows.npz"
    member = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.ljust(118)[:118].encode() + bytes(64)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x.npy", "y.npy"):
            archive.writestr(name, member)
    with pytest.raises(DataError, match=r"rows\.npz: array 'x' cannot be read"):
        table(path)
