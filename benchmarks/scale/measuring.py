"""Measure the model's terms on this machine: a worker's step, reading, the all-reduce over loopback, the calls of Ray's actors."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.scale.model import all_reduce_traffic, fitted_terms
from benchmarks.scale.terms import ControlCosts, Link, StepCosts, Workload
from chainrule.distributed.all_reduce import sum_over_workers
from chainrule.distributed.memory_rows import MemoryRows
from chainrule.distributed.peers import Peers
from chainrule.distributed.ray_executor import SECONDS_BETWEEN_REPORTS
from chainrule.distributed.worker import Block, Worker, WorkerTask
from chainrule.engines import ENGINES
from chainrule.epoch_blocks import BLOCK_SECONDS, block_length
from chainrule.plan import State, Steps
from chainrule.ray_cluster import LOOPBACK

ROWS = 50_000
"""The rows of which a network's step is measured."""
SECONDS = 0.4
"""About the length of one measurement."""
VECTOR_BYTES = (1 << 12, 1 << 17, 1 << 20, 1 << 22)
LEARNING_RATE = {"sgd": 0.01, "momentum": 0.01, "adam": 1e-4}
FASTEST = "fused" if "fused" in ENGINES else "reference"


def typical(times: list[float]) -> float:
    """Give the quartile: what most of the machine's interruptions leave."""
    return float(np.quantile(times, 0.25))


def repeat(call: Callable[[], object], seconds: float = SECONDS, least: int = 3) -> float:
    """Give the typical seconds of a call that is repeated for some time, after one that does not count."""
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return typical(times)


def examples_for(workload: Workload, rows: int = ROWS) -> cr.Examples:
    """Give MNIST to a network with its inputs, and drawn rows to another."""
    if workload.sizes[0] == 784 and rows <= 50_000:
        return cr.datasets.mnist().train[:rows]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, workload.sizes[0])).astype(np.float32)
    return cr.Examples(x, (x @ rng.normal(size=x.shape[1]) > 0).astype(np.int64))


def network_for(workload: Workload) -> cr.Network:
    """Make the network: sigmoid and the notes' cost as they have it, ReLU and cross-entropy for the others."""
    if workload.name == "784-30-10":
        return cr.Network(list(workload.sizes), seed=0)
    return cr.Network(list(workload.sizes), activation="relu", cost="cross_entropy", seed=0)


def settings_for(workload: Workload) -> dict[str, Any]:
    """Give the settings of ``cr.train``."""
    rate = 3.0 if workload.name == "784-30-10" else LEARNING_RATE[workload.optimizer]
    return {"batch_size": workload.batch_size, "learning_rate": rate, "optimizer": workload.optimizer}


def worker_for(workload: Workload, examples: cr.Examples, workers: int, k: int) -> tuple[Worker, State, float]:
    """Make one worker of a training of so many, which meets nobody: what it receives are ones. Give its state and rate, too."""
    settings = settings_for(workload)
    run = cr.Run(network_for(workload), examples, epochs=1, engine=FASTEST, threads=1, **settings)
    plan = replace(run.plan, batch_size=run.plan.batch_size * workers)
    task = WorkerTask(plan, FASTEST, MemoryRows(run.examples, None), True, run.classes, workers, k, 1)

    def receive(_partner: int, _sent: Any, received: Any) -> None:
        received[...] = 1.0

    return Worker(task, 0, receive), replace(run.network.state(), made_by=""), float(settings["learning_rate"])


def round_seconds(worker: Worker, state: State, block: Block) -> float:
    """Time a block that begins from the same state as every other, so that none diverges."""
    worker.begin(state)
    began = time.perf_counter()
    worker.advance(block)
    return time.perf_counter() - began


