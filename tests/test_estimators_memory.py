"""The memory of a fit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule as cr

CODE = """
import sys
import warnings
from pathlib import Path
import numpy as np
import chainrule as cr

warnings.simplefilter("ignore")

def peak():  # not getrusage's, which begins at that of the process that started this one
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

def fit(x):
    for solver in ("adam", "lbfgs"):
        cr.MLPClassifier(max_iter=1, solver=solver, random_state=0).fit(x, x[:, 0] > 0.5)
        cr.MLPRegressor(max_iter=1, solver=solver, random_state=0).fit(x, x[:, 0])

random = np.random.default_rng(0)
fit(random.random((300, 1000), sys.argv[1]))  # so that all is loaded
before = peak()
x = random.random((64 * 2**20 // (1000 * np.dtype(sys.argv[1]).itemsize), 1000), sys.argv[1])
fit(x)
print((peak() - before) / x.nbytes)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_fit_makes_no_second_copy_of_x(dtype):
    """With X of 64 MB, C-contiguous and of the dtype that trains, a process grows by little more than X."""
    environment = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}
    command = [sys.executable, "-c", CODE, dtype]
    grown = float(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)
    assert 0.9 < grown < 1.4  # X itself, once
