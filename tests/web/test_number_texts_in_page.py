"""The numbers of the page have three figures, and the marks of its charts lie within their scales."""

import pytest
from node import needs_node
from page_modules import run_module

pytestmark = needs_node


def test_numbers_have_three_figures():
    """A number has three significant digits, all digits of a larger whole part, and commas between thousands."""
    numbers = [0, 1, -12, 0.0023456, -0.00012345, 1.2345, 12.345, 999.4, 999.6, 12345.6, 2e6]
    texts = ["0", "1", "−12", "0.00235", "−1.23e−4", "1.23", "12.3", "999", "1,000", "12,346", "2.00e+6"]
    assert run_module("shared/format.js", "argument.map(m.number)", numbers) == texts
    assert run_module("shared/format.js", "argument.map(m.count)", [0, 999, 1000, 1234567]) == ["0", "999", "1,000", "1,234,567"]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 30), (0, 0.47), (0.013, 0.4), (0, 7), (-3.2, 11)])
def test_ticks_are_within_the_scale(low, high):
    """No axis is marked below its least or above its largest number, and each has at least two marks."""
    ticks = run_module("shared/ticks.js", "m.ticks(...argument)", [low, high, 4])
    assert len(ticks) >= 2
    assert low <= ticks[0] < ticks[-1] <= high
