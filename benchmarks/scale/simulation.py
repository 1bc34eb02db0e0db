"""A training on many machines as discrete events: steps of random length, a slow machine, machines that fail.

The formulas of ``model`` assume that rounds are independent, and that times have a closed form. Here each worker is a process of
SimPy that computes, meets the others at each synchronisation, and may be lost; nothing is taken from the formulas but the costs.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from benchmarks.scale.model import lognormal_parameters


@dataclass(frozen=True)
class Scenario:
    """What is simulated.

    Attributes
    ----------
    workers, steps, k : int
        The workers, the mini-batches of each, and how many of them lie between two synchronisations.
    step : float
        The mean seconds of a mini-batch.
    spread : float
        The standard deviation of a mini-batch's seconds, as a share of their mean; they are lognormal and independent.
    slow : float
        The factor by which one machine is slower than the others.
    synchronization : float
        Seconds of a synchronisation, from the arrival of the last worker.
    control : float
        Seconds between two blocks.
    block_seconds : float
        About how long a block is, in whole rounds.
    mtbf : float or None
        The mean time between a machine's failures, exponential, while it trains; None for none.
    restart : float
        Seconds to replace a machine, after which the block begins again.
    """

    workers: int
    steps: int
    k: int
    step: float = 1e-3
    spread: float = 0.0
    slow: float = 1.0
    synchronization: float = 0.0
    control: float = 0.0
    block_seconds: float = 0.5
    mtbf: float | None = None
    restart: float = 10.0

    @property
    def block_rounds(self) -> int:
        """The rounds of a block."""
        return max(1, round(self.block_seconds / (self.k * self.step)))


@dataclass(frozen=True)
class Outcome:
    """What a simulated epoch took.

    Attributes
    ----------
    seconds : float
    failures : int
    repeated : float
        Seconds of blocks that were lost, and of replacements.
    kept : int
        The mini-batches whose results were kept, of all workers together.
    """

    seconds: float
    failures: int
    repeated: float
    kept: int


class Meeting:
    """A synchronisation: it ends for all some time after the last worker has come."""

    def __init__(self, environment: Any, workers: int, seconds: float) -> None:
        self._environment = environment
        self._missing = workers
        self._seconds = seconds
        self._over = environment.event()

    def join(self) -> Any:
        """Give the event of its end."""
        self._missing -= 1
        if self._missing == 0:
            self._environment.process(self._hold())
        return self._over

    def _hold(self) -> Generator[Any]:
        yield self._environment.timeout(self._seconds)
        self._over.succeed()


class SimulatedTraining:
    """An epoch: the driver gives blocks, the workers train them.

    Parameters
    ----------
    scenario : Scenario
    seed : int
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        import simpy

        self._simpy = simpy
        self._environment = simpy.Environment()
        self._scenario = scenario
        self._rng = np.random.default_rng(seed)
        self._life = np.full(scenario.workers, np.inf)
        if scenario.mtbf is not None:
            self._life = self._rng.exponential(scenario.mtbf, scenario.workers)  # the time each machine still trains
        self._failures = 0
        self._repeated = 0.0
        self._kept = 0

    def run(self) -> Outcome:
        """Simulate it to its end."""
        self._environment.run(until=self._environment.process(self._drive()))
        return Outcome(float(self._environment.now), self._failures, self._repeated, self._kept)

    def _drive(self) -> Generator[Any]:
        scenario, environment = self._scenario, self._environment
        block = scenario.block_rounds * scenario.k
        for first in range(0, scenario.steps, block):
            steps = min(block, scenario.steps - first)
            while not (yield from self._train(steps)):
                self._failures += 1
            self._kept += steps * scenario.workers
            yield environment.timeout(scenario.control)

    def _train(self, steps: int) -> Generator[Any, Any, bool]:
        """Train a block; False where a machine failed meanwhile and was replaced."""
        scenario, environment = self._scenario, self._environment
        began = environment.now
        meetings = [Meeting(environment, scenario.workers, scenario.synchronization) for _ in range(ceil(steps / scenario.k))]
        workers = [environment.process(self._work(number, steps, meetings)) for number in range(scenario.workers)]
        done = environment.all_of(workers)
        first_loss = float(self._life.min())
        if first_loss == np.inf:
            yield done
            return True
        loss = environment.timeout(first_loss)
        yield done | loss
        self._life -= environment.now - began
        if done.triggered:
            return True
        for worker in workers:
            if worker.is_alive:
                worker.interrupt()
        self._life[self._life.argmin()] = self._rng.exponential(scenario.mtbf)
        yield environment.timeout(scenario.restart)
        self._repeated += environment.now - began
        return False

    def _work(self, number: int, steps: int, meetings: list[Meeting]) -> Generator[Any]:
        """Train a worker's part of a block."""
        times = self._step_seconds(number, steps)
        starts = np.arange(0, steps, self._scenario.k)
        try:
            for seconds, meeting in zip(np.add.reduceat(times, starts), meetings, strict=True):
                yield self._environment.timeout(float(seconds))
                yield meeting.join()
        except self._simpy.Interrupt:
            return

    def _step_seconds(self, number: int, steps: int) -> Any:
        mean = self._scenario.step * (self._scenario.slow if number == 0 else 1.0)
        if self._scenario.spread == 0:
            return np.full(steps, mean)
        return mean * self._rng.lognormal(*lognormal_parameters(self._scenario.spread), steps)


def simulate(scenario: Scenario, seed: int = 0) -> Outcome:
    """Simulate one epoch.

    Examples
    --------
    >>> simulate(Scenario(workers=3, steps=20, k=4, step=0.5, synchronization=0.25, block_seconds=4.0)).seconds
    11.25
    """
    return SimulatedTraining(scenario, seed).run()
