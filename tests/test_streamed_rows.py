"""The parts of an epoch that ``StreamedRows`` reads: shards, and epochs that are begun at a later row."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from row_sets import FORMATS, write_rows
from toy_engine import ToyEngine

import chainrule as cr
from chainrule.streamed_data import StreamedRows

SIZES = (40, 13, 27, 55, 1)
N = sum(SIZES)
ROW_BYTES = 2 * 8 + 8
PLAN = cr.Network([2, 1], cost="mean_squared_error", seed=3, dtype="float64").plan


@pytest.fixture(scope="module", params=FORMATS)
def source_files(request, tmp_path_factory):
    """Write files of which column a is the row's number, over all files."""
    folder, first = tmp_path_factory.mktemp("rows"), 0
    for k, rows in enumerate(SIZES):
        numbers = np.arange(first, first + rows, dtype=float)
        write_rows(folder / f"{k}.{request.param}", np.column_stack([numbers, -numbers]), numbers + 0.5, ("a", "b"))
        first += rows
    return folder / f"*.{request.param}"


def make_rows(files, most=60):
    return StreamedRows(cr.rows(files, target="y", window_bytes=most * ROW_BYTES), "float64", None)


def read_parts(rows, epoch=1, **settings):
    """Give the rows' numbers of each part of an epoch, in their order."""
    options = {"shuffle": True, "batch_size": 8, "has_classes": False, **settings}
    return [part.data.x[part.order, 0].astype(int) for part in rows.parts(ToyEngine(), PLAN, epoch, **options)]


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("shards", [1, 2, 3, 5])
def test_every_row_is_in_one_shard_of_an_epoch_once(source_files, shards, shuffle):
    """The shards of each epoch hold every row exactly once, in parts of whole mini-batches but for each shard's last."""
    rows = make_rows(source_files)
    for epoch in (1, 2):
        parts = [read_parts(rows, epoch, shard=(k, shards), shuffle=shuffle) for k in range(shards)]
        seen = np.concatenate([part for of_shard in parts for part in of_shard])
        assert np.array_equal(np.sort(seen), np.arange(N))
        assert all(len(part) % 8 == 0 for of_shard in parts for part in of_shard[:-1])
        assert shuffle or np.array_equal(seen, np.arange(N))


@given(
    batch_size=st.integers(1, 150),
    most=st.integers(55, 200),
    shards=st.integers(1, 5),
    shuffle=st.booleans(),
    epoch=st.integers(1, 3),
    at=st.floats(0, 1),
)
def test_an_epoch_that_is_begun_later_goes_on_as_the_whole_one(source_files, batch_size, most, shards, shuffle, epoch, at):
    """From whatever mini-batch an epoch is begun, the rows are those that follow in the whole one, in the same order."""
    rows = make_rows(source_files, most)
    for k in range(shards):
        options = {"batch_size": batch_size, "shuffle": shuffle, "shard": (k, shards)}
        whole = np.concatenate(read_parts(rows, epoch, **options))
        done = int(at * len(whole)) // batch_size * batch_size
        left = read_parts(rows, epoch, done=done, **options)
        assert np.array_equal(np.concatenate([[], *left]), whole[done:])
        assert all(len(part) % batch_size == 0 for part in left[:-1])


def test_each_mini_batch_is_a_beginning(source_files):
    """Each multiple of the mini-batch leaves the rows that follow, and at the end none."""
    rows = make_rows(source_files)
    whole = np.concatenate(read_parts(rows))
    for done in range(0, N + 8, 8):
        assert np.array_equal(np.concatenate([[], *read_parts(rows, done=done)]), whole[done:])


def test_windows_that_are_done_are_not_read(source_files, monkeypatch):
    """An epoch that is begun in its last window reads the row groups of that one alone."""
    rows, read = make_rows(source_files), []
    whole = [part.tolist() for part in read_parts(rows, batch_size=1)]
    read_group = rows.source.read_group
    monkeypatch.setattr(rows.source, "read_group", lambda group: (read.append(group), read_group(group))[1])
    assert read_parts(rows, batch_size=1, done=sum(map(len, whole[:-1])))[0].tolist() == whole[-1]
    assert sum(rows.source.group_rows[group] for group in read) == len(whole[-1])


def test_more_shards_than_rows_leave_some_empty(source_files):
    """A shard without rows has no parts."""
    rows = make_rows(source_files)
    shards = [read_parts(rows, shard=(k, 200)) for k in range(200)]
    assert sum(map(len, shards)) == N
    assert {sum(map(len, parts)) for parts in shards} == {0, 1}


OTHER_PROCESS = """
import json, pickle, sys
sys.path.insert(0, sys.argv[1])
from test_streamed_rows import read_parts
rows = pickle.load(sys.stdin.buffer)
print(json.dumps([part.tolist() for part in read_parts(rows, 2, shard=(1, 2))]))
"""


def test_another_process_reads_the_same_parts(source_files, request):
    """The rows are pickled to a process, with their statistics but without the numbers; it gives the same parts."""
    rows = make_rows(source_files)
    data = pickle.dumps(rows)
    assert len(data) < 20_000
    command = [sys.executable, "-c", OTHER_PROCESS, str(request.path.parent)]
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    assert json.loads(done.stdout) == [part.tolist() for part in read_parts(rows, 2, shard=(1, 2))]
