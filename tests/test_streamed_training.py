"""Trainings on rows that are read from files: ``cr.train(net, cr.rows(...))``."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from row_sets import FORMATS, arrow_table, draw_rows, write_rows, write_set
from training_cases import parameter_bytes

import chainrule as cr
from chainrule.cli.column_names import read_examples_for
from chainrule.cli.data_source import Source
from chainrule.engines import ENGINES
from chainrule.errors import DataError, DataTypeError, FileError, SettingError
from chainrule.read_ahead import read_ahead
from chainrule.row_files.row_order import group_order, shard, window_order, windows

SIZES = (40, 13, 27, 55, 1)
SETTINGS = {"epochs": 3, "batch_size": 8, "learning_rate": 0.3}
WINDOW = 60 * (3 * 4 + 8)  # bytes of 60 rows


def make_network(dtype="float32", **settings):
    return cr.Network([3, 4, 2], cost="log_loss", seed=0, dtype=dtype, **settings)


def streamed_order(sizes, most, seed, epoch):
    """Give the order of an epoch's rows, by the numbers of all files' rows one after another."""
    starts = np.cumsum([0, *sizes])
    order = []
    for pieces in windows(shard(group_order(len(sizes), seed, epoch), sizes, 0, 1), most):
        rows = np.concatenate([starts[piece.group] + np.arange(piece.first, piece.last) for piece in pieces])
        order.append(rows[window_order(len(rows), seed, epoch, pieces[0])])
    return np.concatenate(order)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("window", [WINDOW, 2**20])
@pytest.mark.parametrize("batch_size", [1, 8, 50, 1000])
def test_a_training_has_the_bits_of_one_in_memory_in_the_same_order(tmp_path, engine, window, batch_size):
    """Windows, and mini-batches that straddle two of them, give the bits of a training on all rows in the same order."""
    x, y = write_set(tmp_path, SIZES)
    streamed, by_hand = make_network(), make_network()
    settings = {**SETTINGS, "batch_size": batch_size, "engine": engine}
    history = cr.train(streamed, cr.rows(tmp_path / "*.parquet", target="y", window_bytes=window), seed=7, **settings)
    costs = []
    for epoch in (1, 2, 3):
        order = streamed_order(SIZES, window // 20, 7, epoch)
        costs += cr.train(by_hand, (x[order], y[order]), **{**settings, "epochs": 1}, shuffle=False)["cost"].tolist()
    assert parameter_bytes(streamed) == parameter_bytes(by_hand)
    assert history["cost"].tolist() == costs
    assert streamed.provenance.examples == sum(SIZES)


def test_without_shuffle_the_rows_are_in_the_files_order(tmp_path):
    """``shuffle=False`` trains on the rows as the files have them."""
    x, y = write_set(tmp_path, SIZES)
    streamed, in_memory = make_network(), make_network()
    cr.train(streamed, cr.rows(tmp_path / "*.parquet", target="y", window_bytes=WINDOW), shuffle=False, **SETTINGS)
    cr.train(in_memory, (x, y), shuffle=False, **SETTINGS)
    assert parameter_bytes(streamed) == parameter_bytes(in_memory)


@pytest.mark.parametrize("standardize", [False, True])
def test_every_format_gives_the_same_network(tmp_path, standardize):
    """Parquet, CSV and npz files of the same rows give the same bits, on any number of threads and cut into any steps."""
    results = set()
    for suffix in FORMATS:
        write_set(tmp_path, SIZES, suffix)
        source = cr.rows(tmp_path / f"*.{suffix}", target="y", standardize=standardize, window_bytes=WINDOW)
        for threads in (1, 2):
            network = make_network()
            run = cr.Run(network, source, threads=threads, **SETTINGS)
            while run.history.stopped is None:
                run.advance(5 if threads == 1 else 1000)
            results.add(parameter_bytes(network))
    assert len(results) == 1


def test_standardized_columns_are_folded_in(tmp_path):
    """With ``standardize`` the network trains on columns of mean 0 and deviation 1, and afterwards takes raw rows."""
    x, y = write_set(tmp_path, SIZES)
    source = cr.rows(tmp_path / "*.parquet", target="y", standardize=True)
    network, by_hand, seen = make_network("float64"), make_network("float64"), []
    history = cr.train(network, source, validation=(x, y), callbacks=[lambda _: seen.append(network.cost(x, y))], **SETTINGS)
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    for epoch in (1, 2, 3):
        order = streamed_order(SIZES, 10**6, 0, epoch)
        cr.train(by_hand, (scaled[order], y[order]), **{**SETTINGS, "epochs": 1}, shuffle=False)
    np.testing.assert_allclose(network.feedforward(x), by_hand.feedforward(scaled), rtol=1e-9)
    np.testing.assert_allclose(history["validation_cost"], seen, rtol=1e-9)
    assert network.inputs.low == x.min()


def test_a_constant_column_carries_no_information(tmp_path):
    """A constant column is standardized to 0, and its weights are folded to 0."""
    x, y = draw_rows(50)
    x[:, 1] = 7
    write_rows(tmp_path / "a.npz", x, y)
    network = make_network()
    cr.train(network, cr.rows(tmp_path / "a.npz", target="y", standardize=True), **SETTINGS)
    assert not network.weights[0][:, 1].any()


def test_standardize_needs_a_new_network_whose_parameters_are_left_alone(tmp_path):
    """A trained network is refused with ``standardize``, and so is one whose parameters are changed between two epochs."""
    write_set(tmp_path, SIZES)
    source = cr.rows(tmp_path / "*.parquet", target="y", standardize=True)
    network = make_network()
    for _ in (run := cr.Run(network, source, **SETTINGS)):
        break
    network.biases[0][...] = 0
    with pytest.raises(SettingError, match="changed between two epochs"):
        next(run)
    with pytest.raises(SettingError, match="train a new one"):
        cr.train(network, source, **SETTINGS)


def test_a_validation_is_streamed_too(tmp_path):
    """A source as validation gives the cost and the accuracy of the same rows in memory."""
    (tmp_path / "test").mkdir()
    write_set(tmp_path, SIZES)
    x, y = write_set(tmp_path / "test", (30, 4, 50), seed=3)
    source = cr.rows(tmp_path / "*.parquet", target="y", window_bytes=WINDOW)
    held_out = cr.rows(tmp_path / "test/*.parquet", target="y", window_bytes=WINDOW)
    histories = [cr.train(make_network(), source, validation=given, **SETTINGS) for given in (held_out, (x, y))]
    np.testing.assert_allclose(*(history["validation_cost"] for history in histories), rtol=1e-6)
    assert np.array_equal(*(history["validation_accuracy"] for history in histories))


def test_accuracy_is_given_only_where_all_targets_are_classes(tmp_path):
    """Targets of one output that are 0 or 1 in one window and others elsewhere are values: there is no accuracy."""
    x, _ = draw_rows(40)
    write_rows(tmp_path / "a.npz", x, np.tile([0.0, 1.0], 20))
    for second, has_accuracy in ((np.full(40, 0.5), False), (np.zeros(40), True)):
        write_rows(tmp_path / "b.npz", x, second)
        network = cr.Network([3, 1], cost="cross_entropy", seed=0)
        source = cr.rows(tmp_path / "*.npz", target="y", window_bytes=40 * 20)
        history = cr.train(network, source, validation=source, **SETTINGS)
        assert (history[0].accuracy is not None, history[0].validation_accuracy is not None) == (has_accuracy, has_accuracy)
        assert network.provenance.classes is has_accuracy


@pytest.mark.parametrize("label", [2, -1, 0.5])
def test_labels_that_are_no_classes_are_refused_before_the_training(tmp_path, label):
    """A label beyond the network's outputs, or between two, is found in whatever file it is."""
    x, y = draw_rows(20)
    write_rows(tmp_path / "00.npz", x, y.astype(float))
    write_rows(tmp_path / "01.npz", x, np.where(np.arange(20) == 11, label, y.astype(float)))
    network = make_network()
    before = parameter_bytes(network)
    with pytest.raises(DataError, match="labels must"):
        cr.train(network, cr.rows(tmp_path / "*.npz", target="y"), **SETTINGS)
    assert parameter_bytes(network) == before


