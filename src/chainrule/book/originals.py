"""Where a reader has replaced a part of the book's modules: by a subclass, on one network, in a class or in a module.

The fast path computes what the modules say. It is taken only as long as none of these parts is replaced.
"""

from __future__ import annotations

from typing import Any

LIVE = ("weights", "biases")
"""The attributes that each step reads and assigns: the book's classes have them on the network only."""


class Originals:
    """The methods of a class and some functions of its module, as they are defined.

    Parameters
    ----------
    defined : type
        The class.
    namespace : dict
        The module's ``globals()``, in which a reader may assign other functions later.
    functions : str
        The names of the functions that the class's methods call.
    """

    def __init__(self, defined: type, namespace: dict[str, Any], *functions: str) -> None:
        self.methods = dict(vars(defined))
        self.namespace = namespace
        self.functions = {name: namespace[name] for name in functions}

    def kept(self, network: Any, *methods: str) -> bool:
        """Whether a network has plain attributes and these methods, and its module all functions, as they are defined."""
        functions_kept = all(self.namespace[name] is function for name, function in self.functions.items())
        return functions_kept and has_plain_attributes(type(network)) and all(self._has(network, name) for name in methods)

    def _has(self, network: Any, name: str) -> bool:
        bound = getattr(network, name, None)
        return getattr(bound, "__func__", None) is self.methods[name] and getattr(bound, "__self__", None) is network


def has_plain_attributes(network_class: type) -> bool:
    """Whether the parameters of a class's networks are read and assigned without any code of the reader's.

    That is not so where the class or one of its bases has ``weights`` or ``biases``, such as a property, or defines
    ``__getattribute__``, ``__getattr__`` or ``__setattr__``.

    Examples
    --------
    >>> has_plain_attributes(type("Mine", (), {"weights": property(lambda self: [])}))
    False
    """
    plain_access = all(getattr(network_class, name) is getattr(object, name) for name in ("__getattribute__", "__setattr__"))
    return plain_access and not any(hasattr(network_class, name) for name in (*LIVE, "__getattr__"))
