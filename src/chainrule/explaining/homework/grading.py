"""Compares a learner's gradient with the correct one, then with the gradient of every known mistake."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..._types import Array
from ...calculus.backprop import Gradient
from ...errors import SettingError
from .backprop_mistakes import known_mistakes
from .backprop_steps import Mistake, backprop
from .calling_conventions import CallingConvention
from .correct_lines import correct_line, placeholders
from .homework_report import Finding, FirstWrong, Homework
from .random_problem import RandomProblem
from .returned_gradients import ReturnedGradient


class Tolerance(NamedTuple):
    """How far an array may be off: relative to its largest entry, and absolutely where it is 0 up to rounding."""

    relative: float
    absolute: float


FLOAT64_TOLERANCE = Tolerance(1e-6, 1e-12)
FLOAT32_TOLERANCE = Tolerance(1e-4, 1e-6)


class Reduction(NamedTuple):
    """A reduction over the batch, sum or mean, and the factor by which it multiplies the sum."""

    is_mean: bool
    factor: float


class Reductions(NamedTuple):
    """The reductions that the learner may have used, the likeliest first.

    Attributes
    ----------
    possible : list of Reduction
    decided_by_cost : bool
        Whether the cost that the function returned decides between them.
    remark : str
        A remark about a cost that matches neither; else empty.
    """

    possible: list[Reduction]
    decided_by_cost: bool = False
    remark: str = ""


def grade(returned: ReturnedGradient, problem: RandomProblem, convention: CallingConvention) -> Homework:
    """Compare a returned gradient with the correct one, then with those of the known mistakes."""
    tolerance = _tolerance(returned)
    reductions = _possible_reductions(returned, problem, convention)
    likeliest = reductions.possible[0]

    def assumed(reduction: Reduction) -> str:
        return _assumptions(returned, problem, convention, reduction, reductions)

    correct = _correct_gradient(problem)
    if returned.per_example or returned.summed_over_units:
        return Homework(False, assumed(likeliest), _unsummed_finding(returned, problem, convention, likeliest))
    pairs = zip(correct.nabla_b[::-1], correct.nabla_w[::-1], strict=True)
    matching = _matching_reduction(returned.gradient, pairs, reductions.possible, tolerance)
    if matching and reductions.decided_by_cost and matching != likeliest:
        return Homework(False, assumed(likeliest), _wrong_reduction_finding(likeliest, problem, convention))
    if matching:
        return Homework(True, assumed(matching))
    matches = list(_matching_mistakes(returned, problem, convention, reductions.possible))
    if matches:
        return Homework(False, assumed(matches[0][1]), _finding(matches, problem, convention))
    candidates = [(r, *_first_wrong(returned.gradient, correct, r.factor, tolerance)) for r in reductions.possible]
    reduction, _, first_wrong = max(candidates, key=lambda candidate: candidate[1])
    return Homework(False, assumed(reduction), first_wrong=first_wrong)


def _tolerance(returned: ReturnedGradient) -> Tolerance:
    return FLOAT32_TOLERANCE if returned.is_float32 else FLOAT64_TOLERANCE


def _correct_gradient(problem: RandomProblem) -> Gradient:
    with np.errstate(all="ignore"):
        correct = backprop(problem)
    if not all(np.isfinite(part).all() for part in (*correct.nabla_b, *correct.nabla_w)):
        raise SettingError(
            "the derivatives of like's own activations or cost must be finite, but give NaN or inf; correct them first"
        )
    return correct


# Sums or means


def _possible_reductions(returned: ReturnedGradient, problem: RandomProblem, convention: CallingConvention) -> Reductions:
    sums, means = Reduction(False, 1.0), Reduction(True, 1 / problem.m)
    possible = [sums] if convention.one_by_one else [sums, means]
    if returned.cost is None:
        return Reductions(possible)
    total = float(problem.cost.value(problem.forward.activations[-1], problem.y).sum())
    for reduction in possible:
        expected = reduction.factor * total
        if abs(returned.cost - expected) <= _tolerance(returned).relative * abs(expected):
            return Reductions(sorted(possible, key=lambda other: other != reduction), decided_by_cost=True)
    expected_costs = " or ".join(f"{reduction.factor * total:.6g}" for reduction in possible)
    remark = f"the cost that it returned, {returned.cost:.6g}, differs from like's, {expected_costs}, and was ignored"
    return Reductions(possible, remark=remark)


def _matching_reduction(
    found: Gradient, expected: Iterator[tuple[Array, Array]], possible: Sequence[Reduction], tolerance: Tolerance
) -> Reduction | None:
    """Return the first reduction with which a gradient is as expected, or None; ``expected`` yields the last layer first."""
    for nabla_b, nabla_w, (expected_b, expected_w) in zip(reversed(found[0]), reversed(found[1]), expected, strict=True):
        possible = [
            reduction
            for reduction in possible
            if _is_close(nabla_b, reduction.factor, expected_b, tolerance)
            and _is_close(nabla_w, reduction.factor, expected_w, tolerance)
        ]
        if not possible:
            return None
    return possible[0]


def _is_close(found: Array, factor: float, expected: Array, tolerance: Tolerance) -> bool:
    if found.shape != expected.shape or not np.isfinite(expected).all():
        return False
    scaled = factor * expected
    return bool(abs(found - scaled).max() <= max(tolerance.relative * abs(scaled).max(), tolerance.absolute))


# Mistakes


def _matching_mistakes(
    returned: ReturnedGradient, problem: RandomProblem, convention: CallingConvention, possible: Sequence[Reduction]
) -> Iterator[tuple[Mistake, Reduction]]:
    """Yield the mistakes whose gradient matches, one of each name: of two places with equal gradients, the first."""
    names = set()
    for mistake in known_mistakes(problem):
        if mistake.name in names or (mistake.needs_batch and convention.one_by_one):
            continue
        reductions = [possible[0]._replace(factor=1.0)] if mistake.fixes_reduction else possible
        try:
            with np.errstate(all="ignore"):  # a sigma' may be evaluated outside its range
                expected = mistake.backward_gradients(problem)
                reduction = _matching_reduction(returned.gradient, expected, reductions, _tolerance(returned))
        except ValueError:  # arrays whose shapes do not fit in a network of several widths
            continue
        if reduction:
            names.add(mistake.name)
            yield mistake, reduction


def _first_wrong(found: Gradient, correct: Gradient, factor: float, tolerance: Tolerance) -> tuple[int, FirstWrong]:
    """Return the number of correct arrays from the output backwards, and the first wrong one."""
    positions = [(layer, which) for layer in reversed(range(len(correct.nabla_b))) for which in (0, 1)]
    count, (layer, which) = next(
        (n, (layer, which))
        for n, (layer, which) in enumerate(positions)
        if not _is_close(found[which][layer], factor, correct[which][layer], tolerance)
    )
    actual, expected = found[which][layer].ravel(), factor * correct[which][layer].ravel()
    norms = float(np.linalg.norm(actual) * np.linalg.norm(expected))
    inner = float(actual @ expected)
    ratio = inner / float(expected @ expected) if expected.any() else float("nan")
    return count, FirstWrong(layer, ("nabla_b", "nabla_w")[which], ratio, inner / norms if norms else float("nan"))


# Findings


def _finding(matches: Sequence[tuple[Mistake, Reduction]], problem: RandomProblem, convention: CallingConvention) -> Finding:
    """Describe the mistake; or, if several have the same gradient here, all of them."""
    plain = [match for match in matches if not match[0].rare] or matches
    findings = [_finding_of(mistake, reduction, problem, convention) for mistake, reduction in plain]
    if len(findings) == 1:
        others = [mistake.name for mistake, reduction in matches if (mistake, reduction) not in plain]
        also = f" (or: {', '.join(others)}; here the gradient is the same)" if others else ""
        return replace(findings[0], what=findings[0].what + also)
    return Finding(
        "one of: " + "; ".join(f"{finding.name}, {finding.where}" for finding in findings),
        " or ".join(dict.fromkeys(finding.equation for finding in findings)),
        "",
        "; or ".join(dict.fromkeys(finding.what for finding in findings)),
        "\n".join(dict.fromkeys(line for finding in findings for line in finding.line.splitlines())),
    )


def _finding_of(mistake: Mistake, reduction: Reduction, problem: RandomProblem, convention: CallingConvention) -> Finding:
    code = placeholders(problem, convention)
    lines = [correct_line(equation, problem, convention, reduction.is_mean) for equation in mistake.equations]
    if mistake.correct_line:
        lines = [mistake.correct_line.format(**code)]
    if mistake.sigma_prime_of_a:
        lines = [line.replace("zs[l]", "activations[l + 1]").replace("zs[-1]", "activations[-1]") for line in lines]
    description = mistake.description.format(**code)
    equation = " and ".join(mistake.equations)
    return Finding(mistake.name, equation, mistake.where, description, "\n".join([*mistake.preceding_lines, *lines]))


def _unsummed_finding(
    returned: ReturnedGradient, problem: RandomProblem, convention: CallingConvention, reduction: Reduction
) -> Finding:
    """Describe a nabla_b with an entry for each example: not summed, or summed over the units."""
    where = "in " + ", ".join(f"nabla_b[{k}]" for k in sorted((*returned.per_example, *returned.summed_over_units)))
    name = "batch not summed"
    description = "nabla_b still has an entry for each example of the batch; it is the sum over the examples"
    if returned.summed_over_units:
        name = "nabla_b summed along the wrong axis"
        description = "nabla_b is summed over the units, so it has an entry for each example; it is the sum over the examples"
    return Finding(name, "BP3", where, description, correct_line("BP3", problem, convention, reduction.is_mean))


def _wrong_reduction_finding(by_cost: Reduction, problem: RandomProblem, convention: CallingConvention) -> Finding:
    """Describe a gradient that is a sum where the cost is a mean, or the reverse."""
    name = "sum instead of mean" if by_cost.is_mean else "mean instead of sum"
    size = "m times too large" if by_cost.is_mean else "m times too small"
    description = f"the cost is a {'mean' if by_cost.is_mean else 'sum'} over the batch, but the gradient is {size} for it"
    lines = [correct_line(equation, problem, convention, by_cost.is_mean) for equation in ("BP3", "BP4")]
    return Finding(name, "BP3 and BP4", "in every layer", description, "\n".join(lines))


# Assumptions


def _assumptions(
    returned: ReturnedGradient,
    problem: RandomProblem,
    convention: CallingConvention,
    reduction: Reduction,
    reductions: Reductions,
) -> str:
    """State how the function was called, and how its result was interpreted."""
    parts = [f"your function takes {convention.description()}"]
    if convention.one_by_one:
        parts.append("its gradients were summed over the examples here, and mistakes that need a whole batch were not looked for")
    else:
        by_cost = ", as its cost is" if reductions.decided_by_cost else ""
        parts.append(f"its gradients are {'means' if reduction.is_mean else 'sums'} over the batch{by_cost}")
    if returned.swapped_lists:
        parts.append("it returned nabla_w before nabla_b, as the shapes show")
    if returned.broadcast_shape:
        parts.append(_broadcast_warning(returned.broadcast_shape, convention))
    if returned.is_float32:
        parts.append("it returned float32, so the tolerance was 1e-4 instead of 1e-6")
    if reductions.remark:
        parts.append(reductions.remark)
    parts.append(f"it was tested on a random network {problem.sizes} with {problem.m} random examples")
    return "; ".join(parts) + "."


def _broadcast_warning(shape: str, convention: CallingConvention) -> str:
    biases = "(n, 1)" if convention.bias_columns else "(n,)"
    return f"its nabla_b is {shape} but the biases are {biases}, so b - eta * nabla_b would be (n, n): reshape nabla_b"
