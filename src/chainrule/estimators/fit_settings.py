"""The settings of a fit with checkpoints: those that a checkpoint keeps, and the fits that cannot have checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..checkpoints.checkpoints import Checkpoints
from ..checkpoints.fingerprint import digest_of, fingerprint
from ..checkpoints.interval import parse_interval
from ..checkpoints.run_folder import RunFolder
from ..checkpoints.run_settings import check_engine, check_folder_given, compare_settings
from ..checkpoints.snapshot import Snapshot
from ..engines import Engine, thread_count
from ..errors import FileError, SettingError
from ..examples import Examples
from ..plan import Plan
from .calling_code import is_in_search
from .fit_checkpoints import FitCheckpoints
from .validation_set import ValidationSet

CHECKPOINT_SETTINGS = {"checkpoint": None, "checkpoint_every": None, "resume": False, "allow_other_engine": False}
"""The hyperparameters of the checkpoints, as they are in a fit without any."""

UNCOMPARED = {"max_iter", "max_fun", "verbose", "warm_start", "threads", *CHECKPOINT_SETTINGS}
"""The hyperparameters that may differ when a fit is resumed: they change no number, and ``max_iter`` may grow."""


def has_checkpoints(estimator: Any) -> bool:
    """Whether an estimator's fit has checkpoints; refuse a wrong interval, other settings without a folder, and a search.

    Raises
    ------
    SettingError
    """
    check_folder_given(**{name: getattr(estimator, name) for name in CHECKPOINT_SETTINGS})
    if estimator.checkpoint is None:
        return False
    parse_interval(estimator.checkpoint_every)
    if is_in_search():
        given = [f"{name}={unset}" for name, unset in CHECKPOINT_SETTINGS.items() if getattr(estimator, name) != unset]
        raise SettingError(
            "a search or a cross-validation makes many fits, and a folder holds the checkpoints of one: set "
            f"{', '.join(given)} in the estimator that it is given"
        )
    return True


def check_unused(folder: RunFolder, *, resume: bool) -> None:
    """Refuse a folder with the checkpoints of an earlier fit, from which this one does not go on.

    Raises
    ------
    FileError
    """
    if folder.checkpoints() and not resume:
        raise FileError(
            f"{folder.path} holds the checkpoints of an earlier fit: resume=True goes on from them, and another fit needs another "
            "folder; where other code makes many fits of this estimator, as an ensemble does, set checkpoint=None"
        )


def check_checkpoint(estimator: Any, *, incremental: bool, splits: bool) -> None:
    """Refuse a fit that cannot have the checkpoints that its hyperparameters ask for.

    Parameters
    ----------
    estimator : BaseMLP
    incremental : bool
        Whether it is a call of ``partial_fit``.
    splits : bool
        Whether a validation set is split off.

    Raises
    ------
    SettingError
    """
    if not has_checkpoints(estimator):
        return
    if incremental:
        raise SettingError("partial_fit trains one epoch and writes no checkpoints: set checkpoint=None, and save the estimator")
    if estimator.solver == "lbfgs":
        raise SettingError("lbfgs keeps its state within SciPy, so that no checkpoint can hold it: use solver='adam' or 'sgd'")
    if estimator.warm_start and hasattr(estimator, "coefs_"):
        raise SettingError(
            "checkpoints begin with a first fit, but this estimator is fitted and has warm_start=True, so its next fit begins with "
            "other parameters: set checkpoint=None or warm_start=False"
        )
    if _kind_of_generator(estimator.random_state) not in (None, "MT19937"):
        raise SettingError("checkpoint needs the generator MT19937, which RandomState(seed) has: set random_state to a number")
    if estimator.random_state is None and (splits or estimator.dropout):
        raise SettingError(
            f"checkpoint needs random_state to be a number: it decides {'which rows are held out' if splits else 'the dropout'}, "
            "which a resumed fit must do alike; set random_state=0"
        )


def describe_fit(
    estimator: BaseEstimator, plan: Plan, examples: Examples, validation: ValidationSet | None, generator: np.random.RandomState
) -> dict[str, Any]:
    """Describe the hyperparameters and the data of a fit in JSON's types: see ``run_settings``.

    A number as ``random_state`` decides all draws; of a RandomState the state before the first epoch is compared.
    """
    names = [name for name in type(estimator)._parameter_constraints if name not in UNCOMPARED]
    has_own_generator = isinstance(estimator.random_state, np.random.RandomState)
    return {
        "estimator": type(estimator).__name__,
        **{name: _as_json(getattr(estimator, name)) for name in names},
        "random_state": "RandomState" if has_own_generator else _as_json(estimator.random_state),
        "generator": _digest_of_generator(generator) if has_own_generator else None,
        "epochs": int(estimator.max_iter),
        "examples": len(examples),
        "data": fingerprint(examples),
        "validation": None if validation is None else fingerprint(validation.examples),
        "classes": _digest_of_names(estimator),
        "scaling": _digest_of_scaler(estimator),
        "plan": plan.to_dict(),
    }


def _digest_of_names(estimator: Any) -> str | None:
    """Give a digest of the names of a classifier's classes, which its examples hold as numbers; None of a regressor."""
    classes = getattr(estimator, "classes_", None)
    return None if classes is None else digest_of(text=repr([str(name) for name in classes.tolist()]))


