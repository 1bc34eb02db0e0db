"""``chainrule info``: what a model is, and how it was trained."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument

from .._format import counted
from .data import said_of
from .options import flag
from .telling import say, say_json

if TYPE_CHECKING:
    from ..network import Network
    from ..plan import Provenance


def info(
    model: Annotated[Path, Argument(metavar="MODEL", help="A model that train has saved.", show_default=False)],
    as_json: Annotated[bool, flag("--json", text="Print one JSON object instead.")] = False,
) -> None:
    """Tell a model's sizes, parameters, and how it was trained."""
    from ..network import load

    network = load(model)
    if as_json:
        say_json({"model": str(model), "bytes": model.stat().st_size, **facts(network)})
        return
    say(f"{model}: {counted(model.stat().st_size, 'byte')}")
    for name, told in lines(network):
        say(f"  {name:<14}{told}")


def facts(network: Network) -> dict[str, Any]:
    """Give what a network is, as JSON's types."""
    return {
        "sizes": network.sizes,
        "parameters": network.parameters,
        "activations": [sigma.name for sigma in network.plan.sigmas],
        "cost": network.plan.cost_function.name,
        "init": network.init,
        "seed": network.seed,
        "dtype": network.plan.dtype,
        "inputs": None if network.inputs is None else asdict(network.inputs),
        "trained": None if network.provenance is None else asdict(network.provenance),
    }


def lines(network: Network) -> list[tuple[str, str]]:
    """Tell the same to people."""
    told = facts(network)
    initializer = f"{network.init}, seed {network.seed}"
    if network.init is None:
        initializer = (network.provenance.initializer if network.provenance else "") or "unknown"
    said = [
        ("sizes", " x ".join(map(str, network.sizes))),
        ("parameters", f"{network.parameters:,} ({network.plan.dtype})"),
        ("activations", " > ".join(told["activations"])),
        ("cost", told["cost"]),
        ("initializer", initializer),
    ]
    said += [("learnt", said_of(network.inputs))] if network.inputs else []
    return [*said, *(training_lines(network.provenance) if network.provenance else [("trained", "not yet")])]


def training_lines(provenance: Provenance) -> list[tuple[str, str]]:
    """Tell how a network was trained; a setting that a file leaves out is left out here."""
    plan = provenance.plan
    optimizer = plan.get("optimizer")
    rate = "none" if provenance.learning_rate is None else f"{provenance.learning_rate:g}, {provenance.schedule}"
    examples = counted(provenance.examples, "example")
    if not provenance.data and provenance.n_in:
        examples += f" of {counted(provenance.n_in, 'pixel' if provenance.kind == 'pixels' else 'number')}"
    said = [
        ("trained on", f"{provenance.data}, {examples}" if provenance.data else examples),
        ("trained for", _done(provenance)),
        ("learning rate", rate),
        ("batches of", str(plan.get("batch_size", "?"))),
        ("optimizer", _optimizer(optimizer) if isinstance(optimizer, dict) else "?"),
    ]
    said += [(name, str(plan[name])) for name in ("l1", "l2", "clip") if plan.get(name)]
    layers = plan.get("layers")
    dropout = [layer.get("dropout") for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    said += [("dropout", ", ".join(map(str, dropout[:-1])))] if any(dropout) else []
    return [*said, ("engine", provenance.engine)]


def _done(provenance: Provenance) -> str:
    """Say how far a training went; where it stopped early the parameters are those of its best epoch, which the steps tell."""
    epochs, steps = counted(provenance.epochs, "epoch"), counted(provenance.steps, "step")
    if provenance.earlier_epochs:
        epochs += f" ({provenance.earlier_epochs:,} of them in earlier trainings)"
    size = provenance.plan.get("batch_size")
    a_epoch = -(-provenance.examples // size) if isinstance(size, int) and size > 0 else 0
    last_epochs, last_steps = provenance.epochs - provenance.earlier_epochs, provenance.steps - provenance.earlier_steps
    best, rest = divmod(last_steps, a_epoch) if a_epoch else (0, 1)
    if provenance.stopped != "early" and (provenance.stopped != "finished" or rest or best == last_epochs):
        return f"{epochs}, {steps}: {provenance.stopped or 'still going on'}"
    if rest or not 0 < best <= last_epochs:
        return f"{epochs}, stopped early; parameters after {steps}"
    ended = "stopped early" if provenance.stopped == "early" else provenance.stopped
    return f"{epochs}, {ended}; parameters of the best, epoch {best}, after {steps}"


def _optimizer(settings: dict[str, Any]) -> str:
    """Write an optimizer with its settings.

    Examples
    --------
    >>> _optimizer({"name": "sgd", "momentum": 0.9, "nesterov": False})
    'sgd, momentum 0.9'
    """
    rest = [f"{name} {value}" if value is not True else name for name, value in settings.items() if name != "name" and value]
    return ", ".join([str(settings.get("name", "?")), *rest])
