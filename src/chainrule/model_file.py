"""Model files: networks written to safetensors files, and read from them.

Weights and biases are tensors ``weights.0``, ``biases.0`` ...; everything else is the file's description. ``tensor_file`` has the
container. The functions on descriptions and shapes serve the files of table models too, which hold several networks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ._arrays import DTYPES
from ._types import AnyArray, Array
from .calculus.activations import ACTIVATIONS, Activation
from .calculus.costs import Cost, find_cost, is_built_in
from .calculus.initializers import INITIALIZERS
from .errors import ModelFileError, SettingError
from .input_spec import InputSpec
from .plan import MAXIMUM_LAYERS, Layer, Provenance, cost_from_json, cost_to_json
from .tensor_file import TensorFile, write_tensors

NETWORK_VERSION = 1
"""The format version of a file that holds one network."""


@dataclass(frozen=True)
class Model:
    """The contents of a file: a network, and how it was made.

    Attributes
    ----------
    layers : tuple of Layer
        Without dropout, which belongs to a training.
    cost : str or Cost
        A built-in one: its name, or an object where its settings are not the usual ones.
    dtype : str
    init : str or None
        None where no initializer of ``Network`` drew the parameters.
    seed : int
    weights, biases : tuple of arrays
        Each (n_out, n_in) and (n_out,).
    provenance : Provenance or None
        How it was trained.
    inputs : InputSpec or None
        The inputs that it takes; None in files that do not say.
    """

    layers: tuple[Layer, ...]
    cost: str | Cost
    dtype: str
    init: str | None
    seed: int
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    provenance: Provenance | None
    inputs: InputSpec | None = None


def write(path: str | os.PathLike[str], model: Model) -> None:
    """Write a model file; a failure leaves no partial file.

    Raises
    ------
    SettingError
        When an activation or the cost is the user's own, since a file holds no code; when a weight is NaN or infinite; or when
        ``read_model`` would refuse the file.
    FileError
        When it cannot be written; an existing file stays as it was.
    """
    write_tensors(path, NETWORK_VERSION, describe_model(model), tensors_of(model))


def read_model(file: TensorFile) -> Model:
    """Read the network of an open file; every entry is validated.

    Raises
    ------
    ModelFileError
        When an entry or a tensor is not valid.
    """
    with file.refuse_damage():
        model = parse_model(file.description)
    return with_tensors(model, file.read(shapes_of(model)), file)


def tensors_of(model: Model, prefix: str = "") -> dict[str, Array]:
    """Give a model's arrays by their names in a file; ``prefix`` precedes each name.

    Raises
    ------
    SettingError
        When one is NaN or infinite, or has not the dtype and shape that the model's layers require.
    """
    if not all(np.isfinite(array).all() for array in (*model.weights, *model.biases)):
        raise SettingError("the network holds weights that are NaN or infinite, which predict nothing; it is not saved")
    layers = range(len(model.layers))
    arrays = {f"{prefix}weights.{k}": model.weights[k] for k in layers} | {f"{prefix}biases.{k}": model.biases[k] for k in layers}
    if {name: (array.shape, str(array.dtype)) for name, array in arrays.items()} != shapes_of(model, prefix):
        raise SettingError(f"the network's arrays are not the {model.dtype} arrays of its sizes; it is not saved")
    return arrays


def with_tensors(model: Model, arrays: Mapping[str, AnyArray], file: TensorFile, prefix: str = "") -> Model:
    """Give a model the arrays that were read for it.

    Raises
    ------
    ModelFileError
        When a parameter is NaN or infinite.
    """
    own = {name: arrays[name] for name in shapes_of(model, prefix)}
    if not all(np.isfinite(array).all() for array in own.values()):
        raise ModelFileError(f"{file.path} holds weights that are NaN or infinite, which predict nothing; train the network anew")
    layers = range(len(model.layers))
    weights, biases = (tuple(own[f"{prefix}{kind}.{k}"] for k in layers) for kind in ("weights", "biases"))
    return replace(model, weights=weights, biases=biases)


def _to_json(model: Model) -> dict[str, Any]:
    """Give everything but the tensors as JSON's types."""
    cost = find_cost(model.cost)
    own = [layer.activation.name for layer in model.layers if isinstance(layer.activation, Activation)]
    if not is_built_in(cost):
        own.append(cost.name)
    if own:
        raise SettingError(
            f"{own[0]!r} is a function of your own, which a model file cannot hold; save net.weights and net.biases yourself"
        )
    return {
        "sizes": [model.layers[0].n_in, *(layer.n_out for layer in model.layers)],
        "activations": [layer.activation for layer in model.layers],
        "cost": cost_to_json(cost),
        "dtype": model.dtype,
        "init": model.init,
        "seed": model.seed,
        "provenance": None if model.provenance is None else asdict(model.provenance),
        "inputs": None if model.inputs is None else asdict(model.inputs),
    }


