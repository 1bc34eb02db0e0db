"""Networks, batches and targets for the property tests to draw.

Hypothesis draws the shapes, the activations and a seed; the numbers come from NumPy's generator under that seed, and are then
kept where a gradient can be compared to twelve digits: no weighted input above 3 in size, where nothing saturates, and none near
a kink. Every array is read-only, so that what writes to its arguments fails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from hypothesis import settings
from hypothesis import strategies as st

from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.costs import COSTS

HIDDEN = [name for name in ACTIVATIONS if name != "softmax"]
KINDS = ["dense", "pixels", "csr"]
PAIRS = [(output, cost.name) for cost in COSTS.values() for output in (cost.outputs or tuple(ACTIVATIONS))]
KINKED = ("relu", "leaky_relu", "selu")
LARGEST_Z = 3.0
NEAREST_TO_KINK = 0.05  # far beyond the 1e-6 that a gradient needs, so that central differences have room to step
SMALLEST_SLOPE = 1e-3  # beside a cost of 1
STEPS = (5e-4, 2e-4, 1e-4, 1e-5, 1e-6)  # of central differences; the first is best where no kink is near


def repeatable(max_examples):
    """Settings of a property test: the same draws on every machine and every run, and no clock."""
    return settings(max_examples=max_examples, derandomize=True, deadline=None, database=None)


@dataclass(frozen=True)
class Drawn:
    """A network beside a batch for it; ``x`` is what the library reads, ``dense`` the same numbers as an array."""

    activations: list
    cost: str
    weights: list
    biases: list
    x: object
    dense: np.ndarray
    y: np.ndarray
    row_weights: np.ndarray | None
    masks: list | None

    @property
    def sigmas(self):
        """The activations, looked up."""
        return [ACTIVATIONS[name] for name in self.activations]


@st.composite
def networks(draw, hidden, output, cost, kind):
    """Draw a network with ``hidden`` as its first activation (None: no hidden layer), and a batch of a kind."""
    names = [] if hidden is None else [hidden, *draw(st.lists(st.sampled_from(HIDDEN), max_size=1))]
    sizes = [draw(st.integers(1, 5)) for _ in range(len(names) + 1)]
    sizes.append(draw(st.integers(2 if output == "softmax" else 1, 4)))
    m = draw(st.integers(1, 6))
    weighted, dropped = draw(st.booleans()), draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    x, dense = inputs(rng, kind, m, sizes[0])
    masks = [*(rng.choice([0.0, 1.25], (m, n), p=[0.2, 0.8]) for n in sizes[1:-1]), None] if dropped else None
    weights, biases = tame_parameters(rng, sizes, [*names, output], dense, masks)
    y = targets(rng, cost, m, sizes[-1])
    row_weights = rng.choice([0.5, 1.0, 3.0], m) if weighted else None
    read_only(*weights, *biases, dense, y, row_weights, *(masks or []))
    return Drawn([*names, output], cost, weights, biases, x, dense, y, row_weights, masks)


def inputs(rng, kind, m, n):
    """Draw a batch of a kind: what the library gets, and the same as a dense array."""
    if kind == "pixels":
        x = rng.integers(0, 256, (m, n), dtype=np.uint8) / 255
        return x, x
    x = rng.standard_normal((m, n))
    if kind == "dense":
        return x, x
    x *= rng.random((m, n)) < 0.5
    sparse = scipy.sparse.csr_array(x)
    read_only(sparse.data, sparse.indices, sparse.indptr)
    return sparse, x


def targets(rng, cost, m, n):
    """Draw targets that suit a cost: shares, distributions, counts with zeros among them, or any numbers."""
    if cost == "cross_entropy":
        return rng.random((m, n))
    if cost == "log_loss":
        return rng.dirichlet(np.ones(n), m)
    if cost == "poisson":
        y = rng.poisson(1.5, (m, n)).astype(float)
        if n > 1:  # a row of nothing but 0 has no gradient under softmax, whose outputs always sum to 1: no digits to compare
            y[:, 0] += y.sum(axis=1) == 0
        return y
    return rng.standard_normal((m, n))


def tame_parameters(rng, sizes, names, x, masks):
    """Draw weights and biases, each layer's held in range and off its kink for this batch."""
    weights, biases, a = [], [], x
    for layer, (n_in, n_out, name) in enumerate(zip(sizes[:-1], sizes[1:], names, strict=True)):
        w, b = rng.standard_normal((n_out, n_in)), rng.standard_normal(n_out)
        scale = min(1.0, LARGEST_Z / np.abs(a @ w.T + b).max())
        w, b = scale * w, scale * b
        if name in KINKED:
            b = off_kink(a @ w.T, b)
        weights.append(w)
        biases.append(b)
        a = ACTIVATIONS[name].value(a @ w.T + b)
        if masks is not None and masks[layer] is not None:
            a = a * masks[layer]
    return weights, biases


def off_kink(sums, b):
    """Move the bias of each unit that has a weighted input near 0 to the middle of the widest gap between its inputs."""
    b = b.copy()
    for unit, column in enumerate(np.sort(sums.T)):
        if np.abs(column + b[unit]).min() > NEAREST_TO_KINK:
            continue
        gaps = np.diff(column)
        if gaps.size and gaps.max() > 2.5 * NEAREST_TO_KINK:
            widest = gaps.argmax()
            b[unit] = -(column[widest] + column[widest + 1]) / 2
        else:
            b[unit] = 2 * NEAREST_TO_KINK - column[0]
    return b


def read_only(*arrays):
    """Make arrays refuse to be written to."""
    for array in arrays:
        if array is not None:
            array.flags.writeable = False


def largest_error(found, expected):
    """The largest difference, relative to the largest magnitude expected; arrays that should be 0 must be exactly 0."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    if not expected.any():
        return np.inf if found.any() else 0.0
    return np.abs(found - expected).max() / np.abs(expected).max()


def judgeable(nabla_b, nabla_w, cost):
    """Tell a gradient that double precision can show to twelve digits: none of its arrays is tiny beside the cost, yet not 0."""
    largest = [np.abs(part).max() for part in (*map(np.array, nabla_b), *map(np.array, nabla_w))]
    return all(size == 0 or size > SMALLEST_SLOPE * max(cost, 1) for size in largest)


def central_difference(function, parameters, sides=lambda parameters: None):
    """Differentiate ``function(parameters).sum()`` in every coordinate of a list of arrays: six points, an error of order h^6.

    ``function`` gives one number an example: their differences are summed, which loses less than the difference of sums.
    ``sides`` tells on which side of each kink the examples stand; where a step would cross one, a shorter step is taken.
    """
    gradients = [np.empty_like(parameter) for parameter in parameters]
    here = sides(parameters)
    for k, parameter in enumerate(parameters):
        for index in np.ndindex(parameter.shape):
            h = next(
                h for h in STEPS if all(np.array_equal(sides(moved(parameters, k, index, far)), here) for far in (3 * h, -3 * h))
            )
            one, two, three = (
                function(moved(parameters, k, index, by)) - function(moved(parameters, k, index, -by)) for by in (h, 2 * h, 3 * h)
            )
            gradients[k][index] = np.sum(45 * one - 9 * two + three) / (60 * h)
    return gradients


def moved(parameters, k, index, by):
    """Copy a list of arrays with one coordinate moved."""
    copies = list(parameters)
    copies[k] = copies[k].copy()
    copies[k][index] += by
    return copies
