"""Texts as features: counts of words, hashed into a fixed number of buckets, so that no vocabulary is kept."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from .._types import AnyArray, Array
from .category_features import bucket_of
from .column import Column

WORD_BUCKETS = 4096
"""The number of hash buckets for words."""

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Split a text into its words: runs of letters and digits, without their case.

    Examples
    --------
    >>> words("Don't panic, 42!")
    ['don', 't', 'panic', '42']
    """
    return _WORD.findall(text.casefold())


def count_words(texts: list[str]) -> tuple[AnyArray, AnyArray, AnyArray]:
    """Count the hashed words of each text.

    Returns
    -------
    starts : int64 array, shape (n_texts + 1,)
        Where each text's entries begin in the other two.
    buckets : int32 array
        The buckets, ascending in each text.
    counts : int32 array
    """
    starts, buckets, counts = [0], [], []
    for text in texts:
        found = sorted(Counter(bucket_of(word, WORD_BUCKETS) for word in words(text)).items())
        buckets += [bucket for bucket, _ in found]
        counts += [count for _, count in found]
        starts.append(len(buckets))
    return np.array(starts, np.int64), np.array(buckets, np.int32), np.array(counts, np.int32)


def weigh_words(starts: AnyArray, counts: AnyArray) -> Array:
    """Weigh words by 1 + log(count), divided by the root of the sum of their squares in the text, so that a text has length 1."""
    weights: Array = 1 + np.log(counts)
    text_of = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    squares = np.bincount(text_of, weights=weights * weights, minlength=len(starts) - 1)
    return weights / np.sqrt(squares[text_of])


def occurring_texts(column: Column) -> tuple[list[str], AnyArray]:
    """Give the distinct texts that occur in a column, and the position of each row's text among them; an empty text is a gap's."""
    codes, positions = np.unique(column.data, return_inverse=True)
    return ["" if code < 0 else column.categories[code] for code in codes.tolist()], positions
