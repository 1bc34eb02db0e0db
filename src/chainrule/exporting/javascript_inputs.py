"""The inputs of an exported module: what is known of them, and the checks of x, which are those of ``Network.feedforward``."""

from __future__ import annotations

import math
from typing import Any

from ..input_spec import InputSpec
from .exported_network import ExportedNetwork
from .javascript_literals import literal

INPUTS = """
/** The inputs that the network was trained on. kind is null where that is not known; low and high are the smallest and the
 * largest number of x in the training. */
export const inputs = {{
{entries}
}};
"""

READ_INPUTS = """
/** Checks x, one row of inputs, and copies it{and_scales}. */
function readInputs(x) {{
  if (x?.length !== {n_in}) throw new RangeError(`x must hold {n_in} {unit}; its length is ${{x?.length}}`);
  const a = new Float64Array({n_in});
  for (let k = 0; k < a.length; k++) {{
    const value = x[k];
    if (!Number.isFinite(value)) throw new RangeError(`x must hold finite numbers; x[${{k}}] is ${{String(value)}}`);
{checks}
    a[k] = {scaled};
  }}
{last_check}
  return a;
}}
"""

CHECK_LIMITS = """
    if (value < {least} || value > {most}) {{
      throw new RangeError(`x[${{k}}] is ${{value}}, but the network learnt {learnt}`);
    }}
"""

CHECK_FLOAT32 = """
    if (!Number.isFinite(Math.fround(value))) throw new RangeError(`x[${k}] is ${value}, beyond float32; scale it`);
"""

CHECK_BYTES = """
    if (value > 1 && (x instanceof Uint8Array || x instanceof Uint8ClampedArray)) {
      throw new RangeError("bytes may be pixels or numbers; pass Array.from(x, (pixel) => pixel / 255), or Array.from(x)");
    }
"""

CHECK_BRIGHTNESS = """
  const brightest = 255 * a.reduce((one, other) => Math.max(one, other));
  if (brightest > 0 && brightest <= 1) throw new RangeError("no pixel of x is above 1; they go from 0 to 255: pass 255 times x");
"""


def describe_x(network: ExportedNetwork) -> str:
    """Describe the array that the module's functions take."""
    spec = network.inputs
    text = f"an array of {network.sizes[0]} {'pixels from 0 to 255' if network.learnt_pixels else 'numbers'}"
    if spec is None or not spec.is_image:
        return text
    rows, columns = spec.shape
    return f"{text} (an image's {f'{columns} columns of {rows}' if spec.transposed else f'{rows} rows of {columns}'})"


def inputs_constant(network: ExportedNetwork) -> str:
    """Write what is known of the inputs."""
    spec = network.inputs or InputSpec("numbers", network.sizes[:1])
    entries: dict[str, Any] = {
        "kind": None if network.inputs is None else spec.kind,
        "shape": list(spec.shape),
        "low": _in_units_of_x(spec, spec.low),
        "high": _in_units_of_x(spec, spec.high),
        "mnistForm": spec.mnist_form,
        "transposed": spec.transposed,
        "background": spec.background,
    }
    if network.provenance is not None and network.provenance.columns:
        entries["columns"] = network.provenance.columns
    return INPUTS.format(entries="\n".join(f"  {name}: {literal(value)}," for name, value in entries.items()))


def read_inputs_function(network: ExportedNetwork) -> str:
    """Write ``readInputs``."""
    text = READ_INPUTS.format(
        n_in=network.sizes[0],
        unit="pixels" if network.learnt_pixels else "numbers",
        and_scales="; pixels are divided by 255, as in the training" if network.learnt_pixels else "",
        checks=_checks_of_a_number(network),
        scaled="value / 255" if network.learnt_pixels else "value",
        last_check=CHECK_BRIGHTNESS if network.learnt_pixels else "",
    )
    return "\n".join(line for line in text.splitlines() if line)


def _checks_of_a_number(network: ExportedNetwork) -> str:
    """Write the checks of each finite number: its limits, or that its dtype holds it; and that bytes have one meaning."""
    spec, checks = network.inputs, ""
    if spec is not None and math.isfinite(spec.limits[0]):
        low, high, least, most = (literal(_in_units_of_x(spec, value)) for value in (spec.low, spec.high, *spec.limits))
        learnt = f"{'pixels' if network.learnt_pixels else 'images of values'} from {low} to {high}"
        checks += CHECK_LIMITS.format(least=least, most=most, learnt=learnt)
    elif network.dtype == "float32":
        checks += CHECK_FLOAT32
    if spec is None or (spec.unit and not network.learnt_pixels):
        checks += CHECK_BYTES
    return checks


def _in_units_of_x(spec: InputSpec, value: float | None) -> float | None:
    """Give a number of ``InputSpec``, which has pixels from 0 to 1, in the unit of the module's x."""
    return float(f"{255 * value:.9g}") if value is not None and spec.kind == "pixels" else value
