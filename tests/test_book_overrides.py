"""``chainrule.book`` honours each part that a reader replaces: by a subclass, on a network, in a class, in a module."""

import random

import numpy as np
import pytest
from book_data import largest_difference, seed, small_labelled, small_pairs

from chainrule.book import engine_epochs, network, network2

PAIRS, BATCHES, EPOCHS = 25, 3, 2  # small_pairs() in mini-batches of 10


def trained(net):
    """Train a network of sizes [4, 5, 3] on the small pairs."""
    random.seed(1)
    net.SGD(small_pairs(), EPOCHS, 10, 1.0)
    return [*net.weights, *net.biases]


def counted(calls, original):
    """A function that calls the original and notes each call."""

    def replacement(*arguments):
        calls.append(arguments)
        return original(*arguments)

    return replacement


def replaced(how, module, name, calls, monkeypatch):
    """Make a network of which one method is replaced in one of three ways by a function that counts its calls."""
    original = getattr(module.Network, name)
    seed(2)
    if how == "a subclass":
        return type("Mine", (module.Network,), {name: counted(calls, original)})([4, 5, 3])
    if how == "the class":
        monkeypatch.setattr(module.Network, name, counted(calls, original))
        return module.Network([4, 5, 3])
    net = module.Network([4, 5, 3])
    setattr(net, name, counted(calls, getattr(net, name)))
    return net


METHODS = [
    (network, "update_mini_batch", BATCHES * EPOCHS),
    (network, "backprop", PAIRS * EPOCHS),
    (network, "cost_derivative", PAIRS * EPOCHS),
    (network2, "update_mini_batch", BATCHES * EPOCHS),
    (network2, "backprop", PAIRS * EPOCHS),
]


@pytest.mark.parametrize("how", ["a subclass", "the class", "one network"])
@pytest.mark.parametrize(("module", "name", "times"), METHODS)
def test_a_replaced_method_is_called_for_each_step_or_pair(how, module, name, times, monkeypatch):
    """However a method of the training is replaced it is called as often as the loop does, and the result is the engine's."""
    seed(2)
    expected = trained(module.Network([4, 5, 3]))
    calls = []
    assert largest_difference(trained(replaced(how, module, name, calls, monkeypatch)), expected) < 1e-12
    assert len(calls) == times


def test_a_method_of_another_network_is_called():
    """The backprop of another network, assigned to this one, gives that one's gradients."""
    seed(13)
    net, other = network.Network([4, 3]), network.Network([4, 3])
    net.backprop = other.backprop
    gradients = [other.backprop(x, y)[1][0] for x, y in small_pairs()]
    expected = net.weights[0] - 1.0 / PAIRS * sum(gradients)
    net.SGD(small_pairs(), 1, PAIRS, 1.0)
    assert np.abs(net.weights[0] - expected).max() < 1e-12


def test_a_plain_training_does_not_loop(monkeypatch):
    """Where nothing is replaced, SGD never takes a step by the loop: the engine trains."""
    for module in (network, network2):
        monkeypatch.setattr(module, "summed_gradients", None)
        trained(module.Network([4, 5, 3]))


@pytest.mark.parametrize("module", [network, network2])
def test_a_replaced_sigmoid_is_called(module, monkeypatch):
    """Another function under the module's name ``sigmoid`` changes outputs, training and evaluation."""
    seed(3)
    expected = trained(module.Network([4, 5, 3]))
    monkeypatch.setattr(module, "sigmoid", lambda z: 0.5 + 0.5 * np.tanh(z))
    seed(3)
    net = module.Network([4, 5, 3])
    assert largest_difference(trained(net), expected) > 1e-3
    x = small_pairs()[0][0]
    hidden = 0.5 + 0.5 * np.tanh(net.weights[0] @ x + net.biases[0])
    assert np.allclose(net.feedforward(x), 0.5 + 0.5 * np.tanh(net.weights[1] @ hidden + net.biases[1]), rtol=1e-15)


@pytest.mark.parametrize("module", [network, network2])
def test_a_replaced_sigmoid_prime_is_called(module, monkeypatch):
    """Another function under the module's name ``sigmoid_prime`` changes the training."""
    calls = []
    monkeypatch.setattr(module, "sigmoid_prime", counted(calls, module.sigmoid_prime))
    trained(module.Network([4, 5, 3]))
    assert len(calls) == PAIRS * EPOCHS * (2 if module is network else 1)  # cross-entropy's delta has none at the output


