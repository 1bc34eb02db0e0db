"""The trainings of the trials: in memory and from files, with summed gradients and with averaged states."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import chainrule as cr
from chainrule.history import EpochRecord

ROWS = 30_011
"""A number of rows that leaves short mini-batches in the last step."""

INPUTS = 8

GROUP_ROWS = 2_000

FILES = 3


@dataclass(frozen=True)
class Case:
    """One training.

    Attributes
    ----------
    from_files : bool
        Whether its rows are in Parquet files.
    settings : dict
    rows_settings : dict
        Those of ``chainrule.rows``.
    hidden : int
    """

    from_files: bool
    settings: dict[str, Any]
    rows_settings: dict[str, Any]
    hidden: int = 16


CASES: dict[str, Case] = {
    "files, averaged, adam": Case(
        True, {"sync_every": 8, "optimizer": "adam", "learning_rate": 0.003, "epochs": 80}, {"window_bytes": 200_000}
    ),
    "memory, summed, sgd": Case(False, {"sync_every": 1, "learning_rate": 0.3, "l2": 1e-4, "epochs": 25}, {}),
    "files, summed, momentum": Case(
        True, {"sync_every": 1, "optimizer": "momentum", "learning_rate": 0.05, "epochs": 25}, {"standardize": True}
    ),
    "memory, averaged, dropout": Case(
        False, {"sync_every": 5, "optimizer": "rmsprop", "learning_rate": 0.002, "dropout": 0.2, "epochs": 80}, {}
    ),
}
"""The trainings that the trials take in turn."""

WIDE = "memory, averaged, wide"

CASES[WIDE] = Case(False, {"sync_every": 20, "optimizer": "adam", "learning_rate": 0.001, "epochs": 20}, {}, hidden=4_000)
"""One whose state is too large for a message of Ray's, so that it passes through the object store."""


@dataclass(frozen=True)
class Result:
    """What a training ended with.

    Attributes
    ----------
    digest : str
        Of parameters, and of every epoch's cost and accuracy.
    epochs : int
    seconds : float
        From the first record to the end.
    """

    digest: str
    epochs: int
    seconds: float


def draw_rows() -> tuple[Any, Any]:
    """Draw inputs and labels, which are always the same."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(ROWS, INPUTS)).astype(np.float32)
    return x, (x[:, 0] * x[:, 1] + x[:, 2] > 0).astype(np.int64)


def write_files(folder: Path) -> Path:
    """Write the rows as Parquet files of row groups; give their folder."""
    folder.mkdir(exist_ok=True)
    x, y = draw_rows()
    bounds = np.linspace(0, ROWS, FILES + 1).astype(int)
    for k, (first, last) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
        columns = {f"x{i}": x[first:last, i] for i in range(INPUTS)}
        pq.write_table(pa.table({**columns, "y": y[first:last]}), folder / f"{k}.parquet", row_group_size=GROUP_ROWS)
    return folder


def train(
    name: str, folder: Path, *, on_epoch: Callable[[EpochRecord], Any] | None = None, damaged: str = "refuse", **settings: Any
) -> Result:
    """Train one of the cases on two workers, on the rows in the folder; other settings replace the case's."""
    case = CASES[name]
    examples: Any = draw_rows()
    if case.from_files:
        examples = cr.rows(folder / "*.parquet", target="y", damaged=damaged, **case.rows_settings)
    network = cr.Network([INPUTS, case.hidden, 2], cost="log_loss", seed=5)
    began: list[float] = []

    def tell(record: EpochRecord) -> None:
        began.append(time.perf_counter())
        if on_epoch is not None:
            on_epoch(record)

    history = cr.train(
        network,
        examples,
        **{"batch_size": 32, "workers": 2, "on": "ray", "seed": 9, "callbacks": [tell], **case.settings, **settings},
    )
    return Result(digest_of(network, history), len(history), time.perf_counter() - began[0] if began else 0.0)


def digest_of(network: cr.Network, history: cr.History) -> str:
    """Give a digest of the parameters, and of every epoch's cost and accuracy."""
    digest = hashlib.sha256(b"".join(part.tobytes() for part in [*network.weights, *network.biases]))
    for column in ("cost", "accuracy"):
        digest.update(history[column].tobytes())
    return digest.hexdigest()
