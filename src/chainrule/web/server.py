"""The server of ``chainrule draw``: its address, its link, and uvicorn, which ends at once on Ctrl-C and SIGTERM."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import os
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import SettingError
from .application import application
from .drawing import PLAIN, TOPIC, Drawing
from .events import Hub
from .guard import LOOPBACK_NAMES, Admission, Guard
from .operations import Context
from .run_registry import RunRegistry, close_all, topic_of
from .watched_run import WatchedRun

if TYPE_CHECKING:
    from ..network import Network
    from ..table_model import TableModel

MOST_CONNECTIONS = 256
"""The most connections at once; a browser opens six."""

REQUEST_SECONDS = 10.0
"""The time within which a request must come whole; otherwise idle connections would shut everyone out."""


@dataclass(frozen=True)
class Address:
    """Where the server listens.

    Attributes
    ----------
    host : str
        The name or address that the user gave.
    socket : socket
        It listens already.
    is_loopback : bool
        Whether this machine alone can reach it.
    """

    host: str
    socket: socket.socket
    is_loopback: bool

    @property
    def port(self) -> int:
        """The port."""
        return int(self.socket.getsockname()[1])

    def link(self, token: str | None) -> str:
        """Give the link that opens the page."""
        name = name_for_link(self.host, self.socket.getsockname()[0])
        query = "" if token is None else f"?token={token}"
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}/{query}"


def listen(host: str, port: int) -> Address:
    """Listen at a host's port; port 0 takes any that is free.

    Raises
    ------
    SettingError
        When the port is in use or may not be used, or the host is not one of this machine's.
    """
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        both = host == "::" and socket.has_dualstack_ipv6()  # IPv4 too, as the user of all addresses expects
        listening = socket.create_server(where[:2], family=family, backlog=128, dualstack_ipv6=both)
    except OSError as error:
        raise SettingError(_why_not_listening(host, port, error)) from None
    address = listening.getsockname()[0]
    return Address(host, listening, ipaddress.ip_address(address.partition("%")[0]).is_loopback)


def _why_not_listening(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use, perhaps by another chainrule draw; choose another by --port, or any free one by --port 0"
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this user; choose one above 1023, or any free one by --port 0"
    return f"the server cannot listen at {host!r} ({error.strerror or error}); --host takes a name or an address of this machine"


def name_for_link(host: str, listening_at: str) -> str:
    """Give the name by which a browser reaches a host; of a server at all addresses, this machine's name.

    Examples
    --------
    >>> name_for_link("127.0.0.1", "127.0.0.1"), name_for_link("digits.example", "192.0.2.7")
    ('127.0.0.1', 'digits.example')
    >>> name_for_link("0", "0.0.0.0") == socket.gethostname()
    True
    """
    return socket.gethostname() if ipaddress.ip_address(listening_at.partition("%")[0]).is_unspecified else host


def admission_at(address: Address) -> Admission:
    """Say which requests are admitted at an address; where other machines reach it, those with a token that is drawn here."""
    if address.is_loopback:
        return Admission(LOOPBACK_NAMES | {address.host.lower()})
    names = {address.host.lower(), socket.gethostname().lower()}
    return Admission(LOOPBACK_NAMES | names, any_address=True, token=secrets.token_urlsafe(24))


class TimedProtocol(H11Protocol):
    """uvicorn's protocol, which closes a connection where a request has not come whole within ``REQUEST_SECONDS``."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._set_deadline()

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        super().data_received(data)
        self._set_deadline()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        self._cancel_deadline()

    def _set_deadline(self) -> None:
        """Begin to count the time where a request is awaited, and end that where it has come whole."""
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._cancel_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class Server(uvicorn.Server):
    """uvicorn, which ends the streams of events first: it would wait for them otherwise."""

    def __init__(self, config: uvicorn.Config, hub: Hub, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._hub = hub
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer requests."""
        await super().startup(sockets)
        self._on_listening()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then all connections."""
        self._hub.close()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # without a traceback for each request that is cut off
        await super().shutdown(sockets)


def serve(
    address: Address,
    admission: Admission,
    *,
    model: tuple[Network | TableModel, str] | None,
    folders: Mapping[str, Path],
    on_listening: Callable[[], None],
) -> None:
    """Serve the page until Ctrl-C or SIGTERM.

    Parameters
    ----------
    address : Address
    admission : Admission
    model : (model, name) or None
        The model of the Draw tab; without one the server trains a network.
    folders : mapping of str to Path
        The run folders to watch, by id.
    on_listening : callable
        Called once the server answers.
    """
    hub = Hub()
    watched = {name: WatchedRun(name, folder, hub.topic(topic_of(name))) for name, folder in folders.items()}
    context = Context(hub, Drawing(hub.topic(TOPIC)), RunRegistry(hub), watched)
    config = uvicorn.Config(
        _application(context, admission, model),
        http=TimedProtocol,
        log_level="error",
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=1,
    )
    Server(config, hub, on_listening).run([address.socket])


def _application(context: Context, admission: Admission, model: tuple[Network | TableModel, str] | None) -> Guard:
    def on_start() -> None:
        if model is None:
            context.drawing.train(PLAIN)
        else:
            context.drawing.give(*model)

    def on_end() -> None:
        close_all([context.drawing, *context.runs.all(), *context.watched.values()])

    return application(context, admission, on_start=on_start, on_end=on_end)


def open_browser(link: str) -> None:
    """Open a link in the user's browser, without waiting for it; where there is no screen, do nothing."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return  # a browser of the terminal would take the place of this program's output
    threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()
