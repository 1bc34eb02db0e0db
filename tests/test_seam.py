"""The laws of the seam, each a property of drawn networks, data and settings, tested for every engine."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import naive
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

import chainrule as cr
from chainrule import epoch_blocks
from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.backprop import backprop
from chainrule.calculus.costs import COSTS
from chainrule.calculus.descent import Parameters, mini_batches, update_mini_batch
from chainrule.calculus.dropout import dropout_mask
from chainrule.calculus.feedforward import decision, feedforward
from chainrule.engines import ENGINES, thread_count
from chainrule.epoch_blocks import epoch_order
from chainrule.plan import Layer, Plan, State, Steps

PAIRS = [(sigma, cost.name) for cost in COSTS.values() for sigma in ACTIVATIONS if not cost.outputs or sigma in cost.outputs]
KINDS = ("dense", "dense32", "pixels", "csr")
EVERY_KIND = (*KINDS, "piecewise")
EXACT = {"float32": 1e-5, "float64": 1e-12}  # law 6, of each array's largest magnitude

sgd = st.builds(cr.optimizers.SGD, momentum=st.sampled_from([0.0, 0.5, 0.9])) | st.builds(
    cr.optimizers.SGD, momentum=st.sampled_from([0.3, 0.9]), nesterov=st.just(True)
)
adaptive = st.one_of(  # epsilon is large: near 0 these rules amplify rounding errors, which differ between engines
    st.builds(
        cr.optimizers.Adam,
        beta1=st.sampled_from([0.0, 0.9]),
        beta2=st.sampled_from([0.5, 0.999]),
        epsilon=st.sampled_from([0.01, 0.1]),
        epsilon_on=st.sampled_from(["corrected", "raw"]),
    ),
    st.builds(cr.optimizers.AdamW, epsilon=st.just(0.05), weight_decay=st.sampled_from([0.0, 0.1])),
    st.builds(cr.optimizers.RMSprop, rho=st.sampled_from([0.0, 0.9]), epsilon=st.sampled_from([0.01, 0.1])),
)
lion = st.builds(  # not compared between engines: the sign of a gradient near 0 depends on rounding errors
    cr.optimizers.Lion,
    beta1=st.sampled_from([0.0, 0.9]),
    beta2=st.sampled_from([0.5, 0.99]),
    weight_decay=st.sampled_from([0, 0.1]),
)
any_optimizer = sgd | adaptive | lion


@dataclass
class Case:
    """The arguments of a training across the seam."""

    plan: Plan
    state: State
    examples: cr.Examples
    order: np.ndarray
    steps: Steps

    def __repr__(self):
        return f"Case({self.plan}, {self.examples}, order {self.order.tolist()}, {self.steps})"


def inputs(rng, kind, n, n_in):
    """Draw inputs of a kind, (n, n_in)."""
    if kind == "pixels":
        x = rng.integers(0, 256, (n, n_in)).astype(np.uint8)
        x[0, 0] = 255
        return x
    if kind == "piecewise":
        return piecewise(rng, n, n_in)
    x = rng.uniform(-1, 1, (n, n_in))
    if kind == "csr":
        return sparse.csr_array(np.where(rng.random(x.shape) < 0.6, 0, x))
    return x.astype(np.float32) if kind == "dense32" else x


def piecewise(rng, n, n_in):
    """Draw columns, some with limits, and their bins, which together make so many features of any sizes."""
    columns = int(rng.integers(1, n_in + 1))
    bins = rng.multinomial(n_in - columns, np.full(columns, 1 / columns))
    edges = [np.cumsum(rng.uniform(0.2, 0.8, count + 1)) - 1 if count else [] for count in bins]
    limits = np.where(rng.random(columns) < 0.5, np.inf, rng.uniform(0.3, 3, columns))
    return cr.PiecewiseInputs(rng.uniform(-1, 1, (n, columns)), edges, limits=limits, sizes=rng.uniform(0.3, 1.5, n_in))


def outcomes(rng, cost, n, n_out, as_labels):
    """Draw labels, or targets that suit the cost."""
    if as_labels and n_out > 1:
        return rng.integers(0, n_out, n)
    if cost == "log_loss":
        rows = rng.uniform(0.1, 1, (n, n_out))
        return rows / rows.sum(axis=1, keepdims=True)
    if as_labels:
        return rng.integers(0, 2, n)
    return rng.uniform(0, 1, (n, n_out))


@st.composite
def cases(draw, optimizers=sgd | adaptive, dtypes=("float32", "float64"), most_steps=6, dropout=True):
    """Draw a network, data, and the first mini-batches of a training."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=4))
    output, cost = draw(st.sampled_from(PAIRS))
    hidden = st.sampled_from([name for name in ACTIVATIONS if name != "softmax"])
    rates = st.sampled_from([0.0, 0.3, 0.5]) if dropout else st.just(0.0)
    layers = [Layer(n_in, n_out, draw(hidden), draw(rates)) for n_in, n_out in zip(sizes, sizes[1:], strict=False)]
    layers[-1] = replace(layers[-1], activation=output, dropout=0.0)
    plan = Plan(
        layers=tuple(layers),
        cost=cost,
        optimizer=draw(optimizers),
        batch_size=draw(st.integers(1, 14)),
        l1=draw(st.sampled_from([0.0, 0.01])),
        clip=draw(st.sampled_from([None, 0.1, 10.0])),
        dtype=draw(st.sampled_from(dtypes)),
        seed=draw(st.sampled_from([0, 1, 2**64 - 1])),
        label_smoothing=draw(st.sampled_from([0.0, 0.1, 0.5])) if cost in ("log_loss", "cross_entropy") else 0.0,
    )
    n = draw(st.integers(1, 12))
    weights = rng.uniform(0, 2, n) * rng.integers(0, 2, n) if draw(st.booleans()) else None
    if weights is not None:
        weights[0] = 1.5
    x, y = inputs(rng, draw(st.sampled_from(EVERY_KIND)), n, sizes[0]), outcomes(rng, cost, n, sizes[-1], draw(st.booleans()))
    count = min(-(-n // plan.batch_size), most_steps)
    order = rng.permutation(n)[: count * plan.batch_size]
    factor = 0.05 if "exp" in [layer.activation for layer in layers] else 1.0  # larger steps make an exponential overflow
    steps = Steps(factor * rng.uniform(0.01, 0.2, count), np.full(count, draw(st.sampled_from([0.0, 0.05]))))
    return Case(plan, initial_state(plan, rng), cr.Examples(x, y, weights=weights), order, steps)


@st.composite
def decayed_sparse_cases(draw):
    """Draw a training by plain SGD with L2 on wide sparse inputs, where an engine may defer the decay of unused columns."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_in, n_out, hidden = draw(st.integers(40, 300)), draw(st.integers(1, 4)), draw(st.sampled_from([(), (3,), (20,)]))
    sizes = [n_in, *hidden, n_out]
    layers = tuple(Layer(*shape, "sigmoid") for shape in zip(sizes, sizes[1:], strict=False))
    plan = Plan(layers, batch_size=draw(st.integers(1, 4)), dtype=draw(st.sampled_from(["float32", "float64"])))
    n = draw(st.integers(6, 40))
    x = sparse.csr_array(np.where(rng.random((n, n_in)) < 0.05, rng.uniform(-1, 1, (n, n_in)), 0))
    count = -(-n // plan.batch_size)
    decay = draw(st.sampled_from([1e-3, 0.05, 0.5]))
    steps = Steps(rng.uniform(0.1, 1.0, count), np.full(count, decay))
    examples = cr.Examples(x, rng.uniform(0, 1, (n, n_out)))
    return Case(plan, initial_state(plan, rng), examples, rng.permutation(n), steps)


def initial_state(plan, rng):
    """Draw parameters so small that exp stays small."""
    weights = tuple((rng.normal(size=(la.n_out, la.n_in)) / np.sqrt(la.n_in)).astype(plan.dtype) for la in plan.layers)
    return State(weights, tuple((0.3 * rng.normal(size=la.n_out)).astype(plan.dtype) for la in plan.layers))


def parts(state):
    """Every array of a state, in order."""
    slots = [array for name in sorted(state.slots) for array in state.slots[name]]
    return [*state.weights, *state.biases, *slots]


def bits(state):
    """Give the dtypes, shapes and bytes of a state's arrays, and its step: equal states have equal bits."""
    return state.step, [(part.dtype.str, part.shape, part.tobytes()) for part in parts(state)]


def advanced(engine, case, cuts=(), threads=1):
    """Train by the case's mini-batches, in blocks that end after ``cuts`` of them; give the state and the costs."""
    data = engine.prepare(case.examples)
    session = engine.open(case.plan, case.state, threads=threads)
    size, found = case.plan.batch_size, []
    borders = sorted({0, *cuts, len(case.steps)})
    for first, last in zip(borders, borders[1:], strict=False):
        block = Steps(case.steps.rate[first:last], case.steps.decay[first:last])
        found.append(session.advance(data, case.order[first * size : last * size], block))
    return session.state(), np.concatenate([np.zeros(0), *(progress.costs for progress in found)])


def assert_close(actual, expected, dtype, steps=1):
    """Compare arrays within the tolerance of law 6; terms of about 1 may cancel to a small array, which keeps their rounding."""
    scale = max(np.abs(expected).max(), 0.1)
    assert np.abs(np.asarray(actual, np.float64) - expected).max() <= steps * EXACT[dtype] * scale


# Law 1: cuts


@given(cases(any_optimizer), st.data())
@settings(max_examples=150)
def test_any_cut_of_an_epoch_gives_the_same_bits(engine, case, data):
    """Advancing in any blocks of whole mini-batches gives the bits of advancing once: parameters, slots and costs."""
    cuts = data.draw(st.sets(st.integers(0, len(case.steps))))
    once, costs = advanced(engine, case)
    pieces, costs_of_pieces = advanced(engine, case, cuts)
    assert bits(pieces) == bits(once)
    assert costs_of_pieces.tobytes() == costs.tobytes()


@given(decayed_sparse_cases(), st.data())
@settings(max_examples=60)
def test_any_cut_of_a_decayed_sparse_training_gives_the_same_bits(engine, case, data):
    """Plain SGD with L2 on a sparse first layer gives the same bits in any blocks, though an engine may defer the decay."""
    cuts = data.draw(st.sets(st.integers(0, len(case.steps)), min_size=1))
    once, costs = advanced(engine, case)
    pieces, costs_of_pieces = advanced(engine, case, cuts)
    assert bits(pieces) == bits(once)
    assert costs_of_pieces.tobytes() == costs.tobytes()


@given(decayed_sparse_cases())
@settings(max_examples=30)
def test_a_decayed_sparse_training_is_what_the_equations_say(engine, case):
    """Plain SGD with L2 on a sparse first layer decays every column at every step, whether an example has an entry in it or not."""
    state, costs = advanced(engine, case)
    expected, expected_costs = composed(case)
    for actual, wanted in zip([*state.weights, *state.biases], [*expected.weights, *expected.biases], strict=True):
        assert_close(actual, wanted, case.plan.dtype)
    assert_close(costs, np.array(expected_costs), case.plan.dtype)


def test_a_training_does_not_depend_on_its_blocks(engine, monkeypatch):
    """A whole training, dropout and a schedule included, gives the same bits in blocks of one mini-batch as in blocks of 50 ms."""
    rng = np.random.default_rng(0)
    pair = rng.normal(size=(53, 5)), rng.integers(0, 3, 53)

    def train():
        net = cr.Network([5, 7, 3], activation="tanh", seed=4)
        history = cr.train(
            net,
            pair,
            epochs=3,
            batch_size=10,
            learning_rate=0.1,
            optimizer="adam",
            l1=1e-4,
            l2=1e-3,
            dropout=0.2,
            schedule="cosine",
            engine=engine.name,
            threads=1,
        )
        return bits(net.state()), history["cost"].tobytes(), history["learning_rate"].tobytes()

    in_long_blocks = train()
    monkeypatch.setattr(epoch_blocks, "BLOCK_SECONDS", 1e-12)
    assert train() == in_long_blocks


# Law 2: round trip


@given(cases(any_optimizer) | decayed_sparse_cases(), st.data())
@settings(max_examples=150)
def test_a_state_goes_on_with_the_same_bits(engine, case, data):
    """``open(plan, session.state())`` goes on as the session itself would have, at any mini-batch."""
    cut = data.draw(st.integers(0, len(case.steps)))
    straight, costs = advanced(engine, case)
    middle, first_costs = advanced(engine, some_steps(case, 0, cut))
    rest, last_costs = advanced(engine, replace(some_steps(case, cut, None), state=middle))
    assert bits(rest) == bits(straight)
    assert np.concatenate([first_costs, last_costs]).tobytes() == costs.tobytes()
    assert straight.step == case.state.step + len(case.steps)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_weights_of_columns_no_longer_used_go_on_moving(engine, optimizer):
    """From a state, weights of columns that only earlier examples used still move by the optimizer's state."""
    plan = Plan((Layer(100, 3, "sigmoid"),), optimizer=cr.optimizers.OPTIMIZERS[optimizer], batch_size=2)
    examples = cr.Examples(sparse.csr_array(np.eye(100)[[0, 1, 98, 99]]), [0, 1, 2, 0])
    case = Case(plan, initial_state(plan, np.random.default_rng(0)), examples, np.arange(4), Steps(np.full(2, 0.5), np.zeros(2)))
    middle, _ = advanced(engine, some_steps(case, 0, 1))
    rest, _ = advanced(engine, replace(some_steps(case, 1, None), state=middle))
    assert bits(rest) == bits(advanced(engine, case)[0])


def some_steps(case, first, last):
    """Give the same case with some of its mini-batches."""
    size = case.plan.batch_size
    steps = Steps(case.steps.rate[first:last], case.steps.decay[first:last])
    return replace(case, steps=steps, order=case.order[first * size : None if last is None else last * size])


@given(cases(any_optimizer))
@settings(max_examples=25)
def test_copying_out_a_state_changes_nothing(engine, case):
    """``state()`` gives copies: writing to them changes neither the session nor an earlier state."""
    data = engine.prepare(case.examples)
    session = engine.open(case.plan, case.state, threads=1)
    before = session.state()
    kept = bits(before)
    for part in parts(session.state()):
        part[...] = np.nan
    assert bits(session.state()) == kept
    session.advance(data, case.order, case.steps)
    assert bits(before) == kept
    assert bits(session.state()) == bits(advanced(engine, case)[0])


@given(cases(any_optimizer))
@settings(max_examples=80)
def test_a_state_is_of_the_plans_dtype(engine, case):
    """Every array of a state has the plan's dtype, and a slot the shape of its parameter, whatever the data and settings are."""
    state, costs = advanced(engine, case)
    assert {part.dtype for part in parts(state)} == {np.dtype(case.plan.dtype)}
    assert set(state.slots) == set(case.plan.optimizer.slots)
    shapes = [part.shape for part in [*case.state.weights, *case.state.biases]]
    assert all([part.shape for part in slot] == shapes for slot in state.slots.values())
    assert costs.dtype == np.float64
    assert state.made_by.startswith(engine.name)


NUMPY_SETTINGS = [
    cr.optimizers.SGD(momentum=np.float64(0.9)),
    cr.optimizers.SGD(momentum=np.float32(0.5), nesterov=np.True_),
    cr.optimizers.Adam(beta1=np.float64(0.9), beta2=np.float64(0.99), epsilon=np.float64(0.1)),
    cr.optimizers.AdamW(weight_decay=np.float64(0.1)),
    cr.optimizers.RMSprop(rho=np.float64(0.5), epsilon=np.float64(0.1)),
    cr.optimizers.Lion(beta1=np.float64(0.5), weight_decay=np.float64(0.1)),
]


@pytest.mark.parametrize("optimizer", NUMPY_SETTINGS, ids=lambda optimizer: optimizer.name)
def test_settings_that_are_numpy_scalars_keep_the_dtype(engine, optimizer):
    """An optimizer with NumPy's numbers for settings, as a sweep gives them, trains a float32 network in float32."""
    rng = np.random.default_rng(0)
    plan = Plan((Layer(3, 2, "sigmoid"),), optimizer=optimizer)
    case = Case(
        plan,
        initial_state(plan, rng),
        cr.Examples(rng.normal(size=(8, 3)), rng.integers(0, 2, 8)),
        np.arange(8),
        Steps(np.full(1, 0.1), np.zeros(1)),
    )
    assert {part.dtype for part in parts(advanced(engine, case)[0])} == {np.dtype("float32")}


def test_an_activation_of_ones_own_keeps_the_plans_dtype():
    """A user's own activation that answers in float64 leaves a float32 network's state in float32."""
    double = cr.Activation("double", lambda z: np.float64(2) * z, lambda z, a: np.full(z.shape, 2.0))
    net = cr.Network([3, 4, 2], activation=double, seed=0)
    rng = np.random.default_rng(0)
    engine = ENGINES["reference"]
    session = engine.open(net.plan, net.state(), threads=1)
    data = engine.prepare(cr.Examples(rng.normal(size=(8, 3)), rng.integers(0, 2, 8)))
    session.advance(data, np.arange(8), Steps(np.full(1, 0.1), np.zeros(1)))
    assert {part.dtype for part in parts(session.state())} == {np.dtype("float32")}


# Law 3: threads


@given(cases(any_optimizer))
@settings(max_examples=30)
def test_sessions_in_parallel_give_the_bits_of_one(engine, case):
    """Sessions over one prepared data in a thread pool, one BLAS thread each, give the bits of a session alone."""
    alone = bits(advanced(engine, case)[0])
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda _: bits(advanced(engine, case)[0]), range(3)))
    assert together == [alone] * 3


