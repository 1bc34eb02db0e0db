"""A Ray cluster to work on: one that is begun here and ends with the work, or one that is there already.

A cluster that is begun here is bound to this machine's loopback address, keeps its files in a folder of its own, and ends with the
work. One that is named by its address goes on.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from .errors import EngineError, MissingExtra, SettingError

FOLDER_PREFIX = "cr-ray-"
"""Of the temporary folder of a cluster that is begun here; the number of this process follows."""

ANSWER_SECONDS = 10.0
"""How long a cluster may take to accept a connection."""

LOOPBACK = "127.0.0.1"

CLUSTER_VARIABLE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""With "0" Ray uses the loopback address on every system."""

STORE_BYTES = 128 << 20
"""The object store's size beside the data, which holds results."""


def import_ray() -> Any:
    """Import Ray.

    Raises
    ------
    MissingExtra
        When it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # this version's default becomes that of the next; it warns
    try:
        import ray
    except ModuleNotFoundError:
        raise MissingExtra("on='ray' needs Ray; install it with: pip install 'chainrule[ray]'") from None
    return ray


class RayCluster:
    """The connection to a cluster.

    Parameters
    ----------
    address : str, optional
        Of a cluster that is there, such as "10.0.0.1:6379" or "auto". Without it the connection that this process has is taken, or
        a cluster begins.
    cores : int
        The cores of a cluster that is begun here.
    data_bytes : int
        The bytes that its object store must hold.

    Attributes
    ----------
    ray : module
    cores : int
        Those of the whole cluster.

    Raises
    ------
    MissingExtra
        When Ray is not installed.
    EngineError
        When there is no cluster at the address.
    SettingError
        When an address is given to a process that is connected already.
    """

    def __init__(self, address: str | None, cores: int, data_bytes: int = 0) -> None:
        self.ray = import_ray()
        self._folder: Path | None = None
        self._begun = not self.ray.is_initialized()
        if self._begun:
            self._connect(address, cores, data_bytes)
        elif address is not None:
            raise SettingError("this process is connected to Ray already; leave address out, or call ray.shutdown() first")
        try:
            self.cores = max(1, int(self.ray.cluster_resources().get("CPU", 1)))
        except BaseException:
            self.shut_down()
            raise

    def _connect(self, address: str | None, cores: int, data_bytes: int) -> None:
        """Connect to a cluster, or begin one; Ray's own handler of SIGTERM is not left in place."""
        handler = signal.getsignal(signal.SIGTERM)
        try:
            self._begin(address, cores, data_bytes)
        finally:
            if threading.current_thread() is threading.main_thread() and handler is not None:
                signal.signal(signal.SIGTERM, handler)

    def _begin(self, address: str | None, cores: int, data_bytes: int) -> None:
        quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
        if address is not None:
            is_here = address.removeprefix("ray://").startswith((LOOPBACK, "localhost"))
            try:
                with _loopback_allowed() if is_here else nullcontext():
                    self.ray.init(address=address, **quiet)
            except (ConnectionError, ValueError, RuntimeError, OSError) as error:
                raise EngineError(
                    f"there is no Ray cluster at {address} that lets this process in: {error}. One that asks for a token, as "
                    "recent ones do, needs RAY_AUTH_MODE=token in the environment, and its token in ~/.ray/auth_token"
                ) from None
            return
        remove_leftovers(Path(tempfile.gettempdir()))
        # A short name: a socket's path has at most 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-"))
        try:
            with _loopback_allowed():
                self.ray.init(
                    address="local",  # else RAY_ADDRESS, or a cluster of this machine, would be taken
                    num_cpus=cores,
                    num_gpus=0,
                    include_dashboard=False,
                    object_store_memory=STORE_BYTES + 2 * data_bytes,
                    _node_ip_address=LOOPBACK,
                    _temp_dir=str(self._folder),
                    **quiet,
                )
            self._check_loopback()
        except BaseException:
            self.shut_down()
            raise

    def _check_loopback(self) -> None:
        """Refuse a cluster that others could reach: Ray runs what it is sent."""
        address = self.ray.util.get_node_ip_address()
        if address != LOOPBACK:
            raise EngineError(
                f"Ray listens at {address}, where others can reach it, and not at {LOOPBACK}; begin a cluster yourself where that "
                "is wanted, by ray.init() or `ray start`"
            )

    def shut_down(self) -> None:
        """End the cluster that was begun here, and remove its files; leave one that was there."""
        if self._begun:
            self.ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def _loopback_allowed() -> Iterator[None]:
    """Let Ray use the loopback address, as it does on Windows and macOS by default.

    On Linux Ray replaces 127.0.0.1 by the address of a network, and then listens on all of them, without a password.
    """
    from ray._private import ray_constants

    before = os.environ.get(CLUSTER_VARIABLE), ray_constants.ENABLE_RAY_CLUSTER
    os.environ[CLUSTER_VARIABLE], ray_constants.ENABLE_RAY_CLUSTER = "0", False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before[1]
        if before[0] is None:
            del os.environ[CLUSTER_VARIABLE]
        else:
            os.environ[CLUSTER_VARIABLE] = before[0]


def check_address(address: str) -> None:
    """Refuse an address at which nothing answers: Ray itself would wait for many minutes.

    Raises
    ------
    SettingError
        When it is not HOST:PORT, ray://HOST:PORT or auto.
    EngineError
        When no connection can be made within ``ANSWER_SECONDS``.
    """
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isascii() and port.isdecimal() and int(port[:6]) < 65536):
        raise SettingError(f"the address of a Ray cluster is HOST:PORT, such as 10.0.0.1:6379, or auto; it is {address!r}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
    except (OSError, UnicodeError) as error:
        raise EngineError(f"there is no Ray cluster at {address}: {error}; begin one by: ray start --head") from None


def remove_leftovers(folder: Path) -> None:
    """Remove the folders of clusters whose process was killed: its number is in the name."""
    for left in folder.glob(f"{FOLDER_PREFIX}*"):
        number = left.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if number.isdecimal() and not _is_running(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _is_running(process: int) -> bool:
    """Whether there is such a process; where that cannot be asked, as on Windows, it is taken to run."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # of another user, or not known
        return True
    return True
