"""The replay of the book's experiments: its statistics, its file of results, its trainings and its report."""

import csv
import io
import itertools
import json
import threading
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from explanation_helpers import ParsedPage
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.cli.replay_report import cells_of, decimals_of, note_of, summary_line, to_csv, to_document, to_markdown
from chainrule.datasets import Dataset
from chainrule.errors import DataError, FileError, SettingError, UnknownName
from chainrule.explaining.blocks import Strip
from chainrule.explaining.html_renderer import stacked, to_page
from chainrule.explaining.terminal_renderer import strip_line, to_plain_text
from chainrule.replay.baselines import accuracy_by_darkness, fit_svm, guess_by_darkness, mean_darkness
from chainrule.replay.best_of import best_of_weights, range_of, share_up_to, weighted_median
from chainrule.replay.comparison import Comparison, compare
from chainrule.replay.experiments import (
    DARKNESS,
    EXPERIMENTS,
    VARIANTS,
    BookFigure,
    Experiment,
    Measure,
    find_experiments,
    svm_baseline,
)
from chainrule.replay.result_file import ResultFile, SeedResult, parse_result
from chainrule.replay.seed_trainings import ReplayData, SeedTraining, train_all, trainings_of

TINY = Experiment(
    name="tiny",
    chapter=1,
    sizes=(784, 5, 10),
    cost="quadratic",
    learning_rate=3.0,
    epochs=3,
    lmbda=0.5,
    rows=60,
    figures=(
        BookFigure(Measure.FIRST_EPOCH, 0.2, rounding=0.001),
        BookFigure(Measure.BEST_EPOCH, 0.9, best_of=3, note="Because it is tiny."),
        BookFigure(Measure.LAST_EPOCH, 0.3),
        BookFigure(Measure.TRAINING, 0.5),
    ),
)


@pytest.fixture(scope="module")
def data():
    """MNIST's first images: 200 for training, 100 for validation and for the test."""
    mnist = cr.datasets.mnist()
    return Dataset("little MNIST", mnist.train[:200], mnist.validation[:100], mnist.test[:100])


def result_of(seed, *accuracies, name="tiny", digest="d", training=0.5):
    """Make a result."""
    return SeedResult(name, seed, digest, accuracies, training, 1.0)


# The numbers


@given(st.lists(st.integers(0, 5), min_size=3, max_size=8), st.integers(1, 3), st.data())
def test_the_best_of_k_is_that_of_all_sets(scores, k, draw):
    """The weights are the shares of all sets of k seeds of which each seed is the best, a later one before an equal earlier one."""
    values = np.array(draw.draw(st.lists(st.integers(0, 9), min_size=len(scores), max_size=len(scores))), float)
    sets = list(itertools.combinations(range(len(scores)), k))
    best = [max(one, key=lambda seed: (scores[seed], seed)) for one in sets]
    weights = best_of_weights(np.array(scores, float), k)
    expected = [Fraction(best.count(seed), len(sets)) for seed in range(len(scores))]
    np.testing.assert_allclose(weights, [float(share) for share in expected], rtol=1e-14)
    taken = np.sort(values[best])
    assert range_of(values, weights) == (taken[0], taken[-1])
    assert weighted_median(values, weights) == np.median(taken)
    assert share_up_to(values, weights, 4) == pytest.approx(np.mean(taken <= 4))


def test_the_best_of_one_run_is_every_seed():
    """With k = 1 all seeds weigh the same, whatever their scores."""
    np.testing.assert_allclose(best_of_weights(np.array([0.9, 0.1, 0.5, 0.5]), 1), 0.25)


def comparison_of(book, values, *, rounding=0.0001, best_of=1, best=None, measure=Measure.LAST_EPOCH, note=""):
    """Make a comparison; the seeds' best epochs are their values if not given."""
    numbers = np.array(values)
    return Comparison(
        TINY, BookFigure(measure, book, rounding, best_of, note), numbers, numbers if best is None else np.array(best)
    )


@pytest.mark.parametrize(
    ("book", "rounding", "verdict"),
    [
        (0.9542, 0.0001, "inside"),
        (0.9549, 0.0001, "above all"),
        (0.9469, 0.0001, "below all"),
        (0.955, 0.001, "inside"),
        (0.956, 0.001, "above all"),
        (0.947, 0.001, "inside"),
        (0.946, 0.001, "below all"),
    ],
)
def test_the_verdict_allows_for_the_books_rounding(book, rounding, verdict):
    """A figure is inside the range from 94.7 % to 95.48 % if some number that the book would round to it is."""
    assert comparison_of(book, [0.9548, 0.947, 0.95, 0.95, 0.95], rounding=rounding).verdict == verdict


