"""The target's own column in X: it is never learnt from, however the target is given."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import chainrule as cr

RNG = np.random.default_rng(0)
X = RNG.normal(size=80)
Y = RNG.choice(["a", "b"], 80)
COLUMNS = {"x": X, "income": Y}
FRAME = pd.DataFrame(COLUMNS)


def small(**settings):
    return cr.TableClassifier(networks=1, epochs=1, random_state=0, **settings)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (FRAME, FRAME["income"]),
        (FRAME, FRAME["income"].to_numpy()),
        (FRAME, FRAME["income"].tolist()),
        (COLUMNS, COLUMNS["income"]),
        (pl.DataFrame(COLUMNS), pl.DataFrame(COLUMNS)["income"]),
        (pa.table(COLUMNS), pa.table(COLUMNS)["income"]),
        (FRAME, "income"),
    ],
    ids=["Series", "array", "list", "dict", "Polars", "Arrow", "name"],
)
def test_the_targets_own_column_is_left_out(x, y):
    """A frame that holds the target is learnt from without it, in every form of frame and target."""
    model = small().fit(x, y)
    assert model.feature_names_in_.tolist() == ["x"]
    assert model.model_.target.name == "income"


def test_columns_named_by_integers_and_tuples(tmp_path):
    """A target's column with a name that is not a text is left out as well."""
    frame = pd.DataFrame({0: X, 1: Y})
    assert small().fit(frame, frame[1]).feature_names_in_.tolist() == ["0"]
    nested = pd.DataFrame({("a", "x"): X, ("b", "y"): Y})
    assert small().fit(nested, nested["b", "y"]).n_features_in_ == 1


def test_a_column_called_target_is_an_input_of_a_target_without_a_name():
    """A column of X named target, whose values are others, is learnt from where y has no name."""
    frame = pd.DataFrame({"x": X, "target": RNG.normal(size=80)})
    model = small().fit(frame, Y)
    assert model.feature_names_in_.tolist() == ["x", "target"]
    assert model.model_.target.name == "target_"


def test_every_column_of_an_array_is_an_input():
    """An array has no target's column: one that equals y is learnt from, as scikit-learn does."""
    rows = np.c_[X, np.arange(80) % 2]
    assert small().fit(rows, np.arange(80) % 2).n_features_in_ == 2


def test_a_loaded_model_of_an_array_takes_the_array(tmp_path):
    """A model of an array with a constant column is saved, loaded and asked with the same array."""
    rows = np.c_[X, np.ones(80), RNG.normal(size=80)]
    model = small().fit(rows, Y)
    model.save(tmp_path / "m.safetensors")
    loaded = cr.load(tmp_path / "m.safetensors")
    assert loaded.n_features_in_ == 3
    assert not hasattr(loaded, "feature_names_in_")
    np.testing.assert_array_equal(loaded.predict_proba(rows), model.predict_proba(rows))


def test_numbers_in_a_list_with_texts_stay_numbers():
    """A list of rows of numbers and texts is learnt as a dict of these columns is."""
    rows = [[int(k % 9), "p" if k % 2 else "q"] for k in range(80)]
    y = ["hi" if row[0] > 4 else "lo" for row in rows]
    model = small().fit(rows, y)
    assert [column.kind for column in model.model_.preprocessing.columns] == ["number", "category"]
    np.testing.assert_array_equal(model.predict_proba([[8.0, "p"]]), model.predict_proba([[8, "p"]]))


def test_a_class_weight_of_an_unknown_class_is_refused():
    """A key of class_weight that is not a class, by a typo or its type, is an error."""
    with pytest.raises(ValueError, match="class_weight names 'c', which is not one of the classes"):
        small(class_weight={"c": 2}).fit({"x": X}, Y)
