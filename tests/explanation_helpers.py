"""Networks and batches for the tests of explanations and gradient checks, and ways to look into an explanation."""

from functools import cache
from html.parser import HTMLParser

import numpy as np

import chainrule as cr
from chainrule.explaining.blocks import Formulas, Prose

HIDDEN = ["sigmoid", "tanh", "relu", "leaky_relu", "identity", "exp"]


@cache
def digits_network():
    """Train the notes' network for one epoch on 10,000 images."""
    net = cr.Network([784, 30, 10], seed=0)
    cr.train(net, cr.datasets.mnist().train[:10_000], epochs=1, batch_size=10, learning_rate=3.0)
    return net


@cache
def digit():
    """Take one test image with its label, a 5."""
    return cr.datasets.mnist().test[[8]]


def batch_for(net, m, seed):
    """Draw a batch that suits a network: inputs of about 1, and targets in the cost's range."""
    rng = np.random.default_rng(seed)
    n_out = net.sizes[-1]
    y = rng.integers(n_out, size=m) if net.plan.cost_function.distribution else rng.uniform(0.1, 0.9, (m, n_out))
    return cr.Examples(rng.normal(size=(m, net.sizes[0])), y)


def unsaturated_network(hidden, output, cost, sizes=(3, 4, 4, 3), seed=0):
    """Make a float64 network whose units are not saturated."""
    net = cr.Network(list(sizes), activation=hidden, output=output, cost=cost, init="scaled", seed=seed, dtype="float64")
    for w in net.weights:
        w *= 0.5
    return net


def section(explanation, *tags):
    """Find the first section about these equations."""
    return next(s for s in explanation.sections if s.tags == tags)


def text_of(part):
    """Join all prose and formulas of a section."""
    texts = [block.text for block in part.blocks if isinstance(block, Prose)]
    texts += [line for block in part.blocks if isinstance(block, Formulas) for line in block.lines]
    return "\n".join(texts)


class ParsedPage(HTMLParser):
    """The addresses that an HTML page loads, and the tags that it leaves open."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.open_tags = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):  # noqa: D102
        self.addresses += [value for name, value in attributes if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "img"):
            self.open_tags.append(tag)

    def handle_endtag(self, tag):  # noqa: D102
        assert self.open_tags.pop() == tag
