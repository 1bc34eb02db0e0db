"""The style of the figures: matplotlib's import, fonts and colours, and names shortened to fit."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import FileError, MissingExtra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, VERMILION, GRAY = "#0072B2", "#D55E00", "#8A8A8A"
"""Blue and vermilion of Okabe and Ito's palette, which colour-blind readers can tell apart."""

FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Arial Unicode MS",
)
"""matplotlib's own font, then those that have the letters it lacks; only the installed ones are used."""

STYLE: dict[str, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.labelpad": 6,
    "axes.titlelocation": "left",
    "lines.linewidth": 1.6,
    "svg.hashsalt": "chainrule",  # SVG's identifiers are random numbers without it
}


def import_matplotlib() -> Any:
    """Import matplotlib, without pyplot.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.
    FileError
        When it finds no folder for its cache.
    """
    try:
        import matplotlib as mpl
        import matplotlib.figure
        import matplotlib.style
    except ModuleNotFoundError:
        raise MissingExtra("a plot needs matplotlib; install it with: pip install 'chainrule[plot]'") from None
    except OSError as error:
        raise FileError(f"matplotlib cannot be used: {error}") from None
    return mpl


@contextmanager
def report_style() -> Iterator[None]:
    """Set matplotlib's default style with ``STYLE`` on top, in place of the user's settings, until the block ends."""
    mpl = import_matplotlib()
    from matplotlib.font_manager import get_font_names

    installed = set(get_font_names())
    family = [font for font in FONTS if font in installed]
    with mpl.style.context(["default", {**STYLE, "font.family": family}]):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure, not known to pyplot; its size is in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def fit_name(name: str, most: int = 28) -> str:
    r"""Make the name of a column or class fit beside an axis: the middle of a long one becomes an ellipsis.

    A dollar sign is escaped, because matplotlib would read the text between two of them as a formula.

    Examples
    --------
    >>> print(fit_name("setosa"), fit_name("a very long name of a column", 12), fit_name("$50K"))
    setosa a very…olumn \$50K
    """
    printable = "".join(" " if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") else letter for letter in name)
    words = " ".join(printable.split())
    if len(words) > most:
        end = (most - 1) // 2
        words = f"{words[: most - 1 - end]}…{words[len(words) - end :]}"
    return words.replace("$", r"\$")


def fit_names(names: Sequence[str], most: int = 28) -> list[str]:
    """Make names fit beside an axis; those that would look the same begin with their position.

    Examples
    --------
    >>> fit_names(["yes", "the first of two long names", "the farthest of two long names"], 10)
    ['yes', '2: the f…ames', '3: the f…ames']
    """
    fitted = [fit_name(name, most) for name in names]
    count = Counter(fitted)
    return [label if count[label] == 1 else f"{position}: {label}" for position, label in enumerate(fitted, start=1)]
