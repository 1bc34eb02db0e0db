"""Write docs/cli.md, the command line's pages, from the commands themselves.

Usage: ``python -m docs.reference`` writes it; with ``--check`` it fails if what is there is stale.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from typer.main import get_command

from chainrule.cli import app

PAGE = Path(__file__).with_name("cli.md")
HEAD = """# The command line

This page is made from the commands by `python -m docs.reference`.

"""


def page() -> str:
    """Make the whole page."""
    program: Any = get_command(app)
    sections = [_section("chainrule", program)]
    sections += [_section(f"chainrule {name}", command) for name, command in program.commands.items()]
    return HEAD + "\n".join(sections)


def _section(name: str, command: Any) -> str:
    arguments = [_argument(parameter) for parameter in command.params if parameter.param_type_name == "argument"]
    options = [_option(parameter) for parameter in command.params if parameter.param_type_name == "option"]
    lines = [f"## `{' '.join([name, '[OPTIONS]', *(call for call, _ in arguments)])}`", "", (command.help or "").strip(), ""]
    if arguments or options:
        lines += ["| | |", "|---|---|"]
        lines += [f"| `{call}` | {text} |" for call, text in arguments]
        lines += [f"| {flags} | {text} |" for flags, text in options]
        lines.append("")
    return "\n".join(lines)


def _argument(parameter: Any) -> tuple[str, str]:
    call = (parameter.metavar or parameter.name or "").upper().strip("[]")
    call += "..." if parameter.nargs == -1 and not call.endswith("...") else ""
    return (call if parameter.required else f"[{call}]"), _cell(parameter.help or "")


def _option(parameter: Any) -> tuple[str, str]:
    metavar = f" {parameter.metavar}" if parameter.metavar and not parameter.is_flag else ""
    *short, long = parameter.opts
    return ", ".join([*(f"`{flag}`" for flag in short), f"`{long}{metavar}`"]), _cell(parameter.help or "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text() != page():
            sys.exit("docs/cli.md is stale; write it anew with: python -m docs.reference")
    else:
        PAGE.write_text(page())
