"""``chainrule train`` on rows of files: patterns, URLs and --rows, in this process and on Ray, and one line for every mistake."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import ENVIRONMENT, run_process

import chainrule as cr
from chainrule.cli import main

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ON_RAY = ("--on", "ray", "--workers", "2", "--sync-every", "2")


@pytest.fixture(autouse=True)
def rows():
    """Write three files of 600 rows: columns of two scales, a class, a value, and whole numbers."""
    Path("rows").mkdir()
    for k in range(3):
        x = np.random.default_rng(k).normal(size=(600, 2)) * [1, 100]
        columns = {"a": x[:, 0], "b": x[:, 1], "y": (x[:, 0] > x[:, 1] / 100).astype(int), "v": x[:, 0] - x[:, 1] / 100}
        pq.write_table(pa.table({**columns, "w": np.arange(600)}), f"rows/{k}.parquet", row_group_size=200)


def run(*arguments):
    """Run the program in this process; give its exit status."""
    with pytest.raises(SystemExit) as ended:
        main(["train", *map(str, arguments)])
    return ended.value.code


def only(*names):
    """Write the files again with some columns alone."""
    for path in Path("rows").iterdir():
        pq.write_table(pq.read_table(path).select(names), path, row_group_size=200)


def test_a_pattern_trains_the_network_of_cr_train(capsys):
    """The model's numbers are those of ``cr.rows`` and ``cr.train``; the last line is its score, and predict reads it."""
    only("a", "b", "y")
    data = ("rows/[01].parquet", "--target", "y", "--validation", "rows/2.parquet")
    assert run(*data, "--hidden", "8", "--epochs", "3", "--seed", "5") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1,200 rows of 2 columns to train on, 600 to validate on; y: 2 classes"
    assert lines[-1].startswith("validation accuracy ")
    network = cr.Network([2, 8, 2], activation="relu", cost="log_loss", init="scaled", seed=5, dtype="float64")
    source = cr.rows(["rows/0.parquet", "rows/1.parquet"], target="y", standardize=True)
    cr.train(network, source, epochs=3, batch_size=128, learning_rate=0.003, optimizer="adam")
    model = cr.load("rows.safetensors")
    for mine, other in zip(model.weights, network.weights, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert model.provenance.data == "rows/[01].parquet#y"
    done = run_process("evaluate", "rows.safetensors")
    assert "rows/[01].parquet names rows of files, which train alone reads as a whole; name one of the files" in done.stderr
    done = run_process("predict", "rows.safetensors", "rows/2.parquet", "--json")
    labels = [json.loads(line)["label"] for line in done.stdout.splitlines()]
    table = pq.read_table("rows/2.parquet").to_pandas()
    assert labels == network.predict(table[["a", "b"]].to_numpy()).tolist()


def test_values_are_learnt_and_what_is_kept_is_told(capsys):
    """A target of fractions is one of values; with --json the scores are those of the epoch that is kept."""
    only("a", "b", "v")
    assert run("rows/[01].parquet", "--target", "v", "--validation", "rows/2.parquet", "--epochs", "6", "--json", "--quiet") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["validation_cost"] < 0.5
    assert (summary["validation_accuracy"], summary["epochs"], summary["data"]) == (None, 6, "rows/[01].parquet#v")
    assert any(note.startswith("columns are scaled") for note in summary["notes"])
    assert run("rows/[01].parquet", "--target", "v", "--epochs", "1", "--no-standardize", "--quiet", "-o", "raw.safetensors") == 0
    assert capsys.readouterr().out.startswith("training cost ")
    assert cr.load("raw.safetensors").plan.dtype == "float32"


def test_one_file_is_rows_where_that_is_said(capsys):
    """Without --rows a table is fitted by its recipe; with it one network learns its numbers, and the model has the file's name."""
    only("a", "b", "y")
    assert run("rows/0.parquet", "--rows", "--target", "y", "--epochs", "1", "--quiet") == 0
    assert capsys.readouterr().out.startswith("training accuracy ")
    assert cr.load("0.safetensors").sizes == [2, 64, 2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("rows/*.parquet", "--target must name the column to learn in rows/*.parquet"),
        ("rows/*.parquet --target z", "rows/0.parquet has no column 'z', the target"),
        ("none/*.parquet --target y", "no such file: none/*.parquet"),
        ("rows/*.parquet --target w", "target 'w' holds whole numbers from 0 to 599: values, or classes"),
        (
            "rows/*.parquet --target v --task classification",
            "classes of rows are the whole numbers 0, 1, 2, ...; target 'v' holds -",
        ),
        ("rows/*.parquet --target y --early-stopping 3", "name the rows to validate on by --validation"),
        (
            "rows/*.parquet --target y --metric auc",
            "rows/*.parquet is rows of files, which train one network of numbers; leave --metric",
        ),
        ("rows/*.parquet --target y --all-rows", "leave --all-rows out"),
        ("rows/*.parquet --target y --distort", "leave --distort out"),
        ("rows/0.parquet --validation rows/1.parquet", "--validation is for rows of files: a pattern such as 'rows/*.parquet'"),
        ("rows/0.parquet --on ray --workers 2", "--rows trains one on the numbers of rows/0.parquet"),
        ("digits --no-standardize", "--standardize is for rows of files"),
        ("digits --workers 2", "--workers is for a training on Ray; give --on ray too"),
        ("digits --address 10.0.0.1:6379 --on local", "--address is for a training on Ray"),
        ("digits --on ray", "--on ray needs --workers N"),
        ("digits --on ray --workers 0", "--workers must be a whole number of at least 1"),
        ("digits --on ray --workers 2 --sync-every 0", "--sync-every must be a whole number of at least 1"),
        ("digits --on ray --workers 2 --address host", "is HOST:PORT"),
        ("nothing://rows/a.parquet --target y", "Protocol not known: nothing"),
        ("rows/0.parquet rows/1.parquet", "quote a pattern"),
    ],
)
def test_a_mistake_is_one_line(arguments, message, capsys):
    """Exit status 2, the message names the option and the remedy, and nothing is saved."""
    if "--on ray" in arguments:
        pytest.importorskip("ray")
    assert run(*arguments.split(" ")) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert not list(Path().glob("*.safetensors"))


