"""The page brings a drawing to MNIST's form by the library's own steps."""

import numpy as np
import pytest
from drawn_pages import STROKES, penned
from node import needs_node
from page_modules import run_module

from chainrule.datasets.mnist_form import to_mnist

pytestmark = needs_node

ROUNDING = 1  # grey level of 255: the library fits the paper's grey, which a drawing's is exactly 0


def forms(drawings):
    """Bring drawings, 280 x 280 grey levels, to MNIST's form with the page's module."""
    expression = """argument.map((data) => [...m.toMnist({ height: 280, width: 280, data: Uint8Array.from(data) }).pixels])"""
    return np.array(run_module("draw/mnist_form.js", expression, [drawing.ravel().tolist() for drawing in drawings]))


def difference(drawings):
    """Compute the largest difference in grey levels between the page's form and the library's."""
    expected = np.array([to_mnist(drawing).ravel() for drawing in drawings], int)
    return np.abs(forms(drawings) - expected).max(axis=1)


@pytest.mark.parametrize("width", [0.04, 0.08, 0.2])
def test_drawn_digits_get_the_librarys_form(width):
    """The pixels of drawn digits, with thin and with thick pens, are those of the library's ``to_mnist``."""
    assert difference([penned(digit, width) for digit in STROKES]).max() <= ROUNDING


def blob(rng):
    """Draw a random connected shape: a walk of soft discs."""
    rows, columns = np.mgrid[:280, :280]
    drawing, at = np.zeros((280, 280)), rng.uniform(100, 180, 2)
    for _ in range(rng.integers(3, 40)):
        at = np.clip(at + rng.normal(0, 4, 2), 40, 240)
        drawing = np.maximum(drawing, np.clip(rng.uniform(9, 18) - np.hypot(rows - at[0], columns - at[1]), 0, 1))
    return np.rint(255 * drawing).astype(np.uint8)


def test_random_shapes_get_the_librarys_form():
    """The pixels of random connected shapes are those of the library's ``to_mnist``."""
    rng = np.random.default_rng(0)
    assert difference([blob(rng) for _ in range(20)]).max() <= ROUNDING


def test_a_blank_drawing_has_no_form():
    """A drawing without ink, or with ink too faint to see, has no form."""
    expression = (
        "argument.map((level) => m.toMnist({ height: 280, width: 280, data: new Uint8Array(280 * 280).fill(level, 0, 400) }))"
    )
    assert run_module("draw/mnist_form.js", expression, [0, 4]) == [None, None]


def test_the_steps_are_told():
    """The result tells the ink's box in the drawing, and the digit's size in the box of 20 x 20 and place among 28 x 28."""
    drawing = np.zeros((280, 280), np.uint8)
    drawing[40:240, 100:130] = 255
    expression = """(() => {
        const { box, scaled, top, left, pixels } = m.toMnist({ height: 280, width: 280, data: Uint8Array.from(argument) });
        return { box, height: scaled.height, width: scaled.width, top, left, inked: [...pixels].filter(Boolean).length };
    })()"""
    form = run_module("draw/mnist_form.js", expression, drawing.ravel().tolist())
    assert form["box"] == {"top": 40, "left": 100, "bottom": 240, "right": 130}
    assert (form["height"], form["width"], form["top"], form["left"]) == (20, 3, 4, 13)
    assert form["inked"] == 60
