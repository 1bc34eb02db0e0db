"""Sweeps in this process: each run's bits, the choice of the best, the folder, and going on after an end at any moment."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sweep_helpers import SETTINGS, SPACE, digits_parts, scores_of, trained_alone

import chainrule as cr
from chainrule.errors import ArgumentTypeError, DataError, FileError, MissingExtra, SettingError, UnknownName
from chainrule.sweeping.result_table import groups_of, rows_of, write_parquet
from chainrule.sweeping.sweep_run import parse_result

pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def parts():
    """Train, validation and test."""
    return digits_parts()


def sweep(parts, space=None, **settings):
    """Sweep a small space of digits."""
    return cr.sweep(SPACE if space is None else space, **parts, **{**SETTINGS, **settings})


def test_each_run_has_the_bits_of_a_training_alone(parts):
    """Every run's scores, and the best network's weights, are those of ``cr.train``, whatever the number of threads."""
    found = sweep(parts, threads=3)
    assert len(found.runs) == 8
    assert [run.run.key for run in found.runs] == [(point, seed, 2) for point in range(4) for seed in range(2)]
    for result in found.runs:
        network, history = trained_alone(result, parts)
        assert (result.validation_accuracy, result.validation_cost, result.cost) == (
            history[-1].validation_accuracy,
            history[-1].validation_cost,
            history[-1].cost,
        )
        test = network.evaluate(parts["test"])
        assert (result.test_accuracy, result.test_cost) == (test.accuracy, test.cost)
    alone, _ = trained_alone(found.best, parts)
    for mine, other in zip(found.network.weights, alone.weights, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert list(map(scores_of, sweep(parts, threads=1).runs)) == list(map(scores_of, found.runs))


def test_the_best_is_chosen_by_the_validation_examples(parts):
    """The test examples choose nothing: with other ones the same run is the best."""
    found = sweep(parts)
    assert found.best.validation_accuracy == max(run.validation_accuracy for run in found.runs)
    other = sweep({**parts, "test": parts["examples"][:50]})
    assert other.best.run == found.best.run
    assert sweep({**parts, "test": None}).best.test_accuracy is None
    with pytest.raises(SettingError, match="chooses by validation examples"):
        sweep({**parts, "validation": None})


def test_early_stopping_keeps_the_best_epoch(parts):
    """The score is that of the epoch whose parameters were kept, as the test's is."""
    found = sweep(parts, {"hidden": [5]}, epochs=12, learning_rate=20.0, early_stopping=2)
    assert any(run.best_epoch != run.trained_epochs for run in found.runs)
    for result in found.runs:
        network, history = trained_alone(result, parts, learning_rate=20.0, early_stopping=2)
        assert result.best_epoch == history.best_epoch
        assert result.validation_accuracy == history["validation_accuracy"][history.best_epoch - 1]
        assert result.test_accuracy == network.accuracy(parts["test"])


def test_a_run_that_diverges_is_a_result(tmp_path):
    """It has no scores, and never is the best; where all diverge there is no best network, and the files are there."""
    x = np.random.default_rng(0).normal(size=(120, 3))
    values = {"examples": (x[:80], x[:80] @ [1, 2, 3]), "validation": (x[80:], x[80:] @ [1, 2, 3])}
    settings = {"epochs": 4, "batch_size": 5, "activation": "relu", "cost": "mean_squared_error"}
    found = cr.sweep({"hidden": [8], "learning_rate": [0.001, 1e9]}, **values, **settings, out=tmp_path / "some")
    assert [run.stopped for run in found.runs] == ["finished", "diverged"]
    assert found.runs[1].validation_cost is None
    assert found.best == found.runs[0]
    assert pq.read_table(tmp_path / "some/runs.parquet")["validation_cost"].to_pylist()[1] is None
    lost = cr.sweep({"learning_rate": [1e8, 1e9]}, **values, **settings, hidden=8, out=tmp_path / "all")
    assert (lost.best, lost.network) == (None, None)
    assert "all of 2 runs diverged" in repr(lost)
    assert not (tmp_path / "all/best.safetensors").exists()


