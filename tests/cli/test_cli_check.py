"""``chainrule check``: backpropagation compared with central differences."""

import json

import pytest

import chainrule as cr


def test_check_agrees(run, digits_model):
    """The notes' network, a model on drawn examples, and on its data all pass, with exit status 0."""
    for arguments in ((), (digits_model,), (digits_model, "--data", "digits", "--examples", "5")):
        status, out, err = run("check", *arguments)
        assert (status, err) == (0, "")
        assert "Backpropagation agrees" in out


@pytest.mark.parametrize(
    ("networks", "says"), [(1, "1 network; it is checked, on random rows"), (2, "2 networks; the first is checked, on random rows")]
)
def test_check_counts_the_networks_of_a_tables_model(run, networks, says):
    """Of a table's model one network is checked, and the note counts its networks in plain English."""
    frame = {"x": [1, 2, 3, 4] * 10}
    cr.TableClassifier(networks=networks, hidden=(4,), epochs=1, random_state=0).fit(frame, [0, 1, 1, 0] * 10).save("t.safetensors")
    status, _, err = run("check", "t.safetensors")
    assert (status, err) == (0, f"chainrule: t.safetensors holds {says}\n")


def test_check_in_json(run):
    """``--json`` prints one object."""
    status, out, _ = run("check", "--json", "--seed", "3")
    result = json.loads(out)
    assert status == 0
    assert result["ok"] is True
    assert result["findings"] == []
    assert result["compared"] > 20


@pytest.mark.parametrize(
    "arguments", [("--examples", "0"), ("--examples", "201"), ("--seed", "-1"), ("--data", "digits"), ("none",)]
)
def test_check_reports_an_error_in_one_line(run, arguments):
    """Too few or too many examples, a seed below 0, data of another size: one line, and exit status 2."""
    status, _, err = run("check", *arguments)
    assert status == 2
    assert err.count("\n") == 1


@pytest.mark.parametrize("cost", ["quadratic", "cross_entropy", "log_loss", "poisson", "mean_squared_error"])
@pytest.mark.parametrize("sizes", [[3, 4, 1], [3, 4, 3]])
def test_check_draws_examples_that_the_cost_accepts(run, cost, sizes):
    """For every cost, the random examples are ones that it accepts."""
    if cost == "log_loss" and sizes[-1] == 1:
        return
    cr.Network(sizes, cost=cost, seed=0).save("model.safetensors")
    assert run("check", "model.safetensors")[0] == 0
