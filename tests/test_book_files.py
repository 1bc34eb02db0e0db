"""``network2.Network.save`` and ``load``: the book's JSON, read strictly, written whole or not at all."""

import json

import numpy as np
import pytest
from book_data import seed, small_labelled, small_pairs

from chainrule.book import network2, network_json
from chainrule.errors import DataError, FileError, ModelFileError, SettingError


@pytest.fixture
def net():
    """A trained network of chapter 3."""
    seed(1)
    made = network2.Network([4, 5, 3], cost=network2.QuadraticCost)
    made.SGD(small_pairs(), 1, 10, 1.0)
    return made


@pytest.fixture
def described(net, tmp_path):
    """The contents of its file."""
    net.save(tmp_path / "net.json")
    return json.loads((tmp_path / "net.json").read_text())


def test_a_network_comes_back_as_it_was_saved(net, tmp_path):
    """Sizes, cost and all parameters come back with their bits, under a path or a text; training goes on."""
    file = tmp_path / "net.json"
    net.save(str(file))
    loaded = network2.load(file)
    assert loaded.sizes == [4, 5, 3]
    assert loaded.num_layers == 3
    assert loaded.cost is network2.QuadraticCost
    pairs = zip([*loaded.weights, *loaded.biases], [*net.weights, *net.biases], strict=True)
    assert all(np.array_equal(a, b) and a.dtype == np.float64 for a, b in pairs)
    assert loaded.accuracy(small_labelled()) == net.accuracy(small_labelled())
    loaded.SGD(small_pairs(), 1, 10, 1.0)


def test_the_file_has_the_books_form(described, net):
    """The file holds four entries: sizes, weights and biases as nested lists, and the name of the cost's class."""
    assert described == {
        "sizes": [4, 5, 3],
        "weights": [w.tolist() for w in net.weights],
        "biases": [b.tolist() for b in net.biases],
        "cost": "QuadraticCost",
    }


