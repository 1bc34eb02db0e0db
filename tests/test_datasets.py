"""The built-in data sets: MNIST is the published one, ``digits()`` is scikit-learn's."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from data_files import idx_bytes, one_line_message

import chainrule as cr
from chainrule import datasets
from chainrule.datasets import Dataset, digits, mnist
from chainrule.datasets.mnist import SHA256, read_checked
from chainrule.errors import DataError


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
    """The images and labels of all parts, joined and encoded again, have the published SHA-256."""
    x, y = np.concatenate([book.train.x, book.validation.x]), np.concatenate([book.train.y, book.validation.y])
    pairs = {"train": (x, y), "t10k": (book.test.x, book.test.y)}
    for part, (images, labels) in pairs.items():
        assert hashlib.sha256(idx_bytes(images.reshape(-1, 28, 28))).hexdigest() == SHA256[f"{part}-images-idx3-ubyte"]
        assert hashlib.sha256(idx_bytes(labels.astype(np.uint8))).hexdigest() == SHA256[f"{part}-labels-idx1-ubyte"]


def test_a_file_that_is_not_mnist_is_refused():
    """A file of the package with another SHA-256 is refused with the remedy."""
    with pytest.raises(DataError, match=r"not MNIST as published.*install chainrule again") as error:
        read_checked("t10k-labels-idx1-ubyte", SHA256["train-labels-idx1-ubyte"])
    assert "t10k-labels-idx1-ubyte.gz" in one_line_message(error)


def test_mnists_licence_is_in_its_folder():
    """The licence file in MNIST's folder names the licence, links to it, and states the authors and the changes made."""
    text = (Path(datasets.__file__).parent / "mnist_files" / "LICENSE.md").read_text(encoding="utf-8")
    for needed in ("CC-BY-SA-3.0", "https://creativecommons.org/licenses/by-sa/3.0/", "LeCun", "Cortes", "Burges", "gzip wrapping"):
        assert needed in text
    assert all(digest in text for digest in SHA256.values())


def test_digits_are_scikit_learns():
    """The three parts of ``digits()`` hold each of scikit-learn's images once, scaled to 0..1, in the same order on every call."""
    from sklearn.datasets import load_digits

    first, second = digits(), digits()
    parts = (first.train, first.validation, first.test)
    assert [len(part) for part in parts] == [1197, 300, 300]
    x, y = np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])
    assert x.dtype == np.float32
    assert (x.min(), x.max()) == (0, 1)
    expected = load_digits()
    assert sorted(map(tuple, np.column_stack([x * 16, y]))) == sorted(map(tuple, np.column_stack([expected.data, expected.target])))
    assert np.array_equal(first.test.x, second.test.x)
    assert all(np.bincount(part.y, minlength=10).min() >= 20 for part in parts)


def test_the_repr_describes_a_data_set(book):
    """The repr of a data set states its name, its sizes, its columns and its labels."""
    assert repr(book) == "Dataset(mnist: 50,000 train, 10,000 validation, 10,000 test; 784 pixels, labels 0..9)"
    part = cr.Examples(np.eye(2), [0.5, 1.5])
    assert (
        repr(Dataset("two", part, part[:1], part)) == "Dataset(two: 2 train, 1 validation, 2 test; 2 columns of float64, targets)"
    )
    with pytest.raises(AttributeError):
        book.train = part


def test_importing_datasets_loads_nothing_heavy():
    """Importing ``chainrule.datasets`` does not import SciPy, scikit-learn, Pillow or pyarrow."""
    code = "import sys, chainrule.datasets; print(*{'scipy', 'sklearn', 'PIL', 'pyarrow'}.intersection(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
