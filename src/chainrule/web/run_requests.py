"""The settings of a live run: decoded strictly, made into a ``Run``, and written as Python, as a command and as a link.

All three reproduce the run's parameters bit by bit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from threading import Lock
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
import numpy as np
from msgspec import Meta

from .. import datasets
from ..calculus.activations import find_activation
from ..calculus.costs import find_cost
from ..datasets import Dataset
from ..errors import SettingError
from ..examples import Examples
from ..network import Network
from ..training import Run

Data = Literal["mnist", "digits", "circles", "spiral", "xor", "moons", "points"]
Activation = Literal[
    "sigmoid", "tanh", "relu", "leaky_relu", "identity", "exp", "gelu", "silu", "mish", "selu"
]  # of hidden layers: all but softmax
Cost = Literal["quadratic", "cross_entropy", "log_loss"]
Optimizer = Literal["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "lion"]

Units = Annotated[int, Meta(ge=1, le=512)]
Coordinate = Annotated[float, Meta(ge=-1, le=1)]
Class = Annotated[int, Meta(ge=0, le=1)]
Point = tuple[Coordinate, Coordinate, Class]

SIZES = {"mnist": (784, 10), "digits": (64, 10)}
"""The inputs and outputs of a network for a data set; of all others 2 and 2."""

POINTS_FILE = "points.csv"
"""The file that the command line reads a user's own points from."""

LINE_LENGTH = 80
"""The most characters of a line of a program or a command."""


class RunRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings of a live run; decoding a body or a link checks that each is within its limits.

    Attributes
    ----------
    data : str
        A data set's name, or points for the user's own.
    hidden : tuple of int
        Units of each hidden layer; may be empty.
    activation, cost, optimizer : str
    learning_rate, l2, dropout : float
    batch_size, epochs : int
    seed : int
        Of the weights and of the order; below 2**53, so that JavaScript keeps it.
    points : tuple of (x, y, class)
        The user's own points, for training and validation; of both classes.
    """

    data: Data = "spiral"
    hidden: Annotated[tuple[Units, ...], Meta(max_length=4)] = (16, 16)
    activation: Activation = "tanh"
    cost: Cost = "log_loss"
    optimizer: Optimizer = "adam"
    learning_rate: Annotated[float, Meta(gt=0, le=1000)] = 0.01
    batch_size: Annotated[int, Meta(ge=1, le=1000)] = 20
    l2: Annotated[float, Meta(ge=0, le=100)] = 0.0
    dropout: Annotated[float, Meta(ge=0, le=0.95)] = 0.0
    epochs: Annotated[int, Meta(ge=1, le=100_000)] = 200
    seed: Annotated[int, Meta(ge=0, lt=2**53)] = 0
    points: Annotated[tuple[Point, ...], Meta(max_length=2000)] = ()

    def __post_init__(self) -> None:
        if self.data != "points" and self.points:
            wrong = f"points must be left out for the data {self.data}, but {len(self.points)} came"
            raise SettingError(f"{wrong}; set data to points, or leave them out")
        if self.data == "points" and len({point[2] for point in self.points}) < 2:
            which = f"all {len(self.points)} are of class {self.points[0][2]}" if self.points else "there are none"
            raise SettingError(f"points must be of both classes, 0 and 1, but {which}; add points [x, y, class] to the list")

    @property
    def sizes(self) -> list[int]:
        """The network's sizes."""
        n_in, n_out = SIZES.get(self.data, (2, 2))
        return [n_in, *self.hidden, n_out]


# The run


def named_data(name: str) -> Dataset:
    """Load a data set once: all runs of it share the copy that their engine has prepared."""
    with _LOADING:
        return _load(name)


_LOADING = Lock()  # without it two threads would load two copies


@cache
def _load(name: str) -> Dataset:
    dataset: Dataset = getattr(datasets, name)()
    return dataset


def examples_of(request: RunRequest) -> tuple[Examples, Examples]:
    """Give the examples for training and for validation; the user's own points are both."""
    if request.data != "points":
        dataset = named_data(request.data)
        return dataset.train, dataset.validation
    points = np.array(request.points, dtype=np.float64)
    examples = Examples(points[:, :2], points[:, 2].astype(int))
    return examples, examples


