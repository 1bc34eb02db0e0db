"""Callbacks of a training: when they are called, and the effect of their return values."""

import numpy as np
import pytest
from training_cases import make_network, parameter_bytes, train_network


def test_callbacks_get_every_record_and_change_nothing():
    """Every callback is called with each record, in order; its return value is ignored unless it is True."""
    records, epochs = [], []
    parameters, history = train_network(callbacks=[records.append, lambda record: epochs.append(record.epoch) or "stop"])
    assert records == history.records
    assert epochs == [1, 2, 3]
    assert history.stopped == "finished"
    assert parameters == train_network()[0]


@pytest.mark.parametrize("true", [True, np.True_], ids=["bool", "numpy.bool"])
def test_a_callback_that_returns_true_stops(true):
    """A callback's True, Python's or NumPy's, ends the training after that epoch, once every callback was called."""
    records = []

    def stop_after_2(record):
        return true if record.epoch == 2 else None

    parameters, history = train_network(callbacks=[stop_after_2, records.append])
    assert (history.stopped, len(history)) == ("early", 2)
    assert "callback" in history.message
    assert [record.epoch for record in records] == [1, 2]
    assert parameters == train_network(epochs=2)[0]


def test_the_network_is_up_to_date_in_a_callback():
    """When a callback is called, the network already holds the epoch's parameters."""
    net, actual = make_network(), []
    train_network(net, callbacks=[lambda record: actual.append(parameter_bytes(net))])
    assert actual == [train_network(epochs=k)[0] for k in (1, 2, 3)]


def test_an_error_in_a_callback_reaches_the_caller():
    """An error in a callback reaches the caller, and the network keeps the epoch that was done."""

    def fail(record):
        if record.epoch == 2:
            raise RuntimeError("the callback's own")

    net = make_network()
    with pytest.raises(RuntimeError, match="the callback's own"):
        train_network(net, callbacks=[fail])
    assert parameter_bytes(net) == train_network(epochs=2)[0]


def test_callbacks_may_come_from_an_iterator():
    """Callbacks given as a generator are called after every epoch."""
    records = []
    train_network(callbacks=(callback for callback in [records.append]))
    assert len(records) == 3