def test_the_best_of_three_is_compared_with_the_bests_of_three():
    """The least of the bests of three is the third-lowest seed; another measure is taken of the runs that are best of three."""
    best = [0.89, 0.90, 0.91, 0.92, 0.93]
    assert comparison_of(0.905, best).verdict == "inside"
    assert comparison_of(0.905, best, best_of=3).verdict == "below all"
    first = comparison_of(0.5, [0.1, 0.9, 0.6, 0.5, 0.4], best=best, best_of=3, measure=Measure.FIRST_EPOCH)
    assert first.range == (0.4, 0.6)
    assert first.median == pytest.approx(0.5)


def test_a_result_without_the_accuracy_that_is_needed_is_refused():
    """A line that was edited names the experiment, the seed and the remedy."""
    with pytest.raises(DataError, match="the result of tiny with seed 3 lacks training_accuracy; remove its line"):
        compare(TINY, [result_of(3, 0.5, training=None)])


def test_two_seeds_cannot_be_the_best_of_three():
    """With fewer seeds than five, or than the book had runs, there is no verdict, and the table says so."""
    comparison = comparison_of(0.9, [0.8, 0.9], best_of=3)
    assert comparison.verdict == "needs 5 seeds"
    assert cells_of(comparison)[3:] == ("", "85.00 %", "", "needs 5 seeds")
    assert comparison_of(0.9, [0.8] * 5, best_of=7).verdict == "needs 7 seeds"
    assert (
        summary_line([comparison]) == "figures of the book inside the range of our seeds: 0 of 0, and 1 that could not be compared"
    )


def test_other_data_than_the_books_have_no_verdict():
    """The SVM of fewer images than the book's is shown beside the book's figure, and not compared with it."""
    (figure,) = svm_baseline(10_000).figures
    comparison = Comparison(svm_baseline(10_000), figure, np.array([0.92]), np.array([0.92]))
    assert comparison.verdict == "other data"
    assert note_of(comparison) == "Fitted on the first 10,000 images; the book's on 50,000."
    (figure,) = svm_baseline().figures
    assert Comparison(svm_baseline(), figure, np.array([0.9435]), np.array([0.9435])).verdict == "inside"


def test_each_measure_is_taken_of_its_epoch():
    """First, best and last epoch, and the training images at the end."""
    found = compare(TINY, [result_of(0, 0.1, 0.8, 0.7, training=0.6), result_of(1, 0.2, 0.3, 0.4, training=1.0)])
    assert [comparison.values.tolist() for comparison in found] == [[0.1, 0.2], [0.8, 0.4], [0.7, 0.4], [0.6, 1.0]]


# The facts


def test_the_table_of_the_book_is_whole():
    """Every figure of the table in the notes is there, once, and can be printed with the decimals that the book gives."""
    figures = [figure for experiment in (*EXPERIMENTS, DARKNESS, svm_baseline()) for figure in experiment.figures]
    expected = [0.9129, 0.9542, 0.9659, 0.1139, 0.2142, 0.2225, 0.9435, 0.9549, 0.9682, 0.822, 1.0, 0.871, 0.9649]
    expected += [0.864, 0.927, 0.965, 0.9792, 0.9804, 0.1, 0.1, 0.1]
    assert sorted(figure.accuracy for figure in figures) == sorted(expected)
    for figure in figures:
        assert round(figure.accuracy, decimals_of(figure.rounding) + 2) == figure.accuracy
    names = [experiment.name for experiment in (*EXPERIMENTS, *VARIANTS)]
    assert len(set(names)) == len(names)


def test_variants_are_trained_only_where_they_are_named():
    """Without names all experiments are chosen and no variant; an unknown name is refused with the nearest one."""
    assert find_experiments([]) == EXPERIMENTS
    variant = VARIANTS[0]
    assert find_experiments([variant.name, "l2-30"]) == (next(e for e in EXPERIMENTS if e.name == "l2-30"), variant)
    with pytest.raises(UnknownName, match="unknown experiment 'l2-3'; did you mean 'l2-30'"):
        find_experiments(["l2-3"])


