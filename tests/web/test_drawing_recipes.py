"""The settings of the networks that the page trains for drawings."""

from pathlib import Path

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


def test_the_guide_has_these_settings():
    """The page's guide trains the network behind the button with the settings of the page."""
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "draw.md").read_text(encoding="utf-8")
    amounts = "shift={shift:g}, scale={scale:g}, slant={slant:g}, rotation={rotation:g}".format(**DISTORTED.distort.to_dict())
    assert f"cr.distort.Affine({amounts})" in guide
    assert f"take {DISTORTED.epochs} epochs" in guide
    assert f"batch_size={DISTORTED.batch_size}, learning_rate={DISTORTED.learning_rate:g}" in guide
    assert f'cr.Network({list(DISTORTED.sizes)}, activation="{DISTORTED.activation}", cost="{DISTORTED.cost}"' in guide
