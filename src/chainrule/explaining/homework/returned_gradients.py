"""Reads the gradient that a learner's backprop returned, in whatever shapes, into the library's own shapes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import GeneratorType
from typing import Any

import numpy as np

from ..._types import AnyArray, Array
from ...calculus.backprop import Gradient
from ...errors import DataError, DataTypeError
from .random_problem import RandomProblem

REQUIRED = "return nabla_b, nabla_w (two lists with an array for each layer), or cost, (nabla_b, nabla_w)"


@dataclass(frozen=True)
class ReturnedGradient:
    """The result of a learner's function in the library's own shapes, and its irregularities.

    Attributes
    ----------
    cost : float or None
    gradient : Gradient
    is_float32 : bool
        Whether some of it is float32.
    swapped_lists : bool
        Whether the function returned (nabla_w, nabla_b).
    per_example : tuple of int
        The layers whose nabla_b has an entry for each example; in ``gradient`` it is summed over them.
    summed_over_units : tuple of int
        The layers whose nabla_b is summed over the units instead of the examples; in ``gradient`` it is 0.
    broadcast_shape : str
        The shape of a nabla_b with correct numbers that would broadcast to (n, n) when subtracted from the biases; else empty.
    """

    cost: float | None
    gradient: Gradient
    is_float32: bool = False
    swapped_lists: bool = False
    per_example: tuple[int, ...] = ()
    summed_over_units: tuple[int, ...] = ()
    broadcast_shape: str = ""


def read_returned(
    returned: Any, problem: RandomProblem, *, columns: bool, n_in_first: bool, bias_columns: bool
) -> ReturnedGradient:
    """Read the value that a function returned.

    Parameters
    ----------
    returned : object
    problem : RandomProblem
    columns, n_in_first, bias_columns : bool
        Whether the function takes a batch as columns, weights as (n_in, n_out), and biases as (n, 1).

    Raises
    ------
    DataError, DataTypeError
        If it is not a gradient of this network.
    """
    cost, pair = _split(returned)
    lists = [_as_list(name, part, len(problem.weights)) for name, part in zip(("nabla_b", "nabla_w"), pair, strict=True)]
    swapped = _is_swapped(lists[0], lists[1], problem)
    bs, ws = lists[::-1] if swapped else lists
    b_shapes = [b.shape for b in problem.biases]
    w_shapes = [w.shape[::-1] if n_in_first else w.shape for w in problem.weights]
    returned_b = [_as_floats(f"nabla_b[{k}]", b, shape) for k, (b, shape) in enumerate(zip(bs, b_shapes, strict=True))]
    returned_w = [_as_floats(f"nabla_w[{k}]", w, shape) for k, (w, shape) in enumerate(zip(ws, w_shapes, strict=True))]
    per_example = tuple(k for k, b in enumerate(returned_b) if _is_per_example(b, b_shapes[k], problem.m, columns))
    example_shapes = ((problem.m,), (problem.m, 1), (1, problem.m))
    summed_over_units = tuple(k for k, b in enumerate(returned_b) if b.shape in example_shapes and k not in per_example)
    nabla_b: list[Array] = []
    for k, (b, shape) in enumerate(zip(returned_b, b_shapes, strict=True)):
        if k in summed_over_units:
            nabla_b.append(np.zeros(shape))
        else:
            nabla_b.append(b.sum(axis=int(columns)) if k in per_example else _as_bias(k, b, shape))
    nabla_w = [_as_weights(k, w, shape) for k, (w, shape) in enumerate(zip(returned_w, w_shapes, strict=True))]
    broadcast_shapes = [_broadcast_shape(b, shape, bias_columns) for b, shape in zip(returned_b, b_shapes, strict=True)]
    return ReturnedGradient(
        cost,
        Gradient([b.astype(np.float64) for b in nabla_b], [(w.T if n_in_first else w).astype(np.float64) for w in nabla_w]),
        is_float32=any(part.dtype.itemsize < 8 for part in (*returned_b, *returned_w)),
        swapped_lists=swapped,
        per_example=per_example,
        summed_over_units=summed_over_units,
        broadcast_shape=next(filter(None, broadcast_shapes), ""),
    )


def _split(returned: Any) -> tuple[float | None, Sequence[Any]]:
    """Split the result into a cost, or None without one, and the two lists."""
    if returned is None:
        raise DataTypeError(f"your function returned None; let it {REQUIRED}")
    if isinstance(returned, GeneratorType):
        raise DataTypeError(f"your function is a generator, since it contains yield; let it {REQUIRED}")
    if not isinstance(returned, (tuple, list)):
        raise DataTypeError(f"your function returned something of type {type(returned).__name__}; let it {REQUIRED}")
    if len(returned) == 3 and _is_number(returned[0]):
        return _as_cost(returned[0]), returned[1:]
    if len(returned) != 2:
        raise DataError(f"your function returned {len(returned)} things; let it {REQUIRED}")
    if not _is_number(returned[0]):
        return None, returned
    if not isinstance(returned[1], (tuple, list)) or len(returned[1]) != 2:
        kind = type(returned[1]).__name__
        raise DataTypeError(f"your function returned a cost and something of type {kind} instead of a pair; let it {REQUIRED}")
    return _as_cost(returned[0]), returned[1]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) or (
        isinstance(value, np.ndarray) and value.size == 1 and value.dtype != object
    )


def _as_cost(value: Any) -> float:
    cost = float(np.asarray(value).reshape(-1)[0])
    if not np.isfinite(cost):
        raise DataError(f"the cost that your function returned is {cost}; look for a logarithm of 0 or a division by 0")
    return cost


def _as_list(name: str, part: Any, layers: int) -> list[Any]:
    """Read one of the two lists; None instead of a list means zeros."""
    if part is None:
        return [0.0] * layers
    if not isinstance(part, (list, tuple, np.ndarray)) or (isinstance(part, np.ndarray) and part.ndim == 0):
        raise DataTypeError(f"{name} must be a list with an array for each layer; it is of type {type(part).__name__}")
    if len(part) != layers:
        count = f"{layers} layers" if layers > 1 else "single layer"
        raise DataError(f"{name} must have one entry for the {count}, not counting the inputs; it has {len(part)} entries")
    return list(part)


def _is_swapped(first: list[Any], second: list[Any], problem: RandomProblem) -> bool:
    """Recognize (nabla_w, nabla_b) by its shapes."""
    w_shapes = [w.shape for w in problem.weights]

    def shapes(parts: list[Any]) -> list[Any]:
        return [getattr(part, "shape", None) for part in parts]

    return shapes(first) in (w_shapes, [shape[::-1] for shape in w_shapes]) and shapes(second) != shapes(first)


def _as_floats(name: str, part: Any, shape: tuple[int, ...]) -> AnyArray:
    """Read one array of finite floats; ``shape`` is used for messages and for a plain 0.0."""
    if isinstance(part, float) and part == 0.0:
        return np.zeros(shape)
    if part is None:
        raise DataTypeError(f"{name} must be an array of shape {shape}; it is None")
    try:
        array = np.asarray(part)
    except ValueError:
        raise DataError(f"{name} must have shape {shape}; it has rows of different lengths") from None
    if array.dtype.kind == "O":  # the result of nested lists of arrays
        with suppress(TypeError, ValueError):
            array = array.astype(np.float64)
    if array.dtype.kind in "iub":
        raise DataTypeError(f"{name} must hold floats; it holds integers ({array.dtype}), which discard all decimals")
    if array.dtype.kind != "f":
        kind = "text" if array.dtype.kind in "US" else "Python objects" if array.dtype.kind == "O" else str(array.dtype)
        raise DataTypeError(f"{name} must hold numbers; it holds {kind}")
    if not np.isfinite(array).all():
        raise DataError(
            f"{name} holds NaN or inf, although every input is small and finite; look for a division by 0 or an overflow of exp"
        )
    return array


def _is_per_example(b: AnyArray, shape: tuple[int, ...], m: int, columns: bool) -> bool:
    return bool(b.shape == ((*shape, m) if columns else (m, *shape)))


def _broadcast_shape(b: AnyArray, shape: tuple[int, ...], bias_columns: bool) -> str:
    """Name the shape of a nabla_b that subtracted from the biases would give (n, n)."""
    broadcasting = {shape: "(n,)", (1, *shape): "(1, n)"} if bias_columns else {(*shape, 1): "(n, 1)"}
    return "" if shape == (1,) else broadcasting.get(b.shape, "")


def _as_bias(layer: int, b: AnyArray, shape: tuple[int, ...]) -> Array:
    """Read a layer's nabla_b; a single number is repeated for each bias, as a step would broadcast it."""
    if b.size == 1:
        return np.full(shape, b.reshape(()))
    if b.shape not in (shape, (*shape, 1), (1, *shape)):
        raise DataError(f"nabla_b[{layer}] must have the shape of the biases, {shape} or {(*shape, 1)}; it has shape {b.shape}")
    return b.reshape(shape)


def _as_weights(layer: int, w: AnyArray, shape: tuple[int, ...]) -> Array:
    if w.shape != shape:
        raise DataError(f"nabla_w[{layer}] must have the shape of the weights, {shape}; it has shape {w.shape}")
    return w
