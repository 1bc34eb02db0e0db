"""Where a warning is shown: at the line of the user's own that led to it."""

from __future__ import annotations

import sys

BETWEEN = ("chainrule", "sklearn", "joblib")


def frames_below_the_user() -> int:
    """Count the frames from the caller's to the user's own, for a warning's ``stacklevel``.

    That is the first outside this package, and outside those through which an estimator is called: pipelines, searches.
    """
    frame, count = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in BETWEEN:
        frame, count = frame.f_back, count + 1
    return count
