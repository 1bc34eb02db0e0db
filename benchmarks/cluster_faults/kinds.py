"""What goes wrong in a trial, and what must hold after it; each function tries one kind so many times."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from benchmarks.cluster_faults.cluster import LocalCluster, end, is_running, wait_until_ended
from benchmarks.cluster_faults.trainings import CASES, FILES, GROUP_ROWS, ROWS, WIDE, Result, train, write_files
from benchmarks.faults.trials import Trials, require
from chainrule.distributed import worker_group
from chainrule.distributed.worker_group import WorkerLostWarning
from chainrule.errors import DataError

LIMIT_SECONDS = 150
"""After so long a training is said to hang."""

HEARTBEAT_SECONDS = 3.0
"""How long a worker may take to answer, in a trial; 10 by default."""

START_SECONDS = 20.0
"""How long a trial waits for a core for a worker that replaces a lost one; 60 by default."""

IN_TURN = [name for name in CASES if name != WIDE]

Strike = Callable[[], str]
"""What disturbs a training; it says what it did."""


@dataclass(frozen=True)
class Ended:
    """A training that ended: its result, what was done to it, and how often it lost a worker."""

    result: Result
    note: str
    lost: int


class Bench:
    """The trainings of a kind's trials, with the results of those that nothing disturbed.

    Parameters
    ----------
    folder : Path
    seed : int
        Of the moments.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.rows = write_files(folder / "rows")
        self.folder = folder
        self.random = random.Random(seed)
        self._undisturbed: dict[str, Result] = {}

    def undisturbed(self, name: str) -> Result:
        """Give the result of a training that nothing disturbs."""
        if name not in self._undisturbed:
            self._undisturbed[name] = train(name, self.rows)
            print(f"{name}: {self._undisturbed[name].seconds:.1f} s undisturbed", flush=True)
        return self._undisturbed[name]

    def disturb(self, name: str, strike: Strike, part: float = 0.7) -> Ended:
        """Train, and strike at a random moment within a part of the undisturbed training's time."""
        moment = self.random.uniform(0, part * self.undisturbed(name).seconds)
        began, notes, ended = threading.Event(), list[str](), threading.Event()

        def wait_and_strike() -> None:
            began.wait(LIMIT_SECONDS)
            if ended.wait(moment):
                notes.append("the training had ended before")
                return
            try:
                notes.append(strike())
            except Exception as error:  # the trial fails, with this as its note
                notes.append(f"THE TRIAL ITSELF FAILED: {type(error).__name__}: {error}")

        striker = threading.Thread(target=wait_and_strike)
        striker.start()
        try:
            with warnings.catch_warnings(record=True) as caught, time_limit(LIMIT_SECONDS):
                warnings.simplefilter("always")
                result = train(name, self.rows, on_epoch=lambda _: began.set())
        finally:
            ended.set()
            began.set()
            striker.join()
        return Ended(result, notes[0], sum(issubclass(each.category, WorkerLostWarning) for each in caught))

    def check(self, trials: Trials, number: int, name: str, strike: Strike) -> None:
        """Make one trial: the disturbed training must end with the bits of the undisturbed one."""
        with trials.trial(f"{number}, {name}") as notes:
            expected = self.undisturbed(name)
            ended = self.disturb(name, strike)
            seconds = ended.result.seconds - expected.seconds
            seen = f"{ended.note}; {ended.lost} workers replaced, {seconds:+.1f} s"
            require("FAILED" not in ended.note, seen)
            require(ended.result.epochs == expected.epochs, f"{ended.result.epochs} epochs for {expected.epochs}; {seen}")
            require(ended.result.digest == expected.digest, f"OTHER BITS; {seen}")
            notes.append(f"the same bits; {seen}")


def killed_worker(trials: Trials, bench: Bench, times: int) -> None:
    """A worker's process is killed."""
    with LocalCluster(1, num_cpus=2) as cluster:
        cluster.connect()

        def strike() -> str:
            process = bench.random.choice(cluster.workers())
            end(process)
            return f"killed process {process}"

        for number, name in enumerate(islice(cycle(IN_TURN), times), start=1):
            bench.check(trials, number, name, strike)


