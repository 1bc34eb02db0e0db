"""The ablation of the recipe for tables: its variants, its inner splits, its file of measurements and its page."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from benchmarks.tables.ablation import FILE, MOST_ROWS, OUTER_SEED, SETS, Ablation, inner_splits, measure_variant, shorten  # noqa: E402
from benchmarks.tables.data_sets import DATA_SETS  # noqa: E402
from benchmarks.tables.measuring import Measurement  # noqa: E402
from benchmarks.tables.report import as_cells, error_for_ratios, ratio  # noqa: E402
from benchmarks.tables.splits import Split, split  # noqa: E402
from benchmarks.tables.variants import RECIPE, VARIANTS, Variant, fields, fit_variant, times  # noqa: E402
from chainrule.recipes.table_recipe import SMOOTHING, TableRecipe  # noqa: E402


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=list(VARIANTS))
def test_a_variant_differs_from_the_recipe(variant):
    """A variant changes a field of the recipe, or gives the library another constant or function, or has another seed."""
    usual = TableRecipe(label_smoothing=SMOOTHING)
    for place, value in variant.replaced.items():
        module, _, name = f"chainrule.{place}".rpartition(".")
        assert getattr(importlib.import_module(module), name) != value
    assert variant.replaced or variant.change(usual) != usual or variant.seed != RECIPE.seed


def test_a_replaced_constant_is_restored():
    """Constants are replaced within the ``with`` statement, and have their own values afterwards, after an error too."""
    from chainrule.recipes import column_weights

    usual = column_weights.POWER
    inside = []

    def fail():
        inside.append(column_weights.POWER)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), Variant("v", "", "", replaced={"recipes.column_weights.POWER": 7.0}).in_place():
        fail()
    assert (inside, column_weights.POWER) == ([7.0], usual)


def test_a_variant_is_fitted_as_it_says():
    """The model of a variant has its settings; a variant that changes nothing on a table is not fitted."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"number": rng.normal(size=100), "other": rng.normal(size=100)})
    target = pd.Series(np.where(frame["number"] > 0, "up", "down"))
    part = Split(frame, target, frame, target)
    model = fit_variant(Variant("v", "", "", lambda r: replace(r, networks=2, hidden=(5,), epochs=3)), part, "classes", threads=1)
    assert [network.sizes[1] for network in model.networks] == [5, 5]
    assert model.training.settings["epochs"] == 3
    assert fit_variant(Variant("v", "", "", fields(l2=0.0)), part, "classes", threads=1) is None
    assert fit_variant(VARIANTS["batches_256"], part, "classes", threads=1) is not None


def test_a_factor_keeps_the_type_of_a_field():
    """Half of an odd number of epochs is a whole number of at least 1; half a rate is half of it."""
    assert times("epochs", 0.5)(TableRecipe(epochs=1)).epochs == 1
    assert times("learning_rate", 0.5)(TableRecipe(learning_rate=0.5)).learning_rate == 0.25


def test_inner_splits_leave_the_test_part_out():
    """No row of a data set's test part is in an inner split."""
    data_set = DATA_SETS["diabetes"]
    held_out = split(data_set, data_set.read(), OUTER_SEED).test
    for part in inner_splits("diabetes", 1):
        seen = pd.concat([part.train, part.test])
        assert len(seen) == 442 - len(held_out)
        assert not seen.merge(held_out).size


def test_a_large_training_part_is_drawn_from():
    """Of more rows than ``MOST_ROWS`` so many are trained on, each with its own target; the test rows stay."""
    frame = pd.DataFrame({"number": np.arange(MOST_ROWS + 500)})
    part = shorten(Split(frame, frame["number"] * 2, frame, frame["number"]), seed=0)
    assert len(part.train) == part.train["number"].nunique() == MOST_ROWS
    assert (part.train["number"] * 2 == part.train_target).all()
    assert len(part.test) == len(frame)
    assert shorten(part, seed=0) is part


def test_measurements_survive_their_file(tmp_path):
    """A file of measurements gives back what was written, to six decimals, in the order of data sets, variants and seeds."""
    measurements = measure_variant("wine", "one_network", 1)
    assert [(m.peer, m.seed, m.test_rows) for m in measurements] == [("one_network", seed, 28) for seed in range(3)]
    usual = [Measurement("wine", "recipe", seed, 0.1, 28, 1.0, 0.0, 1) for seed in (1, 0)]
    Ablation("a machine", TableRecipe().to_json(), True, measurements + usual).write(tmp_path / "file.json")
    read = Ablation.read(tmp_path / "file.json")
    assert [(m.peer, m.seed) for m in read.measurements] == [("recipe", 0), ("recipe", 1), *(("one_network", k) for k in range(3))]
    assert [m.error for m in read.measurements[2:]] == pytest.approx([m.error for m in measurements], abs=1e-6)
    assert (read.machine, read.recipe, read.timed) == ("a machine", TableRecipe().to_json(), True)


def test_the_page_has_the_committed_measurements():
    """``docs/table_recipe.md`` has a row for each measured variant with its mean, and says where the recipe has changed since."""
    from docs import table_recipe

    assert table_recipe.PAGE.read_text() == table_recipe.page()
    ablation = Ablation.read(FILE)
    cells = as_cells(ablation.measurements)
    measured = [name for name in VARIANTS if ratio(cells, name, RECIPE.name, error_for_ratios)]
    assert table_recipe.table(ablation).count("\n") == 1 + len(measured)
    assert "fit time" in table_recipe.table(replace(ablation, timed=True))
    assert "fit time" not in table_recipe.table(replace(ablation, timed=False))
    assert not table_recipe.changes(replace(ablation, recipe=TableRecipe().to_json()))
    stale = replace(ablation, recipe={**TableRecipe().to_json(), "epochs": 1})
    assert f"`epochs` from 1 to {TableRecipe.epochs}" in table_recipe.changes(stale)[0]
    assert {m.data_set for m in ablation.measurements} <= set(SETS)
