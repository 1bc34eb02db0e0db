"""Features written from a table's columns: all rules of one kind in one pass over a block of rows.

The features stand in this order: scaled numbers, gaps of numbers, categories, texts, piecewise-linear features. The compact form
has all but the last, and the scaled numbers before the clip: of these an engine computes the features. Every operation treats each
row alone, so that a row has the same features alone and in a batch, to the bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .._types import CSR, AnyArray, Array, Indices
from ..errors import DataError
from .column import Column
from .column_kinds import row_name
from .column_rules import CategoryRule, NumberRule, Rule, TextRule
from .number_features import CLIP, clip_smoothly, scale_halves, scaled_bins, write_bins
from .text_features import WORD_BUCKETS, count_words, occurring_texts, weigh_words

BLOCK_ROWS = 1024
"""The rows of a block: few enough that their float64 numbers stay in a core's cache, enough that calls of NumPy cost little."""

BLOCK_NUMBERS = 1 << 15
"""The numbers of a block of few columns, which has more rows."""


class FeatureWriter:
    """The rules as flat arrays, which compute the features of many columns at once.

    Parameters
    ----------
    rules : sequence of Rule
        One for each column that ``dense`` and ``csr`` take.

    Attributes
    ----------
    n_columns : int
        The number of features in the compact form.
    n_features : int
    features_of : list of int array
        The features of each rule, in the order of its names.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._numbers = _NumberWriter([(k, rule) for k, rule in enumerate(rules) if isinstance(rule, NumberRule)])
        self._categories = _CategoryWriter([(k, rule) for k, rule in enumerate(rules) if isinstance(rule, CategoryRule)])
        self._texts = _TextWriter([(k, rule) for k, rule in enumerate(rules) if isinstance(rule, TextRule)])
        self.features_of: list[AnyArray] = [np.empty(0, int)] * len(rules)
        self.n_columns = 0
        for writer in (self._numbers, self._categories, self._texts):
            for position, features in zip(writer.positions, writer.features_of, strict=True):
                self.features_of[position] = features + self.n_columns
            self.n_columns += writer.width
        for position, bins in zip(self._numbers.positions, self._numbers.bins_of, strict=True):
            self.features_of[position] = np.concatenate([self.features_of[position], bins + self.n_columns])
        self.n_features = self.n_columns + self._numbers.n_bins

    @property
    def bins(self) -> tuple[Indices, Array, Array]:
        """Where the bins of each column of the compact form start, (n_columns + 1,); and each bin's lower edge and 1 / width."""
        counts = np.zeros(self.n_columns, np.intp)
        counts[: self._numbers.n_scaled] = self._numbers.bin_counts
        return np.concatenate([[0], np.cumsum(counts)]), self._numbers.lower, self._numbers.slope

    @property
    def limits(self) -> Array:
        """The limit of each column of the compact form: that of the smooth clip, or infinity."""
        return np.where(np.arange(self.n_columns) < self._numbers.n_scaled, CLIP, np.inf)

    def compact(self, columns: Sequence[Column], out: Array) -> None:
        """Write the compact form of a column for each rule to ``out``, C-contiguous (n, n_columns) of float32."""
        entries = self._categories.entries_of(columns)
        for rows in _blocks(len(out), max(BLOCK_ROWS, BLOCK_NUMBERS // max(1, self.n_columns))):
            self._write_columns(columns, entries, rows, out[rows])

    def dense(self, columns: Sequence[Column], out: Array | None = None) -> Array:
        """Write the features of a column for each rule as a dense array, (n, n_features) of float32.

        ``out`` is an array of that shape to write to, C-contiguous.
        """
        n = len(columns[0])
        if out is None:
            out = np.empty((n, self.n_features), np.float32)
        entries = self._categories.entries_of(columns)
        for rows in _blocks(n):
            self._write_columns(columns, entries, rows, out[rows])
            self._numbers.finish(out[rows], out[rows, self.n_columns :])
        return out

    def _write_columns(self, columns: Sequence[Column], entries: AnyArray, rows: slice, out: Array) -> None:
        """Write the compact form of some rows to the first columns of ``out``, which is C-contiguous."""
        first, last = self._numbers.width, self._numbers.width + self._categories.width
        self._numbers.write(columns, rows, out[:, :first])
        self._categories.write(entries[rows], out, first)
        self._texts.write(columns, rows, out[:, last : self.n_columns])

    def csr(self, parts: Iterable[Sequence[Column]]) -> CSR:
        """Write the features as a CSR matrix of float32, whose columns ascend in each row.

        Each part has a column for each rule; its rows follow those of the part before.
        """
        data, indices, counts = _GrowingArray(np.float32), _GrowingArray(np.int32), [np.zeros(1, np.int64)]
        for columns in parts:
            for block in self._csr_blocks(columns):
                data.append(block.data)
                indices.append(block.indices)
                counts.append(np.diff(block.indptr))
        starts = np.cumsum(np.concatenate(counts))
        return _csr_matrix(data.array, indices.array, starts, (len(starts) - 1, self.n_features))

    def _csr_blocks(self, columns: Sequence[Column]) -> Iterator[Any]:
        """Write the features as CSR matrices of some rows each."""
        from scipy import sparse  # imported late: only a table with many features needs it

        entries = self._categories.entries_of(columns)
        for rows in _blocks(len(columns[0])):
            numbers = np.empty((rows.stop - rows.start, self._numbers.width), np.float32)
            bins = np.empty((len(numbers), self._numbers.n_bins), np.float32)
            self._numbers.write(columns, rows, numbers)
            self._numbers.finish(numbers, bins)
            left = self._beside_categories(numbers, entries[rows])
            yield sparse.hstack([left, *self._texts.words(columns, rows), sparse.csr_matrix(bins)], format="csr")

    def _beside_categories(self, numbers: Array, entries: AnyArray) -> Any:
        """Give numbers with the features of categories at their right, as a CSR matrix."""
        values, features = self._categories.values_of(entries)
        own = np.broadcast_to(np.arange(numbers.shape[1]), numbers.shape)
        return _as_csr(
            np.concatenate([numbers, values], axis=1),
            np.concatenate([own, features + numbers.shape[1]], axis=1),
            self._numbers.width + self._categories.width,
        )

    def baseline(self) -> Array:
        """Give the features of the median of each number, no category and no word, (n_features,) of float32."""
        out = np.zeros((1, self.n_features), np.float32)  # the scaled median is 0
        self._numbers.finish(out, out[:, self.n_columns :])
        return out[0]


class _NumberWriter:
    """Writes scaled numbers, then their gaps; and afterwards clips the numbers, and writes their bins."""

    def __init__(self, placed: list[tuple[int, NumberRule]]) -> None:
        self.positions = [position for position, _ in placed]
        rules = [rule for _, rule in placed]
        scaled = np.flatnonzero([rule.scale > 0 for rule in rules])
        gapped = np.flatnonzero([rule.missing for rule in rules])
        self._half_median = np.array([rule.median / 2 for rule in rules])
        self._scaled: Any = slice(None) if len(scaled) == len(rules) else scaled
        self._twice_scale = np.array([2 * rules[k].scale for k in scaled])
        self._gapped = gapped
        owners = np.concatenate([scaled, gapped])
        self.features_of = [np.flatnonzero(owners == k) for k in range(len(rules))]
        self.n_scaled, self.width = len(scaled), len(owners)
        bins = [scaled_bins(rules[k].edges, rules[k].median, rules[k].scale) for k in scaled if rules[k].bins]
        self.lower = np.concatenate([np.empty(0), *(lower for lower, _ in bins)])
        self.slope = np.concatenate([np.empty(0), *(slope for _, slope in bins)])
        self.bin_counts = np.array([rules[k].bins for k in scaled], np.intp)
        self.n_bins = len(self.lower)
        self._column_of_bin = np.repeat(np.arange(len(scaled)), self.bin_counts)
        bin_owners = np.repeat(scaled, self.bin_counts)
        self.bins_of = [np.flatnonzero(bin_owners == k) for k in range(len(rules))]
        self._lower32, self._slope32 = self.lower.astype(np.float32), self.slope.astype(np.float32)

    def write(self, columns: Sequence[Column], rows: slice, out: Array) -> None:
        """Write the scaled numbers and the gaps of some rows.

        Raises
        ------
        DataError
            When a number is infinite.
        """
        if not self.positions:
            return
        halves = np.empty((len(out), len(self.positions)))
        for k, position in enumerate(self.positions):
            halves[:, k] = columns[position].data[rows]
        halves /= 2
        if np.isinf(halves).any():
            row, k = np.argwhere(np.isinf(halves))[0]
            raise _infinite(columns[self.positions[k]], rows.start + int(row))
        gaps = np.isnan(halves)
        np.copyto(halves, self._half_median, where=gaps)
        scale_halves(halves[:, self._scaled], self._half_median[self._scaled], self._twice_scale, out[:, : self.n_scaled])
        out[:, self.n_scaled :] = gaps[:, self._gapped]

    def finish(self, written: Array, bins: Array) -> None:
        """Clip the scaled numbers in the first columns of some rows, and write their bins."""
        z = written[:, : self.n_scaled].copy()  # contiguous, which is faster
        if self.n_bins:
            write_bins(np.take(z, self._column_of_bin, axis=1), self._lower32, self._slope32, bins)
        clip_smoothly(z)
        written[:, : self.n_scaled] = z


class _CategoryWriter:
    """Writes categories: in each row one entry a column, which says a feature and its value."""

    def __init__(self, placed: list[tuple[int, CategoryRule]]) -> None:
        self.positions = [position for position, _ in placed]
        self._rules = [rule for _, rule in placed]
        starts = np.cumsum([0, *(max(rule.entries[0]) + 1 for rule in self._rules)])
        self.width = int(starts[-1])
        self.features_of = [np.arange(start, stop) for start, stop in zip(starts, starts[1:], strict=False)]
        self._first_entry = np.cumsum([0, *(len(rule.entries[0]) for rule in self._rules)])[:-1].astype(np.int32)
        features = [start + np.array(rule.entries[0]) for start, rule in zip(starts, self._rules, strict=False)]
        self._feature = np.concatenate([np.empty(0), *features]).astype(np.intp)
        self._value = np.concatenate([np.empty(0), *(rule.entries[1] for rule in self._rules)]).astype(np.float32)

    def entries_of(self, columns: Sequence[Column]) -> AnyArray:
        """Give the entry of each category of each row, (n, n_categories) of int32."""
        entries = np.empty((len(columns[0]), len(self.positions)), np.int32)
        for k, (position, rule) in enumerate(zip(self.positions, self._rules, strict=True)):
            entries[:, k] = rule.entries_of(columns[position])
        entries += self._first_entry
        return entries

    def values_of(self, entries: AnyArray) -> tuple[Array, AnyArray]:
        """Give the value of each entry, and the feature that has it."""
        return np.take(self._value, entries), np.take(self._feature, entries)

    def write(self, entries: AnyArray, out: Array, first: int) -> None:
        """Write the features of some rows into the columns of a C-contiguous ``out`` from ``first`` on."""
        if self.positions:
            out[:, first : first + self.width] = 0
            values, places = self.values_of(entries)
            places += first + out.shape[1] * np.arange(len(out))[:, None]
            out.reshape(-1)[places] = values


class _TextWriter:
    """Writes the weights of the words of texts."""

    def __init__(self, placed: list[tuple[int, TextRule]]) -> None:
        self.positions = [position for position, _ in placed]
        self._feature: list[AnyArray] = []
        for _, rule in placed:
            feature = np.full(WORD_BUCKETS, -1, np.int32)
            feature[rule.buckets] = np.arange(len(rule.buckets))
            self._feature.append(feature)
        self._widths = [len(rule.buckets) for _, rule in placed]
        starts = np.cumsum([0, *self._widths])
        self.width = int(starts[-1])
        self.features_of = [np.arange(start, stop) for start, stop in zip(starts, starts[1:], strict=False)]

    def words(self, columns: Sequence[Column], rows: slice) -> list[Any]:
        """Give the features of each text of some rows, as CSR matrices."""
        return [self._words(k, columns[position].take(rows)) for k, position in enumerate(self.positions)]

    def write(self, columns: Sequence[Column], rows: slice, out: Array) -> None:
        """Write the features of some rows."""
        for features, words in zip(self.features_of, self.words(columns, rows), strict=True):
            out[:, features[0] : features[-1] + 1] = words.toarray()

    def _words(self, k: int, column: Column) -> Any:
        """Give the weights of a column's words, CSR of float32 with a column for each bucket of its rule."""
        texts, positions = occurring_texts(column)
        starts, buckets, counts = count_words(texts)
        features = self._feature[k][buckets]
        known = features >= 0
        starts = np.concatenate([[0], np.cumsum(known)])[starts]
        weights = weigh_words(starts, counts[known]).astype(np.float32)
        return _csr_matrix(weights, features[known], starts, (len(texts), self._widths[k]))[positions]


class _GrowingArray:
    """An array of unknown length to append to; the memory that it reserves beyond its end is not touched."""

    def __init__(self, dtype: Any) -> None:
        self._array = np.empty(1 << 16, dtype)
        self._length = 0

    def append(self, values: AnyArray) -> None:
        """Append values."""
        end = self._length + len(values)
        if end > len(self._array):
            self._array.resize(max(end, len(self._array) * 3 // 2), refcheck=False)
        self._array[self._length : end] = values
        self._length = end

    @property
    def array(self) -> AnyArray:
        """The values."""
        return self._array[: self._length]


def _blocks(n: int, size: int = BLOCK_ROWS) -> Iterator[slice]:
    """Cut rows into blocks."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _as_csr(values: Array, features: AnyArray, width: int) -> Any:
    """Give the values that are not 0 as a CSR matrix; ``features`` ascend in each row."""
    stored = values != 0
    starts = np.concatenate([[0], np.cumsum(stored.sum(axis=1))])
    return _csr_matrix(values[stored], features[stored], starts, (len(values), width))


def _csr_matrix(data: AnyArray, indices: AnyArray, starts: AnyArray, shape: tuple[int, int]) -> Any:
    from scipy import sparse  # imported late: only a table with many features needs it

    matrix = sparse.csr_matrix((data, indices, starts), shape=shape)
    matrix.has_canonical_format = True
    return matrix


def _infinite(column: Column, row: int) -> DataError:
    """Say where an infinite number is."""
    return DataError(f"column {column.name!r} holds {column.data[row]} in {row_name(row)}; make it a gap, or correct it")


def check_no_infinity(column: Column) -> None:
    """Refuse infinite numbers.

    Raises
    ------
    DataError
        With the column and the row.
    """
    infinite = np.isinf(column.data)
    if infinite.any():
        raise _infinite(column, int(infinite.argmax()))
