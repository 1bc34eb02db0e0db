"""Pages 1-2: one neuron, its cost and its gradient (N1)-(N8)."""

import naive
import numpy as np
import pytest
from drawn import central_difference, largest_error, off_kink, read_only, repeatable
from hypothesis import given
from hypothesis import strategies as st

from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.backprop import backprop
from chainrule.calculus.costs import COSTS
from chainrule.calculus.neuron import Neuron, active
from chainrule.errors import DataError, DataTypeError, SettingError, UnknownName

FACTORS = {"quadratic": 1 / 2, "mean_squared_error": 1.0}
every_neuron = pytest.mark.parametrize(
    ("activation", "cost"), [(activation, cost) for activation in ("relu", "identity") for cost in FACTORS]
)


def drawn(seed, m=7, n=3):
    """Draw a neuron and a batch for it, read-only, no example near the kink."""
    rng = np.random.default_rng(seed)
    w, x, y = rng.standard_normal(n), rng.standard_normal((m, n)), rng.standard_normal(m)
    b = float(off_kink((x @ w)[:, None], rng.standard_normal(1))[0])
    read_only(w, x, y)
    return w, b, x, y


@every_neuron
@repeatable(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), m=st.integers(1, 9), n=st.integers(1, 5))
def test_agrees_with_the_notes(activation, cost, seed, m, n):
    """Answers, cost (N1) and gradient (N6)-(N8) are those of the notes, taken term by term."""
    w, b, x, y = drawn(seed, m, n)
    neuron = Neuron(w, b, activation, cost)
    np.testing.assert_allclose(neuron.feedforward(x), naive.neuron_feedforward(w, b, x, activation), rtol=1e-12, atol=1e-14)
    assert neuron.cost(x, y) == pytest.approx(naive.neuron_cost(w, b, x, y, activation, FACTORS[cost]), rel=1e-12)
    dw, db = neuron.gradient(x, y)
    slow_dw, slow_db = naive.neuron_gradient(w, b, x, y, activation, FACTORS[cost])
    assert largest_error([*dw, db], [*slow_dw, slow_db]) < 1e-12
    assert isinstance(db, float)


@every_neuron
@repeatable(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_gradient_is_the_slope_of_the_cost(activation, cost, seed):
    """The gradient agrees with central differences of the cost to 1e-7."""
    w, b, x, y = drawn(seed)
    slopes = central_difference(
        lambda at: Neuron(at[0], at[1], activation, cost).cost(x, y),
        [w, np.array(b)],
        lambda at: x @ at[0] + at[1] > 0,
    )
    dw, db = Neuron(w, b, activation, cost).gradient(x, y)
    assert largest_error([*dw, db], [*slopes[0], float(slopes[1])]) < 1e-7


@every_neuron
@repeatable(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_is_the_network_of_one_unit(activation, cost, seed):
    """The neuron's gradient is the [n, 1] network's batch gradient divided by m (N7, N8)."""
    w, b, x, y = drawn(seed)
    dw, db = Neuron(w, b, activation, cost).gradient(x, y)
    _, gradient = backprop([w[None]], [np.array([b])], [ACTIVATIONS[activation]], COSTS[cost], x, y[:, None])
    assert largest_error(dw, gradient.nabla_w[0][0] / len(y)) < 1e-13
    assert db == pytest.approx(gradient.nabla_b[0][0] / len(y), rel=1e-12)


def test_error_terms():
    """An error term is ``w . x_i + b - y_i`` (N7) where the neuron is active, and 0 where ReLU cuts off (N6)."""
    w, b, x, y = drawn(3)
    e = np.array(naive.neuron_error_terms(w, b, x, y))
    on = Neuron(w, b).weighted_input(x) > 0
    assert 0 < on.sum() < len(y)
    np.testing.assert_allclose(Neuron(w, b, "identity").error_terms(x, y), e, rtol=1e-12)
    np.testing.assert_allclose(Neuron(w, b).error_terms(x, y), np.where(on, e, 0), rtol=1e-12)


def test_the_gradient_at_the_kink_is_0():
    """Where ``w . x_i + b`` is exactly 0 the derivative is 0, the first case of (N5); identity lets it through."""
    assert active(np.array([-1.0, 0.0, 1.0]), "relu").tolist() == [False, False, True]
    assert active(np.array([-1.0, 0.0, 1.0]), "identity").tolist() == [True, True, True]
    assert Neuron([1.0], 0.0).gradient([[0.0]], [-1.0]) == (np.array([0.0]), 0.0)
    assert Neuron([1.0], 0.0, "identity").gradient([[0.0]], [-1.0]).db == 1.0


def test_parr_and_howards_cost_is_twice_the_notes():
    """Without the 1/2 the cost and its gradient are twice as large (N3), and nothing else changes."""
    w, b, x, y = drawn(4)
    quadratic, mean_squared = Neuron(w, b), Neuron(w, b, cost="mean_squared_error")
    assert mean_squared.cost(x, y) == pytest.approx(2 * quadratic.cost(x, y), rel=1e-14)
    np.testing.assert_allclose(mean_squared.gradient(x, y).dw, 2 * quadratic.gradient(x, y).dw, rtol=1e-14)
    np.testing.assert_array_equal(mean_squared.error_terms(x, y), quadratic.error_terms(x, y))


def test_step():
    """A step is ``w - eta dC/dw`` and ``b - eta dC/db``; the caller's own weights stay as they were."""
    w, b, x, y = drawn(5)
    neuron = Neuron(w, b)
    dw, db = naive.neuron_gradient(w, b, x, y)
    neuron.step(x, y, eta=0.5)
    np.testing.assert_allclose(neuron.w, [naive.sgd(w_k, g_k, 0.5) for w_k, g_k in zip(w, dw, strict=True)], rtol=1e-12)
    assert neuron.b == pytest.approx(naive.sgd(b, db, 0.5), rel=1e-12)
    np.testing.assert_array_equal(w, drawn(5)[0])


def test_weights_are_copied():
    """A neuron copies its weights: later changes of the caller's array do not affect it."""
    w = np.array([1.0, 2.0])
    neuron = Neuron(w, 0.0)
    w[0] = 7.0
    assert neuron.w.tolist() == [1.0, 2.0]


@every_neuron
def test_training_reaches_least_squares(activation, cost):
    """Trained on a small regression the neuron reaches the solution of ``np.linalg.lstsq``."""
    rng = np.random.default_rng(6)
    x = rng.uniform(0, 1, (40, 2))
    y = x @ [2.0, 1.0] + 3.0 + 0.1 * rng.standard_normal(40)  # far above 0, so that ReLU lets all of it through
    solution = np.linalg.lstsq(np.column_stack([x, np.ones(40)]), y, rcond=None)[0]
    neuron = Neuron([1.0, 1.0], 1.0, activation, cost)
    for _ in range(2000):
        neuron.step(x, y, eta=0.4)
    np.testing.assert_allclose([*neuron.w, neuron.b], solution, rtol=1e-8)


def test_repr_says_what_it_is():
    """``repr`` shows the inputs, the bias, the activation and the cost."""
    assert repr(Neuron([1, 2], 0.5)) == "Neuron(2 inputs, b=0.5, relu, quadratic)"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"activation": "sigmoid"}, "relu, identity"),
        ({"cost": "quadratc"}, "did you mean 'quadratic'"),
    ],
)
def test_unknown_names(settings, says):
    """An unknown name is refused, and the message lists the valid names."""
    with pytest.raises(UnknownName, match=says) as caught:
        Neuron([1.0], 0.0, **settings)
    assert isinstance(caught.value, SettingError)


