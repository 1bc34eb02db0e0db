"""The doors: the ways by which bytes from outside come in, each read as a user's program reads them."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.fuzzing.invariant import Read, Violation
from chainrule.book import network2
from chainrule.cli.output import as_one_line
from chainrule.datasets import idx as idx_files
from chainrule.datasets.idx import header, read_stream
from chainrule.datasets.pictures import read_image, read_picture
from chainrule.errors import ChainruleError, SettingError
from chainrule.input_spec import InputSpec
from chainrule.loading import load_model
from chainrule.table_model import TableModel
from chainrule.tables.frames import table_from

FEW_INPUTS = 10_000
LONGEST_LINE = 2100  # of a message
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Door:
    """A way in.

    Attributes
    ----------
    read : callable
        Reads bytes as a file of this kind.
    memory : int
        The bytes of memory that it may use for any file: what its limits allow, and the interpreter's own caches.
    """

    read: Read
    memory: int = 256 * MEBIBYTE


def is_chosen(data: bytes) -> bool:
    """Whether these bytes are among the eighth that the command line reads too, which takes longer than the library."""
    return zlib.crc32(data) % 8 == 0


def command(*arguments: str) -> None:
    """Run a command of the command line; it must end with status 0, or with 2 and one line."""
    from chainrule.cli import main

    out, err = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main(arguments)
    except SystemExit as end:
        status = end.code
    lines = [*out.getvalue().split("\n"), *err.getvalue().split("\n")]
    if status not in (0, 2) or (status == 2 and not err.getvalue().endswith("\n")):
        raise Violation(f"chainrule {arguments[0]} ended with {status}: {err.getvalue()[-300:]!r}")
    if any(len(line) > LONGEST_LINE for line in err.getvalue().split("\n")):
        raise Violation(f"chainrule {arguments[0]} printed a message of more than {LONGEST_LINE} letters")
    if any(line != as_one_line(line) for line in lines):
        raise Violation(
            f"chainrule {arguments[0]} printed a control character: {next(x for x in lines if x != as_one_line(x))!r:.300}"
        )


def read_model(data: bytes, folder: Path) -> None:
    """Load a model, use it, print it, and save it again: a model that loads can be saved."""
    path = folder / "model.safetensors"
    path.write_bytes(data)
    model = load_model(path)
    use = _use_table_model if isinstance(model, TableModel) else _use_network
    _ignore_errors(lambda: use(model, folder))
    if is_chosen(data):
        command("info", str(path))
        command("info", "--json", str(path))
    try:
        cr.load(path).save(folder / "again.safetensors")
    except SettingError as error:
        raise Violation(f"it loads, and cannot be saved: {error}") from error
    cr.load(folder / "again.safetensors")


def _use_network(network: Any, folder: Path) -> None:
    repr(network)
    if network.sizes[0] <= FEW_INPUTS:
        network.predict(np.full((2, network.sizes[0]), 0.5))


VALUES = {"number": 1.5, "boolean": True, "date": "2021-03-31", "category": "a", "text": "some words"}


def _use_table_model(model: TableModel, folder: Path) -> None:
    repr(model.preprocessing.describe())
    kinds = model.preprocessing.input_kinds
    if model.preprocessing.n_features <= FEW_INPUTS:
        _ignore_errors(lambda: model.predict(table_from({name: [VALUES.get(kind), None] for name, kind in kinds.items()})))
        rows = folder / "rows.csv"
        texts = [";".join(f'"{name}"' for name in kinds), ";".join(str(VALUES.get(kind)) for kind in kinds.values())]
        rows.write_bytes("\n".join(texts).encode("utf-8", "surrogatepass"))
        if kinds and is_chosen(rows.read_bytes()):
            command("predict", str(folder / "model.safetensors"), str(rows))
        model.read(rows)


def _ignore_errors(act: Callable[[], object]) -> None:
    """Do something that may be refused."""
    with suppress(ChainruleError):
        act()


OPTIONS: tuple[dict[str, Any], ...] = (
    {"decimal": ","},
    {"encoding": "latin-1", "header": False},
    {"encoding": "utf-16"},
    {"missing": "?,-999", "day_first": True},
    {"delimiter": "space", "allow_infinite": True},
    {"delimiter": ";", "header": True, "missing": ""},
)
"""Options of ``read_table`` that lead to other rules; the bytes choose one, so that they are always read alike."""


def read_table(data: bytes, folder: Path) -> None:
    """Read a delimited text by its own decisions and by options, as a table and as numbers, and print its columns."""
    path = folder / "table.csv"
    path.write_bytes(data)
    _ignore_errors(lambda: _use_table(cr.read_table(path)))
    _ignore_errors(lambda: _use_table(cr.read_table(path, **OPTIONS[zlib.crc32(data) % len(OPTIONS)])))
    if is_chosen(data):
        command("columns", str(path))
    cr.datasets.table(path)


def _use_table(table: Any) -> None:
    """Look at a table's columns, each as another kind too."""
    from chainrule.tables.column_kinds import KINDS, read_as

    repr(table)
    for column in list(table)[:20]:
        column.take(np.arange(min(3, len(column)))).to_list()
        for kind in KINDS:
            _ignore_errors(lambda column=column, kind=kind: read_as(column, kind))