def test_a_run_that_diverges_late_has_no_scores():
    """The parameters of its last finite epoch are no result of its settings."""
    x = np.random.default_rng(0).normal(size=(120, 3))
    values = {"examples": (x[:80], x[:80] @ [1, 2, 3]), "validation": (x[80:], x[80:] @ [1, 2, 3])}
    found = cr.sweep({"learning_rate": [1.0]}, **values, epochs=40, batch_size=5, cost="mean_squared_error")
    (run,) = found.runs
    assert (run.stopped, run.trained_epochs) == ("diverged", 12)
    assert (run.validation_cost, run.cost, found.best) == (None, None, None)


def test_the_folder_holds_the_results(parts, tmp_path):
    """Parquet with a column for each setting, the best network and the plots; numbers are as in the result."""
    found = sweep(parts, out=tmp_path)
    names = {path.name for path in tmp_path.iterdir()} - {".lock"}
    assert names == {"sweep.json", "runs.jsonl", "runs.parquet", "best.safetensors", "scores.png", "axes.png"}
    table = pq.read_table(tmp_path / "runs.parquet").to_pylist()
    assert table == found.rows()
    assert {"hidden", "learning_rate", "seed", "validation_accuracy", "test_accuracy", "epochs", "seconds", "stopped"} <= set(
        table[0]
    )
    assert [row["hidden"] for row in table[::4]] == [[5], [6, 4]]
    network = cr.load(tmp_path / "best.safetensors")
    assert network.accuracy(parts["test"]) == found.best.test_accuracy
    assert (tmp_path / "scores.png").read_bytes().startswith(b"\x89PNG")


def test_hidden_layers_are_a_column_of_lists(parts, tmp_path):
    """The column has one type, whatever networks there are."""
    sweep(parts, {"hidden": [3, 5], "learning_rate": [1]}, out=tmp_path, plots=False, epochs=1)
    column = pq.read_table(tmp_path / "runs.parquet")["hidden"]
    assert column.to_pylist() == [[3], [3], [5], [5]]
    sweep(parts, {"hidden": [(), (4, 3)], "learning_rate": [1]}, out=tmp_path / "deep", plots=False, epochs=1, seeds=1)
    deep = pq.read_table(tmp_path / "deep/runs.parquet")["hidden"]
    assert (deep.to_pylist(), deep.type) == ([[], [4, 3]], column.type)
    assert not (tmp_path / "scores.png").exists()


def test_texts_of_any_letters_can_be_written(tmp_path):
    """A path with quotes, and values with them, are data."""
    path = tmp_path / "it's; a folder" / 'a "path".parquet'
    path.parent.mkdir()
    rows = [{"optimizer": "it's", "seed": 2**63 + 1, "l2": None}, {"optimizer": '"; DROP', "seed": 0, "l2": 0.5}]
    write_parquet(path, rows)
    assert pq.read_table(path).to_pylist() == rows


def test_random_search_and_successive_halving(parts):
    """A sample has its number of points; successive halving trains few of them for all epochs, each as ``cr.train`` does."""
    space = {"hidden": [4, 8], "learning_rate": "0.01..10:log"}
    found = sweep(parts, space, search="random", trials=5, seeds=1, epochs=1)
    assert len(found.runs) == 5
    halved = sweep(parts, space, search="asha", trials=9, seeds=1, epochs=9, threads=2)
    count = {epochs: sum(run.epochs == epochs for run in halved.runs) for epochs in (1, 3, 9)}
    assert count[1] == 9
    assert 9 > count[3] >= count[9] >= 1
    longest = max(halved.runs, key=lambda run: run.epochs)
    _, history = trained_alone(longest, parts)
    assert longest.validation_accuracy == history[-1].validation_accuracy
    assert groups_of(halved.runs)[0].first.epochs >= 3


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"learning_rate": 1.0}, SettingError, "learning_rate is in the space, and given beside it"),
        ({"seeds": 0}, SettingError, "seeds must be a whole number of at least 1"),
        ({"seeds": [1, 1]}, SettingError, "the same seed twice"),
        ({"epochs": 0}, SettingError, "epochs must be a whole number of at least 1"),
        ({"search": "tpe"}, SettingError, "search must be"),
        ({"on": "spark"}, SettingError, "on must be"),
        ({"address": "x:1"}, SettingError, "give on='ray'"),
        ({"resume": True}, SettingError, "name it by out="),
        ({"momentum": 0.9}, UnknownName, "setting of a sweep 'momentum'"),
        ({"batch_size": -1}, SettingError, "the run with hidden 5, learning rate 0.5, seed 0: batch_size must be"),
        ({"space": {"learning_rate": [1.0, -1.0]}}, SettingError, "learning rate -1, seed 0: learning_rate must be a number"),
        ({"space": {"hidden": [3]}}, ArgumentTypeError, "sweep\\(\\) needs learning_rate"),
        ({"validation": (np.zeros((3, 5)), [0, 1, 2])}, DataError, "5 columns"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else None,
)
def test_a_mistake_is_found_before_the_first_run(parts, change, error, message, monkeypatch):
    """Settings, data and names are checked first; the message names the point where it is one point's."""
    monkeypatch.setattr("chainrule.sweeping.sweep.LocalPool", None)
    with pytest.raises(error, match=message):
        cr.sweep(**{"space": SPACE, **parts, **SETTINGS, **change})


