"""``chainrule.book``: its trainings are those of a loop over single examples, written from the notes, with the same draws."""

import random
from functools import partial

import numpy as np
import pytest
from book_data import largest_difference, seed, small_labelled, small_pairs
from per_example import PerExample

from chainrule.book import engine_epochs, mnist_loader, network, network2
from chainrule.errors import DataError, SettingError


@pytest.fixture(scope="module")
def mnist():
    """MNIST as the book's three lists."""
    return mnist_loader.load_data_wrapper()


def parameters(net):
    """All parameters of a network of the book's."""
    return [*net.weights, *net.biases]


def test_an_epoch_of_network_is_the_loops(mnist, capsys):
    """With the same seeds the weights after 5,000 pairs are the loop's to 1e-9, and so are the count and the order."""
    training, _, test = mnist
    pairs, others, tested = training[:5000], training[:5000], test[:1000]
    seed(1)
    loop = PerExample([784, 30, 10])
    loop.epoch(others, 10, 3.0)
    seed(1)
    net = network.Network([784, 30, 10])
    net.SGD(pairs, 1, 10, 3.0, test_data=tested)
    assert largest_difference(parameters(net), [*loop.w, *loop.b]) < 1e-9
    assert capsys.readouterr().out == f"Epoch 0: {loop.right(tested)} / 1000\n"
    assert all(pair is other for pair, other in zip(pairs, others, strict=True))


def test_an_epoch_of_network2_is_the_loops(mnist, capsys):
    """Cross-entropy with decay, from the smaller start, ends with the loop's weights to 1e-9, and with its counts and costs."""
    training, validation, _ = mnist
    pairs, others, evaluated = training[:5000], training[:5000], validation[:1000]
    seed(2)
    loop = PerExample([784, 30, 10], "cross_entropy", divided=True)
    loop.epoch(others, 10, 0.5, lmbda=5.0)
    seed(2)
    net = network2.Network([784, 30, 10])
    curves = net.SGD(
        pairs, 1, 10, 0.5, lmbda=5.0, evaluation_data=evaluated, monitor_evaluation_accuracy=True, monitor_training_cost=True
    )
    cost = loop.mean_cost(others, 5.0)
    assert largest_difference(parameters(net), [*loop.w, *loop.b]) < 1e-9
    assert curves == ([], [loop.right(evaluated)], [pytest.approx(cost, rel=1e-9)], [])
    assert capsys.readouterr().out == (
        f"Epoch 0 training complete\nCost on training data: {curves[2][0]}\n"
        f"Accuracy on evaluation data: {loop.right(evaluated)} / 1000\n\n"
    )


