"""Homework: every mistake is named, what is right is left alone, and what cannot be read is said in a sentence.

The learners below write NumPy as learners do, in columns as the book has it or in rows; of the library's own variants it is only
asked that their gradients differ.
"""

import re
import runpy
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentTypeError, DataError, DataTypeError, SettingError
from chainrule.explaining.homework.check import check_homework
from chainrule.explaining.homework.drawing import draw
from chainrule.explaining.homework.rules import from_the_output
from chainrule.explaining.homework.variants import mistakes

SIGMA = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(0, z),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "identity": lambda z: z,
}
PRIME = {
    "sigmoid": lambda z: SIGMA["sigmoid"](z) * (1 - SIGMA["sigmoid"](z)),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: (z > 0) * 1.0,
    "leaky_relu": lambda z: np.where(z > 0, 1.0, 0.01),
    "identity": np.ones_like,
}
PAIRS = [
    ("sigmoid", "quadratic"), ("tanh", "quadratic"), ("identity", "quadratic"), ("identity", "mean_squared_error"),
    ("sigmoid", "mean_squared_error"), ("sigmoid", "cross_entropy"), ("softmax", "log_loss"), ("softmax", "quadratic"),
    ("softmax", "mean_squared_error"),
]  # fmt: skip
CANCELS = [("identity", "quadratic"), ("sigmoid", "cross_entropy"), ("softmax", "log_loss")]


def cost_of(cost, a, y):
    """The summed cost of a batch, held either way."""
    if cost == "cross_entropy":
        return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
    if cost == "log_loss":
        return -np.sum(y * np.log(a))
    return np.sum((a - y) ** 2) * (0.5 if cost == "quadratic" else 1)


def error_of(cost, a, y, mistake):
    """dC/da as a learner writes it."""
    if (cost == "cross_entropy" and mistake != "half") or (cost == "log_loss" and mistake == "two terms"):
        return (a - y) / (a * (1 - a))
    if cost in ("cross_entropy", "log_loss"):
        return -y / a
    return (a - y) * (2 if cost == "mean_squared_error" else 1)


def softmax(z, axis):
    """Softmax of a batch whose classes lie along this axis."""
    return np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)


def outputs_of(output, z, mistake, axis):
    """The last activation, as a learner writes it."""
    if output == "softmax":
        return softmax(z, {"softmax over batch": 1 - axis, "softmax over all": None}.get(mistake, axis))
    return SIGMA[output](z)


def at_output(output, cost, z, a, y, mistake, axis):
    """BP1 as a learner writes it, for a batch whose classes lie along this axis."""

    def through(g, z=z, a=a):
        if output == "softmax":
            return a * (g - (g * a).sum(axis=1 - axis if mistake == "jacobian axis" else axis, keepdims=True))
        return g * PRIME[output](z)

    g = error_of(cost, a, y, mistake)
    if mistake == "number by number":
        return g * a * (1 - a)
    if mistake == "number by number of a":
        return g * softmax(a, axis) * (1 - softmax(a, axis))
    if mistake == "minus one":
        return np.where(y == 1, -1, a)
    if mistake in ("forgotten at output", "forgotten everywhere"):
        return g
    if mistake == "of a at output":
        return through(g, a, softmax(a, axis))
    if mistake == "z for a":
        return z - y if (output, cost) in CANCELS else through(error_of(cost, z, y, mistake))
    long = mistake in ("the long way", "jacobian axis", "half", "two terms")
    delta = through(g) if long or (output, cost) not in CANCELS else a - y
    if mistake == "twice":
        return delta * (a * (1 - a) if output == "softmax" else PRIME[output](z))
    if mistake == "twice whole":
        return through(delta)
    if mistake == "factor 2":
        return delta / 2 if cost == "mean_squared_error" else delta * 2
    return -delta if mistake == "sign" else delta


def through_hidden(hidden, z, a, g, mistake):
    """The right half of BP2, as a learner writes it."""
    if mistake in ("forgotten in hidden", "forgotten everywhere"):
        return g
    if mistake == "of a":
        return g * PRIME[hidden](a)
    if mistake == "mask of error":
        return g * np.where(g > 0, 1.0, 0.01 if hidden == "leaky_relu" else 0.0)
    if mistake == "mask swapped":
        return np.where(g > 0, z, 0.0)
    if mistake == "no leak":
        return g * (z > 0)
    return g * (a if mistake == "sigma for prime" else PRIME[hidden](z))


