"""What a network learnt to read decides how later inputs are read: pixels, numbers or CSR rows, their shape, their limits."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.datasets import digits, mnist
from chainrule.errors import DataError, ModelFileError, SettingError
from chainrule.examples import Layout
from chainrule.input_spec import InputSpec, background_of, infer_input_spec
from chainrule.plan import Provenance

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (30, 6)).astype(np.uint8)
LABELS = np.arange(30) % 2
TRAINING = {"epochs": 1, "batch_size": 5, "learning_rate": 0.1}


def trained(x, **examples):
    """A small network, trained on these inputs."""
    net = cr.Network([np.shape(x)[1], 4, 2], seed=0)
    cr.train(net, cr.Examples(x, LABELS[: np.shape(x)[0]], **examples), **TRAINING)
    return net


def by_hand(net, x):
    """The network's outputs for unscaled numbers, in float64, by NumPy alone."""
    a = np.asarray(x, np.float64)
    for w, b in zip(net.weights, net.biases, strict=True):
        a = 1 / (1 + np.exp(-(a @ w.T.astype(np.float64) + b)))
    return a


@pytest.fixture(params=["as it was trained", "from its file"])
def reloaded(request, tmp_path):
    """Gives a network as it is, or as its file gives it back."""

    def same(net):
        if request.param == "as it was trained":
            return net
        net.save(tmp_path / "net.safetensors")
        return cr.load(tmp_path / "net.safetensors")

    return same


DTYPES = [
    np.uint8,
    np.int8,
    np.int16,
    np.int32,
    np.int64,
    np.uint16,
    np.float16,
    np.float32,
    np.float64,
    np.longdouble,
    ">f8",
    ">i4",
]


@pytest.mark.parametrize("rows", [1, 5, 30])
@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_are_read_as_they_stand_whatever_their_dtype(reloaded, dtype, rows):
    """A network that learnt numbers reads the same numbers alike in every dtype, uint8 among them."""
    net = reloaded(trained(RNG.normal(scale=60, size=(30, 6))))
    x = RNG.integers(0, 100, (rows, 6)).astype(dtype)
    np.testing.assert_allclose(net.feedforward(x), by_hand(net, x), atol=1e-6)
    labels = LABELS[:rows]
    assert net.cost(x, labels) == pytest.approx(net.cost(x.astype(np.float64), labels), rel=1e-5)
    assert net.accuracy(cr.Examples(x, labels, pixels=True)) == net.accuracy(x.astype(np.float64), labels)
    np.testing.assert_allclose(
        net.backprop(x, labels)[0][0], net.backprop(x.astype(np.float64), labels)[0][0], rtol=1e-4, atol=1e-6
    )


def test_uint8_of_0_and_1_is_what_the_network_learnt(reloaded):
    """uint8 of 0 and 1 means numbers to a network of numbers; to one of pixels 0 alone is dark, and 1 beside it is refused."""
    numbers, pixels = reloaded(trained(RNG.normal(size=(30, 6)))), reloaded(trained(PIXELS))
    dark, bits = np.zeros((3, 6), np.uint8), np.eye(6, dtype=np.uint8)
    for x in (dark, bits):
        np.testing.assert_allclose(numbers.feedforward(x), by_hand(numbers, x), atol=1e-6)
        with pytest.raises(DataError, match="its largest value is"):
            cr.Network([6, 4, 2], seed=0).feedforward(x)
    np.testing.assert_allclose(pixels.feedforward(dark), by_hand(pixels, dark), atol=1e-6)
    with pytest.raises(DataError, match=r"uint8 of 0 and 1 alone, but the network learnt pixels from 0 to 255; pass 255 \* x"):
        pixels.feedforward(bits)


