"""The scikit-learn boundary: ``MLPClassifier`` and ``MLPRegressor``, the same numbers as scikit-learn's, on the engines here.

``mlp`` holds what a user sees; ``draws`` takes every random number in scikit-learn's order, ``rates`` its learning rates;
``epochs`` and ``lbfgs`` are its two ways to train. Its formulas live in the engines: what differs are words, draws and counters.
"""

from .mlp import MLPClassifier, MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
