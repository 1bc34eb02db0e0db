"""``MLPRegressor``: values, and their two losses."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions

from .._types import Array
from ..history import EpochRecord
from ..progress import format_r2_results
from .base import BaseMLP
from .hyperparameters import CONSTRAINTS, store_hyperparameters


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multi-layer perceptron regressor with scikit-learn's interface and numbers, on the fused engine.

    It has every parameter and attribute of scikit-learn's ``MLPRegressor``, with the same defaults; with the same integer
    ``random_state`` it learns the same parameters. The last seven parameters, and ``verbose="live"``, are not scikit-learn's.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}
    hidden_layer_sizes : int or sequence of int
        The number of units of each hidden layer.
    activation : {"relu", "tanh", "logistic", "identity"}
        Of the hidden layers.
    solver : {"adam", "sgd", "lbfgs"}
    alpha : float
        The L2 penalty, divided by the weight of each mini-batch.
    batch_size : int or "auto"
        "auto" is 200, or the number of rows if that is smaller.
    learning_rate : {"constant", "invscaling", "adaptive"}
        The schedule, for sgd.
    learning_rate_init, power_t : float
        The initial learning rate; the exponent of invscaling.
    max_iter, max_fun : int
        The maximum number of epochs, or of lbfgs' iterations; the maximum number of lbfgs' evaluations.
    shuffle : bool
        Whether the order of the rows is shuffled for each epoch.
    random_state : int, RandomState or None
    tol, n_iter_no_change : float
        The training stops when the loss, or the score, has not improved by ``tol`` for more than ``n_iter_no_change`` epochs.
    verbose : bool, int or "live"
        True prints scikit-learn's lines; "live" draws the command line's live line, in a terminal or a notebook.
    warm_start : bool
        Whether ``fit`` continues from the parameters of the last fit.
    momentum, nesterovs_momentum : float, bool
        Of sgd.
    early_stopping, validation_fraction : bool, float
        Whether a fraction of the rows is held out, and its score decides when to stop and which parameters are the best.
    beta_1, beta_2, epsilon : float
        Of adam.
    dropout : float
        The probability of dropping a hidden unit in a training step; not available for lbfgs.
    standardize : bool
        Whether columns are centred and scaled, as by a ``StandardScaler``; sparse columns are scaled only.
    threads : int or "auto"
        The number of threads that train; it changes no number.
    checkpoint : path, optional
        A folder, made when the training begins, that always holds a checkpoint: a fit that was killed goes on from it, for adam and
        sgd. ``chainrule info`` and ``chainrule runs`` read it.
    checkpoint_every : str, optional
        The interval between two checkpoints: a time such as "30 s", "5 min" or "1 h", or epochs, such as "5 epochs"; by default
        "10 s".
    resume : bool
        Whether ``fit`` goes on from the folder's checkpoint, where it has one; without, a folder that is not empty is refused. It
        ends with the numbers of a fit that was never stopped. Hyperparameters and data must be those it was begun with;
        ``max_iter`` may be more, and ``threads`` and ``verbose`` may differ.
    allow_other_engine : bool
        Whether to resume a fit of another engine or instruction set, whose numbers differ in the last digits.

    Attributes
    ----------
    coefs_, intercepts_ : list of arrays
        The weights (n_in, n_out) and biases (n_out,) of each layer; the weights are views of those of ``network_``.
    network_ : Network
        The fitted network, which shares their memory.
    loss_, best_loss_, loss_curve_ : float, float or None, list of float
        The loss of the last epoch, the lowest loss, and the loss of each epoch; all include the penalty.
    validation_scores_, best_validation_score_ : list of float or None, float or None
        With ``early_stopping``, the score after each epoch, and the best.
    validation_loss_curve_ : list of float
        With ``X_val`` and without ``early_stopping``, the loss on it after each epoch, without the penalty.
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_ : int
        The epochs of the last fit, the samples seen in all, the layers including the input, the outputs, the columns.
    out_activation_ : str
        The activation of the output layer.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
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
        checkpoint: Any = None,
        checkpoint_every: str | None = None,
        resume: bool = False,
        allow_other_engine: bool = False,
    ) -> None:
        store_hyperparameters(self, locals())

    def _fit_targets(self, y: Any, incremental: bool) -> None:
        """Do nothing: values need no encoding."""

    def _encode_targets(self, y: Any) -> tuple[Any, str]:
        if y.dtype.kind not in "biuf":  # NumPy would convert strings and dates to numbers
            raise ValueError(f"the targets of a regressor must be numbers; y holds {y.dtype}: convert it, or use MLPClassifier")
        if self.loss == "poisson" and y.min() < 0:
            raise ValueError("Some value(s) of y are out of the valid range of the loss 'poisson': y must be at least 0.")
        return y.astype(np.float64, copy=False), self._default_output_activation(1)

    def _default_output_activation(self, n_out: int) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _decode_targets(self, targets: Any) -> Any:
        return targets

    def _decode_outputs(self, outputs: Array) -> Any:
        return outputs.ravel() if outputs.shape[1] == 1 else outputs

    def _format_results(self, record: EpochRecord) -> list[str]:
        return format_r2_results(record)

    def _validation_score(self, y: Any, predictions: Any, sample_weight: Any) -> float:
        return r2_score(y, predictions, sample_weight=sample_weight)

    def predict(self, X: Any) -> Any:
        """Predict a value for each row of X, (n_samples,), or with several outputs, (n_samples, n_outputs)."""
        return self._decode_outputs(self._outputs(X))

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train for one epoch on X and y, continuing from the last call.

        Parameters
        ----------
        X : array or sparse matrix, shape (n_samples, n_features)
        y : array, shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array, shape (n_samples,), optional

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, incremental=True)
