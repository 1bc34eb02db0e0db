"""The book's sessions: pasted into ``python -m chainrule.book``, and its bare names after ``chainrule.book.install()``."""

import importlib
import os
import re
import subprocess
import sys
import warnings

import pytest

import chainrule.book
from chainrule.book import book_names, network, prompt
from chainrule.errors import AbsentModule

CHAPTER_1 = """\
>>> import mnist_loader
>>> training_data, validation_data, test_data = \\
... mnist_loader.load_data_wrapper()
>>> import network
>>> net = network.Network([784, 30, 10])
>>> net.SGD(training_data, 30, 10, 3.0, test_data=test_data)
Epoch 0: 9129 / 10000
Epoch 1: 9295 / 10000
Epoch 2: 9348 / 10000
...
Epoch 27: 9528 / 10000
>>> net = network.Network([784, 100, 10])
>>> net.SGD(training_data, 30, 10, 0.001, test_data=test_data)
"""

CHAPTER_3 = """\
>>> import mnist_loader
>>> training_data, validation_data, test_data = \\
... mnist_loader.load_data_wrapper()
>>> import network2
>>> net = network2.Network([784, 30, 10], cost=network2.CrossEntropyCost)
>>> net.large_weight_initializer()
>>> net.SGD(training_data[:1000], 400, 10, 0.5,
... evaluation_data=test_data, lmbda = 0.1,
... monitor_evaluation_cost=True, monitor_evaluation_accuracy=True,
... monitor_training_cost=True, monitor_training_accuracy=True)
>>> net = network2.Network([784, 30, 10])
>>> net.SGD(training_data[:1000], 30, 10, 10.0, lmbda = 1000.0, \\
... evaluation_data=validation_data[:100], \\
... monitor_evaluation_accuracy=True)
Epoch 0 training complete
Accuracy on evaluation data: 10 / 100

Epoch 1 training complete
"""


def ran(session, folder):
    """Give what the prompt prints and says about a session that is pasted into it, in a folder."""
    run = subprocess.run(
        [sys.executable, "-m", "chainrule.book"],
        input=session,
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    return run.stdout, run.stderr.removeprefix(f"{prompt.BANNER}\n").removesuffix("\n")


def few_epochs(session):
    """Shorten a session's trainings to 2 epochs of its first 1,000 pairs, which changes nothing else of its text."""
    return re.sub(r"SGD\(training_data(?:\[:1000\])?, \d+", "SGD(training_data[:1000], 2", session)


@pytest.mark.parametrize("prompts", [True, False], ids=["with prompts", "without"])
@pytest.mark.parametrize(("session", "blocks"), [(CHAPTER_1, 2), (CHAPTER_3, 2)], ids=["chapter 1", "chapter 3"])
def test_the_books_sessions_run(session, blocks, prompts, tmp_path):
    """Sessions of the book with their printed lines, with or without their prompts, run without an error, and print their lines."""
    text = few_epochs(session)
    out, err = ran(text if prompts else re.sub(r"^(?:>>>|\.\.\.) ", "", text, flags=re.MULTILINE), tmp_path)
    assert err == ""
    lines = re.findall(r"^Epoch [01]: \d+ / 10000$|^Epoch [01] training complete$", out, flags=re.MULTILINE)
    assert len(lines) == 2 * blocks
    assert (len(re.findall(r"^Accuracy on evaluation data: \d+ / 100$", out, flags=re.MULTILINE)) == 2) == (session is CHAPTER_3)


def test_python_2_s_print_is_answered_with_what_to_write(tmp_path):
    """The print statement is a syntax error, after which the prompt says what to write; the session goes on."""
    out, err = ran('>>> print "sizes %s" % [784, 30, 10],\n>>> print(1 + 1)\n', tmp_path)
    assert out == "2\n"
    assert "SyntaxError" in err
    assert 'This is Python 2\'s print; in Python 3 write: print("sizes %s" % [784, 30, 10])' in err


def test_an_error_leaves_the_prompt_open(tmp_path):
    """Functions of several lines, values and errors are handled as at Python's own prompt."""
    out, err = ran(">>> def double(x):\n...     return 2 * x\n... \n>>> double(21)\n>>> 1 / 0\n>>> double(1)\n", tmp_path)
    assert out == "42\n2\n"
    assert err.splitlines()[-1] == "ZeroDivisionError: division by zero"


def test_a_mistake_shows_the_readers_own_frames_only(tmp_path):
    """An error that chainrule raises is shown with the lines of the prompt and of the reader's own files, and its message."""
    (tmp_path / "mine.py").write_text("def broken(x, y):\n    raise KeyError('mine')\n")
    _, err = ran("import network, mine\nnet = network.Network([4, 3])\nnet.SGD([1], 1, 1, 1.0)\n", tmp_path)
    assert err.splitlines()[:2] == ["Traceback (most recent call last):", '  File "<console>", line 1, in <module>']
    assert err.splitlines()[-1].startswith("chainrule.errors.DataError: the data must be a list of pairs (x, y)")
    assert err.count("File ") == 1
    _, err = ran(
        "import network, mine\nnet = network.Network([4, 3])\nnet.backprop = mine.broken\nnet.SGD([(1, 1)], 1, 1, 1.0)\n", tmp_path
    )
    assert re.findall(r'File "(?:.*/)?([^/"]+)"', err) == ["<console>", "mine.py"]
    assert err.splitlines()[-1] == "KeyError: 'mine'"


def test_the_frames_of_a_chained_error_are_the_readers_own(tmp_path):
    """Also the error that was being handled is shown without chainrule's frames."""
    session = "import network\ntry:\n    network.Network(3)\nexcept Exception:\n    1 / 0\n\n"
    _, err = ran(session, tmp_path)
    assert "During handling of the above exception, another exception occurred" in err
    assert set(re.findall(r'File "([^"]+)"', err)) == {"<console>"}


def test_an_interrupted_line_is_told_in_one_line(tmp_path):
    """Ctrl-C within a training ends it, shows one line, and leaves the prompt open."""
    session = (
        "import network, signal\nnet = network.Network([4, 3])\n"
        "net.evaluate = lambda data: signal.raise_signal(signal.SIGINT)\nimport numpy as np\n"
        "net.SGD([(np.ones((4, 1)), np.ones((3, 1)))], 9, 1, 1.0, test_data=[(np.ones((4, 1)), 1)])\nprint('open')\n"
    )
    out, err = ran(session, tmp_path)
    assert (out, err.strip()) == ("open\n", "KeyboardInterrupt")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_is_one_line(option):
    """``--help`` prints the usage, and opens no prompt."""
    run = subprocess.run([sys.executable, "-m", "chainrule.book", option], input="1\n", capture_output=True, text=True, check=True)
    assert re.fullmatch(r"usage: python -m chainrule\.book .*\n", run.stdout)
    assert run.stderr == ""


@pytest.mark.parametrize("arguments", [["session.py"], ["--version"], ["--help", "more"]])
def test_arguments_are_refused(arguments):
    """Any other argument ends with status 2 and one line, and opens no prompt."""
    run = subprocess.run([sys.executable, "-m", "chainrule.book", *arguments], input="1\n", capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"python -m chainrule.book takes no arguments but --help; it was given {' '.join(arguments)}\n"


def test_the_prompt_says_what_replaces_network3(tmp_path):
    """``import network3`` and ``import expand_mnist`` tell at the prompt what to use instead."""
    _, err = ran("import network3\nimport expand_mnist\n", tmp_path)
    assert "chainrule has no network3, the book's convolutional networks over Theano" in err
    assert "chainrule has no expand_mnist, the book's copies of MNIST shifted by a pixel" in err


def test_the_prompt_prefers_the_books_modules(tmp_path):
    """A ``network.py`` in the folder is not imported, and a warning names it."""
    (tmp_path / "network.py").write_text("raise SystemExit('the wrong module')")
    out, err = ran("import network\nnetwork.__name__\n", tmp_path)
    assert out == "'chainrule.book.network'\n"
    assert f"HiddenModuleWarning: import network gives the book's module from now on, and not {tmp_path}" in err


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (">>> net.SGD(a)", "net.SGD(a)"),
        (">>>net.SGD(a)", "net.SGD(a)"),
        ("  >>> x = 1", "x = 1"),
        ("...     return x", "    return x"),
        ("...", ""),
        (">>>", ""),
        ("    return x", "    return x"),
        ("...x", "...x"),
        ("x = '>>> '", "x = '>>> '"),
    ],
)
def test_prompts_are_taken_off(line, code):
    """Only a prompt at the start of a line is taken off, and no indentation behind it."""
    assert prompt.without_prompt(line) == code


