"""The seam between training and arithmetic: the protocols that an engine and its sessions fulfil.

An engine trains by the notes' mathematics as ``Plan`` says, and has no notion of epochs, schedules or files. Its laws, each tested
for every engine: any cut of an epoch into blocks of whole mini-batches gives the same bits; ``open(plan, session.state())`` goes on
with the same bits; no bit depends on the number of threads; (seed, step) decide every random number; no argument is written to.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple, Protocol, TypeAlias

from .._types import Array, Indices, Inputs
from ..examples import Examples
from ..plan import BlockResult, Evaluation, Plan, State, Steps
from .threads import Threads


class GradientSums(NamedTuple):
    """Sums over some rows, each counted by its weight.

    Attributes
    ----------
    cost : float
    gradient : array
        A vector as ``Plan.pack`` makes it.
    right : float or None
        The number of correctly classified rows; None without classes.
    """

    cost: float
    gradient: Array
    right: float | None


ValueAndGradient: TypeAlias = Callable[[Array], GradientSums]
"""From all parameters, a vector as ``Plan.pack`` makes it, to the sums of the cost and of its gradient."""

SMALL_BATCH = 16
"""Rows up to which ``forward_small`` reads the weights in place; for more rows an engine arranges them first."""


class Session(Protocol):
    """The training of one network inside an engine.

    From ``open`` on, for as long as it exists, a session counts its Python thread as training (``threads.TrainingThread``), so that
    trainings side by side share the cores.
    """

    def advance(self, data: Any, order: Indices, steps: Steps) -> BlockResult:
        """Take one step for each mini-batch of ``order``, cut from its start; ``data`` is a result of ``prepare``.

        An order of shape (epochs, n) is that many orders one after another, each cut from its own start. An empty order does
        nothing. A row number outside the data, or a number of steps other than that of the mini-batches, raises ValueError.
        """
        ...

    def evaluate(self, data: Any, rows: Indices | None = None) -> Evaluation:
        """Give the cost and the number of correct predictions over some rows of ``data``, or all, with the current parameters.

        The targets are the true ones, without label smoothing. A row number outside the data, or rows of no weight, raises
        ValueError.
        """
        ...

    def state(self) -> State:
        """Copy out the state; changes nothing."""
        ...


class Engine(Protocol):
    """An implementation of the arithmetic: ``prepare`` the data once, ``open`` a session, ``advance`` it.

    Attributes
    ----------
    name : str
        The value of ``engine=`` that chooses it.
    uses_blas : bool
        Whether it computes with NumPy's BLAS. Around an engine that does not, BLAS is held to one thread in the minimizer, since a
        second thread of BLAS would go on spinning on a core that the engine needs.
    """

    name: str
    uses_blas: bool

    def describe(self) -> str:
        """Give its name, and the variant of its code that this machine runs: a line for ``chainrule --version``.

        Raises
        ------
        EngineError
            When the environment asks for a variant that this machine cannot run.
        """
        ...

    def made_by(self) -> str:
        """Give its name, and the variant of its code: ``State.made_by`` of its sessions. Equal names give equal bits.

        Raises
        ------
        EngineError
            As ``describe``.
        """
        ...

    def refuses(self, plan: Plan, examples: Examples | None) -> str | None:
        """Give the reason, as a sentence, why it cannot compute all of this exactly; None if it can."""
        ...

    def prepare(self, examples: Examples) -> Any:
        """Make its own read-only form of the data, for any number of sessions."""
        ...

    def forward(self, plan: Plan, weights: list[Array], biases: list[Array], x: Inputs, *, threads: Threads) -> Array:
        """Give the outputs (m, n_out) for checked inputs (m, n_in)."""
        ...

    def forward_small(
        self, plan: Plan, weights: list[Array], biases: list[Array], x: Any, limits: tuple[float, float] = (-inf, inf)
    ) -> Array | None:
        """Give the outputs of a few unchecked rows in one fast call; None where x or the arrays need a check, a copy or a cast.

        Numbers outside ``limits``, and those that are not finite, count as needing a check. An engine without such a fast path
        always gives None.
        """
        ...

    def gradient(self, plan: Plan, data: Any, rows: Indices | None, *, threads: Threads) -> ValueAndGradient:
        """Give the summed cost of some rows, or of all, and its gradient, as a function of all parameters.

        There is no dropout and no penalty; labels are smoothed as the plan says. A row number outside the data, or a vector of
        another length, raises ValueError.
        """
        ...

    def open(self, plan: Plan, state: State, *, threads: Threads) -> Session:
        """Begin a session from a copy of a state: an initial one, or that of an earlier session."""
        ...
