"""The recipe for tables, through its estimators: folds, settings, limits, weights, targets, and the same bits for the same rows."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import chainrule as cr
from chainrule.errors import DataError, DivergenceError, SettingError, UnknownName
from chainrule.estimators import MissingTargetWarning
from chainrule.recipes.table_recipe import TableRecipe, recipe_for
from chainrule.recipes.table_training import check_recipe, fit_table_model, folds
from chainrule.tables.frames import table_from
from chainrule.tables.target import ClassTarget, ValueTarget
from chainrule.training import DivergenceWarning

QUICK = {"networks": 1, "hidden": (8,), "epochs": 20, "random_state": 0}
CLASSES = ClassTarget("y", ("a", "b"))
VALUES = ValueTarget("y", 0.0, 1.0, -1.0, 1.0)


def frame(n=200, seed=0):
    """Make a frame with a number that decides the class, and a category."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"number": rng.normal(size=n), "category": rng.choice(["x", "y", "z"], n)})


def labels(rows):
    """Name the classes of rows by the sign of their number."""
    return np.where(rows["number"] > 0, "up", "down")


# Folds and settings


@pytest.mark.parametrize(("n", "count"), [(100, 5), (103, 5), (26, 20), (5, 5)])
def test_folds_divide_each_class_alike(n, count):
    """Every row is in one fold, the folds are of equal size, and of each class each fold has the same number, give or take one."""
    y = np.random.default_rng(0).integers(0, 3, n)
    fold = folds(y, count, seed=1, stratify=True)
    sizes = np.bincount(fold, minlength=count)
    assert sizes.sum() == n
    assert np.ptp(sizes) <= 1
    for k in range(3):
        assert np.ptp(np.bincount(fold[y == k], minlength=count)) <= 1
    assert np.array_equal(fold, folds(y, count, seed=1, stratify=True))
    assert count == n or not np.array_equal(fold, folds(y, count, seed=2, stratify=True))


def test_each_network_is_validated_on_a_fold_of_its_own(monkeypatch):
    """Network k trains on all rows but the tenth of fold k, which chooses its epoch; the folds of networks are disjoint."""
    from chainrule.recipes import table_training

    passed = {}

    def record(networks, examples, **settings):
        passed.update(settings)
        return train(networks, examples, **settings)

    train = table_training._train
    monkeypatch.setattr(table_training, "_train", record)
    rows = frame(100)
    cr.TableClassifier(**{**QUICK, "networks": 5, "epochs": 1}).fit(rows, labels(rows))
    held_out = passed["validation_rows"]
    assert [len(rows) for rows in held_out] == [10] * 5
    assert len(set(np.concatenate(held_out))) == 50
    for rows_of_network, own in zip(passed["rows"], held_out, strict=True):
        assert sorted([*rows_of_network, *own]) == list(range(100))


