"""The formulas: an epoch's seconds on W workers that average after every k mini-batches.

Each is a pure function, and ``docs/scale.md`` states them. Units are seconds, bytes and rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import ceil, expm1, inf, log, log1p, sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

from benchmarks.scale.terms import SLOTS, VALUE_BYTES, Cluster, ControlCosts, Link, StepCosts, Workload
from chainrule.distributed.all_reduce import SHORT_BYTES, core_size

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
    """Count what the busiest worker sends.

    With W a power of two a short vector is sent whole, log2 W times. Of a longer one halves are: 2 log2 W messages, of 2 (W - 1)/W
    of the vector in all (Rabenseifner 2004). Else the workers beyond the largest power of two first give their whole vector to a
    partner, and get the result from it at the end.

    Examples
    --------
    >>> all_reduce_traffic(4, 100_000.0)
    Traffic(messages=4, sent=150000.0, added=75000.0)
    >>> all_reduce_traffic(5, 100_000.0)
    Traffic(messages=6, sent=350000.0, added=175000.0)
    >>> all_reduce_traffic(4, 100.0)
    Traffic(messages=2, sent=200.0, added=200.0)
    """
    if workers == 1:
        return Traffic(0, 0.0, 0.0)
    core = core_size(workers)
    doublings = core.bit_length() - 1
    folded = workers != core
    if nbytes <= SHORT_BYTES:
        return Traffic(doublings + 2 * folded, (doublings + 2 * folded) * nbytes, (doublings + folded) * nbytes)
    share = 1 - 1 / core
    return Traffic(2 * doublings + 2 * folded, (2 * share + 2 * folded) * nbytes, (share + folded) * nbytes)


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

    def sharing(self, workers: int) -> float:
        """Give the workers to a core, at least 1."""
        return max(1.0, workers / self.cluster.cores(workers))

    def reading_seconds(self, workers: int, computing: float) -> float:
        """Give what reading adds to the seconds of computing, of one worker with its shard.

        A thread reads the next window while one is trained on: where there is a core for it, only the first window is waited for,
        and reading that takes longer than computing. Where there is none, both take the same cores in turn.
        """
        rows = ceil(self.workload.rows / workers)
        reading = rows * self.costs.row
        windows = max(1, ceil(rows / self.workload.window_rows))
        overlapping = (computing + reading) / windows + (1 - 1 / windows) * max(computing, reading)
        in_turn = (computing + reading) * workers / self.cluster.cores(workers)
        return max(overlapping, in_turn) - computing * self.sharing(workers)

    def round_seconds(self, workers: int, k: int) -> float:
        """Give the seconds of one synchronisation: the all-reduce, and the state's way out of the engine and back."""
        if workers == 1:
            return 0.0
        turn = 0.0 if k == 1 else self.costs.turn
        exchange = all_reduce_seconds(workers, vector_bytes(self.workload, k), self.cluster.link, self.control.add_byte)
        return self.sharing(workers) * (turn + exchange)

    def control_seconds(self, workers: int) -> float:
        """Give what a block costs beside its work."""
        state = self.workload.parameters * (1 + SLOTS[self.workload.optimizer]) * VALUE_BYTES * self.control.state_byte
        return self.control.block + workers * self.control.worker + state

    def blocks(self, steps: int, k: int) -> int:
        """Count the blocks of an epoch: whole rounds, of about the steps that the library chooses."""
        return ceil(steps / (max(1, round(self.costs.block_steps / k)) * k))

    def epoch(self, workers: int, k: int) -> EpochTime:
        """Give the seconds of an epoch; one worker synchronises with nobody, and nobody controls it."""
        steps = steps_of_worker(self.workload.rows, self.workload.batch_size, workers)
        own = steps * (self.costs.exact_step if k == 1 and workers > 1 else self.costs.step)
        computing = own * self.sharing(workers) + self.costs.epoch * self.sharing(workers)
        reading = self.reading_seconds(workers, own)
        waiting = (computing + reading) * (slowest_share(workers, self.cluster.spread, min(k, steps)) - 1)
        synchronizing = ceil(steps / k) * self.round_seconds(workers, k)
        controlling = 0.0 if workers == 1 else self.blocks(steps, k) * self.control_seconds(workers)
        return self._with_failures(EpochTime(computing, reading, synchronizing, controlling, waiting), workers, k)

    def _with_failures(self, time: EpochTime, workers: int, k: int) -> EpochTime:
        """Add the work that is done again after failures."""
        if self.cluster.mtbf is None or time.total == 0:
            return time
        blocks = self.blocks(steps_of_worker(self.workload.rows, self.workload.batch_size, workers), k)
        block = time.total / blocks
        expected = expected_block_seconds(block, workers / self.cluster.mtbf, self.control.restart)
        return replace(time, repeating=blocks * (expected - block))

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


def fitted_terms(counts: list[list[float]], seconds: list[float]) -> list[float]:
    """Give the seconds of each term, none below 0, of which so many were in each measurement: relative errors are least.

    Examples
    --------
    >>> [round(number, 6) for number in fitted_terms([[1.0, 1.0, 1.0], [0.0, 1.0, 3.0]], [2.0, 5.0, 11.0])]
    [2.0, 3.0]
    """
    from scipy.optimize import nnls

    matrix = np.column_stack(counts) / np.asarray(seconds)[:, None]
    terms, _ = nnls(matrix, np.ones(len(seconds)))
    return [float(term) for term in terms]


def lognormal_parameters(spread: float) -> tuple[float, float]:
    """Give mu and sigma of the logarithm of a lognormal number of mean 1.

    Examples
    --------
    >>> from math import exp
    >>> mu, sigma = lognormal_parameters(0.5)
    >>> round(exp(mu + sigma**2 / 2), 12)
    1.0
    """
    sigma = sqrt(log(1 + spread**2))
    return -(sigma**2) / 2, sigma
