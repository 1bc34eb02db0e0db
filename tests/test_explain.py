"""The derivation with live numbers: what is told is true, is told whole, and what cannot be told is refused in a sentence."""

import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import naive
import numpy as np
import pytest
from drawn import PAIRS
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import errors
from chainrule.explaining import passage as passage_module
from chainrule.explaining.differences import nudged
from chainrule.explaining.mathematics import to_mathml, to_text
from chainrule.explaining.model import Formulas, Gallery, Picture, Prose, Table
from chainrule.explaining.notation import tell
from chainrule.explaining.passage import Place, passage_of

HIDDEN = ["sigmoid", "tanh", "relu", "leaky_relu", "identity", "exp"]


@pytest.fixture(scope="module")
def digits_network():
    """The notes' network after one epoch."""
    net = cr.Network([784, 30, 10], seed=0)
    cr.train(net, cr.datasets.mnist().train[:10_000], epochs=1, batch_size=10, learning_rate=3.0)
    return net


@pytest.fixture(scope="module")
def digit():
    """One image and its label."""
    return cr.datasets.mnist().test[[8]]


def batch_for(net, m, seed):
    """A batch that suits a network: inputs of about 1, and targets that its cost takes."""
    rng = np.random.default_rng(seed)
    n_out = net.sizes[-1]
    y = rng.integers(n_out, size=m) if net.plan.cost_function.distribution else rng.uniform(0.1, 0.9, (m, n_out))
    return cr.Examples(rng.normal(size=(m, net.sizes[0])), y)


def network_of(hidden, output, cost, sizes=(3, 4, 4, 3), seed=0):
    """A float64 network whose units are not saturated."""
    net = cr.Network(list(sizes), activation=hidden, output=output, cost=cost, init="scaled", seed=seed, dtype="float64")
    for w in net.weights:
        w *= 0.5
    return net


def section(explanation, *tags):
    """The first section about these equations."""
    return next(s for s in explanation.sections if s.tags == tags)


def words(part):
    """All prose and formulas of a section, as one text."""
    said = [block.text for block in part.blocks if isinstance(block, Prose)]
    said += [line for block in part.blocks if isinstance(block, Formulas) for line in block.lines]
    return "\n".join(said)


@given(st.sampled_from(PAIRS), st.sampled_from(HIDDEN), st.integers(1, 5), st.integers(0, 2**20))
def test_every_told_gradient_is_the_naive_one(pair, hidden, m, seed):
    """The entry at any place is what the notes' sums, example by example, give (BP1-BP4)."""
    output, cost = pair
    net = network_of(hidden, output, cost, seed=seed)
    examples = batch_for(net, m, seed)
    p = passage_of(net, examples)
    nabla_b, nabla_w = naive.backprop(p.weights, p.biases, [s.name for s in p.sigmas], cost, p.x, p.y)
    for layer, (b, w) in enumerate(zip(nabla_b, nabla_w, strict=True)):
        scale = max(np.abs(w).max(), np.abs(b).max(), 1e-12)
        for unit in range(len(b)):
            assert p.entry(Place(layer, unit, None)) == pytest.approx(b[unit], abs=1e-11 * scale)
            for k in range(len(w[0])):
                assert p.entry(Place(layer, unit, k)) == pytest.approx(w[unit][k], abs=1e-11 * scale)


@pytest.mark.parametrize("chunk", [1, 7, 10**6])
def test_the_entry_shown_is_the_largest(monkeypatch, chunk):
    """By default the weight of largest ``|dC/dw|`` in its layer is worked out, of one unit or input where that is chosen."""
    monkeypatch.setattr(passage_module, "CHUNK", chunk)
    net = network_of("tanh", "sigmoid", "quadratic", (5, 6, 4))
    p = passage_of(net, batch_for(net, 3, 1))
    size = np.abs(net.backprop(batch_for(net, 3, 1)).nabla_w[0])
    assert p.largest(0) == Place(0, *map(int, np.unravel_index(size.argmax(), size.shape)))
    assert p.largest(0, unit=2) == Place(0, 2, int(size[2].argmax()))
    assert p.largest(0, input_=3) == Place(0, int(size[:, 3].argmax()), 3)
    assert p.largest(0, 4, 1) == Place(0, 4, 1)


