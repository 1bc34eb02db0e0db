"""Tables from what Python programs hold: frames of any library, dicts of columns, arrays, and lists of rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any

import numpy as np

from .._types import is_sparse
from ..errors import DataError, DataTypeError, SettingError
from .column import Column, Kind
from .column_kinds import convert_kind, row_name
from .table import Table
from .typed_columns import CONVERT_REMEDY, column_from_array, column_from_objects, column_of_categories, column_of_texts

ACCEPTED = "a table is a pandas, Polars, Arrow or Modin frame, a dict of columns, a list of rows, a 2-D array, or a cr.Table"

MakeColumn = Callable[..., Column]
"""Makes a column from its name; takes ``kind`` and ``allow_infinite``."""


def table_from(
    data: Any,
    *,
    kinds: Mapping[str, Kind] | None = None,
    drop: Collection[str] = (),
    only: Collection[str] | None = None,
    allow_infinite: bool = False,
) -> Table:
    """Make a table of a frame, a dict of columns, a list of rows or an array.

    The types of the values decide the kinds of the columns (``tables/typed_columns.py`` lists the rules). A frame's index is left
    out. Names that are not texts become texts, those of several levels joined by ``_``; the columns of an array without names are
    ``x0``, ``x1`` ...

    Parameters
    ----------
    data : Table, frame, mapping, sequence of rows or array, shape (n, columns)
        A frame is of pandas, Polars, Arrow, Modin or another library that ``narwhals`` knows; a mapping has a sequence or array of
        values for each name; a row is a mapping or a sequence.
    kinds : mapping of str to str, optional
        The kinds that columns must have.
    drop : collection of str
        Columns to leave out; they are not looked at.
    only : collection of str, optional
        The columns to read, where the data has them; others are not looked at. By default all columns.
    allow_infinite : bool
        Whether infinite numbers are gaps; otherwise they are refused.

    Returns
    -------
    Table

    Raises
    ------
    DataTypeError
        When ``data`` is not a table, or a column holds values of several types or of one that a table cannot hold.
    DataError
        When two columns have the same name or different lengths, a number is infinite, or a value cannot have the required kind.
    SettingError
        When ``kinds`` or ``drop`` name a column that ``data`` does not have.

    Examples
    --------
    >>> table = table_from({"rooms": [3, None, 2.5], "sold": [True, False, True]})
    >>> table.kinds, table.column("rooms")
    ({'rooms': 'number', 'sold': 'boolean'}, [3.0, None, 2.5])
    """
    makers = _makers_of(data)
    check_distinct([name for name, _ in makers])
    kinds = {_normalized(name): kind for name, kind in (kinds or {}).items()}
    drop = {_normalized(name) for name in ([drop] if isinstance(drop, str) else drop)}
    check_known("drop", drop, [name for name, _ in makers])
    if only is None:
        check_known("kinds", kinds, [name for name, _ in makers])
    else:
        only = {_normalized(name) for name in only}
    chosen = [(name, make) for name, make in makers if name not in drop and (only is None or name in only)]
    columns = [make(name, kind=kinds.get(name), allow_infinite=allow_infinite) for name, make in chosen]
    _check_lengths(columns)
    return Table(columns, getattr(data, "name", "") if isinstance(data, Table) else "")


def check_known(setting: str, named: Iterable[str], names: Sequence[str]) -> None:
    """Refuse the name of a column that a table does not have; the message gives the nearest name.

    Raises
    ------
    SettingError
    """
    for name in named:
        if name not in names:
            near = get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}? " if near else ""
            listed = ", ".join(map(repr, names[:20])) + (" ..." if len(names) > 20 else "")
            raise SettingError(f"{setting}: the table has no column {name!r}; {hint}its columns are: {listed}")


Makers = list[tuple[str, MakeColumn]]
"""The names of the columns, and the functions that make them; a column that is left out is never made."""


def _makers_of(data: Any) -> Makers:
    """Find the columns of data of any kind."""
    if isinstance(data, Table):
        return [(column.name, partial(_converted, column)) for column in data]
    if is_sparse(data):
        raise DataTypeError(
            "a table cannot be a sparse matrix, whose columns have no kinds; pass data.toarray(), or fit an MLPClassifier or "
            "MLPRegressor, which take sparse matrices"
        )
    if isinstance(data, np.ndarray):
        return _makers_of_array(data)
    if isinstance(data, Mapping):
        return [(_name_text(name), partial(_column_of_values, values)) for name, values in data.items()]
    frame = _as_frame(data)
    if frame is not None:
        return [(name, partial(_column_of_frame, frame, position)) for position, name in enumerate(map(_normalized, frame.columns))]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes, bytearray)):
        return _makers_of_rows(data)
    raise DataTypeError(f"{ACCEPTED}; the data is of type {type(data).__name__}")


def _makers_of_array(array: np.ndarray[Any, Any]) -> Makers:
    """Find the columns of a 2-D array, or the fields of a structured one."""
    if array.dtype.names is not None and array.ndim == 1:
        return [(_name_text(name), partial(_column_of_values, array[name])) for name in array.dtype.names]
    if array.ndim != 2:
        raise DataError(f"a table's array must have 2 dimensions, rows and columns; it has the shape {array.shape}")
    return [(f"x{position}", partial(_column_of_values, array[:, position])) for position in range(array.shape[1])]


def _makers_of_rows(rows: Sequence[Any]) -> Makers:
    """Find the columns of a list of rows, which are mappings or sequences of one length."""
    if all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
        return [(_name_text(name), partial(_column_of_values, [row.get(name) for row in rows])) for name in names]
    lengths: dict[int, int] = {}  # the first row of each length
    for position, row in enumerate(rows):
        if isinstance(row, (str, bytes)) or not isinstance(row, (Sequence, np.ndarray)):
            raise DataTypeError(f"a row of a table must be a dict or a list; {row_name(position)} is of type {type(row).__name__}")
        lengths.setdefault(len(row), position)
    if len(lengths) > 1:
        (first, _), (other, position), *_ = lengths.items()
        raise DataError(f"{row_name(position)} has {other} values, but row 1 has {first}; all rows must have the same number")
    return [(f"x{position}", partial(_column_of_values, list(values))) for position, values in enumerate(zip(*rows, strict=True))]


def _as_frame(data: Any) -> Any | None:
    """Wrap a frame of any library in narwhals' form, with names that are texts; None where it is not a frame.

    Raises
    ------
    DataTypeError
        When the frame is evaluated lazily.
    DataError
        When two columns have the same name.
    """
    import narwhals.stable.v2 as nw

    if nw.dependencies.is_into_series(data):
        raise DataTypeError(f"{ACCEPTED}; this is a single column: call its to_frame()")
    if nw.dependencies.is_pandas_like_dataframe(data):
        names = [_name_text(name) for name in data.columns]
        check_distinct(names)
        data = data if names == list(data.columns) else data.set_axis(names, axis=1)
    elif nw.dependencies.is_pyarrow_table(data):
        check_distinct([_normalized(name) for name in data.column_names])
    frame = nw.from_native(data, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise DataTypeError(f"the frame is evaluated lazily ({type(data).__name__}); collect it first, such as by data.collect()")
    return frame if isinstance(frame, nw.DataFrame) else None


def _converted(column: Column, name: str, *, kind: Kind | None, allow_infinite: bool) -> Column:
    """Give a table's own column, converted where another kind is required."""
    return column if kind is None else convert_kind(column, kind)


