"""The data of a training: kinds of inputs and targets, row weights, shared examples, and what is refused or warned of."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from training_cases import SETTINGS, X, Y, make_network, parameter_bytes, train_network

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.examples import Examples
from chainrule.training import UnreachableTargetsWarning


@pytest.mark.parametrize("kind", ["dense", "pixels", "csr"])
def test_one_example_is_enough(kind):
    """A single example of any kind trains."""
    x = {"dense": X[:1], "pixels": np.array([[0, 5, 200, 255]], np.uint8), "csr": sparse.csr_array(X[:1])}[kind]
    net = make_network()
    before = parameter_bytes(net)
    history = cr.train(net, (x, [2]), **SETTINGS)
    assert history.stopped == "finished"
    assert parameter_bytes(net) != before


def test_floats_pixels_and_sparse_rows_give_the_same_training():
    """The same numbers as floats, as uint8 pixels and as sparse matrices give the same training, up to rounding."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 4)).astype(np.uint8)
    nets = []
    for x in (pixels, pixels / 255, sparse.csr_array(pixels / 255), sparse.coo_matrix(pixels / 255)):
        nets.append(make_network(dtype="float64"))
        cr.train(nets[-1], (x, Y), **SETTINGS)
    for net in nets[1:]:
        np.testing.assert_allclose(net.weights[0], nets[0].weights[0], rtol=1e-9, atol=1e-12)


def test_labels_and_one_hot_targets_give_the_same_training():
    """Labels and the same classes as one-hot rows give the same bits and the same accuracies."""
    by_label, history = train_network()
    by_one_hot, one_hot_history = train_network(examples=(X, np.eye(3)[Y]))
    assert by_label == by_one_hot
    assert history["accuracy"].tolist() == one_hot_history["accuracy"].tolist()


WEIGHTS = np.random.default_rng(1).integers(0, 3, 60)
REPEATED = np.repeat(np.arange(60), WEIGHTS)  # each example as often as it weighs


def test_a_record_counts_examples_by_their_weights():
    """Cost and accuracy of weighted examples are those of the same examples, repeated as often as they weigh."""
    settings = {"epochs": 1, "batch_size": 200, "learning_rate": 1e-300}
    (weighted,) = cr.Run(make_network(dtype="float64"), Examples(X, Y, weights=WEIGHTS), **settings)
    (repeated,) = cr.Run(make_network(dtype="float64"), (X[REPEATED], Y[REPEATED]), **settings)
    assert weighted.cost == pytest.approx(repeated.cost, rel=1e-12)
    assert weighted.accuracy == pytest.approx(repeated.accuracy, rel=1e-12)


def test_a_step_counts_examples_by_their_weights():
    """Steps over a whole weighted batch are those over the same examples, repeated as often as they weigh."""
    weighted, repeated = make_network(dtype="float64"), make_network(dtype="float64")
    cr.train(weighted, Examples(X, Y, weights=WEIGHTS), epochs=4, batch_size=200, learning_rate=0.5)
    cr.train(repeated, (X[REPEATED], Y[REPEATED]), epochs=4, batch_size=200, learning_rate=0.5)
    for actual, expected in zip(weighted.weights, repeated.weights, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-46, 1e-300, 1e39, 1e300])
def test_only_the_ratio_of_row_weights_matters(scale, engine):
    """Row weights that float32 cannot hold train a float32 network as ordinary ones do."""
    weights = np.arange(1.0, 61.0)
    nets = [make_network(), make_network()]
    for net, row_weights in zip(nets, (weights, scale * weights), strict=True):
        examples = Examples(X, Y, weights=row_weights)
        cr.train(net, examples, epochs=2, batch_size=8, learning_rate=0.5, engine=engine.name)
    for expected, actual in zip(nets[0].weights, nets[1].weights, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)
    assert nets[0].evaluate(examples).accuracy == nets[1].evaluate(examples).accuracy


def test_examples_are_prepared_once_for_many_trainings(monkeypatch, engine):
    """One Examples in several trainings and evaluations is prepared once by each engine."""
    examples, prepared_for = Examples(X, Y), []
    prepared = Examples.prepared

    def count_calls(self, key, prepare):
        return prepared(self, key, lambda examples: prepared_for.append(key) or prepare(examples))

    monkeypatch.setattr(Examples, "prepared", count_calls)
    for seed in range(3):
        net = cr.Network([4, 6, 3], seed=seed)
        cr.train(net, examples, validation=examples, engine=engine.name, **SETTINGS)
        engine.open(net.plan, net.state(), threads="auto").evaluate(engine.prepare(examples))
    assert prepared_for.count(engine.name) == 1


