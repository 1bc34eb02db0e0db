"""Data to train on, each read from untrusted bytes into checked ``Examples``.

``mnist()`` comes with the package, ``digits()`` with scikit-learn; ``idx(folder)`` reads what is stored as MNIST is, and
``table(path)`` a csv, npz, svmlight or parquet file. The first three give a ``Dataset`` (train, validation, test), the last one
``Examples``. ``pictures`` brings a photo or drawing of a digit to MNIST's form. SciPy, scikit-learn, Pillow and pyarrow load when
first used.
"""

from .dataset import Dataset
from .idx import idx
from .mnist import mnist
from .small import digits
from .table import table

__all__ = ["Dataset", "digits", "idx", "mnist", "table"]
