"""Public attributes of an estimator that were set by hand: they decide predictions and training, or are refused."""

import json
from itertools import product

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.preprocessing import LabelBinarizer

import chainrule as cr

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels"),
]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
DTYPES = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "f2", "f4", "f8", "g", ">f8", ">f4", ">i4", "<i8"]
OUTPUTS = {
    "values": (2, "identity"),
    "counts": (1, "identity"),
    "two": (1, "logistic"),
    "three": (3, "softmax"),
    "several": (3, "logistic"),
}
IRIS = load_iris()


def draw_parameters(n_out, dtype, other=None):
    """Small integers of a dtype as coefs_ and intercepts_; ``other`` is the dtype of the second layer."""
    parts = [RNG.integers(0, 4, shape) - 1 * (np.dtype(dtype).kind not in "u?") for shape in ((3, 4), (4, n_out), (4,), (n_out,))]
    dtypes = [dtype, other or dtype] * 2
    cast = [part.astype(d) for part, d in zip(parts, dtypes, strict=True)]
    return cast[:2], cast[2:]


def outputs_in_float64(coefs, intercepts, output):
    """The outputs of a network with these parameters for X, computed by NumPy in float64."""
    a = np.maximum(X @ np.asarray(coefs[0], np.float64) + np.asarray(intercepts[0], np.float64), 0)
    z = a @ np.asarray(coefs[1], np.float64) + np.asarray(intercepts[1], np.float64)
    if output == "softmax":
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
    return z if output == "identity" else 1 / (1 + np.exp(-z))


def estimator_with(library, kind, coefs, intercepts):
    """An unfitted estimator of either library with public attributes set by hand."""
    n_out, output = OUTPUTS[kind]
    model = getattr(library, "MLPRegressor" if output == "identity" else "MLPClassifier")()
    model.coefs_, model.intercepts_ = coefs, intercepts
    model.n_layers_, model.n_outputs_, model.out_activation_ = 3, n_out, output
    if output != "identity":
        labels = {"two": ["no", "yes"], "three": ["a", "b", "c"], "several": np.array([[0, 1, 1], [1, 0, 0]])}[kind]
        binarizer = LabelBinarizer().fit(labels)
        model.classes_ = binarizer.classes_
        if library is neural_network:
            model._label_binarizer = binarizer
    return model


def predictions_of(model, x):
    """The predictions of a model for x, and its probabilities where it has them."""
    return [getattr(model, name)(x) for name in ("predict", "predict_proba", "predict_log_proba") if hasattr(model, name)]


def fit_iris(**settings):
    """A classifier fitted to Iris for some epochs."""
    return cr.MLPClassifier((5,), random_state=0, tol=0, n_iter_no_change=1000, **settings).fit(IRIS.data, IRIS.target)


def copy_of_public_attributes(model):
    """An unfitted estimator with another's hyperparameters and public attributes."""
    copy = type(model)(**model.get_params())
    copy.__dict__.update({name: value for name, value in vars(model).items() if name.endswith("_") and not name.startswith("_")})
    return copy


@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 30])
def test_attributes_set_by_hand_predict_alike(dtype, kind, rows):
    """coefs_ and intercepts_ of any real dtype on an unfitted estimator predict what scikit-learn predicts in float64."""
    coefs, intercepts = draw_parameters(OUTPUTS[kind][0], dtype)
    by_hand = estimator_with(cr, kind, [c.copy() for c in coefs], [b.copy() for b in intercepts])
    exact = estimator_with(neural_network, kind, [c.astype(np.float64) for c in coefs], [b.astype(np.float64) for b in intercepts])
    single = np.dtype(dtype).kind == "f" and np.dtype(dtype).itemsize == 4
    with np.errstate(divide="ignore"):
        for actual, expected in zip(predictions_of(by_hand, X[:rows]), predictions_of(exact, X[:rows]), strict=True):
            if expected.dtype.kind == "f":
                assert actual.dtype == (np.float32 if single else np.float64)
                np.testing.assert_allclose(actual, expected, rtol=1e-4 if single else 1e-12, atol=1e-6 if single else 1e-12)
            else:
                assert np.array_equal(actual, expected)


@pytest.mark.parametrize(("first", "second"), [*product(["f4", "i8"], ["f8", "i1", "?"]), ("f8", "f4")])
def test_layers_of_different_dtypes_are_computed_in_float64(first, second):
    """A single array that is not float32 makes all layers float64."""
    coefs, intercepts = draw_parameters(2, first, second)
    model = estimator_with(cr, "values", coefs, intercepts)
    assert model.predict(X).dtype == np.float64
    np.testing.assert_allclose(model.predict(X), outputs_in_float64(coefs, intercepts, "identity"), rtol=1e-12)


def test_integers_predict_few_rows_and_many_alike():
    """An integer set as the weight of a linear regressor keeps its value, for few rows and for many."""
    model = cr.MLPRegressor(hidden_layer_sizes=(), max_iter=5, tol=0)
    model.fit([[0.0], [1.0]], [0.0, 1.0])
    model.coefs_, model.intercepts_ = [np.array([[2]])], [np.array([0])]
    assert model.predict([[3.0]]).tolist() == [6.0]
    assert model.predict(np.full((1000, 1), 3.0)).tolist() == [6.0] * 1000


