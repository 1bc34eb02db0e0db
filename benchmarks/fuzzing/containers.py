"""Files taken apart and put together again with right lengths and checksums, so that what is inside them can be changed."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from chainrule import model_file
from chainrule.checkpoints import checkpoint_file
from chainrule.tables.preprocessing import Preprocessing

SIZES = {"F32": 4, "F64": 8, "I32": 4, "I64": 8, "U8": 1, "F16": 2, "BOOL": 1}
CODES = {"float32": "F32", "float64": "F64", "int32": "I32"}
LARGEST_TENSOR = 1 << 18
LARGEST_UNPACKED = 1 << 16
"""The most bytes that a changed file unpacks to: reading a megabyte takes the time of a hundred small files."""


def unzipped(data: bytes) -> bytes:
    """Unpack a gzip file of moderate size; raises ValueError, EOFError, OSError or zlib.error."""
    return gzip.GzipFile(fileobj=io.BytesIO(data)).read(LARGEST_UNPACKED)


def zipped(data: bytes) -> bytes:
    """Pack with gzip."""
    return gzip.compress(data, 1, mtime=0)


@dataclass
class Tensor:
    """A tensor of a safetensors file."""

    dtype: str
    shape: list[Any]
    data: bytes

    def fit(self) -> None:
        """Make the data as long as the shape says, where that is not much."""
        try:
            size = math.prod(self.shape) * SIZES[self.dtype]
        except (KeyError, TypeError):
            return
        if 0 <= size <= LARGEST_TENSOR:
            self.data = self.data[:size].ljust(size, b"\0")


@dataclass
class ModelParts:
    """A model file: its metadata as texts, its description as JSON, and its tensors."""

    metadata: dict[str, Any]
    description: Any
    tensors: dict[str, Tensor]


def unpack_model(data: bytes) -> ModelParts:
    """Take a file apart; raises ValueError, KeyError, TypeError or struct.error where it is too damaged."""
    (length,) = struct.unpack_from("<Q", data)
    head = json.loads(data[8 : 8 + length])
    metadata = dict(head.pop("__metadata__"))
    body = data[8 + length :]
    tensors = {}
    for name, entry in head.items():
        start, stop = entry["data_offsets"]
        tensors[name] = Tensor(entry["dtype"], list(entry["shape"]), body[start:stop])
    return ModelParts(metadata, json.loads(metadata.pop("model")), tensors)


def pack_model(parts: ModelParts, *, signed: bool) -> bytes:
    """Put a file together; with the checksum that it must have, where its description is valid and ``signed``."""
    text = json.dumps(parts.description)
    metadata = {**parts.metadata, "model": text}
    if signed:
        order = required(parts.metadata.get("version"), parts.description)
        names = list(order) if set(order) == set(parts.tensors) else list(parts.tensors)
        state = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
        for name in names:
            state.update(parts.tensors[name].data)
        metadata["sha256"] = state.hexdigest()
    head: dict[str, Any] = {"__metadata__": metadata}
    body = b""
    for name, tensor in sorted(parts.tensors.items(), key=lambda pair: (-SIZES.get(pair[1].dtype, 1), pair[0])):
        head[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [len(body), len(body) + len(tensor.data)]}
        body += tensor.data
    encoded = json.dumps(head).encode()
    encoded += b" " * (-len(encoded) % 8)
    return struct.pack("<Q", len(encoded)) + encoded + body


def required(version: Any, description: Any) -> dict[str, tuple[tuple[int, ...], str]]:
    """Give the tensors that a description requires, in the order of the checksum; none where the description is not valid."""
    try:
        if version == "1":
            return model_file.shapes_of(model_file.parse_model(description))
        if version == "2":
            shapes: dict[str, tuple[tuple[int, ...], str]] = {}
            for k, network in enumerate(description["networks"]):
                shapes |= model_file.shapes_of(model_file.parse_model(network), f"networks.{k}.")
            own = Preprocessing.tensor_shapes(description["preprocessing"])
            return shapes | {f"preprocessing.{name}": shape for name, shape in own.items()}
        return checkpoint_file.shapes_of(description)
    except Exception:  # what the library refuses, in whatever way, needs no checksum
        return {}


def fit_tensors(parts: ModelParts) -> None:
    """Give a file exactly the tensors that its description requires, with the old numbers where there are any."""
    fitted = {}
    for name, (shape, dtype) in required(parts.metadata.get("version"), parts.description).items():
        old = parts.tensors.get(name)
        tensor = Tensor(CODES.get(dtype, "U8"), list(shape), old.data if old else b"")
        tensor.fit()
        fitted[name] = tensor
    if fitted:
        parts.tensors = fitted


def unpack_npz(data: bytes) -> list[tuple[str, bytes, int]]:
    """Take an archive apart: the name, the contents and the compression of each member."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [
            (info.filename, archive.read(info), info.compress_type)
            for info in archive.infolist()
            if info.file_size < LARGEST_UNPACKED
        ]


def pack_npz(members: list[tuple[str, bytes, int]]) -> bytes:
    """Put an archive together."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, contents, compression in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = compression
            archive.writestr(info, contents)
    return file.getvalue()


def unpack_npy(data: bytes) -> tuple[str, bytes]:
    """Take an array's file apart: the text of its header, and its numbers."""
    (length,) = struct.unpack_from("<H", data, 8)
    return data[10 : 10 + length].decode("latin-1"), data[10 + length :]


def pack_npy(head: str, numbers: bytes) -> bytes:
    """Put an array's file together, version 1.0."""
    encoded = head.encode("latin-1", "replace")[:65000]
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(encoded)) + encoded + numbers


PNG = b"\x89PNG\r\n\x1a\n"


def unpack_png(data: bytes) -> list[tuple[bytes, bytes]]:
    """Take a PNG apart: the name and the contents of each chunk."""
    if not data.startswith(PNG):
        raise ValueError("it is not a PNG")
    chunks, at = [], len(PNG)
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        chunks.append((name, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def pack_png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """Put a PNG together, with right lengths and checksums."""
    return PNG + b"".join(
        struct.pack(">I", len(contents)) + name + contents + struct.pack(">I", zlib.crc32(name + contents))
        for name, contents in chunks
    )


def unpack_parquet(data: bytes) -> tuple[bytes, bytes]:
    """Take a parquet file apart: its pages with the leading mark, and the footer."""
    if data[-4:] != b"PAR1":
        raise ValueError("it is not a parquet file")
    (length,) = struct.unpack_from("<I", data, len(data) - 8)
    return data[: len(data) - 8 - length], data[len(data) - 8 - length : -8]


def pack_parquet(pages: bytes, footer: bytes) -> bytes:
    """Put a parquet file together."""
    return pages + footer + struct.pack("<I", len(footer)) + b"PAR1"
