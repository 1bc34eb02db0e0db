"""The training of a table's model on the rows of many files, which together may be larger than memory.

::

    survey(files, target)              one pass: kinds, counts, quantiles, samples, the target
    fit_columns(survey)                the rules of the columns
    prepare_rows(survey, ...)          a second pass: the rows, prepared, to a temporary folder, in pieces of one fold each
    Run(network k, source, ...)        on all folds but k, validated on fold k, window by window; several networks at a time
    make_model                         as for a table in memory
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..engines import Threads, thread_count
from ..errors import DataError
from ..history import History
from ..population import train_all
from ..table_model import TableModel
from ..tables.column import Kind
from ..tables.preprocessing import Preprocessing
from ..tables.read import rules_of_file
from ..tables.streamed_table import fit_columns, survey
from ..tables.table import normalized
from ..tables.table_files import open_table_files
from ..tables.target import Task
from ..training import Run
from .column_weights import forest_rows
from .prepared_rows import PreparedSource, check_space, measure_extremes, prepare_rows, prepared_folder
from .table_recipe import FEW_ROWS, recipe_for
from .table_training import Progress, after_epoch, make_model, make_networks, training_settings, weigh_features

WINDOW_BYTES = 64 << 20
"""The most bytes of the windows of all networks that are trained at a time, of each the one that is mixed."""

LEAST_PIECES = 8
"""The fewest full pieces in a window."""


def fit_streamed_model(
    paths: Collection[Path],
    target: str,
    task: Task,
    chosen: Mapping[str, Any],
    *,
    kinds: Mapping[str, Kind] | None = None,
    seed: int,
    threads: Threads = "auto",
    engine: str = "auto",
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> tuple[TableModel, list[History], int]:
    """Fit the preprocessing and the networks to the rows of files.

    Parameters
    ----------
    paths : collection of Path
    target : str
        The name of the target's column.
    task : {"classification", "regression"}
    chosen : mapping
        Settings of the recipe, as ``recipe_for`` takes them.
    kinds : mapping of str to str, optional
        The kinds that columns are required to have.
    seed, threads, engine, time_limit, progress
        As ``fit_table_model`` takes them.

    Returns
    -------
    model : TableModel
    histories : list of History
        Of each network of the model.
    n_missing : int
        The rows that were left out, because their target is missing.

    Raises
    ------
    FileError, DataError, SettingError, MissingExtra
        When the files cannot be read as one table, or the temporary folder not be written.
    KeyboardInterrupt, DivergenceError
        As ``fit_table_model``.
    """
    deadline = None if time_limit is None else time.monotonic() + time_limit
    files = open_table_files(paths, rules_of_file(), kinds)
    name = normalized(target)
    if name not in files.names:
        raise DataError(f"{files.files[0].path} has no column {target!r}, the target; it has {', '.join(files.names[:20])}")
    surveyed = survey(files, name, task)
    recipe = recipe_for(surveyed.target, surveyed.n, chosen)
    columns = fit_columns(surveyed, bins=recipe.bins)
    Preprocessing.of_columns(columns, None)
    n_folds = max(recipe.folds, recipe.networks) if surveyed.n >= FEW_ROWS else 1
    weighed, drawn = Preprocessing.rows_to_weigh_of(surveyed.n), forest_rows(surveyed.n, seed)
    with prepared_folder() as folder:
        check_space(folder, surveyed, columns)
        some_rows = np.concatenate([weighed, drawn])
        rows, some, y = prepare_rows(surveyed, columns, folder, folds=n_folds, seed=seed, chosen=some_rows)
        preprocessing = Preprocessing.of_columns(columns, some.take(slice(len(weighed))))
        forest = some.take(slice(len(weighed), None))
        sizes = weigh_features(preprocessing, forest, surveyed.target, y[len(weighed) :], recipe, seed, threads)
        scaled = preprocessing.for_scaled()
        extremes = measure_extremes(rows, scaled)
        networks = make_networks(preprocessing.n_features, surveyed.target, recipe, seed)
        at_once = min(thread_count(threads), len(networks))
        window = max(WINDOW_BYTES // at_once, LEAST_PIECES * max(piece.rows for piece in rows.pieces) * extremes.row_bytes)

        def source(folds: set[int]) -> PreparedSource:
            return PreparedSource(rows, folds, scaled, sizes, extremes, target=name, window_bytes=window)

        every = set(range(n_folds))
        validated = n_folds > 1
        runs = [
            Run(
                network,
                source(every - {k} if validated else every),
                validation=source({k}) if validated else None,
                threads=1 if at_once > 1 else threads,
                engine=engine,
                callbacks=[after_epoch(deadline, progress)],
                **training_settings(recipe, validated=validated),
            )
            for k, network in enumerate(networks)
        ]
        for run in runs:
            run.warns_of_divergence = False  # the parameters of the best epoch are kept
        train_all(runs, at_once, lambda _: None)
        model, histories = make_model(
            preprocessing,
            surveyed.target,
            networks,
            [run.history for run in runs],
            recipe,
            feature_weights=sizes,
            deadline=deadline,
            columns=[column.name for column in surveyed.columns],
            written={column: writing.to_json() for column, writing in surveyed.written.items()},
            named=True,
            rows=surveyed.n,
            seed=seed,
        )
    return model, histories, surveyed.n_missing
