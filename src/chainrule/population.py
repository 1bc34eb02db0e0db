"""A population: many networks trained at a time over one prepared copy of the data, one network a thread.

Populations compare seeds, learning rates and widths, and make ensembles. A small network gains nothing from several cores; a
population uses all cores with one thread a network.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from ._checks import check_int
from ._format import pluralize
from ._warnings import user_stacklevel
from .checkpoints.run_folder import RunFolder
from .engines import Threads, thread_count
from .errors import ArgumentTypeError, ChainruleError, FileError, SettingError
from .examples import as_examples
from .held_signals import exit_on_signals
from .history import History
from .network import Network
from .training import DivergenceWarning, Run

INTERRUPT_POLL_SECONDS = 0.2


def train_population(
    networks: Iterable[Network],
    examples: Any,
    *,
    threads: Threads = "auto",
    validation: Any = None,
    progress: bool = False,
    **settings: Any,
) -> list[History]:
    """Train several networks in place at the same time; each gets the bits that ``cr.train`` alone would give it.

    Parameters
    ----------
    networks : sequence of Network
        Of any sizes that fit the examples; each network once.
    examples : Examples or (x, y)
        Prepared once for all networks.
    threads : int or "auto"
        How many networks train at a time, each on one thread; by default the number of cores.
    validation : Examples or (x, y), optional
    progress : bool
        Whether to show a bar of the epochs done.
    **settings
        Those of ``cr.train``: ``epochs``, ``batch_size``, ``learning_rate`` and the rest. A list has an entry for each
        network: ``learning_rate=[0.1, 1.0, 3.0]``. ``callbacks`` are shared by all networks, and called from each network's thread.
        For folds, ``rows`` and ``validation_rows`` are lists of row numbers: all networks share one prepared copy of the data.
        ``checkpoint`` is one folder, with a folder for each network in it: 000, 001, ...

    Returns
    -------
    list of History
        In the networks' order. Ctrl-C ends the trainings once the epochs under way are done: each network keeps the parameters of
        its last epoch, and its history says ``"interrupted"``. After all have ended, a ``DivergenceWarning`` names each network
        that diverged.

    Raises
    ------
    SettingError, DataError, EngineError
        As ``Run``; before any network is changed.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> networks = [Network([2, 4, 1], cost="mean_squared_error", seed=seed) for seed in range(3)]
    >>> settings = {"epochs": 20, "batch_size": 10, "learning_rate": [0.05, 0.1, 0.2]}
    >>> histories = train_population(networks, (x, x[:, 0] - x[:, 1]), **settings)
    >>> [history.stopped for history in histories]
    ['finished', 'finished', 'finished']
    """
    members = _check_networks(networks)
    at_once = thread_count(threads if threads == "auto" else check_int("threads", threads, least=1, most=1024))
    runs = _make_runs(members, examples, validation, _with_folders(settings, len(members)))
    _prepare_data(runs)
    guard = exit_on_signals() if settings.get("checkpoint") is not None else nullcontext()
    with guard, _epoch_bar(sum(run.epochs - len(run.history) for run in runs), progress) as advance:
        train_all(runs, at_once, advance)
    for k, run in enumerate(runs):
        if run.history.stopped == "diverged":
            warnings.warn(f"networks[{k}]: {run.history.message}", DivergenceWarning, stacklevel=user_stacklevel())
    return [run.history for run in runs]


def _with_folders(settings: dict[str, Any], count: int) -> dict[str, Any]:
    """Give each network a folder of its own for its checkpoints, in the one that was named."""
    folder = settings.get("checkpoint")
    if folder is None or isinstance(folder, list):
        return settings
    if RunFolder(folder).checkpoints():
        raise FileError(f"{folder} holds the checkpoints of one network, and this is a training of {count}; name another folder")
    if RunFolder(Path(folder) / f"{count:03}").checkpoints():
        networks = pluralize(count, "network")
        raise FileError(f"{folder} holds the checkpoints of more than {networks}; train as many, or name another folder")
    return {**settings, "checkpoint": [Path(folder) / f"{k:03}" for k in range(count)]}


def _check_networks(networks: Iterable[Network]) -> list[Network]:
    """Check that these are networks, each of them once."""
    if not isinstance(networks, Iterable):
        raise ArgumentTypeError(f"networks must be a list of Networks; it is {networks!r}")
    members = list(networks)
    for member in members:
        if not isinstance(member, Network):
            raise ArgumentTypeError(f"networks must be a list of Networks; one entry is {member!r}")
    if len({id(network) for network in members}) < len(members):
        raise SettingError("networks holds the same Network twice; make one for each entry, for example with another seed")
    return members


def _make_runs(networks: list[Network], examples: Any, validation: Any, settings: dict[str, Any]) -> list[Run]:
    """Make a run for each network, over the same examples."""
    shared_examples = as_examples(examples)
    shared_validation = None if validation is None else as_examples(validation)
    if isinstance(settings.get("callbacks"), Iterator):
        settings["callbacks"] = tuple(settings["callbacks"])  # every run reads them
    try:
        runs = [
            Run(network, shared_examples, validation=shared_validation, threads=1, **own_settings)
            for network, own_settings in zip(networks, _settings_of_each(settings, len(networks)), strict=True)
        ]
    except TypeError as error:
        if isinstance(error, ChainruleError):
            raise
        reason = str(error).replace("Run.__init__() ", "")
        raise ArgumentTypeError(f"train_population(): {reason}; see help(chainrule.Run)") from None
    for run in runs:
        run.warns_of_divergence = False  # in a thread a warning could name neither the network nor the user's line
    return runs


def _settings_of_each(settings: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
    """Give each network its settings: entry k of every list, and all other values."""
    shared = {name: value for name, value in settings.items() if name == "callbacks" or not isinstance(value, list)}
    lists = {name: value for name, value in settings.items() if name not in shared}
    for name, value in lists.items():
        if len(value) != count:
            raise SettingError(f"{name} must have an entry for each of the {count} networks; it has {len(value)}")
    return ({**shared, **{name: value[k] for name, value in lists.items()}} for k in range(count))


def _prepare_data(runs: Sequence[Run]) -> None:
    """Prepare the data before the threads start, so that no two threads prepare the same."""
    for run in runs:
        run.prepare_data()


def train_all(runs: Sequence[Run], at_once: int, advance: Callable[[int], None]) -> None:
    """Train every run in a pool of threads, so many at once; an error in one of them, or Ctrl-C, ends all.

    ``advance`` is called with the number of epochs that have ended.
    """
    ended = threading.Event()
    in_work = [threading.Lock() for _ in runs]

    def train(run: Run, lock: threading.Lock) -> None:
        with lock:
            while not ended.is_set():
                if next(run, None) is None:
                    advance(run.epochs - len(run.history))  # the epochs that an early stop leaves out
                    return
                advance(1)
            if run.history.stopped is None:
                run.interrupt()

    with ThreadPoolExecutor(max(1, min(at_once, len(runs)))) as pool:
        futures: list[Future[None]] = []
        try:
            for run, lock in zip(runs, in_work, strict=True):
                futures.append(pool.submit(train, run, lock))  # Ctrl-C within the loop keeps those submitted so far
            _wait_for_all(futures)
        except KeyboardInterrupt:
            pass  # leaving the pool waits for the epochs under way
        finally:
            ended.set()
    for future in futures:
        future.result()
    # Ctrl-C came before these were submitted, or while the first of them was: a thread may be training that one.
    for run, lock in zip(runs[len(futures) :], in_work[len(futures) :], strict=True):
        with lock:
            if run.history.stopped is None:
                run.interrupt()


def _wait_for_all(futures: Iterable[Future[None]]) -> None:
    """Wait until all have ended, or one has failed.

    It polls: a wait without a timeout would not end on Ctrl-C beside a library with its own signal handler, such as Polars.
    """
    pending = set(futures)
    while pending:
        done, pending = wait(pending, INTERRUPT_POLL_SECONDS, FIRST_EXCEPTION)
        if any(future.exception() for future in done):
            return


@contextmanager
def _epoch_bar(epochs: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """Yield a function that moves a progress bar by a number of epochs; it does nothing unless the bar is shown."""
    if not shown:
        yield lambda count: None
        return
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("epochs", total=epochs)
        yield lambda count: bar.advance(task, count)
