"""The derivation in symbols: the functions of ``calculus`` give exactly the derivatives that SymPy computes.

The functions run on arrays of SymPy expressions instead of numbers, so the comparison is exact: the simplified difference of two
formulas must be 0. The cost that SymPy differentiates is written out below on its own, example by example and unit by unit.
"""

from itertools import product

import numpy as np
import pytest
import sympy

from chainrule.calculus import costs
from chainrule.calculus.activations import ACTIVATIONS, Activation
from chainrule.calculus.backprop import backprop, output_delta
from chainrule.calculus.costs import COSTS, Cost
from chainrule.calculus.neuron import gradient_b, gradient_w


class sigma(sympy.Function):  # noqa: N801
    """An arbitrary activation, with the derivative ``sigma_prime``."""

    def fdiff(self, argindex=1):
        """``sigma'``."""
        return sympy.Function("sigma_prime")(self.args[0])


class loss(sympy.Function):  # noqa: N801
    """An arbitrary cost of one output ``a`` with target ``y``, with the derivative ``loss_prime``."""

    def fdiff(self, argindex=1):
        """``dC/da``."""
        return sympy.Function("loss_prime")(*self.args)


def elementwise(f):
    """Apply a function of one expression to each of an array."""
    return np.vectorize(f, otypes=[object])


class SymbolArray(np.ndarray):
    """An array of expressions; the maximum of a row, which softmax subtracts, is another symbol."""

    def max(self, axis=None, keepdims=False):
        """A symbol for each row."""
        return symbols("s", *self.shape[:-1], 1)


def symbols(name, *shape):
    """An array of symbols, such as ``w_01``."""
    array = np.empty(shape, object)
    for index in np.ndindex(shape):
        array[index] = sympy.Symbol(f"{name}_{''.join(map(str, index))}", real=True)
    return array.view(SymbolArray)


ANY_SIGMA = Activation("sigma", elementwise(sigma), lambda z, a: elementwise(sympy.Function("sigma_prime"))(z).view(SymbolArray))
ANY_COST = Cost("loss", lambda a, y: elementwise(loss)(a, y).sum(axis=1), elementwise(sympy.Function("loss_prime")))

OUTPUT_FORMULAS = {
    "sigma": lambda z: [sigma(z_j) for z_j in z],
    "sigmoid": lambda z: [1 / (1 + sympy.exp(-z_j)) for z_j in z],
    "softmax": lambda z: [sympy.exp(z_j) / sum(sympy.exp(z_k) for z_k in z) for z_j in z],
    "identity": lambda z: z,
}
COST_FORMULAS = {
    "loss": loss,
    "quadratic": lambda a, y: (y - a) ** 2 / 2,
    "mean_squared_error": lambda a, y: (y - a) ** 2,
    "cross_entropy": lambda a, y: -(y * sympy.log(a) + (1 - y) * sympy.log(1 - a)),
    "log_loss": lambda a, y: -y * sympy.log(a),
}


@pytest.fixture(autouse=True)
def numpy_takes_expressions(monkeypatch):
    """Add the methods that ``np.exp`` and ``np.log`` call on objects, and switch off the clipping of outputs."""
    monkeypatch.setattr(sympy.Expr, "exp", lambda z: sympy.exp(z), raising=False)
    monkeypatch.setattr(sympy.Expr, "log", lambda p: sympy.log(p), raising=False)
    monkeypatch.setattr(sympy.Expr, "log1p", lambda p: sympy.log(1 + p), raising=False)
    monkeypatch.setattr(costs, "_inside_0_1", lambda a: a)
    monkeypatch.setattr(costs, "_above_0", lambda a: a)


def assert_same(actual, expected):
    """Assert that the difference of each pair of formulas simplifies to 0."""
    for one, other in zip(np.ravel(actual), np.ravel(expected), strict=True):
        difference = sympy.expand(sympy.sympify(one) - other)
        if difference != 0:
            difference = sympy.cancel(difference)
        assert difference == 0


def derivatives(formula, array):
    """Differentiate a formula with respect to each symbol of an array."""
    return elementwise(lambda symbol: sympy.diff(formula, symbol))(array)


# Pages 1-2


