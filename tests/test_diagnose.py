"""``cr.diagnose`` and ``cr.LiveDiagnosis`` on trainings: what they name, how they show it, and what they refuse."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from explanation_helpers import ParsedPage

import chainrule as cr
from chainrule.diagnosing.rules import RULES

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("the benchmarks are not beside the tests", allow_module_level=True)
sys.path.insert(0, str(ROOT))

from benchmarks.diagnoses.cases import FAILURES, first_images  # noqa: E402
from benchmarks.diagnoses.trial import try_case  # noqa: E402

SMALLER = {
    "eta = 100": {"data": first_images(5000)},
    "eta = 0.001": {"data": first_images(5000), "sizes": (784, 30, 10), "training": {"epochs": 3}},
    "1,000 images, 400 epochs": {"data": first_images(300), "training": {"epochs": 100}},
}
"""What makes the long cases short; the others train for less than a second."""


def shortened(case):
    """Give a case with less data or fewer epochs."""
    changes = dict(SMALLER.get(case.name, {}))
    training = {**case.training, **changes.pop("training", {})}
    return replace(case, training=training, **changes)


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case.name)
def test_a_failure_is_named_and_mended(case):
    """Each failure is named as a finding, and the same training with the first remedy has a better score."""
    outcome = try_case(shortened(case), seed=0)
    assert outcome.named, outcome.diagnosis
    assert outcome.improved, (outcome.before, outcome.after, outcome.remedy)


def test_the_cases_show_every_rule():
    """Each rule has a training that fails by it."""
    assert {case.expected for case in FAILURES} == set(RULES)


HEALTHY = {
    "notes": ({}, {"learning_rate": 3.0}),
    "cross-entropy": ({"cost": "cross_entropy", "init": "scaled"}, {"learning_rate": 0.5}),
    "relu": ({"activation": "relu", "cost": "log_loss"}, {"learning_rate": 0.05}),
    "tanh and momentum": ({"activation": "tanh", "cost": "log_loss"}, {"learning_rate": 0.01, "optimizer": "nesterov"}),
    "adam and dropout": ({"activation": "selu", "cost": "log_loss"}, {"learning_rate": 0.001, "optimizer": "adam", "dropout": 0.1}),
    "float64": ({"dtype": "float64", "cost": "cross_entropy", "init": "scaled"}, {"learning_rate": 0.5, "l2": 1e-4}),
}


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize("sizes", [[64, 30, 10], [64, 10], [64, 40, 40, 10]], ids=str)
def test_healthy_networks_have_no_finding(name, sizes):
    """Networks of several kinds that learn scikit-learn's digits have nothing to hear, during the training either."""
    network, training = HEALTHY[name]
    if len(sizes) == 2:
        network = {key: value for key, value in network.items() if key != "activation"}
    digits, told = cr.datasets.digits(), []
    net = cr.Network(sizes, seed=3, **network)
    live = cr.LiveDiagnosis(net, digits.train, report=told.append)
    history = cr.train(net, digits.train, epochs=20, batch_size=10, validation=digits.validation, callbacks=[live], **training)
    assert net.accuracy(digits.validation) > 0.8
    assert told == []
    assert cr.diagnose(net, digits.train, history).findings == ()


def test_values_that_are_learnt_have_no_finding():
    """A network that fits noisy points of a curve has nothing to hear; without a history it says what it could not see."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, (400, 1))
    y = np.sin(2 * x) + 0.1 * rng.normal(size=x.shape)
    net = cr.Network([1, 20, 1], activation="tanh", cost="mean_squared_error", seed=0)
    history = cr.train(net, (x[:300], y[:300]), epochs=200, batch_size=10, learning_rate=0.05, validation=(x[300:], y[300:]))
    assert cr.diagnose(net, (x, y), history).findings == ()
    blind = cr.diagnose(net, (x, y))
    assert blind.not_examined["overfitting"].startswith("needs history")
    assert "not examined: needs history" in " ".join(str(blind).split())


def weak_values(rng):
    """Give 5,000 rows whose first column has a tenth of the targets' variance."""
    x = rng.normal(size=(5000, 10))
    return x, np.sqrt(0.1) * x[:, :1] + np.sqrt(0.9) * rng.normal(size=(5000, 1))


def weak_classes(rows, correct):
    """Give a function that draws rows of which so large a share has the class that the first column's sign tells."""

    def draw(rng):
        x = rng.normal(size=(rows, 10))
        return x, ((x[:, 0] > 0) == (rng.random(rows) < correct)).astype(int)

    return draw


