"""What is said about a learner's backprop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A mistake: its name, the equation it breaks, where, what is wrong, and the right line in the learner's own convention."""

    name: str
    equation: str
    where: str
    what: str
    line: str


@dataclass(frozen=True)
class FirstWrong:
    """The first wrong array from the output backwards: its place in the lists, and how far it is from the right one.

    ``ratio`` is that of least squares, ``cosine`` the cosine of the angle between the two.
    """

    layer: int
    array: str
    ratio: float
    cosine: float


@dataclass(frozen=True)
class Homework:
    """What was found in a learner's backprop.

    Attributes
    ----------
    ok : bool
    assumed : str
        How the function was called, and what its answer was taken for.
    finding : Finding or None
        The mistake, where it is one that has a name.
    first_wrong : FirstWrong or None
        Where it begins, where it has none.
    """

    ok: bool
    assumed: str
    finding: Finding | None = None
    first_wrong: FirstWrong | None = None

    def __str__(self) -> str:
        lines = ["Right: this is backpropagation."]
        if self.finding is not None:
            lines = _told(self.finding)
        elif self.first_wrong is not None:
            wrong = self.first_wrong
            lines = [
                "Not right yet, and no mistake that has a name here.",
                f"  Begins:  in {wrong.array}[{wrong.layer}], seen from the output backwards.",
                f"           Yours is {wrong.ratio:.4g} times the right one, at a cosine of {wrong.cosine:.4g}.",
            ]
        return "\n".join([*lines, *f"  Assumed: {self.assumed}".replace("; ", ";\n           ").splitlines()])


def _told(found: Finding) -> list[str]:
    """Say a finding in lines."""
    where = f", {found.where}" if found.where else ""
    equation = f" ({found.equation})" if found.equation else ""
    lines = [f"Not right yet: {found.name}{where}{equation}.", f"  Wrong:   {found.what}."]
    lines += [f"  {'' if i else 'Right:':8} {line}" for i, line in enumerate(found.line.splitlines())]
    if "[l" in found.line:
        lines.append(f"{'':11}(layers l count from 0, and activations[0] is x)")
    return lines
