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
from chainrule.examples import Layout
from chainrule.explaining.blocks import Picture
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
    assert net.inputs == InputSpec("pixels", (rows, columns), 0.0, 1.0, background=net.inputs.background, mean=net.inputs.mean)
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
        ((8, 6), "8 x 6 pixels, the network's training images are 16 x 12; give a picture of that size or larger"),
        ((100, 100), "100 x 100 pixels, the network's training images are 16 x 12; crop it to the same proportions"),
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
    assert err.count("inverted, since its tones were inverted relative to the network's training images") == 10


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
    """Images stored on their side, told by names or by an option, are said to be so; upright pictures are turned likewise."""
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
    folder("upright", upright, (test, labels))  # whose names say nothing: as the model's where those are upright, else asked for
    status, out, err = chainrule("evaluate", "side.safetensors", "upright", "--json")
    assert (status, "say so by --transpose or --no-transpose" in err) == ((2, True) if transposed else (0, False))
    status, out, err = chainrule("evaluate", "side.safetensors", "upright", "--no-transpose", "--json")
    assert json.loads(out)["accuracy"] == pytest.approx(
        accuracy if transposed else np.mean([one["label"] for one in found] == labels)
    )
    assert ("the images lie upright, and were turned as those that the model learnt" in err) == transposed
    Path("side").rename("moved")  # the model no longer knows it as its own
    option = "--transpose" if transposed else "--no-transpose"
    assert told("evaluate", "side.safetensors", "moved", option)[0]["accuracy"] == pytest.approx(accuracy)


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
    """Info tells what a model learnt to read, to people and as JSON."""
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
    assert "other.svmlight counts its columns from 0, but they must be counted from 1, as in the training of the model" in err


def test_a_guess_at_the_first_column_is_told():
    """Where the number of columns is given, and the file could count from 0 or from 1, the reading is told, and can be said."""
    Path("x.svmlight").write_text("1 2:5\n0 3:7\n")
    with pytest.warns(UserWarning, match=r"names columns 2 to 3 of 4; they are assumed to count from 1\. If .* first_column=0"):
        table = datasets.table("x.svmlight", n_features=4)
    assert table.x.toarray().tolist() == [[0, 5, 0, 0], [0, 0, 7, 0]]
    table = datasets.table("x.svmlight", n_features=4, first_column=0)
    assert table.x.toarray().tolist() == [[0, 0, 5, 0], [0, 0, 0, 7]]
    assert datasets.table("x.svmlight", n_features=3).x.shape == (2, 3)  # column 3 of 3 counts from 1
    for settings in ({"first_column": 2}, {"first_column": True}, {"n_features": 0}, {"n_features": 2.5}):
        with pytest.raises(cr.ChainruleError, match=r"first_column must be 0 or 1|n_features must be a whole number"):
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


# Targets


def signs(n=200):
    """Rows, and targets in [-1, 1] of which many are exactly -1 or 1."""
    x = np.random.default_rng(0).normal(size=(n, 3))
    return x, np.clip(x[:, 0], -1, 1)


def test_signs_are_values_to_a_model_of_values(told):
    """Targets -1 and 1 are compared as they stand with a model of values, the command line's or the library's."""
    x, y = signs()
    np.savez("reg.npz", x=x, y=y)
    told("train", "reg.npz", "--epochs", 60, "--quiet")
    at_the_ends = np.abs(y) == 1
    np.savez("ends.npz", x=x[at_the_ends], y=y[at_the_ends])
    found = told("evaluate", "reg.safetensors", "ends.npz")[0]
    net = cr.load("reg.safetensors")
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((net.feedforward(x[at_the_ends]).ravel() - y[at_the_ends]) ** 2)))
    net = cr.Network([3, 1], output="tanh", seed=0)
    cr.train(net, (x, np.sign(y)), epochs=20, batch_size=10, learning_rate=0.1)
    net.save("tanh.safetensors")
    assert told("evaluate", "tanh.safetensors", "ends.npz")[0]["cost"] == pytest.approx(net.cost(x[at_the_ends], y[at_the_ends]))


