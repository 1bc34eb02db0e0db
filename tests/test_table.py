"""Tables: intact files are read exactly; a faulty one is refused with one line that names the file."""

import datetime
import gzip
import io
import struct
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest
from data_files import one_line_message, write_file
from scipy import sparse

from chainrule import _reading
from chainrule.datasets import idx, table
from chainrule.errors import DataError, DataTypeError, FileError, SettingError
from chainrule.tables import parquet_table

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (24, 4, 3), dtype=np.uint8)
LABELS = (np.arange(24) % 5).astype(np.uint8)

# csv


GOOD_CSV = {
    "with names": "a,b,y\n1,2,0\n3,4,1\n",
    "without names": "1,2,0\n3,4,1\n",
    "no newline at the end": "a,b,y\n1,2,0\n3,4,1",
    "blank lines at the end": "a,b,y\n1,2,0\n3,4,1\n\n\n",
    "blank lines before and between": "\n\na,b,y\n\n1,2,0\n\n3,4,1\n",
    "windows line ends": "a,b,y\r\n1,2,0\r\n3,4,1\r\n",
    "old mac line ends": "a,b,y\r1,2,0\r3,4,1\r",
    "byte-order mark": "\ufeffa,b,y\n1,2,0\n3,4,1\n",
    "byte-order mark without names": "\ufeff1,2,0\n3,4,1\n",
    "semicolons": "a;b;y\n1;2;0\n3;4;1\n",
    "tabs": "a\tb\ty\n1\t2\t0\n3\t4\t1\n",
    "quoted names": '"a","b, or ""c""","y"\n1,2,0\n3,4,1\n',
    "a name over two lines": '"a\nb",b,y\n1,2,0\n3,4,1\n',
    "quoted numbers": '"a","b","y"\n"1","2","0"\n"3","4","1"\n',
    "spaces": "a, b, y\n1, 2, 0\n 3,4 ,1\n",
    "numbers as names": "0,1,y\n1,2,0\n3,4,1\n",
    "exponents": "a,b,y\n1e0,2.0,0\n3E+0,.4e1,1\n",
    "a line of spaces": "a,b,y\n1,2,0\n   \n3,4,1\n",
    "decimal commas": "a;b;y\n1,0;2,0;0\n3,0;4,0;1\n",
    "spaces as separators": "a b y\n1 2 0\n3  4 1\n",
    "Excel's first line": "sep=;\na;b;y\n1;2;0\n3;4;1\n",
    "a comma at each line's end": "a,b,y,\n1,2,0,\n3,4,1,\n",
    "quotes after spaces": '"a", "b", "y"\n1, 2, 0\n3, 4, 1\n',
    "leading zeros": "a,b,y\n01,002,0\n03,004,1\n",
    "truth values": "a,b,y\n1,2,False\n3,4,True\n",
    "units": "a,b,y\n1%,$2,0\n3%,$4,1\n",
    "utf-16": "a,b,y\n1,2,0\n3,4,1\n".encode("utf-16"),
}


@pytest.mark.parametrize("content", GOOD_CSV.values(), ids=GOOD_CSV)
def test_table_reads_every_usual_csv(tmp_path, content):
    """A csv is read alike with any separator, line end and quoting, with or without a byte-order mark and blank lines."""
    examples = table(write_file(tmp_path, content))
    assert examples.x.tolist() == [[1, 2], [3, 4]]
    assert examples.y.tolist() == [0, 1]
    assert (examples.x.dtype, examples.y.dtype) == (np.float64, np.intp)


@pytest.mark.parametrize(
    ("target", "y"), [("y", [0, 1]), ("a", [1, 3]), ("-1", [0, 1]), ("1", [2, 4]), (0, [1, 3]), (-2, [2, 4]), (np.int64(2), [0, 1])]
)
def test_the_target_is_a_name_or_a_number(tmp_path, target, y):
    """The target is a column's name or its number from 0, or from the end if negative; the other columns keep their order."""
    examples = table(write_file(tmp_path, GOOD_CSV["with names"]), target=target)
    assert examples.y.tolist() == y
    assert examples.x.tolist() == [[v for v in row if v != t] for row, t in zip([[1, 2, 0], [3, 4, 1]], y, strict=True)]


