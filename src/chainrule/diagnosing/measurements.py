"""The measurements of a diagnosis, as plain data: every number that a rule compares with a threshold.

The functions of ``layer_measures``, ``step_measures``, ``data_measures`` and ``curve_measures`` make them. A measurement that
cannot be taken is None.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LayerMeasurements:
    """One layer, measured over the drawn rows.

    Attributes
    ----------
    number : int
        From 1; the output layer is the last.
    units : int
    activation : str
    saturated : float or None
        The share of pairs (row, unit) with ``sigma'(z) < 0.01``; None where the activation is not a sigmoid or tanh.
    dead : float or None
        The share of units with ``z <= 0`` in every row; None where the activation is not ReLU.
    delta : float
        The root mean square of ``delta`` over rows and units (BP1, BP2).
    """

    number: int
    units: int
    activation: str
    saturated: float | None
    dead: float | None
    delta: float


@dataclass(frozen=True)
class OutputMeasurements:
    """The outputs and the cost, measured over the drawn rows, each with its weight where the examples have weights.

    Attributes
    ----------
    cost, constant_cost : float
        The mean cost, and that of the best constant output, which is the mean of the targets.
    accuracy, constant_accuracy : float or None
        The share of the rows that is classified correctly, and that of the most frequent class; None where y holds values.
    wrong_rows : float or None
        The share of the rows with an output that is wrong by more than half of the activation's range; None where the range is
        infinite, or where ``sigma'`` cancels in BP1.
    wrong_slope : float or None
        The mean of ``sigma'(z)`` over these outputs, divided by ``sigma'(0)``; None without such outputs.
    deviations : float or None
        How far the agreement of outputs and targets exceeds what this number of parameters reaches on independent targets, in
        standard deviations; None where every output or every target is constant.
    """

    cost: float
    constant_cost: float
    accuracy: float | None
    constant_accuracy: float | None
    wrong_rows: float | None
    wrong_slope: float | None
    deviations: float | None = None

    @property
    def skill(self) -> float:
        """How much of a constant answer's error is removed: of its wrong rows, or of its cost; 1 is perfect, 0 is no better."""
        if self.accuracy is not None and self.constant_accuracy is not None:
            return _share_removed(1 - self.accuracy, 1 - self.constant_accuracy)
        return self.cost_skill

    @property
    def cost_skill(self) -> float:
        """How much of the cost of a constant answer is removed."""
        return _share_removed(self.cost, self.constant_cost)


def _share_removed(error: float, constant_error: float) -> float:
    if constant_error <= 0:
        return 1.0 if error <= 0 else 0.0
    return 1 - error / constant_error


@dataclass(frozen=True)
class DataMeasurements:
    """The inputs and the targets.

    Attributes
    ----------
    largest_column : int
        The column that moves the first layer's z most, from 0.
    largest_input : float
        The root mean square of this column.
    largest_effect : float
        The spread of z that this column causes: its standard deviation times the root mean square of its weights, at the start
        where that is known.
    spread : float
        The spread of z that all columns cause together.
    is_8_bit : bool
        Whether the inputs are whole numbers from 0 to at most 255 that reach above 100, as unscaled pixels do.
    neighbours : float or None
        The agreement of each row's target with that of its nearest row: of classes the share of equal ones, of values their
        correlation. None where there are too few rows.
    chance : float
        The agreement that targets independent of the inputs would have.
    deviations : float or None
        ``neighbours - chance`` in standard deviations of the agreement of independent targets.
    gradient_deviations : float or None
        The squared norm of the gradient at a constant answer beyond that of shuffled targets, in standard deviations of the latter;
        None where there are too few rows.
    product_deviations : float or None
        The same of the products of each two columns, which see relations that no single column has.
    related_rows : int
        The rows over which both are summed.
    neighbour_skill : float or None
        The skill (see ``OutputMeasurements.skill``) of an answer that repeats the nearest row's target.
    counts : tuple of int
        The number of all examples of each class; empty where y holds values.
    constant : bool
        Whether all examples have one target.
    rarest : int or None
        The rarest class that occurs; None where y holds values.
    rarest_recall : float or None
        The share of the rarest class's drawn rows that is classified correctly.
    target_mean, target_spread : float or None
        The mean and the standard deviation of the column of y with the largest values; None where y holds classes.
    """

    largest_column: int
    largest_input: float
    largest_effect: float
    spread: float
    is_8_bit: bool
    neighbours: float | None
    chance: float
    deviations: float | None
    gradient_deviations: float | None
    product_deviations: float | None
    related_rows: int
    neighbour_skill: float | None
    counts: tuple[int, ...]
    constant: bool
    rarest: int | None
    rarest_recall: float | None
    target_mean: float | None
    target_spread: float | None


