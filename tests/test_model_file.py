"""Model files: what is written comes back bit for bit, and nothing else is believed."""

import json
import os
import pickle
import signal
import stat
import struct
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

import chainrule as cr
from chainrule import tensor_file
from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.costs import COSTS
from chainrule.errors import FileError, ModelFileError, SettingError
from chainrule.training import BeginsAnewWarning

PAIRS = [(sigma, cost.name) for cost in COSTS.values() for sigma in ACTIVATIONS if not cost.outputs or sigma in cost.outputs]
HIDDEN = [name for name in ACTIVATIONS if name != "softmax"]


def every_array_and_setting(network):
    """All that a file keeps of a network, in a form that compares bit by bit."""
    arrays = [(part.dtype.str, part.shape, part.tobytes()) for part in [*network.weights, *network.biases]]
    return network.plan, network.seed, network.init, network.provenance, arrays


def small():
    """A small network that was trained, so that its file has every part."""
    net = cr.Network([2, 2], seed=3)
    cr.train(net, ([[0.0, 1.0], [1.0, 0.5]], [0, 1]), epochs=1, batch_size=1, learning_rate=0.5)
    return net


@pytest.fixture
def path(tmp_path):
    """Where a model file goes."""
    return tmp_path / "model.safetensors"


# What is written comes back


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("output", "cost"), PAIRS)
def test_every_output_cost_and_dtype_comes_back(path, output, cost, dtype):
    """A network of any output, cost and dtype is read back bit for bit."""
    net = cr.Network([3, 4, 2], activation="tanh", output=output, cost=cost, dtype=dtype, seed=2**64 - 1)
    net.save(path)
    assert every_array_and_setting(cr.load(path)) == every_array_and_setting(net)


@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=5),
    st.data(),
    st.sampled_from(["float32", "float64"]),
    st.sampled_from(["normal", "scaled", "glorot_uniform", "he_normal"]),
)
@settings(max_examples=40)
def test_every_network_comes_back(tmp_path_factory, sizes, data, dtype, init):
    """Networks of any depth and hidden activations are read back bit for bit, NaN, inf, -0 and subnormals included."""
    hidden = [data.draw(st.sampled_from(HIDDEN)) for _ in sizes[1:-1]]
    net = cr.Network(sizes, activation=hidden, init=init, dtype=dtype, seed=data.draw(st.integers(0, 2**64 - 1)))
    special = data.draw(st.sampled_from([0.0, -0.0, np.finfo(dtype).max, -1.0, np.finfo(dtype).smallest_subnormal]))
    net.weights[0].flat[0] = special
    path = tmp_path_factory.mktemp("models") / "net"
    net.save(path)
    assert every_array_and_setting(cr.load(path)) == every_array_and_setting(net)


def test_how_it_was_trained_comes_back(path):
    """A file records how its network was trained: data, epochs, steps, optimizer, rate and why it ended."""
    net = cr.Network([2, 3, 2], seed=1)
    rng = np.random.default_rng(0)
    optimizer = cr.optimizers.Adam(beta1=0.8)
    cr.train(
        net,
        (rng.normal(size=(25, 2)), rng.integers(0, 2, 25)),
        epochs=2,
        batch_size=10,
        learning_rate=0.01,
        optimizer=optimizer,
        schedule="cosine",
        dropout=0.25,
        clip=1.0,
        l2=0.001,
        seed=9,
    )
    net.save(path)
    found = cr.load(path).provenance
    assert found == net.provenance
    assert (found.examples, found.epochs, found.steps, found.stopped) == (25, 2, 6, "finished")
    assert (found.learning_rate, found.schedule) == (0.01, "cosine")
    assert found.plan["optimizer"] == {
        "name": "adam",
        "beta1": 0.8,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "epsilon_on": "corrected",
    }
    assert (found.plan["seed"], found.plan["clip"], found.plan["l2"]) == (9, 1.0, 0.001)
    assert [layer["dropout"] for layer in found.plan["layers"]] == [0.25, 0.0]


