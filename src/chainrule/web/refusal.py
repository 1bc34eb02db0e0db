"""Refusals of requests: a status of 4xx or 5xx, and one line of JSON, ``{"error": "..."}``."""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import Response

LONGEST_MESSAGE = 500
"""The most letters of a message, which may repeat a part of the request."""


class Refusal(Exception):
    """A request is refused.

    Attributes
    ----------
    status : int
        The HTTP status.
    headers : mapping of str
        Headers that go with the status.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """Make the answer to the request."""
        body = json.dumps({"error": as_line(str(self))}, ensure_ascii=False)
        return Response(body, self.status, self.headers, media_type="application/json")


def as_line(message: str) -> str:
    r"""Write a message in one line, without its middle where it is long.

    Examples
    --------
    >>> as_line("one\ntwo")
    'one two'
    """
    line = " ".join(in_utf8(message).split())
    return line if len(line) <= LONGEST_MESSAGE else f"{line[: LONGEST_MESSAGE - 100]} ... {line[-95:]}"


def in_utf8(name: str) -> str:
    r"""Replace by ``?`` what UTF-8 cannot hold: the bytes of a file's name that are not UTF-8, which Python reads as surrogates.

    Examples
    --------
    >>> in_utf8("bad\udcff")
    'bad?'
    """
    return name.encode("utf-8", "replace").decode()
