"""Invalid arguments: each has its exception, with what was required, what was given and the remedy, and changes nothing."""

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.errors import (
    ChainruleError,
    DataError,
    DataTypeError,
    EngineError,
    FileError,
    MissingExtra,
    ModelFileError,
    SettingError,
    UnknownName,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 4))
Y = RNG.integers(0, 3, 20)
NAN, INF = X.copy(), X.copy()
NAN[3, 2] = np.nan
INF[19, 3] = -np.inf


def network(**settings):
    """A network for X and Y."""
    return cr.Network([4, 5, 3], seed=0, **settings)


def bits(net):
    """The parameters, byte by byte."""
    return [part.tobytes() for part in [*net.weights, *net.biases]]


def assert_mistake(act, kind, message):
    """Doing so raises a chainrule error of that kind, which is the builtin of its tree as well, with one line that matches."""
    builtin = TypeError if kind is DataTypeError else ValueError
    with pytest.raises(kind, match=message) as caught:
        act()
    assert isinstance(caught.value, builtin)
    assert isinstance(caught.value, ChainruleError)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_errors_are_the_builtins_they_look_like():
    """Each error is a ChainruleError and the builtin a caller would expect."""
    builtins = {
        SettingError: ValueError,
        UnknownName: SettingError,
        DataError: ValueError,
        ModelFileError: DataError,
        DataTypeError: TypeError,
        FileError: OSError,
        EngineError: RuntimeError,
        MissingExtra: ImportError,
    }
    for error, builtin in builtins.items():
        assert issubclass(error, builtin)
        assert issubclass(error, ChainruleError)


# x

BAD_X = {
    "NaN": (NAN, DataError, r"x holds NaN or inf, first at \[3, 2\]; remove or replace"),
    "inf": (INF, DataError, r"x holds NaN or inf, first at \[19, 3\]; remove or replace"),
    "NaN in float32": (NAN.astype(np.float32), DataError, r"x holds NaN or inf, first at \[3, 2\]"),
    "NaN and inf that cancel": ([[np.inf, 0, 0, 0], [-np.inf, 0, 0, 0]], DataError, r"x holds NaN or inf, first at \[0, 0\]"),
    "NaN in CSR": (sparse.csr_array(NAN), DataError, "x holds NaN or inf"),
    "objects": (np.full((2, 4), object()), DataTypeError, r"x holds Python objects \(object\); it must hold numbers"),
    "text among numbers": ([[1, "2", 2, 3], [1, 2, 3, 4]], DataTypeError, "x holds text; it must hold numbers"),
    "text in objects": (np.array([[1, "2", 2, 3]], object), DataTypeError, "x holds text; it must hold numbers"),
    "complex objects": (np.array([[1, 2j, 2, 3]], object), DataTypeError, r"x holds Python objects \(complex\)"),
    "None among numbers": ([[1, None, 2, 3]], DataError, r"x has no value at \[0, 1\]; fill it in, or leave out"),
    "an object beyond float64": ([[1, 10**400, 2, 3]], DataError, "x holds a number beyond float64; scale it"),
    "text": (X.astype(str), DataTypeError, "x holds text; it must hold numbers"),
    "bytes": (X.astype("S8"), DataTypeError, "x holds text; it must hold numbers"),
    "complex": (X + 0j, DataTypeError, "x holds complex128; it must hold numbers"),
    "dates": (np.zeros((2, 4), "M8[D]"), DataTypeError, r"x holds datetime64\[D\]; it must hold numbers"),
    "records": (np.zeros((2, 4), "i4,i4"), DataTypeError, "it must hold numbers"),
    "CSR of complex": (sparse.csr_array(X + 0j), DataTypeError, "x holds complex128; it must hold numbers"),
    "ragged": ([[1, 2, 3, 4], [1, 2]], DataError, "x must have rows of equal length"),
    "ragged deeper": ([[1, 2, 3, [4]], [1, 2, 3, 4]], DataError, "x must have rows of equal length"),
    "a string": ("1234", (DataError, DataTypeError), "x (must|holds)"),
    "nothing": (None, DataTypeError, r"x holds Python objects \(NoneType\); it must hold numbers"),
    "a generator": ((row for row in X), DataTypeError, r"x holds Python objects \(generator\); it must hold numbers"),
    "a dict": ({"x": 1}, DataTypeError, r"x holds Python objects \(dict\); it must hold numbers"),
    "a number": (3.0, DataError, r"x must have shape \(n, n_in\), a row an example; it has shape \(\)"),
    "3-D": (np.zeros((2, 2, 4)), DataError, r"x must have shape \(n, n_in\), a row an example; it has shape \(2, 2, 4\)"),
    "no rows": (np.zeros((0, 4)), DataError, r"x is empty: its shape is \(0, 4\)"),
    "no columns": (np.zeros((4, 0)), DataError, r"x is empty: its shape is \(4, 0\)"),
    "an empty list": ([], DataError, r"x (must have shape|is empty).*\(0,\)"),
    "CSR without rows": (sparse.csr_array((0, 4)), DataError, r"n and n_in of 1 or more; it has shape \(0, 4\)"),
    "a sparse row": (
        sparse.coo_array(np.ones(4)),
        DataError,
        r"x must have shape .*; it has shape \(4,\)|x is one row; pass a batch of rows",
    ),
    "too few columns": (X[:, :3], DataError, "x has 3 columns, but the network's first layer takes 4"),
    "too many columns": (np.hstack([X, X]), DataError, "x has 8 columns, but the network's first layer takes 4"),
    "CSR of another width": (sparse.csr_array(X[:, :3]), DataError, "x has 3 columns, but the network's first layer takes 4"),
    "0/1 pixels": (
        np.ones((3, 4), np.uint8),
        DataError,
        r"means pixels 0..255, but its largest value is 1; pass x.astype\('float32'\)",
    ),
    "black pixels": (np.zeros((3, 4), np.uint8), DataError, r"means pixels 0..255, but its largest value is 0; pass x.astype"),
    "masked": (np.ma.array(X, mask=X > 1), DataError, "mask"),
}


