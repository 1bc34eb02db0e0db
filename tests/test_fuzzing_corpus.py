"""The files of ``tests/corpus``: first files of the fuzzers (``python -m benchmarks.fuzzing``), and files that once did harm."""

import math
import sys
from pathlib import Path

import pytest

from chainrule.errors import DataError

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from benchmarks.fuzzing.doors import DOORS  # noqa: E402
from benchmarks.fuzzing.invariant import Violation, check  # noqa: E402
from benchmarks.fuzzing.json_changes import nested  # noqa: E402

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(path for path in CORPUS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_file_is_read_or_refused(path, tmp_path):
    """Each file is read, or refused with an error of chainrule, in bounded memory, and without touching files elsewhere."""
    door = DOORS[path.parent.name]
    check(door.read, path.read_bytes(), tmp_path, memory=door.memory, most_seconds=math.inf)  # a busy machine may be slow


def test_the_corpus_is_small():
    """Every door has files, none of them larger than 16 KiB, so that the corpus stays small in the repository."""
    assert {path.parent.name for path in FILES} >= DOORS.keys()
    assert all(path.stat().st_size <= 1 << 14 for path in FILES)


def refuse(data, folder):
    """Refuse whatever comes."""
    raise DataError("no")


def write_beside(data, folder):
    """Write a file outside the folder."""
    (folder.parent / "beside").write_bytes(data)


def unpickle(data, folder):
    """Unpickle a class."""
    import pickle

    pickle.loads(pickle.dumps(Path))


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (write_beside, "it reached outside: open"),
        (unpickle, "it reached outside: pickle.find_class"),
        (lambda data, folder: {}[data], "KeyError"),
        (lambda data, folder: nested(10) + 1, "TypeError"),
        (lambda data, folder: bytearray(b"x" * (1 << 26)), "MiB of memory, where"),
    ],
    ids=["write", "pickle", "KeyError", "TypeError", "memory"],
)
def test_the_invariant_notices(tmp_path, read, message):
    """The check that the corpus is held to notices files touched, pickles, other exceptions and memory."""
    if "memory" in message and not Path("/proc/self/clear_refs").exists():
        pytest.skip("this system does not tell the memory in use")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(Violation, match=message):
        check(read, b"x", folder, memory=1 << 20)
    check(refuse, b"x", folder, memory=1 << 20)
