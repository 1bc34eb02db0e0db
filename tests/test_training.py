"""Training: epochs and their records, validation, early stopping, callbacks, interrupts, divergence, and what repeats."""

import inspect
import itertools
import json
import pydoc
import signal
import subprocess
import sys
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.calculus.descent import number_of_steps
from chainrule.engines import ENGINES
from chainrule.epoch_blocks import block_length, epoch_order
from chainrule.errors import SettingError
from chainrule.examples import Examples
from chainrule.plan import Provenance, Steps
from chainrule.training import (
    BeginsAnewWarning,
    DivergenceWarning,
    EarlyStopping,
    UnreachableTargetsWarning,
)

RNG = np.random.default_rng(7)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
HELD_OUT = X[:25] + 0.1, Y[:25]
PLAIN = {"epochs": 3, "batch_size": 8, "learning_rate": 0.5}


def fresh(**settings):
    """An untrained network for X and Y."""
    return cr.Network([4, 6, 3], seed=5, **settings)


def bits(network):
    """The parameters, byte by byte."""
    return b"".join(part.tobytes() for part in [*network.weights, *network.biases])


def trained(network=None, pair=(X, Y), **settings):
    """Train a network; give its bits and its history."""
    network = network or fresh()
    history = cr.train(network, pair, **{**PLAIN, **settings})
    return bits(network), history


# Run and train


def test_train_drains_a_run(engine):
    """``train`` and iterating over a ``Run`` give the same bits and the same records, the clock apart."""
    by_train, history = trained(validation=HELD_OUT, optimizer="adam", dropout=0.2, engine=engine.name)
    net = fresh()
    run = cr.Run(net, (X, Y), validation=HELD_OUT, optimizer="adam", dropout=0.2, engine=engine.name, **PLAIN)
    records = list(run)
    assert bits(net) == by_train
    untimed = [(r.epoch, r.cost, r.accuracy, r.validation_cost, r.validation_accuracy, r.learning_rate) for r in records]
    assert untimed == [
        (r.epoch, r.cost, r.accuracy, r.validation_cost, r.validation_accuracy, r.learning_rate) for r in history.records
    ]
    assert records == run.history.records
    assert run.history.stopped == history.stopped == "finished"


def test_a_run_ends_once():
    """A Run that was drained gives nothing more, and trains nothing more."""
    net = fresh()
    run = cr.Run(net, (X, Y), **PLAIN)
    assert len(list(run)) == 3
    after = bits(net)
    assert list(run) == []
    assert bits(net) == after


def test_a_run_waits_until_it_is_asked():
    """Making a Run trains nothing: it starts, from the network as it is then, with the first record."""
    net = fresh()
    before = bits(net)
    run = cr.Run(net, (X, Y), **PLAIN)
    assert bits(net) == before
    assert run.done == 0
    other = fresh()
    net.weights[0][...] = other.weights[0][...] = 0.25
    next(run)
    assert bits(net) == trained(other, epochs=1)[0]


def test_after_each_epoch_the_network_is_up_to_date():
    """At each record the network holds that epoch's parameters: those of a training of so many epochs."""
    net = fresh()
    for record in cr.Run(net, (X, Y), **PLAIN):
        assert bits(net) == trained(epochs=record.epoch)[0]
        assert net.provenance.epochs == record.epoch


def test_who_breaks_keeps_what_was_learnt():
    """Breaking out of a Run leaves the network with the last epoch that was seen."""
    net = fresh()
    run = cr.Run(net, (X, Y), **{**PLAIN, "epochs": 100})
    for record in run:
        if record.epoch == 2:
            break
    assert bits(net) == trained(epochs=2)[0]
    assert (run.done, run.steps) == (16, 800)
    assert len(run.history) == 2


def test_a_run_can_be_gone_on_with_after_a_break():
    """Iterating over a Run again after a break goes on with the next epoch, as if there had been none."""
    net = fresh()
    run = cr.Run(net, (X, Y), **PLAIN)
    for _ in run:
        break
    assert [record.epoch for record in run] == [2, 3]
    assert bits(net) == trained()[0]
    assert run.history.stopped == "finished"


def test_the_arrays_of_the_network_stay_the_same_objects():
    """Training writes into the network's own arrays: who holds one sees it learn."""
    net = fresh()
    held, start = net.weights[0], net.weights[0].copy()
    trained(net)
    assert net.weights[0] is held
    assert (held != start).any()


def test_steps_are_counted_as_in_the_notes():
    """A Run knows how many steps it will do (N11), and counts them."""
    run = cr.Run(fresh(), (X, Y), **PLAIN)
    assert run.steps == number_of_steps(60, 8, 3) == 24
    for record in run:
        assert run.done == 8 * record.epoch


def test_train_has_the_signature_of_run():
    """``train`` shows the settings of ``Run`` wherever a signature is shown."""
    assert inspect.signature(cr.train).parameters == inspect.signature(cr.Run).parameters
    shown = pydoc.render_doc(cr.train, renderer=pydoc.plaintext)
    for name in inspect.signature(cr.Run).parameters:
        assert name in shown


# Records and validation


def test_a_record_tells_of_the_network_before_each_step():
    """With a rate of nearly nothing, an epoch's cost and accuracy are those of the network itself."""
    net = fresh(dtype="float64")
    cost, accuracy = net.cost(X, Y), net.accuracy(X, Y)
    (record,) = cr.Run(net, (X, Y), epochs=1, batch_size=7, learning_rate=1e-300)
    assert record.cost == pytest.approx(cost, rel=1e-12)
    assert record.accuracy == pytest.approx(accuracy, rel=1e-12)


def test_records_weigh_the_examples():
    """Cost and accuracy of weighted examples are those of the same examples, repeated as often as they weigh."""
    weights = RNG.integers(0, 3, 60)
    repeated = np.repeat(np.arange(60), weights)
    (weighted,) = cr.Run(fresh(dtype="float64"), Examples(X, Y, weights=weights), epochs=1, batch_size=60, learning_rate=1e-300)
    (plain,) = cr.Run(fresh(dtype="float64"), (X[repeated], Y[repeated]), epochs=1, batch_size=200, learning_rate=1e-300)
    assert weighted.cost == pytest.approx(plain.cost, rel=1e-12)
    assert weighted.accuracy == pytest.approx(plain.accuracy, rel=1e-12)


