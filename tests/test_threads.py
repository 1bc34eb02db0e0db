"""Threads of the estimators and of ``train``: limits of threadpoolctl, trainings side by side, forked processes."""

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from interrupts import interrupted_in_each_line
from sklearn.datasets import load_iris
from threadpoolctl import threadpool_info, threadpool_limits

import chainrule as cr
from chainrule.engines import ENGINES, at_work, blas_threads, thread_count
from chainrule.engines.threads import blas_limits

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")
IRIS = load_iris(return_X_y=True)


@pytest.mark.parametrize("limits", [{"limits": 1}, {"limits": 1, "user_api": "blas"}, {"limits": {"blas": 1}}])
def test_auto_honours_threadpoolctls_limits(limits):
    """Inside ``threadpool_limits(1)``, or a limit on BLAS alone, ``"auto"`` is one thread, and afterwards as many as before."""
    before = thread_count("auto")
    with threadpool_limits(**limits):
        assert thread_count("auto") == 1
        assert thread_count(3) == 3
    assert thread_count("auto") == before


@contextmanager
def blas_limited_elsewhere():
    """Another Python thread limits BLAS to one thread, as a training by lbfgs does."""
    began, over = Event(), Event()

    def hold():
        with blas_threads(1):
            began.set()
            assert over.wait(60)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(hold)
        assert began.wait(60)
        try:
            yield
        finally:
            over.set()
            done.result()


@pytest.fixture
def three_blas_threads():
    """A process whose BLAS may use three threads, whatever the machine has."""
    with threadpool_limits(3, user_api="blas"):
        if 3 not in blas_limits():
            pytest.skip("no BLAS can use several threads on this machine")
        yield


def test_a_blas_limit_of_one_training_does_not_limit_another(three_blas_threads):
    """While a fit by lbfgs limits BLAS to one thread, another training still gets what the user allows."""
    with blas_limited_elsewhere():
        assert set(blas_limits()) == {3}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this platform cannot fork")
def test_a_forked_process_has_blas_as_the_user_set_it(three_blas_threads):
    """A forked process has the user's number of BLAS threads, even where the parent limits BLAS at that moment."""
    with blas_limited_elsewhere(), multiprocessing.get_context("fork").Pool(1) as pool:
        assert set(pool.apply(blas_thread_counts)) == {3}
    assert set(blas_thread_counts()) == {3}


LATE = """
import threadpoolctl
from chainrule.engines.threads import blas_threads, thread_count
thread_count("auto")
import scipy.linalg
with blas_threads(1):
    print({library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"})
"""


def test_scipys_blas_is_limited_where_it_is_loaded_late():
    """SciPy's own BLAS, which lbfgs uses, is limited too, although it may be loaded after the first look."""
    environment = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.strip() == "{1}"


def blas_thread_counts():
    """The number of threads that each BLAS library may use now."""
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


