"""The rules by which columns become features: of a number, of a category, of a text. Each is measured on training rows alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .._format import pluralize
from .._types import AnyArray, Array
from .category_features import BUCKETS, bucket_of, count_values, split_rare, split_vocabulary, used_buckets
from .column import Column
from .number_features import robust_scale, scaled_numbers
from .text_features import count_words, occurring_texts

SHORT = 20
"""The most letters of a value in a report."""


def shorten(text: str) -> str:
    """Cut a value for a report.

    Examples
    --------
    >>> shorten("a text of many letters")
    'a text of many lett…'
    """
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"


@dataclass(frozen=True, eq=False)
class NumberRule:
    """A number becomes its scaled value, its piecewise-linear features, and whether it is missing.

    Attributes
    ----------
    median, scale : float
        z = scale (x - median), before the smooth clip; with a scale of 0 the number has no scaled value.
    edges : float64 array
        Of the bins, ascending; empty for no bins.
    missing : bool
        Whether training had gaps, so that a feature tells them.
    """

    median: float
    scale: float
    edges: Array
    missing: bool

    @property
    def bins(self) -> int:
        """The number of bins."""
        return max(len(self.edges) - 1, 0)

    def scaled(self, column: Column) -> Column:
        """Give a column of numbers scaled, float32 (n,), NaN for a gap: the features are computed of these as of the numbers."""
        return Column(column.name, "number", scaled_numbers(column.data, self.median, self.scale).astype(np.float32))

    def for_scaled(self) -> NumberRule:
        """Give the rule that makes of ``scaled`` numbers the features that this one makes of the numbers, to the bit."""
        return replace(self, median=0.0, scale=float(self.scale > 0), edges=scaled_numbers(self.edges, self.median, self.scale))

    def feature_names(self, name: str) -> list[str]:
        """Name the features: scaled value, gap, bins."""
        bins = [f"{name} {low:.6g}..{high:.6g}" for low, high in zip(self.edges, self.edges[1:], strict=False)]
        return [name] * (self.scale > 0) + [f"{name} missing"] * self.missing + bins

    @property
    def done(self) -> str:
        """Say in a few words what the rule does."""
        said = ["scaled"] * (self.scale > 0) + [pluralize(self.bins, "bin")] * (self.bins > 0)
        return ", ".join(said + ["gaps told apart"] * self.missing)


def fit_number(column: Column, *, tell_gaps: bool = True) -> NumberRule | None:
    """Measure a column of numbers, without bins; None where it tells nothing: no values, or one value and no gaps to tell."""
    present = column.data[~column.missing]
    if not len(present):
        return None
    return number_rule(*robust_scale(present), gaps=tell_gaps and len(present) < len(column))


def number_rule(median: float, scale: float, *, gaps: bool) -> NumberRule | None:
    """Make the rule of a number that has values, without bins; None where it tells nothing."""
    return None if scale == 0 and not gaps else NumberRule(median, scale, np.empty(0), gaps)


@dataclass(frozen=True, eq=False)
class CategoryRule:
    """A category becomes one-hot features, or one feature of -1 and 1 where it has two values.

    Attributes
    ----------
    values : tuple of str
        Each has a feature, or each a sign of the one feature.
    rare : tuple of str
        Together they have one feature.
    buckets : int32 array
        The hash buckets, each with a feature, for all values that are neither in ``values`` nor in ``rare``; empty for no hashing.
    missing : bool
        Whether training had gaps, so that a feature tells them.
    """

    values: tuple[str, ...]
    rare: tuple[str, ...]
    buckets: AnyArray
    missing: bool

    @property
    def signed(self) -> bool:
        """Whether the two values are -1 and 1 of one feature."""
        return len(self.values) == 2 and not self.rare and not len(self.buckets)

    @cached_property
    def entries(self) -> tuple[list[int], list[float]]:
        """The feature and its value for each entry: the values, the rare ones together, the buckets, a gap, an unknown value."""
        if self.signed:
            features, values = [0, 0], [-1.0, 1.0]
        else:
            features = [*range(len(self.values) + bool(self.rare) + len(self.buckets))]
            values = [1.0] * len(features)
        gap = (max(features) + 1, 1.0) if self.missing else (0, 0.0)
        return [*features, gap[0], 0], [*values, gap[1], 0.0]

    @cached_property
    def _entry_of(self) -> dict[str, int]:
        known = {value: entry for entry, value in enumerate(self.values)}
        return known | dict.fromkeys(self.rare, len(self.values))

    @cached_property
    def _entry_of_bucket(self) -> dict[int, int]:
        first = len(self.values) + bool(self.rare)
        return {bucket: first + position for position, bucket in enumerate(self.buckets.tolist())}

    @cached_property
    def _unknown(self) -> int:
        return len(self.entries[0]) - 1

    def _entry(self, value: str) -> int:
        entry = self._entry_of.get(value)
        if entry is None:
            return self._entry_of_bucket.get(bucket_of(value, BUCKETS), self._unknown) if self._entry_of_bucket else self._unknown
        return entry

    def entries_of(self, column: Column) -> AnyArray:
        """Give the entry of each row, (n,) of int32; each distinct value is looked up once."""
        gap = self._unknown - 1
        if len(column) < len(column.categories):  # a few rows of a large table
            texts = column.categories
            return np.array([gap if code < 0 else self._entry(texts[code]) for code in column.data.tolist()], np.int32)
        looked_up = np.array([*map(self._entry, column.categories), gap], np.int32)
        return looked_up[column.data]  # a gap's position is -1, the last

    def unknown_values(self, column: Column) -> list[str]:
        """Give the values of a column that have no feature, since training did not have them."""
        texts, few = column.categories, len(column) < len(column.categories)
        codes = sorted(set(column.data.tolist()) - {-1}) if few else range(len(texts))
        unknown = [code for code in codes if self._entry(texts[code]) == self._unknown]
        if unknown and not few:
            unknown = [code for code, occurs in zip(unknown, np.isin(unknown, column.data), strict=True) if occurs]
        return [texts[code] for code in unknown]

    def feature_names(self, name: str) -> list[str]:
        """Name the features in their order."""
        names = [f"{name}={self.values[1]}"] if self.signed else [f"{name}={value}" for value in self.values]
        names += [f"{name} other"] * bool(self.rare)
        names += [f"{name} hashed to {bucket}" for bucket in self.buckets.tolist()]
        return names + [f"{name} missing"] * self.missing

    @property
    def done(self) -> str:
        """Say in a few words what the rule does."""
        if self.signed:
            said = f"-1 for {shorten(self.values[0])}, 1 for {shorten(self.values[1])}"
        else:
            said = f"one-hot of {len(self.values):,}"
            said += f", {len(self.rare):,} rare as other" * bool(self.rare)
            said += f", the rest hashed to {len(self.buckets):,}" * bool(len(self.buckets))
        return said + ", gaps told apart" * self.missing


def fit_category(column: Column, *, most_bytes: int, tell_gaps: bool = True) -> CategoryRule | None:
    """Measure a column of categories; None where it tells nothing: no values, or one value and no gaps to tell.

    Parameters
    ----------
    column : Column
    most_bytes : int
        The most bytes of JSON for the values that the rule keeps.
    tell_gaps : bool
        Whether gaps have a feature of their own.
    """
    gaps = tell_gaps and bool(column.missing.any())
    return category_rule(count_values(column), len(column), gaps=gaps, most_bytes=most_bytes)


def category_rule(counts: dict[str, int], n: int, *, gaps: bool, most_bytes: int) -> CategoryRule | None:
    """Make the rule of a category of ``n`` rows, of which ``counts`` are each value's; None where it tells nothing."""
    if len(counts) < (1 if gaps else 2):
        return None
    known, tail = split_vocabulary(counts, most_bytes)
    values, rare = (known, ()) if len(counts) == 2 else split_rare({value: counts[value] for value in known}, n)
    if not tail:
        return CategoryRule(values, rare, np.empty(0, np.int32), gaps)
    return CategoryRule(values, (), used_buckets((*rare, *tail)), gaps)


@dataclass(frozen=True, eq=False)
class TextRule:
    """A text becomes the weights of its hashed words.

    Attributes
    ----------
    buckets : int32 array
        The hash buckets that training's words fell in, ascending; each has a feature.
    """

    buckets: AnyArray

    def feature_names(self, name: str) -> list[str]:
        """Name the features in their order."""
        return [f"{name} words hashed to {bucket}" for bucket in self.buckets.tolist()]

    @property
    def done(self) -> str:
        """Say in a few words what the rule does."""
        return f"words hashed to {len(self.buckets):,}"


def fit_text(column: Column) -> TextRule | None:
    """Measure a column of texts; None where no text holds a word."""
    texts, _ = occurring_texts(column)
    buckets = np.unique(count_words(texts)[1])
    return TextRule(buckets) if len(buckets) else None


Rule = NumberRule | CategoryRule | TextRule
