"""What the estimators offer around a fit: warnings at the user's own line, telling, saving, threads."""

import multiprocessing
import os
import re
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from interrupts import interrupted_in_each_line
from rich.console import Console
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

import chainrule as cr
from chainrule.engines import ENGINES, at_work, blas_threads, thread_count
from chainrule.engines.threads import blas_limits

pytestmark = pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels")
IRIS = load_iris(return_X_y=True)


def interrupted(random, order):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("chosen", "category", "match"),
    [
        ({"max_iter": 1}, ConvergenceWarning, "hasn't converged"),
        ({"solver": "lbfgs", "max_iter": 1}, ConvergenceWarning, "lbfgs failed to converge"),
        ({"batch_size": 1000, "max_iter": 30, "tol": 9.0, "n_iter_no_change": 1}, UserWarning, "going to be clipped"),
        ({"max_iter": 1000}, UserWarning, "interrupted by user"),
    ],
)
@pytest.mark.parametrize(
    "train",
    [
        lambda clf: clf.fit(*IRIS),
        lambda clf: make_pipeline(StandardScaler(), clf).fit(*IRIS),
        lambda clf: cross_val_score(clf, *IRIS, cv=2),
    ],
    ids=["fit", "pipeline", "cross_val_score"],
)
def test_a_warning_points_at_the_users_own_line(chosen, category, match, train, monkeypatch):
    """Whatever lies between, a pipeline or a search, a warning names the file and line of the user's own call."""
    if "interrupted" in match:
        monkeypatch.setattr("chainrule.estimators.draws.shuffled", interrupted)
    clf = cr.MLPClassifier((3,), random_state=0, **chosen)
    with pytest.warns(category, match=match) as caught:
        train(clf)
    assert {warning.filename for warning in caught} == {__file__}


def test_partial_fits_warnings_point_at_the_users_own_line():
    """``partial_fit`` stands as near to the user as ``fit``; so does what is said of y as a column."""
    with pytest.warns(UserWarning, match="column-vector|clipped") as caught:
        cr.MLPRegressor(batch_size=1000).partial_fit(IRIS[0], IRIS[0][:, :1])
    assert [warning.category for warning in caught] == [DataConversionWarning, UserWarning]
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize("chosen", [{"max_iter": 2}, {"max_fun": 3}])
def test_lbfgs_warns_in_scikit_learns_words(chosen):
    """Where L-BFGS did not converge, for want of iterations or of evaluations, the warning is scikit-learn's."""
    said = []
    for home in (cr, theirs):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            home.MLPClassifier(solver="lbfgs", random_state=0, **chosen).fit(*IRIS)
        said.append([(warning.category, str(warning.message)) for warning in caught])
    assert said[0] == said[1]
    assert len(said[0]) == 1


ADAPTIVE = {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "n_iter_no_change": 1, "max_iter": 40}


def fits(home, name, way, **chosen):
    """One fit, or two calls of ``partial_fit``, on iris: its classes, or one of its columns."""
    x, y = IRIS[0], IRIS[1] if name == "MLPClassifier" else IRIS[0][:, 0]
    estimator = getattr(home, name)(random_state=0, **chosen)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(1 if way == "fit" else 2):
            estimator.fit(x, y) if way == "fit" else estimator.partial_fit(
                x, y, **({"classes": [0, 1, 2]} if name == "MLPClassifier" else {})
            )
    return estimator


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize(
    ("way", "chosen"),
    [
        ("fit", {"max_iter": 3}),
        ("fit", ADAPTIVE),
        ("fit", {"early_stopping": True, "tol": 0.5, "n_iter_no_change": 2, "max_iter": 20}),
        ("fit", {"solver": "lbfgs", "max_iter": 3}),
        ("partial_fit", {}),
    ],
    ids=["epochs", "adaptive", "early_stopping", "lbfgs", "partial_fit"],
)
def test_verbose_prints_scikit_learns_lines(name, way, chosen, capsys):
    """``verbose=True`` prints what scikit-learn prints, of L-BFGS nothing; ``verbose=False`` prints nothing at all."""
    fits(theirs, name, way, verbose=True, **chosen)
    due = capsys.readouterr().out
    fits(cr, name, way, verbose=True, **chosen)
    assert capsys.readouterr().out == due
    fits(cr, name, way, verbose=False, **chosen)
    assert capsys.readouterr().out == ""