def test_weighted_examples_teach_as_often_as_they_weigh():
    """A step over a whole weighted batch is the step over the same examples, repeated as often as they weigh."""
    weights = RNG.integers(0, 3, 60)
    repeated = np.repeat(np.arange(60), weights)
    nets = [fresh(dtype="float64"), fresh(dtype="float64")]
    cr.train(nets[0], Examples(X, Y, weights=weights), epochs=4, batch_size=60, learning_rate=0.5)
    cr.train(nets[1], (X[repeated], Y[repeated]), epochs=4, batch_size=200, learning_rate=0.5)
    for one, other in zip(nets[0].weights, nets[1].weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_the_validation_is_evaluated_after_each_epoch():
    """Each record's validation cost and accuracy are those of the network as it stands at that record."""
    net = fresh()
    for record in cr.Run(net, (X, Y), validation=HELD_OUT, **PLAIN):
        assert record.validation_cost == net.cost(*HELD_OUT)
        assert record.validation_accuracy == net.accuracy(*HELD_OUT)


def test_the_validation_changes_nothing():
    """Watching the validation leaves the bits of the training as they are."""
    assert trained(validation=HELD_OUT)[0] == trained()[0]


def test_there_is_no_accuracy_where_y_holds_values():
    """With targets that are values, a record has costs and no accuracy."""
    net = cr.Network([4, 5, 1], activation="tanh", cost="mean_squared_error", seed=0)
    history = cr.train(net, (X, X[:, 0]), validation=(X, X[:, 0]), **PLAIN)
    assert [(r.accuracy, r.validation_accuracy) for r in history] == [(None, None)] * 3
    assert history["cost"][-1] < history["cost"][0]
    assert np.isnan(history["accuracy"]).all()


def test_times_are_told():
    """A record tells the seconds it took and the examples a second, which belong together."""
    for record in trained()[1]:
        assert record.seconds > 0
        assert record.examples_per_second == pytest.approx(60 / record.seconds)


# Callbacks


def test_callbacks_see_every_record_and_change_nothing():
    """Every callback is called with each record, in order; what it returns, True apart, is ignored."""
    seen, also = [], []
    weights, history = trained(callbacks=[seen.append, lambda record: also.append(record.epoch) or "stop"])
    assert seen == history.records
    assert also == [1, 2, 3]
    assert history.stopped == "finished"
    assert weights == trained()[0]


@pytest.mark.parametrize("yes", [True, np.True_], ids=["bool", "numpy's bool"])
def test_a_callback_that_returns_true_stops(yes):
    """A callback's True, Python's or NumPy's, ends the training after that epoch, once every callback was called."""
    seen = []
    weights, history = trained(callbacks=[lambda record: yes if record.epoch == 2 else None, seen.append])
    assert (history.stopped, len(history)) == ("early", 2)
    assert "callback" in history.message
    assert [record.epoch for record in seen] == [1, 2]
    assert weights == trained(epochs=2)[0]


def test_a_callback_sees_the_network_up_to_date():
    """When a callback is called, the network holds the epoch's parameters already."""
    net, due = fresh(), [trained(epochs=k)[0] for k in (1, 2, 3)]
    seen = []
    trained(net, callbacks=[lambda record: seen.append(bits(net))])
    assert seen == due


def test_an_error_in_a_callback_passes_through():
    """An error in a callback reaches the caller, and the network keeps the epoch that was done."""

    def fail(record):
        if record.epoch == 2:
            raise RuntimeError("the callback's own")

    net = fresh()
    with pytest.raises(RuntimeError, match="the callback's own"):
        trained(net, callbacks=[fail])
    assert bits(net) == trained(epochs=2)[0]


# Early stopping


def best_epoch(history, monitor, sign, min_delta=0.0):
    """The epoch that a patient observer would call the best."""
    best, where = -np.inf, None
    for record in history:
        score = sign * getattr(record, monitor)
        if score > best + min_delta:
            best, where = score, record.epoch
    return where


HARD = {"epochs": 60, "batch_size": 5, "learning_rate": 6.0}


@pytest.mark.parametrize("monitor", ["validation_accuracy", "validation_cost", None])
@pytest.mark.parametrize("min_delta", [0.0, 0.02])
def test_early_stopping_restores_the_best_epoch_whole(monitor, min_delta):
    """The training ends when there was no new best for so many epochs, with the parameters of the best epoch, bit for bit."""
    net = fresh()
    stopping = EarlyStopping(patience=4, min_delta=min_delta, monitor=monitor)
    history = cr.train(net, (X, Y), validation=HELD_OUT, early_stopping=stopping, **HARD)
    watched, sign = monitor or "validation_accuracy", -1 if monitor == "validation_cost" else 1
    assert history.stopped == "early"
    assert history.best_epoch == best_epoch(history, watched, sign, min_delta)
    assert len(history) == history.best_epoch + 4
    again = fresh()
    for record in cr.Run(again, (X, Y), **HARD):
        if record.epoch == history.best_epoch:
            break
    assert bits(net) == bits(again)
    assert net.cost(*HELD_OUT) == history["validation_cost"][history.best_epoch - 1]
    assert "4 epochs" in history.message


def test_early_stopping_takes_a_number():
    """``early_stopping=4`` is a patience of 4 epochs."""
    first = trained(validation=HELD_OUT, early_stopping=4, **HARD)
    second = trained(validation=HELD_OUT, early_stopping=EarlyStopping(4), **HARD)
    assert first[0] == second[0]
    assert len(first[1]) == len(second[1])


def test_early_stopping_watches_the_cost_where_y_holds_values():
    """Without classes, what early stopping watches is the validation's cost."""
    net = cr.Network([4, 8, 1], activation="tanh", cost="mean_squared_error", seed=1)
    y = X[:, 0] * X[:, 1]
    history = cr.train(
        net, (X, y), validation=(X[::-1] + 1, y[::-1]), early_stopping=3, epochs=100, batch_size=4, learning_rate=0.1
    )
    assert history.best_epoch == best_epoch(history, "validation_cost", -1)
    assert net.cost(X[::-1] + 1, y[::-1]) == history["validation_cost"].min()


def test_the_best_epoch_is_restored_however_a_training_ends():
    """When the epochs run out, a callback stops or the training diverges, early stopping still leaves the best epoch."""
    for settings in ({"epochs": 7}, {"epochs": 60, "callbacks": [lambda record: record.epoch == 7]}):
        net = fresh()
        history = cr.train(net, (X, Y), validation=HELD_OUT, early_stopping=50, **{**HARD, **settings})
        assert len(history) == 7
        assert history.best_epoch == best_epoch(history, "validation_accuracy", 1)
        assert net.accuracy(*HELD_OUT) == history["validation_accuracy"].max()


def test_the_best_epoch_is_restored_after_an_interrupt():
    """Ctrl-C in a training with early stopping leaves the best epoch, in an epoch as well as between two."""

    def interrupt(record):
        if record.epoch == 7:
            raise KeyboardInterrupt

    net = fresh()
    history = cr.train(net, (X, Y), validation=HELD_OUT, early_stopping=50, callbacks=[interrupt], **HARD)
    assert history.stopped == "interrupted"
    assert history.best_epoch == best_epoch(history, "validation_accuracy", 1)
    assert net.accuracy(*HELD_OUT) == history["validation_accuracy"].max()


def test_early_stopping_needs_a_validation():
    """Early stopping without validation examples is refused before anything is trained."""
    net = fresh()
    before = bits(net)
    with pytest.raises(SettingError, match=r"early_stopping watches the validation examples; pass validation=\(x, y\)"):
        cr.train(net, (X, Y), early_stopping=3, **PLAIN)
    assert bits(net) == before


# Ctrl-C

INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
import chainrule as cr

sizes, batch_size, n = [int(s) for s in sys.argv[1].split(",")], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
net = cr.Network(sizes, seed=0)
start = [w.copy() for w in net.weights]
x, y = rng.integers(0, 256, (n, sizes[0])).astype(np.uint8), rng.integers(0, sizes[-1], n)
under_way = threading.Event()

def schedule(step, total):
    if step[0] > 0:
        under_way.set()
    return 1.0

def interrupt():
    under_way.wait()
    time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
history = cr.train(net, (x, y), epochs=100_000, batch_size=batch_size, learning_rate=0.1, schedule=schedule)
finite = all(np.isfinite(part).all() for part in [*net.weights, *net.biases])
moved = all((w != v).any() for w, v in zip(start, net.weights))
print(history.stopped, finite, moved, net.provenance.stopped, net.provenance.steps > 0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize(
    ("sizes", "batch_size", "n"), [("784,30,10", 10, 50_000), ("784,256,256,10", 128, 20_000), ("4,3,2", 1, 50)]
)
def test_ctrl_c_returns_what_was_learnt(sizes, batch_size, n):
    """A real SIGINT in a long training makes ``train`` return: interrupted, the network finite and moved from its start."""
    run = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, sizes, str(batch_size), str(n)], capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.split() == ["interrupted", "True", "True", "interrupted", "True"]


def states_by_steps():
    """The parameters after each step of the training below, and how many steps that were."""
    net = fresh()
    run = cr.Run(net, (X[:12], Y[:12]), epochs=2, batch_size=5, learning_rate=0.5)
    engine = run.engine
    data, session = engine.prepare(run.examples), engine.open(run.plan, net.state(), threads="auto")
    states = {bits(net): 0}
    for epoch, first in itertools.product((1, 2), (0, 5, 10)):
        session.advance(data, epoch_order(12, 5, epoch)[first : first + 5], Steps(np.full(1, 0.5), np.zeros(1)))
        state = session.state()
        states[b"".join(part.tobytes() for part in [*state.weights, *state.biases])] = state.step
    return states


def interrupted_at(line):
    """Train, with Ctrl-C at the ``line``-th line of the library that is run; give the network, the history, and the lines."""
    net, counted, history = fresh(), 0, None

    def trace(frame, event, argument):
        nonlocal counted
        if "chainrule" not in frame.f_code.co_filename:
            return None
        if event == "line":
            counted += 1
            if counted == line:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        history = cr.train(net, (X[:12], Y[:12]), epochs=2, batch_size=5, learning_rate=0.5)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return net, history, counted


def test_ctrl_c_anywhere_leaves_a_whole_network():
    """Wherever Ctrl-C falls, the parameters are those after some step, never half of one and half of another, and told truly."""
    states, (_, _, lines) = states_by_steps(), interrupted_at(None)
    assert lines > 500
    returned = 0
    for line in range(1, lines + 1):
        net, history, _ = interrupted_at(line)
        steps = states.get(bits(net))
        assert steps is not None, f"torn at line {line}"
        assert steps == (net.provenance.steps if net.provenance else 0), f"untrue at line {line}"
        if history is not None:
            returned += 1
            assert history.stopped in ("interrupted", "finished"), line
            assert net.provenance is None or net.provenance.stopped == history.stopped, line
    assert returned > lines / 2


def test_an_interrupt_while_diverging_keeps_finite_weights():
    """Ctrl-C in an epoch whose parameters are no longer finite leaves those of the epoch before."""
    calls = itertools.count(1)

    def failing(z):
        if next(calls) > 20:
            raise KeyboardInterrupt
        return 1e30 * z

    own = cr.Activation("explosive", failing, lambda z, a: np.full_like(z, 1e30))
    net = cr.Network([4, 2], output=own, cost="mean_squared_error", seed=0)
    history = cr.train(net, (X[:, :4], X[:, :2]), epochs=1, batch_size=1, learning_rate=1.0)
    assert history.stopped == "interrupted"
    assert all(np.isfinite(part).all() for part in [*net.weights, *net.biases])


def test_an_interrupt_in_who_iterates_is_theirs():
    """Ctrl-C in the caller's own loop over a Run is not swallowed, and the network is whole."""
    net = fresh()

    def loop():
        for record in cr.Run(net, (X, Y), **PLAIN):
            if record.epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert bits(net) == trained(epochs=2)[0]


def test_ctrl_c_still_works_afterwards():
    """A training leaves the process's handler of SIGINT as it found it."""
    before = signal.getsignal(signal.SIGINT)
    trained()
    assert signal.getsignal(signal.SIGINT) is before


# Divergence


def diverging(**settings):
    """A training that is fine for an epoch and then is not: a rate that a schedule raises beyond all measure."""
    net = cr.Network([4, 20, 1], activation="relu", cost="mean_squared_error", seed=0)

    def blow_up(step, total):
        return np.where(step < total // 3, 1e-9, 1.0)

    run = cr.Run(net, (X, X[:, 0]), epochs=3, batch_size=10, learning_rate=1e6, schedule=blow_up, **settings)
    return net, run


def test_a_diverging_training_stops_and_keeps_the_last_finite_weights():
    """A training that goes to NaN stops in that epoch, warns with the likely cause, and keeps the epoch before, bit for bit."""
    net, run = diverging()
    next(run)
    kept = bits(net)
    with pytest.warns(DivergenceWarning, match=r"diverged in epoch 2.*learning rate that is too high \(1e\+06\)"):
        assert list(run) == []
    assert run.history.stopped == "diverged"
    assert bits(net) == kept
    assert all(np.isfinite(part).all() for part in [*net.weights, *net.biases])
    assert [record.epoch for record in run.history] == [1]
    assert run.history.message.count("\n") == 0
    assert "after epoch 1" in run.history.message
    assert net.provenance.stopped == "diverged"


def test_a_training_that_diverges_at_once_keeps_the_start():
    """The mean squared error over relu units, with an absurd rate, is stopped in epoch 1, the network as it was."""
    net = cr.Network([4, 20, 1], activation="relu", cost="mean_squared_error", seed=0)
    before = bits(net)
    with pytest.warns(DivergenceWarning, match="diverged in epoch 1"):
        history = cr.train(net, (1e4 * X, X[:, 0]), epochs=5, batch_size=10, learning_rate=1e6)
    assert (history.stopped, len(history)) == ("diverged", 0)
    assert bits(net) == before


def test_a_divergence_warns_where_the_user_is():
    """The warning points at the line that called ``train``, or that asked a Run for its next record."""
    net = cr.Network([4, 20, 1], activation="relu", cost="mean_squared_error", seed=0)
    with pytest.warns(DivergenceWarning) as caught:
        cr.train(net, (1e4 * X, X[:, 0]), epochs=5, batch_size=10, learning_rate=1e6)
    assert caught[0].filename == __file__
    with pytest.warns(DivergenceWarning) as caught:
        next(cr.Run(net, (1e4 * X, X[:, 0]), epochs=5, batch_size=10, learning_rate=1e6), None)
    assert caught[0].filename == __file__


def test_no_other_warning_comes_with_a_divergence():
    """Overflow on the way to a divergence gives no warnings of NumPy's."""
    _, run = diverging()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(run)
    assert {warning.category for warning in caught} == {DivergenceWarning}


def test_a_divergence_that_is_an_error_loses_nothing():
    """Where warnings are errors, the network is restored and the history complete before the error comes."""
    net, run = diverging()
    next(run)
    kept = bits(net)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DivergenceWarning):
            next(run)
    assert bits(net) == kept
    assert run.history.stopped == "diverged"


def test_weights_that_are_nan_before_training_are_told():
    """A network that holds NaN to begin with diverges in epoch 1 rather than training on."""
    net = fresh()
    net.weights[0][0, 0] = np.nan
    with pytest.warns(DivergenceWarning, match="epoch 1"):
        assert trained(net)[1].stopped == "diverged"


def test_early_stopping_and_divergence_leave_the_best_epoch():
    """A divergence under early stopping leaves the best epoch there was, and says which."""
    net, run = diverging(validation=(X, X[:, 0]), early_stopping=5)
    next(run)
    kept = bits(net)
    with pytest.warns(DivergenceWarning):
        list(run)
    assert bits(net) == kept
    assert run.history.best_epoch == 1


# Odd sizes


def test_no_epochs_do_nothing():
    """``epochs=0`` trains nothing and is finished."""
    net = fresh()
    before = bits(net)
    history = cr.train(net, (X, Y), **{**PLAIN, "epochs": 0})
    assert (history.stopped, len(history)) == ("finished", 0)
    assert bits(net) == before
    assert history["cost"].shape == (0,)
    assert net.provenance.epochs == net.provenance.steps == 0


def test_a_batch_larger_than_the_data_is_all_of_it():
    """``batch_size > n`` takes one step an epoch, over everything."""
    (larger, _), (equal, _) = trained(batch_size=1000), trained(batch_size=60)
    assert larger == equal
    assert cr.Run(fresh(), (X, Y), epochs=4, batch_size=1000, learning_rate=1).steps == 4


def test_the_last_batch_may_be_short_and_counts():
    """Without a shuffle, an epoch over 10 examples by 4 is a step over 4, over 4, and over the last 2."""
    whole, parts = fresh(dtype="float64"), fresh(dtype="float64")
    cr.train(whole, (X[:10], Y[:10]), epochs=1, batch_size=4, learning_rate=0.5, shuffle=False)
    for rows in (slice(0, 4), slice(4, 8), slice(8, 10)):
        cr.train(parts, (X[rows], Y[rows]), epochs=1, batch_size=4, learning_rate=0.5, shuffle=False)
    np.testing.assert_allclose(whole.weights[0], parts.weights[0], rtol=1e-12)


@pytest.mark.parametrize("kind", ["dense", "pixels", "csr"])
def test_one_example_is_enough(kind):
    """A single example of any kind trains."""
    x = {"dense": X[:1], "pixels": np.array([[0, 5, 200, 255]], np.uint8), "csr": sparse.csr_array(X[:1])}[kind]
    net = fresh()
    before = bits(net)
    history = cr.train(net, (x, [2]), **PLAIN)
    assert history.stopped == "finished"
    assert bits(net) != before


def test_dense_pixels_and_csr_learn_the_same():
    """The same numbers as floats, as pixels and as a CSR matrix give the same training, to rounding."""
    pixels = RNG.integers(0, 256, (60, 4)).astype(np.uint8)
    nets = []
    for x in (pixels, pixels / 255, sparse.csr_array(pixels / 255), sparse.coo_matrix(pixels / 255)):
        nets.append(fresh(dtype="float64"))
        cr.train(nets[-1], (x, Y), **PLAIN)
    for net in nets[1:]:
        np.testing.assert_allclose(net.weights[0], nets[0].weights[0], rtol=1e-9, atol=1e-12)


def test_labels_and_one_hot_targets_learn_the_same():
    """Labels and the same classes as one-hot rows give the same bits and the same accuracies."""
    by_label, by_row = trained(), trained(pair=(X, np.eye(3)[Y]))
    assert by_label[0] == by_row[0]
    assert by_label[1]["accuracy"].tolist() == by_row[1]["accuracy"].tolist()


def test_without_shuffle_every_epoch_has_the_order_of_the_data():
    """``shuffle=False`` takes the examples as they come, whatever the seed; with shuffle the seed matters."""
    assert trained(shuffle=False, seed=1)[0] == trained(shuffle=False, seed=2)[0]
    assert trained(seed=1)[0] != trained(seed=2)[0]
    assert trained(seed=1)[0] != trained(shuffle=False)[0]


# Seeds, and what is remembered


def test_the_seed_is_the_networks_if_none_is_given():
    """``seed=None`` takes the network's seed, and the history records the one that was used."""
    (default, history), (same, _) = trained(), trained(seed=5)
    assert default == same
    assert history.seed == 5
    assert trained(seed=9)[1].seed == 9


def test_a_drawn_seed_is_recorded_and_repeats_a_training():
    """A network without a seed draws one, which its history records, and with which everything comes again."""
    net = cr.Network([4, 6, 3])
    weights, history = trained(net)
    again = cr.Network([4, 6, 3], seed=net.seed)
    assert history.seed == net.seed
    assert trained(again)[0] == weights


def test_the_seed_decides_dropout():
    """With dropout the seed decides the masks too: without a shuffle it still makes a difference."""
    assert trained(shuffle=False, dropout=0.5, seed=1)[0] == trained(shuffle=False, dropout=0.5, seed=1)[0]
    assert trained(shuffle=False, dropout=0.5, seed=1)[0] != trained(shuffle=False, dropout=0.5, seed=2)[0]


def test_a_network_knows_how_it_was_trained():
    """Provenance tells the data, the plan, the steps, the rate, the schedule, the engine and why the training ended."""
    net = fresh()
    cr.train(net, (X, Y), **PLAIN, optimizer="momentum", l2=0.1, clip=3.0, schedule="cosine", dropout=0.1, seed=8)
    found = net.provenance
    assert isinstance(found, Provenance)
    assert (found.examples, found.epochs, found.steps) == (60, 3, 24)
    assert (found.learning_rate, found.schedule, found.stopped) == (0.5, "cosine", "finished")
    assert found.engine.startswith(next(iter(ENGINES)))
    assert found.data == "Examples(60 x 4 float64, labels 0..2)"
    assert found.plan["optimizer"] == {"name": "sgd", "momentum": 0.9, "nesterov": False}
    assert (found.plan["l2"], found.plan["clip"], found.plan["seed"], found.plan["batch_size"]) == (0.1, 3.0, 8, 8)
    assert json.loads(json.dumps(found.plan)) == found.plan


# Settings end to end


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"])
def test_every_optimizer_learns(engine, optimizer):
    """Each optimizer brings the cost of a small classification down."""
    rate = {"sgd": 1.0, "momentum": 0.1, "nesterov": 0.1}.get(optimizer, 0.02)
    net = fresh(cost="log_loss", activation="tanh")
    history = cr.train(net, (X, Y), epochs=40, batch_size=8, learning_rate=rate, optimizer=optimizer, engine=engine.name)
    assert history["cost"][-1] < 0.5 * history["cost"][0]
    assert net.accuracy(X, Y) > 0.8


def test_names_stand_for_their_usual_settings():
    """An optimizer by name and the same with its settings written out give the same bits."""
    assert trained(optimizer="momentum")[0] == trained(optimizer=cr.optimizers.SGD(momentum=0.9))[0]
    assert trained(optimizer="nesterov")[0] == trained(optimizer=cr.optimizers.SGD(momentum=0.9, nesterov=True))[0]
    assert trained(optimizer="momentum")[0] != trained(optimizer="nesterov")[0] != trained()[0]


@pytest.mark.parametrize("settings", [{"l1": 0.01}, {"l2": 0.05}, {"dropout": 0.4}, {"clip": 0.01}], ids=str)
def test_every_setting_makes_a_difference(engine, settings):
    """Each penalty, dropout and clipping changes what is learnt."""
    assert trained(engine=engine.name, **settings)[0] != trained(engine=engine.name)[0]


def test_penalties_shrink_the_weights():
    """L1 and L2 leave smaller weights than none, and biases are free of both."""
    nets = {}
    for name, settings in {"none": {}, "l1": {"l1": 0.02}, "l2": {"l2": 0.05}}.items():
        nets[name] = fresh()
        cr.train(nets[name], (X, Y), epochs=30, batch_size=8, learning_rate=0.5, **settings)
    sizes = {name: np.abs(net.weights[0]).sum() for name, net in nets.items()}
    assert sizes["l1"] < 0.9 * sizes["none"]
    assert sizes["l2"] < 0.9 * sizes["none"]
    lonely = cr.Network([1, 1], cost="mean_squared_error", seed=0)
    lonely.biases[0][...] = 1
    cr.train(lonely, ([[0.0]], [1.0]), epochs=10, batch_size=1, learning_rate=0.1, l2=1.0)
    assert lonely.biases[0] == 1


def test_the_books_lmbda_is_l2_times_n():
    """One step with l2 = lmbda/n is the book's: the weights times 1 - eta lmbda/n, less the gradient."""
    net = fresh(dtype="float64")
    before = [w.copy() for w in net.weights]
    _, nabla_w = net.backprop(X, Y)
    eta, lmbda, n = 0.5, 5.0, 60
    cr.train(net, (X, Y), epochs=1, batch_size=n, learning_rate=eta, l2=lmbda / n)
    for after, w, nabla in zip(net.weights, before, nabla_w, strict=True):
        np.testing.assert_allclose(after, (1 - eta * lmbda / n) * w - eta / n * nabla, rtol=1e-12, atol=1e-14)


def test_dropout_spares_the_outputs_and_the_evaluation():
    """Dropout concerns hidden units only, and training only: without hidden layers it changes nothing, and predicting never."""
    shallow = [cr.Network([4, 3], seed=0), cr.Network([4, 3], seed=0)]
    trained(shallow[0], dropout=0.9)
    trained(shallow[1])
    assert bits(shallow[0]) == bits(shallow[1])
    net = fresh()
    for record in cr.Run(net, (X, Y), validation=HELD_OUT, dropout=0.5, **PLAIN):
        assert record.validation_cost == net.cost(*HELD_OUT) == net.cost(*HELD_OUT)


def test_a_schedule_decides_the_rates():
    """A schedule is asked for the factor of every step, in order, and the record tells the last rate of its epoch."""
    asked = []

    def halving(step, total):
        asked.extend(step.tolist())
        assert total == 24
        return 0.5 ** (step // 8)

    weights, history = trained(schedule=halving)
    assert asked == list(range(24))
    assert history["learning_rate"].tolist() == [0.5, 0.25, 0.125]
    assert history.stopped == "finished"
    net = fresh()
    for epoch, rate in zip((1, 2, 3), (0.5, 0.25, 0.125), strict=True):
        run = cr.Run(net, (X, Y), **{**PLAIN, "epochs": 3, "learning_rate": rate})
        data, session = run.engine.prepare(run.examples), run.engine.open(run.plan, net.state(), threads="auto")
        session.advance(data, epoch_order(60, 5, epoch), Steps(np.full(8, rate), np.zeros(8)))
        net.take(session.state())
    assert bits(net) == weights


@pytest.mark.parametrize(
    "schedule", ["constant", "inverse_scaling", "step", "cosine", "warm_up", None, partial(cr.schedules.step, every=4, factor=0.5)]
)
def test_every_schedule_trains(schedule):
    """Each schedule by name, none, and one with settings of its own end to end."""
    _, history = trained(schedule=schedule)
    assert history.stopped == "finished"
    assert (history["learning_rate"] <= 0.5).all()


def test_a_schedule_may_give_one_number():
    """A schedule that answers with one number for all steps is as good as one that repeats it."""
    assert trained(schedule=lambda step, total: 0.5)[0] == trained(learning_rate=0.25)[0]


def test_a_record_tells_the_rate_of_its_last_step():
    """Where the rate falls within an epoch, the record tells that of the epoch's last step."""
    _, history = trained(schedule=lambda step, total: 1 / (1 + step))
    assert history["learning_rate"].tolist() == [0.5 / 8, 0.5 / 16, 0.5 / 24]


def test_an_error_in_a_schedule_leaves_the_network():
    """A schedule that fails in epoch 2 reaches the caller, and the network keeps epoch 1."""

    def fail(step, total):
        return 1.0 if step[0] < 8 else np.nan

    net = fresh()
    with pytest.raises(SettingError, match="a schedule's factors must be finite"):
        trained(net, schedule=fail)
    assert bits(net) == trained(epochs=1)[0]


SOFTPLUS = cr.Activation("softplus", lambda z: np.logaddexp(0, z), lambda z, a: 1 / (1 + np.exp(-z)))
ABSOLUTE = cr.Cost("absolute", lambda a, y: np.abs(a - y).sum(axis=1), lambda a, y: np.sign(a - y))


@pytest.mark.parametrize(
    "settings", [{"activation": SOFTPLUS}, {"cost": ABSOLUTE}, {"output": SOFTPLUS, "cost": "quadratic"}], ids=lambda s: "-".join(s)
)
def test_functions_of_ones_own_train(settings):
    """A network with the user's own activation or cost trains, on the reference, and says so."""
    net = cr.Network([4, 8, 1], **{"cost": "mean_squared_error", **settings}, seed=0)
    history = cr.train(net, (X, np.abs(X[:, 0])), epochs=30, batch_size=8, learning_rate=0.01)
    assert history["cost"][-1] < history["cost"][0]
    assert history.engine == "reference"
    own = next(value for value in settings.values() if not isinstance(value, str))
    assert own.name in repr(net)


def test_an_output_of_ones_own_that_is_called_sigmoid_is_not_ours():
    """What counts as right does not depend on how the user calls an activation of their own."""
    mine = cr.Activation("sigmoid", lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a))
    net = cr.Network([4, 1], output=mine, seed=0)
    found = net.evaluate(X, (X[:, 0] > 0).astype(int))
    assert found.accuracy is None or found.accuracy == cr.Network([4, 1], seed=0).accuracy(X, (X[:, 0] > 0).astype(int))


# Examples that serve many trainings


def test_examples_are_prepared_once_for_many_trainings(monkeypatch, engine):
    """One Examples in several trainings and evaluations is prepared once by each engine."""
    examples, made = Examples(X, Y), []
    prepared = Examples.prepared

    def watched(self, key, prepare):
        return prepared(self, key, lambda examples: made.append(key) or prepare(examples))

    monkeypatch.setattr(Examples, "prepared", watched)
    for seed in range(3):
        net = cr.Network([4, 6, 3], seed=seed)
        cr.train(net, examples, validation=examples, engine=engine.name, **PLAIN)
        engine.open(net.plan, net.state(), threads="auto").evaluate(engine.prepare(examples))
    assert made.count(engine.name) == 1


def test_an_examples_trains_as_its_pair_does():
    """An Examples, a pair and an Examples that served another network before give the same bits."""
    examples = Examples(X, Y)
    first = trained(pair=examples)[0]
    trained(cr.Network([4, 3], cost="log_loss", seed=1, dtype="float64"), pair=examples)
    assert first == trained(pair=(X, Y))[0] == trained(pair=examples)[0]


def test_runs_can_take_turns():
    """Two Runs that are advanced in turns give the bits of each alone."""
    nets = [cr.Network([4, 6, 3], seed=seed) for seed in (1, 2)]
    examples = Examples(X, Y)
    for _ in zip(*(cr.Run(net, examples, **PLAIN) for net in nets), strict=True):
        pass
    assert [bits(net) for net in nets] == [trained(cr.Network([4, 6, 3], seed=seed))[0] for seed in (1, 2)]


def test_the_threads_are_a_setting():
    """``threads=1`` and ``threads="auto"`` both train, and on so small a network to the same bits."""
    assert trained(threads=1)[0] == trained(threads="auto")[0] == trained(threads=2)[0]


def test_blocks_are_whole_mini_batches_and_never_none():
    """A block is a positive number of whole mini-batches, however large the network, and decided by plan and data alone."""
    for sizes, batch_size in [([4, 6, 3], 8), ([2000, 2000, 2000, 10], 512), ([1, 1], 1), ([4, 3], 10**9)]:
        x = np.ones((2, sizes[0]))
        for inputs in (x, sparse.csr_array(x)):
            run = cr.Run(cr.Network(sizes, seed=0), (inputs, [0, 0]), epochs=1, batch_size=batch_size, learning_rate=1)
            length = block_length(run.plan, run.examples)
            assert length >= batch_size
            assert length % batch_size == 0
            assert length == block_length(run.plan, run.examples)


# repr


def test_every_public_object_says_what_it_is():
    """The repr of each public object tells in a line what a person wants to know of it."""
    net = fresh()
    run = cr.Run(net, (X, Y), validation=HELD_OUT, engine="reference", **PLAIN)
    assert repr(run) == ("Run([4, 6, 3] on Examples(60 x 4 float64, labels 0..2), 3 epochs, reference engine: 0 of 24 steps done)")
    assert repr(net).endswith("63 weights, untrained)") or "untrained" in repr(net)
    next(run)
    assert "8 of 24 steps done" in repr(run)
    assert "running" in repr(run.history)
    list(run)
    assert repr(run).endswith("finished)")
    assert "trained for 3 epochs" in repr(net)
    assert repr(run.history).startswith("History(3 epochs, finished, cost 0.")
    assert "validation accuracy" in repr(run.history)
    assert repr(EarlyStopping(3)) == "EarlyStopping(patience=3, min_delta=0.0, monitor=None)"
    assert repr(SOFTPLUS) == "Activation('softplus')"
    assert repr(ABSOLUTE) == "Cost('absolute')"
    assert "momentum=0.5" in repr(cr.optimizers.SGD(momentum=0.5))
    assert all("\n" not in repr(thing) for thing in (net, run, run.history, run.examples, cr.Neuron([1.0], 0.5)))
    assert all(" at 0x" not in repr(thing) for thing in (net, run, run.history, run.examples, cr.Neuron([1.0], 0.5), run.plan))


def test_engines_can_be_asked_for_by_name(engine):
    """``engine=`` takes each engine's name, which the history records; ``auto`` takes one of them."""
    assert trained(engine=engine.name)[1].engine == engine.name
    assert trained(engine="auto")[1].engine in ENGINES


def test_a_missing_setting_is_told_as_trains():
    """A call of ``train`` that lacks a setting, or has one too many, says so in its own name."""
    with pytest.raises(TypeError, match=r"train\(\): missing a required argument: 'epochs'"):
        cr.train(fresh(), (X, Y))
    with pytest.raises(TypeError, match=r"train\(\): got an unexpected keyword argument 'lr'"):
        cr.train(fresh(), (X, Y), epochs=1, batch_size=1, learning_rate=1, lr=3)


@pytest.mark.parametrize("scale", [1e-46, 1e-300, 1e39, 1e300])
def test_only_the_ratio_of_row_weights_matters(scale, engine):
    """Row weights that float32 cannot hold train a float32 network as ordinary ones do."""
    weights = np.arange(1.0, 61.0)
    one, other = fresh(), fresh()
    for net, row_weights in ((one, weights), (other, scale * weights)):
        examples = Examples(X[:60], Y[:60], weights=row_weights)
        cr.train(net, examples, epochs=2, batch_size=8, learning_rate=0.5, engine=engine.name)
    for mine, theirs in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)
    assert one.evaluate(examples).accuracy == other.evaluate(examples).accuracy


