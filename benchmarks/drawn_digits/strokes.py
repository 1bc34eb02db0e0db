"""A hundred drawn digits: strokes written by hand, ten of each digit, in several styles, pens, places, sizes and slants.

A stroke is a polyline of points (x, y) in a square of side 1, y downwards. ``STYLES`` has the ways in which people write a digit;
``MANNERS`` the ways in which they place it and the pens they take. Digit d's k-th drawing is style k, cyclically, in manner k.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PAPER = 280
"""The side of the page's paper, in units of its own."""

Stroke = list[tuple[float, float]]


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float, points: int = 24) -> Stroke:
    """Give an arc of an ellipse around (x, y): angles in degrees, 0 to the right, 90 downwards."""
    angles = np.radians(np.linspace(start, end, points))
    return [(float(x + rx * np.cos(angle)), float(y + ry * np.sin(angle))) for angle in angles]


STYLES: dict[int, dict[str, list[Stroke]]] = {
    0: {
        "oval": [arc(0.5, 0.5, 0.24, 0.36, -90, -450)],
        "narrow, begun on the right": [arc(0.5, 0.5, 0.17, 0.36, -50, -410)],
        "round, not quite closed": [arc(0.5, 0.5, 0.3, 0.33, -70, -405)],
    },
    1: {
        "a line": [[(0.5, 0.14), (0.5, 0.86)]],
        "with a flag": [[(0.38, 0.28), (0.52, 0.14), (0.52, 0.86)]],
        "with a foot": [[(0.4, 0.26), (0.53, 0.14), (0.53, 0.86)], [(0.36, 0.86), (0.7, 0.86)]],
        "leaning": [[(0.58, 0.14), (0.44, 0.86)]],
    },
    2: {
        "with a corner": [[*arc(0.48, 0.33, 0.2, 0.19, -165, 25), (0.55, 0.58), (0.42, 0.72), (0.28, 0.86), (0.74, 0.86)]],
        "with a loop": [
            [
                *arc(0.48, 0.33, 0.21, 0.19, -170, 30),
                *[(0.56, 0.58), (0.42, 0.76), (0.32, 0.84), (0.27, 0.8), (0.31, 0.73), (0.42, 0.77), (0.58, 0.85), (0.74, 0.8)],
            ]
        ],
        "like a z": [[(0.3, 0.22), (0.4, 0.15), (0.56, 0.14), (0.67, 0.22), (0.66, 0.34), (0.28, 0.85), (0.72, 0.84)]],
    },
    3: {
        "of two bows": [[*arc(0.47, 0.32, 0.19, 0.17, -150, 80), *arc(0.47, 0.67, 0.22, 0.19, -85, 150)]],
        "with a flat top": [[(0.3, 0.16), (0.68, 0.16), (0.46, 0.43), *arc(0.47, 0.65, 0.21, 0.21, -75, 150)]],
        "with a loop in the middle": [
            [
                *arc(0.46, 0.31, 0.19, 0.17, -160, 70),
                (0.44, 0.48),
                (0.41, 0.51),
                (0.46, 0.52),
                *arc(0.47, 0.68, 0.2, 0.17, -75, 145),
            ]
        ],
    },
    4: {
        "closed": [[(0.6, 0.86), (0.6, 0.14), (0.26, 0.62), (0.76, 0.62)]],
        "open": [[(0.34, 0.14), (0.3, 0.5), (0.7, 0.5)], [(0.67, 0.16), (0.64, 0.86)]],
        "open, of straight lines": [[(0.4, 0.15), (0.28, 0.58), (0.74, 0.56)], [(0.6, 0.32), (0.58, 0.87)]],
    },
    5: {
        "in one stroke": [[(0.68, 0.15), (0.37, 0.15), (0.34, 0.45), *arc(0.47, 0.64, 0.21, 0.21, -115, 145)]],
        "with its bar drawn last": [
            [(0.36, 0.17), (0.33, 0.47), *arc(0.46, 0.64, 0.22, 0.2, -110, 140)],
            [(0.36, 0.16), (0.72, 0.14)],
        ],
        "round": [[(0.66, 0.16), (0.44, 0.15), (0.38, 0.28), (0.36, 0.42), *arc(0.47, 0.65, 0.19, 0.2, -95, 160)]],
    },
    6: {
        "with a straight back": [
            [(0.6, 0.13), (0.46, 0.28), (0.36, 0.46), (0.31, 0.62), *arc(0.49, 0.68, 0.18, 0.18, 180, -170)],
        ],
        "with a round back": [[*arc(0.58, 0.5, 0.28, 0.37, -80, -180), *arc(0.48, 0.67, 0.18, 0.19, 180, -190)]],
        "with a small loop": [
            [(0.62, 0.15), (0.47, 0.24), (0.37, 0.4), (0.33, 0.58), (0.35, 0.75), *arc(0.49, 0.74, 0.14, 0.13, 120, -200)],
        ],
    },
    7: {
        "plain": [[(0.28, 0.17), (0.72, 0.17), (0.46, 0.86)]],
        "crossed": [[(0.28, 0.18), (0.72, 0.16), (0.46, 0.86)], [(0.38, 0.5), (0.7, 0.5)]],
        "with a serif": [[(0.29, 0.28), (0.3, 0.17), (0.71, 0.18), (0.55, 0.46), (0.47, 0.86)]],
        "with a round neck": [[(0.28, 0.18), (0.6, 0.16), (0.7, 0.2), (0.66, 0.34), (0.52, 0.58), (0.46, 0.86)]],
    },
    8: {
        "of two circles": [arc(0.5, 0.32, 0.17, 0.17, 90, 450), arc(0.5, 0.68, 0.21, 0.18, -90, 270)],
        "in one stroke": [
            [
                *[(0.64, 0.24), (0.52, 0.14), (0.38, 0.18), (0.34, 0.3), (0.42, 0.42), (0.56, 0.52), (0.67, 0.64), (0.64, 0.79)],
                *[(0.5, 0.86), (0.36, 0.8), (0.32, 0.67), (0.4, 0.54), (0.54, 0.44), (0.65, 0.33), (0.64, 0.24)],
            ]
        ],
        "narrow": [
            [
                *arc(0.5, 0.31, 0.12, 0.17, -40, -220),
                *arc(0.5, 0.68, 0.14, 0.18, -60, 240),
                *arc(0.5, 0.31, 0.12, 0.17, 120, -40),
            ]
        ],
    },
    9: {
        "with a straight tail": [[*arc(0.49, 0.32, 0.17, 0.18, -20, -380), (0.66, 0.3), (0.64, 0.6), (0.6, 0.86)]],
        "with a curved tail": [
            [*arc(0.49, 0.32, 0.18, 0.18, -20, -375), (0.67, 0.34), (0.66, 0.58), (0.6, 0.76), (0.48, 0.86), (0.34, 0.82)]
        ],
        "like a g": [[*arc(0.5, 0.33, 0.17, 0.17, -10, -370), (0.67, 0.2), (0.67, 0.7), *arc(0.52, 0.72, 0.15, 0.14, 0, 150)]],
    },
}


