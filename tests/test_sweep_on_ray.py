"""Sweeps on a real Ray cluster: the bits of a local sweep, lost workers, failures that are named, and a cluster by its address.

One process with Ray does all of it, once: a cluster takes seconds to begin, and Ray's warnings are not this library's.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sweep_helpers import SETTINGS, SPACE, digits_parts, scores_of

import chainrule as cr
from chainrule.errors import EngineError, SettingError

pytest.importorskip("ray")

SCRIPT = """
import json, os, sys, tempfile
from pathlib import Path
sys.path.insert(0, {tests!r})
import chainrule as cr
from chainrule.errors import ChainruleError
from sweep_helpers import SETTINGS, SPACE, digits_parts, scores_of

def main():
    facts, parts = {{}}, digits_parts()
    before = set(Path(tempfile.gettempdir()).glob("cr-ray-*"))
    found = cr.sweep(SPACE, **parts, **SETTINGS, on="ray", threads=2, out="one", plots=False)
    facts["runs"] = [scores_of(run) for run in found.runs]
    facts["left"] = len(set(Path(tempfile.gettempdir()).glob("cr-ray-*")) - before)

    import ray
    from chainrule.remote_error import RemoteError
    from chainrule.sweeping import ray_pool
    from chainrule.sweeping.ray_pool import RayPool
    facts["ended"] = not ray.is_initialized()
    ray.init(address="local", num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)

    # A sweep uses the connection that is there, and leaves it.
    space = {{"hidden": [4, 8], "learning_rate": "0.01..10:log"}}
    halved = cr.sweep(space, **parts, epochs=9, batch_size=10, search="asha", trials=9, on="ray")
    facts["halved"] = [scores_of(run) for run in halved.runs]
    facts["stays"] = ray.is_initialized()

    # Arrays are mapped, not copied, and read-only.
    @ray.remote
    def array(data):
        examples = ray.get(data[0])
        return not examples.x.flags.writeable, not examples.x.flags.owndata
    big = cr.Examples(cr.datasets.mnist().train.x[:5000], cr.datasets.mnist().train.y[:5000])
    facts["mapped"] = ray.get(array.remote([ray.put(big)]))

    # A worker that dies once: its task is repeated; one that dies each time: its run is named.
    original = ray_pool._train_runs
    def once(data, name, version, runs, flag="{flag}"):
        if not os.path.exists(flag):
            open(flag, "w").close()
            os.kill(os.getpid(), 9)
        return original(data, name, version, runs)
    ray_pool._train_runs = once
    lost = cr.sweep(SPACE, **parts, **SETTINGS, on="ray")
    facts["after a death"] = [scores_of(run) for run in lost.runs]
    def always(data, name, version, runs):
        if any(run.point == 1 and run.seed == 1 for run in runs):
            os.kill(os.getpid(), 9)
        return original(data, name, version, runs)
    ray_pool._train_runs, ray_pool.MOST_RETRIES = always, 1
    try:
        cr.sweep(SPACE, **parts, **SETTINGS, on="ray")
    except ChainruleError as error:
        facts["named"] = str(error)

    # An error within a run is the library's own, and names the run.
    def failing(data, name, version, runs):
        return [], RemoteError("DataError", "the run with seed 0: of the test")
    ray_pool._train_runs = failing
    try:
        cr.sweep(SPACE, **parts, **SETTINGS, on="ray")
    except ChainruleError as error:
        facts["failed"] = [type(error).__name__, str(error)]
    def other(data, name, version, runs):
        return original(data, name, "0.0.0", runs)
    ray_pool._train_runs = other
    try:
        cr.sweep(SPACE, **parts, **SETTINGS, on="ray")
    except ChainruleError as error:
        facts["version"] = str(error)
    ray_pool._train_runs = original
    try:
        cr.sweep(SPACE, **parts, **SETTINGS, on="ray", address=ray.get_runtime_context().gcs_address)
    except ChainruleError as error:
        facts["connected"] = str(error)

    # The cluster by its address, from this process after it has left it.
    address = ray.get_runtime_context().gcs_address
    facts["by address"] = json.loads(__import__("subprocess").run(
        [sys.executable, "-c", "import sys, json; sys.path.insert(0, {tests!r}); import chainrule as cr; "
         "from sweep_helpers import *; "
         "found = cr.sweep(SPACE, **digits_parts(), **SETTINGS, on='ray', address=sys.argv[1]); "
         "print(json.dumps([scores_of(run) for run in found.runs]))", address],
        capture_output=True, text=True, check=True).stdout)
    facts["cluster stays"] = bool(ray.cluster_resources())
    ray.shutdown()
    Path("facts.json").write_text(json.dumps(facts))

