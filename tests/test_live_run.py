"""A live run: its states, its bits, its frames, and errors that stay within it."""

import json
import threading

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from live_runs import LONG, SECONDS, SHORT, Frames, wait_until
from training_cases import parameter_bytes

from chainrule.errors import SettingError
from chainrule.web import live_run
from chainrule.web.live_run import ENDED, CallLength, LiveRun, current_network
from chainrule.web.run_requests import RunRequest, make_run


@pytest.fixture
def runs():
    """Make live runs, and end them after the test."""
    made = []

    def make(request=SHORT, watched=True):
        run = LiveRun(f"run{len(made)}", request, Frames(watched))
        made.append(run)
        return run

    yield make
    for run in made:
        run.close()
    assert all(run.join(SECONDS) for run in made)


def bits(run):
    """Give the bytes of a live run's parameters after its last mini-batch."""
    return parameter_bytes(current_network(run.run))


@pytest.fixture(scope="module")
def expected():
    """Give the parameters of the short run after each number of mini-batches."""
    run = make_run(SHORT)
    states = [parameter_bytes(current_network(run))]
    while run.history.stopped is None:
        run.advance(1)
        states.append(parameter_bytes(current_network(run)))
    return states


def test_a_run_trains_to_its_end_with_the_bits_of_the_library(runs, expected):
    """Started once, a run finishes by itself; its parameters are those of the same training by the library."""
    run = runs()
    run.start()
    run.topic.wait_for(lambda frame: frame["state"] == "finished")
    assert bits(run) == expected[-1]
    assert run.message == "finished after 2 epochs"


def test_a_step_trains_one_mini_batch(runs, expected):
    """Each step trains one mini-batch and leaves the run paused; the last one finishes it."""
    run = runs()
    for done in range(1, 21):
        run.step()
        assert run.wait_idle(SECONDS)
        assert run.run.done == done
        assert run.state == ("finished" if done == 20 else "paused")
        assert bits(run) == expected[done]


def test_a_paused_run_stands_still_and_goes_on(runs):
    """After pause no mini-batch is trained, and start goes on from there."""
    run = runs(LONG)
    run.start()
    wait_until(lambda: run.progress()["step"] > 100)
    run.pause()
    assert run.wait_idle(SECONDS)
    done, parameters = run.run.done, bits(run)
    assert run.state == "paused"
    run.refresh()
    assert run.wait_idle(SECONDS)
    assert (run.run.done, bits(run)) == (done, parameters)
    run.start()
    wait_until(lambda: run.progress()["step"] > done)


def test_reset_begins_anew_with_the_same_start(runs, expected):
    """Reset in mid-run leads to ready, with the parameters of the same seed and without curves."""
    run = runs()
    for _ in range(13):
        run.step()
    assert run.wait_idle(SECONDS)
    run.reset()
    assert run.wait_idle(SECONDS)
    assert (run.state, run.run.done, bits(run)) == ("ready", 0, expected[0])
    curves = run.progress()["curves"]
    assert curves["epochs"]["epoch"] == curves["batches"]["epoch"] == []
    run.start()
    run.topic.wait_for(lambda frame: frame["state"] == "finished")
    assert bits(run) == expected[-1]


def test_an_ended_run_is_only_reset(runs):
    """After its end start and step are refused with the remedy, and pause changes nothing."""
    run = runs()
    run.start()
    run.topic.wait_for(lambda frame: frame["state"] == "finished")
    for command in (run.start, run.step):
        with pytest.raises(SettingError, match=r"the run has ended \(finished after 2 epochs\); reset it first"):
            command()
    run.pause()
    assert run.state == "finished"


def test_a_diverging_run_says_so(runs):
    """A run whose cost leaves the finite numbers ends as diverged, with a message, and shows the last finite parameters."""
    run = runs(RunRequest(data="xor", hidden=(8, 8), activation="exp", optimizer="sgd", learning_rate=1000, epochs=50))
    run.start()
    frame = run.topic.wait_for(lambda frame: frame["state"] in ENDED)
    assert frame["state"] == "diverged"
    assert "diverged" in frame["message"]
    assert run.run.network.state().is_finite
    run.reset()
    assert run.wait_idle(SECONDS)
    assert run.state == "ready"


