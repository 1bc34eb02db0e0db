"""The OpenAPI document of the JSON API, made from the table of operations and from the classes of its bodies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from .. import __version__
from ..input_spec import SIDE
from .guard import MOST_BYTES
from .messages import LabelledPicture, Mistake, ModelState, Picture, Reading, RunProgress, TrainingOfModel
from .operations import Operation
from .run_requests import RunRequest

REF = "#/components/schemas/{name}"

VERTICAL_STROKE = [255 if 4 <= k // SIDE < 24 and 13 <= k % SIDE < 15 else 0 for k in range(SIDE * SIDE)]
"""The pixels of a 1: a stroke of 20 x 2 in MNIST's form."""

EXAMPLES: dict[Any, Any] = {
    Picture: {"pixels": VERTICAL_STROKE},
    LabelledPicture: {"pixels": VERTICAL_STROKE, "label": 1},
    TrainingOfModel: {"distort": False},
    RunRequest: {"data": "spiral", "hidden": [16, 16], "activation": "tanh", "learning_rate": 0.01},
    Reading: {"label": 1, "outputs": [0, 0.98, 0.01, 0, 0, 0, 0, 0.01, 0, 0]},
}
"""An example of a body, for the classes of which one helps."""

REFUSALS = "Every refusal is one line of JSON, an error and its remedy."
EVENTS = (
    "Beside these operations, GET /api/events?topics=model,run:ID is a stream of server-sent events with the newest frames of the "
    "topics: an event model holds a ModelState, an event frame a RunProgress and pictures, each with its topic; an event gone says "
    "that a topic does not exist. It is not among the paths: a program that calls each of them would wait for its end."
)

ALWAYS_REFUSED = {
    403: "The Host or the Origin is not this server's.",
    401: "A token is required, since this server can be reached from other machines.",
}
BODY_REFUSED = {400: "The body is not valid.", 413: f"The body has more than {MOST_BYTES:,} bytes."}


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """Make the document, OpenAPI 3.1."""
    table = list(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in table:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "chainrule draw",
            "version": __version__,
            "summary": "Read drawings of digits, and train networks live",
            "description": f"{REFUSALS} {EVENTS}",
        },
        "paths": {**paths, "/model.js": _module()},
        "components": {"schemas": _schemas(table), "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{}, {"token": []}],
    }


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    """Give the schemas of all bodies."""
    bodies = [Mistake, ModelState, RunProgress]
    bodies += [body for operation in operations for body in (operation.body, operation.returns) if body is not None]
    _, components = msgspec.json.schema_components(bodies, ref_template=REF)
    return components


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary}
    parameters = re.findall(r"\{(\w+)\}", operation.path)
    if parameters:
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "description": f"The id of a {name}."}
            for name in parameters
        ]
    if operation.body is not None:
        described["requestBody"] = {"required": _is_required(operation.body), "content": _json(operation.body)}
    described["responses"] = _responses(operation)
    return described


def _is_required(body: type[msgspec.Struct]) -> bool:
    """Whether a body has entries without a default; else it may be empty."""
    return any(field.required for field in msgspec.structs.fields(body))


def _responses(operation: Operation) -> dict[str, Any]:
    """Give the answer of success, and every refusal."""
    success: dict[str, Any] = {"description": operation.summary}
    if operation.returns is not None:
        success["content"] = _json(operation.returns)
    refusals = {**ALWAYS_REFUSED, **(BODY_REFUSED if operation.body is not None else {}), **operation.refusals}
    refused = {str(status): {"description": text, "content": _json(Mistake)} for status, text in sorted(refusals.items())}
    return {str(operation.status): success, **refused}


def _json(body: Any) -> dict[str, Any]:
    schema, _ = msgspec.json.schema_components([body], ref_template=REF)
    content: dict[str, Any] = {"schema": schema[0]}
    if body in EXAMPLES:
        content["examples"] = {"example": {"value": EXAMPLES[body]}}
    return {"application/json": content}


def _module() -> dict[str, Any]:
    """Describe the network as JavaScript."""
    answers = {409: "There is no network yet, or none that reads drawings.", **ALWAYS_REFUSED}
    refused = {str(status): {"description": text, "content": _json(Mistake)} for status, text in sorted(answers.items())}
    return {
        "get": {
            "operationId": "model_module",
            "summary": "The network that reads drawings, as one ES module with predict(x), outputs(x) and activations(x)",
            "responses": {
                "200": {"description": "The module", "content": {"text/javascript": {"schema": {"type": "string"}}}},
                **refused,
            },
        }
    }
