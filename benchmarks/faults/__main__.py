"""Run a campaign of faults: ``python -m benchmarks.faults kill | power | cost | memory | threads | ... [--times N]``."""

from __future__ import annotations

import argparse
import shutil
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.faults import cost, kill

LOAD = {
    "memory": ("memory", 1_000, "resident memory over epochs, trainings and failed trainings, --times of each"),
    "threads": ("threads", 64, "--times threads at once, on networks of their own and on one"),
    "processes": ("forks", 10, "children by fork, forkserver and spawn; readers of a file that is replaced"),
    "interrupts": ("interrupts", 10, "Ctrl-C at random moments in every command, --times in each"),
    "environment": ("environment", 1, "clock, home, temporary folder, memory, open files, standard output, full disk"),
}
"""The campaigns of load: the module, the default of --times, the help."""


def main() -> int:
    """Run the campaign that is named; the status is 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description="What a training survives, tried often.")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the moments (default: 0)")
    campaigns = parser.add_subparsers(dest="campaign", required=True)
    for name, times, text in (
        ("kill", 200, "SIGKILL at random moments, then resume"),
        ("power", 40, "loss of power: all that was not flushed to the disk is lost; needs mfusepy and fuse3"),
        ("cost", 1, "the time that checkpoints cost at the default interval"),
        *((name, times, text) for name, (_, times, text) in LOAD.items()),
    ):
        campaigns.add_parser(name, help=text).add_argument(
            "--times", type=int, default=times, metavar="N", help=f"default: {times}"
        )
    chosen = parser.parse_args()
    if chosen.times < 1:
        parser.error("--times must be at least 1")
    if chosen.campaign == "cost":
        return not cost.run(60.0, chosen.times)
    if chosen.campaign in LOAD:
        return not import_module(f"benchmarks.faults.{LOAD[chosen.campaign][0]}").run(chosen.times, chosen.seed)
    if chosen.campaign == "kill":
        return not kill.run(chosen.times, chosen.seed)
    return not _power().run(chosen.times, chosen.seed)


def _power() -> Any:
    """Import the campaign that needs mfusepy and fuse3."""
    if find_spec("mfusepy") is None or shutil.which("fusermount3") is None:
        raise SystemExit("this campaign needs mfusepy and fuse3: pip install mfusepy, apt-get install fuse3")
    from benchmarks.faults import power

    return power


if __name__ == "__main__":
    raise SystemExit(main())
