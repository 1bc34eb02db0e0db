"""``chainrule replay``: the files that it writes, and how it goes on after an end at any moment."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cli_helpers import ENVIRONMENT, MAIN_WITH_SIGINT

import chainrule as cr
from chainrule.cli.replay_job import ReplayJob, ReplayRequest
from chainrule.datasets import Dataset
from chainrule.replay.experiments import EXPERIMENTS

pytest.importorskip("matplotlib")

TINY = tuple(replace(one, sizes=(784, 4, 10), epochs=2, rows=None) for one in EXPERIMENTS[:2])


@pytest.fixture(scope="module")
def data():
    """MNIST's first images."""
    mnist = cr.datasets.mnist()
    return Dataset("little MNIST", mnist.train[:150], mnist.validation[:50], mnist.test[:50])


def replay(data, **settings):
    """Replay two tiny experiments."""
    ReplayJob(ReplayRequest(**settings), experiments=TINY, data=data).run()


def results():
    """Read the lines of the results."""
    return [json.loads(line) for line in Path("replay/results.jsonl").read_text().splitlines()]


def test_it_writes_results_tables_pictures_and_a_page(data, capsys):
    """Each training is a line; the table is printed, and the CSV, the Markdown, both pictures and the page are there."""
    replay(data, seeds=3)
    assert sorted((one["experiment"], one["seed"]) for one in results()) == [
        (name, seed) for name in ("quadratic-100", "quadratic-30") for seed in range(3)
    ]
    files = {path.name for path in Path("replay").iterdir()} - {".lock"}
    assert files == {"results.jsonl", "table.csv", "table.md", "replay.png", "replay.svg", "report.html"}
    out = capsys.readouterr().out
    assert "quadratic-30: 3 trainings done" in out
    assert "figures of the book inside the range of our seeds: 0 of 1, and 3 that could not be compared; the report is" in out
    assert Path("replay/replay.png").read_bytes().startswith(b"\x89PNG")
    assert "darkness" in Path("replay/table.md").read_text()


def test_more_seeds_extend_the_results(data, capsys):
    """With more seeds only those that are missing are trained; with fewer, none, and only those are counted."""
    replay(data, seeds=2, plots=False)
    before = Path("replay/results.jsonl").read_bytes()
    replay(data, seeds=4, plots=False)
    after = Path("replay/results.jsonl").read_bytes()
    assert after.startswith(before)
    assert len(results()) == 8
    assert "4 trainings of 8 are in replay/results.jsonl" in capsys.readouterr().out
    replay(data, seeds=3, plots=False)
    assert Path("replay/results.jsonl").read_bytes() == after
    assert Path("replay/table.csv").read_text().splitlines()[1].split(",")[-9] == "3"


def test_a_damaged_line_is_trained_again(data, capsys):
    """A line that cannot be read is skipped with a warning, and its training gives the same numbers again."""
    replay(data, seeds=2, plots=False)
    path = Path("replay/results.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:3], lines[3][:40]]))
    capsys.readouterr()
    replay(data, seeds=2, plots=False)
    assert "warning: line 4 of replay/results.jsonl is skipped" in capsys.readouterr().err
    last = path.read_text().splitlines()[-1]
    again, original = json.loads(last), json.loads(lines[3])
    assert {**again, "seconds": 0} == {**original, "seconds": 0}


def test_results_of_other_settings_are_not_mixed(data, capsys):
    """Results of other data are left in the file and not counted; a message says so."""
    replay(data, seeds=2, plots=False)
    replay(Dataset("other", data.train[:140], data.validation, data.test), seeds=2, plots=False)
    assert "warning: 4 results in replay/results.jsonl are of other settings" in capsys.readouterr().err
    assert len(results()) == 8


def test_json_has_an_object_for_each_figure(data, capsys):
    """With --json standard output holds one object for each figure, and nothing else."""
    replay(data, seeds=3, plots=False, as_json=True, names=("quadratic-30",))
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["experiment"], row["measured"], row["book"]) for row in rows] == [
        ("quadratic-30", "first epoch", 0.9129),
        ("quadratic-30", "best epoch", 0.9542),
    ]


def test_the_svm_is_fitted_once(data, capsys):
    """--svm adds a row that says its images, fitted in the first run alone."""
    for _ in range(2):
        replay(data, seeds=2, plots=False, svm_rows=150, names=("quadratic-30",))
    assert [one["experiment"] for one in results()].count("svm-150") == 1
    assert capsys.readouterr().out.count("Fitted on the first 150 images; the book's on 50,000.") == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--seeds", 0), "--seeds must be a whole number of at least 1; it is 0"),
        (("--threads", 0), "--threads must be a whole number of at least 1; it is 0"),
        (("--only", "l2-3"), "unknown experiment 'l2-3'; did you mean 'l2-30'"),
        (("--only", "darkness"), "darkness is no training: it is computed, within a second, whenever --only is not given"),
        (("--only", "svm"), "the SVM is fitted by --svm ROWS"),
        (("--svm", 5), "the SVM is fitted to 100 to 50,000 images; the number given is 5"),
        (("--out", "taken"), "cannot write to the folder taken"),
    ],
)
def test_a_mistake_is_one_line(run, options, message):
    """An option out of its range, an unknown experiment or a folder that is a file ends with status 2 and one line."""
    Path("taken").write_text("")
    status, out, err = run("replay", *options)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not Path("replay").exists()


@pytest.mark.skipif(os.name == "nt", reason="the signals are those of POSIX")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_replay_goes_on(number):
    """After SIGKILL or Ctrl-C the same command trains the rest: results kept so far stay, and each training is there once."""
    command = [sys.executable, "-c", MAIN_WITH_SIGINT, "replay", "--only", "rate-too-high", "--seeds", "3", "--threads", "1"]
    command += ["--no-plot"]
    path = Path("replay/results.jsonl")
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while not (path.exists() and path.read_bytes()) and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (-9 if number == signal.SIGKILL else 130)
    if number == signal.SIGINT:
        assert "chainrule: interrupted; the same command trains the" in err
        assert "Traceback" not in err
    kept = path.read_bytes()
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert path.read_bytes().startswith(kept)
    assert [one["seed"] for one in results()] == [0, 1, 2]
    assert f"{kept.count(b'seed')} training" in done.stdout
