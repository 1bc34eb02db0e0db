"""The connections of a worker to those that it exchanges vectors with: TCP, with a key that the others must know.

A connection ends with the process at its other end, which the waiting side sees at once; that of a process that hangs is ended by
``Peers.abort`` from another thread. What is sent is not encrypted.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener

import numpy as np

from .._types import Array
from .all_reduce import partners

PIECE_BYTES = 64 << 10
"""Two workers send to each other in turns of so many bytes: what is on the way must fit into the buffers of the connection."""

BUFFER_BYTES = 4 * PIECE_BYTES

RANK = struct.Struct("<i")
"""What a worker sends first: its rank."""

Address = tuple[str, int]


class PeerLost(Exception):
    """The connection to another worker has ended; the group of workers is to be connected anew."""


class Peers:
    """The connections of one worker.

    Parameters
    ----------
    rank : int
    workers : int
    host : str
        The address of this machine, at which others reach it.
    """

    def __init__(self, rank: int, workers: int, host: str) -> None:
        self.rank = rank
        self.workers = workers
        self._host = host
        self._listener: Listener | None = None
        self._connections: dict[int, Connection] = {}
        self._aborted = False

    def listen(self, key: bytes) -> Address:
        """End all connections, and wait for new ones of those who know the key; give the address."""
        self.close()
        self._aborted = False
        self._listener = Listener((self._host, 0), "AF_INET", backlog=max(8, self.workers), authkey=key)
        host, port = self._listener.address
        return str(host), int(port)

    def connect(self, addresses: Sequence[Address], key: bytes) -> None:
        """Connect to every worker that vectors are exchanged with.

        A worker calls those of lower rank, and is called by those of higher rank.

        Raises
        ------
        PeerLost
            When one of them cannot be reached, or ``abort`` was called meanwhile.
        """
        listener = self._listener
        others = partners(self.rank, self.workers)
        try:
            for other in [rank for rank in others if rank < self.rank]:
                connection = Client(addresses[other], "AF_INET", authkey=key)
                connection.send_bytes(RANK.pack(self.rank))
                self._add(other, connection)
            while listener is not None and set(others) - set(self._connections):
                self._accept(listener, others)
        except (OSError, EOFError, AuthenticationError) as error:
            raise PeerLost(str(error)) from None
        self._end_listening()

    def _accept(self, listener: Listener, others: Sequence[int]) -> None:
        """Take the connection of a worker; one without the key, or of no worker, is ended."""
        try:
            connection = listener.accept()
            (rank,) = RANK.unpack(connection.recv_bytes(RANK.size))
        except (AuthenticationError, EOFError, ConnectionError, struct.error):
            if self._aborted:
                raise PeerLost("the connections were ended") from None
            return
        if rank in others:
            self._add(rank, connection)
        else:
            connection.close()

    def _add(self, rank: int, connection: Connection) -> None:
        """Keep a connection, which sends at once and has room for the pieces on the way."""
        with socket.socket(fileno=socket.dup(connection.fileno())) as tcp:
            tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        self._connections[rank] = connection

    def exchange(self, partner: int, sent: Array, received: Array) -> None:
        """Send an array to another worker, and fill one with what it sends; both are contiguous.

        Raises
        ------
        PeerLost
            When the connection has ended.
        """
        try:
            connection = self._connections[partner]
            out, into = sent.view(np.uint8).data, received.view(np.uint8).data
            for first in range(0, max(len(out), len(into)), PIECE_BYTES):
                if first < len(out):
                    connection.send_bytes(out[first : first + PIECE_BYTES])
                if first < len(into):
                    connection.recv_bytes_into(into, first)
        except (OSError, EOFError, KeyError) as error:
            raise PeerLost(f"worker {partner}: {error or 'the connection has ended'}") from None

    def abort(self) -> None:
        """Wake a thread that waits for another worker: it raises PeerLost."""
        self._aborted = True
        for connection in list(self._connections.values()):
            with suppress(OSError), socket.socket(fileno=socket.dup(connection.fileno())) as tcp:
                tcp.shutdown(socket.SHUT_RDWR)  # to close the descriptor would not wake it
        listener = self._listener
        if listener is not None:
            with suppress(OSError):
                socket.create_connection(listener.address, timeout=1).close()

    def close(self) -> None:
        """End all connections, in the thread that uses them."""
        self._end_listening()
        connections, self._connections = self._connections, {}
        for connection in connections.values():
            connection.close()

    def _end_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
