"""The ``stacklevel`` of a warning, so that it points at the user's own line."""

from __future__ import annotations

import sys

SKIPPED_PACKAGES = ("chainrule", "sklearn", "joblib")
"""This package, and those that call estimators for the user: pipelines and searches."""


def user_stacklevel() -> int:
    """Give the ``stacklevel`` for ``warnings.warn``.

    It is the number of stack frames from the caller's to the first one outside ``SKIPPED_PACKAGES``.
    """
    frame, count = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in SKIPPED_PACKAGES:
        frame, count = frame.f_back, count + 1
    return count
