"""Changes of a file of each door: of its bytes, and of what its containers and checksums enclose."""

from __future__ import annotations

import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable

from benchmarks.fuzzing import containers
from benchmarks.fuzzing.containers import ModelParts, Tensor
from benchmarks.fuzzing.json_changes import ODD, change

Change = Callable[[bytes], bytes]
"""Changes some bytes at random, such as libFuzzer's own changes."""

Mutator = Callable[[bytes, random.Random, Change], bytes]

INTERESTING = (0, 1, 2, 3, 127, 128, 255, 256, 1000, 65_535, 65_536, 10**6, 2**24, 2**31 - 1, 2**31, 2**32 - 1)


def mutate(door: str, data: bytes, rng: random.Random, raw: Change) -> bytes:
    """Change a file of a door; where it cannot be taken apart, its bytes."""
    if rng.random() < 0.15:
        return raw(data)
    try:
        return MUTATORS[door](data, rng, raw)
    except Exception:  # a parser of a damaged file may raise anything
        return raw(data)


def model(data: bytes, rng: random.Random, raw: Change) -> bytes:
    """Change the description, the header or the tensors of a model file; most results have the right checksum."""
    parts = containers.unpack_model(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice((_change_description, _change_description, _change_description, _change_tensor, _change_metadata))(
            parts, rng, raw
        )
    if rng.random() < 0.6:
        containers.fit_tensors(parts)
    return containers.pack_model(parts, signed=rng.random() < 0.95)


def _change_description(parts: ModelParts, rng: random.Random, raw: Change) -> None:
    holder = [parts.description]
    change(holder, rng)
    parts.description = holder[0] if holder else None


def _change_tensor(parts: ModelParts, rng: random.Random, raw: Change) -> None:
    name = rng.choice(list(parts.tensors))
    tensor = parts.tensors[name]
    action = rng.randrange(7)
    if action == 0:
        del parts.tensors[name]
    elif action == 1:
        parts.tensors[name + rng.choice(("", "2", ".0"))] = Tensor("F32", [1], b"\0\0\0\0")
    elif action == 2:
        tensor.dtype = rng.choice((*containers.SIZES, "BF16", "F8_E4M3", "I16", "U64"))
    elif action == 3:
        tensor.shape = rng.choice(([], [0], [*tensor.shape, 1], tensor.shape[::-1], [rng.choice(INTERESTING)], [2**62, 4]))
        tensor.fit()
    elif action == 4:
        tensor.data = raw(tensor.data)
    else:  # one number
        size = containers.SIZES.get(tensor.dtype, 4)
        at = size * rng.randrange(max(len(tensor.data) // size, 1))
        odd = rng.choice((float("nan"), float("inf"), -1.0, 0.0, 1e30, -1e30, 1e-40))
        number = struct.pack("<d" if size == 8 else "<f", odd) if tensor.dtype[0] == "F" else rng.randbytes(size)
        tensor.data = tensor.data[:at] + number + tensor.data[at + size :]


def _change_metadata(parts: ModelParts, rng: random.Random, raw: Change) -> None:
    key = rng.choice(("version", "format", "sha256", "more"))
    parts.metadata[key] = rng.choice(("1", "2", "3", "0", "", "x", "999999999", "9" * 5000, "chainrule"))


TOKENS = (
    ",", ";", "\t", "|", " ", "\n", "\r\n", "\r", '"', '""', "'", "\\", "#", "sep=;\n", "NA", "?", "nan", "-inf", "1e999", "-0",
    "00012", "1.234", "1,234", "1.234,5", "1'000", "12 %", "$5", "(5.00)", "\u2212", "\u00a0", "\ufeff", "\u200b", "31.03.2021",
    "3/4/21",     "2021-03-31T24:00:00+99:99", "0000-00-00", "31 Feb 2021", "true", "FALSE", "yes", "1_000", "9" * 40, "9" * 400,
    "Unnamed: 0", "é", "e\u0301", "\x1b[31m", "\x0b", "\u2028", "\x85", "a" * 500, "\0",
)  # fmt: skip


def _splice(data: bytes, rng: random.Random, tokens: tuple[str, ...], encoding: str = "utf-8") -> bytes:
    """Insert a token, copy or remove a part, or exchange two lines."""
    at, stop = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    stop = min(stop, at + rng.choice((1, 5, 40, 2000)))
    action = rng.randrange(5)
    if action < 2:
        return data[:at] + rng.choice(tokens).encode(encoding, "surrogatepass") + data[at if action else stop :]
    if action == 2:
        return data[:at] + data[at:stop] * rng.choice((2, 3, 50)) + data[stop:]
    if action == 3:
        return data[:at] + data[stop:]
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def _packed(inner: Mutator) -> Mutator:
    """Change what a gzip file packs; pack a few files that are not."""

    def mutator(data: bytes, rng: random.Random, raw: Change) -> bytes:
        if not data.startswith(b"\x1f\x8b"):
            changed = inner(data, rng, raw)
            return containers.zipped(changed) if rng.random() < 0.02 else changed
        changed = inner(containers.unzipped(data), rng, raw)
        return changed if rng.random() < 0.05 else containers.zipped(changed)

    return mutator


def text(data: bytes, rng: random.Random, raw: Change) -> bytes:
    """Change a delimited text."""
    if rng.random() < 0.3:
        return raw(data)
    encoding = "utf-16-le" if data.startswith(b"\xff\xfe") else "utf-8"
    for _ in range(rng.choice((1, 1, 2, 4))):
        data = _splice(data, rng, TOKENS, encoding)
    return data


def json_lines(data: bytes, rng: random.Random, raw: Change) -> bytes:
    """Change one line's value, or the bytes."""
    if rng.random() < 0.3:
        return _splice(
            data, rng, ('{"a":1}\n', "[", "]", "{", "}", ":", ",", '"', "1e999", "NaN", "9" * 400, "\\ud800", "\ufeff", "\n")
        )
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    holder = [json.loads(lines[at])]
    for _ in range(rng.choice((1, 1, 3))):
        change(holder, rng)
    lines[at : at + 1] = [json.dumps(value, ensure_ascii=rng.random() < 0.7).encode("utf-8", "surrogatepass") for value in holder]
    return b"\n".join(lines)


def idx(data: bytes, rng: random.Random, raw: Change) -> bytes:
    """Change the header, and in half of the files make the elements fit."""
    if rng.random() < 0.2:
        return raw(data)
    kind, n_dimensions = data[2], data[3]
    shape = list(struct.unpack_from(f">{n_dimensions}I", data, 4))
    body = data[4 + 4 * n_dimensions :]
    action = rng.randrange(4)
    if action == 0:
        kind = rng.choice((0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0))
    elif action == 1:
        shape[rng.randrange(len(shape))] = rng.choice(INTERESTING)
    elif action == 2:
        shape = rng.choice((shape[:-1], [*shape, 1], [*shape, 2], [*shape, *shape], shape[::-1]))
    else:
        body = raw(body)
    if rng.random() < 0.6:
        size = {0x0B: 2, 0x0C: 4, 0x0D: 4, 0x0E: 8}.get(kind, 1)
        for n in shape:
            size *= n
        body = body[:size].ljust(size if size < 1 << 18 else 0, b"\1")
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + body


def picture(data: bytes, rng: random.Random, raw: Change) -> bytes:
    """Change the chunks of a PNG, or the bytes of another picture."""
    chunks = containers.unpack_png(data)
    at = rng.randrange(len(chunks))
    name, contents = chunks[at]
    action = rng.randrange(5)
    if action == 0:
        chunks.insert(at, rng.choice(chunks))
    elif action == 1:
        del chunks[at]
    elif name == b"IHDR" and len(contents) == 13:
        width, height = (rng.choice((*INTERESTING, 28)) for _ in range(2))
        chunks[at] = name, struct.pack(">II", width, height) + rng.choice((contents[8:], rng.randbytes(5)))
    elif name == b"IDAT":
        chunks[at] = name, zlib.compress(raw(zlib.decompress(contents)), 1)
    else:
        other = rng.choice(
            (name, b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"pHYs", b"gAMA")
        )
        chunks[at] = other, raw(contents)
    return containers.pack_png(chunks)


def npz(data: bytes, rng: random.Random, raw: Change) -> bytes:
    """Change a member's header, numbers, name or compression."""
    members = containers.unpack_npz(data)
    at = rng.randrange(len(members))
    name, contents, compression = members[at]
    head, numbers = containers.unpack_npy(contents)
    action = rng.randrange(8)
    if action == 0:
        name = rng.choice(("x.npy", "y.npy", "../x.npy", "/x.npy", "x", "é.npy", "x.npy\0"))
    elif action == 1:
        compression = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    elif action == 2:
        members.append(members[at])
    elif action == 3:
        kinds = (
            "<f4",
            ">f8",
            "|u1",
            "<i8",
            "|O",
            "|V8",
            "<U3",
            "|S0",
            "<c16",
            "<M8[D]",
            "|b1",
            "<f2",
            "<f16",
            "i4,i4",
            "O8",
            "<m8[s]",
        )
        head = head.replace(head.split("'descr': ")[1].split(",")[0], repr(rng.choice(kinds)))
    elif action == 4:
        shapes = (
            "()",
            "(0,)",
            "(-1,)",
            "(3,)",
            "(2, 3)",
            "(10**12,)",
            "(1000000000000, 1)",
            "(True,)",
            "(2.0,)",
            "3",
            f"({'1,' * 100})",
        )
        head = head[: head.index("'shape': ") + 9] + rng.choice(shapes) + ", }\n"
    elif action == 5:
        head = _splice(
            head.encode("latin-1", "replace"), rng, ("{", "}", "(", ")", "'", "-", "9" * 50, "[" * 200, "lambda: 0", "#")
        ).decode("latin-1")
    elif action == 6:
        numbers = raw(numbers)
    else:
        contents = raw(contents)
        members[at] = name, contents, compression
        return containers.pack_npz(members)
    members[at] = name, containers.pack_npy(head, numbers), compression
    packed = containers.pack_npz(members)
    return packed if rng.random() < 0.8 else raw(packed)


def parquet(data: bytes, rng: random.Random, raw: Change) -> bytes:
    """Change the footer, a byte of it in most files, or the pages."""
    pages, footer = containers.unpack_parquet(data)
    action = rng.randrange(4)
    if action == 0:
        pages = raw(pages)
    elif action == 1:
        footer = raw(footer)
    else:
        changed = bytearray(footer if action == 2 else pages)
        for _ in range(rng.choice((1, 1, 2, 5))):
            changed[rng.randrange(len(changed))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        pages, footer = (pages, bytes(changed)) if action == 2 else (bytes(changed), footer)
    return containers.pack_parquet(pages, footer)


def svmlight(data: bytes, rng: random.Random, raw: Change) -> bytes:
    """Change a text of sparse rows."""
    if rng.random() < 0.3:
        return raw(data)
    numbers = tuple(str(odd) for odd in ODD if isinstance(odd, (int, float)))
    return _splice(
        data, rng, (" ", ":", "\n", "#", "qid:3", "-1:2", "1:1", "1_0", ",", "1e999", "nan", "\0", "é", "99999999:1", *numbers)
    )


MUTATORS: dict[str, Mutator] = {
    "model": model,
    "checkpoint": model,
    "table": _packed(text),
    "jsonl": _packed(json_lines),
    "parquet": parquet,
    "idx": _packed(idx),
    "picture": picture,
    "svmlight": svmlight,
    "npz": npz,
    "book": json_lines,
}
"""The mutator of each door."""
