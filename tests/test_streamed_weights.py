"""Rows of files with weights, and damaged rows that are left out."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from row_sets import FORMATS, arrow_table, draw_rows, write_rows, write_set
from test_streamed_training import streamed_order
from training_cases import parameter_bytes

import chainrule as cr
from chainrule.engines import ENGINES
from chainrule.errors import ArgumentTypeError, DataError, FileError, SettingError
from chainrule.row_files.row_source import SkippedRowsWarning

SIZES = (40, 13, 27, 55, 1)
STARTS = np.cumsum([0, *SIZES])
SETTINGS = {"epochs": 3, "batch_size": 8, "learning_rate": 0.3}
WINDOW = 60 * (3 * 4 + 16)


def make_network():
    return cr.Network([3, 4, 2], cost="log_loss", seed=0)


def draw_weights():
    """Draw weights; those of the first two files, a window, and of a mini-batch's length in the fourth, are 0."""
    weights = np.random.default_rng(2).uniform(0, 3, sum(SIZES))
    weights[:53] = weights[90:110] = 0
    return weights


def write_weighted(folder, weights, suffix="parquet"):
    """Write files with a column of weights; give all their rows."""
    x, y = draw_rows(sum(SIZES))
    for k, (first, last) in enumerate(zip(STARTS, STARTS[1:], strict=False)):
        part, path = slice(first, last), folder / f"{k}.{suffix}"
        if suffix == "npz":
            np.savez(path, x=x[part], y=y[part], w=weights[part])
        else:
            table = arrow_table(x[part], y[part]).add_column(1, "w", pa.array(weights[part]))
            (pyarrow.csv.write_csv if suffix == "csv" else pyarrow.parquet.write_table)(table, path)
    return x, y


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [1, 8, 50])
@pytest.mark.parametrize("shuffle", [False, True])
def test_weights_have_the_bits_of_those_in_memory(tmp_path, engine, batch_size, shuffle):
    """Windows and mini-batches whose largest weight is smaller, or whose weights are all 0, train as they do in memory."""
    weights = draw_weights()
    x, y = write_weighted(tmp_path, weights)
    streamed, by_hand = make_network(), make_network()
    settings = {**SETTINGS, "batch_size": batch_size, "engine": engine}
    source = cr.rows(tmp_path / "*.parquet", target="y", weights="w", window_bytes=WINDOW)
    history = cr.train(streamed, source, seed=7, shuffle=shuffle, **settings)
    costs = []
    for epoch in (1, 2, 3):
        order = streamed_order(SIZES, 60, 7, epoch) if shuffle else np.arange(sum(SIZES))
        examples = cr.Examples(x[order], y[order], weights=weights[order])
        costs.append(cr.train(by_hand, examples, **{**settings, "epochs": 1}, shuffle=False)[-1].cost)
    assert parameter_bytes(streamed) == parameter_bytes(by_hand)
    np.testing.assert_allclose(history["cost"], costs, rtol=1e-12)
    assert source.columns == ("length", "width", "mass")


def test_every_format_has_weights(tmp_path):
    """Parquet, CSV and npz files of the same weights give the same bits, other than without weights."""
    results = set()
    for suffix in FORMATS:
        write_weighted(tmp_path, draw_weights(), suffix)
        network = make_network()
        cr.train(network, cr.rows(tmp_path / f"*.{suffix}", target="y", weights="w", window_bytes=WINDOW), **SETTINGS)
        results.add(parameter_bytes(network))
    assert len(results) == 1
    write_set(tmp_path, SIZES, "npz")
    unweighted = make_network()
    cr.train(unweighted, cr.rows(tmp_path / "0?.npz", target="y", window_bytes=WINDOW), **SETTINGS)
    assert parameter_bytes(unweighted) not in results


def test_a_validation_is_weighted_too(tmp_path):
    """The validation's costs and accuracies are those of the same weighted rows in memory, also where a window weighs nothing."""
    weights = draw_weights()
    x, y = write_weighted(tmp_path, weights)
    source = cr.rows(tmp_path / "*.parquet", target="y", weights="w", window_bytes=55 * 28)
    histories = [
        cr.train(make_network(), source, validation=validation, **SETTINGS)
        for validation in (source, cr.Examples(x, y, weights=weights))
    ]
    for name in ("validation_cost", "validation_accuracy"):
        np.testing.assert_allclose(*(history[name] for history in histories), rtol=1e-6)


def test_weights_that_are_none_are_refused(tmp_path):
    """Negative weights, those that sum to 0 or beyond float64, a column that is not there, is no name, or is the target."""
    files = tmp_path / "*.npz"
    for weights, message in (
        (np.full(136, -0.5), r"0.npz, row group 0 \(from 0\): weights 'w' must be at least 0; it holds -0.5"),
        (np.zeros(136), "those in column 'w' sum to 0"),
        (np.full(136, 1e308), "those in column 'w' sum to inf"),
    ):
        write_weighted(tmp_path, weights, "npz")
        with pytest.raises(DataError, match=message):
            _ = cr.rows(files, target="y", weights="w").measured
    with pytest.raises(DataError, match="has no array 'v'"):
        cr.rows(files, target="y", weights="v")
    with pytest.raises(SettingError, match="target and weights both are 'y'"):
        cr.rows(files, target="y", weights="y")
    with pytest.raises(ArgumentTypeError, match="weights must be the name of a column"):
        cr.rows(files, target="y", weights=[1.0])
    write_weighted(tmp_path, np.ones(136))
    with pytest.raises(DataError, match="has no column 'v', the weights; it has"):
        cr.rows(tmp_path / "*.parquet", target="y", weights="v")