@pytest.mark.parametrize("name", BAD_X)
@pytest.mark.parametrize("where", ["feedforward", "predict", "cost", "backprop", "train", "Examples"])
def test_bad_x(name, where):
    """Invalid inputs are refused by every function that takes inputs, with the reason."""
    x, kind, message = BAD_X[name]
    net = network()
    before, n = bits(net), x.shape[0] if hasattr(x, "shape") else 1
    acts = {
        "feedforward": lambda: net.feedforward(x),
        "predict": lambda: net.predict(x),
        "cost": lambda: net.cost(x, np.zeros(n, int)),
        "backprop": lambda: net.backprop(x, np.zeros(n, int)),
        "train": lambda: cr.train(net, (x, np.zeros(n, int)), epochs=1, batch_size=2, learning_rate=1),
        "Examples": lambda: net.feedforward(cr.Examples(x)),
    }
    if isinstance(kind, tuple):
        with pytest.raises(kind, match=message):
            acts[where]()
    else:
        assert_mistake(acts[where], kind, message)
    assert bits(net) == before


def test_one_row_is_no_batch():
    """A single row is refused with how to make a batch of it."""
    assert_mistake(
        lambda: network().feedforward(X[0]), DataError, r"x is one row; pass a batch of rows, \(m, 4\), such as x\[None\]"
    )


def test_the_error_for_an_image_of_another_width_gives_the_shape():
    """Images of the wrong width are refused with the shape they need."""
    net = cr.Network([784, 10], seed=0)
    message = r"x has 783 columns, but the network's first layer takes 784"
    assert_mistake(lambda: net.feedforward(np.zeros((2, 783))), DataError, message)
    assert_mistake(lambda: net.feedforward(np.zeros((2, 28, 28))), DataError, r"x must have shape \(n, n_in\)")


