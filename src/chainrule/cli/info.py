"""``chainrule info``: a model's sizes, and how it was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from .._format import pluralize
from .describe import describe_inputs
from .distort_option import describe_distortion
from .options import PATH, arguments_panel, json_option
from .output import print_json, print_line

if TYPE_CHECKING:
    from ..calculus.costs import Cost
    from ..network import Network
    from ..plan import Provenance
    from ..table_model import TableModel
    from ..tables.target import Target

MAX_CLASSES = 8


@click.command("info")
@arguments_panel
@click.argument("model", type=PATH, help="A model saved by train, or the folder of train --checkpoint.")
@json_option()
def info(model: Path, as_json: bool) -> None:
    """Print a model's sizes, parameters, and how it was trained; or how far a training with checkpoints is."""
    if model.is_dir():
        _print_run(model, as_json)
        return
    from ..loading import load_model
    from ..network import Network

    loaded = load_model(model)
    size = model.stat().st_size
    if not isinstance(loaded, Network):
        _print_table_model(model, size, loaded, as_json)
        return
    if as_json:
        print_json({"model": str(model), "bytes": size, **model_as_json(loaded)})
        return
    _print_labelled(model, size, describe_model(loaded))


def _print_run(folder: Path, as_json: bool) -> None:
    """Print how far a training is; of several networks, a table."""
    from ..checkpoints.run_folder import RunFolder
    from ..checkpoints.run_status import read_runs, read_status
    from .run_groups import RunGroup
    from .run_report import describe_run, group_as_json, print_runs

    several = [] if RunFolder(folder).checkpoints() else read_runs(folder)[0]
    runs = several or [read_status(folder)]
    groups = [RunGroup(run.path, [run]) for run in runs]
    if as_json:
        for group in groups:
            print_json(group_as_json(group))
    elif several:
        print_runs(groups, folder)
    else:
        print_line(f"{folder}: a training with checkpoints")
        for label, text in describe_run(runs[0]):
            print_line(f"  {label:<14}{text}")


def _print_labelled(path: Path, size: int, lines: Sequence[tuple[str, str]]) -> None:
    print_line(f"{path}: {pluralize(size, 'byte')}")
    for label, text in lines:
        print_line(f"  {label:<14}{text}")


def _print_table_model(path: Path, size: int, model: TableModel, as_json: bool) -> None:
    """Print a table's model: its target, its networks, its training, and its columns."""
    from .column_report import describe_columns, print_columns

    columns = describe_columns(model.preprocessing)
    if as_json:
        print_json({"model": str(path), "bytes": size, **table_model_as_json(model), "columns": columns})
        return
    _print_labelled(path, size, describe_table_model(model))
    print_columns("columns:", columns)


def table_model_as_json(model: TableModel) -> dict[str, Any]:
    """Give the entries of a JSON object that describes a table's model, without its columns."""
    return {
        "target": model.target.to_json(),
        "sizes": model.networks[0].sizes,
        "networks": len(model.networks),
        "parameters": sum(network.parameters for network in model.networks),
        "trained": asdict(model.training),
    }


def describe_table_model(model: TableModel) -> list[tuple[str, str]]:
    """Describe a table's model in labelled lines, without its columns."""
    training, network = model.training, model.networks[0]
    settings = training.settings
    lines = [
        ("target", _describe_target(model.target)),
        ("networks", f"{len(model.networks)}, averaged; {sum(each.parameters for each in model.networks):,} parameters"),
        ("sizes", " x ".join(map(str, network.sizes))),
        ("activations", " > ".join(sigma.name for sigma in network.plan.sigmas)),
        ("cost", _describe_cost(network.plan.cost_function)),
        ("trained on", f"{training.data}, {pluralize(training.rows, 'row')}" if training.data else pluralize(training.rows, "row")),
        ("best epochs", f"{', '.join(map(str, training.epochs))} of {settings.get('epochs', '?')}: {training.stopped}"),
        ("metric", str(settings.get("metric", "?"))),
    ]
    return lines if training.seed is None else [*lines, ("seed", str(training.seed))]


def _describe_target(target: Target) -> str:
    """Write a target with its classes, or with its range."""
    from ..tables.target import ClassTarget

    if not isinstance(target, ClassTarget):
        return f"{target.name}: values from {target.low:g} to {target.high:g}"
    shown = ", ".join(target.classes[:MAX_CLASSES]) + ", ..." * (len(target.classes) > MAX_CLASSES)
    return f"{target.name}: {len(target.classes)} classes, {shown}"


