"""The hub of events: newest frames, readers that are slow or gone, threads that publish."""

import asyncio
import json
import threading
from contextlib import ExitStack

import pytest

from chainrule.web.events import KEEP_ALIVE, MOST_STREAMS, Hub

SECONDS = 60
"""After this time a test gives up waiting: a guard against a hang."""


@pytest.fixture(autouse=True)
def no_keep_alive(monkeypatch):
    """A stream that nobody wakes waits for ever, in place of looking again after a while."""
    monkeypatch.setattr("chainrule.web.events.KEEP_ALIVE_SECONDS", 1e6)


def run(coroutine):
    """Run a coroutine to its end, which must come."""

    async def guarded():
        return await asyncio.wait_for(coroutine, SECONDS)

    return asyncio.run(guarded())


def parsed(event):
    """Give an event's name and its data."""
    name, data = event.decode().strip().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def first(events, count):
    """Give the first events that are not comments."""
    found = []
    async for event in events:
        if event != KEEP_ALIVE:
            found.append(parsed(event))
        if len(found) == count:
            break
    await events.aclose()
    return found


def test_a_stream_begins_with_the_newest_frame_of_each_kind():
    """Of several frames of a kind a new stream gets the newest, and one of each kind, with the topic's name."""

    async def read():
        hub = Hub()
        topic = hub.topic("run:1")
        for epoch in range(3):
            topic.publish("frame", {"epoch": epoch})
        topic.publish("note", {"text": "a"})
        return await first(hub.subscribe(["run:1"]), 2)

    assert run(read()) == [("frame", {"topic": "run:1", "epoch": 2}), ("note", {"topic": "run:1", "text": "a"})]


def test_a_frame_is_sent_once():
    """A stream that is woken by one topic does not repeat the frame of another."""

    async def read():
        hub = Hub()
        hub.topic("run:1").publish("frame", {})
        hub.topic("run:2")
        found = []
        events = hub.subscribe(["run:1", "run:2"])
        async for event in events:
            if event == KEEP_ALIVE:
                continue
            found.append(parsed(event)[1]["topic"])
            hub.topic("run:2").publish("frame", {})
            if len(found) == 4:
                break
        await events.aclose()
        return found

    assert run(read()) == ["run:1", "run:2", "run:2", "run:2"]


def test_frames_that_a_slow_reader_missed_are_left_out():
    """A reader that comes back after many frames gets the newest alone."""

    async def read():
        hub = Hub()
        topic = hub.topic("run:1")
        topic.publish("frame", {"epoch": 0})
        events = hub.subscribe(["run:1"])
        found = []
        async for event in events:
            if event == KEEP_ALIVE:
                continue
            found.append(parsed(event)[1]["epoch"])
            if len(found) == 2:
                break
            for epoch in range(1, 100):  # while the reader is busy
                topic.publish("frame", {"epoch": epoch})
        await events.aclose()
        return found

    assert run(read()) == [0, 99]


def test_threads_publish_to_several_streams():
    """The last frame that a thread publishes reaches every stream, whatever the order of their steps."""

    async def read():
        hub = Hub()
        topic = hub.topic("run:1")

        async def until_last():
            async for event in hub.subscribe(["run:1"]):
                if event != KEEP_ALIVE and parsed(event)[1]["step"] == 4999:
                    return True
            return False

        streams = [asyncio.create_task(until_last()) for _ in range(10)]
        await asyncio.sleep(0)
        thread = threading.Thread(target=lambda: [topic.publish("frame", {"step": step}) for step in range(5000)])
        thread.start()
        return await asyncio.gather(*streams)

    assert run(read()) == [True] * 10


def test_a_topic_is_watched_while_a_stream_carries_it():
    """``watched`` is true from the first step of a stream to its end, and ``on_watch`` is called at its beginning."""

    async def read():
        hub = Hub()
        topic, calls = hub.topic("run:1"), []
        topic.on_watch = lambda: calls.append(topic.watched)
        before = topic.watched
        events = hub.subscribe(["run:1"])
        await anext(events)
        during = topic.watched
        await events.aclose()
        return before, calls, during, topic.watched

    assert run(read()) == (False, [True], True, False)


def test_missing_and_removed_topics_are_gone():
    """A name without a topic gives one event ``gone``, and so does a topic that is removed while a stream carries it."""

    async def read():
        hub = Hub()
        hub.topic("run:1").publish("frame", {})
        events = hub.subscribe(["run:1", "run:2"])
        found = []
        async for event in events:
            if event != KEEP_ALIVE:
                found.append(parsed(event))
            if len(found) == 2:
                hub.remove("run:1")
            if len(found) == 3:
                break
        await events.aclose()
        return found

    gone = [("gone", {"topic": "run:2"}), ("gone", {"topic": "run:1"})]
    assert run(read()) == [("frame", {"topic": "run:1"}), *gone]


def test_closing_the_hub_ends_every_stream():
    """Streams that wait for a frame end when the hub is closed, and later ones at once."""

    async def read():
        hub = Hub()
        hub.topic("run:1")

        async def drain():
            return [event async for event in hub.subscribe(["run:1"])]

        waiting = asyncio.create_task(drain())
        await asyncio.sleep(0.1)
        hub.close()
        return await waiting, await drain()

    assert run(read()) == ([KEEP_ALIVE], [KEEP_ALIVE])


def test_the_number_of_streams_is_counted():
    """``is_full`` holds while as many streams are admitted as there may be, whether their events have begun or not."""
    hub = Hub()
    with ExitStack() as streams:
        for _ in range(MOST_STREAMS):
            assert not hub.is_full
            streams.enter_context(hub.counting())
        assert hub.is_full
    assert not hub.is_full


def test_numbers_that_json_lacks_become_null():
    """NaN and infinity become null, so that every browser can read an event."""

    async def read():
        hub = Hub()
        hub.topic("run:1").publish("frame", {"cost": [float("nan"), float("inf"), 1.0]})
        return await first(hub.subscribe(["run:1"]), 1)

    assert run(read())[0][1]["cost"] == [None, None, 1.0]