def test_settings_that_are_numpy_scalars_can_be_saved(path):
    """A network trained with NumPy's numbers for settings, as a sweep gives them, can be saved."""
    net = cr.Network([2, 2], seed=0)
    optimizer = cr.optimizers.SGD(momentum=np.float32(0.5), nesterov=np.True_)
    cr.train(
        net,
        ([[0.0, 1.0]], [0]),
        epochs=np.int64(1),
        batch_size=np.int32(1),
        learning_rate=np.float32(0.5),
        optimizer=optimizer,
        l2=np.float64(0.1),
        dropout=np.float32(0.5),
        clip=np.float32(1),
        seed=np.uint64(3),
    )
    net.save(path)
    assert every_array_and_setting(cr.load(path)) == every_array_and_setting(net)


def test_a_loaded_network_predicts_and_goes_on_learning(path):
    """A loaded network gives the same outputs, and trains on to the same bits, as the one that was saved."""
    net = small()
    net.save(path)
    again = cr.load(path)
    pair = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    assert again.feedforward(pair[0]).tobytes() == net.feedforward(pair[0]).tobytes()
    for network in (net, again):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BeginsAnewWarning)
            cr.train(network, pair, epochs=2, batch_size=5, learning_rate=0.5, threads=1)
    assert every_array_and_setting(again) == every_array_and_setting(net)


def test_a_loaded_network_can_be_written_to(path):
    """The arrays of a loaded network are its own: writable, and apart from the file."""
    small().save(path)
    net = cr.load(path)
    net.weights[0][...] = 7
    net.biases[0][...] = 7
    assert (cr.load(path).weights[0] != 7).all()


def test_arrays_in_any_order_of_memory_are_saved(path):
    """A weight matrix that the user replaced by one in Fortran's order is saved by its values."""
    net = cr.Network([3, 2], seed=0)
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    net.weights[0] = np.asfortranarray(values)
    net.save(path)
    assert cr.load(path).weights[0].tolist() == values.tolist()


def test_a_path_may_be_text_or_bytes_like_path(tmp_path):
    """``save`` and ``load`` take a str as well as a Path."""
    name = str(tmp_path / "a model, naïvely named")
    net = small()
    net.save(name)
    assert every_array_and_setting(cr.load(name)) == every_array_and_setting(net)


def test_any_depth_that_can_be_saved_can_be_loaded(path):
    """A network of a thousand layers and more is refused when it is built or saved, or comes back; never lost in a file."""
    try:
        net = cr.Network([1] * 1003, seed=0)
        net.save(path)
    except cr.ChainruleError:
        assert not path.exists()
    else:
        assert every_array_and_setting(cr.load(path)) == every_array_and_setting(net)


@pytest.mark.parametrize("part", ["activation", "cost"])
def test_functions_of_ones_own_are_not_saved(path, part):
    """A network with an activation or cost of the user's own cannot be saved: the message names it and says what to do."""
    own = {
        "activation": cr.Activation("softplus", lambda z: np.logaddexp(0, z), lambda z, a: 1 / (1 + np.exp(-z))),
        "cost": cr.Cost("absolute", lambda a, y: np.abs(a - y).sum(axis=1), lambda a, y: np.sign(a - y)),
    }[part]
    net = cr.Network([2, 3, 1], **{part: own}, seed=0)
    with pytest.raises(ValueError, match=rf"'{own.name}'.*cannot hold; save net.weights and net.biases yourself") as caught:
        net.save(path)
    assert isinstance(caught.value, cr.ChainruleError)
    assert not path.exists()


def test_a_costs_settings_come_back(path):
    """A cost with settings is saved with them, and is loaded by name where they are the usual ones."""
    for cost, expected in ((cr.costs.Huber(0.5), cr.costs.Huber(0.5)), (cr.costs.Huber(1.0), "huber"), ("huber", "huber")):
        cr.Network([2, 1], cost=cost, seed=0).save(path)
        plan = cr.load(path).plan
        assert plan.cost == expected
        assert plan.to_dict()["cost"] == {"name": "huber", "delta": plan.cost_function.delta}
        assert type(plan.cost) is type(expected)


