"""The time of importing, each time in a fresh interpreter.

Usage: ``python -m benchmarks.imports [ROUNDS]``. ``import chainrule`` alone imports little, not even NumPy; the third statement
imports the modules that a training needs.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from benchmarks.command_line import arguments

STATEMENTS = ("import numpy", "import chainrule", "from chainrule import Network, train")
TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def seconds(statement: str) -> float:
    """Start an interpreter that times the import."""
    done = subprocess.run([sys.executable, "-c", TIMED.format(statement)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main(rounds: int) -> None:
    """Print each statement's median time, and the median of its ratios to NumPy's in the same round."""
    times = [[seconds(statement) for statement in STATEMENTS] for _ in range(rounds + 1)][1:]
    for statement, own in zip(STATEMENTS, zip(*times, strict=True), strict=True):
        ratio = median(one / in_round[0] for one, in_round in zip(own, times, strict=True))
        print(f"{statement:40} {median(own) * 1e3:5.0f} ms  {ratio:.2f}x import numpy")


if __name__ == "__main__":
    main(arguments("imports", "Time importing.", count=21).count)
