"""The server as a process: its first line, its end, its models, and faults that it survives."""

import json
import re
import signal
import socket
import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest
from server_process import MAIN, SECONDS, serving, wait_for
from test_guard import one_line

import chainrule as cr
from chainrule.errors import MissingExtra
from chainrule.web import LIBRARIES, check_installed


def test_the_first_line_is_the_address(server):
    """The first line is a link to the loopback and a free port, and the page answers there."""
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", server.link)
    with server.client() as client:
        answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_ends_the_server_with_streams_open_and_trainings_running(number, status):
    """Ctrl-C and SIGTERM end a server that trains a network and a run, and has streams open, in little more than a second."""
    with serving() as server, server.client() as client:
        run = client.post("/api/runs", json={"data": "mnist", "hidden": [100], "epochs": 1000}).json()["id"]
        client.post(f"/api/runs/{run}/start")
        with client.stream("GET", f"/api/events?topics=model,run:{run}") as stream:
            lines = stream.iter_lines()
            wait_for(lambda: next(lines).startswith("data:"))
            began = time.monotonic()
            assert server.end(number) == (status, "")
            assert time.monotonic() - began < 10  # a guard against a hang


def test_a_signal_ends_the_server_within_a_long_request(digits_file, monkeypatch):
    """Ctrl-C ends a server while a request is computed that would take minutes more."""
    slow = f"""
import time
import chainrule.web.drawing as drawing
drawing.Drawing.read = lambda self, pixels: (print("reading", flush=True), time.sleep(600))
{MAIN}
"""
    monkeypatch.setattr("server_process.MAIN", slow)
    body = json.dumps({"pixels": [0.0] * 784}).encode()
    head = f"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with serving(digits_file) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
            connection.sendall(head + body)
            assert server.process.stdout.readline() == "reading\n"
            status, err = server.end()
    assert (status, err) == (130, "")


def test_the_page_trains_a_network_first():
    """Without a model the server trains one, tells its progress, and then reads digits with it."""
    with serving() as server, server.client() as client:
        first = client.get("/api/model").json()
        if first["state"] == "training":
            assert "is being trained" in one_line(client.post("/api/predict", json={"pixels": [0.0] * 784}), 409)
            assert "being trained already" in one_line(client.post("/api/model"), 409)
        with client.stream("GET", "/api/events?topics=model") as stream:
            lines = stream.iter_lines()
            wait_for(lambda: '"state":"ready"' in next(lines))
        state = client.get("/api/model").json()
        assert state["training"] is None
        assert state["model"]["test_accuracy"] > 0.95
        test = cr.datasets.mnist().test
        read = [client.post("/api/predict", json={"pixels": x.tolist()}).json()["label"] for x in test.x[:20]]
        assert np.mean(read == test.y[:20]) > 0.8


def test_a_model_replaces_the_one_before(digits_file):
    """``POST /api/model`` trains another network, and the present one answers until it is complete."""
    with serving(digits_file) as server, server.client() as client:
        before = client.get("/api/model").json()
        assert (before["state"], before["model"]["distort"], before["model"]["name"]) == ("ready", None, digits_file.name)
        assert client.post("/api/model", json={"distort": False}).status_code == 202
        assert client.post("/api/predict", json={"pixels": [0.0] * 784}).status_code == 200
        after = wait_for(lambda: (state := client.get("/api/model").json())["state"] == "ready" and state)
        assert after["model"]["version"] != before["model"]["version"]
        assert after["model"]["distort"] is False


