"""What classifier and regressor share: scikit-learn's parameters and attributes, and its ways to train, on the engines here."""

from __future__ import annotations

import os
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Integral, Real
from operator import index
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, _fit_context, is_classifier
from sklearn.exceptions import DataConversionWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .._arrays import check_readable
from .._types import Array, is_sparse
from .._warnings import frames_below_the_user
from ..calculus.feedforward import for_raw_columns
from ..calculus.optimizers import SGD, Adam, Optimizer
from ..engines import at_work, choose, forward_small
from ..examples import Examples
from ..history import EpochRecord
from ..input_spec import InputSpec
from ..network import Network, network_from
from ..plan import Layer, Plan, Provenance, State
from ..progress import format_results
from . import draws, gates
from .epochs import Record, Settings, Trainer
from .lbfgs import Problem
from .parameters import read_parameters
from .rates import Rate
from .telling import telling

ABOVE_0, BELOW_1 = float(np.nextafter(0.0, 1.0)), float(np.nextafter(1.0, 0.0))
SIGMAS = {"logistic": "sigmoid", "identity": "identity", "tanh": "tanh", "relu": "relu"}  # by scikit-learn's names
COSTS = {
    "logistic": "cross_entropy",
    "softmax": "log_loss",
    "identity": "quadratic",
    "exp": "poisson",
}  # by the output's activation
CURVES = ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_", "validation_loss_curve_")
A_COLUMN = (
    "A column-vector y was passed when a 1d array was expected. "
    "Please change the shape of y to (n_samples, ), for example using ravel()."
)
CLIPPED = "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"


@dataclass(frozen=True)
class Held:
    """A validation set: as an engine takes it, and as predictions are compared with it."""

    examples: Examples
    y: Any
    weights: Any


@dataclass(frozen=True)
class Trained:
    """What is told of a training with its network: rows, engine, rates (None: L-BFGS), why it ended, and epochs and steps.

    Epochs and steps count those of the earlier trainings that this one went on from.
    """

    examples: int
    epochs: int
    steps: int
    engine: str
    rate: Rate | None
    stopped: str
    earlier_epochs: int = 0
    earlier_steps: int = 0


