"""The order of an epoch's examples, and the blocks it is cut into: one block is one call of ``Session.advance``.

Between two blocks Python can raise ``KeyboardInterrupt``, and the live line sees the number of steps done.
"""

from __future__ import annotations

import numpy as np

from ._types import Indices, is_sparse
from .examples import Examples
from .plan import Plan

BLOCK_SECONDS = 0.05


def epoch_order(n: int, seed: int, epoch: int) -> Indices:
    """Draw the order of n examples in an epoch (from 1): a permutation that depends on (seed, epoch) alone."""
    return np.random.default_rng([seed, epoch]).permutation(n)


def block_length(plan: Plan, examples: Examples) -> int:
    """Count the examples of a block: about ``BLOCK_SECONDS`` of work on a common core, in whole mini-batches.

    It depends on the plan and the data alone, never on the clock, so that an epoch is cut at the same places on every machine.
    """
    entries = sum(layer.n_in * layer.n_out for layer in plan.layers)
    multiplied = entries
    if is_sparse(examples.x):
        stored_per_row = examples.x.indptr[-1] / len(examples)
        multiplied += round((stored_per_row - plan.layers[0].n_in) * plan.layers[0].n_out)
    calls = 15e-6 * len(plan.layers)
    arithmetic = 6 * multiplied * plan.batch_size / 50e9
    update = entries * (1 + len(plan.optimizer.slots)) / 2e9
    return max(1, round(BLOCK_SECONDS / (calls + arithmetic + update))) * plan.batch_size
