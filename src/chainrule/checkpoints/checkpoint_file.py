"""Checkpoint files: a training's settings and snapshot in a safetensors file with a checksum, read strictly.

The parameters are tensors ``weights.0``, ``biases.0`` ..., the optimizer's slots ``slots.m.0`` ..., the records of the epochs one
table ``records``; a kind of training may add arrays of its own, ``extra.order`` ... Everything else is the file's description.
``tensor_file`` has the container.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .. import __version__
from .._arrays import DTYPES
from ..epoch_table import EpochTable
from ..errors import ModelFileError
from ..history import COLUMNS, EpochProgress, EpochRecord
from ..plan import MAXIMUM_LAYERS, Provenance, State
from ..tensor_file import TENSOR_TYPES, TensorFile, open_tensors, write_tensors
from .snapshot import BestSnapshot, Extra, Snapshot

CHECKPOINT_VERSION = 3
"""The format version of a file that holds a checkpoint."""

MAXIMUM_SLOTS, MAXIMUM_DEFERRED, MAXIMUM_EXTRA = 8, 8, 8
"""The most slots of an optimizer, of arrays of an engine's deferred updates, and of arrays that a kind of training adds."""

_ARRAY_NAME = re.compile(r"[a-z_]{1,40}", re.ASCII)

Arrays: TypeAlias = dict[str, np.ndarray[Any, Any]]
Shapes: TypeAlias = dict[str, tuple[tuple[int, ...], str]]

_OPTIONAL_COLUMNS = ("accuracy", "validation_cost", "validation_accuracy")
"""The columns of the records that may have no value, and have then none in any epoch."""


@dataclass(frozen=True)
class CheckpointHeader:
    """The description of a checkpoint, without its tensors.

    Attributes
    ----------
    settings : dict
        Those of the training, as ``run_settings`` compares them.
    notes : dict
        Of the caller, such as the command line's options; nothing here reads them.
    version : str
        The version of chainrule that wrote it.
    epoch, rows : int
        The current epoch, from 1, and the examples of it that were trained on.
    step : int
        The updates done.
    stopped : str
        Why the training ended; empty while it goes on.
    last : dict or None
        The record of the last epoch; None before the first has ended.
    best_epoch : int or None
    """

    settings: dict[str, Any]
    notes: dict[str, Any]
    version: str
    epoch: int
    rows: int
    step: int
    stopped: str
    last: dict[str, Any] | None
    best_epoch: int | None


def write_checkpoint(path: Path, settings: Mapping[str, Any], notes: Mapping[str, Any], snapshot: Snapshot) -> None:
    """Write a checkpoint; a failure leaves no partial file.

    Raises
    ------
    FileError
        When it cannot be written.
    """
    progress, best = snapshot.progress, snapshot.best
    states = _distinct_states(snapshot)
    description = {
        "settings": settings,
        "notes": notes,
        "chainrule": __version__,
        "epoch": progress.epoch,
        "rows": progress.rows,
        "learning_rate": progress.learning_rate,
        "seconds": progress.seconds,
        "batches": len(progress.costs),
        "has_classes": progress.right is not None,
        "dtype": str(snapshot.state.weights[0].dtype),
        "sizes": [snapshot.state.weights[0].shape[1], *(len(b) for b in snapshot.state.biases)],
        "slots": list(snapshot.state.slots),
        "records": len(snapshot.records),
        "absent": list(snapshot.records.absent),
        "last": finite_entries(snapshot.records[-1]) if snapshot.records else None,
        "states": {name: _describe_state(state) for name, state in states.items()},
        "deferred": _describe_arrays(snapshot.state.deferred),
        "extra": {"values": snapshot.extra.values, "arrays": _describe_arrays(snapshot.extra.arrays)},
        "best": None
        if best is None
        else {"epoch": best.epoch, "epochs_since": best.epochs_since, "state": _name_of(best.state, states)},
        "stopped": snapshot.stopped,
        "message": snapshot.message,
        "earlier": None if snapshot.earlier is None else asdict(snapshot.earlier),
        "blas_threads": snapshot.blas_threads,
    }
    write_tensors(path, CHECKPOINT_VERSION, description, _tensors(snapshot, states))


