"""A network's parameters at one moment as small pictures and numbers for a page: pure functions of a ``Network``.

Arrays of bytes are given in base64, so that a frame is one JSON object.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from math import isqrt
from typing import Any

import numpy as np

from .._types import AnyArray, Array
from ..errors import DataError
from ..examples import Examples
from ..explaining.batch_pass import run_batch
from ..network import Network
from .learning_curves import rounded

MOST_UNITS = 32
"""The most units of the first layer whose weights are shown."""

MOST_PIXELS = 1024
"""The most inputs of a network whose weights are shown."""

BINS = 24
"""The bins of a histogram of delta."""

GRID_SIDE = 64
"""The points of the decision boundary's grid along an axis."""

GRID_LIMIT = 1.2
"""The grid reaches from -GRID_LIMIT to GRID_LIMIT on both axes."""


def weight_pictures(network: Network) -> dict[str, Any] | None:
    """Draw the weights of the first layer's first units, all on one scale.

    Returns
    -------
    dict or None
        ``pixels``, in base64: for each unit ``rows x columns`` bytes, 128 for a weight of 0, 1 for ``-scale`` and 255 for
        ``scale``. ``scale`` is the largest magnitude that is shown, ``of`` the number of all units. None where the layer has too
        many inputs.
    """
    w = network.weights[0]
    if w.shape[1] > MOST_PIXELS:
        return None
    shown = w[:MOST_UNITS]
    scale = float(np.abs(shown).max()) or 1.0
    levels = np.rint(128 + shown * (127 / scale)).astype(np.uint8)
    rows, columns = _shape(network)
    return {
        "rows": rows,
        "columns": columns,
        "units": len(shown),
        "of": len(w),
        "scale": rounded(scale),
        "pixels": _base64(levels),
    }


def _shape(network: Network) -> tuple[int, int]:
    """Give the rows and columns of an input as a picture: of images their own, else one row."""
    n_in = network.sizes[0]
    if network.inputs is not None and network.inputs.is_image:
        rows, columns = network.inputs.shape[:2]
        return int(rows), int(columns)
    side = isqrt(n_in)
    return (side, side) if side * side == n_in and n_in in (64, 784) else (1, n_in)


def delta_histograms(network: Network, examples: Examples) -> list[dict[str, Any]]:
    """Count delta, ``dC/dz``, of each layer over some examples (BP1, BP2), in float64.

    Returns
    -------
    list of dict
        One a layer: ``counts`` in ``BINS`` equal bins from ``-limit`` to ``limit``, the largest ``|delta|``; and ``mean``, that of
        ``|delta|``.

    Raises
    ------
    DataError
        When a parameter is not finite, or the numbers overflow.
    """
    with np.errstate(all="ignore"):
        deltas = run_batch(network, examples).deltas
    if not all(np.isfinite(delta).all() for delta in deltas):
        raise DataError("the network's deltas overflow with these examples")
    return [_histogram(delta) for delta in deltas]


def _histogram(delta: Array) -> dict[str, Any]:
    sizes = np.abs(delta)
    limit = float(sizes.max())
    bins = np.zeros(delta.size, np.intp) + BINS // 2
    if limit > 0:
        bins = np.minimum(((delta.ravel() / limit + 1) * (BINS / 2)).astype(np.intp), BINS - 1)
    return {"counts": np.bincount(bins, minlength=BINS).tolist(), "limit": rounded(limit), "mean": rounded(float(sizes.mean()))}


def decision_boundary(network: Network) -> dict[str, Any] | None:
    """Evaluate a network of the plane with two outputs on a grid.

    Returns
    -------
    dict or None
        ``values``, in base64: ``side x side`` bytes, row by row from the lowest y, each row from the lowest x; 0 where class 0 is
        certain, 255 where class 1 is, with the boundary between 127 and 128; 128 too where the outputs are NaN. ``limit`` is the
        largest coordinate. None for other networks.
    """
    if network.sizes[0] != 2 or network.sizes[-1] != 2:
        return None
    a = network.feedforward(_grid(), threads=1)
    with np.errstate(all="ignore"):
        certainty = np.nan_to_num(np.clip((1 + a[:, 1] - a[:, 0]) / 2, 0, 1), nan=0.5)
    return {"side": GRID_SIDE, "limit": GRID_LIMIT, "values": _base64(np.rint(255 * certainty).astype(np.uint8))}


@cache
def _grid() -> AnyArray:
    axis = np.linspace(-GRID_LIMIT, GRID_LIMIT, GRID_SIDE, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    grid.flags.writeable = False
    return grid


def plane_points(examples: Examples) -> dict[str, Any] | None:
    """Give the points of the plane that a network trains on: ``x``, ``y`` and ``class``; None for other data."""
    if examples.n_in != 2 or examples.y is None:
        return None
    points = np.asarray(examples.x, np.float64)
    x, y = ([rounded(float(value)) for value in points[:, k]] for k in (0, 1))
    return {"x": x, "y": y, "class": np.asarray(examples.y).tolist()}


def _base64(values: AnyArray) -> str:
    return b64encode(values.tobytes()).decode("ascii")
