"""The first files of each door, made anew: ``python -m benchmarks.fuzzing.seeds [DOOR ...]`` writes them to ``tests/corpus``."""

from __future__ import annotations

import gzip
import io
import struct
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.book import network2
from chainrule.checkpoints.run_folder import RunFolder
from chainrule.datasets.idx import header

CORPUS = Path(__file__).parents[2] / "tests" / "corpus"

Files = Iterator[tuple[str, bytes]]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
Y = RNG.integers(0, 2, 30)
CSV = "size,town,since,sold\n" + "".join(
    f"{20 + k * 7 % 90}.5,{('Bern', 'Chur', 'Genf')[k % 3]},{2000 + k % 20}-0{1 + k % 9}-1{k % 9},{('yes', 'no')[k % 2]}\n"
    for k in range(24)
)
LINES = "".join(f'{{"a": {k}, "b": {k / 3!r}, "c": "w{k % 3}", "d": {"true" if k % 2 else "null"}}}\n' for k in range(12))


def _saved(model: Any, name: str = "model.safetensors") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / name)
        return (Path(folder) / name).read_bytes()


def models() -> Files:
    """Networks, trained and not, and models of tables."""
    yield "untrained", _saved(cr.Network([3, 4, 2], seed=0))
    yield (
        "float64",
        _saved(cr.Network([2, 3, 1], activation="tanh", output="identity", cost=cr.costs.Huber(0.5), dtype="float64", seed=1)),
    )
    trained = cr.Network([3, 2], cost="log_loss", seed=2)
    cr.train(trained, (X, Y), epochs=2, batch_size=10, learning_rate=0.1, optimizer="adam", dropout=0.0, l2=0.01)
    yield "trained", _saved(trained)
    images = cr.Network([64, 2], seed=3)
    pixels = np.tile(np.arange(64, dtype=np.uint8) * 4, (4, 1))
    cr.train(images, cr.Examples(pixels, [0, 1, 0, 1], layout=cr.examples.Layout(8, 8)), epochs=1, batch_size=2, learning_rate=0.1)
    yield "pixels", _saved(images)
    for name, estimator, target in (("classes", cr.TableClassifier, "sold"), ("values", cr.TableRegressor, "size")):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "houses.csv"
            path.write_text(CSV)
            fitted = estimator(networks=2, hidden=(3,), epochs=2, random_state=0).fit(cr.read_table(path), target)
        yield name, _saved(fitted)


def tables() -> Files:
    """Delimited texts in many writings."""
    yield "houses", CSV.encode()
    yield "houses-semicolon", CSV.replace(",", ";").replace(".5", ",5").encode()
    yield "houses-packed", gzip.compress(CSV.encode(), mtime=0)
    yield "houses-utf16", CSV.encode("utf-16")
    yield "quoted", b'name,text\r\n"a ""b""","line\r\nline"\r\n"c","d, e"\r\n"f",\r\n'
    yield "escaped", b'a;b\n"x \\" y";1\n"z";2\n'
    yield "blanks", b"  1.0   2\t3\n -4  5  6\n  7  8e2 .9\n"
    yield "comment", b"sep=;\n# made by hand\n# a;b\n1;2\n3;4\n"
    yield "row-names", b'"x","y"\n"1",1.5,2\n"2",3.5,4\n"3",5.5,6\n'
    yield "one-column", b"value\n1\n\n3\n"
    yield "units", b"price;share;date\n$1,200.50;12 %;31.03.2021\n(5.00);3 %;1 Apr 2021\n-$7;9 %;24.12.2020 17:30\n"
    yield "gaps", b"a,b,c\nNA,1,\n?,2,x\n,3,\n-999,4,NULL\n"
    yield "marks", "a\tb\n1'000\t\u22121\u00a0000,5\n2'000\t7\n".encode()
    yield "long", ("a,b\n" + "1,2\n" * 300).encode()
    yield "wide", (",".join(f"c{k}" for k in range(300)) + "\n" + ",".join(map(str, range(300))) + "\n").encode()
    yield "years", b"country,2019,2020\nA,1,2\nB,3,4\n"
    yield "empty-lines", b"a,b\n" + b"\n" * 50 + b"1,2\n"