@dataclass(frozen=True)
class StepMeasurements:
    """Steps of plain gradient descent that are tried on copies of the network.

    Attributes
    ----------
    first_change : float or None
        The root mean square change of the outputs' z by one step from the start, on one mini-batch at the training's learning
        rate: the median of some mini-batches. None where the start or the rate is not known.
    best_rate : float
        Of rates a factor of 10**0.5 apart, the one whose step on all drawn rows, from the present weights, has the lowest cost.
    """

    first_change: float | None
    best_rate: float


@dataclass(frozen=True)
class CurveMeasurements:
    """The curves of a training.

    Attributes
    ----------
    epochs : int
    diverged : bool
        Whether the training ended because a number became infinite or NaN.
    first_cost, last_cost : float
        NaN where the training diverged in its first epoch.
    rises : float
        The share of the epochs after the first whose cost is more than 5 % above that of the epoch before.
    steady : float
        The share of the epochs after the first whose cost is below that of the epoch before.
    late_fall : float
        The fall of the cost over the last third of the epochs, divided by the cost at its beginning.
    straightness : float
        The fall over the second half of the epochs divided by that over the first: 1 is a straight line, 0 a curve that has ended.
    accuracy, validation_accuracy : float or None
        Of the last epoch.
    validation_cost, lowest_validation_cost : float or None
        Of the last epoch, and the lowest.
    lowest_validation_epoch : int or None
    """

    epochs: int
    diverged: bool
    first_cost: float
    last_cost: float
    rises: float
    steady: float
    late_fall: float
    straightness: float
    accuracy: float | None
    validation_accuracy: float | None
    validation_cost: float | None
    lowest_validation_cost: float | None
    lowest_validation_epoch: int | None


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of the network and of its last training that remedies change.

    Attributes
    ----------
    sizes : tuple of int
    cost, output, init : str
        ``init`` is empty where it is not known.
    epochs : int
        Of all trainings; 0 of a network that was never trained.
    optimizer : str
        Empty where it is not known.
    learning_rate : float or None
    batch_size : int
    l2, dropout : float
    """

    sizes: tuple[int, ...]
    cost: str
    output: str
    init: str
    epochs: int
    optimizer: str
    learning_rate: float | None
    batch_size: int
    l2: float
    dropout: float

    @property
    def descends_plainly(self) -> bool:
        """Whether a step is the learning rate times the gradient (N12), with momentum or without, so that rates compare."""
        return self.optimizer in ("sgd", "momentum", "nesterov") and self.learning_rate is not None


@dataclass(frozen=True)
class Measurements:
    """All that was measured.

    Attributes
    ----------
    rows : int
        The number of rows that were drawn.
    settings : TrainingSettings
    layers : tuple of LayerMeasurements
        With the present weights.
    start : tuple of LayerMeasurements or None
        With the initial weights; None where they are not known.
    moved : tuple of float or None
        Of each layer, the norm of the change of its weights and biases since the start, divided by the norm at the start; None
        where the network is not trained, or the start is not known.
    output : OutputMeasurements
    start_cost : float or None
        The mean cost with the initial weights.
    data : DataMeasurements
    steps : StepMeasurements or None
        None where the network is too large to try steps.
    curves : CurveMeasurements or None
        None without a history.
    """

    rows: int
    settings: TrainingSettings
    layers: tuple[LayerMeasurements, ...]
    start: tuple[LayerMeasurements, ...] | None
    moved: tuple[float, ...] | None
    output: OutputMeasurements
    start_cost: float | None
    data: DataMeasurements
    steps: StepMeasurements | None
    curves: CurveMeasurements | None

    @property
    def has_learnt(self) -> bool:
        """Whether the network answers well: it removes most of a constant answer's error, or as much as the nearest rows do."""
        reachable = self.data.neighbour_skill
        good = GOOD_SKILL if reachable is None else min(GOOD_SKILL, max(reachable, LEAST_SKILL))
        return self.settings.epochs > 0 and self.output.skill >= good

    @property
    def is_beaten(self) -> bool | None:
        """Whether the nearest rows answer better by ``BEATEN``, two standard deviations allowed; None where they are not known."""
        reachable, deviations = self.data.neighbour_skill, self.data.deviations
        if reachable is None or deviations is None:
            return None
        return deviations > 0 and reachable > 0 and self.output.skill < reachable * (1 - 2 / deviations) - BEATEN

    def to_dict(self) -> dict[str, Any]:
        """Give the measurements in JSON's types."""
        return asdict(self)


GOOD_SKILL = 0.8
"""A network that removes four fifths of a constant answer's error is not in trouble: the notes' network removes 0.94."""

LEAST_SKILL = 0.2
"""The least that counts as learnt, where the data are so noisy that the nearest rows agree by chance alone."""

BEATEN = 0.1
"""By how much the nearest rows must answer better, in skill, for more to be there to learn."""
