"""Checkpoints: a training that was stopped at any moment goes on from its folder, and ends with the bits of one never stopped."""

import gc
import json
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from training_cases import VALIDATION, X, Y, make_network, parameter_bytes

import chainrule as cr
from chainrule.checkpoints.checkpoint_file import read_checkpoint, read_header, write_checkpoint
from chainrule.checkpoints.interval import Interval, parse_interval
from chainrule.checkpoints.run_folder import RunFolder
from chainrule.errors import EngineError, FileError, ModelFileError, SettingError
from chainrule.training import CheckpointWarning

SETTINGS = {"epochs": 3, "batch_size": 8, "learning_rate": 0.5}
STEPS = 3 * 8  # 60 examples in batches of 8, the last of 4
ENGINES = ["reference", "fused"]


class Stopped(Exception):
    """Stands for an error in a training."""


def stopping_at(stop, error=Stopped):
    """Make a constant schedule that raises an error before the step ``stop``."""

    def schedule(step, total):
        if stop is not None and len(step) and step[0] >= stop and total == STEPS and not schedule.described:
            raise error
        return np.ones(len(step))

    schedule.described = True  # the rates are first read for the checkpoint's settings
    return schedule


def train_in_parts(folder, stop, examples=(X, Y), error=Stopped, network=None, resumed_by=None, **settings):
    """Train until a step, and go on from the folder in a network of its own; give its parameters and history."""
    network = network or make_network()
    settings = {**SETTINGS, "seed": network.seed, **settings}
    first = stopping_at(stop, error)
    run = cr.Run(network, examples, schedule=first, checkpoint=folder, **settings)
    first.described = False
    try:
        for _ in run:
            pass
    except error:
        pass
    again = make_network(**{name: getattr(network.plan, name) for name in ("dtype",)}) if network is None else like(network)
    history = cr.train(
        again, examples, schedule=stopping_at(None), checkpoint=folder, resume=True, **{**settings, **(resumed_by or {})}
    )
    return parameter_bytes(again), history


def like(network):
    """Make an untrained network with a network's sizes and settings."""
    layers = network.plan.layers
    return cr.Network(
        [layers[0].n_in, *(layer.n_out for layer in layers)],
        activation=[layer.activation for layer in layers[:-1]] or "sigmoid",
        cost=network.plan.cost,
        dtype=network.plan.dtype,
        seed=network.seed + 1,
    )


def without_times(history):
    """Give a history's records without the times."""
    return [record._replace(seconds=0.0, examples_per_second=0.0) for record in history]


@pytest.fixture
def short_blocks(monkeypatch):
    """Let every block have one mini-batch, so that a training can be stopped at any step."""
    monkeypatch.setattr("chainrule.epoch_blocks.BLOCK_SECONDS", 1e-12)


CASES = {
    "sgd": {},
    "l2": {"l2": 0.01},
    "momentum": {"optimizer": cr.optimizers.SGD(momentum=0.9)},
    "nesterov": {"optimizer": "nesterov", "l1": 0.001},
    "adam": {"optimizer": "adam", "learning_rate": 0.01},
    "adamw": {"optimizer": "adamw", "learning_rate": 0.01, "l2": 0.01, "clip": 0.5},
    "rmsprop": {"optimizer": "rmsprop", "learning_rate": 0.01},
    "dropout": {"dropout": 0.3},
    "in order": {"shuffle": False},
    "validation": {"validation": VALIDATION, "early_stopping": 5},
    "folds": {"rows": np.arange(40), "validation_rows": np.arange(40, 60), "early_stopping": cr.EarlyStopping(None, last=True)},
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_resumed_training_ends_with_the_bits_of_one_never_stopped(case, engine, dtype, tmp_path, short_blocks):
    """For every optimizer, penalty, dropout and early stopping, wherever it was stopped: parameters, costs and best epoch."""
    settings = {**SETTINGS, **CASES[case], "engine": engine, "threads": 1}
    whole = cr.Network([4, 6, 3], seed=5, dtype=dtype)
    history = cr.train(whole, (X, Y), **settings)
    for stop in (0, 1, 7, 8, 11, STEPS - 9):
        network = cr.Network([4, 6, 3], seed=5, dtype=dtype)
        parameters, resumed = train_in_parts(tmp_path / f"{stop}", stop, network=network, **settings)
        assert parameters == parameter_bytes(whole)
        assert without_times(resumed) == without_times(history)
        assert (resumed.best_epoch, resumed.stopped, resumed.message) == (history.best_epoch, history.stopped, history.message)


def test_sparse_inputs_with_a_penalty_are_resumed(tmp_path, short_blocks):
    """The fused engine defers the decay of weights that no example touches: its scale, a single number, is in the file too."""
    settings = {**SETTINGS, "l2": 0.01, "engine": "fused", "threads": 1}
    sparse = csr_matrix(np.where(X > 0, X, 0.0))
    whole = make_network()
    cr.train(whole, (sparse, Y), **settings)
    for stop in (0, 3, 8, 11):
        parameters, _ = train_in_parts(tmp_path / f"{stop}", stop, examples=(sparse, Y), **settings)
        assert parameters == parameter_bytes(whole)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_checkpoint_at_every_block_changes_no_bit(engine, tmp_path, short_blocks):
    """A training that copies its state out at every block has the bits of one without checkpoints."""
    whole, kept = make_network(), make_network()
    settings = {**SETTINGS, "optimizer": "momentum", "l2": 0.01, "engine": engine}
    cr.train(whole, (X, Y), **settings)
    cr.train(kept, (X, Y), checkpoint=tmp_path / "run", checkpoint_every="0.000000001 s", **settings)
    assert parameter_bytes(kept) == parameter_bytes(whole)


def test_another_number_of_threads_may_resume(tmp_path, short_blocks):
    """The number of threads is no setting of a checkpoint, and changes no bit."""
    whole = make_network()
    cr.train(whole, (X, Y), **SETTINGS)
    parameters, _ = train_in_parts(tmp_path / "run", 5, threads=2, resumed_by={"threads": 1})
    assert parameters == parameter_bytes(whole)


def test_ctrl_c_leaves_a_checkpoint_of_its_step(tmp_path, short_blocks):
    """After Ctrl-C in the middle of an epoch the folder holds that step, and the training goes on there."""
    parameters, history = train_in_parts(tmp_path / "run", 11, error=KeyboardInterrupt)
    whole = make_network()
    cr.train(whole, (X, Y), **SETTINGS)
    assert parameters == parameter_bytes(whole)
    assert history.stopped == "finished"


def test_a_loop_that_is_left_keeps_its_last_epoch(tmp_path):
    """After ``break`` between two epochs the folder holds all that was trained, with the user's own changes."""
    network = make_network()
    run = cr.Run(network, (X, Y), checkpoint=tmp_path / "run", **SETTINGS)
    next(run)
    network.weights[0][...] = 0.25
    del run
    resumed = cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "run", resume=True, **SETTINGS)
    assert len(resumed.history) == 1
    next(resumed)
    changed = make_network()
    again = cr.Run(changed, (X, Y), **SETTINGS)
    next(again)
    changed.weights[0][...] = 0.25
    next(again)
    assert parameter_bytes(resumed.network) == parameter_bytes(changed)


