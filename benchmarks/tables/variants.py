"""The recipe for tables without each of its parts, or with something else in its place: the rows of the ablation table.

A variant changes fields of ``TableRecipe``, or replaces constants and pure functions of the library while it is fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from benchmarks.tables.splits import Split
from chainrule.estimators.table_base import target_column
from chainrule.recipes.table_recipe import SMOOTHING, TableRecipe, recipe_for
from chainrule.recipes.table_training import fit_table_model
from chainrule.table_model import TableModel
from chainrule.tables.frames import table_from
from chainrule.tables.number_features import choose_edges
from chainrule.tables.target_inference import infer_target

Change = Callable[[TableRecipe], TableRecipe]

NO_CLIP = 1e30
"""A limit of the smooth clip that no scaled number comes near."""


def keep(recipe: TableRecipe) -> TableRecipe:
    """Change no field."""
    return recipe


def fields(**values: Any) -> Change:
    """Make the change that sets fields."""
    return lambda recipe: replace(recipe, **values)


def times(name: str, factor: float) -> Change:
    """Make the change that multiplies a field, which stays an integer where it is one, of at least 1."""

    def change(recipe: TableRecipe) -> TableRecipe:
        value = getattr(recipe, name)
        return replace(recipe, **{name: max(1, round(factor * value)) if isinstance(value, int) else factor * value})

    return change


def smoothing(value: float) -> Change:
    """Make the change of the label smoothing, where the recipe has one: for accuracy."""
    return lambda recipe: replace(recipe, label_smoothing=value) if recipe.label_smoothing else recipe


def quantile_edges(sample: Any, y: Any, *, classes: bool, bins: int) -> Any:
    """Choose the edges of bins without the targets, as quantiles."""
    return choose_edges(sample, None, classes=classes, bins=bins)


@dataclass(frozen=True)
class Variant:
    """One row of the ablation table.

    Attributes
    ----------
    name : str
        Its key in the file of measurements.
    part : str
        The part of the recipe that it is about: rows of one part stand together.
    says : str
        What is different from the recipe.
    change : callable
        From the recipe for a table to the variant's.
    replaced : mapping of str to object
        Constants and functions of the library, by their module and name in ``chainrule``, and what takes their place.
    seed : int
        Of the folds and of the networks.
    """

    name: str
    part: str
    says: str
    change: Change = keep
    replaced: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Replace the constants and functions for the duration of a ``with`` statement."""
        with ExitStack() as stack:
            for place, value in self.replaced.items():
                stack.enter_context(patch(f"chainrule.{place}", value))
            yield


def fit_variant(variant: Variant, part: Split, task: str, threads: int) -> TableModel | None:
    """Fit a variant to the training rows of a split; None where it does not differ from the recipe for this table."""
    column = target_column(part.train_target)
    reading = infer_target(column, "classification" if task == "classes" else "regression")
    usual = recipe_for(reading.target, len(column), {})
    with variant.in_place():
        recipe = variant.change(recipe_for(reading.target, len(column), {}))
        elsewhere = any(not place.startswith("recipes.table_recipe.") for place in variant.replaced)
        if variant is not RECIPE and recipe == usual and not elsewhere and variant.seed == RECIPE.seed:
            return None
        return fit_table_model(table_from(part.train), reading.target, reading.y, recipe, seed=variant.seed, threads=threads)[0]


RECIPE = Variant("recipe", "", "the recipe")