def test_an_overridden_cost_derivative_changes_the_training():
    """Twice the derivative at half the rate gives the same weights."""

    class Doubled(network.Network):
        def cost_derivative(self, output_activations, y):
            return 2 * super().cost_derivative(output_activations, y)

    seed(4)
    plain = network.Network([4, 5, 3])
    plain.SGD(small_pairs(), 2, 10, 3.0)
    seed(4)
    doubled = Doubled([4, 5, 3])
    doubled.SGD(small_pairs(), 2, 10, 1.5)
    assert largest_difference([*plain.weights, *plain.biases], [*doubled.weights, *doubled.biases]) < 1e-12


class TwiceCrossEntropy:
    """A cost of a reader's own."""

    @staticmethod
    def fn(a, y):
        """Twice the book's cost."""
        return 2 * network2.CrossEntropyCost.fn(a, y)

    @staticmethod
    def delta(z, a, y):
        """Twice the book's delta."""
        return 2 * network2.CrossEntropyCost.delta(z, a, y)


class Inherited(network2.CrossEntropyCost):
    """A cost that inherits ``fn``, and overrides ``delta``."""

    @staticmethod
    def delta(z, a, y):
        """Twice the book's delta."""
        return 2 * (a - y)


@pytest.mark.parametrize("cost", [TwiceCrossEntropy, Inherited, TwiceCrossEntropy()])
def test_a_cost_of_ones_own_is_used(cost):
    """Its ``delta`` trains, and its ``fn`` measures; a class, a subclass of the book's, and an instance are taken."""
    seed(5)
    plain = network2.Network([4, 5, 3])
    plain.SGD(small_pairs(), 2, 10, 1.0)
    seed(5)
    own = network2.Network([4, 5, 3], cost=cost)
    own.SGD(small_pairs(), 2, 10, 0.5)
    assert largest_difference(plain.weights, own.weights) < 1e-12
    factor = 1 if cost is Inherited else 2
    assert own.total_cost(small_pairs(), 0.0) == pytest.approx(factor * plain.total_cost(small_pairs(), 0.0), rel=1e-12)


@pytest.mark.parametrize("cost", [network2.QuadraticCost, network2.CrossEntropyCost])
def test_a_replaced_part_of_the_books_costs_is_used(cost, monkeypatch):
    """Another ``delta`` or ``fn`` that is assigned to the book's own class is called."""
    calls = []
    monkeypatch.setattr(cost, "delta", staticmethod(counted(calls, cost.delta)))
    net = network2.Network([4, 5, 3], cost=cost)
    trained(net)
    assert len(calls) == PAIRS * EPOCHS
    monkeypatch.setattr(cost, "fn", staticmethod(lambda a, y: 7.0))
    assert net.total_cost(small_pairs(), 0.0) == pytest.approx(7.0)


def test_a_cost_assigned_after_the_network_was_made_is_used():
    """``net.cost`` is live."""
    seed(6)
    net = network2.Network([4, 5, 3])
    net.cost = network2.QuadraticCost
    seed(6)
    same = network2.Network([4, 5, 3], cost=network2.QuadraticCost)
    assert largest_difference(trained(net), trained(same)) == 0


@pytest.mark.parametrize(
    ("module", "name", "settings"),
    [
        (network, "evaluate", {"test_data": small_labelled()}),
        (network, "feedforward", {"test_data": small_labelled()}),
        (network2, "accuracy", {"evaluation_data": small_labelled(), "monitor_evaluation_accuracy": True}),
        (network2, "feedforward", {"evaluation_data": small_labelled(), "monitor_evaluation_accuracy": True}),
        (network2, "total_cost", {"monitor_training_cost": True}),
        (network2, "feedforward", {"monitor_training_cost": True}),
    ],
)
@pytest.mark.parametrize("how", ["a subclass", "the class", "one network"])
def test_a_replaced_measure_is_called(how, module, name, settings, monkeypatch):
    """Methods that measure a network are called where they are replaced: once an epoch, or for each pair."""
    calls = []
    net = replaced(how, module, name, calls, monkeypatch)
    net.SGD(small_pairs(), EPOCHS, 10, 1.0, **settings)
    data = settings.get("test_data") or settings.get("evaluation_data") or small_pairs()
    assert len(calls) == EPOCHS * (len(data) if name == "feedforward" else 1)


@pytest.mark.parametrize(("module", "name"), [(network, "evaluate"), (network2, "accuracy")])
def test_a_replaced_measure_sees_the_readers_own_list(module, name):
    """A replaced method is given the very list that was passed."""
    seen = []
    net = module.Network([4, 3])
    setattr(net, name, lambda data, convert=False: seen.append(data) or 0)
    data = small_labelled()
    if module is network:
        net.SGD(small_pairs(), 1, 10, 1.0, test_data=data)
    else:
        net.SGD(small_pairs(), 1, 10, 1.0, evaluation_data=data, monitor_evaluation_accuracy=True)
    assert seen[0] is data


