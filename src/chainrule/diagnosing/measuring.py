"""Measures a network on some examples: draws the rows, and collects the measurements of layers, steps, data and curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .._types import Array, Indices
from ..calculus.activations import find_activation
from ..calculus.costs import find_cost
from ..engines.encoded_targets import EncodedTargets
from ..explaining.batch_pass import MAX_INPUT_NUMBERS, BatchPass, run_batch
from ..history import EpochRecord
from .curve_measures import measure_curves
from .data_measures import (
    class_counts,
    column_effects,
    gradient_deviations,
    is_8_bit,
    is_constant,
    neighbour_agreement,
    product_deviations,
    rarest_class,
)
from .layer_measures import (
    measure_layers,
    measure_output,
    output_deviations,
    relative_movement,
    root_mean_square,
    start_of,
    weighted_cost,
)
from .measurements import DataMeasurements, Measurements, TrainingSettings
from .step_measures import best_rate, measure_steps

if TYPE_CHECKING:
    from ..examples import Examples
    from ..network import Network
    from ..plan import State

ROWS = 500
"""The rows that are drawn: their shares are known to about 2 percentage points, in some milliseconds."""

ROWS_OF_RELATION = 5000
"""The rows on which a relation of inputs and targets is looked for: a weak one is seen on many rows only."""

ROWS_OF_A_CLASS = 200
"""The rows of the rarest class on which its recall is measured."""


def measure(
    network: Network,
    examples: Examples,
    records: Sequence[EpochRecord] = (),
    *,
    start: State | None = None,
    diverged: bool = False,
    rows: int = ROWS,
    previous: Measurements | None = None,
) -> Measurements:
    """Measure a network, its data, and the curves of its training.

    Parameters
    ----------
    network : Network
    examples : Examples
        With targets; checked against the network.
    records : sequence of EpochRecord
        Of the training; empty where they are not known.
    start : State, optional
        The initial parameters; by default they are drawn again from the network's seed, where that is possible.
    diverged : bool
        Whether the training ended because a number became infinite or NaN.
    rows : int
        How many rows to draw.
    previous : Measurements, optional
        Of the same examples and start, earlier in the same training: what cannot have changed is not measured again.
    """
    settings = settings_of(network, records)
    start = start_of(network) if start is None else start
    classes = EncodedTargets(examples, network.plan).classes
    most = max(1, MAX_INPUT_NUMBERS // examples.n_in)
    drawn = draw_rows(len(examples), min(rows, most))
    related = run_batch(network, _without_weights(_rows_of_relation(network, examples)))
    batch = run_batch(network, _without_weights(examples[drawn]))
    weights = None if examples.weights is None else examples.weights[drawn]
    parameters = sum(w.size + b.size for w, b in zip(batch.weights, batch.biases, strict=True))
    output = replace(
        measure_output(batch, None if classes is None else classes[drawn], weights),
        deviations=output_deviations(related.a, related.y, parameters),
    )
    curves = measure_curves(records, diverged=diverged)
    moved = None if start is None or not settings.epochs else relative_movement(start, network.state())
    recall = _recall_of_rarest(network, examples, classes)
    if previous is not None and previous.settings.epochs:
        steps = None if previous.steps is None else replace(previous.steps, best_rate=best_rate(batch))
        data = replace(previous.data, rarest_recall=recall)
        layers = measure_layers(batch)
        return replace(
            previous, settings=settings, layers=layers, moved=moved, output=output, curves=curves, steps=steps, data=data
        )
    first = None if start is None else _batch_at(batch, start)
    rate = settings.learning_rate if settings.descends_plainly else None
    return Measurements(
        rows=batch.m,
        settings=settings,
        layers=measure_layers(batch),
        start=None if first is None else measure_layers(first),
        moved=moved,
        output=output,
        start_cost=None if first is None else weighted_cost(first, first.a, weights),
        data=_measure_data(examples, batch, (first or batch).weights[0], classes, drawn, recall, related),
        steps=measure_steps(batch, first, rate, settings.batch_size),
        curves=curves,
    )


def draw_rows(n: int, count: int) -> Indices:
    """Give the numbers of ``count`` of n rows, in their order: a random choice that is the same every time."""
    chosen: Indices = np.sort(np.random.default_rng(0).permutation(n)[:count])
    return chosen


def _rows_of_relation(network: Network, examples: Examples) -> Examples:
    """Draw the rows on which a relation is looked for; fewer for wide layers, whose numbers take much memory."""
    count = min(ROWS_OF_RELATION, max(1, MAX_INPUT_NUMBERS // max(network.sizes)))
    return examples[draw_rows(len(examples), count)]


def settings_of(network: Network, records: Sequence[EpochRecord]) -> TrainingSettings:
    """Read the settings of a network and of its last training."""
    plan, trained = network.plan, network.provenance
    described = {} if trained is None else trained.plan
    rate = None if trained is None else trained.learning_rate
    layers = described.get("layers") or [{}]
    return TrainingSettings(
        sizes=plan.sizes,
        cost=find_cost(plan.cost).name,
        output=find_activation(plan.layers[-1].activation).name,
        init=network.init or (trained.initializer if trained is not None else ""),
        epochs=0 if trained is None else trained.epochs,
        optimizer=str((described.get("optimizer") or {}).get("name", "")),
        learning_rate=records[-1].learning_rate if rate is None and records else rate,
        batch_size=int(described.get("batch_size") or 1),
        l2=float(described.get("l2") or 0),
        dropout=float(layers[0].get("dropout") or 0),
    )


def _without_weights(examples: Examples) -> Examples:
    """Give every row the same weight: shares count rows."""
    from ..examples import Examples

    if examples.weights is None:
        return examples
    return Examples(examples.x, examples.y, pixels=examples.kind == "pixels", layout=examples.layout)


def _batch_at(batch: BatchPass, state: State) -> BatchPass:
    """Run a batch through the same network with other parameters."""
    return replace(batch, weights=state.weights, biases=tuple(b.reshape(-1).astype(np.float64) for b in state.biases))


def _measure_data(
    examples: Examples,
    batch: BatchPass,
    weights: Array,
    classes: Indices | None,
    drawn: Indices,
    recall: float | None,
    related: BatchPass,
) -> DataMeasurements:
    effects = column_effects(batch.x, weights)
    largest = int(effects.argmax())
    row_weights = None if examples.weights is None else examples.weights[drawn]
    related_x = related.x.astype(np.float32)
    agreement = neighbour_agreement(batch.x, None if classes is None else classes[drawn], batch.y, row_weights)
    y, far = batch.y, int(np.abs(batch.y).max(axis=0).argmax())
    counts = () if classes is None else class_counts(classes)
    return DataMeasurements(
        largest_column=largest,
        largest_input=root_mean_square(batch.x[:, largest]),
        largest_effect=float(effects[largest]),
        spread=float(np.sqrt(np.sum(effects**2))),
        is_8_bit=is_8_bit(batch.x),
        neighbours=None if agreement is None else agreement.neighbours,
        chance=0.0 if agreement is None else agreement.chance,
        deviations=None if agreement is None else agreement.deviations,
        gradient_deviations=gradient_deviations(related_x, related.y),
        product_deviations=product_deviations(related_x, related.y),
        related_rows=related.m,
        neighbour_skill=None if agreement is None else agreement.skill,
        counts=counts,
        constant=is_constant(np.asarray(examples.y)),
        rarest=rarest_class(counts) if counts else None,
        rarest_recall=recall,
        target_mean=float(y[:, far].mean()) if classes is None else None,
        target_spread=float(y[:, far].std()) if classes is None else None,
    )


def _recall_of_rarest(network: Network, examples: Examples, classes: Indices | None) -> float | None:
    """Give the share of the rarest class's rows that is classified correctly, of at most ``ROWS_OF_A_CLASS``."""
    if classes is None:
        return None
    rows = np.flatnonzero(classes == rarest_class(class_counts(classes)))[:ROWS_OF_A_CLASS]
    return float(network.accuracy(_without_weights(examples[rows])))