class BaseMLP(BaseEstimator, metaclass=ABCMeta):
    """What classifier and regressor share."""

    n_features_in_: int

    # Only caches are private: an estimator that has the public attributes alone predicts as the one that they come from, and is
    # trained on from its parameters and counters; the optimizer's memory, and the rate where it has changed, begin anew.
    _trained: Trained | None = None
    _fitted: Plan | None = None
    _record: Record | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(SIGMAS))],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose", StrOptions({"live"})],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "standardize": ["boolean"],
        "threads": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    }

    def _validate_params(self) -> None:
        gates.check_parameters(self)

    @abstractmethod
    def _learn_targets(self, y: Any, incremental: bool) -> None:
        """Take note of what y holds: the classes there are."""

    @abstractmethod
    def _targets(self, y: Any) -> tuple[Any, str]:
        """Give y as an engine takes it, and the output's activation."""

    @abstractmethod
    def _answer(self, outputs: Array) -> Any:
        """Outputs as predictions are told."""

    def _format_results(self, record: EpochRecord) -> list[str]:
        """Format an epoch's cost and scores for ``verbose="live"``."""
        return format_results(record)

    @abstractmethod
    def _score(self, y: Any, told: Any, sample_weight: Any) -> float:
        """Score predictions on a validation set."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None, sample_weight_val: Any = None
    ) -> Any:
        """Fit the network to X and y.

        Parameters
        ----------
        X : array or sparse matrix, shape (n_samples, n_features)
        y : array, shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array, shape (n_samples,), optional
        X_val, y_val, sample_weight_val : optional
            A validation set of your own: ``validation_loss_curve_`` holds its loss after each epoch, and the weights of the lowest
            are restored. With ``early_stopping`` it takes the place of the part that would be split off, and its score decides.

        Returns
        -------
        self
        """
        if (X_val is None) != (y_val is None) or (X_val is None and sample_weight_val is not None):
            raise ValueError("a validation set is X_val and y_val together, and with them sample_weight_val if it is weighted")
        validation = None if X_val is None else (X_val, y_val, sample_weight_val)
        with unharmed(self), at_work():
            return self._fit(X, y, sample_weight, incremental=False, validation=validation)

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool, validation: Any = None) -> Any:
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes, dtype=object)).tolist()
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        if self.solver != "lbfgs" and self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.solver == "lbfgs" and validation is not None:
            raise ValueError("a validation set is looked at between epochs, which lbfgs has none of; take solver='adam' or 'sgd'")
        if self.solver == "lbfgs" and self.dropout:
            raise ValueError("dropout draws anew for each mini-batch, which lbfgs has none of; take solver='adam' or 'sgd'")
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        if first:
            self.__dict__.pop("out_activation_", None)  # an earlier fit's
        X, y = self._check(X, y, reset=first)
        self._learn_targets(y, incremental)
        self._learn_scale(X, first)
        random = draws.random_from(self.random_state)
        targets, output = self._targets(y)
        there = None if first else self._output_activation(self._shapes()[-1][1])
        if there not in (None, output):
            raise ValueError(f"y and the loss ask for an output of {output}, but out_activation_ is {there}; fit anew")
        self.out_activation_ = output
        self.n_outputs_ = self._count_outputs(targets)
        dtype = X.dtype if first else self._parameters()[0]  # the dtype of the start stays
        plan = self._plan([X.shape[1], *map(index, hidden), self.n_outputs_], dtype)
        if first:
            self._begin(plan, random)
        elif (shapes := self._shapes()) != (due := [(layer.n_in, layer.n_out) for layer in plan.layers]):
            raise ValueError(f"coefs_ have the shapes {shapes}, but hidden_layer_sizes and y now ask for {due}; fit anew")
        examples = Examples(self._scaled(X), targets, weights=self._weights(y, sample_weight, X))
        held_out = None if validation is None else self._validation(*validation)
        if self.solver == "lbfgs":
            self._minimize(plan, examples)
        else:
            self._descend(plan, examples, held_out, random, incremental)
        if not all(np.isfinite(part).all() for part in (*self.coefs_, *self.intercepts_)):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
            )
        return self

    def _check(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        """Check X and y as scikit-learn does: X in float32 where it is, else in float64."""
        if gates.is_plain(X, y) and (reset or self._are_its_columns(X)):
            self.n_features_in_ = X.shape[1]
            self.__dict__.pop("feature_names_in_", None)
            return X, y
        check_readable("X", X)
        kinds: dict[str, Any] = {"accept_sparse": ["csr", "csc"], "multi_output": True, "dtype": (np.float64, np.float32)}
        X, y = validate_data(self, X, y, **kinds, y_numeric=not is_classifier(self), reset=reset)
        if y.ndim != 2 or y.shape[1] != 1:
            return X, y
        warnings.warn(A_COLUMN, DataConversionWarning, stacklevel=frames_below_the_user())
        return X, column_or_1d(y)

    def _are_its_columns(self, X: Any) -> bool:
        """Whether X, which names no columns, has as many as the fit had, which named none either."""
        takes = getattr(self, "n_features_in_", None)
        return (self._shapes()[0][0] if takes is None else takes) == X.shape[1] and not hasattr(self, "feature_names_in_")

    def _read(self, X: Any, y: Any, name: str) -> tuple[Any, Any]:
        """Check X and a y, of that name, that are not trained on."""
        return self._check(X, y, reset=False)

    def _learn_scale(self, X: Any, first: bool) -> None:
        """With ``standardize``: the columns' means and spreads, of the first call; of sparse ones the spreads alone."""
        if not first:
            return
        self.__dict__.pop("scaler_", None)
        if self.standardize:
            self.scaler_ = StandardScaler(with_mean=not is_sparse(X)).fit(X.astype(np.float64))

    def _scaled(self, X: Any) -> Any:
        """X as the network takes it."""
        X = X.tocsr() if hasattr(X, "tocsr") else X
        scaler = self._scale()
        return X if scaler is None else scaler.transform(X.astype(np.float64)).astype(X.dtype)

    def _scale(self) -> StandardScaler | None:
        """What ``standardize`` learnt of the columns; None without it."""
        scaler = getattr(self, "scaler_", None)
        if scaler is None and self.standardize:
            raise ValueError(
                "standardize=True, but this estimator has no scaler_, so that the scale of its columns is not known; fit it, set "
                "scaler_ as well, or set standardize=False where coefs_ take the columns as they are"
            )
        return scaler

    def _weights(self, y: Any, sample_weight: Any, X: Any) -> Any:
        """How much each row counts, or None where all count alike."""
        return None if sample_weight is None else _check_sample_weight(sample_weight, X)

    def _count_outputs(self, targets: Any) -> int:
        return 1 if targets.ndim == 1 else int(targets.shape[1])

    def _validation(self, X: Any, y: Any, sample_weight: Any) -> Held:
        """Read a validation set of the user's own."""
        X, y = self._read(X, y, "y_val")
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        return Held(Examples(self._scaled(X), self._targets(y)[0], weights=weights), y, weights)

    def _plan(self, sizes: list[int], dtype: Any) -> Plan:
        """Say in the engines' words what is trained."""
        output = self._output_activation(sizes[-1])
        if output not in COSTS:
            raise ValueError(f"out_activation_ must be one of {', '.join(COSTS)}; it is {output!r}")
        sigmas = [SIGMAS[self.activation]] * (len(sizes) - 2) + [SIGMAS.get(output, output)]
        dropped = [float(self.dropout)] * (len(sizes) - 2) + [0.0]
        layers = tuple(Layer(*shape) for shape in zip(sizes[:-1], sizes[1:], sigmas, dropped, strict=True))
        return Plan(layers, COSTS[output], self._optimizer(), dtype=np.dtype(dtype).name)

    def _optimizer(self) -> Optimizer:
        if self.solver == "adam":
            return Adam(self.beta_1, self.beta_2, self.epsilon, epsilon_on="raw")
        # A velocity that is never forgotten is none of SGD's, though scikit-learn takes 1. It always has one: without, a penalty on
        # sparse inputs is settled at the end of a call, and several of partial_fit would differ in the last bit from one fit.
        momentum = min(max(float(self.momentum), ABOVE_0), BELOW_1)
        return SGD(momentum, nesterov=bool(self.nesterovs_momentum and self.momentum > 0))

    def _begin(self, plan: Plan, random: np.random.RandomState) -> None:
        """Draw a start, and set every counter back."""
        weights, biases = draws.start(random, plan.sizes, self.activation, plan.dtype)
        self._take(plan, weights, biases)
        self.t_ = 0
        self.n_iter_ = 0
        for name in (*CURVES, "_record", "_trained"):
            self.__dict__.pop(name, None)
        if self.solver != "lbfgs":
            self._record = self._fresh_record(plan, weights, biases)

    def _fresh_record(self, plan: Plan, weights: list[Array], biases: list[Array]) -> Record:
        """Begin the record of a training by mini-batches."""
        state = State(tuple(weights), tuple(biases))
        return Record(state, self._rate(), plan.optimizer, best=state if self.early_stopping else None, **self._none_yet())

    def _none_yet(self) -> dict[str, Any]:
        """What a record has for the best, before there is one."""
        early = self.early_stopping
        return {
            "best_loss": None if early else np.inf,
            "best_score": -np.inf if early else None,
            "validation_scores": [] if early else None,
        }

    def _rate(self) -> Rate:
        schedule = self.learning_rate if self.solver == "sgd" else "constant"
        return Rate(schedule, float(self.learning_rate_init), float(self.power_t), float(self.learning_rate_init))

    def _take(self, plan: Plan, weights: Any, biases: Any) -> None:
        """Give the parameters out: ``coefs_`` are views, (n_in, n_out), of the network's own matrices."""
        self.coefs_ = [w.T for w in weights]
        self.intercepts_ = list(biases)
        self.n_layers_ = len(self.coefs_) + 1
        self._fitted = plan

    def _parameters(self, dtype: Any = None) -> tuple[str, list[Array], list[Array]]:
        """Read ``coefs_`` and ``intercepts_`` as they stand, whoever has put them there; see ``read_parameters``."""
        return read_parameters(self.coefs_, self.intercepts_, getattr(self, "n_layers_", None), dtype)

    def _shapes(self) -> list[tuple[int, ...]]:
        """Give the shape of each of ``coefs_``."""
        return [np.shape(w) for w in self.coefs_]

    def _descend(self, plan: Plan, examples: Examples, held: Held | None, random: np.random.RandomState, incremental: bool) -> None:
        """Train by mini-batches."""
        _, weights, biases = self._parameters(plan.dtype)
        record = self._record_so_far(plan, weights, biases)
        if (record.best_score is not None) != self.early_stopping:  # switched since
            record = replace(record, **self._none_yet())
        shapes = [w.shape for w in weights]
        goes_on = incremental and record.state.step > 0 and [w.shape for w in record.state.weights] == shapes
        if goes_on:
            record.state = replace(record.state, weights=tuple(weights), biases=tuple(biases))
        else:
            record.state, record.rate, record.optimizer = State(tuple(weights), tuple(biases)), self._rate(), plan.optimizer
            if incremental and record.t:  # parameters that somebody has set, and the samples that they have seen
                record.rate.epoch_ended(record.t)
        if self.early_stopping and held is None:
            examples, held = self._split(examples, random)
        batch_size = self._batch_size(len(examples))
        seed = random.randint(2**31) if self.dropout else 0
        plan = replace(plan, optimizer=record.optimizer, batch_size=batch_size, seed=seed)
        limits = float(self.tol), self.n_iter_no_change
        settings = Settings(float(self.alpha), self.max_iter, self.shuffle, *limits, self._loss_scale)
        score = self._scorer(plan, held) if self.early_stopping and held is not None else None
        watched = held.examples if held is not None and score is None else None
        engine = choose("auto", plan, examples)
        with telling(self.verbose, plan, examples, 1 if incremental else self.max_iter, self._format_results) as told:
            trainer = Trainer(engine, plan, examples, settings, random, self.threads, told, score, watched)
            interrupted = trainer.run(record, once=incremental)
        best = record.best if held is not None and record.best is not None else record.state
        if score is not None and record.best_score == -np.inf:  # no epoch had a score: what is best is still the random start
            best = record.state
        stopped = "interrupted" if interrupted else "finished" if best is record.state else "early"
        earlier = self._earlier(goes_on)
        epochs = record.n_iter + (0 if self._trained is None else self._trained.epochs)
        steps = best.step + earlier["earlier_steps"]
        self._trained = Trained(len(examples), epochs, steps, best.made_by or engine.name, record.rate, stopped, **earlier)
        self._take(plan, best.weights, best.biases)
        record.best = None  # scikit-learn's best arrays are those that a warm start goes on with: it never comes back to these
        self._record = record
        self.n_iter_, self.t_, self.loss_curve_ = record.n_iter, record.t, record.loss_curve
        self.loss_ = record.loss_curve[-1] if record.loss_curve else np.inf
        self.best_loss_, self.best_validation_score_ = record.best_loss, record.best_score
        self.validation_scores_ = record.validation_scores
        self.__dict__.pop("validation_loss_curve_", None)  # an earlier fit's
        if watched is not None:
            self.validation_loss_curve_ = record.validation_loss_curve

    def _earlier(self, goes_on: bool) -> dict[str, int]:
        """Give the epochs and steps of the trainings before this one, which may go on with the last of them."""
        trained = self._trained
        if trained is None:
            return {"earlier_epochs": 0, "earlier_steps": 0}
        going_on = {"earlier_epochs": trained.earlier_epochs, "earlier_steps": trained.earlier_steps}
        return going_on if goes_on else {"earlier_epochs": trained.epochs, "earlier_steps": trained.steps}

    def _record_so_far(self, plan: Plan, weights: list[Array], biases: list[Array]) -> Record:
        """Give a record to go on with, which can be written to: what is public of it as the attributes have it."""
        record = self._fresh_record(plan, weights, biases) if self._record is None else self._record.copy()
        attributes = ("t_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_")
        names = ("t", "loss_curve", "best_loss", "validation_scores", "best_score")
        for attribute, name in zip(attributes, names, strict=True):
            if hasattr(self, attribute):
                value = getattr(self, attribute)
                setattr(record, name, [*value] if isinstance(value, (list, np.ndarray)) else value)
        return record

    @property
    def _loss_scale(self) -> float:
        """From an engine's cost, a sum over outputs, to scikit-learn's loss, which of squares is their mean."""
        return 1 / self.n_outputs_ if self.out_activation_ == "identity" else 1.0

    def _batch_size(self, n: int) -> int:
        if self.batch_size == "auto":
            return min(200, n)
        if self.batch_size > n:
            warnings.warn(CLIPPED, stacklevel=frames_below_the_user())
        return int(np.clip(self.batch_size, 1, n))

    def _split(self, examples: Examples, random: np.random.RandomState) -> tuple[Examples, Held]:
        """Split a validation set off, in scikit-learn's draws; give what is left, and the set."""
        x, y, weights = examples.x, examples.y, examples.weights
        one_class_or_other = is_classifier(self) and self.n_outputs_ == 1  # with several outputs scikit-learn does not stratify
        stratify = np.asarray(y).astype(bool)[:, None] if one_class_or_other else None
        arrays = [x, y] if weights is None else [x, y, weights]
        parts = train_test_split(*arrays, random_state=random, test_size=self.validation_fraction, stratify=stratify)
        if parts[1].shape[0] < 2:
            raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
        left, off = (Examples(parts[k], parts[2 + k], weights=parts[4 + k] if weights is not None else None) for k in (0, 1))
        return left, Held(off, self._as_told(off.y), off.weights)

    def _scorer(self, plan: Plan, held: Held) -> Callable[[State], float]:
        """Make what scores a state on a validation set; of values, NaN where one is not finite."""
        engine = choose("auto", plan, None)

        def score(state: State) -> float:
            out = engine.forward(plan, list(state.weights), list(state.biases), held.examples.x, threads=self.threads)
            if not (is_classifier(self) or np.isfinite(out).all()):
                return np.nan
            return float(self._score(held.y, self._answer(out), held.weights))

        return score

    @abstractmethod
    def _as_told(self, targets: Any) -> Any:
        """Targets as predictions are told."""

    def _minimize(self, plan: Plan, examples: Examples) -> None:
        """Train by L-BFGS."""
        plan = replace(plan, batch_size=len(examples))
        problem = Problem(choose("auto", plan, examples), plan, examples, float(self.alpha), self._loss_scale, self.threads)
        with telling(self.verbose, plan, examples, self.max_iter, self._format_results) as told:
            _, *start = self._parameters(plan.dtype)
            result = problem.solve(*start, max_iter=self.max_iter, max_fun=self.max_fun, tol=float(self.tol), told=told)
        earlier = self._earlier(goes_on=False)
        epochs, steps = result.nit + earlier["earlier_epochs"], result.nit + earlier["earlier_steps"]
        self._trained = Trained(len(examples), epochs, steps, problem.engine.name, None, "finished", **earlier)
        self.n_iter_ = result.nit
        self.loss_ = result.fun
        self._take(plan, *plan.unpack(result.x.astype(plan.dtype, copy=False)))

    def _outputs(self, X: Any) -> Array:
        """The outputs (n_samples, n_outputs_) for X, as the parameters stand."""
        if "coefs_" not in self.__dict__ or "intercepts_" not in self.__dict__:
            check_is_fitted(self, ("coefs_", "intercepts_"))
        quick = self._few_outputs(X)
        if quick is not None:
            return quick
        return network_from(*self._network_parts(), init="").feedforward(self._rows(X))

    def _rows(self, X: Any) -> Any:
        """Rows without targets, checked as scikit-learn checks them, as the network takes them."""
        if not (gates.are_plain(X) and self._are_its_columns(X)):
            check_readable("X", X)
            X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        return self._scaled(X if X.dtype in (np.float64, np.float32) else X.astype(np.float64))

    def _few_outputs(self, X: Any) -> Array | None:
        """The outputs of a few rows of a plain array against which nothing is to be said; None for all that must be looked at."""
        plan, attributes = self._fitted, self.__dict__
        if plan is None or getattr(X, "dtype", None) != plan.dtype or attributes.get("n_layers_") != len(plan.layers) + 1:
            return None
        if self.standardize or "scaler_" in attributes or "feature_names_in_" in attributes:
            return None
        output, hidden = attributes.get("out_activation_", ""), SIGMAS[self.activation]  # one may have been set since
        if SIGMAS.get(output, output) != plan.layers[-1].activation or any(la.activation != hidden for la in plan.layers[:-1]):
            return None
        coefs, intercepts = self.coefs_, self.intercepts_
        if type(coefs) is not list or type(intercepts) is not list or any(type(w) is not np.ndarray for w in coefs):
            return None
        return forward_small(plan, [w.T for w in coefs], intercepts, X)

    def _network_parts(self) -> tuple[Plan, list[Array], list[Array]]:
        dtype, weights, biases = self._parameters()
        return self._plan([weights[0].shape[1], *(len(b) for b in biases)], dtype), weights, biases

    def _output_activation(self, n_out: int) -> str:
        """Give the output's activation: ``out_activation_``, or what the number of outputs says where that is missing."""
        return getattr(self, "out_activation_", None) or self._output_for(n_out)

    @abstractmethod
    def _output_for(self, n_out: int) -> str:
        """Tell the output's activation where ``out_activation_`` does not."""

    @property
    def network_(self) -> Network:
        """The fitted network, which shares ``coefs_``' memory where they are floats; with ``standardize`` it takes scaled rows."""
        check_is_fitted(self)
        plan, weights, biases = self._network_parts()
        made: dict[str, Any] = {"provenance": self._provenance(), "inputs": InputSpec("numbers", (plan.sizes[0],))}
        return network_from(plan, weights, biases, init="glorot_uniform", **made)

    def _provenance(self) -> Provenance | None:
        """Tell how the parameters came to be, of a network or a file that stands alone; None where no fit made them."""
        trained, fitted = self._trained, self._fitted
        if trained is None or fitted is None or fitted.sizes != (self._shapes()[0][0], *(shape[1] for shape in self._shapes())):
            return None  # or other parameters stand in the place of those
        rate = trained.rate
        plan = fitted.to_dict() | ({"optimizer": {"name": "lbfgs"}} if rate is None else {})
        return Provenance(
            plan=plan,
            data=f"Examples({trained.examples} x {fitted.sizes[0]})",
            examples=trained.examples,
            epochs=trained.epochs,
            steps=trained.steps,
            learning_rate=1.0 if rate is None else rate.first,
            schedule="constant" if rate is None else rate.schedule,
            engine=trained.engine,
            stopped=trained.stopped,
            columns=[*map(str, getattr(self, "feature_names_in_", ()))],
            earlier_epochs=trained.earlier_epochs,
            earlier_steps=trained.earlier_steps,
            classes=is_classifier(self) and (fitted.layers[-1].activation == "softmax" or fitted.layers[-1].n_out == 1),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted network to a model file, for ``cr.load`` and the command line; it takes X as ``predict`` does.

        What ``standardize`` learnt of the columns is folded into the first layer, in float64 whatever trained: a column's mean may
        be far above its spread. Classes are counted from 0, in the order of
        ``classes_``, which the file does not hold. The loaded network takes numbers as they stand, uint8 too.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        FileError
            When it cannot be written.
        """
        network, scaler = self.network_, self._scale()
        if scaler is not None:
            if not isinstance(scaler, StandardScaler):
                raise ValueError(f"scaler_ must be a StandardScaler to be folded into the network; it is {scaler!r}")
            mean = scaler.mean_ if scaler.with_mean else np.zeros(network.sizes[0])
            scale = scaler.scale_ if scaler.with_std else np.ones(network.sizes[0])
            raw = for_raw_columns(network.weights[0], network.biases[0], mean, scale)
            network.plan = replace(network.plan, dtype="float64")
            network.weights, network.biases = (
                [first, *(part.astype(np.float64) for part in rest[1:])]
                for first, rest in zip(raw, (network.weights, network.biases), strict=True)
            )
        network.save(path)

    def for_network(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        """Give X, and y where there is one, as ``network_`` takes them: rows scaled, classes counted from 0.

        Parameters
        ----------
        X : array or sparse matrix, shape (n_samples, n_features)
        y : array, shape (n_samples,) or (n_samples, n_outputs), optional

        Returns
        -------
        x, targets
            Ready for ``cr.Examples``, ``network_.cost`` and the rest.
        """
        check_is_fitted(self)
        if y is None:
            return self._rows(X), None
        X, y = self._read(X, y, "y")
        return self._scaled(X), self._targets(y)[0]

    def _is_stochastic(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit is only available for stochastic optimizers. lbfgs is not stochastic.")
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextmanager
def unharmed(estimator: BaseMLP) -> Iterator[None]:
    """Leave an estimator as it was where a fit fails."""
    before = dict(estimator.__dict__)
    try:
        yield
    except BaseException:
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise


def keep(estimator: BaseMLP, given: dict[str, Any]) -> None:
    """Keep what ``__init__`` was given, each under its own name and as it came."""
    for name, value in given.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)