def _column_of_values(values: Any, name: str, *, kind: Kind | None, allow_infinite: bool) -> Column:
    """Make a column of a sequence, an array, or a single column of a frame."""
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return column_from_array(name, values, kind=kind, allow_infinite=allow_infinite)
    if isinstance(values, (list, tuple, range)):
        return column_from_objects(name, values, kind=kind, allow_infinite=allow_infinite)
    series = _as_series(values)
    if series is None:
        shape = f" and shape {values.shape}" if isinstance(values, np.ndarray) else ""
        raise DataTypeError(
            f"column {name!r} must be a list or a 1-D array of values; it is of type {type(values).__name__}{shape}"
        )
    return _column_of_series(series, name, kind=kind, allow_infinite=allow_infinite)


def _column_of_frame(frame: Any, position: int, name: str, *, kind: Kind | None, allow_infinite: bool) -> Column:
    """Make a column of the column at a position of a narwhals frame."""
    return _column_of_series(frame[:, position], name, kind=kind, allow_infinite=allow_infinite)


def _as_series(values: Any) -> Any | None:
    """Wrap a column of any library in narwhals' form; None where it is not one."""
    import narwhals.stable.v2 as nw

    return nw.from_native(values, series_only=True) if nw.dependencies.is_into_series(values) else None


def _column_of_series(series: Any, name: str, *, kind: Kind | None, allow_infinite: bool) -> Column:
    """Make a column of a narwhals series."""
    import narwhals.stable.v2 as nw

    dtype = series.dtype
    if dtype in (nw.Categorical, nw.Enum):
        return column_of_categories(name, series.to_list(), kind=kind)
    if dtype == nw.String:
        return column_of_texts(name, _texts_or_none(series.to_list()), kind=kind)
    if dtype == nw.Decimal:
        return column_from_objects(name, series.to_list(), kind=kind, allow_infinite=allow_infinite)
    if isinstance(dtype, nw.dtypes.NestedType) or dtype in (nw.Binary, nw.Time):
        raise DataTypeError(f"column {name!r} holds values of type {dtype}; {CONVERT_REMEDY}")
    if dtype in (nw.Object, nw.Unknown):
        return column_from_array(name, series.to_numpy(), kind=kind, allow_infinite=allow_infinite)
    gaps = series.is_null().to_numpy().astype(bool)
    if gaps.any() and (dtype.is_integer() or dtype == nw.Boolean):
        series = series.fill_null(False if dtype == nw.Boolean else 0)  # NumPy has no gaps for these, and floats would round
    values = series.to_numpy()
    values = values.astype(bool) if dtype == nw.Boolean else values
    return column_from_array(name, values, gaps, kind=kind, allow_infinite=allow_infinite)


def _texts_or_none(values: Sequence[Any]) -> list[str | None]:
    """Replace the values that a column of texts has for gaps, such as NaN, by None."""
    return [value if isinstance(value, str) else None for value in values]


def _name_text(name: Any) -> str:
    """Give a column's name as a text; the levels of a name of several levels are joined by ``_``, empty ones left out."""
    if isinstance(name, tuple):
        name = "_".join(str(level) for level in name if str(level))
    return _normalized(str(name))


def _normalized(name: str) -> str:
    """Give a name in Unicode's composed form, so that equal letters are equal names."""
    return unicodedata.normalize("NFC", name)


def check_distinct(names: Sequence[str]) -> None:
    """Refuse two columns of one name."""
    if len(set(names)) < len(names):
        names = list(names)
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"the table has two columns named {twice!r}; rename one")


def _check_lengths(columns: Sequence[Column]) -> None:
    """Refuse columns of different lengths."""
    for column in columns:
        if len(column) != len(columns[0]):
            raise DataError(
                f"column {column.name!r} has {len(column):,} rows, but column {columns[0].name!r} has {len(columns[0]):,}; "
                "all columns of a table must have the same number"
            )
