"""Diagnose trainings that fail on purpose, and healthy ones: ``python -m benchmarks.diagnoses [--seeds 10] [--case TEXT]``.

A line for each case and seed: whether the expected finding was named, the score before and after its first remedy, after which
epoch ``LiveDiagnosis`` told it, and what else was named. The exit status is 1 where a finding was not named, a remedy did not help,
or a healthy training was given a finding.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from .cases import FAILURES, HEALTHY, Case
from .trial import Outcome, try_case


def chosen_cases(text: str) -> Iterator[Case]:
    """Give the cases whose name or finding contains a text."""
    for case in (*FAILURES, *HEALTHY):
        if text in case.name or text in case.expected:
            yield case


def line_of(outcome: Outcome) -> str:
    """Describe a trial in a line."""
    case = outcome.case
    verdict = "ok " if outcome.named and outcome.improved else "BAD"
    others = f"; also {', '.join(outcome.others)}" if outcome.others else ""
    if not case.expected:
        found = ", ".join(outcome.others) or "nothing"
        return f"{verdict} {case.name}, seed {outcome.seed}: {case.score} {outcome.before:.4f}; named {found}"
    named = "named" if outcome.named else "NOT named"
    live = f", live after epoch {outcome.live[case.expected]}" if case.expected in outcome.live else ""
    change = f"{case.score} {outcome.before:.4f} -> {outcome.after:.4f} by {outcome.remedy}"
    return f"{verdict} {case.name}, seed {outcome.seed}: {case.expected} {named}{live}; {change}{others}"


def main() -> int:
    """Try the cases, print a line for each trial and one for each case, and give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnoses", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="how many seeds, from 0 (default: 10)")
    parser.add_argument("--case", default="", metavar="TEXT", help="only cases whose name or finding contains this text")
    arguments = parser.parse_args()
    summary, failed = [], 0
    for case in chosen_cases(arguments.case):
        outcomes = []
        for seed in range(arguments.seeds):
            outcomes.append(try_case(case, seed))
            print(line_of(outcomes[-1]), flush=True)
        named, improved = sum(one.named for one in outcomes), sum(one.improved for one in outcomes)
        failed += sum(not (one.named and one.improved) for one in outcomes)
        expected = f"{case.expected}, {improved} of {len(outcomes)} improved" if case.expected else "no finding"
        summary.append(f"{named} of {len(outcomes)}: {case.name}: {expected}")
    print("\n".join(["", *summary]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
