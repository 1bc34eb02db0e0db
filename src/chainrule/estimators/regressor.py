"""``MLPRegressor``: what is a regressor's own: values, and their two losses."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions

from .._types import Array
from ..engines import at_work
from .base import BaseMLP, keep, unharmed


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multi-layer perceptron regressor: scikit-learn's, number for number, on the fused engine.

    Every parameter and attribute is scikit-learn's ``MLPRegressor``'s, with its default; with the same integer ``random_state`` it
    is the same network. ``network_`` is the fitted ``chainrule.Network``. Beyond scikit-learn's:

    Parameters
    ----------
    verbose : bool, int or "live"
        True prints scikit-learn's lines; "live" draws the command line's live line, in a terminal or a notebook.
    dropout : float
        The fraction of hidden activations that a training step drops; not with lbfgs, which takes no such steps.
    standardize : bool
        Whether columns are centred and scaled on entry, as by ``StandardScaler``; of sparse X they are scaled alone.
    threads : int or "auto"
        How many threads train; no number depends on it.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson"})],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        standardize: bool = False,
        threads: Any = "auto",
    ) -> None:
        keep(self, locals())

    def _learn_targets(self, y: Any, incremental: bool) -> None:
        """Learn nothing: values stand for themselves."""

    def _targets(self, y: Any) -> tuple[Any, str]:
        if y.dtype.kind not in "biuf":  # NumPy would read numbers out of text and dates
            raise ValueError(f"y holds {y.dtype}; the targets of a regressor are numbers")
        if self.loss == "poisson" and y.min() < 0:
            raise ValueError("Some value(s) of y are out of the valid range of the loss 'poisson': y must be at least 0.")
        return y.astype(np.float64, copy=False), "exp" if self.loss == "poisson" else "identity"

    def _as_told(self, targets: Any) -> Any:
        return targets

    def _answer(self, outputs: Array) -> Any:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _score(self, y: Any, told: Any, sample_weight: Any) -> float:
        return r2_score(y, told, sample_weight=sample_weight)

    def predict(self, X: Any) -> Any:
        """Predict a value for each row of X, (n_samples,), or with several outputs, (n_samples, n_outputs)."""
        return self._answer(self._outputs(X))

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Go through X and y once more."""
        with unharmed(self), at_work():
            return self._fit(X, y, sample_weight, incremental=True)
