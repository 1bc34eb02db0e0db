"""A run folder of ``--checkpoint``, whose training is another process's, published by the frames of a live run.

The curves come from ``history.jsonl``, the pictures from the newest checkpoint. The folder is read twice a second while somebody
watches, and never written to.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from ..calculus.descent import number_of_steps
from ..checkpoints.checkpoint_file import read_checkpoint
from ..checkpoints.run_folder import HISTORY, RunFolder, first_run
from ..checkpoints.run_status import HistoryReader, RunStatus, read_status
from ..datasets.plane_sets import PLANE_SETS
from ..errors import ChainruleError, FileError, ModelFileError
from ..examples import Examples
from ..network import Network, network_from
from ..plan import Layer, Plan, State, cost_from_json
from .events import Topic
from .layer_formulas import cost_formulas, layer_formulas
from .learning_curves import LearningCurves, rounded
from .live_run import DELTA_ROWS, NO_PICTURES, error_line, network_frame
from .network_pictures import plane_points
from .refusal import as_line, in_utf8
from .run_requests import SIZES, named_data

POLL_SECONDS = 0.5

STATES = {
    "running": "running",
    "finished": "finished",
    "stopped early": "finished",
    "diverged": "diverged",
    "interrupted": "paused",
    "killed": "failed",
}
"""The state of a live run for each state of a folder's."""

NAMED_DATA = (*SIZES, *PLANE_SETS)
"""The data whose examples can be loaded by their name."""

NO_PROGRESS: dict[str, Any] = {
    "epoch": 0,
    "epochs": 0,
    "step": 0,
    "steps": 0,
    "examples_per_second": None,
    "curves": LearningCurves().columns(),
}


class WatchedRun:
    """A run folder as a run of the page, which cannot be started or stopped from there.

    Parameters
    ----------
    identifier : str
    folder : Path
        That of ``--checkpoint``; of a table's networks the first is watched.
    topic : Topic
        Where frames are published; it calls ``refresh`` when somebody begins to watch.
    """

    def __init__(self, identifier: str, folder: Path, topic: Topic) -> None:
        self.identifier = identifier
        self.folder = folder
        self.name = in_utf8(folder.name)
        self.topic = topic
        self._checkpoint: tuple[str, Network] | None = None  # the file that the pictures are of
        self._pictures = NO_PICTURES
        self._history = HistoryReader(folder / HISTORY)
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name=f"chainrule-watch-{identifier}", daemon=True)
        self._thread.start()
        topic.on_watch = self.refresh

    def refresh(self) -> None:
        """Publish a frame soon, for somebody who has just begun to watch."""
        self._wake.set()

    def close(self) -> None:
        """End the thread; ``join`` waits for that."""
        self._closing = True
        self._wake.set()

    def join(self, seconds: float) -> bool:
        """Wait for the end of a closed run's thread; tell whether it has ended."""
        self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()

    def _work(self) -> None:
        """Publish the folder twice a second while somebody watches."""
        while not self._closing:
            if self.topic.watched:
                self.topic.publish("frame", self.frame())
            self._wake.wait(POLL_SECONDS if self.topic.watched else None)
            self._wake.clear()

    def frame(self) -> dict[str, Any]:
        """Read the folder, and give its frame; a folder that cannot be read is a failed run with a message."""
        try:
            path = first_run(self.folder).path
            return self._frame(read_status(path, self._history_of(path)))
        except Exception as error:  # another process writes the folder, and anybody may have damaged it
            return {"id": self.identifier, "state": "failed", "message": self._error_line(error), **NO_PROGRESS, **NO_PICTURES}

    def _error_line(self, error: Exception) -> str:
        """Describe an error in one line, with the folder's name in place of an absolute path."""
        line = error_line(error)
        return as_line(line.replace(str(self.folder), self.name) if self.folder.is_absolute() else line)

    def _history_of(self, path: Path) -> HistoryReader:
        """Give the reader of a run folder's history, which keeps what it has read from frame to frame."""
        if self._history.path != path / HISTORY:
            self._history = HistoryReader(path / HISTORY)
        return self._history

    def _frame(self, status: RunStatus) -> dict[str, Any]:
        settings, records = status.header.settings, status.records
        self._read_pictures(status.path, settings, _named_data(status.header.notes))
        return {
            "id": self.identifier,
            "state": STATES[status.state],
            "message": _message(status),
            "epoch": len(records),
            "epochs": settings["epochs"],
            "step": status.header.step,
            "steps": number_of_steps(settings["examples"], settings["plan"]["batch_size"], settings["epochs"]),
            "examples_per_second": rounded(records[-1].examples_per_second) if records else None,
            "curves": LearningCurves(records).columns(),
            **self._pictures,
        }

    def _read_pictures(self, path: Path, settings: dict[str, Any], data: str | None) -> None:
        """Compute the pictures of the newest checkpoint, where there is a newer one than before."""
        newest = RunFolder(path).checkpoints()[:1]
        if not newest or (self._checkpoint is not None and self._checkpoint[0] == newest[0].name):
            return
        network = network_of(settings["plan"], newest_state(path))
        self._checkpoint = newest[0].name, network
        self._pictures = network_frame(network, _delta_rows(data))

    def description(self) -> dict[str, Any]:
        """Describe what stays the same: the folder's name, the network's formulas, and the points of a data set of the plane.

        Raises
        ------
        FileError
            When the folder cannot be read.
        """
        try:
            return self._description(first_run(self.folder).path)
        except ChainruleError as error:
            raise FileError(self._error_line(error)) from None

    def _description(self, path: Path) -> dict[str, Any]:
        header = RunFolder(path).header()
        network, data = network_of(header.settings.get("plan"), newest_state(path)), _named_data(header.notes)
        return {
            "id": self.identifier,
            "folder": self.name,
            "sizes": network.sizes,
            "formulas": {"layers": layer_formulas(network), **cost_formulas(network)},
            "points": None if data is None else plane_points(named_data(data).train),
        }


