"""Dropout masks: a pure function of (seed, step, layer, row, unit), so that no random generator has a state to save.

Each unit's random number is 32 bits of Philox4x64-10 (Salmon et al. 2011), a cipher of a counter: any engine can compute any mask
at any time.
"""

from __future__ import annotations

import numpy as np

from .._types import Array

STREAM = 0x64726F706F7574  # "dropout" in ASCII: the key's second word, so that no other use of a seed has these numbers
NUMBERS_PER_BLOCK = 8  # a block is four 64-bit words of two 32-bit numbers each, the low half first


def dropout_mask(shape: tuple[int, int], p: float, *, seed: int, step: int, layer: int, dtype: str = "float64") -> Array:
    """Draw the factors of a layer's activations: 0 with probability ``p``, else ``1 / (1 - p)``.

    The factors have mean 1 ("inverted" dropout, Srivastava et al. 2014), so that predictions need no scaling.

    Parameters
    ----------
    shape : (int, int)
        The rows of the mini-batch, and the units of the layer.
    p : float
        The probability of dropping a unit, 0 <= p < 1; rounded to a multiple of 2**-32.
    seed, step, layer : int
        The training's seed (below 2**64), the number of updates done before this one, and the layer, 0 for the first.

    Notes
    -----
    Row r of the mini-batch uses the ``ceil(units / 8)`` blocks from ``r * ceil(units / 8)`` on. Block i is Philox of the
    counter ``(i + 1, layer, step, 0)`` under the key ``(seed, STREAM)``; NumPy's generator begins at 1.

    Examples
    --------
    >>> dropout_mask((2, 4), 0.5, seed=0, step=0, layer=0)
    array([[0., 0., 0., 0.],
           [2., 0., 2., 0.]])
    """
    rows, units = shape
    blocks = -(-units // NUMBERS_PER_BLOCK)
    counter, key = np.array([0, layer, step, 0], np.uint64), np.array([seed, STREAM], np.uint64)
    philox = np.random.Philox(counter=counter, key=key)
    words = philox.random_raw(4 * blocks * rows).astype("<u8", copy=False)
    numbers = words.view("<u4").reshape(rows, NUMBERS_PER_BLOCK * blocks)[:, :units]
    kept = numbers >= np.uint32(min(round(p * 2**32), 2**32 - 1))
    return kept * np.dtype(dtype).type(1 / (1 - p))
