"""Model files: networks written to safetensors files, and read from them.

Weights and biases are tensors ``weights.0``, ``biases.0`` ...; everything else is JSON in the metadata, under a format version. A
SHA-256 over both detects damage. Nothing in a file is executed, and every size is checked before memory is allocated.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ._arrays import DTYPES
from ._atomic_write import translate_write_errors, write_atomically
from ._types import Array
from .calculus.activations import ACTIVATIONS, Activation
from .calculus.costs import Cost, find_cost, is_built_in
from .calculus.initializers import INITIALIZERS
from .errors import FileError, ModelFileError, SettingError
from .input_spec import InputSpec
from .plan import MAXIMUM_LAYERS, Layer, Provenance, cost_from_json, cost_to_json

VERSION = 1
METADATA_BYTES = 1 << 20
HEADER_BYTES = 2 << 20
FILE_BYTES = 16 << 30


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
        ``read`` would refuse the file.
    FileError
        When it cannot be written; an existing file stays as it was.
    """
    from safetensors.numpy import save

    if not all(np.isfinite(array).all() for array in (*model.weights, *model.biases)):
        raise SettingError("the network holds weights that are NaN or infinite, which predict nothing; it is not saved")
    tensors = {}
    for k, (w, b) in enumerate(zip(model.weights, model.biases, strict=True)):
        tensors[f"weights.{k}"] = np.ascontiguousarray(w)
        tensors[f"biases.{k}"] = np.ascontiguousarray(b)
    description = _description_of(model)
    if len(description) > METADATA_BYTES:
        raise SettingError(f"the network's description takes {len(description):,} bytes, and a model file holds {METADATA_BYTES:,}")
    if {name: [str(array.dtype), array.shape] for name, array in tensors.items()} != {
        name: [model.dtype, shape] for name, shape in _shapes(model.layers).items()
    }:
        raise SettingError(f"the network's arrays are not the {model.dtype} arrays of its sizes; it is not saved")
    metadata = {
        "format": "chainrule",
        "version": str(VERSION),
        "model": description,
        "sha256": _digest(description, model.weights, model.biases),
    }
    write_atomically(Path(path), save(tensors, metadata=metadata))


def read(path: str | os.PathLike[str]) -> Model:
    """Read a model file; every entry is validated.

    Raises
    ------
    FileError
        When the file does not exist or cannot be read.
    ModelFileError
        When it is truncated, damaged, of another kind, or of a later version.
    """
    path = Path(path)
    with _opened(path) as file:
        metadata = file.metadata() or {}
        if metadata.get("format") != "chainrule":
            raise ModelFileError(f"{path} is a safetensors file, but not a chainrule model")
        _check_version(path, metadata)
        description = metadata.get("model", "")
        try:
            model = _parse(json.loads(description) if len(description) <= METADATA_BYTES else None)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise _damaged(path, f"its description cannot be read ({type(error).__name__}: {error})") from None
        weights, biases = _tensors(path, file, model)
    if _digest(description, weights, biases) != metadata.get("sha256"):
        raise _damaged(path, "its checksum does not match its contents")
    return replace(model, weights=weights, biases=biases)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Check now that ``write`` will be able to create a file here later.

    Raises
    ------
    FileError
        When it will not be.
    """
    path = Path(path)
    import tempfile

    with translate_write_errors(path), tempfile.NamedTemporaryFile(dir=path.parent, prefix=".chainrule-"):
        pass


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


def _description_of(model: Model) -> str:
    """Write the description as JSON, and parse it as ``read`` will, so that no file is written that cannot be read."""
    try:
        description = json.dumps(_to_json(model), allow_nan=False)
        _parse(json.loads(description))
    except SettingError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SettingError(f"the network is not saved, since its file could not be loaded again: {error}") from None
    return description


def _shapes(layers: tuple[Layer, ...]) -> dict[str, tuple[int, ...]]:
    """Give the shape of each tensor, by name."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k, layer in enumerate(layers):
        shapes[f"weights.{k}"] = (layer.n_out, layer.n_in)
        shapes[f"biases.{k}"] = (layer.n_out,)
    return shapes


def _parse(described: Any) -> Model:
    """Parse the description; any mistake in it raises ValueError, TypeError or KeyError."""
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


def _tensors(path: Path, file: Any, model: Model) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Read the tensors that the description names, each of the expected shape and dtype; refuse any others."""
    shapes = _shapes(model.layers)
    if set(file.keys()) != set(shapes):
        raise _damaged(path, "its tensors are not those that its sizes need")
    dtype = {"float32": "F32", "float64": "F64"}[model.dtype]
    for name, shape in shapes.items():
        tensor = file.get_slice(name)  # its shape and dtype, without its data
        if tuple(tensor.get_shape()) != shape or tensor.get_dtype() != dtype:
            raise _damaged(path, f"{name} is {tensor.get_dtype()} {tensor.get_shape()}, but should be {dtype} {shape}")
    arrays = {name: np.array(file.get_tensor(name)) for name in shapes}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ModelFileError(f"{path} holds weights that are NaN or infinite, which predict nothing; train the network anew")
    layers = range(len(model.layers))
    return tuple(arrays[f"weights.{k}"] for k in layers), tuple(arrays[f"biases.{k}"] for k in layers)


def _check_version(path: Path, metadata: dict[str, str]) -> None:
    version = metadata.get("version", "")
    if not version.isascii() or not version.isdigit() or len(version) > 9:
        raise _damaged(path, "it has no format version")
    if int(version) < 1:
        raise _damaged(path, "its format version is 0")
    if int(version) > VERSION:
        raise ModelFileError(f"{path} has format version {version}, and this chainrule reads up to {VERSION}; upgrade chainrule")


def _digest(description: str, weights: tuple[Array, ...], biases: tuple[Array, ...]) -> str:
    import hashlib  # imported late: it loads OpenSSL

    digest = hashlib.sha256(description.encode())
    for array in (*weights, *biases):
        digest.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()


def _damaged(path: Path, why: str) -> ModelFileError:
    return ModelFileError(f"{path} is not an intact model file: {why}; save or copy it again")


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        _check_regular(path)
        with safe_open(path, framework="numpy") as file:
            yield file
    except SafetensorError:
        raise _damaged(path, "it is not a safetensors file, or it is truncated") from None
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None


def _check_regular(path: Path) -> None:
    """Refuse directories, devices, and files that are larger than a model can be, before they are opened."""
    if not path.exists():
        raise FileError(f"no such file: {path}")
    if not path.is_file():
        raise FileError(f"cannot read {path}: it is a {'directory' if path.is_dir() else 'device or pipe'}, not a model file")
    if path.stat().st_size > FILE_BYTES:
        raise ModelFileError(f"{path} is larger than {FILE_BYTES >> 30} GiB, the most that a model file may hold")
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    if header > HEADER_BYTES:
        raise _damaged(path, f"it claims a header of {header:,} bytes")