def weak_products(rng):
    """Give 5,000 rows whose class the signs of two columns tell together, and neither alone; 40 % of the classes are wrong."""
    x = rng.normal(size=(5000, 10))
    return x, ((x[:, 0] * x[:, 1] > 0) == (rng.random(5000) < 0.6)).astype(int)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "draw",
    [weak_values, weak_products, *(weak_classes(*shape) for shape in ((5000, 0.55), (5000, 0.65), (600, 0.6)))],
    ids=["values", "products", "55 %", "65 %", "600 rows, 40 % noise"],
)
def test_a_weak_relation_is_no_finding(draw, seed):
    """A network that learnt the little that noisy targets hold is not told that its labels are unrelated to its inputs."""
    x, y = draw(np.random.default_rng(seed))
    values = y.ndim == 2
    net = cr.Network([10, 20, 1 if values else 2], cost="mean_squared_error" if values else "log_loss", init="scaled", seed=seed)
    cut = len(x) * 4 // 5
    validation = (x[cut:], y[cut:])
    history = cr.train(net, (x[:cut], y[:cut]), epochs=10, batch_size=10, learning_rate=0.02, validation=validation)
    for known in (history, None):
        assert [one for one in cr.diagnose(net, (x[:cut], y[:cut]), known).findings if one.level == "finding"] == []


def trained_notes_network(rows=3000):
    """Train the notes' network for two epochs."""
    data = cr.datasets.mnist().train[:rows]
    net = cr.Network([784, 30, 10], seed=0)
    history = cr.train(net, data, epochs=2, batch_size=10, learning_rate=3.0, validation=cr.datasets.mnist().validation[:500])
    return net, data, history


def test_kinds_of_inputs_give_one_diagnosis():
    """Pixels, floats of both dtypes and CSR rows of the same images have the same measurements."""
    net, data, history = trained_notes_network()
    pixels = cr.diagnose(net, data, history).measurements
    for x in (data.x / 255.0, (data.x / 255.0).astype(np.float32), scipy.sparse.csr_matrix(data.x / 255.0)):
        other = cr.diagnose(net, (x, data.y), history).measurements
        assert other.output.cost == pytest.approx(pixels.output.cost, rel=1e-5)
        assert [layer.saturated for layer in other.layers] == pytest.approx([layer.saturated for layer in pixels.layers], abs=1e-3)


def test_a_diagnosis_is_repeatable_and_leaves_everything_alone():
    """Two diagnoses are equal; neither writes to the network or the data."""
    net, data, history = trained_notes_network()
    before = [array.copy() for array in (*net.weights, *net.biases, data.x)]
    first, second = cr.diagnose(net, data, history), cr.diagnose(net, data, history)
    assert first.to_dict() == second.to_dict()
    assert all(np.array_equal(old, new) for old, new in zip(before, (*net.weights, *net.biases, data.x), strict=True))


def test_the_three_faces(tmp_path):
    """A diagnosis prints within 100 columns without markup, saves a page that loads nothing, and displays itself in a notebook."""
    net, data, history = trained_notes_network()
    diagnosis = cr.diagnose(net, data, history)
    text = str(diagnosis)
    assert "The network was trained for 2 epochs" in text
    assert "the most frequent class alone would have" in " ".join(text.split())
    assert "1. Advice: hidden units saturated at the start  (N10, BP2)" in text
    assert max(map(len, text.splitlines())) <= 100
    assert not any(markup in text for markup in ("$", "`", "\\frac"))
    diagnosis.save(tmp_path / "d.html")
    page = ParsedPage((tmp_path / "d.html").read_text(encoding="utf-8"))
    assert page.open_tags == []
    assert page.addresses == []
    assert "hidden units saturated at the start" in diagnosis._repr_html_()
    assert repr(diagnosis).startswith("Diagnosis(hidden units saturated at the start (advice); ")
    assert "hidden units saturated at the start" in diagnosis
    assert "overfitting" not in diagnosis


def test_a_live_diagnosis_tells_a_finding_once():
    """The finding is told after the epoch in which it appears, and not again."""
    told = []
    net = cr.Network([784, 30, 10], seed=0)
    data = cr.datasets.mnist().train[:2000]
    live = cr.LiveDiagnosis(net, data, report=lambda finding: told.append((finding.name, len(live.records))))
    cr.train(net, data, epochs=8, batch_size=10, learning_rate=100.0, callbacks=[live])
    assert ("learning rate too high", 1) in told
    assert len({name for name, _ in told}) == len(told)
    assert live.diagnosis.measurements.curves.epochs == 8


