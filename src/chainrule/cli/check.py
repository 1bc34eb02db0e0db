"""``chainrule check``: backpropagation beside what nudges of the parameters do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from typer import Argument, Exit

from .._checks import check_int, check_seed
from .evaluate import check_width, find_judged
from .options import flag, option, transpose_option
from .telling import say, say_json

if TYPE_CHECKING:
    from ..examples import Examples
    from ..network import Network

WRONG = 1


def check(
    model: Annotated[
        Path | None,
        Argument(
            metavar="MODEL", help="A model that train has saved (default: the notes' network, untrained).", show_default=False
        ),
    ] = None,
    data: Annotated[
        str | None,
        option("--data", "-d", metavar="DATA", text="Data to take examples of, as evaluate takes them.", default="drawn at random"),
    ] = None,
    transpose: Annotated[
        bool | None,
        transpose_option("Whether the images of another folder lie on their side.", "told by the files' names"),
    ] = None,
    examples: Annotated[int, option("--examples", "-n", metavar="N", text="How many.", default="10")] = 10,
    seed: Annotated[int, option("--seed", "-s", metavar="SEED", text="Of what is drawn at random.", default="0")] = 0,
    as_json: Annotated[bool, flag("--json", text="Print one JSON object instead.")] = False,
) -> None:
    """Compare a model's backpropagation with central differences.

    Weights and biases are nudged up and down, of a small network all, of a
    large one some and random directions; what the cost does is what the
    gradient should say. Exit status 1 if it does not.
    """
    check_int("--examples", examples, least=1, most=200)
    check_seed("seed", seed)
    from ..explaining.gradient_check import check_gradient
    from ..network import Network, load

    network = Network([784, 30, 10], seed=seed) if model is None else load(model)
    result = check_gradient(network, _examples(network, data, examples, seed, transpose), seed=seed)
    if as_json:
        findings = [{"equation": f.equation, "where": f.where, "gives": f.gives, "should": f.should} for f in result.findings]
        told: dict[str, Any] = {"ok": result.ok, "compared": result.compared, "skipped": result.skipped, "worst": result.worst}
        say_json({**told, "tolerance": result.tolerance, "findings": findings})
    else:
        for line in str(result).splitlines():
            say(line)
    if not result.ok:
        raise Exit(WRONG)


def _examples(network: Network, data: str | None, count: int, seed: int, transposed: bool | None) -> Examples:
    """Take the first of some data, or draw inputs and targets that suit the network."""
    from ..examples import Examples

    if data is not None:
        judged = find_judged(network, data, None, transposed)
        check_width(network, judged, data)
        return judged.examples[:count]
    rng, (n_in, n_out) = np.random.default_rng(seed), (network.sizes[0], network.sizes[-1])
    x = rng.standard_normal((count, n_in)) / np.sqrt(n_in)  # weighted inputs of about 1
    if network.inputs is not None and np.isfinite(network.inputs.limits).all():
        x = np.abs(x) / np.abs(x).max()  # a network that learnt images takes values from 0 to 1
    y = rng.random((count, n_out)) if n_out == 1 or not network.plan.cost_function.distribution else rng.integers(n_out, size=count)
    return Examples(x, y)
