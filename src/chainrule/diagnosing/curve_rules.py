"""Rules on the curves of a training: overfitting and underfitting."""

from __future__ import annotations

from .._format import percent
from .finding import Rule, Verdict, network_remedy, training_remedy
from .measurements import CurveMeasurements, Measurements

WIDE_GAP, SMALL_GAP = 0.10, 0.05
"""Of the accuracies of training and validation: the notes' run ends with a gap of 0.02, the book's 1,000 images with 0.16."""

CLIMBED_FROM_LOWEST = 1.1
"""A validation cost that is this much above its lowest has turned; the healthy runs end within 1.06 of theirs."""

FAR_APART = 2.0
"""Of values, which have no accuracy: a validation cost of twice the training's."""

ENDED = 0.05
"""A cost that falls by less than this share over the last third of the epochs has ended its fall."""

FEWEST_EPOCHS = 5
"""The fewest epochs whose curve has a last third."""

NEEDS_HISTORY = "needs history: diagnose(..., history=...), or --history RUN on the command line"


def judge_overfitting(m: Measurements) -> Verdict | None:
    """Name a network that answers its training rows far better than the validation's."""
    curves = m.curves
    if curves is None or curves.validation_cost is None or curves.lowest_validation_cost is None or not m.has_learnt:
        return None
    turned = curves.validation_cost > CLIMBED_FROM_LOWEST * curves.lowest_validation_cost
    gap = _gap(curves)
    wide = gap >= WIDE_GAP if gap is not None else curves.validation_cost > FAR_APART * curves.last_cost
    small = gap is not None and gap >= SMALL_GAP
    if not (wide or (small and turned)):
        return None
    l2 = 10 * m.settings.l2 or 1e-4
    remedies = (
        training_remedy("Penalize large weights", l2=l2),
        training_remedy("End the training where the validation is best", early_stopping=10),
        training_remedy("Drop units at random", dropout=0.2),
    )
    return Verdict("finding" if wide and turned else "advice", _describe_gap(curves), remedies)


def _gap(curves: CurveMeasurements) -> float | None:
    if curves.accuracy is None or curves.validation_accuracy is None:
        return None
    return curves.accuracy - curves.validation_accuracy


def _describe_gap(curves: CurveMeasurements) -> str:
    text = f"The validation cost is {curves.validation_cost:.4g}; it was lowest after epoch {curves.lowest_validation_epoch}, with "
    text += f"{curves.lowest_validation_cost:.4g}. The training cost is {curves.last_cost:.4g}."
    if curves.accuracy is not None and curves.validation_accuracy is not None:
        text += f" Accuracy is {percent(curves.accuracy)} in training, {percent(curves.validation_accuracy)} in validation."
    return text


def missing_validation(m: Measurements) -> str:
    """Say that there is no history, or that it has no validation."""
    if m.curves is None:
        return NEEDS_HISTORY
    return "" if m.curves.validation_cost is not None else "needs a history with validation: cr.train(..., validation=...)"


def judge_underfitting(m: Measurements) -> Verdict | None:
    """Name a training that has ended although the nearest rows answer much better than the network."""
    curves, reachable = m.curves, m.data.neighbour_skill
    if curves is None or reachable is None or curves.epochs < FEWEST_EPOCHS or curves.late_fall > ENDED:
        return None
    if not m.is_beaten or m.has_learnt:
        return None
    measured = (
        f"The cost fell by {percent(max(curves.late_fall, 0), 1)} over the last third of the epochs. The network removes "
        f"{percent(m.output.skill, 1)} of a constant answer's error; the nearest rows' targets show that "
        f"{percent(reachable, 1)} can be removed."
    )
    sizes = list(m.settings.sizes)
    wider = [sizes[0], *(max(30, 10 * size) for size in sizes[1:-1]), sizes[-1]] if len(sizes) > 2 else [sizes[0], 30, sizes[-1]]
    remedies = [network_remedy("Take more hidden units", m.settings, sizes=wider)]
    if m.settings.l2 or m.settings.dropout:
        remedies.insert(0, training_remedy("Penalize less", l2=m.settings.l2 / 10, dropout=0.0))
    return Verdict("finding", measured, tuple(remedies))


def missing_underfitting(m: Measurements) -> str:
    """Say what a judgement needs."""
    if m.curves is None:
        return NEEDS_HISTORY
    if m.curves.epochs < FEWEST_EPOCHS:
        return f"needs {FEWEST_EPOCHS} epochs"
    return "" if m.data.neighbour_skill is not None else "it compares with the nearest rows, and needs 50 rows that differ"


OVERFITTING = Rule(
    "overfitting",
    ("N1",),
    (r"C = \frac{1}{2m} Σ_{i=1}^m (y_i − a_i)^2",),
    "The cost that the steps lower is a mean over the training rows alone. When the network has learnt what rows have in common, "
    "the cost falls further by what is particular to each, which does not hold for others.",
    judge_overfitting,
    missing_validation,
    unless=("labels constant", "labels unrelated to the inputs"),
)
UNDERFITTING = Rule(
    "underfitting",
    ("N10",),
    ("a^l = σ(w^l a^{l−1} + b^l)",),
    "A layer of few units can bend its inputs in few directions only; without a hidden layer the network divides its inputs by "
    "planes. Where these do not suffice, no weights have a lower cost, and the gradient is 0.",
    judge_underfitting,
    missing_underfitting,
    unless=(
        *("learning rate too high", "learning rate too low", "weights that never moved", "inputs not scaled", "dead ReLUs"),
        *("outputs saturated and wrong", "hidden units saturated at the start", "vanishing delta", "exploding delta"),
        *("labels constant", "targets not scaled", "class imbalance"),
    ),
)
