"""scikit-learn's MLP compared with chainrule's estimators: ``python -m benchmarks estimators [ROUNDS]``.

Both libraries fit in one process, in turn, with equal parameters, dtype, seed and number of epochs (which is asserted). Of
scikit-learn, the faster of one and two threads counts. A figure is the time of a whole ``fit``, with validation and preparation,
divided by the number of steps. The bound is the time of the matrix products alone at the peak speed of one core, measured with a
product of large matrices; a fit that skips zeros or uses several cores can be faster than it.
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
from benchmarks.command_line import arguments
from benchmarks.interleaved import median_ratio, time_interleaved

PAUSE = 0.1  # seconds before each fit: after a product, BLAS' threads spin for a while on a core that the next fit may need
LIBRARIES = {"sklearn 2": neural_network, "sklearn 1": neural_network, "chainrule": cr}
THREADS = {"sklearn 2": 2, "sklearn 1": 1}
ROUNDS = 5
REQUIRED_MEAN = 5.0  # the geometric mean of the speedups in float64
REQUIRED_GRADIENT = 5.0  # the speedup of one evaluation of the cost and gradient in lbfgs


@dataclass(frozen=True)
class Cell:
    """A data set, the number of epochs, and the required speedup over scikit-learn in float64."""

    name: str
    kind: str
    x: Any
    y: Any
    epochs: int
    required: float

    @property
    def steps(self) -> int:
        """The number of mini-batches of a fit."""
        n = self.x.shape[0]
        return self.epochs * -(-n // min(200, n))

    @property
    def flops(self) -> float:
        """The flops of a step's matrix products: forward, weight gradients and hidden deltas, without those of sparse zeros."""
        entries = self.x.nnz / self.x.shape[0] if sparse.issparse(self.x) else self.x.shape[1]
        outputs = len(np.unique(self.y)) if self.kind == "MLPClassifier" else 1
        outputs = 1 if outputs == 2 else outputs
        return 2 * min(200, self.x.shape[0]) * (2 * entries * 100 + 3 * 100 * outputs)


def scaled(x: Any) -> Any:
    """Standardize the columns."""
    return (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-12)


def cells() -> Iterator[Cell]:
    """Iterate over the data sets, each for scikit-learn's default network of 100 hidden units."""
    rng = np.random.default_rng(0)
    for name, kind, load, epochs, required in (
        ("iris", "MLPClassifier", datasets.load_iris, 200, 8),
        ("wine", "MLPClassifier", datasets.load_wine, 200, 8),
        ("diabetes", "MLPRegressor", datasets.load_diabetes, 100, 8),
        ("breast_cancer", "MLPClassifier", datasets.load_breast_cancer, 100, 5),
    ):
        x, y = load(return_X_y=True)
        yield Cell(name, kind, scaled(x), y, epochs, required)
    x, y = datasets.load_digits(return_X_y=True)
    yield Cell("digits", "MLPClassifier", x, y, 30, 4)
    mnist = cr.datasets.mnist().train[:10_000]
    yield Cell("MNIST, 10,000 rows", "MLPClassifier", np.asarray(mnist.x) / 255.0, np.asarray(mnist.y), 10, 4)
    x = rng.normal(size=(50_000, 100))
    yield Cell("50,000 x 100", "MLPClassifier", x, (x @ rng.normal(size=100) > 0).astype(int), 5, 2.3)
    x = sparse.random(10_000, 20_000, 60 / 20_000, "csr", random_state=0)
    yield Cell("CSR 10,000 x 20,000", "MLPClassifier", x, rng.integers(2, size=10_000), 3, 8)


def fits(cell: Cell, dtype: str) -> dict[str, Callable[[], Any]]:
    """Make the fits to time: scikit-learn's with one and with two threads, and chainrule's."""
    x, settings = cell.x.astype(dtype), {"max_iter": cell.epochs, "random_state": 0, "tol": 0.0}

    def fit(library: Any) -> None:
        assert getattr(library, cell.kind)(**settings).fit(x, cell.y).n_iter_ == cell.epochs

    return {name: partial(fit, library) for name, library in LIBRARIES.items()}


@contextmanager
def thread_limit(name: str) -> Iterator[None]:
    """Limit BLAS to a candidate's number of threads, which takes milliseconds, and wait until the previous fit's threads sleep."""
    with threadpool_limits(THREADS[name]) if name in THREADS else nullcontext():
        end = time.perf_counter() + PAUSE
        while time.perf_counter() < end:  # busy, as a program that calls fit would be: a core that has slept starts slowly
            pass
        yield


def peak(dtype: str) -> float:
    """Measure the flops per second of a product of large matrices on one core."""
    a = np.ones((1000, 1000), dtype)
    with threadpool_limits(1):
        seconds = []
        for _ in range(8):
            start = time.perf_counter()
            a @ a
            seconds.append(time.perf_counter() - start)
    return 2e9 / min(seconds)


def compare(cell: Cell, dtype: str, rounds: int, flops: float) -> float:
    """Compare one cell, print a line, and return the speedup."""
    seconds = time_interleaved(fits(cell, dtype), rounds, thread_limit)
    better = min(THREADS, key=lambda name: median(seconds[name]))
    ratio = median_ratio(seconds["chainrule"], seconds[better])
    sklearn, own = (median(seconds[name]) / cell.steps * 1e6 for name in (better, "chainrule"))
    bound = cell.flops / flops * 1e6
    check = f"required: {cell.required:g}x{'' if ratio >= cell.required else '  NOT MET'}" if dtype == "float64" else ""
    times = f"{better} {sklearn:8.0f} us per step, chainrule {own:7.0f}, bound {bound:6.0f} ({bound / own:4.0%})"
    print(f"{cell.name:20} {dtype}  {times}  {ratio:5.1f}x  {check}", flush=True)
    return ratio


