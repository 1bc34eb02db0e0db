"""Which requests the server admits: their Host, Origin, token and length, and the headers of every answer."""

import json
import re
import signal
from contextlib import suppress

import httpx
import pytest
from server_process import serving

from chainrule.web.guard import HEADERS, MOST_BYTES


def one_line(response, status):
    """Check that an answer is a refusal with this status and one line of JSON; give the line."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    (message,) = response.json().values()
    assert "\n" not in message
    return message


MALFORMED = ["localhost:P@evil.example", "[::1]evil.example", "127.0.0.1:abc", "localhost:", "[::1", "[localhost]", "localhost:8:8"]
NAMES = ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.", "10.0.0.1", ""]


@pytest.mark.parametrize("host", NAMES + MALFORMED)
def test_another_host_is_refused(client, host):
    """A Host that is not a name of the loopback is refused, for the page, its files and the API alike."""
    for path in ("/", "/static/main.js", "/api/model"):
        assert "this server is not" in one_line(client.get(path, headers={"Host": host}), 403)


@pytest.mark.parametrize("host", ["localhost", "localhost:1234", "127.0.0.1", "[::1]:99", "LOCALHOST"])
def test_loopback_names_are_hosts(client, host):
    """Each name of the loopback is taken, with any port, as through a tunnel."""
    assert client.get("/api/model", headers={"Host": host}).status_code == 200


def test_two_hosts_are_refused(server):
    """A request with two Hosts is refused, whichever comes first; uvicorn does so."""
    hosts = [("Host", "127.0.0.1"), ("Host", "evil.example")]
    assert {server.status_of("GET", "/", given) for given in (hosts, hosts[::-1])} == {400}


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://{host}", "http://{host}.evil.example", "http://localhost:1"]
)
def test_another_origin_is_refused(client, server, origin):
    """A page of another site, of another server on this machine, or without an origin may not send a request."""
    given = origin.format(host=server.url.removeprefix("http://"))
    answer = client.post("/api/model", json={"distort": False}, headers={"Origin": given})
    assert "may not use this server" in one_line(answer, 403)


def test_its_own_origin_and_none_are_taken(client, server):
    """The server's own page may send requests, and so may curl, which sends no Origin."""
    for headers in ({}, {"Origin": server.url}):
        assert client.get("/api/model", headers=headers).status_code == 200


def test_a_long_body_is_refused(client):
    """A body beyond the limit is refused, one at the limit is read."""
    long, longest = b" " * (MOST_BYTES + 1), b" " * (MOST_BYTES - 2) + b"{}"
    assert f"at most {MOST_BYTES:,} bytes" in one_line(client.post("/api/predict", content=long), 413)
    assert one_line(client.post("/api/predict", content=longest), 400).startswith("pixels is required")


def test_the_longest_points_fit_into_a_body():
    """The most points that a run may have are a body within the limit, which leaves a quarter of a MiB for the reader of JSON."""
    points = [[-0.12345678901234567, -0.12345678901234567, 1]] * 2000
    assert len(json.dumps({"data": "points", "points": points})) < MOST_BYTES == 256 * 1024


def test_a_long_body_is_refused_before_it_is_sent(server):
    """The announced length alone decides: the answer comes without a byte of the body."""
    headers = [("Host", "127.0.0.1"), ("Content-Length", str(1 << 40))]
    assert server.status_of("POST", "/api/predict", headers) == 413


def test_a_long_body_in_chunks_is_refused_early(client):
    """A body without an announced length is refused when the limit is passed, though it would never end."""
    sent = 0

    def endless():
        nonlocal sent
        while True:
            sent += 1 << 16
            yield b" " * (1 << 16)

    with suppress(httpx.ReadError):  # the answer may be lost when the connection is closed
        one_line(client.post("/api/predict", content=endless()), 413)
    assert sent < 64 << 20  # what the server discards, and the buffers of both sides


def test_a_long_body_in_chunks_is_answered(client):
    """A client that sends a long body in chunks to its end reads the refusal, and may go on."""
    assert f"at most {MOST_BYTES:,} bytes" in one_line(client.post("/api/predict", content=iter([b" " * MOST_BYTES, b" "])), 413)
    assert client.get("/api/model").status_code == 200


