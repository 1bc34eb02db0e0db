"""The bodies of requests and answers: classes from which requests are decoded, and from which ``/openapi.json`` is made."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ..input_spec import SIDE
from .run_requests import RunRequest

Pixel = Annotated[float, Meta(ge=0, le=255)]
Image = Annotated[
    tuple[Pixel, ...],
    Meta(
        min_length=SIDE * SIDE,
        max_length=SIDE * SIDE,
        description="A picture of 28 x 28 pixels in MNIST's form, row by row: 0 is background, 255 is ink. "
        "A blank one is computed like any other.",
        extra_json_schema={"anyOf": [{"contains": {"exclusiveMinimum": 1}}, {"items": {"const": 0}}]},
    ),
]
Fraction = Annotated[float, Meta(ge=0, le=1)]


class Picture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture to read."""

    pixels: Image


class LabelledPicture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture with its true label."""

    pixels: Image
    label: Annotated[int, Meta(ge=0, lt=1000, description="The true label, below the number of the network's outputs.")]


class Reading(msgspec.Struct, frozen=True):
    """What the network reads: the label of the largest output, and all outputs."""

    label: int
    outputs: list[float]


class Derivation(msgspec.Struct, frozen=True):
    """An explanation as an HTML ``<article>``; its style is ``/static/explanation.css``."""

    html: str


class TrainingOfModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which network to train for drawings."""

    distort: Annotated[bool, Meta(description="Whether to shift, scale, slant and rotate the digits anew in each epoch.")] = False


class TrainingProgress(msgspec.Struct, frozen=True):
    """How far the training of the Draw tab's network is; ``accuracy`` is that of the last epoch."""

    distort: bool
    epoch: int
    epochs: int
    step: int
    steps: int
    accuracy: Fraction | None


class ReadyModel(msgspec.Struct, frozen=True):
    """The network that reads drawings.

    ``version`` changes with the network, as in ``/model.js?version=...``. ``distort``, the ``seconds`` of the training and the
    accuracies are null where a file gave the network; ``distorted_accuracy`` is that of the test digits, each distorted once.
    """

    version: str
    name: str
    sizes: list[int]
    epochs: int | None = None
    seconds: float | None = None
    distort: bool | None = None
    test_accuracy: Fraction | None = None
    distorted_accuracy: Fraction | None = None


class ModelState(msgspec.Struct, frozen=True):
    """The state of the Draw tab's network. While another one trains, ``model`` is the one before.

    ``trained`` are the networks that the server has trained: the newest on plain digits, and the newest on distorted ones.
    """

    state: Literal["training", "ready", "refused", "failed"]
    message: str = ""
    model: ReadyModel | None = None
    training: TrainingProgress | None = None
    trained: list[ReadyModel] = msgspec.field(default_factory=list)


class Mistake(msgspec.Struct, frozen=True):
    """Why a request was refused, in one line."""

    error: str


RunState = Literal["ready", "running", "paused", "finished", "diverged", "failed"]
Column = list[float | None]


class RunProgress(msgspec.Struct, frozen=True):
    """How far a run is, and its curves in columns."""

    id: str
    state: RunState
    message: str
    epoch: int
    epochs: int
    step: int
    steps: int
    examples_per_second: float | None
    curves: dict[str, dict[str, Column]]


class RunLines(msgspec.Struct, frozen=True):
    """The Python program and the command that reproduce a run; ``csv`` is the file of points that the command reads, if any."""

    python: str
    cli: str
    csv: str | None


class WrittenFormula(msgspec.Struct, frozen=True):
    """A formula as MathML and as text."""

    mathml: str
    text: str


class LayerFormulas(msgspec.Struct, frozen=True):
    """The formulas of one layer."""

    layer: int
    inputs: int
    units: int
    activation: str
    lines: list[WrittenFormula]


class RunFormulas(msgspec.Struct, frozen=True):
    """The formulas of a run's layers, of its cost, and of the error at the output."""

    layers: list[LayerFormulas]
    cost: str
    lines: list[WrittenFormula]


class PlanePoints(msgspec.Struct, frozen=True):
    """Points of the plane, in columns."""

    x: list[float]
    y: list[float]
    class_: list[int] = msgspec.field(name="class")


class RunDescription(RunProgress, frozen=True, kw_only=True):
    """What stays the same while a run trains, and how far it is.

    A run of this server has ``settings``, ``lines`` and ``link``; one that is only watched has ``folder`` instead.
    """

    settings: RunRequest | msgspec.UnsetType = msgspec.UNSET
    lines: RunLines | msgspec.UnsetType = msgspec.UNSET
    link: str | msgspec.UnsetType = msgspec.UNSET
    folder: str | msgspec.UnsetType = msgspec.UNSET
    sizes: list[int]
    formulas: RunFormulas
    points: PlanePoints | None


class RunSummary(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of the runs: of this server with ``settings``, ``state`` and ``epoch``; or only watched, with ``folder``."""

    id: str
    settings: RunRequest | msgspec.UnsetType = msgspec.UNSET
    state: RunState | msgspec.UnsetType = msgspec.UNSET
    epoch: int | msgspec.UnsetType = msgspec.UNSET
    folder: str | msgspec.UnsetType = msgspec.UNSET


class RunList(msgspec.Struct, frozen=True):
    """The runs of a server."""

    runs: list[RunSummary]
