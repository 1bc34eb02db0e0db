"""What a sweep costs beside its trainings: ``python -m benchmarks.sweep [--ray] [ROUNDS]``.

It prints how many times the runs per second of one worker two workers have, and what takes the rest: the schedule, computed
from the runs' own seconds, runs that are slower beside another, and time in which a worker has no run. Then what a run costs by
itself at 1,000 runs, and the epochs a second of 784-30-10 in batches of 10 on two cores beside those of ``train_population`` alone,
which validates after each epoch too. With ``--ray`` the same is measured on a Ray cluster of this machine.
"""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import chainrule as cr
from benchmarks.command_line import arguments
from chainrule.errors import ChainruleError
from chainrule.sweeping.pool import TASK_SECONDS, TASKS_A_WORKER, Queue
from chainrule.sweeping.ray_pool import RayPool
from chainrule.sweeping.search import SweepRun
from chainrule.sweeping.space import parse_space
from chainrule.sweeping.sweep import Sweep, SweepRequest, Where
from chainrule.sweeping.sweep_run import SweepTask

RUNS = 1000
SEEDS = 24
EPOCHS = 3


def mnist_task(**settings: Any) -> SweepTask:
    """Give MNIST with the notes' settings."""
    mnist = cr.datasets.mnist()
    return SweepTask(mnist.train, mnist.validation, None, 10, {"batch_size": 10, "learning_rate": 3.0, **settings})


def seconds_of(call: Callable[[], object]) -> float:
    """Time a call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def make_sweep(task: SweepTask, seeds: int, epochs: int, on: Where, threads: int) -> Sweep:
    """Make a sweep of one point with many seeds."""
    hidden = task.settings["hidden"][0]
    bare = SweepTask(task.train, task.validation, task.test, task.n_out, {k: v for k, v in task.settings.items() if k != "hidden"})
    request = SweepRequest(parse_space({"hidden": [hidden]}), tuple(range(seeds)), epochs, on=on, threads=threads)
    return Sweep(bare, request)


@dataclass(frozen=True)
class Timing:
    """How long a sweep took, and the processor seconds of its runs by seed."""

    seconds: float
    runs: list[float]
    workers: int

    @property
    def idle(self) -> float:
        """The part of the workers' time in which no run had their processor."""
        return 1 - sum(self.runs) / (self.workers * self.seconds)


def timed(task: SweepTask, seeds: int, epochs: int, on: Where, threads: int) -> Timing:
    """Time a sweep, on Ray without the seconds in which the cluster begins and its workers make their data."""
    sweep = make_sweep(task, seeds, epochs, on, threads)
    if on == "local":
        seconds = seconds_of(sweep.train)
    else:
        with RayPool(sweep.task, threads) as pool:
            warm_up = make_sweep(task, seeds, epochs, on, threads)
            warm_up.train(pool=pool)  # so long that every worker has begun and has its data
            seconds = seconds_of(lambda: sweep.train(pool=pool))
    return Timing(seconds, [result.seconds for result in sorted(sweep.results, key=lambda result: result.seed)], threads)


def scheduled_seconds(runs: Sequence[float], workers: int, task_seconds: float) -> float:
    """Compute how long so many workers take for runs of known seconds, by the sweep's schedule, if nothing else takes time.

    Each worker takes the next task that was submitted; the sweep submits tasks as ``Sweep.train`` does.
    """
    queue = Queue(lambda run: 1.0)
    queue.add(SweepRun(0, seed, 1, ()) for seed in range(len(runs)))
    submitted: deque[list[SweepRun]] = deque()
    under_way: list[tuple[float, int, list[SweepRun]]] = []
    now, number = 0.0, 0
    while len(queue) or submitted or under_way:
        while len(queue) and len(submitted) + len(under_way) < TASKS_A_WORKER * workers:
            submitted.append(queue.next_task(workers, task_seconds))
        while submitted and len(under_way) < workers:
            task = submitted.popleft()
            number += 1
            heapq.heappush(under_way, (now + sum(runs[run.seed] for run in task), number, task))
        now, _, task = heapq.heappop(under_way)
        for run in task:
            queue.measure(run, runs[run.seed])
    return now


def alone(task: SweepTask) -> float:
    """Time ``train_population`` with the same networks, validated after each epoch as well."""
    networks = [cr.Network([784, 30, 10], seed=seed) for seed in range(SEEDS)]
    settings = {"epochs": EPOCHS, "batch_size": 10, "learning_rate": 3.0, "validation": task.validation, "threads": 2}
    return seconds_of(lambda: cr.train_population(networks, task.train, **settings))


def measure(on: Where, rounds: int) -> None:
    """Print the figures of one kind of pool; what is compared is measured in turn."""
    task = mnist_task(hidden=(30,))
    times = [(timed(task, SEEDS, EPOCHS, on, 1), timed(task, SEEDS, EPOCHS, on, 2), alone(task)) for _ in range(rounds)]
    ratio = median(one.seconds / two.seconds for one, two, _ in times)
    schedule = median(sum(two.runs) / scheduled_seconds(two.runs, 2, TASK_SECONDS if on == "ray" else 0.0) for _, two, _ in times)
    slower = median(sum(two.runs) / sum(one.runs) for one, two, _ in times)
    idle = [median(timing.idle for timing in timings) for timings in zip(*(time[:2] for time in times), strict=True)]
    print(f"{on}: two workers have {ratio:.2f}x the runs per second of one ({SEEDS} runs of 784-30-10, {EPOCHS} epochs)")
    print(
        f"{on}: the schedule alone allows {schedule:.2f}x; a run takes {slower:.2f}x the processor time beside another; of the "
        f"workers' time {100 * idle[0]:.1f} % (one) and {100 * idle[1]:.1f} % (two) is not in runs"
    )
    epochs, two_seconds = SEEDS * EPOCHS, median(two.seconds for _, two, _ in times)
    population, share = median(time[2] for time in times), median(alone / two.seconds for _, two, alone in times)
    print(
        f"{on}: {epochs / two_seconds:.1f} epochs/s on two cores; train_population alone {epochs / population:.1f}: "
        f"{100 * share:.0f} %"
    )

    digits = cr.datasets.digits()
    tiny = SweepTask(digits.train[:50], digits.validation[:20], None, 10, {"batch_size": 50, "learning_rate": 1.0, "hidden": (4,)})
    settings = {"epochs": 1, "batch_size": 50, "learning_rate": 1.0, "threads": 1}
    networks = [cr.Network([64, 4, 10], seed=seed) for seed in range(20)]
    training = median(
        seconds_of(lambda net=net: cr.train(net, tiny.train, validation=tiny.validation, **settings)) for net in networks
    )
    overhead = median(timed(tiny, RUNS, 1, on, 2).seconds for _ in range(rounds)) / RUNS
    print(
        f"{on}: a run costs {1000 * overhead:.2f} ms at {RUNS:,} runs of next to no work; cr.train alone {1000 * training:.2f} ms"
    )


def main() -> None:
    """Measure and print."""
    chosen = arguments("sweep", "What a sweep costs beside its trainings.", count=3, ray="on Ray too")
    places: tuple[Where, ...] = ("local", "ray") if chosen.ray else ("local",)
    for on in places:
        try:
            measure(on, chosen.count)
        except ChainruleError as error:
            print(f"{on}: {error}")


if __name__ == "__main__":
    main()
