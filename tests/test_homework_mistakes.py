"""Homework: the report names each known mistake with its place, equation and correct line, and locates an unknown one."""

from itertools import combinations, product

import numpy as np
import pytest
from homework_learners import (
    EVERYWHERE,
    HIDDEN,
    MISTAKES,
    NET,
    OUTPUT,
    OUTPUTS_AND_COSTS,
    PRIME,
    ROWS,
    SIGMA,
    X,
    Y,
    columns_learner,
    random_homework,
    rows_learner,
    single_column_learner,
    with_changed_nabla_b,
    with_changed_nabla_w,
)

import chainrule as cr
from chainrule.explaining.homework.backprop_mistakes import known_mistakes
from chainrule.explaining.homework.backprop_steps import backward_gradients
from chainrule.explaining.homework.homework_check import check_homework
from chainrule.explaining.homework.random_problem import random_problem


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_is_named(mistake):
    """In each of 100 random networks and conventions the report gives the mistake's name, place and equation."""
    for seed in range(100):
        f, x, y, net = random_homework(seed, mistake)
        report = check_homework(f, x, y, net, seed=seed)
        name, where, equation = MISTAKES[mistake]
        assert report.finding is not None, (seed, net, report)
        actual = report.finding
        if where is None or mistake == "mean and sum":  # nabla_b in one learner, nabla_w in the other
            where = actual.where
        assert not report.ok
        assert (actual.name, actual.where, actual.equation) == (name, where, equation), (seed, net, str(report))


@pytest.mark.parametrize("form", ["", "uncollapsed"])
def test_a_correct_backprop_has_no_finding(form):
    """In each of 100 random networks a correct backprop is found correct, written with a - y, or with dC/da and sigma'."""
    for seed in range(100):
        f, x, y, net = random_homework(seed, form)
        report = check_homework(f, x, y, net, seed=seed)
        assert report.ok, (seed, net, str(report))
        assert report.finding is None
        assert report.first_wrong is None


def equal_pairs(gradients, m):
    """Compare gradients in pairs: which are equal as they are, and which are equal if one is a sum and the other a mean."""
    flat = np.array([np.concatenate([part.ravel() for layer in layers for part in layer]) for layers in gradients])
    inner = flat @ flat.T
    squares = inner.diagonal()

    def equal_times(factor):
        return squares[:, None] + factor**2 * squares - 2 * factor * inner <= 1e-12 * (squares[:, None] + factor**2 * squares)

    return equal_times(1), equal_times(m) | equal_times(1 / m)


@pytest.mark.parametrize("one_by_one", [False, True])
def test_mistakes_of_different_names_have_different_gradients(one_by_one):
    """No two known mistakes of different names have the same gradient, except those that the library marks as rare."""
    for n, ((output, cost), hidden, depth) in enumerate(product(OUTPUTS_AND_COSTS, [*SIGMA][:4], (2, 3))):
        like = cr.Network([5] * (depth + 1), activation=hidden, output=output, cost=cost, seed=0)
        problem = random_problem(like, like.sizes, bool(n % 2), seed=n)
        mistakes = [one for one in known_mistakes(problem) if not one.rare]
        if one_by_one:
            mistakes = [one for one in mistakes if not (one.needs_batch or one.fixes_reduction)]
        gradients = [backward_gradients(problem), *(one.backward_gradients(problem) for one in mistakes)]
        same, same_as_mean = equal_pairs(gradients, problem.m)
        assert not (same_as_mean[0] & [False, *(not one.fixes_reduction for one in mistakes)]).any()
        for i, j in combinations(range(len(mistakes)), 2):
            one, other = mistakes[i], mistakes[j]
            either_fixes_reduction = one.fixes_reduction or other.fixes_reduction
            equal = same[i + 1, j + 1] or (same_as_mean[i + 1, j + 1] and not either_fixes_reduction)
            both_wrong = not same[0, i + 1] and not same[0, j + 1]
            assert one.name == other.name or not (equal and both_wrong), (like, one.name, other.name)


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
    """A mistake in one of the two lists is reported for that list."""
    report = check_homework(with_changed_nabla_w(ROWS, change), X, Y, NET)
    assert (report.finding.name, report.finding.where) == (name, where)


def test_nabla_b_alone_is_a_mean():
    """If only nabla_b is a mean, the report says so."""
    report = check_homework(with_changed_nabla_b(ROWS, lambda bs: [b / 7 for b in bs]), X, Y, NET)
    assert (report.finding.name, report.finding.where) == ("a mean beside a sum", "in nabla_b")


