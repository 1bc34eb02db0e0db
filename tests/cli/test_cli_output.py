"""Standard output: lines, JSON, a closed pipe, a full disk, and letters that it cannot encode."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import ENVIRONMENT, FAST, run_process

import chainrule as cr
from chainrule.cli.output import as_one_line, print_json, print_message

needs_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a device of Linux")


def test_a_line_is_one_line_and_safe():
    """Line breaks and terminal codes from a file's name or a model never reach the terminal."""
    assert as_one_line("a\nb\x1b[2Jc\u202e") == "a b?[2Jc?"


def test_a_long_message_is_cut_in_its_middle(capsys):
    """A message that quotes a name of 100,000 letters is cut to about 2,000; its beginning and its remedy stay."""
    print_message(f"error: two columns are named {'x' * 100_000}; rename one")
    line = capsys.readouterr().err
    assert len(line) < 2100
    assert line.startswith("chainrule: error: two columns are named xxx")
    assert line.endswith("xxx; rename one\n")


def test_nan_becomes_null_in_json(capsys):
    """NumPy's numbers become JSON's, and a number that is not finite becomes null."""
    print_json({"a": float("nan"), "b": [np.float32(1.5), np.inf], "c": np.arange(2), "d": {"e": (True, None, "x")}})
    printed = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert printed == {"a": None, "b": [1.5, None], "c": [0, 1], "d": {"e": [True, None, "x"]}}


@pytest.mark.parametrize("command", [("train", "digits", "-e", "4"), ("train", "digits", "-e", "4", "--json"), ("--help",)])
def test_a_closed_pipe_is_not_an_error(command):
    """With ``| head -1`` the program prints nothing on standard error, and a training goes on to its end."""
    command = [sys.executable, "-m", "chainrule", *command]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as running:
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == ""
    if command[3] == "train":
        assert running.returncode == 0
        assert cr.load("digits.safetensors").provenance.epochs == 4


def test_an_evaluation_into_a_closed_pipe_ends_quietly(models):
    """``evaluate | head -1`` ends with status 0 and nothing on standard error."""
    command = [sys.executable, "-m", "chainrule", "evaluate", str(models / "digits.safetensors")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as running:
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode == 0


@needs_full_device
@pytest.mark.parametrize("options", [("--json",), (), ("--quiet",)])
def test_a_training_on_a_full_disk_is_saved(options):
    """On a full disk one error says that nothing can be written; the model is saved, and the status is 1."""
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "chainrule", "train", "digits", *FAST, *options]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 1
    assert re.fullmatch(r"chainrule: error: cannot write standard output \(No space left .*\n", done.stderr)
    assert cr.load("digits.safetensors").provenance.epochs == 2


@needs_full_device
@pytest.mark.parametrize("command", ["info", "evaluate", "--help", "--version"])
def test_a_full_disk_is_an_error(models, command):
    """A full disk is an error in one line, with status 1."""
    arguments = [command] if command.startswith("-") else [command, str(models / "wine.safetensors")]
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "chainrule", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "cannot write standard output (No space left" in done.stderr


@pytest.mark.parametrize("command", ["info m.safetensors", "evaluate m.safetensors digits", "train digits -e 1 -H 4", "--help"])
def test_a_closed_output_is_not_an_error(command):
    """With ``>&-`` a command does its work and reports no error."""
    cr.Network([64, 10], seed=0).save("m.safetensors")
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "chainrule", *command.split()]
    done = subprocess.run(shell, stderr=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (0, "")


def test_letters_that_cannot_be_encoded_are_escaped():
    """A file's name beyond ASCII does not end a program whose output is ASCII."""
    cr.Network([2, 1], seed=0).save("mod\u00e8le.safetensors")
    done = run_process("info", "mod\u00e8le.safetensors", env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("mod\\xe8le.safetensors")


def test_a_warning_is_a_line():
    """A UserWarning is printed in one line under the program's name, and the status stays 0."""
    code = (
        "import warnings, chainrule.cli as cli\n"
        "@cli.app.command('slow')\n"
        "def slow(): warnings.warn('no kernels here')\n"
        "cli.main(['slow'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (0, "chainrule: warning: no kernels here\n")
