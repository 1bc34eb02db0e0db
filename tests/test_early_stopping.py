"""Early stopping: when a training ends, and which epoch's parameters the network keeps."""

import numpy as np
import pytest
from training_cases import SETTINGS, VALIDATION, X, Y, make_network, parameter_bytes, train_network

import chainrule as cr
from chainrule.early_stopping import BestEpoch
from chainrule.errors import SettingError
from chainrule.history import EpochRecord
from chainrule.training import EarlyStopping

OVERFITTING = {"epochs": 60, "batch_size": 5, "learning_rate": 6.0}


def best_epoch(history, monitor, sign, min_delta=0.0):
    """Find the best epoch of a history; an epoch is better when it improves by more than ``min_delta``."""
    best_score, epoch = -np.inf, None
    for record in history:
        score = sign * getattr(record, monitor)
        if score > best_score + min_delta:
            best_score, epoch = score, record.epoch
    return epoch


@pytest.mark.parametrize("monitor", ["validation_accuracy", "validation_cost", None])
@pytest.mark.parametrize("min_delta", [0.0, 0.02])
def test_early_stopping_restores_the_best_epoch(monitor, min_delta):
    """The training ends after ``patience`` epochs without a new best, with the parameters of the best epoch, bit for bit."""
    net = make_network()
    settings = EarlyStopping(patience=4, min_delta=min_delta, monitor=monitor)
    history = cr.train(net, (X, Y), validation=VALIDATION, early_stopping=settings, **OVERFITTING)
    sign = -1 if monitor == "validation_cost" else 1
    assert history.stopped == "early"
    assert history.best_epoch == best_epoch(history, monitor or "validation_accuracy", sign, min_delta)
    assert len(history) == history.best_epoch + 4
    same = make_network()
    for record in cr.Run(same, (X, Y), **OVERFITTING):
        if record.epoch == history.best_epoch:
            break
    assert parameter_bytes(net) == parameter_bytes(same)
    assert net.cost(*VALIDATION) == history["validation_cost"][history.best_epoch - 1]
    assert "4 epochs" in history.message


def test_a_number_is_the_patience():
    """``early_stopping=4`` is ``EarlyStopping(patience=4)``."""
    by_number, history = train_network(validation=VALIDATION, early_stopping=4, **OVERFITTING)
    by_settings, same_history = train_network(validation=VALIDATION, early_stopping=EarlyStopping(4), **OVERFITTING)
    assert by_number == by_settings
    assert len(history) == len(same_history)


def test_the_cost_is_monitored_where_y_holds_values():
    """Without classes, early stopping monitors the validation cost by default."""
    net = cr.Network([4, 8, 1], activation="tanh", cost="mean_squared_error", seed=1)
    y = X[:, 0] * X[:, 1]
    validation = X[::-1] + 1, y[::-1]
    history = cr.train(net, (X, y), validation=validation, early_stopping=3, epochs=100, batch_size=4, learning_rate=0.1)
    assert history.best_epoch == best_epoch(history, "validation_cost", -1)
    assert net.cost(*validation) == history["validation_cost"].min()


@pytest.mark.parametrize(
    "settings", [{"epochs": 7}, {"callbacks": [lambda record: record.epoch == 7]}], ids=["epochs run out", "callback stops"]
)
def test_the_best_epoch_is_restored_when_patience_is_left(settings):
    """When the epochs run out or a callback stops the training, early stopping still restores the best epoch."""
    net = make_network()
    history = cr.train(net, (X, Y), validation=VALIDATION, early_stopping=50, **{**OVERFITTING, **settings})
    assert len(history) == 7
    assert history.best_epoch == best_epoch(history, "validation_accuracy", 1)
    assert net.accuracy(*VALIDATION) == history["validation_accuracy"].max()


def test_the_best_epoch_is_restored_after_ctrl_c():
    """Ctrl-C in a training with early stopping leaves the network with the best epoch's parameters."""

    def interrupt(record):
        if record.epoch == 7:
            raise KeyboardInterrupt

    net = make_network()
    history = cr.train(net, (X, Y), validation=VALIDATION, early_stopping=50, callbacks=[interrupt], **OVERFITTING)
    assert history.stopped == "interrupted"
    assert history.best_epoch == best_epoch(history, "validation_accuracy", 1)
    assert net.accuracy(*VALIDATION) == history["validation_accuracy"].max()


def test_without_patience_all_epochs_are_trained():
    """With ``patience=None`` the training runs to its last epoch, and the network ends with the best epoch's parameters."""
    net = make_network()
    settings = EarlyStopping(patience=None, monitor="validation_cost")
    history = cr.train(net, (X, Y), validation=VALIDATION, early_stopping=settings, **OVERFITTING)
    assert (history.stopped, len(history)) == ("finished", 60)
    assert history.best_epoch == best_epoch(history, "validation_cost", -1)
    assert net.cost(*VALIDATION) == history["validation_cost"].min()


@pytest.mark.parametrize("last", [False, True])
def test_of_equal_epochs_the_first_or_the_last_is_best(last):
    """Of the epochs with the best accuracy the first is restored, or with ``last=True`` the last, bit for bit."""
    net = make_network()
    settings = EarlyStopping(patience=None, monitor="validation_accuracy", last=last)
    history = cr.train(net, (X, Y), validation=VALIDATION, early_stopping=settings, **OVERFITTING)
    best = np.flatnonzero(history["validation_accuracy"] == history["validation_accuracy"].max())
    assert len(best) > 1
    assert history.best_epoch == best[-1 if last else 0] + 1
    same = make_network()
    for record in cr.Run(same, (X, Y), **OVERFITTING):
        if record.epoch == history.best_epoch:
            break
    assert parameter_bytes(net) == parameter_bytes(same)


def test_an_equal_epoch_does_not_renew_the_patience():
    """With ``last=True`` an epoch as good as the best is kept, but the training still ends ``patience`` epochs after the best."""
    best = BestEpoch(EarlyStopping(patience=3, monitor="validation_cost", last=True))
    state = cr.Network([1, 1], seed=0).state()
    for epoch, cost in enumerate([2.0, 1.0, 1.0, 3.0], start=1):
        assert not best.patience_exhausted
        best.update(EpochRecord(epoch, 0.0, None, cost, None, 0.1, 1.0, 1.0), state)
    assert (best.epoch, best.epochs_since) == (3, 2)


def test_early_stopping_needs_a_validation():
    """Early stopping without validation examples is refused before anything is trained."""
    net = make_network()
    start = parameter_bytes(net)
    with pytest.raises(SettingError, match=r"early_stopping watches the validation examples; pass validation=\(x, y\)"):
        cr.train(net, (X, Y), early_stopping=3, **SETTINGS)
    assert parameter_bytes(net) == start


def test_the_accuracy_of_values_cannot_be_monitored():
    """Early stopping by validation_accuracy is refused where y holds values."""
    net = cr.Network([4, 1], cost="mean_squared_error", seed=0)
    settings = EarlyStopping(monitor="validation_accuracy")
    with pytest.raises(SettingError, match="cannot watch validation_accuracy: y holds values"):
        cr.train(net, (X, X[:, 0]), validation=(X, X[:, 0]), early_stopping=settings, **SETTINGS)
