"""Rules on the steps: the learning rate, saturated and dead units, vanishing and exploding delta, weights that did not move."""

from __future__ import annotations

from .._format import percent, pluralize
from .finding import DOES_NOT_APPLY, Level, Remedy, Rule, Verdict, network_remedy, training_remedy
from .measurements import CurveMeasurements, LayerMeasurements, Measurements

FAR_STEP = 10.0
"""A first step that moves z by more than this crosses the slope of a sigmoid, which lies between -5 and 5, at once."""

USUAL_STEP = 1.5
"""The first step of the notes' network moves its outputs' z by 1.5 to 2.5, that of the book's cross-entropy networks by 1.8."""

RISING_EPOCHS = 0.25
"""Where the cost rises in a quarter of the epochs, each time by more than 5 %, it oscillates."""

CLIMBED = 1.2
"""A cost that ends above its beginning by more than this factor has climbed."""

FAR_BELOW = 300.0
"""A rate that is this much below the best one for a single step makes steps that are lost among the epochs."""

LARGEST_SANE_RATE = 30.0
"""Rates above this are not proposed: a step whose best rate is higher is slow because of small slopes, not because of its rate."""

FEW_STEPS = 1e-5
"""A layer that moved by less than this share of its weights' norm has stayed where it was: float32 rounds at 6e-8."""

STRAIGHT, STEADY = (0.8, 1.25), 0.9
"""A line is straight whose second half falls nearly as far as the first, in nine of ten epochs."""

LONGEST_BEND = 6
"""The fewest epochs that tell a straight line from the beginning of a curve."""

WRONG_ROWS = 0.2
"""The notes' network ends with 5 % of its rows wrong; where a fifth is, wrong outputs decide the result."""

LEAST_WRITTEN = 1e-3
"""The least share that a percentage with one decimal tells from 0."""

FLAT = 0.15
"""Wrong outputs whose slope is below this share of sigma'(0) learn at least seven times as slowly as at z = 0."""

MOSTLY_SATURATED, HALF_SATURATED = 0.75, 0.5
"""The notes' network starts with 60 % of its hidden pairs saturated, and learns; with 1,000 inputs, half of them 1, it is 84 %."""

MOSTLY_DEAD, SOME_DEAD = 0.5, 0.25
"""The shares of a layer's units: a network of ReLUs that learns well often has a tenth of them dead."""

VANISHED, EXPLODED = 1e-2, 1e2
"""The delta of the first layer divided by that of the last: its weights take steps a hundred times as small, or as large."""


def one_digit(rate: float) -> float:
    """Round a rate to one significant digit.

    Examples
    --------
    >>> one_digit(4.336), one_digit(0.00316)
    (4.0, 0.003)
    """
    return float(f"{rate:.0e}")


# The learning rate


def judge_high_rate(m: Measurements) -> Verdict | None:
    """Name a rate whose first step goes too far, or whose cost climbs, oscillates or diverges."""
    reasons = [*_reasons_of_steps(m), *_reasons_of_curves(m)]
    rate = m.settings.learning_rate
    if not reasons or m.has_learnt:
        return None
    remedies = [training_remedy("Take smaller steps", learning_rate=lower_rate(m))]
    if m.curves is not None and m.curves.diverged:
        remedies.append(training_remedy("Limit the length of a step's gradient", clip=1.0))
    trained_at = "" if rate is None else f" The learning rate is {rate:g}."
    return Verdict("finding", " ".join(reasons) + trained_at, tuple(remedies))


def lower_rate(m: Measurements) -> float:
    """Propose a rate: a tenth, or less where the first step or the whole way of the weights was too long, down to a thousandth."""
    rate = m.settings.learning_rate or 1.0
    change = m.steps.first_change if m.steps is not None else None
    lengths = [10.0, max(m.moved or (0.0,)), (change or 0.0) / USUAL_STEP]
    return one_digit(rate / min(max(lengths), 1000.0))


