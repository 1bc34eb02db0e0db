"""A Ray Dataset as the rows of a training, on a real local cluster: one process with Ray does all of it, once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.row_files.ray_blocks import is_ray_dataset

pytest.importorskip("ray")
pytest.importorskip("pandas")

SCRIPT = """
import json, os, pickle, tempfile
from pathlib import Path
import numpy as np, pandas as pd, pyarrow as pa, pyarrow.parquet as pq
import ray, ray.data
import chainrule as cr
from chainrule.ray_cluster import RayCluster
from chainrule.errors import ChainruleError

def frame(seed, n):
    x = np.random.default_rng(seed).normal(size=(n, 2))
    return pd.DataFrame({"a": x[:, 0], "b": x[:, 1].astype(np.float32), "y": (x[:, 0] > x[:, 1]).astype(int), "w": x[:, 0] ** 2})

def network():
    return cr.Network([2, 4, 2], seed=0)

def trained(source, **settings):
    net = network()
    history = cr.train(net, source, epochs=2, batch_size=10, learning_rate=1.0, **settings)
    return [net.weights[0].tolist(), net.biases[1].tolist(), history[-1].cost]

def error_of(call):
    try:
        return repr(call())
    except ChainruleError as error:
        return [type(error).__name__, str(error)]

def main():
    facts = {}
    cluster = RayCluster(None, 2, 64 << 20)
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        frames = [frame(k, 100 + k) for k in range(3)]
        dataset = ray.data.from_pandas(frames)
        source = cr.rows(dataset, target="y", weights="w", standardize=True)
        facts["repr"] = repr(source)
        facts["groups"] = source.group_rows
        whole = pa.Table.from_pandas(pd.concat(frames), preserve_index=False)
        with pq.ParquetWriter("rows.parquet", whole.schema) as writer:
            for each in frames:
                writer.write_table(pa.Table.from_pandas(each, preserve_index=False))
        of_file = cr.rows("rows.parquet", target="y", weights="w", standardize=True)
        facts["digests"] = [source.measured.digest, of_file.measured.digest]
        facts["trained"] = [trained(source), trained(of_file)]
        facts["on ray"] = [trained(each, on="ray", workers=2, sync_every=2) for each in (source, of_file)]

        # Another process reads the blocks itself.
        @ray.remote
        def total(sources):
            return [float(sum(column.astype(float).sum() for column in sources[0].read_group(k))) for k in range(3)]
        facts["totals"] = [ray.get(total.remote([each])) for each in (source, of_file)]

        # Lazy transformations are computed once; large blocks are several row groups.
        calls = tempfile.mkdtemp()
        def double(batch):
            open(os.path.join(calls, os.urandom(8).hex()), "w").close()
            return {"x": batch["id"] * 2.0, "y": batch["id"] % 2}
        lazy = cr.rows(ray.data.range(600_000, override_num_blocks=1).map_batches(double, batch_size=None), target="y")
        before = len(os.listdir(calls))
        facts["pickled"] = len(ray.cloudpickle.dumps(lazy))
        first = [float(next(iter(lazy.read_group(k)))[0]) for k in range(len(lazy.group_rows))]
        facts["lazy"] = [len(lazy), lazy.group_rows, first, len(os.listdir(calls)) - before]

        def source_of(*frames, **settings):
            return cr.rows(ray.data.from_pandas(list(frames)), **{"target": "y", **settings})
        texts = pd.DataFrame({"a": ["x"], "y": [1]})
        gaps, endless = frame(0, 5), frame(0, 5)
        gaps.loc[2, "a"] = np.nan
        endless.loc[3, "b"] = np.inf
        facts["errors"] = {
            "text": error_of(lambda: source_of(texts)),
            "gap": error_of(lambda: source_of(frame(1, 4), gaps).statistics),
            "infinite": error_of(lambda: source_of(endless).statistics),
            "target": error_of(lambda: source_of(frame(0, 5), target="z")),
            "alone": error_of(lambda: source_of(frame(0, 5)[["y"]])),
            "other": error_of(lambda: source_of(frame(0, 5), frame(0, 5)[["b", "a", "y", "w"]])),
            "none": error_of(lambda: cr.rows(ray.data.from_pandas(frame(0, 5)).filter(lambda row: False), target="y")),
            "tensor": error_of(lambda: cr.rows(ray.data.from_numpy(np.zeros((4, 3))), target="data")),
            "train": error_of(lambda: cr.train(network(), dataset, epochs=1, batch_size=10, learning_rate=1.0)),
        }
        facts["skipped"] = len(cr.rows(ray.data.from_pandas([frame(1, 4), gaps]), target="y", damaged="skip"))
    finally:
        cluster.shut_down()
    facts["gone"] = error_of(lambda: list(source.read_group(0)))
    Path("facts.json").write_text(json.dumps(facts))

