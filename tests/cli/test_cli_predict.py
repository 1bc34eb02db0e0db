"""``chainrule predict``: pictures, rows and tables, and the files that it refuses."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import format_below, rows_with_signs, save_network_of_table
from PIL import Image
from sklearn.datasets import dump_svmlight_file

import chainrule as cr
from chainrule import cli, datasets

MNIST = datasets.mnist()


def npy_bytes(array):
    """Give the contents of an .npy file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def save_table(name, x, y, *, names=True):
    """Save a table in the format of its name's ending, with the target as the column 'y' after the second, or without a target."""
    columns = {f"x{k}": column for k, column in enumerate(np.transpose(x))}
    if y is not None:
        columns = dict([*list(columns.items())[:2], ("y", y), *list(columns.items())[2:]])
    ending = Path(name).suffix
    if ending in (".svmlight", ".libsvm"):
        dump_svmlight_file(x, np.zeros(len(x)) if y is None else y, name, zero_based=False)
    elif ending == ".npz":
        np.savez(name, x=x, **({} if y is None else {"y": y}))
    elif ending == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pytest.importorskip("pyarrow").table(columns), name)
    else:
        separator = "\t" if ending == ".tsv" else ","
        header = separator.join(columns) if names else ""
        table = np.column_stack(list(columns.values()))
        np.savetxt(name, table, delimiter=separator, header=header, comments="", fmt="%.17g")


@pytest.mark.parametrize(
    ("ending", "names", "note"),
    [
        ("csv", True, "column 'y' was ignored"),
        ("csv", False, "column 2 (from 0) was ignored"),
        ("tsv", True, "column 'y' was ignored"),
        ("parquet", True, "column 'y' was ignored"),
        ("npz", False, ""),
        ("svmlight", False, ""),
        ("libsvm", False, ""),
    ],
)
def test_a_network_predicts_tables_of_every_format(run, run_json, ending, names, note):
    """Predict gives the network's outputs for a table of each format, with the target's column, which is ignored, or without."""
    x = np.random.default_rng(0).normal(size=(60, 4))
    y = (x[:, 0] > 0).astype(int)
    save_table(f"t.{ending}", x, y, names=names)
    if ending in ("npz", "svmlight", "libsvm"):
        run_json("train", f"t.{ending}", "--epochs", 5, "--quiet", "--out", "m.safetensors")
    else:
        of_names = {"columns": [f"x{k}" for k in range(4)], "target": "y"} if names else {}
        save_network_of_table("m.safetensors", x, y, **of_names, data=f"t.{ending}#{'y' if names else 2}")
    expected = cr.load("m.safetensors").feedforward(x)
    save_table(f"without.{ending}", x, None, names=names)
    assert [one["label"] for one in run_json("predict", "m.safetensors", f"without.{ending}")] == [*expected.argmax(axis=1)]
    status, out, err = run("predict", "m.safetensors", f"t.{ending}", "--outputs", "--json")
    assert status == 0
    np.testing.assert_allclose([json.loads(line)["outputs"] for line in out.splitlines()], expected, atol=1e-9)
    assert (note in err and err.count("\n") == 1) if note else err == ""


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("labels", [[None, None, None], ["red", 'a "b", c', "grün ✓"]])
def test_columns_that_are_ignored_may_hold_anything(run, ending, labels):
    """A column that the model does not take, and the target's, may be text or empty: predict reads only the model's columns."""
    pd = pytest.importorskip("pandas")
    x = np.random.default_rng(0).normal(size=(60, 3))
    save_network_of_table("m.safetensors", x, x[:, 0] > 0, columns=["a", "b", "c"], target="y", data=f"t.{ending}")
    write = "to_csv" if ending == "csv" else "to_parquet"
    new = pd.DataFrame({"a.text": labels, "y": labels, "c": x[:3, 2], "when": ["1 May, 10:00"] * 3, "a": x[:3, 0], "b": x[:3, 1]})
    getattr(new, write)(f"new.{ending}", index=False)
    status, out, err = run("predict", "m.safetensors", f"new.{ending}", "--outputs", "--json")
    assert (status, err) == (0, f"chainrule: new.{ending}: column 'y' was ignored; it is the target of the model's training\n")
    expected = cr.load("m.safetensors").feedforward(x[:3])
    np.testing.assert_allclose([json.loads(line)["outputs"] for line in out.splitlines()], expected, atol=1e-9)


