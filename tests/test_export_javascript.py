"""The JavaScript target, in real Node: its numbers are the reference engine's, its refusals those of ``Network``."""

import re
from dataclasses import replace

import numpy as np
import pytest
from node import call_for_rows, check_syntax, evaluate, needs_node

import chainrule as cr
from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.feedforward import feedforward
from chainrule.errors import SettingError
from chainrule.exporting.javascript import DECIMALS_UP_TO, FIRST_WORDS, MOST_BYTES, module_text
from chainrule.exporting.javascript_functions import ACTIVATION_FUNCTIONS
from chainrule.input_spec import InputSpec
from chainrule.network import network_from
from chainrule.plan import Layer, Plan

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels"),
]

TOLERANCE = {"float64": 1e-12, "float32": 1e-6}
EXTREME = [-1e4, -745.2, -40.0, -8.0, -1e-9, 0.0, 1e-9, 0.5, 8.0, 40.0, 709.0, 1e4]
PIXELS = InputSpec("pixels", (2, 2), 0.0, 1.0)
IMAGES = InputSpec("numbers", (2, 2), 0.0, 1.0)


def random_network(sizes, seed, *, hidden="sigmoid", output="identity", dtype="float64", **settings):
    """A network with biases that are not 0, of activations that no cost would combine."""
    net = cr.Network(sizes, activation=hidden, cost="quadratic", output=output, dtype=dtype, seed=seed, **settings)
    rng = np.random.default_rng(seed)
    for b in net.biases:
        b[...] = rng.normal(size=b.shape)
    return net


def single_unit(name, *, n=1, dtype="float64"):
    """A layer that applies an activation to x itself."""
    net = random_network([n, n], 0, output=name, dtype=dtype)
    net.weights[0][...], net.biases[0][...] = np.eye(n), 0
    return net


def save(net, folder, name="net.mjs"):
    """Export a network; return the file's path."""
    cr.export(net, folder / name)
    return folder / name


def reference(net, x):
    """Every layer's activations for rows of floats, by the calculus in float64, side by side."""
    sigmas, layers = net.plan.sigmas, range(1, len(net.weights) + 1)
    weights, biases = ([np.asarray(part, np.float64) for part in parts] for parts in (net.weights, net.biases))
    return np.hstack([feedforward(weights[:k], biases[:k], sigmas[:k], x) for k in layers])


@needs_node
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_outputs_are_those_of_the_reference_engine(name, dtype, tmp_path):
    """Every activation, hidden and at the output, in both dtypes: all layers agree with the calculus in float64."""
    hidden = "tanh" if name == "softmax" else name
    rng = np.random.default_rng(3)
    for k, sizes in enumerate(([3, 2], [5, 4, 3], [40, 30, 20, 3])):  # of up to 20 units, written as decimals; the last in base64
        net = random_network(sizes, k, hidden=hidden, output=name, dtype=dtype, init="glorot_uniform")
        for w in net.weights:
            w /= 4  # three layers of exp stay far from the largest number
        assert ("decode(" in module_text(net)) == (k == 2)
        x = rng.normal(size=(20, sizes[0]))
        found = call_for_rows(save(net, tmp_path), "activations", x)
        expected = reference(net, x)
        assert np.abs(found - expected).max() <= TOLERANCE[dtype] * max(1, np.abs(expected).max())


@needs_node
@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"softmax"}))
def test_extreme_inputs_of_an_activation(name, tmp_path):
    """From -10,000 to 10,000 each value agrees to twelve digits: nothing overflows on its way to a limit, no tail is lost."""
    x = np.array(EXTREME)[:, None]
    found = call_for_rows(save(single_unit(name), tmp_path), "outputs", x)
    np.testing.assert_allclose(found, ACTIVATIONS[name].value(x), rtol=1e-12, atol=1e-300)


@needs_node
def test_extreme_inputs_of_softmax(tmp_path):
    """Softmax of z far beyond what exp can take sums to 1, and gives the largest z all."""
    x = np.array([[1e4, -1e4, 0], [1e4, 1e4, -1e4], [-1e4, -1e4, -1e4], [800, 801, 802]])
    found = call_for_rows(save(single_unit("softmax", n=3), tmp_path), "outputs", x)
    np.testing.assert_allclose(found, ACTIVATIONS["softmax"].value(x), rtol=1e-12)
    assert found[0].tolist() == [1, 0, 0]


