"""Populations: many networks side by side, each as it would be alone."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentTypeError, DataError, EngineError, SettingError
from chainrule.training import DivergenceWarning

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 6))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
SETTINGS = {"epochs": 3, "batch_size": 10, "learning_rate": 0.5}


def population():
    return [cr.Network([6, 3 + k, 3], seed=k) for k in range(5)]


@pytest.mark.parametrize("threads", [1, 2, 3, "auto"])
def test_each_network_is_as_it_would_be_alone(threads):
    """Networks of several widths, seeds and rates get the bits, and the records, that a training alone gives each."""
    rates = [0.1, 0.2, 0.5, 1.0, 2.0]
    together, alone = population(), population()
    histories = cr.train_population(together, (X, Y), threads=threads, **{**SETTINGS, "learning_rate": rates})
    for network, same, rate, history in zip(together, alone, rates, histories, strict=True):
        due = cr.train(same, (X, Y), **{**SETTINGS, "learning_rate": rate})
        assert all(np.array_equal(a, b) for a, b in zip(network.weights + network.biases, same.weights + same.biases, strict=True))
        assert np.array_equal(history["cost"], due["cost"])
        assert history.stopped == "finished"


def test_early_stopping_and_validation_belong_to_each():
    """Each network is validated on the same data, and stops by itself."""
    histories = cr.train_population(
        population(), (X, Y), validation=(X[:40], Y[:40]), early_stopping=[1, 100, 1, 100, 1], **{**SETTINGS, "epochs": 30}
    )
    assert all(history[-1].validation_accuracy is not None for history in histories)
    assert histories[1].stopped == "finished"


@pytest.mark.parametrize(
    ("networks", "settings", "error", "match"),
    [
        ("twice", {}, SettingError, "networks holds the same Network twice"),
        ("none of them", {}, ArgumentTypeError, "networks must be a list of Networks; one entry is 1"),
        ("nothing", {}, ArgumentTypeError, "networks must be a list of Networks; it is None"),
        ("good", {"foo": 1}, ArgumentTypeError, "train_population.*unexpected keyword argument 'foo'"),
        (
            "good",
            {"learning_rate": [0.1, 0.2]},
            SettingError,
            "learning_rate must have an entry for each of the 5 networks; it has 2",
        ),
        ("good", {"learning_rate": [0.1] * 4 + [-1]}, SettingError, "learning_rate must be"),
        ("good", {"threads": 0}, SettingError, "threads must be"),
        ("wide", {}, DataError, "x has 6 columns"),
    ],
)
def test_a_mistake_is_told_before_any_network_is_touched(networks, settings, error, match):
    """What cannot be is refused in one sentence, and no network has moved."""
    good = population()
    members = {
        "twice": [good[0], good[0]],
        "none of them": [1],
        "nothing": None,
        "good": good,
        "wide": [good[0], cr.Network([7, 3], seed=0)],
    }[networks]
    before = [part.copy() for network in good for part in network.weights]
    with pytest.raises(error, match=match):
        cr.train_population(members, (X, Y), **{**SETTINGS, **settings})
    assert all(np.array_equal(a, b) for a, b in zip(before, (part for network in good for part in network.weights), strict=True))


def test_an_error_in_one_network_ends_all_and_is_told():
    """A callback that raises ends the population with its error."""

    def fail(record):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        cr.train_population(population(), (X, Y), callbacks=[fail], **{**SETTINGS, "epochs": 1000})


def test_an_error_in_one_network_stops_the_others_early():
    """Networks whose own callbacks are fine do not go on to the end when another's has raised."""
    fallen, epochs = threading.Event(), []

    def fail_once(record):
        if not fallen.is_set():
            fallen.set()
            raise ZeroDivisionError("mine")
        epochs.append(record.epoch)

    with pytest.raises(ZeroDivisionError, match="mine"):
        cr.train_population(population(), (X, Y), threads=2, callbacks=[fail_once], **{**SETTINGS, "epochs": 2000})
    assert max(epochs, default=0) < 2000


def test_ctrl_c_before_every_network_has_its_turn_interrupts_those_too(monkeypatch):
    """An interrupt while trainings are being handed out leaves no history that doesn't say why it ended."""

    class Interrupted(ThreadPoolExecutor):
        handed_out = 0

        def submit(self, *task):
            self.handed_out += 1
            if self.handed_out == 3:
                signal.raise_signal(signal.SIGINT)
            return super().submit(*task)

    monkeypatch.setattr("chainrule.population.ThreadPoolExecutor", Interrupted)
    histories = cr.train_population(population(), (X, Y), threads=2, **{**SETTINGS, "epochs": 10**6})
    assert [history.stopped for history in histories] == ["interrupted"] * 5


