"""Drawn pages with one digit and lines that do not belong to it: frames, boxes, ruled, squared and dotted paper, lines, specks.

``KINDS`` are the kinds of lines: functions of a ``Sheet`` that return their opacity, 0 to 1, at each pixel. ``STYLES`` are the
kinds of pages, from 28 x 28 pixels to a photo. ``page`` combines a digit, a kind of lines and a style.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


@dataclass(frozen=True)
class Sheet:
    """A sheet to draw lines on: the coordinates of its pixels, and the box of the digit's ink.

    ``box`` is the ink's top, left, bottom and right; ``unit`` is the box's longer side, ``side`` the sheet's shorter one.
    """

    y: np.ndarray
    x: np.ndarray
    box: tuple[int, int, int, int]
    rng: np.random.Generator

    @property
    def side(self):
        """The shorter side."""
        return min(self.y.shape)

    @property
    def unit(self):
        """The longer side of the ink's box."""
        top, left, bottom, right = self.box
        return max(bottom - top, right - left)

    def width(self, share):
        """Compute a line's width from its share of the side, at least one pixel."""
        return max(1.0, share * self.side)

    @property
    def middle(self):
        """The middle of the ink's box."""
        top, left, bottom, right = self.box
        return (top + bottom - 1) / 2, (left + right - 1) / 2

    def inset(self, share):
        """Compute the signed distance from a rectangle within the rim; the margin is a share of the side."""
        height, width = self.y.shape
        by = share * self.side
        return np.maximum(np.maximum(by - self.y, self.y - (height - 1 - by)), np.maximum(by - self.x, self.x - (width - 1 - by)))

    def around(self, share):
        """Compute the signed distance from a rectangle around the ink's box; the margin is a share of its longer side."""
        top, left, bottom, right = self.box
        by = share * self.unit
        return np.maximum(
            np.maximum(top - by - self.y, self.y - (bottom - 1 + by)), np.maximum(left - by - self.x, self.x - (right - 1 + by))
        )

    def turned(self, degrees):
        """Rotate the coordinates about the middle of the sheet."""
        angle = np.deg2rad(degrees)
        y, x = self.y - self.y.mean(), self.x - self.x.mean()
        return replace(
            self, y=self.y.mean() + np.cos(angle) * y + np.sin(angle) * x, x=self.x.mean() + np.cos(angle) * x - np.sin(angle) * y
        )


# Lines


def stroke(distance, width):
    """Compute the opacity of a line of this width at a distance from its middle."""
    return np.clip((width + 1) / 2 - np.abs(distance), 0, 1)


def nearest(position, period):
    """Compute the signed distance from the nearest multiple of a period."""
    return (position + period / 2) % period - period / 2


def ruled(sheet, period, width=None):
    """Draw horizontal lines at every period."""
    return stroke(nearest(sheet.y - sheet.rng.uniform(0, period), period), width or sheet.width(0.006))


def squared(sheet, period, width=None):
    """Draw lines in both directions at every period."""
    return np.maximum(ruled(sheet, period, width), ruled(replace(sheet, y=sheet.x), period, width))


def dotted(sheet, period):
    """Draw dots in both directions at every period."""
    y, x = (nearest(at - sheet.rng.uniform(0, period), period) for at in (sheet.y, sheet.x))
    return stroke(np.hypot(y, x), sheet.width(0.012))


def rounded(sheet, share, radius):
    """Compute the signed distance from a rectangle within the rim with round corners."""
    height, width = sheet.y.shape
    reach = sheet.side * (share + radius)
    y = np.maximum(np.abs(sheet.y - (height - 1) / 2) - ((height - 1) / 2 - reach), 0)
    x = np.maximum(np.abs(sheet.x - (width - 1) / 2) - ((width - 1) / 2 - reach), 0)
    return np.hypot(y, x) - radius * sheet.side


def sides(sheet, share, *names):
    """Draw some of the four sides of a frame within the rim."""
    height, width = sheet.y.shape
    by = share * sheet.side
    distances = {"top": sheet.y - by, "left": sheet.x - by, "bottom": height - 1 - by - sheet.y, "right": width - 1 - by - sheet.x}
    drawn = [stroke(distances[name], sheet.width(0.012)) for name in names]
    return np.max(drawn, axis=0) * (sheet.inset(share) < sheet.width(0.006) + 1)