def read_json_lines(data: bytes, folder: Path) -> None:
    """Read lines of JSON."""
    path = folder / "table.jsonl"
    path.write_bytes(data)
    if is_chosen(data):
        command("columns", str(path))
    _use_table(cr.read_table(path))


def read_parquet(data: bytes, folder: Path) -> None:
    """Read a parquet file."""
    path = folder / "table.parquet"
    path.write_bytes(data)
    if is_chosen(data):
        command("columns", str(path))
    _use_table(cr.read_table(path))


def read_idx(data: bytes, folder: Path) -> None:
    """Read an IDX file as images beside labels, or as labels beside images, in a folder of four files."""
    array = read_stream(io.BytesIO(data), "file")
    other = np.zeros((len(array), 2, 2), np.uint8) if array.ndim == 1 else np.zeros(len(array), np.uint8)
    other.flat[0] = 2
    kinds = ("labels", "images") if array.ndim == 1 else ("images", "labels")
    for part in ("train", "t10k"):
        (folder / f"{part}-{kinds[0]}-idx3-ubyte").write_bytes(data)
        (folder / f"{part}-{kinds[1]}-idx3-ubyte").write_bytes(header(other) + other.tobytes())
    repr(idx_files(folder))


SPECS = (
    InputSpec("pixels", (8, 8), 0.0, 1.0, background="light", mean=0.8),
    InputSpec("numbers", (6, 9), 0.0, 1.0, transposed=True, background="dark", mean=0.1),
)


def read_drawing(data: bytes, folder: Path) -> None:
    """Read a picture in MNIST's form, and in that of other training images."""
    path = folder / "picture"
    path.write_bytes(data)
    _ignore_errors(lambda: read_image(path, SPECS[zlib.crc32(data) % len(SPECS)]))
    read_picture(path)


def read_svmlight(data: bytes, folder: Path) -> None:
    """Read sparse rows."""
    path = folder / "rows.svmlight"
    path.write_bytes(data)
    _ignore_errors(lambda: cr.datasets.table(path, n_features=50))
    repr(cr.datasets.table(path))


def read_npz(data: bytes, folder: Path) -> None:
    """Read NumPy's archive of arrays."""
    path = folder / "arrays.npz"
    path.write_bytes(data)
    repr(cr.datasets.table(path))


def read_checkpoint(data: bytes, folder: Path) -> None:
    """Read a checkpoint's description as ``info`` reports it, then all of it, as a training reads it that goes on."""
    from chainrule.checkpoints.checkpoint_file import read_checkpoint as read_file
    from chainrule.checkpoints.run_status import read_status
    from chainrule.cli.run_groups import RunGroup
    from chainrule.cli.run_report import describe_run, group_as_json

    path = folder / "checkpoint-000001.safetensors"
    path.write_bytes(data)

    def report() -> None:
        run = read_status(folder)
        describe_run(run)
        group_as_json(RunGroup(folder, [run]))

    _ignore_errors(report)
    read_file(path)


def read_book_network(data: bytes, folder: Path) -> None:
    """Load a network of the book's from JSON, use it, and save it again."""
    path = folder / "net.json"
    path.write_bytes(data)
    network = network2.load(path)
    network.feedforward(np.ones((network.sizes[0], 1)))
    network.save(path)
    network2.load(path)


DOORS: dict[str, Door] = {
    "model": Door(read_model),
    "table": Door(read_table, 512 * MEBIBYTE),
    "jsonl": Door(read_json_lines, 512 * MEBIBYTE),
    "parquet": Door(read_parquet, 512 * MEBIBYTE),
    "idx": Door(read_idx),
    "picture": Door(read_drawing, 1536 * MEBIBYTE),
    "svmlight": Door(read_svmlight),
    "npz": Door(read_npz),
    "checkpoint": Door(read_checkpoint),
    "book": Door(read_book_network),
}
"""Every door by its name."""
