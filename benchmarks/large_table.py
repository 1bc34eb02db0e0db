"""Tables larger than memory: ``python -m benchmarks.large_table [--rows N ...] [--networks N] [--epochs N] [--csv]``.

For each number of rows a set of files of mixed columns (numbers with gaps, categories, a date, a boolean, an identifier) is written
to a folder that is removed afterwards, and a process of its own fits ``TableClassifier`` to them. It prints the peak memory, which
must not grow with the rows, the time, and the accuracy on other rows; with ``--in-memory`` also those of a fit to the same rows in
memory. The parent imports little, because on Linux a process's peak memory starts from that of its parent.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FILE_ROWS = 500_000
TEST_ROWS = 50_000
JOBS = ("baker", "clerk", "driver", "farmer", "nurse", "smith", "tailor", "teacher")
UNIT = 1 if sys.platform == "darwin" else 1024


def rows_of(seed: int, n: int, first: int) -> dict[str, Any]:
    """Draw rows; the income depends on all columns but the identifier, with noise."""
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng([2, seed])
    age, hours = rng.integers(17, 90, n), rng.normal(40, 12, n)
    wage = rng.lognormal(3, 0.5, n)
    job, town = rng.integers(0, len(JOBS), n), rng.integers(0, 200, n)
    since = np.datetime64("2000-01-01", "s") + rng.integers(0, 20 * 365 * 86_400, n)
    member = rng.random(n) < 0.3
    score = np.sin(age / 12) + np.log(wage) - 3 + 0.3 * (job % 3) + 0.02 * (hours - 40) + 0.5 * member + rng.normal(0, 0.7, n)
    wage[rng.random(n) < 0.05] = np.nan
    return {
        "id": [f"row {first + k}" for k in range(n)],
        "age": age,
        "hours": hours,
        "wage": pa.array(wage, from_pandas=True),
        "job": pa.DictionaryArray.from_arrays(job, list(JOBS)).dictionary_decode(),
        "town": [f"town {k}" for k in town],
        "since": since,
        "member": member,
        "income": np.where(score > 0.5, ">50K", "<=50K"),
    }


def write(folder: Path, rows: int, *, csv: bool) -> None:
    """Write the files and, beside them, rows for a test."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    for k, first in enumerate(range(0, rows, FILE_ROWS)):
        table = pa.table(rows_of(k, min(FILE_ROWS, rows - first), first))
        if csv:
            arrow_csv.write_csv(table, folder / f"rows{k:04}.csv")
        else:
            parquet.write_table(table, folder / f"rows{k:04}.parquet")
    parquet.write_table(pa.table(rows_of(10**6, TEST_ROWS, rows)), folder / "test.parquet")


def fit(folder: Path, *, networks: int, epochs: int, in_memory: bool) -> None:
    """Fit, and print the figures as JSON."""
    import pyarrow as pa
    from pyarrow import parquet

    import chainrule as cr

    begun = time.perf_counter()
    estimator = cr.TableClassifier(networks=networks, epochs=epochs, random_state=0)
    if in_memory:
        estimator.fit(
            pa.concat_tables([parquet.read_table(path) for path in sorted(folder.glob("rows*.parquet"))]), target="income"
        )
    else:
        estimator.fit(folder / "rows*", target="income")
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT
    accuracy = estimator.score(cr.read_table(folder / "test.parquet"), "income")
    print(json.dumps({"seconds": seconds, "peak_bytes": peak, "accuracy": accuracy}))


def measure(folder: Path, options: argparse.Namespace, *, in_memory: bool) -> dict[str, float]:
    """Fit in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.large_table", "--fit", str(folder)]
    command += ["--networks", str(options.networks), "--epochs", str(options.epochs), *["--in-memory"] * in_memory]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(found.stdout)
    return figures


def main() -> None:
    """Measure each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[300_000, 3_000_000])
    parser.add_argument("--networks", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--csv", action="store_true", help="write delimited texts instead of Parquet")
    parser.add_argument("--in-memory", action="store_true", help="also fit to the rows in memory")
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        fit(options.fit, networks=options.networks, epochs=options.epochs, in_memory=options.in_memory)
        return
    for rows in options.rows:
        with tempfile.TemporaryDirectory(prefix="chainrule-bench-") as name:
            subprocess.run([sys.executable, "-c", _WRITE.format(folder=name, rows=rows, csv=options.csv)], check=True)
            size = sum(file.stat().st_size for file in Path(name).iterdir())
            for in_memory in (False, True) if options.in_memory else (False,):
                figures = measure(Path(name), options, in_memory=in_memory)
                print(
                    f"{rows:>10,} rows, {size / 2**20:,.0f} MiB of files, {'in memory' if in_memory else 'streamed'}: peak "
                    f"{figures['peak_bytes'] / 2**20:,.0f} MiB, {figures['seconds']:.1f} s, accuracy {figures['accuracy']:.4f}"
                )


_WRITE = "from pathlib import Path; from benchmarks.large_table import write; write(Path({folder!r}), {rows}, csv={csv})"

if __name__ == "__main__":
    main()