@pytest.mark.parametrize("rows", [1, 30])
def test_pixels_are_read_as_fractions_whatever_gives_them(reloaded, rows):
    """A network of pixels reads uint8 and the same pixels divided by 255 alike, few rows or many, dense or CSR."""
    net = reloaded(trained(PIXELS))
    expected = by_hand(net, PIXELS[:rows] / 255)
    for x in (PIXELS[:rows], PIXELS[:rows] / 255, (PIXELS[:rows] / 255).astype(np.float32), sparse.csr_array(PIXELS[:rows] / 255)):
        np.testing.assert_allclose(net.feedforward(x), expected, atol=1e-6)


@pytest.mark.parametrize("rows", [1, 16, 30])
@pytest.mark.parametrize(
    "x", [PIXELS.astype(float), PIXELS.astype(np.int64), PIXELS / 255 - 0.5, sparse.csr_array(PIXELS.astype(float))]
)
def test_values_that_pixels_never_have_are_refused(reloaded, x, rows):
    """A network of pixels refuses numbers outside 0 and 1, wherever they come in, with what to do."""
    net = reloaded(trained(PIXELS))
    x, labels = x[:rows], LABELS[:rows]
    for ask in (net.feedforward, net.predict, lambda x: net.cost(x, labels), lambda x: net.backprop(x, labels)):
        with pytest.raises(
            DataError, match=r"learnt images of values from 0 to 1; (divide by 255, or pass uint8|bring them to 0\.\.1)"
        ):
            ask(x)
    with pytest.raises(DataError, match="learnt images"):
        cr.explain(net, x[:1], labels[:1])
    with pytest.raises(DataError, match="learnt images"):
        cr.check_gradient(net, x, labels)


def test_a_validation_set_is_read_as_the_training_set_is():
    """Pixels that are validated by numbers of 0 to 255 are refused before anything is trained."""
    net = cr.Network([6, 4, 2], seed=0)
    with pytest.raises(DataError, match="learnt images"):
        cr.train(net, (PIXELS, LABELS), validation=(PIXELS.astype(float), LABELS), **TRAINING)
    assert net.inputs is None


def test_numbers_outside_0_and_1_are_accepted_after_training_on_such(reloaded):
    """A network of pixels that was trained further on numbers outside 0 and 1 accepts such numbers."""
    net = trained(PIXELS)
    cr.train(net, (PIXELS / 255 - 0.5, LABELS), **TRAINING)
    net = reloaded(net)
    assert (net.inputs.kind, net.inputs.low) == ("pixels", (PIXELS / 255 - 0.5).min())
    np.testing.assert_allclose(net.feedforward(PIXELS / 255 - 0.5), by_hand(net, PIXELS / 255 - 0.5), atol=1e-6)
    np.testing.assert_allclose(net.feedforward(PIXELS), by_hand(net, PIXELS / 255), atol=1e-6)


def test_a_training_takes_no_other_scale():
    """A network of pixels is not trained on with numbers of 0 to 255, nor one of numbers up to 1 with pixels."""
    with pytest.raises(DataError, match="divide by 255, or pass uint8"):
        cr.train(trained(PIXELS), (PIXELS.astype(float), LABELS), **TRAINING)
    with pytest.raises(DataError, match="pass x / 255 if these are pixels"):
        cr.train(trained(RNG.random((30, 6))), (PIXELS, LABELS), **TRAINING)


def test_uint8_that_may_be_either_is_refused(reloaded):
    """uint8 above 1 for a network that learnt numbers between 0 and 1 may be those pixels or other numbers: it is refused."""
    net = reloaded(trained(RNG.random((30, 6))))
    for ask in (net.feedforward, lambda x: net.cost(x, LABELS), lambda x: net.cost(cr.Examples(x, LABELS))):
        with pytest.raises(
            DataError, match=r"x is uint8 up to 2\d\d, but the network learnt numbers from 0\.\d+ to 0\.\d+; pass x / 255"
        ):
            ask(PIXELS)
    assert net.feedforward(PIXELS / 255).shape == (30, 2)


