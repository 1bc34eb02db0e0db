"""Standard output that closes or cannot be written: a training goes on without it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule as cr
from chainrule._stdout import OutputWarning

THREE_EPOCHS = """
import sys, warnings
import numpy as np
import chainrule as cr

warnings.simplefilter("always")
run = cr.Run(
    cr.Network([4, 2], seed=0), (np.eye(4), [0, 1, 0, 1]), epochs=3, batch_size=2, learning_rate=1.0, progress=True
)
print(len(list(run)), file=sys.stderr)
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}


def train_with_stdout(stdout):
    """Run ``THREE_EPOCHS`` with a standard output; give what it wrote to standard error, the number of epochs last."""
    command = [sys.executable, "-c", THREE_EPOCHS]
    finished = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=True, env=ENVIRONMENT)
    return finished.stderr.splitlines()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_a_full_disk_is_a_warning():
    """Where standard output cannot be written the training goes on, and one warning gives the reason."""
    with Path("/dev/full").open("w") as full:
        lines = train_with_stdout(full)
    warned = [line for line in lines if f"{OutputWarning.__name__}: cannot write standard output (No space left" in line]
    assert len(warned) == 1
    assert lines[-1] == "3"


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX pipes")
def test_a_closed_pipe_is_ignored():
    """Where the reader of standard output has closed the pipe, as ``head`` does, the training goes on without a warning."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        assert train_with_stdout(closed) == ["3"]
