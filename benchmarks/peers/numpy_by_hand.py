"""Hand-written NumPy for these networks: float32, batched, nothing computed twice, few large calls."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.job import Arrays, Job, Measurement, time_epochs, time_prediction

Array = NDArray[np.float32]
CHUNK = 16_384
"""The number of parameters that Adam updates at a time, so that its five arrays stay in the cache."""


def sigmoid(z: Array) -> Array:
    """Compute 1 / (1 + exp(-z)) in place."""
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    return np.reciprocal(z, out=z)


def tanh(z: Array) -> Array:
    """Compute the hyperbolic tangent in place."""
    return np.tanh(z, out=z)


def relu(z: Array) -> Array:
    """Compute max(z, 0) in place."""
    return np.maximum(z, 0, out=z)


def softmax(z: Array) -> Array:
    """Turn each row into probabilities, in place."""
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    return z


ACTIVATIONS = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu, "softmax": softmax, "identity": lambda z: z}
DERIVATIVES = {"sigmoid": lambda a: a * (1 - a), "tanh": lambda a: 1 - a * a, "relu": lambda a: a > 0}


class Dense:
    """A network for dense rows; one vector holds all parameters, another their gradients."""

    def __init__(self, job: Job) -> None:
        s = self.settings = job.settings
        self.x, self.y = job.inputs, job.targets
        self.theta, self.weights, self.biases = flat(job.weights, job.biases)
        self.gradient, self.nabla_w, self.nabla_b = flat(job.weights, job.biases)
        self.activations = [ACTIVATIONS[s.hidden]] * (len(s.sizes) - 2) + [ACTIVATIONS[s.output]]
        self.derivative = DERIVATIVES[s.hidden]
        self.update = Adam(self.theta, s.learning_rate) if s.optimizer == "adam" else self.descend

    def descend(self, gradient: Array) -> None:
        """Take one step of SGD."""
        gradient *= np.float32(self.settings.learning_rate)
        self.theta -= gradient

    def epoch(self, order: NDArray[np.int64]) -> None:
        """Train one epoch."""
        size = self.settings.batch_size
        for first in range(0, len(order), size):
            rows = order[first : first + size]
            self.step(self.x[rows], self.y[rows])

    def step(self, x: Array, y: Array) -> None:
        """Train on one batch: forward, backward, update."""
        layers = [x]
        for w, b, activation in zip(self.weights, self.biases, self.activations, strict=True):
            z = layers[-1] @ w.T
            z += b
            layers.append(activation(z))
        a = layers[-1]
        delta = a - y
        if self.settings.output == "sigmoid":
            delta *= DERIVATIVES["sigmoid"](a)
        delta *= np.float32(1 / len(x))
        for layer in range(len(self.weights) - 1, -1, -1):
            np.matmul(delta.T, layers[layer], out=self.nabla_w[layer])
            delta.sum(axis=0, out=self.nabla_b[layer])
            if layer:
                delta = delta @ self.weights[layer]
                delta *= self.derivative(layers[layer])
        self.update(self.gradient)

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Return the parameters, which are views of the vector."""
        return self.weights, self.biases


def flat(weights: Arrays, biases: Arrays) -> tuple[Array, Arrays, Arrays]:
    """Copy parameters into one vector; return it with a view for each parameter."""
    theta = np.concatenate([part.ravel() for part in (*weights, *biases)])
    views, first = [], 0
    for part in (*weights, *biases):
        views.append(theta[first : first + part.size].reshape(part.shape))
        first += part.size
    return theta, views[: len(weights)], views[len(weights) :]


class Adam:
    """Adam over one vector, a cache-sized chunk at a time."""

    def __init__(self, theta: Array, learning_rate: float) -> None:
        self.rate, self.t = learning_rate, 0
        self.scratch = np.empty(min(CHUNK, theta.size), np.float32)
        m, v = np.zeros_like(theta), np.zeros_like(theta)
        cuts = [slice(first, first + CHUNK) for first in range(0, theta.size, CHUNK)]
        self.chunks = [(cut, theta[cut], m[cut], v[cut], self.scratch[: theta[cut].size]) for cut in cuts]

    def __call__(self, gradient: Array) -> None:
        """Take one step."""
        self.t += 1
        root = (1 - 0.999**self.t) ** 0.5
        size, epsilon = np.float32(self.rate * root / (1 - 0.9**self.t)), np.float32(1e-8 * root)
        for cut, theta, m, v, scratch in self.chunks:
            g = gradient[cut]
            m *= np.float32(0.9)
            np.multiply(g, np.float32(0.1), out=scratch)
            m += scratch
            v *= np.float32(0.999)
            np.multiply(g, g, out=scratch)
            scratch *= np.float32(0.001)
            v += scratch
            np.sqrt(v, out=scratch)
            scratch += epsilon
            np.divide(m, scratch, out=scratch)
            scratch *= size
            theta -= scratch


class Sparse:
    """One hidden layer over CSR rows with SGD: a batch reads and writes only the rows of W of its own columns."""

    def __init__(self, job: Job) -> None:
        s = self.settings = job.settings
        self.x, self.y = job.x, job.targets
        self.w1, self.w2 = np.ascontiguousarray(job.weights[0].T), job.weights[1].copy()
        self.b1, self.b2 = (b.copy() for b in job.biases)
        self.activation, self.derivative = ACTIVATIONS[s.hidden], DERIVATIVES[s.hidden]

    def epoch(self, order: NDArray[np.int64]) -> None:
        """Train one epoch."""
        size = self.settings.batch_size
        for first in range(0, len(order), size):
            rows = order[first : first + size]
            self.step(self.x[rows], self.y[rows])

    def step(self, x: Any, y: Array) -> None:
        """Train on one batch: forward, backward, update."""
        columns, positions = np.unique(x.indices, return_inverse=True)
        narrow = type(x)((x.data, positions.astype(np.int32), x.indptr), shape=(x.shape[0], len(columns)))
        touched = self.w1[columns]
        a1 = self.activation(narrow @ touched + self.b1)
        a2 = softmax(a1 @ self.w2.T + self.b2)
        d2 = (a2 - y) * np.float32(self.settings.learning_rate / len(y))
        d1 = (d2 @ self.w2) * self.derivative(a1)
        self.w2 -= d2.T @ a1
        self.b2 -= d2.sum(axis=0)
        touched -= narrow.T @ d1
        self.w1[columns] = touched
        self.b1 -= d1.sum(axis=0)

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Return the parameters."""
        return [self.w1.T, self.w2], [self.b1, self.b2]


def train(job: Job, threads: int) -> Measurement:
    """Time epochs; the environment sets the number of BLAS threads."""
    return time_epochs(Sparse(job) if hasattr(job.x, "indptr") else Dense(job), job)


def predict(job: Job, threads: int) -> Measurement:
    """Time ``feedforward`` and its largest output."""
    (w1, w2), (b1, b2) = job.weights, job.biases

    def feedforward(x: Array) -> Array:
        return sigmoid(sigmoid(x @ w1.T + b1) @ w2.T + b2)

    return time_prediction(job, predict=lambda x: feedforward(x).argmax(axis=1), feedforward=feedforward)
