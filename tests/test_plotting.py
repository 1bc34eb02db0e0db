"""The plots: what is drawn, and the files."""

import os
import subprocess
import sys

import numpy as np
import pytest

from chainrule import plotting
from chainrule.errors import DataError, FileError, SettingError
from chainrule.history import EpochRecord, History
from chainrule.plotting import calibration_and_roc, check_plot_path, confusion, curves, importance, runs, save, values
from chainrule.plotting.figure_style import fit_name, fit_names
from chainrule.plotting.importance_plot import MOST_BARS
from chainrule.plotting.metrics import area_under_roc, reliability_bins, roc_points

pytest.importorskip("matplotlib")

NAMES = ["setosa", "versicolor", "virginica"]
COUNTS = np.array([[50, 0, 0], [0, 47, 3], [0, 12, 38]])


def make_history(epochs=4, accuracy=True, validation=True, best_epoch=3, scale=1.0):
    """Make a history whose numbers all differ."""
    records = [
        EpochRecord(
            k,
            scale / k,
            0.9 - 0.2 / k if accuracy else None,
            scale * 1.1 / k if validation else None,
            0.8 - 0.2 / k if accuracy and validation else None,
            0.1,
            0.2,
            1e4,
        )
        for k in range(1, epochs + 1)
    ]
    return History(seed=0, engine="reference", records=records, best_epoch=best_epoch)


def lines_of(ax, label):
    """Give the points of each line with a label."""
    return [line.get_xydata().tolist() for line in ax.lines if line.get_label() == label]


def figures():
    """Draw one figure of each function."""
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=3_000), rng.random(300)
    return {
        "curves": curves([make_history(), make_history(2)]),
        "confusion": confusion(COUNTS, NAMES),
        "values": values(y, y + rng.normal(size=3_000), "price"),
        "calibration and ROC": calibration_and_roc(rng.random(300) < p, p, "yes"),
        "importance": importance(["a", "b"], np.array([0.1, 0.2]), np.array([0.01, 0.02]), "accuracy"),
    }


# Curves


