"""The table of epochs: a sequence of records that is written to while earlier copies of it are read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.epoch_table import EpochTable

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def histories(draw):
    """Draw records of one training: a column that may be absent has a number in each epoch, or in none."""
    absent = draw(st.sets(st.sampled_from(["accuracy", "validation_cost", "validation_accuracy"])))
    epochs = draw(st.integers(0, 20))
    columns = {name: st.none() if name in absent else NUMBERS for name in cr.EpochRecord._fields[1:]}
    return [cr.EpochRecord(epoch=k + 1, **draw(st.fixed_dictionaries(columns))) for k in range(epochs)]


def table_of(records):
    return EpochTable.of(records)


@given(histories())
def test_a_table_gives_the_records_it_was_made_of(records):
    """As a whole, one by one, in slices, from the end; with ints and None as they were."""
    table = table_of(records)
    assert list(table) == records
    assert [table[k] for k in range(len(table))] == records
    assert list(table[1:3]) == records[1:3]
    assert all(type(record.epoch) is int for record in table)
    if records:
        assert table[-1] == records[-1]


@given(histories(), st.lists(st.integers(0, 20), max_size=4))
def test_a_copy_stays_as_it_is(records, cuts):
    """A table grows by parts; each copy that was taken on the way keeps its own epochs, also when it grows itself."""
    grown, copies, begin = EpochTable.empty(), [], 0
    for end in [*sorted(cuts), len(records)]:
        grown.extend(table_of(records[begin:end]))
        copies.append((grown.copy(), records[: len(grown)]))
        begin = max(begin, min(end, len(records)))
    assert list(grown) == records
    if records:
        copies[0][0].extend(table_of(records[:1]))
        copies[0][1].append(records[0])
    assert list(grown) == records
    assert all(list(copy) == expected for copy, expected in copies)


def test_an_epoch_that_does_not_exist_is_an_index_error():
    """As in a list."""
    with pytest.raises(IndexError):
        EpochTable.empty()[0]


def test_a_number_stands_for_all_epochs():
    """A column may be given as an array, as one number, or as None."""
    columns = dict.fromkeys(cr.EpochRecord._fields)
    table = EpochTable.from_columns(**{**columns, "epoch": np.arange(1, 4), "cost": 0.5})
    assert [record.epoch for record in table] == [1, 2, 3]
    assert [record.cost for record in table] == [0.5] * 3
    assert [record.seconds for record in table] == [None] * 3
