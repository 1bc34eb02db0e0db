"""The derivation by a machine: SymPy differentiates the cost as it is written out, and ``calculus`` computes just that.

The functions of ``calculus`` run here on arrays of SymPy's expressions instead of numbers, so that "the same" means the same
formula: the difference, simplified, is 0, not small. The cost is written out below on its own, example by example, unit by unit.
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
    """Any activation: all that is known of it is that its derivative is ``sigma_prime``."""

    def fdiff(self, argindex=1):
        """``sigma'``."""
        return sympy.Function("sigma_prime")(self.args[0])


class loss(sympy.Function):  # noqa: N801
    """Any cost of one output ``a`` whose target is ``y``: all that is known is its slope in ``a``."""

    def fdiff(self, argindex=1):
        """``dC/da``."""
        return sympy.Function("slope")(*self.args)


def each(f):
    """Make a function of an expression one of an array of them."""
    return np.vectorize(f, otypes=[object])


class Letters(np.ndarray):
    """An array of expressions; the largest of a row, which softmax takes off, is one letter more."""

    def max(self, axis=None, keepdims=False):
        """A letter for each row."""
        return letters("s", *self.shape[:-1], 1)


def letters(name, *shape):
    """An array of symbols, such as ``w_01``."""
    made = np.empty(shape, object)
    for index in np.ndindex(shape):
        made[index] = sympy.Symbol(f"{name}_{''.join(map(str, index))}", real=True)
    return made.view(Letters)


ANY_SIGMA = Activation("sigma", each(sigma), lambda z, a: each(sympy.Function("sigma_prime"))(z).view(Letters))
ANY_COST = Cost("loss", lambda a, y: each(loss)(a, y).sum(axis=1), each(sympy.Function("slope")))

OUTPUTS = {
    "sigma": lambda z: [sigma(z_j) for z_j in z],
    "sigmoid": lambda z: [1 / (1 + sympy.exp(-z_j)) for z_j in z],
    "softmax": lambda z: [sympy.exp(z_j) / sum(sympy.exp(z_k) for z_k in z) for z_j in z],
    "identity": lambda z: z,
}
WRITTEN_OUT = {
    "loss": loss,
    "quadratic": lambda a, y: (y - a) ** 2 / 2,
    "mean_squared_error": lambda a, y: (y - a) ** 2,
    "cross_entropy": lambda a, y: -(y * sympy.log(a) + (1 - y) * sympy.log(1 - a)),
    "log_loss": lambda a, y: -y * sympy.log(a),
}


@pytest.fixture(autouse=True)
def numpy_takes_expressions(monkeypatch):
    """Give expressions the methods that ``np.exp`` and ``np.log`` ask of objects; no output needs holding off 0 and 1 here."""
    monkeypatch.setattr(sympy.Expr, "exp", lambda z: sympy.exp(z), raising=False)
    monkeypatch.setattr(sympy.Expr, "log", lambda p: sympy.log(p), raising=False)
    monkeypatch.setattr(sympy.Expr, "log1p", lambda p: sympy.log(1 + p), raising=False)
    monkeypatch.setattr(costs, "_inside_0_1", lambda a: a)
    monkeypatch.setattr(costs, "_above_0", lambda a: a)


def assert_same(found, expected):
    """Hold formulas together: their difference is 0."""
    for one, other in zip(np.ravel(found), np.ravel(expected), strict=True):
        difference = sympy.expand(sympy.sympify(one) - other)
        if difference != 0:
            difference = sympy.cancel(difference)
        assert difference == 0


def slopes(written, array):
    """Differentiate a formula by each letter of an array."""
    return each(lambda letter: sympy.diff(written, letter))(array)


# Pages 1-2


def test_two_uses_of_the_chain_rule():
    """The cost (N1) is that of v (N2), and its slope along w is v dv/dw (N3), so v (-1) da/dw (N4): the cost's gradient is -v."""
    m, w = 3, sympy.Symbol("w")
    y = letters("y", m)
    a = np.array([sympy.Function(f"a_{i}")(w) for i in range(m)])
    v = [sympy.Function(f"v_{i}")(w) for i in range(m)]
    cost = COSTS["quadratic"].value(a[:, None], np.asarray(y)[:, None]).sum() / m
    assert_same(cost, sum((y[i] - a[i]) ** 2 for i in range(m)) / (2 * m))

    of_v = sum(v_i**2 for v_i in v) / (2 * m)
    assert_same(slopes(of_v, v), np.array(v) / m)
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
    """Whichever examples ReLU lets through (N5), the cost's slopes are ``gradient_w`` (N6, N7) and ``gradient_b`` (N8)."""
    m = len(active)
    w, b, x, y = letters("w", n), sympy.Symbol("b", real=True), letters("x", m, n), letters("y", m)
    z = [sum(w[k] * x[i, k] for k in range(n)) + b for i in range(m)]
    cost = sum((y[i] - sympy.Max(0, z[i])) ** 2 for i in range(m)) / (2 * m)

    def decided(slope):
        """Say of each example whether it is active."""
        for z_i, on in zip(z, active, strict=True):
            slope = slope.subs({sympy.Heaviside(z_i): int(on), sympy.Max(0, z_i): z_i if on else 0})
        return slope

    e = np.where(active, z - y, 0)
    assert_same(gradient_w(e, x), each(decided)(slopes(cost, w)))
    assert_same(gradient_b(e), decided(cost.diff(b)))


