"""How trainings side by side share the cores: each session counts its Python thread as training."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from weakref import WeakValueDictionary

import numpy as np
import pytest
from interrupts import interrupted_in_each_line
from sklearn.datasets import load_iris

import chainrule as cr
from chainrule.engines import ENGINES, thread_count
from chainrule.engines.threads import TrainingThread

IRIS = load_iris(return_X_y=True)


@pytest.fixture
def eight_cores(monkeypatch):
    """A process that may use eight cores, with nothing to limit it, and no session of an earlier test."""
    monkeypatch.setattr("chainrule.engines.threads._TRAINING_THREADS", WeakValueDictionary())
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr("chainrule.engines.threads.blas_limits", list)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def count_in_another_thread():
    """The thread count that another Python thread is given, which trains nothing."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(thread_count, "auto").result()


@contextmanager
def training_in_another_thread():
    """Hold a session open in another Python thread."""
    began, over = Event(), Event()

    def train():
        net = cr.Network([2, 1], seed=0)
        session = next(iter(ENGINES.values())).open(net.plan, net.state(), threads=1)
        began.set()
        assert over.wait(60)
        del session

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(train)
        assert began.wait(60)
        try:
            yield
        finally:
            over.set()
            done.result()


def test_trainings_side_by_side_share_the_cores(eight_cores, monkeypatch):
    """With k other threads in training ``"auto"`` is cores / (k + 1), at least 1."""
    with training_in_another_thread():
        assert thread_count("auto") == 4
        with training_in_another_thread():
            assert thread_count("auto") == 2
            assert thread_count(3) == 3
            monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
            assert thread_count("auto") == 1


def test_a_session_and_a_gradient_count_their_thread_until_they_end(engine, eight_cores):
    """Any number of sessions and gradient functions in one thread count once, and the count ends with the last of them."""
    net = cr.Network([2, 1], seed=0)
    data = engine.prepare(cr.Examples(np.eye(2), [0, 1]))
    first = engine.open(net.plan, net.state(), threads=1)
    second = engine.open(net.plan, net.state(), threads=1)
    assert count_in_another_thread() == 4
    assert thread_count("auto") == 8
    del second
    assert count_in_another_thread() == 4
    gradient = engine.gradient(net.plan, data, None, threads=1)
    del first
    assert count_in_another_thread() == 4
    del gradient
    assert count_in_another_thread() == 8


def test_a_thread_that_has_ended_is_not_counted(eight_cores):
    """A session that outlives its thread, as in an unfinished ``Run`` that is still referenced, takes no share of the cores."""
    with ThreadPoolExecutor(1) as pool:
        kept = pool.submit(TrainingThread).result()
        assert thread_count("auto") == 4
    assert thread_count("auto") == 8
    assert kept.thread


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
def test_a_forked_process_has_the_cores_to_itself(eight_cores):
    """A thread that trains in the parent process is not counted in its child."""
    with training_in_another_thread(), multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(thread_count, ("auto",)) == 8


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("train", "method"),
    [
        (lambda: cr.MLPClassifier((3,), max_iter=2, random_state=0).fit(*IRIS), "open"),
        (lambda: cr.MLPClassifier((3,), solver="lbfgs", max_iter=2, random_state=0).fit(*IRIS), "gradient"),
        (lambda: cr.MLPClassifier((3,), random_state=0).partial_fit(*IRIS, classes=[0, 1, 2]), "open"),
        (lambda: cr.MLPRegressor(random_state=0).partial_fit(*IRIS), "open"),
        (lambda: cr.train(cr.Network([4, 3], seed=0), IRIS, epochs=2, batch_size=10, learning_rate=0.1), "open"),
        (
            lambda: cr.train_population([cr.Network([4, 3], seed=0)], IRIS, epochs=2, batch_size=10, learning_rate=0.1, threads=1),
            "open",
        ),
    ],
    ids=["fit", "lbfgs", "partial_fit", "regressor", "train", "population"],
)
def test_every_training_is_counted(train, method, eight_cores, monkeypatch):
    """During every kind of training another thread is given half of the cores, and all of them once it has ended."""
    engine, counts = next(iter(ENGINES.values())), []
    call = getattr(engine, method)

    def observed(*arguments, **options):
        made = call(*arguments, **options)
        counts.append(count_in_another_thread())
        return made

    monkeypatch.setattr(engine, method, observed)
    train()
    assert set(counts) == {4}
    assert count_in_another_thread() == 8


def test_an_interrupt_leaves_no_thread_counted(eight_cores):
    """Ctrl-C in any line of a session's making, or of a block of mini-batches, leaves no thread counted."""
    net = cr.Network([4, 3], seed=0)
    run = cr.Run(net, IRIS, epochs=1, batch_size=10, learning_rate=0.1)
    session = type(run.engine.open(net.plan, net.state(), threads=1))

    def train():
        cr.train(cr.Network([4, 3], seed=0), IRIS, epochs=1, batch_size=10, learning_rate=0.1)

    for function in (TrainingThread.__init__, session.__init__, session.advance):
        assert interrupted_in_each_line(function, train) >= 2
        assert count_in_another_thread() == 8


def test_a_fit_that_fails_is_counted_no_longer(eight_cores):
    """A fit that is refused leaves the cores to others."""
    with pytest.raises(ValueError, match="NaN"):
        cr.MLPRegressor().fit(*IRIS, X_val=IRIS[0], y_val=np.full(150, np.nan))
    assert count_in_another_thread() == 8