def test_an_interrupt_after_the_end_changes_nothing():
    """A training that has finished stays finished."""
    run = cr.Run(fresh(), (X, Y), epochs=1, batch_size=8, learning_rate=0.5)
    list(run)
    run.interrupt()
    assert run.history.stopped == "finished"


@pytest.mark.parametrize("settings", [{"threads": 10**20}, {"batch_size": 10**20}, {"epochs": 10**30}], ids=str)
def test_numbers_beyond_counting_are_refused(settings):
    """Counts beyond any use are refused, and the next training is none the worse for it."""
    with pytest.raises(SettingError, match="must be at most"):
        cr.train(fresh(), (X, Y), **{"epochs": 1, "batch_size": 8, "learning_rate": 0.5, **settings})
    cr.train(fresh(), (X, Y), epochs=1, batch_size=8, learning_rate=0.5, threads=2)


# Targets, and training on


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
def test_targets_that_no_output_reaches_are_warned_of_once(output, targets, limits):
    """Targets beyond the range of the output's activation warn once, before the training, with what to take instead."""
    y = np.resize(targets, (60, 2))
    net = cr.Network([4, 3, 2], output=output, seed=0)
    with pytest.warns(UnreachableTargetsWarning) as warned:
        cr.train(net, (X, y), **{**PLAIN, "learning_rate": 0.01})
    assert len(warned) == 1
    said = str(warned[0].message)
    assert f"an output of {output} gives values {limits}" in said
    assert "take cost='mean_squared_error' with output='identity', or scale the targets" in said
    assert warned[0].filename == __file__


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
def test_targets_within_reach_are_not_warned_of(output, targets):
    """The limits themselves, labels, and activations without limits are nothing to warn of: warnings are errors here."""
    net = cr.Network([4, 3, 2], output=output, seed=0)
    cr.train(net, (X, np.resize(targets, (60, 2))), **{**PLAIN, "learning_rate": 0.001})
    cr.train(cr.Network([4, 3, 2], output=output, seed=0), (X, Y % 2), **{**PLAIN, "learning_rate": 0.001})
    own = cr.Activation("mine", lambda z: z / 2, lambda z, a: np.full_like(z, 0.5))
    cr.train(cr.Network([4, 3, 2], output=own, seed=0), (X, np.resize(targets, (60, 2))), **{**PLAIN, "learning_rate": 0.001})