@needs_node
def test_exp_ends_at_the_largest_number_of_the_networks_floats(tmp_path):
    """exp(1000) is the largest float32 of a network of float32, and the largest float64 of the other, as in the library."""
    for dtype in ("float32", "float64"):
        net = single_unit("exp", dtype=dtype)
        found = call_for_rows(save(net, tmp_path), "outputs", np.array([[1000.0]]))
        assert found.item() == np.finfo(dtype).max == net.feedforward([[1000.0]]).item()


@needs_node
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [3, 300])
def test_weights_are_exact(hidden, dtype, tmp_path):
    """Weights come back to the same bits, as decimals and in base64: tiny, huge and subnormal ones, and -0."""
    net = random_network([20, hidden, 2], 1, dtype=dtype)
    info = np.finfo(dtype)
    net.weights[0].ravel()[10:60] = 16 - np.arange(50) * 8 * info.eps  # neighbours, of which float32 needs nine digits
    net.weights[0].ravel()[:8] = [info.max, info.tiny, info.smallest_subnormal, -0.0, 0.1, 1 / 3, -info.max, info.eps]
    module = save(net, tmp_path)
    assert (net.parameters > DECIMALS_UP_TO) == (hidden == 300)
    bits = "Array.from(new Uint8Array(layers[K].PART.buffer))"
    expressions = [bits.replace("K", str(k)).replace("PART", part) for k in (0, 1) for part in ("weights", "biases")]
    found = [bytes(result["value"]) for result in evaluate(module, *expressions)]
    assert found == [part.tobytes() for k in (0, 1) for part in (net.weights[k], net.biases[k])]


@needs_node
def test_the_digits_of_mnist_have_the_same_labels(tmp_path):
    """A trained network of pixels gives all 10,000 test digits the label that it gives in Python, wherever no rounding decides."""
    mnist = cr.datasets.mnist()
    net = cr.Network([784, 30, 10], seed=0)
    cr.train(net, mnist.train, epochs=1, batch_size=10, learning_rate=3.0)
    module = save(net, tmp_path)
    outputs = call_for_rows(module, "outputs", mnist.test.x)
    np.testing.assert_allclose(outputs, reference(net, mnist.test.x / 255)[:, 30:], rtol=0, atol=1e-12)
    labels = call_for_rows(module, "predict", mnist.test.x)[:, 0]
    second, first = np.sort(outputs, axis=1)[:, -2:].T
    clear = first - second > 1e-5
    assert clear.sum() > 9_990
    assert np.array_equal(labels[clear], net.predict(mnist.test.x)[clear])


@needs_node
def test_predict_has_the_librarys_meaning(tmp_path):
    """Predict gives the first of the largest outputs, of one sigmoid output 0 or 1, of another single output its value."""
    x = np.random.default_rng(0).normal(size=(50, 3))
    for output, n_out in (("softmax", 4), ("sigmoid", 1), ("identity", 1), ("sigmoid", 3)):
        net = random_network([3, n_out], 5, output=output)
        found = call_for_rows(save(net, tmp_path), "predict", x)[:, 0]
        np.testing.assert_allclose(found, net.predict(x), rtol=1e-12)
    equal = single_unit("identity", n=3)
    assert evaluate(save(equal, tmp_path), "predict([1, 2, 2])") == [{"value": 1}]
    half = single_unit("sigmoid")
    assert evaluate(save(half, tmp_path), "predict([0])", "predict([1e-9])") == [{"value": 0}, {"value": 1}]


@needs_node
def test_predict_refuses_what_is_no_label(tmp_path):
    """Outputs that are NaN are refused by predict, and so are several outputs of a network that learnt values."""
    net = random_network([2, 2], 0)
    net.weights[0][...] = [[1e308, -1e308], [1, 1]]
    (refused,) = evaluate(save(net, tmp_path), "predict([1e308, 1e308])")
    assert refused["error"] == "RangeError"
    assert "the outputs hold NaN" in refused["message"]
    values = cr.Network([2, 2], cost="mean_squared_error", seed=0)
    cr.train(values, (np.eye(2), np.eye(2) / 3), epochs=1, batch_size=1, learning_rate=0.1)
    (refused,) = evaluate(save(values, tmp_path), "predict([1, 1])")
    assert refused["message"] == "the network was trained on rows of values, which are not labels; call outputs(x)"


