"""The network: its parameters, predictions, costs, gradients and file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from . import model_file
from ._arrays import DTYPES, common_floats
from ._checks import check_int, check_seed
from ._format import pluralize
from ._types import AnyArray, Array, Inputs
from .calculus.activations import ACTIVATIONS, Activation, find_activation
from .calculus.backprop import Gradient
from .calculus.costs import COSTS, Cost, cost_for, find_cost
from .calculus.feedforward import decision, layer_shapes
from .calculus.initializers import initial_parameters
from .engines import Threads, choose, forward_small
from .errors import DataError, SettingError, UnknownName
from .examples import Examples, as_pair
from .input_spec import InputSpec, infer_input_spec
from .plan import MAXIMUM_LAYERS, Evaluation, Layer, Plan, Provenance, State, targets_for

if TYPE_CHECKING:
    import numpy.typing as npt


NAN_OUTPUTS = "the network's outputs hold NaN, which stands for no label: look for NaN or inf in its parameters"


class Network:
    """A feedforward network of fully connected layers: page 3 of the notes.

    Parameters
    ----------
    sizes : sequence of int
        The number of inputs, of each hidden layer's units, and of outputs: ``[784, 30, 10]``.
    activation : str, Activation, or a sequence of them
        Of the hidden layers: sigmoid (the notes), tanh, relu, leaky_relu, identity, exp, gelu, silu, mish, selu, or one of your
        own; a sequence names one a hidden layer.
    output : str or Activation, optional
        Of the output layer; by default the one that suits the cost.
    cost : str or Cost
        quadratic (the notes), mean_squared_error, cross_entropy, log_loss, poisson, huber, one from ``cr.costs`` with settings of
        its own, or one of your own.
    init : str, optional
        The initializer: normal (the notes), scaled, glorot_uniform, he_normal or lecun_normal; by default the one that suits the
        first layer's activation.
    seed : int, optional
        Of the initial parameters, and of trainings that are given no seed; drawn at random and recorded if not given.
    dtype : {"float32", "float64"}

    Attributes
    ----------
    weights : list of arrays
        Each (n_out, n_in): live and writable.
    biases : list of arrays
        Each (n_out,): live and writable.
    plan : Plan
        Its layers, cost and dtype, as the engines read them.
    init : str or None
        The initializer; None where the parameters were not drawn by one, as in an estimator's network.
    seed : int
    provenance : Provenance or None
        How it was trained.
    inputs : InputSpec or None
        The inputs that it was trained on: pixels, numbers or CSR rows, their shape and limits; None where that is not known, as
        before the first training.

    Raises
    ------
    SettingError
        When a setting is not valid.

    Examples
    --------
    >>> net = Network([784, 30, 10], seed=0)
    >>> net
    Network([784, 30, 10], sigmoid > sigmoid, quadratic cost, normal initializer, seed 0, float32: 23,860 parameters, untrained)
    >>> [w.shape for w in net.weights]
    [(30, 784), (10, 30)]
    """

    inputs: InputSpec | None = None  # class attributes, so that networks pickled by older versions have them too
    from_file: bool = False  # True from loading to the next training
    init: str | None

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str | Activation | Sequence[str | Activation] = "sigmoid",
        output: str | Activation | None = None,
        cost: str | Cost = "quadratic",
        init: str | None = None,
        seed: int | None = None,
        dtype: str = "float32",
    ) -> None:
        layers = _layers(sizes, activation, output, cost)
        self.plan = Plan(layers=layers, cost=_name_if_built_in(cost), dtype=_dtype(dtype))
        self.seed = _random_seed() if seed is None else check_seed("seed", seed)
        init = self.plan.sigmas[0].initializer if init is None else init
        self.init = init
        try:
            weights, biases = initial_parameters(self.plan.sizes, init, np.random.default_rng(self.seed))
        except UnknownName:
            raise
        except (MemoryError, ValueError, OverflowError):
            raise SettingError(f"a network of sizes {self.sizes} does not fit into memory; make it smaller") from None
        self.weights: list[Array] = [w.astype(self.plan.dtype) for w in weights]
        self.biases: list[Array] = [b.astype(self.plan.dtype) for b in biases]
        self.provenance: Provenance | None = None

    @property
    def sizes(self) -> list[int]:
        """The number of inputs, then of each layer's units."""
        return list(self.plan.sizes)

    @property
    def num_layers(self) -> int:
        """``len(sizes)``: the input layer counts (page 3)."""
        return len(self.plan.sizes)

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return sum(n_out * n_in + n_out for n_out, n_in in layer_shapes(self.plan.sizes))

    def feedforward(self, x: npt.ArrayLike, *, threads: Threads = "auto") -> Array:
        """Give the outputs, (m, n_out), for the rows of x, (m, n_in) (N10).

        Parameters
        ----------
        x : array_like, shape (m, n_in)
        threads : int or "auto"
            The number of threads; it changes no number.

        Raises
        ------
        DataError
            When x is of another width, or holds NaN or inf.
        """
        outputs = self._forward_small(x)
        if outputs is not None:
            return outputs
        inputs = self._inputs(x)
        plan, weights, biases = self._parameters()
        return choose("auto", plan, None).forward(plan, weights, biases, inputs, threads=threads)

    def _forward_small(self, x: Any) -> Array | None:
        """Give the outputs of a few rows, past the slower checks; None where x is not an array that is valid without them."""
        limits = (-np.inf, np.inf)
        if self.inputs is not None:
            limits = self.inputs.limits
            if self.inputs.kind != "pixels" and getattr(x, "dtype", None) == np.uint8:
                return None
        return forward_small(self.plan, self.weights, self.biases, x, limits)

    def predict(self, x: npt.ArrayLike) -> AnyArray:
        """Give each row's label: that of the largest output; of one sigmoid output 0 or 1; of another single output its value.

        Where several outputs stand for values, call ``feedforward``.

        Raises
        ------
        DataError
            As ``feedforward``; when an output is NaN; when the network has several outputs and was trained on values.
        """
        if self.provenance is not None and self.provenance.classes is False and self.plan.sizes[-1] > 1:
            raise DataError("the network was trained on rows of values, which are not labels; call feedforward() instead")
        outputs = self.feedforward(x)
        largest = outputs.max()
        if largest != largest:  # NaN: max() gives NaN where any output is NaN
            raise DataError(NAN_OUTPUTS)
        return decision(outputs, self.plan.sigmas[-1])

    def cost(self, x: Any, y: Any = None) -> float:
        """Give the mean cost over the examples (N1), without any penalty."""
        return self.evaluate(x, y).cost

    def accuracy(self, x: Any, y: Any = None) -> float:
        """Give the fraction of the examples that is classified correctly, in [0, 1].

        Raises
        ------
        DataError
            When y holds values, not classes.
        """
        accuracy = self.evaluate(x, y).accuracy
        if accuracy is not None and np.isnan(accuracy):
            raise DataError(NAN_OUTPUTS)
        if accuracy is None:
            raise DataError("accuracy needs classes, but this y holds values; call cost() instead")
        return accuracy

    def evaluate(self, x: Any, y: Any = None) -> Evaluation:
        """Give the cost and the number of correct predictions in one pass. Both are NaN if an output is."""
        examples = self.check_examples(x, y)
        plan, weights, biases = self._parameters()
        engine = choose("auto", plan, examples)
        evaluation = engine.open(plan, State(tuple(weights), tuple(biases)), threads="auto").evaluate(engine.prepare(examples))
        if np.isnan(evaluation.cost) and evaluation.right is not None:  # the largest of outputs that hold NaN is not a prediction
            return replace(evaluation, right=np.nan)
        return evaluation

    def backprop(self, x: Any, y: Any = None) -> Gradient:
        """Give the gradient of the cost, summed over the examples (BP1-BP4).

        Returns
        -------
        Gradient
            ``nabla_b, nabla_w``: lists of arrays of the shapes of ``biases`` and ``weights``.
        """
        examples = self.check_examples(x, y)
        plan, weights, biases = self._parameters()
        engine = choose("auto", plan, examples)
        value_and_gradient = engine.gradient(plan, engine.prepare(examples), None, threads="auto")
        _, gradient, _ = value_and_gradient(plan.pack(weights, biases))
        nabla_w, nabla_b = plan.unpack(gradient)
        return Gradient(nabla_b, nabla_w)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a safetensors file; a failure leaves no partial file.

        Raises
        ------
        FileError
            When it cannot be written.
        SettingError
            When an activation or the cost is a function of your own; when ``load`` would refuse the file.
        """
        model_file.write(path, network_as_model(self))

    def state(self) -> State:
        """Give the parameters as an engine's initial state."""
        _, weights, biases = self._parameters()
        return State(tuple(weights), tuple(biases))

    def take(self, state: State) -> None:
        """Write a state's parameters into this network's own arrays."""
        for own, new in zip([*self.weights, *self.biases], [*state.weights, *state.biases], strict=True):
            own[...] = new if own.shape == new.shape else new.reshape(own.shape)  # a column of biases

    def check_writable(self) -> None:
        """Refuse parameters that cannot be trained: training writes into the network's own arrays.

        Raises
        ------
        SettingError
            When one is not an array of the network's dtype, is read-only, or shares memory with another.
        """
        self._parameters()
        every = [*self.weights, *self.biases]
        names = [f"{name}[{k}]" for name in ("weights", "biases") for k in range(len(self.weights))]
        for name, part in zip(names, every, strict=True):
            if not isinstance(part, np.ndarray) or part.dtype != self.plan.dtype:
                kind = part.dtype if isinstance(part, np.ndarray) else type(part).__name__
                raise SettingError(
                    f"training writes into the network's own arrays, which must be {self.plan.dtype}; {name} is {kind}: "
                    f"net.{name} = np.array(net.{name}, {self.plan.dtype!r})"
                )
            if not part.flags.writeable:
                raise SettingError(f"training writes into the network's arrays; {name} is read-only: put a copy in its place")
        in_memory = sorted((*np.lib.array_utils.byte_bounds(part), name) for name, part in zip(names, every, strict=True))
        for (_, end, name), (begin, _, other) in pairwise(in_memory):
            if begin < end:
                raise SettingError(f"{name} and {other} share memory, and would be trained over each other; copy one of them")

    def check_examples(self, x: Any, y: Any = None, *, training: bool = False) -> Examples:
        """Convert x and y, or an ``Examples``, to the inputs and targets of this network, and refuse data that does not suit it.

        uint8 means pixels to a network that was trained on pixels or not at all, and numbers to one that was trained on numbers.
        With ``training=True`` values may lie somewhat beyond those of pixels.

        Raises
        ------
        DataError
            When they are of another width, their values are beyond those of the training, or their y does not suit the outputs and
            the cost.
        """
        examples = self.read(*as_pair(x, y), training=training)
        targets_for(examples, self.plan)
        return examples

    def _inputs(self, x: Any) -> Inputs:
        takes = self.plan.layers[0].n_in
        if isinstance(x, np.ndarray) and x.shape == (takes,):
            raise DataError(f"x is one row; pass a batch of rows, (m, {takes}), such as x[None]")
        return self.read(x).x

    def read(self, x: Any, y: Any = None, *, training: bool = False) -> Examples:
        """Convert x, or an ``Examples``, to the kind of inputs that the network was trained on; y is optional.

        Raises
        ------
        DataError
            When x is of another width, or its values are beyond those of the training.
        """
        spec = self.inputs
        pixels = None
        if spec is not None and (spec.kind == "pixels" or _is_uint8(x)):
            pixels = spec.takes_uint8_as_pixels(int(getattr(x, "x", x).max(initial=0)) if _is_uint8(x) else 0)
        if not isinstance(x, Examples):
            examples = Examples(x, y, pixels=pixels)
        elif x.kind == "pixels" and pixels is False:
            examples = Examples(x.x, x.y, weights=x.weights, pixels=False, layout=x.layout)
            examples.columns = x.columns
        else:
            examples = x
        self._check_columns(examples)
        if spec is not None:
            spec.check_layout(examples.layout)
            if examples.kind != "pixels" and np.isfinite(spec.limits).all():
                spec.check_limits(*examples.bounds, training=training)
        return examples

    def _check_columns(self, examples: Examples) -> None:
        """Refuse inputs of another width, or a frame whose columns are not those of the training."""
        takes, has = self.plan.layers[0].n_in, examples.n_in
        trained_on = self.provenance.columns if self.provenance else []
        if examples.columns and trained_on and list(examples.columns) != trained_on:
            missing = [name for name in trained_on if name not in examples.columns]
            fault = f"x has no column {missing[0]!r}, which" if missing else "x has other columns, or in another order, than"
            raise DataError(f"{fault} the network was trained on; pass x[net.provenance.columns]")
        if has != takes:
            hint = "; columns are examples here: pass x.T" if len(examples) == takes else ""
            raise DataError(f"x has {has} columns, but the network's first layer takes {takes}{hint}")

    def _parameters(self) -> tuple[Plan, list[Array], list[Array]]:
        """Give the plan, the weights and the biases to compute with; the user may have replaced arrays in the lists.

        They are the live arrays where all have the network's dtype and shapes. Otherwise they are copies in float64, or in float32
        where every one of them is float32; biases may be columns (n_out, 1), as the book has them.
        """
        shapes = layer_shapes(self.plan.sizes)
        expected = [*shapes, *(shape[:1] for shape in shapes)]
        parts = [*self.weights, *self.biases]
        if len(self.weights) == len(self.biases) == len(shapes) and _are_arrays_of(parts, expected, self.plan.dtype):
            return self.plan, self.weights, self.biases
        for name, arrays, wanted in (
            ("weights", self.weights, expected[: len(shapes)]),
            ("biases", self.biases, expected[len(shapes) :]),
        ):
            columns = [(*shape, 1) if name == "biases" else shape for shape in wanted]
            actual = [_shape(part) for part in arrays]
            if len(actual) != len(wanted) or any(c not in (s, col) for c, s, col in zip(actual, wanted, columns, strict=True)):
                raise SettingError(f"net.{name} must be {len(wanted)} arrays of shapes {wanted}; they are {actual}")
        names = [f"{name}[{k}]" for name in ("weights", "biases") for k in range(len(shapes))]
        dtype, arrays = common_floats(list(zip(names, parts, strict=True)))
        biases = [b.reshape(-1) for b in arrays[len(shapes) :]]
        return replace(self.plan, dtype=dtype), arrays[: len(shapes)], biases

    def __repr__(self) -> str:
        plan = self.plan
        sigmas = " > ".join(sigma.name for sigma in plan.sigmas)
        epochs = 0 if self.provenance is None else self.provenance.epochs
        trained = "untrained" if self.provenance is None else f"trained for {pluralize(epochs, 'epoch')}"
        init = self.init or (self.provenance.initializer if self.provenance is not None else "") or "unknown"
        return (
            f"Network({self.sizes}, {sigmas}, {plan.cost_function.name} cost, {init} initializer, seed {self.seed}, {plan.dtype}: "
            f"{self.parameters:,} parameters, {trained})"
        )


