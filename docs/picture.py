"""Draw the README's picture: cost and accuracy of the notes' network over 30 epochs.

Usage: ``python -m docs.picture``; it writes docs/training.png. ``python examples/neuron_by_hand.py docs/neuron.png`` draws the
picture of the examples.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt

import chainrule as cr


def main() -> None:
    """Train the network, plot its history, and save the picture."""
    mnist = cr.datasets.mnist()
    network = cr.Network([784, 30, 10], seed=0)
    history = cr.train(network, mnist.train, epochs=30, batch_size=10, learning_rate=3.0, validation=mnist.validation)
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    history.plot(axes)
    axes.set_title(f"784 x 30 x 10 on MNIST: {network.accuracy(mnist.test):.2%} of the test images")
    figure.savefig(Path(__file__).with_name("training.png"), dpi=110)


if __name__ == "__main__":
    main()
