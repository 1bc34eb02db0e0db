"""Fixtures of the page's tests: a small network that reads digits, its file, and a server of it."""

import pytest
from server_process import serving

import chainrule as cr


@pytest.fixture(scope="session")
def digits_network():
    """The notes' network after one epoch of MNIST."""
    net = cr.Network([784, 30, 10], seed=0)
    cr.train(net, cr.datasets.mnist().train, epochs=1, batch_size=10, learning_rate=3.0)
    return net


@pytest.fixture(scope="session")
def digits_file(digits_network, tmp_path_factory):
    """Its file."""
    path = tmp_path_factory.mktemp("model") / "digits.safetensors"
    digits_network.save(path)
    return path


@pytest.fixture(scope="session")
def server(digits_file):
    """A server of this network, which all tests share."""
    with serving(digits_file) as process:
        yield process


@pytest.fixture
def client(server):
    """A client of the shared server."""
    with server.client() as client:
        yield client
