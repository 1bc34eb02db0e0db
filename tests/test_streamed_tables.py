"""Tables of many files that are read in batches: the same decisions and rules as in memory, and models of them."""

import pickle
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import DataError, FileError, MissingExtra, SettingError
from chainrule.estimators.table_targets import MissingTargetWarning
from chainrule.recipes import streamed_table_training
from chainrule.recipes.prepared_rows import PreparedSource, folds_of_rows, measure_extremes, prepare_rows
from chainrule.streamed_data import StreamedRows
from chainrule.tables import column_survey, number_summary, table_files
from chainrule.tables.number_features import robust_scale
from chainrule.tables.number_summary import DistinctEstimate, NumberSummary, mixed_bits
from chainrule.tables.preprocessing import Preprocessing
from chainrule.tables.read import rules_of_file
from chainrule.tables.row_sample import RowSample, priorities, rows_of_sample
from chainrule.tables.streamed_table import fit_columns, survey
from chainrule.tables.table_files import open_table_files
from chainrule.tables.target_inference import infer_target
from chainrule.training import Run

FORMATS = ("parquet", "csv")


def mixed_rows(n, seed=0):
    """Make rows of each kind of column, with gaps."""
    rng = np.random.default_rng(seed)
    wage = rng.lognormal(size=n).round(6)
    frame = pd.DataFrame(
        {
            "id": np.arange(n),
            "age": rng.integers(17, 90, n),
            "wage": np.where(rng.random(n) < 0.1, np.nan, wage),
            "job": rng.choice(["clerk", "farmer", "smith"], n),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**6, n), unit="min"),
            "flag": rng.random(n) < 0.5,
            "town": [f"town {k}" for k in rng.integers(0, n // 3, n)],
            "note": [f"some words of text number {k}" for k in rng.integers(0, n, n)],
            "same": 1,
            "key": [f"k{k}" for k in range(n)],
        }
    )
    frame.loc[::7, "job"] = None
    frame["income"] = np.where(np.log(wage) + (frame["job"] == "smith") > 0.4, "high", "low")
    return frame


def write(frame, path):
    frame.to_parquet(path, index=False) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


def write_parts(frame, folder, ending, ends):
    """Write the rows to several files, in their order."""
    parts = zip([0, *ends], [*ends, len(frame)], strict=True)
    return [write(frame.iloc[first:last], folder / f"{k}.{ending}") for k, (first, last) in enumerate(parts)]


def surveyed(paths, target="income", task="classification", kinds=None):
    return survey(open_table_files(paths, rules_of_file(), kinds), target, task)


def facts(columns):
    """Give all that prepared columns hold, as values that can be compared."""
    tensors = [array.tolist() for array in Preprocessing(tuple(columns)).tensors().values()]
    return Preprocessing(tuple(columns)).to_json()["columns"], tensors


def in_memory(path, target="income", task="classification", kinds=None):
    table = cr.read_table(path, kinds=kinds)
    reading = infer_target(table[target], task)
    return facts(Preprocessing.fit(table.without(target).take(reading.rows), reading.y, task=task).columns), reading.target


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("ends", [(1000,), (1, 7, 900, 901), ()])
def test_the_rules_and_the_target_are_those_of_the_table_in_memory(tmp_path, ending, ends):
    frame = mixed_rows(2000)
    found = surveyed(write_parts(frame, tmp_path, ending, ends))
    expected, target = in_memory(write(frame, tmp_path / f"all.{ending}"))
    assert facts(fit_columns(found, bins=16)) == expected
    assert found.target == target
    assert found.n == 2000


@pytest.mark.parametrize("ending", FORMATS)
def test_the_batches_do_not_matter(tmp_path, ending, monkeypatch):
    frame = mixed_rows(1500)
    paths = write_parts(frame, tmp_path, ending, [700])
    expected = facts(fit_columns(surveyed(paths), bins=16))
    monkeypatch.setattr(table_files, "BATCH_ROWS", 64)
    monkeypatch.setattr(number_summary, "EXACT_NUMBERS", 1 << 16)
    assert facts(fit_columns(surveyed(paths), bins=16)) == expected


def test_values_of_a_regression_have_the_scale_of_the_table_in_memory(tmp_path):
    frame = mixed_rows(1200)
    frame["income"] = np.random.default_rng(1).normal(size=1200).round(6)
    for ending in FORMATS:
        found = surveyed(write_parts(frame, tmp_path, ending, [500]), task="regression")
        assert (facts(fit_columns(found, bins=16)), found.target) == in_memory(
            write(frame, tmp_path / f"all.{ending}"), task="regression"
        )