def test_a_run_that_fails_is_named(parts, monkeypatch):
    """An error within a run ends the sweep and names the run; the runs before it are in the folder."""
    from chainrule.sweeping import sweep_run

    def fail(*arguments):
        raise DataError("of the test")

    monkeypatch.setattr(sweep_run, "result_of", fail)
    with pytest.raises(DataError, match=r"the run with hidden .*, learning rate .*, seed .: of the test"):
        sweep(parts)


def test_values_are_compared_by_cost_and_so_one_cost_is_taken():
    """Costs of different kinds cannot be compared."""
    x = np.random.default_rng(0).normal(size=(60, 2))
    data = {"examples": (x[:40], x[:40, 0]), "validation": (x[40:], x[40:, 0])}
    with pytest.raises(SettingError, match="give one cost, or sweep each on its own"):
        cr.sweep({"cost": ["mean_squared_error", "huber"]}, **data, epochs=1, batch_size=5, learning_rate=0.1, n_out=1)
    found = cr.sweep({"learning_rate": [1e-6, 0.1]}, **data, epochs=5, batch_size=5, cost="mean_squared_error")
    assert found.best.settings == (("learning_rate", 0.1),)


# The folder, and going on


def test_a_folder_with_a_sweep_is_refused_unless_it_is_resumed(parts, tmp_path):
    """Without resume it is refused; with it, and another space, setting or data, what differs is named."""
    sweep(parts, out=tmp_path, plots=False)
    with pytest.raises(FileError, match="holds 8 runs of a sweep; go on with it by --resume"):
        sweep(parts, out=tmp_path, plots=False)
    changes = [
        ({"seeds": 3}, r"seeds was \[0, 1\], and is \[0, 1, 2\] now"),
        ({"l2": 0.5}, "it was begun without l2, which is 0.5 now"),
        ({"space": {"hidden": [5], "learning_rate": [0.5, 3.0]}}, "hidden was '5,6x4', and is '5' now"),
        ({"examples": parts["examples"][1:]}, "the training examples are other ones"),
        ({"test": None}, "the test examples are other ones"),
    ]
    for change, message in changes:
        with pytest.raises((SettingError, DataError), match=message):
            cr.sweep(**{"space": SPACE, **parts, **SETTINGS, **change}, out=tmp_path, resume=True, plots=False)
    before = (tmp_path / "runs.jsonl").read_bytes()
    again = sweep(parts, out=tmp_path, plots=False, resume=True, threads=1)
    assert (tmp_path / "runs.jsonl").read_bytes() == before
    assert len(again.runs) == 8


def test_a_damaged_line_is_trained_again(parts, tmp_path):
    """A line that was cut short is skipped, and its run trained again with the same bits; nothing else is."""
    first = sweep(parts, out=tmp_path, plots=False)
    path = tmp_path / "runs.jsonl"
    contents = path.read_bytes()
    path.write_bytes(contents[:-40])
    again = sweep(parts, out=tmp_path, plots=False, resume=True)
    assert list(map(scores_of, again.runs)) == list(map(scores_of, first.runs))
    lines = path.read_bytes().splitlines()
    assert lines[:7] == contents.splitlines()[:7]
    assert len(lines) == 8