def in_columns(hidden, output, cost, mistake="", means=False, with_cost=False, labels=False):
    """The book's backprop over a batch of columns."""

    def backprop(weights, biases, x, y):
        num_layers, m = len(weights) + 1, x.shape[1]
        if labels:
            y = np.eye(biases[-1].size)[:, y]
        activation, activations, zs = x, [x], []
        for i, (b, w) in enumerate(zip(biases, weights, strict=True)):
            z = np.dot(w, activation) + (0 if mistake == "bias" else b)
            zs.append(z)
            activation = SIGMA[hidden](z) if i < num_layers - 2 else outputs_of(output, z, mistake, 0)
            activations.append(activation)
        nabla_b = [np.zeros(b.shape) for b in biases]
        nabla_w = [np.zeros(w.shape) for w in weights]

        def fill(layer, delta):
            off = 0 if mistake == "activation" else 1
            entered = activations[-layer - off]
            if mistake == "overwritten" and layer < num_layers - 1:
                entered = (entered > 0) * 1.0
            nabla_w[-layer] = np.dot(delta, entered.T)
            if mistake == "one number" or (mistake == "one number at output" and layer == 1):
                nabla_b[-layer] = np.sum(delta)
            elif mistake == "bias from nabla_w":
                nabla_b[-layer] = nabla_w[-layer].sum(axis=1, keepdims=True)
            elif mistake == "wrong axis":
                nabla_b[-layer] = delta.sum(axis=0, keepdims=True)
            else:
                summed = delta[:, :1] if mistake == "first only" else delta[:, -1:] if mistake == "last only" else delta
                nabla_b[-layer] = summed.sum(axis=1, keepdims=True)

        delta = at_output(output, cost, zs[-1], activations[-1], y, mistake, 0)
        fill(1, delta)
        error = delta if (output, cost) in CANCELS else error_of(cost, activations[-1], y, mistake)
        for layer in range(2, num_layers):
            w = weights[-layer] if mistake == "weights" else weights[-layer + 1]
            error = np.dot(w if mistake == "transpose" else w.T, error if mistake == "error back" else delta)
            z = zs[-layer + 1] if mistake == "prime off" else zs[-layer]
            delta = through_hidden(hidden, z, activations[-layer], error, mistake)
            fill(layer, delta)
        if mistake == "no nabla_b":
            nabla_b = [0 * b for b in nabla_b]
        if mistake == "unsummed":
            nabla_b[-1] = at_output(output, cost, zs[-1], activations[-1], y, mistake, 0)
        if means:
            nabla_b = [b if mistake == "mean and sum" else b / m for b in nabla_b]
            nabla_w = [w / m for w in nabla_w]
        if mistake == "n_out":
            nabla_b, nabla_w = ([g / y.shape[0] for g in lists] for lists in (nabla_b, nabla_w))
        total = cost_of(cost, activations[-1], y)
        if mistake == "sum for mean":
            return total / m, (nabla_b, nabla_w)
        return (total / m if means else total, (nabla_b, nabla_w)) if with_cost else (nabla_b, nabla_w)

    return backprop


def in_rows(hidden, output, cost, mistake="", means=False, with_cost=False, labels=False):
    """The same, by somebody who holds a batch as rows and counts layers from the front."""

    def gradient(ws, bs, X, Y):
        if labels:
            Y = np.eye(len(bs[-1]))[Y]
        m, n = len(X), len(ws)
        a, z = {0: X}, {}
        for k in range(1, n + 1):
            z[k] = a[k - 1] @ ws[k - 1].T
            if mistake != "bias":
                z[k] = z[k] + bs[k - 1]
            a[k] = SIGMA[hidden](z[k]) if k < n else outputs_of(output, z[k], mistake, 1)
        d = {n: at_output(output, cost, z[n], a[n], Y, mistake, 1)}
        error = d[n] if (output, cost) in CANCELS else error_of(cost, a[n], Y, mistake)
        for k in range(n - 1, 0, -1):
            w = ws[k - 1] if mistake == "weights" else ws[k]
            error = (error if mistake == "error back" else d[k + 1]) @ (w.T if mistake == "transpose" else w)
            d[k] = through_hidden(hidden, z[k + 1] if mistake == "prime off" else z[k], a[k], error, mistake)
        over = m if means or mistake == "mean and sum" else 1
        if mistake == "n_out":
            over = over * Y.shape[1]
        db, dw = [], []
        for k in range(1, n + 1):
            entered = a[k] if mistake == "activation" else a[k - 1]
            if mistake == "overwritten" and k > 1:
                entered = np.sign(entered)
            dw.append(d[k].T @ entered / over)
            if mistake == "first only":
                db.append(d[k][0] / over)
            elif mistake == "last only":
                db.append(d[k][-1] / over)
            elif mistake == "no nabla_b":
                db.append(np.zeros(d[k].shape[1]))
            elif mistake == "unsummed":
                db.append(d[k])
            elif mistake == "one number" or (mistake == "one number at output" and k == n):
                db.append(d[k].sum() / over)
            elif mistake == "bias from nabla_w":
                db.append(dw[-1].sum(axis=1))
            elif mistake == "wrong axis":
                db.append(d[k].sum(axis=1) / over)
            else:
                db.append(d[k].sum(axis=0) / (1 if mistake == "mean and sum" else over))
        total = cost_of(cost, a[n], Y)
        if mistake == "sum for mean":
            return total / m, (db, dw)
        return (total / m if means else total, (db, dw)) if with_cost else (db, dw)

    return gradient


def one_column(hidden, output, cost, mistake="", means=False, with_cost=False, labels=False):
    """The book's own backprop, of one example, (n, 1): what it does to a batch is its caller's business."""
    batch = in_columns(hidden, output, cost, mistake, False, with_cost, False)

    def backprop(weights, biases, x, y):
        assert x.shape[1] == 1
        if labels:
            y = np.eye(biases[-1].size)[:, [y]]
        return batch(weights, biases, x, y)

    return backprop


