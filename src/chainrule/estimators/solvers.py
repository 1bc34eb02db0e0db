"""The solvers: an estimator's parameters trained by L-BFGS, or by mini-batches with SGD or Adam."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from .._types import Array
from ..engines import choose
from ..examples import Examples
from ..history import EpochRecord
from ..plan import Plan, State
from ..progress import format_results
from .estimator_plan import batch_size_for, make_learning_rate
from .fit_position import FitPosition
from .fit_settings import open_checkpoints
from .lbfgs import LBFGSProblem
from .learning_rates import LearningRate
from .network_export import NetworkExport, TrainingSummary
from .reporters import make_reporter
from .stochastic import Settings, StochasticTrainer
from .training_state import TrainingState
from .validation_set import ValidationSet, split_examples


class TrainableNetwork(NetworkExport):
    """An estimator that can train its parameters."""

    _training: TrainingState | None = None

    @abstractmethod
    def _decode_targets(self, targets: Any) -> Any:
        """Return the y that ``_encode_targets`` encoded."""

    @abstractmethod
    def _decode_outputs(self, outputs: Array) -> Any:
        """Return the predictions for the network's outputs."""

    @abstractmethod
    def _validation_score(self, y: Any, predictions: Any, sample_weight: Any) -> float:
        """Score predictions on a validation set."""

    def _format_results(self, record: EpochRecord) -> list[str]:
        """Format an epoch's loss and scores for ``verbose="live"``."""
        return format_results(record)

    @property
    def _loss_scale(self) -> float:
        """The factor from an engine's cost to scikit-learn's loss, which averages squares over the outputs instead of summing."""
        return 1 / self.n_outputs_ if self.out_activation_ == "identity" else 1.0

    def _fit_lbfgs(self, plan: Plan, examples: Examples) -> None:
        plan = replace(plan, batch_size=len(examples))
        engine = choose("auto", plan, examples)
        problem = LBFGSProblem(engine, plan, examples, float(self.alpha), self._loss_scale, self.threads)
        _, weights, biases = self._read_parameters(plan.dtype)
        verbose = self.verbose if self.verbose == "live" else False  # SciPy prints no lines any more, so scikit-learn does not
        limits: dict[str, Any] = {"max_iter": self.max_iter, "max_fun": self.max_fun, "tol": float(self.tol)}
        with make_reporter(verbose, plan, examples, self.max_iter, self._format_results) as reporter:
            result = problem.minimize(weights, biases, **limits, reporter=reporter)
        self._summary = self._summarize(
            examples=examples, iterations=result.nit, steps=result.nit, engine=engine.name, learning_rate=None, stopped="finished"
        )
        self.n_iter_ = result.nit
        self.loss_ = result.fun
        self._set_parameters(plan, *plan.unpack(result.x.astype(plan.dtype, copy=False)))

    def _fit_stochastic(
        self,
        plan: Plan,
        examples: Examples,
        validation: ValidationSet | None,
        random_state: np.random.RandomState,
        incremental: bool,
    ) -> None:
        training, resumed = self._resume_training(plan, incremental)
        if self.early_stopping and validation is None:
            examples, validation = self._split_validation_set(examples, random_state)
        seed = random_state.randint(2**31) if self.dropout else 0
        batch_size = batch_size_for(self.batch_size, len(examples))
        plan = replace(plan, optimizer=training.optimizer, batch_size=batch_size, seed=seed)
        score = self._make_scorer(plan, validation) if self.early_stopping and validation is not None else None
        loss_examples = validation.examples if validation is not None and score is None else None
        engine = choose("auto", plan, examples)
        settings = Settings(
            float(self.alpha), self.max_iter, self.shuffle, float(self.tol), self.n_iter_no_change, self._loss_scale
        )
        epochs = 1 if incremental else self.max_iter
        with (
            open_checkpoints(self, plan, engine, examples, validation, random_state) as checkpoints,
            make_reporter(self.verbose, plan, examples, epochs, self._format_results) as reporter,
        ):
            position = FitPosition(np.arange(len(examples)), random_state)
            if checkpoints is not None:
                checkpoints.restore(training, position)
            trainer = StochasticTrainer(
                engine,
                plan,
                examples,
                settings,
                self.threads,
                position,
                reporter,
                score,
                loss_examples,
                checkpoints,
            )
            interrupted = trainer.train(training, single_epoch=incremental)
        best = training.network if validation is None else training.select_best()
        self._summary = self._summarize(
            examples=examples,
            iterations=training.n_iter,
            steps=best.step,
            engine=best.made_by or engine.name,
            learning_rate=training.learning_rate,
            stopped="interrupted" if interrupted else "finished" if best is training.network else "early",
            resumed=resumed,
        )
        self._set_parameters(plan, list(best.weights), list(best.biases))
        self._store_training(training, has_loss_curve=loss_examples is not None)

    def _store_training(self, training: TrainingState, *, has_loss_curve: bool) -> None:
        """Keep the state for the next call, and set the public attributes."""
        training.best_network = None  # as in scikit-learn, a warm start never returns to the best parameters of an earlier fit
        self._training = training
        training.write_attributes(self)
        if has_loss_curve:
            self.validation_loss_curve_ = training.validation_loss_curve

    def _start_training(self, plan: Plan, weights: list[Array], biases: list[Array]) -> TrainingState:
        """Make the state of a training before its first epoch."""
        network = State(tuple(weights), tuple(biases))
        training = TrainingState(network, make_learning_rate(self), plan.optimizer)
        training.reset_best(early_stopping=self.early_stopping)
        training.best_network = network if self.early_stopping else None
        return training

    def _resume_training(self, plan: Plan, incremental: bool) -> tuple[TrainingState, bool]:
        """Make the state that this call continues from: a copy of the last call's, with the public attributes as they are now.

        Returns
        -------
        training : TrainingState
        resumed : bool
            Whether the optimizer's slots continue, as in ``partial_fit``; a warm start resets them.
        """
        _, weights, biases = self._read_parameters(plan.dtype)
        training = self._start_training(plan, weights, biases) if self._training is None else self._training.copy()
        training.read_attributes(self)
        if (training.best_score is not None) != self.early_stopping:  # the hyperparameter has been changed
            training.reset_best(early_stopping=self.early_stopping)
        same_shapes = [w.shape for w in weights] == [w.shape for w in training.network.weights]
        if incremental and training.network.step > 0 and same_shapes:
            training.network = replace(training.network, weights=tuple(weights), biases=tuple(biases))
            return training, True
        training.network = State(tuple(weights), tuple(biases))
        training.learning_rate, training.optimizer = make_learning_rate(self), plan.optimizer
        if incremental and training.samples_seen:  # parameters and t_ were set by hand
            training.learning_rate.update(training.samples_seen)
        return training, False

    def _split_validation_set(self, examples: Examples, random_state: np.random.RandomState) -> tuple[Examples, ValidationSet]:
        """Split a validation set off; scikit-learn stratifies where there is one output for two classes."""
        stratify = is_classifier(self) and self.n_outputs_ == 1
        training, validation = split_examples(examples, self.validation_fraction, random_state, stratify=stratify)
        return training, ValidationSet(validation, self._decode_targets(validation.y), validation.weights)

    def _make_scorer(self, plan: Plan, validation: ValidationSet) -> Callable[[State], float]:
        """Make the function that scores a state on a validation set; NaN where a regressor's outputs are not finite."""
        engine = choose("auto", plan, None)

        def score(network: State) -> float:
            x = validation.examples.x
            outputs = engine.forward(plan, list(network.weights), list(network.biases), x, threads=self.threads)
            if not (is_classifier(self) or np.isfinite(outputs).all()):
                return np.nan
            return float(self._validation_score(validation.y, self._decode_outputs(outputs), validation.sample_weight))

        return score

    def _summarize(
        self,
        *,
        examples: Examples,
        iterations: int,
        steps: int,
        engine: str,
        learning_rate: LearningRate | None,
        stopped: str,
        resumed: bool = False,
    ) -> TrainingSummary:
        """Summarize a training of these parameters; a resumed training counts as one with the training before it."""
        last = self._summary
        earlier_epochs, earlier_steps = 0, 0
        if last is not None:
            earlier_epochs = last.earlier_epochs if resumed else last.epochs
            earlier_steps = last.earlier_steps if resumed else last.steps
        return TrainingSummary(
            examples=len(examples),
            kind=examples.kind,
            seed=int(self.random_state) if isinstance(self.random_state, Integral) else None,
            alpha=float(self.alpha),
            epochs=iterations + (0 if last is None else last.epochs),
            steps=steps + earlier_steps,
            engine=engine,
            learning_rate=learning_rate,
            stopped=stopped,
            earlier_epochs=earlier_epochs,
            earlier_steps=earlier_steps,
        )