def test_values_of_more_rows_than_are_kept_have_their_mean_and_deviation(tmp_path, monkeypatch):
    values = np.random.default_rng(2).normal(1e6, 3, 5000)
    paths = write_parts(pd.DataFrame({"a": np.arange(5000.0) % 7, "y": values}), tmp_path, "parquet", [1234])
    monkeypatch.setattr("chainrule.tables.streamed_table.ROWS_FOR_EDGES", 100)
    target = surveyed(paths, target="y", task="regression").target
    assert target.mean == pytest.approx(values.mean(), rel=1e-14)
    assert target.scale == pytest.approx(values.std(), rel=1e-10)
    assert (target.low, target.high) == (values.min(), values.max())


@pytest.mark.parametrize("ending", FORMATS)
def test_kinds_that_are_required_are_those_of_the_table_in_memory(tmp_path, ending):
    frame = mixed_rows(900)
    kinds = {"age": "category", "flag": "category", "job": "text", "id": "number", "town": "identifier", "same": "number"}
    found = surveyed(write_parts(frame, tmp_path, ending, [300]), kinds=kinds)
    assert facts(fit_columns(found, bins=16)) == in_memory(write(frame, tmp_path / f"all.{ending}"), kinds=kinds)[0]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_kind_is_decided_from_the_rows_of_all_files(tmp_path, ending):
    rows = 60
    frame = pd.DataFrame({"code": [*range(40), *["x"] * 20], "same": [1] * 59 + [2], "y": ["a", "b"] * 30})
    if ending == "parquet":
        frame["code"] = frame["code"].astype(str)
    found = surveyed(write_parts(frame, tmp_path, ending, [20, 40]), target="y", kinds={"code": "category"})
    kinds = {column.name: column.kind for column in found.columns}
    assert kinds == {"code": "category", "same": "number"}
    assert found.n == rows


def test_decimals_after_whole_numbers_are_numbers(tmp_path):
    frame = pd.DataFrame(
        {"size": [*map(str, range(300)), *(f"{k}.25" for k in range(300)), "NA"], "y": ["a", "b", "a"] * 200 + ["b"]}
    )
    found = surveyed(write_parts(frame, tmp_path, "csv", [300]), target="y")
    assert facts(fit_columns(found, bins=16)) == in_memory(write(frame, tmp_path / "all.csv"), target="y")[0]
    assert [column.kind for column in found.columns] == ["number"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1,5", "2,25", "-", "3,75"] * 20, "number"),
        (["1.234,5", "12,0", "7", "8"] * 20, "number"),
        (["31.12.2020", "1.2.2021", "", "5.6.2021"] * 20, "date"),
        (["02139", "10001", "60601", "94103"] * 20, "category"),
        (["yes", "no", "NA", "YES"] * 20, "boolean"),
        (["12345678901234567890", "12345678901234567891", "7", "8"] * 20, "category"),
    ],
)
def test_texts_are_read_as_those_of_one_file(tmp_path, values, kind):
    frame = pd.DataFrame({"v": values, "w": np.arange(80) % 9, "y": ["a", "b"] * 40})
    for name, part in (("0", frame.iloc[:33]), ("1", frame.iloc[33:]), ("all", frame)):
        part.to_csv(tmp_path / f"{name}.csv", index=False, sep=";")
    found = surveyed([tmp_path / "0.csv", tmp_path / "1.csv"], target="y")
    assert found.columns[0].kind == kind
    assert facts(fit_columns(found, bins=16)) == in_memory(tmp_path / "all.csv", target="y")[0]
    table = cr.read_table(tmp_path / "all.csv")
    read = [part["v"].to_list() for _, part, _ in found.tables(["v"])]
    assert [value for part in read for value in part] == table["v"].to_list()


def test_whole_numbers_that_float64_does_not_hold_are_an_identifier(tmp_path):
    frame = pd.DataFrame({"id": 2**53 + np.arange(1, 101), "few": (2**60 + np.arange(100) % 3), "y": ["a", "b"] * 50})
    found = surveyed(write_parts(frame, tmp_path, "parquet", [10]), target="y")
    assert [column.kind for column in found.columns] == ["identifier", "category"]
    assert facts(fit_columns(found, bins=16)) == in_memory(write(frame, tmp_path / "all.parquet"), target="y")[0]


