"""The choice of an engine, and engines of any kind behind the protocol."""

import numpy as np
import pytest
from toy_engine import ToyEngine

import chainrule as cr
from chainrule import engines
from chainrule.calculus.activations import ACTIVATIONS, Activation
from chainrule.calculus.costs import COSTS, Cost
from chainrule.calculus.optimizers import OPTIMIZERS, SGD
from chainrule.cli import version_line
from chainrule.engines import ENGINES, choose
from chainrule.engines.unsupported import unsupported
from chainrule.errors import EngineError, UnknownName
from chainrule.plan import Layer, Plan

EVERYTHING = {"activations": ACTIVATIONS, "costs": COSTS, "optimizers": ["sgd", "adam", "adamw", "rmsprop", "lion"]}


@pytest.fixture
def toy(monkeypatch):
    """A third engine, registered before the others."""
    registered = {"toy": ToyEngine(), **ENGINES}
    monkeypatch.setattr(engines, "ENGINES", registered)
    return registered["toy"]


def pair(n=60):
    """A small problem of three classes."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 4)), np.arange(n) % 3


SETTINGS = {"epochs": 3, "batch_size": 10, "learning_rate": 0.1}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_third_engine_trains_as_the_reference_does(toy, optimizer):
    """A registered engine is chosen by its name, and a training with it agrees with the reference in cost and parameters."""
    nets = {name: cr.Network([4, 5, 3], cost="log_loss", seed=0, dtype="float64") for name in ("toy", "reference")}
    weighted = cr.Examples(*pair(), weights=np.linspace(0.5, 2, 60))
    settings = {**SETTINGS, "optimizer": optimizer, "l2": 0.01, "clip": 1.0}
    costs = {
        name: cr.train(net, weighted, engine=name, validation=pair(30), **settings)["validation_cost"] for name, net in nets.items()
    }
    np.testing.assert_allclose(costs["toy"], costs["reference"], rtol=1e-10)
    for actual, expected in zip(nets["toy"].weights, nets["reference"].weights, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)
    assert nets["toy"].provenance.engine == "toy"


def test_auto_takes_the_first_engine_that_can(toy):
    """``"auto"`` takes the first engine of the table, and the next where it refuses."""
    net = cr.Network([4, 5, 3], seed=0)
    assert choose("auto", net.plan, cr.Examples(*pair())) is toy
    pixels = cr.Examples(np.full((3, 4), 9, np.uint8), [0, 1, 2])
    assert choose("auto", net.plan, pixels) is not toy
    with pytest.raises(EngineError, match="the toy engine has no dropout"):
        cr.train(net, pair(), engine="toy", dropout=0.5, **SETTINGS)
    with pytest.raises(UnknownName, match="auto, toy"):
        choose("toys", net.plan, None)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_estimators_train_with_a_third_engine(toy, solver, monkeypatch):
    """The estimators, the minimizer among their solvers, train and predict with whatever engine is first, as with the reference."""
    settings = {"hidden_layer_sizes": (5,), "solver": solver, "activation": "tanh", "max_iter": 5, "random_state": 0}
    x, y = pair()
    with_toy = cr.MLPClassifier(**settings).fit(x, y)
    assert with_toy.network_.provenance.engine == "toy"
    probabilities = with_toy.predict_proba(x)
    monkeypatch.setattr(engines, "ENGINES", {"reference": ENGINES["reference"]})
    monkeypatch.setattr(engines, "_warn_once_without_kernels", lambda: None)
    np.testing.assert_allclose(cr.MLPClassifier(**settings).fit(x, y).predict_proba(x), probabilities, rtol=1e-6)


def test_a_population_trains_with_a_third_engine(toy):
    """``train_population`` gives each network the bits that ``train`` gives it, by a third engine too."""
    alone, together = ([cr.Network([4, 3], seed=seed) for seed in range(3)] for _ in range(2))
    for net in alone:
        cr.train(net, pair(), engine="toy", **SETTINGS)
    cr.train_population(together, pair(), engine="toy", **SETTINGS)
    for one, other in zip(alone, together, strict=True):
        assert one.weights[0].tobytes() == other.weights[0].tobytes()


def test_a_network_predicts_and_evaluates_by_a_third_engine(toy):
    """Outputs, cost, accuracy and gradient of a network come from the first engine of the table, and agree with the reference."""
    net = cr.Network([4, 5, 3], seed=0, dtype="float64")
    reference = ENGINES["reference"]
    x, y = pair()
    np.testing.assert_allclose(net.feedforward(x), reference.forward(net.plan, net.weights, net.biases, x, threads=1))
    data = reference.prepare(cr.Examples(x, y))
    evaluation = reference.open(net.plan, net.state(), threads=1).evaluate(data)
    assert net.cost(x, y) == pytest.approx(evaluation.cost)
    assert net.accuracy(x, y) == pytest.approx(evaluation.accuracy)
    _, gradient, _ = reference.gradient(net.plan, data, None, threads=1)(net.plan.pack(net.weights, net.biases))
    nabla_b, nabla_w = net.backprop(x, y)
    np.testing.assert_allclose(net.plan.pack(nabla_w, nabla_b), gradient, atol=1e-12)


def test_the_version_describes_every_engine(toy):
    """``chainrule --version`` shows each engine's own description."""
    assert "toy (float64)" in version_line()
    for engine in ENGINES.values():
        assert engine.describe().startswith(engine.name)
        assert engine.describe() in version_line()


