"""Checkpoints of the estimators: a fit that was stopped at any moment goes on, with the numbers of one never stopped."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule._format import percent
from chainrule.checkpoints.checkpoint_file import read_checkpoint, read_header, write_checkpoint
from chainrule.checkpoints.run_folder import RunFolder
from chainrule.checkpoints.run_status import read_status
from chainrule.checkpoints.snapshot import Extra
from chainrule.cli.run_groups import RunGroup
from chainrule.cli.run_report import describe_run, group_as_json, sort_key
from chainrule.errors import EngineError, FileError, ModelFileError, SettingError
from chainrule.training import CheckpointWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 5))
CLASSES = RNG.integers(0, 3, 70)
VALUES = X[:, :2] @ [[1.0, -1.0], [0.5, 2.0]]
WEIGHTS = RNG.uniform(0.5, 2.0, 70)
VALIDATION = {"X_val": X[:20] + 0.1, "y_val": CLASSES[:20]}
SETTINGS = {"hidden_layer_sizes": (6,), "max_iter": 12, "batch_size": 16, "tol": 1e-9, "random_state": 3}

CASES = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.1},
    "plain sgd": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1, "alpha": 0.0},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1, "max_iter": 60},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "plateau": {"early_stopping": True, "tol": 0.1, "n_iter_no_change": 2, "max_iter": 60},
    "in order": {"shuffle": False},
    "dropout": {"dropout": 0.3},
    "standardize": {"standardize": True},
    "balanced": {"class_weight": "balanced"},
    "warm start": {"warm_start": True},
    "generator": {"random_state": np.random.RandomState(5)},
    "validation": {},
    "validation, early stopping": {"early_stopping": True},
    "weights": {},
    "sparse": {"standardize": True},
    "float32": {},
}


def data_of(case):
    """Give the arguments of ``fit`` in a case, as a tuple and a mapping."""
    if case.startswith("validation"):
        return (X, CLASSES), VALIDATION
    if case == "weights":
        return (X, CLASSES, WEIGHTS), {}
    if case == "sparse":
        return (sparse.csr_matrix(np.where(X > 0, X, 0)), CLASSES), {}
    return (X.astype(np.float32) if case == "float32" else X, CLASSES), {}


class Stopped(Exception):
    """Stands for an error in a training."""


def stop_at(monkeypatch, block, error=Stopped):
    """Raise an error before the engine trains the ``block``-th block from now on."""
    count = 0
    visit = cr.estimators.fit_checkpoints.FitCheckpoints.visit

    def stopping(self, *arguments):
        nonlocal count
        visit(self, *arguments)
        count += 1
        if count > block:
            raise error

    monkeypatch.setattr(cr.estimators.fit_checkpoints.FitCheckpoints, "visit", stopping)


@pytest.fixture
def short_blocks(monkeypatch):
    """Let every block have one mini-batch, so that a fit can be stopped at any step."""
    monkeypatch.setattr("chainrule.epoch_blocks.BLOCK_SECONDS", 1e-12)


def numbers_of(estimator):
    """Give everything that a fit computes, exactly."""
    names = ("loss_curve_", "validation_scores_", "validation_loss_curve_", "best_loss_", "best_validation_score_", "loss_")
    curves = {name: np.array(getattr(estimator, name, None), dtype=float).tobytes() for name in names}
    arrays = [array.tobytes() for array in (*estimator.coefs_, *estimator.intercepts_)]
    provenance = estimator.network_.provenance
    predictions = estimator.predict(X.astype(np.float32) if estimator.coefs_[0].dtype == np.float32 else X).tobytes()
    return (curves, arrays, estimator.n_iter_, estimator.t_, predictions, provenance.epochs, provenance.steps, provenance.stopped)


def fit_in_parts(estimator, folder, block, monkeypatch, data, options, every="10 s"):
    """Fit until a block, and go on from the folder in a clone."""
    first = clone(estimator).set_params(checkpoint=folder, checkpoint_every=every)
    with monkeypatch.context() as patched, contextlib.suppress(Stopped):
        stop_at(patched, block)
        first.fit(*data, **options)
    return clone(estimator).set_params(checkpoint=str(folder), resume=True).fit(*data, **options)


@pytest.mark.parametrize("blocks", ["several epochs", "epochs", "mini-batches"])
@pytest.mark.parametrize("case", CASES)
def test_a_resumed_fit_has_the_numbers_of_one_never_stopped(case, blocks, tmp_path, monkeypatch):
    """For every solver, schedule and validation, wherever it was stopped: parameters, curves, counters and predictions."""
    if blocks == "mini-batches":
        monkeypatch.setattr("chainrule.epoch_blocks.BLOCK_SECONDS", 1e-12)
    data, options = data_of(case)
    estimator = cr.MLPClassifier(**{**SETTINGS, **CASES[case]})
    whole = numbers_of(clone(estimator).fit(*data, **options))
    every = "1 epoch" if blocks == "epochs" else "10 s"
    for block in (0, 1) if blocks == "several epochs" else (0, 1, 3, 7, 22):
        resumed = fit_in_parts(estimator, tmp_path / f"{block}", block, monkeypatch, data, options, every=every)
        assert numbers_of(resumed) == whole


@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"loss": "poisson"}])
def test_a_regressors_resumed_fit_has_the_numbers_of_one_never_stopped(options, tmp_path, monkeypatch, short_blocks):
    """Values of several columns, the score R2, and the Poisson loss."""
    y = np.exp(VALUES) if options.get("loss") else VALUES
    estimator = cr.MLPRegressor(**{**SETTINGS, **options, "learning_rate_init": 0.01})
    whole = numbers_of(clone(estimator).fit(X, y))
    for block in (2, 9, 31):
        assert numbers_of(fit_in_parts(estimator, tmp_path / f"{block}", block, monkeypatch, (X, y), {})) == whole


def test_checkpoints_change_no_number(tmp_path, short_blocks):
    """A fit that copies its state out at every block has the numbers of one without checkpoints."""
    estimator = cr.MLPClassifier(**SETTINGS, early_stopping=True, dropout=0.2)
    kept = clone(estimator).set_params(checkpoint=tmp_path / "run", checkpoint_every="0.000000001 s").fit(X, CLASSES)
    assert numbers_of(kept) == numbers_of(estimator.fit(X, CLASSES))
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert [name for name in names if not name.startswith("checkpoint-")] == ["history.jsonl", "lock"]
    assert len(names) == 4


@pytest.mark.parametrize("case", ["adam", "early stopping", "validation"])
def test_ctrl_c_leaves_a_checkpoint_of_its_step(case, tmp_path, monkeypatch, short_blocks):
    """Ctrl-C in the middle of an epoch keeps what was learnt, and the folder goes on there."""
    data, options = data_of(case)
    estimator = cr.MLPClassifier(**{**SETTINGS, **CASES[case]})
    whole = numbers_of(clone(estimator).fit(*data, **options))
    first = clone(estimator).set_params(checkpoint=tmp_path / "run")
    with monkeypatch.context() as patched:
        stop_at(patched, 17, KeyboardInterrupt)
        with pytest.warns(UserWarning, match="interrupted by user"):
            first.fit(*data, **options)
    header = read_header(RunFolder(tmp_path / "run").checkpoints()[0])
    assert (header.step, header.stopped) == (17, "interrupted")
    assert header.rows > 0
    assert numbers_of(first.set_params(resume=True).fit(*data, **options)) == whole


def test_a_signal_at_any_moment_leaves_a_checkpoint_that_goes_on(tmp_path):
    """A real SIGINT in whichever line of the fit: the checkpoint is of a whole step, and the resumed fit has the same numbers."""
    estimator = cr.MLPClassifier(**{**SETTINGS, "max_iter": 3}, early_stopping=True)
    whole = numbers_of(clone(estimator).fit(X, CLASSES))
    modules = {cr.estimators.stochastic.__file__, cr.estimators.fit_position.__file__, cr.estimators.fit_checkpoints.__file__}
    lines = _count_lines(modules, lambda: clone(estimator).set_params(checkpoint=tmp_path / "all").fit(X, CLASSES))
    resumed = 0
    for line in range(0, lines, 7):
        folder = tmp_path / f"{line}"
        first = clone(estimator).set_params(checkpoint=folder)
        with contextlib.suppress(KeyboardInterrupt, UserWarning):
            _count_lines(modules, lambda fitted=first: fitted.fit(X, CLASSES), stop=line)
        resumed += folder.exists()
        assert numbers_of(first.set_params(resume=True).fit(X, CLASSES)) == whole, line
    assert resumed > lines / 14


def _count_lines(modules, call, stop=None):
    """Make a call, sending SIGINT to this process in the ``stop``-th line of these modules; give the number of their lines run."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        if frame.f_code.co_filename not in modules:
            return None
        if event == "line":
            count += 1
            if count == stop:
                signal.raise_signal(signal.SIGINT)
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(previous)
    return count


