"""Compare the model with real trainings: ``cr.train(..., on="ray")`` with one to four workers on this machine."""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import chainrule as cr
from benchmarks.processes import processors
from benchmarks.scale.measuring import (
    examples_for,
    measure_control,
    measure_loopback,
    measure_reading,
    measure_steps,
    network_for,
    settings_for,
    typical,
    write_rows,
)
from benchmarks.scale.model import Model
from benchmarks.scale.terms import WORKLOADS, Cluster, ControlCosts, Link, Workload
from chainrule.distributed.worker_group import WorkerLostWarning
from chainrule.ray_cluster import RayCluster

MOST_WORKERS = 4
GOAL = 0.2
"""How far a prediction may be off."""
STORE_BYTES = 256 << 20
EPOCHS = 4
"""Of a training; the first one does not count: the workers begin in it."""

ALONE = 256
"""The k of one worker, which meets nobody."""

TRIED: dict[str, tuple[int, dict[int, tuple[int, ...]]]] = {
    "784-30-10": (50_000, {1: (ALONE,), 2: (1, 4, 16, 64, 256), 3: (16, 256), 4: (16, 256)}),
    "784-512-10": (50_000, {1: (ALONE,), 2: (1, 4, 16, 64), 3: (16,), 4: (16,)}),
    "16-64-1": (4_000_000, {1: (ALONE,), 2: (16, 64, 256), 3: (256,), 4: (16, 256)}),
}
"""The networks that are trained, their rows, and the values of k for each number of workers: four minutes in all."""


@dataclass(frozen=True)
class Comparison:
    """An epoch's seconds as the model has them, and as they were measured."""

    workload: Workload
    workers: int
    k: int
    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """The prediction's relative error."""
        return self.predicted / self.measured - 1


def epoch_seconds(workload: Workload, data: Any, workers: int, k: int) -> float:
    """Train on Ray, and give the seconds of an epoch; a lost worker is an error here."""
    settings = {**settings_for(workload), "epochs": EPOCHS, "on": "ray", "workers": workers, "sync_every": k}
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # Ray tells of the workers that end with a training
        warnings.simplefilter("error", WorkerLostWarning)
        history = cr.train(network_for(workload), data, **settings)
    return typical([record.seconds for record in history.records[1:]])


def compare(tried: dict[str, tuple[int, dict[int, tuple[int, ...]]]] = TRIED) -> Iterator[Comparison]:
    """Train every network with every number of workers and k, on one cluster that begins and ends here."""
    link = measure_loopback()
    with tempfile.TemporaryDirectory(prefix="chainrule-scale-") as name:
        cluster = RayCluster(None, MOST_WORKERS, STORE_BYTES)
        try:
            control = measure_control(cluster.ray)
            for network, (rows, trainings) in tried.items():
                workload = replace(WORKLOADS[network], rows=rows)
                model, data = prepare(workload, Path(name) / network, link, control)
                for workers, intervals in trainings.items():
                    for k in intervals:
                        measured = epoch_seconds(workload, data, workers, k)
                        yield Comparison(workload, workers, k, model.epoch(workers, k).total, measured)
        finally:
            cluster.shut_down()


def prepare(workload: Workload, folder: Path, link: Link, control: ControlCosts) -> tuple[Model, Any]:
    """Measure a network's costs just before its trainings, and make its data: in memory, or files in a folder."""
    costs = measure_steps(workload)
    cluster = Cluster(link, shared_cores=len(processors()))
    if not workload.from_files:
        return Model(workload, costs, control, cluster), examples_for(workload, workload.rows)
    folder.mkdir()
    source = cr.rows(write_rows(folder, workload, workload.rows), target="y")
    return Model(workload, replace(costs, row=measure_reading(workload)), control, cluster), source


def report(comparisons: Iterator[Comparison]) -> list[Comparison]:
    """Print each comparison as it comes, and how far the predictions are off; give them all."""
    done: list[Comparison] = []
    print("| network | workers | k | predicted, s | measured, s | error |\n|---|---:|---:|---:|---:|---:|")
    for one in comparisons:
        figures = f"{one.predicted:.3f} | {one.measured:.3f} | {one.error:+.0%}"
        print(f"| {one.workload.name} | {one.workers} | {one.k if one.workers > 1 else '-'} | {figures} |", flush=True)
        done.append(one)
    within = sum(abs(one.error) <= GOAL for one in done)
    errors = [abs(one.error) for one in done]
    print(f"\n{within} of {len(done)} predictions are within {GOAL:.0%}; ", end="")
    print(f"half of them within {median(errors):.0%}, all within {max(errors):.0%}")
    return done
