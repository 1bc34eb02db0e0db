"""``LiveDiagnosis``: a callback that diagnoses a training while it goes on, and tells each finding once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._format import pluralize
from ..errors import ArgumentTypeError
from ..examples import as_pair
from ..history import EpochRecord
from ..network import Network
from .diagnose_model import checked_examples
from .diagnosis import Diagnosis, diagnosis_of
from .finding import Finding
from .layer_measures import copy_of
from .measuring import measure

LIVE_ROWS = 200
"""The rows that are passed forward and back within a training; their shares are known to about 3 percentage points."""

JUDGED_AT_THE_END = ("underfitting", "targets not scaled")
"""Findings that only ``examine`` tells: a cost that is flat may fall again, and outputs may still reach targets far from 0."""


class LiveDiagnosis:
    """A callback of ``cr.train`` that tells each finding once, when it appears.

    It examines the network after epochs 1, 2, 4, 8 and so on: 200 rows forward and back, and up to 5,000 forward. Its share of the
    time falls as the training gets longer.
    Underfitting and targets out of reach, which are judged by the end of the training, are told by ``examine`` alone.

    Parameters
    ----------
    network : Network
        The one that is trained; made before the training begins, it knows the initial weights.
    examples : Examples or (x, y)
    report : callable
        Called with each new ``Finding``; by default it is printed, with the number of the epoch.

    Attributes
    ----------
    diagnosis : Diagnosis or None
        The last one.
    records : list of EpochRecord

    Raises
    ------
    DataError
        If the examples do not suit the network.
    ArgumentTypeError
        If ``network`` is not a Network.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import train
    >>> net, data = Network([1, 1], seed=0), (np.ones((1, 1)), np.zeros((1, 1)))
    >>> net.weights[0][:] = net.biases[0][:] = 2.0
    >>> seen = []
    >>> live = LiveDiagnosis(net, data, report=lambda finding: seen.append(finding.name))
    >>> history = train(net, data, epochs=8, batch_size=1, learning_rate=0.15, callbacks=[live])
    >>> seen
    ['outputs saturated and wrong']
    """

    def __init__(self, network: Network, examples: Any, *, report: Callable[[Finding], Any] | None = None) -> None:
        if not isinstance(network, Network):
            raise ArgumentTypeError(f"LiveDiagnosis takes the Network that is trained; this is {type(network).__name__}")
        self.network, self.report = network, report or self._print
        self.examples = checked_examples(network, *as_pair(examples))
        self._start = copy_of(network.state())
        self._told: set[str] = set()
        self.records: list[EpochRecord] = []
        self.diagnosis: Diagnosis | None = None

    def __repr__(self) -> str:
        told = ", ".join(sorted(self._told)) or "nothing"
        return f"LiveDiagnosis({pluralize(len(self.records), 'epoch')}, told: {told}; {self.diagnosis!r})"

    def _print(self, finding: Finding) -> None:
        print(f"epoch {self.records[-1].epoch if self.records else 0}: {finding}")

    def __call__(self, record: EpochRecord) -> None:
        """Take an epoch's record; diagnose after epochs whose number is a power of 2."""
        self.records.append(record)
        count = len(self.records)
        if count & (count - 1) == 0:
            self._examine(JUDGED_AT_THE_END)

    def examine(self) -> Diagnosis:
        """Diagnose the network as it is now, at the end of its training, and report what is new."""
        return self._examine(())

    def _examine(self, withheld: tuple[str, ...]) -> Diagnosis:
        previous = None if self.diagnosis is None else self.diagnosis.measurements
        settings: dict[str, Any] = {"start": self._start, "rows": LIVE_ROWS, "previous": previous}
        self.diagnosis = diagnosis_of(measure(self.network, self.examples, self.records, **settings))
        for finding in self.diagnosis.findings:
            if finding.level == "finding" and finding.name not in self._told.union(withheld):
                self._told.add(finding.name)
                self.report(finding)
        return self.diagnosis
