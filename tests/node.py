"""Exported modules in Node: their functions on rows of numbers, and what expressions of JavaScript give."""

import json
import shutil
import subprocess

import numpy as np
import pytest

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="there is no Node here")

CALL_FOR_ROWS = """
import { readFileSync, writeFileSync } from "node:fs";
import { FUNCTION, sizes } from "MODULE";
const file = readFileSync("ROWS");
const bytes = new Uint8Array(file).buffer;  // a copy of its own, which begins at a multiple of 8
const numbers = new TYPE(bytes);
const results = [];
for (let start = 0; start < numbers.length; start += sizes[0]) {
  const result = FUNCTION(numbers.subarray(start, start + sizes[0]));
  for (const part of [result].flat()) results.push(...(typeof part === "number" ? [part] : part));
}
writeFileSync("RESULTS", new Uint8Array(Float64Array.from(results).buffer));
"""

EVALUATE = """
import * as module from "MODULE";
const { activations, outputs, predict, sizes, layers, inputs, labels } = module;
const evaluate = (expression) => {
  try {
    return { value: expression() };
  } catch (error) {
    return { error: error.name, message: error.message };
  }
};
console.log(JSON.stringify([EXPRESSIONS].map(evaluate)));
"""


def run_node(folder, script):
    """Run a script as a module in a folder; return what it printed."""
    assert NODE is not None
    path = folder / "script.mjs"
    path.write_text(script, encoding="utf-8")
    done = subprocess.run([NODE, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def call_for_rows(module, function, x):
    """Call an exported function for each row of x, of uint8 or float64; return all its numbers as one row of results each."""
    folder = module.parent
    array_type = {"uint8": "Uint8Array", "float64": "Float64Array"}[x.dtype.name]
    (folder / "rows.bin").write_bytes(np.ascontiguousarray(x).tobytes())
    script = CALL_FOR_ROWS
    places = {"MODULE": module, "ROWS": folder / "rows.bin", "RESULTS": folder / "results.bin"}
    for word, text in {**places, "FUNCTION": function, "TYPE": array_type}.items():
        script = script.replace(word, str(text))
    run_node(folder, script)
    return np.fromfile(folder / "results.bin").reshape(len(x), -1)


def evaluate(module, *expressions):
    """Evaluate expressions of JavaScript in which the names of a module are known.

    Each result is a dictionary: the value, or the name and the message of the error.
    """
    functions = ", ".join(f"() => ({expression})" for expression in expressions)
    return json.loads(run_node(module.parent, EVALUATE.replace("MODULE", str(module)).replace("EXPRESSIONS", functions)))


def check_syntax(module):
    """Parse a module, without running it; return the parser's complaint, which is empty where it has none."""
    assert NODE is not None
    return subprocess.run([NODE, "--check", module], capture_output=True, text=True, check=False).stderr
