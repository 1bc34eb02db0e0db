"""How a learner's backprop is spoken to: as rows, as columns, or one example at a time; and how its answer is read.

The code holds a batch as rows and biases as (n_out,). A ``Convention`` turns that into what the learner's function takes, calls
it, and turns the answer back, so that the judging needs to know one way only.
"""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..._types import AnyArray
from ...calculus.backprop import Gradient
from ...errors import DataError, DataTypeError
from .answers import Answer, read
from .drawing import Drawn

LONGEST = 200  # letters of a message that are repeated
ROWS, COLUMNS, COLUMN, VECTOR = "rows", "columns", "column", "vector"
LAYOUTS = {  # in the order in which they are tried; a batch first, so that what can go wrong with one shows
    ROWS: "a batch as rows, (m, n)",
    COLUMNS: "a batch as columns, (n, m)",
    COLUMN: "one example at a time, a column (n, 1), so that the examples' gradients were added up here",
    VECTOR: "one example at a time, a row of numbers (n,), so that the examples' gradients were added up here",
}


class HomeworkRaised(Exception):
    """The learner's function raised; the message is the sentence to say."""


@dataclass(frozen=True)
class Convention:
    """How the function takes its arguments.

    Attributes
    ----------
    layout : str
    bias_columns : bool
        Whether biases are (n, 1), otherwise (n,).
    labels : bool
        Whether y is a class number an example.
    flat_y : bool
        Whether y is a plain row of numbers, since there is one output.
    n_in_first : bool
        Whether the weights are (n_in, n_out), as in ``x @ w``.
    """

    layout: str
    bias_columns: bool
    labels: bool
    flat_y: bool = False
    n_in_first: bool = False

    @property
    def one_by_one(self) -> bool:
        """Whether it takes one example a call."""
        return self.layout in (COLUMN, VECTOR)

    def said(self) -> str:
        """Say it in half a sentence."""
        y = "labels" if self.labels else "a plain row of targets" if self.flat_y else "targets"
        usual = self.bias_columns == (self.layout in (COLUMNS, COLUMN))
        biases = "" if usual else f", biases as {'(n, 1)' if self.bias_columns else '(n,)'}"
        weights = ", weights as (n_in, n_out), the transpose of what like holds" if self.n_in_first else ""
        return f"{LAYOUTS[self.layout]}{biases}{weights}, and y as {y}"

    def ask(self, f: Callable[..., Any], net: Drawn) -> Answer:
        """Call the function on copies of a network's arrays, and read its answer.

        Raises
        ------
        HomeworkRaised
            When it raised.
        DataError, DataTypeError
            When its answer is no gradient of this network.
        """
        held = {"columns": self.layout == COLUMNS, "n_in_first": self.n_in_first, "bias_columns": self.bias_columns}
        answers = [read(self._call(f, net, x, y), net, **held) for x, y in self._batches(net)]
        if len(answers) == 1:
            return answers[0]
        costs = [answer.cost for answer in answers if answer.cost is not None]
        lists = [zip(*(answer.gradient[i] for answer in answers), strict=True) for i in (0, 1)]
        gradient = Gradient(*([np.sum(parts, axis=0) for parts in parts_of] for parts_of in lists))
        return replace(answers[0], cost=sum(costs) if costs else None, gradient=gradient)

    def _batches(self, net: Drawn) -> Iterator[tuple[AnyArray, Any]]:
        y: Any = net.labels if self.labels else net.y[:, 0] if self.flat_y else net.y
        if self.layout == ROWS:
            yield net.x, y
        elif self.layout == COLUMNS:
            yield net.x.T, y.T
        else:
            for row, due in zip(net.x, y, strict=True):
                column = self.layout == COLUMN
                yield row[:, None] if column else row, due[:, None] if column and np.ndim(due) else due

    def _call(self, f: Callable[..., Any], net: Drawn, x: AnyArray, y: Any) -> Any:
        weights = [(w.T if self.n_in_first else w).copy() for w in net.weights]
        biases = [b.reshape(-1, 1).copy() if self.bias_columns else b.copy() for b in net.biases]
        given = f"weights {_shapes(weights)}, biases {_shapes(biases)}, x {x.shape} and y {np.shape(y) or 'a number'}"
        try:
            return f(weights, biases, x.copy(), y.copy())
        except (Exception, SystemExit) as error:
            raise HomeworkRaised(f"{_where_raised(f, error)}; it was given {given}") from None


def _shapes(arrays: Sequence[Any]) -> str:
    return ", ".join(str(np.shape(array)) for array in arrays)


