"""Trainings on a real Ray cluster: their bits, lost workers, checkpoints, damaged files, and what is refused.

One process with Ray does all of it, once: a cluster takes seconds to begin, and Ray's warnings are not this library's.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import EngineError, SettingError

pytest.importorskip("ray")

SCRIPT = """
import json, os, signal, sys, threading, time, warnings
sys.path.insert(0, {tests!r})
from pathlib import Path
import numpy as np
import chainrule as cr
from chainrule.errors import ChainruleError
from row_sets import write_set

folder = Path({folder!r})
SETTINGS = dict(epochs=3, batch_size=8, learning_rate=0.3)

def parameters(net):
    return [part.tolist() for part in (*net.weights, *net.biases)]

def train(data, on=None, disturb=None, network=None, **settings):
    net = network or cr.Network([3, 6, 2], dtype="float64", seed=1)
    run = cr.Run(net, data, **{{**SETTINGS, **(dict(on="ray", workers=2) if on else {{}}), **settings}})
    for record in run:
        if disturb is not None and record.epoch == 1:
            disturb(run)
    return run, parameters(net)

def of_worker(rank, number, later=None):
    def send(run):
        process = run.executor.places[rank].process
        os.kill(process, number)
        if later is not None:
            threading.Timer(3.0, lambda: late(process)).start()
    def late(process):
        try:
            os.kill(process, later)
        except ProcessLookupError:
            pass
    return send

def main():
    facts = {{}}
    write_set(folder, [900, 301, 640], row_group_size=100)
    source = cr.rows(folder / "*.parquet", target="y", window_bytes=9000, standardize=True)
    import ray
    from chainrule.ray_cluster import RayCluster
    from chainrule.distributed import worker_group
    worker_group.HEARTBEAT_SECONDS = 2.0
    cluster = RayCluster(None, 2)
    facts["loopback"] = [node["NodeManagerAddress"] for node in ray.nodes()]
    x, y = np.random.default_rng(0).normal(size=(333, 3)), np.arange(333) % 2

    # Bits: one process with the summed batch; validation, records.
    run, facts["summed"] = train((x, y), on=True, validation=(x[:50], y[:50]))
    alone, facts["alone"] = train((x, y), batch_size=16, validation=(x[:50], y[:50]))
    facts["records"] = [[list(record)[:6] for record in each.history] for each in (run, alone)]
    facts["division"] = [run.plan.batch_size, run.steps, alone.steps]

    # Lost workers.
    settings = dict(on=True, sync_every=4, optimizer="adam", learning_rate=0.01, epochs=4)
    _, facts["undisturbed"] = train(source, **settings)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        _, facts["killed"] = train(source, disturb=of_worker(1, signal.SIGKILL), **settings)
        lost = [each for each in told if issubclass(each.category, worker_group.WorkerLostWarning)]
        facts["told"] = [str(each.message).split(" (")[0] for each in lost]
        _, facts["stopped"] = train(source, disturb=of_worker(0, signal.SIGSTOP, later=signal.SIGCONT), **settings)

    # Checkpoints: left in the middle of an epoch, and resumed.
    net = cr.Network([3, 6, 2], dtype="float64", seed=1)
    left = cr.Run(net, source, **{{**SETTINGS, **settings, "on": "ray"}}, workers=2, checkpoint=folder / "run")
    while left.advance(8) is None:
        pass
    facts["cut"] = left.done % 4
    left.advance(5)
    facts["rounds"] = left.done % 4
    left.interrupt()
    resumed, facts["resumed"] = train(source, checkpoint=folder / "run", resume=True, **settings)
    try:
        train(source, checkpoint=folder / "run", resume=True, **{{**settings, "sync_every": 8}})
    except ChainruleError as error:
        facts["other"] = str(error)

    # Mistakes in a worker have the errors of this process.
    damaged = folder / "damaged"
    damaged.mkdir()
    write_set(damaged, [500], row_group_size=100)
    rows = cr.rows(damaged / "*.parquet", target="y")
    rows.statistics
    path = damaged / "00.parquet"
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[1000:1400] = bytes(400)
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    try:
        train(rows, on=True)
    except ChainruleError as error:
        facts["damaged"] = [type(error).__name__, str(error)]
    facts["stays"] = ray.is_initialized()

    # A training takes the connection that is there, and one that begins a cluster ends it.
    cluster.shut_down()
    train((x, y), on=True, epochs=1)
    facts["ended"] = not ray.is_initialized()
    with open({out!r}, "w") as file:
        json.dump(facts, file)