def test_curves_draws_each_network_in_both_panels():
    """Cost and accuracy have a panel each, with a line of training and of validation for each network, and its best epoch."""
    histories = [make_history(), make_history(2, scale=2, best_epoch=None)]
    figure = curves(histories)
    cost, accuracy = figure.axes
    assert (cost.get_ylabel(), accuracy.get_ylabel()) == ("cost", "accuracy")
    for ax, column in ((cost, "cost"), (accuracy, "accuracy")):
        for label, name in (("training", column), ("validation", f"validation_{column}")):
            assert lines_of(ax, label) == [np.column_stack([h["epoch"], h[name]]).tolist() for h in histories]
        assert lines_of(ax, "best epoch") == [[[3, histories[0][f"validation_{column}"][2]]]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["training", "validation", "best epoch"]
    assert figure.legends[0].get_title().get_text() == "2 networks"


def test_curves_takes_lists_of_records_and_best_epochs():
    """Records are taken as lists too, and the best epochs given take the place of the histories' own."""
    history = make_history(validation=False)
    ax, _ = curves([history.records], [2]).axes
    assert lines_of(ax, "best epoch") == [[[2, 0.5]]]
    assert lines_of(ax, "validation") == []
    assert lines_of(curves([history], [None]).axes[0], "best epoch") == []


def test_curves_of_values_has_the_cost_alone():
    """Without accuracies there is one panel."""
    assert [ax.get_ylabel() for ax in curves([make_history(accuracy=False)]).axes] == ["cost"]


@pytest.mark.parametrize(
    ("costs", "scale"),
    [([1, 0.5, 0.2], "linear"), ([1, 0.1, 0.01], "log"), ([1, 0.9, np.inf], "linear"), ([1, np.nan, 0.01], "log")],
)
def test_a_large_range_of_costs_has_a_logarithmic_axis(costs, scale, tmp_path):
    """The cost's axis is logarithmic where the costs differ thirtyfold; NaN and infinity are left out, and all can be written."""
    records = [EpochRecord(k, float(cost), None, None, None, 0.1, 0.1, 1.0) for k, cost in enumerate(costs, start=1)]
    figure = curves([records])
    assert figure.axes[0].get_yscale() == scale
    save(figure, tmp_path / "curves.png")


@pytest.mark.parametrize("epochs", [0, 1])
def test_curves_of_zero_or_one_epoch(epochs, tmp_path):
    """A training interrupted before its second epoch is drawn: one epoch as a point, none as empty axes."""
    figure = curves([make_history(epochs)])
    save(figure, tmp_path / "curves.png")
    assert all(line.get_marker() == "o" for line in figure.axes[0].lines if epochs)


# Confusion


def _validated(accuracy, *scores):
    """Give a record for each validation score."""
    return [EpochRecord(k, 0.5, accuracy, None, score, 1.0, 0.1, 10.0) for k, score in enumerate(scores, 1)]


def test_runs_names_the_score_of_values_and_of_classes():
    """A regressor's score is its R2, a number; a classifier's the accuracy, in percent; of both kinds classifiers are drawn."""
    axes = {}
    for name, group in {"values": [_validated(None, -0.5, 0.5)], "classes": [_validated(0.9, 0.7, 0.75)]}.items():
        figure = runs([group], [name])
        figure.canvas.draw()
        (axes[name],) = figure.axes
    assert axes["values"].get_ylabel() == "R² on the validation rows"
    assert not any("%" in tick.get_text() for tick in axes["values"].get_yticklabels())
    assert axes["classes"].get_ylabel() == "validation accuracy"
    assert any("%" in tick.get_text() for tick in axes["classes"].get_yticklabels())
    (both,) = runs([[_validated(None, 0.5)], [_validated(0.9, 0.7)]], ["values", "classes"]).axes
    assert [line.get_label() for line in both.lines] == ["classes"]


def test_runs_draws_the_networks_of_a_run_alike():
    """A line for each network, in the colour of their run, whose name is in the legend once."""
    figure = runs([[_validated(0.9, 0.7, 0.8), _validated(0.9, 0.6)], [_validated(0.9, 0.5, 0.6)]], ["two", "one"])
    (ax,) = figure.axes
    one, *two = ax.lines
    assert len({line.get_color() for line in two}) == 1
    assert one.get_color() != two[0].get_color()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["two", "one"]


def test_confusion_shows_counts_and_shares_by_name():
    """Each cell has its count and the share of its row; rows and columns have the classes' names, the first at the top."""
    ax, bar = confusion(COUNTS, NAMES).axes
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts[1.5, 2.5] == "12\n24.0 %"
    assert texts[0.5, 0.5] == "50\n100.0 %"
    assert len(texts) == 9
    assert [label.get_text() for label in ax.get_xticklabels()] == NAMES
    assert [label.get_text() for label in ax.get_yticklabels()] == NAMES
    assert ax.yaxis_inverted()
    assert ax.get_title(loc="left") == "accuracy 90.00 % of 150 rows"
    np.testing.assert_allclose(ax.collections[0].get_array().reshape(3, 3), COUNTS / 50)
    assert bar.get_ylabel() == "share of the true class"


def test_a_class_without_rows_has_no_shares():
    """A row of zeros has counts without shares, and no colour."""
    ax = confusion(np.array([[2, 1], [0, 0]]), ["a", "b"]).axes[0]
    assert [text.get_text() for text in ax.texts] == ["2\n66.7 %", "1\n33.3 %", "0", "0"]


@pytest.mark.parametrize("classes", [26, 80])
def test_many_classes_fit_on_a_page(classes):
    """With long names and many classes the figure is no wider than a page; the texts of 26 classes' cells lie within them."""
    counts = np.full((classes, classes), 7) + 4_000 * np.eye(classes, dtype=int)
    names = [f"a rather long name of category {k} in this table" for k in range(classes)]
    figure = confusion(counts, names)
    assert figure.get_figwidth() <= 8.5
    figure.draw_without_rendering()
    ax = figure.axes[0]
    cell = ax.get_window_extent().width / classes
    assert len(ax.texts) == (classes**2 if classes == 26 else 0)
    assert all(text.get_window_extent().width < cell for text in ax.texts)


def test_ticks_of_names_do_not_overlap():
    """The names beside the rows of 80 classes are thinned until they do not overlap."""
    figure = confusion(np.eye(80, dtype=int), [f"class {k}" for k in range(80)])
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert all(above.y0 >= below.y1 for above, below in zip(boxes[:-1], boxes[1:], strict=True))


@pytest.mark.parametrize(("size", "names"), [(0, []), (3, ["a", "b"])])
def test_confusion_with_other_names_is_refused(size, names):
    """A matrix without classes, or of another shape than the names, is refused with both."""
    with pytest.raises(DataError, match=rf"each of the {len(names)} classes; its shape is \({size}, {size}\)"):
        confusion(np.zeros((size, size), dtype=int), names)


# Values


def test_values_draws_points_the_diagonal_and_residuals():
    """Few rows are points: predicted against true with the diagonal, and predicted - true against predicted with the zero line."""
    y, a = np.array([1.0, 2.0, 4.5]), np.array([1.5, 2.0, 3.0])
    left, right = values(y, a, "price in $ or in $100").axes
    np.testing.assert_array_equal(left.collections[0].get_offsets(), np.column_stack([y, a]))
    np.testing.assert_array_equal(right.collections[0].get_offsets(), np.column_stack([a, a - y]))
    ends = left.lines[0].get_xydata()
    assert (ends[:, 0] == ends[:, 1]).all()
    assert left.get_xlim() == left.get_ylim() == (ends[0, 0], ends[1, 0])
    assert right.lines[0].get_ydata() == [0, 0]
    assert left.get_xlabel() == r"true price in \$ or in \$100"


@pytest.mark.parametrize("whole", [False, True])
def test_many_values_are_counted_in_cells(whole):
    """Of 100,000 rows each panel has cells whose counts add up to all rows, and both have the same colours."""
    rng = np.random.default_rng(0)
    y = rng.integers(1, 30, 100_000) if whole else rng.normal(size=100_000)
    left, right, bar = values(y, y + rng.normal(size=100_000), "rings").axes
    assert [np.nansum(ax.collections[0].get_array().filled(np.nan)) for ax in (left, right)] == [100_000, 100_000]
    assert left.collections[0].norm is right.collections[0].norm
    assert bar.get_ylabel() == "rows per cell"
    if whole:
        width = np.diff(left.collections[0].get_coordinates()[0, :, 0])
        assert set(width) == {1.0}


@pytest.mark.parametrize("y", [[1, 1, 1], [0.5, 0.5, 0.5], [1e-30, 3e-30], [250_000, 375_000], [1e30, 2e30]], ids=str)
def test_values_of_any_scale_are_drawn(y, tmp_path):
    """Equal, tiny and large values are drawn without a warning; thousands have separators."""
    figure = values(np.array(y), np.array(y[::-1]), "y")
    save(figure, tmp_path / "values.png")
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert ("300,000" in labels) == (y[0] == 250_000)


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        ([1.0], [1.0, 2.0], r"the shapes are \(1,\) and \(2,\)"),
        ([], [], "n at least 1"),
        ([1.0, np.nan], [1.0, 2.0], "must be finite; those of row 1 are nan and 2.0"),
        ([1.0, 2.0], [np.inf, 2.0], "those of row 0 are 1.0 and inf"),
    ],
)
def test_bad_values_are_refused(true, predicted, message):
    """Other shapes, NaN and infinity are refused, with the row."""
    with pytest.raises(DataError, match=message):
        values(np.array(true), np.array(predicted), "y")