def break_after_2_epochs_and_change(folder):
    """Leave a loop after epoch 2, and then write to the network."""
    run = cr.Run(make_network(), (X, Y), checkpoint=folder, **SETTINGS)
    for record in run:
        if record.epoch == 2:
            break
    run.network.weights[0][...] = 0.25
    return run


def check_goes_on_with_the_change(folder):
    """Check that the resumed training ends as one that was changed after epoch 2, and never left."""
    resumed, whole = make_network(), make_network()
    cr.train(resumed, (X, Y), checkpoint=folder, resume=True, **SETTINGS)
    for record in cr.Run(whole, (X, Y), **SETTINGS):
        if record.epoch == 2:
            whole.weights[0][...] = 0.25
    assert parameter_bytes(resumed) == parameter_bytes(whole)


@pytest.mark.parametrize("interrupted", [True, False], ids=["interrupted", "collected"])
def test_a_change_after_a_loop_was_left_is_in_the_last_checkpoint(interrupted, tmp_path):
    """``break`` writes a checkpoint, and the end of the Run another one of the same step, with the change."""
    run = break_after_2_epochs_and_change(tmp_path / "run")
    if interrupted:
        run.interrupt()
    del run
    gc.collect()
    check_goes_on_with_the_change(tmp_path / "run")


def test_a_change_before_the_end_of_the_program_is_in_the_last_checkpoint(tmp_path):
    """A Run that the program's end leaves unfinished keeps a change that was made after ``break``."""
    program = f"""if True:
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_checkpoints import break_after_2_epochs_and_change
        run = break_after_2_epochs_and_change({str(tmp_path / "run")!r})
    """
    subprocess.run([sys.executable, "-c", program], check=True)
    check_goes_on_with_the_change(tmp_path / "run")


def test_an_unchanged_network_is_written_once(tmp_path):
    """The end of a Run writes no second checkpoint of the step at which its loop was left."""
    run = cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "run", **SETTINGS)
    for _ in run:
        break
    before = RunFolder(tmp_path / "run").checkpoints()
    run.interrupt()
    assert RunFolder(tmp_path / "run").checkpoints() == before


def test_a_checkpoint_that_could_not_be_written_is_written_at_the_end(tmp_path):
    """Where the checkpoint of ``break`` does not fit, the end of the Run writes it, once there is room."""
    run = cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "run", **SETTINGS)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    iterator = iter(run)
    next(iterator)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, limits[1]))
    try:
        with pytest.warns(CheckpointWarning, match="the last checkpoint that was written is kept"):
            iterator.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(RunFolder(tmp_path / "run").checkpoints()) == 1
    run.interrupt()
    assert RunFolder(tmp_path / "run").newest()[1].state.step == run.done > 0


def test_a_finished_training_is_resumed_at_its_end(tmp_path):
    """It trains nothing more, and gives the final parameters and the whole history; with more epochs it trains these."""
    first = make_network()
    history = cr.train(first, (X, Y), checkpoint=tmp_path / "run", **SETTINGS)
    again = make_network()
    resumed = cr.train(again, (X, Y), checkpoint=tmp_path / "run", resume=True, **SETTINGS)
    assert parameter_bytes(again) == parameter_bytes(first)
    assert resumed.records == history.records
    assert (resumed.stopped, resumed.message) == ("finished", "finished after 3 epochs")
    longer, whole = make_network(), make_network()
    cr.train(longer, (X, Y), checkpoint=tmp_path / "run", resume=True, **{**SETTINGS, "epochs": 5})
    cr.train(whole, (X, Y), **{**SETTINGS, "epochs": 5})
    assert parameter_bytes(longer) == parameter_bytes(whole)


def test_resuming_at_the_end_writes_no_checkpoint(begun):
    """A finished training that is resumed leaves the folder's checkpoints as they are: they name the engine that trained."""
    before = {path.name: path.read_bytes() for path in RunFolder(begun).checkpoints()}
    cr.train(make_network(), (X, Y), checkpoint=begun, resume=True, **SETTINGS)
    assert {path.name: path.read_bytes() for path in RunFolder(begun).checkpoints()} == before


