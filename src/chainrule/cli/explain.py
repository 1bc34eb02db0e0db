"""``chainrule explain``: the derivation with a model's own numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument

from .._checks import check_int
from .._stdout import tolerate_closed_stdout
from ..errors import SettingError
from .evaluate import check_width, find_judged
from .options import option, transpose_option
from .telling import say

if TYPE_CHECKING:
    from ..examples import Examples
    from ..network import Network

RATE, BATCH_SIZE = 3.0, 10  # the notes' training


def explain(
    model: Annotated[
        Path | None,
        Argument(
            metavar="MODEL", help="A model that train has saved (default: the notes' network after one epoch).", show_default=False
        ),
    ] = None,
    image: Annotated[
        int | None, option("--image", "-n", metavar="N", text="The test image to explain, from 0.", default="0")
    ] = None,
    data: Annotated[
        str | None,
        option("--data", "-d", metavar="DATA", text="Other data: as evaluate takes them.", default="what it was trained on"),
    ] = None,
    row: Annotated[int | None, option("--row", "-r", metavar="N", text="The test row to explain, from 0.", default="0")] = None,
    target: Annotated[
        str | None, option("--target", "-t", metavar="COLUMN", text="A table's target column.", default="as in training")
    ] = None,
    layer: Annotated[
        int | None, option("--layer", "-l", metavar="L", text="The layer of the weight worked out, from 1.", default="all")
    ] = None,
    unit: Annotated[
        int | None, option("--unit", "-u", metavar="J", text="Its unit, from 0.", default="of the largest gradient")
    ] = None,
    input: Annotated[  # noqa: A002  # the notes' word
        int | None, option("--input", "-i", metavar="K", text="Its input, from 0.", default="of the largest gradient")
    ] = None,
    transpose: Annotated[
        bool | None,
        transpose_option("Whether the images of another folder lie on their side.", "told by the files' names"),
    ] = None,
    html: Annotated[Path | None, option("--html", metavar="FILE", text="Write a page, with all pictures, instead.")] = None,
) -> None:
    """Tell the derivation step by step, with the numbers of one example.

    Forward through the layers, the cost, and back to every weight: each
    equation of the notes with this network's shapes and numbers, one weight's
    gradient multiplied out by hand, and beside it what a nudge of that weight
    does to the cost.
    """
    if image is not None and row is not None:
        raise SettingError("--image and --row name the same thing, the example to explain; give one of them")
    network = _notes_network() if model is None else _loaded(model)
    named = data if data is not None or model is not None else "mnist"
    example = _example(network, named, target, image if row is None else row, transpose)
    from ..explaining.explain_model import explain as explanation_of

    explanation = explanation_of(network, example, layer=layer, unit=unit, input=input)
    if html is not None:
        explanation.save(html)
        say(f"written to {html}: open it in a browser")
        return
    from rich.console import Console

    from ..explaining.terminal_renderer import print_to_console

    with tolerate_closed_stdout():
        print_to_console(explanation, Console(), page_hint="the page that --html writes")


def _loaded(model: Path) -> Network:
    from ..network import load

    return load(model)


def _notes_network() -> Network:
    """Train 784 x 30 x 10 for one quick epoch."""
    from ..datasets import mnist
    from ..network import Network
    from ..training import train

    network = Network([784, 30, 10], seed=0)
    train(network, mnist().train, epochs=1, batch_size=BATCH_SIZE, learning_rate=RATE)
    return network


def _example(network: Network, data: str | None, target: str | None, number: int | None, transposed: bool | None) -> Examples:
    """Find the example to explain, alone in a batch."""
    judged = find_judged(network, data, target, transposed)
    check_width(network, judged, data)
    at = 0 if number is None else check_int("the number of the example", number, least=0)
    if at >= len(judged.examples):
        raise SettingError(f"there is no example {at}: {judged.name} are numbered from 0 to {len(judged.examples) - 1:,}")
    return judged.examples[[at]]