def test_a_wide_network_repeats_its_bits_with_one_thread(engine):
    """At sizes where BLAS would use threads, ``threads=1`` gives the same bits each time."""
    rng = np.random.default_rng(3)
    pair = rng.integers(0, 256, (400, 300)).astype(np.uint8), rng.integers(0, 10, 400)

    def train():
        net = cr.Network([300, 200, 10], seed=0)
        cr.train(net, pair, epochs=1, batch_size=128, learning_rate=0.5, engine=engine.name, threads=1)
        return bits(net.state())

    assert train() == train()


OVERLAPPING = """
from concurrent.futures import ThreadPoolExecutor
from threading import Event
import numpy as np
from threadpoolctl import threadpool_info
import chainrule as cr
from chainrule.engines import ENGINES

def blas_threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

def forward(began, wait_for):
    def waiting(z):
        began.set()
        assert wait_for.wait(10)
        return z
    own = cr.Activation("waiting", waiting, lambda z, a: np.ones_like(z))
    net = cr.Network([3, 2], output=own, cost="mean_squared_error", seed=0)
    ENGINES["reference"].forward(net.plan, net.weights, net.biases, np.ones((4, 3)), threads=1)

before = blas_threads()
first_began, second_began, first_ended = Event(), Event(), Event()
with ThreadPoolExecutor(2) as pool:
    first = pool.submit(forward, first_began, second_began)
    assert first_began.wait(10)
    second = pool.submit(forward, second_began, first_ended)
    first.result()
    during = blas_threads()
    first_ended.set()
    second.result()
print(before == blas_threads(), set(during) <= {1})
"""


