"""The public face: small, documented, quick to import, and as the design writes it."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import subprocess
import sys
from importlib import resources

import pytest

import chainrule as cr

MODULES = ["chainrule", *(module.name for module in pkgutil.walk_packages(cr.__path__, "chainrule."))]
MODULES = [name for name in MODULES if not name.endswith("__main__")]


@pytest.mark.parametrize("name", cr.__all__)
def test_every_public_name_is_there_and_documented(name):
    """Each name of ``__all__`` resolves, has a docstring, and is listed by ``dir``."""
    thing = getattr(cr, name)
    assert inspect.getdoc(thing)
    assert name in dir(cr)


def test_all_is_sorted_and_says_everything_once():
    """``__all__`` holds each public name once, in order; a star import gives just these."""
    assert sorted(cr.__all__) == list(cr.__all__)
    assert len(set(cr.__all__)) == len(cr.__all__)
    given = {}
    exec("from chainrule import *", given)
    assert set(given) - {"__builtins__"} == set(cr.__all__)


def test_type_checkers_see_what_is_loaded_lazily():
    """The names declared for type checkers are those of ``__all__``."""
    tree = ast.parse(resources.files("chainrule").joinpath("__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    declared = {alias.asname or alias.name for node in block.body for alias in node.names}
    assert declared == set(cr.__all__)


def test_unknown_names_are_attribute_errors():
    """A name that there is not raises AttributeError, which names the module and it."""
    with pytest.raises(AttributeError, match="module 'chainrule' has no attribute 'Netwrok'"):
        cr.Netwrok  # noqa: B018
    assert not hasattr(cr, "MLP")


def public_members(module):
    """The public functions and classes that a module defines, and their public methods."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing) or inspect.isclass(thing):
            yield f"{module.__name__}.{name}", thing
        if inspect.isclass(thing):
            for part, member in vars(thing).items():
                if not part.startswith("_") and (inspect.isfunction(member) or isinstance(member, (property, classmethod))):
                    yield f"{module.__name__}.{name}.{part}", member


@pytest.mark.parametrize("name", [name for name in MODULES if "._" not in name])
def test_everything_public_has_a_docstring(name):
    """Every public function, class, method and property of every public module says what it is, in its own words."""
    if name.endswith("engines.fused"):
        pytest.importorskip(name, reason="the kernels are not built here", exc_type=ModuleNotFoundError)
    module = importlib.import_module(name)
    assert (module.__doc__ or "").strip()
    for path, thing in public_members(module):
        doc = thing.__doc__ or getattr(getattr(thing, "__func__", None), "__doc__", None)
        if dataclasses.is_dataclass(thing):
            assert not (doc or "").startswith(f"{thing.__name__}("), path  # what dataclass writes by itself
        assert (doc or "").strip(), path


HEAVY = ["scipy", "sklearn", "rich", "rich_click", "PIL", "safetensors", "matplotlib", "pandas", "pyarrow", "threadpoolctl"]


def loaded_after(statement):
    """What a fresh interpreter has loaded after a statement, of that which is heavy."""
    script = f"import sys\n{statement}\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_importing_is_light():
    """``import chainrule`` loads NumPy and nothing heavier."""
    assert loaded_after("import chainrule") == []


def test_training_is_light():
    """Making a network, training and asking it loads nothing heavy either."""
    script = (
        "import numpy as np, chainrule as cr\n"
        "net = cr.Network([3, 4, 2], seed=0)\n"
        "cr.train(net, (np.eye(3), [0, 1, 0]), epochs=1, batch_size=1, learning_rate=1, validation=(np.eye(3), [0, 1, 0]))\n"
        "net.accuracy(np.eye(3), [0, 1, 0])"
    )
    assert loaded_after(script) == []


def test_the_package_is_typed():
    """The marker that tells type checkers to read the annotations is in the package."""
    assert resources.files("chainrule").joinpath("py.typed").is_file()


def test_the_version_is_one_version():
    """The version the package tells is that of its installation, where it is installed."""
    from importlib import metadata

    try:
        assert metadata.version("chainrule") == cr.__version__
    except metadata.PackageNotFoundError:
        pytest.skip("run from the source tree")


def test_the_public_face_runs_as_the_design_writes_it(tmp_path, monkeypatch):
    """The design's example runs to the letter, but for a single epoch: data, network, training, questions, file and neuron."""
    monkeypatch.chdir(tmp_path)
    mnist = cr.datasets.mnist()
    assert [len(part) for part in (mnist.train, mnist.validation, mnist.test)] == [50_000, 10_000, 10_000]
    net = cr.Network([784, 30, 10], seed=0)
    history = cr.train(net, mnist.train, epochs=1, batch_size=10, learning_rate=3.0, validation=mnist.validation)
    assert history.stopped == "finished"
    assert net.accuracy(mnist.test) > 0.75
    for record in cr.Run(net, mnist.train[:1000], epochs=2, batch_size=10, learning_rate=3.0):
        assert record.cost > 0
        if record.epoch == 1:
            break
    x, y = mnist.test.x[:5], mnist.test.y[:5]
    assert net.feedforward(x).shape == (5, 10)
    assert net.predict(x).shape == (5,)
    assert 0 <= net.cost(x, y) < 1
    nabla_b, nabla_w = net.backprop(x, y)
    assert [g.shape for g in nabla_b] == [(30,), (10,)]
    assert [g.shape for g in nabla_w] == [(30, 784), (10, 30)]
    net.save("digits.safetensors")
    assert cr.load("digits.safetensors").predict(x).tolist() == net.predict(x).tolist()
    neuron = cr.Neuron([0.5, -0.5], 0.1)
    assert neuron.cost([[1.0, 2.0]], [1.0]) >= 0
    dw, db = neuron.gradient([[1.0, 2.0]], [1.0])
    assert dw.shape == (2,)
    assert isinstance(db, float)