@pytest.mark.parametrize(("output", "cost"), PAIRS)
@pytest.mark.parametrize("hidden", ["sigmoid", "relu", "tanh"])
def test_a_nudge_shares_its_digits_with_backpropagation(hidden, output, cost):
    """For every pair of output and cost the difference shares six digits or more with the worked entry, and says what limits it."""
    net = network_of(hidden, output, cost, seed=3)
    p = passage_of(net, batch_for(net, 4, 3))
    for layer in range(3):
        place = p.largest(layer)
        nudge = p.nudge(layer, p.shift(place))
        assert nudge.crosses or nudge.shared_digits(p.entry(place) / p.m) >= 6
        assert nudge.crosses or nudge.agrees(p.entry(place) / p.m)


def test_the_step_of_a_difference_is_chosen():
    """Of a cubic the step balances the curve and the rounding; a straight line is nudged as far as may be; a kink is told of."""
    cubic = nudged(lambda c: (1 + c) ** 3, 1.0, 2e-16)
    assert cubic.slope == pytest.approx(3, abs=10 * cubic.uncertainty)
    assert 1e-7 < cubic.h < 1e-3
    assert nudged(lambda c: 1 + 2 * c, 1.0, 2e-16).slope == pytest.approx(2, abs=1e-12)
    kinked = nudged(lambda c: abs(c), 1.0, 2e-16, lambda h: True)
    assert kinked.crosses
    assert "kink" in kinked.why(1.0)
    assert "one of" in cubic.why(3.1)


def test_the_step_told_is_the_step_taken():
    """The cost after the step is the cost of a network that has taken it (N12)."""
    net = network_of("sigmoid", "sigmoid", "quadratic", (4, 5, 3), seed=2)
    examples = batch_for(net, 6, 5)
    told = passage_of(net, examples).cost_after_step(0.5)
    cr.train(net, examples, epochs=1, batch_size=6, learning_rate=0.5)
    assert told == pytest.approx(net.cost(examples), rel=1e-12)


def test_each_pair_tells_its_own_derivation():
    """Quadratic with sigmoid shows sigma' standing, cross-entropy that it cancels, softmax its Jacobian, ReLU its two cases."""

    def told(hidden, output, cost, *tags):
        net = network_of(hidden, output, cost, (3, 4, 3))
        return words(section(cr.explain(net, batch_for(net, 1, 0)), *tags))

    assert "Nothing cancels" in told("sigmoid", "sigmoid", "quadratic", "BP1")
    crossed = told("sigmoid", "sigmoid", "cross_entropy", "BP1")
    assert "it cancels" in crossed
    assert "a_j − y_j" in crossed
    assert "whole Jacobian collapses" in told("sigmoid", "softmax", "log_loss", "BP1")
    assert "the Jacobian stays" in told("sigmoid", "softmax", "quadratic", "BP1")
    assert "σ′(z) = 0  where  z ≤ 0" in told("relu", "sigmoid", "quadratic", "BP2")
    assert "two cases" in words(cr.explain(network_of("relu", None, "quadratic"), [[1.0, 2.0, 3.0]], [[0.1, 0.2, 0.3]]).sections[2])


def test_sections_come_in_the_notes_order(digits_network, digit):
    """Shapes, forward, the cost, BP1, BP2, the gradients, an entry of each layer by hand, and the step."""
    explanation = cr.explain(digits_network, digit)
    tags = [s.tags for s in explanation.sections]
    assert tags == [
        ("N9",),
        ("N10",),
        ("N10",),
        ("N10",),
        ("N1",),
        ("BP1",),
        ("BP2",),
        ("BP3", "BP4"),
        ("BP4",),
        ("BP4",),
        ("N12",),
    ]
    text = str(explanation)
    assert "(30, 784) @ (784, 1) + (30, 1) = (30, 1)" in text
    assert "The example is a 5" in " ".join(text.split())


