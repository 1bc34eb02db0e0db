"""Processes that are forked within a training with checkpoints: its folder and its lock stay with the parent."""

import os
import signal
import subprocess
import sys
import warnings

import pytest
from training_cases import SETTINGS, X, Y, make_network, parameter_bytes, train_network

import chainrule as cr
from chainrule.checkpoints.run_folder import RunFolder
from chainrule.training import CheckpointWarning

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def train_with_child(folder, act_in_child):
    """Train with checkpoints and fork after the first epoch; give the parameters, the child's status, and the files it changed."""
    parent, statuses, changed = os.getpid(), [], []
    net = make_network()

    def contents():
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    def fork(record):
        if record.epoch != 1 or os.getpid() != parent:
            return
        before = contents()
        pid = os.fork()
        if pid:
            statuses.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            changed.extend(set(before.items()) ^ set(contents().items()))
        else:
            act_in_child()

    status = 1
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            cr.train(net, (X, Y), **SETTINGS, callbacks=[fork], checkpoint=folder, checkpoint_every="1 h")
        told = [warning.category for warning in warned if "forked" in str(warning.message)] == [CheckpointWarning]
        status = 0 if told and parameter_bytes(net) == train_network()[0] else 1
    except SystemExit:
        status = 0
    finally:
        if os.getpid() != parent:
            os._exit(status)
    return parameter_bytes(net), statuses, changed


def test_a_forked_child_that_goes_on_leaves_the_folder_alone(tmp_path):
    """A child that goes on with its parent's training ends with the same bits, and warns that it writes no checkpoints."""
    parameters, statuses, changed = train_with_child(tmp_path / "run", lambda: None)
    assert (statuses, changed) == ([0], [])
    assert parameters == train_network()[0]


def test_a_forked_child_that_leaves_the_training_writes_nothing(tmp_path):
    """A child that leaves its parent's training by an exception writes no last checkpoint, and releases no lock."""

    def leave():
        raise SystemExit

    parameters, statuses, changed = train_with_child(tmp_path / "run", leave)
    assert (statuses, changed) == ([0], [])
    assert parameters == train_network()[0]


def test_a_training_may_begin_in_a_forked_child(tmp_path):
    """A Run that is made before a fork and begun in the child has checkpoints."""
    run = cr.Run(make_network(), (X, Y), **SETTINGS, checkpoint=tmp_path / "run")
    pid = os.fork()
    if not pid:
        for _ in run:
            pass
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    net = make_network()
    assert cr.train(net, (X, Y), **SETTINGS, checkpoint=tmp_path / "run", resume=True).stopped == "finished"
    assert parameter_bytes(net) == train_network()[0]


PARENT = """
import os, sys, time
import numpy as np
import chainrule as cr

def fork(record):
    if record.epoch == 2:
        pid = os.fork()
        if not pid:
            time.sleep(60)
            os._exit(0)
        print(pid, flush=True)
        time.sleep(60)

x = np.random.default_rng(0).normal(size=(60, 4))
settings = {"epochs": 9, "batch_size": 8, "learning_rate": 0.1}
cr.train(cr.Network([4, 2], seed=0), (x, x[:, :2] > 0), **settings, callbacks=[fork], checkpoint=sys.argv[1])
"""


def test_a_lock_ends_with_the_process_that_took_it(tmp_path):
    """A training that is killed can be resumed at once, though a child that it forked lives on."""
    process = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    child = int(process.stdout.readline())
    try:
        process.kill()
        process.wait()
        folder = RunFolder(tmp_path / "run")
        folder.lock()
        folder.close()
    finally:
        os.kill(child, signal.SIGKILL)
        process.stdout.close()
