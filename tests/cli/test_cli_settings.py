"""The settings of a training, and their defaults."""

import pytest

import chainrule as cr
from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.costs import COSTS
from chainrule.cli.settings import MNIST_DEFAULTS, TABLE_DEFAULTS, defaults_as_options, defaults_for, resolve_settings


def test_the_notes_values_are_the_defaults_for_mnist():
    """The defaults for MNIST are page 3's network and the book's step."""
    assert defaults_for("mnist", "classification") == MNIST_DEFAULTS
    assert (MNIST_DEFAULTS.hidden, MNIST_DEFAULTS.epochs, MNIST_DEFAULTS.batch_size, MNIST_DEFAULTS.learning_rate) == (
        (30,),
        30,
        10,
        3.0,
    )


@pytest.mark.parametrize(
    ("chosen", "rate"),
    [
        ({}, 3.0),
        ({"hidden": (100,)}, 3.0),
        ({"optimizer": "adam"}, 0.001),
        ({"optimizer": "momentum"}, 0.3),
        ({"momentum": 0.5}, 1.5),
        ({"cost": "cross_entropy"}, 0.5),
        ({"activation": ("relu",)}, 0.1),
        ({"optimizer": "adam", "learning_rate": 0.5}, 0.5),
    ],
)
def test_the_learning_rate_follows_the_settings_unless_chosen(chosen, rate):
    """A rate that belongs to other settings is not kept when those change; a chosen one always is."""
    assert resolve_settings(MNIST_DEFAULTS, chosen).learning_rate == rate


@pytest.mark.parametrize("kind", ["mnist", "digits", "plane", "images", "table"])
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("chosen", [{}, *({"cost": cost} for cost in COSTS), *({"output": name} for name in ACTIVATIONS)])
def test_every_single_choice_gives_a_valid_network(kind, task, chosen):
    """Whatever cost or output is chosen alone, the other follows so that the two agree."""
    settings = resolve_settings(defaults_for(kind, task), chosen)
    network = cr.Network([3, 4, 2], activation=settings.activation[0], output=settings.output, cost=settings.cost, seed=0)
    assert all(getattr(settings, name) == value for name, value in chosen.items())
    assert network.parameters > 0


def test_a_quadratic_cost_of_values_is_not_squashed():
    """Values need the identity at the output, also under the notes' cost."""
    assert resolve_settings(defaults_for("table", "regression"), {"cost": "quadratic"}).output == "identity"


def test_defaults_are_printed_as_options():
    """The defaults are printed as options, without those that the user gave."""
    options = defaults_as_options(TABLE_DEFAULTS, {"hidden": (5,)})
    assert "--learning-rate 0.003" in options
    assert "--hidden" not in options
    assert "--dropout" not in options
