"""The modules of Nielsen's book on today's Python: ``network``, ``network2``, ``mnist_loader`` and the two baselines of chapter 1.

They have the book's names, call forms, shapes and printed lines, and train by the engines of this library. ``network.py`` has the
name of a module above it, because it is the book's. Only here do ``random.seed`` and ``numpy.random.seed`` decide a training.

``python -m chainrule.book`` opens a prompt for the book's sessions; after ``install()`` a bare ``import network`` works anywhere.
"""

from __future__ import annotations

from .book_names import HiddenModuleWarning, install, uninstall

__all__ = ["HiddenModuleWarning", "install", "uninstall"]
