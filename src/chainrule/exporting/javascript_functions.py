"""The functions of an exported module that do not depend on its network, in JavaScript.

Each activation is computed as in ``calculus.activations``, always in float64.
"""

from __future__ import annotations

from ..calculus.activations import LEAK, SELU_ALPHA, SELU_SCALE
from ..calculus.normal_distribution import CENTRE, COEFFICIENTS, FARTHEST, SIXTEENTHS

_TAIL = ",\n  ".join(map(repr, COEFFICIENTS["float64"]))

SIGMOID = """
/** 1 / (1 + e^-z): the notes' activation (N10). */
function sigmoid(z) {
  return 1 / (1 + Math.exp(-z));
}
"""

TANH = """
/** The hyperbolic tangent. */
function tanh(z) {
  return Math.tanh(z);
}
"""

RELU = """
/** max(0, z): the neuron of pages 1-2. */
function relu(z) {
  return Math.max(0, z);
}
"""

LEAKY_RELU = f"""
/** z where z > 0, else a hundredth of it. */
function leaky_relu(z) {{
  return z > 0 ? z : {LEAK!r} * z;
}}
"""

IDENTITY = """
/** z itself. */
function identity(z) {
  return z;
}
"""

EXP = """
/** e^z, at most the largest number of the training's floats. */
function exp(z) {
  return Math.min(Math.exp(z), LARGEST);
}
"""

SOFTMAX = """
/** e^z over the sum of e^z; the largest z is subtracted first, so that none overflows. */
function softmax(z) {
  const largest = z.reduce((a, b) => Math.max(a, b));
  const e = z.map((each) => Math.exp(each - largest));
  const sum = e.reduce((a, b) => a + b);
  return e.map((each) => each / sum);
}
"""

GELU = f"""
/** z Phi(z), Phi the normal distribution: max(0, z) - x Phi(-x) with x = |z|, so that both tails keep their digits. */
function gelu(z) {{
  const x = Math.min(Math.abs(z), {FARTHEST!r});
  const h = Math.round(x * {SIXTEENTHS!r}) / {SIXTEENTHS!r}; // the square of h is exact, that of x is not
  const gaussian = Math.exp((-h * h) / 2) * Math.exp((-(x - h) * (x + h)) / 2); // e^(-x^2/2)
  const t = (x - {CENTRE!r}) / (x + {CENTRE!r});
  const tail = TAIL.reduceRight((sum, coefficient) => sum * t + coefficient, 0) / (1 + x);
  return Math.max(z, 0) - x * (gaussian * tail);
}}

/** Phi(-x) is e^(-x^2/2) P(t) / (1 + x): the coefficients of the polynomial P, the constant term first. */
const TAIL = [
  {_TAIL},
];
"""

SILU = """
/** z sigmoid(z), also called swish. */
function silu(z) {
  return z / (1 + Math.exp(-z));
}
"""

MISH = """
/** z tanh(ln(1 + e^z)), in w = e^-|z| alone, so that neither numerator nor denominator overflows. */
function mish(z) {
  const w = Math.exp(-Math.abs(z));
  const numerator = z > 0 ? 1 + 2 * w : w * (w + 2);
  const denominator = numerator + 2 * (z > 0 ? w * w : 1);
  return z * (numerator / denominator);
}
"""

SELU = f"""
/** lambda z where z > 0, else lambda alpha (e^z - 1), with lambda = 1.0507 and alpha = 1.6733. */
function selu(z) {{
  return z > 0 ? {SELU_SCALE!r} * z : {SELU_SCALE * SELU_ALPHA!r} * Math.expm1(z);
}}
"""

ACTIVATION_FUNCTIONS = {
    "sigmoid": SIGMOID,
    "tanh": TANH,
    "relu": RELU,
    "leaky_relu": LEAKY_RELU,
    "identity": IDENTITY,
    "exp": EXP,
    "softmax": SOFTMAX,
    "gelu": GELU,
    "silu": SILU,
    "mish": MISH,
    "selu": SELU,
}
"""Every built-in activation, by name: a function of one unit's z; softmax, of a whole layer's."""

FORWARD_FUNCTIONS = """
/** Gives every layer's activations, the last of which are the outputs: a = sigma(w a + b) through the layers (N10).
 * @param {ArrayLike<number>} x
 * @returns {Float64Array[]} */
export function activations(x) {
  let a = readInputs(x);
  return layers.map((layer) => (a = sigma[layer.activation](weightedInput(layer, a))));
}

/** Gives the outputs: the activations of the last layer.
 * @param {ArrayLike<number>} x
 * @returns {Float64Array} */
export function outputs(x) {
  return activations(x)[layers.length - 1];
}
"""

PREDICT = """
/** {summary}
 * @param {{ArrayLike<number>}} x
 * @returns {{{type}}} */
export function predict(x) {{
  const a = outputs(x);
  if (a.some(Number.isNaN)) throw new RangeError("the outputs hold NaN, which stands for no label: x is too large for the weights");
  return {decision};
}}
"""

REFUSE_TO_PREDICT = """
/** Refuses: the outputs are values, not labels. */
export function predict() {
  throw new Error("the network was trained on rows of values, which are not labels; call outputs(x)");
}
"""

SIGMA = """
/** The activations, by name: functions of a layer's weighted inputs z. z.map applies one to each unit. */
const sigma = {{
{entries}
}};
"""

LARGEST = """
/** The largest number of {dtype}, in which the network was trained. */
const LARGEST = {largest!r};
"""

WEIGHTED_INPUT = """
/** z = w a + b: for each unit j the sum over k of w[j][k] a[k], and b[j] (N10). */
function weightedInput({ weights, biases }, a) {
  const z = new Float64Array(biases.length);
  for (let j = 0; j < z.length; j++) {
    let sum = 0;
    for (let k = 0; k < a.length; k++) sum += weights[j * a.length + k] * a[k];
    z[j] = sum + biases[j];
  }
  return z;
}
"""
