"""Request bodies: JSON decoded strictly into a class, whose annotations say what is valid."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from ..errors import SettingError
from .refusal import Refusal

Body = TypeVar("Body", bound=msgspec.Struct)


def decode(body: bytes, into: type[Body]) -> Body:
    """Decode and validate a body; an empty one is an object without entries.

    Raises
    ------
    Refusal
        With status 400, and where in the body the mistake is; with 409 for entries that are valid but exclude one another.
    """
    try:
        return msgspec.convert(with_integers(msgspec.json.decode(body or b"{}")), into)
    except msgspec.ValidationError as error:
        status = 409 if isinstance(error.__cause__, SettingError) else 400  # the class itself compares its entries
        raise Refusal(status, describe(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"the body must be JSON in UTF-8, not nested deeply: {error}") from None


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


def describe(message: str) -> str:
    """Put the place before the fault in a message of msgspec.

    Examples
    --------
    >>> describe("Expected `int` >= 0 - at `$.label`")
    'label: expected int >= 0'
    >>> describe("Object missing required field `pixels`")
    'object missing required field pixels'
    """
    fault, _, place = message.replace("`", "").partition(" - at ")
    fault = fault[:1].lower() + fault[1:]
    name = re.sub(r"^\$\.?", "", place)
    return f"{name}: {fault}" if name else fault
