"""Data sets and readers of files. All files are treated as untrusted: their contents are checked before they become ``Examples``.

``mnist()`` is part of the package, ``digits()`` of scikit-learn; ``circles()``, ``spiral()``, ``xor()`` and ``moons()`` draw points
in the plane. ``idx(folder)`` reads files in MNIST's format, and ``table(path)`` reads a csv, npz, svmlight or parquet file; it
returns ``Examples``, all others a ``Dataset`` (train, validation, test). ``pictures`` reads a photo or drawing of a digit, which
``mnist_form`` converts to MNIST's form. SciPy, scikit-learn, Pillow and DuckDB are imported when first used.
"""

from .dataset import Dataset
from .idx import idx
from .mnist import mnist
from .plane_sets import circles, moons, spiral, xor
from .sklearn_digits import digits
from .table import table

__all__ = ["Dataset", "circles", "digits", "idx", "mnist", "moons", "spiral", "table", "xor"]
