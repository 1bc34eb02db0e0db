// Each activation beside its derivative, for whole vectors: the C++ form of
// calculus/activations.py.
//
// The list comes first; the binding tells its names to Python, and activations cross from Python by
// name. To add an elementwise activation: add its name to the list, and define `name(z)` and
// `name_prime(z, a)` below. `needs_z` says which derivatives cannot be computed from `a` alone.
#pragma once

#define CHAINRULE_ELEMENTWISE_ACTIVATIONS(X) \
    X(sigmoid)                               \
    X(tanh)                                  \
    X(relu)                                  \
    X(leaky_relu)                            \
    X(identity)                              \
    X(exp)                                   \
    X(gelu)                                  \
    X(silu)                                  \
    X(mish)                                  \
    X(selu)

#define CHAINRULE_ACTIVATIONS(X)         \
    CHAINRULE_ELEMENTWISE_ACTIVATIONS(X) \
    X(softmax)

namespace chainrule {

#define CHAINRULE_ENUMERATOR(name) name,
enum class Activation : int { CHAINRULE_ACTIVATIONS(CHAINRULE_ENUMERATOR) };
#undef CHAINRULE_ENUMERATOR

// Whether the derivative is computed from z, which is then kept beside a.
static constexpr bool needs_z(Activation activation) {
    return activation == Activation::gelu || activation == Activation::silu ||
           activation == Activation::mish;
}

}  // namespace chainrule

#ifdef ISA
#include "calculus/normal_distribution.hpp"