@pytest.mark.parametrize("mistake", ["unsummed", "wrong axis"])
@pytest.mark.parametrize("learner", [rows_learner, columns_learner])
def test_nabla_b_with_an_entry_for_each_example_and_one_unit(learner, mistake):
    """In a layer of one unit, a nabla_b that was not summed is distinguished from one that was summed over the units."""
    net, rows = cr.Network([6, 4, 1], seed=0), learner is rows_learner

    def flat(weights, biases, x, y):
        return learner("sigmoid", "sigmoid", "quadratic", mistake)(weights, biases, x, y[:, None] if rows else y[None])

    finding = check_homework(flat, X if rows else X.T, np.zeros(9), net).finding
    assert finding.name == MISTAKES[mistake][0]
    assert finding.where.endswith("nabla_b[1]")


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_single_number_for_nabla_b_that_is_0_up_to_rounding(dtype):
    """Softmax's delta sums to 0, so a single number is identified by the hidden layers alone; without them it is ambiguous."""

    def mine(*batch):
        lists = rows_learner("tanh", "softmax", "log_loss", "one number")(*batch)
        return [[part.astype(dtype) for part in parts] for parts in lists]

    deep = cr.Network([6, 4, 3], activation="tanh", output="softmax", cost="log_loss", seed=0)
    assert check_homework(mine, X, Y, deep).finding.name == "nabla_b is one number"
    finding = check_homework(mine, X, Y, cr.Network([6, 3], output="softmax", cost="log_loss", seed=0)).finding
    assert finding.name == "one of: nabla_b is one number, at the output; nabla_b is zero, in every layer"


@pytest.mark.parametrize(
    ("argument", "name", "expected"),
    [
        (lambda z1, a1, a2: z1, "sigma' of z instead of a", "sigma_prime(activations[l + 1])"),
        (lambda z1, a1, a2: a2, "sigma' one layer off", "sigma_prime(zs[l])"),
    ],
)
def test_a_sigma_prime_that_is_a_function_of_a(argument, name, expected):
    """With sigma' written as 1 - a^2 the mistakes are to pass z, or another layer's a."""
    net = cr.Network([6, 4, 3], activation="tanh", output="sigmoid", seed=0)

    def mine(weights, biases, x, y):
        z1 = x @ weights[0].T + biases[0]
        a1 = np.tanh(z1)
        a2 = SIGMA["sigmoid"](a1 @ weights[1].T + biases[1])
        delta2 = (a2 - y) * a2 * (1 - a2)
        delta1 = delta2 @ weights[1] * (1 - argument(z1, a1, a2) ** 2)
        return [delta1.sum(axis=0), delta2.sum(axis=0)], [delta1.T @ x, delta2.T @ a1]

    report = check_homework(mine, X, Y, net)
    assert (report.finding.name, report.finding.where) == (name, HIDDEN)
    assert expected in report.finding.line


def test_a_loop_that_leaves_out_the_first_layer():
    """A loop over the layers that ends too early is named, and the report shows the correct loop."""

    def stops(*batch):
        return [[0 * parts[0], *parts[1:]] for parts in ROWS(*batch)]

    report = check_homework(stops, X, Y, NET)
    assert report.finding.name == "first layer left out"
    assert report.finding.line.startswith("for l in reversed(range(len(weights) - 1)):\n")


def test_a_network_without_hidden_layers():
    """A network of one layer is supported, and its mistakes are placed at the output."""
    net = cr.Network([6, 3], seed=0)
    assert check_homework(ROWS, X, Y, net).ok
    report = check_homework(rows_learner("sigmoid", "sigmoid", "quadratic", "activation"), X, Y, net)
    assert (report.finding.name, report.finding.where) == ("activation one layer off", OUTPUT)


def test_own_activations_and_costs_are_supported():
    """Mistakes are found with activations and costs of the user's own as with built-in ones."""
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


def test_a_mistake_with_the_correct_gradient_is_no_finding():
    """relu'(a) equals relu'(z), so a backprop that evaluates it at a is correct."""
    net = cr.Network([6, 4, 3], activation="relu", seed=0)
    assert check_homework(rows_learner("relu", "sigmoid", "quadratic", "of a"), X, Y, net).ok


