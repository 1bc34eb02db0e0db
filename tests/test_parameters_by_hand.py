"""Parameters that somebody has put into a network or an estimator by hand: computed with in full, or refused; never misread."""

import json
import warnings
from itertools import product

import numpy as np
import pytest
import sklearn.neural_network as peer
from sklearn.datasets import load_iris, load_wine, make_multilabel_classification
from sklearn.preprocessing import LabelBinarizer, StandardScaler

import chainrule as cr
from chainrule.engines import ENGINES
from chainrule.errors import SettingError, UnknownName
from chainrule.plan import Layer, Plan

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
DTYPES = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "f2", "f4", "f8", "g", ">f8", ">f4", ">i4", "<i8"]
KINDS = {
    "values": (2, "identity"),
    "counts": (1, "identity"),
    "two": (1, "logistic"),
    "three": (3, "softmax"),
    "several": (3, "logistic"),
}


def drawn(n_out, dtype, other=None):
    """Small whole numbers of a dtype as coefs_ and intercepts_; ``other`` is the dtype of the second layer."""
    parts = [RNG.integers(0, 4, shape) - 1 * (np.dtype(dtype).kind not in "u?") for shape in ((3, 4), (4, n_out), (4,), (n_out,))]
    dtypes = [dtype, other or dtype] * 2
    cast = [part.astype(d) for part, d in zip(parts, dtypes, strict=True)]
    return cast[:2], cast[2:]


def by_numpy(coefs, intercepts, output):
    """The outputs in float64."""
    a = np.maximum(X @ np.asarray(coefs[0], np.float64) + np.asarray(intercepts[0], np.float64), 0)
    z = a @ np.asarray(coefs[1], np.float64) + np.asarray(intercepts[1], np.float64)
    if output == "softmax":
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
    return z if output == "identity" else 1 / (1 + np.exp(-z))


def put_together(library, kind, coefs, intercepts):
    """An estimator of either library that was never fitted, with its public attributes set by hand."""
    n_out, output = KINDS[kind]
    model = getattr(library, "MLPRegressor" if output == "identity" else "MLPClassifier")()
    model.coefs_, model.intercepts_ = coefs, intercepts
    model.n_layers_, model.n_outputs_, model.out_activation_ = 3, n_out, output
    if output != "identity":
        labels = {"two": ["no", "yes"], "three": ["a", "b", "c"], "several": np.array([[0, 1, 1], [1, 0, 0]])}[kind]
        binarizer = LabelBinarizer().fit(labels)
        model.classes_ = binarizer.classes_
        if library is peer:
            model._label_binarizer = binarizer
    return model


def asked(model, x):
    """What a model predicts for x, and its probabilities where it has some."""
    return [getattr(model, name)(x) for name in ("predict", "predict_proba", "predict_log_proba") if hasattr(model, name)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 30])
def test_an_estimator_put_together_by_hand_predicts_as_scikit_learns(dtype, kind, rows):
    """coefs_ and intercepts_ of any real dtype on a fresh estimator predict what scikit-learn predicts with them in float64."""
    coefs, intercepts = drawn(KINDS[kind][0], dtype)
    ours = put_together(cr, kind, [c.copy() for c in coefs], [b.copy() for b in intercepts])
    exact = put_together(peer, kind, [c.astype(np.float64) for c in coefs], [b.astype(np.float64) for b in intercepts])
    single = np.dtype(dtype).kind == "f" and np.dtype(dtype).itemsize == 4
    with np.errstate(divide="ignore"):
        for actual, expected in zip(asked(ours, X[:rows]), asked(exact, X[:rows]), strict=True):
            if expected.dtype.kind == "f":
                assert actual.dtype == (np.float32 if single else np.float64)
                np.testing.assert_allclose(actual, expected, rtol=1e-4 if single else 1e-12, atol=1e-6 if single else 1e-12)
            else:
                assert np.array_equal(actual, expected)


@pytest.mark.parametrize(("first", "second"), [*product(["f4", "i8"], ["f8", "i1", "?"]), ("f8", "f4")])
def test_layers_of_different_dtypes_are_computed_in_float64(first, second):
    """One array that is not float32 is enough for float64 throughout."""
    coefs, intercepts = drawn(2, first, second)
    model = put_together(cr, "values", coefs, intercepts)
    assert model.predict(X).dtype == np.float64
    np.testing.assert_allclose(model.predict(X), by_numpy(coefs, intercepts, "identity"), rtol=1e-12)


