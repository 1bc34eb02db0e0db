"""A run folder of another process, watched: while it trains, after its end, killed, damaged and gone."""

import json
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
from live_runs import SECONDS, Frames, wait_until
from training_cases import X, Y, make_network

import chainrule as cr
from chainrule.web import watched_run
from chainrule.web.live_run import network_frame
from chainrule.web.watched_run import WatchedRun

SPIRAL = ("train", "spiral", "--hidden", "8", "--checkpoint", "run", "--checkpoint-every", "1 epochs", "--epochs")


@pytest.fixture
def watch(tmp_path):
    """Watch folders, and end that after the test."""
    made = []

    def make(folder="run", watched=True):
        run = WatchedRun(f"watched{len(made)}", tmp_path / folder, Frames(watched))
        made.append(run)
        return run

    yield make
    for run in made:
        run.close()
    assert all(run.join(SECONDS) for run in made)


@pytest.fixture
def process(tmp_path):
    """Start ``chainrule`` in a folder, and end it after the test."""
    started = []

    def start(*arguments):
        command = [sys.executable, "-m", "chainrule", *arguments]
        started.append(subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.wait()


def test_a_finished_training_is_shown(watch, process):
    """A finished training has the state, the curves of its history, and the pictures of its last checkpoint."""
    assert process(*SPIRAL, "3").wait() == 0
    run = watch()
    frame = run.topic.wait_for(lambda frame: frame["state"] == "finished")
    json.dumps(frame, allow_nan=False)
    assert (frame["epoch"], frame["epochs"], frame["step"], frame["steps"]) == (3, 3, 105, 105)
    assert frame["curves"]["epochs"]["epoch"] == [1, 2, 3]
    network = cr.load(run.folder.parent / "spiral.safetensors")
    expected = network_frame(network, cr.datasets.spiral().train[:64])
    assert {name: frame[name] for name in expected} == expected
    description = run.description()
    assert (description["folder"], description["sizes"], len(description["points"]["x"])) == ("run", [2, 8, 2], 700)


def test_a_training_is_watched_as_it_goes_and_when_it_is_killed(watch, process):
    """While it trains the epochs grow from frame to frame; killed, it is failed, and the message names the remedy."""
    training = process(*SPIRAL, "100000")
    run = watch()
    first = run.topic.wait_for(lambda frame: frame["state"] == "running" and frame["epoch"] > 0)
    later = run.topic.wait_for(lambda frame: frame["epoch"] > first["epoch"])
    assert later["boundary"] is not None
    training.kill()
    training.wait()
    killed = run.topic.wait_for(lambda frame: frame["state"] == "failed" and frame["epoch"] > 0)
    assert "killed in epoch" in killed["message"]
    assert "--resume" in killed["message"]


def test_a_training_in_python_is_watched_without_its_data(watch, tmp_path):
    """A training whose data has no name is shown by its curves and weights, without deltas and points."""
    net = make_network()
    cr.train(net, (X, Y), epochs=2, batch_size=8, learning_rate=0.5, checkpoint=tmp_path / "run")
    run = watch()
    frame = run.topic.wait_for(lambda frame: frame["state"] == "finished")
    assert frame["deltas"] == []
    assert frame["boundary"] is None
    assert frame["weights"]["units"] == 6
    assert run.description()["points"] is None


def test_the_training_does_not_notice(watch, tmp_path):
    """A training that is watched without pause ends with the bits of one that is not, and without a warning."""
    watched, alone = make_network(), make_network()
    settings = {"epochs": 30, "batch_size": 8, "learning_rate": 0.5}
    cr.train(alone, (X, Y), **settings)
    run = watch()
    stop = threading.Event()

    def read():
        while not stop.is_set():
            run.frame()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        cr.train(watched, (X, Y), checkpoint=tmp_path / "run", checkpoint_every="1 epochs", **settings)
    finally:
        stop.set()
        reader.join()
    assert all(np.array_equal(one, other) for one, other in zip(watched.weights, alone.weights, strict=True))


def test_a_missing_folder_is_a_message_and_may_appear_later(watch, tmp_path):
    """A folder that does not exist is failed with a line, and shown as soon as the training has made it."""
    run = watch()
    frame = run.topic.wait_for(lambda frame: frame["state"] == "failed")
    assert "no such folder" in frame["message"]
    cr.train(make_network(), (X, Y), epochs=1, batch_size=8, learning_rate=0.5, checkpoint=tmp_path / "run")
    run.topic.wait_for(lambda frame: frame["state"] == "finished")


def test_a_folder_that_vanishes_or_is_damaged_is_a_message(watch, tmp_path):
    """Damaged checkpoints, and a folder that is removed, give a failed frame with one line, and the thread goes on."""
    cr.train(make_network(), (X, Y), epochs=1, batch_size=8, learning_rate=0.5, checkpoint=tmp_path / "run")
    run = watch()
    run.topic.wait_for(lambda frame: frame["state"] == "finished")
    for file in (tmp_path / "run").glob("checkpoint-*"):
        file.write_bytes(file.read_bytes()[:100])
    damaged = run.frame()
    assert damaged["state"] == "failed"
    assert "is not an intact model file" in damaged["message"]
    shutil.rmtree(tmp_path / "run")
    gone = run.frame()
    assert (gone["state"], gone["weights"]) == ("failed", None)
    assert "\n" not in damaged["message"] + gone["message"]


def test_nothing_is_read_for_nobody(watch, tmp_path, monkeypatch):
    """While nobody watches the folder is not read; the first one who watches gets a frame."""
    cr.train(make_network(), (X, Y), epochs=1, batch_size=8, learning_rate=0.5, checkpoint=tmp_path / "run")
    read = []
    original = watched_run.read_status
    monkeypatch.setattr(watched_run, "read_status", lambda path, history: (read.append(path), original(path, history))[1])
    run = watch(watched=False)
    run.refresh()
    wait_until(lambda: not run._wake.is_set())
    assert read == []
    run.topic.watched = True
    run.refresh()
    run.topic.wait_for(lambda frame: frame["state"] == "finished")
    assert read