# The trainings


def test_a_training_is_that_of_the_core(data):
    """A result has the accuracies of ``cr.train`` with the same settings: l2 is lmbda / n of the rows that are trained on."""
    replayed = ReplayData(data)
    digest = replayed.digest(TINY)
    result = replayed.train(SeedTraining(TINY, 7), digest, lambda work: None, threading.Event())
    network = cr.Network(TINY.sizes, seed=7)
    settings = {"epochs": 3, "batch_size": 10, "learning_rate": 3.0, "l2": 0.5 / 60}
    history = cr.train(network, data.train, rows=slice(0, 60), validation=data.test, **settings)
    assert result.accuracies == tuple(history["validation_accuracy"])
    assert result.training_accuracy == network.accuracy(data.train[:60])
    assert (result.experiment, result.seed, result.digest) == ("tiny", 7, digest)


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 2.9},
        {"lmbda": 0.4},
        {"epochs": 4},
        {"rows": 61},
        {"rows": None},
        {"sizes": (784, 6, 10)},
        {"cost": "cross_entropy"},
        {"init": "scaled"},
        {"evaluated_on": "validation"},
        {"divisor": 256},
        {"dtype": "float64"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_changes_the_digest(data, change):
    """Each setting, and the data, is in the digest; the book's figures and the seed are not."""
    replayed = ReplayData(data)
    assert replayed.digest(replace(TINY, **change)) != replayed.digest(TINY)
    assert replayed.digest(replace(TINY, figures=TINY.figures[:1])) == replayed.digest(TINY)
    other = Dataset("other", data.train[1:], data.validation, data.test)
    assert ReplayData(other).digest(TINY) != replayed.digest(TINY)


@pytest.mark.parametrize("threads", [1, 3])
def test_the_pool_gives_each_training_once(data, threads):
    """Whatever the number of threads, every training's result is kept once, with the same bits, and all work is reported."""
    replayed, kept, works = ReplayData(data), [], []
    long = replace(TINY, name="long", epochs=6, divisor=256)
    trainings = trainings_of([TINY, long], 3)
    assert [one.experiment.name for one in trainings] == ["long"] * 3 + ["tiny"] * 3
    digests = {"tiny": replayed.digest(TINY), "long": replayed.digest(long)}
    train_all(replayed, trainings, digests, threads=threads, report=works.append, keep=kept.append)
    assert sorted(result.key for result in kept) == sorted((one.experiment.name, one.seed) for one in trainings)
    assert sum(works) == pytest.approx(sum(one.work for one in trainings))
    alone = replayed.train(SeedTraining(TINY, 2), digests["tiny"], works.append, threading.Event())
    assert next(result for result in kept if result.key == ("tiny", 2)).accuracies == alone.accuracies


def test_an_ended_pool_leaves_a_training_without_result(data):
    """A training that is told to end gives no result; one that had its last epoch gives it."""
    replayed, ended = ReplayData(data), threading.Event()
    ended.set()
    assert replayed.train(SeedTraining(TINY, 0), "d", lambda work: None, ended) is None
    assert replayed.train(SeedTraining(replace(TINY, epochs=1), 0), "d", lambda work: None, ended) is not None


# The file of results


def test_results_survive_the_file(tmp_path):
    """What is appended is read again, number for number; results of other experiments and digests are left out."""
    file = ResultFile(tmp_path)
    first, second = result_of(0, 0.1, 0.2 / 3), result_of(1, 0.5, 0.7, training=None)
    for result in (first, second, result_of(0, 0.3, name="gone"), result_of(2, 0.4, digest="older")):
        file.append(result)
    found, messages = file.read({"tiny": "d"})
    assert found == {first.key: first, second.key: second}
    assert len(messages) == 1
    assert messages[0].startswith(f"1 result in {file.path} ")


def test_a_line_that_was_cut_is_skipped_and_the_next_one_is_whole(tmp_path):
    """After a write that was cut the next result begins a line of its own, and only the cut one is skipped, with its number."""
    file = ResultFile(tmp_path)
    file.append(result_of(0, 0.1))
    whole = file.path.read_bytes()
    file.path.write_bytes(whole + whole[:25])
    file.append(result_of(1, 0.2))
    found, messages = file.read({"tiny": "d"})
    assert sorted(found) == [("tiny", 0), ("tiny", 1)]
    assert messages == [f"line 2 of {file.path} is skipped: it is not a JSON object with the fields of a result"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accuracies": [0.5, 1.5]}, "not a number from 0 to 1"),
        ({"accuracies": ["0.5"]}, "not a number from 0 to 1"),
        ({"accuracies": [float("nan")]}, "not a number from 0 to 1"),
        ({"accuracies": []}, "an entry for each epoch"),
        ({"accuracies": 3}, "not a JSON object with the fields"),
        ({"training_accuracy": -1}, "not a number from 0 to 1"),
        ({"training_accuracy": True}, "not a number from 0 to 1"),
        ({"seed": 1.5}, "seed a whole number"),
        ({"digest": None}, "must be texts"),
        ({"seconds": "long"}, "seconds must be a number"),
        ({"more": 1}, "not a JSON object with the fields"),
    ],
)
def test_a_line_with_other_contents_is_refused(change, message):
    """A field that is missing, is one too many, or has a value that no training gives, makes the line no result."""
    fields = {"experiment": "tiny", "seed": 0, "digest": "d", "accuracies": [0.5], "training_accuracy": None, "seconds": 1.0}
    assert parse_result(json.dumps(fields)) == SeedResult("tiny", 0, "d", (0.5,), None, 1.0)
    with pytest.raises(DataError, match=message):
        parse_result(json.dumps({**fields, **change}))
    for name in fields:
        with pytest.raises(DataError):
            parse_result(json.dumps({key: value for key, value in fields.items() if key != name}))


