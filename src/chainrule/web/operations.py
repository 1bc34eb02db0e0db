"""The operations of the JSON API: a table from which the routes and ``/openapi.json`` are made, and a function for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..errors import DataError, FileError, SettingError, UnknownName
from .drawing import DISTORTED, PLAIN, Drawing
from .events import Hub
from .live_run import LiveRun
from .messages import (
    Derivation,
    LabelledPicture,
    ModelState,
    Picture,
    Reading,
    RunDescription,
    RunList,
    RunProgress,
    TrainingOfModel,
)
from .refusal import Refusal
from .run_registry import RunRegistry
from .run_requests import RunRequest
from .watched_run import WatchedRun


@dataclass(frozen=True)
class Context:
    """All that the operations of one server work on.

    Attributes
    ----------
    hub : Hub
    drawing : Drawing
    runs : RunRegistry
    watched : mapping of str to WatchedRun
        The run folders of ``--run``, by id.
    """

    hub: Hub
    drawing: Drawing
    runs: RunRegistry
    watched: Mapping[str, WatchedRun]


@dataclass(frozen=True)
class Operation:
    """One operation of the API.

    Attributes
    ----------
    method, path : str
        The names in braces in the path are parameters, and arguments of ``answer``.
    name : str
        Its name in ``/openapi.json``.
    summary : str
    answer : callable
        Takes the context, the body where there is one, and the path's parameters; gives the answer, or None for an empty one.
    body : class or None
        What the body is decoded into.
    returns : class or None
        What the answer is.
    status : int
        The status of success.
    refusals : mapping of int to str
        The other statuses, and when they are given.
    """

    method: str
    path: str
    name: str
    summary: str
    answer: Callable[..., Any]
    body: type[msgspec.Struct] | None = None
    returns: Any = None
    status: int = 200
    refusals: Mapping[int, str] = field(default_factory=dict)


# The Draw tab


def predict(context: Context, body: Picture) -> Reading:
    """Read a picture."""
    with conflicts():
        return context.drawing.read(body.pixels)


def explain(context: Context, body: LabelledPicture) -> Derivation:
    """Explain how the network reads a picture."""
    with conflicts():
        return context.drawing.explain(body.pixels, body.label)


def show_model(context: Context) -> ModelState:
    """Give the state of the Draw tab's network."""
    return context.drawing.state


def train_model(context: Context, body: TrainingOfModel) -> ModelState:
    """Train another network for the Draw tab."""
    context.drawing.train(DISTORTED if body.distort else PLAIN)
    return context.drawing.state


def cancel_training(context: Context) -> ModelState:
    """End the training of the Draw tab's network."""
    context.drawing.cancel()
    return context.drawing.state


# The Train tab


def create_run(context: Context, body: RunRequest) -> dict[str, Any]:
    """Make a run."""
    with conflicts():
        run = context.runs.create(body)
    return {**run.description, **run.progress()}


def list_runs(context: Context) -> dict[str, Any]:
    """List the runs, the watched ones first."""
    watched = [{"id": run.identifier, "folder": run.name} for run in context.watched.values()]
    live = [
        {"id": run.identifier, "settings": run.description["settings"], "state": run.state, "epoch": run.progress()["epoch"]}
        for run in context.runs.all()
    ]
    return {"runs": [*watched, *live]}


def show_run(context: Context, run: str) -> dict[str, Any]:
    """Describe a run."""
    watched = context.watched.get(run)
    if watched is not None:
        with conflicts():
            description, frame = watched.description(), watched.frame()
        return {**description, **{name: frame[name] for name in RunProgress.__struct_fields__}}
    live = find_run(context, run)
    return {**live.description, **live.progress()}


def start_run(context: Context, run: str) -> dict[str, Any]:
    """Start a run, or go on with it."""
    find_run(context, run)
    with conflicts():
        return context.runs.start(run).progress()


def pause_run(context: Context, run: str) -> dict[str, Any]:
    """Pause a run."""
    live = find_run(context, run)
    live.pause()
    return live.progress()


def step_run(context: Context, run: str) -> dict[str, Any]:
    """Train one mini-batch of a run."""
    live = find_run(context, run)
    with conflicts():
        live.step()
    return live.progress()


def reset_run(context: Context, run: str) -> dict[str, Any]:
    """Begin a run anew."""
    live = find_run(context, run)
    live.reset()
    return live.progress()


