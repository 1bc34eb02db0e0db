"""The formulas: an epoch's seconds on W workers that average after every k mini-batches.

Each is a pure function, and ``docs/scale.md`` states them. Units are seconds, bytes and rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import ceil, expm1, inf, log, log1p, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

from benchmarks.scale.terms import SLOTS, VALUE_BYTES, Cluster, ControlCosts, Link, StepCosts, Workload

WORKER_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 2000, 5000, 10_000)
INTERVALS = tuple(2**power for power in range(13))
"""The values of k that are compared."""


class Traffic(NamedTuple):
    """What one worker sends in an all-reduce, and as much it receives: messages one after another, and their bytes."""

    messages: int
    sent: float
    added: float


def vector_bytes(workload: Workload, k: int) -> int:
    """Count the bytes of the vector that is summed: gradients at k = 1, else parameters and the optimizer's slots.

    Examples
    --------
    >>> from benchmarks.scale.terms import WORKLOADS
    >>> vector_bytes(WORKLOADS["784-512-10"], 1), vector_bytes(WORKLOADS["784-512-10"], 16)
    (1628200, 4884600)
    """
    slots = 0 if k == 1 else SLOTS[workload.optimizer]
    return workload.parameters * (1 + slots) * VALUE_BYTES


def all_reduce_traffic(workers: int, nbytes: float) -> Traffic:
    """Count what the busiest worker sends, by recursive halving and doubling (Rabenseifner 2004).

    With W a power of two there are 2 log2 W messages, of 2 (W - 1)/W of the vector in all. Else the workers beyond the largest
    power of two first give their whole vector to a partner, and get the result from it at the end.

    Examples
    --------
    >>> all_reduce_traffic(4, 100.0)
    Traffic(messages=4, sent=150.0, added=75.0)
    >>> all_reduce_traffic(5, 100.0)
    Traffic(messages=6, sent=350.0, added=175.0)
    """
    if workers == 1:
        return Traffic(0, 0.0, 0.0)
    power = workers.bit_length() - 1
    share = 1 - 1 / 2**power
    folded = workers != 2**power
    return Traffic(2 * power + 2 * folded, 2 * share * nbytes + 2 * folded * nbytes, share * nbytes + folded * nbytes)


def all_reduce_seconds(workers: int, nbytes: float, link: Link, add_byte: float = 0.0) -> float:
    """Give the seconds of an all-reduce between workers that begin it together."""
    traffic = all_reduce_traffic(workers, nbytes)
    return traffic.messages * link.latency + traffic.sent * link.byte_seconds + traffic.added * add_byte


def steps_of_worker(rows: int, batch_size: int, workers: int) -> int:
    """Count the mini-batches of the largest shard.

    Examples
    --------
    >>> steps_of_worker(50_000, 10, 1), steps_of_worker(50_000, 10, 3)
    (5000, 1667)
    """
    return ceil(ceil(rows / workers) / batch_size)


@cache
def expected_maximum(workers: int, spread: float) -> float:
    """Give the mean of the largest of W independent lognormal times of mean 1 and standard deviation ``spread``.

    It is the integral of 1 - F(t)^W over t from 0, here over u = log t.

    Examples
    --------
    >>> expected_maximum(1, 0.3), expected_maximum(1000, 0.0)
    (1.0, 1.0)
    >>> round(expected_maximum(2, 0.1), 3)       # 1 + 0.1 / sqrt(pi), nearly: so it is for normal times
    1.056
    """
    if workers == 1 or spread == 0:
        return 1.0
    sigma = sqrt(log1p(spread**2))
    mean = -(sigma**2) / 2
    z = np.linspace(-12.0, 12.0 + sigma, 20_001)
    t = np.exp(mean + sigma * z)
    above = -np.expm1(workers * log_ndtr(z))  # 1 - F^W
    return float(t[0] + np.trapezoid(above, t))


def slowest_share(workers: int, spread: float, steps: int) -> float:
    """Give the factor by which the slowest of W workers takes longer than the mean, over k steps each.

    The sum of k steps is taken for lognormal, with its mean and variance (Fenton 1960).
    """
    return expected_maximum(workers, spread / sqrt(steps))


def expected_block_seconds(seconds: float, failures_per_second: float, restart: float) -> float:
    """Give the mean time of a block that is trained again from its start after each failure (Daly 2006).

    (1/rate + R)(exp(rate D) - 1) for exponential times between failures; while a worker is replaced none counts.

    Examples
    --------
    >>> expected_block_seconds(0.5, 0.0, 10.0)
    0.5
    """
    if failures_per_second == 0:
        return seconds
    expected = failures_per_second * seconds
    return inf if expected > 700 else (1 / failures_per_second + restart) * expm1(expected)


@dataclass(frozen=True)
class EpochTime:
    """The seconds of an epoch, by what they are spent on.

    Attributes
    ----------
    computing, reading, synchronizing, controlling : float
    waiting : float
        For the slowest worker.
    repeating : float
        Blocks that are trained again after failures, and the replacements.
    """

    computing: float
    reading: float
    synchronizing: float
    controlling: float
    waiting: float = 0.0
    repeating: float = 0.0

    @property
    def total(self) -> float:
        """The sum of all parts."""
        return self.computing + self.reading + self.synchronizing + self.controlling + self.waiting + self.repeating


@dataclass(frozen=True)
class Model:
    """A workload with its costs, on machines.

    Attributes
    ----------
    workload : Workload
    costs : StepCosts
    control : ControlCosts
    cluster : Cluster
    """

    workload: Workload
    costs: StepCosts
    control: ControlCosts
    cluster: Cluster

    def single_seconds(self) -> float:
        """Give the seconds of an epoch of one process without a cluster: reading in turn with computing, on one core."""
        steps = steps_of_worker(self.workload.rows, self.workload.batch_size, 1)
        return steps * self.costs.step + self.workload.rows * self.costs.row

    def sharing(self, workers: int) -> float:
        """Give the workers to a core, at least 1."""
        return 1.0 if self.cluster.cores is None else max(1.0, workers / self.cluster.cores)

    def round_seconds(self, workers: int, k: int) -> float:
        """Give the seconds of one synchronisation: the all-reduce, and the state's way out of the engine and back."""
        if workers == 1:
            return 0.0
        nbytes = vector_bytes(self.workload, k)
        turn = 0.0 if k == 1 else self.costs.turn
        return self.sharing(workers) * (turn + all_reduce_seconds(workers, nbytes, self.cluster.link, self.control.add_byte))

    def epoch(self, workers: int, k: int) -> EpochTime:
        """Give the seconds of an epoch on so many workers; on one it is that of a single process."""
        if workers == 1:
            steps = steps_of_worker(self.workload.rows, self.workload.batch_size, 1)
            return self._with_failures(EpochTime(steps * self.costs.step, self.workload.rows * self.costs.row, 0.0, 0.0), 1)
        steps = steps_of_worker(self.workload.rows, self.workload.batch_size, workers)
        rounds = ceil(steps / k)
        share = self.sharing(workers)
        computing = share * steps * (self.costs.exact_step if k == 1 else self.costs.step)
        reading = share * ceil(self.workload.rows / workers) * self.costs.row
        synchronizing = rounds * self.round_seconds(workers, k)
        waiting = (computing + reading) * (slowest_share(workers, self.cluster.spread, min(k, steps)) - 1)
        work = computing + reading + synchronizing + waiting
        blocks = min(rounds, ceil(work / self.control.block_seconds))
        state = self.workload.parameters * (1 + SLOTS[self.workload.optimizer]) * VALUE_BYTES * self.control.state_byte
        controlling = blocks * (self.control.block + workers * self.control.worker + state)
        return self._with_failures(EpochTime(computing, reading, synchronizing, controlling, waiting), workers)

    def _with_failures(self, time: EpochTime, workers: int) -> EpochTime:
        """Add the work that is done again after failures."""
        if self.cluster.mtbf is None or time.total == 0:
            return time
        blocks = max(1, ceil(time.total / self.control.block_seconds))
        block = time.total / blocks
        expected = expected_block_seconds(block, workers / self.cluster.mtbf, self.control.restart)
        parts = (time.computing, time.reading, time.synchronizing, time.controlling, time.waiting)
        return EpochTime(*parts, repeating=blocks * (expected - block))

    def speedup(self, workers: int, k: int) -> float:
        """Give how many times as fast as a single process it is."""
        return self.epoch(1, k).total / self.epoch(workers, k).total

    def efficiency(self, workers: int, k: int) -> float:
        """Give the speedup for each worker."""
        return self.speedup(workers, k) / workers

    def fastest(self, k: int, most: int = 10_000) -> int:
        """Give the number of workers with the shortest epoch, of the powers of two and ``WORKER_COUNTS`` up to ``most``."""
        return min(candidates(most), key=lambda workers: self.epoch(workers, k).total)

    def worthwhile(self, k: int, least: float = 0.5, most: int = 10_000) -> int:
        """Give the largest number of workers up to which each brings at least so much of a single process's speed."""
        last = 1
        for workers in candidates(most):
            if self.efficiency(workers, k) < least:
                break
            last = workers
        return last

    def interval(self, workers: int, least: float = 0.9) -> int | None:
        """Give the smallest k at which synchronising leaves ``least`` of the speed; None where no k of ``INTERVALS`` does.

        The speed it is compared with is that of the same workers with one synchronisation an epoch.
        """
        steps = steps_of_worker(self.workload.rows, self.workload.batch_size, workers)
        rare = self.epoch(workers, max(2, steps)).total
        return next((k for k in INTERVALS if k <= steps and rare / self.epoch(workers, k).total >= least), None)


