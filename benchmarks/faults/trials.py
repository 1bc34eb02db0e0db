"""The trials of a campaign: each is printed with what it found, and the summary counts those that lost something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Trials:
    """Counts trials and faults.

    Parameters
    ----------
    title : str
        The campaign, for its summary.
    quiet : bool
        Whether to print only the trials that found a fault.
    """

    def __init__(self, title: str, *, quiet: bool = False) -> None:
        self.title = title
        self.quiet = quiet
        self.tried = 0
        self.faults: list[str] = []
        self.skipped: list[str] = []

    def skip(self, part: str, reason: str) -> None:
        """Name a part that is not tried here, and why; the summary repeats it."""
        self.skipped.append(f"{part}: {reason}")
        print(f"SKIPPED {part}: {reason}", flush=True)

    def add(self, name: str, fault: str = "", note: str = "") -> None:
        """Count a trial: with a fault, or without one and with a note of what was seen."""
        self.tried += 1
        if fault:
            self.faults.append(f"{name}: {fault}")
        if fault or not self.quiet:
            print(f"{name}: {f'LOST: {fault}' if fault else note or 'nothing lost'}", flush=True)

    @contextmanager
    def trial(self, name: str) -> Iterator[list[str]]:
        """Make one trial: an error inside is its fault; what is put into the list is its note."""
        notes: list[str] = []
        try:
            yield notes
        except Exception as error:  # a campaign goes on after any fault
            self.add(name, f"{type(error).__name__}: {error}")
        else:
            self.add(name, note="; ".join(notes))

    def end(self) -> bool:
        """Print the summary; whether nothing was lost."""
        left_out = f", {len(self.skipped)} parts skipped" if self.skipped else ""
        print(f"{self.title}: {self.tried:,} trials, {len(self.faults)} lost something{left_out}")
        for fault in self.faults:
            print(f"  {fault}")
        for part in self.skipped:
            print(f"  SKIPPED {part}")
        return not self.faults


def require(holds: bool, fault: str) -> None:
    """Make a trial fail with this fault unless a condition holds."""
    if not holds:
        raise AssertionError(fault)
