"""How activations and costs are written in an explanation: formulas in the markup of ``explaining.formula_markup``, and a remark.

A remark is prose, in which formulas stand between dollar signs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Formula:
    """A function's value and derivative as formulas, and a remark on them.

    Attributes
    ----------
    value : str
        ``sigma(z)`` of an activation, ``C`` of a cost.
    derivative : str
        ``sigma'(z)`` of an activation, ``dC/da_j`` of a cost.
    remark : str
    """

    value: str
    derivative: str
    remark: str = ""


@dataclass(frozen=True)
class OutputFormula:
    """BP1 for an output activation and a cost: the lines of the derivation, and a remark on them.

    Attributes
    ----------
    lines : tuple of str
        Empty where nothing is worth a line of its own.
    remark : str
    """

    lines: tuple[str, ...]
    remark: str
