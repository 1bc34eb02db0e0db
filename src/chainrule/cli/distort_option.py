"""The option ``--distort``: the amounts of a distortion as text, such as ``shift=2,rotation=15``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import SettingError

if TYPE_CHECKING:
    from ..distort import Affine

USUAL_AMOUNTS = "shift=1.5,scale=0.15,slant=0.2,rotation=12"
"""The amounts of ``--distort`` without any: those that suit MNIST (docs/log.md)."""

NAMES = ("shift", "scale", "slant", "rotation", "background")


def normalize_amounts(text: str) -> str:
    """Check the amounts, and write them in one order and form, so that equal ones are equal texts.

    Examples
    --------
    >>> normalize_amounts("rotation=15, shift=2.0")
    'shift=2,rotation=15'
    """
    affine = make_distortion(text)
    amounts = {name: getattr(affine, name) for name in NAMES}
    return ",".join(f"{name}={_as_text(value)}" for name, value in amounts.items() if value) or "shift=0"


def make_distortion(text: str) -> Affine:
    """Give the distortion by these amounts; what is not named is left as it is.

    Raises
    ------
    SettingError
        When a part is not an amount's name and value, or a value is out of its range.
    """
    from ..distort import Affine

    settings: dict[str, Any] = {}
    for part in text.split(","):
        name, separator, value = (word.strip() for word in part.partition("="))
        if name not in NAMES or not separator or name in settings:
            fault = "is given twice" if name in settings else "is not one of them"
            raise SettingError(
                f"--distort takes amounts such as {USUAL_AMOUNTS}, or none; {part.strip()!r} {fault}. The amounts are "
                f"{', '.join(NAMES[:-1])} and {NAMES[-1]}; the data is named before this option"
            )
        settings[name] = value if name == "background" else _read_number(name, value)
    return Affine(**settings)


def _read_number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise SettingError(f"--distort: {name} must be a number; it is {value!r}") from None


def _as_text(value: float | str) -> str:
    """Write a number in the shortest form that reads as the same number, whole ones without a point."""
    return value if isinstance(value, str) else repr(value).removesuffix(".0")


def describe_distortion(settings: dict[str, Any]) -> str:
    """Describe a distortion by its name and its settings other than 0.

    Examples
    --------
    >>> describe_distortion({"name": "affine", "shift": 2.0, "scale": 0.0, "slant": 0.2, "rotation": 15.0, "background": None})
    'affine, shift 2, slant 0.2, rotation 15'
    """
    shown = [f"{name} {_as_text(value)}" for name, value in settings.items() if name != "name" and value]
    return ", ".join([str(settings.get("name", "?")), *shown])
