"""Workers of a data-parallel training, in threads, over real connections: what they compute, and that each row counts once."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from row_sets import draw_rows, write_set

import chainrule as cr
from chainrule.calculus.optimizers import OPTIMIZERS
from chainrule.distributed.memory_rows import MemoryRows
from chainrule.distributed.peers import Peers
from chainrule.distributed.worker import Block, Worker, WorkerTask
from chainrule.engines import ENGINES
from chainrule.plan import State, Steps
from chainrule.training import Run

LIMIT = 60.0
BATCH = 8


class Group:
    """So many workers in threads, connected over loopback."""

    def __init__(self, task):
        self.workers = []
        self.peers = [Peers(rank, task.workers, "127.0.0.1") for rank in range(task.workers)]
        addresses = [each.listen(b"key") for each in self.peers]
        self.pool = ThreadPoolExecutor(task.workers)
        for done in [self.pool.submit(each.connect, addresses, b"key") for each in self.peers]:
            done.result(LIMIT)
        self.workers = [Worker(task, rank, each.exchange) for rank, each in enumerate(self.peers)]

    def begin(self, state):
        """Give every worker a state."""
        for worker in self.workers:
            worker.begin(state)

    def advance(self, block):
        """Train a block on all workers."""
        running = [self.pool.submit(worker.advance, block) for worker in self.workers]
        return [done.result(LIMIT) for done in running]

    def close(self):
        """End connections and threads."""
        for worker in self.workers:
            worker.close()
        for each in self.peers:
            each.close()
        self.pool.shutdown()


@contextlib.contextmanager
def group(task):
    """Close the workers at the end."""
    made = Group(task)
    try:
        yield made
    finally:
        made.close()


def task_of(run, workers, sync_every):
    """Make the task of a training whose batches of this run's plan are those of all workers together."""
    rows = run.data.streamed if hasattr(run.data, "streamed") else MemoryRows(run.examples, run.data.rows)
    return WorkerTask(run.plan, run.engine.name, rows, run.shuffle, run.classes, workers, sync_every, 1)