def make_run(request: RunRequest) -> Run:
    """Make the run; it trains in one thread, since several runs share the machine. The number of threads changes no bit."""
    examples, validation = examples_of(request)
    network = Network(request.sizes, **network_settings(request))
    run = Run(network, examples, validation=validation, threads=1, **training_settings(request))
    run.warns_of_divergence = False  # the run's state says it
    return run


def network_settings(request: RunRequest) -> dict[str, Any]:
    """Give the settings of ``Network``."""
    return {"activation": request.activation, "cost": request.cost, "seed": request.seed}


def training_settings(request: RunRequest) -> dict[str, Any]:
    """Give the settings of ``Run``, which are options of ``chainrule train`` too."""
    names = ("epochs", "batch_size", "learning_rate", "optimizer", "l2", "dropout")
    return {name: getattr(request, name) for name in names}


# Python


def python_lines(request: RunRequest) -> str:
    """Write the program that trains this run to its end, and prints its last epoch."""
    if request.data == "points":
        head = ["import numpy as np", "", "import chainrule as cr", "", *_points_in_python(request)]
        examples, validation = "(x, y)", "(x, y)"
    else:
        head = ["import chainrule as cr", "", f"data = cr.datasets.{request.data}()"]
        examples, validation = "data.train", "data.validation"
    network, training = _arguments(network_settings(request)), _arguments(training_settings(request))
    return "\n".join(
        [
            *head,
            *_call("net = cr.Network", [str(request.sizes), *network]),
            *_call("history = cr.train", ["net", examples, f"validation={validation}", *training]),
            "print(history.records[-1])",
            "",
        ]
    )


def _points_in_python(request: RunRequest) -> list[str]:
    rows = [f"    [{x!r}, {y!r}, {label}]," for x, y, label in request.points]
    return ["points = np.array([", *rows, "])", "x, y = points[:, :2], points[:, 2].astype(int)"]


def _arguments(settings: Mapping[str, Any]) -> list[str]:
    return [f"{name}={json.dumps(value) if isinstance(value, str) else repr(value)}" for name, value in settings.items()]


def _call(function: str, arguments: Sequence[str]) -> list[str]:
    return [f"{function}(", *_wrapped([f"{argument}," for argument in arguments]), ")"]


def _wrapped(words: Iterable[str], room: int = LINE_LENGTH) -> list[str]:
    """Join words by spaces into indented lines of at most ``room`` characters; a longer word has a line of its own."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(f"    {word}")
    return lines


# The command line


def command_line(request: RunRequest) -> str:
    """Write the command that trains this run to its end; it reads a user's own points from ``points_csv``.

    Lines that another one continues end in a backslash.
    """
    options = {
        "hidden": ",".join(map(str, request.hidden)) or "none",
        **network_settings(request),
        **training_settings(request),
        "early_stopping": 0,
    }
    data: str = request.data
    if data == "points":
        data = f"{POINTS_FILE} --all-rows"
        options |= {"output": find_cost(request.cost).output, "init": _initializer(request)}
    written = [f"--{name.replace('_', '-')} {value}" for name, value in options.items()]
    return " \\\n".join([f"chainrule train {data}", *_wrapped(written, LINE_LENGTH - 2)])


def _initializer(request: RunRequest) -> str:
    """Give the initializer that suits the first layer's activation: for a table the command line has another default."""
    first = request.activation if request.hidden else find_cost(request.cost).output
    return find_activation(first).initializer


def points_csv(request: RunRequest) -> str:
    """Write the user's own points as a table with the columns x, y and class."""
    return "\n".join(["x,y,class", *(f"{x!r},{y!r},{label}" for x, y, label in request.points), ""])


# The link


def link_query(request: RunRequest) -> str:
    """Write all settings as a query string, which the page reads (``static/train/settings.js``)."""
    settings: dict[str, Any] = msgspec.structs.asdict(request)
    settings["hidden"] = ",".join(map(str, request.hidden))
    settings["points"] = ";".join(f"{x!r},{y!r},{label}" for x, y, label in request.points)
    return urlencode({name: value for name, value in settings.items() if name != "points" or value}, safe=",;")
