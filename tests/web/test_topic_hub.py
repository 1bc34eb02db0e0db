"""One stream of events is shared by the tabs of a browser: each gets the frames that it wants, and a hidden one gets none."""

from node import needs_node
from page_modules import run_module

pytestmark = needs_node

PLAY = """await (async () => {
    const streams = [], got = { one: [], two: [] };
    const hub = new m.TopicHub((topics, onFrame, onConnection) => {
        const stream = { topics, onFrame, onConnection, open: true };
        streams.push(stream);
        return () => { stream.open = false; };
    });
    const settled = () => new Promise((resolve) => setTimeout(resolve, 60));
    const one = hub.join((message) => got.one.push(message));
    const two = hub.join((message) => got.two.push(message));
    SCENE
    return { got, streams: streams.map(({ topics, open }) => ({ topics, open })) };
})()"""


def play(scene):
    """Play a scene with the tabs ``one`` and ``two``; give the messages that each got, and the streams that were opened."""
    return run_module("worker/topic_hub.js", PLAY.replace("SCENE", scene), None)


def test_one_stream_carries_the_topics_of_all_tabs():
    """Two tabs that come at once share one stream, and each gets the frames of its own topics."""
    played = play("""
        hub.setTopics(one, ["model", "run:1"]);
        hub.setTopics(two, ["run:2"]);
        await settled();
        for (const topic of ["model", "run:1", "run:2"]) streams[0].onFrame(topic, { of: topic });
    """)
    assert played["streams"] == [{"topics": ["model", "run:1", "run:2"], "open": True}]
    assert [message["topic"] for message in played["got"]["one"]] == ["model", "run:1"]
    assert [message["topic"] for message in played["got"]["two"]] == ["run:2"]


def test_a_tab_that_is_shown_again_gets_the_newest_frame():
    """A hidden tab, which wants no topics, gets nothing; shown again, it gets the newest frame at once."""
    played = play("""
        hub.setTopics(one, ["model"]);
        hub.setTopics(two, ["model"]);
        await settled();
        hub.setTopics(two, []);
        for (const step of [1, 2, 3]) streams[0].onFrame("model", { step });
        const hidden = got.two.length;
        hub.setTopics(two, ["model"]);
        got.two.push({ hidden });
    """)
    assert played["got"]["two"] == [{"topic": "model", "frame": {"step": 3}}, {"hidden": 0}]
    assert len(played["streams"]) == 1


def test_the_stream_ends_with_its_last_tab():
    """When all tabs are gone, or none wants a topic, no stream is open; a lost connection is told to every tab."""
    played = play("""
        hub.setTopics(one, ["model"]);
        await settled();
        streams[0].onConnection(false);
        hub.leave(one);
        await settled();
    """)
    assert played["streams"] == [{"topics": ["model"], "open": False}]
    assert played["got"] == {"one": [{"connected": False}], "two": [{"connected": False}]}
