"""A file system in memory that knows what a loss of power would leave: ``python -m benchmarks.faults.power_fs MOUNT DUMPS``.

Each file has its live contents and those of its last fsync, each folder its live entries and those of its last fsync.
Creating a file named ``.crash-N`` at the root writes to ``DUMPS/N`` what a loss of power would leave at this moment: what was
flushed, and with an odd N also some, chosen at random, of what was not. It needs mfusepy and fuse3.
"""

from __future__ import annotations

import errno
import os
import random
import stat
import sys
import time
from pathlib import Path, PurePosixPath
from typing import Any

import mfusepy

CRASH = ".crash-"


class Node:
    """A file or a folder: its present contents, and those that were flushed to the disk."""

    def __init__(self, mode: int) -> None:
        self.mode = mode
        self.live: Any = {} if stat.S_ISDIR(mode) else bytearray()
        self.durable: Any = {} if stat.S_ISDIR(mode) else b""
        self.time = time.time()

    def flush(self) -> None:
        """Make the present contents durable: a folder's names, not the contents of its files."""
        self.durable = dict(self.live) if isinstance(self.live, dict) else bytes(self.live)

    def write_durable(self, path: Path, lost: random.Random | None) -> None:
        """Write what a loss of power leaves; ``lost`` decides which unflushed contents are left nevertheless."""
        contents = self.live if lost is not None and lost.random() < 0.5 else self.durable
        if isinstance(contents, dict):
            path.mkdir()
            for name, node in contents.items():
                node.write_durable(path / name, lost)
        else:
            path.write_bytes(contents)


class PowerLoss(mfusepy.Operations):
    """The operations of the file system; mfusepy calls them one at a time."""

    use_ns = True

    def __init__(self, dumps: Path) -> None:
        self.root = Node(stat.S_IFDIR | 0o755)
        self.dumps = dumps

    def node(self, path: str) -> Node:
        """Find a file or a folder."""
        node = self.root
        for name in PurePosixPath(path).parts[1:]:
            if name not in node.live:
                raise mfusepy.FuseOSError(errno.ENOENT)
            node = node.live[name]
        return node

    def entries(self, path: str) -> tuple[dict[str, Node], str]:
        """Find the folder that a path is in; give its entries and the last name."""
        return self.node(str(PurePosixPath(path).parent)).live, PurePosixPath(path).name

    def add(self, path: str, mode: int) -> None:
        """Make a file or a folder."""
        folder, name = self.entries(path)
        folder[name] = Node(mode)

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        """Make a file; one named .crash-N writes what a loss of power would leave."""
        name = PurePosixPath(path).name
        if name.startswith(CRASH):
            number = int(name.removeprefix(CRASH))
            self.root.write_durable(self.dumps / str(number), random.Random(number) if number % 2 else None)
            raise mfusepy.FuseOSError(errno.EROFS)
        self.add(path, stat.S_IFREG | mode)
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        """Make a folder."""
        self.add(path, stat.S_IFDIR | mode)
        return 0

    def rename(self, old: str, new: str) -> int:
        """Move an entry, over another one that is a file or an empty folder."""
        source, name = self.entries(old)
        target, new_name = self.entries(new)
        if isinstance(target[new_name].live if new_name in target else None, dict) and target[new_name].live:
            raise mfusepy.FuseOSError(errno.ENOTEMPTY)
        target[new_name] = source.pop(name)
        return 0

    def unlink(self, path: str) -> int:
        """Remove a file."""
        folder, name = self.entries(path)
        del folder[name]
        return 0

    def rmdir(self, path: str) -> int:
        """Remove an empty folder."""
        if self.node(path).live:
            raise mfusepy.FuseOSError(errno.ENOTEMPTY)
        return self.unlink(path)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Give a part of a file."""
        return bytes(self.node(path).live[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """Replace a part of a file."""
        contents = self.node(path).live
        contents.extend(bytes(max(0, offset - len(contents))))
        contents[offset : offset + len(data)] = data
        return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        """Cut a file, or lengthen it with zeros."""
        node = self.node(path)
        node.live = node.live[:length] + bytes(max(0, length - len(node.live)))
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        """Make a file's contents durable."""
        self.node(path).flush()
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        """Make a folder's entries durable."""
        self.node(path).flush()
        return 0

    def chmod(self, path: str, mode: int) -> int:
        """Set the permissions."""
        node = self.node(path)
        node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        return 0

    def utimens(self, path: str, times: Any = None) -> int:
        """Keep the time of creation."""
        return 0

    def open(self, path: str, flags: int) -> int:
        """Find a file."""
        node = self.node(path)
        if flags & os.O_TRUNC:
            node.live = bytearray()
        return 0

    def readdir(self, path: str, fh: int) -> Any:
        """Give the names in a folder."""
        return [".", "..", *self.node(path).live]

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        """Describe a file or a folder."""
        node, now = self.node(path), int(1e9 * self.node(path).time)
        times = {"st_mtime": now, "st_ctime": now, "st_atime": now}
        return {
            "st_mode": node.mode,
            "st_nlink": 1,
            "st_size": len(node.live),
            "st_uid": os.getuid(),
            "st_gid": os.getgid(),
            **times,
        }


if __name__ == "__main__":
    mount, dumps = sys.argv[1:]
    mfusepy.FUSE(PowerLoss(Path(dumps)), mount, foreground=True, nothreads=True)
