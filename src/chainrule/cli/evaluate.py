"""``chainrule evaluate``: how good a model is on some data, what it confuses, and where it is most wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from typer import Argument

from .._checks import check_int
from .._format import counted, percent
from .._stdout import tolerate_closed_stdout
from ..errors import DataError, SettingError
from .columns import in_the_models_order, names_in_file
from .data import Source, load, load_table, real_path, split_table
from .options import data_argument, flag, option, transpose_option
from .scores import Score, certainty, outputs_of, probabilities, score
from .telling import say, say_json, warn

if TYPE_CHECKING:
    from .._types import AnyArray, Array, Indices
    from ..examples import Examples
    from ..network import Network

WIDEST_TABLE = 14  # classes whose confusion matrix fits 80 columns
MOST_CONFUSIONS = 15
SIDE = 28  # of the images that are drawn
IMAGES = {"mnist": " (28 x 28 images)", "digits": " (8 x 8 images)"}
ACROSS = 5  # of them in a row of 80 columns


def evaluate(
    model: Annotated[Path, Argument(metavar="MODEL", help="A model that train has saved.", show_default=False)],
    data: Annotated[
        str | None, data_argument("mnist, digits, a folder of IDX files, or a table.", "what it was trained on")
    ] = None,
    target: Annotated[
        str | None, option("--target", "-t", metavar="COLUMN", text="A table's column to compare with.", default="as in training")
    ] = None,
    transpose: Annotated[
        bool | None,
        transpose_option("Whether the images of another folder lie on their side, as EMNIST's do.", "told by the files' names"),
    ] = None,
    worst: Annotated[int, option("--worst", "-w", metavar="N", text="How many of the most wrong to list.", default="10")] = 10,
    as_json: Annotated[bool, flag("--json", text="Print one JSON object instead.")] = False,
) -> None:
    """Tell a model's accuracy, cost and confusions, and what it gets most wrong.

    Judged are the test examples; of the table that it was trained on, the rows
    that were kept for the test, and of any other table all rows. Images and
    rows are numbered from 0.
    """
    from ..network import load as load_network

    check_int("worst", worst, least=0)
    network = load_network(model)
    judged = find_judged(network, data, target, transpose)
    check_width(network, judged, data)
    result = judge(network, judged)
    if as_json:
        say_json({"model": str(model), **facts(result, judged, worst)})
    else:
        report(network, result, judged, worst)


@dataclass(frozen=True)
class Judged:
    """The examples that a model is judged by.

    Attributes
    ----------
    name : str
        What they are called.
    examples : Examples
    rows : array of int, shape (n,)
        Their places in the data.
    """

    name: str
    examples: Examples
    rows: Indices


@dataclass(frozen=True)
class Result:
    """How a model did.

    Attributes
    ----------
    score : Score
    outputs : array, shape (n, n_out)
    true, told : array, shape (n,), or None
        The labels that are right and that the model gave; None where y holds values.
    error : array, shape (n,)
        By how much the told label's output is above the right one's, or how far the values are from the target, summed over the
        outputs.
    order : array of int
        The wrong examples, or with values all, the largest error first.
    kind : str
        What an output is: probability, where all are one distribution; else output.
    """

    score: Score
    outputs: Array
    true: Indices | None
    told: Indices | None
    error: AnyArray
    order: Indices
    kind: str


def find_judged(network: Network, data: str | None, target: str | None, transposed: bool | None = None) -> Judged:
    """Find the examples to judge a network by: what was asked for, or what it remembers.

    ``transposed`` says of a folder of images whether they are stored column by column.

    Raises
    ------
    SettingError
        When neither says.
    """
    learnt = Source.of(network.provenance)
    if data is None and learnt is None:
        raise SettingError("this model does not say what it was trained on; name the data, as in: chainrule evaluate MODEL mnist")
    name = data if data is not None else learnt.name if learnt else ""
    remembered = learnt.target if learnt else None
    source = Source(name, target if target is not None or name in ("mnist", "digits") else remembered)
    if source.kind == "table" and source.target is None and network.provenance and names_in_file(Path(name)):
        source = Source(name, network.provenance.target or None)  # which need not be the last in this table
    its_own = learnt is not None and _same_file(name, learnt.name)
    if source.kind != "table":
        if transposed is None and its_own and network.inputs and source.kind == "images":
            transposed = network.inputs.transposed
        parts = load(Source(name, target), 0, transposed=transposed)
        return Judged(f"the test images of {name}", _as_stored(network, parts.test), parts.rows)
    table = in_the_models_order(network, load_table(source, network)[0], source.name, source.target)
    seed = network.provenance.plan.get("seed") if network.provenance else None
    if its_own and network.provenance and isinstance(seed, int):
        parts = split_table(source, table, seed)
        if len(parts.train) == network.provenance.examples:
            return Judged(f"the test rows of {name}", parts.test, parts.rows)
    return Judged(f"all rows of {name}", table, np.arange(len(table)))


def check_width(network: Network, judged: Judged, data: str | None) -> None:
    """Refuse data that has more columns than the model takes, or fewer.

    Raises
    ------
    DataError
        Then.
    """
    takes, has = network.sizes[0], judged.examples.n_in
    if takes != has:
        learnt = Source.of(network.provenance)
        model_form, form = IMAGES.get(learnt.name if learnt else "", ""), IMAGES.get(data or "", "")
        raise DataError(f"the model takes {takes} columns{model_form}, but {judged.name} have {has} columns{form}")


def _as_stored(network: Network, images: Examples) -> Examples:
    """Turn images that are stored row by row for a network that learnt them column by column, and the other way round."""
    from ..examples import Examples, Layout

    spec, layout = network.inputs, images.layout
    if spec is None or layout is None or not spec.is_image or spec.transposed == layout.transposed:
        return images
    if layout.transposed is None and not spec.transposed:
        return images
    if layout.transposed is None:
        raise SettingError(
            "the model learnt images that lie on their side, as EMNIST's do, and the names of these files do not say whether these "
            "do; say so by --transpose or --no-transpose"
        )
    warn(f"the images lie {'on their side' if layout.transposed else 'upright'}, and were turned as those that the model learnt")
    turned = np.asarray(images.x).reshape(-1, layout.rows, layout.columns).transpose(0, 2, 1)
    x = np.ascontiguousarray(turned).reshape(len(images), -1)
    return Examples(x, images.y, weights=images.weights, pixels=True, layout=Layout(layout.columns, layout.rows, spec.transposed))


def _same_file(one: str, other: str) -> bool:
    return real_path(one) == real_path(other)


def judge(network: Network, judged: Judged) -> Result:
    """Put a network's outputs beside what they should be."""
    examples = judged.examples
    found = score(network, examples)
    kind = "probability" if probabilities(network) else "output"
    outputs, y = outputs_of(network, examples), examples.y
    assert y is not None  # noqa: S101  # the score has seen it
    if found.accuracy is None:
        error = np.abs(outputs - y.reshape(outputs.shape)).sum(axis=1)
        return Result(found, outputs, None, None, error, np.argsort(-error, kind="stable"), "value")
    single = outputs.shape[1] == 1
    true = y.reshape(len(y), -1).argmax(axis=1) if y.ndim == 2 and not single else y.reshape(-1).astype(np.intp)
    told = (outputs[:, 0] > 0.5).astype(np.intp) if single else outputs.argmax(axis=1)
    rows = np.arange(len(true))
    margin = np.abs(outputs[:, 0] - true) if single else outputs[rows, told] - outputs[rows, true]
    wrong = np.flatnonzero(true != told)
    return Result(found, outputs, true, told, margin, wrong[np.argsort(-margin[wrong], kind="stable")], kind)


