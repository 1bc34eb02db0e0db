"""Rows of files at URLs, by fsspec: a storage in memory, and real HTTP servers with and without ranges."""

import contextlib
import http.server
import importlib.util
import io
import pickle
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError, FileError, MissingExtra, SettingError
from chainrule.row_files.remote_path import RemotePath, is_url

fsspec = pytest.importorskip("fsspec")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def memory():
    """Give fsspec's storage in memory, empty."""
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]
    yield filesystem
    filesystem.store.clear()


def contents(ending, seed, n=120):
    """Give the bytes of a file of n rows of columns a, b and y."""
    x = np.random.default_rng(seed).normal(size=(n, 2))
    y = (x[:, 0] > x[:, 1]).astype(float)
    file = io.BytesIO()
    if ending == "parquet":
        pq.write_table(pa.table({"a": x[:, 0], "b": x[:, 1], "y": y}), file, row_group_size=50)
    elif ending == "csv":
        np.savetxt(file, np.column_stack([x, y]), delimiter=",", header="a,b,y", comments="", fmt="%.17g")
    else:
        np.savez(file, x=x, y=y)
    return file.getvalue()


def trained(source):
    """Train a small network; give its weights."""
    network = cr.Network([2, 3, 2], seed=0)
    cr.train(network, source, epochs=2, batch_size=10, learning_rate=1.0)
    return network.weights[0]


@pytest.mark.parametrize("ending", ["parquet", "csv", "npz"])
def test_files_at_a_url_train_as_files_on_this_machine(memory, tmp_path, ending):
    """A pattern, one URL and file:// give the rows, their order and the bits of a local path."""
    for k in range(3):
        (tmp_path / f"{k}.{ending}").write_bytes(contents(ending, k))
        memory.pipe(f"/rows/{k}.{ending}", contents(ending, k))
    local = cr.rows(tmp_path / f"*.{ending}", target="y", standardize=True)
    for pattern in (
        f"memory://rows/*.{ending}",
        [f"memory://rows/{k}.{ending}" for k in (2, 0, 1)],
        f"file://{tmp_path}/*.{ending}",
    ):
        source = cr.rows(pattern, target="y", standardize=True)
        assert source.group_rows == local.group_rows
        assert source.measured.digest == local.measured.digest
        np.testing.assert_array_equal(trained(source), trained(local))


def test_a_file_that_was_replaced_is_refused(memory):
    """The storage's size, ETag or times tell it, also where the size is the same."""
    memory.pipe("/rows/a.npz", contents("npz", 0))
    source = cr.rows("memory://rows/a.npz", target="y")
    list(source.read_group(0))
    memory.pipe("/rows/a.npz", contents("npz", 1))
    with pytest.raises(FileError, match=r"memory://.*a\.npz was changed since its rows were counted"):
        list(source.read_group(0))
    memory.rm("/rows/a.npz")
    with pytest.raises(FileError, match=r"no such file: memory://.*a\.npz"):
        list(source.read_group(0))


def test_paths_at_urls_are_pickled_and_local_paths_do_not_import_fsspec(memory, tmp_path):
    """Another process opens the file itself; without URLs fsspec is not loaded."""
    memory.pipe("/rows/a.csv", contents("csv", 0))
    source = pickle.loads(pickle.dumps(cr.rows("memory://rows/a.csv", target="y")))
    assert source.files[0].path.suffix == ".csv"
    assert len(next(iter(source.read_group(0)))) == 120
    (tmp_path / "a.csv").write_bytes(contents("csv", 0))
    script = f"import sys, chainrule as cr; cr.rows({str(tmp_path / 'a.csv')!r}, target='y'); print('fsspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("memory://rows/none.parquet", FileError, "no such file: memory://rows/none.parquet"),
        ("memory://rows/*.pq", FileError, r"no such file: memory://rows/\*\.pq"),
        ("memory://rows", FileError, "cannot read memory://.*rows: it is not a file|rows come from files that end in"),
        ("nothing://rows/a.parquet", FileError, "nothing://rows/a.parquet: Protocol not known: nothing"),
        ("memory://rows/a.txt", DataError, "rows come from files that end in"),
        ("memory://rows/torn.parquet", DataError, r"memory://.*torn.parquet: cannot be read \(.*; write the file again"),
        ("memory://rows/torn.npz", DataError, "torn.npz is not a valid .npz file"),
    ],
)
def test_a_wrong_url_is_one_clear_error(memory, url, error, message):
    """No error of the storage's own library comes through."""
    memory.pipe("/rows/a.txt", b"1")
    memory.pipe("/rows/torn.parquet", contents("parquet", 0)[:-9])
    memory.pipe("/rows/torn.npz", contents("npz", 0)[:-30])
    with pytest.raises((error, DataError) if url == "memory://rows" else error, match=message):
        cr.rows(url, target="y")


