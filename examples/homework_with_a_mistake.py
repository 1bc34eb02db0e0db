"""Homework with a mistake in it: a backprop of one's own is handed in, found wrong, mended, and found right."""

import numpy as np

import chainrule as cr


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def backprop(weights, biases, x, y, mended=False):
    """Pages 3-4 of the notes, by hand: forward through the layers, then back."""
    activations, zs = [x], []
    for w, b in zip(weights, biases, strict=True):
        zs.append(w @ activations[-1] + b)
        activations.append(sigmoid(zs[-1]))

    nabla_b, nabla_w = [], []
    delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
    for layer in reversed(range(len(weights))):
        nabla_b.insert(0, delta.sum(axis=1, keepdims=True))
        nabla_w.insert(0, delta @ activations[layer].T)
        if layer > 0:
            where = zs[layer - 1] if mended else activations[layer]  # the mistake: sigmoid_prime wants z
            delta = (weights[layer].T @ delta) * sigmoid_prime(where)
    return nabla_b, nabla_w


if __name__ == "__main__":
    net = cr.Network([784, 30, 10], seed=0)
    x, y = np.zeros((784, 8)), np.zeros((10, 8))  # what a batch looks like here: examples are columns

    print(cr.check_gradient(backprop, x, y, like=net))
    print()
    print(cr.check_gradient(lambda *batch: backprop(*batch, mended=True), x, y, like=net))
