"""Two workers on Ray beside one, on rows of files: ``python -m benchmarks.workers [--rows N] [--rounds N]``.

The files are those of ``benchmarks.out_of_core``. Each worker is bound to a core of its own, as one that has a machine for itself:
otherwise the thread that reads ahead for the only worker would use the second core. The workers train by turns; the first epoch of
each training, in which they open the files, does not count.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from .out_of_core import SETTINGS, SIZES, run_child

if TYPE_CHECKING:
    from chainrule.history import EpochRecord


def bind_to_cores(processes: list[int]) -> None:
    """Bind each process, with all its threads, to a core of its own."""
    cores = sorted(os.sched_getaffinity(0))
    for k, process in enumerate(processes):
        for thread in Path(f"/proc/{process}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {cores[k % len(cores)]})


def train(folder: Path, workers: int, sync_every: int, epochs: int, sizes: list[int], **settings: object) -> list[EpochRecord]:
    """Train on the files with so many workers; give the records of all epochs but the first."""
    import chainrule as cr

    network = cr.Network(sizes, cost="cross_entropy", activation="relu", seed=0)
    run = cr.Run(
        network,
        cr.rows(folder / "*.parquet", target="y"),
        epochs=1 + epochs,
        on="ray",
        workers=workers,
        sync_every=sync_every,
        **{**SETTINGS, **settings},
    )
    records = []
    for record in run:
        if record.epoch == 1:
            bind_to_cores([place.process for place in run.executor.places.values()])
        else:
            records.append(record)
    return records


def main() -> None:
    """Write the files, train by turns, and print the speeds and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=8_000_000, help="how many rows to write (default: 8,000,000)")
    parser.add_argument("--epochs", type=int, default=2, help="the epochs of each training that count (default: 2)")
    parser.add_argument("--rounds", type=int, default=3, help="how often to train by turns (default: 3)")
    parser.add_argument("--sync-every", type=int, default=16, help="steps between synchronisations (default: 16)")
    parser.add_argument("--folder", type=Path, help="where to make the folder of the files (default: the system's)")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", ResourceWarning)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name)
        run_child("write", folder, chosen.rows)
        speeds: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(chosen.rounds):
            for workers, found in speeds.items():
                records = train(folder, workers, chosen.sync_every, chosen.epochs, SIZES)
                found.append(median(record.examples_per_second for record in records))
    print(f"{chosen.rows:,} rows of Parquet, {SIZES}, batch 256 a worker, synchronised every {chosen.sync_every} steps")
    for workers, found in speeds.items():
        print(
            f"{workers} worker{'s' * (workers > 1)}: {median(found):,.0f} rows/s of {', '.join(f'{speed:,.0f}' for speed in found)}"
        )
    ratios = [two / one for one, two in zip(speeds[1], speeds[2], strict=True)]
    print(f"two workers / one: median {median(ratios):.2f} of {', '.join(f'{ratio:.2f}' for ratio in ratios)}")


if __name__ == "__main__":
    main()
