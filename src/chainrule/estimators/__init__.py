"""scikit-learn's estimators ``MLPClassifier`` and ``MLPRegressor``: the same interface and numbers, computed by the engines; and
``TableClassifier`` and ``TableRegressor``, which take tables as people have them.

``classifier`` and ``regressor`` are the public classes. ``base`` (the steps of a fit) builds on ``solvers`` (the training),
``network_export`` (a ``Network``, a model file) and ``fitted_network`` (reading a network from public attributes, and its outputs),
each on the next. ``hyperparameters`` declares and checks the parameters; ``estimator_plan`` translates them for the engines;
``input_checks``, ``labels``, ``coefficients`` and ``validation_set`` read data. ``stochastic`` and ``lbfgs`` are the two kinds of
training; ``training_state`` is the state that warm starts continue from; ``learning_rates`` and ``random_state`` follow
scikit-learn's schedules and random draws; ``reporters`` show progress; ``calling_code`` lets Ctrl-C end a search. The estimators
of tables stand on ``table_base``, which calls the recipe in ``chainrule.recipes``; ``table_targets`` reads their targets.
"""

from .classifier import MLPClassifier
from .regressor import MLPRegressor
from .table_base import UnseenValuesWarning
from .table_classifier import TableClassifier
from .table_regressor import TableRegressor
from .table_targets import MissingTargetWarning, TargetNameWarning

__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "MissingTargetWarning",
    "TableClassifier",
    "TableRegressor",
    "TargetNameWarning",
    "UnseenValuesWarning",
]