# y

BAD_Y = {
    "labels below 0": (Y - 1, DataError, r"labels must lie in 0\.\.2, for the network has 3 outputs; y holds -1"),
    "labels above n_out - 1": (Y + 1, DataError, r"labels must lie in 0\.\.2, for the network has 3 outputs; y holds 3"),
    "huge labels": (np.full(20, 2**63, np.uint64), DataError, r"labels must lie in 0\.\.2, .*; y holds 9"),
    "fractional labels": (Y + 0.5, DataError, r"labels must be whole numbers 0\.\.2; y holds \d\.5. Targets .* shape \(n, 3\)"),
    "text": (Y.astype(str), DataTypeError, "y holds text; it must hold numbers. Encode text as numbers first: labels as 0, 1, 2"),
    "a list of text": (["cat"] * 20, DataTypeError, "y holds text; it must hold numbers. Encode text as numbers first"),
    "objects": (np.full(20, object()), DataTypeError, r"y holds Python objects \(object\); it must hold numbers"),
    "a gap": ([0] * 19 + [None], DataError, r"y has no value at \[19\]; fill it in, or leave out"),
    "sparse": (sparse.csr_array(np.eye(20)[:, :3]), DataTypeError, "y holds Python objects .*; it must hold numbers"),
    "NaN": (np.where(np.arange(20) == 4, np.nan, Y), DataError, r"y holds NaN or inf, first at \[4\]; remove or replace"),
    "inf targets": (np.full((20, 3), np.inf), DataError, r"y holds NaN or inf, first at \[0, 0\]"),
    "too few": (Y[:19], DataError, "y must have a row for each of the 20 rows of x; it has 19"),
    "too many": (np.append(Y, 0), DataError, "y must have a row for each of the 20 rows of x; it has 21"),
    "none at all": ([], DataError, "y must have a row for each of the 20 rows of x; it has 0"),
    "a number": (1, DataError, r"y must have shape \(n,\) or \(n, n_out\); it has shape \(\)"),
    "3-D": (np.zeros((20, 3, 1)), DataError, r"y must have shape \(n,\) or \(n, n_out\); it has shape \(20, 3, 1\)"),
    "no columns": (np.zeros((20, 0)), DataError, r"y is empty: its shape is \(20, 0\)"),
    "too few columns": (
        np.zeros((20, 2)),
        DataError,
        r"y has 2 columns, but the network has 3 outputs; targets have shape \(n, 3\)",
    ),
    "a column of labels": (Y[:, None], DataError, r"y has 1 columns?, but the network has 3 outputs; targets have shape \(n, 3\)"),
    "ragged": ([[1, 0, 0], [1]] * 10, DataError, "y must have rows of equal length"),
    "None": (None, DataError, "these examples have no y; give labels or targets as well"),
}


@pytest.mark.parametrize("name", BAD_Y)
@pytest.mark.parametrize("where", ["cost", "accuracy", "backprop", "train", "validation"])
def test_bad_y(name, where):
    """Labels and targets that are none are refused wherever they come in, validation included, and nothing is trained."""
    y, kind, message = BAD_Y[name]
    net = network()
    before = bits(net)
    settings = {"epochs": 1, "batch_size": 2, "learning_rate": 1}
    acts = {
        "cost": lambda: net.cost(X, y),
        "accuracy": lambda: net.accuracy(X, y),
        "backprop": lambda: net.backprop(X, y),
        "train": lambda: cr.train(net, (X, y), **settings),
        "validation": lambda: cr.train(net, (X, Y), validation=(X, y), **settings),
    }
    assert_mistake(acts[where], kind, message)
    assert bits(net) == before
    assert net.provenance is None


