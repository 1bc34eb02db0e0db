"""The peers, a file each: ``python -m benchmarks.peers NAME KIND JOB THREADS CPUS ANSWER`` runs one in a process of its own.

A peer's module has a function for each kind of work it can do (``train``, ``predict``, ...), from a job and a number of threads to
an answer. This table stands apart from them, so that nothing heavy is loaded by looking at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class Peer:
    """Who takes part: the module, what it is called in a table, and the packages it needs.

    ``python`` says whether it counts as a Python peer; ``pinned`` whether the threads it takes are as many as the processors it may
    use, for want of another switch.
    """

    name: str
    title: str
    module: str
    packages: tuple[str, ...]
    python: bool = True
    pinned: bool = False

    @property
    def missing(self) -> str | None:
        """Say in a line why it cannot take part, if so."""
        absent = [package for package in self.packages if find_spec(package) is None]
        return f"{self.title} is left out: {' and '.join(absent)} not installed; pip install '.[bench]'" if absent else None


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("chainrule", "chainrule", "chainrule_", ("chainrule",), python=False),
        Peer("numpy", "NumPy by hand", "numpy_by_hand", ("numpy",)),
        Peer("torch", "PyTorch", "torch_", ("torch",)),
        Peer("jax", "JAX, scan", "jax_", ("jax",), pinned=True),
        Peer("sklearn", "scikit-learn", "sklearn_", ("sklearn",)),
        Peer("onnx", "onnxruntime", "onnx_", ("onnx", "onnxruntime")),
        Peer("rival", "C++ by hand", "rival_", ("numpy",), python=False),
    )
}
