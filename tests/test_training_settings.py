"""The settings of a training end to end: optimizers, penalties, dropout, schedules, engines, threads, the user's own functions."""

from dataclasses import replace
from functools import partial
from math import cos, log2, pi

import numpy as np
import pytest
from training_cases import ABSOLUTE, SETTINGS, SOFTPLUS, VALIDATION, X, Y, make_network, parameter_bytes, train_network

import chainrule as cr
from chainrule.engines import ENGINES
from chainrule.epoch_blocks import epoch_order
from chainrule.errors import SettingError
from chainrule.plan import Steps


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"])
def test_every_optimizer_learns(engine, optimizer):
    """Each optimizer halves the cost of a small classification, at least."""
    rate = {"sgd": 1.0, "momentum": 0.1, "nesterov": 0.1}.get(optimizer, 0.02)
    net = make_network(cost="log_loss", activation="tanh")
    history = cr.train(net, (X, Y), epochs=40, batch_size=8, learning_rate=rate, optimizer=optimizer, engine=engine.name)
    assert history["cost"][-1] < 0.5 * history["cost"][0]
    assert net.accuracy(X, Y) > 0.8


def test_an_optimizers_name_stands_for_its_default_settings():
    """An optimizer by name and the same with its settings written out give the same bits; other settings give other bits."""
    sgd, momentum, nesterov = (train_network(optimizer=name)[0] for name in ("sgd", "momentum", "nesterov"))
    assert momentum == train_network(optimizer=cr.optimizers.SGD(momentum=0.9))[0]
    assert nesterov == train_network(optimizer=cr.optimizers.SGD(momentum=0.9, nesterov=True))[0]
    assert len({sgd, momentum, nesterov}) == 3


@pytest.mark.parametrize("settings", [{"l1": 0.01}, {"l2": 0.05}, {"dropout": 0.4}, {"clip": 0.01}], ids=str)
def test_every_setting_reaches_the_engine(engine, settings):
    """A training with a penalty, dropout or clipping has the bits of a session whose plan and steps hold that setting."""
    net = make_network()
    hidden, output = net.plan.layers
    layers = (replace(hidden, dropout=settings.get("dropout", 0.0)), output)
    penalties = {name: value for name, value in settings.items() if name != "dropout"}
    plan = replace(net.plan, layers=layers, batch_size=8, seed=5, **penalties)
    steps = Steps(np.full(8, SETTINGS["learning_rate"]), np.full(8, settings.get("l2", 0.0)))
    session = engine.open(plan, net.state(), threads=1)
    for epoch in (1, 2, 3):
        session.advance(engine.prepare(cr.Examples(X, Y)), epoch_order(60, 5, epoch), steps)
    actual = train_network(engine=engine.name, **settings)[0]
    assert actual == parameter_bytes(session.state())
    assert actual != train_network(engine=engine.name)[0]


@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize(("cost", "uniform"), [("log_loss", 1 / 3), ("cross_entropy", 1 / 2)])
def test_label_smoothing_trains_towards_smoothed_targets(engine, cost, uniform, weighted):
    """Labels smoothed by the plan train like dense targets smoothed by hand: same parameters, same costs."""
    weights = np.linspace(0, 2, 60) if weighted else None
    by_hand = 0.8 * np.eye(3)[Y] + 0.2 * uniform
    labels, dense = (make_network(cost=cost, dtype="float64") for _ in range(2))
    settings = {**SETTINGS, "engine": engine.name}
    history = cr.train(labels, cr.Examples(X, Y, weights=weights), label_smoothing=0.2, **settings)
    expected = cr.train(dense, cr.Examples(X, by_hand, weights=weights), **settings)
    np.testing.assert_allclose(history["cost"], expected["cost"], rtol=1e-12)
    for actual, wanted in zip([*labels.weights, *labels.biases], [*dense.weights, *dense.biases], strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-9, atol=1e-12)
    assert history["accuracy"][-1] > 0  # the classes are still known


def test_label_smoothing_leaves_the_validation_as_it_is(engine):
    """Under label smoothing the validation's cost is that of its true labels, and an epoch's cost that of the smoothed ones."""
    net = make_network(cost="log_loss")
    settings = {"epochs": 1, "batch_size": 60, "learning_rate": 1e-6, "engine": engine.name}
    (record,) = cr.train(net, (X, Y), validation=(X, Y), label_smoothing=0.2, **settings).records
    a = net.feedforward(X).astype(np.float64)
    assert record.validation_cost == pytest.approx(-np.log(a[np.arange(60), Y]).mean(), rel=1e-4)
    smoothed = 0.8 * np.eye(3)[Y] + 0.2 / 3
    assert record.cost == pytest.approx(-(smoothed * np.log(a)).sum(axis=1).mean(), rel=1e-4)
    assert abs(record.cost - record.validation_cost) > 1e-3


