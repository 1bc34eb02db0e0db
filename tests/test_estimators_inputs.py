"""Rows of X: sparse and dense, of any layout and dtype, with and without column names, and rows that do not fit."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn_comparison import (
    ALL_CLASSES,
    IRIS,
    NAMES,
    PREDICTIONS,
    RANDOM,
    VALUES,
    WEIGHTS,
    N,
    X,
    Y,
    compare,
    fit,
)

import chainrule as cr

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")


CONTAINERS = [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array, sparse.csc_array, sparse.coo_array]
MOSTLY_0 = X * (RANDOM.random(X.shape) < 0.5)


def unsorted_csr(x):
    """A CSR matrix with the column indices of each row in descending order."""
    csr = sparse.csr_matrix(x)
    for start, end in zip(csr.indptr[:-1], csr.indptr[1:], strict=True):
        csr.indices[start:end], csr.data[start:end] = csr.indices[start:end][::-1].copy(), csr.data[start:end][::-1].copy()
    return csr


def csr_with_duplicates(x):
    """A CSR matrix that stores each number as two halves."""
    csr = sparse.csr_matrix(x)
    return sparse.csr_matrix((np.repeat(csr.data / 2, 2), np.repeat(csr.indices, 2), 2 * csr.indptr), shape=x.shape)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize(
    "container", [*CONTAINERS, sparse.lil_matrix, unsorted_csr, csr_with_duplicates], ids=lambda made: made.__name__
)
@pytest.mark.parametrize("name", NAMES)
def test_sparse_rows_are_used_alike(name, container, dtype):
    """CSR, CSC and COO, matrices and arrays, are fitted to and predicted from alike."""
    x = container(MOSTLY_0.astype(dtype))
    if dtype == np.float32:
        actual, expected = (getattr(library, name)(max_iter=3, random_state=0) for library in (cr, neural_network))
        with pytest.warns(ConvergenceWarning):
            actual.fit(x, Y[name]), expected.fit(x, Y[name])
        assert actual.coefs_[0].dtype == expected.coefs_[0].dtype == np.float32
        assert np.allclose(actual.predict(x), expected.predict(x), atol=1e-5)
    else:
        compare(name, fit(x, Y[name]))
        compare(name, fit(x, Y[name], WEIGHTS), early_stopping=True, validation_fraction=0.2)
        compare(name, lambda estimator: estimator.fit(X, Y[name]).predict(x))
        compare(name, lambda estimator: estimator.fit(x, Y[name]).score(x, Y[name], WEIGHTS))


@pytest.mark.parametrize(
    "kind",
    [np.ndarray.tolist, np.asfortranarray, lambda x: x.astype(">f8"), lambda x: np.repeat(x, 2, axis=1)[:, ::2], lambda x: x[::-1]],
    ids=["lists", "Fortran", "big-endian", "strided", "reversed"],
)
@pytest.mark.parametrize("name", NAMES)
def test_rows_of_any_layout_are_used_alike(name, kind):
    """Lists, and arrays of any memory layout, are fitted to and predicted from alike."""
    compare(name, fit(kind(X), Y[name]))
    compare(name, lambda estimator: estimator.fit(X, Y[name]).predict(kind(X)))


COLUMNS = ["sepal length", "sepal width", "petal length", "petal width"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("name", NAMES)
def test_frames_are_used_alike(name, library):
    """The column names of a pandas or Polars frame are kept; other names at predict raise or warn in scikit-learn's words."""
    frames = pytest.importorskip(library)

    def frame(x, columns):
        return frames.DataFrame(dict(zip(columns, np.ascontiguousarray(x.T), strict=True)))

    rows, targets = frame(X, COLUMNS), frames.Series(Y[name])
    actual = compare(name, fit(rows, targets)).actual
    assert list(actual.feature_names_in_) == COLUMNS
    for early_stopping in (False, True):
        compare(
            name,
            lambda estimator: estimator.fit(rows, targets).predict(rows),
            early_stopping=early_stopping,
            validation_fraction=0.2,
        )
    others = {
        "without names": X,
        "a row without names": X[:1],
        "in another order": frame(X[:, ::-1], COLUMNS[::-1]),
        "with other names": frame(X, ["a", "b", "c", "d"]),
        "with a column more": frame(np.hstack([X, X[:, :1]]), [*COLUMNS, "more"]),
        "with a column less": frame(X[:, :3], COLUMNS[:3]),
    }
    for difference, other in others.items():
        comparison = compare(name, lambda estimator, other=other: estimator.fit(rows, targets).predict(other))
        raised, warned = comparison.raised, comparison.warned
        assert (raised is None) == ("without" in difference)
        assert any("does not have valid feature names" in message for _, message in warned) == ("without" in difference)
        compare(
            name,
            lambda estimator, other=other: estimator.partial_fit(rows, targets, **ALL_CLASSES[name]).partial_fit(other, targets),
        )
    warned = compare(name, lambda estimator: estimator.fit(X, Y[name]).predict(rows)).warned
    assert "was fitted without feature names" in warned[-1][1]
    if library == "pandas":
        raised = compare(name, fit(frame(X, ["a", "b", "c", 1]), targets)).raised
        assert raised[0] is TypeError
        compare(name, fit(frame(X, range(4)), targets))
        compare(name, fit(frames.DataFrame(MOSTLY_0).astype(frames.SparseDtype(float, 0)), targets))
        compare(name, fit(rows.assign(words="a"), targets))


