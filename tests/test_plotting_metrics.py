"""The numbers of an evaluation, compared with scikit-learn's and with hand-worked ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.inspection import permutation_importance as sklearn_importance
from sklearn.linear_model import LinearRegression
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score, roc_curve

from chainrule.errors import DataError
from chainrule.plotting.metrics import (
    area_under_roc,
    class_scores,
    permutation_importance,
    permute_column,
    permute_feature,
    reliability_bins,
    roc_points,
    row_shares,
)
from chainrule.tables.column import Column
from chainrule.tables.table import Table

PROBABILITIES = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.9, 1.0]) | st.floats(0, 1)
TWO_CLASSES = st.lists(st.tuples(st.booleans(), PROBABILITIES), min_size=2, max_size=40).filter(
    lambda rows: len({positive for positive, _ in rows}) == 2
)


def columns_of(rows):
    """Split pairs of class and probability into two arrays."""
    true, probability = zip(*rows, strict=True)
    return np.array(true), np.array(probability)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_class_scores_are_scikit_learns(pairs):
    """Precision, recall, F1 and the number of rows of each class equal scikit-learn's, NaN where it is undefined."""
    true, predicted = np.array(pairs).T
    actual = class_scores(confusion_matrix(true, predicted, labels=range(5)))
    expected = precision_recall_fscore_support(true, predicted, labels=range(5), zero_division=np.nan)
    for name, values in zip(("precision", "recall", "f1", "rows"), expected, strict=True):
        np.testing.assert_allclose(getattr(actual, name), values, rtol=1e-12)


def test_row_shares():
    """A row of a confusion matrix is divided by its sum; a class without rows has no shares."""
    np.testing.assert_array_equal(row_shares(np.array([[3, 1], [0, 0]])), [[0.75, 0.25], [np.nan, np.nan]])


@given(TWO_CLASSES)
def test_the_roc_curve_is_scikit_learns(rows):
    """The points of the ROC curve and its area equal scikit-learn's, with equal probabilities as one point."""
    true, probability = columns_of(rows)
    points = roc_points(true, probability)
    false_rate, true_rate, _ = roc_curve(true, probability, drop_intermediate=False)
    np.testing.assert_allclose(points.false_positive_rate, false_rate, rtol=1e-12)
    np.testing.assert_allclose(points.true_positive_rate, true_rate, rtol=1e-12)
    assert area_under_roc(points) == pytest.approx(roc_auc_score(true, probability), abs=1e-12)


@given(TWO_CLASSES)
def test_the_area_is_the_chance_that_a_positive_row_ranks_higher(rows):
    """The area equals the fraction of pairs, one of each class, where the positive has more; equal ones count one half."""
    true, probability = columns_of(rows)
    pairs = [(p > q) + 0.5 * (p == q) for p in probability[true] for q in probability[~true]]
    assert area_under_roc(roc_points(true, probability)) == pytest.approx(np.mean(pairs), abs=1e-12)


@given(TWO_CLASSES)
def test_reliability_bins_are_scikit_learns(rows):
    """The bins that have rows equal those of scikit-learn's calibration curve; every row is in one bin."""
    true, probability = columns_of(rows)
    bins = reliability_bins(true, probability)
    share, mean = calibration_curve(true, probability, n_bins=10)
    filled = bins.counts > 0
    np.testing.assert_allclose(bins.positive_share[filled], share, rtol=1e-12)
    np.testing.assert_allclose(bins.mean_probability[filled], mean, rtol=1e-12)
    assert bins.counts.sum() == len(true)
    assert np.isnan(bins.positive_share[~filled]).all()


@pytest.mark.parametrize("function", [roc_points, reliability_bins])
@pytest.mark.parametrize(
    ("true", "probability", "message"),
    [
        ([0, 1], [0.5], r"same shape \(n,\), n at least 1; the shapes are \(2,\) and \(1,\)"),
        ([], [], "n at least 1"),
        ([0, 2], [0.1, 0.2], "must be 0 or 1, with 1 for the positive class"),
        ([0, 1], [0.1, 1.5], r"a probability must be in \[0, 1\]; that of row 1 is 1.5"),
        ([0, 1], [np.nan, 0.5], r"that of row 0 is nan"),
    ],
)
def test_bad_arrays_are_refused(function, true, probability, message):
    """Arrays of other shapes, other classes and numbers that are not probabilities are refused with the row."""
    with pytest.raises(DataError, match=message):
        function(np.array(true), np.array(probability))


