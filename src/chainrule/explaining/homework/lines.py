"""The right line for each equation, in the learner's own way to write it."""

from __future__ import annotations

from ...calculus.activations import ACTIVATIONS
from ...calculus.costs import COSTS
from .conventions import COLUMN, ROWS, VECTOR, Convention
from .drawing import Drawn


def right_line(equation: str, net: Drawn, convention: Convention, means: bool) -> str:
    """Give the line that computes an equation; ``activations[0]`` is x, and layers count from 0."""
    by_row = convention.layout in (ROWS, VECTOR)
    over_m = " / m" * means
    if equation == "N10":
        product = f"a @ {forward_weights(convention)}" if by_row else f"{forward_weights(convention)} @ a"
        return f"z = {product} + biases[l]"
    if equation == "BP1":
        return f"delta = {_bp1(net, convention)}"
    if equation == "BP2":
        product = f"delta @ {back_weights(convention)}" if by_row else f"{back_weights(convention)} @ delta"
        return f"delta = ({product}) * sigma_prime(zs[l])"
    if equation == "BP3":
        return f"nabla_b[l] = {_bp3(convention)}{over_m}"
    return f"nabla_w[l] = {_bp4(convention)}{over_m}"


def forward_weights(convention: Convention) -> str:
    """Write the matrix that feedforward multiplies by."""
    turned = convention.layout in (ROWS, VECTOR) and not convention.n_in_first
    return "weights[l].T" if turned else "weights[l]"


def back_weights(convention: Convention) -> str:
    """Write the matrix that sends delta back (BP2): the one of feedforward, transposed."""
    return "weights[l + 1]" if forward_weights(convention).endswith(".T") else "weights[l + 1].T"


def wrong_back_weights(convention: Convention) -> str:
    """Write the same with the transpose wrong."""
    return "weights[l + 1].T" if forward_weights(convention).endswith(".T") else "weights[l + 1]"


def words(net: Drawn, convention: Convention) -> dict[str, str]:
    """Give what stands for the braces in a mistake's sentence and line."""
    return {
        "w_right": back_weights(convention),
        "w_wrong": wrong_back_weights(convention),
        "axis": _of_the_outputs(convention),
        "bp1": _bp1(net, convention),
        "jacobian": _through_jacobian(net, convention),
    }


def _bp1(net: Drawn, convention: Convention) -> str:
    sigma = net.sigmas[-1]
    if net.cost.cancels(sigma):
        return f"activations[-1] - {_due(convention)}"
    if sigma is ACTIVATIONS["softmax"]:
        return _through_jacobian(net, convention)
    g = _cost_prime(net, convention)
    return g if sigma is ACTIVATIONS["identity"] else f"{g} * sigma_prime(zs[-1])"


def _due(convention: Convention) -> str:
    return "one_hot(y)" if convention.labels else "y"


def _cost_prime(net: Drawn, convention: Convention) -> str:
    due = _due(convention)
    gradient = {
        COSTS["quadratic"]: f"(activations[-1] - {due})",
        COSTS["mean_squared_error"]: f"2 * (activations[-1] - {due})",
        COSTS["log_loss"]: f"-{due} / activations[-1]",
    }
    return gradient.get(net.cost, f"cost_prime(activations[-1], {due})")


def _of_the_outputs(convention: Convention) -> str:
    """Write the axis along which the outputs of an example lie."""
    return "axis=1, keepdims=True" if convention.layout == ROWS else "axis=0"


def _through_jacobian(net: Drawn, convention: Convention) -> str:
    g = _cost_prime(net, convention)
    return f"a * (g - (g * a).sum({_of_the_outputs(convention)})), where a = activations[-1] and g = {g}"


def _bp3(convention: Convention) -> str:
    if convention.layout in (COLUMN, VECTOR):
        return "delta"
    if convention.layout == ROWS:
        return "delta.sum(axis=0)" + "[:, None]" * convention.bias_columns
    return "delta.sum(axis=1, keepdims=True)" if convention.bias_columns else "delta.sum(axis=1)"


def _bp4(convention: Convention) -> str:
    if convention.layout == VECTOR:
        return "np.outer(activations[l], delta)" if convention.n_in_first else "np.outer(delta, activations[l])"
    if convention.layout == ROWS:
        return "activations[l].T @ delta" if convention.n_in_first else "delta.T @ activations[l]"
    return "delta @ activations[l].T"
