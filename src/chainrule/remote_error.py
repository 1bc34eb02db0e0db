"""Errors of this library from one process to another: some of their classes cannot be copied."""

from __future__ import annotations

from typing import NamedTuple

from .errors import ChainruleError, DataError, EngineError, FileError, SettingError

_KINDS: dict[str, type[ChainruleError]] = {kind.__name__: kind for kind in (SettingError, DataError, FileError, EngineError)}


class RemoteError(NamedTuple):
    """An error that was met in another process.

    Attributes
    ----------
    kind : str
        The name of the nearest class of errors that is made of a message alone.
    message : str
    """

    kind: str
    message: str

    @classmethod
    def of(cls, error: ChainruleError) -> RemoteError:
        """Describe an error.

        Examples
        --------
        >>> RemoteError.of(DataError("row 3 is empty"))
        RemoteError(kind='DataError', message='row 3 is empty')
        """
        kinds = (base.__name__ for base in type(error).__mro__ if base in _KINDS.values())
        return cls(next(kinds, EngineError.__name__), str(error))

    def error(self) -> ChainruleError:
        """Make the error of this process."""
        return _KINDS[self.kind](self.message)