main()
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """Run the script in a process of its own."""
    folder = tmp_path_factory.mktemp("ray")
    script = SCRIPT.format(tests=str(Path(__file__).parent), flag=str(folder / "died"))
    environment = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1]), "RAY_USAGE_STATS_ENABLED": "0"}
    (folder / "script.py").write_text(script)
    ended = subprocess.run(
        [sys.executable, "script.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=400
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    return json.loads((folder / "facts.json").read_text())


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("127.0.0.1:1", EngineError, "there is no Ray cluster at 127.0.0.1:1: .*; begin one by: ray start --head"),
        ("ray://127.0.0.1:1", EngineError, "there is no Ray cluster"),
        ("cluster", SettingError, "is HOST:PORT"),
        ("host:99999999", SettingError, "is HOST:PORT"),
        ("local", SettingError, "is HOST:PORT"),
    ],
)
def test_an_address_without_a_cluster_is_refused_at_once(address, error, message, tmp_path):
    """Ray itself would wait for many minutes; no folder is made."""
    with pytest.raises(error, match=message):
        cr.sweep(SPACE, **digits_parts(), **SETTINGS, on="ray", address=address, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folders_of_killed_sweeps_are_removed(tmp_path):
    """Those whose process has ended; a folder of a process that runs, and one of another name, stay."""
    from chainrule.ray_cluster import remove_leftovers

    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    names = [f"cr-ray-{ended.pid}-x", f"cr-ray-{os.getpid()}-x", "cr-ray-x", "other"]
    for name in names:
        (tmp_path / name / "session").mkdir(parents=True)
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])


def as_json(runs):
    """Give runs as a JSON file gives them."""
    return json.loads(json.dumps([scores_of(run) for run in runs]))


@pytest.fixture(scope="module")
def local():
    """The same sweep in this process."""
    return as_json(cr.sweep(SPACE, **digits_parts(), **SETTINGS).runs)


def test_a_sweep_on_ray_has_the_bits_of_a_local_one(facts, local):
    """Each run's scores are equal, in a cluster that was begun for the sweep, and in one that is named by its address."""
    assert facts["runs"] == local
    assert facts["by address"] == local


def test_successive_halving_has_the_same_runs_on_ray(facts):
    """Which points go on does not depend on the order in which results arrive."""
    space = {"hidden": [4, 8], "learning_rate": "0.01..10:log"}
    halved = cr.sweep(space, **digits_parts(), epochs=9, batch_size=10, search="asha", trials=9)
    assert facts["halved"] == as_json(halved.runs)


def test_a_cluster_that_was_begun_ends_and_another_stays(facts):
    """Its files are removed; a connection of the user's, and a cluster by address, go on."""
    assert (facts["ended"], facts["left"], facts["stays"], facts["cluster stays"]) == (True, 0, True, True)


def test_workers_map_the_data_without_a_copy(facts):
    """The arrays in a worker are read-only views of the object store."""
    assert facts["mapped"] == [True, True]


def test_a_lost_worker_is_repeated_and_a_deadly_run_is_named(facts, local):
    """A worker killed by SIGKILL costs nothing; a run that ends its worker each time is named."""
    assert facts["after a death"] == local
    assert facts["named"].startswith("the run with hidden 5, learning rate 3, seed 1 was lost on Ray 2 times: ")


def test_failures_of_workers_are_the_librarys_errors(facts):
    """An error in a worker has its class and message here; another version on the cluster is refused."""
    assert facts["failed"] == ["DataError", "the run with seed 0: of the test"]
    assert "install one version on both" in facts["version"]
    assert facts["connected"].startswith("this process is connected to Ray already")
