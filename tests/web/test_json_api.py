"""The JSON API: answers that are the library's own, bodies that are refused, runs, and the OpenAPI document."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from server_process import SECONDS, wait_for
from test_guard import one_line

import chainrule as cr
from chainrule.explaining.html_renderer import style, to_article
from chainrule.exporting.javascript import module_text
from chainrule.web.openapi import EXAMPLES, document
from chainrule.web.operations import OPERATIONS

PIXELS = [0.0] * 783 + [200.0]


@pytest.fixture(scope="module")
def digit():
    """A test image of MNIST and its label."""
    test = cr.datasets.mnist().test
    return test.x[0], int(test.y[0])


def test_predict_is_the_networks_feedforward(client, digits_network):
    """The outputs are those of ``net.feedforward`` for the same pixels, and the label that of ``net.predict``."""
    x = cr.datasets.mnist().test.x[:30]
    answers = [client.post("/api/predict", json={"pixels": row.tolist()}).json() for row in x]
    outputs = np.array([answer["outputs"] for answer in answers])
    assert np.abs(outputs - digits_network.feedforward(x)).max() < 1e-6
    assert [answer["label"] for answer in answers] == digits_network.predict(x).tolist()


def test_predict_takes_fractions_of_a_level(client, digits_network):
    """Pixels may be any numbers from 0 to 255, as anti-aliasing gives them."""
    x = np.random.default_rng(0).uniform(0, 255, 784)
    answer = client.post("/api/predict", json={"pixels": x.tolist()}).json()
    assert np.abs(answer["outputs"] - digits_network.feedforward((x / 255)[None])[0]).max() < 1e-6


def test_pixels_that_may_be_from_0_to_1_are_refused(client):
    """Pixels of 1 at most are refused with the remedy, in place of an answer for a nearly black picture; a black one is read."""
    for path, rest in (("/api/predict", {}), ("/api/explain", {"label": 3})):
        message = one_line(client.post(path, json={"pixels": [0.0] * 700 + [1.0] * 84, **rest}), 400)
        assert "multiply them by 255" in message
        assert client.post(path, json={"pixels": [0.0] * 784, **rest}).status_code == 200


def test_explain_is_the_librarys_explanation(client, digits_network, digit):
    """The HTML is the article of ``cr.explain``, for the true label that is given; its style is a file."""
    x, y = digit
    for label in (y, 3):
        html = client.post("/api/explain", json={"pixels": x.tolist(), "label": label}).json()["html"]
        assert html == to_article(cr.explain(digits_network, x / np.float32(255), label))
    assert "<style" not in html
    assert " style=" not in html
    assert client.get("/static/explanation.css").text == style()


def test_explain_refuses_a_label_that_the_network_lacks(client):
    """A label beyond the outputs is refused, with those that there are."""
    message = one_line(client.post("/api/explain", json={"pixels": PIXELS, "label": 10}), 409)
    assert message == "label must be from 0 to 9, for the network has 10 outputs, but it is 10; send one of them"


def test_model_js_is_the_export(client, digits_network):
    """``/model.js`` is what ``cr.export`` writes, and a browser does not keep it."""
    answer = client.get("/model.js?version=anything")
    assert answer.text == module_text(digits_network)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


BAD_BODIES = [
    (b"", "pixels is required"),
    (b"{", "must be JSON"),
    (b"\xff", "must be JSON"),
    (b"[]", "must be a JSON object"),
    (b'{"pixels": [1, 2]}', "pixels must be a list of 784 numbers"),
    (json.dumps({"pixels": [0] * 785}).encode(), "leave out 1"),
    (json.dumps({"pixels": [0] * 783 + [256]}).encode(), "pixels[783] must be a number from 0 to 255"),
    (json.dumps({"pixels": [True] * 784}).encode(), "pixels[0] must be a number"),
    (b'{"pixels": [NaN]}', "must be JSON"),
    (b'{"pixels": [1e999]}', "out of range"),
    (json.dumps({"pixels": PIXELS, "path": "/etc/passwd"}).encode(), "unknown name 'path'"),
    (b'{"pixels": ' + b"[" * 200_000, "nested too deeply"),
    (b'{"x": ' + b'{"x": ' * 40_000, "nested too deeply"),
    (b"[" * 250_000, "nested too deeply"),
]


@pytest.mark.parametrize(("body", "reason"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_bad_bodies_are_refused(client, body, reason):
    """A body that is not the JSON that is asked for is refused with one line that says where the mistake is."""
    assert reason in one_line(client.post("/api/predict", content=body), 400)


def test_a_body_may_come_without_its_type(client):
    """Curl's -d sends a body as a form's; it is read as JSON all the same."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/api/predict", content=json.dumps({"pixels": PIXELS}), headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "GET"])
