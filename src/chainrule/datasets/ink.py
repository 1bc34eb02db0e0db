"""A digit's ink, told from the paper that it is written on, and from lines beside it.

Straight lines that run from side to side are taken away where they are no part of the digit: frames, ruled and squared paper. What
is left is parted into connected components: the largest is the digit, or what it surrounds, with the pieces close to it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .._types import AnyArray, Array
from ..errors import DataError

WORKING_SIDE = 600  # pixels: a larger picture is reduced to this first
LEAST_CONTRAST = 10.0  # grey levels of 255 that ink must stand out by
LEAST_CERTAINTY = 4.0  # and standard deviations of the paper's noise
BLURS = (1 / 700, 1 / 350, 1 / 175)  # of the longer side, tried in turn until the ink stands out from the noise
PIECE = 0.1  # of the digit's size: half the gap across which a detached piece still belongs to it
SAMPLES = 100  # rows and columns that smooth paper is estimated from
PATCHES = 60  # and patchy paper
RIM = 6  # the part of a side that a frame's surroundings are taken from
STRIPS = 30  # upright ones, in which level lines are followed
STEEPEST = 0.12  # the slope of a line that is level still: 7 degrees
LEAST_COVERED = 0.9  # the share of a line that ink must cover, a tenth at either end apart
THICKEST = 0.06  # of the longer side: a wider line is none
THIN = 0.6  # of a stroke's width: a line that is no stroke

Mask = npt.NDArray[np.bool_]
Box = tuple[slice, slice]
Rows = npt.NDArray[np.int_]
EIGHT = np.ones((3, 3))  # a pixel's neighbours, the diagonal ones too


class Blob(NamedTuple):
    """A digit found in a picture: the contrast of its surroundings, and where in them its strokes are.

    ``floor`` is the contrast that is still paper; ``whole`` tells that the picture's rim does not cut the digit off; ``certainty``
    is how far its ink stands out from the paper's noise.
    """

    contrast: Array
    strokes: Mask
    floor: float
    whole: bool
    certainty: float


def find(levels: Array) -> Blob:
    """Find the digit, on paper that is lit smoothly or on paper with shadows and edges, whichever it stands out from better."""
    smooth = _smooth_paper(levels)
    blobs = [_blob(levels, smooth), _blob(levels, _patchy_paper(levels, smooth))]
    # On patchy paper, what reaches the rim is more likely a shadow's edge than a digit that was cut off.
    found = [blob for k, blob in enumerate(blobs) if blob and (blob.whole or k == 0)]
    if not found and (blob := _blob(levels, _smooth_paper(levels, wide=True))):  # lines may fill the rim
        found = [blob]
    if not found:
        blank = "the picture is blank, or too faint to tell ink from paper"
        raise DataError(f"{blank}; it must show one digit, in grey levels from 0 to 255")
    return max(found, key=lambda blob: (blob.whole, blob.certainty))


def _blob(levels: Array, paper: Array) -> Blob | None:
    """Find the digit on this paper, with as much blur as it takes for the ink to stand out from the noise."""
    for blur in BLURS:
        contrast, noise = _contrast(levels, paper, blur * max(levels.shape))
        threshold = _threshold(contrast)
        least = max(LEAST_CONTRAST / 2, LEAST_CERTAINTY * noise)
        if threshold < least:
            continue
        least = max(least, threshold / 4)  # what is fainter beside lines may be their soft edges
        contrast, rules = _without_rules(contrast, max(threshold, least) / 2)
        contrast = _without_box(contrast, max(threshold, least) / 2)
        threshold = _threshold(contrast)
        if threshold >= least:
            blob = _digit(contrast, threshold, noise)
            return None if _is_left_over(blob, rules) else blob
    return None


def _contrast(levels: Array, paper: Array, blur: float) -> tuple[Array, float]:
    """Tell how far each pixel, blurred, stands out from the paper to the side of the ink; and the paper's standard deviation."""
    from scipy import ndimage

    off = np.abs(levels - paper)
    bare = off <= max(2.5 * _deviation(off), 2.0)
    residual = ndimage.gaussian_filter(levels - paper, blur)
    noise = _deviation(np.abs(residual[bare]))
    if np.vdot(residual, residual * residual) > 0:  # cubed, the few pixels that stand out outweigh the many that do not
        return residual, noise
    # Ink takes away a share of the light that falls on the paper: less, in grey levels, where it is dim.
    return -residual * (paper.mean() / np.maximum(paper, paper.mean() / 4 + 1)), noise


