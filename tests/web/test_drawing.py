"""The Draw tab's network without a server: trainings that are cancelled while they end."""

import threading

import numpy as np
import pytest
from server_process import wait_for

import chainrule as cr
from chainrule.web import drawing as module
from chainrule.web.drawing import DISTORTION, Drawing, Recipe
from chainrule.web.events import Hub
from chainrule.web.refusal import Refusal

SMALL = Recipe((784, 4, 10), epochs=1, batch_size=5000)


@pytest.fixture
def drawing():
    """A Draw tab without a network."""
    drawing = Drawing(Hub().topic("model"))
    yield drawing
    drawing.close()
    assert drawing.join(60)


def test_a_training_that_is_cancelled_while_it_is_measured_is_not_taken(drawing, monkeypatch):
    """Cancelling counts until the network is taken, also while its accuracy is computed after the last epoch."""
    measuring, go_on = threading.Event(), threading.Event()
    measured = module.figures_of

    def slowly(*arguments):
        measuring.set()
        assert go_on.wait(60)
        return measured(*arguments)

    monkeypatch.setattr(module, "figures_of", slowly)
    drawing.train(SMALL)
    assert measuring.wait(60)
    drawing.cancel()
    go_on.set()
    assert drawing.join(60)
    assert (drawing.state.model, drawing.state.training) == (None, None)
    with pytest.raises(Refusal, match="no network yet; train one"):
        _ = drawing.network


def test_a_training_goes_on_after_another_was_cancelled(drawing):
    """The thread of a cancelled training reports no more, and the one that was begun after it is taken."""
    drawing.train(Recipe((784, 4, 10), epochs=1000))
    drawing.cancel()
    drawing.train(SMALL)
    wait_for(lambda: drawing.state.training is None)
    assert drawing.state.state == "ready"
    assert drawing.network.sizes == [784, 4, 10]


def test_trainings_that_are_cancelled_at_once_share_one_thread(drawing, monkeypatch):
    """However often a training is begun and cancelled, one thread at most trains, and only the newest training is done."""
    reading, go_on, made = threading.Event(), threading.Event(), []
    mnist, run = module.datasets.mnist, module.Run

    def slowly():
        reading.set()
        assert go_on.wait(60)
        return mnist()

    monkeypatch.setattr(module.datasets, "mnist", slowly)
    monkeypatch.setattr(
        module, "Run", lambda network, *rest, **settings: made.append(network.sizes) or run(network, *rest, **settings)
    )
    drawing.train(SMALL)
    assert reading.wait(60)
    for _ in range(12):
        drawing.cancel()
        drawing.train(SMALL)
    drawing.cancel()
    drawing.train(Recipe((784, 5, 10), epochs=1, batch_size=5000))
    assert [thread.name for thread in threading.enumerate()].count("chainrule-drawing") == 1
    assert drawing.state.state == "training"
    assert not drawing.join(0)
    go_on.set()
    assert drawing.join(60)
    assert made == [[784, 5, 10]]
    assert drawing.network.sizes == [784, 5, 10]


def test_closing_ends_a_training_that_waits_for_a_cancelled_one(drawing, monkeypatch):
    """After ``close`` the thread ends with the training that it is at, and does not begin the next."""
    measuring, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(module, "figures_of", lambda *_: measuring.set() or go_on.wait(60))
    drawing.train(SMALL)
    assert measuring.wait(60)
    drawing.cancel()
    drawing.train(SMALL)
    drawing.close()
    measuring.clear()
    go_on.set()
    assert drawing.join(60)
    assert not measuring.is_set()


def test_the_figures_of_each_network_are_kept(drawing):
    """The state holds the newest network of each kind, with its epochs, its seconds and its accuracies, whichever is in use."""
    mnist = cr.datasets.mnist()
    for recipe in (
        SMALL,
        Recipe((784, 5, 10), epochs=2, batch_size=5000, distort=DISTORTION),
        Recipe((784, 6, 10), epochs=3, batch_size=5000),
    ):
        drawing.train(recipe)
        wait_for(lambda: drawing.state.training is None)
    plain, distorted = drawing.state.trained
    assert [(each.sizes[1], each.epochs, each.distort) for each in (plain, distorted)] == [(6, 3, False), (5, 2, True)]
    assert drawing.state.model == plain
    assert 0 < plain.seconds < 60
    assert plain.test_accuracy == drawing.network.accuracy(mnist.test)
    drawing.train(SMALL)
    assert drawing.state.trained == [plain, distorted]
    drawing.cancel()
    assert drawing.state.trained == [plain, distorted]


def test_a_files_network_has_its_epochs(drawing, digits_network):
    """Of a network that a file gave, the epochs are known, and neither seconds nor accuracies."""
    drawing.give(digits_network, "digits.safetensors")
    model = drawing.state.model
    assert (model.epochs, model.seconds, model.test_accuracy, drawing.state.trained) == (1, None, None, [])


def test_a_blank_picture_is_computed_like_any_other(drawing, digits_network):
    """The answer for a picture without ink is the network's for an input of zeros."""
    drawing.give(digits_network, "digits.safetensors")
    zeros = np.zeros((1, 784), np.float32)
    reading = drawing.read([0.0] * 784)
    assert reading.outputs == digits_network.feedforward(zeros)[0].tolist()
    assert reading.label == digits_network.predict(zeros)[0]