def test_other_methods_are_refused(client, method):
    """An address takes its own methods alone, and the answer names them."""
    answer = client.request(method, "/api/predict")
    one_line(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_unknown_addresses_are_refused(client):
    """An address that does not exist is one line of JSON, of a run that does not exist too."""
    for method, path in (("GET", "/api/nothing"), ("GET", "/api/runs/x"), ("POST", "/api/runs/x/start"), ("DELETE", "/api/runs/x")):
        one_line(client.request(method, path), 404)


def test_a_refused_name_lists_those_that_exist(client):
    """A run that does not exist is refused with the ids of those that do, and topics with what they must be and what came."""
    made = client.post("/api/runs", json={"data": "xor"}).json()["id"]
    assert f"the runs are: {made}" in one_line(client.post("/api/runs/x/start"), 404)
    client.delete(f"/api/runs/{made}")
    assert "POST /api/runs makes one" in one_line(client.get("/api/runs/x"), 404)
    for topics, found in (("", "one is ''"), ("a%20b", "one is 'a b'"), (",".join(f"run:{k}" for k in range(65)), "there are 65")):
        assert found in one_line(client.get(f"/api/events?topics={topics}"), 400)


def test_a_run_from_its_making_to_its_removal(client):
    """A run is made, steps, trains to its end, refuses to go on, begins anew, and is removed; its link holds its settings."""
    given = {"data": "xor", "hidden": [4], "epochs": 2, "batch_size": 70, "learning_rate": 0.05}
    made = client.post("/api/runs", json=given)
    assert made.status_code == 201
    run = made.json()["id"]
    assert {name: made.json()["settings"][name] for name in given} == given
    assert "learning_rate=0.05" in made.json()["link"]
    wait_for(lambda: client.get(f"/api/runs/{run}").json()["steps"] == 20)
    client.post(f"/api/runs/{run}/step")
    wait_for(lambda: client.get(f"/api/runs/{run}").json()["step"] == 1)
    client.post(f"/api/runs/{run}/start")
    end = wait_for(lambda: (state := client.get(f"/api/runs/{run}").json())["state"] == "finished" and state)
    assert (end["epoch"], end["step"]) == (2, 20)
    assert "reset it first" in one_line(client.post(f"/api/runs/{run}/start"), 409)
    assert client.post(f"/api/runs/{run}/reset").json()["state"] == "ready"
    assert client.post(f"/api/runs/{run}/pause").status_code == 200
    assert run in [each["id"] for each in client.get("/api/runs").json()["runs"]]
    answer = client.delete(f"/api/runs/{run}")
    assert (answer.status_code, answer.content) == (204, b"")
    one_line(client.get(f"/api/runs/{run}"), 404)


@pytest.mark.parametrize(
    "settings",
    [{"data": "../mnist"}, {"hidden": [0]}, {"hidden": [513]}, {"hidden": [1] * 5}, {"learning_rate": 0}],
)
def test_settings_beyond_their_limits_are_refused(client, settings):
    """Settings that no run may have are refused when it is made."""
    one_line(client.post("/api/runs", json=settings), 400)


def test_settings_that_exclude_one_another_are_refused(client):
    """Points belong to the data points, and must be of both classes."""
    one_line(client.post("/api/runs", json={"data": "xor", "points": [[0, 0, 1]]}), 409)
    assert "both classes" in one_line(client.post("/api/runs", json={"data": "points", "points": [[0, 0, 1]]}), 409)


def test_whole_numbers_may_be_written_with_a_point(client):
    """16.0 is an integer, as JSON Schema counts; 16.5 is refused."""
    run = client.post("/api/runs", content=b'{"data": "xor", "hidden": [16.0], "epochs": 2e1}')
    assert run.json()["settings"]["hidden"] == [16]
    client.delete(f"/api/runs/{run.json()['id']}")
    assert "hidden" in one_line(client.post("/api/runs", json={"hidden": [16.5]}), 400)


def test_the_number_of_runs_is_limited(client):
    """Beyond the limit a new run takes the place of the oldest one that neither trains nor is watched."""
    from chainrule.web.run_registry import MOST_RUNS

    made = [client.post("/api/runs", json={"data": "xor"}).json()["id"] for _ in range(MOST_RUNS + 1)]
    kept = [run["id"] for run in client.get("/api/runs").json()["runs"] if "state" in run]
    assert kept == made[1:]
    assert client.get(f"/api/runs/{made[0]}").status_code == 404
    for run in kept:
        assert client.delete(f"/api/runs/{run}").status_code == 204


def test_the_document_describes_every_operation(client):
    """``/openapi.json`` is OpenAPI 3.1, names every operation, and refers to schemas that it holds."""
    found = client.get("/openapi.json").json()
    assert found == json.loads(json.dumps(document(OPERATIONS)))
    assert found["openapi"].startswith("3.1")
    named = {each["operationId"] for path in found["paths"].values() for each in path.values()}
    assert named == {operation.name for operation in OPERATIONS} | {"model_module"}
    used = set(json.dumps(found).split('"#/components/schemas/')[1:])
    assert {text.partition('"')[0] for text in used} <= set(found["components"]["schemas"])


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.body in EXAMPLES], ids=lambda each: each.name)
def test_the_examples_are_taken(client, operation):
    """Each example of a body in the document is answered with success."""
    wait_for(lambda: client.get("/api/model").json()["training"] is None)
    answer = client.request(operation.method, operation.path, json=EXAMPLES[operation.body])
    assert answer.status_code == operation.status
    if operation.name == "create_run":
        client.delete(f"/api/runs/{answer.json()['id']}")


