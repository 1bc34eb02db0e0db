r"""A text file of any encoding as one plain file of UTF-8 whose lines end in \n, so that all further readers see the same lines."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import shutil
import stat
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from .. import _reading
from .._reading import check_size, translate_read_errors, unpacked_limit_of
from ..errors import DataError, FileError, SettingError

BLOCK = 1 << 20
LIMIT_LINE = 16 << 20  # the longest line that is read, in bytes
DELIMITERS = (b",", b";", b"\t", b"|")
_SPACED_QUOTE = re.compile(rb'[,;\t|] +"|" +[,;\t|\n]|\n +"')
_DIGIT_UNDERSCORE = re.compile(rb"[0-9]_[0-9]")
_OTHER_FORMATS = {
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"PK\x03\x04": "a zip archive, as Excel's .xlsx files are; save the sheet as CSV",
    b"PK\x05\x06": "an empty zip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook (.xls); save the sheet as CSV",
    b"%PDF": "a PDF",
    b"PAR1": "a parquet file; name it .parquet",
    b"ARROW1": "an Arrow file; write it as parquet",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
    b"\x89HDF": "an HDF5 file; write the table as CSV or parquet",
    b"\x93NUMPY": "a NumPy array; name it .npy, or write it as .npz",
    b"BZh": "packed with bzip2; unpack it, or pack it with gzip",
    b"\xfd7zXZ": "packed with xz; unpack it, or pack it with gzip",
    b"\x28\xb5\x2f\xfd": "packed with zstd; unpack it, or pack it with gzip",
    b"7z\xbc\xaf": "packed with 7-Zip; unpack it, or pack it with gzip",
    b"version https://git-lfs": "a pointer of Git LFS; fetch the file itself (git lfs pull)",
    b"<!DOCTYPE": "a page of the web (HTML), perhaps an error's; fetch the file anew",
    b"<html": "a page of the web (HTML), perhaps an error's; fetch the file anew",
    b'[{"': "a list of JSON; write one object a line, and name the file .jsonl",
    b'{"': "JSON; with one object a line name it .jsonl",
}
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass
class PlainText:
    r"""A file of UTF-8 without byte-order mark and NUL, whose lines end in \n, and facts about all of its bytes.

    Attributes
    ----------
    path : Path
        The file as the user named it, for messages.
    file : Path
        The file to read.
    folder : Path
        A folder for further temporary files.
    encoding : str
        Of the file that the user named; ``utf-8-sig`` where a mark tells UTF-8.
    n_lines : int
    longest_line : int
        An upper bound of the longest line, in bytes.
    quotes, spaced_quotes, escaped_quotes : bool
        Whether there is a quote; one with a blank between it and the delimiter; one after a backslash.
    digit_underscores : bool
        Whether there is an underscore between digits, as in 1_000.
    ends : set of bytes
        The delimiters that stand at some line's end.
    """

    path: Path
    file: Path
    folder: Path
    encoding: str = "utf-8"
    n_lines: int = 0
    longest_line: int = 0
    quotes: bool = False
    spaced_quotes: bool = False
    escaped_quotes: bool = False
    digit_underscores: bool = False
    ends: set[bytes] = field(default_factory=set)

    def note(self, block: bytes, tail: bytes) -> bytes:
        """Note the facts of one block, of at most ``BLOCK`` bytes; return the end of it that the next block's facts need."""
        self.n_lines += block.count(b"\n")
        window = tail + block
        if b'"' in window:
            self.quotes = True
            self.spaced_quotes = self.spaced_quotes or _SPACED_QUOTE.search(window) is not None
            self.escaped_quotes = self.escaped_quotes or b'\\"' in window
        if b"_" in window:
            self.digit_underscores = self.digit_underscores or _DIGIT_UNDERSCORE.search(window) is not None
        self.ends.update(mark for mark in DELIMITERS if mark not in self.ends and mark + b"\n" in window)
        return window[max(len(window.rstrip(b" ")) - 2, 0) :][:BLOCK]