def test_sessions_in_parallel_keep_blas_to_one_thread_and_leave_it_as_it_was():
    """Of two calls that limit BLAS and overlap, the limit holds until the last has ended, and then is what it was before."""
    run = subprocess.run([sys.executable, "-c", OVERLAPPING], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "True"]


@pytest.mark.parametrize(
    ("asked", "most"), [("999", 999), ("1", 1), ("1,2", 1), ("\N{SUPERSCRIPT TWO}", 999), ("0", 999), ("many", 999)]
)
def test_auto_takes_no_more_threads_than_cores(monkeypatch, asked, most):
    """``OMP_NUM_THREADS`` may lower the number of threads and never raises it; a value other than a number from 1 is ignored."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = thread_count("auto")
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert thread_count("auto") == min(cores, most)
    assert cores <= os.cpu_count()


# Law 4: no hidden randomness


@given(cases())
@settings(max_examples=15)
def test_global_random_state_is_left_alone(engine, case):
    """Training, dropout included, draws nothing from NumPy's global generator."""
    with np.printoptions(threshold=sys.maxsize):
        before = repr(np.random.get_state())  # noqa: NPY002
        advanced(engine, case)
        assert repr(np.random.get_state()) == before  # noqa: NPY002


SCRIPT = """
import hashlib, sys
import numpy as np
import chainrule as cr
x = np.linspace(-1, 1, 60 * 4).reshape(60, 4)
net = cr.Network([4, 6, 3], seed=11)
cr.train(net, (x, np.arange(60) % 3), epochs=3, batch_size=7, learning_rate=0.5, dropout=0.3, optimizer="adam", threads=1,
         engine=sys.argv[1])
print(hashlib.sha256(b"".join(part.tobytes() for part in [*net.weights, *net.biases])).hexdigest())
"""


def test_a_seed_gives_the_same_bits_in_a_fresh_process(engine):
    """The same arguments give the same parameters in any process, whatever its hash seed."""
    digests = set()
    for hash_seed in ("0", "1"):
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT, engine.name],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(run.stdout.strip())
    assert len(digests) == 1
    assert len(digests.pop()) == 64


