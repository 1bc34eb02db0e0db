"""Homework with a mistake in it: a student's backprop is found wrong, and after the correction right."""

import numpy as np

import chainrule as cr


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def backprop(weights, biases, x, y, corrected=False):
    """Pages 3-4 of the notes: forward through the layers, then backward."""
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
            z = zs[layer - 1] if corrected else activations[layer]  # the mistake: sigmoid_prime of a, not of z
            delta = (weights[layer].T @ delta) * sigmoid_prime(z)
    return nabla_b, nabla_w


if __name__ == "__main__":
    net = cr.Network([784, 30, 10], seed=0)
    x, y = np.zeros((784, 8)), np.zeros((10, 8))  # a batch of 8 examples in this function's form: examples are columns

    print(cr.check_gradient(backprop, x, y, like=net))
    print()
    print(cr.check_gradient(lambda *batch: backprop(*batch, corrected=True), x, y, like=net))
