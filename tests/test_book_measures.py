"""``chainrule.book``: outputs, evaluation, costs, monitors with their lines, early stopping, and the parts of the modules."""

import inspect

import numpy as np
import pytest
from book_data import largest_difference, seed, small_labelled, small_pairs
from per_example import PerExample

from chainrule.book import mnist_loader, network, network2
from chainrule.errors import DataError, DataTypeError, SettingError


@pytest.fixture
def net2():
    """A network of chapter 3, of sizes [4, 5, 3]."""
    seed(1)
    return network2.Network([4, 5, 3])


def loop_of(net, cost="cross_entropy"):
    """The loop over single examples with a network's parameters."""
    loop = PerExample(list(net.sizes), cost)
    loop.w, loop.b = net.weights, net.biases
    return loop


@pytest.mark.parametrize("module", [network, network2])
def test_feedforward_takes_a_column_or_several(module):
    """One column gives one, several side by side give as many; the numbers are the loop's."""
    net = module.Network([4, 5, 3])
    columns = [x for x, _ in small_pairs()]
    outputs = net.feedforward(np.hstack(columns))
    assert outputs.shape == (3, 25)
    assert np.allclose(outputs, np.hstack([loop_of(net).outputs(x) for x in columns]), rtol=1e-13)
    assert net.feedforward(columns[0]).shape == (3, 1)


@pytest.mark.parametrize("module", [network, network2])
@pytest.mark.parametrize("x", [np.ones(4), np.ones((1, 4)), np.ones((5, 1)), 3.0])
def test_feedforward_refuses_what_is_no_column(module, x):
    """Rows, and columns of another length, are refused; NumPy would broadcast some of them to a matrix."""
    with pytest.raises(DataError, match=r"x must be a column \(4, 1\), as the network has 4 inputs; its shape is"):
        module.Network([4, 5, 3]).feedforward(x)


@pytest.mark.parametrize("module", [network, network2])
def test_sigmoid_and_its_derivative(module):
    """Numbers and arrays of any magnitude give the logistic function and its slope, without a warning."""
    z = np.array([[-1000.0], [-1.0], [0.0], [2.0], [1000.0]])
    expected = [0, 1 / (1 + np.e), 0.5, 1 / (1 + np.exp(-2)), 1]
    assert np.allclose(module.sigmoid(z).ravel(), expected, rtol=1e-15)
    assert np.allclose(module.sigmoid_prime(z), module.sigmoid(z) * (1 - module.sigmoid(z)), rtol=1e-15)
    assert module.sigmoid(0) == 0.5
    assert module.sigmoid_prime(0.0) == 0.25


def test_evaluate_and_accuracy_count_the_right_answers(net2):
    """Both count as the loop does, from lists, tuples and iterators, and from columns of any dtype; none in an empty list."""
    labelled = small_labelled()
    expected = loop_of(net2).right(labelled)
    assert 0 < expected < len(labelled)
    net = network.Network([4, 5, 3])
    net.weights, net.biases = net2.weights, net2.biases
    for data in (labelled, tuple(labelled), iter(labelled), [(x.astype(np.longdouble), y) for x, y in labelled]):
        assert net.evaluate(data) == expected
    assert net2.accuracy(labelled) == expected
    assert net2.accuracy(small_pairs(40), convert=True) == expected
    assert net.evaluate([]) == net2.accuracy([]) == 0


def test_a_network_of_nan_answers_0():
    """Where all outputs are NaN the largest is the first, as for NumPy."""
    net = network.Network([4, 3])
    net.weights = [np.full((3, 4), np.nan)]
    labelled = small_labelled()
    assert net.evaluate(labelled) == sum(label == 0 for _, label in labelled)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (small_pairs(), r"the y of each pair must be a label such as 7; the first is an array of shape \(3, 1\)"),
        ([(np.ones((4, 1)), "7")], "must be a label such as 7; the first is a str"),
        ([np.ones((4, 1))], r"a list of pairs \(x, y\), .*; entry 0 is an array of shape \(4, 1\)"),
    ],
)
def test_evaluation_data_of_another_form_is_refused(net2, data, message):
    """Columns or texts where labels are needed, and entries that are no pairs, are refused."""
    with pytest.raises(DataError, match=message):
        network.Network([4, 3]).evaluate(data)
    with pytest.raises(DataError, match=message):
        net2.accuracy(data)


