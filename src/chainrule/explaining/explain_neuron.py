"""The derivation of pages 1-2 with a neuron's own numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array
from ..calculus.neuron import Neuron, active
from ..errors import DataError
from .batch_pass import LARGEST_NUMBER
from .blocks import Block, Formulas, Plot, Prose, Section, Shapes, Table
from .central_difference import EPSILON, CentralDifference, central_difference
from .explanation import Explanation
from .notation import format_factor, format_number, inline_number

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_TABLE_ROWS = 10
LINE_POINTS = 200


def explain_neuron(neuron: Neuron, x: npt.ArrayLike, y: npt.ArrayLike, rate: float) -> Explanation:
    """Explain one neuron over m examples: (N1) to (N8), and one step of gradient descent with this learning rate."""
    with np.errstate(all="ignore"):
        cost = neuron.cost(x, y)  # also checks x and y
    rows, targets = np.asarray(x, np.float64), np.asarray(y, np.float64)
    arrays = (rows, targets, neuron.w, neuron.weighted_input(rows))
    if not max(float(np.abs(array).max()) for array in arrays) < LARGEST_NUMBER:
        raise DataError(
            f"inputs, targets, weights and weighted inputs must be below {LARGEST_NUMBER:g}, or their squares overflow; "
            "scale the inputs to about 1"
        )
    about = NeuronSections(neuron, rows, targets, rate)
    n, m = len(neuron.w), len(rows)
    return Explanation(
        f"One neuron of {n} input{'s' * (n > 1)}, and {m} example{'s' * (m > 1)}",
        "The derivative of a neuron's cost with respect to its weights: the chain rule applied twice, with the numbers of this "
        f"neuron. The cost is {inline_number(cost, 5)}.",
        (
            about.cost(cost),
            about.chain_rule(),
            about.two_cases(),
            about.error_terms(),
            about.bias(),
            about.gradient_check(),
            about.step(cost),
        ),
    )


class NeuronSections:
    """Makes the sections of a neuron's explanation."""

    def __init__(self, neuron: Neuron, x: Array, y: Array, rate: float) -> None:
        self.neuron, self.x, self.y, self.rate = neuron, x, y, rate
        self.m = len(x)
        self.z = neuron.weighted_input(x)
        self.a = neuron.feedforward(x)
        self.e = neuron.error_terms(x, y)
        self.active = active(self.z, neuron.activation)
        self.gradient = neuron.gradient(x, y)
        self.has_relu = neuron.activation == "relu"
        self.halved = neuron.cost_name != "mean_squared_error"
        self.factor = r"\frac{1}{m}" if self.halved else r"\frac{2}{m}"  # in front of the sum, after the square is differentiated

    def cost(self, cost: float) -> Section:
        """N1 and N2."""
        output = "max(0, w · x_i + b)" if self.has_relu else "w · x_i + b"
        factor = r"\frac{1}{2m}" if self.halved else r"\frac{1}{m}"
        words = "The neuron multiplies each input by a weight, adds the products and the bias"
        words += ", and replaces a negative sum by 0. " if self.has_relu else ". "
        words += "Let $v_i$ be the target minus the output. The cost is the mean of its square"
        words += ", halved so that it cancels the 2 of the square's derivative." if self.halved else "."
        columns = {"$z_i = w · x_i + b$": self.z, "$a_i$": self.a, "$y_i$": self.y, "$v_i$": self.y - self.a}
        blocks: list[Block] = [
            Prose(words),
            Formulas((f"a_i = {output},   v_i = y_i − a_i", rf"C(w, b) = {factor} Σ_i v_i^2 = {format_number(cost, 6)}")),
            self._table(columns),
        ]
        if len(self.neuron.w) == 1:
            blocks.append(self.plot())
        return Section(("N1", "N2"), "The cost", tuple(blocks))

    def _table(self, columns: dict[str, Any]) -> Table:
        """The first examples, one in each row."""
        shown = min(self.m, MAX_TABLE_ROWS)
        rows = tuple((str(i + 1), *(inline_number(values[i]) for values in columns.values())) for i in range(shown))
        caption = f"The first {shown} of {self.m} examples." if shown < self.m else ""
        return Table(("$i$", *columns), rows, caption)

    def plot(self) -> Plot:
        """The targets as points, the output as a line, and the errors as bars."""
        x = self.x[:, 0]
        margin = 0.05 * (float(np.ptp(x)) or 1.0)
        line_x = np.linspace(x.min() - margin, x.max() + margin, LINE_POINTS)
        title = "The targets as points, the neuron's output as a line, and the errors as bars"
        return Plot(title, x, self.y, self.a, line_x, self.neuron.feedforward(line_x[:, None]))

    def chain_rule(self) -> Section:
        """N2 to N4."""
        v_by_w, a_by_w = r"\frac{∂v_i}{∂w}", r"\frac{∂a_i}{∂w}"
        factor = r"\frac{1}{2m}" if self.halved else r"\frac{1}{m}"
        words = (
            "The cost depends on the weights through the squares, the squares through $v_i$, and $v_i$ through the output $a_i$:"
        )
        formulas = (
            rf"\frac{{∂C}}{{∂w}} = {factor} Σ_i 2 v_i {v_by_w} = {self.factor} Σ_i v_i {v_by_w}",
            rf"{v_by_w} = −{a_by_w},   so   \frac{{∂C}}{{∂w}} = {self.factor} Σ_i v_i (−1) {a_by_w}",
        )
        return Section(("N2", "N3", "N4"), "The chain rule, twice", (Prose(words), Formulas(formulas)))

    def two_cases(self) -> Section:
        """N5."""
        lines: tuple[str, ...] = (r"\frac{∂a_i}{∂w} = x_i^T,   \frac{∂a_i}{∂b} = 1",)
        words = "The output is the weighted input itself, so its derivative with respect to a weight is that weight's input:"
        if self.has_relu:
            lines = (
                r"\frac{∂a_i}{∂w} = 0^T  where  w · x_i + b ≤ 0,   x_i^T  where  w · x_i + b > 0",
                r"\frac{∂a_i}{∂b} = 0  or  1  likewise",
            )
            inactive = int((~self.active).sum())
            words = (
                "The output has two cases: the weighted input where $w · x_i + b > 0$, else 0. Of these "
                f"{self.m} examples {inactive} {'is' if inactive == 1 else 'are'} in the second case:"
            )
        return Section(("N5",), "The derivative of the output", (Prose(words), Formulas(lines)))

    def error_terms(self) -> Section:
        """N6 and N7."""
        n = len(self.neuron.w)
        columns: dict[str, Any] = {"$e_i$": self.e}
        for k in range(min(n, 4)):
            columns[f"$x_{{i{k + 1}}}$"] = self.x[:, k]
            columns[f"$e_i x_{{i{k + 1}}}$"] = self.e * self.x[:, k]
        rows = tuple((f"∂C/∂w[{k}]", inline_number(g, 6)) for k, g in enumerate(self.gradient.dw[:MAX_TABLE_ROWS]))
        where_active = "  over the active examples" if self.has_relu else ""
        inactive = ", and 0 for an example whose output is cut off" if self.has_relu else ""
        formulas = (
            rf"\frac{{∂C}}{{∂w}} = {self.factor} Σ_i (w · x_i + b − y_i) x_i^T{where_active}",
            rf"e_i = w · x_i + b − y_i,   \frac{{∂C}}{{∂w}} = {self.factor} Σ_i e_i x_i^T",
        )
        words = (
            f"The two minus signs cancel: $e_i$ is the error, output minus target{inactive}. Each example changes the weights in "
            "proportion to its error and along its own input."
        )
        return Section(
            ("N6", "N7"),
            "What does this look like? The errors times the inputs, averaged",
            (
                Formulas(formulas),
                Prose(words),
                Shapes(f"({self.m},) @ ({self.m}, {n}) / {self.m} = ({n},)"),
                self._table(columns),
                Table(("", "the gradient"), rows, "" if n <= MAX_TABLE_ROWS else f"The first {MAX_TABLE_ROWS} of {n} weights."),
            ),
        )

    def bias(self) -> Section:
        """N8."""
        numbers = rf"\frac{{{1 if self.halved else 2}}}{{{self.m}}} · {format_factor(float(self.e.sum()), 6)}"
        mean = "the mean" if self.halved else "twice the mean"
        words = f"A bias is the weight of an input that is always 1, so its gradient is {mean} of the errors, a single number:"
        formula = rf"\frac{{∂C}}{{∂b}} = {self.factor} Σ_i e_i = {numbers} = {format_number(self.gradient.db, 6)}"
        return Section(("N8",), "The gradient of the bias", (Prose(words), Formulas((formula,))))

    def gradient_check(self) -> Section:
        """Each weight's gradient beside its central difference."""
        rows = []
        for k in range(min(len(self.neuron.w), MAX_TABLE_ROWS)):
            gradient, difference = self.gradient.dw[k], self._central_difference(k)
            shared = "crosses the kink" if difference.crosses_kink else str(difference.shared_digits(gradient))
            numbers = inline_number(gradient, 10), inline_number(difference.slope, 10), inline_number(difference.h, 2)
            rows.append((f"w[{k}]", *numbers, shared))
        header = ("", "the gradient", "central difference", "$h$", "digits shared")
        formula = Formulas((r"\frac{C(w + h) − C(w − h)}{2h}",))
        return Section((), "Check: a central difference for each weight", (formula, Table(header, tuple(rows))))

    def _central_difference(self, k: int) -> CentralDifference:
        """The central difference of the cost with respect to weight k."""
        neuron, inputs = self.neuron, self.x[:, k]

        def cost(change: float) -> float:
            w = neuron.w.copy()
            w[k] += change
            return Neuron(w, neuron.b, neuron.activation, neuron.cost_name).cost(self.x, self.y)

        def crosses_kink(h: float) -> bool:
            return self.has_relu and bool(((self.z + h * inputs > 0) != (self.z - h * inputs > 0)).any())

        scale = 1 / max(float(np.abs(inputs).max()), 1e-100)
        return central_difference(cost, scale, 4 * EPSILON * neuron.cost(self.x, self.y), crosses_kink)

    def step(self, cost: float) -> Section:
        """The step of pages 1-2."""
        neuron = self.neuron
        after = Neuron(neuron.w, neuron.b, neuron.activation, neuron.cost_name)
        after.step(self.x, self.y, self.rate)
        cost_after = after.cost(self.x, self.y)
        shown = range(min(len(after.w), MAX_TABLE_ROWS))
        rows = [(f"w[{k}]", inline_number(neuron.w[k], 6), inline_number(after.w[k], 6)) for k in shown]
        rows.append(("b", inline_number(neuron.b, 6), inline_number(after.b, 6)))
        rows.append(("cost", inline_number(cost, 6), inline_number(cost_after, 6)))
        effect = "The cost increases: the learning rate is too large."
        if cost_after <= cost:
            effect = "The cost decreases." if cost_after < cost else "The cost does not change."
        words = f"Every weight and the bias move against their gradient, scaled by $η = {format_number(self.rate)}$:"
        formulas = (r"w ← w − η \frac{∂C}{∂w},   b ← b − η \frac{∂C}{∂b}",)
        return Section((), "The step", (Prose(words), Formulas(formulas), Table(("", "before", "after"), tuple(rows), effect)))
