"""``train --distort``: its amounts, what is printed and saved, and how it is resumed."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule import datasets
from chainrule.cli.distort_option import USUAL_AMOUNTS, make_distortion, normalize_amounts
from chainrule.cli.settings import DISTORTED_MNIST_DEFAULTS, defaults_as_options

DIGITS = ("train", "digits", "--hidden", "8", "--epochs", "3", "--early-stopping", "0")
AMOUNTS = "shift=1,rotation=10,background=dark"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (USUAL_AMOUNTS, USUAL_AMOUNTS),
        (" rotation = 15.0 ,shift=2", "shift=2,rotation=15"),
        ("slant=0.30,background=light", "slant=0.3,background=light"),
        ("shift=0", "shift=0"),
        ("scale=0.1234567890123", "scale=0.1234567890123"),
    ],
)
def test_amounts_are_written_in_one_form(text, expected):
    """Equal amounts become equal texts, which name the same distortion."""
    assert normalize_amounts(text) == expected
    assert make_distortion(expected) == make_distortion(text)


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        ("shfit=2", "'shfit=2' is not one of them"),
        ("digits", "'digits' is not one of them.*the data is named before this option"),
        ("", "'' is not one of them"),
        ("shift=1,shift=2", "'shift=2' is given twice"),
        ("shift=far", "shift must be a number; it is 'far'"),
        ("shift=nan", "shift must be a number, at least 0"),
        ("background=grey", "background must be"),
    ],
)
def test_wrong_amounts_are_refused(run, amounts, words):
    """A wrong amount is an error of one line that names it."""
    status, out, err = run(*DIGITS, "--distort", amounts)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert re.search(words, err)


def test_the_network_is_that_of_train_with_distort(run):
    """The program trains what ``cr.train(..., distort=)`` trains, says so, and saves it with the model."""
    status, out, _ = run(*DIGITS, "--distort", AMOUNTS)
    assert status == 0
    assert f"images are distorted anew in each epoch, by up to {AMOUNTS}: an epoch's cost and accuracy are on these" in out
    plain = cr.load("digits.safetensors")
    assert run(*DIGITS)[0] == 0
    assert not np.array_equal(plain.weights[0], cr.load("digits.safetensors").weights[0])
    net, digits = cr.Network([64, 8, 10], activation="relu", cost="log_loss", seed=0), datasets.digits()
    distort = cr.distort.Affine(shift=1, rotation=10, background="dark")
    cr.train(net, digits.train, epochs=3, batch_size=32, learning_rate=0.003, optimizer="adam", distort=distort)
    assert np.array_equal(net.weights[0], plain.weights[0])


def test_info_tells_the_distortion(run, run_json):
    """``info`` has a line of the amounts, and its JSON has the settings; without a distortion it has neither."""
    run(*DIGITS, "--distort", AMOUNTS)
    assert "distorted     affine, shift 1, rotation 10, background dark" in run("info", "digits.safetensors")[1]
    assert run_json("info", "digits.safetensors")[0]["trained"]["distort"]["rotation"] == 10
    run(*DIGITS)
    assert "distorted" not in run("info", "digits.safetensors")[1]


def test_the_defaults_for_mnist(run):
    """--distort alone takes the usual amounts and a larger network, which the program prints; other options take precedence."""
    status, out, _ = run("train", "mnist", "--epochs", 1, "--hidden", 20, "--distort")
    assert status == 0
    chosen = {"epochs": 1, "hidden": (20,), "distort": USUAL_AMOUNTS}
    assert f"defaults for this data: {defaults_as_options(DISTORTED_MNIST_DEFAULTS, chosen)}" in out
    net = cr.load("mnist.safetensors")
    assert net.sizes == [784, 20, 10]
    assert net.provenance.distort == make_distortion(USUAL_AMOUNTS).to_dict()


def test_a_table_is_refused(run, tmp_path):
    """A table of columns has no images to distort."""
    (tmp_path / "t.csv").write_text("a,b\n" + "1,x\n2,y\n" * 20)
    status, _, err = run("train", "t.csv", "--distort")
    assert status == 2
    assert "--distort is for images; t.csv is a table" in err


def test_resuming_compares_the_amounts(run):
    """A run goes on with the amounts that it was begun with, also where they are given again, and refuses others."""
    assert run(*DIGITS, "--distort", AMOUNTS, "--checkpoint", "run")[0] == 0
    assert run("train", "--resume", "run", "--epochs", 4)[0] == 0
    assert run("train", "--resume", "run", "--epochs", 5, "--distort", "rotation=10.0,shift=1,background=dark")[0] == 0
    resumed = cr.load("digits.safetensors")
    status, _, err = run("train", "--resume", "run", "--epochs", 6, "--distort", "shift=3")
    assert status == 2
    assert f"was begun with --distort {AMOUNTS}" in err
    assert run("train", "digits", "--hidden", 8, "--epochs", 5, "--early-stopping", 0, "--distort", AMOUNTS)[0] == 0
    assert np.array_equal(resumed.weights[0], cr.load("digits.safetensors").weights[0])