@pytest.fixture
def installed():
    """The bare names, until the test ends."""
    chainrule.book.install()
    yield
    chainrule.book.uninstall()


def test_bare_names_give_the_packages_own_modules(installed):
    """``import network`` gives the very module of the package, so that what a reader replaces in it is replaced once."""
    for name in book_names.NAMES:
        module = importlib.import_module(name)
        assert module is importlib.import_module(f"chainrule.book.{name}")
        assert module.__spec__.name == module.__name__ == f"chainrule.book.{name}"


def test_a_module_can_be_reloaded(installed):
    """``importlib.reload`` of a bare name runs the module again."""
    bare = importlib.import_module("network")
    bare.sigmoid = None
    assert importlib.reload(bare) is network
    assert network.sigmoid(0) == 0.5


@pytest.mark.parametrize("name", ["network3", "expand_mnist"])
def test_absent_modules_are_refused_by_name(name, installed):
    """What the package does not have raises an ImportError, with what to use instead; looking for its spec does not."""
    assert importlib.util.find_spec(name) is not None
    with pytest.raises(AbsentModule, match=rf"chainrule has no {name}, .* cr\.train\("):
        importlib.import_module(name)
    assert issubclass(AbsentModule, ImportError)


def test_a_file_of_the_readers_own_is_named_and_comes_back(tmp_path, monkeypatch):
    """``install`` warns of each file that it hides, also of an imported one; ``uninstall`` lets it be imported again."""
    (tmp_path / "network.py").write_text("mine = True")
    (tmp_path / "network3.py").write_text("mine = 3")
    monkeypatch.syspath_prepend(tmp_path)
    assert importlib.import_module("network").mine
    try:
        with pytest.warns(chainrule.book.HiddenModuleWarning, match=r"import network gives .*network\.py; rename") as told:
            chainrule.book.install()
        assert len(told) == 1
        assert told[0].filename == __file__
        chainrule.book.install()  # nothing new
        assert importlib.import_module("network") is network
        assert importlib.import_module("network3").mine == 3  # what is absent here is the reader's own
    finally:
        chainrule.book.uninstall()
        sys.modules.pop("network3", None)
    assert importlib.import_module("network").mine
    del sys.modules["network"]


def test_without_install_no_name_is_taken():
    """Importing ``chainrule.book`` and its modules takes no bare name, and ``uninstall`` without ``install`` does nothing."""
    finders = list(sys.meta_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chainrule.book.uninstall()
    assert sys.meta_path == finders
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("network2")
