"""The explanation of a network: what each section says is true of that network, and a wrong argument is refused in a sentence."""

import subprocess
import sys

import numpy as np
import pytest
from explanation_helpers import ParsedPage, batch_for, digit, digits_network, section, text_of, unsaturated_network

import chainrule as cr
from chainrule import errors
from chainrule.explaining.blocks import Gallery, Picture


def test_each_pair_of_output_and_cost_has_its_own_derivation():
    """Quadratic cost with sigmoid keeps sigma', cross-entropy cancels it, softmax shows its Jacobian, ReLU its two cases."""

    def text(hidden, output, cost, *tags):
        net = unsaturated_network(hidden, output, cost, (3, 4, 3))
        return text_of(section(cr.explain(net, batch_for(net, 1, 0)), *tags))

    assert "do not cancel" in text("sigmoid", "sigmoid", "quadratic", "BP1")
    cancelled = text("sigmoid", "sigmoid", "cross_entropy", "BP1")
    assert "it cancels" in cancelled
    assert "a_j − y_j" in cancelled
    assert "whole Jacobian collapses" in text("sigmoid", "softmax", "log_loss", "BP1")
    assert "the Jacobian remains" in text("sigmoid", "softmax", "quadratic", "BP1")
    assert "σ′(z) = 0  where  z ≤ 0" in text("relu", "sigmoid", "quadratic", "BP2")
    relu = unsaturated_network("relu", None, "quadratic")
    assert "two cases" in text_of(cr.explain(relu, [[1.0, 2.0, 3.0]], [[0.1, 0.2, 0.3]]).sections[2])


def test_sections_are_in_the_order_of_the_notes():
    """Shapes, input, forward, the cost, BP1, BP2, the gradients, one entry of each layer by hand, and the step."""
    explanation = cr.explain(digits_network(), digit())
    assert [s.tags for s in explanation.sections] == [
        ("N9",), ("N10",), ("N10",), ("N10",), ("N1",), ("BP1",), ("BP2",), ("BP3", "BP4"), ("BP4",), ("BP4",), ("N12",),
    ]  # fmt: skip
    text = str(explanation)
    assert "(30, 784) @ (784, 1) + (30, 1) = (30, 1)" in text
    assert "The example is a 5" in " ".join(text.split())


def test_images_are_shown_as_pictures():
    """An image, the weights of each hidden unit, and their gradients for this image are pictures of 28 x 28."""
    explanation = cr.explain(digits_network(), digit())
    blocks = [block for part in explanation.sections for block in part.blocks]
    assert [b.pixels.shape for b in blocks if isinstance(b, Picture)] == [(28, 28)]
    weights, gradients = (b for b in blocks if isinstance(b, Gallery))
    assert np.array_equal(weights.pictures[3].pixels.ravel(), digits_network().weights[0][3].astype(float))
    nabla_w = digits_network().backprop(digit()).nabla_w[0]
    for picture in gradients.pictures:
        unit = int(picture.title.removeprefix("unit "))
        assert np.allclose(picture.pixels.ravel(), nabla_w[unit], rtol=0, atol=1e-6 * np.abs(nabla_w).max())
    assert 1 <= len(gradients.pictures) < 30


def test_targets_that_are_values_are_not_called_classes():
    """With real-valued targets no class is named, and 64 columns that are not pixels are not drawn as a picture."""
    net = cr.Network([64, 4, 2], output="identity", seed=0)
    text = str(cr.explain(net, np.full((1, 64), 0.3), [[-3.2, -0.8]]))
    assert "is a 0" not in text
    assert "picture" not in text


def test_a_weight_with_an_input_of_0_says_so():
    """A weight that multiplies an input of 0 gets no central difference: the text says so, and no digits are counted."""
    explanation = cr.explain(digits_network(), digit(), layer=1, unit=3, input=0)
    assert "multiplies an input of 0" in str(explanation)
    assert "digits" not in str(next(s for s in explanation.sections if "by hand" in s.title))


def test_the_default_learning_rate_decreases_the_cost():
    """The default rate is reduced until the cost of the batch decreases; a rate that was passed is kept, and its effect stated."""
    net = cr.Network([1, 1], output="identity", seed=0, dtype="float64")
    large = cr.Examples([[1e4]], [[3.0]])

    def caption(**settings):
        return cr.explain(net, large, **settings).sections[-1].blocks[-1].caption

    assert caption() == "The cost of this batch decreases."
    assert caption(learning_rate=1.0) == "The cost of this batch increases: the learning rate is too large for it."
    net.weights[0][...], net.biases[0][...] = 0, 3
    assert caption() == "Every gradient is 0: no parameter changes."


# Inputs in other forms


def test_one_example_may_come_without_a_batch():
    """A row with its label, or with its row of targets, is a batch of one."""
    row = np.asarray(digit().x)[0]
    expected = str(cr.explain(digits_network(), digit()))
    assert str(cr.explain(digits_network(), row, 5)) == expected
    assert str(cr.explain(digits_network(), row, np.eye(10)[5])) == expected


def test_csr_rows_are_explained_like_dense_ones():
    """A row of a CSR matrix gives the same explanation as its dense form."""
    from scipy.sparse import csr_matrix

    net, x = cr.Network([5, 3, 2], seed=0), np.array([[0.0, 1.5, 0.0, 0.0, -2.0]])
    assert str(cr.explain(net, csr_matrix(x), [1])) == str(cr.explain(net, x, [1]))


