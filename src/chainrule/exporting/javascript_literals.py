"""Values as JavaScript: texts, numbers and the arrays of a network."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import numpy as np

from .._types import Array

WIDTH = 120
"""The longest line of base64."""

DECODE = """
/** Reads the numbers that a text holds in base64, as little-endian bytes; the text may have line breaks. */
function decode(base64) {
  const text = atob(base64);
  const view = new DataView(new ArrayBuffer(text.length));
  for (let k = 0; k < text.length; k++) view.setUint8(k, text.charCodeAt(k));
  const numbers = new FloatXArray(text.length / BYTES);
  for (let k = 0; k < numbers.length; k++) numbers[k] = view.getFloatX(BYTES * k, true);
  return numbers;
}
"""


def literal(value: Any) -> str:
    r"""Write a value of JSON's types so that it is valid in JavaScript, in its comments, and in a page: ASCII without ``<``.

    Examples
    --------
    >>> literal("</script>"), literal(255.0), literal(None)
    ('"\\u003c/script>"', '255', 'null')
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")


def decimal_array(array: Array) -> str:
    """Write numbers as decimals that are read back to the same bits; a matrix with a unit a line.

    Nine digits of a float32 are nearer to it than to the middle between it and the next one. So its bits return although JavaScript
    reads the digits as float64 first.
    """
    digits = {"float32": 9, "float64": 17}[array.dtype.name]
    rows = [", ".join(f"{value:.{digits}g}" for value in row) for row in np.atleast_2d(array).tolist()]
    numbers = rows[0] if array.ndim == 1 else "".join(f"\n      {row}," for row in rows) + "\n    "
    return f"new {array.dtype.name.title()}Array([{numbers}])"


def base64_array(array: Array) -> str:
    """Write numbers as base64 of their little-endian bytes, which ``decode`` reads."""
    text = b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()
    lines = [text[start : start + WIDTH] for start in range(0, len(text), WIDTH)]
    return "\n".join(["decode(`", *lines]) + "`)"


def decode_function(dtype: str) -> str:
    """Write ``decode`` for a dtype."""
    bits = {"float32": 32, "float64": 64}[dtype]
    return DECODE.replace("FloatX", f"Float{bits}").replace("BYTES", str(bits // 8))