LEARNERS = {"rows": in_rows, "columns": in_columns, "one": one_column}
EVERYWHERE, HIDDEN, OUTPUT = "in every layer", "in the hidden layers", "at the output"
VARIANTS = {  # what a learner above does wrong: the name it must be given, where, and the equation
    "transpose": ("transpose of the weights", HIDDEN, "BP2"),
    "activation": ("activation one layer off", EVERYWHERE, "BP4"),
    "weights": ("weights one layer off", HIDDEN, "BP2"),
    "prime off": ("sigma' one layer off", HIDDEN, "BP2"),
    "forgotten at output": ("sigma' forgotten", OUTPUT, "BP1"),
    "forgotten in hidden": ("sigma' forgotten", HIDDEN, "BP2"),
    "forgotten everywhere": ("sigma' forgotten", EVERYWHERE, "BP1 and BP2"),
    "of a": ("sigma' of a instead of z", HIDDEN, "BP2"),
    "of a at output": ("sigma' of a instead of z", OUTPUT, "BP1"),
    "twice": ("sigma' applied twice", OUTPUT, "BP1"),
    "twice whole": ("sigma' applied twice", OUTPUT, "BP1"),
    "sigma for prime": ("sigma instead of sigma'", HIDDEN, "BP2"),
    "number by number": ("softmax's Jacobian missing", OUTPUT, "BP1"),
    "number by number of a": ("softmax's Jacobian missing", OUTPUT, "BP1"),
    "jacobian axis": ("softmax's Jacobian along the wrong axis", OUTPUT, "BP1"),
    "softmax over batch": ("softmax along the wrong axis", OUTPUT, "N10"),
    "softmax over all": ("softmax along the wrong axis", OUTPUT, "N10"),
    "half": ("a term of cross-entropy missing", OUTPUT, "BP1"),
    "two terms": ("cross-entropy's gradient for log loss", OUTPUT, "BP1"),
    "z for a": ("error of z instead of a", OUTPUT, "BP1"),
    "minus one": ("-1 instead of a - 1", OUTPUT, "BP1"),
    "error back": ("dC/da sent back instead of delta", HIDDEN, "BP2"),
    "mask of error": ("ReLU's mask of dC/da instead of z", HIDDEN, "BP2"),
    "mask swapped": ("ReLU's mask of dC/da instead of z", HIDDEN, "BP2"),
    "no leak": ("leak forgotten", HIDDEN, "BP2"),
    "overwritten": ("activation overwritten by sigma'", "in nabla_w alone", "BP4"),
    "sum for mean": ("sum instead of mean", EVERYWHERE, "BP3 and BP4"),
    "mean and sum": ("a mean beside a sum", "in nabla_w", "BP3 and BP4"),
    "sign": ("sign", EVERYWHERE, "BP1"),
    "bias": ("bias forgotten", EVERYWHERE, "N10"),
    "factor 2": ("factor 2", EVERYWHERE, "BP1"),
    "n_out": ("1/n_out", EVERYWHERE, "BP1"),
    "first only": ("batch not summed", "in nabla_b alone", "BP3"),
    "last only": ("batch not summed", "in nabla_b alone", "BP3"),
    "no nabla_b": ("nabla_b is zero", EVERYWHERE, "BP3"),
    "unsummed": ("batch not summed", None, "BP3"),
    "one number": ("nabla_b is one number", EVERYWHERE, "BP3"),
    "one number at output": ("nabla_b is one number", OUTPUT, "BP3"),
    "bias from nabla_w": ("nabla_b summed from nabla_w", EVERYWHERE, "BP3"),
    "wrong axis": ("nabla_b summed along the wrong axis", None, "BP3"),
}
OF_THE_BATCH = {
    "sum for mean", "mean and sum", "first only", "last only", "unsummed", "wrong axis", "softmax over all", "jacobian axis",
}  # fmt: skip
OF_SOFTMAX = {"number by number", "number by number of a", "jacobian axis", "softmax over batch", "softmax over all"}
OF_RELU = {"mask of error", "mask swapped", "overwritten"}
NEEDS_A_PRIME = {"forgotten at output", "forgotten everywhere", "of a at output", "twice", "z for a"}
ONLY = {"half": "cross_entropy", "two terms": "log_loss", "minus one": "log_loss", "twice whole": "log_loss"}


def makes_a_difference(mistake, hidden, output, cost, depth):
    """Whether this mistake changes the gradient of such a network at all."""
    if mistake == "of a":  # relu'(a) is relu'(z)
        return hidden not in ("relu", "leaky_relu")
    if mistake in OF_RELU:
        return hidden == "relu" or (mistake == "mask of error" and hidden == "leaky_relu")
    if mistake == "no leak":
        return hidden == "leaky_relu"
    if mistake in OF_SOFTMAX:
        return output == "softmax"
    if mistake in ONLY:
        return cost == ONLY[mistake]
    if mistake == "error back":  # there delta is what is sent back
        return depth > 2 or (output != "identity" and (output, cost) not in CANCELS)
    if mistake in NEEDS_A_PRIME:
        return output != "identity" and ((output, cost) not in CANCELS or mistake in ("twice", "z for a"))
    return True


def drawn(seed, mistake=""):
    """A network, a learner with this mistake, and a batch of their own, such that the mistake makes a difference."""
    rng = np.random.default_rng([seed, len(mistake)])
    while True:
        hidden, (output, cost) = str(rng.choice([*SIGMA][:4])), PAIRS[rng.integers(len(PAIRS))]
        layout, means = rng.choice(["rows", "columns", "one"]), bool(rng.integers(2))
        sizes = [int(n) for n in rng.integers(3, 9, rng.integers(3, 6))]
        if mistake in OF_THE_BATCH and layout == "one":
            continue
        if makes_a_difference(mistake, hidden, output, cost, len(sizes) - 1):
            break
    net = cr.Network(sizes, activation=hidden, output=output, cost=cost, seed=0)
    m = 9 + int(rng.integers(5))
    labels = bool(rng.integers(3) == 0) or mistake == "minus one"
    x = rng.standard_normal((m, sizes[0]))
    y = rng.integers(0, sizes[-1], m) if labels else rng.dirichlet(np.ones(sizes[-1]), m)
    if layout == "columns":
        x, y = x.T, y.T
    elif layout == "one":
        x, y = x[0][:, None], y[0] if labels else y[0][:, None]
    with_cost = mistake not in ("mean and sum", "bias") and bool(rng.integers(2))
    means = mistake == "mean and sum" or (means and mistake != "sum for mean")
    f = LEARNERS[layout](hidden, output, cost, mistake, means, with_cost, labels)
    return f, x, y, net


