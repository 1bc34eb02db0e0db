"""Memory that was freed in small blocks, returned to the system."""

from __future__ import annotations

import sys


def return_freed_memory() -> None:
    """Return the memory of freed arrays to the system where the C library is glibc; elsewhere do nothing.

    glibc keeps freed blocks of less than 32 MB for later ones. The columns of a large table are such blocks, and the one array of
    all prepared columns, which is larger, would come on top of them.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes  # imported late: only large tables need it

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
    if trim is not None:
        trim(0)