@pytest.mark.parametrize(
    ("cost", "y", "message"),
    [
        ("cross_entropy", 1.5, r"targets of cross_entropy lie between 0 and 1; y holds 1\.5"),
        ("cross_entropy", -0.1, r"targets of cross_entropy lie between 0 and 1; y holds -0\.1"),
        ("log_loss", 2.0, r"targets of log_loss .*; y holds 2"),
        ("poisson", -1.0, r"targets of poisson are at least 0; y holds -1"),
    ],
)
def test_targets_out_of_a_costs_range(cost, y, message):
    """Targets outside a cost's range are refused, with the range and the value that was given."""
    targets = np.eye(3)[Y]
    targets[7, 1] = y
    net = network(cost=cost)
    assert_mistake(lambda: net.cost(X, targets), DataError, message)
    assert_mistake(lambda: net.backprop(X, targets), DataError, message)


def test_accuracy_of_values_says_to_ask_for_the_cost():
    """Asking for the accuracy where y holds values is refused, and the message names the method to call instead."""
    net = cr.Network([4, 1], cost="mean_squared_error", seed=0)
    assert_mistake(lambda: net.accuracy(X, X[:, 0]), DataError, r"accuracy needs classes.*; call cost\(\) instead")


# Row weights

BAD_WEIGHTS = {
    "negative": (-np.ones(20), DataError, "weights must be at least 0, and not all 0; the least is -1"),
    "all 0": (np.zeros(20), DataError, "weights must be at least 0, and not all 0; the least is 0, the largest 0"),
    "NaN": (np.full(20, np.nan), DataError, r"weights holds NaN or inf, first at \[0\]"),
    "too few": (np.ones(19), DataError, r"weights must have shape \(20,\), one for each row of x; it has shape \(19,\)"),
    "a column": (np.ones((20, 1)), DataError, r"weights must have shape \(20,\), one for each row of x; it has shape \(20, 1\)"),
    "text": (["a"] * 20, DataTypeError, "weights holds text; it must hold numbers"),
    "nothing": ([None] * 20, DataError, r"weights has no value at \[0\]"),
    "ragged": ([[1], [1, 2]] * 10, DataError, "weights must have rows of equal length"),
    "beyond all sums": (np.full(20, 1e308), DataError, "weights"),
}


@pytest.mark.parametrize("name", BAD_WEIGHTS)
def test_bad_row_weights(name):
    """Row weights that are none are refused."""
    weights, kind, message = BAD_WEIGHTS[name]
    assert_mistake(lambda: cr.Examples(X, Y, weights=weights), kind, message)


# Networks

