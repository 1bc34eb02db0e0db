"""The suite of tables in ``benchmarks/tables``: splits, encodings, measurements, means and goals."""

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from benchmarks.tables import peers  # noqa: E402
from benchmarks.tables.data_sets import DATA_SETS, DataSet  # noqa: E402
from benchmarks.tables.goals import ERROR_GOALS, TIME_GOALS, Goal  # noqa: E402
from benchmarks.tables.measuring import Measurement, error_of, measure  # noqa: E402
from benchmarks.tables.peers import PEERS, Setting  # noqa: E402
from benchmarks.tables.report import (  # noqa: E402
    as_cells,
    check_goal,
    check_not_worse,
    error_for_ratios,
    fit_seconds,
    losses,
    ratio,
)
from benchmarks.tables.splits import split, split_rows  # noqa: E402

INSTALLED = [pytest.param(name, marks=pytest.mark.skipif(bool(s.missing), reason=str(s.missing))) for name, s in DATA_SETS.items()]


def made(task="classes", groups=None, rows=200):
    """Make a data set of two columns and a target: three classes, the last of them rare, or values."""
    rng = np.random.default_rng(0)
    target = rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1]) if task == "classes" else rng.normal(size=rows)
    frame = pd.DataFrame({"number": rng.normal(size=rows), "week": np.arange(rows) // 10, "target": target})
    return DataSet("made", "numpy", "target", task, frame.copy, groups), frame


# Splits


@pytest.mark.parametrize("task", ["classes", "values"])
def test_a_split_divides_the_rows(task):
    """Each row is in the training or the test part, once, and the test part has a fifth of them."""
    data_set, frame = made(task)
    train, test = split_rows(data_set, frame, 0)
    assert sorted([*train, *test]) == list(range(len(frame)))
    assert len(test) == pytest.approx(len(frame) / 5, abs=2)


def test_a_seed_decides_a_split():
    """Equal seeds draw equal rows, in another process too, and different seeds draw different ones."""
    data_set, frame = made("values", rows=50)
    _, test = split_rows(data_set, frame, 0)
    assert test.tolist() == [2, 3, 4, 18, 20, 23, 24, 26, 34, 36]
    assert not np.array_equal(test, split_rows(data_set, frame, 1)[1])


def test_each_class_is_split_alike():
    """The test part has a fifth of each class."""
    data_set, frame = made(rows=1000)
    part = split(data_set, frame, 3)
    for name, count in frame["target"].value_counts().items():
        assert (part.test_target == name).sum() == round(count / 5)
    assert list(part.train) == ["number", "week"]
    assert len(part.train) == len(part.train_target)


def test_groups_stay_together():
    """No group of rows has some in the training part and some in the test part."""
    data_set, frame = made(groups=lambda frame: frame["week"])
    train, test = split_rows(data_set, frame, 0)
    assert not set(frame["week"].iloc[train]) & set(frame["week"].iloc[test])
    assert len(set(frame["week"].iloc[test])) == 4


# Data sets


@pytest.mark.parametrize("name", INSTALLED)
def test_a_data_set_is_fit_to_be_learnt(name):
    """A data set has its target in every row, and no column that is constant throughout, numbers the rows or equals the target."""
    data_set = DATA_SETS[name]
    frame = data_set.read()
    target = frame[data_set.target]
    assert target.notna().all()
    assert (target.nunique() > 1) if data_set.task == "classes" else pd.api.types.is_numeric_dtype(target)
    assert frame.index.equals(pd.RangeIndex(len(frame)))
    codes = pd.factorize(target)[0]
    for column in frame.columns.drop(data_set.target):
        values = frame[column]
        assert not (values.is_unique and values.is_monotonic_increasing), f"{column} numbers the rows"
        assert not np.array_equal(pd.factorize(values)[0], codes), f"{column} repeats the target"
    if data_set.groups is not None:
        train, test = split_rows(data_set, frame, 0)
        groups = np.asarray(data_set.groups(frame))
        assert not set(groups[train]) & set(groups[test])


# The peers' encodings


@pytest.fixture
def frames():
    """Give a training frame with gaps in both kinds of columns, and new rows with an unknown category and gaps in all columns."""
    train = pd.DataFrame({"number": [1.0, 2.0, np.nan, 9.0], "whole": [1, 2, 3, 4], "text": ["x", "y", None, "x"]})
    new = pd.DataFrame({"number": [np.nan, 5.0], "whole": [np.nan, 2.0], "text": ["unknown", None]})
    return train, new


def test_an_unknown_category_is_a_gap_of_pandas_categories(frames):
    """The categories are those of training; a value that is not among them is a gap, as the trees take it."""
    train, new = frames
    encode = peers.as_pandas_categories(train)
    assert encode(train)["text"].cat.categories.tolist() == ["x", "y"]
    assert encode(train)["text"].cat.codes.tolist() == [0, 1, -1, 0]
    assert encode(new)["text"].cat.codes.tolist() == [-1, -1]


def test_catboost_gets_texts_for_gaps(frames):
    """A gap in a column of text is a text of its own, and numbers keep their gaps."""
    train, new = frames
    encode = peers.as_texts(train)
    assert encode(new)["text"].tolist() == ["unknown", "missing"]
    assert encode(new)["number"].isna().tolist() == [True, False]


def test_pytabkit_gets_no_gaps_in_numbers(frames):
    """A gap is the training frame's median, and a column that had gaps in training has a second one, of 0 and 1."""
    train, new = frames
    encoded = peers.without_gaps_in_numbers(train)(new)
    assert encoded["number"].tolist() == [2.0, 5.0]
    assert encoded["whole"].tolist() == [2.5, 2.0]
    assert encoded["number is missing"].tolist() == [1.0, 0.0]
    assert "whole is missing" not in encoded
    assert encoded["text"].cat.codes.tolist() == [-1, -1]


@pytest.mark.filterwarnings("ignore")  # scikit-learn's where a training has not converged, and pandas' in the rivals
@pytest.mark.parametrize("peer", [name for name, peer in PEERS.items() if peer.package != "pytabkit"])
@pytest.mark.parametrize("task", ["classes", "values"])
def test_a_peer_takes_gaps_and_new_categories(peer, task):
    """Each peer that is installed trains on gaps, and answers rows with gaps and an unknown category by class names or values."""
    if PEERS[peer].missing:
        pytest.skip(str(PEERS[peer].missing))
    rng = np.random.default_rng(0)
    train = pd.DataFrame({"number": rng.normal(size=120), "text": rng.choice(["x", "y", "z"], 120)})
    target = pd.Series(np.where(train["number"] > 0, "up", "down") if task == "classes" else train["number"] * 2)
    train.loc[5:9, "number"] = np.nan
    train.loc[9:12, "text"] = None
    new = pd.DataFrame({"number": [3.0, np.nan, 0.1], "text": ["unknown", "x", None]})
    estimator = PEERS[peer].make(Setting(task, 0, 1))
    told = estimator.fit(train, target).predict(new)
    assert len(told) == 3
    assert set(told) <= {"up", "down"} if task == "classes" else np.isfinite(told).all()


# Measuring


def test_errors_are_shares_of_wrong_classes_and_normalized_roots():
    """The error of classes is the share that is wrong; of values the root mean squared error over the standard deviation."""
    assert error_of("classes", pd.Series(["a", "b", "a", "b"]), np.array(["a", "b", "b", "b"])) == 0.25
    truth = pd.Series([0.0, 2.0, 4.0])  # variance 8/3
    assert error_of("values", truth, np.array([1.0, 2.0, 3.0])) == pytest.approx(math.sqrt((2 / 3) / (8 / 3)))
    assert error_of("values", truth, np.full(3, 2.0)) == pytest.approx(1)


def test_a_peer_is_measured_in_a_process_of_its_own():
    """A process of its own gives a measurement for each seed, and a failure's last line where it fails."""
    found = measure(DATA_SETS["wine"], PEERS["sklearn_mlp"], [0, 2], threads=1)
    assert [(m.data_set, m.peer, m.seed, m.test_rows, m.threads) for m in found] == [
        ("wine", "sklearn_mlp", 0, 36, 1),
        ("wine", "sklearn_mlp", 2, 36, 1),
    ]
    assert all(0 <= m.error < 0.8 and m.fit_seconds > 0 < m.predict_seconds for m in found)
    assert "no_such" in measure(replace(DATA_SETS["wine"], name="no_such"), PEERS["sklearn_mlp"], [0], threads=1)


# Means and goals


def cell(data_set, peer, errors, seconds=1.0, seeds=None, rows=100):
    """Make the measurements of a peer on a data set."""
    numbers = range(len(errors)) if seeds is None else seeds
    return [Measurement(data_set, peer, k, error, rows, seconds, 0.1, 1) for k, error in zip(numbers, errors, strict=True)]


def test_ratios_are_geometric_means_over_the_data_sets():
    """By hand: ratios 1/2 and 2 of two data sets of values have the mean 1, and the error of their logarithms is log 2."""
    cells = as_cells(
        cell("diabetes", "own", [0.4, 0.6], 3)
        + cell("diabetes", "rival", [1.0, 1.0], 1)
        + cell("ames", "own", [0.8], 12)
        + cell("ames", "rival", [0.4], 1)
        + cell("flights", "own", [0.1])
    )
    mean, factor, sets = ratio(cells, "own", "rival", error_for_ratios)
    assert (mean, sets) == (pytest.approx(1), 2)
    assert factor == pytest.approx(2)  # the logarithms -log 2 and log 2: standard deviation sqrt(2) log 2, over sqrt(2)
    assert ratio(cells, "own", "rival", fit_seconds)[0] == pytest.approx(6)
    assert ratio(cells, "own", "no such peer", fit_seconds) is None
    assert losses(cells, "own", "rival") == "ames 2.00"


def test_errors_of_classes_have_half_a_row_added():
    """No error at all has a logarithm: of 100 rows the error 0 counts as 0.005."""
    assert error_for_ratios(cell("german", "own", [0.0, 0.01])) == pytest.approx(0.01)
    assert error_for_ratios(cell("ames", "own", [0.5])) == 0.5


def test_only_seeds_that_both_have_are_compared():
    """Where a run was cut short, a seed that one of the peers lacks does not count."""
    cells = as_cells(cell("ames", "own", [0.4, 9.0]) + cell("ames", "rival", [8.0, 0.8], seeds=[2, 0]))
    assert ratio(cells, "own", "rival", error_for_ratios)[0] == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["bank_duration", "bike"])
def test_some_data_sets_stand_apart_of_the_means(name):
    """``bank_duration`` and ``bike`` are reported, but do not count in a mean."""
    cells = as_cells(cell(name, "own", [0.4]) + cell(name, "rival", [0.8]))
    assert DATA_SETS[name].apart
    assert ratio(cells, "own", "rival", error_for_ratios) is None


def test_worse_than_a_rival_by_more_than_one_standard_error():
    """By hand: differences 0.1 and 0.3 have the mean 0.2 and the error 0.1; -0.1 and 0.3 the mean 0.1 and the error 0.2."""
    worse = cell("ames", "own", [0.5, 0.8]) + cell("ames", "rival", [0.4, 0.5])
    as_good = cell("german", "own", [0.3, 0.8]) + cell("german", "rival", [0.4, 0.5])
    single = cell("diabetes", "own", [0.9]) + cell("diabetes", "rival", [0.1])
    check = check_not_worse(as_cells(worse + as_good + single), "own", "rival")
    assert check.measured == "ames of 2 data sets with two seeds or more"
    assert check.met is False
    assert check_not_worse(as_cells(as_good), "own", "rival").met is True
    assert check_not_worse(as_cells(single), "own", "rival").met is None


@pytest.mark.parametrize(("error", "met"), [(0.44, True), (0.45, False)])
def test_a_goal_is_met_up_to_its_limit(error, met):
    """A ratio of at most 0.88 is met at 0.88 and not above it; a ratio below 1 is not met at 1; without a rival it is open."""
    cells = as_cells(cell("ames", "own", [error]) + cell("ames", "rival", [0.5]) + cell("ames", "equal", [error]))
    assert check_goal(cells, Goal("own", "rival", 0.88 + 1e-12), error_for_ratios).met is met
    assert check_goal(cells, Goal("own", "equal", 1.0, inclusive=False), error_for_ratios).met is False
    assert check_goal(cells, Goal("own", "absent", 1.0), error_for_ratios).met is None


def test_goals_name_peers():
    """Each goal is about two peers of the suite."""
    assert {name for goal in ERROR_GOALS + TIME_GOALS for name in (goal.own, goal.rival)} <= set(PEERS)


def test_the_command_prints_the_goals(tmp_path):
    """The command measures what it is told, keeps the measurements, resumes from them, and prints means and goals."""
    file = tmp_path / "measurements.json"
    command = [sys.executable, "-m", "benchmarks.tables", "--sets", "wine", "--peers", "chainrule_1", "sklearn_mlp", "--seeds", "1"]
    first = subprocess.run([*command, "--threads", "1", "--json", file], cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(json.loads(file.read_text())) == 2
    assert "wine, chainrule_1, seed 0: error 0.0" in first.stdout
    again = subprocess.run([*command, "--json", file, "--resume"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "seed 0" not in again.stdout
    assert "chainrule_1 relative to each" in again.stdout
    assert "open: error of chainrule_1 relative to lightgbm: no data set in common (required: below 1)" in again.stdout