def _distinct_states(snapshot: Snapshot) -> dict[str, State]:
    """Name the states that a checkpoint holds: ``now``, and ``epoch`` and ``best`` where they are other ones."""
    states = {"now": snapshot.state}
    if snapshot.progress.rows and snapshot.epoch_state is not snapshot.state:
        states["epoch"] = snapshot.epoch_state
    if snapshot.best is not None and snapshot.best.state is not snapshot.epoch_state:
        states["best"] = snapshot.best.state
    return states


def _name_of(best: State, states: Mapping[str, State]) -> str:
    """Give the name of the best epoch's state: that of the epoch's start may be the present one."""
    return next((name for name in ("best", "epoch") if states.get(name) is best), "now")


def _describe_state(state: State) -> dict[str, Any]:
    return {"step": state.step, "made_by": state.made_by}


def _describe_arrays(arrays: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """Give the shape and the dtype of each array."""
    return {name: [list(array.shape), str(array.dtype)] for name, array in arrays.items()}


def finite_entries(record: EpochRecord) -> dict[str, Any]:
    """Give a record as JSON's types, which have neither NaN nor infinity."""
    return {name: value if value is None or math.isfinite(value) else None for name, value in record._asdict().items()}


def _tensors(snapshot: Snapshot, states: Mapping[str, State]) -> Arrays:
    """Give all arrays of a snapshot by their names in the file, in the order of ``shapes_of``."""
    tensors: Arrays = {}
    for name, state in states.items():
        tensors |= {f"{name}.weights.{k}": w for k, w in enumerate(state.weights)}
        tensors |= {f"{name}.biases.{k}": b for k, b in enumerate(state.biases)}
    for slot, arrays in snapshot.state.slots.items():
        tensors |= {f"slots.{slot}.{k}": array for k, array in enumerate(arrays)}
    tensors |= {f"deferred.{name}": array for name, array in snapshot.state.deferred.items()}
    tensors["records"] = snapshot.records.rows
    tensors["costs"] = snapshot.progress.costs
    if snapshot.progress.right is not None:
        tensors["right"] = snapshot.progress.right
    if snapshot.best is not None:
        tensors["best_score"] = np.array([snapshot.best.score])
    tensors |= {f"extra.{name}": array for name, array in snapshot.extra.arrays.items()}
    return tensors


def shapes_of(described: Mapping[str, Any]) -> Shapes:
    """Give the shape and the dtype of each tensor that a description requires."""
    dtype, sizes = described["dtype"], described["sizes"]
    weights = [((n_out, n_in), dtype) for n_in, n_out in pairwise(sizes)]
    biases = [((n_out,), dtype) for n_out in sizes[1:]]
    shapes: Shapes = {}
    for name in described["states"]:
        shapes |= {f"{name}.weights.{k}": shape for k, shape in enumerate(weights)}
        shapes |= {f"{name}.biases.{k}": shape for k, shape in enumerate(biases)}
    for slot in described["slots"]:
        shapes |= {f"slots.{slot}.{k}": shape for k, shape in enumerate([*weights, *biases])}
    shapes |= {f"deferred.{name}": (tuple(shape), dtype) for name, (shape, dtype) in described["deferred"].items()}
    shapes["records"] = ((described["records"], len(COLUMNS)), "float64")
    shapes["costs"] = ((described["batches"],), "float64")
    if described["has_classes"]:
        shapes["right"] = ((described["batches"],), "float64")
    if described["best"] is not None:
        shapes["best_score"] = ((1,), "float64")
    extra = described["extra"]["arrays"]
    shapes |= {f"extra.{name}": (tuple(shape), dtype) for name, (shape, dtype) in extra.items()}
    return shapes


def read_header(path: Path) -> CheckpointHeader:
    """Read the description of a checkpoint, without its tensors.

    Raises
    ------
    FileError, ModelFileError
        When it cannot be read, is damaged, or is not a checkpoint.
    """
    with open_tensors(path) as file, file.refuse_damage():
        return _header(_parse(file))


def read_checkpoint(path: Path) -> tuple[CheckpointHeader, Snapshot]:
    """Read a checkpoint, and compare its checksum.

    Raises
    ------
    FileError, ModelFileError
        When it cannot be read, is damaged, or is not a checkpoint.
    """
    with open_tensors(path) as file:
        with file.refuse_damage():
            described = _parse(file)
            shapes = shapes_of(described)
            earlier = None if described["earlier"] is None else Provenance.parse(described["earlier"])
        arrays = file.read(shapes)
        if not all(np.isfinite(arrays[name]).all() for name in arrays if ".weights." in name or ".biases." in name):
            raise file.damaged("its parameters are NaN or infinite")
        if not np.array_equal(arrays["records"][:, 0], np.arange(1, described["records"] + 1)):
            raise file.damaged("its records are not those of the epochs 1, 2, ...")
    states = {name: _state(name, described, arrays) for name in described["states"]}
    progress = EpochProgress(
        epoch=described["epoch"],
        rows=described["rows"],
        costs=arrays["costs"],
        right=arrays.get("right"),
        learning_rate=described["learning_rate"],
        seconds=described["seconds"],
    )
    snapshot = Snapshot(
        state=states["now"],
        epoch_state=states.get("epoch", states["now"]),
        progress=progress,
        records=EpochTable(arrays["records"], described["absent"]),
        best=_best(described["best"], arrays, states),
        stopped=described["stopped"],
        message=described["message"],
        earlier=earlier,
        blas_threads=described["blas_threads"],
        extra=Extra(described["extra"]["values"], {name: arrays[f"extra.{name}"] for name in described["extra"]["arrays"]}),
    )
    return _header(described), snapshot


def _header(described: Mapping[str, Any]) -> CheckpointHeader:
    best = described["best"]
    return CheckpointHeader(
        settings=described["settings"],
        notes=described["notes"],
        version=described["chainrule"],
        epoch=described["epoch"],
        rows=described["rows"],
        step=described["states"]["now"]["step"],
        stopped=described["stopped"],
        last=described["last"],
        best_epoch=None if best is None else best["epoch"],
    )


def _best(best: Mapping[str, Any] | None, arrays: Arrays, states: Mapping[str, State]) -> BestSnapshot | None:
    if best is None:
        return None
    return BestSnapshot(best["epoch"], float(arrays["best_score"][0]), best["epochs_since"], states[best["state"]])


def _state(name: str, described: Mapping[str, Any], arrays: Arrays) -> State:
    """Take one of the states out of the arrays; the present one has the optimizer's slots and the deferred updates."""
    layers = range(len(described["sizes"]) - 1)
    weights, biases = (tuple(arrays[f"{name}.{kind}.{k}"] for k in layers) for kind in ("weights", "biases"))
    step, made_by = (described["states"][name][entry] for entry in ("step", "made_by"))
    if name != "now":
        return State(weights, biases, step=step, made_by=made_by)
    slots = {slot: tuple(arrays[f"slots.{slot}.{k}"] for k in range(2 * len(layers))) for slot in described["slots"]}
    deferred = {each: arrays[f"deferred.{each}"] for each in described["deferred"]}
    return State(weights, biases, slots, step, made_by, deferred)


# Reading the description strictly


def _parse(file: TensorFile) -> dict[str, Any]:
    """Check every entry of a description; a mistake raises ValueError, TypeError or KeyError."""
    if file.version != CHECKPOINT_VERSION:
        raise ModelFileError(f"{file.path} is a model file, not a checkpoint")
    described = file.description
    if not isinstance(described, dict) or set(described) != set(_TYPES):
        raise ValueError(f"its entries must be {', '.join(_TYPES)}")
    for name, types in _TYPES.items():
        if type(described[name]) not in types:
            raise TypeError(f"{name} is {type(described[name]).__name__}")
    _check_count(described, "epoch", "rows", "batches", "records")
    _check_count(described["settings"], "epochs")
    if not (math.isfinite(described["learning_rate"]) and described["seconds"] >= 0):
        raise ValueError("the learning rate must be finite, and the seconds at least 0")
    if any(name not in _OPTIONAL_COLUMNS for name in described["absent"]):
        raise ValueError(f"only {', '.join(_OPTIONAL_COLUMNS)} may be absent")
    _check_sizes(described["sizes"], described["dtype"], described["slots"])
    _check_states(described["states"])
    _check_best(described["best"], described["states"])
    _check_arrays(described["deferred"], MAXIMUM_DEFERRED, DTYPES)
    _check_extra(described["extra"])
    return described


_TYPES: dict[str, tuple[type, ...]] = {
    "settings": (dict,),
    "notes": (dict,),
    "chainrule": (str,),
    "epoch": (int,),
    "rows": (int,),
    "learning_rate": (float,),
    "seconds": (float,),
    "batches": (int,),
    "has_classes": (bool,),
    "dtype": (str,),
    "sizes": (list,),
    "slots": (list,),
    "records": (int,),
    "absent": (list,),
    "last": (dict, type(None)),
    "states": (dict,),
    "deferred": (dict,),
    "extra": (dict,),
    "best": (dict, type(None)),
    "stopped": (str,),
    "message": (str,),
    "earlier": (dict, type(None)),
    "blas_threads": (int, type(None)),
}


def _check_count(entries: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if type(entries[name]) is not int or not 0 <= entries[name] < 2**63:
            raise ValueError(f"{name} must be a whole number from 0")


def _check_sizes(sizes: Sequence[Any], dtype: str, slots: Sequence[Any]) -> None:
    if not 2 <= len(sizes) <= MAXIMUM_LAYERS + 1 or any(type(size) is not int or not 1 <= size < 2**31 for size in sizes):
        raise ValueError("sizes must be 2 to 1,001 whole numbers from 1")
    if dtype not in DTYPES or len(slots) > MAXIMUM_SLOTS or any(type(slot) is not str for slot in slots):
        raise ValueError(f"dtype must be one of {DTYPES}, and slots at most {MAXIMUM_SLOTS} names")


def _check_states(states: Mapping[str, Any]) -> None:
    if "now" not in states or any(name not in ("now", "epoch", "best") for name in states):
        raise ValueError("its states must be now, epoch and best")
    for state in states.values():
        if set(state) != {"step", "made_by"} or type(state["made_by"]) is not str:
            raise ValueError("a state must have a step and the name of its engine")
        _check_count(state, "step")


def _check_best(best: Mapping[str, Any] | None, states: Mapping[str, Any]) -> None:
    if best is None:
        return
    if set(best) != {"epoch", "epochs_since", "state"} or best["state"] not in states:
        raise ValueError("its best epoch must have a number, the epochs since, and a state of the file")
    _check_count(best, "epoch", "epochs_since")


def _check_extra(extra: Mapping[str, Any]) -> None:
    if set(extra) != {"values", "arrays"} or type(extra["values"]) is not dict or type(extra["arrays"]) is not dict:
        raise ValueError("its extra entries must be values and arrays")
    _check_arrays(extra["arrays"], MAXIMUM_EXTRA, TENSOR_TYPES.values())


def _check_arrays(arrays: Mapping[str, Any], most: int, dtypes: Collection[str]) -> None:
    """Check the names, shapes and dtypes of arrays that the layers' sizes do not determine."""
    if len(arrays) > most or not all(_ARRAY_NAME.fullmatch(name) for name in arrays):
        raise ValueError(f"there may be at most {most} such arrays, with names of lowercase letters and underscores")
    for shape, dtype in arrays.values():
        if dtype not in dtypes or len(shape) > 2 or any(type(size) is not int or size < 0 for size in shape):
            raise ValueError("an array must have at most two axes and a dtype that the format has")
