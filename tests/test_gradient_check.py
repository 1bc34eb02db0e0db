"""The gradient check agrees with a correct backpropagation, and names the wrong array or function of a wrong one."""

import numpy as np
import pytest
from drawn import PAIRS
from explanation_helpers import HIDDEN, batch_for

import chainrule as cr
from chainrule import errors
from chainrule.calculus.backprop import Gradient


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("output", "cost"), PAIRS)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_correct_gradient_passes(hidden, output, cost, dtype):
    """Every activation with every cost passes in both precisions, and most of the entries are compared."""
    net = cr.Network([4, 5, 3], activation=hidden, output=output, cost=cost, init="scaled", seed=1, dtype=dtype)
    result = cr.check_gradient(net, batch_for(net, 6, 2))
    assert result.ok, str(result)
    assert result.compared > 0.8 * net.parameters
    assert "agrees" in str(result)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_large_network_is_sampled(dtype):
    """The notes' network passes, with a sample of its entries and some random directions."""
    net = cr.Network([784, 30, 10], seed=0, dtype=dtype)
    result = cr.check_gradient(net, cr.datasets.mnist().test[:10])
    assert result.ok
    assert 20 < result.compared < 100


class WrongNetwork(cr.Network):
    """A network whose gradient is changed in place by ``change(nabla_b, nabla_w)``."""

    change = staticmethod(lambda nabla_b, nabla_w: None)

    def backprop(self, x, y=None):  # noqa: D102
        nabla_b, nabla_w = super().backprop(x, y)
        self.change(nabla_b, nabla_w)
        return Gradient(nabla_b, nabla_w)


def findings_about(change, sizes=(4, 5, 5, 3)):
    """Check a gradient that ``change`` makes wrong, and return the findings."""
    net = WrongNetwork(list(sizes), seed=1, dtype="float64")
    net.change = change
    result = cr.check_gradient(net, batch_for(net, 6, 2))
    assert not result.ok
    assert "NOT" in str(result)
    return result.findings


def double(part):
    """Double an array in place."""
    part *= 2


@pytest.mark.parametrize(
    ("change", "equation", "where"),
    [
        (lambda b, w: double(w[1]), "BP4", "layer 2, w[2]"),
        (lambda b, w: double(b[0]), "BP3", "layer 1, b[1]"),
        (lambda b, w: (double(b[1]), double(w[1])), "BP2", "layer 2"),
        (lambda b, w: (double(b[2]), double(w[2])), "BP1", "layer 3"),
        (lambda b, w: [double(part) for part in (*b, *w)], "BP1", "layer 3"),
    ],
)
def test_a_wrong_array_is_named(change, equation, where):
    """The wrong layer nearest to the output is named, with the equation that explains its arrays, and the ratio of the two."""
    finding = findings_about(change)[0]
    assert finding.equation == equation
    assert finding.where.startswith(where)
    assert finding.gives == pytest.approx(2 * finding.should, rel=1e-4)
    assert "2 times as much" in finding.words


def test_a_single_wrong_weight_is_found_in_a_large_layer():
    """Random directions detect an error in any one of 23,520 weights, although few of them are compared on their own."""

    def change(nabla_b, nabla_w):
        nabla_w[0][17, 400] += np.abs(nabla_w[0]).max()

    findings = findings_about(change, (784, 30, 10))
    assert findings[0].equation == "BP4"
    assert findings[0].where.startswith("layer 1")


def test_a_wrong_derivative_of_an_own_activation_is_found():
    """The first finding names the activation and the layer whose derivative is wrong; with the right derivative there is none."""
    wrong = cr.Activation("softplus", lambda z: np.logaddexp(0, z), lambda z, a: 1 / (1 + np.exp(z)))
    net = cr.Network([3, 4, 4, 2], activation=["tanh", wrong], seed=0)
    result = cr.check_gradient(net, batch_for(net, 5, 0))
    assert not result.ok
    assert (result.findings[0].equation, result.findings[0].where) == ("BP2", "softplus, layer 2")
    right = cr.Activation("softplus", lambda z: np.logaddexp(0, z), lambda z, a: 1 / (1 + np.exp(-z)))
    assert cr.check_gradient(cr.Network([3, 4, 2], activation=right, seed=0), batch_for(net, 5, 0)).ok


def test_a_wrong_gradient_of_an_own_cost_is_found():
    """A cost whose gradient is half the right one is named, under BP1."""
    wrong = cr.Cost("fourth", lambda a, y: ((a - y) ** 4).sum(axis=1), lambda a, y: 2 * (a - y) ** 3)
    net = cr.Network([3, 4, 2], output="identity", cost=wrong, seed=0)
    finding = cr.check_gradient(net, batch_for(net, 5, 0)).findings[0]
    assert (finding.equation, finding.where) == ("BP1", "fourth")
    assert finding.should == pytest.approx(2 * finding.gives, rel=1e-4)