def test_a_roc_curve_of_one_class_is_refused():
    """Without rows of one of the classes the ROC curve is undefined, and the message counts the rows."""
    with pytest.raises(DataError, match="needs rows of both classes; 2 of 2 rows are of the positive class"):
        roc_points(np.ones(2), np.array([0.2, 0.8]))


def score_of_lines(x):
    """7 minus the mean squared error of y = 3 a + b, for data (a, b, c) and targets fixed by the seed."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(200, 3))
    return 7 - float(np.mean((x @ [3, 1, 0] - data @ [3, 1, 0]) ** 2))


def test_permutation_importance_has_the_expected_size():
    """For a linear function the error rises by 2 w^2 var x for a permuted feature, and not at all for one without a weight."""
    x = np.random.default_rng(0).normal(size=(200, 3))
    means, stds = permutation_importance(score_of_lines, x, permute_feature, 3, repeats=40)
    expected = 2 * np.array([9, 1, 0]) * x.var(axis=0)
    np.testing.assert_allclose(means, expected, atol=5 * stds.max() / np.sqrt(40))
    assert stds.shape == (3,)
    assert (stds > 0).tolist() == [True, True, False]


def test_permutation_importance_agrees_with_scikit_learns():
    """Over many repeats mean and spread agree with scikit-learn's, whose permutations are others."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(150, 4))
    y = x @ [2.0, -1.0, 0.5, 0.0] + rng.normal(size=150)
    model = LinearRegression().fit(x, y)
    means, stds = permutation_importance(lambda data: model.score(data, y), x, permute_feature, 4, repeats=300)
    expected = sklearn_importance(model, x, y, n_repeats=300, random_state=0)
    np.testing.assert_allclose(means, expected.importances_mean, atol=6 * stds.max() / np.sqrt(300))
    np.testing.assert_allclose(stds, expected.importances_std, rtol=0.25, atol=1e-4)


def test_the_score_is_computed_once_a_repeat_and_once_unchanged():
    """There are 1 + features * repeats calls, and one repeat of one feature gives the same whatever the others are."""
    seen = []

    def score(x):
        seen.append(x.copy())
        return score_of_lines(x)

    x = np.random.default_rng(0).normal(size=(200, 3))
    three, _ = permutation_importance(score, x, permute_feature, 3, repeats=2, seed=5)
    assert len(seen) == 7
    two, _ = permutation_importance(score, x, permute_feature, 2, repeats=2, seed=5)
    np.testing.assert_array_equal(three[:2], two)
    other, _ = permutation_importance(score, x, permute_feature, 2, repeats=2, seed=6)
    assert (other != two).all()


def test_the_columns_of_a_table_are_permuted():
    """A column's values are moved to other rows; the other columns, and the table given, stay."""
    number = Column("a", "number", np.arange(50.0))
    category = Column("b", "category", np.arange(50, dtype=np.int32) % 2, ("no", "yes"))
    table = Table([number, category], "t.csv")
    permuted = permute_column(table, 0, np.random.default_rng(0))
    assert permuted["a"].data.tolist() != table["a"].data.tolist()
    assert sorted(permuted["a"].data) == table["a"].data.tolist() == list(range(50))
    assert permuted["b"] is category
    assert permuted.name == "t.csv"
    means, _ = permutation_importance(lambda t: -float(np.abs(t["a"].data - np.arange(50)).sum()), table, permute_column, 2)
    assert means[0] > 0
    assert means[1] == 0


@pytest.mark.parametrize("position", [0, 3])
def test_a_feature_of_a_sparse_matrix_is_permuted_as_of_a_dense_one(position):
    """With the same generator a CSR matrix is permuted like its dense array, and the matrix given stays."""
    from scipy import sparse

    rng = np.random.default_rng(0)
    x = sparse.random_array((30, 4), density=0.4, rng=rng, format="csr")
    before = x.toarray()
    permuted = permute_feature(x, position, np.random.default_rng(1))
    assert permuted.format == "csr"
    np.testing.assert_array_equal(permuted.toarray(), permute_feature(before, position, np.random.default_rng(1)))
    np.testing.assert_array_equal(x.toarray(), before)
    assert (permuted.toarray() != before).any()