def test_the_issues_own_case():
    """A whole number put into a regressor without hidden layers counts for what it is, in few rows and in many."""
    model = cr.MLPRegressor(hidden_layer_sizes=(), max_iter=5, tol=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit([[0.0], [1.0]], [0.0, 1.0])
    model.coefs_, model.intercepts_ = [np.array([[2]])], [np.array([0])]
    assert model.predict([[3.0]]).tolist() == [6.0]
    assert model.predict(np.full((1000, 1), 3.0)).tolist() == [6.0] * 1000


def test_lists_as_json_gives_them_are_arrays():
    """Nested lists, as JSON gives back what tolist() wrote, predict what the arrays did."""
    clf = fitted(max_iter=20)
    kept = json.loads(json.dumps({name: [part.tolist() for part in getattr(clf, name)] for name in ("coefs_", "intercepts_")}))
    for parts in (kept, {name: [np.array(part) for part in value] for name, value in kept.items()}):
        other = cr.MLPClassifier()
        other.__dict__.update(parts)
        other.out_activation_, other.classes_ = clf.out_activation_, clf.classes_.tolist()
        np.testing.assert_allclose(other.predict_proba(IRIS.data), clf.predict_proba(IRIS.data), rtol=1e-10)
        assert np.array_equal(other.predict(IRIS.data), clf.predict(IRIS.data))
        assert other.score(IRIS.data, IRIS.target) == clf.score(IRIS.data, IRIS.target)


IRIS = load_iris()


def fitted(library=cr, y=IRIS.target, **settings):
    """A classifier of Iris, fitted for some epochs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return library.MLPClassifier((5,), random_state=0, tol=0, n_iter_no_change=1000, **settings).fit(IRIS.data, y)


def public(model):
    """A fresh estimator with what is public of another: its parameters and the attributes that a fit sets."""
    twin = type(model)(**model.get_params())
    twin.__dict__.update({name: value for name, value in vars(model).items() if name.endswith("_") and not name.startswith("_")})
    return twin


@pytest.mark.parametrize(
    "settings", [{"solver": "sgd", "momentum": 0.0}, {"solver": "sgd", "momentum": 0.0, "learning_rate": "invscaling"}]
)
def test_training_goes_on_from_the_public_attributes(settings):
    """partial_fit and a warm fit of an estimator that has the public attributes alone are those of the one it was taken from."""
    clf = fitted(max_iter=10, warm_start=True, shuffle=False, **settings)
    for train in (lambda model: model.partial_fit(IRIS.data, IRIS.target), lambda model: model.fit(IRIS.data, IRIS.target)):
        models = public(clf), public(clf)
        models[0].__dict__.update(vars(clf))  # private ones too
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for model in models:
                train(model)
        whole, alone = models
        assert (whole.t_, whole.n_iter_, whole.loss_curve_) == (alone.t_, alone.n_iter_, alone.loss_curve_)
        for one, other in zip(whole.coefs_ + whole.intercepts_, alone.coefs_ + alone.intercepts_, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", KINDS)
def test_everything_follows_from_the_public_attributes(tmp_path, solver, kind):
    """network_, save, predict, score, partial_fit and a warm fit work on an estimator that nothing private is set on."""
    coefs, intercepts = drawn(KINDS[kind][0], "f8")
    model = put_together(cr, kind, coefs, intercepts)
    del model.n_layers_, model.n_outputs_
    model.set_params(solver=solver, hidden_layer_sizes=(4,), max_iter=3, warm_start=True, random_state=0)
    due = by_numpy(coefs, intercepts, KINDS[kind][1])
    np.testing.assert_allclose(model.network_.feedforward(X), due, rtol=1e-12)
    assert model.network_.provenance is None
    model.save(tmp_path / "model.safetensors")
    np.testing.assert_allclose(cr.load(tmp_path / "model.safetensors").feedforward(X), due, rtol=1e-12)
    y = model.predict(X)[::-1] if kind in ("values", "counts", "several") else np.resize(model.classes_, len(X))
    assert np.isfinite(model.score(X, y))
    before = [c.copy() for c in model.coefs_]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if solver != "lbfgs":
            model.partial_fit(X, y)
        model.fit(X, y)
    assert any((a != b).any() for a, b in zip(before, model.coefs_, strict=True))
    assert model.n_layers_ == 3


def test_classes_in_any_order_keep_their_outputs():
    """classes_ that do not rise, as in somebody's own order of outputs, are told and trained by that order, as in scikit-learn."""
    coefs, intercepts = drawn(3, "f8")
    models = [put_together(library, "three", [c.copy() for c in coefs], [b.copy() for b in intercepts]) for library in (cr, peer)]
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


def test_classes_that_were_set_anew_are_those_that_are_told():
    """Labels that were put in the place of the fitted ones are what predict gives; private caches of the fit do not."""
    clf = fitted(max_iter=20)
    due = IRIS.target_names[clf.predict(IRIS.data)]
    clf.classes_ = IRIS.target_names
    assert np.array_equal(clf.predict(IRIS.data), due)
    several = make_multilabel_classification(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clf = cr.MLPClassifier((5,), max_iter=5, random_state=0).fit(*several)
    twin = public(clf)
    assert np.array_equal(twin.predict(several[0]), clf.predict(several[0]))


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
    "a scale that is not known": (lambda m: m.set_params(standardize=True), "standardize=True, but this estimator has no scaler_"),
}


@pytest.mark.parametrize("change", CONTRADICTIONS)
def test_attributes_that_contradict_each_other_are_refused(change):
    """Attributes out of which no one network can be read are refused with what is wrong; scikit-learn's types of errors."""
    model = put_together(cr, "three", *drawn(3, "f8"))
    spoil, said = CONTRADICTIONS[change]
    spoil(model)
    with pytest.raises((ValueError, TypeError), match=said):
        model.predict(X)


def test_a_scaler_is_public():
    """With standardize the columns' scale is scaler_, which another estimator takes along, and without which it is refused."""
    clf = fitted(max_iter=20, standardize=True)
    twin = public(clf)
    np.testing.assert_allclose(twin.predict_proba(IRIS.data), clf.predict_proba(IRIS.data), rtol=1e-12)
    assert not hasattr(fitted(max_iter=1), "scaler_")


# Networks


@pytest.mark.parametrize("net_dtype", ["float32", "float64"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 30])
def test_arrays_put_into_a_network_are_computed_with_in_full(tmp_path, dtype, rows, net_dtype):
    """Weights and biases of any real dtype give what NumPy gives in float64, and so do cost, gradient and file."""
    coefs, intercepts = drawn(2, dtype)
    net = cr.Network([3, 4, 2], activation="relu", cost="mean_squared_error", seed=0, dtype=net_dtype)
    net.weights, net.biases = [c.T for c in coefs], intercepts
    x, due = X[:rows], by_numpy(coefs, intercepts, "identity")[:rows]
    outputs = net.feedforward(x)
    single = np.dtype(dtype).kind == "f" and np.dtype(dtype).itemsize == 4
    tolerance = 1e-5 if single else 1e-12
    assert outputs.dtype == ("float32" if single else "float64")
    np.testing.assert_allclose(outputs, due, rtol=tolerance, atol=tolerance)
    y = np.zeros((rows, 2))
    assert net.cost(x, y) == pytest.approx((due**2).sum(axis=1).mean(), rel=tolerance)
    np.testing.assert_allclose(net.backprop(x, y).nabla_b[1], 2 * due.sum(axis=0), rtol=1e-4 if single else 1e-11)
    net.save(tmp_path / "net.safetensors")
    np.testing.assert_allclose(cr.load(tmp_path / "net.safetensors").feedforward(x), outputs, rtol=tolerance)


def test_biases_as_the_books_columns_are_taken():
    """Biases of the shape (n_out, 1), as the book has them, are those numbers; and they are trained in place."""
    net, other = (cr.Network([3, 4, 2], seed=0, dtype="float64") for _ in range(2))
    columns = [b[:, None].copy() for b in net.biases]
    net.biases = columns
    assert np.array_equal(net.feedforward(X), other.feedforward(X))
    for network in (net, other):
        cr.train(network, (X, np.arange(30) % 2), epochs=2, batch_size=5, learning_rate=0.5)
    assert all(net.biases[k] is columns[k] for k in range(2))
    assert all(np.array_equal(b.ravel(), due) for b, due in zip(net.biases, other.biases, strict=True))


@pytest.mark.parametrize("value", [[[1.0, 2.0, 3.0]] * 4, np.ones((4, 3), int), np.ones((4, 3))], ids=["list", "int", "float64"])
def test_training_names_the_array_that_it_cannot_write_into(value):
    """Training writes into the network's arrays: one of another kind is refused, and what the message says to do works."""
    net = cr.Network([3, 4, 2], seed=0)
    net.weights[0] = value
    before = net.feedforward(X)
    with pytest.raises(SettingError, match=r"must be float32; weights\[0\] is \w+: net.weights\[0\] = np.array") as error:
        cr.train(net, (X, np.arange(30) % 2), epochs=1, batch_size=5, learning_rate=0.5)
    exec(str(error.value).rpartition(": ")[2], {"net": net, "np": np})
    np.testing.assert_allclose(net.feedforward(X), before, atol=1e-6)
    cr.train(net, (X, np.arange(30) % 2), epochs=1, batch_size=5, learning_rate=0.5)


def test_a_plan_of_another_dtype_is_refused():
    """No plan asks an engine to compute in anything but float32 and float64."""
    for dtype in ("int64", "float16", "longdouble", ">f8", np.float64):
        with pytest.raises(UnknownName, match="dtype"):
            Plan((Layer(1, 1, "sigmoid"),), dtype=dtype)


@pytest.mark.skipif("fused" not in ENGINES, reason="there are no kernels here")
def test_the_kernels_convert_no_array():
    """An array of another dtype or layout is refused by the native module: what it wrote into a copy would be lost."""
    from chainrule.engines import _fused
    from chainrule.engines.fused import DEBUG, unwritten

    net = cr.Network([3, 4, 2], seed=0)
    given = (_fused.instruction_sets()[0], [3, 4, 2], [0, 0], net.weights, net.biases, X)
    for out in (np.zeros((30, 2), int), np.zeros((30, 2), np.float16), np.zeros((2, 30)).T):
        with pytest.raises(TypeError):
            _fused.feedforward(*given, out, -np.inf, np.inf)
        assert not out.any()
    with pytest.raises(TypeError):
        _fused.count_entries(X, np.zeros(30, np.int32), 1)
    assert DEBUG
    assert np.isnan(unwritten(3)).all()


def test_outputs_that_are_no_numbers_are_no_label():
    """NaN in the outputs is refused as a label, which argmax would make of it."""
    for sizes in ([3, 4, 2], [3, 4, 1]):
        net = cr.Network(sizes, seed=0)
        net.weights[1][...] = np.nan
        for rows in (1, 30):
            with pytest.raises(cr.ChainruleError, match="outputs hold NaN, which stands for no label"):
                net.predict(X[:rows])


# What an attack on the estimators found


def quietly(function, *arguments, **settings):
    """Call a function without its warnings of epochs that did not suffice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **settings)


@pytest.mark.parametrize(("z", "dtype"), [(-60.0, "float32"), (-80.0, "float32"), (-700.0, "float64")])
def test_the_poisson_loss_of_tiny_rates_is_exact(z, dtype):
    """A rate far below 1 costs what its logarithm says, down to the smallest normal number."""
    net = cr.Network([1, 1], cost="poisson", seed=0, dtype=dtype)
    net.weights[0][...], net.biases[0][...] = 1, 0
    expected = np.exp(z) - 2 + 2 * (np.log(2) - z)
    for engine in ENGINES.values():
        found = engine.open(net.plan, net.state(), threads=1).evaluate(engine.prepare(cr.Examples([[z]], [[2.0]])))
        assert found.cost == pytest.approx(expected, rel=1e-6)


def test_a_poisson_regression_that_begins_far_off_does_not_end_as_converged():
    """Rates that begin below 1e-19 are learnt, as in scikit-learn, instead of costing the same whatever they are."""
    x = np.random.default_rng(0).uniform(250, 300, (200, 1)).astype("f4")
    y = np.random.default_rng(1).poisson(3, 200) + 1
    settings = {"loss": "poisson", "hidden_layer_sizes": (), "random_state": 1, "alpha": 0, "max_iter": 400}
    model = quietly(cr.MLPRegressor(**settings).fit, x, y)
    exact = quietly(peer.MLPRegressor(**settings).fit, x, y)
    assert model.loss_curve_[0] == pytest.approx(exact.loss_curve_[0], rel=1e-3)
    assert model.predict(x).mean() == pytest.approx(exact.predict(x).mean(), rel=0.1)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.int64])
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_numpys_scalars_are_the_numbers_that_they_are(solver, kind):
    """alpha, tol and max_iter as NumPy's scalars compute what Python's numbers of the same value compute."""
    alpha, tol = (1, 0) if kind is np.int64 else (kind(0.1), kind(1e-3))
    settings = {"hidden_layer_sizes": (6,), "solver": solver, "random_state": 0}
    models = [
        quietly(cr.MLPRegressor(alpha=a, tol=t, max_iter=n, **settings).fit, IRIS.data, IRIS.target.astype(float))
        for a, t, n in ((kind(alpha), kind(tol), np.int64(12)), (float(alpha), float(tol), 12))
    ]
    assert models[0].loss_ == models[1].loss_
    assert models[0].n_iter_ == models[1].n_iter_
    assert all(np.array_equal(a, b) for a, b in zip(models[0].coefs_, models[1].coefs_, strict=True))


def test_weights_that_ran_away_at_once_are_no_fit():
    """With early stopping too weights that ran away raise where scikit-learn raises; values that never had a score raise here."""
    x, y = load_wine(return_X_y=True)
    settings = {"solver": "sgd", "batch_size": 10, "random_state": 0, "max_iter": 50, "early_stopping": True}
    rates = {"alpha": 100.0, "learning_rate_init": 0.1}
    for library in (peer, cr):
        with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
            quietly(library.MLPClassifier(**rates, **settings).fit, x, y)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        quietly(cr.MLPRegressor(learning_rate_init=1e200, **settings).fit, x, y)
    models = [quietly(library.MLPClassifier(activation="identity", **rates, **settings).fit, x, y) for library in (cr, peer)]
    assert models[0].n_iter_ == models[1].n_iter_


def test_a_scale_stays_with_the_weights_that_were_trained_on_it():
    """standardize=False after a fit changes nothing before the next fit anew: partial_fit goes on with scaled columns."""
    x = RNG.normal(size=(60, 3)) * 50 + 300
    y = (x[:, 0] > 300).astype(int)
    clf = quietly(cr.MLPClassifier((5,), standardize=True, max_iter=300, random_state=0, learning_rate_init=0.01).fit, x, y)
    before = clf.score(x, y)
    clf.set_params(standardize=False, learning_rate_init=1e-12)
    quietly(clf.partial_fit, x, y)
    assert clf.score(x, y) == before > 0.9
    quietly(clf.fit, x, y)
    assert not hasattr(clf, "scaler_")


@pytest.mark.parametrize(("first", "then"), [("two", "several"), ("two", "three"), ("three", "several"), ("several", "three")])
def test_private_caches_never_decide(first, then):
    """An estimator that took another's public attributes answers as that one, for all that it was fitted to something else."""
    targets = {"two": np.arange(30) % 2, "three": np.arange(30) % 3, "several": RNG.integers(0, 2, (30, 3))}
    models = {kind: quietly(cr.MLPClassifier((4,), max_iter=3, random_state=0).fit, X, targets[kind]) for kind in (first, then)}
    for name in ("coefs_", "intercepts_", "n_layers_", "n_outputs_", "out_activation_", "classes_"):
        setattr(models[first], name, getattr(models[then], name))
    for rows in (1, 30):
        assert np.array_equal(models[first].predict(X[:rows]), models[then].predict(X[:rows]))


def test_labels_have_the_type_that_classes_have():
    """Booleans in the place of 0 and 1 are what predict gives."""
    clf = quietly(cr.MLPClassifier((4,), max_iter=3, random_state=0).fit, X, np.arange(30) % 2)
    clf.classes_ = np.array([False, True])
    assert clf.predict(X).dtype == bool


def test_another_output_than_was_fitted_is_refused_in_training():
    """A loss that asks for another output than the fitted one is refused by partial_fit and a warm fit, in both directions."""
    model = quietly(cr.MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0).fit, X, np.arange(30) % 3)
    model.set_params(loss="poisson")
    with pytest.raises(ValueError, match="require out_activation_ 'exp', but the fitted network has 'identity'; refit"):
        model.partial_fit(X, np.arange(30) % 3)
    model = put_together(cr, "counts", *drawn(1, "f8")).set_params(hidden_layer_sizes=(4,))
    model.out_activation_ = "exp"
    with pytest.raises(ValueError, match="require out_activation_ 'identity', but the fitted network has 'exp'"):
        model.partial_fit(X, np.arange(30) % 3)


