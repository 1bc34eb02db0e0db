"""A poor environment: no folder for temporary files, and none for matplotlib's cache."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cli_helpers import ENVIRONMENT, MAIN_WITH_SIGINT, run_process

NO_TEMPORARY_FOLDER = (
    "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/proc/none']; " + MAIN_WITH_SIGINT  # as where all are read-only
)


def run_without_temporary_folder(*arguments):
    """Run the program where no folder for temporary files can be written; give its status and errors."""
    command = [sys.executable, "-c", NO_TEMPORARY_FOLDER, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env={**ENVIRONMENT, "MPLCONFIGDIR": "/proc/none"})
    return ended.returncode, ended.stderr


def test_a_table_needs_a_temporary_folder():
    """Where no temporary folder can be written the error of a table says so, and names TMPDIR, not the table."""
    Path("t.csv").write_text("a,b\n" + "1,2\n" * 30)
    status, errors = run_without_temporary_folder("columns", "t.csv")
    assert status == 2
    assert errors.count("\n") == 1
    assert "temporary folder" in errors
    assert "TMPDIR" in errors
    assert "no such file" not in errors


def test_matplotlib_without_a_folder_for_its_cache():
    """Where matplotlib finds no folder for its cache a training with a plot is refused before it begins."""
    status, errors = run_without_temporary_folder("train", "digits", "--plot", "out.png")
    assert status == 2
    assert errors.splitlines()[-1].startswith("chainrule: error: matplotlib cannot be used")
    assert "MPLCONFIGDIR" in errors
    assert list(Path.cwd().iterdir()) == []


def test_a_full_temporary_folder():
    """A packed table whose copy does not fit is an error of the temporary folder."""
    with gzip.open("t.csv.gz", "wt") as file:
        file.write("a,b\n" + "".join(f"{k},{k % 7}\n" for k in range(100_000)))
    limit = "import resource, signal; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)); "
    command = [sys.executable, "-c", limit + MAIN_WITH_SIGINT, "columns", "t.csv.gz"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert ended.returncode == 2
    assert "temporary folder, which cannot be written: File too large" in ended.stderr
    assert run_process("columns", "t.csv.gz").returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a file's size")
@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_answers_that_do_not_fit_on_the_disk(name):
    """Answers that do not fit on the disk are an error of their own file, not of the rows; the old answers stay."""
    values = np.random.default_rng(0).normal(size=(40_000, 2))
    frame = pd.DataFrame({"a": values[:, 0], "b": values[:, 1], "answer": np.where(values[:, 0] > 0, "yes", "no")})
    frame.to_csv("t.csv", index=False)
    frame.to_parquet("t.parquet")
    frame[:300].to_csv("few.csv", index=False)
    options = ("--networks", "1", "--epochs", "1", "--quiet", "--out", "t.safetensors")
    assert run_process("train", "few.csv", *options).returncode == 0
    out = Path(name).with_stem("out")
    out.write_bytes(b"old")
    names = {path.name for path in Path.cwd().iterdir()}
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)); "
    command = [sys.executable, "-c", limit + MAIN_WITH_SIGINT, "predict", "t.safetensors", name, "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert (ended.returncode, ended.stderr) == (2, f"chainrule: error: cannot write {out}: File too large\n")
    assert out.read_bytes() == b"old"
    assert {path.name for path in Path.cwd().iterdir()} == names
