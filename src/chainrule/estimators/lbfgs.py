"""Training by SciPy's L-BFGS-B, cost and gradient from the engine."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._types import Array
from ..engines import Engine, Slope, Threads
from ..examples import Examples
from ..plan import Floats, Plan
from ..training import frames_below_the_user
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
    def cuts(self) -> list[int]:
        """Where in the vector each array ends: each layer's weights, then each layer's biases."""
        sizes = [layer.n_in * layer.n_out for layer in self.plan.layers] + [layer.n_out for layer in self.plan.layers]
        return np.cumsum(sizes).tolist()

    def pack(self, weights: list[Array], biases: list[Array]) -> Floats:
        """Put arrays into one vector."""
        packed: Floats = np.concatenate([part.ravel() for part in (*weights, *biases)], dtype=np.float64)
        return packed

    def unpack(self, packed: Floats) -> tuple[list[Array], list[Array]]:
        """Take them out again, as views where the plan's dtype is the vector's."""
        layers, parts = self.plan.layers, np.split(packed.astype(self.plan.dtype, copy=False), self.cuts[:-1])
        weights = [part.reshape(layer.n_out, layer.n_in) for part, layer in zip(parts, layers, strict=False)]
        return weights, parts[len(layers) :]

    @cached_property
    def slope(self) -> Slope:
        """The summed cost and its gradient."""
        rows, data = np.arange(len(self.examples)), self.engine.prepare(self.examples)
        return self.engine.gradient(self.plan, data, rows, threads=self.threads)

    def cost_and_gradient(self, packed: Floats) -> tuple[float, Floats]:
        """scikit-learn's loss, penalty in it, and its gradient."""
        cost, (nabla_b, nabla_w) = self.slope(*self.unpack(packed))
        total = len(self.examples) if self.examples.weights is None else float(self.examples.weights.sum())
        gradient, w = self.pack(nabla_w, nabla_b), packed[: self.cuts[len(self.plan.layers) - 1]]
        gradient[: len(w)] += self.alpha * w
        gradient /= total
        return (self.loss_scale * cost + 0.5 * self.alpha * float(w @ w)) / total, gradient

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
