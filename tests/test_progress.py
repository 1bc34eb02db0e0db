"""The progress report: an epoch's line in a file and in a terminal, and the live line while an epoch goes on."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from sklearn.exceptions import ConvergenceWarning

import chainrule as cr
from chainrule.history import EpochRecord
from chainrule.progress import LiveLine, epoch_line, format_compact, format_duration, format_r2_results, live


def make_run(n=200, epochs=3, n_out=2, **settings):
    """Make a run over random data: labels for two outputs, values for one."""
    x = np.random.default_rng(0).normal(size=(n, 4))
    y = (x[:, 0] > 0).astype(int) if n_out > 1 else x[:, 0]
    network = cr.Network([4, 3, n_out], output=None if n_out > 1 else "identity", seed=0)
    return cr.Run(network, (x, y), **{"epochs": epochs, "batch_size": 10, "learning_rate": 0.5, **settings})


def terminal(width=80):
    """Make a console that treats its buffer as a terminal."""
    return Console(file=StringIO(), force_terminal=True, width=width, color_system="standard", no_color=True, legacy_windows=False)


def rendered(line, width=80):
    """Give the text that rich draws of a live line."""
    console = terminal(width)
    console.print(line)
    return console.file.getvalue()


def test_without_a_terminal_there_is_one_plain_line_an_epoch():
    """A file or a pipe gets each epoch's line, without terminal codes."""
    run, console = make_run(), Console(file=StringIO(), force_terminal=False)
    with live(run, console=console):
        records = list(run)
    assert console.file.getvalue().splitlines() == [epoch_line(record, 3) for record in records]


def test_a_plain_line_is_never_wrapped():
    """A line stays one line, however narrow the console, so that other programs can read it."""
    run, console = make_run(validation=(np.ones((2, 4)), [0, 1])), Console(file=StringIO(), force_terminal=False, width=20)
    with live(run, console=console):
        list(run)
    assert len(console.file.getvalue().splitlines()) == 3


def test_a_terminal_keeps_the_epochs_lines_and_erases_the_live_line():
    """The epochs' lines stay above the live line, which is erased at the end; the cursor is shown again."""
    run, console = make_run(), terminal()
    with live(run, console=console):
        records = list(run)
    text = console.file.getvalue()
    assert all(epoch_line(record, 3) in text for record in records)
    assert "epoch 1/3 " in text
    assert text.rindex("\x1b[?25h") > text.rindex("epoch")
    assert text.endswith("\x1b[1A\x1b[2K")


def test_the_cursor_is_shown_again_after_an_exception():
    """An exception within ``live`` leaves the cursor visible."""
    console = terminal()

    def broken(run):
        with live(run, console=console):
            next(run)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken(make_run())
    hidden, visible = console.file.getvalue().rindex("\x1b[?25l"), console.file.getvalue().rindex("\x1b[?25h")
    assert hidden < visible


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    """A terminal without cursor control gets the epochs' lines and no live line."""
    monkeypatch.setenv("TERM", "dumb")
    run, console = make_run(), terminal()
    with live(run, console=console):
        list(run)
    assert "\x1b" not in console.file.getvalue()


def test_the_bar_moves_within_an_epoch():
    """The bar shows the steps done, within an epoch too."""
    lines = []

    def draw_at_each_block(step, total):
        lines.append(rendered(LiveLine(run, lambda: 0.0), width=200))
        return np.ones(len(step))

    run = make_run(n=60_000, epochs=1, schedule=draw_at_each_block)
    next(run)
    filled = [line.count("━") for line in lines]
    assert all(line.startswith("epoch 1/1 ") for line in lines)
    assert filled[0] == 0
    assert filled[0] < filled[1] < filled[-1]


def test_the_time_left_is_estimated_from_the_clock():
    """After a third of the steps in 20 seconds, 40 seconds are left; the numbers are those of the last epoch."""
    run = make_run(epochs=3, validation=(np.ones((2, 4)), [0, 0]))
    times = iter([100.0, 120.0])
    line = LiveLine(run, lambda: next(times))
    record = next(run)
    text = rendered(line)
    assert text.startswith("epoch 2/3 ")
    assert f"cost {record.cost:.3g}" in text
    assert f"validation {100 * record.validation_accuracy:.2f} %" in text
    assert f"{format_compact(record.examples_per_second)} examples/s" in text
    assert text.rstrip().endswith("0:40 left")
    assert len(text.rstrip("\n")) <= 80