def _smooth_paper(levels: Array, wide: bool = False) -> Array:
    """Estimate the paper's grey under uneven light: a quadratic surface through the pixels that lie near it, begun from the rim."""
    rows, columns = (np.unique(np.linspace(0, n - 1, min(n, SAMPLES)).astype(int)) for n in levels.shape)
    sample, basis = levels[np.ix_(rows, columns)].ravel(), _quadratics(levels.shape)[:, rows][:, :, columns].reshape(6, -1).T
    rim = _border((len(rows), len(columns)), RIM) if wide else _rim(levels[np.ix_(rows, columns)])
    trusted = rim.ravel()
    surface = np.full(sample.shape, np.median(sample[trusted]))
    for turn in range(10):
        off = np.abs(sample - surface)
        near = off <= max(2.5 * _deviation(off[trusted]), 2.0)
        trusted = near & rim.ravel() if turn < 3 else near
        seen = basis[trusted]
        weights = np.linalg.lstsq(seen.T @ seen, seen.T @ sample[trusted], rcond=1e-9)[0]
        surface = basis @ weights
    return np.tensordot(weights, _quadratics(levels.shape), 1)


def _rim(sample: Array) -> Mask:
    """Give the outermost pixels of a picture; a wide rim where they are a frame around it."""
    outer, wide = (_border(sample.shape, parts) for parts in (max(sample.shape), RIM))
    frame, paper = np.median(sample[outer]), np.median(sample[wide])
    near = abs(frame - paper) / 2
    framed = np.mean(np.abs(sample[outer] - frame) < near) > 0.8 and np.mean(np.abs(sample[wide] - paper) < near) > 0.65
    return wide if framed else outer