def test_an_early_stop_is_resumed_at_its_end(tmp_path):
    """A training that early stopping ended stays ended, with the best epoch's parameters."""
    settings = {"epochs": 50, "batch_size": 8, "learning_rate": 3.0, "validation": VALIDATION, "early_stopping": 1}
    first, again = make_network(), make_network()
    history = cr.train(first, (X, Y), checkpoint=tmp_path / "run", **settings)
    assert history.stopped == "early"
    resumed = cr.train(again, (X, Y), checkpoint=tmp_path / "run", resume=True, **settings)
    assert (resumed.stopped, resumed.best_epoch, len(resumed)) == ("early", history.best_epoch, len(history))
    assert parameter_bytes(again) == parameter_bytes(first)


def test_a_target_that_a_callback_waits_for_stays_reached(tmp_path):
    """A training that a callback ended is not trained on: resumed, it has the bits and the end of the first."""
    settings = {**SETTINGS, "epochs": 9, "checkpoint": tmp_path / "run"}
    seen = []

    def reached(record):
        seen.append(record.epoch)
        return record.epoch >= 4

    first, again = make_network(), make_network()
    history = cr.train(first, (X, Y), callbacks=[reached], **settings)
    for more in (0, 2):  # more epochs change nothing
        resumed = cr.train(again, (X, Y), callbacks=[reached], resume=True, **{**settings, "epochs": 9 + more})
        assert (resumed.stopped, resumed.message) == ("early", "a callback asked to stop, after epoch 4")
        assert resumed.records == history.records
        assert parameter_bytes(again) == parameter_bytes(first)
    assert seen == [1, 2, 3, 4, 4, 4]


def test_a_limit_of_time_that_is_set_anew_goes_on(tmp_path):
    """Where the callbacks of now do not ask to stop, the training goes on, and ends with the bits of one never stopped."""
    settings = {**SETTINGS, "checkpoint": tmp_path / "run"}
    cr.train(make_network(), (X, Y), callbacks=[lambda record: True], **settings)
    whole, again = make_network(), make_network()
    cr.train(whole, (X, Y), **SETTINGS)
    history = cr.train(again, (X, Y), callbacks=[lambda record: False], resume=True, **settings)
    assert (history.stopped, len(history)) == ("finished", 3)
    assert parameter_bytes(again) == parameter_bytes(whole)


def test_an_error_in_the_epoch_that_exhausts_the_patience_leaves_it_ended(tmp_path):
    """Where a callback fails in the last epoch, the resumed training trains no epoch more."""
    settings = {"epochs": 50, "batch_size": 8, "learning_rate": 3.0, "validation": VALIDATION, "early_stopping": 1}
    first, again = make_network(), make_network()
    history = cr.train(first, (X, Y), **settings)
    failing = lambda record: _raise(Stopped) if record.epoch == len(history) else None  # noqa: E731
    with pytest.raises(Stopped):
        cr.train(make_network(), (X, Y), callbacks=[failing], checkpoint=tmp_path / "run", **settings)
    resumed = cr.train(again, (X, Y), checkpoint=tmp_path / "run", resume=True, **settings)
    assert (resumed.stopped, resumed.message, len(resumed)) == ("early", history.message, len(history))
    assert parameter_bytes(again) == parameter_bytes(first)


def test_a_diverged_training_diverges_again(tmp_path):
    """Its checkpoint holds the last finite epoch, and resuming it warns as the first time."""
    settings = {**SETTINGS, "learning_rate": 1e38, "activation": None}
    del settings["activation"]
    network = cr.Network([4, 6, 1], cost="mean_squared_error", activation="relu", seed=0)
    data = X, X[:, 0]
    with pytest.warns(cr.training.DivergenceWarning):
        cr.train(network, data, checkpoint=tmp_path / "run", **settings)
    again = cr.Network([4, 6, 1], cost="mean_squared_error", activation="relu", seed=0)
    with pytest.warns(cr.training.DivergenceWarning):
        history = cr.train(again, data, checkpoint=tmp_path / "run", resume=True, **settings)
    assert history.stopped == "diverged"
    assert parameter_bytes(again) == parameter_bytes(network)


def test_the_folder_appears_whole_before_the_first_step(tmp_path):
    """At the first step the folder holds a checkpoint of step 0, and nothing else lies beside it."""
    seen = []

    def schedule(step, total):
        if (tmp_path / "runs").exists():
            seen.append(sorted(path.name for path in (tmp_path / "runs").iterdir()))
            seen.append(read_header(RunFolder(tmp_path / "runs" / "a").checkpoints()[0]).step)
        return 1.0

    cr.train(make_network(), (X, Y), schedule=schedule, checkpoint=tmp_path / "runs" / "a", **SETTINGS)
    assert seen[:2] == [["a"], 0]


def test_the_last_two_checkpoints_are_kept(tmp_path, short_blocks):
    """A long training leaves two files of checkpoints, the history and the lock."""
    cr.train(make_network(), (X, Y), checkpoint=tmp_path / "run", checkpoint_every="1 epochs", **SETTINGS)
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert [name for name in names if not name.startswith("checkpoint-")] == ["history.jsonl", "lock"]
    assert len(names) == 4


def test_an_interval_of_epochs_counts_epochs(tmp_path):
    """With "2 epochs" checkpoints are written at the starts of epochs 3 and 5, and at the end."""
    settings = {**SETTINGS, "epochs": 6, "checkpoint": tmp_path / "run", "checkpoint_every": "2 epochs"}
    run, newest = cr.Run(make_network(), (X, Y), **settings), []
    for _ in run:
        run.checkpoints.checkpoints._idle(wait=True)
        newest.append(read_header(RunFolder(tmp_path / "run").checkpoints()[0]).epoch)
    assert newest == [1, 1, 3, 3, 5, 5]
    assert read_header(RunFolder(tmp_path / "run").checkpoints()[0]).epoch == 7


