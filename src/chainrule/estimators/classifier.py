"""``MLPClassifier``: labels, probabilities and class weights."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target

from .._types import AnyArray, Array
from .base import BaseMLP, restore_on_failure
from .hyperparameters import CONSTRAINTS, store_hyperparameters
from .labels import (
    decode_outputs,
    decode_targets,
    distinct_labels,
    encode_labels,
    fit_label_binarizer,
    make_label_binarizer,
)


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multi-layer perceptron classifier with scikit-learn's interface and numbers, on the fused engine.

    It has every parameter and attribute of scikit-learn's ``MLPClassifier``, with the same defaults; with the same integer
    ``random_state`` it learns the same parameters. The last eight parameters, and ``verbose="live"``, are not scikit-learn's.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        The number of units of each hidden layer.
    activation : {"relu", "tanh", "logistic", "identity"}
        Of the hidden layers.
    solver : {"adam", "sgd", "lbfgs"}
    alpha : float
        The L2 penalty, divided by the weight of each mini-batch.
    batch_size : int or "auto"
        "auto" is 200, or the number of rows if that is smaller.
    learning_rate : {"constant", "invscaling", "adaptive"}
        The schedule, for sgd.
    learning_rate_init, power_t : float
        The initial learning rate; the exponent of invscaling.
    max_iter, max_fun : int
        The maximum number of epochs, or of lbfgs' iterations; the maximum number of lbfgs' evaluations.
    shuffle : bool
        Whether the order of the rows is shuffled for each epoch.
    random_state : int, RandomState or None
    tol, n_iter_no_change : float
        The training stops when the loss, or the score, has not improved by ``tol`` for more than ``n_iter_no_change`` epochs.
    verbose : bool, int or "live"
        True prints scikit-learn's lines; "live" draws the command line's live line, in a terminal or a notebook.
    warm_start : bool
        Whether ``fit`` continues from the parameters of the last fit.
    momentum, nesterovs_momentum : float, bool
        Of sgd.
    early_stopping, validation_fraction : bool, float
        Whether a fraction of the rows is held out, and its score decides when to stop and which parameters are the best.
    beta_1, beta_2, epsilon : float
        Of adam.
    class_weight : "balanced" or dict, optional
        The weight of each class's examples.
    dropout : float
        The probability of dropping a hidden unit in a training step; not available for lbfgs.
    standardize : bool
        Whether columns are centred and scaled, as by a ``StandardScaler``; sparse columns are scaled only.
    threads : int or "auto"
        The number of threads that train; it changes no number.
    checkpoint : path, optional
        A folder, made when the training begins, that always holds a checkpoint: a fit that was killed goes on from it, for adam and
        sgd. ``chainrule info`` and ``chainrule runs`` read it.
    checkpoint_every : str, optional
        The interval between two checkpoints: a time such as "30 s", "5 min" or "1 h", or epochs, such as "5 epochs"; by default
        "10 s".
    resume : bool
        Whether ``fit`` goes on from the folder's checkpoint, where it has one; without, a folder that is not empty is refused. It
        ends with the numbers of a fit that was never stopped. Hyperparameters and data must be those it was begun with;
        ``max_iter`` may be more, and ``threads`` and ``verbose`` may differ.
    allow_other_engine : bool
        Whether to resume a fit of another engine or instruction set, whose numbers differ in the last digits.

    Attributes
    ----------
    coefs_, intercepts_ : list of arrays
        The weights (n_in, n_out) and biases (n_out,) of each layer; the weights are views of those of ``network_``.
    network_ : Network
        The fitted network, which shares their memory.
    loss_, best_loss_, loss_curve_ : float, float or None, list of float
        The loss of the last epoch, the lowest loss, and the loss of each epoch; all include the penalty.
    validation_scores_, best_validation_score_ : list of float or None, float or None
        With ``early_stopping``, the score after each epoch, and the best.
    validation_loss_curve_ : list of float
        With ``X_val`` and without ``early_stopping``, the loss on it after each epoch, without the penalty.
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_ : int
        The epochs of the last fit, the samples seen in all, the layers including the input, the outputs, the columns.
    out_activation_ : str
        The activation of the output layer.
    classes_ : array, shape (n_classes,)
        The labels, in the order of the probabilities.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Any = None,
        dropout: float = 0.0,
        standardize: bool = False,
        threads: Any = "auto",
        checkpoint: Any = None,
        checkpoint_every: str | None = None,
        resume: bool = False,
        allow_other_engine: bool = False,
    ) -> None:
        store_hyperparameters(self, locals())

    @property
    def loss(self) -> str:
        """The name of the loss, ``"log_loss"``."""
        return "log_loss"

    def _fit_targets(self, y: Any, incremental: bool) -> None:
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = fit_label_binarizer(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(distinct_labels(y))

    def _check_classes(self, classes: AnyArray) -> None:
        """Refuse classes other than those of the first fit, in scikit-learn's words."""
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously got "
                    f"{self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {classes}.")

    def _binarizer(self) -> LabelBinarizer:
        """Return the fitted binarizer, or one made of the public attributes where a user has changed these.

        Raises
        ------
        ValueError
            When ``classes_`` is missing, or contains a label twice.
        """
        fitted = self.__dict__.get("_label_binarizer")
        classes = getattr(self, "classes_", None if fitted is None else fitted.classes_)
        if classes is None:
            raise ValueError("this classifier has no classes_; set it to the labels in the order of the network's outputs")
        classes = np.asarray(classes)
        kind = self._label_kind() or (fitted.y_type_ if fitted is not None else "")
        if fitted is not None and fitted.y_type_ == kind and _are_equal(fitted.classes_, classes):
            return fitted
        if len(np.unique(classes)) < len(classes):
            raise ValueError(f"classes_ must contain each label once; it is {classes}")
        return make_label_binarizer(classes, kind, sparse_input=getattr(fitted, "sparse_input_", False))

    def _label_kind(self) -> str | None:
        """Return the type of labels, in scikit-learn's words, that the outputs imply; None before there are outputs."""
        if not hasattr(self, "coefs_"):
            return None
        if self.__dict__.get("_label_binarizer") is not None and not hasattr(self, "out_activation_"):
            return None
        n_out = self._coef_shapes()[-1][1]
        if self._output_activation(n_out) == "softmax":
            return "multiclass"
        return "binary" if n_out == 1 else "multilabel-indicator"

    def _default_output_activation(self, n_out: int) -> str:
        if n_out > 1:
            raise ValueError(
                "this classifier has no out_activation_; set it to 'softmax' where each row has one class, or to 'logistic' where "
                "a row may have several labels"
            )
        return "logistic"

    def _encode_targets(self, y: Any) -> tuple[Any, str]:
        return encode_labels(self._binarizer(), y)

    def _decode_targets(self, targets: Any) -> Any:
        return decode_targets(self._binarizer(), targets)

    def _decode_outputs(self, outputs: Array) -> Any:
        return decode_outputs(self._binarizer(), outputs)

    def _count_outputs(self, targets: Any) -> int:
        return len(self.classes_) if self.out_activation_ == "softmax" else super()._count_outputs(targets)

    def _row_weights(self, y: Any, sample_weight: Any, X: Any) -> Any:
        weights = super()._row_weights(y, sample_weight, X)
        if self.class_weight is None:
            return weights
        class_weights = compute_sample_weight(self.class_weight, y)
        return class_weights if weights is None else weights * class_weights

    def _check_labelled_rows(self, X: Any, y: Any, y_name: str) -> tuple[Any, Any]:
        X, y = super()._check_labelled_rows(X, y, y_name)
        classes = self._binarizer().classes_
        unknown = np.setdiff1d(distinct_labels(y), classes)
        if len(unknown):
            raise ValueError(f"{y_name} has classes that were not trained on: {unknown}; the classes are {classes}")
        return X, y

    def _validation_score(self, y: Any, predictions: Any, sample_weight: Any) -> float:
        return accuracy_score(y, predictions, sample_weight=sample_weight)

    def predict(self, X: Any) -> Any:
        """Predict the class of each row of X.

        Returns
        -------
        array, shape (n_samples,)
            Labels; with several labels a row, 0s and 1s, shape (n_samples, n_classes).

        Raises
        ------
        ValueError
            When the network's outputs contain NaN.
        """
        outputs = self._outputs(X)
        largest = outputs.max()
        if largest != largest:  # NaN, as it is where any output is
            raise ValueError(
                "the network's outputs contain NaN, so no class can be predicted; look for NaN in coefs_ and intercepts_"
            )
        return self._decode_outputs(outputs)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class for each row of X, shape (n_samples, n_classes)."""
        outputs = self._outputs(X)
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of each class's probability for each row of X, shape (n_samples, n_classes)."""
        probabilities = self.predict_proba(X)
        return np.log(probabilities, out=probabilities)

    @available_if(lambda self: self._is_stochastic())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Train for one epoch on X and y, continuing from the last call.

        Parameters
        ----------
        X : array or sparse matrix, shape (n_samples, n_features)
        y : array, shape (n_samples,) or (n_samples, n_classes)
        sample_weight : array, shape (n_samples,), optional
        classes : array, shape (n_classes,)
            All classes; required in the first call.

        Returns
        -------
        self
        """
        with restore_on_failure(self):
            if _check_partial_fit_first_call(self, classes):
                self._label_binarizer = LabelBinarizer()
                self._label_binarizer.fit(y if type_of_target(y).startswith("multilabel") else classes)
            return self._fit(X, y, sample_weight, incremental=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _are_equal(first: AnyArray, second: AnyArray) -> bool:
    """Whether two arrays of labels have the same labels and the same dtype."""
    return first is second or (first.dtype == second.dtype and np.array_equal(first, second))
