"""The result of a homework check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A mistake in a learner's backprop.

    Attributes
    ----------
    name, equation, where : str
        Its name, the equation that it violates, and the layers or lists that it is in.
    what : str
        A description of the mistake.
    line : str
        The correct line of code in the learner's own convention.
    """

    name: str
    equation: str
    where: str
    what: str
    line: str


@dataclass(frozen=True)
class FirstWrong:
    """The first wrong array, counted from the output backwards, compared with the correct one.

    Attributes
    ----------
    layer : int
        From 0.
    array : str
        ``"nabla_b"`` or ``"nabla_w"``.
    ratio, cosine : float
        The least-squares factor between the two, and the cosine of the angle between them.
    """

    layer: int
    array: str
    ratio: float
    cosine: float


@dataclass(frozen=True)
class Homework:
    """The result of checking a learner's backprop; ``print`` shows it.

    Attributes
    ----------
    ok : bool
    assumed : str
        How the function was called, and how its result was interpreted.
    finding : Finding or None
        The mistake, if it is a known one.
    first_wrong : FirstWrong or None
        The array in which an unknown mistake begins.
    """

    ok: bool
    assumed: str
    finding: Finding | None = None
    first_wrong: FirstWrong | None = None

    def __str__(self) -> str:
        lines = ["Right: this is backpropagation."]
        if self.finding is not None:
            lines = _finding_lines(self.finding)
        elif self.first_wrong is not None:
            lines = _first_wrong_lines(self.first_wrong)
        return "\n".join([*lines, *f"  Assumed: {self.assumed}".replace("; ", ";\n           ").splitlines()])


def _finding_lines(finding: Finding) -> list[str]:
    where = f", {finding.where}" if finding.where else ""
    equation = f" ({finding.equation})" if finding.equation else ""
    lines = [f"Not right yet: {finding.name}{where}{equation}.", f"  Wrong:   {finding.what}."]
    lines += [f"  {'' if i else 'Right:':8} {line}" for i, line in enumerate(finding.line.splitlines())]
    if "[l" in finding.line:
        lines.append(f"{'':11}(layers l count from 0, and activations[0] is x)")
    return lines


def _first_wrong_lines(wrong: FirstWrong) -> list[str]:
    return [
        "Not right yet, but this is none of the known mistakes.",
        f"  Begins:  in {wrong.array}[{wrong.layer}], counted from the output backwards.",
        f"           Yours is {wrong.ratio:.4g} times the right one, at a cosine of {wrong.cosine:.4g}.",
    ]