def test_label_smoothing_is_in_the_provenance():
    """The plan of the training, which the network keeps, tells the label smoothing."""
    net = make_network(cost="log_loss")
    cr.train(net, (X, Y), label_smoothing=0.1, **SETTINGS)
    assert net.provenance.plan["label_smoothing"] == 0.1


def test_penalties_shrink_the_weights():
    """L1 and L2 penalties give smaller weights, and do not change the biases directly."""
    total = {}
    for name, settings in {"none": {}, "l1": {"l1": 0.02}, "l2": {"l2": 0.05}}.items():
        net = make_network()
        cr.train(net, (X, Y), epochs=30, batch_size=8, learning_rate=0.5, **settings)
        total[name] = np.abs(net.weights[0]).sum()
    assert total["l1"] < 0.9 * total["none"]
    assert total["l2"] < 0.9 * total["none"]
    without_gradient = cr.Network([1, 1], cost="mean_squared_error", seed=0)
    without_gradient.biases[0][...] = 1
    cr.train(without_gradient, ([[0.0]], [1.0]), epochs=10, batch_size=1, learning_rate=0.1, l2=1.0)
    assert without_gradient.biases[0] == 1


def test_the_books_lmbda_is_l2_times_n():
    """One step with l2 = lmbda/n is the book's: the weights times 1 - eta lmbda/n, less the gradient."""
    net = make_network(dtype="float64")
    before = [w.copy() for w in net.weights]
    _, nabla_w = net.backprop(X, Y)
    eta, lmbda, n = 0.5, 5.0, 60
    cr.train(net, (X, Y), epochs=1, batch_size=n, learning_rate=eta, l2=lmbda / n)
    for after, w, nabla in zip(net.weights, before, nabla_w, strict=True):
        np.testing.assert_allclose(after, (1 - eta * lmbda / n) * w - eta / n * nabla, rtol=1e-12, atol=1e-14)


def test_dropout_concerns_hidden_units_alone():
    """Without hidden layers dropout changes nothing."""
    nets = [cr.Network([4, 3], seed=0), cr.Network([4, 3], seed=0)]
    train_network(nets[0], dropout=0.9)
    train_network(nets[1])
    assert parameter_bytes(nets[0]) == parameter_bytes(nets[1])


def test_the_validation_is_evaluated_without_dropout():
    """The validation cost of a training with dropout is that of the whole network."""
    net = make_network()
    for record in cr.Run(net, (X, Y), validation=VALIDATION, dropout=0.5, **SETTINGS):
        assert record.validation_cost == net.cost(*VALIDATION)


def test_a_schedule_decides_the_rates():
    """A schedule is asked for the factor of every step, in order, and the record holds the last rate of its epoch."""
    steps_asked = []

    def halving(step, total):
        steps_asked.extend(step.tolist())
        assert total == 24
        return 0.5 ** (step // 8)

    parameters, history = train_network(schedule=halving)
    assert steps_asked == list(range(24))
    assert history["learning_rate"].tolist() == [0.5, 0.25, 0.125]
    assert history.stopped == "finished"
    net = make_network()
    run = cr.Run(net, (X, Y), **SETTINGS)
    session = run.engine.open(run.plan, net.state(), threads="auto")
    for epoch, rate in zip((1, 2, 3), (0.5, 0.25, 0.125), strict=True):
        session.advance(run.engine.prepare(run.examples), epoch_order(60, 5, epoch), Steps(np.full(8, rate), np.zeros(8)))
    assert parameter_bytes(session.state()) == parameters


LAST_STEPS = (7, 15, 23)  # of each of three epochs of 8 steps


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        ("constant", [1, 1, 1]),
        ("inverse_scaling", [(1 + step) ** -0.5 for step in LAST_STEPS]),
        ("step", [1, 0.1, 0.01]),
        ("cosine", [(1 + cos(pi * step / 24)) / 2 for step in LAST_STEPS]),
        ("coslog4", [(1 - cos(2 * pi * log2(1 + 15 * (step + 0.5) / 24))) / 2 for step in LAST_STEPS]),
        ("warm_up", [1, 1, 1]),
        (None, [1, 1, 1]),
        (partial(cr.schedules.step, every=4, factor=0.5), [1 / 2, 1 / 8, 1 / 32]),
    ],
    ids=str,
)
def test_every_schedule_sets_the_rate(schedule, factors):
    """Each schedule, by name or with settings, gives the rates of its formula: the records hold those of the epochs' last steps."""
    _, history = train_network(schedule=schedule)
    assert history.stopped == "finished"
    np.testing.assert_allclose(history["learning_rate"], 0.5 * np.array(factors), rtol=1e-12)


