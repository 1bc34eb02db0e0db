// The output layer of one example: its cost, whether it is right, and BP1.
#pragma once
#include "activations.hpp"

namespace chainrule::ISA {

constexpr T rounding = sizeof(T) == 4 ? T(1.1920928955078125e-07) : T(2.220446049250313e-16);
constexpr T rate_floor = sizeof(T) == 4 ? T(1.0842021724855044e-19) : T(1.4916681462400413e-154);  // sqrt of the least normal

static inline T inside(T a) { return a < rounding ? rounding : a > 1 - rounding ? 1 - rounding : a; }
static inline T above_0(T a) { return a < rate_floor ? rate_floor : a; }

// y of one example, as numbers, the padding 0
static void targets_of(const Data &data, std::int64_t row, const Layer<T> &last, T *y) {
    for (long o = 0; o < last.ld; o += lanes<T>)
        store(y + o, data.labels && counting() == T(data.labels[row] - o) ? all<T>(1) : Vec<T>{});
    for (int o = 0; !data.labels && o < last.n_out; ++o) y[o] = T(data.targets[row * last.n_out + o]);
}

static double half_square(const T *a, const T *y, int n_out) {
    double sum = 0;
    for (int o = 0; o < n_out; ++o) sum += double(a[o] - y[o]) * double(a[o] - y[o]);  // v^2, v = y - a (N2)
    return sum / 2;  // one example's share of (1/2) sum v^2 (N1)
}

// One example's cost, but for the logarithm of `chance`, the product of what was given to 0 and 1: one logarithm for as many factors as a
// double can hold, and several examples' at once.
static double cost_of(Cost cost, const T *a, const T *y, int n_out, double &chance) {
    double sum = 0;
    switch (cost) {
        case Cost::quadratic: return half_square(a, y, n_out);
        case Cost::mean_squared_error: return 2 * half_square(a, y, n_out);
        case Cost::cross_entropy:
            for (int o = 0; o < n_out; ++o) {
                const double p = inside(a[o]);
                if (y[o] == 0 || y[o] == 1) chance *= y[o] == 0 ? 1 - p : p;
                else sum -= y[o] * __builtin_log(p) + (1 - y[o]) * __builtin_log1p(-p);
                if (chance < 1e-200) sum -= __builtin_log(chance), chance = 1;
            }
            return sum;
        case Cost::log_loss:
            for (int o = 0; o < n_out; ++o) sum -= y[o] != 0 ? y[o] * __builtin_log(double(inside(a[o]))) : 0 * inside(a[o]);
            return sum;
        case Cost::poisson:
            for (int o = 0; o < n_out; ++o)  // two logarithms: y / a may be too small a number for one
                sum += a[o] - y[o] + (y[o] != 0 ? y[o] * (__builtin_log(double(y[o])) - __builtin_log(a[o] < least_normal<T> ? double(least_normal<T>) : double(a[o]))) : 0);
    }
    return sum;
}

// Whether the largest output is the wanted one; as NumPy has it, the first of the largest, and NaN above all.
static bool is_right(const T *a, int wanted, int n_out) {
    if (n_out == 1) return (a[0] > T(0.5)) == bool(wanted);
    if (wanted < 0 || wanted >= n_out) return false;
    const T best = a[wanted];
    Vec<T> beaten{};
    for (int o = 0; o < n_out; o += lanes<T>) {
        const Vec<T> other = load(a + o), earlier = counting() < T(wanted - o) ? all<T>(1) : Vec<T>{}, none{};
        if (best != best) beaten += first_lanes(other != other ? earlier : none, n_out - o);
        else beaten += first_lanes(other < best ? none : other == best ? earlier : all<T>(1), n_out - o);
    }
    return total<T>(beaten) == 0;
}

// dC/da of a pair whose derivative doesn't cancel
static inline T slope(Cost cost, T a, T y) {
    switch (cost) {
        case Cost::quadratic: return a - y;
        case Cost::mean_squared_error: return 2 * (a - y);  // the square's 2 stands where the cost has no 1/2 (N3)
        case Cost::cross_entropy: return (a - y) / (inside(a) * (1 - inside(a)));
        case Cost::log_loss: return -y / inside(a);
        case Cost::poisson: return 1 - y / above_0(a);
    }
    return 0;
}

// delta = dC/da * sigma'(z), or a - y where the derivative cancels                                                             (BP1)
static void output_delta(const Net<T> &net, const Layer<T> &layer, const T *a, const T *y, T *delta) {
    const bool subtracts = net.collapses || net.cost == Cost::quadratic;  // dC/da = a - y: the 2 has met the 1/2 (N3), the sign is -v's (N4)
    for (long o = 0; o < layer.ld; o += lanes<T>) store(delta + o, subtracts ? first_lanes(load(a + o) - load(y + o), layer.n_out - o) : Vec<T>{});
    if (net.collapses) return;
    for (int o = 0; o < layer.n_out && !subtracts; ++o) delta[o] = slope(net.cost, a[o], y[o]);
    if (layer.activation != Activation::softmax) return pull_back(layer.activation, Block{delta, 1, layer.stride, layer.ld}, a);
    T along = 0;
    for (int o = 0; o < layer.n_out; ++o) along += delta[o] * a[o];
    for (int o = 0; o < layer.n_out; ++o) delta[o] = a[o] * (delta[o] - along);
}

}  // namespace chainrule::ISA
