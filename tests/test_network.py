"""The network: its settings and defaults, its parameters, predictions, costs and gradients."""

import copy
import pickle

import naive
import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.costs import COSTS
from chainrule.errors import DataError, DataTypeError, SettingError
from chainrule.network import with_training
from chainrule.plan import State

RNG = np.random.default_rng(1)
X = RNG.normal(size=(12, 4))
Y = RNG.integers(0, 3, 12)


def arrays(network):
    """The parameters, byte by byte."""
    return [part.tobytes() for part in [*network.weights, *network.biases]]


# Page 3: shapes and initial parameters


def test_the_notes_network():
    """``Network([784, 30, 10])`` is the notes': three layers, (30, 784) and (10, 30), sigmoids, the quadratic cost."""
    net = cr.Network([784, 30, 10], seed=0)
    assert net.num_layers == len(net.sizes) == 3
    assert [w.shape for w in net.weights] == [(30, 784), (10, 30)]
    assert [b.shape for b in net.biases] == [(30,), (10,)]
    assert net.parameters == 784 * 30 + 30 + 30 * 10 + 10
    assert [layer.activation for layer in net.plan.layers] == ["sigmoid", "sigmoid"]
    assert (net.plan.cost, net.init, net.plan.dtype) == ("quadratic", "normal", "float32")
    assert abs(net.weights[0].mean()) < 0.03
    assert abs(net.weights[0].std() - 1) < 0.03


@pytest.mark.parametrize("sizes", [[1, 1], [3, 2], [2, 3, 4, 5, 6], (4, 2), np.array([4, 3, 2]), range(3, 6), [np.int8(4), 2]])
def test_any_sizes_of_two_or_more(sizes):
    """Any sequence of two or more sizes makes a network of those sizes."""
    net = cr.Network(sizes)
    assert net.sizes == list(map(int, sizes))
    assert all(type(size) is int for size in net.sizes)
    assert net.feedforward(np.ones((2, net.sizes[0]))).shape == (2, net.sizes[-1])


@pytest.mark.parametrize(
    ("cost", "output"),
    [
        ("quadratic", "sigmoid"),
        ("cross_entropy", "sigmoid"),
        ("log_loss", "softmax"),
        ("mean_squared_error", "identity"),
        ("poisson", "exp"),
        ("huber", "identity"),
    ],
)
def test_the_output_follows_the_cost(cost, output):
    """Without ``output`` the last layer has the activation that suits the cost."""
    assert cr.Network([4, 3, 2], cost=cost).plan.layers[-1].activation == output
    assert cr.Network([4, 3, 2], cost=COSTS[cost]).plan == cr.Network([4, 3, 2], cost=cost).plan


def test_a_copied_network_predicts_what_it_did():
    """A network that is copied or pickled after use still knows its activations: one sigmoid output gives labels 0 and 1."""
    net = cr.Network([4, 1], cost="cross_entropy", seed=0)
    labels = net.predict(X)
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert again.predict(X).tolist() == labels.tolist()
        assert again.backprop(X, Y % 2).nabla_w[0].tobytes() == net.backprop(X, Y % 2).nabla_w[0].tobytes()


def test_a_cost_with_settings():
    """A cost with its usual settings is known by its name, and one with others is kept as it is; plans compare by the settings."""
    assert cr.Network([4, 2], cost=cr.costs.Huber(1.0)).plan.cost == "huber"
    net = cr.Network([4, 2], cost=cr.costs.Huber(0.5))
    assert net.plan.cost == cr.costs.Huber(0.5)
    assert net.plan.own_functions == []
    assert net.plan == cr.Network([4, 2], cost=cr.costs.Huber(0.5)).plan != cr.Network([4, 2], cost="huber").plan
    assert hash(net.plan) == hash(cr.Network([4, 2], cost=cr.costs.Huber(0.5)).plan)
    assert net.plan.to_dict()["cost"] == {"name": "huber", "delta": 0.5}
    assert pickle.loads(pickle.dumps(net)).plan == net.plan


