"""Rules on the data: labels, the scale of the inputs, the frequency of classes."""

from __future__ import annotations

from .._format import percent, pluralize
from .finding import DOES_NOT_APPLY, Remedy, Rule, Verdict
from .measurements import Measurements

LARGE_INPUT = 10.0
"""A column of this root mean square has steps a hundred times as effective as those of a column of 1 (BP4)."""

LARGE_EFFECT = 5.0
"""A column that alone spreads z by more than this leaves the slope of a sigmoid, which lies between -5 and 5."""

LARGE_TARGET = 10.0
"""Targets whose mean or spread is beyond this are far from the outputs of a network at its start, which are of about 1."""

FAINT = 0.01
"""Where no column reaches this size, and all together spread z by less, z is nearly the bias alone, whatever the row."""

CHANCE_DEVIATIONS = 3.0
"""Targets that are independent of the inputs agree by more than this many standard deviations once in 700 data sets."""

GRADIENT_DEVIATIONS, PRODUCT_DEVIATIONS = 2.0, 3.0
"""A gradient beyond this is no shuffle's: it is one of 1 in 30. The products, a second try, have a limit of 1 in 200."""

FEWEST_RELATED_ROWS = 1000
"""Of fewer rows a weak relation may go unseen, and unrelated labels are advice: 40 % of wrong labels in ten columns gives 2.7
standard deviations in 480 rows, and 5.7 in 1,000."""

OUTPUT_DEVIATIONS = 5.0
"""Outputs that agree with the targets by this much more than their number of parameters explains have found something."""

CLEAREST_CHANCE = 0.8
"""Where neighbours agree by chance this often, as in a rare class, their agreement tells too little about the labels."""

UNLEARNT_COST = 0.1
"""The share of a constant answer's cost that must be removed, for the network to have found anything."""

IMBALANCE = 10
"""A class is rare where another one has ten times its rows."""

LEAST_RECALL = 0.5
"""A rare class of which the network misses more than half is lost."""

FEWEST_OF_A_CLASS = 10
"""The fewest rows of a class on which its recall is judged."""


def judge_constant_labels(m: Measurements) -> Verdict | None:
    """Name targets that are the same in all of several rows."""
    if not m.data.constant or m.rows == 1:
        return None
    target = f"class {m.data.rarest}" if m.data.counts else "the same value"
    remedy = Remedy("Look where y is made: `np.unique(y, return_counts=True)`. Often a wrong column was taken for the target.")
    return Verdict("finding", f"All targets are {target}.", (remedy,))


def missing_constant_labels(m: Measurements) -> str:
    """Say that one row has no other to differ from."""
    return "one row cannot vary" if m.rows == 1 else ""


def judge_unrelated_labels(m: Measurements) -> Verdict | None:
    """Name targets that neighbours share by chance alone, where the network found nothing or does not generalize."""
    data = m.data
    if data.deviations is None or _is_related(m) or not _finds_nothing(m):
        return None
    kind = "have the same class in" if data.counts else "have a correlation of targets of"
    share, chance = (percent(data.neighbours or 0, 1), percent(data.chance, 1)) if data.counts else (f"{data.neighbours:.2f}", "0")
    gradient, products = data.gradient_deviations or 0.0, data.product_deviations or 0.0
    measured = (
        f"Nearest rows {kind} {share}{' of the cases' if data.counts else ''}; by chance it would be {chance}. "
        f"Over {pluralize(data.related_rows, 'row')} the gradient at a constant answer is as long as that of "
        f"shuffled targets ({gradient:.1f} standard deviations apart), and so it is for products of two columns ({products:.1f}). "
        f"The network removes {percent(m.output.cost_skill, 1)} of the cost of a constant answer."
    )
    remedies = (
        Remedy(
            "Go back to the source, where each row has its own target; shuffle both there by one permutation: "
            "`order = rng.permutation(len(x)); x, y = x[order], y[order]`."
        ),
        Remedy("Of a table, look how the target column was joined to the rows: by a key that both have, not by position."),
        Remedy("If they belong together, the inputs may lack what decides the target: look for other columns."),
    )
    return Verdict("finding" if data.related_rows >= FEWEST_RELATED_ROWS else "advice", measured, remedies)


def _is_related(m: Measurements) -> bool:
    """Whether nearest rows, the gradient, products or the network's outputs show a relation of inputs and targets beyond chance."""
    limits = (
        (m.data.deviations, CHANCE_DEVIATIONS),
        (m.data.gradient_deviations, GRADIENT_DEVIATIONS),
        (m.data.product_deviations, PRODUCT_DEVIATIONS),
        (m.output.deviations, OUTPUT_DEVIATIONS),
    )
    return any(deviations is not None and deviations >= limit for deviations, limit in limits)


def _finds_nothing(m: Measurements) -> bool:
    """Whether the network's cost is that of a constant answer; on the validation, where it was measured."""
    curves = m.curves
    if curves is not None and curves.validation_accuracy is not None and m.output.constant_accuracy is not None:
        return 1 - (1 - curves.validation_accuracy) / (1 - m.output.constant_accuracy) < UNLEARNT_COST
    return m.output.cost_skill < UNLEARNT_COST


def missing_unrelated_labels(m: Measurements) -> str:
    """Say why the neighbours do not tell."""
    if m.data.constant:
        return "all targets are equal"
    if m.data.deviations is None:
        return "it compares each row with the nearest one, and needs 50 rows that differ"
    return "one class has most of the rows, so that neighbours agree by chance" if m.data.chance > CLEAREST_CHANCE else ""


