"""``coefs_`` and ``intercepts_``, which anybody may have set, read as the weights and biases of a network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .._arrays import common_floats
from .._types import Array


def read_parameters(
    coefs: Sequence[Any], intercepts: Sequence[Any], n_layers: int | None = None, dtype: Any = None
) -> tuple[str, list[Array], list[Array]]:
    """Read parameters of any real dtype, as arrays or as lists of numbers.

    Parameters
    ----------
    coefs, intercepts : sequences of array_like
        Each (n_in, n_out) and (n_out,) or (1, n_out).
    n_layers : int, optional
        How many layers there are to be, with the input's.
    dtype : dtype, optional
        That of the result; by default float32 where every array is float32, else float64.

    Returns
    -------
    dtype : str
    weights, biases : lists of arrays
        Each (n_out, n_in) and (n_out,); they share the memory of those that are of this dtype and lie so.

    Raises
    ------
    ValueError
        When their number or their shapes are not those of the layers of one network, or a number is missing.
    TypeError
        When they hold something other than numbers.
    """
    n, layers = len(coefs), len(coefs) + 1 if n_layers is None else n_layers
    if not n or len(intercepts) != n or layers != n + 1:
        raise ValueError(
            f"coefs_ and intercepts_ must have n_layers_ - 1 = {layers - 1} arrays; they have {n} and {len(intercepts)}"
        )
    named = [
        (f"{name}[{k}]", part) for name, parts in (("coefs_", coefs), ("intercepts_", intercepts)) for k, part in enumerate(parts)
    ]
    common, arrays = common_floats(named)
    weights, biases = arrays[:n], arrays[n:]
    shapes = [w.shape for w in weights]
    if any(len(shape) != 2 for shape in shapes) or any(one[1] != following[0] for one, following in pairwise(shapes)):
        raise ValueError(f"coefs_ must have shapes (n_in, n_out), each taking what the one before gives; they have {shapes}")
    expected = [(shape[1],) for shape in shapes]
    if any(b.shape not in (due, (1, *due)) for b, due in zip(biases, expected, strict=True)):
        raise ValueError(f"intercepts_ must have the shapes {expected}; they have {[b.shape for b in biases]}")
    name = common if dtype is None else np.dtype(dtype).name
    return name, [np.require(w.T, name, "C") for w in weights], [np.require(b.reshape(-1), name, "C") for b in biases]