def test_an_error_ends_its_run_alone(runs, monkeypatch):
    """An exception in one run makes it failed, with one line; another run goes on, and the failed one may be reset."""
    healthy, broken = runs(LONG), runs()
    healthy.start()
    assert broken.wait_idle(SECONDS)

    def fail(mini_batches):
        raise MemoryError("no memory\nis left")

    monkeypatch.setattr(broken.run, "advance", fail)
    broken.start()
    frame = broken.topic.wait_for(lambda frame: frame["state"] == "failed")
    assert frame["message"] == "MemoryError: no memory"
    done = healthy.progress()["step"]
    wait_until(lambda: healthy.progress()["step"] > done)
    broken.reset()
    broken.start()
    broken.topic.wait_for(lambda frame: frame["state"] == "finished")


def test_a_run_that_was_reset_is_not_ended_by_what_went_before(runs, monkeypatch):
    """An error in mini-batches that were going on when the run was reset leaves it ready."""
    run = runs()
    assert run.wait_idle(SECONDS)

    def fail(mini_batches):
        run.reset()
        raise RuntimeError("of the training before")

    monkeypatch.setattr(run.run, "advance", fail)
    run.step()
    assert run.wait_idle(SECONDS)
    assert (run.state, run.message) == ("ready", "")


def test_a_run_that_cannot_be_made_fails(runs, monkeypatch):
    """An error while the run is made is a failed run with its message; start is then refused."""

    def fail(request):
        raise MemoryError

    monkeypatch.setattr(live_run, "make_run", fail)
    run = runs()
    frame = run.topic.wait_for(lambda frame: frame["state"] == "failed")
    assert frame["message"] == "MemoryError: no reason given"
    assert frame["weights"] is None
    with pytest.raises(SettingError, match="reset it first"):
        run.start()


def test_an_error_in_a_picture_ends_its_run_alone(runs, monkeypatch):
    """An exception while a frame is computed makes the run failed; its thread lives, and reset leads to ready."""

    def fail(*arguments):
        raise RuntimeError("no picture")

    run = runs(LONG)
    assert run.wait_idle(SECONDS)
    monkeypatch.setattr(live_run, "network_frame", fail)
    run.start()
    frame = run.topic.wait_for(lambda frame: frame["state"] == "failed")
    assert (frame["message"], frame["weights"]) == ("RuntimeError: no picture", None)
    monkeypatch.undo()
    run.reset()
    assert run.wait_idle(SECONDS)
    assert run.state == "ready"


def test_frames_are_json_and_complete(runs):
    """Every frame can be written as JSON without NaN, and holds the state, the progress, the curves and the pictures."""
    run = runs()
    run.start()
    frame = run.topic.wait_for(lambda frame: frame["state"] == "finished")
    json.dumps([data for _, data in run.topic.kept], allow_nan=False)
    assert (frame["id"], frame["epoch"], frame["epochs"], frame["step"], frame["steps"]) == ("run0", 2, 2, 20, 20)
    assert frame["examples_per_second"] > 0
    assert frame["curves"]["epochs"]["epoch"] == [1, 2]
    records = run.run.history.records
    assert frame["curves"]["epochs"]["cost"] == pytest.approx([record.cost for record in records], rel=1e-4)
    assert frame["curves"]["epochs"]["validation_accuracy"] == pytest.approx([r.validation_accuracy for r in records], rel=1e-4)
    assert frame["weights"]["units"] == 4
    assert [len(layer["counts"]) for layer in frame["deltas"]] == [24, 24]
    assert frame["boundary"]["side"] == 64


def test_the_curve_within_an_epoch_is_the_mean_since_the_last_point(runs):
    """The curve of mini-batches has their mean costs: weighted by their sizes, those of an epoch are its cost."""
    run = runs(RunRequest(data="digits", hidden=(8,), batch_size=100, epochs=1, activation="relu"))
    for _ in range(12):
        run.step()
    assert run.wait_idle(SECONDS)
    batches = run.progress()["curves"]["batches"]
    assert batches["epoch"] == pytest.approx([100 * k / 1197 for k in range(1, 12)], rel=1e-4)
    reference = make_run(run.request)
    reference.advance(5)
    assert batches["cost"][:5] == pytest.approx(reference.epoch_progress.costs / 100, rel=1e-4)
    assert batches["accuracy"][:5] == pytest.approx(reference.epoch_progress.right / 100, rel=1e-4)


