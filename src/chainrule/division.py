"""How a training is divided between workers on Ray: the settings of ``Run`` for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ._checks import check_int
from .errors import SettingError, UnknownName
from .ray_cluster import check_address, import_ray

MOST_WORKERS = 10_000


@dataclass(frozen=True)
class Division:
    """How a training is divided between workers; its result depends on both numbers.

    Attributes
    ----------
    workers : int
    sync_every : int
        The steps from one synchronisation to the next; with 1 the gradients are summed.
    address : str or None
        Of the cluster.
    """

    workers: int
    sync_every: int
    address: str | None

    def describe(self) -> dict[str, Any]:
        """Give what the result depends on, in JSON's types."""
        return {name: value for name, value in asdict(self).items() if name != "address"}


def check_division(on: str | None, *, workers: int | None, sync_every: int | None, address: str | None) -> Division | None:
    """Check the settings of ``Run`` that divide a training; None where it stays on this machine.

    Raises
    ------
    SettingError
        When one is out of its range, or has no effect.
    EngineError
        When nothing answers at the address.
    MissingExtra
        When Ray is not installed.
    """
    if on is None:
        given = {"workers": workers, "sync_every": sync_every, "address": address}
        named = [name for name, value in given.items() if value is not None]
        if named:
            raise SettingError(
                f"{' and '.join(named)} divide a training between workers on Ray; pass on='ray' too, or leave them out"
            )
        return None
    if on != "ray":
        raise UnknownName("on", on, ("ray",))
    if workers is None:
        raise SettingError("on='ray' needs workers=, the number of parts that each step is divided into: the result depends on it")
    division = Division(
        workers=check_int("workers", workers, least=1, most=MOST_WORKERS),
        sync_every=1 if sync_every is None else check_int("sync_every", sync_every, least=1),
        address=address,
    )
    import_ray()
    if address is not None:
        check_address(address)
    return division
