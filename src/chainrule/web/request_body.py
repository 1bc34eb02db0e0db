"""Request bodies: JSON decoded strictly into a class, whose annotations say what is valid."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from ..errors import SettingError
from .body_mistakes import mistake
from .refusal import Refusal

Body = TypeVar("Body", bound=msgspec.Struct)

JSON_FAULTS = {
    "Input data was truncated": "it ends too early; close every brace, bracket and quote",
    "UTF-8": "it holds bytes that are not UTF-8; encode it as UTF-8",
    "out of range": "a number is out of range, beyond 1.8e308; send a smaller one",
    "recursion": "it is nested too deeply; no body here needs more than three levels",
}
"""The faults that have a remedy of their own, by a part of msgspec's or Python's message."""


def decode(body: bytes, into: type[Body]) -> Body:
    """Decode and validate a body; an empty one is an object without entries.

    Raises
    ------
    Refusal
        With status 400 for a mistake, and with 409 for entries that are valid but exclude one another.
    """
    value = _json(body or b"{}")
    try:
        return msgspec.convert(value, into)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, SettingError):  # the class itself compares its entries
            raise Refusal(409, str(error.__cause__)) from None
        raise Refusal(400, mistake(value, into, path_of(error))) from None


def path_of(error: msgspec.ValidationError) -> str:
    """Give the place that a message of msgspec names; empty for the whole body.

    Examples
    --------
    >>> path_of(msgspec.ValidationError("Expected `int` >= 0 - at `$.label`"))
    '$.label'
    """
    return str(error).partition(" - at ")[2].strip("`")


def _json(body: bytes) -> Any:
    """Decode JSON, with integers for whole numbers.

    Raises
    ------
    Refusal
        With the place and the remedy, where it is none.
    """
    try:
        return with_integers(msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError) as error:  # a ValidationError is one: of a number beyond float64
        raise Refusal(400, f"the body must be JSON in UTF-8, but {json_fault(error)}") from None


def json_fault(error: Exception) -> str:
    """Tell why a body is not JSON, with the remedy.

    Examples
    --------
    >>> json_fault(msgspec.DecodeError("JSON is malformed: trailing comma in object (byte 7)"))
    'it is malformed: trailing comma in object (byte 7); put names and texts in double quotes, and write numbers in digits'
    """
    text = str(error)
    for part, fault in JSON_FAULTS.items():
        if part in text:
            return fault
    fault = text.removeprefix("JSON is malformed: ")
    return f"it is malformed: {fault}; put names and texts in double quotes, and write numbers in digits"


def with_integers(value: Any) -> Any:
    """Replace whole numbers that are written with a point by integers, as JSON Schema counts them.

    Examples
    --------
    >>> with_integers({"hidden": [16.0, 2.5]})
    {'hidden': [16, 2.5]}
    """
    if isinstance(value, dict):
        return {name: with_integers(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [with_integers(entry) for entry in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
