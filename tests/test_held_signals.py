"""Signals that end a process: within a training with checkpoints they raise, and afterwards they have their default effect."""

import signal
import subprocess
import sys

import pytest

from chainrule.held_signals import EXITING, SignalHolder, exit_on_signals, hold_signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


@pytest.fixture(autouse=True)
def default_handlers():
    """Give the signals their default effect, and afterwards the handlers of before."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in EXITING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_exits_within_the_block_alone(number):
    """It raises SystemExit with the status that shells report, also where it was held back; afterwards it ends the process."""
    with pytest.raises(SystemExit, match=str(128 + number)), exit_on_signals():
        signal.raise_signal(number)
    calls = [lambda: signal.raise_signal(number), lambda: calls.append("held")]
    with pytest.raises(SystemExit, match=str(128 + number)), exit_on_signals(), hold_signals():
        _ = [call() for call in calls[:2]]
    assert calls[2:] == ["held"]
    assert signal.getsignal(number) is signal.SIG_DFL


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda number, frame: None])
def test_a_programs_own_handler_stays(handler):
    """A signal that the program ignores, as under nohup, or handles itself, is left to it."""
    signal.signal(signal.SIGHUP, handler)
    with exit_on_signals():
        signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is handler
    assert signal.getsignal(signal.SIGHUP) is handler


def test_a_block_within_another_keeps_it():
    """Of two trainings in turn the one that ends first leaves the other its handler, whichever began first."""
    for first in (0, 1):
        blocks = [exit_on_signals(), exit_on_signals()]
        for block in blocks:
            block.__enter__()
        blocks[first].__exit__(None, None, None)
        with pytest.raises(SystemExit):
            signal.raise_signal(signal.SIGTERM)
        blocks[1 - first].__exit__(None, None, None)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


PROGRAM = """
import signal, sys, threading, time
from chainrule.held_signals import exit_on_signals

block = exit_on_signals()
block.__enter__()
thread = threading.Thread(target=block.__exit__, args=(None, None, None))
thread.start()
thread.join()
try:
    signal.raise_signal(signal.SIGTERM)
except SystemExit:
    print("the handler is still there")
"""


def test_a_block_that_ends_in_another_thread_leaves_no_effect():
    """A training that another thread collects cannot take its handler away: SIGTERM ends the process nevertheless."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, "")


class _Ended:
    """Receives a signal while it is collected, where Python forgets the exception of the signal's handler."""

    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_falls_into_a_callback_ends_the_training_at_the_next_step():
    """SIGTERM within ``__del__``, whose exception Python forgets, ends the training all the same, with status 143."""
    holder = SignalHolder()

    def train():
        with exit_on_signals(), holder.installed():
            ended = _Ended()
            del ended
            with holder:
                pass

    with pytest.raises(SystemExit) as error:
        train()
    assert error.value.code == 143
    with holder:  # it is forgotten when the training has ended
        pass
