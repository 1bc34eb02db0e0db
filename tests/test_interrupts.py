"""Ctrl-C in a training: it ends the training, and the network has the parameters of a whole step."""

import itertools
import signal
import subprocess
import sys

import numpy as np
import pytest
from training_cases import SETTINGS, X, Y, make_network, parameter_bytes, train_network

import chainrule as cr
from chainrule.epoch_blocks import epoch_order
from chainrule.plan import Steps

INTERRUPTED_TRAINING = """
import os, signal, sys, threading, time
import numpy as np
import chainrule as cr

sizes, batch_size, n = [int(s) for s in sys.argv[1].split(",")], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
net = cr.Network(sizes, seed=0)
start = [w.copy() for w in net.weights]
x, y = rng.integers(0, 256, (n, sizes[0])).astype(np.uint8), rng.integers(0, sizes[-1], n)
under_way = threading.Event()

def schedule(step, total):
    if step[0] > 0:
        under_way.set()
    return 1.0

def interrupt():
    under_way.wait()
    time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
history = cr.train(net, (x, y), epochs=100_000, batch_size=batch_size, learning_rate=0.1, schedule=schedule)
finite = all(np.isfinite(part).all() for part in [*net.weights, *net.biases])
moved = all((w != v).any() for w, v in zip(start, net.weights))
print(history.stopped, finite, moved, net.provenance.stopped, net.provenance.steps > 0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize(
    ("sizes", "batch_size", "n"), [("784,30,10", 10, 50_000), ("784,256,256,10", 128, 20_000), ("4,3,2", 1, 50)]
)
def test_sigint_ends_a_training(sizes, batch_size, n):
    """A real SIGINT in a long training makes ``train`` return: interrupted, the network finite and moved from its start."""
    command = [sys.executable, "-c", INTERRUPTED_TRAINING, sizes, str(batch_size), str(n)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.split() == ["interrupted", "True", "True", "interrupted", "True"]


SMALL = {"epochs": 2, "batch_size": 5, "learning_rate": 0.5}
TWELVE_EXAMPLES = X[:12], Y[:12]


def steps_by_parameters():
    """Give the number of steps for the parameters after each step of the training in ``interrupt_at_line``."""
    net = make_network()
    run = cr.Run(net, TWELVE_EXAMPLES, **SMALL)
    data = run.engine.prepare(run.examples)
    session = run.engine.open(run.plan, net.state(), threads="auto")
    steps = {parameter_bytes(net): 0}
    for epoch, first in itertools.product((1, 2), (0, 5, 10)):
        rows = epoch_order(12, 5, epoch)[first : first + 5]
        session.advance(data, rows, Steps(np.full(1, 0.5), np.zeros(1)))
        state = session.state()
        steps[parameter_bytes(state)] = state.step
    return steps


def iterate(net, examples, **settings):
    """Train as ``train`` does, without its handling of Ctrl-C between two epochs."""
    run = cr.Run(net, examples, **settings)
    list(run)
    return run.history


def interrupt_at_line(train, line):
    """Train, and raise KeyboardInterrupt at the ``line``-th line of the library that runs; give network, history and lines run."""
    net, lines, history = make_network(), 0, None

    def trace(frame, event, argument):
        nonlocal lines
        if "chainrule" not in frame.f_code.co_filename:
            return None
        if event == "line":
            lines += 1
            if lines == line:
                raise KeyboardInterrupt
        return trace

    outer_trace = sys.gettrace()  # such as coverage's
    sys.settrace(trace)
    try:
        history = train(net, TWELVE_EXAMPLES, **SMALL)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(outer_trace)
    return net, history, lines


@pytest.mark.parametrize(("train", "least_returned"), [(cr.train, 1 / 2), (iterate, 1 / 8)])
def test_ctrl_c_at_any_line_leaves_the_parameters_of_a_whole_step(train, least_returned):
    """Wherever Ctrl-C falls, the parameters are those after some step, never a mixture of two, and provenance counts that step."""
    expected_steps, (_, _, lines) = steps_by_parameters(), interrupt_at_line(train, None)
    assert lines > 500
    returned = 0
    for line in range(1, lines + 1):
        net, history, _ = interrupt_at_line(train, line)
        steps = expected_steps.get(parameter_bytes(net))
        assert steps is not None, f"a mixture of two steps at line {line}"
        assert steps == (net.provenance.steps if net.provenance else 0), f"wrong provenance at line {line}"
        if history is not None:
            returned += 1
            assert history.stopped in ("interrupted", "finished"), line
            assert net.provenance is None or net.provenance.stopped == history.stopped, line
    assert returned > least_returned * lines  # the others raised KeyboardInterrupt


def test_ctrl_c_while_diverging_keeps_finite_parameters():
    """Ctrl-C in an epoch whose parameters are no longer finite leaves those of the epoch before."""
    calls = itertools.count(1)

    def interrupting(z):
        if next(calls) > 20:
            raise KeyboardInterrupt
        return 1e30 * z

    explosive = cr.Activation("explosive", interrupting, lambda z, a: np.full_like(z, 1e30))
    net = cr.Network([4, 2], output=explosive, cost="mean_squared_error", seed=0)
    history = cr.train(net, (X, X[:, :2]), epochs=1, batch_size=1, learning_rate=1.0)
    assert history.stopped == "interrupted"
    assert all(np.isfinite(part).all() for part in [*net.weights, *net.biases])


def test_ctrl_c_in_the_callers_loop_reaches_the_caller():
    """Ctrl-C in the caller's own loop over a Run is raised there, and the network has the last epoch's parameters."""
    net = make_network()

    def loop():
        for record in cr.Run(net, (X, Y), **SETTINGS):
            if record.epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert parameter_bytes(net) == train_network(epochs=2)[0]


def test_the_signal_handler_stays():
    """A training leaves the process's handler of SIGINT as it was."""
    handler = signal.getsignal(signal.SIGINT)
    train_network()
    assert signal.getsignal(signal.SIGINT) is handler


def test_an_interrupt_keeps_what_was_written_since_the_last_epoch():
    """A change to the network between two epochs stays when ``interrupt`` ends the training."""
    net = make_network()
    run = cr.Run(net, (X, Y), **SETTINGS)
    next(run)
    net.weights[0][:] *= 0.5
    changed = parameter_bytes(net)
    run.interrupt()
    assert run.history.stopped == "interrupted"
    assert parameter_bytes(net) == changed


def test_an_interrupt_after_the_end_changes_nothing():
    """``interrupt`` on a finished training leaves it finished."""
    net = make_network()
    run = cr.Run(net, (X, Y), **SETTINGS)
    list(run)
    trained = parameter_bytes(net)
    run.interrupt()
    assert run.history.stopped == "finished"
    assert parameter_bytes(net) == trained