main()
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """Run the script in a process of its own."""
    folder = tmp_path_factory.mktemp("dataset")
    environment = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1]), "RAY_USAGE_STATS_ENABLED": "0"}
    (folder / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-W", "ignore", "script.py"]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=400)
    assert ended.returncode == 0, ended.stderr[-4000:]
    return json.loads((folder / "facts.json").read_text())


def test_a_dataset_trains_as_a_file_with_its_blocks_as_row_groups(facts):
    """The numbers, their order and so the bits are those of a Parquet file: on this machine, and divided between workers."""
    assert facts["repr"] == "RowSource(303 rows x 2 of the Ray Dataset, target 'y', standardized)"
    assert facts["groups"] == [100, 101, 102]
    assert facts["digests"][0] == facts["digests"][1]
    assert facts["trained"][0] == facts["trained"][1]
    assert facts["on ray"][0] == facts["on ray"][1]


def test_workers_read_the_blocks_by_reference(facts):
    """What is pickled holds no rows, and gives the same rows in another process."""
    assert facts["totals"][0] == pytest.approx(facts["totals"][1], rel=1e-12)
    assert facts["pickled"] < 100_000  # of 600,000 rows


def test_transformations_are_computed_once_and_a_large_block_is_divided(facts):
    """Reading computes nothing again; a row group is some megabytes, so that a window holds several."""
    n, groups, first, calls = facts["lazy"]
    assert (n, sum(groups), calls) == (600_000, 600_000, 0)
    assert len(groups) == 3
    assert first == [0.0, 2.0 * groups[0], 2.0 * (groups[0] + groups[1])]


@pytest.mark.parametrize(
    ("case", "error", "message"),
    [
        ("text", "DataError", "the Ray Dataset: column 'a' holds large_string, not numbers"),
        ("gap", "DamageError", "the Ray Dataset, rows 0 to 4 of block 1 (from 0): column 'a' lacks 1 values"),
        ("infinite", "DamageError", "rows 0 to 4 of block 0 (from 0): column 'b' holds inf in row 3"),
        ("target", "DataError", "the Ray Dataset has no column 'z', the target; it has 'a', 'b', 'y', 'w'"),
        ("alone", "DataError", "the Ray Dataset has no column but 'y'"),
        ("other", "DataError", "block 1 has the columns 'b: float', 'a: double'"),
        ("none", "DataError", "the Ray Dataset: no rows"),
        ("tensor", "DataError", "has no column but 'data'"),
        ("train", "DataTypeError", "chainrule.rows(dataset, target="),
    ],
)
def test_what_a_dataset_may_not_hold_is_refused(facts, case, error, message):
    """The same checks as of files; the message names the block and the column."""
    assert facts["errors"][case][0] == error
    assert message in facts["errors"][case][1]


def test_a_damaged_part_is_skipped_where_that_is_said(facts):
    """The other block is left."""
    assert facts["skipped"] == 4


def test_a_dataset_whose_cluster_has_ended_is_told(facts):
    """The blocks are gone with it."""
    assert facts["gone"] == ["FileError", "the Ray Dataset: the connection to Ray that made it has ended; make the dataset again"]


def test_other_objects_are_no_dataset():
    """Ray is not imported to know it."""
    assert not is_ray_dataset("rows/*.parquet")
    assert not is_ray_dataset([1, 2])