def network_as_model(network: Network) -> model_file.Model:
    """Give a network's parameters and settings as a model file holds them."""
    plan, weights, biases = network._parameters()
    settings = (plan.layers, plan.cost, plan.dtype, network.init, network.seed)
    return model_file.Model(*settings, tuple(weights), tuple(biases), network.provenance, network.inputs)


def network_from_model(model: model_file.Model) -> Network:
    """Make a network of the contents of a model file."""
    plan = Plan(layers=model.layers, cost=model.cost, dtype=model.dtype)
    inputs, provenance = model.inputs, model.provenance
    if inputs is None and provenance is not None:
        inputs = infer_input_spec(provenance.data, plan.sizes[0], provenance.kind)
    made: dict[str, Any] = {"init": model.init, "seed": model.seed, "provenance": model.provenance, "inputs": inputs}
    return network_from(plan, model.weights, model.biases, **made, from_file=True)


def network_from(
    plan: Plan,
    weights: Sequence[Array],
    biases: Sequence[Array],
    *,
    init: str | None,
    seed: int = 0,
    provenance: Provenance | None = None,
    inputs: InputSpec | None = None,
    from_file: bool = False,
) -> Network:
    """Make a network of existing parameters, whose memory it shares."""
    network = object.__new__(Network)
    network.plan, network.init, network.seed = plan, init, seed
    network.provenance, network.inputs, network.from_file = provenance, inputs, from_file
    network.weights, network.biases = list(weights), list(biases)
    return network