def _digest_of_scaler(estimator: Any) -> str | None:
    """Give a digest of the scaling of the columns: the examples are scaled, and do not tell their unit."""
    scaler = getattr(estimator, "scaler_", None)
    return None if scaler is None else digest_of(scaler.mean_, scaler.scale_)


def _kind_of_generator(random_state: Any) -> str | None:
    """Give the name of a RandomState's generator; None where ``random_state`` is none."""
    if not isinstance(random_state, np.random.RandomState):
        return None
    return str(random_state.get_state(legacy=False)["bit_generator"])


def _digest_of_generator(generator: np.random.RandomState) -> str:
    state = generator.get_state(legacy=False)
    return digest_of(state["state"]["key"], text=f"{state['state']['pos']} {state['has_gauss']} {state['gauss']}")


def _as_json(value: Any) -> Any:
    """Give a hyperparameter as JSON holds it; sizes, class weights and infinity as text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if np.isfinite(float(value)) else str(value)
    return str(value if isinstance(value, dict) else tuple(np.ravel(value).tolist()))


@contextmanager
def open_checkpoints(
    estimator: Any,
    plan: Plan,
    engine: Engine,
    examples: Examples,
    validation: ValidationSet | None,
    random_state: np.random.RandomState,
) -> Iterator[FitCheckpoints | None]:
    """Yield the checkpoints of a fit, None where it has none; the folder is released afterwards.

    Raises
    ------
    SettingError, EngineError
        When the settings, the data or the engine are not those that the fit was begun with.
    FileError
        When the folder cannot be used.
    """
    if estimator.checkpoint is None:
        yield None
        return
    folder, settings = RunFolder(estimator.checkpoint).resolved(), describe_fit(estimator, plan, examples, validation, random_state)
    try:
        blas_threads = thread_count(estimator.threads) if engine.uses_blas else None
        check_unused(folder, resume=estimator.resume)
        resumed = _find_checkpoint(folder, settings, engine, blas_threads, allow_other_engine=estimator.allow_other_engine)
        checkpoints = Checkpoints(folder, parse_interval(estimator.checkpoint_every), settings, {})
        yield FitCheckpoints(checkpoints, plan, len(examples), resumed, blas_threads)
    finally:
        folder.close()


def _find_checkpoint(
    folder: RunFolder, settings: dict[str, Any], engine: Engine, blas_threads: int | None, *, allow_other_engine: bool
) -> Snapshot | None:
    """Read and check the checkpoint to go on from; None where there is none, and the folder can be made."""
    if not folder.checkpoints():
        folder.check_absent()
        return None
    header, snapshot = folder.newest()
    begun_by = header.settings.get("estimator", "train")
    if begun_by != settings["estimator"]:
        raise SettingError(f"{folder.path} was begun by {begun_by}, not by {settings['estimator']}; name another folder")
    compare_settings(
        folder.path, header.settings, lambda epochs: {**settings, "epochs": epochs}, settings["epochs"], derived="plan"
    )
    check_engine(folder.path, snapshot, header.version, engine.made_by(), blas_threads, allow_other_engine)
    return snapshot