BAD_NETWORKS = {
    "one size": ({"sizes": [784]}, SettingError, r"sizes must name the inputs and one layer or more, such as .*; it is \[784\]"),
    "no sizes": ({"sizes": []}, SettingError, r"sizes must name the inputs and one layer or more, .*; it is \[\]"),
    "a size of 0": ({"sizes": [4, 0, 3]}, SettingError, "each of sizes must be a whole number of at least 1; it is 0"),
    "a negative size": ({"sizes": [4, -5, 3]}, SettingError, "each of sizes must be a whole number of at least 1; it is -5"),
    "a fractional size": ({"sizes": [4, 2.5]}, SettingError, r"each of sizes must be a whole number of at least 1; it is 2\.5"),
    "a float size": ({"sizes": [4.0, 3]}, SettingError, r"each of sizes must be a whole number of at least 1; it is 4\.0"),
    "a size of text": ({"sizes": [4, "3"]}, SettingError, "each of sizes must be a whole number of at least 1; it is '3'"),
    "a size of None": ({"sizes": [4, None]}, SettingError, "each of sizes must be a whole number of at least 1; it is None"),
    "a true size": ({"sizes": [4, True]}, SettingError, "each of sizes must be a whole number of at least 1; it is True"),
    "a NaN size": ({"sizes": [4, float("nan")]}, SettingError, "each of sizes must be a whole number of at least 1; it is nan"),
    "nested sizes": ({"sizes": [[4, 3], [3, 2]]}, SettingError, "each of sizes must be a whole number"),
    "sizes that are a number": ({"sizes": 784}, SettingError, r"sizes must be a list such as \[784, 30, 10\]; it is 784"),
    "sizes of None": ({"sizes": None}, SettingError, r"sizes must be a list such as \[784, 30, 10\]; it is None"),
    "sizes of text": ({"sizes": "784"}, SettingError, "sizes must be"),
    "sizes beyond memory": ({"sizes": [10**12, 10**12]}, SettingError, "sizes"),
    "sizes beyond any array": ({"sizes": [2**62, 2**62]}, SettingError, "sizes"),
    "an unknown activation": (
        {"activation": "sigmiod"},
        UnknownName,
        "unknown activation 'sigmiod'; did you mean 'sigmoid'.*[Tt]he names are: sigmoid, tanh",
    ),
    "an activation of None": ({"activation": None}, SettingError, "activation"),
    "an activation that is a number": ({"activation": 5}, SettingError, "activation"),
    "a function as activation": ({"activation": np.tanh}, SettingError, "activation"),
    "too many activations": ({"activation": ["tanh", "relu"]}, SettingError, "one for each of the 1 hidden layers?; it names 2"),
    "activations with one unknown": ({"activation": ["relux"]}, UnknownName, "unknown activation 'relux'; did you mean 'relu'"),
    "activations with a list": ({"activation": [["relu"]]}, UnknownName, r"unknown activation \['relu'\]"),
    "softmax in a hidden layer": (
        {"activation": "softmax"},
        SettingError,
        "softmax makes a row of outputs one distribution: it is for the output layer; take sigmoid",
    ),
    "softmax among the hidden": ({"activation": ["softmax"]}, SettingError, "it is for the output layer"),
    "an unknown output": ({"output": "softmaxx"}, UnknownName, "unknown activation 'softmaxx'; did you mean 'softmax'"),
    "an output that is a number": ({"output": 3}, UnknownName, "unknown activation 3"),
    "an unknown cost": (
        {"cost": "quadratc"},
        UnknownName,
        "unknown cost 'quadratc'; did you mean 'quadratic'.*[Tt]he names are: quadratic, mean_squared_error",
    ),
    "a cost that is a list": ({"cost": ["quadratic"]}, UnknownName, "unknown cost"),
    "an own cost with an unknown output": (
        {"cost": cr.Cost("own", lambda a, y: a[:, 0], lambda a, y: a, output="sigmod")},
        UnknownName,
        "unknown activation 'sigmod'; did you mean 'sigmoid'",
    ),
    "cross-entropy with softmax": (
        {"cost": "cross_entropy", "output": "softmax"},
        SettingError,
        "needs output='sigmoid', but the output is 'softmax'; .*take cost='log_loss'",
    ),
    "log loss with sigmoid": (
        {"cost": "log_loss", "output": "sigmoid"},
        SettingError,
        "needs output='softmax', but the output is 'sigmoid'; .*take cost='cross_entropy'",
    ),
    "poisson with identity": (
        {"cost": "poisson", "output": "identity"},
        SettingError,
        "poisson needs output='exp' or .*, but the output is 'identity'",
    ),
    "an unknown initializer": (
        {"init": "gaussian"},
        UnknownName,
        "unknown initializer .*'gaussian'.*[Tt]he names are: normal, scaled",
    ),
    "an empty initializer": ({"init": ""}, UnknownName, "unknown initializer"),
    "an initializer that is a list": ({"init": ["normal"]}, UnknownName, "unknown initializer"),
    "an unknown dtype": ({"dtype": "float16"}, UnknownName, "unknown dtype 'float16'; .*[Tt]he names are: float32, float64"),
    "a whole dtype": ({"dtype": int}, UnknownName, "unknown dtype 'int64'.*[Tt]he names are: float32, float64"),
    "a dtype that is none": ({"dtype": "floaty"}, UnknownName, "unknown dtype 'floaty'"),
    "a negative seed": ({"seed": -1}, SettingError, "seed must be a whole number of at least 0; it is -1"),
    "a fractional seed": ({"seed": 1.5}, SettingError, r"seed must be a whole number of at least 0; it is 1\.5"),
    "a seed too large": ({"seed": 2**64}, SettingError, r"seed must be below 2\*\*64"),
    "a seed of text": ({"seed": "seed"}, SettingError, "seed must be a whole number of at least 0; it is 'seed'"),
}


