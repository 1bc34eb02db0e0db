"""The Poisson loss of the regressor."""

import numpy as np
import pytest
from sklearn import neural_network
from sklearn_comparison import (
    VALUES,
    X,
    compare,
    fit,
)

import chainrule as cr
from chainrule.engines import ENGINES

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")


def test_poisson_has_an_exp_output_and_refuses_negative_values():
    """Counts train alike; values below 0 raise a ValueError (scikit-learn's loss becomes NaN)."""
    actual = compare("MLPRegressor", fit(X, np.abs(VALUES).round()), loss="poisson").actual
    assert actual.out_activation_ == "exp"
    with pytest.raises(ValueError, match="out of the valid range of the loss 'poisson'"):
        actual.fit(X, -np.abs(VALUES))
    with pytest.raises(ValueError, match="out of the valid range of the loss 'poisson'"):
        actual.partial_fit(X, -np.abs(VALUES))


@pytest.mark.parametrize(("z", "dtype"), [(-60.0, "float32"), (-80.0, "float32"), (-700.0, "float64")])
def test_the_poisson_loss_of_tiny_rates_is_exact(z, dtype):
    """A rate far below 1 costs exactly its logarithm's share, down to the smallest normal number."""
    net = cr.Network([1, 1], cost="poisson", seed=0, dtype=dtype)
    net.weights[0][...], net.biases[0][...] = 1, 0
    expected = np.exp(z) - 2 + 2 * (np.log(2) - z)
    for engine in ENGINES.values():
        evaluation = engine.open(net.plan, net.state(), threads=1).evaluate(engine.prepare(cr.Examples([[z]], [[2.0]])))
        assert evaluation.cost == pytest.approx(expected, rel=1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_poisson_regression_that_begins_far_off_does_not_end_as_converged():
    """Initial rates below 1e-19 still have a gradient, as in scikit-learn, so that the training does not stop at once."""
    x = np.random.default_rng(0).uniform(250, 300, (200, 1)).astype("f4")
    y = np.random.default_rng(1).poisson(3, 200) + 1
    settings = {"loss": "poisson", "hidden_layer_sizes": (), "random_state": 1, "alpha": 0, "max_iter": 400}
    model = cr.MLPRegressor(**settings).fit(x, y)
    exact = neural_network.MLPRegressor(**settings).fit(x, y)
    assert model.loss_curve_[0] == pytest.approx(exact.loss_curve_[0], rel=1e-3)
    assert model.predict(x).mean() == pytest.approx(exact.predict(x).mean(), rel=0.1)