def test_a_signal_in_the_epoch_that_ends_on_a_plateau_leaves_it_ended(tmp_path, monkeypatch):
    """Ctrl-C while the last epoch is recorded: the resumed fit trains no epoch more."""
    estimator = cr.MLPClassifier(**{**SETTINGS, "tol": 0.5, "n_iter_no_change": 2, "max_iter": 60})
    whole = numbers_of(clone(estimator).fit(X, CLASSES))
    ends = cr.estimators.stochastic.StochasticTrainer._ends_on_plateau
    first = clone(estimator).set_params(checkpoint=tmp_path / "run")
    with monkeypatch.context() as patched:
        signalling = lambda self, training: signal.raise_signal(signal.SIGINT) or ends(self, training)  # noqa: E731
        patched.setattr(cr.estimators.stochastic.StochasticTrainer, "_ends_on_plateau", signalling)
        with pytest.warns(UserWarning, match="interrupted by user"):
            first.fit(X, CLASSES)
    assert numbers_of(first.set_params(resume=True).fit(X, CLASSES)) == whole


def test_a_finished_fit_is_resumed_at_its_end(tmp_path):
    """It trains nothing more; a larger ``max_iter`` trains the epochs that are left, and warns only if these do not converge."""
    estimator = cr.MLPClassifier(**SETTINGS, checkpoint=tmp_path / "run")
    with pytest.warns(ConvergenceWarning):
        first = numbers_of(estimator.fit(X, CLASSES))
    estimator.set_params(resume=True)
    with pytest.warns(ConvergenceWarning):
        assert numbers_of(estimator.fit(X, CLASSES)) == first
    longer = numbers_of(estimator.set_params(max_iter=20).fit(X, CLASSES))
    assert longer == numbers_of(cr.MLPClassifier(**{**SETTINGS, "max_iter": 20}).fit(X, CLASSES))
    with pytest.raises(SettingError, match="a training of 20 epochs, which may become more, but not 12"):
        estimator.set_params(max_iter=12).fit(X, CLASSES)