def test_mistakes_with_equal_gradients_are_all_named():
    """If the output activation is z / 2, forgetting its sigma' equals a factor of 2: the report names both."""
    half = cr.Activation("half", lambda z: z / 2, lambda z, a: np.full_like(z, 0.5))
    SIGMA["half"], PRIME["half"] = half.value, lambda z: np.full_like(z, 0.5)
    net = cr.Network([6, 4, 3], activation="tanh", output=half, seed=0)
    report = check_homework(rows_learner("tanh", "half", "quadratic", "forgotten at output"), X, Y, net)
    assert report.finding.name == "one of: sigma' forgotten, at the output; factor 2, in every layer"
    assert report.finding.equation == "BP1"


def test_an_unknown_mistake_is_located():
    """For an unknown mistake the report gives the first wrong array, its ratio and cosine, and no name."""

    def first_layer_wrong(*batch):
        nabla_b, (first, last) = ROWS(*batch)
        return nabla_b, [3 * first, last]

    report = check_homework(first_layer_wrong, X, Y, NET)
    assert not report.ok
    assert report.finding is None
    assert (report.first_wrong.layer, report.first_wrong.array) == (0, "nabla_w")
    assert (report.first_wrong.ratio, report.first_wrong.cosine) == (pytest.approx(3), pytest.approx(1))
    assert "Begins:  in nabla_w[0]" in str(report)
    assert "Yours is 3 times the right one, at a cosine of 1." in str(report)


def test_the_first_wrong_array_counts_from_the_output():
    """Of two wrong arrays the report gives the one nearer to the output."""
    report = check_homework(with_changed_nabla_w(ROWS, lambda ws: [3 * ws[0], 4 * ws[1]]), X, Y, NET)
    assert (report.first_wrong.layer, report.first_wrong.array) == (1, "nabla_w")


@pytest.mark.parametrize(
    ("learner", "x", "y", "mistake", "line"),
    [
        (rows_learner, X, Y, "transpose", "delta = (delta @ weights[l + 1]) * sigma_prime(zs[l])"),
        (columns_learner, X.T, Y.T, "transpose", "delta = (weights[l + 1].T @ delta) * sigma_prime(zs[l])"),
        (rows_learner, X, Y, "bias", "z = a @ weights[l].T + biases[l]"),
        (columns_learner, X.T, Y.T, "bias", "z = weights[l] @ a + biases[l]"),
        (rows_learner, X, Y, "activation", "nabla_w[l] = delta.T @ activations[l]"),
        (columns_learner, X.T, Y.T, "activation", "nabla_w[l] = delta @ activations[l].T"),
        (rows_learner, X, Y, "first only", "nabla_b[l] = delta.sum(axis=0)"),
        (columns_learner, X.T, Y.T, "first only", "nabla_b[l] = delta.sum(axis=1, keepdims=True)"),
        (rows_learner, X, Y, "sign", "delta = (activations[-1] - y) * sigma_prime(zs[-1])"),
        (single_column_learner, X[:1].T, Y[:1].T, "no nabla_b", "nabla_b[l] = delta"),
    ],
)
def test_the_correct_line_is_in_the_learners_own_convention(learner, x, y, mistake, line):
    """The correct line is that for columns if the learner uses columns, and for rows if rows; the report prints it."""
    report = check_homework(learner("sigmoid", "sigmoid", "quadratic", mistake), x, y, NET)
    assert report.finding.line == line
    assert f"  Right:   {line}" in str(report)
    assert f"Not right yet: {report.finding.name}, {report.finding.where} ({report.finding.equation})." in str(report)


@pytest.mark.parametrize(
    ("learner", "x", "y", "cost", "mistake", "lines"),
    [
        (rows_learner, X, Y, "quadratic", "number by number", ["(axis=1, keepdims=True)", "g = (activations[-1] - y)"]),
        (
            columns_learner,
            X.T,
            Y.T,
            "log_loss",
            "number by number",
            ["(axis=0)", "g = -y / activations[-1]", "delta = activations[-1] - y,"],
        ),
        (columns_learner, X.T, Y.T, "log_loss", "softmax over batch", ["a = np.exp(z) / np.exp(z).sum(axis=0)"]),
        (rows_learner, X, Y, "log_loss", "softmax over all", ["a = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)"]),
    ],
)
def test_the_correct_line_for_softmax(learner, x, y, cost, mistake, lines):
    """For an elementwise softmax the report shows the Jacobian, a - y if it collapses to that, and the learner's own axis."""
    net = cr.Network([6, 4, 3], output="softmax", cost=cost, seed=0)
    finding = check_homework(learner("sigmoid", "softmax", cost, mistake), x, y, net).finding
    assert all(line in finding.line for line in lines)
    assert ("a * (g - (g * a).sum" in finding.line) == (mistake == "number by number")
