"""scikit-learn's own tests of its MLP, as it installs them, run on this library's estimators."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import sklearn
from sklearn.neural_network import tests as mlp_tests

import chainrule as cr

IMPORT = "from sklearn.neural_network import MLPClassifier, MLPRegressor\n"
# The tests that use a private attribute of scikit-learn's class, which this library's estimators do not have.
PRIVATE_ATTRIBUTES = {
    "test_gradient": "_loss_grad_lbfgs",
    "test_learning_rate_warmstart": "_optimizer",
    "test_adaptive_learning_rate": "_optimizer",
    "test_n_iter_no_change": "_no_improvement_count",
    "test_n_iter_no_change_inf": "_no_improvement_count",
}


@pytest.mark.skipif(not sklearn.__version__.startswith("1.9."), reason="the tests named are those of scikit-learn 1.9")
def test_scikit_learns_own_tests_pass(tmp_path):
    """Every test that scikit-learn has of its MLP passes, except those that stop at a private attribute of its class."""
    text = Path(mlp_tests.__path__[0], "test_mlp.py").read_text(encoding="utf-8")
    assert IMPORT in text
    seed = "import numpy\nnumpy.random.seed(0)\n"  # some of the tests draw without a seed
    (tmp_path / "test_mlp.py").write_text(seed + text.replace(IMPORT, "from chainrule import MLPClassifier, MLPRegressor\n"))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "sklearn.conftest", "-p", "no:cacheprovider", "--junitxml=results.xml"]
    environment = {**os.environ, "PYTHONPATH": str(Path(cr.__file__).parents[1])}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    cases = {case.get("name"): case for case in ElementTree.parse(tmp_path / "results.xml").iter("testcase")}
    assert len(cases) > 50, run.stdout
    problems = {name: [*case.iter("failure"), *case.iter("error")] for name, case in cases.items()}
    failures = {name: elements[0].text for name, elements in problems.items() if elements}
    assert failures.keys() == PRIVATE_ATTRIBUTES.keys(), run.stdout
    for name, traceback in failures.items():
        # the error was raised by the test itself, at the private attribute
        assert re.search(r"^test_mlp\.py:\d+: AttributeError$", traceback, flags=re.MULTILINE), traceback
        assert f".{PRIVATE_ATTRIBUTES[name]}" in re.findall(r"^>(.*)", traceback, flags=re.MULTILINE)[-1], traceback