def test_numbers_of_a_table_may_go_beyond_those_of_the_training(reloaded):
    """Columns that lay between 0 and 1 in training are not pixels for that reason: later rows may lie outside."""
    net = reloaded(trained(RNG.random((30, 6))))
    np.testing.assert_allclose(net.feedforward(np.full((2, 6), 1.5)), by_hand(net, np.full((2, 6), 1.5)), atol=1e-6)


@pytest.mark.parametrize(
    ("x", "examples", "expected"),
    [
        (PIXELS, {}, InputSpec("pixels", (6,), 0.0, 1.0)),
        (PIXELS, {"layout": (2, 3)}, InputSpec("pixels", (2, 3), 0.0, 1.0, mean=round(PIXELS.mean() / 255, 4))),
        (np.tile([-2.0, 3.0], (30, 3)), {}, InputSpec("numbers", (6,), -2.0, 3.0)),
        (sparse.csr_array(np.diag(np.arange(1.0, 7))), {}, InputSpec("csr", (6,), 0.0, 6.0)),
        (sparse.csr_array(np.full((4, 6), 2.0)), {}, InputSpec("csr", (6,), 2.0, 2.0)),
    ],
)
def test_the_file_says_what_was_learnt(tmp_path, x, examples, expected):
    """Kind, shape and limits are measured at the training, kept in the file, and come back."""
    net = trained(x, **examples)
    assert net.inputs == expected
    net.save(tmp_path / "net.safetensors")
    assert cr.load(tmp_path / "net.safetensors").inputs == expected


def test_mnists_form_is_measured():
    """MNIST's images have MNIST's form, as pixels or as fractions; not so moved by two rows, inverted, or those of digits."""
    train = mnist().train[:300]
    mean = round(train.x.mean() / 255, 4)
    assert InputSpec.of(train) == InputSpec("pixels", (28, 28), 0.0, 1.0, mnist_form=True, background="dark", mean=mean)
    assert InputSpec.of(cr.Examples(train.x / 255)).mnist_form
    assert InputSpec.of(cr.Examples(train.x, layout=(28, 28))).mnist_form
    images = np.asarray(train.x).reshape(-1, 28, 28)
    for other in (np.roll(images, 2, axis=1), 255 - images):
        assert not InputSpec.of(cr.Examples(other.reshape(-1, 784))).mnist_form
    assert InputSpec.of(cr.Examples((255 - images).reshape(-1, 784), layout=(28, 28))).background == "light"
    assert not InputSpec.of(cr.Examples(train.x.astype(float))).mnist_form  # numbers of 0 to 255 are no images
    assert InputSpec.of(digits().train[:200]) == InputSpec(
        "numbers", (8, 8), 0.0, 1.0, mean=round(float(digits().train.x[:200].mean()), 4)
    )


def test_a_background_neither_dark_nor_light_is_none():
    """A rim of grey, or of both, is neither dark nor light."""
    assert background_of(np.full((3, 4, 4), 0.5)) is None
    assert background_of(np.stack([np.zeros((4, 4)), np.ones((4, 4))])) is None
    assert background_of(np.ones((2, 4, 4))) == "light"


def test_an_estimators_file_takes_numbers(tmp_path):
    """The file of an estimator, which takes numbers, reads uint8 as those numbers, as the estimator does."""
    x = RNG.integers(0, 200, (40, 3)).astype(np.uint8)
    clf = cr.MLPClassifier((4,), max_iter=30, random_state=0, standardize=True, tol=0, n_iter_no_change=30)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        clf.fit(x, x[:, 0] > 90)
    clf.save(tmp_path / "clf.safetensors")
    net = cr.load(tmp_path / "clf.safetensors")
    np.testing.assert_allclose(net.feedforward(x).ravel(), clf.predict_proba(x)[:, 1], atol=1e-9)


