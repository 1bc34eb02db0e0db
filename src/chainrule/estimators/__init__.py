"""The scikit-learn boundary: ``MLPClassifier`` and ``MLPRegressor``, the same numbers as scikit-learn's, on the engines here.

``classifier`` and ``regressor`` hold what a user sees, ``base`` what they share; ``draws`` takes every random number in
scikit-learn's order, ``rates`` its learning rates; ``epochs`` and ``lbfgs`` are its two ways to train. Its formulas live
in the engines: what differs are words, draws and counters.
"""

from .classifier import MLPClassifier
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
