"""The runs of a server: ids, limits, removal, and the end of all."""

import gc
import threading
import weakref

import pytest
from live_runs import LONG, SECONDS, SHORT, wait_until

from chainrule.errors import SettingError, UnknownName
from chainrule.web import run_registry
from chainrule.web.events import Hub
from chainrule.web.run_registry import RunRegistry, close_all, topic_of
from chainrule.web.run_requests import RunRequest


class Reader:
    """A listener that takes no frames."""

    def wake(self):
        """Do nothing."""


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


def test_a_run_too_many_is_refused(registry, hub, monkeypatch):
    """Beyond the limit, where every run trains or is watched, a run is refused with the remedy, until one is removed."""
    monkeypatch.setattr(run_registry, "MOST_RUNS", 2)
    first, second = registry.create(LONG), registry.create(SHORT)
    registry.start(first.identifier)
    second.topic.add(Reader())
    with pytest.raises(
        SettingError, match=r"there are 2 runs, all of them training or watched.*; remove one, or close its page, first"
    ):
        registry.create(SHORT)
    registry.remove(second.identifier)
    third = registry.create(SHORT)
    assert registry.all() == [first, third]


def test_the_oldest_run_that_was_left_makes_room(registry, monkeypatch):
    """At the limit the oldest run that neither trains nor is watched is removed for a new one, and its thread ends."""
    monkeypatch.setattr(run_registry, "MOST_RUNS", 4)
    training, watched, left, younger = (registry.create(LONG) for _ in range(4))
    registry.start(training.identifier)
    watched.topic.add(Reader())
    new = registry.create(SHORT)
    assert registry.all() == [training, watched, younger, new]
    assert left.join(SECONDS)
    with pytest.raises(UnknownName):
        registry.get(left.identifier)


def test_a_request_for_a_run_keeps_it_training(registry):
    """A run that is asked for counts as watched at that time."""
    run = registry.create(SHORT)
    run._noticed = 0.0
    registry.get(run.identifier)
    assert run._noticed > 0


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


EXPLODES = RunRequest(data="xor", hidden=(8, 8), activation="exp", optimizer="sgd", learning_rate=1000, epochs=50)


@pytest.fixture
def no_collector():
    """Keep cycles from being collected during a test."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def ended(registry, request, state):
    """Make a run that comes to a state, and give its id, its thread, and weak references to it and its training."""
    run = registry.create(request)
    assert run.wait_idle(SECONDS)
    registry.start(run.identifier)
    if state == "paused":
        run.step()
    wait_until(lambda: run.state == state and run.wait_idle(0.01))
    assert run.description["sizes"][0] == 2
    return run.identifier, run._thread, [weakref.ref(run), weakref.ref(run.run)]


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(("request_", "state"), [(SHORT, "finished"), (EXPLODES, "diverged"), (LONG, "paused")])
def test_a_removed_run_is_freed_at_once(registry, request_, state):
    """After its removal neither a run nor its training is alive, without the collector of cycles, however it ended."""
    identifier, thread, references = ended(registry, request_, state)
    registry.remove(identifier)
    thread.join(SECONDS)
    assert [reference() for reference in references] == [None, None]


@pytest.mark.usefixtures("no_collector")
def test_a_training_is_freed_at_a_reset(registry):
    """After a reset the training before is not alive, without the collector of cycles."""
    identifier, _, (_, training) = ended(registry, LONG, "paused")
    registry.get(identifier).reset()
    assert registry.get(identifier).wait_idle(SECONDS)
    assert training() is None


def test_close_ends_every_run(registry):
    """All threads end, of runs that train and of runs that do not."""
    runs = [registry.create(LONG) for _ in range(10)]
    for run in runs[:8]:
        registry.start(run.identifier)
    wait_until(lambda: all(run.progress()["step"] > 0 for run in runs[:8]))
    close_all(registry.all())
    assert all(run.join(SECONDS) for run in runs)
