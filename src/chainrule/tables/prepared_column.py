"""A column of a training's table, and the rules by which it becomes features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .._format import pluralize
from .column import Column, Kind
from .column_kinds import date_text, read_as
from .column_rules import CategoryRule, NumberRule, Rule, shorten
from .text_columns import TRUTH_OF

SHOWN = 3
"""The most values that a note lists."""

TEXT_KINDS: tuple[Kind, ...] = ("category", "boolean", "constant", "identifier", "text")
"""The kinds whose values are texts."""


@dataclass(frozen=True, eq=False)
class PreparedColumn:
    """One column of the training's table, and what is done with it.

    Attributes
    ----------
    name : str
    kind : str
    distinct, missing : int
        The number of distinct values and of gaps in training.
    example : str
        The first value, shortened.
    rules : tuple of (str, Rule)
        Of a date a rule for each part, with the part's name; of another kind one, with an empty name; none where it is left out.
    reason : str
        Why it is left out; empty where it is not.
    """

    name: str
    kind: Kind
    distinct: int
    missing: int
    example: str
    rules: tuple[tuple[str, Rule], ...]
    reason: str = ""

    @property
    def input_kind(self) -> Kind:
        """The kind that the column must have in a table that is prepared."""
        return "category" if self.kind == "constant" else self.kind

    def scaled(self, column: Column) -> Column:
        """Give the scaled numbers of a column in place of its numbers; of another kind all that its features are computed of."""
        rule = self.rules[0][1] if self.kind == "number" else None
        return rule.scaled(column) if isinstance(rule, NumberRule) else replace(as_kind(column, self.input_kind), raw=None)

    def for_scaled(self) -> PreparedColumn:
        """Give the rules for ``scaled`` columns."""
        if self.kind != "number":
            return self
        rules = ((part, rule.for_scaled() if isinstance(rule, NumberRule) else rule) for part, rule in self.rules)
        return replace(self, rules=tuple(rules))

    @property
    def done(self) -> str:
        """Say in a few words what is done with the column."""
        if not self.rules:
            return f"left out: {self.reason}"
        return "; ".join(f"{part}: {rule.done}" if part else rule.done for part, rule in self.rules)

    @property
    def stand_in(self) -> str:
        """Say what a gap is taken as."""
        rule = self.rules[0][1]
        if not isinstance(rule, NumberRule):
            return "no words" if self.kind == "text" else "no category"
        if self.kind == "date":
            return f"the median, {date_text(np.datetime64(0, 's') + np.timedelta64(round(rule.median * 86_400), 's'))}"
        return f"the median, {rule.median:.6g}"

    def notes(self, values: Column) -> Iterator[str]:
        """Say what is made of gaps in later rows where training had none, and of categories that training did not have."""
        if not self.missing and values.missing.any():
            gaps = int(values.missing.sum())
            yield f"column {self.name!r} has {pluralize(gaps, 'gap')}, and training had none: taken as {self.stand_in}"
        rule = self.rules[0][1]
        unknown = rule.unknown_values(values) if isinstance(rule, CategoryRule) else []
        if unknown:
            found = f"column {self.name!r} holds {pluralize(len(unknown), 'value')} that training did not have"
            shown = ", ".join(repr(shorten(value)) for value in unknown[:SHOWN]) + ", ..." * (len(unknown) > SHOWN)
            yield f"{found}, taken as no category: {shown}"


def as_kind(column: Column, kind: Kind) -> Column:
    """Give a column as a kind: typed texts of any kind are each other's, and a column of gaps alone is of every kind.

    Booleans are ``false`` and ``true``, because files and frames write them in several ways, such as TRUE, yes and 1.

    Raises
    ------
    DataError
        When it has values of another kind; the message names the row and the value.
    """
    if column.kind != kind and (column.raw or not (kind in TEXT_KINDS and column.kind in TEXT_KINDS)):
        column = read_as(column, kind)
    return _as_truth_values(column) if kind == "boolean" else column


def _as_truth_values(column: Column) -> Column:
    """Write the values of a column of texts as ``false`` and ``true``; others stay as they are."""
    truths = [TRUTH_OF.get(text.lower(), text) for text in column.categories]
    categories = tuple(sorted(set(truths)))
    if categories == column.categories:
        return column
    position = {text: k for k, text in enumerate(categories)}
    codes = np.array([*(position[text] for text in truths), -1], np.int32)  # the last entry is that of a gap
    return Column(column.name, column.kind, codes[column.data], categories)
