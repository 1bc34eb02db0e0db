"""Read digits as people draw them by the plain and by the distorted network of the page: ``python -m benchmarks.drawn_digits``.

Two test sets: a hundred digits drawn from strokes (``strokes``), and digits of MNIST's test set that are shifted, scaled, thickened
and slanted on the page's paper (``altered_digits``). All go through the page's own modules into MNIST's form, by Node.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

import chainrule as cr
from benchmarks.drawn_digits.altered_digits import ALTERATIONS, altered
from benchmarks.drawn_digits.strokes import Drawn, drawings, hasty_drawings
from chainrule.web.drawing import DISTORTED, PLAIN, Recipe, run_of


def main() -> int:
    """Print how many digits of each set both networks read rightly, and which drawings they misread; 1 below 95 of 100."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drawn_digits", description=__doc__.splitlines()[0])
    parser.add_argument("--digits", type=int, default=500, metavar="N", help="digits of the test set, altered in each way (500)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the hundred digits as the network sees them")
    chosen = parser.parse_args()
    if shutil.which("node") is None:
        parser.error("this needs node, which runs the page's modules")
    networks = [trained(name, recipe) for name, recipe in (("plain", PLAIN), ("distorted", DISTORTED))]
    drawn = drawings()
    pixels = to_pixels(strokes=[drawing.strokes for drawing in drawn])
    digits = np.array([drawing.digit for drawing in drawn])
    if chosen.plot is not None:
        plot(chosen.plot, pixels)
    right = [network.predict(pixels) == digits for network in networks]
    print(f"{'':34} plain  distorted")
    print_row("100 drawn digits", right)
    hasty = hasty_drawings(chosen.digits)
    images, labels = to_pixels(strokes=[drawing.strokes for drawing in hasty]), [drawing.digit for drawing in hasty]
    print_row(f"{chosen.digits} digits drawn in haste", [network.predict(images) == labels for network in networks])
    test = cr.datasets.mnist().test
    for alteration in ALTERATIONS:
        rasters = altered(test.x[: chosen.digits], alteration)
        images = to_pixels(rasters=rasters)
        print_row(
            f"{chosen.digits} test digits, {alteration.name}",
            [network.predict(images) == test.y[: chosen.digits] for network in networks],
        )
    for name, hits, network in zip(("plain", "distorted"), right, networks, strict=True):
        print_misread(name, drawn, hits, network.predict(pixels))
    return int(right[1].sum() < 95)


def trained(name: str, recipe: Recipe) -> cr.Network:
    """Train a network of the page, and print its time and its accuracy on MNIST's test set."""
    began = time.perf_counter()
    run = run_of(recipe)
    for _ in run:
        pass
    seconds = time.perf_counter() - began
    accuracy = run.network.accuracy(cr.datasets.mnist().test)
    print(f"{name}: {'-'.join(map(str, recipe.sizes))}, {recipe.epochs} epochs in {seconds:.1f} s, MNIST's test set {accuracy:.2%}")
    return run.network


def to_pixels(strokes: Sequence[object] = (), rasters: Sequence[object] = ()) -> np.ndarray:
    """Give drawings in MNIST's form, (n, 784) uint8, by the page's modules."""
    modules = files("chainrule.web") / "static" / "draw"
    request = json.dumps({"modules": str(modules), "strokes": list(strokes), "rasters": [np.ravel(r).tolist() for r in rasters]})
    script = Path(__file__).with_name("to_pixels.mjs")
    answer = subprocess.run(["node", str(script)], input=request, capture_output=True, text=True, check=True).stdout
    return np.array(json.loads(answer), np.uint8)


def print_row(name: str, right: Sequence[np.ndarray]) -> None:
    """Print the share that each network reads rightly."""
    print(f"{name:34} " + "  ".join(f"{hits.mean():8.1%}" for hits in right), flush=True)


def print_misread(name: str, drawn: Sequence[Drawn], right: np.ndarray, answers: np.ndarray) -> None:
    """Print the drawings that a network misreads."""
    for drawing, hit, answer in zip(drawn, right, answers, strict=True):
        if not hit:
            print(f"  {name}: a {drawing.digit} {drawing.style}, {drawing.manner}, is read as {answer}")


def plot(path: Path, pixels: np.ndarray) -> None:
    """Save a picture of the hundred digits in MNIST's form, a row for each digit."""
    from PIL import Image

    rows = pixels.reshape(10, 10, 28, 28).transpose(0, 2, 1, 3).reshape(280, 280)
    Image.fromarray(rows).resize((840, 840)).save(path)


if __name__ == "__main__":
    raise SystemExit(main())
