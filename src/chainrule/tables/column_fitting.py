"""The columns of a training's table are measured, each in two steps: all but the bins of its numbers, then the edges of these.

The second step imports scikit-learn, and needs some values of the column only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .._checks import check_int
from .._types import AnyArray
from ..errors import DataError
from .column import Column, Kind
from .column_kinds import date_text
from .column_rules import NumberRule, Rule, fit_category, fit_number, fit_text, shorten
from .date_features import date_parts
from .feature_writer import check_no_infinity
from .number_features import MOST_BINS, EdgeSample, choose_edges, sample_for_edges
from .prepared_column import TEXT_KINDS, PreparedColumn, as_kind
from .table import Table

VOCABULARY_BYTES = 1 << 18
"""The most bytes of JSON for the values of all categories together, so that a model's description stays short."""

BIN_FEATURES = 1 << 13
"""The most piecewise-linear features of all numbers together: the numbers of a wide table have fewer bins."""


@dataclass(frozen=True, eq=False)
class MeasuredColumn:
    """A column whose rules have no bins yet, and the values from which the edges of its bins are chosen, by the rule's part."""

    column: PreparedColumn
    samples: dict[str, EdgeSample]


@dataclass(frozen=True, eq=False)
class ColumnFitting:
    """What the rules of a column depend on beside its values: the targets, and the limits of all columns together.

    Attributes
    ----------
    y : array, shape (n,), or None
        The targets, for which the bins' edges are chosen.
    classes : bool
        Whether ``y`` are classes.
    bins : int
        The most bins of a number.
    most_bytes : int
        The most bytes of JSON for the values of a category.
    """

    y: AnyArray | None
    classes: bool
    bins: int
    most_bytes: int

    @classmethod
    def of(cls, table: Table, y: AnyArray | None, *, task: str | None, bins: int) -> ColumnFitting:
        """Divide the limits among the columns of a table; the parameters are those of ``Preprocessing.fit``.

        Raises
        ------
        DataError
            When the table has no rows, or ``y`` another number of values.
        SettingError
            When ``bins`` is not a number of bins.
        """
        bins = check_int("bins", bins, least=0, most=MOST_BINS)
        if not len(table):
            raise DataError("the table has no rows to learn from")
        if y is not None and len(y) != len(table):
            raise DataError(f"y must have a value for each of the table's {len(table)} rows; it has {len(y)}")
        classes = task == "classification" if task else y is not None and np.asarray(y).dtype.kind in "iub"
        return cls.of_kinds([column.kind for column in table], y, classes=classes, bins=bins)

    @classmethod
    def of_kinds(cls, kinds: Sequence[Kind], y: AnyArray | None, *, classes: bool, bins: int) -> ColumnFitting:
        """Divide the limits among columns of these kinds."""
        most_bins = BIN_FEATURES // max(1, sum(kind in ("number", "date") for kind in kinds))
        most_bytes = VOCABULARY_BYTES // max(1, sum(kind in TEXT_KINDS for kind in kinds))
        return cls(y, classes, min(bins, most_bins), most_bytes)

    def measure(self, column: Column) -> MeasuredColumn:
        """Measure a column, and choose its rules without the bins.

        Raises
        ------
        DataError
            When a number is infinite.
        """
        if column.kind == "number":
            check_no_infinity(column)
        parts = date_parts(column) if column.kind == "date" else {"": column}
        found = {part: self._fit_rule(values, tell_gaps=part in ("", "days")) for part, values in parts.items()}
        rules = tuple((part, rule) for part, rule in found.items() if rule is not None)
        scaled = [part for part, rule in rules if isinstance(rule, NumberRule) and rule.scale > 0]
        samples = {part: sample_for_edges(parts[part].data) for part in scaled}
        missing, distinct = int(column.missing.sum()), column.n_distinct
        reason = "" if rules else reason_left_out(column.kind, distinct)
        return MeasuredColumn(
            PreparedColumn(column.name, column.kind, distinct, missing, example_of(column), rules, reason), samples
        )

    def _fit_rule(self, column: Column, *, tell_gaps: bool) -> Rule | None:
        """Measure a column, or a part of a date, of which one tells the gaps of all; None where it tells nothing."""
        if column.kind == "identifier":
            return None
        if column.kind == "number":
            return fit_number(column, tell_gaps=tell_gaps)
        if column.kind == "text":
            return fit_text(column)
        return fit_category(as_kind(column, column.kind), most_bytes=self.most_bytes, tell_gaps=tell_gaps)

    def add_bins(self, measured: MeasuredColumn) -> PreparedColumn:
        """Choose the edges of a measured column's bins."""
        rules = ((part, self._with_bins(rule, measured.samples.get(part))) for part, rule in measured.column.rules)
        return replace(measured.column, rules=tuple(rules))

    def _with_bins(self, rule: Rule, sample: EdgeSample | None) -> Rule:
        """Choose the edges of the bins of a number; a rule without a sample stays as it is."""
        if sample is None or not isinstance(rule, NumberRule):
            return rule
        return replace(rule, edges=choose_edges(sample, self.y, classes=self.classes, bins=self.bins))


def reason_left_out(kind: Kind, distinct: int) -> str:
    """Say why a column without rules is left out."""
    if kind == "identifier":
        return "identifier"
    if not distinct:
        return "no values"
    return "no words" if kind == "text" else "constant"


def example_of(column: Column) -> str:
    """Give the first value that is not a gap as a short text; empty where there is none."""
    present = np.flatnonzero(~column.missing)
    if not len(present):
        return ""
    if column.kind == "date":
        return shorten(date_text(column.data[present[0]], column.data[present]))
    value = column.take(present[:1]).to_list()[0]
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return shorten(text)