def test_labels_where_columns_are_needed_are_refused(net2):
    """``accuracy(convert=True)`` takes columns, and ``total_cost`` takes labels with ``convert`` only."""
    with pytest.raises(DataError, match="with convert=True the y of each pair must be a column"):
        net2.accuracy(small_labelled(), convert=True)
    with pytest.raises(DataError, match=r"y must have the shape of the outputs, \(3, 1\); its shape is \(\)"):
        net2.total_cost(small_labelled(), 0.0)


def test_data_that_cannot_be_iterated_is_refused(net2):
    """A number instead of a list is refused by name."""
    with pytest.raises(DataTypeError, match=r"training_data must be a list of pairs \(x, y\); it is an int"):
        net2.SGD(5, 1, 10, 1.0)


@pytest.mark.parametrize(("cost", "name"), [(network2.QuadraticCost, "quadratic"), (network2.CrossEntropyCost, "cross_entropy")])
def test_total_cost_is_the_loops(cost, name):
    """The mean cost with the penalty is that of the loop, at once and pair by pair."""
    seed(2)
    net = network2.Network([4, 5, 3], cost=cost)
    pairs = small_pairs()
    expected = loop_of(net, name).mean_cost(pairs, 3.0)
    assert net.total_cost(pairs, 3.0) == pytest.approx(expected, rel=1e-13)
    assert net.total_cost([(x.astype(np.longdouble), y) for x, y in pairs], 3.0) == pytest.approx(expected, rel=1e-13)
    assert type(net.total_cost(pairs, 3.0)) is float


def test_total_cost_makes_columns_of_labels():
    """With ``convert`` a label k stands for the k-th column of ten."""
    seed(3)
    net = network2.Network([4, 10])
    labelled = small_labelled()
    columns = [(x, network2.vectorized_result(label)) for x, label in labelled]
    assert net.total_cost(labelled, 1.0, convert=True) == net.total_cost(columns, 1.0)


def test_total_cost_of_nothing_is_refused(net2):
    """A mean over no pairs is refused."""
    with pytest.raises(DataError, match="total_cost is a mean over pairs"):
        net2.total_cost([], 0.0)


def test_costs_and_deltas():
    """``fn`` and ``delta`` of both costs have the values of their formulas; right outputs of 0 and 1 cost nothing."""
    z, a, y = np.array([[0.3], [-2.0]]), np.array([[0.6], [0.1]]), np.array([[1.0], [0.0]])
    slope = network2.sigmoid(z) * (1 - network2.sigmoid(z))
    assert network2.QuadraticCost.fn(a, y) == pytest.approx((0.4**2 + 0.1**2) / 2)
    assert np.allclose(network2.QuadraticCost.delta(z, a, y), (a - y) * slope, rtol=1e-15)
    assert network2.CrossEntropyCost.fn(a, y) == pytest.approx(-np.log(0.6) - np.log(0.9))
    assert np.array_equal(network2.CrossEntropyCost.delta(z, a, y), a - y)
    assert network2.CrossEntropyCost.fn(y, y) == 0
    assert network2.CrossEntropyCost.fn(1 - y, y) > 1e300


@pytest.mark.parametrize("cost", [network2.QuadraticCost, network2.CrossEntropyCost])
def test_costs_refuse_other_shapes(cost):
    """A label or a row where a column of targets is needed is refused by ``fn`` and by ``delta``."""
    a = np.full((3, 1), 0.5)
    for y in (1, np.ones(3), np.ones((1, 3))):
        with pytest.raises(DataError, match="y must have the shape of the outputs"):
            cost.fn(a, y)
        with pytest.raises(DataError, match="y must have the shape of the outputs"):
            cost.delta(a, a, y)


def test_one_output_takes_a_number():
    """A network with one output trains on numbers as targets, as the book's code does."""
    seed(4)
    net = network.Network([4, 1])
    seed(4)
    same = network.Network([4, 1])
    xs = [x for x, _ in small_pairs()]
    seed(5)
    net.SGD([(x, 0.5) for x in xs], 1, 10, 1.0)
    seed(5)
    same.SGD([(x, np.array([[0.5]])) for x in xs], 1, 10, 1.0)
    assert largest_difference(net.weights, same.weights) < 1e-15


