"""The peers: estimators at their default settings, each with the encoding of categories that its own users write.

A peer gets pandas frames with text, gaps and numbers, and a target of class names or values. What it does to them before its own
``fit`` counts as fit time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import pandas as pd

from benchmarks.tables.data_sets import Task


class Estimator(Protocol):
    """What a peer makes: ``fit`` and ``predict`` over frames."""

    def fit(self, frame: pd.DataFrame, target: pd.Series) -> Any:
        """Train."""

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Give a class name or a value for each row."""


@dataclass(frozen=True)
class Setting:
    """What a peer is told: the task, a seed and the number of threads; all else stays at its default."""

    task: Task
    seed: int
    threads: int


@dataclass(frozen=True)
class Peer:
    """A rival, or chainrule itself.

    Attributes
    ----------
    name : str
    package : str
        The package that must be installed.
    make : callable
        From a ``Setting`` to an ``Estimator``.
    names : tuple of str
        Attributes that the package must have.
    """

    name: str
    package: str
    make: Callable[[Setting], Estimator]
    names: tuple[str, ...] = ()

    @property
    def missing(self) -> str | None:
        """Why the peer cannot run here; None when it can."""
        if find_spec(self.package) is None:
            return f"{self.name} is left out: the package {self.package} is not installed"
        package = import_module(self.package) if self.names else None
        absent = [name for name in self.names if not hasattr(package, name)]
        return f"{self.name} is left out: {self.package} has no {', '.join(absent)}" if absent else None


def is_category(column: pd.Series) -> bool:
    """Whether a column is text, so that a model of numbers must encode it."""
    return not pd.api.types.is_numeric_dtype(column)


def names_of_categories(frame: pd.DataFrame) -> list[str]:
    """List the columns of text."""
    return [str(name) for name in frame if is_category(frame[name])]


class Encoded:
    """An estimator of whole-number classes, behind class names and encoded columns.

    Parameters
    ----------
    estimator : object
        With ``fit`` and ``predict``.
    task : {"classes", "values"}
    encode : callable
        From the training frame to a function that encodes any frame; fitted on the training frame alone.
    """

    def __init__(self, estimator: Any, task: Task, encode: Callable[[pd.DataFrame], Callable[[pd.DataFrame], Any]]) -> None:
        self.estimator = estimator
        self.task = task
        self.fit_encoding = encode

    def fit(self, frame: pd.DataFrame, target: pd.Series) -> Encoded:
        """Fit the encoding, then the estimator."""
        self.encode = self.fit_encoding(frame)
        self.classes, codes = np.unique(target, return_inverse=True)
        self.estimator.fit(self.encode(frame), codes if self.task == "classes" else target)
        return self

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Predict, and give classes by name."""
        told = np.asarray(self.estimator.predict(self.encode(frame))).ravel()
        return self.classes[told.astype(int)] if self.task == "classes" else told


def as_pandas_categories(train: pd.DataFrame) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Make columns of text pandas categories, those of the training frame; a new category becomes a gap."""
    known = {name: sorted(train[name].dropna().unique()) for name in names_of_categories(train)}
    dtypes = {name: pd.CategoricalDtype(values) for name, values in known.items()}

    def encode(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(**{name: frame[name].where(frame[name].isin(known[name])).astype(dtypes[name]) for name in known})

    return encode


def without_gaps_in_numbers(train: pd.DataFrame) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Make pandas categories, and fill the gaps of numbers, which pytabkit refuses, with the training frame's medians.

    A column that has gaps in the training frame gets a second one that says where.
    """
    encode_categories = as_pandas_categories(train)
    numbers = [str(name) for name in train if not is_category(train[name])]
    medians = train[numbers].astype(float).median().fillna(0.0)
    with_gaps = [name for name in numbers if train[name].isna().any()]

    def encode(frame: pd.DataFrame) -> pd.DataFrame:
        told = {f"{name} is missing": frame[name].isna().astype(float) for name in with_gaps}
        return encode_categories(frame).assign(**frame[numbers].astype(float).fillna(medians), **told)

    return encode


def as_texts(train: pd.DataFrame) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Fill the gaps of columns of text with a text, which CatBoost requires."""
    names = names_of_categories(train)
    return lambda frame: frame.assign(**{name: frame[name].astype(object).fillna("missing") for name in names})


def as_they_are(train: pd.DataFrame) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Leave a frame as it is, for a pipeline that encodes it."""
    return lambda frame: frame


def columns_of_kind(*, categories: bool) -> Callable[[pd.DataFrame], list[str]]:
    """Select the columns of text, or all others, for a ``ColumnTransformer``."""
    return lambda frame: [name for name in frame if is_category(frame[name]) == categories]


def make_lightgbm(setting: Setting) -> Estimator:
    """LightGBM with pandas categories."""
    import lightgbm

    kind = lightgbm.LGBMClassifier if setting.task == "classes" else lightgbm.LGBMRegressor
    model = kind(random_state=setting.seed, n_jobs=setting.threads, verbose=-1)
    return Encoded(model, setting.task, as_pandas_categories)


def make_xgboost(setting: Setting) -> Estimator:
    """XGBoost with pandas categories."""
    import xgboost

    kind = xgboost.XGBClassifier if setting.task == "classes" else xgboost.XGBRegressor
    model = kind(random_state=setting.seed, n_jobs=setting.threads, enable_categorical=True)
    return Encoded(model, setting.task, as_pandas_categories)


class CatBoost:
    """CatBoost, which is told at ``fit`` which columns are text."""

    def __init__(self, setting: Setting) -> None:
        import catboost

        kind = catboost.CatBoostClassifier if setting.task == "classes" else catboost.CatBoostRegressor
        self.model = kind(random_seed=setting.seed, thread_count=setting.threads, verbose=0, allow_writing_files=False)

    def fit(self, frame: pd.DataFrame, target: np.ndarray | pd.Series) -> None:
        """Train."""
        self.model.fit(frame, target, cat_features=names_of_categories(frame))

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        """Predict."""
        return self.model.predict(frame)


def make_catboost(setting: Setting) -> Estimator:
    """CatBoost with its own handling of categories."""
    return Encoded(CatBoost(setting), setting.task, as_texts)


def make_random_forest(setting: Setting) -> Estimator:
    """scikit-learn's random forest after ordinal encoding; it takes gaps in numbers itself."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    kind = RandomForestClassifier if setting.task == "classes" else RandomForestRegressor
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    encoder = make_column_transformer((ordinal, columns_of_kind(categories=True)), remainder="passthrough")
    model = make_pipeline(encoder, kind(random_state=setting.seed, n_jobs=setting.threads))
    return Encoded(model, setting.task, as_they_are)


def make_sklearn_mlp(setting: Setting, *, scaled_targets: bool = False) -> Estimator:
    """scikit-learn's MLP in the pipeline that its users write; ``scaled_targets`` standardizes the values to predict too."""
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    kind = MLPClassifier if setting.task == "classes" else MLPRegressor
    encoder = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), columns_of_kind(categories=False)),
        (OneHotEncoder(handle_unknown="ignore"), columns_of_kind(categories=True)),
    )
    model: Any = make_pipeline(encoder, kind(early_stopping=True, random_state=setting.seed))
    if scaled_targets and setting.task == "values":
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    return Encoded(model, setting.task, as_they_are)


