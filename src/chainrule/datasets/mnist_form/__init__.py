"""A grey picture of one digit, brought to MNIST's form by the steps that MNIST's makers applied to their scans.

``conversion`` holds the whole sequence. ``digit_finder`` finds the digit: it estimates the paper and the ink's contrast
(``contrast``), finds straight lines (``straight_lines``), removes those that do not belong to the digit (``line_removal``), and
chooses the digit among the connected components of the remaining ink (``components``).

"""

from .conversion import WORKING_SIDE, Pixels, is_in_mnist_form, reduce_size, reduction_factor, to_mnist

__all__ = ["WORKING_SIDE", "Pixels", "is_in_mnist_form", "reduce_size", "reduction_factor", "to_mnist"]