def test_a_live_diagnosis_knows_a_start_set_by_hand(capsys):
    """The single neuron that starts at w = b = 2 is seen to have moved little, which no seed would tell; findings are printed."""
    net, data = cr.Network([1, 1], seed=0), (np.ones((1, 1)), np.zeros((1, 1)))
    net.weights[0][:] = net.biases[0][:] = 2.0
    live = cr.LiveDiagnosis(net, data)
    cr.train(net, data, epochs=4, batch_size=1, learning_rate=0.15, callbacks=[live])
    assert live.diagnosis.measurements.moved[0] < 0.01
    assert capsys.readouterr().out.startswith("epoch 1: finding: outputs saturated and wrong. 100.0 % of the rows")
    assert repr(live) == f"LiveDiagnosis(4 epochs, told: outputs saturated and wrong; {live.diagnosis!r})"


def test_a_history_is_read_from_a_folder(tmp_path):
    """The folder of a training with checkpoints, its history.jsonl and its records give the curves of the history itself."""
    net, data = cr.Network([64, 10], seed=0), cr.datasets.digits()
    history = cr.train(
        net, data.train, epochs=6, batch_size=10, learning_rate=0.5, validation=data.validation, checkpoint=tmp_path / "run"
    )
    curves = cr.diagnose(net, data.train, history).measurements.curves
    for given in (tmp_path / "run", str(tmp_path / "run" / "history.jsonl"), history.records):
        assert cr.diagnose(net, data.train, given).measurements.curves == curves


def test_the_best_epochs_network_is_judged_by_its_own_epochs():
    """Where early stopping kept an earlier epoch, the curve ends there: what came after is not the network's fault."""
    train, validation = first_images(300)(0)
    net = cr.Network([784, 30, 10], cost="cross_entropy", seed=0)
    settings = {"epochs": 100, "batch_size": 10, "learning_rate": 0.5, "validation": validation[:2000]}
    history = cr.train(net, train, early_stopping=5, **settings)
    assert cr.diagnose(net, train, history).measurements.curves.epochs == history.best_epoch < len(history)


def test_estimators_are_diagnosed_on_their_own_rows():
    """An estimator takes X and y as its fit does, and its loss curve is the history; of a table the first network is examined."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)) * [1, 1000, 1]
    y = np.where(x[:, 0] + x[:, 1] / 1000 > 0, "yes", "no")
    scaled = cr.MLPClassifier(hidden_layer_sizes=(20,), standardize=True, random_state=0, max_iter=3000).fit(x, y)
    diagnosis = cr.diagnose(scaled, (x, y))
    assert diagnosis.findings == ()
    assert diagnosis.measurements.curves.epochs == len(scaled.loss_curve_)
    frame = {"a": x[:, 0].tolist(), "b": x[:, 1].tolist()}
    table = cr.TableClassifier(networks=1, hidden=(16,), epochs=30, random_state=0).fit(frame, y)
    found = cr.diagnose(table, (frame, y))
    assert found.measurements.output.accuracy > 0.9
    assert found.measurements.start is None
    assert [finding for finding in found.findings if finding.level == "finding"] == []


def test_answers_are_judged_with_the_weights_of_the_rows():
    """Cost and accuracy are those that the network itself measures on weighted examples; the layers' shares count rows."""
    net, data, _ = trained_notes_network(500)
    weighted = cr.Examples(data.x, data.y, weights=np.linspace(1, 5, len(data)))
    found, plain = cr.diagnose(net, weighted).measurements, cr.diagnose(net, data).measurements
    assert found.output.cost == pytest.approx(net.cost(weighted), rel=1e-5)
    assert found.output.accuracy == pytest.approx(net.accuracy(weighted))
    assert found.output.constant_accuracy == pytest.approx(np.bincount(data.y, weighted.weights).max() / weighted.weights.sum())
    assert found.layers == plain.layers


def test_an_estimator_whose_targets_are_far_from_0_is_told_to_scale_them():
    """Values of about 1,000 are out of reach in 60 epochs: the targets are named, and not the rate."""
    x = np.random.default_rng(0).normal(size=(500, 4))
    y = 1000 + 50 * x[:, 0]
    with pytest.warns(UserWarning, match="converge"):
        model = cr.MLPRegressor(hidden_layer_sizes=(16,), max_iter=60, random_state=0).fit(x, y)
    found = cr.diagnose(model, (x, y)).findings
    assert [one.name for one in found if one.level == "finding"] == ["targets not scaled"]
    assert "TransformedTargetRegressor" in found[0].remedies[0].text


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_remedies_for_an_estimator_are_its_hyperparameters():
    """A rate that is too high is named alone, though large weights make delta explode too; learning_rate_init lowers it."""
    x = np.random.default_rng(0).normal(size=(300, 4))
    model = cr.MLPClassifier((20,), solver="sgd", learning_rate_init=50.0, max_iter=20, random_state=0).fit(3 * x, x[:, 0] > 0)
    found = [one for one in cr.diagnose(model, (3 * x, x[:, 0] > 0)).findings if one.level == "finding"]
    assert [one.name for one in found] == ["learning rate too high"]
    assert "cr.MLPClassifier(learning_rate_init=5.0)" in found[0].remedies[0].text