def test_a_schedule_may_give_one_number():
    """A schedule that gives one number for all steps is as good as one that repeats it."""
    assert train_network(schedule=lambda step, total: 0.5)[0] == train_network(learning_rate=0.25)[0]


def test_a_record_holds_the_rate_of_its_last_step():
    """Where the rate falls within an epoch, the record holds that of the epoch's last step."""
    _, history = train_network(schedule=lambda step, total: 1 / (1 + step))
    assert history["learning_rate"].tolist() == [0.5 / 8, 0.5 / 16, 0.5 / 24]


def test_an_error_in_a_schedule_keeps_the_last_epoch():
    """A schedule that fails in epoch 2 raises, and the network keeps epoch 1."""

    def fail(step, total):
        return 1.0 if step[0] < 8 else np.nan

    net = make_network()
    with pytest.raises(SettingError, match="a schedule's factors must be finite"):
        train_network(net, schedule=fail)
    assert parameter_bytes(net) == train_network(epochs=1)[0]


@pytest.mark.parametrize(
    "settings", [{"activation": SOFTPLUS}, {"cost": ABSOLUTE}, {"output": SOFTPLUS, "cost": "quadratic"}], ids=lambda s: "-".join(s)
)
def test_the_users_own_functions_train(settings):
    """A network with the user's own activation or cost trains on the reference engine, and its repr names the function."""
    net = cr.Network([4, 8, 1], **{"cost": "mean_squared_error", **settings}, seed=0)
    history = cr.train(net, (X, np.abs(X[:, 0])), epochs=30, batch_size=8, learning_rate=0.01)
    assert history["cost"][-1] < history["cost"][0]
    assert history.engine == "reference"
    own = next(value for value in settings.values() if not isinstance(value, str))
    assert own.name in repr(net)


def test_the_users_own_sigmoid_is_not_taken_for_the_librarys():
    """One output has classes under the library's sigmoid alone, not under the user's own activation of that name."""
    own_sigmoid = cr.Activation("sigmoid", lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a))
    yes_or_no = (X[:, 0] > 0).astype(int)
    assert cr.Network([4, 1], seed=0).evaluate(X, yes_or_no).accuracy is not None
    assert cr.Network([4, 1], output=own_sigmoid, seed=0).evaluate(X, yes_or_no).accuracy is None


@pytest.mark.parametrize("threads", [1, 2, "auto"])
def test_threads_reach_the_engine_and_change_no_bit(engine, threads, monkeypatch):
    """``threads`` is passed to the engine, and the number of threads changes no bit."""
    expected, opened_with = train_network(engine=engine.name, threads=1)[0], []
    open_session = type(engine).open

    def record_threads(self, plan, state, *, threads):
        opened_with.append(threads)
        return open_session(self, plan, state, threads=threads)

    monkeypatch.setattr(type(engine), "open", record_threads)
    assert train_network(engine=engine.name, threads=threads)[0] == expected
    assert opened_with == [threads]


def test_an_engine_is_chosen_by_name(engine):
    """``engine=`` takes each engine's name, which the history records; ``auto`` takes the first that supports the training."""
    assert train_network(engine=engine.name)[1].engine == engine.name
    assert train_network(engine="auto")[1].engine == next(iter(ENGINES))


@pytest.mark.parametrize("settings", [{"threads": 10**20}, {"batch_size": 10**20}, {"epochs": 10**30}], ids=str)
def test_huge_counts_are_refused(settings):
    """Counts beyond any use are refused, and the next training works."""
    with pytest.raises(SettingError, match="must be at most"):
        train_network(**settings)
    assert train_network(threads=2)[1].stopped == "finished"


def test_one_softmax_output_is_refused():
    """Softmax over one output is always 1: it is refused where the network is made, with both remedies."""
    for settings in ({"cost": "log_loss"}, {"output": "softmax"}, {"output": cr.activations.ACTIVATIONS["softmax"]}):
        with pytest.raises(SettingError, match="two classes take two outputs, or one output with cost='cross_entropy'"):
            cr.Network([4, 1], **settings)