def _is_uint8(x: Any) -> bool:
    """Whether these inputs, or those of these examples, are uint8."""
    inputs = getattr(x, "x", x) if isinstance(x, Examples) else x
    return isinstance(inputs, np.ndarray) and inputs.dtype == np.uint8


def _shape(part: Any) -> tuple[int, ...] | str:
    """Give the shape of an object that may not be an array."""
    try:
        return np.shape(part)
    except ValueError:
        return "ragged"


def _are_arrays_of(parts: list[Any], shapes: Sequence[tuple[int, ...]], dtype: str) -> bool:
    """Whether all of them are arrays of these shapes and this dtype, in native byte order."""
    return all(
        isinstance(part, np.ndarray) and part.shape == shape and part.dtype == dtype and part.dtype.isnative
        for part, shape in zip(parts, shapes, strict=True)
    )


def checked_sizes(sizes: Sequence[int]) -> list[int]:
    """Read the sizes of a network's layers, of which the first is the number of inputs.

    Raises
    ------
    SettingError
        When they are not 2 to ``MAXIMUM_LAYERS`` + 1 whole numbers of at least 1.

    Examples
    --------
    >>> checked_sizes((784, np.int64(30), 10))
    [784, 30, 10]
    """
    try:
        counts = [check_int("each of sizes", size, least=1) for size in sizes]
    except TypeError:
        raise SettingError(f"sizes must be a list such as [784, 30, 10]; it is {sizes!r}") from None
    if len(counts) < 2:
        raise SettingError(f"sizes must name the inputs and one layer or more, such as [784, 30, 10]; it is {list(sizes)!r}")
    if len(counts) > MAXIMUM_LAYERS + 1:
        raise SettingError(f"sizes must name at most {MAXIMUM_LAYERS:,} layers; it names {len(counts) - 1:,}")
    return counts


