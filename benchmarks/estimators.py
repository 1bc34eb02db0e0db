"""scikit-learn's MLP and ours: ``python -m benchmarks estimators [ROUNDS]``.

Equal parameters, dtype, seed and number of epochs (which is asserted), both libraries in one process, turn and turn about;
scikit-learn at one thread and at two, the better counts. A figure is a whole ``fit`` divided by its steps, so validation and
preparation are in it. The roof is what the arithmetic alone would take at the peak of a product of large matrices on one core,
measured here: zeros that are not multiplied and several cores can go beyond it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from statistics import geometric_mean, median
from typing import Any

import numpy as np
from scipy import optimize, sparse
from sklearn import datasets, neural_network
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

import chainrule as cr
from benchmarks.command import arguments
from benchmarks.turns import ratios, take_turns

REST = 0.1  # seconds: BLAS' threads go on looking for work for some time after a product, on a core that the next rival may need
HOMES = {"sklearn 2": neural_network, "sklearn 1": neural_network, "ours": cr}
THREADS = {"sklearn 2": 2, "sklearn 1": 1}
ROUNDS = 5
MEAN = 5.0
GRADIENT = 5.0


@dataclass(frozen=True)
class Cell:
    """A set, how often it is gone through, and how many times as fast as scikit-learn we are to be in float64."""

    name: str
    kind: str
    x: Any
    y: Any
    epochs: int
    wanted: float

    @property
    def steps(self) -> int:
        """Mini-batches of a fit."""
        n = self.x.shape[0]
        return self.epochs * -(-n // min(200, n))

    @property
    def flops(self) -> float:
        """Products of a step: forward, both gradients, none for the inputs; what a sparse row has not is not counted."""
        entries = self.x.nnz / self.x.shape[0] if sparse.issparse(self.x) else self.x.shape[1]
        outputs = len(np.unique(self.y)) if self.kind == "MLPClassifier" else 1
        outputs = 1 if outputs == 2 else outputs
        return 2 * min(200, self.x.shape[0]) * (2 * entries * 100 + 3 * 100 * outputs)


def scaled(x: Any) -> Any:
    """Centre and scale the columns."""
    return (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)


def cells() -> Iterator[Cell]:
    """The sets, with scikit-learn's default network of 100 hidden units."""
    rng = np.random.default_rng(0)
    for name, kind, load, epochs, wanted in (
        ("iris", "MLPClassifier", datasets.load_iris, 200, 8),
        ("wine", "MLPClassifier", datasets.load_wine, 200, 8),
        ("diabetes", "MLPRegressor", datasets.load_diabetes, 100, 8),
        ("breast_cancer", "MLPClassifier", datasets.load_breast_cancer, 100, 5),
    ):
        x, y = load(return_X_y=True)
        yield Cell(name, kind, scaled(x), y, epochs, wanted)
    x, y = datasets.load_digits(return_X_y=True)
    yield Cell("digits", "MLPClassifier", x, y, 30, 4)
    mnist = cr.datasets.mnist().train[:10_000]
    yield Cell("MNIST, 10,000 rows", "MLPClassifier", np.asarray(mnist.x) / 255.0, np.asarray(mnist.y), 10, 4)
    x = rng.normal(size=(50_000, 100))
    yield Cell("50,000 x 100", "MLPClassifier", x, (x @ rng.normal(size=100) > 0).astype(int), 5, 2.3)
    x = sparse.random(10_000, 20_000, 60 / 20_000, "csr", random_state=0)
    yield Cell("CSR 10,000 x 20,000", "MLPClassifier", x, rng.integers(2, size=10_000), 3, 8)


def fitting(cell: Cell, dtype: str) -> dict[str, Callable[[], Any]]:
    """What takes turns: scikit-learn at one thread and at two, and ours."""
    x, settings = cell.x.astype(dtype), {"max_iter": cell.epochs, "random_state": 0, "tol": 0.0}

    def fit(home: Any) -> None:
        assert getattr(home, cell.kind)(**settings).fit(x, cell.y).n_iter_ == cell.epochs

    return {name: partial(fit, home) for name, home in HOMES.items()}


@contextmanager
def limits(name: str) -> Iterator[None]:
    """Hold BLAS to a rival's number of threads, which takes milliseconds to set, and let the last one's threads come to rest."""
    with threadpool_limits(THREADS[name]) if name in THREADS else nullcontext():
        until = time.perf_counter() + REST
        while time.perf_counter() < until:  # at work, as the program would be that calls fit: a core that slept begins slowly
            pass
        yield


def peak(dtype: str) -> float:
    """Measure products a second of large matrices on one core."""
    a = np.ones((1000, 1000), dtype)
    with threadpool_limits(1):
        seconds = []
        for _ in range(8):
            began = time.perf_counter()
            a @ a
            seconds.append(time.perf_counter() - began)
    return 2e9 / min(seconds)


def compare(cell: Cell, dtype: str, rounds: int, flops: float) -> float:
    """Print a line; give how many times as fast we are."""
    seconds = take_turns(fitting(cell, dtype), rounds, limits)
    better = min(THREADS, key=lambda name: median(seconds[name]))
    ratio = ratios(seconds["ours"], seconds[better])
    theirs, ours = (median(seconds[name]) / cell.steps * 1e6 for name in (better, "ours"))
    roof = cell.flops / flops * 1e6
    verdict = f"to reach {cell.wanted:g}x{'' if ratio >= cell.wanted else '  NOT REACHED'}" if dtype == "float64" else ""
    print(
        f"{cell.name:20} {dtype}  {better} {theirs:8.0f} us a step, ours {ours:7.0f}, roof {roof:6.0f} ({roof / ours:4.0%} of it)  "
        f"{ratio:5.1f}x  {verdict}",
        flush=True,
    )
    return ratio


