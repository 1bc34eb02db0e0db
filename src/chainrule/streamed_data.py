"""The data of a training whose rows are read from files, a window at a time: see ``row_files.row_order`` for their order."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from ._types import AnyArray, Array, Indices
from .calculus.feedforward import for_raw_columns
from .engines import Engine, Session
from .engines.encoded_targets import EncodedTargets
from .errors import DataError, SettingError
from .examples import Examples
from .input_spec import InputSpec
from .network import Network
from .plan import Evaluation, Plan, State
from .read_ahead import read_ahead
from .row_files.row_order import Piece, group_order, window_order, windows
from .row_files.row_order import shard as cut_shard
from .row_files.row_source import RowSource
from .scaler import ColumnScaler, check_scale
from .training_data import EpochPart, digest_of_examples, prepare_once


class StreamedRows:
    """The rows of a source as examples of a network; it can be pickled, to be read by another process that sees the files.

    Parameters
    ----------
    source : RowSource
    dtype : str
        The network's, of the inputs.
    scaler : ColumnScaler or None
        Scales the input columns.

    Attributes
    ----------
    source : RowSource
    extremes : Examples
        The least and the greatest numbers of each column, and of the target, which stand for all rows: they decide about engines,
        classes and limits.

    Raises
    ------
    DataError
        When a row group is larger than a window.
    """

    def __init__(self, source: RowSource, dtype: str, scaler: ColumnScaler | None) -> None:
        self.source = source
        self.scaler = scaler
        self.dtype = np.dtype(dtype)
        self.extremes = _extremes(source)
        row_bytes = source.n_in * self.dtype.itemsize + (8 if source.weights is None else 16)
        self._most_rows = max(1, source.window_bytes // row_bytes)
        largest = int(np.argmax(source.group_rows))
        if source.group_rows[largest] > self._most_rows:
            rows = source.group_rows[largest]
            raise DataError(
                f"{source.place(largest)} has {rows:,} rows, {rows * row_bytes:,} bytes in memory, more than a window's "
                f"{source.window_bytes:,}; write the file with smaller row groups (row_group_size={self._most_rows // 4 or 1}), "
                "or give cr.rows a larger window_bytes"
            )

    def all_windows(self) -> Iterator[Examples]:
        """Read all rows, in the files' order."""
        group_rows = self.source.group_rows
        return (self.read(window) for window in windows(cut_shard(range(len(group_rows)), group_rows, 0, 1), self._most_rows))

    def shard_length(self, shard: tuple[int, int], batch_size: int) -> int:
        """Count the rows of a shard."""
        k, shards = shard
        n = len(self.source)
        return n * (k + 1) // shards - n * k // shards

    def parts(
        self,
        engine: Engine,
        plan: Plan,
        epoch: int,
        *,
        shuffle: bool,
        batch_size: int,
        has_classes: bool,
        shard: tuple[int, int] = (0, 1),
        done: int = 0,
    ) -> Iterator[EpochPart]:
        """Give the windows of a shard of an epoch one after another, each with the engine's form of its rows and their order.

        Each part is whole mini-batches, but for the last: the rows that are left of a window come first in the next one.

        Parameters
        ----------
        engine : Engine
        plan : Plan
            Its seed decides the order.
        epoch : int
            From 1.
        shuffle : bool
        batch_size : int
        has_classes : bool
            Whether the targets of all rows are classes.
        shard : (int, int)
            Which shard (from 0) of how many.
        done : int
            How many rows of the shard to leave out at its beginning, whole mini-batches; windows of these alone are not read. The
            rows that are given are those that follow, in the same order.
        """
        carried: Examples | None = None
        divided = self._windows_to_read(plan.seed, epoch, shuffle=shuffle, shard=shard, done=done)
        for k, (window, skipped) in enumerate(divided):
            examples = self.read(window, carried)
            before = 0 if carried is None else len(carried)
            n = len(examples) - before
            own = window_order(n, plan.seed, epoch, window[0]) if shuffle else np.arange(n)
            order = np.concatenate([np.arange(before), before + own[skipped:]])
            whole = len(order) if k == len(divided) - 1 else len(order) // batch_size * batch_size
            carried = self._some(examples, order[whole:]) if whole < len(order) else None
            if whole:
                yield EpochPart(prepare_once(engine, examples), order[:whole], has_classes, examples.weights)

    def _windows_to_read(
        self, seed: int, epoch: int, *, shuffle: bool, shard: tuple[int, int], done: int
    ) -> list[tuple[list[Piece], int]]:
        """Give the windows of a shard that are not wholly done, each with the number of its rows that are."""
        group_rows = self.source.group_rows
        order = group_order(len(group_rows), seed, epoch) if shuffle else np.arange(len(group_rows))
        left, first = [], 0
        for window in windows(cut_shard(order, group_rows, *shard), self._most_rows):
            rows = sum(piece.rows for piece in window)
            if done < first + rows:
                left.append((window, max(0, done - first)))
            first += rows
        return left

    def read(self, pieces: list[Piece], carried: Examples | None = None) -> Examples:
        """Read a window, behind the rows that another one has left."""
        before = 0 if carried is None else len(carried)
        n, n_in = before + sum(piece.rows for piece in pieces), self.source.n_in
        x, others = np.empty((n, n_in), self.dtype), np.empty((1 if self.source.weights is None else 2, n))
        if carried is not None:
            x[:before], others[0, :before] = carried.x, carried.y
            if carried.weights is not None:
                others[1, :before] = carried.weights
        first = before
        for piece in pieces:
            last = first + piece.rows
            for k, column in enumerate(self.source.read_group(piece.group)):
                values = column[piece.first : piece.last]
                if k >= n_in:
                    others[k - n_in, first:last] = values
                else:
                    x[first:last, k] = values if self.scaler is None else self._scaled(values, k)
            first = last
        return self._window(x, *others)

    def _some(self, examples: Examples, rows: Indices) -> Examples:
        """Copy some rows of a window."""
        y, weights = examples.y, examples.weights
        assert y is not None  # noqa: S101  # windows have targets
        return self._window(examples.x[rows], y[rows], None if weights is None else weights[rows])

    def _window(self, x: Any, y: AnyArray, weights: Array | None = None) -> Examples:
        """Make examples of some rows, whose weights are relative to the largest of all."""
        return Examples.of_window(x, y, weights, self.source.measured.largest_weight)

    def _scaled(self, values: AnyArray, k: int) -> AnyArray:
        """Scale the numbers of the k-th column, in float64."""
        assert self.scaler is not None  # noqa: S101  # the caller has one
        scaled = values.astype(np.float64)
        scaled -= self.scaler.mean[k]
        scaled /= self.scaler.scale[k]
        return scaled


