"""What importing costs, inside a fresh interpreter each time, turn and turn about.

Usage: ``python -m benchmarks.imports [ROUNDS]``. ``import chainrule`` alone loads nothing; the third line is what a training needs.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from benchmarks.command import arguments

STATEMENTS = ("import numpy", "import chainrule", "from chainrule import Network, train")
TIMED = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"


def seconds(statement: str) -> float:
    """Start an interpreter, and ask it how long the import took."""
    done = subprocess.run([sys.executable, "-c", TIMED.format(statement)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main(rounds: int) -> None:
    """Print each statement's median, and its ratio to NumPy's, round by round."""
    turns = [[seconds(statement) for statement in STATEMENTS] for _ in range(rounds + 1)][1:]
    for statement, mine in zip(STATEMENTS, zip(*turns, strict=True), strict=True):
        ratio = median(one / turn[0] for one, turn in zip(mine, turns, strict=True))
        print(f"{statement:40} {median(mine) * 1e3:5.0f} ms  {ratio:.2f}x import numpy")


if __name__ == "__main__":
    main(arguments("imports", "Time what importing costs.", turns=21).turns)