def test_a_line_of_a_kill_is_told_once(parts, tmp_path):
    """Resumed once more, the sweep is whole and says nothing; a finished run is kept where only its line break is missing."""
    from chainrule.sweeping.sweep_folder import SweepFolder

    found = sweep(parts, out=tmp_path, plots=False)
    path = tmp_path / "runs.jsonl"
    contents = path.read_bytes()
    description = json.loads((tmp_path / "sweep.json").read_text())
    path.write_bytes(contents[:-1])
    assert len(SweepFolder(tmp_path).begin(description, resume=True)[0]) == len(found.runs)
    assert path.read_bytes() == contents[:-1]
    path.write_bytes(contents[:-40])
    results, (message,) = SweepFolder(tmp_path).begin(description, resume=True)
    assert (len(results), message[:11]) == (len(found.runs) - 1, "line 8 of /")
    assert path.read_bytes() == b"".join(contents.splitlines(keepends=True)[:-1])
    assert SweepFolder(tmp_path).begin(description, resume=True)[1] == []
    path.write_bytes(b"not a line")
    SweepFolder(tmp_path).begin(description, resume=True)
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"space": ["a"] * 1000}, "its entry 'space' is not one that a sweep writes"),
        ({"settings": None}, "its entry 'settings' is not"),
        ({"train": {"a": {"b": 1}}}, "its entry 'train' is not"),
        ({"new": 1}, "its entry 'new' is not"),
        ({"space": {"hidden": {"a": list(range(1000))}}}, "hidden was a mapping"),
        ({"format": 2, "space": 3}, "format was 2, and is 1 now"),
    ],
    ids=["list", "missing", "mapping", "new", "deep", "format"],
)
def test_a_damaged_description_is_one_clear_line(parts, tmp_path, change, message):
    """It says what is wrong, and shows no more than the beginning of a value."""
    sweep(parts, out=tmp_path, plots=False)
    path = tmp_path / "sweep.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises((DataError, SettingError)) as raised:
        sweep(parts, out=tmp_path, plots=False, resume=True)
    assert message in str(raised.value)
    assert len(str(raised.value)) < 600
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "line",
    ["", "[]", "{", "[" * 100_000, '{"point": 0}', '{"settings": 3}', "null", '{"settings": {}, "point": 0}'],
    ids=lambda line: line[:12] or "empty",
)
def test_a_line_that_is_no_result_is_refused(line):
    """Whatever it holds, reading it raises the error that the reader expects."""
    with pytest.raises(DataError):
        parse_result(line)


def test_a_best_run_whose_line_was_changed_is_told(parts, tmp_path):
    """The best is trained again from its settings; a score that they do not give is not believed."""
    sweep(parts, out=tmp_path, plots=False)
    path = tmp_path / "runs.jsonl"
    first, *others = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(first), "validation_accuracy": 1.0, "validation_cost": 0.0}), *others, ""]))
    with pytest.raises(DataError, match="its line in the folder was changed; remove the line"):
        sweep(parts, out=tmp_path, plots=False, resume=True)


def test_results_survive_the_round_trip_to_a_line(parts):
    """A line gives the same result again, with the same bits."""
    for result in sweep(parts).runs:
        assert parse_result(result.to_line()) == result
    entries = json.loads(result.to_line())
    for name, value in [
        ("validation_accuracy", float("nan")),
        ("seed", 1.5),
        ("stopped", "lost"),
        ("seconds", None),
        ("seconds", -1.0),
        ("settings", {"l2": {}}),
        ("validation_cost", 10**400),
        ("validation_accuracy", 17.5),
        ("engine", "\ud800"),
    ]:
        with pytest.raises(DataError):
            parse_result(json.dumps({**entries, name: value}))