@dataclass(frozen=True)
class Manner:
    """A way of drawing.

    Attributes
    ----------
    name : str
    pen : float
        The width of the pen, in units of the paper, whose side is 280.
    size : float
        Of the digit, relative to the paper's side.
    centre : (float, float)
        The place of the digit's square on the paper, as parts of its side.
    slant : float
        The shift to the right at the top, relative to the height.
    turn : float
        A rotation in degrees, clockwise.
    stretch : float
        The width relative to the height.
    """

    name: str
    pen: float = 20
    size: float = 1.0
    centre: tuple[float, float] = (0.5, 0.5)
    slant: float = 0.0
    turn: float = 0.0
    stretch: float = 1.0


MANNERS = (
    Manner("as it is"),
    Manner("a thin pen", pen=5),
    Manner("a thick pen", pen=34),
    Manner("in the upper left", size=0.55, centre=(0.28, 0.3)),
    Manner("in the lower right, small", pen=12, size=0.4, centre=(0.78, 0.76)),
    Manner("slanted to the right", slant=0.3),
    Manner("slanted to the left, thin", pen=9, slant=-0.25),
    Manner("turned", turn=12),
    Manner("wide", stretch=1.35, size=0.8),
    Manner("narrow, tiny", pen=8, size=0.3, centre=(0.6, 0.4), stretch=0.75),
)


@dataclass(frozen=True)
class Drawn:
    """A digit on the paper: its value, how it was drawn, and its strokes, each {width, points} in units of the paper."""

    digit: int
    style: str
    manner: str
    strokes: list[dict[str, object]]


def drawings() -> list[Drawn]:
    """Give the hundred drawings."""
    drawn = []
    for digit, styles in STYLES.items():
        names = list(styles)
        for k, manner in enumerate(MANNERS):
            style = names[k % len(names)]
            strokes: list[dict[str, object]] = [
                {"width": manner.pen, "points": _placed(stroke, manner)} for stroke in styles[style]
            ]
            drawn.append(Drawn(digit, style, manner.name, strokes))
    return drawn


def hasty_drawings(count: int, seed: int = 0) -> list[Drawn]:
    """Draw digits in haste: every style in turn, with a trembling hand, a drawn slant, turn, width, pen, size and place."""
    rng = np.random.default_rng(seed)
    styles = [(digit, style) for digit, named in STYLES.items() for style in named]
    drawn = []
    for digit, style in (styles * (count // len(styles) + 1))[:count]:
        size = float(rng.uniform(0.3, 0.9))
        manner = Manner(
            "in haste",
            pen=size * float(rng.uniform(8, 36)),
            size=size,
            centre=(float(rng.uniform(0.35, 0.65)), float(rng.uniform(0.35, 0.65))),
            slant=float(rng.uniform(-0.45, 0.45)),
            turn=float(rng.uniform(-18, 18)),
            stretch=float(rng.uniform(0.6, 1.5)),
        )
        strokes: list[dict[str, object]] = [
            {"width": manner.pen, "points": _placed(_trembled(stroke, rng), manner)} for stroke in STYLES[digit][style]
        ]
        drawn.append(Drawn(digit, style, manner.name, strokes))
    return drawn


def _trembled(stroke: Stroke, rng: np.random.Generator) -> Stroke:
    """Move a stroke's points by a smooth random walk of about 2 % of the digit's height."""
    corners = np.array(stroke)
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    places = np.linspace(0, length[-1], 60)
    smooth = np.stack([np.interp(places, length, corners[:, axis]) for axis in (0, 1)], axis=1)
    wobble = np.stack([np.convolve(rng.normal(size=80), np.ones(21) / 21, "valid") for _ in (0, 1)], axis=1)
    return [(float(x), float(y)) for x, y in smooth + 0.12 * wobble]


def _placed(stroke: Stroke, manner: Manner) -> list[list[float]]:
    """Stretch, slant, turn, scale and place a stroke on the paper."""
    x, y = np.array(stroke).T - 0.5
    x = x * manner.stretch - manner.slant * y
    angle = np.radians(manner.turn)
    turned = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    points = [PAPER * (centre + manner.size * part) for centre, part in zip(manner.centre, turned, strict=True)]
    return np.stack(points, axis=1).round(2).tolist()
