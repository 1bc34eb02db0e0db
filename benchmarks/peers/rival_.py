"""Hand-written C++ over OpenBLAS, built where a compiler and OpenBLAS's headers are installed; the job is a binary file."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import numpy as np

from benchmarks.job import LEAST_EPOCHS, MOST_EPOCHS, SECONDS, Job, Measurement

SOURCES = Path(__file__).parents[1] / "rival"
FLAGS = ["-std=c++20", "-O3", "-march=native", "-ffast-math", "-pthread"]
HIDDEN = ("sigmoid", "tanh", "relu")
OUTPUTS = ("sigmoid", "softmax", "identity")


def where_openblas_is() -> list[list[str]]:
    """List the compiler flags to try in turn: those of pkg-config, then those of the usual places."""
    usual = [["-lopenblas"], ["-I/usr/include/openblas", "-lopenblas"]]
    try:
        done = subprocess.run(["pkg-config", "--cflags", "--libs", "openblas"], capture_output=True, text=True, check=False)
    except OSError:
        return usual
    return [shlex.split(done.stdout), *usual] if done.returncode == 0 else usual


def compiled(program: str, folder: Path, flags: list[str]) -> str | None:
    """Build a program into a folder; return the first error, or None."""
    command = ["c++", *FLAGS, str(SOURCES / f"{program}.cpp"), "-o", str(folder / program), *flags]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "c++ is not installed"
    if done.returncode == 0:
        return None
    errors = [line for line in done.stderr.splitlines() if "error" in line or "cannot find" in line]
    return (errors or [f"c++ exited with {done.returncode}"])[0]


def build(folder: Path) -> str | None:
    """Build the program into a folder; return the reason in one line where that fails."""
    errors = []
    for flags in where_openblas_is():
        error = compiled("rival", folder, flags)
        if error is None:
            return None
        errors.append(error)
    return f"hand-written C++ is left out: building it requires a C++20 compiler and OpenBLAS with its cblas.h ({errors[0]})"


def peak(folder: Path, threads: int) -> float | None:
    """Measure the float32 peak of a number of cores, in flop/s; None where the program cannot be built."""
    if compiled("peak", folder, []) is not None:
        return None
    done = subprocess.run([folder / "peak", str(threads)], capture_output=True, text=True, check=True)
    return float(done.stdout) * 1e9


def by_inputs(job: Job) -> bool:
    """Test whether the first layer's W is stored as (n_in, n_out), which is faster in OpenBLAS except for narrow layers."""
    return job.settings.sizes[1] >= 64


def write(job: Job, path: Path) -> None:
    """Write the job in the program's binary form."""
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
    """Read the parameters that the program has written."""
    first = job.weights[0].T if by_inputs(job) else job.weights[0]
    parts = [first, *job.weights[1:], *job.biases]
    cuts = np.cumsum([part.size for part in parts])[:-1]
    pieces = np.split(np.fromfile(path, np.float32), cuts)
    arrays = [piece.reshape(part.shape) for piece, part in zip(pieces, parts, strict=True)]
    if by_inputs(job):
        arrays[0] = arrays[0].T
    return arrays[: len(job.weights)], arrays[len(job.weights) :]


def train(job: Job, threads: int) -> Measurement:
    """Run the program to its end."""
    job_file, parameters = job.folder / "rival.job", job.folder / "rival.parameters"
    if not job_file.exists():
        write(job, job_file)
    command = [job.folder.parent / "rival", job_file, parameters, str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"the program exited with status {done.returncode}")
    return Measurement(json.loads(done.stdout), *read(job, parameters))
