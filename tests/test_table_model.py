"""Models of tables in their files: saved and loaded to the bit; damaged and hostile files are refused."""

import contextlib
import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import chainrule as cr
from chainrule import table_model, tensor_file
from chainrule.errors import DataError, ModelFileError, SettingError
from chainrule.loading import load_model
from chainrule.recipes.table_recipe import TableRecipe
from chainrule.recipes.table_training import fit_table_model
from chainrule.tables.frames import table_from
from chainrule.tables.preprocessing import Preprocessing
from chainrule.tables.target_inference import infer_target


def columns(n=60):
    """Make columns of every kind, with gaps."""
    rng = np.random.default_rng(0)
    number = rng.normal(size=n)
    number[3] = np.nan
    return {
        "number": number,
        "category": [None if k == 5 else "xyz"[k % 3] for k in range(n)],
        "flag": rng.random(n) < 0.5,
        "day": np.datetime64("2024-01-01") + np.arange(n),
    }


@pytest.fixture(scope="module", params=["classes", "values"])
def model(request):
    """A model of classes, and one of values."""
    table = table_from(columns())
    number = np.nan_to_num(columns()["number"])
    target = {"y": np.where(number > 0, "up", "down")} if request.param == "classes" else {"y": number}
    reading = infer_target(table_from(target)["y"])
    recipe = TableRecipe(
        networks=2, hidden=(4,), epochs=2, batch_size=16, cost="log_loss" if request.param == "classes" else "huber"
    )
    recipe = replace(
        recipe,
        metric="accuracy" if request.param == "classes" else "mae",
        output=None if request.param == "classes" else "identity",
    )
    return fit_table_model(table, reading.target, reading.y, recipe, seed=3)[0]


@pytest.fixture
def path(model, tmp_path):
    """The file of the model."""
    path = tmp_path / "model.safetensors"
    model.save(path)
    return path


def parts_of(path):
    """Read the description and the tensors of a file, these in the order in which its checksum takes them."""
    with safe_open(path, "numpy") as file:
        described = json.loads(file.metadata()["model"])
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is not a dict
    first = [f"networks.{n}.{kind}.{k}" for n in range(2) for kind in ("weights", "biases") for k in range(2)]
    own = Preprocessing.tensor_shapes(described["preprocessing"])
    return described, {name: arrays[name] for name in [*first, *(f"preprocessing.{name}" for name in own)]}


def rewrite(path, change=lambda described: None, tensors=lambda arrays: None):
    """Change the description or the tensors of a file, under a checksum that agrees with them."""
    described, arrays = parts_of(path)
    change(described)
    tensors(arrays)
    tensor_file.write_tensors(path, 2, described, arrays)


def test_a_model_comes_back_to_the_bit(model, path):
    """A saved and loaded model has the same outputs to the bit, the same target and the same record of its training."""
    found = load_model(path)
    table = table_from(columns())
    assert np.array_equal(found.outputs(table), model.outputs(table))
    assert found.predict(table).tolist() == model.predict(table).tolist()
    assert (found.target, found.training) == (model.target, model.training)
    assert found.preprocessing.describe() == model.preprocessing.describe()
    again = path.with_name("again.safetensors")
    found.save(again)
    with safe_open(path, "numpy") as one, safe_open(again, "numpy") as other:
        assert one.metadata() == other.metadata()


def test_load_gives_an_estimator_that_predicts(model, path):
    """``cr.load`` gives the estimator of the task, which predicts, and can be saved and fitted again."""
    estimator = cr.load(path)
    assert type(estimator) is (cr.TableClassifier if model.is_classifier else cr.TableRegressor)
    assert (estimator.networks, estimator.hidden, estimator.n_features_in_) == (2, (4,), 4)
    assert estimator.predict(columns()).tolist() == model.predict(table_from(columns())).tolist()
    estimator.save(path)
    assert load_model(path).target == model.target


def test_files_of_one_network_still_load():
    """A file of version 1 is loaded as a network."""
    network = cr.load(Path(__file__).parent / "files" / "before_input_spec.safetensors")
    assert isinstance(network, cr.Network)


WRONG = [None, True, -1, 1e9, "x", [], {}, [None], {"x": 1}]


def entries(described, before=()):
    """Give the path of every entry of a description, but not inside of free records."""
    if before[:2] in (("training", "settings"), ("training", "reading")) and len(before) > 2:
        return
    if before:
        yield before
    if isinstance(described, dict):
        for name, value in described.items():
            yield from entries(value, (*before, name))
    elif isinstance(described, list):
        for k, value in enumerate(described[:2]):
            yield from entries(value, (*before, k))


def test_a_file_with_any_entry_changed_is_refused_or_equal_in_meaning(path, model):
    """With any entry of the description replaced, the file is refused as damaged, or its use gives outputs or a DataError."""
    described, arrays = parts_of(path)
    rewrite(path)
    load_model(path)
    refused = 0
    places = list(entries(described))
    for place in places:
        for wrong in WRONG:
            changed = copy.deepcopy(described)
            parent = changed
            for key in place[:-1]:
                parent = parent[key]
            if parent[place[-1]] == wrong and type(parent[place[-1]]) is type(wrong):
                continue
            parent[place[-1]] = wrong
            tensor_file.write_tensors(path, 2, changed, arrays)
            try:
                found = load_model(path)
            except ModelFileError:
                refused += 1
                continue
            with contextlib.suppress(DataError):  # of a column or a kind that the table does not have
                assert found.outputs(table_from(columns())).shape == (60, 2 if model.is_classifier else 1)
    assert refused > 5 * len(places)


