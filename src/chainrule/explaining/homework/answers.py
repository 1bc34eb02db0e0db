"""What a learner's backprop returned, read into the code's own shapes, or refused in a sentence."""

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
from .drawing import Drawn

WANTED = "return nabla_b, nabla_w (two lists, an array a layer), or cost, (nabla_b, nabla_w)"


@dataclass(frozen=True)
class Answer:
    """What the function gave, in the code's own shapes.

    Attributes
    ----------
    cost : float or None
    gradient : Gradient
    single : bool
        Whether some of it is float32.
    turned : bool
        Whether it came as (nabla_w, nabla_b).
    unsummed : tuple of int
        The layers whose nabla_b still had an entry for each example; in ``gradient`` they are summed.
    crosswise : tuple of int
        The layers whose nabla_b was summed over the units, to a number for each example; in ``gradient`` they are 0.
    broadcast : str
        The shape of a nabla_b whose numbers are in place, but which the step would broadcast to (n, n); empty if there is none.
    """

    cost: float | None
    gradient: Gradient
    single: bool = False
    turned: bool = False
    unsummed: tuple[int, ...] = ()
    crosswise: tuple[int, ...] = ()
    broadcast: str = ""


def read(answer: Any, net: Drawn, *, columns: bool, n_in_first: bool, bias_columns: bool) -> Answer:
    """Read an answer; ``columns`` says whether a batch is held so, the others whether weights are (n_in, n_out), biases (n, 1).

    Raises
    ------
    DataError, DataTypeError
        When it is no gradient of this network.
    """
    cost, pair = _split(answer)
    lists = [_listed(name, part, len(net.weights)) for name, part in zip(("nabla_b", "nabla_w"), pair, strict=True)]
    turned = _is_turned(lists[0], lists[1], net)
    bs, ws = lists[::-1] if turned else lists
    due_b, due_w = [b.shape for b in net.biases], [w.shape[::-1] if n_in_first else w.shape for w in net.weights]
    found_b = [_numbers(f"nabla_b[{k}]", b, due) for k, (b, due) in enumerate(zip(bs, due_b, strict=True))]
    found_w = [_numbers(f"nabla_w[{k}]", w, due) for k, (w, due) in enumerate(zip(ws, due_w, strict=True))]
    unsummed = tuple(k for k, b in enumerate(found_b) if _is_unsummed(b, due_b[k], net.m, columns))
    by_example = ((net.m,), (net.m, 1), (1, net.m))
    crosswise = tuple(k for k, b in enumerate(found_b) if b.shape in by_example and k not in unsummed)
    broadcast = next(filter(None, (_broadcast(b, due, bias_columns) for b, due in zip(found_b, due_b, strict=True))), "")
    found_b = [np.zeros(due_b[k]) if k in crosswise else b for k, b in enumerate(found_b)]
    nabla_b = [b.sum(axis=int(columns)) if k in unsummed else _as_bias(k, b, due_b[k]) for k, b in enumerate(found_b)]
    nabla_w = [_as_weight(k, w, due_w[k]) for k, w in enumerate(found_w)]
    double = [[part.astype(np.float64) for part in parts] for parts in (nabla_b, [w.T if n_in_first else w for w in nabla_w])]
    single = any(part.dtype.itemsize < 8 for part in (*found_b, *found_w))
    return Answer(cost, Gradient(*double), single, turned, unsummed, crosswise, broadcast)


def _split(answer: Any) -> tuple[float | None, Sequence[Any]]:
    """Take an answer apart: a cost, if there is one, and the two lists."""
    if answer is None:
        raise DataTypeError(f"your function returned None; let it {WANTED}")
    if isinstance(answer, GeneratorType):
        raise DataTypeError(f"your function is a generator, since it says yield; let it {WANTED}")
    if not isinstance(answer, (tuple, list)):
        raise DataTypeError(f"your function returned something of type {type(answer).__name__}; let it {WANTED}")
    if len(answer) == 3 and _is_number(answer[0]):
        return _as_cost(answer[0]), answer[1:]
    if len(answer) != 2:
        raise DataError(f"your function returned {len(answer)} things; let it {WANTED}")
    if not _is_number(answer[0]):
        return None, answer
    if not isinstance(answer[1], (tuple, list)) or len(answer[1]) != 2:
        raise DataTypeError(f"beside the cost your function returned a {type(answer[1]).__name__}, no pair; let it {WANTED}")
    return _as_cost(answer[0]), answer[1]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) or (
        isinstance(value, np.ndarray) and value.size == 1 and value.dtype != object
    )


