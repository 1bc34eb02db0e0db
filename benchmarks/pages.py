"""The accuracy of reading digits beside lines: ``python -m benchmarks.pages [N] [--pens] [--paper]``.

For every kind of page that the tests draw, it prints how many of N digits are read correctly on paper of 28 x 28 and of 120 x 120
pixels, on a blackboard of 400 x 300 and in a photo of 1000 x 800. Each is read by a nearest-neighbour classifier with 10,000
training images, and by a trained network. The last column counts how many of 12 pages with lines only are refused as blank. The
first row is the page without lines.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

import chainrule as cr
from benchmarks.command_line import arguments
from chainrule.datasets.mnist_form import to_mnist
from chainrule.errors import DataError
from tests.drawn_pages import KINDS, STYLES, lines_alone, page, penned

Reader = Callable[[np.ndarray], np.ndarray]
WIDTHS = (0.04, 0.07, 0.1, 0.14)  # of a pen, as a share of the digit's height


def readers() -> list[Reader]:
    """Train the two classifiers of images in MNIST's form."""
    mnist = cr.datasets.mnist()
    train = mnist.train[:10_000]
    nearest = KNeighborsClassifier(3).fit(train.x / np.float32(255), train.y)
    network = cr.Network([784, 100, 10], seed=0, activation="relu", output="softmax", cost="log_loss")
    cr.train(network, mnist.train, epochs=8, batch_size=32, learning_rate=0.001, optimizer="adam")
    return [lambda images: nearest.predict(images / np.float32(255)), network.predict]


def digits(number: int, pens: bool) -> tuple[list[np.ndarray], np.ndarray]:
    """Return digits and their labels: MNIST's test images, or digits drawn with pens of four widths."""
    if pens:
        labels = np.arange(number) % 10
        return [penned(label, WIDTHS[k // 10 % 4]) for k, label in enumerate(labels)], labels
    test = cr.datasets.mnist().test[:number]
    return list(test.x.reshape(-1, 28, 28)), test.y


def converted(drawn: np.ndarray) -> np.ndarray | None:
    """Convert a page to MNIST's form; None where it is refused."""
    try:
        return to_mnist(drawn).reshape(-1)
    except DataError:
        return None


def count_correct(read: Reader, images: list[np.ndarray | None], labels: np.ndarray) -> int:
    """Count the images that are read correctly."""
    found = [k for k, image in enumerate(images) if image is not None]
    return int(np.sum(read(np.array([images[k] for k in found])) == labels[found])) if found else 0


def count_refused(kind: str, style: str, number: int) -> int:
    """Count the pages with lines only that are refused."""
    return sum(converted(lines_alone(kind, style, np.random.default_rng(seed))) is None for seed in range(number))


def main(number: int, pens: bool, styles: tuple[str, ...]) -> None:
    """Print one line per kind of page, then the time per page."""
    read = readers()
    written, labels = digits(number, pens)
    seconds = dict.fromkeys(styles, 0.0)
    print(f"{'':25}" + "".join(f"{style:>9}" for style in styles) + "    alone")
    for kind in KINDS:
        counts = []
        for style in styles:
            rng = np.random.default_rng(0)
            pages = [page(digit, kind, style, rng) for digit in written]
            start = time.perf_counter()
            images = [converted(drawn) for drawn in pages]
            seconds[style] += time.perf_counter() - start
            counts.append(" ".join(f"{count_correct(reader, images, labels):3}" for reader in read))
        blank = sum(count_refused(kind, style, 4) for style in ("120", "board", "photo"))
        print(f"{kind:25}" + "".join(f"{count:>9}" for count in counts) + f"{blank:9}", flush=True)
    each = {style: 1000 * total / len(KINDS) / number for style, total in seconds.items()}
    print(f"{'milliseconds per page':25}" + "".join(f"{one:9.0f}" for one in each.values()))


if __name__ == "__main__":
    chosen = arguments(
        "pages",
        "Measure the accuracy of reading digits beside lines.",
        count=100,
        metavar="N",
        pens="read drawn digits instead of MNIST's test images",
        paper="use paper of 120 x 120 pixels only",
    )
    main(chosen.count, chosen.pens, ("120",) if chosen.paper else tuple(STYLES))