def test_a_file_from_before_still_loads():
    """A file of an earlier version, without an ``InputSpec``, loads and predicts as before; inputs are read by its provenance."""
    net = cr.load(Path(__file__).parent / "files" / "before_input_spec.safetensors")
    x = np.arange(24).reshape(6, 4) / 24
    assert net.inputs == InputSpec("numbers", (4,))  # for its data are called "Examples(6 x 4 float64, labels 0..1)"
    assert (net.provenance.epochs, net.provenance.earlier_epochs) == (2, 0)
    np.testing.assert_allclose(
        net.feedforward(x[:2]), [[0.3757111132, 0.6688956022], [0.3917729557, 0.6722711325]], rtol=0, atol=1e-6
    )
    eight_bits = np.arange(24).reshape(6, 4).astype(np.uint8)
    np.testing.assert_allclose(net.feedforward(eight_bits), net.feedforward(eight_bits.astype(float)), atol=1e-6)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("mnist", InputSpec("pixels", (28, 28), 0.0, 1.0, mnist_form=True, background="dark", mean=0.1307)),
        ("Examples(50000 x 784 pixels, labels 0..9)", InputSpec("pixels", (784,), 0.0, 1.0)),
        ("Examples(9 x 784 CSR, labels 0..9)", InputSpec("csr", (784,))),
        ("Examples(9 x 784)", InputSpec("numbers", (784,))),
        ("wide.csv#kind", InputSpec("numbers", (784,))),
        ("text.svmlight", InputSpec("csr", (784,))),
        ("wide.npz", None),
        ("fashion/", None),
    ],
)
def test_inputs_are_inferred_from_the_provenance_of_an_older_file(data, expected):
    """The inputs of a network from an older file are inferred from the name or the repr of its data, and not guessed."""
    entries = {"plan": {}, "data": data, "examples": 9, "epochs": 1, "steps": 1, "learning_rate": 0.1, "columns": []}
    provenance = Provenance.parse({**entries, "schedule": "constant", "engine": "", "stopped": "finished"})
    assert infer_input_spec(provenance.data, 784, provenance.kind) == expected
    assert provenance.data == ("" if data.startswith("Examples(") else data)


BAD_SPECS = {
    "another kind": {"kind": "video"},
    "another width": {"shape": [7]},
    "three axes": {"shape": [1, 2, 3]},
    "a shape of text": {"shape": "6"},
    "a shape of floats": {"shape": [6.0]},
    "no shape": {"shape": []},
    "a limit of text": {"low": "0"},
    "one limit": {"low": None},
    "no limits of pixels": {"low": None, "high": None},
    "limits the wrong way round": {"low": 2.0},
    "a column number that is no int": {"first_column": 1.0},
    "a flag of text": {"transposed": "yes"},
    "another background": {"background": "blue"},
    "a mean beyond 1": {"mean": 1.5},
    "a mean of text": {"mean": "0.5"},
    "MNIST's form in another size": {"mnist_form": True},
    "columns from 2": {"first_column": 2},
    "columns from True": {"first_column": True},
    "an entry more": {"colour": "red"},
}


@pytest.mark.parametrize("change", BAD_SPECS.values(), ids=BAD_SPECS)
def test_a_file_that_says_something_else_is_refused(tmp_path, monkeypatch, change):
    """A file's ``InputSpec`` is accepted only if every entry is valid; any other gives a one-line error."""
    from chainrule import model_file

    net = trained(PIXELS)
    to_json = model_file._to_json
    monkeypatch.setattr(model_file, "describe_model", lambda model: _changed(to_json(model), change))
    net.save(tmp_path / "net.safetensors")
    with pytest.raises(ModelFileError, match="its description cannot be read"):
        cr.load(tmp_path / "net.safetensors")