def test_an_empty_target_without_a_name_is_ignored(run):
    """The target's column may be empty in a csv without names too."""
    x = np.random.default_rng(0).normal(size=(60, 3))
    save_network_of_table("m.safetensors", x, x[:, 0] > 0, data="t.csv#2")
    Path("new.csv").write_text("0.5,1,,2\n1,1,,3\n")
    status, out, err = run("predict", "m.safetensors", "new.csv", "--outputs", "--json")
    assert (status, err.count("\n")) == (0, 1)
    expected = cr.load("m.safetensors").feedforward(np.array([[0.5, 1, 2], [1, 1, 3]]))
    np.testing.assert_allclose([json.loads(line)["outputs"] for line in out.splitlines()], expected, atol=1e-9)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("red, or blue,1,2,3", "new.csv, line 3: 5 fields, divided by ',', where the lines before have 4"),
        ("red,,2,3", "new.csv, line 3, column 'a': the value is missing"),
    ],
)
def test_a_faulty_row_beside_ignored_columns_is_refused(run, row, message):
    """A row with another number of fields, or without a value that the model takes, is refused in one line."""
    x = np.random.default_rng(0).normal(size=(60, 3))
    save_network_of_table("m.safetensors", x, x[:, 0] > 0, columns=["a", "b", "c"], target="y")
    Path("new.csv").write_text(f"y,a,b,c\nred,1,2,3\n{row}\n")
    status, out, err = run("predict", "m.safetensors", "new.csv")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_a_table_in_another_format_is_found_by_its_names(run_json):
    """A network of a parquet file predicts from a csv, and a network of a csv from a parquet file."""
    x = np.random.default_rng(0).normal(size=(60, 4))
    for trained, other in (("t.parquet", "other.csv"), ("t.csv", "other.parquet")):
        names = [f"x{k}" for k in range(4)]
        save_network_of_table("m.safetensors", x, x[:, 0] > 0, columns=names, target="y", data=trained)
        save_table(other, x, None)
        expected = cr.load("m.safetensors").feedforward(x)
        outputs = [one["outputs"] for one in run_json("predict", "m.safetensors", other, "-a")]
        np.testing.assert_allclose(outputs, expected, atol=1e-9)


def test_pictures_of_digits(run_json, mnist_model):
    """Test digits, written dark on light and ten times as large, are read as the network reads the originals."""
    test, network = datasets.mnist().test, cr.load(mnist_model[0])
    sure = np.flatnonzero(network.feedforward(test.x[:50]).max(axis=1) > 0.95)[:4]
    for k in sure:
        Image.fromarray(255 - test.x[k].reshape(28, 28)).resize((280, 280)).save(f"{k}.png")
    found = run_json("predict", mnist_model[0], *(f"{k}.png" for k in sure))
    assert [one["label"] for one in found] == [*network.predict(test.x[sure])]
    assert [one["file"] for one in found] == [f"{k}.png" for k in sure]


@pytest.mark.parametrize("shape", [(5, 784), (5, 28, 28)])
def test_rows_of_pixels(run_json, mnist_model, shape):
    """An .npy of pixels is predicted row by row, flat or as images."""
    x = datasets.mnist().test.x[:5]
    np.save("x.npy", x.reshape(shape))
    a = cr.load(mnist_model[0]).feedforward(x)
    found = run_json("predict", mnist_model[0], "x.npy", "--outputs")
    assert [one["row"] for one in found] == [0, 1, 2, 3, 4]
    assert [one["label"] for one in found] == [*a.argmax(axis=1)]
    assert np.allclose([one["outputs"] for one in found], a)
    assert np.allclose([one["output"] for one in found], a.max(axis=1))


@pytest.mark.parametrize("named", [False, True])
def test_a_csv_with_or_without_names(run, models, named):
    """Each row of a csv is a line: its position, its label, and with softmax its probability."""
    table, network = datasets.table(models / "wine.npz"), cr.load(models / "wine.safetensors")
    rows = "\n".join(",".join(f"{number:.10g}" for number in row) for row in table.x[:3])
    names = ",".join(f"x{k}" for k in range(13)) + "\n"
    Path("x.csv").write_text(names * named + rows)
    status, out, _ = run("predict", models / "wine.safetensors", "x.csv")
    a = network.feedforward(table.x[:3])
    assert status == 0
    assert out.splitlines() == [
        f"x.csv[{k}]  {row.argmax()}  probability {format_below(100 * row.max(), 2, 100)} %" for k, row in enumerate(a)
    ]


def test_one_row(run, models):
    """A single row is printed without a number, and --outputs prints all outputs."""
    table = datasets.table(models / "wine.npz")
    np.save("row.npy", table.x[0])
    a = cr.load(models / "wine.safetensors").feedforward(table.x[:1])[0]
    _, out, _ = run("predict", models / "wine.safetensors", "row.npy", "-a")
    assert out.startswith(f"row.npy  {a.argmax()}  probability ")
    assert out.endswith("  outputs " + " ".join(format_below(value, 4, 1) for value in a) + "\n")


def test_values(run_json, models):
    """A network of values prints the value, in the target's units."""
    table = datasets.table(models / "diabetes.npz")
    np.save("x.npy", table.x[:4])
    found = [one["value"] for one in run_json("predict", models / "diabetes.safetensors", "x.npy")]
    assert np.allclose(found, cr.load(models / "diabetes.safetensors").predict(table.x[:4]))


