"""Time a session of the book against a loop over single examples: ``python -m benchmarks.book [ROUNDS]``.

Both train 784 x 30 x 10 on the same lists of 50,000 columns, batches of 10, eta 3, and count the right answers on 10,000 columns
after each epoch: ``chainrule.book.network``, with the conversion of the lists, and ``tests/per_example.py``, which computes one
example after the other as the book's own code does. They begin with the same seeds, and their counts must be equal. One epoch shows
the least speedup, since its share of the conversion is the largest; of a session of 30 epochs the loop is timed for one epoch.
"""

from __future__ import annotations

import io
import random
from contextlib import redirect_stdout
from statistics import median

import numpy as np

from benchmarks.command_line import arguments
from benchmarks.interleaved import median_ratio, time_interleaved
from chainrule.book import mnist_loader, network
from tests.per_example import PerExample

SIZES, ETA, BATCH, SEED = [784, 30, 10], 3.0, 10, 1


def seed() -> None:
    """Seed both global generators."""
    np.random.seed(SEED)  # noqa: NPY002
    random.seed(SEED)


def session(training: list, test: list, epochs: int) -> list[int]:
    """Run the book's session; give the printed counts."""
    seed()
    printed = io.StringIO()
    with redirect_stdout(printed):
        network.Network(SIZES).SGD(list(training), epochs, BATCH, ETA, test_data=test)
    return [int(line.split()[2]) for line in printed.getvalue().splitlines()]


def loop(training: list, test: list) -> list[int]:
    """Train one epoch example by example; give the count."""
    seed()
    net, pairs = PerExample(SIZES), list(training)
    with np.errstate(over="ignore"):
        net.epoch(pairs, BATCH, ETA)
        return [net.right(test)]


def main(rounds: int) -> None:
    """Time both in turn, and print the medians."""
    training, _, test = mnist_loader.load_data_wrapper()
    counts = session(training, test, 1), loop(training, test)
    if counts[0] != counts[1]:
        raise SystemExit(f"the counts differ: {counts}")
    candidates = {
        "chainrule.book, 1 epoch": lambda: session(training, test, 1),
        "chainrule.book, 30 epochs": lambda: session(training, test, 30),
        "example by example, 1 epoch": lambda: loop(training, test),
    }
    seconds = time_interleaved(candidates, rounds)
    one, thirty, single = seconds.values()
    for name, measured in seconds.items():
        print(f"{name:28} {median(measured):7.3f} s, the median of {rounds}")
    print(f"speedup of 1 epoch:   {median_ratio(one, single):5.1f}")
    print(f"speedup of 30 epochs: {median_ratio(thirty, [30 * value for value in single]):5.1f}")


if __name__ == "__main__":
    chosen = arguments("book", "Time a session of the book against a loop over single examples.", count=3, metavar="ROUNDS")
    main(chosen.count)