def test_two_uses_of_the_chain_rule():
    """The cost (N1) is that of v (N2), with the derivative v dv/dw (N3), which is v (-1) da/dw (N4): the cost's gradient is -v."""
    m, w = 3, sympy.Symbol("w")
    y = symbols("y", m)
    a = np.array([sympy.Function(f"a_{i}")(w) for i in range(m)])
    v = [sympy.Function(f"v_{i}")(w) for i in range(m)]
    cost = COSTS["quadratic"].value(a[:, None], np.asarray(y)[:, None]).sum() / m
    assert_same(cost, sum((y[i] - a[i]) ** 2 for i in range(m)) / (2 * m))

    of_v = sum(v_i**2 for v_i in v) / (2 * m)
    assert_same(derivatives(of_v, v), np.array(v) / m)
    first = sum(v[i] * v[i].diff(w) for i in range(m)) / m
    assert_same(of_v.diff(w), first)
    second = sum((y[i] - a[i]) * -1 * a[i].diff(w) for i in range(m)) / m
    assert_same(first.subs({v[i]: y[i] - a[i] for i in range(m)}).doit(), second)
    assert_same(cost.diff(w), second)
    nabla_a = COSTS["quadratic"].gradient(a[:, None], y[:, None])[:, 0]
    assert_same(second, sum(nabla_a[i] * a[i].diff(w) for i in range(m)) / m)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("active", list(product([True, False], repeat=2)), ids=str)
def test_gradient_of_a_neuron(active, n):
    """Whichever examples are active (N5), the cost's derivatives are ``gradient_w`` (N6, N7) and ``gradient_b`` (N8)."""
    m = len(active)
    w, b, x, y = symbols("w", n), sympy.Symbol("b", real=True), symbols("x", m, n), symbols("y", m)
    z = [sum(w[k] * x[i, k] for k in range(n)) + b for i in range(m)]
    cost = sum((y[i] - sympy.Max(0, z[i])) ** 2 for i in range(m)) / (2 * m)

    def resolve_cases(slope):
        """Replace each ReLU and its derivative by those of an active or inactive example."""
        for z_i, on in zip(z, active, strict=True):
            slope = slope.subs({sympy.Heaviside(z_i): int(on), sympy.Max(0, z_i): z_i if on else 0})
        return slope

    e = np.where(active, z - y, 0)
    assert_same(gradient_w(e, x), elementwise(resolve_cases)(derivatives(cost, w)))
    assert_same(gradient_b(e), resolve_cases(cost.diff(b)))


# Pages 3-4


def network(sizes, m):
    """Make weights, biases, inputs and targets of symbols."""
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    weights = [symbols(f"w{k}", *shape) for k, shape in enumerate(shapes)]
    biases = [symbols(f"b{k}", n_out) for k, (n_out, _) in enumerate(shapes)]
    return weights, biases, symbols("x", m, sizes[0]), symbols("y", m, sizes[-1])


def write_out_cost(weights, biases, x, y, output, cost):
    """Write out the summed cost of a batch with sigma in the hidden layers; return it and each example's z of the last layer."""
    total, last_zs = 0, []
    for x_i, y_i in zip(x, y, strict=True):
        a = list(x_i)
        for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
            z = [sum(w[j, i] * a[i] for i in range(len(a))) + b[j] for j in range(len(b))]
            a = OUTPUT_FORMULAS[output](z) if k == len(weights) - 1 else OUTPUT_FORMULAS["sigma"](z)
        last_zs.append(z)
        total += sum(COST_FORMULAS[cost](a_j, y_j) for a_j, y_j in zip(a, y_i, strict=True))
    return total, last_zs


def in_outputs(array, output, zs):
    """Replace exponentials of z in an array by the outputs ``a``, so that its formulas become rational."""
    replacements = {"sigmoid": sigmoid_in_outputs, "softmax": softmax_in_outputs}

    def replace(formula):
        for i, z in enumerate(zs):
            if output in replacements:
                formula = replacements[output](formula, i, z, symbols("a", len(zs), len(z))[i], symbols("y", len(zs), len(z))[i])
        return formula

    return elementwise(replace)(array)