@contextmanager
def open_plain_text(path: Path, encoding: str | None = None) -> Iterator[PlainText]:
    """Open a text file, packed with gzip or not, as plain UTF-8; a copy of it lives as long as the context.

    Raises
    ------
    FileError
        When the file cannot be read, or a temporary folder cannot be written.
    DataError
        When it is empty, of another format, damaged, too large, not text in the encoding, or has too long a line.
    SettingError
        When the encoding is unknown.
    """
    if encoding is not None:
        _check_encoding(encoding)
    with translate_read_errors(path), _temporary_folder() as name:
        folder = Path(name)
        text = _linked(path, folder) if encoding is None else None
        yield text or _copied(path, folder, encoding)


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for the link to the file, or for its copy."""
    with _temporary_errors():
        return tempfile.TemporaryDirectory(prefix="chainrule-")


@contextmanager
def _temporary_errors() -> Iterator[None]:
    """Tell an error of the temporary folder from one of the table, which ``translate_read_errors`` would name."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise FileError(
            f"a table is read by a link or a copy in a temporary folder, which cannot be written: {reason}; "
            "set the environment variable TMPDIR to a folder that can, with enough space"
        ) from None


def _check_encoding(encoding: str) -> None:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)  # refuses codecs that are not of text, such as zip
        codecs.getincrementaldecoder(encoding)
    except (LookupError, TypeError, ValueError):
        raise SettingError(
            f"encoding must be the name of a text encoding, such as utf-8, latin-1 or cp1252; it is {encoding!r}"
        ) from None


def _linked(path: Path, folder: Path) -> PlainText | None:
    """Link a file that is plain UTF-8 as it is, under a name without special characters; None where it has to be copied."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return None
    with path.open("rb") as file:
        head = file.read(BLOCK)
        _check_format(path, head)
        if head.startswith((b"\x1f\x8b", *_MARKS)) or b"\r" in head:
            return None
        check_size(path, status.st_size)
        text = PlainText(path, folder / "table.csv", folder)
        file.seek(0)
        for block in _checked(text, iter(lambda: file.read(BLOCK), b""), "utf-8"):
            if b"\r" in block:
                return None
    try:
        text.file.symlink_to(path.resolve())
    except OSError:  # Windows lets only some users make links
        with _temporary_errors():
            shutil.copyfile(path, text.file)
    return text


def _copied(path: Path, folder: Path, encoding: str | None) -> PlainText:
    r"""Copy a file, unpacked, as UTF-8 with \n at each line's end."""
    text = PlainText(path, folder / "table.csv", folder)
    with path.open("rb") as raw, text.file.open("wb") as copy:
        head = _peek(raw)
        file, limit = _unpacked(raw, head)
        head = _peek_packed(path, file) if file is not raw else head
        _check_format(path, head, packed=file is not raw)
        text.encoding = encoding = encoding or next((name for mark, name in _MARKS.items() if head.startswith(mark)), "utf-8")
        for block in _checked(text, _unix_lines(_utf8_blocks(text, _blocks(path, file, limit), encoding)), "utf-8"):
            with _temporary_errors():
                copy.write(block)
                copy.flush()
    return text


def _peek(file: IO[bytes]) -> bytes:
    return file.peek(64)[:64] if hasattr(file, "peek") else b""


def _peek_packed(path: Path, file: IO[bytes]) -> bytes:
    with _gzip_errors(path):
        return _peek(file)


def _unpacked(raw: IO[bytes], head: bytes) -> tuple[IO[bytes], int]:
    """The file's contents, unpacked where it is a gzip file, and how many bytes of them are read."""
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=raw), unpacked_limit_of(raw)  # type: ignore[return-value]
    return raw, _reading.LIMIT_BYTES


@contextmanager
def _gzip_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file ({str(error).lower()}); copy it anew") from None


