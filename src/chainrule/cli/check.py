"""``chainrule check``: backpropagation compared with central differences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from .._checks import check_int, check_seed
from .._format import pluralize
from ..errors import SettingError
from .exit_codes import FAILURE
from .options import arguments_panel, data_option, integer_option, json_option, model_argument, transpose_option
from .output import print_json, print_line, print_message

if TYPE_CHECKING:
    from ..examples import Examples
    from ..network import Network

MAX_EXAMPLES = 200


@click.command("check")
@arguments_panel
@model_argument(default="the notes' network, untrained")
@data_option("Data to take examples from, as evaluate takes them.", default="random examples")
@transpose_option("Whether the images of another folder lie on their side.")
@integer_option("--examples", "-n", metavar="N", text="How many examples.", default=10)
@integer_option("--seed", "-s", metavar="N", text="Seed of the random examples and directions.", default=0)
@json_option()
def check(model: Path | None, data: str | None, transpose: bool | None, examples: int, seed: int, as_json: bool) -> int:
    """Compare a model's backpropagation with central differences.

    Weights and biases are nudged up and down: all of a small network, some of a large one and random directions as well. The change
    of the cost should be that of the gradient. Exit status 1 if it is not.
    """
    check_int("--examples", examples, least=1, most=MAX_EXAMPLES)
    check_seed("seed", seed)
    from ..explaining.gradient_check import check_gradient
    from ..network import Network

    network = Network([784, 30, 10], seed=seed) if model is None else _load_network(model, data)
    result = check_gradient(network, _choose_examples(network, data, examples, seed, transpose), seed=seed)
    if as_json:
        print_json(_as_json(result))
    else:
        for line in str(result).splitlines():
            print_line(line)
    return 0 if result.ok else FAILURE


def _load_network(model: Path, data: str | None) -> Network:
    """Load a network; of a table's model the first of its networks, which takes prepared columns."""
    from ..loading import load_model
    from ..network import Network

    loaded = load_model(model)
    if isinstance(loaded, Network):
        return loaded
    if data is not None:
        raise SettingError("--data is for a model of one network; a table's model is checked on random rows")
    count = len(loaded.networks)
    print_message(f"{model} holds {pluralize(count, 'network')}; {'the first' if count > 1 else 'it'} is checked, on random rows")
    return loaded.networks[0]


def _as_json(result: Any) -> dict[str, Any]:
    findings = [{"equation": f.equation, "where": f.where, "gives": f.gives, "should": f.should} for f in result.findings]
    counts = {"ok": result.ok, "compared": result.compared, "skipped": result.skipped}
    return {**counts, "worst": result.worst, "tolerance": result.tolerance, "findings": findings}


def _choose_examples(network: Network, data: str | None, count: int, seed: int, transposed: bool | None) -> Examples:
    """Take the first examples of the data, or draw random ones."""
    if data is None:
        return draw_examples(network, count, seed)
    from .evaluation_data import find_evaluation_data

    return find_evaluation_data(network, data, None, transposed).examples[:count]


def draw_examples(network: Network, count: int, seed: int) -> Examples:
    """Draw random inputs and targets that the network can take."""
    import numpy as np

    from ..examples import Examples

    rng, (n_in, n_out) = np.random.default_rng(seed), (network.sizes[0], network.sizes[-1])
    x = rng.standard_normal((count, n_in)) / np.sqrt(n_in)  # weighted inputs of about 1
    if network.inputs is not None and np.isfinite(network.inputs.limits).all():
        x = np.abs(x) / np.abs(x).max()  # a network of images takes values from 0 to 1
    as_targets = n_out == 1 or not network.plan.cost_function.distribution
    return Examples(x, rng.random((count, n_out)) if as_targets else rng.integers(n_out, size=count))
