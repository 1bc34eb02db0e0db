"""Helpers of the tests of tables on the command line: small files, and options that train in a moment."""

import numpy as np
import pandas as pd

QUICK = ("--networks", "1", "--epochs", "3", "--hidden", "8")


def people(n=120, seed=0):
    """Make rows of every kind: a number, a category, a date, a boolean and an identifier; the class is decided by the number."""
    rng = np.random.default_rng(seed)
    height = rng.normal(170, 10, n).round(1)
    return pd.DataFrame(
        {
            "height": height,
            "colour": rng.choice(["red", "green", "blue"], n),
            "born": pd.date_range("1990-01-01", periods=n, freq="9D").strftime("%Y-%m-%d"),
            "member": rng.random(n) < 0.5,
            "id": [f"u{k:04}" for k in range(n)],
            "size": np.where(height > 170, "tall", "short"),
        }
    )


def write_frame(frame, path):
    """Write a frame in the format of the path's ending."""
    name = str(path).removesuffix(".gz")
    if name.endswith(".parquet"):
        frame.to_parquet(path, index=False)
    elif name.endswith((".jsonl", ".ndjson")):
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if name.endswith(".tsv") else ",")