@pytest.mark.parametrize("line", ["", "[]", "3", "null", "[" * 100_000, '{"accuracies": {}}'])
def test_a_line_that_is_no_object_is_refused(line):
    """Any other text is refused as no result."""
    with pytest.raises(DataError):
        parse_result(line)


def test_two_results_of_a_training_must_agree(tmp_path):
    """The same line twice counts once; other accuracies of the same training are refused with the line."""
    file = ResultFile(tmp_path)
    file.append(result_of(0, 0.1))
    file.append(result_of(0, 0.1))
    assert len(file.read({"tiny": "d"})[0]) == 1
    file.append(result_of(0, 0.2))
    with pytest.raises(DataError, match=r"line 3 of .* gives other accuracies for tiny with seed 0"):
        file.read({"tiny": "d"})


def test_a_folder_has_one_writer(tmp_path):
    """A second replay into the same folder is refused while the first goes on, and begins after it."""
    folder = tmp_path / "new" / "folder"
    refused = pytest.raises(FileError, match="another process replays into")
    with ResultFile(folder).locked(), refused, ResultFile(folder).locked():
        pass
    with ResultFile(folder).locked():
        pass


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    """Where a file has the folder's name, the error names it."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(FileError, match="cannot write to the folder"), ResultFile(tmp_path / "taken").locked():
        pass


# The baselines


def test_darkness_is_the_nearest_mean(data):
    """Each image is given the digit whose mean sum of pixels is nearest, as exact fractions say."""
    x, y = np.asarray(data.train.x).astype(int), np.asarray(data.train.y)
    means = [Fraction(int(x[y == digit].sum()), int((y == digit).sum())) for digit in range(10)]
    sums = np.asarray(data.test.x).astype(int).sum(axis=1).tolist()
    expected = [min(range(10), key=lambda digit: abs(means[digit] - total)) for total in sums]
    assert guess_by_darkness(data.test, mean_darkness(data.train)).tolist() == expected
    assert accuracy_by_darkness(data) == np.mean(np.array(expected) == np.asarray(data.test.y))


def test_darkness_on_mnist_is_the_books_figure():
    """On the book's 50,000 and 10,000 images the accuracy is 22.25 %, exactly."""
    assert accuracy_by_darkness(cr.datasets.mnist()) == DARKNESS.figures[0].accuracy


def test_the_svm_is_scikit_learns(data):
    """The SVM's accuracy is that of ``SVC(gamma=1/784)`` on pixels divided by 256, as in the book's file."""
    from sklearn.svm import SVC

    x, test = np.asarray(data.train.x)[:150] / 256, np.asarray(data.test.x) / 256
    expected = SVC(gamma=1 / 784).fit(x, np.asarray(data.train.y)[:150]).score(test, np.asarray(data.test.y))
    result = fit_svm(data, 150)
    assert result.accuracies == (expected,)
    assert result.experiment == "svm-150"
    assert svm_baseline(50_000).name == "svm"


