"""Dropout masks: a pure function of (seed, step, layer, row, unit), so that no random generator has a state to save.

Each unit's random number is 16 bits of Philox4x32-7 (Salmon et al. 2011), a cipher of a counter: any engine can compute any mask at
any time. Seven rounds are the fewest that pass all tests of BigCrush, and 32-bit products are those that vectors of every processor
have.
"""

from __future__ import annotations

import numpy as np

from .._types import AnyArray, Array

ROUNDS = 7
MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
KEY_STEPS = 0x9E3779B9, 0xBB67AE85  # the golden ratio and the square root of 3, as fractions of 2**32
LOW_HALF = 0xFFFFFFFF

DRAWS = 2**16  # how many values a unit's number has
DRAWS_PER_BLOCK = 8  # a block is four 32-bit words of two numbers each, the low half first


def dropout_mask(shape: tuple[int, int], p: float, *, seed: int, step: int, layer: int, dtype: str = "float64") -> Array:
    """Draw the factors of a layer's activations: 0 with probability ``p``, else ``1 / (1 - p)``.

    The factors have mean 1 ("inverted" dropout, Srivastava et al. 2014), so that predictions need no scaling.

    Parameters
    ----------
    shape : (int, int)
        The rows of the mini-batch, and the units of the layer.
    p : float
        The probability of dropping a unit, 0 <= p < 1. It is rounded to a multiple of 2**-16, at most 1 - 2**-16; the factor
        ``1 / (1 - p)`` is that of the rounded ``p``, so that the mean is 1 exactly.
    seed, step, layer : int
        The training's seed (below 2**64), the number of updates done before this one, and the layer, 0 for the first.

    Examples
    --------
    >>> dropout_mask((2, 4), 0.5, seed=0, step=0, layer=0)
    array([[2., 0., 0., 0.],
           [0., 0., 2., 2.]])
    """
    dropped = min(round(p * DRAWS), DRAWS - 1)  # the draws below this number drop a unit
    kept = dropout_draws(shape, seed=seed, step=step, layer=layer) >= dropped
    return kept * np.dtype(dtype).type(DRAWS / (DRAWS - dropped))


def dropout_draws(shape: tuple[int, int], *, seed: int, step: int, layer: int) -> AnyArray:
    """Draw the number of each unit, uniform on 0 .. 2**16 - 1: uint16 of ``shape``.

    Parameters
    ----------
    shape, seed, step, layer
        As ``dropout_mask`` takes them.

    Notes
    -----
    Row r of the mini-batch uses the ``2 * ceil(units / 16)`` blocks from ``r * 2 * ceil(units / 16)`` on, modulo 2**32. Block i is
    Philox of the counter ``(i, layer, step mod 2**32, step // 2**32)`` under the key ``(seed mod 2**32, seed // 2**32)``.
    """
    rows, units = shape
    blocks = 2 * -(-units // (2 * DRAWS_PER_BLOCK))  # of a row: whole pairs, since the kernels' vectors hold 16 numbers
    counter = np.empty((rows * blocks, 4), np.uint64)
    counter[:] = 0, layer, step & LOW_HALF, step >> 32
    counter[:, 0] = np.arange(rows * blocks) & LOW_HALF
    words = philox(counter, (seed & LOW_HALF, seed >> 32)).astype("<u4")
    return words.view("<u2").reshape(rows, blocks * DRAWS_PER_BLOCK)[:, :units]


def philox(counter: AnyArray, key: tuple[int, int]) -> AnyArray:
    """Compute Philox4x32-7 of many counters under one key.

    Parameters
    ----------
    counter : (n, 4) array of uint64
        The words of each counter, below 2**32.
    key : (int, int)
        The key's words, below 2**32.

    Returns
    -------
    (n, 4) array of uint64
        Random words, below 2**32.
    """
    c0, c1, c2, c3 = counter.T
    for k in range(ROUNDS):
        k0, k1 = ((word + k * step) & LOW_HALF for word, step in zip(key, KEY_STEPS, strict=True))
        product_0, product_1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c1 = (product_1 >> 32) ^ c1 ^ k0, product_1 & LOW_HALF
        c2, c3 = (product_0 >> 32) ^ c3 ^ k1, product_0 & LOW_HALF
    return np.stack([c0, c1, c2, c3], axis=1)
