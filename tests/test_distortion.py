"""Images under affine maps: the calculus by hand, the kernel against it, and the draws of ``cr.distort.Affine``."""

import math

import naive
import numpy as np
import pytest
from drawn import repeatable
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.calculus.distortion import ONE_PIXEL, STREAM, distort_images, distortion_draws, inverse_maps, inverse_matrices
from chainrule.engines.image_distortion import distort_images as distort_by_kernel
from chainrule.errors import SettingError

RNG = np.random.default_rng(3)
DTYPES = ("uint8", "float32", "float64")


def draw_images(n, rows, columns, dtype, rng=RNG):
    """Draw images of which most pixels are background."""
    lit = rng.random((n, rows, columns)) < rng.random()
    if dtype == "uint8":
        return (rng.integers(0, 256, lit.shape) * lit).astype(np.uint8)
    return lit * rng.random(lit.shape, dtype)


def moved(images, *, height=1.0, width=1.0, slant=0.0, rotation=0.0, down=0.0, right=0.0, light=False):
    """Give images under one map."""
    n, shape = len(images), images.shape[1:]
    inverse = inverse_matrices(*(np.full(n, number) for number in (height, width, slant, math.radians(rotation))))
    return distort_images(images, inverse_maps(inverse, np.full((n, 2), [down, right]), shape), light=light)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("light", [False, True])
def test_shifts_by_whole_pixels(dtype, light):
    """An image shifted by whole pixels is the same image at another place, and background comes in."""
    images = draw_images(3, 7, 5, dtype)
    background = light * (255 if dtype == "uint8" else 1)
    to_the_left, to_the_right = np.full_like(images, background), np.full_like(images, background)
    to_the_left[:, 2:, :-1] = images[:, :-2, 1:]
    to_the_right[:, :-2, 1:] = images[:, 2:, :-1]
    found = moved(images, down=2, right=-1, light=light)
    assert found.dtype == images.dtype
    assert np.array_equal(found, to_the_left)
    assert np.array_equal(moved(images, down=-2, right=1, light=light), to_the_right)
    assert np.array_equal(moved(images), images)
    assert (moved(images, down=99, light=light) == background).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_quarter_and_half_turns(dtype):
    """A rotation by 90 degrees is counterclockwise, as ``np.rot90``, and one by 180 degrees turns both axes."""
    images = draw_images(2, 6, 6, dtype)
    assert np.array_equal(moved(images, rotation=90), np.rot90(images, axes=(1, 2)))
    assert np.array_equal(moved(images, rotation=-90), np.rot90(images, -1, axes=(1, 2)))
    oblong = draw_images(2, 3, 6, dtype)
    assert np.array_equal(moved(oblong, rotation=180), oblong[:, ::-1, ::-1])


def test_half_pixels_are_means():
    """A shift by half a pixel gives the mean of two pixels; of bytes it is rounded to the nearest, halves up."""
    row = np.array([[[0, 201, 100, 0]]])
    assert moved(row.astype(np.uint8), right=0.5)[0, 0].tolist() == [0, 101, 151, 50]
    assert moved(row.astype(float), right=0.5)[0, 0].tolist() == [0, 100.5, 150.5, 50]
    assert moved(np.full((1, 2, 2), 200, np.uint8), right=0.5, down=0.5)[0].tolist() == [[50, 100], [100, 200]]


def test_scales():
    """Twice the width repeats what is near the centre, and half of it leaves out every second pixel's share."""
    row = np.array([[[0.0, 4.0, 8.0, 0.0]]])
    assert moved(row, width=2.0)[0, 0].tolist() == [3, 5, 7, 6]
    assert moved(row, width=0.5)[0, 0].tolist() == [0, 2, 4, 0]
    assert moved(row.swapaxes(1, 2), height=2.0)[0, :, 0].tolist() == [3, 5, 7, 6]


def test_a_slant_leans_to_the_right():
    """With a slant of one column a row, a vertical line becomes the diagonal whose upper end is at the right."""
    upright = np.zeros((1, 5, 5), np.uint8)
    upright[0, :, 2] = 9
    assert np.array_equal(moved(upright, slant=1.0)[0], 9 * np.eye(5, dtype=np.uint8)[:, ::-1])


@repeatable(max_examples=50)
@given(st.floats(0.1, 5), st.floats(0.1, 5), st.floats(-3, 3), st.floats(-7, 7))
def test_the_inverse_is_that_of_the_product(height, width, slant, angle):
    """The matrix is the inverse of the product of rotation, slant and scaling, written as matrices."""
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    product = rotation @ np.array([[1, 0], [-slant, 1]]) @ np.diag([height, width])
    found = inverse_matrices(*(np.array([number]) for number in (height, width, slant, angle)))[0]
    np.testing.assert_allclose(found @ product, np.eye(2), atol=1e-10)


def map_entries():
    """Whole numbers from those of usual maps to the largest that the kernel takes."""
    return st.one_of(
        st.integers(-2 * ONE_PIXEL, 2 * ONE_PIXEL), st.sampled_from([0, 1, -1, ONE_PIXEL, -ONE_PIXEL, 2**30, -(2**30)])
    )


