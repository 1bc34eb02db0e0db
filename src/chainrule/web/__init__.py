"""The page of ``chainrule draw``: draw a digit and see the network read it; train networks, and watch them learn.

``application`` makes the server's application of a table of ``operations`` and the files in ``static/``; ``guard`` checks every
request before it. ``drawing`` holds the network of the Draw tab, ``run_registry`` the runs of the Train tab, and ``events`` carries
their news to the page. All files but this one need the libraries of ``pip install 'chainrule[web]'``.
"""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import MissingExtra

LIBRARIES = ("starlette", "uvicorn", "msgspec")


def check_installed() -> None:
    """Check that the page's libraries are installed, without importing them.

    Raises
    ------
    MissingExtra
        When one is not.
    """
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise MissingExtra(f"the page needs {', '.join(missing)}; install with: pip install 'chainrule[web]'")
