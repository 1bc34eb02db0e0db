"""The settings of live runs: their limits, and the program, the command and the link that reproduce a run bit by bit."""

import json
import shlex
from typing import get_args

import msgspec
import numpy as np
import pytest
from cli.cli_helpers import run_process
from hypothesis import given
from hypothesis import strategies as st
from training_cases import parameter_bytes

import chainrule as cr
from chainrule.calculus.activations import ACTIVATIONS
from chainrule.calculus.optimizers import OPTIMIZERS
from chainrule.datasets.plane_sets import PLANE_SETS
from chainrule.web import run_requests
from chainrule.web.run_requests import RunRequest, command_line, make_run, python_lines

POINTS = ((-0.51, -0.5, 0), (0.1 + 0.2, 0.5, 0), (-0.5, 1e-7, 1), (0.5, -1 / 3, 1), (0.25, -0.75, 1))
REQUESTS = [
    RunRequest(data="spiral", hidden=(8, 4), epochs=2, l2=0.001, dropout=0.1, seed=3),
    RunRequest(data="xor", hidden=(), activation="relu", cost="cross_entropy", optimizer="sgd", epochs=3),
    RunRequest(data="digits", hidden=(12,), activation="sigmoid", cost="quadratic", optimizer="momentum", epochs=2),
    RunRequest(data="mnist", hidden=(5,), activation="relu", batch_size=200, epochs=1, learning_rate=0.001),
    RunRequest(data="points", points=POINTS, epochs=7, batch_size=2, dropout=0.25, activation="gelu"),
    RunRequest(data="points", points=POINTS[1:3], hidden=(), epochs=2, learning_rate=1 / 3, cost="quadratic", optimizer="nesterov"),
]


@pytest.fixture(params=REQUESTS, ids=lambda request: f"{request.data}-{request.cost}")
def trained(request):
    """A request, and the parameters that its run ends with."""
    run = make_run(request.param)
    while run.history.stopped is None:
        run.advance(3)
    return request.param, parameter_bytes(run.network)


def test_the_python_lines_reproduce_the_run(trained, capsys):
    """The program, executed, ends with the parameters of the live run, and prints its last epoch."""
    request, parameters = trained
    names = {}
    exec(python_lines(request), names)
    assert parameter_bytes(names["net"]) == parameters
    assert capsys.readouterr().out.strip().endswith(str(names["history"].records[-1]))


def test_the_command_line_reproduces_the_run(trained, tmp_path):
    """The command, run in a folder with the points' file, saves the parameters of the live run."""
    request, parameters = trained
    (tmp_path / "points.csv").write_text(run_requests.points_csv(request))
    program, *arguments = shlex.split(command_line(request).replace("\\\n", ""))  # as a shell joins lines
    done = run_process(*arguments, "--out", "net.safetensors", cwd=tmp_path)
    assert program == "chainrule"
    assert done.returncode == 0, done.stderr
    assert parameter_bytes(cr.load(tmp_path / "net.safetensors")) == parameters


@pytest.mark.parametrize("hidden", [(), (512, 512, 512, 512)])
@pytest.mark.parametrize("data", ["spiral", "points"])
def test_no_line_is_longer_than_80_characters(data, hidden):
    """The program and the command stay within 80 columns; every line of the command but the last ends in a backslash."""
    numbers = {"learning_rate": 0.1 + 0.2, "l2": 1 / 3, "dropout": 2 / 3, "epochs": 100_000, "seed": 2**53 - 1}
    names = {"activation": "leaky_relu", "cost": "cross_entropy", "optimizer": "momentum"}
    points = ((-1 / 3, -2 / 3, 0), (1 / 3, 1e-17 / 3, 1)) if data == "points" else ()
    request = RunRequest(data=data, hidden=hidden, points=points, batch_size=1000, **numbers, **names)
    command = command_line(request).split("\n")
    assert max(map(len, [*python_lines(request).split("\n"), *command])) <= 80
    assert [line.endswith(" \\") for line in command] == [True] * (len(command) - 1) + [False]


FLOATS = {"allow_nan": False, "allow_infinity": False}
POINT = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.integers(0, 1))
REQUEST = st.builds(
    dict,
    data=st.sampled_from([name for name in get_args(run_requests.Data) if name != "points"]),
    hidden=st.lists(st.integers(1, 512), max_size=4).map(tuple),
    activation=st.sampled_from(get_args(run_requests.Activation)),
    cost=st.sampled_from(get_args(run_requests.Cost)),
    optimizer=st.sampled_from(get_args(run_requests.Optimizer)),
    learning_rate=st.floats(0, 1000, exclude_min=True, **FLOATS),
    batch_size=st.integers(1, 1000),
    l2=st.floats(0, 100),
    dropout=st.floats(0, 0.95),
    epochs=st.integers(1, 100_000),
    seed=st.integers(0, 2**53 - 1),
)