ACCURACY = r"accuracy [\d.]+ %  "
VALIDATION = r"validation [\d.]+ %  "
R2 = r"validation R\^2 -?[\d.]+  "


@pytest.mark.parametrize(
    ("name", "way", "chosen", "results"),
    [
        ("MLPClassifier", "fit", {}, ACCURACY),
        ("MLPRegressor", "fit", {}, ""),
        ("MLPClassifier", "fit", {"early_stopping": True}, ACCURACY + VALIDATION),
        ("MLPRegressor", "fit", {"early_stopping": True}, R2),
        ("MLPClassifier", "partial_fit", {}, ACCURACY),
    ],
)
def test_live_writes_the_command_lines_lines(name, way, chosen, results, capsys):
    """With ``verbose="live"`` a file or a pipe gets the command line's line of each epoch: loss, accuracy, validation, speed."""
    estimator = fits(cr, name, way, verbose="live", max_iter=3, **chosen)
    told = capsys.readouterr().out.splitlines()
    counted = ["1/3", "2/3", "3/3"] if way == "fit" else ["1/1", "1/1"]
    for line, count, loss in zip(told, counted, estimator.loss_curve_, strict=True):
        assert re.fullmatch(rf"epoch {count}  cost {re.escape(f'{loss:.3g}')}  {results}[\d.,]+[kM]? examples/s", line)


def test_lives_accuracy_is_counted_in_the_epoch(capsys):
    """The accuracy is the weighted fraction that the mini-batches had right: with a step of 0 that of the start."""
    x, y = IRIS
    weights = np.linspace(0.1, 2, 150)
    clf = cr.MLPClassifier(max_iter=2, random_state=3, learning_rate_init=1e-30, batch_size=30, verbose="live")
    with pytest.warns(ConvergenceWarning):
        clf.fit(x, y, weights)
    assert capsys.readouterr().out.count(f"accuracy {100 * clf.score(x, y, weights):.2f} %") == 2


def test_live_tells_of_stalls_and_of_lbfgs(capsys):
    """A stall is said in scikit-learn's words between the epochs' lines; an iteration of L-BFGS takes an epoch's place."""
    fits(cr, "MLPClassifier", "fit", verbose="live", **ADAPTIVE)
    assert "\nTraining loss did not improve more than tol=0.500000 for 1 consecutive epochs. Setting" in capsys.readouterr().out
    clf = fits(cr, "MLPClassifier", "fit", verbose="live", solver="lbfgs", max_iter=4)
    told = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in told] == [f"epoch {k}/4" for k in range(1, 5)]
    assert f"cost {clf.loss_:.3g}  " in told[-1]


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_live_draws_a_line_in_a_terminal(solver, monkeypatch):
    """A terminal gets the live line below, and is given back; no bit of the fit depends on it."""
    console = Console(file=StringIO(), force_terminal=True, width=80, color_system="standard", legacy_windows=False)
    monkeypatch.setattr("rich.console.Console", lambda: console)
    watched = fits(cr, "MLPClassifier", "fit", verbose="live", solver=solver, max_iter=3)
    text = console.file.getvalue()
    assert "━" in text
    assert text.endswith("\x1b[1A\x1b[2K")
    plain = fits(cr, "MLPClassifier", "fit", solver=solver, max_iter=3)
    assert all(np.array_equal(a, b) for a, b in zip(watched.coefs_, plain.coefs_, strict=True))