@pytest.mark.parametrize("rows", [1, N])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64, np.uint8, bool, object])
def test_rows_of_any_dtype_are_predicted_alike(dtype, rows):
    """Rows of any dtype are predicted alike; a float32 network gives float32 for float64 rows (float64 in scikit-learn)."""
    x = (10 * X[:rows]).astype(dtype)
    for name in NAMES:
        compare(name, lambda estimator: estimator.fit(X, Y[name]).predict(x))  # noqa: B023
    actual, expected = (library.MLPRegressor(max_iter=2, random_state=0) for library in (cr, neural_network))
    for estimator in (actual, expected):
        with pytest.warns(ConvergenceWarning):
            estimator.fit(X.astype(np.float32), VALUES)
    assert actual.predict(x).dtype == np.float32
    assert np.allclose(actual.predict(x), expected.predict(x), rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.uint8])
def test_arithmetic_follows_the_dtype_of_x(dtype):
    """float32 rows train float32 parameters; float16, integers and uint8 (as numbers, not pixels) train float64 ones."""
    x, y = (10 * IRIS[0]).astype(dtype), IRIS[1]
    actual = cr.MLPClassifier(max_iter=3, random_state=0).fit(x, y)
    expected = neural_network.MLPClassifier(max_iter=3, random_state=0).fit(x, y)
    assert {w.dtype for w in actual.coefs_} == {w.dtype for w in expected.coefs_}
    tolerance = 1e-5 if dtype == np.float32 else 1e-8
    assert all(np.allclose(a, b, rtol=0, atol=tolerance) for a, b in zip(actual.coefs_, expected.coefs_, strict=True))


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("name", NAMES)
def test_constant_columns_and_few_rows_are_used_alike(name, solver):
    """Constant columns, columns of 0, one row, two rows and one column train alike."""
    flat = np.hstack([np.ones((N, 2)), np.zeros((N, 1)), X[:, :1]])
    compare(name, fit(flat, Y[name]), solver=solver)
    for rows in (1, 2):
        compare(name, fit(X[:rows], Y[name][:rows]), solver=solver)
    compare(name, fit(X[:, :1], Y[name]), solver=solver)
    compare(name, lambda estimator: estimator.partial_fit(X[:1], Y[name][:1], **ALL_CLASSES[name]))


WRONG_ROWS = {
    "more columns": np.hstack([X, X]),
    "fewer columns": X[:, :3],
    "one row of fewer columns": X[:1, :3],
    "NaN": X * np.nan,
    "one row of inf": X[:1] * np.inf,
    "no rows": X[:0],
}
METHODS = [("MLPClassifier", method) for method in (*PREDICTIONS, "score", "partial_fit")]
METHODS += [("MLPRegressor", method) for method in ("predict", "score", "partial_fit")]


def fit_and_call(name, method, x):
    """Make the call of a method with other rows, after a fit."""

    def call(estimator):
        estimator.fit(X, Y[name])
        arguments = (x, Y[name][: x.shape[0]]) if method in ("score", "partial_fit") else (x,)
        return getattr(estimator, method)(*arguments)

    return call


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("kind", WRONG_ROWS)
@pytest.mark.parametrize(("name", "method"), METHODS)
def test_rows_that_do_not_fit_are_refused_alike(name, method, kind, container):
    """More columns or fewer, NaN, infinity and no rows raise a ValueError in scikit-learn's words from every method."""
    x = WRONG_ROWS[kind]
    call = fit_and_call(name, method, x if container is np.asarray else container(x))
    assert compare(name, call).raised[0] is ValueError


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_a_single_dimension_is_refused_alike(name, method):
    """A 1-D array raises a ValueError in scikit-learn's words from every method."""
    assert compare(name, fit_and_call(name, method, X[0])).raised[0] is ValueError