def json_lines() -> Files:
    """Lines of JSON."""
    yield "lines", LINES.encode()
    yield "packed", gzip.compress(LINES.encode(), mtime=0)
    yield "keys-that-differ", b'{"a": 1}\n{"b": "x"}\n\n{"a": 2.5, "c": null}\n'
    yield "long-integers", b'{"n": 9007199254740993}\n{"n": 123456789012345678901234567890}\n'
    yield "list", b'{"a": [1, 2]}\n{"a": {"b": 1}}\n'
    yield "escapes", b'\xef\xbb\xbf{"\\u00e9": "\\ud83d\\ude00", "x": "\\u0000"}\n{"\\u00e9": "b", "x": "c"}\n'
    yield "not-json", b'{"a": 1}\n{"a": }\n'
    yield "dates", b'{"d": "2021-03-31", "t": "yes"}\n{"d": "2021-04-01", "t": "no"}\n{"d": "2020-12-24", "t": "no"}\n'


def parquet_files() -> Files:
    """Parquet files of pyarrow and of DuckDB."""
    import datetime

    import duckdb
    import pandas as pd

    frame = pd.DataFrame(
        {
            "n": [1, 2, 3, 4],
            "x": [0.5, None, 2.5, -1e300],
            "t": ["a", "b", None, "a"],
            "b": [True, False, True, True],
            "d": pd.to_datetime(["2021-03-31", "2021-04-01", None, "2020-12-24"]),
            "s": pd.to_timedelta([1, 2, 3, None], unit="s"),
        },
        index=[3, 4, 5, 6],
    )
    for name, settings in {
        "snappy": {},
        "plain": {"compression": None, "use_dictionary": False},
        "zstd": {"compression": "zstd"},
    }.items():
        file = io.BytesIO()
        frame.to_parquet(file, **settings)
        yield name, file.getvalue()
    file = io.BytesIO()
    pd.DataFrame({"l": [[1], [2, 3]], "o": [{"a": 1}, {"a": 2}], "t": [datetime.time(1), None]}).to_parquet(file)
    yield "nested", file.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "duck.parquet"
        duckdb.sql("select range::utinyint as u, range::decimal(20, 3) as d, uuid() as i from range(5)").write_parquet(str(path))
        yield "duckdb", path.read_bytes()


def idx_files() -> Files:
    """IDX files of each type of number."""
    for kind in ("u1", "i1", ">i2", ">i4", ">f4", ">f8"):
        array = np.arange(24).reshape(4, 3, 2).astype(kind)
        yield f"images-{kind[-2:]}", header(array) + array.tobytes()
    labels = np.array([0, 1, 2, 1, 0], np.uint8)
    yield "labels", header(labels) + labels.tobytes()
    images = (np.arange(5 * 16) % 256).astype(np.uint8).reshape(5, 4, 4)
    yield "packed", gzip.compress(header(images) + images.tobytes(), mtime=0)
    yield "claims-too-much", b"\0\0\x08\x03" + struct.pack(">III", 10**6, 10**6, 28) + b"\0" * 30
    yield "claims-more-than-packed", gzip.compress(b"\0\0\x08\x03" + struct.pack(">III", 10**4, 28, 28) + b"\0" * 30, mtime=0)


def pictures() -> Files:
    """Pictures in every format and kind of pixel."""
    from PIL import Image

    digit = np.zeros((40, 30), np.uint8)
    digit[8:32, 13:17] = 255
    image = Image.fromarray(255 - digit)
    for ending in ("png", "jpeg", "bmp", "gif", "tiff", "webp", "ppm"):
        yield ending, _picture(image, ending)
    for mode in ("1", "P", "LA", "RGB", "RGBA"):
        yield f"png-{mode}", _picture(image.convert(mode), "png")
    yield "png-16", _picture(Image.fromarray((255 - digit).astype(np.uint16) * 257), "png")
    yield "tiff-float", _picture(Image.fromarray((digit / 255).astype(np.float32)), "tiff")
    yield "tiff-lzw", _picture(image, "tiff", compression="tiff_lzw")
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "jpeg-turned", _picture(image, "jpeg", exif=exif)
    yield "gif-frames", _picture(image, "gif", save_all=True, append_images=[image.rotate(90)])
    yield "blank", _picture(Image.new("L", (9, 9), 255), "png")


