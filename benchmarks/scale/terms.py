"""The terms of the model: networks, what a network's step costs, what a link moves, what the control of a cluster costs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

SLOTS = {"sgd": 0, "momentum": 1, "adam": 2}
"""The arrays that an optimizer keeps for each parameter; they are averaged with it."""

VALUE_BYTES = 4
"""Of a float32, the dtype of the networks."""

WINDOW_BYTES = 64 << 20
"""Of the rows that a worker reads from files at a time."""


@dataclass(frozen=True)
class Workload:
    """A network, the rows it is trained on, and their mini-batches.

    Attributes
    ----------
    name : str
    sizes : tuple of int
    rows : int
        Rows of an epoch.
    batch_size : int
        Rows of a mini-batch of one worker.
    optimizer : str
        A name in ``SLOTS``.
    from_files : bool
        Whether each worker reads its rows from files in every epoch; else it holds them in memory.
    """

    name: str
    sizes: tuple[int, ...]
    rows: int
    batch_size: int
    optimizer: str = "sgd"
    from_files: bool = False

    @property
    def parameters(self) -> int:
        """The number of weights and biases.

        Examples
        --------
        >>> WORKLOADS["784-30-10"].parameters
        23860
        """
        return sum((n_in + 1) * n_out for n_in, n_out in pairwise(self.sizes))

    @property
    def window_rows(self) -> int:
        """The rows of a window."""
        return WINDOW_BYTES // (self.sizes[0] * VALUE_BYTES + 8)

    @property
    def title(self) -> str:
        """Its name with its batch, rows and optimizer."""
        return f"{self.name}, batch {self.batch_size}, {self.optimizer}, {self.rows:,} rows"


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("784-30-10", (784, 30, 10), 50_000, 10),
        Workload("784-512-10", (784, 512, 10), 50_000, 128, "adam"),
        Workload("28-300-300-300-1", (28, 300, 300, 300, 1), 11_000_000, 256, from_files=True),
        Workload("16-64-1", (16, 64, 1), 20_000_000, 256, from_files=True),
    )
}


@dataclass(frozen=True)
class Link:
    """What lies between two workers.

    Attributes
    ----------
    name : str
    latency : float
        Seconds from a message's sending to its receipt, beside its bytes.
    byte_seconds : float
        Seconds for each byte, while both sides send as many.
    """

    name: str
    latency: float
    byte_seconds: float


@dataclass(frozen=True)
class Network:
    """A kind of network between machines, by the typical figures of its makers: they are assumptions, not measured here.

    Attributes
    ----------
    name : str
    latency : float
        Seconds of the wire and its switches.
    bandwidth : float
        Bytes a second in each direction.
    through_host : bool
        Whether the operating system copies every message, which costs what it costs over loopback; a card with direct access to
        memory does without. The library itself speaks TCP.
    """

    name: str
    latency: float
    bandwidth: float
    through_host: bool = True

    def between(self, host: Link) -> Link:
        """Give the link of two machines: the wire's latency beside the host's, and the slower of both for the bytes.

        Examples
        --------
        >>> Network("wire", 0.25, 10.0).between(Link("loopback", 0.5, 0.05))
        Link(name='wire', latency=0.75, byte_seconds=0.1)
        """
        wire = 1 / self.bandwidth
        if not self.through_host:
            return Link(self.name, self.latency, wire)
        return Link(self.name, self.latency + host.latency, max(wire, host.byte_seconds))


NETWORKS = {
    network.name: network
    for network in (
        Network("10GbE", 20e-6, 1.18e9),
        Network("25GbE", 15e-6, 2.9e9),
        Network("100GbE", 10e-6, 11.8e9),
        Network("InfiniBand", 1.5e-6, 24e9, through_host=False),
    )
}


@dataclass(frozen=True)
class StepCosts:
    """What the training of a network costs a worker, on one core.

    Attributes
    ----------
    step : float
        Seconds of a mini-batch's step in the engine.
    exact_step : float
        Seconds of a mini-batch's step with k = 1, beside the exchange: the gradient by the engine, and the step in NumPy.
    turn : float
        Seconds of a synchronisation beside the exchange: the engine gives its state, and another session begins from the mean.
    row : float
        Seconds to read a row from a file and prepare it; 0 where the rows are in memory.
    epoch : float
        Seconds at the start of an epoch: the order of its rows.
    block_steps : int
        The steps of a block, as the library chooses them: about half a second of work.
    """

    step: float
    exact_step: float
    turn: float = 0.0
    row: float = 0.0
    epoch: float = 0.0
    block_steps: int = 1000


@dataclass(frozen=True)
class ControlCosts:
    """What the control of the workers costs.

    Attributes
    ----------
    block : float
        Seconds that a block costs beside its work, whatever the number of workers.
    worker : float
        Seconds that a block costs the driver for each worker: a call of an actor, and its answer.
    state_byte : float
        Seconds for each byte of the state that one worker returns.
    add_byte : float
        Seconds to add a byte of one vector to another's.
    restart : float
        Seconds to replace a worker that was lost.
    """

    block: float = 1e-3
    worker: float = 3e-4
    state_byte: float = 1e-9
    add_byte: float = 2.5e-11
    restart: float = 10.0


@dataclass(frozen=True)
class Cluster:
    """The machines.

    Attributes
    ----------
    link : Link
    cores_each : float
        The cores of each worker, on machines of their own. Reading takes a second one where there is one.
    shared_cores : int or None
        The cores that all workers share, where they are on one machine.
    mtbf : float or None
        The mean time between the failures of one worker's machine, in seconds; None for machines that do not fail.
    spread : float
        The standard deviation of a step's seconds, as a share of their mean.
    """

    link: Link
    cores_each: float = 1.0
    shared_cores: int | None = None
    mtbf: float | None = None
    spread: float = 0.0

    def cores(self, workers: int) -> float:
        """Give the cores of so many workers together."""
        return self.cores_each * workers if self.shared_cores is None else float(self.shared_cores)
