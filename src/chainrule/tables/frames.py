"""Tables from what Python programs hold: frames of any library, dicts of columns, arrays, and lists of rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._types import AnyArray, is_sparse
from ..errors import DataError, DataTypeError
from .column import Column, Kind
from .column_choice import check_names, make_table
from .column_kinds import RULES, read_as, row_name
from .table import Table, name_hint, normalized
from .text_rules import TextRules
from .typed_columns import (
    FEW_ROWS,
    column_from_array,
    column_from_objects,
    column_of_categories,
    column_of_texts,
    convert_remedy,
    factorize,
    have_one_type,
)

ACCEPTED = (
    "a table is a pandas, Polars, Arrow or Modin frame, a dict of columns, a list of rows, a 2-D array, or what cr.read_table read"
)


def table_from(
    data: Any,
    *,
    kinds: Mapping[str, Kind] | None = None,
    columns: Collection[str] | None = None,
    drop: Collection[str] = (),
    rules: TextRules = RULES,
) -> Table:
    """Make a table of a frame, a dict of columns, a list of rows or an array.

    The types of the values decide the kinds of the columns (``tables/typed_columns.py`` lists the rules). A frame's index is left
    out. Names that are not texts become texts, those of several levels joined by ``_``; the columns of an array without names are
    ``0``, ``1`` ...

    Parameters
    ----------
    data : Table, frame, mapping, sequence of rows or array, shape (n, columns)
        A frame is of pandas, Polars, Arrow, Modin or another library that ``narwhals`` knows; a mapping has a sequence or array of
        values for each name; a row is a mapping or a sequence.
    kinds : mapping of str to str, optional
        The kinds that columns must have.
    columns : collection of str, optional
        The columns to read, where the data has them; the others may hold anything. By default all.
    drop : collection of str
        Columns to leave out; they may hold anything.
    rules : TextRules
        How texts are read, and whether infinite numbers are gaps; a model's own rules for rows to predict.

    Returns
    -------
    Table

    Raises
    ------
    DataTypeError
        When ``data`` is not a table, or a column holds values of several types or of one that a table cannot hold.
    DataError
        When two columns have the same name or different lengths, a number is infinite, or a value cannot have the required kind.
    UnknownName
        When ``drop`` names a column that ``data`` does not have; so too ``kinds``, unless ``columns`` chooses among them.

    Examples
    --------
    >>> table = table_from({"rooms": [3, None, 2.5], "sold": [True, False, True]})
    >>> table.kinds, table.column("rooms")
    ({'rooms': 'number', 'sold': 'boolean'}, [3.0, None, 2.5])
    """
    name = data.name if isinstance(data, Table) else ""
    return make_table(_makers_of(data), kinds=kinds, columns=columns, drop=drop, rules=rules, name=name)


def find_target(data: Any, name: str) -> Any:
    """Give the values of the target's column as the data holds them: a list, an array, a frame's column, or a ``Column``.

    Raises
    ------
    DataError
        When there is no such column.
    DataTypeError
        When ``data`` is not a table.
    """
    sources = dict(_makers_of(data))
    if normalized(name) not in sources:
        raise DataError(f"the table has no column {name!r} for the target; {name_hint(name, [*sources])}")
    return sources[normalized(name)].values


def _makers_of(data: Any) -> list[tuple[str, _Source]]:
    """Find the columns of data of any kind."""
    if isinstance(data, Table):
        return [(column.name, _TableColumn(column)) for column in data]
    if is_sparse(data):
        raise DataTypeError(
            "a table cannot be a sparse matrix, whose columns have no kinds; pass data.toarray(), or fit an MLPClassifier or "
            "MLPRegressor, which take sparse matrices"
        )
    if isinstance(data, np.ndarray):
        return _makers_of_array(data)
    if isinstance(data, Mapping):
        return [(_name_text(name), _Values(values)) for name, values in data.items()]
    makers = _makers_of_frame(data)
    if makers is not None:
        return makers
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes, bytearray)):
        return _makers_of_rows(data)
    raise DataTypeError(f"{ACCEPTED}; the data is of type {type(data).__name__}")


def _makers_of_array(array: np.ndarray[Any, Any]) -> list[tuple[str, _Source]]:
    """Find the columns of a 2-D array, or the fields of a structured one."""
    if array.dtype.names is not None and array.ndim == 1:
        return [(_name_text(name), _Values(array[name])) for name in array.dtype.names]
    if array.ndim != 2:
        raise DataError(f"a table's array must have 2 dimensions, rows and columns; it has the shape {array.shape}")
    return [(str(position), _Values(array[:, position])) for position in range(array.shape[1])]


def _makers_of_rows(rows: Sequence[Any]) -> list[tuple[str, _Source]]:
    """Find the columns of a list of rows, which are mappings or sequences of one length."""
    if all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(name for row in rows for name in row))
        return [(_name_text(name), _Values([row.get(name) for row in rows])) for name in names]
    lengths: dict[int, int] = {}  # the first row of each length
    for position, row in enumerate(rows):
        if isinstance(row, (str, bytes)) or not isinstance(row, (Sequence, np.ndarray)):
            raise DataTypeError(f"a row of a table must be a dict or a list; {row_name(position)} is of type {type(row).__name__}")
        lengths.setdefault(len(row), position)
    if len(lengths) > 1:
        (first, _), (other, position), *_ = lengths.items()
        raise DataError(f"{row_name(position)} has {other} values, but row 1 has {first}; all rows must have the same number")
    return [(str(position), _Values(list(values))) for position, values in enumerate(zip(*rows, strict=True))]


class _Frame:
    """A frame of any library, whose columns are read one by one, or all at once where they have few rows.

    Each access to a column takes some 100 microseconds.

    Parameters
    ----------
    native : frame
        With names that are texts.
    """

    def __init__(self, native: Any) -> None:
        self.native = native

    @cached_property
    def wrapped(self) -> Any:
        """The frame in narwhals' form."""
        import narwhals.stable.v2 as nw

        return nw.from_native(self.native, eager_only=True)

    @cached_property
    def objects(self) -> list[tuple[Any, ...]]:
        """The values of each column as Python objects."""
        rows = _pandas_rows(self.native) if _is_pandas_like(self.native) else self.wrapped.rows()
        return list(zip(*rows, strict=True))

    def column(self, position: int, name: str, kind: Kind | None, rules: TextRules) -> Column:
        """Make the column at a position."""
        if kind is not None and 0 < len(self.native) <= FEW_ROWS and have_one_type(self.objects[position]):
            return column_from_objects(name, self.objects[position], kind=kind, rules=rules)
        return _column_of_series(self.wrapped[:, position], name, kind, rules)


