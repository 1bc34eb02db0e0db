"""``chainrule draw``: a page on which one draws a digit and sees the network read it, and trains networks live."""

from __future__ import annotations

import threading
from pathlib import Path

import rich_click as click

from .._stdout import end_at_once
from ..errors import FileError, SettingError
from .exit_codes import INTERRUPTED
from .options import arguments_panel, flag, folder_option, integer_option, model_argument, option
from .output import print_line, print_message

MOST_PORT = 65535


@click.command("draw")
@arguments_panel
@model_argument(default="one that the page trains when it starts, in a second or two")
@folder_option("--run", multiple=True, text="Watch a training with checkpoints, which another process may train; may be repeated.")
@option(
    "--host",
    type=str,
    metavar="HOST",
    text="The address to listen at. Other machines reach any but 127.0.0.1 and ::1, and need the token in the printed link.",
    default="127.0.0.1",
)
@integer_option("--port", "-p", metavar="PORT", text="The port; 0 takes any that is free.", default=8784)
@flag("--no-browser", text="Print the page's address, and do not open a browser.")
def draw(model: Path | None, run: tuple[Path, ...], host: str | None, port: int, no_browser: bool) -> int:
    """Open a page on which you draw a digit and see the network read it; another tab trains networks live.

    The page's address is the first line. Ctrl-C ends the server. It needs pip install 'chainrule[web]'.
    """
    from ..web import check_installed

    check_installed()
    if not 0 <= port <= MOST_PORT:
        raise SettingError(f"--port must be from 0 to {MOST_PORT}; it is {port}")
    for folder in run:
        _check_run_folder(folder)
    from ..loading import load_model
    from ..web.server import admission_at, listen, open_browser, serve

    loaded = None if model is None else (load_model(model), model.name)
    address = listen(host or "127.0.0.1", port)
    admission = admission_at(address)
    link = address.link(admission.token)
    print_line(link)
    if not address.is_loopback:
        print_message("warning: other machines can reach this server; whoever has the link can use it, and it is not encrypted")
    status = 0
    try:
        serve(
            address,
            admission,
            model=loaded,
            folders={f"watched-{k}": folder for k, folder in enumerate(run, start=1)},
            on_listening=(lambda: None) if no_browser else (lambda: open_browser(link)),
        )
    except KeyboardInterrupt:  # uvicorn raises it again once all has ended
        status = INTERRUPTED
    if _threads_are_left():
        end_at_once(status)
    return status


def _threads_are_left() -> bool:
    """Whether a thread is within a long call: Python would wait for a request's, and the engine's would outlive its own library."""
    return any(thread is not threading.current_thread() for thread in threading.enumerate())


def _check_run_folder(folder: Path) -> None:
    """Refuse a folder without a training; of a table's networks each has a folder of its own below it."""
    from ..checkpoints.run_status import find_runs

    if next(find_runs(folder), None) is None:
        raise FileError(f"{folder} has no training with checkpoints in it; train --checkpoint {folder} makes one")
