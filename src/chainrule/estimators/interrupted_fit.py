"""Ctrl-C in a fit that scikit-learn's own code called: a search or a cross-validation must end as well."""

from __future__ import annotations

import sys

WRAPPERS = ("sklearn.base", "sklearn.utils")
"""The modules of the decorators that a call of ``fit`` itself passes through."""


def raise_to_caller() -> None:
    """Raise KeyboardInterrupt where a search, a cross-validation or a pipeline called ``fit``; return where the user did.

    A fit that Ctrl-C ended keeps what it learnt, and returns as usual. A search would then begin its next fit.
    """
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        module = frame.f_globals.get("__name__", "")
        if module.startswith(("sklearn.", "joblib.")) and not module.startswith(WRAPPERS):
            raise KeyboardInterrupt
