"""Fuzz a door: ``python -m benchmarks.fuzzing DOOR [--seconds N] [--findings FOLDER]``.

Every file that is read must hold the invariant of ``invariant.py``; one that does not is kept in the folder of findings, beside a
text with the error. A crash of native code ends one process, and another goes on. Needs atheris: ``pip install atheris``.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.fuzzing.seeds import CORPUS, SEEDS, write

LEAST_SECONDS = 5


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzzing", description="Fuzz a door for untrusted bytes.")
    parser.add_argument("door", choices=SEEDS, help=f"one of {', '.join(SEEDS)}", metavar="DOOR")
    parser.add_argument("--seconds", type=int, default=600, metavar="N", help="of processor time (default: 600)")
    parser.add_argument("--findings", type=Path, default=Path("build/fuzzing"), metavar="FOLDER", help="default: build/fuzzing")
    chosen = parser.parse_args()
    if chosen.seconds < LEAST_SECONDS:
        parser.error(f"--seconds must be at least {LEAST_SECONDS}")
    if importlib.util.find_spec("atheris") is None:
        parser.error("it needs atheris, which has wheels for some versions of Python: pip install atheris")
    return chosen


def fuzz(door: str, seconds: int, findings: Path) -> tuple[int, int]:
    """Run processes until they have used this processor time; return the number of executions, and of crashes."""
    executions = crashes = 0
    share = 1.0  # of a core, which the last process had: libFuzzer ends after a time by the clock
    with tempfile.TemporaryDirectory(prefix="fuzzing-corpus-") as folder:
        corpus = Path(folder)
        write(door, corpus)
        for file in (CORPUS / door).glob("*"):
            (corpus / file.name).write_bytes(file.read_bytes())
        while (left := round(seconds - processor_time())) >= LEAST_SECONDS:
            began, used = time.monotonic(), processor_time()
            clock_seconds = str(round(left / share))
            command = [sys.executable, "-m", "benchmarks.fuzzing.process", door, str(corpus), str(findings), clock_seconds]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as process:
                executions += _follow(process)
            crashes += process.returncode != 0
            share = (processor_time() - used) / (time.monotonic() - began)
    return executions, crashes


def processor_time() -> float:
    """Return the processor time of the processes that have ended, in seconds: on a busy machine the clock says little."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _follow(process: subprocess.Popen[str]) -> int:
    """Print what a process finds, and from time to time its state; return the number of its executions."""
    executions, told = 0, 0.0
    last = ""
    for line in process.stderr or ():
        count = re.match(r"#(\d+)\s", line)
        executions = max(executions, int(count[1]) if count else 0)
        final = re.match(r"stat::number_of_executed_units:\s*(\d+)", line)
        executions = int(final[1]) if final else executions
        last = line if count else last
        if line.startswith(("finding", "Traceback")) or "ERROR: libFuzzer" in line:
            print(line.rstrip(), flush=True)
        elif count and time.monotonic() > told + 60:
            told = time.monotonic()
            print(line.rstrip(), flush=True)
        elif not count and not final:
            sys.stderr.write(line)
    print(last.rstrip(), flush=True)
    return executions


def main() -> int:
    """Fuzz, and print the number of executions and of findings."""
    chosen = arguments()
    findings = (chosen.findings / chosen.door).absolute()
    executions, crashes = fuzz(chosen.door, chosen.seconds, findings)
    kept = sorted(file.name for file in findings.glob("*") if file.suffix != ".txt")
    effort = f"{executions:,} executions in {processor_time():.0f} s of processor time"
    print(f"{chosen.door}: {effort}, {crashes} crashes, {len(kept)} findings in {findings}")
    for name in kept:
        print(f"  {name}")
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