def newest_state(path: Path) -> State:
    """Read the parameters of a run folder's newest intact checkpoint, without its lock.

    Raises
    ------
    FileError, ModelFileError
        When there is none.
    """
    error: ChainruleError = FileError(f"{path} is not the folder of a training: it has no checkpoint")
    for file in RunFolder(path).checkpoints():
        try:
            return read_checkpoint(file)[1].state
        except (FileError, ModelFileError) as reason:  # damaged, or removed by the training in the meantime
            error = reason
    raise error


def network_of(plan: Any, state: State) -> Network:
    """Make a network of a checkpoint's plan and parameters.

    Raises
    ------
    ModelFileError
        When an activation or the cost is one of the user's own, or the plan does not describe these parameters.
    """
    try:
        layers = tuple(Layer(each["n_in"], each["n_out"], each["activation"]) for each in plan["layers"])
        made = Plan(layers, cost=cost_from_json(plan["cost"]), dtype=plan["dtype"])
        _ = made.sigmas  # looks the activations up
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"the checkpoint's network cannot be shown: {error}") from None
    if [w.shape for w in state.weights] != [(layer.n_out, layer.n_in) for layer in layers]:
        raise ModelFileError("the checkpoint's network cannot be shown: its layers are not those of its parameters")
    return network_from(made, state.weights, state.biases, init=None)


def _named_data(notes: dict[str, Any]) -> str | None:
    """Give the name of the data that the command line trained on; None where it has no name, or that is not known."""
    resolved = notes.get("resolved")
    data = resolved.get("data") if isinstance(resolved, dict) else None
    return data if isinstance(data, str) and data in NAMED_DATA else None


def _delta_rows(data: str | None) -> Examples | None:
    return None if data is None else named_data(data).train[:DELTA_ROWS]


def _message(status: RunStatus) -> str:
    """Say why a training ended, and how to go on with it."""
    if status.state in ("running", "finished"):
        return ""
    epoch = f"{status.state} in epoch {status.header.epoch}"
    return f"{epoch}; go on with --resume" if status.state in ("killed", "interrupted") else epoch
