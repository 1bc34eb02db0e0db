"""``chainrule explain``: the derivation with a model's own numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from .._stdout import tolerate_closed_stdout
from ..errors import SettingError
from .options import arguments_panel, data_option, integer_option, model_argument, path_option, target_option, transpose_option
from .output import print_line
from .reading_options import collect_reading_options, reading_options, refuse_reading_options

if TYPE_CHECKING:
    from ..examples import Examples
    from ..network import Network
    from ..table_model import TableModel


@click.command("explain")
@arguments_panel
@model_argument(default="the notes' network after one epoch")
@integer_option("--image", "-n", metavar="N", text="The test image to explain, from 0, as evaluate numbers them.", default="0")
@data_option("Other data, as evaluate takes them.", default="the data of its training")
@integer_option(
    "--row",
    "-r",
    metavar="N",
    text="The row of a table to explain, from 0, as evaluate numbers them.",
    default="the first test row",
)
@target_option("A table's target column.", default="as in training")
@integer_option("--layer", "-l", metavar="L", text="The layer of the weight worked out by hand, from 1.", default="all")
@integer_option("--unit", "-u", metavar="J", text="Its unit, from 0.", default="of the largest gradient")
@integer_option("--input", "-i", metavar="K", text="Its input, from 0.", default="of the largest gradient")
@transpose_option("Whether the images of another folder lie on their side.")
@path_option("--html", text="Write a page instead, with all pictures.")
@reading_options
def explain(
    model: Path | None,
    image: int | None,
    data: str | None,
    row: int | None,
    target: str | None,
    layer: int | None,
    unit: int | None,
    input: int | None,  # noqa: A002  # the notes' word
    transpose: bool | None,
    html: Path | None,
    **options: Any,
) -> None:
    """Print the derivation step by step, with the numbers of one example.

    Forward through the layers, the cost, and back to every weight: each equation of the notes with this network's shapes and
    numbers, one weight's gradient multiplied out by hand, and beside it the change of the cost when that weight is nudged.

    For a model of a table: the answer for one row, and what each column adds to it.
    """
    if image is not None and row is not None:
        raise SettingError("--image and --row name the same thing, the example to explain; give one of them")
    from ..network import Network

    if html is not None:
        from .replaceable_file import check_page_replaceable

        check_page_replaceable(html)
    reading = collect_reading_options(options)
    network = _train_notes_network() if model is None else _load(model)
    if not isinstance(network, Network):
        _refuse_for_table_models({"--image": image, "--layer": layer, "--unit": unit, "--input": input, "--html": html})
        from .row_explanation import print_row_explanation

        print_row_explanation(network, data, target, row, reading)
        return
    if model is not None:
        refuse_reading_options(reading, model)
    named = data if data is not None or model is not None else "mnist"
    example = _find_example(network, named, target, image if row is None else row, transpose)
    from ..explaining.explain_model import explain as make_explanation

    explanation = make_explanation(network, example, layer=layer, unit=unit, input=input)
    if html is not None:
        explanation.save(html)
        print_line(f"written to {html}: open it in a browser")
        return
    from rich.console import Console

    from ..explaining.terminal_renderer import print_to_console

    with tolerate_closed_stdout():
        print_to_console(explanation, Console(), page_hint="the page that --html writes")


def _load(model: Path) -> Network | TableModel:
    from ..loading import load_model

    return load_model(model)


def _refuse_for_table_models(options: dict[str, object]) -> None:
    """Refuse options that choose a part of the derivation, which is of one network."""
    given = next((name for name, value in options.items() if value is not None), None)
    if given is not None:
        raise SettingError(
            f"{given} is for one network; of a table's model explain shows what each column adds to an answer: --row N"
        )


def _train_notes_network() -> Network:
    """Train the notes' 784 x 30 x 10 for one epoch, with the notes' settings."""
    from ..datasets import mnist
    from ..network import Network
    from ..training import train
    from .settings import MNIST_DEFAULTS

    network = Network([784, *MNIST_DEFAULTS.hidden, 10], seed=0)
    train(network, mnist().train, epochs=1, batch_size=MNIST_DEFAULTS.batch_size, learning_rate=MNIST_DEFAULTS.learning_rate)
    return network


def _find_example(network: Network, data: str | None, target: str | None, number: int | None, transposed: bool | None) -> Examples:
    """Find the example to explain, as a batch of one."""
    from .evaluation_data import find_evaluation_data, find_example

    found = find_evaluation_data(network, data, target, transposed, test_only=number is None)
    k = 0 if number is None else find_example(found.rows, number, found.name)
    return found.examples[[k]]