@repeatable(max_examples=300)
@given(
    shape=st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(1, 9)),
    dtype=st.sampled_from(DTYPES),
    light=st.booleans(),
    threads=st.integers(1, 3),
    data=st.data(),
)
def test_the_kernel_has_the_bits_of_the_calculus(shape, dtype, light, threads, data):
    """For any images and maps the kernel and the NumPy form agree in every bit, on any number of threads."""
    images = draw_images(*shape, dtype, np.random.default_rng(data.draw(st.integers(0, 99))))
    if light:
        images = (255 if dtype == "uint8" else 1) - images
    offsets = st.one_of(st.integers(-9 * ONE_PIXEL, 9 * ONE_PIXEL), st.sampled_from([2**60, -(2**60)]))
    entries = [[data.draw(offsets if k == 2 else map_entries()) for k in range(3)] for _ in range(2 * shape[0])]
    maps = np.array(entries, np.int64).reshape(shape[0], 2, 3)
    found = distort_by_kernel(images, maps, light=light, threads=threads)
    assert found.tobytes() == distort_images(images, maps, light=light).tobytes()
    assert found.dtype == images.dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_kernel_has_the_bits_of_the_calculus_for_digits(dtype):
    """Test digits under strong maps have the same bits by both forms."""
    digits = cr.datasets.mnist().test.x[:300].reshape(-1, 28, 28)
    images = digits if dtype == "uint8" else (digits / 255).astype(dtype)
    maps = cr.distort.Affine(shift=8, scale=0.8, slant=2, rotation=180).maps((28, 28), np.arange(300), seed=1, epoch=1)
    assert distort_by_kernel(images, maps, light=False, threads=2).tobytes() == distort_images(images, maps).tobytes()


def test_negative_zeros_stay():
    """-0.0 is not taken for the background 0.0, from which its bits differ."""
    images, maps = np.full((1, 3, 3), -0.0), np.array([[[ONE_PIXEL, 0, 0], [0, ONE_PIXEL, 0]]])
    assert distort_by_kernel(images, maps, light=False, threads=1).tobytes() == distort_images(images, maps).tobytes()


@repeatable(max_examples=40)
@given(st.integers(0, 2**40), st.integers(0, 2**64 - 1), st.integers(1, 2**31 - 1))
def test_draws_are_philox_in_plain_python(row, seed, epoch):
    """Each draw agrees with Philox, written out in whole numbers, at its place."""
    words = []
    for block in range(2):
        counter = [row % 2**32, row // 2**32, epoch, STREAM + block]
        words += naive.philox(counter, (seed % 2**32, seed // 2**32))
    found = distortion_draws(np.array([row]), 6, seed=seed, epoch=epoch)
    assert found[0].tolist() == [(2 * word + 1 - 2**32) / 2**32 for word in words[:6]]


def test_maps_are_a_function_of_seed_epoch_and_row():
    """A row's map does not depend on the rows beside it, and another seed, epoch or row gives another one."""
    affine, rows = cr.distort.Affine(shift=2, scale=0.15, slant=0.2, rotation=15), np.arange(1000)
    maps = affine.maps((28, 28), rows, seed=5, epoch=3)
    for some in (rows[::-1], rows[7:8], rows[:101:3], np.array([999, 0, 999])):
        assert np.array_equal(affine.maps((28, 28), some, seed=5, epoch=3), maps[some])
    assert len(np.unique(maps.reshape(1000, 6), axis=0)) == 1000
    for other in ({"seed": 6, "epoch": 3}, {"seed": 5, "epoch": 4}):
        assert (affine.maps((28, 28), rows, **other) != maps).any(axis=(1, 2)).all()


def test_the_amounts_are_the_largest_ones():
    """Shifts are uniform up to the setting to either side, and a setting of 0 leaves its part of the map alone."""
    maps = cr.distort.Affine(shift=3).maps((28, 28), np.arange(20_000), seed=0, epoch=1)
    assert (maps[:, :, :2] == ONE_PIXEL * np.eye(2)).all()
    shifts = -maps[:, :, 2] / ONE_PIXEL
    assert np.abs(shifts).max() <= 3
    assert np.abs(shifts).max() > 2.99
    assert np.abs(shifts.mean(axis=0)).max() < 0.05
    scaled = cr.distort.Affine(scale=0.5).maps((28, 28), np.arange(20_000), seed=0, epoch=1)
    factors = ONE_PIXEL / np.stack([scaled[:, 0, 0], scaled[:, 1, 1]])
    assert 0.5 <= factors.min() < 0.501
    assert 1.499 < factors.max() <= 1.50002
    assert abs(np.corrcoef(factors)[0, 1]) < 0.03  # height and width are drawn apart


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"shift": -1}, "shift must be a number, at least 0"),
        ({"scale": 0.9}, "scale must be a number, at least 0 and below 0.9"),
        ({"slant": float("nan")}, "slant must be"),
        ({"rotation": "15"}, "rotation must be"),
        ({"background": "grey"}, "background must be 'dark', 'light' or None"),
    ],
)
def test_settings_out_of_range_are_refused(settings, words):
    """A setting out of its range is refused by its name and its range."""
    with pytest.raises(SettingError, match=words):
        cr.distort.Affine(**settings)
