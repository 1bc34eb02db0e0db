"""Pages 1-2 of the notes: the gradient of one neuron, by hand and by ``cr.Neuron``, and a few steps of gradient descent.

The neuron is ``a = max(0, w x + b)``, with one input and four examples. The sums are written out number by number, so that you can
follow them with a pencil; the library must agree. Then the neuron takes some steps. Where matplotlib is installed, the points, the
lines and the errors are drawn to ``neuron.png``, or to the file named on the command line.
"""

import sys

import chainrule as cr

x = [0.5, 1.0, 2.0, 3.0]
y = [0.6, 1.2, 1.7, 2.9]
w, b, m = 0.3, 0.2, 4

dw = db = 0.0
print("example    x     z = wx + b    e = z - y    e x")
for i in range(m):
    z = w * x[i] + b
    e = z - y[i] if z > 0 else 0.0  # (N5): an example with z <= 0 contributes nothing
    print(f"{i:4} {x[i]:8.1f} {z:11.2f} {e:13.2f} {e * x[i]:9.3f}")
    dw += e * x[i] / m  # (N7): the errors times the inputs, averaged
    db += e / m  # (N8): the errors, averaged
print(f"by hand    dC/dw = {dw:.6f}   dC/db = {db:.6f}")

neuron = cr.Neuron([w], b)
rows = [[value] for value in x]  # one row per example
gradient = neuron.gradient(rows, y)
print(f"cr.Neuron  dC/dw = {gradient.dw[0]:.6f}   dC/db = {gradient.db:.6f}\n")

before = neuron.feedforward(rows)
for steps in range(0, 25, 5):
    print(f"after {steps:2} steps  w = {neuron.w[0]:.3f}  b = {neuron.b:.3f}  cost = {neuron.cost(rows, y):.5f}")
    for _ in range(5):
        neuron.step(rows, y, eta=0.2)

try:
    import matplotlib.pyplot as plt
except ImportError:
    sys.exit(0)
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
axes.plot(x, before, "--", color="C7", label="before")
axes.plot(x, neuron.feedforward(rows), color="C0", label="after 25 steps")
axes.vlines(x, y, before, color="C3", linewidth=1.5, label="errors e before")
axes.plot(x, y, "o", color="black", label="examples")
axes.set(xlabel="x", ylabel="a = max(0, wx + b)", title="One neuron, before and after")
axes.legend(frameon=False)
figure.savefig(sys.argv[1] if len(sys.argv) > 1 else "neuron.png", dpi=110)
