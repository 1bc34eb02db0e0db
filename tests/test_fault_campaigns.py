"""The campaigns of faults, in their smallest form."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from benchmarks.faults import forks, memory, threads  # noqa: E402
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