# Calibration and ROC


def test_calibration_and_roc_draw_the_numbers_of_metrics():
    """The curves are those of ``metrics``, with the rows of each bin as bars and numbers, and the area in the legend."""
    rng = np.random.default_rng(0)
    p = 0.8 * rng.random(500)
    true = rng.random(500) < p
    axes = {ax.get_label(): ax for ax in calibration_and_roc(true, p, ">50K").axes}
    bins, points = reliability_bins(true, p), roc_points(true, p)
    assert lines_of(axes["curve"], "model") == [np.column_stack([bins.mean_probability, bins.positive_share])[:8].tolist()]
    assert [bar.get_height() for bar in axes["counts"].patches] == bins.counts.tolist()
    assert [text.get_text() for text in axes["counts"].texts] == [str(count) for count in bins.counts]
    label = f"model, AUC {area_under_roc(points):.4f}"
    assert lines_of(axes["roc"], label) == [np.column_stack([points.false_positive_rate, points.true_positive_rate]).tolist()]
    assert axes["counts"].get_xlabel() == "predicted probability of >50K"


# Importance


def test_importance_draws_the_most_important_first():
    """The bars have the means, sorted from the top, with the spread, and the columns' names."""
    ax = importance(["a", "b", "c"], np.array([0.1, -0.02, 0.3]), np.array([0.01, 0.02, 0.03]), "accuracy").axes[0]
    assert [bar.get_width() for bar in ax.patches] == [0.3, 0.1, -0.02]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["c", "a", "b"]
    spread = [segment[:, 0].tolist() for segment in ax.collections[0].get_segments()]
    np.testing.assert_allclose(spread, [[0.27, 0.33], [0.09, 0.11], [-0.04, 0.0]], atol=1e-12)
    assert ax.yaxis_inverted()
    assert ax.get_xlabel() == "fall of the accuracy when the column is permuted"
    assert ax.get_title(loc="left") == ""


