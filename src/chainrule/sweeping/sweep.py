"""``sweep``: train every run of a space of settings, keep each result at once, and choose the best by the validation examples.

How data flows::

    sweep(space, examples, ...)            parse_space -> make_points -> Search; SweepTask holds the data
      Sweep.train
        Search.begin -> Queue              the runs that need no result, the longest first
        pool.submit(queue.next_task())     LocalPool: threads; RayPool: tasks of many runs
        pool.take() -> RunResult
          SweepFolder.append               a finished run is on the disk before it counts
          Search.tell -> Queue             in successive halving, the runs that follow
      Sweep.best_network                   trained again from its settings, which gives the same bits
      write_outputs                        runs.parquet and the plots
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from .. import __version__
from .._checks import check_int, check_seed
from ..calculus.costs import find_cost
from ..checkpoints.fingerprint import fingerprint
from ..engines import Threads, thread_count
from ..errors import ArgumentTypeError, DataError, EngineError, SettingError, look_up
from ..examples import Examples, as_examples
from ..held_signals import SignalHolder, exit_on_signals
from ..interrupts import drain
from ..network import Network
from ..plotting.figure_style import import_matplotlib
from ..ray_cluster import check_address, import_ray
from .checked_points import points_to_check
from .live_table import Tell, live_table
from .local_pool import LocalPool
from .outputs import MODEL, plot_names, summary_of, write_outputs
from .pool import TASKS_A_WORKER, Pool, Queue
from .ray_pool import RayPool
from .result_table import Group, best_of, groups_of, rows_of
from .search import MOST_RUNS, Search, SweepRun, as_json, make_points, rungs_of
from .space import Space, describe, network_settings, parse_space, training_settings
from .sweep_folder import SweepFolder
from .sweep_run import RunResult, SweepTask, name_of, result_of, with_name

Where: TypeAlias = Literal["local", "ray"]

POLL_SECONDS = 0.2
MOST_SEEDS = 10_000
MOST_THREADS = 1024


@dataclass(frozen=True)
class SweepResult:
    """The results of a sweep.

    Attributes
    ----------
    runs : tuple of RunResult
        In the order of the points, seeds and epochs.
    best : RunResult or None
        The run with the best validation score; None where all diverged.
    network : Network or None
        Its network.
    """

    runs: tuple[RunResult, ...]
    best: RunResult | None
    network: Network | None

    @property
    def groups(self) -> list[Group]:
        """The runs that differ in their seed alone, the best mean first."""
        return groups_of(self.runs)

    def rows(self) -> list[dict[str, Any]]:
        """Give a mapping for each run, from a column of ``runs.parquet`` to its value, as ``pandas.DataFrame`` takes them."""
        return rows_of(self.runs)

    def __repr__(self) -> str:
        return f"SweepResult({summary_of(self.runs)})"


@dataclass(frozen=True)
class SweepRequest:
    """Which runs a sweep trains, and where.

    Attributes
    ----------
    space : mapping
        As ``parse_space`` gives it.
    seeds : tuple of int
    epochs : int
    search : {"grid", "random", "asha"}
    trials : int or None
        The points that random and asha sample.
    search_seed : int
    on : {"local", "ray"}
    address : str or None
        Of a Ray cluster; None to begin one.
    threads : int or "auto"
    folder : Path or None
    resume : bool
    plots : bool
    """

    space: Space
    seeds: tuple[int, ...]
    epochs: int
    search: str = "grid"
    trials: int | None = None
    search_seed: int = 0
    on: Where = "local"
    address: str | None = None
    threads: Threads = "auto"
    folder: Path | None = None
    resume: bool = False
    plots: bool = True

    def __post_init__(self) -> None:
        check_int("epochs", self.epochs, least=1)
        if self.trials is not None:
            check_int("trials", self.trials, least=1, most=MOST_RUNS)
        check_seed("search_seed", self.search_seed)
        if not self.seeds:
            raise SettingError("seeds must be at least 1")
        if self.on not in ("local", "ray"):
            raise SettingError(f"on must be 'local' or 'ray'; it is {self.on!r}")
        if self.address is not None and self.on != "ray":
            raise SettingError("address is that of a Ray cluster; give on='ray' too (--on ray)")
        if self.resume and self.folder is None:
            raise SettingError("resume goes on with the sweep in a folder; name it by out=")


class Sweep:
    """One sweep, whose settings have been checked.

    Parameters
    ----------
    task : SweepTask
    request : SweepRequest

    Attributes
    ----------
    points : list of Point
    results : list of RunResult
        Those that are finished.

    Raises
    ------
    SettingError, DataError, EngineError
        When a setting does not fit; the message names the run.
    MissingExtra
        When Ray or matplotlib is needed and not installed.
    """

    def __init__(self, task: SweepTask, request: SweepRequest) -> None:
        self.task, self.request = task, request
        fixed = [name for name in request.space if name in task.settings]
        if fixed:
            raise SettingError(f"{fixed[0]} is in the space, and given beside it as well; leave one out")
        _check_names(task.settings, request.space)
        self.points = make_points(request.space, request.search, request.trials, request.search_seed)
        if len(self.points) * len(request.seeds) > MOST_RUNS:
            raise SettingError(f"{len(self.points):,} points with {len(request.seeds):,} seeds are more than {MOST_RUNS:,} runs")
        self.rungs = rungs_of(request.epochs) if request.search == "asha" else [request.epochs]
        self.search = Search(self.points, request.seeds, self.rungs)
        self.threads = thread_count(
            request.threads if request.threads == "auto" else check_int("threads", request.threads, least=1, most=MOST_THREADS)
        )
        self.engine = self._check_points()
        self.results: list[RunResult] = []
        self.messages: list[str] = []
        self._known = 0  # the runs that are known: in successive halving, results bring more
        self._folder = None if request.folder is None else SweepFolder(request.folder)
        if request.on == "ray":
            import_ray()
            if request.address is not None:
                check_address(request.address)

    def _check_points(self) -> str:
        """Make a training of each point that stands for others, so that a mistake is found before the first run; prepare the data.

        Returns the engine that decides the bits.
        """
        engines: dict[str, None] = {}
        values = "accuracy"
        checked = points_to_check(self.points)
        for number in checked:
            run = SweepRun(number, self.request.seeds[0], self.rungs[0], self.points[number])
            try:
                training = self.task.start(run)
                training.prepare_data()
                if self.task.test is not None:
                    training.engine.prepare(training.network.check_examples(self.task.test))
            except (SettingError, DataError, EngineError) as error:
                raise with_name(run, error) from None
            engines[training.engine.made_by()] = None
            values = values if training.classes else "cost"
        if values == "cost" and len({dict(self.points[number]).get("cost") for number in checked}) > 1:
            raise SettingError(
                "runs are compared by their validation cost, and the cost varies: give one cost, or sweep each on its own"
            )
        return ", ".join(engines)

    def describe(self) -> dict[str, Any]:
        """Give all that the results depend on, in JSON's types."""
        request, task = self.request, self.task
        return {
            "format": 1,
            "chainrule": __version__,
            "engine": self.engine,
            "space": {name: describe(parameter) for name, parameter in request.space.items()},
            "search": request.search,
            "trials": request.trials,
            "search_seed": request.search_seed if request.search != "grid" else None,
            "seeds": list(request.seeds),
            "epochs": request.epochs,
            "settings": as_json(task.settings),
            "n_out": task.n_out,
            "train": fingerprint(task.train),
            "validation": fingerprint(task.validation),
            "test": None if task.test is None else fingerprint(task.test),
        }

    def train(self, tell: Tell = lambda results, left: None, pool: Pool | None = None) -> list[RunResult]:
        """Train the runs that are missing, and give all results.

        Parameters
        ----------
        tell : callable
            Is told of the runs that have finished.
        pool : Pool, optional
            One that is there, of this sweep's task, and goes on; by default one is made for the sweep.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C, once the finished runs are in the folder.
        """
        if self._folder is None:
            self._train([], tell, pool)
            return self.results
        self._check_outputs()
        with self._folder.locked():
            finished, self.messages = self._folder.begin(self.describe(), resume=self.request.resume)
            try:
                self._train(finished, tell, pool)
            finally:
                self._folder.flush()
        return self.results

    def _check_outputs(self) -> None:
        """Refuse, before the work begins, a folder in which a plot cannot be written."""
        assert self._folder is not None  # noqa: S101
        if self.request.plots and plot_names(self.request.space):
            import_matplotlib()
        if self._folder.folder.exists() and not self._folder.folder.is_dir():
            raise SettingError(f"{self._folder.folder} is a file; name a folder by out= (--out)")

    def _train(self, finished: Sequence[RunResult], tell: Tell, standing: Pool | None) -> None:
        queue = Queue(self.task.work_of)
        left = {run.key: run for run in self.search.begin()}
        self._take(finished, left)
        queue.add(left.values())
        self._known = len(self.results) + len(queue)
        tell(list(self.results), len(queue))
        if not queue:
            return
        with exit_on_signals(), SignalHolder().installed() as signals, self._pool(standing) as pool:
            try:
                while len(queue) or pool.load:
                    while len(queue) and pool.load < TASKS_A_WORKER * pool.slots:
                        pool.submit(queue.next_task(pool.slots, pool.task_seconds))
                    pool.wait(POLL_SECONDS)
                    with signals:  # a result that was taken is in the folder before Ctrl-C is heeded
                        self._keep(pool.take(), queue, tell)
            except (KeyboardInterrupt, SystemExit):
                pool.stop()
                with signals:
                    self._keep(pool.take(), queue, tell)
                raise

    def _take(self, finished: Sequence[RunResult], left: dict[tuple[int, int, int], SweepRun]) -> None:
        """Take results of before, and move the runs that are left.

        Raises
        ------
        DataError
            When a result is of no run of this sweep.
        """
        waiting = {result.run: result for result in finished}
        while known := [run for run in left.values() if run in waiting]:
            for run in known:
                del left[run.key]
                result = waiting.pop(run)
                self.results.append(result)
                left.update({each.key: each for each in self.search.tell(run, result.score)})
        if waiting:
            raise DataError(
                f"the folder holds a run that this sweep does not have: {name_of(next(iter(waiting)))}; name another folder"
            )

    def _keep(self, results: list[RunResult], queue: Queue, tell: Tell) -> None:
        """Write results to the folder, and queue the runs that follow from them."""
        if not results:
            return
        if self._folder is not None:
            self._folder.append(results)
        self.results += results
        for result in results:
            queue.measure(result.run, result.seconds)
            following = self.search.tell(result.run, result.score)
            queue.add(following)
            self._known += len(following)
        tell(results, self._known - len(self.results))

    def _pool(self, standing: Pool | None) -> AbstractContextManager[Pool]:
        """Give the pool for a block: one that is there is not closed by it."""
        if standing is not None:
            return nullcontext(standing)
        if self.request.on == "ray":
            return RayPool(self.task, self.threads, self.request.address)
        return LocalPool(self.task, self.threads)

    def best_network(self) -> Network | None:
        """Train the best run again, on all cores, which gives the bits that it had; None where all diverged.

        Raises
        ------
        EngineError
            When the scores differ: it was trained on a machine with another instruction set.
        DataError
            When they differ on the same: the folder's results were changed.
        """
        best = best_of(self.results)
        if best is None:
            return None
        training = self.task.start(best.run, threads="auto")
        drain(training)
        again = result_of(self.task, best.run, training, best.seconds)
        if not again.same_bits(best):
            if again.engine == best.engine:
                raise DataError(
                    f"the results of the best run, with {name_of(best.run)}, are not those that its settings give: its line in the "
                    "folder was changed; remove the line, and go on with resume=True (--resume)"
                )
            raise EngineError(
                f"the best run, with {name_of(best.run)}, was trained by {best.engine}, and {again.engine} gives another result "
                "here; train it there: every run's settings are in the table"
            )
        return training.network

    def write(self, network: Network | None) -> None:
        """Write the table, the plots, and the best network where there is one, into the folder."""
        folder = self.request.folder
        if folder is None:
            return
        write_outputs(folder, self.results, self.request.space, plots=self.request.plots)
        if network is not None:
            network.save(folder / MODEL)