def _reasons_of_steps(m: Measurements) -> list[str]:
    change = None if m.steps is None else m.steps.first_change
    reasons = []
    if change is not None and change > FAR_STEP:
        reasons.append(f"The first step changes the outputs' z by {change:.3g} (root mean square).")
    if m.start_cost is not None and m.settings.epochs and m.output.cost > CLIMBED * m.start_cost and m.output.cost_skill < 0:
        reasons.append(f"The cost is {m.output.cost:.4g}, and was {m.start_cost:.4g} at the start.")
    return reasons


def _reasons_of_curves(m: Measurements) -> list[str]:
    curves = m.curves
    if curves is None:
        return []
    if curves.diverged:
        return [f"The cost became infinite or NaN after {pluralize(curves.epochs, 'epoch')}."]
    reasons = []
    if curves.epochs > 3 and curves.rises >= RISING_EPOCHS:
        reasons.append(f"The cost rises by more than 5 % in {percent(curves.rises, 0)} of the epochs.")
    if curves.last_cost > CLIMBED * curves.first_cost:
        reasons.append(f"The cost climbs from {curves.first_cost:.4g} in the first epoch to {curves.last_cost:.4g} in the last.")
    return reasons


def missing_high_rate(m: Measurements) -> str:
    """Say what is needed where neither steps nor curves are known."""
    if m.curves is not None or (m.start_cost is not None and m.settings.epochs):
        return ""
    return "needs history, or a start that is known" if m.settings.epochs else "the network is not trained"


def judge_low_rate(m: Measurements) -> Verdict | None:
    """Name a rate that is far below the one that lowers the cost most, or whose curve is a straight line."""
    rate = m.settings.learning_rate
    if not rate or m.has_learnt or m.is_beaten is False:
        return None
    rows, line = pluralize(m.rows, "row"), _describe_line(m)
    best = min(m.steps.best_rate, LARGEST_SANE_RATE) if m.steps is not None and m.settings.descends_plainly else 0.0
    if m.steps is not None and best >= FAR_BELOW * rate:
        measured = f"A step on {rows} lowers the cost most at a rate of {m.steps.best_rate:.3g}; the rate is {rate:g}.{line}"
        return Verdict("finding", measured, (training_remedy("Take larger steps", learning_rate=rate_for_mini_batches(best)),))
    if m.curves is not None and is_straight_line(m.curves) and m.is_beaten:
        measured = f"The rate is {rate:g}.{line}"
        return Verdict("finding", measured, (training_remedy("Take larger steps", learning_rate=one_digit(10 * rate)),))
    return None


def is_straight_line(curves: CurveMeasurements) -> bool:
    """Whether the cost fell from epoch to epoch by the same small amount."""
    low, high = STRAIGHT
    fell_little = curves.last_cost > curves.first_cost / 2
    return curves.epochs >= LONGEST_BEND and curves.steady >= STEADY and low <= curves.straightness <= high and fell_little


def _describe_line(m: Measurements) -> str:
    curves = m.curves
    if curves is None or curves.epochs < 2:
        return ""
    fall = percent((curves.first_cost - curves.last_cost) / curves.first_cost, 2)
    halves = f"; the second half of the epochs gave {percent(curves.straightness, 0)} of the fall of the first"
    return f" The cost fell by {fall} in {curves.epochs} epochs{halves if curves.straightness > 0 else ''}."


def rate_for_mini_batches(best: float) -> float:
    """Give a tenth of the best rate of a step on all rows: the gradients of mini-batches are noisier."""
    return one_digit(min(best, LARGEST_SANE_RATE) / 10)


def missing_low_rate(m: Measurements) -> str:
    """Say why rates cannot be compared."""
    if not m.settings.epochs:
        return "the network is not trained"
    if m.curves is not None or (m.settings.descends_plainly and m.steps is not None):
        return ""
    return "needs history: the network is too large to try steps" if m.steps is None else "needs history, or plain gradient descent"


