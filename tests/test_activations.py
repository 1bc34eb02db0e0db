"""Each activation beside its derivative."""

import copy
import pickle

import mpmath
import naive
import numpy as np
import pytest
from drawn import HIDDEN, KINKED, largest_error, repeatable
from hypothesis import given
from hypothesis import strategies as st

from chainrule.calculus.activations import ACTIVATIONS, LEAK, SELU_ALPHA, SELU_SCALE, Activation, find_activation
from chainrule.calculus.initializers import INITIALIZERS
from chainrule.errors import SettingError, UnknownName

DTYPES = ["float64", "float32"]
LARGEST = {dtype: float(np.finfo(dtype).max) for dtype in DTYPES}
# At z = -1000, 0 and 1000: the value, and the derivative.
LIMITS = {
    "sigmoid": ([0, 0.5, 1], [0, 0.25, 0]),
    "tanh": ([-1, 0, 1], [0, 1, 0]),
    "relu": ([0, 0, 1000], [0, 0, 1]),
    "leaky_relu": ([-10, 0, 1000], [0.01, 0.01, 1]),
    "identity": ([-1000, 0, 1000], [1, 1, 1]),
    "exp": ([0, 1, "largest"], [0, 1, "largest"]),
    "gelu": ([0, 0, 1000], [0, 0.5, 1]),
    "silu": ([0, 0, 1000], [0, 0.5, 1]),
    "mish": ([0, 0, 1000], [0, 0.6, 1]),
    "selu": ([-SELU_SCALE * SELU_ALPHA, 0, 1000 * SELU_SCALE], [0, SELU_SCALE * SELU_ALPHA, SELU_SCALE]),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", HIDDEN)
def test_stable_far_out(name, dtype):
    """At ``|z| = 1000`` and at 0 the value and the derivative are the right limits, finite, without a warning."""
    z = np.array([[-1000, 0, 1000]], dtype)
    value, derivative = ([[LARGEST[dtype] if v == "largest" else v for v in row]] for row in LIMITS[name])
    sigma = ACTIVATIONS[name]
    a = sigma.value(z)
    np.testing.assert_allclose(a, value, rtol=1e-6)
    np.testing.assert_allclose(sigma.derivative(z, a), derivative, rtol=1e-6)
    np.testing.assert_allclose(sigma.pullback(z, a, np.ones_like(z)), derivative, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_stable_far_out(dtype):
    """Softmax at ``|z| = 1000`` gives the limits, and a pullback of 0 where one output has it all."""
    z = np.array([[-1000, 0, 1000], [1000, 1000, -1000], [-1000, -1000, -1000]], dtype)
    softmax = ACTIVATIONS["softmax"]
    a = softmax.value(z)
    np.testing.assert_allclose(a, [[0, 0, 1], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]], rtol=1e-6)
    np.testing.assert_array_equal(softmax.pullback(z, a, np.ones_like(z))[0], 0)


@pytest.mark.parametrize("name", HIDDEN)
def test_agrees_with_naive(name):
    """On a grid the values and derivatives are those of naive.py, one scalar at a time, the kink at 0 among them."""
    z = np.linspace(-6, 6, 49)[None]
    sigma = ACTIVATIONS[name]
    value, derivative = naive.ELEMENTWISE[name]
    a = sigma.value(z)
    np.testing.assert_allclose(a[0], [value(z_j) for z_j in z[0]], rtol=1e-14)
    np.testing.assert_allclose(sigma.derivative(z, a)[0], [derivative(z_j) for z_j in z[0]], rtol=1e-10)


@pytest.mark.parametrize("name", HIDDEN)
def test_derivative_is_the_slope(name):
    """The derivative is the central difference of the value, over a grid that leaves out the kink."""
    z = np.linspace(-5, 5, 101)[None]
    if name in KINKED:
        z = z[np.abs(z) > 1e-3][None]
    sigma, h = ACTIVATIONS[name], 1e-5
    slope = (sigma.value(z + h) - sigma.value(z - h)) / (2 * h)
    np.testing.assert_allclose(sigma.derivative(z, sigma.value(z)), slope, rtol=1e-7, atol=1e-9)


mpmath.mp.dps = 50  # digits


def exact_gelu(z):
    return z * mpmath.ncdf(z), mpmath.ncdf(z) + z * mpmath.npdf(z)


def exact_silu(z):
    s = 1 / (1 + mpmath.exp(-z))
    return z * s, s + z * s / (1 + mpmath.exp(z))


def exact_mish(z):
    softplus = mpmath.log1p(mpmath.exp(z))
    return z * mpmath.tanh(softplus), mpmath.tanh(softplus) + z * mpmath.sech(softplus) ** 2 / (1 + mpmath.exp(-z))


def exact_selu(z):
    scale, alpha = mpmath.mpf("1.0507009873554804934193349852946"), mpmath.mpf("1.6732632423543772848170429916717")
    return (scale * z, scale) if z > 0 else (scale * alpha * mpmath.expm1(z), scale * alpha * mpmath.exp(z))


# Where the value is still a normal number of the dtype: (float64, float32).
EXACT = {
    "gelu": (exact_gelu, 37.5, 13.0),
    "silu": (exact_silu, 700.0, 85.0),
    "mish": (exact_mish, 700.0, 85.0),
    "selu": (exact_selu, 700.0, 85.0),
}


def ulps(actual, expected, scale):
    """The error of numbers in units of the last place of ``scale``."""
    spacing = np.spacing(np.abs(scale))
    return np.array([float((mpmath.mpf(float(a)) - e) / float(s)) for a, e, s in zip(actual, expected, spacing, strict=True)])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_accurate_to_a_few_ulps(name, dtype):
    """The value is within 5 ulps of the exact one as far out as it is a normal number, the derivative of its largest term."""
    exact, *farthest = EXACT[name]
    far = farthest[DTYPES.index(dtype)]
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.uniform(-3, 3, 150), rng.uniform(-far, far, 150), 1e-3 * rng.standard_normal(50)]).astype(dtype)
    a = ACTIVATIONS[name].value(z[None])[0]
    values, derivatives = zip(*(exact(mpmath.mpf(float(z_j))) for z_j in z), strict=True)
    assert np.abs(ulps(a, values, np.array(values, dtype))).max() < 5
    scale = np.maximum(np.abs(np.array(derivatives, dtype)), np.abs(np.array(values, dtype)))  # the terms cancel near z = -1
    if name == "selu":  # its derivative is computed from a, which tends to a constant
        scale = np.where(z > 0, np.abs(scale), SELU_SCALE * SELU_ALPHA).astype(dtype)
    derivative = ACTIVATIONS[name].derivative(z[None], a[None])[0]
    assert np.abs(ulps(derivative, derivatives, scale)).max() < 5


