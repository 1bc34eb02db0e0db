"""Images: folders of IDX files, and pictures read like the images of the training."""

import json
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import bar_images, save_pictures, write_idx_folder
from PIL import Image

import chainrule as cr
from chainrule import datasets
from chainrule.datasets.idx import header
from chainrule.examples import Layout
from chainrule.explaining.blocks import Picture
from chainrule.input_spec import InputSpec

MNIST = datasets.mnist()


def test_an_idx_folder(run_json):
    """A folder of images is trained on with the defaults for images, and names the model."""
    mnist = datasets.mnist()
    Path("some").mkdir()
    for part, examples in (("train", mnist.train[:3000]), ("t10k", mnist.test[:500])):
        for name, array in (("images-idx3", examples.x.reshape(-1, 28, 28)), ("labels-idx1", examples.y.astype(np.uint8))):
            Path("some", f"{part}-{name}-ubyte").write_bytes(header(array) + array.tobytes())
    summary = run_json("train", "some", "--epochs", 4, "--threads", 1)[-1]
    assert summary["test_accuracy"] > 0.8
    assert summary["model"] == "some.safetensors"
    assert any("--hidden 128" in note for note in summary["notes"])
    assert run_json("evaluate", "some.safetensors")[0]["accuracy"] == summary["test_accuracy"]


@pytest.mark.parametrize(("rows", "columns"), [(28, 28), (12, 12), (16, 20)])
def test_a_folders_test_images_are_read_as_evaluate_reads_them(run_json, rows, columns):
    """Test images as PNG give the outputs that the network gives their pixels: those that fill the frame, black ones, any size."""
    test = bar_images(60, rows, columns, seed=1)
    write_idx_folder("bars", bar_images(300, rows, columns), test)
    run_json("train", "bars", "--epochs", 3, "--quiet")
    net = cr.load("bars.safetensors")
    assert net.inputs == InputSpec("pixels", (rows, columns), 0.0, 1.0, background=net.inputs.background, mean=net.inputs.mean)
    found = run_json("predict", "bars.safetensors", *save_pictures(test[0]), "--outputs")
    expected = net.feedforward(test[0].reshape(60, -1))
    np.testing.assert_allclose([one["outputs"] for one in found], expected, atol=1e-6)
    accuracy = run_json("evaluate", "bars.safetensors")[0]["accuracy"]
    assert np.mean([one["label"] for one in found] == test[1]) == pytest.approx(accuracy)


def test_a_larger_picture_is_scaled_and_others_are_refused(run, run_json):
    """A picture of several times the size reads as the image; a smaller one, and one of other proportions, is refused by name."""
    test = bar_images(20, 12, 16, seed=1)
    write_idx_folder("bars", bar_images(300, 12, 16), test)
    run_json("train", "bars", "--epochs", 3, "--quiet")
    larger = save_pictures(np.repeat(np.repeat(test[0], 10, axis=1), 10, axis=2))
    expected = cr.load("bars.safetensors").feedforward(test[0].reshape(20, -1))
    np.testing.assert_allclose(
        [one["outputs"] for one in run_json("predict", "bars.safetensors", *larger, "-a")], expected, atol=1e-5
    )
    for size, expected in (
        ((8, 6), "8 x 6 pixels, the network's training images are 16 x 12; give a picture of that size or larger"),
        ((100, 100), "100 x 100 pixels, the network's training images are 16 x 12; crop it to the same proportions"),
    ):
        Image.new("L", size).save("other.png")
        status, out, err = run("predict", "bars.safetensors", "other.png")
        assert (status, out) == (2, "")
        assert "other.png: the picture is " + expected in err


def test_a_picture_on_the_other_background_is_inverted_with_a_note(run, run_json):
    """A large picture on white is inverted for a network of images on black, and a line on standard error says so."""
    images, labels = bar_images(300, 12, 12)
    images, labels = np.pad(images, ((0, 0), (2, 2), (2, 2)))[labels < 3], labels[labels < 3]
    write_idx_folder("bars", (images, labels), (images[:40], labels[:40]))
    run_json("train", "bars", "--epochs", 5, "--quiet")
    larger = np.repeat(np.repeat(images[:10], 10, axis=1), 10, axis=2)
    expected = [one["label"] for one in run_json("predict", "bars.safetensors", *save_pictures(larger))]
    status, out, err = run("predict", "bars.safetensors", *save_pictures(255 - larger), "--json")
    assert status == 0
    assert [json.loads(line)["label"] for line in out.splitlines()] == expected
    assert err.count("inverted, since its tones were inverted relative to the network's training images") == 10


