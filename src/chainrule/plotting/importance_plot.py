"""The plot of permutation importance: a bar for each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._types import AnyArray
from ..errors import DataError
from .figure_style import BLUE, fit_names, new_figure, report_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_BARS = 30


def importance(names: Sequence[str], means: AnyArray, stds: AnyArray, score: str, *, higher_is_better: bool = True) -> Figure:
    """Plot the importance of each column as a horizontal bar, with its spread, the most important first; at most ``MOST_BARS``.

    Parameters
    ----------
    names : sequence of str, length n
    means, stds : array of float, shape (n,)
        The importance and its standard deviation over the repeats, as ``permutation_importance`` returns them.
    score : str
        The score's name, such as "accuracy".
    higher_is_better : bool
        False for an error, such as RMSE, which rises when an important column is permuted.

    Raises
    ------
    DataError
        When the numbers of names and means differ, or there are none.
    MissingExtra
        When matplotlib is not installed.
    """
    if not len(names) or not len(names) == len(means) == len(stds):
        raise DataError(
            f"names, means and stds must have the same length, at least 1; the lengths are {len(names)}, {len(means)}, {len(stds)}"
        )
    shown = np.argsort(-np.asarray(means), kind="stable")[:MOST_BARS]
    places = np.arange(len(shown))
    with report_style():
        figure = new_figure(6.4, 0.9 + 0.22 * len(shown))
        ax = figure.subplots()
        spread = {"ecolor": "#333333", "elinewidth": 1, "capsize": 2}
        ax.barh(places, np.asarray(means)[shown], xerr=np.asarray(stds)[shown], height=0.7, color=BLUE, alpha=0.75, error_kw=spread)
        ax.set_yticks(places, fit_names([names[k] for k in shown], 36))
        ax.set_ylim(len(shown) - 0.4, -0.6)
        ax.axvline(0, color="#555555", linewidth=0.8)
        ax.grid(axis="x", color="#E4E4E4", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(f"{'fall' if higher_is_better else 'rise'} of the {score} when the column is permuted")
        if len(names) > MOST_BARS:
            ax.set_title(f"the {MOST_BARS} most important of {len(names):,} columns")
    return figure
