"""The notes once more, in the slowest and plainest form: the reference that every faster implementation is tested against.

Written from the notes and the papers, not from the library, and sharing nothing with it: one example at a time, one scalar at a
time, Python floats (which are float64) in lists of lists, no matrix products and no shortcuts. A cost is always taken through the
activation's whole Jacobian, so that no derivatives cancel here.

``weights[layer][j][k]`` leads from unit ``k`` of the layer before to unit ``j``; ``biases[layer][j]`` is that unit's; an example is
a list of inputs. Both may be NumPy arrays too, since only ``[]``, ``len`` and iteration are used.
"""

from __future__ import annotations

import math

# ----------------------------------------------------------------------------------------------------------------------
# Activations: the values of one layer for one example, and every da_j / dz_k
# ----------------------------------------------------------------------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + math.exp(-z)) if z > 0 else math.exp(z) / (1 + math.exp(z))


def sigmoid_prime(z):
    return sigmoid(z) * sigmoid(-z)


def tanh_prime(z):
    return 1 / math.cosh(z) ** 2


def relu(z):
    return z if z > 0 else 0.0


def relu_prime(z):
    return 1.0 if z > 0 else 0.0


def leaky_relu(z):
    return z if z > 0 else z / 100


def leaky_relu_prime(z):
    return 1.0 if z > 0 else 1 / 100


def identity(z):
    return z


def identity_prime(z):
    return 1.0


def gelu(z):
    return z * math.erfc(-z / math.sqrt(2)) / 2


def gelu_prime(z):
    return math.erfc(-z / math.sqrt(2)) / 2 + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def silu(z):
    return z * sigmoid(z)


def silu_prime(z):
    return sigmoid(z) + z * sigmoid_prime(z)


def mish(z):
    return z * math.tanh(math.log1p(math.exp(z)))


def mish_prime(z):
    softplus = math.log1p(math.exp(z))
    return math.tanh(softplus) + z * tanh_prime(softplus) * sigmoid(z)


SELU_LAMBDA, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def selu(z):
    return SELU_LAMBDA * (z if z > 0 else SELU_ALPHA * math.expm1(z))


def selu_prime(z):
    return SELU_LAMBDA * (1.0 if z > 0 else SELU_ALPHA * math.exp(z))


ELEMENTWISE = {
    "sigmoid": (sigmoid, sigmoid_prime),
    "tanh": (math.tanh, tanh_prime),
    "relu": (relu, relu_prime),
    "leaky_relu": (leaky_relu, leaky_relu_prime),
    "identity": (identity, identity_prime),
    "exp": (math.exp, math.exp),
    "gelu": (gelu, gelu_prime),
    "silu": (silu, silu_prime),
    "mish": (mish, mish_prime),
    "selu": (selu, selu_prime),
}


def softmax(z):
    largest = max(z)
    powers = [math.exp(z_k - largest) for z_k in z]
    return [power / math.fsum(powers) for power in powers]


def activate(name, z):
    """The activations of one layer."""
    if name == "softmax":
        return softmax(z)
    value, _ = ELEMENTWISE[name]
    return [value(z_j) for z_j in z]


def jacobian(name, z):
    """``J[j][k] = da_j / dz_k``, all of it."""
    n = len(z)
    if name == "softmax":
        a = softmax(z)
        return [[a[j] * ((1.0 if j == k else 0.0) - a[k]) for k in range(n)] for j in range(n)]
    _, derivative = ELEMENTWISE[name]
    return [[derivative(z[j]) if j == k else 0.0 for k in range(n)] for j in range(n)]


# ----------------------------------------------------------------------------------------------------------------------
# Costs: of one example, and dC/da_j
# ----------------------------------------------------------------------------------------------------------------------


def quadratic(a, y):
    return sum((y_j - a_j) ** 2 for a_j, y_j in zip(a, y, strict=True)) / 2


def mean_squared_error(a, y):
    return sum((y_j - a_j) ** 2 for a_j, y_j in zip(a, y, strict=True))


def cross_entropy(a, y):
    return -sum(y_j * math.log(a_j) + (1 - y_j) * math.log(1 - a_j) for a_j, y_j in zip(a, y, strict=True))


def log_loss(a, y):
    return -sum(y_j * math.log(a_j) for a_j, y_j in zip(a, y, strict=True))