def test_a_stray_text_is_refused_with_its_file_and_row(tmp_path):
    frame = pd.DataFrame({"size": [*map(str, range(200)), "small"], "y": ["a", "b", "a"] * 67})
    paths = write_parts(frame, tmp_path, "csv", [100])
    with pytest.raises(DataError, match=r"1\.csv, row 101 .*column 'size': 'small' is not a number, but 200"):
        surveyed(paths, target="y")


def test_rows_without_a_target_are_left_out_with_a_warning(tmp_path):
    frame = mixed_rows(1000)
    frame.loc[::10, "income"] = None
    paths = write_parts(frame, tmp_path, "parquet", [450])
    kept = frame[frame["income"].notna()]
    found = surveyed(paths)
    assert (found.n, found.n_missing) == (900, 100)
    assert facts(fit_columns(found, bins=16)) == in_memory(write(frame, tmp_path / "all.parquet"))[0]
    assert found.columns[0].kind == "identifier"  # it counts all rows
    assert surveyed([write(kept, tmp_path / "kept.parquet")]).columns[0].kind == "number"
    with pytest.warns(MissingTargetWarning, match="100 rows"):
        cr.TableClassifier(networks=1, epochs=1, random_state=0).fit(paths, target="income")


def test_the_sketch_is_used_for_many_numbers_and_its_ranks_are_nearly_right(tmp_path, monkeypatch):
    monkeypatch.setattr(number_summary, "EXACT_NUMBERS", 1000)
    values = np.random.default_rng(3).lognormal(size=40_000)
    paths = write_parts(pd.DataFrame({"v": values, "y": ["a", "b"] * 20_000}), tmp_path, "parquet", [9000, 30_000])
    (column,) = surveyed(paths, target="y").columns
    summary = column.parts[""].summary
    assert not summary.is_exact
    for q in (0.25, 0.5, 0.75):
        assert abs((values <= summary.quantile(q)).mean() - q) < number_summary.RANK_ERROR
    assert (summary.quantile(0), summary.quantile(1)) == (values.min(), values.max())
    assert column.distinct == pytest.approx(40_000, rel=0.06)
    (again,) = surveyed(paths, target="y").columns
    assert again.parts[""].summary.robust_scale == summary.robust_scale


numbers = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(st.lists(numbers, min_size=1, max_size=60), st.integers(1, 5))
def test_few_distinct_numbers_have_the_exact_scale(values, parts):
    summary = NumberSummary()
    for part in np.array_split(np.array(values), parts):
        summary.add(part)
    assert summary.robust_scale == robust_scale(np.array(values))
    assert summary.distinct == len({*values})


def test_the_sketch_takes_numbers_at_the_ends_of_float64(monkeypatch):
    monkeypatch.setattr(number_summary, "EXACT_NUMBERS", 10)
    summary = NumberSummary()
    summary.add(np.linspace(-1.0, 1.0, 1001) * 1.7e308)
    assert np.isfinite(summary.robust_scale).all()
    assert abs(summary.robust_scale[0]) < 1e306


def test_zeros_of_both_signs_are_one_number(monkeypatch):
    monkeypatch.setattr(number_summary, "EXACT_NUMBERS", 10)
    summary = NumberSummary()
    for values in (np.arange(1.0, 21.0), np.array([-0.0]), np.array([0.0])):
        summary.add(values)
    assert summary.distinct == 21


def test_the_number_of_distinct_values_is_estimated_whatever_the_order():
    hashes = mixed_bits(np.arange(100_000, dtype=np.uint64))
    estimates = []
    for order in (np.arange(100_000), np.random.default_rng(0).permutation(100_000)):
        estimate = DistinctEstimate()
        for part in np.array_split(np.tile(hashes[order], 2), 13):
            estimate.add(part)
        estimates.append(estimate.count)
    assert estimates[0] == estimates[1] == pytest.approx(100_000, rel=0.06)


