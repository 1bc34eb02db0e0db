"""Measures the curves of a training: rises, straightness, the late fall, the validation's lowest point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..history import EpochRecord, column_of
from .measurements import CurveMeasurements

Floats = npt.NDArray[np.float64]

RISE = 0.05
"""An epoch's cost that is higher by less than this share is a fluctuation of the mini-batches' order."""


def measure_curves(records: Sequence[EpochRecord], *, diverged: bool = False) -> CurveMeasurements | None:
    """Measure the curves of a training's records; None without any, unless the training diverged in its first epoch."""
    if not records and not diverged:
        return None
    recorded = column_of(records, "cost")
    finite = recorded[np.isfinite(recorded)]
    cost = finite if len(finite) else np.array([np.nan])
    validation = column_of(records, "validation_cost")
    lowest = int(np.nanargmin(validation)) if np.isfinite(validation).any() else None
    return CurveMeasurements(
        epochs=len(records),
        diverged=diverged or len(finite) < len(recorded),
        first_cost=float(cost[0]),
        last_cost=float(cost[-1]),
        rises=share_of_rises(cost),
        steady=float(np.mean(np.diff(cost) < 0)) if len(cost) > 1 else 0.0,
        late_fall=relative_fall(cost[-1 - len(cost) // 3 :]),
        straightness=straightness(cost),
        accuracy=records[-1].accuracy if records else None,
        validation_accuracy=records[-1].validation_accuracy if records else None,
        validation_cost=None if lowest is None else float(validation[-1]),
        lowest_validation_cost=None if lowest is None else float(validation[lowest]),
        lowest_validation_epoch=None if lowest is None else records[lowest].epoch,
    )


def share_of_rises(cost: Floats) -> float:
    """Give the share of the epochs after the first whose cost is more than ``RISE`` above that of the epoch before."""
    return float(np.mean(cost[1:] > (1 + RISE) * cost[:-1])) if len(cost) > 1 else 0.0


def relative_fall(cost: Floats) -> float:
    """Give the fall from the first number to the last, divided by the first; 0 where that is 0."""
    return float((cost[0] - cost[-1]) / cost[0]) if cost[0] else 0.0


def straightness(cost: Floats) -> float:
    """Give the fall over the second half divided by that over the first; 0 where the first half does not fall."""
    middle = cost[len(cost) // 2]
    first, second = cost[0] - middle, middle - cost[-1]
    return float(second / first) if first > 0 else 0.0