def test_one_softmax_output_is_refused():
    """Softmax over one output is 1 whatever comes: it is refused where the network is made, with both remedies."""
    for settings in ({"cost": "log_loss"}, {"output": "softmax"}, {"output": cr.activations.ACTIVATIONS["softmax"]}):
        with pytest.raises(SettingError, match="two classes take two outputs, or one output with cost='cross_entropy'"):
            cr.Network([4, 1], **settings)


@pytest.mark.parametrize(
    ("optimizer", "begins"),
    [("sgd", "the schedule and the order of the examples"), ("adam", "adam's m and v, the schedule and the order of the examples")],
)
def test_a_network_from_a_file_says_what_begins_anew(tmp_path, optimizer, begins):
    """Training a loaded network on warns once of what its file does not hold; one in memory, or untrained, does not."""
    net = fresh()
    net.save(tmp_path / "untrained.safetensors")
    cr.train(cr.load(tmp_path / "untrained.safetensors"), (X, Y), **PLAIN)
    cr.train(net, (X, Y), **PLAIN)
    cr.train(net, (X, Y), **PLAIN)
    net.save(tmp_path / "net.safetensors")
    again = cr.load(tmp_path / "net.safetensors")
    with pytest.warns(BeginsAnewWarning, match=f"was trained for 6 epochs before.*; {begins} begin anew"):
        cr.train(again, (X, Y), **PLAIN, optimizer=optimizer)
    cr.train(again, (X, Y), **PLAIN, optimizer=optimizer)  # a second warning would be an error


