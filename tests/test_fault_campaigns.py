"""The campaigns of faults, in their smallest form."""

import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.cli import app

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from benchmarks.faults import environment, forks, interrupts, memory, threads  # noqa: E402
from benchmarks.faults.trials import Trials, require  # noqa: E402


def test_trials_count_faults(capsys):
    """An error within a trial is a fault, the next trial is made, and the summary says that something was lost."""
    trials = Trials("of a test")
    with trials.trial("good"):
        require(True, "no fault")
    assert trials.end()
    with trials.trial("bad"):
        require(False, "lost it")
    with trials.trial("good again") as notes:
        notes.append("seen")
    assert not trials.end()
    assert "of a test: 3 trials, 1 lost something" in capsys.readouterr().out


def test_a_skipped_part_is_told(capsys, monkeypatch, tmp_path):
    """A part that cannot be tried here is named with its reason, at once and in the summary."""
    monkeypatch.setattr(environment, "LIBFAKETIME", tmp_path / "none")
    monkeypatch.setattr(environment, "prepare", lambda folder: None)
    monkeypatch.setattr(environment, "CAMPAIGNS", {environment.clock: ("faketime",)})
    assert environment.run(1, 0)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "SKIPPED clock: needs faketime",
        "environment: 0 trials, 0 lost something, 1 parts skipped",
        "  SKIPPED clock: needs faketime",
    ]


def test_the_endings_of_libraries_are_told_apart():
    """A process that OpenBLAS or the loader ended is named so; any other without one line of the library is a fault."""
    for status, errors, note in (
        (0, "", "works"),
        (1, "chainrule: error: not enough memory\n", "status 1: chainrule: error: not enough memory"),
        (127, "cannot allocate memory for thread-local data: ABORT\n", "ended by a library"),
    ):
        assert environment.judge(subprocess.CompletedProcess([], status, "", errors), (0, 1, 2)).startswith(note)
    for status, errors in ((-11, "chainrule: error: not enough memory\n"), (1, ""), (127, "lost"), (1, "Traceback (most recent")):
        with pytest.raises(AssertionError):
            environment.judge(subprocess.CompletedProcess([], status, "", errors), (0, 1, 2))


def test_every_command_is_interrupted():
    """The campaign of Ctrl-C has each command of the program."""
    interrupted = {command.split()[0] for command in (*interrupts.COMMANDS, *interrupts.ENDLESS)}
    assert interrupted - {"--version"} == set(app.commands)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_threads_at_once(tmp_path, monkeypatch):
    """A few threads that train, save, load and predict at once have the results of one thread, and one wins a folder."""
    monkeypatch.setattr(threads, "ROUNDS", 1)
    trials = Trials("threads")
    threads.try_own_networks(trials, 4, 0, tmp_path)
    threads.try_one_file(trials, 8, 0, tmp_path / "one.safetensors")
    threads.try_one_folder(trials, 8, tmp_path)
    assert trials.end()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_readers_of_a_file_that_is_replaced(tmp_path):
    """Processes that load a file while it is replaced see whole files alone."""
    trials = Trials("processes")
    forks.try_replacement(trials, tmp_path / "model.safetensors", replacements=20)
    assert trials.end()


def test_growing_memory_is_seen():
    """Memory that grows by more than the allowance over the last three quarters is a fault; flat memory is none."""
    trials = Trials("memory")
    memory.report(trials, "flat", 1_000, [90.0] * 10 + [100.0] * 30)
    assert trials.end()
    memory.report(trials, "growing", 1_000, [100 + 0.1 * k for k in range(40)])
    assert not trials.end()