def test_images_of_0_and_1_are_read_from_black_and_white_pictures(run_json):
    """Images that were stored as 0 and 1 are read from pictures of 0 and 255, and of 0 and 1, as evaluate reads them."""
    (train, labels), (test, test_labels) = bar_images(300, 12, 12), bar_images(30, 12, 12, seed=1)
    train, test = (train > 128).astype(np.uint8), (test > 128).astype(np.uint8)
    write_idx_folder("bits", (train, labels), (test, test_labels))
    run_json("train", "bits", "--epochs", 3, "--quiet")
    net = cr.load("bits.safetensors")
    assert net.inputs.kind == "numbers"
    expected = net.feedforward(test.reshape(30, -1).astype(float))
    for images in (255 * test, test, test > 0):
        found = run_json("predict", "bits.safetensors", *save_pictures(images), "--outputs")
        np.testing.assert_allclose([one["outputs"] for one in found], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("prefix", "option", "transposed"),
    [("emnist-digits-", (), True), ("", ("--transpose",), True), ("emnist-digits-", ("--no-transpose",), False), ("", (), False)],
)
def test_emnists_orientation(run, run_json, prefix, option, transposed):
    """Images stored on their side, by their names or an option, are reported as such; upright pictures are transposed likewise."""
    test, labels = bar_images(60, 14, 14, seed=1)
    upright = bar_images(400, 14, 14)
    write_idx_folder("side", (upright[0].transpose(0, 2, 1), upright[1]), (test.transpose(0, 2, 1), labels), prefix)
    status, out, _ = run("train", "side", "--epochs", 3, *option)
    assert status == 0
    assert ("lie on their side" in out) == transposed
    net = cr.load("side.safetensors")
    assert net.inputs.transposed == transposed
    found = run_json("predict", "side.safetensors", *save_pictures(test), "--outputs")
    given = test.transpose(0, 2, 1) if transposed else test
    expected = net.feedforward(np.ascontiguousarray(given).reshape(60, -1))
    np.testing.assert_allclose([one["outputs"] for one in found], expected, atol=1e-6)
    accuracy = run_json("evaluate", "side.safetensors")[0]["accuracy"]
    assert accuracy > 0.9
    assert (np.mean([one["label"] for one in found] == labels) == pytest.approx(accuracy)) == transposed
    write_idx_folder(
        "upright", upright, (test, labels)
    )  # whose names say nothing: as the model's where those are upright, else asked for
    status, out, err = run("evaluate", "side.safetensors", "upright", "--json")
    assert (status, "give --transpose or --no-transpose" in err) == ((2, True) if transposed else (0, False))
    status, out, err = run("evaluate", "side.safetensors", "upright", "--no-transpose", "--json")
    assert json.loads(out)["accuracy"] == pytest.approx(
        accuracy if transposed else np.mean([one["label"] for one in found] == labels)
    )
    assert ("the images lie upright, and were transposed to lie like those of the model's training" in err) == transposed
    Path("side").rename("moved")  # the model no longer knows it as its own
    option = "--transpose" if transposed else "--no-transpose"
    assert run_json("evaluate", "side.safetensors", "moved", option)[0]["accuracy"] == pytest.approx(accuracy)


def test_transpose_is_for_folders(run):
    """--transpose is refused for data that is not a folder of images."""
    for data in ("mnist", "digits"):
        status, _, err = run("train", data, "--transpose")
        assert status == 2
        assert f"--transpose is for a folder of IDX files; {data} is not one" in err


def test_a_library_model_of_mnist_reads_pictures(run_json):
    """A network that the library trained on MNIST, or on fractions of its pixels, reads pictures as the command line's does."""
    Image.fromarray(255 - MNIST.test.x[0].reshape(28, 28)).resize((200, 200)).save("seven.png")
    for examples in (MNIST.train[:5000], cr.Examples(MNIST.train.x[:5000] / 255, MNIST.train.y[:5000])):
        net = cr.Network([784, 30, 10], activation="relu", cost="log_loss", seed=0)
        cr.train(net, examples, epochs=3, batch_size=20, learning_rate=0.1)
        net.save("net.safetensors")
        assert run_json("predict", "net.safetensors", "seven.png")[0]["label"] == 7


def test_a_model_of_unknown_rows_and_columns_refuses_pictures(run):
    """A model of pixels of unknown rows and columns refuses a picture, and says how to train a model that takes it."""
    net = cr.Network([12, 2], seed=0)
    cr.train(
        net,
        (np.random.default_rng(0).integers(0, 256, (20, 12)).astype(np.uint8), np.arange(20) % 2),
        epochs=1,
        batch_size=5,
        learning_rate=0.1,
    )
    net.save("net.safetensors")
    Image.new("L", (4, 3)).save("x.png")
    status, _, err = run("predict", "net.safetensors", "x.png")
    assert status == 2
    assert "the model learnt rows of 12 pixels" in err
    assert "layout=(rows, columns)" in err


