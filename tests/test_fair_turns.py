"""Turns for threads: so many at a time, in the order of their arrival."""

import threading

import pytest
from live_runs import SECONDS, wait_until

from chainrule.web.fair_turns import FairTurns


def test_a_thread_that_comes_again_waits_behind_the_others():
    """Threads enter in the order in which they came, and one that has just left queues up again."""
    turns, order = FairTurns(1), []

    def enter(name):
        with turns:
            order.append(name)

    threads = []
    with turns:
        for k in range(5):
            threads.append(threading.Thread(target=enter, args=(k,)))
            threads[-1].start()
            wait_until(lambda k=k: len(turns._waiting) == k + 1)
    enter("again")
    for thread in threads:
        thread.join(SECONDS)
    assert order == [0, 1, 2, 3, 4, "again"]


def test_so_many_are_inside_at_once():
    """Never more threads are inside than may be, and as many as may be."""
    turns, inside, most, lock = FairTurns(3), 0, 0, threading.Lock()
    together = threading.Barrier(3)

    def work():
        nonlocal inside, most
        with turns:
            with lock:
                inside += 1
                most = max(most, inside)
            together.wait(SECONDS)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert (inside, most) == (0, 3)


def test_an_error_gives_the_turn_back():
    """A thread that leaves by an exception leaves its place free."""
    turns = FairTurns(1)
    with pytest.raises(ValueError, match="inside"), turns:
        raise ValueError("inside")
    with turns:
        pass
