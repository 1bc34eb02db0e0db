"""The file of ``predict --out``: the rows as they came, with the answer and its probabilities added."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError, SettingError
from .table_evaluation_report import class_names

if TYPE_CHECKING:
    from .._types import AnyArray, Array
    from ..table_model import TableModel
    from .reading_options import ReadingOptions

DELIMITER_OF = {".csv": None, ".txt": None, ".tsv": "\t"}
"""The endings of an answer file, and the delimiter of each: None for that of the rows, or a comma."""


def check_answer_path(path: Path, files: Iterable[Path]) -> None:
    """Refuse a path for the answers that cannot be written, or that is one of the files to predict.

    Raises
    ------
    SettingError
        With the remedy.
    FileError
        When the folder does not exist or cannot be written.
    """
    from ..tensor_file import check_writable
    from .data_source import resolve_path

    files = list(files)
    if path.suffix.lower() not in DELIMITER_OF:
        raise SettingError(f"--out writes a table, {', '.join(DELIMITER_OF)}; {path} has another ending")
    if len(files) != 1:
        raise SettingError(f"--out takes the rows of one file; {len(files)} are given")
    if resolve_path(path) == resolve_path(files[0]):
        raise SettingError(f"--out names the rows themselves, {path}; give the answers a file of their own")
    check_writable(path)


def write_answers(
    path: Path, source: Path, model: TableModel, outputs: Array, answers: AnyArray, reading: ReadingOptions
) -> tuple[int, list[str]]:
    """Write a file's rows with the answers; a failure leaves no partial file.

    Returns
    -------
    rows : int
    added : list of str
        The names of the added columns.
    """
    from .._atomic_write import write_atomically

    added = [f"predicted {model.target.name}"]
    if model.is_classifier:
        added += [f"probability {name}" for name in class_names(model)]
    with _open_rows(source, reading) as (names, delimiter, rows):
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=DELIMITER_OF[path.suffix.lower()] or delimiter, lineterminator="\n")
        if names is not None:
            writer.writerow([*names, *_distinct(added, names)])
        count = 0
        for fields in rows:
            if count == len(answers):
                raise DataError(f"{source} has more rows than when its answers were computed; was it changed meanwhile?")
            writer.writerow([*fields, *_answer_fields(model, outputs[count], answers[count])])
            count += 1
    if count < len(answers):
        raise DataError(f"{source} has fewer rows than when its answers were computed; was it changed meanwhile?")
    write_atomically(path, out.getvalue().encode())
    return count, added


def _distinct(added: list[str], names: list[str]) -> list[str]:
    """Give the added columns names that the file does not have."""
    return [name if name not in names else f"{name} (chainrule)" for name in added]


def _answer_fields(model: TableModel, outputs: Array, answer: Any) -> list[Any]:
    """Give an answer and its probabilities; floats as Python writes them, so that they are read back to the same bits."""
    answer = answer.item() if hasattr(answer, "item") else answer
    return [answer, *map(float, outputs)] if model.is_classifier else [answer]


@contextmanager
def _open_rows(source: Path, reading: ReadingOptions) -> Iterator[tuple[list[str] | None, str, Iterable[list[Any]]]]:
    """Open a file's rows: the fields of a text as they are written, those of another format as texts."""
    from ..tables.raw_rows import open_raw_rows

    if source.name.lower().removesuffix(".gz").endswith((".parquet", ".jsonl", ".ndjson")):
        table = reading.read(source)
        columns = [["" if value is None else value for value in column.to_list()] for column in table.columns]
        yield table.names, ",", (list(fields) for fields in zip(*columns, strict=True))
        return
    options = {"delimiter": reading.delimiter, "encoding": reading.encoding, "header": reading.header}
    with open_raw_rows(source, **options) as raw:  # type: ignore[arg-type]
        delimiter = "," if raw.delimiter == " " else raw.delimiter
        yield raw.names, delimiter, raw.rows
