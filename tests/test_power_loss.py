"""Loss of power, on a file system that forgets what was not flushed: a small form of ``python -m benchmarks.faults power``."""

import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.skipif(not (ROOT / "benchmarks").exists(), reason="the benchmarks are not installed"),
    pytest.mark.skipif(
        find_spec("mfusepy") is None or shutil.which("fusermount3") is None or not Path("/dev/fuse").exists(),
        reason="needs mfusepy, fuse3 and /dev/fuse",
    ),
]


def test_a_training_goes_on_after_each_loss_of_power(monkeypatch, capsys):
    """What was flushed to the disk is a training that ends with the same bits, and the newest checkpoints are among it."""
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.chdir(ROOT)
    power = import_module("benchmarks.faults.power")
    assert power.run(times=6, seed=3), capsys.readouterr().out
