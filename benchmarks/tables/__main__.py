"""Compare chainrule's estimators of tables with their rivals: ``python -m benchmarks.tables [--sets ...] [--peers ...]``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.tables.data_sets import DATA_SETS
from benchmarks.tables.measuring import Measurement, measure
from benchmarks.tables.peers import PEERS
from benchmarks.tables.report import write_report


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description="Errors and fit times on a suite of tables.")
    parser.add_argument("--sets", nargs="+", choices=DATA_SETS, default=list(DATA_SETS), metavar="NAME", help=", ".join(DATA_SETS))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="NAME", help=", ".join(PEERS))
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="splits of each data set (default: 3)")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads of each peer (default: 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measurements to this file as they come")
    parser.add_argument("--resume", action="store_true", help="keep the measurements that the file of --json has, and add to them")
    parser.add_argument("--markdown", action="store_true", help="write the tables as Markdown")
    chosen = parser.parse_args()
    if min(chosen.seeds, chosen.threads) < 1:
        parser.error("--seeds and --threads must be at least 1")
    if chosen.resume and chosen.json is None:
        parser.error("--resume needs --json FILE")
    return chosen


def available(kind: dict[str, object], names: list[str]) -> list[str]:
    """Select the data sets or the peers that can run here, and print why the others cannot."""
    reasons = {name: kind[name].missing for name in dict.fromkeys(names)}  # type: ignore[attr-defined]
    for reason in filter(None, reasons.values()):
        print(reason)
    return [name for name, reason in reasons.items() if reason is None]


def read(path: Path) -> list[Measurement]:
    """Read the measurements of an earlier run; none where there is no such file."""
    return [Measurement(**figures) for figures in json.loads(path.read_text())] if path.exists() else []


def measure_all(sets: list[str], peers: list[str], chosen: argparse.Namespace) -> list[Measurement]:
    """Measure each peer on each data set, one process after the other, and write each result when it is available."""
    measurements = read(chosen.json) if chosen.resume else []
    known = {(m.data_set, m.peer, m.seed) for m in measurements}
    for name in sets:
        for peer in peers:
            seeds = [seed for seed in range(chosen.seeds) if (name, peer, seed) not in known]
            found = measure(DATA_SETS[name], PEERS[peer], seeds, chosen.threads) if seeds else []
            if isinstance(found, str):
                print(f"{name}, {peer}: {found}", flush=True)
                continue
            measurements += found
            for m in found:
                print(f"{name}, {peer}, seed {m.seed}: error {m.error:.4f}, fit {m.fit_seconds:.2f} s", flush=True)
            if chosen.json is not None:
                chosen.json.write_text(json.dumps([asdict(measurement) for measurement in measurements], indent=1))
    return measurements


def main() -> int:
    """Measure, and print the report."""
    chosen = arguments()
    sets, peers = available(dict(DATA_SETS), chosen.sets), available(dict(PEERS), chosen.peers)
    try:
        measurements = measure_all(sets, peers, chosen)
    except KeyboardInterrupt:
        print("interrupted")
        return 130
    if not measurements:
        print("nothing was measured")
        return 1
    write_report(measurements, markdown=chosen.markdown)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
