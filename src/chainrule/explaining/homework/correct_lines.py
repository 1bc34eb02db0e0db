"""The correct line of code for each equation, in the learner's own convention."""

from __future__ import annotations

from ...calculus.activations import ACTIVATIONS
from ...calculus.costs import COSTS
from .calling_conventions import COLUMN, ROWS, VECTOR, CallingConvention
from .random_problem import RandomProblem


def correct_line(equation: str, problem: RandomProblem, convention: CallingConvention, means: bool) -> str:
    """Return the line that computes an equation, with gradients as means or sums over the batch.

    ``activations[0]`` is x, and layers count from 0.
    """
    by_row = convention.layout in (ROWS, VECTOR)
    divided = " / m" * means
    if equation == "N10":
        weights = _forward_weights(convention)
        return f"z = {f'a @ {weights}' if by_row else f'{weights} @ a'} + biases[l]"
    if equation == "BP1":
        return f"delta = {_bp1(problem, convention)}"
    if equation == "BP2":
        weights = _backward_weights(convention)
        return f"delta = ({f'delta @ {weights}' if by_row else f'{weights} @ delta'}) * sigma_prime(zs[l])"
    if equation == "BP3":
        return f"nabla_b[l] = {_bp3(convention)}{divided}"
    return f"nabla_w[l] = {_bp4(convention)}{divided}"


def placeholders(problem: RandomProblem, convention: CallingConvention) -> dict[str, str]:
    """Return the code for the placeholders in a mistake's description and correct line."""
    return {
        "backward_weights": _backward_weights(convention),
        "wrong_backward_weights": _wrong_backward_weights(convention),
        "axis": _output_axis(convention),
        "bp1": _bp1(problem, convention),
        "jacobian": _jacobian_product(problem, convention),
    }


def _forward_weights(convention: CallingConvention) -> str:
    """The matrix of feedforward (N10)."""
    transposed = convention.layout in (ROWS, VECTOR) and not convention.n_in_first
    return "weights[l].T" if transposed else "weights[l]"


def _backward_weights(convention: CallingConvention) -> str:
    """The matrix that propagates delta back (BP2): the transpose of that of feedforward."""
    return "weights[l + 1]" if _forward_weights(convention).endswith(".T") else "weights[l + 1].T"


def _wrong_backward_weights(convention: CallingConvention) -> str:
    return "weights[l + 1].T" if _forward_weights(convention).endswith(".T") else "weights[l + 1]"


def _bp1(problem: RandomProblem, convention: CallingConvention) -> str:
    sigma = problem.sigmas[-1]
    if problem.cost.cancels(sigma):
        return f"activations[-1] - {_target(convention)}"
    if sigma is ACTIVATIONS["softmax"]:
        return _jacobian_product(problem, convention)
    gradient = _cost_gradient(problem, convention)
    return gradient if sigma is ACTIVATIONS["identity"] else f"{gradient} * sigma_prime(zs[-1])"


def _target(convention: CallingConvention) -> str:
    return "one_hot(y)" if convention.labels else "y"


def _cost_gradient(problem: RandomProblem, convention: CallingConvention) -> str:
    target = _target(convention)
    gradients = {
        COSTS["quadratic"]: f"(activations[-1] - {target})",
        COSTS["mean_squared_error"]: f"2 * (activations[-1] - {target})",
        COSTS["log_loss"]: f"-{target} / activations[-1]",
    }
    return gradients.get(problem.cost, f"cost_prime(activations[-1], {target})")


def _output_axis(convention: CallingConvention) -> str:
    """The arguments of a sum over the outputs of each example."""
    return "axis=1, keepdims=True" if convention.layout == ROWS else "axis=0"


def _jacobian_product(problem: RandomProblem, convention: CallingConvention) -> str:
    gradient = _cost_gradient(problem, convention)
    return f"a * (g - (g * a).sum({_output_axis(convention)})), where a = activations[-1] and g = {gradient}"


def _bp3(convention: CallingConvention) -> str:
    if convention.layout in (COLUMN, VECTOR):
        return "delta"
    if convention.layout == ROWS:
        return "delta.sum(axis=0)" + "[:, None]" * convention.bias_columns
    return "delta.sum(axis=1, keepdims=True)" if convention.bias_columns else "delta.sum(axis=1)"


def _bp4(convention: CallingConvention) -> str:
    if convention.layout == VECTOR:
        return "np.outer(activations[l], delta)" if convention.n_in_first else "np.outer(delta, activations[l])"
    if convention.layout == ROWS:
        return "activations[l].T @ delta" if convention.n_in_first else "delta.T @ activations[l]"
    return "delta @ activations[l].T"