def test_images_are_shown_as_pictures(digits_network, digit):
    """An image input, the weights of each hidden unit, and their gradients for this digit are pictures of 28 x 28."""
    explanation = cr.explain(digits_network, digit)
    blocks = [block for part in explanation.sections for block in part.blocks]
    assert [b.pixels.shape for b in blocks if isinstance(b, Picture)] == [(28, 28)]
    weights, gradients = (b for b in blocks if isinstance(b, Gallery))
    assert np.array_equal(weights.pictures[3].pixels.ravel(), digits_network.weights[0][3].astype(float))
    nabla_w = digits_network.backprop(digit).nabla_w[0]
    for picture in gradients.pictures:
        unit = int(picture.title.removeprefix("unit "))
        assert np.allclose(picture.pixels.ravel(), nabla_w[unit], rtol=0, atol=1e-6 * np.abs(nabla_w).max())
    assert 1 <= len(gradients.pictures) < 30


class Page(HTMLParser):
    """What a page asks for, and whether its tags close."""

    def __init__(self, text):
        super().__init__()
        self.asked, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):  # noqa: D102
        self.asked += [value for name, value in attributes if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):  # noqa: D102
        assert self.open.pop() == tag


def test_the_page_stands_alone(digits_network, digit, tmp_path):
    """The page of an MNIST digit is below 1 MB, closes its tags, holds its pictures, and asks nothing of the network."""
    cr.explain(digits_network, digit).save(tmp_path / "digit.html")
    text = (tmp_path / "digit.html").read_text(encoding="utf-8")
    assert len(text.encode()) < 1_000_000
    page = Page(text)
    assert page.open == []
    assert page.asked
    assert all(address.startswith("data:image/png;base64,") for address in page.asked)
    assert "http" not in text
    assert "@import" not in text
    for formula in re.findall(r"<math.*?</math>", text):
        ET.fromstring(formula)  # our own text


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no browser here")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_page_without_sideways_scrolling(digits_network, digit, tmp_path, width):
    """In a real browser nothing on the page is wider than a phone or a desk, but formulas that scroll by themselves."""
    cr.explain(digits_network, digit).save(tmp_path / "digit.html")
    measure = "const d = f.contentDocument.documentElement; document.title = d.scrollWidth + ' ' + d.scrollHeight"
    frame = f'<iframe id="f" width="{width}" height="800" style="border:0" src="digit.html" onload="{measure}"></iframe>'
    (tmp_path / "frame.html").write_text(f"<title>not yet</title>{frame}")
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        "--virtual-time-budget=5000",
    ]
    command += ["--dump-dom", (tmp_path / "frame.html").as_uri()]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    across, down = map(int, re.search(r"<title>(\d+) (\d+)</title>", seen).groups())
    assert across <= width
    assert down > 3000


def test_a_notebook_shows_the_same(digits_network, digit):
    """``_repr_html_`` is the article of the page, its style with it, and nothing of a page around it."""
    explanation = cr.explain(digits_network, digit)
    fragment = explanation._repr_html_()
    assert fragment in explanation.html()
    assert fragment.startswith("<style>")
    assert "<html" not in fragment


def test_the_text_fits_a_terminal(digits_network, digit):
    """Printed, no line is wider than 100 columns, and there is no markup left."""
    text = str(cr.explain(digits_network, digit))
    assert max(map(len, text.splitlines())) <= 100
    assert "$" not in text
    assert "\\frac" not in text
    assert "`" not in text


