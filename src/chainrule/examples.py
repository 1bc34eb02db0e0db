"""Examples: the data of a training, checked once.

Four kinds of ``x``, a row an example: floats (float32 or float64; other numbers become float64), uint8 *pixels* (read as x/255),
and CSR matrices of floats. ``y`` is labels (1-D, for a network with several outputs), or targets (2-D, or 1-D for one output).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ._checks import real, seed_number
from ._types import CSR, AnyArray, Array, Indices, Inputs, is_sparse
from .errors import DataError, DataTypeError, SettingError

if TYPE_CHECKING:
    import numpy.typing as npt


class Targets(NamedTuple):
    """What a network with ``n_out`` outputs is asked for: ``values`` (n, n_out), or ``labels`` (n,) where each row is one class."""

    values: Array | None
    labels: Indices | None


class Examples:
    """Inputs, what they should give, and how much each counts; checked once, then never written to.

    A float or pixel array is held as a read-only view, without a copy: leave the original alone while you use this. An engine's
    prepared form of the data is kept beside it, so that one ``Examples`` serves many trainings at the cost of one.

    Parameters
    ----------
    x : array_like or scipy.sparse matrix, shape (n, n_in)
        Finite numbers. float32, float64 and uint8 are kept as they are; uint8 means pixels, read as x/255.
    y : array_like, shape (n,) or (n, n_out), optional
        Labels 0, 1, ... or targets; None for inputs alone.
    weights : array_like, shape (n,), optional
        How much each example counts, at least 0; 1 if not given.

    Attributes
    ----------
    x : array or CSR matrix, shape (n, n_in)
    y : array, shape (n,) or (n, n_out), or None
    weights : float64 array, shape (n,), or None

    Raises
    ------
    DataError
        Empty or ragged data, NaN or inf, lengths that differ, 0/1 pixels.
    DataTypeError
        Objects, text, or complex numbers.

    Examples
    --------
    >>> examples = Examples([[0.0, 1.0], [1.0, 0.5]], [0, 1])
    >>> examples
    Examples(2 x 2 float64, labels 0..1)
    >>> examples[:1].y
    array([0])
    """

    __slots__ = ("_prepared", "weights", "x", "y")

    x: Inputs
    y: AnyArray | None
    weights: Array | None

    def __init__(self, x: Any, y: npt.ArrayLike | None = None, *, weights: npt.ArrayLike | None = None) -> None:
        self.x = _inputs(x)
        n = self.x.shape[0]
        self.y = None if y is None else _outcomes(y, n)
        self.weights = None if weights is None else _row_weights(weights, n)
        self._prepared: dict[object, Any] = {}

    @property
    def n_in(self) -> int:
        """The number of columns of x."""
        return int(self.x.shape[1])

    @property
    def kind(self) -> str:
        """``"dense"``, ``"pixels"`` or ``"csr"``."""
        if is_sparse(self.x):
            return "csr"
        return "pixels" if self.x.dtype == np.uint8 else "dense"

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy or pickle the data alone; what an engine prepared from it is made anew, and the copy is as read-only as this."""
        return _remade, (self.x, self.y, self.weights)

    def __getitem__(self, rows: slice | Indices | list[int]) -> Examples:
        """Some of the examples, by a slice, an array of row numbers, or a mask."""
        rows = _rows(rows, len(self))
        part = object.__new__(Examples)  # what was checked once is not checked again
        part.x = _frozen(self.x[rows])
        if not part.x.shape[0]:
            raise DataError(f"these rows choose none of the {len(self)} examples")
        part.y = None if self.y is None else _frozen(self.y[rows])
        part.weights = None if self.weights is None else _frozen(self.weights[rows])
        if part.weights is not None and not part.weights.any():
            raise DataError("these rows weigh nothing together; choose some whose weight is above 0")
        part._prepared = {}
        return part

    def split(self, *fractions: float, seed: int = 0) -> tuple[Examples, ...]:
        """Deal the examples, in a random order, into parts of these fractions, and one of what is left.

        Examples
        --------
        >>> train, test = Examples(np.eye(10), np.arange(10)).split(0.8)
        >>> len(train), len(test)
        (8, 2)
        """
        try:
            shares = [real("fraction", fraction, above=0, below=1) for fraction in fractions]
        except SettingError:
            shares = []
        if not shares or sum(shares) >= 1:
            raise SettingError(f"fractions must be above 0 and together below 1; they are {fractions}")
        order = np.random.default_rng(seed_number("seed", seed)).permutation(len(self))
        cuts = np.rint(np.cumsum(shares) * len(self)).astype(int)
        return tuple(self[np.sort(rows)] for rows in np.split(order, cuts))

    def prepared(self, key: object, prepare: Callable[[Examples], Any]) -> Any:
        """Give what ``prepare`` made of these examples, made once for each key and kept as long as they are."""
        if key not in self._prepared:
            self._prepared[key] = prepare(self)
        return self._prepared[key]

    def targets(
        self, n_out: int, *, least: float = -np.inf, most: float = np.inf, distribution: bool = False, cost: str = "this cost"
    ) -> Targets:
        """Read y for a network with ``n_out`` outputs, whose targets lie between ``least`` and ``most``, and may be distributions.

        Raises
        ------
        DataError
            When there is no y, a label is no class of this network, or the targets have another shape or range.
        """
        if self.y is None:
            raise DataError("these examples have no y; give labels or targets as well")
        if self.y.ndim == 1 and n_out > 1:
            return Targets(None, _labels(self.y, n_out))
        values = self.y.reshape(len(self), -1)
        if values.shape[1] != n_out:
            came = f"y has {values.shape[1]} columns, but the network has {n_out} outputs"
            raise DataError(f"{came}; targets have shape (n, {n_out})")
        if values.min() < least or values.max() > most:
            worst = values[(values < least) | (values > most)][0]
            limits = f"lie between {least:g} and {most:g}" if np.isfinite(most) else f"are at least {least:g}"
            raise DataError(f"targets of {cost} {limits}; y holds {worst:g}")
        if distribution and not np.allclose(values.sum(axis=1, dtype=np.float64), 1, rtol=0, atol=1e-3):
            raise DataError(f"targets of {cost} are distributions: each row of y must sum to 1; give labels, or such rows")
        return Targets(values, None)

    def __repr__(self) -> str:
        shape = f"{len(self)} x {self.n_in}"
        what = {"pixels": "pixels", "csr": "CSR"}.get(self.kind, str(self.x.dtype))
        parts = [f"{shape} {what}"]
        if self.y is not None:
            if self.y.ndim == 1 and self.y.dtype.kind in "iub":
                parts.append(f"labels {int(self.y.min())}..{int(self.y.max())}")
            else:
                parts.append(f"targets {' x '.join(map(str, self.y.shape))}")
        if self.weights is not None:
            parts.append("weighted")
        return f"Examples({', '.join(parts)})"


