"""Ctrl-C in one of many fits that scikit-learn's own code makes: a search or a cross-validation must end as well."""

from __future__ import annotations

import sys

SINGLE_FITS = ("sklearn.base", "sklearn.utils", "sklearn.pipeline", "sklearn.compose")
"""The modules that a single fit passes through: decorators, pipelines and transformed targets."""


def raise_to_caller() -> None:
    """Raise KeyboardInterrupt where a search, a cross-validation or an ensemble called ``fit``; return in a single fit.

    A fit that Ctrl-C ended keeps what it learnt, and returns as usual. A search would then begin its next fit.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        module = frame.f_globals.get("__name__", "")
        if module.startswith(("sklearn.", "joblib.")) and not module.startswith(SINGLE_FITS):
            raise KeyboardInterrupt