_FEATURES, _WEIGHTS, _NETWORKS = "features of numbers and categories", "weights of columns", "networks and folds"
_LAYERS, _TRAINING, _LENGTH = "layers", "training", "length of the training"
_ALL = (
    Variant("seed", "the noise of this table", "the recipe with other folds and initial parameters", seed=1),
    Variant("no_bins", _FEATURES, "no piecewise-linear features", fields(bins=0)),
    Variant("bins_8", _FEATURES, "8 bins", fields(bins=8)),
    Variant("bins_32", _FEATURES, "32 bins", fields(bins=32)),
    Variant(
        "quantile_edges", _FEATURES, "edges of bins at quantiles", replaced={"tables.column_fitting.choose_edges": quantile_edges}
    ),
    Variant("leaf_5", _FEATURES, "bins of 5 rows or more", replaced={"tables.number_features.LEAST_LEAF": 5}),
    Variant("bins_half", _FEATURES, "piecewise-linear features of half the weight", times("bin_weight", 0.5)),
    Variant("bins_double", _FEATURES, "piecewise-linear features of twice the weight", times("bin_weight", 2)),
    Variant("no_clip", _FEATURES, "scaled numbers without the smooth clip", replaced={"tables.number_features.CLIP": NO_CLIP}),
    Variant("rare_named", _FEATURES, "rare categories not merged", replaced={"tables.category_features.LEAST_ROWS": 1}),
    Variant("no_weights", _WEIGHTS, "none", fields(column_weights=False)),
    Variant("weights_power_1", _WEIGHTS, "importance to the power 1", replaced={"recipes.column_weights.POWER": 1.0}),
    Variant("weights_power_quarter", _WEIGHTS, "importance to the power 1/4", replaced={"recipes.column_weights.POWER": 0.25}),
    Variant("weights_trees_100", _WEIGHTS, "a forest of 100 trees", replaced={"recipes.column_weights.TREES": 100}),
    Variant("one_network", _NETWORKS, "one network", fields(networks=1)),
    Variant("three_networks", _NETWORKS, "three networks", fields(networks=3)),
    Variant("ten_networks", _NETWORKS, "ten networks", fields(networks=10)),
    Variant("five_folds", _NETWORKS, "five folds", fields(folds=5)),
    Variant("layers_2", _LAYERS, "two layers of 128", fields(hidden=(128, 128))),
    Variant("layers_4", _LAYERS, "four layers of 128", fields(hidden=(128,) * 4)),
    Variant("layers_64", _LAYERS, "three layers of 64", fields(hidden=(64,) * 3)),
    Variant("layers_256", _LAYERS, "three layers of 256", fields(hidden=(256,) * 3)),
    Variant("silu", _LAYERS, "SiLU", fields(activation="silu")),
    Variant("selu", _LAYERS, "SELU", fields(activation="selu")),
    Variant("no_smoothing", _TRAINING, "no label smoothing", smoothing(0.0)),
    Variant("smoothing_double", _TRAINING, "twice the label smoothing", smoothing(2 * SMOOTHING)),
    Variant("rate_half", _TRAINING, "half the learning rate", times("learning_rate", 0.5)),
    Variant("rate_double", _TRAINING, "twice the learning rate", times("learning_rate", 2)),
    Variant("rate_times_8", _TRAINING, "eight times the learning rate", times("learning_rate", 8)),
    Variant("beta2", _TRAINING, "Adam's beta2 of 0.999", fields(beta2=0.999)),
    Variant("constant", _TRAINING, "a constant learning rate", fields(schedule="constant")),
    Variant("cosine", _TRAINING, "half a cosine", fields(schedule="cosine")),
    Variant("dropout", _TRAINING, "dropout of 0.1", fields(dropout=0.1)),
    Variant("decay", _TRAINING, "an L2 penalty of 1e-4", fields(l2=1e-4)),
    Variant("batch_half", _LENGTH, "batches of half the size, as many epochs", times("batch_size", 0.5)),
    Variant("batch_double", _LENGTH, "batches of twice the size, as many epochs", times("batch_size", 2)),
    Variant("epochs_half", _LENGTH, "half the epochs", times("epochs", 0.5)),
    Variant("epochs_double", _LENGTH, "twice the epochs", times("epochs", 2)),
    Variant("batches_256", _LENGTH, "batches of 256 for small tables too", replaced={"recipes.table_recipe.SMALLEST_BATCH": 256}),
)

VARIANTS = {variant.name: variant for variant in _ALL}
"""Every variant, by name, in the order of the table."""
