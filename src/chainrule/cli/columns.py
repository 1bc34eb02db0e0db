"""``chainrule columns``: the columns of a table, and how train would prepare them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from .options import PATH, arguments_panel, json_option, target_option
from .output import print_json, print_message
from .reading_options import collect_reading_options, reading_options


@click.command("columns")
@arguments_panel
@click.argument("file", type=PATH, help="A table: .csv, .tsv, .parquet, .jsonl, also as .gz.")
@target_option("The column to learn: with it the table says how the others are prepared.", default="none")
@reading_options
@json_option()
def columns(file: Path, target: str | None, as_json: bool, **options: Any) -> None:
    """Print the columns of a table: kind, distinct and missing values, an example, and how train would prepare them."""
    from ..tables.preprocessing import Preprocessing
    from .column_report import describe_columns, print_columns
    from .table_source import read_target

    table = collect_reading_options(options).read(file)
    described = []
    if target is None:
        described = describe_columns(Preprocessing.fit(table))
    else:
        reading = read_target(table, target, None)
        for note in reading.notes:
            print_message(note)
        rows = table.without(reading.target.name).take(reading.rows)
        described = describe_columns(Preprocessing.fit(rows, reading.y, task=reading.target.task))
    if as_json:
        print_json({"file": str(file), "rows": len(table), "columns": described})
    else:
        print_columns(f"{file}: {len(table):,} rows", described)
