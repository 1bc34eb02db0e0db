"""``train --checkpoint`` and ``--resume``, ``info`` of a run's folder, and ``runs``."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import ENVIRONMENT, MAIN_WITH_SIGINT
from safetensors.numpy import load_file

import chainrule as cr
from chainrule.checkpoints.run_folder import RunFolder
from chainrule.checkpoints.run_status import read_history
from chainrule.cli import main
from chainrule.cli.runs import SORTED_BY
from chainrule.tensor_file import open_tensors, write_tensors

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
DIGITS = ("train", "digits", "--hidden", "16", "--epochs", "6", "--early-stopping", "0", "--seed", "3")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Run the program where its models go."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def program(capsys):
    """Run the program in this process; give its status, output and errors."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return exit_.value.code or 0, captured.out, captured.err

    return run


def start(*arguments):
    """Start the program, to be killed."""
    command = [sys.executable, "-c", MAIN_WITH_SIGINT, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def wait_for(condition, process):
    """Wait until something is true of a process that is running."""
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def stop_after_an_epoch(number, folder, *arguments):
    """Start a training with checkpoints, and send it a signal after its first epoch; give its status, output and errors."""
    process = start(*arguments, "--checkpoint", folder, "--checkpoint-every", "0.01 s")
    wait_for((Path(folder) / "history.jsonl").exists, process)
    wait_for(lambda: (Path(folder) / "history.jsonl").read_text().count("\n") > 0, process)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


LONG = ("train", "digits", "--hidden", "64", "--epochs", "300", "--early-stopping", "0", "--seed", "3")


@posix
def test_a_terminal_that_is_closed_ends_the_training_with_a_last_checkpoint(tmp_path):
    """A training that draws its live line in a terminal ends with status 129 when that is closed, and goes on from where it was."""
    import fcntl
    import pty
    import termios

    master, terminal = pty.openpty()

    def take_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    arguments = ("train", "digits", "--hidden", "16", "--epochs", "100000", "--early-stopping", "0", "--checkpoint", "run")
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN_WITH_SIGINT, *arguments],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**ENVIRONMENT, "TERM": "xterm"},
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(terminal)
    wait_for(lambda: b"epoch" in os.read(master, 4096) and (tmp_path / "run" / "history.jsonl").exists(), process)
    os.close(master)
    assert process.wait(timeout=60) == 129
    header = RunFolder(tmp_path / "run").header()
    assert header.stopped == ""
    assert header.epoch == len((tmp_path / "run" / "history.jsonl").read_text().splitlines()) + 1


@posix
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_training_that_was_stopped_goes_on(number, program):
    """After SIGKILL, SIGTERM, SIGHUP or Ctrl-C, --resume needs nothing else, and saves the model of a training never stopped."""
    assert program(*LONG, "--out", "whole.safetensors", "--quiet")[0] == 0
    status, _, errors = stop_after_an_epoch(number, "run", *LONG)
    assert status == {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}[number]
    if number != signal.SIGKILL:
        assert errors.rstrip().endswith("go on with: chainrule train --resume run")
    status, output, errors = program("train", "--resume", "run")
    assert status == 0, errors
    assert "resumed in epoch" in output
    whole, resumed = cr.load("whole.safetensors"), cr.load("digits.safetensors")
    assert all((a == b).all() for a, b in zip(whole.weights, resumed.weights, strict=True))
    assert resumed.provenance.data == whole.provenance.data


def test_a_table_goes_on(program):
    """A table's networks have folders of their own in the folder, and the resumed model answers as one never stopped."""
    rng = np.random.default_rng(0)
    rows = [
        f"{a:.3f},{'xyz'[int(b)]},{'yes' if a + b > 1.2 else 'no'}"
        for a, b in zip(rng.normal(size=300), rng.integers(0, 3, 300), strict=True)
    ]
    Path("t.csv").write_text("\n".join(["a,b,answer", *rows]))
    command = ("train", "t.csv", "--target", "answer", "--networks", "2", "--epochs", "3")
    assert program(*command, "--out", "whole.safetensors", "--checkpoint", "runs")[0] == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == ["000", "001"]
    shutil.rmtree("runs/001")  # as if it had been killed before the second network began
    status, output, errors = program("train", "--resume", "runs", "--out", "again.safetensors")
    assert status == 0, errors
    assert "resumed from runs: 1 of 2 networks had ended, 1 not begun" in output
    table = cr.read_table("t.csv")
    assert (cr.load("again.safetensors").predict_proba(table) == cr.load("whole.safetensors").predict_proba(table)).all()
    status, output, _ = program("info", "runs")
    assert status == 0
    assert output.count("finished") == 2


