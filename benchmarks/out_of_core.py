"""Training on more rows than memory holds: ``python -m benchmarks.out_of_core [--rows N] [--rounds N] [--as-pyarrow-writes]``.

A set of Parquet files, 16 float32 columns and a label, is written to a folder that is removed afterwards: as the guide advises, or
with pyarrow's own settings. One process trains on the files by ``cr.rows``, another on a part that fits into memory. It prints the
peak memory of the first, both speeds, and the processor's time a row. Reading takes a thread: where other programs use the cores,
the speed from files falls more than that in memory. The parent imports little, because on Linux a process's peak memory starts from
that of its parent.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from chainrule import Network

FILE_ROWS = 1_000_000
GROUP_ROWS = 125_000
IN_MEMORY_ROWS = 2_000_000
COLUMNS = 16
SIZES = [COLUMNS, 64, 1]
SETTINGS = {"batch_size": 256, "learning_rate": 0.1}
UNIT = 1 if sys.platform == "darwin" else 1024


def write(folder: Path, rows: int, *, as_pyarrow_writes: bool) -> None:
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
        settings = {}
        if not as_pyarrow_writes:
            table = table.cast(pa.schema([field.with_nullable(False) for field in table.schema]))
            settings = {"use_dictionary": False, "compression": "none"}
        parquet.write_table(table, folder / f"{k:04}.parquet", row_group_size=GROUP_ROWS, **settings)
    os.sync()  # so that the disk does not write while the trainings are measured


def train(network: Network, data: Any, epochs: int, seconds_before: float) -> None:
    """Train, and print the figures as JSON: speed, the processor's time a row, peak memory, accuracy."""
    import chainrule as cr

    start = time.process_time()
    records = cr.train(network, data, epochs=epochs, **SETTINGS).records
    figures = {
        "rows_per_second": median(record.examples_per_second for record in records),
        "cpu_per_row": (time.process_time() - start) / network.provenance.examples / epochs,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT,
        "seconds_before": seconds_before,
        "accuracy": records[-1].accuracy,
    }
    print(json.dumps(figures))


def train_streamed(folder: Path, epochs: int) -> None:
    """Train on the files."""
    import chainrule as cr

    network = cr.Network(SIZES, cost="cross_entropy", activation="relu", seed=0)
    source = cr.rows(folder / "*.parquet", target="y")
    start = time.perf_counter()
    _ = source.statistics
    measured = time.perf_counter() - start
    train(network, source, epochs, measured)


def train_in_memory(folder: Path, epochs: int) -> None:
    """Train on the first files, read into memory."""
    import numpy as np
    from pyarrow import parquet

    import chainrule as cr

    tables = [parquet.read_table(path) for path in sorted(folder.glob("*.parquet"))[: IN_MEMORY_ROWS // FILE_ROWS]]
    x = np.concatenate([np.column_stack([table.column(f"c{j}").to_numpy() for j in range(COLUMNS)]) for table in tables])
    y = np.concatenate([table.column("y").to_numpy() for table in tables]).astype(np.float64)
    network = cr.Network(SIZES, cost="cross_entropy", activation="relu", seed=0)
    train(network, (x, y), epochs, 0.0)


def run_child(task: str, folder: Path, number: int, *options: str) -> dict[str, float]:
    """Run a task in a process of its own, and give its figures."""
    command = [sys.executable, "-m", "benchmarks.out_of_core", "--task", task, "--folder", str(folder), "--rows", str(number)]
    command += options
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout) if done.stdout else {}


def main() -> None:
    """Write the files, train in two processes, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.out_of_core", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000_000, help="how many rows to write (default: 20,000,000)")
    parser.add_argument("--epochs", type=int, default=1, help="how many epochs to train; the median speed counts (default: 1)")
    parser.add_argument("--rounds", type=int, default=3, help="how often to train by turns in both ways (default: 3)")
    parser.add_argument("--folder", type=Path, help="where to make the folder of the files (default: the system's)")
    parser.add_argument("--as-pyarrow-writes", action="store_true", help="write the files with pyarrow's own settings")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.task == "write":
        write(chosen.folder, chosen.rows, as_pyarrow_writes=chosen.as_pyarrow_writes)
        return
    if chosen.task:
        {"streamed": train_streamed, "memory": train_in_memory}[chosen.task](chosen.folder, chosen.rows)
        return
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name)
        run_child("write", folder, chosen.rows, *["--as-pyarrow-writes"] * chosen.as_pyarrow_writes)
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
    cpu = [a["cpu_per_row"] / b["cpu_per_row"] for a, b in rounds]
    micros = [1e6 * figures["cpu_per_row"] for figures in (streamed, memory)]
    print(f"the processor's time a row: {micros[0]:.3f} us from files, {micros[1]:.3f} in memory, ", end="")
    print(f"median {median(cpu):.2f} times")
    print(f"speed from files / in memory: median {median(ratios):.2f} of {', '.join(f'{ratio:.2f}' for ratio in ratios)}")


if __name__ == "__main__":
    main()