@pytest.mark.parametrize(
    ("name", "contents", "says"),
    [
        ("gone.npy", None, "No such file"),
        ("gone.csv", None, "no such file: gone.csv"),
        ("gone.png", None, "cannot use gone.png: a picture is for a model of images, and the model learnt rows of 13 numbers"),
        ("x.csv", b"1,2,3\n", "rows of 3 numbers, but the network takes 13"),
        ("x.csv", b",".join([b"1"] * 15), "rows of 15 numbers, but the network takes 13"),
        ("x.npy", npy_bytes(np.ones((2, 14))), "leave the target's column out"),
        ("gone.parquet", None, "no such file: gone.parquet"),
        ("x.parquet", b"PAR1", "x.parquet is no"),
        ("x.npz", b"PK", "x.npz is no"),
        ("x.csv", b"1,2\n1,2\n1\n", "line 3"),
        ("x.csv", b"1,2\n1,red\n", "line 2"),
        ("x.npy", b"", "not an intact .npy"),
        ("x.npy", b"PK\x03\x04 not an array", "not an intact .npy"),
        ("x.npy", np.lib.format.magic(1, 0) + b"\x76\x00" + b"(" * 118, "not an intact .npy"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported(run, models, name, contents, says):
    """A file that is missing, broken or of the wrong width is named in one line, and the others are predicted; the status is 2."""
    if contents is not None:
        Path(name).write_bytes(contents)
    np.save("good.npy", datasets.table(models / "wine.npz").x[:1])
    status, out, err = run("predict", models / "wine.safetensors", name, "good.npy")
    assert status == 2
    assert re.fullmatch(r"good\.npy  \d  probability [\d.]+ %\n", out)
    assert err.count("\n") == 1
    assert name in err
    assert says in err


def test_values_beyond_those_of_images_are_refused_with_the_files_name(run, models):
    """The error about values that images of the training could not have names the svmlight file that holds them."""
    dump_svmlight_file(np.full((2, 64), 255.0), [0, 1], "t.svmlight")
    status, out, err = run("predict", models / "digits.safetensors", "t.svmlight")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "t.svmlight: x holds values from 255 to 255" in err


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(("info", ""), "MODEL"), (("predict", "m.safetensors", ""), "FILE..."), (("train", "digits", "--out", ""), "'--out'")],
)
def test_an_empty_path_is_refused(run, arguments, name):
    """An empty path is not the working folder: it is refused in one line that names the argument or the option."""
    cr.Network([2, 2], seed=0).save("m.safetensors")
    status, out, err = run(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert name in err
    assert "the path is empty; name a file" in err


def test_json_reports_a_bad_file_in_its_order(run, models):
    """With --json a file that cannot be read is an object with its error."""
    np.save("good.npy", datasets.table(models / "wine.npz").x[:1])
    status, out, _ = run("predict", models / "wine.safetensors", "gone.npy", "good.npy", "--json")
    bad, good = map(json.loads, out.splitlines())
    assert status == 2
    assert bad["file"] == "gone.npy"
    assert "No such file" in bad["error"]
    assert good["file"] == "good.npy"


def test_nan_is_refused_with_the_files_name(run, models):
    """NaN in a row is refused, and the file named."""
    np.save("x.npy", np.full((2, 13), np.nan))
    status, _, err = run("predict", models / "wine.safetensors", "x.npy")
    assert status == 2
    assert "x.npy: x holds NaN or inf" in err


def test_pickled_objects_are_refused(run, models):
    """Nothing in an .npy is executed."""
    np.save("x.npy", np.array([[Path()]], dtype=object), allow_pickle=True)
    status, _, err = run("predict", models / "wine.safetensors", "x.npy")
    assert status == 2
    assert "not an intact .npy file of numbers" in err


def test_a_header_that_claims_too_much_is_refused(run, models):
    """An .npy that claims 10^12 rows is refused by its size, before anything is allocated."""
    np.save("x.npy", np.zeros((1, 13)))
    contents = Path("x.npy").read_bytes()
    claim = b"(1000000000000, 13), }"
    Path("x.npy").write_bytes(contents.replace(b"(1, 13), }" + b" " * (len(claim) - 10), claim))
    status, _, err = run("predict", models / "wine.safetensors", "x.npy")
    assert status == 2
    assert "not an intact .npy file" in err


@pytest.fixture(scope="module")
def table_of_digits(tmp_path_factory):
    """A folder with a table of MNIST's pixels as numbers, and a model of it: 784 columns that are not treated as an image."""
    place = tmp_path_factory.mktemp("table")
    np.savez(place / "t.npz", x=MNIST.train.x[:3000].astype(float), y=MNIST.train.y[:3000])
    with pytest.raises(SystemExit):
        cli.main(["train", str(place / "t.npz"), "--quiet", "--epochs", "8", "--out", str(place / "t.safetensors")])
    return place


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64])
def test_numbers_for_a_model_of_a_table_are_numbers(run_json, table_of_digits, dtype):
    """A model of a table reads rows of an .npy alike in every dtype, and uint8 in an .npz for evaluate too."""
    x, y = MNIST.test.x[:200], MNIST.test.y[:200]
    np.save("x.npy", x.astype(dtype))
    found = run_json("predict", table_of_digits / "t.safetensors", "x.npy")
    assert np.mean([one["label"] for one in found] == y) > 0.8
    np.savez("x.npz", x=x.astype(dtype), y=y)
    assert run_json("evaluate", table_of_digits / "t.safetensors", "x.npz")[0]["accuracy"] > 0.8
    np.savez("dim.npz", x=np.minimum(x, 1).astype(dtype), y=y)  # which uint8 may hold for a model of numbers
    run_json("evaluate", table_of_digits / "t.safetensors", "dim.npz")
    for command in ("explain", "check"):
        assert status_of(command, table_of_digits / "t.safetensors", "--data", "dim.npz") == 0


