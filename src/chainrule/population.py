"""Many networks at once: trainings side by side over one prepared copy of the data, one network a core.

A population is what seeds, rates and widths are compared with, and what an ensemble is made of. Small networks gain nothing from
several cores each; one a core, they use all of them.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

from ._checks import check_int
from ._warnings import frames_below_the_user
from .engines import Threads, thread_count
from .errors import ArgumentTypeError, ChainruleError, SettingError
from .examples import as_examples
from .history import History
from .network import Network
from .training import DivergenceWarning, Run

HEARD = 0.2  # seconds within which Ctrl-C is heard


class _Member(Run):
    """One network's training, on a thread of the pool, where a warning would name neither the network nor the user's line."""

    def _warn(self, message: str) -> None:
        """Leave a divergence to be told by ``train_population``."""


def train_population(
    networks: Iterable[Network],
    examples: Any,
    *,
    threads: Threads = "auto",
    validation: Any = None,
    progress: bool = False,
    **settings: Any,
) -> list[History]:
    """Train several networks in place, side by side, each as ``cr.train`` would train it alone: the same bits.

    Parameters
    ----------
    networks : sequence of Network
        Of any sizes that suit the examples; no two the same object.
    examples : Examples or (x, y)
        Prepared once, for all.
    threads : int or "auto"
        How many train at a time; as many as there are cores, if not given. Each by one thread.
    validation : Examples or (x, y), optional
    progress : bool
        Whether to draw a bar of the epochs done.
    **settings
        As ``cr.train`` has them: ``epochs``, ``batch_size``, ``learning_rate`` and the rest. A list has an entry for each
        network: ``learning_rate=[0.1, 1.0, 3.0]``; but ``callbacks`` are for all, each called from the thread of its network.

    Returns
    -------
    list of History
        In the networks' order. Ctrl-C is answered when the epochs under way are done: each network then has what it had learnt, and
        its history says ``"interrupted"``. Once all have ended, a ``DivergenceWarning`` names each network that diverged.

    Raises
    ------
    SettingError, DataError, EngineError
        As ``Run``; before any network is touched.

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
    members = _members(networks)
    at_once = thread_count(threads if threads == "auto" else check_int("threads", threads, least=1, most=1024))
    shared = as_examples(examples)
    held_out = None if validation is None else as_examples(validation)
    if isinstance(settings.get("callbacks"), Iterator):
        settings["callbacks"] = tuple(settings["callbacks"])  # each network goes through them
    try:
        runs = [
            _Member(network, shared, validation=held_out, threads=1, **own)
            for network, own in zip(members, _each(settings, len(members)), strict=True)
        ]
    except TypeError as error:
        if isinstance(error, ChainruleError):
            raise
        said = str(error).replace("Run.__init__() ", "")
        raise ArgumentTypeError(f"train_population(): {said}; see help(chainrule.Run)") from None
    for run in runs:  # here, so that no two threads prepare the same data
        for data in (shared, run.validation) if run.validation is not None else (shared,):
            run.engine.prepare(data)
    with _bar(sum(run.epochs for run in runs), progress) as advance:
        _train_all(runs, at_once, advance)
    for k, run in enumerate(runs):
        if run.history.stopped == "diverged":
            warnings.warn(f"networks[{k}]: {run.history.message}", DivergenceWarning, stacklevel=frames_below_the_user())
    return [run.history for run in runs]


def _members(networks: Iterable[Network]) -> list[Network]:
    """Check that there are networks, each once."""
    members = list(networks) if isinstance(networks, Iterable) else [networks]
    if not isinstance(networks, Iterable) or not all(isinstance(network, Network) for network in members):
        raise ArgumentTypeError("a population is a list of Networks")
    if len({id(network) for network in members}) < len(members):
        raise SettingError("a network stands twice in this population; give each its own, as with another seed")
    return members


def _each(settings: dict[str, Any], count: int) -> Iterator[dict[str, Any]]:
    """Give each network its settings: a list has one for each of them."""
    shared = {name: value for name, value in settings.items() if name == "callbacks" or not isinstance(value, list)}
    lists = {name: value for name, value in settings.items() if name not in shared}
    for name, value in lists.items():
        if len(value) != count:
            raise SettingError(f"{name} must have an entry for each of the {count} networks; it has {len(value)}")
    return ({**shared, **{name: value[k] for name, value in lists.items()}} for k in range(count))


def _train_all(runs: Sequence[Run], at_once: int, advance: Callable[[int], None]) -> None:
    """Drain every run, some at a time; what ends one early, an error or Ctrl-C, ends all."""
    ended = threading.Event()

    def drain(run: Run) -> None:
        while not ended.is_set():
            if next(run, None) is None:
                advance(run.epochs - len(run.history))  # those that it ended before
                return
            advance(1)
        if run.history.stopped is None:
            run.interrupt()

    with ThreadPoolExecutor(max(1, min(at_once, len(runs)))) as pool:
        futures: list[Future[None]] = []
        try:
            for run in runs:
                futures.append(pool.submit(drain, run))  # noqa: PERF401  # an interrupt leaves those that were submitted in the list
            left = set(futures)
            while left and not any(future.done() and future.exception() for future in futures):
                # Not in one go: where a library has a handler of its own for Ctrl-C, as Polars has, a wait without an end goes on.
                left = wait(left, HEARD, FIRST_EXCEPTION).not_done
        except KeyboardInterrupt:
            pass  # the pool waits for the epochs under way, and no other is begun
        finally:
            ended.set()
    for future in futures:
        future.result()
    for run in runs[len(futures) :]:  # interrupted before its turn
        run.interrupt()


@contextmanager
def _bar(epochs: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """Give what is called with each count of epochs that need no more waiting for: it moves a bar, where one is to be shown."""
    if not shown:
        yield lambda done: None
        return
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("epochs", total=epochs)
        yield lambda done: bar.advance(task, done)