BAD = {
    "predict([0, 0, 0])": "x must hold 4 UNIT; its length is 3",
    "outputs(undefined)": "x must hold 4 UNIT; its length is undefined",
    "activations([[0, 0], [0, 0]])": "x must hold 4 UNIT; its length is 2",
    "predict([0, 0, NaN, 0])": "x must hold finite numbers; x[2] is NaN",
    "predict([0, Infinity, 0, 0])": "x must hold finite numbers; x[1] is Infinity",
    "predict('1234')": "x must hold finite numbers; x[0] is 1",
    "predict([0, null, 0, 0])": "x must hold finite numbers; x[1] is null",
    "predict([0, , 0, 0])": "x must hold finite numbers; x[1] is undefined",
    "predict([0n, 0n, 0n, 0n])": "x must hold finite numbers; x[0] is 0",
}


@needs_node
@pytest.mark.parametrize("inputs", [None, PIXELS, IMAGES], ids=["unknown", "pixels", "images"])
def test_bad_inputs_are_refused(inputs, tmp_path):
    """An x of another length, or with anything but finite numbers, is a RangeError that says what and where."""
    net = random_network([4, 2], 0)
    net.inputs = inputs
    unit = "pixels" if inputs is PIXELS else "numbers"
    for result, message in zip(evaluate(save(net, tmp_path), *BAD), BAD.values(), strict=True):
        assert result == {"error": "RangeError", "message": message.replace("UNIT", unit)}


@needs_node
@pytest.mark.parametrize(
    ("inputs", "accepted", "refused", "message"),
    [
        (PIXELS, "[0, 255.2, -0.2, 17.5]", "[0, 256, 0, 0]", "x[1] is 256, but the network learnt pixels from 0 to 255"),
        (PIXELS, "[0, 0, 0, 0]", "[0, 0, 0.5, 1]", "no pixel of x is above 1; they go from 0 to 255: pass 255 times x"),
        (IMAGES, "[0, 1.0009, 0, 0]", "[0, 7, 0, 0]", "x[1] is 7, but the network learnt images of values from 0 to 1"),
        (InputSpec("numbers", (4,), 0.0, 1.0), "[0, 7, 0, 0]", "new Uint8Array([0, 7, 0, 0])", "bytes may be pixels or numbers"),
        (None, "[0, 7, 0, 0]", "new Uint8ClampedArray([0, 7, 0, 0])", "bytes may be pixels or numbers"),
        (InputSpec("numbers", (4,), 0.0, 9.0), "new Uint8Array([0, 7, 0, 0])", "[0, 1e39, 0, 0]", "x[1] is 1e+39, beyond float32"),
    ],
)
def test_limits_are_those_of_the_training(inputs, accepted, refused, message, tmp_path):
    """Values beyond those of the training, another scale, and bytes whose meaning is not known are refused as ``Network`` does."""
    net = random_network([4, 2], 0, dtype="float32")
    net.inputs = inputs
    good, bad = evaluate(save(net, tmp_path), f"predict({accepted})", f"predict({refused})")
    assert "value" in good
    assert bad["error"] == "RangeError"
    assert bad["message"].startswith(message)


@needs_node
def test_pixels_are_divided_by_255(tmp_path):
    """A network of pixels gives x from 0 to 255 the outputs that ``Network`` gives uint8, in any array of numbers."""
    net = random_network([4, 2], 0)
    net.inputs = PIXELS
    found = evaluate(
        save(net, tmp_path), "Array.from(outputs([0, 51, 102, 255]))", "Array.from(outputs(Uint8Array.of(0, 51, 102, 255)))"
    )
    assert found[0] == found[1]
    np.testing.assert_allclose([found[0]["value"]], net.feedforward(np.uint8([[0, 51, 102, 255]])), rtol=1e-12)


@needs_node
def test_the_module_says_what_it_is(tmp_path):
    """sizes, activations, inputs and labels are exported as the network has them."""
    mnist = cr.datasets.mnist()
    net = cr.Network([784, 4, 10], activation="relu", cost="log_loss", seed=0)
    cr.train(net, mnist.train[:100], epochs=1, batch_size=10, learning_rate=0.1)
    found = evaluate(
        save(net, tmp_path), "sizes", "layers.map((layer) => layer.activation)", "inputs", "labels", "Object.keys(module)"
    )
    assert [result["value"] for result in found] == [
        [784, 4, 10],
        ["relu", "softmax"],
        {
            "kind": "pixels", "shape": [28, 28], "low": 0, "high": 255, "mnistForm": True, "transposed": False,
            "background": "dark",
        },
        None,
        ["activations", "inputs", "labels", "layers", "outputs", "predict", "sizes"],
    ]  # fmt: skip


