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


def make_sweep(task: SweepTask, seeds: int, epochs: int, on: Where, threads: int) -> Sweep:
    """Make a sweep of one point with many seeds."""
    hidden = task.settings["hidden"][0]
    bare = SweepTask(task.train, task.validation, task.test, task.n_out, {k: v for k, v in task.settings.items() if k != "hidden"})
    request = SweepRequest(parse_space({"hidden": [hidden]}), tuple(range(seeds)), epochs, on=on, threads=threads)
    return Sweep(bare, request)


def timed(task: SweepTask, seeds: int, epochs: int, on: Where, threads: int) -> float:
    """Time a sweep, on Ray without the seconds in which the cluster begins and a worker makes its data."""
    sweep = make_sweep(task, seeds, epochs, on, threads)
    if on == "local":
        return seconds_of(sweep.train)
    with RayPool(sweep.task, threads) as pool:
        train_in(pool, make_sweep(task, 2 * threads, 1, on, threads))  # its workers begin, and make their data
        return train_in(pool, sweep)


def alone(task: SweepTask) -> float:
    """Time ``train_population`` with the same networks, validated after each epoch as well."""
    networks = [cr.Network([784, 30, 10], seed=seed) for seed in range(SEEDS)]
    settings = {"epochs": EPOCHS, "batch_size": 10, "learning_rate": 3.0, "validation": task.validation, "threads": 2}
    return seconds_of(lambda: cr.train_population(networks, task.train, **settings))


def measure(on: Where, rounds: int) -> None:
    """Print the figures of one kind of pool; what is compared is measured in turn."""
    task = mnist_task(hidden=(30,))
    times = [(timed(task, SEEDS, EPOCHS, on, 1), timed(task, SEEDS, EPOCHS, on, 2), alone(task)) for _ in range(rounds)]
    two, population = (median(time[k] for time in times) for k in (1, 2))
    ratio, share = (median(time[k] / time[1] for time in times) for k in (0, 2))
    epochs = SEEDS * EPOCHS
    print(f"{on}: two workers have {ratio:.2f}x the runs per second of one ({SEEDS} runs of 784-30-10, {EPOCHS} epochs)")
    print(f"{on}: {epochs / two:.1f} epochs/s on two cores; train_population alone {epochs / population:.1f}: {100 * share:.0f} %")

    digits = cr.datasets.digits()
    tiny = SweepTask(digits.train[:50], digits.validation[:20], None, 10, {"batch_size": 50, "learning_rate": 1.0, "hidden": (4,)})
    settings = {"epochs": 1, "batch_size": 50, "learning_rate": 1.0, "threads": 1}
    networks = [cr.Network([64, 4, 10], seed=seed) for seed in range(20)]
    training = median(
        seconds_of(lambda net=net: cr.train(net, tiny.train, validation=tiny.validation, **settings)) for net in networks
    )
    overhead = median(timed(tiny, RUNS, 1, on, 2) for _ in range(rounds)) / RUNS
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
