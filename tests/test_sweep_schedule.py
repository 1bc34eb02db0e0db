"""What a sweep does before its first run and towards its last: the points that are checked, and the tasks' sizes."""

import itertools
import random

import pytest
from sweep_helpers import digits_parts

import chainrule as cr
from benchmarks.sweep import scheduled_seconds
from chainrule.errors import SettingError
from chainrule.sweeping.checked_points import points_to_check
from chainrule.sweeping.local_pool import LocalPool
from chainrule.sweeping.pool import Queue
from chainrule.sweeping.search import SweepRun
from chainrule.sweeping.space import parse_space
from chainrule.sweeping.sweep import Sweep, SweepRequest
from chainrule.sweeping.sweep_run import SweepTask


def grid(**values):
    """Give all combinations of some values."""
    return [tuple(zip(values, point, strict=True)) for point in itertools.product(*values.values())]


def test_few_points_stand_for_a_million():
    """All combinations of names, of signs and of depths are among them, and the least and greatest of each number."""
    points = grid(
        hidden=[(units,) for units in range(1, 101)] + [(), (5, 5)],
        l2=[k / 100 for k in range(100)],
        cost=["quadratic", "cross_entropy"],
        batch_size=range(1, 51),
    )
    checked = [dict(points[number]) for number in points_to_check(points)]
    assert len(points) > 1_000_000
    assert len(checked) < 50
    names = {(len(point["hidden"]), point["l2"] > 0, point["cost"]) for point in checked}
    assert len(names) == 3 * 2 * 2
    for name, ends in (("l2", {0.0, 0.99}), ("batch_size", {1, 50}), ("hidden", {(1,), (100,)})):
        assert ends <= {point[name] for point in checked}


@pytest.mark.parametrize("bad", [-1.0, 0.0, float("inf"), float("nan"), "fast", True, 1e300])
def test_a_wrong_value_among_many_is_found_before_the_first_run(bad, monkeypatch):
    """Wherever it is in the list: by its sign, its type, its name, or as the greatest."""
    monkeypatch.setattr("chainrule.sweeping.sweep.LocalPool", None)
    rates = [0.1 * k + 0.05 for k in range(1, 500)]
    parts = digits_parts()
    for place in (0, 250, 499):
        values = [*rates[:place], bad, *rates[place:]]
        if bad == 1e300:
            values, name, other = [k / 1000 for k in range(1, 500)] + [1.5], "dropout", {"learning_rate": 1.0}
        else:
            name, other = "learning_rate", {}
        with pytest.raises(SettingError, match=f"the run with hidden .*, {name.replace('_', ' ')} .*: {name} must be"):
            cr.sweep({"hidden": [5, 6], name: values}, **parts, epochs=1, batch_size=10, **other)


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_the_last_tasks_are_single_runs(workers):
    """Tasks shrink, and of runs that take 0.1 s no worker waits longer for the others than two runs take."""
    rng = random.Random(workers)
    runs = [0.1 * (1 + rng.uniform(-0.3, 0.3)) for _ in range(24 * workers)]
    least = sum(runs) / workers
    assert least <= scheduled_seconds(runs, workers, 1.0) <= least + 0.2
    queue = Queue(lambda run: 1.0)
    queue.add(SweepRun(0, seed, 1, ()) for seed in range(1000))
    queue.measure(SweepRun(0, 0, 1, ()), 0.01)
    sizes = []
    while len(queue):
        sizes.append(len(queue.next_task(workers, 1.0)))
    assert sum(sizes) == 1000
    assert 60 <= sizes[0] <= 100
    assert sizes[-1] == 1
    assert sorted(sizes, reverse=True) == sizes


def test_many_short_runs_after_few_long_ones_are_shared_by_work():
    """The size of a task is measured by the work that is left, not by the number of runs."""
    queue = Queue(lambda run: float(run.epochs))
    queue.add(SweepRun(0, seed, 100, ()) for seed in range(4))
    queue.add(SweepRun(0, seed, 1, ()) for seed in range(100))
    queue.measure(SweepRun(0, 0, 1, ()), 0.01)
    first = queue.next_task(2, 10.0)
    assert [run.epochs for run in first] == [100]


def test_a_pool_that_stands_is_used_and_stays():
    """Two sweeps of one task in one pool have the results of two pools."""
    parts = digits_parts()
    task = SweepTask(parts["examples"], parts["validation"], None, 10, {"batch_size": 10, "learning_rate": 1.0})
    request = SweepRequest(parse_space({"hidden": [4, 5]}), (0, 1), 1, threads=2)
    first, second, alone = (Sweep(task, request) for _ in range(3))
    with LocalPool(task, 2) as pool:
        first.train(pool=pool)
        second.train(pool=pool)
    alone.train()
    scores = [sorted((result.run.key, result.validation_cost) for result in each.results) for each in (first, second, alone)]
    assert scores[0] == scores[1] == scores[2]
