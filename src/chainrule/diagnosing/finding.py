"""What a diagnosis is made of: a rule gives a verdict on measurements; with the rule's equation it becomes a finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from .measurements import Measurements, TrainingSettings

Level = Literal["finding", "advice"]
"""A finding names the cause of a bad result; advice names a property that may cost accuracy or time."""

DOES_NOT_APPLY = "does not apply"
"""The beginning of the reason why a rule has nothing to judge in a network; other reasons name what is needed."""

HYPERPARAMETERS = {
    "sizes": "hidden_layer_sizes={!r}",
    "activation": "activation={!r}",
    "learning_rate": "learning_rate_init={!r}",
    "dropout": "dropout={!r}",
    "early_stopping": "early_stopping=True, n_iter_no_change={!r}",
}
"""The hyperparameters of MLPClassifier and MLPRegressor that are settings of ``cr.Network`` and ``cr.train`` by other names."""

ACTIVATIONS = ("identity", "tanh", "relu")
"""The activations that have one name here and in the estimators."""

NO_SETTINGS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Remedy:
    """A change to try.

    Attributes
    ----------
    text : str
        The change in a sentence; code stands between backticks.
    network, training : mapping
        The settings of ``cr.Network`` and of ``cr.train`` that it changes; empty where it changes the data.
    why : str
        The sentence without the code, where the change is one of settings.
    """

    text: str
    network: Mapping[str, Any] = field(default_factory=lambda: NO_SETTINGS)
    training: Mapping[str, Any] = field(default_factory=lambda: NO_SETTINGS)
    why: str = ""

    def for_estimator(self, name: str) -> Remedy:
        """Write the change as hyperparameters of an estimator; one that it has no hyperparameters for stays as it is.

        Examples
        --------
        >>> training_remedy("Take smaller steps", learning_rate=0.3).for_estimator("MLPClassifier").text
        'Take smaller steps: `cr.MLPClassifier(learning_rate_init=0.3)`.'
        """
        changed = {**self.network, **self.training}
        if not changed or not HYPERPARAMETERS.keys() >= changed.keys() or changed.get("activation", "relu") not in ACTIVATIONS:
            return self
        values = {**changed, "sizes": tuple(changed.get("sizes", ())[1:-1])}
        call = ", ".join(HYPERPARAMETERS[setting].format(values[setting]) for setting in changed)
        return replace(self, text=f"{self.why}: `cr.{name}({call})`.")

    def to_dict(self) -> dict[str, Any]:
        """Give the remedy in JSON's types."""
        return {"text": self.text, "network": dict(self.network), "training": dict(self.training)}


def network_remedy(why: str, settings: TrainingSettings, **changed: Any) -> Remedy:
    """Make a remedy that changes settings of the network, as a call and as options of the command line.

    Examples
    --------
    >>> settings = TrainingSettings((2, 3, 1), "quadratic", "sigmoid", "normal", 0, "", None, 1, 0.0, 0.0)
    >>> network_remedy("Draw smaller weights", settings, init="scaled").text
    "Draw smaller weights: `cr.Network([2, 3, 1], init='scaled')`, or `chainrule train --init scaled`."
    """
    sizes = changed.get("sizes", list(settings.sizes))
    rest = "".join(f", {name}={value!r}" for name, value in changed.items() if name != "sizes")
    options = " ".join(_network_option(name, value) for name, value in changed.items())
    return Remedy(f"{why}: `cr.Network({sizes}{rest})`, or `chainrule train {options}`.", network=changed, why=why)


def _network_option(name: str, value: Any) -> str:
    """Write a setting of the network as an option of ``chainrule train``, which takes the hidden layers of the sizes."""
    if name == "sizes":
        return f"--hidden {','.join(map(str, value[1:-1])) or 'none'}"
    return f"--{name.replace('_', '-')} {value}"


def training_remedy(why: str, **changed: Any) -> Remedy:
    """Make a remedy that changes settings of the training, as a call and as options of the command line.

    Examples
    --------
    >>> training_remedy("Take smaller steps", learning_rate=0.3).text
    'Take smaller steps: `cr.train(..., learning_rate=0.3)`, or `chainrule train --learning-rate 0.3`.'
    """
    call = ", ".join(f"{name}={value!r}" for name, value in changed.items())
    options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in changed.items())
    return Remedy(f"{why}: `cr.train(..., {call})`, or `chainrule train {options}`.", training=changed, why=why)


@dataclass(frozen=True)
class Verdict:
    """A rule's answer where it applies.

    Attributes
    ----------
    level : {"finding", "advice"}
    measured : str
        What was measured, with the numbers.
    remedies : tuple of Remedy
        The one to try first comes first.
    """

    level: Level
    measured: str
    remedies: tuple[Remedy, ...]


def nothing_missing(m: Measurements) -> str:
    """Give no reason: the rule can judge any measurements."""
    return ""


@dataclass(frozen=True)
class Rule:
    """A rule: from measurements to a verdict.

    Attributes
    ----------
    name : str
    equations : tuple of str
        The numbers of the equations that explain it, such as BP1.
    formulas : tuple of str
        These equations, in the markup of ``explaining.formula_markup``.
    why : str
        How they explain it; formulas stand between dollar signs.
    judge : callable
        From measurements to a verdict, or None where the rule does not apply.
    missing : callable
        From measurements to the reason why the rule cannot judge; empty where it can.
    unless : tuple of str
        The rules whose finding explains what this one would name.
    """

    name: str
    equations: tuple[str, ...]
    formulas: tuple[str, ...]
    why: str
    judge: Callable[[Measurements], Verdict | None]
    missing: Callable[[Measurements], str] = nothing_missing
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """One thing that a diagnosis names.

    Attributes
    ----------
    name : str
    level : {"finding", "advice"}
    measured : str
        What was measured, with the numbers.
    equations : tuple of str
        The numbers of the notes' equations that explain it.
    formulas : tuple of str
    why : str
        How they explain it.
    remedies : tuple of Remedy
        The one to try first comes first.
    """

    name: str
    level: Level
    measured: str
    equations: tuple[str, ...]
    formulas: tuple[str, ...]
    why: str
    remedies: tuple[Remedy, ...]

    def for_estimator(self, name: str) -> Finding:
        """Write the remedies as hyperparameters of an estimator, where it has them."""
        return replace(self, remedies=tuple(remedy.for_estimator(name) for remedy in self.remedies))

    def to_dict(self) -> dict[str, Any]:
        """Give the finding in JSON's types."""
        return {
            "name": self.name,
            "level": self.level,
            "measured": self.measured,
            "equations": list(self.equations),
            "why": self.why,
            "remedies": [remedy.to_dict() for remedy in self.remedies],
        }

    def __str__(self) -> str:
        return f"{self.level}: {self.name}. {self.measured} Try: {self.remedies[0].text}".replace("`", "")