def test_a_plateau_is_resumed_at_its_end(tmp_path):
    """A fit that a plateau ended stays ended, though ``max_iter`` has grown."""
    settings = {**SETTINGS, "tol": 0.5, "n_iter_no_change": 2, "max_iter": 60}
    first = cr.MLPClassifier(**settings, checkpoint=tmp_path / "run").fit(X, CLASSES)
    again = cr.MLPClassifier(**{**settings, "max_iter": 90}, checkpoint=tmp_path / "run", resume=True).fit(X, CLASSES)
    assert first.n_iter_ < 60
    assert numbers_of(again) == numbers_of(first)
    assert read_status(tmp_path / "run").state == "stopped early"


def test_a_generator_draws_on_as_after_a_fit_never_stopped(tmp_path, monkeypatch, short_blocks):
    """The user's own RandomState is where it would be."""
    estimator = cr.MLPClassifier(**{**SETTINGS, "random_state": np.random.RandomState(1)})
    whole = clone(estimator).fit(X, CLASSES)
    resumed = fit_in_parts(estimator, tmp_path / "run", 13, monkeypatch, (X, CLASSES), {})
    assert resumed.random_state.random() == whole.random_state.random()


def test_a_fit_without_random_state_goes_on_with_its_own_orders(tmp_path, monkeypatch, short_blocks):
    """NumPy's global generator draws the parameters and orders; the resumed fit has the same, and sets no global state."""
    estimator = cr.MLPClassifier(**{**SETTINGS, "random_state": None})
    np.random.seed(0)  # noqa: NPY002  # random_state=None is this generator
    whole = numbers_of(clone(estimator).fit(X, CLASSES))
    np.random.seed(0)  # noqa: NPY002
    assert numbers_of(fit_in_parts(estimator, tmp_path / "run", 13, monkeypatch, (X, CLASSES), {})) == whole
    np.random.seed(1)  # noqa: NPY002
    estimator.set_params(checkpoint=tmp_path / "run", resume=True).fit(X, CLASSES)
    drawn = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    cr.estimators.random_state.draw_parameters(np.random.mtrand._rand, (5, 6, 3), "relu", "float64")
    assert drawn == np.random.random()  # noqa: NPY002


# What may not be resumed


