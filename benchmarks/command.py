"""The command line of the benchmarks that take a number of turns, and perhaps a switch."""

from __future__ import annotations

import argparse


def arguments(name: str, description: str, *, turns: int, called: str = "ROUNDS", **switches: str) -> argparse.Namespace:
    """Read ``python -m benchmarks.NAME [ROUNDS]`` and the switches, given with what they do, into ``turns`` and their names."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("turns", nargs="?", type=int, default=turns, metavar=called, help=f"a number from 1; {turns}")
    for switch, told in switches.items():
        parser.add_argument(f"--{switch}", action="store_true", help=told)
    chosen = parser.parse_args()
    if chosen.turns < 1:
        parser.error(f"{called} takes a number from 1")
    return chosen
