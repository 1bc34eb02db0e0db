"""The code of scikit-learn that called ``fit``: a search, a cross-validation or an ensemble makes many fits."""

from __future__ import annotations

import sys
from collections.abc import Iterator

SINGLE_FITS = ("sklearn.base", "sklearn.utils", "sklearn.pipeline", "sklearn.compose")
"""The modules that a single fit passes through: decorators, pipelines and transformed targets."""


def raise_to_caller() -> None:
    """Raise KeyboardInterrupt where a search, a cross-validation or an ensemble called ``fit``; return in a single fit.

    A fit that Ctrl-C ended keeps what it learnt, and returns as usual. A search would then begin its next fit.
    """
    if any(not module.startswith(SINGLE_FITS) for module in _calling_modules()):
        raise KeyboardInterrupt


def is_in_search() -> bool:
    """Whether a search or a cross-validation of scikit-learn called ``fit``: it fits copies of one estimator."""
    return any(module.startswith("sklearn.model_selection") for module in _calling_modules())


def _calling_modules() -> Iterator[str]:
    """Give the modules of scikit-learn and joblib among the callers, the innermost first."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        module = frame.f_globals.get("__name__", "")
        if module.startswith(("sklearn.", "joblib.")):
            yield module
