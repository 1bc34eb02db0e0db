"""Homework: a function may hold its arrays in any usual convention, and the report states the convention that was found."""

import numpy as np
import pytest
from homework_learners import COLUMNS, NET, ONE, PRIME, ROWS, SIGMA, X, Y, rows_learner, with_changed_nabla_b

import chainrule as cr
from chainrule.explaining.homework.homework_check import check_homework


def book(weights, biases, x, y):
    """The book's backprop of one example, whose nabla_b is delta and would not be summed over a batch."""
    z1 = weights[0] @ x + biases[0]
    a1 = SIGMA["sigmoid"](z1)
    z2 = weights[1] @ a1 + biases[1]
    delta2 = (SIGMA["sigmoid"](z2) - y) * PRIME["sigmoid"](z2)
    delta1 = weights[1].T @ delta2 * PRIME["sigmoid"](z1)
    return [delta1, delta2], [delta1 @ x.T, delta2 @ a1.T]


def vector(weights, biases, x, y):
    """A backprop of one example, (n,)."""
    assert x.ndim == 1
    return ROWS(weights, biases, x[None], y[None])


def n_in_first(weights, biases, x, y):
    """A backprop of rows with weights (n_in, n_out)."""
    nabla_b, nabla_w = ROWS([w.T for w in weights], biases, x, y)
    return nabla_b, [g.T for g in nabla_w]


def flat_biases(weights, biases, x, y):
    """A backprop of columns with biases (n,)."""
    assert biases[0].ndim == 1
    nabla_b, nabla_w = COLUMNS(weights, [b[:, None] for b in biases], x, y)
    return [g[:, 0] for g in nabla_b], nabla_w


@pytest.mark.parametrize(
    ("f", "x", "y", "expected"),
    [
        (ROWS, X, Y, "as rows, (m, n), and y as targets"),
        (ROWS, X.tolist(), Y.tolist(), "as rows"),
        (ROWS, cr.Examples(X, Y), None, "as rows"),
        (ROWS, X, np.zeros(9, int), "as rows, (m, n), and y as targets"),
        (rows_learner("sigmoid", "sigmoid", "quadratic", labels=True), X, np.zeros(9, int), "as rows, (m, n), and y as labels"),
        (rows_learner("sigmoid", "sigmoid", "quadratic", labels=True), X, np.eye(3)[[0] * 9], "and y as labels"),
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
        (rows_learner("sigmoid", "sigmoid", "quadratic", means=True), X, Y, "means over the batch;"),
        (rows_learner("sigmoid", "sigmoid", "quadratic", means=True, with_cost=True), X, Y, "means over the batch, as its cost is"),
        (lambda *batch: ROWS(*batch)[::-1], X, Y, "nabla_w before nabla_b"),
        (lambda *batch: (3.0, *ROWS(*batch)), X, Y, "the cost that it returned, 3, differs from like's"),
        (lambda *batch: [[part.astype("f4") for part in parts] for parts in ROWS(*batch)], X, Y, "the tolerance was 1e-4"),
        (with_changed_nabla_b(ROWS, lambda bs: [b.tolist() for b in bs]), X, Y, "as rows"),
        (with_changed_nabla_b(ROWS, lambda bs: [b[:, None] for b in bs]), X, Y, "as rows"),
    ],
)
def test_a_correct_backprop_is_accepted_in_every_convention(f, x, y, expected):
    """A correct backprop is found correct in every convention, and the report states the convention."""
    report = check_homework(f, x, y, NET)
    assert report.ok, str(report)
    assert expected in report.assumed