def test_parameters_assigned_between_epochs_are_trained_on():
    """What a replaced ``evaluate`` assigns to the network is what the next epoch begins with."""
    seen = []

    class Zeroed(network.Network):
        def evaluate(self, test_data):
            seen.append([w.copy() for w in self.weights])
            self.weights = [np.zeros_like(w) for w in self.weights]
            self.biases = [np.zeros_like(b) for b in self.biases]
            return 0

    seed(7)
    pairs = small_pairs()
    Zeroed([4, 3]).SGD(pairs, 2, 10, 1.0, test_data=small_labelled())
    again = network.Network([4, 3])
    again.weights, again.biases = [np.zeros((3, 4))], [np.zeros((3, 1))]
    for k in range(0, PAIRS, 10):  # the list has the order of the second epoch
        again.update_mini_batch(pairs[k : k + 10], 1.0)
    assert largest_difference(seen[1], again.weights) < 1e-12


def test_pairs_exchanged_between_epochs_are_trained_on():
    """Pairs that a replaced ``evaluate`` puts into the list are trained on; the engine's copy of the old ones is not used."""

    def exchange(pairs):
        def evaluate(test_data):
            pairs[:] = [(-x, y) for x, y in pairs]
            return 0

        return evaluate

    results = []
    for looped in (False, True):
        seed(8)
        pairs, net = small_pairs(), network.Network([4, 3])
        net.evaluate = exchange(pairs)
        if looped:
            net.update_mini_batch = counted([], net.update_mini_batch)
        net.SGD(pairs, 3, 10, 1.0, test_data=small_labelled())
        results.append(net.weights)
    assert largest_difference(*results) < 1e-12


def test_a_replaced_shuffle_orders_the_pairs(monkeypatch):
    """``random.shuffle`` without an effect, as it is replaced to see a training in the list's order, gives that order."""
    monkeypatch.setattr(random, "shuffle", lambda pairs: None)
    seed(9)
    net = network.Network([4, 3])
    by_hand = network.Network([4, 3])
    by_hand.weights, by_hand.biases = list(net.weights), list(net.biases)
    pairs = small_pairs()
    net.SGD(pairs, 1, 10, 1.0)
    for k in range(0, PAIRS, 10):
        by_hand.update_mini_batch(pairs[k : k + 10], 1.0)
    assert largest_difference(net.weights, by_hand.weights) < 1e-12


@pytest.mark.parametrize("how", ["a subclass", "the class"])
def test_a_replaced_initializer_is_called(how, monkeypatch):
    """``network2.Network`` begins with the parameters of a replaced ``default_weight_initializer``."""

    def ones(self):
        self.biases, self.weights = [np.ones((3, 1))], [np.ones((3, 4))]

    if how == "a subclass":
        net = type("Ones", (network2.Network,), {"default_weight_initializer": ones})([4, 3])
    else:
        monkeypatch.setattr(network2.Network, "default_weight_initializer", ones)
        net = network2.Network([4, 3])
    assert (net.weights[0] == 1).all()


def test_a_replaced_vectorized_result_makes_the_targets(monkeypatch):
    """``total_cost`` makes targets of labels by the module's ``vectorized_result``."""
    net = network2.Network([4, 5, 3], cost=network2.QuadraticCost)
    monkeypatch.setattr(network2, "vectorized_result", lambda j: np.full((3, 1), float(j)))
    by_hand = np.mean([((net.feedforward(x) - label) ** 2).sum() / 2 for x, label in small_labelled()])
    assert net.total_cost(small_labelled(), 0.0, convert=True) == pytest.approx(by_hand, rel=1e-12)


def with_properties(module, steps):
    """A network whose assignment of weights and biases is a property of the class, which notes each assignment of weights."""

    def set_weights(self, value):
        steps.append(value)
        vars(self)["w"] = value

    properties = {
        "weights": property(lambda self: vars(self)["w"], set_weights),
        "biases": property(lambda self: vars(self)["b"], lambda self, value: vars(self).update(b=value)),
    }
    return type("Mine", (module.Network,), properties)


def with_setattr(module, steps):
    """A network with ``__setattr__``, which notes each assignment of weights."""

    def assign(self, name, value):
        if name == "weights":
            steps.append(value)
        object.__setattr__(self, name, value)

    return type("Mine", (module.Network,), {"__setattr__": assign})