def test_a_name_takes_precedence_over_a_number(tmp_path):
    """Where a column is named 0, target="0" selects that column, and target=0 the first one."""
    path = write_file(tmp_path, "y,1,0\n5,6,7\n8,9,9\n")
    assert table(path, target="0").y.tolist() == [7, 9]
    assert table(path, target=0).y.tolist() == [5, 8]


def test_targets_that_are_not_integers_stay_floats(tmp_path):
    """A target column is read as int only where every value is an integer."""
    examples = table(write_file(tmp_path, "1,2\n3,4.5\n"))
    assert examples.y.dtype == np.float64
    assert examples.y.tolist() == [2, 4.5]
    assert table(write_file(tmp_path, "1,2\n3,1e300\n")).y.dtype == np.float64


BAD_CSV = {
    "a row too short": ("a,b\n1,2\n3\n5,6\n", DataError, "line 3: 1 field, divided by ',', where the lines before have 2"),
    "a row too long": ("1,2\n3,4\n5,6,7\n", DataError, "line 3: 3 fields, divided by ','"),
    "every row longer than the names": ("a,b\n1,2,3\n4,5,6\n", DataError, "line 2: 3 fields"),
    "a line number after blank lines": ("\n\na,b\n\n1,2\n\n3\n", DataError, "line 7: 1 field"),
    "a line number after a quoted newline": ('"a\nb",c\n1,2\n3\n', DataError, "line 4: 1 field"),
    "a line number with windows line ends": ("a,b\r\n1,2\r\n3\r\n", DataError, "line 3: 1 field"),
    "a missing value": (
        "a,b\n1,2\n3,\n",
        DataError,
        "line 3, column 'b': the value is missing; fill it in, or use chainrule train",
    ),
    "a missing value in the first line": ("1,,3\n4,5,6\n", DataError, "line 1, column '1': the value is missing"),
    "NA": ("a,b\n1,2\nNA,3\n", DataError, "line 3, column 'a': the value is missing"),
    "nan": ("a,b\n1,2\n3,nan\n", DataError, "line 3, column 'b': the value is missing"),
    "inf": ("a,b\n1,-inf\n3,4\n", DataError, "line 2, column 'b': '-inf' is infinite, .*; correct it$"),
    "text": (
        "a,b\n1,2\nred,3\n",
        DataTypeError,
        "line 3, column 'a': 'red' is not a number.*use chainrule train, chainrule.TableClassifier",
    ),
    "text without names": ("1,2\n3,x\n", DataTypeError, "line 2, column '1': 'x' is not a number"),
    "a typing error in the first line": ("5.1,O.2,3\n1,2,3\n", DataError, "line 1, may be a header, or a row; say which"),
    "a comma that may be decimal": ("a;b\n1,234;2\n", DataError, "line 2, column 'a': '1,234' may be a decimal number.*decimal="),
    "thousands with an underscore": ("a,b\n1_000,2\n", DataTypeError, "line 2, column 'a': '1_000' is not a number"),
    "an open quote": ('a,b\n1,"2\n3,4\n5,6\n', DataError, "line 2: a quoted field is not closed"),
    "digits of another script": ("a,b\n1,2\n٣,4\n", DataTypeError, "line 3, column 'a': '٣' is not a number"),
    "such digits in the first line": ("١,٢\n3,4\n", DataTypeError, "line 1, column '0': '١' is not a number"),
    "nothing": ("", DataError, "is empty"),
    "blank lines": ("\n\n \n", DataError, "is empty, blank lines and comments apart"),
    "names alone": ("a,b\n", DataError, "holds no rows, only a header"),
    "one column": ("1\n2\n", DataError, "has one column"),
    "a column without a name": (",a,b\n0,1,2\n", DataError, "column 'Unnamed: 0' has no name.*index=False"),
    "bytes": (b"\x00\x01\xff\xfe", DataError, "line 1: there is a NUL byte"),
    "latin-1": ("caf\xe9,b\n1,2\n".encode("latin-1"), DataError, "line 1: the byte 0xe9 is not utf-8 text; .*encoding="),
    "latin-1 far below": (b"a,b\n" + b"1,2\n" * 40_000 + b"\xe9,2\n", DataError, "line 40002: the byte 0xe9 is not utf-8"),
}


@pytest.mark.parametrize(("content", "kind", "message"), BAD_CSV.values(), ids=BAD_CSV)
def test_table_refuses_a_bad_csv(tmp_path, content, kind, message):
    """A row of the wrong length, a missing value or text is refused with one line that names the file, the line and the column."""
    path = write_file(tmp_path, content)
    with pytest.raises(kind, match=message) as error:
        table(path)
    assert one_line_message(error).startswith(str(path))