def test_nothing_is_computed_for_nobody(runs, monkeypatch):
    """While nobody watches no picture is computed, but the curves go on; the first one who watches gets a complete frame."""
    monkeypatch.setattr(live_run, "network_frame", lambda *arguments: pytest.fail("a picture was computed"))
    run = runs(watched=False)
    run.start()
    wait_until(lambda: run.state in ENDED)
    assert run.state == "finished"
    assert run.topic.kept == []
    monkeypatch.undo()
    run.topic.watched = True
    run.refresh()
    frame = run.topic.wait_for(lambda frame: True)
    assert frame["curves"]["epochs"]["epoch"] == [1, 2]
    assert frame["weights"] is not None


def test_a_run_that_nobody_watches_is_paused_and_goes_on(runs, monkeypatch):
    """A run that trains unwatched for ``UNWATCHED_SECONDS`` is paused with a message; start goes on with it."""
    run = runs(LONG, watched=False)
    run.start()
    wait_until(lambda: run.progress()["step"] > 0)
    assert run.state == "running"
    monkeypatch.setattr(live_run, "UNWATCHED_SECONDS", -1.0)
    wait_until(lambda: run.state == "paused")
    assert "nobody has watched the run for" in run.message
    monkeypatch.undo()
    done = run.progress()["step"]
    run.start()
    assert run.message == ""
    wait_until(lambda: run.progress()["step"] > done)


@pytest.mark.parametrize(("watched", "seconds", "state"), [(False, 29, "running"), (False, 31, "paused"), (True, 1e6, "running")])
def test_a_run_is_paused_after_thirty_seconds_without_a_watcher(runs, watched, seconds, state):
    """A run that trains is paused more than 30 s after somebody last watched it or asked for it, and never while watched."""
    run = runs(LONG, watched)
    run.start()
    noticed = run._noticed
    run._pause_unwatched(noticed + seconds)
    assert run.state == state


def test_a_small_run_that_is_watched_keeps_a_pace(runs, monkeypatch):
    """A watched run of a small set waits after an epoch until the pace allows the next, obeys at once while it waits, and ends."""
    monkeypatch.setattr(live_run, "EPOCHS_PER_SECOND", 1e-6)
    monkeypatch.setattr(live_run, "PACED_SECONDS", 1e12)
    run = runs(RunRequest(data="xor", hidden=(4,), batch_size=70, epochs=3))
    run.start()
    wait_until(lambda: run.progress()["epoch"] == 2)  # the first epoch begins the pace, the second is due at once
    monkeypatch.setattr(run, "_train_call", lambda: pytest.fail("it trained before its time"))
    run.refresh()
    run.pause()
    assert run.wait_idle(SECONDS)
    assert (run.state, run.progress()["epoch"]) == ("paused", 2)
    monkeypatch.undo()
    run.topic.watched = False
    run.start()
    wait_until(lambda: run.state == "finished")


@pytest.mark.parametrize(("request_", "watched"), [(SHORT, False), (RunRequest(data="digits", hidden=(4,), epochs=3), True)])
def test_a_run_is_not_slowed_for_nobody_or_where_it_is_large(runs, monkeypatch, request_, watched):
    """A run that nobody watches, or of as many examples as ``PACED_ROWS``, trains to its end at full speed."""
    monkeypatch.setattr(live_run, "EPOCHS_PER_SECOND", 1e-6)
    monkeypatch.setattr(live_run, "PACED_SECONDS", 1e12)
    monkeypatch.setattr(live_run, "PACED_ROWS", 1000)
    run = runs(request_, watched)
    run.start()
    wait_until(lambda: run.state == "finished")


def test_frames_are_few(runs, monkeypatch):
    """While a run trains it publishes at most one frame in ``FRAME_SECONDS``, but one at each change of its state."""
    monkeypatch.setattr(live_run, "FRAME_SECONDS", 1e6)
    run = runs(LONG)
    run.start()
    wait_until(lambda: run.progress()["step"] > 2000)
    run.pause()
    assert run.wait_idle(SECONDS)
    states = [frame["state"] for _, frame in run.topic.kept]
    assert len(states) <= 3
    assert states[-1] == "paused"


def test_a_topic_that_never_returns_the_frame_to_a_reader_does_not_delay_the_training(runs):
    """Frames that nobody takes do not hold a run up: it finishes."""
    run = runs()
    run.start()
    wait_until(lambda: run.state == "finished")