def test_live_shows_the_loss_of_a_validation_set_of_ones_own(capsys):
    """What ``X_val`` costs stands where the validation stands."""
    clf = cr.MLPRegressor(max_iter=2, random_state=0, verbose="live")
    with pytest.warns(ConvergenceWarning):
        clf.fit(IRIS[0], IRIS[0][:, 0], X_val=IRIS[0][::2], y_val=IRIS[0][::2, 0])
    told = capsys.readouterr().out.splitlines()
    assert all(f"validation {cost:.3g}  " in line for cost, line in zip(clf.validation_loss_curve_, told, strict=True))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_array], ids=["dense", "csr", "csc"])
@pytest.mark.parametrize("hidden", [(), (5,)])
@pytest.mark.parametrize("name", ["multiclass", "binary", "regression"])
@pytest.mark.parametrize("standardize", [True, False])
def test_a_saved_network_takes_raw_columns(form, hidden, name, standardize, tmp_path):
    """What ``save`` wrote gives the estimator's outputs to 1e-10 for X as it comes; the estimator stays as it was."""
    x = np.hstack([IRIS[0] * [1.0, 100.0, 0.01, 3.0] + [0.0, 500.0, 0.0, -2.0], np.ones((150, 1))])  # odd units, and a constant
    y = {"multiclass": IRIS[1], "binary": IRIS[1] > 0, "regression": IRIS[0][:, 1]}[name]
    kind = cr.MLPRegressor if name == "regression" else cr.MLPClassifier
    estimator = kind(hidden_layer_sizes=hidden, max_iter=5, random_state=0, standardize=standardize).fit(form(x), y)
    due = estimator.predict(form(x)) if name == "regression" else estimator.predict_proba(form(x))
    before = estimator.coefs_[0].copy()
    estimator.save(tmp_path / "saved.safetensors")
    came = cr.load(tmp_path / "saved.safetensors").feedforward(form(x))
    due = due[:, 1] if name == "binary" else due
    assert np.allclose(came.reshape(due.shape), due, rtol=0, atol=1e-10)
    assert np.array_equal(estimator.coefs_[0], before)


