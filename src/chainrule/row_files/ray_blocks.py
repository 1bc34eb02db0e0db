"""Rows of a Ray Dataset: its blocks, which lie in the object stores of a cluster, are read by reference where they are needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from .._types import AnyArray
from ..errors import DataError, FileError
from .arrow_columns import check_numeric, read_columns
from .row_file import GROUP_BYTES, DamageError, RowFile, shown


class Part(NamedTuple):
    """Some rows of a block, which are one row group.

    Attributes
    ----------
    block : int
        The number of the block, from 0.
    first : int
        The number of its first row in the block.
    """

    block: int
    first: int


class RayBlocks(RowFile):
    """The blocks of a Ray Dataset of numeric columns, as one file; see ``RowFile``.

    A row group is some megabytes of a block. The object is pickled with references to the blocks alone: a worker reads them itself.

    Parameters
    ----------
    dataset : ray.data.Dataset
        Its transformations are computed here, once.
    target : str
    weights : str or None
    """

    def __init__(self, dataset: Any, target: str, weights: str | None = None) -> None:
        super().__init__(RayPlace(), target, weights)
        import ray

        self._job = ray.get_runtime_context().get_job_id()
        self._blocks: list[Any] = dataset.materialize().to_arrow_refs()
        describe = ray.remote(num_cpus=0)(_describe)  # where the block lies, and without waiting for a core
        described = ray.get([describe.remote(block) for block in self._blocks])
        with_rows = [number for number, (rows, _) in enumerate(described) if rows]
        if not with_rows:
            raise DataError(f"{self.path}: no rows")
        columns = described[with_rows[0]][1]
        self.names = self._input_names([name for name, _ in columns])
        self.n_in = len(self.names)
        types = dict(columns)
        for name in (*self.names, *self.others):
            check_numeric(self, name, types[name])
        self.types = {name: str(types[name]) for name in (*self.names, *self.others)}
        for number in with_rows:
            if described[number][1] != columns:
                raise DataError(
                    f"{self.path}: block {number} has the columns {_shown_columns(described[number][1])}, and block {with_rows[0]} "
                    f"{_shown_columns(columns)}; give all the same names and types, in one order"
                )
        at_once = max(1, GROUP_BYTES // (8 * len(self.types)))
        self._parts = [Part(block, first) for block, (rows, _) in enumerate(described) for first in range(0, rows, at_once)]
        self.group_rows = [min(at_once, described[part.block][0] - part.first) for part in self._parts]

    def _columns(self, group: int) -> Iterator[AnyArray]:
        import ray

        if not (ray.is_initialized() and ray.get_runtime_context().get_job_id() == self._job):
            raise FileError(f"{self.path}: the connection to Ray that made it has ended; make the dataset again")
        block, first = self._parts[group]
        try:
            table = ray.get(self._blocks[block])
        except ray.exceptions.RayError as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise self.fault(group, f"its block is lost ({reason}); make the dataset again") from None
        yield from read_columns(self, group, table.slice(first, self.group_rows[group]))

    def fault(self, group: int, message: str) -> DamageError:
        """Make the error of a row group, which names its rows in the block."""
        block, first = self._parts[group]
        last = first + self.group_rows[group] - 1
        return DamageError(f"{self.path}, rows {first:,} to {last:,} of block {block} (from 0): {message}")


class RayPlace:
    """Stands for the path of a file: a dataset has none, and its blocks never change."""

    def __str__(self) -> str:
        return "the Ray Dataset"

    def status(self) -> tuple[int, str]:
        """Give what never changes."""
        return 0, ""


def is_ray_dataset(given: object) -> bool:
    """Whether this is a Ray Dataset; Ray is not imported to know it."""
    module = sys.modules.get("ray.data")
    return module is not None and isinstance(given, module.Dataset)


def _describe(block: Any) -> tuple[int, list[tuple[str, Any]]]:
    """Give the rows of a block, and the names and types of its columns."""
    return block.num_rows, [(field.name, field.type) for field in block.schema]


def _shown_columns(columns: list[tuple[str, Any]]) -> str:
    return shown([f"{name}: {type_}" for name, type_ in columns])
