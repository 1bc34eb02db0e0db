"""Schedules: functions of the step and the total that give each step's factor."""

from functools import partial
from math import cos, log2, pi

import numpy as np
import pytest

from chainrule import schedules
from chainrule.errors import SettingError, UnknownName
from chainrule.schedules import SCHEDULES, find_schedule, rates

STEPS = np.arange(20)
TOTAL = 20
each_schedule = pytest.mark.parametrize("name", SCHEDULES)


@each_schedule
def test_a_schedule_gives_a_factor_for_each_step(name):
    """Every schedule gives float64 factors between 0 and 1 in the shape of its steps."""
    factors = SCHEDULES[name](STEPS, TOTAL)
    assert factors.shape == STEPS.shape
    assert factors.dtype == np.float64
    assert (factors >= 0).all()
    assert (factors <= 1).all()


@each_schedule
@pytest.mark.parametrize("cut", [1, 7, 19])
def test_a_factor_depends_on_its_step_alone(name, cut):
    """A schedule gives the same bits for all steps at once, for the steps in two parts, and one by one."""
    schedule, at_once = SCHEDULES[name], SCHEDULES[name](STEPS, TOTAL)
    parts = np.concatenate([schedule(STEPS[:cut], TOTAL), schedule(STEPS[cut:], TOTAL)])
    assert parts.tobytes() == at_once.tobytes()
    assert [schedule(STEPS[k : k + 1], TOTAL)[0] for k in STEPS] == at_once.tolist()


@each_schedule
def test_a_training_of_one_step_has_a_rate(name):
    """A training of a single step has a finite rate above 0 under every schedule."""
    (rate,) = rates(SCHEDULES[name], 0.5, 0, 1, 1)
    assert 0 < rate <= 0.5


@each_schedule
def test_the_steps_are_not_written_to(name):
    """A schedule accepts a read-only array of steps."""
    steps = np.arange(5)
    steps.flags.writeable = False
    SCHEDULES[name](steps, 5)


def test_constant_stays():
    """The constant factor is 1."""
    assert schedules.constant(STEPS, TOTAL).tolist() == [1.0] * 20


def test_inverse_scaling_is_its_formula():
    """Inverse scaling is 1 / (1 + step)^power."""
    for power in (0.5, 1.0):
        expected = [1 / (1 + k) ** power for k in range(20)]
        np.testing.assert_allclose(schedules.inverse_scaling(STEPS, TOTAL, power=power), expected, rtol=1e-15)


def test_step_falls_every_so_many_steps():
    """The step schedule multiplies by its factor every so many steps; by default every third of the training."""
    assert schedules.step(np.arange(7), 7, every=3, factor=0.5).tolist() == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]
    np.testing.assert_allclose(np.unique(schedules.step(np.arange(30), 30)), [0.01, 0.1, 1.0])
    assert (schedules.step(np.arange(31), 31) >= 0.0099).all()


def test_cosine_goes_from_one_to_its_end():
    """The cosine begins at 1, is halfway at half the steps, follows its formula, and ends at ``end``."""
    factors = schedules.cosine(np.arange(101), 100, end=0.1)
    assert factors[0] == 1
    assert factors[50] == pytest.approx(0.55)
    assert factors[100] == pytest.approx(0.1)
    np.testing.assert_allclose(factors, [0.1 + 0.9 * (1 + cos(pi * k / 100)) / 2 for k in range(101)])
    assert (np.diff(factors) <= 0).all()


def test_coslog4_makes_four_waves():
    """The factor of coslog4 follows its formula at the middle of each step: four waves from about 0 over 1 to about 0."""
    factors = schedules.coslog4(np.arange(15_000), 15_000)
    middles = [(k + 0.5) / 15_000 for k in range(15_000)]
    np.testing.assert_allclose(factors, [(1 - cos(2 * pi * log2(1 + 15 * t))) / 2 for t in middles], rtol=1e-9, atol=1e-12)
    assert (factors[[0, 999, 1000, 2999, 3000, 6999, 7000, 14_999]] < 1e-5).all()  # before and after t = 1/15, 3/15, 7/15
    tops = np.flatnonzero((factors[1:-1] > factors[:-2]) & (factors[1:-1] > factors[2:])) + 1
    np.testing.assert_allclose(1 + 15 * (tops + 0.5) / 15_000, 2 ** np.array([0.5, 1.5, 2.5, 3.5]), atol=1e-3)
    assert schedules.coslog4(np.array([15_000, 20_000]), 15_000).max() < 1e-9


