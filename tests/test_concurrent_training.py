"""Trainings in several threads: one thread at a time trains a network, and a process may end meanwhile."""

import subprocess
import sys
import threading

import pytest
from training_cases import SETTINGS, X, Y, make_network

import chainrule as cr
from chainrule.errors import EngineError


def test_a_second_thread_is_refused_a_network_in_training():
    """While a thread trains a network a second thread is refused; the first one finishes, and the network can be trained again."""
    net = make_network()
    training, may_finish = threading.Event(), threading.Event()

    def wait(step, total):
        training.set()
        may_finish.wait(30)
        return 1.0

    thread = threading.Thread(target=cr.train, args=(net, (X, Y)), kwargs={"schedule": wait, **SETTINGS})
    thread.start()
    assert training.wait(30)
    try:
        with pytest.raises(EngineError, match="another thread is training this network; train a copy of it"):
            cr.train(net, (X, Y), **SETTINGS)
    finally:
        may_finish.set()
        thread.join()
    assert net.provenance.stopped == "finished"
    assert cr.train(net, (X, Y), **SETTINGS).stopped == "finished"


def test_a_callback_may_train_its_own_network():
    """A callback may train the network that is in training; a second thread is still refused until the outer epoch has ended."""
    net, errors = make_network(), []

    def train_in_thread():
        try:
            cr.train(net, (X, Y), **SETTINGS)
        except EngineError as error:
            errors.append(error)

    def train_again(record):
        cr.train(net, (X, Y), **{**SETTINGS, "epochs": 1})
        thread = threading.Thread(target=train_in_thread)
        thread.start()
        thread.join()

    cr.train(net, (X, Y), callbacks=[train_again], **{**SETTINGS, "epochs": 1})
    assert len(errors) == 1
    train_in_thread()
    assert len(errors) == 1


DAEMON_THREADS = """
import threading, time
import numpy as np
import chainrule as cr
x = np.random.default_rng(0).normal(size=(20000, 200)).astype("f4")
examples = cr.Examples(x, (x[:, 0] > 0).astype(int))
for seed in range(2):
    net = cr.Network([200, 256, 256, 3], seed=seed)
    settings = {"epochs": 1000, "batch_size": 64, "learning_rate": 0.1, "threads": 2}
    threading.Thread(target=cr.train, args=(net, examples), kwargs=settings, daemon=True).start()
time.sleep(0.4)
"""


def test_a_process_may_end_while_daemon_threads_train():
    """An interpreter whose daemon threads train ends with status 0."""
    process = subprocess.run([sys.executable, "-c", DAEMON_THREADS], capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 0, process.stderr