@pytest.mark.parametrize("beside", [None, "polars"])
def test_ctrl_c_ends_a_population_with_what_was_learnt(beside):
    """After an interrupt every history says so, and a network that had begun has moved; also beside Polars, which has a handler."""
    if beside:
        pytest.importorskip(beside)
    networks, before = population(), population()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    histories = cr.train_population(networks, (X, Y), threads=2, **{**SETTINGS, "epochs": 10**6})
    timer.join()
    assert time.monotonic() - began < 60
    assert {history.stopped for history in histories} == {"interrupted"}
    assert not np.array_equal(networks[0].weights[0], before[0].weights[0])


def test_a_divergence_names_the_network_and_the_users_line():
    """A network that diverges leaves the others alone; when all have ended a warning names it, and points at the call."""
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
    """Where warnings are errors, the networks beside one that diverges are trained to the end before the error comes."""
    networks, alone = population(), population()[1]
    cr.train(alone, (X, Y), **SETTINGS)
    networks[0].weights[0][0, 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DivergenceWarning, match=r"networks\[0\]: the training diverged in epoch 1"):
            cr.train_population(networks, (X, Y), threads=1, **SETTINGS)
    assert np.array_equal(networks[1].weights[0], alone.weights[0])


def test_no_networks_are_no_work():
    """An empty population gives no histories."""
    assert cr.train_population([], (X, Y), **SETTINGS) == []


def test_a_bar_is_drawn_where_it_is_asked_for(capsys):
    """With progress=True the epochs are counted on standard output."""
    cr.train_population(population(), (X, Y), progress=True, **SETTINGS)
    assert "15/15" in capsys.readouterr().out


def test_the_bar_is_full_though_some_stop_early(capsys):
    """The epochs that early stopping spares are counted as done, since nobody need wait for them."""
    early = {"validation": (X[:40], Y[:40]), "early_stopping": [1, 100, 1, 100, 1]}
    histories = cr.train_population(population(), (X, Y), progress=True, **early, **{**SETTINGS, "epochs": 30})
    assert sum(map(len, histories)) < 150
    assert "150/150" in capsys.readouterr().out


def test_data_are_prepared_once_before_the_threads_begin():
    """Examples and validation are each prepared once, on the thread that asked for the population."""
    made = []

    class Watched(cr.Examples):
        def prepared(self, key, prepare):
            def seen(examples):
                made.append((id(examples), threading.current_thread()))
                return prepare(examples)

            return super().prepared(key, seen)

    examples, held_out = Watched(X, Y), Watched(X[:40], Y[:40])
    cr.train_population(population(), examples, validation=held_out, threads=2, **SETTINGS)
    assert made == [(id(part), threading.main_thread()) for part in (examples, held_out)]


def test_one_network_trained_from_two_threads_is_refused():
    """While a thread trains a network another cannot; the first goes on, and afterwards it may."""
    network = cr.Network([6, 3], seed=0)
    inside, done, errors = threading.Event(), threading.Event(), []

    def hold(step, total):
        inside.set()
        done.wait(30)
        return 1.0

    def first():
        cr.train(network, (X, Y), schedule=hold, **{**SETTINGS, "epochs": 1})

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(30)
    try:
        cr.train(network, (X, Y), **SETTINGS)
    except EngineError as error:
        errors.append(str(error))
    done.set()
    thread.join()
    assert errors == ["another thread is training this network; train a copy of it, or one after the other"]
    assert cr.train(network, (X, Y), **SETTINGS).stopped == "finished"


def test_callbacks_may_come_from_an_iterator():
    """Functions that come from a generator are called after every epoch, of each network."""
    seen = []
    cr.train(cr.Network([6, 3], seed=0), (X, Y), callbacks=(f for f in [seen.append]), **SETTINGS)
    cr.train_population(population(), (X, Y), callbacks=(f for f in [seen.append]), **SETTINGS)
    assert len(seen) == 3 + 5 * 3


def test_a_training_within_a_training_keeps_others_out():
    """Where a callback trains the same network once more, another thread is refused until the outer epoch has ended."""
    network, errors = cr.Network([6, 3], seed=0), []

    def attempt():
        try:
            cr.train(network, (X, Y), **SETTINGS)
        except EngineError as error:
            errors.append(error)

    def within(record):
        cr.train(network, (X, Y), **{**SETTINGS, "epochs": 1})
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()

    cr.train(network, (X, Y), callbacks=[within], **{**SETTINGS, "epochs": 1})
    assert len(errors) == 1


DAEMONS = """
import threading, time
import numpy as np
import chainrule as cr
x = np.random.default_rng(0).normal(size=(20000, 200)).astype("f4")
examples = cr.Examples(x, (x[:, 0] > 0).astype(int))
for seed in range(2):
    net = cr.Network([200, 256, 256, 3], seed=seed)
    settings = {"epochs": 1000, "batch_size": 64, "learning_rate": 0.1, "threads": 2}
    threading.Thread(target=cr.train, args=(net, examples), kwargs=settings, daemon=True).start()
time.sleep(0.4)
"""


def test_a_process_may_end_while_daemon_threads_train():
    """An interpreter that ends does so quietly, whatever its daemon threads compute."""
    ended = subprocess.run([sys.executable, "-c", DAEMONS], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
