"""The measurements of a diagnosis, against loops and against other ways to compute the same number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import chainrule as cr
from chainrule.calculus.activations import ACTIVATIONS
from chainrule.diagnosing.curve_measures import measure_curves, relative_fall, share_of_rises, straightness
from chainrule.diagnosing.data_measures import gradient_deviations, is_8_bit, nearest_rows, neighbour_agreement, product_deviations
from chainrule.diagnosing.layer_measures import (
    dead_share,
    output_deviations,
    relative_movement,
    root_mean_square,
    saturated_share,
    start_of,
)
from chainrule.diagnosing.measuring import draw_rows, measure
from chainrule.diagnosing.step_measures import RATES, StepAlong, best_rate, change_of_first_step
from chainrule.explaining.batch_pass import run_batch

numbers = st.floats(-5, 5, width=32)
costs = arrays(np.float64, st.integers(3, 30), elements=st.floats(0.1, 10))


def record(epoch, cost, validation_cost=None):
    """Make an epoch's record."""
    return cr.EpochRecord(epoch, cost, 0.5, validation_cost, None, 0.1, 1.0, 100.0)


def drawn_network(sizes=(4, 5, 3), **settings):
    """Make a small network and twenty rows for it."""
    net, rng = cr.Network(sizes, seed=1, dtype="float64", **settings), np.random.default_rng(2)
    return net, cr.Examples(rng.normal(size=(20, sizes[0])), rng.integers(sizes[-1], size=20))


@given(arrays(np.float64, (7, 4), elements=numbers))
def test_shares_are_those_of_a_loop(z):
    """Saturated pairs and dead units are counted as a loop over rows and units counts them."""
    slope = ACTIVATIONS["sigmoid"].derivative(z, ACTIVATIONS["sigmoid"].value(z))
    counted = sum(1 / (2 + 2 * np.cosh(value)) < 0.01 for value in z.ravel())  # sigma' in another form
    assert saturated_share(slope) == pytest.approx(counted / z.size)
    assert dead_share(z) == pytest.approx(sum(all(value <= 0 for value in column) for column in z.T) / 4)


@given(arrays(np.float64, (9, 3), elements=numbers, unique=True))
def test_nearest_rows_are_those_of_a_loop(x):
    """No other row is nearer, to rounding, and no row is its own neighbour."""
    for row, nearest in enumerate(nearest_rows(x)):
        distances = [np.inf if other == row else float(((x[row] - x[other]) ** 2).sum()) for other in range(9)]
        assert nearest != row
        assert distances[nearest] <= min(distances) + 1e-9


def test_neighbours_tell_labels_from_shuffled_ones():
    """Neighbours of two clouds share their label; after a permutation they do by chance; values correlate likewise."""
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=300)
    x = rng.normal(size=(300, 2)) + 4 * labels[:, None]
    shuffled = rng.permutation(labels)
    assert neighbour_agreement(x, labels, labels[:, None]).skill > 0.9
    assert abs(neighbour_agreement(x, shuffled, shuffled[:, None]).deviations) < 3
    values = x[:, :1] + 0.0
    assert neighbour_agreement(x, None, values).neighbours > 0.9
    assert abs(neighbour_agreement(x, None, rng.permutation(values)).deviations) < 3


@pytest.mark.parametrize(
    "settings", [{}, {"activation": "relu", "cost": "log_loss"}, {"activation": "tanh", "cost": "cross_entropy"}]
)
def test_a_step_is_that_of_explain(settings):
    """The cost after a step is the one that ``explain`` computes in another way, at every rate that is tried (N12)."""
    net, examples = drawn_network(**settings)
    batch = run_batch(net, examples)
    step = StepAlong(batch, batch)
    with np.errstate(all="ignore"):
        after = {rate: batch.mean_cost(batch.sigmas[-1].value(step.outputs_z(rate))) for rate in RATES}
        for rate, cost in after.items():
            assert cost == pytest.approx(batch.cost_after_step(rate), rel=1e-9)
    assert best_rate(batch) == min(after, key=lambda rate: after[rate])


def test_the_change_of_a_first_step_grows_with_the_rate():
    """For small rates the change of z is in proportion to the rate."""
    net, examples = drawn_network()
    batch = run_batch(net, examples)
    small, larger = (change_of_first_step(batch, rate, 5) for rate in (1e-4, 1e-3))
    assert larger == pytest.approx(10 * small, rel=0.01)


def test_a_training_moves_from_the_start_that_its_seed_draws():
    """The start is drawn again from the seed with the bits of the network before its training; the movement is a norm's share."""
    net, examples = drawn_network()
    before = [part.copy() for part in (net.weights[0], net.biases[0])]
    cr.train(net, examples, epochs=2, batch_size=5, learning_rate=0.5)
    start = start_of(net)
    assert np.array_equal(start.weights[0], before[0])
    change = np.sqrt(((net.weights[0] - before[0]) ** 2).sum() + ((net.biases[0] - before[1]) ** 2).sum())
    norm = np.sqrt((before[0] ** 2).sum() + (before[1] ** 2).sum())
    assert relative_movement(start, net.state())[0] == pytest.approx(change / norm)
    assert relative_movement(start, start) == (0.0, 0.0)