def _picture(image: Any, ending: str, **settings: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, ending, **settings)
    return file.getvalue()


def svmlight_files() -> Files:
    """Sparse rows."""
    yield "labels", b"1 1:0.5 3:2\n0 2:1\n1 1:-1e-3 4:7 # a comment\n"
    yield "from-0", b"-1 0:1 5:2\n+1 3:1.5\n"
    yield "targets", b"1.5 1:1\n-2.25 2:1\n"
    yield "queries", b"3 qid:1 1:1\n2 qid:1 2:1\n"
    yield "no-entries", b"1\n0\n"
    yield "far-column", b"1 1:1 99999999:1\n"


def npz_files() -> Files:
    """NumPy's archives."""
    for name, save in (("stored", np.savez), ("deflated", np.savez_compressed)):
        file = io.BytesIO()
        save(file, x=X[:5], y=Y[:5])
        yield name, file.getvalue()
    for dtype in (np.uint8, np.float32, np.int64, bool):
        file = io.BytesIO()
        np.savez(file, x=np.arange(6).reshape(3, 2).astype(dtype), y=[0.5, 1, 2])
        yield f"of-{np.dtype(dtype).name}", file.getvalue()
    file = io.BytesIO()
    np.savez(file, x=np.array([{"a": 1}, None], object), y=[0, 1])
    yield "objects", file.getvalue()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../x.npy", b"0")
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00")
    yield "paths", file.getvalue()


def checkpoints() -> Files:
    """The newest checkpoints of trainings that ended, that were left after an epoch, and of an estimator's fit."""
    settings: dict[str, Any] = {"epochs": 3, "batch_size": 4, "learning_rate": 0.1}
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        stopping = {"optimizer": "adam", "validation": (X, Y), "early_stopping": 2}
        cr.train(_small_network(), (X, Y), **settings, **stopping, checkpoint=runs / "finished")
        for _ in cr.Run(_small_network(), (X, Y), **settings, l2=0.01, dropout=0.5, checkpoint=runs / "left"):
            break
        cr.MLPClassifier((3,), max_iter=3, random_state=0, early_stopping=True, checkpoint=runs / "estimator").fit(X, Y)
        for name in ("finished", "left", "estimator"):
            yield name, RunFolder(runs / name).checkpoints()[0].read_bytes()


def _small_network() -> cr.Network:
    return cr.Network([3, 4, 2], cost="log_loss", seed=0)


def book_networks() -> Files:
    """Networks of ``chainrule.book.network2``, one with numbers that are not finite."""
    weights = np.arange(20.0).reshape(4, 5) / 7
    for name, cost, first in (
        ("finite", network2.QuadraticCost, weights),
        ("infinite", network2.CrossEntropyCost, np.full((4, 5), np.inf)),
    ):
        network = network2.Network([5, 4, 2], cost=cost)
        network.weights = [first, weights[:2, :4]]
        network.biases = [weights[:, :1], weights[:2, :1]]
        yield name, _saved(network, "net.json")


SEEDS: dict[str, Callable[[], Files]] = {
    "model": models,
    "table": tables,
    "jsonl": json_lines,
    "parquet": parquet_files,
    "idx": idx_files,
    "picture": pictures,
    "svmlight": svmlight_files,
    "npz": npz_files,
    "checkpoint": checkpoints,
    "book": book_networks,
}


def write(door: str, folder: Path) -> int:
    """Write the files of a door to a folder; return their number."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, contents in SEEDS[door]():
            (folder / name).write_bytes(contents)
            count += 1
    return count


if __name__ == "__main__":
    for name in sys.argv[1:] or SEEDS:
        print(f"{name}: {write(name, CORPUS / name)} files")