def test_lists_from_json_are_read_as_arrays():
    """Nested lists, as JSON returns the result of tolist(), predict what the arrays did."""
    clf = fit_iris(max_iter=20)
    stored = json.loads(json.dumps({name: [part.tolist() for part in getattr(clf, name)] for name in ("coefs_", "intercepts_")}))
    for parts in (stored, {name: [np.array(part) for part in value] for name, value in stored.items()}):
        other = cr.MLPClassifier()
        other.__dict__.update(parts)
        other.out_activation_, other.classes_ = clf.out_activation_, clf.classes_.tolist()
        np.testing.assert_allclose(other.predict_proba(IRIS.data), clf.predict_proba(IRIS.data), rtol=1e-10)
        assert np.array_equal(other.predict(IRIS.data), clf.predict(IRIS.data))
        assert other.score(IRIS.data, IRIS.target) == clf.score(IRIS.data, IRIS.target)


@pytest.mark.parametrize(
    "settings", [{"solver": "sgd", "momentum": 0.0}, {"solver": "sgd", "momentum": 0.0, "learning_rate": "invscaling"}]
)
def test_training_continues_from_the_public_attributes(settings):
    """An estimator with only the public attributes of another is trained on as that one, by partial_fit and by a warm fit."""
    clf = fit_iris(max_iter=10, warm_start=True, shuffle=False, **settings)
    for train in (lambda model: model.partial_fit(IRIS.data, IRIS.target), lambda model: model.fit(IRIS.data, IRIS.target)):
        models = copy_of_public_attributes(clf), copy_of_public_attributes(clf)
        models[0].__dict__.update(vars(clf))  # the private attributes, too
        for model in models:
            train(model)
        complete, public = models
        assert (complete.t_, complete.n_iter_, complete.loss_curve_) == (
            public.t_,
            public.n_iter_,
            public.loss_curve_,
        )
        for one, other in zip(complete.coefs_ + complete.intercepts_, public.coefs_ + public.intercepts_, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", OUTPUTS)
def test_everything_follows_from_the_public_attributes(tmp_path, solver, kind):
    """network_, save, predict, score, partial_fit and a warm fit work on an estimator without private attributes."""
    coefs, intercepts = draw_parameters(OUTPUTS[kind][0], "f8")
    model = estimator_with(cr, kind, coefs, intercepts)
    del model.n_layers_, model.n_outputs_
    model.set_params(solver=solver, hidden_layer_sizes=(4,), max_iter=3, warm_start=True, random_state=0)
    expected = outputs_in_float64(coefs, intercepts, OUTPUTS[kind][1])
    np.testing.assert_allclose(model.network_.feedforward(X), expected, rtol=1e-12)
    assert model.network_.provenance is None
    model.save(tmp_path / "model.safetensors")
    np.testing.assert_allclose(cr.load(tmp_path / "model.safetensors").feedforward(X), expected, rtol=1e-12)
    y = model.predict(X)[::-1] if kind in ("values", "counts", "several") else np.resize(model.classes_, len(X))
    assert np.isfinite(model.score(X, y))
    before = [c.copy() for c in model.coefs_]
    if solver != "lbfgs":
        model.partial_fit(X, y)
    model.fit(X, y)
    assert any((a != b).any() for a, b in zip(before, model.coefs_, strict=True))
    assert model.n_layers_ == 3


def test_classes_in_any_order_keep_their_outputs():
    """classes_ that are not sorted label the outputs in their own order, in predictions and training, as in scikit-learn."""
    coefs, intercepts = draw_parameters(3, "f8")
    models = [
        estimator_with(library, "three", [c.copy() for c in coefs], [b.copy() for b in intercepts])
        for library in (cr, neural_network)
    ]
    for model in models:
        model.classes_ = np.array(["c", "a", "b"])
        model.set_params(hidden_layer_sizes=(4,), solver="sgd", momentum=0.0, shuffle=False, learning_rate_init=0.1)
    models[1]._label_binarizer.classes_ = models[1].classes_
    assert np.array_equal(models[0].predict(X), models[1].predict(X))
    y = models[0].predict(X)
    network, targets = models[0].network_, models[0].for_network(X, y)[1]
    assert network.accuracy(X, targets) == 1
    costs = [network.cost(X, targets)]
    for _ in range(5):
        models[0].partial_fit(X, y)
        costs.append(models[0].network_.cost(X, targets))
    assert costs[-1] < costs[0]


def test_replaced_classes_are_predicted():
    """Labels set in place of the fitted ones are predicted; private caches of the fit are not."""
    clf = fit_iris(max_iter=20)
    expected = IRIS.target_names[clf.predict(IRIS.data)]
    clf.classes_ = IRIS.target_names
    assert np.array_equal(clf.predict(IRIS.data), expected)
    several = make_multilabel_classification(random_state=0)
    clf = cr.MLPClassifier((5,), max_iter=5, random_state=0).fit(*several)
    copy = copy_of_public_attributes(clf)
    assert np.array_equal(copy.predict(several[0]), clf.predict(several[0]))


CONTRADICTIONS = {
    "a layer too many": (lambda m: setattr(m, "n_layers_", 4), "must have n_layers_ - 1 = 3 arrays; they have 2 and 2"),
    "no intercepts": (lambda m: m.intercepts_.pop(), "they have 2 and 1"),
    "layers that do not meet": (lambda m: m.coefs_.__setitem__(1, np.ones((5, 3))), "where n_in is n_out of the layer before"),
    "a flat layer": (lambda m: m.coefs_.__setitem__(1, np.ones(4)), "must have shapes"),
    "a column of intercepts": (lambda m: m.intercepts_.__setitem__(0, np.ones((4, 1))), r"intercepts_ must have the shapes"),
    "too few classes": (lambda m: setattr(m, "classes_", np.array([0, 1])), "classes_ has 2 labels, but the network has 3 outputs"),
    "too many classes": (lambda m: setattr(m, "classes_", np.arange(4)), "classes_ has 4 labels, but the network has 3 outputs"),
    "a class twice": (lambda m: setattr(m, "classes_", np.array([0, 1, 1])), "classes_ must contain each label once"),
    "no classes": (lambda m: delattr(m, "classes_"), "no classes_; set it to the labels in the order of the network's outputs"),
    "no activation": (lambda m: delattr(m, "out_activation_"), "no out_activation_; set it to 'softmax' where each row"),
    "another activation": (lambda m: setattr(m, "out_activation_", "tanh"), "out_activation_ must be one of logistic, softmax"),
    "text": (lambda m: m.coefs_.__setitem__(0, np.full((3, 4), "1")), "holds text; it must hold numbers"),
    "complex numbers": (lambda m: m.coefs_.__setitem__(0, np.full((3, 4), 1j)), "holds complex128; it must hold numbers"),
    "a missing number": (lambda m: m.coefs_.__setitem__(0, [[1, 2, 3, None]] * 3), r"coefs_\[0\] has no value at \[0, 3\]"),
    "an unknown scale": (lambda m: m.set_params(standardize=True), "standardize=True, but this estimator has no scaler_"),
}


@pytest.mark.parametrize("change", CONTRADICTIONS)
def test_attributes_that_contradict_each_other_are_refused(change):
    """Attributes that do not describe one network are refused, with a message that names the contradiction."""
    model = estimator_with(cr, "three", *draw_parameters(3, "f8"))
    change_attribute, message = CONTRADICTIONS[change]
    change_attribute(model)
    with pytest.raises((ValueError, TypeError), match=message):
        model.predict(X)


@pytest.mark.parametrize(("first", "then"), [("two", "several"), ("two", "three"), ("three", "several"), ("several", "three")])
def test_private_caches_never_decide(first, then):
    """An estimator with another's public attributes predicts as that one, whatever it was fitted to."""
    targets = {"two": np.arange(30) % 2, "three": np.arange(30) % 3, "several": RNG.integers(0, 2, (30, 3))}
    models = {kind: cr.MLPClassifier((4,), max_iter=3, random_state=0).fit(X, targets[kind]) for kind in (first, then)}
    for name in ("coefs_", "intercepts_", "n_layers_", "n_outputs_", "out_activation_", "classes_"):
        setattr(models[first], name, getattr(models[then], name))
    for rows in (1, 30):
        assert np.array_equal(models[first].predict(X[:rows]), models[then].predict(X[:rows]))


def test_labels_have_the_type_that_classes_have():
    """Predictions have the dtype of classes_: booleans in place of 0 and 1."""
    clf = cr.MLPClassifier((4,), max_iter=3, random_state=0).fit(X, np.arange(30) % 2)
    clf.classes_ = np.array([False, True])
    assert clf.predict(X).dtype == bool


def test_another_output_than_was_fitted_is_refused_in_training():
    """A loss that requires another output activation than the fitted one is refused by partial_fit, in both directions."""
    model = cr.MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0).fit(X, np.arange(30) % 3)
    model.set_params(loss="poisson")
    with pytest.raises(ValueError, match="require out_activation_ 'exp', but the fitted network has 'identity'; refit"):
        model.partial_fit(X, np.arange(30) % 3)
    model = estimator_with(cr, "counts", *draw_parameters(1, "f8")).set_params(hidden_layer_sizes=(4,))
    model.out_activation_ = "exp"
    with pytest.raises(ValueError, match="require out_activation_ 'identity', but the fitted network has 'exp'"):
        model.partial_fit(X, np.arange(30) % 3)


def test_nan_outputs_predict_no_class():
    """A classifier whose outputs are NaN raises instead of predicting a class."""
    clf = fit_iris(max_iter=1)
    clf.coefs_[0][...] = np.nan
    for rows in (1, 30):
        with pytest.raises(ValueError, match="outputs contain NaN, so no class can be predicted"):
            clf.predict(IRIS.data[:rows])
