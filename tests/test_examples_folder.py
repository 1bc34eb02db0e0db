"""The scripts in ``examples/``: each runs by itself, in an empty folder, and shows what it promises."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples are not here")


@pytest.fixture
def shown(tmp_path):
    """Run an example in an empty folder, and give what it prints."""

    def run(name, *arguments):
        command = [sys.executable, str(EXAMPLES / name), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, timeout=120, env=os.environ | {"MPLBACKEND": "Agg"}
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_neuron_by_hand(shown, tmp_path):
    """The gradient added up by hand is the library's to the last printed digit, the cost falls, and there is a picture."""
    text = shown("neuron_by_hand.py")
    by_hand, library = (re.search(rf"{who} +dC/dw = (\S+) +dC/db = (\S+)", text).groups() for who in ("by hand", r"cr\.Neuron"))
    assert by_hand == library
    costs = [float(cost) for cost in re.findall(r"cost = (\S+)", text)]
    assert len(costs) == 5
    assert costs == sorted(costs, reverse=True)
    assert (tmp_path / "neuron.png").read_bytes().startswith(b"\x89PNG")


def test_the_network_in_thirty_lines(shown):
    """Both networks read more than nine in ten, and what is called thirty lines is."""
    text = shown("network_in_30_lines.py")
    assert [float(percent) > 90 for percent in re.findall(r"([\d.]+)% of the test images", text)] == [True, True]
    between = re.split(r"^# -+$", (EXAMPLES / "network_in_30_lines.py").read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    assert len([line for line in between.splitlines() if line.strip()]) <= 30


def test_from_an_equation_to_its_kernel(shown):
    """All forms of BP4 give the same numbers, but for rounding."""
    apart = [float(number) for number in re.findall(r" us +(\S+)$", shown("from_equation_to_kernel.py"), flags=re.MULTILINE)]
    assert len(apart) == 3
    assert max(apart) < 1e-12


def test_your_own_activation(shown):
    """The activation and the cost pass their check, and the network comes near the wave in spite of the wild examples."""
    text = shown("your_own_activation.py")
    rows = [[float(number) for number in line.split()] for line in text.split("network\n")[1].splitlines()]
    assert len(rows) == 7
    assert max(abs(wave - answer) for _, wave, answer in rows) < 0.4


def test_homework_with_a_mistake(shown):
    """The mistake is named with its equation; mended, there is none."""
    wrong, right = shown("homework_with_a_mistake.py").split("\n\n")
    assert wrong.startswith("Not right yet: sigma' of a instead of z, in the hidden layers (BP2).")
    assert right.startswith("Right: this is backpropagation.")


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda script: script.stem)
def test_every_example_says_what_it_shows_and_has_a_test(script):
    """An example begins with a docstring, and a test here runs it."""
    assert script.read_text(encoding="utf-8").startswith('"""')
    assert f'"{script.name}"' in Path(__file__).read_text(encoding="utf-8")