def test_checking_leaves_the_network_as_it_was():
    """Repeated checks change neither the network's own activation nor any parameter."""
    own = cr.Activation("softplus", lambda z: np.logaddexp(0, z), lambda z, a: 1 / (1 + np.exp(-z)))
    net = cr.Network([3, 4, 2], activation=own, seed=0)
    before = [w.copy() for w in net.weights]
    for _ in range(2):
        assert cr.check_gradient(net, batch_for(net, 5, 0)).ok
    assert net.plan.sigmas[0] is own
    assert all(np.array_equal(w, old) for w, old in zip(net.weights, before, strict=True))


def test_differences_across_a_kink_are_skipped_and_counted():
    """Where weighted inputs are exactly 0, every central difference crosses ReLU's kink: it is skipped, not called wrong."""
    net = cr.Network([2, 3, 1], activation="relu", cost="mean_squared_error", seed=0, dtype="float64")
    net.weights[0][0] = 0
    net.biases[0][0] = 0
    result = cr.check_gradient(net, [[1.0, 2.0], [0.5, -1.0]], [1.0, 2.0])
    assert result.ok
    assert result.skipped >= 3
    assert result.compared + result.skipped == net.parameters
    assert "kink" in str(result)


NET = cr.Network([3, 4, 2], seed=0)
X = np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: cr.check_gradient(NET, X), errors.DataError, "needs y"),
        (lambda: cr.check_gradient(NET, np.ones((2, 4)), [0, 1]), errors.DataError, "4 columns"),
        (lambda: cr.check_gradient(NET, np.ones((201, 3)), np.zeros(201, int)), errors.DataError, "at most 200 .* 201"),
        (lambda: cr.check_gradient(NET, cr.Examples(X, [0, 1], weights=[1, 2])), errors.DataError, "equal weight"),
        (lambda: cr.check_gradient("net", X, [0, 1]), errors.ArgumentTypeError, "str"),
        (lambda: cr.check_gradient(lambda *a: None, X, [0, 1]), errors.ArgumentTypeError, "like="),
        (lambda: cr.check_gradient(NET, X, [0, 1], like=NET), errors.SettingError, "leave like out"),
        (lambda: cr.check_gradient(NET, X, [0, 1], seed=-1), errors.SettingError, "seed"),
    ],
)
def test_a_wrong_argument_is_refused_in_a_sentence(call, error, message):
    """Missing labels, other sizes, too many examples, other types: one sentence each."""
    with pytest.raises(error, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("sizes", "settings"),
    [
        ([784, 300, 10], {"cost": "cross_entropy"}),
        ([784, 300, 10], {"cost": "cross_entropy", "dtype": "float64"}),
        ([784, 400, 10], {"activation": "tanh", "init": "normal", "cost": "log_loss", "dtype": "float64"}),
        ([784, 30, 10], {}),
    ],
)
def test_saturated_networks_pass(sizes, settings):
    """Untrained wide networks pass although their outputs are rounded to 0 and 1."""
    result = cr.check_gradient(cr.Network(sizes, seed=0, **settings), cr.datasets.mnist().test[:10])
    assert result.ok, str(result)
    assert result.compared > 10


def test_a_large_float32_network_passes():
    """In float32 the tolerance grows with the number of products in a weighted input."""
    x = np.random.default_rng(0).random((1, 2000))
    assert cr.check_gradient(cr.Network([2000, 2000, 10], seed=0), x, [3]).ok


def test_nan_in_a_derivative_is_wrong():
    """A derivative that gives NaN is a finding, and the check fails."""
    own = cr.Activation("nn", np.tanh, lambda z, a: np.nan * z)
    result = cr.check_gradient(cr.Network([2, 3, 1], activation=own, seed=0), [[1.0, 2.0]], [[0.5]])
    assert not result.ok
    assert (result.findings[0].equation, result.findings[0].where) == ("BP2", "nn, layer 1")


def test_a_check_that_compared_nothing_fails():
    """If every central difference crosses a kink, the check does not pass, and says that nothing could be compared."""
    net = cr.Network([1, 1], output="relu", seed=1, dtype="float64")
    net.weights[0][...], net.biases[0][...] = 0, 0
    result = cr.check_gradient(net, [[1.0]], [[2.0]])
    assert (result.compared, result.skipped) == (0, 2)
    assert not result.ok
    assert "Nothing could be compared" in str(result)