def judge_input_scale(m: Measurements) -> Verdict | None:
    """Name columns that are far larger than 1, or inputs that are all near 0."""
    data = m.data
    large = data.largest_input > LARGE_INPUT and data.largest_effect > LARGE_EFFECT
    if not large and not (data.largest_input < FAINT and data.spread < FAINT):
        return None
    column, size = data.largest_column, data.largest_input
    effect = f"it spreads z by {data.largest_effect:.3g}" if large else f"all columns together spread z by {data.spread:.2g}"
    measured = f"Column {column} has a root mean square of {size:.3g}, and {effect}; inputs should be of about 1."
    pixels = Remedy("Read pixels as numbers from 0 to 1: pass uint8, or `x / 255`.")
    standardize = Remedy(
        "Standardize the columns: `x = (x - x.mean(axis=0)) / x.std(axis=0)`, with the mean and spread of the training rows; "
        "`cr.MLPClassifier(standardize=True)` and `chainrule train TABLE` do it."
    )
    remedies = (pixels, standardize) if m.data.is_8_bit else (standardize,)
    return Verdict("advice" if m.has_learnt else "finding", measured, remedies)


def judge_target_scale(m: Measurements) -> Verdict | None:
    """Name values so far from 0 that the network answers worse than a constant."""
    mean, spread = m.data.target_mean, m.data.target_spread
    if mean is None or spread is None or max(abs(mean), spread) <= LARGE_TARGET:
        return None
    if m.output.skill >= 0 or not m.settings.epochs:
        return None
    measured = (
        f"The targets have a mean of {mean:.3g} and a standard deviation of {spread:.3g}. The network's cost is "
        f"{m.output.cost:.3g}; a constant answer's is {m.output.constant_cost:.3g}."
    )
    remedies = (
        Remedy(
            "Standardize the targets: `y = (y - y.mean(axis=0)) / y.std(axis=0)`, and multiply and add again after predicting; "
            "`TransformedTargetRegressor(cr.MLPRegressor(), transformer=StandardScaler())` of scikit-learn does both."
        ),
        Remedy("Take the estimator of a table, which standardizes its targets: `cr.TableRegressor().fit(x, y)`."),
    )
    return Verdict("finding", measured, remedies)


def missing_values(m: Measurements) -> str:
    """Say that y holds classes."""
    return f"{DOES_NOT_APPLY}: y holds classes, not values" if m.data.target_mean is None else ""


def judge_imbalance(m: Measurements) -> Verdict | None:
    """Name a rare class that the network misses."""
    counts, rarest, recall = m.data.counts, m.data.rarest, m.data.rarest_recall
    if rarest is None or recall is None or not FEWEST_OF_A_CLASS * IMBALANCE <= IMBALANCE * counts[rarest] <= max(counts):
        return None
    if recall >= LEAST_RECALL or not m.settings.epochs:
        return None
    most = max(range(len(counts)), key=lambda k: counts[k])
    measured = (
        f"Class {rarest} has {counts[rarest]:,} of {sum(counts):,} rows, class {most} has {counts[most]:,}; of class {rarest} the "
        f"network finds {percent(recall, 1)}."
    )
    remedies = (
        Remedy("Give each class the same weight: `cr.Examples(x, y, weights=1 / np.bincount(y)[y])`."),
        Remedy("Or lower the threshold of the rare class, and judge by its recall and precision, not by accuracy."),
    )
    return Verdict("finding", measured, remedies)


def missing_classes(m: Measurements) -> str:
    """Say that y holds values."""
    return "" if m.data.counts else "y holds values, not classes"


CONSTANT_LABELS = Rule(
    "labels constant",
    ("N8",),
    (r"\frac{∂C}{∂b} = \frac{1}{m} Σ_i e_i",),
    "The bias alone can give a constant answer: once the mean error $e_i$ is 0, nothing is left to learn from the inputs.",
    judge_constant_labels,
    missing_constant_labels,
)
UNRELATED_LABELS = Rule(
    "labels unrelated to the inputs",
    ("N7",),
    (r"\frac{∂C}{∂w} = \frac{1}{m} Σ_i e_i x_i^T",),
    "The gradient averages the errors times the inputs. Where targets do not depend on the inputs, as after x and y were shuffled "
    "apart, the products point in no common direction, and the average goes to 0. What falls further is the cost of rows that are "
    "learnt by heart.",
    judge_unrelated_labels,
    missing_unrelated_labels,
    unless=("labels constant",),
)
INPUT_SCALE = Rule(
    "inputs not scaled",
    ("BP4", "N10"),
    (r"\frac{∂C}{∂w^1_{jk}} = δ^1_j x_k", "z^1_j = Σ_k w^1_{jk} x_k + b^1_j"),
    "A weight's gradient carries its input: a column of 1,000 takes steps a million times as effective in $z$ as a column of 1, so "
    "that no learning rate suits both, and $z$ is driven to where $σ′$ is 0.",
    judge_input_scale,
)
TARGET_SCALE = Rule(
    "targets not scaled",
    ("N8",),
    (r"\frac{∂C}{∂b} = \frac{1}{m} Σ_i e_i",),
    "The outputs start near 0, so that each error $e_i$ is as large as the targets: the bias and the weights must first be carried "
    "to the targets' mean. Small steps do not arrive, and a rate that would is too high for what the inputs decide.",
    judge_target_scale,
    missing_values,
)
IMBALANCED = Rule(
    "class imbalance",
    ("N7",),
    (r"\frac{∂C}{∂w} = \frac{1}{m} Σ_i e_i x_i^T",),
    "The gradient is a mean over rows: a class with few rows has little part in it, and the mean cost is low when it is given up.",
    judge_imbalance,
    missing_classes,
)
