"""The history of a watched training: what was read stays, added lines are read, and a file that is written anew is read anew."""

import json

import pytest

from chainrule.checkpoints import run_status
from chainrule.checkpoints.run_status import HistoryReader, read_history


def lines_of(*epochs, cost=0.5):
    """Write the records of these epochs."""
    rest = {"cost": cost, "learning_rate": 0.1, "seconds": 1.0, "examples_per_second": 9.0}
    optional = dict.fromkeys(("accuracy", "validation_cost", "validation_accuracy"))
    return "".join(json.dumps({"epoch": epoch, **rest, **optional}) + "\n" for epoch in epochs)


@pytest.fixture
def parsed(monkeypatch):
    """The lines that are parsed."""
    lines, original = [], run_status._parse_line
    monkeypatch.setattr(run_status, "_parse_line", lambda line: (lines.append(line), original(line))[1])
    return lines


def test_a_line_is_parsed_once(tmp_path, parsed):
    """A second reading parses the added lines alone, one that was half-written too, and gives the records of a whole reading."""
    path = tmp_path / "history.jsonl"
    reader = HistoryReader(path)
    assert reader.read() == []
    text = lines_of(1, 2, 3)
    path.write_text(text[:-5])
    assert [record.epoch for record in reader.read()] == [1, 2]
    path.write_text(text + lines_of(4))
    parsed.clear()
    assert [record.epoch for record in reader.read()] == [1, 2, 3, 4]
    assert len(parsed) == 2
    assert reader.read() == read_history(path)


REWRITTEN = {"shorter": lines_of(1, cost=0.25), "longer": lines_of(1, 2, 3, 4, 5, cost=0.25), "empty": ""}


@pytest.mark.parametrize("anew", REWRITTEN.values(), ids=REWRITTEN)
def test_a_history_that_is_written_anew_is_read_anew(tmp_path, anew):
    """After a file is replaced by another, shorter or longer, the records are those of the other alone; after its end, none."""
    path = tmp_path / "history.jsonl"
    path.write_text(lines_of(1, 2, 3))
    reader = HistoryReader(path)
    reader.read()
    path.write_text(anew)
    assert reader.read() == read_history(path)
    assert {record.cost for record in reader.read()} <= {0.25}
    path.unlink()
    assert reader.read() == []