def test_signs_are_classes_where_nothing_says_otherwise(chainrule, told):
    """Labels -1 and 1 are the classes 0 and 1, which is said; with a cost of values they are values."""
    x, y = signs()
    y = np.where(y > 0, 1, -1)
    np.savez("signs.npz", x=x, y=y)
    status, out, _ = chainrule("train", "signs.npz", "--epochs", "5")
    assert status == 0
    assert "labels -1 and 1 are the classes 0 and 1" in out
    assert told("evaluate", "signs.safetensors")[0]["accuracy"] > 0.9
    np.savez("minus.npz", x=x[y < 0], y=y[y < 0])
    assert told("evaluate", "signs.safetensors", "minus.npz")[0]["accuracy"] > 0.9
    told("train", "signs.npz", "--cost", "mean_squared_error", "--epochs", 20, "--quiet", "--out", "values.safetensors")
    np.save("x.npy", x)
    values = [one["value"] for one in told("predict", "values.safetensors", "x.npy")]
    np.testing.assert_allclose(values, cr.load("values.safetensors").feedforward(x).ravel())
    assert min(values) < -0.5


def test_several_values_are_told_as_values(chainrule, told, tmp_path):
    """A model of several values tells them all, and no label; neither does predict make a label of them."""
    x, _ = signs()
    np.savez("two.npz", x=x, y=np.column_stack([10 * x[:, 0], 5 - 3 * x[:, 1]]))
    told("train", "two.npz", "--epochs", 5, "--quiet")
    np.save("x.npy", x[:3])
    net = cr.load("two.safetensors")
    due = net.feedforward(x[:3])
    found = told("predict", "two.safetensors", "x.npy")
    np.testing.assert_allclose([one["values"] for one in found], due)
    assert chainrule("predict", "two.safetensors", "x.npy")[1].splitlines()[0] == "x.npy[0]  " + " ".join(
        f"{v:.6g}" for v in due[0]
    )
    with pytest.raises(cr.ChainruleError, match=r"trained on rows of values, which are not labels; call feedforward"):
        net.predict(x)


def test_several_labels_at_once_are_no_one_label(told):
    """The file of a classifier of several labels at once tells all outputs, not the largest as the one label."""
    x, _ = signs()
    labels = np.column_stack([x[:, 0] > 0, x[:, 1] > 0, x[:, 0] > -2]).astype(int)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        clf = cr.MLPClassifier((4,), max_iter=20, random_state=0).fit(x, labels)
    clf.save("several.safetensors")
    np.save("x.npy", x[:2])
    np.testing.assert_allclose([one["values"] for one in told("predict", "several.safetensors", "x.npy")], clf.predict_proba(x[:2]))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_target_is_found_by_its_name(told, chainrule, ending):
    """Another table is compared by the column that was learnt, wherever it stands; without it the table is refused."""
    import pandas as pd

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=100), "b": rng.normal(size=100)})
    frame["y"] = (frame["a"] > 0).astype(int)

    def write(table, name):
        table.to_csv(name, index=False) if ending == "csv" else table.to_parquet(name)

    write(frame, f"t.{ending}")
    told("train", f"t.{ending}", "--epochs", 40, "--quiet")
    write(frame.assign(z=rng.integers(0, 2, 100))[["y", "b", "a", "z"]], f"other.{ending}")
    found = told("evaluate", "t.safetensors", f"other.{ending}")[0]
    assert found["accuracy"] == cr.load("t.safetensors").accuracy(frame[["a", "b"]].to_numpy(), frame["y"].to_numpy())
    write(frame[["a", "b"]], f"none.{ending}")
    status, _, err = chainrule("evaluate", "t.safetensors", f"none.{ending}")
    assert status == 2
    assert "has no column 'y'" in err


