"""Training on more rows than memory holds: ``python -m benchmarks.out_of_core [--rows N] [--rounds N]``.

A set of Parquet files, 16 float32 columns and a label, is written to a folder that is removed afterwards. One process trains on the
files by ``cr.rows``, another on a part that fits into memory. It prints the peak memory of the first, and both speeds. The parent
imports little, because on Linux a process's peak memory starts from that of its parent. Reading takes a thread: where other
programs use the cores, the speed from files falls more than that in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule import History

FILE_ROWS = 1_000_000
GROUP_ROWS = 125_000
IN_MEMORY_ROWS = 2_000_000
COLUMNS = 16
SIZES = [COLUMNS, 64, 1]
SETTINGS = {"batch_size": 256, "learning_rate": 0.1}
UNIT = 1 if sys.platform == "darwin" else 1024


def write(folder: Path, rows: int) -> None:
    """Write the files; the label says whether a random function of the columns is above 0."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    direction = np.random.default_rng(0).normal(size=COLUMNS)
    for k, first in enumerate(range(0, rows, FILE_ROWS)):
        rng = np.random.default_rng([1, k])
        x = rng.normal(size=(min(FILE_ROWS, rows - first), COLUMNS)).astype(np.float32)
        y = (np.sin(x) @ direction > 0).astype(np.int8)
        table = pa.table({**{f"c{j}": x[:, j] for j in range(COLUMNS)}, "y": y})
        parquet.write_table(table, folder / f"{k:04}.parquet", row_group_size=GROUP_ROWS)
    os.sync()  # so that the disk does not write while the trainings are measured


def report(history: History, seconds_before: float) -> None:
    """Print the figures of a training as JSON: speed, peak memory, accuracy."""
    records = history.records
    figures = {
        "rows_per_second": median(record.examples_per_second for record in records),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT,
        "seconds_before": seconds_before,
        "accuracy": records[-1].accuracy,
    }
    print(json.dumps(figures))


def train_streamed(folder: Path, epochs: int) -> None:
    """Train on the files."""
    import time

    import chainrule as cr

    network = cr.Network(SIZES, cost="cross_entropy", activation="relu", seed=0)
    source = cr.rows(folder / "*.parquet", target="y")
    start = time.perf_counter()
    _ = source.statistics
    measured = time.perf_counter() - start
    report(cr.train(network, source, epochs=epochs, **SETTINGS), measured)


def train_in_memory(folder: Path, epochs: int) -> None:
    """Train on the first files, read into memory."""
    import numpy as np
    from pyarrow import parquet

    import chainrule as cr

    tables = [parquet.read_table(path) for path in sorted(folder.glob("*.parquet"))[: IN_MEMORY_ROWS // FILE_ROWS]]
    x = np.concatenate([np.column_stack([table.column(f"c{j}").to_numpy() for j in range(COLUMNS)]) for table in tables])
    y = np.concatenate([table.column("y").to_numpy() for table in tables]).astype(np.float64)
    network = cr.Network(SIZES, cost="cross_entropy", activation="relu", seed=0)
    report(cr.train(network, (x, y), epochs=epochs, **SETTINGS), 0.0)


def run_child(task: str, folder: Path, number: int) -> dict[str, float]:
    """Run a task in a process of its own, and give its figures."""
    command = [sys.executable, "-m", "benchmarks.out_of_core", "--task", task, "--folder", str(folder), "--rows", str(number)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout) if done.stdout else {}


def main() -> None:
    """Write the files, train in two processes, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.out_of_core", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000_000, help="how many rows to write (default: 20,000,000)")
    parser.add_argument("--epochs", type=int, default=1, help="how many epochs to train; the median speed counts (default: 1)")
    parser.add_argument("--rounds", type=int, default=3, help="how often to train by turns in both ways (default: 3)")
    parser.add_argument("--folder", type=Path, help="where to make the folder of the files (default: the system's)")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.task:
        {"write": write, "streamed": train_streamed, "memory": train_in_memory}[chosen.task](chosen.folder, chosen.rows)
        return
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name)
        run_child("write", folder, chosen.rows)
        size = sum(path.stat().st_size for path in folder.iterdir())
        rounds = []
        for _ in range(chosen.rounds):
            memory = run_child("memory", folder, max(3, chosen.epochs))
            rounds.append((run_child("streamed", folder, chosen.epochs), memory))
    streamed, memory = ({name: median(pair[k][name] for pair in rounds) for name in rounds[0][k]} for k in (0, 1))
    ratios = [a["rows_per_second"] / b["rows_per_second"] for a, b in rounds]
    print(f"{chosen.rows:,} rows of {COLUMNS} float32 columns and a label, {size / 1e6:,.0f} MB of Parquet; {SIZES}, batch 256")
    print(f"from files: {streamed['rows_per_second']:,.0f} rows/s, peak {streamed['peak_bytes'] / 1e6:,.0f} MB of memory, ", end="")
    print(f"{streamed['seconds_before']:.2f} s before for the pass that measures the columns, accuracy {streamed['accuracy']:.4f}")
    print(f"in memory, {min(IN_MEMORY_ROWS, chosen.rows):,} rows: {memory['rows_per_second']:,.0f} rows/s, ", end="")
    print(f"peak {memory['peak_bytes'] / 1e6:,.0f} MB")
    print(f"speed from files / in memory: median {median(ratios):.2f} of {', '.join(f'{ratio:.2f}' for ratio in ratios)}")


if __name__ == "__main__":
    main()
