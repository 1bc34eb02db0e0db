"""A validation set of an estimator: given by the user, or split off the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from ..examples import Examples

TOO_SMALL = "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."


@dataclass(frozen=True)
class ValidationSet:
    """A validation set as an engine takes it, and y as predictions are compared with it.

    Attributes
    ----------
    examples : Examples
    y : array
        Labels, or values.
    sample_weight : array or None
    """

    examples: Examples
    y: Any
    sample_weight: Any


def split_examples(
    examples: Examples, fraction: float, random_state: np.random.RandomState, *, stratify: bool
) -> tuple[Examples, Examples]:
    """Split examples into a training part and a validation part, with scikit-learn's random draws.

    Parameters
    ----------
    examples : Examples
    fraction : float
        Of the rows, to validate on.
    random_state : RandomState
    stratify : bool
        Whether both parts keep the proportions of the two classes; y then holds 0s and 1s.

    Returns
    -------
    training, validation : Examples

    Raises
    ------
    ValueError
        When the validation part has fewer than 2 rows, or cannot be stratified.
    """
    x, y, weights = examples.x, examples.y, examples.weights
    # scikit-learn stratifies by its encoded targets, a boolean column.
    strata = np.asarray(y).astype(bool)[:, None] if stratify else None
    arrays = [x, y] if weights is None else [x, y, weights]
    parts = train_test_split(*arrays, random_state=random_state, test_size=fraction, stratify=strata)
    if parts[1].shape[0] < 2:
        raise ValueError(TOO_SMALL)
    training_weights, validation_weights = (None, None) if weights is None else parts[4:]
    return Examples(parts[0], parts[2], weights=training_weights), Examples(parts[1], parts[3], weights=validation_weights)
