"""The estimators of tables: scikit-learn's interface to the recipe for tables."""

from __future__ import annotations

import os
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .._format import pluralize
from .._types import AnyArray, Array, is_sparse
from .._warnings import user_stacklevel
from ..checkpoints.run_folder import first_run
from ..errors import DataError, SettingError
from ..history import EpochRecord, History
from ..recipes.table_recipe import recipe_for
from ..recipes.table_training import fit_table_model
from ..row_files.row_source import find_files, list_paths
from ..table_model import TableModel
from ..tables.column import Column, Kind
from ..tables.column_kinds import RULES, read_as
from ..tables.frames import find_target, table_from
from ..tables.table import Table, normalized
from ..tables.target import ClassTarget, Task, ValueTarget
from ..tables.writing import Learnt, compare_writings, written_of
from ..training_warnings import warn_of_divergence
from .base import restore_on_failure
from .calling_code import raise_to_caller
from .fit_settings import check_unused, has_checkpoints
from .random_state import make_random_state
from .table_targets import (
    check_lengths,
    list_labels,
    read_known_target,
    target_column,
    warn_of_missing_targets,
    without_missing_targets,
    without_target,
)

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden": ["array-like", Interval(Integral, 1, None, closed="left")],
    "epochs": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "networks": [Interval(Integral, 1, 1000, closed="both")],
    "validation": [tuple, None],
    "random_state": ["random_state"],
    "threads": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "time_limit": [Interval(Real, 0, None, closed="neither"), None],
    "verbose": ["verbose"],
    "kinds": [dict, None],
    "checkpoint": [str, os.PathLike, None],
    "checkpoint_every": [str, None],
    "resume": ["boolean"],
    "allow_other_engine": ["boolean"],
}


class UnseenValuesWarning(UserWarning):
    """Rows to predict hold categories that training did not have, or gaps in a column where training had none."""