def _pandas_rows(frame: Any) -> list[Any]:
    """Give the rows of a pandas frame as lists of objects; one row is taken in a third of the time, where that changes no value."""
    if len(frame) == 1:
        row = frame.iloc[0]
        if row.dtype == object:  # numbers alone would have one type, in which integers could be rounded
            return [row.tolist()]
    rows: list[Any] = frame.to_numpy(object).tolist()
    return rows


def _is_pandas_like(data: Any) -> bool:
    """Whether data is a frame of pandas or of a library with its interface, such as Modin."""
    import narwhals.stable.v2 as nw

    return nw.dependencies.is_pandas_like_dataframe(data)


def _makers_of_frame(data: Any) -> list[tuple[str, _Source]] | None:
    """Find the columns of a frame of any library; None where data is not a frame.

    Raises
    ------
    DataTypeError
        When it is a single column, or a frame that is evaluated lazily.
    DataError
        When two columns have the same name.
    """
    import narwhals.stable.v2 as nw

    if _is_pandas_like(data):
        names = [_name_text(name) for name in data.columns]
        check_names(names)
        frame = _Frame(data if names == list(data.columns) else data.set_axis(names, axis=1))
    elif nw.dependencies.is_into_series(data):
        raise DataTypeError(f"{ACCEPTED}; this is a single column: call its to_frame()")
    else:
        if nw.dependencies.is_pyarrow_table(data):
            check_names(data.column_names)
        wrapped = nw.from_native(data, pass_through=True)
        if isinstance(wrapped, nw.LazyFrame):
            raise DataTypeError(
                f"the frame is evaluated lazily ({type(data).__name__}); collect it first, such as by data.collect()"
            )
        if not isinstance(wrapped, nw.DataFrame):
            return None
        names, frame = [normalized(name) for name in wrapped.columns], _Frame(data)
    return [(name, _FrameColumn(frame, position)) for position, name in enumerate(names)]


@dataclass(frozen=True)
class _Values:
    """A column given by a sequence, an array or a single column of a frame."""

    values: Any

    def __call__(self, name: str, kind: Kind | None, rules: TextRules) -> Column:
        return _column_of_values(self.values, name, kind, rules)