@given(st.integers(1, 300), st.integers(0, 2**64 - 1), st.integers(1, 1000))
@settings(max_examples=50)
def test_the_order_is_a_permutation_that_seed_and_epoch_decide(n, seed, epoch):
    """An epoch's order holds every example once, and is drawn from (seed, epoch) alone."""
    order = epoch_order(n, seed, epoch)
    assert sorted(order.tolist()) == list(range(n))
    assert epoch_order(n, seed, epoch).tolist() == order.tolist()


def test_orders_differ_between_epochs_and_seeds():
    """Another epoch or another seed has another order."""
    orders = {tuple(epoch_order(50, seed, epoch)) for seed in (0, 1, 2**40) for epoch in (1, 2, 3)}
    assert len(orders) == 9


# Law 5: nothing passed in is written to


def locked(array):
    """A copy that refuses to be written to."""
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


def locked_inputs(x):
    """A copy of inputs that refuses to be written to."""
    if isinstance(x, cr.PiecewiseInputs):
        return cr.PiecewiseInputs(locked(x.numbers), x.bins, limits=locked(x.limits), sizes=locked(x.sizes))
    if not sparse.issparse(x):
        return locked(x)
    copy = x.copy()
    for part in (copy.data, copy.indices, copy.indptr):
        part.flags.writeable = False
    return copy


@given(cases(any_optimizer))
@settings(max_examples=120)
def test_nothing_passed_in_is_written_to(engine, case):
    """Every engine call works with read-only arrays throughout, and leaves its arguments unchanged."""
    examples = cr.Examples(
        locked_inputs(case.examples.x),
        locked(case.examples.y),
        weights=None if case.examples.weights is None else locked(case.examples.weights),
    )
    state = State(tuple(map(locked, case.state.weights)), tuple(map(locked, case.state.biases)))
    frozen = Case(case.plan, state, examples, locked(case.order), Steps(locked(case.steps.rate), locked(case.steps.decay)))
    after, costs = advanced(engine, frozen)
    slots = {name: tuple(map(locked, slot)) for name, slot in after.slots.items()}
    again = State(tuple(map(locked, after.weights)), tuple(map(locked, after.biases)), slots, after.step, after.made_by)
    advanced(engine, replace(frozen, state=again))
    data, rows = engine.prepare(examples), locked(np.arange(len(examples)))
    parameters = locked(case.plan.pack(state.weights, state.biases))
    engine.forward(case.plan, list(state.weights), list(state.biases), examples.x, threads=1)
    engine.gradient(case.plan, data, rows, threads=1)(parameters)
    engine.open(case.plan, state, threads=1).evaluate(data)
    expected_state, expected_costs = advanced(engine, case)
    assert bits(after) == bits(expected_state)
    assert costs.tobytes() == expected_costs.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_leaves_the_callers_arrays_alone(engine, kind):
    """The caller's writable x, y and weights are neither shuffled nor written to by a training, nor locked."""
    rng = np.random.default_rng(1)
    x, y, weights = inputs(rng, kind, 40, 5), rng.integers(0, 3, 40), rng.uniform(0.5, 1, 40)
    kept_x, kept_y, kept_weights = x.copy(), y.copy(), weights.copy()
    net = cr.Network([5, 4, 3], seed=0)
    cr.train(net, cr.Examples(x, y, weights=weights), epochs=2, batch_size=6, learning_rate=0.5, engine=engine.name)
    assert (x != kept_x).sum() == 0
    assert y.tolist() == kept_y.tolist()
    assert weights.tolist() == kept_weights.tolist()
    assert (x.data if kind == "csr" else x).flags.writeable
    assert y.flags.writeable
    assert weights.flags.writeable


# Law 6: engines agree, with each other and with the equations


@np.errstate(invalid="ignore")  # NumPy's product has been seen to raise this flag where all numbers are ordinary
def composed(case):
    """Train by a plain composition of calculus functions; give the parameters, slots and summed costs."""
    plan, examples = case.plan, case.examples
    dtype = np.dtype(plan.dtype)
    cost, sigmas = plan.cost_function, plan.sigmas
    x, y = dense(examples, dtype), smoothed_targets(examples, plan).astype(dtype)
    weights, biases = [w.copy() for w in case.state.weights], [b.copy() for b in case.state.biases]
    slots = [tuple(np.zeros_like(part) for _ in plan.optimizer.slots) for part in [*weights, *biases]]
    parameters, costs = Parameters(weights, biases, slots), []
    for t, rows in enumerate(mini_batches(case.order, plan.batch_size)):
        counts = None if examples.weights is None else examples.weights[rows].astype(dtype)
        masks = [mask(plan, layer, k, len(rows), t) for k, layer in enumerate(plan.layers)]
        a, gradient = backprop(parameters.weights, parameters.biases, sigmas, cost, x[rows], y[rows], counts, masks)
        costs.append(float((cost.value(a, y[rows]) * (1 if counts is None else counts)).sum(dtype=np.float64)))
        m = len(rows) if counts is None else float(counts.sum(dtype=np.float64))
        rate, decay = float(case.steps.rate[t]), float(case.steps.decay[t])
        parameters = update_mini_batch(parameters, gradient, plan.optimizer, rate, m, t=t + 1, l1=plan.l1, l2=decay, clip=plan.clip)
    return parameters, costs


def dense(examples, dtype):
    """The rows as plain floats."""
    if examples.kind == "pixels":
        return examples.x.astype(dtype) / dtype.type(255)
    if examples.kind == "piecewise":
        x = examples.x
        return np.array([naive.input_features(row, edges_of(x.bins), x.limits, x.sizes) for row in x.numbers.tolist()], dtype)
    return (examples.x.toarray() if examples.kind == "csr" else examples.x).astype(dtype)


def edges_of(bins):
    """The edges of each column's bins."""
    upper = bins.lower + 1 / bins.scale
    return [
        [*bins.lower[first:last], upper[last - 1]] if last > first else []
        for first, last in zip(bins.starts, bins.starts[1:], strict=False)
    ]


def targets(examples, plan):
    """The rows that the outputs are held against."""
    n_out = plan.layers[-1].n_out
    if examples.y.ndim == 1 and n_out > 1:
        return np.eye(n_out)[examples.y]
    return examples.y.reshape(len(examples), n_out)


def smoothed_targets(examples, plan):
    """The rows that a step is computed from."""
    return np.array([naive.smoothed(plan.cost, row, plan.label_smoothing) for row in targets(examples, plan)])


def mask(plan, layer, k, m, step):
    """A layer's dropout mask at a step."""
    return dropout_mask((m, layer.n_out), layer.dropout, seed=plan.seed, step=step, layer=k, dtype=plan.dtype)


@given(cases())
@settings(max_examples=250)
def test_an_engine_computes_what_the_equations_say(engine, case):
    """State, slots and costs after some steps are those of a plain composition of calculus functions, whatever the settings."""
    state, costs = advanced(engine, case)
    expected, expected_costs = composed(case)
    # Adaptive rules amplify rounding errors from step to step; plain steps and momentum do not.
    steps = 1 if case.plan.optimizer.linear else len(case.steps)
    for actual, wanted in zip([*state.weights, *state.biases], [*expected.weights, *expected.biases], strict=True):
        assert_close(actual, wanted, case.plan.dtype, steps)
    for k, name in enumerate(case.plan.optimizer.slots):
        for actual, wanted in zip(state.slots[name], expected.slots, strict=True):
            assert_close(actual, wanted[k], case.plan.dtype, steps)
    assert_close(costs, np.array(expected_costs), case.plan.dtype, steps)