def small_things(rounds: int) -> None:
    """Print what one short fit and one row's prediction take, what L-BFGS does, and what threads bring."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)), rng.integers(3, size=50)
    homes = {"sklearn": neural_network, "ours": cr}
    short = {name: (lambda home=home: home.MLPClassifier(max_iter=1, random_state=0).fit(x, y)) for name, home in homes.items()}
    seconds = take_turns(short, 10 * rounds)
    ours, theirs = (1e3 * median(seconds[name]) for name in ("ours", "sklearn"))
    print(f"fit of 50 rows, one epoch: ours {ours:.2f} ms, sklearn {theirs:.2f} ms; to reach 0.5 ms")
    fitted = {name: home.MLPClassifier(max_iter=3, random_state=0).fit(x, y) for name, home in homes.items()}
    row = x[:1]
    seconds = take_turns(
        {name: (lambda m=model: [m.predict(row) for _ in range(50)]) for name, model in fitted.items()}, 5 * rounds
    )
    ours, theirs = (1e6 / 50 * median(seconds[name]) for name in ("ours", "sklearn"))
    print(f"predict of one row: ours {ours:.1f} us, sklearn {theirs:.1f} us; to reach 20 us")
    small = list(cells())[:5]
    for cell in small:
        lbfgs(cell, rounds)
    for cell in small:
        one_thread_or_several(cell, rounds)
    side_by_side(small[-1], rounds)


def lbfgs(cell: Cell, rounds: int) -> None:
    """Print what an evaluation of the cost and its gradient takes, and a whole fit; scikit-learn at its better threads."""
    minimize, evaluations = optimize.minimize, dict[str, list[float]]()

    def fit(name: str, home: Any) -> None:
        def timed(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            def once(*point: Any) -> Any:
                began = time.perf_counter()
                answer = fun(*point)
                evaluations.setdefault(name, []).append(time.perf_counter() - began)
                return answer

            return minimize(once, *args, **kwargs)

        optimize.minimize = timed  # both hand their cost and gradient over to it
        try:
            getattr(home, cell.kind)(solver="lbfgs", max_iter=30, random_state=0).fit(cell.x, cell.y)
        finally:
            optimize.minimize = minimize

    seconds = take_turns({name: partial(fit, name, home) for name, home in HOMES.items()}, rounds, limits)
    theirs, ours = min(median(evaluations[name]) for name in THREADS), median(evaluations["ours"])
    whole = min(median(seconds[name]) for name in THREADS) / median(seconds["ours"])
    verdict = "" if theirs >= GRADIENT * ours else "  NOT REACHED"
    print(
        f"lbfgs, {cell.name:13} an evaluation: sklearn {1e6 * theirs:6.0f} us, ours {1e6 * ours:6.0f}  {theirs / ours:4.1f}x  "
        f"to reach {GRADIENT:g}x{verdict}; the whole fit, 30 iterations: {whole:.1f}x",
        flush=True,
    )


def one_thread_or_several(cell: Cell, rounds: int) -> None:
    """Print what a fit takes that chooses its threads, beside one that has a single thread: there is to be no cliff."""

    def fit(threads: Any) -> None:
        getattr(cr, cell.kind)(max_iter=cell.epochs, random_state=0, tol=0.0, threads=threads).fit(cell.x, cell.y)

    seconds = take_turns({"auto": partial(fit, "auto"), "one": partial(fit, 1)}, 3 * rounds)
    auto, one = (1e3 * median(seconds[name]) for name in ("auto", "one"))
    print(f"threads, {cell.name:13} chosen {auto:6.1f} ms, one {one:6.1f} ms  {one / auto:4.2f}x", flush=True)


def side_by_side(cell: Cell, rounds: int) -> None:
    """Print what a search with two processes takes, ours choosing its threads and with one each."""

    def search(threads: Any) -> None:
        model = getattr(cr, cell.kind)(max_iter=cell.epochs, random_state=0, tol=0.0, threads=threads)
        GridSearchCV(model, {"alpha": [1e-5, 1e-4, 1e-3, 1e-2]}, cv=3, n_jobs=2).fit(cell.x, cell.y)

    seconds = take_turns({"auto": partial(search, "auto"), "one": partial(search, 1)}, 2 * rounds)
    auto, one = (1e3 * median(seconds[name]) for name in ("auto", "one"))
    print(
        f"GridSearchCV with n_jobs=2, {cell.name}: threads chosen {auto:.0f} ms, one each {one:.0f} ms  {one / auto:.2f}x",
        flush=True,
    )


def main(rounds: int) -> None:
    """Print every cell in float64, the mean, float32 beside it, and the small things."""
    warnings.simplefilter("ignore")
    for dtype in ("float64", "float32"):
        flops = peak(dtype)
        reached = [compare(cell, dtype, rounds, flops) for cell in cells()]
        mean = geometric_mean(reached)
        missed = "" if dtype == "float32" or mean >= MEAN else "  NOT REACHED"
        print(f"geometric mean, {dtype}: {mean:.1f}x{f'; to reach {MEAN:g}x' if dtype == 'float64' else ''}{missed}\n", flush=True)
    small_things(rounds)


def run() -> int:
    """Read the command line, and run."""
    main(arguments("estimators", "Time scikit-learn's MLP and ours.", turns=ROUNDS).turns)
    return 0


if __name__ == "__main__":
    run()