@pytest.fixture
def begun(tmp_path):
    """The folder of a fit."""
    cr.MLPClassifier(**SETTINGS, checkpoint=tmp_path / "run").fit(X, CLASSES)
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hidden_layer_sizes": 5}, r"run cannot be resumed: hidden_layer_sizes was '\(6,\)', and now is 5\. Resume it"),
        ({"alpha": 0.5}, r"resumed: alpha was 0.0001, and now is 0.5\. Resume"),
        ({"batch_size": "auto"}, r"resumed: batch_size was 16, and now is 'auto'\. Resume"),
        ({"solver": "sgd"}, r"resumed: solver was 'adam', and now is 'sgd'\. Resume"),
        ({"learning_rate_init": 0.01}, "learning_rate_init was 0.001, and now is 0.01"),
        ({"random_state": 4}, r"resumed: random_state was 3, and now is 4\. Resume"),
        ({"random_state": np.random.RandomState(3)}, "random_state was 3, and now is 'RandomState'"),
        ({"n_iter_no_change": np.inf}, "n_iter_no_change was 10, and now is 'inf'"),
        ({"dropout": 0.5}, r"resumed: dropout was 0.0, and now is 0.5\. Resume"),
        ({"class_weight": {0: 2.0, 1: 1.0, 2: 1.0}}, "class_weight was None, and now is '{0: 2.0, 1: 1.0, 2: 1.0}'"),
        ({"early_stopping": True}, "early_stopping was False, and now is True"),
    ],
)
def test_other_hyperparameters_are_refused_by_name(begun, changed, message):
    """A checkpoint is resumed with its own hyperparameters alone; the message names each that differs, as the user knows it."""
    with pytest.raises(SettingError, match=message):
        cr.MLPClassifier(**{**SETTINGS, **changed}, checkpoint=begun, resume=True).fit(X, CLASSES)


def test_other_data_is_refused(begun):
    """Rows, labels, weights or a validation set that are other ones, and another estimator; then the folder is free again."""
    estimator = cr.MLPClassifier(**SETTINGS, checkpoint=begun, resume=True)
    other = X.copy()
    other[-1, -1] += 1e-12
    for data in ((other, CLASSES), (X, CLASSES[::-1]), (X, CLASSES, WEIGHTS), (X.astype(np.float32), CLASSES)):
        with pytest.raises(SettingError, match="the training examples are other ones"):
            estimator.fit(*data)
    with pytest.raises(SettingError, match="the validation examples were not given when it was begun"):
        estimator.fit(X, CLASSES, **VALIDATION)
    with pytest.raises(SettingError, match="was begun by MLPClassifier, not by MLPRegressor"):
        cr.MLPRegressor(**SETTINGS, checkpoint=begun, resume=True).fit(X, VALUES)
    estimator.set_params(verbose=0, threads=1).fit(X, CLASSES)


def test_other_names_of_the_classes_are_refused(tmp_path):
    """Labels of other names have the same codes as the first ones; an array of another type with the same names is the same."""
    estimator = cr.MLPClassifier(**SETTINGS, checkpoint=tmp_path / "run")
    names = np.array(["ape", "bee", "cat"])
    estimator.fit(X, names[CLASSES]).set_params(resume=True)
    with pytest.raises(SettingError, match=r"resumed: the names of the classes are other ones\. Resume"):
        estimator.fit(X, np.array(["bee", "cat", "dog"])[CLASSES])
    estimator.fit(X, names.astype(object)[CLASSES])


def test_another_unit_of_the_columns_is_refused(tmp_path):
    """With ``standardize`` the network sees the same numbers of columns in another unit."""
    estimator = cr.MLPClassifier(**SETTINGS, standardize=True, checkpoint=tmp_path / "run").fit(X, CLASSES)
    with pytest.raises(SettingError, match=r"resumed: the means and scales of the columns are other ones\. Resume"):
        estimator.set_params(resume=True).fit(2 * X, CLASSES)


def _of_another_engine(folder):
    """Rewrite a folder's newest checkpoint as if another instruction set had made it."""
    newest = RunFolder(folder).checkpoints()[0]
    header, snapshot = read_checkpoint(newest)
    state = replace(snapshot.state, made_by="fused (sparc)")
    write_checkpoint(newest, header.settings, header.notes, replace(snapshot, state=state, epoch_state=state))


def test_another_engine_is_refused_unless_allowed(begun):
    """On a machine with another instruction set the message names the parameter that allows it; then a warning says so."""
    whole = numbers_of(cr.MLPClassifier(**SETTINGS).fit(X, CLASSES))
    _of_another_engine(begun)
    estimator = cr.MLPClassifier(**SETTINGS, checkpoint=begun, resume=True)
    with pytest.raises(EngineError, match=r"was trained by fused \(sparc\).*allow_other_engine=True"):
        estimator.fit(X, CLASSES)
    with pytest.warns(CheckpointWarning, match="the last digits may differ"):
        assert numbers_of(clone(estimator).set_params(allow_other_engine=True).fit(X, CLASSES)) == whole


