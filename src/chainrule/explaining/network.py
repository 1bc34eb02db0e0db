"""The derivation with a network's own numbers: pages 3 and 4 of the notes, for one batch.

A ``Teller`` tells it section by section; a single weight worked out by hand, and its step, stand in ``by_hand``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._types import Array
from ..calculus.activations import ACTIVATIONS
from ..calculus.backprop import nabla_w
from ..examples import Layout
from . import notation
from .by_hand import by_hand, step
from .model import Block, Explanation, Formulas, Gallery, Histogram, Picture, Prose, Section, Shapes, Table
from .notation import cell, tell
from .passage import Passage

if TYPE_CHECKING:
    from ..network import Network

FEW = 12  # numbers that are listed; more are a histogram
UNITS_SHOWN = 30  # whose weights are drawn
FAINT = 0.02  # of the largest gradient: less is hardly seen
WORKED_LAYERS = 3  # layers that each get a weight worked out; of deeper networks the first and the last
SMALLEST_IMAGE = 8  # pixels on a side


@dataclass(frozen=True)
class Choice:
    """The weight to work out, as far as it is chosen: its layer, unit and input, from 0."""

    layer: int | None = None
    unit: int | None = None
    input: int | None = None


def explain_network(network: Network, passage: Passage, chosen: Choice, rate: float, layout: Layout | None) -> Explanation:
    """Make the explanation of a batch's way through a network, and of a step of ``rate``; ``layout``: how inputs are pictures."""
    teller, layers = Teller(network, passage, layout), range(len(passage.weights))
    worked = [chosen.layer] if chosen.layer is not None else layers if len(layers) <= WORKED_LAYERS else [0, layers[-1]]
    places = [passage.largest(layer, chosen.unit, chosen.input) for layer in worked]
    sections = [
        teller.shapes(),
        teller.what_comes_in(),
        *(teller.forward(layer) for layer in layers),
        teller.the_cost(),
        teller.error_of_the_output(),
        *(teller.error_sent_back(layer) for layer in reversed(layers[:-1])),
        teller.gradients(),
        *(by_hand(passage, place) for place in reversed(places)),
        step(passage, places[0], rate),
    ]
    title = (
        f"{' × '.join(map(str, network.sizes))}: {'one example' if passage.m == 1 else f'{passage.m} examples'}, forward and back"
    )
    return Explanation(title, teller.summary(), tuple(sections))


