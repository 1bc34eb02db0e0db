"""The JavaScript target: a network as one ES module without dependencies, for browsers and for Node.

The module computes in float64, with the weights exactly as they are. It is meant to be read: the functions come first, and the
numbers last. A model file may come from a stranger, so each of its texts is written as JSON, in which no letter can end a string,
a comment or a page's ``<script>``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from .._format import pluralize
from ..errors import SettingError
from .exported_network import ExportedNetwork, read_model
from .javascript_functions import (
    ACTIVATION_FUNCTIONS,
    FORWARD_FUNCTIONS,
    LARGEST,
    PREDICT,
    REFUSE_TO_PREDICT,
    SIGMA,
    WEIGHTED_INPUT,
)
from .javascript_inputs import describe_x, inputs_constant, read_inputs_function
from .javascript_literals import base64_array, decimal_array, decode_function, literal

FIRST_WORDS = "// A network of chainrule"
"""The beginning of every module, by which a file is known to be one."""

DECIMALS_UP_TO = 1000
"""The most parameters that are written as decimals, which can be read; those of a larger network are in base64, half as long."""

MOST_BYTES = 256 << 20
"""The most bytes of weights: base64 makes a third more of them, and a text in Chrome and Node holds at most 512 MiB."""

LABELS = "/** The label of each output, of a single output those of 0 and 1; null where labels are 0, 1, 2, ... */"
LAYERS = (
    "/** Each layer's activation, biases b and weights w: w[j][k] is weights[j * n_in + k], for unit j and its input k (N9). */"
)


def module_text(model: Any) -> str:
    """Write a model as the text of an ES module.

    Parameters
    ----------
    model : Network, or a fitted MLPClassifier or MLPRegressor

    Returns
    -------
    str
        ASCII. The module exports ``sizes``, ``inputs``, ``labels`` and ``layers``, and the functions ``activations(x)``,
        ``outputs(x)`` and ``predict(x)`` of one row x.

    Raises
    ------
    ArgumentTypeError, SettingError
        As ``read_model`` raises them; when the network is too large for a module.
    """
    network = read_model(model)
    if network.bytes > MOST_BYTES:
        raise SettingError(
            f"a JavaScript module holds at most {MOST_BYTES >> 20} MiB of weights, because browsers limit the length of a text; "
            f"this network has {network.bytes >> 20:,} MiB"
        )
    return "\n\n".join(part.strip() for part in _parts(network)) + "\n"


def import_line(path: Path) -> str:
    """Give the statement that imports a module from the folder in which it is.

    Examples
    --------
    >>> print(import_line(Path("models/digits.js")))
    import { predict } from "./digits.js"
    """
    return f"import {{ predict }} from {json.dumps(f'./{path.name}', ensure_ascii=False)}"


def _parts(network: ExportedNetwork) -> Iterator[str]:
    """Give the parts of the module, in the order in which one reads them."""
    names = sorted(set(network.activations))
    yield "\n".join(_header(network))
    yield f"/** The number of inputs, then of each layer's units. */\nexport const sizes = {literal(network.sizes)};"
    yield inputs_constant(network)
    yield f"{LABELS}\nexport const labels = {literal(network.labels or None)};"
    yield FORWARD_FUNCTIONS
    yield _predict_function(network)
    yield read_inputs_function(network)
    yield WEIGHTED_INPUT
    yield SIGMA.format(entries="\n".join(f"  {n if n == 'softmax' else f'{n}: (z) => z.map({n})'}," for n in names))
    yield from (ACTIVATION_FUNCTIONS[name] for name in names)
    if "exp" in names:
        yield LARGEST.format(dtype=network.dtype, largest=float(np.finfo(network.dtype).max))
    if not _has_decimals(network):
        yield decode_function(network.dtype)
    yield _layers_constant(network)


def _header(network: ExportedNetwork) -> Iterator[str]:
    """Give the comment at the beginning: what this is, how it was trained, and how it is used."""
    sizes, sigmas = "-".join(map(str, network.sizes)), " > ".join(network.activations)
    yield f"{FIRST_WORDS} {__version__}, as one ES module without dependencies: {sizes}, {sigmas}, {network.dtype}."
    trained = network.provenance
    if trained is not None:
        data = f" on {literal(trained.data)}" if trained.data else ""
        yield f"// It was trained{data}: {pluralize(trained.examples, 'example')}, {pluralize(trained.epochs, 'epoch')}."
    yield "//"
    yield '//     import { predict, outputs, activations } from "./this-file.js";'
    yield "//"
    yield f"// x is {describe_x(network)}; a RangeError says where it is not."
    yield "// Everything is computed in float64. (N10) is the number of an equation in chainrule's notes."


def _predict_function(network: ExportedNetwork) -> str:
    """Write ``predict``, which decides as ``calculus.feedforward.decision`` does."""
    if network.predicts_values:
        return REFUSE_TO_PREDICT
    if network.sizes[-1] > 1:
        summary = "Gives the label of the largest output; of equal ones, that of the first."
        decision = "a.indexOf(a.reduce((one, other) => Math.max(one, other)))"
    elif network.activations[-1] == "sigmoid":
        summary, decision = "Gives the label: that of 1 where the output is above 0.5, else that of 0.", "a[0] > 0.5 ? 1 : 0"
    else:
        return PREDICT.format(summary="Gives the output, which is a value.", type="number", decision="a[0]")
    if network.labels:
        decision = f"labels[{decision}]"
    types = sorted({_type_of(label) for label in network.labels}) or ["number"]
    return PREDICT.format(summary=summary, type=" | ".join(types), decision=decision)


def _type_of(label: object) -> str:
    return "string" if isinstance(label, str) else "boolean" if isinstance(label, bool) else "number"


def _has_decimals(network: ExportedNetwork) -> bool:
    return network.parameters <= DECIMALS_UP_TO


def _layers_constant(network: ExportedNetwork) -> str:
    """Write the parameters."""
    write = decimal_array if _has_decimals(network) else base64_array
    layers = "".join(
        f'  {{\n    activation: "{name}",\n    biases: {write(b)},\n    weights: {write(w)},\n  }},\n'
        for name, w, b in zip(network.activations, network.weights, network.biases, strict=True)
    )
    return f"{LAYERS}\nexport const layers = [\n{layers}];"
