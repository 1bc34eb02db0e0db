"""What a step does with a gradient, each rule held to naive.py, one scalar at a time."""

from dataclasses import FrozenInstanceError

import naive
import numpy as np
import pytest

from chainrule.calculus.backprop import Gradient
from chainrule.calculus.descent import Parameters, update_mini_batch
from chainrule.calculus.optimizers import OPTIMIZERS, SGD, Adam, AdamW, Lion, Optimizer, RMSprop, find_optimizer
from chainrule.errors import SettingError, UnknownName

SHAPE = (3, 2)
RATES = [0.1, 0.3, 0.05, 0.05, 1.0, 0.01, 0.2, 0.1]  # as a schedule might have them
BETAS = 0.8, 0.95


def gradients(seed=0):
    """One gradient a step, of very different sizes, one coordinate always 0."""
    rng = np.random.default_rng(seed)
    drawn = rng.standard_normal((len(RATES), *SHAPE)) * 10.0 ** rng.integers(-6, 3, (len(RATES), *SHAPE))
    drawn[:, 0, 0] = 0
    return drawn


def walk(optimizer, steps=8, dtype="float64"):
    """Take some steps from a fixed start; give the places and the slots after each. Nothing may be written to."""
    w = np.random.default_rng(1).standard_normal(SHAPE).astype(dtype)
    slots = tuple(np.zeros(SHAPE, dtype) for _ in optimizer.slots)
    places = []
    for t, (g, rate) in enumerate(zip(gradients().astype(dtype)[:steps], RATES, strict=False), start=1):
        for array in (w, g, *slots):
            array.flags.writeable = False
        w, slots = optimizer.step(w, g, slots, rate, t)
        places.append((w, slots))
    return places


def naive_walk(rule, slots):
    """The same for one scalar after another: ``rule(w, g, *slots, rate, t)`` gives the new w and slots."""
    start, places = np.random.default_rng(1).standard_normal(SHAPE), []
    remembered = {index: (start[index], *([0.0] * slots)) for index in np.ndindex(SHAPE)}
    for t, (g, rate) in enumerate(zip(gradients(), RATES, strict=True), start=1):
        for index, (w, *own) in remembered.items():
            remembered[index] = rule(float(w), float(g[index]), *own, rate, t)
        places.append(np.array(list(remembered.values())).T.reshape(slots + 1, *SHAPE))
    return places


@pytest.mark.parametrize(
    ("optimizer", "rule"),
    [
        (SGD(), lambda w, g, rate, t: (naive.sgd(w, g, rate),)),
        (SGD(momentum=0.7), lambda w, g, v, rate, t: naive.momentum(w, g, v, rate, 0.7)),
        (SGD(momentum=0.7, nesterov=True), lambda w, g, v, rate, t: naive.nesterov(w, g, v, rate, 0.7)),
        (Adam(*BETAS, 1e-3), lambda w, g, m, v, rate, t: naive.adam(w, g, m, v, rate, t, *BETAS, 1e-3, "corrected")),
        (Adam(*BETAS, 1e-3, "raw"), lambda w, g, m, v, rate, t: naive.adam(w, g, m, v, rate, t, *BETAS, 1e-3, "raw")),
        (Lion(*BETAS), lambda w, g, m, rate, t: naive.lion(w, g, m, rate, *BETAS, 0.0)),
        (RMSprop(0.8, 1e-3), lambda w, g, v, rate, t: naive.rmsprop(w, g, v, rate, 0.8, 1e-3)),
    ],
    ids=lambda part: repr(part) if isinstance(part, Optimizer) else "",
)
def test_rule_is_naive_for_every_scalar(optimizer, rule):
    """Over eight steps with changing rates, parameters and slots are those of the published formula."""
    for (w, slots), (expected, *remembered) in zip(walk(optimizer), naive_walk(rule, len(optimizer.slots)), strict=True):
        np.testing.assert_allclose(w, expected, rtol=1e-12, atol=1e-14)
        assert len(slots) == len(remembered)
        for slot, value in zip(slots, remembered, strict=True):
            np.testing.assert_allclose(slot, value, rtol=1e-12, atol=1e-300)


