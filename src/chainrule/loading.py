"""Loading a model file: a network, or the estimator of a table."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from . import model_file
from .checkpoints.checkpoint_file import CHECKPOINT_VERSION
from .errors import ModelFileError
from .network import Network, network_from_model
from .tensor_file import open_tensors

if TYPE_CHECKING:
    from .estimators import TableClassifier, TableRegressor
    from .table_model import TableModel


def load(path: str | os.PathLike[str]) -> Any:
    """Read a model from its safetensors file.

    Returns
    -------
    Network, TableClassifier or TableRegressor
        As it was saved.

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    ModelFileError
        When it is truncated, damaged, of another kind, or of a later version.
    """
    model = load_model(path)
    return model if isinstance(model, Network) else _as_estimator(model)


def load_model(path: str | os.PathLike[str]) -> Network | TableModel:
    """Read a network, or a table's model without its estimator, which needs scikit-learn.

    Raises
    ------
    FileError, ModelFileError
        As ``load`` raises them.
    """
    with open_tensors(path) as file:
        if file.version == model_file.NETWORK_VERSION:
            return network_from_model(model_file.read_model(file))
        if file.version == CHECKPOINT_VERSION:
            raise ModelFileError(
                f"{file.path} holds a checkpoint of a training, not a model; go on with the training, which gives the model: "
                "train(..., checkpoint=FOLDER, resume=True), or chainrule train --resume FOLDER"
            )
        from .table_model import read_table_model

        return read_table_model(file)


def _as_estimator(model: TableModel) -> TableClassifier | TableRegressor:
    from .estimators import TableClassifier, TableRegressor

    return (TableClassifier if model.is_classifier else TableRegressor)._from_model(model)