namespace chainrule::ISA {

// sigma(z) = 1 / (1 + exp(-z))                                                              (N10)
static inline Vec<T> sigmoid(Vec<T> z) {
    return T(1) / (T(1) + exponential(-z));
}

// sigma'(z) = a (1 - a)
static inline Vec<T> sigmoid_prime(Vec<T>, Vec<T> a) {
    return a * (T(1) - a);
}

static inline Vec<T> tanh(Vec<T> z) {
    return hyperbolic_tangent(z);
}

// 1 - a^2
static inline Vec<T> tanh_prime(Vec<T>, Vec<T> a) {
    return T(1) - a * a;
}

// max(0, z); NaN stays NaN
static inline Vec<T> relu(Vec<T> z) {
    return z > T(0) ? z : z != z ? z : Vec<T>{};
}

// 0 where z <= 0, and 1 where z > 0, which is where a > 0                                   (N5)
static inline Vec<T> relu_prime(Vec<T>, Vec<T> a) {
    return a > T(0) ? broadcast<T>(1) : Vec<T>{};
}

// z where z > 0, else 0.01 z
static inline Vec<T> leaky_relu(Vec<T> z) {
    return z > T(0) ? z : z * T(0.01);
}

// 1 where z > 0, else 0.01
static inline Vec<T> leaky_relu_prime(Vec<T>, Vec<T> a) {
    return a > T(0) ? broadcast<T>(1) : broadcast<T>(T(0.01));
}

static inline Vec<T> identity(Vec<T> z) {
    return z;
}

static inline Vec<T> identity_prime(Vec<T>, Vec<T>) {
    return broadcast<T>(1);
}

// exp(z), at most the largest number
static inline Vec<T> exp(Vec<T> z) {
    const Vec<T> e = exponential(z);
    return e > FloatFormat<T>::largest ? broadcast<T>(FloatFormat<T>::largest) : e;
}

// exp(z) = a
static inline Vec<T> exp_prime(Vec<T>, Vec<T> a) {
    return a;
}

// z Phi(z) = max(0, z) - x Phi(-x) with x = |z|: the tail keeps its digits on both sides
static inline Vec<T> gelu(Vec<T> z) {
    const Vec<T> magnitude = z < T(0) ? -z : z;
    const Vec<T> x =
        magnitude > largest_tail_argument ? broadcast<T>(largest_tail_argument) : magnitude;
    return relu(z) - x * (gaussian(x) * scaled_tail(x));
}

// Phi(z) + z phi(z); 1 - gelu'(-z) where z > 0
static inline Vec<T> gelu_prime(Vec<T> z, Vec<T>) {
    const Vec<T> magnitude = z < T(0) ? -z : z;
    const Vec<T> x =
        magnitude > largest_tail_argument ? broadcast<T>(largest_tail_argument) : magnitude;
    const Vec<T> left = gaussian(x) * (scaled_tail(x) - inverse_root_of_2_pi * x);
    return z > T(0) ? T(1) - left : left;
}

// z sigma(z)
static inline Vec<T> silu(Vec<T> z) {
    return z / (T(1) + exponential(-z));
}

// s (1 + z (1 - s)) with s = sigma(z); 1 - s is sigma(-z), which keeps its digits where s is near 1
static inline Vec<T> silu_prime(Vec<T> z, Vec<T>) {
    return sigmoid(z) * (T(1) + z * sigmoid(-z));
}

// tanh(ln(1 + e^z)) as a fraction in w = e^-|z|, so that nothing overflows. `rest` is w^2 for
// positive z, else w.
struct MishFraction {
    Vec<T> numerator;
    Vec<T> denominator;
    Vec<T> w;
    Vec<T> rest;
};

static inline MishFraction mish_fraction(Vec<T> z) {
    const Vec<T> w = exponential(z > T(0) ? -z : z);
    const Vec<T> numerator = z > T(0) ? T(1) + T(2) * w : w * (w + T(2));
    const Vec<T> square_or_1 = z > T(0) ? w * w : broadcast<T>(1);
    return {
        .numerator = numerator,
        .denominator = numerator + T(2) * square_or_1,
        .w = w,
        .rest = z > T(0) ? w * w : w,
    };
}

// z tanh(ln(1 + e^z))
static inline Vec<T> mish(Vec<T> z) {
    const MishFraction fraction = mish_fraction(z);
    return z * (fraction.numerator / fraction.denominator);
}

// tanh(ln(1 + e^z)) + z sigma(z) / cosh^2(ln(1 + e^z)), in the same w
static inline Vec<T> mish_prime(Vec<T> z, Vec<T>) {
    const auto [numerator, denominator, w, rest] = mish_fraction(z);
    const Vec<T> sum = numerator * denominator + T(4) * (z * rest) * (T(1) + w);
    return sum / (denominator * denominator);
}

constexpr double selu_scale = 1.0507009873554804934193349852946;
constexpr double selu_alpha = 1.6732632423543772848170429916717;

// scale z where z > 0, else scale alpha (exp(z) - 1)
static inline Vec<T> selu(Vec<T> z) {
    const Vec<T> negative = z > T(0) ? Vec<T>{} : z;
    const Vec<T> below = T(selu_scale * selu_alpha) * exponential_minus_1(negative);
    return z > T(0) ? z * T(selu_scale) : below;
}

// scale where z > 0, else scale alpha exp(z) = a + scale alpha
static inline Vec<T> selu_prime(Vec<T>, Vec<T> a) {
    const Vec<T> below = a + T(selu_scale * selu_alpha);
    return a > T(0) ? broadcast<T>(T(selu_scale)) : below;
}

// value<A>(z) and derivative<A>(z, a) of each elementwise activation, made from the list.
template <Activation A>
static inline Vec<T> value(Vec<T> z) {
#define CHAINRULE_VALUE(name)              \
    if constexpr (A == Activation::name) { \
        return name(z);                    \
    }
    CHAINRULE_ELEMENTWISE_ACTIVATIONS(CHAINRULE_VALUE)
#undef CHAINRULE_VALUE
}

template <Activation A>
static inline Vec<T> derivative(Vec<T> z, Vec<T> a) {
#define CHAINRULE_DERIVATIVE(name)         \
    if constexpr (A == Activation::name) { \
        return name##_prime(z, a);         \
    }
    CHAINRULE_ELEMENTWISE_ACTIVATIONS(CHAINRULE_DERIVATIVE)
#undef CHAINRULE_DERIVATIVE
}

// Calls f.operator()<A>() with A = activation. Does nothing for softmax, which takes whole rows,
// and for identity, which changes nothing.
template <class F>
static inline void with_elementwise(Activation activation, F &&f) {
    if (activation == Activation::identity) {
        return;
    }
    switch (activation) {
#define CHAINRULE_CASE(name) \
    case Activation::name:   \
        return f.template operator()<Activation::name>();
        CHAINRULE_ELEMENTWISE_ACTIVATIONS(CHAINRULE_CASE)
#undef CHAINRULE_CASE
        case Activation::softmax:
            return;
    }
}

// a <- sigma(z); `a` has z's layout, and may be z itself. Softmax takes whole rows: see below.
static void activate(Activation activation, const Block &z, T *a) {
    with_elementwise(activation, [&]<Activation A>() {
        transform(z, a, [](Vec<T> v, long) { return value<A>(v); });
    });
}

// g <- g * sigma'(z): from dC/da to dC/dz. z and a have g's layout; z is read where needs_z.
static void pullback(Activation activation, const Block &g, const T *z, const T *a) {
    with_elementwise(activation, [&]<Activation A>() {
        transform_in_place(g, [=](Vec<T> v, long index) {
            const Vec<T> z_here = needs_z(A) ? load(z + index) : Vec<T>{};
            return v * derivative<A>(z_here, load(a + index));
        });
    });
}

// a <- softmax(a) of one row of n_out numbers, padded to whole vectors; the padding is overwritten
// with arbitrary numbers. The row's largest number is subtracted first, so that exp cannot
// overflow.
static void softmax(T *a, int n_out) {
    const auto maximum = [](Vec<T> x, Vec<T> y) { return x > y ? x : y; };
    Vec<T> maxima = broadcast<T>(-T(__builtin_inf()));
    for (int o = 0; o < n_out; o += lanes<T>) {
        maxima = maximum(first_lanes(load(a + o), n_out - o, maxima), maxima);
    }
    const T largest = reduce_lanes<T>(maxima, maximum);
    Vec<T> sum{};
    for (int o = 0; o < n_out; o += lanes<T>) {
        const Vec<T> e = exponential(load(a + o) - largest);
        sum += first_lanes(e, n_out - o);
        store(a + o, e);
    }
    const T inverse = 1 / sum_lanes<T>(sum);
    for (int o = 0; o < n_out; o += lanes<T>) {
        store(a + o, load(a + o) * inverse);
    }
}

// g <- a_j (g_j - sum_k g_k a_k) of one row: softmax's Jacobian, diag(a) - a a^T, times g.
static void softmax_pullback(T *g, const T *a, int n_out) {
    T inner_product = 0;
    for (int o = 0; o < n_out; ++o) {
        inner_product += g[o] * a[o];
    }
    for (int o = 0; o < n_out; ++o) {
        g[o] = a[o] * (g[o] - inner_product);
    }
}

}  // namespace chainrule::ISA
#endif  // ISA
