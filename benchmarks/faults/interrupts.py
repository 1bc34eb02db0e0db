"""Ctrl-C at random moments in every command: status 130, no traceback, no half-written file, no temporary file."""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import chainrule as cr
from benchmarks.faults.trials import Trials
from chainrule.checkpoints.run_folder import RunFolder

COMMANDS = (
    "train mnist --hidden 10 --epochs 2 --out out.safetensors",
    "train digits --epochs 20 --out out.safetensors --plot out.png",
    "train digits --epochs 20 --out out.safetensors --checkpoint out.run",
    "train mnist --distort shift=1 --hidden 10 --epochs 1 --out out.safetensors",
    "train --resume digits.run --epochs 30 --out out.safetensors",
    "train t.csv --networks 2 --epochs 4 --out out.safetensors",
    "train t.parquet --networks 2 --epochs 4 --out out.safetensors",
    "train rows*.parquet --target y --epochs 5 --out out.safetensors",
    "evaluate digits.safetensors",
    "evaluate digits.safetensors --plot out.png",
    "evaluate t.safetensors t.csv --importance --plot out.svg",
    "predict digits.safetensors digit.png",
    "predict t.safetensors t.csv --out out.csv",
    "predict t.safetensors t.csv --out out.csv.gz",
    "predict t.safetensors t.parquet --out out.parquet",
    "explain digits.safetensors --html out.html",
    "diagnose digits.safetensors --html out.html",
    "replay --only rate-too-low --seeds 2 --out out.replay",
    "sweep digits --hidden 10,20 --seeds 3 --epochs 10 --out out.sweep",
    "explain t.safetensors --data t.csv",
    "check digits.safetensors",
    "columns t.csv",
    "columns t.parquet",
    "info digits.safetensors",
    "info digits.run",
    "runs .",
    "runs . --plot out.pdf",
    "export digits.safetensors out.mjs",
    "equations BP2",
    "--version",
)
"""Each command, in a folder with models, a run and tables; every file that it writes has a name that begins with out."""

ENDLESS = ("draw digits.safetensors --no-browser --port 0",)
"""Commands that only Ctrl-C ends."""

SECONDS_OF_ENDLESS = 6.0
"""Ctrl-C is sent to such a command within this time."""

PROGRAM = "import os, sys; from chainrule.__main__ import main; os.write(int(sys.argv.pop(1)), b'.'); main()"
"""The program, which says when its first line runs: before that an interrupt reaches Python itself."""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    errors: list[str]
    seconds: float


def run(times: int, seed: int) -> bool:
    """Interrupt every command ``times`` times."""
    trials, moments = Trials("interrupts", quiet=True), random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        material = Path(name) / "material"
        prepare(material)
        for command in (*COMMANDS, *ENDLESS):
            whole = start_and_interrupt(command, fresh(material, Path(name)), SECONDS_OF_ENDLESS if command in ENDLESS else None)
            if whole.status not in ((0, 130) if command in ENDLESS else (0,)):
                trials.add(command, f"ended with status {whole.status}: {whole.errors[-5:]}")
                continue
            statuses = [try_interrupt(trials, command, whole, fresh(material, Path(name)), moments) for _ in range(times)]
            print(f"{command}: {times} interrupts within {whole.seconds:.1f} s, {statuses.count(0)} after its end", flush=True)
    return trials.end()