if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """Run the script, and give what it found."""
    folder = tmp_path_factory.mktemp("ray")
    (folder / "rows").mkdir()
    out = folder / "facts.json"
    script = folder / "script.py"
    tests = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    script.write_text(SCRIPT.format(tests=tests, folder=str(folder / "rows"), out=str(out)))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(out.read_text())


def largest_difference(a, b):
    """Compare parameters."""
    return max(np.abs(np.subtract(ours, theirs)).max() for ours, theirs in zip(a, b, strict=True))


def test_summed_gradients_give_the_training_of_one_process(facts):
    """With sync_every=1, parameters and records are those of a training here with the summed batch."""
    assert largest_difference(facts["summed"], facts["alone"]) < 1e-10
    np.testing.assert_allclose(*facts["records"], rtol=1e-9)
    assert facts["division"] == [16, 63, 63]


def test_a_killed_worker_changes_no_bit(facts):
    """A worker that is killed in mid-training is replaced, with a warning that names it, and the result has the same bits."""
    assert facts["killed"] == facts["undisturbed"]
    assert facts["told"] == ["worker 1"]


def test_a_stopped_worker_is_replaced_and_fenced(facts):
    """A worker that hangs is replaced; that it goes on later changes no bit."""
    assert facts["stopped"] == facts["undisturbed"]


def test_a_training_on_ray_is_resumed(facts):
    """A training that is left within an epoch goes on from its checkpoint with the same bits, and with no other division."""
    assert facts["resumed"] == facts["undisturbed"]
    assert (facts["cut"], facts["rounds"]) == (0, 0), "blocks end where the workers synchronise"
    assert "sync_every" in facts["other"]


def test_a_damaged_row_group_is_named(facts):
    """A worker that cannot read its rows raises the error that names the file and the row group, in this process."""
    kind, message = facts["damaged"]
    assert kind == "DataError"
    assert "00.parquet, row group" in message


def test_clusters_are_bound_to_loopback_and_end(facts):
    """A cluster that is begun here cannot be reached by others; one that was there stays."""
    assert facts["loopback"] == ["127.0.0.1"]
    assert facts["stays"]
    assert facts["ended"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"workers": 2}, "on='ray'"),
        ({"sync_every": 2, "address": "auto"}, "sync_every and address"),
        ({"on": "ray"}, "workers="),
        ({"on": "ray", "workers": 0}, "workers"),
        ({"on": "ray", "workers": 10**6}, "workers"),
        ({"on": "ray", "workers": 2, "sync_every": 0}, "sync_every"),
        ({"on": "spark", "workers": 2}, "ray"),
        ({"on": "ray", "workers": 2, "address": "nowhere"}, "HOST:PORT"),
        ({"on": "ray", "workers": 2, "dropout": 0.5}, "dropout"),
    ],
)
def test_settings_of_workers_are_checked(settings, words):
    """Settings that are out of range, or have no effect, are refused with the remedy before anything begins."""
    with pytest.raises(SettingError, match=words.replace("(", r"\(")):
        cr.Run(
            cr.Network([3, 4, 2], seed=0),
            (np.eye(3), [0, 1, 0]),
            **{"epochs": 1, "batch_size": 1, "learning_rate": 0.1, **settings},
        )


def test_distorted_images_are_refused():
    """Distortion needs all rows in one process."""
    images = cr.datasets.mnist().train[:50]
    with pytest.raises(SettingError, match="distort"):
        cr.Run(
            cr.Network([784, 4, 10], seed=0),
            images,
            epochs=1,
            batch_size=1,
            learning_rate=0.1,
            distort=cr.distort.Affine(shift=1),
            on="ray",
            workers=2,
        )


def test_an_address_where_nothing_answers_is_refused():
    """There is no cluster at the address."""
    with pytest.raises(EngineError, match="no Ray cluster"):
        cr.Run(
            cr.Network([3, 4, 2], seed=0),
            (np.eye(3), [0, 1, 0]),
            epochs=1,
            batch_size=1,
            learning_rate=0.1,
            on="ray",
            workers=2,
            address="127.0.0.1:1",
        )
