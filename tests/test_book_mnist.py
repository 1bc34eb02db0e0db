"""``chainrule.book.mnist_loader`` and the baselines of chapter 1."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.book import mnist_average_darkness, mnist_loader, mnist_svm


@pytest.fixture(scope="module")
def arrays():
    """MNIST as the book's three pairs of arrays."""
    return mnist_loader.load_data()


def test_the_arrays_are_those_of_the_books_file(arrays):
    """Training, validation and test are float32 pixels x/256 and int64 digits; the first image has the file's numbers."""
    assert [(x.shape, x.dtype, y.shape, y.dtype) for x, y in arrays] == [
        ((n, 784), np.float32, (n,), np.int64) for n in (50_000, 10_000, 10_000)
    ]
    (x, digits), _, _ = arrays
    assert x.max() == 0.99609375
    assert digits[:5].tolist() == [5, 0, 4, 1, 9]
    assert x[0][x[0] > 0][:10].tolist() == [
        *(0.01171875, 0.0703125, 0.0703125, 0.0703125, 0.4921875),
        *(0.53125, 0.68359375, 0.1015625, 0.6484375, 0.99609375),
    ]


def test_the_lists_hold_the_arrays_columns(arrays):
    """The wrapper's lists can be sliced; training targets are columns of ten, the others are ints."""
    lists = training, validation, test = mnist_loader.load_data_wrapper()
    for pairs, (x, digits) in zip(lists, arrays, strict=True):
        assert type(pairs) is list
        assert np.array_equal(np.hstack([column for column, _ in pairs[:300]]).T, x[:300])
        labels = [y if isinstance(y, int) else int(y.argmax()) for _, y in pairs]
        assert labels == digits.tolist()
    assert training[0][0].shape == (784, 1)
    assert np.array_equal(training[0][1], np.eye(10)[:, [5]])
    assert {type(y) for _, y in validation} == {type(y) for _, y in test} == {int}


def test_the_pixels_are_the_librarys_but_for_the_divisor(arrays):
    """The images are those of ``cr.datasets.mnist()``, in its order."""
    mnist = cr.datasets.mnist()
    for (x, digits), examples in zip(arrays, (mnist.train, mnist.validation, mnist.test), strict=True):
        assert np.array_equal(x[::100] * 256, examples.x[::100])
        assert np.array_equal(digits, examples.y)


def test_the_darkness_baseline_prints_the_books_figure(capsys):
    """2,225 of the test images are guessed by their darkness, the book's 22.25 %."""
    mnist_average_darkness.main()
    assert capsys.readouterr().out == "Baseline classifier using average darkness of image.\n2225 of 10000 values correct.\n"


def test_darkness_is_compared_with_each_digits_mean():
    """The average is that of each digit's images, and the nearest one is the guess."""
    images = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]])
    averages = mnist_average_darkness.avg_darknesses((images, np.array([7, 7, 2])))
    assert averages == {2: 1.0, 7: 5.0}
    assert mnist_average_darkness.guess_digit([1.5, 1.4], averages) == 2
    assert mnist_average_darkness.guess_digit([1.5, 1.6], averages) == 7


def test_the_svm_baseline_prints_its_line(arrays, capsys, monkeypatch):
    """scikit-learn's SVC with gamma 1/784 is fitted to the training images and counted on the test images; here on a few."""
    few = [(x[:500], y[:500]) for x, y in arrays]
    monkeypatch.setattr(mnist_loader, "load_data", lambda: few)
    mnist_svm.svm_baseline()
    first, second = capsys.readouterr().out.splitlines()
    assert first == "Baseline classifier using an SVM."
    assert second.endswith(" of 500 values correct.")
    assert 300 < int(second.split()[0]) < 450
