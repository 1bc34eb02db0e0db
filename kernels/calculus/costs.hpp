// Each cost beside its gradient at the output, dC/da: the C++ form of calculus/costs.py.
//
// The list comes first; the binding tells its names to Python, and costs cross from Python by name.
// To add a cost: add its name to the list, its settings to `cost_from`, and its cases to `cost_of`
// and `cost_gradient` below.
#pragma once
#include <cstdint>

#define CHAINRULE_COSTS(X) \
    X(quadratic)           \
    X(mean_squared_error)  \
    X(cross_entropy)       \
    X(log_loss)            \
    X(poisson)             \
    X(huber)

namespace chainrule {

#define CHAINRULE_ENUMERATOR(name) name,
enum class CostName : int { CHAINRULE_COSTS(CHAINRULE_ENUMERATOR) };
#undef CHAINRULE_ENUMERATOR

struct Cost {
    CostName name;
    double delta = 1;  // of Huber's cost: where it changes from quadratic to linear
};

// A cost from its name and a source of settings: `settings.number("delta")`.
template <class Settings>
static Cost cost_from(CostName name, const Settings &settings) {
    return {.name = name, .delta = name == CostName::huber ? settings.number("delta") : 1};
}

// Smaller magnitudes count as 0: the kernels flush them.
template <class T>
constexpr T smallest_normal =
    sizeof(T) == 4 ? T(1.1754943508222875e-38) : T(2.2250738585072014e-308);

}  // namespace chainrule

#ifdef ISA
#include "linalg/simd.hpp"

namespace chainrule::ISA {

constexpr T epsilon = sizeof(T) == 4 ? T(1.1920928955078125e-07) : T(2.220446049250313e-16);
constexpr T sqrt_of_smallest_normal =
    sizeof(T) == 4 ? T(1.0842021724855044e-19) : T(1.4916681462400413e-154);

// The target that favours no class: 1/n_out in a distribution over classes, 1/2 for a probability
// of its own.
static inline T uniform_target(const Cost &cost, int n_out) {
    return cost.name == CostName::log_loss ? T(1) / T(n_out) : T(0.5);
}

// y <- (1 - s) y + s u: label smoothing. y: padded with 0 to whole vectors; the padding stays 0.
static void smooth_targets(T *y, int n_out, double smoothing, T uniform) {
    const T kept = T(1 - smoothing);
    const Vec<T> added = broadcast<T>(T(smoothing * uniform));
    for (long o = 0; o < n_out; o += lanes<T>) {
        store(y + o, first_lanes(kept * load(y + o) + added, n_out - o));
    }
}

// Clips a probability to one rounding away from 0 and 1, so that its logarithm is finite.
static inline T clip_probability(T a) {
    return a < epsilon ? epsilon : a > 1 - epsilon ? 1 - epsilon : a;
}

// Clips a rate from below, so that a count divided by it is finite.
static inline T clip_rate(T a) {
    return a < sqrt_of_smallest_normal ? sqrt_of_smallest_normal : a;
}

// sum of v^2, v = y - a                                                                     (N2)
static double sum_of_squares(const T *a, const T *y, int n_out) {
    double sum = 0;
    for (int o = 0; o < n_out; ++o) {
        sum += double(a[o] - y[o]) * double(a[o] - y[o]);
    }
    return sum;
}

// 1/2 ||y - a||^2: one example's share of the notes' cost                                   (N1)
static double quadratic(const T *a, const T *y, int n_out) {
    return sum_of_squares(a, y, n_out) / 2;
}

// -sum [y ln a + (1 - y) ln(1 - a)]. For targets 0 and 1 the factor 1 - a or a is multiplied into
// `likelihood` instead, so that one logarithm serves several outputs and examples; the logarithm is
// taken here only before that product underflows.
static double cross_entropy(const T *a, const T *y, int n_out, double &likelihood) {
    double sum = 0;
    for (int o = 0; o < n_out; ++o) {
        const double p = clip_probability(a[o]);
        if (y[o] == 0 || y[o] == 1) {
            likelihood *= y[o] == 0 ? 1 - p : p;
        } else {
            sum -= y[o] * __builtin_log(p) + (1 - y[o]) * __builtin_log1p(-p);
        }
        if (likelihood < 1e-200) {
            sum -= __builtin_log(likelihood);
            likelihood = 1;
        }
    }
    return sum;
}

// -sum y ln a. An output whose target is 0 adds 0, or NaN if it is NaN.
static double log_loss(const T *a, const T *y, int n_out) {
    double sum = 0;
    for (int o = 0; o < n_out; ++o) {
        const T p = clip_probability(a[o]);
        sum -= y[o] != 0 ? y[o] * __builtin_log(double(p)) : 0 * p;
    }
    return sum;
}

// ln a, but not below ln of the smallest normal number: the kernels flush smaller rates to 0.
static inline double log_of_rate(T a) {
    constexpr double smallest = smallest_normal<T>;
    return a < smallest_normal<T> ? __builtin_log(smallest) : __builtin_log(double(a));
}

// sum [a - y + y ln(y / a)]; two logarithms, since y / a may underflow.
static double poisson(const T *a, const T *y, int n_out) {
    double sum = 0;
    for (int o = 0; o < n_out; ++o) {
        const double log_ratio =
            y[o] != 0 ? y[o] * (__builtin_log(double(y[o])) - log_of_rate(a[o])) : 0;
        sum += a[o] - y[o] + log_ratio;
    }
    return sum;
}

// sum of 1/2 v^2 where |v| <= delta, else delta (|v| - delta / 2), v = y - a. Both cases are
// c (|v| - c / 2) with c = min(|v|, delta).
static double huber(const T *a, const T *y, int n_out, double delta) {
    double sum = 0;
    for (int o = 0; o < n_out; ++o) {
        const double v = __builtin_fabs(double(a[o] - y[o]));
        const double c = v < delta ? v : delta;
        sum += c * (v - c / 2);
    }
    return sum;
}

// One example's cost is cost_of(...) - ln(likelihood), with `likelihood` 1 on entry. a and y:
// (n_out).
static double cost_of(const Cost &cost, const T *a, const T *y, int n_out, double &likelihood) {
    switch (cost.name) {
        case CostName::quadratic:
            return quadratic(a, y, n_out);
        case CostName::mean_squared_error:
            return 2 * quadratic(a, y, n_out);
        case CostName::cross_entropy:
            return cross_entropy(a, y, n_out, likelihood);
        case CostName::log_loss:
            return log_loss(a, y, n_out);
        case CostName::poisson:
            return poisson(a, y, n_out);
        case CostName::huber:
            return huber(a, y, n_out, cost.delta);
    }
    return __builtin_nan("");
}

// dC/da of one output.
static inline T cost_gradient(const Cost &cost, T a, T y) {
    switch (cost.name) {
        case CostName::quadratic:  // the 1/2 cancels the 2 of (N3); the sign is that of (N4)
            return a - y;
        case CostName::mean_squared_error:  // without the 1/2, the 2 of (N3) remains
            return 2 * (a - y);
        case CostName::cross_entropy:
            return (a - y) / (clip_probability(a) * (1 - clip_probability(a)));
        case CostName::log_loss:
            return -y / clip_probability(a);
        case CostName::poisson:
            return 1 - y / clip_rate(a);
        case CostName::huber: {
            const T v = a - y;
            const T delta = T(cost.delta);
            return v > delta ? delta : v < -delta ? -delta : v;
        }
    }
    return T(__builtin_nan(""));
}

}  // namespace chainrule::ISA
#endif  // ISA
