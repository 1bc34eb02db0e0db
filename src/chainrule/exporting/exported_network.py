"""The network as every target writes it: checked, with the labels of an estimator."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._types import Array
from ..calculus.activations import ACTIVATIONS, Activation
from ..errors import ArgumentTypeError, SettingError
from ..input_spec import InputSpec
from ..network import Network, network_as_model
from ..plan import Provenance

Label = str | int | float | bool

EXACT_INTEGERS = 2**53
"""Every whole number up to this is a float64, the only number of some languages."""


@dataclass(frozen=True)
class ExportedNetwork:
    """A network whose parameters are finite and whose activations are built in.

    Attributes
    ----------
    sizes : tuple of int
        The number of inputs, then of each layer's units.
    activations : tuple of str
        The name of each layer's activation.
    weights, biases : tuple of arrays
        Each (n_out, n_in) and (n_out,), of ``dtype``.
    dtype : {"float32", "float64"}
    inputs : InputSpec or None
        The inputs that it was trained on; None where that is not known.
    provenance : Provenance or None
        How it was trained.
    labels : tuple
        The names of the classes, in the order of the outputs, or of 0 and 1; empty where the labels are 0, 1, 2, ...
    """

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    dtype: str
    inputs: InputSpec | None
    provenance: Provenance | None
    labels: tuple[Label, ...] = ()

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return sum(array.size for array in (*self.weights, *self.biases))

    @property
    def bytes(self) -> int:
        """The size of the weights and biases."""
        return sum(array.nbytes for array in (*self.weights, *self.biases))

    @property
    def learnt_pixels(self) -> bool:
        """Whether it was trained on pixels, which other programs give as numbers from 0 to 255."""
        return self.inputs is not None and self.inputs.kind == "pixels"

    @property
    def predicts_values(self) -> bool:
        """Whether several outputs are values, of which none is a label: ``Network.predict`` refuses such a network."""
        return self.provenance is not None and self.provenance.classes is False and self.sizes[-1] > 1


def read_model(model: Any) -> ExportedNetwork:
    """Check a network, or a fitted estimator that holds one.

    Parameters
    ----------
    model : Network, or a fitted MLPClassifier or MLPRegressor
        The columns' scale of an estimator with ``standardize`` is folded into the first layer, so that the result takes raw rows.

    Raises
    ------
    ArgumentTypeError
        When it is not a network, or is the model of a table.
    SettingError
        When a parameter is NaN or infinite, an activation is the user's own, or a label cannot be written.
    """
    network, labels = (model, ()) if isinstance(model, Network) else _read_estimator(model)
    contents = network_as_model(network)
    return ExportedNetwork(
        sizes=network.plan.sizes,
        activations=tuple(_activation_name(layer.activation) for layer in contents.layers),
        weights=tuple(map(_check_finite, contents.weights)),
        biases=tuple(map(_check_finite, contents.biases)),
        dtype=contents.dtype,
        inputs=contents.inputs,
        provenance=contents.provenance,
        labels=labels,
    )


def _read_estimator(model: Any) -> tuple[Network, tuple[Label, ...]]:
    """Give the network of an estimator, which takes raw rows, and the estimator's labels."""
    if isinstance(model, (str, bytes)) or hasattr(model, "__fspath__"):
        raise ArgumentTypeError(f"export takes a model, and this is a path: cr.export(cr.load({str(model)!r}), ...)")
    from ..estimators.network_export import NetworkExport, network_for_raw_rows
    from ..estimators.table_base import TableEstimator
    from ..table_model import TableModel

    if isinstance(model, (TableModel, TableEstimator)):
        raise ArgumentTypeError(
            "a table's model cannot be exported: it prepares the columns before its networks, and averages their outputs. Predict "
            "in Python or with chainrule predict, or export a network of numbers, such as an MLPClassifier fitted on them"
        )
    if not isinstance(model, NetworkExport):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        raise ArgumentTypeError(f"export takes a Network of chainrule, or its fitted MLPClassifier or MLPRegressor; this is {kind}")
    return network_for_raw_rows(model), _read_labels(getattr(model, "classes_", None))


def _read_labels(classes: Any) -> tuple[Label, ...]:
    """Read the labels of a classifier; none where they are 0, 1, 2, ..., as the outputs are numbered."""
    if classes is None:
        return ()
    labels: list[Any] = np.asarray(classes).tolist()
    if all(type(label) is int for label in labels) and labels == list(range(len(labels))):
        return ()
    for label in labels:
        is_exact = isinstance(label, (str, bool)) or (isinstance(label, int) and abs(label) <= EXACT_INTEGERS)
        if not is_exact and not (isinstance(label, float) and math.isfinite(label)):
            raise SettingError(
                f"the label {label!r} cannot be exported: labels must be texts, booleans, or finite numbers, of which whole ones "
                "are at most 2**53; export the estimator's network_, whose labels are 0, 1, 2, ..."
            )
    return tuple(labels)


def _activation_name(activation: str | Activation) -> str:
    if isinstance(activation, Activation):
        raise SettingError(
            f"the activation {activation.name!r} is a function of your own, Python code that no other language runs; train with a "
            f"built-in one: {', '.join(ACTIVATIONS)}"
        )
    return activation


def _check_finite(array: Array) -> Array:
    if not np.isfinite(array).all():
        raise SettingError("the network holds weights that are NaN or infinite, which predict nothing; it is not exported")
    return array