def prepare(folder: Path) -> None:
    """Make the tables, models and runs that the commands read."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 4_000))
    frame = pd.DataFrame(
        {"a": a, "b": b, "colour": rng.choice(["red", "green", "blue"], a.size), "answer": np.where(a > b, "yes", "no")}
    )
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_parquet(folder / "t.parquet", index=False)
    for k in range(2):
        numbers = pd.DataFrame({"a": a, "b": b, "y": (a > b).astype(int)})
        numbers.to_parquet(folder / f"rows{k}.parquet", index=False, row_group_size=500)
    for arguments in (
        "train digits --epochs 5 --out digits.safetensors --checkpoint digits.run --early-stopping 0 --quiet",
        "train t.csv --networks 2 --epochs 3 --out t.safetensors --quiet",
    ):
        subprocess.run([sys.executable, "-m", "chainrule", *arguments.split()], cwd=folder, check=True, capture_output=True)
    from PIL import Image

    digit = rng.integers(0, 255, (8, 8)).astype(np.uint8)
    Image.fromarray(digit).save(folder / "digit.png")


def fresh(material: Path, folder: Path) -> Path:
    """Copy the material into a folder for one command, with an empty one for temporary files beside it."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(material, work)
    (folder / "temporary").mkdir(exist_ok=True)
    return work


def start_and_interrupt(command: str, work: Path, after: float | None) -> Ended:
    """Start a command, and interrupt it so many seconds after its first line."""
    ready, told = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(told), *command.split()],
        cwd=work,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=[told],
        env={**os.environ, "TMPDIR": str(work.parent / "temporary")},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a process in the background ignores it
    )
    os.close(told)
    select.select([ready], [], [], 60)
    os.close(ready)
    began = time.monotonic()
    if after is not None:
        time.sleep(after)
        process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        _, errors = process.communicate()
    return Ended(process.returncode, errors.splitlines(), time.monotonic() - began)


def try_interrupt(trials: Trials, command: str, whole: Ended, work: Path, moments: random.Random) -> int:
    """Interrupt a command once; give its status."""
    moment = moments.uniform(0, 1.02 * whole.seconds)
    ended = start_and_interrupt(command, work, moment)
    faults = [*faults_of_ending(ended, whole), *faults_of_files(work)]
    trials.add(f"{command}, after {moment:.3f} s", "; ".join(faults))
    return ended.status


def faults_of_ending(ended: Ended, whole: Ended) -> list[str]:
    """Say how the ending of a command is wrong: its status, or more than one line of errors beside those of every run."""
    faults = []
    lines = [line for line in ended.errors if line.strip() and line not in whole.errors]
    if ended.status not in (0, 130):
        faults.append(f"status {ended.status}")
    if len(lines) > 1 or any("Traceback" in line for line in lines):
        faults.append(f"it printed {' | '.join(lines[:3])} ... {' | '.join(lines[-5:])}")
    return faults


def faults_of_files(work: Path) -> list[str]:
    """Name the files that are half-written, and temporary files that are left."""
    faults = [f"half-written: {path.name}" for path in work.glob("out*") if not is_whole(path)]
    left = [path.name for path in (*work.rglob(".chainrule-*"), *(work.parent / "temporary").iterdir())]
    for path in (work.parent / "temporary").iterdir():
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
    return faults + [f"left: {name}" for name in left]


def is_whole(path: Path) -> bool:
    """Whether a file that a command has written is complete."""
    try:
        if path.suffix in (".replay", ".sweep"):
            return all(is_whole(file) for file in path.iterdir() if file.name != ".lock")
        if path.is_dir():
            return bool(RunFolder(path).header())
        if path.suffix == ".jsonl":
            return all(json.loads(line) for line in path.read_text().splitlines())
        if path.name in ("table.csv", "table.md", "runs.parquet", "sweep.json"):  # each is written by a rename
            return path.stat().st_size > 0
        if path.suffix == ".safetensors":
            return bool(cr.load(path))
        if path.suffix == ".parquet":
            return len(pd.read_parquet(path)) == 4_000
        if path.suffix in (".csv", ".gz"):
            return len(pd.read_csv(path)) == 4_000
    except Exception:  # any error of a reader
        return False
    ends = {".mjs": b"];\n", ".png": b"IEND\xaeB`\x82", ".svg": b"</svg>\n", ".pdf": b"%%EOF\n", ".html": b"</html>\n"}
    return path.read_bytes().endswith(ends[path.suffix])