DATES = np.array(["2020-01-01", "2020-01-02", "NaT"], "M8[D]")[:, None]


@pytest.mark.parametrize("kind", ["array", "lengths of time", "pandas", "polars"])
def test_dates_are_no_numbers(kind):
    """Dates and lengths of time are refused at fit and predict, NaT among them, instead of being read as whole numbers."""
    x = {"array": lambda: DATES, "lengths of time": lambda: DATES - DATES[0]}.get(kind)
    if kind == "pandas":
        x = lambda: pytest.importorskip("pandas").DataFrame({"when": DATES[:, 0].astype("M8[ns]")})  # noqa: E731
    if kind == "polars":
        x = lambda: pytest.importorskip("polars").DataFrame({"when": DATES[:, 0].astype("M8[ms]")})  # noqa: E731
    model = quietly(cr.MLPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0).fit, np.eye(3)[:, :1], [0.0, 1.0, 0.0])
    for ask in (lambda: model.predict(x()), lambda: cr.MLPRegressor().fit(x(), [0.0, 1.0, 0.0]), lambda: cr.Examples(x())):
        with pytest.raises(TypeError, match=r"holds .*; it must hold numbers"):
            ask()


def test_masked_values_are_no_data():
    """Values that a mask hides are refused, in an array and in a list of rows."""
    masked = np.ma.masked_array(X, mask=X > 2)
    model = quietly(cr.MLPRegressor(hidden_layer_sizes=(3,), max_iter=3, random_state=0).fit, X, X[:, 0])
    for ask in (lambda: model.predict(masked), lambda: model.fit(masked, X[:, 0]), lambda: cr.Examples([*masked])):
        with pytest.raises(ValueError, match="what its mask hides is no data"):
            ask()