def test_a_sample_is_the_same_in_any_batches_and_spread_evenly():
    drawn = []
    for parts in (1, 17):
        sample = RowSample(500)
        for rows in np.array_split(np.arange(20_000), parts):
            sample.add(rows, priorities(rows), rows * 2.0, rows * 3.0)
        drawn.append(sample.drawn)
    rows, values, y = drawn[0]
    assert all(np.array_equal(one, other) for one, other in zip(*drawn, strict=True))
    assert len(rows) == 500
    assert np.array_equal(values, rows * 2.0)
    assert np.array_equal(y, rows * 3.0)
    assert (np.bincount(rows // 5000) > 80).all()


def test_many_columns_share_the_memory_of_samples_and_counts(tmp_path, monkeypatch):
    assert [rows_of_sample(n) for n in (0, 1, 200, 1000, 10**6)] == [50_000, 50_000, 50_000, 10_000, 2_000]
    monkeypatch.setattr("chainrule.tables.row_sample.SAMPLED_VALUES", 1000)
    monkeypatch.setattr("chainrule.tables.row_sample.LEAST_SAMPLE", 100)
    monkeypatch.setattr(number_summary, "COUNTED_NUMBERS", 300)
    monkeypatch.setattr(number_summary, "LEAST_EXACT", 10)
    values = np.random.default_rng(4).normal(size=(2000, 2))
    frame = pd.DataFrame({"a": values[:, 0], "b": values[:, 1], "y": ["a", "b"] * 1000})
    for column in surveyed(write_parts(frame, tmp_path, "parquet", [900]), target="y").columns:
        assert len(column.parts[""].sample[0]) == 333
        assert not column.parts[""].summary.is_exact


def test_many_texts_are_an_identifier_where_nearly_all_differ_and_else_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(column_survey, "MOST_TEXTS", 100)
    n = 3000
    frame = pd.DataFrame({"key": [f"k{k}" for k in range(n)], "v": np.arange(n) % 7, "y": ["a", "b"] * (n // 2)})
    paths = write_parts(frame, tmp_path, "parquet", [1000])
    column = surveyed(paths, target="y").columns[0]
    assert (column.kind, column.distinct) == ("identifier", n)
    frame["key"] = [f"k{k // 2}" for k in range(n)]
    paths = write_parts(frame, tmp_path, "parquet", [1000])
    with pytest.raises(
        DataError, match=r"'key' has more than 100 distinct texts, about 1,500 in 3,000 .* kinds=\{'key': 'identifier'\}"
    ):
        surveyed(paths, target="y")
    assert surveyed(paths, target="y", kinds={"key": "identifier"}).columns[0].kind == "identifier"
    frame["key"] = [f"{k}.5 %" for k in range(n)]
    with pytest.raises(DataError, match="write numbers and dates as such"):
        surveyed(write_parts(frame, tmp_path, "parquet", [1000]), target="y")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="age"), "has other columns than .*0.parquet: it lacks 'age'"),
        (lambda frame: frame.assign(more=1), "it has 'more' more"),
        (lambda frame: frame.assign(age="old"), "column 'age' holds values of the type text, and in other files number"),
        (lambda frame: frame.assign(age=np.inf), "1.parquet, row 1 .*column 'age': the number is infinite"),
    ],
)
def test_files_that_are_not_one_table_are_refused(tmp_path, change, message):
    frame = mixed_rows(100)
    paths = write_parts(frame, tmp_path, "parquet", [50])
    write(change(frame.iloc[50:]), paths[1])
    with pytest.raises(DataError, match=message):
        surveyed(paths)


def test_a_file_whose_column_is_gaps_alone_fits_any_type(tmp_path):
    frame = mixed_rows(200)
    paths = write_parts(frame, tmp_path, "parquet", [100])
    write(frame.iloc[:100].assign(age=None, job=None, when=None), paths[0])
    columns = {column.name: column for column in surveyed(paths).columns}
    assert (columns["age"].kind, columns["age"].missing) == ("number", 100)
    assert (columns["when"].kind, columns["when"].missing) == ("date", 100)


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["a.csv", "b.parquet"], "must be of one format"),
        (["a.jsonl"], "are Parquet .* or delimited texts"),
    ],
)
def test_formats_that_are_not_read_in_batches_are_refused(tmp_path, paths, message):
    frame = mixed_rows(30)
    for path in paths:
        write(frame, tmp_path / path) if not path.endswith("jsonl") else (tmp_path / path).write_text('{"a": 1}\n')
    with pytest.raises(SettingError, match=message):
        surveyed([tmp_path / path for path in paths])


