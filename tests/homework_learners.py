"""Learners: backprop functions as learners write them, in NumPy, in rows or in columns, each with a mistake of one's choice."""

import numpy as np

import chainrule as cr

SIGMA = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(0, z),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "identity": lambda z: z,
}
PRIME = {
    "sigmoid": lambda z: SIGMA["sigmoid"](z) * (1 - SIGMA["sigmoid"](z)),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: (z > 0) * 1.0,
    "leaky_relu": lambda z: np.where(z > 0, 1.0, 0.01),
    "identity": np.ones_like,
}
OUTPUTS_AND_COSTS = [
    ("sigmoid", "quadratic"), ("tanh", "quadratic"), ("identity", "quadratic"), ("identity", "mean_squared_error"),
    ("sigmoid", "mean_squared_error"), ("sigmoid", "cross_entropy"), ("softmax", "log_loss"), ("softmax", "quadratic"),
    ("softmax", "mean_squared_error"),
]  # fmt: skip
COLLAPSING = [("identity", "quadratic"), ("sigmoid", "cross_entropy"), ("softmax", "log_loss")]


def summed_cost(cost, a, y):
    """Sum the cost of a batch in either layout."""
    if cost == "cross_entropy":
        return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
    if cost == "log_loss":
        return -np.sum(y * np.log(a))
    return np.sum((a - y) ** 2) * (0.5 if cost == "quadratic" else 1)


def cost_gradient(cost, a, y, mistake):
    """dC/da as a learner writes it."""
    if (cost == "cross_entropy" and mistake != "half") or (cost == "log_loss" and mistake == "two terms"):
        return (a - y) / (a * (1 - a))
    if cost in ("cross_entropy", "log_loss"):
        return -y / a
    return (a - y) * (2 if cost == "mean_squared_error" else 1)


def softmax(z, axis):
    """Softmax of a batch whose classes are along this axis."""
    return np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)


def outputs_of(output, z, mistake, axis):
    """The last activation, as a learner writes it."""
    if output == "softmax":
        return softmax(z, {"softmax over batch": 1 - axis, "softmax over all": None}.get(mistake, axis))
    return SIGMA[output](z)


def output_delta(output, cost, z, a, y, mistake, axis):
    """BP1 as a learner writes it, for a batch whose classes are along this axis."""

    def multiply_by_sigma_prime(g, z=z, a=a):
        if output == "softmax":
            return a * (g - (g * a).sum(axis=1 - axis if mistake == "jacobian axis" else axis, keepdims=True))
        return g * PRIME[output](z)

    g = cost_gradient(cost, a, y, mistake)
    if mistake == "number by number":
        return g * a * (1 - a)
    if mistake == "number by number of a":
        return g * softmax(a, axis) * (1 - softmax(a, axis))
    if mistake == "minus one":
        return np.where(y == 1, -1, a)
    if mistake in ("forgotten at output", "forgotten everywhere"):
        return g
    if mistake == "of a at output":
        return multiply_by_sigma_prime(g, a, softmax(a, axis))
    if mistake == "z for a":
        return z - y if (output, cost) in COLLAPSING else multiply_by_sigma_prime(cost_gradient(cost, z, y, mistake))
    uncollapsed = mistake in ("uncollapsed", "jacobian axis", "half", "two terms")
    delta = multiply_by_sigma_prime(g) if uncollapsed or (output, cost) not in COLLAPSING else a - y
    if mistake == "twice":
        return delta * (a * (1 - a) if output == "softmax" else PRIME[output](z))
    if mistake == "twice whole":
        return multiply_by_sigma_prime(delta)
    if mistake == "factor 2":
        return delta / 2 if cost == "mean_squared_error" else delta * 2
    return -delta if mistake == "sign" else delta


def hidden_delta(hidden, z, a, g, mistake):
    """The right half of BP2 as a learner writes it."""
    if mistake in ("forgotten in hidden", "forgotten everywhere"):
        return g
    if mistake == "of a":
        return g * PRIME[hidden](a)
    if mistake == "mask of error":
        return g * np.where(g > 0, 1.0, 0.01 if hidden == "leaky_relu" else 0.0)
    if mistake == "mask swapped":
        return np.where(g > 0, z, 0.0)
    if mistake == "no leak":
        return g * (z > 0)
    return g * (a if mistake == "sigma for prime" else PRIME[hidden](z))


