"""A small classification, and helpers that train a network on it; shared by the tests of training."""

import numpy as np

import chainrule as cr

RNG = np.random.default_rng(7)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
VALIDATION = X[:25] + 0.1, Y[:25]
SETTINGS = {"epochs": 3, "batch_size": 8, "learning_rate": 0.5}
SOFTPLUS = cr.Activation("softplus", lambda z: np.logaddexp(0, z), lambda z, a: 1 / (1 + np.exp(-z)))
ABSOLUTE = cr.Cost("absolute", lambda a, y: np.abs(a - y).sum(axis=1), lambda a, y: np.sign(a - y))


def make_network(**settings):
    """Make an untrained network for X and Y."""
    return cr.Network([4, 6, 3], seed=5, **settings)


def parameter_bytes(network):
    """Give the bytes of all parameters."""
    return b"".join(part.tobytes() for part in [*network.weights, *network.biases])


def train_network(network=None, examples=(X, Y), **settings):
    """Train a network, by default an untrained one; give its parameters' bytes and its history."""
    network = network or make_network()
    history = cr.train(network, examples, **{**SETTINGS, **settings})
    return parameter_bytes(network), history