@pytest.mark.parametrize("mistake", VARIANTS)
def test_every_mistake_is_named(mistake):
    """In each of 100 draws of depth, activations, cost and convention, the mistake is named, placed, and its equation given."""
    for seed in range(100):
        f, x, y, net = drawn(seed, mistake)
        report = check_homework(f, x, y, net, seed=seed)
        name, where, equation = VARIANTS[mistake]
        assert report.finding is not None, (seed, net, report)
        found = report.finding
        if mistake == "mean and sum":
            where = found.where  # nabla_b in one learner, nabla_w in the other
        assert not report.ok
        assert (found.name, found.where, found.equation) == (name, where or found.where, equation), (seed, net, str(report))


@pytest.mark.parametrize("way", ["", "the long way"])
def test_what_is_right_gives_no_finding(way):
    """Right homework is called right, in 100 draws, whatever way it is written in: by a - y, or by dC/da and sigma'."""
    for seed in range(100):
        f, x, y, net = drawn(seed, way)
        report = check_homework(f, x, y, net, seed=seed)
        assert report.ok, (seed, net, str(report))
        assert report.finding is None
        assert report.first_wrong is None


def close(gradients, m):
    """Which of these gradients, each by layers, are the same: as they are, or one as a sum and the other as a mean."""
    flat = np.array([np.concatenate([part.ravel() for layer in layers for part in layer]) for layers in gradients])
    inner = flat @ flat.T
    squares = inner.diagonal()

    def off(c):
        return squares[:, None] + c * c * squares - 2 * c * inner <= 1e-12 * (squares[:, None] + c * c * squares)

    return off(1), off(m) | off(1 / m)


@pytest.mark.parametrize("one_by_one", [False, True])
def test_each_name_has_gradients_of_its_own(one_by_one):
    """Of the mistakes that the library knows, no two of different names give the same gradient, save those that it calls rare."""
    for n, ((output, cost), hidden, depth) in enumerate(product(PAIRS, [*SIGMA][:4], (2, 3))):
        like = cr.Network([5] * (depth + 1), activation=hidden, output=output, cost=cost, seed=0)
        net = draw(like, like.sizes, bool(n % 2), seed=n)
        found = [one for one in mistakes(net) if not one.rare and not (one_by_one and (one.batch or one.as_sums))]
        same, same_means = close([from_the_output(net), *(one.from_the_output(net) for one in found)], net.m)
        assert not (same_means[0] & [False, *(not one.as_sums for one in found)]).any()
        for i, j in combinations(range(len(found)), 2):
            one, other = found[i], found[j]
            alike = same[i + 1, j + 1] or (same_means[i + 1, j + 1] and not (one.as_sums or other.as_sums))
            differ = not same[0, i + 1] and not same[0, j + 1]
            assert one.name == other.name or not (alike and differ), (like, one.name, other.name)


NET = cr.Network([6, 4, 3], seed=0)
X, Y = np.zeros((9, 6)), np.zeros((9, 3))  # only how they are held is looked at
ROWS = in_rows("sigmoid", "sigmoid", "quadratic")
COLUMNS = in_columns("sigmoid", "sigmoid", "quadratic")
ONE = one_column("sigmoid", "sigmoid", "quadratic")


def with_w(f, change):
    """The same answer, its nabla_w changed."""
    return lambda *batch: (f(*batch)[0], change(f(*batch)[1]))


def with_b(f, change):
    """The same answer, its nabla_b changed."""
    return lambda *batch: (change(f(*batch)[0]), f(*batch)[1])


def book(weights, biases, x, y):
    """The book's backprop of one example, whose nabla_b is delta; of a batch it would not be summed."""
    z1 = weights[0] @ x + biases[0]
    a1 = SIGMA["sigmoid"](z1)
    z2 = weights[1] @ a1 + biases[1]
    delta2 = (SIGMA["sigmoid"](z2) - y) * PRIME["sigmoid"](z2)
    delta1 = weights[1].T @ delta2 * PRIME["sigmoid"](z1)
    return [delta1, delta2], [delta1 @ x.T, delta2 @ a1.T]


def vector(weights, biases, x, y):
    """One example, a plain row of numbers."""
    assert x.ndim == 1
    return ROWS(weights, biases, x[None], y[None])


def n_in_first(weights, biases, x, y):
    """Rows, with ``x @ w``."""
    nabla_b, nabla_w = ROWS([w.T for w in weights], biases, x, y)
    return nabla_b, [g.T for g in nabla_w]


def flat_biases(weights, biases, x, y):
    """Columns, with biases that are plain rows of numbers."""
    assert biases[0].ndim == 1
    nabla_b, nabla_w = COLUMNS(weights, [b[:, None] for b in biases], x, y)
    return [g[:, 0] for g in nabla_b], nabla_w