def models_that_cannot_draw(folder):
    """Give the files of models that cannot read drawings, with a part of the reason."""
    rng = np.random.default_rng(0)
    digits, table, inverted = folder / "small.safetensors", folder / "table.safetensors", folder / "light.safetensors"
    net = cr.Network([64, 10, 10], seed=0)
    cr.train(net, cr.datasets.digits().train, epochs=1, batch_size=10, learning_rate=3.0)
    net.save(digits)
    net = cr.Network([784, 10], seed=0)
    cr.train(net, (rng.normal(size=(20, 784)), np.arange(20) % 10), epochs=1, batch_size=10, learning_rate=0.1)
    net.save(table)
    net = cr.Network([784, 10], seed=0)
    mnist = cr.datasets.mnist().train[:200]
    examples = cr.Examples(255 - mnist.x, mnist.y, layout=(28, 28))
    cr.train(net, examples, epochs=1, batch_size=10, learning_rate=0.1)
    net.save(inverted)
    net = cr.Network([784, 3], seed=0)
    cr.train(net, mnist[mnist.y < 3], epochs=1, batch_size=10, learning_rate=0.1)
    net.save(folder / "three.safetensors")
    return [
        (folder / "three.safetensors", "this model has 3"),
        (digits, "takes 64 numbers"),
        (table, "learnt other numbers"),
        (inverted, "light background"),
    ]


def test_a_model_that_cannot_draw_is_refused_by_the_draw_tab(tmp_path):
    """A model of other inputs is refused with a sentence, the Train tab works, and the page can train another one."""
    for path, reason in models_that_cannot_draw(tmp_path):
        with serving(path) as server, server.client() as client:
            state = client.get("/api/model").json()
            assert (state["state"], state["model"]) == ("refused", None)
            assert path.name in state["message"]
            assert reason in state["message"]
            for answer in (client.post("/api/predict", json={"pixels": [0.0] * 784}), client.get("/model.js")):
                assert reason in one_line(answer, 409)
            assert client.post("/api/runs", json={"data": "xor"}).status_code == 201


def test_the_server_survives_a_fault(digits_file, monkeypatch):
    """A fault of the server within an operation is one line of JSON with status 500, and later requests are answered."""
    broken = f"""
import chainrule.web.drawing as drawing
def fault(self, pixels): raise ZeroDivisionError("secret")
drawing.Drawing.read = fault
{MAIN}
"""
    monkeypatch.setattr("server_process.MAIN", broken)
    with serving(digits_file) as server, server.client() as client:
        message = one_line(client.post("/api/predict", json={"pixels": [0.0] * 784}), 500)
        assert "ZeroDivisionError" in message
        assert "secret" not in message
        assert client.get("/api/model").status_code == 200
        _, err = server.end()
        assert "ZeroDivisionError: secret" in err


def test_a_run_that_fails_leaves_the_server_alone(client):
    """A run whose training overflows ends as diverged, and the server answers."""
    settings = {"data": "xor", "hidden": [8, 8], "activation": "exp", "optimizer": "sgd", "learning_rate": 1000, "epochs": 50}
    run = client.post("/api/runs", json=settings).json()["id"]
    client.post(f"/api/runs/{run}/start")
    wait_for(lambda: client.get(f"/api/runs/{run}").json()["state"] in ("diverged", "failed"))
    assert client.delete(f"/api/runs/{run}").status_code == 204


