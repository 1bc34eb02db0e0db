"""Each cost beside its gradient at the output."""

import copy
import pickle
from dataclasses import FrozenInstanceError

import naive
import numpy as np
import pytest
from drawn import central_difference, largest_error, repeatable, targets
from hypothesis import given
from hypothesis import strategies as st

from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.backprop import output_delta
from chainrule.calculus.costs import COSTS, Cost, Huber, cost_for, find_cost, is_built_in, smooth_targets
from chainrule.errors import SettingError, UnknownName

DTYPES = ["float64", "float32"]


def drawn(name, seed, m=4, n=3):
    """Draw outputs well inside (0, 1), and targets that suit the cost."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.05, 0.95, (m, n)), targets(rng, name, m, n)


@pytest.mark.parametrize("name", COSTS)
@repeatable(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_agrees_with_naive_and_slope(name, seed):
    """Value and gradient are naive.py's to 1e-12, and the gradient is the central difference of the value to 1e-7."""
    a, y = drawn(name, seed)
    cost = COSTS[name]
    assert largest_error(cost.value(a, y), [naive.cost(name, *row) for row in zip(a, y, strict=True)]) < 1e-12
    gradient = cost.gradient(a, y)
    assert largest_error(gradient, [naive.cost_gradient(name, *row) for row in zip(a, y, strict=True)]) < 1e-12
    (slope,) = central_difference(lambda at: cost.value(at[0], y), [a])
    assert largest_error(gradient, slope) < 1e-7


