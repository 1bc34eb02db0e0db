"""JAX: an epoch is one compiled ``lax.scan`` over its batches with donated parameters; a short last batch is a separate call."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from benchmarks.job import Arrays, Job, Measurement, Settings, time_epochs

LOG_BETA1, LOG_BETA2 = math.log(0.9), math.log(0.999)
ACTIVATIONS = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu}


def cost_of(s: Settings, parameters: Any, x: Any, y: Any) -> Any:
    """Compute a batch's mean cost."""
    a = x
    for w, b in parameters[:-1]:
        a = ACTIVATIONS[s.hidden](a @ w + b)
    w, b = parameters[-1]
    z = a @ w + b
    if s.cost == "log_loss":
        return -(y * jax.nn.log_softmax(z)).sum() / len(x)
    a = jax.nn.sigmoid(z) if s.output == "sigmoid" else z
    return ((a - y) ** 2).sum() / (2 * len(x))


def adam(rate: float, state: Any, gradient: Any) -> Any:
    """Take one step of Adam."""
    theta, m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
    root = jnp.sqrt(-jnp.expm1(t * LOG_BETA2))  # of 1 - 0.999^t, which loses digits in float32 at the first steps
    size = rate * root / -jnp.expm1(t * LOG_BETA1)
    theta = jax.tree.map(lambda w, m, v: w - size * m / (jnp.sqrt(v) + 1e-8 * root), theta, m, v)
    return theta, m, v, t


def descend(rate: float, state: Any, gradient: Any) -> Any:
    """Take one step of SGD."""
    return (jax.tree.map(lambda w, g: w - rate * g, state[0], gradient),)


class Dense:
    """A network over dense rows."""

    def __init__(self, job: Job) -> None:
        s = self.settings = job.settings
        self.x, self.y = jnp.asarray(job.inputs), jnp.asarray(job.targets)
        theta = [(jnp.asarray(w.T), jnp.asarray(b)) for w, b in zip(job.weights, job.biases, strict=True)]
        zeros = jax.tree.map(jnp.zeros_like, theta)
        self.state = (theta, zeros, jax.tree.map(jnp.zeros_like, theta), jnp.float32(0)) if s.optimizer == "adam" else (theta,)
        move = adam if s.optimizer == "adam" else descend

        def step(state: Any, rows: Any, x: Any, y: Any) -> Any:
            batch, target = (part.at[rows].get(mode="promise_in_bounds") for part in (x, y))
            return move(s.learning_rate, state, jax.grad(cost_of, argnums=1)(s, state[0], batch, target))

        def scan(state: Any, batches: Any, x: Any, y: Any) -> Any:
            return lax.scan(lambda state, rows: (step(state, rows, x, y), None), state, batches)[0]

        self.scan, self.step = jax.jit(scan, donate_argnums=0), jax.jit(step, donate_argnums=0)

    def epoch(self, order: NDArray[np.int64]) -> None:
        """Train one epoch."""
        size = self.settings.batch_size
        full = len(order) // size * size  # the examples in full batches
        order = order.astype(np.int32)
        self.state = self.scan(self.state, order[:full].reshape(-1, size), self.x, self.y)
        if full < len(order):
            self.state = self.step(self.state, order[full:], self.x, self.y)
        jax.block_until_ready(self.state)

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Return the parameters."""
        return [np.array(w).T for w, _ in self.state[0]], [np.array(b) for _, b in self.state[0]]


def train(job: Job, threads: int) -> Measurement:
    """Time epochs; the number of threads is that of the processors to which the process is bound."""
    return time_epochs(Dense(job), job)
