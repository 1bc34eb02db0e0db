"""The peers side by side, in every cell: ``python -m benchmarks [--cells NAME...] [--rounds N] [--peers NAME...]``.

In a training cell everyone trains the same network from the same start over the same data in the same order, the short last batch
included. It is first checked that all reach the same cost after one epoch, to 1e-3 relative. Then each peer, at each number of
threads, is started in a process of its own, turn and turn about, round after round. A process loads, prepares its data and trains
one epoch outside the figure, and times the following ones; its figure is their median, a peer's the median over the rounds. Ours is
the time that ``EpochRecord.seconds`` tells, of several epochs of one ``Run``; what our first epoch takes, preparation included,
stands below each table.
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
from benchmarks.rounds import Bench


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time chainrule and its peers side by side; scikit-learn's MLP and ours: python -m benchmarks estimators.",
    )
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS), metavar="NAME", help=", ".join(CELLS))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="NAME", help=", ".join(PEERS))
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="processes of each peer at each number of threads; 3")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="N", help="numbers of threads; 1 2")
    parser.add_argument("--markdown", action="store_true", help="write the tables as Markdown")
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)  # fewer rows, to try a peer out
    chosen = parser.parse_args()
    if min(chosen.rounds, *chosen.threads, chosen.rows or 1) < 1:
        parser.error("--rounds, --threads and --rows take numbers from 1")
    return chosen


def taking_part(names: list[str], folder: Path, report: Report) -> tuple[str, ...]:
    """Leave out who is not there, and say so; we always take part."""
    names = list(dict.fromkeys(["chainrule", *names]))
    reasons = {name: PEERS[name].missing for name in names}
    if "rival" in names:
        reasons["rival"] = build(folder)
    for reason in reasons.values():
        if reason:
            report.say(reason)
    return tuple(name for name in names if not reasons[name])


def main() -> int:
    """Run the cells, and give the exit status; ``estimators`` are a command of their own."""
    if sys.argv[1:2] == ["estimators"]:
        from benchmarks.estimators import run

        del sys.argv[1]
        return run()
    chosen = arguments()
    report = Report(markdown=chosen.markdown)
    results = []
    with tempfile.TemporaryDirectory(prefix="chainrule-benchmarks-") as folder:
        try:
            peers = taking_part(chosen.peers, Path(folder), report)
            bench = Bench(Path(folder), peers, tuple(sorted(set(chosen.threads))), chosen.rounds, chosen.rows, report.say)
            for name in dict.fromkeys(chosen.cells):
                result = bench.run(CELLS[name])
                if result is not None:
                    report.result(result)
                    results.append(result)
        except KeyboardInterrupt:
            report.say("interrupted")
            return 130
        report.summary(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
