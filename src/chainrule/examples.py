"""Examples: the inputs, targets and weights of a training, checked once.

Four kinds of ``x``, a row an example: floats (float32 or float64; other numbers become float64), uint8 *pixels* (read as x/255),
CSR matrices of floats, and ``PiecewiseInputs``. ``y`` is labels (1-D, for a network with several outputs), or targets (2-D, or 1-D
for one output).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from ._arrays import cast_floats, check_finite, column_names, read_numbers
from ._checks import check_float, check_int, check_seed
from ._types import CSR, AnyArray, Array, Indices, Inputs, is_sparse
from .errors import DataError, DataTypeError, SettingError
from .piecewise_inputs import PiecewiseInputs
from .row_files.row_source import RowSource

if TYPE_CHECKING:
    import numpy.typing as npt


T = TypeVar("T")
PAIRS = (
    "these are pairs (x, y), one an example, as the book has them; pass x and y as two arrays with a row an example: "
    "x = np.hstack([x for x, _ in pairs]).T where each x is a column, np.array([x for x, _ in pairs]) where it is a row; y likewise"
)


class Targets(NamedTuple):
    """The targets of a network with ``n_out`` outputs: ``values`` (n, n_out), or ``labels`` (n,) where each row is one class."""

    values: Array | None
    labels: Indices | None


class Layout(NamedTuple):
    """The layout of an image in a row of x.

    Attributes
    ----------
    rows, columns : int
    transposed : bool or None
        Whether the image is stored column by column; None if unknown.
    """

    rows: int
    columns: int
    transposed: bool | None = None


class Examples:
    """Inputs, targets and weights; checked once, and never written to.

    A float or pixel array is kept as a read-only view, without a copy: do not write to the original while you use this. An engine's
    prepared form of the data is kept as well, so that several trainings prepare it once.

    Parameters
    ----------
    x : array_like, frame, scipy.sparse matrix or PiecewiseInputs, shape (n, n_in)
        Finite numbers. float32, float64 and uint8 are kept as they are; uint8 means pixels, read as x/255.
    y : array_like, shape (n,) or (n, n_out), optional
        Labels 0, 1, ... or targets; None for inputs alone.
    weights : array_like, shape (n,), optional
        The weight of each example, at least 0; 1 if not given.
    pixels : bool, optional
        Whether uint8 means pixels; without it, uint8 that holds nothing above 1 is refused, since those may be numbers.
    layout : (int, int) or Layout, optional
        The rows and columns of the image in each row of x; a model keeps them, to read pictures of that size.

    Attributes
    ----------
    x : array, CSR matrix or PiecewiseInputs, shape (n, n_in)
    y : array, shape (n,) or (n, n_out), or None
    weights : float64 array, shape (n,), or None
    columns : tuple of str
        The names of a frame's columns; empty where x has none.
    layout : Layout or None

    Raises
    ------
    DataError
        When the data is empty or ragged, holds NaN or inf, or differs in length; when uint8 holds nothing above 1.
    DataTypeError
        When it holds objects, text or complex numbers.

    Examples
    --------
    >>> examples = Examples([[0.0, 1.0], [1.0, 0.5]], [0, 1])
    >>> examples
    Examples(2 x 2 float64, labels 0..1)
    >>> examples[:1].y
    array([0])
    """

    __slots__ = ("_bounds", "_largest_weight", "_measured", "_prepared", "columns", "layout", "weights", "x", "y")

    x: Inputs
    y: AnyArray | None
    weights: Array | None
    columns: tuple[str, ...]
    layout: Layout | None

    def __init__(
        self,
        x: Any,
        y: npt.ArrayLike | None = None,
        *,
        weights: npt.ArrayLike | None = None,
        pixels: bool | None = None,
        layout: tuple[int, int] | Layout | None = None,
    ) -> None:
        self.x = _read_inputs(x, pixels)
        n = self.x.shape[0]
        self.columns = column_names(x)
        self.layout = None if layout is None else _layout(layout, self.n_in)
        self.y = None if y is None else _read_y(y, n)
        self.weights = None if weights is None else _read_weights(weights, n)
        self._prepared: dict[object, Any] = {}
        self._bounds: tuple[float, float] | None = None
        self._measured: Any = None
        self._largest_weight: float | None = None

    @classmethod
    def of_window(cls, x: AnyArray, y: AnyArray, weights: Array | None, largest_weight: float) -> Examples:
        """Make examples of some of the rows of a larger set, of arrays of finite numbers, without checks.

        All weights may be 0 here. The largest is that of the whole set, so that each row has the relative weight that it has there.
        """
        made = object.__new__(cls)
        made.x, made.y = _as_read_only(x), _as_read_only(y)
        made.weights = None if weights is None else _as_read_only(weights)
        made.columns, made.layout = (), None
        made._prepared, made._bounds, made._measured, made._largest_weight = {}, None, None, largest_weight
        return made

    @property
    def largest_weight(self) -> float:
        """The largest weight, of a window that of the set it belongs to; 1 without weights."""
        if self.weights is None:
            return 1.0
        return float(self.weights.max()) if self._largest_weight is None else self._largest_weight

    @property
    def n_in(self) -> int:
        """The number of columns of x."""
        return int(self.x.shape[1])

    @property
    def kind(self) -> str:
        """``"dense"``, ``"pixels"``, ``"csr"`` or ``"piecewise"``."""
        if is_sparse(self.x):
            return "csr"
        if isinstance(self.x, PiecewiseInputs):
            return "piecewise"
        return "pixels" if self.x.dtype == np.uint8 else "dense"

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest value of x, of pixels 0 and 1; computed once."""
        if self._bounds is None:
            self._bounds = _bounds(self)
        return self._bounds

    def measured(self, measure: Callable[[Examples], T]) -> T:
        """Give ``measure(self)``, computed once; every call must pass the same function."""
        if self._measured is None:
            self._measured = measure(self)
        return self._measured

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy or pickle the data without the engines' prepared forms; the copy is read-only too."""
        return _rebuild, (self.x, self.y, self.weights, self.columns, self.layout)

    def __getitem__(self, rows: slice | Indices | list[int]) -> Examples:
        """Some of the examples, by a slice, an array of row numbers, or a mask."""
        rows = _read_row_index(rows, len(self))
        x = self.x[rows]
        if not x.shape[0]:
            raise DataError(f"these rows choose none of the {len(self)} examples")
        y, weights = (None if part is None else part[rows] for part in (self.y, self.weights))
        if weights is not None and not weights.any():
            raise DataError("these rows weigh nothing together; choose some whose weight is above 0")
        return self._unchecked(x, y, weights)

    def with_inputs(self, x: AnyArray) -> Examples:
        """Give the same examples with other inputs, an array of the same shape and dtype of finite numbers, without checks."""
        return self._unchecked(x, self.y, self.weights)

    def _unchecked(self, x: Any, y: AnyArray | None, weights: Array | None) -> Examples:
        """Make examples with these columns and this layout, of arrays that need no checks."""
        made = object.__new__(Examples)
        made.x = _as_read_only(x)
        made.y, made.weights = (None if part is None else _as_read_only(part) for part in (y, weights))
        made.columns, made.layout = self.columns, self.layout
        made._prepared, made._bounds, made._measured, made._largest_weight = {}, None, None, None
        return made

    def row_numbers(self, rows: slice | Indices | list[int]) -> Indices:
        """Give the numbers, from 0, of the rows that an index chooses: ``examples[rows]`` without a copy of the data.

        Raises
        ------
        DataError
            When it chooses no row, a row outside the data, or rows that weigh nothing together.
        SettingError
            When it is not an index of rows.
        """
        numbers: Indices = np.arange(len(self))[_read_row_index(rows, len(self))]
        if not numbers.size:
            raise DataError(f"these rows choose none of the {len(self)} examples")
        if self.total_weight(numbers) == 0:
            raise DataError("these rows weigh nothing together; choose some whose weight is above 0")
        return numbers

    def total_weight(self, rows: Indices | None = None) -> float:
        """Sum the weights of some rows, or of all: their number, where the examples are not weighted."""
        if self.weights is None:
            return float(len(self) if rows is None else len(rows))
        return float(self.weights.sum() if rows is None else self.weights[rows].sum())

    def split(self, *fractions: float, seed: int = 0) -> tuple[Examples, ...]:
        """Split the examples at random into parts of these fractions, and one of the rest.

        Examples
        --------
        >>> train, test = Examples(np.eye(10), np.arange(10)).split(0.8)
        >>> len(train), len(test)
        (8, 2)
        """
        try:
            parts = [check_float("fraction", fraction, above=0, below=1) for fraction in fractions]
        except SettingError:
            parts = []
        if not parts or sum(parts) >= 1:
            raise SettingError(f"fractions must be above 0 and together below 1; they are {fractions}")
        order = np.random.default_rng(check_seed("seed", seed)).permutation(len(self))
        cuts = np.rint(np.cumsum(parts) * len(self)).astype(int)
        return tuple(self[np.sort(rows)] for rows in np.split(order, cuts))

    def prepared(self, key: object, prepare: Callable[[Examples], Any]) -> Any:
        """Give ``prepare(self)``, computed once for each key and kept as long as the examples."""
        if key not in self._prepared:
            self._prepared[key] = prepare(self)
        return self._prepared[key]

    def forget_prepared(self) -> None:
        """Forget the prepared forms: one may refer to these examples, and such a cycle is freed by garbage collection alone."""
        self._prepared.clear()

    def targets(
        self, n_out: int, *, least: float = -np.inf, most: float = np.inf, distribution: bool = False, cost: str = "this cost"
    ) -> Targets:
        """Read y for a network with ``n_out`` outputs, whose targets lie between ``least`` and ``most``, and may be distributions.

        Raises
        ------
        DataError
            When there is no y, a label is not a class of this network, or the targets have another shape or range.
        """
        if self.y is None:
            raise DataError("these examples have no y; give labels or targets as well")
        if self.y.ndim == 1 and n_out > 1:
            return Targets(None, _read_labels(self.y, n_out))
        values = self.y.reshape(len(self), -1)
        if values.shape[1] != n_out:
            actual = f"y has {values.shape[1]} columns, but the network has {n_out} outputs"
            raise DataError(f"{actual}; targets have shape (n, {n_out})")
        if values.min() < least or values.max() > most:
            worst = values[(values < least) | (values > most)][0]
            limits = f"lie between {least:g} and {most:g}" if np.isfinite(most) else f"are at least {least:g}"
            raise DataError(f"targets of {cost} {limits}; y holds {worst:g}")
        if distribution and not np.allclose(values.sum(axis=1, dtype=np.float64), 1, rtol=0, atol=1e-3):
            raise DataError(f"targets of {cost} are distributions: each row of y must sum to 1; give labels, or such rows")
        return Targets(values, None)

    def __repr__(self) -> str:
        shape = f"{len(self)} x {self.n_in}"
        kind = {"pixels": "pixels", "csr": "CSR", "piecewise": "piecewise"}.get(self.kind, str(self.x.dtype))
        parts = [f"{shape} {kind}"]
        if self.y is not None:
            if self.y.ndim == 1 and self.y.dtype.kind in "iub":
                parts.append(f"labels {int(self.y.min())}..{int(self.y.max())}")
            else:
                parts.append(f"targets {' x '.join(map(str, self.y.shape))}")
        if self.weights is not None:
            parts.append("weighted")
        return f"Examples({', '.join(parts)})"