def judge_unmoved(m: Measurements) -> Verdict | None:
    """Name layers that have the weights of the start."""
    if m.moved is None:
        return None
    layers = [k for k, moved in enumerate(m.moved) if moved < FEW_STEPS]
    if not layers:
        return None
    names = ", ".join(f"layer {k + 1} by {m.moved[k]:.2g}" for k in layers)
    measured = f"Relative to the norm of their initial weights, {names} moved in {pluralize(m.settings.epochs, 'epoch')}."
    frozen = all(m.layers[k].delta == 0 for k in layers)
    if frozen:
        remedies: tuple[Remedy, ...] = (network_remedy("Let every unit pass δ on", m.settings, activation="leaky_relu"),)
    elif m.steps is not None and m.steps.best_rate > 0:
        remedies = (training_remedy("Take larger steps", learning_rate=rate_for_mini_batches(m.steps.best_rate)),)
    else:
        remedies = (training_remedy("Take larger steps", learning_rate=one_digit(1000 * (m.settings.learning_rate or 1e-4))),)
    return Verdict("finding", measured, remedies)


def missing_unmoved(m: Measurements) -> str:
    """Say that the initial weights are not known."""
    if m.moved is not None:
        return ""
    if not m.settings.epochs:
        return "the network is not trained"
    return "needs the initial weights, which no seed draws again; use cr.LiveDiagnosis during the training"


# Saturated and dead units


def judge_wrong_outputs(m: Measurements) -> Verdict | None:
    """Name wrong outputs whose slope is too small for them to learn."""
    rows, slope = m.output.wrong_rows, m.output.wrong_slope
    if rows is None or slope is None or rows < WRONG_ROWS or slope > FLAT:
        return None
    share = percent(slope, 1) if slope >= LEAST_WRITTEN else f"less than {percent(LEAST_WRITTEN, 1)}"
    measured = (
        f"{percent(rows, 1)} of the rows have an output that is wrong by more than half of its range; σ′ of these outputs is on "
        f"average {share} of its value at z = 0."
    )
    classes = m.settings.output == "sigmoid" and bool(m.data.counts)
    cost = "cross_entropy" if classes else "mean_squared_error"
    output = {} if classes else {"output": "identity"}
    remedies = (
        network_remedy("Take a cost whose derivative cancels σ′", m.settings, cost=cost, **output),
        network_remedy("Start with outputs near the middle of their range", m.settings, init="scaled"),
    )
    return Verdict("finding" if m.settings.epochs else "advice", measured, remedies)


def missing_wrong_outputs(m: Measurements) -> str:
    """Say that this output has no slope that could stand in the way."""
    if m.output.wrong_rows is not None:
        return ""
    return f"{DOES_NOT_APPLY}: {m.settings.cost} with {m.settings.output} has no slope that vanishes"


def judge_saturated_start(m: Measurements) -> Verdict | None:
    """Name hidden layers of which most units start saturated."""
    hidden = [layer for layer in (m.start or ())[:-1] if layer.saturated is not None]
    if not hidden:
        return None
    worst = max(hidden, key=lambda layer: layer.saturated or 0.0)
    share = worst.saturated or 0.0
    if share < HALF_SATURATED:
        return None
    now = m.layers[worst.number - 1].saturated or 0.0
    measured = f"At the start {percent(share, 1)} of layer {worst.number}'s pairs of row and unit have σ′ below 0.01"
    measured += f"; now it is {percent(now, 1)}." if m.settings.epochs else "."
    if m.has_learnt:
        measured += " The network has learnt well nevertheless."
    remedies = (
        network_remedy("Divide the initial weights by the root of the inputs' number", m.settings, init="scaled"),
        network_remedy("Take an activation that does not saturate", m.settings, activation="relu"),
    )
    return Verdict("finding" if share >= MOSTLY_SATURATED and not m.has_learnt else "advice", measured, remedies)


