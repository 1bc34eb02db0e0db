"""Files at a URL, such as ``s3://bucket/rows/0.parquet``: object storage and whatever else fsspec knows.

``RemotePath`` has what the readers of rows use of a ``Path``. Paths without ``://`` stay paths, and do not import fsspec.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from .._reading import translate_read_errors
from ..errors import ChainruleError, FileError, MissingExtra

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(::[^:]+)*://")

STAMPS = ("ETag", "etag", "md5", "mtime", "LastModified", "last_modified", "updated", "created")
"""The entries of fsspec's description of a file that change when the file does; which there are depends on the storage."""


WITHOUT_RANGES = ("support range requests", "Cannot seek streaming HTTP file")
"""What fsspec says of a server that gives whole files alone."""


class RemotePath:
    """A file at a URL; it can be pickled, and is then opened by the other process itself.

    Parameters
    ----------
    filesystem : fsspec.AbstractFileSystem
    path : str
        The file's path in it.
    """

    def __init__(self, filesystem: Any, path: str) -> None:
        self.filesystem = filesystem
        self.path = path

    def __str__(self) -> str:
        """Give the URL, without a query, which may hold a signature."""
        return without_query(str(self.filesystem.unstrip_protocol(self.path)))

    @property
    def suffix(self) -> str:
        """The ending of the file's name."""
        return PurePosixPath(urlsplit(str(self)).path).suffix

    @contextmanager
    def open(self, mode: Literal["rb"]) -> Iterator[IO[bytes]]:
        """Open the file for reading in any order.

        Raises
        ------
        FileError
            When it cannot be opened, or is read from its beginning to its end alone.
        """
        with _translate_errors(self):
            file = self.filesystem.open(self.path, mode)
        try:
            with file:
                yield file
        except ValueError as error:
            if not any(sign in str(error) for sign in WITHOUT_RANGES):
                raise
            raise FileError(
                f"{self} is given as a whole alone, and rows are read in parts; download the file, or serve it with ranges"
            ) from None

    def status(self) -> tuple[int, str]:
        """Give the file's size, and what the storage has that changes with the file: an ETag, or the time of the last change.

        Raises
        ------
        FileError
            When there is no such file, or its size is not known.
        """
        with _translate_errors(self):
            self.filesystem.invalidate_cache()
            info = self.filesystem.info(self.path)
        if info.get("type") != "file":
            raise FileError(f"cannot read {self}: it is not a file")
        if info.get("size") is None:
            raise FileError(f"{self}: its size is not known, so that its rows cannot be read in parts; download the file")
        return int(info["size"]), next((str(info[name]) for name in STAMPS if info.get(name) is not None), "")


AnyPath: TypeAlias = Path | RemotePath


def is_url(path: str) -> bool:
    """Whether a text is a URL, not a path on this machine.

    Examples
    --------
    >>> is_url("s3://bucket/rows/*.parquet"), is_url("rows/a.parquet"), is_url("C:/rows.csv")
    (True, False, False)
    """
    return _URL.match(path) is not None


def without_query(url: str) -> str:
    """Cut the query off a web address: it may hold a signature.

    Examples
    --------
    >>> without_query("https://host/a.parquet?signature=x"), without_query("rows/?.parquet")
    ('https://host/a.parquet', 'rows/?.parquet')
    """
    return url.partition("?")[0] if url.startswith(("http://", "https://")) else url


def find_remote(pattern: str) -> list[RemotePath]:
    """Give the files that a URL or a pattern names; none where there is no such file.

    Raises
    ------
    MissingExtra
        When fsspec, or what it needs for this storage, is not installed.
    FileError
        When the storage cannot be read.
    """
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError:
        raise MissingExtra(f"{pattern} is a URL, which takes fsspec; install it with: pip install 'chainrule[rows]'") from None
    try:
        filesystem, path = url_to_fs(pattern)
    except ImportError as error:
        raise MissingExtra(f"{pattern}: {_first_line(error)}") from None
    except ValueError as error:
        raise FileError(f"{pattern}: {_first_line(error)}") from None
    with _translate_errors(pattern):
        filesystem.invalidate_cache()
        found = [path] if filesystem.exists(path) else filesystem.glob(path)
    return [RemotePath(filesystem, each) for each in found]


@contextmanager
def open_for_arrow(path: AnyPath) -> Iterator[Any]:
    """Give what pyarrow reads a file from: a path on this machine by itself."""
    if isinstance(path, Path):
        yield path
    else:
        with path.open("rb") as file:
            yield file


@contextmanager
def _translate_errors(place: object) -> Iterator[None]:
    """Turn an error of a storage, whose library may have classes of its own, into a FileError."""
    try:
        with translate_read_errors(place):
            yield
    except ChainruleError:
        raise
    except Exception as error:
        raise FileError(f"cannot read {place}: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
