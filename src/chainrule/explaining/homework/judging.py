"""A learner's gradient beside backprop's, then beside those of its variants: which one is it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..._types import Array
from ...calculus.backprop import Gradient
from ...errors import SettingError
from .answers import Answer
from .conventions import Convention
from .drawing import Drawn
from .findings import Finding, FirstWrong, Homework
from .lines import right_line, words
from .rules import Mistake, backprop
from .variants import mistakes


class Tolerance(NamedTuple):
    """How far an array may be off: that part of its largest entry, or, where it is 0 but for rounding, the least."""

    part: float
    least: float


TOLERANCE = {False: Tolerance(1e-6, 1e-12), True: Tolerance(1e-4, 1e-6)}  # for float32 (True) as far as it reaches


class Claim(NamedTuple):
    """What the gradients are taken for: sums over the batch, or means."""

    means: bool
    factor: float

    def __str__(self) -> str:
        return "means" if self.means else "sums"


def judge(answer: Answer, net: Drawn, convention: Convention) -> Homework:
    """Compare an answer with backprop, then with its variants."""
    claims, by_cost, remark = _claims(answer, net, convention)
    tolerance = TOLERANCE[answer.single]

    def said(claim: Claim) -> str:
        return _assumed(answer, net, convention, claim, by_cost, remark)

    with np.errstate(all="ignore"):
        right = backprop(net)
    if not all(np.isfinite(part).all() for part in (*right.nabla_b, *right.nabla_w)):
        raise SettingError("the derivatives of like's own activations or cost give NaN or inf; mend them first")
    if answer.unsummed or answer.crosswise:
        return Homework(False, said(claims[0]), _of_the_batch(answer, net, convention, claims[0]))
    fitting = _fitting_claim(answer.gradient, zip(right.nabla_b[::-1], right.nabla_w[::-1], strict=True), claims, tolerance)
    if fitting and by_cost and fitting != claims[0]:
        return Homework(False, said(claims[0]), _m_times(claims[0], net, convention))
    if fitting:
        return Homework(True, said(fitting))
    found = list(_fitting_mistakes(answer, net, convention, claims, tolerance))
    if found:
        return Homework(False, said(found[0][1]), _finding(found, net, convention))
    claim = max(claims, key=lambda claim: _first_wrong(answer.gradient, right, claim.factor, tolerance)[0])
    return Homework(False, said(claim), first_wrong=_first_wrong(answer.gradient, right, claim.factor, tolerance)[1])


def _claims(answer: Answer, net: Drawn, convention: Convention) -> tuple[list[Claim], bool, str]:
    """Say what the gradients may be, the likely first; whether the cost decides it; and what is to be remarked about the cost."""
    sums, means = Claim(False, 1.0), Claim(True, 1 / net.m)
    possible = [sums] if convention.one_by_one else [sums, means]
    if answer.cost is None:
        return possible, False, ""
    total = float(net.cost.value(net.forward.activations[-1], net.y).sum())
    for claim in possible:
        if abs(answer.cost - claim.factor * total) <= TOLERANCE[answer.single].part * abs(claim.factor * total):
            return sorted(possible, key=lambda other: other != claim), True, ""
    due = " or ".join(f"{claim.factor * total:.6g}" for claim in possible)
    remark = f"the cost that it returned, {answer.cost:.6g}, is another than like's, {due}, and was left aside"
    return possible, False, remark


def _fitting_mistakes(
    answer: Answer, net: Drawn, convention: Convention, claims: Sequence[Claim], tolerance: Tolerance
) -> Iterator[tuple[Mistake, Claim]]:
    """Give the mistakes that fit, one of each name: where two places make no difference, the first."""
    names = set()
    for mistake in mistakes(net):
        if mistake.name in names or (mistake.batch and convention.one_by_one):
            continue
        mine = [claims[0]._replace(factor=1.0)] if mistake.as_sums else claims
        try:
            with np.errstate(all="ignore"):  # a sigma' of what it is not meant for
                claim = _fitting_claim(answer.gradient, mistake.from_the_output(net), mine, tolerance)
        except ValueError:  # shapes that do not fit, in a network that is not square
            continue
        if claim:
            names.add(mistake.name)
            yield mistake, claim


def _fitting_claim(
    found: Gradient, due: Iterator[tuple[Array, Array]], claims: Sequence[Claim], tolerance: Tolerance
) -> Claim | None:
    """Give the first claim by which what is found is what is due, a layer at a time from the output backwards."""
    for nabla_b, nabla_w, (due_b, due_w) in zip(reversed(found[0]), reversed(found[1]), due, strict=True):
        claims = [
            claim
            for claim in claims
            if _near(nabla_b, due_b, claim.factor, tolerance) and _near(nabla_w, due_w, claim.factor, tolerance)
        ]
        if not claims:
            return None
    return claims[0]


def _near(found: Array, due: Array, factor: float, tolerance: Tolerance) -> bool:
    if found.shape != due.shape or not np.isfinite(due).all():
        return False
    scaled = factor * due
    return bool(abs(found - scaled).max() <= max(tolerance.part * abs(scaled).max(), tolerance.least))


def _first_wrong(found: Gradient, right: Gradient, factor: float, tolerance: Tolerance) -> tuple[int, FirstWrong]:
    """Give the first wrong array from the output backwards, and how many before it are right."""
    pairs = [(k, i) for k in reversed(range(len(right.nabla_b))) for i in (0, 1)]
    count, (layer, i) = next(
        (n, (k, i)) for n, (k, i) in enumerate(pairs) if not _near(found[i][k], right[i][k], factor, tolerance)
    )
    mine, due = found[i][layer].ravel(), factor * right[i][layer].ravel()
    norms = float(np.linalg.norm(mine) * np.linalg.norm(due))
    inner = float(mine @ due)
    ratio = inner / float(due @ due) if due.any() else float("nan")
    return count, FirstWrong(layer, ("nabla_b", "nabla_w")[i], ratio, inner / norms if norms else float("nan"))


def _finding(found: Sequence[tuple[Mistake, Claim]], net: Drawn, convention: Convention) -> Finding:
    """Say which mistake it is; where several cannot be told apart here, that it is one of them."""
    plain = [pair for pair in found if not pair[0].rare] or found
    each = [_one_finding(mistake, claim, net, convention) for mistake, claim in plain]
    if len(each) == 1:
        also = [mistake.name for mistake, claim in found if (mistake, claim) not in plain]
        return replace(each[0], what=f"{each[0].what} (or: {', '.join(also)}; here the numbers are the same)") if also else each[0]
    return Finding(
        "one of: " + "; ".join(f"{one.name}, {one.where}" for one in each),
        " or ".join(dict.fromkeys(one.equation for one in each)),
        "",
        "; or ".join(dict.fromkeys(one.what for one in each)),
        "\n".join(dict.fromkeys(line for one in each for line in one.line.splitlines())),
    )


def _one_finding(mistake: Mistake, claim: Claim, net: Drawn, convention: Convention) -> Finding:
    own = words(net, convention)
    lines = [right_line(equation, net, convention, claim.means) for equation in mistake.equations]
    if mistake.line:
        lines = [mistake.line.format(**own)]
    if mistake.of_a:
        lines = [line.replace("zs[l]", "activations[l + 1]").replace("zs[-1]", "activations[-1]") for line in lines]
    what = mistake.what.format(**own)
    return Finding(mistake.name, " and ".join(mistake.equations), mistake.where, what, "\n".join([*mistake.before, *lines]))


def _of_the_batch(answer: Answer, net: Drawn, convention: Convention, claim: Claim) -> Finding:
    """Say that some nabla_b still has an entry for each example: all entries, or the sums over the units."""
    where = "in " + ", ".join(f"nabla_b[{k}]" for k in sorted((*answer.unsummed, *answer.crosswise)))
    name, what = "batch not summed", "nabla_b still has an entry for each example of the batch; it is the sum over them"
    if answer.crosswise:
        name = "nabla_b summed along the wrong axis"
        what = "nabla_b is summed over the units, so that it has an entry for each example; it is the sum over the examples"
    return Finding(name, "BP3", where, what, right_line("BP3", net, convention, claim.means))


def _m_times(claim: Claim, net: Drawn, convention: Convention) -> Finding:
    """The gradient is a sum where the cost is a mean, or the other way round."""
    name = "sum instead of mean" if claim.means else "mean instead of sum"
    size = "m times too large" if claim.means else "an m-th part of what it should be"
    what = f"the cost is a {'mean' if claim.means else 'sum'} over the batch, and the gradient {size}"
    lines = [right_line(equation, net, convention, claim.means) for equation in ("BP3", "BP4")]
    return Finding(name, "BP3 and BP4", "in every layer", what, "\n".join(lines))


def _assumed(answer: Answer, net: Drawn, convention: Convention, claim: Claim, by_cost: bool, remark: str) -> str:
    """Say how the function was called, and what its answer was taken for."""
    if convention.one_by_one:
        taken = "what can go wrong with a whole batch was not looked at"
    else:
        taken = f"its gradients are {claim} over the batch{', as its cost is' * by_cost}"
    parts = [f"your function takes {convention.said()}", taken]
    parts += ["it returned nabla_w before nabla_b, as the shapes show"] * answer.turned
    parts += [_of_shape(answer, convention)] * bool(answer.broadcast)
    parts += ["it answered in float32, so that it was compared to 1e-4, not 1e-6"] * answer.single
    parts += [remark] * bool(remark)
    return "; ".join([*parts, f"it was judged on a network {net.sizes} and {net.m} examples, drawn for it"]) + "."


def _of_shape(answer: Answer, convention: Convention) -> str:
    """Say that nabla_b's numbers are taken, though its shape would spoil the step."""
    biases = "(n, 1)" if convention.bias_columns else "(n,)"
    return f"its nabla_b is {answer.broadcast} beside biases {biases}, so that b - eta * nabla_b would be (n, n): reshape it"
