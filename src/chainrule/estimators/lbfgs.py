"""Training by SciPy's L-BFGS-B, cost and gradient from the engine."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from .._types import Array
from ..engines import Engine, Slope, Threads, blas_threads
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
    def places(self) -> list[tuple[slice, tuple[int, ...]]]:
        """Where in the vector each array lies, and its shape: each layer's weights, then each layer's biases."""
        layers = self.plan.layers
        shapes: list[tuple[int, ...]] = [*((layer.n_out, layer.n_in) for layer in layers), *((layer.n_out,) for layer in layers)]
        ends = list(accumulate(prod(shape) for shape in shapes))
        return [(slice(end - prod(shape), end), shape) for end, shape in zip(ends, shapes, strict=True)]

    def pack(self, weights: list[Array], biases: list[Array]) -> Floats:
        """Put arrays into one vector."""
        packed: Floats = np.concatenate([part.ravel() for part in (*weights, *biases)], dtype=np.float64)
        return packed

    def unpack(self, packed: Floats) -> tuple[list[Array], list[Array]]:
        """Take them out again, as views where the plan's dtype is the vector's."""
        numbers, layers = packed.astype(self.plan.dtype, copy=False), len(self.plan.layers)
        parts = [numbers[place].reshape(shape) for place, shape in self.places]
        return parts[:layers], parts[layers:]

    @cached_property
    def total(self) -> float:
        """What the examples weigh together."""
        return len(self.examples) if self.examples.weights is None else float(self.examples.weights.sum())

    def cost_and_gradient(self, packed: Floats, slope: Slope) -> tuple[float, Floats]:
        """scikit-learn's loss, penalty in it, and its gradient, from the engine's."""
        cost, (nabla_b, nabla_w) = slope(*self.unpack(packed))
        gradient, w = self.pack(nabla_w, nabla_b), packed[: self.places[len(nabla_w)][0].start]
        gradient[: len(w)] += self.alpha * w
        gradient /= self.total
        return (self.loss_scale * cost + 0.5 * self.alpha * float(w @ w)) / self.total, gradient

    def solve(self, weights: list[Array], biases: list[Array], *, max_iter: int, max_fun: int, tol: float, told: Quiet) -> Any:
        """Minimize from a start; gives SciPy's result, and warns as scikit-learn does where it did not converge."""
        from scipy.optimize import minimize

        options = {"maxfun": max_fun, "maxiter": max_iter, "gtol": tol}
        start = self.pack(weights, biases)

        def tell(intermediate_result: Any) -> None:  # the name by which SciPy gives more than the parameters
            told.iteration(intermediate_result.fun)

        data, rows = self.engine.prepare(self.examples), np.arange(len(self.examples))
        slope = self.engine.gradient(self.plan, data, rows, threads=self.threads)
        # SciPy's own products are small, but a thread of BLAS would go on turning on the core that the kernels need next.
        with nullcontext() if self.engine.name == "reference" else blas_threads(1):
            settings: dict[str, Any] = {"method": "L-BFGS-B", "jac": True, "options": options, "callback": tell}
            result = minimize(self.cost_and_gradient, start, (slope,), **settings)
        if result.status != 0:
            from sklearn.exceptions import ConvergenceWarning

            said = NOT_CONVERGED + MORE * (result.nit >= max_iter) + SCALE
            message = said.format(n_iter=result.nit, status=result.status, message=result.message, max_iter=max_iter)
            warnings.warn(message, ConvergenceWarning, stacklevel=frames_below_the_user())
        return result