def test_all_monitors_print_the_books_lines_and_return_their_values(net2, capsys):
    """Each epoch prints its line, training before evaluation, cost before accuracy, then an empty line; the lists are returned."""
    pairs, evaluated = small_pairs(40, n_out=3), [(x, label) for x, label in small_labelled()]
    net = network2.Network([4, 10], cost=network2.QuadraticCost)
    wide = [(x, network2.vectorized_result(label)) for x, label in evaluated]
    curves = net.SGD(wide, 2, 10, 0.5, 0.1, evaluated, True, True, True, True)
    evaluation_cost, evaluation_accuracy, training_cost, training_accuracy = curves
    expected = ""
    for j in range(2):
        expected += (
            f"Epoch {j} training complete\n"
            f"Cost on training data: {training_cost[j]}\nAccuracy on training data: {training_accuracy[j]} / 40\n"
            f"Cost on evaluation data: {evaluation_cost[j]}\nAccuracy on evaluation data: {evaluation_accuracy[j]} / 40\n\n"
        )
    assert capsys.readouterr().out == expected
    loop = loop_of(net, "quadratic")
    assert training_cost[-1] == pytest.approx(loop.mean_cost(wide, 0.1), rel=1e-13)
    assert evaluation_cost[-1] == pytest.approx(training_cost[-1], rel=1e-13)
    assert training_accuracy[-1] == evaluation_accuracy[-1] == loop.right(evaluated)
    assert net2.SGD(pairs, 1, 10, 1.0) == ([], [], [], [])
    assert capsys.readouterr().out == "Epoch 0 training complete\n\n"


@pytest.mark.parametrize(
    "settings", [{"monitor_evaluation_cost": True}, {"monitor_evaluation_accuracy": True}, {"early_stopping_n": 2}]
)
def test_monitors_of_missing_data_are_refused(net2, settings):
    """What needs the evaluation data is refused without it, before the training begins."""
    before = net2.weights
    with pytest.raises(SettingError, match="need evaluation_data, which is not given"):
        net2.SGD(small_pairs(), 1, 10, 1.0, **settings)
    assert net2.weights is before


@pytest.mark.parametrize("monitored", [True, False])
def test_early_stopping_ends_after_n_epochs_without_a_better_one(net2, monitored, capsys):
    """The training ends when so many epochs did not exceed the best accuracy; monitored or not, that is the same epoch."""
    accuracies = iter([3, 5, 5, 4, 6, 6, 2, 6, 9])
    net2.accuracy = lambda data, convert=False: next(accuracies)
    curves = net2.SGD(small_pairs(), 50, 10, 1.0, 0.0, small_labelled(), monitor_evaluation_accuracy=monitored, early_stopping_n=3)
    assert capsys.readouterr().out.count("training complete") == 8
    assert curves[1] == ([3, 5, 5, 4, 6, 6, 2, 6] if monitored else [])


def test_arguments_have_the_books_names_and_order():
    """The parameters of the methods are the book's, those of ``SGD`` in its order."""

    def names(function):
        return list(inspect.signature(function).parameters)

    assert names(network.Network.SGD) == ["self", "training_data", "epochs", "mini_batch_size", "eta", "test_data"]
    assert names(network.Network.update_mini_batch) == ["self", "mini_batch", "eta"]
    assert names(network.Network.cost_derivative) == ["self", "output_activations", "y"]
    assert names(network2.Network.SGD) == [
        *("self", "training_data", "epochs", "mini_batch_size", "eta", "lmbda", "evaluation_data"),
        *("monitor_evaluation_cost", "monitor_evaluation_accuracy", "monitor_training_cost", "monitor_training_accuracy"),
        "early_stopping_n",
    ]
    assert names(network2.Network.update_mini_batch) == ["self", "mini_batch", "eta", "lmbda", "n"]
    assert names(network2.Network) == ["sizes", "cost"]
    assert names(network2.Network.total_cost) == ["self", "data", "lmbda", "convert"]
    assert names(network2.load) == names(network2.Network.save)[1:] == ["filename"]


@pytest.mark.parametrize("module", [network, network2])
@pytest.mark.parametrize("sizes", [[784], [], [4, 0], "784", [4, 2.5], 3])
def test_sizes_that_are_no_network_are_refused(module, sizes):
    """Sizes must be two whole numbers of at least 1, or more."""
    with pytest.raises(SettingError, match="sizes"):
        module.Network(sizes)


def test_the_attributes_are_the_books():
    """``sizes`` is what was passed, and ``num_layers`` counts the inputs as a layer."""
    sizes = [4, 5, 3]
    for module in (network, network2):
        net = module.Network(sizes)
        assert net.sizes is sizes
        assert net.num_layers == 3


def test_vectorized_result_is_a_column_of_ten():
    """It has 1 at the label's row; what is no digit is refused, -1 too."""
    assert np.array_equal(network2.vectorized_result(7), np.eye(10)[:, [7]])
    assert mnist_loader.vectorized_result is network2.vectorized_result
    for label in (-1, 10, 2.5):
        with pytest.raises(DataError, match="of a label 0 to 9; this label is"):
            network2.vectorized_result(label)