@pytest.mark.parametrize("name", BAD_NETWORKS)
def test_bad_networks(name):
    """An invalid network is refused at construction, with the requirement, the value given, and the nearest valid name."""
    settings, kind, message = BAD_NETWORKS[name]
    assert_mistake(lambda: cr.Network(**{"sizes": [4, 5, 3], **settings}), kind, message)


# Trainings

BAD_TRAININGS = {
    "a rate of 0": ({"learning_rate": 0}, SettingError, "learning_rate must be a number, above 0 and finite; it is 0"),
    "a negative rate": ({"learning_rate": -3.0}, SettingError, r"learning_rate must be a number, above 0 and finite; it is -3\.0"),
    "a NaN rate": ({"learning_rate": float("nan")}, SettingError, "learning_rate must be a number, above 0 and finite; it is nan"),
    "an infinite rate": ({"learning_rate": np.inf}, SettingError, "learning_rate must be a number, above 0 and finite; it is inf"),
    "a rate of text": ({"learning_rate": "3"}, SettingError, "learning_rate must be a number, above 0 and finite; it is '3'"),
    "a rate of None": ({"learning_rate": None}, SettingError, "learning_rate must be a number, above 0 and finite; it is None"),
    "a true rate": ({"learning_rate": True}, SettingError, "learning_rate must be a number, above 0 and finite; it is True"),
    "a batch size of 0": ({"batch_size": 0}, SettingError, "batch_size must be a whole number of at least 1; it is 0"),
    "a negative batch size": ({"batch_size": -10}, SettingError, "batch_size must be a whole number of at least 1; it is -10"),
    "a fractional batch size": ({"batch_size": 2.5}, SettingError, r"batch_size must be a whole number of at least 1; it is 2\.5"),
    "a batch size of None": ({"batch_size": None}, SettingError, "batch_size must be a whole number of at least 1; it is None"),
    "negative epochs": ({"epochs": -1}, SettingError, "epochs must be a whole number of at least 0; it is -1"),
    "fractional epochs": ({"epochs": 1.5}, SettingError, r"epochs must be a whole number of at least 0; it is 1\.5"),
    "epochs of text": ({"epochs": "30"}, SettingError, "epochs must be a whole number of at least 0; it is '30'"),
    "an unknown optimizer": (
        {"optimizer": "adma"},
        UnknownName,
        "unknown optimizer 'adma'; did you mean 'adam'.*[Tt]he names are: sgd, momentum",
    ),
    "an optimizer's class": ({"optimizer": cr.optimizers.SGD}, UnknownName, "unknown optimizer"),
    "an optimizer that is a list": ({"optimizer": ["sgd"]}, UnknownName, "unknown optimizer"),
    "an unknown schedule": (
        {"schedule": "cosin"},
        UnknownName,
        "unknown schedule 'cosin'; did you mean 'cosine'.*[Tt]he names are: constant",
    ),
    "a schedule that is a number": ({"schedule": 0.5}, UnknownName, "unknown schedule 0.5"),
    "a schedule that is a list": ({"schedule": [1.0]}, UnknownName, "unknown schedule"),
    "a schedule that gives NaN": (
        {"schedule": lambda step, total: np.nan * step},
        SettingError,
        "factors must be finite and at least 0; .*nan",
    ),
    "a schedule that gives less than 0": (
        {"schedule": lambda step, total: -1.0},
        SettingError,
        "factors must be finite and at least 0; .*-1",
    ),
    "a schedule that gives too many": (
        {"schedule": lambda step, total: [1.0] * 99},
        SettingError,
        r"a factor for each of its \d+ steps; .*\(99,\)",
    ),
    "a schedule that gives text": ({"schedule": lambda step, total: "half"}, SettingError, "schedule"),
    "a negative l1": ({"l1": -1}, SettingError, "l1 must be a number, at least 0 and finite; it is -1"),
    "a NaN l2": ({"l2": float("nan")}, SettingError, "l2 must be a number, at least 0 and finite; it is nan"),
    "an l2 of text": ({"l2": "much"}, SettingError, "l2 must be a number, at least 0 and finite; it is 'much'"),
    "dropout of 1": ({"dropout": 1.0}, SettingError, r"dropout must be a number, at least 0 and below 1; it is 1\.0"),
    "negative dropout": ({"dropout": -0.5}, SettingError, r"dropout must be a number, at least 0 and below 1; it is -0\.5"),
    "label smoothing of 1": (
        {"label_smoothing": 1},
        SettingError,
        "label_smoothing must be a number, at least 0 and below 1; it is 1",
    ),
    "label smoothing of another cost": (
        {"label_smoothing": 0.1},
        SettingError,
        "label_smoothing needs a cost of classes, log_loss or cross_entropy; this network's cost is quadratic: .*cost='log_loss'",
    ),
    "a clip of 0": ({"clip": 0}, SettingError, "clip must be a number, above 0 and finite; it is 0"),
    "an infinite clip": ({"clip": np.inf}, SettingError, "clip must be a number, above 0 and finite; it is inf"),
    "a negative seed": ({"seed": -1}, SettingError, "seed must be a whole number of at least 0; it is -1"),
    "a seed too large": ({"seed": 2**64}, SettingError, r"seed must be below 2\*\*64"),
    "an unknown engine": ({"engine": "fast"}, UnknownName, "unknown engine 'fast'; .*[Tt]he names are: auto, "),
    "an engine that is a list": ({"engine": ["auto"]}, UnknownName, "unknown engine"),
    "threads of 0": ({"threads": 0}, SettingError, "threads must be a whole number of at least 1; it is 0"),
    "threads of text": ({"threads": "all"}, SettingError, "threads must be .*; it is 'all'"),
    "early stopping without validation": (
        {"early_stopping": 3},
        SettingError,
        "early_stopping watches the validation examples; pass validation=",
    ),
    "a patience of 0": (
        {"early_stopping": 0, "validation": (X, Y)},
        SettingError,
        "patience must be a whole number of at least 1; it is 0",
    ),
    "a patience of text": (
        {"early_stopping": "3", "validation": (X, Y)},
        SettingError,
        "patience must be a whole number of at least 1; it is '3'",
    ),
    "true patience": (
        {"early_stopping": True, "validation": (X, Y)},
        SettingError,
        "patience must be a whole number of at least 1; it is True",
    ),
    "a validation of another width": (
        {"validation": (X[:, :3], Y)},
        DataError,
        "x has 3 columns, but the network's first layer takes 4",
    ),
    "a validation without y": ({"validation": X}, DataError, "no y"),
    "a callback that is not in a list": ({"callbacks": print}, SettingError, "callbacks"),
    "a callback that cannot be called": ({"callbacks": [3]}, SettingError, "callbacks"),
}


