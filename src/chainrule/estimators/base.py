"""Fitting: the steps of ``fit`` and ``partial_fit`` that classifier and regressor share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from operator import index
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils.validation import _check_sample_weight

from ..examples import Examples
from ..plan import Plan
from .calling_code import raise_to_caller
from .estimator_plan import make_plan
from .fit_settings import check_checkpoint
from .hyperparameters import CONSTRAINTS, check_hyperparameters
from .input_checks import check_training_data
from .random_state import draw_parameters, initializer_name, make_random_state
from .solvers import TrainableNetwork
from .validation_set import ValidationSet

CURVES = ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_")


class BaseMLP(TrainableNetwork):
    """The base class of ``MLPClassifier`` and ``MLPRegressor``.

    An estimator that has only another's public attributes predicts as that one, and ``partial_fit`` and warm starts continue from
    its parameters and counters. The optimizer's slots, and a learning rate that has changed, are private and start anew.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    @abstractmethod
    def _fit_targets(self, y: Any, incremental: bool) -> None:
        """Learn the classes of y, or check them against those of an earlier fit."""

    def _validate_params(self) -> None:
        check_hyperparameters(self)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None, sample_weight_val: Any = None
    ) -> Any:
        """Fit the network to X and y.

        Parameters
        ----------
        X : array or sparse matrix, shape (n_samples, n_features)
        y : array, shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array, shape (n_samples,), optional
        X_val, y_val, sample_weight_val : optional
            A validation set: ``validation_loss_curve_`` holds its loss after each epoch, and the parameters with the lowest loss
            are restored. With ``early_stopping`` it is used in place of rows split off X, and its score decides.

        Returns
        -------
        self
        """
        if (X_val is None) != (y_val is None) or (X_val is None and sample_weight_val is not None):
            raise ValueError("a validation set is X_val and y_val together, and with them sample_weight_val if it is weighted")
        validation = None if X_val is None else (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, incremental=False, validation=validation)

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool, validation: Any = None) -> Any:
        """Fit, or continue for one epoch where ``incremental``; a failure leaves the estimator as it was."""
        with restore_on_failure(self):
            self._check_combination(incremental=incremental, has_validation=validation is not None)
            first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
            if first:
                self.__dict__.pop("out_activation_", None)  # of an earlier fit
            X, y = check_training_data(self, X, y, reset=first)
            self._fit_targets(y, incremental)
            if first:
                self._fit_scaler(X)
            random_state = make_random_state(self.random_state)
            targets = self._fit_outputs(y, first)
            plan = self._prepare_parameters(X, first, random_state)
            examples = Examples(self._scale_rows(X), targets, weights=self._row_weights(y, sample_weight, X))
            validation_set = None if validation is None else self._read_validation_set(*validation)
            self.__dict__.pop("validation_loss_curve_", None)  # of an earlier fit
            if self.solver == "lbfgs":
                self._fit_lbfgs(plan, examples)
            else:
                self._fit_stochastic(plan, examples, validation_set, random_state, incremental)
            self._check_finite()
        if self._summary is not None and self._summary.stopped == "interrupted":
            raise_to_caller()
        return self

    def _hidden_sizes(self) -> list[Any]:
        return np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object)).tolist()

    def _check_combination(self, *, incremental: bool, has_validation: bool) -> None:
        """Refuse hyperparameters and arguments that contradict each other."""
        check_checkpoint(self, incremental=incremental, splits=self.early_stopping and not has_validation)
        hidden = self._hidden_sizes()
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        if self.solver != "lbfgs":
            if self.early_stopping and incremental:
                raise ValueError("partial_fit does not support early_stopping=True")
            return
        if has_validation:
            raise ValueError("a validation set is evaluated after each epoch, and lbfgs has no epochs; use solver='adam' or 'sgd'")
        if self.dropout:
            raise ValueError("dropout draws units for each mini-batch, and lbfgs has no mini-batches; use solver='adam' or 'sgd'")

    def _fit_outputs(self, y: Any, first: bool) -> Any:
        """Set ``out_activation_`` and ``n_outputs_``; return y as an engine takes it."""
        targets, activation = self._encode_targets(y)
        fitted = None if first else self._output_activation(self._coef_shapes()[-1][1])
        if fitted not in (None, activation):
            raise ValueError(
                f"y and the loss require out_activation_ {activation!r}, but the fitted network has {fitted!r}; refit with "
                "warm_start=False"
            )
        self.out_activation_ = activation
        self.n_outputs_ = self._count_outputs(targets)
        return targets

    def _count_outputs(self, targets: Any) -> int:
        return 1 if targets.ndim == 1 else int(targets.shape[1])

    def _prepare_parameters(self, X: Any, first: bool, random_state: np.random.RandomState) -> Plan:
        """Draw the initial parameters on a first fit; otherwise check that the fitted ones have the required shapes."""
        dtype = X.dtype if first else self._read_parameters()[0]  # of a warm start, that of the first fit
        sizes = [X.shape[1], *map(index, self._hidden_sizes()), self.n_outputs_]
        plan = make_plan(self, sizes, self.out_activation_, dtype)
        if first:
            self._initialize(plan, random_state)
            return plan
        shapes, required = self._coef_shapes(), [(layer.n_in, layer.n_out) for layer in plan.layers]
        if shapes != required:
            raise ValueError(
                f"coefs_ have the shapes {shapes}, but hidden_layer_sizes and y require {required}; refit with warm_start=False"
            )
        return plan

    def _initialize(self, plan: Plan, random_state: np.random.RandomState) -> None:
        """Draw the initial parameters, and reset counters and curves."""
        weights, biases = draw_parameters(random_state, plan.sizes, self.activation, plan.dtype)
        self._set_parameters(plan, weights, biases)
        self.t_ = 0
        self.n_iter_ = 0
        self._initializer = initializer_name(self.activation)
        for name in (*CURVES, "_training", "_summary"):
            self.__dict__.pop(name, None)
        if self.solver != "lbfgs":
            self._training = self._start_training(plan, weights, biases)

    def _row_weights(self, y: Any, sample_weight: Any, X: Any) -> Any:
        """Return the weight of each row, or None where all are 1."""
        return None if sample_weight is None else _check_sample_weight(sample_weight, X)

    def _read_validation_set(self, X: Any, y: Any, sample_weight: Any) -> ValidationSet:
        """Check a validation set that the user gave."""
        X, y = self._check_labelled_rows(X, y, "y_val")
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        return ValidationSet(Examples(self._scale_rows(X), self._encode_targets(y)[0], weights=weights), y, weights)

    def _check_finite(self) -> None:
        """Raise scikit-learn's error where a parameter is NaN or infinite."""
        if not all(np.isfinite(part).all() for part in (*self.coefs_, *self.intercepts_)):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
            )

    def _is_stochastic(self) -> bool:
        """Whether ``partial_fit`` is available; raise scikit-learn's error otherwise."""
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit is only available for stochastic optimizers. lbfgs is not stochastic.")
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextmanager
def restore_on_failure(estimator: BaseEstimator) -> Iterator[None]:
    """Restore an estimator's attributes where an exception leaves the block."""
    before = dict(estimator.__dict__)
    try:
        yield
    except BaseException:
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise
