"""The command line of the benchmarks that take a number of repetitions, and perhaps switches."""

from __future__ import annotations

import argparse


def arguments(name: str, description: str, *, count: int, metavar: str = "ROUNDS", **switches: str) -> argparse.Namespace:
    """Parse ``python -m benchmarks.NAME [ROUNDS]``; ``count`` is the default number, ``switches`` the help of each switch.

    The result has the attribute ``count`` and one for each switch.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("count", nargs="?", type=int, default=count, metavar=metavar, help=f"at least 1 (default: {count})")
    for switch, help_text in switches.items():
        parser.add_argument(f"--{switch}", action="store_true", help=help_text)
    chosen = parser.parse_args()
    if chosen.count < 1:
        parser.error(f"{metavar} must be at least 1")
    return chosen
