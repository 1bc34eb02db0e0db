"""Write the ablation table of ``docs/table_recipe.md`` from the measurements in ``benchmarks/tables/ablation.json``.

Usage: ``python -m docs.table_recipe`` writes the part of the page between its two marks; with ``--check`` it fails if it is stale.
``python -m benchmarks.tables.ablation --write`` measures anew.
"""

from __future__ import annotations

import sys
from math import log
from pathlib import Path

from benchmarks.tables.ablation import FILE, Ablation
from benchmarks.tables.report import as_cells, error_for_ratios, fit_seconds, ratio
from benchmarks.tables.variants import RECIPE, VARIANTS
from chainrule.recipes.table_recipe import TableRecipe

PAGE = Path(__file__).with_name("table_recipe.md")
BEGIN, END = "<!-- made by python -m docs.table_recipe -->\n", "<!-- until here -->\n"


def page() -> str:
    """Make the page: its own text, with the table of the present measurements between the marks."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{made(Ablation.read(FILE))}\n{END}{after}"


def made(ablation: Ablation) -> str:
    """Make the part of the page that follows from measurements."""
    return "\n".join([*changes(ablation), table(ablation), *origin(ablation)]) + "\n"


def changes(ablation: Ablation) -> list[str]:
    """Say which settings of the recipe have changed since the measurements; nothing where none has."""
    now, then = TableRecipe().to_json(), ablation.recipe
    changed = [f"`{name}` from {then.get(name)} to {value}" for name, value in now.items() if then.get(name) != value]
    return [f"**Since these measurements the recipe has changed**: {', '.join(changed)}.", ""] if changed else []


def table(ablation: Ablation) -> str:
    """Make the ablation table, as Markdown: parts in the order of ``VARIANTS``; with fit times where they count."""
    cells = as_cells(ablation.measurements)
    lines = ["| part | in its place | error / recipe's | sets |", "|---|---|---:|---:|"]
    if ablation.timed:
        lines = [lines[0] + " fit time / recipe's |", lines[1] + "---:|"]
    former = ""
    for name, variant in VARIANTS.items():
        errors, seconds = ratio(cells, name, RECIPE.name, error_for_ratios), ratio(cells, name, RECIPE.name, fit_seconds)
        if errors is None or seconds is None:
            continue
        mean, factor, sets = errors
        spread = f" ± {mean * log(factor):.3f}" if sets > 1 else ""
        part, former = (variant.part if variant.part != former else ""), variant.part
        lines.append(f"| {part} | {variant.says} | {mean:.3f}{spread} | {sets} |" + f" {seconds[0]:.2f} |" * ablation.timed)
    return "\n".join(lines)


def origin(ablation: Ablation) -> list[str]:
    """Say on what the figures were measured, and which variants were not."""
    sets = list(dict.fromkeys(m.data_set for m in ablation.measurements))
    splits = {name: len({m.seed for m in ablation.measurements if m.data_set == name}) for name in sets}
    named = ", ".join(f"{name} ({splits[name]})" for name in sets)
    missing = "; ".join(VARIANTS[name].says for name in VARIANTS if name not in {m.peer for m in ablation.measurements})
    unmeasured = ["", f"Not measured yet: {missing}."] if missing else []
    times = (
        "Fit times are processor time on one thread." if ablation.timed else "Fit times are left out: the machine did other work."
    )
    return [
        *unmeasured,
        "",
        times,
        "",
        f"Data sets, with the number of inner splits: {named}.",
        "",
        f"Processor: {ablation.machine}.",
    ]


def write_page() -> None:
    """Write the page anew."""
    PAGE.write_text(page())


if __name__ == "__main__":
    if "--check" not in sys.argv:
        write_page()
    elif PAGE.read_text() != page():
        sys.exit("docs/table_recipe.md is stale; write it anew with: python -m docs.table_recipe")
