"""chainrule itself: the time of epochs within one ``Run``, and that of the first epoch."""

from __future__ import annotations

import time
from typing import Any, Literal

import numpy as np

import chainrule as cr
from benchmarks.job import Job, Measurement, enough_epochs, time_prediction

Threads = int | Literal["auto"]


def network_of(job: Job) -> cr.Network:
    """Make the job's network with its initial parameters."""
    s = job.settings
    network = cr.Network(s.sizes, activation=s.hidden, output=s.output, cost=s.cost, seed=s.seed)
    for own, given in zip([*network.weights, *network.biases], [*job.weights, *job.biases], strict=True):
        own[...] = given
    return network


def settings_of(job: Job) -> dict[str, Any]:
    """Make the training's settings; the seed gives the orders that the job holds."""
    s = job.settings
    return {"batch_size": s.batch_size, "learning_rate": s.learning_rate, "optimizer": s.optimizer, "seed": s.seed}


def train(job: Job, threads: Threads) -> Measurement:
    """Time epochs by ``EpochRecord.seconds``; ``wall`` is the time from record to record, which includes drawing the order."""
    network = network_of(job)
    run = cr.Run(network, cr.Examples(job.x, job.y), epochs=len(job.orders), threads=threads, **settings_of(job))
    next(run)
    weights, biases = [w.copy() for w in network.weights], [b.copy() for b in network.biases]
    seconds, start = [], time.perf_counter()
    for record in run:
        seconds.append(record.seconds)
        if enough_epochs(seconds):
            break
    wall = (time.perf_counter() - start) / max(1, len(seconds))
    return Measurement(seconds, weights, biases, {"wall": wall} if seconds else {})


def first(job: Job, threads: Threads) -> Measurement:
    """Time a training of one epoch with the preparation of its data, in a process that has only loaded the library."""
    network, examples = network_of(job), cr.Examples(job.x, job.y)
    network.feedforward(job.x[:1].astype(np.float32))  # loads the engine
    start = time.perf_counter()
    cr.train(network, examples, epochs=1, threads=threads, **settings_of(job))
    return Measurement([time.perf_counter() - start], network.weights, network.biases)


def predict(job: Job, threads: Threads) -> Measurement:
    """Time ``predict`` and ``feedforward``."""
    network = network_of(job)
    return time_prediction(job, predict=network.predict, feedforward=network.feedforward)


def population(job: Job, threads: Threads) -> Measurement:
    """Time the training of many networks over one prepared copy of the data."""
    s, examples = job.settings, cr.Examples(job.x, job.y)
    count = int((job.folder / "networks").read_text())
    settings = {"epochs": 1, "batch_size": s.batch_size, "learning_rate": s.learning_rate, "threads": threads}
    cr.train_population([cr.Network(s.sizes, seed=0)], examples, **settings)  # prepares the data
    networks = [cr.Network(s.sizes, seed=seed) for seed in range(count)]
    start = time.perf_counter()
    cr.train_population(networks, examples, **settings)
    return Measurement([time.perf_counter() - start])
