"""Sets of row files in the formats that ``cr.rows`` reads."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

FORMATS = ("parquet", "csv", "npz")
NAMES = ("length", "width", "mass")


def draw_rows(n, seed=0, classes=2):
    """Draw inputs on different scales, and labels that they decide."""
    x = np.random.default_rng(seed).normal(size=(n, 3)) * [1, 10, 0.1] + [0, 5, 0]
    return x, np.digitize(x[:, 0] + x[:, 1] / 10, [0.5, 1.0][: classes - 1])


def arrow_table(x, y, names=NAMES):
    """Make a table of pyarrow; its target is y."""
    return pa.table({**{name: x[:, k] for k, name in enumerate(names)}, "y": y})


def write_rows(path, x, y, names=NAMES, **settings):
    """Write a file in the format of its ending."""
    if path.suffix == ".npz":
        np.savez(path, x=x, y=y)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(arrow_table(x, y, names), path)
    else:
        pyarrow.parquet.write_table(arrow_table(x, y, names), path, **settings)


def write_set(folder, sizes, suffix="parquet", seed=0, **settings):
    """Write a file of each size; give all their rows, in the files' order."""
    x, y = draw_rows(sum(sizes), seed)
    starts = np.cumsum([0, *sizes])
    for k, (first, last) in enumerate(zip(starts, starts[1:], strict=False)):
        write_rows(folder / f"{k:02}.{suffix}", x[first:last], y[first:last], **settings)
    return x, y