def test_outputs_that_are_no_numbers_are_told(chainrule):
    """A row whose numbers overflow to NaN on the way is refused by name, not told as a label."""
    net = cr.Network([2, 2, 2], activation="identity", cost="log_loss", seed=0, dtype="float64")
    net.weights[0][...], net.weights[1][...] = 1e10, [[1, -1], [-1, 1]]
    net.save("net.safetensors")
    np.save("x.npy", np.array([[1e308, 1e308]]))
    status, out, err = chainrule("predict", "net.safetensors", "x.npy")
    assert (status, out) == (2, "")
    assert "x.npy: the network's outputs are NaN for this row" in err


# Pictures of exactly the training images' size


@pytest.fixture
def dark_rimmed(told):
    """A model of 12 x 20 images with dark rims, and some of them."""
    images, labels = bars(300, 8, 16)
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    folder("rims", (images, labels), (images[:20], labels[:20]))
    told("train", "rims", "--epochs", 3, "--quiet")
    return cr.load("rims.safetensors"), images[:20]


def test_levels_of_more_than_8_bits_are_absolute(chainrule, told, dark_rimmed):
    """White is white in 16 bits too: a faint picture stays faint; floats without a known white are refused."""
    net, images = dark_rimmed
    due = net.feedforward(images.reshape(20, -1))
    for k, image in enumerate(images):
        Image.fromarray(image.astype(np.uint16) * 257).save(f"{k}.png")
    found = told("predict", "rims.safetensors", *(f"{k}.png" for k in range(20)), "--outputs")
    np.testing.assert_allclose([one["outputs"] for one in found], due, atol=1e-6)
    Image.fromarray(np.full((12, 20), 25700, np.uint16)).save("grey.png")
    found = told("predict", "rims.safetensors", "grey.png", "--outputs")
    np.testing.assert_allclose(found[0]["outputs"], net.feedforward(np.full((1, 240), 100, np.uint8))[0], atol=1e-6)
    Image.fromarray(np.full((12, 20), 1e4, np.float32)).save("floats.tiff")
    assert "the level of white is unknown" in chainrule("predict", "rims.safetensors", "floats.tiff")[2]


def test_see_through_parts_are_background(told, dark_rimmed):
    """A picture whose background is see-through is read on the background of the training images."""
    net, images = dark_rimmed
    due = net.feedforward(images.reshape(20, -1))
    for k, image in enumerate(images):
        layers = np.stack([image, image, image, np.where(image > 0, 255, 0)], axis=2).astype(np.uint8)
        Image.fromarray(layers, "RGBA").save(f"{k}.png")
    found = told("predict", "rims.safetensors", *(f"{k}.png" for k in range(20)), "--outputs")
    np.testing.assert_allclose([one["outputs"] for one in found], due, atol=1e-6)


def test_an_inverted_picture_of_the_same_size_is_told(chainrule, dark_rimmed):
    """A picture of the training images' size is taken as it is, and a light background for a dark one is said."""
    Image.fromarray(255 - dark_rimmed[1][0]).save("x.png")
    status, _, err = chainrule("predict", "rims.safetensors", "x.png")
    assert status == 0
    assert "x.png: not changed, since it has the training images' size; but its tones are inverted relative to theirs" in err


def test_images_of_another_shape_are_refused(chainrule, told, dark_rimmed):
    """Images whose rows and columns are swapped are refused, in an .npy and in a folder, though the number of pixels fits."""
    images, labels = bars(40, 20, 12)
    np.save("x.npy", images)
    np.save("right.npy", dark_rimmed[1])
    assert (
        "x.npy holds images of 20 x 12, but the network learnt images of 12 x 20"
        in chainrule("predict", "rims.safetensors", "x.npy")[2]
    )
    assert len(told("predict", "rims.safetensors", "right.npy")) == 20
    folder("swapped", (images, labels), (images, labels))
    status, _, err = chainrule("evaluate", "rims.safetensors", "swapped")
    assert status == 2
    assert "x holds images of 20 x 12 pixels, but the network learnt images of 12 x 20" in err