@pytest.mark.parametrize("name", HIDDEN)
def test_derivative_needs_z(name):
    """Where an activation says that its derivative needs no z, the derivative is the same for any z that is given beside a."""
    sigma = ACTIVATIONS[name]
    z = np.linspace(-3, 3, 61)[None]
    a = sigma.value(z)
    from_a = sigma.derivative(a, a)  # a has the sign of z in those that look at it
    assert np.array_equal(from_a, sigma.derivative(z, a)) != sigma.derivative_needs_z


@pytest.mark.parametrize(("name", "left"), [("relu", 0.0), ("leaky_relu", LEAK), ("selu", SELU_SCALE * SELU_ALPHA)])
def test_at_the_kink_the_left_slope_counts(name, left):
    """At ``z = 0``, of either sign, the derivative is that of ``z <= 0``, as (N5) has it."""
    z = np.array([[0.0, -0.0]])
    assert ACTIVATIONS[name].derivative(z, ACTIVATIONS[name].value(z)).tolist() == [[left, left]]


@repeatable(max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), m=st.integers(1, 4), n=st.integers(1, 6))
def test_softmax_pullback_is_the_full_jacobian(seed, m, n):
    """Softmax's pullback is each row's whole Jacobian times the gradient, and its derivative is the diagonal."""
    rng = np.random.default_rng(seed)
    z, g = 3 * rng.standard_normal((m, n)), rng.standard_normal((m, n))
    softmax = ACTIVATIONS["softmax"]
    a = softmax.value(z)
    np.testing.assert_allclose(a.sum(axis=1), 1, rtol=1e-14)
    jacobians = np.array([naive.jacobian("softmax", row) for row in z])
    pulled = softmax.pullback(z, a, g)
    for row in range(m):
        np.testing.assert_allclose(pulled[row], g[row] @ jacobians[row], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(softmax.derivative(z, a)[row], np.diag(jacobians[row]), rtol=1e-12, atol=1e-15)


@repeatable(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), shift=st.integers(-512, 512))
def test_softmax_does_not_change_under_a_shift(seed, shift):
    """A shift of all of a row's ``z`` changes neither softmax nor its pullback; a shift of ``g`` changes not the pullback."""
    rng = np.random.default_rng(seed)
    z, g = rng.integers(-64, 64, (3, 5)) / 8, rng.standard_normal((3, 5))
    softmax = ACTIVATIONS["softmax"]
    a = softmax.value(z)
    np.testing.assert_array_equal(softmax.value(z + shift), a)
    assert largest_error(softmax.pullback(z, a, g + 1.0), softmax.pullback(z, a, g)) < 1e-12


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_dtype_stays(name, dtype):
    """The value, the derivative and the pullback keep the dtype of ``z``, and write to nothing."""
    z = np.linspace(-2, 2, 12).reshape(3, 4).astype(dtype)
    g = np.ones_like(z)
    z.flags.writeable = g.flags.writeable = False
    sigma = ACTIVATIONS[name]
    a = sigma.value(z)
    a.flags.writeable = False
    assert a.dtype == sigma.derivative(z, a).dtype == sigma.pullback(z, a, g).dtype == dtype
    assert a.shape == sigma.derivative(z, a).shape == sigma.pullback(z, a, g).shape == z.shape