# The report


@pytest.fixture
def comparisons():
    """Four figures of five seeds; the second is outside, with a note."""
    return compare(TINY, [result_of(seed, 0.2 + seed / 100, 0.5, 0.3, training=0.5) for seed in range(5)])


def test_the_csv_has_a_row_for_each_figure(comparisons):
    """The CSV's numbers are fractions, and the note is that of the figure outside alone."""
    rows = list(csv.DictReader(io.StringIO(to_csv(comparisons))))
    assert [row["verdict"] for row in rows] == ["inside", "above all", "inside", "inside"]
    assert [row["note"] for row in rows] == ["", "Because it is tiny.", "", ""]
    assert (rows[0]["book"], rows[0]["least"], rows[0]["most"], rows[0]["median_of_seeds"]) == ("0.2", "0.2", "0.24", "0.22")
    assert rows[0]["settings"] == "[784, 5, 10], quadratic, eta 3, lmbda 0.5, first 60 images, 3 epochs"


def test_the_markdown_is_the_same_table(comparisons):
    """Each row of the Markdown has the cells of the figure, and the notes follow."""
    lines = to_markdown(comparisons).splitlines()
    assert lines[2] == "| tiny | first epoch | 20.0 % | 20.00 % | 22.00 % | 24.00 % | inside |"
    assert lines[3] == "| tiny | best epoch, best of 3 | 90.00 % | 50.00 % | 50.00 % | 50.00 % | above all |"
    assert lines[-1] == "- tiny: Because it is tiny."


def test_the_page_loads_nothing_and_names_every_strip(comparisons):
    """The page is one file that loads nothing; each strip is an image with its numbers as its name, and a dot for each seed."""
    text = to_page(to_document(comparisons, 5))
    page = ParsedPage(text)
    assert page.open_tags == []
    assert page.addresses == []
    assert "http" not in text
    assert text.count('<svg viewBox="0 0 480 92" width="480" role="img" aria-label="') == 4
    assert text.count('class="dot"') == 20
    assert "First epoch: 20.00 % to 24.00 %, median 22.00 %; the book 20.0 %, which is inside the range compared." in text
    assert "Because it is tiny." in text
    assert "the bests of all 10 sets of three seeds" in text


def test_the_page_has_a_text(comparisons):
    """Printed, no line is wider than 100 columns, and a strip is a line with the book's figure among the seeds."""
    text = to_plain_text(to_document(comparisons, 5), "the page")
    assert max(map(len, text.splitlines())) <= 100
    assert "(|: book 20.0 %)" in text


def test_a_strip_is_a_line_of_characters():
    """Numbers and the reference are at their places between the ends of the axis; the reference hides a number."""
    strip = Strip("", (0.0, 0.5, 1.0), (0.0, 1.0), 1.0, 0.0, 1.0, ("book", "0 %", "100 %"))
    assert strip_line(strip) == f"0 % o{23 * ' '}o{24 * ' '}| 100 %  (|: book)"


def test_a_strip_of_one_value_has_an_axis():
    """Where all seeds and the book agree, the dots stand above each other, inside the drawing."""
    same = compare(replace(TINY, figures=TINY.figures[3:]), [result_of(seed, 0.5, training=0.5) for seed in range(20)])
    text = to_page(to_document(same, 20))
    assert "nan" not in text
    assert "inf" not in text


@given(st.lists(st.floats(0, 100), max_size=30))
def test_stacked_dots_do_not_cover_each_other(positions):
    """Below the last level no two dots of a level are nearer than the width."""
    levels = stacked(positions, 8.0, 4)
    for level in range(3):
        places = sorted(place for place, height in zip(positions, levels, strict=True) if height == level)
        assert all(right - left >= 8.0 for left, right in itertools.pairwise(places))


def test_seeds_are_checked():
    """Rows of the SVM that are not there are refused."""
    from chainrule.replay.baselines import check_svm_rows

    mnist = cr.datasets.mnist()
    check_svm_rows(100, mnist)
    for rows in (0, 99, 50_001):
        with pytest.raises(SettingError, match=r"the SVM is fitted to 100 to 50,000 images"):
            check_svm_rows(rows, mnist)
