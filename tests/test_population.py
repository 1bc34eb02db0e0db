"""Populations: many networks trained at a time, each with the bits it would get alone."""

import os
import signal
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chainrule as cr
from chainrule.epoch_blocks import epoch_order
from chainrule.errors import ArgumentTypeError, DataError, SettingError
from chainrule.training import DivergenceWarning

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 6))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
SETTINGS = {"epochs": 3, "batch_size": 10, "learning_rate": 0.5}


def make_networks():
    """Make five networks of different widths and seeds."""
    return [cr.Network([6, 3 + k, 3], seed=k) for k in range(5)]


@pytest.mark.parametrize("threads", [1, 2, 3, "auto"])
def test_each_network_gets_the_bits_of_its_own_training(threads):
    """Networks of several widths, seeds and rates get the bits and the records of trainings of their own."""
    rates = [0.1, 0.2, 0.5, 1.0, 2.0]
    together, alone = make_networks(), make_networks()
    histories = cr.train_population(together, (X, Y), threads=threads, **{**SETTINGS, "learning_rate": rates})
    for network, same, rate, history in zip(together, alone, rates, histories, strict=True):
        expected = cr.train(same, (X, Y), **{**SETTINGS, "learning_rate": rate})
        assert all(np.array_equal(a, b) for a, b in zip(network.weights + network.biases, same.weights + same.biases, strict=True))
        assert np.array_equal(history["cost"], expected["cost"])
        assert history.stopped == "finished"


def test_early_stopping_and_validation_belong_to_each():
    """Each network is validated on the same data, and stops by its own patience."""
    histories = cr.train_population(
        make_networks(), (X, Y), validation=(X[:40], Y[:40]), early_stopping=[1, 100, 1, 100, 1], **{**SETTINGS, "epochs": 30}
    )
    assert all(history[-1].validation_accuracy is not None for history in histories)
    assert histories[1].stopped == "finished"


FOLDS = [(np.delete(np.arange(120), part), part) for part in np.array_split(np.random.default_rng(1).permutation(120), 5)]


@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
def test_folds_are_rows_of_one_prepared_data(weighted):
    """Each network trains on its own rows of the shared examples and is validated on its own others, as on copies of these rows."""
    weights = np.random.default_rng(2).uniform(0, 2, 120) if weighted else None
    examples = cr.Examples(X, Y, weights=weights)
    together, alone = make_networks(), make_networks()
    rows, held_out = ([fold[k] for fold in FOLDS] for k in range(2))
    settings = {**SETTINGS, "early_stopping": 2}
    histories = cr.train_population(together, examples, rows=rows, validation_rows=held_out, threads=2, **settings)
    for network, same, history, (some, others) in zip(together, alone, histories, FOLDS, strict=True):
        expected = cr.train(same, examples[some], validation=examples[others], **settings)
        for actual, wanted in zip(network.weights + network.biases, same.weights + same.biases, strict=True):
            np.testing.assert_allclose(actual, wanted, rtol=1e-4, atol=1e-5)
        for column in ("cost", "accuracy", "validation_cost", "validation_accuracy"):
            np.testing.assert_allclose(history[column], expected[column], rtol=1e-4)
        assert network.provenance.examples == same.provenance.examples == len(some)
        assert network.provenance.steps == same.provenance.steps


def test_a_fold_alone_has_the_bits_of_its_population():
    """A network of a population with folds has the bits of ``cr.train`` with the same rows."""
    together, alone = make_networks(), make_networks()
    cr.train_population(together, (X, Y), rows=[fold[0] for fold in FOLDS], threads=2, **SETTINGS)
    for network, same, (some, _) in zip(together, alone, FOLDS, strict=True):
        cr.train(same, (X, Y), rows=some, **SETTINGS)
        assert all(np.array_equal(a, b) for a, b in zip(network.weights + network.biases, same.weights + same.biases, strict=True))


