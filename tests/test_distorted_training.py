"""Trainings whose images are distorted anew in each epoch: ``train(..., distort=)``."""

import numpy as np
import pytest
from drawn import repeatable
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from training_cases import parameter_bytes

import chainrule as cr
from chainrule.distorted_examples import DistortedExamples
from chainrule.engines import ENGINES, fused
from chainrule.errors import ArgumentTypeError, DataError, SettingError
from chainrule.input_spec import InputSpec

RNG = np.random.default_rng(11)
SIDE = 6


def make_images(n, rows=SIDE, columns=SIDE):
    """Make uint8 images with a dark rim, and a label that their pixels decide."""
    images = np.zeros((n, rows, columns), np.uint8)
    images[:, 1:-1, 1:-1] = RNG.integers(0, 256, (n, rows - 2, columns - 2))
    return images.reshape(n, -1), (images[:, :, columns // 2 :].sum((1, 2)) > images[:, :, : columns // 2].sum((1, 2))).astype(int)


X, Y = make_images(70)
WEIGHTS = RNG.random(70) + 0.1
AFFINE = cr.distort.Affine(shift=1, scale=0.2, slant=0.3, rotation=20)
SETTINGS = {"epochs": 3, "batch_size": 8, "learning_rate": 0.1, "optimizer": "adam", "distort": AFFINE, "dropout": 0.2}


def make_examples(kind="pixels"):
    """Make the examples, as pixels or floats, or weighted and with targets."""
    if kind == "weighted":
        return cr.Examples(X, np.eye(2)[Y], weights=WEIGHTS, layout=(SIDE, SIDE))
    return cr.Examples(X if kind == "pixels" else (X / 255).astype(np.float32), Y, layout=(SIDE, SIDE))


def make_network(seed=5):
    """Make an untrained network for the images."""
    return cr.Network([SIDE * SIDE, 5, 2], cost="log_loss", seed=seed)


def train_bytes(kind="pixels", **settings):
    """Train a new network; give its parameters' bytes."""
    network = make_network()
    cr.train(network, make_examples(kind), **{**SETTINGS, **settings})
    return parameter_bytes(network)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["pixels", "floats", "weighted"])
def test_a_training_is_one_on_images_that_were_distorted_before(engine, kind):
    """A training with ``distort`` has the bits of trainings of one epoch each on images that ``apply`` gave."""
    examples = make_examples(kind)
    whole, by_hand = make_network(), make_network()
    settings = {**SETTINGS, "optimizer": "sgd", "shuffle": False, "dropout": 0, "engine": engine}
    cr.train(whole, examples, **settings)
    images = examples.x.reshape(-1, SIDE, SIDE)
    for epoch in (1, 2, 3):
        x = AFFINE.apply(images, np.arange(70), seed=5, epoch=epoch, light=False, threads=1).reshape(70, -1)
        assert not np.array_equal(x, examples.x)
        distorted = cr.Examples(x, examples.y, weights=examples.weights, layout=examples.layout)
        cr.train(by_hand, distorted, **{**settings, "distort": None, "epochs": 1})
    assert parameter_bytes(whole) == parameter_bytes(by_hand)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["pixels", "floats"])