def write_damaged_set(folder):
    """Write six files, of which one lacks its end, one has a damaged row group, and one a missing number; give the sound rows."""
    x, y = draw_rows(600)
    settings = {"row_group_size": 50, "write_page_checksum": True, "compression": "none", "use_dictionary": False}
    sound = np.ones(600, bool)
    for k in range(6):
        part, path = slice(100 * k, 100 * (k + 1)), folder / f"{k}.parquet"
        inputs = x[part].copy()
        if k == 4:
            inputs[60, 2] = np.nan
            sound[450:500] = False
        write_rows(path, inputs, y[part], **settings)
    (folder / "1.parquet").write_bytes((folder / "1.parquet").read_bytes()[:-200])
    sound[100:200] = False
    data = bytearray((folder / "3.parquet").read_bytes())
    data[200] ^= 255
    (folder / "3.parquet").write_bytes(data)
    sound[300:350] = False
    return x[sound], y[sound]


def test_damaged_rows_are_left_out_if_the_user_says_so(tmp_path):
    """The training is that on the sound rows; a warning names each file and row group, and what is wrong with it."""
    x, y = write_damaged_set(tmp_path)
    with pytest.raises(DataError, match=r"1.parquet: cannot be read"):
        cr.rows(tmp_path / "*.parquet", target="y")
    with pytest.warns(SkippedRowsWarning, match="3 damaged places left out, 400 rows left") as warned:
        source = cr.rows(tmp_path / "*.parquet", target="y", damaged="skip")
    lines = str(warned[0].message).splitlines()[1:]
    assert [line.split("/")[-1].split(":")[0] for line in lines] == [
        "1.parquet",
        "3.parquet, row group 0 (from 0)",
        "4.parquet, row group 1 (from 0)",
    ]
    assert "lacks 1 values" in lines[2] or "holds nan" in lines[2]
    assert [line.strip() for line in lines] == source.skipped
    network, in_memory = make_network(), make_network()
    cr.train(network, source, shuffle=False, **SETTINGS)
    history = cr.train(in_memory, (x, y), shuffle=False, **SETTINGS)
    assert history.stopped == "finished"
    assert parameter_bytes(network) == parameter_bytes(in_memory)
    assert network.provenance.examples == 400


def test_what_is_left_out_is_the_same_in_a_training_that_goes_on(tmp_path):
    """The source that is made again leaves out the same, and one that finds another damage is refused."""
    write_damaged_set(tmp_path)

    def train(**settings):
        network = make_network()
        with pytest.warns(SkippedRowsWarning):
            source = cr.rows(tmp_path / "*.parquet", target="y", damaged="skip")
        run = cr.Run(network, source, checkpoint=tmp_path / "run", **settings, **SETTINGS)
        run.advance(20)
        for _ in run if settings else ():
            pass
        run._blocks.close()
        return parameter_bytes(network)

    train()
    (tmp_path / "run").rename(tmp_path / "kept")
    whole = train(resume=True)
    (tmp_path / "run").rename(tmp_path / "whole")
    (tmp_path / "kept").rename(tmp_path / "run")
    assert train(resume=True) == whole
    data = bytearray((tmp_path / "5.parquet").read_bytes())
    data[200] ^= 255
    (tmp_path / "5.parquet").write_bytes(data)
    with pytest.raises(SettingError, match="examples was 400, and now is 350; the training examples are other ones"):
        train(resume=True)


def test_what_is_wrong_beside_damage_is_never_left_out(tmp_path):
    """Other columns, no target, negative weights, a file that is gone, and a source with nothing sound: errors all the same."""
    write_set(tmp_path, (20, 20))
    x, y = draw_rows(20)
    write_rows(tmp_path / "02.parquet", x, y, ("length", "width", "height"))
    with pytest.raises(DataError, match="has other columns"):
        cr.rows(tmp_path / "*.parquet", target="y", damaged="skip")
    with pytest.raises(DataError, match="no column 'z'"):
        cr.rows(tmp_path / "*.parquet", target="z", damaged="skip")
    with pytest.raises(FileError, match="no such file"):
        cr.rows([tmp_path / "00.parquet", tmp_path / "9.parquet"], target="y", damaged="skip")
    with pytest.raises(DataError, match="weights 'mass' must be at least 0"):
        cr.rows(tmp_path / "00.parquet", target="y", weights="mass", damaged="skip")
    write_rows(tmp_path / "00.parquet", np.full((20, 3), np.inf), y)
    with pytest.raises(DataError, match="holds inf in row 0"):
        cr.rows(tmp_path / "00.parquet", target="y", damaged="skip")
    (tmp_path / "00.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"00.parquet: cannot be read"):
        cr.rows(tmp_path / "00.parquet", target="y", damaged="skip")
    with pytest.raises(SettingError, match="damaged must be 'refuse' or 'skip'; it is 'ignore'"):
        cr.rows(tmp_path / "00.parquet", target="y", damaged="ignore")


def test_a_group_of_csv_lines_is_left_out(tmp_path, monkeypatch):
    """A line that cannot be read takes its row group with it, no other rows."""
    monkeypatch.setattr("chainrule.row_files.csv_row_file.GROUP_BYTES", 2000)
    x, y = draw_rows(200)
    write_rows(tmp_path / "a.csv", x, y)
    sizes = cr.rows(tmp_path / "a.csv", target="y").group_rows
    lines = (tmp_path / "a.csv").read_text().splitlines()
    lines[sizes[0] + 3] = "1.5,,0.5,1"
    lines[-1] += ",7"
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    with pytest.warns(SkippedRowsWarning, match="2 damaged places left out"):
        source = cr.rows(tmp_path / "a.csv", target="y", damaged="skip")
    assert len(source) == 200 - sizes[1] - sizes[-1]
