"""Memory that the native module loses, as LeakSanitizer reports it when the process ends; ``scripts/sanitize`` runs this.

``python -m benchmarks.faults.leaks``, with the library of AddressSanitizer or LeakSanitizer loaded before Python. It runs the
scenarios of ``memory`` in a process of its own and reads what is reported at its end. Python and other libraries keep much until
then: a leak of the module is memory that it allocated itself, or an object of its classes, which nanobind names.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from benchmarks.faults import memory

MODULE = "_fused"
FRAMES = 4
"""An allocation is the module's own where it is among so many innermost frames: below ``malloc`` and ``operator new``."""

TIMES = 24
"""How often each scenario runs: each engine, optimizer and kind of failure comes at least twice."""

SCENARIOS = ("epochs", "trainings", "failed trainings", "predict, save and load", "fits of estimators")


def main() -> int:
    """Run the scenarios and print the leaks of the module; the status is 1 where there are any."""
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1", "LSAN_OPTIONS": "exitcode=0"}
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.faults.leaks", "run"], capture_output=True, text=True, check=False, env=environment
    )
    if ended.returncode or "LeakSanitizer" not in ended.stderr:
        print(f"the sanitizer made no report, status {ended.returncode}: {ended.stderr[-2_000:]}")
        return 1
    found = reports(ended.stderr)
    own = [report for report in found if is_own(report)]
    own += [line for line in ended.stderr.splitlines() if line.startswith("nanobind: leaked")]
    print(f"leaks: {len(SCENARIOS)} scenarios, {TIMES} times each: {len(own)} leaks of the module, {len(found)} reports in all")
    print("\n\n".join(own))
    return bool(own)


def reports(text: str) -> list[str]:
    """Divide the sanitizer's output into its reports of leaks."""
    return [part for part in text.split("\n\n") if " leak of " in part.splitlines()[0]]


def is_own(report: str) -> bool:
    """Whether the module itself made the allocation of a report."""
    return any(MODULE in line for line in report.splitlines()[1 : 1 + FRAMES])


def run() -> None:
    """Run each scenario."""
    warnings.simplefilter("ignore")
    for name in SCENARIOS:
        with tempfile.TemporaryDirectory() as folder:
            memory.SCENARIOS[name](TIMES, Path(folder), lambda k: None)


if __name__ == "__main__":
    raise SystemExit(run() if sys.argv[1:] else main())