def test_the_number_of_streams_is_limited(server):
    """Beyond the limit a stream is refused with one line, until another one ends."""
    from chainrule.web.events import MOST_STREAMS

    sockets = []
    host, port = server.url.removeprefix("http://").split(":")
    for _ in range(MOST_STREAMS):
        connection = socket.create_connection((host, int(port)), timeout=SECONDS)
        connection.sendall(b"GET /api/events?topics=model HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        sockets.append(connection)
    with server.client() as client:
        wait_for(lambda: client.head("/api/events?topics=model").status_code == 429)
        assert "streams are open" in one_line(client.get("/api/events?topics=model"), 429)
        for connection in sockets:
            connection.close()
        wait_for(lambda: client.head("/api/events?topics=model").status_code == 200)


@pytest.mark.parametrize("part", [b"", b"GET / HT", b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"])
def test_a_request_that_does_not_come_whole_is_closed(digits_file, monkeypatch, part):
    """A connection that sends nothing, or a part of a request, is closed after a while, and the server goes on."""
    quick = f"import chainrule.web.server as server; server.REQUEST_SECONDS = 0.2; {MAIN}"
    monkeypatch.setattr("server_process.MAIN", quick)
    with serving(digits_file) as server, server.client() as client:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
            connection.sendall(part)
            while connection.recv(1000):
                pass
        assert client.get("/api/model").status_code == 200


def test_streams_that_come_at_once_are_limited_too(digits_file):
    """Of twice as many streams as there may be, asked for in one moment, no more are admitted than there may be."""
    from chainrule.web.events import MOST_STREAMS

    with serving(digits_file) as server, ExitStack() as stack:
        host, port = server.url.removeprefix("http://").split(":")
        connections = [
            stack.enter_context(socket.create_connection((host, int(port)), timeout=SECONDS)) for _ in range(2 * MOST_STREAMS)
        ]
        for connection in connections:
            connection.sendall(b"GET /api/events?topics=model HTTP/1.1\r\nHost: localhost\r\n\r\n")
        statuses = [connection.recv(12).partition(b" ")[2] for connection in connections]
    assert statuses.count(b"200") == MOST_STREAMS
    assert statuses.count(b"429") == MOST_STREAMS


@pytest.mark.parametrize(
    "topics", ["", "?topics=", "?topics=a,", "?topics=../x", "?topics=" + ",".join(f"run:{k}" for k in range(65))]
)
def test_bad_topics_are_refused(client, topics):
    """Names of topics that cannot be names, none, or too many, are refused."""
    one_line(client.get(f"/api/events{topics}"), 400)


def test_a_slow_reader_holds_nobody_up(server):
    """While one stream is not read at all, a run trains to its end and another stream gets its last frame."""
    host, port = server.url.removeprefix("http://").split(":")
    with server.client() as client, socket.create_connection((host, int(port)), timeout=SECONDS) as silent:
        run = client.post("/api/runs", json={"data": "xor", "epochs": 200, "batch_size": 10}).json()["id"]
        silent.sendall(f"GET /api/events?topics=run:{run} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        client.post(f"/api/runs/{run}/start")
        done = threading.Event()
        with client.stream("GET", f"/api/events?topics=run:{run}") as stream:
            for line in stream.iter_lines():
                if '"state":"finished"' in line:
                    done.set()
                    break
        assert done.is_set()
        client.delete(f"/api/runs/{run}")


def test_a_run_folder_is_watched(tmp_path, digits_file):
    """A folder of ``--checkpoint`` is listed, described and published with its curves; the page cannot start or remove it."""
    net = cr.Network([2, 3, 1], cost="mean_squared_error", seed=0)
    x = np.random.default_rng(0).normal(size=(20, 2))
    cr.train(net, (x, x[:, 0]), epochs=3, batch_size=5, learning_rate=0.1, checkpoint=tmp_path / "run")
    with serving(digits_file, "--run", tmp_path / "run") as server, server.client() as client:
        (listed,) = client.get("/api/runs").json()["runs"]
        assert listed["folder"] == "run"
        shown = client.get(f"/api/runs/{listed['id']}").json()
        assert (shown["sizes"], shown["state"], shown["epoch"]) == ([2, 3, 1], "finished", 3)
        for method, path in (("POST", "/start"), ("POST", "/reset"), ("DELETE", "")):
            assert "only be watched" in one_line(client.request(method, f"/api/runs/{listed['id']}{path}"), 409)
        with client.stream("GET", f"/api/events?topics=run:{listed['id']}") as stream:
            lines = stream.iter_lines()
            frame = wait_for(lambda: (line := next(lines)).startswith("data:") and json.loads(line.removeprefix("data:")))
        assert frame["curves"]["epochs"]["epoch"] == [1, 2, 3]


def test_missing_libraries_are_named(monkeypatch):
    """Without the extra, one line says what to install."""
    monkeypatch.setattr("chainrule.web.find_spec", lambda name: None if name == "uvicorn" else name)
    with pytest.raises(MissingExtra, match=r"the page needs uvicorn; install with: pip install 'chainrule\[web\]'"):
        check_installed()
    assert LIBRARIES == ("starlette", "uvicorn", "msgspec")
