"""What each part of the recipe for tables brings: ``python -m benchmarks.tables.ablation [--sets ...] [--variants ...]``.

The recipe and its variants are trained on inner splits of the suite's training parts of seed 0, so that the recipe is not chosen by
the test rows of that seed. Errors do not depend on what else the machine does. Time is processor time on one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.processes import environment
from benchmarks.tables.data_sets import DATA_SETS
from benchmarks.tables.measuring import Measurement, error_of
from benchmarks.tables.splits import Split, split, split_rows
from benchmarks.tables.variants import RECIPE, VARIANTS, Variant, fit_variant
from chainrule.recipes.table_recipe import TableRecipe
from chainrule.tables.frames import table_from

FILE = Path(__file__).with_name("ablation.json")
SETS = [
    *("german", "diabetes", "churn", "spambase", "ames", "default", "satimage", "bank", "telco", "bikeshare", "magic", "adult"),
    "letter",
]
"""Without digits, penbased, wine and breast_cancer, in whose test rows some five errors are made: their ratios are chance."""

OUTER_SEED = 0
"""The seed of the suite's split whose training part is divided here."""

MOST_ROWS = 6_400
"""The most rows to train on: of more so many are drawn, so that the table takes minutes."""

SMALL = 1_000
"""A training part of fewer rows has ``SMALL_TIMES`` as many splits: its test rows are few."""

SMALL_TIMES = 3
SPLITS_HELP = f"inner splits of a data set (default: 2), {SMALL_TIMES} times as many of one with fewer than {SMALL:,} training rows"


@dataclass(frozen=True)
class Ablation:
    """The measurements of the recipe and its variants.

    Attributes
    ----------
    machine : str
        A description of the processor.
    recipe : dict
        The fields of ``TableRecipe`` at the time.
    timed : bool
        Whether the machine did nothing else, so that fit times count.
    measurements : list of Measurement
        A variant's name stands for the peer. The fit time is processor time.
    """

    machine: str
    recipe: dict[str, object]
    timed: bool
    measurements: list[Measurement]

    @classmethod
    def read(cls, path: Path) -> Ablation:
        """Read a file that ``write`` has written."""
        found = json.loads(path.read_text())
        names = found["columns"]
        measurements = [Measurement(**dict(zip(names, row, strict=True))) for row in found["rows"]]
        return cls(found["machine"], found["recipe"], found["timed"], measurements)

    def write(self, path: Path) -> None:
        """Write a line for each measurement, in order of data sets, variants and seeds."""
        places = {name: place for place, name in enumerate([*DATA_SETS, RECIPE.name, *VARIANTS])}
        ordered = sorted(self.measurements, key=lambda m: (places[m.data_set], places[m.peer], m.seed))
        names = list(Measurement.__dataclass_fields__)
        rows = [json.dumps([_rounded(value) for value in asdict(measurement).values()]) for measurement in ordered]
        head = json.dumps({"machine": self.machine, "recipe": self.recipe, "timed": self.timed, "columns": names}, indent=1)
        path.write_text(head.removesuffix("\n}") + ',\n "rows": [\n  ' + ",\n  ".join(rows) + "\n ]\n}\n")


def _rounded(value: object) -> object:
    return round(value, 6) if isinstance(value, float) else value


@cache
def inner_splits(name: str, times: int) -> tuple[Split, ...]:
    """Split a data set's training part ``times`` times, a small one ``SMALL_TIMES`` as often."""
    data_set = DATA_SETS[name]
    frame = data_set.read()
    rows, _ = split_rows(data_set, frame, OUTER_SEED)
    training = frame.iloc[rows].reset_index(drop=True)
    times *= SMALL_TIMES if len(rows) < SMALL else 1
    return tuple(shorten(split(data_set, training, seed), seed) for seed in range(times))


