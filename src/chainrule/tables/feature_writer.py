"""Features written from a table's columns: all rules of one kind in one pass over a block of rows.

The features stand in this order: scaled numbers, gaps of numbers, piecewise-linear features, categories, texts. Every operation
treats each row alone, so that a row has the same features alone and in a batch, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._types import CSR, AnyArray, Array
from .column import Column
from .column_rules import CategoryRule, NumberRule, Rule, TextRule
from .number_features import bin_slopes, piecewise_linear, smooth_clip
from .text_features import WORD_BUCKETS, count_words, occurring_texts, weigh_words

BLOCK_ROWS = 512
"""The rows of a block: few enough that its float64 numbers stay in a core's cache."""


class FeatureWriter:
    """The rules as flat arrays, which compute the features of many columns at once.

    Parameters
    ----------
    rules : sequence of Rule
        One for each column, or part of a date.

    Attributes
    ----------
    n_features : int
    features_of : list of int array
        The features of each rule.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.numbers = [position for position, rule in enumerate(rules) if isinstance(rule, NumberRule)]
        self.categories = [position for position, rule in enumerate(rules) if isinstance(rule, CategoryRule)]
        self.texts = [position for position, rule in enumerate(rules) if isinstance(rule, TextRule)]
        self._rules = rules
        self._lay_out_numbers([rule for rule in rules if isinstance(rule, NumberRule)])
        self._lay_out_categories([rule for rule in rules if isinstance(rule, CategoryRule)])
        self._lay_out_texts([rule for rule in rules if isinstance(rule, TextRule)])
        self.features_of = self._features_by_rule()

    def _lay_out_numbers(self, rules: list[NumberRule]) -> None:
        self._half_median = np.array([rule.median / 2 for rule in rules])
        self._scaled = np.flatnonzero([rule.scale > 0 for rule in rules])
        self._twice_scale = np.array([2 * rules[k].scale for k in self._scaled])
        self._gapped = np.flatnonzero([rule.missing for rule in rules])
        slopes = [bin_slopes(rule.edges) for rule in rules if rule.bins]
        self._bin_lower = np.concatenate([lower for lower, _ in slopes]) if slopes else np.empty(0)
        self._bin_slope = np.concatenate([slope for _, slope in slopes]) if slopes else np.empty(0)
        self._bin_owner = np.repeat(np.arange(len(rules)), [rule.bins for rule in rules])
        self._first_bin = len(self._scaled) + len(self._gapped)
        self._first_category = self._first_bin + len(self._bin_owner)

    def _lay_out_categories(self, rules: list[CategoryRule]) -> None:
        widths = [max(rule.entries[0]) + 1 for rule in rules]
        starts = self._first_category + np.cumsum([0, *widths])
        entries = [0, *(len(rule.entries[0]) for rule in rules)]
        self._category_start = starts
        self._first_entry = np.cumsum(entries)[:-1].astype(np.int32)
        features = [start + np.array(rule.entries[0]) for start, rule in zip(starts, rules, strict=False)]
        self._entry_feature = np.concatenate([np.empty(0), *features]).astype(np.int64)
        self._entry_value = np.concatenate([np.empty(0), *(rule.entries[1] for rule in rules)]).astype(np.float32)

    def _lay_out_texts(self, rules: list[TextRule]) -> None:
        self._text_start = self._category_start[-1] + np.cumsum([0, *(len(rule.buckets) for rule in rules)])
        self.n_features = int(self._text_start[-1])

    def _features_by_rule(self) -> list[AnyArray]:
        features = []
        for position in range(len(self._rules)):
            if position in self.numbers:
                k = self.numbers.index(position)
                parts = [
                    np.flatnonzero(self._scaled == k),
                    len(self._scaled) + np.flatnonzero(self._gapped == k),
                    self._first_bin + np.flatnonzero(self._bin_owner == k),
                ]
                features.append(np.concatenate(parts))
            else:
                group, starts = (
                    (self.categories, self._category_start) if position in self.categories else (self.texts, self._text_start)
                )
                k = group.index(position)
                features.append(np.arange(starts[k], starts[k + 1]))
        return features

    def dense(self, columns: Sequence[Column]) -> Array:
        """Write the features of a column for each rule as a dense array, (n, n_features) of float32."""
        n = len(columns[0])
        out = np.zeros((n, self.n_features), np.float32)
        entries = self._entries(columns)
        for rows in _blocks(n):
            part = out[rows]
            self._write_numbers(columns, rows, part)
            if self.categories:
                chosen = entries[rows]
                np.put_along_axis(part, self._entry_feature[chosen], self._entry_value[chosen], axis=1)
        for k, position in enumerate(self.texts):
            words = self._words(k, columns[position])
            for rows in _blocks(n):
                out[rows, self._text_start[k] : self._text_start[k + 1]] = words[rows].toarray()
        return out

    def csr(self, columns: Sequence[Column]) -> CSR:
        """Write the features as a CSR matrix of float32, whose columns ascend in each row."""
        from scipy import sparse  # imported late: only a table with many features needs it

        n = len(columns[0])
        entries = self._entries(columns)
        data, indices, counts = [], [], []
        positions = np.arange(self._first_category)
        for rows in _blocks(n):
            numbers = np.empty((len(range(n)[rows]), self._first_category), np.float32)
            self._write_numbers(columns, rows, numbers)
            values = np.concatenate([numbers, self._entry_value[entries[rows]]], axis=1)
            features = np.concatenate([np.broadcast_to(positions, numbers.shape), self._entry_feature[entries[rows]]], axis=1)
            stored = values != 0
            data.append(values[stored])
            indices.append(features[stored].astype(np.int32))
            counts.append(stored.sum(axis=1))
        starts = np.cumsum(np.concatenate([[0], *counts]))
        shape = (n, int(self._text_start[0]))
        table = sparse.csr_matrix((_joined(data, np.float32), _joined(indices, np.int32), starts), shape=shape)
        texts = [self._words(k, columns[position]) for k, position in enumerate(self.texts)]
        return sparse.hstack([table, *texts], format="csr", dtype=np.float32) if texts else table

    def _write_numbers(self, columns: Sequence[Column], rows: slice, out: Array) -> None:
        """Write the features of the numbers of some rows into the first columns of ``out``."""
        halves = np.empty((len(out), len(self.numbers)))
        for k, position in enumerate(self.numbers):
            halves[:, k] = columns[position].data[rows]
        halves /= 2
        gaps = np.isnan(halves)
        np.copyto(halves, self._half_median, where=gaps)
        out[:, len(self._scaled) : self._first_bin] = gaps[:, self._gapped]
        with np.errstate(over="ignore"):  # a value far beyond the training's becomes infinite here, and is clipped
            z = (halves[:, self._scaled] - self._half_median[self._scaled]) * self._twice_scale
            out[:, : len(self._scaled)] = smooth_clip(z)
            repeated = np.take(halves, self._bin_owner, axis=1)
            piecewise_linear(repeated, self._bin_lower, self._bin_slope, out[:, self._first_bin : self._first_category])

    def _entries(self, columns: Sequence[Column]) -> AnyArray:
        """Give the entry of each category of each row, (n, n_categories) of int32."""
        entries = np.empty((len(columns[0]), len(self.categories)), np.int32)
        for k, position in enumerate(self.categories):
            entries[:, k] = self._rules[position].entries_of(columns[position])  # type: ignore[union-attr]
        return entries + self._first_entry

    def _words(self, k: int, column: Column) -> Any:
        """Give the weights of a text's words, CSR of float32 with a column for each bucket of its rule."""
        from scipy import sparse

        used: AnyArray = self._rules[self.texts[k]].buckets  # type: ignore[union-attr]
        texts, positions = occurring_texts(column)
        starts, buckets, counts = count_words(texts)
        feature = np.full(WORD_BUCKETS, -1, np.int32)
        feature[used] = np.arange(len(used), dtype=np.int32)
        known = feature[buckets] >= 0
        starts = np.concatenate([[0], np.cumsum(known)])[starts]
        weights = weigh_words(starts, counts[known]).astype(np.float32)
        return sparse.csr_matrix((weights, feature[buckets[known]], starts), shape=(len(texts), len(used)))[positions]


def _blocks(n: int) -> list[slice]:
    """Cut rows into blocks of ``BLOCK_ROWS``."""
    return [slice(start, min(start + BLOCK_ROWS, n)) for start in range(0, n, BLOCK_ROWS)]


def _joined(parts: list[AnyArray], dtype: Any) -> AnyArray:
    """Join arrays, of which there may be none."""
    return np.concatenate(parts) if parts else np.empty(0, dtype)
