"""``chainrule export``: a network as code that runs without chainrule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from .options import PATH, arguments_panel, json_option, model_argument
from .output import print_json, print_line


@click.command("export")
@arguments_panel
@model_argument()
@click.argument("out", type=PATH, help="The file to write: .js or .mjs, a JavaScript module. One that export wrote is replaced.")
@json_option()
def export(model: Path, out: Path, as_json: bool) -> None:
    """Write a network as code that runs without chainrule.

    A JavaScript module has no dependencies, and runs in browsers and in Node. It exports predict(x), outputs(x) and activations(x)
    for one row x, and checks x as the network does. A model of a table is refused.
    """
    from ..exporting.export_model import export as export_model
    from ..exporting.export_model import find_target
    from ..loading import load_model
    from ..tensor_file import check_writable
    from .replaceable_file import check_export_replaceable

    target = find_target(out)
    check_writable(out)
    check_export_replaceable(out, target.first_bytes)
    verb = "replaced" if out.exists() else "wrote"
    network: Any = load_model(model)
    export_model(network, out)  # refuses a table's model
    size = out.stat().st_size
    if as_json:
        print_json({"model": str(model), "out": str(out), "language": target.name, "sizes": network.sizes, "bytes": size})
        return
    print_line(f"{verb} {out}: {'-'.join(map(str, network.sizes))}, {size / 1000:,.0f} KB; {target.usage(out)}")
