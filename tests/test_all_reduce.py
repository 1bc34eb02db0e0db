"""The sum over workers: its value, its bits on every worker, and the connections that it goes over."""

import socket
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.distributed.all_reduce import SHORT_BYTES, partners, sum_over_workers
from chainrule.distributed.peers import PIECE_BYTES, PeerLost, Peers

LIMIT = 30.0  # seconds until a test that waits for nothing fails


@pytest.fixture
def connected():
    """Give a function that connects so many workers over loopback; their connections end with the test."""
    made = []

    def connect(workers, key=b"key"):
        peers = [Peers(rank, workers, "127.0.0.1") for rank in range(workers)]
        made.extend(peers)
        addresses = [each.listen(key) for each in peers]
        with ThreadPoolExecutor(workers) as pool:
            for done in [pool.submit(each.connect, addresses, key) for each in peers]:
                done.result(LIMIT)
        return peers

    yield connect
    for each in made:
        each.close()


def sums_of(peers, vectors):
    """Sum vectors, each worker in a thread."""
    with ThreadPoolExecutor(len(peers)) as pool:
        running = [
            pool.submit(sum_over_workers, vector, rank, len(peers), peers[rank].exchange) for rank, vector in enumerate(vectors)
        ]
        return [done.result(LIMIT) for done in running]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("workers", [1, 2, 3, 4, 5, 7, 8])
def test_every_worker_gets_the_sum_with_the_same_bits(connected, workers, dtype):
    """For vectors of any length, short and long, each worker has the same bits, which are the sum to rounding."""
    peers = connected(workers)
    longest = 3 * SHORT_BYTES // np.dtype(dtype).itemsize + 5
    for length in (0, 1, 3, 1000, longest):
        vectors = [np.random.default_rng([rank, length]).normal(size=length).astype(dtype) for rank in range(workers)]
        kept = [vector.copy() for vector in vectors]
        sums = sums_of(peers, vectors)
        for found in sums:
            assert np.array_equal(found, sums[0])
        np.testing.assert_allclose(
            sums[0], np.sum(np.array(vectors, np.float64), axis=0), atol=1e-5 if dtype == "float32" else 1e-13
        )
        for vector, before in zip(vectors, kept, strict=True):
            assert np.array_equal(vector, before), "the argument was written to"


@given(st.integers(1, 300), st.data())
@settings(max_examples=60)
def test_partners_know_each_other(workers, data):
    """Who exchanges with another is exchanged with by that one; there are at most log2(workers) + 1."""
    rank = data.draw(st.integers(0, workers - 1))
    for other in partners(rank, workers):
        assert rank in partners(other, workers)
    assert len(partners(rank, workers)) <= workers.bit_length()


def test_two_workers_send_more_than_the_connection_holds(connected):
    """Both sides send megabytes at once, of different lengths, and none waits for ever."""
    peers = connected(2)
    sent = [np.arange(1_000_003, dtype=np.float64), np.arange(700_001, dtype=np.float64) + 0.5]
    received = [np.empty(700_001), np.empty(1_000_003)]
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(peers[k].exchange, 1 - k, sent[k], received[k]) for k in (0, 1)]:
            done.result(LIMIT)
    assert sent[0].nbytes > 20 * PIECE_BYTES
    assert np.array_equal(received[0], sent[1])
    assert np.array_equal(received[1], sent[0])


def test_the_end_of_a_worker_is_seen_by_those_who_wait(connected):
    """A worker that waits for one whose connections end raises PeerLost."""
    peers = connected(2)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(peers[0].exchange, 1, np.zeros(3), np.empty(3))
        peers[1].close()
        with pytest.raises(PeerLost):
            waiting.result(LIMIT)


def test_abort_wakes_a_worker_that_waits_for_one_that_hangs(connected):
    """The other side sends nothing and stays connected; ``abort`` from another thread ends the wait."""
    peers = connected(2)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(peers[0].exchange, 1, np.zeros(3), np.empty(3))
        peers[0].abort()
        with pytest.raises(PeerLost):
            waiting.result(LIMIT)


def test_abort_wakes_a_worker_that_waits_for_others_to_connect():
    """A worker that nobody calls stops waiting."""
    peers = Peers(0, 2, "127.0.0.1")
    addresses = [peers.listen(b"key"), ("127.0.0.1", 1)]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(peers.connect, addresses, b"key")
        peers.abort()
        with pytest.raises(PeerLost):
            waiting.result(LIMIT)
    peers.close()


def test_a_stranger_without_the_key_is_not_a_worker():
    """Who connects with another key, says nothing, or names no worker's rank is turned away, and the workers still connect."""
    key = b"key"
    peers = [Peers(rank, 2, "127.0.0.1") for rank in range(2)]
    addresses = [each.listen(key) for each in peers]
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(peers[0].connect, addresses, key)
        socket.create_connection(addresses[0]).close()
        stranger = Peers(1, 2, "127.0.0.1")
        with pytest.raises(PeerLost):
            stranger.connect(addresses, b"another")
        wrong = Peers(5, 6, "127.0.0.1")  # its partner is worker 1
        wrong.connect([addresses[0]] * 6, key)
        second = pool.submit(peers[1].connect, addresses, key)
        first.result(LIMIT)
        second.result(LIMIT)
    vectors = [np.ones(2), np.ones(2)]
    assert [found.tolist() for found in sums_of(peers, vectors)] == [[2.0, 2.0]] * 2
    for each in (*peers, stranger, wrong):
        each.close()


def test_a_worker_that_cannot_be_reached_is_lost():
    """Nothing listens at the address of another worker."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = unused.getsockname()
    with pytest.raises(PeerLost):
        Peers(1, 2, "127.0.0.1").connect([address, address], b"key")