@given(cases(lion, dropout=False))
@settings(max_examples=60)
def test_lion_takes_steps_of_the_rate(engine, case):
    """Lion's first step moves each parameter by the rate, against the sign of the engine's own gradient (its decay apart)."""
    plan = replace(case.plan, batch_size=len(case.examples), l1=0.0, clip=None)
    rows, rate = np.arange(len(case.examples)), 0.125
    data = engine.prepare(case.examples)
    _, gradient, _ = engine.gradient(plan, data, rows, threads=1)(plan.pack(case.state.weights, case.state.biases))
    session = engine.open(plan, case.state, threads=1)
    session.advance(data, rows, Steps(np.array([rate]), np.zeros(1)))
    state, shrink = session.state(), 1 - rate * plan.optimizer.shrink
    before = plan.pack([shrink * w for w in case.state.weights], case.state.biases)
    directions = (before - plan.pack(state.weights, state.biases)) / rate
    clear = np.abs(gradient) > 1e-3 * max(np.abs(gradient).max(), 1e-3)  # elsewhere rounding errors decide the sign
    np.testing.assert_allclose(directions[clear], np.sign(gradient)[clear], rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", [name for name in ENGINES if name != "reference"])
@given(cases())
@settings(max_examples=160)
def test_engines_agree(name, case):
    """Each engine gives the reference's outputs (N10), gradients (BP1-BP4) and states (N12) from the same case."""
    first, second = ENGINES[name], ENGINES["reference"]
    plan, weights, biases = case.plan, list(case.state.weights), list(case.state.biases)
    outs = [e.forward(plan, weights, biases, case.examples.x, threads=1) for e in (first, second)]
    assert_close(*outs, plan.dtype)
    (cost, nabla, right), (expected_cost, expected, expected_right) = (
        e.gradient(plan, e.prepare(case.examples), None, threads=1)(plan.pack(weights, biases)) for e in (first, second)
    )
    assert_close(cost, np.array([expected_cost]), plan.dtype)
    assert (right is None) == (expected_right is None)
    for place, _ in plan.places:
        assert_close(nabla[place], expected[place], plan.dtype)
    stepped, wanted_steps = (list(parts(advanced(e, case)[0])) for e in (first, second))
    assume(all(np.isfinite(part).all() for part in wanted_steps))  # exp in a hidden layer may overflow
    for actual, wanted in zip(stepped, wanted_steps, strict=True):
        assert_close(actual, wanted, plan.dtype)


@given(cases(optimizers=st.just(cr.optimizers.SGD()), dtypes=("float64",), most_steps=3))
@settings(max_examples=120)
def test_sgd_steps_are_those_of_a_loop_over_examples(engine, case):
    """A few steps of gradient descent (N12) agree to 1e-12 with an independent loop over single examples and scalars."""
    plan, examples = case.plan, case.examples
    names = [layer.activation for layer in plan.layers]
    x, y = dense(examples, np.dtype("float64")).tolist(), smoothed_targets(examples, plan).tolist()
    weights, biases = [w.tolist() for w in case.state.weights], [b.tolist() for b in case.state.biases]
    for t, rows in enumerate(mini_batches(case.order, plan.batch_size)):
        counts = None if examples.weights is None else examples.weights[rows].tolist()
        masks = [
            naive.dropout_mask((len(rows), layer.n_out), layer.dropout, plan.seed, t, k) if layer.dropout else None
            for k, layer in enumerate(plan.layers)
        ]
        batch = [x[i] for i in rows], [y[i] for i in rows]
        nabla_b, nabla_w = naive.backprop(weights, biases, names, plan.cost, *batch, counts, masks)
        m = len(rows) if counts is None else sum(counts)
        if m == 0:  # a batch of weight 0 changes nothing
            continue
        share = 1 / m
        nabla_b, nabla_w = [[share * g for g in b] for b in nabla_b], [[[share * g for g in r] for r in w] for w in nabla_w]
        if plan.clip is not None:
            nabla_b, nabla_w = naive.clipped(nabla_b, nabla_w, plan.clip)
        rate, decay = case.steps.rate[t], case.steps.decay[t]
        weights = [
            [
                [w - rate * (g + naive.l1_gradient(w, plan.l1) + naive.l2_gradient(w, decay)) for w, g in zip(*pair, strict=True)]
                for pair in zip(*layer, strict=True)
            ]
            for layer in zip(weights, nabla_w, strict=True)
        ]
        biases = [[naive.sgd(b, g, rate) for b, g in zip(*layer, strict=True)] for layer in zip(biases, nabla_b, strict=True)]
    state, _ = advanced(engine, case)
    for actual, expected in zip([*state.weights, *state.biases], [*weights, *biases], strict=True):
        assert_close(actual, np.array(expected), "float64")


@given(cases(dtypes=("float64",)))
@settings(max_examples=150)
def test_gradients_are_directional_derivatives(engine, case):
    """Along a random direction the engine's gradient is the central difference of the summed cost (N1)."""
    plan, examples = case.plan, case.examples
    weights, biases = list(case.state.weights), list(case.state.biases)
    data = engine.prepare(examples)
    if plan.cost in ("cross_entropy", "log_loss"):  # clipped near 0 and 1, with a kink there
        a = engine.forward(plan, weights, biases, examples.x, threads=1)
        assume(a.min() > 1e-4 and a.max() < 1 - 1e-4)
    value_and_gradient, here = engine.gradient(plan, data, None, threads=1), plan.pack(weights, biases)
    cost, nabla, _ = value_and_gradient(here)
    direction = np.random.default_rng(0).normal(size=len(here))

    def at(h):
        return value_and_gradient(here + h * direction)[0]

    h = 1e-6
    slope, size = float((nabla * direction).sum()), float(np.abs(nabla * direction).sum())
    difference, wider = ((at(k * h) - at(-k * h)) / (2 * k * h) for k in (1, 2))
    assert at(0) == cost
    uncertain = abs(difference - wider)  # large where exp or a saturated output curves the cost within a step
    assert abs(difference - slope) <= 1e-6 * max(size, abs(cost), 1e-3) + 10 * uncertain


@given(cases())
@settings(max_examples=30)
def test_a_gradient_of_all_rows_is_the_sum_over_single_rows(engine, case):
    """A batch's gradient and cost are sums: those of its rows, taken one at a time, add up to them."""
    plan, parameters = case.plan, case.plan.pack(case.state.weights, case.state.biases)
    data, n = engine.prepare(case.examples), len(case.examples)
    cost, total, _ = engine.gradient(plan, data, None, threads=1)(parameters)
    singles = [engine.gradient(plan, data, np.array([i]), threads=1)(parameters) for i in range(n)]
    assert_close(sum(single[0] for single in singles), np.array([cost]), plan.dtype)
    for place, _ in plan.places:
        terms = [nabla[place] for _, nabla, _ in singles]
        scale = max(sum(np.abs(term).max() for term in terms), 1e-3)
        assert np.abs(sum(terms) - total[place]).max() <= EXACT[plan.dtype] * scale


@given(cases(), st.sampled_from([1, 2]))
@settings(max_examples=60)
def test_a_gradient_of_all_rows_is_that_of_their_numbers(engine, case, threads):
    """``rows=None`` means every row in its place; and the function gives the same at the same place after a call elsewhere."""
    plan, parameters = case.plan, case.plan.pack(case.state.weights, case.state.biases)
    data, rows = engine.prepare(case.examples), np.arange(len(case.examples))
    value_and_gradient = engine.gradient(plan, data, None, threads=threads)
    cost, nabla, _ = value_and_gradient(parameters)
    value_and_gradient(parameters + 1)
    for again in (value_and_gradient(parameters), engine.gradient(plan, data, rows, threads=1)(parameters)):
        assert_close(again[0], np.array([cost]), plan.dtype)
        assert_close(again[1], nabla, plan.dtype)


# Law 8, and what comes back


@given(cases(dropout=False))
@settings(max_examples=120)
def test_a_block_result_is_of_each_mini_batch_before_its_update(engine, case):
    """``costs`` and ``right`` are those of each mini-batch with the parameters just before its step."""
    plan, examples = case.plan, case.examples
    data, session = engine.prepare(examples), engine.open(case.plan, case.state, threads=1)
    progress = engine.open(case.plan, case.state, threads=1).advance(data, case.order, case.steps)
    classes = classes_of(examples, plan)
    for k, rows in enumerate(mini_batches(case.order, plan.batch_size)):
        state = session.state()
        sums = engine.gradient(plan, data, rows, threads=1)(plan.pack(state.weights, state.biases))
        assert_close(progress.costs[k], np.array([sums.cost]), plan.dtype)
        a = engine.forward(plan, list(state.weights), list(state.biases), examples.x[rows], threads=1)
        if classes is None:
            assert progress.right is None
        else:
            hits = decision(a, plan.sigmas[-1]) == classes[rows]
            counts = np.ones(len(rows)) if examples.weights is None else examples.weights[rows]
            assert progress.right[k] == pytest.approx((hits * counts).sum(), rel=1e-6)
        session.advance(data, rows, Steps(case.steps.rate[k : k + 1], case.steps.decay[k : k + 1]))
    assert progress.finite


def classes_of(examples, plan):
    """Give the classes that y stands for, or None: labels, one-hot rows, or 0 and 1 for one sigmoid output."""
    wanted = targets(examples, plan)
    if not np.isin(wanted, (0, 1)).all():
        return None
    if wanted.shape[1] == 1:
        return wanted[:, 0].astype(int) if plan.layers[-1].activation == "sigmoid" else None
    return wanted.argmax(axis=1) if (wanted.sum(axis=1) == 1).all() else None


@given(cases())
@settings(max_examples=120)
def test_evaluate_is_of_the_outputs_of_forward(engine, case):
    """``evaluate`` gives the weighted mean cost of ``forward``'s outputs, the weight of the correct ones, and the total weight."""
    plan, examples = case.plan, case.examples
    found = engine.open(plan, case.state, threads=1).evaluate(engine.prepare(examples))
    a = engine.forward(plan, list(case.state.weights), list(case.state.biases), examples.x, threads=1)
    counts = np.ones(len(examples)) if examples.weights is None else examples.weights
    costs = plan.cost_function.value(a, targets(examples, plan).astype(plan.dtype))
    assert found.cost == pytest.approx((costs * counts).sum() / counts.sum(), rel=1e-4 if plan.dtype == "float32" else 1e-12)
    assert found.total == pytest.approx(counts.sum(), rel=1e-6)
    classes = classes_of(examples, plan)
    if classes is None:
        assert found.right is None
        assert found.accuracy is None
    else:
        hits = decision(a, plan.sigmas[-1]) == classes
        assert found.right == pytest.approx((hits * counts).sum(), rel=1e-6)


@given(cases(), st.data())
@settings(max_examples=120)
def test_evaluate_of_rows_is_of_these_rows_alone(engine, case, data):
    """``evaluate(data, rows)`` is that of examples which hold these rows alone, in any order and with repetitions."""
    n = len(case.examples)
    rows = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=2 * n)))
    weights = case.examples.weights
    assume(weights is None or weights[rows].any())
    session = engine.open(case.plan, case.state, threads=1)
    found = session.evaluate(engine.prepare(case.examples), rows)
    expected = session.evaluate(engine.prepare(case.examples[rows]))
    assert found.cost == pytest.approx(expected.cost, rel=1e-5 if case.plan.dtype == "float32" else 1e-12)
    assert found.total == pytest.approx(expected.total, rel=1e-12)
    if classes_of(case.examples, case.plan) is not None:
        assert found.right == pytest.approx(expected.right, rel=1e-12)


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("threads", [1, 2])
def test_evaluate_of_many_rows(engine, kind, threads):
    """Rows in pieces, dense or sparse, give the cost and the correct predictions of a plain composition."""
    rng = np.random.default_rng(3)
    plan = Plan((Layer(6, 5, "tanh"), Layer(5, 3, "softmax")), cost="log_loss", dtype="float64")
    state = initial_state(plan, rng)
    examples = cr.Examples(inputs(rng, kind, 5000, 6), rng.integers(0, 3, 5000), weights=rng.uniform(0.5, 1.5, 5000))
    rows = rng.permutation(5000)[:3001]
    found = engine.open(plan, state, threads=threads).evaluate(engine.prepare(examples), rows)
    a = feedforward(state.weights, state.biases, plan.sigmas, dense(examples, np.dtype("float64"))[rows])
    costs = plan.cost_function.value(a, np.eye(3)[examples.y[rows]])
    assert found.cost == pytest.approx(np.average(costs, weights=examples.weights[rows]), rel=1e-12)
    assert found.right == pytest.approx(((a.argmax(axis=1) == examples.y[rows]) * examples.weights[rows]).sum(), rel=1e-12)
    assert found.total == pytest.approx(examples.weights[rows].sum(), rel=1e-12)