@pytest.mark.parametrize("text", ["30", "0 s", "-1 s", "5 parsecs", "1.5 epochs", "0 epochs", "", "nan s", 30, "1e9 s"])
def test_a_wrong_interval_is_refused(text):
    """An interval without its unit, of 0, or of another form is refused with the forms it may have."""
    with pytest.raises(SettingError, match="'30 s', '5 min', '1 h' or '5 epochs'"):
        parse_interval(text)


def test_intervals_are_read():
    """Seconds, minutes, hours and epochs, with spaces and without."""
    assert parse_interval("30 s") == Interval(seconds=30.0)
    assert parse_interval(" 1.5min ") == Interval(seconds=90.0)
    assert parse_interval("2 h") == Interval(seconds=7200.0)
    assert parse_interval("1 epoch") == Interval(epochs=1)
    assert parse_interval(None) == Interval(seconds=10.0)


# What may not be resumed


@pytest.fixture
def begun(tmp_path):
    """The folder of a training of three epochs."""
    cr.train(make_network(), (X, Y), checkpoint=tmp_path / "run", **SETTINGS)
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 9}, "batch_size was 8, and now is 9"),
        ({"learning_rate": 0.25}, "learning_rate was 0.5, and now is 0.25"),
        ({"schedule": "cosine"}, "schedule was 'constant', and now is 'cosine'; the schedule gives other learning rates"),
        ({"schedule": lambda step, total: 0.5}, "the schedule gives other learning rates"),
        ({"optimizer": "adam"}, "optimizer.name was 'sgd', and now is 'adam'"),
        ({"optimizer": cr.optimizers.SGD(momentum=0.5)}, "optimizer.momentum was 0.0, and now is 0.5"),
        ({"l2": 0.1}, "l2 was 0.0, and now is 0.1"),
        ({"dropout": 0.5}, r"layers.0.dropout was 0.0, and now is 0.5"),
        ({"seed": 6}, "seed was 5, and now is 6"),
        ({"shuffle": False}, "shuffle was True, and now is False"),
        ({"validation": VALIDATION}, "the validation examples were not given when it was begun"),
        ({"rows": np.arange(50)}, "the rows to train on were not given when it was begun"),
        ({"epochs": 2}, "is a training of 3 epochs, which may become more, but not 2"),
    ],
)
def test_other_settings_are_refused_by_name(begun, changed, message):
    """A checkpoint is resumed with its own settings alone; the message names each that differs."""
    with pytest.raises(SettingError, match=message):
        cr.train(make_network(), (X, Y), checkpoint=begun, resume=True, **{**SETTINGS, **changed})


def test_other_networks_and_data_are_refused(begun):
    """A network of other sizes, activation or dtype, and data in which one number differs."""
    for network in (cr.Network([4, 5, 3], seed=5), make_network(activation="tanh"), make_network(dtype="float64")):
        with pytest.raises(SettingError, match="cannot be resumed"):
            cr.train(network, (X, Y), checkpoint=begun, resume=True, **SETTINGS)
    x = X.copy()
    x[-1, -1] += 1e-9
    with pytest.raises(SettingError, match="the training examples are other ones"):
        cr.train(make_network(), (x, Y), checkpoint=begun, resume=True, **SETTINGS)
    cr.train(make_network(), (X, Y), checkpoint=begun, resume=True, **SETTINGS)  # the refusals have released the folder


def test_another_engine_is_refused_unless_allowed(begun):
    """Bits are promised between equal engines; with another one resuming takes the user's word, and says so."""
    _, snapshot = read_checkpoint(RunFolder(begun).checkpoints()[0])
    other = "reference" if "fused" in snapshot.state.made_by else "fused"
    with pytest.raises(EngineError, match="its last digits would differ"):
        cr.train(make_network(), (X, Y), checkpoint=begun, resume=True, engine=other, **SETTINGS)
    with pytest.warns(CheckpointWarning, match="the last digits may differ"):
        cr.train(make_network(), (X, Y), checkpoint=begun, resume=True, engine=other, allow_other_engine=True, **SETTINGS)


def test_other_threads_of_blas_are_told(tmp_path):
    """The reference engine's bits may depend on the threads of BLAS; resuming with another number says so."""
    settings = {**SETTINGS, "engine": "reference", "checkpoint": tmp_path / "run"}
    cr.train(make_network(), (X, Y), threads=1, **settings)
    with pytest.warns(CheckpointWarning, match="1 threads of BLAS, and goes on with 2 threads of BLAS; the last digits may differ"):
        cr.train(make_network(), (X, Y), threads=2, resume=True, **settings)


def test_a_folder_that_is_not_empty_is_refused(begun, tmp_path):
    """Without ``resume`` a training begins in a folder of its own; a file, and a folder of other files, are refused too."""
    with pytest.raises(FileError, match=r"is not empty.*resume it, or name another folder"):
        cr.Run(make_network(), (X, Y), checkpoint=begun, **SETTINGS)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="is a file, not a folder"):
        cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "file", **SETTINGS)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("")
    with pytest.raises(FileError, match="name another folder"):
        cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "other", resume=True, **SETTINGS)


def test_a_folder_in_use_is_refused(tmp_path):
    """While one training goes on in a folder, another process or object cannot resume it."""
    run = cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "run", **SETTINGS)
    next(run)
    with pytest.raises(FileError, match="belongs to a training that is going on"):
        cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "run", resume=True, **SETTINGS)
    del run
    first, second = (cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "run", resume=True, **SETTINGS) for _ in range(2))
    for _ in first:
        pass
    with pytest.raises(FileError, match="was trained further by another training in the meantime"):
        next(second)


