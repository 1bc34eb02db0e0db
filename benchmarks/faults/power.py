"""Loss of power at random moments: what was flushed to the disk must be a training that goes on to the same bits."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.faults.power_fs import CRASH
from benchmarks.faults.processes import duration, finish, start
from benchmarks.faults.training_process import CASES
from chainrule.checkpoints.run_folder import RunFolder

CRASHES_A_TRAINING = 8


def run(times: int, seed: int) -> bool:
    """Lose power ``times`` times within trainings of all cases in turn; whether every one went on to the right end."""
    moments = random.Random(seed)
    crashes, begun_anew, wrong = 0, 0, 0
    for k in range(-(-times // CRASHES_A_TRAINING)):
        case = [*CASES][k % len(CASES)]
        with tempfile.TemporaryDirectory() as folder:
            whole, dumps = crash(case, k, Path(folder), moments, min(CRASHES_A_TRAINING, times - crashes))
            for dump, oldest in dumps:
                crashes += 1
                fault = recover(case, k, dump, oldest, whole)
                begun_anew += not (dump / "run").exists()
                wrong += bool(fault)
                print(f"{case}, crash {crashes}: {fault or 'the same bits'}", flush=True)
    print(f"{crashes} losses of power, {begun_anew} of them before the folder was there: {wrong} lost something")
    return not wrong


def crash(case: str, seed: int, folder: Path, moments: random.Random, times: int) -> tuple[str, list[tuple[Path, int]]]:
    """Train on the file system that forgets; give the right result, and what each loss of power left.

    Each comes with the number of the newest checkpoint that was there: it, or the one before, must be left.
    """
    whole, seconds = duration(case, seed, threads=1)
    mount, dumps = folder / "mount", folder / "dumps"
    mount.mkdir()
    dumps.mkdir()
    found = []
    with _mounted(mount, dumps):
        process = start(case, mount / "run", seed, threads=1)
        for k in range(times):
            time.sleep(moments.uniform(0, 2 * seconds / times))
            numbers = [int(path.stem.removeprefix("checkpoint-")) for path in RunFolder(mount / "run").checkpoints()]
            number = 2 * k + (k % 2)
            with suppress(OSError):  # the file system refuses the file once it has written the dump
                (mount / f"{CRASH}{number}").touch()
            found.append((dumps / str(number), max(numbers, default=0)))
        finish(process, None)
    return whole, found


def recover(case: str, seed: int, dump: Path, written: int, whole: str) -> str:
    """Go on from what a loss of power left; give the fault, or nothing."""
    numbers = [int(path.stem.removeprefix("checkpoint-")) for path in RunFolder(dump / "run").checkpoints()]
    if written and max(numbers, default=0) < written - 1:
        return f"checkpoint {written} was there, and {max(numbers, default=0)} is the newest after the loss of power"
    outcome = finish(start(case, dump / "run", seed, threads=1 if case.startswith("reference") else 2), None)
    if outcome.result != whole:
        return outcome.errors.strip().splitlines()[-1] if outcome.errors else "OTHER BITS"
    return ""


@contextmanager
def _mounted(mount: Path, dumps: Path) -> Iterator[None]:
    """Mount the file system that forgets."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.faults.power_fs", str(mount), str(dumps)])
    try:
        while not mount.is_mount():
            if process.poll() is not None:
                raise SystemExit("the file system could not be mounted: it needs /dev/fuse")
            time.sleep(0.05)
        yield
    finally:
        subprocess.run(["fusermount3", "-u", "-z", str(mount)], check=False)
        process.wait()
