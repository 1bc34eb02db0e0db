"""The settings of the networks that the page trains for drawings."""

from chainrule.cli.distort_option import USUAL_AMOUNTS, make_distortion
from chainrule.cli.settings import DISTORTED_MNIST_DEFAULTS
from chainrule.web.drawing import DISTORTED


def test_the_better_network_is_that_of_the_command_line():
    """The page's network for distorted digits has the settings of ``chainrule train mnist --distort``."""
    defaults = DISTORTED_MNIST_DEFAULTS
    assert (DISTORTED.sizes[1:-1], (DISTORTED.activation,), DISTORTED.cost) == (defaults.hidden, defaults.activation, defaults.cost)
    assert (DISTORTED.epochs, DISTORTED.batch_size, DISTORTED.learning_rate) == (
        defaults.epochs,
        defaults.batch_size,
        defaults.learning_rate,
    )
    assert (DISTORTED.optimizer, DISTORTED.schedule) == (defaults.optimizer, defaults.schedule)
    assert DISTORTED.distort == make_distortion(USUAL_AMOUNTS)