def test_an_endless_body_is_not_read_on_after_another_refusal(client):
    """A request that is refused for another reason cannot hold the server with its body."""

    def endless():
        while True:
            yield b" " * (1 << 16)

    with suppress(httpx.ReadError):
        one_line(client.post("/api/predict", content=endless(), headers={"Host": "evil.example"}), 403)


@pytest.mark.parametrize(
    "path", ["/", "/static/main.js", "/static/explanation.css", "/model.js", "/api/model", "/openapi.json", "/no"]
)
def test_every_answer_has_the_headers(client, path):
    """A browser runs no script but the server's files, shows the page in no frame, and tells no other site of it."""
    answer = client.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "server" not in answer.headers


def test_refusals_have_the_headers(client):
    """Refusals of the guard and of routes have the same headers."""
    for answer in (client.get("/", headers={"Host": "evil.example"}), client.put("/api/model"), client.post("/api/predict")):
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_the_page_has_no_inline_script_or_style(client):
    """The page itself keeps to the policy: no script, style or handler within it."""
    page = client.get("/").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page)


PATHS = [
    "/../pyproject.toml",
    "/static/../application.py",
    "/static/%2e%2e/guard.py",
    "/static//etc/passwd",
    "/static/",
    "/static/main.js/",
]


@pytest.mark.parametrize("path", PATHS)
def test_nothing_in_a_request_reaches_a_path(server, path):
    """Only the page's own files are served; any other path, which a browser would not send, is one that does not exist."""
    assert server.status_of("GET", path, [("Host", "127.0.0.1")]) == 404


@pytest.fixture(scope="module")
def open_server(digits_file):
    """A server at all addresses of the machine."""
    with serving(digits_file, "--host", "0.0.0.0") as process:
        yield process


@pytest.fixture
def local(open_server):
    """A client of that server, by its loopback address, without the token."""
    port = open_server.url.rpartition(":")[2]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def token(open_server):
    """The token in the printed link."""
    return re.fullmatch(r"http://[^/]+/\?token=([\w-]{32,})", open_server.link)[1]


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/model.js", "/api/model", "/api/events?topics=model", "/openapi.json"])
def test_other_machines_need_the_token(local, path):
    """Where other machines can reach the server, nothing is answered without the token, or with another one."""
    wrong = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer"}, {"Cookie": "chainrule-token=wrong"}]
    for headers in wrong:
        answer = local.get(path, headers=headers)
        assert "a token is required" in one_line(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_the_link_stores_the_token_in_a_cookie(local, token):
    """The printed link leads to the page without the token in its address; a cookie holds it from then on, hidden from scripts."""
    answer = local.get("/", params={"token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]
    assert local.get("/").status_code == 200
    assert local.get("/api/model").status_code == 200


def test_a_wrong_link_stores_nothing(local):
    """A link with another token is refused, without a cookie."""
    answer = local.get("/", params={"token": "x" * 32})
    one_line(answer, 401)
    assert "set-cookie" not in answer.headers


def test_the_token_is_taken_from_a_header(local, token):
    """Curl sends the token in the header Authorization; on the page's address alone a query may hold it."""
    assert local.get("/api/model", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    one_line(local.get("/api/model", params={"token": token}), 401)


def test_names_of_other_sites_are_refused_with_the_token_too(local, token):
    """At all addresses a Host may be any IP address, which a page of another site cannot have, but no name of another site."""
    headers = {"Authorization": f"Bearer {token}"}
    assert local.get("/api/model", headers={**headers, "Host": "192.0.2.7:80"}).status_code == 200
    one_line(local.get("/api/model", headers={**headers, "Host": "evil.example"}), 403)


def test_a_server_for_other_machines_warns(digits_file):
    """A warning in one line says that other machines can reach the server; on the loopback there is none."""
    for arguments, expected in ((("--host", "0.0.0.0"), 1), ((), 0)):
        with serving(digits_file, *arguments) as process:
            httpx.get(f"http://127.0.0.1:{process.url.rpartition(':')[2]}/", trust_env=False, timeout=60)  # once it answers
            _, err = process.end(signal.SIGINT)
        assert err.count("warning: other machines can reach this server") == expected
        assert len(err.splitlines()) == expected
