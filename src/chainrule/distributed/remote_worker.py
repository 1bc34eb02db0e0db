"""A ``Worker`` in a process of its own: what the driver calls over Ray."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..errors import ChainruleError
from ..plan import State
from ..remote_error import RemoteError
from .peers import Address, PeerLost, Peers
from .worker import Block, BlockOutcome, Worker, WorkerTask


@dataclass(frozen=True)
class Place:
    """Where a worker runs.

    Attributes
    ----------
    node : str
        Ray's name of the machine.
    process : int
    """

    node: str
    process: int


@dataclass(frozen=True)
class Lost:
    """The answer of a worker that has lost another one."""

    message: str


class RemoteWorker:
    """What runs in a worker's process, one call after another; ``ping`` and ``abort`` run beside them in a thread of their own.

    Parameters
    ----------
    task : list of one reference
        To the ``WorkerTask``; a worker reads it once.
    rank : int
    """

    def __init__(self, task: list[Any], rank: int) -> None:
        import ray

        self._ray = ray
        self._task: WorkerTask = ray.get(task[0])
        self._peers = Peers(rank, self._task.workers, str(ray.util.get_node_ip_address()))  # type: ignore[no-untyped-call]
        self._worker = Worker(self._task, rank, self._peers.exchange)

    def place(self) -> tuple[str, Place]:
        """Give the version of the library here, and where this runs."""
        return __version__, Place(self._ray.get_runtime_context().get_node_id(), os.getpid())

    def listen(self, key: bytes) -> Address:
        """End the connections to the other workers, and wait for new ones; give the address."""
        return self._peers.listen(key)

    def connect(self, addresses: Sequence[Address], key: bytes, state: State) -> Lost | None:
        """Connect to the other workers, and take over the common state."""
        self._worker.begin(state)
        try:
            self._peers.connect(addresses, key)
        except PeerLost as error:
            return Lost(str(error))
        return None

    def begin(self, state: State) -> None:
        """Take over a state."""
        self._worker.begin(state)

    def advance(self, block: Block) -> BlockOutcome | Lost | RemoteError:
        """Train a block."""
        try:
            return self._worker.advance(block)
        except PeerLost as error:
            return Lost(str(error))
        except ChainruleError as error:
            self._peers.abort()  # the others do not wait for this one
            return RemoteError.of(error)

    def ping(self) -> bool:
        """Answer, as a process does that is not stopped."""
        return True

    def abort(self) -> None:
        """Wake the thread that waits for another worker."""
        self._peers.abort()