def test_a_csv_of_20000_columns_is_read(tmp_path):
    """A first line may be longer than the csv module's limit for one field, since its fields are short."""
    examples = table(write_file(tmp_path, ",".join(["0.12345"] * 20_000) + "\n" + ",".join(["1.23456"] * 20_000)))
    assert examples.x.shape == (2, 19_999)


def test_a_broken_row_is_found_in_a_long_file(tmp_path):
    """The message counts lines as an editor does, in a long file too."""
    lines = ["a,b"] + ["1,2"] * 70_000
    lines[65_432] = "1;2"
    with pytest.raises(DataError, match="line 65433: 1 field"):
        table(write_file(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize(
    ("target", "kind", "message"),
    [
        ("c", DataError, "has no column 'c'; it has a, b, y"),
        (3, DataError, "3 columns, so the target's number must be in 0..2.*it is 3"),
        ("-4", DataError, "it is -4"),
        (1.0, SettingError, "a column's name or its number; it is 1.0"),
        (None, SettingError, "it is None"),
        (True, SettingError, "it is True"),
    ],
)
def test_an_unknown_target_is_refused(tmp_path, target, kind, message):
    """A target that is not a column is refused with a message that names the columns or their number."""
    with pytest.raises(kind, match=message) as error:
        table(write_file(tmp_path, GOOD_CSV["with names"]), target=target)
    one_line_message(error)


def test_an_ambiguous_target_is_refused(tmp_path):
    """Two columns of one name are refused, and so is a target by name where the file has no line of names."""
    with pytest.raises(DataError, match="line 1: two columns, 1 and 2, are named 'a'; rename one"):
        table(write_file(tmp_path, "a,a,b\n1,2,3\n"), target="b")
    with pytest.raises(DataError, match="no line of names; give the target by its number, 0 to 2"):
        table(write_file(tmp_path, "1,2,3\n"), target="a")


def test_options_decide_how_a_text_is_read(tmp_path):
    """The delimiter, the decimal mark, the encoding and the header are as the options say; other formats refuse them."""
    path = write_file(tmp_path, "\xe9|b\n1,234|1\n2,500|0\n".encode("latin-1"))
    assert table(path, encoding="latin-1", decimal=",", delimiter="|").x.tolist() == [[1.234], [2.5]]
    assert table(write_file(tmp_path, "1,2\n3,4\n"), header=True).x.tolist() == [[3]]
    with pytest.raises(SettingError, match=r"decimal must be '\.' or ','; it is ';'"):
        table(path, encoding="latin-1", decimal=";")
    for name, content in (("t.npz", npz(x=X, y=Y)), ("t.svmlight", "1 1:2\n0 2:1\n"), ("t.parquet", parquet(a=[1, 2], y=[0, 1]))):
        with pytest.raises(SettingError, match=r"header .*is for delimited text files"):
            table(write_file(tmp_path, content, name), header=True)


def test_numbers_are_read_to_the_last_bit(tmp_path):
    """Numbers of any size, written in 1 to 17 digits, are the floats that Python reads, in small and in large files."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=20_000) * 10.0 ** rng.integers(-300, 300, 20_000)
    texts = [f"{value:.{digits}g}" for value, digits in zip(values, rng.integers(1, 18, 20_000), strict=True)]
    for rows in (1000, 20_000):
        lines = [f"{text},{text},{k % 2}" for k, text in enumerate(texts[:rows])]
        x = table(write_file(tmp_path, "\n".join(["a,b,y", *lines]))).x
        assert np.array_equal(x, np.array([[float(text)] * 2 for text in texts[:rows]]))


@pytest.mark.parametrize("name", ["t.csv.gz", "t.txt", "t.data", "t.TSV.GZ", "t.jsonl", "t.ndjson.gz"])
def test_texts_and_lines_of_json_are_read(tmp_path, name):
    """Delimited texts and lines of JSON are read by their endings, packed with gzip or not."""
    content = '{"a": 1, "y": false}\n{"a": 2.5, "y": true}\n' if "json" in name else "a\ty\n1\t0\n2.5\t1\n"
    packed = gzip.compress(content.encode()) if name.lower().endswith(".gz") else content
    examples = table(write_file(tmp_path, packed, name), target="y")
    assert (examples.x.tolist(), examples.y.tolist()) == ([[1], [2.5]], [0, 1])


# npz


def npz(**arrays):
    """Encode arrays as an .npz file."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def forged(shape, *, descr="'<f8'", version=b"\x01\x00", body=bytes(96)):
    """Encode an .npz file whose header for x claims a shape that the bytes may contradict."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(11 + len(text)) % 64) + b"\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text + body)
        archive.writestr("y.npy", b"")
    return packed.getvalue()


X, Y = RNG.normal(size=(6, 3)), np.array([0, 1, 2, 0, 1, 2.0])


def test_table_reads_an_npz(tmp_path):
    """Arrays x and y of an .npz are read bit for bit in x's dtype; target names an array to use instead of y."""
    path = write_file(tmp_path, npz(x=X.astype(np.float32), y=Y, z=Y / 2), "table.npz")
    examples = table(path)
    assert examples.x.dtype == np.float32
    assert np.array_equal(examples.x, X.astype(np.float32))
    assert examples.y.dtype == np.intp
    assert np.array_equal(table(path, target="z").y, Y / 2)
    pixels = table(write_file(tmp_path, npz(x=IMAGES.reshape(24, 12), y=np.eye(24)), "table.npz"))
    assert (pixels.kind, pixels.y.shape) == ("pixels", (24, 24))


def test_unsigned_labels_do_not_become_negative(tmp_path):
    """Unsigned integers that exceed int become floats; the others become labels."""
    large = np.array([2**63, 1, 2, 3, 4, 5], np.uint64)
    y = table(write_file(tmp_path, npz(x=X, y=large), "table.npz")).y
    assert (y.dtype, y.tolist()) == (np.float64, [2.0**63, 1, 2, 3, 4, 5])
    assert table(write_file(tmp_path, npz(x=X, y=large // 2**10), "table.npz")).y.dtype == np.intp


BAD_NPZ = {
    "empty": (b"", DataError, "not a valid .npz"),
    "text": (b"hello", DataError, "not a valid .npz"),
    "cut": (npz(x=X, y=Y)[:-30], DataError, "not a valid .npz"),
    "no x": (npz(a=X, y=Y), DataError, "no array 'x'; it holds a, y"),
    "no y": (npz(x=X), DataError, "no array 'y'"),
    "objects": (npz(x=np.array([[1, "a"]], object), y=Y[:1]), DataTypeError, "array 'x' holds Python objects"),
    "text in x": (npz(x=np.array([["a"]]), y=Y[:1]), DataTypeError, "x holds text"),
    "nan": (npz(x=X * np.nan, y=Y), DataError, "x holds NaN or inf"),
    "counts": (npz(x=X, y=Y[1:]), DataError, "y must have a row for each of the 6 rows"),
    "images not flattened": (npz(x=IMAGES, y=LABELS), DataError, "x must have shape"),
    "claims 10^12 rows": (forged("(1000000000000, 3)"), DataError, "claims the shape .*24,000,000,000,000 bytes.*holds 96"),
    "claims too little": (forged("(2, 3)"), DataError, "48 bytes"),
    "a shape beyond any number": (forged("(0, 10**21)".replace("10**21", "1" + "0" * 21)), DataError, "cannot be read .*shape"),
    "a shape with a boolean": (forged("(True, 2)", body=bytes(16)), DataError, "cannot be read .*shape"),
    "a shape with 9,000 signs": (forged("(" + "-" * 9000 + "1,)"), DataError, "array 'x' cannot be read"),
    "negative shape": (forged("(-4, -3)"), DataError, "cannot be read"),
    "code in its header": (forged("__import__('os')"), DataError, "cannot be read"),
    "a later version": (forged("(4, 3)", version=b"\x03\x00"), DataError, "array 'x' has a format version"),
    "an unknown version": (forged("(4, 3)", version=b"\x09\x09"), DataError, "array 'x'"),
}


@pytest.mark.parametrize(("content", "kind", "message"), BAD_NPZ.values(), ids=BAD_NPZ)
def test_table_refuses_a_bad_npz(tmp_path, content, kind, message):
    """An .npz that is damaged, claims a wrong size, or does not hold numbers is refused with one line that names it."""
    path = write_file(tmp_path, content, "table.npz")
    with pytest.raises(kind, match=message) as error:
        table(path)
    assert one_line_message(error).startswith(str(path))


def test_an_npz_bomb_is_refused(tmp_path, monkeypatch):
    """An array that claims more than the limit is refused before it is unpacked."""
    monkeypatch.setattr(_reading, "LIMIT_UNPACKED", 1000)
    with pytest.raises(DataError, match="array 'x' holds 8,000,128 bytes, uncompressed; the limit is 1,000"):
        table(write_file(tmp_path, npz(x=np.zeros((1000, 1000)), y=np.zeros(1000)), "table.npz"))


@pytest.mark.parametrize("compress", [False, True], ids=["stored", "deflated"])
def test_a_member_cannot_claim_more_than_its_archive_has(tmp_path, compress):
    """An archive whose directory claims gigabytes for a member, packed and unpacked, is refused before memory is allocated."""
    file = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(file, x=np.zeros((4, 3)), y=np.arange(4))
    content = bytearray(file.getvalue())
    entry = content.index(b"PK\x01\x02")  # the directory's entry of x
    size = 128 + 8 * 3 * 80_000_000
    content[entry + 20 : entry + 28] = struct.pack("<II", size, size)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.infolist()[0].file_size == size
    path = write_file(tmp_path, bytes(content), "table.npz")
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"array 'x' (holds 1,920,000,128 bytes, uncompressed|claims 1,920,000,128 bytes)"):
            table(path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_small_archive_cannot_unpack_to_much(tmp_path):
    """An array of zeros that packs to less than a 200th of its 40 MB is refused."""
    content = npz(x=np.zeros((5000, 1000)), y=np.zeros(5000))
    with pytest.raises(DataError, match=r"array 'x' holds 40,000,128 bytes, uncompressed; the limit is 33,554,432"):
        table(write_file(tmp_path, content, "table.npz"))


def test_names_of_an_archive_are_listed_in_part(tmp_path):
    """An archive of a thousand arrays is refused with sixty of their names; one with a name that is not UTF-8 is damaged."""
    content = npz(**{f"a{k}": np.zeros(1) for k in range(1000)})
    with pytest.raises(DataError, match=r"it holds a0, a1, .*, \.\.\.\. Save it") as error:
        table(write_file(tmp_path, content, "table.npz"))
    assert len(str(error.value)) < 700
    content = npz(é=np.zeros(1)).replace("é".encode(), b"\xff\xfe")
    with pytest.raises(DataError, match=r"not a valid \.npz file .*codec can't decode"):
        table(write_file(tmp_path, content, "table.npz"))


def test_another_compression_is_refused(tmp_path):
    """A member compressed with lzma, whose ratio is unbounded, is refused."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", bytes(1000))
    with pytest.raises(DataError, match="a compression that NumPy does not write"):
        table(write_file(tmp_path, packed.getvalue(), "table.npz"))


# svmlight


@pytest.mark.parametrize("name", ["rows.svmlight", "rows.libsvm"])
def test_table_reads_svmlight(tmp_path, name):
    """A sparse file is read as CSR, with the targets it holds."""
    from sklearn.datasets import dump_svmlight_file

    x = sparse.csr_matrix(np.eye(20, 7) + np.eye(20, 7, k=3) / 3)
    dump_svmlight_file(x, np.arange(20) % 3, str(tmp_path / name), zero_based=False)
    examples = table(tmp_path / name)
    assert examples.kind == "csr"
    assert np.allclose(examples.x.toarray(), x.toarray(), rtol=1e-15)
    assert examples.y.tolist() == (np.arange(20) % 3).tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x 1:2\n", "is not an svmlight file"),
        ("1 a:2\n", "is not an svmlight file"),
        ("1 1:2 1:x\n", "is not an svmlight file"),
        ("1 3:1 2:1\n", "is not an svmlight file"),
        ("1 -5:3\n", "is not an svmlight file"),
        ("1 99999999999999999999:2\n", "is not an svmlight file"),
        (b"\x00\xff\x01", "is not an svmlight file"),
        ("1 1:2\n0 1_0:2\n", "line 2 holds '_'"),
        ("1 1:2\n0 99999999:2\n", "names column 99,999,999"),
        ("1 1:nan\n", "x holds NaN or inf"),
        ("", "holds no rows"),
    ],
)
def test_table_refuses_bad_svmlight(tmp_path, content, message):
    """A sparse file that cannot be read, or claims a width beyond the limit, is refused with one line that names it."""
    path = write_file(tmp_path, content, "rows.svmlight")
    with pytest.raises(DataError, match=message) as error:
        table(path)
    assert one_line_message(error).startswith(str(path))


# parquet


def parquet(**columns):
    """Encode columns as a .parquet file."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    packed = io.BytesIO()
    write_table(pa.table(columns), packed)
    return packed.getvalue()


def test_table_reads_parquet(tmp_path):
    """The columns of a .parquet file are read in order, as float64; an index that pandas stored is left out."""
    path = write_file(tmp_path, parquet(a=[1, 2], b=[0.5, 1.5], flag=[True, False], y=[0, 1]), "table.parquet")
    examples = table(path)
    assert examples.x.tolist() == [[1, 0.5, 1], [2, 1.5, 0]]
    assert (examples.x.dtype, examples.y.tolist()) == (np.float64, [0, 1])
    assert table(path, target="b").y.tolist() == [0.5, 1.5]
    single = parquet(a=np.array([1, 2], np.float32), y=np.array([1, 2], np.float32))
    assert table(write_file(tmp_path, single, "table.parquet")).x.tolist() == [[1], [2]]
    small = parquet(a=np.array([1, 2], np.uint8), y=np.array([1, 2], np.uint8))
    assert table(write_file(tmp_path, small, "table.parquet")).kind == "dense"


def test_table_refuses_bad_parquet(tmp_path):
    """Text, categories, missing values and damage are refused with one line that names the file and the column."""
    pa = pytest.importorskip("pyarrow")
    good = parquet(a=[1, 2], y=[0, 1])
    bad = [
        (
            parquet(a=["u", "v"], y=[0, 1]),
            DataTypeError,
            "row 1 .counted from 1., column 'a': 'u' is not a number.*use chainrule train",
        ),
        (parquet(a=pa.array(["u", "v"]).dictionary_encode(), y=[0, 1]), DataTypeError, "column 'a': 'u' is not a number"),
        (parquet(a=[datetime.date(2020, 1, 2)] * 2, y=[0, 1]), DataTypeError, "column 'a': '2020-01-02' is not a number"),
        (parquet(a=[1, None], y=[0, 1]), DataError, "row 2 .counted from 1., column 'a': the value is missing; fill it in"),
        (parquet(a=[1.0, float("nan")], y=[0, 1]), DataError, "row 2 .counted from 1., column 'a': the value is missing"),
        (parquet(a=[1.0, float("inf")], y=[0, 1]), DataError, "row 2 .counted from 1., column 'a': the number is infinite"),
        (parquet(a=pa.array([], pa.int64()), y=pa.array([], pa.int64())), DataError, "holds no rows"),
        (parquet(y=[0, 1]), DataError, "has one column"),
        (good[:-9], DataError, "not a valid parquet"),
        (good[:40] + bytes(40) + good[80:], DataError, "not a valid parquet"),
        (b"hello", DataError, "not a valid parquet"),
    ]
    for content, kind, message in bad:
        path = write_file(tmp_path, content, "table.parquet")
        with pytest.raises(kind, match=message) as error:
            table(path)
        assert one_line_message(error).startswith(str(path))


def test_a_damaged_name_in_parquet_is_refused(tmp_path):
    """A column's name that is not UTF-8 is refused with one line."""
    intact = parquet(feature=[1, 2], y=[0, 1])
    path = write_file(tmp_path, intact.replace(b"feature", b"f\xffature"), "table.parquet")
    with pytest.raises(DataError, match="is not a valid parquet file") as error:
        table(path)
    assert one_line_message(error).startswith(str(path))


def test_parquet_is_read_in_batches_of_rows(tmp_path):
    """Rows beyond the first batch are read into the right place, and a missing value there is reported with its row in the file."""
    count = np.arange(150_000)
    columns = {"a": count + 0.5, "y": count % 3, "b": -count}
    examples = table(write_file(tmp_path, parquet(**columns), "table.parquet"), target="y")
    assert np.array_equal(examples.x, np.column_stack([columns["a"], columns["b"]]))
    assert np.array_equal(examples.y, columns["y"])
    columns["b"] = [None if k == 140_000 else 1 for k in count]
    with pytest.raises(DataError, match=r"row 140001 .counted from 1., column 'b': the value is missing"):
        table(write_file(tmp_path, parquet(**columns), "table.parquet"))


def test_a_parquet_bomb_is_refused(tmp_path, monkeypatch):
    """A table that would unpack to more than the limit is refused with a message that states the limit."""
    monkeypatch.setattr(parquet_table, "LIMIT_UNPACKED", 1000)
    with pytest.raises(DataError, match="holds 1,600 bytes, uncompressed; the limit is 1,000"):
        table(write_file(tmp_path, parquet(a=[0] * 100, y=[0] * 100), "table.parquet"))


def test_parquet_is_read_without_pyarrow(tmp_path, monkeypatch):
    """A .parquet file is read where pyarrow is not installed."""
    path = write_file(tmp_path, parquet(a=[1, 2], y=[0, 1]), "table.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert table(path).x.tolist() == [[1], [2]]


# Any file


@pytest.mark.parametrize("ending", [".csv", ".npz", ".svmlight", ".parquet"])
def test_a_file_that_cannot_be_opened_is_refused(tmp_path, ending):
    """A file that does not exist, or a folder in its place, is refused with one line."""
    path = tmp_path / f"table{ending}"
    with pytest.raises(FileError, match=f"^no such file: {path}$"):
        table(path)
    path.mkdir()
    with pytest.raises(FileError, match=f"^cannot read {path}: it is a folder"):
        table(path)


@pytest.mark.parametrize("read", [idx, lambda name: table(f"{name}.csv"), lambda name: table(f"{name}.npz")])
def test_an_invalid_path_is_refused(tmp_path, read):
    """A name with a null character, one of 300 letters, and a link to itself are refused with one line."""
    for ending in ("", ".csv", ".npz"):
        (tmp_path / f"loop{ending}").symlink_to(tmp_path / f"loop{ending}")
    for name in ("a\0b", "a" * 300, "loop"):
        with pytest.raises(FileError, match=r"^cannot read ") as error:
            read(tmp_path / name)
        assert "\0" not in one_line_message(error)


@pytest.mark.parametrize("ending", [".csv", ".npz", ".svmlight", ".parquet"])
def test_a_damaged_file_raises_no_other_error(tmp_path, ending):
    """With any single byte damaged, a file is read or refused with one line, and never raises another library's error."""
    intact = {
        ".csv": b'"a","b"\n1,2\n3,4.5\n',
        ".npz": npz(x=X, y=Y),
        ".svmlight": b"1 1:2 3:0.5\n0 2:1\n",
        ".parquet": parquet(a=[1, 2], y=[0, 1]),
    }[ending]
    for k in range(0, len(intact), 1 + len(intact) // 400):
        damaged = bytearray(intact)
        damaged[k] ^= 0x55
        path = write_file(tmp_path, bytes(damaged), f"table{ending}")
        try:
            table(path)
        except (DataError, DataTypeError) as error:
            assert str(error).startswith(str(path))  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("name", "message"), [("table.xlsx", "ends in '.xlsx', but a table is read from .csv"), ("table", "has no ending")]
)
def test_an_unknown_ending_is_refused(tmp_path, name, message):
    """An unsupported ending is refused with a message that names the supported ones."""
    with pytest.raises(DataError, match=message):
        table(write_file(tmp_path, "1,2\n", name))


@pytest.mark.parametrize("ending", [".csv", ".svmlight"])
def test_a_file_beyond_the_limit_is_refused(tmp_path, monkeypatch, ending):
    """A file larger than the limit is refused before it is read."""
    monkeypatch.setattr(_reading, "LIMIT_BYTES", 10)
    with pytest.raises(DataError, match="holds 11 bytes, uncompressed; the limit is 10"):
        table(write_file(tmp_path, "1 1:1\n1 1:1", f"table{ending}"))


@pytest.mark.parametrize("text", ["[" * 118, "{'a':" * 20, "{'descr': '<f8', 'shape': ("])
def test_an_invalid_npz_header_is_refused(tmp_path, text):
    """An array whose header is not a Python literal is refused with one line that names the file and the array."""
    path = tmp_path / "rows.npz"
    member = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.ljust(118)[:118].encode() + bytes(64)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x.npy", "y.npy"):
            archive.writestr(name, member)
    with pytest.raises(DataError, match=r"rows\.npz: array 'x' cannot be read"):
        table(path)
