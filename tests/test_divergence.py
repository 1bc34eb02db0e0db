"""A training that diverges: it stops, warns, and keeps the last finite parameters."""

import warnings

import numpy as np
import pytest
from training_cases import X, Y, make_network, parameter_bytes, train_network

import chainrule as cr
from chainrule.training import DivergenceWarning

TOO_FAST = {"epochs": 5, "batch_size": 10, "learning_rate": 1e6}


def relu_network():
    """Make a network whose mean squared error diverges under a high rate."""
    return cr.Network([4, 20, 1], activation="relu", cost="mean_squared_error", seed=0)


def run_that_diverges_in_epoch_2(**settings):
    """Make a run whose schedule raises the rate from the second epoch on."""

    def rise(step, total):
        return np.where(step < total // 3, 1e-9, 1.0)

    return cr.Run(relu_network(), (X, X[:, 0]), epochs=3, batch_size=10, learning_rate=1e6, schedule=rise, **settings)


def test_a_diverging_training_stops_and_keeps_the_last_finite_parameters():
    """A training that goes to NaN stops in that epoch, warns with the likely cause, and keeps the epoch before, bit for bit."""
    run = run_that_diverges_in_epoch_2()
    next(run)
    after_epoch_1 = parameter_bytes(run.network)
    with pytest.warns(DivergenceWarning, match=r"diverged in epoch 2.*learning rate that is too high \(1e\+06\)"):
        assert list(run) == []
    assert run.history.stopped == "diverged"
    assert parameter_bytes(run.network) == after_epoch_1
    assert all(np.isfinite(part).all() for part in [*run.network.weights, *run.network.biases])
    assert [record.epoch for record in run.history] == [1]
    assert "\n" not in run.history.message
    assert "after epoch 1" in run.history.message
    assert run.network.provenance.stopped == "diverged"


def test_a_training_that_diverges_at_once_keeps_the_start():
    """A training that diverges in epoch 1 leaves the network as it was."""
    net = relu_network()
    start = parameter_bytes(net)
    with pytest.warns(DivergenceWarning, match="diverged in epoch 1"):
        history = cr.train(net, (1e4 * X, X[:, 0]), **TOO_FAST)
    assert (history.stopped, len(history)) == ("diverged", 0)
    assert parameter_bytes(net) == start


def test_the_warning_points_at_the_users_line():
    """The warning names the file that called ``train``, or that asked a Run for its next record."""
    with pytest.warns(DivergenceWarning) as caught:
        cr.train(relu_network(), (1e4 * X, X[:, 0]), **TOO_FAST)
    assert caught[0].filename == __file__
    with pytest.warns(DivergenceWarning) as caught:
        next(cr.Run(relu_network(), (1e4 * X, X[:, 0]), **TOO_FAST), None)
    assert caught[0].filename == __file__


def test_no_other_warning_comes_with_a_divergence():
    """The overflow that precedes a divergence gives no warnings of NumPy's."""
    run = run_that_diverges_in_epoch_2()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        list(run)
    assert {warning.category for warning in caught} == {DivergenceWarning}


def test_the_divergence_warning_of_a_run_can_be_turned_off():
    """With ``warns_of_divergence`` False a divergence is recorded in the history without a warning: warnings are errors here."""
    run = run_that_diverges_in_epoch_2()
    run.warns_of_divergence = False
    assert len(list(run)) == 1
    assert run.history.stopped == "diverged"


def test_nothing_is_lost_where_the_warning_is_an_error():
    """Where warnings are errors, the network is restored and the history complete before the error is raised."""
    run = run_that_diverges_in_epoch_2()
    next(run)
    after_epoch_1 = parameter_bytes(run.network)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DivergenceWarning):
            next(run)
    assert parameter_bytes(run.network) == after_epoch_1
    assert run.history.stopped == "diverged"


def test_a_network_that_holds_nan_diverges_in_epoch_1():
    """A network with a NaN weight diverges in epoch 1 instead of training on."""
    net = make_network()
    net.weights[0][0, 0] = np.nan
    with pytest.warns(DivergenceWarning, match="epoch 1"):
        assert train_network(net)[1].stopped == "diverged"


def test_a_divergence_under_early_stopping_leaves_the_best_epoch():
    """A divergence under early stopping restores the best epoch, which the history names."""
    run = run_that_diverges_in_epoch_2(validation=(X, X[:, 0]), early_stopping=5)
    next(run)
    after_epoch_1 = parameter_bytes(run.network)
    with pytest.warns(DivergenceWarning):
        list(run)
    assert parameter_bytes(run.network) == after_epoch_1
    assert run.history.best_epoch == 1


@pytest.mark.parametrize("cause", ["NaN weight", "overflow"])
def test_nan_outputs_are_not_counted_as_right(cause):
    """Where outputs are NaN, ``evaluate`` gives NaN for cost and number right, and ``accuracy`` raises."""
    net, x = make_network(dtype="float64", activation="identity", output="identity"), X
    if cause == "NaN weight":
        net.weights[0][0, 0] = np.nan
    else:
        net.weights[0][...], net.weights[1][...], x = 1e10, [[1e10, -1e10] * 3] * 3, np.full_like(X, 1e306)
    evaluation = net.evaluate(x, Y)
    assert np.isnan(evaluation.cost)
    assert np.isnan(evaluation.right)
    with pytest.raises(cr.ChainruleError, match="outputs hold NaN"):
        net.accuracy(x, Y)
