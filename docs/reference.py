"""Write docs/cli.md, the reference of the command line, from the commands themselves.

Usage: ``python -m docs.reference`` writes the page; with ``--check`` it fails if the page is stale.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import rich_click as click

from chainrule.cli import app

PAGE = Path(__file__).with_name("cli.md")
HEAD = """# The command line

This page is made from the commands by `python -m docs.reference`.

"""


def page() -> str:
    """Make the whole page."""
    sections = [_section("chainrule", app)]
    sections += [_section(f"chainrule {name}", command) for name, command in app.commands.items()]
    return HEAD + "\n".join(sections)


def _section(name: str, command: click.Command) -> str:
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.RichArgument)]
    options = [parameter for parameter in command.params if isinstance(parameter, click.RichOption)]
    usage = " ".join([name, "[OPTIONS]", *map(_usage, arguments)])
    lines = [f"## `{usage}`", "", _join_lines(command.help or ""), ""]
    if arguments or options:
        lines += ["| | |", "|---|---|"]
        lines += [f"| `{_usage(argument)}` | {_cell(argument.help or '')} |" for argument in arguments]
        lines += [f"| {_flags(option)} | {_cell(option.help or '')} |" for option in options]
        lines.append("")
    return "\n".join(lines)


def _usage(argument: click.RichArgument) -> str:
    name = (argument.metavar or argument.name or "").upper()
    return name if argument.required else f"[{name}]"


def _flags(option: click.RichOption) -> str:
    value = f" {option.metavar}" if option.metavar else ""
    *short, long = sorted(option.opts, key=len)
    names = [*(f"`{flag}`" for flag in short), f"`{long}{value}`"]
    return ", ".join([*names, *(f"`{flag}`" for flag in option.secondary_opts)])


def _join_lines(text: str) -> str:
    """Join the lines of each paragraph."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text() != page():
            sys.exit("docs/cli.md is stale; write it anew with: python -m docs.reference")
    else:
        PAGE.write_text(page())