def test_one_step_by_hand():
    """From w = 1, g = 2 and a rate of 0.1 each rule's first two steps are as worked out on paper."""
    one, two = np.array([1.0]), np.array([2.0])
    w, slots = SGD(momentum=0.5).step(one, two, (np.zeros(1),), 0.1, 1)
    np.testing.assert_allclose([w, slots[0]], [[0.8], [-0.2]])
    w, slots = SGD(momentum=0.5).step(w, two, slots, 0.1, 2)
    np.testing.assert_allclose([w, slots[0]], [[0.5], [-0.3]])
    w, slots = SGD(momentum=0.5, nesterov=True).step(one, two, (np.zeros(1),), 0.1, 1)
    np.testing.assert_allclose([w, slots[0]], [[0.7], [-0.2]])
    for epsilon_on in ("raw", "corrected"):  # m / sqrt(v) = 1, whatever the gradient
        w, _ = Adam(epsilon=1e-12, epsilon_on=epsilon_on).step(one, two, (np.zeros(1),) * 2, 0.1, 1)
        np.testing.assert_allclose(w, [0.9])
    w, _ = RMSprop(rho=0.75, epsilon=1.0).step(one, two, (np.zeros(1),), 0.1, 1)  # v = 1
    np.testing.assert_allclose(w, [0.9])


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_lions_decay_is_the_papers(weight_decay):
    """``update_mini_batch`` with Lion, decay included, takes the paper's steps for every scalar of the weights."""
    lion, w, slots = Lion(*BETAS, weight_decay), np.random.default_rng(1).standard_normal(SHAPE), np.zeros(SHAPE)
    expected, averages = w.copy(), np.zeros(SHAPE)
    for t, (g, rate) in enumerate(zip(gradients(), RATES, strict=True), start=1):
        parameters = Parameters([w], [np.zeros(3)], [(slots,), (np.zeros(3),)])
        (w,), _, ((slots,), _) = update_mini_batch(parameters, Gradient([np.zeros(3)], [g]), lion, rate, 1, t=t)
        for index in np.ndindex(SHAPE):
            expected[index], averages[index] = naive.lion(expected[index], g[index], averages[index], rate, *BETAS, weight_decay)
        np.testing.assert_allclose(w, expected, rtol=1e-12)
        np.testing.assert_allclose(slots, averages, rtol=1e-12)


def test_no_momentum_is_plain():
    """Momentum near 0 is the plain rule, and the first step with momentum is the plain step."""
    for (w, _), (plain, _) in zip(walk(SGD(momentum=1e-15)), walk(SGD()), strict=True):
        np.testing.assert_allclose(w, plain, rtol=1e-12)
    np.testing.assert_array_equal(walk(SGD(momentum=0.9), 1)[0][0], walk(SGD(), 1)[0][0])


def test_nesterov_is_momentum_a_step_ahead():
    """Given the same gradients Nesterov's velocity is momentum's, and its place is momentum's place plus ``mu v``."""
    for (w, (v,)), (ahead, (same,)) in zip(walk(SGD(0.9)), walk(SGD(0.9, nesterov=True)), strict=True):
        np.testing.assert_allclose(same, v, rtol=1e-14)
        np.testing.assert_allclose(ahead, w + 0.9 * v, rtol=1e-12)


def test_adams_two_epsilons():
    """At update t the corrected form with epsilon is the raw form with ``epsilon sqrt(1 - beta2^t)``: both are expressible."""
    for t in (1, 2, 10, 10_000):
        w, g, m, v = np.random.default_rng(t).uniform(0.1, 1, (4, *SHAPE))
        corrected, _ = Adam(epsilon=0.1).step(w, g, (m, v), 0.3, t)
        raw, _ = Adam(epsilon=0.1 * np.sqrt(1 - 0.999**t), epsilon_on="raw").step(w, g, (m, v), 0.3, t)
        np.testing.assert_allclose(corrected, raw, rtol=1e-13)
    early_raw, early = walk(Adam(epsilon=0.1, epsilon_on="raw"), 1), walk(Adam(epsilon=0.1), 1)
    assert not np.allclose(early_raw[0][0], early[0][0])


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_is_scikit_learns(nesterov):
    """Momentum and Nesterov take scikit-learn's steps."""
    peer_optimizers = pytest.importorskip("sklearn.neural_network._stochastic_optimizers")
    w = np.random.default_rng(1).standard_normal(SHAPE)
    peer = peer_optimizers.SGDOptimizer([w], learning_rate_init=0.1, momentum=0.7, nesterov=nesterov)
    assert_takes_the_steps_of(peer, w, SGD(momentum=0.7, nesterov=nesterov))


def test_raw_adam_is_scikit_learns():
    """Adam with epsilon beside the raw root takes scikit-learn's steps."""
    peer_optimizers = pytest.importorskip("sklearn.neural_network._stochastic_optimizers")
    w = np.random.default_rng(1).standard_normal(SHAPE)
    peer = peer_optimizers.AdamOptimizer([w], learning_rate_init=0.1, beta_1=BETAS[0], beta_2=BETAS[1], epsilon=1e-3)
    assert_takes_the_steps_of(peer, w, Adam(*BETAS, 1e-3, "raw"))


