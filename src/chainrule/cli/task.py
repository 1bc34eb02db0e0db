"""Classification or regression: inferred from the labels of a table, or known from a trained network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from .settings import Task

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..examples import Examples
    from ..network import Network

MAX_CLASSES = 1000


def infer_task(examples: Examples) -> Task:
    """Infer the task from y.

    Classes are one-hot rows, labels -1 and 1, and whole numbers that are classes of a table (``tables.target.infer_task``) and can
    number a network's outputs: from 0 to 999.

    Examples
    --------
    >>> from chainrule import Examples
    >>> x = np.ones((100, 1))
    >>> infer_task(Examples(x, np.arange(100) % 3)), infer_task(Examples(x, np.arange(100.0)))
    ('classification', 'regression')
    """
    y = examples.y
    if y is None:
        raise DataError("the data has no y to learn from")
    if has_sign_labels(examples) and 1 in y:
        return "classification"
    if y.ndim == 2:
        one_hot = y.shape[1] > 1 and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()
        return "classification" if one_hot else "regression"
    from ..tables.column import Column
    from ..tables.target_inference import infer_task as infer_task_of_column

    if y.min() < 0 or y.max() >= MAX_CLASSES:
        return "regression"
    return infer_task_of_column(Column("y", "number", y.astype(np.float64)))[0]


def count_outputs(parts: Iterable[Examples], task: Task, data_name: str) -> int:
    """Count the outputs that a network for some data needs: one for each class, at least two, or one for each value.

    ``parts`` are the training, validation and test examples of the data; ``data_name`` is for the message.

    Raises
    ------
    DataError
        When the labels are too large to number classes.
    """
    ys = [part.y for part in parts if part.y is not None]
    if ys[0].ndim == 2:
        return int(ys[0].shape[1])
    if task == "regression":
        return 1
    largest = max(float(y.max()) for y in ys)
    if largest >= MAX_CLASSES:
        raise DataError(f"labels number the classes 0, 1, 2 ... up to {MAX_CLASSES - 1}; {data_name} holds {largest:g}")
    return max(2, 1 + int(largest))


def has_sign_labels(examples: Examples) -> bool:
    """Whether the labels are -1 and 1, or -1 alone."""
    y = examples.y
    return y is not None and y.ndim == 1 and -1 in y and set(np.unique(y)) <= {-1, 1}


def signs_to_classes(examples: Examples) -> Examples:
    """Replace labels -1 and 1 by the classes 0 and 1; leave other labels unchanged."""
    from ..examples import Examples

    if not has_sign_labels(examples):
        return examples
    y = (np.asarray(examples.y) > 0).astype(np.intp)
    return Examples(examples.x, y, weights=examples.weights, pixels=True, layout=examples.layout)


def is_classifier(network: Network) -> bool:
    """Whether a network learnt classes: from its file, else from its output layer."""
    if network.provenance is not None and network.provenance.classes is not None:
        return network.provenance.classes
    return network.sizes[-1] > 1 or network.plan.sigmas[-1].name == "sigmoid"