def confusion(true: Indices, told: Indices) -> Indices:
    """Count how often each true label (row) was told as each label (column).

    Examples
    --------
    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]))
    array([[1, 0],
           [1, 1]])
    """
    classes = 1 + int(max(true.max(), told.max()))
    counts: Indices = np.bincount(true * classes + told, minlength=classes * classes).reshape(classes, classes)
    return counts


def facts(result: Result, judged: Judged, worst: int) -> dict[str, Any]:
    """Give the result as JSON's types."""
    told = {"data": judged.name, "examples": len(judged.examples), "accuracy": result.score.accuracy}
    told |= {"cost": result.score.cost, "r2": result.score.r2, "rmse": result.score.rmse}
    told |= {"confusion": None, "wrong": None}
    if result.true is not None and result.told is not None:
        told |= {"confusion": confusion(result.true, result.told), "wrong": len(result.order)}
    return {**told, "worst": [_wrong(result, judged, k) for k in result.order[:worst]]}


def _wrong(result: Result, judged: Judged, k: int) -> dict[str, Any]:
    """Tell of one example: where it stands, what it is, and what the model said."""
    if result.true is None or result.told is None:
        y = judged.examples.y
        target = None if y is None else y[k]
        return {"row": judged.rows[k], "target": target, "value": _values(result.outputs[k]), "error": float(result.error[k])}
    said = result.outputs[k, 0] if result.outputs.shape[1] == 1 else result.outputs[k, result.told[k]]
    labels = {"row": judged.rows[k], "label": result.true[k], "told": result.told[k]}
    return {**labels, result.kind: float(said), "margin": float(result.error[k])}


def _values(outputs: Array) -> Any:
    return float(outputs[0]) if len(outputs) == 1 else outputs


