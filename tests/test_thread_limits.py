"""Limits of threads: threadpoolctl's, those of BLAS, and fits with threads in forked processes."""

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
from sklearn.datasets import load_iris
from threadpoolctl import threadpool_info, threadpool_limits

import chainrule as cr
from chainrule.engines import ENGINES, blas_threads, thread_count
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