@pytest.fixture(scope="module")
def schema(server):
    """The document as schemathesis reads it."""
    schemathesis = pytest.importorskip("schemathesis")
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


@pytest.mark.parametrize("operation", [*(each.name for each in OPERATIONS if each.name != "train_model"), "model_module"])
def test_answers_conform_to_the_document(schema, client, operation):
    """For bodies and parameters that schemathesis draws, valid or not, the status, the type and the schema are documented ones."""
    found = schema.find_operation_by_id(operation)
    runs = []

    @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def conforms(case):
        answer = case.call_and_validate(timeout=SECONDS)
        if operation == "create_run" and answer.status_code == 201:
            runs.append(answer.json()["id"])
            client.delete(f"/api/runs/{runs[-1]}")

    from hypothesis import given

    given(case=found.as_strategy())(conforms)()


def test_a_cancelled_training_keeps_the_network_of_before(client):
    """A training that is cancelled ends at once and changes nothing; then there is none to cancel, and another may begin."""
    wait_for(lambda: client.get("/api/model").json()["training"] is None)
    before, module = client.get("/api/model").json(), client.get("/model.js").text
    assert client.post("/api/model", json={"distort": True}).json()["training"] is not None
    wait_for(lambda: client.get("/api/model").json()["training"]["step"] > 0)
    assert "/api/model/cancel" in one_line(client.post("/api/model", json={}), 409)
    assert client.post("/api/model/cancel").json() == before
    assert "POST /api/model trains one" in one_line(client.post("/api/model/cancel"), 409)
    assert client.post("/api/model", json={"distort": True}).status_code == 202
    assert client.post("/api/model/cancel").json() == before
    assert client.get("/model.js").text == module
