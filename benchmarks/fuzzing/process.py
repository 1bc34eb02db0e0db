"""One process of a fuzzer: ``python -m benchmarks.fuzzing.process DOOR CORPUS FINDINGS SECONDS``; it ends early at a crash."""

from __future__ import annotations

import importlib
import pkgutil
import random
import resource
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

import atheris

LONGEST = 1 << 16
"""The longest file that libFuzzer makes, in bytes."""

MEMORY = 3 << 30
"""What the process may allocate beside what it has after its imports: a claim of more fails, and is found."""

TIMEOUT = 600
"""Seconds by the clock after which libFuzzer ends the process, and keeps the bytes; ``invariant`` limits the processor time."""

INSTRUMENTED = ["chainrule", "zipfile", "gzip"]


def import_all() -> None:
    """Import every module of the library, so that the coverage of all of it is seen."""
    import chainrule

    for module in pkgutil.walk_packages(chainrule.__path__, "chainrule."):
        if not module.name.endswith(("__main__", "_fused")):
            importlib.import_module(module.name)


def key_of(error: BaseException) -> str:
    """Name a finding by its kind and the innermost place in the library, so that each is kept once."""
    cause = error.__cause__ or error
    frames = [frame for frame in traceback.extract_tb(cause.__traceback__) if "/chainrule/" in frame.filename]
    place = f"{Path(frames[-1].filename).name}-{frames[-1].lineno}" if frames else "outside"
    kind = type(cause).__name__ if error.__cause__ else str(error).split("[")[0].split(":")[0][:40]
    kind = "".join(letter if letter.isalpha() else "-" for letter in kind)
    return f"{place}-{kind}"


def run(door_name: str, corpus: Path, findings: Path, seconds: int) -> None:
    """Fuzz a door until the time is over."""
    from benchmarks.fuzzing.doors import DOORS
    from benchmarks.fuzzing.invariant import Violation, check
    from benchmarks.fuzzing.mutators import mutate

    door = DOORS[door_name]
    root = Path(tempfile.mkdtemp(prefix=f"fuzzing-{door_name}-"))
    findings.mkdir(parents=True, exist_ok=True)

    def test_one_input(data: bytes) -> None:
        folder = root / "execution"
        folder.mkdir()
        try:
            check(door.read, data, folder, memory=door.memory)
        except Violation as error:
            keep(error, data)
        finally:
            shutil.rmtree(folder)

    def keep(error: Violation, data: bytes) -> None:
        key = key_of(error)
        kept = findings / key
        if not kept.exists() or kept.stat().st_size > len(data):
            kept.write_bytes(data)
            (findings / f"{key}.txt").write_text("".join(traceback.format_exception(error)))
            print(f"finding: {key}: {error}", file=sys.stderr, flush=True)

    def mutator(data: bytes, max_size: int, seed: int) -> bytes:
        changed = mutate(
            door_name, data, random.Random(seed), lambda part: atheris.Mutate(part, min(max(2 * len(part), 64), max_size))
        )
        return changed[:max_size]

    size = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, ((size << 10) + MEMORY,) * 2)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-timeout={TIMEOUT}",
        "-rss_limit_mb=0",
        "-print_final_stats=1",
        f"-report_slow_units={TIMEOUT}",
    ]
    arguments = [sys.argv[0], str(corpus), *options, f"-artifact_prefix={findings}/"]
    atheris.Setup(arguments, test_one_input, custom_mutator=mutator)
    try:
        atheris.Fuzz()
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    with atheris.instrument_imports(include=INSTRUMENTED):
        import_all()
    run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