@pytest.mark.parametrize("dtype", [object, str])
@pytest.mark.parametrize(("name", "method"), METHODS)
def test_rows_of_objects_and_text_have_the_same_outcome(name, method, dtype):
    """Numbers as objects are read, numbers as text are read or refused, as scikit-learn does in each method."""
    raised = compare(name, fit_and_call(name, method, X.astype(dtype))).raised
    assert (raised is None) == (dtype is object or method == "partial_fit")


@pytest.mark.parametrize(("name", "method"), [pair for pair in METHODS if pair[1] != "partial_fit"])
def test_predicting_before_a_fit_raises_not_fitted_error(name, method):
    """Before a fit every method raises scikit-learn's NotFittedError."""
    arguments = (X, Y[name]) if method == "score" else (X,)
    assert compare(name, lambda estimator: getattr(estimator, method)(*arguments)).raised[0] is NotFittedError


DATES = np.array(["2020-01-01", "2020-01-02", "NaT"], "M8[D]")[:, None]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", ["array", "time differences", "pandas", "polars"])
def test_dates_are_not_numbers(kind):
    """Dates and time differences, NaT among them, are refused at fit and predict instead of being read as integers."""
    x = {"array": lambda: DATES, "time differences": lambda: DATES - DATES[0]}.get(kind)
    if kind == "pandas":
        x = lambda: pytest.importorskip("pandas").DataFrame({"when": DATES[:, 0].astype("M8[ns]")})  # noqa: E731
    if kind == "polars":
        x = lambda: pytest.importorskip("polars").DataFrame({"when": DATES[:, 0].astype("M8[ms]")})  # noqa: E731
    model = cr.MLPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0).fit(np.eye(3)[:, :1], [0.0, 1.0, 0.0])
    for call in (lambda: model.predict(x()), lambda: cr.MLPRegressor().fit(x(), [0.0, 1.0, 0.0]), lambda: cr.Examples(x())):
        with pytest.raises(TypeError, match=r"holds .*; it must hold numbers"):
            call()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_masked_values_are_refused():
    """Values that a mask hides are refused, in an array and in a list of rows."""
    masked = np.ma.masked_array(X, mask=X > 2)
    model = cr.MLPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0).fit(X, X[:, 0])
    for call in (lambda: model.predict(masked), lambda: model.fit(masked, X[:, 0]), lambda: cr.Examples([*masked])):
        with pytest.raises(ValueError, match="masked values; fill or remove them"):
            call()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_single_row_is_predicted_as_many_are():
    """The short path for a few plain rows gives the same as the general path, and leaves to it the rows that need checks."""
    x, y = IRIS
    clf = cr.MLPClassifier(max_iter=5, random_state=0).fit(x, y)
    many = clf.predict_proba(x)
    assert all(np.allclose(clf.predict_proba(x[i : i + 1])[0], many[i], atol=1e-12) for i in range(0, 150, 10))
    assert np.allclose(clf.predict_proba(x[:1].tolist()), many[:1])
    with pytest.raises(ValueError, match="NaN"):
        clf.predict(np.full((1, 4), np.nan))
    with pytest.raises(ValueError, match="features"):
        clf.predict(np.zeros((1, 5)))
    with pytest.raises(ValueError, match="2D"):
        clf.predict(np.zeros(4))
    clf.set_params(activation="tanh")  # as in scikit-learn, predictions of a fitted network follow it
    assert np.allclose(clf.predict_proba(x[:1]), clf.predict_proba(x)[:1], rtol=0, atol=1e-12)
    assert not np.allclose(clf.predict_proba(x), many)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("hyperparameters", [{}, {"standardize": True}])
def test_plain_rows_are_predicted_without_scikit_learns_checks(hyperparameters, monkeypatch):
    """Finite floats without column names are predicted without scikit-learn's checks, which take longer than some hundred rows."""
    x, y = IRIS
    clf = cr.MLPClassifier(max_iter=5, random_state=0, **hyperparameters).fit(x, y)
    expected = clf.predict_proba(x.tolist())
    monkeypatch.setattr("chainrule.estimators.input_checks.validate_data", None)
    assert np.array_equal(clf.predict_proba(x), expected)
    with pytest.raises(TypeError, match="not callable"):
        clf.predict(x.tolist())
