"""Server-sent events: topics to which any thread publishes, and streams that carry the newest frames of some of them.

A topic keeps one frame of each kind, the newest, and a stream sends a frame only when its reader has taken the one before. So a
training thread never waits for a reader, a slow reader gets fewer frames, and a stream that is opened anew begins with the newest.

In the stream, an event is named by the frame's kind, and its data is the frame as JSON, with the topic's name added::

    event: frame
    data: {"topic": "run:1f2e3d4c", "state": "running", ...}

    event: gone
    data: {"topic": "run:1f2e3d4c"}

``gone`` says that there is no such topic, or no more.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import msgspec

MOST_STREAMS = 32
"""The most streams that are open at once; a browser needs one for all its tabs."""

SECONDS_BETWEEN = 0.05
"""The time between two rounds of a stream: frames that are published in the meantime replace one another."""

KEEP_ALIVE_SECONDS = 15.0
"""After this time without a frame a stream sends a comment, so that a connection whose reader has gone is noticed."""

KEEP_ALIVE = b": nothing new\n\n"


class Frame:
    """The newest data of a topic and a kind; its event is encoded once, by the first stream that sends it."""

    def __init__(self, topic: str, kind: str, data: dict[str, Any]) -> None:
        self.kind = kind
        self._data = {"topic": topic, **data}
        self._event: bytes | None = None

    def event(self) -> bytes:
        """Encode the event."""
        if self._event is None:
            self._event = encode_event(self.kind, self._data)
        return self._event


def encode_event(kind: str, data: dict[str, Any]) -> bytes:
    r"""Encode one event; NaN and infinity become null.

    Examples
    --------
    >>> encode_event("frame", {"topic": "model", "epoch": 2})
    b'event: frame\ndata: {"topic":"model","epoch":2}\n\n'
    """
    return b"event: %s\ndata: %s\n\n" % (kind.encode("ascii"), msgspec.json.encode(data))


class Listener:
    """What wakes one stream, from any thread."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def wake(self) -> None:
        """Let the stream look for new frames."""
        if not self.woken.is_set():
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self.woken.set)


class Topic:
    """A source of frames, such as one run.

    Attributes
    ----------
    name : str
    on_watch : callable
        Called without arguments whenever a stream begins to carry the topic; it must return at once.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.on_watch: Callable[[], None] = _do_nothing
        self._frames: dict[str, Frame] = {}
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()  # held for a few instructions at a time

    @property
    def watched(self) -> bool:
        """Whether a stream carries the topic, so that computing a frame is worth the time."""
        return bool(self._listeners)

    def publish(self, kind: str, data: dict[str, Any]) -> None:
        """Replace the newest frame of a kind; may be called from any thread, and never waits for a reader.

        Parameters
        ----------
        kind : str
            The event's name, in ASCII.
        data : dict
            In types that JSON has; it must not be changed afterwards.
        """
        with self._lock:
            self._frames[kind] = Frame(self.name, kind, data)
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.wake()

    def frames(self) -> list[Frame]:
        """Give the newest frame of each kind."""
        with self._lock:
            return list(self._frames.values())

    def add(self, listener: Listener) -> None:
        """Wake a listener at every frame from now on."""
        with self._lock:
            self._listeners.add(listener)
        self.on_watch()

    def discard(self, listener: Listener) -> None:
        """Wake a listener no more."""
        with self._lock:
            self._listeners.discard(listener)

    def wake_all(self) -> None:
        """Wake every listener, to find that the topic is gone."""
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.wake()


class Hub:
    """All topics of a server, and the streams that carry them."""

    def __init__(self) -> None:
        self._topics: dict[str, Topic] = {}
        self._listeners: set[Listener] = set()
        self._admitted = 0
        self._closed = False

    def topic(self, name: str) -> Topic:
        """Give the topic of a name, made where there is none."""
        return self._topics.setdefault(name, Topic(name))

    def remove(self, name: str) -> None:
        """Remove a topic; the streams that carry it say that it is gone."""
        topic = self._topics.pop(name, None)
        if topic is not None:
            topic.wake_all()

    @property
    def is_full(self) -> bool:
        """Whether as many streams are admitted as there may be."""
        return self._admitted >= MOST_STREAMS

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count a stream from its admission to its end, also where its reader leaves before it begins."""
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    def close(self) -> None:
        """End every stream; called in the thread of the streams."""
        self._closed = True
        for listener in self._listeners:
            listener.wake()

    async def subscribe(self, names: Sequence[str]) -> AsyncIterator[bytes]:
        """Iterate over the events of some topics, the newest frames first, until ``close``.

        Parameters
        ----------
        names : sequence of str
            A name without a topic gives one event ``gone``.
        """
        with self._listening(names) as listener:
            sent: dict[tuple[str, str], Frame | None] = {}
            yield KEEP_ALIVE  # the response begins, also where no topic has a frame yet
            while not self._closed:
                listener.woken.clear()
                for event in self._unsent(names, sent):
                    yield event
                if not await _woken_within(listener, KEEP_ALIVE_SECONDS):
                    yield KEEP_ALIVE
                if not self._closed:
                    await asyncio.sleep(SECONDS_BETWEEN)

    @contextmanager
    def _listening(self, names: Sequence[str]) -> Iterator[Listener]:
        """Wake a new listener at the frames of these topics, while the block lasts."""
        listener = Listener()
        topics = [self._topics[name] for name in names if name in self._topics]
        self._listeners.add(listener)
        try:
            for topic in topics:
                topic.add(listener)
            yield listener
        finally:
            self._listeners.discard(listener)
            for topic in topics:
                topic.discard(listener)

    def _unsent(self, names: Sequence[str], sent: dict[tuple[str, str], Frame | None]) -> Iterator[bytes]:
        """Give the events of the frames that are newer than those in ``sent``, and note them there."""
        for name in names:
            topic = self._topics.get(name)
            if topic is None and (name, "gone") not in sent:
                sent[name, "gone"] = None
                yield encode_event("gone", {"topic": name})
            for frame in topic.frames() if topic is not None else ():
                if sent.get((name, frame.kind)) is not frame:
                    sent[name, frame.kind] = frame
                    yield frame.event()


async def _woken_within(listener: Listener, seconds: float) -> bool:
    """Wait until a listener is woken; tell whether it was within the time."""
    try:
        await asyncio.wait_for(listener.woken.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _do_nothing() -> None:
    """Serve as ``on_watch`` where the topic's owner needs no call."""
