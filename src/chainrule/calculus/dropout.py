"""Dropout's masks: a pure function of where one stands, so that there is no generator to save.

A draw is 32 bits of Philox4x64-10 (Salmon et al. 2011), a cipher of a counter: any engine can compute any mask at any time.
"""

from __future__ import annotations

import numpy as np

from .._types import Array

STREAM = 0x64726F706F7574  # "dropout": the key's second word, so that no other use of a seed meets these numbers
DRAWS_A_BLOCK = 8  # one block is four 64-bit words, each two draws, the low half first


def dropout_mask(shape: tuple[int, int], p: float, *, seed: int, step: int, layer: int, dtype: str = "float64") -> Array:
    """Draw what multiplies a layer's activations: 0 with probability ``p``, else ``1 / (1 - p)``.

    The factor keeps the expected activation what it is without dropout ("inverted" dropout, Srivastava et al. 2014), so that
    nothing need be scaled when predicting.

    Parameters
    ----------
    shape : (int, int)
        The rows of the mini-batch, and the units of the layer.
    p : float
        The probability of dropping a unit, at 0 <= p < 1; taken to the nearest multiple of 2**-32.
    seed, step, layer : int
        The training's seed (below 2**64), the number of updates done before this one, and the layer, 0 for the first.

    Notes
    -----
    Row r of the mini-batch owns the ``ceil(units / 8)`` blocks from ``r * ceil(units / 8)`` on. Block i is Philox of the
    counter ``(i + 1, layer, step, 0)`` under the key ``(seed, STREAM)``; the 1 is where NumPy's generator begins.

    Examples
    --------
    >>> dropout_mask((2, 4), 0.5, seed=0, step=0, layer=0)
    array([[0., 0., 0., 0.],
           [2., 0., 2., 0.]])
    """
    rows, units = shape
    blocks = -(-units // DRAWS_A_BLOCK)
    counter, key = np.array([0, layer, step, 0], np.uint64), np.array([seed, STREAM], np.uint64)
    philox = np.random.Philox(counter=counter, key=key)
    words = philox.random_raw(4 * blocks * rows).astype("<u8", copy=False)
    draws = words.view("<u4").reshape(rows, DRAWS_A_BLOCK * blocks)[:, :units]
    kept = draws >= np.uint32(min(round(p * 2**32), 2**32 - 1))
    return kept * np.dtype(dtype).type(1 / (1 - p))