def test_numbers_that_do_not_tell_their_decimal_mark_are_refused_as_in_memory(tmp_path):
    frame = pd.DataFrame({"v": ["1.234", "5.678"] * 40, "y": ["a", "b"] * 40})
    for delimiter in ";,":
        for name, part in (("0", frame.iloc[:33]), ("1", frame.iloc[33:])):
            part.to_csv(tmp_path / f"{name}.csv", index=False, sep=delimiter)
        paths = [tmp_path / "0.csv", tmp_path / "1.csv"]
        if delimiter == ";":
            with pytest.raises(DataError, match=r"'1\.234' may be a decimal number, or one whose thousands are separated"):
                surveyed(paths, target="y")
        else:
            assert surveyed(paths, target="y").columns[0].example == "1.234"


@pytest.mark.parametrize("more", [",9", ","])
def test_a_line_with_more_fields_is_refused_with_its_number(tmp_path, more):
    path = write(mixed_rows(100), tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    lines[70] += more
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="line 71"):
        surveyed([path])


def test_a_damaged_file_is_named(tmp_path):
    paths = write_parts(mixed_rows(3000), tmp_path, "parquet", [1500])
    data = bytearray(paths[1].read_bytes())
    data[200:3000] = bytes(2800)
    paths[1].write_bytes(data)
    with pytest.raises(DataError, match=r"1\.parquet: cannot be read"):
        surveyed(paths)


def test_without_datasketches_many_numbers_are_refused_with_the_command(monkeypatch):
    monkeypatch.setattr(number_summary, "EXACT_NUMBERS", 10)
    monkeypatch.setitem(sys.modules, "datasketches", None)
    with pytest.raises(MissingExtra, match=r"pip install 'chainrule\[rows\]'"):
        NumberSummary().add(np.arange(20.0))


def make_source(folder, paths, folds, kept, seed=0):
    """Prepare the rows of files and give some folds as a source, and the survey."""
    found = surveyed(paths)
    columns = fit_columns(found, bins=16)
    rows, some, y = prepare_rows(found, columns, folder, folds=folds, seed=seed, chosen=np.array([3, 1, 3]))
    preprocessing = Preprocessing.of_columns(columns, some)
    scaled = preprocessing.for_scaled()
    sizes = np.random.default_rng(6).uniform(0.5, 2, preprocessing.n_features).astype(np.float32)
    extremes = measure_extremes(rows, scaled)
    source = PreparedSource(rows, kept, scaled, sizes, extremes, target="income", window_bytes=40_000)
    return source, preprocessing, sizes, (some, y)


@pytest.mark.parametrize(
    ("columns", "form"),
    [
        (["age", "wage", "job"], "compact"),
        (["age", "job", "when"], "compact"),
        (["age", "code", "flag"], "dense"),
        (["age", "wage", "flag", "note"], "sparse"),
    ],
)
def test_each_row_of_the_folds_is_used_once_an_epoch_with_the_features_of_the_table_in_memory(tmp_path, columns, form, monkeypatch):
    monkeypatch.setattr("chainrule.recipes.prepared_rows.PIECE_ROWS", 100)
    frame = mixed_rows(1000).assign(code=[f"code {k % 40}" for k in range(1000)])[[*columns, "income"]]
    paths = write_parts(frame, tmp_path, "parquet", [400])
    source, preprocessing, sizes, (some, y) = make_source(tmp_path, paths, 5, {0, 1, 3})
    table = cr.read_table(write(frame, tmp_path / "all.parquet"))
    found = "sparse" if preprocessing.sparse else "compact" if preprocessing.has_compact_form else "dense"
    assert found == form
    kept = np.isin(folds_of_rows(np.arange(1000), 5, 0), (0, 1, 3))
    expected = np.asarray(_dense(preprocessing.apply(table.take(kept)))) * sizes
    codes = infer_target(table["income"], "classification").y
    assert len(source) == kept.sum()
    assert some["age"].to_list() == table.take([3, 1, 3])["age"].to_list()
    assert y.tolist() == codes[[3, 1, 3]].tolist()
    rows = pickle.loads(pickle.dumps(StreamedRows(source, "float32", None)))
    plan = cr.Network([preprocessing.n_features, 2], seed=1).plan
    engine = _Keeping()
    for shards in (1, 3):
        got, classes = [], []
        for shard in range(shards):
            for part in rows.parts(engine, plan, 1, shuffle=True, batch_size=7, has_classes=True, shard=(shard, shards)):
                got.append(np.asarray(_dense(part.data.x))[part.order])
                classes.append(part.data.y[part.order])
        assert np.array_equal(_sorted(np.vstack(got), np.concatenate(classes)), _sorted(expected, codes[kept]))
        assert not np.array_equal(np.vstack(got), expected)