def test_a_change_of_the_working_directory_loses_no_checkpoint(tmp_path, monkeypatch):
    """A relative folder is the one at the beginning, also where the program changes its directory while it trains."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    run = cr.Run(make_network(), (X, Y), checkpoint="run", **SETTINGS)
    next(run)
    monkeypatch.chdir("other")
    for _ in run:
        pass
    assert len((tmp_path / "run" / "history.jsonl").read_text().splitlines()) == 3
    assert read_header(RunFolder(tmp_path / "run").checkpoints()[0]).stopped == "finished"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_link_to_a_folder_takes_the_checkpoints(tmp_path):
    """A link to an empty folder, such as one on a larger disk, stays a link, and the checkpoints lie where it points."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    cr.train(make_network(), (X, Y), checkpoint=tmp_path / "link", **SETTINGS)
    assert (tmp_path / "link").is_symlink()
    assert RunFolder(tmp_path / "disk").checkpoints()
    with pytest.raises(FileError, match="null"):
        cr.Run(make_network(), (X, Y), checkpoint="a\0b", **SETTINGS)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_an_empty_folder_stays_the_same_folder(tmp_path):
    """A folder that exists, such as a mount point, is not replaced by another: it keeps its mode and is written to alone."""
    (tmp_path / "run").mkdir(mode=0o2750)
    before = (tmp_path / "run").stat()
    cr.train(make_network(), (X, Y), checkpoint=tmp_path / "run", **SETTINGS)
    after = (tmp_path / "run").stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert read_header(RunFolder(tmp_path / "run").checkpoints()[0]).stopped == "finished"


def test_what_was_killed_before_its_first_checkpoint_begins_anew(tmp_path):
    """An empty lock and an unfinished file in a folder are no training; a lock with contents is a file of the user's."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").touch()
    (tmp_path / "run" / ".chainrule-0123456789abcdef").write_bytes(b"half")
    cr.train(make_network(), (X, Y), checkpoint=tmp_path / "run", resume=True, **SETTINGS)
    assert not list((tmp_path / "run").glob(".chainrule-*"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "lock").write_text("mine")
    with pytest.raises(FileError, match="is not empty"):
        cr.train(make_network(), (X, Y), checkpoint=tmp_path / "other", **SETTINGS)


def test_an_empty_folder_goes_to_one_training(tmp_path):
    """Of two trainings that both found it empty one gets it, and the other one is refused while it trains and afterwards."""
    (tmp_path / "run").mkdir()
    first, second, third = (cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "run", **SETTINGS) for _ in range(3))
    next(first)
    with pytest.raises(FileError, match="belongs to a training that is going on"):
        next(second)
    for _ in first:
        pass
    with pytest.raises(FileError, match="is not empty"):
        next(third)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_copy_writes_nothing_and_releases_no_lock(tmp_path):
    """A child that leaves the training by an exception neither waits for the parent's thread nor gives the parent's folder away."""
    run = cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "run", **SETTINGS)
    next(run)
    before = sorted((path.name, path.read_bytes()) for path in (tmp_path / "run").iterdir())
    child = os.fork()
    if not child:
        run.checkpoints.checkpoints._writing = Future()  # of the parent's thread, which the child does not have: it never ends
        run.interrupt()
        os._exit(0)
    deadline = time.monotonic() + 60
    while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < deadline:
        time.sleep(0.01)
    if not ended[0]:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert ended == (child, 0)
    assert sorted((path.name, path.read_bytes()) for path in (tmp_path / "run").iterdir()) == before
    with pytest.raises(FileError, match="belongs to a training that is going on"):
        cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "run", resume=True, **SETTINGS)
    for _ in run:
        pass


def test_a_run_that_the_writing_thread_collects_is_saved(tmp_path):
    """A Run left within its loop may be collected by the thread that writes checkpoints: it waits for no write of its own."""
    program = """
import gc, os, sys
import numpy as np
import chainrule as cr
from chainrule.checkpoints.checkpoints import _writing_thread

gc.disable()
x = np.random.default_rng(0).normal(size=(60, 4))
net = cr.Network([4, 3], seed=0)
for record in cr.Run(net, (x, (x[:, 0] > 0) * 1), epochs=5, batch_size=8, learning_rate=0.5, checkpoint=sys.argv[1]):
    if record.epoch == 2:
        break