def test_provenance_counts_all_epochs(tmp_path):
    """Epochs and steps of all trainings are counted, in memory and through a file, and those before the last are told apart."""
    net = fresh()
    cr.train(net, (X, Y), **PLAIN)
    net.save(tmp_path / "net.safetensors")
    again = cr.load(tmp_path / "net.safetensors")
    with pytest.warns(BeginsAnewWarning):
        cr.train(again, (X[:40], Y[:40]), **{**PLAIN, "epochs": 5})
    found = again.provenance
    assert (found.epochs, found.steps, found.examples) == (8, 24 + 25, 40)
    assert (found.earlier_epochs, found.earlier_steps) == (3, 24)
    assert "trained for 8 epochs" in repr(again)
    again.save(tmp_path / "again.safetensors")
    assert cr.load(tmp_path / "again.safetensors").provenance == found


# What is live, and what is not


def test_arrays_that_change_between_epochs_are_trained_on(engine):
    """Weights that are written to, or put in their place, between two epochs are those that the next epoch starts from."""
    nets = [fresh(dtype="float64") for _ in range(2)]
    run = cr.Run(nets[0], (X, Y), **{**PLAIN, "epochs": 2}, optimizer="momentum", shuffle=False, engine=engine.name)
    next(run)
    nets[0].weights[0][...] = 0.25
    nets[0].biases[1] = np.full(3, 0.5)
    next(run)
    twin = cr.Run(nets[1], (X, Y), **{**PLAIN, "epochs": 1}, optimizer="momentum", shuffle=False, engine=engine.name)
    next(twin)
    state = replace(
        twin._state, weights=(np.full((6, 4), 0.25), twin._state.weights[1]), biases=(twin._state.biases[0], np.full(3, 0.5))
    )
    session = engine.open(run.plan, state, threads=1)
    steps = Steps(np.full(8, PLAIN["learning_rate"]), np.zeros(8))
    session.advance(engine.prepare(run.examples), np.arange(60), steps)
    for own, due in zip(nets[0].weights, session.state().weights, strict=True):
        np.testing.assert_allclose(own, due, rtol=1e-12)