@dataclass(frozen=True)
class _TableColumn:
    """A table's own column, read as another kind where that is required."""

    values: Column

    def __call__(self, name: str, kind: Kind | None, rules: TextRules) -> Column:
        return self.values if kind is None else read_as(self.values, kind, rules)


@dataclass(frozen=True)
class _FrameColumn:
    """A column of a frame."""

    frame: _Frame
    position: int

    @property
    def values(self) -> Any:
        """The column in the frame's own library."""
        return self.frame.wrapped[:, self.position].to_native()

    def __call__(self, name: str, kind: Kind | None, rules: TextRules) -> Column:
        return self.frame.column(self.position, name, kind, rules)


_Source = _Values | _TableColumn | _FrameColumn


def _column_of_values(values: Any, name: str, kind: Kind | None, rules: TextRules) -> Column:
    """Make a column of a sequence, an array, or a single column of a frame."""
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return column_from_array(name, values, kind=kind, rules=rules)
    if isinstance(values, (list, tuple, range)):
        return column_from_objects(name, values, kind=kind, rules=rules)
    series = _as_series(values)
    if series is None:
        shape = f" and shape {values.shape}" if isinstance(values, np.ndarray) else ""
        raise DataTypeError(
            f"column {name!r} must be a list or a 1-D array of values; it is of type {type(values).__name__}{shape}"
        )
    return _column_of_series(series, name, kind, rules)


def _as_series(values: Any) -> Any | None:
    """Wrap a column of any library in narwhals' form; None where it is not one."""
    import narwhals.stable.v2 as nw

    return nw.from_native(values, series_only=True) if nw.dependencies.is_into_series(values) else None


def _column_of_series(series: Any, name: str, kind: Kind | None, rules: TextRules) -> Column:
    """Make a column of a narwhals series."""
    import narwhals.stable.v2 as nw

    dtype = series.dtype
    if dtype in (nw.Categorical, nw.Enum):
        return column_of_categories(name, *_distinct_values(series), kind=kind, rules=rules)
    if dtype == nw.String:
        return column_of_texts(name, *_distinct_values(series), kind=kind, rules=rules)
    if dtype in (nw.Decimal, nw.Int128, nw.UInt128):  # NumPy has none of these types
        return column_from_objects(name, series.to_list(), kind=kind, rules=rules)
    if isinstance(dtype, nw.dtypes.NestedType) or dtype in (nw.Binary, nw.Time):
        raise DataTypeError(f"column {name!r} holds values of type {dtype}; {convert_remedy(rules)}")
    if dtype in (nw.Object, nw.Unknown):
        return column_from_array(name, series.to_numpy(), kind=kind, rules=rules)
    gaps = series.is_null().to_numpy().astype(bool)
    if gaps.any() and (dtype.is_integer() or dtype == nw.Boolean):
        series = series.fill_null(False if dtype == nw.Boolean else 0)  # NumPy has no gaps for these, and floats would round
    values = series.to_numpy()
    values = values.astype(bool) if dtype == nw.Boolean else values
    return column_from_array(name, values, gaps, kind=kind, rules=rules)


def _distinct_values(series: Any) -> tuple[AnyArray, list[Any]]:
    """Number the distinct values of a narwhals series, by the fastest way of its library.

    Returns
    -------
    codes : array of int32, shape (n,)
        The position of each value in ``values``; -1 is a gap.
    values : list
        The distinct values, in any order.
    """
    import narwhals.stable.v2 as nw

    native = series.to_native()
    if series.implementation.is_pandas_like():
        codes, values = native.factorize()
        return codes.astype(np.int32), list(values)
    if series.implementation.is_pyarrow():
        encoded = native.dictionary_encode().combine_chunks()
        return encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32), encoded.dictionary.to_pylist()
    if not series.implementation.is_polars():
        return factorize(series.to_list())
    texts = series.cast(nw.String)
    values = texts.drop_nulls().unique().to_list()
    codes = nw.from_native(texts.cast(nw.Enum(values)).to_native().to_physical(), series_only=True)
    return codes.cast(nw.Int32).fill_null(-1).to_numpy(), values


def _name_text(name: Any) -> str:
    """Give a column's name as a text; the levels of a name of several levels are joined by ``_``, empty ones left out."""
    if isinstance(name, tuple):
        name = "_".join(str(level) for level in name if str(level))
    return normalized(str(name))