run = cr.Run(net, (x, (x[:, 0] > 0) * 1), epochs=5, batch_size=8, learning_rate=0.5, checkpoint=sys.argv[2])
next(run)
del run
_writing_thread(os.getpid()).submit(gc.collect).result()
"""
    folders = [tmp_path / "a", tmp_path / "b"]
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, *map(str, folders)], check=True, timeout=60)
    assert [read_header(RunFolder(folder).checkpoints()[0]).epoch for folder in folders] == [3, 2]
    assert not any(RunFolder(folder).is_locked() for folder in folders)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"resume": True}, "resume is for a training with checkpoints in a folder: name it too, as checkpoint='folder'"),
        ({"allow_other_engine": True}, "allow_other_engine is for"),
        ({"checkpoint_every": "10 s"}, "checkpoint_every is for"),
        ({"checkpoint_notes": {}}, "checkpoint_notes is for"),
        ({"checkpoint_every": "5 epochs", "resume": True}, "checkpoint_every and resume are for"),
        ({"checkpoint": ""}, "checkpoint must be the path"),
        ({"checkpoint": 3}, "checkpoint must be the path"),
    ],
)
def test_settings_of_checkpoints_need_a_folder(settings, message):
    """Without a folder they have no effect: a training that was meant to be kept would be lost; for populations too."""
    with pytest.raises(SettingError, match=message):
        cr.Run(make_network(), (X, Y), **SETTINGS, **settings)
    with pytest.raises(SettingError, match=message):
        cr.train_population([make_network()], (X, Y), **SETTINGS, **settings)


def test_notes_must_be_json(tmp_path):
    """Notes that JSON cannot hold are refused before the training begins."""
    with pytest.raises(SettingError, match="checkpoint_notes"):
        cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "run", checkpoint_notes={"a": object()}, **SETTINGS)


def _nested(depth):
    value = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ({"a": "x" * (1 << 20)}, r"checkpoint_notes may take 1,048,576 bytes.*they take 1,048,585"),
        (_nested(33), "may be nested 32 deep"),
        (_nested(100_000), "JSON's types|nested 32 deep"),
    ],
)
def test_notes_are_limited(notes, message, tmp_path):
    """Notes that a reader would refuse are refused before the training begins, not when the first checkpoint is written."""
    with pytest.raises(SettingError, match=message):
        cr.Run(make_network(), (X, Y), checkpoint=tmp_path / "run", checkpoint_notes=notes, **SETTINGS)
    cr.train(make_network(), (X, Y), checkpoint=tmp_path / "run", checkpoint_notes=_nested(32), **SETTINGS)
    assert read_header(RunFolder(tmp_path / "run").checkpoints()[0]).notes == _nested(32)


# Damage


def test_a_damaged_checkpoint_is_told_and_the_one_before_is_used(begun):
    """Whichever byte of the newest file is altered, or wherever it is cut: a warning, and the same end."""
    whole = make_network()
    cr.train(whole, (X, Y), **SETTINGS)
    newest = RunFolder(begun).checkpoints()[0]
    intact = newest.read_bytes()
    rng = np.random.default_rng(0)
    for place in [*rng.integers(0, len(intact), 12), len(intact) - 1]:
        place %= len(intact)  # files differ in the digits of their times
        damaged = bytearray(intact)
        damaged[place] ^= 1 << rng.integers(8)
        newest.write_bytes(damaged if place % 2 else intact[:place])
        network = make_network()
        with pytest.warns(CheckpointWarning, match="goes on from the checkpoint before"):
            cr.train(network, (X, Y), checkpoint=begun, resume=True, **SETTINGS)
        assert parameter_bytes(network) == parameter_bytes(whole)
        newest.with_suffix(".damaged").unlink()
        newest = RunFolder(begun).checkpoints()[0]
        intact = newest.read_bytes()


def test_a_folder_without_an_intact_checkpoint_is_refused(begun):
    """Nothing is begun anew in silence where both checkpoints are damaged."""
    for file in RunFolder(begun).checkpoints():
        file.write_bytes(b"")
    with pytest.raises(ModelFileError, match="not an intact model file"):
        cr.train(make_network(), (X, Y), checkpoint=begun, resume=True, **SETTINGS)


def test_a_checkpoint_is_no_model_and_a_model_no_checkpoint(begun, tmp_path):
    """``load`` says how to use a checkpoint, and a model renamed to one is refused."""
    with pytest.raises(ModelFileError, match="holds a checkpoint of a training, not a model"):
        cr.load(RunFolder(begun).checkpoints()[0])
    make_network().save(begun / "checkpoint-999999.safetensors")
    with pytest.warns(CheckpointWarning, match="is a model file, not a checkpoint"):
        cr.train(make_network(), (X, Y), checkpoint=begun, resume=True, **SETTINGS)


def test_the_files_of_a_write_that_was_killed_are_removed(begun):
    """A temporary file that a killed process left in the folder is gone when the training is resumed."""
    (begun / ".chainrule-0123456789abcdef").write_bytes(b"half")
    cr.train(make_network(), (X, Y), checkpoint=begun, resume=True, **SETTINGS)
    assert not list(begun.glob(".chainrule-*"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"epoch": 9}, "its records, epochs and steps must agree"),
        ({"rows": 61}, "the rows that are done must be whole mini-batches"),
        ({"rows": 8}, "it must have a cost for each mini-batch"),
        ({"step": 5}, "its records, epochs and steps must agree"),
        ({"slots": ["m"]}, "its optimizer's slots are those of another optimizer"),
    ],
)
def test_a_checkpoint_made_by_hand_is_refused(begun, changed, message):
    """A file with a right checksum, but with a place or arrays that no training of these settings has."""
    folder = RunFolder(begun)
    header, snapshot = folder.newest()
    progress, state = snapshot.progress, snapshot.state
    progress = replace(progress, **{name: changed[name] for name in ("epoch", "rows") if name in changed})
    slots = dict.fromkeys(changed.get("slots", []), (*state.weights, *state.biases))
    state = replace(state, step=changed.get("step", state.step), slots=slots)
    write_checkpoint(folder.checkpoints()[0], header.settings, {}, replace(snapshot, progress=progress, state=state))
    with pytest.raises(ModelFileError, match=message):
        cr.train(make_network(), (X, Y), checkpoint=begun, resume=True, **SETTINGS)


# The history's file


def test_the_history_is_written_as_lines_of_json(begun):
    """One object an epoch, with the fields of an EpochRecord; resuming rewrites the lines of epochs that were lost."""
    lines = [json.loads(line) for line in (begun / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert set(lines[0]) == set(cr.EpochRecord._fields)
    with (begun / "history.jsonl").open("a") as file:
        file.write('{"epoch": 4, "cost": 0.0}\n{"epo')
    cr.train(make_network(), (X, Y), checkpoint=begun, resume=True, **{**SETTINGS, "epochs": 4})
    lines = [json.loads(line) for line in (begun / "history.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]
    assert lines[3]["cost"] > 0


# Populations


def test_a_population_is_resumed(tmp_path):
    """Each network has a folder of its own; those that had finished stay so, and all end with the bits of one never stopped."""
    settings = {**SETTINGS, "learning_rate": [0.1, 0.2, 0.3]}
    whole = [cr.Network([4, 6, 3], seed=k) for k in range(3)]
    cr.train_population(whole, (X, Y), **settings)
    networks = [cr.Network([4, 6, 3], seed=k) for k in range(3)]
    stop = iter([False, False, True])
    with pytest.raises(Stopped):
        cr.train_population(
            networks,
            (X, Y),
            callbacks=[lambda record: _raise(Stopped) if next(stop) else None],
            threads=1,
            checkpoint=tmp_path / "runs",
            **settings,
        )
    again = [cr.Network([4, 6, 3], seed=k) for k in range(3)]
    histories = cr.train_population(again, (X, Y), checkpoint=tmp_path / "runs", resume=True, **settings)
    assert [path.name for path in sorted((tmp_path / "runs").iterdir())] == ["000", "001", "002"]
    assert [len(history) for history in histories] == [3, 3, 3]
    for network, other in zip(again, whole, strict=True):
        assert parameter_bytes(network) == parameter_bytes(other)


def test_a_population_of_fewer_networks_is_refused(tmp_path):
    """Networks that were begun are not left out in silence; more may be added."""
    settings = {**SETTINGS, "checkpoint": tmp_path / "runs", "resume": True}
    cr.train_population([make_network() for _ in range(3)], (X, Y), **settings)
    with pytest.raises(FileError, match="holds the checkpoints of more than 2 networks; train as many, or name another folder"):
        cr.train_population([make_network() for _ in range(2)], (X, Y), **settings)
    histories = cr.train_population([make_network() for _ in range(4)], (X, Y), **settings)
    assert [history.stopped for history in histories] == ["finished"] * 4


def _raise(error):
    raise error


# Real signals and a real lack of space, in a process of its own

PROGRAM = """
import resource, signal, sys
import numpy as np
import chainrule as cr