def stopped_worker(trials: Trials, bench: Bench, times: int) -> None:
    """A worker's process hangs, and goes on later, when it has been replaced or while that is done."""
    with LocalCluster(2) as cluster:
        cluster.connect()
        stopped: list[int] = []

        def strike() -> str:
            process = bench.random.choice(cluster.workers())
            seconds = bench.random.uniform(0.5, 9)
            end(process, signal.SIGSTOP)
            stopped.append(process)
            time.sleep(seconds)
            was_there = is_running(process)
            end(process, signal.SIGCONT)
            return f"stopped process {process} for {seconds:.1f} s" + ("" if was_there else ", and it was gone by then")

        for number, name in enumerate(islice(cycle(IN_TURN), times), start=1):
            bench.check(trials, number, name, strike)
            left = wait_until_ended(stopped, 10)
            if left:
                trials.add(f"{number}, processes after it", f"{left} still run")


def killed_node(trials: Trials, bench: Bench, times: int) -> None:
    """A raylet and its workers are killed."""
    _lose_nodes(trials, bench, times, workers=True)


def killed_raylet(trials: Trials, bench: Bench, times: int) -> None:
    """A raylet alone is killed; its worker goes on, and nobody listens to it once it is taken for lost."""
    _lose_nodes(trials, bench, times, workers=False)


