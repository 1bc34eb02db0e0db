"""Formulas and numbers in the markup of explanations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.explaining.formula_markup import to_mathml, to_text
from chainrule.explaining.notation import format_number


def test_formulas_become_text_and_mathml():
    """Fractions, superscripts and subscripts are converted to both forms; an unbalanced brace is an error."""
    assert to_text(r"\frac{1}{2m} Σ_i (y_i − a_i)^2") == "1/(2m) Σᵢ (yᵢ − aᵢ)²"
    assert to_text("w^1_{3,412}") == "w¹[3,412]"
    assert to_text("δ^{l+1}") == "δˡ⁺¹"
    assert to_mathml(r"\frac{a}{b}") == "<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>"
    assert to_mathml("a < b") == '<math><mi>a</mi><mspace width="0.25em"/><mo>&lt;</mo><mspace width="0.25em"/><mi>b</mi></math>'
    assert to_mathml("w_{ij}") == "<math><msub><mi>w</mi><mrow><mi>i</mi><mi>j</mi></mrow></msub></math>"
    for wrong in ("a}", "a^{b", "a^", r"\frac{a}"):
        with pytest.raises(ValueError, match=r"brace|argument"):
            to_text(wrong)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_numbers_keep_their_digits(value):
    """A formatted number can be read back to half a unit of its last digit."""
    text = format_number(value, 6).replace("−", "-").replace("·10^{", "e").replace("}", "")
    assert float(text) == pytest.approx(value, rel=5.01e-6)
