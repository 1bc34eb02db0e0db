"""Run and train: epochs, their records, the validation, and the live network."""

import inspect
import pydoc
from dataclasses import replace

import numpy as np
import pytest
from training_cases import ABSOLUTE, SETTINGS, SOFTPLUS, VALIDATION, X, Y, make_network, parameter_bytes, train_network

import chainrule as cr
from chainrule.calculus.descent import number_of_steps
from chainrule.examples import Examples
from chainrule.plan import Steps
from chainrule.training import EarlyStopping


def test_train_is_a_run_to_its_end(engine):
    """``train`` and iterating over a ``Run`` give the same bits and the same records, apart from the times."""
    by_train, history = train_network(validation=VALIDATION, optimizer="adam", dropout=0.2, engine=engine.name)
    net = make_network()
    run = cr.Run(net, (X, Y), validation=VALIDATION, optimizer="adam", dropout=0.2, engine=engine.name, **SETTINGS)
    records = list(run)
    assert parameter_bytes(net) == by_train
    for actual, expected in zip(records, history.records, strict=True):
        times = {"seconds": 0, "examples_per_second": 0}
        assert actual._replace(**times) == expected._replace(**times)
    assert records == run.history.records
    assert run.history.stopped == history.stopped == "finished"


def test_a_run_ends_once():
    """A Run that has ended gives no more records, and trains no further."""
    net = make_network()
    run = cr.Run(net, (X, Y), **SETTINGS)
    assert len(list(run)) == 3
    trained = parameter_bytes(net)
    assert list(run) == []
    assert parameter_bytes(net) == trained


def test_a_run_trains_from_its_first_next():
    """Making a Run trains nothing; the first ``next`` trains the network as it is then."""
    net, same = make_network(), make_network()
    start = parameter_bytes(net)
    run = cr.Run(net, (X, Y), **SETTINGS)
    assert parameter_bytes(net) == start
    assert run.done == 0
    net.weights[0][...] = same.weights[0][...] = 0.25
    next(run)
    assert parameter_bytes(net) == train_network(same, epochs=1)[0]


def test_after_each_epoch_the_network_is_up_to_date():
    """At each record the network has the parameters of a training of that many epochs."""
    net = make_network()
    for record in cr.Run(net, (X, Y), **SETTINGS):
        assert parameter_bytes(net) == train_network(epochs=record.epoch)[0]
        assert net.provenance.epochs == record.epoch


def test_a_break_keeps_the_last_epoch():
    """Breaking out of a Run leaves the network with the parameters of the last record's epoch."""
    net = make_network()
    run = cr.Run(net, (X, Y), **{**SETTINGS, "epochs": 100})
    for record in run:
        if record.epoch == 2:
            break
    assert parameter_bytes(net) == train_network(epochs=2)[0]
    assert (run.done, run.steps) == (16, 800)
    assert len(run.history) == 2


def test_a_run_continues_after_a_break():
    """Iterating over a Run again after a break continues with the next epoch, with the bits of a run without a break."""
    net = make_network()
    run = cr.Run(net, (X, Y), **SETTINGS)
    for _ in run:
        break
    assert [record.epoch for record in run] == [2, 3]
    assert parameter_bytes(net) == train_network()[0]
    assert run.history.stopped == "finished"


def test_the_arrays_of_the_network_stay_the_same_objects():
    """Training writes into the network's own arrays."""
    net = make_network()
    weights, start = net.weights[0], net.weights[0].copy()
    train_network(net)
    assert net.weights[0] is weights
    assert (weights != start).any()


def test_steps_are_counted_as_in_the_notes():
    """A Run knows how many steps it will do (N11), and counts them."""
    run = cr.Run(make_network(), (X, Y), **SETTINGS)
    assert run.steps == number_of_steps(60, 8, 3) == 24
    for record in run:
        assert run.done == 8 * record.epoch


def test_train_has_the_signature_of_run():
    """``train`` has the parameters of ``Run``, and ``help(train)`` shows them."""
    assert inspect.signature(cr.train).parameters == inspect.signature(cr.Run).parameters
    help_text = pydoc.render_doc(cr.train, renderer=pydoc.plaintext)
    for name in inspect.signature(cr.Run).parameters:
        assert name in help_text


def test_a_record_holds_costs_before_each_step():
    """With a rate of almost 0, an epoch's cost and accuracy are those of the untrained network."""
    net = make_network(dtype="float64")
    cost, accuracy = net.cost(X, Y), net.accuracy(X, Y)
    (record,) = cr.Run(net, (X, Y), epochs=1, batch_size=7, learning_rate=1e-300)
    assert record.cost == pytest.approx(cost, rel=1e-12)
    assert record.accuracy == pytest.approx(accuracy, rel=1e-12)


def test_the_validation_is_evaluated_after_each_epoch():
    """Each record's validation cost and accuracy are those of the network after that epoch."""
    net = make_network()
    for record in cr.Run(net, (X, Y), validation=VALIDATION, **SETTINGS):
        assert record.validation_cost == net.cost(*VALIDATION)
        assert record.validation_accuracy == net.accuracy(*VALIDATION)


