"""``cr.export``: the targets by the file's ending, the models that can be exported, and the file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

import chainrule as cr
from chainrule.errors import ArgumentTypeError, FileError, SettingError
from chainrule.exporting import javascript
from chainrule.exporting.export_model import TARGETS
from chainrule.exporting.exported_network import read_model
from chainrule.table_model import TableModel

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels"),
]


def test_the_ending_chooses_the_target(tmp_path):
    """.js and .mjs, in any case, give the JavaScript module; another ending, or none, is refused with the list of endings."""
    net = cr.Network([2, 3, 1], seed=0)
    for name in ("net.js", "net.mjs", "NET.JS"):
        cr.export(net, tmp_path / name)
        assert (tmp_path / name).read_text() == javascript.module_text(net)
    for name in ("net.onnx", "net", "js", ".js", "net.js.txt"):
        with pytest.raises(
            SettingError, match=r"the ending of an exported file chooses its language: JavaScript \(\.js or \.mjs\)"
        ):
            cr.export(net, tmp_path / name)
    assert len(list(tmp_path.iterdir())) == 3


def test_each_ending_has_one_target():
    """No two targets share an ending, each begins its files with its own first bytes, and its usage names the file."""
    endings = [ending for target in TARGETS for ending in target.endings]
    assert len(set(endings)) == len(endings)
    for target in TARGETS:
        assert target.contents(cr.Network([1, 1], seed=0)).startswith(target.first_bytes)
        path = Path("folder", f"net{target.endings[0]}")
        assert path.name in target.usage(path)


def test_a_failure_leaves_the_old_file(tmp_path):
    """Where a network is refused, or the folder does not exist, no file is made, and an old one stays as it was."""
    net = cr.Network([2, 1], seed=0)
    (tmp_path / "net.js").write_text("old")
    net.weights[0][0, 0] = np.nan
    with pytest.raises(SettingError, match="the network holds weights that are NaN or infinite"):
        cr.export(net, tmp_path / "net.js")
    net.weights[0][0, 0], net.biases[0][0] = 0, np.inf
    with pytest.raises(SettingError, match="the network holds weights that are NaN or infinite"):
        cr.export(net, tmp_path / "net.js")
    assert (tmp_path / "net.js").read_text() == "old"
    with pytest.raises(FileError, match="cannot write"):
        cr.export(cr.Network([2, 1], seed=0), tmp_path / "nowhere" / "net.js")


def test_functions_of_ones_own():
    """An activation of one's own is refused by its name; a cost of one's own is not, because no output depends on it."""
    cube = cr.Activation("cube", lambda z: z**3, lambda z, a: 3 * z * z)
    with pytest.raises(SettingError, match=r"the activation 'cube' is a function of your own.* built-in one: sigmoid, tanh"):
        javascript.module_text(cr.Network([2, 3, 1], activation=cube, init="normal"))
    cost = cr.Cost("half", lambda a, y: (a - y).sum(axis=1), lambda a, y: np.ones_like(a), output="identity")
    assert read_model(cr.Network([2, 3, 1], cost=cost)).activations == ("sigmoid", "identity")


def test_arrays_that_the_user_has_replaced():
    """Arrays of another dtype are exported in the precision that ``Network`` computes in; columns of biases become rows."""
    net = cr.Network([2, 3, 1], seed=0)
    net.weights[0] = net.weights[0].astype(np.float64) / 3
    net.biases = [b[:, None] for b in net.biases]
    exported = read_model(net)
    assert exported.dtype == "float64"
    assert np.array_equal(exported.weights[0], net.weights[0])
    assert [b.shape for b in exported.biases] == [(3,), (1,)]


def test_other_models_are_refused_with_a_remedy(tmp_path):
    """A table's model, its estimator, a path, and anything else are refused, each by what it is."""
    table = {"a": [1.0, 2.0, 3.0, 4.0] * 10, "b": ["x", "y"] * 20}
    estimator = cr.TableClassifier(networks=1, epochs=1, random_state=0).fit(table, "b")
    assert isinstance(estimator.model_, TableModel)
    for model in (estimator, estimator.model_):
        with pytest.raises(ArgumentTypeError, match=r"a table's model cannot be exported: .* export a network of numbers"):
            cr.export(model, tmp_path / "m.js")
    with pytest.raises(ArgumentTypeError, match=r"this is a path: cr.export\(cr.load\('m.safetensors'\), ...\)"):
        cr.export("m.safetensors", tmp_path / "m.js")
    for model, kind in (
        (cr.Neuron([1.0], 0.0), "chainrule.*Neuron"),
        (MLPClassifier(), "sklearn.*MLPClassifier"),
        ([1], "builtins.list"),
    ):
        with pytest.raises(ArgumentTypeError, match=f"export takes a Network of chainrule, .* this is {kind}"):
            cr.export(model, tmp_path / "m.js")
    with pytest.raises(ValueError, match="not fitted"):
        cr.export(cr.MLPClassifier(), tmp_path / "m.js")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("label", [2**53 + 1, np.nan, (1, 2)])
def test_labels_that_no_other_language_holds_are_refused(label):
    """Whole numbers beyond 2**53, NaN and Python's own objects are refused; texts and other numbers are kept."""
    clf = cr.MLPClassifier((2,), max_iter=1).fit(np.eye(2), [0, 1])
    clf.classes_ = np.empty(2, object)
    clf.classes_[:] = ["a", label]
    with pytest.raises(SettingError, match=r"the label .* cannot be exported"):
        read_model(clf)


def test_exporting_a_network_is_light(tmp_path):
    """A network is exported without scikit-learn; ``cr.export`` is the function, in whatever order the package is imported."""
    code = (
        "import sys, chainrule.exporting.javascript, chainrule as cr\n"
        "cr.export(cr.Network([1, 1]), sys.argv[1])\n"
        "print('sklearn' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "net.js")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