@pytest.mark.parametrize("rows", [[], [6], [-1], [0.5], [1, 2]], ids=["none", "beyond", "negative", "fractions", "of weight 0"])
def test_evaluate_refuses_rows(engine, rows):
    """Rows outside the data, and rows without weight, are refused by ``evaluate``."""
    rng = np.random.default_rng(0)
    plan = Plan((Layer(3, 2, "sigmoid"),))
    examples = cr.Examples(rng.normal(size=(6, 3)), rng.integers(0, 2, 6), weights=[1, 0, 0, 1, 1, 1])
    session = engine.open(plan, initial_state(plan, rng), threads=1)
    with pytest.raises(ValueError, match=r"\brows?\b"):
        session.evaluate(engine.prepare(examples), np.array(rows))


@given(cases())
@settings(max_examples=80)
def test_forward_is_feedforward(engine, case):
    """``forward`` gives what the notes' loop gives (N10), in the plan's dtype."""
    plan = case.plan
    a = engine.forward(plan, list(case.state.weights), list(case.state.biases), case.examples.x, threads=1)
    x = dense(case.examples, np.dtype(plan.dtype))
    assert_close(a, feedforward(case.state.weights, case.state.biases, plan.sigmas, x), plan.dtype)
    assert a.dtype == plan.dtype
    assert a.shape == (len(case.examples), plan.layers[-1].n_out)


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("n", [1, 2047, 2048, 2049, 5000])
def test_many_rows_in_pieces_are_the_same_as_at_once(engine, n, kind):
    """With more rows than an engine computes at once, outputs, cost and correct predictions are still those of every row."""
    rng = np.random.default_rng(n)
    plan = Plan((Layer(6, 5, "tanh"), Layer(5, 3, "softmax")), cost="log_loss", dtype="float64")
    state = initial_state(plan, rng)
    examples = cr.Examples(inputs(rng, kind, n, 6), rng.integers(0, 3, n), weights=rng.uniform(0.5, 1.5, n))
    expected = feedforward(state.weights, state.biases, plan.sigmas, dense(examples, np.dtype("float64")))
    assert_close(engine.forward(plan, list(state.weights), list(state.biases), examples.x, threads=1), expected, "float64")
    found = engine.open(plan, state, threads=1).evaluate(engine.prepare(examples))
    hits = expected.argmax(axis=1) == examples.y
    assert found.right == pytest.approx((hits * examples.weights).sum(), rel=1e-12)
    costs = plan.cost_function.value(expected, np.eye(3)[examples.y])
    assert found.cost == pytest.approx(np.average(costs, weights=examples.weights), rel=1e-12)