def _blocks(path: Path, file: IO[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    with _gzip_errors(path):
        while block := file.read(BLOCK):
            size += len(block)
            if size > limit:
                excess = f"holds more than {limit:,} bytes, unpacked, which is the limit for its size"
                raise DataError(f"{path} {excess}; unpack it first")
            yield block


def _utf8_blocks(text: PlainText, blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Decode blocks and encode them as UTF-8."""
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        encoding = "utf-8-sig"
    decoder = codecs.getincrementaldecoder(encoding)()
    for block in blocks:
        _refuse_nul(text, block, encoding)
        yield _decoded(text, decoder, block, encoding).encode("utf-8", "surrogatepass")
    yield _decoded(text, decoder, b"", encoding, final=True).encode("utf-8", "surrogatepass")


def _unix_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    r"""Turn \r\n and \r into \n, in blocks of at most ``BLOCK`` bytes."""
    carry = b""
    for block in blocks:
        joined = carry + block
        carry = b"\r" if joined.endswith(b"\r") else b""
        lines = joined[: len(joined) - len(carry)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        yield from (lines[start : start + BLOCK] for start in range(0, len(lines), BLOCK))
    if carry:
        yield b"\n"


def _checked(text: PlainText, blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Hand blocks through that are UTF-8 without NUL and without very long lines, noting their facts."""
    decoder, tail, last, line = codecs.getincrementaldecoder(encoding)(), b"", b"\n", 0
    for block in blocks:
        if not block:
            continue
        _refuse_nul(text, block, encoding)
        if not block.isascii() or decoder.getstate()[0]:
            _decoded(text, decoder, block, encoding)
        line = line + len(block) if b"\n" not in block else BLOCK
        text.longest_line = max(text.longest_line, line + BLOCK)
        if line > LIMIT_LINE:
            raise DataError(f"{text.path}, line {text.n_lines + 1}, is longer than {LIMIT_LINE:,} bytes; is this a table?")
        tail, last = text.note(block, tail), block
        yield block
    _decoded(text, decoder, b"", encoding, final=True)
    if not text.longest_line:
        raise DataError(f"{text.path} is empty; a table needs a line of names and rows")
    if not last.endswith(b"\n"):
        text.n_lines += 1
        text.ends.update(mark for mark in DELIMITERS if last.endswith(mark))


def _decoded(text: PlainText, decoder: codecs.IncrementalDecoder, block: bytes, encoding: str, *, final: bool = False) -> str:
    try:
        return decoder.decode(block, final)
    except UnicodeDecodeError as error:
        line = text.n_lines + error.object[: error.start].count(b"\n") + 1
        byte, name = error.object[error.start], encoding.removesuffix("-sig")
        raise DataError(
            f"{text.path}, line {line}: the byte {byte:#04x} is not {name} text; give the file's encoding (--encoding, encoding=), "
            "such as latin-1, cp1252 or utf-16, or save it as UTF-8"
        ) from None
    except UnicodeError as error:
        raise DataError(f"{text.path} is not {encoding} text ({error}); give the file's encoding (--encoding, encoding=)") from None


def _refuse_nul(text: PlainText, block: bytes, encoding: str) -> None:
    at = block.find(b"\0")
    if at < 0 or encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32", "u16", "u32")):
        return
    order = "utf-16-be" if block[: len(block) & ~1 : 2].count(0) > block[1::2].count(0) else "utf-16-le"
    if block.count(0) > len(block) // 4:
        raise DataError(
            f"{text.path} holds NUL bytes, as UTF-16 does; give its encoding (--encoding {order}, encoding=), or save it as UTF-8"
        )
    line = text.n_lines + block[:at].count(b"\n") + 1
    raise DataError(f"{text.path}, line {line}: there is a NUL byte, which no text has; the file is damaged, or not a text file")


def _check_format(path: Path, head: bytes, *, packed: bool = False) -> None:
    """Refuse files of other formats, which their first bytes tell."""
    for start, name in _OTHER_FORMATS.items():
        if head.startswith(start):
            raise DataError(f"{path} is not a text file: it {'packs' if packed else 'is'} {name}")


def count_marks(file: Path, mark: bytes, *, skip: int) -> int:
    """Count how often a mark of one byte occurs in a file below its first lines."""
    with file.open("rb") as opened:
        for _ in range(skip):
            opened.readline()
        return sum(block.count(mark) for block in iter(lambda: opened.read(BLOCK), b""))