def model_as_json(network: Network) -> dict[str, Any]:
    """Give the entries of a JSON object that describes a network."""
    return {
        "sizes": network.sizes,
        "parameters": network.parameters,
        "activations": [sigma.name for sigma in network.plan.sigmas],
        "cost": network.plan.cost_function.name,
        "cost_settings": network.plan.cost_function.settings,
        "init": network.init,
        "seed": network.seed,
        "dtype": network.plan.dtype,
        "inputs": None if network.inputs is None else asdict(network.inputs),
        "trained": None if network.provenance is None else asdict(network.provenance),
    }


def describe_model(network: Network) -> list[tuple[str, str]]:
    """Describe a network in labelled lines."""
    initializer = f"{network.init}, seed {network.seed}"
    if network.init is None:
        initializer = (network.provenance.initializer if network.provenance else "") or "unknown"
    lines = [
        ("sizes", " x ".join(map(str, network.sizes))),
        ("parameters", f"{network.parameters:,} ({network.plan.dtype})"),
        ("activations", " > ".join(sigma.name for sigma in network.plan.sigmas)),
        ("cost", _describe_cost(network.plan.cost_function)),
        ("initializer", initializer),
    ]
    if network.inputs:
        lines.append(("inputs", describe_inputs(network.inputs)))
    return [*lines, *(describe_training(network.provenance) if network.provenance else [("trained", "not yet")])]


def describe_training(provenance: Provenance) -> list[tuple[str, str]]:
    """Describe how a network was trained; a setting that its file lacks is left out, or is a question mark."""
    plan = provenance.plan
    optimizer = plan.get("optimizer")
    rate = "none" if provenance.learning_rate is None else f"{provenance.learning_rate:g}, {provenance.schedule}"
    examples = pluralize(provenance.examples, "example")
    if not provenance.data and provenance.n_in:
        examples += f" of {pluralize(provenance.n_in, 'pixel' if provenance.kind == 'pixels' else 'number')}"
    lines = [
        ("trained on", f"{provenance.data}, {examples}" if provenance.data else examples),
        ("trained for", _describe_length(provenance)),
        ("learning rate", rate),
        ("batches of", str(plan.get("batch_size", "?"))),
        ("optimizer", _describe_optimizer(optimizer) if isinstance(optimizer, dict) else "?"),
    ]
    lines += [(name, str(plan[name])) for name in ("l1", "l2", "clip") if plan.get(name)]
    layers = plan.get("layers")
    dropout = [layer.get("dropout") for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    if any(dropout):
        lines.append(("dropout", ", ".join(map(str, dropout[:-1]))))
    if provenance.distort:
        lines.append(("distorted", describe_distortion(provenance.distort)))
    return [*lines, ("engine", provenance.engine)]


def _describe_length(provenance: Provenance) -> str:
    """Say how far a training went. After early stopping the steps tell the best epoch, whose parameters were kept."""
    epochs, steps = pluralize(provenance.epochs, "epoch"), pluralize(provenance.steps, "step")
    if provenance.earlier_epochs:
        epochs += f" ({provenance.earlier_epochs:,} of them in earlier trainings)"
    batch_size = provenance.plan.get("batch_size")
    steps_per_epoch = -(-provenance.examples // batch_size) if isinstance(batch_size, int) and batch_size > 0 else 0
    last_epochs = provenance.epochs - provenance.earlier_epochs
    last_steps = provenance.steps - provenance.earlier_steps
    best, remainder = divmod(last_steps, steps_per_epoch) if steps_per_epoch else (0, 1)
    if provenance.stopped != "early" and (provenance.stopped != "finished" or remainder or best == last_epochs):
        return f"{epochs}, {steps}: {provenance.stopped or 'still going on'}"
    if remainder or not 0 < best <= last_epochs:
        return f"{epochs}, stopped early; parameters after {steps}"
    end = "stopped early" if provenance.stopped == "early" else provenance.stopped
    return f"{epochs}, {end}; parameters of the best, epoch {best}, after {steps}"


def _describe_cost(cost: Cost) -> str:
    """Write a cost with its settings."""
    settings = ", ".join(f"{name} {value:g}" for name, value in cost.settings.items())
    return f"{cost.name} ({settings})" if settings else cost.name


def _describe_optimizer(settings: dict[str, Any]) -> str:
    """Write an optimizer with its settings.

    Examples
    --------
    >>> _describe_optimizer({"name": "sgd", "momentum": 0.9, "nesterov": False})
    'sgd, momentum 0.9'
    """
    shown = [f"{name} {value}" if value is not True else name for name, value in settings.items() if name != "name" and value]
    return ", ".join([str(settings.get("name", "?")), *shown])