class StreamedData:
    """The rows of a training and of its validation, where the training's are read from files.

    It has what a ``Run`` asks of ``TrainingData``.

    Parameters
    ----------
    network : Network
    source : RowSource
    validation : RowSource, Examples, (x, y) or None
    **others
        Settings of ``Run`` that need all rows in memory; they are refused.

    Attributes
    ----------
    examples : Examples
        The extremes, which stand for all rows.
    inputs : InputSpec
        What inputs the network accepts once it has been trained on these.
    n : int
        The rows that are trained on.
    streamed : StreamedRows
        Reads the rows.
    name, target : str
        What a network's provenance calls the rows and their target.

    Raises
    ------
    DataError
        When the rows do not fit the network, or the validation's do not fit the training's.
    SettingError
        When a setting needs all rows in memory.
    """

    distortion: None = None
    rows: None = None
    validation_rows: None = None

    def __init__(self, network: Network, source: RowSource, *, validation: Any, **others: Any) -> None:
        _refuse(others)
        if source.standardize and network.provenance is not None:
            raise SettingError(
                "standardize scales the columns for a new network, and this one was trained on columns as they are; train a new "
                "one, or leave standardize out"
            )
        self.source = source
        self._plan = network.plan
        scaler = _scaler(source) if source.standardize else None
        self.scaler = scaler
        self.streamed = StreamedRows(source, network.plan.dtype, scaler)
        self.examples = self._check(network, source, self.streamed.extremes)
        spec = InputSpec("numbers", (source.n_in,), *self.examples.bounds)
        self.inputs = spec if network.inputs is None else network.inputs.joined(spec)
        self.n = len(source)
        self.name, self.target = source.name, source.target
        self.total_weight = source.measured.total_weight
        self._validation = None if validation is None else self._read_validation(network, validation)
        self.validation: Examples | None = self._validation if isinstance(self._validation, Examples) else None

    def _check(self, network: Network, source: RowSource, extremes: Examples) -> Examples:
        """Check the extremes against the network: its width, its columns, its targets, and its dtype."""
        checked = network.check_examples(extremes, training=True)
        limit = np.finfo(network.plan.dtype).max
        reach = np.abs(np.asarray(extremes.x)).max(axis=0)
        if self.scaler is None and reach.max() > limit:
            k = int(reach.argmax())
            name = repr(source.columns[k]) if source.columns else f"{k} (from 0)"
            raise DataError(f"column {name} holds {reach[k]:g}, beyond {network.plan.dtype}; pass standardize=True, or scale it")
        return checked

    def _read_validation(self, network: Network, validation: Any) -> Examples | StreamedRows:
        """Check the validation against the network and the training's columns; its rows are scaled as the training's."""
        trained, source_columns = copy(network), self.source.columns
        trained.inputs = self.inputs
        if isinstance(validation, RowSource):
            if validation.columns and source_columns and validation.columns != source_columns:
                raise DataError("the validation's files have other columns than the training's, or in another order")
            rows = StreamedRows(validation, network.plan.dtype, self.scaler)
            self._check(trained, validation, rows.extremes)
            return rows
        examples = trained.check_examples(validation)
        if examples.columns and source_columns and examples.columns != source_columns:
            raise DataError("the validation examples have other columns than the training's files, or in another order")
        if self.scaler is None:
            return examples
        if examples.kind != "dense":
            raise DataError(f"the validation of standardized columns must be an array of floats; its x is {examples.kind}")
        return Examples(self.scaler.transform(examples.x), examples.y, weights=examples.weights)

    @property
    def has_validation(self) -> bool:
        """Whether each epoch is validated."""
        return self._validation is not None

    @property
    def origin(self) -> RowSource:
        """Where the rows come from: the source."""
        return self.source

    def describe(self) -> dict[str, Any]:
        """Describe the rows in JSON's types, by digests and by what decides their order: a training that goes on compares this."""
        described = {"examples": self.n, "data": self.source.measured.digest, "source": self.source.describe()}
        if isinstance(self._validation, StreamedRows):
            validation = self._validation.source
            return {**described, "validation": validation.measured.digest, "validation_source": validation.describe()}
        return {**described, "validation": digest_of_examples(self._validation)}

    def prepare(self, engine: Engine) -> tuple[Any, Any]:
        """Give the engine's form of validation examples; the rows of files are prepared when they are read."""
        return None, self.prepare_validation(engine)

    def prepare_validation(self, engine: Engine) -> Any:
        """Give the engine's form of validation examples; the rows of files are prepared when they are read."""
        return engine.prepare(self._validation) if isinstance(self._validation, Examples) else self._validation

    @property
    def has_classes(self) -> bool:
        """Whether the targets of all rows are classes, or values that stand for classes."""
        return EncodedTargets(self.examples, self._plan).classes is not None

    def epoch_parts(
        self, engine: Engine, data: None, plan: Plan, epoch: int, *, shuffle: bool, done: int, threads: Any
    ) -> Generator[EpochPart]:
        """Give what is left of an epoch of which so many rows are done, window by window; the next one is read in a thread."""
        parts = self.streamed.parts(
            engine, plan, epoch, shuffle=shuffle, batch_size=plan.batch_size, has_classes=self.has_classes, done=done
        )
        return read_ahead(parts)

    def evaluate(self, engine: Engine, session: Session, validation_data: Any) -> Evaluation | None:
        """Evaluate the validation: examples at once, or the rows of files window by window."""
        if not isinstance(self._validation, StreamedRows):
            return None if self._validation is None else session.evaluate(validation_data)
        has_classes = EncodedTargets(self._validation.extremes, self._plan).classes is not None
        with closing(read_ahead(self._validation.all_windows())) as parts:
            weighed = (part for part in parts if part.total_weight())
            return _joined([session.evaluate(prepare_once(engine, part)) for part in weighed], has_classes=has_classes)

    def raw(self, state: State) -> State:
        """Give the state of the network that takes the files' columns as they are."""
        if self.scaler is None:
            return state
        w, b = for_raw_columns(state.weights[0], state.biases[0], self.scaler.mean, self.scaler.scale)
        weights = (w, *(part.astype(np.float64) for part in state.weights[1:]))
        biases = (b, *(part.astype(np.float64) for part in state.biases[1:]))
        return replace(state, weights=weights, biases=biases)

    def write(self, network: Network, state: State) -> None:
        """Write a state's parameters into the network, as ``raw`` gives them; that of standardized columns becomes float64."""
        if self.scaler is not None and network.plan.dtype != "float64":
            network.weights = [part.astype(np.float64) for part in network.weights]
            network.biases = [part.astype(np.float64) for part in network.biases]
            network.plan = replace(network.plan, dtype="float64")
        network.take(self.raw(state))

    def check_reopened(self) -> None:
        """Refuse that the user changes parameters between two epochs where the network's are not those that are trained.

        Raises
        ------
        SettingError
            When the columns are standardized.
        """
        if self.scaler is not None:
            raise SettingError(
                "the network's parameters were changed between two epochs; with standardize they are those for the files' columns, "
                "and others are trained: train without standardize, or leave them unchanged"
            )