@pytest.mark.parametrize(
    "cost",
    [
        "huber",
        {"name": "huber"},
        {"name": "huber", "delta": 1},
        {"name": "huber", "delta": "1.0"},
        {"name": "huber", "delta": 0.0},
        {"name": "huber", "delta": -1.0},
        {"name": "huber", "delta": True},
        {"name": "huber", "delta": 1.0, "more": 1.0},
        {"name": "quadratic", "delta": 1.0},
        {"name": ["huber"], "delta": 1.0},
        {"delta": 1.0},
        None,
    ],
    ids=str,
)
def test_a_cost_with_other_settings_is_refused(path, cost):
    """A file's cost must be a built-in one with exactly its settings, each a float that the cost takes."""
    rewritten(path, lambda model: model.update(cost=cost))
    assert_refused(path, "its description cannot be read")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(path, number):
    """A description with NaN or an infinite number, which JSON lacks, is refused wherever it stands: it could not be saved."""
    rewritten(path, lambda model: model["provenance"]["plan"].update(clip="NUMBER"))
    content = path.read_bytes().replace(b'\\"NUMBER\\"', number.encode().ljust(10))
    path.write_bytes(content)
    assert_refused(path, "its description cannot be read")


@pytest.mark.parametrize(
    "change",
    [
        {"n_in": 2.0},
        {"n_in": -1},
        {"kind": None},
        {"initializer": 1},
        {"seed": -1},
        {"seed": "1"},
        {"alpha": "0"},
        {"alpha": 1},
        {"learning_rate": 1},
        {"learning_rate": "0.1"},
        {"data": None},
    ],
    ids=str,
)
def test_provenance_with_other_values_is_refused(path, change):
    """Each entry of a file's provenance must have its type and a possible value."""
    rewritten(path, lambda model: model["provenance"].update(change))
    assert_refused(path, "its description cannot be read")


def test_an_estimators_provenance_comes_back(path):
    """The entries that only an estimator's network has come back, and an initializer that is not one of ``Network``'s is null."""
    net = small()
    net.init = None
    estimators = {"initializer": "scikit-learn's", "seed": 3, "alpha": 1e-4, "learning_rate": None, "kind": "dense", "n_in": 2}
    net.provenance = replace(net.provenance, **estimators)
    net.save(path)
    again = cr.load(path)
    assert again.provenance == net.provenance
    assert again.init is None
    assert "scikit-learn's initializer" in repr(again)


# What is damaged, foreign or false