def report(network: Network, result: Result, judged: Judged, worst: int) -> None:
    """Tell the result to people."""
    say(f"{judged.name}: {len(judged.examples):,}")
    if result.true is None or result.told is None:
        say(str(result.score))
        _report_values(result, judged, worst)
        return
    say(f"{result.score}, {network.plan.cost_function.name} cost {result.score.cost:.5g}")
    _report_confusion(confusion(result.true, result.told))
    wrong = [_wrong(result, judged, k) for k in result.order[:worst]]
    if wrong:
        say("")
        say(f"most wrong of {counted(len(result.order), 'mistake')}, by the margin of what was told over what is right:")
    layout = judged.examples.layout
    if wrong and judged.examples.kind == "pixels" and layout and layout[:2] == (SIDE, SIDE) and _in_terminal():
        images = np.asarray(judged.examples.x)[result.order[:worst]].reshape(-1, SIDE, SIDE)
        _draw(images.transpose(0, 2, 1) if layout.transposed else images, wrong)
        return
    for one in wrong:
        sure = certainty(result.kind, one[result.kind])
        say(f"  {one['row']:>6}  is {one['label']}, told as {one['told']}  (margin {one['margin']:.4f}, {sure})")


def _report_values(result: Result, judged: Judged, worst: int) -> None:
    if worst:
        say("")
        say("most wrong:")
    for k in result.order[:worst]:
        one = _wrong(result, judged, k)
        say(f"  {one['row']:>6}  is {_short(one['target'])}, told as {_short(one['value'])}, off by {one['error']:.6g}")


def _short(value: Any) -> str:
    return np.array2string(np.asarray(value), formatter={"all": "{:.6g}".format}, separator=", ", threshold=6)


def _report_confusion(counts: Indices) -> None:
    """Show which label is told as which: as a table where it fits, else as a list of the most frequent confusions."""
    from rich.console import Console

    say("")
    console = Console(highlight=False)
    tables = (_confusion_table(counts, decimals) for decimals in (1, 0)) if len(counts) <= WIDEST_TABLE else ()
    endless = console.options.update(max_width=1000)  # a width that no table is cut to
    fitting = next((table for table in tables if console.measure(table, options=endless).maximum <= console.width), None)
    if fitting is None:
        _list_confusions(counts)
        return
    with tolerate_closed_stdout():
        console.print(fitting)


def _list_confusions(counts: Indices) -> None:
    apart = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    say("most frequent confusions:")
    for flat in np.argsort(-apart, axis=None, kind="stable")[:MOST_CONFUSIONS]:
        true, told = divmod(int(flat), len(counts))
        if apart[true, told]:
            say(f"  {true} told as {told}: {counted(int(apart[true, told]), 'time')}")


def _confusion_table(counts: Indices, decimals: int) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title="true label (row), told as (column)", title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("", justify="right", style="bold")
    for label in range(len(counts)):
        table.add_column(str(label), justify="right", no_wrap=True)
    table.add_column("right", justify="right", no_wrap=True)
    for label, row in enumerate(counts):
        cells = [f"[bold]{n}[/]" if k == label else str(n) if n else "[dim]·[/]" for k, n in enumerate(row)]
        table.add_row(str(label), *cells, percent(row[label] / row.sum(), decimals) if row.sum() else "")
    return table


def _in_terminal() -> bool:
    import sys

    return sys.stdout.isatty() and (sys.stdout.encoding or "").lower().startswith("utf")


def _draw(images: AnyArray, wrong: list[dict[str, Any]]) -> None:
    """Draw images side by side, each above what it is and what it was told as."""
    for first in range(0, len(wrong), ACROSS):
        some = range(first, min(first + ACROSS, len(wrong)))
        for lines in zip(*(braille(images[k].reshape(SIDE, SIDE)) for k in some), strict=True):
            say("  ".join(lines).rstrip())
        captions = [f"{wrong[k]['label']}, told as {wrong[k]['told']}" for k in some]
        say("  ".join(f"{caption:<{SIDE // 2}}" for caption in captions).rstrip())
        say("  ".join(f"{'number ' + str(wrong[k]['row']):<{SIDE // 2}}" for k in some).rstrip())
        say("")


def braille(image: AnyArray) -> list[str]:
    """Draw pixels 0..255, (rows, columns), in Unicode's braille, of which each letter is 4 x 2 dots.

    Examples
    --------
    >>> braille(np.array([[255, 0], [0, 255], [0, 0], [255, 255]], dtype=np.uint8))
    ['⣑']
    """
    dots = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
    rows, columns = image.shape
    cells = (image >= 96).reshape(rows // 4, 4, columns // 2, 2)
    codes = 0x2800 + (cells * dots[None, :, None, :]).sum(axis=(1, 3))
    return ["".join(map(chr, line)) for line in codes]
