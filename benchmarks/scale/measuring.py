"""Measure the terms of the model on this machine: the engine's step, reading, the loopback link, the calls of Ray's actors."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.scale.model import fitted_line
from benchmarks.scale.terms import ControlCosts, Link, StepCosts, Workload
from chainrule.calculus.backprop import Gradient
from chainrule.calculus.descent import Parameters, update_mini_batch
from chainrule.engines import ENGINES
from chainrule.plan import Plan, State
from chainrule.streamed_data import StreamedData

ROWS = 50_000
"""The rows of which a network's step is measured."""
SECONDS = 0.4
"""About the length of one measurement."""
MESSAGE_BYTES = (64, 1 << 16, 1 << 18, 1 << 20, 1 << 22)
LEARNING_RATE = {"sgd": 0.01, "momentum": 0.01, "adam": 1e-4}
FASTEST = "fused" if "fused" in ENGINES else "reference"


def repeat(call: Callable[[], object], seconds: float = SECONDS, least: int = 3) -> float:
    """Give the median seconds of a call that is repeated for some time, after one that does not count."""
    call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return median(times)


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


def measure_steps(workload: Workload) -> StepCosts:
    """Measure a network's costs on one core; a row is free here, see ``measure_reading``."""
    examples = examples_for(workload, min(ROWS, workload.rows))
    settings = settings_for(workload)
    one = next(iter(cr.Run(network_for(workload), examples, epochs=1, threads=1, engine=FASTEST, **settings))).seconds
    epochs = max(2, min(200, round(SECONDS / one)))
    records = list(cr.Run(network_for(workload), examples, epochs=epochs, threads=1, engine=FASTEST, **settings))
    steps = -(-len(examples) // workload.batch_size)
    run = cr.Run(network_for(workload), examples, epochs=1, threads=1, engine=FASTEST, **settings)
    plan, state = run.plan, State(tuple(run.network.weights), tuple(run.network.biases))
    return StepCosts(
        step=median(record.seconds for record in records) / steps,
        exact_step=measure_exact_step(plan, state, examples),
        turn=measure_turn(plan, state),
    )


def measure_exact_step(plan: Plan, state: State, examples: cr.Examples) -> float:
    """Measure a step at k = 1: the gradient of a mini-batch by the engine, and the step in NumPy."""
    engine = ENGINES[FASTEST]
    data = engine.prepare(examples)
    rows = np.random.default_rng(0).permutation(len(examples))[: plan.batch_size]
    vector = plan.pack(list(state.weights), list(state.biases))
    parts = [*state.weights, *state.biases]
    slots: Any = [tuple(np.zeros_like(part) for _ in plan.optimizer.slots) for part in parts]
    parameters = Parameters(list(state.weights), list(state.biases), slots)

    def step() -> None:
        _, gradient = engine.gradient(plan, data, rows, threads=1)(vector)
        nabla_w, nabla_b = plan.unpack(gradient)
        update_mini_batch(parameters, Gradient(nabla_b, nabla_w), plan.optimizer, 0.01, len(rows))

    return repeat(step)


def measure_turn(plan: Plan, state: State) -> float:
    """Measure how long a session takes to give its state as a vector, and another one to begin from such a vector."""
    engine = ENGINES[FASTEST]
    session = engine.open(plan, state, threads=1)

    def turn() -> None:
        given = session.state()
        vectors = [plan.pack(list(given.weights), list(given.biases))]
        layers = len(plan.layers)
        vectors += [plan.pack(list(parts[:layers]), list(parts[layers:])) for parts in given.slots.values()]
        weights, biases = plan.unpack(vectors[0])
        slots = {}
        for name, vector in zip(given.slots, vectors[1:], strict=True):
            w, b = plan.unpack(vector)
            slots[name] = (*w, *b)
        engine.open(plan, replace(given, weights=tuple(weights), biases=tuple(biases), slots=slots, deferred={}), threads=1)

    return repeat(turn)


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
        data = StreamedData(run.network, source, validation=None)

        def read() -> None:
            for part in data._parts(ENGINES[FASTEST], run.plan, 1, shuffle=True):
                part.data.view(run.plan)

        return repeat(read, seconds=1.0) / rows


def echo(address: tuple[str, int], key: bytes, sizes: tuple[int, ...], rounds: int) -> None:
    """Answer the messages of ``measure_loopback``: the second process."""
    with Client(address, authkey=key) as connection:
        for size in sizes:
            exchange(connection, bytes(size), rounds)


def exchange(connection: Connection, message: bytes, rounds: int) -> list[float]:
    """Send and receive messages of equal size at once, one round after another; give the seconds of each."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        if len(message) <= 1 << 15:  # it fits into the socket's buffer, so that both sides may send first
            connection.send_bytes(message)
            connection.recv_bytes()
        else:
            sender = threading.Thread(target=connection.send_bytes, args=(message,))
            sender.start()
            connection.recv_bytes()
            sender.join()
        times.append(time.perf_counter() - began)
    return times


def measure_loopback(rounds: int = 60) -> Link:
    """Measure latency and seconds a byte of exchanges between two processes over loopback TCP."""
    key = os.urandom(16)
    with Listener(("127.0.0.1", 0), authkey=key) as listener:
        arguments = (listener.address, key, MESSAGE_BYTES, rounds)
        other = multiprocessing.get_context("spawn").Process(target=echo, args=arguments, daemon=True)
        other.start()
        try:
            with listener.accept() as connection:
                seconds = [median(exchange(connection, bytes(size), rounds)[5:]) for size in MESSAGE_BYTES]
        finally:
            other.join(10)
            other.kill()
    latency, byte_seconds = fitted_line([float(size) for size in MESSAGE_BYTES], seconds)
    return Link("loopback", latency, byte_seconds)


def measure_adding(nbytes: int = 1 << 20) -> float:
    """Measure the seconds to add a byte of one float32 vector to another's."""
    a, b = (np.ones(nbytes // 4, np.float32) for _ in range(2))
    return repeat(lambda: np.add(a, b, out=a), seconds=0.1) / nbytes


@contextmanager
def local_ray(cpus: int) -> Iterator[Any]:
    """Begin Ray at the loopback address, with its files in a folder of its own, and end it."""
    from chainrule.sweeping.ray_pool import import_ray

    ray = import_ray()
    with tempfile.TemporaryDirectory(prefix="cr-scale-", ignore_cleanup_errors=True) as folder:
        ray.init(
            num_cpus=cpus, num_gpus=0, include_dashboard=False, object_store_memory=256 << 20, _node_ip_address="127.0.0.1",
            _temp_dir=folder, log_to_driver=False, logging_level="ERROR",
        )  # fmt: skip
        try:
            yield ray
        finally:
            ray.shutdown()


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
    base, worker = fitted_line([float(count) for count in range(1, most + 1)], seconds)
    state = np.zeros(1 << 20, np.float32)
    with_state = repeat(lambda: ray.get(actors[0].answer.remote(state)), seconds=0.3)
    return ControlCosts(
        block=base,
        worker=worker,
        state_byte=max(0.0, with_state - seconds[0]) / (2 * state.nbytes),  # it goes there and comes back
        add_byte=measure_adding(),
        restart=median(starts[1:]),
    )
