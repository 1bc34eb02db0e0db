"""The history of a training: records, columns, JSON, repr and plot."""

import json
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import MissingExtra, UnknownName
from chainrule.history import COLUMNS, EpochRecord, History


def make_record(epoch, accuracy=0.5, validation=True):
    """Make a record whose numbers all differ."""
    held_out = (0.3 / epoch, 0.4 + epoch / 100) if validation else (None, None)
    return EpochRecord(epoch, 1 / epoch, accuracy, *held_out, 3.0, 0.25, 4000.0)


def make_history(epochs=3, **settings):
    """Make a history of some epochs."""
    return History(
        seed=7, engine="reference", records=[make_record(k, **settings) for k in range(1, epochs + 1)], stopped="finished"
    )


def test_columns_are_arrays():
    """Each field of a record is a column: a float64 array with an entry for each epoch."""
    history = make_history()
    for name in COLUMNS:
        assert history[name].dtype == np.float64
        assert history[name].tolist() == [getattr(r, name) for r in history.records]


def test_none_is_nan_in_a_column():
    """A column has NaN where a record has None."""
    history = make_history(accuracy=None, validation=False)
    for name in ("accuracy", "validation_cost", "validation_accuracy"):
        assert np.isnan(history[name]).all()
        assert len(history[name]) == 3


def test_an_empty_history_has_empty_columns():
    """Without epochs length, iteration, columns and ``to_dict`` are empty."""
    history = make_history(0)
    assert all(history[name].shape == (0,) for name in COLUMNS)
    assert len(history) == 0
    assert list(history) == []
    assert history.to_dict()["cost"] == []


@pytest.mark.parametrize("name", ["loss", "epochs", 1.5, None])
def test_unknown_columns_are_refused(name):
    """An unknown column is refused, and the message lists the columns."""
    with pytest.raises(UnknownName, match=r"unknown column .*he names are: epoch, cost, accuracy"):
        make_history()[name]


def test_a_history_is_a_sequence_of_records():
    """Length and iteration are those of the records."""
    history = make_history()
    assert len(history) == 3
    assert [r.epoch for r in history] == [1, 2, 3]


def test_records_are_frozen():
    """A record cannot be changed."""
    with pytest.raises(AttributeError):
        make_history().records[0].cost = 0.0


def test_to_dict_is_json():
    """``to_dict`` gives JSON's types: every column, the reason the training ended, seed and engine."""
    history = make_history(accuracy=None)
    actual = json.loads(json.dumps(history.to_dict(), allow_nan=False))
    assert actual["epochs"] == [1, 2, 3]
    assert actual["cost"] == history["cost"].tolist()
    assert actual["accuracy"] == [None] * 3
    assert {key: actual[key] for key in ("seed", "engine", "stopped", "message", "best_epoch")} == {
        "seed": 7,
        "engine": "reference",
        "stopped": "finished",
        "message": "",
        "best_epoch": None,
    }
    assert set(actual) == {*COLUMNS, "epochs", "seed", "engine", "stopped", "message", "best_epoch"} - {"epoch"}


def test_a_trainings_history_is_json():
    """The history of a real training with early stopping converts to JSON without loss."""
    rng = np.random.default_rng(0)
    pair = rng.normal(size=(30, 3)), rng.integers(0, 2, 30)
    net = cr.Network([3, 2], seed=np.uint64(2**63))
    history = cr.train(
        net, pair, epochs=5, batch_size=np.int64(4), learning_rate=np.float32(0.5), validation=pair, early_stopping=np.int64(2)
    )
    assert json.loads(json.dumps(history.to_dict(), allow_nan=False)) == history.to_dict()


def test_to_dict_gives_copies():
    """Changing the result of ``to_dict`` does not change the history."""
    history = make_history()
    history.to_dict()["cost"].clear()
    assert len(history["cost"]) == 3


def test_repr_shows_the_last_epoch():
    """The repr shows the number of epochs, the reason the training ended, and the last epoch's cost and accuracies."""
    assert repr(make_history(1)) == "History(1 epoch, finished, cost 1, accuracy 50.00 %, validation accuracy 41.00 %)"
    assert repr(History(seed=0, engine="reference")) == "History(0 epochs, running)"
    values = History(seed=0, engine="reference", records=[EpochRecord(1, 0.5, None, 0.25, None, 3.0, 1.0, 1.0)], stopped="early")
    assert repr(values) == "History(1 epoch, early, cost 0.5, validation cost 0.25)"


