"""``chainrule draw``: what it refuses before it serves. The server itself is tested in tests/web."""

import socket

import pytest


def test_a_missing_model_is_refused(run):
    """A model that does not exist is one line and status 2."""
    status, out, err = run("draw", "missing.safetensors", "--port", "0", "--no-browser")
    assert (status, out) == (2, "")
    assert err == "chainrule: error: no such file: missing.safetensors\n"


def test_a_file_that_is_no_model_is_refused(run, tmp_path):
    """A file of another kind is one line and status 2."""
    (tmp_path / "a.safetensors").write_bytes(b"not a model")
    status, out, err = run("draw", "a.safetensors", "--port", "0", "--no-browser")
    assert (status, out, len(err.splitlines())) == (2, "", 1)


def test_a_busy_port_is_named_with_the_remedy(run):
    """A port that another program has is one line that says how to take another one."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status, out, err = run("draw", "--port", port, "--no-browser")
    assert (status, out) == (2, "")
    assert err == (
        f"chainrule: error: port {port} is in use, perhaps by another chainrule draw; choose another by --port, "
        "or any free one by --port 0\n"
    )


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--port", "65536"), "--port must be from 0 to 65535; it is 65536"),
        (("--port", "-1"), "--port must be from 0 to 65535; it is -1"),
        (("--port", "http"), "--port takes a whole number"),
        (("--host", "192.0.2.1"), "the server cannot listen at '192.0.2.1'"),
        (("--host", "no.such.host.invalid"), "the server cannot listen at 'no.such.host.invalid'"),
        (("--run", "missing"), "no such folder: missing"),
        (("--run", "."), "has no training with checkpoints in it"),
    ],
)
def test_wrong_options_are_refused(run, arguments, reason):
    """Each wrong option is one line and status 2, before anything is served."""
    status, out, err = run("draw", "--no-browser", *(("--port", "0") if "--port" not in arguments else ()), *arguments)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert reason in err


def test_missing_libraries_are_one_line(run, monkeypatch):
    """Without the extra web the command says what to install."""
    monkeypatch.setattr("chainrule.web.find_spec", lambda name: None)
    status, out, err = run("draw", "--no-browser")
    assert (status, out) == (2, "")
    needs = "the page needs starlette, uvicorn, msgspec; install with: pip install 'chainrule[web]'"
    assert err == f"chainrule: error: {needs}\n"