EVIL = "\"; throw 1; //\n*/ throw 2 ' ` ${x} \\ \u2028 </script><!-- é"


@needs_node
def test_the_texts_of_a_model_file_cannot_become_code(tmp_path):
    """Names of data and columns that try to end a string, a comment or a page's script stay texts."""
    net = random_network([2, 2], 0)
    cr.train(net, (np.eye(2), [0, 1]), epochs=1, batch_size=1, learning_rate=0.1)
    net.provenance = replace(net.provenance, data=EVIL, columns=[EVIL, "b"])
    text = module_text(net)
    assert text.isascii()
    assert not re.search("</|<!", text)
    module = save(net, tmp_path)
    assert check_syntax(module) == ""
    assert evaluate(module, "inputs.columns") == [{"value": [EVIL, "b"]}]


@needs_node
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("classes", [["a", EVIL, "c"], ["no", "yes"], [10, 20, 30], [0, 1, 2], [False, True], [0.0, 2.0]])
def test_an_estimator_takes_raw_rows_and_gives_its_labels(classes, standardize, tmp_path):
    """The module of a classifier predicts what the classifier predicts, by its own labels, from rows that are not scaled."""
    rng = np.random.default_rng(0)
    x = rng.normal([100, -3], [10, 0.1], size=(60, 2))
    y = np.array(classes)[np.arange(60) % len(classes)]
    x[:, 0] += 30 * (np.arange(60) % len(classes))
    clf = cr.MLPClassifier((4,), solver="lbfgs", random_state=0, standardize=standardize).fit(x, y)
    module = save(clf, tmp_path)
    found = evaluate(module, f"{x.tolist()}.map(predict)", "labels")
    assert found[0]["value"] == clf.predict(x).tolist()
    assert found[1]["value"] == (None if classes == [0, 1, 2] else clf.classes_.tolist())
    outputs = call_for_rows(module, "outputs", x)
    np.testing.assert_allclose(outputs[:, -1], clf.predict_proba(x)[:, -1], rtol=0, atol=1e-9)


@needs_node
def test_a_regressor_gives_its_value(tmp_path):
    """The module of a regressor predicts what the regressor predicts, from rows that are not scaled."""
    x = np.random.default_rng(0).normal([100, -3], [10, 0.1], size=(60, 2))
    regressor = cr.MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", random_state=0, standardize=True).fit(x, x[:, 0])
    found = call_for_rows(save(regressor, tmp_path), "predict", x)[:, 0]
    np.testing.assert_allclose(found, regressor.predict(x), rtol=1e-9)


def test_every_activation_has_a_function():
    """The table of functions in JavaScript names the built-in activations, and each defines a function of that name."""
    assert set(ACTIVATION_FUNCTIONS) == set(ACTIVATIONS)
    assert all(f"function {name}(z)" in text for name, text in ACTIVATION_FUNCTIONS.items())


def test_a_module_has_only_the_functions_that_it_calls():
    """The module of a network of sigmoids has neither another activation nor the reading of base64, where it is small."""
    text = module_text(random_network([3, 2], 0, output="sigmoid"))
    assert text.startswith(FIRST_WORDS)
    functions = re.findall(r"function (\w+)", text)
    assert functions == ["activations", "outputs", "predict", "readInputs", "weightedInput", "sigmoid"]


def test_the_same_network_gives_the_same_text():
    """Exporting twice gives the same bytes: nothing in a module depends on the time or the machine."""
    net = random_network([40, 30, 2], 0, dtype="float32")
    assert module_text(net) == module_text(net)


def test_a_network_beyond_what_browsers_read_is_refused():
    """A network whose weights no text in a browser holds is refused before any text is made."""
    n = MOST_BYTES // 4
    layers = (Layer(n, 1, "identity"),)
    net = network_from(Plan(layers=layers), [np.broadcast_to(np.float32(0), (1, n))], [np.zeros(1, np.float32)], init=None)
    with pytest.raises(SettingError, match=r"a JavaScript module holds at most 256 MiB of weights, .* this network has 256 MiB"):
        module_text(net)
