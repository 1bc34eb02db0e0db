"""PyTorch as a user who needs speed writes it: all data in tensors, no DataLoader, fused optimizers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.job import Arrays, Job, Measurement, time_epochs, time_prediction

ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}
OPTIMIZERS = {"sgd": partial(torch.optim.SGD, foreach=False), "adam": partial(torch.optim.Adam, fused=True)}
"""Each with the fastest of its implementations: for SGD without momentum that is the loop over parameters."""


def linear_layers(job: Job, first: int = 0) -> list[nn.Linear]:
    """Make the layers from the given one on, with the job's initial parameters."""
    layers = []
    for w, b in list(zip(job.weights, job.biases, strict=True))[first:]:
        layer = nn.Linear(w.shape[1], w.shape[0])
        layer.weight.data, layer.bias.data = torch.from_numpy(w.copy()), torch.from_numpy(b.copy())
        layers.append(layer)
    return layers


def network_of(job: Job) -> nn.Sequential:
    """Make the network; a softmax output returns the logits, which the cost takes."""
    layers = linear_layers(job)
    modules: list[nn.Module] = []
    for layer in layers[:-1]:
        modules += [layer, ACTIVATIONS[job.settings.hidden]()]
    modules.append(layers[-1])
    if job.settings.output == "sigmoid":
        modules.append(nn.Sigmoid())
    return nn.Sequential(*modules)


def half_squares(a: Tensor, y: Tensor) -> Tensor:
    """Compute the mean of 1/2 ||a - y||^2 over the examples."""
    return functional.mse_loss(a, y, reduction="sum") * (0.5 / len(y))


class Dense:
    """A network over dense rows."""

    def __init__(self, job: Job) -> None:
        s = self.settings = job.settings
        self.model = network_of(job)
        self.x = torch.from_numpy(job.inputs)
        labels = s.cost == "log_loss"
        self.y = torch.from_numpy(job.y if labels else job.targets)
        self.cost: Callable[[Tensor, Tensor], Tensor] = functional.cross_entropy if labels else half_squares
        self.optimizer = OPTIMIZERS[s.optimizer](self.model.parameters(), lr=s.learning_rate)

    def epoch(self, order: NDArray[np.int64]) -> None:
        """Train one epoch."""
        x, y, model, cost, optimizer = self.x, self.y, self.model, self.cost, self.optimizer
        for rows in torch.from_numpy(order).split(self.settings.batch_size):
            loss = cost(model(x.index_select(0, rows)), y.index_select(0, rows))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Return the parameters."""
        layers = [module for module in self.model if isinstance(module, nn.Linear)]
        return [layer.weight.detach().numpy() for layer in layers], [layer.bias.detach().numpy() for layer in layers]


class Sparse:
    """The first layer as a weighted bag of embeddings with a sparse gradient: a batch touches only its own columns."""

    def __init__(self, job: Job) -> None:
        s = self.settings = job.settings
        self.x, self.y = job.x, torch.from_numpy(job.y)
        self.w1 = nn.Parameter(torch.from_numpy(np.ascontiguousarray(job.weights[0].T)))
        self.b1 = nn.Parameter(torch.from_numpy(job.biases[0].copy()))
        self.upper = linear_layers(job, 1)[0]
        self.sparse = torch.optim.SGD([self.w1], lr=s.learning_rate)
        self.dense = OPTIMIZERS["sgd"]([self.b1, *self.upper.parameters()], lr=s.learning_rate)

    def epoch(self, order: NDArray[np.int64]) -> None:
        """Train one epoch."""
        size = self.settings.batch_size
        for first in range(0, len(order), size):
            rows = order[first : first + size]
            batch = self.x[rows]
            bags = [torch.from_numpy(part) for part in (batch.indices, batch.indptr, batch.data)]
            z = functional.embedding_bag(bags[0], self.w1, bags[1][:-1], mode="sum", sparse=True, per_sample_weights=bags[2])
            logits = self.upper(torch.relu(z + self.b1))
            loss = functional.cross_entropy(logits, self.y[torch.from_numpy(rows)])
            for optimizer in (self.sparse, self.dense):
                optimizer.zero_grad(set_to_none=True)
            loss.backward()
            for optimizer in (self.sparse, self.dense):
                optimizer.step()

    def parameters(self) -> tuple[Arrays, Arrays]:
        """Return the parameters."""
        weights, biases = [self.w1.T, self.upper.weight], [self.b1, self.upper.bias]
        return [w.detach().numpy() for w in weights], [b.detach().numpy() for b in biases]


def train(job: Job, threads: int) -> Measurement:
    """Time epochs."""
    torch.set_num_threads(threads)
    return time_epochs(Sparse(job) if hasattr(job.x, "indptr") else Dense(job), job)


def predict(job: Job, threads: int) -> Measurement:
    """Time ``feedforward`` and its largest output, from NumPy arrays to NumPy arrays."""
    torch.set_num_threads(threads)
    model = network_of(job).eval()

    def feedforward(x: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return model(torch.from_numpy(x)).numpy()

    return time_prediction(job, predict=lambda x: feedforward(x).argmax(axis=1), feedforward=feedforward)
