"""Helpers of the command line's tests: the program in a process of its own, and the files that it reads."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

import chainrule as cr
from chainrule.datasets.idx import header

FAST = ("--epochs", "2", "--hidden", "8")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1]), "COLUMNS": "80"}
MAIN_WITH_SIGINT = (  # a test that runs in the background, or under nohup, would hand its ignored signals down to the program
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "signal.signal(getattr(signal, 'SIGHUP', signal.SIGTERM), signal.SIG_DFL); from chainrule.cli import main; main()"
)


def run_process(*arguments, **settings):
    """Run the program in a process of its own, to its end."""
    command = [sys.executable, "-m", "chainrule", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **{"env": ENVIRONMENT, **settings})


def write_table(path, bunch, target="target"):
    """Write one of scikit-learn's data sets as a csv with a line of names."""
    names = [*(str(name).replace(",", " ") for name in bunch.feature_names), target]
    rows = np.column_stack([bunch.data, bunch.target])
    np.savetxt(path, rows, delimiter=",", header=",".join(names), comments="", fmt="%.10g")


def write_columns(path, names, columns):
    """Write columns as a csv below a line of names."""
    np.savetxt(path, np.column_stack(columns), delimiter=",", header=names, comments="", fmt="%.17g")


def save_network_of_table(path, x, y, *, columns=(), target="", data="t.csv"):
    """Save a network as earlier versions saved one that was trained on a table: its file tells the names of the columns."""
    net = cr.Network([x.shape[1], 8, 2], activation="relu", cost="log_loss", seed=0)
    cr.train(net, (x, np.asarray(y).astype(int)), epochs=5, batch_size=10, learning_rate=0.1)
    net.provenance = replace(net.provenance, data=data, columns=list(columns), target=target)
    net.save(path)


def write_idx_folder(name, train, test, prefix=""):
    """Write a folder of IDX files; each part is images (n, rows, columns) and labels."""
    Path(name).mkdir()
    for part, (images, labels) in (("train", train), ("test", test)):
        for kind, array in (("images-idx3", images), ("labels-idx1", np.asarray(labels).astype(np.uint8))):
            array = np.ascontiguousarray(array)
            Path(name, f"{prefix}{part}-{kind}-ubyte").write_bytes(header(array) + array.tobytes())


def bar_images(n, rows, columns, *, seed=0):
    """Make images that fill their frame: a bright bar along the top, the left or a diagonal, on noise, and black images."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    images = rng.integers(0, 60, (n, rows, columns)).astype(np.uint8)
    images[labels == 0, : rows // 3] = 250
    images[labels == 1, :, : columns // 3] = 250
    images[labels == 2] = np.maximum(images[labels == 2], (250 * np.eye(rows, columns)).astype(np.uint8))
    images[labels == 3] = 0
    return images, labels


def save_pictures(images):
    """Save images as PNG files; return their names."""
    names = [f"{k}.png" for k in range(len(images))]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(name)
    return names


def rows_with_signs(n=200):
    """Make rows, and targets in [-1, 1] of which many are exactly -1 or 1."""
    x = np.random.default_rng(0).normal(size=(n, 3))
    return x, np.clip(x[:, 0], -1, 1)


def format_below(value, decimals, limit):
    """Format a number as the program does: a value below the limit is never rounded up to it."""
    return f"{min(value, limit - 10.0**-decimals) if value < limit else value:.{decimals}f}"


def percentages(text):
    """Find the percentages in a text."""
    return [float(number) for number in re.findall(r"([\d.]+) ?%", text)]