def test_what_a_storage_needs_is_named(monkeypatch):
    """Of fsspec itself, and of what it needs for a storage, such as s3fs."""
    if importlib.util.find_spec("s3fs") is None:
        with pytest.raises(MissingExtra, match=r"s3://bucket/rows/\*\.parquet: .*s3fs"):
            cr.rows("s3://bucket/rows/*.parquet", target="y")
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(MissingExtra, match=r"pip install 'chainrule\[rows\]'"):
        cr.rows("memory://rows/*.parquet", target="y")


class WithRanges(http.server.SimpleHTTPRequestHandler):
    """Gives parts of a file, as object storages do."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Give the part that a Range asks for."""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if not path.exists():
            self.send_error(404)
            return
        whole = path.read_bytes()
        first = int(asked[1]) if asked else 0
        last = min(int(asked[2]), len(whole) - 1) if asked and asked[2] else len(whole) - 1
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(whole)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{hash(whole)}"')
        self.send_header("Content-Length", str(last + 1 - first))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(whole[first : last + 1])

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *arguments):
        """Print nothing."""


class WithoutRanges(http.server.SimpleHTTPRequestHandler):
    """Python's own server, which gives whole files alone."""

    def log_message(self, *arguments):
        """Print nothing."""


@contextlib.contextmanager
def served(folder, handler):
    """Serve a folder at the loopback address; give the URL."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *rest: handler(*rest, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_server_with_ranges_is_read_and_one_without_is_refused(tmp_path):
    """Rows are read in parts: the error says what to do, and no query of the URL, which may hold a signature."""
    pytest.importorskip("aiohttp")
    (tmp_path / "a.parquet").write_bytes(contents("parquet", 0))
    local = cr.rows(tmp_path / "a.parquet", target="y")
    with served(tmp_path, WithRanges) as url:
        source = cr.rows(f"{url}/a.parquet?signature=secret", target="y")
        assert "secret" not in str(source.files[0].path)
        np.testing.assert_array_equal(trained(source), trained(local))
        (tmp_path / "a.parquet").write_bytes(contents("parquet", 1))
        with pytest.raises(FileError, match="was changed since"):
            list(source.read_group(0))
        with pytest.raises(FileError, match=r"no such file: http://127.0.0.1:\d+/b.parquet"):
            cr.rows(f"{url}/b.parquet", target="y")
    (tmp_path / "a.parquet").write_bytes(contents("parquet", 0, n=300_000))
    with (
        served(tmp_path, WithoutRanges) as url,
        pytest.raises(FileError, match="is given as a whole alone, and rows are read in parts; download the file, or serve it"),
    ):
        cr.rows(f"{url}/a.parquet", target="y")
    with pytest.raises(FileError, match=r"a\.parquet"):
        cr.rows(f"{url}/a.parquet", target="y")


def test_texts_that_are_urls():
    """A drive of Windows and a local path are none."""
    assert [is_url(text) for text in ("s3://b/k", "gs://b", "simplecache::s3://b/k", "C:\\rows", "rows/*.csv", "a:b")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
    assert isinstance(RemotePath(fsspec.filesystem("memory"), "/a.csv").suffix, str)
    with pytest.raises(SettingError, match="paths must name at least one file"):
        cr.rows([], target="y")