def poisson(a, y):
    """Half the deviance; ``y ln y`` is 0 at 0, its limit."""
    return sum(a_j - y_j + (y_j * math.log(y_j / a_j) if y_j > 0 else 0.0) for a_j, y_j in zip(a, y, strict=True))


def huber(a, y):
    """Quadratic for errors up to delta = 1, linear beyond."""
    errors = [abs(y_j - a_j) for a_j, y_j in zip(a, y, strict=True)]
    return sum(v * v / 2 if v <= 1 else v - 1 / 2 for v in errors)


COSTS = {
    "quadratic": (quadratic, lambda a, y: a - y),
    "mean_squared_error": (mean_squared_error, lambda a, y: 2 * a - 2 * y),
    "cross_entropy": (cross_entropy, lambda a, y: (1 - y) / (1 - a) - y / a),
    "log_loss": (log_loss, lambda a, y: -y / a),
    "poisson": (poisson, lambda a, y: 1 - y / a),
    "huber": (huber, lambda a, y: a - y if abs(a - y) <= 1 else math.copysign(1.0, a - y)),
}


def smoothed(name, y, s):
    """Targets of one example, a share ``s`` of each given to all classes alike; ``s`` of 0 leaves any cost's as they are."""
    if s == 0:
        return list(y)
    uniform = {"log_loss": 1 / len(y), "cross_entropy": 1 / 2}[name]
    return [y_j + s * (uniform - y_j) for y_j in y]


def cost(name, a, y):
    """The cost of one example."""
    value, _ = COSTS[name]
    return value(a, y)


def cost_gradient(name, a, y):
    """``dC/da_j`` of one example."""
    _, derivative = COSTS[name]
    return [derivative(a_j, y_j) for a_j, y_j in zip(a, y, strict=True)]


# ----------------------------------------------------------------------------------------------------------------------
# Pages 3 and 4: feedforward and backpropagation, one example at a time
# ----------------------------------------------------------------------------------------------------------------------


def feedforward(weights, biases, activations, x, masks=None):
    """The lists ``zs`` and ``activations`` of page 4 for one example (N10); a mask multiplies its layer's activations."""
    outputs, zs = [list(x)], []
    for layer, name in enumerate(activations):
        z = []
        for j in range(len(biases[layer])):
            total = biases[layer][j]
            for k in range(len(outputs[-1])):
                total += weights[layer][j][k] * outputs[-1][k]
            z.append(total)
        a = activate(name, z)
        if masks is not None and masks[layer] is not None:
            a = [a[j] * masks[layer][j] for j in range(len(a))]
        zs.append(z)
        outputs.append(a)
    return zs, outputs


def input_features(x, edges, limits, sizes):
    """The clipped columns of one example, then of each bin of each column the fraction that lies below the number; times sizes."""
    features = [x_j / math.hypot(1.0, x_j / limit) for x_j, limit in zip(x, limits, strict=True)]
    for x_j, borders in zip(x, edges, strict=True):
        for k in range(1, len(borders)):
            width = borders[k] - borders[k - 1]
            features.append(min(1.0, max(0.0, (x_j - borders[k - 1]) / width)))
    return [size * feature for size, feature in zip(sizes, features, strict=True)]


def zeros_like(weights, biases):
    """Gradient matrices that match the shapes, first with zeros (page 4)."""
    nabla_w = [[[0.0 for _ in row] for row in matrix] for matrix in weights]
    nabla_b = [[0.0 for _ in column] for column in biases]
    return nabla_b, nabla_w


def backprop_one(weights, biases, activations, cost_name, x, y, masks=None):
    """BP1-BP4 of one example, every sum an explicit loop."""
    zs, outputs = feedforward(weights, biases, activations, x, masks)
    nabla_b, nabla_w = zeros_like(weights, biases)
    g = cost_gradient(cost_name, outputs[-1], y)  # dC/da of the layer at hand
    for layer in reversed(range(len(activations))):
        if masks is not None and masks[layer] is not None:
            g = [g[j] * masks[layer][j] for j in range(len(g))]
        through = jacobian(activations[layer], zs[layer])
        # (BP1), (BP2): dC/dz_k = sum over j of dC/da_j da_j/dz_k
        delta = [math.fsum(g[j] * through[j][k] for j in range(len(g))) for k in range(len(zs[layer]))]
        for j in range(len(delta)):
            nabla_b[layer][j] = delta[j]  # (BP3)
            for k in range(len(outputs[layer])):
                nabla_w[layer][j][k] = delta[j] * outputs[layer][k]  # (BP4)
        g = [math.fsum(weights[layer][j][k] * delta[j] for j in range(len(delta))) for k in range(len(outputs[layer]))]
    return nabla_b, nabla_w