def columns_learner(hidden, output, cost, mistake="", means=False, with_cost=False, labels=False):
    """The book's backprop for a batch of columns."""

    def backprop(weights, biases, x, y):
        num_layers, m = len(weights) + 1, x.shape[1]
        if labels:
            y = np.eye(biases[-1].size)[:, y]
        activation, activations, zs = x, [x], []
        for i, (b, w) in enumerate(zip(biases, weights, strict=True)):
            z = np.dot(w, activation) + (0 if mistake == "bias" else b)
            zs.append(z)
            activation = SIGMA[hidden](z) if i < num_layers - 2 else outputs_of(output, z, mistake, 0)
            activations.append(activation)
        nabla_b = [np.zeros(b.shape) for b in biases]
        nabla_w = [np.zeros(w.shape) for w in weights]

        def set_gradients(layer, delta):
            offset = 0 if mistake == "activation" else 1
            entered = activations[-layer - offset]
            if mistake == "overwritten" and layer < num_layers - 1:
                entered = (entered > 0) * 1.0
            nabla_w[-layer] = np.dot(delta, entered.T)
            if mistake == "one number" or (mistake == "one number at output" and layer == 1):
                nabla_b[-layer] = np.sum(delta)
            elif mistake == "bias from nabla_w":
                nabla_b[-layer] = nabla_w[-layer].sum(axis=1, keepdims=True)
            elif mistake == "wrong axis":
                nabla_b[-layer] = delta.sum(axis=0, keepdims=True)
            else:
                summed = delta[:, :1] if mistake == "first only" else delta[:, -1:] if mistake == "last only" else delta
                nabla_b[-layer] = summed.sum(axis=1, keepdims=True)

        delta = output_delta(output, cost, zs[-1], activations[-1], y, mistake, 0)
        set_gradients(1, delta)
        error = delta if (output, cost) in COLLAPSING else cost_gradient(cost, activations[-1], y, mistake)
        for layer in range(2, num_layers):
            w = weights[-layer] if mistake == "weights" else weights[-layer + 1]
            error = np.dot(w if mistake == "transpose" else w.T, error if mistake == "error back" else delta)
            z = zs[-layer + 1] if mistake == "prime off" else zs[-layer]
            delta = hidden_delta(hidden, z, activations[-layer], error, mistake)
            set_gradients(layer, delta)
        if mistake == "no nabla_b":
            nabla_b = [0 * b for b in nabla_b]
        if mistake == "unsummed":
            nabla_b[-1] = output_delta(output, cost, zs[-1], activations[-1], y, mistake, 0)
        if means:
            nabla_b = [b if mistake == "mean and sum" else b / m for b in nabla_b]
            nabla_w = [w / m for w in nabla_w]
        if mistake == "n_out":
            nabla_b, nabla_w = ([g / y.shape[0] for g in lists] for lists in (nabla_b, nabla_w))
        total = summed_cost(cost, activations[-1], y)
        if mistake == "sum for mean":
            return total / m, (nabla_b, nabla_w)
        return (total / m if means else total, (nabla_b, nabla_w)) if with_cost else (nabla_b, nabla_w)

    return backprop


def rows_learner(hidden, output, cost, mistake="", means=False, with_cost=False, labels=False):
    """The same for a batch of rows, with layers counted from the front."""

    def gradient(ws, bs, X, Y):
        if labels:
            Y = np.eye(len(bs[-1]))[Y]
        m, n = len(X), len(ws)
        a, z = {0: X}, {}
        for k in range(1, n + 1):
            z[k] = a[k - 1] @ ws[k - 1].T
            if mistake != "bias":
                z[k] = z[k] + bs[k - 1]
            a[k] = SIGMA[hidden](z[k]) if k < n else outputs_of(output, z[k], mistake, 1)
        d = {n: output_delta(output, cost, z[n], a[n], Y, mistake, 1)}
        error = d[n] if (output, cost) in COLLAPSING else cost_gradient(cost, a[n], Y, mistake)
        for k in range(n - 1, 0, -1):
            w = ws[k - 1] if mistake == "weights" else ws[k]
            error = (error if mistake == "error back" else d[k + 1]) @ (w.T if mistake == "transpose" else w)
            d[k] = hidden_delta(hidden, z[k + 1] if mistake == "prime off" else z[k], a[k], error, mistake)
        divisor = m if means or mistake == "mean and sum" else 1
        if mistake == "n_out":
            divisor = divisor * Y.shape[1]
        db, dw = [], []
        for k in range(1, n + 1):
            entered = a[k] if mistake == "activation" else a[k - 1]
            if mistake == "overwritten" and k > 1:
                entered = np.sign(entered)
            dw.append(d[k].T @ entered / divisor)
            if mistake == "first only":
                db.append(d[k][0] / divisor)
            elif mistake == "last only":
                db.append(d[k][-1] / divisor)
            elif mistake == "no nabla_b":
                db.append(np.zeros(d[k].shape[1]))
            elif mistake == "unsummed":
                db.append(d[k])
            elif mistake == "one number" or (mistake == "one number at output" and k == n):
                db.append(d[k].sum() / divisor)
            elif mistake == "bias from nabla_w":
                db.append(dw[-1].sum(axis=1))
            elif mistake == "wrong axis":
                db.append(d[k].sum(axis=1) / divisor)
            else:
                db.append(d[k].sum(axis=0) / (1 if mistake == "mean and sum" else divisor))
        total = summed_cost(cost, a[n], Y)
        if mistake == "sum for mean":
            return total / m, (db, dw)
        return (total / m if means else total, (db, dw)) if with_cost else (db, dw)

    return gradient


