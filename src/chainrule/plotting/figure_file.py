"""Figures as files: the check of a file's name before the work begins, and the writing after it."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._atomic_write import translate_write_errors, write_atomically
from .._format import pluralize
from .._warnings import user_stacklevel
from ..errors import SettingError
from .figure_style import FONTS, import_matplotlib, report_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS: dict[str, dict[str, Any]] = {
    ".png": {"dpi": 200},
    ".svg": {"dpi": 200, "metadata": {"Date": None}},
    ".pdf": {"dpi": 200, "metadata": {"CreationDate": None}},
}
"""The endings, and the arguments of ``Figure.savefig``: without a date the same figure gives the same bytes."""


def check_plot_path(path: str | os.PathLike[str]) -> Path:
    """Check, before the work begins, that a figure can be written to a path.

    Raises
    ------
    SettingError
        When the ending is not .png, .svg or .pdf.
    FileError
        When the folder does not exist or is not writable, or the path is a folder.
    MissingExtra
        When matplotlib is not installed.
    """
    checked = Path(path)
    if checked.suffix.lower() not in FORMATS:
        raise SettingError(f"a plot is written as .png, .svg or .pdf, chosen by the file's ending; the file is {str(path)!r}")
    with translate_write_errors(checked):
        if not checked.parent.is_dir():
            raise FileNotFoundError(f"the folder {checked.parent} does not exist; create it first")
        if not os.access(checked.parent, os.W_OK):
            raise PermissionError(f"the folder {checked.parent} is not writable")
    import_matplotlib()
    return checked


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG, SVG or PDF, by the path's ending; the file is written completely or not at all.

    Raises
    ------
    SettingError, FileError, MissingExtra
        As ``check_plot_path``, and when the disk is full.
    """
    checked = check_plot_path(path)
    write_atomically(checked, _render(figure, checked.suffix.lower()))


def _render(figure: Figure, ending: str) -> bytes:
    """Give the contents of the file. One warning tells all letters that the font lacks, where matplotlib gives one for each."""
    contents = io.BytesIO()
    with report_style(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(contents, format=ending[1:], **FORMATS[ending])
    lacking = {str(warning.message) for warning in caught if "missing from font" in str(warning.message)}
    for warning in caught:
        if str(warning.message) not in lacking:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if lacking:
        fonts = ", ".join(FONTS[1:])
        message = (
            f"the plot shows boxes for {pluralize(len(lacking), 'letter')} that its font lacks; install one of the fonts {fonts}"
        )
        warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
    return contents.getvalue()
