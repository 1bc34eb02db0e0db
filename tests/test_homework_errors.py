"""Homework: exceptions, results that are not gradients, and wrong arguments are reported in a sentence."""

import re

import numpy as np
import pytest
from homework_learners import NET, ROWS, X, Y, with_changed_nabla_b, with_changed_nabla_w

import chainrule as cr
from chainrule.errors import ArgumentTypeError, DataError, DataTypeError, SettingError
from chainrule.explaining.homework.homework_check import check_homework


def columns_only(weights, biases, x, y):
    """A function that raises on rows."""
    z = weights[0] @ x + y
    return [z], [z]


def test_an_exception_is_reported_with_its_line_and_the_shapes():
    """An exception becomes a finding with the line that raised it, its message, and the shapes of the arguments."""
    report = check_homework(columns_only, X, Y, NET)
    assert not report.ok
    assert report.finding.name == "an exception"
    line = columns_only.__code__.co_firstlineno + 2
    assert report.finding.what.startswith(f"line {line} of test_homework_errors.py, `z = weights[0] @ x + y`, raised ValueError: ")
    assert report.finding.what.endswith("given weights (4, 6), (3, 4), biases (4,), (3,), x (7, 6) and y (7, 3)")

    report = check_homework(lambda weights, biases: None, X, Y, NET)
    assert "it must take (weights, biases, x, y)" in report.finding.what


def test_ctrl_c_passes_through():
    """Ctrl-C interrupts a function that never returns."""

    def never(weights, biases, x, y):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_homework(never, X, Y, NET)


def test_a_function_that_is_not_deterministic():
    """A function that is correct only every other time is not found correct."""
    calls = []

    def sometimes(*batch):
        calls.append(1)
        bs, ws = ROWS(*batch)
        return (bs, ws) if len(calls) % 2 else ([2 * b for b in bs], ws)

    report = check_homework(sometimes, np.zeros((3, 4)), np.zeros((3, 2)), cr.Network([4, 3, 2], seed=0))
    assert not report.ok
    assert "two different gradients" in str(report)


def generator(*batch):
    """A function with yield instead of return."""
    yield ROWS(*batch)


@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda *batch: None, DataTypeError, "returned None; let it return nabla_b, nabla_w"),
        (generator, DataTypeError, "contains yield"),
        (lambda *batch: "gradient", DataTypeError, "type str"),
        (lambda *batch: ("nabla_b", "nabla_w"), DataTypeError, "nabla_b .* of type str"),
        (lambda *batch: (*ROWS(*batch), 1, 2), DataError, "returned 4 things"),
        (lambda *batch: (1.0, ROWS(*batch)[0][0]), DataTypeError, "a cost and something of type"),
        (lambda *batch: (np.nan, ROWS(*batch)), DataError, "the cost that your function returned is nan"),
        (
            with_changed_nabla_w(ROWS, lambda ws: ws[:1]),
            DataError,
            "nabla_w must have one entry for the 2 layers.* it has 1 entries",
        ),
        (with_changed_nabla_w(ROWS, lambda ws: (w for w in ws)), DataTypeError, "nabla_w .* of type generator"),
        (
            with_changed_nabla_w(ROWS, lambda ws: [w[:2] for w in ws]),
            DataError,
            r"nabla_w\[0\] must .* \(4, 6\); it has shape \(2, 6\)",
        ),
        (
            with_changed_nabla_b(ROWS, lambda bs: [np.zeros((2, 2))] * 2),
            DataError,
            r"nabla_b\[0\] must .* \(4,\) or \(4, 1\); it has shape \(2, 2\)",
        ),
        (with_changed_nabla_b(ROWS, lambda bs: [b.astype(int) for b in bs]), DataTypeError, r"nabla_b\[0\] must hold floats"),
        (with_changed_nabla_b(ROWS, lambda bs: [b * np.nan for b in bs]), DataError, r"nabla_b\[0\] holds NaN or inf"),
        (with_changed_nabla_b(ROWS, lambda bs: [np.array([object()] * len(b)) for b in bs]), DataTypeError, "Python objects"),
        (with_changed_nabla_b(ROWS, lambda bs: [b.astype(str) for b in bs]), DataTypeError, "text"),
        (with_changed_nabla_b(ROWS, lambda bs: [None, None]), DataTypeError, r"nabla_b\[0\] must be .* it is None"),
        (with_changed_nabla_b(ROWS, lambda bs: [[[1.0], [1.0, 2.0]], bs[1]]), DataError, "rows of different lengths"),
    ],
)
def test_a_result_that_is_not_a_gradient_is_refused(f, error, message):
    """A result that is not a gradient of this network is refused in one sentence."""
    with pytest.raises(error, match=message) as caught:
        check_homework(f, X, Y, NET)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (X[:, :5], Y, DataError, "x has shape (9, 5), but like takes 6 inputs"),
        (X, Y[:8], DataError, "y has shape (8, 3); for 9 examples and 3 outputs"),
        (X, None, DataError, "y is missing"),
        (X[:0], Y[:0], DataError, "x must not be empty"),
        ([["a"]], Y, DataTypeError, "x must hold numbers; it holds text"),
        ([[1.0], [2.0, 3.0]], Y, DataError, "rows of equal length"),
    ],
)
def test_an_x_or_y_that_does_not_suit_is_refused(x, y, error, message):
    """An x or y from which no convention can be inferred is refused in one sentence."""
    with pytest.raises(error, match=re.escape(message)):
        check_homework(ROWS, x, y, NET)


def test_arguments_of_other_types_are_refused():
    """F must be a function, like a Network, and the seed a non-negative integer."""
    with pytest.raises(ArgumentTypeError, match="f must be a function"):
        check_homework(3, X, Y, NET)
    with pytest.raises(ArgumentTypeError, match="like must be a Network"):
        check_homework(ROWS, X, Y, 3)
    with pytest.raises(SettingError, match="seed"):
        check_homework(ROWS, X, Y, NET, seed=-1)


def test_an_own_activation_that_gives_nan_is_refused():
    """If an own activation, or its derivative, gives NaN, the message says that homework cannot be checked with it."""
    log = cr.Activation("log", np.log, lambda z, a: 1 / z)
    with pytest.raises(SettingError, match="like's activations must be finite"):
        check_homework(ROWS, X, Y, cr.Network([6, 4, 3], activation=log, seed=0))
    broken = cr.Activation("broken", np.tanh, lambda z, a: z * np.nan)
    with pytest.raises(SettingError, match="derivatives of like's own"):
        check_homework(ROWS, X, Y, cr.Network([6, 4, 3], activation=broken, seed=0))