def missing_saturated_start(m: Measurements) -> str:
    """Say that there is no such layer, or that the start is not known."""
    if all(layer.saturated is None for layer in m.layers[:-1]):
        return f"{DOES_NOT_APPLY}: no hidden layer has a sigmoid or tanh"
    return "" if m.start is not None else "needs the initial weights, which no seed draws again; use cr.LiveDiagnosis"


def judge_dead_units(m: Measurements) -> Verdict | None:
    """Name layers of ReLUs of which many are 0 for every row."""
    layers = [layer for layer in m.layers if layer.dead is not None]
    worst = max(layers, key=lambda layer: layer.dead or 0.0, default=None)
    if worst is None or (worst.dead or 0.0) < SOME_DEAD:
        return None
    share, at_start = worst.dead or 0.0, _dead_at_start(m, worst)
    measured = f"{percent(share, 1)} of the {worst.units} ReLUs of layer {worst.number} give 0 for all {m.rows} rows"
    measured += "." if at_start is None else f"; at the start it was {percent(at_start, 1)}."
    rate = m.settings.learning_rate
    leaky = network_remedy("Take an activation that keeps a slope below 0", m.settings, activation="leaky_relu")
    slower = training_remedy("Take smaller steps, of which one kills no unit", learning_rate=lower_rate(m))
    starts_dead = at_start is not None and at_start >= SOME_DEAD
    remedies = (leaky, slower) if starts_dead or rate is None else (slower, leaky)
    return Verdict("finding" if share >= MOSTLY_DEAD and not m.has_learnt else "advice", measured, remedies)


def _dead_at_start(m: Measurements, layer: LayerMeasurements) -> float | None:
    return None if m.start is None else m.start[layer.number - 1].dead


def missing_dead_units(m: Measurements) -> str:
    """Say that there are no ReLUs, or too few rows."""
    if all(layer.dead is None for layer in m.layers):
        return f"{DOES_NOT_APPLY}: no layer has ReLUs"
    return "needs 50 rows" if m.rows < FEWEST_ROWS else ""


FEWEST_ROWS = 50
"""A unit that is 0 for fewer rows may still be on for others."""


# The size of delta


def _delta_ratio(m: Measurements) -> float | None:
    """Give the delta of the first layer divided by that of the last, at the start where it is known."""
    layers = m.start or m.layers
    last = layers[-1].delta
    return layers[0].delta / last if len(layers) > 1 and last > 0 else None


def _deltas(m: Measurements) -> str:
    layers = m.start or m.layers
    when = "at the start" if m.start is not None else "now"
    deltas = ", ".join(f"{layer.delta:.2g}" for layer in layers)
    return f"The root mean square of δ is {deltas} in layers 1 to {len(layers)}, {when}."


def judge_vanishing(m: Measurements) -> Verdict | None:
    """Name a delta that shrinks on the way back."""
    ratio = _delta_ratio(m)
    if ratio is None or ratio >= VANISHED:
        return None
    remedies = (
        network_remedy("Take an activation whose slope is 1", m.settings, activation="relu", init="he_normal"),
        network_remedy("Take fewer layers", m.settings, sizes=[*m.settings.sizes[:2], m.settings.sizes[-1]]),
    )
    return Verdict("advice" if m.has_learnt else "finding", _deltas(m), remedies)


def judge_exploding(m: Measurements) -> Verdict | None:
    """Name a delta that grows on the way back; where the start is unknown, unless a rate that is too high has made it grow."""
    ratio = _delta_ratio(m)
    if ratio is None or ratio <= EXPLODED or (m.start is None and judge_high_rate(m) is not None):
        return None
    suited = {"relu": "he_normal", "leaky_relu": "he_normal", "selu": "lecun_normal"}.get(m.layers[0].activation, "scaled")
    level: Level = "advice" if m.has_learnt else "finding"
    start = network_remedy("Draw initial weights that keep the size of δ", m.settings, init=suited)
    if m.start is None and m.settings.epochs:
        measured = f"{_deltas(m)} The initial weights are not known: the training may have made the weights large."
        return Verdict(level, measured, (training_remedy("Take smaller steps", learning_rate=lower_rate(m)), start))
    return Verdict(level, _deltas(m), (start, training_remedy("Limit the length of a step's gradient", clip=1.0)))