def _as_cost(value: Any) -> float:
    cost = float(np.asarray(value).reshape(-1)[0])
    if not np.isfinite(cost):
        raise DataError(f"the cost that your function returned is {cost}; look for a logarithm of 0, or a division by it")
    return cost


def _listed(name: str, part: Any, layers: int) -> list[Any]:
    """Read one of the two lists; None instead of a list stands for zeros."""
    if part is None:
        return [0.0] * layers
    if not isinstance(part, (list, tuple, np.ndarray)) or (isinstance(part, np.ndarray) and part.ndim == 0):
        raise DataTypeError(f"{name} is of type {type(part).__name__}; it must be a list with an array for each layer")
    if len(part) != layers:
        count = f"{layers} layers, the inputs not counted" if layers > 1 else "one layer, the inputs not counted"
        raise DataError(f"{name} has {len(part)} entries; it must have one for each of the {count}")
    return list(part)


def _is_turned(first: list[Any], second: list[Any], net: Drawn) -> bool:
    """Tell (nabla_w, nabla_b) by its shapes."""
    due = [w.shape for w in net.weights]

    def shapes(parts: list[Any]) -> list[Any]:
        return [getattr(part, "shape", None) for part in parts]

    return shapes(first) in (due, [shape[::-1] for shape in due]) and shapes(second) != shapes(first)


def _numbers(name: str, part: Any, due: tuple[int, ...]) -> AnyArray:
    """Read one array of finite floats."""
    if isinstance(part, float) and part == 0.0:
        return np.zeros(due)
    if part is None:
        raise DataTypeError(f"{name} is None; it must be an array of shape {due}")
    try:
        array = np.asarray(part)
    except ValueError:
        raise DataError(f"{name} has rows of different lengths; it must have shape {due}") from None
    if array.dtype.kind == "O":  # as lists of arrays become where all are of one shape
        with suppress(TypeError, ValueError):
            array = array.astype(np.float64)
    if array.dtype.kind in "iub":
        raise DataTypeError(f"{name} holds integers ({array.dtype}), which cut off what comes after the point; make it of floats")
    if array.dtype.kind != "f":
        what = "text" if array.dtype.kind in "US" else "Python objects" if array.dtype.kind == "O" else str(array.dtype)
        raise DataTypeError(f"{name} holds {what}; it must hold numbers")
    if not np.isfinite(array).all():
        raise DataError(
            f"{name} holds NaN or inf, though every input is small and finite; look for a division by 0, or an exp too large"
        )
    return array


def _is_unsummed(b: AnyArray, due: tuple[int, ...], m: int, columns: bool) -> bool:
    return bool(b.shape == ((*due, m) if columns else (m, *due)))


def _broadcast(b: AnyArray, due: tuple[int, ...], bias_columns: bool) -> str:
    """Write the shape of a nabla_b that holds what is due, but makes an (n, n) of biases that it is taken off."""
    spoils = {due: "(n,)", (1, *due): "(1, n)"} if bias_columns else {(*due, 1): "(n, 1)"}
    return "" if due == (1,) else spoils.get(b.shape, "")


def _as_bias(layer: int, b: AnyArray, due: tuple[int, ...]) -> Array:
    """Read a layer's nabla_b; a single number stands for as many as it has biases, as a step would broadcast it."""
    if b.size == 1:
        return np.full(due, b.reshape(()))
    if b.shape not in (due, (*due, 1), (1, *due)):
        raise DataError(f"nabla_b[{layer}] has shape {b.shape}; it must have that of the biases, {due} or {(*due, 1)}")
    return b.reshape(due)


def _as_weight(layer: int, w: AnyArray, due: tuple[int, ...]) -> Array:
    if w.shape != due:
        raise DataError(f"nabla_w[{layer}] has shape {w.shape}; it must have that of the weights, {due}")
    return w