def status_of(*arguments):
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    return ended.value.code


def test_a_picture_for_a_model_of_a_table_is_refused(run, table_of_digits):
    """A model of a table refuses pictures, even where the number of columns agrees."""
    Image.fromarray(MNIST.test.x[0].reshape(28, 28)).save("seven.png")
    status, out, err = run("predict", table_of_digits / "t.safetensors", "seven.png")
    assert (status, out) == (2, "")
    assert "cannot use seven.png: a picture is for a model of images, and the model learnt rows of 784 numbers" in err


def test_numbers_of_0_to_255_for_a_model_of_pixels_are_refused(run, run_json):
    """A model of MNIST refuses pixels that come as numbers of 0 to 255, in every command, and takes them as fractions."""
    run_json("train", "mnist", "--epochs", 1, "--quiet")
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
        status, out, err = run(arguments[0], "mnist.safetensors", *arguments[1:])
        assert (status, out) == (2, "")
        assert "x holds values from 0 to 255, but the network learnt images of values from 0 to 1; divide by 255" in err
    np.save("x.npy", x / 255)
    np.save("u.npy", x)
    assert [one["label"] for one in run_json("predict", "mnist.safetensors", "x.npy")] == [
        one["label"] for one in run_json("predict", "mnist.safetensors", "u.npy")
    ]


def test_several_values_are_printed_as_values(run, run_json, tmp_path):
    """A model of several values prints them all, and no label; ``Network.predict`` refuses to choose one."""
    x, _ = rows_with_signs()
    np.savez("two.npz", x=x, y=np.column_stack([10 * x[:, 0], 5 - 3 * x[:, 1]]))
    run_json("train", "two.npz", "--epochs", 5, "--quiet")
    np.save("x.npy", x[:3])
    net = cr.load("two.safetensors")
    expected = net.feedforward(x[:3])
    found = run_json("predict", "two.safetensors", "x.npy")
    np.testing.assert_allclose([one["values"] for one in found], expected)
    assert run("predict", "two.safetensors", "x.npy")[1].splitlines()[0] == "x.npy[0]  " + " ".join(f"{v:.6g}" for v in expected[0])
    with pytest.raises(cr.ChainruleError, match=r"trained on rows of values, which are not labels; call feedforward"):
        net.predict(x)


def test_several_labels_at_once_are_not_one_label(run_json):
    """The file of a classifier of several labels at once prints all outputs, not the largest as the one label."""
    x, _ = rows_with_signs()
    labels = np.column_stack([x[:, 0] > 0, x[:, 1] > 0, x[:, 0] > -2]).astype(int)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        clf = cr.MLPClassifier((4,), max_iter=20, random_state=0).fit(x, labels)
    clf.save("several.safetensors")
    np.save("x.npy", x[:2])
    np.testing.assert_allclose(
        [one["values"] for one in run_json("predict", "several.safetensors", "x.npy")], clf.predict_proba(x[:2])
    )


def test_outputs_that_are_nan_are_refused(run):
    """A row whose numbers overflow to NaN on the way is refused by name, not given a label."""
    net = cr.Network([2, 2, 2], activation="identity", cost="log_loss", seed=0, dtype="float64")
    net.weights[0][...], net.weights[1][...] = 1e10, [[1, -1], [-1, 1]]
    net.save("net.safetensors")
    np.save("x.npy", np.array([[1e308, 1e308]]))
    status, out, err = run("predict", "net.safetensors", "x.npy")
    assert (status, out) == (2, "")
    assert "x.npy: the network's outputs are NaN for this row" in err