@pytest.mark.parametrize("cost", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("sizes", [[4, 3], [4, 6, 3], [4, 5, 5, 3]])
@pytest.mark.parametrize("mini_batch_size", [1, 10, 100])
def test_epochs_of_any_shape_are_the_loops(cost, sizes, mini_batch_size):
    """Any number of layers, short last batches and batches longer than the data give the loop's weights over several epochs."""
    pairs, others = small_pairs(), small_pairs()
    seed(3)
    loop = PerExample(sizes, cost)
    for _ in range(4):
        loop.epoch(others, mini_batch_size, 0.7, lmbda=0.3)
    seed(3)
    net = network2.Network(sizes, {"quadratic": network2.QuadraticCost, "cross_entropy": network2.CrossEntropyCost}[cost])
    seed(3)
    net.large_weight_initializer()
    net.SGD(pairs, 4, mini_batch_size, 0.7, 0.3)
    assert largest_difference(parameters(net), [*loop.w, *loop.b]) < 1e-12


def test_the_list_of_training_pairs_is_shuffled_in_place_once_an_epoch():
    """``SGD`` leaves the reader's list as ``random.shuffle`` does, called once an epoch, and the generator after it."""
    pairs = small_pairs()
    expected = list(pairs)
    net = network.Network([4, 3])
    random.seed(7)
    net.SGD(pairs, 3, 10, 1.0)
    drawn = random.random()
    random.seed(7)
    for _ in range(3):
        random.shuffle(expected)
    assert all(pair is other for pair, other in zip(pairs, expected, strict=True))
    assert drawn == random.random()


def test_other_iterables_than_lists_are_taken():
    """A zip, as today's Python makes of the book's line, trains as its list does."""
    xs, ys = zip(*small_pairs(), strict=True)
    seed(4)
    net = network.Network([4, 3])
    net.SGD(zip(xs, ys, strict=True), 2, 10, 1.0, test_data=iter(small_labelled()))
    seed(4)
    same = network.Network([4, 3])
    same.SGD(small_pairs(), 2, 10, 1.0)
    assert largest_difference(parameters(net), parameters(same)) == 0


def test_draws_are_the_books():
    """Biases of all layers come first, then weights; ``network2`` divides its weights by the root of the number of inputs."""
    np.random.seed(5)  # noqa: NPY002
    drawn = np.random.randn(3 + 2 + 12 + 6)  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    net = network.Network([4, 3, 2])
    assert [b.shape for b in net.biases] == [(3, 1), (2, 1)]
    assert [w.shape for w in net.weights] == [(3, 4), (2, 3)]
    flat = np.concatenate([part.ravel() for part in [*net.biases, *net.weights]])
    assert np.array_equal(flat, drawn)
    np.random.seed(5)  # noqa: NPY002
    smaller = network2.Network([4, 3, 2])
    assert all(np.array_equal(b, other) for b, other in zip(smaller.biases, net.biases, strict=True))
    assert all(
        np.allclose(w * root, other, rtol=1e-15) for w, root, other in zip(smaller.weights, (2.0, 3**0.5), net.weights, strict=True)
    )
    np.random.seed(5)  # noqa: NPY002
    smaller.large_weight_initializer()
    assert largest_difference(parameters(smaller), parameters(net)) == 0


def test_the_runaway_example_prints_all_its_lines(mnist, capsys):
    """With eta = 10 and lmbda = 1000 the training overflows to NaN, and prints the loop's counts to the end without a warning."""
    training, validation, _ = mnist
    pairs, others, evaluated = training[:200], training[:200], validation[:100]
    seed(6)
    loop = PerExample([784, 30, 10], "cross_entropy", divided=True)
    counts = []
    with np.errstate(all="ignore"):
        for _ in range(30):
            loop.epoch(others, 10, 10.0, lmbda=1000.0)
            counts.append(loop.right(evaluated))
    seed(6)
    net = network2.Network([784, 30, 10])
    accuracy = net.SGD(pairs, 30, 10, 10.0, lmbda=1000.0, evaluation_data=evaluated, monitor_evaluation_accuracy=True)[1]
    assert np.isnan(loop.w[0]).any()
    assert accuracy == counts
    assert capsys.readouterr().out.count(" training complete\n") == 30
    assert all(np.array_equal(np.isnan(w), np.isnan(other)) for w, other in zip(net.weights, loop.w, strict=True))


@pytest.mark.parametrize("eta", [0.0, -1.0, 4.0])
def test_rates_that_undo_the_weights_are_the_loops(eta):
    """A rate of 0, one below 0, and one by which the decay makes the weights exactly 0, give the loop's weights."""
    pairs, others = small_pairs(20), small_pairs(20)
    seed(8)
    loop = PerExample([4, 3], "cross_entropy", divided=True)
    loop.epoch(others, 5, eta, lmbda=5.0)  # 1 - eta lmbda / n is 0 for eta = 4
    seed(8)
    net = network2.Network([4, 3])
    net.SGD(pairs, 1, 5, eta, 5.0)
    assert largest_difference(parameters(net), [*loop.w, *loop.b]) < 1e-12


def test_parameters_are_live_between_calls():
    """Weights assigned, or written to, between two calls are those that the next one begins with; so are the biases."""
    seed(9)
    net = network.Network([4, 3])
    net.SGD(small_pairs(), 1, 10, 1.0)
    net.weights[0] *= 0.5
    net.biases = [b + 1 for b in net.biases]
    loop = PerExample([4, 3])
    loop.w, loop.b = [w.copy() for w in net.weights], [b.copy() for b in net.biases]
    random.seed(9)
    net.SGD(small_pairs(), 1, 10, 1.0)
    random.seed(9)
    loop.epoch(small_pairs(), 10, 1.0)
    assert largest_difference(parameters(net), [*loop.w, *loop.b]) < 1e-12
    assert all(part.dtype == np.float64 and part.flags.writeable for part in parameters(net))


def test_arrays_of_before_a_training_keep_their_values():
    """As in the book, a step makes new arrays: those that a reader kept stay as they were, and so do the columns."""
    net = network.Network([4, 3])
    pairs = small_pairs()
    kept = [*parameters(net), *(column for pair in pairs for column in pair)]
    copies = [part.copy() for part in kept]
    net.SGD(pairs, 2, 10, 1.0)
    assert all(np.array_equal(part, copy) for part, copy in zip(kept, copies, strict=True))


@pytest.mark.parametrize(
    "change",
    {
        "float32 columns": lambda x, y: (x.astype(np.float32), y),
        "whole numbers": lambda x, y: (np.rint(x * 10).astype(int), y.astype(int)),
        "uint8, which are no pixels here": lambda x, y: (np.abs(np.rint(x * 10)).astype(np.uint8), y.astype(np.uint8)),
        "targets beyond 0 and 1": lambda x, y: (x, 3 * y - 1),
        "extended precision": lambda x, y: (x.astype(np.longdouble), y),
    }.values(),
)
def test_columns_of_any_real_numbers_are_read_as_they_are(change):
    """Columns of other dtypes, and targets that the core's cross-entropy refuses, train as in the loop."""
    pairs = [change(x, y) for x, y in small_pairs()]
    others = list(pairs)
    seed(10)
    loop = PerExample([4, 5, 3], "cross_entropy", divided=True)
    loop.epoch(others, 4, 0.1)
    seed(10)
    net = network2.Network([4, 5, 3])
    net.SGD(pairs, 1, 4, 0.1)
    assert net.weights[0].dtype == np.result_type(pairs[0][0].dtype, np.float64)  # as NumPy adds the two
    assert largest_difference(parameters(net), [*loop.w, *loop.b]) < 1e-6


def test_inputs_that_are_not_finite_are_trained_on_as_in_the_book():
    """A NaN in the data spreads into the weights, and is not refused."""
    pairs = small_pairs()
    pairs[0][0][2] = np.nan
    net = network.Network([4, 3])
    net.SGD(pairs, 1, 10, 1.0)
    assert np.isnan(net.weights[0]).any()


def test_an_empty_list_trains_nothing_and_prints_its_lines(capsys):
    """No pairs, no epochs, and empty test data are all taken."""
    net = network.Network([4, 3])
    before = parameters(net)
    net.SGD([], 2, 10, 1.0, test_data=[])
    net.SGD(small_pairs(), 0, 10, 1.0)
    assert capsys.readouterr().out == "Epoch 0 complete\nEpoch 1 complete\n"
    assert all(part is other for part, other in zip(parameters(net), before, strict=True))
    assert network2.Network([4, 3]).SGD([], 1, 10, 1.0, 5.0) == ([], [], [], [])


def test_an_interrupted_training_keeps_its_last_step(monkeypatch):
    """Ctrl-C between two blocks of an epoch is raised, and leaves the weights of the last mini-batch."""

    class Interrupted(engine_epochs.Steps):
        def __getitem__(self, part):
            if part.start == 2:
                raise KeyboardInterrupt
            return super().__getitem__(part)

    monkeypatch.setattr(engine_epochs, "Steps", Interrupted)
    monkeypatch.setattr(engine_epochs, "block_length", lambda plan, examples: 10)
    seed(14)
    net, by_hand = network.Network([4, 3]), network.Network([4, 3])
    by_hand.weights, by_hand.biases = list(net.weights), list(net.biases)
    pairs = small_pairs()
    with pytest.raises(KeyboardInterrupt):
        net.SGD(pairs, 1, 10, 1.0)
    for k in (0, 10):
        by_hand.update_mini_batch(pairs[k : k + 10], 1.0)
    assert largest_difference(parameters(net), parameters(by_hand)) < 1e-13


def test_a_loop_that_runs_away_goes_on_without_warnings():
    """The loop, too, goes on to NaN in silence, and has NaN where the engine has it."""
    results = []
    for looped in (False, True):
        seed(15)
        net = network2.Network([4, 5, 3])
        if looped:
            net.update_mini_batch = partial(network2.Network.update_mini_batch, net)
        net.SGD(small_pairs(), 120, 10, 10.0, 100.0, small_labelled(), monitor_evaluation_accuracy=True, monitor_training_cost=True)
        results.append(net.weights)
    assert np.isnan(results[0][0]).all()
    assert all(np.isnan(w).all() for weights in results for w in weights)


@pytest.mark.parametrize("module", [network, network2])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((2, 0, 1.0), "mini_batch_size must be a whole number of at least 1; it is 0"),
        ((2, 2.5, 1.0), "mini_batch_size must be a whole number of at least 1; it is 2.5"),
        ((-1, 10, 1.0), "epochs must be a whole number of at least 0; it is -1"),
    ],
)
def test_settings_out_of_range_are_refused(module, settings, message):
    """Numbers of epochs and sizes of mini-batches that mean nothing are refused."""
    with pytest.raises(SettingError, match=message):
        module.Network([4, 3]).SGD(small_pairs(), *settings)


@pytest.mark.parametrize("module", [network, network2])
@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([(np.ones(4), np.ones((3, 1)))], r"x must be a column \(4, 1\), .* its shape is \(4,\); write x.reshape\(4, 1\)"),
        ([(np.ones((5, 1)), np.ones((3, 1)))], r"x must be a column \(4, 1\), .*; its shape is \(5, 1\)$"),
        ([(np.ones((4, 1)), 2)], r"y must have the shape of the outputs, \(3, 1\); its shape is \(\)"),
        ([(np.ones((4, 1)), np.ones(3))], r"y must have the shape of the outputs, \(3, 1\); its shape is \(3,\)"),
        ((np.ones((9, 4)), np.ones(9)), r"a list of pairs .*; entry 0 is an array of shape \(9, 4\). load_data\(\) gives whole"),
        ([(np.ones((4, 1)), 2, 1)], r"a list of pairs .*; entry 0 is a tuple"),
    ],
)
def test_data_that_numpy_would_broadcast_is_refused(module, pairs, message):
    """Rows instead of columns, labels instead of targets, and arrays instead of pairs are refused with what was found."""
    with pytest.raises(DataError, match=message):
        module.Network([4, 3]).SGD(pairs, 1, 10, 1.0)