def _where_raised(f: Any, error: BaseException) -> str:
    """Say what was raised, and in which line of the learner's own file."""
    code = getattr(f, "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is the call from here
    own = [frame for frame in frames if code is not None and frame.filename == code.co_filename] or list(frames)
    message = " ".join(str(error).split())
    said = f"{type(error).__name__}: {message[:LONGEST]}{'...' * (len(message) > LONGEST)}".rstrip(": ")
    if not own or own[-1].lineno is None:
        return f"your function raised {said}; it must take (weights, biases, x, y)"
    line = linecache.getline(own[-1].filename, own[-1].lineno).strip()
    where = f"line {own[-1].lineno} of {Path(own[-1].filename).name}"
    return f"{where}, `{line}`, raised {said}" if line else f"{where} raised {said}"


def own_convention(x: Any, y: Any, sizes: Sequence[int]) -> tuple[Convention, bool, bool]:
    """Read off a learner's own x and y how they hold a batch; also whether that is a single column, and y one class each.

    Raises
    ------
    DataError, DataTypeError
        When they do not suit a network of these sizes.
    """
    if y is None:
        raise DataError("y is missing; give labels or targets as well, for they show how f takes them")
    inputs, due = _array("x", x), _array("y", y)
    n_in, n_out = sizes[0], sizes[-1]
    layouts = [layout for layout, fits in _fitting(inputs.shape, n_in) if fits]
    if not layouts:
        came = f"x has shape {inputs.shape}, but like takes {n_in} inputs"
        raise DataError(f"{came}: (m, {n_in}) as rows, ({n_in}, m) as columns, or one example")
    for layout in layouts:
        m = 1 if layout == VECTOR or inputs.shape == (n_in, 1) != (1, 1) else inputs.shape[layout == COLUMNS]
        y_is = _kind_of_y(due, layout, m, n_out)
        if y_is is not None:
            labels = y_is == "labels"
            convention = Convention(layout, layout in (COLUMNS, COLUMN), labels, y_is == "flat")
            return convention, layout == COLUMNS and m == 1, labels or _is_one_hot(due, n_out)
    m = inputs.shape[layouts[0] == COLUMNS] if inputs.ndim == 2 else len(inputs) if inputs.ndim == 3 else 1
    raise DataError(f"y has shape {due.shape}; for {m} examples and {n_out} outputs it is labels ({m},), or targets held as x is")


def _array(name: str, values: Any) -> AnyArray:
    try:
        array: AnyArray = np.asarray(values)
    except ValueError:
        raise DataError(f"{name} must have rows of equal length") from None
    if array.dtype.kind not in "fiub":
        what = "text" if array.dtype.kind in "US" else "Python objects" if array.dtype.kind == "O" else str(array.dtype)
        raise DataTypeError(f"{name} holds {what}; it must hold numbers")
    if not array.size:
        raise DataError(f"{name} is empty: its shape is {array.shape}")
    return array


def _fitting(shape: tuple[int, ...], n_in: int) -> Iterator[tuple[str, bool]]:
    yield ROWS, len(shape) == 2 and shape[1] == n_in
    yield COLUMNS, len(shape) == 2 and shape[0] == n_in
    yield COLUMN, len(shape) == 3 and shape[1:] == (n_in, 1)
    yield VECTOR, len(shape) == 1 and shape[0] == n_in


def _kind_of_y(y: AnyArray, layout: str, m: int, n_out: int) -> str | None:
    """Say whether y is labels, a flat row of targets, or targets held as x is; None where it is none of them."""
    whole = bool((y == np.floor(y)).all())
    if layout == VECTOR:
        one_target = "flat" if y.ndim == 0 and n_out == 1 else None
        return "targets" if y.shape == (n_out,) else "labels" if y.size == 1 and n_out > 1 and whole else one_target
    if y.shape == (m,) or (m == 1 and y.ndim == 0):
        return "flat" if n_out == 1 else "labels" if whole else None
    due = {ROWS: (m, n_out), COLUMNS: (n_out, m), COLUMN: (m, n_out, 1)}[layout]
    return "targets" if y.shape == due else None


def _is_one_hot(y: AnyArray, n_out: int) -> bool:
    """Say whether these targets are one class an example, whichever way they are held."""
    if n_out == 1 or not np.isin(y, (0, 1)).all() or n_out not in y.shape:
        return False
    return any(bool((y.sum(axis=axis) == 1).all()) for axis in range(y.ndim) if y.shape[axis] == n_out)


def others(own: Convention, classes: bool) -> Iterator[Convention]:
    """Give the other ways in which a function may take its arguments, the likely ones first."""
    seen = {own}
    layouts = [own.layout, *(layout for layout in LAYOUTS if layout != own.layout)]
    forms_of_y = [(own.labels, own.flat_y), *([(not own.labels, False)] if classes else [])]
    for n_in_first in (False, True):
        for layout in layouts:
            columns = layout in (COLUMNS, COLUMN)
            if n_in_first and columns:
                continue
            for bias_columns in (columns, not columns) if layout != VECTOR else (False,):
                for labels, flat_y in forms_of_y:
                    convention = Convention(layout, bias_columns, labels, flat_y, n_in_first)
                    if convention not in seen:
                        seen.add(convention)
                        yield convention