@pytest.mark.parametrize("with_std", [True, False])
@pytest.mark.parametrize("with_mean", [True, False])
def test_a_scaler_is_folded_as_it_scales(tmp_path, with_mean, with_std):
    """The saved network scales as scaler_ does, whichever of its halves is switched off."""
    clf = fitted(max_iter=3, standardize=True)
    clf.scaler_ = StandardScaler(with_mean=with_mean, with_std=with_std).fit(IRIS.data)
    clf.save(tmp_path / "clf.safetensors")
    np.testing.assert_allclose(
        cr.load(tmp_path / "clf.safetensors").feedforward(IRIS.data), clf.predict_proba(IRIS.data), rtol=1e-9
    )


def test_nan_is_no_class():
    """A classifier whose outputs are NaN names no class."""
    clf = fitted(max_iter=1)
    clf.coefs_[0][...] = np.nan
    for rows in (1, 30):
        with pytest.raises(ValueError, match="outputs contain NaN, so no class can be predicted"):
            clf.predict(IRIS.data[:rows])


def test_what_belongs_to_an_earlier_fit_is_gone():
    """A curve of a validation set is not there after a fit without one, and a network of other parameters tells no training."""
    clf = fitted(max_iter=3)
    quietly(clf.fit, IRIS.data, IRIS.target, X_val=IRIS.data, y_val=IRIS.target)
    quietly(clf.fit, IRIS.data, IRIS.target)
    assert not hasattr(clf, "validation_loss_curve_")
    assert clf.network_.provenance.epochs == 3
    clf.coefs_, clf.intercepts_ = [np.ones((4, 7)), np.ones((7, 3))], [np.ones(7), np.ones(3)]
    assert clf.network_.provenance is None