def _rebuild(x: Any, y: Any, weights: Any, columns: tuple[str, ...], layout: Layout | None) -> Examples:
    examples = Examples(x, y, weights=weights, pixels=True, layout=layout)
    examples.columns = columns
    return examples


def _bounds(examples: Examples) -> tuple[float, float]:
    if examples.kind == "pixels":
        return 0.0, 1.0
    if isinstance(examples.x, PiecewiseInputs):
        return examples.x.bounds
    if not is_sparse(examples.x):
        return float(examples.x.min()), float(examples.x.max())  # type: ignore[union-attr]
    stored = examples.x.data
    some_are_0 = len(stored) < len(examples) * examples.n_in
    return float(stored.min(initial=0 if some_are_0 else np.inf)), float(stored.max(initial=0 if some_are_0 else -np.inf))


def _layout(given: Any, n_in: int) -> Layout:
    """Read a layout, whose size must be that of a row."""
    try:
        layout = Layout(*given)
    except TypeError:
        raise SettingError(f"layout must be the rows and columns of an image, such as (28, 28); it is {given!r}") from None
    rows, columns = (check_int(name, n, least=1) for name, n in zip(("rows", "columns"), layout, strict=False))
    if rows * columns != n_in:
        raise DataError(f"layout says {rows} x {columns}, but a row of x has {n_in} numbers")
    return Layout(rows, columns, layout.transposed)


