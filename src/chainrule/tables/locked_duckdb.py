"""DuckDB that touches the files it is given, and nothing else: no other file, no network, no extension, no spilling to a disk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect_locked(paths: Iterable[str], settings: Iterable[str] = ()) -> duckdb.DuckDBPyConnection:
    """Open a database in memory that may read and write these paths alone, whatever a file or a query asks for.

    Parameters
    ----------
    paths : iterable of str
        As they will be given to DuckDB.
    settings : iterable of str
        Further settings, such as "threads = 2"; none can be changed afterwards.
    """
    import duckdb

    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    for setting in (
        *settings,
        "temp_directory = ''",
        "enable_progress_bar = false",  # the readers report their own progress
        f"allowed_paths = [{', '.join(map(literal, paths))}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
    return connection


def literal(text: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