def test_an_epochs_cost_is_one_sum_over_its_mini_batches(engine):
    """An epoch's cost has the bits of one sum over its mini-batches' costs, in order, divided by the examples' weight."""
    rng = np.random.default_rng(5)
    examples = cr.Examples(rng.normal(size=(47, 4)), rng.integers(0, 3, 47), weights=rng.uniform(0.5, 1.5, 47))
    net = cr.Network([4, 6, 3], seed=2)
    run = cr.Run(net, examples, epochs=1, batch_size=5, learning_rate=0.7, engine=engine.name, threads=1)
    session = engine.open(run.plan, net.state(), threads=1)
    (record,) = run
    progress = session.advance(engine.prepare(examples), epoch_order(47, 2, 1), Steps(np.full(10, 0.7), np.zeros(10)))
    assert record.cost == progress.costs.sum() / examples.weights.sum()
    assert record.accuracy == progress.right.sum() / examples.weights.sum()


@pytest.mark.parametrize(("where", "value"), [("weights", np.nan), ("biases", np.inf), ("weights", -np.inf)])
def test_finite_reports_parameters_that_are_not(engine, where, value):
    """``finite`` is false once any parameter is NaN or infinite, without a warning."""
    rng = np.random.default_rng(0)
    plan = Plan((Layer(3, 4, "sigmoid"), Layer(4, 2, "sigmoid")))
    state = initial_state(plan, rng)
    getattr(state, where)[0].flat[0] = value
    data = engine.prepare(cr.Examples(rng.normal(size=(6, 3)), rng.integers(0, 2, 6)))
    session = engine.open(plan, state, threads=1)
    assert not session.advance(data, np.arange(6), Steps(np.full(1, 0.1), np.zeros(1))).finite


def test_finite_reports_a_step_that_overflows(engine):
    """``finite`` is false when the costs were finite and the last step made a parameter infinite."""
    plan = Plan((Layer(1, 1, "identity"),), cost="mean_squared_error")
    data = engine.prepare(cr.Examples([[1e20]], [1e10]))
    state = State((np.zeros((1, 1), np.float32),), (np.zeros(1, np.float32),))
    progress = engine.open(plan, state, threads=1).advance(data, np.arange(1), Steps(np.full(1, 1e10), np.zeros(1)))
    assert np.isfinite(progress.costs).all()
    assert not progress.finite


def test_finite_reports_a_cost_that_overflows(engine):
    """``finite`` is false when a mini-batch's cost is beyond float64, though its step leaves every parameter finite."""
    plan = Plan((Layer(1, 1, "identity"),), cost="mean_squared_error", dtype="float64")
    data = engine.prepare(cr.Examples([[1.0]], [1e160]))
    session = engine.open(plan, State((np.zeros((1, 1)),), (np.zeros(1),)), threads=1)
    progress = session.advance(data, np.arange(1), Steps(np.full(1, 1e-200), np.zeros(1)))
    assert session.state().is_finite
    assert not progress.finite


@pytest.mark.parametrize(
    "optimizer",
    [cr.optimizers.Adam(epsilon=1e-39), cr.optimizers.Adam(epsilon=1e-39, epsilon_on="raw"), cr.optimizers.RMSprop(epsilon=1e-39)],
    ids=["corrected", "raw", "rmsprop"],
)
def test_a_subnormal_epsilon_keeps_the_division_finite(engine, optimizer):
    """An epsilon below float32's normal numbers still keeps the division finite for an input that is always 0."""
    x = np.random.default_rng(0).normal(size=(100, 5)) * [1, 1, 1, 1, 0]
    net = cr.Network([5, 7, 2], activation="tanh", seed=0)
    labels = (x[:, 0] > 0).astype(int)
    history = cr.train(net, (x, labels), epochs=2, batch_size=10, learning_rate=1e-3, optimizer=optimizer, engine=engine.name)
    assert history.stopped == "finished"
    assert history["cost"][1] < history["cost"][0]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("kind", ["dense", "csr"])
@pytest.mark.parametrize(("dtype", "light"), [("float32", 1e-50), ("float64", 1e-310)])
def test_a_subnormal_weight_is_0(engine, dtype, light, kind, optimizer):
    """An example whose weight is subnormal in the network's dtype, alone in its batch, has the effect of one of weight 0."""
    rng = np.random.default_rng(0)
    x, y, weights = inputs(rng, kind, 40, 6), rng.integers(0, 2, 40), np.ones(40)
    settings = {"epochs": 1, "batch_size": 1, "learning_rate": 0.5, "optimizer": optimizer, "engine": engine.name}
    nets = []
    for weights[7] in (light, 0.0):
        nets.append(cr.Network([6, 4, 2], seed=0, dtype=dtype))
        assert cr.train(nets[-1], cr.Examples(x, y, weights=weights.copy()), **settings).stopped == "finished"
    assert bits(nets[0].state()) == bits(nets[1].state())


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adamw", "lion"])
def test_a_batch_of_weight_0_changes_nothing(engine, optimizer):
    """A mini-batch whose examples all have weight 0 is counted, and leaves parameters and slots as they were, penalties or not."""
    rng = np.random.default_rng(0)
    plan = Plan((Layer(3, 2, "sigmoid"),), optimizer=cr.optimizers.OPTIMIZERS[optimizer], batch_size=4, l1=0.1)
    examples = cr.Examples(rng.normal(size=(8, 3)), rng.integers(0, 2, 8), weights=[0] * 4 + [1] * 4)
    session = engine.open(plan, initial_state(plan, rng), threads=1)
    data, one = engine.prepare(examples), Steps(np.full(1, 0.1), np.full(1, 0.1))
    session.advance(data, np.arange(4, 8), one)
    before = session.state()
    progress = session.advance(data, np.arange(4), one)
    assert progress.costs.tolist() == [0.0]
    assert bits(session.state()) == (2, bits(before)[1])