@pytest.fixture
def begun(program):
    """The folder of a training from the command line."""
    assert program(*DIGITS, "--checkpoint", "run", "--quiet")[0] == 0
    return "run"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--hidden", "32"), "was begun with --hidden 16, which --hidden contradicts"),
        (("--seed", "4"), "was begun with --seed 3, which --seed contradicts"),
        (("--learning-rate", "0.5"), "was begun with --learning-rate 0.003"),
        (("--epochs", "5"), "was begun with --epochs 6"),
        (("--engine", "reference"), "was begun with --engine auto"),
        (("--target", "a"), "was begun without --target"),
        (("mnist",), "which DATA contradicts"),
        (("--drop", "a"), "was begun without --drop, which --drop contradicts"),
        (("--category", "a"), "was begun without --category, --number, --date or --text, which"),
        (("--checkpoint", "other"), "--resume names the folder"),
    ],
)
def test_an_option_that_contradicts_is_refused(begun, program, options, message):
    """An option that differs from the training's own is refused by name, and nothing is changed."""
    status, _, errors = program("train", *options, "--resume", begun)
    assert status == 2
    assert message in errors
    assert errors.count("\n") == 1


def test_an_option_that_agrees_is_no_contradiction(begun, program):
    """The training's own values, more epochs, and options that change no result."""
    options = ("digits", "--hidden", "16", "--epochs", "7", "--threads", "1", "--quiet", "--out", "other.safetensors")
    status, output, errors = program("train", *options, "--resume", begun)
    assert (status, errors) == (0, "")
    assert output.startswith("test accuracy")
    assert cr.load("other.safetensors").provenance.epochs == 7


def test_options_of_reading_are_compared_one_by_one(program):
    """One that agrees may be given, and the others stay those that the training was begun with; another one is refused."""
    rows = [f"{k},5;{k % 7},0;{k % 3}" for k in range(40)]
    Path("t.csv").write_text("\n".join(["a;b;c", *rows]))
    command = ("train", "t.csv", "--networks", "1", "--epochs", "2", "--delimiter", ";", "--decimal", ",")
    assert program(*command, "--checkpoint", "run", "--time-limit", "100", "--quiet")[0] == 0
    options = ("--decimal", ",", "--epochs", "3", "--time-limit", "200", "--quiet")
    status, output, errors = program("train", "--resume", "run", *options)
    assert (status, errors) == (0, "")
    assert "rmse" in output or "accuracy" in output
    status, _, errors = program("train", "--resume", "run", "--decimal", ".")
    assert status == 2
    assert "was begun with --decimal ,, which --decimal contradicts" in errors


def test_the_folders_of_other_programs_are_refused(begun, program, tmp_path):
    """A folder that is not there, without a checkpoint, of a training in Python, or one that another training begins in."""
    Path("empty").mkdir()
    digits = cr.datasets.digits()
    cr.train(cr.Network([64, 10], seed=0), digits.train, epochs=1, batch_size=10, learning_rate=1.0, checkpoint="python")
    for folder, message in (
        ("absent", "no such folder: absent"),
        ("empty", "it has no checkpoint"),
        ("python", "resume it in Python"),
    ):
        status, _, errors = program("train", "--resume", folder)
        assert status == 2
        assert message in errors
    status, _, errors = program(*DIGITS, "--checkpoint", begun)
    assert status == 2
    assert "run is not empty" in errors


@pytest.mark.parametrize("reading", [3, "x", [], None, {"delimiter": 3}])
def test_options_of_reading_in_a_crafted_checkpoint_are_refused(begun, program, reading):
    """Options of reading that are not a mapping of valid options end in one line, not in a traceback."""
    file = RunFolder(begun).checkpoints()[0]
    with open_tensors(file) as tensors:
        description = tensors.description
    description["notes"]["given"]["reading"] = reading
    write_tensors(file, 3, description, load_file(file))
    status, _, errors = program("train", "--resume", begun)
    assert status == 2
    assert "options of reading are not valid" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("options", [("--checkpoint-every", "5 s"), ("--allow-other-engine",)])
def test_options_of_checkpoints_need_a_folder(program, options):
    """The interval without a folder is refused, as it would have no effect."""
    status, _, errors = program(*DIGITS, *options)
    assert status == 2
    assert "--checkpoint FOLDER, or --resume FOLDER" in errors