def test_saving_folds_in_float64_and_refuses_the_unfitted(tmp_path):
    """One of float32 is saved so, but in float64 where columns are scaled: a mean may be far above a spread."""
    path = tmp_path / "saved.safetensors"
    with pytest.raises(NotFittedError):
        cr.MLPClassifier().save(path)
    assert not path.exists()
    for standardize, dtype, moved in ((False, "float32", 0), (True, "float64", 1e4)):
        x = (IRIS[0] + moved).astype(np.float32)
        clf = cr.MLPClassifier(random_state=0, standardize=standardize, tol=1.0).fit(x, IRIS[1])
        clf.save(path)
        network = cr.load(path)
        assert network.plan.dtype == dtype
        assert np.allclose(network.feedforward(x), clf.predict_proba(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("limits", [{"limits": 1}, {"limits": 1, "user_api": "blas"}, {"limits": {"blas": 1}}])
def test_auto_honours_threadpoolctls_limits(limits):
    """Inside ``threadpool_limits(1)``, or a limit on BLAS alone, ``"auto"`` is one thread, and afterwards as many as before."""
    before = thread_count("auto")
    with threadpool_limits(**limits):
        assert thread_count("auto") == 1
        assert thread_count(3) == 3
    assert thread_count("auto") == before


@contextmanager
def blas_held_elsewhere():
    """Another Python thread that holds BLAS to one thread, as one does that trains by L-BFGS."""
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
def blas_of_several():
    """A process whose BLAS may use three threads, whatever the machine has."""
    with threadpool_limits(3, user_api="blas"):
        if 3 not in blas_limits():
            pytest.skip("there is no BLAS here that can use several threads")
        yield


def test_what_one_training_asks_of_blas_limits_no_other(blas_of_several):
    """While a fit by L-BFGS holds BLAS to one thread, another still sees what the user allows."""
    with blas_held_elsewhere():
        assert set(blas_limits()) == {3}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
def test_a_forked_process_has_blas_as_the_user_set_it(blas_of_several):
    """Who holds BLAS to one thread in the parent is not there in its child."""
    with blas_held_elsewhere(), multiprocessing.get_context("fork").Pool(1) as pool:
        assert set(pool.apply(blas_now)) == {3}
    assert set(blas_now()) == {3}


LATE = """
import threadpoolctl
from chainrule.engines.threads import blas_threads, thread_count
thread_count("auto")
import scipy.linalg
with blas_threads(1):
    print({library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"})
"""


def test_scipys_blas_is_held_too_where_it_comes_late():
    """SciPy brings a BLAS of its own, which L-BFGS uses; it may be loaded after the first look at what there is."""
    environment = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.strip() == "{1}"


def blas_now():
    """What BLAS may use now, whoever asked for it."""
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
    """A process that may use eight cores, with nothing to limit it."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr("chainrule.engines.threads.blas_limits", list)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def asked_elsewhere():
    """What another Python thread is given, which trains nothing."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(thread_count, "auto").result()


@contextmanager
def training_elsewhere():
    """Another Python thread that trains while this lasts."""
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
    """With k others at work ``"auto"`` is cores / (k + 1), at least 1."""
    with training_elsewhere():
        assert thread_count("auto") == 4
        with at_work(), training_elsewhere():
            assert thread_count("auto") == 2
            assert thread_count(3) == 3
            monkeypatch.setattr("os.sched_getaffinity", lambda _: {0}, raising=False)
            assert thread_count("auto") == 1


def test_a_training_within_a_training_counts_once(eight_cores):
    """As where a callback trains another network: the outer one goes on being counted."""
    with at_work():
        with at_work():
            assert asked_elsewhere() == 4
            assert thread_count("auto") == 8
        assert asked_elsewhere() == 4
    assert asked_elsewhere() == 8


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
def test_a_forked_process_has_the_cores_to_itself(eight_cores):
    """Who trains in the parent does not train in its child."""
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
def test_whoever_trains_is_counted_while_it_trains(train, eight_cores, monkeypatch):
    """In the midst of a fit, and of ``train``, others get half of the cores, and all of them once it has ended."""
    engine, seen = next(iter(ENGINES.values())), []
    prepare = engine.prepare

    def looked(examples):
        seen.append(asked_elsewhere())
        return prepare(examples)

    monkeypatch.setattr(engine, "prepare", looked)
    train()
    assert set(seen) == {4}
    assert asked_elsewhere() == 8


def test_ctrl_c_in_the_last_line_of_a_training_leaves_nobody_counted(eight_cores):
    """Wherever within a training the interrupt comes, its thread is counted no longer than the training's frames live."""

    def train():
        with at_work():
            pass

    assert interrupted_in_each_line(at_work.__wrapped__, train) >= 5
    assert asked_elsewhere() == 8


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_calls_of_partial_fit_are_a_fit_bit_for_bit_on_sparse_rows(momentum):
    """With a penalty and without shuffling, k calls are k epochs, and calls on chunks of whole batches are one."""
    x, y = sparse.random(64, 30, 0.2, "csr", random_state=0), np.arange(64) % 3
    chosen = {"solver": "sgd", "momentum": momentum, "shuffle": False, "random_state": 0, "alpha": 0.1, "batch_size": 8}
    once, thrice, whole, chunks = (cr.MLPClassifier(5, learning_rate_init=0.1, max_iter=k, **chosen) for k in (3, 1, 1, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        once.fit(x, y)
        whole.fit(x, y)
    for _ in range(3):
        thrice.partial_fit(x, y, classes=[0, 1, 2])
    for first in range(0, 64, 16):
        chunks.partial_fit(x[first : first + 16], y[first : first + 16], classes=[0, 1, 2])
    for one, other in ((once, thrice), (whole, chunks)):
        assert all(np.array_equal(a, b) for a, b in zip(one.coefs_, other.coefs_, strict=True))


def test_a_fit_that_fails_is_counted_no_longer(eight_cores):
    """A refusal leaves the cores to others."""
    with pytest.raises(ValueError, match="NaN"):
        cr.MLPRegressor().fit(*IRIS, X_val=IRIS[0], y_val=np.full(150, np.nan))
    assert asked_elsewhere() == 8
