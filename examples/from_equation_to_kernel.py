"""One equation three times: (BP4), ``dC/dw = delta a^T``, from the page to the kernel.

As the notes write it, a loop over single numbers; as ``calculus`` computes it, one product of matrices; and as the engine does, on
its way back through the whole network. All must give the same numbers; the table says how long each takes, for the first layer of
784 x 30 x 10 and a batch of ten digits.
"""

from time import perf_counter

import numpy as np

import chainrule as cr
from chainrule.calculus.backprop import hidden_delta, nabla_w, output_delta
from chainrule.calculus.feedforward import trace

net = cr.Network([784, 30, 10], seed=0, dtype="float64")
batch = cr.datasets.mnist().train[:10]
x, y = batch.x / 255, np.eye(10)[batch.y]

# What BP4 needs: the first layer's delta (10, 30), which BP1 and BP2 send back, and the pixels (10, 784).
(sigma, output), cost = net.plan.sigmas, net.plan.cost_function
inputs, zs, activations = trace(net.weights, net.biases, net.plan.sigmas, x)
delta = output_delta(cost, output, zs[1], activations[1], y)
delta = hidden_delta(delta, net.weights[1], sigma, zs[0], activations[0])


def as_written(delta, a):
    """(BP4) number by number: each weight's gradient is the error of its unit times its input, summed over the examples."""
    m, n_out = delta.shape
    gradient = np.zeros((n_out, a.shape[1]))
    for j in range(n_out):
        for k in range(a.shape[1]):
            for i in range(m):
                gradient[j, k] += delta[i, j] * a[i, k]
    return gradient


def timed(what, compute, times):
    """Print what one call takes, at the best, and how far its numbers are from the loop's."""
    seconds = []
    for _ in range(times):
        begin = perf_counter()
        gradient = compute()
        seconds.append(perf_counter() - begin)
    print(f"{what:50} {min(seconds) * 1e6:10,.0f} us   {np.abs(gradient - truth).max() / np.abs(truth).max():.0e}")


truth = as_written(delta, x)
print(f"{'(BP4), dC/dw of the first layer: (30, 784)':50} {'time':>13}   apart")
timed("a loop over single numbers", lambda: as_written(delta, x), 1)
timed("calculus: delta.T @ a_prev", lambda: nabla_w(delta, x), 200)
timed("the engine: forward, and BP1 to BP4 of all layers", lambda: net.backprop(batch).nabla_w[0], 200)