@pytest.mark.parametrize(
    ("target", "chosen", "expected"),
    [
        (CLASSES, {}, {"metric": "accuracy", "cost": "log_loss", "label_smoothing": 0.05, "networks": 5}),
        (CLASSES, {"metric": "log_loss"}, {"cost": "log_loss", "label_smoothing": 0.0}),
        (CLASSES, {"metric": "auc"}, {"cost": "log_loss", "label_smoothing": 0.0}),
        (VALUES, {}, {"metric": "rmse", "cost": "mean_squared_error", "output": "identity"}),
        (VALUES, {"metric": "mae"}, {"cost": "huber"}),
        (CLASSES, {"epochs": 3, "hidden": (4,), "networks": 1}, {"epochs": 3, "hidden": (4,), "networks": 1}),
        (CLASSES, {"epochs": None}, {"epochs": recipe_for(CLASSES, 1000, {}).epochs}),
    ],
)
def test_the_recipe_follows_target_and_metric(target, chosen, expected):
    """The metric decides cost and label smoothing, and a chosen setting replaces the recipe's."""
    recipe = recipe_for(target, 1000, chosen)
    assert {name: getattr(recipe, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("target", "chosen", "error"),
    [
        (CLASSES, {"metric": "rmse"}, SettingError),
        (VALUES, {"metric": "auc"}, SettingError),
        (VALUES, {"metric": "nothing"}, UnknownName),
        (CLASSES, {"cost": "huber"}, SettingError),
        (VALUES, {"cost": "log_loss"}, SettingError),
        (CLASSES, {"batch_size": 0}, SettingError),
    ],
)
def test_a_recipe_that_does_not_suit_the_target_is_refused(target, chosen, error):
    """A metric or a cost for the other kind of target, and a wrong batch size, are refused."""
    with pytest.raises(error):
        recipe_for(target, 1000, chosen)


@pytest.mark.parametrize("rows", [1, 20, 100, 3000, 10**6])
@pytest.mark.parametrize("target", [CLASSES, VALUES])
def test_the_recipe_for_every_number_of_rows_can_be_trained(rows, target):
    """From one row to a million the recipe's own settings are accepted by a training."""
    check_recipe(recipe_for(target, rows, {}), target, threads="auto", engine="auto")


def test_settings_are_checked_before_the_columns_are_prepared():
    """A wrong number of networks, rate or engine is refused by ``check_recipe``."""
    for wrong in ({"networks": 0}, {"networks": 1001}, {"learning_rate": -1.0}, {"hidden": (0,)}, {"dropout": 1.0}):
        with pytest.raises(SettingError):
            check_recipe(recipe_for(CLASSES, 100, wrong), CLASSES, threads="auto", engine="auto")
    with pytest.raises(SettingError):
        check_recipe(TableRecipe(), CLASSES, threads="auto", engine="none")


# Limits, Ctrl-C and divergence


def test_the_time_limit_ends_the_training():
    """After the time limit no further epoch begins, and the model predicts."""
    rows = frame()
    model = cr.TableClassifier(**{**QUICK, "epochs": 10**6, "networks": 2}, time_limit=1).fit(rows, labels(rows))
    assert model.model_.training.stopped == "time limit"
    assert set(model.predict(rows)) <= {"up", "down"}


@pytest.mark.parametrize("networks", [1, 3])
def test_ctrl_c_keeps_the_networks_trained_so_far(monkeypatch, networks):
    """Ctrl-C after some epochs gives a fitted model with a warning."""
    lengths = iter(range(5 * networks))
    blocks = cr.executor.block_length

    def interrupted(*arguments):
        if next(lengths, None) is None:
            raise KeyboardInterrupt
        return blocks(*arguments)

    monkeypatch.setattr("chainrule.executor.block_length", interrupted)
    rows = frame()
    with pytest.warns(UserWarning, match=rf"was interrupted; the model has the best epochs of \d networks? of {networks}"):
        model = cr.TableClassifier(**{**QUICK, "networks": networks}).fit(rows, labels(rows))
    assert model.model_.training.stopped == "interrupted"
    assert model.predict(rows).shape == (200,)


def test_ctrl_c_before_the_first_epoch_keeps_the_earlier_fit(monkeypatch):
    """Ctrl-C before anything was learnt is raised, and an earlier fit stays as it was."""

    def interrupted(*_):
        raise KeyboardInterrupt

    rows = frame()
    model = cr.TableClassifier(**QUICK).fit(rows, labels(rows))
    before = model.predict_proba(rows)
    monkeypatch.setattr("chainrule.executor.block_length", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(rows, labels(rows)[::-1])
    assert np.array_equal(model.predict_proba(rows), before)


@pytest.mark.parametrize("networks", [1, 2])
def test_a_training_that_diverges_at_once_is_an_error(networks):
    """Where no network ends an epoch with finite parameters there is no model, and the error names the rate."""
    rows = table_from(frame())
    recipe = TableRecipe(networks=networks, hidden=(8,), epochs=3, batch_size=16, optimizer="sgd", learning_rate=1e30)
    with pytest.raises(DivergenceError, match=r"diverged in the first epoch: .* too high \(1e\+30\); lower it"):
        fit_table_model(rows, CLASSES, np.arange(200) % 2, recipe, seed=0)


def test_a_divergence_is_a_warning_where_there_is_a_model(monkeypatch):
    """Where a network diverges after some epochs, ``fit`` warns, and the model has the best epochs until then."""
    from chainrule.recipes import table_training

    trained = table_training._train

    def diverge(networks, examples, **settings):
        histories = trained(networks, examples, **settings)
        histories[0].stopped = "diverged"
        return histories

    monkeypatch.setattr(table_training, "_train", diverge)
    rows = frame()
    with pytest.warns(
        DivergenceWarning, match="the training of a network diverged; the model has the best epochs of 1 network of 1"
    ):
        cr.TableClassifier(**QUICK).fit(rows, labels(rows))


# Rows, weights and targets


def test_validation_rows_choose_the_epoch():
    """With ``validation=`` every network trains on all rows, and the given rows give the validation cost."""
    rows, others = frame(), frame(60, seed=1)
    model = cr.TableClassifier(**{**QUICK, "networks": 2}, validation=(others, labels(others))).fit(rows, labels(rows))
    assert {network.provenance.examples for network in model.model_.networks} == {200}
    cost = -np.log(model.model_.networks[0].feedforward(model.model_.preprocessing.apply(table_from(others))))
    y = (labels(others) == "up").astype(int)
    best = model.model_.training.validation_costs[0]
    assert best == pytest.approx(cost[np.arange(60), y].mean(), rel=1e-4)
    by_name = cr.TableClassifier(**{**QUICK, "networks": 2}, validation=(others.assign(y=labels(others)), "y"))
    assert np.array_equal(by_name.fit(rows.assign(y=labels(rows)), "y").predict_proba(rows), model.predict_proba(rows))


def test_a_weight_of_zero_leaves_a_row_without_effect_on_the_gradient():
    """Rows of weight 0 with the opposite label do not change what is learnt; without weights they do."""
    rows = frame(400)
    y = labels(rows)
    wrong = np.random.default_rng(2).random(400) < 0.6
    noisy = np.where(wrong, np.where(y == "up", "down", "up"), y)
    weighted = cr.TableClassifier(**QUICK).fit(rows, noisy, sample_weight=(~wrong).astype(float))
    plain = cr.TableClassifier(**QUICK).fit(rows, noisy)
    assert np.mean(weighted.predict(rows) == y) > 0.9
    assert np.mean(plain.predict(rows) == y) < 0.5


def test_class_weight_moves_the_answers_to_the_rare_class():
    """A heavier class is told more often; "balanced" and the dict of its weights give the same bits."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"number": rng.normal(size=400)})
    y = np.where(rows["number"] + rng.normal(size=400) > 1.5, "rare", "usual")
    plain, heavy = (cr.TableClassifier(**QUICK, class_weight=weight).fit(rows, y) for weight in (None, "balanced"))
    assert np.sum(heavy.predict(rows) == "rare") > np.sum(plain.predict(rows) == "rare")
    weights = {name: 400 / (2 * np.sum(y == name)) for name in ("rare", "usual")}
    same = cr.TableClassifier(**QUICK, class_weight=weights).fit(rows, y)
    assert np.array_equal(same.predict_proba(rows), heavy.predict_proba(rows))


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
@pytest.mark.parametrize("as_target", [pd.Series, lambda y, name: np.asarray(y)])
def test_rows_without_a_target_are_left_out_with_a_warning(gap, as_target):
    """Gaps of any library in y are left out with a warning that counts them, weights with them; the rest is learnt as alone."""
    rows = frame()
    y = as_target(pd.Series([*[gap] * 20, *labels(rows)[20:]], dtype=object), name="size")
    with pytest.warns(MissingTargetWarning, match="the target of 20 rows is missing; they are left out"):
        model = cr.TableClassifier(**QUICK).fit(rows, y, sample_weight=np.r_[np.full(20, 9.0), np.ones(180)])
    alone = cr.TableClassifier(**QUICK).fit(rows[20:], y[20:], sample_weight=np.ones(180))
    assert np.array_equal(model.predict_proba(rows), alone.predict_proba(rows))


def test_the_targets_column_is_left_out_of_the_columns():
    """The target may be a column's name; a column of X with the name of y is not learnt from."""
    rows = frame()
    with_target = rows.assign(size=labels(rows))
    by_name = cr.TableClassifier(**QUICK).fit(with_target, "size")
    by_column = cr.TableClassifier(**QUICK).fit(with_target, with_target["size"])
    alone = cr.TableClassifier(**QUICK).fit(rows, pd.Series(labels(rows), name="size"))
    assert by_name.feature_names_in_.tolist() == ["number", "category"]
    for other in (by_column, alone):
        assert np.array_equal(by_name.predict_proba(rows), other.predict_proba(with_target))


@pytest.mark.parametrize(
    ("X", "y", "says"),
    [
        (frame(30), np.full(30, "a"), "holds only one class or value, 'a', in all 30 rows"),
        (frame(30), np.full(30, None), "missing in every row"),
        (frame(30), "z", "the table has no column 'z' for the target"),
        (frame(30)[["number"]].rename(columns={"number": "y"}), "y", "no column beside the target"),
        (frame(30), np.arange(20) % 2, "30 rows, but y has 20"),
        (frame(1200), np.array([f"n{k}" for k in range(1200)]), "the limit is 1,000"),
    ],
)
def test_a_target_that_cannot_be_learnt_is_refused(X, y, says):
    """One class, no value, an unknown column, other lengths and more than 1,000 classes are refused with the reason."""
    with pytest.raises(DataError, match=says):
        cr.TableClassifier(**QUICK).fit(X, y)


def test_many_classes_are_learnt_by_name():
    """A hundred classes of texts are told by their names, with a probability each that sum to 1."""
    number = np.arange(1000) % 100
    names = np.array([f"class {k:02}" for k in number])
    model = cr.TableClassifier(**{**QUICK, "hidden": (64,), "epochs": 60}).fit({"number": number}, names)
    assert model.classes_.tolist() == sorted(set(names))
    assert np.mean(model.predict({"number": number}) == names) > 0.3
    assert np.allclose(model.predict_proba({"number": number}).sum(axis=1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (np.array([-1, 1] * 50), [-1, 1]),
        (np.array([True, False] * 50), [False, True]),
        (np.array(["b", "a"] * 50), ["a", "b"]),
    ],
)
def test_labels_come_back_in_their_own_type(y, expected):
    """Whole numbers, booleans and texts are told as they were given."""
    model = cr.TableClassifier(**QUICK).fit(frame(100), y)
    assert model.classes_.tolist() == expected
    told = model.predict(frame(100))
    assert {type(value) for value in told.tolist()} == {type(expected[0])}


def test_values_are_in_their_unit_and_in_the_range_seen():
    """Values come back in the target's unit, and never beyond the range of the training's."""
    rows = frame(400)
    y = (1e6 + 1000 * rows["number"]).rename("y")
    model = cr.TableRegressor(**{**QUICK, "epochs": 60}).fit(rows, y)
    assert np.corrcoef(model.predict(rows), y)[0, 1] > 0.95
    far = model.predict({"number": [1e9, -1e9], "category": ["x", "x"]})
    assert far.max() <= y.max()
    assert far.min() >= y.min()


# The same bits


@pytest.mark.parametrize("networks", [1, 3])
@pytest.mark.parametrize("hidden", [(8,), (128, 128, 128)])
def test_a_row_has_the_same_bits_alone_and_in_a_batch(networks, hidden):
    """The probabilities of a row are the same bits among 2,000 rows, among 7, and alone."""
    rows = frame(2000)
    model = cr.TableClassifier(networks=networks, hidden=hidden, epochs=1, random_state=0).fit(rows, labels(rows))
    together = model.predict_proba(rows)
    assert np.array_equal(model.predict_proba(rows[:7]), together[:7])
    for k in (0, 1, 500, 1999):
        assert np.array_equal(model.predict_proba(rows[k : k + 1])[0], together[k])


def test_the_same_seed_gives_the_same_bits_with_any_threads():
    """A seed decides every bit, whatever the threads; another seed gives another model."""
    rows = frame()
    settings = {"networks": 2, "hidden": (8,), "epochs": 3}
    one, two, other = (
        cr.TableClassifier(**settings, random_state=seed, threads=threads).fit(rows, labels(rows)).predict_proba(rows)
        for seed, threads in ((0, 1), (0, 2), (1, 1))
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "dict", "Table"])
def test_every_kind_of_frame_gives_the_same_bits(kind):
    """The same columns in any library's frame are learnt and answered to the same bits."""
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    rows = frame()
    as_dict = {name: rows[name].tolist() for name in rows}
    made = {
        "pandas": rows,
        "polars": pl.DataFrame(as_dict),
        "arrow": pa.table(as_dict),
        "dict": as_dict,
        "Table": table_from(as_dict),
    }
    expected = cr.TableClassifier(**QUICK).fit(rows, labels(rows)).predict_proba(rows)
    model = cr.TableClassifier(**QUICK).fit(made[kind], labels(rows))
    assert np.array_equal(model.predict_proba(made[kind]), expected)
    assert np.array_equal(model.predict_proba(rows), expected)


def test_an_estimator_that_is_not_fitted_says_so():
    """Predicting and saving before ``fit`` are scikit-learn's error."""
    for call in (lambda model: model.predict(frame()), lambda model: model.predict_proba(frame()), lambda model: model.save("x")):
        with pytest.raises(NotFittedError):
            call(cr.TableClassifier())


def test_nothing_is_printed_or_warned_by_default(capsys):
    """A fit without ``verbose`` is silent; with it each epoch is a line."""
    rows = frame()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cr.TableClassifier(**QUICK).fit(rows, labels(rows))
    assert capsys.readouterr().out == ""
    cr.TableClassifier(**{**QUICK, "epochs": 3, "networks": 2}, verbose=True).fit(rows, labels(rows))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert all(line.startswith("epoch ") for line in lines)