def test_formulas_are_told_twice():
    """Text and MathML of one formula say the same; a brace that does not close is an error."""
    assert to_text(r"\frac{1}{2m} Σ_i (y_i − a_i)^2") == "1/(2m) Σᵢ (yᵢ − aᵢ)²"
    assert to_text("w^1_{3,412}") == "w¹[3,412]"
    assert to_text("δ^{l+1}") == "δˡ⁺¹"
    assert to_mathml(r"\frac{a}{b}") == "<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>"
    assert to_mathml("a < b") == '<math><mi>a</mi><mspace width="0.25em"/><mo>&lt;</mo><mspace width="0.25em"/><mi>b</mi></math>'
    assert to_mathml("w_{ij}") == "<math><msub><mi>w</mi><mrow><mi>i</mi><mi>j</mi></mrow></msub></math>"
    for wrong in ("a}", "a^{b", "a^", r"\frac{a}"):
        with pytest.raises(ValueError, match=r"brace|follow"):
            to_text(wrong)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_are_told_to_their_digits(value):
    """A number as it is told can be read back, to half a unit of its last digit."""
    said = tell(value, 6).replace("−", "-").replace("·10^{", "e").replace("}", "")
    assert float(said) == pytest.approx(value, rel=5.01e-6)


@pytest.mark.parametrize("activation", ["relu", "identity"])
@pytest.mark.parametrize("cost", ["quadratic", "mean_squared_error"])
def test_a_neuron_is_told_with_its_own_gradient(activation, cost):
    """The table of the gradient, the bias's mean and the step are what ``Neuron`` computes (N6-N8)."""
    neuron = cr.Neuron([0.7, -0.4], 0.1, activation, cost)
    x, y = np.array([[0.2, 1.0], [1.5, 0.3], [-2.0, 1.0]]), np.array([0.5, 0.9, 0.2])
    explanation = cr.explain(neuron, x, y, learning_rate=0.5)
    dw, db = neuron.gradient(x, y)
    gradient = section(explanation, "N6", "N7").blocks[-1]
    assert isinstance(gradient, Table)
    assert [row[1] for row in gradient.rows] == [f"${tell(g, 6)}$" for g in dw]
    assert tell(db, 6) in words(section(explanation, "N8"))
    after = explanation.sections[-1].blocks[-1].rows
    neuron.step(x, y, 0.5)
    assert after[0][2] == f"${tell(neuron.w[0], 6)}$"
    assert after[-1][2] == f"${tell(neuron.cost(x, y), 6)}$"
    nudges = explanation.sections[-2].blocks[-1].rows
    assert all(row[-1] == "crosses the kink" or int(row[-1]) >= 6 for row in nudges)


def test_a_neuron_of_one_input_is_drawn(tmp_path):
    """Points, line and errors are drawn for one input: a point, an error and a piece of line for each example."""
    explanation = cr.explain(cr.Neuron([0.7], 0.1), [[0.2], [1.0], [-1.0]], [0.5, 1.0, 0.3])
    page = explanation.html()
    assert page.count('<circle class="point"') == 3
    assert page.count('<line class="error"') == 3
    assert str(explanation).count("o") > 3


def test_one_example_may_come_without_its_batch(digits_network, digit):
    """A row and its label, or its row of targets, are a batch of one."""
    row = np.asarray(digit.x)[0]
    due = str(cr.explain(digits_network, digit))
    assert str(cr.explain(digits_network, row, 5)) == due
    assert str(cr.explain(digits_network, row, np.eye(10)[5])) == due


def test_own_functions_are_told_by_their_names():
    """An activation and a cost of one's own are explained with their own numbers."""
    softplus = cr.Activation("softplus", lambda z: np.logaddexp(0, z), lambda z, a: 1 / (1 + np.exp(-z)))
    fourth = cr.Cost("fourth", lambda a, y: ((a - y) ** 4).sum(axis=1), lambda a, y: 4 * (a - y) ** 3)
    net = cr.Network([2, 3, 1], activation=softplus, output="identity", cost=fourth, seed=0)
    text = str(cr.explain(net, [[1.0, 2.0]], [[0.5]]))
    assert "softplus(z)" in text
    assert "fourth(a, y)" in text