@pytest.mark.parametrize(
    ("f", "x", "y", "said"),
    [
        (ROWS, X, Y, "as rows, (m, n), and y as targets"),
        (ROWS, X.tolist(), Y.tolist(), "as rows"),
        (ROWS, cr.Examples(X, Y), None, "as rows"),
        (ROWS, X, np.zeros(9, int), "as rows, (m, n), and y as targets"),
        (in_rows("sigmoid", "sigmoid", "quadratic", labels=True), X, np.zeros(9, int), "as rows, (m, n), and y as labels"),
        (in_rows("sigmoid", "sigmoid", "quadratic", labels=True), X, np.eye(3)[[0] * 9], "and y as labels"),
        (ROWS, X.T, Y.T, "as rows"),
        (COLUMNS, X.T, Y.T, "as columns, (n, m), and y as targets"),
        (COLUMNS, X, Y, "as columns"),
        (COLUMNS, X[:1].T, Y[:1].T, "as columns"),
        (flat_biases, X.T, Y.T, "as columns, (n, m), biases as (n,)"),
        (ONE, X[:1].T, Y[:1].T, "one example at a time, a column (n, 1)"),
        (book, X[:1].T, Y[:1].T, "one example at a time, a column (n, 1)"),
        (book, X, Y, "one example at a time, a column (n, 1)"),
        (ONE, X, Y, "one example at a time, a column (n, 1)"),
        (ONE, [x[:, None] for x in X], [y[:, None] for y in Y], "one example at a time, a column (n, 1)"),
        (vector, X[0], Y[0], "one example at a time, a row of numbers (n,)"),
        (n_in_first, X, Y, "weights as (n_in, n_out)"),
        (in_rows("sigmoid", "sigmoid", "quadratic", means=True), X, Y, "means over the batch;"),
        (in_rows("sigmoid", "sigmoid", "quadratic", means=True, with_cost=True), X, Y, "means over the batch, as its cost is"),
        (lambda *batch: ROWS(*batch)[::-1], X, Y, "nabla_w before nabla_b"),
        (lambda *batch: (3.0, *ROWS(*batch)), X, Y, "the cost that it returned, 3, is another than like's"),
        (lambda *batch: [[part.astype("f4") for part in parts] for parts in ROWS(*batch)], X, Y, "compared to 1e-4"),
        (with_b(ROWS, lambda bs: [b.tolist() for b in bs]), X, Y, "as rows"),
        (with_b(ROWS, lambda bs: [b[:, None] for b in bs]), X, Y, "as rows"),
    ],
)
def test_whatever_way_it_is_written_in(f, x, y, said):
    """Right homework is found right in every convention, the one of x and y first; and the report says what was assumed."""
    report = check_homework(f, x, y, NET)
    assert report.ok, str(report)
    assert said in report.assumed


@pytest.mark.parametrize(
    ("f", "x", "y", "said"),
    [
        (with_b(ROWS, lambda bs: [b[:, None] for b in bs]), X, Y, "(n, 1) beside biases (n,)"),
        (with_b(COLUMNS, lambda bs: [b[:, 0] for b in bs]), X.T, Y.T, "(n,) beside biases (n, 1)"),
        (with_b(COLUMNS, lambda bs: [b.T for b in bs]), X.T, Y.T, "(1, n) beside biases (n, 1)"),
        (with_b(ROWS, lambda bs: [b[None] for b in bs]), X, Y, ""),
        (COLUMNS, X.T, Y.T, ""),
    ],
)
def test_a_nabla_b_that_the_step_would_broadcast_is_remarked(f, x, y, said):
    """Right numbers in a shape that makes a matrix of the biases are right, and what the step would do with them is said."""
    report = check_homework(f, x, y, NET)
    assert report.ok
    assert ("b - eta * nabla_b would be (n, n)" in report.assumed) == bool(said)
    assert said in report.assumed


def test_one_bias_may_come_as_a_number():
    """Of a layer with one unit the sum of all of delta is nabla_b."""
    net = cr.Network([6, 4, 1], seed=0)

    def flat(weights, biases, x, y):
        nabla_b, nabla_w = ROWS(weights, biases, x, y[:, None])
        return [nabla_b[0], nabla_b[1].sum()], nabla_w

    assert check_homework(flat, X, np.zeros(9), net).ok


@pytest.mark.parametrize("mistake", ["unsummed", "wrong axis"])
@pytest.mark.parametrize("learner", [in_rows, in_columns])
def test_one_bias_and_an_entry_for_each_example(learner, mistake):
    """Of a layer with one unit, a nabla_b by example that was not summed is told from one that was summed over the units."""
    net, rows = cr.Network([6, 4, 1], seed=0), learner is in_rows

    def flat(weights, biases, x, y):
        return learner("sigmoid", "sigmoid", "quadratic", mistake)(weights, biases, x, y[:, None] if rows else y[None])

    found = check_homework(flat, X if rows else X.T, np.zeros(9), net).finding
    assert found.name == VARIANTS[mistake][0]
    assert found.where.endswith("nabla_b[1]")


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_nabla_b_that_is_0_but_for_rounding(dtype):
    """Softmax's delta adds up to 0: one number for all biases is told by the hidden layers; without them it is one of two."""

    def mine(*batch):
        lists = in_rows("tanh", "softmax", "log_loss", "one number")(*batch)
        return [[part.astype(dtype) for part in parts] for parts in lists]

    deep = cr.Network([6, 4, 3], activation="tanh", output="softmax", cost="log_loss", seed=0)
    assert check_homework(mine, X, Y, deep).finding.name == "nabla_b is one number"
    found = check_homework(mine, X, Y, cr.Network([6, 3], output="softmax", cost="log_loss", seed=0)).finding
    assert found.name == "one of: nabla_b is one number, at the output; nabla_b is zero, in every layer"


@pytest.mark.parametrize(
    ("learner", "x", "y", "cost", "mistake", "lines"),
    [
        (in_rows, X, Y, "quadratic", "number by number", ["(axis=1, keepdims=True)", "g = (activations[-1] - y)"]),
        (
            in_columns,
            X.T,
            Y.T,
            "log_loss",
            "number by number",
            ["(axis=0)", "g = -y / activations[-1]", "delta = activations[-1] - y,"],
        ),
        (in_columns, X.T, Y.T, "log_loss", "softmax over batch", ["a = np.exp(z) / np.exp(z).sum(axis=0)"]),
        (in_rows, X, Y, "log_loss", "softmax over all", ["a = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)"]),
    ],
)
def test_the_right_line_for_softmax(learner, x, y, cost, mistake, lines):
    """Who differentiates softmax number by number is shown its Jacobian, and a - y where it comes to that; the axis is theirs."""
    net = cr.Network([6, 4, 3], output="softmax", cost=cost, seed=0)
    found = check_homework(learner("sigmoid", "softmax", cost, mistake), x, y, net).finding
    assert all(line in found.line for line in lines)
    assert ("a * (g - (g * a).sum" in found.line) == (mistake == "number by number")


