"""Reads ``coefs_`` and ``intercepts_`` as the weights and biases of a network; a user may have set them by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .._arrays import common_floats
from .._types import Array


def read_coefficients(
    coefs: Sequence[Any], intercepts: Sequence[Any], n_layers: int | None = None, dtype: Any = None
) -> tuple[str, list[Array], list[Array]]:
    """Read the parameters of a network from arrays of any real dtype, or from lists of numbers.

    Parameters
    ----------
    coefs, intercepts : sequences of array_like
        Each (n_in, n_out) and (n_out,) or (1, n_out).
    n_layers : int, optional
        The expected number of layers, the input layer included.
    dtype : dtype, optional
        Of the result; by default float32 where every array is float32, else float64.

    Returns
    -------
    dtype : str
    weights, biases : lists of arrays
        Each (n_out, n_in) and (n_out,), C-contiguous. An array that is that already, as the transpose of ``coefs_`` made by a fit
        is, is not copied.

    Raises
    ------
    ValueError
        When the number or the shapes of the arrays do not form one network, or a value is missing.
    TypeError
        When an array holds something other than numbers.
    """
    n = len(coefs)
    expected_n = n if n_layers is None else n_layers - 1
    if not n or len(intercepts) != n or n != expected_n:
        raise ValueError(
            f"coefs_ and intercepts_ must have n_layers_ - 1 = {expected_n} arrays; they have {n} and {len(intercepts)}"
        )
    named = [(f"coefs_[{k}]", part) for k, part in enumerate(coefs)]
    named += [(f"intercepts_[{k}]", part) for k, part in enumerate(intercepts)]
    common, arrays = common_floats(named)
    weights, biases = arrays[:n], arrays[n:]
    shapes = [w.shape for w in weights]
    if any(len(shape) != 2 for shape in shapes) or any(first[1] != second[0] for first, second in pairwise(shapes)):
        raise ValueError(f"coefs_ must have shapes (n_in, n_out), where n_in is n_out of the layer before; they have {shapes}")
    expected = [(shape[1],) for shape in shapes]
    if any(b.shape not in (shape, (1, *shape)) for b, shape in zip(biases, expected, strict=True)):
        raise ValueError(f"intercepts_ must have the shapes {expected}; they have {[b.shape for b in biases]}")
    name = common if dtype is None else np.dtype(dtype).name
    return name, [np.require(w.T, name, "C") for w in weights], [np.require(b.reshape(-1), name, "C") for b in biases]