@pytest.mark.parametrize(
    ("f", "x", "y", "expected"),
    [
        (with_changed_nabla_b(ROWS, lambda bs: [b[:, None] for b in bs]), X, Y, "(n, 1) but the biases are (n,)"),
        (with_changed_nabla_b(COLUMNS, lambda bs: [b[:, 0] for b in bs]), X.T, Y.T, "(n,) but the biases are (n, 1)"),
        (with_changed_nabla_b(COLUMNS, lambda bs: [b.T for b in bs]), X.T, Y.T, "(1, n) but the biases are (n, 1)"),
        (with_changed_nabla_b(ROWS, lambda bs: [b[None] for b in bs]), X, Y, ""),
        (COLUMNS, X.T, Y.T, ""),
    ],
)
def test_a_nabla_b_that_a_step_would_broadcast_is_reported(f, x, y, expected):
    """A nabla_b with the right numbers is correct, but a shape that would broadcast the biases to a matrix is reported."""
    report = check_homework(f, x, y, NET)
    assert report.ok
    assert ("b - eta * nabla_b would be (n, n)" in report.assumed) == bool(expected)
    assert expected in report.assumed


def test_a_single_bias_may_be_a_number():
    """In a layer of one unit, nabla_b may be a number instead of an array of one."""
    net = cr.Network([6, 4, 1], seed=0)

    def flat(weights, biases, x, y):
        nabla_b, nabla_w = ROWS(weights, biases, x, y[:, None])
        return [nabla_b[0], nabla_b[1].sum()], nabla_w

    assert check_homework(flat, X, np.zeros(9), net).ok


def test_a_gradient_of_the_library_is_read():
    """A function may return the library's own Gradient."""

    def mine(weights, biases, x, y):
        net = cr.Network([len(weights[0].T), *map(len, biases)], dtype="float64")
        net.weights, net.biases = weights, biases
        return net.cost(x, y), net.backprop(x, y)

    report = check_homework(mine, X, Y, NET)
    assert report.finding.name == "sum instead of mean"  # the library's cost is a mean, its gradient the notes' sums
    assert report.finding.line == "nabla_b[l] = delta.sum(axis=0) / m\nnabla_w[l] = delta.T @ activations[l] / m"


def test_a_function_with_fixed_sizes():
    """A function that works only with like's sizes is tested with those, and the report says so."""

    def fixed_sizes(weights, biases, x, y):
        weights[0].reshape(4, 6)
        return rows_learner("sigmoid", "sigmoid", "quadratic", "forgotten in hidden")(weights, biases, x, y)

    report = check_homework(fixed_sizes, X, Y, NET)
    assert report.finding.name == "sigma' forgotten"
    assert "a random network [6, 4, 3] with 7 random examples" in report.assumed
    assert "it works with these sizes only" in report.assumed


def test_one_output_with_1d_targets():
    """With one output and 1-D y, the function is called with 1-D y."""
    net = cr.Network([6, 4, 1], seed=0)

    def flat(mistake):
        return lambda w, b, x, y: rows_learner("sigmoid", "sigmoid", "quadratic", mistake)(w, b, x, y[:, None])

    assert check_homework(flat(""), X, np.zeros(9), net).ok
    assert check_homework(flat("forgotten in hidden"), X, np.zeros(9), net).finding.name == "sigma' forgotten"


@pytest.mark.parametrize(("f", "x", "y"), [(ROWS, X, Y), (book, X[:1].T, Y[:1].T), (vector, X[0], Y[0])])
def test_a_function_may_overwrite_its_arguments(f, x, y):
    """Each call gets copies of the arrays."""

    def writes(weights, biases, x, y):
        gradient = f(weights, biases, x, y)
        for array in (*weights, *biases, x, y):
            array[...] = np.nan
        weights.clear()
        return gradient

    assert check_homework(writes, x, y, NET).ok


def test_the_same_seed_draws_the_same_network():
    """The seed determines all arrays that the function is called with."""
    given = []

    def recording(weights, biases, x, y):
        given.append([*weights, *biases, x, y])
        return ROWS(weights, biases, x, y)

    for seed in (3, 3, 4):
        check_homework(recording, X, Y, NET, seed=seed)
    assert all((one == other).all() for one, other in zip(given[0], given[1], strict=True))
    assert not any((one == other).all() for one, other in zip(given[0], given[-1], strict=True))