@pytest.mark.parametrize(
    ("activation", "init"),
    [
        ("sigmoid", "normal"),
        ("relu", "he_normal"),
        ("leaky_relu", "he_normal"),
        ("tanh", "glorot_uniform"),
        ("identity", "scaled"),
        ("exp", "scaled"),
        ("gelu", "he_normal"),
        ("silu", "he_normal"),
        ("mish", "he_normal"),
        ("selu", "lecun_normal"),
    ],
)
def test_the_initializer_follows_the_activation(activation, init):
    """Without ``init`` the initializer is the one that suits the first layer's activation; with it, that one."""
    assert cr.Network([4, 3, 2], activation=activation).init == init
    assert cr.Network([4, 3, 2], activation=activation, init="scaled").init == "scaled"
    given = cr.Network([4, 3, 2], activation=ACTIVATIONS[activation], seed=0)
    assert given.plan == cr.Network([4, 3, 2], activation=activation, seed=0).plan
    assert given.init == init


def test_each_hidden_layer_may_have_its_own_activation():
    """A sequence of activations names one a hidden layer."""
    net = cr.Network([4, 3, 3, 2], activation=["tanh", "relu"], output="identity")
    assert [layer.activation for layer in net.plan.layers] == ["tanh", "relu", "identity"]
    assert cr.Network([4, 2], activation=[]).plan.layers[0].activation == "sigmoid"


def test_a_seed_decides_the_initial_parameters():
    """The same seed gives the same parameters, another seed others, and the seed is stored."""
    first, again, other = (cr.Network([4, 3, 2], seed=seed) for seed in (7, 7, 8))
    assert arrays(first) == arrays(again) != arrays(other)
    assert first.seed == 7


def test_without_a_seed_one_is_drawn():
    """Two networks without a seed differ, and each stores the seed that reproduces it."""
    first, other = cr.Network([4, 3, 2]), cr.Network([4, 3, 2])
    assert first.seed != other.seed
    assert arrays(cr.Network([4, 3, 2], seed=first.seed)) == arrays(first)


def test_float32_parameters_are_the_float64_ones_rounded():
    """Initial parameters are drawn in float64 and then cast: float32 ones are the float64 ones, rounded."""
    double, single = cr.Network([4, 3, 2], seed=0, dtype="float64"), cr.Network([4, 3, 2], seed=0)
    for one, other in zip(double.weights + double.biases, single.weights + single.biases, strict=True):
        assert one.dtype == np.float64
        assert one.astype(np.float32).tobytes() == other.tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.dtype("float32"), ">f4", "f4", "single"], ids=repr)
def test_a_dtype_in_any_form(dtype):
    """Every form of float32 that NumPy accepts makes the network that "float32" makes, in native byte order."""
    net = cr.Network([4, 3, 2], seed=0, dtype=dtype)
    assert arrays(net) == arrays(cr.Network([4, 3, 2], seed=0))
    assert net.plan.dtype == "float32"
    net.accuracy(X[:, :4], Y % 2)


