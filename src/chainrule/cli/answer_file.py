"""The file of ``predict --out``: the rows as they came, with the answer and its probabilities added."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError, SettingError
from .table_evaluation_report import class_names

if TYPE_CHECKING:
    from .._types import AnyArray, Array
    from ..table_model import TableModel
    from .reading_options import ReadingOptions

TEXT_ENDINGS = (".csv", ".txt", ".tsv")
JSON_ENDINGS = (".jsonl", ".ndjson")


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
    if len(files) != 1:
        raise SettingError(f"--out takes the rows of one file; {len(files)} are given")
    _check_ending(path, files[0])
    if resolve_path(path) == resolve_path(files[0]):
        raise SettingError(f"--out names the rows themselves, {path}; give the answers a file of their own")
    check_writable(path)


def _check_ending(path: Path, source: Path) -> None:
    """Refuse answers of another format than the rows, since a change of the format changes values."""
    if source.name.lower().endswith(".parquet"):
        raise SettingError(
            f"--out adds answers to rows of text or lines of JSON; {source} is parquet: print its predictions with --json, or save "
            "it as .csv first"
        )
    endings = JSON_ENDINGS if _is_json_lines(source) else TEXT_ENDINGS
    if path.suffix.lower() not in endings:
        kind = "lines of JSON" if endings is JSON_ENDINGS else "a table"
        raise SettingError(f"--out writes {kind}, {', '.join(endings)}, beside the rows of {source}; {path} has another ending")


def _is_json_lines(source: Path) -> bool:
    return source.name.lower().removesuffix(".gz").endswith(JSON_ENDINGS)


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
    entries = [_answer_fields(model, outputs[row], answer) for row, answer in enumerate(answers)]
    if _is_json_lines(source):
        added, contents = _extend_objects(source, added, entries)
    else:
        added, contents = _extend_text(path, source, added, entries, reading)
    write_atomically(path, contents.encode())
    return len(entries), added


def _distinct(added: list[str], names: Iterable[str]) -> list[str]:
    """Give the added columns names that the file does not have."""
    from ..tables.column_choice import normalized

    taken, distinct = {normalized(name.strip()) for name in names}, []
    for name in added:
        while normalized(name) in taken:
            name = f"{name} (chainrule)"
        taken.add(normalized(name))
        distinct.append(name)
    return distinct


def _answer_fields(model: TableModel, outputs: Array, answer: Any) -> list[Any]:
    """Give an answer and its probabilities; floats as Python writes them, so that they are read back to the same bits."""
    answer = answer.item() if hasattr(answer, "item") else answer
    return [answer, *map(float, outputs)] if model.is_classifier else [answer]


def _extend_objects(source: Path, added: list[str], entries: list[list[Any]]) -> tuple[list[str], str]:
    """Add the answers to the object on each line, whose text is kept as it is; return their keys and all lines."""
    from ..tables.json_lines import json_lines, read_json_names

    keys = _distinct(added, read_json_names(source))
    out = io.StringIO(newline="")
    for (_, line), entry in _beside(source, json_lines(source), entries):
        shared = line.removesuffix("}").rstrip()
        comma = "" if shared == "{" else ", "
        answers = json.dumps(dict(zip(keys, entry, strict=True)), ensure_ascii=False)
        out.write(f"{shared}{comma}{answers.removeprefix('{')}\n")
    return keys, out.getvalue()


def _extend_text(
    path: Path, source: Path, added: list[str], entries: list[list[Any]], reading: ReadingOptions
) -> tuple[list[str], str]:
    """Add the answers to the fields of each row; return their names and all lines.

    The delimiter is the file's, unless ``path`` names the tab.
    """
    from ..tables.raw_rows import open_raw_rows

    out = io.StringIO(newline="")
    with open_raw_rows(source, delimiter=reading.delimiter, encoding=reading.encoding, header=reading.header) as raw:
        delimiter = "\t" if path.suffix.lower() == ".tsv" else raw.delimiter
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        added = _distinct(added, raw.names or [])
        if raw.names is not None:
            writer.writerow([*raw.names, *added])
        writer.writerows([*fields, *entry] for fields, entry in _beside(source, raw.rows, entries))
    return added, out.getvalue()


def _beside(source: Path, rows: Iterable[Any], entries: list[list[Any]]) -> Iterator[tuple[Any, list[Any]]]:
    """Pair each row with its answer.

    Raises
    ------
    DataError
        When their numbers differ.
    """
    for row, entry in zip_longest(rows, entries):
        if row is None or entry is None:
            than = "fewer" if row is None else "more"
            raise DataError(f"{source} has {than} rows than when its answers were computed; was it changed meanwhile?")
        yield row, entry