def test_amounts_of_0_give_the_bits_of_a_training_without(engine, kind):
    """Distortions by nothing change no bit of a training."""
    nothing = train_bytes(kind, distort=cr.distort.Affine(), engine=engine)
    assert nothing == train_bytes(kind, distort=None, engine=engine)
    assert nothing != train_bytes(kind, engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("counts", [(1,), (4, 1, 7)])
@pytest.mark.parametrize("kind", ["pixels", "weighted"])
def test_any_cut_of_an_epoch_gives_the_same_bits(engine, counts, kind):
    """However many mini-batches each call trains, the bits are those of a training by epochs."""
    run = cr.Run(make_network(), make_examples(kind), engine=engine, **SETTINGS)
    call = 0
    while run.history.stopped is None:
        run.advance(counts[call % len(counts)])
        call += 1
    assert parameter_bytes(run.network) == train_bytes(kind, engine=engine)


def test_threads_change_no_bit():
    """One thread and three give the same bits."""
    assert train_bytes(threads=1) == train_bytes(threads=3)


def test_the_callers_images_stay():
    """The examples that were passed in keep their bytes."""
    before = X.tobytes()
    train_bytes()
    assert X.tobytes() == before


@pytest.mark.parametrize("engine", ENGINES)
def test_a_training_that_was_left_within_an_epoch_ends_with_the_same_bits(tmp_path, engine):
    """After an interrupt in the middle of the second epoch, the resumed training ends as one that was never stopped."""
    first = cr.Run(make_network(), make_examples(), engine=engine, checkpoint=tmp_path / "run", **SETTINGS)
    first.advance(9)
    first.advance(4)
    first.interrupt()
    again = make_network()
    history = cr.train(again, make_examples(), engine=engine, checkpoint=tmp_path / "run", resume=True, **SETTINGS)
    assert history.stopped == "finished"
    assert parameter_bytes(again) == train_bytes(engine=engine)


@pytest.mark.parametrize(
    ("distort", "words"), [(None, "distort"), (cr.distort.Affine(shift=2), r"distort\.shift was 1\.0, and now is 2\.0")]
)
def test_another_distortion_is_not_resumed(tmp_path, distort, words):
    """A checkpoint's training goes on with its own distortion alone, and the message names the setting."""
    cr.train(make_network(), make_examples(), checkpoint=tmp_path / "run", **SETTINGS)
    with pytest.raises(SettingError, match=words):
        cr.train(make_network(), make_examples(), checkpoint=tmp_path / "run", resume=True, **{**SETTINGS, "distort": distort})


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_are_distorted_by_their_numbers(engine):
    """Rows of the examples are distorted as they are in a training on all, and other rows validate undistorted."""
    rows = np.array([40, 3, 3, 17, 66])
    examples = make_examples()
    distorted = DistortedExamples(examples, rows, AFFINE, InputSpec.of(examples)).in_epoch(2, seed=5, threads=1)
    whole = DistortedExamples(examples, None, AFFINE, InputSpec.of(examples)).in_epoch(2, seed=5, threads=1)
    assert np.array_equal(distorted.x, whole.x[rows])
    assert np.array_equal(distorted.y, Y[rows])
    network = make_network()
    folds = {"rows": slice(0, 50), "validation_rows": slice(50, 70)}
    history = cr.train(network, examples, engine=engine, **folds, **SETTINGS)
    assert history["validation_accuracy"][-1] == pytest.approx(network.accuracy(examples[50:]))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fold_is_trained_on_its_own_rows(engine):
    """A training on some rows has the bits of one on the same rows of examples that were distorted before."""
    settings = {**SETTINGS, "epochs": 1, "engine": engine, "rows": [69, 20, 21, 45, 3, 3, 50]}
    examples, by_hand, network = make_examples(), make_network(), make_network()
    x = AFFINE.apply(X.reshape(-1, SIDE, SIDE), np.arange(70), seed=5, epoch=1, light=False, threads=1).reshape(70, -1)
    cr.train(network, examples, **{**settings, "rows": np.array(settings["rows"])})
    cr.train(by_hand, cr.Examples(x, Y), **{**settings, "rows": np.array(settings["rows"]), "distort": None})
    assert parameter_bytes(network) == parameter_bytes(by_hand)


@pytest.mark.skipif("fused" not in ENGINES, reason="the density decides in the fused engine alone")
@repeatable(max_examples=10)
@given(st.integers(1, 50))
def test_epochs_of_other_densities_give_the_numbers_of_the_reference(seed):
    """Where some epochs' images become CSR and others do not, any cut has the same bits, and the numbers are the reference's."""
    settings = {**SETTINGS, "optimizer": "sgd", "l2": 0.01, "dropout": 0, "epochs": 5, "seed": seed}
    originals = DistortedExamples(make_examples(), None, AFFINE, InputSpec.of(make_examples()))
    densities = [np.mean(originals.in_epoch(epoch, seed=seed, threads=1).x > 0) for epoch in range(1, 6)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fused, "SPARSE_DENSITY", float(np.median(densities)))
        whole, reference = make_network(), make_network()
        run = cr.Run(make_network(), make_examples(), engine="fused", **settings)
        cr.train(whole, make_examples(), engine="fused", **settings)
        while run.history.stopped is None:
            run.advance(2)
    cr.train(reference, make_examples(), engine="reference", **settings)
    assert parameter_bytes(run.network) == parameter_bytes(whole)
    np.testing.assert_allclose(whole.weights[0], reference.weights[0], rtol=0, atol=1e-5)


def test_images_stored_column_by_column_are_slanted_to_the_right_too():
    """The images of a transposed layout are distorted as the same images row by row."""
    x, y = make_images(20, 5, 5)
    turned = x.reshape(-1, 5, 5).swapaxes(1, 2).reshape(20, -1)
    upright, lying = (cr.Examples(a, y, layout=(5, 5, t)) for a, t in ((x, False), (turned, True)))
    results = [
        DistortedExamples(examples, None, AFFINE, InputSpec.of(examples)).in_epoch(1, seed=0, threads=1).x.reshape(-1, 5, 5)
        for examples in (upright, lying)
    ]
    assert np.array_equal(results[0], results[1].swapaxes(1, 2))


def test_light_images_are_filled_with_light():
    """What comes in from outside is the images' own background: 255 of bytes, and 1 of floats."""
    for light in (cr.Examples(255 - X, Y, layout=(SIDE, SIDE)), cr.Examples(1 - X / 255, Y, layout=(SIDE, SIDE))):
        far = cr.distort.Affine(shift=1000)
        distorted = DistortedExamples(light, None, far, InputSpec.of(light)).in_epoch(1, seed=0, threads=1)
        assert (distorted.x == light.x.max()).mean() > 0.99


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: cr.Examples(X, Y), r"rows and columns are known; x has 36 columns.*layout=\(rows, columns\)"),
        (lambda: cr.Examples(csr_matrix(X / 255), Y), "x is a CSR matrix"),
        (lambda: cr.Examples(X / 255 - 0.5, Y, layout=(SIDE, SIDE)), "hold numbers outside 0 to 1.*background='dark'"),
        (lambda: cr.Examples(RNG.random((70, 36)), Y, layout=(SIDE, SIDE)), "neither mostly dark nor mostly light"),
        (
            lambda: cr.Examples(cr.PiecewiseInputs(RNG.random((70, 20)), [[0.0, 1.0], *[[]] * 19]), Y),
            "x is PiecewiseInputs",
        ),
    ],
    ids=["unknown shape", "CSR", "standardized", "no background", "piecewise"],
)
def test_examples_that_are_no_images_are_refused(make, words):
    """What is not an image of known shape and background is refused, with the remedy."""
    examples = make()
    network = cr.Network([examples.n_in, 2], cost="log_loss", seed=0)
    with pytest.raises(DataError, match=words):
        cr.train(network, examples, **SETTINGS)