def with_getattribute(module, steps):
    """A network with ``__getattribute__``, which notes each time that its update is looked up."""

    def look_up(self, name):
        if name == "update_mini_batch":
            steps.append(name)
        return object.__getattribute__(self, name)

    return type("Mine", (module.Network,), {"__getattribute__": look_up})


def with_getattr(module, steps):
    """A network that keeps its weights under another name, and gives them by ``__getattr__``."""

    def assign(self, name, value):
        steps.append(value)
        vars(self)[{"weights": "hidden"}.get(name, name)] = value

    def look_up(self, name):
        if name != "weights":
            raise AttributeError(name)
        return vars(self)["hidden"]

    return type("Mine", (module.Network,), {"__setattr__": assign, "__getattr__": look_up})


@pytest.mark.parametrize("module", [network, network2])
@pytest.mark.parametrize("make", [with_properties, with_setattr, with_getattribute, with_getattr])
def test_a_class_that_replaces_the_access_to_attributes_is_looped(make, module, monkeypatch):
    """Where a class has its own way to read or assign weights, each step reads and assigns them, and the result is the engine's."""
    seed(12)
    expected = trained(module.Network([4, 5, 3]))
    steps, calls = [], []
    seed(12)
    net = make(module, steps)([4, 5, 3])
    steps.clear()
    monkeypatch.setattr(module, "summed_gradients", counted(calls, module.summed_gradients))
    assert largest_difference(trained(net), expected) < 1e-12
    assert len(calls) == BATCHES * EPOCHS
    assert len(steps) >= BATCHES * EPOCHS


def test_a_property_assigned_to_the_books_class_is_looped(monkeypatch):
    """Weights that are rounded where they are assigned are rounded at each step."""
    net = network.Network([4, 5, 3])
    rounded = property(lambda self: vars(self)["w"], lambda self, value: vars(self).update(w=[w.round(1) for w in value]))
    first = net.weights
    monkeypatch.setattr(network.Network, "weights", rounded, raising=False)
    net.weights = first
    by_hand = [w.round(1) for w in first], list(net.biases)
    monkeypatch.setattr(random, "shuffle", lambda pairs: None)
    net.SGD(small_pairs(), 1, 10, 1.0)
    monkeypatch.undo()
    plain = network.Network([4, 5, 3])
    plain.weights, plain.biases = by_hand
    for k in range(0, PAIRS, 10):
        plain.update_mini_batch(small_pairs()[k : k + 10], 1.0)
        plain.weights = [w.round(1) for w in plain.weights]
    assert largest_difference(vars(net)["w"], plain.weights) < 1e-12


class Negated(list):
    """A list of the reader's own, whose slices give the negative of each x."""

    def __getitem__(self, key):
        """Negate a slice; ``random.shuffle`` reads single entries as they are."""
        return [(-x, y) for x, y in super().__getitem__(key)] if isinstance(key, slice) else super().__getitem__(key)


@pytest.mark.parametrize("module", [network, network2])
def test_a_list_of_another_class_is_looped(module):
    """A list subclass is read by its own methods, at each step."""
    results = []
    for pairs in (Negated(small_pairs()), [(-x, y) for x, y in small_pairs()]):
        seed(14)
        net = module.Network([4, 5, 3])
        net.SGD(pairs, EPOCHS, 10, 1.0)
        results.append([*net.weights, *net.biases])
    assert largest_difference(*results) < 1e-12


class Counted(list):
    """A list that counts how often it is iterated."""

    times = 0

    def __iter__(self):
        """Count, and iterate."""
        self.times += 1
        return super().__iter__()


def test_evaluation_data_of_another_class_is_read_each_epoch():
    """A list subclass of test data is iterated at each evaluation; training data of one never as a whole."""
    tested, pairs = Counted(small_labelled()), Counted(small_pairs())
    network.Network([4, 3]).SGD(pairs, 3, 10, 1.0, test_data=tested)
    assert (tested.times, pairs.times) == (3, 0)
    tested.times = 0
    network2.Network([4, 3]).SGD(small_pairs(), 3, 10, 1.0, evaluation_data=tested, monitor_evaluation_accuracy=True)
    assert tested.times == 3


class Mirrored(tuple):
    """A pair of the reader's own, which gives the negative of x."""

    def __iter__(self):
        """Negate while the pair is taken apart."""
        return iter((-self[0], self[1]))


