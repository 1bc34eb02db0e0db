"""Starting, killing and waiting for the processes of a campaign."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """What became of a process.

    Attributes
    ----------
    killed : bool
    result : str
        The last line that it printed; empty where it was killed.
    errors : str
    """

    killed: bool
    result: str
    errors: str


def start(case: str, folder: str | Path, seed: int, threads: int) -> subprocess.Popen[str]:
    """Start ``training_process``, and wait until it has imported the library."""
    command = [sys.executable, "-m", "benchmarks.faults.training_process", case, str(folder), str(seed), str(threads)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # the bits of the reference engine depend on BLAS's threads
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None  # it is a pipe
    process.stdout.readline()
    return process


def finish(process: subprocess.Popen[str], after: float | None) -> Outcome:
    """Wait for a process, and kill it after so many seconds."""
    try:
        output, errors = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Outcome(True, "", "")
    return Outcome(False, output.splitlines()[-1] if process.returncode == 0 and output else "", errors)


def duration(case: str, seed: int, threads: int) -> tuple[str, float]:
    """Train to the end without checkpoints; give the result, and the seconds it took without the imports."""
    process = start(case, "", seed, threads)
    began = time.perf_counter()
    outcome = finish(process, None)
    if not outcome.result:
        raise SystemExit(f"{case} failed: {outcome.errors}")
    return outcome.result, time.perf_counter() - began