def test_warm_up_rises_then_follows_another_schedule():
    """The warm-up rises linearly to 1 over its steps, by default a tenth of all, times the factor of schedule ``then``."""
    np.testing.assert_allclose(schedules.warm_up(np.arange(6), 100, steps=4), [0.25, 0.5, 0.75, 1, 1, 1])
    np.testing.assert_allclose(schedules.warm_up(np.arange(11), 100)[[0, 9, 10]], [0.1, 1, 1])
    then = partial(schedules.cosine, end=0.5)
    both = schedules.warm_up(STEPS, TOTAL, steps=4, then=then)
    np.testing.assert_allclose(both, schedules.warm_up(STEPS, TOTAL, steps=4) * then(STEPS, TOTAL))


@pytest.mark.parametrize(
    "schedule",
    [
        partial(schedules.step, every=0),
        partial(schedules.step, every=-3),
        partial(schedules.warm_up, steps=0),
        partial(schedules.warm_up, steps=-4),
    ],
    ids=["step 0", "step -3", "warm_up 0", "warm_up -4"],
)
def test_settings_of_no_steps_are_refused(schedule):
    """A schedule over 0 steps, or fewer, is refused."""
    with pytest.raises(SettingError):
        rates(schedule, 0.5, 0, 20, 20)


def test_schedules_are_found_by_name():
    """``find_schedule`` looks a name up, gives ``constant`` for None, and returns a function as it is."""
    assert all(find_schedule(name) is schedule for name, schedule in SCHEDULES.items())
    assert find_schedule(None) is schedules.constant
    assert find_schedule(schedules.cosine) is schedules.cosine
    with pytest.raises(UnknownName, match="unknown schedule 'cosin'; did you mean 'cosine'"):
        find_schedule("cosin")


def test_rates_multiply_the_learning_rate():
    """The rates of some steps are the learning rate times the schedule's factors for these steps."""
    actual = rates(lambda step, total: step / total, 2.0, 5, 8, 10)
    assert actual.tolist() == [1.0, 1.2, 1.4]
    assert actual.dtype == np.float64
    assert rates(lambda step, total: 0.5, 2.0, 5, 8, 10).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("factors", "named"),
    [([1, np.nan, 1], "nan"), ([1, np.inf, 1], "inf"), ([1, -0.5, 1], "-0.5"), ([np.inf, np.nan, -1], "inf|nan|-1")],
    ids=["nan", "inf", "negative", "all"],
)
def test_invalid_factors_are_refused(factors, named):
    """A factor that is NaN, infinite or negative is refused, and the message names it."""
    with pytest.raises(SettingError, match=rf"factors must be finite and at least 0; .*({named})"):
        rates(lambda step, total: factors, 0.5, 0, 3, 3)


def test_the_wrong_number_of_factors_is_refused():
    """A schedule that gives too few factors, or none at all, is refused, and the message says how many it must give."""
    for answer in ([1.0], [1.0] * 4, [[1.0] * 3], []):
        with pytest.raises(SettingError, match="must give a factor for each of its 3 steps"):
            rates(lambda step, total, answer=answer: answer, 0.5, 0, 3, 3)


@pytest.mark.parametrize("answer", ["a", None, object(), {}], ids=["text", "none", "object", "dict"])
def test_factors_must_be_numbers(answer):
    """A schedule that gives something other than numbers is refused as a setting."""
    with pytest.raises(SettingError):
        rates(lambda step, total: answer, 0.5, 0, 3, 3)