def as_pair(x: Any, y: Any = None) -> tuple[Any, Any]:
    """Unpack a pair ``(x, y)``, or give x, which may be an ``Examples``, and y; refuse other forms."""
    if isinstance(x, RowSource):
        raise DataTypeError("rows of files train a network by cr.train and cr.Run alone; pass x and y in memory here")
    if isinstance(x, Examples) and y is not None:
        raise SettingError("an Examples has its y already; pass it alone")
    if hasattr(x, "train") and hasattr(x, "validation"):
        raise DataTypeError("this is a whole Dataset; pass one of its parts, such as mnist.train")
    if y is None and _are_pairs(x):
        raise DataTypeError(PAIRS)
    if y is None and isinstance(x, list) and len(x) == 2 and hasattr(x[0], "shape"):
        raise DataTypeError("x and y come as a tuple, (x, y); this is a list")
    if y is None and isinstance(x, tuple):
        if len(x) != 2:
            raise DataError(f"examples come as a pair (x, y) or an Examples; this tuple has {len(x)} parts")
        return x
    return x, y


def _are_pairs(x: Any) -> bool:
    """Whether x has the book's form: a list of pairs of arrays, or a zip of them."""
    if isinstance(x, zip):
        return True
    return isinstance(x, list) and bool(x) and all(isinstance(p, tuple) and len(p) == 2 and hasattr(p[0], "shape") for p in x)