def test_another_engine_of_a_table_is_refused_unless_allowed(tmp_path):
    """A table's estimator has the same parameter."""
    estimator = cr.TableRegressor(networks=1, epochs=2, hidden=(4,), random_state=0, checkpoint=tmp_path / "run")
    estimator.fit(X, X[:, 0])
    _of_another_engine(tmp_path / "run")
    with pytest.raises(EngineError, match="allow_other_engine=True"):
        estimator.set_params(resume=True).fit(X, X[:, 0])
    with pytest.warns(CheckpointWarning, match="the last digits may differ"):
        estimator.set_params(allow_other_engine=True).fit(X, X[:, 0])


def test_a_generator_in_another_state_is_refused(tmp_path):
    """A RandomState that has drawn other numbers before, or that comes in another state."""
    settings = {**SETTINGS, "checkpoint": tmp_path / "run"}
    cr.MLPClassifier(**{**settings, "random_state": np.random.RandomState(0)}).fit(X, CLASSES)
    with pytest.raises(SettingError, match="the random numbers of random_state are other ones"):
        cr.MLPClassifier(**{**settings, "random_state": np.random.RandomState(1)}, resume=True).fit(X, CLASSES)


REFUSED = {
    "lbfgs": ({"solver": "lbfgs"}, "lbfgs keeps its state within SciPy"),
    "interval": ({"checkpoint_every": "30"}, "'30 s', '5 min', '1 h' or '5 epochs'"),
    "split": ({"random_state": None, "early_stopping": True}, "decides which rows are held out.*set random_state=0"),
    "dropout": ({"random_state": None, "dropout": 0.5}, "decides the dropout"),
    "generator": ({"random_state": np.random.RandomState(np.random.PCG64(0))}, "needs the generator MT19937"),
    "no folder": ({"checkpoint": None, "resume": True}, "name it too, as checkpoint='folder'"),
    "interval without a folder": ({"checkpoint": None, "checkpoint_every": "10 s"}, "checkpoint_every is for a training with"),
    "engine without a folder": ({"checkpoint": None, "allow_other_engine": True}, "allow_other_engine is for a training with"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_fit_that_cannot_have_checkpoints_is_refused(case, tmp_path):
    """Before it trains and makes the folder, with the remedy."""
    changed, message = REFUSED[case]
    with pytest.raises(SettingError, match=message):
        cr.MLPClassifier(**{**SETTINGS, "checkpoint": tmp_path / "run", **changed}).fit(X, CLASSES)
    assert not (tmp_path / "run").exists()


def test_partial_fit_and_a_second_warm_start_are_refused(begun):
    """``partial_fit`` writes no checkpoints, and a warm start from fitted parameters cannot be resumed in another process."""
    estimator = cr.MLPClassifier(**SETTINGS, warm_start=True).fit(X, CLASSES)
    estimator.set_params(checkpoint=begun, resume=True)
    with pytest.raises(SettingError, match="partial_fit trains one epoch and writes no checkpoints"):
        estimator.partial_fit(X, CLASSES)
    with pytest.raises(SettingError, match="this estimator is fitted and has warm_start=True"):
        estimator.fit(X, CLASSES)


def test_a_folder_that_is_not_empty_is_refused(begun, tmp_path):
    """Without ``resume`` a fit begins in a folder of its own; the message tells what a search should do."""
    with pytest.raises(FileError, match=r"resume=True goes on from them.*makes many fits.*set checkpoint=None"):
        cr.MLPClassifier(**SETTINGS, checkpoint=begun).fit(X, CLASSES)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("")
    with pytest.raises(FileError, match="name another folder, which need not exist"):
        cr.MLPClassifier(**SETTINGS, checkpoint=tmp_path / "other").fit(X, CLASSES)


SEARCHED = {
    "classifier": (cr.MLPClassifier(**SETTINGS), {"alpha": [0.1, 0.2]}, X),
    "table": (cr.TableClassifier(networks=1, epochs=2, random_state=0), {"hidden": [(4,), (5,)]}, X),
}


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("case", SEARCHED)
def test_the_fits_of_a_search_are_refused(case, resume, tmp_path):
    """A search copies the estimator with its folder for each fit: every fit is refused, and the message has the remedy."""
    estimator, grid, rows = SEARCHED[case]
    kept = clone(estimator).set_params(checkpoint=tmp_path / "run", checkpoint_every="5 epochs", resume=resume)
    remedy = rf"set checkpoint=None, checkpoint_every=None{', resume=False' * resume} in the estimator that it is given"
    with pytest.raises(ValueError, match=rf"(?s)All the 4 fits failed.*{remedy}"):
        GridSearchCV(kept, grid, cv=2).fit(rows, CLASSES)
    with pytest.raises(SettingError, match=remedy):
        cross_val_score(kept, rows, CLASSES, cv=2, error_score="raise")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("networks", [1, 2])
def test_a_tables_second_fit_is_told_of_the_first(networks, tmp_path):
    """A second fit in the folder of an earlier one is refused with both remedies, whatever makes it."""
    estimator = cr.TableClassifier(networks=networks, epochs=2, hidden=(4,), random_state=0, checkpoint=tmp_path / "run")
    estimator.fit(X, CLASSES)
    with pytest.raises(FileError, match=r"checkpoints of an earlier fit: resume=True goes on from them.*set checkpoint=None"):
        clone(estimator).fit(X, CLASSES)


def test_a_pipeline_may_have_checkpoints(tmp_path):
    """A pipeline makes one fit."""
    estimator = cr.MLPClassifier(**SETTINGS, checkpoint=tmp_path / "run")
    make_pipeline(StandardScaler(), estimator).fit(X, CLASSES)
    assert read_status(tmp_path / "run").state == "finished"


def test_a_failed_fit_changes_no_attribute(begun):
    """An estimator whose fit was refused keeps what it had learnt."""
    estimator = cr.MLPClassifier(**SETTINGS).fit(X, CLASSES)
    before = numbers_of(estimator)
    with pytest.raises(FileError):
        estimator.set_params(checkpoint=begun).fit(X, CLASSES)
    assert numbers_of(estimator) == before


# Damage


def test_a_damaged_checkpoint_is_told_and_the_one_before_is_used(tmp_path, short_blocks):
    """A newest file that is cut short: a warning, and the same numbers."""
    estimator = cr.MLPClassifier(**SETTINGS, checkpoint=tmp_path / "run", checkpoint_every="1 epoch").fit(X, CLASSES)
    newest = RunFolder(tmp_path / "run").checkpoints()[0]
    newest.write_bytes(newest.read_bytes()[:-10])
    whole = numbers_of(estimator)
    with pytest.warns(CheckpointWarning, match="goes on from the checkpoint before"):
        assert numbers_of(estimator.set_params(resume=True).fit(X, CLASSES)) == whole


FORGED = {
    "a row twice": lambda extra: extra.arrays["order"].put(0, 1),
    "a row that is none": lambda extra: extra.arrays["order"].put(0, 70),
    "too few rows": lambda extra: extra.arrays.update(order=np.arange(69)),
    "another dtype": lambda extra: extra.arrays.update(order=np.arange(70.0)),
    "no order": lambda extra: extra.arrays.pop("order"),
    "a position behind the generator's words": lambda extra: extra.values["generator"].update(position=625),
    "a position before them": lambda extra: extra.values["generator"].update(position=-1),
    "a word of 33 bits": lambda extra: extra.arrays["generator"].put(0, 2**32),
    "too few words": lambda extra: extra.arrays.update(generator=np.zeros(623, np.int64)),
    "no normal number": lambda extra: extra.values["generator"].update(gauss="0"),
    "a rate of 0": lambda extra: extra.values.update(learning_rate=0.0),
    "more epochs than there were": lambda extra: extra.values.update(epochs_without_improvement=13),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_checkpoint_is_refused(case, begun):
    """A file whose checksum is right but whose entries would read beyond an array, or are not of this fit."""
    newest = RunFolder(begun).checkpoints()[0]
    header, snapshot = read_checkpoint(newest)
    extra = Extra(json.loads(json.dumps(snapshot.extra.values)), dict(snapshot.extra.arrays))
    FORGED[case](extra)
    write_checkpoint(newest, header.settings, {}, replace(snapshot, extra=extra))
    with pytest.raises(ModelFileError, match="run is damaged: "):
        cr.MLPClassifier(**SETTINGS, checkpoint=begun, resume=True).fit(X, CLASSES)


@pytest.mark.parametrize(
    "arrays",
    [
        {"../order": np.zeros(1)},
        {"Order": np.zeros(1)},
        {"a" * 41: np.zeros(1)},
        {"order": np.zeros((1, 1, 1))},
        {f"order_{'a' * k}": np.zeros(1) for k in range(9)},
    ],
)
def test_extra_arrays_are_bounded(arrays, begun):
    """A checkpoint's extra arrays have plain names, at most two axes, and there are at most eight."""
    newest = RunFolder(begun).checkpoints()[0]
    header, snapshot = read_checkpoint(newest)
    write_checkpoint(newest, header.settings, {}, replace(snapshot, extra=Extra({}, arrays)))
    with pytest.raises(ModelFileError, match="its description cannot be read"):
        read_checkpoint(newest)


def test_a_fit_that_diverges_keeps_its_last_finite_checkpoint(tmp_path):
    """The fit fails as without checkpoints, and the resumed fit fails alike."""
    settings = {
        **SETTINGS,
        "solver": "sgd",
        "learning_rate_init": 1e150,
        "checkpoint": tmp_path / "run",
        "checkpoint_every": "1 epoch",
    }
    for resume in (False, True):
        with pytest.raises(ValueError, match="non-finite parameter weights"):
            cr.MLPRegressor(**settings, resume=resume).fit(X, VALUES)
        status = read_status(tmp_path / "run")
        assert (status.state, status.header.step) == ("diverged", 0)
        assert "; resuming trains epochs 1 to 12 again" in dict(describe_run(status))["checkpoint"]


# The folder's status


def test_the_folder_tells_how_far_a_fit_is(tmp_path, short_blocks):
    """Its history has a line for each epoch, and its status the epochs, the best score and why it ended."""
    settings = {**SETTINGS, "n_iter_no_change": 50, "early_stopping": True}
    clf = cr.MLPClassifier(**settings, checkpoint=tmp_path / "run").fit(X, CLASSES)
    lines = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert [line["cost"] for line in lines] == clf.loss_curve_
    assert [line["validation_accuracy"] for line in lines] == clf.validation_scores_
    status = read_status(tmp_path / "run")
    assert (status.state, len(status.records)) == ("finished", 12)
    assert status.best.epoch == int(np.argmax(clf.validation_scores_)) + 1


def test_info_and_runs_describe_an_estimators_fit(tmp_path):
    """The hyperparameters in the place of the settings; a classifier's score in percent, a regressor's R2 as a number."""
    settings = {**SETTINGS, "early_stopping": True, "n_iter_no_change": 50}
    clf = cr.MLPClassifier(**settings, checkpoint=tmp_path / "a").fit(X, CLASSES)
    regressor = cr.MLPRegressor(**settings, solver="sgd", alpha=0.5, checkpoint=tmp_path / "b").fit(X, VALUES)
    classes, values = (read_status(tmp_path / name) for name in "ab")
    expected = {"state": "finished", "epoch": 12, "epochs": 12, "learning_rate": 0.001, "alpha": 0.5, "seed": 3, "optimizer": "sgd"}
    described = group_as_json(RunGroup(values.path, [values]))
    assert {name: described[name] for name in expected} == expected
    assert (described["sizes"], described["batch_size"]) == ([5, 6, 2], 16)
    best = dict(describe_run(classes))["best epoch"]
    assert best == f"{np.argmax(clf.validation_scores_) + 1}: {percent(max(clf.validation_scores_))}"
    best = dict(describe_run(values))["best epoch"]
    assert best == f"{np.argmax(regressor.validation_scores_) + 1}: {max(regressor.validation_scores_):.4g}"
    groups = [RunGroup(run.path, [run]) for run in (values, classes)]
    assert sorted(groups, key=lambda group: sort_key("validation", group)) == groups[::-1]


# Tables

TABLE = {"a": X[:, 0], "b": np.where(X[:, 1] > 0, "red", "blue"), "c": X[:, 2]}


@pytest.mark.parametrize("networks", [1, 3])
@pytest.mark.parametrize("estimator", [cr.TableClassifier, cr.TableRegressor])
def test_a_tables_resumed_fit_has_the_model_of_one_never_stopped(estimator, networks, tmp_path, monkeypatch):
    """Stopped in an epoch of any of the networks: the same outputs, and the same epochs."""
    y = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)] if estimator is cr.TableClassifier else X[:, 0]
    settings = {"networks": networks, "epochs": 6, "hidden": (8,), "random_state": 0, "threads": 1}
    whole = estimator(**settings).fit(TABLE, y)
    count = iter(range(1000))
    with monkeypatch.context() as patched, contextlib.suppress(Stopped):
        patched.setattr(estimator, "_print_epoch", lambda self, record: _raise_at(4 * networks - 2, next(count)))
        estimator(**settings, verbose=True, checkpoint=tmp_path / "run").fit(TABLE, y)
    resumed = estimator(**settings, checkpoint=tmp_path / "run", resume=True).fit(TABLE, y)
    parameters = [[w.tobytes() for net in each.model_.networks for w in net.weights] for each in (resumed, whole)]
    assert parameters[0] == parameters[1]
    assert resumed.model_.training.epochs == whole.model_.training.epochs
    with pytest.raises(FileError, match=r"holds the checkpoints of one network|is not empty"):
        estimator(**{**settings, "networks": 4 - networks}, checkpoint=tmp_path / "run", resume=True).fit(TABLE, y)


@pytest.mark.parametrize("networks", [1, 2])
def test_a_table_of_other_names_is_refused(networks, tmp_path):
    """Columns, categories and classes of other names give the networks the same numbers."""
    settings = {"networks": networks, "epochs": 2, "hidden": (4,), "random_state": 0, "checkpoint": tmp_path / "run"}
    answers = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]
    first = cr.TableClassifier(**settings).fit(TABLE, answers)
    changes = {
        "columns": ({"z": TABLE["a"], **{name: TABLE[name] for name in "bc"}}, answers),
        "categories": ({**TABLE, "b": np.where(TABLE["b"] == "red", "rouge", "bleu")}, answers),
        "target": (TABLE, np.where(answers == "no", "non", "oui")),
    }
    for name, (rows, y) in changes.items():
        with pytest.raises(SettingError, match=rf"cannot be resumed: the names of the {name} are other ones\. Resume"):
            cr.TableClassifier(**settings, resume=True).fit(rows, y)
    again = cr.TableClassifier(**settings, resume=True).fit(TABLE, answers)
    assert again.model_.networks[0].weights[0].tobytes() == first.model_.networks[0].weights[0].tobytes()


