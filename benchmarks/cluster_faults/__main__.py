"""Try the faults of a cluster: ``python -m benchmarks.cluster_faults [KIND] [TRIALS] [--seed N]``; all kinds if none is named."""

from __future__ import annotations

import argparse

from benchmarks.cluster_faults.kinds import KINDS, run


def main() -> int:
    """Run the kinds; the status is 1 where a trial lost something."""
    described = "\n".join(f"  {name:<8}{(kind.__doc__ or '').splitlines()[0]}" for name, kind in KINDS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cluster_faults",
        description="What a training on Ray survives, tried often.",
        epilog=f"kinds:\n{described}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", nargs="?", choices=sorted(KINDS), metavar="KIND", help="see below; all if not given")
    parser.add_argument("trials", nargs="?", type=int, default=20, metavar="TRIALS", help="of each kind (default: 20)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the moments (default: 0)")
    chosen = parser.parse_args()
    if chosen.trials < 1:
        parser.error("TRIALS must be at least 1")
    kinds = list(KINDS) if chosen.kind is None else [chosen.kind]
    return not all([run(kind, chosen.trials, chosen.seed) for kind in kinds])


if __name__ == "__main__":
    raise SystemExit(main())
