"""The book's bare names: after ``install()``, ``import network`` gives ``chainrule.book.network``, and so the others."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_loader
from types import ModuleType

from .._warnings import user_stacklevel
from ..errors import AbsentModule

NAMES = ("network", "network2", "mnist_loader", "mnist_average_darkness", "mnist_svm")
"""The book's modules that this package has."""

ABSENT = {
    "network3": (
        "chainrule has no network3, the book's convolutional networks over Theano. Its fully connected ones are "
        "cr.Network([784, 100, 10], activation='relu', cost='log_loss') with cr.train(..., dropout=0.5); for convolutional layers "
        "take PyTorch or Keras"
    ),
    "expand_mnist": (
        "chainrule has no expand_mnist, the book's copies of MNIST shifted by a pixel: cr.train(..., "
        "distort=cr.distort.Affine(shift=1)) shifts the images anew in each epoch, and needs no file"
    ),
}
"""The book's modules that this package does not have, and what to use instead."""


class HiddenModuleWarning(UserWarning):
    """A module of the reader's own has one of the book's names, and is not imported by it while ``install()`` is in force."""


class BookLoader(Loader):
    """The loader of a bare name: it gives the module of this package itself, not a copy."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Import the module by its full name.

        Raises
        ------
        AbsentModule
            When the package does not have it.
        """
        if spec.name in ABSENT:
            raise AbsentModule(ABSENT[spec.name])
        module = import_module(f"{__package__}.{spec.name}")
        self.own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back, which the import by a bare name has replaced; its code has run already."""
        module.__spec__ = self.own_spec


class BookFinder(MetaPathFinder):
    """The finder of the bare names; it stands before all others."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Give the spec of one of the book's names. Absent modules that the reader has as files are left to other finders."""
        if fullname in NAMES or (fullname in ABSENT and other_file(fullname) is None):
            return spec_from_loader(fullname, BookLoader())
        return None


def other_file(name: str) -> str | None:
    """Give the file that ``import name`` would read without the book's finder; None where there is none.

    Examples
    --------
    >>> other_file("network3")
    """
    spec = PathFinder.find_spec(name)
    return None if spec is None or not spec.has_location else spec.origin


def install() -> None:
    """Let ``import network``, ``network2``, ``mnist_loader``, ``mnist_average_darkness``, ``mnist_svm`` give the book's modules.

    They come before files of these names, such as a ``network.py`` beside a notebook: of each such file a
    ``HiddenModuleWarning`` tells, and of one that is imported already the bare name gives the book's module from now on.
    ``uninstall`` ends it.
    """
    if any(isinstance(finder, BookFinder) for finder in sys.meta_path):
        return
    for name in NAMES:
        file = other_file(name)
        if file is not None:
            warnings.warn(
                f"import {name} gives the book's module from now on, and not {file}; rename that file to import it too, or call "
                "chainrule.book.uninstall()",
                HiddenModuleWarning,
                stacklevel=user_stacklevel(),
            )
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, BookFinder())


def uninstall() -> None:
    """End what ``install`` began: the bare names lead to the reader's own files again, where there are any."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, BookFinder)]
    for name in NAMES:
        if getattr(sys.modules.get(name), "__name__", None) == f"{__package__}.{name}":
            del sys.modules[name]
