"""``chainrule predict``: what a model says of pictures, and of rows of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from typer import Argument, Exit

from .._format import below_1
from ..errors import ChainruleError, DataError, DataTypeError, FileError
from .columns import places_of
from .data import SVMLIGHT, learnt_classes, said_of, svmlight_for
from .options import flag
from .scores import certainty, probabilities
from .telling import say, say_json, warn

if TYPE_CHECKING:
    from .._types import AnyArray, Array, Inputs
    from ..network import Network


def predict(
    model: Annotated[Path, Argument(metavar="MODEL", help="A model that train has saved.", show_default=False)],
    files: Annotated[
        list[Path],
        Argument(
            metavar="FILE",
            help="PNG or JPEG pictures, or rows of numbers as .npy, .csv or .svmlight.",
            show_default=False,
        ),
    ],
    outputs: Annotated[bool, flag("--outputs", "-a", text="Print all outputs of the network.")] = False,
    as_json: Annotated[bool, flag("--json", text="Print a JSON object a line instead, one for each picture or row.")] = False,
) -> None:
    """Tell what each picture or row is: its label and how sure that is, or its value.

    With softmax the label's probability is told, else its output, which is
    no probability. For a model of MNIST a picture is first brought to the form
    of its images: light on dark, and the digit in the middle. For a model of
    other images a picture of their size is taken as it is, and a larger one
    scaled down. For a model of a table pictures are refused. A file that cannot
    be read is named on standard error, the others are told, and the exit status
    is 2.
    """
    from ..network import load

    network = load(model)
    mistakes = 0
    for path in files:
        try:
            _tell(path, network, outputs, as_json)
        except ChainruleError as error:
            mistakes += 1
            warn(f"error: {error}")
            if as_json:
                say_json({"file": str(path), "error": str(error)})
    if mistakes:
        raise Exit(2)


def _tell(path: Path, network: Network, outputs: bool, as_json: bool) -> None:
    """Tell what the rows of a file are."""
    x: Any = _read(path, network)
    rows = network.feedforward(x)
    for k, a in enumerate(rows):
        name = str(path) if len(rows) == 1 else f"{path}[{k}]"
        if np.isnan(a).any():
            raise DataError(f"{name}: the network's outputs are NaN for this row; its numbers are too large")
        told = Told.of(network, a)
        if as_json:
            say_json({"file": str(path), "row": k, **told.facts(outputs)})
        else:
            say(f"{name}  {told.line(outputs)}")


@dataclass(frozen=True)
class Told:
    """What a network says of one row.

    Attributes
    ----------
    outputs : array, shape (n_out,)
    label : int or None
        None where the network gives values.
    certainty : float or None
        The label's own output.
    kind : str
        probability, where outputs are one distribution; else output.
    """

    outputs: Array
    label: int | None
    certainty: float | None
    kind: str

    @classmethod
    def of(cls, network: Network, a: Array) -> Told:
        """Read a row of outputs (n_out,)."""
        if not learnt_classes(network):
            return cls(a, None, None, "value")
        kind = "probability" if probabilities(network) else "output"
        label = int(a.argmax()) if len(a) > 1 else int(a[0] > 0.5)
        return cls(a, label, float(a[label if len(a) > 1 else 0]), kind)

    def facts(self, outputs: bool) -> dict[str, Any]:
        """Give it as JSON's types."""
        rest = {"outputs": self.outputs} if outputs else {}
        if self.label is None:
            return {"value": self.outputs[0], **rest} if len(self.outputs) == 1 else {"values": self.outputs, **rest}
        return {"label": self.label, self.kind: self.certainty, **rest}

    def line(self, outputs: bool) -> str:
        """Tell it in a line."""
        if self.label is None or self.certainty is None:
            return " ".join(f"{value:.6g}" for value in self.outputs)
        rest = "  outputs " + " ".join(below_1(value) for value in self.outputs) if outputs else ""
        return f"{self.label}  {certainty(self.kind, self.certainty)}{rest}"


