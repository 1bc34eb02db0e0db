"""A poor environment: each command works, or ends with one clear line, and nothing that was written before is lost.

The clock is set back by faketime; other users and read-only folders need root, and ``unshare`` and ``setpriv`` of util-linux.
"""

from __future__ import annotations

import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.faults.interrupts import is_whole, prepare
from benchmarks.faults.processes import finish
from benchmarks.faults.training_process import CASES, train
from benchmarks.faults.trials import Trials, require

COMMANDS = (
    "train digits --epochs 3 --out {out}/digits.safetensors --plot {out}/out.png",
    "train digits --epochs 3 --out {out}/digits.safetensors --checkpoint {out}/out.run",
    "train t.csv --networks 1 --epochs 2 --out {out}/t.safetensors",
    "train t.parquet --networks 1 --epochs 2 --out {out}/t.safetensors",
    "evaluate digits.safetensors --plot {out}/out.svg",
    "evaluate t.safetensors t.csv",
    "predict t.safetensors t.csv --out {out}/out.csv",
    "predict t.safetensors t.parquet --out {out}/out.parquet",
    "explain digits.safetensors --html {out}/out.html",
    "explain t.safetensors --data t.csv",
    "check digits.safetensors",
    "export digits.safetensors {out}/out.mjs",
    "columns t.csv",
    "info digits.run",
    "runs .",
)
"""Commands that read the current folder and write to another one."""

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
MEMORY_LIMITS = (150, 250, 300, 350, 400, 450, 500, 600, 900, 1_400, 2_000, 4_000)
"""Limits of the address space in MB. About 200 MB are left out: there the OpenBLAS of SciPy waits for memory for ever as it is
imported, which OpenBLAS 0.3.31 mends."""

ONE_BLAS_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""Each thread takes 40 MB of address space in each OpenBLAS, NumPy's and SciPy's: the limits would depend on the machine."""

LIBFAKETIME = f"/usr/lib/{platform.machine()}-linux-gnu/faketime/libfaketime.so.1"
ENDINGS_OF_LIBRARIES = {
    "OpenBLAS error: Memory allocation still failed": 1,
    "cannot allocate memory for thread-local data: ABORT": 127,
}
"""The lines with which OpenBLAS and the system's loader end a process that lacks address space, and the status."""


def run(times: int, seed: int) -> bool:
    """Try every command in each environment, ``times`` times."""
    trials = Trials("environment")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:  # outside /tmp, which is made read-only
        folder = Path(name)
        folder.chmod(0o755)
        prepare(folder / "material")
        for _ in range(times):
            for campaign, needs in CAMPAIGNS.items():
                if lacking := [program for program in needs if not has(program)]:
                    trials.skip(campaign.__name__, f"needs {', '.join(lacking)}")
                else:
                    campaign(trials, folder)
    return trials.end()


def has(need: str) -> bool:
    """Whether the campaign runs as root, or whether a library or program is there."""
    if need == "root":
        return os.geteuid() == 0
    return Path(LIBFAKETIME).exists() if need == "faketime" else shutil.which(need) is not None


# Running a command


def try_command(
    trials: Trials,
    environment: str,
    command: str,
    work: Path,
    *,
    out: Path | None = None,
    prefix: Sequence[str] = (),
    shell: str = "",
    variables: dict[str, str] | None = None,
    limit: Callable[[], None] | None = None,
    must_work: bool = True,
    statuses: Sequence[int] = (0,),
) -> None:
    """Run a command; its status must be one of these, or where it need not work one of an error with one line that says why."""
    program = [*prefix, sys.executable, "-m", "chainrule", *command.format(out=out or work).split()]
    if shell:
        program = ["sh", "-c", f'"$@" {shell}', "sh", *program]
    with trials.trial(f"{environment}: {command.format(out='OUT')}") as notes:
        ended = subprocess.run(
            program,
            cwd=work,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **ONE_BLAS_THREAD, **(variables or {})},
            preexec_fn=limit,
            timeout=180,
        )
        notes.append(judge(ended, statuses if must_work else (*statuses, 1, 2)))
        for path in (out or work).glob("out*"):
            require(is_whole(path), f"half-written: {path.name}")
        require(not list((out or work).glob("*.chainrule-*")), "a temporary file is left")


