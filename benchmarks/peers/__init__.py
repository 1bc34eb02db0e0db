"""The peers, one file each: ``python -m benchmarks.peers NAME KIND JOB THREADS CPUS OUTPUT`` runs one in a process of its own.

A peer's module has one function for each kind of work that it supports (``train``, ``predict``, ...); it takes a job and a number
of threads and returns a measurement. This file holds only the table of peers, so that importing it does not import their
libraries.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Peer:
    """A peer: its name, its title in the tables, its module, and the packages that it needs.

    ``python`` says whether it counts as a Python peer. ``pinned`` says that its number of threads can only be set by the number of
    processors that its process may use.
    """

    name: str
    title: str
    module: str
    packages: tuple[str, ...]
    python: bool = True
    pinned: bool = False

    @property
    def missing(self) -> str | None:
        """The reason why it cannot run, in one line; None where it can."""
        absent = [package for package in self.packages if find_spec(package) is None]
        return f"{self.title} is left out: {' and '.join(absent)} not installed; pip install '.[bench]'" if absent else None


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("chainrule", "chainrule", "chainrule_", ("chainrule",), python=False),
        Peer("numpy", "hand-written NumPy", "numpy_by_hand", ("numpy",)),
        Peer("torch", "PyTorch", "torch_", ("torch",)),
        Peer("jax", "JAX, scan", "jax_", ("jax",), pinned=True),
        Peer("sklearn", "scikit-learn", "sklearn_", ("sklearn",)),
        Peer("onnx", "onnxruntime", "onnx_", ("onnx", "onnxruntime")),
        Peer("rival", "hand-written C++", "rival_", ("numpy",), python=False),
    )
}
