"""Training by SciPy's L-BFGS-B; an engine computes the loss and its gradient."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .._types import Array
from .._warnings import user_stacklevel
from ..engines import Engine, Threads, ValueAndGradient, blas_threads
from ..examples import Examples
from ..history import EpochRecord
from ..plan import Floats, Plan
from .reporters import Reporter

NOT_CONVERGED = "lbfgs failed to converge after {n_iter} iteration(s) (status={status}):\n{message}\n"
MORE_ITERATIONS = "\nIncrease the number of iterations to improve the convergence (max_iter={max_iter})."
SCALE_DATA = "\nYou might also want to scale the data as shown in:\n    https://scikit-learn.org/stable/modules/preprocessing.html"


@dataclass(frozen=True)
class LBFGSProblem:
    """scikit-learn's loss as a function of one vector of parameters: all weights, each (n_out, n_in), then all biases.

    Attributes
    ----------
    engine, plan, examples, threads
        The engine that computes, the plan, the data, and the number of threads.
    alpha : float
        The L2 penalty.
    loss_scale : float
        The factor from the engine's summed cost to scikit-learn's loss.
    """

    engine: Engine
    plan: Plan
    examples: Examples
    alpha: float
    loss_scale: float
    threads: Threads

    @cached_property
    def total_weight(self) -> float:
        """The summed weight of the examples."""
        return len(self.examples) if self.examples.weights is None else float(self.examples.weights.sum())

    @cached_property
    def penalized(self) -> slice:
        """The part of the vector that holds the weights; biases are not penalized."""
        return slice(self.plan.places[len(self.plan.layers)][0].start)

    def loss_and_gradient(self, parameters: Floats, value_and_gradient: ValueAndGradient) -> tuple[float, Floats]:
        """Compute scikit-learn's loss, with the penalty, and its gradient from the engine's cost and gradient."""
        cost, cost_gradient, _ = value_and_gradient(parameters.astype(self.plan.dtype, copy=False))
        gradient = cost_gradient.astype(np.float64, copy=False)
        w, w_gradient = parameters[self.penalized], gradient[self.penalized]
        w_gradient += self.alpha * w
        gradient /= self.total_weight
        return (self.loss_scale * cost + 0.5 * self.alpha * float(w @ w)) / self.total_weight, gradient

    def minimize(
        self, weights: list[Array], biases: list[Array], *, max_iter: int, max_fun: int, tol: float, reporter: Reporter | None
    ) -> Any:
        """Minimize the loss from these parameters; return SciPy's result, and warn where it did not converge."""
        from scipy.optimize import minimize

        value_and_gradient = self.engine.gradient(self.plan, self.engine.prepare(self.examples), None, threads=self.threads)
        # SciPy's products are small; a second BLAS thread would only spin on a core that the kernels need next.
        with nullcontext() if self.engine.uses_blas else blas_threads(1):
            result = minimize(
                self.loss_and_gradient,
                self.plan.pack(weights, biases).astype(np.float64, copy=False),
                (value_and_gradient,),
                method="L-BFGS-B",
                jac=True,
                options={"maxfun": max_fun, "maxiter": max_iter, "gtol": tol},
                callback=None if reporter is None else self._make_callback(reporter),
            )
        if result.status != 0:
            _warn_not_converged(result, max_iter)
        return result

    def _make_callback(self, reporter: Reporter) -> Callable[..., None]:
        """Make the function that SciPy calls after each iteration."""
        n = len(self.examples)
        iteration, started = 0, time.perf_counter()

        def report(intermediate_result: Any) -> None:  # SciPy passes the loss only to a parameter of this name
            nonlocal iteration, started
            iteration += 1
            seconds = time.perf_counter() - started
            record = EpochRecord(
                epoch=iteration,
                cost=intermediate_result.fun,
                accuracy=None,
                validation_cost=None,
                validation_accuracy=None,
                learning_rate=1.0,
                seconds=seconds,
                examples_per_second=n / seconds,
            )
            reporter.epoch_done(record)
            started = time.perf_counter()

        return report


def _warn_not_converged(result: Any, max_iter: int) -> None:
    template = NOT_CONVERGED + MORE_ITERATIONS * int(result.nit >= max_iter) + SCALE_DATA
    message = template.format(n_iter=result.nit, status=result.status, message=result.message, max_iter=max_iter)
    warnings.warn(message, ConvergenceWarning, stacklevel=user_stacklevel())
