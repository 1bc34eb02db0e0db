"""The workers of a training as the driver sees them: it sends them blocks, and replaces those that are lost.

A block is computed by all workers from one state, or it does not count: where a worker is lost, the group is connected anew, with
a new key, and the block is trained again from the state before it. Its result has the same bits, whoever computed it, and no row
counts twice. A worker that was taken for lost and comes back finds its connections ended, and its answers are not read.

Ray tells of a process that has ended. It does not notice one that hangs, which is found here: a worker that is at work answers a
ping within ``HEARTBEAT_SECONDS``.
"""

from __future__ import annotations

import os
import secrets
import signal
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .. import __version__
from .._warnings import user_stacklevel
from ..errors import EngineError
from ..plan import State
from ..ray_cluster import RayCluster
from ..remote_error import RemoteError
from .remote_worker import Lost, Place, RemoteWorker
from .worker import Block, BlockOutcome, WorkerTask

PULSE_SECONDS = 1.0
"""How long a block is waited for before those who have not answered are asked whether they are alive."""

HEARTBEAT_SECONDS = 10.0
"""How long a worker may take to answer a ping."""

START_SECONDS = 60.0
"""How long a worker may take to start where a core is free; after it, it is placed where none is."""

RETRY_SECONDS = 0.5
"""How long a worker that ended before it had started is left, before it is started again."""

CONNECT_SECONDS = 30.0
"""How long the workers may take to connect to each other."""

MOST_ATTEMPTS = 10
"""How often a block is tried in all."""


class WorkerLostWarning(UserWarning):
    """A worker of a data-parallel training was lost, and is replaced: the training goes on with the same bits, and takes longer."""


@dataclass
class Member:
    """A worker of the group: Ray's handle of its process, and where that runs."""

    actor: Any
    place: Place


