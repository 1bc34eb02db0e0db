"""The table of rules, and the findings that they give."""

from __future__ import annotations

from . import curve_rules, data_rules, descent_rules
from .finding import Finding, Rule
from .measurements import Measurements

RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        data_rules.CONSTANT_LABELS,
        data_rules.UNRELATED_LABELS,
        data_rules.INPUT_SCALE,
        data_rules.TARGET_SCALE,
        descent_rules.EXPLODING,
        descent_rules.HIGH_RATE,
        descent_rules.UNMOVED,
        descent_rules.LOW_RATE,
        descent_rules.DEAD_UNITS,
        descent_rules.VANISHING,
        descent_rules.SATURATED_START,
        descent_rules.WRONG_OUTPUTS,
        data_rules.IMBALANCED,
        curve_rules.OVERFITTING,
        curve_rules.UNDERFITTING,
    )
}
"""Every rule by name, in the order of the causes: where several apply, the one to mend first comes first."""


def find(measurements: Measurements) -> tuple[Finding, ...]:
    """Apply every rule that can judge: the findings come first, each group in the order of the table."""
    found: list[Finding] = []
    for rule in RULES.values():
        if rule.missing(measurements) or any(finding.name in rule.unless and finding.level == "finding" for finding in found):
            continue
        verdict = rule.judge(measurements)
        if verdict is not None:
            described = (rule.equations, rule.formulas, rule.why)
            found.append(Finding(rule.name, verdict.level, verdict.measured, *described, verdict.remedies))
    return tuple(sorted(found, key=lambda finding: finding.level != "finding"))


def not_examined(measurements: Measurements) -> dict[str, str]:
    """Give the rules that cannot judge, each with the reason."""
    reasons = {name: rule.missing(measurements) for name, rule in RULES.items()}
    return {name: reason for name, reason in reasons.items() if reason}