@pytest.mark.parametrize("name", BAD_TRAININGS)
@pytest.mark.parametrize("door", ["train", "Run"])
def test_bad_trainings(name, door):
    """A training that cannot be is refused, by ``train`` and by ``Run``, and the network is as it was."""
    settings, kind, message = BAD_TRAININGS[name]
    net = network()
    before = bits(net)
    act = cr.train if door == "train" else lambda *args, **kwargs: list(cr.Run(*args, **kwargs))
    assert_mistake(lambda: act(net, (X, Y), **{"epochs": 2, "batch_size": 5, "learning_rate": 0.5, **settings}), kind, message)
    assert bits(net) == before
    assert net.provenance is None


def test_settings_are_checked_before_anything_is_trained():
    """A Run refuses a setting when it is made, not at its first epoch; a schedule is asked only then."""
    for name, (settings, kind, _) in BAD_TRAININGS.items():
        if "that gives" not in name:
            with pytest.raises(kind):
                cr.Run(network(), (X, Y), **{"epochs": 2, "batch_size": 5, "learning_rate": 0.5, **settings})


BAD_OPTIMIZERS = {
    "momentum of 1": (lambda: cr.optimizers.SGD(momentum=1.0), r"momentum must be a number, at least 0 and below 1; it is 1\.0"),
    "negative momentum": (lambda: cr.optimizers.SGD(momentum=-0.1), r"momentum must be a number, at least 0 .*; it is -0\.1"),
    "nesterov alone": (lambda: cr.optimizers.SGD(nesterov=True), r"nesterov=True needs a momentum above 0, such as 0\.9"),
    "beta1 of 1": (lambda: cr.optimizers.Adam(beta1=1), "beta1 must be a number, at least 0 and below 1; it is 1"),
    "beta2 of NaN": (lambda: cr.optimizers.Adam(beta2=float("nan")), "beta2 must be a number, at least 0 and below 1; it is nan"),
    "epsilon of 0": (lambda: cr.optimizers.Adam(epsilon=0), "epsilon must be a number, above 0 and finite; it is 0"),
    "epsilon_on": (lambda: cr.optimizers.Adam(epsilon_on="root"), "unknown epsilon_on 'root'; .*[Tt]he names are: corrected, raw"),
    "weight decay": (
        lambda: cr.optimizers.AdamW(weight_decay=-1),
        "weight_decay must be a number, at least 0 and finite; it is -1",
    ),
    "rho of 1": (lambda: cr.optimizers.RMSprop(rho=1), "rho must be a number, at least 0 and below 1; it is 1"),
    "rho of text": (lambda: cr.optimizers.RMSprop(rho="0.9"), r"rho must be a number, at least 0 and below 1; it is '0\.9'"),
    "patience": (lambda: cr.EarlyStopping(patience=0), "patience must be a whole number of at least 1; it is 0"),
    "min_delta": (lambda: cr.EarlyStopping(min_delta=-1), "min_delta must be a number, at least 0 and finite; it is -1"),
    "monitor": (lambda: cr.EarlyStopping(monitor="accuracy"), "unknown monitor 'accuracy'; .*names are: validation_accuracy"),
}


@pytest.mark.parametrize("name", BAD_OPTIMIZERS)
def test_bad_settings_of_optimizers_and_early_stopping(name):
    """Settings out of their range are refused when they are made."""
    act, message = BAD_OPTIMIZERS[name]
    assert_mistake(act, SettingError, message)


def test_only_a_network_can_be_trained():
    """Anything other than a Network is refused, and the message says that a Network is needed."""
    for thing in (None, 3, [784, 30, 10], cr.Network):
        with pytest.raises((ChainruleError, TypeError), match="Network"):
            cr.train(thing, (X, Y), epochs=1, batch_size=1, learning_rate=1)


def test_a_long_list_of_names_is_cut():
    """An unknown column of a table of thousands names the most similar one, and the first names alone."""
    error = str(UnknownName("column", "x4999x", [f"x{k}" for k in range(5000)]))
    assert "did you mean 'x4999'?" in error
    assert error.endswith("x58, x59, and 4,940 more")