def as_examples(x: Any, y: Any = None) -> Examples:
    """Make an ``Examples`` of a pair ``(x, y)``, or of x and y; give one that is passed as it is."""
    x, y = as_pair(x, y)
    return x if isinstance(x, Examples) else Examples(x, y)


def _read_row_index(rows: Any, n: int) -> slice | Indices:
    """Read an index of rows: a slice, row numbers, or a mask."""
    if isinstance(rows, slice):
        return rows
    if isinstance(rows, (int, np.integer)):
        raise SettingError(f"examples[{rows}] is one row, not a batch of rows; write examples[[{rows}]]")
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


def _as_read_only(array: Any) -> Any:
    """Give a read-only view; of a CSR matrix, one over read-only views of its parts."""
    if isinstance(array, PiecewiseInputs):
        return array
    if is_sparse(array):
        parts = tuple(_as_read_only(part) for part in (array.data, array.indices, array.indptr))
        return type(array)(parts, shape=array.shape, copy=False)  # type: ignore[call-arg]
    view = array.view()
    view.flags.writeable = False
    return view


def _read_inputs(x: Any, pixels: bool | None) -> Inputs:
    if is_sparse(x):
        return _read_csr(x)
    if isinstance(x, PiecewiseInputs):
        return x
    array = read_numbers("x", x)
    if array.ndim != 2:
        hint = "; reshape images by x.reshape(len(x), -1)" if array.ndim > 2 else ""
        raise DataError(f"x must have shape (n, n_in), a row an example; it has shape {array.shape}{hint}")
    if not array.size:
        raise DataError(f"x is empty: its shape is {array.shape}")
    if array.dtype == np.uint8 and pixels is not False:
        if pixels is None and array.max() <= 1:
            raise DataError(
                "x is uint8, which means pixels 0..255, but its largest value is "
                f"{array.max()}; pass x.astype('float32') if these are numbers"
            )
    elif array.dtype not in (np.float32, np.float64) or not array.dtype.isnative:
        single = array.dtype in (np.float16, np.uint8) or array.dtype == ">f4"
        array = cast_floats("x", array, np.dtype(np.float32 if single else np.float64))
    check_finite("x", array)
    return _as_read_only(array)


def _read_csr(x: Any) -> CSR:
    if x.ndim != 2 or not (x.shape[0] and x.shape[1]):
        raise DataError(f"x must have shape (n, n_in) with n and n_in of 1 or more; it has shape {x.shape}")
    if x.dtype.kind not in "fiub":
        raise DataTypeError(f"x holds {x.dtype}; it must hold numbers")
    csr = x.tocsr()
    if csr.dtype.kind == "b" and not csr.has_canonical_format:  # True twice is True, not 2
        csr = csr.copy()
        csr.sum_duplicates()
    try:
        csr.check_format(full_check=True)
    except ValueError as error:
        raise DataError(f"x is not a valid CSR matrix: {error}") from None
    if csr.dtype not in (np.float32, np.float64):
        csr = csr.astype(np.float64)
    if not csr.has_canonical_format:
        csr = csr.copy() if csr is x else csr
        csr.sum_duplicates()
    check_finite("x", csr.data)
    return _as_read_only(csr)


def _read_y(y: Any, n: int) -> AnyArray:
    array = read_numbers("y", y)
    if array.ndim not in (1, 2):
        raise DataError(f"y must have shape (n,) or (n, n_out); it has shape {array.shape}")
    if array.shape[0] != n:
        raise DataError(f"y must have a row for each of the {n} rows of x; it has {array.shape[0]}")
    if not array.size:
        raise DataError(f"y is empty: its shape is {array.shape}")
    check_finite("y", array)
    return _as_read_only(array)


def _read_weights(weights: Any, n: int) -> Array:
    array = read_numbers("weights", weights).astype(np.float64)
    if array.shape != (n,):
        raise DataError(f"weights must have shape ({n},), one for each row of x; it has shape {array.shape}")
    check_finite("weights", array)
    with np.errstate(over="ignore"):
        if not np.isfinite(array.sum()):
            raise DataError(f"weights must have a finite sum; the largest is {array.max():g}")
    if array.min() < 0 or not array.any():
        raise DataError(f"weights must be at least 0, and not all 0; the least is {array.min():g}, the largest {array.max():g}")
    return _as_read_only(array)


def _read_labels(y: AnyArray, n_out: int) -> Indices:
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