def steps_of(run, rate=0.3):
    """Give the steps of an epoch."""
    count = -(-run.n // run.plan.batch_size)
    return Steps(np.full(count, rate), np.full(count, run.plan.l2))


def epochs_by(workers_group, run, epochs, cut=None):
    """Train epochs, in blocks of ``cut`` steps; give the state and the outcomes."""
    workers_group.begin(run.network.state())
    steps = steps_of(run)
    length = cut or len(steps)
    places = [(epoch, first) for epoch in range(1, epochs + 1) for first in range(0, len(steps), length)]
    outcomes = [workers_group.advance(Block(epoch, first, steps[first : first + length])) for epoch, first in places]
    return outcomes[-1][0].state, outcomes


def arrays_of(state):
    return [*state.weights, *state.biases, *(part for slot in state.slots.values() for part in slot)]


def network(dtype="float64", **settings):
    return cr.Network([3, 6, 2], dtype=dtype, seed=1, **settings)


def make_run(examples, *, workers, network_settings=(), **settings):
    net = network(**dict(network_settings))
    return Run(net, examples, epochs=2, batch_size=BATCH * workers, learning_rate=0.3, **settings)


@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize("workers", [2, 3])
def test_summed_gradients_are_the_training_of_one_process(engine, optimizer, workers):
    """With sync_every=1 the workers' states and costs are those of one process with the summed batch, for every optimizer."""
    x, y = draw_rows(8 * 23 + 5)
    settings = {"l1": 1e-3, "l2": 1e-3, "clip": 0.5, "optimizer": optimizer, "engine": engine}
    run = make_run((x / 10, y), workers=workers, **settings)
    with group(task_of(run, workers, 1)) as found:
        state, outcomes = epochs_by(found, run, 2)
    alone = make_run((x / 10, y), workers=workers, **settings)
    history = list(alone)
    for ours, theirs in zip(arrays_of(state), arrays_of(alone.state), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)
    for record, outcome in zip(history, outcomes, strict=True):
        assert sum(each.costs.sum() for each in outcome) / run.n == pytest.approx(record.cost, abs=1e-10)
        assert sum(each.right.sum() for each in outcome) / run.n == pytest.approx(record.accuracy)
        assert sum(each.rows for each in outcome) == run.n


def test_summed_gradients_are_weighted_by_the_rows_weights():
    """Weights of rows count in the sums as in one process; a worker whose rows weigh nothing adds nothing."""
    x, y = draw_rows(100)
    weights = np.random.default_rng(0).random(100) * (np.arange(100) % 3 > 0)
    examples = cr.Examples(x, y, weights=weights)
    run = make_run(examples, workers=2)
    with group(task_of(run, 2, 1)) as found:
        state, _ = epochs_by(found, run, 2)
    alone = make_run(examples, workers=2)
    list(alone)
    for ours, theirs in zip(arrays_of(state), arrays_of(alone.state), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_states_are_averaged_by_the_rows_seen(optimizer):
    """With sync_every=k each worker takes k steps alone; the mean of their states is weighted by the rows each has seen."""
    x, y = draw_rows(2 * 3 * BATCH + 11)  # the last round has 8 and 3 rows
    run = make_run((x / 10, y), workers=2, optimizer=optimizer)
    with group(task_of(run, 2, 3)) as found:
        state, _ = epochs_by(found, run, 1)
    task = task_of(run, 2, 3)
    plan, engine = replace(run.plan, batch_size=BATCH), run.engine
    common = run.network.state()
    shards = [
        next(task.rows.parts(engine, run.plan, 1, shuffle=True, batch_size=BATCH, has_classes=True, shard=(k, 2))) for k in (0, 1)
    ]
    for first in range(0, 4, 3):
        states, counts = [], []
        for part in shards:
            rows = part.order[first * BATCH : (first + 3) * BATCH]
            session = engine.open(plan, common, threads=1)
            count = -(-len(rows) // BATCH)
            session.advance(part.data, rows, Steps(np.full(count, 0.3), np.zeros(count)))
            states.append(arrays_of(session.state()))
            counts.append(len(rows))
        means = [np.average(np.array(parts), axis=0, weights=counts) for parts in zip(*states, strict=True)]
        slots = {name: tuple(means[4 + 4 * k : 8 + 4 * k]) for k, name in enumerate(plan.optimizer.slots)}
        common = State(tuple(means[:2]), tuple(means[2:4]), slots, common.step + (3 if first == 0 else 1))
    assert counts == [8, 3]
    assert state.step == 4
    for ours, theirs in zip(arrays_of(state), arrays_of(common), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sync_every", [1, 4])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_rows_of_files_count_once_an_epoch(tmp_path, workers, sync_every):
    """Each row of files is trained on once an epoch, by one worker."""
    write_set(tmp_path, [100, 37, 64], row_group_size=20)
    source = cr.rows(tmp_path / "*.parquet", target="y", window_bytes=3000)
    run = make_run(source, workers=workers)
    with group(task_of(run, workers, sync_every)) as found:
        _, outcomes = epochs_by(found, run, 2)
    for outcome in outcomes:
        assert sum(each.rows for each in outcome) == 201
    seen = []
    for rank in range(workers):
        parts = run.data.streamed.parts(
            ENGINES["reference"], run.plan, 1, shuffle=True, batch_size=BATCH, has_classes=True, shard=(rank, workers)
        )
        for part in parts:
            seen += part.data.examples.x[part.order].tolist()
    assert sorted(seen) == sorted(draw_rows(201)[0].tolist())


def test_summed_gradients_over_files_are_the_training_of_one_process(tmp_path):
    """A step over files is that of one process with the rows that the workers take in it."""
    write_set(tmp_path, [100, 37, 64], row_group_size=20)
    source = cr.rows(tmp_path / "*.parquet", target="y", window_bytes=3000)
    run = make_run(source, workers=3)
    with group(task_of(run, 3, 1)) as found:
        state, _ = epochs_by(found, run, 1)
    x, y = [], []
    for rank in range(3):
        shard = [[], []]
        for part in run.data.streamed.parts(
            ENGINES["reference"], run.plan, 1, shuffle=True, batch_size=BATCH, has_classes=True, shard=(rank, 3)
        ):
            shard[0] += part.data.examples.x[part.order].tolist()
            shard[1] += part.data.examples.y[part.order].tolist()
        x.append(shard[0])
        y.append(shard[1])
    order = [
        (rank, row) for first in range(0, 67, BATCH) for rank in range(3) for row in range(first, min(first + BATCH, len(x[rank])))
    ]
    alone = make_run(
        (np.array([x[k][row] for k, row in order]), np.array([y[k][row] for k, row in order]).astype(int)), workers=3, shuffle=False
    )
    next(alone)
    for ours, theirs in zip(arrays_of(state), arrays_of(alone.state), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize("sync_every", [1, 3])
@pytest.mark.parametrize("cut", [3, 6])
def test_blocks_change_no_bit(tmp_path, cut, sync_every):
    """However an epoch is cut into blocks of whole rounds, the state has the same bits."""
    write_set(tmp_path, [100, 37, 64], row_group_size=20)
    source = cr.rows(tmp_path / "*.parquet", target="y", window_bytes=3000)
    run = make_run(source, workers=2, network_settings={"dtype": "float32"}, optimizer="adam")
    states = []
    for length in (None, cut):
        with group(task_of(run, 2, sync_every)) as found:
            states.append(epochs_by(found, run, 2, length)[0])
    for whole, blocks in zip(*map(arrays_of, states), strict=True):
        assert np.array_equal(whole, blocks)


def test_a_block_that_is_trained_again_has_the_same_bits(tmp_path):
    """Workers that go back to the state before a block, or are new, end with the bits of those that were not disturbed."""
    write_set(tmp_path, [100, 37, 64], row_group_size=20)
    source = cr.rows(tmp_path / "*.parquet", target="y", window_bytes=3000)
    run = make_run(source, workers=2)
    steps = steps_of(run)
    first, second = Block(1, 0, steps[:6]), Block(1, 6, steps[6:])
    with group(task_of(run, 2, 3)) as undisturbed:
        undisturbed.begin(run.network.state())
        middle = undisturbed.advance(first)[0].state
        expected = undisturbed.advance(second)[0].state
        undisturbed.begin(middle)
        again = undisturbed.advance(second)[0].state
    with group(task_of(run, 2, 3)) as replaced:
        replaced.begin(middle)
        new = replaced.advance(second)[0].state
    for state in (again, new):
        for ours, theirs in zip(arrays_of(state), arrays_of(expected), strict=True):
            assert np.array_equal(ours, theirs)


def test_a_training_that_diverges_is_told_by_every_worker():
    """Where the costs become infinite all workers end the block, and say that it is not finite."""
    x, y = draw_rows(100)
    run = make_run((x, np.eye(2)[y] * 1e30), workers=2, network_settings={"cost": "mean_squared_error", "dtype": "float32"})
    for sync_every in (1, 3):
        with group(task_of(run, 2, sync_every)) as found:
            found.begin(run.network.state())
            outcomes = found.advance(Block(1, 0, steps_of(run, rate=1e30)))
        assert not all(each.finite for each in outcomes)
        assert sum(each.rows for each in outcomes) == 100


def test_dropout_of_workers_differs():
    """Two workers that see the same rows drop different units: their masks are not copies."""
    x = np.tile([[1.0, 2.0, 3.0]], (2 * BATCH, 1))
    run = make_run((x, np.zeros(2 * BATCH, int)), workers=2, dropout=0.5)
    task = task_of(run, 2, 2)
    with group(task) as found:
        plans = [worker.plan for worker in found.workers]
    assert plans[0].seed == run.plan.seed != plans[1].seed


def test_the_steps_of_a_worker_without_rows_count(tmp_path):
    """At the end of an epoch one shard has a row more; the common state counts that step on every worker."""
    write_set(tmp_path, [2 * 3 * BATCH + 1])
    run = make_run(cr.rows(tmp_path / "*.parquet", target="y"), workers=2)
    with group(task_of(run, 2, 2)) as found:
        state, outcomes = epochs_by(found, run, 1)
    assert [each.rows for each in outcomes[0]] == [24, 25]
    assert state.step == 4
