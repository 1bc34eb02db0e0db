"""The smallest engine: float64 whatever the plan's dtype, one mini-batch at a time, straight from ``calculus``."""

from math import inf

import numpy as np

from chainrule.calculus.backprop import backprop
from chainrule.calculus.descent import Parameters, mini_batches, update_mini_batch
from chainrule.calculus.feedforward import decision, feedforward
from chainrule.engines.encoded_targets import EncodedTargets, relative_weights
from chainrule.engines.protocol import GradientSums
from chainrule.engines.unsupported import unsupported
from chainrule.plan import BlockResult, Evaluation, State


class ToyEngine:
    """An engine without dropout, and without any activation but the sigmoid's kind."""

    name = "toy"
    uses_blas = True

    def describe(self):
        """Give the name, and what is special about it."""
        return "toy (float64)"

    def refuses(self, plan, examples):
        """Refuse other functions than those below, dropout, pixels and CSR."""
        if any(layer.dropout for layer in plan.layers):
            return "the toy engine has no dropout; take engine='reference'"
        if examples is not None and examples.kind != "dense":
            return "the toy engine takes dense numbers alone; take engine='reference'"
        activations = ("sigmoid", "tanh", "softmax", "identity", "relu")
        costs = ("quadratic", "log_loss", "cross_entropy", "mean_squared_error")
        return unsupported(plan, "toy", activations=activations, costs=costs, optimizers=("sgd", "adam"))

    def prepare(self, examples):
        """Keep the examples."""
        return examples

    def forward(self, plan, weights, biases, x, *, threads):
        """Loop through the layers."""
        return feedforward(weights, biases, plan.sigmas, np.asarray(x, float)).astype(plan.dtype)

    def forward_small(self, plan, weights, biases, x, limits=(-inf, inf)):
        """There is no fast path."""
        return

    def gradient(self, plan, data, rows, *, threads):
        """Give the cost and gradient of some rows by one call of ``backprop``."""
        session = ToySession(plan, State((), ()))
        chosen = np.arange(len(data)) if rows is None else rows

        def value_and_gradient(parameters):
            weights, biases = plan.unpack(parameters)
            a, (nabla_b, nabla_w), counts = session.propagate(Parameters(weights, biases, []), data, chosen)
            costs = plan.cost_function.value(a, plan.training_targets(session.targets(data, chosen))) * counts
            return GradientSums(float(costs.sum()), plan.pack(nabla_w, nabla_b), right=None)  # nobody asks for it here

        return value_and_gradient

    def open(self, plan, state, *, threads):
        """Begin from a state."""
        return ToySession(plan, state)


class ToySession:
    """The training of one network."""

    def __init__(self, plan, state):
        self.plan, self.step = plan, state.step
        self.parameters = [np.array(part, float) for part in (*state.weights, *state.biases)]
        zeros = {name: [np.zeros_like(part) for part in self.parameters] for name in plan.optimizer.slots}
        self.slots = {name: [np.array(part, float) for part in state.slots.get(name, zeros[name])] for name in zeros}

    def split(self):
        """Give the parameters as ``calculus`` takes them."""
        layers = len(self.plan.layers)
        slots = list(zip(*self.slots.values(), strict=True)) or [()] * (2 * layers)
        return Parameters(self.parameters[:layers], self.parameters[layers:], slots)

    def targets(self, data, rows):
        """Give targets (m, n_out)."""
        encoded = EncodedTargets(data, self.plan)
        return np.eye(self.plan.layers[-1].n_out)[encoded.labels[rows]] if encoded.values is None else encoded.values[rows]

    def propagate(self, parameters, data, rows):
        """Give outputs, gradient sums and row weights."""
        weights, largest = relative_weights(data)
        counts = np.ones(len(rows)) if weights is None else weights[rows] * largest
        x, y, plan = np.asarray(data.x[rows], float), self.plan.training_targets(self.targets(data, rows)), self.plan
        return *backprop(parameters.weights, parameters.biases, plan.sigmas, plan.cost_function, x, y, counts), counts

    def advance(self, data, order, steps):
        """Take one step for each mini-batch."""
        plan, costs, right, squares = self.plan, [], [], []
        classes = EncodedTargets(data, plan).classes
        batches = [rows for epoch in np.atleast_2d(order) for rows in mini_batches(epoch, plan.batch_size)]
        for k, rows in enumerate(batches):
            a, gradient, counts = self.propagate(self.split(), data, rows)
            y = plan.training_targets(self.targets(data, rows))
            costs.append(float((plan.cost_function.value(a, y) * counts).sum()))
            right.append(0.0 if classes is None else float(((decision(a, plan.sigmas[-1]) == classes[rows]) * counts).sum()))
            squares.append(sum(float((w * w).sum()) for w in self.split().weights))
            settings = {"t": self.step + 1, "l1": plan.l1, "l2": float(steps.decay[k]), "clip": plan.clip}
            new = update_mini_batch(self.split(), gradient, plan.optimizer, float(steps.rate[k]), counts.sum(), **settings)
            self.parameters, self.step = [*new.weights, *new.biases], self.step + 1
            self.slots = {name: [slot[j] for slot in new.slots] for j, name in enumerate(self.slots)}
        finite = all(np.isfinite(part).all() for part in (np.array(costs), *self.parameters))
        return BlockResult(np.array(costs), None if classes is None else np.array(right), finite, np.array(squares))

    def evaluate(self, data, rows=None):
        """Give the cost and the number of correct predictions."""
        rows = np.arange(len(data)) if rows is None else rows
        classes = EncodedTargets(data, self.plan).classes
        a, _, counts = self.propagate(self.split(), data, rows)
        cost = float((self.plan.cost_function.value(a, self.targets(data, rows)) * counts).sum() / counts.sum())
        right = None if classes is None else float(((decision(a, self.plan.sigmas[-1]) == classes[rows]) * counts).sum())
        return Evaluation(cost, right, float(counts.sum()))

    def state(self):
        """Copy out the state."""
        dtype, layers = self.plan.dtype, len(self.plan.layers)
        arrays = [part.astype(dtype) for part in self.parameters]
        slots = {name: tuple(part.astype(dtype) for part in slot) for name, slot in self.slots.items()}
        return State(tuple(arrays[:layers]), tuple(arrays[layers:]), slots, self.step, "toy")