@pytest.mark.parametrize("name", ["networks", "preprocessing", "target", "training"])
def test_a_part_that_is_missing_or_added_is_refused(path, name):
    """A file without one of its four parts, or with a fifth, is refused."""
    rewrite(path, lambda described: described.update(more=1))
    with pytest.raises(ModelFileError):
        load_model(path)
    rewrite(path, lambda described: (described.pop("more"), described.pop(name)))
    with pytest.raises(ModelFileError):
        load_model(path)


@pytest.mark.parametrize("change", ["missing", "longer", "other dtype", "more", "nan"])
def test_other_tensors_are_refused(path, change):
    """A file whose tensors are missing, of another shape or dtype, more than described, or not finite, is refused."""
    with safe_open(path, "numpy") as file:
        names = sorted(file.keys())
    for name in names:
        saved = path.read_bytes()

        def apply(arrays, name=name):
            array = arrays[name]
            if change == "missing":
                del arrays[name]
            elif change == "longer":
                arrays[name] = np.concatenate([array, array[:1]]) if len(array) else np.zeros(1, array.dtype)
            elif change == "other dtype":
                arrays[name] = array.astype(np.int32 if array.dtype.kind == "f" else np.float64)
            elif change == "more":
                arrays.update({name: array, "networks.9.weights.0": array})
            elif change == "nan":
                arrays[name] = np.full_like(array, np.nan) if array.dtype.kind == "f" and array.size else array[:0, None]

        rewrite(path, tensors=apply)
        with pytest.raises(ModelFileError):
            load_model(path)
        path.write_bytes(saved)


def test_a_network_of_another_width_is_refused(path):
    """A network that does not take the prepared columns is refused."""

    def drop_column(arrays):
        arrays["networks.1.weights.0"] = np.ascontiguousarray(arrays["networks.1.weights.0"][:, 1:])

    def narrower(described):
        described["networks"][1]["sizes"][0] -= 1
        described["networks"][1]["inputs"] = None

    rewrite(path, narrower, drop_column)
    with pytest.raises(ModelFileError, match=r"each network must take \d+ prepared columns"):
        load_model(path)


def test_a_file_cut_short_or_changed_is_refused(path):
    """A file cut at any of many places, or with a bit flipped, is refused."""
    contents = path.read_bytes()
    for end in range(0, len(contents), max(1, len(contents) // 40)):
        path.write_bytes(contents[:end])
        with pytest.raises(ModelFileError):
            load_model(path)
    for k in range(9, len(contents), len(contents) // 40):
        path.write_bytes(contents[:k] + bytes([contents[k] ^ 1]) + contents[k + 1 :])
        with pytest.raises(ModelFileError):
            load_model(path)


def test_a_later_version_is_named(path):
    """A file of a later version of the format is refused with a message that says so."""
    with safe_open(path, "numpy") as file:
        metadata, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(arrays, path, {**metadata, "version": "4"})
    with pytest.raises(ModelFileError, match="version 4"):
        load_model(path)


def test_parameters_that_are_not_finite_are_not_saved(model, path):
    """A model with a NaN in a network is not saved, and the existing file stays."""
    before = path.read_bytes()
    broken = load_model(path)
    broken.networks[1].weights[0][0, 0] = np.nan
    with pytest.raises(SettingError, match="NaN or infinite"):
        broken.save(path)
    assert path.read_bytes() == before


# Many rows, in threads


@pytest.mark.parametrize("threads", [1, 3])
def test_no_bit_of_an_output_depends_on_threads_or_parts(model, monkeypatch, threads):
    """Outputs of many rows, prepared and computed by several threads, have the bits that the rows have alone."""
    table = table_from(columns(200))
    expected = np.concatenate([model.outputs(table.take(slice(k, k + 1))) for k in range(len(table))])
    monkeypatch.setattr(table_model, "ROWS_OF_A_THREAD", 7)
    monkeypatch.setattr(table_model, "thread_count", lambda _: threads)
    np.testing.assert_array_equal(model.outputs(table), expected)
    assert model.outputs(table.take(slice(0, 0))).shape == (0, expected.shape[1])


def test_an_error_in_a_thread_is_raised_and_ends_the_others(model, monkeypatch):
    """An error in one part is raised to the caller, and parts that have not begun are left out."""
    begun = []

    def prepare(self, table, **_):
        begun.append(len(table))
        raise DataError("this part fails")

    monkeypatch.setattr(table_model, "ROWS_OF_A_THREAD", 1)
    monkeypatch.setattr(table_model, "thread_count", lambda _: 2)
    monkeypatch.setattr(Preprocessing, "apply_in_blocks", prepare)
    with pytest.raises(DataError, match="this part fails"):
        model.outputs(table_from(columns(2000)))
    assert len(begun) < 2000
