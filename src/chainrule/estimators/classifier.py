"""``MLPClassifier``: what is a classifier's own: labels, probabilities, the weights of classes."""

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

from .._types import Array
from . import gates
from .base import BaseMLP, keep, unharmed


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multi-layer perceptron classifier: scikit-learn's, number for number, on the fused engine.

    Every parameter and attribute is scikit-learn's ``MLPClassifier``'s, with its default; with the same integer ``random_state`` it
    is the same network. The last four are beyond scikit-learn's, and so is ``verbose="live"``.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
    activation : {"relu", "tanh", "logistic", "identity"}
        Of the hidden layers.
    solver : {"adam", "sgd", "lbfgs"}
    alpha : float
        The L2 penalty, divided by each mini-batch's weight.
    batch_size : int or "auto"
        "auto" is 200, or all rows where they are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}
        Of sgd.
    learning_rate_init, power_t : float
        The first rate; the power of invscaling.
    max_iter, max_fun : int
        Epochs at the most, or lbfgs' iterations; its evaluations.
    shuffle : bool
        Whether each epoch has an order of its own.
    random_state : int, RandomState or None
    tol, n_iter_no_change : float
        A training ends when the loss, or the score, was not better by ``tol`` for more than so many epochs.
    verbose : bool, int or "live"
        True prints scikit-learn's lines; "live" draws the command line's live line, in a terminal or a notebook.
    warm_start : bool
        Whether ``fit`` goes on from the last one.
    momentum, nesterovs_momentum : float, bool
        Of sgd.
    early_stopping, validation_fraction : bool, float
        Whether a part of the rows is held out, and its score decides the end and the best weights.
    beta_1, beta_2, epsilon : float
        Of adam.
    class_weight : "balanced" or dict, optional
        How much the examples of each class count.
    dropout : float
        The fraction of hidden activations that a training step drops; not with lbfgs, which takes no such steps.
    standardize : bool
        Whether columns are centred and scaled on entry, as by ``StandardScaler``; of sparse X they are scaled alone.
    threads : int or "auto"
        How many threads train; no number depends on it.

    Attributes
    ----------
    coefs_, intercepts_ : list of arrays
        Each layer's weights (n_in, n_out), views of the network's own, and biases (n_out,).
    network_ : Network
        The fitted network, which shares their memory.
    loss_, best_loss_, loss_curve_ : float, float or None, list of float
        The last epoch's loss, the least, and every epoch's, the penalty in it.
    validation_scores_, best_validation_score_ : list of float or None, float or None
        With ``early_stopping``.
    validation_loss_curve_ : list of float
        With a validation set of your own and without ``early_stopping``: its loss after each epoch, without the penalty.
    n_iter_, t_, n_layers_, n_outputs_, n_features_in_ : int
        Epochs of the last fit, samples seen in all, layers with the input's, outputs, columns.
    out_activation_ : str
    classes_ : array, shape (n_classes,)
        The labels, in the order of the probabilities.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMLP._parameter_constraints,
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
    ) -> None:
        keep(self, locals())

    @property
    def loss(self) -> str:
        """What is minimized."""
        return "log_loss"

    def _learn_targets(self, y: Any, incremental: bool) -> None:
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = gates.binarizer_of(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(gates.labels_of(y))

    def _targets(self, y: Any) -> tuple[Any, str]:
        binarizer = self._binarizer()
        if y.ndim == 1 and binarizer.y_type_ in ("binary", "multiclass"):
            rising = np.argsort(binarizer.classes_)  # which those that somebody has set need not be
            places = rising[np.searchsorted(binarizer.classes_, y, sorter=rising)]
            return (places, "softmax") if binarizer.y_type_ == "multiclass" else (places.astype(np.float64), "logistic")
        targets = binarizer.transform(y)
        return np.asarray(targets.todense() if hasattr(targets, "todense") else targets, np.float64), "logistic"

    def _binarizer(self) -> LabelBinarizer:
        """Give what turns labels into targets and back: the one that was fitted, or one made of the public attributes.

        Raises
        ------
        ValueError
            When ``classes_`` are missing, or name a label twice.
        """
        kept = self.__dict__.get("_label_binarizer")
        given = getattr(self, "classes_", None if kept is None else kept.classes_)
        if given is None:
            raise ValueError("this classifier has no classes_, the labels in the order of its outputs; set them")
        classes = np.asarray(given)
        kind = self._label_kind() or (kept.y_type_ if kept is not None else "")
        if kept is not None and kept.y_type_ == kind and _are_same(kept.classes_, classes):
            return kept
        if len(np.unique(classes)) < len(classes):
            raise ValueError(f"classes_ names a label twice: {classes}")
        made = LabelBinarizer()
        made.classes_, made.sparse_input_, made.y_type_ = classes, getattr(kept, "sparse_input_", False), kind
        return made

    def _label_kind(self) -> str | None:
        """Tell what labels are, in scikit-learn's words, by the outputs; None before there are some."""
        if not hasattr(self, "coefs_"):
            return None
        outputs = self._shapes()[-1][1]
        if self.__dict__.get("_label_binarizer") is not None and not hasattr(self, "out_activation_"):
            return None
        one_of_many = self._output_activation(outputs) == "softmax"
        return "multiclass" if one_of_many else "binary" if outputs == 1 else "multilabel-indicator"

    def _output_for(self, n_out: int) -> str:
        if n_out > 1:
            raise ValueError(
                "this classifier has no out_activation_; set 'softmax' where each row has one of the classes, 'logistic' where it "
                "may have several"
            )
        return "logistic"

    def _count_outputs(self, targets: Any) -> int:
        return len(self.classes_) if self.out_activation_ == "softmax" else super()._count_outputs(targets)

    def _weights(self, y: Any, sample_weight: Any, X: Any) -> Any:
        weights = super()._weights(y, sample_weight, X)
        if self.class_weight is None:
            return weights
        of_classes = compute_sample_weight(self.class_weight, y)
        return of_classes if weights is None else weights * of_classes

    def _read(self, X: Any, y: Any, name: str) -> tuple[Any, Any]:
        X, y = super()._read(X, y, name)
        classes = self._binarizer().classes_
        unknown = np.setdiff1d(gates.labels_of(y), classes)
        if len(unknown):
            raise ValueError(f"{name} has classes that were not trained on: {unknown}; there are {classes}.")
        return X, y

    def _check_classes(self, classes: Any) -> None:
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously got "
                    f"{self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {classes}.")

    def _as_told(self, targets: Any) -> Any:
        binarizer = self._binarizer()
        return binarizer.classes_[targets] if binarizer.y_type_ == "multiclass" else binarizer.inverse_transform(targets)

    def _answer(self, outputs: Array) -> Any:
        binarizer, n_out = self._binarizer(), outputs.shape[1]
        n_classes = len(binarizer.classes_)
        if n_out != n_classes and not (n_out == 1 and n_classes <= 2):
            raise ValueError(f"classes_ has {n_classes} labels, but the network has {n_out} outputs")
        if binarizer.y_type_ == "multiclass":
            return binarizer.classes_[outputs.argmax(axis=1)]
        if binarizer.y_type_ == "binary":  # of one class, which may be all there is, the last is the first
            return binarizer.classes_[np.minimum(outputs.ravel() > 0.5, len(binarizer.classes_) - 1, dtype=np.intp)]
        return binarizer.inverse_transform(outputs)

    def _score(self, y: Any, told: Any, sample_weight: Any) -> float:
        return accuracy_score(y, told, sample_weight=sample_weight)

    def predict(self, X: Any) -> Any:
        """Predict the class of each row of X, (n_samples,), or with several labels each, (n_samples, n_classes)."""
        outputs = self._outputs(X)
        largest = outputs.max()
        if largest != largest:  # so it is NaN, as it is where any output is
            raise ValueError("the network's outputs hold NaN, which stands for no class: look for NaN in coefs_ and intercepts_")
        return self._answer(outputs)

    def predict_proba(self, X: Any) -> Array:
        """Give the probability of each class, (n_samples, n_classes)."""
        outputs = self._outputs(X)
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def predict_log_proba(self, X: Any) -> Array:
        """Give the logarithms of the probabilities."""
        probabilities = self.predict_proba(X)
        return np.log(probabilities, out=probabilities)

    @available_if(lambda self: self._is_stochastic())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Go through X and y once more; the first call names all ``classes``."""
        with unharmed(self):
            if _check_partial_fit_first_call(self, classes):
                self._label_binarizer = LabelBinarizer()
                self._label_binarizer.fit(y if type_of_target(y).startswith("multilabel") else classes)
            return self._fit(X, y, sample_weight, incremental=True)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _are_same(one: Any, other: Any) -> bool:
    """Whether two arrays of labels hold the same, of one type."""
    return one is other or (one.dtype == other.dtype and np.array_equal(one, other))