def test_settings_that_need_all_rows_in_memory_are_refused(tmp_path):
    """``rows``, ``validation_rows`` and ``distort`` name themselves and the remedy."""
    write_set(tmp_path, SIZES)
    source = cr.rows(tmp_path / "*.parquet", target="y")
    given = {"rows": [1], "validation_rows": [1], "distort": cr.distort.Affine(shift=1)}
    for name, value in given.items():
        with pytest.raises(SettingError, match=rf"^{name} is not available for rows that are read from files"):
            cr.train(make_network(), source, **{name: value}, **SETTINGS)
    with pytest.raises(DataError, match=r"train on cr\.rows"):
        cr.train(make_network(), draw_rows(10), validation=source, **SETTINGS)


def test_a_row_group_larger_than_a_window_is_refused(tmp_path):
    """The file and the row group are named, with the remedy, before its rows are read into memory at once."""
    write_set(tmp_path, (10, 30, 5))
    with pytest.raises(DataError, match=r"01.parquet, row group 0 .*30 rows, 600 bytes.*larger window_bytes"):
        cr.train(make_network(), cr.rows(tmp_path / "*.parquet", target="y", window_bytes=400), **SETTINGS)


def test_a_source_is_named_where_it_is_and_where_it_cannot_be_used(tmp_path):
    """A Run shows its source; a population and an evaluation refuse one with the remedy."""
    write_set(tmp_path, SIZES, "npz")
    source, network = cr.rows(tmp_path / "*.npz", target="y"), make_network()
    assert "on RowSource(136 rows x 3 of 5 files, target 'y')" in repr(cr.Run(network, source, **SETTINGS))
    for use in (lambda: cr.train_population([network], source, **SETTINGS), lambda: network.evaluate(source)):
        with pytest.raises(DataTypeError, match=r"by cr\.train and cr\.Run alone"):
            use()


