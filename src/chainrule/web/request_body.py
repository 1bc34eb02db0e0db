"""Request bodies: JSON decoded strictly into a class, whose annotations say what is valid."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from .refusal import Refusal

Body = TypeVar("Body", bound=msgspec.Struct)


def decode(body: bytes, into: type[Body]) -> Body:
    """Decode and validate a body; an empty one is an object without entries.

    The class decides how deep the JSON may be nested and how long its lists may be, and unknown entries are refused.

    Raises
    ------
    Refusal
        With status 400, and where in the body the mistake is.
    """
    try:
        return msgspec.json.decode(body or b"{}", type=into)
    except msgspec.ValidationError as error:
        raise Refusal(400, describe(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"the body must be JSON in UTF-8: {error}") from None


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