def test_importance_shows_at_most_thirty_columns():
    """Of 784 columns the thirty most important are drawn, and the title says so; an error rises."""
    names, means = [f"pixel {k}" for k in range(784)], np.arange(784.0)
    ax = importance(names, means, np.zeros(784), "RMSE", higher_is_better=False).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == [f"pixel {k}" for k in range(783, 783 - MOST_BARS, -1)]
    assert ax.get_title(loc="left") == "the 30 most important of 784 columns"
    assert ax.get_xlabel() == "rise of the RMSE when the column is permuted"


def test_importance_with_other_lengths_is_refused():
    """Names and numbers of different lengths are refused with the lengths."""
    with pytest.raises(DataError, match="the lengths are 2, 1, 1"):
        importance(["a", "b"], np.ones(1), np.ones(1), "accuracy")


# Names


def test_names_fit_and_stay_distinct():
    """Long names are cut in the middle, control characters become spaces, and names that would look the same get their position."""
    assert fit_name("two\nlines\tand \x00more") == "two lines and more"
    assert len(fit_name("x" * 100, 20)) == 20
    assert fit_names(["a" * 50 + "x" + "a" * 50, "a" * 50 + "y" + "a" * 50, "b"], 9) == ["1: aaaa…aaaa", "2: aaaa…aaaa", "b"]


def test_a_dollar_sign_is_a_letter(tmp_path):
    """Names with two dollar signs are drawn as they are: they are not read as a formula, which could be malformed."""
    save(confusion(np.eye(2, dtype=int), ["$\\frac$", "$10 or $20"]), tmp_path / "confusion.png")


# Files


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF"), ("SVG", b"<?xml")])
def test_the_ending_chooses_the_format(ending, start, tmp_path):
    """PNG, SVG and PDF are written by the path's ending, and nothing else is left in the folder."""
    path = tmp_path / f"plot.{ending}"
    save(confusion(COUNTS, NAMES), path)
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_numbers_give_the_same_bytes(ending, tmp_path):
    """Each figure, drawn twice, is the same file to the byte."""
    for name, first, second in zip(figures(), figures().values(), figures().values(), strict=True):
        one, two = (tmp_path / f"{k}.{ending}" for k in (1, 2))
        save(first, one)
        save(second, two)
        assert one.read_bytes() == two.read_bytes(), name


