"""The units of durations in a parquet file, which has no type for them: integers, and an Arrow schema among the metadata.

The schema is a message of Arrow's IPC format (https://arrow.apache.org/docs/format/Columnar.html), written as FlatBuffers
(https://flatbuffers.dev/internals/): a table begins with the distance back to its list of 16-bit offsets, one for each entry of the
table, where 0 is an absent entry; the numbers of the entries are those of Arrow's Message.fbs and Schema.fbs.
"""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass

UNITS = ("s", "ms", "us", "ns")
DURATION = 18  # the position in the union of types

_CONTINUATION = b"\xff\xff\xff\xff"  # precedes the message's length, but not in files before Arrow 0.15


def duration_units(stored: bytes, n_columns: int) -> list[str | None]:
    """Find which columns are durations.

    Parameters
    ----------
    stored : bytes
        The value of ``ARROW:schema`` in a parquet file's metadata, in base64.
    n_columns : int
        The number of columns of the file.

    Returns
    -------
    list of str or None
        For each column "s", "ms", "us" or "ns"; None where it is not a duration.

    Raises
    ------
    ValueError
        When it is not such a message, or one of another number of columns.
    """
    try:
        message = base64.b64decode(stored, validate=True)
        message = message[8 if message.startswith(_CONTINUATION) else 4 :]
        schema = _Table(message, _number(message, "<I", 0)).table(2)
        units = [_duration_unit(field) for field in schema.tables(1)]
    except (struct.error, IndexError) as error:
        raise ValueError(f"it is damaged: {error}") from None
    if len(units) != n_columns:
        raise ValueError(f"it has {len(units)} columns, and the file has {n_columns}")
    return units


def _duration_unit(field: _Table) -> str | None:
    """Give the unit of a field that is a duration; without an entry it is the millisecond."""
    return UNITS[field.table(3).number(0, "<H", default=1)] if field.number(2, "<B") == DURATION else None


def _number(data: bytes, form: str, at: int) -> int:
    """Read an integer; struct takes a negative position as one from the end, which a damaged message may have."""
    if at < 0:
        raise IndexError("a position lies before the start")
    return int(struct.unpack_from(form, data, at)[0])


@dataclass(frozen=True)
class _Table:
    """A table of FlatBuffers.

    Attributes
    ----------
    data : bytes
        The whole message.
    at : int
        The position of the table.
    """

    data: bytes
    at: int

    def number(self, entry: int, form: str, default: int = 0) -> int:
        """Read an entry that is an integer."""
        at = self._find(entry)
        return default if at is None else _number(self.data, form, at)

    def table(self, entry: int) -> _Table:
        """Follow an entry that is the distance to another table."""
        at = self._find(entry)
        if at is None:
            raise IndexError(f"it has no entry {entry}")
        return _Table(self.data, at + _number(self.data, "<I", at))

    def tables(self, entry: int) -> list[_Table]:
        """Follow an entry that is the distance to a length and the distances to so many tables."""
        vector = self.table(entry).at
        length = _number(self.data, "<I", vector)
        if 4 * length > len(self.data):
            raise IndexError(f"a list has {length:,} entries")
        places = [vector + 4 * (k + 1) for k in range(length)]
        return [_Table(self.data, at + _number(self.data, "<I", at)) for at in places]

    def _find(self, entry: int) -> int | None:
        """Find the position of an entry; None where it is absent."""
        offsets = self.at - _number(self.data, "<i", self.at)
        at = 4 + 2 * entry
        if at >= _number(self.data, "<H", offsets):
            return None
        offset = _number(self.data, "<H", offsets + at)
        return self.at + offset if offset else None
