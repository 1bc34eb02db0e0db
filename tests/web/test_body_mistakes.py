"""Refused bodies: each message is one line with what was required, what came and the remedy, in the API's own words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.web.messages import LabelledPicture, Picture, TrainingOfModel
from chainrule.web.refusal import LONGEST_MESSAGE, Refusal
from chainrule.web.request_body import decode
from chainrule.web.run_requests import RunRequest

BLANK = [0] * 784
SETTINGS = "data, hidden, activation, cost, optimizer, learning_rate, batch_size, l2, dropout, epochs, seed, points"
BRACES = "send one in braces, its names in double quotes"
PIXELS = "pixels must be a list of 784 numbers from 0 to 255, but"
HIDDEN = "hidden must be a list of at most 4 whole numbers from 1 to 512, but"
POINT = "points[0] must be a list of 3 entries (a number from -1 to 1, a number from -1 to 1, a whole number from 0 to 1), but"
NAMES = {
    "data": "circles, digits, mnist, moons, points, spiral, xor",
    "activation": "exp, gelu, identity, leaky_relu, mish, relu, selu, sigmoid, silu, tanh",
    "cost": "cross_entropy, log_loss, quadratic",
    "optimizer": "adam, adamw, lion, momentum, nesterov, rmsprop, sgd",
}
LIMITS = {
    "learning_rate": ("a number above 0 and at most 1,000", 0, "send more than 0", 1001, "send 1,000 or less"),
    "batch_size": ("a whole number from 1 to 1,000", 0, "send 1 or more", 1001, "send 1,000 or less"),
    "l2": ("a number from 0 to 100", -1, "send 0 or more", 101, "send 100 or less"),
    "dropout": ("a number from 0 to 0.95", -0.5, "send 0 or more", 0.96, "send 0.95 or less"),
    "epochs": ("a whole number from 1 to 100,000", 0, "send 1 or more", 10**6, "send 100,000 or less"),
    "seed": (
        "a whole number from 0 to 9,007,199,254,740,991",
        -1,
        "send 0 or more",
        2**53,
        "send 9,007,199,254,740,991 or less",
    ),
}


def refused(body, into):
    """Decode a body that is refused with status 400; give the message."""
    with pytest.raises(Refusal) as caught:
        decode(body if isinstance(body, bytes) else json.dumps(body).encode(), into)
    assert caught.value.status == 400
    return str(caught.value)


MISTAKES = [
    (Picture, {}, "pixels is required, a list of 784 numbers from 0 to 255, but the names given are: none; add pixels"),
    (
        Picture,
        [],
        f"the body must be a JSON object with the names pixels, but it is a list of 0; {BRACES}",
    ),
    (Picture, {"pixels": 3}, f"{PIXELS} it is 3; send a list in brackets"),
    (Picture, {"pixels": "ink"}, f'{PIXELS} it is "ink"; send a list in brackets'),
    (Picture, {"pixels": None}, f"{PIXELS} it is null; send a list in brackets"),
    (Picture, {"pixels": {"a": 1}}, f"{PIXELS} it is an object with the names a; send a list in brackets"),
    (Picture, {"pixels": BLANK[1:]}, f"{PIXELS} it has 783; add 1"),
    (Picture, {"pixels": [*BLANK, 0]}, f"{PIXELS} it has 785; leave out 1"),
    (Picture, {"pixels": [256, *BLANK[1:]]}, "pixels[0] must be a number from 0 to 255, but it is 256; send 255 or less"),
    (Picture, {"pixels": [*BLANK[1:], -0.5]}, "pixels[783] must be a number from 0 to 255, but it is -0.5; send 0 or more"),
    (
        Picture,
        {"pixels": ["9", *BLANK[1:]]},
        'pixels[0] must be a number from 0 to 255, but it is "9"; send a number without quotes',
    ),
    (Picture, {"pixels": [True, *BLANK[1:]]}, "pixels[0] must be a number from 0 to 255, but it is true; send a number, such as 1"),
    (
        Picture,
        {"pixel": BLANK},
        "unknown name 'pixel'; did you mean 'pixels'? The names are: pixels; leave it out or correct it",
    ),
    (
        LabelledPicture,
        {"pixels": BLANK},
        "label is required, a whole number from 0 to 999, but the names given are: pixels; add label",
    ),
    (LabelledPicture, {"pixels": BLANK, "label": 7.5}, "label must be a whole number from 0 to 999, but it is 7.5; round it"),
    (LabelledPicture, {"pixels": BLANK, "label": -1}, "label must be a whole number from 0 to 999, but it is -1; send 0 or more"),
    (
        LabelledPicture,
        {"pixels": BLANK, "label": 1000},
        "label must be a whole number from 0 to 999, but it is 1000; send 999 or less",
    ),
    (
        LabelledPicture,
        {"pixels": BLANK, "label": "7"},
        'label must be a whole number from 0 to 999, but it is "7"; send a number without quotes',
    ),
    (TrainingOfModel, {"distort": 1}, "distort must be true or false, but it is 1; send one of the two, without quotes"),
    (TrainingOfModel, {"distort": "true"}, 'distort must be true or false, but it is "true"; send one of the two, without quotes'),
    (
        TrainingOfModel,
        {"distorted": True},
        "unknown name 'distorted'; did you mean 'distort'? The names are: distort; leave it out or correct it",
    ),
    (RunRequest, {"pts": 1}, f"unknown name 'pts'; did you mean 'points'? The names are: {SETTINGS}; leave it out or correct it"),
    (
        RunRequest,
        None,
        f"the body must be a JSON object with the names {SETTINGS}, but it is null; {BRACES}",
    ),
    (RunRequest, {"hidden": 16}, f"{HIDDEN} it is 16; send a list in brackets: [16]"),
    (RunRequest, {"hidden": [1] * 6}, f"{HIDDEN} it has 6; leave out 2"),
    (RunRequest, {"hidden": [0]}, "hidden[0] must be a whole number from 1 to 512, but it is 0; send 1 or more"),
    (RunRequest, {"hidden": [1, 513]}, "hidden[1] must be a whole number from 1 to 512, but it is 513; send 512 or less"),
    (
        RunRequest,
        {"hidden": [[4]]},
        "hidden[0] must be a whole number from 1 to 512, but it is a list of 1; send a number, such as 1",
    ),
    (RunRequest, {"points": [[0, 0]]}, f"{POINT} it has 2; add 1"),
    (RunRequest, {"points": [[0, 0, 1, 1]]}, f"{POINT} it has 4; leave out 1"),
    (RunRequest, {"points": [{"x": 0}]}, f"{POINT} it is an object with the names x; send a list in brackets"),
    (RunRequest, {"points": [[2, 0, 1]]}, "points[0][0] must be a number from -1 to 1, but it is 2; send 1 or less"),
    (RunRequest, {"points": [[0, 0, 2]]}, "points[0][2] must be a whole number from 0 to 1, but it is 2; send 1 or less"),
]


@pytest.mark.parametrize(("into", "body", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_with_its_remedy(into, body, message):
    """The message names the place, the requirement, what came there, and what to send instead."""
    assert refused(body, into) == message


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_name_lists_those_that_exist(name):
    """A name that is not in its table is refused with all names of the table, and a value that is no text likewise."""
    assert refused({name: "?"}, RunRequest) == f"unknown {name} '?'; the names are: {NAMES[name]}"
    remedy = "send one of them in double quotes"
    assert refused({name: 3}, RunRequest) == f"{name} must be one of the names {NAMES[name]}, but it is 3; {remedy}"


@pytest.mark.parametrize("name", LIMITS)
def test_a_number_beyond_its_limits_is_told_with_them(name):
    """A setting that is too small, too large or no number is refused with both limits and the one that it passed."""
    requirement, low, more, high, less = LIMITS[name]
    assert refused({name: low}, RunRequest) == f"{name} must be {requirement}, but it is {low}; {more}"
    assert refused({name: high}, RunRequest) == f"{name} must be {requirement}, but it is {high}; {less}"
    assert refused({name: "a"}, RunRequest) == f'{name} must be {requirement}, but it is "a"; send a number without quotes'
    assert refused({name: None}, RunRequest).startswith(f"{name} must be {requirement}, but it is null; send a number, such as ")


QUOTES = "put names and texts in double quotes, and write numbers in digits"
NOT_JSON = [
    (b"{", "it ends too early; close every brace, bracket and quote"),
    (b'"\xff"', "it holds bytes that are not UTF-8; encode it as UTF-8"),
    (b'{"seed": 1e999}', "a number is out of range, beyond 1.8e308; send a smaller one"),
    (b"[" * 100_000, "it is nested too deeply; no body here needs more than three levels"),
    (
        b"{'a': 1}",
        f"it is malformed: object keys must be strings (byte 1); {QUOTES}",
    ),
]


@pytest.mark.parametrize(("body", "fault"), NOT_JSON, ids=range(len(NOT_JSON)))
def test_what_is_no_json_is_told_with_its_place(body, fault):
    """A body that cannot be read as JSON is refused with the fault and what to do about it."""
    assert refused(body, RunRequest) == f"the body must be JSON in UTF-8, but {fault}"


KEYS = st.sampled_from(["pixels", "label", "distort", *SETTINGS.split(", ")])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=60)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=3))
BODIES = VALUES | st.dictionaries(KEYS, VALUES, max_size=3)


@given(body=BODIES, into=st.sampled_from([Picture, LabelledPicture, TrainingOfModel, RunRequest]))
def test_every_mistake_has_a_requirement_and_a_remedy(body, into):
    """Whatever JSON comes, it is taken, or refused in one short line of the form requirement; remedy, without a decoder's words."""
    try:
        decode(json.dumps(body).encode(), into)
    except Refusal as refusal:
        (message,) = json.loads(refusal.response().body).values()
        assert "; " in message
        assert any(word in message for word in (" must ", " is required", "unknown "))
        assert not any(word in message for word in ("Expected", "enum", "- at"))
        assert "\n" not in message
        assert len(message) <= LONGEST_MESSAGE