def test_a_network_keeps_the_name_of_its_rows_and_of_their_target(tmp_path):
    """The provenance names the paths as they were given and the target's column, which need not be a table's last one."""
    x, y = draw_rows(40)
    for name in ("a", "b"):
        pyarrow.parquet.write_table(arrow_table(x, y).select(["y", "length", "width", "mass"]), tmp_path / f"{name}.parquet")
    for paths, shown in (
        (tmp_path / "a.parquet", "a.parquet#y"),
        (f"{tmp_path}/*.parquet", "*.parquet#y"),
        ([tmp_path / "a.parquet", tmp_path / "b.parquet", tmp_path / "?.parquet"], f"a.parquet, {tmp_path}/b.parquet, ...#y"),
    ):
        network = make_network()
        cr.train(network, cr.rows(paths, target="y"), **SETTINGS)
        network.save(tmp_path / "net.safetensors")
        provenance = cr.load(tmp_path / "net.safetensors").provenance
        assert (provenance.data, provenance.target) == (f"{tmp_path}/{shown}", "y")
        found = read_examples_for(network, Source(str(tmp_path / "b.parquet")))
        assert np.array_equal(found.x, x)
        assert np.array_equal(found.y, y)


def test_numbers_beyond_float32_are_refused(tmp_path):
    """A float32 network refuses numbers that it cannot hold, by the column's name; standardized they fit."""
    x, y = draw_rows(20)
    x[3, 1] = 1e39
    write_rows(tmp_path / "a.parquet", x, y)
    with pytest.raises(DataError, match=r"column 'width' holds 1e\+39"):
        cr.train(make_network(), cr.rows(tmp_path / "a.parquet", target="y"), **SETTINGS)
    cr.train(make_network(), cr.rows(tmp_path / "a.parquet", target="y", standardize=True), **SETTINGS)


def test_a_file_that_changes_within_a_training_is_named(tmp_path):
    """The training ends with an error that names the file; the network keeps the last epoch's parameters."""
    write_set(tmp_path, SIZES)
    network, kept = make_network(), []

    def change(record):
        kept.append(parameter_bytes(network))
        write_set(tmp_path, SIZES, seed=5)
        os.utime(tmp_path / "03.parquet", ns=(1, 1))

    with pytest.raises(FileError, match=r"\d\d.parquet was changed"):
        cr.train(network, cr.rows(tmp_path / "*.parquet", target="y"), callbacks=[change], **SETTINGS)
    assert parameter_bytes(network) == kept[0]


def test_control_c_keeps_the_parameters_of_the_last_step(tmp_path):
    """Ctrl-C within an epoch ends the training, and no thread goes on reading."""
    write_set(tmp_path, (2000,) * 20, "npz")
    network = make_network()
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    source = cr.rows(tmp_path / "*.npz", target="y", window_bytes=2000 * 20)
    history = cr.train(network, source, epochs=10**5, batch_size=8, learning_rate=0.01)
    assert history.stopped == "interrupted"
    assert network.provenance.steps > 0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("chainrule-rows")]


def test_reading_ahead_makes_one_item_more_than_the_caller_has():
    """The thread makes the next item, and no more, until the caller asks; an error comes at its item; closing stops it."""
    made = []

    def items():
        for k in range(4):
            made.append(k)
            yield [k]
        raise DataError("the file is damaged")

    ahead = read_ahead(items())
    assert next(ahead) == [0]
    assert len(made) <= 2
    assert [next(ahead) for _ in range(3)] == [[1], [2], [3]]
    with pytest.raises(DataError, match="damaged"):
        next(ahead)
    made.clear()
    ahead = read_ahead(items())
    next(ahead)
    ahead.close()
    assert len(made) <= 2


MEASURE = """
import gc, json, sys
import numpy as np
import chainrule as cr
def peak():  # not ru_maxrss, which begins at the peak of the parent process
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
settings = {"epochs": 1, "batch_size": 256, "learning_rate": 0.1}
make = lambda: cr.Network([16, 4, 1], cost="mean_squared_error", seed=0)
cr.train(make(), cr.rows(sys.argv[1] + "/00.npz", target="y", window_bytes=2**22), **settings)
gc.collect()
gc.disable()
before = peak()
history = cr.train(make(), cr.rows(sys.argv[1] + "/*.npz", target="y", window_bytes=2**22), **settings)
print(json.dumps([peak() - before, history.stopped]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_memory_is_bounded_by_the_windows_not_by_the_rows(tmp_path):
    """A training on 96 MB of rows in windows of 4 MB takes less than 15 MB more than one on the first file, also without
    garbage collection.
    """
    rng = np.random.default_rng(0)
    for k in range(12):
        x = rng.normal(size=(62_500, 16))
        np.savez(tmp_path / f"{k:02}.npz", x=x, y=x[:, 0])
    done = subprocess.run([sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True)
    grown, stopped = json.loads(done.stdout)
    assert stopped == "finished"
    assert grown < 15 * 2**20
