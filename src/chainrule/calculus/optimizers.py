"""Optimizers: the rules that turn a gradient into a step.

An optimizer is a frozen dataclass of settings with one rule, ``step(parameter, gradient, slots, rate, t)``. It computes the new
parameter and the new slots from a parameter, the batch's mean gradient, and the *slots*: the optimizer's state, arrays of the
parameter's shape that are 0 at first. ``rate`` is eta for this step, ``t`` counts the updates from 1.

Clipping and penalties come before the rule: see ``descent.update_mini_batch``.

The table ``OPTIMIZERS`` at the end is the only place that lists the built-in optimizers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from .._checks import check_float
from .._types import Array
from ..errors import SettingError, look_up

Slots = tuple[Array, ...]


@dataclass(frozen=True)
class Optimizer:
    """The base class of all optimizers: a name, the slots, the rule.

    Attributes
    ----------
    name : str
    linear : bool
        Whether a step depends on ``rate * gradient`` alone. Then a batch's sums with ``eta / m`` give the same step as its means
        with ``eta``.
    usual_rate : float or None
        A learning rate that suits most networks; None where it depends on the network.
    """

    name: ClassVar[str] = ""
    linear: ClassVar[bool] = False
    usual_rate: ClassVar[float | None] = None

    def _check(self, name: str, **limits: float) -> None:
        """Check a setting, and store it as a Python float: a NumPy scalar would turn a float32 network to float64."""
        object.__setattr__(self, name, check_float(name, getattr(self, name), **limits))

    @property
    def summary(self) -> str:
        """A phrase on it, for help texts."""
        return ""

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of its slots."""
        return ()

    @property
    def shrink(self) -> float:
        """Decoupled weight decay: before its step a weight is multiplied by ``1 - rate * shrink``; 0 for none."""
        return 0.0

    def step(self, parameter: Array, gradient: Array, slots: Slots, rate: float, t: int) -> tuple[Array, Slots]:
        """Make the new parameter and the new slots."""
        raise NotImplementedError


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent over mini-batches, plain or with momentum.

    - plain: ``w <- w - rate g``, the notes' step (N12);
    - momentum ``mu``: ``v <- mu v - rate g``, ``w <- w + v`` (book, chapter 3; Polyak 1964). The velocity carries the rate in it,
      as in scikit-learn; PyTorch multiplies by the rate afterwards, which differs only while a schedule changes it;
    - ``nesterov``: ``v <- mu v - rate g``, ``w <- w + mu v - rate g``: Nesterov's (1983) gradient at the point that the velocity
      leads to, in the form of Bengio et al. (2012) that scikit-learn and Keras use too.

    Parameters
    ----------
    momentum : float
        ``mu``, at least 0 and below 1.
    nesterov : bool
        Whether to use Nesterov's form; it needs momentum.

    Examples
    --------
    >>> SGD().step(np.array([1.0]), np.array([2.0]), (), rate=0.1, t=1)
    (array([0.8]), ())
    """

    momentum: float = 0.0
    nesterov: bool = False
    name: ClassVar[str] = "sgd"
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._check("momentum", least=0, below=1)
        object.__setattr__(self, "nesterov", bool(self.nesterov))
        if self.nesterov and not self.momentum:
            raise SettingError("nesterov=True needs a momentum above 0, such as 0.9")

    @property
    def summary(self) -> str:
        """A phrase on the step and its momentum, for help texts."""
        kind = "Nesterov's momentum" if self.nesterov else "momentum"
        return f"gradient descent with {kind} {self.momentum:g}" if self.momentum else "gradient descent, the notes' step"

    @property
    def slots(self) -> tuple[str, ...]:
        """``velocity``, with momentum."""
        return ("velocity",) if self.momentum else ()

    def step(self, parameter: Array, gradient: Array, slots: Slots, rate: float, t: int) -> tuple[Array, Slots]:
        """Make the new parameter and the new velocity."""
        move = -rate * gradient  # (N12), where rate is eta / m and the gradient a batch's sums
        if not self.momentum:
            move += parameter  # in place, in the new array: half the memory traffic
            return move, ()
        velocity = self.momentum * slots[0] + move
        if self.nesterov:
            return parameter + (self.momentum * velocity + move), (velocity,)
        return parameter + velocity, (velocity,)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015): a step of about ``rate`` in each coordinate, regardless of the gradient's size.

    ``m <- beta1 m + (1 - beta1) g``, ``v <- beta2 v + (1 - beta2) g^2``; at update t their biases towards 0 are corrected,
    ``m^ = m / (1 - beta1^t)``, ``v^ = v / (1 - beta2^t)``. Then

    - ``epsilon_on="corrected"``: ``w <- w - rate m^ / (sqrt(v^) + epsilon)``: the paper's Algorithm 1, and PyTorch;
    - ``epsilon_on="raw"``: ``w <- w - rate sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)``: the end of the paper's
      section 2, and scikit-learn.

    Parameters
    ----------
    beta1, beta2 : float
        The decay rates of the two averages, at least 0 and below 1.
    epsilon : float
        Keeps the division finite.
    epsilon_on : {"corrected", "raw"}
        The root that epsilon is added to.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    epsilon_on: Literal["corrected", "raw"] = "corrected"
    name: ClassVar[str] = "adam"
    usual_rate: ClassVar[float | None] = 0.001

    def __post_init__(self) -> None:
        self._check("beta1", least=0, below=1)
        self._check("beta2", least=0, below=1)
        self._check("epsilon", above=0)
        look_up("epsilon_on", self.epsilon_on, {"corrected": 0, "raw": 1})

    @property
    def summary(self) -> str:
        """A phrase on the step, for help texts."""
        return "steps of about the rate in each coordinate, by averages of the gradient and of its square"

    @property
    def slots(self) -> tuple[str, ...]:
        """``m`` and ``v``: the averages of the gradient and of its square."""
        return ("m", "v")

    def step(self, parameter: Array, gradient: Array, slots: Slots, rate: float, t: int) -> tuple[Array, Slots]:
        """Make the new parameter and the new averages."""
        m = self.beta1 * slots[0] + (1 - self.beta1) * gradient
        v = self.beta2 * slots[1] + (1 - self.beta2) * (gradient * gradient)
        root = (1 - self.beta2**t) ** 0.5
        size = rate * root / (1 - self.beta1**t)
        epsilon = self.epsilon * root if self.epsilon_on == "corrected" else self.epsilon
        return parameter - size * m / (np.sqrt(v) + epsilon), (m, v)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019): before Adam's step, ``w <- w - rate weight_decay w``.

    The decay is not divided by Adam's root, which is the difference from an L2 penalty. Biases are not decayed (PyTorch decays
    them too).

    Parameters
    ----------
    beta1, beta2, epsilon, epsilon_on
        As Adam's.
    weight_decay : float
        At least 0.
    """

    weight_decay: float = 0.01
    name: ClassVar[str] = "adamw"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("weight_decay", least=0)

    @property
    def summary(self) -> str:
        """A phrase on the step and its weight decay, for help texts."""
        return f"adam with decoupled weight decay {self.weight_decay:g}"

    @property
    def shrink(self) -> float:
        """The weight decay."""
        return self.weight_decay


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop (Hinton's lecture 6e, 2012): the gradient over the root of its recent mean square.

    ``v <- rho v + (1 - rho) g^2``, ``w <- w - rate g / (sqrt(v) + epsilon)``. Epsilon stands outside the root, as in PyTorch (Keras
    puts it inside).

    Parameters
    ----------
    rho : float
        The decay rate of the average, at least 0 and below 1; the lecture's 0.9 (PyTorch calls it alpha, at 0.99).
    epsilon : float
        Keeps the division finite.
    """

    rho: float = 0.9
    epsilon: float = 1e-8
    name: ClassVar[str] = "rmsprop"
    usual_rate: ClassVar[float | None] = 0.001

    def __post_init__(self) -> None:
        self._check("rho", least=0, below=1)
        self._check("epsilon", above=0)

    @property
    def summary(self) -> str:
        """A phrase on the step, for help texts."""
        return "the gradient over the root of its recent mean square"

    @property
    def slots(self) -> tuple[str, ...]:
        """``v``: the average of the gradient's square."""
        return ("v",)

    def step(self, parameter: Array, gradient: Array, slots: Slots, rate: float, t: int) -> tuple[Array, Slots]:
        """Make the new parameter and the new average."""
        v = self.rho * slots[0] + (1 - self.rho) * (gradient * gradient)
        return parameter - rate * gradient / (np.sqrt(v) + self.epsilon), (v,)


@dataclass(frozen=True)
class Lion(Optimizer):
    """Lion (Chen et al. 2023): a step of exactly ``rate`` in each coordinate, in the direction of a momentum's sign.

    ``w <- w - rate sign(beta1 m + (1 - beta1) g)``, then ``m <- beta2 m + (1 - beta2) g``. A coordinate whose momentum and gradient
    are 0 stays. The paper takes a rate 3 to 10 times smaller than AdamW's, and a weight decay as much larger.

    Parameters
    ----------
    beta1, beta2 : float
        The weight of the average in the step, and the decay rate of the average; at least 0 and below 1.
    weight_decay : float
        Decoupled, as AdamW's; at least 0.
    """

    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.0
    name: ClassVar[str] = "lion"
    usual_rate: ClassVar[float | None] = 0.0001

    def __post_init__(self) -> None:
        self._check("beta1", least=0, below=1)
        self._check("beta2", least=0, below=1)
        self._check("weight_decay", least=0)

    @property
    def summary(self) -> str:
        """A phrase on the step, for help texts."""
        return "steps of exactly the rate in each coordinate, by the sign of the gradient's average"

    @property
    def slots(self) -> tuple[str, ...]:
        """``m``: the average of the gradient."""
        return ("m",)

    @property
    def shrink(self) -> float:
        """The weight decay."""
        return self.weight_decay

    def step(self, parameter: Array, gradient: Array, slots: Slots, rate: float, t: int) -> tuple[Array, Slots]:
        """Make the new parameter and the new average."""
        direction = np.sign(self.beta1 * slots[0] + (1 - self.beta1) * gradient)
        m = self.beta2 * slots[0] + (1 - self.beta2) * gradient
        return parameter - rate * direction, (m,)


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": SGD(),
    "momentum": SGD(momentum=0.9),
    "nesterov": SGD(momentum=0.9, nesterov=True),
    "adam": Adam(),
    "adamw": AdamW(),
    "rmsprop": RMSprop(),
    "lion": Lion(),
}
"""Every built-in optimizer with its usual settings, by name."""


def find_optimizer(optimizer: str | Optimizer) -> Optimizer:
    """Look an optimizer up by name; an ``Optimizer`` passes through.

    Raises
    ------
    UnknownName
        When no built-in optimizer has that name.
    """
    return optimizer if isinstance(optimizer, Optimizer) else look_up("optimizer", optimizer, OPTIMIZERS)


def is_built_in(optimizer: Optimizer) -> bool:
    """Whether an optimizer is of a class in the table, with any settings."""
    return type(optimizer) in {type(built_in) for built_in in OPTIMIZERS.values()}