def make_sklearn_mlp_scaled(setting: Setting) -> Estimator:
    """The same with standardized targets."""
    return make_sklearn_mlp(setting, scaled_targets=True)


def make_pytabkit(setting: Setting, method: str) -> Estimator:
    """Make a method of pytabkit on the CPU, such as RealMLP_TD_S; it encodes categories and their gaps itself."""
    import pytabkit

    kind = getattr(pytabkit, f"{method}_{'Classifier' if setting.task == 'classes' else 'Regressor'}")
    model = kind(device="cpu", random_state=setting.seed, n_threads=setting.threads, verbosity=0)
    return Encoded(model, setting.task, without_gaps_in_numbers)


def make_chainrule(setting: Setting, networks: int) -> Estimator:
    """Make an estimator of tables of this library, with so many networks."""
    import chainrule

    kind = chainrule.TableClassifier if setting.task == "classes" else chainrule.TableRegressor
    return kind(networks=networks, random_state=setting.seed, threads=setting.threads)


OWN = ("TableClassifier", "TableRegressor")
_ALL = (
    Peer("chainrule", "chainrule", lambda setting: make_chainrule(setting, 5), OWN),
    Peer("chainrule_1", "chainrule", lambda setting: make_chainrule(setting, 1), OWN),
    Peer("lightgbm", "lightgbm", make_lightgbm),
    Peer("xgboost", "xgboost", make_xgboost),
    Peer("catboost", "catboost", make_catboost),
    Peer("random_forest", "sklearn", make_random_forest),
    Peer("sklearn_mlp", "sklearn", make_sklearn_mlp),
    Peer("sklearn_mlp_scaled", "sklearn", make_sklearn_mlp_scaled),
    Peer("realmlp_td_s", "pytabkit", lambda setting: make_pytabkit(setting, "RealMLP_TD_S")),
    Peer("realmlp_td", "pytabkit", lambda setting: make_pytabkit(setting, "RealMLP_TD")),
    Peer("tabm", "pytabkit", lambda setting: make_pytabkit(setting, "TabM_D")),
)

PEERS = {peer.name: peer for peer in _ALL}
"""Every peer, by name: chainrule with five networks and with one, and its rivals."""
