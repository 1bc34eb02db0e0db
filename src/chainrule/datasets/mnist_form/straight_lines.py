"""Straight lines from side to side of a picture: frames, ruled and squared paper, single rules."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._types import AnyArray, Array
from .components import Box, bounding_box
from .contrast import Mask

STRIPS = 30  # vertical strips through which a horizontal line is followed
STEEPEST_SLOPE = 0.12  # of a line that still counts as horizontal: 7 degrees
LEAST_COVERED = 0.9  # the share of a line that ink must cover, a tenth at either end not counted
THICKEST_LINE = 0.06  # of the longer side: anything wider is not a line

Indices = npt.NDArray[np.int_]


class Line(NamedTuple):
    """A straight line from side to side: its pixels, their bounding box, its width, and whether it is horizontal."""

    pixels: Mask
    box: Box
    width: float
    horizontal: bool


def find_lines(inked: Mask) -> list[Line]:
    """Find the straight lines that run from side to side, or nearly: the horizontal ones, then the vertical ones in the rest."""
    horizontal = [Line(pixels, bounding_box(pixels), width, True) for pixels, width in _horizontal_lines(inked)]
    vertical = _horizontal_lines((inked & ~unite_pixels(horizontal, inked)).T)
    return horizontal + [Line(pixels.T, bounding_box(pixels.T), width, False) for pixels, width in vertical]


def unite_pixels(lines: list[Line], inked: Mask) -> Mask:
    """Unite the pixels of all lines."""
    return np.any([np.zeros_like(inked), *(line.pixels for line in lines)], axis=0)


def _horizontal_lines(inked: Mask) -> list[tuple[Mask, float]]:
    """Find the lines from left to right: the pixels of each, without those of strokes that cross it, and its width."""
    from scipy import ndimage

    runs, count = ndimage.label(inked, [[0, 1, 0]] * 3)  # vertical runs of ink
    lengths = np.bincount(runs.ravel(), minlength=count + 1)
    lengths[0] = 0
    widest = max(THICKEST_LINE * max(inked.shape), 3)
    lines, paths = [], _covered_paths(inked)
    while len(paths):
        met = _runs_along(paths[0], runs, lengths)
        # A run is as long as the line is wide, or longer where a stroke crosses it. Along the bar of a 7 half of the runs may be
        # longer, so the width is a low quantile.
        width = float(np.quantile(lengths[met][met > 0], 0.25, method="nearest")) if met.any() else 0.0
        if np.mean(_drop_ends(met) > 0) >= LEAST_COVERED and width <= widest:
            line = np.unique(met[lengths[met] <= max(1.5 * width, width + 1)])  # a longer run belongs to a crossing stroke

            lines.append((np.isin(runs, line[line > 0]), width))
            lengths[line] = 0
        else:
            width = 1.0
        paths = paths[(np.abs(paths - paths[0])[:, [0, -1]] > width).all(axis=1)]
    return lines


def _runs_along(path: Indices, runs: Indices, lengths: Indices) -> Indices:
    """Look up the vertical run that a path meets in each column, or misses by one pixel; 0 where no remaining run is met."""
    height, width = runs.shape
    columns = np.arange(width)
    rows = np.rint(np.interp(columns, (np.arange(len(path)) + 0.5) * width / len(path) - 0.5, path)).astype(int)
    met = np.zeros(width, int)
    for offset in (-1, 1, 0):
        candidates = runs[np.clip(rows + offset, 0, height - 1), columns]
        met = np.where(lengths[candidates] > 0, candidates, met)
    return met


def _covered_paths(inked: Mask) -> Indices:
    """Find straight paths from left to right that ink covers, the best first: the row of each in every strip.

    Dynamic programming, strip by strip, finds the best path to every row at the right. It follows a line that is slanted, slightly
    bent, or crossed by strokes.
    """
    shares = _ink_share_in_strips(inked)
    reach = max(1, int(np.ceil(STEEPEST_SLOPE * inked.shape[1] / shares.shape[1])))
    scores, steps = _best_steps(shares, reach)
    rows = [np.arange(len(shares))]
    for step in reversed(steps):
        rows.append(rows[-1] + step[rows[-1]])
    paths = np.stack(rows[::-1], axis=1)
    covered = _drop_ends(shares[paths, np.arange(paths.shape[1])].T).mean(axis=0) >= LEAST_COVERED
    best = np.argsort(-scores, kind="stable")
    return paths[best[(covered & _is_straight(paths, inked.shape[1]))[best]]]


def _ink_share_in_strips(inked: Mask) -> Array:
    """Compute the share of each row that is inked in each strip, (rows, strips); a line may slant within a strip."""
    from scipy import ndimage

    edges = np.linspace(0, inked.shape[1], min(inked.shape[1], STRIPS) + 1).astype(int)
    slant = round(inked.shape[1] / (len(edges) - 1) / 20)
    thick = ndimage.maximum_filter1d(inked.astype(np.float64), 2 * slant + 1, axis=0)
    return np.add.reduceat(thick, edges[:-1], axis=1) / np.diff(edges)


def _best_steps(shares: Array, reach: int) -> tuple[Array, list[Indices]]:
    """Find the best path to each row at the right: its score, and for each strip the step back to the previous strip's row.

    The score is the ink covered, less 0.1 for each row by which the path moves.
    """
    moves = np.arange(-reach, reach + 1)
    scores, steps = shares[:, 0], []
    for share in shares.T[1:]:
        padded = np.pad(scores, reach, constant_values=-np.inf)
        previous = np.lib.stride_tricks.sliding_window_view(padded, len(moves)) - 0.1 * np.abs(moves)
        chosen = previous.argmax(axis=1)
        steps.append(moves[chosen])
        scores = share + previous[np.arange(len(share)), chosen]
    return scores, steps


def _is_straight(paths: Indices, width: int) -> Mask:
    """Test which paths are straight, with a slight bend allowed, and horizontal, with a slight slant allowed."""
    ends = paths[:, 0], paths[:, -1]
    bend = np.abs(paths - np.linspace(*ends, paths.shape[1], axis=1)).max(axis=1)
    return (bend <= 0.02 * width + 1) & (np.abs(ends[1] - ends[0]) <= STEEPEST_SLOPE * width + 1)


def _drop_ends(along: AnyArray) -> AnyArray:
    """Drop a tenth at either end, since a line may end short of the rim."""
    tenth = len(along) // 10
    return along[tenth : len(along) - tenth]