def _border(shape: tuple[int, ...], parts: int) -> Mask:
    """Give the pixels that are no farther from a side than one of so many parts of the picture, at least one pixel."""
    border = np.ones(shape, bool)
    border[tuple(slice(by, n - by) for n, by in zip(shape, (max(1, n // parts) for n in shape), strict=True))] = False
    return border


def _patchy_paper(levels: Array, smooth: Array) -> Array:
    """Estimate the grey of paper with shadows on it, or a table around it: the median of each pixel's wide surroundings."""
    from PIL import Image
    from scipy import ndimage

    height, width = levels.shape
    off = Image.fromarray((levels - smooth).astype(np.float32))
    few = np.asarray(off.resize((min(width, PATCHES), min(height, PATCHES)), Image.Resampling.BOX))
    middle = Image.fromarray(ndimage.median_filter(few, [min(n, PATCHES // 3) for n in few.shape]))
    return smooth + np.asarray(middle.resize((width, height), Image.Resampling.BILINEAR), np.float64)


def _quadratics(shape: tuple[int, ...]) -> Array:
    """Give 1, y, x, xy, y^2 and x^2 over a picture, its sides from -1 to 1."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return np.stack([np.ones(shape), y, x, x * y, y * y, x * x])


def _deviation(off: Array) -> float:
    """Estimate the standard deviation of noise from its absolute values, whatever a few outliers hold."""
    return 1.4826 * float(np.median(off))


def _threshold(contrast: Array) -> float:
    """Find the contrast half way between the paper, at 0, and the mean of the ink, above half the most at first."""
    threshold = contrast.max() / 2
    for _ in range(2):  # on to where it rests (Ridler and Calvard, 1978), it would sink into shadows, which are larger than the ink
        inked = contrast[contrast > threshold]
        threshold = inked.mean() / 2 if inked.size else 0.0
    return float(threshold)


class Pieces(NamedTuple):
    """The connected components of ink, numbered from 1 in ``labels``: the mass, the box of each, whether it ends within the rim."""

    labels: npt.NDArray[np.int32]
    mass: Array
    boxes: list[tuple[slice, slice]]
    inner: Mask

    def of(self, number: int) -> Mask:
        """Give the pixels of a piece, in its box."""
        return self.labels[self.boxes[number - 1]] == number


def _pieces(contrast: Array, inked: Mask) -> Pieces:
    """Part ink into its connected components."""
    from scipy import ndimage

    labels, count = ndimage.label(inked, EIGHT)
    boxes = ndimage.find_objects(labels)
    inner = [all(at.start > 0 and at.stop < n for at, n in zip(box, inked.shape, strict=True)) for box in boxes]
    return Pieces(labels, ndimage.sum_labels(contrast, labels, np.arange(1, count + 1)), boxes, np.array(inner, bool))


def _main(pieces: Pieces) -> int:
    """Give the number of the piece that is the digit, or most of it: the largest, or what it is drawn around."""
    mass, inner = pieces.mass, pieces.inner
    # The table's edge or a shadow in a corner reaches the rim; a digit does only where nothing else is there.
    number = 1 + int(np.argmax(mass * inner if (mass * inner).max() > 0.1 * mass.max() else mass))
    while inside := _surrounded(pieces, number):
        number = inside
    return number


def _surrounded(pieces: Pieces, ring: int) -> int:
    """Give the number of the largest piece that a ring surrounds; 0 where there is none of a size beside the ring's width."""
    from scipy import ndimage

    own = pieces.of(ring)
    within = pieces.labels[pieces.boxes[ring - 1]][ndimage.binary_fill_holes(own) & ~own]
    numbers = np.flatnonzero(np.bincount(within)[1:]) + 1
    if not numbers.size:
        return 0
    largest = int(numbers[np.argmax(pieces.mass[numbers - 1])])
    # A dot in a 0 is about as wide as the pen.
    return largest if size_of_box(pieces.boxes[largest - 1]) >= 4 * width_of(own) else 0


def _digit(contrast: Array, threshold: float, noise: float) -> Blob:
    """Find the strokes of the digit, its largest piece and the pieces close to it, with their surroundings."""
    from scipy import ndimage

    pieces = _pieces(contrast, contrast > threshold)
    main = _main(pieces)
    box, mass, inner = pieces.boxes[main - 1], pieces.mass[main - 1], bool(pieces.inner[main - 1])
    size = size_of_box(box)
    window = _widened(box, size // 2 + 2, contrast.shape)
    fitting = (pieces.mass >= 0.02 * mass) & (pieces.mass <= mass)
    fitting &= [not _overhangs(other, box) for other in pieces.boxes]
    labels = pieces.labels[window]
    sizeable = np.isin(labels, 1 + np.flatnonzero(fitting))
    joined, _ = ndimage.label(ndimage.distance_transform_edt(~sizeable) <= PIECE * size + 0.5)
    strokes = sizeable & (joined == joined[labels == main][0])
    rest = _erased(contrast[window], (labels > 0) & ~strokes, strokes, _softness(contrast))
    return Blob(rest, strokes, LEAST_CERTAINTY * noise, inner, threshold / (1 + noise))


class Rule(NamedTuple):
    """A straight line from side to side: its pixels, the box that holds them, its width, and whether it lies level."""

    pixels: Mask
    box: Box
    width: float
    level: bool


def _without_rules(contrast: Array, threshold: float) -> tuple[Array, list[Rule]]:
    """Take away the straight lines across the picture that are no part of the digit, and give them."""
    inked = contrast > threshold
    rules = _rules(inked)
    body = _body(rules, inked)
    beside = _beside(rules, body) if body else _unless_a_one(rules)
    return _without(contrast, inked, beside, _softness(contrast)), beside


def _without_box(contrast: Array, threshold: float) -> Array:
    """Take away a box that the digit touches: lines both ways, three at least, across the piece that the two are."""
    pieces = _pieces(contrast, contrast > threshold)
    if not pieces.boxes:
        return contrast
    largest = 1 + int(np.argmax(pieces.mass))
    box, own = pieces.boxes[largest - 1], pieces.of(largest)
    if min(own.shape) < STRIPS:  # too few pixels to tell a line from a stroke
        return contrast
    rules = _rules(own)
    body = _body(rules, own)
    sides = _beside(rules, body) if body else []
    if len(sides) < 3 or len({side.level for side in sides}) < 2:
        return contrast
    boxless = contrast.copy()
    boxless[box] = _without(contrast[box], own, sides, _softness(contrast))
    return boxless


def _without(contrast: Array, inked: Mask, rules: list[Rule], softness: int) -> Array:
    """Take rules away from the ink."""
    gone = _pixels(rules, inked)
    return _erased(contrast, gone, inked & ~gone, softness) if rules else contrast


def _erased(contrast: Array, gone: Mask, kept: Mask, softness: int) -> Array:
    """Take ink away, with its soft edges as far as they are not those of what is kept."""
    from scipy import ndimage

    edges, spared = (ndimage.maximum_filter(mask, 2 * softness + 1) for mask in (gone, kept))
    return np.where(gone | edges & ~spared, np.minimum(contrast, 0), contrast)


def _softness(contrast: Array) -> int:
    """Give how many pixels wide the soft edge of ink is, with the least blur."""
    return 1 + round(2 * BLURS[0] * max(contrast.shape))


def _pixels(rules: list[Rule], inked: Mask) -> Mask:
    """Give the pixels of all rules."""
    return np.any([np.zeros_like(inked), *(rule.pixels for rule in rules)], axis=0)


class Body(NamedTuple):
    """The largest piece of a digit: its box, and the width of its strokes."""

    box: Box
    width: float


def _body(rules: list[Rule], inked: Mask) -> Body | None:
    """Give the largest piece that there is beside rules; None where it is too small for a digit."""
    pieces = _pieces(inked.astype(np.float64), inked & ~_pixels(rules, inked))
    if not pieces.boxes:
        return None
    main = _main(pieces)
    box = pieces.boxes[main - 1]
    return None if _is_crumb(box, rules) else Body(box, width_of(pieces.of(main)))


def _is_crumb(box: Box, rules: list[Rule]) -> bool:
    """Tell whether a piece is too small for a digit beside rules: what is left where they cross."""
    return any(size_of_box(box) < max(2 * rule.width + 2, 0.06 * max(rule.pixels.shape)) for rule in rules)


def _is_left_over(blob: Blob, rules: list[Rule]) -> bool:
    """Tell whether what was found is left over from rules: where they cross, or where they cut a corner of the picture."""
    width = max((rule.width for rule in rules), default=0.0)
    return _is_crumb(box_of(blob.strokes), rules) or (not blob.whole and width_of(blob.strokes) < 1.5 * width)


def _beside(rules: list[Rule], body: Body) -> list[Rule]:
    """Give the rules that are no stroke of a digit: thinner than its strokes, beyond it at both ends, or three alike."""
    alike = [sum(other.level == rule.level for other in rules) for rule in rules]
    return [
        rule
        for rule, number in zip(rules, alike, strict=True)
        if rule.width < THIN * body.width or _overhangs(rule.box, body.box) or number > 2
    ]


def _unless_a_one(rules: list[Rule]) -> list[Rule]:
    """Give the rules of a page without a digit; the only upright one is a 1 where it is alone, or ends short of the rim."""
    upright = [rule for rule in rules if not rule.level]
    if len(upright) != 1:
        return rules
    at, height = upright[0].box[0], len(upright[0].pixels)
    short = min(at.start, height - at.stop) > 0.02 * height
    return [rule for rule in rules if rule.level] if short or len(rules) == 1 else rules


def _overhangs(line: Box, digit: Box) -> bool:
    """Tell whether a piece is longer than a digit and goes beyond it at both ends."""
    size = size_of_box(digit)
    by = 0.1 * size
    return any(
        at.stop - at.start > size and at.start < there.start - by and at.stop > there.stop + by
        for at, there in zip(line, digit, strict=True)
    )


def _rules(inked: Mask) -> list[Rule]:
    """Find the straight lines from side to side, or nearly: the level ones, then in what is left the upright ones."""
    level = [Rule(pixels, box_of(pixels), width, True) for pixels, width in _level_lines(inked)]
    upright = _level_lines((inked & ~_pixels(level, inked)).T)
    return level + [Rule(pixels.T, box_of(pixels.T), width, False) for pixels, width in upright]


def _level_lines(inked: Mask) -> list[tuple[Mask, float]]:
    """Find the lines from the left to the right: the pixels of each, those of strokes that cross it apart, and its width."""
    from scipy import ndimage

    runs, count = ndimage.label(inked, [[0, 1, 0]] * 3)
    lengths = np.bincount(runs.ravel(), minlength=count + 1)
    lengths[0] = 0
    widest = max(THICKEST * max(inked.shape), 3)
    lines, paths = [], _paths(inked)
    while len(paths):
        on = _runs_on(paths[0], runs, lengths)
        # A run is as long as the line is wide, or longer where a stroke crosses it: along the bar of a 7 half of them may be.
        width = float(np.quantile(lengths[on][on > 0], 0.25, method="nearest")) if on.any() else 0.0
        if np.mean(_central(on) > 0) >= LEAST_COVERED and width <= widest:
            line = np.unique(on[lengths[on] <= max(1.5 * width, width + 1)])  # a longer run is a stroke's that crosses it
            lines.append((np.isin(runs, line[line > 0]), width))
            lengths[line] = 0
        else:
            width = 1.0
        paths = paths[(np.abs(paths - paths[0])[:, [0, -1]] > width).all(axis=1)]
    return lines


def _runs_on(path: Rows, runs: Rows, lengths: Rows) -> Rows:
    """Give the upright run of ink that a path meets in each column, or misses by a pixel; 0 where there is none left."""
    height, width = runs.shape
    columns = np.arange(width)
    rows = np.rint(np.interp(columns, (np.arange(len(path)) + 0.5) * width / len(path) - 0.5, path)).astype(int)
    on = np.zeros(width, int)
    for off in (-1, 1, 0):
        there = runs[np.clip(rows + off, 0, height - 1), columns]
        on = np.where(lengths[there] > 0, there, on)
    return on


def _paths(inked: Mask) -> Rows:
    """Find straight paths from the left to the right that ink covers, the best first: the row of each in every strip.

    The best path to every row at the right is found by dynamic programming, strip by strip, which follows a line that is slanted,
    slightly bent, or crossed by strokes.
    """
    shares = _shares(inked)
    ends, steps = _best_steps(shares, max(1, int(np.ceil(STEEPEST * inked.shape[1] / shares.shape[1]))))
    rows = [np.arange(len(shares))]
    for step in reversed(steps):
        rows.append(rows[-1] + step[rows[-1]])
    paths = np.stack(rows[::-1], axis=1)
    covered = _central(shares[paths, np.arange(paths.shape[1])].T).mean(axis=0) >= LEAST_COVERED
    best = np.argsort(-ends, kind="stable")
    return paths[best[(covered & _straight(paths, inked.shape[1]))[best]]]


def _shares(inked: Mask) -> Array:
    """Give the share of each row that is inked in each strip; a line may slant within a strip."""
    from scipy import ndimage

    edges = np.linspace(0, inked.shape[1], min(inked.shape[1], STRIPS) + 1).astype(int)
    slant = round(inked.shape[1] / (len(edges) - 1) / 20)
    thick = ndimage.maximum_filter1d(inked.astype(np.float64), 2 * slant + 1, axis=0)
    return np.add.reduceat(thick, edges[:-1], axis=1) / np.diff(edges)


def _best_steps(shares: Array, reach: int) -> tuple[Array, list[Rows]]:
    """Give how much ink the best path to each row at the right covers, and strip by strip the step back to the row it came from."""
    moves = np.arange(-reach, reach + 1)
    ends, steps = shares[:, 0], []
    for share in shares.T[1:]:
        padded = np.pad(ends, reach, constant_values=-np.inf)
        before = np.lib.stride_tricks.sliding_window_view(padded, len(moves)) - 0.1 * np.abs(moves)
        chosen = before.argmax(axis=1)
        steps.append(moves[chosen])
        ends = share + before[np.arange(len(share)), chosen]
    return ends, steps


def _straight(paths: Rows, width: int) -> Mask:
    """Tell which paths are straight, but for a slight bend, and level, but for a slant."""
    ends = paths[:, 0], paths[:, -1]
    bend = np.abs(paths - np.linspace(*ends, paths.shape[1], axis=1)).max(axis=1)
    return (bend <= 0.02 * width + 1) & (np.abs(ends[1] - ends[0]) <= STEEPEST * width + 1)


def _central(along: AnyArray) -> AnyArray:
    """Leave out a tenth at either end: a line may end short of the rim."""
    tenth = len(along) // 10
    return along[tenth : len(along) - tenth]


def _widened(box: tuple[slice, ...], by: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    rows, columns = (slice(max(0, at.start - by), min(n, at.stop + by)) for at, n in zip(box, shape, strict=True))
    return rows, columns


def size_of_box(box: tuple[slice, ...]) -> int:
    """Give a box's longer side."""
    return max(int(at.stop - at.start) for at in box)


def box_of(inked: Mask) -> Box:
    """Give the rows and columns that ink lies in."""
    rows, columns = (np.flatnonzero(inked.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def width_of(strokes: Mask) -> float:
    """Estimate how wide strokes are: across a stroke of width w, the mean depth is w/4 + 1/2."""
    from scipy import ndimage

    depth: Array = ndimage.distance_transform_edt(np.pad(strokes, 1))[1:-1, 1:-1]
    return float(4 * (depth[strokes].mean() - 0.5))
