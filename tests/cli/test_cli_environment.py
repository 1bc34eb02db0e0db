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


@pytest.fixture
def full_disk():
    """A function that lets no file of this process grow beyond 300 KB, as on a full disk."""
    resource = pytest.importorskip("resource")  # Windows has none
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_temporary_folder(run, full_disk):
    """A packed table whose copy does not fit is an error of the temporary folder."""
    with gzip.open("t.csv.gz", "wt") as file:
        file.write("a,b\n" + "".join(f"{k},{k % 7}\n" for k in range(100_000)))
    full_disk()
    status, _, errors = run("columns", "t.csv.gz")
    assert status == 2
    assert "temporary folder, which cannot be written: File too large" in errors


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_answers_that_do_not_fit_on_the_disk(name, run, full_disk):
    """Answers that do not fit on the disk are an error of their own file, not of the rows; the old answers stay."""
    values = np.random.default_rng(0).normal(size=(20_000, 2))
    frame = pd.DataFrame({"a": values[:, 0], "b": values[:, 1], "answer": np.where(values[:, 0] > 0, "yes", "no")})
    frame.to_csv("t.csv", index=False)
    frame.to_parquet("t.parquet")
    frame[:300].to_csv("few.csv", index=False)
    assert run("train", "few.csv", "--networks", "1", "--epochs", "1", "--quiet", "--out", "t.safetensors")[0] == 0
    out = Path(name).with_stem("out")
    out.write_bytes(b"old")
    names = {path.name for path in Path.cwd().iterdir()}
    full_disk()
    status, _, errors = run("predict", "t.safetensors", name, "--out", out)
    assert (status, errors) == (2, f"chainrule: error: cannot write {out}: File too large\n")
    assert out.read_bytes() == b"old"
    assert {path.name for path in Path.cwd().iterdir()} == names


def test_a_library_that_does_not_fit_in_memory(tmp_path):
    """An extension module that cannot be mapped is told as a lack of memory, in one line; another broken import is not hidden."""
    loading = "try:\n    raise ImportError('{}')\nexcept ImportError as cause:\n    raise ImportError('broken') from cause\n"
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); " + MAIN_WITH_SIGINT
    (tmp_path / "resource.py").write_text("raise ImportError('resource.so: failed to map segment')")  # the module of the limits
    for reason, status in (("_csv.so: failed to map segment from shared object", 1), ("undefined symbol", None)):
        (tmp_path / "sklearn.py").write_text(loading.format(reason))
        command = [sys.executable, "-c", code, str(tmp_path), "train", "digits"]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
        if status is None:
            assert "Traceback" in ended.stderr
        else:
            assert (ended.returncode, ended.stderr.count("\n")) == (status, 1)
            assert "not enough memory" in ended.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs the exit handlers of glibc")
def test_a_library_that_crashes_as_the_process_ends(tmp_path):
    """Where memory ran out as a library was loaded, the process ends without the library's destructors, which may crash."""
    (tmp_path / "sklearn.py").write_text(
        "import ctypes\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.__cxa_atexit(ctypes.cast(libc.abort, ctypes.c_void_p), None, None)\n"
        "raise ImportError('_isfinite.so: failed to map segment from shared object')\n"
    )
    environment = {**ENVIRONMENT, "PYTHONPATH": f"{tmp_path}:{ENVIRONMENT['PYTHONPATH']}"}
    for arguments, output in ((("columns", "--help"), "Usage"), (("train", "digits"), "")):
        ended = run_process(*arguments, env=environment)
        assert output in ended.stdout
        assert (ended.returncode, ended.stderr.count("\n")) == ((0, 0) if output else (1, 1)), ended.stderr
    assert ended.stderr.startswith("chainrule: error: not enough memory (_isfinite.so: failed to map segment")


def test_matplotlib_that_does_not_fit_in_memory(tmp_path):
    """A matplotlib that is installed and cannot be mapped is told as a lack of memory, not as one that must be installed."""
    (tmp_path / "matplotlib.py").write_text("raise ImportError('ft2font.so: failed to map segment from shared object')\n")
    environment = {**ENVIRONMENT, "PYTHONPATH": f"{tmp_path}:{ENVIRONMENT['PYTHONPATH']}"}
    ended = run_process("train", "digits", "--plot", "out.png", env=environment)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert "not enough memory (ft2font.so: failed to map segment" in ended.stderr
    assert "pip install" not in ended.stderr


def test_a_limit_of_the_address_space_is_named(tmp_path):
    """Where memory ran out below a limit of the address space, the error names the limit as the remedy; without one it does not."""
    resource = pytest.importorskip("resource")  # Windows has none
    (tmp_path / "sklearn.py").write_text("raise MemoryError\n")
    environment = {**ENVIRONMENT, "PYTHONPATH": f"{tmp_path}:{ENVIRONMENT['PYTHONPATH']}"}
    size = 50_000 << 20  # far more than the program takes
    limited = run_process(
        "train",
        "digits",
        env=environment,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (size, resource.RLIM_INFINITY)),
    )
    assert (limited.returncode, limited.stderr.count("\n")) == (1, 1)
    assert "raise the limit of 50000 MB for the address space (ulimit -v), or take less data" in limited.stderr
    free = run_process("train", "digits", env=environment)
    assert "none left); take less data" in free.stderr
