"""The runs of a server: ids, limits, removal, and the end of all."""

import threading

import pytest
from live_runs import LONG, SECONDS, SHORT, wait_until

from chainrule.errors import SettingError, UnknownName
from chainrule.web import run_registry
from chainrule.web.events import Hub
from chainrule.web.run_registry import RunRegistry, close_all, topic_of


@pytest.fixture
def hub():
    """The hub to which the runs publish."""
    return Hub()


@pytest.fixture
def registry(hub):
    """A registry, whose runs are closed after the test."""
    made = RunRegistry(hub)
    yield made
    close_all(made.all())
    wait_until(lambda: not any(thread.name.startswith("chainrule-run") for thread in threading.enumerate()))


def test_two_runs_train_side_by_side(registry):
    """Two runs for comparison are two runs of the registry, each with its own id; equal settings give equal curves."""
    one, other = registry.create(SHORT), registry.create(SHORT)
    assert one.identifier != other.identifier
    assert registry.all() == [one, other]
    for run in (one, other):
        registry.start(run.identifier)
    for run in (one, other):
        wait_until(lambda run=run: run.state == "finished")
    assert one.progress()["curves"] == other.progress()["curves"]


def test_a_run_too_many_is_refused(registry, monkeypatch):
    """Beyond the limit a run is refused with the remedy, and may be made once another was removed."""
    monkeypatch.setattr(run_registry, "MOST_RUNS", 2)
    first = registry.create(SHORT)
    registry.create(SHORT)
    with pytest.raises(SettingError, match="there are 2 runs, and there may be no more; remove one first"):
        registry.create(SHORT)
    registry.remove(first.identifier)
    registry.create(SHORT)


def test_too_many_trainings_are_refused(registry, monkeypatch):
    """Beyond the limit no run starts, until one is paused; one that trains may be started again."""
    monkeypatch.setattr(run_registry, "MOST_TRAINING", 1)
    one, other = registry.create(LONG), registry.create(LONG)
    registry.start(one.identifier)
    registry.start(one.identifier)
    with pytest.raises(SettingError, match="1 runs are training, and no more may at once; pause one first"):
        registry.start(other.identifier)
    assert other.state == "ready"
    one.pause()
    registry.start(other.identifier)
    assert other.state == "running"


def test_a_removed_run_is_unknown_and_ends(registry, hub):
    """A removed run's thread ends, and its id is unknown."""
    run = registry.create(LONG)
    registry.start(run.identifier)
    registry.remove(run.identifier)
    assert run.join(SECONDS)
    assert hub.topic(topic_of(run.identifier)) is not run.topic
    for use in (registry.get, registry.start, registry.remove):
        with pytest.raises(UnknownName, match="unknown run"):
            use(run.identifier)


def test_close_ends_every_run(registry):
    """All threads end, of runs that train and of runs that do not."""
    runs = [registry.create(LONG) for _ in range(10)]
    for run in runs[:8]:
        registry.start(run.identifier)
    wait_until(lambda: all(run.progress()["step"] > 0 for run in runs[:8]))
    close_all(registry.all())
    assert all(run.join(SECONDS) for run in runs)
