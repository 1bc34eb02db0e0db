"""Descriptions in words that several commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._format import pluralize

if TYPE_CHECKING:
    from ..input_spec import InputSpec


def describe_inputs(spec: InputSpec) -> str:
    """Describe the inputs that a network was trained on.

    Examples
    --------
    >>> from chainrule.input_spec import InputSpec
    >>> describe_inputs(InputSpec("pixels", (28, 28), 0.0, 1.0, mnist_form=True)), describe_inputs(InputSpec("csr", (500,)))
    ("images of 28 x 28 pixels in MNIST's form", 'rows of 500 numbers, most of them 0 (CSR)')
    """
    if spec.is_image:
        return _describe_images(spec)
    rows = f"rows of {pluralize(spec.shape[0], 'pixel' if spec.kind == 'pixels' else 'number')}"
    first_column = "" if spec.first_column is None else f", columns counted from {spec.first_column}"
    return rows + ", most of them 0 (CSR)" * (spec.kind == "csr") + first_column


def _describe_images(spec: InputSpec) -> str:
    unit = "pixels" if spec.kind == "pixels" else "numbers"
    form = " in MNIST's form" * spec.mnist_form + ", stored column by column" * spec.transposed
    return f"images of {spec.shape[0]} x {spec.shape[1]} {unit}{form}"
