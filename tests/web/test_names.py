"""Names and addresses that the server shows: valid UTF-8, without absolute paths, and a link that leads to this machine."""

import socket

from server_process import serving
from test_guard import one_line

import chainrule as cr


def train_in(folder):
    """Train with checkpoints in a folder."""
    net = cr.Network([2, 2], seed=0)
    cr.train(net, ([[0.0, 1.0], [1.0, 0.0]], [0, 1]), epochs=1, batch_size=1, learning_rate=0.1, checkpoint=folder)


def test_names_that_are_not_utf8_are_shown_with_question_marks(tmp_path, digits_file):
    """A folder and a model file whose names are not UTF-8 are listed by every address and by the stream."""
    model, folder = tmp_path / "model\udcff.safetensors", tmp_path / "run\udcff"
    model.write_bytes(digits_file.read_bytes())
    train_in(folder)
    with serving(model, "--run", folder) as server, server.client() as client:
        assert client.get("/api/model").json()["model"]["name"] == "model?.safetensors"
        (listed,) = client.get("/api/runs").json()["runs"]
        assert listed["folder"] == client.get(f"/api/runs/{listed['id']}").json()["folder"] == "run?"
        with client.stream("GET", "/api/events?topics=model") as stream:
            assert any("model?.safetensors" in line for line in stream.iter_lines() if line.startswith("data:"))


def test_a_refusal_names_a_folder_without_its_path(tmp_path, digits_file):
    """A watched folder whose checkpoints are damaged is refused with its name, not with the path to it."""
    train_in(tmp_path / "run\udcff")
    with serving(digits_file, "--run", tmp_path / "run\udcff") as server, server.client() as client:
        for file in (tmp_path / "run\udcff").glob("checkpoint-*"):
            file.write_bytes(b"damaged")
        message = one_line(client.get("/api/runs/watched-1"), 409)
    assert "run?" in message
    assert str(tmp_path) not in message


def test_the_link_of_a_server_at_all_addresses_names_this_machine(digits_file):
    """However all addresses are written, the link holds this machine's name."""
    with serving(digits_file, "--host", "0") as server:
        assert server.link.startswith(f"http://{socket.gethostname()}:")
