"""The derivation of pages 1-2 with a neuron's own numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._types import Array
from ..calculus.neuron import Neuron, active
from ..errors import DataError
from .differences import EPSILON, nudged
from .model import Block, Explanation, Formulas, Plot, Prose, Section, Shapes, Table
from .notation import cell, factor, tell
from .passage import LARGEST

if TYPE_CHECKING:
    import numpy.typing as npt

SHOWN = 10  # examples in a table
LINE_POINTS = 200


def explain_neuron(neuron: Neuron, x: npt.ArrayLike, y: npt.ArrayLike, rate: float) -> Explanation:
    """Make the explanation of one neuron over m examples: (N1) to (N8), and the step."""
    with np.errstate(all="ignore"):
        cost = neuron.cost(x, y)  # which checks them
    rows, targets = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if not max(float(np.abs(part).max()) for part in (rows, targets, neuron.w, neuron.weighted_input(rows))) < LARGEST:
        raise DataError("numbers this large overflow on the way; scale the inputs to about 1")
    teller = Teller(neuron, rows, targets, rate)
    n, m = len(neuron.w), len(rows)
    return Explanation(
        f"One neuron of {n} input{'s' * (n > 1)}, and {m} example{'s' * (m > 1)}",
        f"How the cost of a neuron changes with its weights: two uses of the chain rule, with the numbers of this neuron. The "
        f"cost is {cell(cost, 5)}.",
        (
            teller.the_cost(cost),
            teller.chain_rule(),
            teller.cases(),
            teller.error_terms(),
            teller.bias(),
            teller.nudge(),
            teller.step(cost),
        ),
    )


class Teller:
    """Tells the derivation section by section."""

    def __init__(self, neuron: Neuron, x: Array, y: Array, rate: float) -> None:
        self.neuron, self.x, self.y, self.rate = neuron, x, y, rate
        self.z = neuron.weighted_input(x)
        self.a = neuron.feedforward(x)
        self.e = neuron.error_terms(x, y)
        self.on = active(self.z, neuron.activation)
        self.gradient = neuron.gradient(x, y)
        self.m = len(x)
        self.twice = neuron.cost_name == "mean_squared_error"
        self.relu = neuron.activation == "relu"
        self.mean = r"\frac{2}{m}" if self.twice else r"\frac{1}{m}"  # what the square's derivative leaves before the sum

    def table(self, columns: dict[str, Any], caption: str = "") -> Table:
        """The first examples, one a row."""
        shown = min(self.m, SHOWN)
        rows = tuple((str(i + 1), *(cell(values[i]) for values in columns.values())) for i in range(shown))
        rest = f" The first {shown} of {self.m} examples." if shown < self.m else ""
        return Table(("$i$", *columns), rows, (caption + rest).strip())

    def the_cost(self, cost: float) -> Section:
        """N1 and N2."""
        half, factor_of = ("1", "m") if self.twice else ("1", "2m")
        answer = "max(0, w · x_i + b)" if self.relu else "w · x_i + b"
        blocks: list[Block] = [
            Prose(
                f"The neuron multiplies each input by a weight, adds them up and adds the "
                f"bias{', and cuts off what is below 0' if self.relu else ''}. "
                "Let $v_i$ be what it misses the target by; the cost is their mean square"
                + (", halved, so that the 2 of the square's derivative is gone." if not self.twice else ".")
            ),
            Formulas(
                (
                    f"a_i = {answer},   v_i = y_i − a_i",
                    rf"C(w, b) = \frac{{{half}}}{{{factor_of}}} Σ_i v_i^2 = {tell(cost, 6)}",
                )
            ),
            self.table({"$z_i = w · x_i + b$": self.z, "$a_i$": self.a, "$y_i$": self.y, "$v_i$": self.y - self.a}),
        ]
        if len(self.neuron.w) == 1:
            blocks.append(self.plot())
        return Section(("N1", "N2"), "The cost", tuple(blocks))

    def plot(self) -> Plot:
        """The points, the answer, and the errors as bars."""
        x = self.x[:, 0]
        margin = 0.05 * (float(np.ptp(x)) or 1.0)
        line = np.linspace(x.min() - margin, x.max() + margin, LINE_POINTS)
        return Plot(
            "The targets as points, the neuron's answer as a line, and what it misses by as bars",
            x,
            self.y,
            self.a,
            line,
            self.neuron.feedforward(line[:, None]),
        )

    def chain_rule(self) -> Section:
        """N2 to N4."""
        before, v_by_w, a_by_w = r"\frac{1}{m}" if self.twice else r"\frac{1}{2m}", r"\frac{∂v_i}{∂w}", r"\frac{∂a_i}{∂w}"
        return Section(
            ("N2", "N3", "N4"),
            "The chain rule, twice",
            (
                Prose(
                    "The cost depends on the weights through the squares, the squares through $v_i$, and $v_i$ through the answer "
                    "$a_i$:"
                ),
                Formulas(
                    (
                        rf"\frac{{∂C}}{{∂w}} = {before} Σ_i 2 v_i {v_by_w} = {self.mean} Σ_i v_i {v_by_w}",
                        rf"{v_by_w} = −{a_by_w},   so   \frac{{∂C}}{{∂w}} = {self.mean} Σ_i v_i (−1) {a_by_w}",
                    )
                ),
            ),
        )

    def cases(self) -> Section:
        """N5."""
        lines: tuple[str, ...] = (r"\frac{∂a_i}{∂w} = x_i^T,   \frac{∂a_i}{∂b} = 1",)
        words = "Nothing is cut off, so the answer changes with a weight as fast as its input is large:"
        if self.relu:
            lines = (
                r"\frac{∂a_i}{∂w} = 0^T  where  w · x_i + b ≤ 0,   x_i^T  where  w · x_i + b > 0",
                r"\frac{∂a_i}{∂b} = 0  or  1  likewise",
            )
            words = "The answer has two cases. Where $w · x_i + b > 0$ the input comes through, else nothing does"
            off = int((~self.on).sum())
            words += f"; of these {self.m} examples {off} {'is' if off == 1 else 'are'} cut off:"
        return Section(("N5",), "How the answer changes with the weights", (Prose(words), Formulas(lines)))

    def error_terms(self) -> Section:
        """N6 and N7."""
        n = len(self.neuron.w)
        columns: dict[str, Any] = {"$e_i$": self.e}
        for k in range(min(n, 4)):
            columns[f"$x_{{i{k + 1}}}$"] = self.x[:, k]
            columns[f"$e_i x_{{i{k + 1}}}$"] = self.e * self.x[:, k]
        rows = tuple((f"∂C/∂w[{k}]", cell(g, 6)) for k, g in enumerate(self.gradient.dw[:SHOWN]))
        return Section(
            ("N6", "N7"),
            "What does this look like? The errors times the inputs, averaged",
            (
                Formulas(
                    (
                        rf"\frac{{∂C}}{{∂w}} = {self.mean} Σ_i (w · x_i + b − y_i) x_i^T"
                        + ("  over the active examples" if self.relu else ""),
                        rf"e_i = w · x_i + b − y_i,   \frac{{∂C}}{{∂w}} = {self.mean} Σ_i e_i x_i^T",
                    )
                ),
                Prose(
                    "The two minus signs are gone: $e_i$ is the error, answer minus target"
                    + (", and 0 for an example that is cut off." if self.relu else ".")
                    + " Each example pulls the weights along its own input, the harder the more it is wrong."
                ),
                Shapes(f"({self.m},) @ ({self.m}, {n}) / {self.m} = ({n},)"),
                self.table(columns),
                Table(("", "the gradient"), rows, "" if n <= SHOWN else f"The first {SHOWN} of {n} weights."),
            ),
        )

    def bias(self) -> Section:
        """N8."""
        numbers = rf"\frac{{{1 + self.twice}}}{{{self.m}}} · {factor(float(self.e.sum()), 6)}"
        return Section(
            ("N8",),
            "And the bias",
            (
                Prose("A bias is the weight of an input that is always 1: its gradient is the mean of the errors, one number."),
                Formulas((rf"\frac{{∂C}}{{∂b}} = {self.mean} Σ_i e_i = {numbers} = {tell(self.gradient.db, 6)}",)),
            ),
        )

    def nudge(self) -> Section:
        """Each weight's gradient beside what a nudge does."""
        rows = []
        noise = 4 * EPSILON * self.neuron.cost(self.x, self.y)
        for k in range(min(len(self.neuron.w), SHOWN)):
            scale = 1 / max(float(np.abs(self.x[:, k]).max()), 1e-100)
            nudge = nudged(lambda change, k=k: self.cost_with(k, change), scale, noise, lambda h, k=k: self.crosses(k, h))  # type: ignore[misc]
            shared = "crosses the kink" if nudge.crosses else str(nudge.shared_digits(self.gradient.dw[k]))
            rows.append((f"w[{k}]", cell(self.gradient.dw[k], 10), cell(nudge.slope, 10), cell(nudge.h, 2), shared))
        return Section(
            (),
            "Is that so? A nudge of each weight",
            (
                Formulas((r"\frac{C(w + h) − C(w − h)}{2h}",)),
                Table(("", "the gradient", "the nudge", "$h$", "digits shared"), tuple(rows)),
            ),
        )

    def cost_with(self, k: int, change: float) -> float:
        """The cost where weight k is changed."""
        w = self.neuron.w.copy()
        w[k] += change
        return Neuron(w, self.neuron.b, self.neuron.activation, self.neuron.cost_name).cost(self.x, self.y)

    def crosses(self, k: int, h: float) -> bool:
        """Whether a change of weight k sends an example through the kink."""
        return self.relu and bool(((self.z + h * self.x[:, k] > 0) != (self.z - h * self.x[:, k] > 0)).any())

    def step(self, cost: float) -> Section:
        """The step of pages 1-2."""
        after = Neuron(self.neuron.w, self.neuron.b, self.neuron.activation, self.neuron.cost_name)
        after.step(self.x, self.y, self.rate)
        rows = [(f"w[{k}]", cell(self.neuron.w[k], 6), cell(after.w[k], 6)) for k in range(min(len(after.w), SHOWN))]
        then = after.cost(self.x, self.y)
        rows += [("b", cell(self.neuron.b, 6), cell(after.b, 6)), ("cost", cell(cost, 6), cell(then, 6))]
        falls = "The cost falls." if then < cost else "The cost stays." if then == cost else "The cost rises: the step is too long."
        return Section(
            (),
            "The step",
            (
                Prose(f"All move against their gradients, by $η = {tell(self.rate)}$ of them:"),
                Formulas((r"w ← w − η \frac{∂C}{∂w},   b ← b − η \frac{∂C}{∂b}",)),
                Table(("", "before", "after"), tuple(rows), falls),
            ),
        )