def judge(ended: subprocess.CompletedProcess[str], allowed: Sequence[int]) -> str:
    """Require an allowed status, and with that of an error one line that says why; give a note of both."""
    lines = [line for line in ended.stderr.splitlines() if line.strip()]
    for ending, status in ENDINGS_OF_LIBRARIES.items():
        if ended.returncode == status and any(ending in line for line in lines):
            return f"ended by a library, status {status}: {ending}"
    require(not any("Traceback" in line for line in lines), f"a traceback: {' | '.join([*lines[:2], *lines[-3:]])}")
    require(ended.returncode in allowed, f"status {ended.returncode}: {' | '.join(lines[-3:])}")
    if ended.returncode == 0:
        return "works"
    told = [line for line in lines if line.startswith("chainrule: error")]
    require(len(told) == 1, f"status {ended.returncode}, and not one line: {' | '.join(lines) or 'none'}")
    return f"status {ended.returncode}: {told[0]}"


def fresh(folder: Path, *, writable: bool = True) -> Path:
    """Copy the material into a new folder, which every user may write to, or nobody."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(folder / "material", work)
    (work / "digits.run" / "lock").chmod(0o666)
    for path in (work, work / "digits.run"):
        path.chmod(0o777 if writable else 0o555)
    return work


def new_folder(folder: Path, name: str, mode: int = 0o777) -> Path:
    """Make an empty folder."""
    path = folder / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    path.chmod(mode)
    return path


# The campaigns


def clock(trials: Trials, folder: Path) -> None:
    """Set the clock back ten days and forward again within a training with checkpoints, which must end with the same bits."""
    for k, case in enumerate(CASES):
        with trials.trial(f"the clock is set back within a training: {case}"):
            offset = folder / "offset"
            offset.write_text("+0\n")
            variables = {"LD_PRELOAD": LIBFAKETIME, "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1"}
            run_folder = new_folder(folder, "clock") / "run"
            command = [sys.executable, "-m", "benchmarks.faults.training_process", case, str(run_folder), str(k), "1"]
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", **variables},
            )
            for change in ("-10d\n", "+2d\n", "-400d\n"):
                time.sleep(0.5)
                replace(offset, change)
            outcome = finish(process, 120)
            require(outcome.result == train(case, "", k, 1), outcome.errors or "other bits")
            info = subprocess.run(
                [sys.executable, "-m", "chainrule", "info", str(run_folder)], capture_output=True, text=True, check=False
            )
            require(info.returncode == 0, info.stderr)


def replace(path: Path, text: str) -> None:
    """Replace a file's text at once."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