def _lose_nodes(trials: Trials, bench: Bench, times: int, *, workers: bool) -> None:
    """Lose a node with a worker, in turn with a spare one that takes its place, and without."""
    with LocalCluster(2) as cluster:
        cluster.connect()
        for name in IN_TURN[:times]:
            bench.undisturbed(name)
        for number, name in enumerate(islice(cycle(IN_TURN), times), start=1):
            spare = (number + (number - 1) // len(IN_TURN)) % 2
            while len(cluster.others) < 1 + spare:
                cluster.add_node()
            orphans: list[int] = []

            def strike(orphans: list[int] = orphans, spare: int = spare) -> str:
                node = next(node for node in cluster.others if cluster.workers_of(node))
                orphans += cluster.kill_node(node, workers=workers)
                return f"killed a raylet{f' and {len(orphans)} worker' * workers}, {('no', 'one')[spare]} spare node"

            bench.check(trials, number, name, strike)
            if not workers:
                left = wait_until_ended(orphans, 2)
                print(f"  of {len(orphans)} workers without a raylet {len(left)} live 2 s after the training", flush=True)
                for process in left:
                    end(process)


def killed_driver(trials: Trials, bench: Bench, times: int) -> None:
    """The process that calls ``train`` is killed, and begun again with its checkpoint; every second one on a cluster that stays."""
    with LocalCluster(1, num_cpus=2) as cluster:
        cluster.connect()
        expected = {name: bench.undisturbed(name) for name in IN_TURN[:times]}
        cluster.ray.shutdown()
        for number, name in enumerate(islice(cycle(IN_TURN), times), start=1):
            # Four trainings are in turn: each is tried with both kinds of cluster.
            address = cluster.address if (number + (number - 1) // len(IN_TURN)) % 2 else ""
            with trials.trial(f"{number}, {name}, {'a cluster that stays' if address else 'its own cluster'}") as notes:
                checkpoint = bench.folder / f"checkpoint {number}"
                moment = bench.random.uniform(0, 0.9 * expected[name].seconds)
                first_line, epochs = _run_driver(name, bench.rows, checkpoint, address, moment)
                began = time.perf_counter()
                last_line, more = _run_driver(name, bench.rows, checkpoint, address, None)
                seconds = time.perf_counter() - began
                require(last_line == expected[name].digest, f"OTHER BITS or an error: {last_line}")
                notes.append(
                    f"the same bits; killed in epoch {epochs + 1}, went on in epoch {expected[name].epochs - more + 1}, {seconds:.1f} s"
                )


def _run_driver(case: str, rows: Path, checkpoint: Path, address: str, moment: float | None) -> tuple[str, int]:
    """Run the driver's process, and kill it so long after its first epoch; give its last line, and its epochs."""
    command = [sys.executable, "-m", "benchmarks.cluster_faults.driver_process", case, str(rows), str(checkpoint), address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        if moment is not None:
            time.sleep(moment)
            process.kill()
        output, errors = process.communicate(timeout=LIMIT_SECONDS)
    lines += output.splitlines()
    last = lines[-1] if process.returncode == 0 else errors[-500:]
    return last.strip(), sum(line.startswith("epoch") for line in lines)


def damaged_group(trials: Trials, bench: Bench, times: int) -> None:
    """Some bytes of a row group are overwritten: before the training, which refuses or skips it, or while it trains."""
    names = [name for name in IN_TURN if CASES[name].from_files]
    with LocalCluster(1, num_cpus=2) as cluster:
        cluster.connect()
        for name in names:
            bench.undisturbed(name)
        for number, name in enumerate(islice(cycle(names), times), start=1):
            how = ("refused", "skipped", "while it trains")[number % 3]
            with trials.trial(f"{number}, {name}, {how}") as notes:
                rows = write_files(bench.folder / "damaged rows")
                path = rows / f"{bench.random.randrange(FILES)}.parquet"
                group, rows_lost = _draw_group(path, bench.random)
                place = f"{path}, row group {group}"
                if how == "skipped":
                    damage(path, group, bench.random)
                    notes.append(_train_without(name, rows, place, rows_lost))
                    continue
                if how == "refused":
                    damage(path, group, bench.random)
                    strike = None
                else:

                    def strike(
                        _: Any, path: Path = path, group: int = group, left: list[int] = [bench.random.randrange(1, 15)]
                    ) -> None:  # noqa: B006, E501
                        left[0] -= 1
                        if left[0] == 0:
                            damage(path, group, bench.random)

                try:
                    with time_limit(LIMIT_SECONDS):
                        train(name, rows, on_epoch=strike)
                except DataError as error:
                    require(place in str(error), f"the error does not name {place}: {error}")
                    notes.append(f"{type(error).__name__} names {Path(place).name}")
                else:
                    raise AssertionError(f"a training on damaged rows ended: {place}")


def _train_without(name: str, rows: Path, place: str, rows_lost: int) -> str:
    """Train where a damaged row group is skipped: a warning names it, and all workers train on the other rows."""
    with warnings.catch_warnings(record=True) as caught, time_limit(LIMIT_SECONDS):
        warnings.simplefilter("always")
        first = train(name, rows, damaged="skip", epochs=10)
        again = train(name, rows, damaged="skip", epochs=10)
    said = [str(each.message) for each in caught]
    require(any(place in each for each in said), f"no warning names {place}: {said}")
    require(any(f"{ROWS - rows_lost:,}" in each for each in said), f"no warning tells of {ROWS - rows_lost:,} rows: {said}")
    require(first.digest == again.digest, "OTHER BITS in a second training")
    return f"a warning names {Path(place).name}; {rows_lost} rows fewer, the same bits twice"


def _draw_group(path: Path, moments: random.Random) -> tuple[int, int]:
    """Draw a row group of a file; give its number and its rows."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path)
    group = moments.randrange(metadata.num_row_groups)
    return group, metadata.row_group(group).num_rows


def damage(path: Path, group: int, moments: random.Random) -> None:
    """Overwrite the header of a page of a row group's column, as a failing disk does: the file's size and time stay."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        columns = file.metadata.row_group(group)
        column = columns.column(moments.randrange(columns.num_columns))
        first = column.dictionary_page_offset or column.data_page_offset
    times = path.stat()
    with path.open("r+b") as file:
        file.seek(first)
        file.write(moments.randbytes(64))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def full_store(trials: Trials, bench: Bench, times: int) -> None:
    """The object store and the disk of its spill folder are filled, and stay full for some seconds or to the end."""
    names = [WIDE, "memory, averaged, dropout"]
    spill = bench.folder / "spill"
    with disk(spill, 40), LocalCluster(1, num_cpus=2, object_spilling_directory=str(spill)) as cluster:
        cluster.connect()
        held: list[Any] = []

        def strike() -> str:
            reason = ""
            while not reason:
                try:
                    held.append(cluster.ray.put(np.random.default_rng(len(held)).bytes(4 << 20)))
                except cluster.ray.exceptions.RayError as error:
                    reason = type(error).__name__
            seconds = bench.random.uniform(0, 6)
            time.sleep(seconds)
            count = len(held)
            held.clear()
            return f"{count} objects of 4 MB until {reason}, for {seconds:.1f} s"

        for number, name in enumerate(islice(cycle(names), times), start=1):
            bench.check(trials, number, name, strike)
            held.clear()


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a disk of a few megabytes."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the main thread after so long."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the training hangs: it has not ended after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


KINDS: dict[str, Callable[[Trials, Bench, int], None]] = {
    "worker": killed_worker,
    "node": killed_node,
    "raylet": killed_raylet,
    "driver": killed_driver,
    "stop": stopped_worker,
    "damage": damaged_group,
    "store": full_store,
}


def run(kind: str, times: int, seed: int) -> bool:
    """Try one kind so many times; whether nothing was lost."""
    worker_group.HEARTBEAT_SECONDS, worker_group.START_SECONDS = HEARTBEAT_SECONDS, START_SECONDS
    trials = Trials(f"{kind}: {(KINDS[kind].__doc__ or '').splitlines()[0]}")
    with tempfile.TemporaryDirectory() as folder:
        KINDS[kind](trials, Bench(Path(folder), seed), times)
    return trials.end()