@pytest.mark.parametrize("name", ["plot.jpg", "plot", "plot.png.txt", ""])
def test_other_endings_are_refused(name):
    """A path with another ending is refused, and the endings are named."""
    with pytest.raises(SettingError, match=r"a plot is written as .png, .svg or .pdf"):
        check_plot_path(name)


def test_a_path_that_cannot_be_written_is_refused(tmp_path):
    """A missing folder, and a folder in the place of the file, are refused before the work."""
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(FileError, match=r"cannot write .*plot.png: the folder .*missing does not exist; create it first"):
        check_plot_path(tmp_path / "missing" / "plot.png")
    with pytest.raises(FileError, match=r"cannot write .*folder.png: it is a directory"):
        check_plot_path(tmp_path / "folder.png")
    assert check_plot_path(str(tmp_path / "plot.png")) == tmp_path / "plot.png"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_refused(tmp_path):
    """A folder that the user may not write to is refused before the work."""
    tmp_path.chmod(0o500)
    with pytest.raises(FileError, match="is not writable"):
        check_plot_path(tmp_path / "plot.png")


def test_a_failed_write_leaves_the_older_file(tmp_path):
    """Where drawing fails, an older file of that name stays as it was, and nothing is left beside it."""
    path = tmp_path / "plot.png"
    path.write_bytes(b"older")
    figure = confusion(COUNTS, NAMES)
    figure.axes[0].set_title("$\\frac$")  # a malformed formula, which matplotlib refuses when it draws
    with pytest.raises(ValueError, match=r"ParseFatalException|Expected"):
        save(figure, path)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_letters_that_no_font_has_are_told_in_one_warning(tmp_path):
    """A figure whose names have letters that the fonts lack is written, with one warning that counts them and names fonts."""
    with pytest.warns(UserWarning, match="boxes for 2 letters that its font lacks; install one of the fonts Noto") as caught:
        save(confusion(np.eye(2, dtype=int), ["\ue000", "\ue001"]), tmp_path / "confusion.png")
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_the_users_matplotlib_settings_are_neither_used_nor_changed(tmp_path):
    """A dark style of the user changes no byte of a figure, and is unchanged afterwards."""
    import matplotlib as mpl

    save(confusion(COUNTS, NAMES), tmp_path / "1.svg")
    with mpl.rc_context({"figure.facecolor": "black", "text.color": "white", "font.size": 30, "svg.hashsalt": "other"}):
        settings = dict(mpl.rcParams)
        save(confusion(COUNTS, NAMES), tmp_path / "2.svg")
        assert dict(mpl.rcParams) == settings
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()


def run_python(program, *arguments):
    """Run a program in another process, with warnings as errors."""
    return subprocess.run([sys.executable, "-W", "error", "-c", program, *arguments], capture_output=True, text=True, check=False)


def test_pyplot_is_not_imported(tmp_path):
    """Drawing and writing a figure imports no pyplot, and importing ``plotting`` no matplotlib."""
    program = """
import sys, numpy as np
import chainrule.plotting as plotting
assert "matplotlib" not in sys.modules
plotting.save(plotting.confusion(np.eye(2, dtype=int), ["a", "b"]), sys.argv[1])
assert "matplotlib.pyplot" not in sys.modules
"""
    result = run_python(program, str(tmp_path / "plot.png"))
    assert (result.returncode, result.stderr) == (0, "")


def test_without_matplotlib_one_line_says_how_to_get_it(tmp_path):
    """Without matplotlib the check of the path, before the work, and each plot say in one line what to install."""
    program = """
import sys, numpy as np
sys.modules["matplotlib"] = None
import chainrule.plotting as plotting
from chainrule.errors import MissingExtra
one, two = np.ones(1), np.array([0, 1])
for draw in (
    lambda: plotting.check_plot_path(sys.argv[1]),
    lambda: plotting.curves([[]]),
    lambda: plotting.confusion(np.eye(2, dtype=int), ["a", "b"]),
    lambda: plotting.values(one, one, "y"),
    lambda: plotting.calibration_and_roc(two, two, "yes"),
    lambda: plotting.importance(["a"], one, one, "accuracy"),
):
    try:
        draw()
    except MissingExtra as error:
        print(error)
"""
    result = run_python(program, str(tmp_path / "plot.png"))
    line = "a plot needs matplotlib; install it with: pip install 'chainrule[plot]'"
    assert (result.stdout.splitlines(), result.stderr) == ([line] * 6, "")


