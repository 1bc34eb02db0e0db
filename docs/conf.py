"""Sphinx's configuration for the site; ``python -m docs.site`` builds it."""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.domains.math import MathDomain

import chainrule

project = "chainrule"
author = "the chainrule developers"
release = version = chainrule.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
nitpicky = True
smartquotes = False  # would turn the hyphens of --json into a dash
highlight_language = "none"  # code blocks name their language; diagrams have none
suppress_warnings = ["myst.header"]  # the command line's page skips a level of headings

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
myst_dmath_double_inline = False

autodoc_typehints = "none"  # the docstrings describe each argument and its shape
autodoc_member_order = "bysource"
add_module_names = False  # on a phone's screen a module's name would leave no room for the function's
autodoc_default_options = {"no-value": True}
numpydoc_show_class_members = False

html_theme = "furo"
html_title = "chainrule"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_copyright = False
html_math_renderer = "mathml"
html_theme_options = {
    "top_of_page_buttons": [],
    "light_css_variables": {"font-stack": "system-ui, sans-serif", "font-stack--monospace": "ui-monospace, monospace"},
}


def inline_math(translator: Any, node: nodes.math) -> None:
    """Write inline mathematics as MathML, which a browser renders without a script and without fetching fonts."""
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def block_math(translator: Any, node: nodes.math_block) -> None:
    """Write a displayed equation, with its number in the notes if it has one; it may be broken at its wide spaces."""
    number = node.get("label") or ""
    tag = f'<span class="number">({escape(number)})</span>' if number else ""
    parts = "".join(convert(part, display="block") for part in node.astext().split(r"\qquad"))
    translator.body.append(f'<div class="equation"><div>{parts}</div>{tag}</div>\n')
    raise nodes.SkipNode


class Equations(MathDomain):
    """Equations whose references, such as {eq}`BP4`, show the number in the notes instead of a running number."""

    def note_equation(self, docname: str, labelid: str, location: Any = None) -> None:
        """Record an equation's page and number."""
        super().note_equation(docname, labelid, location)
        self.equations[labelid] = (docname, labelid)  # type: ignore[assignment]


def skip(_app: Sphinx, _kind: str, _name: str, thing: object, skipped: bool, _options: object) -> bool:
    """Leave out the docstrings that named tuples generate for their fields; the class's own docstring describes them."""
    return skipped or str(getattr(thing, "__doc__", "")).startswith("Alias for field number")


def setup(app: Sphinx) -> None:
    """Register the MathML renderer, and number equations as the notes do."""
    app.add_domain(Equations, override=True)
    app.connect("autodoc-skip-member", skip)
    app.add_html_math_renderer("mathml", inline_renderers=(inline_math, None), block_renderers=(block_math, None))