def single_column_learner(hidden, output, cost, mistake="", means=False, with_cost=False, labels=False):
    """The book's own backprop of one example, (n, 1)."""
    batch = columns_learner(hidden, output, cost, mistake, False, with_cost, False)

    def backprop(weights, biases, x, y):
        assert x.shape[1] == 1
        if labels:
            y = np.eye(biases[-1].size)[:, [y]]
        return batch(weights, biases, x, y)

    return backprop


LEARNERS = {"rows": rows_learner, "columns": columns_learner, "one": single_column_learner}
EVERYWHERE, HIDDEN, OUTPUT = "in every layer", "in the hidden layers", "at the output"
MISTAKES = {  # the learners' mistakes, each with the name, place and equation that the report must give
    "transpose": ("transpose of the weights", HIDDEN, "BP2"),
    "activation": ("activation one layer off", EVERYWHERE, "BP4"),
    "weights": ("weights one layer off", HIDDEN, "BP2"),
    "prime off": ("sigma' one layer off", HIDDEN, "BP2"),
    "forgotten at output": ("sigma' forgotten", OUTPUT, "BP1"),
    "forgotten in hidden": ("sigma' forgotten", HIDDEN, "BP2"),
    "forgotten everywhere": ("sigma' forgotten", EVERYWHERE, "BP1 and BP2"),
    "of a": ("sigma' of a instead of z", HIDDEN, "BP2"),
    "of a at output": ("sigma' of a instead of z", OUTPUT, "BP1"),
    "twice": ("sigma' applied twice", OUTPUT, "BP1"),
    "twice whole": ("sigma' applied twice", OUTPUT, "BP1"),
    "sigma for prime": ("sigma instead of sigma'", HIDDEN, "BP2"),
    "number by number": ("softmax's Jacobian missing", OUTPUT, "BP1"),
    "number by number of a": ("softmax's Jacobian missing", OUTPUT, "BP1"),
    "jacobian axis": ("softmax's Jacobian along the wrong axis", OUTPUT, "BP1"),
    "softmax over batch": ("softmax along the wrong axis", OUTPUT, "N10"),
    "softmax over all": ("softmax along the wrong axis", OUTPUT, "N10"),
    "half": ("a term of cross-entropy missing", OUTPUT, "BP1"),
    "two terms": ("cross-entropy's gradient for log loss", OUTPUT, "BP1"),
    "z for a": ("error of z instead of a", OUTPUT, "BP1"),
    "minus one": ("-1 instead of a - 1", OUTPUT, "BP1"),
    "error back": ("dC/da sent back instead of delta", HIDDEN, "BP2"),
    "mask of error": ("ReLU's mask of dC/da instead of z", HIDDEN, "BP2"),
    "mask swapped": ("ReLU's mask of dC/da instead of z", HIDDEN, "BP2"),
    "no leak": ("leak forgotten", HIDDEN, "BP2"),
    "overwritten": ("activation overwritten by sigma'", "in nabla_w alone", "BP4"),
    "sum for mean": ("sum instead of mean", EVERYWHERE, "BP3 and BP4"),
    "mean and sum": ("a mean beside a sum", "in nabla_w", "BP3 and BP4"),
    "sign": ("sign", EVERYWHERE, "BP1"),
    "bias": ("bias forgotten", EVERYWHERE, "N10"),
    "factor 2": ("factor 2", EVERYWHERE, "BP1"),
    "n_out": ("1/n_out", EVERYWHERE, "BP1"),
    "first only": ("batch not summed", "in nabla_b alone", "BP3"),
    "last only": ("batch not summed", "in nabla_b alone", "BP3"),
    "no nabla_b": ("nabla_b is zero", EVERYWHERE, "BP3"),
    "unsummed": ("batch not summed", None, "BP3"),
    "one number": ("nabla_b is one number", EVERYWHERE, "BP3"),
    "one number at output": ("nabla_b is one number", OUTPUT, "BP3"),
    "bias from nabla_w": ("nabla_b summed from nabla_w", EVERYWHERE, "BP3"),
    "wrong axis": ("nabla_b summed along the wrong axis", None, "BP3"),
}
NEED_A_BATCH = {
    "sum for mean", "mean and sum", "first only", "last only", "unsummed", "wrong axis", "softmax over all", "jacobian axis",
}  # fmt: skip
NEED_SOFTMAX = {"number by number", "number by number of a", "jacobian axis", "softmax over batch", "softmax over all"}
NEED_RELU = {"mask of error", "mask swapped", "overwritten"}
NEED_SIGMA_PRIME = {"forgotten at output", "forgotten everywhere", "of a at output", "twice", "z for a"}
NEED_COST = {"half": "cross_entropy", "two terms": "log_loss", "minus one": "log_loss", "twice whole": "log_loss"}


