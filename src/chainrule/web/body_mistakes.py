"""Mistakes in request bodies, each told in one line: what was required, what came, and what to send instead.

msgspec decides what is a mistake, and where. The requirement is written here from the same class that msgspec decodes into.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import inspect

from ..errors import UnknownName

STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
"""One step of msgspec's path to a value, such as ``$.points[3][0]``."""

LONGEST_VALUE = 40
"""The most letters of a value that a message repeats."""

Number = inspect.IntType | inspect.FloatType
ListType = inspect.VarTupleType | inspect.TupleType


def mistake(body: Any, into: type[msgspec.Struct], path: str) -> str:
    """Tell the mistake that msgspec found.

    Parameters
    ----------
    body : object
        The decoded JSON.
    into : class
        What it does not fit.
    path : str
        Where, as msgspec writes it: ``$.hidden[0]``, or empty for the body itself.

    Examples
    --------
    >>> from chainrule.web.run_requests import RunRequest
    >>> mistake({"hidden": [0]}, RunRequest, "$.hidden[0]")
    'hidden[0] must be a whole number from 1 to 512, but it is 0; send 1 or more'
    """
    value, kind = _at(body, into, path)
    name = path.removeprefix("$").removeprefix(".") or "the body"
    if isinstance(kind, inspect.StructType) and isinstance(value, dict):
        return _wrong_names(value, kind)
    if isinstance(kind, inspect.LiteralType) and isinstance(value, str):
        return str(UnknownName(name, _shortened(value), map(str, kind.values)))
    return f"{name} must be {_requirement(kind)}, but it {_found(value, kind)}; {_remedy(value, kind)}"


def _at(body: Any, into: type[msgspec.Struct], path: str) -> tuple[Any, inspect.Type]:
    """Give the value at a path, and the type that it must have."""
    value, kind = body, inspect.type_info(into)
    for name, index in STEP.findall(path):
        value = value[name or int(index)] if name else value[int(index)]
        if isinstance(kind, inspect.StructType):
            kind = _bare(next(field.type for field in kind.fields if field.encode_name == name))
        elif isinstance(kind, inspect.VarTupleType):
            kind = _bare(kind.item_type)
        elif isinstance(kind, inspect.TupleType):
            kind = _bare(kind.item_types[int(index)])
    return value, kind


def _bare(kind: inspect.Type) -> inspect.Type:
    """Give a type without its description."""
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _wrong_names(value: dict[str, Any], kind: inspect.StructType) -> str:
    """Tell of the first name that an object must not have, or else of the first that it lacks."""
    known = {field.encode_name: field for field in kind.fields}
    unknown = next((name for name in value if name not in known), None)
    if unknown is not None:
        return f"{UnknownName('name', _shortened(unknown), known)}; leave it out or correct it"
    missing = next(field for field in kind.fields if field.required and field.encode_name not in value)
    given = ", ".join(value) or "none"
    requirement = _requirement(_bare(missing.type))
    return f"{missing.encode_name} is required, {requirement}, but the names given are: {given}; add {missing.encode_name}"


# What was required


def _requirement(kind: inspect.Type) -> str:
    """Write what a value must be."""
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, Number):
        return f"{_noun(kind)}{_limits(kind)}"
    if isinstance(kind, inspect.LiteralType):
        return f"one of the names {', '.join(map(str, kind.values))}"
    if isinstance(kind, inspect.StructType):
        return f"a JSON object with the names {', '.join(field.encode_name for field in kind.fields)}"
    if isinstance(kind, inspect.TupleType):
        entries = ", ".join(_requirement(_bare(item)) for item in kind.item_types)
        return f"a list of {len(kind.item_types)} entries ({entries})"
    if isinstance(kind, inspect.VarTupleType):
        return f"a list of {_items(kind)}"
    raise NotImplementedError(f"no body has a {type(kind).__name__}")


def _items(kind: inspect.VarTupleType) -> str:
    """Write how many entries a list must have, and of what kind: ``at most 4 whole numbers from 1 to 512``."""
    amount = f"{kind.max_length:,}" if kind.min_length == kind.max_length else f"at most {kind.max_length:,}"
    item = _bare(kind.item_type)
    if isinstance(item, Number):
        return f"{amount} {_noun(item).removeprefix('a ')}s{_limits(item)}"
    return f"{amount} lists{_requirement(item).removeprefix('a list')}"


def _noun(kind: Number) -> str:
    return "a whole number" if isinstance(kind, inspect.IntType) else "a number"


def _limits(kind: Number) -> str:
    """Write a number's limits, of which each has both."""
    if kind.gt is not None:
        return f" above {kind.gt:,} and at most {_highest(kind):,}"
    return f" from {kind.ge:,} to {_highest(kind):,}"


def _highest(kind: Number) -> float:
    return kind.lt - 1 if kind.lt is not None else kind.le  # type: ignore[return-value]


# What came


def _found(value: Any, kind: inspect.Type) -> str:
    """Write what came in place of what was required, to follow "it"."""
    if isinstance(value, list):
        return f"has {len(value):,}" if isinstance(kind, ListType) else f"is a list of {len(value):,}"
    if isinstance(value, dict):
        return f"is an object with the names {_shortened(', '.join(value)) or '(none)'}"
    return f"is {_shortened(msgspec.json.encode(value).decode())}"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 4]} ..."


# What to send instead


def _remedy(value: Any, kind: inspect.Type) -> str:
    """Write what to send instead of a value."""
    if isinstance(kind, Number):
        return _number_remedy(value, kind)
    if isinstance(kind, ListType):
        return _list_remedy(value, kind)
    if isinstance(kind, inspect.LiteralType):
        return "send one of them in double quotes"
    if isinstance(kind, inspect.StructType):
        return "send one in braces, its names in double quotes"
    return "send one of the two, without quotes"


def _number_remedy(value: Any, kind: Number) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "send a number without quotes" if isinstance(value, str) else f"send a number, such as {kind.ge or 1}"
    if kind.gt is not None and value <= kind.gt:
        return f"send more than {kind.gt:,}"
    if kind.ge is not None and value < kind.ge:
        return f"send {kind.ge:,} or more"
    if value > _highest(kind):
        return f"send {_highest(kind):,} or less"
    return "round it"


def _list_remedy(value: Any, kind: ListType) -> str:
    if not isinstance(value, list):
        return f"send a list in brackets{_as_list_of_one(value, kind)}"
    wanted = len(kind.item_types) if isinstance(kind, inspect.TupleType) else kind.max_length
    missing = (wanted or 0) - len(value)
    return f"add {missing:,}" if missing > 0 else f"leave out {-missing:,}"


def _as_list_of_one(value: Any, kind: ListType) -> str:
    """Show a number as the list that was probably meant, where a list may have one."""
    if isinstance(kind, inspect.TupleType) or kind.min_length is not None or not isinstance(value, int | float):
        return ""
    return f": [{value}]" if isinstance(_bare(kind.item_type), Number) and not isinstance(value, bool) else ""
