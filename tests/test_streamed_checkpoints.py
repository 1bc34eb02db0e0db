"""Checkpoints of trainings on rows of files: one that was stopped at any step goes on from there, and ends with the same bits."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from row_sets import draw_rows, write_rows, write_set
from test_checkpoints import without_times
from training_cases import parameter_bytes

import chainrule as cr
from chainrule.checkpoints.run_folder import RunFolder
from chainrule.checkpoints.run_status import read_status
from chainrule.engines import ENGINES
from chainrule.errors import ModelFileError, SettingError

SIZES = (40, 13, 27, 55, 1)
SETTINGS = {"epochs": 3, "batch_size": 8, "learning_rate": 0.3, "threads": 1}
STEPS = 3 * 17
WINDOW = 60 * (3 * 4 + 8)


def make_network():
    return cr.Network([3, 5, 2], cost="log_loss", seed=0)


def stop_at(step, folder, source, **settings):
    """Train some steps, and drop the training."""
    run = cr.Run(make_network(), source, checkpoint=folder, **{**SETTINGS, **settings})
    while run.done < step:
        run.advance(step - run.done)
    run._blocks.close()


CASES = {
    "plain": {},
    "adam": {"optimizer": "adam", "learning_rate": 0.01, "dropout": 0.2},
    "in order": {"shuffle": False, "optimizer": "momentum"},
    "large batches": {"batch_size": 50},
    "validation": {"early_stopping": 5},
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_a_resumed_training_has_the_bits_of_one_never_stopped(tmp_path, case, standardize, engine):
    """Within a window, between two, in the first epoch or a later one: parameters, costs and the best epoch are the same."""
    write_set(tmp_path, SIZES)
    (tmp_path / "test").mkdir()
    write_set(tmp_path / "test", (30, 25), seed=3)
    settings = {**SETTINGS, **CASES[case], "engine": engine}

    def sources():  # made anew, as in another process
        if "early_stopping" in settings:
            settings["validation"] = cr.rows(tmp_path / "test/*.parquet", target="y", window_bytes=WINDOW)
        return cr.rows(tmp_path / "*.parquet", target="y", window_bytes=WINDOW, standardize=standardize)

    whole = make_network()
    history = cr.train(whole, sources(), **settings)
    steps = 3 * -(-sum(SIZES) // settings["batch_size"])
    for stop in {1, 2, 7, 17, 18, 30, steps - 1} & set(range(1, steps)):
        stop_at(stop, tmp_path / f"run{stop}", sources(), **settings)
        network = make_network()
        resumed = cr.train(network, sources(), checkpoint=tmp_path / f"run{stop}", resume=True, **settings)
        assert parameter_bytes(network) == parameter_bytes(whole)
        assert without_times(resumed) == without_times(history)
        assert (resumed.best_epoch, resumed.stopped) == (history.best_epoch, history.stopped)
        assert network.plan.dtype == whole.plan.dtype


def change_a_number(folder):
    """Write one number of the fourth file anew, by its last digit."""
    x, y = draw_rows(sum(SIZES))
    x[100, 1] = np.nextafter(x[100, 1], np.inf)
    write_rows(folder / "03.parquet", x[80:135], y[80:135])


def swap_two_rows(folder):
    """Swap two rows of a file: every statistic of the columns stays."""
    x, y = draw_rows(sum(SIZES))
    rows = np.arange(80, 135)
    rows[[3, 30]] = rows[[30, 3]]
    write_rows(folder / "03.parquet", x[rows], y[rows])


def add_a_row_group(folder):
    """Divide a file into more row groups, which are drawn in an order of their own."""
    x, y = draw_rows(sum(SIZES))
    write_rows(folder / "03.parquet", x[80:135], y[80:135], row_group_size=30)


@pytest.mark.parametrize("change", [change_a_number, swap_two_rows, add_a_row_group])
def test_rows_that_are_not_those_of_the_beginning_are_refused(tmp_path, change):
    """A number, the order of two rows, or the row groups are other ones: the training would end elsewhere."""
    write_set(tmp_path, SIZES)
    stop_at(20, tmp_path / "run", cr.rows(tmp_path / "*.parquet", target="y"))
    change(tmp_path)
    with pytest.raises(SettingError, match="the training examples are other ones"):
        cr.train(make_network(), cr.rows(tmp_path / "*.parquet", target="y"), checkpoint=tmp_path / "run", resume=True, **SETTINGS)


@pytest.mark.parametrize("validates", [False, True])
def test_what_decides_the_order_or_the_scale_is_compared(tmp_path, validates):
    """Another ``window_bytes`` or ``standardize``, of the training or of its validation, is refused by name; so are examples."""
    x, y = write_set(tmp_path, SIZES)

    def settings(**own):
        source = cr.rows(tmp_path / "*.parquet", target="y", **({} if validates else own))
        given = {**SETTINGS, "validation": cr.rows(tmp_path / "*.parquet", target="y", **(own if validates else {}))}
        return {"examples": source, "checkpoint": tmp_path / "run", "resume": True, **given}

    run = cr.Run(make_network(), **{**settings(), "resume": False})
    run.advance(20)
    run._blocks.close()
    name = "validation_source" if validates else "source"
    with pytest.raises(SettingError, match=rf"{name}.window_bytes was 67108864, and now is 1200"):
        cr.train(make_network(), **settings(window_bytes=1200))
    if not validates:
        with pytest.raises(SettingError, match=r"source.standardize was False, and now is True"):
            cr.train(make_network(), **settings(standardize=True))
        with pytest.raises(SettingError, match="the training examples are other ones"):
            cr.train(make_network(), **{**settings(), "examples": (x, y), "validation": (x, y)})


def test_a_checkpoint_of_standardized_columns_is_no_model(tmp_path):
    """Its parameters are for scaled columns: as a model it is refused with the remedy, and the resumed network takes raw rows."""
    write_set(tmp_path, SIZES)
    source = cr.rows(tmp_path / "*.parquet", target="y", standardize=True)
    stop_at(20, tmp_path / "run", source)
    with pytest.raises(ModelFileError, match="go on with the training, which gives the model"):
        cr.load(RunFolder(tmp_path / "run").checkpoints()[0])
    assert read_status(tmp_path / "run").header.settings["examples"] == sum(SIZES)
    network = make_network()
    run = cr.Run(network, source, checkpoint=tmp_path / "run", resume=True, **SETTINGS)
    run.advance(1)  # within the second epoch: the network is that of the first, for raw rows
    once = make_network()
    cr.train(once, source, **{**SETTINGS, "epochs": 1})
    assert parameter_bytes(network) == parameter_bytes(once)
    run._blocks.close()
    with pytest.raises(SettingError, match="train a new one"):
        cr.Run(network, source, checkpoint=tmp_path / "run", resume=True, **SETTINGS)


PROGRAM = """
import sys
import chainrule as cr
files, folder = sys.argv[1:]
net = cr.Network([3, 20, 2], cost="log_loss", seed=0)
source = cr.rows(files, target="y", standardize=True, window_bytes=300 * 20)
settings = {"epochs": 40, "batch_size": 8, "learning_rate": 0.01, "optimizer": "adam", "dropout": 0.2, "threads": 1}
checkpoints = {"checkpoint": folder, "checkpoint_every": "0.003 s", "resume": True} if folder else {}
print("begun", flush=True)
history = cr.train(net, source, **settings, **checkpoints)
print(history.stopped, len(history), b"".join(w.tobytes() for w in net.weights).hex())
"""


def run_program(*arguments):
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_training_that_is_killed_again_and_again_ends_with_the_same_bits(tmp_path):
    """SIGKILL at random moments, until it has ended: the parameters of one that was never stopped."""
    write_set(tmp_path, (300, 120, 200, 280, 250, 90) * 2)
    expected = run_program(tmp_path / "*.parquet", "").communicate(timeout=120)[0]
    rng, kills = np.random.default_rng(1), 0
    while True:
        process = run_program(tmp_path / "*.parquet", tmp_path / "run")
        assert process.stdout.readline() == "begun\n"
        time.sleep(rng.uniform(0.02, 0.3) if kills < 8 else 0)
        if kills < 8:
            os.kill(process.pid, signal.SIGKILL)
        output = process.communicate(timeout=120)[0]
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        kills += 1
    assert kills >= 3
    assert "begun\n" + output == expected