def test_ones_own_activation():
    """One's own activation is used as it is: its pullback multiplies by its derivative, and the table lets it through."""
    square = Activation("square", lambda z: z * z, lambda z, a: 2 * z)
    z, g = np.array([[3.0, -1.0]]), np.array([[1.0, 10.0]])
    assert find_activation(square) is square
    assert square.pullback(z, square.value(z), g).tolist() == [[6.0, -20.0]]
    assert repr(square) == "Activation('square')"


def test_every_built_in_is_described():
    """Each built-in has a summary for help texts, a formula for explanations, and the name of its table entry."""
    for name, sigma in ACTIVATIONS.items():
        assert sigma.name == name
        assert sigma.summary
        assert sigma.formula.value
        assert sigma.formula.derivative
        assert sigma.initializer in INITIALIZERS


def test_copies_of_a_built_in_are_the_built_in():
    """A built-in activation that is copied or pickled stays the table's object; one of the user's own becomes another object."""
    for sigma in ACTIVATIONS.values():
        assert copy.deepcopy(sigma) is pickle.loads(pickle.dumps(sigma)) is sigma
    own = Activation("sigmoid", naive.sigmoid, naive.sigmoid_prime, most=2.0)
    again = pickle.loads(pickle.dumps(own))
    assert again is not own
    assert (again.name, again.value, again.most) == ("sigmoid", naive.sigmoid, 2.0)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_found_by_name(name):
    """Each activation is found by the name it bears."""
    assert find_activation(name) is ACTIVATIONS[name]
    assert ACTIVATIONS[name].name == name


@pytest.mark.parametrize(
    ("name", "says"), [("sigmiod", "did you mean 'sigmoid'"), ("", "sigmoid, tanh"), (["relu"], "softmax"), (None, "softmax")]
)
def test_unknown_activation(name, says):
    """A name in no table is refused with the nearest that is, or with all of them."""
    with pytest.raises(UnknownName, match=says) as caught:
        find_activation(name)
    assert isinstance(caught.value, SettingError)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mish_has_its_limits_at_the_largest_numbers(dtype):
    """The derivative of mish is 1 at the largest number of a dtype, and 0 at the smallest: nothing overflows on the way."""
    largest = np.finfo(dtype).max
    z = np.array([largest, -largest], dtype)
    mish = ACTIVATIONS["mish"]
    assert mish.derivative(z, mish.value(z)).tolist() == [1, 0]
