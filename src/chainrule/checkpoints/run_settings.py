"""The settings and data of a training as a checkpoint keeps them, and their comparison with those of a training that goes on."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from .. import __version__
from .._format import pluralize
from .._warnings import user_stacklevel
from ..errors import EngineError, SettingError
from ..schedules import Schedule, rates
from .fingerprint import digest_of
from .run_folder import CheckpointWarning
from .snapshot import Snapshot

COMPARED_RATES = 1000
"""The steps whose learning rates are compared, spread over the training: enough to tell two schedules apart."""

NOTES_BYTES, NOTES_DEPTH = 1 << 20, 32
"""The most bytes of a caller's notes as JSON, and the deepest nesting: readers limit both."""

_DATA = {
    "data": "the training examples",
    "rows": "the rows to train on",
    "validation": "the validation examples",
    "validation_rows": "the rows to validate on",
    "classes": "the names of the classes",
    "scaling": "the means and scales of the columns",
    "generator": "the random numbers of random_state",
}


def check_folder_given(checkpoint: object, **settings: object) -> None:
    """Refuse settings of checkpoints where no folder is named: they would have no effect.

    Raises
    ------
    SettingError
        When one of ``settings`` is given: other than None and False.
    """
    given = [name for name, value in settings.items() if value not in (None, False)]
    if checkpoint is None and given:
        verb = "is" if len(given) == 1 else "are"
        raise SettingError(
            f"{' and '.join(given)} {verb} for a training with checkpoints in a folder: name it too, as checkpoint='folder'"
        )


def digest_of_rates(schedule: Schedule, learning_rate: float, total: int) -> str:
    """Give a digest of the learning rates of a training of ``total`` steps: that of schedules which are the user's own, too."""
    steps = np.unique(np.linspace(0, max(total - 1, 0), COMPARED_RATES).astype(np.int64))
    return digest_of(np.concatenate([rates(schedule, learning_rate, step, step + 1, total) for step in steps.tolist()]))


def check_notes(notes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse notes that JSON cannot hold, and those that are too long or too deep to be in every checkpoint.

    Raises
    ------
    SettingError
        When they hold another type, NaN or infinity.
    """
    try:
        text = json.dumps(dict(notes), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise SettingError(f"checkpoint_notes must be a mapping of JSON's types: {error}") from None
    if len(text) > NOTES_BYTES:
        raise SettingError(
            f"checkpoint_notes may take {NOTES_BYTES:,} bytes as JSON, since each checkpoint holds them; they take {len(text):,}: "
            "write them to a file, and note its name"
        )
    if _depth(notes) > NOTES_DEPTH:
        raise SettingError(f"checkpoint_notes may be nested {NOTES_DEPTH} deep; they are deeper")
    return notes


def _depth(value: Any) -> int:
    """Count the levels of mappings and lists; values of JSON's types have no loops."""
    entries = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return 1 + max(map(_depth, entries), default=0)


def compare_settings(
    path: object, kept: Mapping[str, Any], describe: Callable[[int], Mapping[str, Any]], epochs: int, *, derived: str = ""
) -> None:
    """Refuse to go on from a checkpoint whose settings or data are not those of this training.

    Parameters
    ----------
    path : Path
        The run's folder, for the message.
    kept : mapping
        The settings in the checkpoint.
    describe : callable
        Gives the settings of this training with another number of epochs, since the schedule may depend on it.
    epochs : int
        The number of epochs of this training, which may be larger than the checkpoint's.
    derived : str
        The entry that follows from the others, such as "plan" where they are hyperparameters; it is named where no other differs.

    Raises
    ------
    SettingError
        When an entry differs; it names each.
    """
    if epochs < kept["epochs"]:
        raise SettingError(
            f"{path} is a training of {pluralize(kept['epochs'], 'epoch')}, which may become more, but not {epochs:,}; begin "
            "another training in another folder"
        )
    before, now = dict(_flat(kept)), dict(_flat(describe(kept["epochs"])))
    different = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if derived:
        different = [name for name in different if not name.startswith(f"{derived}.")] or different
    if different:
        faults = "; ".join(_describe(name, before.get(name), now.get(name)) for name in different)
        raise SettingError(
            f"{path} cannot be resumed: {faults}. Resume it with the settings and data that it was begun with, or begin another "
            "training in another folder"
        )


def check_engine(
    path: object,
    kept: Snapshot,
    kept_version: str,
    present: str,
    blas_threads: int | None,
    allow_other: bool,
) -> None:
    """Refuse to go on with another engine than the one that wrote a checkpoint, unless the user allows it; then warn.

    Parameters
    ----------
    path : Path
        The run's folder, for the message.
    kept : Snapshot
        The checkpoint.
    kept_version : str
        The version of chainrule that wrote it.
    present : str
        The engine of this training with its variant, as ``State.made_by`` has it.
    blas_threads : int or None
        As ``Snapshot`` has them.
    allow_other : bool

    Raises
    ------
    EngineError
        When the engine is another one, and ``allow_other`` is False.
    """
    before = kept.state.made_by
    if before != present and not allow_other:
        raise EngineError(
            f"{path} was trained by {before}, and this is {present}: its last digits would differ from those of a training that "
            "was never stopped. Resume it on such a machine, or allow that: allow_other_engine=True, --allow-other-engine"
        )
    differences = [
        (before, present),
        (f"chainrule {kept_version}", f"chainrule {__version__}"),
        (f"{kept.blas_threads} threads of BLAS", f"{blas_threads} threads of BLAS"),
    ]
    for was, now in differences:
        if was != now:
            message = f"{path} was trained by {was}, and goes on with {now}; the last digits may differ"
            warnings.warn(message, CheckpointWarning, stacklevel=user_stacklevel())
            return


def _describe(name: str, before: Any, now: Any) -> str:
    """Say how an entry differs; data is named, since its digests say nothing."""
    if name in _DATA:
        if before is None or now is None:
            return f"{_DATA[name]} were {'not ' * (before is None)}given when it was begun"
        return f"{_DATA[name]} are other ones"
    if name == "rates":
        return "the schedule gives other learning rates"
    return f"{name.removeprefix('plan.')} was {before!r}, and now is {now!r}"


def _flat(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give every entry of nested objects and lists by its name, such as ``plan.layers.0.n_out``."""
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(settings, list):
        yield f"{prefix}.number", len(settings)
        for k, value in enumerate(settings):
            yield from _flat(value, f"{prefix}.{k}")
    else:
        yield prefix, settings
