"""The notes' run with many seeds: 784 x 30 x 10, sigmoid, quadratic cost, N(0, 1) start, batches of 10, eta 3, 30 epochs.

Usage: ``python -m benchmarks.notes_network [SEEDS]``. A single run is not conclusive at this size. The script prints the
distribution of the test accuracy after the last epoch, and that of the best of three consecutive seeds.
"""

from __future__ import annotations

from statistics import median

import chainrule as cr
from benchmarks.command_line import arguments


def main(seeds: int) -> None:
    """Train once per seed and print a line for each, then the distribution."""
    mnist = cr.datasets.mnist()
    accuracies = []
    for seed in range(seeds):
        network = cr.Network([784, 30, 10], seed=seed)
        history = cr.train(network, mnist.train, epochs=30, batch_size=10, learning_rate=3.0)
        accuracies.append(network.accuracy(mnist.test))
        print(f"seed {seed:2}: {accuracies[-1]:.2%} on the test images, {history['seconds'].sum():.1f} s", flush=True)
    best = [max(accuracies[first : first + 3]) for first in range(len(accuracies) - 2)]
    print(f"{seeds} seeds: minimum {min(accuracies):.2%}, median {median(accuracies):.2%}, maximum {max(accuracies):.2%}")
    if best:
        share = sum(accuracy >= 0.95 for accuracy in best) / len(best)
        print(f"best of three consecutive seeds: median {median(best):.2%}; at least 95.00 % in {share:.0%} of cases")


if __name__ == "__main__":
    main(arguments("notes_network", "Repeat the notes' run over many seeds.", count=20, metavar="SEEDS").count)
