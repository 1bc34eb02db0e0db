"""Declarations that several commands share: panels of the help, kinds of options, and their checks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click
from click.shell_completion import CompletionItem

from .settings import BUILT_IN_DATA

Number = TypeVar("Number", int, float)
Function = TypeVar("Function", bound=Callable[..., Any])

NETWORK_PANEL = "The network"
TRAINING_PANEL = "The training"
CHECKPOINT_PANEL = "Checkpoints"
PROGRAM_PANEL = "The program"

arguments_panel = click.option_panel("Arguments", column_types=["required", "opt_long", "help"])
"""Lists a command's arguments first in its help, without their types."""


class NonemptyPath(click.Path):
    """The type of an argument that is a path; an empty one is refused, because ``Path("")`` is the working folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Convert the text to a Path."""
        if value == "":
            self.fail("the path is empty; name a file", param, ctx)
        return super().convert(value, param, ctx)


PATH = NonemptyPath(path_type=Path)


def with_default(text: str, default: str) -> str:
    """Append a default to a help text.

    Examples
    --------
    >>> with_default("Times through the data.", "30")
    'Times through the data (default: 30).'
    """
    return f"{text.rstrip('.')} (default: {default})." if default else text


def option(*names: str, text: str, default: str = "", **settings: Any) -> Callable[[Function], Function]:
    """Declare an option that takes a value.

    Parameters
    ----------
    names : str
        Such as ``--epochs`` and ``-e``.
    text : str
        The help.
    default : str
        The default in words, for the help: it may depend on the data.
    settings
        More of ``click.option``.
    """
    return click.option(*names, help=with_default(text, default), **settings)


def flag(*names: str, text: str, **settings: Any) -> Callable[[Function], Function]:
    """Declare an option that takes no value."""
    return click.option(*names, is_flag=True, help=text, **settings)


def action_option(
    name: str, action: Callable[[click.Context, click.Parameter, bool], None], text: str
) -> Callable[[Function], Function]:
    """Declare an option of the program that takes an action and exits."""
    return click.option(name, is_flag=True, is_eager=True, expose_value=False, callback=action, help=text)


def integer_option(*names: str, text: str, default: int | str, **settings: Any) -> Callable[[Function], Function]:
    """Declare an option that takes a whole number; without it the command receives an int default, or None for one in words."""
    if isinstance(default, int):
        settings["default"] = str(default)
    return click.option(*names, type=str, callback=_to_integer, help=with_default(text, str(default)), **settings)


def float_option(*names: str, text: str, default: str = "", **settings: Any) -> Callable[[Function], Function]:
    """Declare an option that takes a number; without it the command receives None."""
    return option(*names, text=text, default=default, type=str, callback=_to_float, **settings)


def _to_integer(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    return _parse(int, "a whole number", context, parameter, value)


def _to_float(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    return _parse(float, "a number", context, parameter, value)


def _parse(
    convert: Callable[[str], Number], kind: str, context: click.Context, parameter: click.Parameter, value: str | None
) -> Number | None:
    if value is None:
        return None
    try:
        return convert(value)
    except ValueError:
        name = max(parameter.opts, key=len)
        raise click.UsageError(f"{name} takes {kind}; it is {value!r}", context) from None


class RegistryOption(click.RichOption):
    """An option whose help lists the names in one of the library's registries, such as ``COSTS``, in place of ``{names}``.

    It reads the registry when the help is shown, because a registry imports NumPy, which would make ``chainrule --help`` slow.
    """

    def __init__(self, *arguments: Any, registry: Callable[[], list[str]], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.registry = registry

    @property
    def help(self) -> str | None:
        """The help text, with the names in the registry."""
        return self._template and self._template.replace("{names}", ", ".join(self.registry()))

    @help.setter  # noqa: A003
    def help(self, template: str | None) -> None:
        self._template = template


def registry_option(
    *names: str, text: str, default: str, registry: Callable[[], list[str]], **settings: Any
) -> Callable[[Function], Function]:
    """Declare an option whose value is a name in ``registry``, which the shell completes; in the text ``{names}`` lists them."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        return [name for name in registry() if name.startswith(incomplete)]

    return option(*names, text=text, default=default, cls=RegistryOption, registry=registry, shell_complete=complete, **settings)


def transpose_option(text: str, **settings: Any) -> Callable[[Function], Function]:
    """Declare the option that says how a folder's images are stored."""
    return click.option(
        "--transpose/--no-transpose", default=None, help=with_default(text, "inferred from the files' names"), **settings
    )


def json_option(text: str = "Print one JSON object instead.", **settings: Any) -> Callable[[Function], Function]:
    """Declare the option that prints JSON."""
    return flag("--json", "as_json", text=text, **settings)


def target_option(text: str, default: str, **settings: Any) -> Callable[[Function], Function]:
    """Declare the option that names a table's target column."""
    return option("--target", "-t", metavar="COLUMN", text=text, default=default, type=str, **settings)


def data_option(text: str, default: str) -> Callable[[Function], Function]:
    """Declare the option that names the data."""
    return option("--data", "-d", metavar="DATA", text=text, default=default, type=str, shell_complete=_complete_data)


def data_argument(text: str, default: str) -> Callable[[Function], Function]:
    """Declare the argument that names the data."""
    return click.argument("data", required=False, type=str, help=with_default(text, default), shell_complete=_complete_data)


def model_argument(default: str = "") -> Callable[[Function], Function]:
    """Declare the argument that is the path of a model; without a default it is required."""
    text = with_default("A model saved by train.", default)
    return click.argument("model", required=not default, type=PATH, help=text)


def path_option(*names: str, text: str, default: str = "", **settings: Any) -> Callable[[Function], Function]:
    """Declare an option that takes the path of a file."""
    return option(*names, metavar="FILE", text=text, default=default, type=PATH, **settings)


def folder_option(*names: str, text: str, **settings: Any) -> Callable[[Function], Function]:
    """Declare an option that takes the path of a folder."""
    return option(*names, metavar="FOLDER", text=text, type=PATH, **settings)


def plot_option(text: str, **settings: Any) -> Callable[[Function], Function]:
    """Declare the option that takes the path of a picture."""
    return path_option("--plot", text=text, **settings)


def files_argument(text: str) -> Callable[[Function], Function]:
    """Declare the argument that takes the paths of one or more files."""
    return click.argument("file", metavar="FILE...", nargs=-1, required=True, type=PATH, help=text)


def _complete_data(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Offer the data sets that have a name; where none fits, the shell completes files."""
    names = [name for name in BUILT_IN_DATA if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]