@posix
def test_info_tells_where_a_run_stands_while_it_runs(program):
    """The state is running while the process trains, and killed after SIGKILL; the JSON has the same facts."""
    longer = ("--epochs", "5000", "--early-stopping", "0", "--checkpoint", "run", "--checkpoint-every", "0.05 s")
    process = start(*LONG[:-6], *longer)
    wait_for(lambda: Path("run/history.jsonl").exists() and Path("run/history.jsonl").read_text().count("\n") > 2, process)
    status, output, _ = program("info", "run")
    assert status == 0
    assert "state         running" in output
    process.kill()
    process.communicate()
    status, output, _ = program("info", "run", "--json")
    facts = json.loads(output)
    assert facts["state"] == "killed"
    assert facts["epoch"] >= 3
    assert facts["epochs"] == 5000
    assert facts["sizes"] == [64, 64, 10]


def test_runs_lists_every_training_below_a_folder(program):
    """A line a run, the best validation first; --by sorts otherwise, --json gives a line of JSON each, --plot a picture."""
    for name, rate in (("slow", "0.00001"), ("fast", "0.003")):
        assert program(*DIGITS, "--learning-rate", rate, "--checkpoint", f"runs/{name}", "--quiet")[0] == 0
    status, output, _ = program("runs", "runs")
    assert status == 0
    lines = [line.split() for line in output.splitlines() if "finished" in line]
    assert [line[0] for line in lines] == ["fast", "slow"]
    assert "learning rate" in output
    assert "batch size" not in output  # the same in both
    status, output, _ = program("runs", "runs", "--by", "learning_rate", "--json")
    assert [json.loads(line)["run"] for line in output.splitlines()] == ["runs/slow", "runs/fast"]
    status, output, _ = program("runs", "runs", "--plot", "runs.png")
    assert status == 0
    assert Path("runs.png").stat().st_size > 5_000


def test_runs_shows_every_name_whole(program, monkeypatch):
    """In a terminal of 80 columns settings are left out before a run's name is cut: the name tells which run a line is."""
    for name, options in (("first-attempt", ()), ("second-attempt", ("--learning-rate", "0.001", "--batch-size", "16"))):
        options = (*options, "--checkpoint", f"runs/{name}", "--quiet")
        assert program("train", "digits", "--epochs", "1", "--seed", str(len(name)), *options)[0] == 0
    monkeypatch.setenv("COLUMNS", "80")
    status, output, _ = program("runs", "runs")
    assert status == 0
    assert [line.split()[0] for line in output.splitlines() if "finished" in line] == ["first-attempt", "second-attempt"]
    monkeypatch.setenv("COLUMNS", "50")
    assert "…" not in program("runs", "runs")[1]


def test_runs_shows_the_networks_of_a_table_as_one(program):
    """A row with their number and mean scores; their own folder shows each, and so does --json."""
    rng = np.random.default_rng(0)
    Path("t.csv").write_text("\n".join(["a,b", *(f"{a:.3f},{a + b:.3f}" for a, b in rng.normal(size=(60, 2)))]))
    assert program("train", "t.csv", "--networks", "3", "--epochs", "2", "--checkpoint", "runs/table", "--quiet")[0] == 0
    assert program(*DIGITS, "--checkpoint", "runs/digits", "--quiet")[0] == 0
    status, output, errors = program("runs", "runs", "--plot", "runs.png")
    assert (status, errors) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines() if "finished" in line}
    assert {name: row[:3] for name, row in rows.items()} == {"digits": ["1", "finished", "6/6"], "table": ["3", "finished", "2/2"]}
    status, output, _ = program("runs", "runs", "--json", "--by", "name")
    table = json.loads(output.splitlines()[1])
    status, output, _ = program("runs", "runs/table", "--json")
    each = [json.loads(line) for line in output.splitlines()]
    assert [sorted(entry["run"] for entry in each), [entry["networks"] for entry in each]] == [
        [f"runs/table/00{k}" for k in range(3)],
        [1, 1, 1],
    ]
    assert (table["run"], table["networks"], table["seed"]) == ("runs/table", 3, None)
    assert sorted(table["best_epochs"]) == sorted(entry["best_epoch"] for entry in each)
    assert table["validation_cost"] == pytest.approx(np.mean([entry["validation_cost"] for entry in each]), rel=1e-12)
    assert program("info", "runs/table")[1].count("finished") == 3