def test_a_tables_limit_of_time_goes_on(tmp_path):
    """A fit that ``time_limit`` ended goes on when it is resumed, and ends with the model of one never stopped."""
    settings = {"networks": 2, "epochs": 4, "hidden": (4,), "random_state": 0, "threads": 1}
    whole = cr.TableClassifier(**settings).fit(TABLE, CLASSES)
    settings["checkpoint"] = tmp_path / "run"
    assert cr.TableClassifier(**settings, time_limit=1e-9).fit(TABLE, CLASSES).model_.training.stopped == "time limit"
    resumed = cr.TableClassifier(**settings, resume=True).fit(TABLE, CLASSES)
    assert resumed.model_.training.stopped == "finished"
    parameters = [[w.tobytes() for net in each.model_.networks for w in net.weights] for each in (resumed, whole)]
    assert parameters[0] == parameters[1]


def _raise_at(stop, count):
    if count == stop:
        raise Stopped


def test_a_table_with_checkpoints_needs_a_random_state(tmp_path):
    """Its folds and networks are drawn from it; and ``resume`` needs a folder."""
    with pytest.raises(SettingError, match="set random_state=0"):
        cr.TableClassifier(checkpoint=tmp_path / "run").fit(TABLE, CLASSES)
    for settings in ({"resume": True}, {"checkpoint_every": "10 s"}, {"allow_other_engine": True}):
        with pytest.raises(SettingError, match="name it too, as checkpoint='folder'"):
            cr.TableClassifier(random_state=0, **settings).fit(TABLE, CLASSES)