def shorten(part: Split, seed: int) -> Split:
    """Draw ``MOST_ROWS`` of a split's training rows, if it has more; the test rows stay."""
    if len(part.train) <= MOST_ROWS:
        return part
    rows = np.sort(np.random.default_rng(seed).permutation(len(part.train))[:MOST_ROWS])
    train, target = (whole.iloc[rows].reset_index(drop=True) for whole in (part.train, part.train_target))
    return replace(part, train=train, train_target=target)


def measure_variant(name: str, variant: str, times: int) -> list[Measurement]:
    """Fit a variant to each inner split of a data set; none where it does not differ from the recipe there."""
    warnings.simplefilter("ignore")  # such as those of training rows that hold one value in a column
    task, chosen = DATA_SETS[name].task, find_variant(variant)
    warm_up()
    found = []
    for seed, part in enumerate(inner_splits(name, times)):
        start = time.process_time()
        model = fit_variant(chosen, part, task, threads=1)
        seconds = time.process_time() - start
        if model is None:
            return []
        told = model.predict(table_from(part.test))
        error = error_of(task, part.test_target, told)
        found.append(Measurement(name, variant, seed, error, len(part.test), seconds, 0.0, 1))
    return found


@cache
def warm_up() -> None:
    """Fit the recipe to a small table once in a process, so that imports are not timed."""
    fit_variant(RECIPE, split(DATA_SETS["wine"], DATA_SETS["wine"].read(), 0), "classes", threads=1)


def find_variant(name: str) -> Variant:
    """Give the recipe or a variant by its name."""
    return RECIPE if name == RECIPE.name else VARIANTS[name]


def measure_all(pairs: Iterable[tuple[str, str]], times: int, jobs: int) -> Iterator[list[Measurement]]:
    """Measure pairs of a data set and a variant, in so many processes at once."""
    os.environ.update(environment(1))
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        tasks = [pool.submit(measure_variant, name, variant, times) for name, variant in pairs]
        try:
            for task in as_completed(tasks):
                yield task.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def machine() -> str:
    """Describe the processor, as Linux does."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor")


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    about = "Measure what each part of the recipe for tables brings."
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables.ablation", description=about)
    parser.add_argument("--sets", nargs="+", choices=DATA_SETS, default=SETS, metavar="NAME", help=f"default: {', '.join(SETS)}")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="NAME", help=", ".join(VARIANTS))
    parser.add_argument("--splits", type=int, default=2, metavar="N", help=SPLITS_HELP)
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes at once, each of one thread (default: 2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the measurements to this file as they come")
    parser.add_argument("--resume", action="store_true", help="keep the measurements that the file of --json has, and add to them")
    parser.add_argument("--timed", action="store_true", help="let fit times count: the machine does nothing else meanwhile")
    parser.add_argument("--write", action="store_true", help=f"write {FILE.name} and docs/table_recipe.md")
    chosen = parser.parse_args()
    if min(chosen.splits, chosen.jobs) < 1:
        parser.error("--splits and --jobs must be at least 1")
    if chosen.resume and chosen.json is None:
        parser.error("--resume needs --json FILE")
    return chosen


def main() -> int:
    """Measure, and print or write the table."""
    from docs.table_recipe import table, write_page

    chosen = arguments()
    known = Ablation.read(chosen.json) if chosen.resume and chosen.json.exists() else None
    ablation = Ablation(machine(), TableRecipe().to_json(), chosen.timed, [] if known is None else known.measurements)
    if known is not None and known.recipe != ablation.recipe:
        print(f"{chosen.json} was measured with another recipe; measure without --resume")
        return 1
    done = {(m.data_set, m.peer) for m in ablation.measurements}
    pairs = [(name, variant) for variant in (RECIPE.name, *chosen.variants) for name in chosen.sets]
    try:
        for found in measure_all([pair for pair in pairs if pair not in done], chosen.splits, chosen.jobs):
            ablation.measurements.extend(found)
            if found and chosen.json is not None:
                ablation.write(chosen.json)
    except KeyboardInterrupt:
        print("interrupted")
        return 130
    if chosen.write:
        ablation.write(FILE)
        write_page()
    print(table(ablation))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
