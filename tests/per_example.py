"""The book's training written from the notes alone: one example at a time, as columns, in NumPy.

It is the oracle of ``chainrule.book``, and ``python -m benchmarks.book`` compares its time. It shares nothing with the library. The
draws are those of the book: biases of every layer, then weights of every layer, and a shuffle of the list in each epoch.
"""

import random

import numpy as np


def sigma(z):
    """N10's function."""
    return 1.0 / (1.0 + np.exp(-z))


def sigma_prime(z):
    """Its derivative at the weighted sums."""
    return sigma(z) * (1.0 - sigma(z))


class PerExample:
    """A network of sigmoid layers.

    ``cost`` is "quadratic" or "cross_entropy"; ``divided`` divides the first weights by the root of their number of inputs.
    """

    def __init__(self, sizes, cost="quadratic", divided=False):
        self.cost = cost
        self.b, self.w = [], []
        for n_out in sizes[1:]:
            self.b.append(np.random.standard_normal((n_out, 1)))  # noqa: NPY002
        for n_in, n_out in zip(sizes, sizes[1:], strict=False):
            w = np.random.standard_normal((n_out, n_in))  # noqa: NPY002
            self.w.append(w / n_in**0.5 if divided else w)

    def outputs(self, x):
        """N10, for one example."""
        a = x
        for k in range(len(self.w)):
            a = sigma(np.dot(self.w[k], a) + self.b[k])
        return a

    def gradients(self, x, y):
        """BP1 to BP4, for one example: page 4's lists of weighted sums and of activations, then back."""
        last = len(self.w) - 1
        zs, activations = [], [x]
        for k in range(last + 1):
            zs.append(np.dot(self.w[k], activations[k]) + self.b[k])
            activations.append(sigma(zs[k]))
        db = [np.zeros(b.shape) for b in self.b]
        dw = [np.zeros(w.shape) for w in self.w]
        delta = activations[-1] - y
        if self.cost == "quadratic":
            delta = delta * sigma_prime(zs[-1])
        for k in range(last, -1, -1):
            db[k], dw[k] = delta, np.dot(delta, activations[k].T)
            if k:
                delta = np.dot(self.w[k].T, delta) * sigma_prime(zs[k - 1])
        return db, dw

    def step(self, batch, eta, lmbda, n):
        """N12: matrices of zeros, to which each example's gradients are added; then the step, with the weights shrunk."""
        sum_b = [np.zeros(b.shape) for b in self.b]
        sum_w = [np.zeros(w.shape) for w in self.w]
        for x, y in batch:
            db, dw = self.gradients(x, y)
            sum_b = [total + part for total, part in zip(sum_b, db, strict=True)]
            sum_w = [total + part for total, part in zip(sum_w, dw, strict=True)]
        rate = eta / len(batch)
        self.b = [b - rate * total for b, total in zip(self.b, sum_b, strict=True)]
        self.w = [w - eta * (lmbda / n) * w - rate * total for w, total in zip(self.w, sum_w, strict=True)]

    def epoch(self, pairs, size, eta, lmbda=0.0):
        """Shuffle the list in place, and take the steps of one epoch."""
        random.shuffle(pairs)
        for first in range(0, len(pairs), size):
            self.step(pairs[first : first + size], eta, lmbda, len(pairs))

    def right(self, pairs):
        """Count the pairs (x, label) whose largest output is at the label."""
        return sum(1 for x, label in pairs if np.argmax(self.outputs(x)) == label)

    def mean_cost(self, pairs, lmbda):
        """The cost of pairs of columns, with the penalty."""
        total = 0.0
        for x, y in pairs:
            a = self.outputs(x)
            if self.cost == "quadratic":
                total += float(((a - y) ** 2).sum()) / 2
            else:
                total -= float((y * np.log(a) + (1 - y) * np.log(1 - a)).sum())
        penalty = sum(float((w * w).sum()) for w in self.w)
        return total / len(pairs) + lmbda / len(pairs) / 2 * penalty