def test_explain_draws_images_as_they_lie(dark_rimmed):
    """The picture of an input has the rows and columns of the images, and stands upright."""
    net, images = dark_rimmed
    images = images[images.max(axis=(1, 2)) > 1]
    for transposed in (False, True):
        examples = cr.Examples(images[:1].reshape(1, -1), [0], layout=Layout(12, 20, transposed))
        net.inputs = InputSpec("pixels", (12, 20), 0.0, 1.0, transposed=transposed)
        sections = cr.explain(net, examples).sections
        drawn = next(block for section in sections for block in section.blocks if isinstance(block, Picture))
        assert np.array_equal(drawn.pixels, (images[0] / 255).T if transposed else images[0] / 255)


def test_info_tells_of_the_best_epoch_of_a_training_that_ran_to_its_end(chainrule, told):
    """Early stopping that never stopped leaves the best epoch's parameters, and info says so."""
    x = np.random.default_rng(0).normal(size=(60, 3))
    net = cr.Network([3, 8, 2], seed=0)
    y = np.random.default_rng(1).integers(0, 2, 60)
    settings = {"batch_size": 6, "learning_rate": 3.0, "validation": (x[:20], y[:20]), "early_stopping": 100}
    history = cr.train(net, (x[20:], y[20:]), epochs=12, **settings)
    assert history.stopped == "finished"
    assert history.best_epoch < 12
    net.save("net.safetensors")
    assert f"12 epochs, finished; parameters of the best, epoch {history.best_epoch}," in chainrule("info", "net.safetensors")[1]


def test_pictures_for_images_without_a_plain_rim_are_inverted_too(chainrule, told):
    """scikit-learn's digits touch the rim: a dark drawing on white is inverted by its mean, and it is said."""
    told("train", "digits", "--quiet")
    test = datasets.digits().test[:60]
    images = np.rint(255 * np.asarray(test.x).reshape(-1, 8, 8)).astype(np.uint8)
    larger = np.repeat(np.repeat(images, 10, axis=1), 10, axis=2)
    due = [one["label"] for one in told("predict", "digits.safetensors", *pictures(larger))]
    assert np.mean(np.array(due) == test.y) > 0.9
    status, out, err = chainrule("predict", "digits.safetensors", *pictures(255 - larger), "--json")
    assert status == 0
    assert np.mean(np.array([json.loads(line)["label"] for line in out.splitlines()]) == due) > 0.9
    assert err.count("inverted, since its tones were inverted relative to the network's training images") > 55


def test_a_named_index_of_pandas_is_no_column(chainrule):
    """A frame's index that a parquet file holds under its name is refused, as an unnamed one is."""
    import pandas as pd

    frame = pd.DataFrame({"a": np.arange(20.0), "y": np.arange(20) % 2}, index=pd.Index(np.arange(20), name="id"))
    frame.to_parquet("t.parquet")
    status, _, err = chainrule("train", "t.parquet")
    assert status == 2
    assert "column 'id' is pandas' row index; save the table with index=False" in err


def test_names_that_a_model_does_not_know_are_told(chainrule, told):
    """A table with names for a model that knows none is taken in its order, and that is said."""
    x, y = signs()
    np.savez("t.npz", x=x, y=(y > 0).astype(int))
    told("train", "t.npz", "--epochs", 5, "--quiet")
    np.savetxt("t.csv", np.column_stack([x, y > 0]), delimiter=",", header="a,b,c,y", comments="")
    status, _, err = chainrule("evaluate", "t.safetensors", "t.csv")
    assert status == 0
    assert "the model knows no names of columns; those of t.csv were taken in their order" in err
    assert "predict reads rows from .npy, .csv and .svmlight" in chainrule("predict", "t.safetensors", "t.npz")[2]