def _refuse(settings: dict[str, Any]) -> None:
    """Refuse the settings that need all rows in memory."""
    given = next((name for name, value in settings.items() if value is not None), None)
    if given is not None:
        raise SettingError(f"{given} is not available for rows that are read from files; leave it out, or pass Examples in memory")


def _extremes(source: RowSource) -> Examples:
    """Give the least and the greatest number of each column and of the target, and a target that is not whole, if there is one."""
    least, most, fraction = source.statistics.least, source.statistics.most, source.statistics.fraction[-1]
    x, y = np.array([least[:-1], most[:-1]]), np.array([least[-1], most[-1]])
    if not np.isnan(fraction):
        x, y = np.vstack([x, most[None, :-1]]), np.append(y, fraction)
    extremes = Examples(x, y)
    extremes.columns = source.columns
    return extremes


def _scaler(source: RowSource) -> ColumnScaler:
    """Give the scaler to mean 0 and standard deviation 1 over all rows of a source."""
    mean, deviation = source.statistics.mean[:-1], source.statistics.deviation[:-1]
    varies = source.statistics.least[:-1] < source.statistics.most[:-1]
    return ColumnScaler(mean, check_scale(np.where(varies, deviation, np.inf), varies, "column"))


def _joined(parts: list[Evaluation], *, has_classes: bool) -> Evaluation:
    """Join the evaluations of parts; without classes in all rows there is no number of right ones."""
    total = sum(part.total for part in parts)
    cost = sum(part.cost * part.total for part in parts) / total
    return Evaluation(cost, sum(part.right or 0.0 for part in parts) if has_classes else None, total)