def test_before_the_first_step_there_are_no_figures():
    """The live line of a run that has not begun shows its epoch and a bar, and no time left."""
    text = rendered(LiveLine(make_run(), lambda: 0.0))
    assert text.startswith("epoch 1/3 ")
    assert "left" not in text
    assert "cost" not in text


def test_a_finished_run_stays_at_its_last_epoch():
    """The live line of a finished run of 3 epochs says epoch 3, not 4."""
    run = make_run()
    list(run)
    assert rendered(LiveLine(run, lambda: 0.0)).startswith("epoch 3/3 ")


def test_values_have_costs_and_no_accuracy():
    """Where y holds values, the validation cost is shown in place of the accuracy."""
    run = make_run(n_out=1, validation=(np.ones((2, 4)), [1.0, 1.0]))
    record = next(run)
    line = epoch_line(record, 3)
    assert f"validation {record.validation_cost:.3g}  " in line
    assert "%" not in line


@pytest.mark.parametrize(("r2", "text"), [(0.9512, "0.9512"), (0.99999, "0.9999"), (-1.25, "-1.2500")])
def test_r2_is_a_number_not_a_percentage(r2, text):
    """A regressor's R^2 is shown as a number, not as a percentage, in the epoch's line and in the live line."""
    run = make_run(n_out=1)
    record = EpochRecord(1, 0.0852, None, None, r2, 3.0, 0.82, 612_345.0)
    run.history.records.append(record)
    line = rendered(LiveLine(run, lambda: 0.0, format_r2_results))
    for report in (line, epoch_line(record, 3, format_r2_results)):
        assert f"cost 0.0852  validation R^2 {text}" in report
        assert "%" not in report


def test_a_regressors_epochs_are_reported_with_r2(capsys):
    """A regressor with early stopping reports its validation's R^2 as the estimator keeps it."""
    x = np.random.default_rng(0).normal(size=(60, 2))
    regressor = cr.MLPRegressor(max_iter=2, early_stopping=True, random_state=0, verbose="live", n_iter_no_change=50)
    with pytest.warns(ConvergenceWarning):
        regressor.fit(x, x[:, 0])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    for score, line in zip(regressor.validation_scores_, lines, strict=True):
        assert f"validation R^2 {score:.4f}  " in line


def test_a_line_fits_80_columns():
    """An epoch's line with all its figures is at most 80 columns wide."""
    assert len(epoch_line(EpochRecord(10, 0.0852, 0.8812, 0.0731, 0.9105, 3.0, 0.82, 612_345.0), 30)) <= 80


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (999.4, "999"), (1000, "1k"), (61_234, "61.2k"), (999_600, "1,000k"), (2.5e6, "2.5M")]
)
def test_large_numbers_are_short(number, text):
    """A speed is written with three digits and a letter, never with an exponent."""
    assert format_compact(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3600, "1:00:00")])
def test_durations_are_minutes_and_seconds(seconds, text):
    """A duration is minutes and seconds, with hours from one hour on."""
    assert format_duration(seconds) == text


def test_progress_writes_to_standard_output_and_keeps_the_callbacks(capsys):
    """``train(progress=True)`` prints each epoch's line, and calls the user's callbacks as without it."""
    x = np.random.default_rng(0).normal(size=(50, 2))
    records = []
    network = cr.Network([2, 2], seed=0)
    history = cr.train(
        network, (x, x.argmax(1)), epochs=2, batch_size=10, learning_rate=0.5, callbacks=[records.append], progress=True
    )
    assert capsys.readouterr().out.splitlines() == [epoch_line(record, 2) for record in history]
    assert records == history.records


def test_the_live_line_changes_no_bit():
    """The same training with and without a live line gives the same parameters, bit for bit."""
    plain, watched = make_run(), make_run()
    list(plain)
    with live(watched, console=terminal()):
        list(watched)
    assert all(np.array_equal(a, b) for a, b in zip(plain.network.weights, watched.network.weights, strict=True))
