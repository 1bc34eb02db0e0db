"""What a training tells: records, columns, the form for JSON, and the picture."""

import json
import sys
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import MissingExtra, UnknownName
from chainrule.history import COLUMNS, EpochRecord, History


def record(epoch, accuracy=0.5, validation=True):
    """A record with numbers that can be told apart."""
    held_out = (0.3 / epoch, 0.4 + epoch / 100) if validation else (None, None)
    return EpochRecord(epoch, 1 / epoch, accuracy, *held_out, 3.0, 0.25, 4000.0)


def history(epochs=3, **settings):
    """A history of some epochs."""
    return History(seed=7, engine="reference", records=[record(k, **settings) for k in range(1, epochs + 1)], stopped="finished")


def test_columns_are_arrays():
    """Each field of a record is a column, a float64 entry an epoch."""
    told = history()
    for name in COLUMNS:
        assert told[name].dtype == np.float64
        assert told[name].tolist() == [getattr(r, name) for r in told.records]


def test_what_there_is_not_is_nan():
    """A column has NaN where a record has None."""
    told = history(accuracy=None, validation=False)
    for name in ("accuracy", "validation_cost", "validation_accuracy"):
        assert np.isnan(told[name]).all()
        assert len(told[name]) == 3


def test_an_empty_history_has_empty_columns():
    """Without epochs each column is empty, and nothing else fails."""
    told = history(0)
    assert all(told[name].shape == (0,) for name in COLUMNS)
    assert len(told) == 0
    assert list(told) == []
    assert told.to_dict()["cost"] == []


@pytest.mark.parametrize("name", ["loss", "epochs", 1.5, None])
def test_unknown_columns_are_refused(name):
    """A column that there is not is refused with those that there are."""
    with pytest.raises(UnknownName, match=r"unknown column .*[Tt]here are: epoch, cost, accuracy"):
        history()[name]


def test_a_history_is_a_sequence_of_records():
    """Length and iteration are those of the records."""
    told = history()
    assert len(told) == 3
    assert [r.epoch for r in told] == [1, 2, 3]


def test_records_are_frozen():
    """What was told is not told otherwise later."""
    with pytest.raises(FrozenInstanceError):
        history().records[0].cost = 0.0


def test_to_dict_is_json():
    """``to_dict`` gives JSON's types, with every column, why the training ended, seed and engine."""
    told = history(accuracy=None)
    came = json.loads(json.dumps(told.to_dict(), allow_nan=False))
    assert came["epochs"] == [1, 2, 3]
    assert came["cost"] == told["cost"].tolist()
    assert came["accuracy"] == [None] * 3
    assert {key: came[key] for key in ("seed", "engine", "stopped", "message", "best_epoch")} == {
        "seed": 7,
        "engine": "reference",
        "stopped": "finished",
        "message": "",
        "best_epoch": None,
    }
    assert set(came) == {*COLUMNS, "epochs", "seed", "engine", "stopped", "message", "best_epoch"} - {"epoch"}


def test_a_trainings_history_is_json():
    """The history of a real training, early stopping included, is JSON as it stands."""
    rng = np.random.default_rng(0)
    pair = rng.normal(size=(30, 3)), rng.integers(0, 2, 30)
    net = cr.Network([3, 2], seed=np.uint64(2**63))
    told = cr.train(
        net, pair, epochs=5, batch_size=np.int64(4), learning_rate=np.float32(0.5), validation=pair, early_stopping=np.int64(2)
    )
    assert json.loads(json.dumps(told.to_dict(), allow_nan=False)) == told.to_dict()


def test_to_dict_gives_copies():
    """Changing what ``to_dict`` gave changes no history."""
    told = history()
    told.to_dict()["cost"].clear()
    assert len(told["cost"]) == 3


def test_repr_says_how_it_went():
    """The repr tells the epochs, why it ended, and the last figures that there are."""
    assert repr(history(1)) == "History(1 epoch, finished, cost 1, accuracy 50.00 %, validation accuracy 41.00 %)"
    assert repr(History(seed=0, engine="reference")) == "History(0 epochs, running)"
    values = History(seed=0, engine="reference", records=[EpochRecord(1, 0.5, None, 0.25, None, 3.0, 1.0, 1.0)], stopped="early")
    assert repr(values) == "History(1 epoch, early, cost 0.5, validation cost 0.25)"


@pytest.fixture
def pyplot():
    """Draw without a window; close what was drawn."""
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
def test_plot_draws_what_there_is(pyplot, settings, labels):
    """The picture has a line for each of cost and accuracy that was told, against the epochs, and names them."""
    told = history(**settings)
    if settings.get("accuracy", 1) is None:
        told.records = [EpochRecord(r.epoch, r.cost, None, r.validation_cost, None, 3.0, 1.0, 1.0) for r in told.records]
    ax = told.plot()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == labels
    drawn = {line.get_label(): line for axes in ax.figure.axes for line in axes.lines}
    assert sorted(drawn) == sorted(labels)
    assert drawn["cost, training"].get_xdata().tolist() == [1, 2, 3]
    assert drawn["cost, training"].get_ydata().tolist() == told["cost"].tolist()
    ax.figure.canvas.draw()


def test_plot_draws_where_it_is_told(pyplot):
    """With axes of the caller's the picture goes there, and no other figure is made."""
    _, ax = pyplot.subplots()
    assert history().plot(ax) is ax
    assert len(pyplot.get_fignums()) == 1


@pytest.mark.parametrize("epochs", [0, 1])
def test_plot_of_hardly_anything(pyplot, epochs):
    """No epochs, or one, draw without a warning."""
    history(epochs).plot().figure.canvas.draw()


def test_plot_without_matplotlib_says_what_to_install(monkeypatch):
    """Without matplotlib ``plot`` names the extra to install."""
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtra, match=r"needs matplotlib; install it with: pip install 'chainrule\[plot\]'"):
        history().plot()


def test_a_number_gives_that_record():
    """``history[0]`` is the first epoch's record, ``history[-1]`` the last's."""
    told = history()
    assert (told[0], told[-1]) == (told.records[0], told.records[-1])


def test_a_history_says_100_percent_of_all_alone():
    """What is almost right is not rounded up to all, and all is not rounded down by how weights add up."""
    history = History(seed=0, engine="reference")
    for accuracy, said in ((0.99996, "99.99 %"), (1 - 2**-52, "100.00 %"), (1e-9, "0.01 %"), (0.0, "0.00 %")):
        history.records.append(EpochRecord(1, 0.5, accuracy, None, None, 3.0, 0.25, 1.0))
        assert f"accuracy {said})" in repr(history)