folder, resume, epochs, fsize = sys.argv[1], sys.argv[2] == "resume", int(sys.argv[3]), int(sys.argv[4])
rng = np.random.default_rng(0)
x, y = rng.integers(0, 256, (2_000, 64)).astype(np.uint8), rng.integers(0, 10, 2_000)
if fsize:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

def limit(record):
    if fsize and record.epoch == 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (fsize, fsize))

net = cr.Network([64, 20, 10], seed=0)
print("begun", flush=True)
settings = {"epochs": epochs, "batch_size": 10, "learning_rate": 0.01, "optimizer": "adam", "dropout": 0.2}
checkpoints = {"checkpoint": folder, "checkpoint_every": "0.003 s", "resume": resume} if folder else {}
history = cr.train(net, (x, y), engine=ENGINE, threads=1, callbacks=[limit], **settings, **checkpoints)
print(history.stopped, len(history), hash(b"".join(w.tobytes() for w in net.weights)))
"""


def run_program(engine, *arguments, **settings):
    """Start the program above."""
    command = [sys.executable, "-c", PROGRAM.replace("ENGINE", repr(engine)), *map(str, arguments)]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **settings)


posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


@posix
@pytest.mark.parametrize("engine", ENGINES)
def test_a_training_that_is_killed_again_and_again_ends_with_the_same_bits(engine, tmp_path):
    """SIGKILL at random moments, until it has ended: the parameters of one that was never stopped."""
    epochs = 40 if engine == "fused" else 12
    whole = run_program(engine, "", "begin", epochs, 0).communicate(timeout=120)[0].splitlines()[-1]
    rng, kills, output = np.random.default_rng(1), 0, ""
    for _ in range(60):
        resume = "resume" if (tmp_path / "run").exists() else "begin"
        process = run_program(engine, tmp_path / "run", resume, epochs, 0)
        process.stdout.readline()
        try:
            output, errors = process.communicate(timeout=rng.uniform(0.02, 0.35) if kills < 5 else 120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0, errors
        break
    assert output.splitlines()[-1] == whole


@posix
def test_sigterm_leaves_a_checkpoint_and_ends_the_process(tmp_path):
    """A scheduler's SIGTERM: status 143, and a checkpoint after the last epoch or within the next."""
    process = run_program("auto", tmp_path / "run", "begin", 100_000, 0)
    process.stdout.readline()
    while not (tmp_path / "run" / "history.jsonl").exists():
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (143, "", "")
    header = read_header(RunFolder(tmp_path / "run").checkpoints()[0])
    lines = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    assert header.epoch == len(lines) + 1
    assert header.step == 200 * len(lines) + header.rows // 10


@posix
def test_a_full_disk_ends_no_training(tmp_path):
    """Where a checkpoint cannot be written, the training goes on, warns once, and keeps the last one that was."""
    process = run_program("auto", tmp_path / "run", "begin", 30, 2_000)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert output.splitlines()[-1].startswith("finished 30")
    assert errors.count("CheckpointWarning") == 1
    assert "File too large; the training goes on, and the last checkpoint that was written is kept" in errors
    assert read_header(RunFolder(tmp_path / "run").checkpoints()[0]).epoch <= 3


