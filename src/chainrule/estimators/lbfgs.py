"""Training by SciPy's L-BFGS-B, cost and gradient from the engine."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import Array
from ..engines import Engine, Threads
from ..examples import Examples
from ..plan import Plan
from ..training import frames_below_the_user
from .telling import Quiet

NOT_CONVERGED = "lbfgs failed to converge after {n_iter} iteration(s) (status={status}):\n{message}\n"
MORE = "\nIncrease the number of iterations to improve the convergence (max_iter={max_iter})."
SCALE = "\nYou might also want to scale the data as shown in:\n    https://scikit-learn.org/stable/modules/preprocessing.html"


@dataclass(frozen=True)
class Problem:
    """The penalized mean cost as a function of one vector: all weights, each as scikit-learn's (n_in, n_out), then all biases."""

    engine: Engine
    plan: Plan
    examples: Examples
    alpha: float
    loss_scale: float
    threads: Threads

    def pack(self, weights: list[Array], biases: list[Array]) -> Array:
        """Put arrays into one vector."""
        packed: Array = np.concatenate([*(w.T.ravel() for w in weights), *biases])
        return packed

    def unpack(self, packed: Array) -> tuple[list[Array], list[Array]]:
        """Take them out again, in the plan's dtype."""
        weights, biases, at = [], [], 0
        for layer in self.plan.layers:
            count = layer.n_in * layer.n_out
            weights.append(np.require(packed[at : at + count].reshape(layer.n_in, layer.n_out).T, self.plan.dtype, "C"))
            at += count
        for layer in self.plan.layers:
            biases.append(np.require(packed[at : at + layer.n_out], self.plan.dtype, "C"))
            at += layer.n_out
        return weights, biases

    def cost_and_gradient(self, packed: Array) -> tuple[float, Array]:
        """scikit-learn's loss, penalty in it, and its gradient."""
        weights, biases = self.unpack(packed)
        rows, data = np.arange(len(self.examples)), self.engine.prepare(self.examples)
        cost, (nabla_b, nabla_w) = self.engine.gradient(self.plan, weights, biases, data, rows, threads=self.threads)
        total = len(self.examples) if self.examples.weights is None else float(self.examples.weights.sum())
        squares = sum(float(np.vdot(w, w)) for w in weights)
        gradient = self.pack([g + self.alpha * w for g, w in zip(nabla_w, weights, strict=True)], nabla_b) / total
        return (self.loss_scale * cost + 0.5 * self.alpha * squares) / total, gradient.astype(np.float64, copy=False)

    def solve(self, weights: list[Array], biases: list[Array], *, max_iter: int, max_fun: int, tol: float, told: Quiet) -> Any:
        """Minimize from a start; gives SciPy's result, and warns as scikit-learn does where it did not converge."""
        from scipy.optimize import minimize

        options = {"maxfun": max_fun, "maxiter": max_iter, "gtol": tol}
        start = self.pack(weights, biases)

        def tell(intermediate_result: Any) -> None:  # the name by which SciPy gives more than the parameters
            told.iteration(intermediate_result.fun)

        result = minimize(self.cost_and_gradient, start, method="L-BFGS-B", jac=True, options=options, callback=tell)
        if result.status != 0:
            from sklearn.exceptions import ConvergenceWarning

            said = NOT_CONVERGED + MORE * (result.nit >= max_iter) + SCALE
            message = said.format(n_iter=result.nit, status=result.status, message=result.message, max_iter=max_iter)
            warnings.warn(message, ConvergenceWarning, stacklevel=frames_below_the_user())
        return result
