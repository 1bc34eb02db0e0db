"""Compare chainrule with its peers in every cell: ``python -m benchmarks [--cells NAME...] [--rounds N] [--peers NAME...]``.

In a training cell every peer trains the same network from the same initial parameters over the same data in the same order, with
the short last batch. First, all must reach the same cost after one epoch, to a relative 1e-3. Then each round starts a process
for each peer and number of threads, one after the other, so that a drift of the machine's speed affects all of them. A process
loads and prepares its data, trains one epoch that does not count, and times the following epochs. Its figure is their median, and
a peer's figure is the median over the rounds. chainrule's figure is ``EpochRecord.seconds`` of several epochs of one ``Run``; the
time of its first epoch, with the preparation, is given below each table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.cells import CELLS
from benchmarks.peers import PEERS
from benchmarks.peers.rival_ import build
from benchmarks.report import Report
from benchmarks.runner import Runner


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compare the speed of chainrule and its peers; for the estimators: python -m benchmarks estimators.",
    )
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS), metavar="NAME", help=", ".join(CELLS))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="NAME", help=", ".join(PEERS))
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="processes per peer and number of threads (default: 3)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="N", help="numbers of threads (default: 1 2)")
    parser.add_argument("--markdown", action="store_true", help="write the tables as Markdown")
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)  # fewer rows, to test a peer
    chosen = parser.parse_args()
    if min(chosen.rounds, *chosen.threads, chosen.rows or 1) < 1:
        parser.error("--rounds, --threads and --rows must be at least 1")
    return chosen


def available(names: list[str], folder: Path, report: Report) -> tuple[str, ...]:
    """Select the peers that can run, chainrule always included, and report why the others cannot."""
    names = list(dict.fromkeys(["chainrule", *names]))
    reasons = {name: PEERS[name].missing for name in names}
    if "rival" in names:
        reasons["rival"] = build(folder)
    for reason in reasons.values():
        if reason:
            report.write(reason)
    return tuple(name for name in names if not reasons[name])


def main() -> int:
    """Run the cells and return the exit status; ``estimators`` is a separate command."""
    if sys.argv[1:2] == ["estimators"]:
        from benchmarks.estimators import run

        del sys.argv[1]
        return run()
    chosen = arguments()
    report = Report(markdown=chosen.markdown)
    results = []
    with tempfile.TemporaryDirectory(prefix="chainrule-benchmarks-") as folder:
        try:
            peers = available(chosen.peers, Path(folder), report)
            runner = Runner(Path(folder), peers, tuple(sorted(set(chosen.threads))), chosen.rounds, chosen.rows, report.write)
            for name in dict.fromkeys(chosen.cells):
                result = runner.run(CELLS[name])
                if result is not None:
                    report.result(result)
                    results.append(result)
        except KeyboardInterrupt:
            report.write("interrupted")
            return 130
        report.summary(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
