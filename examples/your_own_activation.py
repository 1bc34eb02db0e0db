"""An activation and a cost of your own: each is a value and its derivative; the library does the rest of the chain rule.

Softplus, ``ln(1 + e^z)``, is a smooth ReLU. ``ln cosh(a - y)`` is nearly a square for small differences and nearly linear for large
ones, so that a few outliers do not dominate the cost. ``cr.check_gradient`` compares the derivatives with central differences.
"""

import numpy as np

import chainrule as cr

softplus = cr.Activation("softplus", lambda z: np.logaddexp(0, z), lambda z, a: 1 / (1 + np.exp(-z)))
log_cosh = cr.Cost(
    "log_cosh",
    value=lambda a, y: (np.logaddexp(a - y, y - a) - np.log(2)).sum(axis=1),
    gradient=lambda a, y: np.tanh(a - y),
    output="identity",
)

# A sine wave with some noise; one point in twenty is an outlier.
rng = np.random.default_rng(0)
x = rng.uniform(-3, 3, (400, 1))
y = np.sin(x[:, 0]) + 0.1 * rng.normal(size=400)
y[::20] += 8
net = cr.Network([1, 24, 1], activation=softplus, cost=log_cosh, init="he_normal", seed=0, dtype="float64")
report = cr.check_gradient(net, x[:40], y[:40])
print(report)
assert report.ok

history = cr.train(net, (x, y), epochs=200, batch_size=20, learning_rate=0.02, optimizer="adam", engine="reference")
print(f"cost {history[0].cost:.3f} at first, {history[-1].cost:.3f} after {len(history)} epochs")

line = np.linspace(-3, 3, 7)[:, None]
print("   x   sin x  network")
for value, prediction in zip(line[:, 0], net.predict(line), strict=True):
    print(f"{value:4.0f} {np.sin(value):7.2f} {prediction:8.2f}")
