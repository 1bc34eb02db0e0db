"""The Draw tab's network without a server: trainings that are cancelled while they end."""

import threading

import pytest
from server_process import wait_for

from chainrule.web import drawing as module
from chainrule.web.drawing import Drawing, Recipe
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
