"""The figures that the estimators of tables are to reach on the suite, as ratios to their rivals' figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """A limit for the geometric mean of a peer's figure divided by a rival's.

    Attributes
    ----------
    own, rival : str
        Names of peers.
    limit : float
    inclusive : bool
        Whether the limit itself reaches the goal.
    """

    own: str
    rival: str
    limit: float
    inclusive: bool = True


def below(own: str, *rivals: str) -> tuple[Goal, ...]:
    """Make the goals of a smaller figure than each rival's."""
    return tuple(Goal(own, rival, 1.0, inclusive=False) for rival in rivals)


ERROR_GOALS = (
    *(Goal("chainrule", rival, 0.88) for rival in ("lightgbm", "xgboost", "random_forest")),
    Goal("chainrule", "sklearn_mlp", 0.60),
    Goal("chainrule", "sklearn_mlp_scaled", 0.80),
    *below("chainrule", "realmlp_td_s", "realmlp_td", "catboost"),
    *below("chainrule_1", "lightgbm", "xgboost", "random_forest"),
)

TIME_GOALS = (
    Goal("chainrule", "realmlp_td_s", 1 / 8),
    Goal("chainrule_1", "realmlp_td_s", 1 / 30),
    Goal("chainrule_1", "lightgbm", 4.0),
)

SLOWEST_FIT = 30.0
"""Seconds: the longest fit of five networks on any data set."""

NOT_WORSE_THAN = ("sklearn_mlp", "sklearn_mlp_scaled")
"""The pipelines that five networks are on no data set worse than, by more than one standard error."""
