"""A column from its distinct texts: the one place that decides what a column of texts is.

The rules, in this order; each looks at all values of the column:

1. Texts are trimmed, and in Unicode's composed form (NFC), so that equal letters are equal texts. Marks such as ?, NA and null are
   gaps; some, such as . and None, only where all other values are numbers or dates (``text_rules``).
2. One value in all rows, or gaps alone: constant.
3. yes/no, true/false, t/f, y/n in upper or lower case: boolean. 0 and 1 are numbers.
4. All numbers: number, unless integers have leading zeros, such as 02139 (category). Integers that count the rows, in a column
   without a name or named id, index or row: identifier.
5. All dates: date. Numbers or dates with a few other texts are refused (``DistinctTexts.holds_strays``).
6. At least 20 distinct texts of five words or more on average, at least half of the rows distinct: text.
7. At least 20 distinct texts, at least nine in ten rows distinct: identifier.
8. Everything else: category.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from unicodedata import normalize

import numpy as np

from .._types import AnyArray
from ..errors import DataError
from .column import Column, Kind, RawTexts
from .date_columns import infer_date, require_date
from .distinct_texts import DistinctTexts
from .number_columns import infer_number, require_number
from .text_rules import USUAL_RULES, TextRules

TRUTH = ("false", "true")
BOOLEANS = (TRUTH, ("no", "yes"), ("f", "t"), ("n", "y"))
REQUIRED_BOOLEANS = (*BOOLEANS, ("0", "1"))
TRUTH_OF = {text: truth for pair in REQUIRED_BOOLEANS for text, truth in zip(pair, TRUTH, strict=True)}
"""The truth value of each way to write a boolean, in lower case."""
LABEL_KINDS: tuple[Kind, ...] = ("category", "identifier", "text", "constant")
"""The kinds whose values are the texts themselves."""
MANY_DISTINCT = 20
IDENTIFIER_SHARE = 0.9
TEXT_SHARE = 0.5
TEXT_WORDS = 5.0


def column_from_texts(
    name: str,
    codes: AnyArray,
    texts: Sequence[str],
    *,
    kind: Kind | None = None,
    rules: TextRules = USUAL_RULES,
    weights: AnyArray | None = None,
) -> Column:
    """Build a column from its distinct texts.

    Parameters
    ----------
    name : str
    codes : int array, shape (n,)
        The position of each row's text in ``texts``; -1 is a gap.
    texts : sequence of str
        The distinct texts, untrimmed, in any order.
    kind : {"number", "category", "boolean", "date", "identifier", "text", "constant"}, optional
        The kind required. By default the values decide it.
    rules : TextRules
    weights : int array, shape (n,), optional
        How many rows of a table each row stands for; by default itself.

    Returns
    -------
    Column

    Raises
    ------
    DataError
        When a value is not of the required kind; when a few values are not numbers (or dates) and all others are; when the decimal
        mark, or the order of day and month, cannot be decided; when a number is infinite. The message names the place, the
        column, the value and the remedy.

    Examples
    --------
    >>> column_from_texts("size", np.array([0, 1, -1]), ["1,5", "12,25"]).to_list()
    [1.5, 12.25, None]
    """
    trimmed = [normalize("NFC", text.strip()) for text in texts]
    kept = [None if rules.is_mark(text) else text for text in trimmed]
    values = DistinctTexts.of(name, codes, kept, rules, weights)
    column = _infer(values) if kind is None else _require(values, kind)
    marks = {text for text, value in zip(trimmed, kept, strict=True) if text and value is None}
    return replace(column, gap_marks=tuple(sorted(marks)), raw=RawTexts(rules, values.codes, values.texts))


def column_of_few_labels(name: str, values: Sequence[str | None], kind: Kind, rules: TextRules) -> Column:
    """Build the column that ``column_from_texts`` builds, of one of ``LABEL_KINDS``, from each row's text: faster for a few."""
    check_unicode(name, [text for text in values if text])
    trimmed = [None if text is None else normalize("NFC", text.strip()) for text in values]
    labels = [None if text is None or rules.is_mark(text) else text for text in trimmed]
    categories = sorted({text for text in labels if text is not None})
    codes = [-1 if text is None else categories.index(text) for text in labels]
    return Column(name, kind, np.array(codes, np.int32), tuple(categories))


def check_unicode(name: str, texts: Sequence[str]) -> None:
    """Refuse texts that UTF-8 cannot write: half of a character of two parts."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError as error:
        raise DataError(f"column {name!r} holds a text that is not valid Unicode ({error.reason}); correct it") from None


def _infer(values: DistinctTexts) -> Column:
    if not values.texts or (len(values.texts) == 1 and values.codes.min() == 0):
        return values.column("constant")
    return _boolean(values) or infer_number(values) or infer_date(values) or values.column(_label_kind(values))


def _require(values: DistinctTexts, kind: Kind) -> Column:
    if kind == "number":
        return _truth_values(values) or require_number(values)
    if kind == "date":
        return require_date(values)
    if kind == "boolean":
        found = _boolean(values, REQUIRED_BOOLEANS)
        return _refuse_boolean(values) if found is None else found  # a column without rows is falsy
    return values.column(kind)


def _boolean(values: DistinctTexts, pairs: Sequence[tuple[str, str]] = BOOLEANS) -> Column | None:
    """Read one pair of texts, such as yes/no; where a value is written in several ways, such as True and TRUE, in lower case."""
    lower = [text.lower() for text in values.texts]
    if not any(set(lower) <= set(pair) for pair in pairs):
        return None
    if len(set(lower)) < len(lower):
        values = DistinctTexts.of(values.name, values.codes, lower, values.rules, values.weights)
    return values.column("boolean")


def _truth_values(values: DistinctTexts) -> Column | None:
    """Read true/false as 1 and 0, as in a column that is required to hold numbers."""
    truth = [TRUTH.index(text.lower()) for text in values.texts if text.lower() in TRUTH]
    if not truth or len(truth) < len(values.texts):
        return None
    return Column(values.name, "number", values.spread(np.array(truth, np.float64), np.nan))


def _refuse_boolean(values: DistinctTexts) -> Column:
    unknown = np.array([text.lower() not in TRUTH_OF for text in values.texts], bool)
    values.refuse(unknown if unknown.any() else ~unknown, "does not fit one pair of yes/no, true/false, t/f, y/n, 1/0")


def _label_kind(values: DistinctTexts) -> Kind:
    """The kind of a column of texts that are neither numbers nor dates."""
    distinct = len(values.texts)
    share = distinct / values.n_values
    words = sum(len(text.split()) for text in values.texts) / distinct
    if distinct < MANY_DISTINCT:
        return "category"
    if share >= TEXT_SHARE and words >= TEXT_WORDS:
        return "text"
    return "identifier" if share >= IDENTIFIER_SHARE else "category"
