// The standard normal distribution's lower tail, which gelu needs: the C++ form of
// calculus/normal_distribution.py, which derives the two factors of Phi(-x) = exp(-x^2/2) R(x).
#pragma once
#include "linalg/transcendental.hpp"

namespace chainrule::ISA {

// Phi(-x) is 0 in both types from this x on; for every larger x the factors are computed at it.
constexpr T largest_tail_argument = 40;

// The coefficients of the polynomial P in R for each type, the constant term first.
static constexpr float tail_coefficients_f32[] = {
    0.46151582972582809948f,      -0.091552310149702530622f,  0.031030382519504833032f,
    0.010003226591956261635f,     -0.026401185067250822643f,  0.024529282457769754171f,
    -0.01517064333392877949f,     0.0065503979962834686265f,  -0.0016712452422372127536f,
    -0.000041049656555412349532f, 0.00016952886433966499595f, -0.000016882042753138238152f,
};

static constexpr double tail_coefficients_f64[] = {
    0.46151582985003777354,    -0.091552281834008816523,  0.031030368425963684284,
    0.010002352385205580347,   -0.02640104296631887573,   0.024536963244438640841,
    -0.015170415401999345233,  0.0065220006566736044802,  -0.0016760723538660875873,
    7.7916864336846611201e-6,  0.00018233423201798504322, -0.000053608006942403032484,
    -9.8965730261825612692e-6, 9.0610807192705931687e-6,  -6.8736842908734596648e-8,
    -1.3096990549360203778e-6, 1.2445692036248242551e-7,  1.9849995611216478654e-7,
    -2.1841073552141384605e-8, -3.1705416731467835463e-8, 3.9955406010925205467e-10,
    3.9052042921298033582e-9,  7.2184138137944871314e-10,
};

constexpr T inverse_root_of_2_pi = T(0.3989422804014326779);

// exp(-x^2/2) for 0 <= x <= largest_tail_argument. h is x rounded to sixteenths: its square is
// exact.
static inline Vec<T> gaussian(Vec<T> x) {
    constexpr T shift = FloatFormat<T>::rounding_shift;
    const Vec<T> h = ((x * T(16) + shift) - shift) * T(0.0625);
    return exponential(-h * h * T(0.5)) * exponential(-(x - h) * (x + h) * T(0.5));
}

// R(x) = Phi(-x) exp(x^2/2) for 0 <= x <= largest_tail_argument: P(t) / (1 + x) with t = (x - 5) /
// (x + 5).
static inline Vec<T> scaled_tail(Vec<T> x) {
    constexpr auto &coefficients = []() -> auto & {
        if constexpr (sizeof(T) == 4) {
            return tail_coefficients_f32;
        } else {
            return tail_coefficients_f64;
        }
    }();
    constexpr int count = sizeof coefficients / sizeof coefficients[0];
    const Vec<T> t = (x - T(5)) / (x + T(5));
    Vec<T> p = broadcast<T>(coefficients[count - 1]);
    UNROLL
    for (int k = count - 2; k >= 0; --k) {
        p = p * t + coefficients[k];
    }
    return p / (T(1) + x);
}

}  // namespace chainrule::ISA
