"""Columns by name: a network that knows the names of its columns finds them in any order."""

import numpy as np
import pytest
from cli_helpers import rows_with_signs, save_network_of_table, write_columns

import chainrule as cr
from chainrule._arrays import names_to_keep
from chainrule.plan import Provenance


@pytest.fixture
def trained():
    """A network of three columns p, q, r; the rows it was trained on."""
    rows = np.random.default_rng(0).normal(size=(80, 3)) * [1, 10, 100]
    y = rows[:, 0] > 0
    save_network_of_table("m.safetensors", rows, y, columns="pqr", target="y", data="train.csv")
    return rows, y


def test_another_order_predicts_the_same(trained, run_json):
    """Columns in another order, with one more among them, are predicted as in their own order."""
    p, q, r = trained[0].T
    write_columns("turned.csv", "r,more,q,p", [r, q * 0, q, p])
    expected = cr.load("m.safetensors").feedforward(trained[0])
    found = [one["outputs"] for one in run_json("predict", "m.safetensors", "turned.csv", "--outputs")]
    assert np.allclose(found, expected, atol=1e-6)


def test_another_order_is_evaluated_the_same(trained, run_json):
    """An evaluation finds the columns by name too; a parquet file's names count as a csv's do."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    (p, q, r), y = trained[0].T, trained[1]
    expected = cr.load("m.safetensors").cost((trained[0], y.astype(int)))
    write_columns("turned.csv", "r,q,more,p,y", [r, q, p * 0, p, y])
    parquet.write_table(pa.table({"r": r, "q": q, "p": p, "y": y.astype(float)}), "turned.parquet")
    for name in ("turned.csv", "turned.parquet"):
        assert run_json("evaluate", "m.safetensors", name)[0]["cost"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_missing_column_is_named(trained, run, command):
    """A column that the model was trained on and the table lacks is named in one line; the status is 2."""
    write_columns("short.csv", "r,z,p,y", [*trained[0].T, trained[1]])
    status, out, err = run(command, "m.safetensors", "short.csv")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "has no column 'q'" in err


def test_columns_without_names_are_taken_in_order(trained, run_json):
    """The columns of a table without names are taken in their order."""
    np.savetxt("bare.csv", trained[0] + 0.001, delimiter=",", fmt="%.17g")
    expected = cr.load("m.safetensors").feedforward(trained[0] + 0.001)
    found = [one["outputs"] for one in run_json("predict", "m.safetensors", "bare.csv", "--outputs")]
    assert np.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("columns", [None, "pqr", [1], [None], ["a"] * (10**6 + 1)])
def test_a_model_file_with_other_columns_is_refused(trained, columns):
    """A model file's columns are a list of names, of which there are no more than a million."""
    described = {**vars(cr.load("m.safetensors").provenance), "columns": columns}
    with pytest.raises((ValueError, TypeError)):
        Provenance.parse(described)


def test_too_many_names_are_left_out():
    """Names that would make a model file too large to read again are not kept, nor are names that occur twice."""
    assert names_to_keep(["a" * 9] * 2) == names_to_keep([f"{k:099}" for k in range(9999)]) == ()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_target_is_found_by_its_name(run_json, run, ending):
    """Another table's target is the column that was learnt, in any position; a table without it is refused."""
    import pandas as pd

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=100), "b": rng.normal(size=100)})
    frame["y"] = (frame["a"] > 0).astype(int)
    x = frame[["a", "b"]].to_numpy()
    save_network_of_table("t.safetensors", x, frame["y"], columns="ab", target="y", data=f"t.{ending}")

    def write(table, name):
        table.to_csv(name, index=False) if ending == "csv" else table.to_parquet(name)

    write(frame.assign(z=rng.integers(0, 2, 100))[["y", "b", "a", "z"]], f"other.{ending}")
    found = run_json("evaluate", "t.safetensors", f"other.{ending}")[0]
    assert found["accuracy"] == cr.load("t.safetensors").accuracy(x, frame["y"].to_numpy())
    write(frame[["a", "b"]], f"none.{ending}")
    status, _, err = run("evaluate", "t.safetensors", f"none.{ending}")
    assert status == 2
    assert "has no column 'y'" in err


def test_names_that_a_model_lacks_give_a_note(run, run_json):
    """The columns of a table with names are read in their order, with a note, by a model without names."""
    x, y = rows_with_signs()
    np.savez("t.npz", x=x, y=(y > 0).astype(int))
    run_json("train", "t.npz", "--epochs", 5, "--quiet")
    np.savetxt("t.csv", np.column_stack([x, y > 0]), delimiter=",", header="a,b,c,y", comments="")
    status, _, err = run("evaluate", "t.safetensors", "t.csv")
    assert status == 0
    assert "the model has no column names; the columns were taken in their order" in err
    status, _, err = run("predict", "t.safetensors", "t.csv")
    assert status == 0
    assert "t.csv: the model has no column names; the columns were taken in their order" in err
