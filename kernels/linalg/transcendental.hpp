// exp, expm1, log and tanh of whole vectors.
//
// Accuracy: a few units in the last place wherever the result is a normal number; infinities, NaN
// and signs of zero keep their meaning (tests/test_kernels.py).
#pragma once
#include <cstdint>

#include "linalg/simd.hpp"

namespace chainrule::ISA {

template <class T>
struct FloatFormat;

template <>
struct FloatFormat<float> {
    typedef std::int32_t Int;
    static constexpr int mantissa_bits = 23;
    static constexpr int exponent_bias = 127;
    static constexpr int expm1_terms = 7;
    static constexpr float exp_overflow = 88.8f;          // exp(x) is inf above
    static constexpr float exp_underflow = -104.0f;       // and 0 below
    static constexpr float rounding_shift = 12582912.0f;  // 1.5 * 2^23: x + shift - shift rounds x
    static constexpr float ln2_high = 0.693359375f;       // few bits: n * ln2_high is exact
    static constexpr float ln2_low = -2.12194440e-4f;
    static constexpr float log2_e = 1.44269504f;
    static constexpr float largest = 3.40282347e38f;
};

template <>
struct FloatFormat<double> {
    typedef std::int64_t Int;
    static constexpr int mantissa_bits = 52;
    static constexpr int exponent_bias = 1023;
    static constexpr int expm1_terms = 13;
    static constexpr double exp_overflow = 709.8;
    static constexpr double exp_underflow = -745.2;
    static constexpr double rounding_shift = 6755399441055744.0;  // 1.5 * 2^52
    static constexpr double ln2_high = 6.93145751953125e-1;
    static constexpr double ln2_low = 1.42860682030941723212e-6;
    static constexpr double log2_e = 1.4426950408889634;
    static constexpr double largest = 1.7976931348623157e308;
};

template <class T>
using IntVec = Vec<typename FloatFormat<T>::Int>;

// 2^n for whole n, as two factors: their product overflows to inf and underflows to 0 where 2^n
// does.
static inline void power_of_2(Vec<T> n, Vec<T> &first, Vec<T> &second) {
    using Format = FloatFormat<T>;
    const IntVec<T> exponent = __builtin_convertvector(n, IntVec<T>);
    const IntVec<T> half = exponent >> 1;
    first = (Vec<T>)((half + Format::exponent_bias) << Format::mantissa_bits);
    second = (Vec<T>)((exponent - half + Format::exponent_bias) << Format::mantissa_bits);
}

// exp(r) - 1 for |r| <= ln 2 / 2, by its Taylor series.
static inline Vec<T> expm1_near_0(Vec<T> r) {
    constexpr T inverse_factorials[] = {
        T(1.0 / 6227020800), T(1.0 / 479001600), T(1.0 / 39916800), T(1.0 / 3628800),
        T(1.0 / 362880),     T(1.0 / 40320),     T(1.0 / 5040),     T(1.0 / 720),
        T(1.0 / 120),        T(1.0 / 24),        T(1.0 / 6),        T(1.0 / 2),
    };
    constexpr int skipped = 13 - FloatFormat<T>::expm1_terms;
    Vec<T> p = broadcast<T>(inverse_factorials[skipped]);
    UNROLL
    for (int k = skipped + 1; k < 12; ++k) {
        p = p * r + inverse_factorials[k];
    }
    return p * (r * r) + r;
}

// x = n ln 2 + r with whole n and |r| <= ln 2 / 2 (Cody and Waite's two-part ln 2); NaN stays NaN.
static inline Vec<T> reduce_exp_argument(Vec<T> x, Vec<T> &n) {
    using Format = FloatFormat<T>;
    x = x > Format::exp_overflow ? broadcast<T>(Format::exp_overflow) : x;
    x = x < Format::exp_underflow ? broadcast<T>(Format::exp_underflow) : x;
    n = (x * Format::log2_e + Format::rounding_shift) - Format::rounding_shift;
    return (x - n * Format::ln2_high) - n * Format::ln2_low;
}

static inline Vec<T> exponential(Vec<T> x) {
    Vec<T> n;
    Vec<T> first;
    Vec<T> second;
    const Vec<T> r = reduce_exp_argument(x, n);
    power_of_2(n, first, second);
    return ((expm1_near_0(r) + T(1)) * first) * second;
}

// exp(x) - 1, accurate near 0; x at most 80, above which 2^n alone is large enough.
static inline Vec<T> exponential_minus_1(Vec<T> x) {
    Vec<T> n;
    Vec<T> first;
    Vec<T> second;
    const Vec<T> r = reduce_exp_argument(x, n);
    power_of_2(n, first, second);
    const Vec<T> scale = first * second;
    return scale * expm1_near_0(r) + (scale - T(1));
}

// tanh(x) = s / (s + 2) with s = exp(2 |x|) - 1: no cancellation near 0.
static inline Vec<T> hyperbolic_tangent(Vec<T> x) {
    const Vec<T> magnitude = x < T(0) ? -x : x;
    const Vec<T> twice = magnitude > T(22) ? broadcast<T>(44) : magnitude + magnitude;
    const Vec<T> s = exponential_minus_1(twice);
    const Vec<T> t = s / (s + T(2));
    return x < T(0) ? -t : t;
}

// ln x for normal x. x = 2^n m with m in [sqrt(1/2), sqrt(2)]; ln m = 2 artanh(s), s = (m-1)/(m+1),
// by its series.
static inline Vec<double> logarithm(Vec<double> x) {
    using Format = FloatFormat<double>;
    constexpr std::int64_t bits_of_sqrt_half = 0x3fe6a09e667f3bcd;
    const IntVec<double> bits = (IntVec<double>)x;
    const IntVec<double> exponent = (bits - bits_of_sqrt_half) >> Format::mantissa_bits;
    const Vec<double> m = (Vec<double>)(bits - (exponent << Format::mantissa_bits));
    const Vec<double> n = __builtin_convertvector(exponent, Vec<double>);
    const Vec<double> s = (m - 1) / (m + 1);
    const Vec<double> z = s * s;
    Vec<double> p = broadcast<double>(1.0 / 21);
    UNROLL
    for (int k = 19; k > 1; k -= 2) {
        p = p * z + 1.0 / k;
    }
    const Vec<double> ln_m = n * Format::ln2_low + 2 * s * (z * p) + 2 * s;
    return x != x ? x : n * Format::ln2_high + ln_m;
}

}  // namespace chainrule::ISA