def test_runs_shows_networks_of_other_settings_one_by_one(program):
    """A population that compares learning rates has a row for each: a mean would hide which is the best."""
    digits = cr.datasets.digits()
    networks = [cr.Network([64, 10], seed=seed) for seed in range(4)]
    settings = {"epochs": 1, "batch_size": 10, "learning_rate": [0.1, 0.1, 1.0, 2.0]}
    cr.train_population(networks, digits.train, checkpoint="runs/rates", **settings)
    rows = [json.loads(line) for line in program("runs", "runs", "--json", "--by", "learning_rate")[1].splitlines()]
    assert [(row["run"], row["networks"], row["learning_rate"]) for row in rows] == [
        ("runs/rates", 2, 0.1),
        ("runs/rates/002", 1, 1.0),
        ("runs/rates/003", 1, 2.0),
    ]


FORGED = {
    "plan": 3,
    "plan.layers": [3],
    "plan.layers.0.n_in": {"a": 1},
    "plan.optimizer.name": 3,
    "plan.batch_size": "8",
    "plan.l2": None,
    "plan.layers.0.dropout": [0.5],
    "plan.seed": 10**300,
    "learning_rate": "fast",
    "alpha": {},
}


@pytest.mark.parametrize("entry", FORGED)
def test_settings_of_a_crafted_checkpoint_are_shown_as_none(begun, program, entry):
    """Whatever type a file's setting has, runs sorts by every column, and writes table, JSON and picture."""
    shutil.copytree("run", "all/a")
    shutil.copytree("run", "all/b")
    for file in RunFolder("all/b").checkpoints():
        with open_tensors(file) as tensors:
            description = tensors.description
        *names, last = entry.split(".")
        place = description["settings"]
        for name in names:
            place = place[int(name) if name.isdigit() else name]
        place[last] = FORGED[entry]
        write_tensors(file, 3, description, load_file(file))
    for by in SORTED_BY:
        status, output, errors = program("runs", "all", "--by", by, "--plot", "runs.svg")
        assert (status, errors) == (0, "")
        assert output.count("finished") == 2
    assert program("runs", "all", "--json")[0] == 0
    assert program("info", "all/b")[0] == 0


RECORD = '{"epoch": %s, "cost": %s, "accuracy": 0.5, "validation_cost": 1, "validation_accuracy": %s, "learning_rate": 1.0, '
RECORD += '"seconds": 0.1, "examples_per_second": 10.0}'
CRAFTED = {
    "an integer of 400 digits": RECORD % (2, 10**400, "0.5"),
    "an epoch of 400 digits": RECORD % (10**400, 0.1, "0.5"),
    "an epoch again": RECORD % (1, 0.1, "0.5"),
    "not a number": RECORD % (2, 0.1, "NaN"),
    "infinity": RECORD % (2, "1e999", "0.5"),
    "a text": RECORD % (2, '"x"', "0.5"),
    "a truth": RECORD % (2, 0.1, "true"),
    "a huge line": "[" + "0," * 5_000_000 + "0]",
    "deep": "[" * 100_000,
    "half": '{"epoch": 2, "cost"',
    "bytes": "\0\ufffe",
    "another object": '{"epoch": 2}',
}


@pytest.mark.parametrize("case", CRAFTED)
def test_a_crafted_history_ends_at_its_first_wrong_line(begun, program, case):
    """Info and runs take the records before it, and the epochs that the checkpoint has."""
    Path("run/history.jsonl").write_text(RECORD % (1, 0.5, "0.5") + "\n" + CRAFTED[case] + "\n", encoding="utf-8")
    assert [record.epoch for record in read_history(Path("run/history.jsonl"))] == [1]
    status, output, errors = program("info", "run")
    assert (status, errors) == (0, "")
    assert "trained for   6 of 6 epochs" in output
    assert "last epoch    cost 0.5," in output
    assert program("runs", "run", "--plot", "runs.png")[0] == 0


@posix
def test_what_is_no_file_is_not_waited_for(begun, program):
    """A pipe or a link to a device in the place of the history's file is no history."""
    Path("run/history.jsonl").unlink()
    os.mkfifo("run/history.jsonl")
    assert "trained for   6 of 6 epochs" in program("info", "run")[1]
    Path("run/history.jsonl").unlink()
    Path("run/history.jsonl").symlink_to("/dev/zero")
    assert "trained for   6 of 6 epochs" in program("info", "run")[1]


def test_runs_tells_of_what_it_cannot_read(program, begun):
    """A damaged run is named in a warning, and the others are listed; a folder without runs is refused."""
    shutil.copytree("run", "all/good")
    shutil.copytree("run", "all/bad")
    for file in RunFolder("all/bad").checkpoints():
        file.write_bytes(b"nothing")
    status, output, errors = program("runs", "all")
    assert status == 0
    assert output.count("finished") == 1
    assert "warning" in errors
    Path("none").mkdir()
    assert program("runs", "none")[0] == 2
    assert program("runs", "absent")[0] == 2
