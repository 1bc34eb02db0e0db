"""The rules of a diagnosis on made measurements: what each names, at which level, and what it proposes."""

from dataclasses import replace

import pytest
from diagnosis_helpers import UNLEARNT, healthy, layer
from hypothesis import given
from hypothesis import strategies as st

from chainrule.diagnosing.rules import RULES, find, not_examined
from chainrule.explaining.equation_table import find_equation
from chainrule.explaining.formula_markup import to_mathml, to_text

shares = st.floats(0, 1)


def named(measurements):
    """Give the names of the findings and their levels."""
    return {finding.name: finding.level for finding in find(measurements)}


def finding_of(measurements, name):
    """Give the finding of this name."""
    return next(finding for finding in find(measurements) if finding.name == name)


def test_a_healthy_training_has_no_finding():
    """Measurements of a network that learnt well are given nothing, and every rule that applies was examined."""
    assert named(healthy()) == {}
    assert all(reason.startswith("does not apply") for reason in not_examined(healthy()).values())


FAILING = {
    "labels constant": {"data": {"constant": True, "deviations": None}},
    "labels unrelated to the inputs": {
        "output": replace(UNLEARNT, cost=0.45),
        "data": {"deviations": 0.4, "neighbours": 0.11, "gradient_deviations": 0.2, "product_deviations": 0.3},
        "curves": {"validation_accuracy": 0.1},
    },
    "inputs not scaled": {"output": UNLEARNT, "data": {"largest_input": 800.0, "largest_effect": 250.0}},
    "targets not scaled": {
        "output": replace(UNLEARNT, cost=5e5, constant_cost=1300.0, accuracy=None, constant_accuracy=None),
        "data": {"counts": (), "rarest": None, "rarest_recall": None, "target_mean": 1000.0, "target_spread": 50.0},
        "start_cost": 5.1e5,
    },
    "learning rate too high": {"output": UNLEARNT, "steps": {"first_change": 35.0}},
    "learning rate too low": {"output": UNLEARNT, "settings": {"learning_rate": 0.001}, "steps": {"best_rate": 10.0}},
    "weights that never moved": {"output": UNLEARNT, "moved": (0.0, 1e-7)},
    "dead ReLUs": {"output": UNLEARNT, "layers": (layer(1, "relu", saturated=None, dead=0.9), layer(2))},
    "vanishing delta": {"output": UNLEARNT, "start": (layer(1, delta=1e-5), layer(2, delta=0.02))},
    "exploding delta": {"output": UNLEARNT, "start": (layer(1, delta=50.0), layer(2, delta=0.02))},
    "hidden units saturated at the start": {"output": UNLEARNT, "start": (layer(1, saturated=0.84), layer(2))},
    "outputs saturated and wrong": {"output": replace(UNLEARNT, wrong_rows=0.9, wrong_slope=0.05)},
    "class imbalance": {"data": {"counts": (990, 10), "rarest": 1, "rarest_recall": 0.1}},
    "overfitting": {"curves": {"validation_accuracy": 0.82, "validation_cost": 1.5, "lowest_validation_cost": 1.1}},
    "underfitting": {"output": UNLEARNT, "curves": {"late_fall": 0.01}},
}
"""What must be measured for each rule to name a finding."""


@pytest.mark.parametrize("name", RULES)
def test_each_rule_names_its_failure(name):
    """Every rule has a failure that it names as a finding, and the same measurements lead to no other finding."""
    findings = {found for found, level in named(healthy(**FAILING[name])).items() if level == "finding"}
    assert findings == {name}


@pytest.mark.parametrize("name", RULES)
def test_each_finding_has_equations_formulas_and_a_remedy(name):
    """Its equations are those of the notes, its formulas can be drawn, its texts hold numbers, and a remedy is a call."""
    finding = finding_of(healthy(**FAILING[name]), name)
    assert [find_equation(number).number for number in finding.equations] == list(finding.equations)
    assert all(to_text(line) and to_mathml(line).startswith("<math") for line in finding.formulas)
    assert any(letter.isdigit() for letter in finding.measured)
    assert "`" in finding.remedies[0].text
    assert "try" in str(finding).lower()


@pytest.mark.parametrize(
    ("missing", "names"),
    [
        ({"curves": None}, {"overfitting", "underfitting"}),
        ({"start": None, "moved": None}, {"weights that never moved", "hidden units saturated at the start"}),
        ({"steps": None, "curves": None}, {"learning rate too low", "overfitting", "underfitting"}),
        ({"settings": {"optimizer": "adam"}, "curves": None}, {"learning rate too low", "overfitting", "underfitting"}),
        ({"start_cost": None, "curves": None}, {"learning rate too high", "overfitting", "underfitting"}),
    ],
)
def test_a_missing_measurement_is_said(missing, names):
    """A rule whose measurements are missing is listed with what it needs, and never passed over in silence."""
    reasons = not_examined(healthy(**missing))
    assert {name for name, reason in reasons.items() if not reason.startswith("does not apply")} == names
    assert all("needs" in reasons[name] or "too large" in reasons[name] for name in names)


