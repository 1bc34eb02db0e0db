"""The examples in the docstrings run and print the output shown."""

import doctest
import importlib
import pkgutil

import pytest

import chainrule
from chainrule.engines import ENGINES

MODULES = ["chainrule", *(module.name for module in pkgutil.walk_packages(chainrule.__path__, "chainrule."))]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples_in_docstrings(name):
    """Every example in a docstring prints the output shown."""
    import numpy as np

    if name.endswith("engines.fused") and "fused" not in ENGINES:
        pytest.skip("the kernels are not built")
    result = doctest.testmod(importlib.import_module(name), extraglobs={"np": np})
    assert result.failed == 0