def short(line, across, margin):
    """Shorten a line at both ends by a share of the side."""
    return line * (np.abs(across - across.mean()) < (0.5 - margin) * np.ptp(across))


def below(sheet, gap=0.15):
    """Compute the distance from a horizontal line below the ink; the gap is a share of its longer side."""
    return sheet.y - (sheet.box[2] + gap * sheet.unit)


def beside(sheet, gap=0.15):
    """Compute the distance from a vertical line to the right of the ink; the gap is a share of its longer side."""
    return sheet.x - (sheet.box[3] + gap * sheet.unit)


def circle(sheet, share=0.8):
    """Compute the signed distance from a circle around the ink."""
    y, x = sheet.middle
    return np.hypot(sheet.y - y, sheet.x - x) - share * sheet.unit


def specks(sheet, number=12):
    """Draw small spots, away from the ink."""
    spots = np.zeros(sheet.y.shape)
    for _ in range(number):
        y, x = (sheet.rng.uniform(0, n) for n in sheet.y.shape)
        spots = np.maximum(spots, stroke(np.hypot(sheet.y - y, sheet.x - x), sheet.width(sheet.rng.uniform(0.012, 0.024))))
    return spots * (sheet.around(0.25) > 0)


def printed(sheet):
    """Draw a line of small print at the foot of the page."""
    text = Image.new("L", (200, 12), 0)
    ImageDraw.Draw(text).text((0, 0), "Form 27, page 3 of 4: write one digit", fill=255)
    height, width = sheet.y.shape
    image = Image.new("L", (width, height), 0)
    image.paste(text.resize((int(0.7 * width), max(3, int(0.042 * width)))), (int(0.1 * width), int(0.94 * height)))
    return np.asarray(image) / 255 * (sheet.around(0.2) > 0)


def blot(sheet):
    """Draw a compact spot in the corner farthest from the ink."""
    (height, width), (y, x) = sheet.y.shape, sheet.middle
    at = (0.05 if y > height / 2 else 0.95) * height, (0.05 if x > width / 2 else 0.95) * width
    return stroke(np.hypot(sheet.y - at[0], sheet.x - at[1]), 0.06 * sheet.side)


def through(sheet):
    """Compute the distance from a horizontal line that crosses the ink."""
    top, _, bottom, _ = sheet.box
    return sheet.y - sheet.rng.uniform(top + 0.1 * sheet.unit, bottom - 0.1 * sheet.unit)


def down_through(sheet):
    """Compute the distance from a vertical line that crosses the ink."""
    _, left, _, right = sheet.box
    return sheet.x - sheet.rng.uniform(left + 0.1 * (right - left), right - 0.1 * (right - left))


