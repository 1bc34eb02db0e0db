"""The reference pages of the site name all that is public."""

import pkgutil
import re
from pathlib import Path

import pytest

import chainrule as cr
from chainrule import calculus

API = Path(__file__).parents[1] / "docs" / "api"
pytestmark = pytest.mark.skipif(not API.is_dir(), reason="the pages are not here")


def named():
    """What the pages take from docstrings."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in API.glob("*.md"))
    return set(re.findall(r"^\.\. auto\w+:: (\S+)$", text, flags=re.MULTILINE))


@pytest.mark.parametrize("name", cr.__all__)
def test_every_public_name_has_its_place(name):
    """Each name of ``__all__`` stands on a page in docs/api, itself or with its whole module."""
    thing = getattr(cr, name)
    assert {f"chainrule.{name}", getattr(thing, "__name__", name), getattr(thing, "__module__", name)} & named(), (
        f"add an auto directive for chainrule.{name} to a page in docs/api"
    )


@pytest.mark.parametrize("module", [module.name for module in pkgutil.iter_modules(calculus.__path__)])
def test_every_module_of_the_calculus_has_its_place(module):
    """The notes' functions are all in the reference."""
    assert f"chainrule.calculus.{module}" in named()
