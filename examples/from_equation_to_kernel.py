"""One equation computed in three ways: (BP4), ``dC/dw = delta a^T``, from the page to the kernel.

A loop over numbers computes it as the notes write it. ``calculus`` computes it as one product of matrices. The engine computes it
during backpropagation through the whole network. All must give the same numbers. The table shows the time of each, for the first
layer of 784 x 30 x 10 and a batch of ten digits.
"""

from time import perf_counter

import numpy as np

import chainrule as cr
from chainrule.calculus.backprop import hidden_delta, nabla_w, output_delta
from chainrule.calculus.feedforward import trace

net = cr.Network([784, 30, 10], seed=0, dtype="float64")
batch = cr.datasets.mnist().train[:10]
x, y = batch.x / 255, np.eye(10)[batch.y]

# BP4 needs the first layer's delta (10, 30), which BP1 and BP2 compute, and the pixels (10, 784).
(sigma, output), cost = net.plan.sigmas, net.plan.cost_function
inputs, zs, activations = trace(net.weights, net.biases, net.plan.sigmas, x)
delta = output_delta(cost, output, zs[1], activations[1], y)
delta = hidden_delta(delta, net.weights[1], sigma, zs[0], activations[0])


def as_written(delta, a):
    """Compute (BP4) number by number: a weight's gradient is its unit's error times its input, summed over the examples."""
    m, n_out = delta.shape
    gradient = np.zeros((n_out, a.shape[1]))
    for j in range(n_out):
        for k in range(a.shape[1]):
            for i in range(m):
                gradient[j, k] += delta[i, j] * a[i, k]
    return gradient


def print_time(name, compute, times):
    """Print the shortest time of several calls, and the largest difference from the loop's gradient, relative to its maximum."""
    seconds = []
    for _ in range(times):
        begin = perf_counter()
        gradient = compute()
        seconds.append(perf_counter() - begin)
    print(f"{name:50} {min(seconds) * 1e6:10,.0f} us   {np.abs(gradient - expected).max() / np.abs(expected).max():.0e}")


expected = as_written(delta, x)
print(f"{'(BP4), dC/dw of the first layer: (30, 784)':50} {'time':>13}   difference")
print_time("a loop over numbers", lambda: as_written(delta, x), 1)
print_time("calculus: delta.T @ a_prev", lambda: nabla_w(delta, x), 200)
print_time("the engine: forward, and BP1 to BP4 of all layers", lambda: net.backprop(batch).nabla_w[0], 200)
