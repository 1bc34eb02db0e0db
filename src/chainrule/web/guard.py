"""The server's guard: who may ask, how much a request may hold, and what a browser may do with an answer.

Every request passes through it before a route is looked up:

- its Host must be a name of this server: a page of another site that DNS rebinding leads here comes with that site's name;
- its Origin, where a browser sends one, must be this server: pages of other sites may not send requests;
- on an address that other machines reach it must hold the token, as a cookie or in the header Authorization;
- its body may have ``MOST_BYTES``, whether its length is announced or not.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .refusal import Refusal

MOST_BYTES = 256 << 10
"""The most bytes of a request's body: a picture takes 16 KB, 2,000 points 120 KB."""

DISCARDED_BYTES = 16 * MOST_BYTES
"""The most bytes of a body in chunks that are received before it is refused and the connection is closed."""

TOO_LARGE = f"the request's body must be at most {MOST_BYTES:,} bytes"
TOKEN_REQUIRED = "a token is required: open the link that chainrule draw printed, or send the header Authorization: Bearer TOKEN"  # noqa: S105

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""The headers of every answer: scripts and styles from this server's files alone, pictures also from within a page."""


@dataclass(frozen=True)
class Admission:
    """Which requests are admitted.

    Attributes
    ----------
    hosts : frozenset of str
        The names that a request may give as its Host, in lower case.
    any_address : bool
        Whether it may also give any IP address: a server that listens on all of them cannot know its own. A page of another site
        always has a name.
    token : str or None
        What a request must hold; None on a loopback address.
    """

    hosts: frozenset[str] = LOOPBACK_NAMES
    any_address: bool = False
    token: str | None = None

    def takes_host(self, host: str) -> bool:
        """Whether a Host is this server's.

        Examples
        --------
        >>> Admission().takes_host("localhost:8000"), Admission().takes_host("evil.example")
        (True, False)
        """
        name = host_name(host)
        return name is not None and (name in self.hosts or (self.any_address and is_address(name)))

    def takes_token(self, token: str | None) -> bool:
        """Whether a token is the right one; the time that it takes does not depend on where it differs."""
        return self.token is None or hmac.compare_digest((token or "").encode(), self.token.encode())


HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
"""A Host header: an IPv6 address in brackets, or a name or an IPv4 address; then perhaps a port."""


def host_name(host: str) -> str | None:
    """Give the name or address of a Host header, without its port and without the brackets of IPv6, in lower case.

    None where the header is not written as one must be.

    Examples
    --------
    >>> host_name("LOCALHOST:80"), host_name("[::1]:80"), host_name("127.0.0.1")
    ('localhost', '::1', '127.0.0.1')
    >>> host_name("localhost:secret@evil.example") is None
    True
    """
    match = HOST.fullmatch(host)
    return None if match is None else (match[1] or match[2]).lower()


def is_address(name: str) -> bool:
    """Whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """ASGI middleware that checks requests, limits their bodies, and adds ``HEADERS`` to every answer.

    Parameters
    ----------
    app : ASGI application
    admission : Admission
    """

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self.app = app
        self.admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an admitted request on, and answer any other."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        body = LimitedBody(receive, announced="transfer-encoding" not in request.headers)
        try:
            answer = self._admit(request)
        except Refusal as refusal:
            answer = refusal.response()
        await (answer or self.app)(scope, body.receive, _with_headers(send, body))

    def _admit(self, request: HTTPConnection) -> Response | None:
        """Check a request; give the answer to the printed link, which stores its token in a cookie, and None for all others.

        Raises
        ------
        Refusal
            When it is not admitted.
        """
        self._check_source(request.headers)
        self._check_length(request.headers)
        if self.admission.token is None:
            return None
        cookie = f"chainrule-token-{request.url.port}"  # browsers share cookies between the ports of a host
        given = request.query_params.get("token")
        if request.url.path == "/" and given is not None and self.admission.takes_token(given):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(cookie, given, httponly=True, samesite="lax")
            return answer
        if not self.admission.takes_token(_bearer(request.headers) or request.cookies.get(cookie)):
            raise Refusal(401, TOKEN_REQUIRED, {"WWW-Authenticate": "Bearer"})
        return None

    def _check_source(self, headers: Headers) -> None:
        """Refuse the names of other sites: as the Host after DNS rebinding, as the Origin of their pages."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self.admission.takes_host(host):
            raise Refusal(403, f"this server is not {host!r}; open the address that chainrule draw printed")
        if origin is not None and origin.lower() != f"http://{host.lower()}":
            raise Refusal(403, f"a page of {origin!r} may not use this server; open the address that chainrule draw printed")

    @staticmethod
    def _check_length(headers: Headers) -> None:
        """Refuse a body whose announced length is too large, before any of it is read."""
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length[:20]) > MOST_BYTES:
            raise Refusal(413, TOO_LARGE)


def _bearer(headers: Headers) -> str | None:
    """Give the token of the header Authorization; None where there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


class LimitedBody:
    """A request's body, whose bytes are counted as they come, since one that is sent in chunks announces no length.

    Parameters
    ----------
    receive : callable
        Gives the messages that hold the body.
    announced : bool
        Whether the body's length was announced.
    """

    def __init__(self, receive: Receive, *, announced: bool) -> None:
        self._receive = receive
        self._count = 0
        self.is_endless = not announced  # until its last message has come

    async def receive(self) -> Message:
        """Give the next message.

        Raises
        ------
        Refusal
            When the body is too long. Some of what follows is received first: many clients read no answer while they send.
        """
        message = await self._next()
        if self._count > MOST_BYTES:
            while self.is_endless and self._count < DISCARDED_BYTES:
                await self._next()
            raise Refusal(413, TOO_LARGE)
        return message

    async def _next(self) -> Message:
        message = await self._receive()
        self._count += len(message.get("body", b""))
        if not message.get("more_body", False):
            self.is_endless = False
        return message


def _with_headers(send: Send, body: LimitedBody) -> Send:
    """Add ``HEADERS`` to an answer, and close the connection where the body may go on without end."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            if body.is_endless:
                headers["Connection"] = "close"
        await send(message)

    return send_with_headers