def sweep(
    space: Mapping[str, Any],
    examples: Any,
    *,
    validation: Any,
    epochs: int,
    test: Any = None,
    seeds: int | Iterable[int] = 1,
    search: str = "grid",
    trials: int | None = None,
    search_seed: int = 0,
    n_out: int | None = None,
    on: Where = "local",
    address: str | None = None,
    threads: Threads = "auto",
    engine: str = "auto",
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    plots: bool = True,
    progress: bool = False,
    **settings: Any,
) -> SweepResult:
    """Train a network for each point of a space of settings and each seed, several at a time, and choose the best.

    Each run has the bits of ``cr.train`` with its settings and seed, locally and on Ray. The best run is that with the best
    accuracy on the validation examples, or where y holds values with the least validation cost; the test examples choose nothing.

    Parameters
    ----------
    space : mapping
        From a setting of ``Network`` or ``Run``, or from ``hidden``, the units of the hidden layers, to a list of values, or to a
        text as on the command line: ``{"hidden": [10, 30, (128, 64)], "learning_rate": "0.1..3:log:5"}`` has 15 points. A range is
        ``LOW..HIGH``, with ``:log`` where equal steps are equal factors, and for a grid the number of values, 5 if not given.
    examples, validation : Examples or (x, y)
    epochs : int
        Of each run; with ``search="asha"`` the most.
    test : Examples or (x, y), optional
        Evaluated after each run.
    seeds : int or iterable of int
        Each point is trained with the seeds 0 to ``seeds - 1``, or with these.
    search : {"grid", "random", "asha"}
        All combinations; or ``trials`` points drawn from the space; or these by successive halving: all points are trained for a
        few epochs, and the best third of them for three times as many, up to ``epochs``.
    trials : int, optional
    search_seed : int
        Decides which points are drawn.
    n_out : int, optional
        The outputs of each network; by default one for each class of integer labels, or for each column of y.
    on : {"local", "ray"}
        Where: threads of this process, or tasks on Ray (``pip install 'chainrule[ray]'``).
    address : str, optional
        Of a Ray cluster, such as ``"10.0.0.1:6379"``. Without it the connection that this process has is taken, or a cluster begins
        on this machine, and ends with the sweep.
    threads : int or "auto"
        How many networks train at a time, each on one thread; by default the number of cores.
    engine : str
    out : path, optional
        A folder for the results: each finished run at once, and at the end ``runs.parquet``, ``best.safetensors`` and the plots.
    resume : bool
        Whether to go on with this sweep in the folder, where one was begun.
    plots : bool
        Whether to draw the plots in the folder, which needs matplotlib.
    progress : bool
        Whether to show the best points while the sweep goes on.
    **settings
        The settings of ``Network`` and ``Run`` that do not vary; ``batch_size`` and ``learning_rate`` are needed here or in the
        space.

    Returns
    -------
    SweepResult
        With ``runs``, ``best`` and ``network``; a run that diverged is a result without scores.

    Raises
    ------
    SettingError, DataError, EngineError
        When a setting does not fit, or the folder holds another sweep.
    MissingExtra
        When Ray, or matplotlib for the plots, is not installed.
    KeyboardInterrupt
        On Ctrl-C, once the finished runs are in the folder.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(300, 2))
    >>> examples = Examples(x, (x[:, 0] > x[:, 1]).astype(int))
    >>> space = {"hidden": [2, 4], "learning_rate": [0.1, 1.0]}
    >>> found = sweep(space, examples[:200], validation=examples[200:], epochs=5, batch_size=10, seeds=2)
    >>> len(found.runs), found.best.validation_accuracy > 0.8
    (8, True)
    """
    train = as_examples(examples)
    parts = [None if part is None else as_examples(part) for part in (validation, test)]
    if parts[0] is None:
        raise SettingError(
            "a sweep chooses by validation examples; split some off: train, validation, test = examples.split(0.7, 0.15)"
        )
    parsed = parse_space(space)
    task = SweepTask(
        train=train,
        validation=parts[0],
        test=parts[1],
        n_out=count_outputs([train, *parts], settings, parsed) if n_out is None else check_int("n_out", n_out, least=1),
        settings={**settings, **({"hidden": _layers(settings["hidden"])} if "hidden" in settings else {})},
        engine=engine,
    )
    request = SweepRequest(
        space=parsed,
        seeds=read_seeds(seeds),
        epochs=epochs,
        search=search,
        trials=trials,
        search_seed=search_seed,
        on=on,
        address=address,
        threads=threads,
        folder=None if out is None else Path(out),
        resume=resume,
        plots=plots,
    )
    whole = Sweep(task, request)
    with live_table(progress) as tell:
        whole.train(tell)
    network = whole.best_network()
    whole.write(network)
    return SweepResult(tuple(sorted(whole.results, key=lambda each: each.run.key)), best_of(whole.results), network)