def test_csr_rows_are_explained_too():
    """A row of a CSR matrix gives what the same numbers give dense."""
    from scipy.sparse import csr_matrix

    net, x = cr.Network([5, 3, 2], seed=0), np.array([[0.0, 1.5, 0.0, 0.0, -2.0]])
    assert str(cr.explain(net, csr_matrix(x), [1])) == str(cr.explain(net, x, [1]))


NET = cr.Network([3, 4, 2], seed=0)
X = np.ones((2, 3))


def spoiled():
    """A network with a NaN in it."""
    net = cr.Network([3, 4, 2], seed=0)
    net.weights[0][0, 0] = np.nan
    return net


@pytest.mark.parametrize(
    ("call", "kind", "says"),
    [
        (lambda: cr.explain(NET, X), errors.DataError, "needs y"),
        (lambda: cr.explain(NET, np.ones((2, 4)), [0, 1]), errors.DataError, "4 columns"),
        (lambda: cr.explain(NET, X, [0, 5]), errors.DataError, "5"),
        (lambda: cr.explain(spoiled(), X, [0, 1]), errors.DataError, "NaN"),
        (lambda: cr.explain("net", X, [0, 1]), errors.ArgumentTypeError, "str"),
        (lambda: cr.explain(NET, X, [0, 1], layer=3), errors.SettingError, "at most 2"),
        (lambda: cr.explain(NET, X, [0, 1], layer=0), errors.SettingError, "at least 1"),
        (lambda: cr.explain(NET, X, [0, 1], unit=0), errors.SettingError, "say the layer"),
        (lambda: cr.explain(NET, X, [0, 1], layer=1, unit=4), errors.SettingError, "below 4"),
        (lambda: cr.explain(NET, X, [0, 1], layer=2, input=4), errors.SettingError, "below 4"),
        (lambda: cr.explain(NET, X, [0, 1], learning_rate=0), errors.SettingError, "above 0"),
        (lambda: cr.explain(NET, np.ones((1001, 3)), np.zeros(1001, int)), errors.DataError, "1,000"),
        (lambda: cr.explain(NET, cr.Examples(X, [0, 1], weights=[1, 2])), errors.DataError, "alike"),
        (lambda: cr.explain(cr.Neuron([1.0], 0), [[1.0]]), errors.DataError, "needs y"),
        (lambda: cr.explain(cr.Neuron([1.0], 0), [[1.0], [2.0, 3.0]], [1.0, 2.0]), errors.DataError, "equal length"),
        (lambda: cr.explain(cr.Neuron([1.0], 0), [[1.0]], [1.0], layer=1), errors.SettingError, "no layers"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_a_sentence(call, kind, says):
    """A row that is not there, other sizes, missing labels, NaN in the model: one sentence each."""
    with pytest.raises(kind, match=says) as raised:
        call()
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_a_large_network_is_explained_without_a_copy_of_it():
    """Explaining 10^7 weights takes little more memory than the network itself, whose 40 MB it holds once."""
    code = """
import numpy as np, chainrule as cr
from pathlib import Path
net = cr.Network([3000, 2500, 900, 10], activation="relu", cost="log_loss", seed=0)
x = np.random.default_rng(0).normal(size=(1, 3000)).astype("f4")
cr.explain(net, x, [3]).html()
lines = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)
"""
    peak = float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300).stdout)
    assert peak < 200  # MiB


def test_a_saturated_network_agrees_with_its_nudge():
    """Where a sigmoid or softmax is rounded to 0 or 1, the nudge still sees the cost, and shares its digits with a - y."""
    for w in (20.0, 40.0, 300.0):
        net = cr.Network([1, 1], cost="cross_entropy", seed=0, dtype="float64")
        net.weights[0][...], net.biases[0][...] = w, 0
        p = passage_of(net, cr.Examples([[1.0]], [[0.0]]))
        nudge = p.nudge(0, p.shift(Place(0, 0, 0)))
        gradient = p.entry(Place(0, 0, 0))
        assert nudge.shared_digits(gradient) >= 6
        assert "wrong" not in nudge.why(gradient)


def test_a_weight_on_a_black_pixel_says_so(digits_network, digit):
    """A weight that meets an input of 0 has no nudge: that is said, and no digits are counted."""
    explanation = cr.explain(digits_network, digit, layer=1, unit=3, input=0)
    assert "meets an input of 0" in str(explanation)
    assert "digits" not in str(next(s for s in explanation.sections if "by hand" in s.title))


def test_the_step_is_one_that_falls():
    """Without a rate that means the same here, one is taken at which the cost of the batch falls; a given one is judged."""
    net = cr.Network([1, 1], output="identity", seed=0, dtype="float64")
    huge = cr.Examples([[1e4]], [[3.0]])
    assert "The cost of this batch falls." in str(cr.explain(net, huge))
    assert "rises: for it the step is too long" in " ".join(str(cr.explain(net, huge, learning_rate=1.0)).split())
    net.weights[0][...], net.biases[0][...] = 0, 3
    assert "Every gradient is 0: nothing moves." in str(cr.explain(net, huge))


def test_values_are_no_classes(digits_network):
    """Targets that are values are not told as classes, and columns of a table are no picture."""
    net = cr.Network([64, 4, 2], output="identity", seed=0)
    text = str(cr.explain(net, np.full((1, 64), 0.3), [[-3.2, -0.8]]))
    assert "is a 0" not in text
    assert "picture" not in text


def test_names_of_ones_own_are_told_as_they_are():
    """Whatever a function is called, its name is no markup, in the text and on the page."""
    for name in ("}{", "x_", "my_relu", "\\frac", "<b>a^{</b>", "two\nlines", "a$b`c"):
        own = cr.Activation(name, np.tanh, lambda z, a: 1 - a * a)
        explanation = cr.explain(cr.Network([2, 3, 1], activation=own, seed=0), [[1.0, 2.0]], [[0.5]])
        assert "<b>" not in explanation.html()
        assert Page(explanation.html()).open == []
        assert len(str(explanation)) > 1000


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e30, 1e99, 1e150, 1e300, 1e-30, 1e-300])
@pytest.mark.parametrize("hidden", ["sigmoid", "relu", "exp", "identity"])
def test_extreme_inputs_are_explained_or_refused_in_a_sentence(size, hidden):
    """Inputs of any size give an explanation, or one sentence; never a traceback or a warning."""
    net = cr.Network([3, 4, 2], activation=hidden, seed=0, dtype="float64")
    neuron = cr.Neuron([0.5], 0.1)
    for ask in (
        lambda: cr.explain(net, [[size, 1.0, 0.0]], [1]),
        lambda: cr.check_gradient(net, [[size, 1.0, 0.0]], [1]),
        lambda: cr.explain(neuron, [[size], [1.0]], [0.0, 1.0]),
    ):
        said = ""
        try:
            str(ask())
        except errors.DataError as refused:
            said = str(refused)
        assert not said or "overflow" in said


def test_functions_that_fail_are_told_of():
    """An activation of one's own that raises, or whose derivative has another shape, is one sentence."""
    for own in (cr.Activation("f", lambda z: 1 / 0, lambda z, a: a), cr.Activation("g", np.tanh, lambda z, a: np.ones(7))):
        net = cr.Network([2, 3, 1], activation=own, seed=0)
        with pytest.raises(errors.ChainruleError, match=r"fails|shape"):
            cr.explain(net, [[1.0, 2.0]], [[0.5]])