class WorkerGroup:
    """The workers of one training.

    Parameters
    ----------
    cluster : RayCluster
    task : WorkerTask

    Raises
    ------
    EngineError
        When no worker starts, or a block has failed ``MOST_ATTEMPTS`` times.
    """

    def __init__(self, cluster: RayCluster, task: WorkerTask) -> None:
        self._ray = cluster.ray
        self._task = task
        self._reference = self._ray.put(task)
        self._node = self._ray.get_runtime_context().get_node_id()
        self._members: dict[int, Member] = {}
        self._connected = False

    @property
    def places(self) -> dict[int, Place]:
        """Where the workers run, by rank."""
        return {rank: member.place for rank, member in sorted(self._members.items())}

    def start(self) -> None:
        """Start the workers that are missing: on free cores, or where none become free, beside others.

        Raises
        ------
        EngineError
            When a worker does not start, or has another version of this library.
        """
        for cores in (self._task.threads, 0):
            limit = time.monotonic() + START_SECONDS
            while (missing := [k for k in range(self._task.workers) if k not in self._members]) and time.monotonic() < limit:
                self._start(missing, cores, limit - time.monotonic())
        if len(self._members) < self._task.workers:
            raise EngineError(f"Ray has started no worker within {START_SECONDS:g} s; `ray status` tells what the cluster lacks")

    def advance(self, block: Block, state: State, *, is_new: bool) -> tuple[list[BlockOutcome], State]:
        """Train a block on all workers.

        Parameters
        ----------
        block : Block
        state : State
            The common state before the block.
        is_new : bool
            Whether the workers do not have this state from the block before.

        Returns
        -------
        outcomes : list of BlockOutcome
            By rank.
        state : State
            The common state after the block.
        """
        for _ in range(MOST_ATTEMPTS):
            outcomes = self._attempt(block, state, is_new=is_new)
            if outcomes is not None:
                after = outcomes[0].state
                assert after is not None  # noqa: S101  # worker 0 gives it
                return outcomes, after
            self._connected = False
        raise EngineError(
            f"epoch {block.epoch} was tried {MOST_ATTEMPTS} times from step {block.first_step:,} on, and lost a worker each time; "
            "see the logs of Ray's workers"
        )

    def _attempt(self, block: Block, state: State, *, is_new: bool) -> list[BlockOutcome] | None:
        """Try a block; None where a worker was lost."""
        if not self._connected:
            self._connected = self._connect(state)
            if not self._connected:
                return None
        elif is_new and self._ask_all(lambda member: member.actor.begin.remote(state), CONNECT_SECONDS) is None:
            return None
        answers = self._ask_all(lambda member: member.actor.advance.remote(block))
        if answers is None:
            return None
        for answer in answers:
            if isinstance(answer, RemoteError):
                raise answer.error()
        return None if any(isinstance(answer, Lost) for answer in answers) else answers

    def _connect(self, state: State) -> bool:
        """Start the workers that are missing, and connect all with a new key; False where one is lost meanwhile."""
        self.start()
        key = secrets.token_bytes(32)
        addresses = self._ask_all(lambda member: member.actor.listen.remote(key), CONNECT_SECONDS)
        if addresses is None:
            return False
        answers = self._ask_all(lambda member: member.actor.connect.remote(addresses, key, state), CONNECT_SECONDS)
        return answers is not None and not any(isinstance(answer, Lost) for answer in answers)

    def _start(self, ranks: list[int], cores: int, seconds: float) -> None:
        """Start some workers, each on so many cores, and keep those that have begun within so many seconds."""
        remote = self._ray.remote(
            num_cpus=cores, max_restarts=0, max_concurrency=1, concurrency_groups={"pulse": 2}, scheduling_strategy="SPREAD"
        )(RemoteWorker)
        actors = {rank: remote.remote([self._reference], rank) for rank in ranks}
        references = {rank: actor.place.remote() for rank, actor in actors.items()}
        ready, _ = self._ray.wait(list(references.values()), num_returns=len(ranks), timeout=seconds)
        for rank, reference in references.items():
            if reference not in ready:
                self._ray.kill(actors[rank])
                continue
            try:
                version, place = self._ray.get(reference)
            except self._ray.exceptions.RayActorError as error:
                if error.actor_init_failed:
                    raise EngineError(f"a worker does not start: {_first_line(error)}") from None
                time.sleep(RETRY_SECONDS)  # its machine is lost: Ray takes some seconds to know, and sends more workers there
                continue
            except self._ray.exceptions.RayError as error:
                raise EngineError(f"a worker does not start: {_first_line(error)}") from None
            if version != __version__:
                raise EngineError(f"the cluster has chainrule {version}, and this is {__version__}; install one version on both")
            self._members[rank] = Member(actors[rank], place)

    def _ask_all(self, ask: Callable[[Member], Any], limit: float | None = None) -> list[Any] | None:
        """Ask every worker, and wait for the answers, by rank; None where one is lost, which is then ended.

        Without a limit in seconds, those are lost that answer no ping either.
        """
        ranks = {ask(member): rank for rank, member in sorted(self._members.items())}
        while True:
            seconds = PULSE_SECONDS if limit is None else limit
            ready, late = self._ray.wait(list(ranks), num_returns=len(ranks), timeout=seconds, fetch_local=False)
            lost = {ranks[reference] for reference in ready if self._has_ended(reference)}
            if late and not lost:
                silent = {ranks[reference] for reference in late}
                lost = silent if limit is not None else self._without_pulse(silent)
            if lost:
                self._remove(lost)
                self._release({rank: reference for reference, rank in ranks.items() if rank not in lost})
                return None
            if not late:
                answers: list[Any] = self._ray.get(list(ranks))
                return answers

    def _has_ended(self, reference: Any) -> bool:
        """Whether the process that should give this answer has ended."""
        try:
            self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None  # a fault of the program
        except self._ray.exceptions.RayError:
            return True
        return False

    def _without_pulse(self, ranks: set[int]) -> set[int]:
        """Give those of some workers that do not answer a ping in time."""
        pings = {self._members[rank].actor.ping.options(concurrency_group="pulse").remote(): rank for rank in ranks}
        answered, _ = self._ray.wait(list(pings), num_returns=len(pings), timeout=HEARTBEAT_SECONDS)
        return ranks - {pings[reference] for reference in answered if not self._has_ended(reference)}

    def _release(self, references: dict[int, Any]) -> None:
        """Let the other workers end what they do: they wait for one that is lost. Those that do not are lost, too."""
        if not references:
            return
        for rank in references:
            self._members[rank].actor.abort.options(concurrency_group="pulse").remote()
        ended, _ = self._ray.wait(list(references.values()), num_returns=len(references), timeout=HEARTBEAT_SECONDS)
        self._remove({rank for rank, reference in references.items() if reference not in ended or self._has_ended(reference)})

    def _remove(self, ranks: set[int]) -> None:
        """End the processes of workers that are lost."""
        for rank in sorted(ranks):
            member = self._members.pop(rank)
            warnings.warn(
                f"worker {rank} (process {member.place.process}) was lost, and is replaced",
                WorkerLostWarning,
                stacklevel=user_stacklevel(),
            )
            self._kill(member)

    def _kill(self, member: Member) -> None:
        """End a worker's process; one that is stopped does not do it itself when Ray asks."""
        if member.place.node == self._node:
            with suppress(OSError):
                os.kill(member.place.process, signal.SIGKILL)
        self._ray.kill(member.actor)

    def close(self) -> None:
        """End all workers."""
        members, self._members = self._members, {}
        for member in members.values():
            self._kill(member)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
