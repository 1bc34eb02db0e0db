"""A column from its distinct texts: what it becomes, for files and frames alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.errors import DataError
from chainrule.tables.date_texts import parse_date
from chainrule.tables.number_texts import STYLES, NumberTexts, is_plain_number, parse_number
from chainrule.tables.text_columns import LABEL_KINDS, column_from_texts, column_of_few_labels
from chainrule.tables.text_rules import TextRules
from chainrule.tables.typed_columns import factorize


def column(*values, **options):
    texts = sorted({value for value in values if value is not None}, reverse=True)
    codes = np.array([-1 if value is None else texts.index(value) for value in values])
    return column_from_texts("x", codes, texts, **options)


def test_categories_are_sorted_trimmed_and_used():
    """Categories are the distinct trimmed texts that some row has, in ascending order."""
    made = column_from_texts("x", np.array([0, 2, -1, 3]), ["b ", "unused", "a", " b"])
    assert made.kind == "category"
    assert made.categories == ("a", "b")
    assert made.to_list() == ["b", "a", None, "b"]


@pytest.mark.parametrize("kind", [None, "category", "text", "identifier"])
def test_equal_letters_are_equal_texts(kind):
    """A letter with an accent is the same value, in Unicode's composed form, whether a text composes it or not."""
    made = column("Zu\u0308rich", "Bern", "Z\u00fcrich", kind=kind)
    assert made.categories == ("Bern", "Z\u00fcrich")
    assert made.to_list() == ["Z\u00fcrich", "Bern", "Z\u00fcrich"]


def test_the_place_and_the_remedies_are_those_of_the_source():
    """A message names the row of a frame, and the options of its function; of a file the line, and those of read_table."""
    with pytest.raises(DataError, match=r"row 3, column 'x': 'p' is not a number.*kinds=\{'x': 'category'\}"):
        column("1", "2", "3", "p")
    rules = TextRules(place_of=lambda row: f"a.csv, line {row + 2}", from_file=True)
    with pytest.raises(DataError, match=r"a\.csv, line 5, column 'x': 'p' is not a number.*--missing 'p'"):
        column("1", "2", "3", "p", rules=rules)


def test_the_first_row_is_named():
    """Of several values that do not fit, the one of the first row is named."""
    with pytest.raises(DataError, match="row 1, column 'x': 'zz'"):
        column("1", "zz", "3", "aa", kind="number")


def test_long_values_are_shortened_in_messages():
    """A value of thousands of characters is not printed whole."""
    with pytest.raises(DataError, match=r"'9q{36}\.\.\.'") as caught:
        column("1", "2", "9" + "q" * 5000)
    assert len(str(caught.value)) < 300


def test_a_text_that_repeats_is_no_mistake():
    """Several distinct texts beside numbers make a category; one among many numbers is refused."""
    assert column(*["1", "2", "ground", "roof"] * 5).kind == "category"
    with pytest.raises(DataError, match="'roof' is not a number"):
        column(*map(str, range(200)), "roof", "roof")


def test_other_columns_decide_ambiguous_marks():
    """1,234 and 1.234 are read with the decimal mark of other columns, and refused where neither they nor the delimiter tell."""
    told = TextRules(usual_decimal=lambda: ",", point_is_decimal=False)
    assert column("1,234", "2,345", rules=told).to_list() == [1.234, 2.345]
    assert column("1.234", "2.345", rules=told).to_list() == [1234.0, 2345.0]
    assert column("1.234", "2.345").to_list() == [1.234, 2.345]
    for texts in (("1,234", "2,345"), ("1.234", "2.345")):
        with pytest.raises(DataError, match="thousands"):
            column(*texts, rules=TextRules(point_is_decimal=False))


def test_parentheses_alone_are_no_minus():
    """(1) beside numbers is -1; a column of nothing but (1), (2) is a category."""
    assert column("(1)", "2").to_list() == [-1.0, 2.0]
    assert column("(1)", "(2)").kind == "category"