def test_by_hand():
    """Two small examples worked by hand: one cost an example, outputs summed."""
    a, y = np.array([[0.5, 0.25], [1.0, 2.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    assert COSTS["quadratic"].value(a, y).tolist() == [(0.25 + 0.0625) / 2, 2.0]
    assert COSTS["mean_squared_error"].value(a, y).tolist() == [0.25 + 0.0625, 4.0]
    np.testing.assert_allclose(COSTS["cross_entropy"].value(a[:1], y[:1]), np.log(2) + np.log(4 / 3), rtol=1e-15)
    np.testing.assert_allclose(COSTS["log_loss"].value(a[:1], y[:1]), np.log(2), rtol=1e-15)
    np.testing.assert_allclose(COSTS["poisson"].value(a[:1], y[:1]), (0.5 - 1 + np.log(2)) + 0.25, rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", COSTS)
def test_finite_at_the_ends(name, dtype):
    """Outputs of exactly 0 and 1 give a finite value and a finite gradient, whatever the target, without a warning."""
    a, y = (grid.ravel()[:, None].astype(dtype) for grid in np.meshgrid([0, 1], [0, 0.5, 1]))
    value, gradient = COSTS[name].value(a, y), COSTS[name].gradient(a, y)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()
    assert (value >= 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("output", COSTS["poisson"].outputs)
def test_poisson_finite_for_counts(output, dtype):
    """A count of thousands where the rate has sunk to 0 costs much, but its value and its delta are finite."""
    y = np.array([[7000, 3.0, 0]], dtype)
    z = np.array([[-1000, 0, 1]], dtype)
    a = ACTIVATIONS[output].value(z)
    assert a[0, 0] == 0
    assert np.isfinite(COSTS["poisson"].value(a, y)).all()
    assert np.isfinite(COSTS["poisson"].gradient(a, y)).all()
    assert np.isfinite(output_delta(COSTS["poisson"], ACTIVATIONS[output], z, a, y)).all()


@pytest.mark.parametrize("name", [name for name in COSTS if name != "log_loss"])
def test_least_at_the_target(name):
    """The value is least, and the gradient 0, where the outputs are the targets."""
    y = np.array([[0.25, 0.5, 0.75]])
    np.testing.assert_allclose(COSTS[name].gradient(y, y), 0, atol=1e-15)
    here = COSTS[name].value(y, y)
    for k in range(3):
        for by in (-0.01, 0.01):
            a = y.copy()
            a[0, k] += by
            assert COSTS[name].value(a, y) > here


@pytest.mark.parametrize("dtype", DTYPES)
def test_poisson_is_0_at_the_target(dtype):
    """Poisson's value is exactly 0 at ``a = y``, a count of 0 among them, and above 0 elsewhere."""
    y = np.array([[0, 1, 2.5], [0, 0, 0]], dtype)
    assert COSTS["poisson"].value(y, y).tolist() == [0, 0]
    assert (COSTS["poisson"].value(y + 1, y) > 0).all()
    assert COSTS["poisson"].gradient(y, y)[0, 1:].tolist() == [0, 0]


@pytest.mark.parametrize("delta", [0.25, 3.0])
def test_huber_at_its_delta(delta):
    """Huber's cost and its gradient are continuous at an error of delta, where the parabola becomes a line of slope delta."""
    cost, y = Huber(delta), np.zeros((3, 1))
    errors = delta * np.array([[1 - 1e-9], [1.0], [1 + 1e-9]])
    np.testing.assert_allclose(cost.value(errors, y), delta**2 / 2, rtol=1e-8)
    np.testing.assert_allclose(cost.gradient(errors, y), delta, rtol=1e-8)
    np.testing.assert_allclose(cost.value(np.array([[4 * delta]]), y[:1]), delta * (4 * delta - delta / 2), rtol=1e-15)
    np.testing.assert_allclose(cost.gradient(np.array([[-4 * delta]]), y[:1]), -delta, rtol=1e-15)


def test_a_large_delta_is_the_quadratic_cost():
    """With a delta beyond every error Huber's cost is the quadratic one."""
    a, y = drawn("quadratic", 1)
    assert largest_error(Huber(1e6).value(a, y), COSTS["quadratic"].value(a, y)) < 1e-14
    np.testing.assert_array_equal(Huber(1e6).gradient(a, y), COSTS["quadratic"].gradient(a, y))


@pytest.mark.parametrize("dtype", DTYPES)
def test_huber_overflows_only_where_it_must(dtype):
    """An error whose square is beyond the dtype gives a finite Huber cost, without a warning."""
    a = np.array([[np.finfo(dtype).max / 4]], dtype)
    assert np.isfinite(Huber(1.0).value(a, np.zeros_like(a))).all()


def test_hubers_settings():
    """Huber's costs are equal, hashed and pickled by their delta, and frozen; a delta that is not above 0 is refused."""
    assert Huber() == COSTS["huber"] != Huber(2)
    assert hash(Huber(2)) == hash(Huber(2.0))
    assert pickle.loads(pickle.dumps(Huber(0.5))) == Huber(0.5)
    assert Huber(0.5).settings == {"delta": 0.5}
    assert repr(Huber(0.5)) == "Huber(delta=0.5)"
    with pytest.raises(FrozenInstanceError):
        Huber().delta = 2.0
    for delta in (0, -1.0, np.nan, np.inf, "1"):
        with pytest.raises(SettingError, match="delta must be a number, above 0"):
            Huber(delta)


def test_every_built_in_is_described():
    """Each built-in has a summary for help texts, a formula for explanations, and the name of its table entry."""
    for name, cost in COSTS.items():
        assert cost.name == name
        assert cost.summary
        assert cost.formula.value
        assert cost.formula.derivative
        assert bool(cost.partner) == (cost.partner_formula is not None)


def test_copies_of_a_built_in_are_the_built_in():
    """A built-in cost that is copied or pickled stays the table's object, or equal to it where it has settings."""
    for cost in COSTS.values():
        assert copy.deepcopy(cost) == pickle.loads(pickle.dumps(cost)) == cost
    assert pickle.loads(pickle.dumps(COSTS["quadratic"])) is COSTS["quadratic"]
    own = Cost("quadratic", naive.quadratic, naive.quadratic)
    assert pickle.loads(pickle.dumps(own)) not in COSTS.values()


def test_built_in_costs():
    """A cost is built-in where its class and name are a table's entry's, whatever its settings, and not for its name alone."""
    assert all(is_built_in(cost) for cost in (*COSTS.values(), Huber(7.0)))
    imitation = Cost("huber", COSTS["huber"].value, COSTS["huber"].gradient)
    assert not is_built_in(imitation)
    assert not is_built_in(Cost("quadratic", COSTS["quadratic"].value, COSTS["quadratic"].gradient))


def test_partners():
    """A cost cancels with its built-in partner alone; a cost of the user's own with none, even if it names a partner."""
    cancelling = {(name, sigma) for name in COSTS for sigma in ACTIVATIONS if COSTS[name].cancels(ACTIVATIONS[sigma])}
    assert cancelling == {
        ("quadratic", "identity"),
        ("cross_entropy", "sigmoid"),
        ("log_loss", "softmax"),
        ("poisson", "exp"),
    }
    own = Cost("own", COSTS["quadratic"].value, COSTS["quadratic"].gradient, partner="sigmoid")
    assert not own.cancels(ACTIVATIONS["sigmoid"])
    assert [cost_for(output) for output in ("sigmoid", "exp", "relu")] == ["cross_entropy", "poisson", ""]


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("name", ["log_loss", "cross_entropy"])
def test_smoothed_targets(name, smoothing):
    """Smoothed targets are naive.py's and keep their dtype, and those of a distribution still sum to 1."""
    _, y = drawn(name, 3)
    uniform = COSTS[name].uniform_target(3)
    found = smooth_targets(y, smoothing, uniform)
    assert largest_error(found, [naive.smoothed(name, row, smoothing) for row in y]) < 1e-15
    if name == "log_loss":
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-15)
    one_hot = smooth_targets(np.eye(3, dtype=np.float32), smoothing, uniform)
    assert one_hot.dtype == np.float32
    np.testing.assert_allclose(one_hot, (1 - smoothing) * np.eye(3) + smoothing * uniform, rtol=1e-6)


@pytest.mark.parametrize(("name", "output"), [("log_loss", "softmax"), ("cross_entropy", "sigmoid")])
@repeatable(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_delta_of_smoothed_targets_is_a_slope(name, output, seed):
    """BP1 with smoothed targets is the central difference of their cost with respect to z: ``a - y`` cancels for them as well."""
    rng = np.random.default_rng(seed)
    cost, sigma, z = COSTS[name], ACTIVATIONS[output], rng.standard_normal((4, 3))
    y = smooth_targets(np.eye(3)[rng.integers(0, 3, 4)], 0.1, cost.uniform_target(3))
    delta = output_delta(cost, sigma, z, sigma.value(z), y)
    (slope,) = central_difference(lambda at: cost.value(sigma.value(at[0]), y), [z])
    assert largest_error(delta, slope) < 1e-7


def test_uniform_targets():
    """Costs of classes know the target that favours none of them, one's own cost of chances too; costs of values have none."""
    known = {name: cost.uniform_target(5) for name, cost in COSTS.items()}
    assert {name: target for name, target in known.items() if target is not None} == {"log_loss": 1 / 5, "cross_entropy": 1 / 2}
    chances = Cost("own", COSTS["quadratic"].value, COSTS["quadratic"].gradient, least=0, most=1)
    assert chances.uniform_target(5) == 1 / 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", COSTS)
def test_shape_and_dtype_stay(name, dtype):
    """The value is one number an example, the gradient has the outputs' shape, both their dtype; nothing is written to."""
    a, y = (part.astype(dtype) for part in drawn(name, 0))
    a.flags.writeable = y.flags.writeable = False
    value, gradient = COSTS[name].value(a, y), COSTS[name].gradient(a, y)
    assert (value.shape, gradient.shape) == ((4,), (4, 3))
    assert value.dtype == gradient.dtype == dtype


def test_ones_own_cost():
    """One's own cost passes the table as it is; a built-in is found by its name."""
    absolute = Cost("absolute", lambda a, y: np.abs(a - y).sum(axis=1), lambda a, y: np.sign(a - y))
    assert find_cost(absolute) is absolute
    assert repr(absolute) == "Cost('absolute')"
    assert all(find_cost(name) is cost and cost.name == name for name, cost in COSTS.items())


def test_default_outputs_are_allowed():
    """Each cost's default output is an activation, and one of those that the cost allows."""
    for cost in COSTS.values():
        assert cost.output in (cost.outputs or ACTIVATIONS)
        assert set(cost.outputs) <= set(ACTIVATIONS)
    assert {name: cost.output for name, cost in COSTS.items()} == {
        "quadratic": "sigmoid",
        "mean_squared_error": "identity",
        "cross_entropy": "sigmoid",
        "log_loss": "softmax",
        "poisson": "exp",
        "huber": "identity",
    }


@pytest.mark.parametrize(
    ("name", "says"), [("quadratc", "did you mean 'quadratic'"), ("logloss", "did you mean 'log_loss'"), ([], "poisson")]
)
def test_unknown_cost(name, says):
    """A name in no table is refused with the nearest that is."""
    with pytest.raises(UnknownName, match=says) as caught:
        find_cost(name)
    assert isinstance(caught.value, SettingError)
