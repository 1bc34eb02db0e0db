"""The ways to call a learner's backprop: with a batch as rows, as columns, or one example at a time.

The library holds a batch as rows and biases as (n_out,). A ``CallingConvention`` converts these to the arguments that the function
takes, calls it, and converts its result back, so that grading is independent of the convention.
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
from .random_problem import RandomProblem
from .returned_gradients import ReturnedGradient, read_returned

MAX_MESSAGE_LENGTH = 200
ROWS, COLUMNS, COLUMN, VECTOR = "rows", "columns", "column", "vector"
LAYOUTS = {  # in the order in which they are tried; batches come first, since they reveal more mistakes
    ROWS: "a batch as rows, (m, n)",
    COLUMNS: "a batch as columns, (n, m)",
    COLUMN: "one example at a time, a column (n, 1)",
    VECTOR: "one example at a time, a row of numbers (n,)",
}


class HomeworkRaised(Exception):
    """The learner's function raised an exception; the message describes where."""


@dataclass(frozen=True)
class CallingConvention:
    """How the function takes its arguments.

    Attributes
    ----------
    layout : str
        A key of ``LAYOUTS``.
    bias_columns : bool
        Whether biases are (n, 1), otherwise (n,).
    labels : bool
        Whether y is one class number for each example.
    flat_y : bool
        Whether y is (m,), since there is a single output.
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
        """Whether the function takes a single example."""
        return self.layout in (COLUMN, VECTOR)

    def description(self) -> str:
        """Describe the convention, as the object of "your function takes"."""
        y = "labels" if self.labels else "a plain row of targets" if self.flat_y else "targets"
        has_usual_biases = self.bias_columns == (self.layout in (COLUMNS, COLUMN))
        biases = "" if has_usual_biases else f", biases as {'(n, 1)' if self.bias_columns else '(n,)'}"
        weights = ", weights as (n_in, n_out), the transpose of like's" if self.n_in_first else ""
        return f"{LAYOUTS[self.layout]}{biases}{weights}, and y as {y}"

    def call(self, f: Callable[..., Any], problem: RandomProblem) -> ReturnedGradient:
        """Call the function on copies of a problem's arrays, and read its result.

        Raises
        ------
        HomeworkRaised
            If it raised an exception.
        DataError, DataTypeError
            If its result is not a gradient of this network.
        """
        columns = self.layout == COLUMNS
        results = []
        for x, y in self._batches(problem):
            returned = self._call_once(f, problem, x, y)
            results.append(
                read_returned(returned, problem, columns=columns, n_in_first=self.n_in_first, bias_columns=self.bias_columns)
            )
        return results[0] if len(results) == 1 else _sum_of(results)

    def _batches(self, problem: RandomProblem) -> Iterator[tuple[AnyArray, Any]]:
        y: Any = problem.labels if self.labels else problem.y[:, 0] if self.flat_y else problem.y
        if self.layout == ROWS:
            yield problem.x, y
        elif self.layout == COLUMNS:
            yield problem.x.T, y.T
        else:
            for row, target in zip(problem.x, y, strict=True):
                column = self.layout == COLUMN
                yield row[:, None] if column else row, target[:, None] if column and np.ndim(target) else target

    def _call_once(self, f: Callable[..., Any], problem: RandomProblem, x: AnyArray, y: Any) -> Any:
        weights = [(w.T if self.n_in_first else w).copy() for w in problem.weights]
        biases = [b.reshape(-1, 1).copy() if self.bias_columns else b.copy() for b in problem.biases]
        given = f"weights {_shapes(weights)}, biases {_shapes(biases)}, x {x.shape} and y {np.shape(y) or 'a number'}"
        try:
            return f(weights, biases, x.copy(), y.copy())
        except (Exception, SystemExit) as error:
            raise HomeworkRaised(f"{_describe_exception(f, error)}; it was given {given}") from None


def _sum_of(results: Sequence[ReturnedGradient]) -> ReturnedGradient:
    """Sum the costs and gradients of single examples."""
    costs = [result.cost for result in results if result.cost is not None]
    sums = []
    for which in (0, 1):
        by_layer = zip(*(result.gradient[which] for result in results), strict=True)
        sums.append([np.sum(parts, axis=0) for parts in by_layer])
    return replace(results[0], cost=sum(costs) if costs else None, gradient=Gradient(*sums))


def _shapes(arrays: Sequence[Any]) -> str:
    return ", ".join(str(np.shape(array)) for array in arrays)


def _describe_exception(f: Any, error: BaseException) -> str:
    """Describe an exception, and the line of the learner's own file that raised it."""
    code = getattr(f, "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is the call in this module
    own_frames = [frame for frame in frames if code is not None and frame.filename == code.co_filename] or list(frames)
    message = " ".join(str(error).split())
    ellipsis = "..." * (len(message) > MAX_MESSAGE_LENGTH)
    raised = f"{type(error).__name__}: {message[:MAX_MESSAGE_LENGTH]}{ellipsis}".rstrip(": ")
    if not own_frames or own_frames[-1].lineno is None:
        return f"your function raised {raised}; it must take (weights, biases, x, y)"
    file, number = own_frames[-1].filename, own_frames[-1].lineno
    line = linecache.getline(file, number).strip()
    where = f"line {number} of {Path(file).name}"
    return f"{where}, `{line}`, raised {raised}" if line else f"{where} raised {raised}"


# Which convention


def infer_convention(x: Any, y: Any, sizes: Sequence[int]) -> tuple[CallingConvention, bool, bool]:
    """Infer a function's convention from the shapes of the learner's own x and y.

    Returns
    -------
    convention : CallingConvention
    is_single_column : bool
        Whether x is a batch of one column, so that the function may take one example only.
    is_classes : bool
        Whether each target is a class.

    Raises
    ------
    DataError, DataTypeError
        If x and y do not suit a network of these sizes.
    """
    if y is None:
        raise DataError("y is missing; pass labels or targets too, because their shape shows how f takes them")
    inputs, targets = _as_array("x", x), _as_array("y", y)
    n_in, n_out = sizes[0], sizes[-1]
    layouts = [layout for layout, fits in _fitting_layouts(inputs.shape, n_in) if fits]
    if not layouts:
        accepted = f"(m, {n_in}) as rows, ({n_in}, m) as columns, or one example"
        raise DataError(f"x has shape {inputs.shape}, but like takes {n_in} inputs: {accepted}")
    for layout in layouts:
        m = 1 if layout == VECTOR or inputs.shape == (n_in, 1) != (1, 1) else inputs.shape[layout == COLUMNS]
        kind = _kind_of_y(targets, layout, m, n_out)
        if kind is not None:
            labels = kind == "labels"
            convention = CallingConvention(layout, layout in (COLUMNS, COLUMN), labels, kind == "flat")
            return convention, layout == COLUMNS and m == 1, labels or _is_one_hot(targets, n_out)
    m = inputs.shape[layouts[0] == COLUMNS] if inputs.ndim == 2 else len(inputs) if inputs.ndim == 3 else 1
    raise DataError(
        f"y has shape {targets.shape}; for {m} examples and {n_out} outputs it must be labels ({m},), or targets in the layout of x"
    )


def _as_array(name: str, values: Any) -> AnyArray:
    try:
        array: AnyArray = np.asarray(values)
    except ValueError:
        raise DataError(f"{name} must have rows of equal length") from None
    if array.dtype.kind not in "fiub":
        kind = "text" if array.dtype.kind in "US" else "Python objects" if array.dtype.kind == "O" else str(array.dtype)
        raise DataTypeError(f"{name} must hold numbers; it holds {kind}")
    if not array.size:
        raise DataError(f"{name} must not be empty; its shape is {array.shape}")
    return array


def _fitting_layouts(shape: tuple[int, ...], n_in: int) -> Iterator[tuple[str, bool]]:
    yield ROWS, len(shape) == 2 and shape[1] == n_in
    yield COLUMNS, len(shape) == 2 and shape[0] == n_in
    yield COLUMN, len(shape) == 3 and shape[1:] == (n_in, 1)
    yield VECTOR, len(shape) == 1 and shape[0] == n_in


def _kind_of_y(y: AnyArray, layout: str, m: int, n_out: int) -> str | None:
    """Classify y as "labels", "flat" (one target for each example) or "targets" in the layout of x; None if it is none of them."""
    integers = bool((y == np.floor(y)).all())
    if layout == VECTOR:
        if y.shape == (n_out,):
            return "targets"
        if y.size == 1 and n_out > 1 and integers:
            return "labels"
        return "flat" if y.ndim == 0 and n_out == 1 else None
    if y.shape == (m,) or (m == 1 and y.ndim == 0):
        return "flat" if n_out == 1 else "labels" if integers else None
    target_shape = {ROWS: (m, n_out), COLUMNS: (n_out, m), COLUMN: (m, n_out, 1)}[layout]
    return "targets" if y.shape == target_shape else None


def _is_one_hot(y: AnyArray, n_out: int) -> bool:
    """Check whether targets, in any layout, are 1 for one class and 0 for the others."""
    if n_out == 1 or not np.isin(y, (0, 1)).all() or n_out not in y.shape:
        return False
    return any(bool((y.sum(axis=axis) == 1).all()) for axis in range(y.ndim) if y.shape[axis] == n_out)


def other_conventions(own: CallingConvention, classes: bool) -> Iterator[CallingConvention]:
    """Yield all other conventions, the likely ones first."""
    tried = {own}
    layouts = [own.layout, *(layout for layout in LAYOUTS if layout != own.layout)]
    forms_of_y = [(own.labels, own.flat_y), *([(not own.labels, False)] if classes else [])]
    for n_in_first in (False, True):
        for layout in layouts:
            columns = layout in (COLUMNS, COLUMN)
            if n_in_first and columns:
                continue
            for bias_columns in (columns, not columns) if layout != VECTOR else (False,):
                for labels, flat_y in forms_of_y:
                    convention = CallingConvention(layout, bias_columns, labels, flat_y, n_in_first)
                    if convention not in tried:
                        tried.add(convention)
                        yield convention
