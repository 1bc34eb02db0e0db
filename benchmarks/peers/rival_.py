"""The rival in C++: built when a compiler and OpenBLAS's headers are there, given its job as one binary file."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import numpy as np

from benchmarks.job import LEAST_EPOCHS, MOST_EPOCHS, SECONDS, Answer, Job

SOURCES = Path(__file__).parents[1] / "rival"
FLAGS = ["-std=c++20", "-O3", "-march=native", "-ffast-math", "-pthread"]
HIDDEN = ("sigmoid", "tanh", "relu")
OUTPUTS = ("sigmoid", "softmax", "identity")


def where_openblas_is() -> list[list[str]]:
    """Give the flags to try, one way after another: what pkg-config says, then the usual places."""
    ways = [["-lopenblas"], ["-I/usr/include/openblas", "-lopenblas"]]
    try:
        said = subprocess.run(["pkg-config", "--cflags", "--libs", "openblas"], capture_output=True, text=True, check=False)
    except OSError:
        return ways
    return [shlex.split(said.stdout), *ways] if said.returncode == 0 else ways


def compiled(program: str, folder: Path, flags: list[str]) -> str | None:
    """Build a program into a folder; give the first error, if there is one."""
    command = ["c++", *FLAGS, str(SOURCES / f"{program}.cpp"), "-o", str(folder / program), *flags]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "there is no c++ here"
    if done.returncode == 0:
        return None
    errors = [line for line in done.stderr.splitlines() if "error" in line or "cannot find" in line]
    return (errors or [f"c++ exited with {done.returncode}"])[0]


def build(folder: Path) -> str | None:
    """Build the rival into a folder; say in a line why it cannot be, if so."""
    errors = []
    for flags in where_openblas_is():
        error = compiled("rival", folder, flags)
        if error is None:
            return None
        errors.append(error)
    return f"C++ by hand is left out: it takes a C++20 compiler and OpenBLAS with its cblas.h to build it ({errors[0]})"


def peak(folder: Path, threads: int) -> float | None:
    """Measure the float32 peak of so many cores, in flop/s; None where that cannot be built."""
    if compiled("peak", folder, []) is not None:
        return None
    done = subprocess.run([folder / "peak", str(threads)], capture_output=True, text=True, check=True)
    return float(done.stdout) * 1e9


def by_inputs(job: Job) -> bool:
    """Say whether the first layer's W lies as (n_in, n_out): OpenBLAS is quicker so, but for narrow layers."""
    return job.settings.sizes[1] >= 64


def write(job: Job, path: Path) -> None:
    """Write the job as the rival reads it."""
    s, n = job.settings, len(job.x)
    words = [len(s.sizes), *s.sizes, HIDDEN.index(s.hidden), OUTPUTS.index(s.output), s.optimizer == "adam"]
    words += [by_inputs(job), s.batch_size, n, len(job.orders), LEAST_EPOCHS, MOST_EPOCHS]
    with path.open("wb") as file:
        file.write(np.array(words, np.int64).tobytes())
        file.write(np.array([s.learning_rate, SECONDS], np.float64).tobytes())
        first = job.weights[0].T if by_inputs(job) else job.weights[0]
        for array in (job.inputs, job.targets, job.orders.astype(np.int32), first, *job.weights[1:], *job.biases):
            file.write(np.ascontiguousarray(array).tobytes())


def read(job: Job, path: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Read the parameters back."""
    first = job.weights[0].T if by_inputs(job) else job.weights[0]
    parts = [first, *job.weights[1:], *job.biases]
    cuts = np.cumsum([part.size for part in parts])[:-1]
    pieces = np.split(np.fromfile(path, np.float32), cuts)
    arrays = [piece.reshape(part.shape) for piece, part in zip(pieces, parts, strict=True)]
    if by_inputs(job):
        arrays[0] = arrays[0].T
    return arrays[: len(job.weights)], arrays[len(job.weights) :]


def train(job: Job, threads: int) -> Answer:
    """Run it, and wait."""
    given, found = job.folder / "rival.job", job.folder / "rival.answer"
    if not given.exists():
        write(job, given)
    command = [job.folder.parent / "rival", given, found, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"the rival exited with {done.returncode}")
    return Answer(json.loads(done.stdout), *read(job, found))
