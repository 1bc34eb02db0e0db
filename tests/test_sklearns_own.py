"""scikit-learn's own tests of its MLP, as it installs them, run on the estimators here."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import sklearn
from sklearn.neural_network import tests as theirs

import chainrule as cr

IMPORTED = "from sklearn.neural_network import MLPClassifier, MLPRegressor\n"
# The tests that reach into private names of scikit-learn's class, each with the name: the estimators here have their own.
PRIVATE = {
    "test_gradient": "_loss_grad_lbfgs",
    "test_learning_rate_warmstart": "_optimizer",
    "test_adaptive_learning_rate": "_optimizer",
    "test_n_iter_no_change": "_no_improvement_count",
    "test_n_iter_no_change_inf": "_no_improvement_count",
}


@pytest.mark.skipif(not sklearn.__version__.startswith("1.9."), reason="the tests named are those of scikit-learn 1.9")
def test_scikit_learns_own_tests_pass(tmp_path):
    """All that scikit-learn tests of its MLP holds here, but for the tests that stop at a private name of its class."""
    text = Path(theirs.__path__[0], "test_mlp.py").read_text(encoding="utf-8")
    assert IMPORTED in text
    seeded = "import numpy\nnumpy.random.seed(0)\n"  # some of them draw without a seed
    (tmp_path / "test_mlp.py").write_text(seeded + text.replace(IMPORTED, "from chainrule import MLPClassifier, MLPRegressor\n"))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "sklearn.conftest", "-p", "no:cacheprovider", "--junitxml=ran.xml"]
    environment = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    cases = {case.get("name"): case for case in ElementTree.parse(tmp_path / "ran.xml").iter("testcase")}
    assert len(cases) > 50, ran.stdout
    failed = {name: told[0].text for name, case in cases.items() if (told := [*case.iter("failure"), *case.iter("error")])}
    assert failed.keys() == PRIVATE.keys(), ran.stdout
    for name, text in failed.items():
        assert re.search(r"^test_mlp\.py:\d+: AttributeError$", text, flags=re.MULTILINE), text  # raised in the test itself
        assert f".{PRIVATE[name]}" in re.findall(r"^>(.*)", text, flags=re.MULTILINE)[-1], text