def homes(trials: Trials, folder: Path) -> None:
    """Run as another user whose home cannot be written, then in a current folder that cannot be written either."""
    home = new_folder(folder, "home", 0o555)
    variables = {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    for command in COMMANDS:
        try_command(trials, "read-only home", command, fresh(folder), prefix=NOBODY, variables=variables)
    for command in COMMANDS:
        out = new_folder(folder, "out")
        work = fresh(folder, writable=False)
        try_command(trials, "read-only home and folder", command, work, out=out, prefix=NOBODY, variables=variables)
    for command in COMMANDS[:3]:
        work = fresh(folder, writable=False)
        try_command(trials, "output to a read-only folder", command, work, prefix=NOBODY, variables=variables, statuses=(2,))


def temporary_folders(trials: Trials, folder: Path) -> None:
    """Name a temporary folder that does not exist; then run where no folder for temporary files can be written."""
    for command in COMMANDS:
        try_command(trials, "TMPDIR is missing", command, fresh(folder), variables={"TMPDIR": "/nonexistent"})
    read_only = " && ".join(f"mount --bind {path} {path} && mount -o remount,ro,bind {path}" for path in ("/tmp", "/var/tmp"))
    prefix = ("unshare", "-m", "sh", "-c", f'{read_only} && exec "$@"', "sh", *NOBODY)
    for command in COMMANDS:
        out, work = new_folder(folder, "out"), fresh(folder, writable=False)
        try_command(trials, "no temporary folder", command, work, out=out, prefix=prefix, must_work=False)


def memory(trials: Trials, folder: Path) -> None:
    """Limit the address space."""
    for megabytes in MEMORY_LIMITS:
        for command in (COMMANDS[0], COMMANDS[2], COMMANDS[4], COMMANDS[6], COMMANDS[8]):

            def limit(size: int = megabytes << 20) -> None:
                resource.setrlimit(resource.RLIMIT_AS, (size, size))

            try_command(trials, f"{megabytes} MB of address space", command, fresh(folder), limit=limit, must_work=False)


def open_files(trials: Trials, folder: Path) -> None:
    """Allow 64 open files, to every command and to a population of 200 networks with checkpoints, which is resumed."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    for command in COMMANDS:
        try_command(trials, "64 open files", command, fresh(folder), limit=limit)
    run_folder = new_folder(folder, "population")
    for epochs in (2, 4):
        with trials.trial(f"64 open files: a population of 200 networks with checkpoints, to epoch {epochs}"):
            command = [sys.executable, "-c", POPULATION, str(run_folder / "runs"), str(epochs)]
            ended = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limit)
            require(ended.returncode == 0, ended.stderr.strip().splitlines()[-1] if ended.stderr else "")


POPULATION = """
import sys
import numpy as np
import chainrule as cr
x = np.random.default_rng(0).normal(size=(200, 4))
networks = [cr.Network([4, 3, 1], cost="mean_squared_error", seed=seed) for seed in range(200)]
settings = {"epochs": int(sys.argv[2]), "batch_size": 20, "learning_rate": 0.1, "checkpoint": sys.argv[1], "resume": True}
histories = cr.train_population(networks, (x, x[:, 0]), **settings)
assert all(history.stopped == "finished" for history in histories)
"""


def streams(trials: Trials, folder: Path) -> None:
    """Close standard output, input or errors, and let standard output be a full disk."""
    for command in COMMANDS:
        for shell in (">&-", "<&-", ">&- <&- 2>&-"):
            try_command(trials, f"streams {shell}", command, fresh(folder), shell=shell)
        try_command(trials, "standard output is a full disk", command, fresh(folder), shell=">/dev/full", statuses=(0, 1))


def full_disk(trials: Trials, folder: Path) -> None:
    """Write to a disk with some space left, from none to enough; files of an earlier run stay as they were."""
    for kilobytes in (4, 16, 64, 256, 1_024):
        for command in COMMANDS:
            if "{out}" not in command:
                continue
            work = fresh(folder)
            with small_disk(folder / "disk", kilobytes) as disk:
                try_command(trials, f"a disk of {kilobytes} KB", command, work, out=disk, must_work=False)
    with small_disk(folder / "disk", 256) as disk, trials.trial("the disk fills within a training with checkpoints"):
        ended = subprocess.run([sys.executable, "-c", FILLING, str(disk)], capture_output=True, text=True, check=False)
        require(ended.returncode == 0, ended.stderr.strip().splitlines()[-1] if ended.stderr else "")


FILLING = """
import sys, warnings
from pathlib import Path
import numpy as np
import chainrule as cr
from chainrule.checkpoints import checkpoints
from chainrule.checkpoints.run_status import read_history
disk = Path(sys.argv[1])
x = np.random.default_rng(0).normal(size=(400, 30))

def fill(record):
    if record.epoch == 3:
        with open(disk / "filler", "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass

def free(record):
    if record.epoch == 50:
        (disk / "filler").unlink()

def train(**settings):
    network = cr.Network([30, 50, 1], cost="mean_squared_error", seed=0)
    cr.train(network, (x, x[:, 0]), batch_size=20, learning_rate=0.1, **settings)
    return network.weights[0].tobytes()

settings = {"checkpoint": disk / "run", "checkpoint_every": "1 epochs"}
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    trained = train(epochs=8, callbacks=[fill], **settings)
assert [str(warning.category.__name__) for warning in warned] == ["CheckpointWarning"], warned
assert trained == train(epochs=8), "other bits"
(disk / "filler").unlink()
assert train(epochs=10, resume=True, **settings) == train(epochs=10), "other bits after resuming"

checkpoints.HISTORY_SECONDS = 0.0  # the lines of 60 epochs need a second page of the disk, while it is full
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    train(epochs=60, callbacks=[fill, free], checkpoint=disk / "freed", checkpoint_every="1 epochs")
assert [str(warning.category.__name__) for warning in warned] == ["CheckpointWarning"], warned
epochs = [record.epoch for record in read_history(disk / "freed" / "history.jsonl")]
assert epochs == list(range(1, 61)), f"the history has the epochs {epochs}"
"""


@contextmanager
def small_disk(path: Path, kilobytes: int) -> Iterator[Path]:
    """Mount a file system of a given size."""
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


CAMPAIGNS: dict[Callable[[Trials, Path], None], tuple[str, ...]] = {
    clock: ("faketime",),
    homes: ("root", "setpriv"),
    temporary_folders: ("root", "setpriv", "unshare"),
    memory: (),
    open_files: (),
    streams: (),
    full_disk: ("root",),
}
"""Every environment, and what it needs."""
