"""The report of a table's columns: kind, values, and how they are prepared."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .._stdout import tolerate_closed_stdout
from .output import as_one_line, print_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..tables.preprocessing import Preprocessing

MAX_EXAMPLE = 24


def describe_columns(preprocessing: Preprocessing) -> list[dict[str, Any]]:
    """Describe each column: its kind, its distinct and missing values, an example, and how it is prepared."""
    return [asdict(row) for row in preprocessing.describe()]


def print_columns(title: str, columns: Sequence[dict[str, Any]]) -> None:
    """Print a table of columns, as wide as the terminal allows."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("column", overflow="ellipsis", max_width=32)
    table.add_column("kind", no_wrap=True)
    table.add_column("distinct", justify="right", no_wrap=True)
    table.add_column("missing", justify="right", no_wrap=True)
    table.add_column("example", overflow="ellipsis", no_wrap=True, max_width=MAX_EXAMPLE)
    table.add_column("prepared as", overflow="fold")
    for column in columns:
        values = (
            column["column"],
            column["kind"],
            f"{column['distinct']:,}",
            f"{column['missing']:,}" if column["missing"] else "",
        )
        cells = (*values, str(column["example"]), column["done"])
        table.add_row(*(Text(as_one_line(cell)) for cell in cells))
    print_line(title)
    with tolerate_closed_stdout():
        Console(highlight=False).print(table)
