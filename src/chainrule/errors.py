"""The exceptions; each also derives from the builtin exception that a caller would expect.

::

    ChainruleError
    |-- SettingError        ValueError    a setting has an invalid value: a rate of 0, sizes of length 1
    |   `-- UnknownName     ValueError    a name is not in its table: activation="sigmiod"
    |-- DataError           ValueError    x, y or a file's contents have invalid values or shapes
    |   `-- ModelFileError  ValueError    a model file is cut short, damaged or of another kind
    |-- DataTypeError       TypeError     x or y do not hold numbers
    |-- ArgumentTypeError   TypeError     an argument has the wrong type
    |-- FileError           OSError       a file cannot be read or written
    |-- DivergenceError     RuntimeError  a training diverged before it had learnt anything
    |-- TrainingEnded       RuntimeError  a Run that an error has ended is asked to train on
    |-- EngineError         RuntimeError  no installed engine supports the request, or an engine cannot serve it now
    |-- MissingExtra        ImportError   an optional library is not installed
    `-- AbsentModule        ImportError   a module of the book that this library does not have

    DivergenceWarning           RuntimeWarning  a training reached NaN or infinity and was stopped (in ``training``)
    UnreachableTargetsWarning   UserWarning     targets lie outside the output activation's range (in ``training``)
    BeginsAnewWarning           UserWarning     a network from a file is trained on, its optimizer's state lost (in ``training``)
    CheckpointWarning           UserWarning     a checkpoint is damaged, was not written, or is of another engine (in ``training``)

A message states the requirement, the value given, and the remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

Entry = TypeVar("Entry")


class ChainruleError(Exception):
    """The base class of all errors that chainrule raises."""


class SettingError(ChainruleError, ValueError):
    """A setting has an invalid value."""


MOST_NAMES = 60
"""The most names that a message lists; a table may have thousands of columns."""


class UnknownName(SettingError):
    """A name is not in its table.

    Parameters
    ----------
    kind : str
        The kind of thing that the name should denote, such as ``"activation"``.
    name : object
        The value given.
    known : iterable of str
        The valid names.

    Examples
    --------
    >>> print(UnknownName("cost", "quadratc", ["quadratic", "log_loss"]))
    unknown cost 'quadratc'; did you mean 'quadratic'? The names are: quadratic, log_loss
    """

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        from difflib import get_close_matches  # imported here, since only an error needs it

        names = list(known)
        given = str(getattr(name, "__name__", name))  # a function given instead of its name
        near = get_close_matches(given.lower(), names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? The names are" if near else "the names are"
        more = f", and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
        super().__init__(f"unknown {kind} {name!r}; {hint}: {', '.join(names[:MOST_NAMES])}{more}")


def look_up(kind: str, name: object, table: Mapping[str, Entry]) -> Entry:
    """Look a name up in a table.

    Raises
    ------
    UnknownName
        When the table does not have it.
    """
    if not isinstance(name, str) or name not in table:
        raise UnknownName(kind, name, table)
    return table[name]


class DataError(ChainruleError, ValueError):
    """``x``, ``y`` or the contents of a file have invalid values or shapes."""


class ModelFileError(DataError):
    """A model file is cut short, damaged or of another kind."""


class DataTypeError(ChainruleError, TypeError):
    """``x`` or ``y`` do not hold numbers."""


class ArgumentTypeError(ChainruleError, TypeError):
    """An argument has the wrong type."""


class FileError(ChainruleError, OSError):
    """A file cannot be read or written."""


class DivergenceError(ChainruleError, RuntimeError):
    """A training reached NaN or infinity before its first epoch ended, so that there is no model."""


class TrainingEnded(ChainruleError, RuntimeError):
    """A ``Run`` that an error has ended, such as one in a callback, is asked to train on."""


class EngineError(ChainruleError, RuntimeError):
    """No installed engine supports the request, or an engine cannot serve it now."""


class MissingExtra(ChainruleError, ImportError):
    """An optional library is not installed."""


class AbsentModule(ChainruleError, ImportError):
    """A module of the book that this library does not have."""