@pytest.fixture
def pyplot():
    """Import pyplot with a backend without windows, and close all figures afterwards."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        ({}, ["cost, training", "cost, validation", "accuracy, training", "accuracy, validation"]),
        ({"validation": False}, ["cost, training", "accuracy, training"]),
        ({"accuracy": None}, ["cost, training", "cost, validation"]),
        ({"accuracy": None, "validation": False}, ["cost, training"]),
    ],
    ids=["all", "no validation", "values", "values, no validation"],
)
def test_plot_draws_the_columns_that_have_values(pyplot, settings, labels):
    """The plot has a labelled line over the epochs for each cost and accuracy that has values."""
    history = make_history(**settings)
    if settings.get("accuracy", 1) is None:
        history.records = [EpochRecord(r.epoch, r.cost, None, r.validation_cost, None, 3.0, 1.0, 1.0) for r in history.records]
    ax = history.plot()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == labels
    lines = {line.get_label(): line for axes in ax.figure.axes for line in axes.lines}
    assert sorted(lines) == sorted(labels)
    assert lines["cost, training"].get_xdata().tolist() == [1, 2, 3]
    assert lines["cost, training"].get_ydata().tolist() == history["cost"].tolist()
    ax.figure.canvas.draw()


def test_plot_marks_the_best_epoch(pyplot):
    """The best epoch is a point on the lines of the validation, once in the legend; without early stopping there is none."""
    history = make_history()
    history.best_epoch = 2
    ax = history.plot()
    marks = [line.get_xydata().tolist() for axes in ax.figure.axes for line in axes.lines if line.get_label() == "best epoch"]
    assert marks == [[[2, history.records[1].validation_cost]], [[2, history.records[1].validation_accuracy]]]
    assert [text.get_text() for text in ax.get_legend().get_texts()].count("best epoch") == 1


def test_plot_draws_on_the_axes_given(pyplot):
    """With the caller's axes ``plot`` draws on these, and makes no other figure."""
    _, ax = pyplot.subplots()
    assert make_history().plot(ax) is ax
    assert len(pyplot.get_fignums()) == 1


@pytest.mark.parametrize("epochs", [0, 1])
def test_plot_of_zero_or_one_epoch(pyplot, epochs):
    """A history of 0 epochs, or of 1, is drawn without a warning."""
    make_history(epochs).plot().figure.canvas.draw()


def test_plot_without_matplotlib_says_what_to_install(monkeypatch):
    """Without matplotlib ``plot`` names the extra to install."""
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtra, match=r"needs matplotlib; install it with: pip install 'chainrule\[plot\]'"):
        make_history().plot()


def test_plot_with_a_matplotlib_that_cannot_be_loaded(monkeypatch):
    """An installed matplotlib that cannot be loaded, such as for lack of memory, is not reported as one that is missing."""

    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "matplotlib.pyplot":
                raise ImportError("ft2font.so: failed to map segment from shared object")

    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(ImportError, match="failed to map segment") as caught:
        make_history().plot()
    assert not isinstance(caught.value, MissingExtra)


def test_an_index_gives_a_record():
    """``history[0]`` is the first epoch's record, ``history[-1]`` the last's."""
    history = make_history()
    assert (history[0], history[-1]) == (history.records[0], history.records[-1])


def test_an_accuracy_of_almost_1_is_not_100_percent():
    """The repr shows 100 % or 0 % for accuracies of exactly 1 or 0 alone, up to the rounding of summed weights."""
    history = History(seed=0, engine="reference")
    for accuracy, text in ((0.99996, "99.99 %"), (1 - 2**-52, "100.00 %"), (1e-9, "0.01 %"), (0.0, "0.00 %")):
        history.records.append(EpochRecord(1, 0.5, accuracy, None, None, 3.0, 0.25, 1.0))
        assert f"accuracy {text})" in repr(history)