@given(saturated=shares, dead=shares, ratio=st.floats(1e-6, 1e6), effect=st.floats(0, 1e6))
def test_a_network_that_learnt_has_advice_at_most(saturated, dead, ratio, effect):
    """Saturated and dead units, small and large deltas and unscaled inputs are no finding where the answers are good."""
    layers = (layer(1, "tanh", saturated=saturated, delta=ratio * 0.02), layer(2, "relu", saturated=None, dead=dead, delta=0.02))
    measurements = healthy(layers=layers, start=layers, data={"largest_input": effect, "largest_effect": effect})
    assert set(named(measurements).values()) <= {"advice"}


@given(shares, shares)
def test_more_saturation_is_never_judged_milder(one, other):
    """The level grows with the share of pairs that start saturated: nothing, advice, finding."""
    order = [None, "advice", "finding"]
    levels = []
    for share in sorted((one, other)):
        start = (layer(1, saturated=share), layer(2))
        found = named(healthy(output=UNLEARNT, start=start)).get("hidden units saturated at the start")
        levels.append(order.index(found))
    assert levels == sorted(levels)


@given(rate=st.floats(1e-3, 1e3), change=st.floats(10.1, 1e9))
def test_the_remedy_of_a_high_rate_is_lower(rate, change):
    """The rate that is proposed is at most a tenth of the one that was too high, to one digit, and above 0."""
    measurements = healthy(output=UNLEARNT, settings={"learning_rate": rate}, steps={"first_change": change, "best_rate": 0.0})
    proposed = finding_of(measurements, "learning rate too high").remedies[0].training["learning_rate"]
    assert 0 < proposed <= 0.101 * rate * 1.5


@given(rate=st.floats(1e-9, 0.3), best=st.floats(1e-4, 1e3))
def test_the_remedy_of_a_low_rate_is_higher(rate, best):
    """A rate is too low where it is 300 times below the best one, or below 30; the one proposed is higher."""
    measurements = healthy(output=UNLEARNT, settings={"learning_rate": rate}, steps={"best_rate": best, "first_change": 0.001})
    too_low = "learning rate too low" in named(measurements)
    assert too_low == (min(best, 30.0) >= 300 * rate)
    if too_low:
        remedy = finding_of(measurements, "learning rate too low").remedies[0]
        assert rate < remedy.training["learning_rate"] <= 3.0


@given(straightness=st.floats(0, 3), steady=shares, skill=st.floats(0, 0.75))
def test_a_straight_line_of_any_optimizer_is_a_low_rate(straightness, steady, skill):
    """A cost that falls evenly, while the nearest rows answer better, is a rate too low, of Adam too; a bent curve is none."""
    line = {"first_cost": 0.45, "last_cost": 0.40, "straightness": straightness, "steady": steady}
    output = replace(UNLEARNT, accuracy=0.12 + 0.88 * skill)
    adam = {"optimizer": "adam", "learning_rate": 1e-6}
    exact = {"deviations": 1e6}
    measurements = healthy(output=output, settings=adam, steps={"best_rate": 10.0}, curves=line, data=exact)
    expected = 0.8 <= straightness <= 1.25 and steady >= 0.9 and skill < 0.69
    if abs(skill - 0.7) > 0.02:
        assert ("learning rate too low" in named(measurements)) == expected


@pytest.mark.parametrize(
    "seen", [{"data": {"gradient_deviations": 2.1}}, {"data": {"product_deviations": 3.1}}, {"output": {"deviations": 6.0}}]
)
def test_a_relation_that_one_measure_sees_is_a_relation(seen):
    """Where the gradient or the outputs agree with the targets beyond chance, labels are not called unrelated."""
    failing = healthy(**FAILING["labels unrelated to the inputs"])
    assert "labels unrelated to the inputs" in named(failing)
    part, value = next(iter(seen.items()))
    related = replace(failing, **{part: replace(getattr(failing, part), **value)})
    assert "labels unrelated to the inputs" not in named(related)


@pytest.mark.parametrize("dead_at_start", [0.0, 0.5])
def test_dead_units_are_mended_by_their_cause(dead_at_start):
    """Units that died in the training call for smaller steps; those that start dead for another activation."""
    start = (layer(1, "relu", saturated=None, dead=dead_at_start), layer(2))
    remedy = finding_of(healthy(**FAILING["dead ReLUs"], start=start), "dead ReLUs").remedies[0]
    assert dict(remedy.training) == ({} if dead_at_start else {"learning_rate": 0.3})
    assert dict(remedy.network) == ({"activation": "leaky_relu"} if dead_at_start else {})


def test_an_unsaturating_cost_cannot_have_saturated_outputs():
    """Where sigma' cancels in BP1, the rule does not apply, and says so."""
    measurements = healthy(output={"wrong_rows": None, "wrong_slope": None}, settings={"cost": "cross_entropy"})
    assert not_examined(measurements)["outputs saturated and wrong"].startswith("does not apply: cross_entropy with sigmoid")