def sigmoid_in_outputs(formula, i, z, a, y):
    """Use that ``exp(-z)`` is ``(1 - a) / a``."""
    for a_j, z_j in zip(a, z, strict=True):
        formula = formula.subs(1 + sympy.exp(-z_j), 1 / a_j).subs(sympy.exp(-z_j), (1 - a_j) / a_j)
    return formula


def softmax_in_outputs(formula, i, z, a, y):
    """Use that ``exp(z)`` is ``a`` times the sum of exponentials, also for a shifted z, and that outputs and targets sum to 1."""
    maximum = sympy.Symbol(f"s_{i}0", real=True)  # as SymbolArray.max names it
    for shift, total in ((0, sympy.Symbol("total")), (maximum, sympy.Symbol("shifted_total"))):
        formula = formula.subs(sum(sympy.exp(z_j - shift) for z_j in z), total)
        for powers in product([-1, 0, 1, 2], repeat=len(z)):  # SymPy merges products of exponentials
            merged = sympy.exp(sum(power * (z_j - shift) for power, z_j in zip(powers, z, strict=True)))
            in_a = sympy.prod((a_j * total) ** power for power, a_j in zip(powers, a, strict=True))
            formula = formula.xreplace({merged: in_a})
    return formula.subs({distribution[-1]: 1 - sum(distribution[:-1]) for distribution in (a, y)})


PAIRS = [
    (ANY_SIGMA, ANY_COST),
    (ANY_SIGMA, COSTS["quadratic"]),
    (ANY_SIGMA, COSTS["mean_squared_error"]),
    (ACTIVATIONS["identity"], COSTS["quadratic"]),
    (ACTIVATIONS["sigmoid"], COSTS["quadratic"]),
    (ACTIVATIONS["sigmoid"], COSTS["cross_entropy"]),
    (ACTIVATIONS["softmax"], COSTS["log_loss"]),
]


@pytest.mark.parametrize("sizes", [[2, 3, 2], [2, 2, 2, 1]], ids=str)
@pytest.mark.parametrize(("output", "cost"), PAIRS, ids=lambda part: part.name)
def test_backpropagation_is_the_derivative(output, cost, sizes):
    """For a batch of two ``backprop`` gives the derivative of the cost by every weight and bias, for any sigma (BP1-BP4)."""
    weights, biases, x, y = network(sizes, m=2)
    total, zs = write_out_cost(weights, biases, x, y, output.name, cost.name)
    a, gradient = backprop(weights, biases, [ANY_SIGMA] * (len(weights) - 1) + [output], cost, x, y)
    assert a.shape == y.shape
    for actual, symbol in zip([*gradient.nabla_b, *gradient.nabla_w], [*biases, *weights], strict=True):
        expected = derivatives(total, symbol)
        assert_same(in_outputs(actual, output.name, zs), in_outputs(expected, output.name, zs))


@pytest.mark.parametrize(
    ("output", "cost"), [(ACTIVATIONS[c.partner], c) for c in COSTS.values() if c.partner], ids=lambda part: part.name
)
def test_collapsing_pairs_cancel(output, cost):
    """For each collapsing pair the cost's gradient times the output's derivative (BP1) is ``a - y`` exactly."""
    z, a, y = symbols("z", 2, 3), symbols("a", 2, 3), symbols("y", 2, 3)
    if cost.distribution:
        y[:, -1] = 1 - y[:, 0] - y[:, 1]
    assert_same(output.pullback(z, a, cost.gradient(a, y)), a - y)
    assert_same(output_delta(cost, output, z, a, y), a - y)


def test_softmax_pullback_uses_the_whole_jacobian():
    """Softmax's pullback is the sum over the outputs of ``dC/da_k da_k/dz_j``."""
    z, g, a = symbols("z", 1, 3), symbols("g", 1, 3), symbols("a", 1, 3)
    formula = sum(g_k * a_k for g_k, a_k in zip(g[0], OUTPUT_FORMULAS["softmax"](z[0]), strict=True))
    expected = in_outputs(derivatives(formula, z), "softmax", z)
    actual = in_outputs(ACTIVATIONS["softmax"].pullback(z, a, g), "softmax", z)
    assert_same(actual, expected)