def measure_rounds(workload: Workload, examples: cr.Examples, k: int) -> float:
    """Measure the seconds of a round of one worker of two: its k steps, and a synchronisation without the exchange."""
    worker, state, rate = worker_for(workload, examples, 2, k)
    steps = Steps(np.full(k, rate), np.zeros(k))
    places = range(0, worker.length // worker.batch_size - k, k)
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(times) < 10 or time.perf_counter() < end:
        times += [round_seconds(worker, state, Block(1, first, steps)) for first in places[:50]]
    return typical(times)


def measure_steps(workload: Workload) -> StepCosts:
    """Measure what a network costs a worker on one core; for ``row`` see ``measure_reading``."""
    examples = examples_for(workload, min(ROWS, workload.rows))
    few = 4
    n = -(-len(examples) // workload.batch_size)
    worker, state, rate = worker_for(workload, examples, 1, n)
    whole = Steps(np.full(n, rate), np.zeros(n))
    epochs: list[float] = []
    while len(epochs) < 5 or sum(epochs) < SECONDS:
        epochs.append(round_seconds(worker, state, Block(len(epochs) + 1, 0, whole)))
    start = repeat(lambda: (worker._seek(9, 0), next(worker._parts.take(1))), seconds=0.1)
    own = replace(worker.task.plan, batch_size=workload.batch_size)
    step = max(1e-9, typical(epochs[1:]) - start) / n
    return StepCosts(
        step=step,
        exact_step=measure_rounds(workload, examples, 1),
        turn=max(0.0, measure_rounds(workload, examples, few) - few * step),
        epoch=start,
        block_steps=round(block_length(own, examples) // own.batch_size * SECONDS_BETWEEN_REPORTS / BLOCK_SECONDS),
    )


def write_rows(folder: Path, workload: Workload, rows: int, group_rows: int = 50_000) -> str:
    """Write drawn rows as Parquet files of at most 250,000; give the pattern of their names."""
    import pyarrow as pa
    from pyarrow import parquet

    for number, first in enumerate(range(0, rows, 250_000)):
        n = min(250_000, rows - first)
        x = np.random.default_rng([1, number]).normal(size=(n, workload.sizes[0])).astype(np.float32)
        y = (x.sum(axis=1) > 0).astype(np.int8)
        table = pa.table({**{f"c{j}": x[:, j] for j in range(x.shape[1])}, "y": y})
        parquet.write_table(table, folder / f"{number:04}.parquet", row_group_size=group_rows)
    return str(folder / "*.parquet")


def measure_reading(workload: Workload, rows: int = 500_000) -> float:
    """Measure the seconds a row to read the windows of an epoch from Parquet files and prepare them, without a training."""
    with tempfile.TemporaryDirectory(prefix="chainrule-scale-") as name:
        source = cr.rows(write_rows(Path(name), workload, rows), target="y")
        run = cr.Run(network_for(workload), source, epochs=1, **settings_for(workload))
        data, engine = run.data, ENGINES[FASTEST]
        settings = {"shuffle": True, "batch_size": workload.batch_size, "has_classes": True}

        def read() -> None:
            for part in data.streamed.parts(engine, run.plan, 1, **settings):
                part.data.view(run.plan)

        return repeat(read, seconds=1.0) / rows


def meet(address: tuple[str, int], key: bytes, rounds: int) -> None:
    """Take part in the sums of ``measure_loopback``, as worker 1 of two."""
    peers = Peers(1, 2, LOOPBACK)
    peers.connect([address], key)
    time_sums(peers, 1, rounds)
    peers.close()


def time_sums(peers: Peers, rank: int, rounds: int) -> list[float]:
    """Sum vectors of each length over two workers, again and again; give the seconds of each length."""
    typical_seconds = []
    for nbytes in VECTOR_BYTES:
        vector, times = np.ones(nbytes // 4, np.float32), []
        for _ in range(rounds):
            began = time.perf_counter()
            sum_over_workers(vector, rank, 2, peers.exchange)
            times.append(time.perf_counter() - began)
        typical_seconds.append(typical(times[rounds // 5 :]))
    return typical_seconds


def measure_loopback(rounds: int = 60) -> Link:
    """Measure the latency and the seconds a byte of the workers' all-reduce, between two processes over loopback TCP."""
    key = os.urandom(16)
    peers = Peers(0, 2, LOOPBACK)
    address = peers.listen(key)
    other = multiprocessing.get_context("spawn").Process(target=meet, args=(address, key, rounds), daemon=True)
    other.start()
    try:
        peers.connect([address], key)
        seconds = time_sums(peers, 0, rounds)
    finally:
        peers.close()
        other.join(10)
        other.kill()
    traffic = [all_reduce_traffic(2, nbytes) for nbytes in VECTOR_BYTES]
    messages, sent = [float(part.messages) for part in traffic], [part.sent for part in traffic]
    latency, byte_seconds = fitted_terms([messages, sent], seconds)
    return Link("loopback", latency, byte_seconds)


def measure_adding(nbytes: int = 1 << 20) -> float:
    """Measure the seconds to add a byte of one float32 vector to another's."""
    a, b = (np.ones(nbytes // 4, np.float32) for _ in range(2))
    return repeat(lambda: np.add(a, b, out=a), seconds=0.1) / nbytes


class Answering:
    """An actor that answers."""

    def answer(self, data: Any) -> Any:
        """Give back what it was given."""
        return data


def measure_control(ray: Any, most: int = 4) -> ControlCosts:
    """Measure a call of each of 1 to ``most`` actors and their answers, an answer of some megabytes, and an actor's start."""
    actors, starts, seconds = [], [], []
    remote = ray.remote(num_cpus=0.1)(Answering)
    for _ in range(most):
        began = time.perf_counter()
        actors.append(remote.remote())
        ray.get(actors[-1].answer.remote(None))
        starts.append(time.perf_counter() - began)
        seconds.append(repeat(lambda: ray.get([actor.answer.remote(None) for actor in actors]), seconds=0.3))
    counts = [float(count) for count in range(1, most + 1)]
    base, worker = fitted_terms([[1.0] * most, counts], seconds)
    state = np.zeros(1 << 20, np.float32)
    with_state = repeat(lambda: ray.get(actors[0].answer.remote(state)), seconds=0.3)
    return ControlCosts(
        block=base,
        worker=worker,
        state_byte=max(0.0, with_state - seconds[0]) / (2 * state.nbytes),  # it goes there and comes back
        add_byte=measure_adding(),
        restart=typical(starts[1:]),
    )