def test_penalties_of_an_overfitting_network_grow():
    """A network that was trained with a penalty is offered ten times as much."""
    cases = [healthy(**FAILING["overfitting"], settings={"l2": l2}) for l2 in (0.0, 0.01)]
    remedies = [finding_of(measurements, "overfitting").remedies[0].training["l2"] for measurements in cases]
    assert remedies == [1e-4, 0.1]


def test_underfitting_is_named_by_exclusion():
    """A network whose rate was too high is not called too small, though its curve is flat too."""
    failing = {"output": UNLEARNT, "curves": {"late_fall": 0.0}, "steps": {"first_change": 35.0}}
    assert list(named(healthy(**failing))) == ["learning rate too high"]


def test_a_nearest_row_that_answers_worse_than_a_constant_is_no_measure():
    """A network is not called too small where the nearest rows' targets are worse than a constant answer."""
    bad = {"output": replace(UNLEARNT, accuracy=-0.5), "data": {"neighbour_skill": -0.2}, "curves": {"late_fall": 0.0}}
    assert "underfitting" not in named(healthy(**bad))
    measured = finding_of(healthy(**FAILING["underfitting"], data={"neighbour_skill": 0.5}), "underfitting").measured
    assert "50.0 %" in measured


def test_a_high_rate_explains_saturated_outputs():
    """Outputs that a long step saturated are no finding of their own: another cost or start does not help at that rate."""
    failing = {"output": replace(UNLEARNT, wrong_rows=0.9, wrong_slope=0.05), "steps": {"first_change": 35.0}}
    assert list(named(healthy(**failing))) == ["learning rate too high"]


@pytest.mark.parametrize("diverged", [False, True])
def test_a_high_rate_is_lowered(diverged):
    """Smaller steps are proposed, and where the training diverged a limit of the gradient; a schedule that begins high is not."""
    failing = healthy(output=UNLEARNT, steps={"first_change": 35.0}, curves={"diverged": diverged})
    changed = [tuple(remedy.training) for remedy in finding_of(failing, "learning rate too high").remedies]
    assert changed == [("learning_rate",), *([("clip",)] if diverged else [])]


def test_rows_that_were_shuffled_apart_are_read_again():
    """The remedy of unrelated labels begins at the source, and names a table's join: what was shuffled apart stays so."""
    remedies = finding_of(healthy(**FAILING["labels unrelated to the inputs"]), "labels unrelated to the inputs").remedies
    assert remedies[0].text.startswith("Go back to the source")
    assert "joined" in remedies[1].text


def test_a_remedy_of_the_network_is_a_command_too():
    """The settings of a network that the command line has are given as its options; hidden sizes and activations as well."""
    texts = {name: finding_of(healthy(**FAILING[name]), name).remedies for name in ("vanishing delta", "underfitting")}
    assert "or `chainrule train --activation relu --init he_normal`" in texts["vanishing delta"][0].text
    assert "or `chainrule train --hidden 30`" in texts["vanishing delta"][1].text
    assert "or `chainrule train --hidden 300`" in texts["underfitting"][0].text


@pytest.mark.parametrize(("slope", "says"), [(1e-12, "less than 0.1 %"), (0.05, "5.0 %")])
def test_a_tiny_slope_is_written_as_less_than_a_percentage(slope, says):
    """A slope of outputs that is nearly 0 is not written with an exponent before a percent sign."""
    failing = healthy(output=replace(UNLEARNT, wrong_rows=0.9, wrong_slope=slope))
    assert says in finding_of(failing, "outputs saturated and wrong").measured


@pytest.mark.parametrize("name", ["underfitting", "learning rate too low"])
def test_an_agreement_that_may_be_chance_is_nothing_to_reach(name):
    """Where the nearest rows answer better by less than their sampling error, neither the size nor the rate is named."""
    assert name in named(healthy(**FAILING[name]))
    doubtful = {"neighbour_skill": 0.21, "deviations": 2.5}
    assert name not in named(healthy(**FAILING[name], data=doubtful))


def test_noise_is_no_failure():
    """Where the nearest rows answer no better than the network, a low accuracy is no reason for a finding."""
    noisy = {"output": replace(UNLEARNT, accuracy=0.35), "data": {"neighbour_skill": 0.1}, "curves": {"late_fall": 0.0}}
    assert named(healthy(**noisy)) == {}


def test_a_delta_that_explodes_after_an_unknown_start_may_be_the_rates_work():
    """Without the initial weights, large weights may come from long steps: smaller ones are tried first."""
    exploded = (layer(1, delta=50.0), layer(2, delta=0.02))
    unknown = finding_of(healthy(output=UNLEARNT, layers=exploded, start=None, moved=None), "exploding delta")
    assert "initial weights are not known" in unknown.measured
    assert unknown.remedies[0].training == {"learning_rate": 0.3}
    climbed = healthy(output=UNLEARNT, layers=exploded, start=None, moved=None, curves={"first_cost": 0.1, "last_cost": 9.0})
    assert {name for name, level in named(climbed).items() if level == "finding"} == {"learning rate too high"}
    known = finding_of(healthy(output=UNLEARNT, start=exploded), "exploding delta")
    assert "init" in known.remedies[0].network
