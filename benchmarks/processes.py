"""Separate processes for the peers: their environment, which sets the number of threads, and their reliable termination."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.job import Measurement, load_measurement
from benchmarks.peers import Peer

ROOT = Path(__file__).parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
HARMFUL = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Variables that make the OpenBLAS of current NumPy versions slower; they are removed for all peers."""

TIMEOUT = 900
"""Seconds after which a peer's process is killed, unless another limit is given."""


@dataclass(frozen=True)
class Failure:
    """A peer's process that failed, and the last line of its error output."""

    reason: str


def processors() -> list[int]:
    """List the processors that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def environment(threads: int | str) -> dict[str, str]:
    """Make a peer's environment: the number of threads for the libraries that read it there, and the repository's path."""
    kept = {name: value for name, value in os.environ.items() if name not in (*HARMFUL, *THREADS, "XLA_FLAGS")}
    paths = [str(ROOT), *kept.get("PYTHONPATH", "").split(os.pathsep)]
    kept |= {"PYTHONPATH": os.pathsep.join(path for path in paths if path), "JAX_PLATFORMS": "cpu"}
    if threads == "auto":
        return kept
    if threads == 1:
        kept["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return kept | {name: str(threads) for name in THREADS}


def run(command: list[str], env: Mapping[str, str], cwd: Path | None = None, timeout: float = TIMEOUT) -> tuple[int, str, str]:
    """Run a command to its end; on a timeout or an exception kill it with its children."""
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill(process)
        return -1, "", f"did not finish in {timeout:g} seconds"
    except BaseException:
        kill(process)
        raise
    return process.returncode, out, err


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process and its children, and wait for it."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)  # the process leads a session of its own, so its group has its id
    else:
        process.kill()
    process.communicate()


def measure_peer(peer: Peer, kind: str, folder: Path, threads: int | str, most: int) -> Measurement | Failure:
    """Let a peer do one kind of work on the job in a folder; ``most`` is the largest number of threads of any peer."""
    cpus = processors()[-most:]
    if peer.pinned:
        cpus = cpus[-int(threads) :]
    output = folder / "measurement.npz"
    arguments = [peer.name, kind, str(folder), str(threads), ",".join(map(str, cpus)), str(output)]
    status, out, err = run([sys.executable, "-m", "benchmarks.peers", *arguments], environment(threads))
    if status:
        return Failure(last_line(err) or f"ended with status {status}")
    return load_measurement(out.splitlines()[-1], output)


def measure_process(command: list[str], threads: int | str, cwd: Path) -> tuple[float, int] | Failure:
    """Run a whole process; return its wall time in seconds and its peak memory in bytes."""
    status, out, err = run(
        [sys.executable, "-S", str(ROOT / "benchmarks" / "process_usage.py"), *command], environment(threads), cwd
    )
    if status:
        return Failure(last_line(err) or f"ended with status {status}")
    figures = json.loads(out.splitlines()[-1])
    return figures["seconds"], figures["peak_bytes"]


def last_line(text: str) -> str:
    """Return the last line that is not blank."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
