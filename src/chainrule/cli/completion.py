"""The options that install or show the completion script of the current shell."""

from __future__ import annotations

import os
from pathlib import Path

import rich_click as click
from click.shell_completion import get_completion_class

from ..errors import FileError, SettingError
from .output import print_line

VARIABLE = "_CHAINRULE_COMPLETE"
SCRIPTS = {
    "bash": ".bash_completions/chainrule.sh",
    "zsh": ".zsh_completions/chainrule.zsh",
    "fish": ".config/fish/completions/chainrule.fish",
}
"""Where each shell's script is installed, below the home folder."""

STARTUP_FILES = {"bash": ".bashrc", "zsh": ".zshrc"}
"""The startup file that has to source the script; fish finds its scripts by itself."""


def show_completion(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Print the completion script of the current shell, and exit."""
    if value and not context.resilient_parsing:
        click.echo(completion_script(context, current_shell()))
        context.exit()


def install_completion(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Install the completion script of the current shell, and exit."""
    if value and not context.resilient_parsing:
        shell = current_shell()
        path = install(shell, completion_script(context, shell), Path.home())
        print_line(f"{shell} completion installed in {path}; it takes effect in a new shell")
        context.exit()


def current_shell() -> str:
    """Name the user's shell.

    Raises
    ------
    SettingError
        When it is not one of those that can be completed.
    """
    shell = Path(os.environ.get("SHELL", "")).name
    if shell not in SCRIPTS:
        raise SettingError(f"completion takes one of the shells {', '.join(SCRIPTS)}; the variable SHELL names {shell!r}")
    return shell


def completion_script(context: click.Context, shell: str) -> str:
    """Make the completion script of a shell."""
    completion = get_completion_class(shell)
    assert completion is not None  # noqa: S101  # Click has one for each of SCRIPTS
    return completion(context.command, {}, context.info_name or "chainrule", VARIABLE).source()


def install(shell: str, script: str, home: Path) -> Path:
    """Write a completion script, and let the shell's startup file source it; return the script's path.

    Raises
    ------
    FileError
        When a file cannot be written.
    """
    path = home / SCRIPTS[shell]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script)
        if shell in STARTUP_FILES:
            _append_once(home / STARTUP_FILES[shell], f"source '{path}'")
    except OSError as error:
        raise FileError(f"cannot write {error.filename or path}: {error.strerror or error}") from None
    return path


def _append_once(path: Path, line: str) -> None:
    text = path.read_text() if path.exists() else ""
    if line not in text.splitlines():
        path.write_text(text + "\n" * bool(text and not text.endswith("\n")) + line + "\n")