def remove_run(context: Context, run: str) -> None:
    """Remove a run."""
    find_run(context, run)
    context.runs.remove(run)


def find_run(context: Context, run: str) -> LiveRun:
    """Find a run that this server trains.

    Raises
    ------
    Refusal
        When there is none of that id, or another process trains it.
    """
    if run in context.watched:
        raise Refusal(409, "another process trains this run; here it can only be watched")
    try:
        return context.runs.get(run)
    except UnknownName:
        known = ", ".join([*context.watched, *(each.identifier for each in context.runs.all())])
        remedy = f"the runs are: {known}" if known else "there are none; POST /api/runs makes one"
        raise Refusal(404, f"there is no run {run[:40]!r}; {remedy}") from None


@contextmanager
def conflicts() -> Iterator[None]:
    """Refuse what the network, the state of a run, or the number of runs does not allow."""
    try:
        yield
    except (SettingError, FileError, DataError) as error:
        raise Refusal(409, str(error)) from None


NO_NETWORK = "There is no network yet, or none that reads drawings."
NO_RUN = "There is no run of this id."
ONLY_WATCHED = "Another process trains this run."

OPERATIONS = (
    Operation(
        "POST",
        "/api/predict",
        "predict",
        "Read a picture of a digit",
        predict,
        Picture,
        Reading,
        refusals={409: f"{NO_NETWORK} Or an output overflows."},
    ),
    Operation(
        "POST",
        "/api/explain",
        "explain",
        "Explain how the network reads a picture, and what it would learn from it",
        explain,
        LabelledPicture,
        Derivation,
        refusals={409: f"{NO_NETWORK} Or it has no such label."},
    ),
    Operation("GET", "/api/model", "show_model", "The state of the network that reads drawings", show_model, returns=ModelState),
    Operation(
        "POST",
        "/api/model",
        "train_model",
        "Train another network for drawings; it replaces the present one when it is complete",
        train_model,
        TrainingOfModel,
        ModelState,
        202,
        {409: "A network is being trained already."},
    ),
    Operation(
        "POST",
        "/api/model/cancel",
        "cancel_training",
        "Cancel the training of a network for drawings; the network of before stays",
        cancel_training,
        returns=ModelState,
        refusals={409: "No network is being trained."},
    ),
    Operation(
        "POST",
        "/api/runs",
        "create_run",
        "Make a run, ready to be started",
        create_run,
        RunRequest,
        RunDescription,
        201,
        {409: "There are too many runs, or the settings exclude one another."},
    ),
    Operation("GET", "/api/runs", "list_runs", "All runs, with those that are only watched first", list_runs, returns=RunList),
    Operation(
        "GET",
        "/api/runs/{run}",
        "show_run",
        "What a run trains, the lines that reproduce it, and how far it is",
        show_run,
        returns=RunDescription,
        refusals={404: NO_RUN, 409: "The folder of a watched run cannot be read."},
    ),
    Operation(
        "POST",
        "/api/runs/{run}/start",
        "start_run",
        "Start a run, or go on with it",
        start_run,
        returns=RunProgress,
        refusals={404: NO_RUN, 409: f"The run has ended, or too many are training. {ONLY_WATCHED}"},
    ),
    Operation(
        "POST",
        "/api/runs/{run}/pause",
        "pause_run",
        "Pause a run",
        pause_run,
        returns=RunProgress,
        refusals={404: NO_RUN, 409: ONLY_WATCHED},
    ),
    Operation(
        "POST",
        "/api/runs/{run}/step",
        "step_run",
        "Train one mini-batch",
        step_run,
        returns=RunProgress,
        refusals={404: NO_RUN, 409: f"The run has ended. {ONLY_WATCHED}"},
    ),
    Operation(
        "POST",
        "/api/runs/{run}/reset",
        "reset_run",
        "Begin a run anew, with the parameters of the same seed",
        reset_run,
        returns=RunProgress,
        refusals={404: NO_RUN, 409: ONLY_WATCHED},
    ),
    Operation(
        "DELETE",
        "/api/runs/{run}",
        "remove_run",
        "Remove a run",
        remove_run,
        status=204,
        refusals={404: NO_RUN, 409: ONLY_WATCHED},
    ),
)
