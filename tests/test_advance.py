"""``Run.advance``: a training that its caller pauses, takes mini-batch by mini-batch, or leaves."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from training_cases import VALIDATION, X, Y, make_network, parameter_bytes

import chainrule as cr
from chainrule.checkpoints.checkpoint_file import read_header
from chainrule.checkpoints.run_folder import RunFolder
from chainrule.errors import SettingError, TrainingEnded
from chainrule.held_signals import SignalHolder

SETTINGS = {"epochs": 3, "batch_size": 8, "learning_rate": 0.5, "optimizer": "adam", "dropout": 0.25, "validation": VALIDATION}
STEPS_AN_EPOCH = 8  # 60 examples in batches of 8, the last of 4


@pytest.mark.parametrize("engine", ["reference", "fused"])
@pytest.mark.parametrize("counts", [(1,), (3,), (100,), (1, 5, 2)])
def test_a_training_by_mini_batches_has_the_bits_of_one_by_epochs(engine, counts):
    """However many mini-batches each call trains, parameters and records are those of a training by epochs."""
    whole, divided = make_network(), make_network()
    history = cr.train(whole, (X, Y), engine=engine, **SETTINGS)
    run = cr.Run(divided, (X, Y), engine=engine, **SETTINGS)
    records, call = [], 0
    while run.history.stopped is None:
        record = run.advance(counts[call % len(counts)])
        records += [] if record is None else [record]
        call += 1
    assert parameter_bytes(divided) == parameter_bytes(whole)
    assert [(record.cost, record.validation_cost) for record in records] == [(r.cost, r.validation_cost) for r in history]
    assert run.history.stopped == history.stopped


def test_advance_trains_as_many_mini_batches_as_are_asked_for_but_none_of_the_next_epoch():
    """``done`` grows by the number asked for, and at the end of an epoch by the mini-batches that were left."""
    run = cr.Run(make_network(), (X, Y), **SETTINGS)
    assert run.advance(5) is None
    assert run.done == 5
    assert run.advance(5).epoch == 1
    assert run.done == STEPS_AN_EPOCH


def test_epochs_and_mini_batches_may_alternate():
    """``next`` after some mini-batches trains the rest of that epoch."""
    run = cr.Run(make_network(), (X, Y), **SETTINGS)
    run.advance(3)
    assert next(run).epoch == 1
    assert run.done == STEPS_AN_EPOCH
    whole = make_network()
    cr.train(whole, (X, Y), **SETTINGS)
    for _ in run:
        pass
    assert parameter_bytes(run.network) == parameter_bytes(whole)


def test_current_state_shows_each_mini_batch_and_the_network_each_epoch():
    """Within an epoch only ``current_state`` has the new parameters; at its end the network has them too."""
    network = make_network()
    run = cr.Run(network, (X, Y), **SETTINGS)
    start = network.weights[0].copy()
    assert np.array_equal(run.current_state().weights[0], start)
    run.advance(1)
    assert np.array_equal(network.weights[0], start)
    assert not np.array_equal(run.current_state().weights[0], start)
    assert run.current_state().step == 1
    run.advance(STEPS_AN_EPOCH)
    assert np.array_equal(network.weights[0], run.current_state().weights[0])


def test_after_the_end_advance_trains_nothing():
    """A training that has ended gives None, and its parameters stay."""
    run = cr.Run(make_network(), (X, Y), **SETTINGS)
    for _ in run:
        pass
    trained = parameter_bytes(run.network)
    assert run.advance(1) is None
    assert parameter_bytes(run.network) == trained


def test_a_training_left_within_an_epoch_goes_on_from_its_checkpoint(tmp_path):
    """``interrupt`` after some mini-batches writes a checkpoint of that place, and resuming ends with the same bits."""
    whole, first, second = make_network(), make_network(), make_network()
    cr.train(whole, (X, Y), **SETTINGS)
    run = cr.Run(first, (X, Y), checkpoint=tmp_path / "run", **SETTINGS)
    run.advance(STEPS_AN_EPOCH)
    run.advance(3)
    run.interrupt()
    resumed = cr.Run(second, (X, Y), checkpoint=tmp_path / "run", resume=True, **SETTINGS)
    assert resumed.done == STEPS_AN_EPOCH + 3
    for _ in resumed:
        pass
    assert parameter_bytes(second) == parameter_bytes(whole)


def test_a_number_below_1_is_refused():
    """``advance(0)`` is an error that names the argument."""
    with pytest.raises(SettingError, match="mini_batches"):
        cr.Run(make_network(), (X, Y), **SETTINGS).advance(0)


def _run_that_an_error_ends(place, **settings):
    """Make a Run, and let an error end it in epoch 2: in a callback after the epoch, or in the schedule within it."""
    errors = [ValueError("the user's own")]

    def fail(due):
        if due and errors:
            raise errors.pop()

    def schedule(step, total):
        fail(trains and place == "within the epoch" and step[0] == STEPS_AN_EPOCH + 3)
        return np.ones(len(step))

    trains = False  # the rates are read for the checkpoint's settings first
    callbacks = [lambda record: fail(place == "after the epoch" and record.epoch == 2)]
    run = cr.Run(make_network(), (X, Y), schedule=schedule, callbacks=callbacks, **SETTINGS, **settings)
    trains = True
    for mini_batches in (STEPS_AN_EPOCH, 3):
        run.advance(mini_batches)
    with pytest.raises(ValueError, match="the user's own"):
        run.advance(STEPS_AN_EPOCH)
    return run, schedule


@pytest.mark.parametrize("place", ["after the epoch", "within the epoch"])
@pytest.mark.parametrize("go_on", [lambda run: run.advance(1), next, list], ids=["advance", "next", "for"])
def test_a_training_that_an_error_ended_is_refused(place, go_on):
    """After an error ``advance``, ``next`` and a loop raise, and say that a new Run of the network goes on."""
    run, _ = _run_that_an_error_ends(place)
    epochs = {"after the epoch": 2, "within the epoch": 1}[place]
    with pytest.raises(TrainingEnded, match=rf"error ended .* after {epochs} of 3 epochs.* new Run of the network"):
        go_on(run)
    assert run.history.stopped is None
    assert cr.train(run.network, (X, Y), **SETTINGS).stopped == "finished"


@pytest.mark.parametrize("place", ["after the epoch", "within the epoch"])
@pytest.mark.parametrize("go_on", [lambda run: run.advance(1), list], ids=["advance", "for"])
def test_a_training_that_an_error_ended_goes_on_from_its_folder(place, go_on, tmp_path):
    """The error names ``resume=True``, which ends with the bits of a training without an error."""
    run, schedule = _run_that_an_error_ends(place, checkpoint=tmp_path / "run")
    with pytest.raises(TrainingEnded, match="resume=True"):
        go_on(run)
    resumed, whole = make_network(), make_network()
    cr.train(resumed, (X, Y), schedule=schedule, checkpoint=tmp_path / "run", resume=True, **SETTINGS)
    cr.train(whole, (X, Y), **SETTINGS)
    assert parameter_bytes(resumed) == parameter_bytes(whole)


def test_an_interrupt_after_an_error_ends_the_training_for_good():
    """``interrupt`` says why the training ended, and ``advance`` then trains nothing, as after any end."""
    run, _ = _run_that_an_error_ends("after the epoch")
    run.interrupt()
    assert run.history.stopped == "interrupted"
    assert run.advance(1) is None
    assert list(run) == []


def test_a_program_that_ends_within_a_training_leaves_a_checkpoint_of_that_place(tmp_path):
    """A Run that the program's end leaves unfinished writes its last checkpoint, without a message."""
    program = f"""if True:
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import chainrule as cr
        from training_cases import X, Y, make_network
        run = cr.Run(make_network(), (X, Y), epochs=3, batch_size=8, learning_rate=0.5, checkpoint={str(tmp_path / "run")!r})
        run.advance(3)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert read_header(RunFolder(tmp_path / "run").checkpoints()[0]).step == 3


def test_signals_are_held_within_a_step_alone_and_handlers_are_put_back():
    """``SignalHolder`` delivers Ctrl-C at the end of the block, at once outside of it, and leaves Python's handler at its end."""
    before = signal.getsignal(signal.SIGINT)
    holder, reached = SignalHolder(), []
    with holder.installed():
        with pytest.raises(KeyboardInterrupt), holder:  # noqa: PT012  # the second line is what must still run
            signal.raise_signal(signal.SIGINT)
            reached.append("the end of the block")
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with holder:
            reached.append("the next block")
    assert reached == ["the end of the block", "the next block"]
    assert signal.getsignal(signal.SIGINT) is before