def _read(path: Path, network: Network) -> Inputs:
    """Read a file as rows that the network takes, (n, n_in)."""
    kind = path.suffix.lower()
    if kind in SVMLIGHT:
        return svmlight_for(network, path).x
    if kind == ".npy":
        rows = read_npy(path)
    elif kind in (".csv", ".tsv"):
        from ..datasets.csv_file import read_csv

        names, rows = read_csv(path)
        wanted = network.provenance.columns if network.provenance else []
        if names and wanted:
            rows = rows[:, places_of(wanted, names, str(path))]
    elif kind in (".npz", ".parquet"):
        raise DataError(f"{path}: predict reads rows from .npy, .csv and .svmlight; save them as one of these, without the target")
    else:
        return _read_picture(path, network)
    return _checked(path, _as_rows(path, rows, network), network)


def _checked(path: Path, rows: AnyArray, network: Network) -> AnyArray:
    """Read rows as the network learnt to read them; name the file in what is wrong with them."""
    takes = network.sizes[0]
    if rows.ndim == 2 and rows.shape[1] != takes:
        hint = "; leave the target's column out" if rows.shape[1] == takes + 1 else ""
        raise DataError(f"{path} has rows of {rows.shape[1]} numbers, but the network takes {takes}{hint}")
    try:
        return np.asarray(network.read(rows).x)
    except (DataError, DataTypeError) as error:
        raise type(error)(f"{path}: {error}") from None


def _read_picture(path: Path, network: Network) -> AnyArray:
    """Read a picture as the network's training images were.

    Raises
    ------
    DataError
        When the network learnt no images, or its file does not say how they lie.
    """
    from ..datasets.pictures import read_image

    spec = network.inputs
    if spec is None or not (spec.is_image and (spec.unit or spec.kind == "pixels")):
        learnt = "its file does not say what it learnt" if spec is None else f"the model learnt {said_of(spec)}"
        if spec is not None and spec.is_image:
            learnt += f" from {spec.low:g} to {spec.high:g}, not from 0 to 1"
        remedy = "give it rows of numbers, as .npy or .csv"
        if spec is None or spec.kind == "pixels":
            remedy += ", or train it on chainrule.Examples(x, y, layout=(rows, columns))"
        raise DataError(f"cannot use {path}: a picture is for a model of images, and {learnt}; {remedy}")
    row, note = read_image(path, spec)
    if note:
        warn(f"{path}: {note}")
    return row


def _as_rows(path: Path, x: AnyArray, network: Network) -> AnyArray:
    """Bring one row, or images (n, rows, columns), to (n, n_in) where that fits.

    Raises
    ------
    DataError
        When images have other rows and columns than those that the network learnt.
    """
    takes, spec = network.sizes[0], network.inputs
    if x.ndim == 1 and len(x) == takes:
        return x[None]
    if x.ndim == 3 and spec is not None and spec.is_image and x.shape[1:] != spec.shape:
        came, learnt = (f"{rows} x {columns}" for rows, columns in (x.shape[1:], spec.shape))
        raise DataError(f"{path} holds images of {came}, but the network learnt images of {learnt}")
    if x.ndim == 3 and spec is not None and spec.transposed:
        warn(f"{path}: the images were taken as they are stored, column by column, as those that the network learnt")
    return x.reshape(len(x), takes) if x.ndim > 2 and math.prod(x.shape[1:]) == takes else x


def read_npy(path: Path) -> AnyArray:
    """Read an array, executing nothing and allocating nothing that its header asks for: it is mapped, as its file's size allows.

    Raises
    ------
    FileError
        When it cannot be read.
    DataError
        When it is no intact .npy file of numbers.
    """
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from None
    except Exception as error:  # NumPy parses the header with Python's own tokenizer, whose errors are of many kinds
        raise DataError(f"{path} is no intact .npy file of numbers: {error}") from None
