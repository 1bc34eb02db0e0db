"""The link that holds a run's settings is the same in the page and in the library."""

import msgspec
import pytest
from node import needs_node
from page_modules import run_module

from chainrule.web.run_requests import RunRequest, link_query

pytestmark = needs_node

REQUESTS = [
    RunRequest(),
    RunRequest(data="mnist", hidden=(30,), activation="sigmoid", cost="quadratic", optimizer="sgd", learning_rate=3.0, epochs=30),
    RunRequest(data="digits", hidden=(), activation="leaky_relu", cost="cross_entropy", l2=0.0001, dropout=0.25, seed=2**53 - 1),
    RunRequest(data="points", hidden=(8, 4, 2), points=((0.5, -0.25, 1), (-1.0, 1.0, 0), (0.01, 0.0, 1))),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: each.data)
def test_the_page_reads_the_links_that_it_writes(request_):
    """The query string that the page writes of a run's settings is read by it as these settings."""
    settings = run_module("train/settings.js", "m.fromQuery(m.toQuery(argument))", msgspec.to_builtins(request_))
    assert msgspec.convert(settings, RunRequest) == request_


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: each.data)
def test_the_page_reads_links_that_the_library_writes(request_):
    """The library's link of a run is read by the page as the same settings."""
    query = link_query(request_)
    settings = run_module("train/settings.js", "m.fromQuery(argument)", query)
    assert msgspec.convert(settings, RunRequest) == request_


@pytest.mark.parametrize("name", ["toString", "constructor", "__proto__"])
def test_a_name_of_javascripts_own_is_not_a_data_set(name):
    """A link whose data set has the name of a property that every JavaScript object has is read as one of an unknown data set."""
    settings = run_module("train/settings.js", "m.fromQuery(argument)", f"data={name}")
    assert msgspec.convert(settings, RunRequest) == RunRequest()


def test_a_strange_link_gives_settings_that_the_server_can_refuse():
    """What a link holds is kept as it is where it has not the form of a setting; points that are not points are left out."""
    settings = run_module("train/settings.js", "m.fromQuery(argument)", "data=<script>&hidden=a,8&epochs=many&points=1,2;x,y,z")
    assert (settings["data"], settings["hidden"], settings["epochs"], settings["points"]) == ("spiral", ["a", 8], "many", [])
