"""The network that an estimator's public attributes describe, and its outputs for rows of X.

Only public attributes decide: ``coefs_``, ``intercepts_``, ``out_activation_``, ``scaler_`` and the hyperparameters. A user may set
them by hand, on an estimator that was never fitted too.
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from .._types import Array
from ..engines import forward_small
from ..network import network_from
from ..plan import Plan
from .coefficients import read_coefficients
from .estimator_plan import HIDDEN_ACTIVATIONS, make_plan, output_activation_name
from .input_checks import check_rows, check_training_data


class FittedNetwork(BaseEstimator, metaclass=ABCMeta):
    """An estimator that can read a network from its attributes."""

    n_features_in_: int

    _fitted_plan: Plan | None = None  # of the last fit; a cache, checked against the public attributes before it is used

    @abstractmethod
    def _default_output_activation(self, n_out: int) -> str:
        """Return the output's activation of an estimator that has no ``out_activation_``."""

    @abstractmethod
    def _encode_targets(self, y: Any) -> tuple[Any, str]:
        """Return y as an engine takes it, and the output's activation."""

    def _check_labelled_rows(self, X: Any, y: Any, y_name: str) -> tuple[Any, Any]:
        """Check X and y that are not trained on; ``y_name`` is the name of y in an error message."""
        return check_training_data(self, X, y, reset=False)

    def _read_parameters(self, dtype: Any = None) -> tuple[str, list[Array], list[Array]]:
        """Return dtype, weights and biases from ``coefs_`` and ``intercepts_``; see ``read_coefficients``."""
        return read_coefficients(self.coefs_, self.intercepts_, getattr(self, "n_layers_", None), dtype)

    def _coef_shapes(self) -> list[tuple[int, ...]]:
        return [np.shape(w) for w in self.coefs_]

    def _output_activation(self, n_out: int) -> str:
        return getattr(self, "out_activation_", None) or self._default_output_activation(n_out)

    def _read_network(self) -> tuple[Plan, list[Array], list[Array]]:
        """Return plan, weights and biases, from the public attributes."""
        dtype, weights, biases = self._read_parameters()
        sizes = [weights[0].shape[1], *(len(b) for b in biases)]
        return make_plan(self, sizes, self._output_activation(sizes[-1]), dtype), weights, biases

    def _set_parameters(self, plan: Plan, weights: list[Array], biases: list[Array]) -> None:
        """Set the attributes of a network; ``coefs_`` are views, (n_in, n_out), of its weights."""
        self.coefs_ = [w.T for w in weights]
        self.intercepts_ = list(biases)
        self.n_layers_ = len(self.coefs_) + 1
        self._fitted_plan = plan

    def _fitted_scaler(self) -> Any:
        """Return ``scaler_``, or None where the network takes X unscaled.

        A scaler stays with the weights that were trained on its columns, even where ``standardize`` has been set to False since.
        """
        scaler = getattr(self, "scaler_", None)
        if scaler is None and self.standardize:
            raise ValueError(
                "standardize=True, but this estimator has no scaler_, so that the scale of its columns is unknown; fit it, set "
                "scaler_ as well, or set standardize=False where coefs_ take the columns as they are"
            )
        return scaler

    def _fit_scaler(self, X: Any) -> None:
        """With ``standardize``, fit ``scaler_`` to X; sparse columns are not centred, so that zeros stay zeros."""
        self.__dict__.pop("scaler_", None)
        if self.standardize:
            self.scaler_ = StandardScaler(with_mean=not hasattr(X, "tocsr")).fit(X.astype(np.float64))

    def _scale_rows(self, X: Any) -> Any:
        """Return checked rows as the network takes them: scaled, and CSR where they are sparse."""
        X = X.tocsr() if hasattr(X, "tocsr") else X
        scaler = self._fitted_scaler()
        return X if scaler is None else scaler.transform(X.astype(np.float64)).astype(X.dtype)

    def _network_inputs(self, X: Any) -> Any:
        """Check rows without targets; return them as the network takes them."""
        return self._scale_rows(check_rows(self, X))

    def _outputs(self, X: Any) -> Array:
        """Return the network's outputs for X, shape (n_samples, n_outputs)."""
        if "coefs_" not in self.__dict__ or "intercepts_" not in self.__dict__:
            check_is_fitted(self, ("coefs_", "intercepts_"))
        outputs = self._small_outputs(X)
        if outputs is not None:
            return outputs
        return network_from(*self._read_network(), init="").feedforward(self._network_inputs(X))

    def _small_outputs(self, X: Any) -> Array | None:
        """Return the outputs for a few rows of a plain array, at a tenth of the cost of the general path.

        None where the general path is needed: for many rows, rows that must be checked or scaled, or attributes that differ from
        those of the last fit. ``forward_small`` checks X itself.
        """
        plan, attributes = self._fitted_plan, self.__dict__
        if plan is None or getattr(X, "dtype", None) != plan.dtype or attributes.get("n_layers_") != len(plan.layers) + 1:
            return None
        if self.standardize or "scaler_" in attributes or "feature_names_in_" in attributes:
            return None
        hidden = HIDDEN_ACTIVATIONS[self.activation]
        if output_activation_name(attributes.get("out_activation_", "")) != plan.layers[-1].activation:
            return None
        if any(layer.activation != hidden for layer in plan.layers[:-1]):
            return None
        coefs, intercepts = self.coefs_, self.intercepts_
        if type(coefs) is not list or type(intercepts) is not list or any(type(w) is not np.ndarray for w in coefs):
            return None
        return forward_small(plan, [w.T for w in coefs], intercepts, X)
