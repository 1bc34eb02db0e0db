"""The report of an evaluation, as text and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._format import percent, pluralize
from .._stdout import tolerate_closed_stdout
from .evaluation import LabelEvaluation, ValueEvaluation
from .output import print_line
from .scores import format_confidence

if TYPE_CHECKING:
    from rich.table import Table

    from .._types import AnyArray, Indices

MAX_CLASSES_IN_MATRIX = 14  # a confusion matrix of more does not fit into 80 columns
MAX_CONFUSIONS = 15
DRAWN_SIDE = 28  # rows and columns of an image that is drawn
DRAWN_PER_ROW = 5  # as many as fit into 80 columns
DARKEST_DOT = 96  # of 255: a pixel this bright is drawn


def evaluation_as_json(evaluation: LabelEvaluation | ValueEvaluation, worst: int) -> dict[str, Any]:
    """Give the entries of a JSON object, with the ``worst`` largest errors."""
    data, score = evaluation.data, evaluation.score
    entries: dict[str, Any] = {"data": data.name, "examples": len(data.examples), "accuracy": score.accuracy}
    entries |= {"cost": score.cost, "r2": score.r2, "rmse": score.rmse, "confusion": None, "wrong": None}
    if isinstance(evaluation, LabelEvaluation):
        entries |= {"confusion": evaluation.confusion, "wrong": len(evaluation.errors)}
    return {**entries, "worst": [_error_as_json(evaluation, k) for k in evaluation.errors[:worst]]}


def _error_as_json(evaluation: LabelEvaluation | ValueEvaluation, k: int) -> dict[str, Any]:
    row = evaluation.data.rows[k]
    if isinstance(evaluation, LabelEvaluation):
        labels = {"row": row, "label": evaluation.true[k], "told": evaluation.predicted[k]}
        return {**labels, evaluation.output_kind: evaluation.confidence(k), "margin": float(evaluation.margin[k])}
    target, value = _target_and_value(evaluation, k)
    return {"row": row, "target": target, "value": value, "error": float(evaluation.distance[k])}


def _target_and_value(evaluation: ValueEvaluation, k: int) -> tuple[Any, Any]:
    y, outputs = evaluation.data.examples.y, evaluation.outputs[k]
    target = None if y is None else y[k]
    return target, float(outputs[0]) if len(outputs) == 1 else outputs


def print_evaluation(evaluation: LabelEvaluation | ValueEvaluation, cost: str, worst: int) -> None:
    """Print the score, for classes the confusion matrix, and the ``worst`` largest errors."""
    print_line(f"{evaluation.data.name}: {len(evaluation.data.examples):,}")
    if isinstance(evaluation, ValueEvaluation):
        print_line(str(evaluation.score))
        _print_value_errors(evaluation, worst)
        return
    print_line(f"{evaluation.score}, {cost} cost {evaluation.score.cost:.5g}")
    _print_confusion(evaluation.confusion)
    if worst and len(evaluation.errors):
        _print_label_errors(evaluation, worst)


def _print_value_errors(evaluation: ValueEvaluation, worst: int) -> None:
    if worst:
        print_line("")
        print_line("largest errors, rows counted from 0:")
    for k in evaluation.errors[:worst]:
        target, value = map(_format_values, _target_and_value(evaluation, k))
        row, distance = evaluation.data.rows[k], evaluation.distance[k]
        print_line(f"  {row:>6}  target {target}, predicted {value}, error {distance:.6g}")


def _format_values(value: Any) -> str:
    return np.array2string(np.asarray(value), formatter={"all": "{:.6g}".format}, separator=", ", threshold=6)


def _print_label_errors(evaluation: LabelEvaluation, worst: int) -> None:
    errors = evaluation.errors[:worst]
    print_line("")
    print_line(f"worst of {pluralize(len(evaluation.errors), 'error')}, by margin (output of the predicted label - true):")
    if _can_draw(evaluation):
        _draw_errors(evaluation, errors)
        return
    for k in errors:
        labels = f"label {evaluation.true[k]}, predicted {evaluation.predicted[k]}"
        confidence = format_confidence(evaluation.output_kind, evaluation.confidence(k))
        print_line(f"  {evaluation.data.rows[k]:>6}  {labels}  (margin {evaluation.margin[k]:.4f}, {confidence})")


def _print_confusion(counts: Indices) -> None:
    """Print the confusion matrix as a table where that fits the width, else the most frequent confusions."""
    from rich.console import Console

    print_line("")
    console = Console(highlight=False)
    unlimited = console.options.update(max_width=1000)  # so that the measured width is that of the whole table
    for decimals in (1, 0) if len(counts) <= MAX_CLASSES_IN_MATRIX else ():
        table = _confusion_table(counts, decimals)
        if console.measure(table, options=unlimited).maximum <= console.width:
            with tolerate_closed_stdout():
                console.print(table)
            return
    print_most_frequent(counts, [str(k) for k in range(len(counts))], prefix="label ")


def print_most_frequent(counts: Indices, names: Sequence[str], *, prefix: str = "") -> None:
    """Print the most frequent confusions of a matrix, by the names of the classes; ``prefix`` stands before the true one."""
    off_diagonal = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    print_line("most frequent confusions:")
    for position in np.argsort(-off_diagonal, axis=None, kind="stable")[:MAX_CONFUSIONS]:
        true, predicted = divmod(int(position), len(counts))
        times = int(off_diagonal[true, predicted])
        if times:
            print_line(f"  {prefix}{names[true]} predicted as {names[predicted]}: {pluralize(times, 'time')}")


def _confusion_table(counts: Indices, decimals: int) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title="true label (row), predicted (column)", title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("", justify="right", style="bold")
    for label in range(len(counts)):
        table.add_column(str(label), justify="right", no_wrap=True)
    table.add_column("recall", justify="right", no_wrap=True)
    for label, row in enumerate(counts):
        cells = [f"[bold]{n}[/]" if k == label else str(n) if n else "[dim]·[/]" for k, n in enumerate(row)]
        table.add_row(str(label), *cells, percent(row[label] / row.sum(), decimals) if row.sum() else "")
    return table


def _can_draw(evaluation: LabelEvaluation) -> bool:
    """Whether the images are of the size that is drawn, and standard output is a terminal with braille letters."""
    examples = evaluation.data.examples
    drawable = examples.kind == "pixels" and examples.layout is not None and examples.layout[:2] == (DRAWN_SIDE, DRAWN_SIDE)
    return drawable and sys.stdout.isatty() and (sys.stdout.encoding or "").lower().startswith("utf")


def _draw_errors(evaluation: LabelEvaluation, errors: Indices) -> None:
    """Draw images side by side, each above its true and its predicted label."""
    examples, width = evaluation.data.examples, DRAWN_SIDE // 2
    images = np.asarray(examples.x)[errors].reshape(-1, DRAWN_SIDE, DRAWN_SIDE)
    if examples.layout is not None and examples.layout.transposed:
        images = images.transpose(0, 2, 1)
    for first in range(0, len(errors), DRAWN_PER_ROW):
        row_of_errors = errors[first : first + DRAWN_PER_ROW]
        drawings = [as_braille(image) for image in images[first : first + DRAWN_PER_ROW]]
        drawings = [
            [*drawing, f"label {evaluation.true[k]}", f"predicted {evaluation.predicted[k]}", f"number {evaluation.data.rows[k]}"]
            for drawing, k in zip(drawings, row_of_errors, strict=True)
        ]
        for lines in zip(*drawings, strict=True):
            print_line("  ".join(f"{line:<{width}}" for line in lines).rstrip())
        print_line("")


def as_braille(image: AnyArray) -> list[str]:
    """Draw pixels 0..255, (rows, columns), with Unicode's braille letters, each of 4 x 2 dots.

    Examples
    --------
    >>> as_braille(np.array([[255, 0], [0, 255], [0, 0], [255, 255]], dtype=np.uint8))
    ['⣑']
    """
    dots = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
    rows, columns = image.shape
    cells = (image >= DARKEST_DOT).reshape(rows // 4, 4, columns // 2, 2)
    codes = 0x2800 + (cells * dots[None, :, None, :]).sum(axis=(1, 3))
    return ["".join(map(chr, line)) for line in codes]
