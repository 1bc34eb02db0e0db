"""Chainrule itself: what an epoch takes within one ``Run``, and what the very first takes."""

from __future__ import annotations

import time
from typing import Any, Literal

import numpy as np

import chainrule as cr
from benchmarks.job import Answer, Job, enough, predicting

Threads = int | Literal["auto"]


def network_of(job: Job) -> cr.Network:
    """Make the job's network, at its start."""
    s = job.settings
    network = cr.Network(s.sizes, activation=s.hidden, output=s.output, cost=s.cost, seed=s.seed)
    for own, given in zip([*network.weights, *network.biases], [*job.weights, *job.biases], strict=True):
        own[...] = given
    return network


def settings_of(job: Job) -> dict[str, Any]:
    """Give the settings that a training takes; the seed decides the same orders as the job holds."""
    s = job.settings
    return {"batch_size": s.batch_size, "learning_rate": s.learning_rate, "optimizer": s.optimizer, "seed": s.seed}


def train(job: Job, threads: Threads) -> Answer:
    """Time epochs by ``EpochRecord.seconds``; ``wall`` is the time from record to record, drawing the order included."""
    network = network_of(job)
    run = cr.Run(network, cr.Examples(job.x, job.y), epochs=len(job.orders), threads=threads, **settings_of(job))
    next(run)
    weights, biases = [w.copy() for w in network.weights], [b.copy() for b in network.biases]
    seconds, began = [], time.perf_counter()
    for record in run:
        seconds.append(record.seconds)
        if enough(seconds):
            break
    wall = (time.perf_counter() - began) / max(1, len(seconds))
    return Answer(seconds, weights, biases, {"wall": wall} if seconds else {})


def first(job: Job, threads: Threads) -> Answer:
    """Time a training of one epoch on examples that nothing was prepared from, in a process that has only loaded the library."""
    network, examples = network_of(job), cr.Examples(job.x, job.y)
    network.feedforward(job.x[:1].astype(np.float32))  # loads the engine
    began = time.perf_counter()
    cr.train(network, examples, epochs=1, threads=threads, **settings_of(job))
    return Answer([time.perf_counter() - began], network.weights, network.biases)


def predict(job: Job, threads: Threads) -> Answer:
    """Time both ways of asking."""
    network = network_of(job)
    return predicting(job, predict=network.predict, feedforward=network.feedforward)


def population(job: Job, threads: Threads) -> Answer:
    """Time the training of many networks over one prepared copy of the data."""
    s, examples = job.settings, cr.Examples(job.x, job.y)
    count = int((job.folder / "networks").read_text())
    settings = {"epochs": 1, "batch_size": s.batch_size, "learning_rate": s.learning_rate, "threads": threads}
    cr.train_population([cr.Network(s.sizes, seed=0)], examples, **settings)  # prepares the data
    networks = [cr.Network(s.sizes, seed=seed) for seed in range(count)]
    began = time.perf_counter()
    cr.train_population(networks, examples, **settings)
    return Answer([time.perf_counter() - began])
