"""The scripts in ``examples/``: each runs in an empty folder, and its output is correct."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples are not installed")


@pytest.fixture
def output_of(tmp_path):
    """Return a function that runs an example in an empty folder and returns its output."""

    def run(name, *arguments):
        command = [sys.executable, str(EXAMPLES / name), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, timeout=120, env=os.environ | {"MPLBACKEND": "Agg"}
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_neuron_by_hand(output_of, tmp_path):
    """The gradient computed by hand equals the library's to the last printed digit, the cost falls, and a picture is written."""
    text = output_of("neuron_by_hand.py")
    by_hand, library = (re.search(rf"{name} +dC/dw = (\S+) +dC/db = (\S+)", text).groups() for name in ("by hand", r"cr\.Neuron"))
    assert by_hand == library
    costs = [float(cost) for cost in re.findall(r"cost = (\S+)", text)]
    assert len(costs) == 5
    assert costs == sorted(costs, reverse=True)
    assert (tmp_path / "neuron.png").read_bytes().startswith(b"\x89PNG")


def test_the_network_in_thirty_lines(output_of):
    """Both networks read more than 90 % of the test images correctly, and the NumPy code has at most thirty lines."""
    text = output_of("network_in_30_lines.py")
    assert [float(percent) > 90 for percent in re.findall(r"([\d.]+)% of the test images", text)] == [True, True]
    between = re.split(r"^# -+$", (EXAMPLES / "network_in_30_lines.py").read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    assert len([line for line in between.splitlines() if line.strip()]) <= 30


def test_from_an_equation_to_its_kernel(output_of):
    """All forms of BP4 give the same numbers up to rounding."""
    output = output_of("from_equation_to_kernel.py")
    differences = [float(number) for number in re.findall(r" us +(\S+)$", output, flags=re.MULTILINE)]
    assert len(differences) == 3
    assert max(differences) < 1e-12


def test_your_own_activation(output_of):
    """The activation and the cost pass the gradient check, and the network approximates the wave in spite of the outliers."""
    text = output_of("your_own_activation.py")
    rows = [[float(number) for number in line.split()] for line in text.split("network\n")[1].splitlines()]
    assert len(rows) == 7
    assert max(abs(wave - prediction) for _, wave, prediction in rows) < 0.4


def test_homework_with_a_mistake(output_of):
    """The check names the mistake with its equation, and accepts the corrected function."""
    wrong, corrected = output_of("homework_with_a_mistake.py").split("\n\n")
    assert wrong.startswith("Not right yet: sigma' of a instead of z, in the hidden layers (BP2).")
    assert corrected.startswith("Right: this is backpropagation.")


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda script: script.stem)
def test_every_example_is_described_and_tested(script):
    """An example begins with a docstring, and a test in this file runs it."""
    assert script.read_text(encoding="utf-8").startswith('"""')
    assert f'"{script.name}"' in Path(__file__).read_text(encoding="utf-8")