def test_a_gradient_of_the_librarys_own_is_taken():
    """A function that answers with a chainrule Gradient is read."""

    def mine(weights, biases, x, y):
        net = cr.Network([len(weights[0].T), *map(len, biases)], dtype="float64")
        net.weights, net.biases = weights, biases
        return net.cost(x, y), net.backprop(x, y)

    report = check_homework(mine, X, Y, NET)
    assert report.finding.name == "sum instead of mean"  # the library's cost is a mean, its gradient the notes' sums
    assert report.finding.line == "nabla_b[l] = delta.sum(axis=0) / m\nnabla_w[l] = delta.T @ activations[l] / m"


@pytest.mark.parametrize(
    ("learner", "x", "y", "mistake", "line"),
    [
        (in_rows, X, Y, "transpose", "delta = (delta @ weights[l + 1]) * sigma_prime(zs[l])"),
        (in_columns, X.T, Y.T, "transpose", "delta = (weights[l + 1].T @ delta) * sigma_prime(zs[l])"),
        (in_rows, X, Y, "bias", "z = a @ weights[l].T + biases[l]"),
        (in_columns, X.T, Y.T, "bias", "z = weights[l] @ a + biases[l]"),
        (in_rows, X, Y, "activation", "nabla_w[l] = delta.T @ activations[l]"),
        (in_columns, X.T, Y.T, "activation", "nabla_w[l] = delta @ activations[l].T"),
        (in_rows, X, Y, "first only", "nabla_b[l] = delta.sum(axis=0)"),
        (in_columns, X.T, Y.T, "first only", "nabla_b[l] = delta.sum(axis=1, keepdims=True)"),
        (in_rows, X, Y, "sign", "delta = (activations[-1] - y) * sigma_prime(zs[-1])"),
        (one_column, X[:1].T, Y[:1].T, "no nabla_b", "nabla_b[l] = delta"),
    ],
)
def test_the_right_line_is_in_the_learners_own_convention(learner, x, y, mistake, line):
    """Who holds columns is shown the line for columns, who holds rows that for rows, and the report prints it."""
    report = check_homework(learner("sigmoid", "sigmoid", "quadratic", mistake), x, y, NET)
    assert report.finding.line == line
    assert f"  Right:   {line}" in str(report)
    assert f"Not right yet: {report.finding.name}, {report.finding.where} ({report.finding.equation})." in str(report)


@pytest.mark.parametrize(
    ("change", "name", "where"),
    [
        (lambda ws: [w.T for w in ws], "nabla_w transposed", EVERYWHERE),
        (lambda ws: [w / 7 for w in ws], "a mean beside a sum", "in nabla_w"),
        (lambda ws: [-w for w in ws], "sign", "in nabla_w alone"),
        (lambda ws: [2 * w for w in ws], "factor 2", "in nabla_w alone"),
        (lambda ws: [0 * w for w in ws], "nabla_w is zero", EVERYWHERE),
    ],
)
def test_a_mistake_in_nabla_w_alone(change, name, where):
    """A mistake that is in one of the two lists is placed there."""
    report = check_homework(with_w(ROWS, change), X, Y, NET)
    assert (report.finding.name, report.finding.where) == (name, where)


def test_nabla_b_alone_is_a_mean():
    """Whichever of the two is a mean is said."""
    report = check_homework(with_b(ROWS, lambda bs: [b / 7 for b in bs]), X, Y, NET)
    assert (report.finding.name, report.finding.where) == ("a mean beside a sum", "in nabla_b")


@pytest.mark.parametrize(
    ("of", "name", "right"),
    [
        (lambda z1, a1, a2: z1, "sigma' of z instead of a", "sigma_prime(activations[l + 1])"),
        (lambda z1, a1, a2: a2, "sigma' one layer off", "sigma_prime(zs[l])"),
    ],
)
def test_a_sigma_prime_that_is_written_for_a(of, name, right):
    """Who writes sigma' as 1 - a^2 may give it z, or another layer's a."""
    net = cr.Network([6, 4, 3], activation="tanh", output="sigmoid", seed=0)

    def mine(weights, biases, x, y):
        z1 = x @ weights[0].T + biases[0]
        a1 = np.tanh(z1)
        a2 = SIGMA["sigmoid"](a1 @ weights[1].T + biases[1])
        delta2 = (a2 - y) * a2 * (1 - a2)
        delta1 = delta2 @ weights[1] * (1 - of(z1, a1, a2) ** 2)
        return [delta1.sum(axis=0), delta2.sum(axis=0)], [delta1.T @ x, delta2.T @ a1]

    report = check_homework(mine, X, Y, net)
    assert (report.finding.name, report.finding.where) == (name, HIDDEN)
    assert right in report.finding.line


def test_the_way_back_that_stops_too_early():
    """A loop that leaves out the first layer is named, and shown its loop."""

    def stops(*batch):
        return [[0 * parts[0], *parts[1:]] for parts in ROWS(*batch)]

    report = check_homework(stops, X, Y, NET)
    assert report.finding.name == "first layer left out"
    assert report.finding.line.startswith("for l in reversed(range(len(weights) - 1)):\n")


def test_a_mistake_that_makes_no_difference_is_none():
    """relu'(a) is relu'(z): who takes it of a is right."""
    net = cr.Network([6, 4, 3], activation="relu", seed=0)
    assert check_homework(in_rows("relu", "sigmoid", "quadratic", "of a"), X, Y, net).ok


def test_what_cannot_be_told_apart_is_one_of_several():
    """Under an activation that is half of z, sigma' forgotten everywhere above one hidden layer is also a factor of its own."""
    half = cr.Activation("half", lambda z: z / 2, lambda z, a: np.full_like(z, 0.5))
    SIGMA["half"], PRIME["half"] = half.value, lambda z: np.full_like(z, 0.5)
    net = cr.Network([6, 4, 3], activation="tanh", output=half, seed=0)
    report = check_homework(in_rows("tanh", "half", "quadratic", "forgotten at output"), X, Y, net)
    assert report.finding.name == "one of: sigma' forgotten, at the output; factor 2, in every layer"
    assert report.finding.equation == "BP1"