CLEAR = {
    "frame": lambda s: stroke(s.inset(0.04), s.width(0.006)),
    "frame, thick": lambda s: stroke(s.inset(0.04), s.width(0.036)),
    "frame, grey": lambda s: 0.5 * stroke(s.inset(0.05), s.width(0.012)),
    "frame, rounded": lambda s: stroke(rounded(s, 0.04, 0.08), s.width(0.012)),
    "frame, double": lambda s: np.maximum(stroke(s.inset(0.02), s.width(0.006)), stroke(s.inset(0.055), s.width(0.006))),
    "frame, at the rim": lambda s: stroke(s.inset(0), s.width(0.024)),
    "frame, turned": lambda s: stroke(s.turned(s.rng.uniform(-2, 2)).inset(0.04), s.width(0.012)),
    "frame, partly outside": lambda s: stroke(replace(s, y=s.y + 0.06 * s.side, x=s.x + 0.06 * s.side).inset(0.04), s.width(0.012)),
    "two sides of a frame": lambda s: sides(s, 0.05, "left", "bottom"),
    "three sides of a frame": lambda s: sides(s, 0.05, "left", "bottom", "right"),
    "two opposite sides": lambda s: sides(s, 0.05, "left", "right"),
    "box around the digit": lambda s: stroke(s.around(0.2), s.width(0.012)),
    "box, grey": lambda s: 0.5 * stroke(s.around(0.2), s.width(0.012)),
    "box, close": lambda s: stroke(s.around(0.1), s.width(0.006)),
    "circle around the digit": lambda s: stroke(circle(s), s.width(0.012)),
    "rule below": lambda s: stroke(below(s), s.width(0.006)),
    "rule below, grey": lambda s: 0.6 * stroke(below(s), s.width(0.006)),
    "rule below, thick": lambda s: stroke(below(s), s.width(0.024)),
    "rule above": lambda s: stroke(s.y - s.box[0] + 0.15 * s.unit, s.width(0.006)),
    "rule beside": lambda s: stroke(beside(s), s.width(0.006)),
    "rule beside, thick": lambda s: stroke(beside(s), s.width(0.024)),
    "rule below, close": lambda s: stroke(below(s, 0.06), s.width(0.006)),
    "rule below, turned": lambda s: stroke(below(s.turned(s.rng.uniform(-4, 4)), 0.25), s.width(0.006)),
    "rule below, short": lambda s: short(stroke(below(s), s.width(0.006)), s.x, 0.08),
    "rule beside, short": lambda s: short(stroke(beside(s), s.width(0.006)), s.y, 0.08),
    "dotted paper": lambda s: dotted(s, max(5, 0.3 * s.unit)),
    "dotted paper, fine": lambda s: 0.7 * dotted(s, max(5, 0.15 * s.unit)),
    "specks": specks,
    "blot": blot,
    "small print": printed,
}
TOUCHING = {
    "ruled, wide": lambda s: ruled(s, 1.3 * s.unit),
    "ruled, wide, grey": lambda s: 0.5 * ruled(s, 1.3 * s.unit),
    "ruled, narrow": lambda s: ruled(s, 0.5 * s.unit),
    "ruled, narrow, grey": lambda s: 0.5 * ruled(s, 0.5 * s.unit),
    "ruled, turned": lambda s: ruled(s.turned(s.rng.uniform(-5, 5)), 0.7 * s.unit),
    "ruled, with a margin": lambda s: np.maximum(ruled(s, s.unit), stroke(s.x - 0.07 * s.x.max(), s.width(0.006))),
    "squared, coarse": lambda s: squared(s, 0.6 * s.unit),
    "squared, coarse, grey": lambda s: 0.5 * squared(s, 0.6 * s.unit),
    "squared, fine": lambda s: squared(s, max(5, 0.2 * s.unit)),
    "squared, fine, grey": lambda s: 0.5 * squared(s, max(5, 0.2 * s.unit)),
    "squared, turned": lambda s: squared(s.turned(s.rng.uniform(-4, 4)), 0.4 * s.unit),
    "squared, turned, grey": lambda s: 0.4 * squared(s.turned(s.rng.uniform(-4, 4)), 0.4 * s.unit),
    "a rule through it": lambda s: stroke(through(s), s.width(0.006)),
    "a grey rule through it": lambda s: 0.6 * stroke(through(s), s.width(0.006)),
    "a rule through it, down": lambda s: stroke(down_through(s), s.width(0.006)),
    "a rule at its foot": lambda s: stroke(below(s, -0.01), s.width(0.006)),
    "a thick rule at its foot": lambda s: stroke(below(s, 0), s.width(0.018)),
    "a short rule through it": lambda s: short(stroke(through(s), s.width(0.006)), s.x, 0.07),
    "a frame that it touches": lambda s: stroke(
        replace(s, y=s.y + s.y.max() - 0.05 * s.side - s.box[2]).inset(0.05), s.width(0.012)
    ),
    "a box that it touches": lambda s: stroke(replace(s, x=s.x + 0.25 * s.unit).around(0.2), s.width(0.006)),
}
NONE = {"no lines": lambda s: np.zeros(s.y.shape)}
KINDS = {**NONE, **CLEAR, **TOUCHING}


# Digits


