"""The sum of one vector of each worker, on every worker with the same bits.

Short vectors are sent whole, log2(workers) times (recursive doubling). Of longer ones each worker sums one part, which the others
then take over (recursive halving and doubling), so that a worker sends and receives fewer than two vectors, however many workers
there are (Rabenseifner 2004; Thakur, Rabenseifner and Gropp 2005).
"""

from __future__ import annotations

from collections.abc import Callable

from .._types import Array

SHORT_BYTES = 16 << 10
"""The length up to which sending the whole vector takes less time than sending its halves one after another."""

Exchange = Callable[[int, Array, Array], None]
"""``exchange(partner, sent, received)`` sends an array to another worker, and fills one with what that worker sends."""


def core_size(workers: int) -> int:
    """Give the largest power of 2 that is not above the number of workers: so many take part in halving and doubling.

    Examples
    --------
    >>> [core_size(workers) for workers in (1, 2, 3, 4, 7)]
    [1, 2, 2, 4, 4]
    """
    return 1 << (workers.bit_length() - 1)


def partners(rank: int, workers: int) -> list[int]:
    """Give the workers that one exchanges vectors with, in ascending order.

    Examples
    --------
    >>> partners(0, 6), partners(5, 6)
    ([1, 2, 4], [1])
    """
    core = core_size(workers)
    if rank >= core:
        return [rank - core]
    within = [rank ^ mask for mask in _masks(core)]
    return sorted(within + [rank + core] * (rank + core < workers))


def sum_over_workers(vector: Array, rank: int, workers: int, exchange: Exchange) -> Array:
    """Sum a vector over all workers.

    Every worker calls this with a vector of the same shape and dtype. Each entry is summed in an order that the number of workers
    decides, so that all get the same bits.

    Parameters
    ----------
    vector : array, shape (n,)
        This worker's. It is not written to.
    rank : int
        This worker's number, from 0.
    workers : int
    exchange : callable

    Returns
    -------
    array, shape (n,)
    """
    core, total, received = core_size(workers), vector.copy(), vector[:0].copy()
    if rank >= core:  # one more than the power of 2: its partner adds its vector, and sends the sum
        exchange(rank - core, total, received)
        exchange(rank - core, received, total)
        return total
    has_extra = rank + core < workers
    if has_extra:
        extra = vector.copy()
        exchange(rank + core, received, extra)
        total += extra
    combine = _double if vector.nbytes <= SHORT_BYTES else _halve_and_double
    combine(total, rank, core, exchange)
    if has_extra:
        exchange(rank + core, total, received)
    return total


def _double(total: Array, rank: int, core: int, exchange: Exchange) -> None:
    """Sum whole vectors: after each exchange a worker has the sum of twice as many."""
    received = total.copy()
    for mask in _masks(core):
        exchange(rank ^ mask, total, received)
        total += received  # the partner adds the same two numbers, and a + b = b + a in every bit


def _halve_and_double(total: Array, rank: int, core: int, exchange: Exchange) -> None:
    """Sum a part of the vector, half as long after each exchange; then put the parts together again."""
    first, last = 0, len(total)
    halved: list[tuple[int, slice, slice]] = []
    received = total[: (len(total) + 1) // 2].copy()
    for mask in reversed(_masks(core)):
        middle = (first + last) // 2
        kept, sent = slice(first, middle), slice(middle, last)
        if rank & mask:
            kept, sent = sent, kept
        part = received[: kept.stop - kept.start]
        exchange(rank ^ mask, total[sent], part)
        total[kept] += part
        halved.append((rank ^ mask, kept, sent))
        first, last = kept.start, kept.stop
    for partner, kept, sent in reversed(halved):
        exchange(partner, total[kept], total[sent])


def _masks(core: int) -> list[int]:
    """Give 1, 2, 4, ... below a power of 2: the differences in rank of the workers that exchange."""
    return [1 << k for k in range(core.bit_length() - 1)]
