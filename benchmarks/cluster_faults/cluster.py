"""Ray on this machine with one raylet or several, each as a node of its own; and the processes of its workers."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # the loopback address alone: see chainrule.ray_cluster
from chainrule.ray_cluster import import_ray

WORKER_NAME = "ray::RemoteWorker"
"""How the processes of a training's workers are called."""

HEALTH = {"health_check_initial_delay_ms": 1_000, "health_check_period_ms": 1_000, "health_check_failure_threshold": 4}
"""After how long Ray takes a node for lost: some 5 seconds; 15 by default."""


class LocalCluster:
    """A cluster of raylets with one core each, to which this process is connected.

    Parameters
    ----------
    nodes : int
        The first is the head, on which this process is.
    node_settings : keyword arguments
        Of each node, as ``ray.cluster_utils.Cluster.add_node`` has them.
    """

    def __init__(self, nodes: int, **node_settings: Any) -> None:
        self.ray = import_ray()
        from ray.cluster_utils import Cluster

        self.folder = Path(tempfile.mkdtemp(prefix="crf-"))
        self._settings = {
            "num_cpus": 1,
            "num_gpus": 0,
            "object_store_memory": 80 << 20,
            "node_ip_address": "127.0.0.1",
            "temp_dir": str(self.folder),
            **node_settings,
        }
        self._cluster = Cluster(shutdown_at_exit=True)
        self._cluster.add_node(include_dashboard=False, _system_config=HEALTH, **self._settings)
        self.address = self._cluster.address
        self.others: list[Any] = []
        for _ in range(nodes - 1):
            self.add_node()

    def connect(self) -> None:
        """Connect this process."""
        self.ray.init(address=self.address, log_to_driver=False, logging_level="ERROR")

    def add_node(self) -> None:
        """Begin one more raylet."""
        settings = {name: value for name, value in self._settings.items() if name != "_system_config"}
        self.others.append(self._cluster.add_node(**settings))

    def workers(self) -> list[int]:
        """Give the processes of a training's workers, in no order."""
        return [process for node in (self._cluster.head_node, *self.others) for process in self.workers_of(node)]

    def workers_of(self, node: Any) -> list[int]:
        """Give the processes of a training's workers on a node."""
        return [process for process in worker_processes() if parent_of(process) == raylet_of(node)]

    def kill_node(self, node: Any, *, workers: bool) -> list[int]:
        """Kill the raylet of a node, and its workers if wanted; give the processes of those workers."""
        processes = self.workers_of(node)
        for process in [raylet_of(node), *(processes if workers else [])]:
            end(process)
        self.others.remove(node)
        return processes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.ray.shutdown()
        self._cluster.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)


def raylet_of(node: Any) -> int:
    """Give the process of a node's raylet."""
    return int(node.all_processes["raylet"][0].process.pid)


def worker_processes() -> list[int]:
    """Give the processes of the workers of all trainings on this machine, in no order."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                if (folder / "cmdline").read_bytes().startswith(WORKER_NAME.encode()):
                    found.append(int(folder.name))
    return found


def parent_of(process: int) -> int:
    """Give the parent of a process; 0 where there is no such process."""
    with suppress(OSError):
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def is_running(process: int) -> bool:
    """Whether a process exists that has not ended."""
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def end(process: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(process, number)


def wait_until_ended(processes: list[int], seconds: float) -> list[int]:
    """Wait for processes to end; give those that have not."""
    limit = time.monotonic() + seconds
    while (left := [process for process in processes if is_running(process)]) and time.monotonic() < limit:
        time.sleep(0.05)
    return left