def test_a_run_of_another_sweep_in_the_file_is_refused(parts, tmp_path):
    """A line that no run of the sweep has is not counted in silence; two lines of one run must have the same bits."""
    sweep(parts, out=tmp_path, plots=False)
    path = tmp_path / "runs.jsonl"
    contents = path.read_text()
    entries = json.loads(contents.splitlines()[0])
    path.write_text(contents + json.dumps({**entries, "seed": 77}) + "\n")
    with pytest.raises(DataError, match=r"a run that this sweep does not have: hidden .*, seed 77"):
        sweep(parts, out=tmp_path, plots=False, resume=True)
    path.write_text(contents + json.dumps({**entries, "validation_accuracy": 0.123}) + "\n")
    with pytest.raises(DataError, match="gives another result than a line before it"):
        sweep(parts, out=tmp_path, plots=False, resume=True)


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
import chainrule as cr
from sweep_helpers import digits_parts
cr.sweep({{"hidden": [20, 30], "learning_rate": [0.5, 1.0, 3.0, 5.0]}}, **digits_parts(), epochs=40, batch_size=10, seeds=3,
         out={out!r}, resume=True, plots=False, threads=2)
print("done")
"""


def test_a_killed_sweep_goes_on_without_loss_or_repetition(parts, tmp_path):
    """After SIGKILL at several moments every run is in the file once, with the bits of an undisturbed sweep."""
    script = SCRIPT.format(tests=str(Path(__file__).parent), out=str(tmp_path / "killed"))
    environment = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}
    path = tmp_path / "killed/runs.jsonl"
    kept = []
    for lines in (1, 9, 24):
        process = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True)
        while process.poll() is None and lines < 24 and (not path.exists() or path.read_bytes().count(b"\n") < lines):
            time.sleep(0.005)
        if lines < 24:
            process.kill()
        out, _ = process.communicate(timeout=120)
        whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
        assert whole[: len(kept)] == kept  # nothing is lost
        kept = whole
    assert out == "done\n"
    results = [parse_result(line) for line in path.read_text().splitlines() if line.endswith("}")]
    assert len({result.run.key for result in results}) == len(results) == 24
    undisturbed = cr.sweep(
        {"hidden": [20, 30], "learning_rate": [0.5, 1.0, 3.0, 5.0]}, **parts, epochs=40, batch_size=10, seeds=3, threads=1
    )
    assert sorted(map(scores_of, results)) == sorted(map(scores_of, undisturbed.runs))


def test_ctrl_c_keeps_the_finished_runs(parts, tmp_path):
    """Ctrl-C is raised once the epochs under way are done, and what is finished is in the folder; resumed, it ends as ever."""
    settings = {"seeds": 30, "epochs": 10}
    path = tmp_path / "runs.jsonl"

    def interrupt():
        while not path.exists() or path.read_bytes().count(b"\n") < 3:
            time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        sweep(parts, out=tmp_path, plots=False, **settings)
    thread.join()
    done = path.read_bytes().splitlines()
    assert 3 <= len(done) < 120
    found = sweep(parts, out=tmp_path, plots=False, resume=True, **settings)
    assert path.read_bytes().splitlines()[: len(done)] == done
    assert len(found.runs) == len(path.read_bytes().splitlines()) == 120


def test_ctrl_c_does_not_wait_for_the_end_of_a_run(tmp_path):
    """A run under way ends after its epoch."""
    script = SCRIPT.format(tests=str(Path(__file__).parent), out=str(tmp_path / "long")).replace("epochs=40", "epochs=10**8")
    script = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{script}"
    environment = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-c", script], env=environment, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "long/sweep.json").exists():
        time.sleep(0.01)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert err.rstrip().endswith("KeyboardInterrupt")


def test_two_processes_do_not_share_a_folder(parts, tmp_path):
    """A second sweep into a folder in use is refused."""
    from chainrule.sweeping.sweep_folder import SweepFolder

    with SweepFolder(tmp_path).locked(), pytest.raises(FileError, match="another process sweeps into"):
        sweep(parts, out=tmp_path, plots=False)


def test_a_sweep_can_be_read_as_rows(parts):
    """Rows have the columns of the table; the points are grouped, the best mean first."""
    found = sweep(parts)
    assert found.rows() == rows_of(found.runs)
    means = [group.mean_score for group in found.groups]
    assert means == sorted(means, reverse=True)
    assert repr(found).startswith("SweepResult(the best of 8 runs: hidden")


def test_ray_is_an_extra(parts, monkeypatch):
    """Without Ray the error says how to install it, before anything is trained."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"pip install 'chainrule\[ray\]'"):
        sweep(parts, on="ray")
