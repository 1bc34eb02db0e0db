"""Rows of files: the readers, what one pass measures, and the order of an epoch."""

import os
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from row_sets import FORMATS, NAMES, arrow_table, draw_rows, write_rows, write_set

import chainrule as cr
from chainrule.errors import ArgumentTypeError, DataError, FileError, SettingError
from chainrule.row_files import csv_row_file, npz_row_file
from chainrule.row_files.column_statistics import ColumnStatistics, merge
from chainrule.row_files.row_order import Piece, group_order, shard, window_order, windows


def read_all(source):
    """Read every row of a source, in the files' order: inputs and target."""
    groups = [np.column_stack(list(source.read_group(k))) for k in range(len(source.group_rows))]
    table = np.concatenate(groups)
    return table[:, :-1], table[:, -1]


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    most=st.integers(1, 20),
    shards=st.integers(1, 6),
    seed=st.integers(0, 5),
    epoch=st.integers(1, 4),
)
def test_the_order_has_every_row_once(sizes, most, shards, seed, epoch):
    """The windows of an epoch's shards hold every row exactly once, in windows of at most ``most`` rows or one piece; the shards
    differ by one row at most.
    """
    starts = np.cumsum([0, *sizes])
    seen, lengths = [], []
    for k in range(shards):
        before = len(seen)
        for pieces in windows(shard(group_order(len(sizes), seed, epoch), sizes, k, shards), most):
            rows = np.concatenate([starts[piece.group] + np.arange(piece.first, piece.last) for piece in pieces])
            assert len(rows) <= most or len(pieces) == 1
            seen.extend(rows[window_order(len(rows), seed, epoch, pieces[0])].tolist())
        lengths.append(len(seen) - before)
    assert sorted(seen) == list(range(sum(sizes)))
    assert max(lengths) - min(lengths) <= 1


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12), shards=st.integers(1, 6))
def test_shards_join_to_the_row_groups_in_their_order(sizes, shards):
    """The shards one after another are the rows of the groups one after another, whatever their number."""
    order = group_order(len(sizes), 1, 1)
    joined = [(p.group, row) for k in range(shards) for p in shard(order, sizes, k, shards) for row in range(p.first, p.last)]
    assert joined == [(int(group), row) for group in order for row in range(sizes[group])]


def test_the_order_is_a_function_of_seed_epoch_and_the_first_piece():
    """The same seed and epoch give the same order, others another; so does a piece that begins elsewhere."""
    piece = Piece(7, 0, 50)
    assert np.array_equal(group_order(50, 3, 2), group_order(50, 3, 2))
    assert np.array_equal(window_order(50, 3, 2, piece), window_order(50, 3, 2, piece))
    for other in ((4, 2), (3, 1)):
        assert not np.array_equal(group_order(50, 3, 2), group_order(50, *other))
        assert not np.array_equal(window_order(50, 3, 2, piece), window_order(50, *other, piece))
    for begin in (Piece(8, 0, 50), Piece(7, 1, 51)):
        assert not np.array_equal(window_order(50, 3, 2, piece), window_order(50, 3, 2, begin))


