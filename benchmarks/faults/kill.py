"""SIGKILL at random moments: a training that is killed and resumed until it ends must end with the bits of one never stopped."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from benchmarks.faults.processes import duration, finish, start
from benchmarks.faults.training_process import CASES

KILLS_A_TRAINING = 5
"""How often a training is killed before it is left to end."""


def run(times: int, seed: int) -> bool:
    """Kill trainings ``times`` times, over all cases in turn and with changing numbers of threads; whether all ended right."""
    random_moments = random.Random(seed)
    kills, trainings, wrong = 0, 0, 0
    while kills < times:
        for case in CASES:
            killed, right = kill_and_resume(case, trainings, random_moments)
            kills, trainings, wrong = kills + killed, trainings + 1, wrong + (not right)
            print(f"{case}, training {trainings}: killed {killed} times, {'the same bits' if right else 'OTHER BITS'}", flush=True)
            if kills >= times:
                break
    print(f"{kills} kills in {trainings} trainings: {wrong} ended with other bits")
    return not wrong


def kill_and_resume(case: str, seed: int, moments: random.Random) -> tuple[int, bool]:
    """Train once, killed several times; give the number of kills, and whether the result is that of a training never stopped."""
    whole, seconds = duration(case, seed, threads=1)
    with tempfile.TemporaryDirectory() as folder:
        run_folder = Path(folder) / "run"
        for killed in range(KILLS_A_TRAINING + 1):
            last = killed == KILLS_A_TRAINING
            threads = 1 if case.startswith("reference") else moments.choice([1, 2])  # BLAS's bits depend on its threads
            process = start(case, run_folder, seed, threads)
            outcome = finish(process, None if last else moments.uniform(0, 2.5 * seconds / KILLS_A_TRAINING))
            if outcome.killed:
                continue
            if outcome.errors:
                print(outcome.errors)
            return killed, outcome.result == whole
    raise AssertionError("the last process is not killed")
