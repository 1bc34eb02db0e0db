"""Training by SciPy's L-BFGS-B, cost and gradient from the engine."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._types import Array
from .._warnings import frames_below_the_user
from ..engines import Engine, Threads, ValueAndGradient, blas_threads
from ..examples import Examples
from ..plan import Floats, Plan
from .telling import Quiet

NOT_CONVERGED = "lbfgs failed to converge after {n_iter} iteration(s) (status={status}):\n{message}\n"
MORE = "\nIncrease the number of iterations to improve the convergence (max_iter={max_iter})."
SCALE = "\nYou might also want to scale the data as shown in:\n    https://scikit-learn.org/stable/modules/preprocessing.html"


@dataclass(frozen=True)
class Problem:
    """The penalized mean cost as a function of one vector: all weights, each (n_out, n_in), then all biases."""

    engine: Engine
    plan: Plan
    examples: Examples
    alpha: float
    loss_scale: float
    threads: Threads

    @cached_property
    def total(self) -> float:
        """What the examples weigh together."""
        return len(self.examples) if self.examples.weights is None else float(self.examples.weights.sum())

    @cached_property
    def weights(self) -> slice:
        """Where in the vector the weights lie, which are penalized."""
        return slice(self.plan.places[len(self.plan.layers)][0].start)

    def cost_and_gradient(self, parameters: Floats, slope: ValueAndGradient) -> tuple[float, Floats]:
        """scikit-learn's loss, penalty in it, and its gradient, from the engine's."""
        cost, nabla = slope(parameters.astype(self.plan.dtype, copy=False))
        gradient = nabla.astype(np.float64, copy=False)
        w, penalized = parameters[self.weights], gradient[self.weights]
        penalized += self.alpha * w
        gradient /= self.total
        return (self.loss_scale * cost + 0.5 * self.alpha * float(w @ w)) / self.total, gradient

    def solve(self, weights: list[Array], biases: list[Array], *, max_iter: int, max_fun: int, tol: float, told: Quiet) -> Any:
        """Minimize from a start; gives SciPy's result, and warns as scikit-learn does where it did not converge."""
        from scipy.optimize import minimize

        options = {"maxfun": max_fun, "maxiter": max_iter, "gtol": tol}
        start = self.plan.pack(weights, biases).astype(np.float64, copy=False)

        def tell(intermediate_result: Any) -> None:  # the name by which SciPy gives more than the parameters
            told.iteration(intermediate_result.fun)

        slope = self.engine.gradient(self.plan, self.engine.prepare(self.examples), None, threads=self.threads)
        # SciPy's own products are small, but a thread of BLAS would go on turning on the core that the kernels need next.
        with nullcontext() if self.engine.uses_blas else blas_threads(1):
            settings: dict[str, Any] = {"method": "L-BFGS-B", "jac": True, "options": options, "callback": tell}
            result = minimize(self.cost_and_gradient, start, (slope,), **settings)
        if result.status != 0:
            from sklearn.exceptions import ConvergenceWarning

            said = NOT_CONVERGED + MORE * int(result.nit >= max_iter) + SCALE
            message = said.format(n_iter=result.nit, status=result.status, message=result.message, max_iter=max_iter)
            warnings.warn(message, ConvergenceWarning, stacklevel=frames_below_the_user())
        return result
