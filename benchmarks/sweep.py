"""What a sweep costs beside its trainings: ``python -m benchmarks.sweep [--ray] [ROUNDS]``.

It prints how many times the runs per second of one worker two workers have, what a run costs by itself at 1,000 runs, and the
epochs a second of 784-30-10 in batches of 10 on two cores beside those of ``train_population`` alone, which validates after each
epoch too. With ``--ray`` the same is measured on a Ray cluster of this machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import chainrule as cr
from benchmarks.command_line import arguments
from chainrule.errors import ChainruleError
from chainrule.sweeping.ray_pool import RayPool
from chainrule.sweeping.space import parse_space
from chainrule.sweeping.sweep import Sweep, SweepRequest
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


def train_in(pool: Any, sweep: Sweep) -> float:
    """Train all runs of a sweep in a pool that stands; give the seconds."""
    sweep._make_pool = lambda: _Standing(pool)  # type: ignore[method-assign,assignment,return-value]
    return seconds_of(sweep.train)


class _Standing:
    """A pool that is not closed by the sweep that uses it."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    def __enter__(self) -> Any:
        return self.pool

    def __exit__(self, *error: object) -> None:
        pass


def make_sweep(task: SweepTask, seeds: int, epochs: int, on: str, threads: int) -> Sweep:
    """Make a sweep of one point with many seeds."""
    hidden = task.settings["hidden"][0]
    bare = SweepTask(task.train, task.validation, task.test, task.n_out, {k: v for k, v in task.settings.items() if k != "hidden"})
    request = SweepRequest(parse_space({"hidden": [hidden]}), tuple(range(seeds)), epochs, on=on, threads=threads)  # type: ignore[arg-type]
    return Sweep(bare, request)


def timed(task: SweepTask, seeds: int, epochs: int, on: str, threads: int) -> float:
    """Time a sweep, on Ray without the seconds in which the cluster begins and a worker makes its data."""
    sweep = make_sweep(task, seeds, epochs, on, threads)
    if on == "local":
        return seconds_of(sweep.train)
    with RayPool(sweep.task, threads) as pool:
        train_in(pool, make_sweep(task, 2 * threads, 1, on, threads))  # its workers begin, and make their data
        return train_in(pool, sweep)


def measure(on: str, rounds: int) -> None:
    """Print the figures of one kind of pool."""
    task = mnist_task(hidden=(30,))
    one, two = ([timed(task, SEEDS, EPOCHS, on, threads) for _ in range(rounds)] for threads in (1, 2))
    ratio = median(a / b for a, b in zip(one, two, strict=True))
    print(f"{on}: two workers have {ratio:.2f}x the runs per second of one ({SEEDS} runs of 784-30-10, {EPOCHS} epochs)")

    mnist = cr.datasets.mnist()
    alone = []
    for _ in range(rounds):
        networks = [cr.Network([784, 30, 10], seed=seed) for seed in range(SEEDS)]
        settings = {"epochs": EPOCHS, "batch_size": 10, "learning_rate": 3.0, "validation": mnist.validation, "threads": 2}
        alone.append(
            seconds_of(lambda networks=networks, settings=settings: cr.train_population(networks, mnist.train, **settings))
        )
    epochs = SEEDS * EPOCHS
    share = median(a / b for a, b in zip(alone, two, strict=True))
    print(
        f"{on}: {epochs / median(two):.1f} epochs a second on two cores, and train_population alone {epochs / median(alone):.1f}: "
        f"{100 * share:.0f} %"
    )

    small = cr.datasets.digits()
    tiny = SweepTask(small.train[:50], small.validation[:20], None, 10, {"batch_size": 50, "learning_rate": 1.0, "hidden": (4,)})
    network, run = (cr.Network([64, 4, 10], seed=0) for _ in range(2)), {"epochs": 1, "batch_size": 50, "learning_rate": 1.0}
    training = median(
        seconds_of(lambda net=net: cr.train(net, tiny.train, validation=tiny.validation, threads=1, **run)) for net in network
    )
    overhead = median(timed(tiny, RUNS, 1, on, 2) for _ in range(rounds)) / RUNS
    print(f"{on}: a run costs {1000 * overhead:.2f} ms by itself at {RUNS:,} runs (cr.train of one is {1000 * training:.2f} ms)")


def main() -> None:
    """Measure and print."""
    chosen = arguments("sweep", "What a sweep costs beside its trainings.", count=3, ray="on Ray too")
    for on in ("local", *(["ray"] if chosen.ray else [])):
        try:
            measure(on, chosen.count)
        except ChainruleError as error:
            print(f"{on}: {error}")


if __name__ == "__main__":
    main()
