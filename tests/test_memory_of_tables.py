"""Large tables are in memory once: their columns are divided, prepared and released one after another."""

import subprocess
import sys

import numpy as np
import pytest

from chainrule.cli.table_source import split_for_test
from chainrule.tables.column import Column
from chainrule.tables.table import Table
from chainrule.tables.target_inference import infer_target


def test_a_popped_column_has_left_the_table():
    """``pop`` gives the column of a name and takes it out; the others keep their order."""
    columns = [Column(name, "number", np.arange(3.0)) for name in "abc"]
    table = Table(columns)
    assert table.pop("b") is columns[1]
    assert table.names == ["a", "c"]
    assert "b" not in table
    with pytest.raises(KeyError):
        table.pop("b")


def test_a_divided_table_is_emptied_column_by_column():
    """The rows to train on and those of the test are the table's, in their order, and the table has no column left."""
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=40) for name in "ab"}
    y = Column("y", "number", np.where(np.arange(40) == 7, np.nan, np.arange(40) % 2))
    split = split_for_test(
        Table([*(Column(name, "number", data) for name, data in columns.items()), y], "t.csv"), infer_target(y), 0
    )
    expected = split.test[0]
    train, test = split.divide()
    assert split.table.names == []
    assert train.names == ["a", "b"]
    assert train.name == "t.csv"
    assert (len(train), len(test)) == (len(split.train_places), len(split.test_places))
    for name in train.names:
        assert np.array_equal(train[name].data, columns[name][split.train_rows])
        assert np.array_equal(test[name].data, expected[name].data)
    assert sorted([*split.train_rows, *split.test_rows]) == [row for row in range(40) if row != 7]


GLIBC = """
import ctypes
import numpy as np
from chainrule.tables.freed_memory import return_freed_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

ctypes.CDLL(None).mallopt(-3, 1 << 25)  # M_MMAP_THRESHOLD: the blocks lie in the heap, as they do after a table was read
blocks = [np.ones(1 << 17) for _ in range(100)]
last = np.ones(1 << 17)
before = resident()
del blocks
return_freed_memory()
print(before - resident())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc")
def test_freed_memory_is_returned():
    """Freed blocks below a block in use are returned to the system, where the C library is glibc."""
    ctypes = pytest.importorskip("ctypes")
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("the C library is not glibc")
    freed = subprocess.run([sys.executable, "-c", GLIBC], capture_output=True, text=True, check=True).stdout
    assert int(freed) > 90 << 20