def test_prepared_data_serves_plans_of_every_kind(engine):
    """One prepared data serves networks of different dtypes, costs and outputs, with the results of data of their own."""
    rng = np.random.default_rng(0)
    examples = cr.Examples(rng.normal(size=(20, 3)), rng.integers(0, 2, 20))
    plans = [
        Plan((Layer(3, n_out, output),), cost=cost, dtype=dtype)
        for n_out, output, cost in [(2, "sigmoid", "quadratic"), (3, "softmax", "log_loss"), (1, "sigmoid", "cross_entropy")]
        for dtype in ("float32", "float64")
    ]
    shared = engine.prepare(examples)
    for plan in plans:
        state = initial_state(plan, np.random.default_rng(1))
        fresh = engine.prepare(cr.Examples(examples.x, examples.y))
        found = [engine.open(plan, state, threads=1).evaluate(data) for data in (shared, fresh)]
        assert found[0] == found[1]


def test_choose_gives_the_engine_of_a_name(engine):
    """``choose`` gives the engine of a name; ``auto`` the first that accepts, and the reference for functions of the user's own."""
    from chainrule.engines import choose

    plan = Plan((Layer(3, 2, "sigmoid"),))
    assert choose(engine.name, plan, None) is engine
    assert choose("auto", plan, None) is next(iter(ENGINES.values()))
    own = replace(plan, cost=cr.Cost("own", COSTS["quadratic"].value, COSTS["quadratic"].gradient))
    assert choose("auto", own, None) is ENGINES["reference"]


def test_an_order_of_no_rows_does_nothing(engine):
    """``advance`` of no rows gives empty results, and leaves the bits of the state."""
    case = Case(
        plan := Plan((Layer(3, 2, "sigmoid"),), batch_size=2),
        initial_state(plan, np.random.default_rng(0)),
        cr.Examples(np.ones((4, 3)), [0, 1, 0, 1]),
        np.arange(4),
        Steps(np.full(2, 0.1), np.zeros(2)),
    )
    data, session = engine.prepare(case.examples), engine.open(plan, case.state, threads=1)
    for order in (np.zeros(0, np.int64), np.zeros((3, 0), np.int64)):
        result = session.advance(data, order, Steps(np.zeros(0), np.zeros(0), squares=True))
        assert [part.tolist() for part in (result.costs, result.right, result.squares)] == [[], [], []]
        assert result.finite
    assert bits(session.state()) == bits(case.state)


@pytest.mark.parametrize("rows", [[-1], [4], [0, 1, 99], [1.5], [True]])
def test_rows_outside_the_data_are_refused(engine, rows):
    """A row number below 0, beyond the data, or not whole raises ValueError, in a step and in a gradient, and changes nothing."""
    plan = Plan((Layer(3, 2, "sigmoid"),), batch_size=3)
    state = initial_state(plan, np.random.default_rng(0))
    data, session = engine.prepare(cr.Examples(np.ones((4, 3)), [0, 1, 0, 1])), engine.open(plan, state, threads=1)
    with pytest.raises(ValueError):
        session.advance(data, np.array(rows), Steps(np.ones(1), np.zeros(1)))
    with pytest.raises(ValueError):
        engine.gradient(plan, data, np.array(rows), threads=1)(plan.pack(state.weights, state.biases))
    assert bits(session.state()) == bits(state)


@pytest.mark.parametrize("length", [0, 7, 9, 16])
def test_a_vector_of_another_length_is_refused(engine, length):
    """A gradient function refuses a parameter vector that is too short or too long."""
    plan = Plan((Layer(3, 2, "sigmoid"),))
    value_and_gradient = engine.gradient(plan, engine.prepare(cr.Examples(np.ones((4, 3)), [0, 1, 0, 1])), None, threads=1)
    with pytest.raises(ValueError):
        value_and_gradient(np.zeros(length, np.float32))


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_another_number_of_steps_is_refused(engine, steps):
    """A number of rates other than that of the mini-batches raises ValueError, and changes nothing."""
    plan = Plan((Layer(3, 2, "sigmoid"),), batch_size=2)
    state = initial_state(plan, np.random.default_rng(0))
    session = engine.open(plan, state, threads=1)
    with pytest.raises(ValueError):
        session.advance(
            engine.prepare(cr.Examples(np.ones((4, 3)), [0, 1, 0, 1])), np.arange(4), Steps(np.ones(steps), np.zeros(steps))
        )
    assert bits(session.state()) == bits(state)


@given(cases())
@settings(max_examples=60)
def test_squares_are_those_of_the_weights_before_each_step(engine, case):
    """``BlockResult.squares`` holds the sum of all weights' squares before each mini-batch's step; None unless requested."""
    plan, size = case.plan, case.plan.batch_size
    data = engine.prepare(case.examples)
    session, expected = engine.open(plan, case.state, threads=1), []
    for k in range(len(case.steps)):
        expected.append(sum(float((w.astype(np.float64) ** 2).sum()) for w in session.state().weights))
        session.advance(data, case.order[k * size : (k + 1) * size], case.steps[k : k + 1])
    assume(np.isfinite(expected).all())
    steps = Steps(case.steps.rate, case.steps.decay, squares=True)
    actual = [engine.open(plan, case.state, threads=n).advance(data, case.order, steps).squares for n in (1, 2)]
    assert np.array_equal(*actual)
    assert np.allclose(actual[0], expected, rtol=1e-4 if plan.dtype == "float32" else 1e-10, atol=1e-30)
    assert engine.open(plan, case.state, threads=1).advance(data, case.order, case.steps).squares is None


@given(cases(any_optimizer), st.integers(2, 4), st.sampled_from([1, 2]), st.integers(0, 2**32))
def test_an_order_of_several_epochs_is_as_many_orders_one_after_another(engine, case, epochs, threads, seed):
    """An order (epochs, n) at one call gives the bits of its rows at a call each: state, costs, correct predictions, squares."""
    rng = np.random.default_rng(seed)
    orders = np.stack([rng.permutation(case.order) for _ in range(epochs)])
    count = len(case.steps)
    steps = Steps(np.tile(case.steps.rate, epochs), rng.uniform(0, 0.1, epochs * count), squares=True)
    data, once, one_by_one = engine.prepare(case.examples), *(engine.open(case.plan, case.state, threads=t) for t in (threads, 1))
    together = once.advance(data, orders, steps)
    results = [one_by_one.advance(data, order, steps[k * count : (k + 1) * count]) for k, order in enumerate(orders)]
    assert bits(once.state()) == bits(one_by_one.state())
    assert once.state().step == epochs * count
    for name in ("costs", "squares", "right"):
        apart = [getattr(result, name) for result in results]
        if classes_of(case.examples, case.plan) is None and name == "right":
            assert {together.right, *apart} == {None}
        else:
            assert getattr(together, name).tobytes() == np.concatenate(apart).tobytes()


def test_a_deferred_factor_of_another_dtype_is_ignored():
    """A state whose weights await a factor opens under a plan of the other dtype, from its complete weights."""
    plan = Plan((Layer(50, 3, "sigmoid"),), batch_size=1, dtype="float32")
    x = sparse.csr_array(np.eye(4, 50))
    examples = cr.Examples(x, np.zeros((4, 3)))
    for engine in ENGINES.values():
        session = engine.open(plan, initial_state(plan, np.random.default_rng(0)), threads=1)
        session.advance(engine.prepare(examples), np.arange(1), Steps(np.array([0.5]), np.array([1.0])))
        state = session.state()
        other = engine.open(replace(plan, dtype="float64"), state, threads=1).state()
        assert np.array_equal(other.weights[0], state.weights[0])
