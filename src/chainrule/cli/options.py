"""Options as all commands declare them: their help, which tells the default, and what the shell offers for them at the tab key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typer import Argument, Option
from typer.core import TyperCommand

from .data import NAMES


class Command(TyperCommand):
    """A command whose usage line reads ``chainrule predict [OPTIONS] MODEL FILE...``, whichever version of Typer prints it."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Name the arguments: in brackets what may be left out, with dots what may come again."""
        arguments = [parameter for parameter in self.params if parameter.param_type_name == "argument"]
        named = [(a.metavar or a.name or "") + "..." * (a.nargs != 1) for a in arguments]
        return ["[OPTIONS]", *(name if a.required else f"[{name}]" for a, name in zip(arguments, named, strict=True))]


def flag(*names: str, text: str, panel: str | None = None) -> Any:
    """Declare an option that takes no value."""
    return option(*names, text=text, metavar="", panel=panel)


def option(*names: str, text: str, default: str = "", metavar: str | None = None, panel: str | None = None, table: str = "") -> Any:
    """Declare an option.

    Parameters
    ----------
    names : str
        Such as ``--epochs`` and ``-e``; by default that of the parameter.
    text : str
        The help.
    default : str
        What holds when it is not given, in words: it may depend on the data.
    metavar, panel : str, optional
        What stands for its value in the help, and the heading it stands under.
    table : str
        The library's table whose names the shell completes.
    """
    complete = _among(table) if table else None
    told = _told(text, default)
    return Option(*names, help=told, show_default=False, metavar=metavar, rich_help_panel=panel, autocompletion=complete)


def transpose_option(text: str, default: str, panel: str | None = None) -> Any:
    """Declare the option that says how a folder's images are stored."""
    return option("--transpose/--no-transpose", text=text, default=default, metavar="", panel=panel)


def data_argument(text: str, default: str) -> Any:
    """Declare the argument that names the data."""
    return Argument(metavar="DATA", help=_told(text, default), show_default=False, autocompletion=_data_names)


def _told(text: str, default: str) -> str:
    """Put a default into a help text.

    Examples
    --------
    >>> _told("Times through the data.", "30")
    'Times through the data (default: 30).'
    """
    return f"{text.rstrip('.')} (default: {default})." if default else text


def _data_names(incomplete: str) -> list[str]:
    """Offer the data that has a name; the shell itself offers files where none fits."""
    return [name for name in NAMES if name.startswith(incomplete)]


def _among(table: str) -> Callable[[str], list[str]]:
    """Make a completer of the names in one of the library's tables, which is loaded when it is first asked."""

    def names(incomplete: str) -> list[str]:
        return [name for name in _names_of(table) if name.startswith(incomplete)]

    return names


def _names_of(table: str) -> list[str]:
    from ..calculus import activations, costs, initializers, optimizers
    from ..engines import ENGINES
    from ..schedules import SCHEDULES

    return {
        "activations": [*activations.ACTIVATIONS],
        "costs": [*costs.COSTS],
        "starts": [*initializers.INITIALIZERS],
        "optimizers": [*optimizers.OPTIMIZERS],
        "schedules": [*SCHEDULES],
        "engines": ["auto", *ENGINES],
    }[table]