def _layers(
    sizes: Sequence[int],
    activation: str | Activation | Sequence[str | Activation],
    output: str | Activation | None,
    cost: str | Cost,
) -> tuple[Layer, ...]:
    """Check the settings of a network's layers, and choose the output activation by the cost where none was given."""
    counts = checked_sizes(sizes)
    hidden = _hidden(activation, len(counts) - 2)
    last = _output_for(output, find_cost(cost))
    if counts[-1] == 1 and find_activation(last) is ACTIVATIONS["softmax"]:
        raise SettingError(
            "softmax over one output is always 1, so that nothing can be learnt; for two classes take two outputs, or one output "
            "with cost='cross_entropy'"
        )
    return tuple(
        Layer(n_in, n_out, _name_if_built_in(sigma))
        for n_in, n_out, sigma in zip(counts, counts[1:], [*hidden, last], strict=False)
    )


def _hidden(activation: str | Activation | Sequence[str | Activation], layers: int) -> list[str | Activation]:
    """Give each hidden layer its activation."""
    if isinstance(activation, (str, Activation)) or not isinstance(activation, Sequence):
        sigmas: list[str | Activation] = [activation]
        hidden = sigmas * layers
    else:
        sigmas = hidden = list(activation)
    if len(hidden) != layers:
        raise SettingError(f"activation must name one for each of the {layers} hidden layers; it names {len(hidden)}")
    if any(find_activation(sigma) is ACTIVATIONS["softmax"] for sigma in sigmas):
        raise SettingError("softmax makes a row of outputs one distribution: it is for the output layer; take sigmoid or relu")
    return hidden