def test_arrays_that_share_memory_are_refused():
    """One array in two places would be trained over itself: it is refused before anything is trained."""
    net = cr.Network([4, 4, 4], seed=0)
    net.weights[1] = net.weights[0]
    with pytest.raises(SettingError, match=r"weights\[\d\] and weights\[\d\] share memory"):
        cr.train(net, (X, Y), **PLAIN)
    flat = np.zeros(40, np.float32)
    net.weights[0], net.weights[1] = flat[:16].reshape(4, 4), flat[16:32].reshape(4, 4)
    cr.train(net, (X, Y), **PLAIN)


def test_runs_that_were_made_together_are_counted_one_after_the_other():
    """Two trainings that were made before either began count all their epochs."""
    net = fresh()
    runs = [cr.Run(net, (X, Y), **{**PLAIN, "epochs": epochs}) for epochs in (2, 3)]
    for run in runs:
        list(run)
    assert (net.provenance.epochs, net.provenance.steps, net.provenance.earlier_epochs) == (5, 40, 2)


def test_a_validation_frame_has_the_columns_of_the_training():
    """Validation examples whose named columns stand in another order are refused; names survive a training without any."""
    import pandas as pd

    frame = pd.DataFrame(X, columns=list("abcd"))
    net = fresh()
    with pytest.raises(cr.ChainruleError, match="validation examples have other columns than the training examples"):
        cr.train(net, (frame, Y), validation=(frame[list("dcba")], Y), **PLAIN)
    cr.train(net, (frame, Y), validation=(frame, Y), **PLAIN)
    cr.train(net, (X, Y), **PLAIN)
    assert net.provenance.columns == list("abcd")
    with pytest.raises(cr.ChainruleError, match="another order"):
        net.feedforward(frame[list("dcba")])


def test_accuracy_of_values_cannot_be_watched():
    """Early stopping by validation_accuracy is refused where y holds values, instead of watching the cost."""
    net = cr.Network([4, 1], cost="mean_squared_error", seed=0)
    early = EarlyStopping(monitor="validation_accuracy")
    with pytest.raises(SettingError, match="cannot watch validation_accuracy: y holds values"):
        cr.train(net, (X, X[:, 0]), validation=(X, X[:, 0]), early_stopping=early, **PLAIN)


@pytest.mark.parametrize("cause", ["weight", "overflow"])
def test_nan_is_not_right(engine, cause):
    """Where outputs are NaN neither an accuracy nor a number right is told; the cost says NaN."""
    net = fresh(dtype="float64", activation="identity", output="identity")
    x = X
    if cause == "weight":
        net.weights[0][0, 0] = np.nan
    else:
        net.weights[0][...], net.weights[1][...], x = 1e10, [[1e10, -1e10] * 3] * 3, np.full_like(X, 1e306)
    found = net.evaluate(x, Y)
    assert np.isnan(found.cost)
    assert np.isnan(found.right)
    with pytest.raises(cr.ChainruleError, match="outputs hold NaN"):
        net.accuracy(x, Y)