class _Keeping:
    """Gives examples back as they are."""

    def prepare(self, examples):
        return examples


def _dense(x):
    return x.toarray() if hasattr(x, "toarray") else np.asarray(x)


def _sorted(x, y):
    rows = np.column_stack([x, y])
    return rows[np.lexsort(rows.T)]


def test_the_digest_tells_the_rows_the_seed_and_the_folds(tmp_path):
    paths = write_parts(mixed_rows(300), tmp_path, "parquet", [100])
    digest = make_source(tmp_path, paths, 3, {0, 1})[0].measured.digest
    assert make_source(tmp_path, paths, 3, {0, 1})[0].measured.digest == digest
    assert make_source(tmp_path, paths, 3, {0, 2})[0].measured.digest != digest
    assert make_source(tmp_path, paths, 3, {0, 1}, seed=1)[0].measured.digest != digest


def test_folds_are_of_about_one_size():
    counts = np.bincount(folds_of_rows(np.arange(100_000), 10, seed=7), minlength=10)
    assert (np.abs(counts - 10_000) < 500).all()


@pytest.mark.parametrize("ending", FORMATS)
def test_a_model_of_files_predicts_as_one_of_the_table_in_memory(tmp_path, ending):
    frame, test = mixed_rows(3000), mixed_rows(1000, seed=1)
    write_parts(frame, tmp_path, ending, [1100])
    settings = {"networks": 2, "epochs": 4, "random_state": 0}
    streamed = cr.TableClassifier(**settings).fit(f"{tmp_path}/*.{ending}", target="income")
    in_memory_ = cr.TableClassifier(**settings).fit(cr.read_table(write(frame, tmp_path / f"all.{ending}")), "income")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.estimators.table_base.UnseenValuesWarning)
        scores = [model.score(test, "income") for model in (streamed, in_memory_)]
        assert scores[0] == pytest.approx(scores[1], abs=0.03)
        streamed.save(tmp_path / "model.safetensors")
        loaded = cr.load(tmp_path / "model.safetensors")
        assert np.array_equal(loaded.predict_proba(test), streamed.predict_proba(test))
    assert streamed.classes_.tolist() == ["high", "low"]
    assert streamed.feature_names_in_.tolist() == [name for name in frame if name != "income"]
    assert facts(streamed.model_.preprocessing.columns) == facts(in_memory_.model_.preprocessing.columns)
    assert streamed.model_.preprocessing.sparse == in_memory_.model_.preprocessing.sparse


def test_a_fit_of_files_is_the_same_every_time_and_with_any_threads(tmp_path):
    paths = write_parts(mixed_rows(800), tmp_path, "parquet", [300])
    models = [
        cr.TableClassifier(networks=2, epochs=2, random_state=0, threads=threads).fit(paths, target="income") for threads in (1, 2)
    ]
    assert all(
        np.array_equal(one, other)
        for one, other in zip(models[0].model_.networks[1].weights, models[1].model_.networks[1].weights, strict=True)
    )


def test_each_network_is_validated_on_a_fold_that_it_does_not_learn(tmp_path, monkeypatch):
    made = []

    def record(network, source, *, validation, **settings):
        made.append((source, validation))
        return Run(network, source, validation=validation, **settings)

    monkeypatch.setattr(streamed_table_training, "Run", record)
    paths = write_parts(mixed_rows(600), tmp_path, "parquet", [300])
    cr.TableClassifier(networks=3, epochs=1, random_state=0).fit(paths, target="income")
    folds = [{piece.fold for piece in validation._pieces} for _, validation in made]
    assert folds == [{0}, {1}, {2}]
    assert all(
        {piece.fold for piece in source._pieces} == set(range(10)) - fold for (source, _), fold in zip(made, folds, strict=True)
    )
    assert all(len(source) + len(validation) == 600 for source, validation in made)


def test_values_of_files_are_learnt(tmp_path):
    frame = mixed_rows(2000)
    frame["income"] = np.log(frame["wage"].fillna(1)) * 100 + frame["age"]
    paths = write_parts(frame, tmp_path, "parquet", [900])
    model = cr.TableRegressor(networks=1, epochs=6, random_state=0, kinds={"note": "identifier"}).fit(paths, target="income")
    assert model.score(frame, "income") > 0.9


