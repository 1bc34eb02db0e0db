"""The file of results: a line of JSON for each finished training, appended at once, so that nothing finished is lost.

A line that was not written completely, because the process was killed within the write, is skipped with a message; its
training runs again where it has no other line. Lines whose digest is another one are results of other settings, data, engine
or version: they stay in the file, and are not counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from .._format import pluralize
from .._line_file import LineFile, locked_folder
from ..errors import DataError

NAME = "results.jsonl"
MOST_BYTES = 1 << 28
"""The largest file that is read: a line of 400 epochs has about 4 KB."""


@dataclass(frozen=True)
class SeedResult:
    """The accuracies of one training.

    Attributes
    ----------
    experiment : str
        Its name; for the SVM ``svm``.
    seed : int
        Of the network and of the examples' order.
    digest : str
        Of the settings, the data, the engine and the version.
    accuracies : tuple of float
        After each epoch, on the experiment's evaluation images.
    training_accuracy : float or None
        On the training images at the end, where the book gives it.
    seconds : float
        The processor time of the training with its evaluations.
    """

    experiment: str
    seed: int
    digest: str
    accuracies: tuple[float, ...]
    training_accuracy: float | None
    seconds: float

    @property
    def key(self) -> tuple[str, int]:
        """The experiment and the seed."""
        return self.experiment, self.seed


def parse_result(line: str) -> SeedResult:
    """Read a line.

    Raises
    ------
    DataError
        When it is no JSON object with the fields of a result, or an accuracy is not in [0, 1].
    """
    try:
        fields = json.loads(line)
        result = SeedResult(**{**fields, "accuracies": tuple(fields["accuracies"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DataError("it is not a JSON object with the fields of a result") from None
    accuracies = [*result.accuracies, *([] if result.training_accuracy is None else [result.training_accuracy])]
    if not all(type(number) in (int, float) and 0 <= number <= 1 for number in accuracies):
        raise DataError("an accuracy is not a number from 0 to 1")
    if not (isinstance(result.experiment, str) and type(result.seed) is int and isinstance(result.digest, str)):
        raise DataError("experiment and digest must be texts, and seed a whole number")
    if type(result.seconds) not in (int, float) or not result.accuracies:
        raise DataError("seconds must be a number, and accuracies have an entry for each epoch")
    return result


class ResultFile:
    """The results in a folder, which one process at a time may extend.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / NAME
        self._file = LineFile(self.path, MOST_BYTES)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, and keep other processes out of it within the block.

        Raises
        ------
        FileError
            When the folder cannot be made or written, or another process replays into it.
        """
        with locked_folder(self.folder, "replays"):
            yield

    def read(self, digests: Mapping[str, str]) -> tuple[dict[tuple[str, int], SeedResult], list[str]]:
        """Read the results that have their experiment's digest, and messages about the lines that are left out.

        Parameters
        ----------
        digests : mapping
            From the name of each experiment to its digest; results of other experiments are left out without a message.

        Raises
        ------
        FileError
            When the file cannot be read.
        DataError
            When it is too large, or two lines of the same training differ.
        """
        found: dict[tuple[str, int], SeedResult] = {}
        messages, others = [], 0
        for number, line in enumerate(self._file.lines(), start=1):
            try:
                result = parse_result(line)
            except DataError as error:
                messages.append(f"line {number} of {self.path} is skipped: {error}")
                continue
            if digests.get(result.experiment, result.digest) != result.digest:
                others += 1
            elif result.experiment in digests:
                self._add(found, result, number)
        if others:
            messages.append(
                f"{pluralize(others, 'result')} in {self.path} are of other settings, data, or of another engine or version: "
                "they stay in the file and are not counted"
            )
        return found, messages

    def _add(self, found: dict[tuple[str, int], SeedResult], result: SeedResult, number: int) -> None:
        earlier = found.setdefault(result.key, result)
        if (earlier.accuracies, earlier.training_accuracy) != (result.accuracies, result.training_accuracy):
            raise DataError(
                f"line {number} of {self.path} gives other accuracies for {result.experiment} with seed {result.seed} than a line "
                "before it, and the same seed gives the same bits; delete the wrong line, or both"
            )

    def append(self, result: SeedResult) -> None:
        """Append a result and flush it to the disk; any thread may call this.

        Raises
        ------
        FileError
            When the disk is full, or the file cannot be written.
        """
        self._file.append([json.dumps(asdict(result))])
