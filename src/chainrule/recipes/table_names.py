"""The names in a table's checkpoints: columns, categories and classes, which the networks' examples hold as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..checkpoints.fingerprint import digest_of
from ..checkpoints.run_folder import first_run
from ..errors import SettingError
from ..tables.preprocessing import Preprocessing
from ..tables.target import Target

NOTE = "names"
"""The entry of the checkpoints' notes that holds the digests."""


def with_names(checkpoints: Mapping[str, Any], preprocessing: Preprocessing, target: Target) -> dict[str, Any]:
    """Add digests of a table's names to the notes of its checkpoints, and refuse to resume a training of other names.

    Parameters
    ----------
    checkpoints : mapping
        As ``fit_table_model`` takes them; without a folder nothing is added.
    preprocessing : Preprocessing
    target : ClassTarget or ValueTarget

    Raises
    ------
    SettingError
        When the names are not those of the training that is resumed; it says which.
    """
    if checkpoints.get("checkpoint") is None:
        return dict(checkpoints)
    digests = digests_of_names(preprocessing, target)
    run = first_run(Path(checkpoints["checkpoint"]))
    if checkpoints.get("resume") and run.checkpoints():
        _compare(run.path, run.header().notes.get(NOTE), digests)
    return {**checkpoints, "checkpoint_notes": {**checkpoints.get("checkpoint_notes", {}), NOTE: digests}}


def digests_of_names(preprocessing: Preprocessing, target: Target) -> dict[str, str]:
    """Give a digest of each kind of names."""
    columns, described = preprocessing.to_json()["columns"], target.to_json()
    categories = [(rule.get("values"), rule.get("rare")) for column in columns for rule in column["rules"]]
    return {
        "columns": digest_of(text=repr([(column["name"], column["kind"]) for column in columns])),
        "categories": digest_of(text=repr(categories)),
        "target": digest_of(text=repr((described["name"], described.get("classes")))),
    }


def _compare(path: Path, before: Any, now: Mapping[str, str]) -> None:
    known = before if isinstance(before, Mapping) else {}
    different = [f"the names of the {name} are other ones" for name, digest in now.items() if known.get(name) != digest]
    if different:
        raise SettingError(
            f"{path} cannot be resumed: {'; '.join(different)}. Resume it with the table that it was begun with, or begin another "
            "training in another folder"
        )