@dataclass(frozen=True)
class Teller:
    """Tells of one batch's way through a network; what is per example is that of the first."""

    network: Network
    p: Passage
    layout: Layout | None

    def summary(self) -> str:
        """Say what follows, and how the example came out."""
        p, a = self.p, self.p.a[0]
        what = "one example" if p.m == 1 else f"{p.m} examples"
        said = ""
        if len(a) > 1 and one_hot(p.y[0]):
            wanted, largest = int(p.y[0].argmax()), int(a.argmax())
            which, joint = "The example" if p.m == 1 else "The first example", "and" if wanted == largest else "but"
            said = f" {which} is a {wanted}, {joint} the largest output is that of {largest}."
        return (
            f"How {what} become{'s' * (p.m == 1)} a cost, and how the cost finds its way back to every weight: the derivation of "
            f"the notes, with the numbers of this network ({self.network.parameters:,} weights and biases). The cost is "
            f"{cell(p.cost_of(p.a), 5)}.{said}"
        )

    def shapes(self) -> Section:
        """N9."""
        layers = zip(self.p.weights, self.p.biases, self.p.sigmas, strict=True)
        rows = tuple(
            (str(k + 1), str(w.shape), f"({len(b)}, 1)", sigma.name, f"{w.size + b.size:,}")
            for k, (w, b, sigma) in enumerate(layers)
        )
        words = (
            "A layer turns the numbers that enter it into weighted sums, one a unit, and each sum into an activation. Its weights "
            "are a "
            "matrix: row $j$ belongs to unit $j$, column $k$ to input $k$. In Python layer 1 is `net.weights[0]`."
        )
        return Section(
            ("N9",),
            "The network",
            (Prose(words), Table(("layer", "weights w", "biases b", "activation", "parameters"), rows)),
        )

    def what_comes_in(self) -> Section:
        """Page 3: the input, and the target."""
        x, y, m = self.p.x[0], self.p.y[0], self.p.m
        many = "" if m == 1 else f" The batch has {m} of them, its columns; the first is shown, and gradients are sums over all."
        zeros = int((x == 0).sum())
        dark = f" {zeros} of the inputs are 0: from this example their weights get no gradient." if zeros else ""
        blocks: list[Block] = [
            Prose(f"The input is a column of {len(x)} numbers, $a^0 = x$, the target $y$ one of {len(y)}.{many}{dark}")
        ]
        blocks += [Picture("$x$, as a picture", self.upright(x))] if self.drawn else self.numbers({"x": x})
        if len(y) > 1 and one_hot(y):
            blocks.append(Prose(f"The target is 1 for output {int(y.argmax())}, and 0 for the others."))
        else:
            blocks += self.numbers({"y": y})
        return Section(("N10",), "What comes in, and what should come out", tuple(blocks))

    def forward(self, layer: int) -> Section:
        """N10 for one layer."""
        p, w = self.p, self.p.weights[layer]
        z, a, how = p.trace.zs[layer][0], p.trace.activations[layer][0], notation.of_activation(p.sigmas[layer])
        name, before = layer + 1, layer
        blocks: list[Block] = [
            Formulas((f"z^{name} = w^{name} a^{before} + b^{name}", f"a^{name} = σ(z^{name}),   {how.value}")),
            Shapes(f"{w.shape} @ ({w.shape[1]}, {p.m}) + ({w.shape[0]}, 1) = ({w.shape[0]}, {p.m})"),
            Prose(how.remark),
            *self.numbers({f"z^{name}": z, f"a^{name}": a}),
        ]
        if p.sigmas[layer].name in ("relu", "leaky_relu"):
            on = int((z > 0).sum())
            blocks.append(Prose(f"Of the {len(z)} units this example turns {on} on ($z > 0$) and leaves {len(z) - on} off."))
        if layer == 0 and self.drawn:
            units = self.loudest()
            pictures = tuple(Picture(f"unit {j}", self.upright(w[j].astype(np.float64)), signed=True) for j in units)
            whose = "every unit" if len(units) == len(w) else f"the {len(units)} units with the largest $|δ|$"
            blocks.append(Gallery(f"The weights of {whose}: what each looks for (blue adds to $z$, orange takes away)", pictures))
        return Section(("N10",), f"Forward through layer {name}", tuple(blocks))

    def the_cost(self) -> Section:
        """N1 for this cost."""
        p = self.p
        lines = [notation.of_cost(p.cost).value, f"C = {tell(float(p.cost.value(p.a[:1], p.y[:1])[0]), 6)}"]
        if p.m > 1:
            lines[-1] += "   for the first example"
            lines.append(rf"\frac{{1}}{{m}} Σ_i C_i = {tell(p.cost_of(p.a), 6)}   over all {p.m}")
        return Section(("N1",), "How wrong it is: the cost", (Formulas(tuple(lines)),))

    def error_of_the_output(self) -> Section:
        """BP1, as this pair of output and cost has it."""
        p, sigma, n_out = self.p, self.p.sigmas[-1], self.p.a.shape[1]
        softmax = sigma is ACTIVATIONS["softmax"]
        general = (
            r"δ_k = \frac{∂C}{∂z_k} = Σ_j \frac{∂C}{∂a_j} · \frac{∂a_j}{∂z_k}"
            if softmax
            else r"δ_j = \frac{∂C}{∂z_j} = \frac{∂C}{∂a_j} · \frac{∂a_j}{∂z_j} = \frac{∂C}{∂a_j} · σ′(z_j)"
        )
        pair = notation.of_output(sigma, p.cost)
        blocks: list[Block] = [
            Prose("Let $δ_j$ be how the cost changes with the weighted input $z_j$ of output unit $j$. By the chain rule it is"),
            Formulas((general,)),
            Prose("where"),
            Formulas((notation.of_cost(p.cost).derivative, notation.of_activation(sigma).derivative)),
            *([Formulas(pair.lines)] if pair.lines else []),
            Prose(pair.remark),
            Shapes(f"({n_out}, {p.m}) ⊙ ({n_out}, {p.m}) = ({n_out}, {p.m})"),
            self.outputs(),
        ]
        return Section(("BP1",), f"The error of the output: δ of layer {len(p.weights)}", tuple(blocks))

    def outputs(self) -> Table:
        """The outputs of the first example, one a row: those of largest ``|delta|`` where they are many."""
        p = self.p
        z, a, y, delta = p.trace.zs[-1][0], p.a[0], p.y[0], p.deltas[-1][0]
        columns = {"z_j": z, "a_j": a, "y_j": y, "∂C/∂a_j": p.cost.gradient(p.a[:1], p.y[:1])[0]}
        if p.sigmas[-1] is not ACTIVATIONS["softmax"]:
            columns["σ′(z_j)"] = p.sigmas[-1].derivative(z, a)
        columns["δ_j"] = delta
        shown = np.sort(np.argsort(-np.abs(delta), kind="stable")[:FEW])
        rows = tuple((str(j), *(cell(values[j]) for values in columns.values())) for j in shown)
        caption = "" if len(a) <= FEW else f"The {FEW} of {len(a)} outputs with the largest $|δ|$."
        strong = int(np.abs(delta[shown]).argmax())
        return Table(("$j$", *(f"${name}$" for name in columns)), rows, caption, strong)

    def error_sent_back(self, layer: int) -> Section:
        """BP2 for one hidden layer."""
        p, name, after = self.p, layer + 1, layer + 2
        how, n_out, n_next = notation.of_activation(p.sigmas[layer]), len(p.weights[layer]), len(p.weights[layer + 1])
        words = (
            f"Unit $j$ of layer {name} acts on the cost through every unit $i$ of layer {after}. By the chain rule its share of "
            f"their errors "
            "comes back over the same weights, and then through its own activation:"
        )
        blocks: list[Block] = [
            Prose(words),
            Formulas(
                (
                    f"δ^{name}_j = (Σ_i w^{after}_{{ij}} δ^{after}_i) · σ′(z^{name}_j)",
                    f"δ^{name} = ((w^{after})^T δ^{after}) ⊙ σ′(z^{name}),   {how.derivative}",
                )
            ),
            Shapes(f"({n_out}, {n_next}) @ ({n_next}, {p.m}) ⊙ ({n_out}, {p.m}) = ({n_out}, {p.m})"),
            *self.numbers({f"δ^{name}": p.deltas[layer][0]}),
        ]
        if p.sigmas[layer].name == "relu":
            off = int((p.trace.zs[layer][0] <= 0).sum())
            blocks.append(
                Prose(f"Units that are off ($z ≤ 0$), here {off}, have $δ = 0$: this example leaves their weights as they are.")
            )
        return Section(("BP2",), f"The error sent back: δ of layer {name}", tuple(blocks))

    def gradients(self) -> Section:
        """BP3 and BP4."""
        p = self.p
        rows = []
        for layer, w in enumerate(p.weights):
            largest = p.largest(layer)
            shapes = f"({w.shape[0]}, {p.m}) @ ({p.m}, {w.shape[1]}) = {w.shape}"
            rows.append((str(layer + 1), shapes, largest.name, cell(p.entry(largest))))
        summed = "" if p.m == 1 else ". The matrix product sums it over the examples"
        words = (
            "A bias stands in $z$ with a factor of 1, a weight with the activation that it multiplies. So the gradient of a bias "
            "is its "
            f"unit's $δ$, and that of a weight is the $δ$ at its output times the $a$ at its input{summed}:"
        )
        formulas = (r"\frac{∂C}{∂b^l_j} = δ^l_j", r"\frac{∂C}{∂w^l_{jk}} = δ^l_j a^{l−1}_k,   \frac{∂C}{∂w^l} = δ^l (a^{l−1})^T")
        blocks: list[Block] = [
            Prose(words),
            Formulas(formulas),
            Table(("layer", "shapes", "its largest entry", "$∂C/∂w$"), tuple(rows)),
        ]
        if self.drawn:
            gradients = [(j, nabla_w(p.deltas[0][:, [j]], p.x)) for j in self.seen()]
            pictures = tuple(Picture(f"unit {j}", self.upright(g), signed=True) for j, g in gradients)
            digit = "the picture" if p.m == 1 else "the pictures"
            rest = len(p.weights[0]) - len(pictures)
            faint = f"; of {rest} more units it is smaller, or all but 0" if rest else ""
            title = f"$∂C/∂w^1$ as pictures: {digit}, times each unit's $δ$ (blue: $C$ grows with the weight){faint}"
            blocks += [Gallery(title, pictures)] if pictures else [Prose("Every gradient of layer 1 is 0 here.")]
        return Section(("BP3", "BP4"), "The gradient of every bias and weight", tuple(blocks))

    @property
    def drawn(self) -> bool:
        """Whether inputs are pictures large enough to be seen."""
        return self.layout is not None and min(self.layout[:2]) >= SMALLEST_IMAGE

    def upright(self, values: Array) -> Array:
        """One number an input, as the picture that the inputs are."""
        assert self.layout is not None  # noqa: S101  # where it is drawn
        picture = values.reshape(self.layout[:2])
        return picture.T if self.layout.transposed else picture

    def loudest(self) -> list[int]:
        """The units of the first layer that are drawn: all, or those of largest ``|delta|``."""
        size = np.abs(self.p.deltas[0]).sum(axis=0)
        chosen: list[int] = np.sort(np.argsort(-size, kind="stable")[:UNITS_SHOWN]).tolist()
        return chosen

    def seen(self) -> list[int]:
        """Those of them whose gradient is not all but 0 beside the largest."""
        size = np.abs(self.p.deltas[0]).sum(axis=0)
        return [j for j in self.loudest() if size[j] > FAINT * size.max()]

    def numbers(self, named: dict[str, Array]) -> Iterator[Block]:
        """A few numbers as a table, a row a unit; many as histograms."""
        count = len(next(iter(named.values())))
        if count <= FEW:
            rows = tuple((str(j), *(cell(values[j]) for values in named.values())) for j in range(count))
            yield Table(("", *(f"${name}$" for name in named)), rows)
            return
        for name, values in named.items():
            counts, edges = np.histogram(values, bins=min(40, max(10, count // 10)))
            least, middle, most = (cell(float(np.quantile(values, q))) for q in (0, 0.5, 1))
            facts = f"{count} numbers from {least} to {most}, median {middle}"
            yield Histogram(f"${name}$", tuple(int(c) for c in counts), float(edges[0]), float(edges[-1]), facts)


def one_hot(y: Array) -> bool:
    """Say whether a row of targets stands for a class."""
    return bool(np.isin(y, (0, 1)).all() and y.sum() == 1)