LIMITED = """
import os, warnings
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
import chainrule as cr
warnings.simplefilter("ignore")
threads = lambda: len(os.listdir("/proc/self/task"))
x = np.random.default_rng(0).normal(size=(4000, 200))
regressor = cr.MLPRegressor(hidden_layer_sizes=(200,), max_iter=1)
fit = lambda: regressor.fit(x, x[:, 0])
before = threads()
with threadpool_limits(1):
    fit()
print(threads() - before)
fit()
print(threads() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted as Linux shows them")
def test_a_fit_starts_no_thread_beyond_the_limit():
    """A fit inside ``threadpool_limits(1)`` starts no thread; without the limit it tries several, where there are several cores."""
    environment = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True, env=environment)
    limited, free = map(int, run.stdout.split())
    assert limited == 0
    assert (free > 0) == ("fused" in ENGINES and thread_count("auto") > 1)


@pytest.fixture
def eight_cores(monkeypatch):
    """A process that may use eight cores, without other limits."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr("chainrule.engines.threads.blas_limits", list)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def threads_elsewhere():
    """The number of threads for another Python thread, which does not train."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(thread_count, "auto").result()


@contextmanager
def training_elsewhere():
    """Another Python thread trains inside this block."""
    began, over = Event(), Event()

    def train():
        with at_work():
            began.set()
            assert over.wait(60)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(train)
        assert began.wait(60)
        try:
            yield
        finally:
            over.set()
            done.result()


def test_trainings_side_by_side_share_the_cores(eight_cores, monkeypatch):
    """With k other trainings ``"auto"`` is cores / (k + 1), at least 1."""
    with training_elsewhere():
        assert thread_count("auto") == 4
        with at_work(), training_elsewhere():
            assert thread_count("auto") == 2
            assert thread_count(3) == 3
            monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
            assert thread_count("auto") == 1


def test_a_training_within_a_training_counts_once(eight_cores):
    """A training inside a training, as in a callback, counts as one; the outer one is counted until it ends."""
    with at_work():
        with at_work():
            assert threads_elsewhere() == 4
            assert thread_count("auto") == 8
        assert threads_elsewhere() == 4
    assert threads_elsewhere() == 8


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this platform cannot fork")
def test_a_forked_process_has_the_cores_to_itself(eight_cores):
    """A training in the parent is not counted in its forked child."""
    with training_elsewhere(), multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(thread_count, ("auto",)) == 8


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "train",
    [
        lambda: cr.MLPClassifier((3,), max_iter=2, random_state=0).fit(*IRIS),
        lambda: cr.MLPClassifier((3,), solver="lbfgs", max_iter=2, random_state=0).fit(*IRIS),
        lambda: cr.MLPClassifier((3,), random_state=0).partial_fit(*IRIS, classes=[0, 1, 2]),
        lambda: cr.MLPRegressor(random_state=0).partial_fit(*IRIS),
        lambda: cr.train(cr.Network([4, 3], seed=0), IRIS, epochs=2, batch_size=10, learning_rate=0.1),
    ],
    ids=["fit", "lbfgs", "partial_fit", "regressor", "train"],
)
def test_a_training_is_counted_while_it_runs(train, eight_cores, monkeypatch):
    """During a fit, and during ``train``, another training gets half of the cores, and all of them afterwards."""
    engine, counts = next(iter(ENGINES.values())), []
    prepare = engine.prepare

    def prepare_and_count(examples):
        counts.append(threads_elsewhere())
        return prepare(examples)

    monkeypatch.setattr(engine, "prepare", prepare_and_count)
    train()
    assert set(counts) == {4}
    assert threads_elsewhere() == 8


def test_an_interrupted_training_is_not_counted(eight_cores):
    """Wherever in a training an interrupt is raised, the training is not counted after its frames have ended."""

    def train():
        with at_work():
            pass

    assert interrupted_in_each_line(at_work.__wrapped__, train) >= 5
    assert threads_elsewhere() == 8


def test_a_failed_fit_is_not_counted(eight_cores):
    """After a fit that was refused, another training gets all cores."""
    with pytest.raises(ValueError, match="NaN"):
        cr.MLPRegressor().fit(*IRIS, X_val=IRIS[0], y_val=np.full(150, np.nan))
    assert threads_elsewhere() == 8


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_number_of_threads_changes_no_bit():
    """A fit on one thread and a fit on two learn the same parameters, bit for bit."""
    one, two = (cr.MLPClassifier(max_iter=3, random_state=0, threads=threads).fit(*IRIS) for threads in (1, 2))
    assert np.array_equal(one.coefs_[0], two.coefs_[0])


def fit_in_child(_):
    return cr.MLPClassifier(max_iter=3, random_state=0, threads=2).fit(*IRIS).coefs_[0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this platform cannot fork")
def test_forked_processes_fit_with_threads_of_their_own():
    """Where a process has fitted and forks, its children fit too, and learn the same parameters."""
    expected = fit_in_child(None)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        actual = pool.map(fit_in_child, range(2))
    assert all(np.array_equal(coefs, expected) for coefs in actual)