def test_the_validation_changes_nothing():
    """A training with and without a validation gives the same bits."""
    assert train_network(validation=VALIDATION)[0] == train_network()[0]


def test_there_is_no_accuracy_where_y_holds_values():
    """Where y holds values, a record has costs and no accuracy."""
    net = cr.Network([4, 5, 1], activation="tanh", cost="mean_squared_error", seed=0)
    history = cr.train(net, (X, X[:, 0]), validation=(X, X[:, 0]), **SETTINGS)
    assert [(r.accuracy, r.validation_accuracy) for r in history] == [(None, None)] * 3
    assert history["cost"][-1] < history["cost"][0]
    assert np.isnan(history["accuracy"]).all()


def test_a_record_holds_its_time_and_speed():
    """A record's examples per second are the number of examples divided by its seconds."""
    for record in train_network()[1]:
        assert record.seconds > 0
        assert record.examples_per_second == pytest.approx(60 / record.seconds)


def test_zero_epochs_train_nothing():
    """A training of 0 epochs leaves the parameters as they are, and is finished."""
    net = make_network()
    start = parameter_bytes(net)
    history = cr.train(net, (X, Y), **{**SETTINGS, "epochs": 0})
    assert (history.stopped, len(history)) == ("finished", 0)
    assert parameter_bytes(net) == start
    assert history["cost"].shape == (0,)
    assert net.provenance.epochs == net.provenance.steps == 0


def test_two_runs_may_alternate():
    """Two Runs that train an epoch each in turn give the bits that each gives alone."""
    nets = [cr.Network([4, 6, 3], seed=seed) for seed in (1, 2)]
    examples = Examples(X, Y)
    for _ in zip(*(cr.Run(net, examples, **SETTINGS) for net in nets), strict=True):
        pass
    assert [parameter_bytes(net) for net in nets] == [train_network(cr.Network([4, 6, 3], seed=seed))[0] for seed in (1, 2)]


def test_reprs_describe_a_training():
    """The reprs of network, run and history follow a training from its start to its end."""
    net = make_network()
    run = cr.Run(net, (X, Y), validation=VALIDATION, engine="reference", **SETTINGS)
    assert repr(run) == "Run([4, 6, 3] on Examples(60 x 4 float64, labels 0..2), 3 epochs, reference engine: 0 of 24 steps done)"
    assert (
        repr(net)
        == "Network([4, 6, 3], sigmoid > sigmoid, quadratic cost, normal initializer, seed 5, float32: 51 parameters, untrained)"
    )
    next(run)
    assert "8 of 24 steps done" in repr(run)
    assert "running" in repr(run.history)
    list(run)
    assert repr(run).endswith("finished)")
    assert "trained for 3 epochs" in repr(net)
    assert repr(run.history).startswith("History(3 epochs, finished, cost 0.")
    assert "validation accuracy" in repr(run.history)


def test_reprs_are_one_line_without_addresses():
    """The repr of each public object is one line, and shows no memory address."""
    run = cr.Run(make_network(), (X, Y), **SETTINGS)
    for thing in (run, run.network, run.history, run.examples, run.plan, cr.Neuron([1.0], 0.5)):
        assert "\n" not in repr(thing)
        assert " at 0x" not in repr(thing)
    assert repr(EarlyStopping(3)) == "EarlyStopping(patience=3, min_delta=0.0, monitor=None, last=False)"
    assert repr(SOFTPLUS) == "Activation('softplus')"
    assert repr(ABSOLUTE) == "Cost('absolute')"
    assert "momentum=0.5" in repr(cr.optimizers.SGD(momentum=0.5))


def test_train_names_itself_in_its_errors():
    """A call of ``train`` without a required setting, or with an unknown one, raises an error that names ``train``."""
    with pytest.raises(TypeError, match=r"train\(\): missing a required argument: 'epochs'"):
        cr.train(make_network(), (X, Y))
    with pytest.raises(TypeError, match=r"train\(\): got an unexpected keyword argument 'lr'"):
        cr.train(make_network(), (X, Y), epochs=1, batch_size=1, learning_rate=1, lr=3)


def test_arrays_changed_between_epochs_are_trained_on(engine):
    """An epoch starts from weights that the user wrote to, or replaced, after the epoch before; the momentum goes on."""
    settings = {**SETTINGS, "epochs": 2, "optimizer": "momentum", "shuffle": False, "engine": engine.name}
    net, same = make_network(dtype="float64"), make_network(dtype="float64")
    run = cr.Run(net, (X, Y), **settings)
    next(run)
    net.weights[0][...] = 0.25
    net.biases[1] = np.full(3, 0.5)
    next(run)

    session = engine.open(run.plan, same.state(), threads=1)
    data, steps = engine.prepare(run.examples), Steps(np.full(8, SETTINGS["learning_rate"]), np.zeros(8))
    session.advance(data, np.arange(60), steps)
    first = session.state()
    changed = replace(first, weights=(np.full((6, 4), 0.25), first.weights[1]), biases=(first.biases[0], np.full(3, 0.5)))
    session = engine.open(run.plan, changed, threads=1)
    session.advance(data, np.arange(60), steps)
    for actual, expected in zip(net.weights, session.state().weights, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12)