# Real signals, in a process of its own

PROGRAM = """
import sys, warnings
import numpy as np
import chainrule as cr

folder, resume = sys.argv[1] or None, sys.argv[2] == "resume"
rng = np.random.default_rng(0)
x, y = rng.normal(size=(2_000, 30)), rng.integers(0, 4, 2_000)
print("begun", flush=True)
warnings.simplefilter("ignore")
checkpoints = {"checkpoint": folder, "checkpoint_every": "0.003 s", "resume": resume} if folder else {}
settings = {"max_iter": 60, "random_state": 0, "early_stopping": True, "dropout": 0.1, "n_iter_no_change": 60, "threads": 1}
clf = cr.MLPClassifier((20,), **settings, **checkpoints)
clf.fit(x, y)
print(clf.n_iter_, clf.t_, clf.validation_scores_, hash(b"".join(w.tobytes() for w in clf.coefs_)))
"""


def run_program(*arguments):
    """Start the program above."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_fit_that_is_killed_again_and_again_ends_with_the_same_numbers(tmp_path):
    """SIGKILL at random moments, until it has ended: the numbers of one that was never stopped."""
    whole = run_program("", "begin").communicate(timeout=120)[0].splitlines()[-1]
    rng, kills, output = np.random.default_rng(1), 0, ""
    for _ in range(60):
        process = run_program(tmp_path / "run", "resume")
        process.stdout.readline()
        try:
            output, errors = process.communicate(timeout=rng.uniform(0.3, 0.9) if kills < 4 else 120)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0, errors
        break
    assert output.splitlines()[-1] == whole