@given(REQUEST, st.lists(POINT, max_size=20))
def test_json_holds_all_settings(settings, points):
    """A request that is written as JSON is read as the same one."""
    if len({label for *_, label in points}) == 2:
        settings = {**settings, "data": "points", "points": tuple(points)}
    request = RunRequest(**settings)
    assert msgspec.json.decode(msgspec.json.encode(request), type=RunRequest) == request


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"hidden": [513]}, r"`int` <= 512 - at `\$.hidden"),
        ({"hidden": [8] * 5}, "length <= 4"),
        ({"batch_size": 0}, ">= 1"),
        ({"epochs": 100_001}, "<= 100000"),
        ({"learning_rate": 0}, "> 0"),
        ({"learning_rate": "0.1"}, "Expected `float`, got `str`"),
        ({"seed": -1}, ">= 0"),
        ({"l2": -0.1}, ">= 0"),
        ({"data": "points", "points": [[0, 0, 0]] * 2001}, "length <= 2000"),
        ({"data": "points", "points": [[0, 0, 2], [0, 1, 0]]}, "<= 1"),
        ({"data": "points", "points": []}, "of both classes"),
        ({"data": "xor", "points": [[0, 0, 0]]}, "points must be left out"),
        ({"path": "/etc/passwd"}, "unknown field `path`"),
        ([], "Expected `object`"),
    ],
)
def test_a_request_out_of_its_limits_is_refused(body, message):
    """A body with a wrong entry is refused in one line that names the limit."""
    with pytest.raises(msgspec.ValidationError, match=message) as error:
        msgspec.json.decode(json.dumps(body), type=RunRequest)
    assert "\n" not in str(error.value)


def test_the_names_are_those_of_the_library():
    """A request may name every activation of hidden layers, every optimizer and every set of the plane."""
    assert set(get_args(run_requests.Activation)) == set(ACTIVATIONS) - {"softmax"}
    assert set(get_args(run_requests.Optimizer)) == set(OPTIMIZERS)
    assert set(get_args(run_requests.Data)) == {"mnist", "digits", "points", *PLANE_SETS}


@pytest.mark.parametrize("activation", get_args(run_requests.Activation))
@pytest.mark.parametrize("cost", get_args(run_requests.Cost))
@pytest.mark.parametrize("optimizer", get_args(run_requests.Optimizer))
def test_every_combination_makes_a_run(activation, cost, optimizer):
    """Whatever activation, cost and optimizer are combined, a run can be made and trained by a mini-batch."""
    run = make_run(RunRequest(data="xor", hidden=(3,), activation=activation, cost=cost, optimizer=optimizer, learning_rate=1e-4))
    run.advance(1)
    assert run.done == 1


def test_every_setting_reaches_the_run():
    """The run has each setting of the request, none of them at its default."""
    names = {"activation": "relu", "cost": "cross_entropy", "optimizer": "rmsprop"}
    numbers = {"learning_rate": 0.5, "batch_size": 9, "l2": 0.25, "dropout": 0.5, "epochs": 3, "seed": 11}
    request = RunRequest(data="digits", hidden=(7, 5), **names, **numbers)
    run = make_run(request)
    plan = run.plan
    assert run.network.sizes == [64, 7, 5, 10]
    assert [sigma.name for sigma in plan.sigmas] == ["relu", "relu", "sigmoid"]
    assert (plan.cost, plan.optimizer.name, plan.batch_size, plan.l2, plan.seed) == ("cross_entropy", "rmsprop", 9, 0.25, 11)
    assert [layer.dropout for layer in plan.layers] == [0.5, 0.5, 0]
    assert (run.learning_rate, run.epochs, run.network.seed) == (0.5, 3, 11)
    assert (len(run.examples), len(run.validation)) == (1197, 300)


def test_the_points_are_the_examples():
    """A run of points trains and validates on them, with two inputs and two outputs."""
    run = make_run(REQUESTS[-2])
    assert run.network.sizes == [2, 16, 16, 2]
    assert np.array_equal(np.column_stack([run.examples.x, run.examples.y]), np.array(POINTS))
    assert run.validation is run.examples
