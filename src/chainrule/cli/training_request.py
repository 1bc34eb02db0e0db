"""The options of ``chainrule train`` as they were given; a checkpoint holds them, so that ``--resume`` needs no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelFileError, SettingError
from .reading_options import ReadingOptions, option_of
from .settings import BUILT_IN_DATA

MAY_DIFFER = ("out", "plot", "time_limit", "address")
"""The options that a resumed training may be given anew: they change no result of an epoch."""

_TEXTS = (
    "data",
    "target",
    "out",
    "plot",
    "engine",
    "cost",
    "output",
    "init",
    "optimizer",
    "schedule",
    "metric",
    "task",
    "distort",
    "validation",
    "on",
    "address",
)  # fmt: skip
_COUNTS = ("seed", "epochs", "batch_size", "early_stopping", "networks", "workers", "sync_every")
_NUMBERS = ("learning_rate", "momentum", "l2", "dropout", "time_limit")


@dataclass(frozen=True)
class CheckpointOptions:
    """Where a training keeps its checkpoints, and whether it goes on from one.

    Attributes
    ----------
    folder : Path or None
    every : str or None
    resume : Path or None
    allow_other_engine : bool
    """

    folder: Path | None = None
    every: str | None = None
    resume: Path | None = None
    allow_other_engine: bool = False

    def __post_init__(self) -> None:
        if self.folder is not None and self.resume is not None and self.folder != self.resume:
            raise SettingError("--resume names the folder that the training goes on in; leave --checkpoint out")
        if self.path is None and (self.every is not None or self.allow_other_engine):
            name = "--checkpoint-every" if self.every is not None else "--allow-other-engine"
            raise SettingError(f"{name} is for a training with --checkpoint FOLDER, or --resume FOLDER")

    @property
    def path(self) -> Path | None:
        """The folder of the checkpoints; None without any."""
        return self.folder if self.resume is None else self.resume

    def settings(self, given: Mapping[str, Any], resolved: Mapping[str, Any]) -> dict[str, Any]:
        """Give the checkpoints' settings as ``Run`` takes them, with the options that ``read_begun`` reads again."""
        if self.path is None:
            return {}
        every = {} if self.every is None else {"checkpoint_every": self.every}
        return {
            "checkpoint": self.path,
            **every,
            "checkpoint_notes": {"command": "train", "folder": str(Path.cwd()), "given": dict(given), "resolved": dict(resolved)},
            "resume": self.resume is not None,
            "allow_other_engine": self.allow_other_engine,
        }

    @property
    def remedy(self) -> str:
        """The command that goes on with a training that was stopped, to end a sentence; empty without checkpoints."""
        return "" if self.path is None else f"; go on with: chainrule train --resume {self.path}"


def resumed(folder: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options of the training that was begun in a folder, with those that are given now.

    Raises
    ------
    SettingError
        When one that is given now contradicts it.
    FileError, ModelFileError
        When the folder has no checkpoint of ``chainrule train``.
    """
    begun, resolved = read_begun(folder)
    for name, value, before in _compared(given, resolved):
        grows = name == "epochs" and isinstance(before, int) and value >= before
        present = absolute(value) if name in ("data", "validation") else _normal(value)
        if name not in MAY_DIFFER and not grows and present != before:
            raise SettingError(
                f"{folder} was begun {_describe(name, before)}, which {_option_of(name)} contradicts; leave it out, or begin "
                "another training in another folder"
            )
    reading = {**begun.get("reading", {}), **given.get("reading", {})}
    return {**begun, **given, **({"reading": reading} if reading else {})}


def _compared(given: Mapping[str, Any], resolved: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Give the name of each option, its value of now, and the one it was begun with; those of reading a table one by one."""
    for name, value in given.items():
        before = resolved.get(name)
        if name != "reading":
            yield name, value, before
            continue
        known = before if isinstance(before, Mapping) else {}
        yield from ((entry, each, known.get(entry)) for entry, each in value.items())


def _option_of(name: str) -> str:
    return "DATA" if name == "data" else option_of(name)


def _describe(name: str, value: Any) -> str:
    if name == "data":
        return f"with the data {value}"
    if name == "epochs":
        return f"with --epochs {value} or more"
    if value in (None, {}, []):
        return f"without {option_of(name)}"
    text = ",".join(map(str, value)) if isinstance(value, list) else value
    return f"with {option_of(name)} {text}"


def _normal(value: Any) -> Any:
    """Give a value as JSON returns it: a list for a tuple."""
    return list(value) if isinstance(value, tuple) else value


def read_begun(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the options of a training from its newest checkpoint: those that were given, and the values of all settings.

    Raises
    ------
    FileError, ModelFileError
        When the folder has no checkpoint of ``chainrule train``, or its options are not valid.
    """
    from ..checkpoints.run_folder import first_run

    notes = first_run(folder).header().notes
    given, resolved = notes.get("given"), notes.get("resolved")
    if notes.get("command") != "train" or not isinstance(given, dict) or not isinstance(resolved, dict):
        raise ModelFileError(f"{folder} was not begun by chainrule train; resume it in Python, by resume=True")
    if not all(_is_valid(name, value) for name, value in given.items()) or not isinstance(resolved.get("data"), str):
        raise ModelFileError(f"{folder} is damaged: the options in its checkpoint are not valid")
    if notes.get("folder") != str(Path.cwd()):
        for name in ("data", "validation"):
            if name in given and isinstance(resolved.get(name), str):
                given[name] = resolved[name]
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}, resolved


def _is_valid(name: str, value: Any) -> bool:
    """Test whether an entry of a file is an option with a value of its type."""
    if name in _TEXTS:
        return isinstance(value, str)
    if name in _COUNTS:
        return type(value) is int
    if name in _NUMBERS:
        return type(value) in (int, float)
    if name == "hidden":
        return isinstance(value, list) and all(type(units) is int for units in value)
    if name == "activation":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    if name == "reading":
        ReadingOptions.parse(value)
        return True
    return name in ("transpose", "all_rows", "rows", "standardize") and isinstance(value, bool)


def absolute(data: str) -> str:
    """Give the path of data in a file from the root; the name of a built-in data set, and a URL, stay as they are."""
    return data if data in BUILT_IN_DATA or "://" in data else str(Path(data).absolute())