def test_an_activation_and_a_cost_of_ones_own():
    """Activations and costs of the user's own are judged as the built-in ones are."""
    softplus = cr.Activation("softplus", lambda z: np.logaddexp(0, z), lambda z, a: 1 / (1 + np.exp(-z)))
    quartic = cr.Cost("quartic", lambda a, y: ((a - y) ** 4).sum(axis=1), lambda a, y: 4 * (a - y) ** 3)
    net = cr.Network([6, 4, 3], activation=softplus, output="tanh", cost=quartic, seed=0)

    def mine(weights, biases, x, y, prime_of=0):
        z1 = x @ weights[0].T + biases[0]
        a1 = np.logaddexp(0, z1)
        a2 = np.tanh(a1 @ weights[1].T + biases[1])
        d2 = 4 * (a2 - y) ** 3 * (1 - a2**2)
        d1 = d2 @ weights[1] / (1 + np.exp(-(z1, a1)[prime_of]))
        return [d1.sum(0), d2.sum(0)], [d1.T @ x, d2.T @ a1]

    assert check_homework(mine, X, Y, net).ok
    report = check_homework(lambda *batch: mine(*batch, prime_of=1), X, Y, net)
    assert (report.finding.name, report.finding.where) == ("sigma' of a instead of z", HIDDEN)


def test_where_nothing_fits_the_first_wrong_array_is_shown():
    """A mistake without a name gives the first wrong array from the output backwards, its ratio and cosine, and no guess."""

    def first_layer_off(*batch):
        nabla_b, (first, last) = ROWS(*batch)
        return nabla_b, [3 * first, last]

    report = check_homework(first_layer_off, X, Y, NET)
    assert not report.ok
    assert report.finding is None
    assert (report.first_wrong.layer, report.first_wrong.array) == (0, "nabla_w")
    assert (report.first_wrong.ratio, report.first_wrong.cosine) == (pytest.approx(3), pytest.approx(1))
    assert "Begins:  in nabla_w[0]" in str(report)
    assert "Yours is 3 times the right one, at a cosine of 1." in str(report)


def test_the_first_wrong_array_is_sought_from_the_output():
    """Of two wrong arrays the one nearer to the output is shown."""
    report = check_homework(with_w(ROWS, lambda ws: [3 * ws[0], 4 * ws[1]]), X, Y, NET)
    assert (report.first_wrong.layer, report.first_wrong.array) == (1, "nabla_w")


def test_sizes_that_are_written_in():
    """A function that knows only like's sizes is judged on those, and that is said."""

    def hard(weights, biases, x, y):
        weights[0].reshape(4, 6)
        return in_rows("sigmoid", "sigmoid", "quadratic", "forgotten in hidden")(weights, biases, x, y)

    report = check_homework(hard, X, Y, NET)
    assert report.finding.name == "sigma' forgotten"
    assert "a network [6, 4, 3] and 7 examples" in report.assumed
    assert "it works with these sizes alone" in report.assumed


def test_one_output_whose_targets_are_a_plain_row():
    """With one output and 1-D y, f is given 1-D y."""
    net = cr.Network([6, 4, 1], seed=0)

    def flat(mistake):
        return lambda w, b, x, y: in_rows("sigmoid", "sigmoid", "quadratic", mistake)(w, b, x, y[:, None])

    assert check_homework(flat(""), X, np.zeros(9), net).ok
    assert check_homework(flat("forgotten in hidden"), X, np.zeros(9), net).finding.name == "sigma' forgotten"


def test_a_network_without_hidden_layers():
    """With one layer there are the mistakes of an output alone."""
    net = cr.Network([6, 3], seed=0)
    assert check_homework(ROWS, X, Y, net).ok
    report = check_homework(in_rows("sigmoid", "sigmoid", "quadratic", "activation"), X, Y, net)
    assert (report.finding.name, report.finding.where) == ("activation one layer off", OUTPUT)


@pytest.mark.parametrize(("f", "x", "y"), [(ROWS, X, Y), (book, X[:1].T, Y[:1].T), (vector, X[0], Y[0])])
def test_f_may_write_to_what_it_is_given(f, x, y):
    """The arrays that f gets are its own, in each of several calls."""

    def writes(weights, biases, x, y):
        answer = f(weights, biases, x, y)
        for array in (*weights, *biases, x, y):
            array[...] = np.nan
        weights.clear()
        return answer

    assert check_homework(writes, x, y, NET).ok


def test_the_same_seed_draws_the_same_network():
    """A seed decides all that f is given."""
    seen = []

    def remembers(weights, biases, x, y):
        seen.append([*weights, *biases, x, y])
        return ROWS(weights, biases, x, y)

    for seed in (3, 3, 4):
        check_homework(remembers, X, Y, NET, seed=seed)
    assert all((one == other).all() for one, other in zip(seen[0], seen[1], strict=True))
    assert not any((one == other).all() for one, other in zip(seen[0], seen[-1], strict=True))


def gives_up(weights, biases, x, y):
    """One who knows columns alone, and is given rows."""
    z = weights[0] @ x + y
    return [z], [z]


def test_an_exception_is_told_by_its_line_and_the_shapes():
    """What f raises becomes a finding: its line, its own sentence, and the shapes of what it was given."""
    report = check_homework(gives_up, X, Y, NET)
    assert not report.ok
    assert report.finding.name == "an exception"
    line = gives_up.__code__.co_firstlineno + 2
    assert report.finding.what.startswith(f"line {line} of test_homework.py, `z = weights[0] @ x + y`, raised ValueError: ")
    assert report.finding.what.endswith("given weights (4, 6), (3, 4), biases (4,), (3,), x (7, 6) and y (7, 3)")

    report = check_homework(lambda weights, biases: None, X, Y, NET)
    assert "it must take (weights, biases, x, y)" in report.finding.what


