"""Figures of a training and of an evaluation, drawn with matplotlib, and the numbers that they show.

``curves``, ``confusion``, ``values``, ``calibration_and_roc``, ``importance``, ``runs``, ``seeds``, ``sweep_scores`` and
``sweep_axes`` each take plain arrays, and return a matplotlib ``Figure``. They do not import pyplot: no window opens, and no figure
stays in memory. ``check_plot_path`` refuses a file's name before the work begins, and ``save`` writes the file. The numbers are
computed in ``metrics``.
"""

from .calibration_plot import calibration_and_roc
from .confusion_plot import confusion
from .figure_file import check_plot_path, save
from .importance_plot import importance
from .learning_curves import curves
from .run_plot import runs
from .seed_plot import SeedStrip, seeds
from .sweep_plot import SweepPoint, sweep_axes, sweep_scores
from .value_plot import values

__all__ = [
    "SeedStrip", "SweepPoint", "calibration_and_roc", "check_plot_path", "confusion", "curves", "importance", "runs", "save",
    "seeds", "sweep_axes", "sweep_scores", "values",
]  # fmt: skip
