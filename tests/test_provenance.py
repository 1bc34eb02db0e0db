"""Seeds and provenance: a training repeats from its seed, and the network records how it was trained."""

import json

import pytest
from training_cases import SETTINGS, X, Y, make_network, train_network

import chainrule as cr
from chainrule.engines import ENGINES
from chainrule.plan import Provenance
from chainrule.training import BeginsAnewWarning


def test_the_networks_seed_is_the_default():
    """``seed=None`` takes the network's seed, and the history records the seed that was used."""
    (by_default, history), (by_seed, _) = train_network(), train_network(seed=5)
    assert by_default == by_seed
    assert history.seed == 5
    assert train_network(seed=9)[1].seed == 9


def test_a_random_seed_is_recorded_and_repeats_the_training():
    """A network without a seed draws one, which the history records; with that seed network and training come out the same."""
    net = cr.Network([4, 6, 3])
    parameters, history = train_network(net)
    same = cr.Network([4, 6, 3], seed=net.seed)
    assert history.seed == net.seed
    assert train_network(same)[0] == parameters


def test_the_seed_decides_dropout():
    """The seed decides the dropout masks: without a shuffle, the same seed gives the same bits and another seed other bits."""
    first = train_network(shuffle=False, dropout=0.5, seed=1)[0]
    assert first == train_network(shuffle=False, dropout=0.5, seed=1)[0]
    assert first != train_network(shuffle=False, dropout=0.5, seed=2)[0]


def test_provenance_describes_the_training():
    """Provenance holds the data, the plan, the steps, the rate, the schedule, the engine and why the training ended."""
    net = make_network()
    cr.train(net, (X, Y), **SETTINGS, optimizer="momentum", l2=0.1, clip=3.0, schedule="cosine", dropout=0.1, seed=8)
    actual = net.provenance
    assert isinstance(actual, Provenance)
    assert (actual.examples, actual.epochs, actual.steps) == (60, 3, 24)
    assert (actual.learning_rate, actual.schedule, actual.stopped) == (0.5, "cosine", "finished")
    assert actual.engine.startswith(next(iter(ENGINES)))
    assert (actual.data, actual.examples, actual.n_in, actual.kind) == ("", 60, 4, "dense")
    assert actual.plan["optimizer"] == {"name": "sgd", "momentum": 0.9, "nesterov": False}
    assert (actual.plan["l2"], actual.plan["clip"], actual.plan["seed"], actual.plan["batch_size"]) == (0.1, 3.0, 8, 8)
    assert json.loads(json.dumps(actual.plan)) == actual.plan


def test_provenance_counts_the_epochs_of_all_trainings(tmp_path):
    """Epochs and steps of all trainings are counted, in memory and through a file; those before the last are also kept apart."""
    net = make_network()
    cr.train(net, (X, Y), **SETTINGS)
    net.save(tmp_path / "net.safetensors")
    loaded = cr.load(tmp_path / "net.safetensors")
    with pytest.warns(BeginsAnewWarning):
        cr.train(loaded, (X[:40], Y[:40]), **{**SETTINGS, "epochs": 5})
    actual = loaded.provenance
    assert (actual.epochs, actual.steps, actual.examples) == (8, 24 + 25, 40)
    assert (actual.earlier_epochs, actual.earlier_steps) == (3, 24)
    assert "trained for 8 epochs" in repr(loaded)
    loaded.save(tmp_path / "again.safetensors")
    assert cr.load(tmp_path / "again.safetensors").provenance == actual


def test_provenance_counts_runs_that_were_made_before_either_began():
    """Two runs over one network that were made before either began count all their epochs."""
    net = make_network()
    runs = [cr.Run(net, (X, Y), **{**SETTINGS, "epochs": epochs}) for epochs in (2, 3)]
    for run in runs:
        list(run)
    assert (net.provenance.epochs, net.provenance.steps, net.provenance.earlier_epochs) == (5, 40, 2)


@pytest.mark.parametrize(
    ("optimizer", "begins_anew"),
    [("sgd", "the schedule and the order of the examples"), ("adam", "adam's m and v, the schedule and the order of the examples")],
)
def test_training_a_loaded_network_warns_once(tmp_path, optimizer, begins_anew):
    """Training a loaded network further warns once of the state that its file does not hold; other networks do not warn."""
    net = make_network()
    net.save(tmp_path / "untrained.safetensors")
    cr.train(cr.load(tmp_path / "untrained.safetensors"), (X, Y), **SETTINGS)
    cr.train(net, (X, Y), **SETTINGS)
    cr.train(net, (X, Y), **SETTINGS)
    net.save(tmp_path / "net.safetensors")
    loaded = cr.load(tmp_path / "net.safetensors")
    with pytest.warns(BeginsAnewWarning, match=f"was trained for 6 epochs before.*; {begins_anew} begin anew"):
        cr.train(loaded, (X, Y), **SETTINGS, optimizer=optimizer)
    cr.train(loaded, (X, Y), **SETTINGS, optimizer=optimizer)  # a second warning would be an error
