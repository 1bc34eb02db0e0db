"""What the tests of sweeps share: a small set of digits, a space over it, and trainings of its runs by ``cr.train`` alone."""

import chainrule as cr

SPACE = {"hidden": [5, (6, 4)], "learning_rate": [0.5, 3.0]}
SETTINGS = {"epochs": 2, "batch_size": 10, "seeds": 2}


def digits_parts():
    """Give scikit-learn's digits, a few hundred of them: train, validation and test."""
    digits = cr.datasets.digits()
    return {"examples": digits.train[:300], "validation": digits.validation[:100], "test": digits.test[:100]}


def scores_of(result):
    """Give everything of a run but its time and its engine."""
    return (
        result.run.key,
        result.settings,
        result.validation_accuracy,
        result.validation_cost,
        result.test_accuracy,
        result.test_cost,
        result.cost,
        result.stopped,
        result.trained_epochs,
    )


def trained_alone(result, parts, **settings):
    """Train a run's network by ``cr.train``; give the network and its history."""
    values = dict(result.settings)
    network = cr.Network([64, *values.pop("hidden"), 10], seed=result.seed)
    history = cr.train(
        network, parts["examples"], validation=parts["validation"], epochs=result.epochs, batch_size=10, **values, **settings
    )
    return network, history