# Pages 3-4


def network(sizes, m):
    """Weights, biases, inputs and targets in letters."""
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    weights = [letters(f"w{k}", *shape) for k, shape in enumerate(shapes)]
    biases = [letters(f"b{k}", n_out) for k, (n_out, _) in enumerate(shapes)]
    return weights, biases, letters("x", m, sizes[0]), letters("y", m, sizes[-1])


def written_out(weights, biases, x, y, output, cost):
    """The summed cost of a batch, every example, layer and unit in turn, sigma in the hidden layers; and each example's last z."""
    total, last_zs = 0, []
    for x_i, y_i in zip(x, y, strict=True):
        a = list(x_i)
        for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
            z = [sum(w[j, i] * a[i] for i in range(len(a))) + b[j] for j in range(len(b))]
            a = OUTPUTS[output](z) if k == len(weights) - 1 else OUTPUTS["sigma"](z)
        last_zs.append(z)
        total += sum(WRITTEN_OUT[cost](a_j, y_j) for a_j, y_j in zip(a, y_i, strict=True))
    return total, last_zs


def in_outputs(formula, output, zs):
    """Say a formula in the outputs ``a`` where it has exponentials of z, and let a distribution sum to 1: what is left is rational.

    The exponentials of sigmoid are ``(1 - a) / a``, those of softmax ``a`` times their sum, with its shift or without.
    """
    for i, z in enumerate(zs):
        a, y = letters("a", len(zs), len(z))[i], letters("y", len(zs), len(z))[i]
        if output == "sigmoid":
            for a_j, z_j in zip(a, z, strict=True):
                formula = formula.subs(1 + sympy.exp(-z_j), 1 / a_j).subs(sympy.exp(-z_j), (1 - a_j) / a_j)
        if output == "softmax":
            for shift, whole in ((0, sympy.Symbol("whole")), (sympy.Symbol(f"s_{i}0", real=True), sympy.Symbol("shifted"))):
                formula = formula.subs(sum(sympy.exp(z_j - shift) for z_j in z), whole)
                for powers in product([-1, 0, 1, 2], repeat=len(z)):  # SymPy writes products of exponentials as one
                    together = sympy.exp(sum(power * (z_j - shift) for power, z_j in zip(powers, z, strict=True)))
                    formula = formula.xreplace(
                        {together: sympy.prod((a_j * whole) ** power for power, a_j in zip(powers, a, strict=True))}
                    )
            formula = formula.subs({letter[-1]: 1 - sum(letter[:-1]) for letter in (a, y)})
    return formula


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
    """Over a batch of two, ``backprop`` gives the cost's slope along every weight and bias, whatever sigma is (BP1-BP4)."""
    weights, biases, x, y = network(sizes, m=2)
    total, zs = written_out(weights, biases, x, y, output.name, cost.name)
    a, gradient = backprop(weights, biases, [ANY_SIGMA] * (len(weights) - 1) + [output], cost, x, y)
    assert a.shape == y.shape
    for found, letter in zip([*gradient.nabla_b, *gradient.nabla_w], [*biases, *weights], strict=True):
        assert_same(*(each(lambda formula: in_outputs(formula, output.name, zs))(part) for part in (found, slopes(total, letter))))


@pytest.mark.parametrize(
    ("output", "cost"), [(ACTIVATIONS[c.partner], c) for c in COSTS.values() if c.partner], ids=lambda part: part.name
)
def test_collapsing_pairs_cancel(output, cost):
    """In each pair that collapses, the cost's gradient times the output's derivative (BP1) comes to ``a - y`` exactly."""
    z, a, y = letters("z", 2, 3), letters("a", 2, 3), letters("y", 2, 3)
    if cost.distribution:
        y[:, -1] = 1 - y[:, 0] - y[:, 1]
    assert_same(output.pullback(z, a, cost.gradient(a, y)), a - y)
    assert_same(output_delta(cost, output, z, a, y), a - y)


def test_softmax_goes_back_through_its_whole_jacobian():
    """Softmax's pullback is the sum over the outputs of ``dC/da_k da_k/dz_j``, each differentiated as it is written out."""
    z, g, a = letters("z", 1, 3), letters("g", 1, 3), letters("a", 1, 3)
    written = sum(g_k * a_k for g_k, a_k in zip(g[0], OUTPUTS["softmax"](z[0]), strict=True))
    expected = each(lambda formula: in_outputs(formula, "softmax", z))(slopes(written, z))
    found = each(lambda formula: in_outputs(formula, "softmax", z))(ACTIVATIONS["softmax"].pullback(z, a, g))
    assert_same(found, expected)