def describe_model(model: Model) -> dict[str, Any]:
    """Describe a model as JSON's types, and parse that as ``read_model`` will, so that no file is written that cannot be read.

    Raises
    ------
    SettingError
        When it holds a function of the user's own, or ``read_model`` would refuse it.
    """
    try:
        description: dict[str, Any] = json.loads(json.dumps(_to_json(model), allow_nan=False))
        parse_model(description)
    except SettingError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SettingError(f"the network is not saved, since its file could not be loaded again: {error}") from None
    return description


def shapes_of(model: Model, prefix: str = "") -> dict[str, tuple[tuple[int, ...], str]]:
    """Give the shape and the dtype of each tensor of a model, by name: the weights, then the biases."""
    weights = {f"{prefix}weights.{k}": ((layer.n_out, layer.n_in), model.dtype) for k, layer in enumerate(model.layers)}
    biases = {f"{prefix}biases.{k}": ((layer.n_out,), model.dtype) for k, layer in enumerate(model.layers)}
    return {**weights, **biases}


def parse_model(described: Any) -> Model:
    """Parse a description; any mistake in it raises ValueError, TypeError or KeyError."""
    sizes, names = described["sizes"], described["activations"]
    if not 2 <= len(sizes) <= MAXIMUM_LAYERS + 1 or any(type(size) is not int or not 1 <= size < 2**31 for size in sizes):
        raise ValueError("sizes must be 2 to 1,001 whole numbers from 1")
    if len(names) != len(sizes) - 1 or any(name not in ACTIVATIONS for name in names) or "softmax" in names[:-1]:
        raise ValueError("activations must name a built-in one for each layer, softmax at the output alone")
    cost = cost_from_json(described["cost"])
    outputs = find_cost(cost).outputs
    if outputs and names[-1] not in outputs:
        raise ValueError(f"the output activation is {names[-1]}, but the cost needs one of {outputs}")
    dtype, init, seed = (described[key] for key in ("dtype", "init", "seed"))
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {DTYPES}")
    if init is not None and init not in INITIALIZERS:
        raise ValueError(f"init must be null or one of {[*INITIALIZERS]}")
    if type(seed) is not int or not 0 <= seed < 2**64:
        raise ValueError("seed must be a whole number from 0 and below 2**64")
    layers = tuple(Layer(n_in, n_out, name) for n_in, n_out, name in zip(sizes, sizes[1:], names, strict=False))
    provenance = None if described["provenance"] is None else Provenance.parse(described["provenance"])
    if provenance is not None and len(provenance.columns) not in (0, sizes[0]):
        raise ValueError(f"provenance names {len(provenance.columns)} columns, but the network takes {sizes[0]}")
    spec = described.get("inputs")  # the first files lack it
    inputs = None if spec is None else InputSpec.parse(spec, sizes[0])
    return Model(layers, cost, dtype, init, seed, (), (), provenance, inputs)
