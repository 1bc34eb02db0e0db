"""Run one peer on one job, and print its answer as a line of JSON; ``python -m benchmarks`` starts these."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.peers import PEERS


def peak_bytes() -> int:
    """Give this process's peak memory; its own, where getrusage would count what the parent had when it started this."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def main(name: str, kind: str, folder: str, threads: str, cpus: str, answer: str) -> None:
    """Keep to the processors given, before anything that starts threads is loaded; then work."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})
    from benchmarks.job import load_job

    work = getattr(import_module(f"benchmarks.peers.{PEERS[name].module}"), kind)
    found = work(load_job(Path(folder)), threads if threads == "auto" else int(threads))
    if Path("/proc/self/status").exists():
        found.facts["peak_bytes"] = peak_bytes()
    print(found.save(Path(answer)))


if __name__ == "__main__":
    main(*sys.argv[1:])