def assert_takes_the_steps_of(peer, w, optimizer, rate=0.1):
    """Walk beside a scikit-learn optimizer, which moves ``w`` in place."""
    mine, slots = w.copy(), tuple(np.zeros(SHAPE) for _ in optimizer.slots)
    for t, g in enumerate(gradients(), start=1):
        peer.update_params([w], [g])
        mine, slots = optimizer.step(mine, g, slots, rate, t)
        np.testing.assert_allclose(mine, w, rtol=1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("curvature", [(1.0, 1.0), (0.1, 2.0)], ids=["round", "narrow"])
def test_reaches_the_bottom_of_a_bowl(optimizer, curvature):
    """On a round and on a narrow quadratic bowl every optimizer comes to the bottom, with a rate that falls."""
    rule, bottom = OPTIMIZERS[optimizer], np.array([3.0, -2.0])
    w, slots = np.zeros(2), tuple(np.zeros(2) for _ in OPTIMIZERS[optimizer].slots)
    for t in range(1, 2001):
        w, slots = rule.step(w, np.array(curvature) * (w - bottom), slots, 0.1 / (1 + t / 500), t)
    np.testing.assert_allclose(w, bottom, atol=0.05)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_float32_stays_float32(optimizer):
    """Parameters and slots in float32 stay so, and follow float64 to single precision."""
    rule = OPTIMIZERS[optimizer]
    for (w, slots), (wide, _) in zip(walk(rule, dtype="float32"), walk(rule), strict=True):
        assert {part.dtype for part in (w, *slots)} == {np.dtype("float32")}
        np.testing.assert_allclose(w, wide, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_gradient_of_0_is_finite(optimizer):
    """Where the gradient has always been 0 nothing moves, and nothing is divided by 0."""
    rule = OPTIMIZERS[optimizer]
    w, slots = rule.step(np.ones(3), np.zeros(3), tuple(np.zeros(3) for _ in rule.slots), 0.1, 1)
    assert w.tolist() == [1, 1, 1]
    assert all(slot.tolist() == [0, 0, 0] for slot in slots)


def test_every_built_in_is_described():
    """Each entry of the table has a summary of its own, and a rate that suits it where that is not the network's affair."""
    summaries = [optimizer.summary for optimizer in OPTIMIZERS.values()]
    assert all(summaries)
    assert len(set(summaries)) == len(summaries)
    rates = {name: optimizer.usual_rate for name, optimizer in OPTIMIZERS.items() if optimizer.usual_rate is not None}
    assert rates == {"adam": 0.001, "adamw": 0.001, "rmsprop": 0.001, "lion": 0.0001}


def test_slots_and_decay():
    """Each optimizer names its slots, and of the usual ones only AdamW decays the weights."""
    slots = {name: optimizer.slots for name, optimizer in OPTIMIZERS.items()}
    assert slots == {
        "sgd": (),
        "momentum": ("velocity",),
        "nesterov": ("velocity",),
        "adam": ("m", "v"),
        "adamw": ("m", "v"),
        "rmsprop": ("v",),
        "lion": ("m",),
    }
    assert {name: optimizer.shrink for name, optimizer in OPTIMIZERS.items() if optimizer.shrink} == {"adamw": 0.01}
    assert AdamW(weight_decay=0.5).shrink == Lion(weight_decay=0.5).shrink == 0.5
    with pytest.raises(FrozenInstanceError):
        OPTIMIZERS["adam"].beta1 = 0.5


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: SGD(momentum=1.0), "momentum must be a number, at least 0 and below 1; it is 1.0"),
        (lambda: SGD(momentum=-0.1), "momentum"),
        (lambda: SGD(momentum=float("nan")), "momentum"),
        (lambda: SGD(momentum="0.9"), "momentum"),
        (lambda: SGD(momentum=True), "momentum"),
        (lambda: SGD(momentum=None), "momentum"),
        (lambda: SGD(nesterov=True), "nesterov=True needs a momentum above 0"),
        (lambda: Adam(beta1=1.0), "beta1"),
        (lambda: Adam(beta2=-0.5), "beta2"),
        (lambda: Adam(epsilon=0.0), "epsilon must be a number, above 0"),
        (lambda: Adam(epsilon=float("inf")), "epsilon"),
        (lambda: Adam(epsilon_on="corected"), "did you mean 'corrected'"),
        (lambda: AdamW(weight_decay=-1), "weight_decay"),
        (lambda: AdamW(beta1=2), "beta1"),
        (lambda: RMSprop(rho=1), "rho"),
        (lambda: Lion(beta1=1), "beta1"),
        (lambda: Lion(beta2=-0.1), "beta2"),
        (lambda: Lion(weight_decay=-1), "weight_decay"),
        (lambda: RMSprop(epsilon=-1e-8), "epsilon"),
    ],
)
def test_settings_refused(build, says):
    """An invalid setting is refused with its name, the requirement, and the value given."""
    with pytest.raises(SettingError, match=says):
        build()


def test_found_by_name():
    """A name finds the usual settings; one with settings of its own passes through; another name says the nearest."""
    assert all(find_optimizer(name) is optimizer for name, optimizer in OPTIMIZERS.items())
    mine = Adam(epsilon_on="raw")
    assert find_optimizer(mine) is mine
    with pytest.raises(UnknownName, match="did you mean 'rmsprop'"):
        find_optimizer("RMSProp")
    with pytest.raises(UnknownName, match="momentum"):
        find_optimizer(["sgd"])