def test_an_examples_gives_the_bits_of_its_pair():
    """An Examples, its (x, y) pair, and an Examples that another network was trained on before give the same bits."""
    examples = Examples(X, Y)
    first = train_network(examples=examples)[0]
    train_network(cr.Network([4, 3], cost="log_loss", seed=1, dtype="float64"), examples=examples)
    assert first == train_network(examples=(X, Y))[0] == train_network(examples=examples)[0]


@pytest.mark.parametrize(
    ("output", "targets", "limits"),
    [
        ("sigmoid", [3.0, 6.0], "from 0 to 1"),
        ("sigmoid", [-0.01, 0.5], "from 0 to 1"),
        ("tanh", [-1.5, 0.0], "from -1 to 1"),
        ("relu", [-1.0, 5.0], "of at least 0"),
        ("exp", [-1.0, 5.0], "of at least 0"),
        ("softmax", [0.5, 2.0], "from 0 to 1"),
    ],
)
def test_unreachable_targets_warn_once(output, targets, limits):
    """Targets outside the range of the output's activation warn once, at the user's line, with the remedy."""
    y = np.resize(targets, (60, 2))
    net = cr.Network([4, 3, 2], output=output, seed=0)
    with pytest.warns(UnreachableTargetsWarning) as caught:
        cr.train(net, (X, y), **{**SETTINGS, "learning_rate": 0.01})
    assert len(caught) == 1
    message = str(caught[0].message)
    assert f"an output of {output} gives values {limits}" in message
    assert "take cost='mean_squared_error' with output='identity', or scale the targets" in message
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("output", "targets"),
    [
        ("sigmoid", [0.0, 1.0]),
        ("tanh", [-1.0, 1.0]),
        ("relu", [0.0, 9.0]),
        ("exp", [0.0, 9.0]),
        ("identity", [-9.0, 9.0]),
        ("leaky_relu", [-9.0, 9.0]),
    ],
)
def test_reachable_targets_do_not_warn(output, targets):
    """Targets at the limits, labels, and any targets of the user's own activation give no warning: warnings are errors here."""
    settings = {**SETTINGS, "learning_rate": 0.001}
    y = np.resize(targets, (60, 2))
    cr.train(cr.Network([4, 3, 2], output=output, seed=0), (X, y), **settings)
    cr.train(cr.Network([4, 3, 2], output=output, seed=0), (X, Y % 2), **settings)
    half = cr.Activation("half", lambda z: z / 2, lambda z, a: np.full_like(z, 0.5))
    cr.train(cr.Network([4, 3, 2], output=half, seed=0), (X, y), **settings)


def test_arrays_that_share_memory_are_refused():
    """One array in two layers is refused before anything is trained; two views of one array that do not overlap train."""
    net = cr.Network([4, 4, 4], seed=0)
    net.weights[1] = net.weights[0]
    with pytest.raises(SettingError, match=r"weights\[\d\] and weights\[\d\] share memory"):
        cr.train(net, (X, Y), **SETTINGS)
    flat = np.zeros(40, np.float32)
    net.weights[0], net.weights[1] = flat[:16].reshape(4, 4), flat[16:32].reshape(4, 4)
    assert cr.train(net, (X, Y), **SETTINGS).stopped == "finished"


def test_a_validation_frame_needs_the_columns_of_the_training():
    """A validation frame whose columns are in another order is refused."""
    frame = pd.DataFrame(X, columns=list("abcd"))
    with pytest.raises(cr.ChainruleError, match="validation examples have other columns than the training examples"):
        train_network(examples=(frame, Y), validation=(frame[list("dcba")], Y))
    assert train_network(examples=(frame, Y), validation=(frame, Y))[1].stopped == "finished"


def test_column_names_outlast_a_training_without_names():
    """A network trained on a frame, then on an array, still refuses a frame whose columns are in another order."""
    frame = pd.DataFrame(X, columns=list("abcd"))
    net = make_network()
    train_network(net, (frame, Y))
    train_network(net)
    assert net.provenance.columns == list("abcd")
    with pytest.raises(cr.ChainruleError, match="another order"):
        net.feedforward(frame[list("dcba")])
