r"""Formulas, written once and told twice: as a line of text, and as MathML.

The markup is a small part of TeX's, with the letters as they are: ``δ^2 = (w^3)^T δ^3 ⊙ σ′(z^2)``. After ``^`` and ``_`` comes
one letter or number, or a group in braces; ``\frac{∂C}{∂w}`` is a fraction. A word of several letters, such as ``max``, stands
upright; ``\text{...}`` is taken as it is.

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
_WORD = re.compile(r"[a-zA-Z]{3,}|ln|so|or|is|as|if")  # else two letters stand for two things: w_{ij}
_RAISED = str.maketrans("0123456789+-−()TLln", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ᵀᴸˡⁿ")
_LOWERED = str.maketrans("0123456789+-−()ijkmna", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎ᵢⱼₖₘₙₐ")


@dataclass(frozen=True)
class Leaf:
    """A number, a letter, a word or an operator; spaces are leaves too."""

    text: str


@dataclass(frozen=True)
class Fraction:
    """One thing over another."""

    top: Row
    bottom: Row


@dataclass(frozen=True)
class Script:
    """A base with something below it, above it, or both."""

    base: Leaf | Fraction
    below: Row | None = None
    above: Row | None = None


Node: TypeAlias = Leaf | Fraction | Script
Row: TypeAlias = tuple[Node, ...]


def parse(markup: str) -> Row:
    """Read markup as a row of nodes.

    Raises
    ------
    ValueError
        When a brace is missing.
    """
    tokens = list(_tokens(markup))
    row, rest = _row(tokens)
    if rest:
        raise ValueError(f"a brace closes what was not opened: {markup!r}")
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
            top, tokens = _argument(tokens)
            bottom, tokens = _argument(tokens)
            nodes.append(Fraction(top, bottom))
        else:
            nodes.append(Leaf(token))
    return tuple(nodes), tokens


def _argument(tokens: list[str]) -> tuple[Row, list[str]]:
    """Read one token, or a group in braces."""
    if not tokens:
        raise ValueError("markup ends where something should follow")
    token, *tokens = tokens
    if token != "{":  # noqa: S105
        return (Leaf(token),), tokens
    row, tokens = _row(tokens)
    if not tokens:
        raise ValueError("a brace is not closed")
    return row, tokens[1:]


def _with_script(base: Node, mark: str, argument: Row) -> Script:
    script = base if isinstance(base, Script) else Script(base)
    if mark == "_":
        return Script(script.base, argument, script.above)
    return Script(script.base, script.below, argument)


def to_text(markup: str) -> str:
    """Tell a formula in a line of text."""
    return "".join(_text(node) for node in parse(markup))


def _text(node: Node) -> str:
    if isinstance(node, Leaf):
        return node.text[6:-1] if node.text.startswith("\\text{") else node.text
    if isinstance(node, Fraction):
        return f"{_wrapped(node.top)}/{_wrapped(node.bottom)}"
    said = _text(node.base)
    if node.above is not None:
        said += _moved(_row_text(node.above), _RAISED, "^({})")
    if node.below is not None:
        said += _moved(_row_text(node.below), _LOWERED, "[{}]")
    return said


def _row_text(row: Row) -> str:
    return "".join(_text(node) for node in row)


def _moved(said: str, letters: dict[int, int], otherwise: str) -> str:
    """Raise or lower a text where each of its letters has such a form."""
    return said.translate(letters) if all(ord(letter) in letters for letter in said) else otherwise.format(said)


def _wrapped(row: Row) -> str:
    """Tell one side of a fraction, in parentheses where it is more than one thing; ``∂C`` is one."""
    said = _row_text(row)
    return said if len(row) == 1 or (len(row) == 2 and row[0] == Leaf("∂")) else f"({said})"


def to_mathml(markup: str, *, block: bool = False) -> str:
    """Tell a formula in MathML; ``block`` gives it a line of its own."""
    attribute = ' display="block"' if block else ""
    return f"<math{attribute}>{''.join(_mathml(node) for node in parse(markup))}</math>"


def _mathml(node: Node) -> str:
    if isinstance(node, Leaf):
        return _leaf(node.text)
    if isinstance(node, Fraction):
        return f"<mfrac>{_row_mathml(node.top)}{_row_mathml(node.bottom)}</mfrac>"
    base = _mathml(node.base)
    if node.above is None:
        return f"<msub>{base}{_row_mathml(node.below)}</msub>"
    if node.below is None:
        return f"<msup>{base}{_row_mathml(node.above)}</msup>"
    return f"<msubsup>{base}{_row_mathml(node.below)}{_row_mathml(node.above)}</msubsup>"


def _row_mathml(row: Row | None) -> str:
    said = "".join(_mathml(node) for node in row or ())
    return said if row is not None and len(row) == 1 else f"<mrow>{said}</mrow>"


def _leaf(text: str) -> str:
    if text.startswith("\\text{"):
        return f"<mtext>{escape(text[6:-1])}</mtext>"
    if text.isspace():
        return '<mspace width="0.25em"/>' if len(text) == 1 else '<mspace width="1.5em"/>'
    if text[0].isdigit():
        return f"<mn>{text}</mn>"
    if text == "σ":  # as σ′ stands, which has two letters
        return '<mi mathvariant="normal">σ</mi>'
    if text[0].isalpha() or text in "∇∂":
        return f"<mi>{escape(text)}</mi>"
    return f"<mo>{escape(text)}</mo>"