class TableEstimator(BaseEstimator):
    """The base class of ``TableClassifier`` and ``TableRegressor``."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    hidden: Any
    epochs: Any
    networks: int
    metric: str
    validation: Any
    random_state: Any
    threads: Any
    time_limit: float | None
    verbose: Any
    kinds: dict[str, Kind] | None
    checkpoint: str | os.PathLike[str] | None
    checkpoint_every: str | None
    resume: bool
    allow_other_engine: bool
    _task: ClassVar[Task]
    model_: TableModel
    histories_: list[History]

    @abstractmethod
    def _fit_target(self, column: Column, labels: list[Any]) -> ClassTarget | ValueTarget:
        """Learn the classes or the unit of the target; ``labels`` are its values as a program gave them, none of a table."""

    @abstractmethod
    def _weights(self, y: Any, sample_weight: Any) -> Array | None:
        """Give the weight of each row; None where all are 1."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, *, target: str | None = None) -> Self:
        """Fit the preprocessing of the columns and the networks; of the rows of files where X is a path.

        Files are read in batches, and are together as large as a disk holds: two passes read them, and the rows are trained on from
        a temporary folder (TMPDIR), which takes 4 bytes a value that is used. A table, a frame or an array is trained on in memory.

        The rows of files have their columns' kinds decided, categories counted and gaps found exactly as in memory. The median and
        the quartiles of a column of more than 65,536 distinct numbers come from a t-digest, and the edges of bins from a sample of
        50,000 rows, which is another one than in memory. The rows that choose a network's epoch are those of a fold that a hash of
        the seed and the row's number decides. ``sample_weight``, ``class_weight``, ``validation`` and ``checkpoint`` need all rows
        in memory, and are refused; so is a column of more than 131,072 distinct texts, unless nearly all differ, which leaves it
        out. Parquet, and columns of many distinct numbers, need ``pip install 'chainrule[rows]'``.

        Ctrl-C ends the training, with a warning: the model has the best epochs until then. It is raised where nothing was learnt
        yet, and where code of scikit-learn called ``fit``, so that a search ends as well.

        Parameters
        ----------
        X : Table, frame, dict of columns or array, shape (n_samples, n_features); or a path, or a list of paths
            Columns of numbers, texts, categories, booleans and dates, with gaps. A column with the target's name is left out. Paths
            name Parquet files or delimited texts (.csv, .tsv, .txt, .data, also with .gz) with the same columns, all of one format;
            they may be patterns, such as ``"rows/*.parquet"``.
        y : Series, array, Column or str, shape (n_samples,)
            The target, or the name of its column in X. Rows whose target is missing are left out, with a warning; where X is an
            array, they are refused.
        sample_weight : array, shape (n_samples,), optional
        target : str, optional
            The name of the target's column in X, in place of y.

        Returns
        -------
        self
        """
        y = self._check_target(y, target)
        with restore_on_failure(self):
            if are_paths(X):
                self._fit_files(X, y, sample_weight)
                self._warn_if_cut_short()
                return self
            checkpoints = self._checkpoint_settings()
            values = find_target(X, y) if isinstance(y, str) else y
            table, column = self._read_training_data(X, values, y if isinstance(y, str) else None)
            weights = None if sample_weight is None else _check_sample_weight(sample_weight, table.columns[0].data)
            table, column, weights = without_missing_targets(table, column, weights)
            has_own_kind = bool(self.kinds) and column.name in (self.kinds or {})
            learnt = self._fit_target(column, [] if has_own_kind else list_labels(values))
            recipe = recipe_for(learnt, len(table), self._chosen_settings())
            encoded = learnt.encode(column)
            self.model_, self.histories_ = fit_table_model(
                table,
                learnt,
                encoded,
                recipe,
                seed=int(make_random_state(self.random_state).randint(2**31)),
                weights=self._weights(encoded, weights),
                validation=self._validation_rows(learnt, table),
                named=hasattr(self, "feature_names_in_"),
                threads=self.threads,
                time_limit=self.time_limit,
                progress=self._print_epoch if self.verbose else None,
                release=True,
                checkpoints=checkpoints,
            )
        self._warn_if_cut_short()
        return self

    @staticmethod
    def _check_target(y: Any, target: str | None) -> Any:
        """Give the target, by y or by its name."""
        if y is not None and target is not None:
            raise SettingError("y and target both give the target; give one of them")
        if y is None and target is None:
            raise SettingError("fit requires y to be passed, but the target y is None; or name its column: target=")
        return y if target is None else target

    def _fit_files(self, X: Any, y: Any, sample_weight: Any) -> None:
        """Fit to the rows of files."""
        from ..recipes.streamed_table_training import fit_streamed_model

        if not isinstance(y, str):
            raise SettingError("the target of files must be the name of one of their columns: fit(paths, target='income')")
        in_memory = {"sample_weight": sample_weight, "validation": self.validation, "checkpoint": self.checkpoint}
        in_memory["class_weight"] = getattr(self, "class_weight", None)
        given = [name for name, value in in_memory.items() if value is not None]
        if given:
            raise SettingError(
                f"{given[0]} needs all rows in memory, and is not available for files; leave it out, or read the table first: "
                "fit(chainrule.read_table(path), ...)"
            )
        files = find_files(list_paths(X))
        paths = [file for file in files if isinstance(file, Path)]
        if len(paths) < len(files):
            raise SettingError(
                "tables of texts and categories are read from local files; copy the files here, or mount their storage"
            )
        self.model_, self.histories_, n_missing = fit_streamed_model(
            paths,
            y,
            self._task,
            self._chosen_settings(),
            kinds=self.kinds,
            seed=int(make_random_state(self.random_state).randint(2**31)),
            threads=self.threads,
            time_limit=self.time_limit,
            progress=self._print_epoch if self.verbose else None,
        )
        self.n_features_in_ = len(self.model_.training.columns)
        self.feature_names_in_ = np.array(self.model_.training.columns, dtype=object)
        self._restore_target(self.model_.target)
        if n_missing:
            warn_of_missing_targets(n_missing)

    def _warn_if_cut_short(self) -> None:
        """Warn where a network's training diverged, or Ctrl-C ended all of them: the model has the best epochs until then."""
        stopped, count = self.model_.training.stopped, pluralize(len(self.model_.networks), "network")
        if stopped == "diverged":
            warn_of_divergence(f"the training of a network diverged; the model has the best epochs of {count} of {self.networks}")
        if stopped == "interrupted":
            message = f"the training was interrupted; the model has the best epochs of {count} of {self.networks}"
            warnings.warn(message, stacklevel=user_stacklevel())
            raise_to_caller()

    def _checkpoint_settings(self) -> dict[str, Any]:
        """Give the settings of the checkpoints as ``train`` takes them; none where the fit has no checkpoints."""
        if not has_checkpoints(self):
            return {}
        check_unused(first_run(Path(self.checkpoint or "")), resume=self.resume)
        if self.random_state is None:
            raise SettingError(
                "checkpoint needs random_state to be a number: it decides the folds and the networks, which resuming must find "
                "again; set random_state=0"
            )
        return {
            "checkpoint": self.checkpoint,
            "checkpoint_every": self.checkpoint_every,
            "resume": self.resume,
            "allow_other_engine": self.allow_other_engine,
        }

    def _chosen_settings(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "networks": self.networks,
            "hidden": tuple(int(units) for units in np.atleast_1d(self.hidden)),
            "epochs": None if self.epochs == "auto" else self.epochs,
        }

    def _read_training_data(self, X: Any, y: Any, name: str | None) -> tuple[Table, Column]:
        """Read X and y as a table without the target's column, and the target's column.

        Parameters
        ----------
        X : object
        y : object
            The values of the target.
        name : str or None
            The name of the target's column in X, where it was given.
        """
        plain = is_plain_array(X)
        if plain and name is None:
            X, y = validate_data(self, _as_array(X), y, dtype=None, ensure_all_finite="allow-nan", **self._y_checks())
        table, column = table_from(X, kinds=self.kinds), target_column(y)
        if name is not None:
            column = replace(column, name=normalized(name))
            table = table.without(column.name)
        else:
            table, column = without_target(table, column, y, named=not plain)
        if self.kinds and column.name in self.kinds:
            column = read_as(column, self.kinds[column.name])
        if not table.columns:
            raise DataError("the table has no column beside the target")
        check_lengths(table, column)
        self._remember_columns(X, table)
        return table, column

    def _y_checks(self) -> dict[str, Any]:
        return {}

    def _remember_columns(self, X: Any, table: Table) -> None:
        """Set scikit-learn's attributes on the columns."""
        self.n_features_in_ = len(table.columns)
        self.__dict__.pop("feature_names_in_", None)
        if not is_plain_array(X):
            self.feature_names_in_ = np.array(table.names, dtype=object)

    def _validation_rows(self, target: ClassTarget | ValueTarget, training: Table) -> tuple[Table, AnyArray] | None:
        """Read ``validation=(X, y)``; its columns have the kinds of the training's."""
        if self.validation is None:
            return None
        X, y = self.validation
        kinds: dict[str, Kind] = {name: "category" if kind == "constant" else kind for name, kind in training.kinds.items()}
        learnt = Learnt(tuple(kinds), written_of(training))
        table = table_from(X, kinds=kinds, columns=kinds, rules=RULES.for_model(learnt))
        list(compare_writings(learnt.written, table))  # refuses numbers of another unit
        column = read_known_target(X, y, target)
        check_lengths(table, column)
        table, column, _ = without_missing_targets(table, column, None)
        return table, target.encode(column)

    def _print_epoch(self, record: EpochRecord) -> None:
        validation = "" if record.validation_cost is None else f", validation {record.validation_cost:.5f}"
        print(f"epoch {record.epoch}: cost {record.cost:.5f}{validation}")

    def _outputs(self, X: Any) -> Array:
        """Give the averaged outputs for the rows of X."""
        table = self._read_rows(X)
        return self.model_.outputs(table)

    def _outputs_beside_target(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Column, Array | None]:
        """Give the outputs for the rows of X that have a target, their target, and their weights; y is what ``fit`` takes."""
        table, column, weights = self._rows_with_target(X, y, sample_weight)
        return self.model_.outputs(table), column, weights

    def _rows_with_target(self, X: Any, y: Any, sample_weight: Any = None) -> tuple[Table, Column, Array | None]:
        """Give the rows of X that have a target, their target, and their weights."""
        check_is_fitted(self)
        if is_plain_array(X):
            X = _as_array(X)
            if not isinstance(y, str):
                X, y = validate_data(self, X, y, dtype=None, ensure_all_finite="allow-nan", reset=False, **self._y_checks())
        table, column = self._read_rows(X), read_known_target(X, y, self.model_.target)
        check_lengths(table, column)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, column.data)
        return without_missing_targets(table, column, weights)

    def for_networks(self, X: Any, y: Any) -> tuple[Any, AnyArray]:
        """Return X and y as the networks of ``model_`` take them: prepared columns, and encoded targets, of the rows that have one.

        Parameters
        ----------
        X, y
            As ``fit`` takes them.

        Returns
        -------
        x, targets
            For ``cr.Examples``, and the methods of a network.
        """
        table, column, _ = self._rows_with_target(X, y)
        return self.model_.preprocessing.apply(table), self.model_.target.encode(column)

    def _read_rows(self, X: Any) -> Table:
        """Read rows to predict as the model takes them, and warn of values that training did not have or wrote otherwise."""
        if not hasattr(self, "model_"):  # check_is_fitted takes longer than the answer for one row
            check_is_fitted(self)
        if is_plain_array(X):
            X = self._numbered_columns(X)
        kinds = self.model_.preprocessing.input_kinds
        table = table_from(X, kinds=kinds, columns=kinds, rules=self.model_.frame_rules)
        notes = [*self.model_.preprocessing.notes(table), *self.model_.compare_writings(table)]
        if notes:
            warnings.warn("; ".join(notes), UnseenValuesWarning, stacklevel=user_stacklevel())
        return table

    def _numbered_columns(self, X: Any) -> Any:
        """Give the columns of an array by the numbers that they had in ``fit``; the target's own column may stand among them."""
        columns, target = self.model_.training.columns, self.model_.target.name
        has_target = not self.model_.training.named and target in map(str, range(len(columns) + 1))
        if has_target and np.shape(X)[1:] == (len(columns) + 1,):
            return table_from(_as_array(X))
        X = validate_data(self, _as_array(X), dtype=None, ensure_all_finite="allow-nan", reset=False)
        return {name: X[:, k] for k, name in enumerate(columns)} if has_target else X

    def read(
        self,
        path: str | os.PathLike[str],
        *,
        delimiter: str | None = None,
        decimal: str | None = None,
        encoding: str | None = None,
        missing: str | Iterable[str] | None = None,
        header: bool | None = None,
        day_first: bool | None = None,
        units: Mapping[str, str] | None = None,
        allow_infinite: bool | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Table:
        """Read rows to predict from a file, each column as the kind that the fitted model takes; other columns may hold anything.

        Parameters
        ----------
        path : str or Path
        delimiter : str, optional
            One character, or "tab" or "space". By default the one that divides all lines evenly.
        decimal : {".", ","}, optional
            By default each column's own numbers decide it, then how the column was written in training.
        encoding : str, optional
            By default UTF-8, or what a byte-order mark tells.
        missing : str or iterable of str, optional
            The marks that denote a gap; by default those of the training.
        header : bool, optional
            Whether the first line holds the names. By default a line that holds the names of the training's columns does.
        day_first : bool, optional
            Whether 3/4/2021 is the third of April. By default the column's other dates tell, then those of the training.
        units : mapping of str to str, optional
            The unit, such as % or €, of columns whose numbers are written without it; by default as in the training.
        allow_infinite : bool, optional
            Whether infinity is a gap; by default as in the training.
        progress : callable, optional
            Called with the fraction that is read.

        Returns
        -------
        Table

        Raises
        ------
        FileError, DataError, SettingError
            As ``read_table`` raises them.
        """
        check_is_fitted(self)
        return self.model_.read(
            path,
            delimiter=delimiter,
            decimal=decimal,
            encoding=encoding,
            missing=missing,
            header=header,
            day_first=day_first,
            units=units,
            allow_infinite=allow_infinite,
            progress=progress,
        )

    def predict(self, X: Any) -> AnyArray:
        """Predict the class or the value of each row of X, shape (n_samples,).

        Columns are found by name; others are ignored. A category that training did not have counts as none, and a gap in a column
        where training had none as the median or as no category: an ``UnseenValuesWarning`` tells both.
        """
        outputs = self._outputs(X)
        return self.model_.decode(outputs)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to a safetensors file, which ``chainrule.load`` reads.

        Raises
        ------
        FileError
            When it cannot be written.
        """
        check_is_fitted(self)
        self.model_.save(path)

    @classmethod
    def _from_model(cls, model: TableModel) -> Self:
        """Make a fitted estimator of a model that was read from a file."""
        settings: dict[str, Any] = {"networks": len(model.networks), "hidden": tuple(model.networks[0].sizes[1:-1])}
        if "metric" in model.training.settings:
            settings["metric"] = model.training.settings["metric"]
        estimator = cls(**settings)
        estimator.model_ = model
        estimator.n_features_in_ = len(model.training.columns)
        if model.training.named:
            estimator.feature_names_in_ = np.array(model.training.columns, dtype=object)
        estimator._restore_target(model.target)
        return estimator

    def _restore_target(self, target: Any) -> None:
        """Set the attributes that describe the target."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.target_tags.required = True
        return tags


def is_plain_array(X: Any) -> bool:
    """Whether X is an array or a list of rows, whose columns have no names; scikit-learn's checks are for these."""
    if isinstance(X, list) and X and isinstance(X[0], dict):
        return False
    return (
        isinstance(X, (np.ndarray, list))
        or is_sparse(X)
        or not (isinstance(X, (Table, dict)) or hasattr(X, "columns") or hasattr(X, "column_names"))
    )


def are_paths(X: Any) -> bool:
    """Whether X is a path, or a list of paths."""
    return isinstance(X, (str, os.PathLike)) or (
        isinstance(X, (list, tuple)) and bool(X) and all(isinstance(path, (str, os.PathLike)) for path in X)
    )


def _as_array(X: Any) -> Any:
    """Give a list of rows with texts as an array of objects, in which numbers stay numbers; leave any other X as it is."""
    if isinstance(X, list) and any(isinstance(value, str) for row in X if isinstance(row, (list, tuple)) for value in row):
        return np.array(X, dtype=object)
    return X