def _remade(x: Any, y: Any, weights: Any) -> Examples:
    return Examples(x, y, weights=weights)


def in_dtype(name: str, values: AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Bring floats to a network's dtype; what is finite must stay so.

    Raises
    ------
    DataError
        When a number is too large for float32.
    """
    with np.errstate(over="ignore"):
        cast = values.astype(dtype, copy=False)
    if cast.dtype.itemsize < values.dtype.itemsize and np.isinf(cast).any():
        raise DataError(f"{name} holds {np.abs(values).max():g}, beyond float32; scale it, or make the network dtype='float64'")
    return cast


def as_examples(x: Any, y: Any = None) -> Examples:
    """Take an ``Examples``, a pair ``(x, y)``, or x and y: wherever (x, y) goes, an Examples goes too."""
    if isinstance(x, Examples):
        if y is not None:
            raise SettingError("an Examples has its y already; pass it alone")
        return x
    if hasattr(x, "train") and hasattr(x, "validation"):
        raise DataTypeError("this is a whole Dataset; pass one of its parts, such as mnist.train")
    if y is None and isinstance(x, tuple):
        if len(x) != 2:
            raise DataError(f"examples come as a pair (x, y) or an Examples; this tuple has {len(x)} parts")
        x, y = x
    return Examples(x, y)


def _rows(rows: Any, n: int) -> slice | Indices:
    """Read a choice of rows: a slice, row numbers, or a mask."""
    if isinstance(rows, slice):
        return rows
    if isinstance(rows, (int, np.integer)):
        raise SettingError(f"examples[{rows}] would be no batch of rows; write examples[[{rows}]]")
    array = np.asarray(rows)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iub"):
        raise SettingError(f"rows are chosen by a slice, by whole numbers in one row, or by a mask; this is {rows!r}")
    if array.dtype.kind == "b":
        if len(array) != n:
            raise DataError(f"a mask must have an entry for each of the {n} examples; it has {len(array)}")
        return np.flatnonzero(array)
    if array.size and not (-n <= array.min() and array.max() < n):
        raise DataError(f"rows must lie in 0..{n - 1}; they reach from {array.min()} to {array.max()}")
    return array.astype(np.intp)


def _frozen(array: Any) -> Any:
    """Give a read-only view; of a CSR matrix, one over read-only views of its parts."""
    if is_sparse(array):
        parts = tuple(_frozen(part) for part in (array.data, array.indices, array.indptr))
        return type(array)(parts, shape=array.shape, copy=False)  # type: ignore[call-arg]
    view = array.view()
    view.flags.writeable = False
    return view


def _numbers(name: str, values: Any) -> AnyArray:
    """Read an argument as a NumPy array of real numbers."""
    if type(values).__module__.startswith("numpy.ma") and np.any(values.mask):
        raise DataError(f"{name} is a masked array, and what its mask hides is no data; fill or remove those values")
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name} must have rows of equal length ({error})") from None
    if array.dtype.kind == "O":
        kind = type(array.flat[0]).__name__ if array.size else "none"
        raise DataTypeError(f"{name} holds Python objects ({kind}); it must hold numbers")
    if array.dtype.kind not in "fiub":
        what = "text" if array.dtype.kind in "US" else str(array.dtype)
        raise DataTypeError(f"{name} holds {what}; it must hold numbers. Encode text as numbers first: labels as 0, 1, 2 ...")
    return array


def _finite(name: str, array: AnyArray) -> None:
    # A sum is finite only if every entry is, and needs no array of its own; only a doubtful one is looked at entry by entry.
    with np.errstate(over="ignore", invalid="ignore"):
        if array.dtype.kind == "f" and not np.isfinite(array.sum()) and not np.isfinite(array).all():
            where = ", ".join(str(int(i)) for i in np.argwhere(~np.isfinite(array))[0])
            raise DataError(f"{name} holds NaN or inf, first at [{where}]; remove or replace those values")


def _inputs(x: Any) -> Inputs:
    if is_sparse(x):
        return _compressed(x)
    array = _numbers("x", x)
    if array.ndim != 2:
        raise DataError(f"x must have shape (n, n_in), a row an example; it has shape {array.shape}")
    if not array.size:
        raise DataError(f"x is empty: its shape is {array.shape}")
    if array.dtype == np.uint8:
        if array.max() <= 1:
            raise DataError(
                "x is uint8, which means pixels 0..255, but its largest value is "
                f"{array.max()}; pass x.astype('float32') if these are numbers"
            )
    elif array.dtype not in (np.float32, np.float64) or not array.dtype.isnative:
        array = array.astype(np.float32 if array.dtype == np.float16 or array.dtype == ">f4" else np.float64)
    _finite("x", array)
    return _frozen(array)


def _compressed(x: Any) -> CSR:
    if x.ndim != 2 or not (x.shape[0] and x.shape[1]):
        raise DataError(f"x must have shape (n, n_in) with n and n_in of 1 or more; it has shape {x.shape}")
    if x.dtype.kind not in "fiub":
        raise DataTypeError(f"x holds {x.dtype}; it must hold numbers")
    csr = x.tocsr()
    try:
        csr.check_format(full_check=True)
    except ValueError as error:
        raise DataError(f"x is no sound CSR matrix: {error}") from None
    if csr.dtype not in (np.float32, np.float64):
        csr = csr.astype(np.float64)
    if not csr.has_canonical_format:
        csr = csr.copy() if csr is x else csr
        csr.sum_duplicates()
    _finite("x", csr.data)
    return _frozen(csr)


def _outcomes(y: Any, n: int) -> AnyArray:
    array = _numbers("y", y)
    if array.ndim not in (1, 2):
        raise DataError(f"y must have shape (n,) or (n, n_out); it has shape {array.shape}")
    if array.shape[0] != n:
        raise DataError(f"y must have a row for each of the {n} rows of x; it has {array.shape[0]}")
    if not array.size:
        raise DataError(f"y is empty: its shape is {array.shape}")
    _finite("y", array)
    return _frozen(array)


def _row_weights(weights: Any, n: int) -> Array:
    array = _numbers("weights", weights).astype(np.float64)
    if array.shape != (n,):
        raise DataError(f"weights must have shape ({n},), one for each row of x; it has shape {array.shape}")
    _finite("weights", array)
    with np.errstate(over="ignore"):
        if not np.isfinite(array.sum()):
            raise DataError(f"weights must have a finite sum; the largest is {array.max():g}")
    if array.min() < 0 or not array.any():
        raise DataError(f"weights must be at least 0, and not all 0; the least is {array.min():g}, the largest {array.max():g}")
    return _frozen(array)


def _labels(y: AnyArray, n_out: int) -> Indices:
    """Read 1-D y as classes 0 .. n_out - 1."""
    least, most = y.min(), y.max()
    if y.dtype.kind == "f" and (y != np.floor(y)).any():
        worst = y[y != np.floor(y)][0]
        needed = f"labels must be whole numbers 0..{n_out - 1}"
        raise DataError(f"{needed}; y holds {worst:g}. Targets for {n_out} outputs have shape (n, {n_out})")
    if least < 0 or most >= n_out:
        worst = least if least < 0 else most
        raise DataError(f"labels must lie in 0..{n_out - 1}, for the network has {n_out} outputs; y holds {worst:g}")
    return y.astype(np.intp)
