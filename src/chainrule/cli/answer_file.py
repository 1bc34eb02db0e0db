"""The file of ``predict --out``: the rows as they came, with the answer and its probabilities added."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from .._format import pluralize
from ..errors import DataError, SettingError
from ..tables.writing import common_decimal
from .output import print_message
from .table_evaluation_report import class_names

if TYPE_CHECKING:
    from ..table_model import TableModel
    from .table_prediction import Answers

WRITTEN_OF: dict[str, tuple[str, ...]] = {
    "text": (".csv", ".tsv", ".txt", ".data", ".csv.gz", ".tsv.gz", ".txt.gz", ".data.gz"),
    "lines of JSON": (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"),
    "parquet": (".parquet", ".csv", ".tsv", ".txt"),
}
"""The endings that answers may have, by the format of the rows: they keep it, since another one would change values; but values of
parquet, which have types, may be written as text."""


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
    """Refuse answers of a format that the rows cannot take."""
    form = _format_of(source)
    if not path.name.lower().endswith(WRITTEN_OF[form]):
        endings = ", ".join(ending for ending in WRITTEN_OF[form] if not ending.endswith(".gz"))
        packed = ", also with .gz" * (form != "parquet")
        raise SettingError(
            f"the rows of {source} are {form}, and with their answers are written as {endings}{packed}; {path} has another ending"
        )


def _format_of(source: Path) -> str:
    """Give the format of rows, by the ending of their file."""
    name = source.name.lower()
    if name.endswith(".parquet"):
        return "parquet"
    return "lines of JSON" if name.endswith(WRITTEN_OF["lines of JSON"]) else "text"


def write_answers(path: Path, source: Path, model: TableModel, answers: Answers) -> list[str]:
    """Write a file's rows with the answers, and return the names of the added columns; a failure leaves no partial file."""
    from .._atomic_write import replace_atomically, translate_write_errors

    added = [f"predicted {model.target.name}"]
    if model.is_classifier:
        added += [f"probability {name}" for name in class_names(model)]
    form = _format_of(source)
    with replace_atomically(path) as temporary:
        extend = {"parquet": _extend_parquet, "text": _extend_text, "lines of JSON": _extend_objects}[form]
        with translate_write_errors(path):
            return extend(path, temporary, source, added, answers)


@contextmanager
def _open_text(path: Path, temporary: Path, encoding: str = "utf-8") -> Iterator[TextIO]:
    """Open the temporary file of a text, packed with gzip where the path says so."""
    from .._atomic_write import translate_write_errors

    open_file: Callable[..., Any] = gzip.open if path.name.lower().endswith(".gz") else open
    with translate_write_errors(path), open_file(temporary, "wt", encoding=encoding, newline="") as out:
        try:
            yield out
        except UnicodeEncodeError as error:
            strange = error.object[error.start : error.end]
            raise DataError(
                f"{path} has the encoding of the rows, {encoding}, in which there is no {strange!r}; save the rows as UTF-8"
            ) from None


def _distinct(added: list[str], names: Iterable[str], key: Callable[[str], str] = str) -> list[str]:
    """Give the added columns names that the file does not have; names of one ``key`` are equal."""
    from ..tables.table import normalized

    taken, distinct = {key(normalized(name.strip())) for name in names}, []
    for name in added:
        while key(normalized(name)) in taken:
            name = f"{name} (chainrule)"
        taken.add(key(normalized(name)))
        distinct.append(name)
    return distinct


def _entries(answers: Answers) -> Iterator[list[Any]]:
    """Give each row's answer and probabilities; floats as Python writes them, so that they are read back to the same bits."""
    for answer, outputs in zip(answers.labels.tolist(), answers.probabilities.tolist(), strict=True):
        yield [answer, *outputs]


def _extend_objects(path: Path, temporary: Path, source: Path, added: list[str], answers: Answers) -> list[str]:
    """Add the answers to the object on each line, whose text is kept as it is; return their keys."""
    from ..tables.json_lines import json_lines, read_json_names

    keys = _distinct(added, read_json_names(source))
    with _open_text(path, temporary) as out:
        for (_, line), entry in _beside(source, json_lines(source), _entries(answers)):
            shared = line.removesuffix("}").rstrip()
            comma = "" if shared == "{" else ", "
            text = json.dumps(dict(zip(keys, entry, strict=True)), ensure_ascii=False)
            out.write(f"{shared}{comma}{text.removeprefix('{')}\n")
    return keys


def _extend_text(path: Path, temporary: Path, source: Path, added: list[str], answers: Answers) -> list[str]:
    """Add the answers to the fields of each row; return their names.

    The delimiter is the file's, unless ``path`` names the tab; so are the encoding and the decimal mark.
    """
    from ..tables.raw_rows import open_raw_rows

    reading = answers.reading
    with (
        open_raw_rows(source, reading.rules(answers.learnt), **reading.division()) as raw,
        _open_text(path, temporary, raw.encoding) as out,
    ):
        delimiter = "\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else raw.delimiter
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        added = _distinct(added, raw.names or [])
        if raw.names is not None:
            writer.writerow([*raw.names, *added])
        entries = _entries(answers)
        if _decimal_of(answers, raw.delimiter) == ",":
            entries = ([_with_comma(value) for value in entry] for entry in entries)
        writer.writerows([*fields, *entry] for fields, entry in _beside(source, raw.rows, entries))
    return added


def _decimal_of(answers: Answers, delimiter: str) -> str:
    """Give the decimal mark of a file; where it has whole numbers only, that of the training, unless commas divide its fields."""
    learnt = None if delimiter == "," else common_decimal(answers.learnt.written.values())
    return answers.decimal or learnt or "."


def _with_comma(value: Any) -> Any:
    """Write a float with a decimal comma; leave any other value as it is."""
    return repr(value).replace(".", ",") if isinstance(value, float) else value


def _extend_parquet(path: Path, temporary: Path, source: Path, added: list[str], answers: Answers) -> list[str]:
    """Add the answers as columns; return their names."""
    from ..tables.parquet_rows import copy_with_columns
    from ..tables.read import read_names

    added = _distinct(added, read_names(source), key=str.lower)  # DuckDB's names are equal in any case
    columns = dict(zip(added, [answers.labels, *answers.probabilities.T], strict=True))
    durations = copy_with_columns(source, temporary, path.suffix.lower(), columns)
    if durations:
        listed = ", ".join(map(repr, durations))
        print_message(f"{path}: durations became whole numbers of their unit, in {pluralize(len(durations), 'column')}: {listed}")
    return added


def _beside(source: Path, rows: Iterable[Any], entries: Iterable[list[Any]]) -> Iterator[tuple[Any, list[Any]]]:
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