def test_the_description_reproduces_the_run(runs):
    """A description has the settings, the lines, the link, the formulas of every layer and the points of the plane."""
    description = runs().description
    json.dumps(description, allow_nan=False)
    assert msgspec.convert(description["settings"], RunRequest) == SHORT
    assert description["sizes"] == [2, 4, 2]
    assert description["lines"]["cli"].startswith("chainrule train xor \\\n    --hidden 4 ")
    assert [layer["activation"] for layer in description["formulas"]["layers"]] == ["tanh", "softmax"]
    assert description["formulas"]["layers"][0]["lines"][0]["text"] == "z¹ = w¹ a⁰ + b¹"
    assert len(description["points"]["x"]) == 700
    assert runs(RunRequest(data="digits")).description["points"] is None


def test_close_ends_the_thread(runs):
    """After close the thread ends, also in mid-run."""
    run = runs(LONG)
    run.start()
    wait_until(lambda: run.progress()["step"] > 0)
    run.close()
    assert run.join(SECONDS)
    assert not any(thread.name == "chainrule-run-run0" for thread in threading.enumerate())


@pytest.mark.parametrize(("per_second", "length"), [(1e6, 15_000), (200.0, 3), (5.0, 1)])
@pytest.mark.parametrize("waiting", [1, 8])
def test_the_length_of_a_call_follows_the_measured_speed(per_second, length, waiting):
    """The mini-batches of a call come to those of ``CALL_SECONDS`` of computing, however long the thread waited for a core."""
    call, before = CallLength(), 0
    for _ in range(30):
        before = call.mini_batches
        call.measured(before, waiting * before / per_second, before / per_second)
        assert call.mini_batches <= 2 * before
    assert call.mini_batches == length == before
    assert call.per_second == pytest.approx(per_second / waiting)
    call.measured(0, 0.0, 0.0)
    assert call.mini_batches == length


def test_a_call_whose_work_is_done_elsewhere_is_limited_too():
    """Where other threads compute, so that the run's own takes no time, a call lasts at most ten times ``CALL_SECONDS``."""
    call = CallLength()
    for _ in range(30):
        call.measured(call.mini_batches, call.mini_batches / 1000, 0.0)
    assert call.mini_batches == 150


class Commands(RuleBasedStateMachine):
    """Any sequence of commands leaves a run in a state that follows from them, with the bits of the library."""

    references: list[bytes] = []

    def __init__(self):
        super().__init__()
        if not self.references:
            run = make_run(SHORT)
            self.references.append(parameter_bytes(current_network(run)))
            while run.history.stopped is None:
                run.advance(1)
                self.references.append(parameter_bytes(current_network(run)))
        self.run = LiveRun("machine", SHORT, Frames())
        self.possible = {"ready"}

    def teardown(self):
        """End the thread."""
        self.run.close()
        assert self.run.join(SECONDS)

    @rule()
    def start(self):
        """Start leads to running, from where the run finishes by itself."""
        try:
            self.run.start()
        except SettingError:
            assert "finished" in self.possible
            self.possible = {"finished"}
        else:
            self.possible = {"running", "finished"}

    @rule()
    def pause(self):
        """Pause stops a run that trains."""
        self.run.pause()
        self.possible = {"paused" if state == "running" else state for state in self.possible} | (self.possible & {"finished"})

    @rule(times=st.integers(1, 7))
    def step(self, times):
        """Steps lead to paused, or to the end."""
        for _ in range(times):
            try:
                self.run.step()
            except SettingError:
                assert self.run.state == "finished"
        self.possible = {"paused", "finished"}

    @rule()
    def reset(self):
        """Reset leads to ready."""
        self.run.reset()
        self.possible = {"ready"}

    @rule()
    def settle(self):
        """A run that has nothing to do has the parameters of so many mini-batches."""
        wait_until(lambda: self.run.wait_idle(0.01))
        assert self.run.state != "running"
        done = self.run.run.done
        assert bits(self.run) == self.references[done]
        assert (self.run.state == "finished") == (done == 20)
        assert self.run.state != "ready" or done == 0

    @invariant()
    def state_follows_from_the_commands(self):
        """The state is one of those that the commands allow."""
        assert self.run.state in self.possible


TestCommands = Commands.TestCase
TestCommands.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