def changes_the_gradient(mistake, hidden, output, cost, depth):
    """Whether this mistake changes the gradient of such a network."""
    if mistake == "of a":  # relu'(a) is relu'(z)
        return hidden not in ("relu", "leaky_relu")
    if mistake in NEED_RELU:
        return hidden == "relu" or (mistake == "mask of error" and hidden == "leaky_relu")
    if mistake == "no leak":
        return hidden == "leaky_relu"
    if mistake in NEED_SOFTMAX:
        return output == "softmax"
    if mistake in NEED_COST:
        return cost == NEED_COST[mistake]
    if mistake == "error back":  # with one hidden layer and delta = dC/da, the same array is propagated
        return depth > 2 or (output != "identity" and (output, cost) not in COLLAPSING)
    if mistake in NEED_SIGMA_PRIME:
        return output != "identity" and ((output, cost) not in COLLAPSING or mistake in ("twice", "z for a"))
    return True


def random_homework(seed, mistake=""):
    """Draw a network, a learner with this mistake, and a batch in its layout, such that the mistake changes the gradient."""
    rng = np.random.default_rng([seed, len(mistake)])
    while True:
        hidden, (output, cost) = str(rng.choice([*SIGMA][:4])), OUTPUTS_AND_COSTS[rng.integers(len(OUTPUTS_AND_COSTS))]
        layout, means = rng.choice(["rows", "columns", "one"]), bool(rng.integers(2))
        sizes = [int(n) for n in rng.integers(3, 9, rng.integers(3, 6))]
        if mistake in NEED_A_BATCH and layout == "one":
            continue
        if changes_the_gradient(mistake, hidden, output, cost, len(sizes) - 1):
            break
    net = cr.Network(sizes, activation=hidden, output=output, cost=cost, seed=0)
    m = 9 + int(rng.integers(5))
    labels = bool(rng.integers(3) == 0) or mistake == "minus one"
    x = rng.standard_normal((m, sizes[0]))
    y = rng.integers(0, sizes[-1], m) if labels else rng.dirichlet(np.ones(sizes[-1]), m)
    if layout == "columns":
        x, y = x.T, y.T
    elif layout == "one":
        x, y = x[0][:, None], y[0] if labels else y[0][:, None]
    with_cost = mistake not in ("mean and sum", "bias") and bool(rng.integers(2))
    means = mistake == "mean and sum" or (means and mistake != "sum for mean")
    f = LEARNERS[layout](hidden, output, cost, mistake, means, with_cost, labels)
    return f, x, y, net


NET = cr.Network([6, 4, 3], seed=0)
X, Y = np.zeros((9, 6)), np.zeros((9, 3))  # only their shapes matter
ROWS = rows_learner("sigmoid", "sigmoid", "quadratic")
COLUMNS = columns_learner("sigmoid", "sigmoid", "quadratic")
ONE = single_column_learner("sigmoid", "sigmoid", "quadratic")


def with_changed_nabla_w(f, change):
    """Change the nabla_w that a function returns."""
    return lambda *batch: (f(*batch)[0], change(f(*batch)[1]))


def with_changed_nabla_b(f, change):
    """Change the nabla_b that a function returns."""
    return lambda *batch: (change(f(*batch)[0]), f(*batch)[1])