def test_a_model_file_without_inputs_reads_pictures_if_trained_on_mnist(run, run_json):
    """A model file without a description of its inputs reads pictures if its data were MNIST, and else refuses them."""
    run_json("train", "mnist", "--epochs", 1, "--quiet")
    net = cr.load("mnist.safetensors")
    net.inputs = None
    net.save("before.safetensors")
    Image.fromarray(255 - MNIST.test.x[0].reshape(28, 28)).resize((200, 200)).save("seven.png")
    assert run_json("predict", "before.safetensors", "seven.png") == run_json("predict", "mnist.safetensors", "seven.png")
    net.provenance = None
    net.save("unknown.safetensors")
    assert run("predict", "unknown.safetensors", "seven.png")[0] == 2


@pytest.fixture
def dark_rimmed(run_json):
    """A model of 12 x 20 images with dark rims, and some of them."""
    images, labels = bar_images(300, 8, 16)
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    write_idx_folder("rims", (images, labels), (images[:20], labels[:20]))
    run_json("train", "rims", "--epochs", 3, "--quiet")
    return cr.load("rims.safetensors"), images[:20]


def test_levels_of_more_than_8_bits_are_absolute(run, run_json, dark_rimmed):
    """White is white in 16 bits too: a faint picture stays faint; floats without a known white are refused."""
    net, images = dark_rimmed
    expected = net.feedforward(images.reshape(20, -1))
    for k, image in enumerate(images):
        Image.fromarray(image.astype(np.uint16) * 257).save(f"{k}.png")
    found = run_json("predict", "rims.safetensors", *(f"{k}.png" for k in range(20)), "--outputs")
    np.testing.assert_allclose([one["outputs"] for one in found], expected, atol=1e-6)
    Image.fromarray(np.full((12, 20), 25700, np.uint16)).save("grey.png")
    found = run_json("predict", "rims.safetensors", "grey.png", "--outputs")
    np.testing.assert_allclose(found[0]["outputs"], net.feedforward(np.full((1, 240), 100, np.uint8))[0], atol=1e-6)
    Image.fromarray(np.full((12, 20), 1e4, np.float32)).save("floats.tiff")
    assert "the level of white is unknown" in run("predict", "rims.safetensors", "floats.tiff")[2]


def test_transparent_parts_are_background(run_json, dark_rimmed):
    """A picture with a transparent background is read on the background of the training images."""
    net, images = dark_rimmed
    expected = net.feedforward(images.reshape(20, -1))
    for k, image in enumerate(images):
        layers = np.stack([image, image, image, np.where(image > 0, 255, 0)], axis=2).astype(np.uint8)
        Image.fromarray(layers, "RGBA").save(f"{k}.png")
    found = run_json("predict", "rims.safetensors", *(f"{k}.png" for k in range(20)), "--outputs")
    np.testing.assert_allclose([one["outputs"] for one in found], expected, atol=1e-6)


def test_an_inverted_picture_of_the_same_size_gives_a_note(run, dark_rimmed):
    """A picture of the training images' size is taken as it is, with a note where its background is light instead of dark."""
    Image.fromarray(255 - dark_rimmed[1][0]).save("x.png")
    status, _, err = run("predict", "rims.safetensors", "x.png")
    assert status == 0
    assert "x.png: not changed, since it has the training images' size; but its tones are inverted relative to theirs" in err


def test_images_of_another_shape_are_refused(run, run_json, dark_rimmed):
    """Images whose rows and columns are swapped are refused, in an .npy and in a folder, though the number of pixels fits."""
    images, labels = bar_images(40, 20, 12)
    np.save("x.npy", images)
    np.save("right.npy", dark_rimmed[1])
    assert (
        "x.npy holds images of 20 x 12, but the network learnt images of 12 x 20" in run("predict", "rims.safetensors", "x.npy")[2]
    )
    assert len(run_json("predict", "rims.safetensors", "right.npy")) == 20
    write_idx_folder("swapped", (images, labels), (images, labels))
    status, _, err = run("evaluate", "rims.safetensors", "swapped")
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


def test_pictures_for_images_without_a_plain_rim_are_inverted_too(run, run_json):
    """scikit-learn's digits touch the rim: a dark drawing on white is inverted by its mean, with a note."""
    run_json("train", "digits", "--quiet")
    test = datasets.digits().test[:60]
    images = np.rint(255 * np.asarray(test.x).reshape(-1, 8, 8)).astype(np.uint8)
    larger = np.repeat(np.repeat(images, 10, axis=1), 10, axis=2)
    expected = [one["label"] for one in run_json("predict", "digits.safetensors", *save_pictures(larger))]
    assert np.mean(np.array(expected) == test.y) > 0.9
    status, out, err = run("predict", "digits.safetensors", *save_pictures(255 - larger), "--json")
    assert status == 0
    assert np.mean(np.array([json.loads(line)["label"] for line in out.splitlines()]) == expected) > 0.9
    assert err.count("inverted, since its tones were inverted relative to the network's training images") > 55
