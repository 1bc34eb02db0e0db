"""The help pages, the version and the completion of the shell."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from cli_helpers import ENVIRONMENT, run_process

import chainrule as cr
from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.costs import COSTS
from chainrule.calculus.optimizers import OPTIMIZERS
from chainrule.cli.settings import Settings
from chainrule.engines import ENGINES
from chainrule.schedules import SCHEDULES


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_no_arguments_print_the_help(run, arguments):
    """No arguments, like --help, list every command on standard output, with status 0."""
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    assert all(name in out for name in ("train", "evaluate", "predict", "info", "--version", "--install-completion"))


def test_help_lists_every_setting_and_the_notes_values(run):
    """The help of train holds each option of the settings, the notes' defaults, and fits 80 columns."""
    status, out, _ = run("train", "--help")
    text = " ".join(re.sub("[│╭╮╰╯─]", " ", out).split())
    assert status == 0
    assert all(f"--{column.name.replace('_', '-')}" in out for column in fields(Settings))
    assert all(f"--{name}" in out for name in ("seed", "engine", "threads", "out", "target", "quiet", "json"))
    for expected in ("hidden layer, or none for no layer (default: 30)", "data (default: 30)", "(default: 10)", "(default: 3.0)"):
        assert expected in text
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "info"])
def test_each_command_has_help(run, command):
    """Each command's help names its arguments in the usage line."""
    status, out, err = run(command, "-h")
    assert (status, err) == (0, "")
    arguments = {"train": "[DATA]", "evaluate": "MODEL [DATA]", "predict": "MODEL FILE...", "info": "MODEL"}[command]
    assert f"Usage: chainrule {command} [OPTIONS] {arguments} " in out


def test_help_fills_a_narrow_terminal(run, monkeypatch):
    """A command's text is wrapped to the width of the terminal, without line breaks of its own."""
    monkeypatch.setenv("COLUMNS", "60")
    prose = [line.strip() for line in run("predict", "-h")[1].partition("╭")[0].splitlines()][2:]
    assert len(prose) > 5
    for line, following in zip(prose, prose[1:], strict=False):
        assert not line or not following or len(f"{line} {following.split()[0]}") > 58


def test_version_is_quick():
    """--version prints the versions and engines in a line, and loads none of the large libraries for it."""
    code = (
        "import sys, chainrule.cli\n"
        "try: chainrule.cli.main(['--version'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('sklearn', 'scipy', 'matplotlib', 'PIL', 'pyarrow', 'safetensors') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    version, loaded = done.stdout.splitlines()
    assert re.fullmatch(rf"chainrule {re.escape(cr.__version__)}, engines: .*reference.*; Python 3\.\S+, NumPy \S+", version)
    assert loaded == "[]"


def test_version_names_the_instruction_set(run, monkeypatch):
    """--version names the kernels' instruction set; an unknown one in CHAINRULE_ISA is an error in one line."""
    if "fused" not in ENGINES:
        pytest.skip("the kernels are not built here")
    from chainrule.engines.fused import available

    for isa in available():
        monkeypatch.setenv("CHAINRULE_ISA", isa)
        assert re.search(rf"engines: fused \((x86-64-)?{isa}\), reference;", run("--version")[1])
    monkeypatch.setenv("CHAINRULE_ISA", "nonsense")
    status, out, err = run("--version")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "CHAINRULE_ISA asks for 'nonsense', but this machine runs" in err


@pytest.mark.parametrize(
    ("words", "completion"),
    [
        ("tr", "plain,train"),
        ("train mn", "plain,mnist"),
        ("train wine", "file,wine"),
        ("train --optimizer nes", "plain,nesterov"),
        ("train --batch", "plain,--batch-size"),
        ("equations bp4", "plain,BP4"),
        ("info mo", "file,mo"),
    ],
)
def test_the_shell_completes(words, completion):
    """Commands, data, names, options and files are completed, by the protocol of Click's script for bash."""
    protocol = {"_CHAINRULE_COMPLETE": "bash_complete", "COMP_WORDS": f"chainrule {words}", "COMP_CWORD": str(len(words.split()))}
    assert run_process(env={**ENVIRONMENT, **protocol}).stdout.split() == [completion]


@pytest.mark.parametrize(("shell", "startup"), [("bash", ".bashrc"), ("zsh", ".zshrc"), ("fish", None)])
def test_completion_is_installed_once(run, tmp_path, monkeypatch, shell, startup):
    """--install-completion writes the script that --show-completion prints, and has the startup file source it, once."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", f"/bin/{shell}")
    script = run("--show-completion")[1]
    for _ in range(2):
        status, out, err = run("--install-completion")
        assert (status, err) == (0, "")
        path = Path(re.search(r"installed in (\S+);", out)[1])
        assert path.read_text().strip() == script.strip()
    assert "_CHAINRULE_COMPLETE" in script
    if startup:
        assert Path(tmp_path, startup).read_text() == f"source '{path}'\n"


def test_completion_of_an_unknown_shell_is_refused(run, monkeypatch):
    """A shell without completion is an error in one line, which names those that have it."""
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    for option in ("--install-completion", "--show-completion"):
        status, out, err = run(option)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "bash, zsh, fish; the variable SHELL names 'tcsh'" in err


@pytest.mark.parametrize(
    ("option", "registry"),
    [
        ("--activation", ACTIVATIONS),
        ("--output", ACTIVATIONS),
        ("--cost", COSTS),
        ("--optimizer", OPTIMIZERS),
        ("--schedule", SCHEDULES),
    ],
)
def test_help_lists_what_is_added_to_a_registry(run, monkeypatch, option, registry):
    """A name that is added to a registry of the library appears in the help of its option."""
    entry = next(iter(registry.values()))
    assert "brand_new" not in run("train", "--help")[1]
    monkeypatch.setitem(registry, "brand_new", entry)
    rows = run("train", "--help")[1].split("--")
    assert any(row.startswith(option.removeprefix("--")) and "brand_new" in row for row in rows)


def test_help_is_quick_to_import():
    """``chainrule --help`` imports neither NumPy nor a large library."""
    code = (
        "import sys, chainrule.cli\n"
        "try: chainrule.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('numpy', 'sklearn', 'scipy', 'PIL', 'pyarrow', 'safetensors') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert done.stdout.splitlines()[-1] == "[]"