NO_NUMBERS = "1,2,3 1.2.3 12.3x 0x10 1_000 1e 1e5.5 --1 +-1 $ % . - 1,23,4 12,34 (1 1) $1% 1'23 nan 1,,000 1e+ ½ ¹ ٣".split()  # noqa: SIM905


@pytest.mark.parametrize("text", [text for text in NO_NUMBERS if text != "12,34"])
def test_what_is_no_number(text):
    """A text that is not wholly a number is not read as one."""
    assert parse_number(text) is None


@given(value=st.floats(-1e100, 1e100), style=st.sampled_from(STYLES))
def test_every_style_is_read(value, style):
    """A number written with any decimal mark and any separator of thousands is read as the same number."""
    american = f"{value:,.12f}" if style.thousands else f"{value!r}"
    text = american.translate(str.maketrans({",": style.thousands, ".": style.decimal}))
    number = parse_number(text)
    assert number is not None
    assert number.styles >> STYLES.index(style) & 1
    back = style.to_float(number.body)
    assert (-back if number.negative else back) == float(american.replace(",", ""))


@given(text=st.text("0123456789+-.,eE' ()%$", max_size=12))
def test_plain_numbers_are_those_of_the_patterns(text):
    """The quick reading of plain numbers agrees with the patterns of all styles."""
    number = parse_number(text)
    if is_plain_number(text):
        assert number is not None
        fits = [bool(style.pattern.fullmatch(text.removeprefix("-"))) for style in STYLES]
        assert number.styles == sum(1 << k for k, fit in enumerate(fits) if fit)
        assert NumberTexts([text, "1"]).values(".")[0] == float(text)


def test_dates():
    """Each way to write a date is read; what is no day or no time is not."""
    for text in (
        "2021-03-31",
        "2021/3/31",
        "31.03.2021",
        "31/3/21",
        "31 Mar 2021",
        "Wed, 31 March 2021",
        "March 31st, 2021",
        "20210331",
    ):
        assert parse_date(text).at(day_first=True).date().isoformat() == "2021-03-31"
    for text in (
        "2021-03-31T12:05",
        "2021-03-31 12:05:00",
        "2021-03-31 12:05 PM",
        "2021-03-31T14:05:00+02:00",
        "2021-03-31T12:05Z",
    ):
        assert parse_date(text).at(day_first=True).isoformat() == "2021-03-31T12:05:00+00:00"
    for text in ("2021-03-31 25:00", "2021-03-31 10:61", "1.2.3", "1.2.21", "31 Foo 2021", "12:30", "2021", "2021-03", "13:00 PM"):
        assert parse_date(text) is None
    assert parse_date("2021-02-30").at(day_first=True) is None
    assert parse_date("12/31/69").at(day_first=False).year == 1969
    assert parse_date("12/31/68").at(day_first=False).year == 2068


LABELS = ["a", " a ", "b", "NA", "-", "", "?", "\u00e9", "e\u0301", "007", "1.0"]
LABEL_TEXTS = st.lists(st.none() | st.sampled_from(LABELS) | st.text(max_size=3), max_size=16)


@given(LABEL_TEXTS, st.sampled_from(LABEL_KINDS), st.sampled_from([TextRules(), TextRules(missing=frozenset({"b", "é"}))]))
def test_a_few_labels_are_read_as_many_are(values, kind, rules):
    """Labels of a few rows, made from each row's text, are the column that the distinct texts give."""
    assume(all(text is None or text.encode(errors="ignore").decode() == text for text in values))
    few = column_of_few_labels("c", values, kind, rules)
    many = column_from_texts("c", *factorize(values), kind=kind, rules=rules)
    assert (few.kind, few.categories, few.data.dtype) == (many.kind, many.categories, many.data.dtype)
    assert few.data.tolist() == many.data.tolist()
