"""Run one peer on one job, and print its measurement as a line of JSON; ``python -m benchmarks`` starts these processes."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.peers import PEERS


def peak_bytes() -> int:
    """Read this process's peak memory; getrusage would also count the parent's memory at the time of the fork."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def main(name: str, kind: str, folder: str, threads: str, cpus: str, output: str) -> None:
    """Bind the process to the given processors before any library starts threads, then do the work."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})
    from benchmarks.job import load_job

    work = getattr(import_module(f"benchmarks.peers.{PEERS[name].module}"), kind)
    measurement = work(load_job(Path(folder)), threads if threads == "auto" else int(threads))
    if Path("/proc/self/status").exists():
        measurement.extras["peak_bytes"] = peak_bytes()
    print(measurement.save(Path(output)))


if __name__ == "__main__":
    main(*sys.argv[1:])