def compare_small_work(rounds: int) -> None:
    """Compare a short fit, the prediction of one row, lbfgs, and numbers of threads."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)), rng.integers(3, size=50)
    models = {"sklearn": neural_network.MLPClassifier, "chainrule": cr.MLPClassifier}
    short = {name: (lambda model=model: model(max_iter=1, random_state=0).fit(x, y)) for name, model in models.items()}
    seconds = time_interleaved(short, 10 * rounds)
    own, sklearn = (1e3 * median(seconds[name]) for name in ("chainrule", "sklearn"))
    print(f"fit of 50 rows, one epoch: chainrule {own:.2f} ms, sklearn {sklearn:.2f} ms; required: 0.5 ms")
    fitted = {name: model(max_iter=3, random_state=0).fit(x, y) for name, model in models.items()}
    row = x[:1]
    seconds = time_interleaved(
        {name: (lambda m=model: [m.predict(row) for _ in range(50)]) for name, model in fitted.items()}, 5 * rounds
    )
    own, sklearn = (1e6 / 50 * median(seconds[name]) for name in ("chainrule", "sklearn"))
    print(f"predict of one row: chainrule {own:.1f} us, sklearn {sklearn:.1f} us; required: 20 us")
    small = list(cells())[:5]
    for cell in small:
        compare_lbfgs(cell, rounds)
    for cell in small:
        compare_threads(cell, rounds)
    compare_search(small[-1], rounds)


def compare_lbfgs(cell: Cell, rounds: int) -> None:
    """Compare one evaluation of the cost and its gradient, and a whole fit; of scikit-learn the faster of both thread numbers."""
    minimize, evaluations = optimize.minimize, dict[str, list[float]]()

    def fit(name: str, library: Any) -> None:
        def timed(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            def once(*point: Any) -> Any:
                start = time.perf_counter()
                value = fun(*point)
                evaluations.setdefault(name, []).append(time.perf_counter() - start)
                return value

            return minimize(once, *args, **kwargs)

        optimize.minimize = timed  # both libraries pass their cost and gradient to it
        try:
            getattr(library, cell.kind)(solver="lbfgs", max_iter=30, random_state=0).fit(cell.x, cell.y)
        finally:
            optimize.minimize = minimize

    calls = {name: partial(fit, name, library) for name, library in LIBRARIES.items()}
    seconds = time_interleaved(calls, rounds, thread_limit)
    sklearn, own = min(median(evaluations[name]) for name in THREADS), median(evaluations["chainrule"])
    fit_ratio = min(median(seconds[name]) for name in THREADS) / median(seconds["chainrule"])
    check = "" if sklearn >= REQUIRED_GRADIENT * own else "  NOT MET"
    evaluation = f"sklearn {1e6 * sklearn:6.0f} us, chainrule {1e6 * own:6.0f}  {sklearn / own:4.1f}x"
    print(
        f"lbfgs, {cell.name:13} one evaluation: {evaluation}  required: {REQUIRED_GRADIENT:g}x{check}; "
        f"the whole fit, 30 iterations: {fit_ratio:.1f}x",
        flush=True,
    )


def compare_threads(cell: Cell, rounds: int) -> None:
    """Compare a fit that chooses its number of threads with one on a single thread; it must not be much slower."""

    def fit(threads: Any) -> None:
        getattr(cr, cell.kind)(max_iter=cell.epochs, random_state=0, tol=0.0, threads=threads).fit(cell.x, cell.y)

    seconds = time_interleaved({"auto": partial(fit, "auto"), "one": partial(fit, 1)}, 3 * rounds)
    auto, one = (1e3 * median(seconds[name]) for name in ("auto", "one"))
    print(f"threads, {cell.name:13} auto {auto:6.1f} ms, one {one:6.1f} ms  {one / auto:4.2f}x", flush=True)


def compare_search(cell: Cell, rounds: int) -> None:
    """Compare a grid search in two processes that choose their numbers of threads with one that uses one thread each."""

    def search(threads: Any) -> None:
        model = getattr(cr, cell.kind)(max_iter=cell.epochs, random_state=0, tol=0.0, threads=threads)
        GridSearchCV(model, {"alpha": [1e-5, 1e-4, 1e-3, 1e-2]}, cv=3, n_jobs=2).fit(cell.x, cell.y)

    seconds = time_interleaved({"auto": partial(search, "auto"), "one": partial(search, 1)}, 2 * rounds)
    auto, one = (1e3 * median(seconds[name]) for name in ("auto", "one"))
    print(
        f"GridSearchCV with n_jobs=2, {cell.name}: threads auto {auto:.0f} ms, one each {one:.0f} ms  {one / auto:.2f}x",
        flush=True,
    )


def main(rounds: int) -> None:
    """Compare all cells in float64 and in float32, then the small work."""
    warnings.simplefilter("ignore")
    for dtype in ("float64", "float32"):
        flops = peak(dtype)
        mean = geometric_mean([compare(cell, dtype, rounds, flops) for cell in cells()])
        check = f"; required: {REQUIRED_MEAN:g}x{'' if mean >= REQUIRED_MEAN else '  NOT MET'}" if dtype == "float64" else ""
        print(f"geometric mean, {dtype}: {mean:.1f}x{check}\n", flush=True)
    compare_small_work(rounds)


def run() -> int:
    """Parse the command line, run the comparison, and return the exit status."""
    main(arguments("estimators", "Compare scikit-learn's MLP with chainrule's estimators.", count=ROUNDS).count)
    return 0


if __name__ == "__main__":
    run()
