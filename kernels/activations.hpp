// Activations over rows, and their derivatives from the activation itself.
#pragma once
#include "simd.hpp"

namespace chainrule::ISA {

template <class T>
struct Float;
template <>
struct Float<float> {
    typedef std::int32_t Int;
    static constexpr int mantissa = 23, bias = 127, terms = 7;
    static constexpr float largest = 88.8f, least = -104.0f, magic = 12582912.0f;           // 1.5 * 2^23
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f, log2_e = 1.44269504f, most = 3.40282347e38f;
};
template <>
struct Float<double> {
    typedef std::int64_t Int;
    static constexpr int mantissa = 52, bias = 1023, terms = 13;
    static constexpr double largest = 709.8, least = -745.2, magic = 6755399441055744.0;    // 1.5 * 2^52
    static constexpr double ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6, log2_e = 1.4426950408889634,
                            most = 1.7976931348623157e308;
};
template <class T>
using Ints = typename Lanes<typename Float<T>::Int>::Vector;

// 2^n for whole n, in two factors: their product overflows to inf and underflows to 0 where 2^n does.
static inline void powers_of_2(Vec<T> n, Vec<T> &first, Vec<T> &second) {
    using F = Float<T>;
    const Ints<T> whole = __builtin_convertvector(n, Ints<T>), half = whole >> 1;
    first = (Vec<T>)((half + F::bias) << F::mantissa);
    second = (Vec<T>)((whole - half + F::bias) << F::mantissa);
}

// e^r - 1 for |r| <= ln 2 / 2, by its Taylor series.
static inline Vec<T> expm1_near_0(Vec<T> r) {
    constexpr T reciprocals[] = {T(1.0 / 6227020800), T(1.0 / 479001600), T(1.0 / 39916800), T(1.0 / 3628800), T(1.0 / 362880),
                                 T(1.0 / 40320),      T(1.0 / 5040),      T(1.0 / 720),      T(1.0 / 120),     T(1.0 / 24),
                                 T(1.0 / 6),          T(1.0 / 2)};
    constexpr int skipped = 13 - Float<T>::terms;
    Vec<T> p = all<T>(reciprocals[skipped]);
    UNROLL for (int k = skipped + 1; k < 12; ++k) p = p * r + reciprocals[k];
    return p * (r * r) + r;
}

static inline Vec<T> reduced(Vec<T> x, Vec<T> &n) {
    using F = Float<T>;
    x = x > F::largest ? all<T>(F::largest) : x;
    x = x < F::least ? all<T>(F::least) : x;  // NaN passes both
    n = (x * F::log2_e + F::magic) - F::magic;
    return (x - n * F::ln2_high) - n * F::ln2_low;
}

static inline Vec<T> exponential(Vec<T> x) {
    Vec<T> n, first, second;
    const Vec<T> r = reduced(x, n);
    powers_of_2(n, first, second);
    return ((expm1_near_0(r) + T(1)) * first) * second;
}

// ln x for normal x, x = 2^n m: ln m = 2 artanh(s), s = (m - 1) / (m + 1), by its series
static inline Vec<double> logarithm(Vec<double> x) {
    using F = Float<double>;
    constexpr std::int64_t root_of_half = 0x3fe6a09e667f3bcd;
    const Ints<double> bits = (Ints<double>)x, n = (bits - root_of_half) >> F::mantissa;
    const Vec<double> m = (Vec<double>)(bits - (n << F::mantissa)), whole = __builtin_convertvector(n, Vec<double>);
    const Vec<double> s = (m - 1) / (m + 1), z = s * s;
    Vec<double> p = all<double>(1.0 / 21);
    UNROLL for (int k = 19; k > 1; k -= 2) p = p * z + 1.0 / k;
    return x != x ? x : whole * F::ln2_high + (whole * F::ln2_low + 2 * s * (z * p) + 2 * s);
}

// sigma(z) = 1 / (1 + e^-z)                                                                                                   (N10)
static inline Vec<T> sigmoid(Vec<T> z) {
    return T(1) / (T(1) + exponential(-z));
}

// tanh(z) = s / (s + 2) with s = e^2|z| - 1, which loses nothing near 0
static inline Vec<T> tanh(Vec<T> z) {
    const Vec<T> size = z < T(0) ? -z : z;
    const Vec<T> twice = size > T(22) ? all<T>(44) : size + size;
    Vec<T> n, first, second;
    const Vec<T> r = reduced(twice, n);
    powers_of_2(n, first, second);
    const Vec<T> scale = first * second;
    const Vec<T> s = scale * expm1_near_0(r) + (scale - T(1));
    const Vec<T> t = s / (s + T(2));
    return z < T(0) ? -t : t;
}

template <Activation A>
static inline Vec<T> value(Vec<T> z) {
    if constexpr (A == Activation::sigmoid) return sigmoid(z);
    if constexpr (A == Activation::tanh) return tanh(z);
    if constexpr (A == Activation::relu) return z > T(0) ? z : z != z ? z : Vec<T>{};
    if constexpr (A == Activation::leaky_relu) return z > T(0) ? z : z * T(0.01);
    if constexpr (A == Activation::exp) {
        const Vec<T> e = exponential(z);
        return e > Float<T>::most ? all<T>(Float<T>::most) : e;
    }
    return z;
}

// sigma'(z), from a = sigma(z)
template <Activation A>
static inline Vec<T> derivative(Vec<T> a) {
    if constexpr (A == Activation::sigmoid) return a * (T(1) - a);
    if constexpr (A == Activation::tanh) return T(1) - a * a;
    if constexpr (A == Activation::relu) return a > T(0) ? all<T>(1) : Vec<T>{};  // a > 0 where z > 0 (N5)
    if constexpr (A == Activation::leaky_relu) return a > T(0) ? all<T>(1) : all<T>(T(0.01));
    if constexpr (A == Activation::exp) return a;
    return all<T>(1);
}

// Some rows of numbers, `width` of each, a whole count of vectors.
struct Block { T *at; long rows, stride, width; };

// Every vector v of a block becomes f(v, its place)
template <class F>
static inline void change(const Block &b, F &&f) {
    for (long i = 0; i < b.rows; ++i)
        for (long at = i * b.stride; at < i * b.stride + b.width; at += lanes<T>) store(b.at + at, f(load(b.at + at), at));
}

// a <- softmax(a), a row's largest taken off first
static void softmax(T *a, int n_out) {
    const auto larger = [](Vec<T> x, Vec<T> y) { return x > y ? x : y; };
    Vec<T> most = all<T>(-T(__builtin_inf())), sum{};
    for (int o = 0; o < n_out; o += lanes<T>) most = larger(first_lanes(load(a + o), n_out - o, most), most);
    const T largest = fold<T>(most, larger);
    for (int o = 0; o < n_out; o += lanes<T>) {
        const Vec<T> e = exponential(load(a + o) - largest);
        sum += first_lanes(e, n_out - o);
        store(a + o, e);
    }
    const T share = 1 / total<T>(sum);
    for (int o = 0; o < n_out; o += lanes<T>) store(a + o, load(a + o) * share);
}

// f.template operator()<A>() for an activation that acts on each number alone, and changes it
template <class F>
static inline void elementwise(Activation activation, F &&f) {
    one_of<Activation::sigmoid, Activation::tanh, Activation::relu, Activation::leaky_relu, Activation::exp>(activation, f);
}

// a <- sigma(z), in place, of an elementwise activation
static void activate(Activation activation, const Block &z) {
    elementwise(activation, [&]<Activation A>() { change(z, [](Vec<T> v, long) { return value<A>(v); }); });
}

// g <- g * sigma'(z), of an elementwise activation; a lies as g does
static void pull_back(Activation activation, const Block &g, const T *a) {
    elementwise(activation, [&]<Activation A>() { change(g, [=](Vec<T> v, long at) { return v * derivative<A>(load(a + at)); }); });
}

}  // namespace chainrule::ISA
