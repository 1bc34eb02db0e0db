"""Exports a fitted estimator: as a ``Network``, as a model file, and as the inputs and targets that the network takes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from ..input_spec import InputSpec
from ..network import Network, network_from
from ..plan import Plan, Provenance
from ..scaler import ColumnScaler
from .fitted_network import FittedNetwork
from .learning_rates import LearningRate


@dataclass(frozen=True)
class TrainingSummary:
    """Facts of the last training, for the network's provenance.

    Attributes
    ----------
    examples : int
        Rows that were trained on.
    kind : str
        Of the rows: dense or csr.
    seed : int or None
        ``random_state``, where it was an int.
    alpha : float
    epochs, steps : int
        Of all trainings of these parameters together.
    engine : str
    learning_rate : LearningRate or None
        None for L-BFGS.
    stopped : {"finished", "early", "interrupted"}
    earlier_epochs, earlier_steps : int
        Of the trainings before the last one.
    """

    examples: int
    kind: str
    seed: int | None
    alpha: float
    epochs: int
    steps: int
    engine: str
    learning_rate: LearningRate | None
    stopped: str
    earlier_epochs: int = 0
    earlier_steps: int = 0


class NetworkExport(FittedNetwork):
    """An estimator whose network can be taken out and saved."""

    _summary: TrainingSummary | None = None
    _initializer: str = ""  # of the parameters that the first fit drew; empty where they were set by hand

    @property
    def network_(self) -> Network:
        """The fitted network, which shares ``coefs_``' memory where they are floats; with ``standardize`` it takes scaled rows."""
        check_is_fitted(self)
        plan, weights, biases = self._read_network()
        provenance = self._provenance(plan)
        seed = 0 if provenance is None else provenance.seed or 0
        inputs = InputSpec("numbers", (plan.sizes[0],))
        return network_from(plan, weights, biases, init=None, seed=seed, provenance=provenance, inputs=inputs)

    def _provenance(self, plan: Plan) -> Provenance | None:
        """Return how the parameters were trained; None where a user has set parameters of other shapes, or no fit was made."""
        summary, fitted = self._summary, self._fitted_plan
        if summary is None or fitted is None or fitted.sizes != plan.sizes:
            return None
        rate = summary.learning_rate
        return Provenance(
            plan=fitted.to_dict() | ({"optimizer": {"name": "lbfgs"}} if rate is None else {}),
            data="",
            examples=summary.examples,
            epochs=summary.epochs,
            steps=summary.steps,
            learning_rate=None if rate is None else rate.initial,
            schedule="" if rate is None else rate.schedule,
            engine=summary.engine,
            stopped=summary.stopped,
            columns=[*map(str, getattr(self, "feature_names_in_", ()))],
            earlier_epochs=summary.earlier_epochs,
            earlier_steps=summary.earlier_steps,
            classes=is_classifier(self) and (fitted.layers[-1].activation == "softmax" or fitted.layers[-1].n_out == 1),
            n_in=fitted.sizes[0],
            kind=summary.kind,
            initializer=self._initializer,
            seed=summary.seed,
            alpha=summary.alpha,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted network to a model file, for ``cr.load`` and the command line; it takes X as ``predict`` does.

        With ``standardize``, the scale of the columns is folded into the first layer, in float64 whatever the dtype of the
        training: a column's mean may be far above its spread. Classes are counted from 0, in the order of ``classes_``, which the
        file does not hold. The loaded network takes uint8 as numbers, not as pixels.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        FileError
            When the file cannot be written.
        ValueError
            When ``scaler_`` was set to something other than a ``StandardScaler``.
        """
        network_for_raw_rows(self).save(path)

    def for_network(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        """Return X, and y if given, as ``network_`` takes them: rows scaled, classes counted from 0.

        Parameters
        ----------
        X : array or sparse matrix, shape (n_samples, n_features)
        y : array, shape (n_samples,) or (n_samples, n_outputs), optional

        Returns
        -------
        x, targets
            For ``cr.Examples``, ``network_.cost`` and the other methods of a network.
        """
        check_is_fitted(self)
        if y is None:
            return self._network_inputs(X), None
        X, y = self._check_labelled_rows(X, y, "y")
        return self._scale_rows(X), self._encode_targets(y)[0]


def network_for_raw_rows(estimator: NetworkExport) -> Network:
    """Give the network of a fitted estimator that takes X as ``predict`` does: the columns' scale is folded into its first layer.

    Raises
    ------
    ValueError
        When ``scaler_`` was set to something other than a ``StandardScaler``.
    """
    network, scaler = estimator.network_, estimator._fitted_scaler()
    if scaler is not None:
        _column_scaler(scaler).fold_into_inputs(network)
    return network


def _column_scaler(scaler: Any) -> ColumnScaler:
    """Read the means and scales of a fitted ``StandardScaler``, either of which may be switched off."""
    if not isinstance(scaler, StandardScaler):
        raise ValueError(f"scaler_ must be a StandardScaler to be folded into the network; it is {scaler!r}")  # noqa: TRY004
    n_in = scaler.n_features_in_
    mean = scaler.mean_ if scaler.with_mean else np.zeros(n_in)
    scale = scaler.scale_ if scaler.with_std else np.ones(n_in)
    return ColumnScaler(mean, scale)
