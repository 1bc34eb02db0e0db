"""``dropout`` in the estimators."""

import numpy as np
import pytest
from sklearn_comparison import (
    IRIS,
)

import chainrule as cr

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:this chainrule was installed without its kernels"),
]


def test_dropout_trains_other_weights_that_the_seed_decides():
    """Dropout trains other parameters, the same for the same seed."""
    settings = {"max_iter": 3, "random_state": 0}
    plain, dropped, again = (cr.MLPClassifier(**settings, dropout=dropout).fit(*IRIS) for dropout in (0.0, 0.3, 0.3))
    assert not np.allclose(plain.coefs_[0], dropped.coefs_[0])
    assert np.array_equal(dropped.coefs_[0], again.coefs_[0])


def test_lbfgs_refuses_dropout():
    """Lbfgs has no mini-batches for which to drop units."""
    with pytest.raises(ValueError, match="dropout draws units for each mini-batch"):
        cr.MLPClassifier(solver="lbfgs", dropout=0.3).fit(*IRIS)
