"""The examples that a command evaluates a model on: the data on the command line, or the test part of its training data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .._checks import check_int
from ..errors import DataError, SettingError
from ..tables.read import is_table_of_columns
from .column_names import read_examples_for
from .data_source import MIN_ROWS, Source, load_split, load_table, resolve_path, split_table
from .output import print_message
from .task import is_classifier, signs_to_classes

if TYPE_CHECKING:
    from .._types import Indices
    from ..examples import Examples
    from ..network import Network

IMAGE_SIZES = {"mnist": " (28 x 28 images)", "digits": " (8 x 8 images)"}


@dataclass(frozen=True)
class EvaluationData:
    """The examples that a model is evaluated on.

    Attributes
    ----------
    name : str
        Their name in reports, such as ``the test images of mnist``.
    examples : Examples
    rows : array of int, shape (n,)
        Their positions in the data, from 0.
    """

    name: str
    examples: Examples
    rows: Indices


def find_evaluation_data(
    network: Network, data: str | None, target: str | None, transposed: bool | None = None, *, test_only: bool = True
) -> EvaluationData:
    """Load the examples to evaluate a network on, and check that it takes them.

    Parameters
    ----------
    network : Network
    data : str or None
        The name or path of the data; by default those that the network was trained on.
    target : str or None
        A table's target column; by default that of the training.
    transposed : bool, optional
        Whether a folder's images are stored column by column.
    test_only : bool
        Whether of the table that the network was trained on only the test rows are wanted.

    Raises
    ------
    SettingError
        When neither the command line nor the model names the data.
    DataError
        When the data has more columns than the model takes, or fewer.
    """
    training_source = Source.of(network.provenance)
    if data is None and training_source is None:
        raise SettingError("this model does not record its training data; name the data, as in: chainrule evaluate MODEL mnist")
    name = data if data is not None else training_source.name if training_source else ""
    if Source(name).kind == "table":
        found = _find_rows(network, training_source, name, target, test_only=test_only)
    else:
        found = _find_split(network, training_source, Source(name, target), transposed)
    _check_width(network, found, data)
    return found


def _find_split(network: Network, training_source: Source | None, source: Source, transposed: bool | None) -> EvaluationData:
    same = training_source is not None and _same_file(source.name, training_source.name)
    if transposed is None and same and network.inputs and source.kind == "images":
        transposed = network.inputs.transposed
    parts = load_split(source, 0, transposed=transposed)
    examples = "points" if source.kind == "plane" else "images"
    return EvaluationData(f"the test {examples} of {source.name}", _transpose_like_training(network, parts.test), parts.test_rows)


def find_example(numbers: Indices, number: int, name: str) -> int:
    """Find the position of an example by its number in the data; ``name`` names the examples.

    Raises
    ------
    SettingError
        When none has this number.
    """
    check_int("the number of the example", number, least=0)
    found = np.flatnonzero(numbers == number)
    if not len(found):
        raise SettingError(f"there is no example {number}: {name} have numbers from {numbers.min():,} to {numbers.max():,}")
    return int(found[0])


def _find_rows(
    network: Network, training_source: Source | None, name: str, target: str | None, *, test_only: bool
) -> EvaluationData:
    """Load a table: of the one that the network was trained on its test rows, of any other all rows."""
    if target is None and training_source is not None:
        target = training_source.target
    source = Source(name, target)
    table = _read_table(network, source)
    seed = network.provenance.plan.get("seed") if network.provenance else None
    if (
        test_only
        and training_source is not None
        and _same_file(name, training_source.name)
        and network.provenance
        and isinstance(seed, int)
        and len(table) >= MIN_ROWS
    ):
        parts = split_table(source, table, seed)
        if len(parts.train) == network.provenance.examples:
            return EvaluationData(f"the test rows of {name}", parts.test, parts.test_rows)
    return EvaluationData(f"all rows of {name}", table, np.arange(len(table)))


def _read_table(network: Network, source: Source) -> Examples:
    """Read a table for a network; of one that learnt classes, labels -1 and 1 are the classes 0 and 1."""
    if not is_table_of_columns(Path(source.name)):
        return load_table(source, network)[0]
    table = read_examples_for(network, source)
    return signs_to_classes(table) if is_classifier(network) else table


def _check_width(network: Network, found: EvaluationData, data: str | None) -> None:
    n_in, width = network.sizes[0], found.examples.n_in
    if n_in == width:
        return
    training_source = Source.of(network.provenance)
    model_size = IMAGE_SIZES.get(training_source.name if training_source else "", "")
    raise DataError(
        f"the model takes {n_in} columns{model_size}, but {found.name} have {width} columns{IMAGE_SIZES.get(data or '', '')}"
    )


def _transpose_like_training(network: Network, images: Examples) -> Examples:
    """Transpose images where the network was trained on images that are stored the other way."""
    from ..examples import Examples, Layout

    spec, layout = network.inputs, images.layout
    if spec is None or layout is None or not spec.is_image or spec.transposed == layout.transposed:
        return images
    if layout.transposed is None and not spec.transposed:
        return images
    if layout.transposed is None:
        raise SettingError(
            "the model learnt images that lie on their side, as EMNIST's do, and the names of these files do not say whether these "
            "do; give --transpose or --no-transpose"
        )
    orientation = "on their side" if layout.transposed else "upright"
    print_message(f"the images lie {orientation}, and were transposed to lie like those of the model's training")
    transposed = np.asarray(images.x).reshape(-1, layout.rows, layout.columns).transpose(0, 2, 1)
    x = np.ascontiguousarray(transposed).reshape(len(images), -1)
    return Examples(x, images.y, weights=images.weights, pixels=True, layout=Layout(layout.columns, layout.rows, spec.transposed))


def _same_file(one: str, other: str) -> bool:
    return resolve_path(one) == resolve_path(other)