# Activations and costs of the user's own


def test_own_functions_are_called_by_their_names():
    """An activation and a cost of one's own are explained under their names."""
    softplus = cr.Activation("softplus", lambda z: np.logaddexp(0, z), lambda z, a: 1 / (1 + np.exp(-z)))
    fourth = cr.Cost("fourth", lambda a, y: ((a - y) ** 4).sum(axis=1), lambda a, y: 4 * (a - y) ** 3)
    net = cr.Network([2, 3, 1], activation=softplus, output="identity", cost=fourth, seed=0)
    text = str(cr.explain(net, [[1.0, 2.0]], [[0.5]]))
    assert "softplus(z)" in text
    assert "fourth(a, y)" in text


def test_own_names_are_not_read_as_markup():
    """A function's name with markup characters is shown as it is, in the text and on the page."""
    for name in ("}{", "x_", "my_relu", "\\frac", "<b>a^{</b>", "two\nlines", "a$b`c"):
        own = cr.Activation(name, np.tanh, lambda z, a: 1 - a * a)
        explanation = cr.explain(cr.Network([2, 3, 1], activation=own, seed=0), [[1.0, 2.0]], [[0.5]])
        assert "<b>" not in explanation.html()
        assert ParsedPage(explanation.html()).open_tags == []
        assert len(str(explanation)) > 1000


def test_own_functions_that_fail_are_reported():
    """An activation of one's own that raises, or whose derivative has another shape, is refused in a sentence."""
    for own in (cr.Activation("f", lambda z: 1 / 0, lambda z, a: a), cr.Activation("g", np.tanh, lambda z, a: np.ones(7))):
        net = cr.Network([2, 3, 1], activation=own, seed=0)
        with pytest.raises(errors.ChainruleError, match=r"fails|shape"):
            cr.explain(net, [[1.0, 2.0]], [[0.5]])


# Refused arguments, extreme numbers, and memory


NET = cr.Network([3, 4, 2], seed=0)
X = np.ones((2, 3))


def network_with_nan():
    """Make a network with a NaN among its weights."""
    net = cr.Network([3, 4, 2], seed=0)
    net.weights[0][0, 0] = np.nan
    return net


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: cr.explain(NET, X), errors.DataError, "needs y"),
        (lambda: cr.explain(NET, np.ones((2, 4)), [0, 1]), errors.DataError, "4 columns"),
        (lambda: cr.explain(NET, X, [0, 5]), errors.DataError, "5"),
        (lambda: cr.explain(network_with_nan(), X, [0, 1]), errors.DataError, "NaN"),
        (lambda: cr.explain("net", X, [0, 1]), errors.ArgumentTypeError, "str"),
        (lambda: cr.explain(NET, X, [0, 1], layer=3), errors.SettingError, "at most 2"),
        (lambda: cr.explain(NET, X, [0, 1], layer=0), errors.SettingError, "at least 1"),
        (lambda: cr.explain(NET, X, [0, 1], unit=0), errors.SettingError, "need a layer"),
        (lambda: cr.explain(NET, X, [0, 1], layer=1, unit=4), errors.SettingError, "below 4"),
        (lambda: cr.explain(NET, X, [0, 1], layer=2, input=4), errors.SettingError, "below 4"),
        (lambda: cr.explain(NET, X, [0, 1], learning_rate=0), errors.SettingError, "above 0"),
        (lambda: cr.explain(NET, np.ones((1001, 3)), np.zeros(1001, int)), errors.DataError, "at most 1,000 .* 1,001"),
        (lambda: cr.explain(NET, cr.Examples(X, [0, 1], weights=[1, 2])), errors.DataError, "equal weight"),
    ],
)
def test_a_wrong_argument_is_refused_in_a_sentence(call, error, message):
    """Missing labels, other sizes, too many examples, weighted examples, NaN in the network: one sentence each."""
    with pytest.raises(error, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e30, 1e99, 1e150, 1e300, 1e-30, 1e-300])
@pytest.mark.parametrize("hidden", ["sigmoid", "relu", "exp", "identity"])
def test_extreme_inputs_are_explained_or_refused_in_a_sentence(size, hidden):
    """Inputs of any size give an explanation, or one sentence about overflow; never another error or a warning."""
    net = cr.Network([3, 4, 2], activation=hidden, seed=0, dtype="float64")
    neuron = cr.Neuron([0.5], 0.1)
    for call in (
        lambda: cr.explain(net, [[size, 1.0, 0.0]], [1]),
        lambda: cr.check_gradient(net, [[size, 1.0, 0.0]], [1]),
        lambda: cr.explain(neuron, [[size], [1.0]], [0.0, 1.0]),
    ):
        try:
            text = str(call())
        except errors.DataError as refused:
            text = str(refused)
            assert "overflow" in text
        assert text


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_a_large_network_is_explained_without_a_copy_of_it():
    """Explaining 10^7 weights takes little more memory than the network itself, whose 40 MB it holds once."""
    code = """
import numpy as np, chainrule as cr
from pathlib import Path
net = cr.Network([3000, 2500, 900, 10], activation="relu", cost="log_loss", seed=0)
x = np.random.default_rng(0).normal(size=(1, 3000)).astype("f4")
cr.explain(net, x, [3]).html()
lines = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)
"""
    peak = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300).stdout)
    assert peak < 200  # MiB
