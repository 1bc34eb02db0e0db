"""Commands read files as the model learnt to read its data: pictures of every IDX folder, numbers of tables, svmlight's columns."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import dump_svmlight_file

import chainrule as cr
from chainrule import cli, datasets
from chainrule.datasets.idx import header
from chainrule.input_spec import InputSpec

RNG = np.random.default_rng(0)
MNIST = datasets.mnist()


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Every test runs where it may write what it likes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def chainrule(capsys):
    """The program: call it with its arguments for the exit status, and what stood on the two outputs."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


@pytest.fixture
def told(chainrule):
    """The program with --json: call it for the objects it printed, having seen that it went well."""

    def call(*arguments):
        status, out, err = chainrule(*arguments, "--json")
        assert (status, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    return call


def folder(name, train, test, prefix=""):
    """Write a folder of IDX files; each part is images (n, rows, columns) and labels."""
    Path(name).mkdir()
    for part, (images, labels) in (("train", train), ("test", test)):
        for kind, array in (("images-idx3", images), ("labels-idx1", np.asarray(labels).astype(np.uint8))):
            array = np.ascontiguousarray(array)
            Path(name, f"{prefix}{part}-{kind}-ubyte").write_bytes(header(array) + array.tobytes())


def bars(n, rows, columns, *, seed=0):
    """Images that fill their frame: a bright bar along the top, the left or a diagonal, on noise; some of label 3 are black."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    images = rng.integers(0, 60, (n, rows, columns)).astype(np.uint8)
    images[labels == 0, : rows // 3] = 250
    images[labels == 1, :, : columns // 3] = 250
    images[labels == 2] = np.maximum(images[labels == 2], (250 * np.eye(rows, columns)).astype(np.uint8))
    images[labels == 3] = 0
    return images, labels


def pictures(images):
    """Save images as PNG files; give their names."""
    names = [f"{k}.png" for k in range(len(images))]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(name)
    return names


@pytest.mark.parametrize(("rows", "columns"), [(28, 28), (12, 12), (16, 20)])
def test_a_folders_own_images_are_read_as_evaluate_reads_them(told, rows, columns):
    """Test images as PNG give the outputs that the network gives their pixels: those that fill the frame, black ones, any size."""
    test = bars(60, rows, columns, seed=1)
    folder("bars", bars(300, rows, columns), test)
    told("train", "bars", "--epochs", 3, "--quiet")
    net = cr.load("bars.safetensors")
    assert net.inputs == InputSpec("pixels", (rows, columns), 0.0, 1.0, background=net.inputs.background)
    found = told("predict", "bars.safetensors", *pictures(test[0]), "--outputs")
    due = net.feedforward(test[0].reshape(60, -1))
    np.testing.assert_allclose([one["outputs"] for one in found], due, atol=1e-6)
    accuracy = told("evaluate", "bars.safetensors")[0]["accuracy"]
    assert np.mean([one["label"] for one in found] == test[1]) == pytest.approx(accuracy)


def test_a_larger_picture_is_scaled_and_others_are_refused(chainrule, told):
    """A picture of several times the size reads as the image; a smaller one, and one of other proportions, is refused by name."""
    test = bars(20, 12, 16, seed=1)
    folder("bars", bars(300, 12, 16), test)
    told("train", "bars", "--epochs", 3, "--quiet")
    larger = pictures(np.repeat(np.repeat(test[0], 10, axis=1), 10, axis=2))
    due = cr.load("bars.safetensors").feedforward(test[0].reshape(20, -1))
    np.testing.assert_allclose([one["outputs"] for one in told("predict", "bars.safetensors", *larger, "-a")], due, atol=1e-5)
    for size, said in (
        ((8, 6), "8 x 6 pixels, the images that the network learnt 16 x 12; give one of that size or larger"),
        ((100, 100), "100 x 100 pixels, the images that the network learnt 16 x 12; crop it to the same proportions"),
    ):
        Image.new("L", size).save("other.png")
        status, out, err = chainrule("predict", "bars.safetensors", "other.png")
        assert (status, out) == (2, "")
        assert "other.png: the picture is " + said in err


def test_a_picture_on_the_other_background_is_inverted_and_said_to_be(chainrule, told):
    """A large picture on white is inverted for a network of images on black, and a line on standard error says so."""
    images, labels = bars(300, 12, 12)
    images, labels = np.pad(images, ((0, 0), (2, 2), (2, 2)))[labels < 3], labels[labels < 3]
    folder("bars", (images, labels), (images[:40], labels[:40]))
    told("train", "bars", "--epochs", 5, "--quiet")
    larger = np.repeat(np.repeat(images[:10], 10, axis=1), 10, axis=2)
    due = [one["label"] for one in told("predict", "bars.safetensors", *pictures(larger))]
    status, out, err = chainrule("predict", "bars.safetensors", *pictures(255 - larger), "--json")
    assert status == 0
    assert [json.loads(line)["label"] for line in out.splitlines()] == due
    assert err.count("inverted, since its background is light and that of the images that the network learnt dark") == 10


def test_images_of_0_and_1_are_read_from_black_and_white_pictures(told):
    """Images that were stored as 0 and 1 are read from pictures of 0 and 255, and of 0 and 1, as evaluate reads them."""
    (train, labels), (test, test_labels) = bars(300, 12, 12), bars(30, 12, 12, seed=1)
    train, test = (train > 128).astype(np.uint8), (test > 128).astype(np.uint8)
    folder("bits", (train, labels), (test, test_labels))
    told("train", "bits", "--epochs", 3, "--quiet")
    net = cr.load("bits.safetensors")
    assert net.inputs.kind == "numbers"
    due = net.feedforward(test.reshape(30, -1).astype(float))
    for images in (255 * test, test, test > 0):
        found = told("predict", "bits.safetensors", *pictures(images), "--outputs")
        np.testing.assert_allclose([one["outputs"] for one in found], due, atol=1e-6)


@pytest.mark.parametrize(
    ("prefix", "option", "transposed"),
    [("emnist-digits-", (), True), ("", ("--transpose",), True), ("emnist-digits-", ("--no-transpose",), False), ("", (), False)],
)
def test_emnists_orientation(chainrule, told, prefix, option, transposed):
    """Images stored on their side, told by EMNIST's names or by an option, are said to be so; upright pictures are turned likewise."""
    test, labels = bars(60, 14, 14, seed=1)
    upright = bars(400, 14, 14)
    folder("side", (upright[0].transpose(0, 2, 1), upright[1]), (test.transpose(0, 2, 1), labels), prefix)
    status, out, _ = chainrule("train", "side", "--epochs", 3, *option)
    assert status == 0
    assert ("lie on their side" in out) == transposed
    net = cr.load("side.safetensors")
    assert net.inputs.transposed == transposed
    found = told("predict", "side.safetensors", *pictures(test), "--outputs")
    given = test.transpose(0, 2, 1) if transposed else test
    due = net.feedforward(np.ascontiguousarray(given).reshape(60, -1))
    np.testing.assert_allclose([one["outputs"] for one in found], due, atol=1e-6)
    accuracy = told("evaluate", "side.safetensors")[0]["accuracy"]
    assert accuracy > 0.9
    assert (np.mean([one["label"] for one in found] == labels) == pytest.approx(accuracy)) == transposed
    folder("upright", upright, (test, labels))
    elsewhere = told("evaluate", "side.safetensors", "upright")[0]["accuracy"]
    assert (elsewhere == pytest.approx(accuracy)) == transposed  # turned for the network that is known to want it


def test_transpose_is_for_folders(chainrule):
    """--transpose for data that is no folder of images is refused."""
    for data in ("mnist", "digits"):
        status, _, err = chainrule("train", data, "--transpose")
        assert status == 2
        assert f"--transpose is for a folder of IDX files; {data} is none" in err


@pytest.fixture(scope="module")
def table_of_digits(tmp_path_factory):
    """A folder with a table of MNIST's pixels as numbers, and a model of it: 784 columns that are no image to the model."""
    place = tmp_path_factory.mktemp("table")
    columns = [*(f"p{k}" for k in range(784)), "digit"]
    rows = np.column_stack([MNIST.train.x[:3000], MNIST.train.y[:3000]])
    np.savetxt(place / "t.csv", rows, fmt="%d", delimiter=",", header=",".join(columns), comments="")
    with pytest.raises(SystemExit):
        cli.main(["train", str(place / "t.csv"), "--quiet", "--epochs", "8", "--out", str(place / "t.safetensors")])
    return place


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
def test_numbers_for_a_model_of_a_table_are_numbers(told, table_of_digits, dtype):
    """A model of a table reads rows of an .npy alike in every dtype, and uint8 in an .npz for evaluate too."""
    x, y = MNIST.test.x[:200], MNIST.test.y[:200]
    np.save("x.npy", x.astype(dtype))
    found = told("predict", table_of_digits / "t.safetensors", "x.npy")
    assert np.mean([one["label"] for one in found] == y) > 0.8
    np.savez("x.npz", x=x.astype(dtype), y=y)
    assert told("evaluate", table_of_digits / "t.safetensors", "x.npz")[0]["accuracy"] > 0.8
    np.savez("dim.npz", x=np.minimum(x, 1).astype(dtype), y=y)  # which uint8 may hold for a model of numbers
    told("evaluate", table_of_digits / "t.safetensors", "dim.npz")
    for command in ("explain", "check"):
        assert _status(command, table_of_digits / "t.safetensors", "--data", "dim.npz") == 0


def _status(*arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    return ended.value.code


def test_a_picture_for_a_model_of_a_table_is_refused(chainrule, table_of_digits):
    """A picture is no row of a table, whatever the number of columns."""
    Image.fromarray(MNIST.test.x[0].reshape(28, 28)).save("seven.png")
    status, out, err = chainrule("predict", table_of_digits / "t.safetensors", "seven.png")
    assert (status, out) == (2, "")
    assert "cannot use seven.png: a picture is for a model of images, and the model learnt rows of 784 numbers" in err


def test_numbers_of_0_to_255_for_a_model_of_pixels_are_refused(chainrule, told):
    """A model of MNIST refuses pixels that come as numbers of 0 to 255, in every command, and takes them as fractions."""
    told("train", "mnist", "--epochs", 1, "--quiet")
    x, y = MNIST.test.x[:50], MNIST.test.y[:50]
    np.save("wide.npy", x.astype(float))
    np.savetxt("wide.csv", x, delimiter=",", fmt="%d")
    np.savez("wide.npz", x=x.astype(float), y=y)
    for arguments in (
        ("predict", "wide.npy"),
        ("predict", "wide.csv"),
        ("evaluate", "wide.npz"),
        ("explain", "--data", "wide.npz"),
    ):
        status, out, err = chainrule(arguments[0], "mnist.safetensors", *arguments[1:])
        assert (status, out) == (2, "")
        assert "x holds values from 0 to 255, but the network learnt images of values from 0 to 1; divide by 255" in err
    np.save("x.npy", x / 255)
    np.save("u.npy", x)
    assert [one["label"] for one in told("predict", "mnist.safetensors", "x.npy")] == [
        one["label"] for one in told("predict", "mnist.safetensors", "u.npy")
    ]


def test_a_library_model_of_mnist_reads_pictures(told):
    """A network that the library trained on MNIST, or on fractions of its pixels, reads pictures as the command line's does."""
    Image.fromarray(255 - MNIST.test.x[0].reshape(28, 28)).resize((200, 200)).save("seven.png")
    for examples in (MNIST.train[:5000], cr.Examples(MNIST.train.x[:5000] / 255, MNIST.train.y[:5000])):
        net = cr.Network([784, 30, 10], activation="relu", cost="log_loss", seed=0)
        cr.train(net, examples, epochs=3, batch_size=20, learning_rate=0.1)
        net.save("net.safetensors")
        assert told("predict", "net.safetensors", "seven.png")[0]["label"] == 7


def test_a_model_that_does_not_know_how_its_images_lie_says_so(chainrule):
    """Pixels whose rows and columns nobody told: a picture is refused, with how to train a model that takes it."""
    net = cr.Network([12, 2], seed=0)
    cr.train(net, (RNG.integers(0, 256, (20, 12)).astype(np.uint8), np.arange(20) % 2), epochs=1, batch_size=5, learning_rate=0.1)
    net.save("net.safetensors")
    Image.new("L", (4, 3)).save("x.png")
    status, _, err = chainrule("predict", "net.safetensors", "x.png")
    assert status == 2
    assert "the model learnt rows of 12 pixels" in err
    assert "layout=(rows, columns)" in err


def test_info_says_what_was_learnt(chainrule, told):
    """info tells what a model learnt to read, to people and as JSON."""
    told("train", "mnist", "--epochs", 1, "--quiet")
    assert "learnt        images of 28 x 28 pixels in MNIST's form" in chainrule("info", "mnist.safetensors")[1]
    assert told("info", "mnist.safetensors")[0]["inputs"]["mnist_form"] is True


# svmlight


@pytest.fixture
def sparse_rows():
    """Rows whose first and last columns are never 0 in training, and three svmlight files: to train on, and with fewer columns."""
    x = np.where(RNG.random((80, 9)) < 0.4, RNG.normal(size=(80, 9)), 0)
    x[:, 0], x[:, 8] = 1.0, RNG.normal(size=80)
    return x, (x[:, 8] > 0).astype(int)


@pytest.mark.parametrize("zero_based", [False, True])
def test_columns_that_no_row_names_are_0(told, chainrule, sparse_rows, zero_based):
    """A file with fewer columns than the model's, first or last ones, counts as if those were written as 0, in every command."""
    x, y = sparse_rows
    dump_svmlight_file(x, y, "train.svmlight", zero_based=zero_based)
    told("train", "train.svmlight", "--epochs", 5, "--quiet")
    net = cr.load("train.safetensors")
    assert net.inputs.first_column == (0 if zero_based else 1)
    fewer = x.copy()
    fewer[:, [0, 7, 8]] = 0
    dump_svmlight_file(fewer, y, "fewer.svmlight", zero_based=zero_based)
    assert "8:" not in Path("fewer.svmlight").read_text().replace("#", "")
    due = net.feedforward(fewer)
    found = told("predict", "train.safetensors", "fewer.svmlight", "--outputs")
    np.testing.assert_allclose([one["outputs"] for one in found], due, atol=1e-9)
    accuracy = told("evaluate", "train.safetensors", "fewer.svmlight")[0]["accuracy"]
    assert accuracy == np.mean(due.argmax(axis=1) == y)
    for command in ("explain", "check"):
        assert chainrule(command, "train.safetensors", "--data", "fewer.svmlight")[0] == 0
    table = datasets.table("fewer.svmlight", n_features=9, first_column=int(not zero_based))
    np.testing.assert_allclose(table.x.toarray(), fewer, rtol=1e-14)


@pytest.mark.parametrize("zero_based", [False, True])
def test_columns_that_the_model_does_not_have_are_refused(chainrule, told, sparse_rows, zero_based):
    """A file that names a column beyond the model's is refused, with the column."""
    x, y = sparse_rows
    dump_svmlight_file(x, y, "train.svmlight", zero_based=zero_based)
    told("train", "train.svmlight", "--epochs", 1, "--quiet")
    dump_svmlight_file(np.hstack([x, x[:, -1:]]), y, "more.svmlight", zero_based=zero_based)
    for command in (("predict", "train.safetensors"), ("evaluate", "train.safetensors"), ("check", "train.safetensors", "--data")):
        status, _, err = chainrule(*command, "more.svmlight")
        assert status == 2
        assert (
            f"more.svmlight names column {9 if zero_based else 10}, counted from {int(not zero_based)}, but there are 9 columns"
            in err
        )


def test_a_file_that_counts_from_0_for_a_model_of_one_that_counts_from_1(chainrule, told, sparse_rows):
    """Columns counted otherwise than in training are never taken for their neighbours."""
    x, y = sparse_rows
    dump_svmlight_file(x, y, "train.svmlight", zero_based=False)
    told("train", "train.svmlight", "--epochs", 1, "--quiet")
    dump_svmlight_file(x, y, "other.svmlight", zero_based=True)
    status, _, err = chainrule("evaluate", "train.safetensors", "other.svmlight")
    assert status == 2
    assert "other.svmlight names column 0, but the first column is to be 1" in err


def test_a_guess_at_the_first_column_is_told():
    """Where the number of columns is given, and the file could count from 0 or from 1, the reading is told, and can be said."""
    Path("x.svmlight").write_text("1 2:5\n0 3:7\n")
    with pytest.warns(UserWarning, match=r"names columns 2 to 3 of 4; they were taken to count from 1\. If .* first_column=0"):
        table = datasets.table("x.svmlight", n_features=4)
    assert table.x.toarray().tolist() == [[0, 5, 0, 0], [0, 0, 7, 0]]
    table = datasets.table("x.svmlight", n_features=4, first_column=0)
    assert table.x.toarray().tolist() == [[0, 0, 5, 0], [0, 0, 0, 7]]
    assert datasets.table("x.svmlight", n_features=3).x.shape == (2, 3)  # column 3 of 3 counts from 1
    for settings in ({"first_column": 2}, {"first_column": True}, {"n_features": 0}, {"n_features": 2.5}):
        with pytest.raises(cr.ChainruleError, match="first_column must be 0 or 1|n_features must be a whole number"):
            datasets.table("x.svmlight", **settings)


def test_a_percentage_says_100_of_all_alone(chainrule):
    """One mistake in 30,000 rows is 99.99 %, not 100.00 %, and one right is 0.01 %."""
    net = cr.Network([1, 1], seed=0, cost="cross_entropy", dtype="float64")
    net.weights[0][...], net.biases[0][...] = 1, 0
    net.save("net.safetensors")
    x = np.ones((30_000, 1))
    for y, said in ((np.ones(30_000), "100.00 %"), (np.arange(30_000) > 0, "99.99 %"), (np.arange(30_000) < 1, "0.01 %")):
        np.savez("x.npz", x=x, y=y.astype(int))
        assert f"accuracy {said}," in chainrule("evaluate", "net.safetensors", "x.npz")[1]


def test_a_file_from_before_that_learnt_mnist_reads_pictures(told):
    """A file that does not say what it learnt, but that its data were MNIST, reads pictures; one of anything else refuses them."""
    told("train", "mnist", "--epochs", 1, "--quiet")
    net = cr.load("mnist.safetensors")
    net.inputs = None
    net.save("before.safetensors")
    Image.fromarray(255 - MNIST.test.x[0].reshape(28, 28)).resize((200, 200)).save("seven.png")
    assert told("predict", "before.safetensors", "seven.png") == told("predict", "mnist.safetensors", "seven.png")
    net.provenance = None
    net.save("unknown.safetensors")
    assert _status("predict", "unknown.safetensors", "seven.png") == 2
