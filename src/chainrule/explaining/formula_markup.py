r"""Converts formulas from a small markup to a line of text and to MathML.

The markup is a subset of TeX's, with Unicode letters: ``δ^2 = (w^3)^T δ^3 ⊙ σ′(z^2)``. After ``^`` and ``_`` comes one letter or
number, or a group in braces; ``\frac{∂C}{∂w}`` is a fraction. A word of several letters, such as ``max``, is set upright;
``\text{...}`` is copied verbatim.

>>> to_text(r"\frac{∂C}{∂w_{3,412}} = δ^2_3 a_{412}")
'∂C/∂w[3,412] = δ²₃ a₄₁₂'
>>> to_mathml("a^2")
'<math><msup><mi>a</mi><mn>2</mn></msup></math>'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

_TOKEN = re.compile(r"\\frac|\\text\{[^{}]*\}|[0-9]+(?:[.,][0-9]+)*(?:e[+-]?[0-9]+)?|[^\W\d_]′*|\s+|.", re.DOTALL)
_WORD = re.compile(r"[a-zA-Z]{3,}|ln|so|or|is|as|if")  # other letters are single symbols, as in w_{ij}
_SUPERSCRIPTS = str.maketrans("0123456789+-−()TLln", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ᵀᴸˡⁿ")
_SUBSCRIPTS = str.maketrans("0123456789+-−()ijkmna", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎ᵢⱼₖₘₙₐ")


@dataclass(frozen=True)
class Leaf:
    """A number, a letter, a word or an operator; spaces are leaves too."""

    text: str


@dataclass(frozen=True)
class Fraction:
    """A numerator over a denominator."""

    numerator: Row
    denominator: Row


@dataclass(frozen=True)
class Script:
    """A base with a subscript, a superscript, or both."""

    base: Leaf | Fraction
    subscript: Row | None = None
    superscript: Row | None = None


Node: TypeAlias = Leaf | Fraction | Script
Row: TypeAlias = tuple[Node, ...]


def parse(markup: str) -> Row:
    """Read markup as a row of nodes.

    Raises
    ------
    ValueError
        If a brace is missing.
    """
    tokens = list(_tokens(markup))
    row, rest = _row(tokens)
    if rest:
        raise ValueError(f"a closing brace has no opening brace: {markup!r}")
    return row


def _tokens(markup: str) -> Iterator[str]:
    at = 0
    while at < len(markup):
        found = _WORD.match(markup, at) or _TOKEN.match(markup, at)
        assert found is not None  # noqa: S101  # the last alternative takes anything
        yield found.group()
        at = found.end()


def _row(tokens: list[str]) -> tuple[Row, list[str]]:
    """Read nodes up to a closing brace, or the end."""
    nodes: list[Node] = []
    while tokens and tokens[0] != "}":
        token, *tokens = tokens
        if token in ("^", "_") and nodes:
            argument, tokens = _argument(tokens)
            nodes.append(_with_script(nodes.pop(), token, argument))
        elif token == r"\frac":  # noqa: S105
            numerator, tokens = _argument(tokens)
            denominator, tokens = _argument(tokens)
            nodes.append(Fraction(numerator, denominator))
        else:
            nodes.append(Leaf(token))
    return tuple(nodes), tokens


def _argument(tokens: list[str]) -> tuple[Row, list[str]]:
    """Read one token, or a group in braces."""
    if not tokens:
        raise ValueError("the markup ends where an argument should follow")
    token, *tokens = tokens
    if token != "{":  # noqa: S105
        return (Leaf(token),), tokens
    row, tokens = _row(tokens)
    if not tokens:
        raise ValueError("an opening brace has no closing brace")
    return row, tokens[1:]


def _with_script(base: Node, mark: str, argument: Row) -> Script:
    script = base if isinstance(base, Script) else Script(base)
    if mark == "_":
        return Script(script.base, argument, script.superscript)
    return Script(script.base, script.subscript, argument)


def to_text(markup: str) -> str:
    """Convert markup to a line of text."""
    return "".join(_text(node) for node in parse(markup))


def _text(node: Node) -> str:
    if isinstance(node, Leaf):
        return node.text[6:-1] if node.text.startswith("\\text{") else node.text
    if isinstance(node, Fraction):
        return f"{_fraction_part(node.numerator)}/{_fraction_part(node.denominator)}"
    text = _text(node.base)
    if node.superscript is not None:
        text += _script_text(_row_text(node.superscript), _SUPERSCRIPTS, "^({})")
    if node.subscript is not None:
        text += _script_text(_row_text(node.subscript), _SUBSCRIPTS, "[{}]")
    return text


def _row_text(row: Row) -> str:
    return "".join(_text(node) for node in row)


def _script_text(text: str, letters: dict[int, int], fallback: str) -> str:
    """Write a text in superscript or subscript letters, or in the fallback format if one of its letters has no such form."""
    return text.translate(letters) if all(ord(letter) in letters for letter in text) else fallback.format(text)


def _fraction_part(row: Row) -> str:
    """Write a numerator or denominator, in parentheses unless it is a single node or a differential such as ``∂C``."""
    text = _row_text(row)
    return text if len(row) == 1 or (len(row) == 2 and row[0] == Leaf("∂")) else f"({text})"


def to_mathml(markup: str, *, block: bool = False) -> str:
    """Convert markup to MathML; with ``block`` the formula is displayed on a line of its own."""
    attribute = ' display="block"' if block else ""
    return f"<math{attribute}>{''.join(_mathml(node) for node in parse(markup))}</math>"


def _mathml(node: Node) -> str:
    if isinstance(node, Leaf):
        return _leaf(node.text)
    if isinstance(node, Fraction):
        return f"<mfrac>{_row_mathml(node.numerator)}{_row_mathml(node.denominator)}</mfrac>"
    base = _mathml(node.base)
    if node.superscript is None:
        return f"<msub>{base}{_row_mathml(node.subscript)}</msub>"
    if node.subscript is None:
        return f"<msup>{base}{_row_mathml(node.superscript)}</msup>"
    return f"<msubsup>{base}{_row_mathml(node.subscript)}{_row_mathml(node.superscript)}</msubsup>"


def _row_mathml(row: Row | None) -> str:
    mathml = "".join(_mathml(node) for node in row or ())
    return mathml if row is not None and len(row) == 1 else f"<mrow>{mathml}</mrow>"


def _leaf(text: str) -> str:
    if text.startswith("\\text{"):
        return f"<mtext>{escape(text[6:-1])}</mtext>"
    if text.isspace():
        return '<mspace width="0.25em"/>' if len(text) == 1 else '<mspace width="1.5em"/>'
    if text[0].isdigit():
        return f"<mn>{text}</mn>"
    if text == "σ":  # upright like σ′, which MathML sets upright because it has two letters
        return '<mi mathvariant="normal">σ</mi>'
    if text[0].isalpha() or text in "∇∂":
        return f"<mi>{escape(text)}</mi>"
    return f"<mo>{escape(text)}</mo>"