def assert_refused(path, match=None):
    """Loading raises a ModelFileError of one line that names the file."""
    with pytest.raises(ModelFileError, match=match) as caught:
        cr.load(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert isinstance(caught.value, ValueError)


def test_a_file_cut_at_any_length_is_refused(path):
    """A file cut short anywhere, at every tenth of its length and everywhere between, is refused."""
    small().save(path)
    contents = path.read_bytes()
    for length in range(len(contents)):
        path.write_bytes(contents[:length])
        assert_refused(path, "not an intact model file|not a chainrule model")


@pytest.mark.parametrize("flip", [0x01, 0x20, 0xFF])
def test_a_file_with_any_byte_flipped_is_refused_or_the_same(path, flip):
    """Whichever byte is changed, loading is refused or gives the very same network; never other numbers, never another error."""
    net = small()
    net.save(path)
    contents, expected = path.read_bytes(), every_array_and_setting(net)
    refused = 0
    for place in range(len(contents)):
        damaged = bytearray(contents)
        damaged[place] ^= flip
        path.write_bytes(damaged)
        try:
            assert every_array_and_setting(cr.load(path)) == expected, f"byte {place}"
        except ModelFileError:
            refused += 1
    assert refused > 0.9 * len(contents)


def test_a_file_with_more_behind_it_is_refused(path):
    """Bytes behind a file's end are refused."""
    small().save(path)
    path.write_bytes(path.read_bytes() + b"\0" * 8)
    assert_refused(path)


FOREIGN = {
    "empty": b"",
    "text": b"epoch,cost\n1,0.5\n" * 50,
    "zeros": b"\0" * 1000,
    "long text": "wörter ".encode() * 10_000,
    "pickle": pickle.dumps({"weights": [1, 2, 3]}),
    "zip": b"PK\x03\x04" + b"\0" * 100,
    "header of 2**63 bytes": struct.pack("<Q", 2**63) + b"{}" * 100,
    "header of 2**64 - 1 bytes": struct.pack("<Q", 2**64 - 1) + b"{}" * 100,
    "header of all that is there and more": struct.pack("<Q", 1000) + b"{" + b" " * 500,
    "header that is no JSON": struct.pack("<Q", 8) + b"notjson!",
    "header that is no object": struct.pack("<Q", 8) + b"[1,2,3] ",
    "header with a lone surrogate": struct.pack("<Q", 40) + b'{"__metadata__":{"format":"\\ud800"}}'.ljust(40),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_files_of_other_kinds_are_refused(path, name):
    """Text, nothing, zeros, pickles and false headers are refused, and nothing in them is run."""
    path.write_bytes(FOREIGN[name])
    assert_refused(path)


class Trap:
    """What would leave a trace if a pickle were read."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (self.trace,)


def test_a_pickle_is_not_run(path, tmp_path):
    """A pickle under a model's name is refused without being read as one."""
    trace = tmp_path / "trace"
    path.write_bytes(pickle.dumps(Trap(str(trace))))
    assert_refused(path)
    assert not trace.exists()


def test_a_file_of_another_library_is_refused(path):
    """A safetensors file of another library, with metadata or without, is refused: it does not hold a model of this library."""
    tensors = {"weights.0": np.zeros((2, 2), np.float32), "biases.0": np.zeros(2, np.float32)}
    for metadata in (None, {"format": "pt"}, {"format": "Chainrule"}):
        save_file(tensors, path, metadata=metadata)
        assert_refused(path, "not a chainrule model")


def contents_of(path):
    """Take a model file apart: its header as JSON, and its tensors' bytes."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def put_together(path, header, data):
    """Write a file of the safetensors form, believing the header."""
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def rewritten(path, change):
    """Write the small network's file again, its description changed."""
    small().save(path)
    header, data = contents_of(path)
    model = json.loads(header["__metadata__"]["model"])
    change(model)
    header["__metadata__"]["model"] = json.dumps(model)
    put_together(path, header, data)


def test_a_file_by_the_tests_own_writer_loads(path):
    """A file written by the tests' own writer loads, so that the tests below fail only for the entries that they change."""
    net = small()
    net.save(path)
    put_together(path, *contents_of(path))
    assert every_array_and_setting(cr.load(path)) == every_array_and_setting(net)


@pytest.mark.parametrize("version", ["4", "17", "999999999"])
def test_a_later_version_is_refused(path, version):
    """A file of a later format version is refused with both versions and what to do."""
    small().save(path)
    header, data = contents_of(path)
    header["__metadata__"]["version"] = version
    put_together(path, header, data)
    assert_refused(path, rf"format version {version}, and this chainrule reads up to {tensor_file.VERSION}; upgrade chainrule")


@pytest.mark.parametrize("version", ["", "-1", "1.0", "two", "9" * 5000, "٢", None])
def test_an_invalid_version_is_refused(path, version):
    """A format version that is missing, not a number, or out of range is refused."""
    small().save(path)
    header, data = contents_of(path)
    if version is None:
        del header["__metadata__"]["version"]
    else:
        header["__metadata__"]["version"] = version
    put_together(path, header, data)
    assert_refused(path, "no format version")


FALSE_DESCRIPTIONS = {
    "other sizes": lambda m: m.update(sizes=[2, 3]),
    "another layer": lambda m: m.update(sizes=[2, 2, 2], activations=["sigmoid"] * 2),
    "sizes of 10**12 parameters": lambda m: m.update(sizes=[10**6, 10**6]),
    "sizes beyond any integer": lambda m: m.update(sizes=[10**400, 2]),
    "too many layers": lambda m: m.update(sizes=[1] * 10**5, activations=["sigmoid"] * (10**5 - 1)),
    "a size of 0": lambda m: m.update(sizes=[2, 0]),
    "a negative size": lambda m: m.update(sizes=[2, -2]),
    "a fractional size": lambda m: m.update(sizes=[2, 2.0]),
    "a size that is true": lambda m: m.update(sizes=[2, True]),
    "one size": lambda m: m.update(sizes=[2], activations=[]),
    "sizes of text": lambda m: m.update(sizes="22"),
    "sizes of null": lambda m: m.update(sizes=None),
    "sizes of an object": lambda m: m.update(sizes={"2": 2, "3": 2}),
    "no sizes": lambda m: m.pop("sizes"),
    "another activation": lambda m: m.update(activations=["tanh"]),
    "an unknown activation": lambda m: m.update(activations=["softplus"]),
    "an activation that is a list": lambda m: m.update(activations=[["sigmoid"]]),
    "activations of an object": lambda m: m.update(activations={"sigmoid": 1}),
    "a softmax hidden layer": lambda m: m.update(sizes=[2, 2, 2], activations=["softmax", "sigmoid"]),
    "too few activations": lambda m: m.update(activations=[]),
    "another cost": lambda m: m.update(cost="mean_squared_error"),
    "an unknown cost": lambda m: m.update(cost="os.system"),
    "a cost that is a list": lambda m: m.update(cost=["quadratic"]),
    "another dtype": lambda m: m.update(dtype="float64"),
    "an unknown dtype": lambda m: m.update(dtype="object"),
    "a dtype that is a list": lambda m: m.update(dtype=["float32"]),
    "another init": lambda m: m.update(init="scaled"),
    "an init of null": lambda m: m.update(init=None),
    "another seed": lambda m: m.update(seed=4),
    "a seed of text": lambda m: m.update(seed="3"),
    "a seed of 2**64": lambda m: m.update(seed=2**64),
    "a negative seed": lambda m: m.update(seed=-1),
    "no provenance": lambda m: m.pop("provenance"),
    "provenance of text": lambda m: m.update(provenance="trained"),
    "provenance of a list": lambda m: m.update(provenance=sorted(m["provenance"])),
    "provenance of a number": lambda m: m.update(provenance=3),
    "provenance that lacks an entry": lambda m: m["provenance"].pop("data"),
    "provenance with another entry": lambda m: m["provenance"].update(more=1),
    "provenance of other types": lambda m: m["provenance"].update(epochs="1"),
}


@pytest.mark.parametrize("name", FALSE_DESCRIPTIONS)
def test_a_false_description_is_refused(path, name):
    """A description that was changed in any way is refused."""
    rewritten(path, FALSE_DESCRIPTIONS[name])
    assert_refused(path, "not an intact model file")


NO_DESCRIPTIONS = {
    "nothing": "",
    "null": "null",
    "number": "3",
    "list": "[]",
    "text": '"text"',
    "half": "{",
    "lists without end": "[" * 100_000,
    "objects without end": '{"a":' * 100_000,
    "NaN": "NaN",
    "a number of 10,000 digits": "9" * 10_000,
    "megabytes": " " * (2 << 20),
}


@pytest.mark.parametrize("name", NO_DESCRIPTIONS)
def test_an_invalid_description_is_refused(path, name):
    """A description that is not a JSON object, is nested too deeply, or is too long is refused."""
    small().save(path)
    header, data = contents_of(path)
    header["__metadata__"]["model"] = NO_DESCRIPTIONS[name]
    put_together(path, header, data)
    assert_refused(path, "not an intact model file")


def test_provenance_that_nests_without_end_is_refused(path):
    """A provenance that nests deeper than can be read is refused."""
    small().save(path)
    header, data = contents_of(path)
    model = json.loads(header["__metadata__"]["model"])
    model["provenance"]["plan"] = "HERE"
    header["__metadata__"]["model"] = json.dumps(model).replace('"HERE"', '{"a":' * 50_000 + "1" + "}" * 50_000)
    put_together(path, header, data)
    assert_refused(path, "not an intact model file")


def with_digest(path, header, data):
    """Write a file whose checksum is right, as an adversary would."""
    description = header["__metadata__"]["model"]
    spans = {name: entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"}
    weights, biases = (
        tuple(np.frombuffer(data[first:last], np.uint8) for name, (first, last) in sorted(spans.items()) if name.startswith(kind))
        for kind in ("weights", "biases")
    )
    header["__metadata__"]["sha256"] = tensor_file._digest(description, [*weights, *biases])
    put_together(path, header, data)


TENSOR_CHANGES = {
    "one is missing": lambda h: h.pop("biases.0"),
    "one has another name": lambda h: h.update({"biases.1": h.pop("biases.0")}),
    "one has another shape": lambda h: h["weights.0"].update(shape=[4, 1]),
    "one has another number of dimensions": lambda h: h["biases.0"].update(shape=[2, 1]),
    "one has another dtype": lambda h: h["weights.0"].update(dtype="I32"),
    "one has a dtype of other width": lambda h: h["weights.0"].update(dtype="F16", shape=[2, 4]),
    "a dtype there is not": lambda h: h["weights.0"].update(dtype="F31"),
    "a shape of 10**12 entries": lambda h: h["weights.0"].update(shape=[10**6, 10**6]),
    "a shape whose product overflows": lambda h: h["weights.0"].update(shape=[2**62, 8]),
    "offsets of 10**12": lambda h: h["weights.0"].update(data_offsets=[0, 4 * 10**12], shape=[10**6, 10**6]),
    "offsets that run backwards": lambda h: h["weights.0"].update(data_offsets=h["weights.0"]["data_offsets"][::-1]),
    "negative offsets": lambda h: h["weights.0"].update(data_offsets=[-8, 8]),
    "the two overlap": lambda h: [h["biases.0"].update(data_offsets=[0, 8]), h["weights.0"].update(data_offsets=[0, 16])],
}


@pytest.mark.parametrize("name", TENSOR_CHANGES)
def test_tensors_that_are_not_those_of_the_description_are_refused(path, name):
    """Tensors that are missing, renamed, of another shape, dtype or place are refused, whatever they claim to measure."""
    small().save(path)
    header, data = contents_of(path)
    TENSOR_CHANGES[name](header)
    put_together(path, header, data)
    assert_refused(path, "not an intact model file")


def test_tensors_beside_those_of_the_network_are_refused(path):
    """A file with one tensor more than its network has is refused, even with a right checksum."""
    small().save(path)
    header, data = contents_of(path)
    header["extra"] = {"dtype": "U8", "shape": [8], "data_offsets": [len(data), len(data) + 8]}
    with_digest(path, header, data + b"\0" * 8)
    assert_refused(path, "tensors are not those that its description needs")


def test_another_networks_tensors_are_refused(tmp_path):
    """The description of one network over the numbers of another, of the same sizes, is refused."""
    first, second = tmp_path / "first", tmp_path / "second"
    cr.Network([3, 3, 3], seed=0).save(first)
    cr.Network([3, 3, 3], seed=1).save(second)
    header, _ = contents_of(first)
    _, data = contents_of(second)
    put_together(first, header, data)
    assert_refused(first, "checksum does not match")


def test_swapped_tensors_are_refused(path):
    """A file whose two equally large weight matrices change places is refused."""
    cr.Network([3, 3, 3], seed=0).save(path)
    header, data = contents_of(path)
    header["weights.0"], header["weights.1"] = header["weights.1"], header["weights.0"]
    put_together(path, header, data)
    assert_refused(path, "checksum does not match")


HUGE = 10**6


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system with holes in files")
def test_a_network_larger_than_memory_is_refused(path):
    """A file with holes that claims, and has, the length of 10**12 parameters is refused before anything is allocated."""
    small().save(path)
    header, _ = contents_of(path)
    model = json.loads(header["__metadata__"]["model"])
    header["__metadata__"]["model"] = json.dumps({**model, "sizes": [HUGE, HUGE]})
    header["biases.0"] = {"dtype": "F32", "shape": [HUGE], "data_offsets": [0, 4 * HUGE]}
    header["weights.0"] = {"dtype": "F32", "shape": [HUGE, HUGE], "data_offsets": [4 * HUGE, 4 * HUGE + 4 * HUGE**2]}
    put_together(path, header, b"")
    try:
        os.truncate(path, path.stat().st_size + 4 * HUGE + 4 * HUGE**2)
    except OSError:
        pytest.skip("this file system has no files of 4 TB")
    assert_refused(path)


# Files that cannot be read or written


def test_a_file_that_is_not_there(path):
    """Loading from a path where there is nothing says so, as an OSError."""
    with pytest.raises(OSError, match=r"no such file: .*model[.]safetensors") as caught:
        cr.load(path)
    assert isinstance(caught.value, FileError)


def test_a_directory_is_no_model(tmp_path):
    """Loading from or saving to a directory is refused, and the message says that it is a directory."""
    with pytest.raises(FileError, match=r"cannot read .*: it is a directory"):
        cr.load(tmp_path)
    with pytest.raises(FileError, match=r"cannot write .*: it is a directory; name a file in it"):
        small().save(tmp_path)
    with pytest.raises(FileError, match=r"cannot write .*: it is a directory"):
        tensor_file.check_writable(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a" * 5000, "nothing/here/model", "file/model", "/proc/model"], ids=lambda name: name[:20])
def test_places_where_no_file_can_be(tmp_path, name):
    """A name too long, a folder that is not there, a file as a folder, and a system's own folder are FileErrors."""
    (tmp_path / "file").write_text("no folder")
    place = tmp_path / name
    net = small()
    before = every_array_and_setting(net)
    with pytest.raises(FileError):
        cr.load(place)
    with pytest.raises(FileError, match="cannot write"):
        net.save(place)
    with pytest.raises(FileError, match="cannot write"):
        tensor_file.check_writable(place)
    assert every_array_and_setting(net) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["a\0b", None, 3])
def test_invalid_paths_are_refused(name):
    """An argument that cannot be a path is refused by chainrule, not by the operating system."""
    for act in (cr.load, small().save):
        with pytest.raises((cr.ChainruleError, TypeError)):
            act(name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_rather_than_waited_for(path):
    """Loading from a named pipe that nobody writes to is refused at once."""
    os.mkfifo(path)
    script = "import sys, chainrule as cr\ntry: cr.load(sys.argv[1])\nexcept OSError as error: print(type(error).__name__)"
    run = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, timeout=20, check=True)
    assert run.stdout.strip() == "FileError"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read and write everything")
def test_a_file_without_permission(path):
    """A file that may not be read is a FileError, and so is a folder that may not be written."""
    small().save(path)
    path.chmod(0)
    with pytest.raises(FileError, match=r"cannot read .*: Permission denied"):
        cr.load(path)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(FileError, match=r"cannot write .*: Permission denied"):
            small().save(path.parent / "other")
    finally:
        path.parent.chmod(0o700)


FULL_DISK = """
import resource, sys
import numpy as np
import chainrule as cr
from chainrule.errors import FileError
net = cr.Network([200, 100, 10], seed=1)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
before = [w.tobytes() for w in net.weights]
try:
    net.save(sys.argv[1])
except FileError as error:
    print(error)
assert [w.tobytes() for w in net.weights] == before
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_a_disk_that_fills_up_loses_nothing(path):
    """Where writing fails midway the error says so, the old file is whole, and no half of a new one is left."""
    net = small()
    net.save(path)
    run = subprocess.run([sys.executable, "-c", FULL_DISK, path], capture_output=True, text=True, check=True)
    assert run.stdout.startswith(f"cannot write {path}: ")
    assert every_array_and_setting(cr.load(path)) == every_array_and_setting(net)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


SAVING = """
import sys
import chainrule as cr
nets = [cr.Network([300, 100, 10], seed=seed) for seed in (1, 2)]
print("ready", flush=True)
while True:
    for net in nets:
        net.save(sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals that kill")
def test_a_process_killed_while_it_saves_leaves_a_whole_file(path):
    """Whenever a process that saves over and over is killed, the file is one of those it saved, whole."""
    nets = [cr.Network([300, 100, 10], seed=seed) for seed in (0, 1, 2)]
    nets[0].save(path)
    known = {repr(every_array_and_setting(net)) for net in nets}
    for k in range(5):
        with subprocess.Popen([sys.executable, "-c", SAVING, path], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(0.01 + 0.007 * k)
            process.send_signal(signal.SIGKILL)
        assert repr(every_array_and_setting(cr.load(path))) in known


def test_an_interrupt_while_saving_leaves_no_half(path, monkeypatch):
    """Ctrl-C between writing and renaming leaves the old file whole, and nothing beside it."""
    net = small()
    net.save(path)

    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cr.Network([5, 5], seed=0).save(path)
    assert every_array_and_setting(cr.load(path)) == every_array_and_setting(net)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="needs file modes")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_file_has_the_mode_that_new_files_have(path, mask, mode):
    """A saved file has the mode that the process's umask gives any new file, and the umask stays."""
    before = os.umask(mask)
    try:
        small().save(path)
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_saving_again_replaces(path):
    """Saving over a file replaces it whole, and leaves nothing else in the folder."""
    nets = [cr.Network(sizes, seed=0) for sizes in ([50, 50], [2, 2])]
    for net in nets:
        net.save(path)
    assert every_array_and_setting(cr.load(path)) == every_array_and_setting(nets[1])
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_file_can_be_checked_before_there_is_anything_to_write(path):
    """``check_writable`` accepts a place that can be written to, and leaves nothing there."""
    tensor_file.check_writable(path)
    assert not list(path.parent.iterdir())
    small().save(path)
    tensor_file.check_writable(path)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_model_file_is_read_by_safetensors_alone(path):
    """Any reader of safetensors finds the tensors under the names and shapes of the network."""
    from safetensors.numpy import load_file

    net = cr.Network([4, 3, 2], seed=0)
    net.save(path)
    tensors = load_file(path)
    assert sorted(tensors) == ["biases.0", "biases.1", "weights.0", "weights.1"]
    for k, (n_in, n_out) in enumerate(pairwise(net.sizes)):
        assert tensors[f"weights.{k}"].shape == (n_out, n_in)
        assert tensors[f"weights.{k}"].tobytes() == net.weights[k].tobytes()
        assert tensors[f"biases.{k}"].tobytes() == net.biases[k].tobytes()


def test_a_network_that_predicts_nothing_is_neither_saved_nor_loaded(path):
    """NaN or infinite weights are refused when saving, and in a file whose checksum is right."""
    net = small()
    net.weights[0][0, 0] = np.nan
    with pytest.raises(SettingError, match="NaN or infinite"):
        net.save(path)
    assert not path.exists()


def test_a_link_is_written_through(tmp_path):
    """Saving to a symbolic link writes the file that it points to."""
    target, link = tmp_path / "target.safetensors", tmp_path / "link.safetensors"
    link.symlink_to(target)
    small().save(link)
    assert link.is_symlink()
    assert every_array_and_setting(cr.load(target)) == every_array_and_setting(small())
