"""The lines that a training shows: on paper, in a terminal, and while an epoch goes on."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import chainrule as cr
from chainrule.history import EpochRecord
from chainrule.progress import LiveLine, OutputWarning, clock, compact, epoch_line, live


def drawn(n=200, epochs=3, n_out=2, **settings):
    """A run over drawn data: labels for two outputs, values for one."""
    x = np.random.default_rng(0).normal(size=(n, 4))
    y = (x[:, 0] > 0).astype(int) if n_out > 1 else x[:, 0]
    network = cr.Network([4, 3, n_out], output=None if n_out > 1 else "identity", seed=0)
    return cr.Run(network, (x, y), **{"epochs": epochs, "batch_size": 10, "learning_rate": 0.5, **settings})


def terminal(width=80):
    """A console that believes its buffer to be a terminal."""
    return Console(file=StringIO(), force_terminal=True, width=width, color_system="standard", no_color=True, legacy_windows=False)


def shown(line, width=80):
    """What rich draws of a live line."""
    console = terminal(width)
    console.print(line)
    return console.file.getvalue()


def test_without_a_terminal_there_is_one_plain_line_an_epoch():
    """A file or a pipe gets the line of each epoch, and no terminal codes."""
    run, console = drawn(), Console(file=StringIO(), force_terminal=False)
    with live(run, console=console):
        records = list(run)
    assert console.file.getvalue().splitlines() == [epoch_line(record, 3) for record in records]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux's")
def test_a_full_disk_is_a_warning():
    """Where standard output cannot be written the training goes on, and a warning says why nothing is shown; it comes once."""
    code = (
        "import warnings; warnings.simplefilter('always'); import numpy as np, chainrule as cr; "
        "run = cr.Run(cr.Network([4, 2], seed=0), (np.eye(4), [0, 1, 0, 1]), epochs=3, batch_size=2, "
        "learning_rate=1.0, progress=True); "
        "assert len(list(run)) == 3"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment
        )
    assert done.returncode == 0
    assert done.stderr.count(f"{OutputWarning.__name__}: cannot write standard output (No space left") == 1


def test_a_plain_line_is_never_wrapped():
    """A line stays one line, however narrow the console, so that other programs can read it."""
    run, console = drawn(validation=(np.ones((2, 4)), [0, 1])), Console(file=StringIO(), force_terminal=False, width=20)
    with live(run, console=console):
        list(run)
    assert len(console.file.getvalue().splitlines()) == 3


def test_a_terminal_keeps_the_epochs_and_loses_the_live_line():
    """The epochs' lines stay above the live line, which is erased at the end; the cursor is shown again."""
    run, console = drawn(), terminal()
    with live(run, console=console):
        records = list(run)
    text = console.file.getvalue()
    assert all(epoch_line(record, 3) in text for record in records)
    assert "epoch 1/3 " in text
    assert text.rindex("\x1b[?25h") > text.rindex("epoch")
    assert text.endswith("\x1b[1A\x1b[2K")


def test_the_terminal_is_given_back_when_a_training_breaks_off():
    """An exception inside leaves the cursor as it was."""
    console = terminal()

    def broken(run):
        with live(run, console=console):
            next(run)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken(drawn())
    hidden, given_back = console.file.getvalue().rindex("\x1b[?25l"), console.file.getvalue().rindex("\x1b[?25h")
    assert hidden < given_back


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    """Where a line cannot be redrawn, none is."""
    monkeypatch.setenv("TERM", "dumb")
    run, console = drawn(), terminal()
    with live(run, console=console):
        list(run)
    assert "\x1b" not in console.file.getvalue()


def test_the_bar_moves_within_an_epoch():
    """The live line follows the steps that are done, of the epoch that goes on."""
    lines = []

    def watching(step, total):
        lines.append(shown(LiveLine(run, lambda: 0.0), width=200))
        return np.ones(len(step))

    run = drawn(n=60_000, epochs=1, schedule=watching)
    next(run)
    filled = [line.count("━") for line in lines]
    assert all(line.startswith("epoch 1/1 ") for line in lines)
    assert filled[0] == 0
    assert filled[0] < filled[1] < filled[-1]


def test_the_time_left_is_reckoned_from_the_clock():
    """After a third of the steps in 20 seconds, 40 seconds are left; the numbers are those of the last epoch."""
    run = drawn(epochs=3, validation=(np.ones((2, 4)), [0, 0]))
    times = iter([100.0, 120.0])
    line = LiveLine(run, lambda: next(times))
    record = next(run)
    text = shown(line)
    assert text.startswith("epoch 2/3 ")
    assert f"cost {record.cost:.3g}" in text
    assert f"validation {100 * record.validation_accuracy:.2f} %" in text
    assert f"{compact(record.examples_per_second)} examples/s" in text
    assert text.rstrip().endswith("0:40 left")
    assert len(text.rstrip("\n")) <= 80


def test_before_the_first_step_nothing_is_claimed():
    """The live line of a run that has not begun holds its epoch and a bar, and no time left."""
    text = shown(LiveLine(drawn(), lambda: 0.0))
    assert text.startswith("epoch 1/3 ")
    assert "left" not in text
    assert "cost" not in text


def test_a_finished_run_stays_at_its_last_epoch():
    """There is no epoch 4 of 3."""
    run = drawn()
    list(run)
    assert shown(LiveLine(run, lambda: 0.0)).startswith("epoch 3/3 ")


def test_values_have_costs_and_no_accuracy():
    """Where y holds values, the validation's cost stands where its accuracy would."""
    run = drawn(n_out=1, validation=(np.ones((2, 4)), [1.0, 1.0]))
    record = next(run)
    line = epoch_line(record, 3)
    assert f"validation {record.validation_cost:.3g}  " in line
    assert "%" not in line


def test_a_line_fits_80_columns():
    """With everything in it, an epoch's line is at most 80 columns wide."""
    assert len(epoch_line(EpochRecord(10, 0.0852, 0.8812, 0.0731, 0.9105, 3.0, 0.82, 612_345.0), 30)) <= 80


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (999.4, "999"), (1000, "1k"), (61_234, "61.2k"), (999_600, "1,000k"), (2.5e6, "2.5M")]
)
def test_large_numbers_are_short(number, text):
    """Three digits and a letter say how fast it goes, never an exponent."""
    assert compact(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3600, "1:00:00")])
def test_durations_are_read_as_on_a_clock(seconds, text):
    """Minutes and seconds, hours where there are some."""
    assert clock(seconds) == text


def test_progress_writes_to_standard_output_and_keeps_the_callbacks(capsys):
    """``train(progress=True)`` shows its epochs, and the user's own callbacks are called as before."""
    x = np.random.default_rng(0).normal(size=(50, 2))
    seen = []
    network = cr.Network([2, 2], seed=0)
    history = cr.train(
        network, (x, x.argmax(1)), epochs=2, batch_size=10, learning_rate=0.5, callbacks=[seen.append], progress=True
    )
    assert capsys.readouterr().out.splitlines() == [epoch_line(record, 2) for record in history]
    assert seen == history.records


def test_showing_changes_no_bit_of_the_training():
    """The same training with and without a live line ends at the same parameters."""
    plain, watched = drawn(), drawn()
    list(plain)
    with live(watched, console=terminal()):
        list(watched)
    assert all(np.array_equal(a, b) for a, b in zip(plain.network.weights, watched.network.weights, strict=True))
