"""The cost of checkpoints at the default interval.

Of trainings: one with checkpoints and one without take turns of a fraction of a second in one process, since a common machine's
speed changes by more from one minute to the next than the cost that is looked for. Of an estimator's fit, which cannot take turns:
the part of its time that its own thread spends on checkpoints, and on the records of the epochs, which it makes for them alone.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.checkpoints.checkpoints import Checkpoints
from chainrule.estimators.fit_checkpoints import FitCheckpoints
from chainrule.estimators.stochastic import StochasticTrainer

CELLS: dict[str, tuple[list[int], int, dict[str, Any]]] = {
    "784-30-10, sgd": ([784, 30, 10], 10, {"learning_rate": 3.0}),
    "784-512-10, adam": ([784, 512, 10], 64, {"learning_rate": 0.001, "optimizer": "adam"}),
    "16-32-1, sgd": ([16, 32, 1], 32, {"learning_rate": 0.1}),
}
"""The sizes, batch size and settings of each network."""

TURN_SECONDS = 0.25
INTERVAL = "20 s"
"""Twice the default: each of the two trainings runs half of the time."""

CALLS: tuple[tuple[type, str], ...] = (
    (Checkpoints, "begin"),
    (Checkpoints, "end"),
    (FitCheckpoints, "visit"),
    (StochasticTrainer, "_report"),
)
"""The methods that a fit's own thread calls for its checkpoints."""

LIMIT = 0.02


def run(seconds: float, rounds: int) -> bool:
    """Print the cost of each cell, each training so many seconds in each of the rounds; False where one reaches 2 %."""
    held = True
    for name, (sizes, batch_size, settings) in CELLS.items():
        costs = [_cost_in_turns(sizes, {"batch_size": batch_size, **settings}, seconds) for _ in range(rounds)]
        held &= _print_cost(f"{name}: {seconds:.0f} s of training with checkpoints every 10 s", costs)
    for name, fit in _fits().items():
        costs = [_share_of_fit(fit) for _ in range(rounds)]
        held &= _print_cost(f"{name}: share of the fit's time", costs)
    return held


def _print_cost(name: str, costs: list[float]) -> bool:
    median = statistics.median(costs)
    print(f"{name}: {median:+.2%} ({', '.join(f'{cost:+.2%}' for cost in costs)})", flush=True)
    return median < LIMIT


def _cost_in_turns(sizes: list[int], settings: dict[str, Any], seconds: float) -> float:
    """Give the additional time of a training with checkpoints, relative to one without."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (20_000, sizes[0])).astype(np.uint8)
    examples = cr.Examples(x, rng.integers(0, sizes[-1], 20_000) if sizes[-1] > 1 else rng.uniform(size=20_000))
    with tempfile.TemporaryDirectory() as folder:
        kept = {"checkpoint": Path(folder) / "run", "checkpoint_every": INTERVAL}
        with_and_without = [
            cr.Run(cr.Network(sizes, seed=0), examples, epochs=10**6, **settings, **checkpoint) for checkpoint in (kept, {})
        ]
        turn = _mini_batches_of_a_turn(cr.Run(cr.Network(sizes, seed=0), examples, epochs=10**6, **settings))
        spent = [0.0, 0.0]
        while sum(spent) < 2 * seconds:
            for which in (0, 1, 1, 0):  # a machine that slows down or speeds up in the meantime favours neither
                spent[which] += _seconds_of(with_and_without[which], turn)
        with_and_without[0].interrupt()
    return spent[0] / spent[1] - 1


def _mini_batches_of_a_turn(run: cr.Run) -> int:
    """Measure how many mini-batches a training takes in a turn."""
    _seconds_of(run, 1)
    count = 1
    while (seconds := _seconds_of(run, count)) < TURN_SECONDS / 2:
        count *= 2
    return max(1, round(count * TURN_SECONDS / seconds))


def _seconds_of(run: cr.Run, mini_batches: int) -> float:
    """Train so many mini-batches, over the ends of epochs too; give the seconds."""
    end = run.done + mini_batches
    began = time.perf_counter()
    while run.done < end:
        run.advance(end - run.done)
    return time.perf_counter() - began


def _fits() -> dict[str, Callable[[Path], Any]]:
    """Give some fits of estimators of about 25 seconds, each a function of the checkpoints' folder."""
    digits = cr.datasets.digits().train
    x, y = digits.x / 16, digits.y

    def sgd(folder: Path) -> Any:
        return cr.MLPClassifier((30,), solver="sgd", max_iter=100_000, tol=0, n_iter_no_change=10**6, checkpoint=folder).fit(x, y)

    def early(folder: Path) -> Any:
        model = cr.MLPClassifier(
            (100,), max_iter=20_000, tol=0, n_iter_no_change=10**6, early_stopping=True, checkpoint=folder, random_state=0
        )
        return model.fit(x, y)

    return {"MLPClassifier 64-30-10, sgd": sgd, "MLPClassifier 64-100-10, adam, early stopping": early}


def _share_of_fit(fit: Callable[[Path], Any]) -> float:
    """Give the time that a fit spends in these calls, none of which calls another, relative to the rest of its time."""
    spent = 0.0
    originals = [getattr(owner, name) for owner, name in CALLS]

    def timed(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal spent
            began = time.perf_counter()
            try:
                return original(*args, **kwargs)
            finally:
                spent += time.perf_counter() - began

        return call

    for (owner, name), original in zip(CALLS, originals, strict=True):
        setattr(owner, name, timed(original))
    try:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            fit(Path(folder) / "run")
            total = time.perf_counter() - began
    finally:
        for (owner, name), original in zip(CALLS, originals, strict=True):
            setattr(owner, name, original)
    return spent / (total - spent)