def test_the_order_of_a_folds_rows_is_drawn_from_seed_and_epoch(monkeypatch):
    """An epoch over some rows takes these rows in the order that (seed, epoch) draws for their number; unshuffled in their own."""
    seen = []
    engine = cr.Run(make_networks()[0], (X, Y), **SETTINGS).engine
    session_class = type(engine.open(make_networks()[0].plan, make_networks()[0].state(), threads=1))
    advance = session_class.advance

    def recorded(self, data, order, steps):
        seen.append(order.tolist())
        return advance(self, data, order, steps)

    monkeypatch.setattr(session_class, "advance", recorded)
    rows = np.array([7, 3, 3, 100, 50])
    cr.train(make_networks()[0], (X, Y), rows=rows, seed=9, **{**SETTINGS, "epochs": 2})
    cr.train(make_networks()[0], (X, Y), rows=rows, shuffle=False, **{**SETTINGS, "epochs": 1})
    assert seen == [rows[epoch_order(5, 9, 1)].tolist(), rows[epoch_order(5, 9, 2)].tolist(), rows.tolist()]


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"rows": [120]}, DataError, r"rows must lie in 0\.\.119; they reach from 120 to 120"),
        ({"rows": np.zeros(0, int)}, DataError, "these rows choose none of the 120 examples"),
        ({"rows": slice(0, 100), "validation_rows": slice(99, 120)}, SettingError, "row 99 is in both"),
        ({"validation_rows": slice(100, 120)}, SettingError, "row 100 is in both: give the training's by rows="),
        (
            {"rows": slice(0, 100), "validation_rows": slice(100, 120), "validation": (X, Y)},
            SettingError,
            "validation and validation_rows both choose",
        ),
        ({"rows": 3.5}, SettingError, "rows are chosen by"),
        ({"rows": slice(0, 100), "early_stopping": 3}, SettingError, "early_stopping watches the validation examples"),
    ],
)
def test_rows_that_are_no_fold_are_refused(settings, error, match):
    """Rows outside the data, none, or shared by training and validation, are refused with the remedy."""
    with pytest.raises(error, match=match):
        cr.Run(make_networks()[0], (X, Y), **SETTINGS, **settings)


@pytest.mark.parametrize(
    ("networks", "settings", "error", "match"),
    [
        ("twice", {}, SettingError, "networks holds the same Network twice"),
        ("not a network", {}, ArgumentTypeError, "networks must be a list of Networks; one entry is 1"),
        ("none", {}, ArgumentTypeError, "networks must be a list of Networks; it is None"),
        ("valid", {"foo": 1}, ArgumentTypeError, "train_population.*unexpected keyword argument 'foo'"),
        (
            "valid",
            {"learning_rate": [0.1, 0.2]},
            SettingError,
            "learning_rate must have an entry for each of the 5 networks; it has 2",
        ),
        ("valid", {"learning_rate": [0.1] * 4 + [-1]}, SettingError, "learning_rate must be"),
        ("valid", {"threads": 0}, SettingError, "threads must be"),
        ("too wide", {}, DataError, "x has 6 columns"),
    ],
)
def test_a_mistake_is_refused_before_any_network_is_changed(networks, settings, error, match):
    """A wrong argument is refused with a message, and no network has changed."""
    valid = make_networks()
    given = {
        "twice": [valid[0], valid[0]],
        "not a network": [1],
        "none": None,
        "valid": valid,
        "too wide": [valid[0], cr.Network([7, 3], seed=0)],
    }[networks]
    start = [part.copy() for network in valid for part in network.weights]
    with pytest.raises(error, match=match):
        cr.train_population(given, (X, Y), **{**SETTINGS, **settings})
    assert all(np.array_equal(a, b) for a, b in zip(start, (part for network in valid for part in network.weights), strict=True))


def test_an_error_in_one_network_is_raised():
    """An error in a callback ends the population and reaches the caller."""

    def fail(record):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        cr.train_population(make_networks(), (X, Y), callbacks=[fail], **{**SETTINGS, "epochs": 1000})


def test_an_error_in_one_network_stops_the_others_early():
    """When one network's callback raises, the others stop before their last epoch."""
    failed, epochs = threading.Event(), []

    def fail_once(record):
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError("mine")
        epochs.append(record.epoch)

    with pytest.raises(ZeroDivisionError, match="mine"):
        cr.train_population(make_networks(), (X, Y), threads=2, callbacks=[fail_once], **{**SETTINGS, "epochs": 2000})
    assert max(epochs, default=0) < 2000