def candidates(most: int) -> list[int]:
    """List the numbers of workers that are compared: powers of two, and those of ``WORKER_COUNTS``."""
    powers = (2**power for power in range(most.bit_length()))
    return sorted({workers for workers in (*powers, *WORKER_COUNTS) if workers <= most})


def fitted_line(x: list[float], y: list[float]) -> tuple[float, float]:
    """Give the intercept and the slope through measured points, neither below 0, with the relative errors least.

    Examples
    --------
    >>> [round(number, 6) for number in fitted_line([0.0, 1.0, 3.0], [2.0, 5.0, 11.0])]
    [2.0, 3.0]
    """
    from scipy.optimize import nnls

    measured = np.asarray(y)
    matrix = np.column_stack([np.ones(len(x)), x]) / measured[:, None]
    (intercept, slope), _ = nnls(matrix, np.ones(len(x)))
    return float(intercept), float(slope)


def lognormal_parameters(spread: float) -> tuple[float, float]:
    """Give mu and sigma of the logarithm of a lognormal number of mean 1.

    Examples
    --------
    >>> mu, sigma = lognormal_parameters(0.5)
    >>> round(exp(mu + sigma**2 / 2), 12)
    1.0
    """
    sigma = sqrt(log(1 + spread**2))
    return -(sigma**2) / 2, sigma