# Outputs, costs and gradients


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_feedforward_is_the_notes_loop(dtype):
    """The outputs are those of the loop over single examples (N10)."""
    net = cr.Network([4, 5, 3], activation="tanh", seed=2, dtype=dtype)
    a = net.feedforward(X)
    expected = [naive.feedforward(net.weights, net.biases, ["tanh", "sigmoid"], row)[1][-1] for row in X.tolist()]
    assert a.dtype == dtype
    np.testing.assert_allclose(a, expected, rtol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("cost", COSTS)
def test_backprop_gives_the_sums_of_the_notes(cost):
    """``backprop`` gives nabla_b, nabla_w of the shapes of the parameters, summed over the examples as page 4 has it."""
    net = cr.Network([4, 5, 3], cost=cost, activation="tanh", init="scaled", seed=2, dtype="float64")
    nabla_b, nabla_w = net.backprop(X, Y)
    names = [layer.activation for layer in net.plan.layers]
    expected_b, expected_w = naive.backprop(net.weights, net.biases, names, cost, X.tolist(), np.eye(3)[Y].tolist())
    for actual, expected in zip([*nabla_b, *nabla_w], [*expected_b, *expected_w], strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12)
    assert [g.shape for g in nabla_w] == [w.shape for w in net.weights]


def test_log_loss_asks_for_distributions():
    """Targets of log_loss are rows that sum to 1: others are refused, since a - y is not their gradient."""
    net = cr.Network([4, 3], cost="log_loss", seed=0, dtype="float64")
    smooth = np.full((12, 3), 0.05) + 0.85 * np.eye(3)[Y]
    expected, _ = naive.backprop(net.weights, net.biases, ["softmax"], "log_loss", X.tolist(), smooth.tolist())
    np.testing.assert_allclose(net.backprop(X, smooth.astype(np.float32))[0][0], expected[0], atol=1e-5)
    with pytest.raises(DataError, match="sum to 1"):
        net.backprop(X, np.ones((12, 3)))
    with pytest.raises(DataError, match="sum to 1"):
        net.cost(X, np.zeros((12, 3)))


@pytest.mark.parametrize("cost", COSTS)
def test_cost_is_the_mean_without_penalty(cost):
    """``cost`` is the mean of the examples' costs."""
    net = cr.Network([4, 5, 3], cost=cost, init="scaled", seed=2, dtype="float64")
    names = [layer.activation for layer in net.plan.layers]
    expected = naive.batch_cost(net.weights, net.biases, names, cost, X.tolist(), np.eye(3)[Y].tolist()) / 12
    assert net.cost(X, Y) == pytest.approx(expected, rel=1e-12)


def test_accuracy_is_the_fraction_that_predict_has_right():
    """``accuracy`` is the fraction of rows with the right predicted label, in [0, 1]."""
    net = cr.Network([4, 5, 3], seed=3)
    assert net.accuracy(X, Y) == (net.predict(X) == Y).mean()
    assert net.accuracy(X, net.predict(X)) == 1
    assert net.accuracy(X, (net.predict(X) + 1) % 3) == 0


def test_accuracy_weighs_the_examples():
    """A weighted example counts as its weight."""
    net = cr.Network([4, 5, 3], seed=3)
    weights = np.arange(12.0)
    expected = np.average(net.predict(X) == Y, weights=weights)
    assert net.accuracy(cr.Examples(X, Y, weights=weights)) == pytest.approx(expected, rel=1e-12)


def test_predict_gives_the_label_of_the_largest_output():
    """With several outputs the prediction is the place of the largest."""
    net = cr.Network([4, 5, 3], seed=3)
    assert net.predict(X).tolist() == net.feedforward(X).argmax(axis=1).tolist()
    assert net.predict(X).dtype == np.intp


def test_predict_with_one_output():
    """One sigmoid output says 0 or 1, at a half; one of another kind is the value."""
    yes_no = cr.Network([4, 1], seed=0)
    assert yes_no.predict(X).tolist() == (yes_no.feedforward(X)[:, 0] > 0.5).astype(int).tolist()
    assert yes_no.accuracy(X, yes_no.predict(X)) == 1
    value = cr.Network([4, 1], cost="mean_squared_error", seed=0)
    assert value.predict(X).tolist() == value.feedforward(X)[:, 0].tolist()


def test_an_examples_goes_wherever_a_pair_goes():
    """Each question takes x and y, or an Examples, with the same answer."""
    net = cr.Network([4, 5, 3], seed=3)
    both = cr.Examples(X, Y)
    assert net.feedforward(both).tobytes() == net.feedforward(X).tobytes()
    assert net.predict(both).tolist() == net.predict(X).tolist()
    for ask in (net.cost, net.accuracy, net.evaluate):
        assert ask(both) == ask(X, Y)
    assert net.backprop(both).nabla_w[0].tobytes() == net.backprop(X, Y).nabla_w[0].tobytes()


def test_pixels_and_csr_are_read_as_their_numbers():
    """uint8 rows are read as x/255, and CSR rows as the numbers they stand for."""
    net = cr.Network([4, 5, 3], seed=3, dtype="float64")
    pixels = RNG.integers(0, 256, (12, 4)).astype(np.uint8)
    for ask in (lambda x: net.feedforward(x), lambda x: net.backprop(x, Y).nabla_w[0], lambda x: net.cost(x, Y)):
        np.testing.assert_allclose(ask(pixels), ask(pixels / 255), rtol=1e-12)
        np.testing.assert_allclose(ask(sparse.csr_matrix(pixels / 255)), ask(pixels / 255), rtol=1e-11, atol=1e-14)


def test_asking_changes_nothing():
    """No question changes the parameters or the provenance."""
    net = cr.Network([4, 5, 3], seed=3)
    before = arrays(net)
    net.feedforward(X)
    net.predict(X)
    net.cost(X, Y)
    net.accuracy(X, Y)
    net.backprop(X, Y)
    repr(net)
    assert arrays(net) == before
    assert net.provenance is None


def test_saturated_networks_give_finite_costs():
    """Outputs at their very limits have finite costs and gradients, without a warning."""
    for cost in ("cross_entropy", "log_loss", "quadratic"):
        for dtype in ("float32", "float64"):
            net = cr.Network([4, 3], cost=cost, seed=0, dtype=dtype)
            net.weights[0][...] *= 1e4
            assert np.isfinite(net.cost(X, Y))
            assert all(np.isfinite(g).all() for g in net.backprop(X, Y).nabla_w)


def test_numbers_beyond_float32_are_reported():
    """Numbers that are finite in float64 and not in the network's float32 are refused, not turned into inf."""
    net = cr.Network([4, 1], cost="mean_squared_error", seed=0)
    for ask in (lambda: net.feedforward(1e300 * X), lambda: net.cost(1e300 * X, X[:, 0]), lambda: net.cost(X, 1e300 * X[:, 0])):
        with pytest.raises(DataError, match="float32"):
            ask()
    assert np.isfinite(cr.Network([4, 1], seed=0, dtype="float64").feedforward(1e300 * X)).all()


# The parameters


def test_the_parameters_are_live():
    """Writing into ``weights`` and ``biases``, or putting other arrays there, changes the network's outputs."""
    net = cr.Network([4, 3], output="identity", cost="mean_squared_error", seed=0, dtype="float64")
    net.weights[0][...] = 0
    net.biases[0] = np.array([1.0, 2.0, 3.0])
    assert net.feedforward(X)[5].tolist() == [1, 2, 3]
    net.weights[0] = np.ones((3, 4))
    np.testing.assert_allclose(net.feedforward(X)[0], X[0].sum() + np.array([1, 2, 3]))


@pytest.mark.parametrize(
    "change",
    [
        lambda net: net.weights.pop(),
        lambda net: net.weights.__setitem__(0, np.zeros((3, 3), np.float32)),
        lambda net: net.weights.__setitem__(0, [[0.0] * 4] * 4 + [[0.0] * 3]),
        lambda net: net.weights.__setitem__(0, np.full((5, 4), "0")),
        lambda net: net.weights.__setitem__(0, np.full((5, 4), 1j)),
        lambda net: net.biases.__setitem__(1, np.zeros((1, 3), np.float32)),
        lambda net: net.biases.__setitem__(1, None),
        lambda net: net.biases.append(np.zeros(3, np.float32)),
    ],
    ids=["missing", "shape", "ragged", "text", "complex", "row", "none", "one more"],
)
def test_parameters_of_another_form_are_refused(change, tmp_path):
    """Arrays of another number or shape, or of something other than real numbers, are refused wherever they would be used."""
    net = cr.Network([4, 5, 3], seed=0)
    change(net)
    asks = [
        lambda: net.feedforward(X),
        lambda: net.cost(X, Y),
        lambda: net.backprop(X, Y),
        lambda: net.save(tmp_path / "net"),
        lambda: cr.train(net, (X, Y), epochs=1, batch_size=2, learning_rate=0.5),
    ]
    for ask in asks:
        with pytest.raises(
            (SettingError, DataTypeError),
            match=r"net.\w+ must be 2 arrays of shapes .*; they are|weights\[0\] holds .*; it must hold",
        ):
            ask()
    assert not list(tmp_path.iterdir())
    assert repr(net).startswith("Network([4, 5, 3], ")


def test_parameters_that_are_locked_are_refused_before_anything_is_written():
    """A network whose arrays cannot be written to is refused for training with nothing half done."""
    net = cr.Network([4, 5, 3], seed=0)
    net.biases[0].flags.writeable = False
    before = arrays(net)
    with pytest.raises((SettingError, ValueError), match="read-only"):
        cr.train(net, (X, Y), epochs=1, batch_size=2, learning_rate=0.5)
    assert arrays(net) == before


def test_state_and_take():
    """``take`` writes a state's parameters into the network's own arrays; a state of another network is refused."""
    net, other = cr.Network([4, 5, 3], seed=0), cr.Network([4, 5, 3], seed=1)
    held = net.weights[0]
    net.take(other.state())
    assert arrays(net) == arrays(other)
    assert net.weights[0] is held
    with pytest.raises(ValueError, match=r"shape|broadcast|longer|shorter"):
        net.take(State((np.zeros((2, 2)),), (np.zeros(2),)))


def test_networks_can_be_copied_and_sent():
    """A network survives deep copying and pickling, and the copy is apart from it."""
    net = cr.Network([4, 5, 3], seed=0)
    cr.train(net, (X, Y), epochs=1, batch_size=4, learning_rate=0.5)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert arrays(twin) == arrays(net)
        assert (twin.plan, twin.seed, twin.init, twin.provenance) == (net.plan, net.seed, net.init, net.provenance)
        twin.weights[0][...] = 0
        assert (net.weights[0] != 0).any()


def test_plans_are_plain_data():
    """Plans of equal settings are equal and hash alike, are JSON, and take a training's settings by name."""
    first, second = cr.Network([4, 3, 2], seed=0).plan, cr.Network([4, 3, 2], seed=9).plan
    assert first == second
    assert hash(first) == hash(second)
    assert first.sizes == (4, 3, 2)
    training = with_training(first, dropout=0.5, batch_size=3, seed=4)
    assert [layer.dropout for layer in training.layers] == [0.5, 0.0]
    assert (training.batch_size, training.seed) == (3, 4)
    assert first.layers[0].dropout == 0
    assert training.to_dict()["layers"][0] == {"n_in": 4, "n_out": 3, "activation": "sigmoid", "dropout": 0.5}


def test_repr_says_what_it_is():
    """The repr shows sizes, activations, cost, initializer, seed, dtype, how many parameters, and whether it was trained."""
    net = cr.Network([4, 5, 3], activation="tanh", cost="log_loss", seed=3, dtype="float64")
    assert repr(net) == (
        "Network([4, 5, 3], tanh > softmax, log_loss cost, glorot_uniform initializer, seed 3, float64: 43 parameters, untrained)"
    )
    for epochs, text in ((1, "1 epoch"), (2, "3 epochs")):
        cr.train(net, (X, Y), epochs=epochs, batch_size=4, learning_rate=0.5)
        assert repr(net).endswith(f"43 parameters, trained for {text})")
