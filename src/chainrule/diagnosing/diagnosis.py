"""A diagnosis: findings, what was not examined, and the document that shows them as text, as a page and in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .._format import percent, pluralize
from ..explaining.blocks import Block, Formulas, Prose, Section, Table
from ..explaining.explanation import Explanation
from ..explaining.notation import inline_number
from .finding import DOES_NOT_APPLY, Finding
from .measurements import LayerMeasurements, Measurements
from .rules import RULES, find, not_examined


@dataclass(frozen=True, repr=False)
class Diagnosis(Explanation):
    """What was found about a network and its training.

    ``print`` writes it to the terminal, ``save`` writes an HTML page, and a notebook displays it.

    Attributes
    ----------
    findings : tuple of Finding
        Each with ``name``, ``level`` ("finding" or "advice"), ``measured``, ``equations``, ``why`` and ``remedies``, of which the
        first is to be tried first. Findings come before advice.
    not_examined : dict
        The rules that could not judge, each with the reason: what is needed, or why the rule does not apply.
    measurements : Measurements
    """

    findings: tuple[Finding, ...]
    not_examined: dict[str, str]
    measurements: Measurements

    def __contains__(self, name: str) -> bool:
        return any(finding.name == name for finding in self.findings)

    def __repr__(self) -> str:
        names = ", ".join(f"{finding.name} ({finding.level})" for finding in self.findings) or "nothing found"
        return f"Diagnosis({names}; {len(self.not_examined)} of {len(RULES)} not examined)"

    __str__ = Explanation.__str__

    def to_dict(self) -> dict[str, Any]:
        """Give the diagnosis in JSON's types."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "not_examined": dict(self.not_examined),
            "measurements": self.measurements.to_dict(),
        }


def diagnosis_of(measurements: Measurements, estimator: str = "") -> Diagnosis:
    """Apply the rules to measurements, and write the document; with an estimator's name remedies are its hyperparameters."""
    findings, unexamined = find(measurements), not_examined(measurements)
    if estimator:
        findings = tuple(finding.for_estimator(estimator) for finding in findings)
    sections = [_finding_section(finding, number) for number, finding in enumerate(findings, start=1)]
    sections += [_layers_section(measurements), _rules_section(findings, unexamined)]
    sizes = " × ".join(map(str, measurements.settings.sizes))
    title, summary = f"{sizes}: {count_findings(findings)}", _summary(measurements, unexamined)
    return Diagnosis(title, summary, tuple(sections), findings, unexamined, measurements)


def count_findings(findings: tuple[Finding, ...]) -> str:
    """Say how many findings there are, and how many pieces of advice."""
    advice = sum(finding.level == "advice" for finding in findings)
    counts = [pluralize(len(findings) - advice, "finding")] if advice < len(findings) else []
    counts += [f"{advice} {'piece' if advice == 1 else 'pieces'} of advice"] if advice else []
    return ", ".join(counts) or "nothing found"


def _summary(m: Measurements, unexamined: dict[str, str]) -> str:
    trained = "is not trained" if not m.settings.epochs else f"was trained for {pluralize(m.settings.epochs, 'epoch')}"
    answers = f"the cost is {inline_number(m.output.cost)}; a constant answer's would be {inline_number(m.output.constant_cost)}"
    if m.output.accuracy is not None and m.output.constant_accuracy is not None:
        answers += f", and accuracy is {percent(m.output.accuracy, 1)}; the most frequent class alone would have "
        answers += percent(m.output.constant_accuracy, 1)
    count = sum(not reason.startswith(DOES_NOT_APPLY) for reason in unexamined.values())
    rest = f" {count} of {pluralize(len(RULES), 'rule')} could not be examined; the last table says why." if count else ""
    return f"The network {trained}. On {pluralize(m.rows, 'row')}, {answers}.{rest}"


def _finding_section(finding: Finding, number: int) -> Section:
    blocks: list[Block] = [Prose(finding.measured), Prose(finding.why), Formulas(finding.formulas)]
    blocks += [Prose(f"{'Try' if k == 0 else 'Otherwise'}: {remedy.text}") for k, remedy in enumerate(finding.remedies)]
    return Section(finding.equations, f"{number}. {finding.level.capitalize()}: {finding.name}", tuple(blocks))


def _layers_section(m: Measurements) -> Section:
    header = ("layer", "when", "units", "activation", "σ′ < 0.01", "dead", "size of $δ$", "moved")
    rows = [] if m.start is None else [*_layer_rows(m.start, "start", None)]
    rows += _layer_rows(m.layers, "now", m.moved)
    words = (
        f"Each layer, over {pluralize(m.rows, 'row')}: the share of pairs of row and unit with $σ′$ below 0.01, of dead ReLUs, "
        "the root mean square of $δ$, and how far the weights moved, relative to their norm at the start."
    )
    return Section(("BP1", "BP2"), "The measurements", (Prose(words), Table(header, tuple(rows))))


def _layer_rows(layers: tuple[LayerMeasurements, ...], when: str, moved: tuple[float, ...] | None) -> Iterator[tuple[str, ...]]:
    for layer in layers:
        saturated, dead = ("" if share is None else percent(share, 1) for share in (layer.saturated, layer.dead))
        movement = "" if moved is None else inline_number(moved[layer.number - 1], 2)
        sizes = saturated, dead, inline_number(layer.delta, 2), movement
        yield str(layer.number), when, str(layer.units), layer.activation, *sizes


def _rules_section(findings: tuple[Finding, ...], unexamined: dict[str, str]) -> Section:
    levels = {finding.name: finding.level for finding in findings}
    rows = tuple((name, _result(name, levels, unexamined)) for name in RULES)
    return Section((), "What was examined", (Table(("rule", "result"), rows),))


def _result(name: str, levels: dict[str, Any], unexamined: dict[str, str]) -> str:
    if name in unexamined:
        reason = unexamined[name]
        return reason if reason.startswith(DOES_NOT_APPLY) else f"not examined: {reason}"
    return str(levels.get(name, "nothing found"))