def missing_deltas(m: Measurements) -> str:
    """Say that there are no two layers to compare."""
    if len(m.layers) == 1:
        return f"{DOES_NOT_APPLY}: there is one layer"
    return "" if _delta_ratio(m) is not None else "δ is 0 at the output: every answer is exact"


STEP = r"w ← w − \frac{η}{m} Σ_x \frac{∂C_x}{∂w}"
BP1, BP2, BP4 = r"δ^L = ∇_a C ⊙ σ′(z^L)", r"δ^l = ((w^{l+1})^T δ^{l+1}) ⊙ σ′(z^l)", r"\frac{∂C}{∂w^l} = δ^l (a^{l−1})^T"

HIGH_RATE = Rule(
    "learning rate too high",
    ("N12",),
    (STEP,),
    "The gradient tells the slope of the cost where the weights are. A step that is too long leaves the region in which that slope "
    "holds: the cost rises, or units are thrown to where $σ′$ is 0 and no gradient brings them back.",
    judge_high_rate,
    missing_high_rate,
)
LOW_RATE = Rule(
    "learning rate too low",
    ("N12",),
    (STEP, r"ΔC ≈ −η ‖∇C‖^2"),
    "A step lowers the cost in proportion to $η$: where that is tiny, the curve is a straight line that ends before anything is "
    "learnt.",
    judge_low_rate,
    missing_low_rate,
    unless=("targets not scaled",),
)
UNMOVED = Rule(
    "weights that never moved",
    ("N12", "BP4"),
    (STEP, BP4),
    "A weight moves by $η$ times its gradient. Where the product is below half a unit in the last place of the weight, or $δ$ is "
    "0, the weight stays as it was.",
    judge_unmoved,
    missing_unmoved,
)
WRONG_OUTPUTS = Rule(
    "outputs saturated and wrong",
    ("BP1",),
    (BP1,),
    "The error $∇_a C$ is multiplied by $σ′$. Where an output is saturated, $σ′$ is nearly 0, and so is $δ$, however wrong the "
    "output is. Cross-entropy with sigmoid, or log loss with softmax, cancels $σ′$: $δ^L = a − y$.",
    judge_wrong_outputs,
    missing_wrong_outputs,
    unless=("learning rate too high",),
)
SATURATED_START = Rule(
    "hidden units saturated at the start",
    ("N10", "BP2"),
    ("z_j = Σ_k w_{jk} a_k + b_j", BP2),
    "With weights from N(0, 1) the spread of $z$ is the root of the sum of the squared inputs: 22 for 1,000 inputs of which half "
    "are 1. A sigmoid has a slope only where $|z| < 5$; elsewhere $δ$ of the unit is nearly 0.",
    judge_saturated_start,
    missing_saturated_start,
)
DEAD_UNITS = Rule(
    "dead ReLUs",
    ("N5", "BP2"),
    (r"\frac{∂a_i}{∂w} = 0^T  where  w x_i + b ≤ 0",),
    "A ReLU that is off has no gradient. One that is off for every row gets none from any, and stays off.",
    judge_dead_units,
    missing_dead_units,
)
VANISHING = Rule(
    "vanishing delta",
    ("BP2",),
    (BP2,),
    "Each layer multiplies $δ$ by its weights and by $σ′$, which is at most 1/4 of a sigmoid: after some layers nothing is left.",
    judge_vanishing,
    missing_deltas,
)
EXPLODING = Rule(
    "exploding delta",
    ("BP2",),
    (BP2,),
    "Each layer multiplies $δ$ by its weights: where these are large, $δ$ grows from layer to layer, and the first layers take "
    "steps that are too long.",
    judge_exploding,
    missing_deltas,
)