def test_ctrl_c_passes_through():
    """A function that never returns can be left."""

    def never(weights, biases, x, y):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_homework(never, X, Y, NET)


def generator(*batch):
    """Who says yield for return."""
    yield ROWS(*batch)


@pytest.mark.parametrize(
    ("f", "error", "said"),
    [
        (lambda *batch: None, DataTypeError, "returned None; let it return nabla_b, nabla_w"),
        (generator, DataTypeError, "says yield"),
        (lambda *batch: "gradient", DataTypeError, "type str"),
        (lambda *batch: ("nabla_b", "nabla_w"), DataTypeError, "nabla_b is of type str"),
        (lambda *batch: (*ROWS(*batch), 1, 2), DataError, "returned 4 things"),
        (lambda *batch: (1.0, ROWS(*batch)[0][0]), DataTypeError, "beside the cost"),
        (lambda *batch: (np.nan, ROWS(*batch)), DataError, "the cost that your function returned is nan"),
        (with_w(ROWS, lambda ws: ws[:1]), DataError, "nabla_w has 1 entries; it must have one for each of the 2 layers"),
        (with_w(ROWS, lambda ws: (w for w in ws)), DataTypeError, "nabla_w is of type generator"),
        (with_w(ROWS, lambda ws: [w[:2] for w in ws]), DataError, r"nabla_w\[0\] has shape \(2, 6\); .*, \(4, 6\)"),
        (with_b(ROWS, lambda bs: [np.zeros((2, 2))] * 2), DataError, r"nabla_b\[0\] has shape \(2, 2\); .* \(4,\) or \(4, 1\)"),
        (with_b(ROWS, lambda bs: [b.astype(int) for b in bs]), DataTypeError, r"nabla_b\[0\] holds integers"),
        (with_b(ROWS, lambda bs: [b * np.nan for b in bs]), DataError, r"nabla_b\[0\] holds NaN or inf"),
        (with_b(ROWS, lambda bs: [np.array([object()] * len(b)) for b in bs]), DataTypeError, "Python objects"),
        (with_b(ROWS, lambda bs: [b.astype(str) for b in bs]), DataTypeError, "text"),
        (with_b(ROWS, lambda bs: [None, None]), DataTypeError, r"nabla_b\[0\] is None"),
        (with_b(ROWS, lambda bs: [[[1.0], [1.0, 2.0]], bs[1]]), DataError, "rows of different lengths"),
    ],
)
def test_an_answer_that_cannot_be_read(f, error, said):
    """An answer that is no gradient of this network is refused in one sentence."""
    with pytest.raises(error, match=said) as caught:
        check_homework(f, X, Y, NET)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("x", "y", "error", "said"),
    [
        (X[:, :5], Y, DataError, "x has shape (9, 5), but like takes 6 inputs"),
        (X, Y[:8], DataError, "y has shape (8, 3); for 9 examples and 3 outputs"),
        (X, None, DataError, "y is missing"),
        (X[:0], Y[:0], DataError, "x is empty"),
        ([["a"]], Y, DataTypeError, "x holds text"),
        ([[1.0], [2.0, 3.0]], Y, DataError, "rows of equal length"),
    ],
)
def test_an_x_or_y_that_does_not_suit(x, y, error, said):
    """An x or y that shows no convention for this network is refused in one sentence."""
    with pytest.raises(error, match=re.escape(said)):
        check_homework(ROWS, x, y, NET)


def test_arguments_of_another_kind():
    """What is no function, no Network or no seed is refused."""
    with pytest.raises(ArgumentTypeError, match="f must be a function"):
        check_homework(3, X, Y, NET)
    with pytest.raises(ArgumentTypeError, match="like must be a Network"):
        check_homework(ROWS, X, Y, 3)
    with pytest.raises(SettingError, match="seed"):
        check_homework(ROWS, X, Y, NET, seed=-1)


def test_an_activation_that_gives_no_numbers():
    """An activation of one's own that is not defined everywhere, or whose derivative is not, is said to be the obstacle."""
    log = cr.Activation("log", np.log, lambda z, a: 1 / z)
    with pytest.raises(SettingError, match="one of like's activations gives NaN"):
        check_homework(ROWS, X, Y, cr.Network([6, 4, 3], activation=log, seed=0))
    broken = cr.Activation("broken", np.tanh, lambda z, a: z * np.nan)
    with pytest.raises(SettingError, match="derivatives of like's own"):
        check_homework(ROWS, X, Y, cr.Network([6, 4, 3], activation=broken, seed=0))


def test_the_example_in_the_folder(capsys):
    """examples/homework_with_a_mistake.py prints its mistake, then that it is mended."""
    runpy.run_path(str(Path(__file__).parent.parent / "examples" / "homework_with_a_mistake.py"), run_name="__main__")
    first, second = capsys.readouterr().out.split("\n\n")
    assert first.startswith("Not right yet: sigma' of a instead of z, in the hidden layers (BP2).")
    assert second.startswith("Right: this is backpropagation.")


def test_a_function_that_answers_at_random():
    """A function that is right every other time is not called right."""
    calls = []

    def sometimes(*batch):
        calls.append(1)
        bs, ws = ROWS(*batch)
        return (bs, ws) if len(calls) % 2 else ([2 * b for b in bs], ws)

    found = check_homework(sometimes, np.zeros((3, 4)), np.zeros((3, 2)), cr.Network([4, 3, 2], seed=0))
    assert not found.ok
    assert "two different gradients" in str(found)
