"""The space of a sweep: what its texts mean, what is refused, and which runs a search has."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import SettingError, UnknownName
from chainrule.sweeping.search import Search, goes_on, grid_points, make_points, random_points, rungs_of
from chainrule.sweeping.space import Choices, Range, describe, parse_parameter, parse_space, parse_text, setting_names

NUMBERS = st.floats(1e-9, 1e9).map(lambda number: float(f"{number:.6g}"))


@given(st.lists(NUMBERS, min_size=1, max_size=6, unique=True))
def test_numbers_between_commas_are_read_as_they_are_described(numbers):
    """The text of some values gives these values again, in their order."""
    assert parse_text("learning_rate", describe(Choices(tuple(numbers)))) == Choices(tuple(numbers))


@given(st.lists(st.lists(st.integers(1, 999), max_size=3).map(tuple), min_size=1, max_size=5, unique=True))
def test_layers_are_read_as_they_are_described(layers):
    """128x64 is two layers, none is no layer, and commas lie between networks."""
    assert parse_text("hidden", describe(Choices(tuple(layers)))) == Choices(tuple(layers))


@given(NUMBERS, NUMBERS, st.booleans(), st.none() | st.integers(2, 9), st.floats(0, 1, exclude_max=True))
def test_a_range_gives_numbers_within_its_ends(low, high, log, points, fraction):
    """The text of a range gives it again; its grid begins and ends with its ends and grows; what is drawn lies between them."""
    if not low < high:
        return
    ranged = Range(low, high, log, points)
    assert parse_text("l2", describe(ranged)) == ranged
    spread = ranged.spread()
    assert list(spread) == sorted(set(spread))
    assert (spread[0], spread[-1]) == (pytest.approx(low, rel=1e-3), pytest.approx(high, rel=1e-3))
    assert len(spread) <= (points or 5)
    assert low <= ranged.at(fraction) <= high


def test_a_range_of_whole_numbers_gives_whole_numbers():
    """Batch sizes and units are whole numbers, each once."""
    assert parse_text("batch_size", "2..4:9").spread() == (2, 3, 4)
    assert parse_text("batch_size", "1..100:log:3").spread() == (1, 10, 100)
    assert type(parse_text("batch_size", "1..100").at(0.3)) is int


def test_a_space_takes_lists_values_and_texts():
    """Python's lists, single values and the command line's texts name the same space."""
    given_lists = parse_space({"hidden": [10, (128, 64), ()], "optimizer": "adam,sgd", "l2": 0.5, "learning_rate": "0.1..3:log:5"})
    assert given_lists == {
        "hidden": Choices(((10,), (128, 64), ())),
        "optimizer": Choices(("adam", "sgd")),
        "l2": Choices((0.5,)),
        "learning_rate": Range(0.1, 3.0, True, 5),
    }


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("hidden", "10,,30", "hidden has an empty value"),
        ("hidden", "10.5", "hidden takes whole numbers"),
        ("hidden", "10 30", "hidden takes whole numbers"),
        ("learning_rate", "a", "learning_rate takes numbers"),
        ("learning_rate", "nan", "learning_rate takes finite numbers"),
        ("learning_rate", "0.1,0.5..3", "is both: leave one out"),
        ("learning_rate", "1..2..3", "a range is LOW..HIGH"),
        ("learning_rate", "0.1...3", "a range is LOW..HIGH"),
        ("learning_rate", "0.1..3:5:log", "a range is LOW..HIGH, then :log"),
        ("learning_rate", "0.1..3:lin", "a range is LOW..HIGH, then :log"),
        ("learning_rate", "0.1..3:1", "from 2 to 10,000 points"),
        ("learning_rate", "3..0.1", "a range begins below its end"),
        ("learning_rate", "0..1:log", "a logarithmic range begins above 0"),
        ("learning_rate", "1,2,1.0", "learning_rate has the value 1 twice"),
        ("optimizer", "a..b", "optimizer takes names between commas"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused(name, text, message):
    """The error says what is needed, or that the text could be read in two ways."""
    with pytest.raises(SettingError, match=message):
        parse_text(name, text)


def test_values_that_are_ambiguous_or_unknown_are_refused():
    """A tuple may be one network or several; a set has no order; a misspelt name is refused with the nearest one."""
    with pytest.raises(
        SettingError, match=r"may be one value of several layers, or several values; write \[\(10, 30\)\] or \[10, 30\]"
    ):
        parse_parameter("hidden", (10, 30))
    with pytest.raises(SettingError, match="in the order in which they are tried"):
        parse_parameter("l2", {0.1, 0.2})
    with pytest.raises(SettingError, match="l2 has no value"):
        parse_parameter("l2", [])
    with pytest.raises(UnknownName, match="did you mean 'learning_rate'"):
        parse_space({"learning_rat": [1]})
    with pytest.raises(UnknownName):
        parse_space({"epochs": [1, 2]})
    with pytest.raises(SettingError, match="which the table can show"):
        parse_space({"schedule": [abs]})


def test_the_settings_are_those_of_the_network_and_of_the_training():
    """What varies is named in one place: the signatures of Network and Run."""
    assert {"hidden", "activation", "cost", "init", "dtype", "batch_size", "learning_rate", "l2", "optimizer"} <= set(
        setting_names()
    )
    assert not {"seed", "epochs", "threads", "checkpoint", "callbacks", "validation"} & set(setting_names())


def test_a_grid_has_every_combination_once():
    """The last setting changes first."""
    space = parse_space({"hidden": [1, 2], "l2": "0..1:3"})
    assert [dict(point) for point in grid_points(space)] == [
        {"hidden": (units,), "l2": l2} for units in (1, 2) for l2 in (0.0, 0.5, 1.0)
    ]
    with pytest.raises(SettingError, match="at most 1,000,000 are trained"):
        grid_points(parse_space({"l2": "0..1:9999", "l1": "0..1:9999"}))


def test_a_range_of_units_is_of_networks_with_one_hidden_layer():
    """In a grid and in a sample, ``hidden`` is a tuple of layers."""
    space = parse_space({"hidden": "8..64:log"})
    assert [dict(point)["hidden"] for point in grid_points(parse_space({"hidden": "8..64:log:4"}))] == [(8,), (16,), (32,), (64,)]
    assert all(len(dict(point)["hidden"]) == 1 for point in random_points(space, 5, 0))


def test_more_samples_begin_with_the_same_ones():
    """The seed decides the points; a number of points of a range is for a grid."""
    space = parse_space({"hidden": [1, 2, 3], "learning_rate": "0.1..10:log"})
    points = random_points(space, 200, 7)
    assert len(set(points)) == 200
    assert len(set(random_points(parse_space({"hidden": [1, 2, 3]}), 3, 0))) == 3
    with pytest.raises(SettingError, match="the space has fewer than 4 points; sample fewer, or train all of them as a grid"):
        random_points(parse_space({"hidden": [1, 2, 3]}), 4, 0)
    assert points[:50] == random_points(space, 50, 7)
    assert points != random_points(space, 200, 8)
    rates = [dict(point)["learning_rate"] for point in points]
    assert 60 < sum(rate < 1 for rate in rates) < 140
    assert {dict(point)["hidden"] for point in points} == {(1,), (2,), (3,)}
    with pytest.raises(SettingError, match="leave :5 out"):
        random_points(parse_space({"l2": "0..1:5"}), 3, 0)
    with pytest.raises(SettingError, match="give their number as trials"):
        make_points(space, "random", None, 0)
    with pytest.raises(SettingError, match="a grid has all"):
        make_points(space, "grid", 3, 0)


def run_search(search, score_of, choose):
    """Tell a search the scores of its runs in the order that ``choose`` takes them; give the runs of all rungs."""
    waiting, done = search.begin(), []
    while waiting:
        run = waiting.pop(choose(len(waiting)))
        done.append(run)
        waiting += search.tell(run, score_of(run))
    return done


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 3), st.randoms())
def test_successive_halving_does_not_depend_on_the_order_of_the_results(scores, seeds, rng):
    """Whichever result comes first, the same points go on."""
    points = [(("l2", float(k)),) for k in range(len(scores))]

    def search():
        return Search(points, range(seeds), rungs_of(9))

    def score(run):
        return scores[run.point] + 0.1 * run.seed * run.epochs

    first = run_search(search(), score, lambda count: 0)
    other = run_search(search(), score, lambda count: rng.randrange(count))
    assert sorted(run.key for run in first) == sorted(run.key for run in other)
    assert len({run.key for run in first}) == len(first)


def test_a_point_that_diverged_does_not_go_on():
    """Its score is -inf, also where it is the first, or one seed of several."""
    assert not goes_on(-math.inf, [])
    search = Search([(("l2", 0.0),), (("l2", 1.0),)], [0, 1], [1, 3])
    runs = search.begin()
    assert search.tell(runs[0], 0.9) == []
    assert search.tell(runs[1], -math.inf) == []
    assert [run.point for run in search.tell(runs[2], 0.1) + search.tell(runs[3], 0.1)] == [1, 1]


def test_points_go_on_as_in_optuna():
    """Judged one after the other, the points that go on are those that Optuna's pruner keeps."""
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rng = random.Random(0)
    scores = {(k, epochs): rng.random() for k in range(40) for epochs in (1, 3, 9)}
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    kept = set()
    for k in range(40):
        trial = study.ask()
        for epochs in (1, 3):
            trial.report(scores[k, epochs], step=epochs)
            if trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
            kept.add((k, 3 * epochs))
        else:
            study.tell(trial, scores[k, 9])
    search = Search([(("l2", float(k)),) for k in range(40)], [0], rungs_of(9))
    done = run_search(search, lambda run: scores[run.point, run.epochs], lambda count: 0)
    assert {(run.point, run.epochs) for run in done if run.epochs > 1} == kept
