"""Short names of array types, for readable signatures.

``Array`` is a NumPy array of floats; ``Rows`` is a batch of examples as rows, dense or compressed (CSR).
A CSR matrix is described by a protocol, without importing SciPy.
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


Rows: TypeAlias = Array | CSR
Inputs: TypeAlias = AnyArray | CSR


def is_sparse(x: object) -> TypeGuard[CSR]:
    """Whether an object is a ``scipy.sparse`` matrix of any format; does not import SciPy."""
    return type(x).__module__.startswith("scipy.sparse")
