"""The report of runs: how far each is, read from its folder while it trains or after it was killed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._format import percent, pluralize
from .._stdout import tolerate_closed_stdout
from ..progress import format_duration
from .output import as_one_line

if TYPE_CHECKING:
    from pathlib import Path

    from ..checkpoints.run_status import RunStatus
    from ..history import EpochRecord

SCORE_COLUMNS = 5
"""The columns before the settings in a table of runs."""

SETTINGS = ("sizes", "optimizer", "learning_rate", "batch_size", "l2", "alpha", "dropout", "seed")
"""The settings of a table of runs, in this order; one that is the same in all runs is left out."""


def settings_of(run: RunStatus) -> dict[str, Any]:
    """Give the settings of a run that a table shows; one that its checkpoint does not hold as expected is None.

    An estimator's checkpoint has its hyperparameters: the rate is ``learning_rate_init``, the seed ``random_state``.
    """
    settings = run.header.settings
    plan = settings.get("plan")
    plan = plan if isinstance(plan, dict) else {}
    layers = plan.get("layers")
    layers = [layer for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    optimizer, seed = plan.get("optimizer"), settings.get("random_state", plan.get("seed"))
    return {
        "sizes": [layer.get("n_in") for layer in layers[:1]] + [layer.get("n_out") for layer in layers],
        "optimizer": optimizer.get("name") if isinstance(optimizer, dict) else None,
        "learning_rate": settings.get("learning_rate_init", settings.get("learning_rate")),
        "batch_size": plan.get("batch_size"),
        "l2": plan.get("l2"),
        "alpha": settings.get("alpha"),
        "dropout": layers[0].get("dropout") if layers else None,
        "seed": seed if isinstance(seed, int) else None,
    }


def run_as_json(run: RunStatus) -> dict[str, Any]:
    """Give the entries of a JSON object that describes a run."""
    best, last = run.best, run.records[-1] if run.records else None
    return {
        "run": str(run.path),
        "state": run.state,
        "epoch": len(run.records),
        "epochs": run.header.settings["epochs"],
        "steps": run.header.step,
        "checkpoint_age": run.age,
        "cost": None if last is None else last.cost,
        "accuracy": None if last is None else last.accuracy,
        "best_epoch": None if best is None else best.epoch,
        "validation_accuracy": None if best is None else best.validation_accuracy,
        "validation_cost": None if best is None else best.validation_cost,
        **settings_of(run),
    }


def describe_run(run: RunStatus) -> list[tuple[str, str]]:
    """Describe a run in labelled lines."""
    header, best = run.header, run.best
    epochs = pluralize(header.settings["epochs"], "epoch")
    within = f", and {pluralize(header.rows, 'example')} of epoch {header.epoch}" if header.rows else ""
    lines = [
        ("state", run.state),
        ("trained for", f"{len(run.records):,} of {epochs}"),
        (
            "checkpoint",
            f"after {pluralize(header.step, 'step')}: epoch {header.epoch - 1:,}{within}; {format_duration(run.age)} ago",
        ),
    ]
    if run.records:
        lines.append(("last epoch", _describe_record(run.records[-1])))
    if best is not None and best.is_validated:
        lines.append(("best epoch", f"{best.epoch}: {format_validation(best)}"))
    shown = {name: format_setting(value) for name, value in settings_of(run).items() if value not in (None, 0, 0.0)}
    lines.append(("settings", ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in shown.items())))
    return lines


def _describe_record(record: EpochRecord) -> str:
    parts = [f"cost {record.cost:.4g}"]
    if record.accuracy is not None:
        parts.append(f"accuracy {percent(record.accuracy)}")
    if record.is_validated:
        parts.append(f"validation {format_validation(record)}")
    return ", ".join(parts)


def format_validation(record: EpochRecord | None) -> str:
    """Write an epoch's validation accuracy, R2 where y holds values, or validation cost; nothing without validation."""
    if record is None or not record.is_validated:
        return ""
    score = record.validation_accuracy
    if score is None:
        return f"{record.validation_cost:.4g}"
    return percent(score) if record.accuracy is not None else f"{score:.4g}"


def format_setting(value: Any) -> str:
    """Write a setting of a run.

    Examples
    --------
    >>> format_setting([784, 30, 10]), format_setting(0.001), format_setting(None)
    ('784-30-10', '0.001', '')
    """
    if value is None:
        return ""
    return "-".join(map(str, value)) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)


def print_runs(runs: Sequence[RunStatus], folder: Path) -> None:
    """Print a table of runs, with the settings that are not the same in all of them, as many as fit beside the scores."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    rows = [_cells(run, folder) for run in runs]
    shown = [name for name in rows[0] if name not in SETTINGS or len(runs) == 1 or len({row[name] for row in rows}) > 1]
    while len(shown) > SCORE_COLUMNS and _width(shown, rows) > console.width:
        shown.pop()
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in shown:
        table.add_column(
            name.replace("_", " "), justify="left" if name in ("run", "state") else "right", no_wrap=name != "run", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(row[name]) for name in shown))
    with tolerate_closed_stdout():
        console.print(table)


def _cells(run: RunStatus, folder: Path) -> dict[str, str]:
    """Give the texts of a run's line in a table, by their columns: the scores, then the settings."""
    best = run.best
    validation = format_validation(best)
    cells = {
        "run": str(run.path.relative_to(folder)) if run.path != folder else str(run.path),
        "state": run.state,
        "epoch": f"{len(run.records):,}/{run.header.settings['epochs']:,}",
        "cost": f"{run.records[-1].cost:.4g}" if run.records else "",
        "best validation": f"{validation} ({best.epoch})" if best is not None and validation else "",
    }
    settings = {name: format_setting(value) for name, value in settings_of(run).items()}
    return {name: as_one_line(text) for name, text in {**cells, **settings}.items()}


def _width(names: Sequence[str], rows: Sequence[dict[str, str]]) -> int:
    """Give the width of a table with these columns, between edges of one space, and two spaces between two columns."""
    return sum(max(len(name), *(len(row[name]) for row in rows)) + 2 for name in names)


def sort_key(by: str, run: RunStatus) -> tuple[bool, Any]:
    """Give the key by which runs are sorted: the best first, runs without the value last."""
    best = run.best
    settings = settings_of(run)
    values: dict[str, Any] = {
        "name": str(run.path),
        "state": run.state,
        "epoch": -len(run.records),
        "cost": run.records[-1].cost if run.records else None,
        "validation": _validation_key(best),
        **{name: settings[name] for name in SETTINGS},
    }
    value = values[by]
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return missing, (str(value) if isinstance(value, (list, str)) else 0 if missing else value)


def _validation_key(best: EpochRecord | None) -> float | None:
    if best is None or not best.is_validated:
        return None
    return best.validation_cost if best.validation_accuracy is None else -best.validation_accuracy
