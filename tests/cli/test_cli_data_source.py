"""The names of data, and the default names of models."""

from pathlib import Path

import pytest

from chainrule.cli.data_source import Source


@pytest.mark.parametrize("source", [Source("mnist"), Source("a/b.csv"), Source("a.csv", "kind"), Source("a#b.csv", "c")])
def test_a_source_is_parsed_as_it_was_written(source):
    """The data's name in a model leads back to the data and its target."""
    assert Source.parse(str(source)) == source


def test_a_path_may_contain_a_hash_sign():
    """An existing path that contains a # is a path without a target."""
    Path("a#b.csv").touch()
    assert Source.parse("a#b.csv") == Source("a#b.csv")


@pytest.mark.parametrize(
    ("name", "path"), [("mnist", "mnist"), ("digits", "digits"), ("some/wine.csv", "wine"), ("fashion/", "fashion")]
)
def test_the_model_is_named_after_the_data(name, path):
    """By default the model is saved in the working folder, under the data's name."""
    assert Source(name).model_path == Path(f"{path}.safetensors")
