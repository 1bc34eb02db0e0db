"""The derivation with a network's own numbers: pages 3 and 4 of the notes for one batch.

``NetworkSections`` makes the sections about whole layers, ``explain_weight`` those about a single weight.
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
from .batch_pass import BatchPass
from .blocks import Block, Formulas, Gallery, Histogram, Picture, Prose, Section, Shapes, Table
from .explain_weight import gradient_by_hand, gradient_step
from .explanation import Explanation
from .notation import format_number, inline_number

if TYPE_CHECKING:
    from ..network import Network

MAX_TABLE_ROWS = 12  # more numbers than this become a histogram
MAX_UNITS_DRAWN = 30
VISIBLE_GRADIENT = 0.02  # relative to the largest; a smaller gradient is not drawn
MAX_LAYERS_BY_HAND = 3  # in a deeper network only the first and the last layer get a weight computed by hand
SMALLEST_PICTURE = 8  # pixels on a side


@dataclass(frozen=True)
class WeightSelection:
    """The layer, unit and input of the weight to compute by hand, from 0; None where the user did not choose."""

    layer: int | None = None
    unit: int | None = None
    input: int | None = None


def explain_network(
    network: Network, batch: BatchPass, selection: WeightSelection, rate: float, layout: Layout | None
) -> Explanation:
    """Explain a batch's forward and backward pass, and one step of gradient descent.

    Parameters
    ----------
    network : Network
    batch : BatchPass
    selection : WeightSelection
        By default the weight of largest gradient in each layer.
    rate : float
        The learning rate of the step.
    layout : Layout or None
        How a row of x is an image, if it is one.
    """
    layers = range(len(batch.weights))
    if selection.layer is not None:
        layers_by_hand = [selection.layer]
    else:
        layers_by_hand = list(layers) if len(layers) <= MAX_LAYERS_BY_HAND else [0, layers[-1]]
    indices = [batch.largest_gradient(layer, selection.unit, selection.input) for layer in layers_by_hand]
    about = NetworkSections(network, batch, layout)
    sections = [
        about.shapes(),
        about.input_and_target(),
        *(about.forward(layer) for layer in layers),
        about.cost(),
        about.output_error(),
        *(about.hidden_error(layer) for layer in reversed(layers[:-1])),
        about.gradients(),
        *(gradient_by_hand(batch, index) for index in reversed(indices)),
        gradient_step(batch, indices[0], rate),
    ]
    examples = "one example" if batch.m == 1 else f"{batch.m} examples"
    title = f"{' × '.join(map(str, network.sizes))}: {examples}, forward and back"
    return Explanation(title, about.summary(), tuple(sections))


@dataclass(frozen=True)
class NetworkSections:
    """Makes the sections about whole layers; numbers of a single example are those of the first."""

    network: Network
    batch: BatchPass
    layout: Layout | None

    def summary(self) -> str:
        """Introduce the derivation, with the cost and whether the first example was classified correctly."""
        batch, a = self.batch, self.batch.a[0]
        examples = "one example" if batch.m == 1 else f"{batch.m} examples"
        result = ""
        if len(a) > 1 and is_one_hot(batch.y[0]):
            label, predicted = int(batch.y[0].argmax()), int(a.argmax())
            which, joint = "The example" if batch.m == 1 else "The first example", "and" if label == predicted else "but"
            result = f" {which} is a {label}, {joint} the largest output is that of {predicted}."
        return (
            f"The derivation of the notes for {examples}: the forward pass, the cost, and the gradient of every weight and bias by "
            f"backpropagation, with the numbers of this network ({self.network.parameters:,} weights and biases). The cost is "
            f"{inline_number(batch.mean_cost(batch.a), 5)}.{result}"
        )

    def shapes(self) -> Section:
        """N9."""
        layers = zip(self.batch.weights, self.batch.biases, self.batch.sigmas, strict=True)
        rows = tuple(
            (str(k + 1), str(w.shape), f"({len(b)}, 1)", sigma.name, f"{w.size + b.size:,}")
            for k, (w, b, sigma) in enumerate(layers)
        )
        words = (
            "A layer computes one weighted sum of its inputs for each unit, and turns each sum into an activation. Its weights are "
            "a matrix: row $j$ belongs to unit $j$, column $k$ to input $k$. In Python layer 1 is `net.weights[0]`."
        )
        header = ("layer", "weights w", "biases b", "activation", "parameters")
        return Section(("N9",), "The network", (Prose(words), Table(header, rows)))

    def input_and_target(self) -> Section:
        """Page 3: the input and the target."""
        x, y, m = self.batch.x[0], self.batch.y[0], self.batch.m
        words = f"The input is a column of {len(x)} numbers, $a^0 = x$; the target $y$ is a column of {len(y)}."
        if m > 1:
            words += f" The batch has {m} of them as its columns; the first is shown, and gradients are sums over all of them."
        zeros = int((x == 0).sum())
        if zeros:
            words += f" {zeros} of the inputs are 0: this example contributes nothing to the gradients of their weights."
        blocks: list[Block] = [Prose(words)]
        blocks += [Picture("$x$ as a picture", self.as_picture(x))] if self.inputs_are_pictures else number_blocks({"x": x})
        if len(y) > 1 and is_one_hot(y):
            blocks.append(Prose(f"The target is 1 for output {int(y.argmax())} and 0 for the others."))
        else:
            blocks += number_blocks({"y": y})
        return Section(("N10",), "The input and the target", tuple(blocks))

    def forward(self, layer: int) -> Section:
        """N10 for one layer."""
        batch, w, sigma = self.batch, self.batch.weights[layer], self.batch.sigmas[layer]
        z, a, written = batch.trace.zs[layer][0], batch.trace.activations[layer][0], notation.activation_formula(sigma)
        name = layer + 1
        blocks: list[Block] = [
            Formulas(notation.forward_formulas(name, sigma)),
            Shapes(f"{w.shape} @ ({w.shape[1]}, {batch.m}) + ({w.shape[0]}, 1) = ({w.shape[0]}, {batch.m})"),
            Prose(written.remark),
            *number_blocks({f"z^{name}": z, f"a^{name}": a}),
        ]
        if sigma.name in ("relu", "leaky_relu"):
            on = int((z > 0).sum())
            blocks.append(Prose(f"Of the {len(z)} units {on} are on ($z > 0$) for this example, and {len(z) - on} are off."))
        if layer == 0 and self.inputs_are_pictures:
            blocks.append(self.weight_gallery(w))
        return Section(("N10",), f"Forward through layer {name}", tuple(blocks))

    def weight_gallery(self, w: Array) -> Gallery:
        """The first layer's weights as pictures, one for each unit."""
        units = self.units_of_largest_delta()
        pictures = tuple(Picture(f"unit {j}", self.as_picture(w[j].astype(np.float64)), signed=True) for j in units)
        which = "every unit" if len(units) == len(w) else f"the {len(units)} units with the largest $|δ|$"
        return Gallery(f"The weights of {which} (a bright pixel increases $z$ where blue, decreases it where orange)", pictures)

    def cost(self) -> Section:
        """N1 for this cost."""
        batch = self.batch
        first = f"C = {format_number(float(batch.cost.value(batch.a[:1], batch.y[:1])[0]), 6)}"
        lines = [notation.cost_formula(batch.cost).value, first]
        if batch.m > 1:
            lines[-1] += "   for the first example"
            lines.append(rf"\frac{{1}}{{m}} Σ_i C_i = {format_number(batch.mean_cost(batch.a), 6)}   over all {batch.m}")
        return Section(("N1",), "The cost", (Formulas(tuple(lines)),))

    def output_error(self) -> Section:
        """BP1 for this output activation and cost."""
        batch, sigma, n_out = self.batch, self.batch.sigmas[-1], self.batch.a.shape[1]
        pair = notation.output_delta_formula(sigma, batch.cost)
        blocks: list[Block] = [
            Prose("Let $δ_j$ be the derivative of the cost with respect to the weighted input $z_j$ of output unit $j$."),
            Formulas((notation.output_chain_rule(sigma),)),
            Prose("where"),
            Formulas((notation.cost_formula(batch.cost).derivative, notation.activation_formula(sigma).derivative)),
            *([Formulas(pair.lines)] if pair.lines else []),
            Prose(pair.remark),
            Shapes(f"({n_out}, {batch.m}) ⊙ ({n_out}, {batch.m}) = ({n_out}, {batch.m})"),
            self.output_table(),
        ]
        return Section(("BP1",), f"The error of the output: δ of layer {len(batch.weights)}", tuple(blocks))

    def output_table(self) -> Table:
        """The outputs of the first example, one in each row: those of largest ``|delta|`` if there are many."""
        batch, sigma = self.batch, self.batch.sigmas[-1]
        z, a, y, delta = batch.trace.zs[-1][0], batch.a[0], batch.y[0], batch.deltas[-1][0]
        columns = {"z_j": z, "a_j": a, "y_j": y, "∂C/∂a_j": batch.cost.gradient(batch.a[:1], batch.y[:1])[0]}
        if sigma is not ACTIVATIONS["softmax"]:
            columns["σ′(z_j)"] = sigma.derivative(z, a)
        columns["δ_j"] = delta
        shown = np.sort(np.argsort(-np.abs(delta), kind="stable")[:MAX_TABLE_ROWS])
        rows = tuple((str(j), *(inline_number(values[j]) for values in columns.values())) for j in shown)
        caption = "" if len(a) <= MAX_TABLE_ROWS else f"The {MAX_TABLE_ROWS} of {len(a)} outputs with the largest $|δ|$."
        highlighted = int(np.abs(delta[shown]).argmax())
        return Table(("$j$", *(f"${name}$" for name in columns)), rows, caption, highlighted)

    def hidden_error(self, layer: int) -> Section:
        """BP2 for one hidden layer."""
        batch, name, following = self.batch, layer + 1, layer + 2
        n_out, n_next = len(batch.weights[layer]), len(batch.weights[layer + 1])
        words = (
            f"The cost depends on unit $j$ of layer {name} through every unit $i$ of layer {following}. By the chain rule the "
            "error of $j$ is the sum of the errors of the $i$, each multiplied by the weight from $j$ to $i$, times the derivative "
            "of the activation of $j$:"
        )
        formulas = (
            f"δ^{name}_j = (Σ_i w^{following}_{{ij}} δ^{following}_i) · σ′(z^{name}_j)",
            notation.hidden_delta_formula(name, batch.sigmas[layer]),
        )
        blocks: list[Block] = [
            Prose(words),
            Formulas(formulas),
            Shapes(f"({n_out}, {n_next}) @ ({n_next}, {batch.m}) ⊙ ({n_out}, {batch.m}) = ({n_out}, {batch.m})"),
            *number_blocks({f"δ^{name}": batch.deltas[layer][0]}),
        ]
        if batch.sigmas[layer].name == "relu":
            off = int((batch.trace.zs[layer][0] <= 0).sum())
            blocks.append(Prose(f"Units that are off ($z ≤ 0$), here {off}, have $δ = 0$: the gradients of their weights vanish."))
        return Section(("BP2",), f"The error propagated back: δ of layer {name}", tuple(blocks))

    def gradients(self) -> Section:
        """BP3 and BP4."""
        batch = self.batch
        rows = []
        for layer, w in enumerate(batch.weights):
            largest = batch.largest_gradient(layer)
            shapes = f"({w.shape[0]}, {batch.m}) @ ({batch.m}, {w.shape[1]}) = {w.shape}"
            rows.append((str(layer + 1), shapes, largest.name, inline_number(batch.gradient_at(largest))))
        summed = "" if batch.m == 1 else ". The matrix product sums it over the examples"
        words = (
            "In $z$ a bias has the factor 1, and a weight has the activation that it multiplies. So the gradient of a bias is the "
            f"$δ$ of its unit, and that of a weight is the $δ$ at its output times the $a$ at its input{summed}:"
        )
        formulas = (r"\frac{∂C}{∂b^l_j} = δ^l_j", r"\frac{∂C}{∂w^l_{jk}} = δ^l_j a^{l−1}_k,   \frac{∂C}{∂w^l} = δ^l (a^{l−1})^T")
        table = Table(("layer", "shapes", "its largest entry", "$∂C/∂w$"), tuple(rows))
        blocks: list[Block] = [Prose(words), Formulas(formulas), table]
        if self.inputs_are_pictures:
            blocks.append(self.gradient_gallery())
        return Section(("BP3", "BP4"), "The gradient of every bias and weight", tuple(blocks))

    def gradient_gallery(self) -> Block:
        """The first layer's gradients as pictures, one for each unit whose gradient is large enough to be visible."""
        batch = self.batch
        gradients = [(j, nabla_w(batch.deltas[0][:, [j]], batch.x)) for j in self.units_with_visible_gradient()]
        if not gradients:
            return Prose("Every gradient of layer 1 is 0 here.")
        pictures = tuple(Picture(f"unit {j}", self.as_picture(g), signed=True) for j, g in gradients)
        remaining = len(batch.weights[0]) - len(pictures)
        omitted = f"; the gradients of {remaining} more units are smaller or nearly 0" if remaining else ""
        inputs = "the picture" if batch.m == 1 else "the pictures"
        title = f"$∂C/∂w^1$ as pictures: {inputs} times the $δ$ of each unit (blue: $C$ increases with the weight){omitted}"
        return Gallery(title, pictures)

    @property
    def inputs_are_pictures(self) -> bool:
        """Whether a row of x is an image that is large enough to draw."""
        return self.layout is not None and min(self.layout[:2]) >= SMALLEST_PICTURE

    def as_picture(self, values: Array) -> Array:
        """Arrange one number for each input as the image is laid out, upright."""
        assert self.layout is not None  # noqa: S101  # as inputs_are_pictures ensures
        picture = values.reshape(self.layout[:2])
        return picture.T if self.layout.transposed else picture

    def units_of_largest_delta(self) -> list[int]:
        """The units of the first layer to draw: those of largest ``|delta|``, or all if they are few."""
        size = np.abs(self.batch.deltas[0]).sum(axis=0)
        units: list[int] = np.sort(np.argsort(-size, kind="stable")[:MAX_UNITS_DRAWN]).tolist()
        return units

    def units_with_visible_gradient(self) -> list[int]:
        """Those of ``units_of_largest_delta`` whose gradient is not negligible beside the largest."""
        size = np.abs(self.batch.deltas[0]).sum(axis=0)
        return [j for j in self.units_of_largest_delta() if size[j] > VISIBLE_GRADIENT * size.max()]


def number_blocks(columns: dict[str, Array]) -> Iterator[Block]:
    """Show a few numbers as a table with a row for each unit, and many as histograms."""
    count = len(next(iter(columns.values())))
    if count <= MAX_TABLE_ROWS:
        rows = tuple((str(j), *(inline_number(values[j]) for values in columns.values())) for j in range(count))
        yield Table(("", *(f"${name}$" for name in columns)), rows)
        return
    for name, values in columns.items():
        counts, edges = np.histogram(values, bins=min(40, max(10, count // 10)))
        least, median, largest = (inline_number(float(np.quantile(values, q))) for q in (0, 0.5, 1))
        summary = f"{count} numbers from {least} to {largest}, median {median}"
        yield Histogram(f"${name}$", tuple(int(c) for c in counts), float(edges[0]), float(edges[-1]), summary)


def is_one_hot(y: Array) -> bool:
    """Check whether a row of targets is 1 for one class and 0 for the others."""
    return bool(np.isin(y, (0, 1)).all() and y.sum() == 1)