HISTORY_PROGRAM = """
import resource, sys
from pathlib import Path
sys.path.insert(0, TESTS)
import chainrule as cr
from chainrule.checkpoints import checkpoints
from chainrule.checkpoints.run_status import read_history
from training_cases import SETTINGS, X, Y, make_network

checkpoints.HISTORY_SECONDS = 0.0  # each epoch is a write of its own
folder, most_bytes, filled, freed = Path(sys.argv[1]), *map(int, sys.argv[2:])
history = folder / "history.jsonl"
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)

def limit(record):
    if record.epoch == filled:
        resource.setrlimit(resource.RLIMIT_FSIZE, (history.stat().st_size + most_bytes, unlimited[1]))
    if record.epoch == freed:
        print([record.epoch for record in read_history(history)], "whole" if history.read_text().endswith("\\n") else "half a line")
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)

if not filled:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, unlimited[1]))
settings = {**SETTINGS, "epochs": 9, "callbacks": [limit], "checkpoint_every": "1 epochs"}
trained = cr.train(make_network(), (X, Y), checkpoint=folder, resume=True, **settings)
print([record.cost for record in read_history(history)] == trained["cost"].tolist())
"""


def history_on_a_full_disk(folder, *, most_bytes, filled, freed):
    """Train to epoch 9, and after an epoch leave so few bytes to the history's file, until another one has ended."""
    program = HISTORY_PROGRAM.replace("TESTS", repr(str(Path(__file__).parent)))
    command = [sys.executable, "-c", program, folder, most_bytes, filled, freed]
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("CheckpointWarning") == 1
    return ended.stdout.splitlines()


@posix
def test_the_history_is_whole_again_once_a_full_disk_has_space(tmp_path):
    """A line of the history that a full disk cut short hides no later one: with the next checkpoint the file is written anew."""
    lines = history_on_a_full_disk(tmp_path / "run", most_bytes=10, filled=2, freed=5)
    assert lines == ["[1, 2] half a line", "True"]


@posix
def test_a_history_that_could_not_be_written_when_a_training_was_resumed_is_written_later(tmp_path):
    """Lines of a killed training, which a full disk kept from being replaced, hide none of those that come after them."""
    cr.train(make_network(), (X, Y), **{**SETTINGS, "epochs": 3}, checkpoint=tmp_path / "run")
    history = tmp_path / "run" / "history.jsonl"
    last = history.read_text().splitlines()[-1]
    with history.open("a") as file:
        file.writelines(last.replace('"epoch": 3', f'"epoch": {epoch}') + "\n" for epoch in (4, 5, 6))
    lines = history_on_a_full_disk(tmp_path / "run", most_bytes=300, filled=0, freed=5)
    assert lines == ["[1, 2, 3, 4, 5, 6] whole", "True"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of open files")
def test_a_population_resumes_with_few_open_files(tmp_path):
    """A population of more networks than a process may open files is resumed: only the networks in training hold their locks."""
    import resource

    def train(epochs):
        networks = [make_network() for _ in range(30)]
        cr.train_population(
            networks, (X, Y), **{**SETTINGS, "epochs": epochs}, threads=2, checkpoint=tmp_path / "runs", resume=True
        )
        return {parameter_bytes(network) for network in networks}

    whole = make_network()
    cr.train(whole, (X, Y), **SETTINGS)
    train(1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened = len(list(Path("/dev/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 20, hard))
    try:
        assert train(SETTINGS["epochs"]) == {parameter_bytes(whole)}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_folder_that_another_training_went_on_from_is_refused(tmp_path):
    """A resumed folder that was released, and trained on by another training in the meantime, is refused when its own begins."""
    cr.train(make_network(), (X, Y), **{**SETTINGS, "epochs": 1}, checkpoint=tmp_path / "run")
    run = cr.Run(make_network(), (X, Y), **SETTINGS, checkpoint=tmp_path / "run", resume=True)
    run.checkpoints.checkpoints.folder.close()
    cr.train(make_network(), (X, Y), **SETTINGS, checkpoint=tmp_path / "run", resume=True)
    with pytest.raises(FileError, match="was trained further by another training"):
        next(run)


@posix
def test_an_interrupt_while_the_writing_thread_starts_leaves_none_that_never_ends(tmp_path):
    """Ctrl-C that arrives within the first hand-over to the writing thread ends the training, and the process too."""
    program = f"""if True:
        import signal, sys, threading
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import chainrule as cr
        from training_cases import X, Y, make_network
        start = threading.Thread.start

        def interrupted_start(thread):
            start(thread)
            if thread.name.startswith("chainrule-checkpoints"):
                signal.raise_signal(signal.SIGINT)

        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread.start = interrupted_start
        settings = {{"epochs": 50, "batch_size": 8, "learning_rate": 0.5}}
        history = cr.train(make_network(), (X, Y), checkpoint={str(tmp_path / "run")!r}, checkpoint_every="1 epoch", **settings)
        print(history.stopped)
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


OUTLIVING = """
import sys, threading
import numpy as np
import chainrule as cr

def train():
    threading.main_thread().join()
    settings = {"epochs": 200, "batch_size": 10, "learning_rate": 0.1, "threads": 1}
    cr.train(network, (x, y), **settings, checkpoint=sys.argv[1], checkpoint_every="0.003 s")

x, y = np.random.default_rng(0).uniform(size=(500, 8)), np.arange(500) % 3
network = cr.Network([8, 5, 3], seed=0)
threading.Thread(target=train).start()
"""


def test_a_training_that_outlives_the_main_thread_writes_its_checkpoints(tmp_path):
    """Python accepts no more work for its pools of threads then; the training's own thread writes."""
    ended = subprocess.run([sys.executable, "-c", OUTLIVING, tmp_path / "run"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert read_header(RunFolder(tmp_path / "run").checkpoints()[0]).stopped == "finished"
    assert len((tmp_path / "run" / "history.jsonl").read_text().splitlines()) == 200