def test_a_start_that_cannot_be_known_is_not_drawn():
    """An estimator's network, and one whose columns' scale was folded into its weights, have no start."""
    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    fitted = cr.MLPClassifier(hidden_layer_sizes=(4,), max_iter=2, standardize=True, random_state=0)
    with pytest.warns(UserWarning, match="converge"):
        fitted.fit(x, y)
    assert start_of(fitted.network_) is None
    net = cr.Network([3, 4, 2], seed=0)
    cr.train(net, (x, y), epochs=1, batch_size=10, learning_rate=0.1)
    assert start_of(net) is not None
    from chainrule.scaler import ColumnScaler

    ColumnScaler(np.zeros(3), np.ones(3)).fold_into_inputs(net)
    assert start_of(net) is None


def test_a_gradient_is_compared_with_those_of_shuffled_targets():
    """For independent targets the deviations have mean 0 and spread 1, to sampling; for a weak relation they are far above."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 10))
    chance = [gradient_deviations(x, rng.normal(size=(500, 1))) for _ in range(60)]
    assert abs(np.mean(chance)) < 0.5
    assert 0.6 < np.std(chance) < 1.5
    assert gradient_deviations(x, 0.4 * x[:, :1] + rng.normal(size=(500, 1))) > 5
    assert gradient_deviations(x, np.ones((500, 1))) is None


def test_products_of_columns_show_a_relation_that_no_column_has():
    """Exclusive or is not seen in the gradient, and far above chance in the products; of many columns too, by random sums."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 10))
    y = np.sign(x[:, :1] * x[:, 1:2])
    assert abs(gradient_deviations(x, y)) < 2
    assert product_deviations(x, y) > 20
    wide = rng.normal(size=(2000, 60))
    assert product_deviations(wide, (wide**2).sum(axis=1, keepdims=True)) > 20
    chance = [product_deviations(x[:300], rng.normal(size=(300, 1))) for _ in range(60)]
    assert abs(np.mean(chance)) < 0.5
    assert 0.6 < np.std(chance) < 1.5
    assert product_deviations(x, np.ones((1000, 1))) is None


def test_a_fit_by_heart_is_no_agreement():
    """Least squares on independent targets agrees with them as its parameters explain; a relation is beyond that."""
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(500, 40)), rng.normal(size=(500, 1))
    by_heart = x @ np.linalg.lstsq(x, noise, rcond=None)[0]
    assert abs(output_deviations(by_heart, noise, 40)) < 4
    assert output_deviations(x[:, :1], x[:, :1] + noise, 40) > 5
    assert output_deviations(np.ones((500, 1)), noise, 40) is None


@given(costs, st.floats(0.01, 100))
def test_curves_are_judged_without_a_unit(cost, factor):
    """Rises, falls and straightness do not change when every cost is multiplied by a number."""
    for measure_of in (share_of_rises, relative_fall, straightness):
        assert measure_of(factor * cost) == pytest.approx(measure_of(cost), rel=1e-6, abs=1e-6)


def test_known_curves():
    """A straight line has straightness 1, one that has ended 0; a sawtooth rises in half of its epochs."""
    assert straightness(np.linspace(2, 1, 11)) == pytest.approx(1)
    assert straightness(np.array([3.0, 2, 1, 1, 1])) == 0
    assert share_of_rises(np.array([1.0, 2, 1, 2, 1])) == 0.5
    curves = measure_curves([record(1, 2.0, 0.9), record(2, 1.0, 0.5), record(3, 0.5, 0.8)])
    assert (curves.lowest_validation_epoch, curves.lowest_validation_cost, curves.validation_cost) == (2, 0.5, 0.8)
    assert measure_curves([]) is None
    assert measure_curves([record(1, 2.0), record(2, np.inf)]).diverged
    assert measure_curves([], diverged=True).diverged  # in its first epoch


@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(-1e300, 1e300)))
def test_a_root_mean_square_does_not_overflow(values):
    """It lies between the mean magnitude and the largest one, for numbers of any size."""
    size = root_mean_square(values)
    assert np.abs(values).max() >= size * (1 - 1e-12)
    assert size >= np.abs(values / len(values)).sum() * (1 - 1e-9)


def test_rows_are_drawn_by_a_fixed_rule():
    """The same rows come every time, each once, in order; all where they are few."""
    rows = draw_rows(1000, 50)
    assert np.array_equal(rows, draw_rows(1000, 50))
    assert len(set(rows.tolist())) == 50
    assert (np.diff(rows) > 0).all()
    assert draw_rows(7, 50).tolist() == list(range(7))


def test_pixels_are_told_from_counts():
    """Whole numbers up to 255 are pixels; fractions, small counts and negative numbers are not."""
    pixels = np.array([[0.0, 130.0, 255.0]])
    assert is_8_bit(pixels)
    assert not any(is_8_bit(other) for other in (pixels / 255, pixels / 10, pixels - 200, pixels * 3))


def test_earlier_measurements_save_work_and_change_nothing():
    """Measured with those of an earlier epoch at hand, the numbers are those of a measurement from scratch."""
    net, examples = drawn_network()
    start = start_of(net)
    cr.train(net, examples, epochs=1, batch_size=5, learning_rate=0.5)
    earlier = measure(net, net.check_examples(examples), start=start)
    cr.train(net, examples, epochs=1, batch_size=5, learning_rate=0.5)
    now = measure(net, net.check_examples(examples), start=start)
    assert measure(net, net.check_examples(examples), start=start, previous=earlier) == now
    assert now != earlier