def test_the_remedy_for_an_unknown_background_works():
    """A background that the distortion names is taken."""
    examples = cr.Examples(RNG.random((70, 36)), Y, layout=(SIDE, SIDE))
    history = cr.train(make_network(), examples, **{**SETTINGS, "distort": cr.distort.Affine(shift=1, background="light")})
    assert history.stopped == "finished"


@pytest.mark.parametrize("distort", [2, "affine", cr.distort.Affine, {"shift": 2}])
def test_other_objects_than_distortions_are_refused(distort):
    """A number, a name, the class itself and a dictionary are no distortions."""
    with pytest.raises(ArgumentTypeError, match=r"distort must be a distortion, such as cr\.distort\.Affine\(shift=2\)"):
        cr.train(make_network(), make_examples(), **{**SETTINGS, "distort": distort})


def test_a_population_has_the_bits_of_single_trainings():
    """Each network of a population gets the images that ``train`` alone would give it; a list has one distortion for each."""
    networks = [make_network(seed) for seed in (1, 2, 3)]
    distortions = [AFFINE, None, cr.distort.Affine(shift=2)]
    cr.train_population(networks, make_examples(), **{**SETTINGS, "distort": distortions})
    for seed, distort, network in zip((1, 2, 3), distortions, networks, strict=True):
        alone = make_network(seed)
        cr.train(alone, make_examples(), **{**SETTINGS, "distort": distort})
        assert parameter_bytes(network) == parameter_bytes(alone)


def test_the_model_file_says_how_its_images_were_distorted(tmp_path):
    """The provenance has the distortion's name and settings, in the file too."""
    network = make_network()
    cr.train(network, make_examples(), **SETTINGS)
    network.save(tmp_path / "model.safetensors")
    loaded = cr.load(tmp_path / "model.safetensors").provenance.distort
    assert loaded == {"name": "affine", "shift": 1.0, "scale": 0.2, "slant": 0.3, "rotation": 20.0, "background": None}


def test_a_network_learns_to_read_shifted_digits():
    """A network that was trained on shifted digits reads shifted test digits far better than one that was not."""
    mnist = cr.datasets.mnist()
    some, shift = mnist.train[:10_000], cr.distort.Affine(shift=3)
    test = mnist.test.x[:2000].reshape(-1, 28, 28)
    shifted = shift.apply(test, np.arange(2000), seed=99, epoch=1, light=False, threads=1).reshape(2000, -1)
    settings = {"epochs": 5, "batch_size": 32, "learning_rate": 0.002, "optimizer": "adam"}
    accuracies = []
    for distort in (None, shift):
        network = cr.Network([784, 60, 10], activation="relu", cost="log_loss", seed=0)
        cr.train(network, some, distort=distort, **settings)
        accuracies.append(network.accuracy(shifted, mnist.test.y[:2000]))
    assert accuracies[1] > accuracies[0] + 0.15
