"""The reference pages of the site list every public name."""

import pkgutil
import re
from pathlib import Path

import pytest

import chainrule as cr
from chainrule import calculus

API = Path(__file__).parents[1] / "docs" / "api"
pytestmark = pytest.mark.skipif(not API.is_dir(), reason="the docs folder is not installed")


def documented_names():
    """Collect the names whose docstrings the pages include."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in API.glob("*.md"))
    return set(re.findall(r"^\.\. auto\w+:: (\S+)$", text, flags=re.MULTILINE))


@pytest.mark.parametrize("name", cr.__all__)
def test_every_public_name_is_on_a_page(name):
    """Each name of ``__all__`` is on a page in docs/api, by itself or with its whole module."""
    thing = getattr(cr, name)
    assert {f"chainrule.{name}", getattr(thing, "__name__", name), getattr(thing, "__module__", name)} & documented_names(), (
        f"add an auto directive for chainrule.{name} to a page in docs/api"
    )


@pytest.mark.parametrize("module", [module.name for module in pkgutil.iter_modules(calculus.__path__)])
def test_every_module_of_the_calculus_is_on_a_page(module):
    """Each module of ``chainrule.calculus`` is in the reference."""
    assert f"chainrule.calculus.{module}" in documented_names()