def _changed(description, change):
    return {**description, "inputs": {**description["inputs"], **change}}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda net: setattr(net, "seed", -1),
        lambda net: setattr(net, "init", "zeros"),
        lambda net: setattr(net, "inputs", replace(net.inputs, shape=(7,))),
        lambda net: setattr(net, "provenance", replace(net.provenance, learning_rate=1)),
        lambda net: setattr(net, "provenance", replace(net.provenance, columns=[1, 2])),
        lambda net: setattr(net, "provenance", replace(net.provenance, stopped=None)),
        lambda net: setattr(net, "plan", replace(net.plan, cost="log_loss")),
        lambda net: net.weights[0].__setitem__((0, 0), np.nan),
        lambda net: setattr(net, "biases", [b.astype(complex) for b in net.biases]),
    ],
)
def test_save_refuses_what_load_would(tmp_path, spoil):
    """A network that could not be loaded again is not written, and says why."""
    net = trained(PIXELS)
    spoil(net)
    with pytest.raises((SettingError, TypeError)):
        net.save(tmp_path / "net.safetensors")
    assert not list(tmp_path.iterdir())


def test_an_invalid_layout_is_refused():
    """A layout must be two sizes whose product is the width."""
    for layout, said in (((2, 2), "2 x 2, but a row of x has 6 numbers"), (6, "rows and columns"), ((0, 6), "at least 1")):
        with pytest.raises((DataError, SettingError), match=said):
            cr.Examples(PIXELS, layout=layout)


def test_examples_keep_their_layout():
    """Some of the examples, and a copy, have the layout and the columns of all."""
    import copy

    part = copy.deepcopy(cr.Examples(PIXELS, LABELS, layout=(2, 3)))[3:7]
    assert asdict(InputSpec.of(part))["shape"] == (2, 3)


@pytest.mark.parametrize("layout", [(3, 2), Layout(2, 3, True)])
def test_images_that_lie_otherwise_are_refused(layout):
    """Images of other rows and columns, or stored by columns, are refused for all that their number of pixels fits."""
    net = trained(PIXELS, layout=Layout(2, 3, False))
    for ask in (net.accuracy, lambda examples: cr.train(net, examples, **TRAINING)):
        with pytest.raises(DataError, match="but the network learnt images"):
            ask(cr.Examples(PIXELS, LABELS, layout=layout))
    right, other = (cr.Examples(PIXELS, LABELS, layout=at) for at in (Layout(2, 3, False), layout))
    with pytest.raises(DataError, match="but the network learnt images"):
        cr.train(cr.Network([6, 4, 2], seed=0), right, validation=other, **TRAINING)
    unknown = cr.Examples(PIXELS, LABELS, layout=(2, 3))  # whose orientation nobody told: taken as the network's
    assert net.accuracy(unknown) == net.accuracy(PIXELS, LABELS)


def test_noise_on_pixels_does_not_open_their_limits():
    """After a training on pixels with a little noise, values up to that noise are taken, and those of 0 to 255 still refused."""
    net = trained(PIXELS)
    noisy = PIXELS / 255 * 1.2 - 0.1
    cr.train(net, (noisy, LABELS), **TRAINING)
    net.feedforward(noisy)
    with pytest.raises(DataError, match=r"learnt images of values from -0\.1 to 1\.1"):
        net.feedforward(PIXELS.astype(float))


def test_no_rows_are_refused_in_every_dtype():
    """Inputs without rows are refused in a sentence, uint8 too, whatever the network learnt."""
    for net in (trained(PIXELS), trained(RNG.normal(size=(30, 6))), cr.Network([6, 2], seed=0)):
        for dtype in (np.uint8, np.float64):
            with pytest.raises(DataError, match="x is empty"):
                net.feedforward(np.zeros((0, 6), dtype))


def test_a_damaged_provenance_is_refused(tmp_path):
    """Counts below 0, a rate that is not a number, columns that are not those of the inputs: neither written nor read."""
    changes = (
        {"examples": -5},
        {"learning_rate": float("nan")},
        {"columns": ["a"]},
        {"columns": ["a"] * 6},
        {"classes": 1},
        {"target": 3},
    )
    for change in changes:
        net = trained(PIXELS)
        net.provenance = replace(net.provenance, **change)
        with pytest.raises(SettingError, match="not saved, since its file could not be loaded again"):
            net.save(tmp_path / "net.safetensors")
