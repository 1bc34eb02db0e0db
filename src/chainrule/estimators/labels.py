"""Class labels: the distinct ones, the binarizer between labels and targets, and the labels that a network's outputs predict."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import unique_labels

from .._types import AnyArray, Array


def distinct_labels(y: Any) -> AnyArray:
    """Return the sorted distinct labels of y, with the narrowest string dtype, as ``unique_labels`` does."""
    return np.asarray([*np.unique(y)]) if _is_plain_label_array(y) else unique_labels(y)


def fit_label_binarizer(y: Any) -> LabelBinarizer:
    """Fit a ``LabelBinarizer``, by setting its attributes where y is a plain array.

    Where the classes are more than half of the rows, scikit-learn's own ``fit`` runs, since it may warn.
    """
    if not _is_plain_label_array(y) or 2 * len(classes := distinct_labels(y)) > len(y):
        return LabelBinarizer().fit(y)
    return make_label_binarizer(classes, "multiclass" if len(classes) > 2 else "binary")


def make_label_binarizer(classes: AnyArray, kind: str, *, sparse_input: bool = False) -> LabelBinarizer:
    """Make a fitted ``LabelBinarizer`` for classes in the order of the outputs.

    ``kind`` is "binary", "multiclass" or "multilabel-indicator".
    """
    binarizer = LabelBinarizer()
    binarizer.classes_, binarizer.y_type_, binarizer.sparse_input_ = classes, kind, sparse_input
    return binarizer


def _is_plain_label_array(y: Any) -> bool:
    return type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "biuU"


def encode_labels(binarizer: LabelBinarizer, y: Any) -> tuple[Any, str]:
    """Encode labels as targets; return them with the output's activation.

    Returns
    -------
    targets : array
        Class indices (n,) for several classes, 0.0 or 1.0 (n,) for two classes, 0s and 1s (n, n_classes) for several labels a row.
    activation : {"softmax", "logistic"}
    """
    if y.ndim == 1 and binarizer.y_type_ in ("binary", "multiclass"):
        sorting = np.argsort(binarizer.classes_)  # classes that a user has set may be in any order
        indices = sorting[np.searchsorted(binarizer.classes_, y, sorter=sorting)]
        return (indices, "softmax") if binarizer.y_type_ == "multiclass" else (indices.astype(np.float64), "logistic")
    targets = binarizer.transform(y)
    return np.asarray(targets.todense() if hasattr(targets, "todense") else targets, np.float64), "logistic"


def decode_targets(binarizer: LabelBinarizer, targets: Any) -> Any:
    """Return the labels that ``encode_labels`` encoded."""
    return binarizer.classes_[targets] if binarizer.y_type_ == "multiclass" else binarizer.inverse_transform(targets)


def decode_outputs(binarizer: LabelBinarizer, outputs: Array) -> Any:
    """Return the label that each row of outputs (n, n_outputs) predicts, or 0s and 1s where a row has several labels.

    Raises
    ------
    ValueError
        When the number of classes does not match the number of outputs.
    """
    n_out, n_classes = outputs.shape[1], len(binarizer.classes_)
    if n_out != n_classes and not (n_out == 1 and n_classes <= 2):
        raise ValueError(f"classes_ has {n_classes} labels, but the network has {n_out} outputs")
    if binarizer.y_type_ == "multiclass":
        return binarizer.classes_[outputs.argmax(axis=1)]
    if binarizer.y_type_ == "binary":
        # A single class is both the last and the first.
        return binarizer.classes_[np.minimum(outputs.ravel() > 0.5, n_classes - 1, dtype=np.intp)]
    return binarizer.inverse_transform(outputs)
