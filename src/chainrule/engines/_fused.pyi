"""The native module: see kernels/module.cpp."""

from typing import Any

class Data:
    has_classes: bool
    def __init__(
        self,
        n: int,
        n_in: int,
        kind: str,
        x: Any,
        starts: Any,
        columns: Any,
        wide: bool,
        values: Any,
        labels: Any,
        targets: Any,
        classes: Any,
        weights: Any,
    ) -> None: ...

class SessionF32:
    def __init__(
        self,
        isa: str,
        sizes: list[int],
        activations: list[int],
        dropout: list[float],
        cost: int,
        collapses: bool,
        rule: int,
        settings: list[float],
        seed: int,
        step: int,
    ) -> None: ...
    def put(self, layer: int, which: int, w: Any, b: Any) -> None: ...
    def get(self, layer: int, which: int, w: Any, b: Any) -> None: ...
    def advance(self, data: Data, order: Any, size: int, rate: Any, decay: Any, costs: Any, right: Any) -> None: ...
    def evaluate(self, data: Data) -> tuple[float, float, float]: ...
    def gradient(self, data: Data, rows: Any) -> float: ...
    def forward(self, data: Data, out: Any) -> None: ...
    def step(self) -> int: ...
    def finite(self) -> bool: ...

class SessionF64(SessionF32): ...

def instruction_sets() -> list[str]: ...