def test_a_few_rows_are_all_trained_on(tmp_path):
    frame = mixed_rows(30)[["age", "wage", "income"]]
    model = cr.TableClassifier(networks=1, epochs=2, random_state=0).fit(write(frame, tmp_path / "a.parquet"), target="income")
    assert model.model_.training.rows == 30


@pytest.mark.parametrize(
    ("settings", "call", "message"),
    [
        ({}, {"sample_weight": np.ones(100)}, "sample_weight needs all rows in memory"),
        ({"class_weight": "balanced"}, {}, "class_weight needs"),
        ({"validation": (1, 2)}, {}, "validation needs"),
        ({"checkpoint": "folder", "random_state": 0}, {}, "checkpoint needs"),
        ({}, {"target": np.ones(100)}, "must be the name of one of their columns"),
        ({}, {"y": "income"}, "y and target both"),
        ({}, {"target": None}, "requires y to be passed"),
    ],
)
def test_what_needs_all_rows_in_memory_is_refused(tmp_path, settings, call, message):
    path = write(mixed_rows(100), tmp_path / "a.parquet")
    with pytest.raises(SettingError, match=message):
        cr.TableClassifier(**settings).fit(path, **{"target": "income", **call})


def test_files_that_are_not_there_and_targets_that_they_lack_are_errors(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        cr.TableClassifier().fit(tmp_path / "*.parquet", target="income")
    write(mixed_rows(100), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="has no column 'incom', the target"):
        cr.TableClassifier().fit(tmp_path / "*.parquet", target="incom")


def test_the_target_of_a_frame_may_be_named():
    frame = mixed_rows(100)
    model = cr.TableClassifier(networks=1, epochs=1, random_state=0).fit(frame, target="income")
    assert model.model_.target.name == "income"


def test_the_prepared_rows_are_removed_and_a_folder_without_space_is_an_error(tmp_path, monkeypatch):
    path = write(mixed_rows(100), tmp_path / "a.parquet")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    cr.TableClassifier(networks=1, epochs=1, random_state=0).fit(path, target="income")
    assert not list(folder.iterdir())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(FileError, match="TMPDIR"):
        cr.TableClassifier(networks=1, epochs=1, random_state=0).fit(path, target="income")


def test_files_that_are_changed_between_the_passes_are_noticed(tmp_path):
    paths = write_parts(mixed_rows(200), tmp_path, "parquet", [100])
    found = surveyed(paths)
    write(mixed_rows(50), Path(paths[1]))
    with pytest.raises(DataError, match="they were changed"):
        list(found.tables(["age"]))


@pytest.mark.parametrize("ending", FORMATS)
def test_many_iso_dates_as_texts_are_dates_as_those_of_few_rows(tmp_path, ending, monkeypatch):
    rng = np.random.default_rng(5)
    when = np.datetime64("1999-01-01T00:00:00") + rng.integers(0, 10**9, 1000).astype("m8[s]")
    texts = [*map(str, when[:500]), *(str(one).replace("T", " ") for one in when[500:]), "NA", ""]
    frame = pd.DataFrame({"when": texts, "v": np.arange(1002) % 7, "y": ["a", "b"] * 501})
    paths = write_parts(frame, tmp_path, ending, [400, 800])
    expected = facts(fit_columns(surveyed(paths, target="y"), bins=16))
    assert expected == in_memory(write(frame, tmp_path / f"all.{ending}"), target="y")[0]
    monkeypatch.setattr(column_survey, "MOST_TEXTS", 100)
    found = surveyed(paths, target="y")
    assert facts(fit_columns(found, bins=16)) == expected
    assert found.written == survey_of_few(paths, monkeypatch).written


def survey_of_few(paths, monkeypatch):
    monkeypatch.setattr(column_survey, "MOST_TEXTS", 1 << 17)
    return surveyed(paths, target="y")


@pytest.mark.parametrize("odd", ["2021-02-30", "31.12.2020", "soon"])
def test_many_dates_beside_something_else_are_refused(tmp_path, odd, monkeypatch):
    monkeypatch.setattr(column_survey, "MOST_TEXTS", 100)
    when = np.datetime64("1999-01-01") + np.arange(500)
    paths = write_parts(pd.DataFrame({"when": [*map(str, when), odd], "y": ["a", "b", "a"] * 167}), tmp_path, "csv", [300])
    with pytest.raises(DataError, match="'when' has more than 100 distinct texts"):
        surveyed(paths, target="y")
