"""The names of data, and the default names of models."""

from pathlib import Path

import pytest

from chainrule.cli.data_source import Source


@pytest.mark.parametrize("source", [Source("mnist"), Source("a/b.csv"), Source("a.csv", "kind"), Source("a#b.csv", "c")])
def test_a_source_is_read_as_it_was_written(source):
    """The data's name in a model leads back to the data and its target."""
    assert Source.parse(str(source)) == source


def test_a_path_with_a_mark_of_its_own():
    """A file whose name holds a # is a file."""
    Path("a#b.csv").touch()
    assert Source.parse("a#b.csv") == Source("a#b.csv")


@pytest.mark.parametrize(
    ("name", "path"), [("mnist", "mnist"), ("digits", "digits"), ("some/wine.csv", "wine"), ("fashion/", "fashion")]
)
def test_the_model_is_named_after_the_data(name, path):
    """By default the model goes to the working folder."""
    assert Source(name).model_path == Path(f"{path}.safetensors")