def test_pairs_of_another_class_are_taken_apart_at_each_step(monkeypatch):
    """A tuple subclass is looped over: its own ``__iter__`` may give other numbers each time."""
    calls = []
    monkeypatch.setattr(network, "summed_gradients", counted(calls, network.summed_gradients))
    network.Network([4, 3]).SGD([Mirrored(pair) for pair in small_pairs()], EPOCHS, 10, 1.0)
    assert len(calls) == BATCHES * EPOCHS


@pytest.mark.parametrize("looped", [False, True])
def test_numbers_changed_in_place_between_epochs_count_for_the_loop_only(looped):
    """The engine keeps the numbers that it read before its first epoch; the loop reads them at each step."""
    results = []
    for changes in (False, True):
        seed(15)
        pairs, net = small_pairs(), network.Network([4, 3])

        def evaluate(test_data, pairs=pairs, changes=changes):
            for x, _ in pairs:
                x *= 2.0 if changes else 1.0
            return 0

        net.evaluate = evaluate
        if looped:
            net.update_mini_batch = counted([], net.update_mini_batch)
        net.SGD(pairs, 2, 10, 1.0, test_data=small_labelled())
        results.append(net.weights)
    assert (largest_difference(*results) > 1e-3) == looped


class Tagged(np.ndarray):
    """Arrays of a class of the reader's own."""


@pytest.mark.parametrize(
    "weights",
    [
        [np.ones((5, 4), np.float32), np.ones((3, 5), np.float32)],
        [np.ones((5, 4)), np.ones((3, 5), np.longdouble)],
        [np.ones((5, 4)).view(Tagged), np.ones((3, 5))],
        (np.ones((5, 4)), np.ones((3, 5))),
        [np.asfortranarray(np.ones((5, 4))), np.ones((10, 3)).T[:, ::2]],
    ],
    ids=["float32", "long double", "a subclass of arrays", "tuple", "other strides"],
)
def test_weights_of_other_forms_are_trained(weights):
    """Assigned weights of other dtypes, classes and memory layouts train as by the loop, and become what NumPy makes of them."""
    results = []
    for looped in (False, True):
        seed(10)
        net = network.Network([4, 5, 3])
        net.weights = weights
        if looped:
            net.update_mini_batch = counted([], net.update_mini_batch)
        net.SGD(small_pairs(), 1, 10, 1.0, test_data=small_labelled())
        results.append(net.weights)
    forms = [[(type(w), w.dtype) for w in arrays] for arrays in results]
    assert forms[0] == forms[1]
    assert largest_difference(*([np.asarray(w) for w in arrays] for arrays in results)) < 1e-12


def test_weights_that_do_not_fit_are_an_error():
    """Assigned weights of another number of inputs are refused, and not read as part of a network."""
    net = network.Network([4, 5, 3])
    net.weights = [np.ones((5, 4)), np.ones((3, 6))]
    with pytest.raises(ValueError, match="matmul"):
        net.SGD(small_pairs(), 1, 10, 1.0)


def test_the_engines_epoch_is_the_loops_epoch():
    """``EngineEpochs.train`` gives the weights that ``update_mini_batch`` gives over the list's mini-batches."""
    seed(11)
    fast, slow = network.Network([4, 5, 3]), network.Network([4, 5, 3])
    slow.weights, slow.biases = list(fast.weights), list(fast.biases)
    pairs = small_pairs()
    assert engine_epochs.EngineEpochs(pairs, 10).train(fast, "quadratic", 1.0, 0.0)
    for k in range(0, PAIRS, 10):
        slow.update_mini_batch(pairs[k : k + 10], 1.0)
    assert largest_difference([*fast.weights, *fast.biases], [*slow.weights, *slow.biases]) < 1e-13


def test_backprop_is_the_calculus():
    """The gradient of one example, by columns, is that of ``calculus.backprop`` by a row."""
    from chainrule.calculus.activations import ACTIVATIONS
    from chainrule.calculus.backprop import backprop
    from chainrule.calculus.costs import COSTS

    seed(12)
    net = network.Network([4, 6, 5, 3])
    x, y = small_pairs()[0]
    nabla_b, nabla_w = net.backprop(x, y)
    sigmas = [ACTIVATIONS["sigmoid"]] * 3
    _, gradient = backprop(net.weights, [b[:, 0] for b in net.biases], sigmas, COSTS["quadratic"], x.T, y.T)
    assert largest_difference([b[:, 0] for b in nabla_b], gradient.nabla_b) < 1e-15
    assert largest_difference(nabla_w, gradient.nabla_w) < 1e-15
    assert [b.shape for b in nabla_b] == [b.shape for b in net.biases]
