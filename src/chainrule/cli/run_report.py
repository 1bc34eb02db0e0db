"""The report of runs: how far each is, read from its folder while it trains or after it was killed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._format import percent, pluralize
from .._stdout import tolerate_closed_stdout
from ..progress import format_duration
from .output import as_one_line
from .run_groups import SETTINGS, RunGroup, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from ..checkpoints.run_status import RunStatus
    from ..history import EpochRecord


def group_as_json(group: RunGroup) -> dict[str, Any]:
    """Give the entries of a JSON object that describes a run, or several that are one row: of these the means of the scores."""
    best, last = group.best, group.last
    return {
        "run": str(group.path),
        "networks": len(group.runs),
        "state": group.state,
        "epoch": min(group.epochs),
        "epochs": group.all_epochs,
        "steps": sum(run.header.step for run in group.runs),
        "checkpoint_epoch": min(run.header.epoch - 1 for run in group.runs),
        "checkpoint_age": max(run.age for run in group.runs),
        "cost": None if last is None else last.cost,
        "accuracy": None if last is None else last.accuracy,
        "best_epoch": None if best is None or len(group.runs) > 1 else best.epoch,
        "best_epochs": group.best_epochs,
        "validation_accuracy": None if best is None else best.validation_accuracy,
        "validation_cost": None if best is None else best.validation_cost,
        **group.settings,
    }


def describe_run(run: RunStatus) -> list[tuple[str, str]]:
    """Describe a run in labelled lines."""
    best, epochs = run.best, pluralize(run.header.settings["epochs"], "epoch")
    lines = [("state", run.state), ("trained for", f"{run.epoch:,} of {epochs}"), ("checkpoint", _describe_checkpoint(run))]
    if run.records:
        lines.append(("last epoch", _describe_record(run.records[-1])))
    if best is not None and best.is_validated:
        lines.append(("best epoch", f"{best.epoch}: {format_validation(best)}"))
    shown = {name: format_setting(value) for name, value in settings_of(run).items() if value not in (None, 0, 0.0)}
    lines.append(("settings", ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in shown.items())))
    return lines


def _describe_checkpoint(run: RunStatus) -> str:
    """Say where the last checkpoint is, and which epochs are trained once more from there."""
    header, whole = run.header, run.header.epoch - 1
    place = f"epoch {whole:,}" if whole else "no whole epoch"
    within = f", and {pluralize(header.rows, 'example')} of epoch {header.epoch:,}" if header.rows else ""
    again = ""
    if run.epoch > whole and run.state != "running":
        lost = f"epoch {run.epoch:,}" if run.epoch == whole + 1 else f"epochs {whole + 1:,} to {run.epoch:,}"
        again = f"; resuming trains {lost} again"
    return f"after {pluralize(header.step, 'step')}: {place}{within}; {format_duration(run.age)} ago{again}"


def describe_resumed(folder: Path, networks: int) -> str:
    """Say how far the networks of a table are that is resumed: those that have ended, go on, and begin."""
    from ..checkpoints.run_status import read_runs

    headers = [run.header for run in read_runs(folder)[0]]
    going_on = [str(header.epoch) for header in headers if header.stopped in ("", "interrupted")]
    parts = [
        f"{len(headers) - len(going_on)} of {pluralize(networks, 'network')} had ended",
        f"{len(going_on)} in epoch {', '.join(going_on)}" if going_on else "",
        f"{networks - len(headers)} not begun" if networks > len(headers) else "",
    ]
    return f"resumed from {folder}: {', '.join(part for part in parts if part)}"


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


def print_runs(groups: Sequence[RunGroup], folder: Path) -> None:
    """Print a table of runs, with the settings that are not the same in all of them, as many as fit beside the scores."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    rows = [_cells(group, folder) for group in groups]
    shown = _shown_columns(rows, console.width)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in shown:
        table.add_column(
            name.replace("_", " "), justify="left" if name in ("run", "state") else "right", no_wrap=name != "run", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(row[name]) for name in shown))
    with tolerate_closed_stdout():
        console.print(table)


def _shown_columns(rows: Sequence[dict[str, str]], width: int) -> list[str]:
    """Choose the columns: all scores, the networks where a row has several, and the settings that differ, as far as they fit."""
    scores = [name for name in rows[0] if name not in SETTINGS]
    if all(row["networks"] == "1" for row in rows):
        scores.remove("networks")
    settings = [name for name in rows[0] if name in SETTINGS and (len(rows) == 1 or len({row[name] for row in rows}) > 1)]
    while settings and _width([*scores, *settings], rows) > width:
        settings.pop()
    return [*scores, *settings]


def _cells(group: RunGroup, folder: Path) -> dict[str, str]:
    """Give the texts of a row of a table, by their columns: the scores, then the settings."""
    last, validation = group.last, format_validation(group.best)
    cells = {
        "run": str(group.path.relative_to(folder)) if group.path != folder else str(group.path),
        "networks": str(len(group.runs)),
        "state": group.state,
        "epoch": f"{_range(group.epochs)}/{group.all_epochs:,}",
        "cost": "" if last is None else f"{last.cost:.4g}",
        "best validation": f"{validation} ({_range(group.best_epochs)})" if validation else "",
    }
    settings = {name: format_setting(value) for name, value in group.settings.items()}
    return {name: as_one_line(text) for name, text in {**cells, **settings}.items()}


def _range(numbers: Sequence[int]) -> str:
    """Write the least and the greatest of some numbers.

    Examples
    --------
    >>> _range([3, 3]), _range([3, 7, 4])
    ('3', '3-7')
    """
    least, most = min(numbers), max(numbers)
    return f"{least:,}" if least == most else f"{least:,}-{most:,}"


def _width(names: Sequence[str], rows: Sequence[dict[str, str]]) -> int:
    """Give the width of a table with these columns, between edges of one space, and two spaces between two columns."""
    return sum(max(len(name), *(len(row[name]) for row in rows)) + 2 for name in names)


def sort_key(by: str, group: RunGroup) -> tuple[bool, Any]:
    """Give the key by which runs are sorted: the best first, runs without the value last."""
    last = group.last
    values: dict[str, Any] = {
        "name": str(group.path),
        "state": group.state,
        "epoch": -min(group.epochs),
        "cost": None if last is None else last.cost,
        "validation": _validation_key(group.best),
        **group.settings,
    }
    value = values[by]
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    return missing, 0 if missing else value


def _validation_key(best: EpochRecord | None) -> float | None:
    if best is None or not best.is_validated:
        return None
    return best.validation_cost if best.validation_accuracy is None else -best.validation_accuracy