def backprop(weights, biases, activations, cost_name, x, y, row_weights=None, masks=None):
    """The batch's sums ``(nabla_b, nabla_w)``; ``masks[layer][row]`` are one mini-batch's, ``row_weights`` count examples."""
    nabla_b, nabla_w = zeros_like(weights, biases)
    for i in range(len(x)):
        times = 1.0 if row_weights is None else row_weights[i]
        own = None if masks is None else [None if mask is None else mask[i] for mask in masks]
        one_b, one_w = backprop_one(weights, biases, activations, cost_name, x[i], y[i], own)
        for layer in range(len(biases)):
            for j in range(len(biases[layer])):
                nabla_b[layer][j] += times * one_b[layer][j]
                for k in range(len(weights[layer][j])):
                    nabla_w[layer][j][k] += times * one_w[layer][j][k]
    return nabla_b, nabla_w


def batch_cost(weights, biases, activations, cost_name, x, y, row_weights=None, masks=None):
    """The batch's sum of costs."""
    total = 0.0
    for i in range(len(x)):
        times = 1.0 if row_weights is None else row_weights[i]
        own = None if masks is None else [None if mask is None else mask[i] for mask in masks]
        _, outputs = feedforward(weights, biases, activations, x[i], own)
        total += times * cost(cost_name, outputs[-1], y[i])
    return total


# ----------------------------------------------------------------------------------------------------------------------
# Pages 1 and 2: one neuron
# ----------------------------------------------------------------------------------------------------------------------


def neuron_z(w, b, x_i):
    """``w . x_i + b``."""
    return sum(w[k] * x_i[k] for k in range(len(w))) + b


def neuron_feedforward(w, b, x, activation="relu"):
    """``a_i = max(0, w . x_i + b)``, or without the max."""
    return [ELEMENTWISE[activation][0](neuron_z(w, b, x_i)) for x_i in x]


def neuron_cost(w, b, x, y, activation="relu", factor=1 / 2):
    """``C = (1/2m) sum of v_i^2`` with ``v_i = y_i - a_i`` (N1), (N2); a factor of 1 is Parr and Howard's."""
    v = [y[i] - a_i for i, a_i in enumerate(neuron_feedforward(w, b, x, activation))]
    return factor / len(x) * sum(v_i * v_i for v_i in v)


def neuron_error_terms(w, b, x, y):
    """``e_i = w . x_i + b - y_i`` (N7)."""
    return [neuron_z(w, b, x[i]) - y[i] for i in range(len(x))]


def neuron_gradient(w, b, x, y, activation="relu", factor=1 / 2):
    """``dC/dw`` and ``dC/db`` by the chain rule, (N3) to (N5) and (N8), term by term."""
    m = len(x)
    dw, db = [0.0] * len(w), 0.0
    for i in range(m):
        z = neuron_z(w, b, x[i])
        active = 1.0 if activation == "identity" or z > 0 else 0.0  # (N5)
        v = y[i] - (z if active else 0.0)
        for k in range(len(w)):
            dw[k] += factor * 2 * v * -active * x[i][k] / m  # (N3), (N4)
        db += factor * 2 * v * -active / m  # (N8)
    return dw, db


# ----------------------------------------------------------------------------------------------------------------------
# What a step does with one parameter
# ----------------------------------------------------------------------------------------------------------------------


def sgd(w, g, rate):
    """``w <- w - eta g`` (N12)."""
    return w - rate * g


def momentum(w, g, v, rate, mu):
    """Polyak (1964), as the book writes it."""
    v = mu * v - rate * g
    return w + v, v


def nesterov(w, g, v, rate, mu):
    """Bengio et al. (2012): the velocity first, then a step from where it will lead."""
    v = mu * v - rate * g
    return w + mu * v - rate * g, v


