"""Short names of array types, which keep signatures readable.

``Array`` is a NumPy array of floats; ``Rows`` is a batch of examples as rows, dense or compressed (CSR).
A CSR matrix is recognized by its class, without importing SciPy.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.floating[Any]]
AnyArray: TypeAlias = npt.NDArray[Any]
Indices: TypeAlias = npt.NDArray[np.integer[Any]]


class CSR(Protocol):
    """The attributes of a ``scipy.sparse`` CSR matrix or array that the library uses."""

    data: AnyArray
    indices: AnyArray
    indptr: AnyArray
    shape: tuple[int, int]
    dtype: np.dtype[Any]

    def __matmul__(self, other: AnyArray) -> AnyArray: ...
    def __rmatmul__(self, other: AnyArray) -> AnyArray: ...
    def __getitem__(self, rows: Any) -> CSR: ...
    def astype(self, dtype: Any) -> CSR: ...


class Piecewise(Protocol):
    """The attributes of ``PiecewiseInputs`` that engines use."""

    numbers: Array

    @property
    def shape(self) -> tuple[int, int]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __getitem__(self, rows: Any) -> Piecewise: ...
    def expanded(self, dtype: npt.DTypeLike) -> Array: ...


Rows: TypeAlias = Array | CSR
Inputs: TypeAlias = AnyArray | CSR | Piecewise


def is_sparse(x: object) -> TypeGuard[CSR]:
    """Test whether x is a ``scipy.sparse`` matrix or array of any format, without importing SciPy."""
    return type(x).__module__.startswith("scipy.sparse")