@pytest.mark.parametrize(
    ("w", "b", "says"),
    [
        ([], 0.0, "one row of n >= 1 weights"),
        ([[1.0]], 0.0, r"shape \(1, 1\)"),
        ([np.nan], 0.0, "w holds NaN or inf"),
        (["one"], 0.0, "w holds text; it must hold numbers"),
        ([1.0], [0.0, 1.0], "b must be one number"),
        ([1.0], np.inf, "b holds NaN or inf"),
        ([1.0], None, r"b holds Python objects \(NoneType\); it must hold numbers"),
    ],
)
def test_invalid_weights_are_refused(w, b, says):
    """Weights or a bias that are not finite, not numbers, or of a wrong shape are refused."""
    with pytest.raises((DataError, DataTypeError), match=says):
        Neuron(w, b)


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        ([1.0, 2.0], [1.0], r"x must have shape \(m, 2\)"),
        ([[1.0, 2.0, 3.0]], [1.0], r"it has shape \(1, 3\)"),
        (np.empty((0, 2)), [], "x is empty"),
        ([[1.0, np.nan]], [1.0], "x holds NaN or inf"),
        ([[1.0], [1.0, 2.0]], [1.0, 2.0], "x must have rows of equal length"),
        ([[1.0, object()]], [1.0], r"x holds Python objects \(object\); it must hold numbers"),
        ([[1.0, 2.0]], [[1.0]], r"y must have shape \(1,\)"),
        ([[1.0, 2.0]], [1.0, 2.0], r"it has shape \(2,\)"),
        ([[1.0, 2.0]], [np.inf], "y holds NaN or inf"),
    ],
)
def test_bad_data(x, y, says):
    """Invalid inputs or targets are refused with what was required and what was given, and no weight changes."""
    neuron = Neuron([1.0, 1.0], 0.0)
    for use in (neuron.gradient, neuron.cost, neuron.error_terms, lambda x, y: neuron.step(x, y, 1.0)):
        with pytest.raises((DataError, DataTypeError), match=says):
            use(x, y)
    assert (neuron.w.tolist(), neuron.b) == ([1.0, 1.0], 0.0)


@pytest.mark.parametrize("eta", [0.0, -1.0, np.nan, np.inf, "fast"])
def test_a_step_needs_a_rate(eta):
    """A learning rate that is not above 0 and finite is refused, and nothing is learnt."""
    neuron = Neuron([1.0], 0.0)
    with pytest.raises(SettingError, match="eta must be a number, above 0 and finite; it is"):
        neuron.step([[1.0]], [0.0], eta)
    assert neuron.w.tolist() == [1.0]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_set_to_nan_or_inf_are_refused(value):
    """A weight that was set to NaN or inf is refused by every question: ReLU would make a gradient of 0 of it."""
    neuron = Neuron([1.0, 2.0], 0.5)
    neuron.w[0] = value
    for ask in (neuron.cost, neuron.gradient, neuron.error_terms):
        with pytest.raises(DataError, match="w holds NaN or inf"):
            ask([[1.0, 1.0]], [1.0])