def _layers(hidden: Any) -> tuple[int, ...]:
    """Read the hidden layers that do not vary: one number, or a list of them."""
    return (int(hidden),) if isinstance(hidden, (int, np.integer)) else tuple(hidden)


def read_seeds(seeds: int | Iterable[int]) -> tuple[int, ...]:
    """Read a number of seeds, from 0 on, or the seeds themselves, each once.

    Examples
    --------
    >>> read_seeds(3), read_seeds([5, 7])
    ((0, 1, 2), (5, 7))
    """
    if isinstance(seeds, Iterable) and not isinstance(seeds, (str, bytes)):
        given = tuple(check_seed("seeds", seed) for seed in seeds)
        if len(set(given)) < len(given):
            raise SettingError("seeds holds the same seed twice; give each once")
        if len(given) > MOST_SEEDS:
            raise SettingError(f"at most {MOST_SEEDS:,} seeds are trained; there are {len(given):,}")
        return given
    return tuple(range(check_int("seeds", seeds, least=1, most=MOST_SEEDS)))


def _check_names(settings: Mapping[str, Any], space: Space) -> None:
    """Refuse unknown settings, and a sweep without a learning rate or batch size."""
    known = dict.fromkeys(("hidden", *network_settings(), *training_settings()))
    for name in settings:
        look_up("setting of a sweep", name, known)
    for name in ("learning_rate", "batch_size"):
        if name not in settings and name not in space:
            raise ArgumentTypeError(f"sweep() needs {name}: a list of values in the space, or one value as {name}=")


def count_outputs(parts: Iterable[Examples | None], settings: Mapping[str, Any], space: Space) -> int:
    """Count the outputs that networks for some data need.

    Raises
    ------
    DataError
        When there is no y.
    SettingError
        When the costs of the space need different numbers of outputs.
    """
    ys = [np.asarray(part.y) for part in parts if part is not None and part.y is not None]
    if not ys:
        raise DataError("these examples have no y; give labels or targets as well")
    if ys[0].ndim == 2:
        return int(ys[0].shape[1])
    costs, outputs = (
        getattr(space.get(name), "values", None) or (settings.get(name, usual),)
        for name, usual in (("cost", "quadratic"), ("output", None))
    )
    of_values = {(output or find_cost(cost).output) in ("identity", "exp") for cost in costs for output in outputs}
    if len(of_values) > 1:
        raise SettingError("some of these costs and outputs are for classes and others for values; sweep them apart, or give n_out")
    if of_values.pop() or ys[0].dtype.kind not in "iub":
        return 1
    return max(2, 1 + int(max(y.max() for y in ys)))
