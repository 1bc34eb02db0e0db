"""Processes of their own for the peers: the environment that sets their threads, and their end, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.job import Answer, load_answer
from benchmarks.peers import Peer

ROOT = Path(__file__).parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
HARMFUL = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Where these are set, a current NumPy's OpenBLAS is slower than it need be: nobody is measured with them."""

LONGEST = 900
"""Seconds after which a peer is given up."""


@dataclass(frozen=True)
class Failure:
    """A peer that found nothing, and the last line it said."""

    reason: str


def processors() -> list[int]:
    """Give the processors this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def environment(threads: int | str) -> dict[str, str]:
    """Give a peer's environment: so many threads for whoever reads it from there, the repository in reach."""
    kept = {name: value for name, value in os.environ.items() if name not in (*HARMFUL, *THREADS, "XLA_FLAGS")}
    paths = [str(ROOT), *kept.get("PYTHONPATH", "").split(os.pathsep)]
    kept |= {"PYTHONPATH": os.pathsep.join(path for path in paths if path), "JAX_PLATFORMS": "cpu"}
    if threads == "auto":
        return kept
    if threads == 1:
        kept["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return kept | {name: str(threads) for name in THREADS}


def run(command: list[str], env: Mapping[str, str], cwd: Path | None = None) -> tuple[int, str, str]:
    """Run a command to its end; if that is not to be, end it with all it started."""
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        out, err = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        end(process)
        return -1, "", f"gave no answer in {LONGEST} seconds"
    except BaseException:
        end(process)
        raise
    return process.returncode, out, err


def end(process: subprocess.Popen[str]) -> None:
    """End a process and its children, and wait for it."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)  # a session of its own: the group has the process's number
    else:
        process.kill()
    process.communicate()


def ask(peer: Peer, kind: str, folder: Path, threads: int | str, most: int) -> Answer | Failure:
    """Have a peer do one kind of work on the job in a folder, with so many threads out of ``most`` that anyone gets."""
    cpus = processors()[-most:]
    if peer.pinned:
        cpus = cpus[-int(threads) :]
    answer = folder / "answer.npz"
    arguments = [peer.name, kind, str(folder), str(threads), ",".join(map(str, cpus)), str(answer)]
    status, out, err = run([sys.executable, "-m", "benchmarks.peers", *arguments], environment(threads))
    if status:
        return Failure(last_line(err) or f"ended with status {status}")
    return load_answer(out.splitlines()[-1], answer)


def measure(command: list[str], threads: int | str, cwd: Path) -> tuple[float, int] | Failure:
    """Run a whole process; give its wall time in seconds and its peak memory in bytes."""
    status, out, err = run([sys.executable, "-S", str(ROOT / "benchmarks" / "measured.py"), *command], environment(threads), cwd)
    if status:
        return Failure(last_line(err) or f"ended with status {status}")
    found = json.loads(out.splitlines()[-1])
    return found["seconds"], found["peak_bytes"]


def last_line(text: str) -> str:
    """Give the last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
