"""The inputs of ``chainrule predict``: a table, an array or a picture, read as the rows that a network takes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..datasets.npz_file import read_npz
from ..datasets.table import is_svmlight
from ..errors import DataError, DataTypeError, FileError
from ..tables.read import is_table_of_columns
from .column_names import read_rows_for, target_of_training
from .data_source import read_svmlight_for
from .describe import describe_inputs
from .output import print_message

if TYPE_CHECKING:
    from .._types import AnyArray, Inputs
    from ..network import Network


def read_inputs(path: Path, network: Network) -> Inputs:
    """Read a file as rows that the network takes, (n, n_in).

    Raises
    ------
    FileError, DataError, DataTypeError
        When the file cannot be read, or does not hold inputs of this network.
    """
    if is_svmlight(path):
        return _check_rows(path, read_svmlight_for(network, path).x, network)
    if is_table_of_columns(path):
        rows: AnyArray = read_rows_for(network, path)
    elif path.suffix.lower() == ".npz":
        rows = _read_npz(path, network)
    elif path.suffix.lower() == ".npy":
        rows = read_npy(path)
    else:
        return _read_picture(path, network)
    return _check_rows(path, _flatten_images(path, rows, network), network)


def _read_npz(path: Path, network: Network) -> AnyArray:
    """Read ``x`` of an npz file; of a network of a table, without the target's column where ``x`` has it."""
    x = read_npz(path, "x")[0]
    target = target_of_training(network, [str(k) for k in range(x.shape[1])]) if x.ndim == 2 else None
    if target is None:
        return x
    print_message(f"{path}: column {target} (from 0) was ignored; it is the target of the model's training")
    return np.delete(x, int(target), axis=1)


def _check_rows(path: Path, rows: Inputs, network: Network) -> Inputs:
    """Convert rows as the network's training data were; an error names the file."""
    n_in = network.sizes[0]
    if len(rows.shape) == 2 and rows.shape[1] != n_in:
        remedy = "; leave the target's column out" if rows.shape[1] == n_in + 1 else ""
        raise DataError(f"{path} has rows of {rows.shape[1]} numbers, but the network takes {n_in}{remedy}")
    try:
        return network.read(rows).x
    except (DataError, DataTypeError) as error:
        raise type(error)(f"{path}: {error}") from None


def _flatten_images(path: Path, x: AnyArray, network: Network) -> AnyArray:
    """Reshape one row, or images (n, rows, columns), to (n, n_in) where the sizes agree.

    Raises
    ------
    DataError
        When the images have other rows and columns than those of the network's training.
    """
    n_in, spec = network.sizes[0], network.inputs
    if x.ndim == 1 and len(x) == n_in:
        return x[None]
    if x.ndim == 3 and spec is not None and spec.is_image and x.shape[1:] != spec.shape:
        actual, expected = (f"{rows} x {columns}" for rows, columns in (x.shape[1:], spec.shape))
        raise DataError(f"{path} holds images of {actual}, but the network learnt images of {expected}")
    if x.ndim == 3 and spec is not None and spec.transposed:
        print_message(f"{path}: the images were taken as they are stored, column by column, like those of the network's training")
    return x.reshape(len(x), n_in) if x.ndim > 2 and math.prod(x.shape[1:]) == n_in else x


def read_npy(path: Path) -> AnyArray:
    """Map an array from a file: nothing in it is executed, and no more memory is used than the file's size allows.

    Raises
    ------
    FileError
        When it cannot be read.
    DataError
        When it is not an intact .npy file of numbers.
    """
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None
    except Exception as error:  # NumPy parses the header with Python's own tokenizer, whose errors are of many kinds
        raise DataError(f"{path} is not an intact .npy file of numbers: {error}") from None


def _read_picture(path: Path, network: Network) -> AnyArray:
    """Read a picture like the images of the network's training, as one row.

    Raises
    ------
    DataError
        When the network was not trained on images from 0 to 1, or its file does not say how they are stored.
    """
    from ..datasets.pictures import read_image

    spec = network.inputs
    if spec is None or not (spec.is_image and (spec.unit or spec.kind == "pixels")):
        raise DataError(_refusal_of_picture(path, network))
    row, note = read_image(path, spec)
    if note:
        print_message(f"{path}: {note}")
    return row


def _refusal_of_picture(path: Path, network: Network) -> str:
    spec = network.inputs
    training = "its file does not record its inputs" if spec is None else f"the model learnt {describe_inputs(spec)}"
    if spec is not None and spec.is_image:
        training += f" from {spec.low:g} to {spec.high:g}, not from 0 to 1"
    remedy = "give it rows of numbers, as .npy or .csv"
    if spec is None or spec.kind == "pixels":
        remedy += ", or train it on chainrule.Examples(x, y, layout=(rows, columns))"
    return f"cannot use {path}: a picture is for a model of images, and {training}; {remedy}"
