"""Files are written whole or not at all, with the mode of a new file, and no temporary file is left."""

import os
import sys
from pathlib import Path

import pytest
from interrupts import interrupted_in_each_line

from chainrule._atomic_write import replace_atomically, temporary_beside, write_atomically
from chainrule.errors import FileError


def test_ctrl_c_in_any_line_leaves_no_temporary_file(tmp_path):
    """Ctrl-C in any line of a write leaves the old file or the new one, and nothing beside it."""
    path = tmp_path / "file"
    for function in (replace_atomically, temporary_beside, write_atomically):
        path.write_bytes(b"old")
        assert interrupted_in_each_line(getattr(function, "__wrapped__", function), lambda: write_atomically(path, b"new")) >= 2
        assert path.read_bytes() in (b"old", b"new")
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_a_file_has_the_mode_of_a_new_one(tmp_path, monkeypatch):
    """The mode is that of a new file, and the process's mask is never set: files that other threads create would get another."""
    mask = os.umask(0o027)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(os, "umask", lambda mask: pytest.fail("the mask of modes was set"))
            write_atomically(tmp_path / "file", b"contents")
    finally:
        os.umask(mask)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_an_error_within_the_block_keeps_the_old_file(tmp_path):
    """An error of the writer is raised as it is, and the old file stays; a folder that does not exist is named."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="of the writer"), replace_atomically(path):
        raise ValueError("of the writer")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileError, match="cannot write"), replace_atomically(Path(tmp_path / "none" / "file")):
        pass