@given(cuts=st.lists(st.integers(1, 99), max_size=6, unique=True), shift=st.sampled_from([0.0, 1e6, -3e9]))
def test_statistics_merge_to_those_of_all_rows(cuts, shift):
    """What is measured in parts and merged is what NumPy measures of all rows, also far from 0."""
    x = np.random.default_rng(1).normal(size=(100, 3)) * [1, 20, 0] + shift
    parts = [ColumnStatistics.of(part.T) for part in np.split(x, sorted(cuts))]
    merged = parts[0]
    for part in parts[1:]:
        merged = merge(merged, part)
    assert merged.n == 100
    np.testing.assert_allclose(merged.mean, x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(merged.deviation[:2], x.std(axis=0)[:2], rtol=1e-6 if shift else 1e-12)
    assert merged.deviation[2] == 0
    assert np.array_equal((merged.least, merged.most), (x.min(axis=0), x.max(axis=0)))


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_source_reads_every_row_of_its_files(tmp_path, suffix):
    """All formats give the numbers that were written, in the order of the files' names."""
    x, y = write_set(tmp_path, (7, 1, 20), suffix)
    source = cr.rows(tmp_path / f"*.{suffix}", target="y")
    actual_x, actual_y = read_all(source)
    assert np.array_equal(actual_x, x)
    assert np.array_equal(actual_y, y)
    assert (len(source), source.n_in, source.columns) == (28, 3, () if suffix == "npz" else NAMES)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_large_file_is_read_in_row_groups(tmp_path, suffix, monkeypatch):
    """A file has several row groups, which join to its rows: Parquet's own, of CSV whole lines, of npz slices."""
    monkeypatch.setattr(csv_row_file, "GROUP_BYTES", 500)
    monkeypatch.setattr(npz_row_file, "GROUP_BYTES", 500)
    x, y = draw_rows(100)
    write_rows(tmp_path / f"rows.{suffix}", x, y, **({"row_group_size": 30} if suffix == "parquet" else {}))
    source = cr.rows(tmp_path / f"rows.{suffix}", target="y")
    assert len(source.group_rows) >= 4
    assert np.array_equal(read_all(source)[0], x)


def test_the_target_may_be_any_column_and_the_last_line_may_lack_its_end(tmp_path):
    """A CSV file's target is found by its name, and its last line counts without a newline, and with CR LF."""
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfx,y,z\r\n1,0,2.5\r\n3,1,4")
    x, y = read_all(cr.rows(tmp_path / "a.csv", target="y"))
    assert np.array_equal(x, [[1, 2.5], [3, 4]])
    assert np.array_equal(y, [0, 1])


def test_whole_numbers_and_booleans_are_numbers(tmp_path):
    """Columns of whole numbers, booleans and short floats are read; whole numbers beyond float64's are refused."""
    table = pa.table({"a": pa.array([1, 2], pa.int64()), "b": [True, False], "c": pa.array([0.5, 1], pa.float32()), "y": [0, 1]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert np.array_equal(read_all(cr.rows(tmp_path / "a.parquet", target="y"))[0], [[1, 1, 0.5], [2, 0, 1]])
    pyarrow.parquet.write_table(pa.table({"a": [2**53 + 1, 1], "y": [0, 1]}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"b.parquet, row group 0 .*cannot be read"):
        read_all(cr.rows(tmp_path / "b.parquet", target="y"))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_missing_or_infinite_number_is_refused_by_its_file_and_row_group(tmp_path, suffix, value):
    """NaN and inf are refused, with the file, the row group and the column."""
    write_set(tmp_path, (10, 10), suffix)
    x, y = draw_rows(10)
    x[4, 1] = value
    write_rows(tmp_path / f"01.{suffix}", x, y)
    with pytest.raises(DataError, match=rf"01.{suffix}, row group 0 .*(width|column 1)"):
        _ = cr.rows(tmp_path / f"*.{suffix}", target="y").statistics


def test_a_text_column_is_refused_by_name(tmp_path):
    """Columns that do not hold numbers are refused by name and file."""
    pyarrow.parquet.write_table(pa.table({"colour": ["red", "blue"], "y": [0, 1]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a.parquet: column 'colour' holds string, not numbers"):
        cr.rows(tmp_path / "a.parquet", target="y")
    (tmp_path / "a.csv").write_text("a,colour,y\n1,red,0\n")
    with pytest.raises(DataError, match=r"a.csv, row group 0 .*column 'colour' holds 'red', not a number"):
        read_all(cr.rows(tmp_path / "a.csv", target="y"))


def test_a_target_of_texts_is_refused_with_its_remedies(tmp_path):
    """Names of classes are not encoded in silence, whatever the file: the message says how to."""
    pyarrow.parquet.write_table(pa.table({"a": [1.0, 2.0], "y": ["red", "blue"]}), tmp_path / "a.parquet")
    pyarrow.parquet.write_table(pa.table({"a": [1.0], "y": pa.array(["red"]).dictionary_encode()}), tmp_path / "b.parquet")
    (tmp_path / "a.csv").write_text("a,y\n1,red\n")
    np.savez(tmp_path / "a.npz", x=np.ones((1, 1)), y=np.array(["red"]))
    for name in ("a.parquet", "b.parquet", "a.csv", "a.npz"):
        with pytest.raises(DataError, match=rf"{name}.*'y' holds .*; encode classes as 0, 1, .*TableClassifier"):
            read_all(cr.rows(tmp_path / name, target="y"))


@pytest.mark.parametrize("text", ["a,b,y\n1,2,0\n\n3,4,1\n", "a,b,y\n1,2,0\n   \n3,4,1\n", "a,b,y\r\n1,2,0\r\n\r\n"])
def test_a_blank_line_is_named(tmp_path, text):
    """A blank line of a CSV file is no row of missing numbers: it is refused by its number."""
    (tmp_path / "a.csv").write_bytes(text.encode())
    with pytest.raises(DataError, match=r"a.csv, row group 0 \(from 0\): line 3 of the file is blank; leave blank lines out"):
        read_all(cr.rows(tmp_path / "a.csv", target="y"))
    (tmp_path / "a.csv").write_text("\n" + text)
    with pytest.raises(DataError, match=r"a.csv: its first line is blank; begin the file with the names of the columns"):
        cr.rows(tmp_path / "a.csv", target="y")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_is_gone_is_an_error_of_its_own(tmp_path, suffix):
    """A file that was removed after its rows were counted is no damaged one."""
    write_set(tmp_path, (10, 10), suffix)
    source = cr.rows(tmp_path / f"*.{suffix}", target="y")
    (tmp_path / f"01.{suffix}").unlink()
    with pytest.raises(FileError, match=rf"no such file: .*01.{suffix}"):
        read_all(source)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_damaged_file_is_named(tmp_path, suffix):
    """A file that is cut short or overwritten is refused by its name, never read as other rows."""
    write_set(tmp_path, (50, 50), suffix)
    path = tmp_path / f"01.{suffix}"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2 - 3] if suffix != "csv" else data[:-40] + b",,,\n")
    with pytest.raises((DataError, FileError), match=rf"01.{suffix}"):
        _ = cr.rows(tmp_path / f"*.{suffix}", target="y").statistics


def test_a_damaged_row_group_is_named(tmp_path):
    """Bytes that were overwritten within a Parquet row group are refused by file and row group, or fail to be numbers."""
    write_set(tmp_path, (500,), row_group_size=250, compression="zstd")
    path = tmp_path / "00.parquet"
    data = bytearray(path.read_bytes())
    data[40:200] = b"\xff" * 160
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"00.parquet, row group 0"):
        _ = cr.rows(path, target="y").statistics


def test_a_file_that_changes_is_refused(tmp_path):
    """A file that is written again after its rows were counted is refused."""
    write_set(tmp_path, (50,))
    source = cr.rows(tmp_path / "00.parquet", target="y")
    write_set(tmp_path, (50,), seed=1)
    os.utime(tmp_path / "00.parquet", ns=(1, 1))
    with pytest.raises(FileError, match="was changed since its rows were counted"):
        read_all(source)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_files_with_other_columns_are_refused(tmp_path, suffix):
    """A file whose columns are others than the first's, or in another order, is refused by name with the difference."""
    write_set(tmp_path, (10,), suffix)
    x, y = draw_rows(10)
    for names, fault in ((("length", "width", "height"), "lacks 'mass'"), (("width", "length", "mass"), "another order")):
        write_rows(tmp_path / f"01.{suffix}", x, y, names)
        with pytest.raises(DataError, match=rf"01.{suffix} has other columns than .*00.{suffix}: .*{fault}"):
            cr.rows(tmp_path / f"*.{suffix}", target="y")


def test_files_with_other_types_are_refused(tmp_path):
    """A column of another type than in the first file is refused by name."""
    write_set(tmp_path, (10,))
    x, y = draw_rows(10)
    write_rows(tmp_path / "01.parquet", x.astype(np.float32), y)
    with pytest.raises(DataError, match=r"01.parquet: column 'length' holds float, and in .*00.parquet double"):
        cr.rows(tmp_path / "*.parquet", target="y")


def test_what_cannot_be_a_source_is_refused_with_the_remedy(tmp_path):
    """No file, an unknown ending, no target, a name twice, compressed npz, no rows."""
    x, y = draw_rows(10)
    with pytest.raises(FileError, match="no such file"):
        cr.rows(tmp_path / "*.parquet", target="y")
    with pytest.raises(SettingError, match="at least one file"):
        cr.rows([], target="y")
    (tmp_path / "a.txt").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match=r"\.parquet, .*convert it to Parquet"):
        cr.rows(tmp_path / "a.txt", target="y")
    write_rows(tmp_path / "a.parquet", x, y)
    with pytest.raises(DataError, match="no column 'z', the target; it has 'length', 'width', 'mass', 'y'"):
        cr.rows(tmp_path / "a.parquet", target="z")
    (tmp_path / "a.csv").write_text("x,x,y\n1,2,3\n")
    with pytest.raises(DataError, match="several columns 'x'"):
        cr.rows(tmp_path / "a.csv", target="y")
    np.savez_compressed(tmp_path / "a.npz", x=x, y=y)
    with pytest.raises(DataError, match=r"compressed.*numpy.savez"):
        cr.rows(tmp_path / "a.npz", target="y")
    np.savez(tmp_path / "b.npz", x=x.astype(object), y=y)
    with pytest.raises(DataError, match="holds object, not numbers"):
        cr.rows(tmp_path / "b.npz", target="y")
    pyarrow.parquet.write_table(arrow_table(x, y)[:0], tmp_path / "b.parquet")
    with pytest.raises(DataError, match="no rows"):
        cr.rows(tmp_path / "b.parquet", target="y")


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_the_index_of_a_frame_is_no_column(tmp_path, name):
    """The index that pandas writes by itself may tell the rows' order, and with it the labels."""
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "y": [0, 1, 0]}, index=[5, 1, 3])
    (frame.to_parquet if name.endswith("parquet") else frame.to_csv)(tmp_path / name)
    with pytest.raises(DataError, match=r"as the index of a pandas frame, .*write the file with index=False, or name the column"):
        cr.rows(tmp_path / name, target="y")


def test_a_file_by_two_names_is_one_file(tmp_path):
    """A relative path, an absolute one and a link lead to the same rows, which are trained on once an epoch."""
    write_set(tmp_path, [10, 20])
    (tmp_path / "link.parquet").symlink_to(tmp_path / "00.parquet")
    assert len(cr.rows([tmp_path / "*.parquet", str(tmp_path / ".." / tmp_path.name / "01.parquet")], target="y")) == 30


def test_a_damaged_number_is_found_by_its_checksum(tmp_path):
    """One byte of an npz file, or of a Parquet page with a checksum, is another one."""
    x, y = draw_rows(1000)
    write_rows(tmp_path / "a.npz", x, y)
    write_rows(tmp_path / "a.parquet", x, y, write_page_checksum=True, compression="none", use_dictionary=False)
    for path in (tmp_path / "a.npz", tmp_path / "a.parquet"):
        data = bytearray(path.read_bytes())
        data[len(data) // 3] ^= 1
        path.write_bytes(data)
        with pytest.raises(DataError, match=path.name):
            read_all(cr.rows(path, target="y"))


def test_wrong_paths_and_lines_are_errors_of_their_own(tmp_path):
    """No path, and a CSV file whose lines end with a return alone."""
    with pytest.raises(ArgumentTypeError, match="paths must be a path, a pattern, or a list of them; it is None"):
        cr.rows(None, target="y")
    (tmp_path / "a.csv").write_bytes(b"a,b,y\r1,2,0\r")
    with pytest.raises(DataError, match="end lines by a line feed"):
        cr.rows(tmp_path / "a.csv", target="y")


def test_an_npz_that_claims_more_than_it_holds_is_refused(tmp_path):
    """A header that claims more numbers than the file has is refused before memory is allocated."""
    x, y = draw_rows(10)
    np.savez(tmp_path / "a.npz", x=x, y=y)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["x.npy"] = members["x.npy"].replace(b"(10, 3), }      ", b"(9999999999, 3)}")
    assert b"9999999999" in members["x.npy"]
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(DataError, match="which it does not hold"):
        cr.rows(tmp_path / "a.npz", target="y")