def _output_for(output: str | Activation | None, cost: Cost) -> str | Activation:
    """Give the output activation, by default the one that suits the cost; refuse one that the cost cannot be used with."""
    if output is None:
        output = cost.output
    name = find_activation(output).name
    if isinstance(output, str) and cost.outputs and name not in cost.outputs:
        needs = " or ".join(f"output={allowed!r}" for allowed in cost.outputs)
        suited = cost_for(name)
        hint = f"; with output={name!r} take cost={suited!r}" if suited else ""
        raise SettingError(f"the cost {cost.name} needs {needs}, but the output is {name!r}{hint}")
    return output


def _name_if_built_in(part: Any) -> Any:
    """Give the name of a built-in function that was passed as an object; leave any other as it is."""
    table: Any = ACTIVATIONS if isinstance(part, Activation) else COSTS
    if isinstance(part, str):
        return part
    known = table.get(part.name)
    return part.name if type(known) is type(part) and known == part else part


def _dtype(dtype: Any) -> str:
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if name not in DTYPES:
        raise UnknownName("dtype", name, DTYPES)
    return name


def _random_seed() -> int:
    return int(np.random.SeedSequence().generate_state(1)[0])


def with_training(plan: Plan, **settings: Any) -> Plan:
    """Give a network's plan the settings of a training; ``dropout`` goes to the hidden layers."""
    dropout = settings.pop("dropout", 0.0)
    hidden = tuple(replace(layer, dropout=dropout) for layer in plan.layers[:-1])
    return replace(plan, layers=(*hidden, plan.layers[-1]), **settings)
