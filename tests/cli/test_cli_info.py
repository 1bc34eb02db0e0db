"""``chainrule info``: a model's sizes, inputs and training."""

from dataclasses import replace

import numpy as np

import chainrule as cr


def test_it_prints_sizes_parameters_and_training(run, models):
    """The sizes, the parameters and the training are printed."""
    status, out, err = run("info", models / "digits.safetensors")
    text = " ".join(out.split())
    assert (status, err) == (0, "")
    for expected in ("sizes 64 x 64 x 10", "parameters 4,810 (float32)", "activations relu > softmax", "cost log_loss"):
        assert expected in text
    for expected in ("trained on digits, 1,197 examples", "learning rate 0.003, constant", "batches of 32", "optimizer adam"):
        assert expected in text


def test_early_stopping_names_the_best_epoch(run, run_json):
    """After early stopping the epochs done and the epoch whose parameters were kept are both printed."""
    summary = run_json("train", "digits", "--early-stopping", 1, "--learning-rate", 0.05)[-1]
    expected = f"{summary['epochs']} epochs, stopped early; parameters of the best, epoch {summary['best_epoch']}, after"
    assert expected in run("info", "digits.safetensors")[1]


def test_an_untrained_network(run):
    """An untrained network is described as such."""
    cr.Network([2, 3, 1], seed=4).save("new.safetensors")
    _, out, _ = run("info", "new.safetensors")
    assert "not yet" in out
    assert "normal, seed 4" in out


def test_the_settings_of_the_cost_are_shown(run, run_json):
    """Huber's delta is printed beside the cost's name, and is in the JSON under a key of its own."""
    cr.Network([2, 3, 1], cost=cr.costs.Huber(delta=0.25), seed=0).save("huber.safetensors")
    assert "  cost          huber (delta 0.25)\n" in run("info", "huber.safetensors")[1]
    described = run_json("info", "huber.safetensors")[0]
    assert (described["cost"], described["cost_settings"]) == ("huber", {"delta": 0.25})
    cr.Network([2, 3, 1], seed=0).save("quadratic.safetensors")
    assert "  cost          quadratic\n" in run("info", "quadratic.safetensors")[1]
    assert run_json("info", "quadratic.safetensors")[0]["cost_settings"] == {}


def test_a_strange_provenance_is_harmless(run, models):
    """Terminal codes in a model file's provenance are not printed, and missing settings are left out."""
    network = cr.load(models / "digits.safetensors")
    network.provenance = replace(network.provenance, plan={"layers": 3, "optimizer": []}, data="\x1b[2J\nroot")
    network.save("odd.safetensors")
    status, out, _ = run("info", "odd.safetensors")
    assert status == 0
    assert "\x1b" not in out
    assert "trained on    ?[2J root" in out.replace("\x1b", "")


def test_info_describes_the_inputs(run, run_json):
    """Info describes the inputs of a model, in words and as JSON."""
    run_json("train", "mnist", "--epochs", 1, "--quiet")
    assert "inputs        images of 28 x 28 pixels in MNIST's form" in run("info", "mnist.safetensors")[1]
    assert run_json("info", "mnist.safetensors")[0]["inputs"]["mnist_form"] is True


def test_info_names_the_best_epoch_of_a_finished_training(run, run_json):
    """Info names the epoch whose parameters were kept, where early stopping never stopped."""
    x = np.random.default_rng(0).normal(size=(60, 3))
    net = cr.Network([3, 8, 2], seed=0)
    y = np.random.default_rng(1).integers(0, 2, 60)
    settings = {"batch_size": 6, "learning_rate": 3.0, "validation": (x[:20], y[:20]), "early_stopping": 100}
    history = cr.train(net, (x[20:], y[20:]), epochs=12, **settings)
    assert history.stopped == "finished"
    assert history.best_epoch < 12
    net.save("net.safetensors")
    assert f"12 epochs, finished; parameters of the best, epoch {history.best_epoch}," in run("info", "net.safetensors")[1]