def test_points_of_a_sweep_are_joined_where_they_differ_in_one_setting():
    """A grid gives a line for each combination of the other settings; a random sample gives points, with bars over the seeds."""
    grid = [
        plotting.SweepPoint({"hidden": units, "learning_rate": rate}, (0.5, 0.6)) for units in (10, 30) for rate in (0.1, 1.0, 10.0)
    ]
    (ax,) = plotting.sweep_scores(grid, "validation accuracy").axes
    assert sorted(len(line.get_xdata()) for line in ax.lines) == [3, 3]
    assert {str(line.get_label()) for line in ax.lines} == {"hidden 10", "hidden 30"}
    assert ax.get_xscale() == "log"
    sample = [plotting.SweepPoint({"hidden": k % 9, "learning_rate": 0.1 + k}, (0.1 * k,)) for k in range(10)]
    (ax,) = plotting.sweep_scores(sample, "validation accuracy").axes
    assert all(line.get_linestyle() == "None" for line in ax.lines)
    assert sum(len(line.get_xdata()) for line in ax.lines) == 10


def test_a_sweep_of_names_and_of_points_that_all_diverged_can_be_drawn():
    """Names lie side by side; points without scores are left out of the one plot, and grey in the other."""
    points = [plotting.SweepPoint({"optimizer": name, "l2": 0.0}, scores) for name, scores in (("adam", (0.5,)), ("sgd", ()))]
    (ax,) = plotting.sweep_scores(points, "validation cost").axes
    assert sum(len(line.get_xdata()) for line in ax.lines) == 1
    (ax,) = plotting.sweep_axes(points, "validation cost").axes
    assert [text.get_text() for text in ax.get_xticklabels()] == ["optimizer", "l2", "mean validation cost"]
    lost = [plotting.SweepPoint({"l2": l2}, ()) for l2 in (0.0, 1.0)]
    assert not plotting.sweep_scores(lost, "validation accuracy").axes[0].lines
    plotting.sweep_axes(lost, "validation accuracy")


def test_labels_of_a_sweep_with_many_points_do_not_overlap():
    """Of 40 points whose values lie close together, the named ones stand apart, on both plots; the ends are named."""
    rng = np.random.default_rng(0)
    drawn = [
        plotting.SweepPoint({"hidden": int(units), "learning_rate": round(float(10**rate), 4), "optimizer": name}, (0.9,))
        for units, rate, name in zip(rng.integers(1, 200, 40), rng.uniform(-2, 1, 40), ["sgd", "adam"] * 20, strict=True)
    ]
    close = [plotting.SweepPoint({"learning_rate": rate}, (0.9,)) for rate in (0.1, 0.11, 0.12, 1.0, 1.1, 3.0)]
    names = [plotting.SweepPoint({"hidden": f"{128 + k}x64x32"}, (0.9,)) for k in range(40)]
    for points, ends in ((drawn, {"0.0112", "8.25"}), (close, {"0.1", "3"}), (names, {"128x64x32", "167x64x32"})):
        for draw in (plotting.sweep_scores, plotting.sweep_axes):
            figure = draw(points, "validation accuracy")
            figure.draw_without_rendering()
            (ax,) = figure.axes
            labels = [*ax.texts, *(label for label in ax.get_xticklabels() if label.get_text())]
            boxes = [label.get_window_extent() for label in labels]
            for k, box in enumerate(boxes):
                assert not any(box.overlaps(other) for other in boxes[:k]), labels[k].get_text()
            if draw is plotting.sweep_axes or points is not drawn:
                assert ends <= {label.get_text() for label in labels} or draw is plotting.sweep_axes
