"""One trial: train a case, diagnose it, and train it again with the first remedy."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.diagnosing.finding import Finding
from chainrule.examples import Examples
from chainrule.training import DivergenceWarning

from .cases import Case


@dataclass(frozen=True)
class Outcome:
    """What a trial gave.

    Attributes
    ----------
    case : Case
    seed : int
    diagnosis : Diagnosis
    live : dict
        The findings that ``LiveDiagnosis`` told, each with the epoch after which it did.
    before, after : float
        The score without and with the first remedy of the expected finding; ``after`` is NaN of a healthy training.
    remedy : str
    """

    case: Case
    seed: int
    diagnosis: Any
    live: dict[str, int]
    before: float
    after: float
    remedy: str

    @property
    def named(self) -> bool:
        """Whether the expected finding is named; of a healthy training, whether none is, during the training either."""
        findings = [finding for finding in self.diagnosis.findings if finding.level == "finding"]
        if self.case.expected:
            return any(finding.name == self.case.expected for finding in findings)
        return not findings and not self.live and (self.case.may_advise or not self.diagnosis.findings)

    @property
    def improved(self) -> bool:
        """Whether the remedy gave a better score."""
        return not self.case.expected or (self.after < self.before if self.case.score == "cost" else self.after > self.before)

    @property
    def others(self) -> list[str]:
        """What else was named."""
        rest = [finding for finding in self.diagnosis.findings if finding.name != self.case.expected]
        return [finding.name + (" (advice)" if finding.level == "advice" else "") for finding in rest]


def try_case(case: Case, seed: int) -> Outcome:
    """Train, diagnose, apply the first remedy of the expected finding, and train again from the same seed."""
    live: dict[str, int] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        network, history, score = _train(case, seed, case.data(seed), live=live)
        diagnosis = cr.diagnose(network, case.data(seed)[0], history)
        expected = next((finding for finding in diagnosis.findings if finding.name == case.expected), None)
        if expected is None:
            return Outcome(case, seed, diagnosis, live, score, float("nan"), "")
        remedy = expected.remedies[0]
        data = case.mended_data or case.data
        *_, after = _train(case, seed, data(seed), network=dict(remedy.network), training=dict(remedy.training))
    changes = {**remedy.network, **remedy.training}
    return Outcome(case, seed, diagnosis, live, score, after, ", ".join(f"{k}={v}" for k, v in changes.items()) or "the data")


def _train(
    case: Case,
    seed: int,
    parts: tuple[Examples, Examples],
    *,
    network: dict[str, Any] | None = None,
    training: dict[str, Any] | None = None,
    live: dict[str, int] | None = None,
) -> tuple[cr.Network, cr.History, float]:
    changed = {**case.network, **(network or {})}
    net = cr.Network(changed.pop("sizes", case.sizes), seed=seed, **changed)
    if case.set_start is not None:
        case.set_start(net, seed)
    callbacks = []
    if live is not None:

        def report(finding: Finding) -> None:
            live[finding.name] = len(watch.records)

        watch = cr.LiveDiagnosis(net, parts[0], report=report)
        callbacks.append(watch)
    history = cr.train(net, parts[0], validation=parts[1], callbacks=callbacks, **{**case.training, **(training or {})})
    return net, history, _score(net, parts[1], case.score)


def _score(network: cr.Network, examples: Examples, kind: str) -> float:
    if kind == "accuracy":
        return network.accuracy(examples)
    if kind == "cost":
        return network.cost(examples)
    if kind == "R^2":
        return 1 - float(
            np.square(network.predict(examples.x).ravel() - np.ravel(examples.y)).mean() / np.asarray(examples.y).var()
        )
    predicted, y = network.predict(examples.x), np.asarray(examples.y)
    return float(np.mean([np.mean(predicted[y == label] == label) for label in np.unique(y)]))
