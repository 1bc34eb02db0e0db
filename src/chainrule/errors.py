"""The exceptions, each also the builtin that a caller would expect.

::

    ChainruleError
    |-- SettingError        ValueError    a setting cannot be what it is: a rate of 0, sizes of length 1
    |   `-- UnknownName     ValueError    a name that is in no table: activation="sigmiod"
    |-- DataError           ValueError    x, y or a file's contents cannot be used as they are
    |   `-- ModelFileError  ValueError    a model file that is cut, damaged or of another kind
    |-- DataTypeError       TypeError     x or y hold something other than numbers
    |-- ArgumentTypeError   TypeError     an argument is another kind of thing altogether
    |-- FileError           OSError       a file cannot be read or written
    |-- EngineError         RuntimeError  no engine here does what was asked, or not now
    `-- MissingExtra        ImportError   an optional library is not installed

    DivergenceWarning           RuntimeWarning  a training went to NaN or infinity, and was stopped (in ``training``)
    UnreachableTargetsWarning   UserWarning     targets lie beyond what the output can give (in ``training``)
    BeginsAnewWarning           UserWarning     a network from a file is trained on without its optimizer's memory (in ``training``)

A message says what was required, what came, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

Entry = TypeVar("Entry")


class ChainruleError(Exception):
    """Every error that chainrule raises on purpose."""


class SettingError(ChainruleError, ValueError):
    """A setting cannot be what it is."""


class UnknownName(SettingError):
    """A name that is in no table.

    Parameters
    ----------
    kind : str
        What the name should have named, such as ``"activation"``.
    name : object
        What came.
    known : iterable of str
        The names there are.

    Examples
    --------
    >>> print(UnknownName("cost", "quadratc", ["quadratic", "log_loss"]))
    unknown cost 'quadratc'; did you mean 'quadratic'? There are: quadratic, log_loss
    """

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        from difflib import get_close_matches  # only a mistake pays for it

        names = list(known)
        said = str(getattr(name, "__name__", name))  # a function of that name, where the name was wanted
        near = get_close_matches(said.lower(), names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? There are" if near else "there are"
        super().__init__(f"unknown {kind} {name!r}; {hint}: {', '.join(names)}")


def look_up(kind: str, name: object, table: Mapping[str, Entry]) -> Entry:
    """Find a name in a table, or raise UnknownName."""
    if not isinstance(name, str) or name not in table:
        raise UnknownName(kind, name, table)
    return table[name]


class DataError(ChainruleError, ValueError):
    """``x``, ``y`` or the contents of a file cannot be used as they are."""


class ModelFileError(DataError):
    """A model file that is cut, damaged or of another kind."""


class DataTypeError(ChainruleError, TypeError):
    """``x`` or ``y`` hold something other than numbers."""


class ArgumentTypeError(ChainruleError, TypeError):
    """An argument is another kind of thing altogether."""


class FileError(ChainruleError, OSError):
    """A file cannot be read or written."""


class EngineError(ChainruleError, RuntimeError):
    """No engine here does what was asked."""


class MissingExtra(ChainruleError, ImportError):
    """An optional library is not installed."""