def test_a_training_of_rows_is_resumed_with_its_options(capsys):
    """--resume needs no other option; the data cannot be changed; the model is that of a training that was never stopped."""
    only("a", "b", "y")
    arguments = ("rows/[01].parquet", "--target", "y", "--validation", "rows/2.parquet", "--hidden", "4", "--quiet")
    assert run(*arguments, "--epochs", "4", "-o", "whole.safetensors") == 0
    assert run(*arguments, "--epochs", "2", "--checkpoint", "kept", "-o", "half.safetensors") == 0
    assert run("--resume", "kept", "--epochs", "4", "--quiet") == 0
    for mine, other in zip(cr.load("half.safetensors").weights, cr.load("whole.safetensors").weights, strict=True):
        np.testing.assert_array_equal(mine, other)
    capsys.readouterr()
    assert run("rows/*.parquet", "--resume", "kept", "--epochs", "5") == 2
    assert "was begun with the data " in capsys.readouterr().err
    assert run("--resume", "kept", "--no-standardize") == 2
    assert "--standardize" in capsys.readouterr().err
    assert run(*arguments, "--no-standardize", "--epochs", "1", "--checkpoint", "raw", "-o", "raw.safetensors") == 0
    assert run("--resume", "raw", "--epochs", "2", "--quiet") == 0
    assert cr.load("raw.safetensors").plan.dtype == "float32"


def test_a_training_on_ray_has_the_bits_of_cr_train():
    """Rows of files and data in memory, in processes of their own: the options reach ``Run``."""
    pytest.importorskip("ray")
    only("a", "b", "y")
    arguments = ("rows/*.parquet", "--target", "y", "--hidden", "4", "--epochs", "2")
    done = run_process("train", *arguments, *ON_RAY)
    assert done.returncode == 0, done.stderr
    assert "on Ray: 2 workers, who average their networks every 2 steps; a step has 256 rows" in done.stdout
    script = (
        "import chainrule as cr\n"
        "net = cr.Network([2, 4, 2], activation='relu', cost='log_loss', init='scaled', seed=0, dtype='float64')\n"
        "cr.train(net, cr.rows('rows/*.parquet', target='y', standardize=True), epochs=2, batch_size=128, learning_rate=0.003,\n"
        "         optimizer='adam', on='ray', workers=2, sync_every=2)\n"
        "net.save('python.safetensors')\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], env=ENVIRONMENT, check=True)
    for mine, other in zip(cr.load("rows.safetensors").weights, cr.load("python.safetensors").weights, strict=True):
        np.testing.assert_array_equal(mine, other)
