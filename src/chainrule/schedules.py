"""Learning rate schedules: functions ``(step, total) -> factor``, which give the factor that multiplies ``learning_rate``.

``step`` is an array of step numbers, from 0, and ``total`` the number of steps of the training. A schedule may be any function of
this form; ``functools.partial(schedules.step, every=1000)`` gives one of these other settings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ._checks import check_int
from .errors import SettingError, look_up

Floats = npt.NDArray[np.float64]
Schedule = Callable[[npt.NDArray[np.int64], int], npt.ArrayLike]


def constant(step: npt.NDArray[np.int64], total: int) -> Floats:
    """1: the rate does not change."""
    return np.ones(len(step))


def inverse_scaling(step: npt.NDArray[np.int64], total: int, *, power: float = 0.5) -> Floats:
    """``1 / (1 + step)^power`` (Robbins and Monro 1951; scikit-learn's ``invscaling`` counts examples in place of steps)."""
    return np.asarray((1.0 + step) ** -power, dtype=np.float64)


def step(step: npt.NDArray[np.int64], total: int, *, every: int | None = None, factor: float = 0.1) -> Floats:
    """``factor^floor(step / every)``: the rate falls every so many steps; by default every third of the training."""
    every = max(1, -(-total // 3)) if every is None else check_int("every", every, least=1)
    return np.asarray(factor ** (step // every), dtype=np.float64)


def cosine(step: npt.NDArray[np.int64], total: int, *, end: float = 0.0) -> Floats:
    """``end + (1 - end) (1 + cos(pi step / total)) / 2``: half a cosine (Loshchilov and Hutter 2017), without restarts."""
    return end + (1 - end) * (1 + np.cos(np.pi * np.minimum(step, total) / total)) / 2


def coslog4(step: npt.NDArray[np.int64], total: int) -> Floats:
    """``(1 - cos(2 pi log2(1 + 15 t))) / 2`` with ``t = (step + 1/2) / total``: four waves, each twice as long as the one before.

    Holzmueller et al. 2024, RealMLP (arXiv 2407.04491). The factor is 0 at t = 0, 1/15, 3/15, 7/15 and 1, where a wave ends: the
    epochs around these are good candidates for early stopping. t is the middle of the step, so that the first step, and the only
    step of a training of one, has a rate above 0.
    """
    t = np.minimum(step + 0.5, total) / total
    return (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t))) / 2


def warm_up(step: npt.NDArray[np.int64], total: int, *, steps: int | None = None, then: Schedule = constant) -> Floats:
    """``(step + 1) / steps`` until it reaches 1, by default over a tenth of the training; times the factor of schedule ``then``."""
    steps = max(1, total // 10) if steps is None else check_int("steps", steps, least=1)
    return np.minimum(1.0, (step + 1) / steps) * np.asarray(then(step, total), dtype=np.float64)


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "inverse_scaling": inverse_scaling,
    "step": step,
    "cosine": cosine,
    "coslog4": coslog4,
    "warm_up": warm_up,
}


def find_schedule(schedule: str | Schedule | None) -> Schedule:
    """Look a schedule up by name; None gives ``constant``, and a function is returned as it is."""
    if schedule is None:
        return constant
    return schedule if callable(schedule) else look_up("schedule", schedule, SCHEDULES)


def name_of(schedule: Schedule) -> str:
    """Give the name of a schedule's function; one that has none is "a schedule of its own"."""
    return getattr(schedule, "__name__", "a schedule of its own")


def rates(schedule: Schedule, learning_rate: float, first: int, last: int, total: int) -> Floats:
    """Evaluate the rates of the updates ``first .. last - 1``, in float64.

    Raises
    ------
    SettingError
        When the schedule does not give a finite factor of at least 0 for each.
    """
    given = schedule(np.arange(first, last), total)
    try:
        factors = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise SettingError(f"a schedule must give numbers, a factor for each step; this one gave {type(given).__name__}") from None
    if factors.shape not in ((), (last - first,)):
        raise SettingError(
            f"a schedule must give a factor for each of its {last - first} steps; this one gave shape {factors.shape}"
        )
    if not (np.isfinite(factors).all() and (factors >= 0).all()):
        invalid = factors[~(np.isfinite(factors) & (factors >= 0))].flat[0]
        raise SettingError(f"a schedule's factors must be finite and at least 0; after step {first} this one gave {invalid:g}")
    with np.errstate(over="ignore"):
        result = np.broadcast_to(learning_rate * factors, last - first)
    if not np.isfinite(result).all():
        raise SettingError(f"the learning rate must stay finite; {learning_rate:g} times this schedule's factors is infinite")
    return result
