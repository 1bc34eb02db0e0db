"""``MLPRegressor``: what is a regressor's own: values, and their two losses."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions

from .._types import Array
from ..engines import at_work
from ..history import EpochRecord
from ..progress import format_r2_results
from .base import BaseMLP, keep, unharmed


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multi-layer perceptron regressor: scikit-learn's, number for number, on the fused engine.

    Every parameter and attribute is scikit-learn's ``MLPRegressor``'s, with its default; with the same integer ``random_state`` it
    is the same network. The last three are beyond scikit-learn's, and so is ``verbose="live"``.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}
    hidden_layer_sizes : int or sequence of int
    activation : {"relu", "tanh", "logistic", "identity"}
        Of the hidden layers.
    solver : {"adam", "sgd", "lbfgs"}
    alpha : float
        The L2 penalty, divided by each mini-batch's weight.
    batch_size : int or "auto"
        "auto" is 200, or all rows where they are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}
        Of sgd.
    learning_rate_init, power_t : float
        The first rate; the power of invscaling.
    max_iter, max_fun : int
        Epochs at the most, or lbfgs' iterations; its evaluations.
    shuffle : bool
        Whether each epoch has an order of its own.
    random_state : int, RandomState or None
    tol, n_iter_no_change : float
        A training ends when the loss, or the score, was not better by ``tol`` for more than so many epochs.
    verbose : bool, int or "live"
        True prints scikit-learn's lines; "live" draws the command line's live line, in a terminal or a notebook.
    warm_start : bool
        Whether ``fit`` goes on from the last one.
    momentum, nesterovs_momentum : float, bool
        Of sgd.
    early_stopping, validation_fraction : bool, float
        Whether a part of the rows is held out, and its score decides the end and the best weights.
    beta_1, beta_2, epsilon : float
        Of adam.
    dropout : float
        The fraction of hidden activations that a training step drops; not with lbfgs, which takes no such steps.
    standardize : bool
        Whether columns are centred and scaled on entry, as by ``StandardScaler``; of sparse X they are scaled alone.
    threads : int or "auto"
        How many threads train; no number depends on it.

    Attributes
    ----------
    coefs_, intercepts_ : list of arrays
        Each layer's weights (n_in, n_out), views of the network's own, and biases (n_out,).
    network_ : Network
        The fitted network, which shares their memory.
    loss_, best_loss_, loss_curve_ : float, float or None, list of float
        The last epoch's loss, the least, and every epoch's, the penalty in it.
    validation_scores_, best_validation_score_ : list of float or None, float or None
        With ``early_stopping``.
    validation_loss_curve_ : list of float
        With a validation set of your own and without ``early_stopping``: its loss after each epoch, without the penalty.
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_ : int
        Epochs of the last fit, samples seen in all, layers with the input's, outputs, columns.
    out_activation_ : str
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

    def _output_for(self, n_out: int) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _as_told(self, targets: Any) -> Any:
        return targets

    def _answer(self, outputs: Array) -> Any:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _format_results(self, record: EpochRecord) -> list[str]:
        return format_r2_results(record)

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