def plan(activation="sigmoid", cost="quadratic", optimizer=None):
    return Plan((Layer(2, 2, activation),), cost=cost, optimizer=optimizer or SGD())


def test_the_error_names_the_functions_that_an_engine_lacks():
    """The reason for a refusal names the first activation, cost or optimizer that an engine lacks, and the remedy."""
    assert unsupported(plan(), "some", **EVERYTHING) is None
    assert unsupported(plan("gelu"), "some", **{**EVERYTHING, "activations": ["sigmoid"]}) == (
        "the some engine has no activation 'gelu'; take engine='reference'"
    )
    assert "no cost 'huber'" in unsupported(plan(cost=cr.costs.Huber(2)), "some", **{**EVERYTHING, "costs": ["quadratic"]})
    assert "no optimizer 'lion'" in unsupported(plan(optimizer=OPTIMIZERS["lion"]), "some", **{**EVERYTHING, "optimizers": ["sgd"]})


def test_functions_of_the_users_own_are_refused_by_name():
    """The user's own activation, cost or optimizer is refused even where it bears a built-in name."""

    class OwnSGD(SGD):
        pass

    own_activation = Activation("sigmoid", np.tanh, lambda z, a: 1 - a * a)
    own_cost = Cost("quadratic", COSTS["quadratic"].value, COSTS["quadratic"].gradient)
    for refused in (plan(own_activation), plan(cost=own_cost), plan(optimizer=OwnSGD())):
        assert "your own" in unsupported(refused, "some", **EVERYTHING)
    assert unsupported(plan(cost=cr.costs.Huber(0.5)), "some", **EVERYTHING) is None


@pytest.mark.parametrize("kind", ["activation", "cost", "optimizer"])
def test_a_function_that_only_python_has_goes_to_the_reference(kind, monkeypatch):
    """An entry added to Python's tables alone is refused by the other engines with a sentence, and ``auto`` trains it."""
    square = Activation("square", lambda z: z * z, lambda z, a: 2 * z)
    quartic = Cost("quartic", lambda a, y: ((a - y) ** 4).sum(axis=1), lambda a, y: 4 * (a - y) ** 3)

    class Signs(SGD):
        name = "signs"

        def step(self, parameter, gradient, slots, rate, t):
            return parameter - rate * np.sign(gradient), ()

    monkeypatch.setitem(ACTIVATIONS, "square", square)
    monkeypatch.setitem(COSTS, "quartic", quartic)
    monkeypatch.setitem(OPTIMIZERS, "signs", Signs())
    made = {"activation": "square"} if kind == "activation" else {"cost": "quartic"} if kind == "cost" else {}
    settings = {**SETTINGS, "learning_rate": 0.01, "optimizer": "signs" if kind == "optimizer" else "sgd"}
    nets = [cr.Network([4, 3, 3], seed=0, **made) for _ in range(2)]
    cr.train(nets[0], pair(), engine="auto", **settings)
    cr.train(nets[1], pair(), engine="reference", **settings)
    assert nets[0].weights[0].tobytes() == nets[1].weights[0].tobytes()
    for name in set(ENGINES) - {"reference"}:
        with pytest.raises(EngineError, match=r"the fused engine .*; take engine='reference'"):
            cr.train(nets[0], pair(), engine=name, **settings)


def test_a_hidden_softmax_is_refused_by_engines_of_kernels():
    """A plan with softmax below the output goes to the reference: the kernels apply its Jacobian at the output only."""
    hidden = Plan((Layer(3, 4, "softmax"), Layer(4, 2, "identity")), dtype="float64")
    assert "softmax at the output only" in unsupported(hidden, "some", **EVERYTHING)
    assert choose("auto", hidden, None).name == "reference"


def test_a_subclass_of_a_built_in_cost_is_computed_as_the_users_own():
    """A subclass of Huber keeps its own value in a network, and its delta does not matter."""

    class Shifted(cr.costs.Huber):
        def __init__(self, delta=1.0):
            super().__init__(delta)
            object.__setattr__(self, "value", lambda a, y: 100 + ((a - y) ** 2).sum(axis=1))

    x, y = np.ones((3, 2)), np.ones((3, 1))
    for cost in (Shifted(), Shifted(2.0)):
        net = cr.Network([2, 1], cost=cost, output="identity", seed=0)
        assert net.plan.cost is cost
        assert net.cost(x, y) >= 100
        net.backprop(x, y)