def test_ctrl_c_before_all_networks_are_submitted_interrupts_all(monkeypatch):
    """Ctrl-C while trainings are submitted to the pool gives every history the reason it ended, submitted or not."""

    class Interrupted(ThreadPoolExecutor):
        submitted = 0

        def submit(self, *task):
            self.submitted += 1
            if self.submitted == 3:
                signal.raise_signal(signal.SIGINT)
            return super().submit(*task)

    monkeypatch.setattr("chainrule.population.ThreadPoolExecutor", Interrupted)
    histories = cr.train_population(make_networks(), (X, Y), threads=2, **{**SETTINGS, "epochs": 10**6})
    assert [history.stopped for history in histories] == ["interrupted"] * 5


@pytest.mark.parametrize("library", [None, "polars"])
def test_ctrl_c_ends_a_population(library):
    """After Ctrl-C every history says so, and the first network keeps its epochs; also beside Polars, which handles SIGINT."""
    if library:
        pytest.importorskip(library)
    networks, untrained = make_networks(), make_networks()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    histories = cr.train_population(networks, (X, Y), threads=2, **{**SETTINGS, "epochs": 10**6})
    timer.join()
    assert {history.stopped for history in histories} == {"interrupted"}
    assert not np.array_equal(networks[0].weights[0], untrained[0].weights[0])


def test_a_divergence_names_the_network_and_the_users_line():
    """A network that diverges does not stop the others; after all have ended a warning names it and points at the call."""
    rates = [0.5, 1e-6, 1e30, 0.5, 1e30]
    networks = [cr.Network([6, 4, 1], cost="mean_squared_error", activation="relu", seed=k) for k in range(5)]
    with pytest.warns(DivergenceWarning) as caught:
        histories = cr.train_population(networks, (X, X[:, 0]), threads=2, **{**SETTINGS, "learning_rate": rates})
    diverged = [k for k, history in enumerate(histories) if history.stopped == "diverged"]
    assert {2, 4} <= set(diverged)
    assert histories[1].stopped == "finished"
    assert [str(warning.message) for warning in caught] == [f"networks[{k}]: {histories[k].message}" for k in diverged]
    assert {warning.filename for warning in caught} == {__file__}


def test_a_divergence_that_is_an_error_comes_after_all_have_ended():
    """Where warnings are errors, all networks are trained to their ends before the divergence of one is raised."""
    networks, alone = make_networks(), make_networks()[1]
    cr.train(alone, (X, Y), **SETTINGS)
    networks[0].weights[0][0, 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DivergenceWarning, match=r"networks\[0\]: the training diverged in epoch 1"):
            cr.train_population(networks, (X, Y), threads=1, **SETTINGS)
    assert np.array_equal(networks[1].weights[0], alone.weights[0])


def test_an_empty_population_is_allowed():
    """An empty population gives no histories."""
    assert cr.train_population([], (X, Y), **SETTINGS) == []


def test_progress_shows_a_bar(capsys):
    """With ``progress=True`` a bar on standard output counts the epochs of all networks."""
    cr.train_population(make_networks(), (X, Y), progress=True, **SETTINGS)
    assert "15/15" in capsys.readouterr().out


def test_the_bar_is_full_though_some_stop_early(capsys):
    """The bar counts the epochs that early stopping leaves out as done."""
    early = {"validation": (X[:40], Y[:40]), "early_stopping": [1, 100, 1, 100, 1]}
    histories = cr.train_population(make_networks(), (X, Y), progress=True, **early, **{**SETTINGS, "epochs": 30})
    assert sum(map(len, histories)) < 150
    assert "150/150" in capsys.readouterr().out


def test_data_are_prepared_once_before_the_threads_begin():
    """Examples and validation are each prepared once, on the thread that called ``train_population``."""
    prepared = []

    class RecordedExamples(cr.Examples):
        def prepared(self, key, prepare):
            def record(examples):
                prepared.append((id(examples), threading.current_thread()))
                return prepare(examples)

            return super().prepared(key, record)

    examples, validation = RecordedExamples(X, Y), RecordedExamples(X[:40], Y[:40])
    cr.train_population(make_networks(), examples, validation=validation, threads=2, **SETTINGS)
    assert prepared == [(id(part), threading.main_thread()) for part in (examples, validation)]


def test_callbacks_may_come_from_an_iterator():
    """Callbacks given as a generator are called after every epoch of every network."""
    records = []
    cr.train_population(make_networks(), (X, Y), callbacks=(callback for callback in [records.append]), **SETTINGS)
    assert len(records) == 5 * 3