def test_weights_that_are_not_finite_come_back(net, tmp_path):
    """A training that ran away can be saved and looked at, as in the book."""
    net.weights[0][0, :2] = np.nan, -np.inf
    net.save(tmp_path / "net.json")
    assert np.array_equal(network2.load(tmp_path / "net.json").weights[0], net.weights[0], equal_nan=True)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        (
            "weights",
            [np.ones((6, 4)), np.ones((3, 6))],
            r"\[\(5, 4\), \(3, 5\)\], but they have \[\(6, 4\), \(3, 6\)\]; assign net.sizes",
        ),
        ("weights", [np.ones((5, 4))], r"\[\(5, 4\), \(3, 5\)\], but they have \[\(5, 4\)\]; assign net.sizes"),
        ("biases", [np.ones(5), np.ones(3)], r"\[\(5, 1\), \(3, 1\)\], but they have \[\(5,\), \(3,\)\]; assign net.sizes"),
    ],
)
def test_parameters_that_load_would_refuse_are_not_saved(name, parameters, message, net, tmp_path):
    """Assigned parameters of other shapes than the network's sizes are refused with both, and no file is written."""
    setattr(net, name, parameters)
    with pytest.raises(DataError, match=rf"sizes \[4, 5, 3\] require {name} of the shapes {message}"):
        net.save(tmp_path / "net.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
def test_parameters_of_other_dtypes_come_back_as_float64(dtype, net, tmp_path):
    """Parameters of any real dtype that float64 holds are saved, and loaded as float64."""
    net.weights[0] = np.ones((5, 4), dtype)
    net.save(tmp_path / "net.json")
    loaded = network2.load(tmp_path / "net.json").weights[0]
    assert loaded.dtype == np.float64
    assert (loaded == 1).all()


def test_a_network_of_other_sizes_is_saved_with_its_sizes_assigned(net, tmp_path):
    """The remedy that the refusal names is enough."""
    net.sizes, net.weights, net.biases = [4, 2], [np.ones((2, 4))], [np.ones((2, 1))]
    net.save(tmp_path / "net.json")
    assert network2.load(tmp_path / "net.json").sizes == [4, 2]


def test_sizes_that_are_no_whole_numbers_are_not_saved(net, tmp_path):
    """Assigned sizes are checked as those of a new network."""
    net.sizes = [4, 5.5, 3]
    with pytest.raises(SettingError, match="sizes"):
        net.save(tmp_path / "net.json")


def test_a_cost_of_ones_own_is_loaded_from_the_table(net, tmp_path, monkeypatch):
    """A class that the reader added to ``COSTS`` is found; one that is not there is refused, with the remedy."""

    class Mine(network2.QuadraticCost):
        pass

    net.cost = Mine
    net.save(tmp_path / "net.json")
    with pytest.raises(ModelFileError, match=r"has QuadraticCost, CrossEntropyCost, but not its cost 'Mine'; first add your class"):
        network2.load(tmp_path / "net.json")
    monkeypatch.setitem(network2.COSTS, "Mine", Mine)
    assert network2.load(tmp_path / "net.json").cost is Mine


MISTAKES = {
    "no cost": (lambda d: d.pop("cost"), "it lacks the entries cost"),
    "a function's name": (lambda d: d.update(cost="load"), "but not its cost 'load'"),
    "a number as cost": (lambda d: d.update(cost=3), "but not its cost 3"),
    "sizes as text": (lambda d: d.update(sizes="4,5,3"), "its sizes are not a list of whole numbers"),
    "sizes as booleans": (lambda d: d.update(sizes=[True, 5, 3]), "its sizes are not a list of whole numbers"),
    "one size": (lambda d: d.update(sizes=[4]), "sizes must name the inputs and one layer or more"),
    "sizes of a huge network": (
        lambda d: d.update(sizes=[2**30, 2**30, 3]),
        r"weights\[0\] .* shape \(1073741824, 1073741824\)",
    ),
    "a layer too few": (lambda d: d["weights"].pop(), "its weights are not a list of 2 matrices"),
    "weights as text": (lambda d: d["weights"].__setitem__(0, [["1"] * 4] * 5), r"weights\[0\] is not a matrix of numbers"),
    "weights as booleans": (lambda d: d["weights"].__setitem__(0, [[True] * 4] * 5), r"weights\[0\] is not a matrix of numbers"),
    "ragged weights": (lambda d: d["weights"][1][0].pop(), r"weights\[1\] is not a matrix of numbers of the shape \(3, 5\)"),
    "biases as rows": (
        lambda d: d["biases"].__setitem__(0, [1.0] * 5),
        r"biases\[0\] .* of the shape \(5, 1\)",
    ),
    "a number beyond float64": (lambda d: d["biases"][0][0].__setitem__(0, 10**400), "int too large to convert to float"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_file_with_a_mistake_is_refused(mistake, described, tmp_path):
    """What is missing, of another kind or shape, or not in the table is refused with what was found."""
    change, message = MISTAKES[mistake]
    change(described)
    file = tmp_path / "net.json"
    file.write_text(json.dumps(described))
    with pytest.raises(ModelFileError, match=rf"net.json does not hold a network as network2 saves it: .*{message}"):
        network2.load(file)


@pytest.mark.parametrize(
    "contents",
    [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"1" * 5000, b"\x93NUMPY", b"cos\nsystem\n(S'true'\ntR."],
    ids=["empty", "cut short", "no text", "deep", "a long number", "an array", "a pickle"],
)
def test_a_file_that_is_not_json_is_refused(contents, tmp_path):
    """Files of other kinds, and JSON that is too deep or too long a number, are refused in one line."""
    file = tmp_path / "net.json"
    file.write_bytes(contents)
    with pytest.raises(ModelFileError, match=r"net.json is not a JSON file of a network: "):
        network2.load(file)


@pytest.mark.parametrize("document", ["[]", "3", "null", '"sizes weights biases cost"'])
def test_json_of_another_kind_is_refused(document, tmp_path):
    """JSON that is no object is refused."""
    (tmp_path / "net.json").write_text(document)
    with pytest.raises(ModelFileError, match="it lacks the entries sizes, weights, biases, cost"):
        network2.load(tmp_path / "net.json")


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch, net):
    """A file above the limit is refused before it is parsed."""
    net.save(tmp_path / "net.json")
    monkeypatch.setattr(network_json, "LIMIT_BYTES", 100)
    with pytest.raises(DataError, match="the limit is 100"):
        network2.load(tmp_path / "net.json")


def test_files_that_cannot_be_read_or_written_are_errors(net, tmp_path):
    """A missing file, a folder, and a folder that does not exist are FileErrors."""
    with pytest.raises(FileError, match="no such file"):
        network2.load(tmp_path / "absent.json")
    with pytest.raises(FileError, match="it is a folder"):
        network2.load(tmp_path)
    with pytest.raises(FileError, match="cannot write"):
        net.save(tmp_path / "absent" / "net.json")


def test_a_failed_save_leaves_the_older_file(net, tmp_path):
    """Parameters that the file cannot hold leave the file that was there, and no other."""
    file = tmp_path / "net.json"
    net.save(file)
    before = file.read_bytes()
    net.weights[0] = np.full((5, 4), 1j)
    with pytest.raises(DataError, match=r"weights\[0\] must hold real numbers up to float64; its dtype is complex128"):
        net.save(file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["net.json"]