def adam(w, g, m, v, rate, t, beta1, beta2, epsilon, epsilon_on):
    """Kingma and Ba (2015): epsilon beside the corrected root (their algorithm 1), or beside the raw one (end of section 2)."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    if epsilon_on == "corrected":
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        return w - rate * m_hat / (math.sqrt(v_hat) + epsilon), m, v
    rate_t = rate * math.sqrt(1 - beta2**t) / (1 - beta1**t)
    return w - rate_t * m / (math.sqrt(v) + epsilon), m, v


def adamw(w, g, m, v, rate, t, beta1, beta2, epsilon, weight_decay):
    """Loshchilov and Hutter (2019) as PyTorch has it: the decay apart from the gradient, times the rate."""
    return adam(w - rate * weight_decay * w, g, m, v, rate, t, beta1, beta2, epsilon, "corrected")


def rmsprop(w, g, v, rate, rho, epsilon):
    """Hinton's lecture 6e (2012): divide by the root of a running mean of squares."""
    v = rho * v + (1 - rho) * g**2
    return w - rate * g / (math.sqrt(v) + epsilon), v


def lion(w, g, m, rate, beta1, beta2, weight_decay):
    """Chen et al. (2023): a step of the rate, in the direction of an average's sign; the decay apart, times the rate."""
    average = beta1 * m + (1 - beta1) * g
    sign = 0.0 if average == 0 else math.copysign(1.0, average)
    return w - rate * (sign + weight_decay * w), beta2 * m + (1 - beta2) * g


def l1_gradient(w, l1):
    """Of ``l1 |w|``; 0 at 0."""
    return 0.0 if w == 0 else math.copysign(l1, w)


def l2_gradient(w, l2):
    """Of ``(l2 / 2) w^2``."""
    return l2 * w


def penalty(weights, l1, l2):
    """The penalties, which are added to the mean cost; biases have none."""
    every = [w for matrix in weights for row in matrix for w in row]
    return l1 * sum(abs(w) for w in every) + l2 / 2 * sum(w * w for w in every)


def norm(nabla_b, nabla_w):
    """The length of all gradients as one vector."""
    squares = [g * g for column in nabla_b for g in column]
    squares += [g * g for matrix in nabla_w for row in matrix for g in row]
    return math.sqrt(math.fsum(squares))


def clipped(nabla_b, nabla_w, most):
    """All gradients shortened together to a length of at most ``most``."""
    length = norm(nabla_b, nabla_w)
    scale = most / length if length > most else 1.0
    return [[scale * g for g in column] for column in nabla_b], [[[scale * g for g in row] for row in m] for m in nabla_w]


# ----------------------------------------------------------------------------------------------------------------------
# Philox4x32-7 (Salmon, Moraes, Dror and Shaw 2011), and the dropout mask drawn from it
# ----------------------------------------------------------------------------------------------------------------------

WORD = 2**32
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
WEYL = 0x9E3779B9, 0xBB67AE85
ROUNDS = 7


def philox(counter, key):
    """Four 32-bit words from a counter of four and a key of two."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        high0, low0 = divmod(MULTIPLIERS[0] * c0, WORD)
        high1, low1 = divmod(MULTIPLIERS[1] * c2, WORD)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + WEYL[0]) % WORD, (k1 + WEYL[1]) % WORD
    return c0, c1, c2, c3


def dropout_draw(seed, step, layer, row, unit, units):
    """The 16 bits that decide over one unit of one row: its row's block, its word in it, its half of that."""
    blocks_a_row = (units + 15) // 16 * 2
    block = row * blocks_a_row + unit // 8
    words = philox((block, layer, step % WORD, step // WORD), (seed % WORD, seed // WORD))
    word = words[unit % 8 // 2]
    return word % 2**16 if unit % 2 == 0 else word >> 16


def dropout_mask(shape, p, seed, step, layer):
    """0 where dropped, else ``1 / (1 - p)``; the draw as a fraction of 2^16 is held against ``p``, which is rounded to one."""
    rows, units = shape
    p = min(round(p * 2**16), 2**16 - 1) / 2**16
    return [
        [0.0 if dropout_draw(seed, step, layer, row, unit, units) / 2**16 < p else 1 / (1 - p) for unit in range(units)]
        for row in range(rows)
    ]