STROKES = {  # of each digit, in a square of side 1
    0: [[(0.5, 0), (0.25, 0.15), (0.2, 0.5), (0.25, 0.85), (0.5, 1), (0.75, 0.85), (0.8, 0.5), (0.75, 0.15), (0.5, 0)]],
    1: [[(0.5, 0), (0.5, 1)]],
    2: [[(0.2, 0.2), (0.35, 0.02), (0.65, 0.02), (0.8, 0.2), (0.72, 0.45), (0.2, 1), (0.85, 1)]],
    3: [[(0.2, 0.08), (0.5, 0), (0.78, 0.15), (0.7, 0.4), (0.45, 0.48), (0.75, 0.58), (0.8, 0.82), (0.5, 1), (0.18, 0.9)]],
    4: [[(0.4, 0), (0.15, 0.6), (0.85, 0.6)], [(0.7, 0.2), (0.7, 1)]],
    5: [[(0.8, 0), (0.3, 0), (0.25, 0.42), (0.6, 0.4), (0.8, 0.62), (0.72, 0.9), (0.45, 1), (0.2, 0.92)]],
    6: [[(0.65, 0), (0.35, 0.3), (0.22, 0.65), (0.3, 0.92), (0.55, 1), (0.76, 0.85), (0.72, 0.62), (0.5, 0.54), (0.25, 0.68)]],
    7: [[(0.15, 0), (0.85, 0), (0.4, 1)]],
    8: [
        [(0.5, 0), (0.25, 0.12), (0.3, 0.35), (0.7, 0.6), (0.75, 0.85), (0.5, 1)],
        [(0.5, 0), (0.75, 0.12), (0.7, 0.35), (0.3, 0.6), (0.25, 0.85), (0.5, 1)],
    ],
    9: [[(0.75, 0.3), (0.5, 0.45), (0.25, 0.3), (0.35, 0.06), (0.6, 0), (0.75, 0.1), (0.75, 0.3), (0.7, 0.7), (0.6, 1)]],
}


def penned(number, width):
    """Draw a digit with a pen whose width is a share of the digit's height, as 280 x 280 grey levels with MNIST's margins."""
    image = Image.new("L", (280, 280), 0)
    for points in STROKES[number]:
        line = [(40 + 200 * x, 40 + 200 * y) for x, y in points]
        ImageDraw.Draw(image).line(line, fill=255, width=round(200 * width), joint="curve")
    return np.asarray(image)


# Pages


def place(digit, shape, rng, least=0.5, most=0.84):
    """Place a digit somewhere on a sheet, away from its rim; return the ink, 0 to 1, and its box."""
    side = int(rng.uniform(least, most) * min(shape))
    drawn = np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)) / 255
    margin = int(0.08 * min(shape))
    top, left = (int(rng.integers(margin, n - margin - side + 1)) for n in shape)
    ink = np.zeros(shape)
    ink[top : top + side, left : left + side] = drawn
    rows, columns = np.flatnonzero((ink > 0.5).any(axis=1)), np.flatnonzero((ink > 0.5).any(axis=0))
    return ink, (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def paper(ink):
    """Draw black ink on white paper."""
    return 255 * (1 - ink)


def board(ink):
    """Draw white ink on a black board."""
    return 255 * ink


def photographed(ink, rng):
    """Draw ink on grey paper, slightly out of focus, with noise, in light that decreases to one side."""
    blurred = Image.fromarray((255 * ink).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in ink.shape), indexing="ij")
    angle = rng.uniform(0, 2 * np.pi)
    light = 160 + 45 * (np.cos(angle) * y + np.sin(angle) * x) - 25 * (x**2 + y**2)
    return light * (1 - 0.65 * np.asarray(blurred) / 255) + rng.normal(0, 8, ink.shape)


STYLES = {  # the shape of the sheet, and the function that draws ink on it
    "28": ((28, 28), lambda ink, rng: paper(ink)),
    "120": ((120, 120), lambda ink, rng: paper(ink)),
    "board": ((300, 400), lambda ink, rng: board(ink)),
    "photo": ((800, 1000), photographed),
}


def page(digit, kind, style, rng, ink=1.0):
    """Draw a page: a digit somewhere on it, in ink of this darkness, and lines of a kind."""
    shape, rendered = STYLES[style]
    written, box = place(digit, shape, rng)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    lines = KINDS[kind](Sheet(y, x, box, rng))
    return np.clip(rendered(np.maximum(ink * written, lines), rng), 0, 255).astype(np.uint8)


def lines_alone(kind, style, rng):
    """Draw a page with the lines of a kind and no digit."""
    return page(np.pad(np.full((20, 20), 255, np.uint8), 4), kind, style, rng, ink=0.0)