@pytest.mark.parametrize("weighted", [lambda y: np.arange(len(y)) < 20, lambda y: y != 3], ids=["few rows", "all but one class"])
def test_rows_without_weight_are_left_out(weighted):
    """The diagnosis is that of the rows that have a weight, however few; a class without any is absent."""
    net, data, history = trained_notes_network(1000)
    weights = weighted(data.y).astype(float)
    found = cr.diagnose(net, cr.Examples(data.x, data.y, weights=weights), history)
    kept = cr.diagnose(net, data[np.flatnonzero(weights)], history)
    assert found.measurements == kept.measurements


@pytest.mark.parametrize("seed", range(2))
def test_a_network_trained_with_class_weights_has_no_finding(seed):
    """A healthy network of a rare class, whose rows weigh more, is compared with the constant answer to weighted rows."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(5000, 10))
    y = ((x[:, 0] + 1.5 * rng.normal(size=5000)) > 2).astype(int)
    data = cr.Examples(x, y, weights=1 / np.bincount(y)[y])
    net = cr.Network([10, 20, 2], cost="cross_entropy", init="scaled", seed=seed)
    history = cr.train(net, data, epochs=20, batch_size=10, learning_rate=0.1)
    assert [one for one in cr.diagnose(net, data, history).findings if one.level == "finding"] == []


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda net: cr.diagnose(net, np.ones((3, 2))), cr.ChainruleError, "needs y, the labels or targets"),
        (lambda net: cr.diagnose(net, (np.ones((3, 5)), np.ones((3, 1)))), ValueError, "takes 2"),
        (lambda net: cr.diagnose("net", (np.ones((3, 2)), np.ones(3))), TypeError, "takes a Network or a fitted estimator"),
        (lambda net: cr.diagnose(net, (np.ones((3, 2)), np.ones(3)), [1, 2]), TypeError, "history must be a History"),
        (lambda net: cr.diagnose(net, (np.ones((3, 2)), np.ones(3)), "nowhere"), OSError, "no such file or folder: nowhere"),
        (lambda net: cr.LiveDiagnosis("net", (np.ones((3, 2)), np.ones(3))), TypeError, "takes the Network that is trained"),
        (lambda net: cr.LiveDiagnosis(net, np.ones((3, 2))), ValueError, "needs y"),
    ],
)
def test_what_cannot_be_diagnosed_is_refused(call, error, says):
    """Missing targets, another width, another type of network or history: each is refused, with the remedy."""
    with pytest.raises(error, match=says):
        call(cr.Network([2, 3, 1], seed=0))


def test_a_file_without_records_is_refused(tmp_path):
    """A file that holds no epochs is not taken for an empty history."""
    (tmp_path / "history.jsonl").write_text("no record\n")
    net = cr.Network([2, 1], seed=0)
    with pytest.raises(OSError, match="holds no records of epochs"):
        cr.diagnose(net, (np.ones((3, 2)), np.ones(3)), tmp_path / "history.jsonl")


def test_parameters_that_are_not_finite_are_refused():
    """A network with NaN in it is refused, not diagnosed."""
    net = cr.Network([2, 1], seed=0)
    net.weights[0][:] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        cr.diagnose(net, (np.ones((3, 2)), np.ones(3)))


def test_underfitting_is_told_at_the_end():
    """A flat curve may fall again: underfitting is not told within the training, but by ``examine`` after it."""
    case, told = next(case for case in FAILURES if case.expected == "underfitting"), []
    (train, validation), net = case.data(0), cr.Network(case.sizes, seed=0, **case.network)
    live = cr.LiveDiagnosis(net, train, report=lambda finding: told.append(finding.name))
    cr.train(net, train, validation=validation, callbacks=[live], **{**case.training, "epochs": 128})
    assert "underfitting" in live.diagnosis
    assert told == []
    live.examine()
    assert told == ["underfitting"]
