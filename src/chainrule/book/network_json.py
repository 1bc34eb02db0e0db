"""The JSON file of ``network2``: sizes, weights, biases, and the cost by name.

Nothing in a file is executed or looked up but in the table of costs, and all is checked before an array is made of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._atomic_write import write_atomically
from .._reading import check_size, translate_read_errors
from .._types import Array
from ..errors import DataError, ModelFileError, SettingError
from ..network import checked_sizes

LIMIT_BYTES = 128 << 20
"""The largest file: 6 million parameters, which take some 20 bytes each. Python's objects take up to twenty times a file's size."""


@dataclass(frozen=True)
class NetworkParts:
    """The contents of a file: weights (n_out, n_in) and biases (n_out, 1) of each layer, and the name of the cost."""

    sizes: list[int]
    weights: list[Array]
    biases: list[Array]
    cost: str


def write_network_json(path: str | os.PathLike[str], parts: NetworkParts) -> None:
    """Write a file that ``read_network_json`` reads, whole or not at all.

    Raises
    ------
    SettingError
        When the sizes are not at least two whole numbers of at least 1.
    DataError
        When weights or biases do not have the shapes that the sizes require, or are not real numbers that float64 holds.
    FileError
        When it cannot be written.
    """
    sizes = checked_sizes(parts.sizes)
    weight_shapes, bias_shapes = _shapes(sizes)
    described = {
        "sizes": sizes,
        "weights": _nested_lists("weights", parts.weights, weight_shapes, sizes),
        "biases": _nested_lists("biases", parts.biases, bias_shapes, sizes),
        "cost": parts.cost,
    }
    write_atomically(Path(path), json.dumps(described).encode())


def _shapes(sizes: list[int]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Give the shapes of the weights and of the biases, layer by layer."""
    return list(zip(sizes[1:], sizes[:-1], strict=True)), [(n_out, 1) for n_out in sizes[1:]]


def _nested_lists(name: str, matrices: Sequence[Any], shapes: list[tuple[int, int]], sizes: list[int]) -> list[Any]:
    """Give matrices of these shapes as lists of floats."""
    arrays = [np.asarray(matrix) for matrix in matrices]
    found = [array.shape for array in arrays]
    if found != shapes:
        raise DataError(
            f"the sizes {sizes} require {name} of the shapes {shapes}, but they have {found}; assign net.sizes, or {name} of these "
            "shapes, before you save"
        )
    for layer, array in enumerate(arrays):
        if not np.can_cast(array.dtype, np.float64):
            raise DataError(
                f"{name}[{layer}] must hold real numbers up to float64; its dtype is {array.dtype}: convert it by astype"
            )
    return [array.astype(np.float64).tolist() for array in arrays]


def read_network_json(path: str | os.PathLike[str], costs: Collection[str]) -> NetworkParts:
    """Read a file whose cost is one of ``costs``.

    Raises
    ------
    FileError
        When it cannot be read.
    ModelFileError
        When it does not hold a network.
    """
    try:
        described = json.loads(_read(Path(path)))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is not a JSON file of a network: {error}") from None
    try:
        return _parse(described, costs)
    except (ValueError, OverflowError) as error:
        raise ModelFileError(f"{path} does not hold a network as network2 saves it: {error}") from None


def _read(path: Path) -> bytes:
    """Read a file that is not too large."""
    with translate_read_errors(path), path.open("rb") as file:
        contents = file.read(LIMIT_BYTES + 1)
    check_size(path, len(contents), LIMIT_BYTES)
    return contents


def _parse(described: Any, costs: Collection[str]) -> NetworkParts:
    """Read a file's entries; any mistake raises ValueError."""
    lacking = [name for name in ("sizes", "weights", "biases", "cost") if not isinstance(described, dict) or name not in described]
    if lacking:
        raise ValueError(f"it lacks the entries {', '.join(lacking)}")
    sizes = _sizes(described["sizes"])
    if not isinstance(described["cost"], str) or described["cost"] not in costs:
        raise ValueError(
            f"network2.COSTS has {', '.join(costs)}, but not its cost {described['cost']!r:.80}; first add your class to it"
        )
    weight_shapes, bias_shapes = _shapes(sizes)
    weights = _matrices("weights", described["weights"], weight_shapes)
    biases = _matrices("biases", described["biases"], bias_shapes)
    return NetworkParts(sizes, weights, biases, described["cost"])


def _sizes(value: Any) -> list[int]:
    """Read the sizes: whole numbers."""
    if type(value) is not list or not all(type(size) is int for size in value):
        raise ValueError("its sizes are not a list of whole numbers")
    try:
        return checked_sizes(value)
    except SettingError as error:
        raise ValueError(str(error)) from None


def _matrices(name: str, value: Any, shapes: list[tuple[int, int]]) -> list[Array]:
    """Read a list of matrices, a layer each, of these shapes."""
    if type(value) is not list or len(value) != len(shapes):
        raise ValueError(f"its {name} are not a list of {len(shapes)} matrices, one for each layer")
    for layer, (matrix, shape) in enumerate(zip(value, shapes, strict=True)):
        if not _is_matrix(matrix, *shape):
            raise ValueError(f"{name}[{layer}] is not a matrix of numbers of the shape {shape}, as the sizes require")
    return [np.array(matrix, np.float64) for matrix in value]


def _is_matrix(value: Any, rows: int, columns: int) -> bool:
    """Whether a value is a list of so many lists of so many numbers; NumPy alone would take texts and booleans for numbers."""
    if type(value) is not list or len(value) != rows:
        return False
    return all(type(row) is list and len(row) == columns and set(map(type, row)) <= {int, float} for row in value)
