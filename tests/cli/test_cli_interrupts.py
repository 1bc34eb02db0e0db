"""Ctrl-C outside a command's work: within the program's imports, and after its end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_helpers import ENVIRONMENT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

AT_THE_END = "import atexit, os, signal; atexit.register(os.kill, os.getpid(), signal.SIGINT); "


def run_python(code, *arguments, **environment):
    """Run a program that handles Ctrl-C as in a terminal; give its status and errors."""
    terminal = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [sys.executable, "-c", terminal + code, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env={**ENVIRONMENT, **environment})
    return ended.returncode, ended.stderr


def test_ctrl_c_within_an_import(tmp_path):
    """Ctrl-C while the program imports what it needs ends it with status 130 and no traceback."""
    Path(tmp_path, "rich_click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    paths = os.pathsep.join([str(tmp_path), ENVIRONMENT["PYTHONPATH"]])
    assert run_python("from chainrule.__main__ import main; main()", "--version", PYTHONPATH=paths) == (130, "")


def test_ctrl_c_after_the_end():
    """Ctrl-C after a command has ended, while Python ends, changes neither its status nor its output."""
    assert run_python(AT_THE_END + "from chainrule.__main__ import main; main()", "--version") == (0, "")


def test_ctrl_c_that_an_extension_module_turned_into_another_error(tmp_path):
    """Ctrl-C while an extension module loads, which makes it an ImportError, ends the program with status 130 and no traceback."""
    loading = "try:\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt as cause:\n    raise ImportError('failed') from cause\n"
    Path(tmp_path, "rich_click.py").write_text(loading)
    paths = os.pathsep.join([str(tmp_path), ENVIRONMENT["PYTHONPATH"]])
    assert run_python("from chainrule.__main__ import main; main()", "--version", PYTHONPATH=paths) == (130, "")


HIDES_CTRL_C = """
import signal, chainrule.cli
def run():
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        pass
    raise TypeError("incompatible function arguments")
chainrule.cli.main = run
"""


def test_ctrl_c_that_an_extension_module_hid():
    """A converter of arguments may forget Ctrl-C, and say that an argument is wrong: one line; without Ctrl-C the whole error."""
    told = "chainrule: interrupted, and then TypeError: incompatible function arguments\n"
    assert run_python(HIDES_CTRL_C + "from chainrule.__main__ import main; main()", "--version") == (130, told)
    without = HIDES_CTRL_C.replace("signal.raise_signal(signal.SIGINT)", "pass")
    status, errors = run_python(without + "from chainrule.__main__ import main; main()", "--version")
    assert (status, errors.splitlines()[-1]) == (1, "TypeError: incompatible function arguments")


def test_ctrl_c_within_a_callback(tmp_path):
    """Ctrl-C that falls into a callback, where Python forgets it, still ends the program with status 130 and no traceback."""
    Path(tmp_path, "rich_click.py").write_text(
        "import os, signal, time, weakref\n"
        "class Lock: pass\n"
        "lock = Lock()\n"
        "reference = weakref.ref(lock, lambda _: [os.kill(os.getpid(), signal.SIGINT), time.sleep(1)])\n"
        "del lock\n"
        "for _ in range(1_000): time.sleep(0.01)\n"
        "raise SystemExit('the interrupt was forgotten')\n"
    )
    paths = os.pathsep.join([str(tmp_path), ENVIRONMENT["PYTHONPATH"]])
    assert run_python("from chainrule.__main__ import main; main()", "--version", PYTHONPATH=paths) == (130, "")


def test_another_error_within_a_callback_is_printed(tmp_path):
    """An error other than Ctrl-C that Python cannot raise is printed as ever."""
    code = "import weakref; from chainrule.__main__ import main\nclass A: pass\na = A(); r = weakref.ref(a, lambda _: 1 / 0)\n"
    status, errors = run_python(code + "import atexit; atexit.register(globals().pop, 'a'); main()", "--version")
    assert status == 0
    assert "ZeroDivisionError" in errors
